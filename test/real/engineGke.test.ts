import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { plain, type Values } from "../../simulator/cloud/values.js";
import { tells } from "../scripts/ci/preview/states.js";
import { PullRequests } from "./engine/pullRequests.js";
import { EngineStack, type Operation } from "./engine/stack.js";

// One stack's life, told in order: each test starts from where the one before it ended. The real provider and a real API
// server tell the same in test/gke.
let stack: EngineStack;

beforeAll(async () => {
  stack = await EngineStack.start();
  stack.config({
    backend: "gke",
    otlpHost: "otlp.palindrom.example",
    personalKeyEmails: ["Dana.Li@palindrom.example/2026-12", "kim@palindrom.example"],
    dataLocations: ["us-central1"],
    kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
  });
});
afterAll(() => stack?.close());

/** What changed in the cluster, by object; a replacement is told once. */
const told = ({ steps }: Operation) =>
  steps
    .filter(({ op }) => !/^(read|create-replacement|delete-replaced)$/.test(op))
    .map(({ op, resource }) => `${op} ${resource.replace("monitoring-dev-", "")}`)
    .filter((one) => !/RandomPassword|SecretVersion|Command/.test(one))
    .sort();

it("previews what nobody has made yet, without a cluster", async () => {
  const preview = await stack.preview();
  expect(preview.error).toBeUndefined();
  expect(told(preview)).toContain("create StatefulSet gate");
  expect(stack.cloud.resources).toEqual([]);
});

it("comes up, who may write backups after the cluster that makes such accounts, and a second time with no change", async () => {
  const { error, steps } = await stack.up();
  expect(error).toBeUndefined();
  const at = (one: string) => steps.findIndex(({ resource }) => resource === one);
  expect(at("BucketIAMMember monitoring-dev-backups-clickhouse")).toBeGreaterThan(
    at("Cluster monitoring-dev-cluster"),
  );
  const again = await stack.up();
  expect([again.error, told(again)]).toEqual([undefined, []]);
  expect(again.same).toBeGreaterThan(90);
});

/** What the stack's generators made. */
const secrets = () =>
  stack.cloud.resources
    .filter(({ type }) => /RandomPassword|PrivateKey/.test(type))
    .map(({ state }) => plain<Values>(state))
    .map(({ result, privateKeyPem }) => String(result ?? privateKeyPem));

it("keeps every key and password out of the state file", async () => {
  const values = secrets();
  expect(values.length).toBeGreaterThan(4);
  const text = stack.stateText() + JSON.stringify(await stack.outputs());
  expect(values.filter((value) => text.includes(value))).toEqual([]);
});

it("publishes a copy of the state from which a pull request sees no more and no less than what changes", {
  tags: "attack/state",
}, async () => {
  const requests = new PullRequests(stack);
  try {
    expect(await requests.publish()).not.toContain("nothing known makes");
    const copy = readFileSync(requests.copy, "utf8");
    for (const secret of secrets()) expect(tells(copy, secret), secret).toBeUndefined();
    const unchanged = await requests.preview({});
    expect(unchanged.markdown).toContain("Preview of `dev`: no changes");
    const rotated = await requests.preview({ ingestionKeyGenerations: ["2026-11", "2026-12"] });
    expect(rotated.markdown).toMatch(/update \| `monitoring-dev-gate-keys`/);
    expect(rotated.markdown).not.toMatch(/update \| `monitoring-dev-(gate|clickhouse|keeper)`/);
    expect([...unchanged.blockers, ...rotated.blockers]).toEqual([]);
  } finally {
    requests.close();
  }
});

it.each<[string, object, string[]]>([
  [
    "rotates a key by the Secret alone",
    { ingestionKeyGenerations: ["2026-11", "2026-12"] },
    ["update Secret gate-keys"],
  ],
  [
    "gets a third gate with a disk of its own",
    { gateReplicas: 3 },
    [
      "create PersistentVolumeClaim disk-gate-2",
      "update Secret gate-keys",
      "update StatefulSet gate",
    ],
  ],
  [
    "grows the disks and nothing else",
    { gateQueueDiskGb: 20, clickhouseDiskGb: 200 },
    [
      "update PersistentVolumeClaim disk-clickhouse-0",
      "update PersistentVolumeClaim disk-clickhouse-1",
      "update PersistentVolumeClaim disk-gate-0",
      "update PersistentVolumeClaim disk-gate-1",
      "update PersistentVolumeClaim disk-gate-2",
      "update Secret gate-keys",
    ],
  ],
  [
    "keeps backups longer",
    { backupDays: 30 },
    [
      "update Bucket backups",
      "update CronJob backup",
      "update CronJob restore",
      "update Secret gate-keys",
    ],
  ],
  [
    "keeps logs for another time",
    { retentionDaysLogs: 20 },
    [
      "replace ConfigMap gate-files",
      "replace Job retention",
      "update Instance vm",
      "update Secret gate-keys",
      "update StatefulSet gate",
    ],
  ],
  [
    "gives SigNoz another version, and nobody else",
    { signozVersion: "v0.139.0" },
    ["update Instance vm"],
  ],
  [
    "brings another ClickHouse to the pods alone",
    { clickhouseVersion: "25.12.6" },
    [
      "replace Job retention",
      "update CronJob backup",
      "update CronJob restore",
      "update Secret gate-keys",
      "update StatefulSet clickhouse",
      "update StatefulSet keeper",
    ],
  ],
  [
    "brings another collector by its migrations first",
    { collectorVersion: "v0.144.8" },
    [
      "replace Job migrations-async",
      "replace Job migrations-sync",
      "replace Job retention",
      "update Secret gate-keys",
      "update StatefulSet gate",
    ],
  ],
])("%s, as its preview says", async (_, change, expected) => {
  stack.config({ ...change });
  const preview = await stack.preview();
  expect([preview.error, told(preview)]).toEqual([undefined, expected]);
  const done = await stack.up();
  expect([done.error, told(done)]).toEqual([undefined, expected]);
});

it("takes no gate before the schema of its collector is there", async () => {
  stack.config({ collectorVersion: "v0.144.9" });
  const { error, steps } = await stack.up();
  expect(error).toBeUndefined();
  const at = (one: string) => steps.findIndex(({ resource }) => resource === one);
  expect(at("Job monitoring-dev-migrations-sync")).toBeGreaterThanOrEqual(0);
  expect(at("Job monitoring-dev-migrations-sync")).toBeLessThan(
    at("StatefulSet monitoring-dev-gate"),
  );
});

it("refuses the way back to a VM all at once, which would leave the disks behind", async () => {
  const undo = stack.config({
    backend: "vm",
    gateReplicas: undefined,
    gateQueueDiskGb: undefined,
    clickhouseDiskGb: undefined,
    backupDays: undefined,
  });
  const refused = await stack.up();
  undo();
  expect(refused.error).toContain(
    "the next step there is: pulumi config set monitoring:backend gke && pulumi config set monitoring:handover read",
  );
  expect(told(refused)).toEqual([]);
});

it("ends when it is destroyed, the cluster last", async () => {
  stack.config({ deletionProtection: false });
  const unprotected = await stack.up();
  expect([unprotected.error, told(unprotected)]).toEqual([
    undefined,
    ["update Cluster cluster", "update Instance vm"],
  ]);
  await stack.unprotect();
  const gone = await stack.destroy();
  expect(gone.error).toBeUndefined();
  const order = gone.steps.map(({ resource }) => resource);
  expect(order.indexOf("Namespace monitoring-dev-namespace")).toBeGreaterThan(
    order.indexOf("StatefulSet monitoring-dev-gate"),
  );
  expect(order.indexOf("Cluster monitoring-dev-cluster")).toBeGreaterThan(
    order.indexOf("Namespace monitoring-dev-namespace"),
  );
});
