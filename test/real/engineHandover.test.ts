import { afterAll, beforeAll, expect, it } from "vitest";
import { EngineStack, type Operation } from "./engine/stack.js";

// One stack on its way from a VM to GKE and back, told in order.
let stack: EngineStack;
beforeAll(async () => {
  stack = await EngineStack.start();
  stack.config({
    otlpHost: "otlp.palindrom.example",
    dnsZone: "palindrom-zone",
    dataLocations: ["us-central1"],
    kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
  });
  expect((await stack.up()).error).toBeUndefined();
});
afterAll(() => stack?.close());

/** What comes or goes; a replacement is told once. */
const told = ({ steps }: Operation) =>
  steps
    .filter(({ op }) => /^(create|delete|replace)$/.test(op))
    .map(({ op, resource }) => `${op} ${resource}`);

it.each([
  ["gke write", "create Cluster monitoring-dev-cluster"],
  ["vm read", ""],
  ["gke write", ""],
  ["gke read", ""],
  ["gke", "delete Address monitoring-dev-ip"],
  ["gke read", "create Address monitoring-dev-ip"],
  ["vm write", ""],
  ["vm read", ""],
  ["vm", "delete Cluster monitoring-dev-cluster"],
])(
  "goes on to %s with the machine and the disk that it has, and a second time with no change",
  async (state, expected) => {
    const [backend, handover] = state.split(" ");
    stack.config({ backend, handover, ...(state === "vm" && { deletionProtection: false }) });
    if (state === "vm") {
      stack.config({ backend: "vm", handover: "read", deletionProtection: false });
      expect((await stack.up()).error).toBeUndefined();
      stack.config({ backend, handover });
    }
    const done = await stack.up();
    expect(done.error).toBeUndefined();
    const changes = told(done);
    expect(changes.filter((one) => /(Disk|Instance) /.test(one))).toEqual([]);
    if (expected === "")
      expect(changes.filter((one) => !/Command|SecretVersion|ConfigMap/.test(one))).toEqual([]);
    else expect(changes).toContain(expected);
    const again = await stack.up();
    expect([again.error, again.steps.filter(({ op }) => op !== "same" && op !== "read")]).toEqual([
      undefined,
      [],
    ]);
  },
);
