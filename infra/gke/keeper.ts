import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { fileMap, infraFile } from "./fileMap";
import { resources } from "./pods";
import { Replicated } from "./replicated";
import { keeperDiskGb, replicas, requests } from "./requests";

export interface KeeperArgs {
  namespace: pulumi.Input<string>;
  storageClass: pulumi.Input<string>;
  /** Image of clickhouse-keeper. */
  image: string;
}

/** Its client port and that between Keepers; infra/gke/files/keeper.xml and the network policies go by them. */
export const keeperPorts = { client: 9181, raft: 9234 };

/** Three of ClickHouse's Keepers, of which two must be there for ClickHouse to take an insert. */
export class Keeper extends pulumi.ComponentResource {
  readonly ready: pulumi.Output<string>;

  constructor(name: string, args: KeeperArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Keeper", name, {}, opts);
    const self = within(this, opts);
    const { namespace, storageClass, image } = args;

    const files = fileMap(
      name,
      "keeper",
      namespace,
      {
        "keeper_config.xml": infraFile("vm/store/clickhouse/keeper.xml"),
        "replicated.xml": infraFile("gke/files/keeper.xml"),
      },
      self,
    );
    const set = new Replicated(
      name,
      "keeper",
      {
        namespace,
        replicas: replicas.keeper,
        // A Keeper's own number is not 0.
        first: 1,
        ports: keeperPorts,
        diskGb: keeperDiskGb,
        storageClass,
        zones: replicas.keeper,
        pod: {
          user: 101,
          terminationGracePeriodSeconds: 30,
          containers: [container(image)],
          volumes: [
            {
              name: "config",
              configMap: {
                name: files.metadata.name,
                items: [
                  { key: "keeper_config.xml", path: "keeper_config.xml" },
                  { key: "replicated.xml", path: "keeper_config.d/replicated.xml" },
                ],
              },
            },
            { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
          ],
        },
      },
      self,
    );
    this.ready = set.ready;
    this.registerOutputs();
  }
}

const container = (image: string) => ({
  name: "keeper",
  image,
  // The image's own entrypoint prepares folders as root.
  command: ["clickhouse-keeper", "--config-file=/etc/clickhouse-keeper/keeper_config.xml"],
  env: [
    {
      name: "POD_INDEX",
      valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } },
    },
  ],
  ports: Object.entries(keeperPorts).map(([port, containerPort]) => ({
    name: port,
    containerPort,
  })),
  resources: resources(requests.keeper.vcpus, requests.keeper.mib),
  // Ready is who serves: while the next one is away, one that only listens is none of the two that it takes.
  readinessProbe: {
    exec: {
      command: [
        "bash",
        "-c",
        "exec 3<>/dev/tcp/127.0.0.1/9181 && printf mntr >&3 && grep -qE '^zk_server_state.(leader|follower)' <&3",
      ],
    },
    periodSeconds: 5,
    timeoutSeconds: 5,
  },
  volumeMounts: [
    { name: "config", mountPath: "/etc/clickhouse-keeper", readOnly: true },
    { name: "disk", mountPath: "/var/lib/clickhouse-keeper", subPath: "keeper" },
    { name: "tmp", mountPath: "/tmp" },
  ],
});
