import { Fault, type Kind } from "./fields";

/**
 * Machine series that take the program's disks (pd-balanced) and image (x86), with the vCPUs of each class
 * (Compute Engine, "Machine families resource and comparison guide" and "Persistent Disk": C4, N4, M4 and later take
 * Hyperdisk only; T2A, C4A, N4A are Arm; A and G are for accelerators, which a VM that migrates cannot have).
 */
const series: Record<string, Record<string, number[]>> = {
  e2: { standard: [2, 4, 8, 16, 32], highmem: [2, 4, 8, 16], highcpu: [2, 4, 8, 16, 32] },
  n1: {
    standard: [1, 2, 4, 8, 16, 32, 64, 96],
    highmem: [2, 4, 8, 16, 32, 64, 96],
    highcpu: [2, 4, 8, 16, 32, 64, 96],
  },
  n2: {
    standard: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128],
    highmem: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128],
    highcpu: [2, 4, 8, 16, 32, 48, 64, 80, 96],
  },
  n2d: {
    standard: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 224],
    highmem: [2, 4, 8, 16, 32, 48, 64, 80, 96],
    highcpu: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 224],
  },
  t2d: { standard: [1, 2, 4, 8, 16, 32, 48, 60] },
  c2: { standard: [4, 8, 16, 30, 60] },
  c2d: {
    standard: [2, 4, 8, 16, 32, 56, 112],
    highmem: [2, 4, 8, 16, 32, 56, 112],
    highcpu: [2, 4, 8, 16, 32, 56, 112],
  },
  c3: {
    standard: [4, 8, 22, 44, 88, 176],
    highmem: [4, 8, 22, 44, 88, 176],
    highcpu: [4, 8, 22, 44, 88, 176],
  },
  c3d: {
    standard: [4, 8, 16, 30, 60, 90, 180, 360],
    highmem: [4, 8, 16, 30, 60, 90, 180, 360],
    highcpu: [4, 8, 16, 30, 60, 90, 180, 360],
  },
};

const gbPerVcpu: Record<string, number> = { standard: 4, highmem: 8, highcpu: 1 };
/** Where a series gives its classes something else. */
const ownGbPerVcpu: Record<string, Record<string, number>> = {
  n1: { standard: 3.75, highmem: 6.5, highcpu: 0.9 },
  c2d: { highcpu: 2 },
  c3: { highcpu: 2 },
  c3d: { highcpu: 2 },
};

/** Custom types by series: most vCPUs, and GB a vCPU ("Create a VM with a custom machine type"); `-ext` goes beyond the most. */
const custom: Record<
  string,
  { vcpus: number; gb: [least: number, most: number]; extends: boolean }
> = {
  e2: { vcpus: 32, gb: [0.5, 8], extends: false },
  n1: { vcpus: 96, gb: [0.9, 6.5], extends: true },
  n2: { vcpus: 128, gb: [0.5, 8], extends: true },
  n2d: { vcpus: 224, gb: [0.5, 8], extends: true },
};

/** What services.sh needs (6827 MiB for the guest, which sees some 3 % less than the type has), with room to work in. */
const leastGb = 7.5;

/** A type that Compute Engine makes with our disks and image, and that the machine's own check of its memory takes. */
export const machineType: Kind<string> = {
  type: "string",
  example: "e2-standard-4",
  read: (text) => {
    const { memoryGb } = machineSize(text);
    if (memoryGb < leastGb)
      throw new Fault(
        `must be a machine type with at least ${leastGb} GB of memory; it has ${memoryGb}`,
      );
    return text;
  },
};

/** What a machine type has. */
export interface MachineSize {
  vcpus: number;
  memoryGb: number;
}

/** The standard types of a series, smallest first. */
export const standardTypes = (own: string): string[] =>
  (series[own]?.standard ?? []).map((vcpus) => `${own}-standard-${vcpus}`);

/** @throws Fault when Compute Engine would refuse the type, or its disks */
export function machineSize(text: string): MachineSize {
  const [, family = "", rest = ""] = /^(custom|[a-z]\d[a-z]*)-(.+)$/.exec(text) ?? [];
  const own = family === "custom" ? "n1" : family;
  const classes = series[own];
  if (!classes)
    throw new Fault(
      `must be a machine type of series ${Object.keys(series).join(", ")}: others take no pd-balanced disks, or are Arm, or need accelerators`,
    );
  const customSize = /^(?:custom-)?(\d+)-(\d+)(-ext)?$/.exec(rest);
  if (family === "custom" || rest.startsWith("custom-")) return customMachine(own, customSize);
  const [, size = "", vcpus = ""] = /^([a-z]+)-(\d+)(-lssd)?$/.exec(rest) ?? [];
  const known = classes[size]?.includes(Number(vcpus)) && String(Number(vcpus)) === vcpus;
  const hasSsd = !rest.endsWith("-lssd") || /^c3d?$/.test(own);
  if (!known || !hasSsd)
    throw new Fault(
      `must be a machine type of series ${own} with at least ${leastGb} GB of memory, such as ${own}-${Object.keys(classes)[0]}-${Object.values(classes)[0]?.at(2)}`,
    );
  const gb = ownGbPerVcpu[own]?.[size] ?? gbPerVcpu[size] ?? 0;
  return { vcpus: Number(vcpus), memoryGb: Number(vcpus) * gb };
}

function customMachine(own: string, size: RegExpExecArray | null): MachineSize {
  const rule = custom[own];
  const [vcpus, mib, extended] = [Number(size?.[1]), Number(size?.[2]), Boolean(size?.[3])];
  if (!rule || !size || (extended && !rule.extends))
    throw new Fault("must be a custom machine type such as e2-custom-4-16384 or n2-custom-4-16384");
  const evenVcpus = vcpus === 1 ? own !== "e2" && own !== "n2" && own !== "n2d" : vcpus % 2 === 0;
  const gb = mib / 1024;
  const inRange = gb >= vcpus * rule.gb[0] && (extended || gb <= vcpus * rule.gb[1]) && gb <= 640;
  if (!evenVcpus || vcpus > rule.vcpus || mib % 256 !== 0 || !inRange)
    throw new Fault(
      `must have an even number of vCPUs up to ${rule.vcpus} and ${rule.gb[0]} to ${rule.gb[1]} GB of memory each, in steps of 256 MiB`,
    );
  return { vcpus, memoryGb: gb };
}
