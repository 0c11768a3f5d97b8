import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ownKeys } from "../../../infra/config/backends.js";
import { engineerOf } from "../../../infra/config/engineers.js";
import type { Key } from "../../../infra/config/fields.js";
import { groups, readSettings } from "../../../infra/config/settings.js";
import { stackConfig } from "../../../simulator/program.js";

/** Keys of the group signoz that a SigNoz of our own alone uses. */
const storeKeys = [
  "adminEmail",
  "passwordGeneration",
  "signozUsers",
  "signozUrl",
  "signozVersion",
  "clickhouseVersion",
  "keeperVersion",
];

const read = (config: Record<string, unknown> = {}, secrets: Record<string, unknown> = {}) => {
  const stack = stackConfig(config, secrets);
  pulumi.runtime.setAllConfig(stack.config, stack.secretKeys);
  return readSettings();
};

const faultsOf = (
  config: Record<string, unknown>,
  secrets: Record<string, unknown> = {},
): string => {
  try {
    read(config, secrets);
  } catch (error) {
    expect(pulumi.RunError.isInstance(error), String(error)).toBe(true);
    return (error as Error).message;
  }
  throw new Error("the configuration was accepted");
};

beforeAll(() =>
  pulumi.runtime.setMocks(
    { newResource: ({ name }) => ({ id: name, state: {} }), call: () => ({}) },
    "monitoring",
    "dev",
  ),
);

describe("readSettings", () => {
  it("reads a stack over the defaults of Pulumi.yaml", () => {
    expect(read()).toMatchObject({
      place: { project: "christopher-little-dev", zone: "us-central1-a", region: "us-central1" },
      engineers: {
        org: "palindrom",
        defaultTeam: "engineering",
        ingestionKeyGenerations: ["2026-11"],
      },
      gate: { allowedSources: ["0.0.0.0/0"], otlpHost: undefined },
      machine: { dataDiskGb: 100, deletionProtection: true },
    });
  });

  it("takes the example of a stack file as it is written", () => {
    const example = parse(
      readFileSync(join(__dirname, "../../../docs/Pulumi.example.yaml"), "utf8"),
    );
    expect(read(example.config).engineers.org).toBe("Example");
  });

  it("describes in Pulumi.yaml exactly the keys it reads", () => {
    const project = parse(readFileSync(join(__dirname, "../../../Pulumi.yaml"), "utf8"));
    const keys = Object.values(groups).flatMap((group) => Object.keys(group));
    expect(Object.keys(project.config)).toEqual(keys);
  });

  it("shows no example of a list's entry that Pulumi would write as a number or a truth value", () => {
    for (const [name, { kind }] of Object.entries<Key<unknown>>(
      Object.assign({}, ...Object.values(groups)),
    ))
      if (kind.type === "array") expect(kind.example, name).not.toMatch(/^(-?\d+|true|false)$/);
  });

  it.each([
    ["org", "", "2 to 64 letters"],
    ["org", "O'Neill", "2 to 64 letters"],
    ["org", " palindrom", "2 to 64 letters"],
    ["defaultTeam", "a\nb", "1 to 64 printable characters"],
    ["teamVariable", "PALINDROM-TEAM", "name of an environment variable"],
    ["engineerVariable", "1ENGINEER", "name of an environment variable"],
    ["onePasswordReference", "Engineering/SigNoz/key", "1Password secret reference"],
    ["onePasswordReference", "op://Engineering", "1Password secret reference"],
    ["instrumentPrograms", "yes", "true or false"],
    ["allowedSources", [], "at least 1 entry"],
    ["allowedSources", "0.0.0.0/0", "list of texts"],
    ["allowedSources", ["10.0.0.1/8"], "host bits zero"],
    ["allowedSources", ["10.0.0.0/33"], "IPv4 range"],
    ["allowedSources", ["::/0"], "IPv4 range"],
    ["allowedSources", ["10.0.0.0"], "IPv4 range"],
    ["otlpHost", "https://otlp.palindrom.example", "DNS name"],
    ["otlpHost", "otlp.palindrom.example:4317", "DNS name"],
    ["otlpHost", "203.0.113.7", "DNS name"],
    ["otlpHost", "otlp", "DNS name"],
    ["ingestionKeyGenerations", [], "no key at all"],
    ["ingestionKeyGenerations", [""], "1 to 31 lower-case"],
    ["ingestionKeyGenerations", ["2026-11", "2026-11"], 'must not name "2026-11" twice'],
    ["ingestionKeyGenerations", ["2026-12", "2026-11"], "must ascend"],
    ["ingestionKeyGenerations", [202611], "list of texts"],
    ["personalKeyEmails", ["dana"], "e-mail address"],
    ["personalKeyEmails", ["dana@a.example", "dana@b.example"], "second address"],
    ["personalKeyEmails", ["d.a@a.example", "d-a@a.example"], "second address"],
    ["personalKeyEmails", ["zoë@a.example"], "e-mail address"],
    ["personalKeyEmails", ["dana/ops@a.example"], "becomes part of the key"],
    ["personalKeyEmails", ["-x@a.example"], "becomes part of the key"],
    ["personalKeyEmails", ["dana@a.example/key"], "another generation"],
    ["personalKeyEmails", ["dana@a.example/2", "dana-2@a.example"], 'call two keys "of-dana-2"'],
    ["personalKeyEmails", ["monitoring-probe@a.example"], "ready check"],
    ["dnsZone", "projects/dns/zones/z", "managed zone"],
    ["kmsKey", "data", "projects/PROJECT/locations"],
    ["bootImage", "Debian 13", "an image such as"],
    ["flowLogsPercent", 101, "from 0 to 100"],
    ["backend", "gke2", "must be vm or cloud"],
    ["signozUrl", "http://local host", "without a path"],
    ["signozUrl", "http://localhost:99999", "without a path"],
    ["smtpHost", "smtp.palindrom.example:99999", "host:port"],
    ["signozVersion", "v0.138.0@sha256:12", "with its digest"],
    ["secretReaders", ["dana@palindrom.example"], "IAM member"],
    ["secretReaders", ["allUsers"], "IAM member"],
    ["secretReaders", ["group:eng@a.example", "group:Eng@A.example"], "twice"],
    ["signozUsers", ["group:"], "IAM member"],
    ["dataLocations", ["europe"], "a region"],
    ["dataLocations", ["europe-west3"], "leaves out us-central1"],
    ["machineType", "e2-medium", "7.5 GB"],
    ["machineType", "f1-micro", "must be a machine type of series"],
    ["machineType", "e2-standard-3", "such as e2-standard-8"],
    ["machineType", "e2-highcpu-4", "it has 4"],
    ["machineType", "n4-standard-4", "pd-balanced"],
    ["machineType", "c4-standard-4", "pd-balanced"],
    ["machineType", "c4a-standard-4", "Arm"],
    ["machineType", "t2a-standard-4", "Arm"],
    ["machineType", "a2-highgpu-1g", "accelerators"],
    ["machineType", "e2-custom-2-4096", "it has 4"],
    ["machineType", "e2-custom-3-8192", "even number"],
    ["machineType", "n2-custom-4-8193", "256 MiB"],
    ["machineType", "n2-custom-2-32768", "0.5 to 8 GB"],
    ["machineType", "c3-custom-4-16384", "custom machine type such as"],
    ["bootDiskGb", 10, "from 20 to 2048"],
    ["dataDiskGb", 29, "from 30 to 65536"],
    ["dataDiskGb", 100.5, "whole number"],
    ["dataDiskGb", "1e3", "whole number"],
    ["snapshotRetentionDays", 0, "from 1 to 365"],
    ["restoreFromSnapshot", "Snapshot_1", "name of a snapshot"],
    ["deletionProtection", 1, "true or false"],
    ["adminEmail", "platform", "e-mail address"],
    ["signozVersion", "latest", "image tag such as v0.138.0"],
    ["collectorVersion", "0.144.7", "image tag"],
    ["clickhouseVersion", "25", "image tag"],
    ["histogramQuantileUrl", "http://example.com/a.tar.gz", "https URL"],
    ["histogramQuantileUrl", "https://example.com/a.tar.gz", "go together"],
    ["histogramQuantileSha256", "abc", "64 hexadecimal digits"],
    ["retentionDaysLogs", 0, "from 1 to 3650"],
    ["retentionDaysMetrics", 31, "raise it to 32"],
    ["readyTimeoutMinutes", 121, "from 1 to 120"],
    ["dnsZone", "palindrom-zone", "no name to record"],
    ["teamBudgets", ["research"], "team=daily/monthly"],
    ["teamBudgets", ["a $x=1/2"], "without $"],
    ["teamBudgets", ["{{a}}=1/2"], "without $, {{"],
    ["teamBudgets", [" a=1/2"], "team=daily/monthly"],
    ["teamBudgets", ["a\nb=1/2"], "control characters"],
    ["teamBudgets", ["research=1/2", "research=3/4"], "two budgets of team research"],
    ["teamBudgets", ["a$b=1/2"], "team=daily/monthly"],
    ["monthlyBudgetUsd", 20, "below dailyBudgetUsd"],
    ["workingHours", "9-18", "HH:MM-HH:MM"],
    ["workingHours", "18:00-09:00", "ends before it starts"],
    ["silentHours", 10, "leaves no 10 minutes of workingHours"],
    // The schedules of the quiet hours would follow each other without a gap.
    ["silentHours", 9, "leaves no 10 minutes of workingHours"],
    // At 90 % the gate is closed, and nothing tells of more.
    ["diskUsedPercentLimit", 90, "from 0 to 89"],
    ["workingDays", ["Monday"], "day of the week"],
    ["timezone", "Mars/Olympus", "IANA"],
    ["timezone", "europe/berlin", "Europe/Berlin"],
    ["timezone", "+01:00", "IANA"],
    ["alertEmails", ["ops@palindrom.example"], "smtpHost is not"],
    ["smtpHost", "smtp.palindrom.example", "host:port"],
    ["smtpHost", "smtp.palindrom.example:587", "smtpFrom is not"],
    ["alertSlackChannel", "telemetry", "begins with #"],
    ["signozUrl", "http://localhost:8080/signoz", "without a path"],
  ])("refuses %s = %j: %s", (key, value, reason) => {
    const message = faultsOf({ [key]: value });
    expect(message).toContain(`monitoring:${key}`);
    expect(message).toContain(reason);
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    expect(message.includes(shown) || message.includes(JSON.stringify(shown)), message).toBe(true);
    expect(message).toMatch(/run: |example: |keep one|set both|must ascend|raise it|lower it/);
  });

  it.each(["gcp:project", "gcp:zone", "monitoring:org", "monitoring:ingestionKeyGenerations"])(
    "says how to set %s when it is missing",
    (name) => {
      expect(faultsOf({ [name]: undefined })).toMatch(
        new RegExp(`${name} is not set; run: pulumi config set .*${name}`),
      );
    },
  );

  it("refuses a misspelt key, whose default would stay in force without a word", () => {
    const message = faultsOf({ dataDiskGB: 200 });
    expect(message).toContain("monitoring:dataDiskGB is not a key of this program");
    expect(message).toContain("dataDiskGb");
  });

  it.each([
    ["ingestionKeys", ["2026-11"], "ingestionKeyGenerations"],
    ["engineerKeys", ["dana@palindrom.example"], "personalKeyEmails"],
    ["secretLocations", ["us-central1"], "dataLocations"],
  ])("says how %s is called now", (key, value, now) => {
    expect(faultsOf({ [key]: value })).toContain(
      `monitoring:${key} is now called monitoring:${now}`,
    );
  });

  it.each([
    ["teamBudgets", ["Data & AI=120/1500"]],
    [
      "dnsZone",
      "projects/palindrom-dns/managedZones/palindrom-zone",
      { otlpHost: "otlp.a.example" },
    ],
    [
      "secretReaders",
      ["principalSet://iam.googleapis.com/locations/global/workforcePools/staff/group/eng"],
    ],
    [
      "signozUsers",
      ["principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/dana"],
    ],
    ["ingestionKeyGenerations", [], { personalKeyEmails: ["dana@palindrom.example"] }],
    ["signozVersion", `v0.138.0@sha256:${"a".repeat(64)}`],
    ["machineType", "n1-standard-2"],
    ["machineType", "custom-4-16384"],
    ["machineType", "n2-custom-2-32768-ext"],
    ["machineType", "c3-standard-4-lssd"],
    ["dataLocations", ["us-central1", "europe-west3"]],
    [
      "kmsKey",
      "projects/palindrom-kms/locations/us-central1/keyRings/ring/cryptoKeys/data",
      { dataLocations: ["us-central1"] },
    ],
    ["silentHours", 9, { workingHours: "09:00-18:10" }],
    ["silentHours", 0, { workingHours: "09:00-09:05" }],
    ["retentionDaysMetrics", 32],
    ["retentionDaysMetrics", 2, { monthlyBudgetUsd: 0, teamBudgets: ["research=50/0"] }],
    ["retentionDaysMetrics", 1, { monthlyBudgetUsd: 0, dailyBudgetUsd: 0 }],
    ["timezone", "America/Argentina/ComodRivadavia"],
    ["adminEmail", "a$b'c@palindrom.example"],
  ])("takes %s = %j", (key, value, others: Record<string, unknown> = {}) => {
    expect(() => read({ [key]: value, ...others })).not.toThrow();
  });

  it.each([
    ["a team's own budget of a month", 31, { monthlyBudgetUsd: 0, teamBudgets: ["a=0/9"] }, 32],
    ["budgets of a day", 1, { monthlyBudgetUsd: 0 }, 2],
    [
      "a team's own budget of a day",
      1,
      { monthlyBudgetUsd: 0, dailyBudgetUsd: 0, teamBudgets: ["a=9/0"] },
      2,
    ],
  ])("refuses to keep less than %s sums", (_, retentionDaysMetrics, others, days) => {
    expect(faultsOf({ retentionDaysMetrics, ...others })).toContain(
      `monitoring:retentionDaysMetrics = "${retentionDaysMetrics}" drops what`,
    );
    expect(() => read({ retentionDaysMetrics: days, ...others })).not.toThrow();
  });

  it("refuses an address that Go, which SigNoz reads it with, could not parse", () => {
    expect(faultsOf({}, { alertWebhookUrl: "https://hooks.example.com/100%" })).toContain(
      "monitoring:alertWebhookUrl = [secret] must be an http or https URL",
    );
  });

  it("refuses a secret that the copy of the state could not hide", () => {
    expect(faultsOf({ smtpUser: "u" }, { smtpPassword: "short" })).toContain(
      "monitoring:smtpPassword = [secret] must have 8 characters or more",
    );
  });

  it("reports every fault in one message", () => {
    const message = faultsOf({ org: "", dataDiskGb: 1, allowedSources: ["x"], adminEmail: "y" });
    expect(message).toContain("has 4 fault(s)");
    for (const key of ["org", "dataDiskGb", "allowedSources", "adminEmail"])
      expect(message).toContain(`monitoring:${key}`);
  });

  it("never shows a secret, at fault or not", async () => {
    const message = faultsOf({}, { alertSlackWebhookUrl: "hunter2-is-no-url" });
    expect(message).toContain("monitoring:alertSlackWebhookUrl = [secret] must be an https URL");
    expect(message).not.toContain("hunter2");
    const stored = faultsOf({ alertWebhookUrl: "https://hooks.example.com/plain" });
    expect(stored).toContain("monitoring:alertWebhookUrl = [secret] must be stored encrypted");
    expect(stored).toContain("pulumi config set --secret monitoring:alertWebhookUrl");
    expect(stored).not.toContain("/plain");
    const { alertWebhookUrl } = read({}, { alertWebhookUrl: "https://hooks.example.com/x" }).alerts;
    expect(alertWebhookUrl && (await pulumi.isSecret(alertWebhookUrl))).toBe(true);
  });
});

describe("a backend's own keys", () => {
  const inCloud = {
    backend: "cloud",
    cloudEndpoint: "ingest.eu.signoz.cloud:443",
    adminEmail: "",
  };
  const cloudKey = { cloudIngestionKey: "cloud-key-0001" };
  const ofGke = {
    otlpHost: "otlp.palindrom.example",
    dataLocations: ["us-central1"],
    kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
  };
  const onGke = { ...ofGke, backend: "gke" };
  /** A stack of a backend that is none of these, whole by itself. */
  const elsewhere = (backends: string[]): [object, object] =>
    [
      ["vm", {}, {}] as const,
      ["cloud", inCloud, cloudKey] as const,
      ["gke", onGke, {}] as const,
    ].flatMap(([name, config, secrets]): [object, object][] =>
      backends.includes(name) ? [] : [[config, secrets]],
    )[0] ?? [{}, {}];
  const all = Object.assign({}, ...Object.values(groups)) as Record<string, Key<unknown>>;
  /** A value of each key that is not its default. */
  const other = ({ kind, default: preset }: Key<unknown>): unknown => {
    if (kind.type === "array") return [kind.example.replaceAll("'", "")];
    if (kind.type === "boolean") return !preset;
    if (kind.type === "integer") return Number(preset) + 1;
    return kind.secret ? "https://hooks.example.com/x" : `${kind.example.replaceAll("'", "")}`;
  };
  /** What a change of the default looks like where the example is the default. */
  const changed: Record<string, unknown> = {
    passwordGeneration: "2027-01",
    bootImage: "debian-cloud/debian-12",
    signozUrl: "http://localhost:8081",
    signozVersion: "v0.139.0",
    clickhouseVersion: "25.12.6",
    keeperVersion: "25.12.6",
    histogramQuantileSha256: "0".repeat(64),
    workingHours: "08:00-18:00",
    workingDays: ["sunday"],
    timezone: "Europe/Berlin",
    alertSlackChannel: "#telemetry",
    monthlyBudgetUsd: 501,
  };

  it("are told apart from those that mean the same under each", () => {
    const own = ownKeys.map(({ backends, keys }) => [backends.join(), Object.keys(keys)]);
    expect(own).toEqual([
      ["vm", ["histogramQuantileUrl", "histogramQuantileSha256"]],
      ["vm,gke", [...storeKeys, ...Object.keys(groups.alerts)]],
      ["cloud", ["cloudEndpoint", "cloudIngestionKey"]],
      ["gke", Object.keys(groups.gke)],
    ]);
  });

  it.each(Object.keys(all))(
    "monitoring:%s is refused where nothing reads it, and only there",
    (name) => {
      const key = all[name] as Key<unknown>;
      const value = changed[name] ?? other(key);
      const set = key.kind.secret ? {} : { [name]: value };
      const secrets = key.kind.secret ? { [name]: value } : {};
      for (const { backends, keys } of ownKeys.filter(({ keys }) => name in keys)) {
        const [base, given] = elsewhere(backends);
        const message = faultsOf({ ...base, ...set }, { ...given, ...secrets });
        const shown = key.kind.secret
          ? "[secret]"
          : JSON.stringify(typeof value === "string" ? value : JSON.stringify(value));
        expect(message).toContain(
          `monitoring:${name} = ${shown} is for backend "${backends.join('" and "')}" alone`,
        );
        expect(message).toContain(`run: pulumi config rm monitoring:${name}`);
        expect(keys).toHaveProperty(name);
      }
      // The two that say which keys are whose.
      if (ownKeys.some(({ keys }) => name in keys) || ["backend", "handover"].includes(name))
        return;
      // What faults it may have by itself are no matter of the backend.
      const faults = (config: object, secrets: object) => {
        try {
          read({ ...config, ...set }, { ...secrets });
          return "";
        } catch (error) {
          return (error as Error).message;
        }
      };
      expect(faults(inCloud, cloudKey)).toBe(faults({}, {}));
      if (!(name in onGke)) expect(faults(onGke, {})).toBe(faults(ofGke, {}));
    },
  );

  it("lacks in a handover what either backend needs, and hands over nothing before SigNoz Cloud", () => {
    for (const handover of ["write", "read"])
      for (const backend of ["vm", "gke"]) {
        expect(read({ ...ofGke, backend, handover }).machine.handover).toBe(handover);
        const message = faultsOf({ backend, handover, adminEmail: "" });
        for (const name of ["otlpHost", "kmsKey", "adminEmail"])
          expect(message).toContain(`monitoring:${name} is not set, which backend`);
      }
    expect(faultsOf({ ...inCloud, handover: "read" }, cloudKey)).toContain(
      'monitoring:handover = "read" hands over between "vm" and "gke" alone',
    );
  });

  it.each([
    ["vm", "adminEmail", {}, {}],
    ["cloud", "cloudEndpoint", inCloud, cloudKey],
    ["cloud", "cloudIngestionKey", inCloud, {}],
    ["gke", "otlpHost", onGke, {}],
    ["gke", "kmsKey", onGke, {}],
  ])("%s needs %s", (backend, name, config, secrets) => {
    const message = faultsOf({ ...config, [name]: undefined }, secrets);
    expect(message).toContain(`monitoring:${name} is not set`);
    expect(message).toMatch(new RegExp(`pulumi config set .*monitoring:${name}\\b`));
    expect(faultsOf({ ...config, [name]: "" }, secrets)).toContain(
      `which backend "${backend}" needs`,
    );
  });

  it("are all that a stack before SigNoz Cloud has to say more", () => {
    const { cloud, machine } = read(inCloud, cloudKey);
    expect(machine.backend).toBe("cloud");
    expect(cloud.cloudEndpoint).toBe("ingest.eu.signoz.cloud:443");
  });

  it.each([
    ["cloudEndpoint", "https://ingest.eu.signoz.cloud:443", "host:port"],
    ["cloudEndpoint", "ingest.eu.signoz.cloud", "host:port"],
  ])("%s = %j is refused: %s", (name, value, reason) => {
    expect(faultsOf({ ...inCloud, [name]: value }, cloudKey)).toContain(reason);
  });

  it("refuses memory that Autopilot gives no pod of so many CPUs", () => {
    expect(faultsOf({ ...onGke, clickhouseMemoryGb: 14 })).toContain(
      "monitoring:clickhouseMemoryGb = 14 does not go with clickhouseCpu = 2",
    );
    expect(read({ ...onGke, clickhouseMemoryGb: 13 }).gke.clickhouseMemoryGb).toBe(13);
  });

  it("never shows the ingestion key of SigNoz Cloud", () => {
    const message = faultsOf(inCloud, { cloudIngestionKey: "hunter2 with blanks" });
    expect(message).toContain(
      "monitoring:cloudIngestionKey = [secret] must be a key without blanks",
    );
    expect(message).not.toContain("hunter2");
    expect(faultsOf({ ...inCloud, cloudIngestionKey: "plain-key-0001" })).toContain(
      "must be stored encrypted",
    );
  });
});

describe("engineerOf", () => {
  it.each([
    ["dana@palindrom.example", "dana"],
    ["Dana.Scully@palindrom.example", "dana.scully"],
  ])("makes %s engineer %s", (address, engineer) => {
    expect(engineerOf(address)).toBe(engineer);
  });
});
