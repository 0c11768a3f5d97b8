#!/usr/bin/env bash
# Says whether anything that decides the cloud changed since BASE: prints program=true or program=false.
# Usage: changed.sh BASE [CHECKOUT]    (CHECKOUT: the repository to look at, this one if not given)
# Every file may (npm-shrinkwrap.json, Pulumi.json, .gitattributes, …) but those of scripts/ci/other-files.txt, the same list
# as `paths-ignore` in .github/workflows/deploy.yml.
set -euo pipefail
base=${1:?BASE is missing: a commit to compare with, such as HEAD^1}
mapfile -t others <"$(dirname "$0")/../other-files.txt"
cd "${2:-$(dirname "$0")/../../..}"
if git diff --quiet "$base" HEAD -- . "${others[@]/#/:(exclude)}"; then
  echo program=false
else
  status=$?
  [ "$status" -eq 1 ] || exit "$status"
  echo program=true
fi
