#!/usr/bin/env bash
# Runs `pulumi preview --json` and writes what it found to FILE, failures included: a failed preview may print no JSON, or
# JSON without a word of the failure, which would read as "no changes".
# Usage: capture.sh FILE [ARGUMENT OF pulumi preview]...
set -euo pipefail
out=${1:?FILE is missing}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pulumi preview --json --show-sames --non-interactive "$@" >"$work/preview.json" 2>"$work/errors" && status=0 || status=$?
cat "$work/errors" >&2
jq --exit-status . "$work/preview.json" >/dev/null 2>&1 || echo '{}' >"$work/preview.json"
jq --argjson status "$status" --rawfile errors "$work/errors" \
  'if $status == 0 or any(.diagnostics[]?; .severity == "error") then . else
    .diagnostics += [{severity: "error", message: "pulumi preview ended with \($status): \($errors)"}] end' \
  "$work/preview.json" >"$out"
