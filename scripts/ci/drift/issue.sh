#!/usr/bin/env bash
# Keeps the one issue about a stack's drift: opens it, updates it, closes it when the drift is gone.
# Usage: GH_TOKEN=… GH_REPO=owner/name RUN_URL=… issue.sh STACK DRIFTED REPORT    (DRIFTED: true, false, or empty when the comparison failed)
set -euo pipefail
stack=${1:?STACK is missing} drifted=${2-} report=${3:?REPORT is missing}
title="Drift of $stack"
number=$(gh issue list --state open --label drift --json number,title \
  --jq "map(select(.title == \"$title\")) | .[0].number // empty")

if [ "$drifted" = false ]; then
  [ -z "$number" ] || gh issue close "$number" --comment "No drift any more: $RUN_URL"
  exit 0
fi
if [ "$drifted" != true ]; then
  report=$(mktemp)
  trap 'rm -f "$report"' EXIT
  echo "The weekly comparison failed: $RUN_URL" >"$report"
fi
gh label create drift --force --color D93F0B --description "The cloud is not what the program says" >/dev/null
if [ -n "$number" ]; then
  gh issue edit "$number" --body-file "$report"
else
  gh issue create --title "$title" --label drift --body-file "$report"
fi
