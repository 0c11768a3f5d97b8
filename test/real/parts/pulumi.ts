import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache.js";

/** The version that the workflows install too. */
const version = readFileSync(join(__dirname, "../../../.pulumi.version"), "utf8").trim();

// A module of its own: `go install …@version` refuses a module whose go.mod has replace directives.
const goMod = `module engine

go 1.26

tool github.com/pulumi/pulumi/pkg/v3/cmd/pulumi

require (
	github.com/pulumi/pulumi/pkg/v3 v${version}
	github.com/pulumi/pulumi/sdk/v3 v${version}
)

replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
`;

/**
 * The real Pulumi engine and CLI, built with Go (about 4 minutes on 2 cores when it is not cached).
 * @returns the folder that holds `bin/pulumi`, as the Automation API's `PulumiCommand.get` wants it
 */
export function pulumiCli(): Promise<string> {
  return cachedPart("pulumi", goMod, (dir) => {
    writeFileSync(join(dir, "go.mod"), goMod);
    go(dir, "mod", "tidy");
    go(
      dir,
      "build",
      "-trimpath",
      `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
      "-o",
      join("bin", "pulumi"),
      "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    );
  });
}

function go(cwd: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync("go", args, { cwd, encoding: "utf8" });
  if (status !== 0)
    throw new Error(`go ${args[0]} failed: ${error?.message ?? stderr.slice(-2000)}`);
}
