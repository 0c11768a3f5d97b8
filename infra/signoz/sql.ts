/**
 * Questions that builder queries cannot answer exactly, in SQL over SigNoz' tables (collector v0.144.7): sums since
 * midnight or the first of the month (a builder query drops the unfinished first and last step, up to 2.5 hours in a
 * month), days on which somebody was active, shares of a whole.
 */
import type { ContentInput } from "./contentInput";
import { dataMountpoint, gate, metrics } from "./names";

/** Plain text where a person can read it; anything else in hex: SigNoz reads `{{`, `[[` and `$` even within quotes. */
export const sqlText = (value: string): string =>
  /^[\w .:/+-]*$/.test(value) ? `'${value}'` : `unhex('${Buffer.from(value).toString("hex")}')`;

const list = (values: string[]): string => `[${values.map(sqlText).join(", ")}]`;

/** The end of the range that is asked for; a rule's is its evaluation. */
const end = "toDateTime({{.end_timestamp}})";
const milliseconds = (time: string): string => `toUnixTimestamp(${time}) * 1000`;

/** Times of day and date count in the configured zone. */
const since = (timezone: string) => ({
  day: `toStartOfDay(${end}, ${sqlText(timezone)})`,
  month: `toDateTime(toStartOfMonth(${end}, ${sqlText(timezone)}), ${sqlText(timezone)})`,
  /** So many days of the calendar, the one of the end among them: as many hours would touch one day more. */
  days: (count: number) =>
    `toDateTime(subtractDays(toDate(${end}, ${sqlText(timezone)}), ${count - 1}), ${sqlText(timezone)})`,
  range: "toDateTime({{.start_timestamp}})",
});

export type Since = "day" | "month";

/** Growth of one series: SigNoz' `increase`, which takes counters of both temporalities. */
const grown = (when = "1"): string =>
  `if(any(temporality) = 'Cumulative', maxIf(value, ${when}) - minIf(value, ${when}), sumIf(value, ${when}))`;

const usd = `${grown()} AS usd`;

/** Who may be seen: a variable's values arrive as a list, "all" as a text. */
const chosen = (variable: string, column: string): string =>
  `hasAny(arrayFlatten([$${variable}]), ['__all__', ${column}])`;

interface Labels {
  /** Conditions on the columns engineer, team and verified. */
  where?: string[];
  from: string;
  /** Columns made of samples of one series. */
  columns: string[];
}

/** Series of the spend with who sent them: columns engineer, team, verified and those asked for. */
function spendSeries({ where = [], from, columns }: Labels): string {
  const metric = `metric_name = ${sqlText(metrics.cost.name)}`;
  const label = (name: string) => `JSONExtractString(any(labels), ${sqlText(name)})`;
  const filter = where.length > 0 ? ` WHERE ${where.join(" AND ")}` : "";
  return `(SELECT * FROM (SELECT fingerprint, ${columns.join(", ")} FROM signoz_metrics.distributed_samples_v4
 WHERE ${metric} AND unix_milli >= ${milliseconds(from)} AND unix_milli < ${milliseconds(end)} GROUP BY fingerprint) AS samples
 INNER JOIN (SELECT fingerprint, ${label("engineer")} AS engineer, ${label("team")} AS team, ${label("engineer.verified")} AS verified
 FROM signoz_metrics.time_series_v4_1day WHERE ${metric} AND unix_milli >= ${milliseconds(`subtractDays(${from}, 1)`)} AND unix_milli < ${milliseconds(end)}
 GROUP BY fingerprint) AS series USING (fingerprint)${filter})`;
}

/** Only what a key of the engineer's own proves. */
const proven = (verifiedOnly: boolean): string[] => (verifiedOnly ? ["verified = 'true'"] : []);

/** One point an engineer: USD since midnight or since the first of the month, in whole cents as a notice quotes it. */
export function spentSince(
  period: Since,
  {
    timezone,
    teams,
    verifiedOnly,
  }: { timezone: string; teams: { only: string } | { not: string[] }; verifiedOnly: boolean },
): string {
  const team =
    "only" in teams
      ? [`team = ${sqlText(teams.only)}`]
      : teams.not.length > 0
        ? [`NOT has(${list(teams.not)}, team)`]
        : [];
  const from = since(timezone)[period];
  const series = spendSeries({
    from,
    columns: [usd],
    where: [...team, ...proven(verifiedOnly)],
  });
  return `SELECT ${end} AS ts, engineer, round(sum(usd), 2) AS value FROM ${series} GROUP BY engineer`;
}

/**
 * One point: how full the data disk was at least in the last minutes; when nothing tells, how full it was last. The
 * collector tells, and it is stopped while the gate is closed, which is when the disk is full.
 */
export function diskUsed(minutes: number): string {
  const metric = `metric_name = ${sqlText(gate.diskUsed.name)} AND unix_milli >= ${milliseconds(`subtractDays(${end}, 30)`)} AND unix_milli < ${milliseconds(end)}`;
  const told = `unix_milli >= ${milliseconds(`subtractMinutes(${end}, ${minutes})`)}`;
  return `SELECT ${end} AS ts, round(if(countIf(${told}) > 0, minIf(value, ${told}), argMax(value, unix_milli)), 3) AS value FROM signoz_metrics.distributed_samples_v4
 WHERE ${metric} AND fingerprint IN (SELECT fingerprint FROM signoz_metrics.time_series_v4_1day WHERE ${metric} AND JSONExtractString(labels, 'mountpoint') = ${sqlText(dataMountpoint)})
 HAVING count() > 0`;
}

/** The dashboard's variables that limit these panels are called as the columns. */
const visible = ["team", "engineer", "verified"].map((name) => chosen(name, name));

export type Budgets = Pick<
  ContentInput,
  "timezone" | "dailyBudgetUsd" | "monthlyBudgetUsd" | "teamBudgets" | "budgetsVerifiedOnly"
>;

/** One row an engineer and budget: spent today and this month, of how much. */
export function spendAgainstBudget(budgets: Budgets): string {
  const { timezone, dailyBudgetUsd, monthlyBudgetUsd, teamBudgets, budgetsVerifiedOnly } = budgets;
  const { day, month } = since(timezone);
  const teams = teamBudgets.map(({ team }) => team);
  const budget = (of: number[], otherwise: number) =>
    teams.length > 0 ? `transform(own, ${list(teams)}, [${of}], ${otherwise})` : `${otherwise}`;
  const daily = budget(
    teamBudgets.map(({ dailyUsd }) => dailyUsd),
    dailyBudgetUsd,
  );
  const monthly = budget(
    teamBudgets.map(({ monthlyUsd }) => monthlyUsd),
    monthlyBudgetUsd,
  );
  const share = (spent: string, of: string) =>
    `if(${of} > 0, round(100 * ${spent} / ${of}, 1), NULL)`;
  const series = spendSeries({
    from: month,
    columns: [
      `${grown(`unix_milli >= ${milliseconds(day)}`)} AS day_usd`,
      `${grown()} AS month_usd`,
    ],
    where: [...visible, ...proven(budgetsVerifiedOnly)],
  });
  return `SELECT engineer, teams, round(today, 2) AS "today, USD", daily AS "daily budget, USD", ${share("today", "daily")} AS "of the day, %",
 round(month, 2) AS "month, USD", monthly AS "monthly budget, USD", ${share("month", "monthly")} AS "of the month, %"
 FROM (SELECT engineer, if(has(${list(teams)}, team), team, '') AS own, arrayStringConcat(arraySort(groupUniqArray(team)), ', ') AS teams,
 sum(day_usd) AS today, sum(month_usd) AS month, toFloat64(${daily}) AS daily, toFloat64(${monthly}) AS monthly
 FROM ${series} GROUP BY engineer, own) ORDER BY greatest(today / if(daily > 0, daily, inf), month / if(monthly > 0, monthly, inf)) DESC, month DESC`;
}

/** How far back adoption looks, whatever the range: who has stopped must still be in it. */
export const adoptionDays = 30;
/** Silent for longer, somebody has stopped. */
export const stoppedDays = 7;

const newest = "max(unix_milli) AS newest";
const activeDays = (timezone: string) =>
  `groupUniqArray(toDate(toDateTime(intDiv(unix_milli, 1000)), ${sqlText(timezone)})) AS days`;
const lately = (timezone: string, ...columns: string[]) =>
  spendSeries({ from: since(timezone).days(adoptionDays), columns, where: visible });
const today = (timezone: string) => `toDate(${end}, ${sqlText(timezone)})`;

/** One row an engineer: on how many of the last days active, when last, and which share of the spend. */
export const adoption = (timezone: string): string =>
  `SELECT engineer, teams, active AS "active days", toString(last) AS "last active", dateDiff('day', last, ${today(timezone)}) AS "days since",
 round(usd, 2) AS "spend, USD", round(100 * usd / sum(usd) OVER (), 1) AS "share of spend, %"
 FROM (SELECT engineer, arrayStringConcat(arraySort(groupUniqArray(team)), ', ') AS teams, length(groupUniqArrayArray(days)) AS active,
 toDate(toDateTime(intDiv(max(newest), 1000)), ${sqlText(timezone)}) AS last, sum(usd) AS usd FROM ${lately(timezone, activeDays(timezone), newest, usd)} GROUP BY engineer)
 ORDER BY "days since" DESC, "active days" DESC`;

/** How many were active in the last days and are silent since. */
export const stopped = (timezone: string): string =>
  `SELECT toFloat64(countIf(newest < ${milliseconds(since(timezone).days(stoppedDays))})) AS value FROM (SELECT engineer, max(newest) AS newest FROM ${lately(timezone, newest)} GROUP BY engineer)`;

/** Which share of the spend of the last days is that of the few who spend most, in percent. */
export const topShare = (timezone: string, top: number): string =>
  `SELECT 100 * arraySum(arraySlice(arrayReverseSort(groupArray(usd)), 1, ${top})) / sum(usd) AS value FROM (SELECT engineer, sum(usd) AS usd FROM ${lately(timezone, usd)} GROUP BY engineer) HAVING sum(usd) > 0`;

/** One point a day of the range: how many people were active. It stands where a chart of the range shows it. */
export function activePerDay(timezone: string): string {
  const from = since(timezone).range;
  const series = spendSeries({
    from,
    columns: [activeDays(timezone)],
    where: visible,
  });
  return `SELECT greatest(toDateTime(day, ${sqlText(timezone)}), ${from}) AS ts, toFloat64(uniqExact(engineer)) AS value FROM ${series} ARRAY JOIN days AS day GROUP BY day ORDER BY day`;
}
