import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { plain } from "../../simulator/cloud/values.js";
import { EngineStack, type Operation } from "./engine/stack.js";

const inCloud = {
  backend: "cloud",
  cloudEndpoint: "ingest.eu.signoz.cloud:443",
  adminEmail: undefined,
};

// One stack's life, told in order: each test starts from where the one before it ended.
let stack: EngineStack;
let clock = Date.now();
const keys = "monitoring-signoz-ingestion-key-secret-dev";

beforeAll(async () => {
  stack = await EngineStack.start({ now: () => new Date(clock) });
});
afterAll(() => stack?.close());

/** What changed, by resource; a replacement is told once. */
const told = ({ steps }: Operation) =>
  steps
    .filter(({ op }) => !/^(read|create-replacement|delete-replaced)$/.test(op))
    .map(({ op, resource, changed }) => [op, resource, ...changed].join(" "))
    .sort();
const states = (secretId: string) =>
  stack.cloud.google.secrets.get(secretId)?.map(({ state }) => state);
/** @param named last part of the type token and name, as a step tells it */
const find = (named: string) =>
  stack.cloud.resources.find(({ type, name }) => `${type.split(":").pop()} ${name}` === named);

it("ends with the compiler's words when the program does not parse", async () => {
  const undo = stack.edit("infra/network.ts", (text) => `${text}\nexport const odd = ;\n`);
  const { error, steps } = await stack.preview();
  undo();
  expect(error).toContain("TS1109");
  expect(steps.map(({ resource }) => resource)).toEqual(["Stack monitoring-dev"]);
});

it("previews without making anything", async () => {
  const preview = await stack.preview();
  expect(preview.error).toBeUndefined();
  expect(preview.steps.filter(({ op }) => op === "create").length).toBeGreaterThan(40);
  expect(preview.steps.filter(({ op }) => op !== "create" && op !== "read")).toEqual([]);
  expect(stack.cloud.resources).toEqual([]);
});

it("comes up, and a second time with no change", async () => {
  const first = await stack.up();
  expect(first.error).toBeUndefined();
  expect(find("Instance monitoring-dev-vm")?.inputs.deletionProtection).toBe(true);
  const second = await stack.up();
  expect([second.error, told(second)]).toEqual([undefined, []]);
  expect(second.same).toBeGreaterThan(40);
});

it("gives outputs that are open to claude-config and name the address", async () => {
  const outputs = await stack.outputs();
  expect(outputs.otlpEndpoint).toEqual({ value: "203.0.113.10:4317", secret: false });
  expect(outputs.telemetryHook?.secret).toBe(false);
  expect(outputs.claudeSettings?.secret).toBe(false);
  expect(outputs.telemetryHook?.value).toContain("-----BEGIN CERTIFICATE-----");
});

it("keeps every secret value out of the state file and of what it prints", async () => {
  const { output } = await stack.up();
  const values = secretValues();
  expect(values.length).toBeGreaterThan(8);
  const text = stack.stateText() + output + JSON.stringify(await stack.outputs());
  expect(values.filter((value) => text.includes(value))).toEqual([]);
});

it("rotates: a new generation beside the old one, the VM told in place", async () => {
  stack.config({ ingestionKeyGenerations: ["2026-11", "2026-12"] });
  const rotated = await stack.up();
  expect([rotated.error, told(rotated)]).toEqual([
    undefined,
    [
      "create RandomPassword monitoring-dev-ingestion-key-2026-12",
      "create SecretVersion monitoring-dev-ingestion-key-2026-12",
      "replace Command monitoring-dev-ready environment.GATE_KEY environment.READY_VERSION triggers[0]",
      "update Instance monitoring-dev-vm metadata.monitoring-digest metadata.monitoring-settings",
    ],
  ]);
  expect(states(keys)).toEqual(["ENABLED", "ENABLED"]);
  const newest = plain(
    find("SecretVersion monitoring-dev-ingestion-key-2026-12")?.state.secretData,
  );
  expect(stack.cloud.google.secrets.get(keys)?.at(-1)?.data).toBe(newest);
});

it("refuses to drop the newest generation, and touches nothing", async () => {
  stack.config({ ingestionKeyGenerations: ["2026-11"] });
  const refused = await stack.up();
  expect(refused.error).toContain('drops "2026-12", the newest');
  expect(told(refused)).toEqual([]);
  expect(states(keys)).toEqual(["ENABLED", "ENABLED"]);
});

it("refuses another backend, which would leave the data disk behind, and touches nothing", async () => {
  const undo = stack.config(inCloud);
  await stack.secret("cloudIngestionKey", "cloud-key-0001");
  const refused = await stack.up();
  undo();
  expect(refused.error).toContain('monitoring:backend = "cloud" would take the place of "vm"');
  expect(told(refused)).toEqual([]);
});

it("ends a rotation: the old version is disabled, not destroyed", async () => {
  stack.config({ ingestionKeyGenerations: ["2026-12"] });
  const ended = await stack.up();
  expect(ended.error).toBeUndefined();
  expect(states(keys)).toEqual(["DISABLED", "ENABLED"]);
  expect(stack.cloud.google.secrets.get(keys)?.[0]?.data).toMatch(/^\w{40}$/);
});

it("takes nobody's access along when an address is written in other letters", async () => {
  const members = { secretReaders: ["group:Eng@a.example"], signozUsers: ["user:Dana@a.example"] };
  stack.config(members);
  expect((await stack.up()).error).toBeUndefined();
  const { grants } = stack.cloud.google;
  const before = [...grants].sort();
  expect(before.filter((one) => one.endsWith("@a.example"))).toHaveLength(3);
  stack.config({ secretReaders: ["group:eng@a.example"], signozUsers: ["user:dana@A.example"] });
  const changed = await stack.up();
  expect([changed.error, told(changed)]).toEqual([undefined, []]);
  expect([...grants].sort()).toEqual(before);
});

it("changes the machine type in place", async () => {
  stack.config({ machineType: "e2-standard-8" });
  const changed = await stack.up();
  expect([changed.error, told(changed)]).toEqual([
    undefined,
    ["update Instance monitoring-dev-vm machineType"],
  ]);
});

it("delivers an edited boot file in place and waits for it", async () => {
  stack.edit("infra/vm/files/startup.sh", (text) => `${text}\n# edited\n`);
  const changed = await stack.up();
  expect([changed.error, told(changed)]).toEqual([
    undefined,
    [
      "replace Command monitoring-dev-ready environment.READY_VERSION triggers[0]",
      "update Instance monitoring-dev-vm metadata.monitoring-digest metadata.startup-script",
    ],
  ]);
});

it("renews the leaf certificate before it ends, under the same authority", async () => {
  const authority = plain(find("SelfSignedCert monitoring-dev-ca-1")?.state.certPem);
  clock += 310 * 24 * 3600_000;
  const renewed = await stack.up();
  expect([renewed.error, told(renewed)]).toEqual([
    undefined,
    [
      "replace Command monitoring-dev-ready environment.READY_VERSION triggers[0]",
      "replace LocallySignedCert monitoring-dev-cert readyForRenewal",
      "replace SecretVersion monitoring-dev-tls-current secretData",
      "update Instance monitoring-dev-vm metadata.monitoring-digest metadata.monitoring-settings",
    ],
  ]);
  expect(plain(find("SelfSignedCert monitoring-dev-ca-1")?.state.certPem)).toBe(authority);
  expect(states("monitoring-tls-secret-dev")).toEqual(["DISABLED", "ENABLED"]);
  expect(told(await stack.up())).toEqual([]);
});

it("changes the certificate authority in two steps, and refuses them in one", async () => {
  const undo = stack.config({ certificateAuthorities: ["2"] });
  const refused = await stack.preview();
  expect(refused.error).toMatch(/lets "2" sign, which no client trusts yet/);
  undo();

  stack.config({ certificateAuthorities: ["1", "2"] });
  const told = await stack.up();
  expect(told.error).toBeUndefined();
  const leaf = () => plain(find("LocallySignedCert monitoring-dev-cert")?.state.certPem);
  const before = leaf();
  stack.config({ certificateAuthorities: ["2"] });
  expect((await stack.up()).error).toBeUndefined();
  expect(leaf()).not.toBe(before);
  const authority = new X509Certificate(
    String(plain(find("SelfSignedCert monitoring-dev-ca-2")?.state.certPem)),
  );
  expect(new X509Certificate(String(leaf())).verify(authority.publicKey)).toBe(true);
});

it("makes new passwords of a new generation, each a new version", async () => {
  stack.config({ passwordGeneration: "2026-12" });
  expect((await stack.up()).error).toBeUndefined();
  for (const secret of ["monitoring-signoz-admin-secret-dev", "monitoring-clickhouse-secret-dev"])
    expect(states(secret)).toEqual(["DISABLED", "ENABLED"]);
});

it.each([
  ["a smaller data disk", { dataDiskGb: 50 }],
  ["another zone", { "gcp:zone": "us-central1-b" }],
])("refuses %s, which would replace the protected disk", async (_, values) => {
  const undo = stack.config(values);
  const refused = await stack.preview();
  undo();
  expect(refused.error).toMatch(/monitoring-dev-data.*protect/s);
});

it("refuses to destroy while the data disk is protected", async () => {
  const refused = await stack.destroy({ previewOnly: true });
  expect(refused.error).toMatch(/monitoring-dev-data.*protect/s);
});

it("keeps the data disk when destroy is forced past its preview and the VM's protection", async () => {
  const refused = await stack.destroy();
  expect(refused.error).toContain("deletionProtection: is true");
  stack.config({ deletionProtection: false });
  expect((await stack.up()).error).toBeUndefined();
  const forced = await stack.destroy();
  expect(forced.error).toMatch(/monitoring-dev-data.*protect/s);
  expect(find("Disk monitoring-dev-data")).toBeDefined();
});

/** Every value that must stay secret, and of a key in PEM one line of its inside. */
function secretValues(): string[] {
  const stored = [...stack.cloud.google.secrets.values()].flat().map(({ data }) => data);
  const made = stack.cloud.resources.flatMap(({ state }) =>
    [state.result, state.privateKeyPem, state.privateKeyPemPkcs8].map((value) => plain(value)),
  );
  return [...stored, ...made]
    .filter((value): value is string => typeof value === "string")
    .map((value) => /PRIVATE KEY-----\n(.+)\n/.exec(value)?.[1] ?? value);
}
