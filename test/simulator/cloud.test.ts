import { createPrivateKey, X509Certificate } from "node:crypto";
import * as command from "@pulumi/command";
import * as gcp from "@pulumi/gcp";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { describe, expect, it } from "vitest";
import { Cloud } from "../../simulator/cloud/cloud.js";
import { runProgram } from "../../simulator/program.js";

const gcpFaults = (type: string, inputs: Record<string, unknown>) =>
  new Cloud().check(type, "x", inputs).faults;
const disk = "gcp:compute/disk:Disk";
const version = "gcp:secretmanager/secretVersion:SecretVersion";

describe("the cloud's judge", () => {
  it.each([
    [
      "a missing required input",
      "gcp:projects/service:Service",
      {},
      "service: required input is missing",
    ],
    ["an unknown input", disk, { sizeGb: 10 }, "sizeGb: unknown input, got 10"],
    ["an output given as input", disk, { selfLink: "a" }, 'selfLink: is an output, got "a"'],
    ["a wrong type", disk, { size: "10" }, 'size: expected a whole number, got "10"'],
    [
      "a fraction for a whole number",
      disk,
      { size: 1.5 },
      "size: expected a whole number, got 1.5",
    ],
    [
      "a wrong type in a map",
      disk,
      { labels: { team: 7 } },
      "labels.team: expected a string, got 7",
    ],
    [
      "a list where Pulumi flattens",
      "gcp:secretmanager/secret:Secret",
      { secretId: "s", replication: [{ auto: {} }] },
      'replication: expected an object, got [{"auto":{}}]',
    ],
    [
      "a missing input deep inside",
      "gcp:compute/firewall:Firewall",
      { network: "n", allows: [{ protocol: "tcp" }, { ports: ["22"] }] },
      "allows[1].protocol: required input is missing",
    ],
    [
      "too many items",
      "gcp:compute/firewall:Firewall",
      { network: "n", allows: [{ protocol: "tcp" }], targetServiceAccounts: Array(11).fill("a") },
      "targetServiceAccounts: expected at most 10 items",
    ],
    [
      "inputs that exclude each other",
      "gcp:compute/firewall:Firewall",
      {
        network: "n",
        allows: [{ protocol: "tcp" }],
        sourceTags: ["a"],
        targetServiceAccounts: ["b"],
      },
      "sourceTags: conflicts with targetServiceAccounts",
    ],
    [
      "neither of two inputs",
      version,
      { secret: "s" },
      "secretData: exactly one of secretData,secretDataWo must be given",
    ],
  ])("refuses %s", (_, type, inputs, fault) => {
    expect(gcpFaults(type, inputs).join("\n")).toContain(fault);
  });

  it("does not quote a secret value", () => {
    const { faults } = new Cloud().check(version, "x", {
      secret: "s",
      secretData: { [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value: 42 },
    });
    expect(faults).toEqual(["secretData: expected a string, got [secret]"]);
  });

  it("does not judge what only the deployment tells", () => {
    expect(gcpFaults(disk, { size: pulumi.unknown, zone: pulumi.unknown })).toEqual([]);
  });

  it("ends the program with the resource, the key and the value", async () => {
    const cloud = new Cloud();
    const refused = cloud.newResource({
      type: disk,
      name: "data",
      inputs: { size: "10" },
      custom: true,
    });
    await expect(refused).rejects.toThrow(/disk:Disk "data":\n {2}size: expected .* got "10"/);
  });

  it("knows no other resource types and answers no calls", async () => {
    const cloud = new Cloud();
    expect(() => cloud.check("gcp:sql/user:User", "x", {})).toThrow("does not know");
    await expect(
      cloud.call({ token: "gcp:compute/getZones:getZones", inputs: {} }),
    ).rejects.toThrow("does not answer");
  });
});

describe("the cloud's answers", () => {
  it("numbers secret versions by dependency, not by program order", async () => {
    const { outputs } = await runProgram({
      program: async () => {
        const secret = new gcp.secretmanager.Secret("s", {
          secretId: "key",
          replication: { auto: {} },
        });
        const make = (name: string, dependsOn: pulumi.Resource[] = []) =>
          new gcp.secretmanager.SecretVersion(
            name,
            { secret: secret.id, secretData: pulumi.secret(name) },
            { dependsOn },
          );
        const [a, b] = [make("a"), make("b")];
        const c = make("c", [a, b]);
        return { a: a.version, b: b.version, c: c.version, name: c.name };
      },
    });
    expect(outputs).toEqual({
      a: "2",
      b: "1",
      c: "3",
      name: "projects/123456789012/secrets/key/versions/3",
    });
  });

  it("refuses a second resource of the same name, as a replacement without deleteBeforeReplace makes one", async () => {
    const cloud = new Cloud();
    await cloud.create("gcp:compute/network:Network", "a", { name: "net" });
    await cloud.create("gcp:compute/subnetwork:Subnetwork", "b", { name: "net" });
    await expect(cloud.create("gcp:compute/network:Network", "c", { name: "net" })).rejects.toThrow(
      'Network "c":\n  name: projects/test-project/global/networks/net already exists',
    );
  });

  it("shows what was changed in place, whether or not somebody listens", async () => {
    const cloud = new Cloud();
    const { id, state } = await cloud.create(disk, "a", { name: "data", size: 10 });
    await cloud.update(disk, id, "a", state, { name: "data", size: 20 });
    expect(cloud.resources[0]).toMatchObject({ inputs: { size: 20 }, state: { size: 20 } });
  });

  it.each([true, false])(
    "keeps what a provider completed inside an object (preview: %s)",
    async (preview) => {
      const type = "gcp:container/cluster:Cluster";
      const cloud = new Cloud({ clusterEndpoint: "gke.example" });
      const asked = (allowExternalTraffic: boolean) => ({
        ...{ name: "a", location: "us-central1" },
        controlPlaneEndpointsConfig: { dnsEndpointConfig: { allowExternalTraffic } },
      });
      const { id, state } = await cloud.create(type, "a", asked(true));
      const updated = await cloud.update(type, id, "a", state, asked(false), preview);
      expect(updated.controlPlaneEndpointsConfig).toEqual({
        dnsEndpointConfig: { allowExternalTraffic: false, endpoint: "gke.example" },
      });
    },
  );

  it("issues a certificate chain that Node verifies", async () => {
    const { outputs, resources, secretOutputs } = await runProgram({ program: certificates });
    const [ca, leaf] = [outputs.ca, outputs.leaf].map((pem) => new X509Certificate(String(pem)));
    expect(leaf?.verify(ca?.publicKey as never)).toBe(true);
    expect(leaf?.checkIssued(ca as X509Certificate)).toBe(true);
    expect(leaf?.checkHost("otlp.example.com")).toBe("otlp.example.com");
    expect(leaf?.checkIP("203.0.113.10")).toBe("203.0.113.10");
    expect([ca?.ca, leaf?.ca]).toEqual([true, false]);
    expect(leaf?.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(leaf?.checkPrivateKey(createPrivateKey(String(outputs.key)))).toBe(true);
    expect(Date.parse(leaf?.validTo ?? "") - Date.parse(leaf?.validFrom ?? "")).toBe(48 * 3600_000);
    expect(secretOutputs).toEqual(["key"]);
    expect(resources.find(({ name }) => name === "leaf-key")?.options.protect).toBe(true);
  });

  it("draws passwords as asked", async () => {
    const { outputs, secretOutputs } = await runProgram({
      program: async () => ({
        plain: new random.RandomPassword("p", { length: 32, special: false }).result,
        odd: new random.RandomPassword("o", {
          length: 8,
          lower: false,
          upper: false,
          minSpecial: 3,
          overrideSpecial: "~",
        }).result,
        id: new random.RandomId("i", { byteLength: 4, prefix: "x-" }).hex,
      }),
    });
    expect(outputs.plain).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(outputs.odd).toMatch(/^[0-9~]{8}$/);
    expect(String(outputs.odd).replace(/[^~]/g, "").length).toBeGreaterThanOrEqual(3);
    expect(outputs.id).toMatch(/^x-[0-9a-f]{8}$/);
    expect(secretOutputs).toEqual(["plain", "odd"]);
  });

  it("runs commands only where it is told to", async () => {
    const program = async () => ({
      said: new command.local.Command("c", {
        create: 'read -r line; echo "$GREETING $line"',
        environment: { GREETING: "hello" },
        stdin: "world\n",
      }).stdout,
    });
    expect((await runProgram({ program })).outputs).toEqual({ said: "" });
    const cloud = new Cloud({ runCommands: true });
    expect((await runProgram({ program, cloud })).outputs).toEqual({ said: "hello world" });
  });

  it("tells what a stack exported before", async () => {
    const cloud = new Cloud({ stacks: { "organization/monitoring/dev": { keys: ["2026-11"] } } });
    const { outputs } = await runProgram({
      cloud,
      program: async () => {
        const stack = new pulumi.StackReference("organization/monitoring/dev");
        return { keys: stack.getOutput("keys") };
      },
    });
    expect(outputs).toEqual({ keys: ["2026-11"] });
  });

  it("leaves computed outputs unknown in a preview", async () => {
    const { outputs } = await runProgram({
      preview: true,
      program: async () => {
        const address = new gcp.compute.Address("a", { name: "ip" });
        return { name: address.name, ip: address.address };
      },
    });
    expect(outputs).toEqual({ name: "ip", ip: undefined });
  });
});

async function certificates() {
  const caKey = new tls.PrivateKey("ca-key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
  const ca = new tls.SelfSignedCert("ca", {
    privateKeyPem: caKey.privateKeyPem,
    isCaCertificate: true,
    allowedUses: ["cert_signing", "crl_signing"],
    validityPeriodHours: 24 * 3650,
    subject: { commonName: "Test CA", organization: "a, b" },
  });
  const key = new tls.PrivateKey("leaf-key", { algorithm: "RSA" }, { protect: true });
  const request = new tls.CertRequest("request", {
    privateKeyPem: key.privateKeyPem,
    subject: { commonName: "otlp.example.com" },
    dnsNames: ["otlp.example.com"],
    ipAddresses: ["203.0.113.10"],
  });
  const leaf = new tls.LocallySignedCert("leaf", {
    caCertPem: ca.certPem,
    caPrivateKeyPem: caKey.privateKeyPem,
    certRequestPem: request.certRequestPem,
    allowedUses: ["digital_signature", "server_auth"],
    validityPeriodHours: 48,
  });
  return { ca: ca.certPem, leaf: leaf.certPem, key: key.privateKeyPem };
}
