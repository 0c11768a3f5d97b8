// Writes the stack's hook and settings fragment into a checkout of claude-config, after showing the difference.
//
//   npm run export -- DIR [--stack NAME | --local] [--yes]
//     DIR       the folder that becomes ~/.claude: hooks/telemetry-hook.sh (and .gitattributes, for its line ends) and
//               settings.json are written there
//     --stack   another stack than the selected one
//     --local   what `npm start` rendered, for a look: its certificate belongs to no real gate
//     --yes     without asking (a script has nobody to ask)
// Exit: 0 written or nothing to do, 1 not written (stderr says why), 64 wrong call.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { mergeClaudeSettings } from "./claudeSettings";

const root = join(__dirname, "..");

interface Outputs {
  telemetryHook: string;
  claudeSettings: string;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      stack: { type: "string" },
      local: { type: "boolean" },
      yes: { type: "boolean" },
    },
  });
  const [dir, ...more] = positionals;
  if (!dir || more.length > 0) return usage();
  const target = resolve(process.env.INIT_CWD ?? ".", dir);
  if (!existsSync(target)) {
    throw new Error(`${target} does not exist: clone claude-config there first`);
  }
  const outputs = values.local ? localOutputs() : stackOutputs(values.stack);
  const settingsFile = join(target, "settings.json");
  const attributesFile = join(target, "hooks/.gitattributes");
  const hook = outputs.telemetryHook.replaceAll("\r\n", "\n");
  const changes: Change[] = [
    { file: join(target, "hooks/telemetry-hook.sh"), bytes: Buffer.from(hook), mode: 0o755 },
    { file: attributesFile, bytes: Buffer.from(withLineEnds(textOf(attributesFile, "utf8"))) },
    {
      file: settingsFile,
      // latin1 keeps each byte, whatever encoding the file is in; what is added is ASCII.
      bytes: Buffer.from(
        mergeClaudeSettings(textOf(settingsFile, "latin1"), outputs.claudeSettings),
        "latin1",
      ),
    },
  ].filter(({ file, bytes }) => !existsSync(file) || !readFileSync(file).equals(bytes));
  if (changes.length === 0) {
    console.log(`${target} is up to date.`);
    return 0;
  }
  for (const change of changes) showDifference(change);
  if (!values.yes && !(await confirmed(`Write ${changes.length} file(s) into ${target}?`))) {
    console.error("Nothing written; with --yes it is not asked.");
    return 1;
  }
  for (const change of changes) replaceFile(change);
  console.log(
    `Written: ${changes.map(({ file }) => file).join(", ")}. Review and commit them there.`,
  );
  return 0;
}

interface Change {
  file: string;
  bytes: Buffer;
  mode?: number;
}

const textOf = (file: string, encoding: "utf8" | "latin1"): string =>
  existsSync(file) ? readFileSync(file, encoding) : "";

/** A shell reads no CRLF: whoever clones claude-config must get the hook with the line ends that it has here. */
function withLineEnds(attributes: string): string {
  const line = "telemetry-hook.sh text eol=lf";
  if (attributes.split(/\r?\n/).includes(line)) return attributes;
  return `${attributes}${attributes === "" || attributes.endsWith("\n") ? "" : "\n"}${line}\n`;
}

function usage(): number {
  const header = readFileSync(__filename, "utf8").split("\nimport")[0] ?? "";
  console.error(header.replace(/^\/\/ ?/gm, ""));
  return 64;
}

function stackOutputs(stack: string | undefined): Outputs {
  const args = ["stack", "output", "--json", ...(stack ? ["--stack", stack] : [])];
  const pulumi = spawnSync("pulumi", args, { cwd: root, encoding: "utf8" });
  if (pulumi.error) throw new Error(`pulumi cannot be run (${pulumi.error.message}): install it`);
  if (pulumi.status !== 0) throw new Error(`pulumi ${args.join(" ")}: ${pulumi.stderr.trim()}`);
  const { telemetryHook, claudeSettings } = JSON.parse(pulumi.stdout) as Partial<Outputs>;
  if (!telemetryHook || !claudeSettings) {
    throw new Error(
      "the stack has no outputs telemetryHook and claudeSettings yet: run `pulumi up` first",
    );
  }
  return { telemetryHook, claudeSettings };
}

function localOutputs(): Outputs {
  const read = (name: string) => {
    const file = join(root, "out", name);
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm start\` first`);
    return readFileSync(file, "utf8");
  };
  return {
    telemetryHook: read("telemetry-hook.sh"),
    claudeSettings: read("claude-settings.json"),
  };
}

function showDifference({ file, bytes }: Change): void {
  const scratch = mkdtempSync(join(tmpdir(), "export-"));
  const proposed = join(scratch, basename(file));
  writeFileSync(proposed, bytes);
  const before = existsSync(file) ? file : "/dev/null";
  const colour = process.stdout.isTTY ? "always" : "never";
  // `git diff --no-index` exits 1 when there is a difference.
  const diff = spawnSync("git", ["diff", "--no-index", `--color=${colour}`, before, proposed], {
    encoding: "utf8",
  });
  rmSync(scratch, { recursive: true });
  console.log(`--- ${file}\n${diff.stdout.split("\n").slice(4).join("\n")}`);
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** In one step, through a symbolic link to the file it stands for; the mode stays unless one is given. */
function replaceFile({ file, bytes, mode }: Change): void {
  mkdirSync(dirname(file), { recursive: true });
  const real = existsSync(file) ? realpathSync(file) : file;
  const written = `${real}.${process.pid}`;
  writeFileSync(written, bytes);
  chmodSync(written, mode ?? (existsSync(real) ? statSync(real).mode & 0o777 : 0o644));
  renameSync(written, real);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    console.error(`export: ${error.message}`);
    process.exitCode = 1;
  },
);
