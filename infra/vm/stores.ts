import type { Settings } from "../config/settings";

/** What stands behind the gate on the VM. */
export interface Store {
  /** Folders of what it alone delivers, below infra. */
  folders: string[];
  /** Whether dashboards and alerts are put into it. */
  takesContent: boolean;
  /** What the machine needs to know for it. */
  settings(settings: VmSettings): { images: Record<string, string> };
}

export type VmSettings = Omit<Settings, "place">;

/** SigNoz with ClickHouse, on the same machine. */
export const signozStore = {
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

/** SigNoz Cloud. */
export const cloudStore = {
  folders: ["vm/cloud"],
  takesContent: false,
  settings: ({ cloud }: VmSettings) => {
    const [host, port] = (cloud.cloudEndpoint ?? "").split(":");
    return { cloud: { host, port: Number(port) }, images: {} };
  },
} satisfies Store;
