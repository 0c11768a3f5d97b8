import { Instance } from "@pulumi/gcp/compute/instance";
import { TunnelInstanceIAMMember } from "@pulumi/gcp/iap/tunnelInstanceIAMMember";
import * as pulumi from "@pulumi/pulumi";
import type { BackendArgs } from "../backend";
import { within } from "../component";
import { sameMember } from "../config/fields";
import { signozPort } from "../network";
import { DataDisk, dataDeviceName } from "./dataDisk";
import { type OtherClickhouse, only, prepareDelivery } from "./delivery";
import { needsOf, type Store } from "./stores";

export interface VmArgs extends BackendArgs {
  /** ClickHouse elsewhere, of which the machine's parts are told. */
  clickhouse?: pulumi.Input<OtherClickhouse>;
}

/**
 * A VM, its data on a disk of its own, and who may open SigNoz there. Without a gate it has no external address: it
 * reaches Debian's archive, registries and alerts' channels by the network's Cloud NAT, and nobody reaches it.
 */
export abstract class Vm extends pulumi.ComponentResource {
  readonly version: pulumi.Output<string>;
  readonly machine: pulumi.Output<string>;
  /** Project, zone and name, as progress.sh takes them. */
  readonly where: pulumi.Output<string>;
  readonly progress: pulumi.Output<string>;
  readonly log: pulumi.Output<string>;

  protected constructor(
    type: string,
    store: Store,
    name: string,
    args: VmArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(`monitoring:index:${type}`, name, {}, opts);
    const self = within(this, opts);
    const { machine, place, signoz } = args.settings;
    const { zone, project } = place;
    const { kmsKey } = machine;

    const disk = new DataDisk(name, { ...machine, ...place }, { parent: this });
    const { prepared, complete } = prepareDelivery(args.settings, args.content, store);
    // Else a key that is not this machine's, whose version no preview knows, would have it change.
    const secrets = only(
      args.secrets,
      store.parts.flatMap((part) => needsOf[part].secrets),
    );
    const completed = pulumi
      .all([args.network.host, pulumi.output(secrets), args.clickhouse ?? {}])
      .apply((known) => complete(...known));
    const natIp = store.parts.includes("gate") && args.network.address;
    const instance = new Instance(
      `${name}-vm`,
      {
        name,
        zone,
        machineType: machine.machineType,
        allowStoppingForUpdate: true,
        deletionProtection: machine.deletionProtection,
        bootDisk: {
          initializeParams: {
            image: machine.bootImage,
            size: machine.bootDiskGb,
            type: "pd-balanced",
          },
          ...(kmsKey && { kmsKeySelfLink: kmsKey }),
        },
        attachedDisks: [
          {
            source: disk.id,
            deviceName: dataDeviceName,
            ...(kmsKey && { kmsKeySelfLink: kmsKey }),
          },
        ],
        networkInterfaces: [
          { subnetwork: args.network.subnetwork, ...(natIp && { accessConfigs: [{ natIp }] }) },
        ],
        serviceAccount: { email: args.account, scopes: ["cloud-platform"] },
        shieldedInstanceConfig: {
          enableSecureBoot: true,
          enableVtpm: true,
          enableIntegrityMonitoring: true,
        },
        // `metadata`, since an edit of metadataStartupScript replaces the VM. Its keys are known before `up`: they are judged.
        metadata: {
          "enable-oslogin": "TRUE",
          "block-project-ssh-keys": "TRUE",
          "enable-guest-attributes": "TRUE",
          ...prepared,
          "monitoring-settings": completed["monitoring-settings"],
          "monitoring-digest": completed["monitoring-digest"],
        },
      },
      // Disk and address are held by the old VM, so it must go before the new one comes. Another disk means another VM: in
      // place Google would pull the mounted one out of the running machine, which would go on without it, told nothing.
      { ...self, deleteBeforeReplace: true, replaceOnChanges: ["attachedDisks[0].source"] },
    );

    for (const member of signoz.signozUsers)
      new TunnelInstanceIAMMember(
        `${name}-signoz-for-${sameMember(member)}`,
        {
          zone,
          instance: instance.name,
          role: "roles/iap.tunnelResourceAccessor",
          member,
          condition: { title: "SigNoz only", expression: `destination.port == ${signozPort}` },
        },
        // As in versionedSecret.ts.
        { ...self, aliases: [{ name: `${name}-signoz-for-${member}` }] },
      );

    this.version = completed["monitoring-digest"];
    this.machine = instance.instanceId;
    this.where = pulumi.interpolate`${project} ${zone} ${instance.name}`;
    this.progress = pulumi.interpolate`bash infra/vm/progress.sh ${this.where}`;
    this.log = pulumi.interpolate`gcloud compute instances get-serial-port-output ${instance.name} --project=${project} --zone=${zone} | grep stage=`;
    this.registerOutputs({ version: this.version });
  }
}
