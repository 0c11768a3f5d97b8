#!/usr/bin/env bash
# How long SigNoz keeps metrics, logs and traces; sourced by provision.sh, which sets retention_seconds (how long
# a change may take) and reports by say.
# shellcheck disable=SC2154

# retention SIGNAL: "HOURS ASKED STATUS" into $work/retention: what ClickHouse has, what was asked for last
# and how that went
retention() {
  if [ "$1" = logs ]; then
    api GET '/api/v2/settings/ttl?type=logs' || return 1
    jq -r '"\(.default_ttl_days * 24) \(.default_ttl_days * 24) \(.status)"' "$work/answer"
  else
    api GET "/api/v1/settings/ttl?type=$1" || return 1
    jq -r --arg of "$1" '"\(.[$of + "_ttl_duration_hrs"]) \(.["expected_\($of)_ttl_duration_hrs"]) \(.status)"' "$work/answer"
  fi >"$work/retention"
}

set_retention() { # set_retention SIGNAL DAYS
  if [ "$1" = logs ]; then
    printf '{"type": "logs", "defaultTTLDays": %d, "ttlConditions": []}' "$2" >"$work/body"
    api POST /api/v2/settings/ttl "$work/body"
  else
    api POST "/api/v1/settings/ttl?type=$1&duration=$(($2 * 24))h"
  fi
}

# keep SIGNAL DAYS: SigNoz changes its tables in the background and refuses a second change: 409, for logs 400
keep() {
  local signal=$1 days=$2 hours=$(($2 * 24)) has asked result object="retention $1 ${2}d" verb=unchanged
  local deadline=$((SECONDS + retention_seconds))
  while :; do
    if ! retention "$signal"; then
      say failed "$object" "cannot be read: $(reason)"
      return
    fi
    read -r has asked result <"$work/retention"
    if [ "$result" != pending ]; then
      if [ "$has" = "$hours" ] || [ "$asked $result" = "$hours success" ]; then
        say "$verb" "$object"
        return
      elif [ "$verb" = updated ]; then
        say failed "$object" "SigNoz reports the change as $result: see ClickHouse' log"
        return
      elif set_retention "$signal" "$days"; then
        verb=updated
        continue
      elif ! grep -q 'already running' "$work/answer"; then
        say failed "$object" "$(reason)"
        return
      fi
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      say failed "$object" "a change of retention is still running after ${retention_seconds} s"
      return
    fi
    sleep 1
  done
}
