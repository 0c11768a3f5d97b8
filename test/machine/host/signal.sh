#!/bin/bash
# Stops or continues a kernel that runs as a process, its threads for the disks included: signal.sh SIGNAL PID (of unshare)
set -euo pipefail
init=$(pgrep --parent "$2")
for process in $(pgrep --ns "$init" --nslist pid .); do
  # What runs on the machine is traced by the kernel, and must see no signal.
  ! grep --quiet --no-messages '^TracerPid:[[:space:]]*0$' "/proc/$process/status" || kill -"$1" "$process"
done
