import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Backend, BackendArgs } from "../backend";
import { within } from "../component";
import { nodeRange } from "../network";
import { Clickhouse } from "./clickhouse";
import { GkeCluster } from "./cluster";
import { deliveredFiles, Gate } from "./gate";
import { Isolation } from "./isolation";
import { Keeper } from "./keeper";
import { Migrations } from "./migrations";
import { Place } from "./place";
import { gateOptions, images } from "./values";

/**
 * Gates and ClickHouse on GKE Autopilot, each of which may lose a zone. SigNoz, one process with one file, stays on a
 * machine of its own and asks ClickHouse at `clickhouse`.
 */
export class GkeBackend extends pulumi.ComponentResource implements Backend {
  readonly gate: Backend["gate"];
  readonly version: pulumi.Output<string>;
  readonly machine: pulumi.Output<string>;
  readonly progress: pulumi.Output<string>;
  readonly log: pulumi.Output<string>;
  /** Address inside the network at which SigNoz asks ClickHouse. */
  readonly clickhouse: pulumi.Output<string>;

  constructor(name: string, args: BackendArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:GkeBackend", name, {}, opts);
    const { settings, network, payloads } = args;
    const { gate, machine, place, signoz, gke } = settings;
    const { kmsKey = "", deletionProtection } = machine;
    const image = images(settings);
    const passwords = pulumi.output(payloads.clickhouse).apply((json) => json ?? "{}");
    this.version = versionOf(args);

    const cluster = new GkeCluster(
      name,
      { region: place.region, ...network, account: args.account, kmsKey, deletionProtection },
      within(this, opts),
    );
    const inside = { parent: this, provider: cluster.provider };
    const after = (...resources: pulumi.Resource[]) => ({ ...inside, dependsOn: resources });
    const { namespace, storageClass } = new Place(name, { kmsKey }, inside);
    const readers = nodeRange;
    const walls = { namespace, allowedSources: gate.allowedSources, readers };
    const isolation = new Isolation(name, walls, inside);
    const keeper = new Keeper(
      name,
      { namespace, storageClass, image: image.keeper },
      after(isolation),
    );
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
        readers,
      },
      after(keeper),
    );
    const migrations = new Migrations(
      name,
      { namespace, image: image.collector, passwords },
      after(clickhouse),
    );
    const gates = new Gate(
      name,
      {
        namespace,
        storageClass,
        images: image,
        replicas: gke.gateReplicas,
        queueDiskGb: gke.gateQueueDiskGb,
        address: network.address,
        allowedSources: gate.allowedSources,
        options: gateOptions(settings),
        keys: payloads.keys,
        tls: payloads.tls,
        passwords,
        passwordGeneration: signoz.passwordGeneration,
        version: this.version,
      },
      after(migrations),
    );

    this.gate = { address: pulumi.output(network.address), host: pulumi.output(network.host) };
    this.clickhouse = clickhouse.address;
    // Not known before every pod runs what it shall.
    this.machine = pulumi
      .all([cluster.id, keeper.ready, clickhouse.ready, gates.ready])
      .apply(([id]) => id);
    const where = pulumi.interpolate`${place.project} ${place.region} ${cluster.clusterName}`;
    this.progress = pulumi.interpolate`bash infra/gke/progress.sh ${where}`;
    this.log = pulumi.interpolate`bash infra/gke/progress.sh ${where} --log`;
    this.registerOutputs({ version: this.version, clickhouse: this.clickhouse });
  }
}

/** Another one where anything differs that the gates are given, by value or by the version of a secret. */
const versionOf = ({ settings, secrets, network }: BackendArgs) => {
  const { gate, gke } = settings;
  const files = deliveredFiles(gateOptions(settings));
  const plain = [images(settings), files, gate.allowedSources, gke];
  return pulumi.all([pulumi.output(secrets), network.host]).apply(([versions, host]) =>
    createHash("sha256")
      .update(JSON.stringify([plain, versions, host]))
      .digest("hex"),
  );
};
