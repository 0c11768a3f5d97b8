import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/**
 * Puts a recorder in the place of a command-line tool that talks to a service.
 * @param body bash that answers, a file of its own (`fixture`) beyond a few lines; it finds the arguments in "$@" and a folder of its own in $STATE
 */
export function fakeTool(name: string, body: string) {
  const folder = scratchFolder(`fake-${name}`);
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const log = join(folder, "calls");
  writeFileSync(log, "");
  const record = join(__dirname, "recordCall.sh");
  const script = `#!/usr/bin/env bash\nSTATE='${folder}'\n. '${record}'\n${body}\n`;
  writeFileSync(join(bin, name), script, { mode: 0o755 });
  return {
    folder,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    /** One line a call: the tool's name and its arguments. */
    calls: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
    /** The arguments of each call, as they were. */
    argv: () =>
      readFileSync(`${log}.argv`, "utf8")
        .split("\n\0")
        .filter(Boolean)
        .map((call) => call.split("\0").slice(0, -1)),
  };
}

/** A program of a test, from its file in test/. */
export const fixture = (file: string) => readFileSync(join(__dirname, file), "utf8");

const folders: string[] = [];
// Registered where a test file imports this one, so it runs after the file's last test.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder of the test file's own, gone after it. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  folders.push(folder);
  return folder;
}
