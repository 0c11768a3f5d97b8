import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Engine } from "./clickhouse/engine";

const file = "function_histogramQuantile.sql";
const sql = readFileSync(join(__dirname, "../../infra/gke/files", file), "utf8");

/** Whole numbers below what is asked for, the same at every run. */
function generator(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The same as Prometheus' documentation of histogram_quantile() and SigNoz' program have it. */
function quantileOf(bounds: number[], counts: number[], quantile: number): number {
  if (quantile < 0 || quantile > 1) return quantile < 0 ? -Infinity : Infinity;
  const sums = new Map<number, number>();
  bounds.forEach((bound, index) => {
    sums.set(bound, (sums.get(bound) ?? 0) + (counts[index] ?? 0));
  });
  const sorted = [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
  let most = Number.NEGATIVE_INFINITY;
  const observed = sorted.map(([bound, count]): [number, number] => {
    most = Math.max(most, count);
    return [bound, most];
  });
  const [last, all] = observed.at(-1) ?? [0, 0];
  if (observed.length < 2 || last !== Infinity || all === 0) return Number.NaN;
  const rank = quantile * all;
  const found = observed.slice(0, -1).findIndex(([, count]) => count >= rank);
  const [bound, count] = observed[found] ?? observed.at(-2) ?? [0, 0];
  if (found === -1 || (found === 0 && bound <= 0)) return bound;
  const [before, less] = found === 0 ? [0, 0] : (observed[found - 1] ?? [0, 0]);
  return before + ((bound - before) * (rank - less)) / (count - less);
}

let engine: Engine;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "engine-"));
  // As the pods mount it; a data folder of the engine's own is where it looks unless it is told otherwise.
  mkdirSync(join(folder, "data/user_defined"), { recursive: true });
  writeFileSync(join(folder, "data/user_defined", file), sql);
  engine = await Engine.start(false, folder);
});
afterAll(() => engine?.stop());

const asked = async (statement: string) => {
  const { ok, text } = await engine.as("", statement);
  expect(ok, text).toBe(true);
  return text.trim().split("\n");
};
const shown = (number: number) => (number === Infinity ? "inf" : String(number));
const read = (text: string) => Number(text.replace("inf", "Infinity"));

it("is there at the start, and answers as SigNoz asks it", async () => {
  const values = "(1, '1', 3.), (1, '2', 9.), (1, '+Inf', 10.), (2, '5', 1.), (2, '+Inf', 1.)";
  expect(
    await asked(
      `SELECT histogramQuantile(arrayMap(x -> toFloat64(x), groupArray(le)), groupArray(value), 0.990) FROM values('g UInt8, le String, value Float64', ${values}) GROUP BY g ORDER BY g`,
    ),
  ).toEqual(["2", "4.95"]);
});

it("tells of any histogram what SigNoz' program would", async () => {
  const next = generator(7);
  const quantiles = [-0.1, 0, 0.01, 0.5, 0.9, 0.99, 1, 1.1];
  const made = Array.from({ length: 1000 }, () => {
    const bounds = Array.from({ length: next(7) }, () => [-1, 0, 0.5, 1, 4, 16][next(6)] ?? 0);
    if (next(10) > 0) bounds.splice(next(bounds.length + 1), 0, Infinity);
    return { bounds, counts: bounds.map(() => next(20)), quantile: quantiles[next(8)] ?? 0 };
  });
  const rows = made.map(
    ({ bounds, counts, quantile }, index) =>
      `(${index}, [${bounds.map(shown)}], [${counts}], ${quantile})`,
  );
  const told = await asked(
    `SELECT histogramQuantile(b, c, q) FROM values('i UInt32, b Array(Float64), c Array(Float64), q Float64', ${rows}) ORDER BY i`,
  );
  const wrong = made.filter(({ bounds, counts, quantile }, index) => {
    const [is, should] = [read(told[index] ?? ""), quantileOf(bounds, counts, quantile)];
    return !Object.is(is, should) && !(Math.abs(is - should) < 1e-9);
  });
  expect([told.length, wrong]).toEqual([made.length, []]);
  expect(new Set(told).size).toBeGreaterThan(100);
});
