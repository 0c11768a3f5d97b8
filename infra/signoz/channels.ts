/** Where notices go: Alertmanager receivers (AlertmanagertypesPostableChannel of the SigNoz v0.138.0 API). */
import type { ContentInput } from "./contentInput";

/** By these names, and by nothing else, provisioning knows its own channels. */
export const channelNames = ["monitoring-email", "monitoring-slack", "monitoring-webhook"];

/** Provisioning puts the secret of that name in the place of the object. */
const fromSecret = (name: "slackWebhookUrl" | "webhookUrl" | "webhookToken") => ({
  fromSecret: name,
});

/** Slack reads these three as markup: a team `r&d` would be garbled, an engineer `<!channel>` would call everybody. */
const forSlack = (value: string) =>
  `${value} | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;"`;
const plain = (value: string) => value;

const title = (as = plain) =>
  `{{ if eq .Status "resolved" }}Resolved: {{ end }}{{ ${as(".CommonLabels.alertname")} }}`;
const each = (open: string, close: string, as = plain) =>
  `{{ range .Alerts }}${open}{{ ${as(".Annotations.summary")} }}${close}{{ ${as(".Annotations.description")} }}\n{{ end }}`;

export function renderChannels(input: ContentInput): { name: string; [kind: string]: unknown }[] {
  const { alertEmails, hasSlack, slackChannel, hasWebhook, hasWebhookToken } = input;
  const email = {
    name: "monitoring-email",
    email_configs: alertEmails.map((to) => ({
      to,
      send_resolved: true,
      headers: { Subject: title() },
      html: each("<p><b>", "</b><br>").replaceAll("\n", "</p>\n"),
    })),
  };
  const slack = {
    name: "monitoring-slack",
    slack_configs: [
      {
        api_url: fromSecret("slackWebhookUrl"),
        ...(slackChannel && { channel: slackChannel }),
        title: title(forSlack),
        text: each("*", "*\n", forSlack),
        send_resolved: true,
      },
    ],
  };
  const webhook = {
    name: "monitoring-webhook",
    webhook_configs: [
      {
        url: fromSecret("webhookUrl"),
        send_resolved: true,
        ...(hasWebhookToken && {
          http_config: {
            authorization: { type: "Bearer", credentials: fromSecret("webhookToken") },
          },
        }),
      },
    ],
  };
  return [
    ...(alertEmails.length > 0 ? [email] : []),
    ...(hasSlack ? [slack] : []),
    ...(hasWebhook ? [webhook] : []),
  ];
}
