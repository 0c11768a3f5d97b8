import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ControlPlane } from "./apiserver";
import { Kubelets } from "./kubelets";

const script = join(__dirname, "../../infra/gke/progress.sh");
const core = "/api/v1/namespaces/monitoring";
const gates = ["gate-0", "gate-1", "gate-2"];
const inForce = (version: string) =>
  `apply-keys.sh: ${version} is in force: 2 keys and the certificate\n`;

const waiting = { timeout: 60_000, interval: 500 };

let plane: ControlPlane;
let kubelets: Kubelets;

const pods = () => plane.list(`${core}/pods?labelSelector=app%3Dgate`);
const sets = "/apis/apps/v1/namespaces/monitoring/statefulsets";
const set = () => plane.get(`${sets}/gate`);

/** By the real kubectl; of gcloud it needs where the cluster is. */
const progress = (...args: string[]) =>
  new Promise<string>((resolve, reject) =>
    execFile(
      "bash",
      [script, "p", "us-central1", "monitoring", ...args],
      { env: { ...process.env, ...plane.env } },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    ),
  );

beforeAll(async () => {
  plane = await ControlPlane.start();
  writeFileSync(
    join(plane.plugin("admin"), "gcloud"),
    `#!/bin/sh\ncp '${join(plane.dir, "kubeconfig")}' "$KUBECONFIG"\n`,
    { mode: 0o700 },
  );
  kubelets = await Kubelets.start(plane);
  await plane.ask("POST", "/api/v1/namespaces", { metadata: { name: "monitoring" } });
  await plane.ask("POST", `${core}/secrets`, {
    metadata: { name: "gate-keys", annotations: { "monitoring/version": "v1" } },
  });
  await plane.ask("POST", sets, {
    metadata: { name: "gate" },
    spec: {
      replicas: gates.length,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { app: "gate" } },
      template: {
        metadata: { labels: { app: "gate" } },
        spec: {
          initContainers: [{ name: "keys", image: "haproxy", restartPolicy: "Always" }],
          containers: [{ name: "front", image: "haproxy" }],
        },
      },
    },
  });
  await vi.waitFor(
    async () => expect((await set()).status.readyReplicas).toBe(gates.length),
    waiting,
  );
});
afterAll(() => {
  kubelets?.close();
  plane?.close();
});

/** When each gate's kubelet was last told to look at the Secret again. */
const asked = async (): Promise<(string | undefined)[]> =>
  (await pods()).map(({ metadata }) => metadata.annotations?.["monitoring/asked"]);
const everybody = () => gates.map(() => expect.stringMatching(/^\d+$/));

describe("a version that is in the Secret", () => {
  beforeEach(async () => {
    for (const gate of gates) kubelets.said[gate] = inForce("v2");
    await plane.patch(`${core}/secrets/gate-keys`, {
      metadata: { annotations: { "monitoring/version": "v2" } },
    });
    for (const gate of gates)
      await plane.patch(`${core}/pods/${gate}`, {
        metadata: { annotations: { "monitoring/asked": null } },
      });
  });

  it("is applied when every gate says so, and no kubelet is asked for more", async () => {
    expect(await progress()).toBe("stage=done\napplied=v2\n");
    expect(await asked()).toEqual(gates.map(() => undefined));
  });

  it.each<[string, string | undefined]>([
    ["goes by the one before", inForce("v1")],
    ["goes by one that only begins like it", inForce("v22")],
    ["has it ready for its front", "apply-keys.sh: v2 lies ready for the front's start\n"],
    ["cannot take its certificate", "apply-keys.sh: tls.pem of ..2026 cannot be made\n"],
    ["says nothing yet", ""],
    ["has not started", undefined],
  ])("is not while one gate %s, and every kubelet is asked to look again", async (_, said) => {
    if (said === undefined) delete kubelets.said["gate-1"];
    else kubelets.said["gate-1"] = said;
    expect(await progress()).toBe(
      `stage=waiting for the keys of gate-1 (${said ? `[pod/gate-1/keys] ${said.trim()}` : "it says nothing"})\n`,
    );
    const [first] = await asked();
    expect(await asked()).toEqual(everybody());
    await sleep(1000);
    await progress();
    expect(await asked()).toEqual(everybody());
    expect((await asked())[0]).not.toBe(first);
  });

  it("is not while a gate that leaves still takes what is revoked", async () => {
    kubelets.said["gate-2"] = inForce("v1");
    // As one whose front serves its last requests: kwok's pods end at once.
    const finalizers = ["monitoring.example/test"];
    await plane.patch(`${core}/pods/gate-2`, { metadata: { finalizers } });
    await plane.ask("DELETE", `${core}/pods/gate-2`);
    expect(await progress()).toContain("the keys of gate-2");
    await plane.patch(`${core}/pods/gate-2`, { metadata: { finalizers: null } });
    kubelets.said["gate-2"] = inForce("v2");
    await vi.waitFor(async () => expect(await progress()).toContain("applied=v2"), waiting);
  });

  it("is shown to a person with what each pod says", async () => {
    const shown = await progress("--log");
    for (const gate of gates) expect(shown).toContain(`[pod/${gate}/keys] ${inForce("v2").trim()}`);
  });
});
