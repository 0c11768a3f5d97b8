import * as pulumi from "@pulumi/pulumi";
import { standing } from "../handover";
import { alertContradictions, alerts } from "./alerts";
import { needed, ownKeys } from "./backends";
import { cloud } from "./cloud";
import { engineerContradictions, engineers, renamedEngineers } from "./engineers";
import * as field from "./fields";
import { gate, gateContradictions } from "./gate";
import { gke, gkeContradictions } from "./gke";
import { machine, machineContradictions, renamedMachine } from "./machine";
import { signoz, signozContradictions } from "./signoz";

/** Every key of the `monitoring:` namespace, by group; `npm run docs` writes Pulumi.yaml and docs/configuration.md from it. */
export const groups = { engineers, gate, machine, signoz, alerts, cloud, gke };

const renamed: Record<string, string> = { ...renamedEngineers, ...renamedMachine };

const place = {
  project: field.key(
    "Project",
    field.matching(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "a project id", "christopher-little-dev"),
  ),
  zone: field.key("Zone", field.matching(/^[a-z]+-[a-z]+\d+-[a-z]$/, "a zone", "us-central1-a")),
};

type Groups = typeof groups;

/** The stack's checked configuration by group, and where Google runs it. */
export type Settings = { [Group in keyof Groups]: field.Values<Groups[Group]> } & {
  place: field.Values<typeof place> & { region: string };
};

/**
 * Reads and checks the whole configuration before any resource exists, and warns of what is allowed and rarely wanted.
 * @throws pulumi.RunError that names every fault at once: key, value and the command that mends it
 */
export function readSettings(): Settings {
  const settings = checkedSettings();
  const { smtpHost, alertSlackWebhookUrl, alertWebhookUrl } = settings.alerts;
  if (!settings.cloud.cloudEndpoint && !smtpHost && !alertSlackWebhookUrl && !alertWebhookUrl)
    pulumi.log.warn(
      "SigNoz's alerts reach nobody: set monitoring:alertEmails with smtpHost, alertSlackWebhookUrl or alertWebhookUrl",
    );
  return settings;
}

/** The same without a word, for who makes nothing of it. */
export function checkedSettings(): Settings {
  const faults: string[] = [];
  const read = <Keys extends field.Keys>(keys: Keys, namespace = "monitoring") =>
    readGroup(namespace, keys, faults);
  const values = {
    engineers: read(engineers),
    gate: read(gate),
    machine: read(machine),
    signoz: read(signoz),
    alerts: read(alerts),
    cloud: read(cloud),
    gke: read(gke),
    place: read(place, "gcp"),
  };
  const region = values.place.zone?.replace(/-[a-z]$/, "");
  const { retentionDaysMetrics } = values.signoz;
  faults.push(
    ...unknownKeys(),
    ...backendFaults(values.machine),
    ...stackNameFaults(),
    ...engineerContradictions(values.engineers),
    ...gateContradictions(values.gate),
    ...machineContradictions({ ...values.machine, region }),
    ...signozContradictions(values.signoz),
    ...gkeContradictions(values.gke),
    ...alertContradictions({ ...values.alerts, retentionDaysMetrics }),
  );
  if (faults.length > 0)
    throw new pulumi.RunError(
      [
        `Stack ${pulumi.getStack()} has ${faults.length} fault(s) in its configuration:`,
        ...faults,
      ].join("\n  - "),
    );
  return { ...values, place: { ...values.place, region } } as Settings;
}

function readGroup<Keys extends field.Keys>(
  namespace: string,
  keys: Keys,
  faults: string[],
): Partial<field.Values<Keys>> {
  const config = pulumi.runtime.allConfig();
  const values: Record<string, unknown> = {};
  for (const [key, { kind, default: preset }] of Object.entries(keys)) {
    const name = `${namespace}:${key}`;
    const fix = fixOf(name, kind, preset);
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
  return values as Partial<field.Values<Keys>>;
}

function fixOf(name: string, kind: field.Kind<unknown>, preset: unknown): string {
  if (kind.type === "array") return `pulumi config set --path '${name}[0]' ${kind.example}`;
  // Without a value it is asked for: typed here it would stay in the shell's history.
  if (kind.secret) return `pulumi config set --secret ${name}`;
  const value = preset === undefined || preset === "" ? kind.example : preset;
  return `pulumi config set ${name} ${value}`;
}

/** What the chosen backend lacks, and what is set that only others read. */
function backendFaults({ backend, handover }: Partial<Settings["machine"]>): string[] {
  if (backend === undefined) return [];
  if (handover !== undefined && backend === "cloud")
    return [
      `monitoring:handover = "${handover}" hands over between "vm" and "gke" alone, and this stack's backend is "cloud"; run: pulumi config rm monitoring:handover`,
    ];
  const { stand } = standing({ backend, handover });
  const config = pulumi.runtime.allConfig();
  // The engine gives the defaults of Pulumi.yaml as if they were set.
  const isSet = (key: string, preset: unknown) => {
    const unset = typeof preset === "string" ? preset : JSON.stringify(preset);
    const text = config[`monitoring:${key}`];
    return text !== undefined && text !== unset;
  };
  const known: field.Keys = Object.assign({}, ...Object.values(groups));
  const names = needed.filter((one) => stand.includes(one.backend)).flatMap((one) => one.names);
  const lacking = Object.entries(known)
    .filter(([key, { default: preset }]) => names.includes(key) && !isSet(key, preset))
    .map(
      ([key, { kind, default: preset }]) =>
        `monitoring:${key} is not set, which backend "${backend}" needs; run: ${fixOf(`monitoring:${key}`, kind, preset)}`,
    );
  const foreign = ownKeys
    .filter(({ backends }) => !backends.some((one) => stand.includes(one)))
    .flatMap(({ backends, keys }) =>
      Object.entries(keys)
        .filter(([key, { default: preset }]) => isSet(key, preset))
        .map(([key, { kind }]) => {
          const shown = kind.secret ? "[secret]" : JSON.stringify(config[`monitoring:${key}`]);
          const theirs = backends.map((one) => `"${one}"`).join(" and ");
          return `monitoring:${key} = ${shown} is for backend ${theirs} alone, and this stack's is "${backend}"; run: pulumi config rm monitoring:${key}`;
        }),
    );
  return [...lacking, ...foreign];
}

/** Pulumi.yaml cannot ask for encryption of a key that may be empty, and the SDK hides from its types who is encrypted. */
const { isConfigSecret } = pulumi.runtime as unknown as {
  isConfigSecret(name: string): boolean;
};

/** Keys that nothing reads: a misspelt key would otherwise leave its default in force without a word. */
function unknownKeys(): string[] {
  const known = Object.assign({}, ...Object.values(groups));
  return Object.keys(pulumi.runtime.allConfig())
    .filter((name) => name.startsWith("monitoring:") && !(name.slice(11) in known))
    .map((name) => {
      const now = renamed[name.slice(11)];
      return now === undefined
        ? `${name} is not a key of this program; run: pulumi config rm ${name} (keys: ${Object.keys(known).join(", ")})`
        : `${name} is now called monitoring:${now}; give it that name in Pulumi.${pulumi.getStack()}.yaml, or run: pulumi config rm ${name}`;
    });
}

/** The stack's name is part of Google's names, of which an account id, `monitoring-<stack>`, is the shortest: 30 characters. */
function stackNameFaults(): string[] {
  const stack = pulumi.getStack();
  if (/^[a-z]([a-z0-9-]{0,17}[a-z0-9])?$/.test(stack)) return [];
  return [
    `stack name ${JSON.stringify(stack)} becomes part of Google resource names and must be 1 to 19 lower-case letters, digits and dashes, the last no dash; run: pulumi stack rename dev`,
  ];
}
