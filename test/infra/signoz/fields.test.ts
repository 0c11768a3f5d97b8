import { describe, expect, it } from "vitest";
import { atLeast, is } from "../../../infra/signoz/condition.js";
import { renderContent } from "../../../infra/signoz/content.js";
import { events, metrics, onResource } from "../../../infra/signoz/names.js";
import { field, increase, events as logs } from "../../../infra/signoz/query.js";
import { spendAgainstBudget, spentSince, sqlText, topShare } from "../../../infra/signoz/sql.js";
import columns from "../../../simulator/signoz/columns.json";
import { fullInput } from "../../../simulator/signoz/input.js";
import { type BuilderSpec, builderQueries } from "./queries.js";

const all = builderQueries(renderContent(fullInput));
const signals = ["metrics", "logs", "traces"] as const;
/** What SigNoz itself keeps in a column, and is meant by its bare name. */
const intrinsic = ["body", "name", "timestamp", "duration_nano"];

/** Conditions of a filter whose texts may hold anything, `AND` included. */
const fieldsOf = (expression = ""): string[] =>
  [...expression.replace(/'(?:[^'\\]|\\.)*'/g, "''").matchAll(/(?:^|AND )(\S+) /g)].map(
    ([, name = ""]) => name,
  );

/** Names by which a query means an attribute, and that SigNoz would take for a column of its own. */
function shadowed({
  signal,
  groupBy = [],
  columns: shown,
  order,
  filter,
  aggregations,
}: BuilderSpec) {
  const taken = columns[signal] as string[];
  const bare = [
    ...[...groupBy, ...shown, ...(order ?? []).map(({ key }) => key)]
      .filter(({ fieldContext }) => !fieldContext)
      .map(({ name }) => name),
    ...fieldsOf(filter?.expression).filter((name) => !/^(attribute|resource)\./.test(name)),
    ...(aggregations ?? []).flatMap(
      ({ expression = "" }) => /\(([^)]+)\)/.exec(expression)?.[1] ?? [],
    ),
  ];
  return bare.filter((name) => taken.includes(name) && !intrinsic.includes(name));
}

describe("names that SigNoz shadows", () => {
  it("are known from the schema: columns of its tables and of the tables' older forms", () => {
    for (const signal of signals) expect(columns[signal].length, signal).toBeGreaterThan(8);
    expect(columns.metrics).toContain("type");
    expect(columns.logs).toContain("severity_text");
    expect(columns.traces).toContain("status_code");
  });

  it.each(all)("%s uses none without its context", (_, spec) => {
    expect(shadowed(spec)).toEqual([]);
  });

  it("are found wherever they stand", () => {
    const spec = { signal: "metrics", source: "", columns: [] } as const;
    expect(shadowed({ ...spec, groupBy: [{ name: "type" }] })).toEqual(["type"]);
    expect(
      shadowed({ ...spec, filter: { expression: "type = 'a AND b' AND labels = ''" } }),
    ).toEqual(["type", "labels"]);
    const trace = { ...spec, signal: "traces" } as const;
    expect(shadowed({ ...trace, aggregations: [{ expression: "p95(flags)" }] })).toEqual(["flags"]);
    expect(shadowed({ ...trace, columns: [{ name: "status_code" }] })).toEqual(["status_code"]);
  });

  it.each(all)("%s names the level of everything it groups by, filters by and shows", (_, spec) => {
    for (const { name, fieldContext } of [...(spec.groupBy ?? []), ...spec.columns])
      expect(fieldContext, name).toBe(
        (onResource as readonly string[]).includes(name) ? "resource" : "attribute",
      );
    for (const name of fieldsOf(spec.filter?.expression))
      expect(intrinsic.includes(name) || name.startsWith("attribute."), name).toBe(true);
  });
});

/** Each kind of character that some layer between a value and ClickHouse reads as more than itself. */
const odd = [
  "r&d",
  "<platform>",
  "a > b",
  "o'neill",
  'say "hi"',
  "back\\slash",
  "\\'",
  "\\",
  "100 %",
  "under_score%",
  "Zürich 東京 🚀",
  "with blanks  inside",
  "a AND b",
  "x) OR (1=1",
  "{{.end_timestamp}}",
  "[[team]]",
  "$team",
  "a=b,c",
  "semi;colon--",
  "tab\tand\nline",
];

describe("values", () => {
  /** SigNoz v0.138.0: QUOTED_TEXT of grammar/FilterQuery.g4, then trimQuotes of where_clause_visitor.go. */
  const readBack = (expression: string) => {
    const [, text, rest] =
      /^attribute\.tool_name = '((?:[^'\\]|\\[\s\S])*)'([\s\S]*)$/.exec(expression) ?? [];
    expect(rest, expression).toBe("");
    return text?.replaceAll("\\\\", "\\").replaceAll("\\'", "'");
  };

  it.each(odd.filter((value) => !value.startsWith("$")))("%j survives a filter", (value) => {
    const { where } = logs(events.toolResult, "count()", { where: { tool_name: is(value) } });
    expect(readBack(where[1] ?? "")).toBe(value);
  });

  it("that begin with $ are refused: SigNoz would look them up among the variables", () => {
    expect(() => is("$team")).toThrow('SigNoz reads "$team" as a variable');
  });

  /** ClickHouse's two ways of writing the text. */
  const readSql = (text: string) => {
    const [, hex] = /^unhex\('([0-9a-f]*)'\)$/.exec(text) ?? [];
    return hex === undefined ? /^'([^'\\]*)'$/.exec(text)?.[1] : Buffer.from(hex, "hex").toString();
  };
  it.each(odd)("%j survives SQL, and nothing in it is read by SigNoz' templates", (value) => {
    expect(readSql(sqlText(value))).toBe(value);
    expect(sqlText(value)).not.toMatch(/[{[$\\]/);
  });

  it.each(odd)("a budget of team %j asks for exactly that team", (team) => {
    const only = spentSince("day", { timezone: "UTC", teams: { only: team }, verifiedOnly: false });
    expect(only).toContain(`team = ${sqlText(team)}`);
    const table = spendAgainstBudget({
      ...fullInput,
      teamBudgets: [{ team, dailyUsd: 1, monthlyUsd: 2 }],
    });
    expect(table).toContain(`transform(own, [${sqlText(team)}], [1], 50)`);
  });
});

it("a share of nothing is no value, not NaN", () => {
  expect(topShare("UTC", 3)).toMatch(/ HAVING sum\(usd\) > 0$/);
});

describe("resources", () => {
  it("are filtered by nowhere: SigNoz compares them as escaped JSON", () => {
    expect(() => field("service.version")).toThrow("cannot filter by every value");
    // @ts-expect-error: nor does it compile
    expect(() => increase(metrics.sessions, { where: { "service.version": is("1") } })).toThrow();
    expect(field("engineer.verified")).toBe("attribute.engineer.verified");
    expect(atLeast(1)).toBe(">= 1");
  });
});

describe("a ratio", () => {
  const ratios = (renderContent(fullInput).dashboards as never as RatioDashboard[]).flatMap(
    ({ spec }) =>
      Object.values(spec.panels).flatMap(({ spec: { display, queries } }) => {
        const inner = queries[0]?.spec.plugin.spec.queries ?? [];
        return inner.some(({ type }) => type === "builder_formula")
          ? [[display.name, inner.filter(({ type }) => type === "builder_query"), display] as const]
          : [];
      }),
  );
  interface RatioDashboard {
    spec: {
      panels: Record<
        string,
        {
          spec: {
            display: { name: string; description: string };
            queries: {
              spec: { plugin: { spec: { queries?: { type: string; spec: BuilderSpec }[] } } };
            }[];
          };
        }
      >;
    };
  }

  it("is found", () => {
    expect(ratios.length).toBeGreaterThan(9);
  });

  it.each(ratios)("%s limits and groups every part by the same", (_, parts, { description }) => {
    const limits = parts.map(({ spec }): string[] =>
      (spec.filter?.expression.match(/\$\w+/g) ?? []).sort(),
    );
    for (const limit of limits) expect(limit).toEqual(limits[0]);
    const groups = parts.map(({ spec }) => spec.groupBy?.map(({ name }) => name));
    for (const group of groups) expect(group).toEqual(groups[0]);
    if (!limits[0]?.includes("$model") && limits[0]?.includes("$team"))
      expect(description).toContain("The same for every choice of model");
  });
});
