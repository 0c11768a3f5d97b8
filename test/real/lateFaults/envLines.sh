#!/usr/bin/env bash
# Writes an env file by the machine's own function: a line V1, V2, … for each line of stdin.
# Usage: envLines.sh FOLDER_OF_DELIVERED_FILES <values >env
set -euo pipefail
# shellcheck source=/dev/null
. "$1/env.sh"
number=0
while IFS= read -r value; do
  number=$((number + 1))
  env_line "V$number" <<<"$value"
done
