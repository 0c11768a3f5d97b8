import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { scratchFolder } from "../fakeTool";

/** What .ci/run prints and ends with for these tests. */
function count(...tests: [fullName: string, status: string][]) {
  const file = join(scratchFolder("report"), "report.json");
  const failureMessages = ["expected 1 to be 2\n    at a file"];
  const assertionResults = tests.map(([fullName, status]) => ({
    ...{ fullName, status },
    failureMessages: status === "failed" ? failureMessages : [],
  }));
  writeFileSync(
    file,
    JSON.stringify({ testResults: [{ name: "f", status: "passed", assertionResults }] }),
  );
  const { stdout, status } = spawnSync("node", [".ci/count.cjs", file], { encoding: "utf8" });
  return { status, stdout, last: stdout.trim().split("\n").at(-1) };
}

it("counts what passed, failed and was skipped for a reason", () => {
  const gcloud = "bootstrap.sh with the real gcloud (needs gcloud) creates what is missing";
  const { last, status, stdout } = count(["a", "passed"], [gcloud, "pending"]);
  expect([last, status]).toEqual(["1 passed, 0 failed, 1 skipped", 0]);
  expect(stdout).toMatch(/skipped: bootstrap\.sh .*: Google's CLI/);
});

it("names what failed, with the first line of why", () => {
  const failure = count(["a", "passed"], ["b", "failed"]);
  expect(failure.stdout).toMatch(/^failed: b: expected 1 to be 2$/m);
  expect([failure.last, failure.status]).toEqual(["1 passed, 1 failed, 0 skipped", 1]);
});

it.each(["pending", "todo", "skipped", "disabled"])(
  "fails where a test is %s without a reason",
  (status) => {
    const counted = count(["a", "passed"], ["a real part of the product", status]);
    expect([counted.last, counted.status]).toEqual(["1 passed, 1 failed, 0 skipped", 1]);
    expect(counted.stdout).toMatch(/without a reason in \.ci\/skips\.json: a real part/);
  },
);

it("fails where a report is missing", () => {
  const { stdout, status } = spawnSync("node", [".ci/count.cjs", "no-such.json"], {
    encoding: "utf8",
  });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^0 passed, 1 failed, 0 skipped$/m);
});

it("knows no reason for a test that does not exist any more", () => {
  const tests = readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => readFileSync(join("test", file), "utf8"))
    .join("\n");
  const reasons = JSON.parse(readFileSync(".ci/skips.json", "utf8")) as { test: string }[];
  for (const { test } of reasons)
    for (const words of test
      .replace(/\\(.)/g, "$1")
      .split(/[\^$]|\.\*/)
      .filter((it) => it.trim()))
      expect(tests, test).toContain(words.trim().replace(/^under /, "under "));
});

it("counts attacks that differ by a number or a signal as one, and fails below ten of a kind", () => {
  const kinds = Object.keys(JSON.parse(readFileSync("test/attacks.json", "utf8")));
  const attacks = (each: number) => {
    const file = join(scratchFolder("report"), "report.json");
    const titles = Array.from({ length: each }, (_, i) => String.fromCharCode(97 + i));
    const assertionResults = kinds.flatMap((kind) => [
      ...titles.flatMap((title) => [
        { title: `${title} of 4 MiB (logs)`, tags: [kind] },
        { title: `${title} of 16 MiB (traces)`, tags: [kind] },
      ]),
      { title: "an honest one", tags: [] },
    ]);
    writeFileSync(file, JSON.stringify({ testResults: [{ name: "f", assertionResults }] }));
    return spawnSync("node", [".ci/attacks.cjs", file], { encoding: "utf8" });
  };
  expect(attacks(10).status).toBe(0);
  expect(attacks(10).stdout.match(/: 10 attacks in 20 tests: /g)).toHaveLength(kinds.length);
  expect(attacks(9).status).toBe(1);
});
