import { alerts } from "./alerts";
import { cloud } from "./cloud";
import type { Keys, Values } from "./fields";
import { gke } from "./gke";
import type { machine } from "./machine";
import { signoz } from "./signoz";

/** A value of `monitoring:backend`. */
export type BackendName = Values<typeof machine>["backend"];

const {
  collectorVersion,
  retentionDaysMetrics,
  retentionDaysLogs,
  retentionDaysTraces,
  ...ofSignoz
} = signoz;
const { histogramQuantileUrl, histogramQuantileSha256 } = signoz;
const onMachine = { histogramQuantileUrl, histogramQuantileSha256 };

const without = (keys: Keys, others: Keys): Keys =>
  Object.fromEntries(Object.entries(keys).filter(([name]) => !(name in others)));

/** The keys that not every backend uses; every other key means the same under each. */
export const ownKeys: { backends: BackendName[]; keys: Keys }[] = [
  // Of a ClickHouse on the machine.
  { backends: ["vm"], keys: onMachine },
  { backends: ["vm", "gke"], keys: { ...without(ofSignoz, onMachine), ...alerts } },
  { backends: ["cloud"], keys: cloud },
  { backends: ["gke"], keys: gke },
];

/** What a backend cannot do without, though another can. */
export const needed: { backend: BackendName; names: string[] }[] = [
  { backend: "vm", names: ["adminEmail"] },
  { backend: "cloud", names: Object.keys(cloud) },
  // A name of Google's own belongs to a machine's address; the cluster's Secrets and disks are encrypted under the key.
  { backend: "gke", names: ["adminEmail", "otlpHost", "kmsKey"] },
];
