#!/bin/bash
# Where a booted machine's network card leads to: beyond.sh GATEWAY
set -euo pipefail
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip tuntap add dev tap0 mode tap
ip address add "$1/24" dev tap0
ip link set tap0 up
