import { alerts } from "./alerts";
import { cloud } from "./cloud";
import type { Keys, Values } from "./fields";
import type { machine } from "./machine";
import { signoz } from "./signoz";

/** A value of `monitoring:backend`. */
export type BackendName = Values<typeof machine>["backend"];

const { collectorVersion, retentionDaysMetrics, retentionDaysLogs, retentionDaysTraces, ...store } =
  signoz;

/** The keys that one backend alone uses, and those of them that it needs; every other key means the same under each. */
export const ownKeys: { backend: BackendName; keys: Keys; needs: string[] }[] = [
  { backend: "vm", keys: { ...store, ...alerts }, needs: ["adminEmail"] },
  { backend: "cloud", keys: cloud, needs: Object.keys(cloud) },
];
