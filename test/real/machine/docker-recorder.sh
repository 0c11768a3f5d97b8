#!/bin/bash
# Stands in for docker on the machine under test: records what it is told in /recorded/docker, leaves
# `compose config` to the real client, and lets `up` and `start` run the real HAProxy and collector where Docker
# would: with the shipped configuration, as their own users, over the folders that compose.yaml mounts.
set -u
umask 022
echo "$*" >>/recorded/docker
fails() { # WORD: told to fail at it, and so often
  local left
  left=$(cat "/recorded/fail-$1" 2>/dev/null || echo 0)
  [ "$left" -gt 0 ] || return 1
  echo $((left - 1)) >"/recorded/fail-$1"
}
stop_one() { # SERVICE
  [ -e "/recorded/$1.pid" ] || return 0
  kill "$(cat "/recorded/$1.pid")" 2>/dev/null
  for _ in $(seq 100); do
    kill -0 "$(cat "/recorded/$1.pid")" 2>/dev/null || break
    sleep 0.1
  done
  rm -f "/recorded/$1.pid"
}
as() { # SERVICE UID COMMAND...: a process of its own, its output in a log
  local name=$1 uid=$2
  shift 2
  setsid setpriv --reuid "$uid" --regid "$uid" --clear-groups env "$@" >>"/recorded/$name.log" 2>&1 9>&- </dev/null &
  echo $! >"/recorded/$name.pid"
}
start_collector() {
  stop_one collector
  mkdir -p /etc/otelcol /var/lib/otelcol
  mountpoint -q /var/lib/otelcol || mount --bind /mnt/monitoring/queue /var/lib/otelcol
  ! mountpoint -q /etc/otelcol || umount /etc/otelcol
  mount --bind /var/lib/monitoring/files /etc/otelcol
  # Process 1 of a container is the collector itself, so there it sees its own mounts without being told.
  as collector 10001 HOST_PROC_MOUNTINFO=/proc/self/mountinfo \
    /opt/otelcol --config /etc/otelcol/otel-collector.yaml --config /opt/override.yaml
}
start_front() {
  stop_one front
  mkdir -p /run/gate /run/front /etc/haproxy
  ! mountpoint -q /etc/haproxy || umount /etc/haproxy
  mount --bind /var/lib/monitoring/files /etc/haproxy
  mountpoint -q /run/gate || mount --bind /var/lib/monitoring/gate /run/gate
  mountpoint -q /run/front || mount --bind /var/lib/monitoring/front /run/front
  as front 10002 GATE_COLLECTOR=127.0.0.1:24317 /usr/sbin/haproxy -db -f /etc/haproxy/haproxy.cfg
}
start_both() {
  start_collector
  start_front
}
name_of() { # CONTAINER
  local name=${1#monitoring-}
  echo "${name%-1}"
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
  'inspect --format '*) [ -e "/recorded/$(name_of "${!#}").pid" ] && echo true || echo false ;;
  'stop '*) stop_one "$(name_of "${!#}")" ;;
  'start '* | 'restart '*) "start_$(name_of "${!#}")" ;;
  *' config '*) exec /usr/bin/docker "$@" ;;
  'ps --all '*'{{.Names}}') ;;
  'ps --all '* | *' ps --services --status running')
    printf '%s\n' keeper clickhouse signoz
    for name in collector front; do [ ! -e "/recorded/$name.pid" ] || echo $name; done
    ;;
  *' ps '*) [ -e /recorded/collector.pid ] && echo 'collector running healthy exit 0' || echo 'collector exited  exit 1' ;;
  *' up '*'--no-deps '*)
    fails up && exit 1
    for name in collector front; do case " ${*##*--no-deps} " in *" $name "*) "start_$name" ;; esac done
    ;;
  *' up '*)
    fails up && exit 1
    start_both
    ;;
  *)
    echo "docker-recorder: what is: $*" >&2
    exit 64
    ;;
esac
exit 0
