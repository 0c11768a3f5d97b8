import * as field from "./fields";

/** What one engineer of a team may spend, in USD; 0 is no limit. */
export interface TeamBudget {
  team: string;
  dailyUsd: number;
  monthlyUsd: number;
}

const budgetTexts = field.listOf(
  field.matching(
    /^[^=,\s"'\\]+=\d{1,7}\/\d{1,7}$/,
    "team=daily/monthly in whole USD",
    "research=120/1500",
  ),
);

const teamBudgets: field.Field<TeamBudget[]> = {
  ...budgetTexts,
  read: (text) => {
    const budgets = budgetTexts.read(text).map((entry) => {
      const [team = "", dailyUsd, monthlyUsd] = entry.split(/[=/]/);
      return { team, dailyUsd: Number(dailyUsd), monthlyUsd: Number(monthlyUsd) };
    });
    const twice = budgets.find(
      ({ team }, index) => budgets.findIndex((budget) => budget.team === team) !== index,
    );
    if (twice) throw new field.Fault(`must not have two budgets of team ${twice.team}`);
    return budgets;
  },
};

const timezone: field.Field<string> = {
  example: "Europe/Berlin",
  read: (text) => {
    try {
      new Intl.DateTimeFormat("en", { timeZone: text });
    } catch {
      throw new field.Fault("must be a time zone of the IANA database");
    }
    return text;
  },
};

const clock = "([01]\\d|2[0-3]):[0-5]\\d";
const httpUrl = /^https?:\/\/[^\s/]+(\/\S*)?$/;

/** Keys of what SigNoz alerts on and whom it tells. */
export const alertFields = {
  dailyBudgetUsd: field.wholeNumber(0, 1_000_000, 50),
  monthlyBudgetUsd: field.wholeNumber(0, 10_000_000, 500),
  teamBudgets,
  silentHours: field.wholeNumber(0, 12, 4),
  workingHours: field.matching(new RegExp(`^${clock}-${clock}$`), "HH:MM-HH:MM", "09:00-18:00"),
  workingDays: field.listOf(
    field.matching(
      /^(mon|tues|wednes|thurs|fri|satur|sun)day$/,
      "a day of the week in lower case",
      "monday",
    ),
    { atLeast: 1 },
  ),
  timezone,
  refusedRequestsLimit: field.wholeNumber(0, 1_000_000, 20),
  diskUsedPercentLimit: field.wholeNumber(0, 99, 80),
  alertEmails: field.listOf(field.email),
  smtpHost: field.optional(
    field.matching(/^[a-z0-9.-]+:\d{1,5}$/i, "host:port", "smtp.palindrom.example:587"),
  ),
  smtpFrom: field.optional(field.email),
  smtpUser: field.optional(field.matching(/^\S+$/, "a login without blanks", "alerts")),
  smtpPassword: field.secret(/./, "a password"),
  smtpRequireTls: field.flag(true),
  alertSlackWebhookUrl: field.secret(/^https:\/\/\S+$/, "an https URL"),
  alertSlackChannel: field.optional(
    field.matching(/^#\S+$/, "a channel that begins with #", "#telemetry"),
  ),
  alertWebhookUrl: field.secret(httpUrl, "an http or https URL"),
  alertWebhookToken: field.secret(/^\S+$/, "a token without blanks"),
  signozUrl: field.matching(
    /^https?:\/\/[^\s/]+$/,
    "an http or https URL without a path",
    "http://localhost:8080",
  ),
};

type AlertSettings = Partial<{
  [Key in keyof typeof alertFields]: ReturnType<(typeof alertFields)[Key]["read"]>;
}>;

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Faults between alert keys that are each well-formed. */
export function alertContradictions(values: AlertSettings): string[] {
  const faults: string[] = [];
  const { dailyBudgetUsd = 0, monthlyBudgetUsd = 0, workingHours, silentHours = 0 } = values;
  if (dailyBudgetUsd > 0 && monthlyBudgetUsd > 0 && monthlyBudgetUsd < dailyBudgetUsd)
    faults.push(
      `monitoring:monthlyBudgetUsd = "${monthlyBudgetUsd}" is below dailyBudgetUsd "${dailyBudgetUsd}"; raise it, or set one of the two to 0`,
    );
  if (workingHours !== undefined) {
    const [start = "", end = ""] = workingHours.split("-");
    const worked = minutes(end) - minutes(start);
    if (worked <= 0)
      faults.push(
        `monitoring:workingHours = "${workingHours}" ends before it starts; run: pulumi config set monitoring:workingHours 09:00-18:00`,
      );
    else if (worked < silentHours * 60)
      faults.push(
        `monitoring:silentHours = "${silentHours}" is longer than workingHours "${workingHours}", so silence would never be reported; lower it`,
      );
  }
  const needs = (key: keyof AlertSettings, other: keyof AlertSettings) => {
    const value = values[key];
    const given = Array.isArray(value) ? value.length > 0 : value !== undefined;
    const shown = alertFields[key].secret ? "[secret]" : JSON.stringify(value);
    if (given && values[other] === undefined)
      faults.push(
        `monitoring:${key} = ${shown} is set and monitoring:${other} is not; set both, or run: pulumi config rm monitoring:${key}`,
      );
  };
  needs("alertEmails", "smtpHost");
  needs("smtpHost", "smtpFrom");
  needs("smtpPassword", "smtpUser");
  needs("alertWebhookToken", "alertWebhookUrl");
  return faults;
}
