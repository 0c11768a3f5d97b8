import { Secret, type SecretArgs } from "@pulumi/gcp/secretmanager/secret";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember";
import { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion";
import * as pulumi from "@pulumi/pulumi";
import { within } from "./component";
import { sameMember } from "./config/fields";

/** Where Google keeps data, and under which key. */
export interface DataPlace {
  /** Regions; none leaves the place to Google. */
  dataLocations: string[];
  /** Cloud KMS key of the one region. */
  kmsKey?: string | undefined;
}

export interface VersionedSecretArgs {
  /** Id in Secret Manager; others look it up by this name. */
  secretId: string;
  /** What it holds, for people: kept beside it as an annotation. */
  holds: string;
  /** A name of our own and the payload, oldest first: the last one becomes `latest`. */
  versions: [string, pulumi.Input<string>][];
  /** IAM member by a name of our own. */
  readers: Record<string, pulumi.Input<string>>;
  place: DataPlace;
}

/**
 * A secret with its versions and those who may read it.
 * A version that leaves the program, or is replaced by a new payload, is disabled and can be enabled again by hand.
 */
export class VersionedSecret extends pulumi.ComponentResource {
  readonly secretId: pulumi.Output<string>;
  /** Resource names (projects/…/secrets/…/versions/N), oldest first. */
  readonly versions: pulumi.Output<string>[];
  /** The newest of them; empty without any. */
  readonly latest: pulumi.Output<string>;

  constructor(name: string, args: VersionedSecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:VersionedSecret", name, {}, opts);
    const self = within(this, opts);

    const secret = new Secret(
      `${name}-secret`,
      {
        secretId: args.secretId,
        annotations: { holds: args.holds },
        replication: replication(args.place),
      },
      self,
    );
    let previous: SecretVersion[] = [];
    this.versions = args.versions.map(([version, payload]) => {
      const created = new SecretVersion(
        `${name}-${version}`,
        { secret: secret.id, secretData: pulumi.secret(payload), deletionPolicy: "DISABLE" },
        // Secret Manager calls the last one created `latest`, so they are created one after the other.
        { parent: this, dependsOn: previous },
      );
      previous = [created];
      return created.name;
    });
    this.latest = this.versions.at(-1) ?? pulumi.output("");
    for (const [reader, member] of Object.entries(args.readers))
      new SecretIamMember(
        `${name}-read-by-${sameMember(reader)}`,
        { secretId: secret.id, role: "roles/secretmanager.secretAccessor", member },
        // Named by the letters as written until now; as two resources, the one that goes takes the other's access along.
        { ...self, aliases: [{ name: `${name}-read-by-${reader}` }] },
      );
    this.secretId = secret.secretId;
    this.registerOutputs({ secretId: this.secretId });
  }
}

function replication({ dataLocations, kmsKey }: DataPlace): SecretArgs["replication"] {
  if (dataLocations.length === 0) return { auto: {} };
  const encryption = kmsKey && { customerManagedEncryption: { kmsKeyName: kmsKey } };
  return {
    userManaged: { replicas: dataLocations.map((location) => ({ location, ...encryption })) },
  };
}

/** IAM members as readers, each by its own name. */
export const memberReaders = (members: string[]): Record<string, string> =>
  Object.fromEntries(members.map((member) => [member, member]));
