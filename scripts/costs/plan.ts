import type { Settings } from "../../infra/config/settings";
import type { Signal } from "../../infra/gate/ottl";

/** What of a stack's configuration decides on its cost and on how many engineers it carries. */
export interface Plan {
  backend: Settings["machine"]["backend"];
  machineType: string;
  bootDiskGb: number;
  dataDiskGb: number;
  snapshotRetentionDays: number;
  retentionDays: Record<Signal, number>;
  ingestionKeys: number;
  /** Places that each secret is kept in and billed for. */
  secretPlaces: number;
  /** Cloud KMS keys that encrypt it, of one version each. */
  kmsKeys: number;
  /** Of gates and ClickHouse on GKE: as configured, and shards, of which the program makes one. */
  cluster: Settings["gke"] & { shards: number };
}

/** @returns the plan of a stack with these settings */
export const planOf = (settings: Settings): Plan => ({
  backend: settings.machine.backend,
  machineType: settings.machine.machineType,
  bootDiskGb: settings.machine.bootDiskGb,
  dataDiskGb: settings.machine.dataDiskGb,
  snapshotRetentionDays: settings.machine.snapshotRetentionDays,
  retentionDays: {
    logs: settings.signoz.retentionDaysLogs,
    traces: settings.signoz.retentionDaysTraces,
    metrics: settings.signoz.retentionDaysMetrics,
  },
  // Without a shared key there is one that the gate is asked by.
  ingestionKeys:
    (settings.engineers.ingestionKeyGenerations.length || 1) +
    settings.engineers.personalKeyEmails.length,
  secretPlaces: Math.max(1, settings.machine.dataLocations.length),
  kmsKeys: settings.machine.kmsKey ? 1 : 0,
  cluster: { ...settings.gke, shards: 1 },
});

/** Secrets beside the keys: endpoint and certificate; SigNoz' admin, ClickHouse and alerts, or SigNoz Cloud's key. */
const otherSecrets: Record<Plan["backend"], number> = { vm: 5, cloud: 3, gke: 5 };

/** @returns how many active secret versions a stack has, once what rotation has disabled is destroyed */
export const secretVersions = ({ backend, ingestionKeys }: Plan): number =>
  ingestionKeys + otherSecrets[backend];
