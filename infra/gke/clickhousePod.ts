import type * as pulumi from "@pulumi/pulumi";
import type { BackupPlace } from "./bucket";
import { resources } from "./pods";

export interface ClickhousePodArgs {
  /** Image of clickhouse-server. */
  image: string;
  cpu: number;
  memoryGb: number;
  backups: BackupPlace;
}

/** Queries and inserts; whether it lives; parts between the replicas. */
export const clickhousePorts = { native: 9000, http: 8123, interserver: 9009 };

/** The server, configured by the files of a VM's and what differs here. */
export const clickhouse = (args: ClickhousePodArgs, secret: pulumi.Output<string>) => ({
  name: "clickhouse",
  image: args.image,
  // The image's own entrypoint writes users of its own into the image's folders.
  command: ["clickhouse-server", "--config-file=/etc/clickhouse-server/config.xml"],
  env: [
    { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "REPLICA_SECRET", valueFrom: { secretKeyRef: { name: secret, key: "replica" } } },
    { name: "BACKUPS_URL", value: args.backups.url },
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
    { name: "functions", mountPath: "/etc/clickhouse-server/user_defined", readOnly: true },
    { name: "users", mountPath: "/etc/clickhouse-server/users.d", readOnly: true },
    { name: "disk", mountPath: "/var/lib/clickhouse", subPath: "clickhouse" },
    { name: "scripts", mountPath: "/opt/user_scripts" },
    { name: "tmp", mountPath: "/tmp" },
  ],
});

const share = (gb: number, part: number) => String(Math.floor(gb * 2 ** 30 * part));

/** What it mounts beside its disk. */
export const volumes = (files: pulumi.Output<string>, secret: pulumi.Output<string>) => [
  filesAlone("config", files, ["monitoring.xml", "replicated.xml"]),
  filesAlone("functions", files, ["function_histogramQuantile.sql"]),
  {
    name: "users",
    projected: {
      sources: [
        {
          configMap: {
            name: files,
            items: [
              { key: "users.xml", path: "monitoring.xml" },
              { key: "backup-user.xml", path: "backup-user.xml" },
            ],
          },
        },
        { secret: { name: secret, items: [{ key: "passwords.xml", path: "passwords.xml" }] } },
      ],
    },
  },
  { name: "scripts", emptyDir: { sizeLimit: "16Mi" } },
  { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
];

const filesAlone = (volume: string, name: pulumi.Output<string>, keys: string[]) => ({
  name: volume,
  configMap: { name, items: keys.map((key) => ({ key, path: key })) },
});
