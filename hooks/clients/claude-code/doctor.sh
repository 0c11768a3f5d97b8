# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Claude Code: what doctor asks of it.

# Both shapes occur in the wild; Claude Code skips the one without the inner `hooks` in silence.
check_registration() {
  registered=
  flat=
  while IFS= read -r file; do
    [ -r "$file" ] || continue
    if jq --exit-status 'any(.hooks.SessionStart[]?.hooks[]?.command; tostring | contains("telemetry-hook.sh"))' "$file" >/dev/null 2>&1; then
      registered=$file
    elif jq --exit-status 'any(.hooks.SessionStart[]?.command?; tostring | contains("telemetry-hook.sh"))' "$file" >/dev/null 2>&1; then
      flat=$file
    fi
  done <<LIST
$managed
$settings
LIST
  hooks_off=
  while IFS=$unit read -r name first _; do
    [ "$name" != hooks ] || hooks_off=$first
  done <<LIST
$facts
LIST
  case $registered in
    "" | "$settings") ;;
    *) case $hooks_off in "only managed hooks"*) hooks_off= ;; esac ;;
  esac
  if [ -n "$hooks_off" ]; then
    # What is in place goes on reporting; a new key or another gate would not be noticed.
    finding warn hook "Claude Code runs no hooks here: $hooks_off" "take it out there, or run $command_line refresh once a day"
  elif [ -n "$registered" ]; then
    finding pass hook "registered in $registered"
  elif [ -n "$flat" ]; then
    escape "$command_line"
    finding fail hook "$flat registers it without the inner hooks array, which Claude Code skips" \
      "install claude-config again; by hand: {\"hooks\":{\"SessionStart\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"$escaped\"}]}]}}"
  elif ! command -v jq >/dev/null; then
    finding warn hook "cannot look into $settings without jq"
  else
    finding fail hook "no SessionStart hook runs telemetry-hook.sh in $settings" "install claude-config again"
  fi
}

# What the layers make of each signal, and what spoils data on its way.
check_layers() {
  while IFS= read -r file; do
    [ -z "$file" ] || jq --exit-status 'type == "object"' "$file" >/dev/null 2>&1 ||
      finding fail managed "$file is not a JSON object: Claude Code does not start with it" "ask whoever manages this machine"
  done <<LIST
$managed
LIST
  while IFS=$unit read -r name first second; do
    case $name in
      note) finding warn spoilt "$first" "take it out there" ;;
      proxy)
        if [ -n "$first" ]; then
          finding pass proxy "telemetry goes through ${first##*@}: $second"
        elif [ -n "$second" ]; then
          finding pass proxy "$second"
        fi
        ;;
    esac
  done <<LIST
$facts
LIST
}

# Prints what Claude Code itself says about its first export: one short session, which costs one model call.
client_sees() {
  command -v claude >/dev/null || return 1
  ticks=900
  bounded sh -c 'cd "$1" && claude -p "Say ok." --debug-file "$2"' sh "$PWD" "$state/debug"
  said=$(sed -n 's/.*\[3P telemetry\] \(First [a-z]* export: .*\)/\1/p' "$state/debug" 2>/dev/null | tail -n 1)
  rm -f "$state/debug"
}
