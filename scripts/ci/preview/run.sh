#!/usr/bin/env bash
# Previews a stack against the published copy of its state, in which every secret is a stand-in: needs no access to
# the stack's key, its state or any secret, so the code of a pull request may run in it.
# Usage: run.sh STACK STATE_COPY PREVIEW_JSON [--refresh]
#   STATE_COPY  what publish.sh wrote
#   --refresh   looks at the cloud first: at everything but what secrets hold, which the copy does not have
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} state=$(realpath "${2:?STATE_COPY is missing}") out=$(realpath -m "${3:?PREVIEW_JSON is missing}")
refresh=${4-}
work=$(mktemp -d)
config=Pulumi.$stack.yaml
cp "$config" "$work/config.yaml"
trap 'cp "$work/config.yaml" "$config"; rm -rf "$work"' EXIT
mkdir -p "$(dirname "$out")" "$work/backend"

export PULUMI_BACKEND_URL=file://$work/backend PULUMI_SKIP_UPDATE_CHECK=true
# Encrypts stand-ins only, so it is no secret.
export PULUMI_CONFIG_PASSPHRASE=stand-in
node_modules/.bin/tsx scripts/ci/preview/standInConfig.ts "$work/config.yaml" >"$config"
pulumi stack init "$stack" --secrets-provider passphrase --non-interactive >&2
# Encrypted anew, since the program refuses a secret that is stored in the clear.
secrets=()
while IFS= read -r assignment; do
  secrets+=(--secret "$assignment")
done < <(node_modules/.bin/tsx scripts/ci/preview/standInConfig.ts "$work/config.yaml" --secrets)
[ ${#secrets[@]} -eq 0 ] || pulumi config set-all --stack "$stack" --path "${secrets[@]}" --non-interactive >&2
# An import is sealed by the secrets provider that the state itself names: the one that `stack init` made just now.
jq --arg salt "$(sed -n 's/^encryptionsalt: //p' "$config")" \
  '.deployment.secrets_providers = {type: "passphrase", state: {salt: $salt}}' "$state" >"$work/state.json"
pulumi stack import --stack "$stack" --file "$work/state.json" --non-interactive >&2
if [ "$refresh" = --refresh ]; then
  # Only the copy learns what the cloud is like. To read one of these a provider reads its payload.
  pulumi refresh --stack "$stack" --yes --non-interactive --suppress-outputs \
    --exclude '**gcp:secretmanager/secretVersion:SecretVersion::**' --exclude '**kubernetes:core/v1:Secret::**' >&2
  # Pulumi would update what is not ready, such as pods whose node is being replaced, for that alone.
  pulumi stack export --stack "$stack" | jq 'del(.deployment.resources[].initErrors)' >"$work/state.json"
  pulumi stack import --stack "$stack" --file "$work/state.json" --non-interactive >&2
fi
scripts/ci/preview/capture.sh "$out" --stack "$stack"
