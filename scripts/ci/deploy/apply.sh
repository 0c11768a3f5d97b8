#!/usr/bin/env bash
# Applies a plan that plan.sh kept, to the state that it was made for, and nothing else: Pulumi ends where a resource, or a
# value that was known, differs; what is there now it does not compare, so an old plan would undo a later deployment.
# Usage: apply.sh STACK PLAN [MESSAGE]    (state.sha256 lies beside PLAN)
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} plan=${2:?PLAN is missing} message=${3-}
state=$(pulumi stack export --stack "$stack" | jq 'del(.deployment.manifest)' | sha256sum)
[ "$state" = "$(cat "$(dirname "$plan")/state.sha256")" ] || {
  echo "apply: $stack has changed since $plan was made and approved; run deploy again, which plans anew" >&2
  exit 1
}
pulumi up --stack "$stack" --plan "$plan" --message "$message" --yes --non-interactive --suppress-outputs
