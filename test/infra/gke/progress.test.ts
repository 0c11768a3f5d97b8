import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { fakeTool, scratchFolder } from "../../fakeTool.js";

const script = join(__dirname, "../../../infra/gke/progress.sh");
const set = (name: string, spec: number, status: object, generation = 1) => ({
  metadata: { name, generation },
  spec: { replicas: spec },
  status: { observedGeneration: 1, ...status },
});
const whole = (replicas: number) => ({ updatedReplicas: replicas, readyReplicas: replicas });

const gcloud = fakeTool("gcloud", "exit 0");
const plugin = fakeTool("gke-gcloud-auth-plugin", "exit 0");
const kubectl = fakeTool(
  "kubectl",
  `case "$*" in
    *statefulsets*) cat "$STATE/sets" 2>/dev/null || exit 1 ;;
    *"get secret"*) printf d7 ;;
    *"get pods"*) printf 'pod/gate-%s\n' 0 1 10 ;;
    *" logs "*) cat "$STATE/said" ;;
  esac`,
);
const bins = [gcloud, plugin, kubectl].map(({ folder }) => join(folder, "bin"));

const run = (path = [...bins, process.env.PATH].join(":")) => {
  const { status, stdout, stderr } = spawnSync(
    "/bin/bash",
    [script, "p", "us-central1", "monitoring"],
    {
      env: { PATH: path, HOME: scratchFolder("home") },
      encoding: "utf8",
    },
  );
  return { status, stdout, stderr };
};
const sets = (...items: object[]) =>
  writeFileSync(join(kubectl.folder, "sets"), JSON.stringify({ items }));
/** What the sidecar of each of the three gates has said last. */
const gates = (said: Record<string, string>) =>
  writeFileSync(
    join(kubectl.folder, "said"),
    Object.entries(said)
      .map(([gate, line]) => `[pod/${gate}/keys] apply-keys.sh: ${line}\n`)
      .join(""),
  );
const good = "d7 is in force: 2 keys and the certificate";
const all = { "gate-0": good, "gate-1": good, "gate-10": good };
let before = 0;
beforeEach(() => {
  gates(all);
  before = kubectl.calls().length;
});
const hurried = () =>
  kubectl
    .calls()
    .slice(before)
    .some((call) => call.includes(" annotate "));

describe("progress.sh", () => {
  it("says that it does not know where the cluster does not answer", () =>
    expect(run()).toMatchObject({ status: 2, stdout: "" }));

  it.each([
    ["a pod is not ready", set("gate", 2, { ...whole(2), readyReplicas: 1 })],
    ["a pod still runs the old version", set("gate", 2, { ...whole(2), updatedReplicas: 1 })],
    ["nobody has looked at the new version yet", set("gate", 2, whole(2), 2)],
    ["there is no pod at all yet", set("gate", 2, {})],
  ])("says what it waits for while %s", (_, waiting) => {
    sets(set("clickhouse", 2, whole(2)), waiting);
    const { status, stdout } = run();
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^stage=waiting for gate \(/)]);
  });

  it("says which version is applied once every pod runs its newest", () => {
    sets(set("clickhouse", 2, whole(2)), set("gate", 3, whole(3)));
    expect(run()).toMatchObject({ status: 0, stdout: "stage=done\napplied=d7\n" });
    expect(gcloud.calls().at(-1)).toContain("--dns-endpoint");
    expect(hurried()).toBe(false);
  });

  it.each<[string, Record<string, string>, string]>([
    ["goes by the keys before", { ...all, "gate-1": good.replace("d7", "d6") }, "d6 is in force"],
    ["says what is wrong with its certificate", { ...all, "gate-1": "no PEM" }, "no PEM"],
    ["says nothing", { "gate-0": good, "gate-10": good }, "it says nothing"],
  ])("waits for a gate that %s, and hurries kubelet", (_, said, shown) => {
    sets(set("gate", 3, whole(3)));
    gates(said);
    const { status, stdout } = run();
    expect([status, stdout.includes("gate-1 ("), stdout.includes("gate-10"), hurried()]).toEqual([
      0,
      true,
      false,
      true,
    ]);
    expect(stdout).toContain(shown);
    expect(stdout).not.toContain("applied=");
  });

  it("hurries kubelet also where a StatefulSet takes its time: a revoked key does not wait for it", () => {
    sets(set("clickhouse", 2, { ...whole(2), readyReplicas: 1 }));
    gates({});
    expect(run().stdout).toMatch(
      /^stage=waiting for clickhouse \(1 of 2 ready\); the keys of gate-0 /,
    );
    expect(hurried()).toBe(true);
  });

  it("says that nobody can ask where a tool is missing", () => {
    expect(run(bins.slice(0, 2).join(":"))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("kubectl is not installed here"),
    });
  });
});
