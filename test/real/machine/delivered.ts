import type { SecretVersions } from "../../../infra/backend";
import { machineSettings } from "../../../infra/vm/delivery";
import { signozStore } from "../../../infra/vm/stores";
import { fixtureSettings } from "../../../simulator/program";

/** The name that the machine's gate is dialled by. */
export const host = "gate.test";

/** Settings as the program writes them for a fresh stack with one engineer's own key; tests change them. */
export function defaultSettings() {
  const version = (what: string) => `projects/p/secrets/monitoring-${what}-secret-dev/versions/1`;
  const secrets: SecretVersions & { signozAdmin: string; clickhouse: string } = {
    ingestionKeys: [version("signoz-ingestion-key")],
    engineerKeys: [version("engineer-first.last")],
    tls: version("tls"),
    signozAdmin: version("signoz-admin"),
    clickhouse: version("clickhouse"),
  };
  const settings = fixtureSettings();
  const made = machineSettings(settings, host, secrets, signozStore);
  return {
    ...made,
    adminEmail: "admin@example.com",
    secrets,
    images: made.images as Required<typeof made.images>,
    smtp: made.smtp as Record<string, unknown> | null,
    histogramQuantile: made.histogramQuantile as { url: string; sha256: string } | null,
  };
}
