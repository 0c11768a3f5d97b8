import { keeperDiskGb, replicas } from "../../infra/gke/requests";
import { backupBytes, bytesPerGib, sentBytes, storedBytes } from "./bytes";
import { containers, pods } from "./cluster";
import type { Plan } from "./plan";
import { hoursPerMonth, prices } from "./prices";

/** What a cluster adds to a month's bill, in USD; nothing where there is none. */
export interface ClusterUsd {
  cluster: number;
  /** vCPU and memory. */
  pods: number;
  /** Balancers, NAT, and what passes between zones. */
  network: number;
  backups: number;
}

/** @param engineers as in monthly.ts */
export function clusterUsd(plan: Plan, engineers: number): ClusterUsd {
  if (plan.backend !== "gke") return { cluster: 0, pods: 0, network: 0, backups: 0 };
  return {
    cluster: hoursPerMonth * prices.clusterHour.usd,
    pods: podsUsd(plan),
    network: networkUsd(plan, engineers),
    backups: (backupBytes(plan, engineers) / bytesPerGib) * prices.bucketGibMonth.usd,
  };
}

/** GiB of all disks of the pods. */
export function clusterDiskGib({ backend, cluster }: Plan): number {
  if (backend !== "gke") return 0;
  const queues = cluster.gateReplicas * cluster.gateQueueDiskGb;
  const stores = cluster.shards * replicas.clickhouse * cluster.clickhouseDiskGb;
  return queues + stores + replicas.keeper * keeperDiskGb;
}

const podsUsd = (plan: Plan): number =>
  hoursPerMonth *
  containers(plan).reduce(
    (sum, { vcpus, mib, count }) =>
      sum + count * (vcpus * prices.podVcpuHour.usd + (mib / 1024) * prices.podMemoryGibHour.usd),
    0,
  );

/** At most: each pod on a node of its own, SigNoz's machine beside them, no two that speak to each other in one zone. */
function networkUsd(plan: Plan, engineers: number): number {
  const natHour = Math.min((pods(plan) + 1) * prices.natNodeHour.usd, prices.natHour.usd);
  const balanced = (sentBytes(engineers) / bytesPerGib) * prices.balancedGib.usd;
  // From a gate to a replica, and from that to the other, as small as on its disk.
  const passed = ((2 * storedBytes(engineers)) / bytesPerGib) * prices.zoneGib.usd;
  return hoursPerMonth * (prices.balancersHour.usd + natHour) + balanced + passed;
}
