import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache";
import { signozModule } from "./collector";

const main = readFileSync(join(__dirname, "migrator/main.go"), "utf8");

/**
 * The path of a binary that has the `migrate` commands of SigNoz's collector, of the version whose exporters
 * collector.ts builds (needs Go; about 2 minutes the first time).
 */
export async function migrator(): Promise<string> {
  const { version, replaces } = signozModule();
  const goMod = [
    "module migrator\n\ngo 1.25.0",
    `require github.com/SigNoz/signoz-otel-collector ${version}`,
    ...replaces.map((line) => `replace ${line}`),
  ].join("\n");
  const dir = await cachedPart("migrator", `${goMod}\n${main}`, (folder) => {
    const source = join(folder, "source");
    mkdirSync(join(source, "absent"), { recursive: true });
    writeFileSync(join(source, "absent/go.mod"), "module absent\n");
    writeFileSync(join(source, "go.mod"), goMod);
    writeFileSync(join(source, "main.go"), main);
    const binary = join(folder, "signoz-otel-collector");
    for (const args of [
      ["mod", "tidy"],
      ["build", "-trimpath", "-ldflags=-s -w", "-o", binary, "."],
    ])
      execFileSync("go", args, {
        cwd: source,
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...process.env, GOWORK: "off" },
      });
    rmSync(source, { recursive: true });
  });
  return join(dir, "signoz-otel-collector");
}
