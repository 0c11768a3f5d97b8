import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { cachedPart } from "./cache";

const version = "2.1.331";

/** The path of the real Claude Code (native binary for this platform), installed by npm. */
export async function claude(): Promise<string> {
  const dir = await cachedPart("claude-code", version, (folder) => {
    execFileSync(
      "npm",
      ["install", "--prefix", folder, "--no-save", `@anthropic-ai/claude-code@${version}`],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
  });
  return join(
    dir,
    `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`,
  );
}
