import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Settings } from "../config/settings";
import { contentMetadata, renderContent } from "../signoz/content";

/** Folders whose files land on the VM, side by side in one folder. */
const deliveredFolders = ["vm/files", "gate", "signoz/provisioning"].map((folder) =>
  join(__dirname, "..", folder),
);
/** Compute Engine's limits of metadata: 256 KB a value, 512 KB an instance ("Limitations" in "About VM metadata"). */
const valueLimitBytes = 256 * 1024;
const totalLimitBytes = 512 * 1024;

/** Secret Manager version names (projects/…/secrets/…/versions/N); never a value. */
export interface VmSecrets {
  /** Oldest first. */
  ingestionKeys: string[];
  engineerKeys: string[];
  tls: string;
  signozAdmin: string;
  clickhouse: string;
  alerts: string;
}

/** Device name of the data disk: the VM finds it at /dev/disk/by-id/google-<name>. */
export const dataDeviceName = "monitoring-data";

/** What startup.sh reads; plain settings and names, no secret. */
export function vmSettings(settings: Settings, host: string, secrets: VmSecrets) {
  return {
    host,
    org: settings.org,
    adminEmail: settings.adminEmail,
    images: {
      signoz: `signoz/signoz:${settings.signozVersion}`,
      collector: `signoz/signoz-otel-collector:${settings.collectorVersion}`,
      clickhouse: `clickhouse/clickhouse-server:${settings.clickhouseVersion}`,
      keeper: `clickhouse/clickhouse-keeper:${settings.clickhouseVersion}`,
    },
    secrets,
    retentionDays: retentionDays(settings),
    keepContent: settings.keepContent,
    dataDeviceName,
    signozUrl: settings.signozUrl,
    smtp:
      settings.smtpHost === undefined
        ? null
        : {
            host: settings.smtpHost,
            from: settings.smtpFrom,
            user: settings.smtpUser ?? "",
            requireTls: settings.smtpRequireTls,
          },
    histogramQuantile:
      settings.histogramQuantileUrl === undefined
        ? null
        : { url: settings.histogramQuantileUrl, sha256: settings.histogramQuantileSha256 },
  };
}

/** What SigNoz shows and alerts on, from the configuration; knows of secrets only that they are set. */
const contentInput = (settings: Settings) => {
  const [start = "", end = ""] = settings.workingHours.split("-");
  return {
    signozUrl: settings.signozUrl,
    dailyBudgetUsd: settings.dailyBudgetUsd,
    monthlyBudgetUsd: settings.monthlyBudgetUsd,
    teamBudgets: settings.teamBudgets,
    silentHours: settings.silentHours,
    workingHours: { start, end },
    workingDays: settings.workingDays,
    timezone: settings.timezone,
    refusedRequestsLimit: settings.refusedRequestsLimit,
    diskUsedPercentLimit: settings.diskUsedPercentLimit,
    alertEmails: settings.alertEmails,
    hasSlack: settings.alertSlackWebhookUrl !== undefined,
    slackChannel: settings.alertSlackChannel ?? "",
    hasWebhook: settings.alertWebhookUrl !== undefined,
    hasWebhookToken: settings.alertWebhookToken !== undefined,
    retentionDays: retentionDays(settings),
  };
};

const retentionDays = (settings: Settings) => ({
  metrics: settings.retentionDaysMetrics,
  logs: settings.retentionDaysLogs,
  traces: settings.retentionDaysTraces,
});

/**
 * Reads what is delivered and renders SigNoz's content at once, so that a fault in them is found before any resource exists.
 * @returns what completes them to the instance's metadata. `monitoring-digest` names it all: the VM applies when it
 *   changes, and reports it once applied
 * @throws Error when Compute Engine would refuse the size
 */
export function prepareBoot(
  settings: Settings,
): (host: string, secrets: VmSecrets) => Record<string, string> {
  const { "startup.sh": startup, ...files } = deliveredFiles();
  if (startup === undefined) throw new Error("infra/vm/files has no startup.sh for the VM to run");
  const prepared = {
    "startup-script": startup,
    "monitoring-files": JSON.stringify(files),
    "monitoring-content": contentMetadata(renderContent(contentInput(settings))),
  };
  return (host, secrets) => {
    const delivered = {
      ...prepared,
      "monitoring-settings": JSON.stringify(vmSettings(settings, host, secrets)),
    };
    checkSize(delivered);
    const digest = createHash("sha256").update(JSON.stringify(delivered)).digest("hex");
    return { ...delivered, "monitoring-digest": digest };
  };
}

function checkSize(delivered: Record<string, string>): void {
  const sizes = Object.entries(delivered).map(
    ([key, value]) => [key, Buffer.byteLength(value)] as const,
  );
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (total <= totalLimitBytes && sizes.every(([, bytes]) => bytes <= valueLimitBytes)) return;
  throw new Error(
    `Instance metadata is too large (${sizes.map(([key, bytes]) => `${key} ${bytes} bytes`).join(", ")}): Compute Engine takes ${valueLimitBytes} a value and ${totalLimitBytes} in all; take something out of infra/`,
  );
}

/**
 * Text of every file that lands on the VM, by its path there.
 * @throws Error when two folders deliver the same path
 */
export function deliveredFiles(): Record<string, string> {
  const files: Record<string, string> = {};
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
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((file) => [relative(folder, file).split(sep).join("/"), readFileSync(file, "utf8")]),
  );
}
