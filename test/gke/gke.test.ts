import { execFile } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EngineStack, type Operation } from "../real/engine/stack";
import { kubernetesProvider } from "../real/parts/kubernetesProvider";
import { ControlPlane } from "./apiserver";

// One stack's life, told in order: each test starts from where the one before it ended.
let plane: ControlPlane;
let stack: EngineStack;

const { version } = require("@pulumi/kubernetes/package.json");
const inNamespace = "namespaces/monitoring";
const core = `/api/v1/${inNamespace}`;
const apps = `/apis/apps/v1/${inNamespace}`;

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
    dataLocations: ["us-central1"],
    kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
  });
});
afterAll(() => {
  stack?.close();
  plane?.close();
});

/** What changed, by resource; a replacement is told once. */
const told = ({ steps }: Operation) =>
  steps
    .filter(({ op }) => !/^(read|refresh|create-replacement|delete-replaced)$/.test(op))
    .map(({ op, resource }) => `${op} ${resource.replace("monitoring-dev-", "")}`)
    .sort();
/** Of those, what lies in the cluster. */
const inCluster = (operation: Operation) =>
  told(operation).filter((one) => !/RandomPassword|SecretVersion|Command/.test(one));
const uids = async (app: string) =>
  Object.fromEntries(
    (await plane.list(`${core}/pods?labelSelector=app%3D${app}`)).map(({ metadata }) => [
      metadata.name,
      metadata.uid,
    ]),
  );

describe("a stack on GKE", () => {
  it("comes up, every pod ready", async () => {
    const first = await stack.up();
    expect(first.error).toBeUndefined();
    for (const [app, replicas] of Object.entries({ keeper: 3, clickhouse: 2, gate: 2 })) {
      const { status } = await plane.get(`${apps}/statefulsets/${app}`);
      expect([app, status.readyReplicas, status.updatedReplicas]).toEqual([
        app,
        replicas,
        replicas,
      ]);
    }
  });

  it("spreads replicas over nodes, and what needs a majority over zones", async () => {
    for (const app of ["keeper", "clickhouse", "gate"]) {
      const nodes = (await plane.list(`${core}/pods?labelSelector=app%3D${app}`)).map(
        ({ spec }) => spec.nodeName as string,
      );
      expect(new Set(nodes).size).toBe(nodes.length);
      expect(new Set(nodes.map((node) => node.slice(0, -1))).size).toBe(nodes.length);
    }
  });

  it("changes nothing a second time", async () => {
    const again = await stack.up();
    expect([again.error, told(again)]).toEqual([undefined, []]);
    expect(again.same).toBeGreaterThan(60);
  });

  it("rotates a key by the Secret alone: no pod starts anew", async () => {
    const before = await uids("gate");
    stack.config({ ingestionKeyGenerations: ["2026-11", "2026-12"] });
    const rotated = await stack.up();
    expect([rotated.error, inCluster(rotated)]).toEqual([undefined, ["update Secret gate-keys"]]);
    const { data } = await plane.get(`${core}/secrets/gate-keys`);
    expect(Buffer.from(data.keys, "base64").toString().trim().split("\n")).toHaveLength(2);
    expect(await uids("gate")).toEqual(before);
  });

  it("gets a third gate with a disk of its own beside the two", async () => {
    const before = await uids("gate");
    stack.config({ gateReplicas: 3 });
    const scaled = await stack.up();
    expect([scaled.error, inCluster(scaled)]).toEqual([
      undefined,
      [
        "create PersistentVolumeClaim disk-gate-2",
        "update Secret gate-keys",
        "update StatefulSet gate",
      ],
    ]);
    expect(await uids("gate")).toMatchObject(before);
    expect(Object.keys(await uids("gate"))).toHaveLength(3);
  });

  it("leaves the disk of a gate that goes, and gives it back to one that comes", async () => {
    const disk = async () =>
      (await plane.get(`${core}/persistentvolumeclaims/disk-gate-2`)).spec.volumeName;
    const before = await disk();
    stack.config({ gateReplicas: 2 });
    expect((await stack.up()).error).toBeUndefined();
    expect(Object.keys(await uids("gate"))).toHaveLength(2);
    expect(await disk()).toBe(before);
    stack.config({ gateReplicas: 3 });
    expect((await stack.up()).error).toBeUndefined();
    expect(await disk()).toBe(before);
  });

  it("grows disks in place, as its preview says, under pods that go on", async () => {
    const before = { ...(await uids("gate")), ...(await uids("clickhouse")) };
    stack.config({ gateQueueDiskGb: 20, clickhouseDiskGb: 200 });
    const expected = [
      "update PersistentVolumeClaim disk-clickhouse-0",
      "update PersistentVolumeClaim disk-clickhouse-1",
      "update PersistentVolumeClaim disk-gate-0",
      "update PersistentVolumeClaim disk-gate-1",
      "update PersistentVolumeClaim disk-gate-2",
      "update Secret gate-keys",
    ];
    const preview = await stack.preview();
    expect([preview.error, inCluster(preview)]).toEqual([undefined, expected]);
    const grown = await stack.up();
    expect([grown.error, inCluster(grown)]).toEqual([undefined, expected]);
    await expect
      .poll(async () => (await plane.get(`${core}/persistentvolumeclaims/disk-gate-0`)).status, {
        timeout: 60_000,
      })
      .toMatchObject({ phase: "Bound", capacity: { storage: "20Gi" } });
    expect({ ...(await uids("gate")), ...(await uids("clickhouse")) }).toEqual(before);
  });

  it("refuses a smaller disk, and touches no pod", async () => {
    const undo = stack.config({ clickhouseDiskGb: 150 });
    const refused = await stack.preview();
    undo();
    expect(refused.error).toMatch(/less than|can not be/);
  });

  it("brings another ClickHouse by another pod for each, one after the other, on the same disks", async () => {
    const before = await uids("clickhouse");
    stack.config({ clickhouseVersion: "25.12.6" });
    const upgraded = await stack.up();
    expect([upgraded.error, inCluster(upgraded)]).toEqual([
      undefined,
      [
        "replace Job retention",
        "update CronJob backup",
        "update CronJob restore",
        "update Secret gate-keys",
        "update StatefulSet clickhouse",
        "update StatefulSet keeper",
      ],
    ]);
    const after = await uids("clickhouse");
    for (const [name, uid] of Object.entries(after)) expect(uid).not.toBe(before[name]);
    const claims = (await plane.list(`${core}/persistentvolumeclaims`)).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
    expect(claims.map(({ metadata }) => metadata.name).sort()).toEqual(
      [
        ...["disk-clickhouse-0", "disk-clickhouse-1"],
        ...["disk-gate-0", "disk-gate-1", "disk-gate-2"],
        ...["disk-keeper-1", "disk-keeper-2", "disk-keeper-3"],
      ].sort(),
    );
  });

  it("brings another collector by its migrations first, as its preview says", async () => {
    const jobs = async () =>
      (await plane.list(`/apis/batch/v1/${inNamespace}/jobs`)).map(({ metadata, status }) => [
        metadata.name,
        status.succeeded,
      ]);
    stack.config({ collectorVersion: "v0.144.8" });
    const expected = [
      "replace Job migrations-async",
      "replace Job migrations-sync",
      "replace Job retention",
      "update Secret gate-keys",
      "update StatefulSet gate",
    ];
    const preview = await stack.preview();
    expect([preview.error, inCluster(preview)]).toEqual([undefined, expected]);
    const upgraded = await stack.up();
    expect([upgraded.error, inCluster(upgraded)]).toEqual([undefined, expected]);
    expect(await jobs()).toEqual([
      ["migrations-async", 1],
      ["migrations-sync", 1],
      ["retention", 1],
    ]);
  });

  it("shows what somebody changed by hand, and puts it back", async () => {
    await plane.patch(`${apps}/statefulsets/gate`, { spec: { replicas: 1 } });
    const preview = await stack.preview({ refresh: true });
    expect([preview.error, inCluster(preview)]).toEqual([undefined, ["update StatefulSet gate"]]);
    const repaired = await stack.up({ refresh: true });
    expect([repaired.error, inCluster(repaired)]).toEqual([undefined, ["update StatefulSet gate"]]);
    expect((await plane.get(`${apps}/statefulsets/gate`)).status.readyReplicas).toBe(3);
  });

  it("takes what the runbook has somebody on call type, and needs no repair after it", async () => {
    const [, onCall = ""] = /^### On call for GKE$(.*?)^## /ms.exec(
      readFileSync("docs/runbook.md", "utf8"),
    ) as RegExpExecArray;
    const lines = [...onCall.matchAll(/^kubectl [^#\n]+|(?<=`)kubectl [^`]+/gm)]
      .map(([line]) => line.trim())
      .filter((line) => !/ [A-Z]+$/.test(line));
    expect(lines.length).toBeGreaterThan(7);
    const KUBECONFIG = join(plane.dir, "on-call");
    copyFileSync(join(plane.dir, "kubeconfig"), KUBECONFIG);
    const env = { ...process.env, ...plane.env, KUBECONFIG };
    for (const line of lines) await promisify(execFile)("bash", ["-c", line], { env });
    const settled = async () => {
      const { metadata, status, spec } = await plane.get(`${apps}/statefulsets/gate`);
      const { observedGeneration, updatedReplicas, readyReplicas } = status;
      expect([observedGeneration, updatedReplicas, readyReplicas]).toEqual([
        metadata.generation,
        spec.replicas,
        spec.replicas,
      ]);
    };
    await vi.waitFor(settled, { timeout: 120_000, interval: 500 });
    const after = await stack.up({ refresh: true });
    expect([after.error, inCluster(after)]).toEqual([undefined, []]);
  });

  it("keeps every key and password out of the state file", async () => {
    const { data } = await plane.get(`${core}/secrets/gate-keys`);
    const keys = Buffer.from(data.keys, "base64").toString().trim().split("\n");
    const text = stack.stateText();
    expect(keys.filter((key) => text.includes(key))).toEqual([]);
    expect(text).not.toContain(data.keys);
  });

  it("is refused a pod that is not locked, by the API server", async () => {
    const pod = {
      metadata: { name: "open" },
      spec: {
        containers: [{ name: "open", image: "busybox", securityContext: { privileged: true } }],
      },
    };
    await expect(plane.ask("POST", `${core}/pods`, pod)).rejects.toThrow("PodSecurity");
  });

  it("ends when it is destroyed; the disks stay", async () => {
    stack.config({ deletionProtection: false });
    const unprotected = await stack.up();
    expect([unprotected.error, told(unprotected)]).toEqual([
      undefined,
      ["update Cluster cluster", "update Instance vm"],
    ]);
    await stack.unprotect();
    const started = Date.now();
    const gone = await stack.destroy();
    expect(gone.error).toBeUndefined();
    expect(Date.now() - started).toBeLessThan(300_000);
    await expect(plane.get(core)).rejects.toThrow("404");
    const disks = await plane.list("/api/v1/persistentvolumes");
    expect(disks.map(({ status }) => status.phase)).toEqual(disks.map(() => "Released"));
    expect(disks).toHaveLength(8);
  });
});
