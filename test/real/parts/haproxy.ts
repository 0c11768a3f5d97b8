import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { cachedPart } from "./cache";

/** Debian's suites and the line of HAProxy in each: testing has the line of the image that ships, trixie the VM's own. */
export type Suite = "testing" | "trixie";

// Debian's binary with its own libraries and loader, so that it runs on whatever Debian this is.
const wrapper = readFileSync(join(__dirname, "haproxy.sh"), "utf8");

/**
 * The path of a HAProxy out of a Debian suite. Needs root and debootstrap; about a minute the first time. Without them
 * the one on PATH, when it is new enough for infra/gate/haproxy.cfg (3.0).
 */
export async function haproxy(suite: Suite = "testing"): Promise<string> {
  if (process.getuid?.() !== 0) return onPath();
  const dir = await cachedPart("haproxy", `${suite} minbase haproxy ${wrapper}`, (folder) => {
    const root = join(folder, "root");
    execFileSync("debootstrap", ["--variant=minbase", "--include=haproxy", suite, root], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    const libraries = execFileSync("chroot", [root, "ldd", "/usr/sbin/haproxy"], {
      encoding: "utf8",
    }).matchAll(/\/\S+(?= \(0x)/g);
    mkdirSync(join(folder, "lib"));
    for (const [library] of libraries)
      cpSync(join(root, library), join(folder, "lib", basename(library)), { dereference: true });
    cpSync(join(root, "usr/sbin/haproxy"), join(folder, "haproxy.bin"));
    writeFileSync(join(folder, "haproxy"), wrapper);
    chmodSync(join(folder, "haproxy"), 0o755);
    rmSync(root, { recursive: true, force: true });
  });
  return join(dir, "haproxy");
}

/** The version of a HAProxy, as in 3.2.26. */
export function versionOf(binary: string): string {
  const { stdout } = spawnSync(binary, ["-v"], { encoding: "utf8" });
  return /version (\d+\.\d+\.\d+)/.exec(stdout ?? "")?.[1] ?? "none";
}

function onPath(): string {
  const version = versionOf("haproxy");
  if (version === "none" || Number.parseInt(version, 10) < 3)
    throw new Error(
      `the gate's front needs HAProxy 3.0 or newer, and here is ${version}: run as root with debootstrap once, which builds one`,
    );
  return "haproxy";
}
