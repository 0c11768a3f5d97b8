import * as field from "./fields";
import { machineType } from "./machineTypes";

/** What it runs on and where its data lies. */
export const machine = {
  backend: field.key(
    "What keeps the telemetry behind the gate: SigNoz on the same VM, SigNoz Cloud, or ClickHouse and the gates on GKE",
    field.oneOf("vm", "cloud", "gke"),
    "vm",
  ),
  handover: field.key(
    "How far the handover to the backend from the other one is (docs/runbook.md): with write both stand and every gate writes to the backend's ClickHouse, with read SigNoz and clients are there too; empty for none",
    field.optional(field.oneOf("write", "read")),
  ),
  machineType: field.key(
    "Machine type of the VM, with at least 7.5 GB of memory",
    machineType,
    "e2-standard-2",
  ),
  bootImage: field.key(
    "Image or image family of the boot disk, Debian 13 on x86; another one where only trusted images are allowed",
    field.matching(
      /^(https:\/\/www\.googleapis\.com\/compute\/v1\/)?(projects\/)?([a-z][a-z0-9-]{4,28}[a-z0-9]\/)?(global\/images\/)?(family\/)?[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
      "an image such as debian-cloud/debian-13 or projects/PROJECT/global/images/family/FAMILY",
      "debian-cloud/debian-13",
    ),
    "debian-cloud/debian-13",
  ),
  bootDiskGb: field.key(
    "Size of the boot disk (system and container images)",
    field.wholeNumber(20, 2048),
    30,
  ),
  dataDiskGb: field.key(
    "Size of the data disk; grows in place, never shrinks",
    field.wholeNumber(30, 65536),
    100,
  ),
  snapshotRetentionDays: field.key(
    "Days that a daily snapshot of the data disk is kept",
    field.wholeNumber(1, 365),
    14,
  ),
  restoreFromSnapshot: field.key(
    "Snapshot to create the data disk from; empty means a blank disk on the first deployment",
    field.optional(
      field.matching(
        /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
        "the name of a snapshot",
        "monitoring-data-dev-20261120",
      ),
    ),
  ),
  deletionProtection: field.key(
    "Whether Google refuses to delete the VM or the cluster",
    field.flag,
    true,
  ),
  dataLocations: field.key(
    "Regions that secrets and snapshots must not leave, the region of gcp:zone among them; empty leaves both to Google",
    field.listOf(field.region),
  ),
  kmsKey: field.key(
    "Cloud KMS key that encrypts disks, snapshots and secrets, in the one region of dataLocations; empty leaves the keys to Google",
    field.optional(
      field.matching(
        /^projects\/[a-z][a-z0-9-]{4,28}[a-z0-9]\/locations\/[a-z]+-[a-z]+\d+\/keyRings\/[A-Za-z0-9_-]{1,63}\/cryptoKeys\/[A-Za-z0-9_-]{1,63}$/,
        "projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY",
        "projects/palindrom-kms/locations/europe-west3/keyRings/monitoring/cryptoKeys/data",
      ),
    ),
  ),
  flowLogsPercent: field.key(
    "Share of the subnetwork's connections in VPC flow logs; 0 turns them off",
    field.wholeNumber(0, 100),
    0,
  ),
};

export const renamedMachine = { secretLocations: "dataLocations" };

/** Faults between these keys, and with the region of gcp:zone, that are each well-formed. */
export function machineContradictions({
  dataLocations,
  kmsKey,
  region,
}: Partial<field.Values<typeof machine>> & { region: string | undefined }): string[] {
  const faults: string[] = [];
  const shown = JSON.stringify(dataLocations);
  if (region !== undefined && dataLocations?.length && !dataLocations.includes(region))
    faults.push(
      `monitoring:dataLocations = ${shown} leaves out ${region}, where gcp:zone puts the data disk; add it, or run: pulumi config set gcp:zone ${dataLocations[0]}-b`,
    );
  const keyRegion = kmsKey?.split("/")[3];
  if (keyRegion !== undefined && (dataLocations?.length !== 1 || dataLocations[0] !== keyRegion))
    faults.push(
      `monitoring:kmsKey = ${JSON.stringify(kmsKey)} encrypts in ${keyRegion} only, and dataLocations is ${shown}; run: pulumi config set --path 'monitoring:dataLocations[0]' ${keyRegion}`,
    );
  return faults;
}
