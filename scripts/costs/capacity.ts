import { machine } from "../../infra/config/machine";
import { machineSize, standardTypes } from "../../infra/config/machineTypes";
import { bytesPerGib, keptBytes } from "./monthly";
import type { Plan } from "./plan";
import { perSignal, rates } from "./rates";

/** What a stack has too little of for more engineers than these. */
export interface Limit {
  by: "processor" | "memory" | "disk" | "disk's syncs";
  engineers: number;
}

/** vCPUs that inserting what one engineer sends takes at least, in large batches. */
export const leastStoreVcpu = perSignal(
  (signal) => rates.rowsPerSecond.value[signal] * rates.storeMicrosPerRow.value[signal] * 1e-6,
);

/**
 * @returns how many engineers at work at once a stack carries by each of its parts, the scarcest first;
 *   extrapolated beyond the 200 that were measured
 * @throws Fault when Compute Engine makes no such machine
 */
export function limits(plan: Plan): Limit[] {
  const found: Limit[] = [
    { by: "processor", engineers: byProcessor(plan) },
    { by: "memory", engineers: byMemory(plan) },
    { by: "disk", engineers: byDisk(plan) },
    { by: "disk's syncs", engineers: engineersPerGate },
  ];
  return found.sort((one, other) => one.engineers - other.engineers);
}

/** @returns the scarcest part of a stack, and how many engineers it carries */
export const scarcest = (plan: Plan): Limit => limits(plan)[0] as Limit;

/** vCPUs of a machine that are there for engineers. */
export const spareVcpus = (machineType: string) =>
  machineSize(machineType).vcpus * rates.busyShare.value - rates.baseVcpu.value;

function byProcessor({ backend, machineType }: Plan): number {
  const storeVcpu = backend === "vm" ? rates.storeVcpu.value : 0;
  return Math.floor(spareVcpus(machineType) / (rates.gateVcpu.value + storeVcpu));
}

function byMemory({ backend, machineType }: Plan): number {
  const { clickhouse, ...gate } = containerMib(machineType);
  const containers: Partial<typeof rates.mib.value> =
    backend === "vm" ? { ...gate, clickhouse } : gate;
  return Math.floor(
    Math.min(
      ...Object.entries(containers).map(([name, mib]) => {
        const container = name as keyof typeof rates.mib.value;
        return (mib - rates.baseMib.value[container]) / rates.mib.value[container];
      }),
    ),
  );
}

/** What services.sh and store.sh give each container, in MiB, of what the guest sees: some 3 % less than the machine has. */
export function containerMib(machineType: string): typeof rates.mib.value {
  const totalMib = machineSize(machineType).memoryGb * 1024 * 0.97;
  const front = totalMib / 16;
  const collector = Math.max(1536, totalMib / 6);
  return { front, collector, clickhouse: totalMib - front - collector - 1024 - 1792 };
}

/** How many a gate carries on any machine, since it tells one request of a signal after the other to the disk. */
export const engineersPerGate = Math.floor(
  rates.syncedRequests.value / rates.syncSeconds.value / rates.requestsPerSecond.value,
);

/** Before SigNoz Cloud the disk holds the queue alone, whose size does not grow with the engineers. */
function byDisk(plan: Plan): number {
  if (plan.backend === "cloud") return Number.POSITIVE_INFINITY;
  const usableBytes = plan.dataDiskGb * bytesPerGib * rates.fullShare.value;
  return Math.floor(usableBytes / keptBytes(plan, 1));
}

/** The data disk that what so many engineers leave fits on, in tens of GiB, and no smaller than the default. */
export function fittingDiskGb(plan: Plan, engineers: number): number {
  const neededGib = keptBytes(plan, engineers) / bytesPerGib / rates.fullShare.value;
  return Math.max(Number(machine.dataDiskGb.default), Math.ceil(neededGib / 10) * 10);
}

/** @returns the plan with the smallest E2 standard machine, and the disk, that fit so many engineers; undefined if none does */
export function fitting(plan: Plan, engineers: number): Plan | undefined {
  const dataDiskGb = fittingDiskGb(plan, engineers);
  return standardTypes("e2")
    .map((machineType) => ({ ...plan, machineType, dataDiskGb }))
    .find((one) => scarcest(one).engineers >= engineers);
}

/** A number of engineers as text: no more digits than the rates have, downwards. */
export function about(engineers: number): string {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(engineers)) - 1);
  return `about ${(Math.floor(engineers / step) * step).toLocaleString("en-US")}`;
}
