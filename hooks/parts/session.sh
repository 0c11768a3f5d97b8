# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: what happens at a session start, in the background and on request.

# The state folder, made when missing. It ignores itself, so `git add -A` in a checkout cannot take a key.
open_state() {
  case $config_dir in
    "" | *"$newline"*) return 1 ;;
  esac
  [ -d "$state" ] || mkdir -p "$state" || return 1
  [ -s "$state/.gitignore" ] || put .gitignore "*$newline"
  [ -w "$state" ]
}

session_start() {
  notice=
  now=$(date +%s)
  open_state || return 0
  [ ! -e "$state/off" ] || return 0
  stored_key
  key_is_given || renew_key
  if [ -s "$state/notice" ]; then
    slurp "$state/notice"
    tell "$text"
    rm -f "$state/notice"
  fi
  if [ -n "$key" ]; then
    compose
    if ! in_step && lock settings; then
      sync_settings
      unlock settings
    fi
    slurp "$state/obstacle"
    case $text in
      *elsewhere*) ;;
      *) extend_session ;;
    esac
    if [ "$now" -ge "$next_watch" ]; then
      put gate "$((now + watch_seconds))$newline$reach$newline"
      spawn sh "$self" watch
    fi
  fi
  [ -z "$notice" ] || say "$notice"
}

# Waits for a key only the first time a generation is met; later attempts happen in the background.
renew_key() {
  read_attempt
  if [ "$attempted" != "$key_generation" ]; then
    lock key || return 0
    fetch_key 28 together || first_failure
    unlock key
  elif [ "$now" -ge "$not_before" ]; then
    write_attempt "$retry_seconds" "$source" "$outcome"
    spawn sh "$self" background
  fi
}

first_failure() {
  [ -n "$key" ] ||
    tell "Claude Code telemetry has no ingestion key yet ($failures). To see what to do: $self doctor"
  spawn sh "$self" background
}

# What nobody waits for: a slow source gets 20 s. Its findings are told at the next session start.
background() {
  notice=
  open_state && [ ! -e "$state/off" ] && lock key || return 0
  stored_key
  read_attempt
  fetch_key 200 each
  find "$state" -name 'tmp.*' -mmin +5 -exec rm -f {} +
  unlock key
  [ -n "$key" ] && lock settings || return 0
  compose
  sync_settings
  unlock settings
  [ -z "$notice" ] || put notice "$notice"
}

# Looks after the gate in the background, every ten minutes of use. Out of reach (a firewall that swallows
# packets, as outside the allowed sources) it costs each session 2 s at its exit, so that is noted, and
# looked at again at every start; a refused key is renewed, once an hour at most.
watch_seconds=600

watch() {
  open_state && [ ! -e "$state/off" ] && lock gate || return 0
  stored_key
  read_gate
  before=$reach
  try_key "${key:-none}"
  [ "$curl_status" = 28 ] && reach=silent || reach=
  [ -n "$reach" ] && pause=0 || pause=$watch_seconds
  put gate "$(($(date +%s) + pause))$newline$reach$newline"
  unlock gate
  read_attempt
  if [ "$verdict" = refused ] && ! key_is_given && [ "$(date +%s)" -ge "$((asked_at + retry_seconds))" ]; then
    background
  elif [ "$reach" != "$before" ] && lock settings; then
    compose
    sync_settings
    unlock settings
  fi
}

# Gives this session's Bash calls, and the programs they start, the same destination.
extend_session() {
  [ "$instrument_programs" = true ] && [ -n "${CLAUDE_ENV_FILE-}" ] || return 0
  slurp "$CLAUDE_ENV_FILE"
  case $text in
    *"$exports"*) ;;
    *) printf '%s' "$exports" 2>/dev/null >>"$CLAUDE_ENV_FILE" ;;
  esac
}

# The one line of stdout: Claude Code shows a systemMessage to the engineer and not to the model.
say() {
  escape "$1"
  printf '{"systemMessage":"%s"}\n' "$escaped" >&3
}

refresh() {
  notice=
  open_state || {
    echo "telemetry-hook: $state cannot be written; reporting needs a place for its state" >&2
    return 1
  }
  rm -f "$state/off"
  stored_key
  read_attempt
  if key_is_given; then
    echo "Key: SIGNOZ_KEY of this shell"
  elif fetch_key 600 each; then
    echo "Key: from $source, $verdict by the gate"
  else
    echo "No key: $failures" >&2
    [ -n "$key" ] || return 1
    echo "The copy from before stays in use." >&2
  fi
  compose
  lock_patiently settings || {
    echo "telemetry-hook: a session start is writing the settings just now; run refresh again" >&2
    return 1
  }
  rm -f "$state/obstacle"
  sync_settings
  unlock settings
  echo "${notice:-"Settings are in step: $settings"}"
}

# `off` comes first: what still runs in the background finds it before it writes anything.
uninstall() {
  if [ ! -d "$config_dir" ] || ! open_state || ! put off "$(date)$newline"; then
    echo "Nothing is installed in $config_dir."
    return 0
  fi
  key=
  compose
  find_obstacle
  lock_patiently settings
  if [ ! -L "$settings" ] && unedited; then
    if [ -e "$state/before" ]; then
      mv -f "$state/before" "$settings"
    else
      rm -f "$settings"
    fi && echo "$settings is as it was before, byte for byte."
  elif [ -e "$settings" ] && [ -z "$obstacle" ]; then
    rewrite "$strip"
    case $result in
      changed) echo "The telemetry variables are out of $settings; the edits made since are kept." ;;
      same) echo "$settings held nothing of the hook." ;;
      *)
        echo "telemetry-hook: $settings could not be rewritten; take the OTEL_* lines out of its env by hand" >&2
        return 1
        ;;
    esac
  elif grep -q 'signoz-ingestion-key=' "$settings" 2>/dev/null; then
    echo "telemetry-hook: $settings cannot be changed ($obstacle); take the OTEL_* lines out of its env by hand" >&2
    return 1
  fi
  for file in "$state"/*; do
    case $file in
      */off) ;;
      *) rm -f "$file" ;;
    esac
  done
  echo "Reporting is off. On again: $self refresh"
}
