import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "./config/settings";
import type { SignozContent } from "./signoz/content";

/** Secret Manager version names (projects/…/secrets/…/versions/N); never a value. */
export interface SecretVersions {
  /** Oldest first. */
  ingestionKeys: string[];
  engineerKeys: string[];
  tls: string;
  /** Of a SigNoz of our own, as the two below. */
  signozAdmin?: string | undefined;
  clickhouse?: string | undefined;
  alerts?: string | undefined;
  /** Of SigNoz Cloud. */
  cloud?: string | undefined;
}

/** What the versions hold, for a backend that cannot read them itself; secret. */
export interface SecretPayloads {
  /** One key a line, as in infra/gate/keys-map.sh. */
  keys: string;
  /** Certificate and private key, PEM. */
  tls: string;
  /** JSON of the passwords of ClickHouse's users. */
  clickhouse?: string | undefined;
}

/** What every backend takes. */
export interface BackendArgs {
  settings: Settings;
  /**
   * Network and subnetwork to run in; the addresses of a machine's gate and of a cluster's, that of the two which clients are
   * led to, and the name that they dial, which the certificate carries.
   */
  network: {
    [Key in
      | "network"
      | "subnetwork"
      | "address"
      | "clusterAddress"
      | "dialled"
      | "host"]: pulumi.Input<string>;
  };
  /** E-mail of the service account that it runs as, the reader of every secret version. */
  account: pulumi.Input<string>;
  secrets: { [Key in keyof SecretVersions]: pulumi.Input<SecretVersions[Key]> };
  payloads: { [Key in keyof SecretPayloads]: pulumi.Input<SecretPayloads[Key]> };
  /** What SigNoz shows and alerts on. */
  content: SignozContent;
}

/** What every backend gives: where its gate is, and how to know that everything is applied. */
export interface Backend extends pulumi.Resource {
  readonly gate: { readonly address: pulumi.Output<string>; readonly host: pulumi.Output<string> };
  /** Names everything that it must apply; it reports this as `applied`. */
  readonly version: pulumi.Output<string>;
  /** Names what it runs on: another one has everything still to apply, also where the version stays. */
  readonly machine: pulumi.Output<string>;
  /**
   * Shell command, run from the project's folder, that prints how far it is: lines `stage=`, `applied=`, `error=`.
   * Exit 0: it was asked; 1: nobody can ask from here, and why is on stderr; 2: no answer this time.
   */
  readonly progress: pulumi.Output<string>;
  /** Shell command that shows a person what it logged. */
  readonly log: pulumi.Output<string>;
}

export type BackendClass = new (
  name: string,
  args: BackendArgs,
  opts?: pulumi.ComponentResourceOptions,
) => Backend;
