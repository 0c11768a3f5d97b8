// Sums vitest's JSON reports up: names what failed and what was skipped and why, and ends with the one line that counts.
// A skip that .ci/skips.json gives no reason for is a failure: a machine on which nothing runs must not be green.
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");

const reasons = JSON.parse(readFileSync(join(__dirname, "skips.json"), "utf8"));
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
    for (const test of assertionResults) count(test);
  }
}

function count({ status, fullName, failureMessages }) {
  const outcome = ["passed", "failed"].includes(status) ? status : "skipped";
  if (outcome === "failed")
    console.log(`failed: ${fullName}: ${failureMessages[0]?.split("\n")[0]}`);
  if (outcome !== "skipped") {
    counts[outcome] += 1;
    return;
  }
  const known = reasons.find(({ test }) => new RegExp(test).test(fullName));
  console.log(
    known
      ? `skipped: ${fullName}: ${known.reason}`
      : `skipped without a reason in .ci/skips.json: ${fullName}: counted as a failure`,
  );
  counts[known ? "skipped" : "failed"] += 1;
}

console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
