/** The panels of a dashboard (Dashboardtypes…). */
import {
  all,
  any,
  array,
  boolean,
  by,
  type Check,
  matching,
  number,
  object,
  oneOf,
  record,
  string,
} from "../check.js";
import { anyBuilderQuery, envelope, fieldKey, sqlQuery } from "./query.js";

export const display = object({ name: matching(/^.{1,128}$/s) }, { description: string });
const timePreference = oneOf(
  ...["global_time", "last_5_min", "last_15_min", "last_30_min", "last_1_hr", "last_6_hr"],
  ...["last_1_day", "last_3_days", "last_1_week", "last_1_month"],
);
const precision = oneOf("0", "1", "2", "3", "4", "full");
const formatting = object({}, { unit: string, decimalPrecision: precision });
const visualization = (more: Record<string, Check> = {}) => object({}, { timePreference, ...more });
const legend = object({}, { position: oneOf("bottom", "right"), mode: oneOf("list") });
const threshold = (more: Record<string, Check>) =>
  array(object({ value: number, color: matching(/./) }, { unit: string, ...more }));
const axes = object({}, { softMin: number, softMax: number, isLogScale: boolean });
export const plugin = (spec: Check) => object({ kind: string, spec });
const panelPlugin = by("kind", {
  "signoz/TimeSeriesPanel": plugin(
    object(
      {},
      {
        visualization: visualization({ fillSpans: boolean }),
        formatting,
        axes,
        legend,
        thresholds: threshold({ label: string }),
      },
    ),
  ),
  "signoz/BarChartPanel": plugin(
    object(
      {},
      {
        visualization: visualization({ fillSpans: boolean, stackedBarChart: boolean }),
        formatting,
        axes,
        legend,
        thresholds: threshold({ label: string }),
      },
    ),
  ),
  "signoz/NumberPanel": plugin(
    object(
      {},
      {
        visualization: visualization(),
        formatting,
        thresholds: threshold({ operator: string, format: oneOf("text", "background") }),
      },
    ),
  ),
  "signoz/PieChartPanel": plugin(
    object({}, { visualization: visualization(), formatting, legend }),
  ),
  "signoz/TablePanel": plugin(
    object(
      {},
      {
        visualization: visualization(),
        formatting: object({}, { columnUnits: record(string), decimalPrecision: precision }),
      },
    ),
  ),
  "signoz/ListPanel": plugin(object({}, { selectFields: array(fieldKey) })),
});
const queryPlugin = by("kind", {
  "signoz/BuilderQuery": plugin(anyBuilderQuery),
  "signoz/CompositeQuery": plugin(object({ queries: array(envelope, { min: 1 }) })),
  "signoz/ClickHouseSQL": plugin(sqlQuery),
});

interface PanelBody {
  spec: {
    plugin: { kind: string };
    queries: { kind: string; spec: { plugin: { kind: string; spec: Record<string, unknown> } } }[];
  };
}

/** Which request a panel makes, and what its query must hold for it. */
const panelRules: Check = (value, path) => {
  const { plugin, queries } = (value as PanelBody).spec;
  const request: Record<string, string> = {
    "signoz/TimeSeriesPanel": "time_series",
    "signoz/BarChartPanel": "time_series",
    "signoz/ListPanel": "raw",
  };
  const expected = request[plugin.kind] ?? "scalar";
  const query = queries[0];
  if (query?.kind !== expected) return [`${path}: ${plugin.kind} needs a ${expected} query`];
  const inner = query.spec.plugin;
  if (inner.kind === "signoz/ClickHouseSQL")
    return expected === "raw" ? [`${path}: a list takes a builder query only`] : [];
  const specs =
    inner.kind === "signoz/CompositeQuery"
      ? (inner.spec.queries as { type: string; spec: Record<string, unknown> }[])
          .filter(({ type }) => type === "builder_query")
          .map(({ spec }) => spec)
      : [inner.spec];
  return specs.flatMap((spec) => {
    if (expected === "raw") return spec.aggregations ? [`${path}: a list has no aggregations`] : [];
    const aggregations = spec.aggregations as { reduceTo?: string }[] | undefined;
    if (!aggregations) return [`${path}: query ${spec.name} has no aggregation`];
    // Without it a scalar of a metric is refused when the dashboard is opened.
    if (expected === "scalar" && spec.signal === "metrics" && !aggregations[0]?.reduceTo)
      return [`${path}: query ${spec.name} needs reduceTo`];
    return [];
  });
};
export const panel = all(
  object({
    kind: oneOf("Panel"),
    spec: object(
      {
        display,
        plugin: panelPlugin,
        queries: array(
          object({
            kind: oneOf("scalar", "time_series", "raw"),
            spec: object({ plugin: queryPlugin }, { name: string }),
          }),
          { min: 1, max: 1 },
        ),
      },
      { links: array(any) },
    ),
  }),
  panelRules,
);
