#!/usr/bin/env bash
# Previews the real state of a stack, judges the change by policy/rules.ts and keeps the plan of exactly this change.
# What it would lose (data disk, address, promised secrets) is named for whoever approves; a broken rule ends it.
# Usage: plan.sh STACK FOLDER    writes to FOLDER: plan.json (its secrets sealed by the stack's key), state.sha256, summary.md
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} folder=${2:?FOLDER is missing}
mkdir -p "$folder"
pulumi stack export --stack "$stack" | jq 'del(.deployment.manifest)' | sha256sum >"$folder/state.sha256"
scripts/ci/preview/capture.sh "$folder/preview.json" --stack "$stack" "--save-plan=$folder/plan.json"
status=0
node_modules/.bin/tsx scripts/ci/preview/summary.ts --stack "$stack" --allow-replace --real-state "$folder/preview.json" >"$folder/summary.md" || status=$?
rm "$folder/preview.json"
[ -z "${GITHUB_STEP_SUMMARY-}" ] || cat "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"
exit "$status"
