import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const root = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "monitoring-real-parts");

/**
 * The folder of a real part (an engine, a collector, a userland), built once a machine and recipe.
 * @param name what it is, for people who look into the cache
 * @param recipe everything that decides its content (versions, manifest text): a change builds anew
 * @param build fills the empty folder it is given; the folder counts only when this returns
 */
export async function cachedPart(
  name: string,
  recipe: string,
  build: (dir: string) => void | Promise<void>,
): Promise<string> {
  const dir = join(
    root,
    `${name}-${createHash("sha256").update(recipe).digest("hex").slice(0, 12)}`,
  );
  if (existsSync(dir)) return dir;
  const unfinished = `${dir}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  await build(unfinished);
  // Two test files that run at once may both have built it.
  if (existsSync(dir)) rmSync(unfinished, { recursive: true, force: true });
  else renameSync(unfinished, dir);
  return dir;
}
