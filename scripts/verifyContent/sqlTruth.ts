/** What the panels and rules in SQL must show, computed from the records that were sent. */
import type { ContentInput } from "../../infra/signoz/contentInput";
import { adoptionDays, stoppedDays } from "../../infra/signoz/sql";
import { day, type Month, type Point } from "../../simulator/month/month";
import type { Range, Variables } from "./ask";
import { stored } from "./truth";

const spend = "claude_code.cost.usage";
const dateIn = (timezone: string) => {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone });
  return (at: number): string => format.format(at);
};

export interface Spent {
  engineer: string;
  team: string;
  today: number;
  month: number;
}

/** By engineer and team: since midnight, and since the first of the month, of the zone in which the end lies. */
export function spent(month: Month, { timezone }: ContentInput, end: number): Spent[] {
  const date = dateIn(timezone);
  const [today, first] = [date(end), `${date(end).slice(0, 7)}-01`];
  const sums = new Map<string, Spent>();
  for (const { name, at, value, attributes } of month.points) {
    if (name !== spend || at >= end || date(at) < first) continue;
    const [engineer, team] = [String(attributes.engineer), String(attributes.team ?? "")];
    const sum = sums.get(`${engineer} ${team}`) ?? { engineer, team, today: 0, month: 0 };
    sum.month += value;
    if (date(at) === today) sum.today += value;
    sums.set(`${engineer} ${team}`, sum);
  }
  return [...sums.values()];
}

export const cents = (value: number): number => Math.round(value * 100) / 100;

/** Rows or values by the panel's title, in the panel's own columns. */
export function sqlTruth(
  title: string,
  month: Month,
  input: ContentInput,
  range: Range,
  variables: Variables,
): Record<string, unknown>[] {
  const date = dateIn(input.timezone);
  const seen = (point: Point) =>
    (
      [
        ["team", "team"],
        ["engineer", "engineer"],
        ["verified", "engineer.verified"],
      ] as const
    ).every(([variable, attribute]) => {
      const chosen = variables[variable]?.value;
      return (
        chosen === undefined ||
        chosen === "__all__" ||
        [chosen].flat().includes(String(stored(point, attribute) ?? ""))
      );
    });
  const end = range.end - (range.end % 1000);
  const points = month.points.filter(
    (point) => point.name === spend && point.at < end && seen(point),
  );
  /** The first of so many days, the one of the end among them. */
  const firstOf = (days: number) =>
    new Date(Date.parse(date(end)) - (days - 1) * day).toISOString().slice(0, 10);
  const by = (from: string) => {
    const people = new Map<
      string,
      { teams: Set<string>; days: Set<string>; newest: number; usd: number }
    >();
    for (const { at, value, attributes } of points.filter(({ at }) => date(at) >= from)) {
      const engineer = String(attributes.engineer);
      const one = people.get(engineer) ?? { teams: new Set(), days: new Set(), newest: 0, usd: 0 };
      one.teams.add(String(attributes.team ?? ""));
      one.days.add(date(at));
      one.newest = Math.max(one.newest, at);
      one.usd += value;
      people.set(engineer, one);
    }
    return people;
  };
  const lately = by(firstOf(adoptionDays));
  const all = [...lately.values()].reduce((sum, { usd }) => sum + usd, 0);
  if (title.startsWith("Spend against budget"))
    return spent({ ...month, points }, input, end).map(({ engineer, team, today, month }) => {
      const own = input.teamBudgets.find((budget) => budget.team === team);
      const [daily, monthly] = [
        own?.dailyUsd ?? input.dailyBudgetUsd,
        own?.monthlyUsd ?? input.monthlyBudgetUsd,
      ];
      return {
        ...{ engineer, teams: team, "today, USD": cents(today), "daily budget, USD": daily },
        ...{ "of the day, %": daily > 0 ? Math.round((1000 * today) / daily) / 10 : null },
        ...{ "month, USD": cents(month), "monthly budget, USD": monthly },
        "of the month, %": monthly > 0 ? Math.round((1000 * month) / monthly) / 10 : null,
      };
    });
  if (title.startsWith("Stopped using"))
    return [
      {
        value: [...lately.values()].filter(({ newest }) => date(newest) < firstOf(stoppedDays))
          .length,
      },
    ];
  if (title.startsWith("Share of the top")) {
    if (all === 0) return [];
    const usd = [...lately.values()].map((one) => one.usd).sort((a, b) => b - a);
    return [{ value: (100 * usd.slice(0, 3).reduce((sum, one) => sum + one, 0)) / all }];
  }
  if (title.startsWith("Engineers per day")) {
    const days = new Map<string, Set<string>>();
    for (const { at, attributes } of points.filter(
      ({ at }) => at >= range.start - (range.start % 1000),
    ))
      days.set(date(at), (days.get(date(at)) ?? new Set()).add(String(attributes.engineer)));
    return [...days].map(([day, people]) => ({ day, value: people.size }));
  }
  if (title.startsWith("Active days"))
    return [...lately].map(([engineer, { teams, days, newest, usd }]) => ({
      ...{
        engineer,
        teams: [...teams].sort().join(", "),
        "active days": days.size,
        "last active": date(newest),
      },
      "days since": Math.round((Date.parse(date(end)) - Date.parse(date(newest))) / day),
      ...{ "spend, USD": cents(usd), "share of spend, %": Math.round((1000 * usd) / all) / 10 },
    }));
  throw new Error(
    `no truth for the panel in SQL "${title}": write it in scripts/verifyContent/sqlTruth.ts`,
  );
}
