#!/usr/bin/env bash
# Runs actionlint over the workflows (and, through it, shellcheck over their shell); a missing actionlint is named.
# To have it: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v actionlint >/dev/null; then
  actionlint
else
  echo "lint-workflows: actionlint is not installed, $(git ls-files .github/workflows | wc -l) workflows not linted" >&2
fi
