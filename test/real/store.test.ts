import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { defaultGate } from "../../infra/gate/options";
import { dataMountpoint, gate as gateMetrics } from "../../infra/signoz/names";
import { diskUsed } from "../../infra/signoz/sql";
import { encode, type Message, type Signal, signals } from "../../simulator/otlp";
import { retained } from "./clickhouse/retention";
import { series, sessions as sessionsIn, stored } from "./clickhouse/sessions";
import { Store } from "./clickhouse/store";
import { type Gate, OtlpClient, startGate } from "./gate";
import { readLines } from "./pipelines";
import { ages, at, attribute, day, poison, records, timed } from "./poison";
import { attributes, type One, one, type Value } from "./requests";

const key = { "signoz-ingestion-key": "ada.personal-key" };
const diskMetric = gateMetrics.diskUsed;
const minute = 60_000;
let store: Store;
let gate: Gate;
let client: OtlpClient;
beforeAll(async () => {
  store = await Store.start();
  gate = await startGate({ keys: key["signoz-ingestion-key"], storePort: store.port });
  client = new OtlpClient(gate);
});
afterAll(async () => {
  client?.close();
  await gate?.stop();
  await store?.stop();
});

const sessions = (signal: Signal, begin: string) => sessionsIn(store, signal, begin);
const patient = { timeout: 60_000, interval: 500 };
const send = async (signal: Signal, groups: Message[]) =>
  expect(await client.send(signal, encode(signal, groups), key)).toBe(0);
const named = (session: string, more: [string, Value][] = [], fields: Message = {}): One => ({
  record: { ...fields, attributes: attributes([["session.id", session], ...more]) },
});
const add = (counts: Record<string, number>, name: string, count: number) => {
  counts[name] = (counts[name] ?? 0) + count;
};

describe("a poisoned and an innocent record in one batch", () => {
  const innocents: Record<Signal, Record<string, number>> = { metrics: {}, logs: {}, traces: {} };
  const refused: Record<Signal, Record<string, number>> = { metrics: {}, logs: {}, traces: {} };
  beforeAll(async () => {
    for (const [index, [, signal, parts, reason]] of poison.entries()) {
      const innocent = one(signal, named(`innocent-${index}`));
      const poisoned = one(signal, parts);
      const [poisonedScope, innocentScope] = [poisoned.scopes[0], innocent.scopes[0]];
      add(
        refused[signal],
        reason,
        poisonedScope.records.flatMap(
          (record: Message) => (record.sum ?? record.histogram)?.dataPoints ?? [record],
        ).length,
      );
      add(innocents[signal], `innocent-${index}`, 1);
      // In one resource and scope where the poison is not of a scope of its own.
      if (!parts.scope) innocentScope.records.unshift(...poisonedScope.records);
      await send(signal, parts.scope ? [poisoned, innocent] : [innocent]);
    }
  });

  it.each(signals)("%s: each innocent is stored once, and nothing poisoned", async (signal) => {
    await expect.poll(() => sessions(signal, ""), patient).toEqual(innocents[signal]);
  });

  it.each([
    ["metrics", "refused_metric_points"],
    ["logs", "refused_log_records"],
    ["traces", "refused_spans"],
  ] as const)(
    "%s: what is refused is counted in the store and kept aside",
    async (signal, name) => {
      const inStore = async () => {
        const rows = await store.query<{ reason: string; count: number }>(
          `SELECT attrs['refused.reason'] AS reason, sum(value) AS count FROM signoz_metrics.distributed_samples_v4
         INNER JOIN ${series} AS series USING fingerprint WHERE metric_name = 'monitoring.gate.${name}' GROUP BY reason`,
        );
        return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
      };
      await expect.poll(inStore, patient).toEqual(refused[signal]);
      const aside: Record<string, number> = {};
      for (const record of records(readLines(join(gate.dir, `refused-${signal}.jsonl`))))
        add(aside, attribute(record, "refused.reason"), 1);
      expect(aside).toEqual(refused[signal]);
    },
  );
});

describe("an innocent record as SigNoz has it", () => {
  const resource: [string, Value][] = [
    ["service.name", "claude-code"],
    ["service.version", "2.1.330"],
    ["engineer", "somebody else"],
    ["team", 'r&d <"\\%>'],
  ];
  const values: [string, Value][] = [
    ["model", "claude-opus-4-5"],
    ["input_tokens", 12n],
    ["ttft_ms", 0.25],
    ["success", true],
  ];
  const strings = { "session.id": "whole", model: "claude-opus-4-5" };
  // The name of the key's owner, whatever the client said.
  const who = { engineer: "ada", "engineer.verified": "true", team: 'r&d <"\\%>' };
  const resources = { "service.name": "claude-code", "service.version": "2.1.330", ...who };
  const typed = {
    attributes_string: { ...strings, ...who },
    attributes_number: { input_tokens: 12, ttft_ms: 0.25 },
    attributes_bool: { success: true },
    resources_string: resources,
  };
  const sent = at(-5000);
  const time = Number(BigInt(sent) / 1_000_000n);

  it.each<[Signal, [string, Value][], Message, Message]>([
    [
      "metrics",
      values.slice(0, 1),
      { timeUnixNano: sent, asDouble: 1.5 },
      {
        ...{ value: 1.5, type: "Sum", unit: "USD", is_monotonic: true, temporality: "Delta" },
        ...{ attrs: { ...strings, __temporality__: "Delta" }, resource_attrs: resources },
      },
    ],
    ["logs", values, { timeUnixNano: sent }, { body: "claude_code.api_request", ...typed }],
    [
      "traces",
      values,
      { startTimeUnixNano: sent, endTimeUnixNano: (BigInt(sent) + 7n).toString() },
      { name: "claude_code.llm_request", duration_nano: 7, ...typed },
    ],
  ])("%s", async (signal, more, fields, expected) => {
    await send(signal, [one(signal, { ...named("whole", more, fields), resource })]);
    const columns = ["time", ...Object.keys(expected)];
    const read = () =>
      store.query(`SELECT ${columns} FROM ${stored[signal]} WHERE session = 'whole'`);
    await expect.poll(read, patient).toEqual([{ time, ...expected }]);
  });
});

describe("how full the disk is", () => {
  const now = Math.floor(Date.now() / minute) * minute;
  const query = diskUsed(15).replaceAll("{{.end_timestamp}}", String(now / 1000));
  /** Of a mount, as the collector tells it each minute. */
  async function tell(mountpoint: string, from: number, used: number[]) {
    const metric = `'default', 'Unspecified', '${diskMetric.name}', cityHash64('${mountpoint}')`;
    const rows = used.map((value, i) => `(${metric}, ${now - (from - i) * minute}, ${value})`);
    const columns = "env, temporality, metric_name, fingerprint, unix_milli";
    await store.run(`INSERT INTO signoz_metrics.samples_v4 (${columns}, value) VALUES ${rows}`);
    const labels = JSON.stringify({ mountpoint, device: "sdb" });
    await store.run(
      `INSERT INTO signoz_metrics.time_series_v4 (${columns}, labels) VALUES (${metric}, ${now - from * minute}, '${labels}')`,
    );
  }
  const told = async () => (await store.query<{ value: number }>(query)).map(({ value }) => value);

  it("is not known before anything tells, and never of another disk", async () => {
    await tell("/", 5, [0.99]);
    expect(await told()).toEqual([]);
  });

  it("is what it was last while the closed gate tells nothing", async () => {
    await tell(dataMountpoint, 3000, [0.85, 0.89, 0.912]);
    expect(await told()).toEqual([0.912]);
  });

  it("is the least of the last 15 minutes when something tells", async () => {
    await tell(dataMountpoint, 20, Array(5).fill(0.2));
    await tell(dataMountpoint, 14, [0.93, 0.81, ...Array(12).fill(0.95)]);
    expect(await told()).toEqual([0.81]);
  });
});

describe("how long", () => {
  it.each(signals)("%s: as old as documented and as new as allowed is stored", async (signal) => {
    // SigNoz keeps what a metric's series is called by the hour in which that began.
    const oldest = ages[signal] * day - 2 * 3_600_000;
    const times = [-oldest, 0, 0.9 * 3_600_000].map(at);
    for (const [index, time] of times.entries())
      await send(signal, [
        one(signal, named(`edge-${index}`, [], timed(signal, time).record as Message)),
      ]);
    await expect
      .poll(() => sessions(signal, "edge"), patient)
      .toEqual({ "edge-0": 1, "edge-1": 1, "edge-2": 1 });
  });

  it("metrics of more days than ClickHouse takes in one insert by default", async () => {
    const days = Array.from({ length: 170 }, (_, index) => index);
    const groups = days.map((age) =>
      one("metrics", named("days", [], timed("metrics", at(-age * day)).record as Message)),
    );
    await send("metrics", groups);
    await expect.poll(() => sessions("metrics", "days"), patient).toEqual({ days: 170 });
  });

  it.each([{ metrics: 400, logs: 90, traces: 40 }, defaultGate.retentionDays])(
    "%j is what the tables say",
    async (retentionDays) => {
      store.retain(retentionDays);
      const { other, fewestRight, logsByDefault } = await retained(store, retentionDays);
      expect(other).toEqual([]);
      expect(fewestRight).toBeGreaterThan(4);
      expect(logsByDefault).toBe(retentionDays.logs);
    },
  );

  it.each([
    ["metrics", "signoz_metrics.samples_v4", "unix_milli", "AGE * 86400000"],
    ["logs", "signoz_logs.logs_v2", "timestamp", "AGE * 86400000000000"],
    ["traces", "signoz_traces.signoz_index_v3", "timestamp", "toIntervalDay(AGE)"],
  ] as const)("%s: is when they go", async (signal, table, column, aged) => {
    const newest = `(SELECT * FROM ${table} ORDER BY ${column} DESC LIMIT 1)`;
    const count = () => store.query<{ rows: number }>(`SELECT count() AS rows FROM ${table}`);
    const copies = [-2, 2].map((more) => {
      const by = aged.replace("AGE", String(defaultGate.retentionDays[signal] + more));
      return `INSERT INTO ${table} SELECT * REPLACE (${column} - ${by} AS ${column}) FROM ${newest}`;
    });
    await store.run(`OPTIMIZE TABLE ${table} FINAL`);
    const before = (await count())[0] as { rows: number };
    for (const copy of copies) await store.run(copy);
    await store.run(`OPTIMIZE TABLE ${table} FINAL`);
    expect([before, ...(await count())]).toEqual([before, { rows: before.rows + 1 }]);
  });

  it("fewer days free nothing of what is stored, and the runbook's statements do", async () => {
    const old = Date.now() - 20 * day;
    const count = () =>
      store.query(`SELECT count() AS rows FROM signoz_logs.logs_v2 WHERE timestamp = ${old}000000`);
    await store.run(`INSERT INTO signoz_logs.logs_v2 (timestamp, id) VALUES (${old}000000, 'old')`);
    store.retain({ ...defaultGate.retentionDays, logs: 10 });
    await store.run("OPTIMIZE TABLE signoz_logs.logs_v2 FINAL");
    expect(await count()).toEqual([{ rows: 1 }]);
    const runbook = readFileSync("docs/runbook.md", "utf8");
    const [, told = ""] = /--query "(.*DROP PARTITION.*)"$/m.exec(runbook) ?? [];
    const id = new Date(old).toISOString().slice(0, 10).replaceAll("-", "");
    // The other tests leave more days than a person wants to read.
    const drop = (await store.rows(told.replace(" LIMIT 50 FORMAT TSVRaw", ""))).find(
      ([, statement]) =>
        String(statement).startsWith(`ALTER TABLE signoz_logs.logs_v2 DROP PARTITION ID '${id}`),
    );
    await store.run(String(drop?.[1]));
    expect(await count()).toEqual([{ rows: 0 }]);
  });
});

it.each(signals)("%s: SigNoz gets the names to suggest", async (signal) => {
  const name = `suggest.${signal}`;
  const record = { attributes: attributes([["session.id", name]]) };
  const suggested = async () => {
    // One in ten is looked at.
    for (let sent = 0; sent < 20; sent++) await send(signal, [one(signal, { record })]);
    return store.rows(
      `SELECT DISTINCT data_source FROM signoz_metadata.distributed_attributes_metadata WHERE attributes['session.id'] = '${name}'`,
    );
  };
  await expect.poll(suggested, patient).toEqual([[signal]]);
});

describe("a ClickHouse that hangs", () => {
  it("costs nobody an OK while there is room on the disk, and no record is stored twice", async () => {
    const requests = 1500;
    const request = encode("logs", [one("logs", named("meanwhile"))]);
    const codes: Record<number, number> = {};
    const exporters = parse(readFileSync(join(gate.dir, "exporters.yaml"), "utf8"), {
      merge: true,
    });
    // Which a few requests fill.
    exporters.metadataexporter.sending_queue.queue_size = 1000;
    const hanging = await startGate({
      keys: key["signoz-ingestion-key"],
      storePort: store.port,
      limits: { GATE_REQUESTS_PER_KEY: 1e6 },
      override: { exporters },
    });
    onTestFinished(() => hanging.stop());
    const sender = new OtlpClient(hanging);
    onTestFinished(() => sender.close());
    store.signal("SIGSTOP");
    await Promise.all(
      Array.from({ length: 15 }, async () => {
        for (let sent = 0; sent < requests / 15; sent++)
          add(codes, `${await sender.send("logs", request, key)}`, 1);
      }),
    );
    store.signal("SIGCONT");
    expect(codes).toEqual({ 0: requests });
    await expect
      .poll(() => sessions("logs", "meanwhile"), patient)
      .toEqual({ meanwhile: requests });
  });
});
