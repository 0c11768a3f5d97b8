import { fullEveryDays, undeleteDays } from "../../infra/gke/bucket";
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

const dailyBytes = (engineers: number) => engineers * workingDays * storedBytesPerDay;

/** All that is kept once, and what each kept day brought: merges move older blocks too, which is not measured. */
export const snapshotBytes = (plan: Plan, engineers: number): number =>
  keptBytes(plan, engineers) + dailyBytes(engineers) * plan.snapshotRetentionDays;

/** Full backups, which stay until none builds on them, and on the days between what came since the last; merges as above. */
export function backupBytes(plan: Plan, engineers: number): number {
  const days = plan.cluster.backupDays + undeleteDays;
  const fulls = (days + fullEveryDays) / fullEveryDays;
  // From one day's to six days', and nothing on the day of a full one.
  const daysEach = (fullEveryDays - 1) / 2;
  return keptBytes(plan, engineers) * fulls + dailyBytes(engineers) * daysEach * days;
}

/** Bytes that so many engineers send a month. */
export const sentBytes = (engineers: number): number =>
  engineers * daysOfWork * secondsPerDay * rates.sentBytesPerSecond.value;

/** Bytes that they leave in ClickHouse a month. */
export const storedBytes = (engineers: number): number =>
  engineers * daysOfWork * storedBytesPerDay;
