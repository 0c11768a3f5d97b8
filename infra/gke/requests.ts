/**
 * What the containers that always run request, in vCPU and MiB: Autopilot bills it and takes it for the limit too, so
 * that it decides on cost and on how many engineers fit (scripts/costs/cluster.ts). ClickHouse's is configuration.
 */
export const requests = {
  /** Decoding makes up to 180 bytes of one, so two large requests at once need so much (infra/vm/files/services.sh). */
  gate: {
    front: { vcpus: 0.5, mib: 512 },
    collector: { vcpus: 1, mib: 1536 },
    sidecar: { vcpus: 0.05, mib: 64 },
  },
  keeper: { vcpus: 0.25, mib: 512 },
};

/** How many it takes to lose a zone: one answers alone, two agree. */
export const replicas = { clickhouse: 2, keeper: 3 };

/** GB of the disk of each Keeper, the smallest that Google makes. */
export const keeperDiskGb = 10;
