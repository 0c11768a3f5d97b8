import { execFile } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDigest } from "../../../scripts/ci/preview/digest.js";
import { summarize } from "../../../scripts/ci/preview/render.js";
import type { EngineStack } from "./stack.js";

export interface Ran {
  failed: boolean;
  stdout: string;
  stderr: string;
}

/** What the deploy job publishes of a stack, and what a pull request's job can do with it and nothing else. */
export class PullRequests {
  /** Where the jobs leave their files. */
  readonly out = mkdtempSync(join(tmpdir(), "monitoring-preview-"));
  /** The published copy of the state. */
  readonly copy = join(this.out, "copy.json");

  constructor(private readonly stack: EngineStack) {}

  run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const options = {
      cwd: this.stack.dir,
      env: { ...this.stack.env, ...env },
      maxBuffer: 1e8,
      timeout: 240_000,
    };
    return new Promise((resolve) => {
      execFile(command, args, options, (error, stdout, stderr) =>
        resolve({ failed: error !== null, stdout, stderr }),
      );
    });
  }

  /** @returns what it says on stderr */
  async publish(): Promise<string> {
    const { failed, stderr } = await this.run("scripts/ci/preview/publish.sh", ["dev", this.copy]);
    if (failed) throw new Error(brief(stderr));
    return stderr;
  }

  /** A pull request that changes the stack's config: what the preview's job makes of it. */
  async preview(config: Record<string, unknown>, env: NodeJS.ProcessEnv = {}) {
    const file = join(this.stack.dir, "Pulumi.dev.yaml");
    const before = readFileSync(file, "utf8");
    if (Object.keys(config).length > 0) this.stack.config(config);
    try {
      const json = join(this.out, "preview.json");
      // A wrong passphrase, as that job has none: the copy must not need the stack's.
      const { stderr, failed } = await this.run(
        "scripts/ci/preview/run.sh",
        ["dev", this.copy, json],
        { PULUMI_CONFIG_PASSPHRASE: "not the stack's", ...env },
      );
      if (failed) throw new Error(brief(stderr));
      const digest = parseDigest(readFileSync(json, "utf8"));
      const summary = summarize(digest, { stack: "dev", allowReplace: false });
      const labelled = summarize(digest, { stack: "dev", allowReplace: true });
      // For looking at: PREVIEW_COMMENTS=comments.md collects what the pull requests would show.
      if (process.env.PREVIEW_COMMENTS)
        appendFileSync(process.env.PREVIEW_COMMENTS, `${summary.markdown}\n---\n\n`);
      return { ...summary, labelled };
    } finally {
      writeFileSync(file, before);
    }
  }

  close(): void {
    rmSync(this.out, { recursive: true, force: true });
  }
}

/** Without the lines of a stack, in whose files vitest would look for source maps. */
export const brief = (stderr: string) => stderr.replace(/^ +at .*$/gm, "").slice(-1500);
