import { markKey, secretMark } from "../../../policy/resource";

/** JSON as Pulumi's checkpoint file holds it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const isObject = (value: unknown): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A marked value: `plaintext` where it was exported so. */
interface Marked {
  [key: string]: Json;
  [markKey]: string;
}

export const isMarked = (value: Json): value is Marked =>
  isObject(value) && value[markKey] === secretMark;

/** A value under Pulumi's mark, as `pulumi stack export --show-secrets` prints it. */
export const mark = (plain: Json): Json => ({
  [markKey]: secretMark,
  plaintext: JSON.stringify(plain),
});

/** @throws Error when the value is encrypted */
export function plaintext(value: { [key: string]: Json }, place: string): Json {
  if (typeof value.plaintext !== "string")
    throw new Error(`${place} is encrypted: export the state with --show-secrets`);
  return JSON.parse(value.plaintext) as Json;
}

export type Resource = { [key: string]: Json };

export const isResource = (value: Json): value is Resource & { urn: string; type: string } =>
  isObject(value) && typeof value.urn === "string" && typeof value.type === "string";

/** A leaf of a checkpoint: a scalar or an object's key, its place, and whether a mark is above it. */
export interface Leaf {
  value: string | number | boolean;
  place: string;
  marked: boolean;
  isName?: boolean;
}

/** Every leaf below a value, keys included; whatever part of the checkpoint it is. */
export function* leavesOf(value: Json, place: string, marked = false): Generator<Leaf> {
  if (value === null) return;
  if (typeof value !== "object") yield { value, place, marked };
  else if (Array.isArray(value))
    for (const [index, item] of (value as Json[]).entries())
      yield* leavesOf(item, `${place}[${index}]`, marked);
  else if (isMarked(value)) yield* leavesOf(plaintext(value, place), place, true);
  else {
    if (isResource(value)) place = value.urn;
    for (const [key, item] of Object.entries(value)) {
      yield { value: key, place, marked, isName: true };
      yield* leavesOf(item, `${place}.${key}`, marked);
    }
  }
}

/**
 * What a text holds as a JSON object or list, where printing it again gives the same text.
 * @returns the value, and how it was printed
 */
export function jsonIn(text: string): { value: Json; print: (value: Json) => string } | undefined {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    const prints = [
      (json: Json) => JSON.stringify(json),
      (json: Json) => JSON.stringify(json, null, 2),
      (json: Json) => `${JSON.stringify(json)}\n`,
    ];
    const print = prints.find((candidate) => candidate(value) === text);
    return print && { value, print };
  } catch {
    return undefined;
  }
}
