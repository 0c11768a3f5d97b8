import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

const found = spawnSync("sh", ["-c", "command -v gcloud"], { encoding: "utf8" }).stdout.trim();
const sdk = found && dirname(dirname(realpathSync(found)));

/** Whether the Google Cloud CLI is installed here, as its own package lays it out. */
export const hasGcloud = sdk !== "" && existsSync(join(sdk, "lib/googlecloudsdk"));

// gcloud's own parser, asked in one process: a start of gcloud takes seconds. Nothing is run and nothing is dialled.
const parser = `
import contextlib, io, json, sys
sys.path[:0] = [sys.argv[1] + "/lib", sys.argv[1] + "/lib/third_party"]
import gcloud
gcloud._fix_google_module()
from googlecloudsdk import gcloud_main
cli = gcloud_main.CreateCLI([])
faults = []
for call in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            cli._TopElement()._parser.parse_args(call)
            fault = None
        except SystemExit:
            fault = said.getvalue().strip().split("\\n")[0] or "refused"
        except Exception as error:
            fault = type(error).__name__ + ": " + str(error).split("\\n")[0]
    faults.append(fault)
print(json.dumps(faults))
`;

/**
 * What the real gcloud's argument parser says of each call: null, or its error.
 * @param calls the arguments after \`gcloud\`
 */
export function gcloudFaults(calls: string[][]): (string | null)[] {
  const bundled = join(sdk, "platform/bundledpythonunix/bin/python3");
  const python = existsSync(bundled) ? bundled : "python3";
  const output = execFileSync(python, ["-c", parser, sdk], {
    input: JSON.stringify(calls),
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"],
  });
  return JSON.parse(output.trim().split("\n").at(-1) ?? "[]");
}
