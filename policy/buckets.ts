/** What of a bucket would open its backups, or let them go with a stack. */
export function bucketFaults(inputs: Record<string, unknown>): string[] {
  const faults: string[] = [];
  if (inputs.uniformBucketLevelAccess !== true) faults.push("has objects with grants of their own");
  if (inputs.publicAccessPrevention !== "enforced") faults.push("may be opened to the public");
  if (!Object(inputs.encryption).defaultKmsKeyName) faults.push("keeps backups without a KMS key");
  if (!(Number(Object(inputs.softDeletePolicy).retentionDurationSeconds) > 0))
    faults.push("forgets at once what somebody deletes");
  if (inputs.forceDestroy === true) faults.push("goes with all that is in it");
  return faults;
}

/** ClickHouse's Kubernetes account in the namespace of a stack, and no other workload (GKE, "Workload Identity Federation"). */
const clickhouse =
  /^principal:\/\/iam\.googleapis\.com\/projects\/\d+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\.svc\.id\.goog\/subject\/ns\/monitoring\/sa\/monitoring-[a-z0-9-]+$/;

/** Stands for it where only `up` makes the project's number known. */
export const clickhouseToCome =
  "principal://iam.googleapis.com/projects/0/locations/global/workloadIdentityPools/to-come.svc.id.goog/subject/ns/monitoring/sa/monitoring-to-come";

/** Who may not be in a grant on a bucket. */
export const bucketMemberFaults = ({ member }: Record<string, unknown>): string[] =>
  clickhouse.test(String(member))
    ? []
    : [`grants to ${JSON.stringify(String(member))}; only ClickHouse's pods may, by their account`];
