import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { engineerOf, fields, readSettings } from "../../../infra/config/settings.js";
import { stackConfig } from "../../../simulator/program.js";

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
  it("reads the dev stack over the defaults of Pulumi.yaml", () => {
    expect(read()).toMatchObject({
      project: "christopher-little-dev",
      zone: "us-central1-a",
      region: "us-central1",
      org: "palindrom",
      defaultTeam: "engineering",
      ingestionKeys: ["2026-11"],
      allowedSources: ["0.0.0.0/0"],
      dataDiskGb: 100,
      deletionProtection: true,
      otlpHost: undefined,
    });
  });

  it("describes in Pulumi.yaml exactly the keys it reads", () => {
    const project = parse(readFileSync(join(__dirname, "../../../Pulumi.yaml"), "utf8"));
    expect(Object.keys(project.config).sort()).toEqual(Object.keys(fields).sort());
    for (const [key, entry] of Object.entries<{ description?: string }>(project.config))
      expect(entry.description, key).toBeTruthy();
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
    ["ingestionKeys", [], "at least 1 entry"],
    ["ingestionKeys", [""], "1 to 31 lower-case"],
    ["ingestionKeys", ["2026-11", "2026-11"], 'must not name "2026-11" twice'],
    ["ingestionKeys", ["2026-12", "2026-11"], "must ascend"],
    ["ingestionKeys", [202611], "list of texts"],
    ["engineerKeys", ["dana"], "e-mail address"],
    ["engineerKeys", ["dana@a.example", "dana@b.example"], "second address"],
    ["engineerKeys", ["d.a@a.example", "d-a@a.example"], "second address"],
    ["secretReaders", ["dana@palindrom.example"], "IAM member"],
    ["secretReaders", ["allUsers"], "IAM member"],
    ["signozUsers", ["group:"], "IAM member"],
    ["secretLocations", ["europe"], "a region"],
    ["machineType", "e2-medium", "8 GB"],
    ["machineType", "f1-micro", "8 GB"],
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
    ["readyTimeoutMinutes", 121, "from 1 to 120"],
    ["dnsZone", "palindrom-zone", "no name to record"],
    ["teamBudgets", ["research"], "team=daily/monthly"],
    ["teamBudgets", ["research=1/2", "research=3/4"], "two budgets of team research"],
    ["monthlyBudgetUsd", 20, "below dailyBudgetUsd"],
    ["workingHours", "9-18", "HH:MM-HH:MM"],
    ["workingHours", "18:00-09:00", "ends before it starts"],
    ["silentHours", 10, "longer than workingHours"],
    ["workingDays", ["Monday"], "day of the week"],
    ["timezone", "Mars/Olympus", "IANA"],
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

  it.each(["gcp:project", "gcp:zone", "monitoring:org", "monitoring:ingestionKeys"])(
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
    const { alertWebhookUrl } = read({}, { alertWebhookUrl: "https://hooks.example.com/x" });
    expect(alertWebhookUrl && (await pulumi.isSecret(alertWebhookUrl))).toBe(true);
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
