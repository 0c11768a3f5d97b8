import { engineersPerGate, fitting, fittingDiskGb, spareVcpus } from "./capacity";
import { type MonthlyUsd, monthlyUsd } from "./monthly";
import type { Plan } from "./plan";
import { machineUsd, prices } from "./prices";
import { rates } from "./rates";

/** What carries so many engineers. */
export interface Built {
  /** Of the gates; where one is enough, it is the store too. */
  machineType: string;
  gates: number;
  /** Machines of `shardType` with ClickHouse alone. */
  shards: number;
  /** All data disks of the store together. */
  dataDiskGb: number;
  usd: MonthlyUsd;
}

const gateType = "e2-standard-8";
/** The largest E2, since SigNoz waits for no second shard. */
export const shardType = "e2-standard-32";
/** How many one shard takes the inserts of. */
export const engineersPerShard = Math.floor(spareVcpus(shardType) / rates.storeVcpu.value);

/** @returns the smallest machine and disk that fit so many engineers at work at once, or several machines where none does */
export function built(plan: Plan, engineers: number): Built {
  const one = fitting(plan, engineers);
  if (!one) return fleet(plan, engineers);
  return { ...one, gates: 1, shards: 0, usd: monthlyUsd(one, engineers) };
}

/** On paper: no backend is built so; balancer, Keepers and SigNoz itself come on top. */
function fleet(plan: Plan, engineers: number): Built {
  const ofGate = Math.min(engineersPerGate, spareVcpus(gateType) / rates.gateVcpu.value);
  const gates = Math.ceil(engineers / ofGate);
  const shards = plan.backend === "vm" ? Math.ceil(engineers / engineersPerShard) : 0;
  const whole = { ...plan, machineType: gateType, dataDiskGb: fittingDiskGb(plan, engineers) };
  const first = monthlyUsd(whole, engineers);
  // A gate's queue lies on a disk of its own; before SigNoz Cloud the first one's is counted already.
  const queueDisks = plan.backend === "vm" ? gates : gates - 1;
  const othersGib = (gates + shards - 1) * plan.bootDiskGb + queueDisks * plan.dataDiskGb;
  const usd = {
    ...first,
    machine: gates * (machineUsd(gateType) ?? 0) + shards * (machineUsd(shardType) ?? 0),
    disks: first.disks + othersGib * prices.diskGibMonth.usd,
  };
  return { machineType: gateType, gates, shards, dataDiskGb: whole.dataDiskGb, usd };
}
