// Sums vitest's JSON reports up: names what was skipped, and ends with the one line that counts.
const { existsSync, readFileSync } = require("node:fs");

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    console.log(`no report ${file}: counted as one failure`);
    counts.failed += 1;
    continue;
  }
  for (const { name, status, message, assertionResults } of JSON.parse(readFileSync(file, "utf8"))
    .testResults) {
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) {
      console.log(`failed as a whole: ${name}: ${message}`);
      counts.failed += 1;
    }
    for (const test of assertionResults) {
      const outcome = ["passed", "failed"].includes(test.status) ? test.status : "skipped";
      counts[outcome] += 1;
      if (outcome === "skipped") console.log(`skipped: ${test.fullName}`);
    }
  }
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
