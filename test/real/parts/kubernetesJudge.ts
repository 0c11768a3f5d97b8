import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Values } from "../../../simulator/cloud/values.js";
import { goProgram } from "./goProgram";
import { requireKubernetes } from "./kubernetesModules";

const main = readFileSync(join(__dirname, "kubernetesJudge/main.go"), "utf8");

export interface Asked {
  object: Values;
  /** What it takes the place of. */
  old?: Values;
}

export interface Judged {
  errors: string[];
  /** The object as the API server keeps it. */
  object?: Values;
}

/**
 * What the API server says of objects, by its own decoding, defaults, validation and pod security (needs Go; two minutes
 * the first time): a server in a process of a second, without what it keeps.
 */
export async function kubernetesJudge(): Promise<(asked: Asked[]) => Judged[]> {
  const folder = await goProgram({
    name: "kubernetes-judge",
    goMod: `module judge

go 1.26.0

${requireKubernetes}`,
    binaries: { judge: "." },
    main,
  });
  return (asked) => {
    const input = asked.map((one) => `${JSON.stringify(one)}\n`).join("");
    const { status, stdout, stderr } = spawnSync(join(folder, "judge"), {
      input,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(stderr);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
}
