#!/usr/bin/env bash
# Says whether anything that decides the cloud changed since BASE: prints program=true or program=false.
# Usage: changed.sh BASE
set -euo pipefail
cd "$(dirname "$0")/../../.."
# The same list as `paths` in .github/workflows/deploy.yml, and the scripts that make the preview itself.
program=(index.ts infra hooks 'Pulumi*.yaml' 'package*.json' tsconfig.json .pulumi.version policy scripts/ci/preview)
if git diff --quiet "${1:?BASE is missing: a commit to compare with, such as HEAD^1}" HEAD -- "${program[@]}"; then
  echo program=false
else
  status=$?
  [ "$status" -eq 1 ] || exit "$status"
  echo program=true
fi
