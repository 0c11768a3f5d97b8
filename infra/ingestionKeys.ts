import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { engineerOf, idOf, type Settings } from "./config/settings";
import { memberReaders, VersionedSecret } from "./versionedSecret";

export interface IngestionKeysArgs {
  /** Name of the stack, the last part of every secret's id. */
  stack: string;
  settings: Settings;
  /** IAM member of the VM, which reads every key. */
  vm: pulumi.Input<string>;
}

/** The keys that the gate accepts: one shared key a generation, and one for each engineer who has their own. */
export class IngestionKeys extends pulumi.ComponentResource {
  /** Secret of the shared key; its `latest` is the newest generation. */
  readonly shared: VersionedSecret;
  /** Secrets of the engineers' own keys. */
  readonly own: VersionedSecret[];
  /** The newest shared key. */
  readonly newest: pulumi.Output<string>;

  constructor(name: string, args: IngestionKeysArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:IngestionKeys", name, {}, opts);
    const self = { parent: this, dependsOn: opts?.dependsOn };

    const { ingestionKeys: generations, engineerKeys, secretReaders } = args.settings;
    const locations = args.settings.secretLocations;

    const keyName = `${name}-ingestion-key`;
    const keys = generations.map((generation) => newKey(`${keyName}-${generation}`, self).result);
    this.shared = new VersionedSecret(
      keyName,
      {
        secretId: `monitoring-signoz-ingestion-key-secret-${args.stack}`,
        versions: generations.map((generation, index) => [generation, keys[index] ?? ""]),
        readers: { ...memberReaders(secretReaders), vm: args.vm },
        locations,
      },
      self,
    );
    this.own = engineerKeys.map((address) => {
      const engineer = engineerOf(address);
      const key = newKey(`${keyName}-of-${engineer}`, self);
      return new VersionedSecret(
        `${keyName}-of-${engineer}`,
        {
          secretId: `monitoring-signoz-ingestion-key-${idOf(engineer)}-secret-${args.stack}`,
          versions: [["key", pulumi.interpolate`${engineer}.${key.result}`]],
          readers: { owner: `user:${address}`, vm: args.vm },
          locations,
        },
        self,
      );
    });
    this.newest = pulumi.secret(keys.at(-1) ?? "");
    this.registerOutputs();
  }

  /** What the VM reads, in the names of VmSecrets. */
  get vmVersions() {
    return {
      ingestionKeys: pulumi.all(this.shared.versions),
      engineerKeys: pulumi.all(this.own.map((secret) => secret.latest)),
    };
  }

  get vmGrants() {
    return [this.shared, ...this.own].flatMap((secret) => secret.grants);
  }
}

/**
 * The wanted generations, once they are known to follow from those that the stack's last update left in force.
 * Rejects what refuseLostLatest refuses: a resource that depends on this is then not touched at all.
 */
export function checkedGenerations(wanted: string[]): pulumi.Output<string[]> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const deployed = new pulumi.StackReference("deployed", { name });
  return deployed.getOutput("ingestionKeyGenerations").apply((generations?: string[]) => {
    refuseLostLatest(generations ?? [], wanted);
    return wanted;
  });
}

const newKey = (name: string, opts: pulumi.CustomResourceOptions) =>
  // No dot and nothing to quote: a dot parts engineer and secret in an engineer's own key.
  new random.RandomPassword(name, { length: 40, special: false }, opts);

/**
 * Refuses a change of generations after which Secret Manager's `latest`, which engineers fetch, would be disabled or old.
 * @throws pulumi.RunError that names the generation to add
 */
export function refuseLostLatest(deployed: string[], wanted: string[]): void {
  const latest = deployed.at(-1);
  if (latest === undefined) return;
  const newer = wanted.filter((generation) => !deployed.includes(generation));
  const misplaced = newer.find((generation) => generation < latest);
  if (misplaced !== undefined)
    throw refusal(
      `monitoring:ingestionKeys = ${JSON.stringify(wanted)} adds ${JSON.stringify(misplaced)} before ${JSON.stringify(latest)}, which is deployed: engineers fetch the version created last; give the new generation a name that sorts after ${JSON.stringify(latest)}`,
    );
  if (!wanted.includes(latest) && newer.length === 0)
    throw refusal(
      `monitoring:ingestionKeys = ${JSON.stringify(wanted)} drops ${JSON.stringify(latest)}, the newest: engineers would fetch a disabled version; add a generation that sorts after ${JSON.stringify(latest)} in the same change`,
    );
}

// Pulumi prints a rejected error with all that the promises behind it hold, which takes minutes for a whole program.
function refusal(message: string): pulumi.RunError {
  return Object.defineProperty(new pulumi.RunError(message), inspect.custom, {
    value: () => message,
  });
}
