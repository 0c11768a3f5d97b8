#!/usr/bin/env bash
# Applies a plan that plan.sh kept, and nothing else: Pulumi ends where a resource, or a value that was known, differs.
# Usage: apply.sh STACK PLAN [MESSAGE]
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} plan=${2:?PLAN is missing} message=${3-}
pulumi up --stack "$stack" --plan "$plan" --message "$message" --yes --non-interactive --suppress-outputs
