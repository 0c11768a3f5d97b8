import { setTimeout as sleep } from "node:timers/promises";
import { renderContent } from "../../infra/signoz/content";
import type { ContentInput } from "../../infra/signoz/contentInput";
import { day, type Month, people } from "../../simulator/month/month";
import { ask, type Panel, panelsOf, type Range, type Variables } from "./ask";
import { differencesOf, type Part, rowDifferences } from "./compare";
import type { Signoz } from "./signoz";
import { sqlTruth } from "./sqlTruth";
import { truth } from "./truth";

/** As many panels as a dashboard asks for at once. */
const atOnce = 4;

const ranges = { "1 h": day / 24, "24 h": day, "7 d": 7 * day, "30 d": 30 * day };

/** Each variable alone with each kind of value, two values at once, and all of it together. */
function selections(names: string[], single: string[], engineers: string[]): [string, Variables][] {
  const address = engineers.filter((name) => name.startsWith("ada"));
  const all: Variables = Object.fromEntries(
    names.map((name) => [
      name,
      { type: "dynamic", value: single.includes(name) ? "linus" : "__all__" },
    ]),
  );
  const values: Record<string, string[][]> = {
    team: [...new Set(people.map(({ team }) => team).filter(Boolean))].map((team) => [team]),
    engineer: [["o'neill"], ["zoë", "東京"], address],
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

/** Panels of metrics that the gate sends about itself. */
const isOfGate = ({ queries }: Panel): boolean =>
  queries.some(
    ({ spec }) =>
      spec.signal === "metrics" && !/^claude_code\./.test(spec.aggregations?.[0]?.metricName ?? ""),
  );

const fed = ({ points, logs, spans }: Month) => [points.length, logs.length, spans.length];
const none = () => [0, 0, 0];
/** Of those, what is known: points, log records and spans, whatever the machine is. */
const gateTruth: Record<string, (month: Month) => number[]> = {
  "Accepted items": fed,
  "Stored items": fed,
  "Refused items": none,
  "Failed writes": none,
  "Dropped items": none,
};

/**
 * What the gate says of itself since an hour before now: it reports every minute, so what it has not said yet is waited
 * for `patienceMs`.
 */
export async function compareGate(
  signoz: Signoz,
  month: Month,
  panel: Panel,
  patienceMs = 180_000,
): Promise<Outcome> {
  const expected = gateTruth[panel.title]?.(month);
  for (const deadline = Date.now() + patienceMs; ; await sleep(5000)) {
    const range = { start: Date.now() - day / 24, end: Date.now() };
    const { answer } = await ask(signoz, panel, range, {});
    if (!expected) return { kind: "unknown", found: [] };
    const sums = panel.queries.map(({ spec }) =>
      Object.values(answer[spec.name] ?? {})
        .flatMap((times) => Object.values(times))
        .reduce((sum, value) => sum + value, 0),
    );
    if (`${sums}` === `${expected}`) return { kind: "compared", found: [] };
    if (Date.now() >= deadline)
      return { kind: "compared", found: [`${sums} items instead of ${expected}`] };
  }
}

interface Outcome {
  /** Empty: compared, and there is nothing to show. */
  kind: "compared" | "empty" | "unknown";
  found: string[];
}
const compared = (empty: boolean, found: string[]): Outcome => ({
  kind: empty ? "empty" : "compared",
  found,
});

async function compareOne(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  panel: Panel,
  range: Range,
  variables: Variables,
): Promise<Outcome> {
  const { answer, rows, steps } = await ask(signoz, panel, range, variables);
  if (panel.queries[0]?.type === "clickhouse_sql") {
    const expected = sqlTruth(panel.title, month, input, range, variables);
    const got =
      panel.request === "scalar"
        ? rows
        : Object.values(answer.A?.[""] ?? {}).map((value) => ({ value }));
    const values = (all: Record<string, unknown>[]) => all.map(({ value }) => ({ value }));
    return compared(
      expected.length === 0,
      rowDifferences(got, panel.request === "scalar" ? expected : values(expected)),
    );
  }
  const expected = truth(month, panel, range, variables, steps);
  if (panel.request === "raw") {
    const count = Object.values(expected.A ?? {})
      .flatMap((times) => Object.values(times))
      .reduce((sum, one) => sum + one, 0);
    const wanted = Math.min(count, panel.queries[0]?.spec.limit ?? count);
    return compared(
      wanted === 0,
      rows.length === wanted ? [] : [`${rows.length} records instead of ${wanted}`],
    );
  }
  return compared(
    Object.keys(expected).every((query) => Object.keys(expected[query] ?? {}).length === 0),
    differencesOf(answer, expected),
  );
}

export async function comparePanels(
  signoz: Signoz,
  month: Month,
  input: ContentInput,
  end: number,
): Promise<Part & { counts: Record<string, number> }> {
  const counts = { asked: 0, compared: 0, empty: 0, unknown: 0 };
  const differences: string[] = [];
  const engineers = [...new Set(month.points.map(({ attributes }) => `${attributes.engineer}`))];
  const questions: [string, () => Promise<Outcome>][] = [];
  const take = async ([where, ask]: (typeof questions)[number]) => {
    counts.asked++;
    try {
      const { kind, found } = await ask();
      if (found.length > 0) differences.push(`${where}: ${found.join("; ")}`);
      else counts[kind]++;
    } catch (error) {
      differences.push(`${where}: ${(error as Error).message}`);
    }
  };
  // biome-ignore lint/suspicious/noExplicitAny: a dashboard's JSON
  for (const dashboard of renderContent(input).dashboards as any[]) {
    const names: string[] = dashboard.spec.variables.map(
      ({ spec }: { spec: { name: string } }) => spec.name,
    );
    const single = dashboard.spec.variables
      .filter(({ spec }: { spec: { allowMultiple: boolean } }) => !spec.allowMultiple)
      .map(({ spec }: { spec: { name: string } }) => spec.name);
    for (const panel of panelsOf(dashboard)) {
      const where = `${dashboard.spec.display.name} / ${panel.title}`;
      if (isOfGate(panel)) {
        questions.push([where, () => compareGate(signoz, month, panel)]);
        continue;
      }
      for (const [choice, variables] of selections(names, single, engineers))
        for (const [length, milliseconds] of Object.entries(ranges)) {
          // What a choice does is the same in every range; what a range does is seen with all of it.
          if (choice !== "all" && length !== "7 d") continue;
          const range = { start: end - milliseconds, end };
          questions.push([
            `${where} / ${choice} / ${length}`,
            () => compareOne(signoz, month, input, panel, range, variables),
          ]);
        }
    }
  }
  const asker = async () => {
    for (let one = questions.shift(); one; one = questions.shift()) await take(one);
  };
  await Promise.all(Array.from({ length: atOnce }, asker));
  const { asked, compared: equal, empty, unknown } = counts;
  const summary = `panels × variables × ranges: ${asked} asked, ${equal} equal, ${empty} rightly empty, ${unknown} of the gate not compared, ${differences.length} different`;
  return { summary, counts, differences };
}
