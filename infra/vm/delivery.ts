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
import { needsOf, type Store, signozStore, type VmSettings } from "./stores";

/** Folders whose files land on every VM, side by side with the store's in one folder. */
const everywhere = ["vm/files", "gate"];

const retentionDays = (signoz: Settings["signoz"]) => ({
  metrics: signoz.retentionDaysMetrics,
  logs: signoz.retentionDaysLogs,
  traces: signoz.retentionDaysTraces,
});

/**
 * What startup.sh reads as monitoring-settings; plain settings and names, no secret.
 * @param clickhouse where ClickHouse is that is not on this machine
 */
export function machineSettings<S extends Store>(
  settings: VmSettings,
  host: string,
  secrets: Partial<SecretVersions>,
  store: S,
  clickhouse: OtherClickhouse = {},
) {
  const { engineers, gate, signoz } = settings;
  const own = store.settings(settings) as ReturnType<S["settings"]>;
  const images: typeof own.images & Record<"collector" | "front", string> = {
    ...own.images,
    collector: `signoz/signoz-otel-collector:${signoz.collectorVersion}`,
    front: `haproxy:${gate.haproxyVersion}`,
  };
  return {
    host,
    org: engineers.org,
    parts: store.parts,
    ...clickhouse,
    ...own,
    images: only(
      images,
      store.parts.flatMap((part) => needsOf[part].images),
    ),
    secrets,
    dataDeviceName,
    retentionDays: retentionDays(signoz),
  };
}

/** Where a machine's parts find ClickHouse when it is not the machine's own. */
export interface OtherClickhouse {
  /** IPv4 address at which SigNoz asks. */
  clickhouseHost?: string | undefined;
  /** While the stack hands over: the cluster's, and which of the two is written to and which one is read. */
  handover?: { clickhouse: string; write: string; read: string } | undefined;
}

export const only = <T extends object>(all: T, names: string[]) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))) as Partial<T>;

/**
 * Reads what is delivered at once, so that a fault in it is found before any resource exists.
 * @returns the instance's metadata as far as it is known, and what completes it. `monitoring-digest` names it all: the VM
 *   applies when it changes, and reports it once applied
 * @throws Error when Compute Engine would refuse the size
 */
export function prepareDelivery(settings: Settings, content: SignozContent, store: Store) {
  const options = {
    keepContent: settings.gate.keepContent,
    ownNames: settings.gate.ownNames,
    retentionDays: retentionDays(settings.signoz),
  };
  const { "startup.sh": startup, ...files } = deliveredFiles(options, store);
  if (startup === undefined) throw new Error("infra/vm/files has no startup.sh for the VM to run");
  const prepared = {
    "startup-script": startup,
    "monitoring-files": JSON.stringify(files),
    ...(store.takesContent && {
      "monitoring-content": packed(JSON.stringify(content), "The SigNoz content"),
    }),
  };
  const complete = (
    host: string,
    secrets: Partial<SecretVersions>,
    clickhouse: OtherClickhouse,
  ) => {
    const settingsText = JSON.stringify(
      machineSettings(settings, host, secrets, store, clickhouse),
    );
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
export function deliveredFiles(
  options: GateOptions = defaultGate,
  store: Store = signozStore,
): Record<string, string> {
  const files: Record<string, string> = gateFiles(options);
  for (const folder of [...everywhere, ...store.folders])
    for (const [path, text] of Object.entries(readFiles(join(__dirname, "..", folder)))) {
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
