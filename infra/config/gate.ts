import * as field from "./fields";

/** Where the gate is, who reaches it and what it lets through. */
export const gate = {
  allowedSources: field.key(
    "IPv4 CIDR ranges that may reach port 4317",
    field.listOf(field.cidr, { atLeast: 1 }),
    ["0.0.0.0/0"],
  ),
  otlpHost: field.key(
    "Own DNS name of the gate; empty uses the name that Google gives the external address",
    field.optional(field.dnsName),
  ),
  dnsZone: field.key(
    "Cloud DNS managed zone that gets the A record of otlpHost, in another project as projects/PROJECT/managedZones/ZONE; empty leaves DNS to you",
    field.optional(
      field.matching(
        /^(projects\/[a-z][a-z0-9-]{4,28}[a-z0-9]\/managedZones\/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
        "the name of a managed zone",
        "palindrom-zone",
      ),
    ),
  ),
  haproxyVersion: field.key(
    "Image tag of haproxy, the front of the gate",
    field.imageTag(/3\.\d+\.\d+/, "3.2.26"),
    "3.2.26",
  ),
  certificateAuthorities: field.key(
    "Names of the private certificate authorities, oldest first: the first signs the gate's certificate, clients trust them all",
    field.listOf(field.generation("2026-11"), { atLeast: 1 }),
    ["1"],
  ),
  keepContent: field.key(
    "Whether the gate lets prompt and response text, tool input and output through",
    field.flag,
    false,
  ),
  ownNames: field.key(
    "Names of your own programs' attributes, metrics, spans, log messages and scopes that hold nothing said or secret; the gate lets them through beside the listed ones",
    field.listOf(
      field.matching(
        /^[A-Za-z][\w ./:@-]{0,127}$/,
        "a name of letters, digits and ._-/:@",
        "orders",
      ),
    ),
  ),
  readyTimeoutMinutes: field.key(
    "How long `pulumi up` waits until this version is applied and the gate accepts telemetry",
    field.wholeNumber(1, 120),
    20,
  ),
};

/** Faults between these keys that are each well-formed. */
export function gateContradictions({
  dnsZone,
  otlpHost,
}: Partial<field.Values<typeof gate>>): string[] {
  if (dnsZone === undefined || otlpHost !== undefined) return [];
  return [
    `monitoring:dnsZone = ${JSON.stringify(dnsZone)} has no name to record; run: pulumi config set monitoring:otlpHost ${field.dnsName.example}`,
  ];
}
