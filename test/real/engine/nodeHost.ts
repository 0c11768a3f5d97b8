import { spawn } from "node:child_process";
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fixtureStack } from "../../../simulator/program.js";

const root = join(__dirname, "../../..");

/** What `pulumi up` needs of the repository. */
const programFiles = [
  "Pulumi.yaml",
  "package.json",
  "tsconfig.json",
  "tsconfig.pulumi.json",
  "index.ts",
  "infra",
  "hooks",
  "policy",
  "scripts",
];

/** Copies the program into a folder, where files may be edited; the packages are those of the repository. */
export function copyProgram(dir: string): void {
  for (const file of programFiles) cpSync(join(root, file), join(dir, file), { recursive: true });
  cpSync(fixtureStack, join(dir, "Pulumi.dev.yaml"));
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
}

export interface NodeRun {
  /** Folder of the project. */
  dir: string;
  /** Addresses of the engine's two services. */
  monitor: string;
  engine: string;
  organization: string;
  project: string;
  stack: string;
  parallel: number;
  dryRun: boolean;
  config: Record<string, string>;
  secretKeys: string[];
  nodeArgs?: string[];
  typescript?: boolean;
  tsconfig?: string;
  entryPoint?: string;
}

/**
 * Runs a program as the Node.js language host does: `@pulumi/pulumi/cmd/run` of the project in a
 * process of its own, with Pulumi's own TypeScript loader, which checks types unless the tsconfig says `noCheck`.
 */
export async function runNode(run: NodeRun): Promise<{ code: number | null; output: string }> {
  const { monitor, engine, organization, project, stack, dir } = run;
  const flags = { monitor, engine, organization, project, stack, pwd: dir, "root-directory": dir };
  const child = spawn(
    process.execPath,
    [
      ...(run.nodeArgs ?? []),
      join(dir, "node_modules/@pulumi/pulumi/cmd/run"),
      ...Object.entries({ ...flags, parallel: run.parallel }).map(
        ([key, value]) => `--${key}=${value}`,
      ),
      ...(run.dryRun ? ["--dry-run"] : []),
      run.entryPoint ?? ".",
    ],
    {
      cwd: dir,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PULUMI_CONFIG: JSON.stringify(run.config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(run.secretKeys),
        PULUMI_NODEJS_TYPESCRIPT: String(run.typescript ?? true),
        ...(run.tsconfig && { PULUMI_NODEJS_TSCONFIG_PATH: run.tsconfig }),
      },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, output };
}
