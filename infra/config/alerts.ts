import * as field from "./fields";
import { timezone } from "./timezone";

/** What one engineer of a team may spend, in USD; 0 is no limit. */
export interface TeamBudget {
  team: string;
  dailyUsd: number;
  monthlyUsd: number;
}

const budget = /^(?<team>[^=]{1,64})=(?<daily>\d{1,7})\/(?<monthly>\d{1,7})$/;
/** As engineers report it. It stands in notices, which are Go templates: there `$` and `{{` begin something. */
const teamName = /^(?!.*\{\{)[^\s\p{C}$]([^\p{C}$]*[^\s\p{C}$])?$/u;

const teamBudget: field.Kind<TeamBudget> = {
  type: "string",
  example: "'research=120/1500'",
  read: (text) => {
    const { team = "", daily, monthly } = budget.exec(text)?.groups ?? {};
    if (!teamName.test(team))
      throw new field.Fault(
        "must be team=daily/monthly in whole USD, the team without $, {{, control characters and blanks at its ends",
      );
    return { team, dailyUsd: Number(daily), monthlyUsd: Number(monthly) };
  },
};

const budgetList = field.listOf(teamBudget, { atMost: 1000 });

const teamBudgets: field.Kind<TeamBudget[]> = {
  ...budgetList,
  read: (text) => {
    const budgets = budgetList.read(text);
    const twice = budgets.find(
      ({ team }, index) => budgets.findIndex((budget) => budget.team === team) !== index,
    );
    if (twice) throw new field.Fault(`must not have two budgets of team ${twice.team}`);
    return budgets;
  },
};

const clock = "([01]\\d|2[0-3]):[0-5]\\d";
const webhook =
  /^https?:\/\/[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:\d{1,5})?(\/([!-$&-~]|%[0-9a-fA-F]{2})*)?$/;

/** What SigNoz alerts on and whom it tells. */
export const alerts = {
  dailyBudgetUsd: field.key(
    "What one engineer may spend a day before SigNoz warns (at 80 %) and alarms (at 100 %); 0 is no limit",
    field.wholeNumber(0, 1_000_000),
    50,
  ),
  monthlyBudgetUsd: field.key(
    "The same for a calendar month",
    field.wholeNumber(0, 10_000_000),
    500,
  ),
  teamBudgets: field.key(
    "Other budgets for each engineer of a team, as team=daily/monthly in USD",
    teamBudgets,
  ),
  budgetsVerifiedOnly: field.key(
    "Budgets leave out what was sent under a shared key, where the engineer's name is a claim",
    field.flag,
    false,
  ),
  silentHours: field.key(
    "Hours of working time without any telemetry before an alert; 0 is never",
    field.wholeNumber(0, 12),
    4,
  ),
  workingHours: field.key(
    "Working time of a day, in timezone",
    field.matching(new RegExp(`^${clock}-${clock}$`), "HH:MM-HH:MM", "09:00-18:00"),
    "09:00-18:00",
  ),
  workingDays: field.key(
    "Working days of a week",
    field.listOf(
      field.matching(
        /^(mon|tues|wednes|thurs|fri|satur|sun)day$/,
        "a day of the week in lower case",
        "monday",
      ),
      { atLeast: 1 },
    ),
    ["monday", "tuesday", "wednesday", "thursday", "friday"],
  ),
  timezone: field.key(
    "IANA time zone in which budgets' days and months and the working time are counted",
    timezone,
    "UTC",
  ),
  refusedRequestsLimit: field.key(
    "Requests refused for their key within 15 minutes before an alert; 0 is never",
    field.wholeNumber(0, 1_000_000),
    20,
  ),
  diskUsedPercentLimit: field.key(
    "Percentage of the data disk in use before an alert, below the 90 at which the gate closes; 0 is never",
    field.wholeNumber(0, 89),
    80,
  ),
  alertEmails: field.key(
    "Addresses that alerts are sent to; needs smtpHost",
    field.listOf(field.email),
  ),
  smtpHost: field.key(
    "Mail server as host:port",
    field.optional(field.hostAndPort("smtp.palindrom.example:587")),
  ),
  smtpFrom: field.key("Sender of alert mails", field.optional(field.email)),
  smtpUser: field.key(
    "Login at the mail server",
    field.optional(field.matching(/^[^\s\p{C}]+$/u, "a login without blanks", "alerts")),
  ),
  smtpPassword: field.key(
    "Password at the mail server; set with --secret",
    field.secret(/^[^\p{C}]+$/u, "a password in one line"),
  ),
  smtpRequireTls: field.key("Whether mail goes out only over TLS", field.flag, true),
  alertSlackWebhookUrl: field.key(
    "Slack incoming webhook for alerts; set with --secret",
    field.secret(new RegExp(webhook.source.replace("https?", "https")), "an https URL"),
  ),
  alertSlackChannel: field.key(
    "Slack channel for alerts; empty uses the webhook's own",
    field.optional(
      field.matching(/^#[^\s\p{C}]+$/u, "a channel that begins with #", "'#telemetry'"),
    ),
  ),
  alertWebhookUrl: field.key(
    "Any other webhook for alerts (Alertmanager's JSON); set with --secret",
    field.secret(webhook, "an http or https URL"),
  ),
  alertWebhookToken: field.key(
    "Bearer token for that webhook; set with --secret",
    field.secret(/^[\x21-\x7e]+$/, "a token without blanks"),
  ),
};

type AlertValues = Partial<field.Values<typeof alerts>>;

/** A key of another group that they depend on. */
interface Kept {
  retentionDaysMetrics: number | undefined;
}

/** How old a row that a budget sums can be: the names of a series are stored under the beginning of their UTC day, a day before the sum's own. */
const budgetDays = { daily: 2, monthly: 32 };

/** A rule looks every 5 minutes, and the notice of it waits for up to 5 more. */
const noticeMinutes = 10;

/** Minutes since midnight of HH:MM. */
export const minutesOf = (time: string): number =>
  Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Faults between these keys that are each well-formed. */
export function alertContradictions(values: AlertValues & Kept): string[] {
  const faults: string[] = [];
  const { dailyBudgetUsd = 0, monthlyBudgetUsd = 0, workingHours, silentHours = 0 } = values;
  const { teamBudgets = [], retentionDaysMetrics: kept = Number.POSITIVE_INFINITY } = values;
  const isMonthly = monthlyBudgetUsd > 0 || teamBudgets.some(({ monthlyUsd }) => monthlyUsd > 0);
  const isDaily = dailyBudgetUsd > 0 || teamBudgets.some(({ dailyUsd }) => dailyUsd > 0);
  const days = isMonthly ? budgetDays.monthly : isDaily ? budgetDays.daily : 0;
  if (kept < days)
    faults.push(
      `monitoring:retentionDaysMetrics = "${kept}" drops what ${isMonthly ? "monthly" : "daily"} budgets still sum, so they would undercount without a word; raise it to ${days}, or set ${isMonthly ? "monthlyBudgetUsd" : "dailyBudgetUsd"} and the same of each of teamBudgets to 0`,
    );
  if (dailyBudgetUsd > 0 && monthlyBudgetUsd > 0 && monthlyBudgetUsd < dailyBudgetUsd)
    faults.push(
      `monitoring:monthlyBudgetUsd = "${monthlyBudgetUsd}" is below dailyBudgetUsd "${dailyBudgetUsd}"; raise it, or set one of the two to 0`,
    );
  if (workingHours !== undefined) {
    const [start = "", end = ""] = workingHours.split("-");
    const worked = minutesOf(end) - minutesOf(start);
    if (worked <= 0)
      faults.push(
        `monitoring:workingHours = "${workingHours}" ends before it starts; run: pulumi config set monitoring:workingHours 09:00-18:00`,
      );
    else if (silentHours > 0 && worked < silentHours * 60 + noticeMinutes)
      faults.push(
        `monitoring:silentHours = "${silentHours}" leaves no ${noticeMinutes} minutes of workingHours "${workingHours}", so silence would never be reported; lower it`,
      );
  }
  const needs = (name: keyof AlertValues, other: keyof AlertValues) => {
    const value = values[name];
    const given = Array.isArray(value) ? value.length > 0 : value !== undefined;
    const shown = alerts[name].kind.secret ? "[secret]" : JSON.stringify(value);
    if (given && values[other] === undefined)
      faults.push(
        `monitoring:${name} = ${shown} is set and monitoring:${other} is not; set both, or run: pulumi config rm monitoring:${name}`,
      );
  };
  needs("alertEmails", "smtpHost");
  needs("smtpHost", "smtpFrom");
  needs("smtpPassword", "smtpUser");
  needs("alertWebhookToken", "alertWebhookUrl");
  return faults;
}
