import { Account } from "@pulumi/gcp/serviceaccount/account";
import * as pulumi from "@pulumi/pulumi";
import { renderClaudeSettings, renderHook } from "./hooks/render";
import { enableApis } from "./infra/apis";
import { GateCertificate } from "./infra/certificate";
import { hookSettings, readSettings } from "./infra/config/settings";
import { checkedGenerations, IngestionKeys } from "./infra/ingestionKeys";
import { Network, otlpPort } from "./infra/network";
import { Ready } from "./infra/ready/ready";
import { StackSecrets } from "./infra/stackSecrets";
import { SignozVm } from "./infra/vm/machine";

const settings = readSettings();
const stack = pulumi.getStack();
const name = `monitoring-${stack}`;
const apis = enableApis();
const generations = checkedGenerations(settings.ingestionKeys);
const afterChecks = { dependsOn: generations.apply(() => apis) };

const network = new Network(name, settings, afterChecks);
const certificate = new GateCertificate(name, { host: network.host });
const account = new Account(name, { accountId: name }, afterChecks);
const access = { stack, settings, vm: account.member };
const keys = new IngestionKeys(name, access, afterChecks);
const secrets = new StackSecrets(name, { ...access, network, certificate }, afterChecks);
const versions = { ...keys.vmVersions, ...secrets.vmVersions };
const vm = new SignozVm(
  name,
  { settings, network, serviceAccount: account.email, secrets: versions },
  { dependsOn: [...keys.vmGrants, ...secrets.vmGrants] },
);
new Ready(name, { settings, network, certificate, vm, key: keys.newest });

/** `<ip>:4317`; OTLP clients dial otlpUrl, since Claude Code cannot do TLS to an address. */
export const otlpEndpoint = pulumi.interpolate`${network.address}:${otlpPort}`;
export const otlpUrl = secrets.url;
/** Secret Manager ids of the endpoint with its CA certificate, and of the newest ingestion key. */
export const endpointSecret = secrets.endpoint.secretId;
export const ingestionKeySecret = keys.shared.secretId;
/** For claude-config; `npm run export -- DIR` writes both into a checkout. */
const hookValues = pulumi.output({
  ...hookSettings(settings),
  endpointUrl: otlpUrl,
  caCertificate: certificate.caCertificate,
  ingestionKeySecret,
});
export const telemetryHook = hookValues.apply(renderHook);
export const claudeSettings = hookValues.apply(renderClaudeSettings);
/** Read back by the next update, which refuses to leave `latest` disabled. */
export const ingestionKeyGenerations = generations;
