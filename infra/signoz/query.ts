/**
 * SigNoz v5 builder queries (Querybuildertypesv5QueryBuilderQuery of the v0.138.0 API), from names only.
 * A query knows the attributes of its source, so grouping by one it does not carry does not compile and
 * a dashboard can tell which of its variables may filter it.
 */
import { common, type Identity, identity, type Source } from "./names";

export type Common = (typeof common)[number];
export type Signal = "metrics" | "logs" | "traces";

export interface Query {
  signal: Signal;
  source: Source;
  aggregations: Record<string, string>[];
  where: string[];
  by: string[];
  /** Rows or series kept, largest first; absent = all. */
  top?: number;
}

export interface Options<A extends string> {
  by?: (A | Identity | Common)[];
  /** Conditions in SigNoz filter syntax, joined by AND. */
  where?: string[];
  top?: number;
}

const query = <A extends string>(
  signal: Signal,
  source: Source<A>,
  aggregation: Record<string, string>,
  { by = [], where = [], top }: Options<A>,
): Query => ({ signal, source, aggregations: [aggregation], where, by, top });

/**
 * What a counter grew by. `increase` is right for delta and for cumulative counters; `sum` would add up
 * raw points, which is wrong as soon as a client sends cumulative ones.
 */
export const increase = <A extends string>(metric: Source<A>, options: Options<A> = {}): Query =>
  query(
    "metrics",
    metric,
    {
      metricName: metric.name,
      timeAggregation: "increase",
      spaceAggregation: "sum",
      reduceTo: "sum",
    },
    options,
  );

/** The newest value of a gauge, the largest one where several sources report it. */
export const latest = <A extends string>(metric: Source<A>, options: Options<A> = {}): Query =>
  query(
    "metrics",
    metric,
    {
      metricName: metric.name,
      timeAggregation: "latest",
      spaceAggregation: "max",
      reduceTo: "last",
    },
    options,
  );

/** An aggregation over log records of one event, e.g. `count()`; a string that holds a number is read as one. */
export const events = <A extends string>(
  event: Source<A>,
  expression: string,
  options: Options<A> = {},
): Query =>
  query(
    "logs",
    event,
    { expression },
    { ...options, where: [`body = '${event.name}'`, ...(options.where ?? [])] },
  );

/** An aggregation over spans of one name, e.g. `p95(duration_nano)`. */
export const spansOf = <A extends string>(
  span: Source<A>,
  expression: string,
  options: Options<A> = {},
): Query =>
  query(
    "traces",
    span,
    { expression },
    { ...options, where: [`name = '${span.name}'`, ...(options.where ?? [])] },
  );

/** Whether the query's source carries the attribute. */
export const carries = (query: Query, attribute: string): boolean =>
  [...identity, ...common, ...query.source.attributes].includes(attribute as Identity);

/**
 * `engineer` and `team` exist as resource and as plain attribute: SigNoz then takes the resource and warns,
 * so logs and traces name the context; metrics keep both in one label.
 */
export const key = (signal: Signal, name: string): { name: string; fieldContext?: string } => {
  if (signal === "metrics") return { name };
  const onResource = (identity as readonly string[]).includes(name) || name === "service.version";
  return { name, fieldContext: onResource ? "resource" : "attribute" };
};

/** The same in filter syntax. */
export const field = (signal: Signal, name: string): string => {
  const { fieldContext } = key(signal, name);
  return fieldContext ? `${fieldContext}.${name}` : name;
};

/** The JSON of a builder query under the given name (A, B, … or the dashboard's own). */
export function builderQuery(query: Query, name: string, filters: string[] = []): object {
  const where = [...query.where, ...filters];
  return {
    name,
    signal: query.signal,
    source: "",
    aggregations: query.aggregations.map((aggregation) =>
      query.signal === "metrics" ? { temporality: "", ...aggregation } : aggregation,
    ),
    disabled: false,
    ...(where.length > 0 && { filter: { expression: where.join(" AND ") } }),
    groupBy: query.by.map((name) => key(query.signal, name)),
    ...(query.top && { limit: query.top }),
    legend: query.by.map((name) => `{{${name}}}`).join(" "),
  };
}
