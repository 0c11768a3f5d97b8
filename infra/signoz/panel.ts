/** Panels: a line of a dashboard says title, the question it answers, query and unit. */
import { chosenAs, chosenIn } from "./condition";
import { metrics } from "./names";
import { builderQuery, field, formulaQueries, key, letter, type Query, rawQuery } from "./query";

/** Unit ids of SigNoz' axis formatter (frontend/src/components/YAxisUnitSelector of v0.138.0). */
export const unit = {
  count: "short",
  usd: "currencyUSD",
  seconds: "s",
  milliseconds: "ms",
  nanoseconds: "ns",
  percent: "percent",
  fraction: "percentunit",
  bytes: "bytes",
} as const;
export type Unit = (typeof unit)[keyof typeof unit];

type Kind = "Number" | "TimeSeries" | "BarChart" | "PieChart" | "Table" | "List";

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
  queries: { label: string; query: Query; unit: Unit }[];
  unit: Unit;
  /** Columns of a list. */
  columns?: string[];
  /** In the place of queries. */
  sql?: string;
}

/** One query, or several by label (lines of a chart, columns of a table). */
type Queries = Query | Record<string, Query | [Query, Unit]>;

function labelled(queries: Queries, unit: Unit): Panel["queries"] {
  if ("signal" in queries) return [{ label: "", query: queries as Query, unit }];
  return Object.entries(queries).map(([label, entry]) => {
    const [query, own] = Array.isArray(entry) ? entry : [entry, unit];
    return { label, query, unit: own };
  });
}

const panel =
  (kind: Kind) =>
  (
    title: string,
    question: string,
    queries: Queries,
    unit: Unit = "short",
    extras: Extras = {},
  ): Panel => ({ title, question, kind, queries: labelled(queries, unit), unit, ...extras });

export const number = panel("Number");
export const lines = panel("TimeSeries");
export const bars = panel("BarChart");
export const pie = panel("PieChart");
export const table = panel("Table");

/** The newest log records themselves. */
export const list = (title: string, question: string, query: Query, columns: string[]): Panel => ({
  ...panel("List")(title, question, query),
  columns,
});

/** What only SQL can ask: panels of one value, a table, or points over time. */
const asked =
  (kind: "Number" | "BarChart" | "Table") =>
  (title: string, question: string, sql: string, unit: Unit = "short"): Panel => ({
    ...{ title, question, kind, queries: [], unit, sql },
  });
export const askedNumber = asked("Number");
export const askedBars = asked("BarChart");
export const askedTable = asked("Table");

/** Width and height on the grid of 12 columns. */
export const size: Record<Kind, [width: number, height: number]> = {
  Number: [3, 3],
  TimeSeries: [6, 6],
  BarChart: [6, 6],
  PieChart: [6, 6],
  Table: [12, 8],
  List: [12, 8],
};

/** A variable filters every panel all of whose queries carry its attribute. */
export interface Variable {
  attribute: string;
  /** What it is called on the dashboard and in queries; absent = as its attribute. */
  name?: string;
  /** Exactly one value, no "all". */
  single?: boolean;
}

export const nameOf = ({ attribute, name = attribute }: Variable): string => name;

/**
 * The variables that limit a panel: those that each of its queries can be limited by, so that a ratio is never one of
 * two different things.
 */
const applied = ({ queries, sql }: Panel, variables: Variable[]): Variable[] =>
  sql
    ? variables.filter((variable) => sql.includes(`$${nameOf(variable)}]`))
    : variables.filter(({ attribute }) =>
        queries.every(({ query: { source } }) => source.attributes.includes(attribute)),
      );

const filters = (variables: Variable[]): string[] =>
  variables.map(
    (variable) =>
      `${field(variable.attribute)} ${(variable.single ? chosenAs : chosenIn)(nameOf(variable))}`,
  );

const isSpend = ({ queries, columns = [], sql = "" }: Panel): boolean =>
  /usd/i.test(sql) ||
  columns.includes("cost_usd") ||
  queries.some(({ query }) => query.source.name === metrics.cost.name);

/** Said wherever money is shown; the panel's title has the short form. */
const estimate =
  "An estimate by Claude Code at list prices, for people on a subscription too: not what anybody is invoiced.";

/** The question, and what somebody who reads the answer must know. */
function description(panel: Panel, variables: Variable[]): string {
  const limiting = applied(panel, variables);
  const ignored = variables.filter((variable) => !limiting.includes(variable)).map(nameOf);
  return [
    panel.question,
    ...(isSpend(panel) ? [estimate] : []),
    ...(ignored.length > 0 ? [`The same for every choice of ${ignored.join(" and ")}.`] : []),
  ].join(" ");
}

export const titleOf = (panel: Panel): string =>
  isSpend(panel) && panel.kind !== "List" ? `${panel.title} (list prices)` : panel.title;

function pluginSpec({ kind, unit, range, queries, columns = [] }: Panel): object {
  const formatting = { unit, decimalPrecision: "2" };
  const visualization = { timePreference: range ?? "global_time" };
  switch (kind) {
    case "Number":
    case "PieChart":
    case "TimeSeries":
      return { visualization, formatting };
    case "BarChart":
      return { visualization: { ...visualization, stackedBarChart: true }, formatting };
    case "Table": {
      const columnUnits = Object.fromEntries(queries.map(({ unit }, i) => [letter(i), unit]));
      return { visualization, formatting: { columnUnits, decimalPrecision: "2" } };
    }
    case "List":
      return { selectFields: columns.map(key) };
    default:
      return kind satisfies never;
  }
}

function queryPlugin(panel: Panel, variables: Variable[]): object {
  if (panel.sql) {
    const spec = { name: "A", query: panel.sql, disabled: false, legend: panel.title };
    return { kind: "signoz/ClickHouseSQL", spec };
  }
  const conditions = filters(applied(panel, variables));
  const specs = panel.queries.map(({ label, query }, index) => {
    if (panel.columns) return rawQuery(query, letter(index), conditions);
    const spec = builderQuery(query, letter(index), conditions);
    return label ? { ...spec, legend: label } : spec;
  });
  if (panel.formula) return composite(formulaQueries(specs, panel.formula, panel.title));
  if (specs.length === 1) return { kind: "signoz/BuilderQuery", spec: specs[0] };
  return composite(specs.map((spec) => ({ type: "builder_query", spec })));
}

const composite = (queries: object[]) => ({ kind: "signoz/CompositeQuery", spec: { queries } });

const requestType: Record<Kind, "scalar" | "time_series" | "raw"> = {
  Number: "scalar",
  PieChart: "scalar",
  Table: "scalar",
  TimeSeries: "time_series",
  BarChart: "time_series",
  List: "raw",
};

/** The panel's JSON (DashboardtypesPanel of the v0.138.0 API). */
export const renderPanel = (panel: Panel, variables: Variable[]): object => ({
  kind: "Panel",
  spec: {
    display: { name: titleOf(panel), description: description(panel, variables) },
    plugin: { kind: `signoz/${panel.kind}Panel`, spec: pluginSpec(panel) },
    queries: [
      { kind: requestType[panel.kind], spec: { name: "A", plugin: queryPlugin(panel, variables) } },
    ],
  },
});
