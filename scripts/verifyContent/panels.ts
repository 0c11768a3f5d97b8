import { renderContent } from "../../infra/signoz/content";
import type { ContentInput } from "../../infra/signoz/contentInput";
import { day, type Month, people } from "../../simulator/month/month";
import { ask, type Panel, panelsOf, type Range, type Variables } from "./ask";
import { differencesOf, type Part, rowDifferences } from "./compare";
import type { Signoz } from "./signoz";
import { sqlTruth } from "./sqlTruth";
import { truth } from "./truth";

const ranges = { "1 h": day / 24, "24 h": day, "7 d": 7 * day, "30 d": 30 * day };

/** Each variable alone with each kind of value, two values at once, and all of it together. */
function selections(names: string[], single: string[]): [string, Variables][] {
  const all: Variables = Object.fromEntries(
    names.map((name) => [
      name,
      { type: "dynamic", value: single.includes(name) ? "linus" : "__all__" },
    ]),
  );
  const values: Record<string, string[][]> = {
    team: [...new Set(people.map(({ team }) => team).filter(Boolean))].map((team) => [team]),
    engineer: [["o'neill"], ["zoë", "東京"], ["ada@corp.example"]],
    model: [["claude-opus-4-5"]],
    verified: [["true"], ["false"]],
  };
  const chosen = names.flatMap((name) =>
    (values[name] ?? []).map((value): [string, Variables] => [
      `${name} ${value.join("+")}`,
      {
        ...all,
        [name]: { type: "dynamic", value: single.includes(name) ? (value[0] ?? "") : value },
      },
    ]),
  );
  return [["all", all], ...chosen];
}

/** Panels of metrics that the gate sends about itself: asked for an answer, not compared. */
const isOfGate = ({ queries }: Panel): boolean =>
  queries.some(
    ({ spec }) =>
      spec.signal === "metrics" && !/^claude_code\./.test(spec.aggregations?.[0]?.metricName ?? ""),
  );

async function compareOne(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  panel: Panel,
  range: Range,
  variables: Variables,
): Promise<{ empty: boolean; found: string[] }> {
  const { answer, rows, steps } = await ask(signoz, panel, range, variables);
  if (isOfGate(panel)) return { empty: true, found: [] };
  if (panel.queries[0]?.type === "clickhouse_sql") {
    const expected = sqlTruth(panel.title, month, input, range, variables);
    const got =
      panel.request === "scalar"
        ? rows
        : Object.values(answer.A?.[""] ?? {}).map((value) => ({ value }));
    const values = (all: Record<string, unknown>[]) => all.map(({ value }) => ({ value }));
    return {
      empty: expected.length === 0,
      found:
        panel.request === "scalar"
          ? rowDifferences(got, expected)
          : rowDifferences(got, values(expected)),
    };
  }
  const expected = truth(month, panel, range, variables, steps);
  if (panel.request === "raw") {
    const count = Object.values(expected.A ?? {})
      .flatMap((times) => Object.values(times))
      .reduce((sum, one) => sum + one, 0);
    const wanted = Math.min(count, panel.queries[0]?.spec.limit ?? count);
    return {
      empty: wanted === 0,
      found: rows.length === wanted ? [] : [`${rows.length} records instead of ${wanted}`],
    };
  }
  return {
    empty: Object.keys(expected).every((query) => Object.keys(expected[query] ?? {}).length === 0),
    found: differencesOf(answer, expected),
  };
}

export async function comparePanels(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  end: number,
): Promise<Part & { equal: number; empty: number; asked: number }> {
  let [equal, empty, asked] = [0, 0, 0];
  const differences: string[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: a dashboard's JSON
  for (const dashboard of renderContent(input).dashboards as any[]) {
    const names: string[] = dashboard.spec.variables.map(
      ({ spec }: { spec: { name: string } }) => spec.name,
    );
    const single = dashboard.spec.variables
      .filter(({ spec }: { spec: { allowMultiple: boolean } }) => !spec.allowMultiple)
      .map(({ spec }: { spec: { name: string } }) => spec.name);
    for (const panel of panelsOf(dashboard))
      for (const [choice, variables] of selections(names, single))
        for (const [length, milliseconds] of Object.entries(ranges)) {
          // What a choice does is the same in every range; what a range does is seen with all of it.
          if (choice !== "all" && length !== "7 d") continue;
          const range = { start: end - milliseconds, end };
          asked++;
          const where = `${dashboard.spec.display.name} / ${panel.title} / ${choice} / ${length}`;
          try {
            const one = await compareOne(signoz, month, input, panel, range, variables);
            if (one.found.length > 0) differences.push(`${where}: ${one.found.join("; ")}`);
            else if (one.empty) empty++;
            else equal++;
          } catch (error) {
            differences.push(`${where}: ${(error as Error).message}`);
          }
        }
  }
  const summary = `panels × variables × ranges: ${asked} asked, ${equal} equal, ${empty} empty or not compared, ${differences.length} different`;
  return { summary, equal, empty, asked, differences };
}
