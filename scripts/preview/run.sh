#!/usr/bin/env bash
# Previews a stack against the published copy of its state, in which every secret is a stand-in: needs no access to
# the stack's key, its state or any secret, so the code of a pull request may run in it.
# Usage: run.sh STACK STATE_COPY PREVIEW_JSON    (STATE_COPY: what publish.sh wrote)
set -euo pipefail
cd "$(dirname "$0")/../.."
stack=${1:?STACK is missing} state=$(realpath "${2:?STATE_COPY is missing}") out=$(realpath -m "${3:?PREVIEW_JSON is missing}")
work=$(mktemp -d)
config=Pulumi.$stack.yaml
cp "$config" "$work/config.yaml"
trap 'cp "$work/config.yaml" "$config"; rm -rf "$work"' EXIT
mkdir -p "$(dirname "$out")" "$work/backend"

export PULUMI_BACKEND_URL=file://$work/backend PULUMI_SKIP_UPDATE_CHECK=true
# Encrypts stand-ins only, so it is no secret.
export PULUMI_CONFIG_PASSPHRASE=stand-in
npx tsx scripts/preview/stand-in-config.ts "$work/config.yaml" >"$config"
pulumi stack init "$stack" --secrets-provider passphrase --non-interactive >&2
pulumi stack import --stack "$stack" --file "$state" --non-interactive >&2
# The errors of a refused change are in the JSON; the summary is what fails on them.
pulumi preview --stack "$stack" --json --show-sames --non-interactive >"$out" || echo "run: pulumi preview ended with $?" >&2
