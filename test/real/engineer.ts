import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type HookValues, renderClaudeSettings } from "../../hooks/render";
import { finished, Machine, type Ran } from "../hooks/engineerMachine";
import { claude } from "./parts/claude";

export type EngineerOptions = NonNullable<ConstructorParameters<typeof Machine>[0]>;

/** A scratch engineer who got the exported claude-config (hook and settings) and runs the real Claude Code. */
export class Engineer extends Machine {
  readonly project = join(this.root, "project");

  readonly hookValues: Partial<HookValues>;

  constructor(apiUrl: string, options: EngineerOptions = {}) {
    super(options);
    this.ordinary = false; // Claude Code runs as who the test is, and so must its hook
    this.hookValues = options.hook ?? {};
    mkdirSync(this.project);
    this.save(this.settings, renderClaudeSettings());
    this.save(join(this.home, ".claude.json"), JSON.stringify({ hasCompletedOnboarding: true }));
    const { CLAUDE_ENV_FILE: _set_by_claude, ...env } = this.env;
    this.env = {
      ...env,
      PATH: `${this.bin}:/usr/bin:/bin`,
      ANTHROPIC_BASE_URL: apiUrl,
      ANTHROPIC_API_KEY: "sk-ant-fake",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    };
  }

  save(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  settingsText(): string {
    return readFileSync(this.settings, "utf8");
  }

  /**
   * One session, `claude -p`.
   * @param options.profile a file that the shell sources first, as a profile line does
   * @param options.etc a folder that stands as /etc for this session (root only)
   */
  async session(
    prompt: string,
    options: { args?: string[]; profile?: string; etc?: string; env?: Record<string, string> } = {},
  ): Promise<Ran> {
    const { args = ["--allowedTools", "Bash"], profile, etc, env } = options;
    const sourced = profile ? ["sh", "-c", '. "$0"; exec "$@"', profile] : [];
    return this.program([...sourced, await claude(), "-p", prompt, ...args], etc, env);
  }

  /** Runs the hook with a folder standing as /etc (root only). */
  inEtc(etc: string, args: string[]): Promise<Ran> {
    return this.program(["sh", this.hook, ...args], etc);
  }

  private program(command: string[], etc?: string, env: Record<string, string> = {}): Promise<Ran> {
    const mount = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc && exec "$@"'];
    const [program = "", ...args] = etc ? [...mount, etc, ...command] : command;
    return finished(spawn(program, args, { cwd: this.project, env: { ...this.env, ...env } }));
  }
}
