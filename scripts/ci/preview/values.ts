import { gunzipSync } from "node:zlib";
import { unknownValue } from "../../../policy/resource";
import type { ResourceChange } from "./digest";

/** One line of a resource's difference: where, from what, to what (short, printable). */
export interface Difference {
  path: string;
  from: string;
  to: string;
}

const longestValue = 90;
const mostLeaves = 12;

/** What changes inside a resource; JSON kept in a string (VM settings, dashboards) is compared leaf by leaf. */
export function differences({ step }: ResourceChange): Difference[] {
  return Object.entries(step.detailedDiff ?? {}).flatMap(([path, { inputDiff }]) => {
    const keys = parsePath(path);
    const before = inputDiff
      ? step.oldState?.inputs
      : (step.oldState?.outputs ?? step.oldState?.inputs);
    const from = dig(before, keys) ?? dig(step.oldState?.inputs, keys);
    return compare(path, from, dig(step.newState?.inputs, keys));
  });
}

function compare(path: string, from: unknown, to: unknown): Difference[] {
  const [fromJson, toJson] = [asJson(from), asJson(to)];
  if (fromJson && toJson) {
    const leaves = leafDifferences(fromJson, toJson);
    const shown = leaves.slice(0, mostLeaves).map(([leaf, a, b]) => ({
      path: `${path} › ${leaf}`,
      ...texts(a, b),
    }));
    if (leaves.length > mostLeaves)
      shown.push({ path: `${path} › …`, from: "", to: `${leaves.length - mostLeaves} more` });
    return shown;
  }
  return [{ path, ...texts(from, to) }];
}

function texts(from: unknown, to: unknown): { from: string; to: string } {
  const [a, b] = [printable(from), printable(to)];
  if (a === b) return { from: a, to: `${b}, another` };
  const short = (text: string) => text.length <= longestValue && !text.includes("\n");
  const [before, after] = [a.split("\n"), b.split("\n")];
  const compared = !short(a) && !short(b);
  return {
    from: short(a)
      ? a
      : lines(before) + (compared ? `, ${lines(missing(before, after))} gone` : ""),
    to: short(b) ? b : lines(after) + (compared ? `, ${lines(missing(after, before))} new` : ""),
  };
}

const lines = ({ length }: string[]) => `${length} ${length === 1 ? "line" : "lines"}`;

function missing(texts: string[], others: string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return texts.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

function printable(value: unknown): string {
  if (value === undefined || value === null) return "–";
  if (value === unknownValue) return "known after up";
  const compact = JSON.stringify(value);
  const json = compact.length > longestValue ? JSON.stringify(value, null, 1) : compact;
  return (typeof value === "string" ? value : json).replaceAll(unknownValue, "known after up");
}

/** The object that a text holds as JSON, also packed (gzip in base64), as large metadata is delivered. */
function asJson(value: unknown): object | undefined {
  if (typeof value !== "string" || !/^([[{]|H4sI)/.test(value)) return undefined;
  try {
    const json = value.startsWith("H4sI")
      ? gunzipSync(Buffer.from(value, "base64")).toString()
      : value;
    return JSON.parse(json) as object;
  } catch {
    return undefined;
  }
}

function leafDifferences(from: unknown, to: unknown, path = ""): [string, unknown, unknown][] {
  if (isObject(from) && isObject(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
    return keys.flatMap((key) =>
      leafDifferences(
        (from as Record<string, unknown>)[key],
        (to as Record<string, unknown>)[key],
        path ? `${path}.${key}` : key,
      ),
    );
  }
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [[path, from, to]];
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Pulumi's property path (`metadata["startup-script"]`, `attachedDisks[0].source`) as keys. */
export function parsePath(path: string): string[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => quoted?.replace(/\\(.)/g, "$1") ?? index ?? name ?? "",
  );
}

function dig(value: unknown, keys: string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (isObject(inner) ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}
