#!/bin/bash
# Gives a machine a network card that leads to the namespace of process PID: card.sh PID ADDRESS GATEWAY
set -eu
ip link set lo up
ip link add eth0 type veth peer name eth0 netns "$1"
ip address add "$2/24" dev eth0
ip address add fd00::2/64 dev eth0 nodad
ip link set eth0 up
ip route add default via "$3"
ip -6 route add default via fd00::1
