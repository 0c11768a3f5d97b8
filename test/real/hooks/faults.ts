import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, userInfo } from "node:os";
import type { Machine } from "../../hooks/engineerMachine";

/** Where the engineer's variables end up: what a fault may cost is stated, not found out. */
type Outcome = "settings" | "env file" | "nothing";

export interface Fault {
  name: string;
  outcome: Outcome;
  /** Tools this machine lacks. */
  without?: string[];
  /** settings.json before; undefined: the engineer's own settings, null: none. */
  settings?: string | null;
  prepare?: (machine: Machine) => void;
  env?: Record<string, string | undefined>;
  /** Why it cannot be shown on this computer, if so. */
  skip?: string | false;
  /** engineer and team as they must arrive. */
  attributes?: string;
  /** What each start says, because nothing can note that it was said. */
  told?: string;
}

const hang = "sleep 60 & sleep 60";
const isRoot = process.getuid?.() === 0;
const arrives = (engineer: string, team = "engineering") =>
  `engineer=${engineer},team=${team},org=palindrom`;
const otlp = (env: object) => `${JSON.stringify({ model: "opus", env })}\n`;

function git(machine: Machine, ...args: string[]): void {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"];
  execFileSync("git", ["-C", `${machine.home}/.claude`, ...identity, ...args], { stdio: "ignore" });
}

export const faults: Fault[] = [
  { name: "op is missing", outcome: "settings" },
  { name: "op hangs, with a grandchild", outcome: "nothing", prepare: (m) => m.fake("op", hang) },
  { name: "op fails", outcome: "settings", prepare: (m) => m.fake("op", "echo no >&2; exit 6") },
  {
    name: "op asks for a password on the terminal",
    outcome: "settings",
    prepare: (m) =>
      m.fake("op", "printf 'Password: ' >/dev/tty; read -r word </dev/tty || exit 1; echo $word"),
  },
  {
    name: "op asks for a password on stdin",
    outcome: "settings",
    prepare: (m) => m.fake("op", "echo 'Password: '; read -r word || exit 1; echo $word"),
  },
  {
    name: "op answers with an error page",
    outcome: "settings",
    prepare: (m) => m.fake("op", "echo '<html> </html>'"),
  },
  { name: "op answers with nothing", outcome: "settings", prepare: (m) => m.fake("op", ":") },
  {
    name: "op answers with 2 MB",
    outcome: "settings",
    prepare: (m) => m.fake("op", "head -c 2000000 /dev/zero | tr '\\0' x"),
  },
  {
    name: "op's key is refused by the gate",
    outcome: "settings",
    prepare: (m) => m.fake("op", "echo old-key"),
  },
  { name: "gcloud is missing", outcome: "nothing", prepare: (m) => rmSync(`${m.bin}/gcloud`) },
  {
    name: "gcloud hangs, with a grandchild",
    outcome: "nothing",
    prepare: (m) => m.fake("gcloud", hang),
  },
  {
    name: "gcloud fails",
    outcome: "nothing",
    prepare: (m) => m.fake("gcloud", "echo login >&2; exit 1"),
  },
  {
    name: "gcloud asks for a password on the terminal",
    outcome: "nothing",
    prepare: (m) => m.fake("gcloud", "read -r word </dev/tty || exit 1; echo $word"),
  },
  {
    name: "op and gcloud both hang",
    outcome: "nothing",
    prepare: (m) => ["op", "gcloud"].map((tool) => m.fake(tool, hang)),
  },
  { name: "SIGNOZ_KEY holds something else", outcome: "settings", env: { SIGNOZ_KEY: "a b\n'c" } },
  { name: "jq is missing", outcome: "env file", without: ["jq"] },
  { name: "jq is broken", outcome: "env file", prepare: (m) => m.fake("jq", "exit 5") },
  {
    name: "jq loses half of what it reads",
    outcome: "env file",
    prepare: (m) => m.fake("jq", `exec ${realTool("jq")} "$@" | head -c 40`),
  },
  { name: "curl is missing", outcome: "settings", without: ["curl"] },
  {
    name: "setsid is missing",
    outcome: "settings",
    without: ["setsid"],
    prepare: (m) => m.fake("op", "exit 1"),
  },
  {
    name: "git is missing, settings.json in a work tree",
    outcome: "env file",
    without: ["git"],
    prepare: (m) => git(m, "init"),
  },
  { name: "HOME is missing", outcome: "nothing", env: { HOME: undefined } },
  { name: "HOME is empty", outcome: "nothing", env: { HOME: "" } },
  { name: "HOME does not exist", outcome: "nothing", env: { HOME: "/nonexistent/home" } },
  {
    name: "HOME is read-only",
    outcome: "nothing",
    prepare: (m) => {
      chmodSync(`${m.home}/.claude`, 0o555);
      chmodSync(m.home, 0o555);
    },
  },
  {
    name: "HOME has blanks, quotes and a dollar",
    outcome: "settings",
    prepare: (m) => m.moveHome('it\'s "$a" home'),
  },
  {
    name: "the state folder is a file",
    outcome: "nothing",
    told: "/telemetry-hook cannot be written. To mend it: rm '",
    prepare: (m) => writeFileSync(m.state, ""),
  },
  {
    name: "the state folder is read-only",
    outcome: "nothing",
    told: "/telemetry-hook cannot be written. To mend it: chmod u+rwx '",
    prepare: (m) => mkdirSync(m.state, { mode: 0o555 }),
  },
  {
    name: "the state folder belongs to another user",
    outcome: "nothing",
    told: "/telemetry-hook cannot be written. To mend it: sudo chown -R ",
    skip: !isRoot && "needs root",
    prepare: (m) => {
      mkdirSync(m.state, { mode: 0o700 });
      chownSync(m.state, 12345, 12345);
    },
  },
  { name: "settings.json is absent", outcome: "settings", settings: null },
  { name: "settings.json is empty", outcome: "settings", settings: "" },
  { name: "settings.json is invalid", outcome: "env file", settings: '{"model": "opus",' },
  {
    name: "settings.json has comments",
    outcome: "env file",
    settings: '// mine\n{"model": "opus"}\n',
  },
  { name: "settings.json is two documents", outcome: "env file", settings: "{}\n{}\n" },
  { name: "settings.json is a list", outcome: "env file", settings: "[1]\n" },
  {
    name: "settings.json has an env that is no object",
    outcome: "env file",
    settings: '{"env": "OTEL"}\n',
  },
  {
    name: "settings.json has a number that jq would round",
    outcome: "settings",
    settings: '{"id": 12345678901234567890}\n',
  },
  {
    name: "settings.json has a byte order mark",
    outcome: "settings",
    settings: '\uFEFF{"model": "opus"}\n',
  },
  {
    name: "settings.json is huge",
    outcome: "env file",
    settings: `{"a": "${"x".repeat(3_000_000)}"}\n`,
  },
  {
    name: "settings.json is large but fair",
    outcome: "settings",
    settings: `{"a": "${"x".repeat(500_000)}"}\n`,
  },
  {
    name: "settings.json is read-only",
    outcome: "env file",
    prepare: (m) => chmodSync(m.settings, 0o444),
  },
  {
    name: "settings.json is a folder",
    outcome: "env file",
    settings: null,
    prepare: (m) => mkdirSync(m.settings),
  },
  {
    name: "settings.json is a symlink into a dotfiles folder",
    outcome: "env file",
    prepare: (m) => {
      renameSync(m.settings, `${m.home}/dotfiles.json`);
      symlinkSync(`${m.home}/dotfiles.json`, m.settings);
    },
  },
  {
    name: "settings.json is a dangling symlink",
    outcome: "env file",
    settings: null,
    prepare: (m) => symlinkSync("nowhere", m.settings),
  },
  {
    name: "settings.json has a hard link",
    outcome: "env file",
    prepare: (m) => execFileSync("ln", [m.settings, `${m.home}/other`]),
  },
  {
    name: "settings.json belongs to another user",
    outcome: "env file",
    skip: !isRoot && "needs root",
    prepare: (m) => {
      chownSync(m.settings, 12345, 12345);
      chmodSync(m.settings, 0o666);
    },
  },
  {
    name: "settings.json is tracked by git",
    outcome: "env file",
    prepare: (m) => {
      git(m, "init");
      git(m, "add", "settings.json");
      git(m, "commit", "-m", "mine");
    },
  },
  {
    name: "settings.json lies untracked in a git work tree",
    outcome: "env file",
    prepare: (m) => git(m, "init"),
  },
  {
    name: "settings.json is ignored by the git work tree around it",
    outcome: "settings",
    prepare: (m) => {
      git(m, "init");
      writeFileSync(`${m.home}/.claude/.gitignore`, "settings.json\n");
    },
  },
  {
    // A hung sshfs holds a shell's own look at HOME/*/index just so.
    name: "a network mount in HOME does not answer",
    outcome: "env file",
    prepare: (m) =>
      m.fake("grep", `case "$*" in *dotfiles*) sleep 40 ;; esac; exec ${realTool("grep")} "$@"`),
  },
  {
    name: "another OTLP endpoint is configured",
    outcome: "nothing",
    settings: otlp({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318" }),
  },
  {
    name: "another endpoint for one signal is configured",
    outcome: "nothing",
    settings: otlp({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://localhost:4318" }),
  },
  {
    name: "other OTLP headers are configured",
    outcome: "nothing",
    settings: otlp({ OTEL_EXPORTER_OTLP_HEADERS: "a=b" }),
  },
  {
    name: "own resource attributes are configured",
    outcome: "settings",
    settings: otlp({ OTEL_RESOURCE_ATTRIBUTES: "project=x,engineer=bob" }),
    attributes: `project=x,${arrives("alice")}`,
  },
  {
    name: "killed and left its lock",
    outcome: "settings",
    prepare: (m) => {
      mkdirSync(m.state);
      for (const lock of ["key", "settings"])
        writeFileSync(`${m.state}/${lock}.lock`, `4194305 ${hostname()}\n`);
    },
  },
  {
    name: "left half-written files",
    outcome: "settings",
    prepare: (m) => {
      mkdirSync(m.state);
      for (const file of ["env", "key", "attempt", "ca.pem", "owned", "seen", "after", "before"])
        writeFileSync(`${m.state}/${file}`, "\0{half");
    },
  },
  { name: "CLAUDE_ENV_FILE is absent", outcome: "settings", env: { CLAUDE_ENV_FILE: undefined } },
  {
    name: "CLAUDE_ENV_FILE cannot be written",
    outcome: "settings",
    env: { CLAUDE_ENV_FILE: "/proc/nowhere/file" },
  },
  { name: "CLAUDE_ENV_FILE is a folder", outcome: "settings", env: { CLAUDE_ENV_FILE: "/" } },
  {
    name: "PATH has only the hook's tools and a strange locale",
    outcome: "settings",
    env: { LC_ALL: "xx_YY.UTF-8", LANG: "de_DE@euro" },
  },
  {
    name: "GIT_DIR points to some repository",
    outcome: "settings",
    env: { GIT_DIR: "/tmp/some.git" },
  },
  { name: "IFS is odd", outcome: "settings", env: { IFS: "e" } },
  ...(
    [
      ["is unset", undefined, undefined],
      ["is empty", "", undefined],
      ["has blanks", " Chris Little ", "%20Chris%20Little%20"],
      ["has quotes", `O'Brien "x"`, "O%27Brien%20%22x%22"],
      ["has commas and equals signs", "a,team=b", "a%2Cteam%3Db"],
      ["has a percent sign", "100%41", "100%2541"],
      ["is not ASCII", "Zoë 名前 😀", "Zo%C3%AB%20%E5%90%8D%E5%89%8D%20%F0%9F%98%80"],
      ["is code", "$(id >&2)`id`\\", "%24%28id%20%3E%262%29%60id%60%5C"],
      ["has a newline", "a\nb", "a%0Ab"],
      ["has 300 characters", "é".repeat(300), "%C3%A9".repeat(255)],
      ["has 300 plain characters", "a".repeat(300), "a".repeat(255)],
      ["has 128 characters of two units each", "😀".repeat(128), "%F0%9F%98%80".repeat(127)],
    ] as const
  ).flatMap(([what, value, encoded]): Fault[] => [
    {
      name: `USER and the team: ${what}`,
      outcome: "settings",
      env: { USER: value, PALINDROM_TEAM: value },
      attributes: arrives(
        encoded ?? (isRoot ? "nobody" : userInfo().username),
        encoded ?? "engineering",
      ),
    },
  ]),
  {
    name: "PALINDROM_ENGINEER is set",
    outcome: "settings",
    env: { PALINDROM_ENGINEER: "dana" },
    attributes: arrives("dana"),
  },
];

function realTool(tool: string): string {
  return execFileSync("sh", ["-c", `command -v ${tool}`], { encoding: "utf8" }).trim();
}

/** The bytes of settings.json through every link, or null. */
export function bytes(machine: Machine): string | null {
  try {
    return existsSync(machine.settings) ? readFileSync(machine.settings, "utf8") : null;
  } catch {
    return null;
  }
}
