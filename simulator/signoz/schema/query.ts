/** Queries (Querybuildertypesv5…), and what all kinds of body share. */
import {
  any,
  array,
  boolean,
  by,
  type Check,
  matching,
  number,
  object,
  oneOf,
  string,
} from "../check.js";

export const dnsLabel = matching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
export const duration = matching(/^([0-9]+(h|m|s))+$/);

export const fieldKey = object(
  { name: matching(/./) },
  {
    fieldContext: oneOf(
      "metric",
      "log",
      "span",
      "resource",
      "scope",
      "attribute",
      "event",
      "body",
      "",
    ),
    fieldDataType: oneOf("string", "bool", "float64", "int64", "number", ""),
    signal: oneOf("traces", "logs", "metrics", ""),
    description: string,
    unit: string,
  },
);
const order = object({ key: fieldKey, direction: oneOf("asc", "desc") });
const functions = array(
  object(
    { name: oneOf("timeShift", "cutOffMin", "cutOffMax", "absolute", "runningDiff") },
    {
      args: array(object({ value: any }, { name: string })),
    },
  ),
);
const metricAggregation = object(
  {
    metricName: matching(/./),
    timeAggregation: oneOf("latest", "sum", "avg", "min", "max", "count", "rate", "increase"),
    spaceAggregation: oneOf("sum", "avg", "min", "max", "count", "p50", "p90", "p95", "p99"),
  },
  {
    temporality: oneOf("", "delta", "cumulative", "unspecified"),
    reduceTo: oneOf("sum", "count", "avg", "min", "max", "last", "median"),
  },
);
const expressionAggregation = object(
  // One call only: the rewriter would drop what follows a comma.
  { expression: matching(/^[a-z0-9_]+\([^(),]*\)$/) },
  { alias: string },
);
const builderQuery = (signal: string, aggregation: Check): Check =>
  object(
    { name: matching(/^[A-Z]$/), signal: oneOf(signal) },
    {
      source: oneOf("", "meter"),
      stepInterval: number,
      aggregations: array(aggregation, { min: 1 }),
      disabled: boolean,
      filter: object({ expression: string }),
      groupBy: array(fieldKey),
      order: array(order),
      selectFields: array(fieldKey),
      limit: number,
      having: object({ expression: string }),
      functions,
      legend: string,
    },
  );
export const anyBuilderQuery = by("signal", {
  metrics: builderQuery("metrics", metricAggregation),
  logs: builderQuery("logs", expressionAggregation),
  traces: builderQuery("traces", expressionAggregation),
});
const formula: Check = object(
  { name: string, expression: string },
  { disabled: boolean, legend: string, limit: number, order: array(order), functions },
);
export const sqlQuery: Check = object(
  { name: matching(/^[A-Z]$/), query: matching(/^SELECT /) },
  { disabled: boolean, legend: string },
);
export const envelope = by("type", {
  builder_query: object({ type: string, spec: anyBuilderQuery }),
  clickhouse_sql: object({ type: string, spec: sqlQuery }),
  builder_formula: object({ type: string, spec: formula }),
});
