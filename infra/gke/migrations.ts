import { Job } from "@pulumi/kubernetes/batch/v1/job";
import { Secret } from "@pulumi/kubernetes/core/v1/secret";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { dsn } from "./clickhouseSecrets";
import { labels, lockedPod, metadata, resources } from "./pods";
import { secretData } from "./secretData";

export interface MigrationsArgs {
  namespace: pulumi.Input<string>;
  /** Image of SigNoz's collector. */
  image: string;
  /** JSON of ClickHouse's users' passwords; secret. */
  passwords: pulumi.Input<string>;
}

/** What the collector's migrations must know of the database. */
export const migratorVariables = [
  { name: "SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_CLUSTER", value: "cluster" },
  { name: "SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_REPLICATION", value: "true" },
  { name: "SIGNOZ_OTEL_COLLECTOR_TIMEOUT", value: "10m" },
];

/** The schema of the collector's version: a Job that must end before a gate starts, and one that may take its time. */
export class Migrations extends pulumi.ComponentResource {
  constructor(name: string, args: MigrationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Migrations", name, {}, opts);
    const self = within(this, opts);
    const secret = new Secret(
      `${name}-migrations-secret`,
      {
        metadata: metadata(args.namespace, "migrations"),
        data: secretData({
          dsn: pulumi.secret(pulumi.output(args.passwords).apply((all) => dsn(all, "migrator"))),
        }),
      },
      self,
    );
    const { name: secretName } = secret.metadata;
    const sync = newJob(name, args, secretName, "sync", [
      "migrate ready",
      "migrate bootstrap",
      "migrate sync up",
    ])(self);
    newJob(name, args, secretName, "async", ["migrate async up"])({ ...self, dependsOn: sync });
    this.registerOutputs();
  }
}

/** A Job cannot change: another image is another Job under the same name. */
const newJob =
  (
    name: string,
    { namespace, image }: MigrationsArgs,
    secret: pulumi.Output<string>,
    which: "sync" | "async",
    steps: string[],
  ) =>
  (opts: pulumi.CustomResourceOptions) =>
    new Job(
      `${name}-migrations-${which}`,
      {
        metadata: metadata(
          namespace,
          `migrations-${which}`,
          which === "async" ? { "pulumi.com/skipAwait": "true" } : undefined,
        ),
        spec: {
          backoffLimit: 10,
          template: {
            metadata: { labels: labels("migrations") },
            spec: {
              ...lockedPod({
                user: 10001,
                containers: [
                  {
                    name: "migrate",
                    image,
                    command: ["/bin/sh", "-c"],
                    args: [steps.map((step) => `/signoz-otel-collector ${step}`).join(" && ")],
                    env: [
                      ...migratorVariables,
                      {
                        name: "SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN",
                        valueFrom: { secretKeyRef: { name: secret, key: "dsn" } },
                      },
                    ],
                    resources: resources("250m", 512),
                    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
                  },
                ],
                volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
              }),
              restartPolicy: "OnFailure",
            },
          },
        },
      },
      { ...opts, deleteBeforeReplace: true, replaceOnChanges: ["spec"] },
    );
