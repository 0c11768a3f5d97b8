#!/usr/bin/env bash
# Asks SigNoz whether telemetry of Claude Code arrives: metrics, logs and traces of the last minutes, per engineer.
#
# Usage: verify-telemetry.sh [--minutes 15] [--engineer NAME] [--send] [--json]
#                            [--stack dev] [--project PROJECT] [--zone ZONE] [--url URL --email EMAIL]
#   --engineer  fails unless all three signals of this engineer are there
#   --send      pushes a marker through the gate with the newest key, and waits until SigNoz gives it back; then
#               the marker decides, and the table only when --engineer asks for it (a new stack has no engineers yet)
#   --url       a SigNoz that is reachable already; without it an IAP tunnel to the VM is opened and closed
#   --email     login of SigNoz's root user; without it the VM's settings are asked
# Needs gcloud (signed in; roles iap.tunnelResourceAccessor and secretmanager.secretAccessor), curl and jq.
# Environment, in place of Secret Manager: SIGNOZ_PASSWORD, GATE_URL, GATE_CA_CERTIFICATE (PEM), GATE_KEY;
# VERIFY_WAIT_SECONDS: how long --send waits for its marker (60).
# Exit: 0 everything asked for is there; 1 something is missing; 2 it could not be asked; 64 wrong call.
set -euo pipefail
umask 077

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p;}' "$0"; }
# shellcheck source=SCRIPTDIR/../infra/signoz/provisioning/signoz-api.sh
. "$(dirname "$0")/../infra/signoz/provisioning/signoz-api.sh"

minutes=15 engineer='' send=false as_json=false stack=dev project='' zone='' url='' email=''
while [ $# -gt 0 ]; do
  case $1 in
    --send) send=true ;;
    --json) as_json=true ;;
    --help | -h) usage && exit 0 ;;
    --minutes | --engineer | --stack | --project | --zone | --url | --email)
      [ $# -gt 1 ] || {
        echo "verify-telemetry: $1 needs a value" >&2
        exit 64
      }
      printf -v "${1#--}" %s "$2"
      shift
      ;;
    *)
      echo "verify-telemetry: unknown argument $1; see --help" >&2
      exit 64
      ;;
  esac
  shift
done
[[ $minutes =~ ^[1-9][0-9]*$ ]] || {
  echo "verify-telemetry: --minutes must be a whole number above 0: got '$minutes'" >&2
  exit 64
}

work=$(mktemp -d)
tunnel=''
cleanup() {
  # A session of SigNoz' lasts 30 days, whoever finds its token.
  [ ! -s "$work/authorization" ] || log_out || true
  [ -z "$tunnel" ] || { kill -- "-$tunnel" && wait "$tunnel"; } 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

in_project=()
[ -z "$project" ] || in_project=(--project="$project")
in_zone=("${in_project[@]+"${in_project[@]}"}")
[ -z "$zone" ] || in_zone+=(--zone="$zone")
instance=monitoring-$stack

secret() { # NAME: the latest payload of monitoring-NAME-secret-STACK
  gcloud secrets versions access latest --secret="monitoring-$1-secret-$stack" --quiet \
    "${in_project[@]+"${in_project[@]}"}" 2>"$work/gcloud" ||
    fail "the secret monitoring-$1-secret-$stack cannot be read: $(tail -n 1 "$work/gcloud")"
}

open_tunnel() {
  local port=$((20000 + RANDOM % 20000)) waited
  # Its own process group, because gcloud is a wrapper around the process that holds the port.
  set -m
  gcloud compute start-iap-tunnel "$instance" 8080 --local-host-port="localhost:$port" --quiet \
    "${in_zone[@]+"${in_zone[@]}"}" >"$work/tunnel" 2>&1 &
  tunnel=$!
  set +m
  url=http://localhost:$port
  for ((waited = 0; waited < 60; waited++)); do
    kill -0 "$tunnel" 2>/dev/null || fail "no IAP tunnel to $instance: $(tail -n 1 "$work/tunnel")"
    ! curl --silent --fail --max-time 2 --output /dev/null "$url/api/v2/readyz" || return 0
    sleep 0.5
  done
  fail "SigNoz did not answer behind the IAP tunnel to $instance within 30 s"
}

root_email() {
  gcloud compute instances describe "$instance" --format=json --quiet "${in_zone[@]+"${in_zone[@]}"}" 2>"$work/gcloud" |
    jq --exit-status --raw-output '.metadata.items[] | select(.key == "monitoring-settings").value | fromjson.adminEmail' ||
    fail "the VM $instance does not tell the login: $(tail -n 1 "$work/gcloud"); pass --email"
}

ask() { # SPEC: rows [engineer, number] of one builder query over the last minutes
  jq --null-input --argjson spec "$1" --argjson minutes "$minutes" '(now * 1000 | floor) as $now |
    {schemaVersion: "v1", start: ($now - $minutes * 60000), end: $now, requestType: "scalar",
      compositeQuery: {queries: [{type: "builder_query", spec: ($spec + {name: "A"})}]}}' >"$work/query"
  api POST /api/v5/query_range "$work/query" || fail "SigNoz refuses the query: $(reason)"
  jq --compact-output '.data.data.results[0] // {} | (.columns // []) as $columns
    | ($columns | map(.columnType == "group") | index(true)) as $group
    | ($columns | map(.columnType == "aggregation") | index(true)) as $value
    | [.data[]? | {key: (if $group == null then "" else .[$group] // "" | tostring end), value: .[$value]}]' "$work/answer"
}

of_claude='"filter": {"expression": "service.name = '"'claude-code'"'"}, "groupBy": [{"name": "engineer"}]'
count_of() {
  case $1 in
    metrics) ask '{"signal": "metrics", "stepInterval": 60, "aggregations": [{"metricName": "claude_code.token.usage",
      "timeAggregation": "increase", "spaceAggregation": "sum", "reduceTo": "sum"}], '"$of_claude"'}' ;;
    *) ask '{"signal": "'"$1"'", "aggregations": [{"expression": "count()"}], '"$of_claude"'}' ;;
  esac
}

varint() {
  if [ "$1" -lt 128 ]; then printf '%02x' "$1"; else printf '%02x%02x' $(($1 & 127 | 128)) $(($1 >> 7)); fi
}
# A length-delimited protobuf field of NUMBER and HEX, in hex.
field() { printf '%s%s%s' "$(varint $(($1 << 3 | 2)))" "$(varint $((${#2} / 2)))" "$2"; }
text() { field "$1" "$(printf %s "$2" | od -An -v -tx1 | tr -d ' \n')"; }
# little-endian, as protobuf's fixed64 wants it
fixed64() {
  local byte
  for byte in 0 8 16 24 32 40 48 56; do printf '%02x' $(($1 >> byte & 255)); done
}

# An ExportLogsServiceRequest with one record (opentelemetry-proto v1), framed for gRPC.
marker_request() {
  local now record resource request
  now=$(fixed64 $(($(date +%s) * 1000000000)))
  record="09$now$(field 5 "$(text 1 "$marker")")59$now"
  resource=$(field 1 "$(text 1 service.name)$(field 2 "$(text 1 monitoring-verify)")")
  request=$(field 1 "$(field 1 "$resource")$(field 2 "$(field 2 "$record")")")
  # shellcheck disable=SC2059 # the format is the bytes
  printf "$(printf '00%08x%s' $((${#request} / 2)) "$request" | sed 's/../\\x&/g')"
}

# Pushes the marker and waits, 60 s at most, until a query gives it back.
send_marker() {
  marker="verify-telemetry $(date -u +%Y-%m-%dT%H:%M:%SZ) $RANDOM$RANDOM"
  local gate=${GATE_URL-} answer rows
  if [ -z "$gate" ]; then
    secret signoz-otlp-endpoint >"$work/endpoint"
    gate=$(jq --exit-status --raw-output .url "$work/endpoint")
    GATE_CA_CERTIFICATE=$(jq --raw-output .caCertificate "$work/endpoint")
    GATE_KEY=$(secret signoz-ingestion-key)
  fi
  printf '%s\n' "${GATE_CA_CERTIFICATE-}" >"$work/ca.pem"
  printf 'signoz-ingestion-key: %s\n' "${GATE_KEY-}" >"$work/key"
  answer=$(marker_request | curl --silent --show-error --max-time 10 --http2 --cacert "$work/ca.pem" \
    --output /dev/null --dump-header - --header "@$work/key" \
    --header 'content-type: application/grpc' --header 'te: trailers' --data-binary @- \
    "$gate/opentelemetry.proto.collector.logs.v1.LogsService/Export" 2>"$work/curl") ||
    fail "the gate $gate cannot be reached: $(cat "$work/curl")"
  [[ $answer == *"grpc-status: 0"* ]] ||
    fail "the gate $gate refuses the marker: $(grep -i '^grpc-' <<<"$answer" | tr -d '\r' | tr '\n' ' ')"
  local until=$((SECONDS + ${VERIFY_WAIT_SECONDS-60}))
  while [ "$SECONDS" -lt "$until" ]; do
    rows=$(ask '{"signal": "logs", "aggregations": [{"expression": "count()"}], "filter": {"expression":
      "service.name = '"'monitoring-verify'"' AND body CONTAINS '"'$marker'"'"}}')
    ! jq --exit-status 'any(.value > 0)' <<<"$rows" >/dev/null || return 0
    sleep 1
  done
  return 1
}

[ -n "$url" ] || open_tunnel
[ -n "$email" ] || email=$(root_email)
[ -n "${SIGNOZ_PASSWORD-}" ] || SIGNOZ_PASSWORD=$(secret signoz-admin)
base_url=${url%/} credentials=$work/credentials
PASSWORD=$SIGNOZ_PASSWORD jq --null-input --arg email "$email" '{email: $email, password: $ENV.PASSWORD}' >"$credentials"
log_in
marker_state=not_sent
if "$send"; then
  if send_marker; then marker_state=read_back; else marker_state=lost; fi
fi
for signal in metrics logs traces; do count_of "$signal" >"$work/$signal"; done
jq --null-input --slurpfile metrics "$work/metrics" --slurpfile logs "$work/logs" --slurpfile traces "$work/traces" \
  --arg engineer "$engineer" --arg marker "$marker_state" --argjson minutes "$minutes" '
  def of($rows): reduce $rows[0][] as {$key, $value} ({}; .[$key] += $value);
  of($metrics) as $m | of($logs) as $l | of($traces) as $t
  | {minutes: $minutes, marker: $marker, engineers: [($m + $l + $t) | keys[]
      | {engineer: ., tokens: ($m[.] // 0), logs: ($l[.] // 0), spans: ($t[.] // 0)}]}
  | (.engineers | if $engineer == "" then . else map(select(.engineer == $engineer)) end) as $asked
  | .missing = [("tokens", "logs", "spans") as $signal | select(any($asked[]; .[$signal] > 0) | not) | $signal]
  | .ok = (.marker != "lost" and (.missing == [] or (.marker == "read_back" and $engineer == "")))' >"$work/verdict"
if "$as_json"; then
  cat "$work/verdict"
else
  {
    printf 'ENGINEER\tTOKENS\tLOGS\tSPANS\n'
    jq --raw-output '.engineers[] | [(.engineer | if . == "" then "(none)" else . end), .tokens, .logs, .spans] | @tsv' "$work/verdict"
  } | awk -F '\t' '{ printf "%-32s %12s %8s %8s\n", $1, $2, $3, $4 }'
  case $marker_state in
    read_back) echo "marker: sent through the gate and read back" ;;
    lost) echo "marker: accepted by the gate, but not to be read back in time" ;;
  esac
  jq --raw-output --arg of "${engineer:+ of $engineer}" 'if .missing == [] then empty else
    "missing in the last \(.minutes) min\($of): \(.missing | join(", "))" end' "$work/verdict"
fi
jq --exit-status .ok "$work/verdict" >/dev/null || exit 1
