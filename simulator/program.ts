import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { checkedSettings, type Settings } from "../infra/config/settings.js";
import { Cloud, type CloudResource } from "./cloud/cloud.js";

export interface ProgramRun {
  /** Overlay of the stack's config: `org` means `monitoring:org`; undefined takes a key away. */
  config?: Record<string, unknown>;
  /** Like config, but marked secret, as `pulumi config set --secret` does. */
  secrets?: Record<string, unknown>;
  cloud?: Cloud;
  preview?: boolean;
  /** Name of the stack; default: dev. */
  stack?: string;
  /** What to run instead of index.ts; what it returns are the outputs. */
  program?: () => Promise<Record<string, unknown>>;
}

/** What mocks do not see of a resource, because only the engine acts on it. */
export interface CapturedOptions {
  protect: boolean;
  deleteBeforeReplace: boolean;
  retainOnDelete: boolean;
  ignoreChanges: string[];
  replaceOnChanges: string[];
  additionalSecretOutputs: string[];
  customTimeouts: pulumi.CustomTimeouts | undefined;
  /** Names of the resources it must come after. */
  dependsOn: string[];
  /** `<type>::<name>`, as a component and its only child may share a name. */
  parent: string | undefined;
}

export interface ProgramResult {
  /** Stack outputs, plain; `undefined` where a preview does not know them. */
  outputs: Record<string, unknown>;
  /** Names of the outputs that Pulumi keeps encrypted. */
  secretOutputs: string[];
  resources: (CloudResource & { options: CapturedOptions })[];
  cloud: Cloud;
}

/**
 * Runs the program once on the in-memory cloud, with the values of simulator/stack.yaml over the defaults
 * of Pulumi.yaml. Node loads a module once: call `vi.resetModules()` before another run in one file.
 * @throws what the program throws
 */
export async function runProgram(run: ProgramRun = {}): Promise<ProgramResult> {
  const { project, config, secretKeys } = stackConfig(run.config, run.secrets);
  const cloud =
    run.cloud ??
    new Cloud({
      project: config["gcp:project"],
      region: config["gcp:region"],
      zone: config["gcp:zone"],
    });
  // A stack exists, without outputs, before its first update.
  const stack = run.stack ?? "dev";
  cloud.stacks[`organization/${project}/${stack}`] ??= {};
  pulumi.runtime.setAllConfig(config, secretKeys);
  await pulumi.runtime.setMocks(cloud, project, stack, run.preview ?? false, "organization");
  const seen = new Map<string, pulumi.ResourceOptions>();
  const first = cloud.resources.length;
  let exported: [string, unknown][] = [];
  await pulumi.runtime.runInPulumiStack(async () => {
    pulumi.runtime.registerStackTransformation(({ type, name, opts }) => {
      seen.set(`${type}::${name}`, opts);
      return undefined;
    });
    const module = await (run.program ?? index)();
    exported = Object.entries(module).filter(([key]) => !/^(default|module\.exports)$/.test(key));
    return Object.fromEntries(exported);
  });
  // The stack ends when its outputs are known, not when every resource is registered.
  await pulumi.runtime.disconnect();
  const outputs: Record<string, unknown> = {};
  const secretOutputs: string[] = [];
  for (const [key, value] of exported) {
    const output = pulumi.output(value);
    outputs[key] = await promised(output);
    if (await pulumi.isSecret(output)) secretOutputs.push(key);
  }
  const resources = await Promise.all(
    cloud.resources.slice(first).map(async (resource) => ({
      ...resource,
      options: await captured(seen.get(`${resource.type}::${resource.name}`) ?? {}),
    })),
  );
  if (!resources.some(({ type }) => type !== "pulumi:pulumi:Stack"))
    throw new Error("no resource was registered: was index.ts loaded before? vi.resetModules()");
  return { outputs, secretOutputs, resources, cloud };
}

const root = join(__dirname, "..");
/** What tests and `npm start` deploy: no stack of anybody, so that editing a stack changes no test. */
export const fixtureStack = join(__dirname, "stack.yaml");

/** @returns the config of the fixture stack as the engine would give it to the program */
export function stackConfig(
  overlay: Record<string, unknown> = {},
  secrets: Record<string, unknown> = {},
): { project: string; config: Record<string, string>; secretKeys: string[] } {
  const project = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
  const stack = parse(readFileSync(fixtureStack, "utf8"));
  const qualified = (key: string) => (key.includes(":") ? key : `${project.name}:${key}`);
  const config: Record<string, string> = {};
  const set = (key: string, value: unknown) => {
    if (value === undefined) delete config[qualified(key)];
    else config[qualified(key)] = typeof value === "string" ? value : JSON.stringify(value);
  };
  for (const [key, entry] of Object.entries<{ value?: unknown; default?: unknown }>(
    project.config ?? {},
  ))
    set(key, entry?.value ?? entry?.default);
  for (const layer of [stack?.config ?? {}, overlay, secrets])
    for (const [key, value] of Object.entries(layer)) set(key, value);
  return { project: project.name, config, secretKeys: Object.keys(secrets).map(qualified) };
}

/** The fixture stack as the program reads it, with an overlay of its config; without a cloud, since nothing is made. */
export function fixtureSettings(...overlay: Parameters<typeof stackConfig>): Settings {
  const { project, config, secretKeys } = stackConfig(...overlay);
  pulumi.runtime.setAllConfig(config, secretKeys);
  pulumi.runtime.setMocks(
    {
      newResource: () => {
        throw new Error("makes nothing");
      },
      call: () => ({}),
    },
    project,
    "dev",
  );
  return checkedSettings();
}

const index = (): Promise<Record<string, unknown>> => import("../index.js");

async function captured(opts: pulumi.ResourceOptions): Promise<CapturedOptions> {
  const custom = opts as pulumi.CustomResourceOptions;
  const after = (await promised(pulumi.output(opts.dependsOn ?? []))) as pulumi.Resource[];
  return {
    protect: opts.protect ?? false,
    deleteBeforeReplace: custom.deleteBeforeReplace ?? false,
    retainOnDelete: opts.retainOnDelete ?? false,
    ignoreChanges: opts.ignoreChanges ?? [],
    replaceOnChanges: opts.replaceOnChanges ?? [],
    additionalSecretOutputs: (custom.additionalSecretOutputs ?? []) as string[],
    customTimeouts: opts.customTimeouts,
    dependsOn: [after].flat().flatMap(withChildren).map(nameOf),
    parent: opts.parent && `${typeOf(opts.parent)}::${nameOf(opts.parent)}`,
  };
}

// `apply` never runs on an unknown value; the promise, which the types hide, resolves to undefined.
function promised(output: pulumi.Output<unknown>): Promise<unknown> {
  return (output as unknown as { promise(): Promise<unknown> }).promise();
}

/** A component stands for all that is in it, as it does for the engine. */
function withChildren(resource: pulumi.Resource): pulumi.Resource[] {
  const children = (resource as unknown as { __childResources?: Set<pulumi.Resource> })
    .__childResources;
  return [resource, ...[...(children ?? [])].flatMap(withChildren)];
}

// The SDK keeps type and name of a resource in fields that its types do not show.
function typeOf(resource: pulumi.Resource): string {
  return (resource as unknown as { __pulumiType: string }).__pulumiType;
}

function nameOf(resource: pulumi.Resource): string {
  return (resource as unknown as { __name: string }).__name;
}
