import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

const found = spawnSync("sh", ["-c", "command -v gcloud"], { encoding: "utf8" }).stdout.trim();
const sdk = found && dirname(dirname(realpathSync(found)));

/** Whether the Google Cloud CLI is installed here, as its own package lays it out. */
export const hasGcloud = sdk !== "" && existsSync(join(sdk, "lib/googlecloudsdk"));

const parser = join(__dirname, "gcloudParser.py");

/**
 * What the real gcloud's argument parser says of each call: null, or its error.
 * @param calls the arguments after \`gcloud\`
 */
export function gcloudFaults(calls: string[][]): (string | null)[] {
  const bundled = join(sdk, "platform/bundledpythonunix/bin/python3");
  const python = existsSync(bundled) ? bundled : "python3";
  const output = execFileSync(python, [parser, sdk], {
    input: JSON.stringify(calls),
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"],
  });
  return JSON.parse(output.trim().split("\n").at(-1) ?? "[]");
}
