import { machineSize, standardTypes } from "../../infra/config/machineTypes";
import { clusterLimits } from "./cluster";
import { byDisk, engineersPerGate, fittingDiskGb } from "./disk";
import type { Plan } from "./plan";
import { type Container, perSignal, rates } from "./rates";

/** What a stack has too little of for more engineers than these. */
export interface Limit {
  /** The part, as a person calls it. */
  by: string;
  engineers: number;
}

/** What one engineer takes of a gate, in vCPU. */
export const gateVcpu = rates.vcpu.value.front + rates.vcpu.value.collector;

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
  const found = plan.backend === "gke" ? clusterLimits(plan) : machineLimits(plan);
  return found.sort((one, other) => one.engineers - other.engineers);
}

const machineLimits = (plan: Plan): Limit[] => [
  { by: "processor", engineers: byProcessor(plan) },
  { by: "memory", engineers: byMemory(plan) },
  { by: "disk", engineers: byDisk(plan) },
  { by: "disk's syncs", engineers: engineersPerGate },
];

/** @returns the scarcest part of a stack, and how many engineers it carries */
export const scarcest = (plan: Plan): Limit => limits(plan)[0] as Limit;

const baseVcpu = Object.values(rates.baseVcpu.value).reduce((sum, each) => sum + each);

/** vCPUs of a machine that are there for engineers. */
export const spareVcpus = (machineType: string) =>
  machineSize(machineType).vcpus * rates.busyShare.value - baseVcpu;

function byProcessor({ backend, machineType }: Plan): number {
  const storeVcpu = backend === "vm" ? rates.vcpu.value.clickhouse : 0;
  return Math.floor(spareVcpus(machineType) / (gateVcpu + storeVcpu));
}

function byMemory({ backend, machineType }: Plan): number {
  const { clickhouse, ...gate } = containerMib(machineType);
  const containers: Partial<typeof rates.mib.value> =
    backend === "vm" ? { ...gate, clickhouse } : gate;
  return Math.floor(
    Math.min(
      ...Object.entries(containers).map(([name, mib]) => {
        const container = name as Container;
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
