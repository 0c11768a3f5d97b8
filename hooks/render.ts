import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What one company's hook knows. None of it is secret: an engineer's key is fetched on their machine. */
export interface HookValues {
  /** `https://<name>:4317`: a name, because Claude Code's gRPC client cannot do TLS to an IP address. */
  endpointUrl: string;
  /** PEM, one or more certificates; "" for a gate with a public certificate. */
  caCertificate: string;
  /** Secret Manager id whose latest version is the bare key. */
  ingestionKeySecret: string;
  /** The same for an engineer's own key: its id with `{engineer}` in it; absent where nobody has one. */
  personalKeySecret?: string;
  /** GCP project of those secrets. */
  project: string;
  org: string;
  defaultTeam: string;
  /** Names of the environment variables that say who reports. */
  teamVariable: string;
  engineerVariable: string;
  /** `op://vault/item/field`, or "" where 1Password is not used. */
  onePasswordReference: string;
  /** Name of the newest key generation: a hook with a new one fetches the key at once. */
  keyGeneration: string;
  /** Whether programs that Claude Code starts get OTEL_* too. */
  instrumentPrograms: boolean;
}

const hooksDir = __dirname;
const part = '"\\$\\{self%/\\*\\}/((?:parts|clients)/[a-z/-]+\\.[a-z]+)"';
const include = new RegExp(`^\\. ${part}\\n`, "gm");
const program = new RegExp(`(?<==)\\$\\(cat ${part}\\)`, "g");
const placeholder = /^([a-z_]+)=@([A-Z_]+)@$/gm;
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The SessionStart hook as one POSIX shell file: hooks/telemetry-hook.sh with its parts and its client put in place
 * and its placeholders filled.
 * @throws when a value is missing or a placeholder is left over (its name is in the message), or when a
 *   value cannot be what it is used as
 */
export function renderHook(values: HookValues): string {
  for (const key of ["teamVariable", "engineerVariable"] as const) {
    if (!variableName.test(values[key])) {
      throw new Error(
        `${key} must be the name of an environment variable (letters, digits, _): got "${values[key]}"`,
      );
    }
  }
  return fillPlaceholders(inOneFile("telemetry-hook.sh"), { personalKeySecret: "", ...values });
}

/** A file of the hook with the parts that it reads put in place, and its jq and awk programs as shell words. */
function inOneFile(file: string): string {
  return readFileSync(join(hooksDir, file), "utf8")
    .replace(/^# shellcheck .*\n/, "")
    .replace(include, (_line, part: string) => inOneFile(part))
    .replace(program, (_cat, part: string) =>
      shellQuote(`\n${readFileSync(join(hooksDir, part), "utf8").trimEnd()}`),
    );
}

/**
 * Fills every line `name=@NAME@` with the shell-quoted value of camelCase `name`.
 * @throws when a value is missing, unused or not printable as shell text, or an @NAME@ is left over
 */
export function fillPlaceholders(template: string, values: object): string {
  const unused = new Map<string, unknown>(Object.entries(values));
  const filled = template.replace(placeholder, (_line, variable: string, name: string) => {
    const key = variable.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    const value = unused.get(key);
    if (value === undefined)
      throw new Error(`the hook's @${name}@ has no value: ${key} is missing`);
    unused.delete(key);
    return `${variable}=${shellQuote(String(value).trimEnd())}`;
  });
  const [left] = filled.match(/@[A-Z]+(_[A-Z]+)*@/) ?? [];
  if (left) throw new Error(`the hook's ${left} is not filled: write it as name=${left}`);
  const [extra] = unused.keys();
  if (extra) throw new Error(`the hook has no placeholder for the value ${extra}`);
  return filled;
}

/** One word of POSIX shell that stands for exactly `value`. */
export function shellQuote(value: string): string {
  if (value.includes("\0")) throw new Error("a shell word cannot hold a NUL byte");
  return `'${value.replaceAll("'", () => "'\\''")}'`;
}

/**
 * The part of settings.json that claude-config ships to everybody, as JSON text: the hook's registration.
 * No `env`: the variables hold a key and an absolute path of the engineer's own machine, so the hook
 * writes them, all or none.
 */
export function renderClaudeSettings(): string {
  const hook = {
    type: "command",
    // By sh, so that a checkout or archive that lost the executable bit still reports; by its path, which neither a
    // repository's PATH nor a function in its environment can stand for.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: shell, not JavaScript
    command: '/bin/sh "${CLAUDE_CONFIG_DIR:-$HOME/.claude}/hooks/telemetry-hook.sh"',
    // Seconds. The hook gives itself 3 for its outside calls; Claude Code's default is 600.
    timeout: 10,
  };
  const settings = {
    hooks: { SessionStart: [{ matcher: "startup|resume|clear|fork", hooks: [hook] }] },
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}
