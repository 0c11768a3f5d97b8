#!/bin/bash
# Stands in for docker on the machine under test: records what it is told in /recorded/docker, leaves
# `compose config` to the real client, and lets `up` and `start` run the real collector where Docker
# would: with the shipped configuration, as uid 10001, over the folders that compose.yaml mounts.
set -u
umask 022
echo "$*" >>/recorded/docker
fails() { # WORD: told to fail at it, and so often
  local left
  left=$(cat "/recorded/fail-$1" 2>/dev/null || echo 0)
  [ "$left" -gt 0 ] || return 1
  echo $((left - 1)) >"/recorded/fail-$1"
}
stop_collector() {
  [ -e /recorded/collector.pid ] || return 0
  kill "$(cat /recorded/collector.pid)" 2>/dev/null
  for _ in $(seq 100); do
    kill -0 "$(cat /recorded/collector.pid)" 2>/dev/null || break
    sleep 0.1
  done
  rm -f /recorded/collector.pid
}
start_collector() {
  stop_collector
  mkdir -p /run/gate /etc/otelcol /var/lib/otelcol
  mountpoint -q /run/gate || mount --bind /var/lib/monitoring/gate /run/gate
  mountpoint -q /var/lib/otelcol || mount --bind /mnt/monitoring/queue /var/lib/otelcol
  ! mountpoint -q /etc/otelcol || umount /etc/otelcol
  mount --bind /var/lib/monitoring/files /etc/otelcol
  # Process 1 of a container is the collector itself, so there it sees its own mounts without being told.
  setsid setpriv --reuid 10001 --regid 10001 --clear-groups env HOST_PROC_MOUNTINFO=/proc/self/mountinfo \
    /opt/otelcol --config /etc/otelcol/otel-collector.yaml --config /opt/override.yaml >>/recorded/collector.log 2>&1 9>&- </dev/null &
  echo $! >/recorded/collector.pid
}
case "$*" in
  info) fails info && exit 1 ;;
  'image inspect --format '*) cat "/recorded/image-id" 2>/dev/null || echo "sha256:$(sha256sum <<<"$5" | cut -d " " -f 1)" ;;
  'image inspect '*) grep -qxF "$3" /recorded/images 2>/dev/null || exit 1 ;;
  'image rm '*) sed -i "\\|^$3\$|d" /recorded/images ;;
  'pull '*)
    fails pull && exit 1
    echo "${!#}" >>/recorded/images
    ;;
  'image prune '*) ;;
  'exec '*) cat >/dev/null ;;
  'inspect --format {{.State.StartedAt}} '*) cat /recorded/signoz-started 2>/dev/null || echo 2026-11-25T08:00:00Z ;;
  'inspect --format '*) [ -e /recorded/collector.pid ] && echo true || echo false ;;
  'stop '*) stop_collector ;;
  'start '*) start_collector ;;
  *' config '*) exec /usr/bin/docker "$@" ;;
  *' ps --services --status running')
    printf '%s\n' keeper clickhouse signoz
    [ ! -e /recorded/collector.pid ] || echo collector
    ;;
  *' ps '*) [ -e /recorded/collector.pid ] && echo 'collector running healthy exit 0' || echo 'collector exited  exit 1' ;;
  *' up '*'--no-deps '*)
    fails up && exit 1
    case " ${*##*--no-deps} " in *' collector '*) start_collector ;; esac
    ;;
  *' up '*)
    fails up && exit 1
    start_collector
    ;;
  *)
    echo "docker-recorder: what is: $*" >&2
    exit 64
    ;;
esac
exit 0
