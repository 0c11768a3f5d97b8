import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
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
    *secret*) printf d7 ;;
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
  });

  it("says that nobody can ask where a tool is missing", () => {
    expect(run(bins.slice(0, 2).join(":"))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("kubectl is not installed here"),
    });
  });
});
