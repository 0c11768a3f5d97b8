import { createHash } from "node:crypto";
import { Disk } from "@pulumi/gcp/compute/disk";
import { DiskResourcePolicyAttachment } from "@pulumi/gcp/compute/diskResourcePolicyAttachment";
import { ResourcePolicy } from "@pulumi/gcp/compute/resourcePolicy";
import { SnapshotSettings } from "@pulumi/gcp/compute/snapshotSettings";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";

/** Device name of the data disk: the VM finds it at /dev/disk/by-id/google-<name>. */
export const dataDeviceName = "monitoring-data";

export interface DataDiskArgs {
  zone: string;
  region: string;
  dataDiskGb: number;
  snapshotRetentionDays: number;
  restoreFromSnapshot?: string | undefined;
  /** Regions that snapshots must not leave, this one among them; none leaves the place to Google. */
  dataLocations: string[];
  kmsKey?: string | undefined;
}

/** The disk that outlives every VM: protected, snapshotted daily and once more before it goes. */
export class DataDisk extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>;

  constructor(name: string, args: DataDiskArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:DataDisk", name, {}, opts);
    const self = within(this, opts);
    const { zone, region, restoreFromSnapshot, kmsKey } = args;
    const isBound = args.dataLocations.length > 0;

    // A snapshot without a place of its own, such as the last one before a disk goes, follows the project's setting.
    const bound = isBound
      ? [
          new SnapshotSettings(
            `${name}-snapshot-place`,
            { storageLocation: { policy: "LOCAL_REGION" } },
            self,
          ),
        ]
      : [];
    const disk = new Disk(
      `${name}-data`,
      {
        // Named after its snapshot, so that a restored disk exists before the one it replaces goes.
        name: [name, "data", ...(restoreFromSnapshot ? [shortHash(restoreFromSnapshot)] : [])].join(
          "-",
        ),
        type: "pd-balanced",
        size: args.dataDiskGb,
        zone,
        snapshot: restoreFromSnapshot,
        createSnapshotBeforeDestroy: true,
        ...(kmsKey && { diskEncryptionKey: { kmsKeySelfLink: kmsKey } }),
      },
      {
        ...self,
        dependsOn: isBound ? bound : self.dependsOn,
        protect: true,
        // The provider would let a disk with a name of ours go first, for a snapshot that may not exist.
        deleteBeforeReplace: false,
      },
    );
    const snapshots = new ResourcePolicy(
      `${name}-snapshots`,
      {
        name: `${name}-snapshots`,
        region,
        snapshotSchedulePolicy: {
          schedule: { dailySchedule: { daysInCycle: 1, startTime: "03:00" } },
          retentionPolicy: {
            maxRetentionDays: args.snapshotRetentionDays,
            onSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS",
          },
          ...(isBound && { snapshotProperties: { storageLocations: region } }),
        },
      },
      self,
    );
    new DiskResourcePolicyAttachment(
      `${name}-data-snapshots`,
      { name: snapshots.name, disk: disk.name, zone },
      self,
    );
    this.id = disk.id;
    this.registerOutputs();
  }
}

/** A snapshot's name may use all 63 characters that a disk's name has. */
const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);
