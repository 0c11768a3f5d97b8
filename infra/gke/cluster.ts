import { Router } from "@pulumi/gcp/compute/router";
import { RouterNat } from "@pulumi/gcp/compute/routerNat";
import { Cluster } from "@pulumi/gcp/container/cluster";
import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { enableApis } from "../apis";
import { within } from "../component";

export interface GkeClusterArgs {
  /** Region: Autopilot spreads control plane and nodes over its zones. */
  region: string;
  network: pulumi.Input<string>;
  subnetwork: pulumi.Input<string>;
  /** E-mail of the service account of the nodes. */
  account: pulumi.Input<string>;
  /** Cloud KMS key under which the control plane keeps Kubernetes Secrets, and nodes what pods leave on their disks. */
  kmsKey: string;
  deletionProtection: boolean;
}

/**
 * An Autopilot cluster without a public address: nodes reach registries through NAT, people and CI the control plane by
 * its DNS name, which asks IAM (Google Cloud, "DNS-based endpoint").
 */
export class GkeCluster extends pulumi.ComponentResource {
  /** Full name, projects/…/locations/…/clusters/…; another one means another cluster. */
  readonly id: pulumi.Output<string>;
  readonly clusterName: pulumi.Output<string>;
  /** What its objects are made with. */
  readonly provider: Provider;

  constructor(name: string, args: GkeClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("monitoring:index:GkeCluster", name, {}, opts);
    const self = within(this, opts);
    const { region, network, subnetwork } = args;

    const apis = enableApis(["container"]);
    const router = new Router(`${name}-router`, { name, network, region }, self);
    const nat = new RouterNat(
      `${name}-nat`,
      {
        name,
        router: router.name,
        region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
      },
      self,
    );
    const cluster = new Cluster(
      `${name}-cluster`,
      {
        name,
        location: region,
        network,
        subnetwork,
        enableAutopilot: true,
        releaseChannel: { channel: "REGULAR" },
        // Ranges of the subnetwork that Google makes: pods (a node takes a /26), services.
        ipAllocationPolicy: { clusterIpv4CidrBlock: "/17", servicesIpv4CidrBlock: "/22" },
        privateClusterConfig: { enablePrivateNodes: true },
        controlPlaneEndpointsConfig: {
          dnsEndpointConfig: { allowExternalTraffic: true },
          ipEndpointsConfig: { enabled: false },
        },
        databaseEncryption: { state: "ENCRYPTED", keyName: args.kmsKey },
        clusterAutoscaling: {
          autoProvisioningDefaults: { serviceAccount: args.account, bootDiskKmsKey: args.kmsKey },
        },
        deletionProtection: args.deletionProtection,
      },
      { ...self, dependsOn: [...apis, nat] },
    );

    this.id = cluster.id;
    this.clusterName = cluster.name;
    const endpoint = cluster.controlPlaneEndpointsConfig.apply(
      (config) => config?.dnsEndpointConfig?.endpoint ?? "",
    );
    this.provider = new Provider(
      `${name}-kubernetes`,
      {
        kubeconfig: endpoint.apply(kubeconfig),
        // A key that comes or goes is a change of a Secret in place, not of everything that mounts it.
        enableSecretMutable: true,
      },
      { parent: this },
    );
    this.registerOutputs({ id: this.id });
  }
}

/** A kubeconfig without a secret: the plugin signs in as whoever runs `pulumi up` (Google Cloud, gke-gcloud-auth-plugin). */
export const kubeconfig = (endpoint: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "gke",
    contexts: [{ name: "gke", context: { cluster: "gke", user: "gke" } }],
    clusters: [{ name: "gke", cluster: { server: `https://${endpoint}` } }],
    users: [
      {
        name: "gke",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "gke-gcloud-auth-plugin",
            interactiveMode: "Never",
            provideClusterInfo: true,
          },
        },
      },
    ],
  });
