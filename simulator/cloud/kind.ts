import type { Schema } from "./schema.js";
import type { Values } from "./values.js";

/** Where and when the cloud is. */
export interface World {
  project: string;
  region: string;
  zone: string;
  /** The clock, so that a test can let a certificate age. */
  now(): Date;
}

/** One act on one resource: its inputs without secret wrappers. */
export interface Act<Inputs = Values> {
  name: string;
  inputs: Inputs;
  world: World;
  /** Inputs and outputs of the last act, without secret wrappers; empty on creation. */
  olds: Values;
}

/** How one resource type behaves: what it takes, what it gives, what a change does. */
export interface Kind<Inputs = Values> {
  schema: Schema;
  /** Outputs the provider (or its SDK class) marks secret. */
  secretOutputs?: readonly string[];
  create(act: Act<Inputs>): Promise<{ id: string; outputs: Values }>;
  /** Outputs after a change in place; those of the creation stay when this is not given. */
  update?(act: Act<Inputs>): Promise<Values>;
  /** A change in place gives every computed output anew. */
  rerun?: boolean;
  /** Throws when the provider refuses. */
  remove?(act: Act<Inputs>): Promise<void>;
  /** Paths that need a replacement for a reason the schema cannot tell. */
  replaces?(act: Act<Inputs>): string[];
}
