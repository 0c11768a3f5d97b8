# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# Part of telemetry-hook.sh: status and doctor. Neither prints a key.

. "${self%/*}/parts/status.sh"

# One finding: pass, warn or fail, what was looked at, what was found, and the command that mends it.
finding() {
  [ "$1" != fail ] || failed=true
  if "$as_json"; then
    escape "$3"
    detail=$escaped
    escape "${4-}"
    findings="$findings${findings:+,}$newline  {\"status\":\"$1\",\"check\":\"$2\",\"detail\":\"$detail\",\"fix\":\"$escaped\"}"
  else
    printf '%-5s%-12s%s\n' "$1" "$2" "$3${4:+$newline                 → $4}"
  fi
}

doctor() {
  as_json=false
  live=false
  failed=false
  findings=
  for option; do
    case $option in
      --json) as_json=true ;;
      --live) live=true ;;
      *)
        echo "telemetry-hook: doctor takes --json and --live, not $option" >&2
        return 2
        ;;
    esac
  done
  if ! open_state check; then
    explain_state
    finding fail state "$state cannot be written" "$remedy"
  else
    look
    for check in tools $client_checks switch variables signals sources clock; do "check_$check"; done
    ! "$live" || check_live
    rm -f "$state/tmp.$$".*
  fi
  ! "$as_json" || printf '[%s\n]\n' "$findings"
  ! "$failed"
}

check_tools() {
  for tool in jq curl awk; do
    if ! command -v "$tool" >/dev/null; then
      finding warn "$tool" "not installed" "brew install $tool || sudo apt-get install $tool"
      continue
    fi
    jq_fault=
    [ "$tool" != jq ] || find_jq_fault
    case $jq_fault in
      "") finding pass "$tool" "$(command -v "$tool")" ;;
      *"too old"*) finding fail jq "it $jq_fault" "put a newer one before it on PATH: brew install jq, or the program from https://jqlang.org/download" ;;
      *) finding fail jq "it $jq_fault" "install jq again: brew reinstall jq || sudo apt-get install --reinstall jq" ;;
    esac
  done
}

check_switch() {
  if [ -e "$state/off" ]; then
    slurp "$state/off"
    finding fail reporting "switched off by uninstall${text:+, ${text%"$newline"}}" "$command_line refresh"
  elif [ "$verdict_of_model" != ours ] && find_worst && [ -z "$worst" ] && [ -n "$key" ]; then
    # Something stronger overrides it for now; the next session start takes the variables out.
    finding warn reporting "$verdict_of_model: $why, which the settings in place override until the next session" "take it out there to go on reporting"
  elif [ "$verdict_of_model" != ours ]; then
    finding fail reporting "$verdict_of_model: $why" "take it out there, then: $command_line refresh"
  fi
  # A folder that others read gives the key away.
  if [ -e "$settings" ] && [ -n "$(find "$settings" -prune \( -perm -040 -o -perm -004 \) 2>/dev/null)" ] &&
    grep -q 'signoz-ingestion-key=' "$settings"; then
    quote "$settings"
    finding warn variables "$settings holds the key and other users may read it" "chmod go= $quoted"
  fi
}

# What each signal meets on its way out of the client.
check_variables() {
  command -v jq >/dev/null || {
    finding warn variables "cannot look into $settings without jq"
    return
  }
  [ -n "$facts" ] || {
    finding fail variables "the settings cannot be read: ${jq_complaint:-jq does not run}" "see jq above"
    return
  }
  quote "$state/env"
  mend="$command_line refresh"
  [ -z "$obstacle" ] || mend="put into your shell profile, then open a new shell: [ ! -r $quoted ] || . $quoted"
  if [ -z "$key" ]; then
    finding fail variables "not written: there is no key yet" "$command_line refresh"
    return
  fi
  sound=
  while IFS=$unit read -r name rest; do
    case $name in
      METRICS | LOGS | TRACES)
        fault=${rest%%"$unit"*}
        case $fault in
          "") sound="$sound $name" ;;
          "OTEL_${name}_EXPORTER is \"none\" (by $settings)") finding warn variables "$name are off: $fault" "take it out there" ;;
          *'is ""') finding fail variables "missing for $name: ${fault%% *}${obstacle:+; $settings cannot hold them: $obstacle}" "$mend" ;;
          *) finding fail variables "$name do not reach the gate: $fault" "take it out there, then: $command_line refresh" ;;
        esac
        ;;
    esac
  done <<LIST
$facts
LIST
  [ -z "$sound" ] || finding pass variables "in place for$sound"
}

. "${self%/*}/parts/doctor/gate.sh"

. "${self%/*}/parts/doctor/sources.sh"

# A wrong clock makes certificates look expired. Google's answer carries its own.
check_clock() {
  ticks=50
  bounded curl --silent --show-error --max-time 4 --output /dev/null --dump-header - https://secretmanager.googleapis.com/
  there=$(printf '%s\n' "$output" | tr -d '\r' | sed -n 's/^[Dd]ate: //p')
  [ -n "$there" ] || return 0
  there=$(date -u -d "$there" +%s 2>/dev/null || date -j -u -f '%a, %d %b %Y %T GMT' "$there" +%s 2>/dev/null) || return 0
  skew=$(($(date +%s) - there))
  if [ "${skew#-}" -le 120 ]; then
    finding pass clock "within ${skew#-} s of Google's"
  else
    finding fail clock "off by $skew s" "sudo sntp -sS time.google.com || sudo timedatectl set-ntp true"
  fi
}

# What the client itself says about its first export: one short session, which costs one model call.
check_live() {
  client_sees || {
    finding warn live "the client is not on PATH"
    return
  }
  # A refused key stands readable in that line.
  [ -z "$key" ] || while :; do
    case $said in
      *"$key"*) said="${said%%"$key"*}***${said#*"$key"}" ;;
      *) break ;;
    esac
  done
  case $said in
    *SUCCESS*) finding pass live "$said" ;;
    "") finding fail live "the session exported nothing" "$command_line doctor   # see the lines above" ;;
    *) finding fail live "$said" "$command_line refresh" ;;
  esac
}
