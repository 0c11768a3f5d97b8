/** Alert rules (RuletypesPostableRule, schema v2alpha1, of the SigNoz v0.138.0 API). */
import { is } from "./condition";
import type { ContentInput } from "./contentInput";
import { clientReceiver, exporters, gate, refusedKeyBackend } from "./names";
import { builderQuery, formulaQueries, increase, letter, type Query } from "./query";
import { quietLabel } from "./quietHours";
import { diskUsed, spentSince } from "./sql";

/** By this label, and by nothing else, provisioning knows its own rules. */
export const ownLabel = { managed_by: "monitoring" };

interface Threshold {
  /** Becomes the severity of the notice; a firing critical one silences its warning. */
  name: "warning" | "critical";
  target: number;
}

export interface Rule {
  alert: string;
  /** For docs/dashboards.md: when it fires, and the key that leaves it out when 0. */
  fires: string;
  limit?: keyof ContentInput;
  /** Builder queries, or one in SQL. */
  queries: Query[] | string;
  /** Combines the queries A, B, …; absent = the only query. */
  formula?: string;
  op: "above" | "above_or_equal" | "below";
  matchType: "in_total" | "at_least_once" | "all_the_times";
  thresholds: Threshold[];
  evaluation: object;
  /** One notice for each value of these attributes. */
  groupBy?: string[];
  repeat: string;
  summary: string;
  description: string;
  labels?: Record<string, string>;
  /** Fires as "no data" too, after so many minutes without any; 0 would fire whether or not there is data. */
  absentForMinutes?: number;
}

const rolling = (evalWindow: string, frequency: string) => ({
  kind: "rolling",
  spec: { evalWindow, frequency },
});

/** Since midnight, or since midnight of the first: what was spent in the running day or month. */
const cumulative = (type: "daily" | "monthly", frequency: string, timezone: string) => ({
  kind: "cumulative",
  spec: {
    schedule: { type, ...(type === "monthly" && { day: 1 }), hour: 0, minute: 0 },
    frequency,
    timezone,
  },
});

/** Provisioning puts the id of our dashboard of that name in the place of the mark. */
const dashboardUrl = (signozUrl: string, name: string) => `${signozUrl}/dashboard/@${name}@`;

function spendRule(
  input: ContentInput,
  period: "daily" | "monthly",
  budgetUsd: number,
  teams: { only: string } | { not: string[] },
): Rule {
  const { timezone, budgetsVerifiedOnly: verifiedOnly } = input;
  const only = "only" in teams;
  const since = period === "daily" ? "today" : "this month";
  const url = dashboardUrl(input.signozUrl, "claude-code-engineer");
  return {
    alert: `Claude Code: ${period} spend of an engineer${only ? ` (${teams.only})` : ""}`,
    fires: `somebody ${only ? `of the team ${teams.only} ` : ""}has spent 80 % (warning) or 100 % (critical) of the ${period} budget ${since}`,
    limit: only ? "teamBudgets" : period === "daily" ? "dailyBudgetUsd" : "monthlyBudgetUsd",
    queries: spentSince(period === "daily" ? "day" : "month", { timezone, teams, verifiedOnly }),
    op: "above_or_equal",
    matchType: "in_total",
    thresholds: [
      { name: "critical", target: budgetUsd },
      { name: "warning", target: (budgetUsd * 80) / 100 },
    ],
    evaluation:
      period === "daily"
        ? cumulative("daily", "5m", timezone)
        : cumulative("monthly", "30m", timezone),
    groupBy: ["engineer"],
    repeat: period === "daily" ? "24h" : "72h",
    // No "$" before an amount: SigNoz would read it as a label.
    summary: `{{$engineer}} spent {{$value}} USD ${since}, of a ${period} budget of ${budgetUsd} USD`,
    description: `Claude Code, ${since} (${timezone}): {{$engineer}} has spent {{$value}} USD and passed {{$threshold}} USD; the budget${only ? ` in team ${teams.only}` : ""} is ${budgetUsd} USD. An estimate at list prices, not an invoice${verifiedOnly ? "; use under a shared key is left out" : ""}. ${url}`,
  };
}

function spendRules(input: ContentInput): Rule[] {
  const { dailyBudgetUsd: dailyUsd, monthlyBudgetUsd: monthlyUsd, teamBudgets } = input;
  const budgets = [
    { dailyUsd, monthlyUsd, teams: { not: teamBudgets.map(({ team }) => team) } },
    ...teamBudgets.map(({ team, ...budget }) => ({ ...budget, teams: { only: team } })),
  ];
  return budgets.flatMap(({ dailyUsd, monthlyUsd, teams }) => [
    ...(dailyUsd > 0 ? [spendRule(input, "daily", dailyUsd, teams)] : []),
    ...(monthlyUsd > 0 ? [spendRule(input, "monthly", monthlyUsd, teams)] : []),
  ]);
}

function silenceRule(input: ContentInput): Rule {
  const { silentHours, workingHours, timezone, signozUrl } = input;
  const hours = silentHours === 1 ? "an hour" : `${silentHours} hours`;
  return {
    alert: "Claude Code: no telemetry",
    fires: "the gate took no log record for `silentHours` of working time",
    limit: "silentHours",
    queries: [increase(gate.accepted.logs, { where: { receiver: is(clientReceiver) } })],
    op: "below",
    matchType: "in_total",
    thresholds: [{ name: "critical", target: 1 }],
    // The window itself is the hours of silence: SigNoz forgets at a restart since when data is absent.
    evaluation: rolling(`${silentHours}h`, "5m"),
    absentForMinutes: 1,
    repeat: "24h",
    labels: quietLabel,
    summary: `Nobody has reported for ${hours} of working time`,
    description: `The gate took nothing from Claude Code for ${hours} within ${workingHours.start}-${workingHours.end} (${timezone}). Is the machine up, its certificate valid, the key accepted? Run scripts/verify-telemetry.sh. ${dashboardUrl(signozUrl, "monitoring-gate-and-storage")}`,
  };
}

const refusedKeyRule = ({ refusedRequestsLimit, signozUrl }: ContentInput): Rule => ({
  alert: "Gate: keys are refused",
  fires:
    "more than `refusedRequestsLimit` requests in 15 minutes came with a key the gate does not accept",
  limit: "refusedRequestsLimit",
  queries: [increase(gate.requests, { where: { "haproxy.proxy_name": is(refusedKeyBackend) } })],
  op: "above",
  matchType: "in_total",
  thresholds: [{ name: "warning", target: refusedRequestsLimit }],
  evaluation: rolling("15m", "5m"),
  repeat: "4h",
  summary: "{{$value}} requests with a refused key in 15 minutes",
  description: `Somebody sends with a key that the gate does not accept, and their Claude Code does not tell them: after a rotation an old key, or a stranger. "Who stopped reporting" names candidates: ${dashboardUrl(signozUrl, "claude-code-reliability")}; they run telemetry-hook.sh doctor.`,
});

const lossRule = ({ signozUrl }: ContentInput): Rule => {
  const signals = ["metrics", "logs", "traces"] as const;
  const lost = [
    ...signals.map((signal) => increase(gate.refused[signal])),
    ...[gate.sendFailed, gate.enqueueFailed].flatMap((counters) =>
      signals.map((signal) =>
        increase(counters[signal], { where: { exporter: is(exporters[signal]) } }),
      ),
    ),
  ];
  return {
    alert: "Gate: telemetry is lost",
    fires: "anything was refused, not written or dropped in 15 minutes",
    queries: lost,
    formula: "A + B + C + D + E + F + G + H + I",
    op: "above",
    matchType: "in_total",
    thresholds: [{ name: "critical", target: 0 }],
    evaluation: rolling("15m", "5m"),
    repeat: "4h",
    summary: "{{$value}} items refused, not written or dropped in 15 minutes",
    description: `The gate takes more than ClickHouse stores: look at disk, memory and queue. ${dashboardUrl(signozUrl, "monitoring-gate-and-storage")}`,
  };
};

const diskRule = ({ diskUsedPercentLimit, signozUrl }: ContentInput): Rule => ({
  alert: "Storage: the data disk fills",
  fires: "the data disk was more than `diskUsedPercentLimit` % full for 15 minutes",
  limit: "diskUsedPercentLimit",
  queries: diskUsed(15),
  op: "above",
  matchType: "all_the_times",
  thresholds: [{ name: "critical", target: diskUsedPercentLimit / 100 }],
  evaluation: rolling("15m", "5m"),
  repeat: "24h",
  summary: `The data disk is more than ${diskUsedPercentLimit} % full`,
  description: `{{$value}} of the disk is used (1 = full). From 90 % on the gate refuses all telemetry, and the disk frees nothing by itself: raise dataDiskGb, then pulumi up (docs/runbook.md, Disk pressure). Fewer retention days free nothing of what is stored. ${dashboardUrl(signozUrl, "monitoring-gate-and-storage")}`,
});

function renderQueries({ queries, formula, alert }: Rule) {
  if (typeof queries === "string")
    return {
      queryType: "clickhouse_sql",
      queries: [{ type: "clickhouse_sql", spec: { name: "A", query: queries, disabled: false } }],
    };
  const specs = queries.map((query, index) => builderQuery(query, letter(index)));
  return {
    queryType: "builder",
    queries: formula
      ? formulaQueries(specs, formula, alert)
      : specs.map((spec) => ({ type: "builder_query", spec })),
  };
}

function renderRule(rule: Rule, channels: string[]) {
  const { formula, thresholds, op, matchType, groupBy = [], repeat, absentForMinutes } = rule;
  return {
    alert: rule.alert,
    alertType: "METRIC_BASED_ALERT",
    ruleType: "threshold_rule",
    version: "v5",
    schemaVersion: "v2alpha1",
    condition: {
      compositeQuery: { panelType: "graph", ...renderQueries(rule) },
      selectedQueryName: formula ? "F1" : "A",
      ...(absentForMinutes && { alertOnAbsent: true, absentFor: absentForMinutes }),
      thresholds: {
        kind: "basic",
        spec: thresholds.map(({ name, target }) => ({ name, op, matchType, target, channels })),
      },
    },
    evaluation: rule.evaluation,
    notificationSettings: {
      groupBy,
      renotify: {
        enabled: true,
        interval: repeat,
        alertStates: ["firing", ...(absentForMinutes ? ["nodata"] : [])],
      },
      // Without any channel provisioning leaves the choice to SigNoz' routing policies.
      usePolicy: false,
    },
    labels: { ...ownLabel, ...rule.labels },
    annotations: { summary: rule.summary, description: rule.description },
  };
}

/** Every rule that the configuration asks for; docs/dashboards.md lists them. */
export const rulesOf = (input: ContentInput): Rule[] => [
  ...spendRules(input),
  ...(input.silentHours > 0 ? [silenceRule(input)] : []),
  ...(input.refusedRequestsLimit > 0 ? [refusedKeyRule(input)] : []),
  lossRule(input),
  ...(input.diskUsedPercentLimit > 0 ? [diskRule(input)] : []),
];

/** @param channels names of the channels every rule tells */
export const renderRules = (input: ContentInput, channels: string[]) =>
  rulesOf(input).map((rule) => renderRule(rule, channels));
