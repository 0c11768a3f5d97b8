import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import * as automation from "@pulumi/pulumi/automation/index.js";
import { parse, stringify } from "yaml";
import { Cloud, type CloudOptions } from "../../../simulator/cloud/cloud.js";
import { pulumiCli } from "../parts/pulumi.js";
import { serveLanguage } from "./language.js";
import { copyProgram } from "./nodeHost.js";
import { serveProviders } from "./providers.js";

/** One step of a deployment: what the engine did to a resource. */
export interface Step {
  op: string;
  /** Last part of the type token and name, as `Instance monitoring-dev-vm`. */
  resource: string;
  /** Paths of the inputs that differ. */
  changed: string[];
}

export interface Operation {
  /** Steps that change something, in the engine's order. */
  steps: Step[];
  /** Resources left as they are. */
  same: number;
  /** Everything the command printed. */
  output: string;
  error?: string;
}

/**
 * Stack `dev` of the real engine over the in-memory cloud: a copy of the program in a scratch folder,
 * run by Pulumi's own Node.js runner; file backend, secrets encrypted by passphrase.
 */
export class EngineStack {
  readonly cloud: Cloud;
  /** The copy of the repository that the engine runs; edit files here. */
  readonly dir: string;
  private readonly stack: automation.Stack;
  private readonly closers: (() => void)[];

  /** The environment in which a command meets this engine, its state and its cloud. */
  get env(): NodeJS.ProcessEnv {
    const { envVars, pulumiHome, pulumiCommand } = this.stack
      .workspace as automation.LocalWorkspace;
    const bin = dirname(pulumiCommand.command);
    return {
      ...process.env,
      ...envVars,
      PULUMI_HOME: pulumiHome,
      PATH: `${bin}:${process.env.PATH}`,
    };
  }

  private constructor(cloud: Cloud, dir: string, stack: automation.Stack, closers: (() => void)[]) {
    this.cloud = cloud;
    this.dir = dir;
    this.stack = stack;
    this.closers = closers;
  }

  static async start(
    options: CloudOptions & {
      env?: Record<string, string>;
      /** Real providers by name and version (`kubernetes-v4.34.2`): paths of their programs. */
      plugins?: Record<string, string>;
    } = {},
  ): Promise<EngineStack> {
    const { env, plugins = {}, ...cloudOptions } = options;
    const cloud = new Cloud(cloudOptions);
    const real = Object.keys(plugins).map((plugin) => plugin.replace(/-v.*/, ""));
    const providers = await serveProviders(cloud, real);
    const language = await serveLanguage();
    const dir = mkdtempSync(join(tmpdir(), "monitoring-engine-"));
    copyProgram(dir);
    mkdirSync(join(dir, "state"));
    for (const [plugin, program] of Object.entries(plugins)) {
      const folder = join(dir, "home/plugins", `resource-${plugin}`);
      mkdirSync(folder, { recursive: true });
      symlinkSync(program, join(folder, basename(program)));
    }
    const attached = Object.entries(providers).map(([name, { port }]) => `${name}:${port}`);
    const stack = await automation.LocalWorkspace.createOrSelectStack(
      { stackName: "dev", workDir: dir },
      {
        pulumiHome: join(dir, "home"),
        pulumiCommand: await automation.PulumiCommand.get({ root: await pulumiCli() }),
        envVars: {
          PULUMI_BACKEND_URL: `file://${join(dir, "state")}?metadata=skip`,
          PULUMI_CONFIG_PASSPHRASE: "test",
          PULUMI_DEBUG_PROVIDERS: attached.join(","),
          PULUMI_DEBUG_LANGUAGES: `nodejs:${language.port}`,
          PULUMI_SKIP_UPDATE_CHECK: "true",
          ...env,
        },
      },
    );
    const closers = [...Object.values(providers), language].map(({ close }) => close);
    return new EngineStack(cloud, dir, stack, closers);
  }

  preview(options: automation.PreviewOptions = {}): Promise<Operation> {
    return operation((to) => this.stack.preview({ ...to, ...options }));
  }

  up(options: automation.UpOptions = {}): Promise<Operation> {
    return operation((to) => this.stack.up({ ...to, suppressOutputs: true, ...options }));
  }

  destroy(options: automation.DestroyOptions = {}): Promise<Operation> {
    return operation((to) => this.stack.destroy({ ...to, ...options }));
  }

  /** Takes the program's protection from every resource, as the runbook does before a destroy. */
  async unprotect(): Promise<void> {
    await promisify(execFile)("pulumi", ["state", "unprotect", "--all", "--yes", "--stack=dev"], {
      cwd: this.dir,
      env: this.env,
    });
  }

  outputs(): Promise<automation.OutputMap> {
    return this.stack.outputs();
  }

  /**
   * Sets keys of the stack's config file; undefined takes one away.
   * @returns puts the file back
   */
  config(values: Record<string, unknown>): () => void {
    return this.edit("Pulumi.dev.yaml", (text) => {
      const content = parse(text);
      for (const [key, value] of Object.entries(values)) {
        const name = key.includes(":") ? key : `monitoring:${key}`;
        if (value === undefined) delete content.config[name];
        else content.config[name] = value;
      }
      return stringify(content);
    });
  }

  /** Sets a key of the stack's config file, encrypted. */
  async secret(key: string, value: string): Promise<void> {
    await this.stack.setConfig(`monitoring:${key}`, { value, secret: true });
  }

  /**
   * Rewrites a file of the program.
   * @returns puts the file back
   */
  edit(path: string, change: (text: string) => string): () => void {
    const file = join(this.dir, path);
    const before = readFileSync(file, "utf8");
    const after = change(before);
    if (after === before) throw new Error(`${path}: the edit changes nothing`);
    writeFileSync(file, after);
    return () => writeFileSync(file, before);
  }

  /** The state file as it lies on disk. */
  stateText(): string {
    return readFileSync(join(this.dir, "state/.pulumi/stacks/monitoring/dev.json"), "utf8");
  }

  close(): void {
    for (const close of this.closers) close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function operation(
  run: (to: {
    onOutput: (text: string) => void;
    onEvent: (event: automation.EngineEvent) => void;
  }) => Promise<unknown>,
): Promise<Operation> {
  const found: Operation = { steps: [], same: 0, output: "" };
  const onOutput = (text: string) => {
    found.output += text;
  };
  const onEvent = ({ resourcePreEvent }: automation.EngineEvent) => {
    const metadata = resourcePreEvent?.metadata;
    if (!metadata) return;
    if (metadata.op === "same") {
      found.same++;
      return;
    }
    const name = metadata.urn.split("::").slice(3).join("::");
    const changed = Object.keys(metadata.detailedDiff ?? {});
    found.steps.push({
      op: metadata.op,
      resource: `${metadata.type.split(":").pop()} ${name}`,
      changed: changed.length ? changed : (metadata.diffs ?? []),
    });
  };
  try {
    await run({ onOutput, onEvent });
  } catch (error) {
    found.error = String((error as Error).message);
  }
  return found;
}
