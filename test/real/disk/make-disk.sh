#!/bin/sh
# A disk of its own: make-disk.sh IMAGE FOLDER
set -eu
truncate -s 2G "$1"
mkfs.ext4 -q "$1"
mkdir "$2"
mount -o loop "$1" "$2"
