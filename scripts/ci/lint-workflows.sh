#!/usr/bin/env bash
# Runs actionlint over the workflows and, through it, shellcheck over their shell. Without an actionlint on PATH, Go
# builds this version once; with neither, what is not linted is named.
set -euo pipefail
cd "$(dirname "$0")/../.."
module=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
if command -v actionlint >/dev/null; then
  actionlint
elif command -v go >/dev/null && go run "$module" -version >/dev/null 2>&1; then
  go run "$module"
else
  echo "lint-workflows: actionlint is not installed and Go cannot build it, $(find .github/workflows -name '*.yml' | wc -l) workflows not linted" >&2
fi
