import { beforeAll, describe, expect, it, vi } from "vitest";
import { planOf, secretVersions } from "../../scripts/costs/plan";
import { plain, type Values } from "../../simulator/cloud/values.js";
import {
  fixtureSettings,
  type ProgramResult,
  type ProgramRun,
  runProgram,
} from "../../simulator/program.js";

const cloudKey = "cloud-key-s3cret";
const engineers = {
  personalKeyEmails: ["dana@palindrom.example"],
  secretReaders: ["group:engineering@palindrom.example"],
};
const inCloud = {
  ...engineers,
  backend: "cloud",
  cloudEndpoint: "ingest.eu.signoz.cloud:443",
  adminEmail: "",
};

const run = (config: ProgramRun["config"], secrets = {}, cloud?: ProgramRun["cloud"]) => {
  vi.resetModules();
  return runProgram({ config: config ?? {}, secrets, ...(cloud && { cloud }) });
};

describe("a stack before SigNoz Cloud", () => {
  let vm: ProgramResult;
  let cloud: ProgramResult;
  beforeAll(async () => {
    vm = await run(engineers);
    cloud = await run(inCloud, { cloudIngestionKey: cloudKey });
  });
  const names = (program: ProgramResult, type: string) =>
    program.resources.filter((one) => one.type.endsWith(`:${type}`)).map(({ name }) => name);
  const metadata = (program: ProgramResult) => {
    const instance = program.resources.find(({ type }) => type.endsWith(":Instance"));
    return plain<{ metadata: Record<string, string> }>(instance?.inputs).metadata;
  };

  /** All certificates are made anew in each run, and all keys. */
  const withoutValues = (text: unknown) =>
    String(text).replace(
      /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g,
      "CERTIFICATE",
    );

  it("gives engineers the very same hook, settings, outputs and secrets", () => {
    expect(Object.keys(cloud.outputs)).toEqual(Object.keys(vm.outputs));
    expect(cloud.secretOutputs).toEqual(vm.secretOutputs);
    for (const output of [
      "telemetryHook",
      "claudeSettings",
      "otlpEndpoint",
      "otlpUrl",
      "endpointSecret",
      "ingestionKeySecret",
    ])
      expect([output, withoutValues(cloud.outputs[output])]).toEqual([
        output,
        withoutValues(vm.outputs[output]),
      ]);
    const ofEngineers = (program: ProgramResult) =>
      program.resources
        .filter(
          ({ type, name }) => /secretmanager/.test(type) && /ingestion-key|endpoint/.test(name),
        )
        .map(({ name, inputs }) => {
          const { secretData, ...rest } = plain<Values>(inputs);
          return [
            name,
            rest,
            typeof secretData,
            Object.keys(
              name.includes("endpoint") && secretData ? JSON.parse(String(secretData)) : {},
            ),
          ];
        });
    expect(ofEngineers(cloud)).toEqual(ofEngineers(vm));
  });

  it("is billed for as many secret versions as the costs count", () => {
    const plan = planOf(fixtureSettings(engineers));
    expect(names(vm, "SecretVersion")).toHaveLength(secretVersions(plan));
    expect(names(cloud, "SecretVersion")).toHaveLength(
      secretVersions({ ...plan, backend: "cloud" }),
    );
  });

  it("has the same machine, disk and network, and no secret of a SigNoz of its own", () => {
    for (const type of [
      "Instance",
      "Disk",
      "ResourcePolicy",
      "Firewall",
      "Subnetwork",
      "Address",
      "Command",
    ])
      expect(names(cloud, type)).toEqual(names(vm, type));
    expect(names(vm, "Secret").filter((name) => !names(cloud, "Secret").includes(name))).toEqual([
      "monitoring-dev-signoz-admin-secret",
      "monitoring-dev-clickhouse-secret",
      "monitoring-dev-alerts-secret",
    ]);
    expect(names(cloud, "Secret").filter((name) => !names(vm, "Secret").includes(name))).toEqual([
      "monitoring-dev-signoz-cloud-secret",
    ]);
    expect(
      names(cloud, "RandomPassword").filter((name) => !name.includes("ingestion-key")),
    ).toEqual([]);
  });

  it("tells the machine where to send, the key's version, and nothing of a store", () => {
    const settings = JSON.parse(metadata(cloud)["monitoring-settings"] ?? "");
    expect(settings).toMatchObject({ cloud: { host: "ingest.eu.signoz.cloud", port: 443 } });
    expect(Object.keys(settings.secrets).sort()).toEqual([
      "cloud",
      "engineerKeys",
      "ingestionKeys",
      "tls",
    ]);
    expect(settings.secrets.cloud).toBe(
      "projects/123456789012/secrets/monitoring-signoz-cloud-secret-dev/versions/1",
    );
    expect(Object.keys(settings.images)).toEqual(["collector", "front"]);
    expect(metadata(cloud)).not.toHaveProperty("monitoring-content");
  });

  it("is delivered its own store in the place of ClickHouse and SigNoz, and the rest as it is", () => {
    const files = (program: ProgramResult): Record<string, string> =>
      JSON.parse(metadata(program)["monitoring-files"] ?? "");
    const only = (one: ProgramResult, other: ProgramResult) =>
      Object.keys(files(one)).filter((name) => !(name in files(other)));
    expect(only(cloud, vm)).toEqual(["sender.cfg"]);
    expect(
      only(vm, cloud)
        .filter((name) => !name.startsWith("clickhouse/"))
        .sort(),
    ).toEqual([
      "end-sessions.sh",
      "monitoring-store.service",
      "monitoring-store.timer",
      "provision.sh",
      "retention.sh",
      "signoz-api.sh",
      "store-guard.sh",
    ]);
    const differing = Object.entries(files(cloud)).filter(
      ([name, text]) => name in files(vm) && files(vm)[name] !== text,
    );
    expect(differing.map(([name]) => name)).toEqual(["compose.yaml", "store.sh"]);
    expect(metadata(cloud)["startup-script"]).toBe(metadata(vm)["startup-script"]);
  });

  it("keeps the key of SigNoz Cloud in Secret Manager alone", () => {
    const holding = cloud.resources.filter(({ inputs }) =>
      JSON.stringify(plain<Values>(inputs)).includes(cloudKey),
    );
    expect(holding.map(({ name }) => name)).toEqual(["monitoring-dev-signoz-cloud-current"]);
    expect(JSON.stringify(cloud.outputs)).not.toContain(cloudKey);
  });
});
