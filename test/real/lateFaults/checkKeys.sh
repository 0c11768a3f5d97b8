#!/usr/bin/env bash
# Asks the machine's own check about keys, one a line of stdin; prints what it refuses.
# Usage: checkKeys.sh FOLDER_OF_THE_GATE <keys
set -euo pipefail
fail() { echo "$*" >&3; }
# shellcheck disable=SC2034 # collect_keys reads it
release=$1
# Here a secret's version is the key itself.
fetch_secret() { printf '%s' "$1"; }
# The function alone: the file's other parts want a machine.
eval "$(sed -n '/^collect_keys() {/,/^}/p' "$1/../vm/files/secrets.sh")"
# shellcheck disable=SC2034 # collect_keys reads it
settings=$(mktemp)
trap 'rm -f "$settings"' EXIT
jq --raw-input --slurp '{secrets: {ingestionKeys: [], engineerKeys: split("\n") | map(select(. != ""))}}' >"$settings"
collect_keys 3>&1 >/dev/null
