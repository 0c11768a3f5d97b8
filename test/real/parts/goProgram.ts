import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache";

export interface GoProgram {
  /** What it is; also the name of its folder in the cache. */
  name: string;
  /** The whole go.mod, which pins every version: `go install …@version` refuses a module with replace directives. */
  goMod: string;
  /** Package of each binary, by the binary's name. */
  binaries: Record<string, string>;
  /** Source of this module's own main package, where a binary's package is `.`. */
  main?: string;
  /** `-X name=value` of each variable that the linker sets. */
  variables?: Record<string, string>;
}

/**
 * Builds programs of one Go module (needs Go and its module proxy).
 * @returns the folder that holds the binaries
 * @throws Error with the end of what Go said
 */
export function goProgram({ name, goMod, binaries, main, variables = {} }: GoProgram) {
  const recipe = JSON.stringify([goMod, binaries, main, variables]);
  return cachedPart(name, recipe, (folder) => {
    const source = join(folder, "source");
    mkdirSync(source);
    writeFileSync(join(source, "go.mod"), goMod);
    if (main) writeFileSync(join(source, "main.go"), main);
    const set = Object.entries(variables).map(([variable, value]) => ` -X ${variable}=${value}`);
    go(source, "mod", "tidy");
    for (const [binary, path] of Object.entries(binaries))
      go(
        source,
        "build",
        "-trimpath",
        `-ldflags=-s -w${set.join("")}`,
        "-o",
        join(folder, binary),
        path,
      );
    rmSync(source, { recursive: true });
  });
}

function go(cwd: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync("go", args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, GOWORK: "off", GOFLAGS: "-buildvcs=false -modcacherw" },
  });
  if (status !== 0)
    throw new Error(`go ${args[0]} failed: ${error?.message ?? stderr.slice(-2000)}`);
}
