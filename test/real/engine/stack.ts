import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as automation from "@pulumi/pulumi/automation/index.js";
import { Cloud } from "../../cloud.js";
import { pulumiCli } from "../parts/pulumi.js";
import { serveProviders } from "./providers.js";

export type Program = () => Promise<Record<string, unknown>>;

export interface EngineStack {
  stack: automation.Stack;
  cloud: Cloud;
  /** The stack's state file as it lies on disk. */
  stateText(): string;
  close(): void;
}

const root = join(__dirname, "../../..");

/**
 * A stack `dev` of the real engine over the in-memory cloud, in a scratch folder: file backend,
 * secrets encrypted by passphrase, config from Pulumi.yaml and Pulumi.dev.yaml.
 */
export async function engineStack(
  program: Program,
  options: { cloud?: Cloud; env?: Record<string, string> } = {},
): Promise<EngineStack> {
  const cloud = options.cloud ?? new Cloud({ runCommands: true });
  const providers = await serveProviders(cloud);
  const dir = mkdtempSync(join(tmpdir(), "monitoring-engine-"));
  mkdirSync(join(dir, "state"));
  for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml"])
    copyFileSync(join(root, file), join(dir, file));
  const stack = await automation.LocalWorkspace.createOrSelectStack(
    { stackName: "dev", projectName: "monitoring", program },
    {
      workDir: dir,
      pulumiHome: join(dir, "home"),
      pulumiCommand: await automation.PulumiCommand.get({ root: await pulumiCli() }),
      envVars: {
        PULUMI_BACKEND_URL: `file://${join(dir, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_DEBUG_PROVIDERS: providers.debugProviders,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...options.env,
      },
    },
  );
  return {
    stack,
    cloud,
    stateText: () => readFileSync(join(dir, "state/.pulumi/stacks/monitoring/dev.json"), "utf8"),
    close: () => {
      providers.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
