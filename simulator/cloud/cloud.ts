import { randomBytes } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { commandKinds } from "./command.js";
import { type Google, gcpKinds } from "./gcp.js";
import type { Act, Kind, World } from "./kind.js";
import { kubernetesKinds } from "./kubernetes.js";
import { nameFaults } from "./names.js";
import { randomKinds } from "./random.js";
import { type Change, changes, faults, type Schema } from "./schema.js";
import { tlsKinds } from "./tls.js";
import { holdsSecret, isRecord, plain, secret, type Values } from "./values.js";

export interface CloudOptions {
  /** Where resources go that do not say; the defaults are neutral names. */
  project?: string;
  region?: string;
  zone?: string;
  /** The static address that the program gets. */
  address?: string;
  /** The DNS name of the cluster that the program gets. */
  clusterEndpoint?: string;
  /** Whether local commands really run (with the real engine they do). */
  runCommands?: boolean;
  /** What StackReference answers, by the full name of the stack; an unknown stack is an error. */
  stacks?: Record<string, Values>;
  now?: () => Date;
  /** Added to the environment of local commands. */
  commandEnv?: Record<string, string>;
  /** Called after a resource was created or changed in place, before anyone is told. */
  onChange?: (resource: CloudResource) => Promise<void>;
}

/** A resource as the cloud was asked for it. */
export interface CloudResource {
  type: string;
  name: string;
  /** Empty for components. */
  id: string;
  custom: boolean;
  /** As they came over the wire: secrets wrapped (`pulumi.runtime.isRpcSecret`). */
  inputs: Values;
  /** Inputs, defaults and computed outputs, secrets wrapped. */
  state: Values;
}

/**
 * The one in-memory cloud: it answers Pulumi's mocks and, behind gRPC, the real engine. Inputs are
 * judged by the real provider's schema, keys and certificates are real, and Secret Manager keeps
 * what a stack leaves behind. Unknown resource types and calls are errors.
 */
export class Cloud implements pulumi.runtime.Mocks {
  readonly resources: CloudResource[] = [];
  readonly google: Google;
  readonly stacks: Record<string, Values>;
  readonly world: World;
  private readonly kinds: Record<string, Kind>;
  private readonly onChange: CloudOptions["onChange"];

  constructor(options: CloudOptions = {}) {
    const zone = options.zone ?? "europe-west1-b";
    this.world = {
      project: options.project ?? "test-project",
      region: options.region ?? zone.replace(/-[a-z]$/, ""),
      zone,
      now: options.now ?? (() => new Date()),
    };
    const address = options.address ?? "203.0.113.10";
    this.google = {
      address,
      projectNumber: "123456789012",
      clusterEndpoint: options.clusterEndpoint ?? "gke-0123abcd.us-central1.gke.goog",
      secrets: new Map(),
      grants: new Set(),
    };
    this.stacks = options.stacks ?? {};
    this.onChange = options.onChange;
    this.kinds = {
      ...gcpKinds(this.google),
      ...kubernetesKinds(),
      ...tlsKinds,
      ...randomKinds,
      ...commandKinds(options.runCommands ?? false, options.commandEnv),
    };
  }

  /** Pulumi's mock protocol: checks and creates a resource, or records a component. */
  async newResource(args: pulumi.runtime.MockResourceArgs): Promise<{ id: string; state: Values }> {
    const { type, name } = args;
    if (type === "pulumi:pulumi:StackReference") return this.stackReference(args);
    if (args.custom === false || type === "pulumi:pulumi:Stack") {
      this.resources.push({ type, name, id: "", custom: false, inputs: args.inputs, state: {} });
      return { id: "", state: {} };
    }
    const found = this.check(type, name, args.inputs);
    if (found.faults.length) throw new Error(refusal(type, name, found.faults));
    if (!pulumi.runtime.isDryRun()) return this.create(type, name, found.inputs);
    const made = await this.create(type, name, found.inputs, true);
    this.resources.push({ type, name, custom: true, inputs: found.inputs, ...made });
    return made;
  }

  async call({ token, inputs }: pulumi.runtime.MockCallArgs): Promise<Values> {
    throw new Error(`${token}: this cloud does not answer that call (${JSON.stringify(inputs)})`);
  }

  /** @returns the type tokens that it knows */
  types(): string[] {
    return Object.keys(this.kinds);
  }

  schema(type: string): Schema {
    return this.kind(type).schema;
  }

  /** @returns the inputs with generated names filled in, and what is wrong with them */
  check(type: string, name: string, inputs: Values, olds: Values = {}) {
    const schema = this.schema(type);
    const named = Object.entries(schema).flatMap(([key, { autoname }]) =>
      autoname && inputs[key] === undefined
        ? [[key, olds[key] ?? `${name}-${randomBytes(4).toString("hex").slice(0, 7)}`]]
        : [],
    );
    const filled = { ...inputs, ...Object.fromEntries(named) } as Values;
    return { inputs: filled, faults: [...faults(schema, filled), ...nameFaults(type, filled)] };
  }

  /** Creates a resource; in a preview nothing is made and every computed output is unknown. */
  async create(type: string, name: string, inputs: Values, preview = false) {
    const kind = this.kind(type);
    if (preview) return { id: "", state: { ...unknowns(kind), ...inputs } };
    const { id, outputs } = await kind.create(this.act(name, inputs));
    if (type.startsWith("gcp:compute/") && this.resources.some((one) => one.id === id))
      throw new Error(refusal(type, name, [`name: ${id} already exists`]));
    const made = { id, state: state(kind, inputs, outputs) };
    const resource = { type, name, custom: true, inputs, ...made };
    this.resources.push(resource);
    await this.onChange?.(resource);
    return made;
  }

  /** @returns what an update would change, and what of it needs a replacement */
  diff(type: string, name: string, olds: Values, oldInputs: Values, news: Values): Change[] {
    const kind = this.kind(type);
    const forced = kind.replaces?.(this.act(name, news, olds)) ?? [];
    const found = changes(kind.schema, oldInputs, news);
    return [
      ...found.map((one) => ({ ...one, replace: one.replace || forced.includes(one.path) })),
      ...forced
        .filter((path) => !found.some((one) => one.path === path))
        .map((path) => ({ path, kind: "UPDATE" as const, replace: true })),
    ];
  }

  /**
   * Whether a replacement is deleted before it is made, as Pulumi's Terraform bridge asks for wherever the program gives the name
   * that the provider would make (pulumi-terraform-bridge, nameRequiresDeleteBeforeReplace), another one included.
   */
  deletesFirst(type: string, name: string, inputs: Values): boolean {
    return Object.entries(this.schema(type)).some(
      ([key, { autoname }]) => autoname && !isAutoname(name, inputs[key]),
    );
  }

  /** Changes a resource in place; in a preview nothing happens. */
  async update(
    type: string,
    id: string,
    name: string,
    olds: Values,
    news: Values,
    preview = false,
  ) {
    const kind = this.kind(type);
    const kept = Object.fromEntries(
      Object.entries(olds).filter(([key]) => kind.schema[key]?.computed ?? true),
    );
    const filled = { ...news, ...filledIn(kind.schema, olds, news) };
    if (preview) return { ...kept, ...(kind.rerun ? unknowns(kind) : {}), ...filled };
    const outputs = (await kind.update?.(this.act(name, news, olds))) ?? {};
    const changed = { ...kept, ...state(kind, filled, outputs) };
    const resource = this.resources.find((one) => one.type === type && one.id === id);
    if (!resource) return changed;
    Object.assign(resource, { inputs: news, state: changed });
    await this.onChange?.(resource);
    return changed;
  }

  async remove(type: string, id: string, name: string, olds: Values): Promise<void> {
    await this.kind(type).remove?.(this.act(name, olds, olds));
    const gone = this.resources.findIndex((one) => one.type === type && one.id === id);
    if (gone >= 0) this.resources.splice(gone, 1);
  }

  private stackReference({ type, name, inputs, id }: pulumi.runtime.MockResourceArgs) {
    const stack = String(inputs.name ?? id ?? name);
    const outputs = this.stacks[stack];
    if (!outputs) throw new Error(`unknown stack "${stack}"`);
    const secretOutputNames = Object.keys(outputs).filter((key) => holdsSecret(outputs[key]));
    const state = { name: stack, outputs, secretOutputNames };
    this.resources.push({ type, name, id: stack, custom: true, inputs, state });
    return { id: stack, state };
  }

  private act(name: string, inputs: Values, olds: Values = {}): Act {
    return { name, inputs: plain(inputs), olds: plain(olds), world: this.world };
  }

  private kind(type: string): Kind {
    const kind = this.kinds[type];
    if (!kind) throw new Error(`${type}: this cloud does not know that resource type`);
    return kind;
  }
}

/** @returns the text of an error that names the resource and everything wrong with it */
export function refusal(type: string, name: string, found: string[]): string {
  return [`${type} "${name}":`, ...found].join("\n  ");
}

const isAutoname = (name: string, value: unknown): boolean =>
  typeof value === "string" &&
  value.startsWith(`${name}-`) &&
  /^[0-9a-f]{7}$/.test(value.slice(name.length + 1));

function state(kind: Kind, inputs: Values, outputs: Values): Values {
  const defaults = Object.entries(kind.schema).flatMap(([key, attribute]) =>
    attribute.default === undefined ? [] : [[key, attribute.default]],
  );
  const given = Object.entries(outputs).map(([key, value]) => {
    const hidden = kind.secretOutputs?.includes(key) || holdsSecret(inputs[key]);
    return [key, hidden ? secret(plain(value)) : value];
  });
  return { ...Object.fromEntries(defaults), ...inputs, ...Object.fromEntries(given) };
}

/** Objects that the provider completes (a cluster's endpoint among what it is asked about endpoints): that part stays. */
function filledIn(schema: Schema, olds: Values, news: Values): Values {
  const completed = Object.keys(news).filter(
    (key) => schema[key]?.type === "object" && schema[key].optional && schema[key].computed,
  );
  return Object.fromEntries(completed.map((key) => [key, completion(olds[key], news[key])]));
}

function completion(old: unknown, asked: unknown): unknown {
  const whole = [old, asked].some((one) => !isRecord(one) || one[pulumi.runtime.specialSigKey]);
  if (whole || pulumi.isUnknown(asked)) return asked;
  const [before, after] = [old, asked] as [Values, Values];
  const inside = Object.keys(after).map((key) => [key, completion(before[key], after[key])]);
  return { ...before, ...Object.fromEntries(inside) };
}

function unknowns(kind: Kind): Values {
  const computed = Object.keys(kind.schema).filter((key) => kind.schema[key]?.computed);
  return Object.fromEntries(computed.map((key) => [key, pulumi.unknown]));
}
