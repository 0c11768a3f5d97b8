#!/usr/bin/env bash
# Puts channels, dashboards, saved views, alert rules and quiet hours into SigNoz (API of v0.138.0).
#
# Usage: provision.sh CONTENT CREDENTIALS BASE_URL STATE [SECRETS]
#   CONTENT      the value of metadata monitoring-content: JSON, or gzip+base64 of it
#   CREDENTIALS  JSON {"email", "password"} of the root user (0600)
#   BASE_URL     http://127.0.0.1:8080
#   STATE        file this script keeps: digests of what it wrote and of how SigNoz stored it
#   SECRETS      JSON of the channels' secrets (0600)
# Environment: SIGNOZ_STARTED, a text that differs after each start of SigNoz; see forgotten below.
#
# One line per object on stdout: created, updated, unchanged, removed; failures on stderr, the others go on.
# An object is left alone when neither the wanted body nor SigNoz' copy has changed since the last write, so
# what was edited by hand is written again. Only objects marked as ours (own below) are ever touched.
# exit status: 0 all in place; 1 some objects failed; 2 nothing could be done
set -euo pipefail

case $# in 4 | 5) ;; *)
  sed -n '4,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
content_file=$1 credentials=$2 base_url=${3%/} state_file=$4 secrets=${5:-}
ready_seconds=${PROVISION_READY_SECONDS:-300}

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=SCRIPTDIR/signoz-api.sh
. "$(dirname "$0")/signoz-api.sh"

declare -A count=([created]=0 [updated]=0 [unchanged]=0 [removed]=0 [failed]=0)
declare -A state=()       # "KIND KEY" -> digest of the body we wrote, a blank, digest of SigNoz' copy of it
declare -A superfluous=() # KIND -> lines of "ID <tab> KEY" to remove at the end
declare -A own_id=() own_digest=() own_locked=()

restarted=no

say() { # VERB OBJECT [REASON]
  count[$1]=$((count[$1] + 1))
  if [ "$1" = failed ]; then
    printf '%-9s %s: %s\n' "$1" "$2" "$3" >&2
  else
    printf '%-9s %s\n' "$1" "$2"
  fi
}

# --- What SigNoz has --------------------------------------------------------------------------------------

path_of() {
  case $1 in
    channel) echo /api/v1/channels ;;
    dashboard) echo /api/v2/dashboards ;;
    view) echo /api/v2/saved_views ;;
    rule) echo /api/v2/rules ;;
    quiet-hours) echo /api/v1/downtime_schedules ;;
  esac
}

# One line "ID <tab> KEY <tab> COPY" for each object in $work/answer that carries our mark; the copy is without what
# SigNoz itself changes.
own() { # KIND
  local ours key=.name
  # shellcheck disable=SC2016 # $names is jq's
  case $1 in
    channel) ours='IN(.name; $names[])' ;;
    dashboard) ours='any(.tags[]; .key == "managed-by" and .value == "monitoring")' ;;
    view) ours='.name | startswith("managed-by-monitoring-")' ;;
    rule) ours='.labels.managed_by == "monitoring"' key=.alert ;;
    quiet-hours) ours='.description == "managed by monitoring"' ;;
  esac
  # An answer in another form must fail here: taken for an empty list, it would have everything made again.
  local objects='(. // [])[]'
  [ "$1" != dashboard ] || objects=. # one answer each
  # A line break in a name would begin another object, whose id is text from that name.
  jq --raw-output --argjson names "$channel_names" ".data | $objects | select($ours) | [.id, ($key | gsub(\"[\\t\\n]\"; \" \")), (del(.updatedAt, .updatedBy, .createdAt,
    .createdBy, .state, .status, .locked) | tojson)] | join(\"\t\")" "$work/answer" 2>/dev/null
}

digests() { # FILE: SHA-256 of each line's last column, which also stays in a file of FILE.lines
  rm -rf "$1.lines"
  mkdir "$1.lines"
  [ ! -s "$1" ] || {
    cut -f 3- "$1" | split -l 1 -a 4 - "$1.lines/"
    sha256sum "$1.lines"/* | cut -d ' ' -f 1
  }
}

read_own() { # KIND: SigNoz' objects of ours by key: own_id, own_digest of its copy, own_locked
  local kind=$1 path id key query='' index=0 copies=()
  path=$(path_of "$kind")
  [ "$kind" != dashboard ] || query='?limit=200&query=managed-by%20%3D%20%27monitoring%27'
  own_id=() own_digest=() own_locked=() superfluous[$kind]=
  api GET "$path$query" || return 1
  if [ "$kind" = dashboard ]; then
    # The list of dashboards leaves out their panels.
    jq --raw-output '.data.dashboards[] | [.id, .name, .locked] | @tsv' "$work/answer" >"$work/listed" 2>/dev/null || return 1
    : >"$work/dashboards"
    while IFS=$'\t' read -r id key locked; do
      [ "$locked" = false ] || own_locked[$key]=yes
      api GET "$path/$id" || return 1
      cat "$work/answer" >>"$work/dashboards"
    done <"$work/listed"
    mv "$work/dashboards" "$work/answer"
  fi
  own "$kind" >"$work/own" || return 1
  mapfile -t copies < <(digests "$work/own")
  while IFS=$'\t' read -r id key _; do
    if [ -n "${own_id[$key]:-}" ]; then
      superfluous[$kind]+=$id$'\t'$key$'\n'
    else
      own_id[$key]=$id own_digest[$key]=${copies[index]}
    fi
    index=$((index + 1))
  done <"$work/own"
}

own_as_json() { # {KEY: ID}; neither holds a character that JSON escapes
  local key pairs=
  for key in "${!own_id[@]}"; do pairs+=", \"$key\": \"${own_id[$key]}\""; done
  echo "{${pairs#, }}"
}

# --- What it should have ----------------------------------------------------------------------------------

# bodies KIND FIELD: lines "FIELD <tab> KEY <tab> BODY", with what is known only here put into rules
channels=null dashboards='{}'
bodies() {
  if [ "$1" != rule ]; then
    grep "^$2"$'\t' "$work/bodies" || true
    return
  fi
  # A rule may only name channels that exist; one that could not be made must not take the rule with it. SigNoz
  # refuses a rule without any, unless its routing policies are to decide, which may be none.
  jq --raw-output --argjson channels "$channels" --argjson dashboards "$dashboards" '.rules[]
    | .annotations[] |= gsub("/dashboard/@(?<name>[a-z0-9-]+)@"; "/dashboard/\($dashboards[.name] // "")")
    | if $channels then .condition.thresholds.spec[].channels |= map(select($channels[.])) else . end
    | if .condition.thresholds.spec[0].channels == [] then .notificationSettings.usePolicy = true else . end
    | ["rules", .alert, tojson] | join("\t")' "$work/content"
}

write() { # KIND KEY BODY_FILE: creates or replaces; a locked dashboard is unlocked for the write and locked again
  local kind=$1 id=${own_id[$2]:-} body=$3 locked=${own_locked[$2]:-} path
  path=$(path_of "$kind")
  if [ -z "$id" ]; then
    api POST "$path" "$body"
    return
  fi
  if [ "$kind" = rule ] && grep -q '"usePolicy":true' "$body"; then
    # An update to no channels would leave the rule's routes behind, and SigNoz then refuses to delete the channels.
    api DELETE "$path/$id" && api POST "$path" "$body"
    return
  fi
  if [ "$kind" = view ]; then
    # A view's name is its identity: in the body of an update SigNoz refuses it.
    jq 'del(.name)' "$body" >"$work/update"
    body=$work/update
  fi
  [ -z "$locked" ] || api DELETE "$path/$id/lock" || return 1
  api PUT "$path/$id" "$body" || return 1
  [ -z "$locked" ] || api PUT "$path/$id/lock"
}

failure() { # KIND: why, without what could quote a secret
  if [ "$1" = channel ]; then
    echo "$status from SigNoz: check the address, token and channel in the configuration"
  elif [ "$status" = 409 ]; then
    echo "$(reason): an object that is not ours has this name, rename it in SigNoz"
  else
    reason
  fi
}

# SigNoz v0.138.0 drops at each start that a rule's critical notice silences its warning, and no answer of its API
# shows it.
forgotten() { # KIND BODY_FILE
  [ "$1 $restarted" = "rule yes" ] && jq --exit-status '.condition.thresholds.spec | length > 1' "$2" >/dev/null
}

apply() { # KIND FIELD: every body of the content's FIELD; fails when SigNoz' objects cannot be listed
  local kind=$1 key body object verb secret index=0 wanted=() changed=()
  local -A digest=()
  if ! read_own "$kind"; then
    say failed "$kind" "cannot be listed: $(reason)"
    return 1
  fi
  bodies "$kind" "$2" >"$work/wanted"
  mapfile -t wanted < <(digests "$work/wanted")
  local files=("$work/wanted.lines"/*)
  while IFS=$'\t' read -r _ key body <&3; do
    object="$kind $key" digest[$key]=${wanted[index]}
    if [ "${state[$object]:-}" = "${wanted[index]} ${own_digest[$key]:-}" ] && ! forgotten "$kind" "${files[index]}"; then
      say unchanged "$object"
    elif [[ $body == *'{"fromSecret":"'* ]]; then
      secret=${body#*'{"fromSecret":"'}
      say failed "$object" "the secret ${secret%%'"'*} is not among the secrets"
    elif write "$kind" "$key" "${files[index]}"; then
      verb=created
      [ -z "${own_id[$key]:-}" ] || verb=updated
      say "$verb" "$object"
      changed+=("$key")
    else
      say failed "$object" "$(failure "$kind")"
    fi
    index=$((index + 1))
  done 3<"$work/wanted"
  [ ${#changed[@]} -eq 0 ] || read_own "$kind" || return 1
  for key in "${changed[@]}"; do state["$kind $key"]="${digest[$key]} ${own_digest[$key]:-}"; done
  for key in "${!own_id[@]}"; do
    if [ -z "${digest[$key]:-}" ]; then
      superfluous[$kind]+=${own_id[$key]}$'\t'$key$'\n'
      # Not `unset`, which would run what the name holds: it is what somebody with SigNoz' role of editor typed.
      state["$kind $key"]=
    fi
  done
}

remove_superfluous() { # KIND
  local kind=$1 id key
  while IFS=$'\t' read -r id key <&3; do
    [ -n "$id" ] || continue
    [ "$kind" != dashboard ] || api DELETE "$(path_of dashboard)/$id/lock" || true
    if api DELETE "$(path_of "$kind")/$id"; then
      say removed "$kind $key"
    else
      say failed "$kind $key" "not removed: $(reason)"
    fi
  done 3< <(sort -k 2 <<<"${superfluous[$kind]:-}")
}

# --- Start ------------------------------------------------------------------------------------------------

read_inputs() {
  local file
  for file in "$content_file" "$credentials" ${secrets:+"$secrets"}; do
    [ -r "$file" ] || fail "$file: not readable"
  done
  if [ "$(head -c 1 "$content_file")" = '{' ]; then
    cat "$content_file" >"$work/packed"
  else
    base64 -d "$content_file" 2>/dev/null | gzip -d >"$work/packed" 2>/dev/null ||
      fail "$content_file: neither JSON nor gzip+base64"
  fi
  if [ -n "$secrets" ]; then cat "$secrets"; else echo '{}'; fi >"$work/secrets"
  # {"fromSecret": name} stands for a secret, which must never be part of instance metadata.
  # shellcheck disable=SC2016 # $secrets is jq's
  jq --compact-output --slurpfile secrets "$work/secrets" '(.channels | .. | objects | select(($secrets[0][.fromSecret? // ""] // "") != ""))
    |= $secrets[0][.fromSecret]' "$work/packed" >"$work/content" 2>/dev/null || fail "$content_file or $secrets: not JSON"
  # The content as lines, see bodies.
  jq --raw-output '(to_entries[] | select(.value[0]?.name?) | .key as $field | .value[] | [$field, .name, tojson]),
    ["channelNames", "", (.channelNames | tojson)]
    | join("\t")' "$work/content" >"$work/bodies"
  channel_names=$(bodies '' channelNames | cut -f 3)
  if [ -r "$state_file" ]; then
    local object digests
    while IFS=$'\t' read -r object digests; do state[$object]=$digests; done <"$state_file"
  fi
  [ "${SIGNOZ_STARTED:-}" = "${state[started]:-}" ] || restarted=yes
}

save_state() {
  local object
  for object in "${!state[@]}"; do
    [ -z "${state[$object]}" ] || printf '%s\t%s\n' "$object" "${state[$object]}"
  done | sort >"$state_file.new"
  mv "$state_file.new" "$state_file"
}

apply_rules() {
  local failed_before=${count[failed]}
  if ! wait_for_alertmanager; then
    say failed rule "SigNoz has not started its alertmanager after $ready_seconds s, so no notice is sent: $(reason)"
  fi
  apply rule rules || true
  [ "${count[failed]}" -gt "$failed_before" ] || [ -z "${SIGNOZ_STARTED:-}" ] || state[started]=$SIGNOZ_STARTED
}

main() {
  local kind
  read_inputs
  wait_until_ready
  log_in
  if apply channel channels; then channels=$(own_as_json); fi
  if apply dashboard dashboards; then dashboards=$(own_as_json); fi
  apply view views || true
  apply_rules
  apply quiet-hours quietHours || true
  # What uses something else goes first.
  for kind in quiet-hours rule view dashboard channel; do remove_superfluous "$kind"; done
  log_out
  save_state
  printf 'provision: %d created, %d updated, %d unchanged, %d removed, %d failed\n' \
    "${count[created]}" "${count[updated]}" "${count[unchanged]}" "${count[removed]}" "${count[failed]}"
  [ "${count[failed]}" -eq 0 ]
}

main
