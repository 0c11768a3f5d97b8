import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { type Gate, gateName, OtlpClient, startGate } from "./gate";
import { Service } from "./gke/service";
import { Ledger, storedOf } from "./ledger";
import { storedIn } from "./pipelines";
import { behindQueue, Sink, soonAgain } from "./sink";
import { countedBy } from "./statistics";

const preStop = join(__dirname, "../../infra/gke/files/pre-stop.sh");
const replicas = [0, 1, 2];
const key = () => "shared-key";
/** Until every node has heard that a gate is leaving; pre-stop.sh waits longer. */
const [lagMs, waitSeconds] = [1500, 3];

let certificate: Certificate;
let store: Sink;
let service: Service;
const ports: number[] = [];
const gates: Gate[] = [];
const queues = replicas.map(() => mkdtempSync(join(tmpdir(), "queue-")));
beforeAll(async () => {
  certificate = await issueCertificate([gateName]);
  store = new Sink(await freePort());
  await store.start();
  for (const replica of replicas) {
    ports.push(await freePort());
    await open(replica);
  }
  service = await Service.start(ports);
});
afterAll(async () => {
  await Promise.all(gates.map((gate) => gate.stop("SIGKILL")));
  await service?.stop();
  store?.stop();
  for (const queue of queues) rmSync(queue, { recursive: true, force: true });
});

async function open(replica: number): Promise<void> {
  gates[replica] = await startGate({
    keys: key(),
    certificate,
    ...{ port: ports[replica], queueDir: queues[replica] },
    override: {
      exporters: { "otlp/store": { ...behindQueue(store.port), retry_on_failure: soonAgain } },
      service: { pipelines: storedIn("otlp/store") },
    },
  });
}

const add = (one: number, other: number) => one + other;

type Stop = (gate: Gate) => Promise<unknown>;
/** As the pod ends: preStop, then the front has ended, then the sidecars. */
const inOrder: Stop = async (gate) => {
  await promisify(execFile)(preStop, [`${waitSeconds}`, `${gate.pid}`]);
  await gate.stop();
};
const atOnce: Stop = (gate) => gate.stop();

/** Replaces a gate as a StatefulSet does; its queue's disk stays. */
async function replace(replica: number, stop: Stop): Promise<number> {
  const began = performance.now();
  const forgotten = sleep(lagMs).then(() => service.send(replica, false));
  await Promise.all([stop(gates[replica] as Gate), forgotten]);
  const took = performance.now() - began;
  await open(replica);
  await service.send(replica, true);
  return Math.round(took);
}

async function under(event: () => Promise<unknown>, again: boolean) {
  const ledger = new Ledger();
  const clients = Array.from(
    { length: 30 },
    () => new OtlpClient({ host: "127.0.0.1", port: service.port, certificate }),
  );
  await ledger.during(clients, event, { key, again });
  for (const client of clients) client.close();
  const balance = await ledger.settled(() => storedOf(store.received));
  return { ...balance, refusals: ledger.refusals };
}

describe("three gates under load", () => {
  it("are replaced one after the other, and no client of Claude Code's kind, which tries nothing again, is refused", async () => {
    const took: number[] = [];
    const rolled = await under(async () => {
      await sleep(1000);
      for (const replica of replicas) {
        took.push(await replace(replica, inOrder));
        await sleep(1000);
      }
    }, false);
    console.log(rolled, `a gate ends in ${took} ms`);
    expect(rolled).toMatchObject({ lost: 0, twice: 0, unknown: 0, refusals: {} });
  });

  it("share the load of clients that hold their connections with a gate that comes", async () => {
    const requests = () => Promise.all(gates.map((gate) => countedBy(gate, "req_tot")));
    const among = async (): Promise<number[]> => {
      const before = await requests();
      await sleep(3000);
      return (await requests()).map((count, gate) => count - (before[gate] ?? 0));
    };
    for (const replica of replicas) await service.send(replica, replica === 0);
    const shares: number[][] = [];
    const shared = await under(async () => {
      await sleep(1000);
      shares.push(await among());
      for (const replica of replicas) await service.send(replica, true);
      shares.push(await among());
      // Each client has sent what a connection takes, and as much again.
      const enough = (await requests()).reduce(add) + 30 * 120 * 2;
      while ((await requests()).reduce(add) < enough) await sleep(500);
      shares.push(await among());
    }, false);
    console.log(shared, shares);
    expect(shared).toMatchObject({ lost: 0, twice: 0, unknown: 0, refusals: {} });
    const [alone = [], , later = []] = shares;
    expect(alone.slice(1)).toEqual([0, 0]);
    for (const share of later) expect(share).toBeGreaterThan(later.reduce(add) / 60);
  });

  it("without the order refuse clients, and lose nothing", async () => {
    const cut = await under(async () => {
      await sleep(1000);
      await replace(0, atOnce);
    }, true);
    console.log(cut);
    expect(cut.lost).toBe(0);
    expect(Object.keys(cut.refusals)).toContain("14");
  });
});
