#!/usr/bin/env bash
# Asks the machine's own check about keys, one a line of stdin; prints what it refuses.
# Usage: checkKeys.sh FOLDER_OF_THE_GATE <keys
set -euo pipefail
fail() { echo "$*" >&3; }
# shellcheck disable=SC2034 # collect_keys reads it
release=$1
# The function alone: the file's other parts want a machine.
eval "$(sed -n '/^collect_keys() {/,/^}/p' "$1/../vm/files/secrets.sh")"
next=$(mktemp -d)
trap 'rm -rf "$next"' EXIT
settings=$next/settings
jq --raw-input --slurp '{secrets: {ingestionKeys: [], engineerKeys: split("\n") | map(select(. != ""))}}' >"$settings"
# Here a secret's version is the key itself.
mkdir "$next/answers"
while read -r key data; do
  echo "{\"payload\":{\"data\":\"$data\"}}" >"$next/answers/$key"
done < <(jq --raw-output '.secrets.engineerKeys[] | "\(.) \(@base64)"' "$settings")
collect_keys 3>&1 >/dev/null
