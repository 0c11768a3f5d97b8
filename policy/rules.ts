/**
 * The rules this program must never break, judged the same way in unit tests (recorded resources)
 * and in CI (`pulumi preview --json --show-sames`).
 */

/** A resource as the engine sees it: its type token, its inputs and whether it is protected. */
export interface PolicyResource {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** Undefined where the caller cannot know it (Pulumi's mocks do not see options). */
  protect?: boolean | undefined;
}

export interface Violation {
  rule: "ingress" | "metadata" | "protect" | "identity" | "grants";
  resource: string;
  message: string;
}

/** Google's own range for Identity-Aware Proxy TCP forwarding (cloud.google.com/iap/docs/using-tcp-forwarding). */
const iapRange = "35.235.240.0/20";
const gatePort = "4317";
const defaultAccount = /^(default|[0-9]+-compute@developer\.gserviceaccount\.com)$/;
const privateRange = /^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)/;

/** Pulumi's wire mark of a secret (sdk/nodejs/runtime/rpc.ts, specialSecretSig). */
const secretMark = "1b47061264138c4ac30d75fd1eb44270";
const markKey = "4dabf18193072939515e22adb298388d";

/**
 * Every violation in a program's resources; empty means the rules hold.
 * @param secretValues plaintexts that may appear in no metadata (known in unit tests, not in CI)
 */
export function judge(resources: PolicyResource[], secretValues: string[] = []): Violation[] {
  return resources.flatMap((resource) => {
    const found = (rule: Violation["rule"], message: string): Violation => ({
      rule,
      resource: `${resource.type} ${resource.name}`,
      message,
    });
    switch (resource.type) {
      case "gcp:compute/firewall:Firewall":
        return openPorts(resource.inputs).map((port) =>
          found(
            "ingress",
            `lets ${port} in from outside; only tcp/${gatePort} may be reached, the rest through IAP (${iapRange})`,
          ),
        );
      case "gcp:compute/instance:Instance":
        return [
          ...secretsIn(resource.inputs, secretValues).map((key) =>
            found(
              "metadata",
              `${key} carries a secret value, readable by anyone with compute.instances.get; pass the secret's version name`,
            ),
          ),
          ...identityFaults(resource.inputs).map((fault) => found("identity", fault)),
        ];
      case "gcp:compute/disk:Disk":
        return resource.protect === false
          ? [found("protect", "is not protected: a replacement would delete the telemetry")]
          : [];
      default:
        return grantFaults(resource).map((fault) => found("grants", fault));
    }
  });
}

function openPorts(firewall: Record<string, unknown>): string[] {
  if (firewall.direction === "EGRESS" || firewall.disabled === true) return [];
  const sources = strings(firewall.sourceRanges);
  const internal =
    strings(firewall.sourceTags).length || strings(firewall.sourceServiceAccounts).length;
  // A rule without any source means 0.0.0.0/0 to Compute Engine.
  if (!sources.length && internal) return [];
  if (sources.length && sources.every((range) => range === iapRange || privateRange.test(range)))
    return [];
  return list(firewall.allows).flatMap((allow) => {
    const { protocol = "all", ports } = allow as { protocol?: string; ports?: unknown };
    const open = strings(ports);
    if (!open.length) return [`every port of ${protocol}`];
    return open
      .filter((port) => !(["tcp", "6"].includes(protocol) && port === gatePort))
      .map((port) => `${protocol}/${port}`);
  });
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

function identityFaults(instance: Record<string, unknown>): string[] {
  const account = instance.serviceAccount as { email?: unknown } | undefined;
  const faults: string[] = [];
  if (!account?.email || (typeof account.email === "string" && defaultAccount.test(account.email)))
    faults.push(
      "runs as the default service account, which can edit the whole project; give it its own",
    );
  for (const nic of list(instance.networkInterfaces) as { network?: string; subnetwork?: string }[])
    if (!nic.subnetwork && (!nic.network || /(^|\/)default$/.test(nic.network)))
      faults.push("sits in the default network, whose firewall opens SSH to the world");
  return faults;
}

function grantFaults({ inputs }: PolicyResource): string[] {
  const members = [...strings(inputs.members), ...strings([inputs.member])];
  const faults = members
    .filter((member) => member === "allUsers" || member === "allAuthenticatedUsers")
    .map((member) => `grants ${inputs.role} to ${member}`);
  if (members.length && ["roles/owner", "roles/editor"].includes(String(inputs.role)))
    faults.push(`grants the basic role ${inputs.role}; name the one that is needed`);
  return faults;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const strings = (value: unknown): string[] =>
  list(value).filter((item): item is string => typeof item === "string");
