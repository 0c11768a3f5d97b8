import type { Signal } from "../../infra/gate/ottl";
import { bytesPerGib, daysOfWork, sentBytes, snapshotBytes } from "./bytes";
import { type ClusterUsd, clusterDiskGib, clusterUsd } from "./clusterUsd";
import { type Plan, secretVersions } from "./plan";
import { cloudUnitUsd, freeSecretVersions, hoursPerMonth, machineUsd, prices } from "./prices";
import { rates, rowsPerDay, signals } from "./rates";

const bytesPerGb = 1e9;

/** What a stack costs a month, in USD; a part is undefined where its price is not known here. */
export interface MonthlyUsd extends ClusterUsd {
  machine: number | undefined;
  disks: number;
  snapshots: number;
  address: number;
  secrets: number;
  /** Of Cloud KMS. */
  key: number;
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
  ...clusterUsd(plan, engineers),
  disks: (plan.bootDiskGb + plan.dataDiskGb + clusterDiskGib(plan)) * prices.diskGibMonth.usd,
  snapshots: snapshotsUsd(plan, engineers),
  // The gate's; NAT has one of its own.
  address: (plan.backend === "gke" ? 2 : 1) * hoursPerMonth * prices.addressHour.usd,
  secrets: secretsUsd(plan),
  key: plan.kmsKeys * prices.keyVersionMonth.usd,
  traffic: plan.backend === "cloud" ? trafficUsd(engineers) : 0,
  cloud: plan.backend === "cloud" ? cloudUsd(plan, engineers) : 0,
});

/** @returns all parts together in USD; undefined where one of them is not known */
export const sumUsd = (parts: MonthlyUsd): number | undefined =>
  Object.values(parts).reduce((sum, part) =>
    sum === undefined || part === undefined ? undefined : sum + part,
  );

/** Of a machine with a store: SigNoz's own file is small. */
const snapshotsUsd = (plan: Plan, engineers: number): number =>
  plan.backend === "vm"
    ? (snapshotBytes(plan, engineers) / bytesPerGib) * prices.snapshotGibMonth.usd
    : 0;

function secretsUsd(plan: Plan): number {
  const billed = Math.max(0, secretVersions(plan) * plan.secretPlaces - freeSecretVersions);
  return billed * prices.secretVersionMonth.usd;
}

const trafficUsd = (engineers: number): number =>
  (sentBytes(engineers) / rates.sentCompression.value / bytesPerGib) * prices.outGib.usd;

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
