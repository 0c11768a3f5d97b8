import * as field from "./fields";

/** What runs: SigNoz, its collector and ClickHouse, who opens it and how long it keeps what. */
export const signoz = {
  adminEmail: field.key(
    "Login of SigNoz's root user, an address that no member has",
    field.optional(field.email),
  ),
  passwordGeneration: field.key(
    "Generation of the passwords of SigNoz's root user and of ClickHouse's users; another name makes new ones",
    field.generation("2026-11"),
    "1",
  ),
  signozUsers: field.key(
    "IAM members that may open SigNoz (port 8080) through Identity-Aware Proxy",
    field.listOf(field.member),
  ),
  signozUrl: field.key(
    "Address at which people open SigNoz, for links in alerts; the default is the tunnel of docs/runbook.md",
    field.origin("http://localhost:8080"),
    "http://localhost:8080",
  ),
  signozVersion: field.key(
    "Image tag of signoz/signoz, optionally with its digest (v0.138.0@sha256:…)",
    field.imageTag(/v\d+\.\d+\.\d+(-[\w.]+)?/, "v0.138.0"),
    "v0.138.0",
  ),
  collectorVersion: field.key(
    "Image tag of signoz/signoz-otel-collector, collector and migrator; paired with signozVersion by SigNoz's chart releases",
    field.imageTag(/v\d+\.\d+\.\d+(-[\w.]+)?/, "v0.144.7"),
    "v0.144.7",
  ),
  clickhouseVersion: field.key(
    "Image tag of ClickHouse; the only version that collectors after v0.144.5 support",
    field.imageTag(/\d+\.\d+\.\d+(\.\d+)?/, "25.12.5"),
    "25.12.5",
  ),
  keeperVersion: field.key(
    "Image tag of ClickHouse Keeper; empty uses the tag of clickhouseVersion, whose digest is not Keeper's",
    field.optional(field.imageTag(/\d+\.\d+\.\d+(\.\d+)?/, "25.12.5")),
  ),
  histogramQuantileUrl: field.key(
    "Archive with SigNoz's histogramQuantile executable for ClickHouse; empty leaves the function out",
    field.optional(
      field.matching(
        /^https:\/\/[^\s\p{C}]+$/u,
        "an https URL",
        "https://example.com/archive.tar.gz",
      ),
    ),
  ),
  histogramQuantileSha256: field.key(
    "SHA-256 of that archive",
    field.optional(field.matching(/^[0-9a-f]{64}$/, "64 hexadecimal digits", "0".repeat(64))),
  ),
  retentionDaysMetrics: field.key(
    "Days that SigNoz keeps metrics; budgets of a month need 32, of a day 2",
    field.wholeNumber(1, 3650),
    180,
  ),
  retentionDaysLogs: field.key("Days that SigNoz keeps logs", field.wholeNumber(1, 3650), 30),
  retentionDaysTraces: field.key("Days that SigNoz keeps traces", field.wholeNumber(1, 3650), 15),
};

/** Faults between these keys that are each well-formed. */
export function signozContradictions({
  histogramQuantileUrl: archive,
  histogramQuantileSha256: checksum,
}: Partial<field.Values<typeof signoz>>): string[] {
  if ((archive === undefined) === (checksum === undefined)) return [];
  return [
    `monitoring:histogramQuantileUrl = "${archive ?? ""}" and monitoring:histogramQuantileSha256 = "${checksum ?? ""}" go together; set both or neither`,
  ];
}
