#!/usr/bin/env bash
# Runs the collector in a gate's pod, and starts it again when ClickHouse has refused an insert and answers again, with the
# pauses of infra/vm/store/store-guard.sh: the exporters would try it again much later, and why is in exporters.yaml.
# In here and not by a probe: a pod's containers do not see what another one logs, and kubelet's own restarts come later each time.
#   collector.sh COMMAND [ARGUMENT...]     ends as COMMAND does, to which it passes SIGTERM
set -euo pipefail
readonly look_seconds=5 pause_seconds=60 most_restarts=6
# The longest that the collector may take to end; less than what is left of terminationGracePeriodSeconds.
readonly stop_seconds=20
restarts=0 leaving='' collector='' began=0

start() { # COMMAND...
  # Where /tmp is full, it does what the exporters do alone.
  refused=$(mktemp) || refused=/dev/null
  began=$SECONDS
  "$@" 2> >(exec sed --unbuffered --expression 'w /dev/stderr' --quiet --expression "/Exporting failed\. Will retry/w $refused") &
  collector=$!
}

runs() {
  kill -0 "$collector" 2>/dev/null
}

stop() {
  local deadline=$((SECONDS + stop_seconds))
  kill -TERM "$collector" 2>/dev/null || true
  while runs && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
  kill -KILL "$collector" 2>/dev/null || true
  wait "$collector" || true
}

answers() {
  local address=${CLICKHOUSE_ADDRESS:-clickhouse:9000}
  # shellcheck disable=SC2016 # of the inner bash
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' -- "${address%:*}" "${address##*:}" 2>/dev/null
}

is_due() {
  local age=$((SECONDS - began))
  # A ClickHouse that was away is another one to try.
  answers || { restarts=0 && return 1; }
  [ "$age" -ge "$pause_seconds" ] || return 1
  [ -s "$refused" ] || { restarts=0 && return 1; }
  [ "$restarts" -lt "$most_restarts" ] && [ "$age" -ge $((pause_seconds << restarts)) ]
}

main() { # COMMAND...
  trap 'leaving=yes; kill -TERM "$collector" 2>/dev/null || true' TERM INT
  start "$@"
  while runs; do
    sleep "$look_seconds" &
    wait $! || true
    [ -z "$leaving" ] || break
    is_due || continue
    # Every gate has heard the same; one at least stays.
    sleep $((RANDOM % 20)) &
    wait $! || true
    [ -z "$leaving" ] || break
    restarts=$((restarts + 1))
    echo "collector.sh: ClickHouse has refused an insert and answers: the collector starts again" >&2
    stop
    [ "$refused" = /dev/null ] || rm -f "$refused"
    [ -n "$leaving" ] || start "$@"
  done
  # One that was only being started when the signal came has not heard it.
  [ -z "$leaving" ] || kill -TERM "$collector" 2>/dev/null || true
  wait "$collector"
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
