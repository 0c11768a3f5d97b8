import { createHash } from "node:crypto";
import { Firewall } from "@pulumi/gcp/compute/firewall";
import * as pulumi from "@pulumi/pulumi";
import type { Backend, BackendArgs } from "../backend";
import { within } from "../component";
import { standing } from "../handover";
import { subnetworkRange } from "../network";
import { VmBeside } from "../vm/machine";
import { Backups } from "./backups";
import { BackupBucket } from "./bucket";
import { Clickhouse } from "./clickhouse";
import { clickhousePorts } from "./clickhousePod";
import { clickhouseAddress } from "./clickhouseSecrets";
import { GkeCluster } from "./cluster";
import { deliveredFiles, Gate } from "./gate";
import { Isolation } from "./isolation";
import { Keeper } from "./keeper";
import { Migrations } from "./migrations";
import { Place } from "./place";
import { Retention } from "./retention";
import { gateOptions, images } from "./values";

/**
 * Gates and ClickHouse on GKE Autopilot, each of which may lose a zone. SigNoz, one process with one file, stays on a
 * machine of its own and asks ClickHouse at an address inside the network.
 */
export class GkeBackend extends pulumi.ComponentResource implements Backend {
  readonly gate: Backend["gate"];
  readonly version: pulumi.Output<string>;
  readonly machine: pulumi.Output<string>;
  readonly progress: pulumi.Output<string>;
  readonly log: pulumi.Output<string>;

  constructor(name: string, args: BackendArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:GkeBackend", name, {}, opts);
    const { settings, network, payloads } = args;
    const { gate, machine, place, signoz, gke } = settings;
    const { stand, write, read } = standing(machine);
    const whole = stand.includes("vm");
    const { kmsKey = "", deletionProtection } = machine;
    const image = images(settings);
    const passwords = pulumi.output(payloads.clickhouse).apply((json) => json ?? "{}");
    const version = versionOf(args);

    const cluster = new GkeCluster(
      name,
      { region: place.region, ...network, account: args.account, kmsKey, deletionProtection },
      within(this, opts),
    );
    const inside = { parent: this, provider: cluster.provider };
    const after = (...resources: pulumi.Resource[]) => ({ ...inside, dependsOn: resources });
    const { namespace, storageClass } = new Place(name, { kmsKey }, inside);
    const readers = subnetworkRange;
    const writeTo = write === "vm" ? readers : undefined;
    const walls = { namespace, allowedSources: gate.allowedSources, readers, writeTo };
    const isolation = new Isolation(name, walls, inside);
    const keeper = new Keeper(
      name,
      { namespace, storageClass, image: image.keeper },
      after(isolation),
    );
    const { backupDays } = gke;
    const backups = new BackupBucket(name, { namespace, ...place, kmsKey, backupDays }, inside);
    const clickhouse = new Clickhouse(
      name,
      {
        namespace,
        storageClass,
        image: image.clickhouse,
        cpu: gke.clickhouseCpu,
        memoryGb: gke.clickhouseMemoryGb,
        diskGb: gke.clickhouseDiskGb,
        passwords,
        passwordGeneration: signoz.passwordGeneration,
        readers,
        backups,
      },
      after(keeper, backups),
    );
    const migrations = new Migrations(
      name,
      { namespace, image: image.collector, passwords },
      after(clickhouse),
    );
    new Backups(
      name,
      {
        namespace,
        image: image.clickhouse,
        backupDays,
        passwords,
        backupPassword: clickhouse.backupPassword,
      },
      after(migrations),
    );
    new Retention(
      name,
      {
        namespace,
        image: image.clickhouse,
        schema: image.collector,
        days: gateOptions(settings).retentionDays,
        secret: migrations.secret,
      },
      after(migrations),
    );
    const gates = new Gate(
      name,
      {
        namespace,
        storageClass,
        images: image,
        replicas: gke.gateReplicas,
        queueDiskGb: gke.gateQueueDiskGb,
        address: network.clusterAddress,
        allowedSources: gate.allowedSources,
        options: gateOptions(settings),
        keys: payloads.keys,
        tls: payloads.tls,
        passwords,
        passwordGeneration: signoz.passwordGeneration,
        // By its name, which the cluster's DNS knows from the network: its address is Google's to give.
        clickhouse:
          write === "vm"
            ? `${name}.${place.zone}.c.${place.project}.internal:9000`
            : clickhouseAddress,
        version,
      },
      after(migrations),
    );
    if (whole)
      new Firewall(
        `${name}-allow-clickhouse`,
        {
          name: `${name}-allow-clickhouse`,
          network: network.network,
          // All of this network of its own: Google chooses the range of pods, and a preview must know the rule.
          sourceRanges: ["10.0.0.0/8"],
          allows: [{ protocol: "tcp", ports: [String(clickhousePorts.native)] }],
        },
        { parent: this },
      );
    const other = clickhouse.address.apply((address) => ({
      ...(read === "gke" && { clickhouseHost: address }),
      ...(whole && { handover: { clickhouse: address, write, read } }),
    }));
    // Without a parent, as under the other backend: it is the same one.
    const vm = new VmBeside(
      name,
      { ...args, clickhouse: other, whole },
      { dependsOn: [migrations] },
    );

    this.gate = { address: pulumi.output(network.dialled), host: pulumi.output(network.host) };
    this.version = pulumi.interpolate`${version} ${vm.version}`;
    // Not known before every pod runs what it shall.
    this.machine = pulumi
      .all([cluster.id, vm.machine, keeper.ready, clickhouse.ready, gates.ready])
      .apply(([id, machine]) => `${id} ${machine}`);
    const where = pulumi.interpolate`${place.project} ${place.region} ${cluster.clusterName}`;
    this.progress = pulumi.interpolate`bash infra/ready/progress.sh gke ${where} -- vm ${vm.where}`;
    this.log = pulumi.interpolate`bash infra/gke/progress.sh ${where} --log; ${vm.log}`;
    this.registerOutputs({ version: this.version });
  }
}

/** Another one where anything differs that the gates are given, by value or by the version of a secret. */
const versionOf = ({ settings, secrets, network }: BackendArgs) => {
  const { gate, gke, machine } = settings;
  const files = deliveredFiles(gateOptions(settings));
  const plain = [images(settings), files, gate.allowedSources, gke, standing(machine).write];
  return pulumi.all([pulumi.output(secrets), network.host]).apply(([versions, host]) =>
    createHash("sha256")
      .update(JSON.stringify([plain, versions, host]))
      .digest("hex"),
  );
};
