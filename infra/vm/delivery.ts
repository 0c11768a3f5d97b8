import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { SecretVersions } from "../backend";
import type { Settings } from "../config/settings";
import { defaultGate, type GateOptions } from "../gate/options";
import { gateFiles } from "../gate/processors";
import type { SignozContent } from "../signoz/content";
import { dataDeviceName } from "./dataDisk";
import { checkSize, packed } from "./metadata";

/** Folders whose files land on the VM, side by side in one folder. */
const deliveredFolders = ["vm/files", "gate", "signoz/provisioning"].map((folder) =>
  join(__dirname, "..", folder),
);
const retentionDays = (signoz: Settings["signoz"]) => ({
  metrics: signoz.retentionDaysMetrics,
  logs: signoz.retentionDaysLogs,
  traces: signoz.retentionDaysTraces,
});

/** What startup.sh reads as monitoring-settings; plain settings and names, no secret. */
export function machineSettings(
  { engineers, gate, signoz, alerts }: Omit<Settings, "place" | "machine">,
  host: string,
  secrets: SecretVersions,
) {
  return {
    host,
    org: engineers.org,
    adminEmail: signoz.adminEmail,
    images: {
      signoz: `signoz/signoz:${signoz.signozVersion}`,
      collector: `signoz/signoz-otel-collector:${signoz.collectorVersion}`,
      front: `haproxy:${gate.haproxyVersion}`,
      clickhouse: `clickhouse/clickhouse-server:${signoz.clickhouseVersion}`,
      keeper: `clickhouse/clickhouse-keeper:${signoz.keeperVersion ?? signoz.clickhouseVersion.replace(/@.*/, "")}`,
    },
    secrets,
    dataDeviceName,
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
    retentionDays: retentionDays(signoz),
    histogramQuantile:
      signoz.histogramQuantileUrl === undefined
        ? null
        : { url: signoz.histogramQuantileUrl, sha256: signoz.histogramQuantileSha256 },
  };
}

/**
 * Reads what is delivered at once, so that a fault in it is found before any resource exists.
 * @returns the instance's metadata as far as it is known, and what completes it. `monitoring-digest` names it all: the VM
 *   applies when it changes, and reports it once applied
 * @throws Error when Compute Engine would refuse the size
 */
export function prepareDelivery(settings: Settings, content: SignozContent) {
  const { "startup.sh": startup, ...files } = deliveredFiles({
    keepContent: settings.gate.keepContent,
    ownNames: settings.gate.ownNames,
    retentionDays: retentionDays(settings.signoz),
  });
  if (startup === undefined) throw new Error("infra/vm/files has no startup.sh for the VM to run");
  const prepared = {
    "startup-script": startup,
    "monitoring-files": JSON.stringify(files),
    "monitoring-content": packed(JSON.stringify(content), "The SigNoz content"),
  };
  const complete = (host: string, secrets: SecretVersions) => {
    const settingsText = JSON.stringify(machineSettings(settings, host, secrets));
    const delivered = { ...prepared, "monitoring-settings": settingsText };
    checkSize(delivered);
    const digest = createHash("sha256").update(JSON.stringify(delivered)).digest("hex");
    return { "monitoring-settings": settingsText, "monitoring-digest": digest };
  };
  return { prepared, complete };
}

/**
 * Text of every file that lands on the VM, by its path there.
 * @param options what of the gate's configuration is rendered from the settings
 * @throws Error when two folders deliver the same path
 */
export function deliveredFiles(options: GateOptions = defaultGate): Record<string, string> {
  const files: Record<string, string> = gateFiles(options);
  for (const folder of deliveredFolders)
    for (const [path, text] of Object.entries(readFiles(folder))) {
      if (path in files) throw new Error(`two folders deliver ${path} to the VM`);
      files[path] = text;
    }
  return files;
}

/** Text of every file below a folder by its path, in the same order everywhere. */
function readFiles(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [relative(folder, file).split(sep).join("/"), readFileSync(file, "utf8")]),
  );
}
