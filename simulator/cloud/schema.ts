import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { isRecord, plain, type Values } from "./values.js";

/** What a provider says about one property; lists of at most one block are flattened, as Pulumi does. */
export interface Attribute {
  type: "string" | "int" | "float" | "bool" | "list" | "map" | "object";
  elem?: "string" | "int";
  /** Properties of the object or of each list item; without it the inside is not judged. */
  block?: Schema;
  required?: boolean;
  optional?: boolean;
  computed?: boolean;
  /** A change replaces the resource. On a list of blocks: a change of their number does. */
  forceNew?: boolean;
  /** The provider makes a name when none is given. */
  autoname?: boolean;
  /** A text in other letter case is no change. */
  anyCase?: boolean;
  default?: unknown;
  maxItems?: number;
  minItems?: number;
  conflictsWith?: string[];
  exactlyOneOf?: string[];
}

export type Schema = Record<string, Attribute>;

/** @returns what is wrong with the inputs, each as `<path>: <reason>`; a secret value is never quoted */
export function faults(schema: Schema, inputs: Values, path = ""): string[] {
  const unknown = Object.keys(inputs)
    .filter((key) => inputs[key] !== undefined && !schema[key])
    .map((key) => `${path}${key}: unknown input, got ${quote(inputs[key])}`);
  const known = Object.entries(schema).flatMap(([key, attribute]) => {
    const value = inputs[key];
    const at = path + key;
    if (value === undefined || value === null) {
      if (attribute.required) return [`${at}: required input is missing`];
      const rivals = attribute.exactlyOneOf?.filter((rival) => given(inputs[rival]));
      return rivals?.length === 0
        ? [`${at}: exactly one of ${[key, ...(attribute.exactlyOneOf ?? [])]} must be given`]
        : [];
    }
    if (attribute.computed && !attribute.optional && !attribute.required)
      return [`${at}: is an output, got ${quote(value)}`];
    const rivals = [...(attribute.conflictsWith ?? []), ...(attribute.exactlyOneOf ?? [])].filter(
      (rival) => given(inputs[rival]),
    );
    const conflicts = rivals.map((rival) => `${at}: conflicts with ${path}${rival}`);
    return [...conflicts, ...valueFaults(attribute, value, at)];
  });
  return [...unknown, ...known];
}

function valueFaults(attribute: Attribute, value: unknown, at: string): string[] {
  if (pulumi.isUnknown(value)) return [];
  if (pulumi.runtime.isRpcSecret(value)) {
    const inside = valueFaults(attribute, pulumi.runtime.unwrapRpcSecret(value), at);
    return inside.map((fault) => fault.replace(/, got .*$/s, ", got [secret]"));
  }
  const expected = (what: string) => [`${at}: expected ${what}, got ${quote(value)}`];
  const item = { ...attribute, type: attribute.block ? "object" : (attribute.elem ?? "object") };
  switch (attribute.type) {
    case "list": {
      if (!Array.isArray(value)) return expected("a list");
      if (attribute.maxItems !== undefined && value.length > attribute.maxItems)
        return expected(`at most ${attribute.maxItems} items`);
      if (attribute.minItems !== undefined && value.length < attribute.minItems)
        return expected(`at least ${attribute.minItems} items`);
      return value.flatMap((one, i) => valueFaults(item as Attribute, one, `${at}[${i}]`));
    }
    case "map":
      if (!isRecord(value)) return expected("a map");
      return Object.entries(value).flatMap(([key, one]) =>
        valueFaults({ type: attribute.elem ?? "string" }, one, `${at}.${key}`),
      );
    case "object":
      if (!isRecord(value)) return expected("an object");
      return attribute.block ? faults(attribute.block, value, `${at}.`) : [];
    case "int":
      return Number.isInteger(value) ? [] : expected("a whole number");
    case "float":
      return typeof value === "number" ? [] : expected("a number");
    case "bool":
      return typeof value === "boolean" ? [] : expected("true or false");
    case "string":
      return typeof value === "string" ? [] : expected("a string");
    default:
      return attribute.type satisfies never;
  }
}

/** One difference between two sets of inputs, by its property path (`metadata["a.b"]`, `ports[0]`). */
export interface Change {
  path: string;
  kind: "ADD" | "UPDATE" | "DELETE";
  /** Whether the resource cannot change that in place. */
  replace: boolean;
}

/** @returns every difference, at its deepest path */
export function changes(schema: Schema, olds: unknown, news: unknown): Change[] {
  return within({ type: "object", block: schema }, plain(olds), plain(news), "", false);
}

function within(
  attribute: Attribute | undefined,
  before: unknown,
  after: unknown,
  path: string,
  parentReplaces: boolean,
): Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (attribute?.anyCase && String(before).toLowerCase() === String(after).toLowerCase()) return [];
  // A list of blocks replaces only when their number changes; a plain list or map does as a whole.
  const sized = size(before) === size(after);
  const replace = parentReplaces || Boolean(attribute?.forceNew && !(attribute.block && sized));
  if (!sameShape(before, after)) {
    const kind = before === undefined ? "ADD" : after === undefined ? "DELETE" : "UPDATE";
    return [{ path, kind, replace }];
  }
  const [left, right] = [before, after] as [Values, Values];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) => {
    const inner = Array.isArray(before)
      ? ({ ...attribute, forceNew: false } as Attribute)
      : attribute?.block?.[key];
    return within(inner, left[key], right[key], join(path, key, Array.isArray(before)), replace);
  });
}

function sameShape(before: unknown, after: unknown): boolean {
  if (pulumi.isUnknown(after)) return false;
  return (Array.isArray(before) && Array.isArray(after)) || (isRecord(before) && isRecord(after));
}

function size(value: unknown): number {
  return Array.isArray(value) ? value.length : given(value) ? 1 : 0;
}

function join(path: string, key: string, isIndex: boolean): string {
  if (isIndex) return `${path}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path ? `${path}.${key}` : key;
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function quote(value: unknown): string {
  if (pulumi.runtime.isRpcSecret(value)) return "[secret]";
  return (
    JSON.stringify(value, (_, inner) =>
      pulumi.runtime.isRpcSecret(inner) ? "[secret]" : inner,
    )?.slice(0, 200) ?? String(value)
  );
}
