import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword";
import { within } from "./component";
import { engineerOf, idOf, ownKeyName, personalKey, probeOwner } from "./config/engineers";
import { type DataPlace, memberReaders, VersionedSecret } from "./versionedSecret";

export interface IngestionKeysArgs {
  /** Name of the stack, the last part of every secret's id. */
  stack: string;
  ingestionKeyGenerations: string[];
  personalKeyEmails: string[];
  /** IAM members that may read the shared key. */
  secretReaders: string[];
  /** IAM member that runs the gate, which reads every key. */
  gateReader: pulumi.Input<string>;
  place: DataPlace;
}

/** The keys that the gate accepts: one shared key a generation, and one for each engineer who has their own. */
export class IngestionKeys extends pulumi.ComponentResource {
  /** Secret of the shared key; its `latest` is the newest generation, and there is none without a generation. */
  readonly shared: VersionedSecret;
  /** Secrets of the engineers' own keys. */
  readonly own: VersionedSecret[];
  /** Id of an engineer's own secret, with `{engineer}` for idOf of their name: the hook on their machine fills it in. */
  readonly personalSecretId: string;
  /** The key by which the gate is asked whether it accepts: the newest shared one, or one that is nobody's. */
  readonly probe: pulumi.Output<string>;
  /** Every key, one a line, the shared ones last; secret. */
  private readonly lines: pulumi.Output<string>;

  constructor(name: string, args: IngestionKeysArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:IngestionKeys", name, {}, opts);
    const self = within(this, opts);
    const { stack, ingestionKeyGenerations: generations, place, gateReader: gate } = args;

    this.personalSecretId = `monitoring-signoz-ingestion-key-{engineer}-secret-${stack}`;
    const keyName = `${name}-ingestion-key`;
    const keys = generations.map((generation) => newKey(`${keyName}-${generation}`, self).result);
    this.shared = new VersionedSecret(
      keyName,
      {
        secretId: `monitoring-signoz-ingestion-key-secret-${stack}`,
        holds: "the shared ingestion key, a version a generation",
        versions: generations.map((generation, index) => [generation, keys[index] ?? ""]),
        readers: { ...memberReaders(args.secretReaders), gate },
        place,
      },
      self,
    );
    const ownKey = (
      owner: string,
      stamped: string,
      generation: string,
      holds: string,
      readers: Record<string, pulumi.Input<string>> = {},
    ) => {
      const secret = newKey(`${keyName}-${ownKeyName(owner, generation)}`, self).result;
      const key = pulumi.interpolate`${stamped}.${secret}`;
      const kept = new VersionedSecret(
        `${keyName}-of-${owner}`,
        {
          secretId: this.personalSecretId.replace("{engineer}", idOf(owner)),
          holds,
          versions: [[generation, key]],
          readers: { ...readers, gate },
          place,
        },
        self,
      );
      return { key, kept };
    };
    const own = args.personalKeyEmails.map(personalKey).map(({ address, generation }) =>
      // The whole address: a claim under a shared key never holds an @, so nobody can pass for its owner.
      ownKey(
        engineerOf(address),
        address.toLowerCase(),
        generation,
        "one engineer's own ingestion key",
        {
          owner: `user:${address}`,
        },
      ),
    );
    const newest = keys.at(-1);
    // Last, because the gate's own check takes the last key it has.
    const probe =
      newest === undefined
        ? ownKey(
            probeOwner,
            probeOwner,
            "key",
            "the key by which the gate is asked, without a shared one",
          )
        : undefined;
    this.own = [...own, ...(probe ? [probe] : [])].map(({ kept }) => kept);
    this.probe = pulumi.secret(newest ?? probe?.key ?? "");
    const all = [...own, ...(probe ? [probe] : [])].map(({ key }) => key).concat(keys);
    this.lines = pulumi.secret(
      pulumi.all(all).apply((lines) => lines.map((line) => `${line}\n`).join("")),
    );
    this.registerOutputs();
  }

  /** What those versions hold. */
  get payloads() {
    return { keys: this.lines };
  }

  /** What the gate reads. */
  get versions() {
    return {
      ingestionKeys: pulumi.all(this.shared.versions),
      engineerKeys: pulumi.all(this.own.map((secret) => secret.latest)),
    };
  }
}

const newKey = (name: string, opts: pulumi.CustomResourceOptions) =>
  // No dot and nothing to quote: a dot parts engineer and secret in an engineer's own key.
  new RandomPassword(name, { length: 40, special: false }, opts);
