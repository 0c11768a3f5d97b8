#!/bin/sh
# A disk of its own for a queue: make-disk.sh IMAGE FOLDER
set -eu
truncate -s 512M "$1"
mkfs.ext4 -q "$1"
mkdir "$2"
mount -o loop "$1" "$2"
mkdir "$2/queue"
