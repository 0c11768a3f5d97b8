# shellcheck shell=bash
# Retention: how long ClickHouse keeps each signal, set as ClickHouse's user for migrations. SigNoz's own user may not:
# whoever may view SigNoz can run a query as that user, and a TTL of a second deletes everything.
# Who sources it brings clickhouse_query (stdin: one statement) and retention_days ('signoz_logs', 30, …).

apply_retention() {
  local statement left days
  days=$(retention_days) || return 1
  while IFS= read -r statement; do
    clickhouse_query <<<"$statement" >/dev/null || return 1
  done < <(retention_statements | clickhouse_query)
  left=$(retention_statements | clickhouse_query) || return 1
  [ -z "$left" ] || {
    echo "retention: still to do after it was set: $left" >&2
    return 1
  }
}

# Prints a query that gives the ALTER statements that are missing, none when all is as asked for: every table of a signal
# whose TTL is a number of seconds or days, and the default of the column by which logs expire. Left out are the tables
# that SigNoz (schema v0.144) keeps shorter than any retention, or longer, for reasons of its own.
# Old parts keep the date they were written with (materialize_ttl_after_modify = 0), as SigNoz does it: else a change
# rewrites everything.
retention_statements() {
  cat <<END
WITH map($days) AS days,
  extract(engine_full, ' TTL (.*?) SETTINGS ') AS ttl,
  days[database] AS d,
  replaceOne(ttl, 'toIntervalSecond(1800)', 'BUCKET') AS plain,
  replaceOne(replaceRegexpOne(replaceRegexpOne(plain, 'toIntervalSecond\\\\(\\\\d+\\\\)', format('toIntervalSecond({})', toString(d * 86400))),
    'toIntervalDay\\\\(\\\\d+\\\\)', format('toIntervalDay({})', toString(d))), 'BUCKET', 'toIntervalSecond(1800)') AS wanted
SELECT format('ALTER TABLE {}.{} ON CLUSTER cluster MODIFY TTL {} SETTINGS materialize_ttl_after_modify = 0', database, name, wanted)
FROM system.tables
WHERE mapContains(days, database) AND ttl != '' AND ttl != wanted
  AND name NOT IN ('usage', 'span_attributes', 'top_level_operations') AND name NOT LIKE '%\\\\_buffer'
UNION ALL
SELECT format('ALTER TABLE {}.{} ON CLUSTER cluster MODIFY COLUMN _retention_days UInt16 DEFAULT {}', database, table, toString(map($days)[database]))
FROM system.columns
WHERE database IN ('signoz_logs', 'signoz_metrics', 'signoz_traces') AND name = '_retention_days'
  AND default_expression != toString(map($days)[database])
FORMAT TSVRaw
END
}
