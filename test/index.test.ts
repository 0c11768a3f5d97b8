import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { plain, type Values } from "../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../simulator/program.js";

let program: ProgramResult;

beforeAll(async () => {
  program = await runProgram({
    config: {
      allowedSources: ["203.0.113.0/24"],
      ingestionKeyGenerations: ["2026-10", "2026-11"],
      personalKeyEmails: ["dana.scully@palindrom.example"],
      secretReaders: ["group:engineering@palindrom.example"],
      signozUsers: ["group:leads@palindrom.example"],
    },
    secrets: { alertSlackWebhookUrl: "https://hooks.example.com/s3cret-webhook" },
  });
});

const all = (type: string) => program.resources.filter((resource) => resource.type === type);
const only = (type: string) => {
  const found = all(type);
  expect(
    found.map(({ name }) => name),
    type,
  ).toHaveLength(1);
  return found[0] as ProgramResult["resources"][number];
};
const named = (name: string, type: string) =>
  all(type).find((resource) => resource.name === name) as ProgramResult["resources"][number];
const inputs = (name: string, type: string) => plain<Values>(named(name, type).inputs);
const version = "gcp:secretmanager/secretVersion:SecretVersion";
const instance = () => plain<Values>(only("gcp:compute/instance:Instance").inputs);

/** Everything that only Secret Manager and the encrypted state may hold. */
const secretValues = () => [
  ...all("random:index/randomPassword:RandomPassword").map(({ state }) =>
    String(plain<Values>(state).result),
  ),
  ...all("tls:index/privateKey:PrivateKey").map(({ state }) =>
    String(plain<Values>(state).privateKeyPem),
  ),
  "s3cret-webhook",
];

describe("the program", () => {
  it("makes exactly these resources", () => {
    const list = program.resources
      .filter(({ custom }) => custom)
      .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`);
    expect(list.sort()).toMatchInlineSnapshot(`
      [
        "Account monitoring-dev",
        "Address monitoring-dev-ip",
        "CertRequest monitoring-dev-request",
        "Command monitoring-dev-ready",
        "Disk monitoring-dev-data",
        "DiskResourcePolicyAttachment monitoring-dev-data-snapshots",
        "Firewall monitoring-dev-allow-iap",
        "Firewall monitoring-dev-allow-otlp",
        "Instance monitoring-dev-vm",
        "LocallySignedCert monitoring-dev-cert",
        "Network monitoring-dev-net",
        "PrivateKey monitoring-dev-ca-1-key",
        "PrivateKey monitoring-dev-key-1",
        "RandomPassword monitoring-dev-clickhouse-collector",
        "RandomPassword monitoring-dev-clickhouse-migrator",
        "RandomPassword monitoring-dev-clickhouse-signoz",
        "RandomPassword monitoring-dev-ingestion-key-2026-10",
        "RandomPassword monitoring-dev-ingestion-key-2026-11",
        "RandomPassword monitoring-dev-ingestion-key-of-dana.scully",
        "RandomPassword monitoring-dev-signoz-admin",
        "ResourcePolicy monitoring-dev-snapshots",
        "Secret monitoring-dev-alerts-secret",
        "Secret monitoring-dev-clickhouse-secret",
        "Secret monitoring-dev-ingestion-key-of-dana.scully-secret",
        "Secret monitoring-dev-ingestion-key-secret",
        "Secret monitoring-dev-signoz-admin-secret",
        "Secret monitoring-dev-signoz-otlp-endpoint-secret",
        "Secret monitoring-dev-tls-secret",
        "SecretIamMember monitoring-dev-alerts-read-by-gate",
        "SecretIamMember monitoring-dev-clickhouse-read-by-gate",
        "SecretIamMember monitoring-dev-ingestion-key-of-dana.scully-read-by-gate",
        "SecretIamMember monitoring-dev-ingestion-key-of-dana.scully-read-by-owner",
        "SecretIamMember monitoring-dev-ingestion-key-read-by-gate",
        "SecretIamMember monitoring-dev-ingestion-key-read-by-group:engineering@palindrom.example",
        "SecretIamMember monitoring-dev-signoz-admin-read-by-gate",
        "SecretIamMember monitoring-dev-signoz-otlp-endpoint-read-by-group:engineering@palindrom.example",
        "SecretIamMember monitoring-dev-tls-read-by-gate",
        "SecretVersion monitoring-dev-alerts-current",
        "SecretVersion monitoring-dev-clickhouse-current",
        "SecretVersion monitoring-dev-ingestion-key-2026-10",
        "SecretVersion monitoring-dev-ingestion-key-2026-11",
        "SecretVersion monitoring-dev-ingestion-key-of-dana.scully-key",
        "SecretVersion monitoring-dev-signoz-admin-current",
        "SecretVersion monitoring-dev-signoz-otlp-endpoint-current",
        "SecretVersion monitoring-dev-tls-current",
        "SelfSignedCert monitoring-dev-ca-1",
        "Service compute",
        "Service dns",
        "Service iam",
        "Service iap",
        "Service secretmanager",
        "StackReference deployed",
        "Subnetwork monitoring-dev-subnet",
        "TunnelInstanceIAMMember monitoring-dev-signoz-for-group:leads@palindrom.example",
      ]
    `);
  });

  it("opens the OTLP port to allowedSources, SSH and SigNoz to Identity-Aware Proxy, and nothing else", () => {
    const rules = all("gcp:compute/firewall:Firewall").map(({ inputs }) => {
      const { sourceRanges, allows, direction, disabled } = plain<Values>(inputs);
      return { sourceRanges, allows, direction, disabled };
    });
    expect(rules).toEqual([
      {
        sourceRanges: ["203.0.113.0/24"],
        allows: [{ protocol: "tcp", ports: ["4317"] }],
      },
      {
        sourceRanges: ["35.235.240.0/20"],
        allows: [{ protocol: "tcp", ports: ["22", "8080"] }],
      },
    ]);
    expect(inputs("monitoring-dev-net", "gcp:compute/network:Network").autoCreateSubnetworks).toBe(
      false,
    );
  });

  it("promises its outputs", () => {
    const { telemetryHook, claudeSettings, ...rest } = program.outputs;
    expect(rest).toEqual({
      otlpEndpoint: "203.0.113.10:4317",
      otlpUrl: "https://10.113.0.203.bc.googleusercontent.com:4317",
      endpointSecret: "monitoring-signoz-otlp-endpoint-secret-dev",
      ingestionKeySecret: "monitoring-signoz-ingestion-key-secret-dev",
      generations: {
        ingestionKeyGenerations: ["2026-10", "2026-11"],
        certificateAuthorities: ["1"],
        backend: "vm",
      },
    });
    expect(telemetryHook).toContain("https://10.113.0.203.bc.googleusercontent.com:4317");
    expect(JSON.parse(String(claudeSettings)).hooks.SessionStart).toHaveLength(1);
    expect(program.secretOutputs).toEqual([]);
  });

  it("keeps every secret value out of outputs, names, labels, metadata and arguments", () => {
    const open = JSON.stringify([
      program.outputs,
      program.resources
        .filter(({ type }) => ![version, "command:local:Command"].includes(type))
        .filter(({ type }) => !/^(tls|random):/.test(type))
        .map(({ name, inputs }) => [name, plain<Values>(inputs)]),
      plain<Values>(only("command:local:Command").inputs).create,
    ]);
    const values = secretValues();
    expect(values).toHaveLength(10);
    for (const value of values) {
      expect(value.length).toBeGreaterThan(10);
      expect(open.includes(JSON.stringify(value).slice(1, -1))).toBe(false);
    }
  });

  it("hands secrets over marked as secret, wherever they go", () => {
    for (const { name, inputs } of all(version))
      expect(pulumi.runtime.isRpcSecret(inputs.secretData), name).toBe(true);
    const { environment } = only("command:local:Command").inputs;
    expect(pulumi.runtime.isRpcSecret(environment)).toBe(true);
    for (const { name, inputs } of [...all("tls:index/locallySignedCert:LocallySignedCert")])
      expect(pulumi.runtime.isRpcSecret(inputs.caPrivateKeyPem), name).toBe(true);
  });

  it("gives the VM the names of its secrets' versions and their values nowhere", () => {
    const settings = JSON.parse(
      (instance().metadata as Record<string, string>)["monitoring-settings"] ?? "",
    );
    const of = (secret: string, number: number) =>
      `projects/123456789012/secrets/monitoring-${secret}-secret-dev/versions/${number}`;
    expect(settings.secrets).toEqual({
      ingestionKeys: [of("signoz-ingestion-key", 1), of("signoz-ingestion-key", 2)],
      engineerKeys: [of("signoz-ingestion-key-dana-scully", 1)],
      tls: of("tls", 1),
      signozAdmin: of("signoz-admin", 1),
      clickhouse: of("clickhouse", 1),
      alerts: of("alerts", 1),
    });
  });

  it("lets the VM read exactly its secrets, and members only endpoint and shared key", () => {
    const grants = all("gcp:secretmanager/secretIamMember:SecretIamMember").map(({ inputs }) => {
      const { secretId, member, role } = plain<Values>(inputs);
      expect(role).toBe("roles/secretmanager.secretAccessor");
      return `${String(member).replace(/@.*/, "")} ${String(secretId).replace(/.*\//, "")}`;
    });
    expect(grants.sort()).toEqual([
      "group:engineering monitoring-signoz-ingestion-key-secret-dev",
      "group:engineering monitoring-signoz-otlp-endpoint-secret-dev",
      "serviceAccount:monitoring-dev monitoring-alerts-secret-dev",
      "serviceAccount:monitoring-dev monitoring-clickhouse-secret-dev",
      "serviceAccount:monitoring-dev monitoring-signoz-admin-secret-dev",
      "serviceAccount:monitoring-dev monitoring-signoz-ingestion-key-dana-scully-secret-dev",
      "serviceAccount:monitoring-dev monitoring-signoz-ingestion-key-secret-dev",
      "serviceAccount:monitoring-dev monitoring-tls-secret-dev",
      "user:dana.scully monitoring-signoz-ingestion-key-dana-scully-secret-dev",
    ]);
  });

  it("creates key versions in order, so that `latest` is the newest generation", () => {
    const versions = program.cloud.google.secrets.get("monitoring-signoz-ingestion-key-secret-dev");
    const newest = plain<Values>(
      named("monitoring-dev-ingestion-key-2026-11", "random:index/randomPassword:RandomPassword")
        .state,
    ).result;
    expect(versions?.map(({ data }) => data === newest)).toEqual([false, true]);
    expect(named("monitoring-dev-ingestion-key-2026-11", version).options.dependsOn).toContain(
      "monitoring-dev-ingestion-key-2026-10",
    );
    for (const { name, inputs } of all(version))
      expect(plain<Values>(inputs).deletionPolicy, name).toBe("DISABLE");
  });

  it("waits for what the VM must apply, with the newest key, at the name that clients dial", () => {
    const { create, environment, triggers } = plain<Values>(
      only("command:local:Command").inputs,
    ) as { create: string; environment: Record<string, string>; triggers: string[] };
    const digest = (instance().metadata as Record<string, string>)["monitoring-digest"];
    const [, newest] =
      program.cloud.google.secrets.get("monitoring-signoz-ingestion-key-secret-dev") ?? [];
    expect(create).toBe("bash infra/ready/wait-for-gate.sh");
    expect(environment).toMatchObject({
      GATE_HOST: "10.113.0.203.bc.googleusercontent.com",
      GATE_PORT: "4317",
      GATE_ADDRESS: "203.0.113.10",
      GATE_KEY: newest?.data,
      READY_VERSION: digest,
      READY_PROGRESS:
        "bash infra/vm/progress.sh christopher-little-dev us-central1-a monitoring-dev",
      READY_TIMEOUT_MINUTES: "20",
    });
    expect(triggers).toEqual([digest, all("gcp:compute/instance:Instance")[0]?.state.instanceId]);
  });

  it("gives an engineer's own key the form that the gate takes the engineer from", () => {
    const [key] =
      program.cloud.google.secrets.get("monitoring-signoz-ingestion-key-dana-scully-secret-dev") ??
      [];
    expect(key?.data).toMatch(/^dana\.scully@palindrom\.example\.[A-Za-z0-9]{40}$/);
    const [shared] =
      program.cloud.google.secrets.get("monitoring-signoz-ingestion-key-secret-dev") ?? [];
    expect(shared?.data).toMatch(/^[A-Za-z0-9]{40}$/);
  });

  it("writes the endpoint as promised", () => {
    const [endpoint] =
      program.cloud.google.secrets.get("monitoring-signoz-otlp-endpoint-secret-dev") ?? [];
    expect(JSON.parse(endpoint?.data ?? "")).toEqual({
      grpc: "203.0.113.10:4317",
      url: "https://10.113.0.203.bc.googleusercontent.com:4317",
      caCertificate: expect.stringContaining("BEGIN CERTIFICATE"),
    });
  });

  it("protects the data disk and nothing else, and lets the old VM go before the new one comes", () => {
    const protectedNames = program.resources
      .filter(({ options }) => options.protect)
      .map(({ name }) => name);
    expect(protectedNames).toEqual(["monitoring-dev-data"]);
    const { deleteBeforeReplace, replaceOnChanges } = only("gcp:compute/instance:Instance").options;
    expect(deleteBeforeReplace).toBe(true);
    // In place, another disk would take the mounted one out of the running machine.
    expect(replaceOnChanges).toEqual(["attachedDisks[0].source"]);
    expect(program.resources.filter(({ options }) => options.ignoreChanges.length > 0)).toEqual([]);
  });

  it("hardens the VM and starts it after it may read its secrets", () => {
    const vm = only("gcp:compute/instance:Instance");
    const { metadata, ...rest } = plain<Values>(vm.inputs);
    expect(rest).toMatchObject({
      deletionProtection: true,
      allowStoppingForUpdate: true,
      serviceAccount: {
        email: "monitoring-dev@christopher-little-dev.iam.gserviceaccount.com",
        scopes: ["cloud-platform"],
      },
      shieldedInstanceConfig: {
        enableSecureBoot: true,
        enableVtpm: true,
        enableIntegrityMonitoring: true,
      },
      bootDisk: { initializeParams: { image: "debian-cloud/debian-13" } },
      attachedDisks: [{ deviceName: "monitoring-data" }],
    });
    // ForceNew: every edit of the script would replace the VM.
    expect(rest).not.toHaveProperty("metadataStartupScript");
    expect(metadata).toMatchObject({
      "enable-oslogin": "TRUE",
      "block-project-ssh-keys": "TRUE",
      "enable-guest-attributes": "TRUE",
      "startup-script": expect.stringMatching(/^#!\/bin\/bash|^#!\/usr\/bin\/env bash/),
      "monitoring-digest": expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(
      Object.keys(JSON.parse((metadata as Record<string, string>)["monitoring-files"] ?? "")),
    ).toEqual(expect.arrayContaining(["otel-collector.yaml", "probe.sh"]));
    expect(vm.options.dependsOn).toEqual(
      expect.arrayContaining(
        all("gcp:secretmanager/secretIamMember:SecretIamMember")
          .map(({ name }) => name)
          .filter((name) => name.endsWith("-by-gate")),
      ),
    );
  });

  it("serves a certificate for the name that clients dial, signed by its own authority", () => {
    const [leaf, ca] = [
      only("tls:index/locallySignedCert:LocallySignedCert"),
      only("tls:index/selfSignedCert:SelfSignedCert"),
    ].map(({ state }) => new X509Certificate(String(plain<Values>(state).certPem)));
    const host = new URL(String(program.outputs.otlpUrl)).hostname;
    expect(leaf?.checkHost(host)).toBe(host);
    expect(leaf?.checkIssued(ca as X509Certificate)).toBe(true);
    expect(leaf?.verify((ca as X509Certificate).publicKey)).toBe(true);
    expect(ca?.ca).toBe(true);
  });

  it("renews the certificate two months before it ends", () => {
    expect(
      plain<Values>(only("tls:index/locallySignedCert:LocallySignedCert").inputs),
    ).toMatchObject({ validityPeriodHours: 365 * 24, earlyRenewalHours: 60 * 24 });
  });

  it("leaves Google's APIs on when the stack goes, since others in the project may use them", () => {
    for (const { inputs } of all("gcp:projects/service:Service"))
      expect(inputs).toMatchObject({ disableOnDestroy: false });
  });

  it("opens SigNoz alone to its users", () => {
    expect(
      plain<Values>(only("gcp:iap/tunnelInstanceIAMMember:TunnelInstanceIAMMember").inputs),
    ).toMatchObject({
      member: "group:leads@palindrom.example",
      role: "roles/iap.tunnelResourceAccessor",
      condition: { expression: "destination.port == 8080" },
    });
  });

  it("renders no output into a text by mistake", () => {
    expect(
      JSON.stringify(program.resources.map(({ inputs }) => plain<Values>(inputs))),
    ).not.toContain("[Output<");
    expect(JSON.stringify(program.outputs)).not.toContain("[Output<");
  });
});
