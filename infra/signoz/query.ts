/**
 * SigNoz v5 builder queries (Querybuildertypesv5QueryBuilderQuery of the v0.138.0 API), from names only.
 * A query knows the attributes of its source: grouping or filtering by one it does not carry does not
 * compile, and a dashboard can tell which of its variables may filter it.
 */
import { type Condition, is } from "./condition";
import { onResource, type Source } from "./names";

export type Signal = "metrics" | "logs" | "traces";

export interface Query {
  signal: Signal;
  source: Source;
  aggregation: Record<string, string>;
  /** Conditions in SigNoz' filter syntax, joined by AND. */
  where: string[];
  by: string[];
  top?: number;
  earlierSeconds?: number;
}

type OnResource = (typeof onResource)[number];

export interface Options<A extends string> {
  by?: A[];
  /** By attribute, e.g. `{ success: is("false") }`; see `field` for what cannot be filtered by. */
  where?: Partial<Record<Exclude<A, OnResource>, Condition>>;
  /** Series or rows kept, largest first; absent = all. */
  top?: number;
  /** Looks at the time so many seconds before the range. */
  earlierSeconds?: number;
}

export interface Key {
  name: string;
  fieldContext: "attribute" | "resource";
}

/**
 * Never without its context: a bare name is SigNoz' own column where its tables have one of that name (`type`,
 * `body`, `status_code`; all of them: columns.json), and otherwise whatever level it finds first.
 */
export const key = (name: string): Key => ({
  name,
  fieldContext: (onResource as readonly string[]).includes(name) ? "resource" : "attribute",
});

/**
 * The same in filter syntax.
 * @throws Error for what is on the resource alone: SigNoz compares resources as JSON text, in which `&`, `<`, `>`,
 *   quotes and backslashes are escaped, so that a value with one of them is never found
 */
export function field(name: string): string {
  const { fieldContext } = key(name);
  if (fieldContext === "resource")
    throw new Error(`${name} is on the resource alone: SigNoz cannot filter by every value of it`);
  return `${fieldContext}.${name}`;
}

function query<A extends string>(
  signal: Signal,
  source: Source<A>,
  aggregation: Record<string, string>,
  { by = [], where = {}, ...rest }: Options<A>,
  intrinsic: string[] = [],
): Query {
  const conditions = Object.entries<Condition | undefined>(where).map(
    ([name, condition]) => `${field(name)} ${condition}`,
  );
  return { signal, source, aggregation, where: [...intrinsic, ...conditions], by, ...rest };
}

/**
 * What a counter grew by. `increase` is right for delta and for cumulative counters; `sum` would add up
 * raw points, which is wrong as soon as a client sends cumulative ones.
 */
export function increase<A extends string>(metric: Source<A>, options: Options<A> = {}): Query {
  const aggregation = { timeAggregation: "increase", spaceAggregation: "sum", reduceTo: "sum" };
  return query("metrics", metric, { metricName: metric.name, ...aggregation }, options);
}

/** The newest value of a gauge, the largest one where several sources report it. */
export function latest<A extends string>(metric: Source<A>, options: Options<A> = {}): Query {
  const aggregation = { timeAggregation: "latest", spaceAggregation: "max", reduceTo: "last" };
  return query("metrics", metric, { metricName: metric.name, ...aggregation }, options);
}

/**
 * An aggregation over the log records of one event, e.g. `count()` or `p95(duration_ms)`. The attribute in
 * it stays unqualified: SigNoz then reads numbers and strings that hold numbers alike.
 */
export const events = <A extends string>(
  event: Source<A>,
  expression: string,
  options: Options<A> = {},
): Query => query("logs", event, { expression }, options, [`body ${is(event.name)}`]);

/** An aggregation over the spans of one name, e.g. `p95(duration_nano)`. */
export const spansOf = <A extends string>(
  span: Source<A>,
  expression: string,
  options: Options<A> = {},
): Query => query("traces", span, { expression }, options, [`name ${is(span.name)}`]);

/** A query's name by its place, by which formulas and units call it: A, B, … */
export const letter = (index: number): string => String.fromCharCode("A".charCodeAt(0) + index);

/** The JSON of a builder query; `name` is a capital letter, `filters` are further conditions. */
export function builderQuery(query: Query, name: string, filters: string[] = []) {
  const where = [...query.where, ...filters];
  return {
    name,
    signal: query.signal,
    source: "",
    aggregations: [
      query.signal === "metrics" ? { temporality: "", ...query.aggregation } : query.aggregation,
    ],
    disabled: false,
    ...(where.length > 0 && { filter: { expression: where.join(" AND ") } }),
    groupBy: query.by.map(key),
    ...(query.top && { limit: query.top }),
    ...(query.earlierSeconds && {
      functions: [{ name: "timeShift", args: [{ value: query.earlierSeconds }] }],
    }),
    legend: query.by.map((name) => `{{${name}}}`).join(" "),
  };
}

/** A query for whole records, newest first; which columns are shown says what shows them. */
export function rawQuery(query: Query, name: string, filters: string[] = []) {
  const { aggregations, groupBy, legend, ...rest } = builderQuery(query, name, filters);
  return { ...rest, order: [{ key: { name: "timestamp" }, direction: "desc" }], limit: 100 };
}

/** Several queries combined: their envelopes and the formula's, which alone is shown. */
export const formulaQueries = (specs: { name: string }[], expression: string, legend: string) => [
  ...specs.map((spec) => ({ type: "builder_query", spec: { ...spec, disabled: true } })),
  { type: "builder_formula", spec: { name: "F1", expression, disabled: false, legend } },
];
