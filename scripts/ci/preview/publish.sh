#!/usr/bin/env bash
# Publishes a copy of the stack's state for previews, every secret replaced by a stand-in. Runs where the stack's key is
# at hand (after `pulumi up` on main); no plaintext touches the disk.
# Usage: publish.sh STACK DESTINATION    (DESTINATION: gs://BUCKET/OBJECT or a file)
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} destination=${2:?DESTINATION is missing}
copy=$(mktemp)
trap 'rm -f "$copy"' EXIT
{
  pulumi stack export --stack "$stack" --show-secrets
  pulumi config --stack "$stack" --json --show-secrets
} | node_modules/.bin/tsx scripts/ci/preview/redact.ts "Pulumi.$stack.yaml" >"$copy"
case $destination in
  gs://*) gcloud storage cp --quiet "$copy" "$destination" ;;
  *) cp "$copy" "$destination" ;;
esac
