import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { CloudResource } from "../../simulator/cloud/cloud.js";
import { plain } from "../../simulator/cloud/values.js";
import { EngineStack } from "./engine/stack.js";
import { type Gate, startGate } from "./gate.js";

// The VM's part is played by this file: on every change of the instance's metadata it fetches the secret
// versions named there and gives them to the real collector, as the boot does.
let stack: EngineStack;
let gate: Gate | undefined;
let vmFollows = true;
const dir = mkdtempSync(join(tmpdir(), "monitoring-ready-"));
let published: Record<string, string> = {};
/** The one part of Google that is asked: what the VM has published. */
const google = createServer((_request, response) => {
  const items = Object.entries(published).map(([key, value]) => ({ key, value }));
  response.end(JSON.stringify({ queryValue: { items } }));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => google.listen(0, "127.0.0.1", resolve));
  const { port } = google.address() as AddressInfo;
  stack = await EngineStack.start({
    runCommands: true,
    // curl dials the name's own port on loopback; the certificate is still checked for the name.
    commandEnv: {
      CURL_HOME: dir,
      READY_POLL_SECONDS: "1",
      GOOGLE_OAUTH_ACCESS_TOKEN: "a-token",
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `http://127.0.0.1:${port}/`,
    },
    onChange: async (resource) => {
      if (resource.type === "gcp:compute/instance:Instance" && vmFollows) await boot(resource);
    },
  });
});
afterAll(async () => {
  stack?.close();
  google.close();
  await gate?.stop();
  rmSync(dir, { recursive: true, force: true });
});

it("ends `up` when the real gate accepts the newest key over TLS to the name", async () => {
  const up = await stack.up();
  expect(up.error).toBeUndefined();
  expect(readyOutput()).toContain("gate: accepted");
});

it("ends a rotation when the gate accepts the new key", async () => {
  stack.config({ ingestionKeyGenerations: ["2026-11", "2026-12"] });
  const up = await stack.up();
  expect(up.error).toBeUndefined();
  expect(readyOutput()).toContain("gate: accepted");
});

it("fails by name, key and next command when the gate never learns the newest key", async () => {
  vmFollows = false;
  stack.config({
    ingestionKeyGenerations: ["2026-11", "2026-12", "2027-01"],
    readyTimeoutMinutes: 1,
  });
  const up = await stack.up();
  expect(up.error).toContain("was not applied within 1 minutes");
  expect(up.error).toContain("refused the key");
  expect(up.error).toContain("Stage: apply done");
  expect(up.error).toContain("Then run again: pulumi up");
  const key = plain<string>(
    find("SecretVersion monitoring-dev-ingestion-key-2027-01")?.state.secretData,
  );
  expect(up.error?.includes(key)).toBe(false);
});

it("knows the generation that a failed `up` has made", async () => {
  const undo = stack.config({ ingestionKeyGenerations: ["2026-11", "2026-12"] });
  const refused = await stack.preview();
  undo();
  expect(refused.error).toContain('drops "2027-01", the newest');
});

it("is made good by the next `up`", async () => {
  vmFollows = true;
  await boot(find("Instance monitoring-dev-vm") as CloudResource);
  const up = await stack.up();
  expect(up.error).toBeUndefined();
  expect(readyOutput()).toContain("gate: accepted");
});

describe("while the machine does not answer, the version being one that was applied before", () => {
  beforeAll(async () => {
    stack.config({ deletionProtection: false, readyTimeoutMinutes: 1 });
    expect((await stack.up()).error).toBeUndefined();
  });
  const unanswered = async (values: Record<string, unknown>) => {
    vmFollows = false;
    published = {};
    const undo = stack.config(values);
    const up = await stack.up();
    return { up, undo };
  };
  afterEach(async () => {
    vmFollows = true;
    await boot(find("Instance monitoring-dev-vm") as CloudResource);
    expect((await stack.up()).error).toBeUndefined();
  });

  it("waits for a machine that was replaced", async () => {
    const { up } = await unanswered({ bootImage: "debian-cloud/debian-13-next" });
    expect(up.error).toContain("was not applied within 1 minutes");
  });

  it("waits for the way back from a version that never came up", async () => {
    const { up, undo } = await unanswered({ org: "another" });
    expect(up.error).toContain("was not applied within 1 minutes");
    undo();
    expect((await stack.up()).error).toContain("was not applied within 1 minutes");
  }, 600_000);
});

async function boot({ inputs }: CloudResource): Promise<void> {
  const metadata = plain<Record<string, string>>(inputs.metadata);
  const { secrets } = JSON.parse(metadata["monitoring-settings"] ?? "");
  const keys = [...secrets.ingestionKeys, ...secrets.engineerKeys].map(access).join("\n");
  const ca = plain<string>(find("SelfSignedCert monitoring-dev-ca-1")?.state.certPem);
  gate?.setKeys(keys);
  gate ??= await startGate({ keys, certificate: { pem: access(secrets.tls), ca } });
  writeFileSync(join(dir, ".curlrc"), `connect-to = ":4317:127.0.0.1:${gate.port}"\n`);
  published = { stage: "apply done", applied: metadata["monitoring-digest"] ?? "" };
}

/** Secret Manager's answer to the VM. */
function access(name: string): string {
  const versions = [...stack.cloud.google.secrets.values()].flat();
  const version = versions.find((one) => one.name === name);
  if (version?.state !== "ENABLED") throw new Error(`${name} is ${version?.state ?? "unknown"}`);
  return version.data;
}

/** @param named last part of the type token and name */
function find(named: string): CloudResource | undefined {
  const isNamed = ({ type, name }: CloudResource) => `${type.split(":").pop()} ${name}` === named;
  return stack.cloud.resources.find(isNamed);
}

function readyOutput(): string {
  return plain<string>(find("Command monitoring-dev-ready")?.state.stdout);
}
