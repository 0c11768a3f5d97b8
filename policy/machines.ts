import { isHidden, isRecord, list, markKey, secretMark, strings } from "./resource";

/** Google's own range for Identity-Aware Proxy TCP forwarding (cloud.google.com/iap/docs/using-tcp-forwarding). */
const iapRange = "35.235.240.0/20";
const gatePort = "4317";
/** RFC 1918. */
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** What a firewall rule lets in that nothing may reach from outside. */
export function firewallFaults(firewall: Record<string, unknown>): string[] {
  if (firewall.direction === "EGRESS" || firewall.disabled === true) return [];
  const hidden = ["sourceRanges", "allows"].filter((name) => isHidden(firewall[name]));
  if (hidden.length) return hidden.map((name) => `hides ${name}, which nobody can judge then`);
  const sources = list(firewall.sourceRanges).map(String);
  const internal =
    strings(firewall.sourceTags).length || strings(firewall.sourceServiceAccounts).length;
  // A rule without any source means 0.0.0.0/0 to Compute Engine.
  if (!sources.length && internal) return [];
  const inside = [iapRange, ...privateRanges].map(ipv4Range);
  if (sources.length && sources.every((source) => inside.some((range) => lies(source, range))))
    return [];
  return list(firewall.allows)
    .flatMap((allow) => {
      const { protocol = "all", ports } = allow as { protocol?: string; ports?: unknown };
      const open = list(ports).map(String);
      if (!open.length) return [`every port of ${protocol}`];
      return open
        .filter((port) => !(["tcp", "6"].includes(protocol) && port === gatePort))
        .map((port) => `${protocol}/${port}`);
    })
    .map(
      (port) =>
        `lets ${port} in from outside; only tcp/${gatePort} may be reached, the rest through IAP (${iapRange})`,
    );
}

interface Range {
  first: number;
  last: number;
}

/** The addresses of an IPv4 CIDR range; undefined for anything else, which then lies nowhere. */
function ipv4Range(cidr: string): Range | undefined {
  const [, a, b, c, d, length = "32"] =
    /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(cidr) ?? [];
  const parts = [a, b, c, d].map(Number);
  if (parts.some((part) => !(part <= 255)) || Number(length) > 32) return undefined;
  const size = 2 ** (32 - Number(length));
  const address = parts.reduce((sum, part) => sum * 256 + part, 0);
  const first = address - (address % size);
  return { first, last: first + size - 1 };
}

function lies(source: string, range: Range | undefined): boolean {
  const wanted = ipv4Range(source);
  return wanted && range ? wanted.first >= range.first && wanted.last <= range.last : false;
}

type InstanceFault = ["metadata" | "identity" | "image", string];

/** Images that the VM may boot from; a company that trusts only its own puts its project's in their place. */
const bootImages = [
  /^(projects\/)?debian-cloud\/(global\/images\/(family\/)?)?debian-13(-trixie-v\d{8})?$/,
];

/** Metadata that the VM may carry, and what exactly where a value would open it. */
const metadataKeys: Record<string, RegExp> = {
  "enable-oslogin": /^TRUE$/,
  "block-project-ssh-keys": /^TRUE$/,
  "enable-guest-attributes": /^TRUE$/,
  "startup-script": /^/,
};
const ownMetadata = /^monitoring-[a-z-]+$/;
const requiredMetadata = ["enable-oslogin", "block-project-ssh-keys"];

export function instanceFaults(
  instance: Record<string, unknown>,
  secretValues: string[],
): InstanceFault[] {
  return [
    ...secretsIn(instance, secretValues).map(
      (key): InstanceFault => [
        "metadata",
        `${key} carries a secret value, readable by anyone with compute.instances.get; pass the secret's version name`,
      ],
    ),
    ...metadataFaults(instance).map((fault): InstanceFault => ["metadata", fault]),
    ...identityFaults(instance).map((fault): InstanceFault => ["identity", fault]),
    ...imageFaults(instance).map((fault): InstanceFault => ["image", fault]),
  ];
}

function metadataFaults({ metadata, metadataStartupScript }: Record<string, unknown>): string[] {
  if (metadataStartupScript !== undefined && !carriesSecret(metadataStartupScript, []))
    return ["sets metadataStartupScript, which replaces the VM at every edit; use metadata"];
  if (carriesSecret(metadata, [])) return [];
  if (!isRecord(metadata)) return ["has no metadata that can be judged; OS Login must be on"];
  const faults = Object.entries(metadata)
    .filter(([key, value]) => !(metadataKeys[key]?.test(String(value)) ?? ownMetadata.test(key)))
    .map(([key]) => `metadata.${key} is not what policy/machines.ts lists`);
  const missing = requiredMetadata.filter((key) => !(key in metadata));
  return [...faults, ...missing.map((key) => `metadata.${key} is missing; it must be TRUE`)];
}

function secretsIn(instance: Record<string, unknown>, secretValues: string[]): string[] {
  const fields: [string, unknown][] = [
    ["metadataStartupScript", instance.metadataStartupScript],
    ["labels", instance.labels],
  ];
  if (isRecord(instance.metadata) && instance.metadata[markKey] === undefined)
    for (const [key, value] of Object.entries(instance.metadata))
      fields.push([`metadata.${key}`, value]);
  else fields.push(["metadata", instance.metadata]);
  return fields.filter(([, value]) => carriesSecret(value, secretValues)).map(([key]) => key);
}

function carriesSecret(value: unknown, secretValues: string[]): boolean {
  if (value === undefined) return false;
  if (isRecord(value) && value[markKey] === secretMark) return true;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return (
    text.includes("[secret]") ||
    text.includes(secretMark) ||
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text) ||
    secretValues.some((secret) => secret !== "" && text.includes(secret))
  );
}

const defaultAccount =
  /^(default|[0-9]+(-compute@developer|@cloudservices)\.gserviceaccount\.com)$/;
const shielded = ["enableSecureBoot", "enableVtpm", "enableIntegrityMonitoring"];

function identityFaults(instance: Record<string, unknown>): string[] {
  const account = instance.serviceAccount as { email?: unknown } | undefined;
  const faults: string[] = [];
  if (!account?.email || (typeof account.email === "string" && defaultAccount.test(account.email)))
    faults.push(
      "runs as the default service account, which can edit the whole project; give it its own",
    );
  const nics = list(instance.networkInterfaces);
  if (!nics.length) faults.push("has no network interface that can be judged");
  for (const nic of nics as { network?: string; subnetwork?: string }[])
    if (!nic.subnetwork && (!nic.network || /(^|\/)default$/.test(nic.network)))
      faults.push("sits in the default network, whose firewall opens SSH to the world");
  const config = isRecord(instance.shieldedInstanceConfig) ? instance.shieldedInstanceConfig : {};
  const off = shielded.filter((part) => config[part] !== true);
  if (off.length) faults.push(`is no Shielded VM: ${off.join(", ")} must be true`);
  if (![undefined, false].includes(instance.canIpForward as undefined))
    faults.push("forwards other machines' traffic");
  return faults;
}

function imageFaults({ bootDisk }: Record<string, unknown>): string[] {
  const { initializeParams, source } = Object(bootDisk);
  const { image = "", snapshot } = Object(initializeParams);
  const strange = [source, snapshot].filter((from) => from !== undefined);
  if (!bootImages.some((allowed) => allowed.test(String(image)))) strange.push(image);
  return strange.map(
    (from) => `boots from ${JSON.stringify(from)}; the list of images is in policy/machines.ts`,
  );
}

/** Commands that the program may run where `pulumi up` runs, and nothing beside them. */
const commands = new Set(["bash infra/ready/wait-for-gate.sh"]);
const commandInputs = new Set(["create", "environment", "triggers", "logging"]);
const ownVariable = /^(GATE|READY)_[A-Z_]+$/;
/** Variables that become code in wait-for-gate.sh, and all that they may hold. */
const codeVariables: Record<string, RegExp> = {
  // A backend's own progress script, with names as its arguments.
  READY_PROGRESS: /^bash infra\/[a-z]+\/progress\.sh( [A-Za-z0-9-]+)*$/,
  // Bash counts with it, and runs what stands in a subscript: `a[$(id)]`.
  READY_TIMEOUT_MINUTES: /^\d+$/,
};

export function commandFaults(inputs: Record<string, unknown>): string[] {
  const faults = Object.keys(inputs)
    .filter((key) => !commandInputs.has(key))
    .map((key) => `sets ${key}; a command has create, environment and triggers`);
  if (!commands.has(String(inputs.create)))
    faults.push(
      `runs ${JSON.stringify(inputs.create)}; the list of commands is in policy/machines.ts`,
    );
  // The SDK's mocks mark the whole for one secret value in it.
  const marked = isRecord(inputs.environment) && inputs.environment[markKey] === secretMark;
  const environment = marked ? Object(inputs.environment).value : inputs.environment;
  if (isHidden(environment)) faults.push("hides its environment, which nobody can judge then");
  if (isRecord(environment))
    for (const [name, value] of Object.entries(environment)) {
      if (!ownVariable.test(name)) faults.push(`sets the variable ${JSON.stringify(name)}`);
      if (codeVariables[name]?.test(String(value)) === false)
        faults.push(`sets ${name} to ${JSON.stringify(value)}, which would run as code`);
    }
  return faults;
}
