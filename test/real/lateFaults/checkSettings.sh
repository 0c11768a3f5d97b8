#!/usr/bin/env bash
# Asks the machine's own check about monitoring-settings, one JSON a line of stdin; prints what it refuses.
# Usage: checkSettings.sh FOLDER_OF_DELIVERED_FILES <settings
set -euo pipefail
fail() { echo "$*"; }
# The function alone: the file itself boots a machine.
eval "$(sed -n '/^check_settings() {/,/^}/p' "$1/startup.sh")"
one=$(mktemp)
trap 'rm -f "$one"' EXIT
while IFS= read -r settings; do
  printf '%s' "$settings" >"$one"
  check_settings "$one"
done
