import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTool } from "../fakeTool";
import { EngineStack } from "./engine/stack.js";

const restore =
  /## Restore[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync("docs/runbook.md", "utf8"))?.[1] ?? "";

/** What the runbook says under "Restore", word by word, on the real engine; only the cloud is in memory. */
let stack: EngineStack;
const gcloud = fakeTool("gcloud", "echo before-upgrade");
beforeAll(async () => {
  stack = await EngineStack.start();
  const up = await stack.up();
  expect(up.error).toBeUndefined();
});
afterAll(() => stack?.close());

function run(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      "bash",
      ["-euo", "pipefail", "-c", script],
      {
        cwd: stack.dir,
        env: {
          ...stack.env,
          PATH: `${gcloud.folder}/bin:${stack.env.PATH}`,
          PULUMI_STACK: "dev",
          PULUMI_SKIP_CONFIRMATIONS: "true",
        },
        maxBuffer: 1e8,
        timeout: 280_000,
      },
      (error, stdout, stderr) =>
        error ? reject(new Error((stdout + stderr).slice(-2000))) : resolve(stdout),
    );
  });
}

it("brings a disk from the snapshot as the runbook says, and the old one goes last", async () => {
  expect(restore).toContain("restoreFromSnapshot SNAPSHOT");
  await run(restore.replace("SNAPSHOT", "before-upgrade"));
  const disks = stack.cloud.resources.filter(({ type }) => type === "gcp:compute/disk:Disk");
  expect(disks.map(({ inputs }) => inputs.snapshot)).toEqual(["before-upgrade"]);
  // Protected again, and the VM too once the key is back.
  await run("pulumi config set monitoring:deletionProtection true && pulumi up");
  const [vm] = stack.cloud.resources.filter(({ type }) => type === "gcp:compute/instance:Instance");
  expect(vm?.inputs).toMatchObject({ deletionProtection: true });
  expect(stack.stateText()).toMatch(/"protect":\s*true/);
});
