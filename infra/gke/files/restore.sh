#!/usr/bin/env bash
# Has ClickHouse bring a backup (backup.sh) back into the tables of the same names, which the migrations have made and which
# may have taken new rows since; those stay. The suspended CronJob `restore` holds it for who needs it: docs/runbook.md, GKE.
#   restore.sh [BACKUP]   BACKUP is full/DAY or daily/DAY; without it the newest of the last BACKUP_DAYS
# Asks CLICKHOUSE_HOST as CLICKHOUSE_USER; clickhouse-client takes the password from CLICKHOUSE_PASSWORD.
# Exit other than 0: it was not restored, or not whole, and why is on stderr.
set -euo pipefail

ask() { # QUERY
  clickhouse-client --host="$CLICKHOUSE_HOST" --user="$CLICKHOUSE_USER" --receive_timeout=43200 --query="$1"
}

fail() { # TEXT
  echo "restore.sh: $1" >&2
  exit 1
}

restore() { # BACKUP: ends the script but where there is none of that name
  local day=${1#*/} said
  # A second time would store every row twice, since tables do not know what they were given.
  [ -z "$oldest" ] || [ "$oldest" -ge "${day//-/}" ] ||
    fail "$1: the tables hold rows of $oldest, from before that backup; restoring it would store them twice"
  if said=$(ask "RESTORE ALL FROM Disk('backups', '$1') SETTINGS allow_non_empty_tables = 1, allow_different_table_def = 1" 2>&1); then
    echo "$1 is restored"
    exit
  fi
  [[ $said == *BACKUP_NOT_FOUND* ]] || fail "$1: $said"
}

tables=$(ask "SELECT count() FROM system.tables WHERE database = 'signoz_logs'")
[ "$tables" -gt 0 ] || fail "ClickHouse has no tables of SigNoz yet, and would make them on one replica alone; run pulumi up first"
# These are partitioned by day.
oldest=$(ask "SELECT min(partition_id) FROM system.parts WHERE active AND (database, table) IN (('signoz_logs', 'logs_v2'), ('signoz_traces', 'signoz_index_v3'), ('signoz_metrics', 'samples_v4'))")

if [ -n "${1-}" ]; then
  restore "$1"
  fail "$1: there is no such backup"
fi
for ((age = 0; age <= BACKUP_DAYS; age++)); do
  day=$(date --utc --date="$age days ago" +%F)
  restore "daily/$day"
  restore "full/$day"
done
fail "there is no backup of the last $BACKUP_DAYS days"
