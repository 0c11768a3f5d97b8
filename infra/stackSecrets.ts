import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword";
import type { GateCertificate } from "./certificate";
import { within } from "./component";
import type { Settings } from "./config/settings";
import type { IngestionKeys } from "./ingestionKeys";
import { type Network, otlpPort } from "./network";
import {
  type DataPlace,
  memberReaders,
  VersionedSecret,
  type VersionedSecretArgs,
} from "./versionedSecret";

/** Secrets of the alerts' channels. */
type ChannelSecrets = Pick<
  Settings["alerts"],
  "smtpPassword" | "alertSlackWebhookUrl" | "alertWebhookUrl" | "alertWebhookToken"
>;

/** What a SigNoz of our own is given, and its database. */
interface SignozSecrets extends ChannelSecrets {
  /** Another one makes new passwords. */
  passwordGeneration: string;
}

/** What the gate hands telemetry to needs, by its name among the versions. */
type StoreSecrets = {
  [Name in "signozAdmin" | "clickhouse" | "alerts" | "cloud"]?: VersionedSecret;
};

export interface StackSecretsArgs extends SignozSecrets {
  stack: string;
  /** IAM members that may read the endpoint. */
  secretReaders: string[];
  place: DataPlace;
  network: Pick<Network, "dialled" | "host">;
  certificate: Pick<GateCertificate, "caCertificate" | "certificateAndKey">;
  /** Given where SigNoz Cloud keeps the telemetry: there is no SigNoz of our own then. */
  cloudIngestionKey: pulumi.Input<string> | undefined;
  /** IAM member that runs the gate and the store. */
  gateReader: pulumi.Input<string>;
}

/** Everything secret but the ingestion keys: what engineers dial, and what the gate and the store need. */
export class StackSecrets extends pulumi.ComponentResource {
  /** JSON {grpc: "<ip>:4317", url, caCertificate}; not secret in itself, kept where engineers fetch the key. */
  readonly endpoint: VersionedSecret;
  readonly tls: VersionedSecret;
  /** JSON of the passwords of ClickHouse's users, where there is one of our own; secret. */
  private readonly clickhousePasswords?: pulumi.Output<string>;
  private readonly certificateAndKey: pulumi.Output<string>;
  private readonly store: StoreSecrets;
  /** https URL that OTLP clients dial. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: StackSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:StackSecrets", name, {}, opts);
    const self = within(this, opts);
    const secret = (
      what: string,
      holds: string,
      payload: pulumi.Input<string>,
      readers: VersionedSecretArgs["readers"] = { gate: args.gateReader },
    ) =>
      new VersionedSecret(
        `${name}-${what}`,
        {
          secretId: `monitoring-${what}-secret-${args.stack}`,
          holds,
          versions: [["current", payload]],
          readers,
          place: args.place,
        },
        self,
      );

    this.url = pulumi.interpolate`https://${args.network.host}:${otlpPort}`;
    this.endpoint = secret(
      "signoz-otlp-endpoint",
      "JSON of where clients send: grpc (<ip>:4317), url, caCertificate",
      pulumi.jsonStringify({
        grpc: pulumi.interpolate`${args.network.dialled}:${otlpPort}`,
        url: this.url,
        caCertificate: args.certificate.caCertificate,
      }),
      memberReaders(args.secretReaders),
    );
    this.tls = secret(
      "tls",
      "the gate's certificate and its private key",
      args.certificate.certificateAndKey,
    );
    this.certificateAndKey = args.certificate.certificateAndKey;
    const keepers = { generation: args.passwordGeneration };
    if (args.cloudIngestionKey === undefined) {
      this.clickhousePasswords = clickhousePasswords(name, keepers, self);
      this.store = signozSecrets(name, args, this.clickhousePasswords, secret, self);
    } else {
      const key = args.cloudIngestionKey;
      this.store = { cloud: secret("signoz-cloud", "the ingestion key of SigNoz Cloud", key) };
    }
    this.registerOutputs({ url: this.url });
  }

  /** What a backend is given of these and of the ingestion keys: each secret's version, and what the version holds. */
  with(keys: Pick<IngestionKeys, "versions" | "payloads">) {
    const ofStore: { [Name in keyof StoreSecrets]: pulumi.Output<string> } = {};
    for (const [name, { latest }] of Object.entries(this.store))
      ofStore[name as keyof StoreSecrets] = latest;
    return {
      secrets: { ...keys.versions, tls: this.tls.latest, ...ofStore },
      payloads: {
        ...keys.payloads,
        tls: this.certificateAndKey,
        clickhouse: this.clickhousePasswords,
      },
    };
  }
}

function signozSecrets(
  name: string,
  args: SignozSecrets,
  passwords: pulumi.Output<string>,
  secret: (what: string, holds: string, payload: pulumi.Input<string>) => VersionedSecret,
  opts: pulumi.ResourceOptions,
) {
  const keepers = { generation: args.passwordGeneration };
  // The rule and the symbols of SigNoz's password check (v0.138.0: 12 characters, one of each kind).
  const admin = { keepers, length: 32, minLower: 1, minUpper: 1, minNumeric: 1, minSpecial: 1 };
  return {
    signozAdmin: secret(
      "signoz-admin",
      "password of SigNoz' root user",
      new RandomPassword(`${name}-signoz-admin`, { ...admin, overrideSpecial: "-_" }, opts).result,
    ),
    clickhouse: secret("clickhouse", "JSON of the passwords of ClickHouse's users", passwords),
    alerts: secret(
      "alerts",
      "JSON of the secrets of alerts' channels",
      pulumi.jsonStringify({
        smtpPassword: args.smtpPassword ?? "",
        slackWebhookUrl: args.alertSlackWebhookUrl ?? "",
        webhookUrl: args.alertWebhookUrl ?? "",
        webhookToken: args.alertWebhookToken ?? "",
      }),
    ),
  };
}

/** ClickHouse's users: each service gets the grants that it needs (infra/vm/store/clickhouse/users.xml). */
const clickhouseUsers = ["signoz", "collector", "migrator"] as const;

/** JSON {signoz, collector, migrator} of passwords. */
const clickhousePasswords = (
  name: string,
  keepers: { generation: string },
  opts: pulumi.ResourceOptions,
) =>
  pulumi.jsonStringify(
    Object.fromEntries(
      clickhouseUsers.map((user) => [
        user,
        // Letters and digits only: the password becomes part of a URL.
        new RandomPassword(
          `${name}-clickhouse-${user}`,
          { keepers, length: 32, special: false },
          opts,
        ).result,
      ]),
    ),
  );
