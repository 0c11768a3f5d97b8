import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultGate } from "../../infra/gate/options";
import { decode, encode, type Signal, signals } from "../../simulator/otlp";
import { retained } from "./clickhouse/retention";
import { sessions } from "./clickhouse/sessions";
import { apply, healthy, machine, soon, start, state } from "./containers/running";
import { ContainedTables } from "./machine/containedTables";
import { ContainerMachine, type Service, services } from "./machine/containerMachine";
import { machineMissing } from "./machine/machine";
import { defaultMemory } from "./machine/memory";
import { storeImages } from "./machine/storeImages";
import { sample } from "./otlp";
import { attribute } from "./poison";
import { attributes, one } from "./requests";

const missing = machineMissing();
const suite = missing ? describe.skip : describe;
const because = missing && ` (${missing})`;
const patient = { timeout: 60_000, interval: 1000 };
/** Longer than store-guard.sh leaves a collector alone. */
const guarded = { timeout: 150_000, interval: 5000 };

let store: ContainedTables;
const tables = () =>
  store.run(
    "SELECT database, name, create_table_query FROM system.tables WHERE startsWith(database, 'signoz_') ORDER BY ALL",
  );
/** Where each exporter writes the names by which queries find its records; it remembers that it did. */
const named = {
  metrics: {
    exporter: "signozclickhousemetrics",
    table: "signoz_metrics.time_series_v4",
    records: "signoz_metrics.samples_v4",
    fingerprint: "fingerprint",
  },
  logs: {
    exporter: "clickhouselogsexporter",
    table: "signoz_logs.logs_v2_resource",
    records: "signoz_logs.logs_v2",
    fingerprint: "resource_fingerprint",
  },
  traces: {
    exporter: "clickhousetraces",
    table: "signoz_traces.traces_v3_resource",
    records: "signoz_traces.signoz_index_v3",
    fingerprint: "resource_fingerprint",
  },
};
let client: ReturnType<ContainerMachine["client"]>;

/** Sends a session after the other, each until it is accepted, while something is done to the machine. */
async function sentDuring(name: string, disturb: () => Promise<void>): Promise<string[]> {
  const sent: string[] = [];
  let going = true;
  const sending = (async () => {
    while (going) {
      const session = `${name}-${sent.length}`;
      const record = { attributes: attributes([["session.id", session]]) };
      for (const signal of signals)
        while ((await client.send(signal, encode(signal, [one(signal, { record })]))) !== 0)
          await sleep(200);
      sent.push(session);
      await sleep(100);
    }
  })();
  await sleep(500);
  await disturb();
  await sleep(500);
  going = false;
  await sending;
  return sent;
}

/** What monitoring-store.timer does. */
const guard = () => machine.sh("/var/lib/monitoring/files/store-guard.sh");
async function guardedSessions(signal: Signal, begin: string) {
  guard();
  return sessions(store, signal, begin);
}

/** In the background, since what is sent must go on. */
async function disturbed(service: Service, command: string) {
  const before = state(service);
  machine.sh(`${command} >/dev/null 2>&1 &`);
  await expect.poll(() => state(service), soon).not.toBe(before);
  await healthy(service);
}

suite(`ClickHouse's engine in the shipped containers${because}`, () => {
  beforeAll(async () => {
    await start(ContainerMachine.with(2048, storeImages));
    client = machine.client();
    store = new ContainedTables(machine);
  });
  afterAll(async () => {
    client?.close();
    await machine?.stop();
  });

  it("is confined as compose.yaml has it, and reads the shipped configuration", async () => {
    const confined = readFileSync(join(__dirname, "containers/confined.sh"), "utf8");
    const none = "0000000000000000";
    expect(machine.within("clickhouse", confined).output.split(/\s+/).filter(Boolean)).toEqual([
      "101",
      "101",
      none,
      none,
      "1",
    ]);
    const settings = await store.rows(
      "SELECT name, value FROM system.server_settings WHERE name IN ('max_server_memory_usage', 'mark_cache_size') ORDER BY name",
    );
    expect(settings).toEqual([
      ["mark_cache_size", "268435456"],
      ["max_server_memory_usage", String(Math.floor(defaultMemory.clickhouse * 2 ** 20 * 0.9))],
    ]);
    await expect(store.run("SELECT 1", "another")).rejects.toThrow(/Authentication failed/);
  });

  it.each(signals)("stores what Claude Code sent, once: %s", async (signal) => {
    const request = sample(signal);
    const points = decode(signal, request)
      .flatMap(({ scopes }) => scopes.flatMap(({ records }) => records))
      .flatMap(({ sum, ...record }) => sum?.dataPoints ?? [record]);
    const counts: Record<string, number> = {};
    for (const point of points) {
      const session = attribute(point, "session.id");
      counts[session] = (counts[session] ?? 0) + 1;
    }
    expect(await client.send(signal, request)).toBe(0);
    await expect.poll(() => sessions(store, signal, ""), patient).toEqual(counts);
  });

  it("keeps each signal as long as asked for", async () => {
    const { other, fewestRight, logsByDefault } = await retained(store, defaultGate.retentionDays);
    expect(other).toEqual([]);
    expect(fewestRight).toBeGreaterThan(4);
    expect(logsByDefault).toBe(defaultGate.retentionDays.logs);
  });

  it("is left as it is by a second startup", async () => {
    const before = [await tables(), ...services.map(state)];
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect([await tables(), ...services.map(state)]).toEqual(before);
  });

  it.each<Service>(["clickhouse", "collector"])(
    "stores all once that is sent while %s restarts, which ends long before it would be cut off",
    async (service) => {
      const began = Date.now();
      const name = `restart-${service}`;
      const sent = await sentDuring(name, () =>
        disturbed(service, `docker restart monitoring-${service}-1`),
      );
      const ended = Date.parse(machine.inspect(service, "{{.State.FinishedAt}}"));
      expect(ended - began).toBeLessThan(8000);
      const once = Object.fromEntries(sent.map((session) => [session, 1]));
      for (const signal of signals)
        await expect.poll(() => guardedSessions(signal, name), guarded).toEqual(once);
    },
  );

  it("stores all that is sent while ClickHouse is killed", async () => {
    const pid = machine.inspect("clickhouse", "{{.State.Pid}}");
    const sent = await sentDuring("kill", () => disturbed("clickhouse", `kill -KILL ${pid}`));
    for (const signal of signals)
      await expect
        .poll(async () => Object.keys(await guardedSessions(signal, "kill")).sort(), guarded)
        .toEqual(sent.sort());
  });

  it("finds what ClickHouse refused, once it takes it, by series and by resource", async () => {
    const refusing = Object.values(named).map(({ table }) => table);
    for (const table of refusing)
      await store.run(`ALTER TABLE ${table} ADD CONSTRAINT refused CHECK 0`);
    const resource: [string, string][] = [
      ["service.name", "claude-code"],
      ["service.version", "7.7.7"],
    ];
    const record = { attributes: attributes([["session.id", "refused"]]) };
    for (const signal of signals)
      expect(await client.send(signal, encode(signal, [one(signal, { resource, record })]))).toBe(
        0,
      );
    for (const { exporter } of Object.values(named))
      await expect
        .poll(() => machine.sh("docker logs monitoring-collector-1 2>&1"), soon)
        .toMatch(new RegExp(`Exporting failed. Will retry.*"${exporter}"`));
    for (const table of refusing) await store.run(`ALTER TABLE ${table} DROP CONSTRAINT refused`);
    for (const { table, fingerprint, records } of Object.values(named)) {
      const names = `SELECT fingerprint FROM ${table} WHERE position(labels, '7.7.7') > 0`;
      const found = `SELECT count() FROM ${records} WHERE ${fingerprint} IN (${names})`;
      await expect
        .poll(async () => {
          guard();
          return Number((await store.rows(found))[0]?.[0]);
        }, guarded)
        .toBeGreaterThan(0);
    }
  });

  it("has all after a reboot, as it was, and takes more", async () => {
    const counts = () => Promise.all(signals.map((signal) => sessions(store, signal, "")));
    const ids = () => services.map((service) => machine.inspect(service, "{{.Id}}"));
    const before = [await tables(), await counts(), ids()];
    await machine.reboot();
    for (const service of services) await healthy(service);
    expect([await tables(), await counts(), ids()]).toEqual(before);
    const run = await apply();
    expect(run, run.output).toMatchObject({ status: 0 });
    expect(run.output).toContain("services=unchanged");
    const sent = await sentDuring("rebooted", async () => {});
    for (const signal of signals)
      await expect
        .poll(async () => Object.keys(await sessions(store, signal, "rebooted")), patient)
        .toHaveLength(sent.length);
  });
});
