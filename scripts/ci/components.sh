#!/usr/bin/env bash
# Says which components of gcloud a job needs that reaches what a stack runs on: prints components=… for setup-gcloud.
# Usage: components.sh STACK
set -euo pipefail
config=$(dirname "$0")/../../Pulumi.${1:?STACK is missing}.yaml
if grep -qE "^ *monitoring:backend: *[\"']?gke\b" "$config"; then
  echo components=gke-gcloud-auth-plugin,kubectl
else
  echo components=
fi
