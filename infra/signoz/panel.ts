/** Panels: a line of a dashboard says title, the question it answers, query and unit. */
import { builderQuery, carries, field, key, type Query } from "./query";

/** Unit ids of SigNoz' axis formatter (frontend/src/components/YAxisUnitSelector of v0.138.0). */
export const unit = {
  none: "none",
  count: "short",
  usd: "currencyUSD",
  seconds: "s",
  milliseconds: "ms",
  nanoseconds: "ns",
  percent: "percent",
  bytes: "bytes",
} as const;
export type Unit = (typeof unit)[keyof typeof unit];

type Kind = "Number" | "TimeSeries" | "BarChart" | "PieChart" | "Table" | "List";

/** One query, or several by label (lines of a chart, columns of a table). */
type Queries = Query | Record<string, Query>;

interface Extras {
  /** Combines the queries, in their order A, B, …; only its result is shown. */
  formula?: string;
  /** A fixed range instead of the one chosen on the dashboard. */
  range?: "last_1_day" | "last_1_week" | "last_1_month";
}

export interface Panel extends Extras {
  title: string;
  question: string;
  kind: Kind;
  queries: [label: string, query: Query][];
  unit: Unit;
  /** Columns of a list. */
  columns?: string[];
}

const panel =
  (kind: Kind) =>
  (title: string, question: string, queries: Queries, unit: Unit, extras: Extras = {}): Panel => ({
    title,
    question,
    kind,
    queries: "signal" in queries ? [["", queries as Query]] : Object.entries(queries),
    unit,
    ...extras,
  });

export const number = panel("Number");
export const lines = panel("TimeSeries");
export const bars = panel("BarChart");
export const pie = panel("PieChart");
export const table = panel("Table");

/** The newest log records themselves. */
export const list = (title: string, question: string, query: Query, columns: string[]): Panel => ({
  ...panel("List")(title, question, query, "none"),
  columns,
});

/** Width and height on the grid of 12 columns. */
export const size = (kind: Kind): [width: number, height: number] =>
  ({
    Number: [3, 3],
    TimeSeries: [6, 6],
    BarChart: [6, 6],
    PieChart: [6, 6],
    Table: [12, 8],
    List: [12, 8],
  })[kind] as [number, number];

/** A variable filters every query whose source carries its attribute. */
export interface Variable {
  attribute: string;
  /** One value only, no "all". */
  single?: boolean;
}

const filters = (query: Query, variables: Variable[]): string[] =>
  variables
    .filter(({ attribute }) => carries(query, attribute))
    .map(({ attribute, single }) =>
      [field(query.signal, attribute), single ? "=" : "IN", `$${attribute}`].join(" "),
    );

const requestType = (kind: Kind) =>
  kind === "List" ? "raw" : ["TimeSeries", "BarChart"].includes(kind) ? "time_series" : "scalar";

function pluginSpec({ kind, unit, range, queries }: Panel): object {
  const formatting = { unit, decimalPrecision: "2" };
  const visualization = { timePreference: range ?? "global_time" };
  switch (kind) {
    case "Number":
    case "PieChart":
    case "TimeSeries":
      return { visualization, formatting };
    case "BarChart":
      return { visualization: { ...visualization, stackedBarChart: true }, formatting };
    case "Table":
      return {
        visualization,
        formatting: {
          columnUnits: Object.fromEntries(
            queries.map((_, index) => [letter(index), index === 0 ? unit : "short"]),
          ),
          decimalPrecision: "2",
        },
      };
    case "List":
      return {};
    default:
      return kind satisfies never;
  }
}

const letter = (index: number): string => String.fromCharCode("A".charCodeAt(0) + index);

function queryPlugin(panel: Panel, variables: Variable[]): object {
  const specs = panel.queries.map(([label, query], index) => ({
    ...builderQuery(query, letter(index), filters(query, variables)),
    ...(label && { legend: label }),
    ...(panel.formula && { disabled: true }),
    ...(panel.columns && {
      aggregations: undefined,
      groupBy: undefined,
      selectFields: panel.columns.map((name) => key(query.signal, name)),
      order: [{ key: { name: "timestamp" }, direction: "desc" }],
      limit: 100,
    }),
  }));
  const [only] = specs;
  if (only && specs.length === 1) return { kind: "signoz/BuilderQuery", spec: only };
  const formula = panel.formula && {
    type: "builder_formula",
    spec: { name: "F1", expression: panel.formula, disabled: false, legend: panel.title },
  };
  return {
    kind: "signoz/CompositeQuery",
    spec: {
      queries: [
        ...specs.map((spec) => ({ type: "builder_query", spec })),
        ...(formula ? [formula] : []),
      ],
    },
  };
}

/** The panel's JSON (DashboardtypesPanel of the v0.138.0 API). */
export function renderPanel(panel: Panel, variables: Variable[]): object {
  return {
    kind: "Panel",
    spec: {
      display: { name: panel.title, description: panel.question },
      plugin: { kind: `signoz/${panel.kind}Panel`, spec: pluginSpec(panel) },
      queries: [
        {
          kind: requestType(panel.kind),
          spec: { name: "A", plugin: queryPlugin(panel, variables) },
        },
      ],
    },
  };
}
