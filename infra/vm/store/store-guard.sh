#!/usr/bin/env bash
# Run every 20 seconds: restarts the collector when ClickHouse has refused an insert and answers again. The exporters would
# try it again much later, and why, is in exporters.yaml; a collector that starts tries at once.
# A batch that is refused for ever must leave at last (max_elapsed_time there), which each restart would put off, and for
# each the gate is away for three seconds. So the pause doubles, and after six in vain the exporters go on alone.
set -euo pipefail
readonly pause_seconds=60 most_restarts=6 in_vain=/run/monitoring-store settings=/var/lib/monitoring/settings.json

docker() { # ARGUMENT...: a daemon that hangs must not end every later look
  timeout 60 docker "$@"
}

state_of() { # SERVICE TEMPLATE
  docker inspect --format "$2" "monitoring-$1-1" 2>/dev/null || true
}

# While a stack hands over, the collector may write to a cluster's ClickHouse, to which its own network alone leads.
writes_elsewhere() {
  jq --exit-status '.handover.write == "gke"' "$settings" >/dev/null 2>&1
}

answers_there() {
  # shellcheck disable=SC2016 # of the bash in there
  docker exec monitoring-collector-1 timeout 5 bash -c 'exec 3<>"/dev/tcp/${CLICKHOUSE_ADDRESS/://}"' 2>/dev/null
}

started=$(state_of collector '{{if .State.Running}}{{.State.StartedAt}}{{end}}')
[ -n "$started" ] || exit 0
age=$(($(date +%s) - $(date --date "$started" +%s)))
[ "$age" -ge "$pause_seconds" ] || exit 0
if writes_elsewhere; then
  # One that was away is another one to try.
  answers_there || { rm -f "$in_vain" && exit 0; }
else
  [ "$(state_of clickhouse '{{.State.Health.Status}}')" = healthy ] || exit 0
fi
# The pipeline's status tells nothing: docker fails when its reader has read enough.
refused=$(docker logs --since "$started" monitoring-collector-1 2>&1 | grep --max-count 1 'Exporting failed. Will retry' || true)
# A ClickHouse that was started since is another one to try.
if [ -z "$refused" ] || [[ $(state_of clickhouse '{{.State.StartedAt}}') > $started ]]; then rm -f "$in_vain"; fi
[ -n "$refused" ] || exit 0
restarts=$(cat "$in_vain" 2>/dev/null || echo 0)
[ "$restarts" -lt "$most_restarts" ] && [ "$age" -ge $((pause_seconds << restarts)) ] || exit 0
echo $((restarts + 1)) >"$in_vain"
echo "store=answers again, the collector is restarted"
docker restart monitoring-collector-1 >/dev/null
