import { Secret } from "@pulumi/kubernetes/core/v1/secret";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword";
import { within } from "../component";
import { passwordHashes } from "./clickhouseSecrets";
import { fileMap, infraFile } from "./fileMap";
import { labels, metadata, resources } from "./pods";
import { Replicated } from "./replicated";

export interface ClickhouseArgs {
  namespace: pulumi.Input<string>;
  storageClass: pulumi.Input<string>;
  /** Image of clickhouse-server. */
  image: string;
  cpu: number;
  memoryGb: number;
  diskGb: number;
  /** JSON of its users' passwords; secret. */
  passwords: pulumi.Input<string>;
  /** Address range from which SigNoz asks: that of the machine on which it stays. */
  readers: string;
}

/** Queries and inserts; parts between the replicas. */
export const clickhousePorts = { native: 9000, http: 8123, interserver: 9009 };

/** ClickHouse, one shard on two replicas: what one was told OK for, the other has soon, and each answers alone. */
export class Clickhouse extends pulumi.ComponentResource {
  readonly ready: pulumi.Output<string>;
  /** Address inside the network at which a SigNoz on a machine asks it, by the native protocol. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: ClickhouseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Clickhouse", name, {}, opts);
    const self = within(this, opts);
    const { namespace } = args;

    const secret = newSecret(name, args, self);
    const files = fileMap(
      name,
      "clickhouse",
      namespace,
      {
        "monitoring.xml": infraFile("vm/store/clickhouse/config.xml"),
        "replicated.xml": infraFile("gke/files/clickhouse.xml"),
        "users.xml": infraFile("vm/store/clickhouse/users.xml"),
      },
      self,
    );
    const set = new Replicated(
      name,
      "clickhouse",
      {
        ...args,
        replicas: 2,
        first: 0,
        ports: clickhousePorts,
        strict: true,
        pod: {
          user: 101,
          // A stop flushes what is in memory.
          terminationGracePeriodSeconds: 90,
          containers: [container(args, secret.metadata.name)],
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
    this.ready = set.ready;
    this.address = inside.status.apply((status) => status?.loadBalancer?.ingress?.[0]?.ip ?? "");
    this.registerOutputs({ address: this.address });
  }
}

/** Hashes of its users' passwords, and the secret between its replicas. */
function newSecret(name: string, args: ClickhouseArgs, opts: pulumi.CustomResourceOptions) {
  const replica = new RandomPassword(
    `${name}-clickhouse-replica`,
    { length: 32, special: false },
    opts,
  );
  return new Secret(
    `${name}-clickhouse-secret`,
    {
      metadata: metadata(args.namespace, "clickhouse"),
      stringData: {
        "passwords.xml": pulumi.secret(pulumi.output(args.passwords).apply(passwordHashes)),
        replica: replica.result,
      },
    },
    opts,
  );
}

const container = (args: ClickhouseArgs, secret: pulumi.Output<string>) => ({
  name: "clickhouse",
  image: args.image,
  // The image's own entrypoint writes users of its own into the image's folders.
  command: ["clickhouse-server", "--config-file=/etc/clickhouse-server/config.xml"],
  env: [
    { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "REPLICA_SECRET", valueFrom: { secretKeyRef: { name: secret, key: "replica" } } },
    { name: "CLICKHOUSE_WATCHDOG_ENABLE", value: "0" },
    { name: "CLICKHOUSE_MAX_MEMORY_BYTES", value: share(args.memoryGb, 0.9) },
    { name: "CLICKHOUSE_MAX_QUERY_BYTES", value: share(args.memoryGb, 0.5) },
  ],
  ports: Object.entries(clickhousePorts).map(([port, containerPort]) => ({
    name: port,
    containerPort,
  })),
  resources: resources(args.cpu, args.memoryGb * 1024),
  readinessProbe: { httpGet: { path: "/ping", port: "http" }, periodSeconds: 5, timeoutSeconds: 5 },
  volumeMounts: [
    { name: "config", mountPath: "/etc/clickhouse-server/config.d", readOnly: true },
    { name: "users", mountPath: "/etc/clickhouse-server/users.d", readOnly: true },
    { name: "disk", mountPath: "/var/lib/clickhouse", subPath: "clickhouse" },
    { name: "scripts", mountPath: "/opt/user_scripts" },
    { name: "tmp", mountPath: "/tmp" },
  ],
});

const share = (gb: number, part: number) => String(Math.floor(gb * 2 ** 30 * part));

const volumes = (files: pulumi.Output<string>, secret: pulumi.Output<string>) => [
  {
    name: "config",
    configMap: {
      name: files,
      items: ["monitoring.xml", "replicated.xml"].map((key) => ({ key, path: key })),
    },
  },
  {
    name: "users",
    projected: {
      sources: [
        { configMap: { name: files, items: [{ key: "users.xml", path: "monitoring.xml" }] } },
        { secret: { name: secret, items: [{ key: "passwords.xml", path: "passwords.xml" }] } },
      ],
    },
  },
  { name: "scripts", emptyDir: { sizeLimit: "16Mi" } },
  { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
];
