import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Act, Kind } from "./kind.js";
import type { Values } from "./values.js";

type Env = Record<string, string>;

type CommandInputs = {
  create?: string;
  update?: string;
  delete?: string;
  dir?: string;
  environment?: Record<string, string>;
  interpreter?: string[];
  stdin?: string;
};

const text = { type: "string", optional: true } as const;
const texts = { type: "list", elem: "string", optional: true } as const;

/**
 * `command:local:Command` of @pulumi/command 1.2: without `update` a change runs `create` again;
 * a change of `triggers` replaces (the SDK asks for that with replaceOnChanges).
 * @param env added to the environment of every command
 * @param run whether commands really run; otherwise they succeed with empty output
 */
export function commandKinds(run: boolean, env: Env = {}): Record<string, Kind> {
  const execute = (script: string | undefined, act: Act<CommandInputs>) =>
    run && script !== undefined
      ? runShell(script, act, env)
      : Promise.resolve<Values>({ stdout: "", stderr: "" });
  const command: Kind<CommandInputs> = {
    schema: {
      create: text,
      update: text,
      delete: text,
      dir: text,
      stdin: text,
      logging: text,
      interpreter: texts,
      archivePaths: texts,
      assetPaths: texts,
      addPreviousOutputInEnv: { type: "bool", optional: true },
      environment: { type: "map", elem: "string", optional: true },
      triggers: { type: "list", elem: "string", optional: true },
      stdout: { type: "string", computed: true },
      stderr: { type: "string", computed: true },
    },
    rerun: true,
    async create(act) {
      return { id: act.name + randomUUID(), outputs: await execute(act.inputs.create, act) };
    },
    update: (act) => execute(act.inputs.update ?? act.inputs.create, act),
    async remove(act) {
      await execute(act.inputs.delete, act);
    },
  };
  return { "command:local:Command": command as Kind };
}

function runShell(script: string, act: Act<CommandInputs>, env: Env): Promise<Values> {
  const { dir, stdin, environment, interpreter = ["/bin/sh", "-c"] } = act.inputs;
  const [shell = "/bin/sh", ...flags] = interpreter;
  return new Promise<Values>((resolve, reject) => {
    const previous = {
      PULUMI_COMMAND_STDOUT: String(act.olds.stdout ?? ""),
      PULUMI_COMMAND_STDERR: String(act.olds.stderr ?? ""),
    };
    const child = spawn(shell, [...flags, script], {
      cwd: dir,
      env: { ...process.env, ...env, ...previous, ...environment },
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => {
      output.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output.stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      const trimmed = { stdout: output.stdout.trimEnd(), stderr: output.stderr.trimEnd() };
      if (code === 0) resolve(trimmed);
      else reject(new Error(`exit status ${code}: ${trimmed.stderr || trimmed.stdout}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(stdin ?? "");
  });
}
