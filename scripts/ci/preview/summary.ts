/**
 * The pull request comment of a preview: what it replaces and deletes first, then what it creates and updates.
 * Usage: summary.ts [--stack dev] [--allow-replace] [--real-state] [FILE]   FILE (or stdin): pulumi preview --json --show-sames
 * Prints Markdown; exit code 1, with the reasons on stderr, where the change must not go in as it is.
 * PREVIEW_COMMIT and PREVIEW_RUN_URL fill the footer; ALLOW_REPLACE=true is --allow-replace.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseDigest } from "./digest";
import { summarize } from "./render";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stack: { type: "string", default: "dev" },
    "allow-replace": { type: "boolean" },
    "real-state": { type: "boolean" },
  },
});
const context = {
  stack: values.stack,
  commit: process.env.PREVIEW_COMMIT,
  runUrl: process.env.PREVIEW_RUN_URL,
  realState: values["real-state"],
  allowReplace: values["allow-replace"] ?? process.env.ALLOW_REPLACE === "true",
};
const { markdown, blockers } = summarize(
  parseDigest(readFileSync(positionals[0] ?? 0, "utf8")),
  context,
);
process.stdout.write(markdown);
for (const blocker of blockers) process.stderr.write(`preview: ${blocker}\n`);
process.exitCode = blockers.length ? 1 : 0;
