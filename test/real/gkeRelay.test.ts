import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { cloudEnvironment, type Gate, gateName, OtlpClient, startGate } from "./gate";
import { Ledger, storedOf } from "./ledger";
import { levels, sample, valuesOf } from "./otlp";
import { storedIn } from "./pipelines";
import { startSender } from "./signozCloud";
import { behindQueue, Sink, soonAgain } from "./sink";

const infra = join(__dirname, "../../infra");
const personal = "dana@palindrom.example.5e3f0b61c2";
const relayKey = "relay-key-0123456789abcdef0123456789abcdef";
const own = {
  STORE_METRICS: "otlp/store",
  STORE_LOGS: "otlp/store",
  STORE_TRACES: "otlp/store",
  STORE_SELF: "nop",
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
/** Each stands for a ClickHouse, `hints` for what SigNoz suggests of the new one, and counts. */
let stores: Record<"old" | "new" | "hints", Sink>;
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
    override: {
      exporters: { "otlp/store": { ...behindQueue(stores.old.port), retry_on_failure: soonAgain } },
    },
    ...{ port: ports.vm, senderPort: ports.sender, queueDir: queueOf("vm") },
  });
}

/** The new gate with what it has while it is handed over to. */
async function openNext(): Promise<void> {
  const relay = parse(readFileSync(join(infra, "gke/files/relay.yaml"), "utf8"));
  relay.receivers["otlp/relay"].protocols.http.endpoint = `127.0.0.1:${ports.collector}`;
  const { pipelines } = relay.service;
  next = await startGate({
    keys: "shared-key",
    certificate,
    frontFiles: [join(infra, "gke/files/relay.cfg")],
    limits: {
      GATE_RELAY_BIND: `127.0.0.1:${ports.relay}`,
      GATE_RELAY_COLLECTOR: `127.0.0.1:${ports.collector}`,
      GATE_RELAY_KEY: relayKey,
    },
    env: { ...own, STORE_HINTS: "otlp/hints" },
    override: {
      receivers: relay.receivers,
      exporters: {
        "otlp/store": { ...behindQueue(stores.new.port), retry_on_failure: soonAgain },
        "otlp/hints": behindQueue(stores.hints.port),
      },
      service: { pipelines: { ...storedIn("otlp/store"), ...pipelines } },
    },
    ...{ port: ports.next, queueDir: queueOf("next") },
  });
}

beforeAll(async () => {
  certificate = await issueCertificate([gateName, "localhost"]);
  const sink = async () => new Sink(await freePort());
  stores = { old: await sink(), new: await sink(), hints: await sink() };
  await Promise.all(Object.values(stores).map((store) => store.start()));
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
  for (const store of Object.values(stores ?? {})) store.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function answer(port: number, key: string): Promise<number> {
  const client = new OtlpClient({ host: "127.0.0.1", port, certificate });
  const code = await client.send("logs", sample("logs"), { "signoz-ingestion-key": key });
  client.close();
  return code;
}

/** @returns the HTTP status of an export to the port that the VM's sender dials */
function relay(headers: Record<string, string | string[]>, path = "/v1/logs"): Promise<number> {
  const options = { host: "127.0.0.1", port: ports.relay, servername: gateName, path };
  return new Promise((resolve, reject) =>
    request({
      ...options,
      ca: certificate.ca,
      method: "POST",
      headers: { ...headers, "content-type": "application/x-protobuf" },
    })
      .on("response", (answer) => resolve(answer.resume().statusCode ?? 0))
      .on("error", reject)
      .end(sample("logs")),
  );
}

describe("a VM that hands over to a new gate", () => {
  it("loses nothing there, while the new gate is away, and back again", async () => {
    const ledger = new Ledger();
    const refusals: Record<string, unknown> = {};
    const note = (when: string) => {
      refusals[when] = { ...ledger.refusals };
    };
    /** Clients that were refused come back one after the other. */
    const untilServed = async () => {
      const known = () => JSON.stringify(ledger.refusals);
      for (let last = ""; last !== known(); await sleep(2000)) last = known();
    };
    const handOver = async () => {
      await sleep(2000);
      note("before");
      await vm.stop();
      await openVm(writing(relayed, own));
      await untilServed();
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
    const { old, new: there } = stores;
    const balance = await ledger.settled(() => storedOf([...old.received, ...there.received]));
    console.log(balance, { old: old.records, new: there.records }, refusals);
    expect(balance.lost).toBe(0);
    expect(Math.min(old.records, there.records)).toBeGreaterThan(10);
    // Clients of the VM do not notice that the new gate was away.
    expect(refusals["the new gate was away"]).toEqual(refusals.relaying);
  });

  it("has SigNoz suggest the names of what it hands over", async () => {
    await expect.poll(() => stores.hints.records, { timeout: 30_000 }).toBeGreaterThan(50);
  });

  it("keeps the names that its keys stood for", () => {
    const { resource, record } = levels(stores.new.received);
    for (const level of [resource, record])
      expect([valuesOf(level, "engineer"), valuesOf(level, "engineer.verified")]).toEqual([
        ["dana@palindrom.example"],
        ["true"],
      ]);
  });

  it.each<[string, Record<string, string | string[]>]>([
    ["an ingestion key of the new gate", { "signoz-ingestion-key": "shared-key" }],
    ["an ingestion key of the VM", { "signoz-ingestion-key": personal }],
    ["an empty key", { "signoz-ingestion-key": "" }],
    ["no key", {}],
    ["the key twice", { "signoz-ingestion-key": [relayKey, relayKey] }],
    ["a part of the key", { "signoz-ingestion-key": relayKey.slice(0, -1) }],
  ])("takes nothing past the filter with %s", { tags: "attack/identity" }, async (_, headers) => {
    expect(await relay(headers)).toBe(401);
  });

  it("takes it with the relay's own key, for the three exports alone", async () => {
    const headers = { "signoz-ingestion-key": relayKey };
    expect([await relay(headers), await relay(headers, "/v1/profiles")]).toEqual([200, 404]);
  });

  it("has a key that is no ingestion key", { tags: "attack/keys" }, async () => {
    expect([await answer(ports.next, relayKey), await answer(ports.next, "shared-key")]).toEqual([
      16, 0,
    ]);
  });
});
