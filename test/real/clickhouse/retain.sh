#!/bin/bash
# The shipped retention.sh, with the engine's HTTP in place of clickhouse-client: retain.sh SETTINGS PORT
set -eu
# shellcheck source=SCRIPTDIR/../../../infra/vm/store/retention.sh
. "$(dirname "$0")/../../../infra/vm/store/retention.sh"
# shellcheck disable=SC2034 # retention.sh reads settings
settings=$1 port=$2
clickhouse_query() { curl --silent --show-error --fail-with-body --data-binary @- "http://127.0.0.1:$port"; }
apply_retention
