import { Secret, type SecretArgs } from "@pulumi/gcp/secretmanager/secret";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember";
import { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion";
import * as pulumi from "@pulumi/pulumi";

export interface VersionedSecretArgs {
  /** Id in Secret Manager; others look it up by this name. */
  secretId: string;
  /** A name of our own and the payload, oldest first: the last one becomes `latest`. */
  versions: [string, pulumi.Input<string>][];
  /** IAM member by a name of our own. */
  readers: Record<string, pulumi.Input<string>>;
  /** Regions that hold the payloads; none leaves replication to Google. */
  locations: string[];
}

/**
 * A secret with its versions and those who may read it.
 * A version that leaves the program, or is replaced by a new payload, is disabled and can be enabled again by hand.
 */
export class VersionedSecret extends pulumi.ComponentResource {
  readonly secretId: pulumi.Output<string>;
  /** Resource names (projects/…/secrets/…/versions/N), oldest first. */
  readonly versions: pulumi.Output<string>[];
  /** The newest of them. */
  readonly latest: pulumi.Output<string>;
  /** Grants that must exist before anyone relies on reading. */
  readonly grants: SecretIamMember[];

  constructor(name: string, args: VersionedSecretArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:VersionedSecret", name, {}, opts);
    const self = { parent: this };

    const secret = new Secret(
      `${name}-secret`,
      { secretId: args.secretId, replication: replication(args.locations) },
      { ...self, dependsOn: opts?.dependsOn },
    );
    let previous: SecretVersion[] = [];
    this.versions = args.versions.map(([version, payload]) => {
      const created = new SecretVersion(
        `${name}-${version}`,
        { secret: secret.id, secretData: pulumi.secret(payload), deletionPolicy: "DISABLE" },
        // Secret Manager calls the last one created `latest`, so they are created one after the other.
        { ...self, dependsOn: previous },
      );
      previous = [created];
      return created.name;
    });
    this.latest = this.versions.at(-1) ?? pulumi.output("");
    this.grants = Object.entries(args.readers).map(
      ([reader, member]) =>
        new SecretIamMember(
          `${name}-read-by-${reader}`,
          { secretId: secret.id, role: "roles/secretmanager.secretAccessor", member },
          self,
        ),
    );
    this.secretId = secret.secretId;
    this.registerOutputs({ secretId: this.secretId });
  }
}

function replication(locations: string[]): SecretArgs["replication"] {
  if (locations.length === 0) return { auto: {} };
  return { userManaged: { replicas: locations.map((location) => ({ location })) } };
}

/** IAM members as readers, each by its own name. */
export const memberReaders = (members: string[]): Record<string, string> =>
  Object.fromEntries(members.map((member) => [member, member]));
