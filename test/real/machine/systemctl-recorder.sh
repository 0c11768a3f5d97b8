#!/bin/bash
# Stands in for systemctl and systemd-run, which a chroot has no manager for.
echo "$(basename "$0") $*" >>/recorded/systemd
case "$*" in
  *is-active*monitoring-watcher*) grep -q 'enable.*monitoring-watcher' /recorded/systemd ;;
  *) exit 0 ;;
esac
