#!/bin/bash
# Lets a machine see this much memory: memory.sh MIB
set -eu
! mountpoint -q /proc/meminfo || umount /proc/meminfo
sed "s/^MemTotal:.*/MemTotal: $(($1 * 1024)) kB/" /proc/meminfo >/tmp/meminfo
mount --bind /tmp/meminfo /proc/meminfo
