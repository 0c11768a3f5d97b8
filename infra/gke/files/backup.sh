#!/usr/bin/env bash
# Has ClickHouse back SigNoz's databases up on its disk `backups`, the bucket (clickhouse.xml); the CronJob `backup` runs it
# once a day. daily/DAY is what has come since the newest full/DAY of the last seven days, by UTC; without such a one a full
# one is made. The bucket keeps full ones seven days longer (../bucket.ts), so none goes before what builds on it.
#   backup.sh [DAY]
# Asks CLICKHOUSE_HOST as CLICKHOUSE_USER; clickhouse-client takes the password from CLICKHOUSE_PASSWORD.
# Exit other than 0: there is no backup, and why is on stderr.
set -euo pipefail
day=${1:-$(date --utc +%F)}

ask() { # QUERY
  clickhouse-client --host="$CLICKHOUSE_HOST" --user="$CLICKHOUSE_USER" --receive_timeout=43200 --query="$1"
}

fail() { # TEXT
  echo "backup.sh: $day: $1" >&2
  exit 1
}

databases=$(ask "SELECT arrayStringConcat(arraySort(groupArray('DATABASE ' || name)), ', ') FROM system.databases WHERE startsWith(name, 'signoz_')")
[ -n "$databases" ] || fail "ClickHouse has no database of SigNoz"

for age in 0 1 2 3 4 5 6; do
  base=full/$(date --utc --date="$day $age days ago" +%F)
  if said=$(ask "BACKUP $databases TO Disk('backups', 'daily/$day') SETTINGS base_backup = Disk('backups', '$base')" 2>&1); then
    echo "daily/$day: what has come since $base"
    exit
  fi
  [[ $said == *BACKUP_NOT_FOUND* ]] || fail "$said"
done
said=$(ask "BACKUP $databases TO Disk('backups', 'full/$day')" 2>&1) || fail "$said"
echo "full/$day: everything"
