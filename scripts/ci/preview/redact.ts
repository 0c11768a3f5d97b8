/**
 * The state with a stand-in for every secret, for `pulumi stack import`.
 * Usage: redact.ts STACK_CONFIG_FILE   stdin: `pulumi stack export --show-secrets`, then `pulumi config --json --show-secrets`
 */
import { readFileSync } from "node:fs";
import { copyState } from "./standIn";

const [, , configFile] = process.argv;
if (!configFile) throw new Error("STACK_CONFIG_FILE is missing, such as Pulumi.dev.yaml");
const [state, config] = documents(readFileSync(0, "utf8"));
const copy = copyState(state, readFileSync(configFile, "utf8"), config);
process.stdout.write(`${JSON.stringify(copy.state)}\n`);
for (const place of copy.unknown)
  process.stderr.write(
    `publish: ${place} is a secret that nothing known makes; pull requests show it as changed until scripts/ci/preview/known.ts or publicPlaces.ts knows it\n`,
  );

/** The two JSON objects of stdin, split where a line closes the first at column one. */
function documents(text: string): [unknown, unknown] {
  const end = text.indexOf("\n}\n") + 2;
  if (end < 2)
    throw new Error(
      "stdin does not hold the state and the config, one JSON object after the other",
    );
  return [JSON.parse(text.slice(0, end)), JSON.parse(text.slice(end))];
}
