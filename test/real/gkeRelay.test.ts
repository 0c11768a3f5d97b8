import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { Store } from "./clickhouse/store";
import { cloudEnvironment, type Gate, gateName, OtlpClient, startGate } from "./gate";
import { Ledger, type Stored, storedIn } from "./ledger";
import { sample } from "./otlp";
import { startSender } from "./signozCloud";

const files = join(__dirname, "../../infra/gke/files");
const personal = "dana@palindrom.example.5e3f0b61c2";
const relayKey = "relay-key-0123456789abcdef0123456789abcdef";
const own = {
  STORE_METRICS: "signozclickhousemetrics",
  STORE_LOGS: "clickhouselogsexporter",
  STORE_TRACES: "clickhousetraces",
  STORE_SELF: "signozclickhousemetrics/self",
  STORE_HINTS: "nop",
};
const relayed = cloudEnvironment();
/** The environment of a collector that writes by these exporters, and brings what lies in the queues of those to its end. */
const writing = (to: Record<string, string>, left: Record<string, string>) => ({
  ...to,
  ...Object.fromEntries(
    Object.entries(left)
      .filter(([name]) => name !== "STORE_HINTS")
      .map(([name, exporter]) => [name.replace("STORE", "LEFT"), exporter]),
  ),
});

const folder = mkdtempSync(join(tmpdir(), "relay-"));
const queueOf = (name: string) => join(folder, name);
let stores: Record<"old" | "new", Store>;
let vm: Gate;
let next: Gate;
let sender: Awaited<ReturnType<typeof startSender>>;
let certificate: Certificate;
let ports: Record<"vm" | "next" | "relay" | "collector" | "sender", number>;

async function openVm(env: Record<string, string>): Promise<void> {
  vm = await startGate({
    keys: personal,
    certificate,
    env,
    ...{ port: ports.vm, senderPort: ports.sender, storePort: stores.old.port },
    queueDir: queueOf("vm"),
  });
}

/** The new gate with what it has while it is handed over to. */
async function openNext(): Promise<void> {
  const relay = parse(readFileSync(join(files, "relay.yaml"), "utf8"));
  relay.receivers["otlp/relay"].protocols.http.endpoint = `127.0.0.1:${ports.collector}`;
  next = await startGate({
    keys: "shared-key",
    certificate,
    frontFiles: [join(files, "relay.cfg")],
    limits: {
      GATE_RELAY_BIND: `127.0.0.1:${ports.relay}`,
      GATE_RELAY_COLLECTOR: `127.0.0.1:${ports.collector}`,
      GATE_RELAY_KEY: relayKey,
    },
    override: relay,
    ...{ port: ports.next, storePort: stores.new.port, queueDir: queueOf("next") },
  });
}

beforeAll(async () => {
  certificate = await issueCertificate([gateName, "localhost"]);
  const [one, other] = await Promise.all([Store.start(), Store.start()]);
  stores = { old: one, new: other };
  ports = {
    vm: await freePort(),
    next: await freePort(),
    relay: await freePort(),
    collector: await freePort(),
    sender: await freePort(),
  };
  await openNext();
  writeFileSync(join(folder, "ca.pem"), certificate.ca);
  const target = { port: ports.relay, host: gateName, ca: join(folder, "ca.pem") };
  sender = await startSender(ports.sender, target, relayKey);
  await openVm(own);
});
afterAll(async () => {
  await Promise.all([vm, next].map((gate) => gate?.stop("SIGKILL")));
  await sender?.stop("SIGKILL");
  await Promise.all(Object.values(stores ?? {}).map((store) => store.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function everywhere(): Promise<Stored> {
  const all: Stored = new Map();
  for (const store of Object.values(stores))
    for (const [number, count] of await storedIn(store))
      all.set(number, (all.get(number) ?? 0) + count);
  return all;
}

async function answer(port: number, key: string): Promise<number> {
  const client = new OtlpClient({ host: "127.0.0.1", port, certificate });
  const code = await client.send("logs", sample("logs"), { "signoz-ingestion-key": key });
  client.close();
  return code;
}

describe("a VM that hands over to a new gate", () => {
  it("loses nothing there, while the new gate is away, and back again", async () => {
    const ledger = new Ledger();
    const refusals: Record<string, unknown> = {};
    const note = (when: string) => {
      refusals[when] = { ...ledger.refusals };
    };
    const handOver = async () => {
      await sleep(2000);
      note("before");
      await vm.stop();
      await openVm(writing(relayed, own));
      await sleep(3000);
      note("relaying");
      await next.stop();
      await sleep(4000);
      await openNext();
      await sleep(3000);
      note("the new gate was away");
      await vm.stop();
      await openVm(writing(own, relayed));
      await sleep(2000);
    };
    const clients = Array.from({ length: 10 }, () => new OtlpClient(vm));
    await ledger.during(clients, handOver, { key: () => personal, everyMs: 100, again: true });
    for (const client of clients) client.close();
    const balance = await ledger.settled(everywhere);
    const [old, there] = await Promise.all([storedIn(stores.old), storedIn(stores.new)]);
    console.log(balance, { old: old.size, new: there.size }, refusals);
    expect(balance.lost).toBe(0);
    expect(there.size).toBeGreaterThan(100);
    // Clients of the VM do not notice that the new gate was away.
    expect(refusals["the new gate was away"]).toEqual(refusals.relaying);
  });

  it("keeps the names that its keys stood for", async () => {
    const names = await stores.new.rows(
      "SELECT DISTINCT attributes_string['engineer'], attributes_string['engineer.verified'], resources_string['engineer'] FROM signoz_logs.distributed_logs_v2",
    );
    expect(names).toEqual([["dana@palindrom.example", "true", "dana@palindrom.example"]]);
  });

  it.each([
    ["an ingestion key", { "signoz-ingestion-key": "shared-key" }],
    ["an empty key", { "signoz-ingestion-key": "" }],
    ["no key", {}],
    ["the key twice", [relayKey, relayKey]],
  ])("lets nobody past the filter with %s", { tags: "attack/identity" }, async (_, headers) => {
    void headers;
  });

  it("has a key that is no ingestion key", { tags: "attack/keys" }, async () => {
    expect([await answer(ports.next, relayKey), await answer(ports.vm, relayKey)]).toEqual([
      16, 16,
    ]);
  });
});
