import { fitting, gateVcpu, spareVcpus } from "./capacity";
import { fittingCluster } from "./cluster";
import { engineersPerGate, fittingDiskGb } from "./disk";
import { type MonthlyUsd, monthlyUsd } from "./monthly";
import type { Plan } from "./plan";
import { machineUsd, prices } from "./prices";
import { rates } from "./rates";

/** What carries so many engineers. */
export interface Built {
  /** Of the gates; where one is enough, it is the store too. On GKE of SigNoz alone. */
  machineType: string;
  gates: number;
  /** Machines of `shardType` with ClickHouse alone; on GKE pairs of replicas. */
  shards: number;
  /** All data disks of the store together. On GKE that of each replica. */
  dataDiskGb: number;
  usd: MonthlyUsd;
  /** On GKE. */
  cluster?: Plan["cluster"];
}

const gateType = "e2-standard-8";
/** The largest E2, since SigNoz waits for no second shard. */
export const shardType = "e2-standard-32";
/** How many one shard takes the inserts of. */
export const engineersPerShard = Math.floor(spareVcpus(shardType) / rates.vcpu.value.clickhouse);

/** @returns the smallest machine and disk that fit so many engineers at work at once, or several machines where none does */
export function built(plan: Plan, engineers: number): Built {
  if (plan.backend === "gke") return grown(plan, engineers);
  const one = fitting(plan, engineers);
  if (!one) return fleet(plan, engineers);
  const { machineType, dataDiskGb } = one;
  return { machineType, dataDiskGb, gates: 1, shards: 0, usd: monthlyUsd(one, engineers) };
}

function grown(plan: Plan, engineers: number): Built {
  const whole = fittingCluster(plan, engineers);
  const { machineType, cluster } = whole;
  const { gateReplicas: gates, shards, clickhouseDiskGb: dataDiskGb } = cluster;
  return { machineType, gates, shards, dataDiskGb, cluster, usd: monthlyUsd(whole, engineers) };
}

/** On paper: no backend is built so; balancer, Keepers and SigNoz itself come on top. */
function fleet(plan: Plan, engineers: number): Built {
  const ofGate = Math.min(engineersPerGate, spareVcpus(gateType) / gateVcpu);
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
