import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cachedPart } from "./cache";

/** Debian 13's line of Linux, which Debian 12 serves too. */
const source = "linux-source-6.12";
const fragment = join(__dirname, "kernel.config");
const build = join(__dirname, "kernel.sh");
/** What the build takes: commands, and Debian packages of the same names. */
const builders = ["gcc", "make", "flex", "bison", "bc"];

/** One that was built elsewhere: from Linux 6.16 on (its `seccomp=`) a machine boots in half the time. */
const given = process.env.MACHINE_KERNEL;

/** Why the kernel cannot be built here, or "". */
export function kernelMissing(): string {
  if (given) return existsSync(given) ? "" : `MACHINE_KERNEL names ${given}, which is not there`;
  const missing = builders.filter((name) => spawnSync("which", [name]).status !== 0);
  if (missing.length > 0) return `apt-get install ${missing.join(" ")}`;
  const served = spawnSync("apt-cache", ["show", source]).status === 0;
  return served ? "" : `needs Debian's ${source} (apt-get update)`;
}

/** The path of a Linux that runs as a process (User Mode Linux); 6 minutes on two processors the first time. */
export async function kernel(): Promise<string> {
  if (given) return given;
  const recipe = [source, readFileSync(fragment, "utf8"), readFileSync(build, "utf8")].join("\n");
  const dir = await cachedPart("kernel", recipe, (folder) => {
    execFileSync(build, [source, fragment], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
  });
  return join(dir, "linux");
}
