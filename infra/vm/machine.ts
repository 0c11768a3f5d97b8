import { createHash } from "node:crypto";
import { Disk } from "@pulumi/gcp/compute/disk";
import { DiskResourcePolicyAttachment } from "@pulumi/gcp/compute/diskResourcePolicyAttachment";
import { Instance } from "@pulumi/gcp/compute/instance";
import { ResourcePolicy } from "@pulumi/gcp/compute/resourcePolicy";
import { TunnelInstanceIAMMember } from "@pulumi/gcp/iap/tunnelInstanceIAMMember";
import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../config/settings";
import { type Network, signozPort } from "../network";
import { dataDeviceName, prepareBoot, type VmSecrets } from "./delivery";

export interface SignozVmArgs {
  settings: Settings;
  /** E-mail of the service account that the VM runs as. */
  serviceAccount: pulumi.Input<string>;
  network: Pick<Network, "subnetwork" | "address" | "host">;
  secrets: { [Key in keyof VmSecrets]: pulumi.Input<VmSecrets[Key]> };
}

/** The VM that runs SigNoz and the gate, its data on a disk of its own, and who may open SigNoz. */
export class SignozVm extends pulumi.ComponentResource {
  readonly instance: Instance;
  /** Names everything that the VM must apply. */
  readonly digest: pulumi.Output<string>;

  constructor(name: string, args: SignozVmArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:SignozVm", name, {}, opts);
    const self = { parent: this };
    const { settings } = args;
    const { zone, restoreFromSnapshot } = settings;

    const disk = new Disk(
      `${name}-data`,
      {
        // Named after its snapshot, so that a restored disk exists before the one it replaces goes.
        name: [name, "data", ...(restoreFromSnapshot ? [shortHash(restoreFromSnapshot)] : [])].join(
          "-",
        ),
        type: "pd-balanced",
        size: settings.dataDiskGb,
        zone,
        snapshot: restoreFromSnapshot,
        createSnapshotBeforeDestroy: true,
      },
      { ...self, protect: true },
    );
    const snapshots = new ResourcePolicy(
      `${name}-snapshots`,
      {
        name: `${name}-snapshots`,
        region: settings.region,
        snapshotSchedulePolicy: {
          schedule: { dailySchedule: { daysInCycle: 1, startTime: "03:00" } },
          retentionPolicy: {
            maxRetentionDays: settings.snapshotRetentionDays,
            onSourceDiskDelete: "KEEP_AUTO_SNAPSHOTS",
          },
        },
      },
      self,
    );
    new DiskResourcePolicyAttachment(
      `${name}-data-snapshots`,
      { name: snapshots.name, disk: disk.name, zone },
      self,
    );

    const boot = prepareBoot(settings);
    const metadata = pulumi
      .all([args.network.host, pulumi.output(args.secrets)])
      .apply(([host, secrets]) => boot(host, secrets));
    this.instance = new Instance(
      `${name}-vm`,
      {
        name,
        zone,
        machineType: settings.machineType,
        allowStoppingForUpdate: true,
        deletionProtection: settings.deletionProtection,
        bootDisk: {
          initializeParams: {
            image: "debian-cloud/debian-13",
            size: settings.bootDiskGb,
            type: "pd-balanced",
          },
        },
        attachedDisks: [{ source: disk.id, deviceName: dataDeviceName }],
        networkInterfaces: [
          { subnetwork: args.network.subnetwork, accessConfigs: [{ natIp: args.network.address }] },
        ],
        serviceAccount: { email: args.serviceAccount, scopes: ["cloud-platform"] },
        shieldedInstanceConfig: {
          enableSecureBoot: true,
          enableVtpm: true,
          enableIntegrityMonitoring: true,
        },
        // `metadata`, since an edit of metadataStartupScript replaces the VM.
        metadata: metadata.apply((delivered) => ({
          "enable-oslogin": "TRUE",
          "block-project-ssh-keys": "TRUE",
          "enable-guest-attributes": "TRUE",
          ...delivered,
        })),
      },
      // Disk and address are held by the old VM, so it must go before the new one comes.
      { ...self, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );

    for (const member of settings.signozUsers)
      new TunnelInstanceIAMMember(
        `${name}-signoz-for-${member}`,
        {
          zone,
          instance: this.instance.name,
          role: "roles/iap.tunnelResourceAccessor",
          member,
          condition: { title: "SigNoz only", expression: `destination.port == ${signozPort}` },
        },
        self,
      );

    this.digest = metadata.apply((delivered) => delivered["monitoring-digest"] ?? "");
    this.registerOutputs({ digest: this.digest });
  }
}

/** A snapshot's name may use all 63 characters that a disk's name has. */
const shortHash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8);
