import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { GateCertificate } from "./certificate";
import type { Settings } from "./config/settings";
import { type Network, otlpPort } from "./network";
import { memberReaders, VersionedSecret, type VersionedSecretArgs } from "./versionedSecret";

export interface StackSecretsArgs {
  stack: string;
  settings: Settings;
  network: Pick<Network, "address" | "host">;
  certificate: Pick<GateCertificate, "caCertificate" | "certificateAndKey">;
  /** IAM member of the VM. */
  vm: pulumi.Input<string>;
}

/** Everything secret but the ingestion keys: what engineers dial, and what the VM and its services need. */
export class StackSecrets extends pulumi.ComponentResource {
  /** JSON {grpc: "<ip>:4317", url, caCertificate}; not secret in itself, kept where engineers fetch the key. */
  readonly endpoint: VersionedSecret;
  readonly tls: VersionedSecret;
  readonly signozAdmin: VersionedSecret;
  readonly clickhouse: VersionedSecret;
  readonly alerts: VersionedSecret;
  /** https URL that OTLP clients dial. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: StackSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:StackSecrets", name, {}, opts);
    const self = { parent: this };
    const { settings, stack } = args;
    const secret = (
      what: string,
      payload: pulumi.Input<string>,
      readers: VersionedSecretArgs["readers"] = { vm: args.vm },
    ) =>
      new VersionedSecret(
        `${name}-${what}`,
        {
          secretId: `monitoring-${what}-secret-${stack}`,
          versions: [["current", payload]],
          readers,
          locations: settings.secretLocations,
        },
        { ...self, dependsOn: opts?.dependsOn },
      );

    this.url = pulumi.interpolate`https://${args.network.host}:${otlpPort}`;
    this.endpoint = secret(
      "signoz-otlp-endpoint",
      pulumi.jsonStringify({
        grpc: pulumi.interpolate`${args.network.address}:${otlpPort}`,
        url: this.url,
        caCertificate: args.certificate.caCertificate,
      }),
      memberReaders(settings.secretReaders),
    );
    this.tls = secret("tls", args.certificate.certificateAndKey);
    // The rule and the symbols of SigNoz's password check (v0.138.0: 12 characters, one of each kind).
    const admin = { length: 32, minLower: 1, minUpper: 1, minNumeric: 1, minSpecial: 1 };
    this.signozAdmin = secret(
      "signoz-admin",
      new random.RandomPassword(`${name}-signoz-admin`, { ...admin, overrideSpecial: "-_" }, self)
        .result,
    );
    // Letters and digits only: the password becomes part of a URL.
    this.clickhouse = secret(
      "clickhouse",
      new random.RandomPassword(`${name}-clickhouse`, { length: 32, special: false }, self).result,
    );
    this.alerts = secret(
      "alerts",
      pulumi.jsonStringify({
        smtpPassword: settings.smtpPassword ?? "",
        slackWebhookUrl: settings.alertSlackWebhookUrl ?? "",
        webhookUrl: settings.alertWebhookUrl ?? "",
        webhookToken: settings.alertWebhookToken ?? "",
      }),
    );
    this.registerOutputs({ url: this.url });
  }

  /** What the VM reads, in the names of VmSecrets. */
  get vmVersions() {
    return {
      tls: this.tls.latest,
      signozAdmin: this.signozAdmin.latest,
      clickhouse: this.clickhouse.latest,
      alerts: this.alerts.latest,
    };
  }

  get vmGrants() {
    return [this.tls, this.signozAdmin, this.clickhouse, this.alerts].flatMap((it) => it.grants);
  }
}
