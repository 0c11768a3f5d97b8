import { Secret } from "@pulumi/kubernetes/core/v1/secret";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword";
import { within } from "../component";
import { storageAliases } from "./bucket";
import { type ClickhousePodArgs, clickhouse, clickhousePorts, volumes } from "./clickhousePod";
import { passwordHashes } from "./clickhouseSecrets";
import { fileMap, infraFile } from "./fileMap";
import { labels, metadata } from "./pods";
import { Replicated } from "./replicated";
import { replicas } from "./requests";
import { secretData } from "./secretData";

export interface ClickhouseArgs extends ClickhousePodArgs {
  namespace: pulumi.Input<string>;
  storageClass: pulumi.Input<string>;
  diskGb: number;
  /** JSON of its users' passwords; secret. */
  passwords: pulumi.Input<string>;
  passwordGeneration: string;
  /** Address range from which SigNoz asks: that of the machine on which it stays. */
  readers: string;
}

/** ClickHouse, one shard on two replicas: what one was told OK for, the other has soon, and each answers alone. */
export class Clickhouse extends pulumi.ComponentResource {
  readonly ready: pulumi.Output<string>;
  /** Address inside the network at which a SigNoz on a machine asks it, by the native protocol. */
  readonly address: pulumi.Output<string>;
  /** Of user `backup`, whom nobody else knows; secret. */
  readonly backupPassword: pulumi.Output<string>;

  constructor(name: string, args: ClickhouseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Clickhouse", name, {}, opts);
    const self = within(this, opts);
    const { namespace } = args;

    const { result: backup } = new RandomPassword(
      `${name}-clickhouse-backup`,
      { keepers: { generation: args.passwordGeneration }, length: 32, special: false },
      self,
    );
    const secret = newSecret(name, args, backup, self);
    const files = fileMap(
      name,
      "clickhouse",
      namespace,
      {
        "monitoring.xml": infraFile("vm/store/clickhouse/config.xml"),
        "replicated.xml": infraFile("gke/files/clickhouse.xml"),
        "users.xml": infraFile("vm/store/clickhouse/users.xml"),
        "backup-user.xml": infraFile("gke/files/backup-user.xml"),
        "function_histogramQuantile.sql": infraFile("gke/files/function_histogramQuantile.sql"),
      },
      self,
    );
    const set = new Replicated(
      name,
      "clickhouse",
      {
        ...args,
        replicas: replicas.clickhouse,
        first: 0,
        ports: clickhousePorts,
        zones: replicas.clickhouse,
        pod: {
          user: 101,
          serviceAccountName: args.backups.account,
          hostAliases: storageAliases,
          // A stop flushes what is in memory.
          terminationGracePeriodSeconds: 90,
          containers: [clickhouse(args, secret.metadata.name)],
          volumes: volumes(files.metadata.name, secret.metadata.name),
        },
      },
      self,
    );
    const ports = [{ name: "native", port: clickhousePorts.native }];
    new Service(
      `${name}-clickhouse-service`,
      {
        metadata: metadata(namespace, "clickhouse"),
        spec: { selector: labels("clickhouse"), ports },
      },
      self,
    );
    const inside = new Service(
      `${name}-clickhouse-inside`,
      {
        metadata: metadata(namespace, "clickhouse-inside", {
          "networking.gke.io/load-balancer-type": "Internal",
        }),
        spec: {
          type: "LoadBalancer",
          selector: labels("clickhouse"),
          ports,
          externalTrafficPolicy: "Local",
          loadBalancerSourceRanges: [args.readers],
        },
      },
      self,
    );
    this.backupPassword = backup;
    this.ready = set.ready;
    this.address = inside.status.apply((status) => status?.loadBalancer?.ingress?.[0]?.ip ?? "");
    this.registerOutputs({ address: this.address });
  }
}

/** Hashes of its users' passwords, and the secret between its replicas. */
function newSecret(
  name: string,
  args: ClickhouseArgs,
  backup: pulumi.Output<string>,
  opts: pulumi.CustomResourceOptions,
) {
  const replica = new RandomPassword(
    `${name}-clickhouse-replica`,
    { length: 32, special: false },
    opts,
  );
  return new Secret(
    `${name}-clickhouse-secret`,
    {
      metadata: metadata(args.namespace, "clickhouse"),
      data: secretData({
        "passwords.xml": pulumi.secret(
          pulumi
            .all([args.passwords, backup])
            .apply(([all, password]) => passwordHashes({ ...JSON.parse(all), backup: password })),
        ),
        replica: replica.result,
      }),
    },
    opts,
  );
}
