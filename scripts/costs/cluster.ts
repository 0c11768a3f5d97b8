import { most } from "../../infra/config/gke";
import { replicas, requests } from "../../infra/gke/requests";
import type { Limit } from "./capacity";
import { byDisk, engineersPerGate, fittingDiskGb } from "./disk";
import type { Plan } from "./plan";
import { type Container, rates } from "./rates";

/** What a container has for itself. */
interface Size {
  vcpus: number;
  mib: number;
}

const ofReplica = ({ clickhouseCpu, clickhouseMemoryGb }: Plan["cluster"]): Size => ({
  vcpus: clickhouseCpu,
  mib: clickhouseMemoryGb * 1024,
});

/** @returns the sizes of a cluster's containers that always run, and how many there are of each */
export const containers = ({ cluster }: Plan): (Size & { count: number })[] => [
  ...Object.values(requests.gate).map((size) => ({ ...size, count: cluster.gateReplicas })),
  { ...ofReplica(cluster), count: cluster.shards * replicas.clickhouse },
  { ...requests.keeper, count: replicas.keeper },
];

/** Pods of a cluster. */
export const pods = ({ cluster }: Plan): number =>
  cluster.gateReplicas + cluster.shards * replicas.clickhouse + replicas.keeper;

const byVcpus = (name: Container, { vcpus }: Size) =>
  (vcpus * rates.busyShare.value - rates.baseVcpu.value[name]) / rates.vcpu.value[name];

const byMib = (name: Container, { mib }: Size) =>
  (mib - rates.baseMib.value[name]) / rates.mib.value[name];

const ofGate = (by: (name: Container, size: Size) => number) =>
  Math.min(...(["front", "collector"] as const).map((name) => by(name, requests.gate[name])));

/**
 * By each part of a cluster: one gate may be away, and one replica of a shard has to take all by itself. What Keepers,
 * parts from the other replica and SigNoz's questions take is not measured.
 */
export function clusterLimits(plan: Plan): Limit[] {
  const { gateReplicas, shards, clickhouseDiskGb } = plan.cluster;
  const replica = ofReplica(plan.cluster);
  const gates = gateReplicas - 1;
  const found: Record<string, number> = {
    "processor of the gates": gates * ofGate(byVcpus),
    "memory of the gates": gates * ofGate(byMib),
    "syncs of the gates' disks": gates * engineersPerGate,
    "processor of ClickHouse": shards * byVcpus("clickhouse", replica),
    "memory of ClickHouse": shards * byMib("clickhouse", replica),
    "disk of ClickHouse": shards * byDisk({ ...plan, dataDiskGb: clickhouseDiskGb }),
  };
  return Object.entries(found).map(([by, engineers]) => ({ by, engineers: Math.floor(engineers) }));
}

/** How many a shard takes the inserts of, with the largest replicas that Autopilot gives. */
export const engineersPerLargestShard = Math.floor(
  byVcpus("clickhouse", { vcpus: most.clickhouseCpu, mib: 0 }),
);

/**
 * @returns the plan with the smallest cluster that fits so many engineers, no size of it below the plan's; it has more
 *   gates and shards than the program makes where it must
 */
export function fittingCluster(plan: Plan, engineers: number): Plan {
  const perGate = Math.min(engineersPerGate, ofGate(byVcpus), ofGate(byMib));
  const shards = Math.max(1, Math.ceil(engineers / engineersPerLargestShard));
  const each = Math.ceil(engineers / shards);
  const vcpus = each * rates.vcpu.value.clickhouse + rates.baseVcpu.value.clickhouse;
  const { cluster } = plan;
  const clickhouseCpu = Math.max(cluster.clickhouseCpu, Math.ceil(vcpus / rates.busyShare.value));
  return {
    ...plan,
    cluster: {
      ...cluster,
      shards,
      gateReplicas: Math.max(cluster.gateReplicas, Math.ceil(engineers / perGate) + 1),
      clickhouseCpu,
      clickhouseMemoryGb: Math.max(
        cluster.clickhouseMemoryGb,
        Math.min(most.clickhouseMemoryGb, 4 * clickhouseCpu),
      ),
      clickhouseDiskGb: Math.max(cluster.clickhouseDiskGb, fittingDiskGb(plan, each)),
    },
  };
}
