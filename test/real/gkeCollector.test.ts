import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { signals } from "../../simulator/otlp";
import { sessions } from "./clickhouse/sessions";
import { Store } from "./clickhouse/store";
import { type Gate, OtlpClient, startGate } from "./gate";
import { Ledger, type Stored } from "./ledger";

const key = "shared-key";
let store: Store;
let gate: Gate;
beforeAll(async () => {
  store = await Store.start();
  const collectorBy = join(__dirname, "../../infra/gke/files/collector.sh");
  gate = await startGate({ keys: key, storePort: store.port, collectorBy });
});
afterAll(async () => {
  await gate?.stop("SIGKILL");
  await store?.stop();
});

const stored = async () => {
  const counts: Stored = new Map();
  for (const signal of signals)
    for (const [session, count] of Object.entries(await sessions(store, signal, "")))
      counts.set(session, count);
  return counts;
};

it("a gate's pod brings what ClickHouse refused while it was away, a minute or two after it answers", async () => {
  const ledger = new Ledger();
  const clients = Array.from({ length: 5 }, () => new OtlpClient(gate));
  const send = (event: () => Promise<unknown>) =>
    ledger.during(clients, event, { key: () => key, everyMs: 200, again: true });
  await send(() => sleep(3000));
  await store.end("SIGKILL");
  await send(() =>
    expect.poll(() => gate.log(), { timeout: 60_000 }).toContain("Exporting failed"),
  );
  // Each of the consumers holds a batch by now that it would not try again for 46 minutes.
  await send(() => sleep(20_000));
  await store.listen();
  const began = performance.now();
  const balance = await ledger.settled(stored, 180_000);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log({ ...balance, seconds });
  for (const client of clients) client.close();
  expect(balance).toMatchObject({ lost: 0, unknown: 0 });
  expect(gate.log()).toContain("the collector starts again");
});

it("ends when the pod does, and so does its collector", async () => {
  const began = performance.now();
  await gate.stop();
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(gate.exited()).toBe(true);
  await expect(fetch(`http://127.0.0.1:${gate.collectorPort}`)).rejects.toThrow();
});
