# shellcheck shell=bash
# Stages disk and docker, sourced by startup.sh: the data disk by its device name, formatted only when
# blank, and Docker only on top of it.
# shellcheck disable=SC2154 # startup.sh sets state, data, release

prepare_disk() {
  local device link
  link=/dev/disk/by-id/google-$(setting .dataDeviceName)
  retry 90 test -b "$link" ||
    fail "data disk $link is not attached to this machine; nothing was started, since the boot disk must never take its place"
  device=$(readlink -f "$link")
  if ! mountpoint --quiet "$data"; then
    format_if_blank "$device"
    check_filesystem "$device"
    install -d -m 755 "$data"
    mount -o defaults,discard "$device" "$data" || fail "cannot mount $device on $data"
  fi
  [ "$(findmnt --noheadings --output MAJ:MIN --mountpoint "$data" | tr -d ' ')" = "$(lsblk --noheadings --nodeps --output MAJ:MIN "$device" | tr -d ' ')" ] ||
    fail "$data is not the data disk $link but $(findmnt --noheadings --output SOURCE --mountpoint "$data")"
  # Does nothing unless the disk has grown.
  resize2fs "$device" >/dev/null 2>&1 || fail "resize2fs $device: the file system could not take the grown disk"
  mount_at_boot "$link"
  install -d -m 755 -o 101 -g 101 "$data/clickhouse" "$data/keeper"
  install -d -m 700 -o 10001 -g 10001 "$data/queue"
  install -d -m 700 -o 10003 -g 10003 "$data/signoz"
  # Restored from a time when SigNoz ran as root.
  find "$data/signoz" ! -user 10003 -exec chown 10003:10003 {} +
}

format_if_blank() { # DEVICE
  local type marker=$state/formatting
  type=$(blkid --probe --output value --match-tag TYPE "$1" || true)
  if [ ! -e "$marker" ]; then
    [ "$type" != ext4 ] || return 0
    [ -z "$type" ] || fail "data disk $1 holds $type, not ext4; it was not touched"
    if [ -n "$(wipefs --noheadings "$1")" ] || ! cmp --silent --bytes=1048576 "$1" /dev/zero; then
      fail "data disk $1 is not blank, yet no file system is recognised on it; it was not touched: check it (e2fsck -b 32768 $1), or wipe it on purpose (blkdiscard $1)"
    fi
  fi
  # Only this machine's own interrupted mkfs may be repeated; the marker is proof that the disk was blank.
  : >"$marker"
  sync "$marker"
  mkfs.ext4 -q -F -m 0 -L monitoring -E lazy_itable_init=1,discard "$1" || fail "mkfs.ext4 $1 failed"
  sync
  rm -f "$marker"
}

check_filesystem() { # DEVICE
  local status=0
  e2fsck -p "$1" >"$state/fsck.log" 2>&1 || status=$?
  # 1: errors were corrected. 4 and more: a person must decide.
  [ "$status" -lt 4 ] || fail "e2fsck -p $1 ended with $status: $(tail -n 3 "$state/fsck.log"). The disk was not mounted; restore a snapshot or run e2fsck $1 by hand"
}

# Docker brings the containers back at boot before any script runs, so systemd itself must know that
# they stand on this disk; nofail lets the machine boot far enough to tell that the disk is missing.
mount_at_boot() { # LINK
  {
    grep -v " $data " /etc/fstab || true
    echo "$1 $data ext4 defaults,discard,nofail,x-systemd.device-timeout=90s 0 2"
  } | replace /etc/fstab 644
}

prepare_docker() {
  install -d -m 755 /etc/docker /etc/systemd/system/docker.service.d
  if ! cmp --silent "$release/docker-daemon.json" /etc/docker/daemon.json; then
    replace /etc/docker/daemon.json 644 <"$release/docker-daemon.json"
    # The package has started the daemon already; a restart would stop the containers.
    ! systemctl --quiet is-active docker.service || systemctl reload docker.service
  fi
  replace /etc/apt/apt.conf.d/20auto-upgrades 644 <"$release/auto-upgrades.conf"
  replace /etc/systemd/system/docker.service.d/monitoring.conf 644 <"$release/docker-mount.conf"
  replace /usr/local/sbin/monitoring-firewall 755 <"$release/firewall.sh"
  systemctl daemon-reload
  systemctl enable --quiet --now monitoring-firewall.service || fail "monitoring-firewall.service does not start: $(systemctl status --no-pager --lines=3 monitoring-firewall.service 2>&1)"
  timeout 180 systemctl enable --quiet --now docker.service ||
    fail "docker.service does not start: $(systemctl status --no-pager --lines=3 docker.service 2>&1)"
  retry 120 docker info >/dev/null 2>&1 || fail "docker.service runs, but its daemon does not answer"
}
