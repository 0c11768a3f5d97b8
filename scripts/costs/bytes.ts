import type { Plan } from "./plan";
import { hoursPerMonth } from "./prices";
import { perSignal, rates, rowsPerDay, secondsPerDay, workingDays } from "./rates";

/** Bytes in a GiB, which Google bills by. */
export const bytesPerGib = 2 ** 30;

/** Days of work in Google's month. */
export const daysOfWork = (hoursPerMonth / 24) * workingDays;

/** Bytes that a working day of one engineer leaves in ClickHouse. */
export const storedBytesPerDay = perSignal(
  (signal) => rowsPerDay(signal) * rates.storedBytesPerRow.value[signal],
);

/** Bytes that ClickHouse keeps of so many engineers, once retention takes away what comes in; none before SigNoz Cloud. */
export const keptBytes = ({ backend, retentionDays }: Plan, engineers: number): number =>
  backend === "cloud"
    ? 0
    : engineers *
      workingDays *
      perSignal(
        (signal) =>
          rowsPerDay(signal) * rates.storedBytesPerRow.value[signal] * retentionDays[signal],
      );

/** In snapshots or backups: all that is kept once, and what each kept day brought: merges move older blocks too, which is not measured. */
export function copiesBytes(plan: Plan, engineers: number): number {
  const daily = engineers * workingDays * storedBytesPerDay;
  return keptBytes(plan, engineers) + daily * plan.snapshotRetentionDays;
}

/** Bytes that so many engineers send a month. */
export const sentBytes = (engineers: number): number =>
  engineers * daysOfWork * secondsPerDay * rates.sentBytesPerSecond.value;

/** Bytes that they leave in ClickHouse a month. */
export const storedBytes = (engineers: number): number =>
  engineers * daysOfWork * storedBytesPerDay;
