/** A panel as SigNoz' own page asks for it: frontend/src/pages/DashboardPageV2/…/queryV5 of v0.138.0. */
import type { Signoz } from "./signoz";

const minute = 60_000;

export interface Spec {
  name: string;
  signal: "metrics" | "logs" | "traces";
  disabled?: boolean;
  stepInterval?: number;
  aggregations?: { metricName?: string; timeAggregation?: string; expression?: string }[];
  filter?: { expression: string };
  groupBy?: { name: string }[];
  functions?: { name: string; args: { value: number }[] }[];
  limit?: number;
  /** Of a formula. */
  expression?: string;
  /** Of SQL. */
  query?: string;
}
export interface Envelope {
  type: "builder_query" | "builder_formula" | "clickhouse_sql";
  spec: Spec;
}
export interface Panel {
  title: string;
  kind: string;
  request: "scalar" | "time_series" | "raw";
  queries: Envelope[];
}
export type Variables = Record<string, { type: "dynamic"; value: string | string[] }>;
export interface Range {
  start: number;
  end: number;
}

// biome-ignore lint/suspicious/noExplicitAny: a dashboard's JSON, which other tests check
export function panelsOf(dashboard: any): Panel[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return Object.values<any>(dashboard.spec.panels).map(({ spec }) => {
    const { kind, spec: query } = spec.queries[0].spec.plugin;
    const type = kind === "signoz/ClickHouseSQL" ? "clickhouse_sql" : "builder_query";
    return {
      title: spec.display.name,
      kind: spec.plugin.kind,
      request: spec.queries[0].kind,
      queries: kind === "signoz/CompositeQuery" ? query.queries : [{ type, spec: query }],
    };
  });
}

/** Bars are asked in at most about 80 steps. */
function barStepSeconds({ start, end }: Range): number {
  const minutes = (end - start) / minute;
  if (minutes <= 60) return 60;
  if (minutes <= 180) return 120;
  if (minutes <= 300) return 180;
  return Math.ceil(Math.ceil(Math.ceil(minutes) / 80) / 5) * 5 * 60;
}

export function requestOf(panel: Panel, range: Range, variables: Variables) {
  const queries = panel.queries.map(({ type, spec }) => ({
    type,
    spec: {
      ...spec,
      ...(panel.kind === "signoz/BarChartPanel" &&
        type === "builder_query" && { stepInterval: barStepSeconds(range) }),
    },
  }));
  return {
    schemaVersion: "v1",
    ...range,
    requestType: panel.request,
    compositeQuery: { queries },
    formatOptions: { formatTableResultForUI: panel.kind === "signoz/TablePanel", fillGaps: false },
    variables,
  };
}

/** Values by query, group (values of its keys, joined) and time; a single value stands at time 0. */
export type Answer = Record<string, Record<string, Record<number, number>>>;
export interface Asked {
  answer: Answer;
  /** Of a list or of SQL. */
  rows: Record<string, unknown>[];
  /** Seconds, by query. */
  steps: Record<string, number>;
}

const groupKey = (values: unknown[]): string => values.map((value) => value ?? "").join(" | ");

export async function ask(
  signoz: Signoz,
  panel: Panel,
  range: Range,
  variables: Variables,
): Promise<Asked> {
  const body = requestOf(panel, range, variables);
  const { data } = await signoz.ask("POST", "/api/v5/query_range", body);
  const answer: Answer = {};
  const put = (query: string, group: string, at: number, value: unknown) => {
    if (typeof value !== "number") return;
    answer[query] ??= {};
    answer[query][group] ??= {};
    answer[query][group][at] = value;
  };
  const rows: Record<string, unknown>[] = [];
  for (const result of data.data?.results ?? []) {
    for (const { series = [] } of result.aggregations ?? [])
      for (const { labels = [], values = [] } of series)
        for (const { timestamp, value } of values)
          put(
            result.queryName,
            groupKey(labels.map((label: { value: unknown }) => label.value)),
            timestamp,
            value,
          );
    const columns: { name: string; columnType: string; queryName: string }[] = result.columns ?? [];
    for (const row of result.data ?? []) {
      const group = groupKey(
        row.filter((_: unknown, i: number) => columns[i]?.columnType === "group"),
      );
      columns.forEach(({ columnType, queryName }, i) => {
        if (columnType === "aggregation") put(queryName || result.queryName, group, 0, row[i]);
      });
      rows.push(Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
    }
    for (const row of result.rows ?? []) rows.push(row.data);
  }
  return { answer, rows, steps: data.meta?.stepIntervals ?? {} };
}
