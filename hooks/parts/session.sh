# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: what happens at a session start, in the background and on request.

# The state folder, made when missing, for its owner alone. It ignores itself, so `git add -A` in a checkout cannot take
# a key.
open_state() {
  case $client_folder in
    "" | *"$newline"*) return 1 ;;
  esac
  [ -d "$state" ] || { mkdir -p "$state" && hand_over "$state"; } || return 1
  [ -w "$state" ] || return 1
  now=$(date +%s)
  if [ -n "${1-}" ]; then
    # A full disk takes a name, but not a byte.
    { put probe . && rm -f "$state/probe"; } || return 1
  fi
  if [ ! -s "$state/.gitignore" ]; then
    put .gitignore "*$newline" || return 1
    chmod -R go= "$state"
  elif [ -n "${1-}" ] && [ -n "$(find "$state" -prune \( -perm -040 -o -perm -020 -o -perm -010 -o -perm -004 -o -perm -002 -o -perm -001 \))" ]; then
    # An older hook, a copy or a restore left it open.
    chmod -R go= "$state"
  fi
}

# What root makes in a person's folder (sudo, which on macOS keeps HOME) would shut that person out.
hand_over() {
  # shellcheck disable=SC2012 # the owner stands before any name
  [ -O "$client_folder" ] || chown "$(ls -dn "$client_folder" | awk '{ print $3 ":" $4 }')" "$1" || :
}

# remedy := the command that lets open_state succeed.
explain_state() {
  quote "$state"
  if [ ! -e "$state" ]; then
    remedy="mkdir -p $quoted"
  elif [ ! -d "$state" ]; then
    remedy="rm $quoted"
  elif [ ! -O "$state" ]; then
    remedy="sudo chown -R \"\$(id -u)\" $quoted"
  elif [ ! -w "$state" ]; then
    remedy="chmod u+rwx $quoted"
  else
    remedy="df -h $quoted   # free some space there"
  fi
}

session_start() {
  notice=
  open_state || {
    # At every start, since nothing can note it; not where the whole folder is read-only, which may be so on purpose.
    [ -e "$state" ] && [ -w "$client_folder" ] || return 0
    explain_state
    client_answer "$client_name telemetry is not kept in step: $state cannot be written. To mend it: $remedy" ""
    return 0
  }
  [ ! -e "$state/off" ] || return 0
  stored_key
  key_is_given || renew_key
  if [ -s "$state/notice" ]; then
    slurp "$state/notice"
    tell "$text"
    rm -f "$state/notice"
  fi
  session_lines=
  if [ -n "$key" ]; then
    compose
    if ! { variables_in_step && client_in_step; } && lock settings; then
      keep_settings
      unlock settings
    fi
    slurp "$state/verdict"
    case $text in
      ours*) session_lines=$exports ;;
    esac
    if [ "$now" -ge "$next_watch" ]; then
      put gate "$((now + watch_seconds))$newline$reach$newline"
      spawn sh "$self" watch
    fi
  fi
  if [ "$instrument_programs" != true ] && [ -n "$session_lines" ]; then
    # It names the engineer and harms nobody's programs: no address, no key.
    quote "$attributes"
    session_lines="export OTEL_RESOURCE_ATTRIBUTES=$quoted$newline"
  fi
  client_answer "$notice" "$session_lines"
}

# Brings the certificate, the profile's file and the client's settings in step with $key, and queues what the engineer
# should know. Where telemetry is switched off or goes elsewhere nothing of ours may be. The caller holds the lock.
keep_settings() {
  [ ! -e "$state/off" ] || return 1
  write_ca || {
    reason="which belongs to somebody else: take that folder away"
    [ ! -O "${certificate%/*}" ] || reason="the disk is full"
    tell_once "The certificate cannot be kept in ${certificate%/*}, $reason."
    return 1
  }
  client_model
  before_verdict=
  slurp "$state/verdict" && before_verdict=${text%"$newline"}
  if [ "$verdict_of_model" = ours ]; then
    client_keep
  else
    client_keep remove
  fi
  # After the client's settings: the next start takes the two files for the sign that those were written.
  put verdict "$verdict_of_model $why$newline"
  [ "$verdict_of_model" = ours ] || exports=
  put env "$exports"
  slurp "$state/obstacle"
  told_obstacle=$text
  [ "$verdict_of_model" = ours ] || obstacle="$verdict_of_model: $why"
  put obstacle "$obstacle"
  case $verdict_of_model in
    off) ;;
    elsewhere)
      [ "$before_verdict" = "$verdict_of_model $why" ] ||
        tell "$client_name's telemetry is left alone: $why. No key was put there."
      ;;
    *)
      [ -z "$changed" ] || [ -n "$obstacle" ] || tell "$client_name telemetry is set in $settings and reports from the next session on."
      if [ -n "$obstacle" ] && [ "$obstacle" != "$told_obstacle" ]; then
        quote "$state/env"
        tell "$settings cannot hold the telemetry settings: $obstacle. Add this line to your shell profile once: [ ! -r $quoted ] || . $quoted"
      fi
      ;;
  esac
}

# Waits for a key only the first time a generation is met; later attempts happen in the background.
renew_key() {
  read_attempt
  if [ "$attempted" != "$key_generation" ]; then
    lock key || return 0
    # Somebody may have fetched it since.
    read_attempt
    if [ "$attempted" = "$key_generation" ]; then
      stored_key
    else
      find_route
      if [ "$verdict_of_model" = off ]; then
        write_attempt "$retry_seconds" "$source" "not asked: $why"
      else
        fetch_key 28 together || first_failure
      fi
    fi
    unlock key
  elif [ "$now" -ge "$not_before" ]; then
    write_attempt "$retry_seconds" "$source" "$outcome"
    spawn sh "$self" background
  fi
}

# route := the way to the gate, and verdict_of_model, for those who do not need the settings yet.
find_route() {
  read_place
  wanted=
  client_model
}

first_failure() {
  [ -n "$key" ] ||
    tell "$client_name telemetry has no ingestion key yet ($failures). To see what to do: $command_line doctor"
  spawn sh "$self" background
}

# What nobody waits for: a slow source gets 20 s. Its findings are told at the next session start.
background() {
  notice=
  open_state check && [ ! -e "$state/off" ] && lock key || return 0
  stored_key
  read_attempt
  find_route
  [ "$verdict_of_model" = off ] || fetch_key 200 each
  find "$state" \( -name 'tmp.*' -o -name 'asking.*' \) -mmin +5 -exec rm -f {} +
  unlock key
  [ -n "$key" ] && lock settings || return 0
  compose
  keep_settings
  unlock settings
  [ -z "$notice" ] || put notice "$notice"
}

# Looks after the gate in the background, every ten minutes of use. Out of reach of the client itself, on the way that it
# takes (a firewall that swallows packets, as outside the allowed sources), it costs each session 2 s at its exit, so that
# is noted, and looked at again at every start; a refused key is renewed, once an hour at most.
watch_seconds=600

watch() {
  open_state check && [ ! -e "$state/off" ] && lock gate || return 0
  stored_key
  read_gate
  find_route
  before=$reach
  curl_status=
  [ "$verdict_of_model" != ours ] || try_key "${key:-none}"
  # Only an answer that nobody can give the client either: 28 is curl's time-out. Anything else leaves the client its own wait.
  [ "$verdict_of_model" = ours ] && [ "$curl_status" = 28 ] && reach=silent || reach=
  [ -n "$reach" ] && pause=0 || pause=$watch_seconds
  put gate "$((now + pause))$newline$reach$newline"
  unlock gate
  if key_is_given; then
    notice=
    case ${verdict-} in
      refused) tell_once "$given_refused" ;;
      # The next refusal is told again.
      accepted) rm -f "$state/told" ;;
    esac
    [ -z "$notice" ] || put notice "$notice"
  fi
  read_attempt
  if [ "${verdict-}" = refused ] && ! key_is_given && [ "$now" -ge "$((asked_at + retry_seconds))" ]; then
    background
  elif [ "$reach" != "$before" ] && lock settings; then
    compose
    keep_settings
    unlock settings
  fi
}

refresh() {
  notice=
  open_state check || {
    explain_state
    echo "telemetry-hook: $state cannot be written; reporting needs a place for its state: $remedy" >&2
    return 1
  }
  rm -f "$state/off"
  stored_key
  read_attempt
  find_route
  if key_is_given; then
    try_key "$key"
    echo "Key: SIGNOZ_KEY of this shell, $verdict by the gate"
    [ "$verdict" != refused ] || echo "$given_refused" >&2
  elif fetch_key 600 each; then
    echo "Key: from $source, $verdict by the gate"
  else
    echo "No key: $failures" >&2
    [ -n "$key" ] || return 1
    echo "The copy from before stays in use." >&2
  fi
  compose take
  lock_patiently settings || {
    echo "telemetry-hook: a session start is writing the settings just now; run refresh again" >&2
    return 1
  }
  rm -f "$state/obstacle" "$state/verdict"
  keep_settings
  unlock settings
  [ "$verdict_of_model" != off ] || notice="Nothing is sent: $client_name's telemetry is off, $why"
  echo "${notice:-"Settings are in step: $settings"}"
}

# `off` comes first: what still runs in the background finds it before it writes anything. It is empty as long as the other
# state is needed here.
uninstall() {
  [ -d "$client_folder" ] || {
    echo "Nothing is installed in $client_folder."
    return 0
  }
  { open_state check && put off ""; } || {
    explain_state
    echo "telemetry-hook: $state cannot be written, so nothing is switched off: $remedy" >&2
    return 1
  }
  key=
  compose
  find_layers
  find_obstacle
  lock_patiently settings || {
    echo "telemetry-hook: a session start is writing the settings just now; run uninstall again" >&2
    return 1
  }
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
  put off "$(date)$newline"
  clear_state
  echo "Reporting is off. On again: $command_line refresh"
}

clear_state() {
  case $certificate in
    /var/tmp/telemetry-hook-*/ca.pem) rm -rf "${certificate%/ca.pem}" ;;
  esac
  for file in "$state"/*; do
    case $file in
      */off) ;;
      *) rm -f "$file" ;;
    esac
  done
}
