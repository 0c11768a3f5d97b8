#!/usr/bin/env bash
# Asks how far the VM is: lines `stage=…`, `applied=…`, `error=…` as it publishes them (guest attributes).
#
# Usage: progress.sh PROJECT ZONE INSTANCE
# Any log-in of Google will do: GOOGLE_OAUTH_ACCESS_TOKEN, application default credentials, or gcloud's own account.
# Exit   0 it was asked (nothing on stdout: nothing is published yet); 1 it cannot be asked from here, and why is on
#        stderr; 2 no answer this time.
set -euo pipefail

[ $# -eq 3 ] || {
  sed -n '4,7s/^# \{0,1\}//p' "$0" >&2
  exit 64
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
# As gcloud takes it, for networks that reach Google by a private endpoint.
url="${CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE:-https://compute.googleapis.com/compute/v1/}projects/$1/zones/$2/instances/$3/getGuestAttributes?queryPath=monitoring/"

bounded() { # COMMAND...: macOS has no timeout(1)
  if command -v timeout >/dev/null; then timeout 30 "$@"; else "$@"; fi
}

# Every log-in there is, best first, one token a line; why there is none goes to $work/refused.
tokens() {
  [ -z "${GOOGLE_OAUTH_ACCESS_TOKEN-}" ] || echo "$GOOGLE_OAUTH_ACCESS_TOKEN"
  if ! command -v gcloud >/dev/null; then
    echo "gcloud is not installed" >>"$work/refused"
    return 0
  fi
  bounded gcloud auth application-default print-access-token --quiet 2>>"$work/refused" || true
  bounded gcloud auth print-access-token --quiet 2>>"$work/refused" || true
}

ask() { # TOKEN: status code of the answer, which is in $work/answer; the token reaches curl by file
  printf 'header = "Authorization: Bearer %s"\n' "$1" >"$work/config"
  curl --silent --show-error --max-time 30 --config "$work/config" --output "$work/answer" --write-out '%{http_code}' \
    "$url" 2>"$work/curl-error" || true
}

: >"$work/refused"
tokens >"$work/tokens"
status=none
while IFS= read -r token; do
  status=$(ask "$token")
  case $status in
    200)
      # shellcheck disable=SC2016 # JavaScript's, not the shell's
      node -e 'const { queryValue } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
        for (const { key, value } of queryValue?.items ?? []) console.log(`${key}=${value}`);' "$work/answer"
      exit 0
      ;;
    # A VM that has not published anything yet has no such attributes.
    404) exit 0 ;;
    401 | 403) ;;
    *)
      echo "Google did not answer: HTTP $status $(tr '\n' ' ' <"$work/curl-error")" >&2
      exit 2
      ;;
  esac
done <"$work/tokens"

if [ "$status" = none ]; then
  echo "no log-in: run gcloud auth application-default login ($(head -n 1 "$work/refused"))" >&2
else
  echo "Google refused every log-in (HTTP $status): it needs compute.instances.getGuestAttributes on $3" >&2
fi
exit 1
