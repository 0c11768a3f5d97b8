import { afterAll, beforeAll, expect, it } from "vitest";
import { EngineStack } from "./engine/stack.js";

const key = "cloud-key-s3cret";
let stack: EngineStack;

beforeAll(async () => {
  stack = await EngineStack.start();
  stack.config({
    backend: "cloud",
    cloudEndpoint: "ingest.eu.signoz.cloud:443",
    adminEmail: undefined,
  });
  await stack.secret("cloudIngestionKey", key);
});
afterAll(() => stack?.close());

it("a stack before SigNoz Cloud comes up, and a second time with no change", async () => {
  const first = await stack.up();
  expect(first.error).toBeUndefined();
  const second = await stack.up();
  expect([second.error, second.steps.filter(({ op }) => op !== "read")]).toEqual([undefined, []]);
  expect(stack.stateText() + first.output + JSON.stringify(await stack.outputs())).not.toContain(
    key,
  );
  const [kept] = stack.cloud.google.secrets.get("monitoring-signoz-cloud-secret-dev") ?? [];
  expect(kept?.data).toBe(key);
});

it("gets a new key by a new version, told to the machine in place", async () => {
  await stack.secret("cloudIngestionKey", `${key}-2`);
  const changed = await stack.up();
  expect(changed.error).toBeUndefined();
  expect(changed.steps.map(({ op, resource }) => `${op} ${resource}`)).toContain(
    "update Instance monitoring-dev-vm",
  );
  const versions = stack.cloud.google.secrets.get("monitoring-signoz-cloud-secret-dev");
  expect(versions?.map(({ state, data }) => [state, data])).toEqual([
    ["DISABLED", key],
    ["ENABLED", `${key}-2`],
  ]);
});

it("gets no ClickHouse in the place of SigNoz Cloud: nothing is touched", async () => {
  stack.config({
    backend: "vm",
    cloudEndpoint: undefined,
    cloudIngestionKey: undefined,
    adminEmail: "platform@palindrom.example",
  });
  const refused = await stack.up();
  expect(refused.error).toContain('monitoring:backend = "vm" would take the place of "cloud"');
  expect(refused.steps.filter(({ op }) => op !== "read")).toEqual([]);
});
