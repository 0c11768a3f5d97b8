// Counts the attacks among the tests by their tags (test/attacks.json): in vitest's JSON reports, or, with none named,
// in what vitest collects without running it. Titles that differ by a number or a signal are one attack.
// A kind with fewer than ten is a failure.
const { execFileSync } = require("node:child_process");
const { mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { basename, join } = require("node:path");

const folder = mkdtempSync(join(tmpdir(), "attacks-"));
function collect(config) {
  const report = join(folder, `${config}.json`);
  const args = ["vitest", "run", "--config", config, "-t", "^$", "--reporter=json"];
  execFileSync("npx", [...args, `--outputFile.json=${report}`], { stdio: ["ignore", "ignore", 2] });
  return report;
}

const [, , ...named] = process.argv;
const reports = named.length ? named : ["vitest.config.mts", "vitest.real.config.mts"].map(collect);
const tests = reports.flatMap((report) =>
  JSON.parse(readFileSync(report, "utf8")).testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, tags }) => ({ file: basename(name), title, tags })),
  ),
);
rmSync(folder, { recursive: true });

const kinds = JSON.parse(readFileSync(join(__dirname, "../test/attacks.json"), "utf8"));
for (const [kind, what] of Object.entries(kinds)) {
  const ofKind = tests.filter(({ tags }) => tags.includes(kind));
  const plain = (title) => title.replace(/metrics|logs|traces|\d+/g, "");
  const { size } = new Set(ofKind.map(({ file, title }) => `${file} ${plain(title)}`));
  const files = [...new Set(ofKind.map(({ file }) => file))].join(", ");
  console.log(`${kind}: ${size} attacks in ${ofKind.length} tests: ${what}\n    ${files}`);
  if (size < 10) process.exitCode = 1;
}
