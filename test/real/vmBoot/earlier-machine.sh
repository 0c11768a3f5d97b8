#!/bin/bash
# Leaves on a disk what an earlier machine's file system held: earlier-machine.sh DISK
set -eu
head -c 64M /dev/zero >"$1"
mkfs.ext4 -q "$1"
mkdir -p /mnt/old
mount "$1" /mnt/old
echo old >/mnt/old/kept
umount /mnt/old
rmdir /mnt/old
