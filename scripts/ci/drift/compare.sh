#!/usr/bin/env bash
# Compares the cloud with the program and the certificate's end with today; changes nothing and opens no secret.
# Writes a Markdown report; prints drifted=true or drifted=false.
# Usage: compare.sh STACK STATE_COPY REPORT    (STATE_COPY: what scripts/ci/preview/publish.sh wrote)
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} state=${2:?STATE_COPY is missing} report=${3:?REPORT is missing}
warn_days=${CERTIFICATE_WARN_DAYS:-21}
mkdir -p "$(dirname "$report")"
preview=$(mktemp) errors=$(mktemp)
trap 'rm -f "$preview" "$errors"' EXIT

scripts/ci/preview/run.sh "$stack" "$state" "$preview" --refresh
drifted=false
node_modules/.bin/tsx scripts/ci/preview/summary.ts --stack "$stack" --allow-replace "$preview" >"$report" || drifted=true
jq --exit-status '[.steps[]? | select(.op != "same" and .op != "read" and .op != "refresh")] == []' "$preview" >/dev/null || drifted=true

# A version's payload stays unread; whether it can still be fetched is asked here.
while IFS= read -r version; do
  # gcloud warns on stderr, also where all is well.
  found=$(gcloud secrets versions describe "$version" '--format=value(state)' </dev/null 2>"$errors") || found=$(cat "$errors")
  case $found in
    ENABLED | enabled) ;;
    *)
      drifted=true
      echo "**Secret version** \`$version\`: $(tr -d '`\n' <<<"${found:0:300}"); it should be enabled." >>"$report"
      ;;
  esac
done < <(jq --raw-output '.deployment.resources[] | select(.type == "gcp:secretmanager/secretVersion:SecretVersion" and .delete != true) | .outputs.name' "$state")

# The earliest end among the stack's signed certificates; `pulumi up` renews within the early-renewal time.
ends=$(jq --raw-output '[.deployment.resources[] | select(.type == "tls:index/locallySignedCert:LocallySignedCert") | .outputs.validityEndTime] | min // empty' "$state")
if [ -z "$ends" ]; then
  days=-1
else
  days=$((($(date -d "$ends" +%s) - $(date +%s)) / 86400))
fi
if [ "$days" -lt "$warn_days" ]; then
  drifted=true
  echo "**Certificate**: ${days} days left (ends ${ends:-never: none in the state}); run \`pulumi up\` to renew it." >>"$report"
else
  echo "Certificate: ${days} days left (ends $ends)." >>"$report"
fi
echo "drifted=$drifted"
