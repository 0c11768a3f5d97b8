import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTool, fixture } from "../fakeTool";
import { Store } from "./clickhouse/store";
import { StorageBucket } from "./gke/bucket";

const databases = ["signoz_metrics", "signoz_logs", "signoz_traces"];
const rows = 100_000;
const old = "INTERVAL 4 DAY";

/** SigNoz's tables that hold rows themselves, with the key by which SigNoz spreads each over shards. */
interface Table {
  database: string;
  name: string;
  shardBy: string;
  /** Of the columns and rows what does not depend on when ClickHouse merges. */
  settled: string;
}

let bucket: StorageBucket;
/** What is backed up, and the cluster that comes after it. */
let store: Store;
let fresh: Store;
let tables: Table[];
beforeAll(async () => {
  bucket = await StorageBucket.start();
  process.env.BACKUPS_URL = bucket.url;
  store = await startStore();
  await fill(store, 0, rows, old);
  tables = await filled(store);
  // Another retention is another definition of the tables.
  fresh = await startStore({ retentionDays: { metrics: 40, logs: 41, traces: 42 } });
});
afterAll(async () => {
  await store?.stop();
  await fresh?.stop();
  bucket?.stop();
});

/** An engine with the shipped disk of backups. */
function startStore(more = {}): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "store-"));
  mkdirSync(join(folder, "config.d"));
  const shipped = readFileSync("infra/gke/files/clickhouse.xml", "utf8");
  const [disk] = /<storage_configuration>.*<\/backups>/s.exec(shipped) ?? [];
  writeFileSync(join(folder, "config.d/backups.xml"), `<clickhouse>${disk}</clickhouse>`);
  writeFileSync(
    join(folder, "config.d/here.xml"),
    `<clickhouse><storage_configuration><disks><backups>${bucket.settings}</backups></disks></storage_configuration></clickhouse>`,
  );
  return Store.start({ folder, ...more });
}

const client = fakeTool("clickhouse-client", fixture("real/gke/clickhouseClient.sh"));
/** The shipped script, with the engine's HTTP in place of clickhouse-client. */
async function run(asked: Store, script: string, ...args: string[]) {
  const env = {
    ...client.env,
    STORE: asked.url,
    CLICKHOUSE_HOST: "clickhouse",
    CLICKHOUSE_USER: "user",
    BACKUP_DAYS: "10",
  };
  const began = performance.now();
  const { status, stdout, stderr } = await new Promise<{
    status: unknown;
    stdout: string;
    stderr: string;
  }>((resolve) => {
    execFile("bash", [`infra/gke/files/${script}`, ...args], { env }, (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stdout, stderr }),
    );
  });
  const seconds = (performance.now() - began) / 1000;
  return { status, said: (stdout + stderr).trim(), seconds };
}
const dayBefore = (days: number) =>
  new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** So many spans and log records, and points a third more, of five hundred engineers in two hours that ended so long ago. */
async function fill(into: Store, from: number, count: number, ago: string): Promise<void> {
  const at = `now() - ${ago} - number % 7200`;
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
    await into.run(`${statement} FROM numbers(${from}, ${count})`);
}

async function filled(of: Store): Promise<Table[]> {
  const found = await of.query<{ database: string; name: string; engine_full: string }>(
    `SELECT database, name, engine_full FROM system.tables WHERE database IN ('${databases.join("','")}')
     AND name NOT LIKE 'schema_migrations%'
     AND (engine = 'Distributed' OR engine LIKE '%MergeTree' AND total_rows > 0) ORDER BY database, name`,
  );
  const shardBy = (table: string) =>
    found
      .map(({ engine_full }) => /^Distributed\('\w+', '\w+', '(\w+)', (.*)\)$/.exec(engine_full))
      .find((match) => match?.[1] === table)?.[2];
  return found
    .filter(({ engine_full }) => !engine_full.startsWith("Distributed"))
    .map(({ database, name, engine_full }) => ({
      ...{ database, name, shardBy: shardBy(name) ?? "" },
      settled: engine_full.startsWith("MergeTree") ? "" : "FINAL",
    }));
}

/** Rows and a checksum that does not depend on their order. */
async function sumOf(of: Store, source: string) {
  const [sum] = await of.rows(
    `SELECT toString(count()), toString(sum(sipHash64(toString(tuple(*))))) FROM (${source})`,
  );
  return sum;
}
const sumsIn = (of: Store, databaseOf: (database: string) => string) =>
  Promise.all(
    tables.map(({ database, name, settled }) =>
      // Which of several is the last one is for chance to say.
      sumOf(of, `SELECT * EXCEPT (last) FROM ${databaseOf(database)}.${name} ${settled}`),
    ),
  );
const rowsOf = (sums: unknown[]) =>
  sums.reduce((all: number, sum) => all + Number((sum as string[])[0]), 0);

describe("the store's tables", () => {
  it("are backed up, then only what has come since, and come back under the same names beside what has come meanwhile", async () => {
    const before = rowsOf(await sumsIn(store, (name) => name));
    const full = await run(store, "backup.sh", dayBefore(2));
    expect(full.said).toBe(`full/${dayBefore(2)}: everything`);
    await fill(store, rows, rows / 10, old);
    const daily = await run(store, "backup.sh", dayBefore(1));
    expect(daily.said).toBe(`daily/${dayBefore(1)}: what has come since full/${dayBefore(2)}`);
    expect(bucket.bytesOf("daily/")).toBeLessThan(bucket.bytesOf("full/") / 2);
    const expected = await sumsIn(store, (name) => name);

    await fill(fresh, 2 * rows, 1000, "0");
    // What has come meanwhile by itself, for comparison.
    for (const database of databases) await fresh.run(`CREATE DATABASE since_${database}`);
    for (const { database, name } of tables) {
      await fresh.run(`CREATE TABLE since_${database}.${name} AS ${database}.${name}`);
      await fresh.run(`INSERT INTO since_${database}.${name} SELECT * FROM ${database}.${name}`);
    }
    const restore = await run(fresh, "restore.sh");
    expect(restore).toMatchObject({ status: 0, said: `daily/${dayBefore(1)} is restored` });

    const again = databases.map((name) => `DATABASE ${name} AS again_${name}`).join(", ");
    await fresh.run(`RESTORE ${again} FROM Disk('backups', 'daily/${dayBefore(1)}')`);
    expect(await sumsIn(fresh, (name) => `again_${name}`)).toEqual(expected);
    for (const { database, name, settled } of tables) {
      const source = (which: string) =>
        `SELECT * EXCEPT (last) FROM ${which}${database}.${name} ${settled}`;
      // Rows of one key become one; the others add up.
      if (settled)
        await fresh.run(
          `INSERT INTO since_${database}.${name} SELECT * FROM again_${database}.${name}`,
        );
      const both = settled ? source("since_") : `${source("since_")} UNION ALL ${source("again_")}`;
      expect([name, await sumOf(fresh, source(""))]).toEqual([name, await sumOf(fresh, both)]);
    }
    // By SigNoz's own judgement, which a gate asks for before it starts.
    await fresh.migrate("sync check");
    expect(bucket.refused).toEqual([]);
    const million = (seconds: number, of: number) => ((seconds / of) * 1e6).toFixed(2);
    console.log(
      `${before} rows: backup ${full.seconds.toFixed(2)} s (${million(full.seconds, before)} a million), then ${daily.seconds.toFixed(2)} s, restore ${restore.seconds.toFixed(2)} s (${million(restore.seconds, rowsOf(expected))} a million); ${bucket.objects.size} objects, full ${bucket.bytesOf("full/")} bytes, daily ${bucket.bytesOf("daily/")}`,
    );
  });

  it("are not filled twice with the same", async () => {
    const before = await sumsIn(fresh, (name) => name);
    const { status, said } = await run(fresh, "restore.sh");
    expect([status, said]).toEqual([1, expect.stringContaining("twice")]);
    expect(await sumsIn(fresh, (name) => name)).toEqual(before);
  });

  it("are spread over two shards by SigNoz's own keys, and no row is lost or there twice", async () => {
    const expected = await sumsIn(fresh, (name) => `again_${name}`);
    const began = performance.now();
    for (const shard of [0, 1])
      for (const database of databases)
        await fresh.run(`CREATE DATABASE shard${shard}_${database}`);
    for (const { database, name, shardBy } of tables)
      for (const shard of [0, 1]) {
        // A key by chance would put a row elsewhere each time that it is asked.
        const key = /rand\(/.test(shardBy) ? "sipHash64(toString(tuple(*)))" : shardBy;
        await fresh.run(
          `CREATE TABLE shard${shard}_${database}.${name} AS again_${database}.${name}`,
        );
        await fresh.run(
          `INSERT INTO shard${shard}_${database}.${name} SELECT * FROM again_${database}.${name} WHERE ${key} % 2 = ${shard}`,
        );
      }
    const seconds = (performance.now() - began) / 1000;
    const both = await Promise.all(
      tables.map(({ database, name, settled }) =>
        sumOf(
          fresh,
          [0, 1]
            .map(
              (shard) => `SELECT * EXCEPT (last) FROM shard${shard}_${database}.${name} ${settled}`,
            )
            .join(" UNION ALL "),
        ),
      ),
    );
    expect(both).toEqual(expected);
    console.log(`resharded ${rowsOf(expected)} rows in ${seconds.toFixed(2)} s`);
  });
});
