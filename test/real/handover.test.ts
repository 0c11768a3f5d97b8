import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Certificate, issueCertificate } from "../../simulator/certificate";
import { freePort } from "../../simulator/freePort";
import { signals } from "../../simulator/otlp";
import { sessions } from "./clickhouse/sessions";
import { Store } from "./clickhouse/store";
import { type Gate, gateName, OtlpClient, startGate } from "./gate";
import { Ledger, type Stored } from "./ledger";

const databases = ["signoz_metrics", "signoz_logs", "signoz_traces"];
const rows = Number(process.env.MONITORING_ROWS ?? 20_000);
const notes = mkdtempSync(join(tmpdir(), "handover-"));
const began = Math.floor(Date.now() / 1000) - 60;

let vm: Store;
let cluster: Store;
/** What one store held after all of this, without a handover. */
let alone: Store;
beforeAll(async () => {
  vm = await Store.start();
  cluster = await Store.start();
  alone = await Store.start();
});
afterAll(async () => {
  await Promise.all([vm, cluster, alone].map((store) => store?.stop()));
  rmSync(notes, { recursive: true, force: true });
});

/** So many spans and log records, and points, of five hundred engineers in the last two days. */
async function fill(store: Store, from: number, count: number): Promise<void> {
  const at = `toDateTime(${began} - number % 90000)`;
  const bucket = `toUInt64(toUnixTimestamp(toStartOfInterval(${at}, INTERVAL 30 MINUTE)))`;
  const who = "concat('engineer-', toString(number % 500))";
  const strings = `map('session.id', toString(cityHash64(number)), 'event.name', 'api_request')`;
  const resource = `map('engineer', ${who}, 'service.name', 'claude-code')`;
  for (const statement of [
    `INSERT INTO signoz_logs.logs_v2 (ts_bucket_start, resource_fingerprint, timestamp, observed_timestamp, id, body, attributes_string, attributes_number, resources_string)
     SELECT ${bucket}, ${who}, toUnixTimestamp(${at}) * 1000000000, toUnixTimestamp(${at}) * 1000000000, hex(sipHash128(number)), 'claude_code.api_request', ${strings}, map('cost_usd', number % 100 / 1000), ${resource}`,
    `INSERT INTO signoz_traces.signoz_index_v3 (ts_bucket_start, resource_fingerprint, timestamp, trace_id, span_id, name, duration_nano, attributes_string, resources_string)
     SELECT ${bucket}, ${who}, toDateTime64(${at}, 9), lower(hex(sipHash128(intDiv(number, 10)))), lower(hex(sipHash64(number))), 'claude_code.llm_request', number, ${strings}, ${resource}`,
    `INSERT INTO signoz_metrics.time_series_v4 (env, temporality, metric_name, fingerprint, unix_milli, labels)
     SELECT 'default', 'Delta', 'claude_code.token.usage', cityHash64(number % 5000), toUnixTimestamp(toStartOfHour(${at})) * 1000, concat('{"engineer":"', ${who}, '"}')`,
    `INSERT INTO signoz_metrics.samples_v4 (env, temporality, metric_name, fingerprint, unix_milli, value)
     SELECT 'default', 'Delta', 'claude_code.token.usage', cityHash64(number % 5000), toUnixTimestamp(${at}) * 1000, number`,
  ])
    await store.run(`${statement} FROM numbers(${from}, ${count})`);
}

const handOver = (
  what: "copy" | "join",
  from: Store,
  to: Store,
  cutOff?: readonly [at: "before" | "after", statement: string],
) =>
  promisify(execFile)(
    join(__dirname, "handover/run.sh"),
    [notes, what, `${from.httpPort}`, `${to.httpPort}`],
    {
      env: {
        ...process.env,
        ...(cutOff && { END: cutOff[0], END_AT: cutOff[1] }),
      },
    },
  );

/** Rows and a checksum of each table that holds any, as it is when all is merged. */
async function sums(store: Store): Promise<Record<string, string>> {
  const tables = await store.query<{ name: string; columns: string }>(
    `SELECT database || '.' || table AS name, arrayStringConcat(arraySort(groupArray(c.name)), ', ') AS columns
     FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
     WHERE database IN ('${databases.join("','")}') AND engine LIKE '%MergeTree' AND total_rows > 0
       AND table NOT LIKE 'schema_migrations%' AND NOT startsWith(type, 'SimpleAggregateFunction(any')
       AND default_expression NOT LIKE '%now%'
     GROUP BY name ORDER BY name`,
  );
  const told: Record<string, string> = {};
  for (const { name, columns } of tables) {
    const { engine } = (
      await store.query<{ engine: string }>(
        `SELECT engine FROM system.tables WHERE database || '.' || name = '${name}'`,
      )
    )[0] as { engine: string };
    const settled = engine === "MergeTree" ? "" : "FINAL";
    const [sum] = await store.rows(
      `SELECT count(), toString(sum(sipHash64(toString(tuple(${columns}))))) FROM ${name} ${settled}`,
    );
    told[name] = `${sum}`;
  }
  return told;
}

describe("what a ClickHouse holds that is no longer written to", () => {
  it("comes beside what the other has taken meanwhile, once, and nobody sees it before it is whole", async () => {
    await fill(alone, 0, rows + rows / 10);
    await fill(vm, 0, rows);
    await fill(cluster, rows, rows / 10);
    const before = [await sums(vm), await sums(cluster)];
    const copyBegan = performance.now();
    await handOver("copy", vm, cluster);
    const seconds = (performance.now() - copyBegan) / 1000;
    const again = performance.now();
    await handOver("copy", vm, cluster);
    const secondsAgain = (performance.now() - again) / 1000;
    const withoutCopies = Object.entries(await sums(cluster)).filter(
      ([name]) => !name.includes("copying_"),
    );
    expect([await sums(vm), Object.fromEntries(withoutCopies)]).toEqual(before);
    const joinBegan = performance.now();
    await handOver("join", vm, cluster);
    const secondsJoin = (performance.now() - joinBegan) / 1000;
    expect(await sums(cluster)).toEqual(await sums(alone));
    expect(await sums(vm)).toEqual({});
    await handOver("join", vm, cluster);
    expect(await sums(cluster)).toEqual(await sums(alone));
    console.log({ rows, seconds, secondsAgain, secondsJoin });
  });
});

/** The side that holds the rows, the one that is to get them, and what is whole. */
async function sides() {
  const [first, second] = [await sums(cluster), await sums(vm)];
  return Object.keys(second).length > 0
    ? { from: vm, to: cluster, whole: second }
    : { from: cluster, to: vm, whole: first };
}

const ends = async (from: Store, to: Store) => [await sums(to), await sums(from)];

describe("a handover that is cut off", () => {
  it.each([
    ["before", "RENAME TABLE signoz_logs.copying_logs_v2"],
    ["after", "RENAME TABLE signoz_metrics.copying_samples_v4 "],
    ["after", "TRUNCATE TABLE signoz_logs.logs_v2"],
    ["after", "ALTER TABLE signoz_metrics.joining_samples_v4 MOVE"],
    ["after", "ALTER TABLE signoz_metrics.joining_samples_v4_agg_5m MOVE"],
    ["before", "ALTER TABLE signoz_metrics.joining_time_series_v4 MOVE"],
    ["before", "DROP TABLE IF EXISTS signoz_traces.joining_signoz_index_v3"],
    ["after", "DROP TABLE IF EXISTS signoz_logs.joining_logs_v2"],
  ] as const)("%s %s goes on where it was", async (...cutOff) => {
    const { from, to, whole } = await sides();
    await expect(handOver("join", from, to, cutOff)).rejects.toThrow();
    await handOver("copy", from, to);
    await handOver("join", from, to);
    expect(await ends(from, to)).toEqual([whole, {}]);
  });

  it("or lets another version come between its two steps copies anew what is made otherwise", async () => {
    const { from, to, whole } = await sides();
    await handOver("copy", from, to);
    const alter = async (how: string) => {
      for (const store of [from, to]) await store.run(`ALTER TABLE signoz_logs.logs_v2 ${how}`);
    };
    await alter("ADD COLUMN told String");
    await handOver("join", from, to);
    await alter("DROP COLUMN told");
    expect(await ends(from, to)).toEqual([whole, {}]);
  });

  it("and started again while it goes on waits, or leaves it to the other", async () => {
    const { from, to, whole } = await sides();
    const runs = [handOver("join", from, to), handOver("join", from, to)];
    const ended = await Promise.allSettled(runs);
    expect(ended.map(({ status }) => status)).toContain("fulfilled");
    expect(await ends(from, to)).toEqual([whole, {}]);
  });
});

describe("a gate that is led to another ClickHouse", () => {
  const key = "dana@palindrom.example.5e3f0b61c2";
  const queueDir = mkdtempSync(join(tmpdir(), "queue-"));
  let certificate: Certificate;
  let port: number;
  let gate: Gate;
  const writing = async (to: Store) => {
    await gate?.stop();
    // The one file of exporters that ships, and what the program puts into its environment.
    gate = await startGate({ keys: key, certificate, port, queueDir, storePort: to.port });
  };
  beforeAll(async () => {
    certificate = await issueCertificate([gateName, "localhost"]);
    port = await freePort();
    await writing(vm);
  });
  afterAll(async () => {
    await gate?.stop("SIGKILL");
    rmSync(queueDir, { recursive: true, force: true });
  });

  /** How often each of the clients' records is stored, wherever it is. */
  const stored = async () => {
    const counts: Stored = new Map();
    for (const store of [vm, cluster])
      for (const signal of signals)
        for (const [session, count] of Object.entries(await sessions(store, signal, "")))
          counts.set(session, (counts.get(session) ?? 0) + count);
    return counts;
  };

  it.each([
    ["there", () => [vm, cluster]],
    ["and back", () => [cluster, vm]],
  ] as const)("brings %s, under load, every batch that it has said OK to", async (_, way) => {
    const [from, to] = way() as [Store, Store];
    const ledger = new Ledger();
    const clients = Array.from({ length: 5 }, () => new OtlpClient(gate));
    const step = async () => {
      await sleep(4000);
      await writing(to);
      await handOver("copy", from, to);
      await handOver("join", from, to);
      await sleep(2000);
    };
    await ledger.during(clients, step, { key: () => key, everyMs: 200, again: true });
    for (const client of clients) client.close();
    const balance = await ledger.settled(stored, 120_000);
    console.log(balance, ledger.refusals);
    expect(balance).toMatchObject({ lost: 0, unknown: 0 });
    // What a client sends again that heard no answer, because the collector ended: one each at most.
    expect(balance.twice).toBeLessThanOrEqual(clients.length);
    expect(balance.accepted).toBeGreaterThan(50);
    // What came before the step was in the one, and is there no longer.
    for (const signal of signals) expect(await sessions(from, signal, "")).toEqual({});
  });
});
