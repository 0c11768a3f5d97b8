import type { Settings } from "../config/settings";
import type { GateOptions } from "../gate/options";

const withoutDigest = (tag: string) => tag.replace(/@.*/, "");

/** The images that run, by what runs in them. */
export function images({ gate, signoz }: Pick<Settings, "gate" | "signoz">) {
  const { clickhouseVersion, keeperVersion, collectorVersion } = signoz;
  return {
    front: `haproxy:${gate.haproxyVersion}`,
    collector: `signoz/signoz-otel-collector:${collectorVersion}`,
    clickhouse: `clickhouse/clickhouse-server:${clickhouseVersion}`,
    keeper: `clickhouse/clickhouse-keeper:${keeperVersion ?? withoutDigest(clickhouseVersion)}`,
  };
}

/** What the gate's collector is told to let through. */
export const gateOptions = ({ gate, signoz }: Pick<Settings, "gate" | "signoz">): GateOptions => ({
  keepContent: gate.keepContent,
  ownNames: gate.ownNames,
  retentionDays: {
    metrics: signoz.retentionDaysMetrics,
    logs: signoz.retentionDaysLogs,
    traces: signoz.retentionDaysTraces,
  },
});
