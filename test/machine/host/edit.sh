#!/bin/bash
# Runs a command line in the root of a boot disk: edit.sh IMAGE COMMAND, in a mount namespace of its own
set -euo pipefail
mount -o loop "$1" /mnt
cd /mnt
bash -euc "$2"
cd /
umount /mnt
