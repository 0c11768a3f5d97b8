import type { types } from "@pulumi/kubernetes";
import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob";
import { Secret } from "@pulumi/kubernetes/core/v1/secret";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { fullEveryDays } from "./bucket";
import { passwordOf } from "./clickhouseSecrets";
import { fileMap, infraFile } from "./fileMap";
import { labels, lockedPod, metadata, resources } from "./pods";
import { secretData } from "./secretData";

export interface BackupsArgs {
  namespace: pulumi.Input<string>;
  /** Image of clickhouse-server, which has its client. */
  image: string;
  backupDays: number;
  /** JSON of ClickHouse's users' passwords, and that of user `backup`; secret. */
  passwords: pulumi.Input<string>;
  backupPassword: pulumi.Input<string>;
}

interface Run {
  /** Of the CronJob, of its script in files/, and of the password in the Secret. */
  what: "backup" | "restore";
  /** As whom it asks ClickHouse. */
  user: string;
  /** Whether it waits for a person to start it. */
  suspend: boolean;
  /** A restore that failed half-way must not begin anew by itself. */
  retries: number;
}

/**
 * Every night ClickHouse's databases go into the bucket; the way back lies ready beside it (docs/runbook.md, GKE).
 * Whoever asks for the jobs sees the failed ones and why: `kubectl get jobs`, progress.sh --log.
 */
export class Backups extends pulumi.ComponentResource {
  constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Backups", name, {}, opts);
    const self = within(this, opts);
    const { namespace } = args;

    const files = fileMap(
      name,
      "backup",
      namespace,
      {
        "backup.sh": infraFile("gke/files/backup.sh"),
        "restore.sh": infraFile("gke/files/restore.sh"),
      },
      self,
    );
    const secret = new Secret(
      `${name}-backup-secret`,
      {
        metadata: metadata(namespace, "backup"),
        data: secretData({
          backup: args.backupPassword,
          // Who made the tables may fill them.
          restore: pulumi.output(args.passwords).apply((all) => passwordOf(all, "migrator")),
        }),
      },
      self,
    );
    const runs: Run[] = [
      { what: "backup", user: "backup", suspend: false, retries: 2 },
      { what: "restore", user: "migrator", suspend: true, retries: 0 },
    ];
    for (const { what, user, suspend, retries } of runs)
      new CronJob(
        `${name}-${what}`,
        {
          metadata: metadata(namespace, what),
          spec: {
            schedule: "0 3 * * *",
            timeZone: "Etc/UTC",
            suspend,
            concurrencyPolicy: "Forbid",
            // A cluster whose control plane was away then makes up for it.
            startingDeadlineSeconds: 6 * 3600,
            successfulJobsHistoryLimit: 3,
            failedJobsHistoryLimit: 7,
            jobTemplate: {
              spec: {
                backoffLimit: retries,
                template: {
                  metadata: {
                    labels: labels("backup"),
                    // A node that Google wants to empty waits (GKE, "Extend the run time of Autopilot Pods").
                    annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" },
                  },
                  spec: {
                    ...lockedPod({
                      user: 101,
                      containers: [
                        client(args, what, [
                          { name: "CLICKHOUSE_USER", value: user },
                          {
                            name: "CLICKHOUSE_PASSWORD",
                            valueFrom: { secretKeyRef: { name: secret.metadata.name, key: what } },
                          },
                        ]),
                      ],
                      volumes: [
                        { name: "files", configMap: { name: files.metadata.name } },
                        { name: "tmp", emptyDir: { sizeLimit: "16Mi" } },
                      ],
                    }),
                    restartPolicy: "Never",
                  },
                },
              },
            },
          },
        },
        self,
      );
    this.registerOutputs();
  }
}

/** Asks and waits; ClickHouse itself reads and writes. */
const client = (
  { image, backupDays }: BackupsArgs,
  what: Run["what"],
  credentials: types.input.core.v1.EnvVar[],
) => ({
  name: what,
  image,
  command: ["bash", `/backup/${what}.sh`],
  env: [
    { name: "HOME", value: "/tmp" },
    { name: "CLICKHOUSE_HOST", value: "clickhouse" },
    // No older one is whole for certain.
    { name: "BACKUP_DAYS", value: String(backupDays + fullEveryDays) },
    ...credentials,
  ],
  resources: resources("250m", 512),
  volumeMounts: [
    { name: "files", mountPath: "/backup", readOnly: true },
    { name: "tmp", mountPath: "/tmp" },
  ],
});
