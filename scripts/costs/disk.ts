import { machine } from "../../infra/config/machine";
import { bytesPerGib, keptBytes } from "./bytes";
import type { Plan } from "./plan";
import { rates } from "./rates";

/** How many a gate carries on any machine, since it tells one request of a signal after the other to the disk. */
export const engineersPerGate = Math.floor(
  rates.syncedRequests.value / rates.syncSeconds.value / rates.requestsPerSecond.value,
);

/** Before SigNoz Cloud the disk holds the queue alone, whose size does not grow with the engineers. */
export function byDisk(plan: Plan): number {
  if (plan.backend === "cloud") return Number.POSITIVE_INFINITY;
  const usableBytes = plan.dataDiskGb * bytesPerGib * rates.fullShare.value;
  return Math.floor(usableBytes / keptBytes(plan, 1));
}

/** The data disk that what so many engineers leave fits on, in tens of GiB, and no smaller than the default. */
export function fittingDiskGb(plan: Plan, engineers: number): number {
  const neededGib = keptBytes(plan, engineers) / bytesPerGib / rates.fullShare.value;
  return Math.max(Number(machine.dataDiskGb.default), Math.ceil(neededGib / 10) * 10);
}
