/** What a panel must show, computed from the records that were sent, without SigNoz: what its queries mean, not what they become. */
import { day, type Month, type Point, type Span } from "../../simulator/month/month";
import type { Answer, Panel, Range, Spec, Variables } from "./ask";

const hour = day / 24;

type Record_ = Month["logs"][number];

const sources = (month: Month, { signal }: Spec): Record_[] =>
  signal === "metrics" ? month.points : signal === "logs" ? month.logs : month.spans;

/** An attribute as it is stored: who is verified is the gate's word, not the sender's. */
export function stored(record: Record_, name: string): string | number | boolean | undefined {
  if (name === "engineer.verified") return String(record.owner !== undefined);
  if (name === "service.version") return record.version;
  if (name === "body" || name === "name") return record.name;
  if (name === "duration_nano") return (record as Span).durationNano;
  return record.attributes[name];
}

const bare = (name: string): string => name.replace(/^(attribute|resource)\./, "");

interface Condition {
  name: string;
  operator: string;
  operand: string;
}
/** `name operator operand`, joined by AND; an operand in quotes may hold anything. */
const conditions = ({ filter }: Spec): Condition[] =>
  [
    ...(filter?.expression ?? "").matchAll(
      /(?:^|AND )(\S+) (=|!=|>=|>|IN) ('(?:[^'\\]|\\.)*'|\S+)/g,
    ),
  ].map(([, name = "", operator = "", operand = ""]) => ({ name: bare(name), operator, operand }));

function holds(record: Record_, { name, operator, operand }: Condition, variables: Variables) {
  const value = stored(record, name);
  if (operand.startsWith("$")) {
    const chosen = variables[operand.slice(1)]?.value;
    if (chosen === undefined || chosen === "__all__") return true;
    return value !== undefined && [chosen].flat().includes(String(value));
  }
  const text = operand.startsWith("'")
    ? operand.slice(1, -1).replaceAll("\\\\", "\\").replaceAll("\\'", "'")
    : undefined;
  const wanted = text ?? Number(operand);
  if (operator === "=") return value === wanted;
  if (operator === "!=") return value !== wanted;
  return operator === ">=" ? Number(value) >= Number(wanted) : Number(value) > Number(wanted);
}

/** ClickHouse' quantile: between the two nearest of the sorted values. */
function quantile(values: number[], level: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * level;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  return below + ((sorted[Math.ceil(place)] ?? below) - below) * (place % 1);
}

function aggregate({ signal, aggregations = [] }: Spec, records: Record_[]): number {
  if (signal === "metrics") return (records as Point[]).reduce((sum, { value }) => sum + value, 0);
  // A list.
  if (!aggregations[0]) return records.length;
  const [, name = "", argument = ""] =
    /^(\w+)\((.*)\)$/.exec(aggregations[0]?.expression ?? "") ?? [];
  if (name === "count") return records.length;
  const values = records.map((record) => stored(record, bare(argument)));
  if (name === "count_distinct") return new Set(values).size;
  return quantile(values.map(Number), Number(name.slice(1)) / 100);
}

/** From 25 hours on SigNoz reads sums of 5 minutes, from a week and an hour on of 30, by when they begin. */
const rollup = (length: number): number =>
  length < day + hour ? 1 : (length < 7 * day + hour ? 5 : 30) * 60_000;

/** @param steps seconds, by query, as SigNoz chose them: a range of metrics begins at a whole step */
export function truth(
  month: Month,
  panel: Panel,
  range: Range,
  variables: Variables,
  steps: Record<string, number>,
): Answer {
  const answer: Answer = {};
  const single = panel.request === "scalar";
  for (const { type, spec } of panel.queries) {
    if (type !== "builder_query") continue;
    const step = (steps[spec.name] ?? 60) * 1000;
    const shift = (spec.functions?.[0]?.args[0]?.value ?? 0) * 1000;
    const isMetric = spec.signal === "metrics";
    const from = range.start - shift - (isMetric ? (range.start - shift) % step : 0);
    const to = range.end - shift - (isMetric ? (range.end - shift) % 60_000 : 0);
    const wanted = [
      ...conditions(spec),
      ...(isMetric
        ? [{ name: "name", operator: "=", operand: `'${spec.aggregations?.[0]?.metricName}'` }]
        : []),
    ];
    const groups: Record<string, Record<number, Record_[]>> = {};
    for (const record of sources(month, spec)) {
      const began = isMetric ? record.at - (record.at % rollup(to - from)) : record.at;
      if (began < from || began >= to) continue;
      if (!wanted.every((condition) => holds(record, condition, variables))) continue;
      const group = (spec.groupBy ?? []).map(({ name }) => stored(record, name) ?? "").join(" | ");
      const at = single ? 0 : began + shift - ((began + shift) % step);
      groups[group] ??= {};
      groups[group][at] ??= [];
      groups[group][at]?.push(record);
    }
    answer[spec.name] = mapValues(groups, (times) =>
      mapValues(times, (records) => aggregate(spec, records)),
    );
  }
  const formula = panel.queries.find(({ type }) => type === "builder_formula")?.spec;
  return formula ? { F1: combine(formula.expression ?? "", answer) } : answer;
}

const mapValues = <A, B>(of: Record<string, A>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));

/** A counter without a value has not grown. */
function combine(expression: string, parts: Answer): Answer[string] {
  const names = [...new Set(expression.match(/[A-Z]/g) ?? [])];
  const result: Answer[string] = {};
  const groups = new Set(names.flatMap((name) => Object.keys(parts[name] ?? {})));
  for (const group of groups) {
    const times = new Set(names.flatMap((name) => Object.keys(parts[name]?.[group] ?? {})));
    for (const at of times) {
      const values = names.map((name) => parts[name]?.[group]?.[Number(at)] ?? 0);
      const value = new Function(...names, `return ${expression}`)(...values);
      if (!Number.isFinite(value)) continue;
      result[group] ??= {};
      result[group][Number(at)] = value;
    }
  }
  return result;
}
