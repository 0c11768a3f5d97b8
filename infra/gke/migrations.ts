import { Secret } from "@pulumi/kubernetes/core/v1/secret";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { dsn, passwordOf } from "./clickhouseSecrets";
import { once } from "./job";
import { metadata } from "./pods";
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
  /** Name of the Secret with the password of ClickHouse's user for them. */
  readonly secret: pulumi.Output<string>;

  constructor(name: string, args: MigrationsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Migrations", name, {}, opts);
    const self = within(this, opts);
    const passwords = pulumi.output(args.passwords);
    const secret = new Secret(
      `${name}-migrations-secret`,
      {
        metadata: metadata(args.namespace, "migrations"),
        data: secretData({
          dsn: passwords.apply((all) => dsn(all, "migrator")),
          password: passwords.apply((all) => passwordOf(all, "migrator")),
        }),
      },
      self,
    );
    this.secret = secret.metadata.name;
    const job = (which: string, steps: string[]) => ({
      namespace: args.namespace,
      job: `migrations-${which}`,
      app: "migrations",
      user: 10001,
      container: {
        image: args.image,
        command: ["/bin/sh", "-c"],
        args: [steps.map((step) => `/signoz-otel-collector migrate ${step}`).join(" && ")],
        env: [
          ...migratorVariables,
          {
            name: "SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN",
            valueFrom: { secretKeyRef: { name: this.secret, key: "dsn" } },
          },
        ],
      },
    });
    const sync = once(name, job("sync", ["ready", "bootstrap", "sync up"]), self);
    once(name, { ...job("async", ["async up"]), detached: true }, { ...self, dependsOn: sync });
    this.registerOutputs();
  }
}
