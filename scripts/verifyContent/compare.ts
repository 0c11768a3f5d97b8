import type { Answer } from "./ask";

export interface Part {
  summary: string;
  differences: string[];
}

/** SigNoz rounds what it answers to three decimals. */
export const same = (a: unknown, b: unknown): boolean =>
  typeof a === "number" && typeof b === "number"
    ? Math.abs(a - b) <= 0.0011 + Math.abs(b) * 0.0006
    : a === b;

/** What two answers differ in, at most three of it; a value of 0 is the same as none. */
export function differencesOf(got: Answer, expected: Answer): string[] {
  const found: string[] = [];
  for (const query of new Set([...Object.keys(got), ...Object.keys(expected)]))
    for (const group of new Set([
      ...Object.keys(got[query] ?? {}),
      ...Object.keys(expected[query] ?? {}),
    ]))
      for (const at of new Set([
        ...Object.keys(got[query]?.[group] ?? {}),
        ...Object.keys(expected[query]?.[group] ?? {}),
      ])) {
        const [a, b] = [
          got[query]?.[group]?.[Number(at)] ?? 0,
          expected[query]?.[group]?.[Number(at)] ?? 0,
        ];
        if (!same(a, b))
          found.push(`${query} ${JSON.stringify(group)} at ${at}: ${a} instead of ${b}`);
      }
  return found.length > 3 ? [...found.slice(0, 3), `and ${found.length - 3} more`] : found;
}

/** The same of rows in any order. */
export function rowDifferences(
  got: Record<string, unknown>[],
  expected: Record<string, unknown>[],
): string[] {
  const sorted = (rows: Record<string, unknown>[]) =>
    [...rows].sort((a, b) =>
      JSON.stringify(Object.values(a)) < JSON.stringify(Object.values(b)) ? -1 : 1,
    );
  const [a, b] = [sorted(got), sorted(expected)];
  if (a.length !== b.length) return [`${a.length} rows instead of ${b.length}`];
  return b.flatMap((row, i) =>
    Object.entries(row)
      .filter(([name, value]) => !same(a[i]?.[name], value))
      .map(
        ([name, value]) =>
          `${name} of ${Object.values(row)[0]}: ${a[i]?.[name]} instead of ${value}`,
      ),
  );
}
