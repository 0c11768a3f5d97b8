import type { Settings } from "../config/settings";

/** Plain values of the configuration; a budget or limit of 0 leaves its alert out. */
export interface ContentInput {
  /** Where people open SigNoz, without a slash at the end: links in notices. */
  signozUrl: string;
  dailyBudgetUsd: number;
  monthlyBudgetUsd: number;
  /** For the engineers of a team, instead of the two above. */
  teamBudgets: { team: string; dailyUsd: number; monthlyUsd: number }[];
  /** Leaves what was sent under a shared key out of every budget: there the engineer's name is a claim. */
  budgetsVerifiedOnly: boolean;
  silentHours: number;
  /** HH:MM */
  workingHours: { start: string; end: string };
  /** English names in lower case. */
  workingDays: string[];
  /** IANA name: when days, months and working hours begin. */
  timezone: string;
  refusedRequestsLimit: number;
  diskUsedPercentLimit: number;
  alertEmails: string[];
  /** Whether the secret is there; its value goes another way. */
  hasSlack: boolean;
  slackChannel: string;
  hasWebhook: boolean;
  hasWebhookToken: boolean;
}

/** What SigNoz shows and alerts on, from the configuration; knows of secrets only that they are set. */
export function contentInput({
  signoz,
  alerts,
}: Pick<Settings, "signoz" | "alerts">): ContentInput {
  const [start = "", end = ""] = alerts.workingHours.split("-");
  return {
    signozUrl: signoz.signozUrl,
    dailyBudgetUsd: alerts.dailyBudgetUsd,
    monthlyBudgetUsd: alerts.monthlyBudgetUsd,
    teamBudgets: alerts.teamBudgets,
    budgetsVerifiedOnly: alerts.budgetsVerifiedOnly,
    silentHours: alerts.silentHours,
    workingHours: { start, end },
    workingDays: alerts.workingDays,
    timezone: alerts.timezone,
    refusedRequestsLimit: alerts.refusedRequestsLimit,
    diskUsedPercentLimit: alerts.diskUsedPercentLimit,
    alertEmails: alerts.alertEmails,
    hasSlack: alerts.alertSlackWebhookUrl !== undefined,
    slackChannel: alerts.alertSlackChannel ?? "",
    hasWebhook: alerts.alertWebhookUrl !== undefined,
    hasWebhookToken: alerts.alertWebhookToken !== undefined,
  };
}
