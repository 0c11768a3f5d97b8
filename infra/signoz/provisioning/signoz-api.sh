#!/usr/bin/env bash
# Requests to SigNoz' API (v0.138.0) as the root user; sourced by programs that set
# base_url, credentials (JSON {"email", "password"}), work (a private folder), and to wait for SigNoz ready_seconds.
# shellcheck disable=SC2154

fail() {
  local program=${0##*/}
  printf '%s: %s\n' "${program%.sh}" "$1" >&2
  exit 2
}

request() { # METHOD PATH [BODY_FILE]: answer in $work/answer, status code in $status (000 = no answer)
  local arguments=(--silent --show-error --max-time 60 --output "$work/answer" --write-out '%{http_code}'
    --request "$1" --header "@$work/authorization")
  [ $# -lt 3 ] || arguments+=(--header 'Content-Type: application/json' --data-binary "@$3")
  : >"$work/answer"
  status=$(curl "${arguments[@]}" "$base_url$2" 2>"$work/curl-error") || status=000
}

api() { # METHOD PATH [BODY_FILE]: the same; logs in again once when the session has ended; fails unless 2xx
  request "$@"
  if [ "$status" = 401 ]; then
    log_in
    request "$@"
  fi
  [[ $status == 2* ]]
}

reason() { # the last answer's status and message
  if [ "$status" = 000 ]; then
    tr '\n' ' ' <"$work/curl-error"
  elif [[ $status == 2* ]]; then
    echo "$status in a form that v0.138.0 does not have"
  else
    printf '%s %s' "$status" "$(jq --raw-output '[.error.message?, .error.errors[]?.message, .errors[]?.msg]
      | map(select(.)) | join("; ") | .[:500]' "$work/answer" 2>/dev/null || head -c 200 "$work/answer")"
  fi
}

# readyz is healthy once the root user is in place.
wait_until_ready() {
  local deadline=$((SECONDS + ready_seconds))
  : >"$work/authorization"
  until request GET /api/v2/readyz && [ "$status" = 200 ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "$base_url/api/v2/readyz is not ready after ${ready_seconds} s: $(reason)"
    sleep 1
  done
}

# SigNoz starts an organisation's alertmanager within its poll interval, and forgets then what rules had told it before.
wait_for_alertmanager() {
  local deadline=$((SECONDS + ready_seconds))
  until api GET /api/v1/alerts; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 1
  done
}

log_in() { # bearer token into $work/authorization, which curl reads: never an argument of a process
  local email query
  read -r email query < <(jq --raw-output --arg ref "$base_url" '"\(.email) email=\(.email | @uri)&ref=\($ref | @uri)"' "$credentials")
  : >"$work/authorization"
  request GET "/api/v2/sessions/context?$query"
  [ "$status" = 200 ] || fail "the login context was refused: $(reason)"
  jq --exit-status --slurpfile who "$credentials" \
    '.data | select(.exists) | .orgs[0].id as $org | $who[0] | {email, password, orgId: $org}' "$work/answer" >"$work/login" ||
    fail "SigNoz knows no user $email: is the root user set on the server?"
  request POST /api/v2/sessions/email_password "$work/login"
  rm -f "$work/login"
  [ "$status" = 200 ] || fail "login was refused: $(reason)"
  jq --raw-output '"Authorization: Bearer \(.data.accessToken)"' "$work/answer" >"$work/authorization"
}

log_out() {
  request DELETE /api/v2/sessions
  rm -f "$work/authorization"
}
