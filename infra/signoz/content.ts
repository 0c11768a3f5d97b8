import { channelNames, renderChannels } from "./channels";
import type { ContentInput } from "./contentInput";
import { renderDashboard } from "./dashboard";
import { engineer } from "./dashboards/engineer";
import { gateAndStorage } from "./dashboards/gateAndStorage";
import { reliability } from "./dashboards/reliability";
import { teamOverview } from "./dashboards/teamOverview";
import { renderQuietHours } from "./quietHours";
import { renderRules } from "./rules";
import { renderViews } from "./views";

/** What provision.sh puts into SigNoz: request bodies by kind. */
export interface SignozContent {
  channels: { name: string }[];
  /** Every name a channel of ours can have: one that is not among `channels` is removed. */
  channelNames: string[];
  dashboards: { name: string }[];
  views: { name: string }[];
  rules: { alert: string }[];
  quietHours: { name: string }[];
}

export const dashboards = (input: ContentInput) => [
  teamOverview(input),
  engineer,
  reliability,
  gateAndStorage,
];

/** Everything SigNoz shows, as request bodies of its API v0.138.0; the same input gives the same bytes. */
export function renderContent(input: ContentInput): SignozContent {
  const channels = renderChannels(input);
  return {
    channels,
    channelNames,
    dashboards: dashboards(input).map(renderDashboard),
    views: renderViews(),
    rules: renderRules(
      input,
      channels.map(({ name }) => name),
    ),
    quietHours: renderQuietHours(input),
  };
}
