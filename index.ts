import * as pulumi from "@pulumi/pulumi";
import { renderClaudeSettings, renderHook } from "./hooks/render";
import { hookValues } from "./hooks/values";
import { newAccount } from "./infra/account";
import { enableApis } from "./infra/apis";
import { backendOf } from "./infra/backends";
import { GateCertificate } from "./infra/certificate";
import { readSettings } from "./infra/config/settings";
import { IngestionKeys } from "./infra/ingestionKeys";
import { Network, otlpPort } from "./infra/network";
import { Ready } from "./infra/ready/ready";
import { checkedGenerations } from "./infra/rotation";
import { renderContent } from "./infra/signoz/content";
import { contentInput } from "./infra/signoz/contentInput";
import { StackSecrets } from "./infra/stackSecrets";

const settings = readSettings();
const { engineers, gate, machine, signoz, alerts, cloud } = settings;
const content = renderContent(contentInput(settings));
const stack = pulumi.getStack();
const name = `monitoring-${stack}`;
const apis = enableApis();
/** Backend, and generations of keys and authorities, in force; the next update reads them and refuses what would lose data or cut engineers off. */
export const generations = checkedGenerations({ ...engineers, ...gate, ...machine });
const afterChecks = { dependsOn: generations.apply(() => apis) };
const network = new Network(name, { ...gate, ...machine, ...settings.place }, afterChecks);
const certificate = new GateCertificate(name, { ...gate, hosts: network.names });
const account = newAccount(name, afterChecks);
const access = { ...engineers, stack, place: machine, gateReader: account.member };
const keys = new IngestionKeys(name, access, afterChecks);
const kept = { ...access, ...signoz, ...alerts, ...cloud, network, certificate };
const secrets = new StackSecrets(name, kept, afterChecks);
const given = { content, settings, network, account: account.email, ...secrets.with(keys) };
const backend = new (backendOf(machine))(name, given, { dependsOn: [keys, secrets] });
new Ready(name, { ...gate, certificate, backend, key: keys.probe });

/** `<ip>:4317`; clients dial `otlpUrl`, since Claude Code cannot do TLS to an address. */
export const otlpEndpoint = pulumi.interpolate`${backend.gate.address}:${otlpPort}`;
/** What clients dial: `https://<name>:4317`. */
export const otlpUrl = secrets.url;
/** Secret Manager id of the endpoint: `grpc`, `url`, `caCertificate`. */
export const endpointSecret = secrets.endpoint.secretId;
/** Secret Manager id of the shared ingestion key; its latest version is the newest. */
export const ingestionKeySecret = keys.shared.secretId;
const hook = hookValues(settings, certificate, keys, otlpUrl);
/** The hook script for claude-config; `npm run export -- DIR` writes it into a checkout. */
export const telemetryHook = hook.apply(renderHook);
/** The settings fragment for claude-config, which registers the hook. */
export const claudeSettings = hook.apply(renderClaudeSettings);
