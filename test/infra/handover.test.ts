import { beforeAll, describe, expect, it, vi } from "vitest";
import { judge } from "../../policy/rules.js";
import { Cloud } from "../../simulator/cloud/cloud.js";
import { plain, type Values } from "../../simulator/cloud/values.js";
import { type ProgramResult, runProgram } from "../../simulator/program.js";

const config = {
  otlpHost: "otlp.palindrom.example",
  dnsZone: "palindrom-zone",
  dataLocations: ["us-central1"],
  kmsKey: "projects/palindrom-kms/locations/us-central1/keyRings/monitoring/cryptoKeys/data",
};
const cluster = "clickhouse:9000";
const machine = "monitoring-dev.us-central1-a.c.christopher-little-dev.internal:9000";

/** What each state is made of: parts of the machine, whose ClickHouse SigNoz, the machine's gate and the cluster's gates use. */
const states = {
  vm: { parts: 3, signoz: "own", gate: "own", pods: undefined, dialled: "ip" },
  "gke write": { parts: 3, signoz: "own", gate: "cluster", pods: cluster, dialled: "ip" },
  "gke read": { parts: 3, signoz: "cluster", gate: "cluster", pods: cluster, dialled: "gke-ip" },
  gke: { parts: 1, signoz: "cluster", gate: undefined, pods: cluster, dialled: "gke-ip" },
  "vm write": { parts: 3, signoz: "cluster", gate: "own", pods: machine, dialled: "gke-ip" },
  "vm read": { parts: 3, signoz: "own", gate: "own", pods: machine, dialled: "ip" },
} as const;

describe.each(Object.entries(states))("a stack in state %s", (state, expected) => {
  let program: ProgramResult;
  const [backend, handover] = state.split(" ");
  const whole = expected.parts === 3;
  const stands = expected.pods !== undefined;
  beforeAll(async () => {
    vi.resetModules();
    const cloud = new Cloud({ project: "p", region: "us-central1", zone: "us-central1-a" });
    // Where it is already: the same step once more.
    cloud.stacks["organization/monitoring/dev"] = { generations: { backend, handover } };
    const own = { ...config, backend, ...(handover && { handover }) };
    program = await runProgram({ cloud, config: own });
  });
  const of = (type: string) => program.resources.filter((one) => one.type.endsWith(`:${type}`));
  const one = <T = Values>(type: string, name: string): T | undefined => {
    const found = of(type).find((resource) => resource.name === `monitoring-dev-${name}`);
    return found && plain<T>(found.inputs);
  };

  it("has one machine with one disk, which is the same one in every state", () => {
    expect(of("Instance").map(({ name }) => name)).toEqual(["monitoring-dev-vm"]);
    expect(of("Disk").map(({ name }) => name)).toEqual(["monitoring-dev-data"]);
    const [vm] = of("SignozVm");
    // Another parent, or another type above it, would be another disk.
    expect(vm?.options.parent ?? "").not.toContain("GkeBackend");
  });

  it("tells the machine whose ClickHouse each of its parts uses", () => {
    const { metadata } = one<{ metadata: Record<string, string> }>("Instance", "vm") ?? {};
    const settings = JSON.parse(metadata?.["monitoring-settings"] ?? "{}");
    const files = Object.keys(JSON.parse(metadata?.["monitoring-files"] ?? "{}"));
    expect(settings.parts).toHaveLength(expected.parts);
    expect("clickhouseHost" in settings).toBe(expected.signoz === "cluster");
    if (whole && stands)
      expect(settings.handover).toMatchObject({
        write: expected.gate === "own" ? "vm" : "gke",
        read: expected.signoz === "own" ? "vm" : "gke",
      });
    else expect(settings.handover).toBeUndefined();
    expect(files.includes("handover.sh")).toBe(whole && stands);
    expect(files.includes("handover.yaml")).toBe(whole && stands);
  });

  it("has the cluster's gates write where it is said, and no way to elsewhere", () => {
    const set = one<{ spec: Values }>("StatefulSet", "gate");
    expect(set !== undefined).toBe(stands);
    if (!set) return;
    const text = JSON.stringify(set);
    expect(/"CLICKHOUSE_ADDRESS","value":"([^"]+)"/.exec(text)?.[1] ?? cluster).toBe(expected.pods);
    const store = one<{ data: { dsn: string } }>("Secret", "gate-store")?.data.dsn ?? "";
    expect(Buffer.from(store, "base64").toString()).toContain(`@${expected.pods}`);
    const { spec } =
      one<{ spec: { egress: { to: Values[] }[] } }>("NetworkPolicy", "gate-walls") ?? {};
    const machines = spec?.egress.filter(({ to }) => to.some((peer) => "ipBlock" in peer));
    expect(machines).toHaveLength(expected.pods === machine ? 1 : 0);
    expect(of("Firewall").some(({ name }) => name.endsWith("-allow-clickhouse"))).toBe(whole);
  });

  it("leads clients to one gate by a name that stays, and keeps the other's address while it stands", () => {
    const addresses = of("Address").map(({ name }) => name.replace("monitoring-dev-", ""));
    expect(addresses.sort()).toEqual([...(stands ? ["gke-ip"] : []), ...(whole ? ["ip"] : [])]);
    const address = of("Address").find(({ name }) => name === `monitoring-dev-${expected.dialled}`);
    const record = one<{ name: string; rrdatas: string[] }>("RecordSet", "record");
    expect(record).toMatchObject({
      name: "otlp.palindrom.example.",
      rrdatas: [address?.state.address],
    });
    expect(program.outputs.otlpUrl).toBe("https://otlp.palindrom.example:4317");
    expect(program.outputs.otlpEndpoint).toBe(`${address?.state.address}:4317`);
  });

  it("breaks no rule", () => {
    const judged = program.resources.map(({ type, name, inputs, options }) => ({
      ...{ type, name, inputs },
      protect: options.protect,
    }));
    expect(judge(judged)).toEqual([]);
  });

  it("never gives the subnetwork a smaller range, which would replace it", () => {
    expect(one("Subnetwork", "subnet")).toMatchObject({ ipCidrRange: "10.90.0.0/22" });
  });
});
