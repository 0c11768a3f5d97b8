import { Bucket } from "@pulumi/gcp/storage/bucket";
import { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { namespaceName } from "./place";
import { metadata } from "./pods";

export interface BackupBucketArgs {
  namespace: pulumi.Input<string>;
  project: string;
  region: string;
  /** Cloud KMS key that encrypts the backups. */
  kmsKey: string;
  backupDays: number;
}

/** Where Google's APIs answer inside its network (Google Cloud, "Configure Private Google Access", private.googleapis.com). */
export const privateGoogleRange = "199.36.153.8/30";
const privateGoogle = [8, 9, 10, 11].map((last) => `199.36.153.${last}`);

/** Where a pod asks who it is (GKE, "Network policy and Workload Identity Federation for GKE", Dataplane V2). */
export const metadataServer = "169.254.169.254/32";

/** Days within which files/backup.sh makes a new full backup: none that is kept builds on an older one. */
export const fullEveryDays = 7;

/** Days for which what somebody deletes or overwrites comes back, and is billed. */
export const undeleteDays = 7;

/** What ClickHouse's pods take from here. */
export interface BackupPlace {
  /** Of the bucket; ends in a slash. */
  url: pulumi.Output<string>;
  /** Kubernetes account as which the pods may write there. */
  account: pulumi.Output<string>;
}

/**
 * The bucket of ClickHouse's backups, and the only one who may write and read there: ClickHouse's pods, by their Kubernetes
 * account and without a key (Google Cloud, "Workload Identity Federation for GKE").
 */
export class BackupBucket extends pulumi.ComponentResource implements BackupPlace {
  readonly url: pulumi.Output<string>;
  readonly account: pulumi.Output<string>;

  constructor(name: string, args: BackupBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:BackupBucket", name, {}, opts);
    const self = within(this, opts);
    const { backupDays, project } = args;

    const bucket = new Bucket(
      `${name}-backups`,
      {
        location: args.region,
        uniformBucketLevelAccess: true,
        publicAccessPrevention: "enforced",
        encryption: { defaultKmsKeyName: args.kmsKey },
        // ClickHouse may be in somebody else's hands.
        softDeletePolicy: { retentionDurationSeconds: undeleteDays * 24 * 3600 },
        lifecycleRules: [
          expiry("daily/", backupDays),
          // The last of a week builds on it.
          expiry("full/", backupDays + fullEveryDays),
        ],
      },
      // A stack that goes leaves its backups.
      { ...self, retainOnDelete: true },
    );
    // One of each stack's own: the pool is the project's, and takes accounts of one name for the same.
    const account = new ServiceAccount(
      `${name}-clickhouse-account`,
      { metadata: metadata(args.namespace, name), automountServiceAccountToken: false },
      self,
    );
    new BucketIAMMember(
      `${name}-backups-clickhouse`,
      {
        bucket: bucket.name,
        role: "roles/storage.objectUser",
        member: pulumi.interpolate`principal://iam.googleapis.com/projects/${bucket.projectNumber}/locations/global/workloadIdentityPools/${project}.svc.id.goog/subject/ns/${namespaceName}/sa/${name}`,
      },
      // The pool of such accounts comes with a project's first cluster.
      { ...self, dependsOn: [account] },
    );
    this.url = pulumi.interpolate`https://${storageHost}/${bucket.name}/`;
    this.account = account.metadata.name;
    this.registerOutputs({ url: this.url });
  }
}

const storageHost = "storage.googleapis.com";

/** Of ClickHouse's pods: by these addresses the bucket is reached without a way to the internet. */
export const storageAliases = privateGoogle.map((ip) => ({ ip, hostnames: [storageHost] }));

const expiry = (prefix: string, age: number) => ({
  action: { type: "Delete" },
  condition: { age, matchesPrefixes: [prefix] },
});
