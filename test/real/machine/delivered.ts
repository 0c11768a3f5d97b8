/** The name that the machine's gate is dialled by. */
export const host = "gate.test";

/** Settings as the program writes them for a fresh stack. */
export function defaultSettings() {
  const version = (what: string, number = 1) =>
    `projects/p/secrets/monitoring-${what}-secret-dev/versions/${number}`;
  return {
    host,
    org: "palindrom",
    adminEmail: "admin@example.com",
    signozUrl: "http://localhost:8080",
    smtp: null as null | Record<string, unknown>,
    images: {
      signoz: "signoz/signoz:v0.138.0",
      collector: "signoz/signoz-otel-collector:v0.144.7",
      front: "haproxy:3.2.26",
      clickhouse: "clickhouse/clickhouse-server:25.12.5",
      keeper: "clickhouse/clickhouse-keeper:25.12.5",
    },
    secrets: {
      ingestionKeys: [version("signoz-ingestion-key")],
      engineerKeys: [version("engineer-first.last")],
      tls: version("tls"),
      signozAdmin: version("signoz-admin"),
      clickhouse: version("clickhouse"),
    } as Record<"ingestionKeys" | "engineerKeys", string[]> &
      Record<"tls" | "signozAdmin" | "clickhouse", string> & { alerts?: string },
    retentionDays: { metrics: 90, logs: 30, traces: 15 },
    dataDeviceName: "monitoring-data",
    histogramQuantile: null as null | { url: string; sha256: string },
  };
}
