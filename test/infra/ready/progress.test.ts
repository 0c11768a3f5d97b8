import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { scratchFolder } from "../../fakeTool.js";

/** What the script makes of what two kinds of machine answer, each a few lines of shell. */
function asked(gke: string, vm: string) {
  const infra = scratchFolder("infra");
  for (const [kind, shell] of Object.entries({ gke, vm, ready: "" })) {
    mkdirSync(join(infra, kind));
    writeFileSync(join(infra, kind, "progress.sh"), `#!/bin/bash\n${shell}\n`);
  }
  const script = join(infra, "ready/progress.sh");
  copyFileSync("infra/ready/progress.sh", script);
  const words = ["gke", "p", "europe-west3", "c", "--", "vm", "p", "europe-west3-b", "m"];
  const { status, stdout, stderr } = spawnSync("/bin/bash", [script, ...words], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}
const says = (...lines: string[]) => lines.map((line) => `echo '${line}'`).join("\n");

describe("progress.sh of more than one kind of machine", () => {
  it("is applied as the versions of all, in their order", () =>
    expect(
      asked(says("stage=done", "applied=c1"), says("stage=content done", "applied=m1")),
    ).toEqual({
      status: 0,
      stdout: "stage=gke: done; vm: content done\napplied=c1 m1\n",
      stderr: "",
    }));

  it.each([
    ["the cluster", says("stage=waiting for gate"), says("applied=m1"), " m1"],
    ["the machine", says("applied=c1"), says("stage=images running"), "c1 "],
    ["the machine, which has said nothing", says("applied=c1"), "exit 0", "c1 "],
  ])("is not while a part is still missing: %s", (_, gke, vm, applied) => {
    const { status, stdout } = asked(gke, vm);
    expect([status, /^applied=(.*)$/m.exec(stdout)?.[1]]).toEqual([0, applied]);
  });

  it("names whose error it is, and asks each where it is", () =>
    expect(asked("echo error=$*", "echo error=$*").stdout).toContain(
      "error=gke: p europe-west3 c; vm: p europe-west3-b m\n",
    ));

  it.each([
    [0, 2, 2],
    [2, 0, 2],
    [1, 2, 1],
    [2, 1, 1],
    [1, 0, 1],
  ])("ends as the worse of both, with what each says of it: %i and %i give %i", (gke, vm, worst) =>
    expect(asked(`echo c >&2; exit ${gke}`, `echo m >&2; exit ${vm}`)).toEqual({
      status: worst,
      stdout: "",
      stderr: "c\nm\n",
    }),
  );
});
