import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import type { GateOptions } from "../gate/options";
import { fileMap, infraFile } from "./fileMap";
import { once } from "./job";

export interface RetentionArgs {
  namespace: pulumi.Input<string>;
  /** Image of clickhouse-server, which has the client. */
  image: string;
  /** Image whose migrations made the tables: others may bring a table that is kept for SigNoz's own time. */
  schema: string;
  days: GateOptions["retentionDays"];
  /** Name of the Secret with the password of ClickHouse's user for migrations. */
  secret: pulumi.Input<string>;
}

/**
 * How long ClickHouse keeps each signal: a Job in the cluster, as the user for migrations, whose password then never
 * leaves the cluster. What a gate needs does not wait for it; `pulumi up` does.
 */
export class Retention extends pulumi.ComponentResource {
  constructor(name: string, args: RetentionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Retention", name, {}, opts);
    const self = within(this, opts);
    const files = fileMap(
      name,
      "retention",
      args.namespace,
      {
        "retain.sh": infraFile("gke/files/retain.sh"),
        "retention.sh": infraFile("vm/store/retention.sh"),
      },
      self,
    );
    once(
      name,
      {
        namespace: args.namespace,
        job: "retention",
        // Who may reach ClickHouse as they do.
        app: "migrations",
        user: 101,
        container: {
          image: args.image,
          command: ["bash", "/files/retain.sh"],
          env: [
            { name: "RETENTION_DAYS", value: asMap(args.days) },
            { name: "SCHEMA", value: args.schema },
            {
              name: "CLICKHOUSE_PASSWORD",
              valueFrom: { secretKeyRef: { name: args.secret, key: "password" } },
            },
          ],
          volumeMounts: [{ name: "files", mountPath: "/files", readOnly: true }],
        },
        volumes: [{ name: "files", configMap: { name: files.metadata.name } }],
      },
      self,
    );
    this.registerOutputs();
  }
}

/** Days by signal as retention.sh takes them: the arguments of ClickHouse's map(). */
export const asMap = (days: RetentionArgs["days"]): string =>
  Object.entries(days)
    .map(([signal, number]) => `'signoz_${signal}', ${number}`)
    .join(", ");
