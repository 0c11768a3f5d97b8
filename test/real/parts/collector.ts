import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { cachedPart } from "./cache";

const version = "v0.144.0";
const manifestOf = (name: string) => parse(readFileSync(join(__dirname, name), "utf8"));
const gateManifest = manifestOf("collector-builder.yaml");
const signozManifest = manifestOf("collector-signoz-builder.yaml");

/**
 * The path of the OpenTelemetry Collector that the gate is tested with, built by the official
 * builder from collector-builder.yaml (needs Go; about 3 minutes the first time).
 */
export async function collector(): Promise<string> {
  return join(await built("collector", gateManifest), "otelcol");
}

/**
 * The path of a collector with SigNoz's own exporters beside the gate's components: good for
 * validating a configuration, since no ClickHouse is there to start against.
 */
export async function signozExporters(): Promise<string> {
  const manifest = {
    ...gateManifest,
    ...signozManifest,
    exporters: [...gateManifest.exporters, ...signozManifest.exporters],
  };
  return join(await built("collector-signoz", manifest), "otelcol");
}

/** The version of SigNoz's module that the exporters come from, and what its go.mod replaces. */
export function signozModule(): { version: string; replaces: string[] } {
  const [{ gomod }] = signozManifest.exporters;
  return { version: gomod.split(" ")[1], replaces: signozManifest.replaces };
}

// Stringified anew, so that a comment in a manifest builds nothing.
function built(name: string, parsed: object): Promise<string> {
  const manifest = stringify(parsed);
  return cachedPart(name, `${version}\n${manifest}`, (folder) => {
    writeFileSync(join(folder, "manifest.yaml"), manifest);
    // What the manifest's `replaces` puts in place of a module that the proxy does not serve; no code of it is used.
    mkdirSync(join(folder, "absent"));
    writeFileSync(join(folder, "absent/go.mod"), "module absent\n");
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
}
