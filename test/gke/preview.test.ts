import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plain, type Values } from "../../simulator/cloud/values";
import { fakeTool } from "../fakeTool";
import { PullRequests } from "../real/engine/pullRequests";
import { EngineStack } from "../real/engine/stack";
import { kubernetesProvider } from "../real/parts/kubernetesProvider";
import { tells } from "../scripts/ci/preview/states";
import { ControlPlane } from "./apiserver";

const { version } = require("@pulumi/kubernetes/package.json");
const inNamespace = "namespaces/monitoring";

// One stack's life, told in order: each test starts from where the one before it ended.
let plane: ControlPlane;
let stack: EngineStack;
let requests: PullRequests;
const gcloud = fakeTool("gcloud", "echo enabled");

beforeAll(async () => {
  plane = await ControlPlane.start();
  stack = await EngineStack.start({
    clusterEndpoint: plane.endpoint,
    env: plane.env,
    plugins: { [`kubernetes-v${version}`]: await kubernetesProvider() },
  });
  stack.config({
    backend: "gke",
    otlpHost: "otlp.palindrom.example",
    personalKeyEmails: ["Dana.Li@palindrom.example/2026-12", "kim@palindrom.example"],
    dataLocations: ["us-central1"],
    kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
  });
  requests = new PullRequests(stack);
  const up = await stack.up();
  if (up.error) throw new Error(up.error.slice(-500));
});
afterAll(() => {
  requests?.close();
  stack?.close();
  plane?.close();
});

/** Where a job finds its programs that may sign in to the cluster as somebody. */
const signedIn = (who: Parameters<ControlPlane["plugin"]>[0]) => ({
  PATH: `${plane.plugin(who)}:${gcloud.folder}/bin:${stack.env.PATH}`,
});

/** The rows of a comment's table, but for keys' own resources and the command that waits. */
const told = (markdown: string) =>
  [...markdown.matchAll(/^\| \S+ (\w+) \| `monitoring-dev-(\S+)` \| `(\S+)`/gmu)]
    .filter(([, , , type]) => type?.startsWith("kubernetes:"))
    .map(([, change, name]) => `${change} ${name}`)
    .sort();

describe("a pull request's job, which has no way into the cluster", () => {
  it("gets a copy of the state without a secret, the Secrets' base64 looked through", async () => {
    expect(await requests.publish()).not.toContain("nothing known makes");
    const copy = readFileSync(requests.copy, "utf8");
    const secrets = stack.cloud.resources
      .filter(({ type }) => /RandomPassword|PrivateKey/.test(type))
      .map(({ state }) => plain<Values>(state))
      .map(({ result, privateKeyPem }) => String(result ?? privateKeyPem));
    expect(secrets.length).toBeGreaterThan(6);
    for (const secret of secrets) expect(tells(copy, secret), secret).toBeUndefined();
  });

  it.each([
    ["has no plugin to sign in by", () => ({})],
    ["is refused", () => signedIn("stranger")],
  ])("shows an unchanged program as unchanged where it %s", async (_, env) => {
    const { markdown, blockers } = await requests.preview({}, env());
    expect(markdown).toContain("Preview of `dev`: no changes");
    expect(blockers).toEqual([]);
  });

  it.each<[string, object, string[]]>([
    ["a key", { ingestionKeyGenerations: ["2026-11", "2026-12"] }, ["update gate-keys"]],
    [
      "a third gate",
      { gateReplicas: 3 },
      ["create disk-gate-2", "update gate", "update gate-keys"],
    ],
    [
      "larger disks",
      { gateQueueDiskGb: 20, clickhouseDiskGb: 200 },
      [
        ...["update disk-clickhouse-0", "update disk-clickhouse-1"],
        ...["update disk-gate-0", "update disk-gate-1", "update gate-keys"],
      ],
    ],
    [
      "another collector",
      { collectorVersion: "v0.144.8" },
      [
        ...["replace migrations-async", "replace migrations-sync", "replace retention"],
        ...["update gate", "update gate-keys"],
      ],
    ],
    [
      "a network of its own that may report",
      { allowedSources: ["203.0.113.0/24"] },
      ["update gate-keys", "update gate-service", "update gate-walls"],
    ],
  ])("shows of %s what up would do", async (_, change, expected) => {
    const { markdown, blockers } = await requests.preview({ ...change });
    expect(told(markdown)).toEqual(expected);
    expect(blockers).toEqual([]);
  });
});

describe("a deployment", () => {
  it("is planned without a way into the cluster, and applied with one just as it was planned", async () => {
    stack.config({ gateReplicas: 3, ingestionKeyGenerations: ["2026-11", "2026-12"] });
    const planned = await requests.run("scripts/ci/deploy/plan.sh", ["dev", requests.out]);
    expect([planned.failed, planned.stderr.slice(-500)]).toEqual([false, expect.any(String)]);
    expect(told(readFileSync(join(requests.out, "summary.md"), "utf8"))).toEqual([
      "create disk-gate-2",
      "update gate",
      "update gate-keys",
    ]);
    const plan = join(requests.out, "plan.json");
    const applied = await requests.run(
      "scripts/ci/deploy/apply.sh",
      ["dev", plan],
      signedIn("admin"),
    );
    expect([applied.failed, applied.stdout.slice(-500)]).toEqual([false, expect.any(String)]);
    const { status } = await plane.get(`/apis/apps/v1/${inNamespace}/statefulsets/gate`);
    expect(status.readyReplicas).toBe(3);
  });
});

describe("the weekly comparison, which may read the cluster but for its Secrets", () => {
  const compare = async () => {
    const report = join(requests.out, "drift.md");
    const { stdout, stderr } = await requests.run(
      "scripts/ci/drift/compare.sh",
      ["dev", requests.copy, report],
      { ...signedIn("viewer"), PULUMI_CONFIG_PASSPHRASE: "not the stack's" },
    );
    if (!stdout) throw new Error(stderr.replace(/^ +at .*$/gm, "").slice(-800));
    return [stdout, told(readFileSync(report, "utf8"))];
  };

  it("finds nothing in what the cluster and Google fill in by themselves, nor while pods start anew", async () => {
    await requests.publish();
    expect(await compare()).toEqual(["drifted=false\n", []]);
    const adjusted = { "autopilot.gke.io/resource-adjustment": "{}" };
    const amount = { "ephemeral-storage": "1Gi" };
    const pod = {
      tolerations: [{ key: "kubernetes.io/arch", value: "amd64", effect: "NoSchedule" }],
      containers: [{ name: "front", resources: { requests: amount, limits: amount } }],
    };
    await plane.patch(
      `/apis/apps/v1/${inNamespace}/statefulsets/gate`,
      { metadata: { annotations: adjusted }, spec: { template: { spec: pod } } },
      "strategic",
    );
    await plane.patch(`/api/v1/${inNamespace}/services/gate`, {
      metadata: {
        annotations: { "service.kubernetes.io/backend-service": "k8s2-0abc-monitoring-gate" },
        finalizers: ["gke.networking.io/l4-netlb-v2"],
      },
    });
    expect(await compare()).toEqual(["drifted=false\n", []]);
  });

  it("names what somebody changed by hand", async () => {
    await plane.patch(`/apis/apps/v1/${inNamespace}/statefulsets/gate`, { spec: { replicas: 1 } });
    await plane.patch(`/apis/networking.k8s.io/v1/${inNamespace}/networkpolicies/clickhouse`, {
      spec: { policyTypes: ["Ingress"] },
    });
    expect(await compare()).toEqual(["drifted=true\n", ["update clickhouse-walls", "update gate"]]);
  });
});
