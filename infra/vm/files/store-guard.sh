#!/usr/bin/env bash
# Run every 20 seconds: restarts the collector when ClickHouse has refused an insert and answers again. The exporters would
# try it again much later, and why, is in exporters.yaml; a collector that starts tries at once.
set -euo pipefail
# As often while ClickHouse goes on refusing: for each restart the gate is away for three seconds.
readonly pause_seconds=60

state_of() { # SERVICE TEMPLATE
  docker inspect --format "$2" "monitoring-$1-1" 2>/dev/null || true
}

started=$(state_of collector '{{if .State.Running}}{{.State.StartedAt}}{{end}}')
[ -n "$started" ] || exit 0
[ $(($(date +%s) - $(date --date "$started" +%s))) -ge $pause_seconds ] || exit 0
[ "$(state_of clickhouse '{{.State.Health.Status}}')" = healthy ] || exit 0
# The pipeline's status tells nothing: docker fails when its reader has read enough.
refused=$(docker logs --since "$started" monitoring-collector-1 2>&1 | grep --max-count 1 'Exporting failed. Will retry' || true)
[ -n "$refused" ] || exit 0
echo "store=answers again, the collector is restarted"
docker restart monitoring-collector-1 >/dev/null
