#!/usr/bin/env bash
# Compares the cloud with the program and the certificate's end with today; changes nothing.
# Writes a Markdown report; prints drifted=true or drifted=false.
# Usage: compare.sh STACK REPORT
set -euo pipefail
cd "$(dirname "$0")/../../.."
stack=${1:?STACK is missing} report=${2:?REPORT is missing}
warn_days=${CERTIFICATE_WARN_DAYS:-21}
mkdir -p "$(dirname "$report")"
preview=$(mktemp)
trap 'rm -f "$preview"' EXIT

scripts/ci/preview/capture.sh "$preview" --stack "$stack" --refresh
drifted=false
node_modules/.bin/tsx scripts/ci/preview/summary.ts --stack "$stack" --allow-replace "$preview" >"$report" || drifted=true
jq -e '[.steps[]? | select(.op != "same" and .op != "read" and .op != "refresh")] == []' "$preview" >/dev/null || drifted=true

# The earliest end among the stack's signed certificates; `pulumi up` renews within the early-renewal time.
ends=$(pulumi stack export --stack "$stack" |
  jq -r '[.deployment.resources[] | select(.type == "tls:index/locallySignedCert:LocallySignedCert") | .outputs.validityEndTime] | min // empty')
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
