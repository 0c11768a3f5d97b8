#!/usr/bin/env bash
# The Job of retention: has both replicas of ClickHouse keep each signal for as long as RETENTION_DAYS says, as the user for
# migrations, whose password is CLICKHOUSE_PASSWORD.
set -euo pipefail
# shellcheck source=SCRIPTDIR/../../vm/store/retention.sh
. "$(dirname "$0")/retention.sh"

clickhouse_query() {
  # What one replica was told, the other must know too before it may be asked what is left to do.
  timeout 300 clickhouse-client --host=clickhouse --user=migrator --alter_sync=2
}

retention_days() {
  echo "$RETENTION_DAYS"
}

apply_retention
