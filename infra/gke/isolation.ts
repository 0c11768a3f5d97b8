import type { types } from "@pulumi/kubernetes";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy";
import * as pulumi from "@pulumi/pulumi";
import { within } from "../component";
import { metadataServer, privateGoogleRange } from "./bucket";
import { clickhousePorts } from "./clickhousePod";
import { frontPort } from "./gatePod";
import { keeperPorts } from "./keeper";
import { labels, metadata } from "./pods";

export interface IsolationArgs {
  namespace: pulumi.Input<string>;
  /** Who may reach the gates. */
  allowedSources: string[];
  /** From where SigNoz asks ClickHouse. */
  readers: string;
  /** Where the ClickHouse is that the gates write to while a stack hands over to a machine. */
  writeTo?: string | undefined;
}

type Peer = types.input.networking.v1.NetworkPolicyPeer;

/** From where Google's load balancers ask whether a node's pods live (Google Cloud, "Health checks overview"). */
const healthChecks = ["35.191.0.0/16", "130.211.0.0/22", "209.85.152.0/22", "209.85.204.0/22"];

const pods = (app: string): Peer => ({ podSelector: { matchLabels: labels(app) } });
const range = (cidr: string): Peer => ({ ipBlock: { cidr } });

/**
 * Who reaches whom, by app: nobody but these, and none of them anything beyond the cluster but by `waysOut`.
 * A connection needs its line here once; both ends follow from it.
 */
const connections = ({ allowedSources, readers }: IsolationArgs): [Peer[], string, number[]][] => [
  [[...allowedSources, ...healthChecks].map(range), "gate", [frontPort]],
  [["gate", "migrations", "backup"].map(pods), "clickhouse", [clickhousePorts.native]],
  [[readers, ...healthChecks].map(range), "clickhouse", [clickhousePorts.native]],
  [[pods("clickhouse")], "clickhouse", [clickhousePorts.native, clickhousePorts.interserver]],
  [[pods("clickhouse")], "keeper", [keeperPorts.client]],
  [[pods("keeper")], "keeper", [keeperPorts.raft]],
];

/** ClickHouse writes its backups, and asks for a token to do it by; while a stack hands over, gates write to a machine. */
const waysOut = ({ writeTo }: IsolationArgs): [string, Peer, number[]][] => [
  ["clickhouse", range(privateGoogleRange), [443]],
  ["clickhouse", range(metadataServer), [80]],
  ...(writeTo === undefined
    ? []
    : [["gate", range(writeTo), [clickhousePorts.native]] satisfies [string, Peer, number[]]]),
];

const apps = ["gate", "migrations", "backup", "clickhouse", "keeper"];

/** The namespace's walls. */
export class Isolation extends pulumi.ComponentResource {
  constructor(name: string, args: IsolationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Isolation", name, {}, opts);
    const self = within(this, opts);
    const policy = (which: string, spec: types.input.networking.v1.NetworkPolicySpec) =>
      new NetworkPolicy(
        `${name}-${which}-walls`,
        { metadata: metadata(args.namespace, which), spec },
        self,
      );

    policy("everybody", { podSelector: {}, policyTypes: ["Ingress", "Egress"], egress: [names] });
    const all = connections(args);
    for (const app of apps) {
      const ingress = all
        .filter(([, to]) => to === app)
        .map(([from, , ports]) => ({ from, ports: ports.map(tcp) }));
      const egress = all
        .filter(([from]) => from.some((peer) => isApp(peer, app)))
        .map(([, to, ports]): [Peer, number[]] => [pods(to), ports])
        .concat(
          waysOut(args)
            .filter(([from]) => from === app)
            .map(([, to, ports]) => [to, ports]),
        )
        .map(([to, ports]) => ({ to: [to], ports: ports.map(tcp) }));
      policy(app, {
        podSelector: { matchLabels: labels(app) },
        policyTypes: ["Ingress", "Egress"],
        // The API server gives no empty list back, so that one would be a change at every preview.
        ...(ingress.length > 0 && { ingress }),
        ...(egress.length > 0 && { egress }),
      });
    }
    this.registerOutputs();
  }
}

const tcp = (port: number) => ({ protocol: "TCP", port });

const isApp = (peer: Peer, app: string) => JSON.stringify(peer) === JSON.stringify(pods(app));

const ofSystem = (app: string): Peer => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
  podSelector: { matchLabels: { "k8s-app": app } },
});

/**
 * Whoever answers for names: Cloud DNS at the metadata server, which a new Autopilot cluster asks (GKE, "Service discovery and
 * DNS"), or the cluster's own pods; each behind a cache on the node, which is an address or a pod (GKE, "NodeLocal DNSCache").
 */
const names = {
  to: [
    ...["kube-dns", "node-local-dns"].map(ofSystem),
    ...["169.254.20.10/32", metadataServer].map(range),
  ],
  ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: 53 })),
};
