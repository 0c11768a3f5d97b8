import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache";

const version = "v0.144.0";
const manifest = join(__dirname, "collector-builder.yaml");

/**
 * The path of the OpenTelemetry Collector that the gate is tested with, built by the official
 * builder from collector-builder.yaml (needs Go; about 3 minutes the first time).
 */
export async function collector(): Promise<string> {
  const recipe = `${version}\n${readFileSync(manifest, "utf8")}`;
  const dir = await cachedPart("collector", recipe, (folder) => {
    copyFileSync(manifest, join(folder, "manifest.yaml"));
    execFileSync(
      "go",
      ["run", `go.opentelemetry.io/collector/cmd/builder@${version}`, "--config=manifest.yaml"],
      {
        cwd: folder,
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...process.env, GOWORK: "off" },
      },
    );
    for (const leftover of ["go.mod", "go.sum"]) rmSync(join(folder, leftover), { force: true });
  });
  return join(dir, "otelcol");
}
