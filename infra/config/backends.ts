import { alerts } from "./alerts";
import { cloud } from "./cloud";
import type { Keys, Values } from "./fields";
import { gke } from "./gke";
import { machine } from "./machine";
import { signoz } from "./signoz";

/** A value of `monitoring:backend`. */
export type BackendName = Values<typeof machine>["backend"];

const { clickhouseVersion, keeperVersion, passwordGeneration } = signoz;
const ofClickhouse = { clickhouseVersion, keeperVersion, passwordGeneration };
const {
  collectorVersion,
  retentionDaysMetrics,
  retentionDaysLogs,
  retentionDaysTraces,
  ...ofSignoz
} = signoz;
const { backend, deletionProtection, dataLocations, kmsKey, flowLogsPercent, ...ofMachine } =
  machine;

const without = (keys: Keys, others: Keys): Keys =>
  Object.fromEntries(Object.entries(keys).filter(([name]) => !(name in others)));

/** The keys that not every backend uses; every other key means the same under each. */
export const ownKeys: { backends: BackendName[]; keys: Keys }[] = [
  { backends: ["vm"], keys: { ...without(ofSignoz, ofClickhouse), ...alerts } },
  { backends: ["vm", "gke"], keys: ofClickhouse },
  { backends: ["vm", "cloud"], keys: ofMachine },
  { backends: ["cloud"], keys: cloud },
  { backends: ["gke"], keys: gke },
];

/** What a backend cannot do without, though another can. */
export const needed: { backend: BackendName; names: string[] }[] = [
  { backend: "vm", names: ["adminEmail"] },
  { backend: "cloud", names: Object.keys(cloud) },
  // A name of Google's own belongs to a machine's address; the cluster's Secrets and disks are encrypted under the key.
  { backend: "gke", names: ["otlpHost", "kmsKey"] },
];
