#!/bin/bash
# The other end of a machine's card, with whom a container may want to reach: beyond.sh GATEWAY MACHINE
set -eu
ip link set lo up
ip address add "$1/24" dev eth0
ip address add fd00::1/64 dev eth0 nodad
ip link set eth0 up
for one in 169.254.169.254/32 203.0.113.7/32 fd20:ce::254/128 2001:db8::7/128; do ip address add "$one" dev lo; done
ip route add 172.16.0.0/12 via "$2"
