import { gzipSync } from "node:zlib";
import { channelNames, renderChannels } from "./channels";
import { renderDashboard } from "./dashboard";
import { engineer } from "./dashboards/engineer";
import { gateAndStorage } from "./dashboards/gateAndStorage";
import { reliability } from "./dashboards/reliability";
import { teamOverview } from "./dashboards/teamOverview";
import { renderQuietHours } from "./quietHours";
import { renderRules } from "./rules";
import { renderViews } from "./views";

/** Plain values of the configuration; a budget or limit of 0 leaves its alert out. */
export interface ContentInput {
  /** Where people open SigNoz, without a slash at the end: links in notices. */
  signozUrl: string;
  dailyBudgetUsd: number;
  monthlyBudgetUsd: number;
  /** For the engineers of a team, instead of the two above. */
  teamBudgets: { team: string; dailyUsd: number; monthlyUsd: number }[];
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
  retentionDays: { metrics: number; logs: number; traces: number };
}

/** What provision.sh puts into SigNoz: request bodies by kind. */
export interface SignozContent {
  channels: { name: string }[];
  /** Every name a channel of ours can have: one that is not among `channels` is removed. */
  channelNames: string[];
  dashboards: { name: string }[];
  views: { name: string }[];
  rules: { alert: string }[];
  quietHours: { name: string }[];
  retentionDays: ContentInput["retentionDays"];
}

const dashboards = [teamOverview, engineer, reliability, gateAndStorage];

/** Everything SigNoz shows, as request bodies of its API v0.138.0; the same input gives the same bytes. */
export function renderContent(input: ContentInput): SignozContent {
  const channels = renderChannels(input);
  return {
    channels,
    channelNames,
    dashboards: dashboards.map(renderDashboard),
    views: renderViews(),
    rules: renderRules(
      input,
      channels.map(({ name }) => name),
    ),
    quietHours: renderQuietHours(input),
    retentionDays: input.retentionDays,
  };
}

/** Google Compute Engine: a metadata value holds at most 256 KB. */
const metadataValueLimitBytes = 256 * 1024;

/**
 * The content as one instance metadata value: JSON, or gzip+base64 of it when the JSON is too large.
 * @throws Error when neither fits, with both sizes
 */
export function contentMetadata(
  content: SignozContent,
  limitBytes = metadataValueLimitBytes,
): string {
  const json = JSON.stringify(content);
  const jsonBytes = Buffer.byteLength(json);
  if (jsonBytes <= limitBytes) return json;
  const packed = gzipSync(json, { level: 9 }).toString("base64");
  if (packed.length <= limitBytes) return packed;
  throw new Error(
    `The SigNoz content is ${jsonBytes} bytes, ${packed.length} packed; a metadata value holds ${limitBytes}: shorten teamBudgets (${content.rules.length} rules) or take panels out of infra/signoz/dashboards`,
  );
}
