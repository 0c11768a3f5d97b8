import { Address } from "@pulumi/gcp/compute/address";
import { Firewall } from "@pulumi/gcp/compute/firewall";
import { Network as VpcNetwork } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { RecordSet } from "@pulumi/gcp/dns/recordSet";
import * as pulumi from "@pulumi/pulumi";
import { within } from "./component";
import type { BackendName } from "./config/backends";
import { type Handover, standing } from "./handover";

/** Port of OTLP/gRPC (IANA), the only one that the world reaches. */
export const otlpPort = 4317;
/** Port of SigNoz's web interface and API. */
export const signozPort = 8080;

/**
 * Addresses of the subnetwork: of machines, and of a cluster's nodes, of which its pods' range carries 512. The same for every
 * backend, since a stack may hand over: a range grows in place (Compute Engine API, subnetworks.expandIpCidrRange), any other
 * change replaces the subnetwork.
 */
export const subnetworkRange = "10.90.0.0/22";

/** Addresses from which Identity-Aware Proxy forwards TCP (Google Cloud, "Using IAP for TCP forwarding"). */
const iapRange = "35.235.240.0/20";

export interface NetworkArgs {
  backend: BackendName;
  handover?: Handover | undefined;
  region: string;
  /** IPv4 CIDR ranges that may reach the OTLP port. */
  allowedSources: string[];
  /** Own DNS name of the gate; without one the name that Google gives the address is used. */
  otlpHost?: string | undefined;
  /** Cloud DNS managed zone that gets otlpHost's record: ZONE, or projects/PROJECT/managedZones/ZONE. */
  dnsZone?: string | undefined;
  /** Share of connections in VPC flow logs; 0 for none. */
  flowLogsPercent: number;
}

/**
 * A network of its own, since the default network opens SSH to the world, with a static address and a name for it.
 * Reachable: the OTLP port from allowedSources; SSH and SigNoz from Identity-Aware Proxy; nothing else.
 */
export class Network extends pulumi.ComponentResource {
  readonly network: pulumi.Output<string>;
  readonly subnetwork: pulumi.Output<string>;
  /** External IPv4 addresses: of a machine's gate, and of a cluster's, each only where such a gate is; and where clients are led. */
  readonly address: pulumi.Output<string>;
  readonly clusterAddress: pulumi.Output<string>;
  readonly dialled: pulumi.Output<string>;
  /** DNS name that clients dial. */
  readonly host: pulumi.Output<string>;
  /** Names that the certificate carries: host, and Google's, which hooks dial that were shipped before otlpHost was set. */
  readonly names: pulumi.Output<string[]>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:Network", name, {}, opts);
    const self = within(this, opts);
    const { stand, read } = standing(args);
    const onMachine = stand.some((backend) => backend !== "gke");

    const network = new VpcNetwork(`${name}-net`, { name, autoCreateSubnetworks: false }, self);
    const subnetwork = new Subnetwork(
      `${name}-subnet`,
      {
        name,
        network: network.id,
        region: args.region,
        ipCidrRange: subnetworkRange,
        privateIpGoogleAccess: true,
        ...(args.flowLogsPercent > 0 && {
          logConfig: { flowSampling: args.flowLogsPercent / 100 },
        }),
      },
      self,
    );
    // A cluster's load balancer has a rule of its own, from the same sources; on the machines there nobody listens.
    if (onMachine)
      new Firewall(
        `${name}-allow-otlp`,
        {
          name: `${name}-allow-otlp`,
          network: network.id,
          sourceRanges: args.allowedSources,
          allows: [{ protocol: "tcp", ports: [String(otlpPort)] }],
        },
        self,
      );
    new Firewall(
      `${name}-allow-iap`,
      {
        name: `${name}-allow-iap`,
        network: network.id,
        sourceRanges: [iapRange],
        allows: [{ protocol: "tcp", ports: ["22", String(signozPort)] }],
      },
      self,
    );
    const addressOf = (what: string, called: string) =>
      new Address(`${name}-${what}`, { name: called, region: args.region }, self).address;
    const machine = onMachine && addressOf("ip", name);
    const cluster = stand.includes("gke") && addressOf("gke-ip", `${name}-gke`);
    const none = pulumi.output("");
    this.address = machine || none;
    this.clusterAddress = cluster || none;
    this.dialled = read === "gke" ? this.clusterAddress : this.address;

    if (args.otlpHost !== undefined && args.dnsZone !== undefined) {
      const [zone = "", , project] = args.dnsZone.split("/").reverse();
      new RecordSet(
        `${name}-record`,
        {
          managedZone: zone,
          ...(project !== undefined && { project }),
          name: `${args.otlpHost}.`,
          type: "A",
          ttl: 300,
          rrdatas: [this.dialled],
        },
        self,
      );
    }

    this.network = network.id;
    this.subnetwork = subnetwork.id;
    this.host = pulumi.output(args.otlpHost ?? this.dialled.apply(googleName));
    this.names = pulumi
      .all([this.address, this.clusterAddress, this.host])
      .apply(([one, two, host]) => [
        ...new Set([host, ...[one, two].filter((address) => address !== "").map(googleName)]),
      ]);
    this.registerOutputs({ address: this.dialled, host: this.host });
  }
}

/** The name that Google's DNS gives an external IPv4 address: its parts reversed under bc.googleusercontent.com. */
export const googleName = (address: string): string =>
  `${address.split(".").reverse().join(".")}.bc.googleusercontent.com`;
