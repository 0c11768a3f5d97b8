import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";

const listed = readFileSync("scripts/ci/other-files.txt", "utf8").trim().split("\n");
const isListed = (file: string) =>
  listed.some((path) => file === path || file.startsWith(`${path}/`));

describe("scripts/ci/other-files.txt", () => {
  it("names no file of the repository that the program opens when it runs", () => {
    const output = execFileSync(
      "node",
      [
        "--require",
        "./test/real/otherFiles/trace.cjs",
        "--import",
        "tsx",
        "test/real/otherFiles/program.ts",
      ],
      { encoding: "utf8", maxBuffer: 1e8, timeout: 120_000 },
    );
    const opened = JSON.parse(output.trim().split("\n").at(-1) ?? "[]") as string[];
    // What runs the program here: the in-memory cloud, the trace itself and the packages, whose versions are listed.
    const ours = opened.filter(
      (file) =>
        !/^(\.\.|node_modules|simulator|test)\//.test(file) &&
        existsSync(file) &&
        statSync(file).isFile(),
    );
    expect(ours).toContain("index.ts");
    expect(ours.length).toBeGreaterThan(40);
    expect(ours.filter(isListed)).toEqual([]);
  }, 120_000);
});
