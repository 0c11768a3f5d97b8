#!/usr/bin/env bash
# The front's preStop: while the Service still sends clients here they are served; then what is under way ends, every
# connection is told to go elsewhere, and the front ends by itself. The collector, which must outlive it, is a sidecar:
# those end after the pod's own containers, in the reverse order of their start.
#   pre-stop.sh [SECONDS] [PID]   SECONDS until every node knows that the gate is leaving
# Its SECONDS, 10 of the front's hard-stop-after and 20 of the collector's are what terminationGracePeriodSeconds must exceed.
set -eu
seconds=${1:-15} pid=${2:-1}
sleep "$seconds"
# HAProxy's soft stop, of which its image's stop signal would be the second.
kill -USR1 "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
