import { describe, expect, it } from "vitest";
import { kubeconfig } from "../../infra/gke/cluster";
import { resource, rules, secretOf } from "./resources";

const cluster = (inputs: object) =>
  resource("gcp:container/cluster:Cluster", {
    enableAutopilot: true,
    privateClusterConfig: { enablePrivateNodes: true },
    controlPlaneEndpointsConfig: { ipEndpointsConfig: { enabled: false } },
    databaseEncryption: { state: "ENCRYPTED", keyName: "projects/p/…" },
    clusterAutoscaling: {
      autoProvisioningDefaults: { serviceAccount: "monitoring-dev@p.iam.gserviceaccount.com" },
    },
    ...inputs,
  });
const service = (annotations: object, spec: object) =>
  resource("kubernetes:core/v1:Service", { metadata: { annotations }, spec });
const provider = (inputs: object) => resource("pulumi:providers:kubernetes", inputs);

describe("a cluster", () => {
  it("passes that is private, encrypted and runs as an account of its own", () =>
    expect(rules(cluster({}))).toEqual([]));

  it.each([
    ["nodes that nobody looks after", { enableAutopilot: false }],
    ["nodes with addresses", { privateClusterConfig: {} }],
    [
      "a control plane with an address",
      { controlPlaneEndpointsConfig: { ipEndpointsConfig: { enabled: true } } },
    ],
    ["a control plane with an address by default", { controlPlaneEndpointsConfig: {} }],
    ["Secrets without a key", { databaseEncryption: { state: "DECRYPTED" } }],
    ["nodes as the project's editor", { clusterAutoscaling: {} }],
  ])("is refused with %s", (_, inputs) => expect(rules(cluster(inputs))).toEqual(["ingress"]));
});

describe("an object in it", () => {
  it.each([
    ["inside the cluster", service({}, { ports: [{ port: 9000 }] })],
    [
      "inside the network",
      service(
        { "networking.gke.io/load-balancer-type": "Internal" },
        { type: "LoadBalancer", ports: [{ port: 9000 }] },
      ),
    ],
    ["at the gate's port", service({}, { type: "LoadBalancer", ports: [{ port: 4317 }] })],
  ])("may be reached %s", (_, one) => expect(rules(one)).toEqual([]));

  it.each([
    [
      "ClickHouse by everybody",
      service({}, { type: "LoadBalancer", ports: [{ port: 4317 }, { port: 9000 }] }),
    ],
    ["a port of every node", service({}, { type: "NodePort", ports: [{ port: 4317 }] })],
  ])("is refused that lets in %s", { tags: "attack/ci" }, (_, one) =>
    expect(rules(one)).toEqual(["ingress"]),
  );

  it("is refused that shows a secret, and passes when it hides it", { tags: "attack/ci" }, () => {
    const secret = (data: unknown) => resource("kubernetes:core/v1:Secret", { data });
    expect(rules(secret({ keys: "in the clear" }))).toEqual(["secret"]);
    expect(rules(secret({ keys: secretOf("x") }))).toEqual([]);
    expect(rules(secret("[secret]"))).toEqual([]);
  });

  it("is refused that an approved plan could not hold to", () => {
    const stringData = secretOf("x");
    expect(rules(resource("kubernetes:core/v1:Secret", { stringData }))).toEqual(["secret"]);
  });

  it("is refused in a namespace that takes pods with the node's rights", () =>
    expect(rules(resource("kubernetes:core/v1:Namespace", { metadata: { labels: {} } }))).toEqual([
      "identity",
    ]));
});

describe("a provider", () => {
  it.each([{}, { __internal: {} }])("passes that signs in by Google's plugin, with %j", (more) =>
    expect(
      rules(provider({ kubeconfig: kubeconfig("gke-1.us-central1.gke.goog"), ...more })),
    ).toEqual([]),
  );

  it.each([
    [
      "runs another program",
      { kubeconfig: kubeconfig("g").replace("gke-gcloud-auth-plugin", "sh") },
    ],
    [
      "gives the plugin arguments",
      {
        kubeconfig: kubeconfig("g").replace('"interactiveMode"', '"args":["-c"],"interactiveMode"'),
      },
    ],
    ["takes the kubeconfig that lies about", {}],
    [
      "is a program from elsewhere",
      {
        kubeconfig: kubeconfig("g"),
        __internal: { pluginDownloadURL: "https://evil.invalid/" },
      },
    ],
    ["hides where its program is from", { kubeconfig: kubeconfig("g"), __internal: "[secret]" }],
    [
      "lets go of what it does not reach",
      { kubeconfig: kubeconfig("g"), deleteUnreachable: "true" },
    ],
  ])("is refused that %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(rules(provider(inputs))).toEqual(["type"]),
  );
});
