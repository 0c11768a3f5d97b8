import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTool } from "../fakeTool";
import { EngineStack } from "./engine/stack.js";

const runbook = readFileSync("docs/runbook.md", "utf8");
/** The shell of a section of the runbook. */
const shellOf = (title: string) => {
  const [section = ""] = new RegExp(`^## ${title}$[\\s\\S]*?(?=^## )`, "m").exec(runbook) ?? [];
  return [...section.matchAll(/^ *```sh\n([\s\S]*?)```/gm)].map(([, text]) => text).join("");
};

/** What the runbook says under "Restore" and "Move", word by word, on the real engine; only the cloud is in memory. */
let stack: EngineStack;
/** How many data disks there were when one was made. */
let disksThen = 0;
const gcloud = fakeTool("gcloud", "echo before-upgrade");
beforeAll(async () => {
  stack = await EngineStack.start({
    onChange: async ({ type }) => {
      if (type === "gcp:compute/disk:Disk")
        disksThen = stack.cloud.resources.filter((one) => one.type === type).length;
    },
  });
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

const only = (type: string) => {
  const found = stack.cloud.resources.filter((resource) => resource.type === type);
  expect(found, type).toHaveLength(1);
  return found[0] as (typeof found)[number];
};
const disk = () => only("gcp:compute/disk:Disk");
const vm = () => only("gcp:compute/instance:Instance");

it.each([
  ["Restore", { SNAPSHOT: "before-upgrade" }, "before-upgrade", "us-central1-a"],
  ["Move", {}, "move", "us-central1-b"],
])(
  "%s: brings a disk from the snapshot and a VM that boots on it, and the old ones go",
  async (title, names, snapshot, zone) => {
    const before = vm();
    let script = shellOf(title);
    expect(script).toContain("set monitoring:restoreFromSnapshot ");
    for (const [name, value] of Object.entries(names)) script = script.replace(name, value);
    await run(script);
    expect(disk().inputs).toMatchObject({ snapshot, zone });
    // Google may know no such snapshot: the old disk must be there then.
    expect(disksThen).toBe(2);
    expect(vm().inputs).toMatchObject({ zone, attachedDisks: [{ source: disk().id }] });
    // In place, the disk would be pulled out of a machine that has it mounted.
    expect(vm().state.creationTimestamp).not.toBe(before.state.creationTimestamp);
    // Protected again, and the VM too once the key is back.
    await run("pulumi config set monitoring:deletionProtection true && pulumi up");
    expect(vm().inputs).toMatchObject({ deletionProtection: true });
    expect(stack.stateText()).toMatch(/"protect":\s*true/);
  },
);
