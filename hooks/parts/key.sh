# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# Part of telemetry-hook.sh: the ingestion key. Order: SIGNOZ_KEY, the copy from before, the engineer's own secret in
# Secret Manager, 1Password, the shared secret. An attempt is written down before it is made, so a hang or a kill counts
# as failed.

retry_seconds=3600
refresh_seconds=86400

# Sets what the last attempt left: not_before and asked_at (epoch), attempted (generation), source, outcome.
read_attempt() {
  not_before=0
  asked_at=0
  attempted=
  source=
  outcome=
  [ -r "$state/attempt" ] || return 0
  {
    read -r not_before
    read -r attempted
    read -r source
    read -r outcome
    read -r asked_at
  } <"$state/attempt"
  case $not_before in
    "" | *[!0-9]*) not_before=0 ;;
  esac
  # Further ahead than a day was written by a clock that was ahead.
  [ "$not_before" -le "$((now + refresh_seconds + 60))" ] || not_before=0
}

# seconds until the next one, source, outcome
write_attempt() {
  asked_at=$(date +%s)
  put attempt "$((asked_at + $1))$newline$key_generation$newline$2$newline$3$newline$asked_at$newline"
}

# What the gate takes (keys-map.sh), but for the length.
is_key() {
  case $1 in
    "" | [.+@-]* | *[!A-Za-z0-9._+@-]*) return 1 ;;
  esac
  [ "${#1}" -le 1024 ]
}

# owner := whose key $1 is, empty for a shared one: a key of one's own is <engineer>.<secret>, and the gate stamps the
# engineer whatever a session claims.
find_owner() {
  case $1 in
    ?*.?*) owner=${1%.*} ;;
    *) owner= ;;
  esac
}

# account := the address that gcloud is logged in as, from its own files: starting gcloud takes a second.
find_account() {
  account=${CLOUDSDK_CORE_ACCOUNT-}
  [ -z "$account" ] || return 0
  folder=${CLOUDSDK_CONFIG:-${HOME-}/.config/gcloud}
  name=${CLOUDSDK_ACTIVE_CONFIG_NAME-}
  [ -n "$name" ] || ! slurp "$folder/active_config" || name=${text%%"$newline"*}
  if slurp "$folder/configurations/config_${name:-default}"; then
    account=$(printf '%s\n' "$text" | sed -n '/^\[core\]/,/^\[[^c]/s/^account *= *//p' | head -n 1)
  fi
  [ -n "$account" ] || ! command -v gcloud >/dev/null || ! bounded gcloud config get-value account || account=$output
}

# own_secret := the id of this engineer's own secret, empty when nobody knows who it is. The rule is idOf and engineerOf
# of infra/config: the part before the @ in lower case, and a dash for what an id cannot hold.
find_own_secret() {
  own_secret=
  case $personal_key_secret in
    *"{engineer}"*) ;;
    *) return 0 ;;
  esac
  find_account
  case $account in
    *[[:space:]]* | @*) return 0 ;;
    *?@?*) ;;
    *) return 0 ;;
  esac
  id=$(printf '%s' "${account%%@*}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9-' -)
  own_secret=${personal_key_secret%%"{engineer}"*}$id${personal_key_secret#*"{engineer}"}
}

ask_one_password() {
  [ -n "$one_password_reference" ] || {
    complaint="not configured"
    return 1
  }
  command -v op >/dev/null || {
    complaint="not installed"
    return 1
  }
  bounded op read --no-newline "$one_password_reference"
}

# Asks Secret Manager for secret $1 and, when $2 names one, beside it for that: one after the other would outlast a
# session's start. output := the first's payload, or failing that the second's; answered_by := which. complaint := what
# was said of the last.
ask_secret_manager() {
  answered_by=$1
  own_complaint=
  command -v gcloud >/dev/null || {
    complaint="not installed"
    return 1
  }
  bounded sh -c '
    project=$1 first=$2 second=$3 work=$4
    access() { gcloud secrets versions access latest --secret="$1" --project="$project" --quiet; }
    [ -n "$second" ] || { access "$first"; exit; }
    { access "$second" >"$work.b" 2>"$work.b-said"; echo $? >"$work.b-status"; } &
    access "$first" >"$work.a" 2>"$work.a-said" && { cat "$work.a"; exit 0; }
    wait
    read -r code <"$work.b-status"
    cat "$work.b"
    cat "$work.b-said" >&2
    cp "$work.a-said" "$work.own"
    [ "$code" = 0 ] && exit 9
    exit "$code"' sh "$project" "$1" "${2-}" "$state/asking.$$"
  asked=$?
  slurp "$state/asking.$$.own" && own_complaint=$text
  rm -f "$state/asking.$$".*
  [ "$asked" != 9 ] || {
    answered_by=$2
    asked=0
  }
  return "$asked"
}

# Keeps $output as the key unless it is none or the gate refuses it. $1 is its source.
take_key() {
  if ! is_key "$output"; then
    reason="its answer is not a key"
    return 1
  fi
  fetched=$output
  output=
  try_key "$fetched"
  if [ "$verdict" = refused ]; then
    reason="its key is refused by the gate"
    return 1
  fi
  key=$fetched
  source=$1
  # After uninstall no key may stay.
  [ ! -e "$state/off" ] || return 0
  # On a full disk nothing may look done: the next start asks again.
  put key "$key$newline" || {
    rm -f "$state/attempt"
    return 0
  }
  # A key nobody could check yet is looked at again within the hour.
  [ "$verdict" = accepted ] && pause=$refresh_seconds || pause=$retry_seconds
  write_attempt "$pause" "$1" "$verdict by the gate"
}

failed_source() {
  failures="${failures:+$failures; }$1: $reason"
}

# Asks each source in turn, giving all together or each $1 tenths of a second ($2), and keeps the first key that the gate
# does not refuse: a 1Password item that nobody updated must not hide the new key.
fetch_key() {
  write_attempt "$retry_seconds" "$source" "asked, no answer yet"
  failures=
  shared_answer=
  shared_complaint=
  ticks=$1
  find_own_secret
  if [ -n "$own_secret" ]; then
    # With 1Password beside it the shared secret is asked for only when that has nothing.
    [ -n "$one_password_reference" ] && beside= || beside=$ingestion_key_secret
    if ask_secret_manager "$own_secret" "$beside" && [ "$answered_by" = "$own_secret" ]; then
      take_key "own secret" && return 0
      failed_source "own secret"
    elif keeps_own_key; then
      write_attempt "$retry_seconds" "own secret" "kept: Secret Manager did not say whether it is still there"
      return 0
    fi
    if [ -n "$beside" ] && [ "$asked" = 0 ]; then
      shared_answer=$output
    elif [ -n "$beside" ]; then
      shared_complaint=$complaint
    fi
  fi
  [ "$2" = together ] || ticks=$1
  if ask_one_password; then
    take_key 1Password && return 0
  else
    explain_one_password
  fi
  failed_source 1Password
  [ "$2" = together ] || ticks=$1
  if [ -n "$shared_answer" ]; then
    output=$shared_answer
    take_key "Secret Manager" && return 0
  elif [ -z "$shared_complaint" ] && ask_secret_manager "$ingestion_key_secret"; then
    take_key "Secret Manager" && return 0
  else
    complaint=${shared_complaint:-$complaint}
    explain_gcloud "$ingestion_key_secret"
  fi
  failed_source "Secret Manager"
  source=
  write_attempt "$retry_seconds" "" "$failures"
  return 1
}

# Whether the engineer's own key stays although Secret Manager gave none: only a clear answer takes it away, since the
# shared key would make every record unverified.
keeps_own_key() {
  find_owner "$key"
  [ -n "$owner" ] || return 1
  case ${own_complaint:-$complaint} in
    *NOT_FOUND* | *PERMISSION_DENIED* | *FAILED_PRECONDITION* | *DISABLED* | *DESTROYED*) return 1 ;;
  esac
  try_key "$key"
  [ "$verdict" != refused ]
}

# key := the key to use now, empty when there is none.
stored_key() {
  key=${SIGNOZ_KEY-}
  if [ -n "$key" ]; then
    is_key "$key" && return 0
    tell_once "SIGNOZ_KEY is not an ingestion key (letters, digits and ._+@- only) and is ignored."
  fi
  slurp "$state/key"
  key=${text%"$newline"}
  is_key "$key" || key=
}

# The engineer's word stands: no other source is asked while SIGNOZ_KEY is set. So they must hear of it.
given_refused="SIGNOZ_KEY is refused by the gate, so nothing of these sessions is stored: set the new key, or take the variable out where it is set, and the hook fetches one."

key_is_given() {
  [ -n "$key" ] && [ "$key" = "${SIGNOZ_KEY-}" ]
}
