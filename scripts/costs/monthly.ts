import type { Signal } from "../../infra/gate/ottl";
import { type Plan, secretVersions } from "./plan";
import { cloudUnitUsd, freeSecretVersions, hoursPerMonth, machineUsd, prices } from "./prices";
import { perSignal, rates, rowsPerDay, secondsPerDay, signals, workingDays } from "./rates";

const bytesPerGb = 1e9;
/** Bytes in a GiB, which Google bills by. */
export const bytesPerGib = 2 ** 30;
const daysPerMonth = hoursPerMonth / 24;

/** What a stack costs a month, in USD; a part is undefined where its price is not known here. */
export interface MonthlyUsd {
  machine: number | undefined;
  disks: number;
  snapshots: number;
  address: number;
  secrets: number;
  /** To SigNoz Cloud, compressed. */
  traffic: number;
  /** SigNoz' bill. */
  cloud: number | undefined;
}

/**
 * @param engineers how many work on every working day, each at the most that there can be
 * @returns the parts of the bill by list prices
 */
export const monthlyUsd = (plan: Plan, engineers: number): MonthlyUsd => ({
  machine: machineUsd(plan.machineType),
  disks: (plan.bootDiskGb + plan.dataDiskGb) * prices.diskGibMonth.usd,
  snapshots: (snapshotBytes(plan, engineers) / bytesPerGib) * prices.snapshotGibMonth.usd,
  address: hoursPerMonth * prices.addressHour.usd,
  secrets: secretsUsd(plan),
  traffic: plan.backend === "cloud" ? trafficUsd(engineers) : 0,
  cloud: plan.backend === "cloud" ? cloudUsd(plan, engineers) : 0,
});

/** @returns all parts together in USD; undefined where one of them is not known */
export const sumUsd = (parts: MonthlyUsd): number | undefined =>
  Object.values(parts).reduce((sum, part) =>
    sum === undefined || part === undefined ? undefined : sum + part,
  );

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

/** All that is kept once, and what each kept day brought: merges move older blocks too, which is not measured. */
function snapshotBytes(plan: Plan, engineers: number): number {
  if (plan.backend === "cloud") return 0;
  const daily = engineers * workingDays * storedBytesPerDay;
  return keptBytes(plan, engineers) + daily * plan.snapshotRetentionDays;
}

function secretsUsd(plan: Plan): number {
  const billed = Math.max(0, secretVersions(plan) * plan.secretPlaces - freeSecretVersions);
  return billed * prices.secretVersionMonth.usd;
}

const daysOfWork = daysPerMonth * workingDays;

function trafficUsd(engineers: number): number {
  const bytesPerDay =
    (secondsPerDay * rates.sentBytesPerSecond.value) / rates.sentCompression.value;
  return ((engineers * daysOfWork * bytesPerDay) / bytesPerGib) * prices.outGib.usd;
}

/** SigNoz Cloud's bill; undefined where something is kept longer than has a list price. */
function cloudUsd({ retentionDays }: Plan, engineers: number): number | undefined {
  const usage = signals.map((signal) => {
    const usd = cloudUnitUsd(signal, retentionDays[signal]);
    return usd === undefined ? undefined : usd * engineers * cloudUnits(signal);
  });
  if (usage.includes(undefined)) return undefined;
  return Math.max(
    prices.cloudMonth.usd,
    usage.reduce<number>((sum, usd) => sum + (usd ?? 0), 0),
  );
}

/** What an engineer's month is billed by: GB of logs and traces, millions of points. */
function cloudUnits(signal: Signal): number {
  const rows = daysOfWork * rowsPerDay(signal);
  if (signal === "metrics") return rows / 1e6;
  return (rows * rates.cloudBytesPerRow.value[signal]) / bytesPerGb;
}
