import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDigest } from "../../scripts/ci/preview/digest";
import { summarize } from "../../scripts/ci/preview/render";
import { fakeTool } from "../fakeTool";
import { PullRequests } from "./engine/pullRequests.js";
import { EngineStack } from "./engine/stack.js";

const webhook = "https://hooks.slack.com/services/T000/B000/not-a-real-token";

/** What the deploy job publishes, and what a pull request's job can do with it and nothing else. */
describe("preview from a state without secrets, on the real engine", () => {
  let stack: EngineStack;
  let requests: PullRequests;
  let out: string;
  let first: string;
  const gcloud = fakeTool("gcloud", "echo enabled");
  beforeAll(async () => {
    stack = await EngineStack.start();
    requests = new PullRequests(stack);
    out = requests.out;
    await run("pulumi", [
      "config",
      "set",
      "--secret",
      "alertSlackWebhookUrl",
      webhook,
      "--stack",
      "dev",
    ]);
    const preview = ["preview", "--json", "--show-sames", "--non-interactive", "--stack", "dev"];
    first = (await run("pulumi", preview)).stdout;
    const up = await stack.up();
    expect(up.error).toBeUndefined();
    expect(await requests.publish()).not.toContain("nothing known makes");
  });
  afterAll(() => {
    stack?.close();
    requests?.close();
  });

  const run: PullRequests["run"] = (...args) => requests.run(...args);
  const pullRequest = (config: Record<string, unknown>) => requests.preview(config);

  it("lets the first deployment pass, of which much is known only after up", () => {
    const { markdown, blockers } = summarize(parseDigest(first), {
      stack: "dev",
      allowReplace: false,
    });
    expect(markdown).toMatch(/Preview of `dev`: \d+ to create/);
    expect(blockers).toEqual([]);
  });

  it("publishes none of the stack's secrets, in clear or encrypted", {
    tags: "attack/state",
  }, async () => {
    const copy = readFileSync(join(out, "copy.json"), "utf8");
    const clear = JSON.parse(
      (await run("pulumi", ["stack", "export", "--stack", "dev", "--show-secrets"])).stdout,
    );
    const secrets: string[] = clear.deployment.resources
      .filter(({ type }: { type: string }) => /randomPassword|privateKey/.test(type))
      .flatMap(({ outputs }: { outputs: Record<string, { plaintext?: string }> }) =>
        Object.values(outputs).flatMap(({ plaintext }) =>
          plaintext ? [JSON.parse(plaintext)] : [],
        ),
      );
    expect(secrets.length).toBeGreaterThan(5);
    for (const secret of [...secrets, webhook]) {
      expect(copy).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(copy).not.toContain(secret.split("\n")[1] || secret);
    }
    const ciphertexts = [...stack.stateText().matchAll(/"ciphertext":\s*"([^"]+)"/g)].map(
      ([, text]) => text ?? "",
    );
    expect(ciphertexts.length).toBeGreaterThan(10);
    for (const ciphertext of ciphertexts) expect(copy).not.toContain(ciphertext);
    expect(copy).not.toContain("secrets_providers");
  });

  it("is needed: the stack's own state cannot be previewed without its key", async () => {
    const { failed, stderr, stdout } = await run(
      "pulumi",
      ["preview", "--stack", "dev", "--non-interactive"],
      { PULUMI_CONFIG_PASSPHRASE: "not the stack's" },
    );
    expect(failed).toBe(true);
    expect(stderr + stdout).toMatch(/incorrect passphrase/);
  });

  it("shows an unchanged program as unchanged, secrets and what is made from them included", async () => {
    const { markdown, blockers } = await pullRequest({});
    expect(markdown).toContain("Preview of `dev`: no changes");
    expect(markdown).toMatch(/<sub>5\d unchanged/);
    expect(blockers).toEqual([]);
  });

  it("shows a new version of SigNoz as one line in the VM's settings, in place", async () => {
    const { markdown, blockers } = await pullRequest({ signozVersion: "v0.139.0" });
    // The VM's settings, and the command that waits for the gate.
    expect(markdown).toContain("Preview of `dev`: 2 to update");
    expect(markdown).toMatch(/› images\.signoz` \| `\S+:v0\.138\.0` \| `\S+:v0\.139\.0` \|/);
    expect(markdown).not.toMatch(/images\.(collector|clickhouse|keeper)/);
    expect(blockers).toEqual([]);
  });

  it("shows a changed alert inside the content that SigNoz gets", async () => {
    const { markdown, blockers } = await pullRequest({ silentHours: 6 });
    expect(markdown).toMatch(/`metadata\.monitoring-content › rules\.\d+\./);
    expect(blockers).toEqual([]);
  });

  it("shows replacements first, and lets ordinary ones in", async () => {
    const { markdown, blockers } = await pullRequest({ otlpHost: "otlp.palindrom.example" });
    expect(markdown).toMatch(/Preview of `dev`: 4 to replace, 2 to update/);
    expect(markdown).toMatch(/\|---\|\n\| 🔁 replace \| `monitoring-dev-cert` \|/u);
    expect(markdown).toContain("| `secretData` | `[secret]` | `[secret], another` |");
    expect(blockers).toEqual([]);
  });

  it("refuses to replace the endpoint secret, unless the label says so", async () => {
    const { blockers, markdown, labelled } = await pullRequest({
      dataLocations: ["us-central1"],
    });
    expect(blockers.join()).toContain("monitoring-signoz-otlp-endpoint-secret-dev");
    expect(markdown).toContain("[!CAUTION]");
    expect(labelled.blockers).toEqual([]);
    expect(labelled.markdown).toContain("[!WARNING]");
  });

  it("refuses to move the data disk, label or not, because it is protected", async () => {
    const { blockers, labelled } = await pullRequest({ "gcp:zone": "us-central1-b" });
    expect(blockers.join()).toContain("replaces the data disk");
    expect(labelled.blockers.join()).toMatch(/marked for protection/);
    expect(labelled.markdown).toContain("Preview of `dev`: failed");
  });

  it("fails, and says why, when the program refuses its config", async () => {
    const { blockers, markdown } = await pullRequest({ dataDiskGb: -1 });
    expect(blockers.length).toBeGreaterThan(0);
    expect(markdown).toMatch(/dataDiskGb/);
  });

  it("finds no drift where there is none, and names the days that the certificate has left", async () => {
    const report = join(out, "drift.md");
    // The comparison asks Google about secret versions; the rest is asked of the in-memory cloud.
    const { stdout, stderr } = await run(
      "scripts/ci/drift/compare.sh",
      ["dev", join(out, "copy.json"), report],
      {
        PATH: `${gcloud.folder}/bin:${stack.env.PATH}`,
        PULUMI_CONFIG_PASSPHRASE: "not the stack's",
      },
    );
    // Not the whole of stderr: it holds the program's files, in which vitest would look for source maps.
    expect(stdout, stderr.slice(-500)).toBe("drifted=false\n");
    expect(readFileSync(report, "utf8")).toMatch(/no changes[\s\S]*Certificate: 36[45] days left/);
  });

  it("applies the plan that was approved and nothing else", async () => {
    const plan = (name: string) => run("scripts/ci/deploy/plan.sh", ["dev", join(out, name)]);
    const apply = (name: string) =>
      run("scripts/ci/deploy/apply.sh", ["dev", join(out, name, "plan.json"), "a message"]);
    const undo = stack.config({ silentHours: 6 });
    const planned = await plan("approved");
    expect(planned.failed, planned.stderr).toBe(false);
    expect(readFileSync(join(out, "approved/summary.md"), "utf8")).toContain("2 to update");
    const text = readFileSync(join(out, "approved/plan.json"), "utf8");
    expect(text).not.toContain(webhook);
    expect(text).toContain("ciphertext");
    // Somebody changes the program after the approval.
    undo();
    stack.config({ silentHours: 6, dataDiskGb: 200 });
    const other = await apply("approved");
    expect(other.failed).toBe(true);
    expect(other.stdout + other.stderr).toMatch(/violates plan/);
    stack.config({ silentHours: 6, dataDiskGb: undefined });
    const applied = await apply("approved");
    expect(applied.failed, applied.stdout + applied.stderr).toBe(false);
    expect(applied.stdout).not.toContain("OTEL_EXPORTER");
  });

  it("refuses a plan whose state is not the one that it was approved for", {
    tags: "attack/ci",
  }, async () => {
    stack.config({ silentHours: 7 });
    const planned = await run("scripts/ci/deploy/plan.sh", ["dev", join(out, "old")]);
    expect(planned.failed, planned.stderr).toBe(false);
    // Meanwhile another deployment; the old run is then started again, with its program and its plan.
    stack.config({ silentHours: 8 });
    expect((await stack.up()).error).toBeUndefined();
    stack.config({ silentHours: 7 });
    const applied = await run("scripts/ci/deploy/apply.sh", ["dev", join(out, "old/plan.json")]);
    expect(applied.failed, applied.stdout + applied.stderr).toBe(true);
    expect(applied.stderr).toMatch(/run deploy again/);
  });
});
