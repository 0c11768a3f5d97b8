import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { judge, type PolicyResource } from "../../policy/rules";
import { runProgram } from "../../simulator/program";

const secretOf = (value: string) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});
const firewall = (inputs: object): PolicyResource => ({
  type: "gcp:compute/firewall:Firewall",
  name: "fw",
  inputs: { ...inputs },
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
    metadata: { "monitoring-settings": '{"secrets":{"tls":"projects/p/secrets/tls/versions/1"}}' },
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
  });
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
  ])("refuses %s", (_, inputs) => expect(rules(firewall(inputs))).toEqual(["ingress"]));

  it("names the port and the way out", () => {
    const [violation] = judge([
      firewall({ sourceRanges: ["0.0.0.0/0"], allows: [{ protocol: "tcp", ports: ["8080"] }] }),
    ]);
    expect(violation?.message).toMatch(/tcp\/8080.*IAP/);
  });

  it("lets a VM pass that has its own account and only names of secrets in its metadata", () =>
    expect(judge([vm({})])).toEqual([]));

  it.each([
    ["marked by the SDK", { metadata: { key: secretOf("x") } }],
    ["marked as a whole", { metadata: secretOf("x") }],
    ["blinded by the preview", { metadata: { "monitoring-settings": "[secret]" } }],
    ["a private key in clear", { metadata: { tls: "-----BEGIN EC PRIVATE KEY-----" } }],
    ["in the start-up script", { metadataStartupScript: secretOf("x") }],
  ])("refuses a secret in metadata: %s", (_, inputs) =>
    expect(rules(vm(inputs))).toEqual(["metadata"]),
  );

  it("refuses a known secret value in metadata, marked or not", () => {
    const leaking = vm({ metadata: { "startup-script": "curl -H 'key: s3cret-value'" } });
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
  ])("refuses a VM on %s", (_, inputs) => expect(rules(vm(inputs))).toEqual(["identity"]));

  it("refuses an unprotected data disk, where the options are known", () => {
    const disk = { type: "gcp:compute/disk:Disk", name: "data", inputs: {} };
    expect(rules({ ...disk, protect: false })).toEqual(["protect"]);
    expect(rules({ ...disk, protect: true }, disk)).toEqual([]);
  });

  it.each([
    [{ role: "roles/secretmanager.secretAccessor", member: "allUsers" }],
    [
      {
        role: "roles/secretmanager.secretAccessor",
        members: ["user:a@example.com", "allAuthenticatedUsers"],
      },
    ],
    [{ role: "roles/editor", member: "serviceAccount:vm@p.iam.gserviceaccount.com" }],
  ])("refuses the grant %j", (inputs) =>
    expect(rules({ type: "gcp:projects/iAMMember:IAMMember", name: "grant", inputs })).toEqual([
      "grants",
    ]),
  );

  it("lets a grant to one member pass", () =>
    expect(
      rules({
        type: "gcp:secretmanager/secretIamMember:SecretIamMember",
        name: "grant",
        inputs: {
          role: "roles/secretmanager.secretAccessor",
          member: "group:engineers@example.com",
        },
      }),
    ).toEqual([]));
});
