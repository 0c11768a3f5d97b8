import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HookValues, renderHook } from "../../hooks/render";

export const values: HookValues = {
  endpointUrl: "https://gate.example.test:4317",
  caCertificate: "-----BEGIN CERTIFICATE-----\nTm90IGEgcmVhbCBvbmU=\n-----END CERTIFICATE-----\n",
  ingestionKeySecret: "monitoring-signoz-ingestion-key-secret-dev",
  project: "example-dev",
  org: "palindrom",
  defaultTeam: "engineering",
  teamVariable: "PALINDROM_TEAM",
  engineerVariable: "PALINDROM_ENGINEER",
  onePasswordReference: "op://Engineering/SigNoz/ingestion-key",
  keyGeneration: "2026-11",
  instrumentPrograms: true,
};

export const ownSettings = `{
    "model": "opus",
    "permissions": { "allow": ["Bash(ls:*)"], "deny": [] },
    "env": { "MY_VARIABLE": "1" },
    "große Datei": [1, 2.5, null, "é", "\\u00e9"]
}
`;

/** Where a tool of this computer is, or undefined. */
export function which(tool: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(":")
    .map((dir) => join(dir, tool))
    .find((path) => existsSync(path));
}

/** The shells the hook must run under. BASH32 may name a bash 3.2, the sh of macOS. */
export const shells = [
  { name: "sh", argv: ["sh"] },
  { name: "dash", argv: ["dash"] },
  { name: "bash", argv: ["bash", "--posix"] },
  { name: "busybox sh", argv: ["busybox", "sh"] },
  { name: "zsh's sh emulation", argv: ["zsh", "--emulate", "sh"] },
  { name: "bash 3.2", argv: [process.env.BASH32 ?? "bash-3.2"] },
].map(({ name, argv }) => {
  const path = argv[0]?.startsWith("/") ? argv[0] : which(argv[0] as string);
  return { name, argv: path ? [path, ...argv.slice(1)] : undefined };
});

// What the hook may call: everything here is on macOS, in Debian and in busybox.
const tools =
  "sh awk cat chmod chown cmp cp curl cut date env find git grep head id jq ln ls mkdir mv od readlink rm sed setsid sleep tail touch tr wc";

const engineerId = 65534;

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** Makes what root made in a folder the engineer's. */
function giveAway(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return; // the hook's background is at work here too
  if (found.uid === 0) lchownSync(path, engineerId, engineerId);
  if (found.isDirectory()) for (const name of readdirSync(path)) giveAway(join(path, name));
}

/** Waits until every pipe of a command is closed, as Claude Code does for its hooks. */
export function finished(child: ChildProcess): Promise<Ran> {
  const began = performance.now();
  const ran: Ran = { code: null, stdout: "", stderr: "", seconds: 0 };
  child.stdout?.on("data", (chunk) => {
    ran.stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    ran.stderr += chunk;
  });
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(JSON.stringify({ hook_event_name: "SessionStart", source: "startup" }));
  return new Promise((resolve) => {
    child.on("close", (code) => {
      resolve({ ...ran, code, seconds: (performance.now() - began) / 1000 });
    });
  });
}

/** A scratch computer: a home, a PATH with nothing but chosen tools, and the rendered hook. */
export class Machine {
  readonly root = mkdtempSync(join(tmpdir(), "hook-"));
  readonly bin = join(this.root, "bin");
  home = join(this.root, "home");
  /** Root may write anywhere, so a test that root runs plays an ordinary user. */
  protected ordinary = process.getuid?.() === 0;
  readonly envFile = join(this.root, "sessionstart-hook-0.sh");
  env: Record<string, string | undefined> = {};

  constructor(options: { without?: string[]; hook?: Partial<HookValues> } = {}) {
    mkdirSync(this.bin);
    for (const tool of tools.split(" ")) {
      const path = which(tool);
      if (path && !options.without?.includes(tool)) symlinkSync(path, join(this.bin, tool));
    }
    this.install(options.hook);
    this.env = { HOME: this.home, USER: "alice", PATH: this.bin, CLAUDE_ENV_FILE: this.envFile };
  }

  get hook(): string {
    return join(this.home, ".claude/hooks/telemetry-hook.sh");
  }
  get settings(): string {
    return join(this.home, ".claude/settings.json");
  }
  get state(): string {
    return join(this.home, ".claude/telemetry-hook");
  }

  install(changes: Partial<HookValues> = {}): void {
    mkdirSync(dirname(this.hook), { recursive: true });
    writeFileSync(this.hook, renderHook({ ...values, ...changes }), { mode: 0o755 });
  }

  /** Puts a program on PATH; `script` is the body of a sh script. */
  fake(name: string, script: string): void {
    rmSync(join(this.bin, name), { force: true });
    writeFileSync(join(this.bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Puts a curl on PATH that finds a gate which accepts this key alone. */
  fakeGate(accepted: string): void {
    this.fake(
      "curl",
      `case $(cat) in *" ${accepted}"*) echo grpc-status: 0 ;; *) echo grpc-status: 16 ;; esac`,
    );
  }

  start(
    args: string[] = [],
    options: { shell?: string[]; env?: Record<string, string | undefined>; cwd?: string } = {},
  ): ChildProcess {
    const [command, ...rest] = options.shell ?? [join(this.bin, "sh")];
    const env = { ...this.env, ...options.env };
    const user = this.ordinary ? { uid: engineerId, gid: engineerId } : {};
    if (this.ordinary) giveAway(this.root);
    // biome-ignore lint/style/noNonNullAssertion: a shell has a first word
    return spawn(command!, [...rest, this.hook, ...args], {
      env,
      cwd: options.cwd ?? this.root,
      detached: true,
      ...user,
    });
  }

  /** Runs the hook to its end. */
  run(...[args, options]: Parameters<Machine["start"]>): Promise<Ran> {
    return finished(this.start(args, options));
  }

  async until(condition: () => boolean): Promise<void> {
    for (let waited = 0; !condition(); waited += 50) {
      if (waited > 30_000) throw new Error(`still not so after 30 s: ${condition}`);
      await sleep(50);
    }
  }

  read(path: string): string {
    return readFileSync(join(this.state, path), "utf8");
  }

  /** `env` of settings.json. */
  written(): Record<string, string> {
    if (!existsSync(this.settings)) return {};
    return JSON.parse(readFileSync(this.settings, "utf8").replace(/^\uFEFF/, "")).env ?? {};
  }

  /** The OTEL_* and CLAUDE_CODE_* variables that a shell has after sourcing `file`. */
  sourced(file: string): Record<string, string> {
    const env = execFileSync("sh", ["-c", '. "$1"; env', "sh", file], {
      env: { PATH: process.env.PATH },
      encoding: "utf8",
    });
    return Object.fromEntries(
      env
        .split("\n")
        .filter((line) => /^(OTEL|CLAUDE_CODE)_/.test(line))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
  }

  /** Moves the home folder; the next run finds it there. */
  moveHome(name: string): void {
    const moved = join(this.root, name);
    renameSync(this.home, moved);
    this.home = moved;
    this.env.HOME = moved;
  }

  /** Waits until nothing of the hook runs in the background any more. */
  settled(): Promise<void> {
    return this.until(() => this.groups().length === 0);
  }

  /** The process groups that the hook left in the background. */
  private groups(): number[] {
    const processes = execFileSync("ps", ["-A", "-o", "pgid=,args="], { encoding: "utf8" });
    return processes
      .split("\n")
      .filter((line) => line.includes(this.root))
      .map((line) => Number.parseInt(line, 10));
  }

  /** Ends what the hook left in the background and deletes the machine. */
  remove(): void {
    for (const group of this.groups()) {
      try {
        process.kill(-group, "SIGKILL");
      } catch {} // it ended meanwhile
    }
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}
