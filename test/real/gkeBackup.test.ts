import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Store } from "./clickhouse/store";

const databases = ["signoz_metrics", "signoz_logs", "signoz_traces"];
const rows = 100_000;

/** SigNoz's tables that hold rows themselves, with the key by which SigNoz spreads each over shards. */
interface Table {
  database: string;
  name: string;
  shardBy: string;
  /** Of the columns and rows what does not depend on when ClickHouse merges. */
  settled: string;
}

let store: Store;
let tables: Table[];
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "store-"));
  mkdirSync(join(folder, "config.d"));
  writeFileSync(
    join(folder, "config.d/backups.xml"),
    `<clickhouse>
      <storage_configuration><disks><backups><type>local</type><path>${folder}/backups/</path></backups></disks></storage_configuration>
      <backups><allowed_disk>backups</allowed_disk></backups>
    </clickhouse>`,
  );
  store = await Store.start({ folder });
  await fill(0, rows);
  tables = await filled();
});
afterAll(() => store?.stop());

/** So many spans and log records, and points a third more, of five hundred engineers in the last hours. */
async function fill(from: number, count: number): Promise<void> {
  const at = "now() - number % 7200";
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

async function filled(): Promise<Table[]> {
  const found = await store.query<{ database: string; name: string; engine_full: string }>(
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
async function sumOf(source: string) {
  const [sum] = await store.rows(
    `SELECT toString(count()), toString(sum(sipHash64(toString(tuple(*))))) FROM (${source})`,
  );
  return sum;
}
const sumsIn = (databaseOf: (database: string) => string) =>
  Promise.all(
    tables.map(({ database, name, settled }) =>
      // Which of several is the last one is for chance to say.
      sumOf(`SELECT * EXCEPT (last) FROM ${databaseOf(database)}.${name} ${settled}`),
    ),
  );
const rowsOf = (sums: unknown[]) =>
  sums.reduce((all: number, sum) => all + Number((sum as string[])[0]), 0);

async function timed(statement: string): Promise<number> {
  const began = performance.now();
  await store.run(statement);
  return (performance.now() - began) / 1000;
}

describe("the store's tables", () => {
  const everything = databases.map((name) => `DATABASE ${name}`).join(", ");

  it("are backed up, then only what has come since, and restored from that with equal checksums", async () => {
    const before = rowsOf(await sumsIn((name) => name));
    const full = await timed(`BACKUP ${everything} TO Disk('backups', 'full')`);
    await fill(rows, rows / 10);
    const increment = await timed(
      `BACKUP ${everything} TO Disk('backups', 'more') SETTINGS base_backup = Disk('backups', 'full')`,
    );
    const expected = await sumsIn((name) => name);
    await store.run("TRUNCATE TABLE signoz_logs.logs_v2");
    const again = databases.map((name) => `DATABASE ${name} AS again_${name}`).join(", ");
    const restore = await timed(`RESTORE ${again} FROM Disk('backups', 'more')`);
    expect(await sumsIn((name) => `again_${name}`)).toEqual(expected);
    const sizes = await store.query<Record<string, number>>(
      "SELECT name, num_files, total_size, uncompressed_size FROM system.backups WHERE status IN ('BACKUP_CREATED', 'RESTORED') ORDER BY start_time",
    );
    const million = (seconds: number, of: number) => ((seconds / of) * 1e6).toFixed(2);
    console.log(
      `${before} rows: backup ${full.toFixed(2)} s (${million(full, before)} a million), then ${increment.toFixed(2)} s, restore ${restore.toFixed(2)} s (${million(restore, rowsOf(expected))} a million)`,
      sizes,
    );
  });

  it("are spread over two shards by SigNoz's own keys, and no row is lost or there twice", async () => {
    const expected = await sumsIn((name) => `again_${name}`);
    const began = performance.now();
    for (const shard of [0, 1])
      for (const database of databases)
        await store.run(`CREATE DATABASE shard${shard}_${database}`);
    for (const { database, name, shardBy } of tables)
      for (const shard of [0, 1]) {
        // A key by chance would put a row elsewhere each time that it is asked.
        const key = /rand\(/.test(shardBy) ? "sipHash64(toString(tuple(*)))" : shardBy;
        await store.run(
          `CREATE TABLE shard${shard}_${database}.${name} AS again_${database}.${name}`,
        );
        await store.run(
          `INSERT INTO shard${shard}_${database}.${name} SELECT * FROM again_${database}.${name} WHERE ${key} % 2 = ${shard}`,
        );
      }
    const seconds = (performance.now() - began) / 1000;
    const both = await Promise.all(
      tables.map(({ database, name, settled }) =>
        sumOf(
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
