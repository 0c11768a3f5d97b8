#!/usr/bin/env bash
# Run every minute: tells how full the data disk is (guest attribute monitoring/disk, serial console), and
# stops the collector below 10 % free, starts it again above 15 %. Clients are then refused at once
# instead of being told OK for what cannot be stored; ClickHouse keeps its own last 5 %.
set -euo pipefail
# shellcheck source=SCRIPTDIR/parts.sh
. /var/lib/monitoring/files/parts.sh
readonly data=/mnt/monitoring closed=/var/lib/monitoring/gate-closed
readonly low_percent=20 close_percent=10 open_percent=15

docker() { # ARGUMENT...: a daemon that hangs must not keep this look, and every later one, from telling
  timeout 60 docker "$@"
}

tell() { # STATUS
  local attributes=http://169.254.169.254/computeMetadata/v1/instance/guest-attributes/monitoring
  [ "$1" = "$(cat /run/monitoring-disk 2>/dev/null)" ] && return 0
  echo "disk=$1"
  curl --silent --fail --max-time 5 --header 'Metadata-Flavor: Google' --request PUT --data-binary "$1" "$attributes/disk" >/dev/null || return 0
  echo "$1" >/run/monitoring-disk
}

mountpoint --quiet "$data" || {
  tell "missing: $data is not mounted"
  exit 0
}
# Does nothing unless the disk was grown, which no digest tells.
resize2fs "$(findmnt --noheadings --output SOURCE --mountpoint "$data")" >/dev/null 2>&1 || echo "disk=resize2fs failed"

# Another machine's gate is none of this one's.
runs gate || rm -f "$closed"
free=$(df --output=size,avail "$data" | awk 'NR == 2 { print int($2 * 100 / $1) }')
hangs=
# 124 is timeout's; without a container docker itself fails.
running=$(docker inspect --format '{{.State.Running}}' monitoring-collector-1 2>/dev/null) || [ $? -ne 124 ] || hangs=yes
if [ "$free" -lt "$close_percent" ] && runs gate; then
  touch "$closed"
elif [ "$free" -ge "$open_percent" ] && [ -e "$closed" ]; then
  docker start monitoring-collector-1 >/dev/null
  rm -f "$closed"
fi
[ ! -e "$closed" ] || [ "$running" != true ] || docker stop monitoring-collector-1 >/dev/null || hangs=yes
if [ -e "$closed" ] && [ -n "$hangs" ]; then
  tell "full: Docker does not answer, so the gate could not be closed: systemctl restart docker"
elif [ -e "$closed" ]; then
  tell "full: the gate is closed until $open_percent% of the data disk are free"
elif [ "$free" -lt "$low_percent" ]; then
  tell "low: less than $low_percent% of the data disk are free$(! runs gate || echo "; below $close_percent% the gate closes")"
else
  tell ok
fi
