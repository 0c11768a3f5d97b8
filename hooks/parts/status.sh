# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# age := how long ago an epoch second was, for people.
ago() {
  age=$(($(date +%s) - $1))
  if [ "$age" -lt 120 ]; then
    age="just now"
  elif [ "$age" -lt 7200 ]; then
    age="$((age / 60)) min ago"
  elif [ "$age" -lt 172800 ]; then
    age="$((age / 3600)) h ago"
  else
    age="$((age / 86400)) days ago"
  fi
}

# stamp := who the gate will say that the records of $key are from.
find_stamp() {
  find_owner "$key"
  if [ -n "$owner" ]; then
    stamp="$owner, verified by a key of one's own"
  else
    stamp="the engineer that a session names, not verified: the key is shared"
  fi
}

# Sets what status and doctor both start from.
look() {
  stored_key
  read_attempt
  compose
  [ -n "$key" ] || wanted=
  client_model full
  same_obstacle || return 0
  slurp "$state/obstacle"
  obstacle=$text
}

# worst := the first reason why a signal does not leave for the gate, empty when all do.
find_worst() {
  worst=
  while IFS=$unit read -r name rest; do
    case $name in
      METRICS | LOGS | TRACES)
        fault=${rest%%"$unit"*}
        worst=${worst:-$fault}
        ;;
    esac
  done <<LIST
$facts
LIST
}

status() {
  open_state || {
    explain_state
    echo "telemetry-hook: $state cannot be written: $remedy" >&2
    return 1
  }
  look
  find_worst
  state_of_key="none"
  if key_is_given; then
    state_of_key="SIGNOZ_KEY of this shell"
  elif [ -n "$key" ]; then
    state_of_key="copy of ${source:-an earlier fetch}"
  fi
  if [ -e "$state/off" ]; then
    reporting="off since uninstall; on again: $command_line refresh"
  elif [ "$verdict_of_model" = off ]; then
    reporting="off: $why"
  elif [ "$verdict_of_model" = elsewhere ]; then
    reporting="elsewhere: $why"
  elif [ -z "$key" ]; then
    reporting="not set up: no key; see: $command_line doctor"
  else
    reporting="${worst:-$endpoint_url}"
  fi
  stamp=nobody
  [ -z "$key" ] || find_stamp
  last=never
  if [ -n "$attempted" ]; then
    ago "$asked_at"
    last="$age: $outcome"
  fi
  printf '%-14s%s\n' \
    "Reports to" "$reporting" \
    "Should be" "$endpoint_url" \
    "As" "$attributes" \
    "Stamped as" "$stamp" \
    "Key" "$state_of_key, generation ${attempted:-unknown} (hook: $key_generation)" \
    "Last refresh" "$last" \
    "Variables in" "$([ -n "$obstacle" ] && echo "$state/env, because $settings: $obstacle" || echo "$settings")"
}
