#!/usr/bin/env bash
# Puts channels, dashboards, saved views, alert rules, quiet hours and retention into SigNoz (API of v0.138.0).
#
# usage: provision.sh CONTENT CREDENTIALS BASE_URL STATE [SECRETS]
#   CONTENT      the value of metadata monitoring-content: JSON, or gzip+base64 of it
#   CREDENTIALS  JSON {"email", "password"} of the root user (0600)
#   BASE_URL     http://127.0.0.1:8080
#   STATE        file this script keeps: what it wrote, and how SigNoz stored it
#   SECRETS      JSON of the channels' secrets (0600)
#
# One line per object on stdout: created, updated, unchanged, removed; failures on stderr, the others go on.
# An object is left alone when neither the wanted body nor SigNoz' copy has changed since the last write, so
# what was edited by hand is written again. Only objects marked as ours (own_objects below) are ever touched.
# exit status: 0 all in place; 1 some objects failed; 2 nothing could be done
set -euo pipefail

usage() {
  sed -n 's/^# \{0,1\}//; 4p' "$0" >&2
  exit 2
}
case $# in 4 | 5) ;; *) usage ;; esac
content_file=$1 credentials=$2 base_url=${3%/} state_file=$4 secrets=${5:-}
ready_seconds=${PROVISION_READY_SECONDS:-300}

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
superfluous=()
declare -A state=() # "KIND KEY" -> digest of the body we wrote, a blank, digest of SigNoz' copy of it
declare -A count=([created]=0 [updated]=0 [unchanged]=0 [removed]=0 [failed]=0)

say() { # say VERB OBJECT [REASON]
  count[$1]=$((count[$1] + 1))
  if [ "$1" = failed ]; then
    printf '%-9s %s: %s\n' "$1" "$2" "$3" >&2
  else
    printf '%-9s %s\n' "$1" "$2"
  fi
}
stop() {
  printf 'provision: %s\n' "$1" >&2
  exit 2
}

# --- SigNoz' API ------------------------------------------------------------------------------------------

# request METHOD PATH [BODY_FILE]: answer in $work/answer, status code in $status (000 = no answer)
request() {
  local arguments=(-sS --max-time 60 -o "$work/answer" -w '%{http_code}' -X "$1" -H "@$work/authorization")
  [ $# -lt 3 ] || arguments+=(-H 'Content-Type: application/json' --data-binary "@$3")
  : >"$work/answer"
  status=$(curl "${arguments[@]}" "$base_url$2" 2>"$work/curl-error") || status=000
}

# api METHOD PATH [BODY_FILE]: the same; logs in again once when the session has ended; fails unless 2xx
api() {
  request "$@"
  if [ "$status" = 401 ]; then
    log_in
    request "$@"
  fi
  [[ $status == 2* ]]
}

reason() {
  if [ "$status" = 000 ]; then
    cat "$work/curl-error"
  else
    printf '%s %s' "$status" "$(jq -r '.error | if type == "object" then [.message, (.errors[]?.message)] | join("; ") else . end' "$work/answer" 2>/dev/null | head -c 500 || true)"
  fi
}

wait_until_ready() {
  local deadline=$((SECONDS + ready_seconds))
  until request GET /api/v2/readyz && [ "$status" = 200 ]; do
    [ "$SECONDS" -lt "$deadline" ] || stop "$base_url/api/v2/readyz is not ready after ${ready_seconds} s: $(reason)"
    sleep 1
  done
}

log_in() {
  : >"$work/authorization"
  local query
  query=$(jq -r --arg ref "$base_url" '"email=\(.email | @uri)&ref=\($ref | @uri)"' "$credentials")
  request GET "/api/v2/sessions/context?$query"
  [ "$status" = 200 ] || stop "the login context was refused: $(reason)"
  jq -e --slurpfile who "$credentials" \
    '.data.orgs[0].id as $org | select($org) | $who[0] | {email, password, orgId: $org}' "$work/answer" >"$work/login" ||
    stop "SigNoz knows no user $(jq -r .email "$credentials"): is the root user set on the server?"
  request POST /api/v2/sessions/email_password "$work/login"
  rm -f "$work/login"
  [ "$status" = 200 ] || stop "login was refused: $(reason)"
  jq -r '"Authorization: Bearer \(.data.accessToken)"' "$work/answer" >"$work/authorization"
}

# --- Objects ----------------------------------------------------------------------------------------------

path_of() {
  case $1 in
    channel) echo /api/v1/channels ;;
    dashboard) echo /api/v2/dashboards ;;
    view) echo /api/v2/saved_views ;;
    rule) echo /api/v2/rules ;;
    quiet-hours) echo /api/v1/downtime_schedules ;;
  esac
}

# own KIND: one line {id, key, copy} for each object in the answer to a list request that carries our mark;
# copy is without what SigNoz itself changes
own() {
  local ours
  # shellcheck disable=SC2016 # $own is jq's
  case $1 in
    channel) ours='.data[] | select(IN(.name; $own[])) | {key: .name, copy: .}' ;;
    dashboard) ours='.data.dashboards[] | select(any(.tags[]; .key == "managed-by" and .value == "monitoring"))
      | {key: .name, copy: .}' ;;
    view) ours='.data[] | select(.name | startswith("managed-by-monitoring-")) | {key: .name, copy: .}' ;;
    rule) ours='.data[] | select(.labels.managed_by == "monitoring") | {key: .alert, copy: .}' ;;
    quiet-hours) ours='.data[] | select(.description == "managed by monitoring") | {key: .name, copy: .}' ;;
  esac
  jq -cS --argjson own "$channel_names" "$ours | .id = .copy.id | .copy |= del(.updatedAt, .updatedBy,
    .createdAt, .createdBy, .state, .status, .locked)" "$work/answer"
}

# digests FILE: SHA-256 of each line; the line itself stays in a file of FILE.lines
digests() {
  rm -rf "$1.lines"
  mkdir "$1.lines"
  split -l 1 -a 4 "$1" "$1.lines/"
  [ ! -s "$1" ] || sha256sum "$1.lines"/* | cut -d ' ' -f 1
}

# read_own KIND: SigNoz' objects of ours by key: own_id, own_digest (its copy), and the locked ones
declare -A own_id own_digest own_locked
read_own() {
  local kind=$1 path query='' id key locked index=0
  path=$(path_of "$kind")
  [ "$kind" != dashboard ] || query='?limit=200&query=managed-by%20%3D%20%27monitoring%27'
  own_id=() own_digest=() own_locked=()
  api GET "$path$query" || return 1
  own "$kind" >"$work/own"
  if [ "$kind" = dashboard ]; then
    # The list of dashboards leaves out their panels.
    for id in $(jq -r .id "$work/own"); do
      api GET "$path/$id" || return 1
      cat "$work/answer" >>"$work/dashboards"
    done
    jq -s '{data: {dashboards: map(.data)}}' "$work/dashboards" >"$work/answer" 2>/dev/null || return 1
    : >"$work/dashboards"
    own dashboard >"$work/own"
    for key in $(jq -r '.data.dashboards[] | select(.locked) | .name' "$work/answer"); do own_locked[$key]=yes; done
  fi
  jq -c .copy "$work/own" >"$work/copies"
  mapfile -t copies < <(digests "$work/copies")
  while IFS=$'\t' read -r id key; do
    # A second object of ours with the same key is one too many.
    if [ -n "${own_id[$key]:-}" ]; then
      superfluous+=("$kind"$'\t'"$id"$'\t'"$key")
    else
      own_id[$key]=$id own_digest[$key]=${copies[index]}
    fi
    index=$((index + 1))
  done < <(jq -r '[.id, .key] | @tsv' "$work/own")
}

# write KIND KEY BODY: creates or replaces; a locked dashboard is unlocked for the write and locked again
write() {
  local kind=$1 id=${own_id[$2]:-} body=$3 locked=${own_locked[$2]:-} path
  path=$(path_of "$kind")
  if [ -z "$id" ]; then
    api POST "$path" "$body"
    return
  fi
  if [ "$kind" = view ]; then
    # A view's name is its identity: in the body of an update SigNoz refuses it.
    jq 'del(.name)' "$body" >"$work/update" && body=$work/update
  fi
  [ -z "$locked" ] || api DELETE "$path/$id/lock" || return 1
  api PUT "$path/$id" "$body" || return 1
  [ -z "$locked" ] || api PUT "$path/$id/lock"
}

failure() { # failure KIND: why, without what could quote a secret
  if [ "$1" = channel ]; then
    echo "$status from SigNoz: check the address, token and channel in the configuration"
  elif [ "$status" = 409 ]; then
    echo "$(reason): an object that is not ours has this name, rename it in SigNoz"
  else
    reason
  fi
}

# apply KIND FIELD NAME: every body of the content's FIELD; its key is the body's NAME
apply() {
  local kind=$1 key object index=0 verb wanted=() keys=() files=() changed=()
  local -A digest=()
  if ! read_own "$kind"; then
    say failed "$kind" "cannot be listed: $(reason)"
    return
  fi
  jq -cS ".$2[]" "$work/content" >"$work/wanted"
  mapfile -t wanted < <(digests "$work/wanted")
  mapfile -t keys < <(jq -r ".$2[].$3" "$work/content")
  files=("$work/wanted.lines"/*)
  for key in "${keys[@]}"; do
    object="$kind $key" digest[$key]=${wanted[index]}
    if [ -n "${own_digest[$key]:-}" ] && [ "${state[$object]:-}" = "${wanted[index]} ${own_digest[$key]}" ]; then
      say unchanged "$object"
    elif write "$kind" "$key" "${files[index]}"; then
      verb=created
      [ -z "${own_id[$key]:-}" ] || verb=updated
      say "$verb" "$object"
      changed+=("$key")
    else
      say failed "$object" "$(failure "$kind")"
    fi
    index=$((index + 1))
  done
  for key in "${!own_id[@]}"; do
    [ -n "${digest[$key]:-}" ] || superfluous+=("$kind"$'\t'"${own_id[$key]}"$'\t'"$key")
  done
  [ ${#changed[@]} -eq 0 ] || read_own "$kind" || return 0
  for key in "${changed[@]}"; do state["$kind $key"]="${digest[$key]} ${own_digest[$key]:-}"; done
}

remove_superfluous() { # rules before the channels they use
  local index kind id key
  for ((index = ${#superfluous[@]} - 1; index >= 0; index--)); do
    IFS=$'\t' read -r kind id key <<<"${superfluous[index]}"
    if api DELETE "$(path_of "$kind")/$id"; then
      say removed "$kind $key"
      [ -n "${own_id[$key]:-}" ] || unset "state[$kind $key]"
    else
      say failed "$kind $key" "not removed: $(reason)"
    fi
  done
}

# --- Start ------------------------------------------------------------------------------------------------

read_inputs() {
  for file in "$content_file" "$credentials" ${secrets:+"$secrets"}; do
    [ -r "$file" ] || stop "$file: not readable"
  done
  if [ "$(head -c 1 "$content_file")" = '{' ]; then
    cat "$content_file" >"$work/packed"
  else
    base64 -d "$content_file" | gzip -d >"$work/packed" || stop "$content_file: neither JSON nor gzip+base64"
  fi
  if [ -n "$secrets" ]; then cat "$secrets"; else echo '{}'; fi >"$work/secrets"
  # {"fromSecret": name} stands for a secret, which must never be part of instance metadata.
  jq --slurpfile secrets "$work/secrets" \
    'walk(if type == "object" and has("fromSecret") then $secrets[0][.fromSecret] // "" else . end)' \
    "$work/packed" >"$work/content" || stop "$content_file: not JSON"
  jq -e 'type == "object"' "$credentials" >/dev/null 2>&1 || stop "$credentials: not a JSON object"
  channel_names=$(jq -c .channelNames "$work/content")
  if [ -r "$state_file" ]; then
    while IFS=$'\t' read -r object digests; do state[$object]=$digests; done <"$state_file"
  fi
}

save_state() {
  for object in "${!state[@]}"; do printf '%s\t%s\n' "$object" "${state[$object]}"; done | sort >"$state_file.new"
  mv "$state_file.new" "$state_file"
}

main() {
  : >"$work/authorization"
  : >"$work/dashboards"
  read_inputs
  wait_until_ready
  log_in
  apply channel channels name
  apply dashboard dashboards name
  apply view views name
  apply rule rules alert
  apply quiet-hours quietHours name
  remove_superfluous
  request DELETE /api/v2/sessions
  save_state
  printf 'provision: %d created, %d updated, %d unchanged, %d removed, %d failed\n' \
    "${count[created]}" "${count[updated]}" "${count[unchanged]}" "${count[removed]}" "${count[failed]}"
  [ "${count[failed]}" -eq 0 ]
}

main
