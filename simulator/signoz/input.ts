import type { ContentInput } from "../../infra/signoz/contentInput.js";

/** A configuration that renders everything there is: each alert, each channel, a team of its own. */
export const fullInput: ContentInput = {
  signozUrl: "http://localhost:8080",
  dailyBudgetUsd: 50,
  monthlyBudgetUsd: 500,
  teamBudgets: [{ team: "research", dailyUsd: 120, monthlyUsd: 1500 }],
  budgetsVerifiedOnly: false,
  silentHours: 4,
  workingHours: { start: "09:00", end: "18:00" },
  workingDays: ["monday", "tuesday", "wednesday", "thursday", "friday"],
  timezone: "Europe/Berlin",
  refusedRequestsLimit: 20,
  diskUsedPercentLimit: 80,
  alertEmails: ["lead@example.com"],
  hasSlack: true,
  slackChannel: "#claude-code",
  hasWebhook: true,
  hasWebhookToken: true,
};

/** The secrets that go with it. */
export const fullSecrets = {
  smtpPassword: "",
  slackWebhookUrl: "https://hooks.slack.example/services/slack-secret?a=1&b=2",
  webhookUrl: "https://hook.example/in?token=url-secret",
  webhookToken: "token-secret",
};

/** Nobody is told, nothing has a limit. */
export const bareInput: ContentInput = {
  ...fullInput,
  dailyBudgetUsd: 0,
  monthlyBudgetUsd: 0,
  teamBudgets: [],
  silentHours: 0,
  refusedRequestsLimit: 0,
  diskUsedPercentLimit: 0,
  alertEmails: [],
  hasSlack: false,
  slackChannel: "",
  hasWebhook: false,
  hasWebhookToken: false,
};
