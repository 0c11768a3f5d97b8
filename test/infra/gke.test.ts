import { beforeAll, describe, expect, it, vi } from "vitest";
import { judge } from "../../policy/rules.js";
import { containers, pods } from "../../scripts/costs/cluster.js";
import { clusterDiskGib } from "../../scripts/costs/clusterUsd.js";
import { planOf } from "../../scripts/costs/plan.js";
import { plain, type Values } from "../../simulator/cloud/values.js";
import {
  fixtureSettings,
  type ProgramResult,
  type ProgramRun,
  runProgram,
} from "../../simulator/program.js";

const engineers = {
  otlpHost: "otlp.palindrom.example",
  personalKeyEmails: ["dana@palindrom.example"],
  secretReaders: ["group:engineering@palindrom.example"],
  signozUsers: ["group:team-leads@palindrom.example"],
  dataLocations: ["us-central1"],
  kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
};
const onGke = { ...engineers, backend: "gke" };
const { signozUsers, ...cloudToo } = engineers;
const largeSizes = {
  gateReplicas: 5,
  gateQueueDiskGb: 30,
  clickhouseCpu: 3,
  clickhouseMemoryGb: 12,
  clickhouseDiskGb: 2048,
};
const inCloud = {
  ...cloudToo,
  backend: "cloud",
  cloudEndpoint: "ingest.eu.signoz.cloud:443",
  adminEmail: "",
};

const run = (config: ProgramRun["config"], secrets = {}) => {
  vi.resetModules();
  return runProgram({ config: config ?? {}, secrets });
};

describe("a stack on GKE", () => {
  let vm: ProgramResult;
  let cloud: ProgramResult;
  let gke: ProgramResult;
  let large: ProgramResult;
  beforeAll(async () => {
    vm = await run(engineers);
    cloud = await run(inCloud, { cloudIngestionKey: "cloud-key-s3cret" });
    gke = await run(onGke);
    large = await run({ ...onGke, ...largeSizes });
  });
  const of = (type: string) => gke.resources.filter((one) => one.type.endsWith(`:${type}`));
  const inputs = <T = Values>(type: string, name: string): T => {
    const found = of(type).find((one) => one.name === `monitoring-dev-${name}`);
    if (!found) throw new Error(`no ${type} ${name}`);
    return plain<T>(found.inputs);
  };

  /** All certificates are made anew in each run, and all keys. */
  const withoutValues = (text: unknown) =>
    String(text).replace(
      /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g,
      "CERTIFICATE",
    );
  const outputs = [
    "telemetryHook",
    "claudeSettings",
    "otlpEndpoint",
    "otlpUrl",
    "endpointSecret",
    "ingestionKeySecret",
  ];

  it.each(outputs)("gives engineers the very same %s as a VM and SigNoz Cloud", (output) => {
    const text = withoutValues(gke.outputs[output]);
    expect(text.length).toBeGreaterThan(10);
    expect(text).toBe(withoutValues(vm.outputs[output]));
    expect(text).toBe(withoutValues(cloud.outputs[output]));
  });

  it("keeps the same secrets for engineers, read by the same people", () => {
    expect(Object.keys(gke.outputs)).toEqual(Object.keys(vm.outputs));
    expect(gke.secretOutputs).toEqual(vm.secretOutputs);
    const ofEngineers = (program: ProgramResult) =>
      program.resources
        .filter(
          ({ type, name }) => /secretmanager/.test(type) && /ingestion-key|endpoint/.test(name),
        )
        .map(({ name, inputs }) => {
          const { secretData, ...rest } = plain<Values>(inputs);
          return [name, rest, typeof secretData];
        });
    expect(ofEngineers(gke)).toEqual(ofEngineers(vm));
    expect(ofEngineers(gke)).toEqual(ofEngineers(cloud));
  });

  describe("SigNoz on its own machine", () => {
    type Machine = { networkInterfaces: Values[]; metadata: Record<string, string> };
    const machine = () => inputs<Machine>("Instance", "vm");
    const settings = () => JSON.parse(machine().metadata["monitoring-settings"] ?? "");

    it("is the machine of a VM's stack, disk, snapshots and readers included, without its external address", () => {
      const shown = ({ resources }: ProgramResult) =>
        resources
          .filter(({ type }) => /:(Instance|Disk|ResourcePolicy|TunnelInstance\w+)$/.test(type))
          .map(({ type, name, inputs }) => {
            const { metadata, networkInterfaces, ...rest } = plain<Values>(inputs);
            return [type, name, rest, Object.keys(metadata ?? {})];
          });
      expect(shown(gke)).toEqual(shown(vm));
      expect(shown(gke).map(([type]) => String(type).split(":").at(-1))).toEqual(
        expect.arrayContaining(["Instance", "Disk", "ResourcePolicy", "TunnelInstanceIAMMember"]),
      );
      expect(machine().networkInterfaces).toEqual([{ subnetwork: expect.any(String) }]);
    });

    it("runs nothing else, asks ClickHouse inside the network, and reads no secret of the gate's", () => {
      expect(settings()).toMatchObject({ parts: ["signoz"], clickhouseHost: "10.90.0.5" });
      expect(Object.keys(settings().secrets).sort()).toEqual([
        "alerts",
        "clickhouse",
        "signozAdmin",
      ]);
      expect(JSON.stringify(settings())).not.toMatch(/ingestion-key|engineer-|-tls-/);
      expect(Object.keys(settings().images)).toEqual(["signoz"]);
    });

    it("is given the same dashboards and alerts", () => {
      const content = ({ resources }: ProgramResult) => {
        const found = resources.find(({ type }) => type.endsWith(":Instance"));
        return plain<Machine>(found?.inputs).metadata["monitoring-content"];
      };
      expect(content(gke)?.length).toBeGreaterThan(1000);
      expect(content(gke)).toBe(content(vm));
    });

    it("is waited for together with the cluster", () => {
      const { environment } = inputs<{ environment: Record<string, string> }>("Command", "ready");
      expect(environment.READY_PROGRESS).toBe(
        "bash infra/ready/progress.sh gke christopher-little-dev us-central1 monitoring-dev -- vm christopher-little-dev us-central1-a monitoring-dev",
      );
      const keys = inputs<{ metadata: { annotations: Record<string, string> } }>(
        "Secret",
        "gate-keys",
      );
      expect(environment.READY_VERSION).toBe(
        `${keys.metadata.annotations["monitoring/version"]} ${machine().metadata["monitoring-digest"]}`,
      );
    });
  });

  it("breaks no rule", () => {
    const judged = gke.resources.map(({ type, name, inputs, options }) => ({
      type,
      name,
      inputs,
      protect: options.protect,
    }));
    expect(judge(judged)).toEqual([]);
  });

  it("has room for as many nodes as pods have addresses, and opens no port of theirs; a VM keeps its range", () => {
    const network = ({ resources }: ProgramResult) => {
      const of = (type: string) =>
        resources
          .filter((one) => one.type === `gcp:compute/${type}`)
          .map(({ inputs }) => plain<Values>(inputs));
      const rules = of("firewall:Firewall").map(({ name, allows }) => [name, allows]);
      return [of("subnetwork:Subnetwork").map(({ ipCidrRange }) => ipCidrRange), rules];
    };
    const iap = ["monitoring-dev-allow-iap", [{ protocol: "tcp", ports: ["22", "8080"] }]];
    const otlp = ["monitoring-dev-allow-otlp", [{ protocol: "tcp", ports: ["4317"] }]];
    for (const one of [vm, cloud]) expect(network(one)).toEqual([["10.90.0.0/22"], [otlp, iap]]);
    const [[range], rules] = network(gke) as [[string], unknown];
    expect(rules).toEqual([iap]);
    const { ipAllocationPolicy } = inputs<{ ipAllocationPolicy: Values }>("Cluster", "cluster");
    const length = (cidr: unknown) => Number(String(cidr).split("/")[1]);
    const nodes = 2 ** (26 - length(ipAllocationPolicy.clusterIpv4CidrBlock));
    // Google keeps four addresses of a range.
    expect(2 ** (32 - length(range)) - 4).toBeGreaterThanOrEqual(nodes);
  });

  it("leaves nothing on a disk but under the key: Secrets, what pods write on nodes, their own disks", () => {
    const { kmsKey } = engineers;
    const { databaseEncryption, clusterAutoscaling } = inputs("Cluster", "cluster");
    expect(databaseEncryption).toEqual({ state: "ENCRYPTED", keyName: kmsKey });
    expect(clusterAutoscaling).toMatchObject({
      autoProvisioningDefaults: { bootDiskKmsKey: kmsKey },
    });
    const { parameters } = inputs<{ parameters: Values }>("StorageClass", "disks");
    expect(parameters["disk-encryption-kms-key"]).toBe(kmsKey);
  });

  it("hides every secret from whoever sees a preview", () => {
    const secrets = of("Secret").filter(({ type }) => type.startsWith("kubernetes:"));
    expect(secrets.map(({ name }) => name).sort()).toEqual([
      "monitoring-dev-backup-secret",
      "monitoring-dev-clickhouse-secret",
      "monitoring-dev-gate-keys",
      "monitoring-dev-gate-store",
      "monitoring-dev-migrations-secret",
    ]);
    const values = gke.resources
      .map(({ state }) => plain<Values>(state))
      .flatMap(({ result, privateKeyPem }) => [result, privateKeyPem])
      .filter((value) => typeof value === "string");
    expect(values.length).toBeGreaterThan(6);
    const open = gke.resources.filter(({ inputs }) => {
      const shown = JSON.stringify(unsecret(inputs));
      const encoded = (value: string) => Buffer.from(value).toString("base64").slice(0, -4);
      return values.some((value) =>
        [value, JSON.stringify(value), encoded(value)].some((form) => shown.includes(form)),
      );
    });
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  it("gives the sidecar all keys, one a line, and the certificate in two files", () => {
    const { data } = inputs<{ data: Record<string, string> }>("Secret", "gate-keys");
    const text = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
    const keys = text("keys").trimEnd().split("\n");
    expect(keys[0]).toMatch(/^dana@palindrom\.example\.[A-Za-z0-9]{40}$/);
    expect(keys[1]).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(keys).toHaveLength(2);
    const { annotations } = inputs<{ metadata: Values }>("Secret", "gate-keys").metadata;
    expect(text("version")).toMatch(/^[0-9a-f]{64}$/);
    expect(annotations).toMatchObject({ "monitoring/version": text("version") });
    expect(text("tls.crt")).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(text("tls.crt")).not.toContain("PRIVATE");
    expect(text("tls.key")).toMatch(/^-----BEGIN [A-Z ]*PRIVATE KEY-----/);
  });

  it("keeps each signal as long as asked for, anew for another schema", async () => {
    const { readFileSync } = await import("node:fs");
    type Spec = { template: { spec: { containers: { image: string; env: Values[] }[] } } };
    const { spec } = inputs<{ spec: Spec }>("Job", "retention");
    const [{ image, env } = { image: "", env: [] }] = spec.template.spec.containers;
    expect(image).toMatch(/^clickhouse\/clickhouse-server:/);
    expect(env).toEqual([
      {
        name: "RETENTION_DAYS",
        value: "'signoz_metrics', 180, 'signoz_logs', 30, 'signoz_traces', 15",
      },
      { name: "SCHEMA", value: expect.stringMatching(/^signoz\/signoz-otel-collector:/) },
      expect.objectContaining({ name: "CLICKHOUSE_PASSWORD" }),
    ]);
    const { data } = inputs<{ data: Record<string, string> }>("ConfigMap", "retention-files");
    expect(data["retention.sh"]).toBe(readFileSync("infra/vm/store/retention.sh", "utf8"));
  });

  it("delivers what the VM's gate reads, unchanged", async () => {
    const { readFileSync } = await import("node:fs");
    const { data } = inputs<{ data: Record<string, string> }>("ConfigMap", "gate-files");
    for (const file of [
      "haproxy.cfg",
      "otel-collector.yaml",
      "exporters.yaml",
      "keys-map.sh",
      "front-apply.sh",
    ])
      expect([file, data[file]]).toEqual([file, readFileSync(`infra/gate/${file}`, "utf8")]);
    for (const file of ["apply-keys.sh", "socat", "pre-stop.sh"])
      expect([file, data[file]]).toEqual([file, readFileSync(`infra/gke/files/${file}`, "utf8")]);
    expect(JSON.parse(data["processors.yaml"] ?? "")).toHaveProperty("memory_limiter");
  });

  it("lets nobody reach anybody but by these, and ClickHouse alone its backups and a token for them", () => {
    type Rule = { from?: Values[]; to?: Values[]; ports: { port: number }[] };
    const who = (peer: Values): string => {
      const { podSelector, ipBlock } = peer as Record<string, Record<string, Values>>;
      const { app, "k8s-app": ofSystem } = (podSelector?.matchLabels ?? {}) as Values;
      return String(ipBlock?.cidr ?? app ?? ofSystem);
    };
    const policies = of("NetworkPolicy").map(({ inputs }) => {
      const { spec } = plain<{ spec: Values & { ingress?: Rule[]; egress?: Rule[] } }>(inputs);
      return spec;
    });
    for (const { policyTypes } of policies) expect(policyTypes).toEqual(["Ingress", "Egress"]);
    const isOfAll = ({ podSelector }: Values) => Object.keys(podSelector as Values).length === 0;
    const [everybody] = policies.filter(isOfAll);
    const each = policies.filter((spec) => !isOfAll(spec));
    expect(everybody?.ingress).toBeUndefined();
    expect(everybody?.egress?.map(({ to }) => to?.map(who))).toEqual([
      ["kube-dns", "node-local-dns", "169.254.20.10/32", "169.254.169.254/32"],
    ]);
    const lines = each.flatMap(({ podSelector, ingress = [], egress = [] }) => [
      ...ingress.flatMap(({ from = [], ports }) =>
        from.map(
          (peer) => `${who(peer)} > ${who({ podSelector })} ${ports.map(({ port }) => port)}`,
        ),
      ),
      ...egress.flatMap(({ to = [], ports }) =>
        to.map((peer) => `${who({ podSelector })} > ${who(peer)} ${ports.map(({ port }) => port)}`),
      ),
    ]);
    const inside = [...new Set(lines)].filter((line) => !/[0-9]\//.test(line)).sort();
    expect(inside).toEqual([
      "backup > clickhouse 9000",
      "clickhouse > clickhouse 9000,9009",
      "clickhouse > keeper 9181",
      "gate > clickhouse 9000",
      "keeper > keeper 9234",
      "migrations > clickhouse 9000",
    ]);
    // Each of them stands at both of its ends.
    for (const line of inside)
      expect([line, lines.filter((one) => one === line)]).toEqual([line, [line, line]]);
    expect(lines.filter((line) => / > [0-9]/.test(line))).toEqual([
      "clickhouse > 199.36.153.8/30 443",
      "clickhouse > 169.254.169.254/32 80",
    ]);
  });

  it.each([
    ["keeper", 3],
    ["clickhouse", 2],
  ])("spreads %s over %i zones, however few have a node yet", (app, minDomains) => {
    const { spec } = inputs<{ spec: { template: { spec: Values } } }>("StatefulSet", app);
    expect(spec.template.spec.topologySpreadConstraints).toMatchObject([
      {
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "DoNotSchedule",
        minDomains,
      },
    ]);
  });

  it("asks for nothing that the API server gives back in another form, which every preview would change", () => {
    const odd: string[] = [];
    const look = (value: unknown, at: string): void => {
      if (
        typeof value === "string" &&
        /^\d+(Mi|Gi)$/.test(value) &&
        Number.parseInt(value, 10) % 1024 === 0
      )
        odd.push(`${at}: ${value}`);
      if (typeof value !== "object" || value === null) return;
      // Of a NetworkPolicy, for all pods.
      if (Object.keys(value).length === 0 && !at.endsWith(".podSelector")) odd.push(`${at}: empty`);
      for (const [key, inner] of Object.entries(value)) look(inner, `${at}.${key}`);
    };
    for (const { type, name, inputs } of large.resources)
      if (type.startsWith("kubernetes:")) look(plain<Values>(inputs), name);
    expect(odd).toEqual([]);
  });

  it.each([
    ["the default", () => gke, {}],
    ["a large one", () => large, largeSizes],
  ])(
    "is billed for as many pods, vCPUs, memory and disks as the costs count: %s",
    (_, program, sizes) => {
      const plan = planOf(fixtureSettings({ ...onGke, ...sizes }));
      type Spec = { replicas: number; template: { spec: Record<string, Container[] | undefined> } };
      type Container = { resources: { requests: { cpu: string; memory: string } } };
      const specs = program()
        .resources.filter(({ type }) => type.endsWith(":StatefulSet"))
        .map(({ inputs }) => plain<{ spec: Spec }>(inputs).spec);
      const requested = specs.flatMap(({ replicas, template: { spec } }) =>
        [...(spec.initContainers ?? []), ...(spec.containers ?? [])].map(({ resources }) => ({
          vcpus: amount(resources.requests.cpu) * replicas,
          mib: (amount(resources.requests.memory) / 2 ** 20) * replicas,
        })),
      );
      const claimed = program()
        .resources.filter(({ type }) => type.endsWith(":PersistentVolumeClaim"))
        .map(({ inputs }) =>
          plain<{ spec: { resources: { requests: { storage: string } } } }>(inputs),
        )
        .map(({ spec }) => amount(spec.resources.requests.storage) / 2 ** 30);
      const sum = (values: number[]) => values.reduce((all, each) => all + each, 0);
      expect(sum(specs.map(({ replicas }) => replicas))).toBe(pods(plan));
      const counted = containers(plan);
      expect(sum(requested.map(({ vcpus }) => vcpus))).toBeCloseTo(
        sum(counted.map(({ vcpus, count }) => vcpus * count)),
      );
      expect(sum(requested.map(({ mib }) => mib))).toBe(
        sum(counted.map(({ mib, count }) => mib * count)),
      );
      expect(sum(claimed)).toBe(clusterDiskGib(plan));
    },
  );

  it("opens the gate's port to the world and nothing else", () => {
    const forced = { "pulumi.com/patchForce": "true" };
    const services = of("Service")
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .map(({ inputs }) => plain<{ metadata: Values; spec: Values }>(inputs))
      .filter(({ spec }) => spec.type === "LoadBalancer")
      .map(({ metadata, spec }) => [metadata.name, metadata.annotations, spec.ports]);
    expect(services).toEqual([
      [
        "clickhouse-inside",
        { ...forced, "networking.gke.io/load-balancer-type": "Internal" },
        [{ name: "native", port: 9000 }],
      ],
      [
        "gate",
        { ...forced, "cloud.google.com/l4-rbs": "enabled" },
        [{ name: "otlp", port: 4317, targetPort: 14316 }],
      ],
    ]);
  });
});

/** A quantity of Kubernetes as a number. */
function amount(text: string): number {
  const [, value = "", unit = ""] = /^(\d+)(m|Mi|Gi|Ti)?$/.exec(text) ?? [];
  return Number(value) * ({ m: 1e-3, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 }[unit] ?? 1);
}

/** The inputs as a preview shows them. */
function unsecret(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unsecret);
  if (typeof value !== "object" || value === null) return value;
  if ("4dabf18193072939515e22adb298388d" in value) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unsecret(inner)]));
}
