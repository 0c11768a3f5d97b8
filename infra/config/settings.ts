import * as pulumi from "@pulumi/pulumi";
import { alertContradictions, alertFields } from "./alerts";
import * as field from "./fields";

const imageTag = (example: string) =>
  field.matching(/^v\d+\.\d+\.\d+(-[\w.]+)?$/, `an image tag such as ${example}`, example);
const days = (example: number) => field.wholeNumber(1, 3650, example);

/** Every key of the `monitoring:` namespace; Pulumi.yaml holds their types, meanings and defaults. */
export const fields = {
  // SigNoz's organisation is set by an environment file, so nothing in it may need quoting.
  org: field.matching(
    /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}[A-Za-z0-9]$/,
    "2 to 64 letters, digits, blanks and . _ -",
    "palindrom",
  ),
  defaultTeam: field.label("engineering"),
  teamVariable: field.variable("PALINDROM_TEAM"),
  engineerVariable: field.variable("PALINDROM_ENGINEER"),
  onePasswordReference: field.optional(
    field.matching(
      /^op:\/\/[^/]+(\/[^/]+){2,3}$/,
      "a 1Password secret reference",
      "op://vault/item/field",
    ),
  ),
  instrumentPrograms: field.flag(true),
  allowedSources: field.listOf(field.cidr, { atLeast: 1 }),
  otlpHost: field.optional(field.dnsName),
  dnsZone: field.optional(
    field.matching(/^[a-z][a-z0-9-]{0,62}$/, "the name of a managed zone", "palindrom-zone"),
  ),
  ingestionKeys: field.listOf(
    field.matching(
      /^[a-z0-9][a-z0-9-]{0,30}$/,
      "1 to 31 lower-case letters, digits and dashes",
      "2026-11",
    ),
    { atLeast: 1 },
  ),
  engineerKeys: field.listOf(field.email),
  secretReaders: field.listOf(field.member),
  signozUsers: field.listOf(field.member),
  secretLocations: field.listOf(field.matching(/^[a-z]+-[a-z]+\d+$/, "a region", "europe-west3")),
  machineType: field.matching(
    /^(?!.*-(micro|small|medium)$)[a-z]\d*[a-z]*-[a-z0-9-]+$/,
    "a machine type with at least 8 GB of memory",
    "e2-standard-2",
  ),
  bootDiskGb: field.wholeNumber(20, 2048, 30),
  dataDiskGb: field.wholeNumber(30, 65536, 100),
  snapshotRetentionDays: field.wholeNumber(1, 365, 14),
  restoreFromSnapshot: field.optional(
    field.matching(
      /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
      "the name of a snapshot",
      "monitoring-data-dev-20261120",
    ),
  ),
  deletionProtection: field.flag(true),
  adminEmail: field.email,
  signozVersion: imageTag("v0.138.0"),
  collectorVersion: imageTag("v0.144.7"),
  clickhouseVersion: field.matching(
    /^\d+\.\d+\.\d+(\.\d+)?$/,
    "an image tag such as 25.12.5",
    "25.12.5",
  ),
  histogramQuantileUrl: field.optional(
    field.matching(/^https:\/\/\S+$/, "an https URL", "https://example.com/archive.tar.gz"),
  ),
  histogramQuantileSha256: field.optional(
    field.matching(/^[0-9a-f]{64}$/, "64 hexadecimal digits", "0".repeat(64)),
  ),
  retentionDaysMetrics: days(180),
  retentionDaysLogs: days(30),
  retentionDaysTraces: days(15),
  keepContent: field.flag(false),
  readyTimeoutMinutes: field.wholeNumber(1, 120, 20),
  ...alertFields,
};

const place = {
  project: field.matching(
    /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    "a project id",
    "christopher-little-dev",
  ),
  zone: field.matching(/^[a-z]+-[a-z]+\d+-[a-z]$/, "a zone", "us-central1-a"),
};

type Values<Fields extends Record<string, field.Field<unknown>>> = {
  [Key in keyof Fields]: ReturnType<Fields[Key]["read"]>;
};

/** The stack's checked configuration: the keys of Pulumi.yaml, and where Google runs it. */
export type Settings = Values<typeof fields> & Values<typeof place> & { region: string };

/**
 * Reads and checks the whole configuration before any resource exists.
 * @throws pulumi.RunError that names every fault at once: key, value and the command that mends it
 */
export function readSettings(): Settings {
  const faults: string[] = [];
  const values = {
    ...readAll("monitoring", fields, faults),
    ...readAll("gcp", place, faults),
  };
  faults.push(...unknownKeys(), ...contradictions(values));
  if (faults.length > 0)
    throw new pulumi.RunError(
      [
        `Stack ${pulumi.getStack()} has ${faults.length} fault(s) in its configuration:`,
        ...faults,
      ].join("\n  - "),
    );
  const settings = values as Omit<Settings, "region">;
  if (!settings.smtpHost && !settings.alertSlackWebhookUrl && !settings.alertWebhookUrl)
    pulumi.log.warn(
      "SigNoz's alerts reach nobody: set monitoring:alertEmails with smtpHost, alertSlackWebhookUrl or alertWebhookUrl",
    );
  return { ...settings, region: settings.zone.replace(/-[a-z]$/, "") };
}

function readAll<Fields extends Record<string, field.Field<unknown>>>(
  namespace: string,
  kinds: Fields,
  faults: string[],
): Partial<Values<Fields>> {
  const config = pulumi.runtime.allConfig();
  const values: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(kinds)) {
    const name = `${namespace}:${key}`;
    const fix = kind.list
      ? `pulumi config set --path '${name}[0]' ${kind.example}`
      : `pulumi config set ${kind.secret ? "--secret " : ""}${name} ${kind.example}`;
    const text = config[name];
    if (text === undefined) {
      faults.push(`${name} is not set; run: ${fix}`);
      continue;
    }
    try {
      if (kind.secret && text !== "" && !isConfigSecret(name))
        throw new field.Fault("must be stored encrypted");
      values[key] = kind.read(text);
    } catch (error) {
      if (!(error instanceof field.Fault)) throw error;
      const shown = kind.secret ? "[secret]" : JSON.stringify(text);
      faults.push(`${name} = ${shown} ${error.message}; for example: ${fix}`);
    }
  }
  return values as Partial<Values<Fields>>;
}

/** Pulumi.yaml cannot ask for encryption of a key that may be empty, and the SDK hides from its types who is encrypted. */
const { isConfigSecret } = pulumi.runtime as unknown as {
  isConfigSecret(name: string): boolean;
};

/** Keys that nothing reads: a misspelt key would otherwise leave its default in force without a word. */
function unknownKeys(): string[] {
  return Object.keys(pulumi.runtime.allConfig())
    .filter((name) => name.startsWith("monitoring:") && !(name.slice(11) in fields))
    .map(
      (name) =>
        `${name} is not a key of this program; run: pulumi config rm ${name} (keys: ${Object.keys(fields).join(", ")})`,
    );
}

/** Faults between values that are each well-formed; a key already at fault is undefined here and passed over. */
function contradictions(values: Partial<Settings>): string[] {
  const faults: string[] = [];
  const { ingestionKeys = [], engineerKeys = [], dnsZone, otlpHost } = values;
  if (!/^[a-z][a-z0-9-]{0,18}$/.test(pulumi.getStack()))
    faults.push(
      `stack name ${JSON.stringify(pulumi.getStack())} becomes part of Google resource names and must be 1 to 19 lower-case letters, digits and dashes; run: pulumi stack rename dev`,
    );
  const early = ingestionKeys.find((key, index) => key < (ingestionKeys[index - 1] ?? ""));
  if (early !== undefined)
    faults.push(
      `monitoring:ingestionKeys = ${JSON.stringify(ingestionKeys)} must ascend, newest last; move ${JSON.stringify(early)} or give it a later name`,
    );
  const engineers = engineerKeys.map((address) => idOf(engineerOf(address)));
  const twice = engineers.findIndex((engineer, index) => engineers.indexOf(engineer) !== index);
  if (twice >= 0)
    faults.push(
      `monitoring:engineerKeys = ${JSON.stringify(engineerKeys)} has a second address of engineer ${JSON.stringify(engineers[twice])}: ${engineerKeys[twice]}; keep one`,
    );
  if (dnsZone !== undefined && otlpHost === undefined)
    faults.push(
      `monitoring:dnsZone = ${JSON.stringify(dnsZone)} has no name to record; run: pulumi config set monitoring:otlpHost ${field.dnsName.example}`,
    );
  const { histogramQuantileUrl: archive, histogramQuantileSha256: checksum } = values;
  if ((archive === undefined) !== (checksum === undefined))
    faults.push(
      `monitoring:histogramQuantileUrl = "${archive ?? ""}" and monitoring:histogramQuantileSha256 = "${checksum ?? ""}" go together; set both or neither`,
    );
  faults.push(...alertContradictions(values));
  return faults;
}

/** The part of the configuration that the hook carries to every engineer. */
export const hookSettings = (settings: Settings) => ({
  project: settings.project,
  org: settings.org,
  defaultTeam: settings.defaultTeam,
  teamVariable: settings.teamVariable,
  engineerVariable: settings.engineerVariable,
  onePasswordReference: settings.onePasswordReference ?? "",
  keyGeneration: settings.ingestionKeys.at(-1) ?? "",
  instrumentPrograms: settings.instrumentPrograms,
});

/** Attribute `engineer` of the key that an e-mail address owns: the part before the @, in lower case. */
export const engineerOf = (address: string): string => address.replace(/@.*$/s, "").toLowerCase();

/** A name as part of a Google resource id, which takes no dots and the like. */
export const idOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9-]/g, "-");
