import type { SecretVersions } from "../backend";
import type { Settings } from "../config/settings";

/** What a machine may run; profiles of infra/vm/store/compose.yaml have these names. */
export type Part = "gate" | "clickhouse" | "signoz";

/** The secrets that a part reads, and the images that it runs: a machine is told of no others. */
export const needsOf: Record<Part, { secrets: (keyof SecretVersions)[]; images: string[] }> = {
  gate: {
    secrets: ["ingestionKeys", "engineerKeys", "tls", "clickhouse", "cloud"],
    images: ["collector", "front"],
  },
  clickhouse: { secrets: ["clickhouse"], images: ["clickhouse", "keeper", "collector"] },
  signoz: { secrets: ["signozAdmin", "clickhouse", "alerts"], images: ["signoz"] },
};

/** What runs on a VM: the gate, what stands behind it, or both. */
export interface Store {
  parts: Part[];
  /** Folders of what it alone delivers, below infra. */
  folders: string[];
  /** Whether dashboards and alerts are put into it. */
  takesContent: boolean;
  /** What the machine needs to know for it. */
  settings(settings: VmSettings): { images: Record<string, string> };
}

export type VmSettings = Omit<Settings, "place">;

/** SigNoz with ClickHouse, on the gate's machine. */
export const signozStore = {
  parts: ["gate", "clickhouse", "signoz"],
  folders: ["vm/store", "signoz/provisioning"],
  takesContent: true,
  settings: ({ signoz, alerts }: VmSettings) => ({
    adminEmail: signoz.adminEmail,
    images: {
      signoz: `signoz/signoz:${signoz.signozVersion}`,
      clickhouse: `clickhouse/clickhouse-server:${signoz.clickhouseVersion}`,
      keeper: `clickhouse/clickhouse-keeper:${signoz.keeperVersion ?? signoz.clickhouseVersion.replace(/@.*/, "")}`,
    },
    signozUrl: signoz.signozUrl,
    smtp:
      alerts.smtpHost === undefined
        ? null
        : {
            host: alerts.smtpHost,
            from: alerts.smtpFrom,
            user: alerts.smtpUser ?? "",
            requireTls: alerts.smtpRequireTls,
          },
    histogramQuantile:
      signoz.histogramQuantileUrl === undefined
        ? null
        : { url: signoz.histogramQuantileUrl, sha256: signoz.histogramQuantileSha256 },
  }),
} satisfies Store;

/** SigNoz by itself, which asks ClickHouse elsewhere. */
export const signozAlone = { ...signozStore, parts: ["signoz"] } satisfies Store;

/** All of it, while the stack hands over to a cluster or from one. */
export const signozBeside = {
  ...signozStore,
  folders: [...signozStore.folders, "vm/handover"],
} satisfies Store;

/** SigNoz Cloud. */
export const cloudStore = {
  parts: ["gate"],
  folders: ["vm/cloud"],
  takesContent: false,
  settings: ({ cloud }: VmSettings) => {
    const [host, port] = (cloud.cloudEndpoint ?? "").split(":");
    return { cloud: { host, port: Number(port) }, images: {} };
  },
} satisfies Store;
