#!/bin/bash
# Lets a file take this share of the data disk: fill.sh PERCENT
set -eu
rm -f /mnt/monitoring/fill
size=$(df --output=size --block-size=1K /mnt/monitoring | tail -n 1)
fallocate -l "$((size * $1 / 100))K" /mnt/monitoring/fill
