# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Claude Code: its layers of settings, and what it makes of them.

# managed := the files of managed settings, lowest first, one a line. What a company serves from claude.ai is kept in
# remote-settings.json; macOS profiles are read through plutil.
find_managed() {
  managed=
  for folder in /etc/claude-code "/Library/Application Support/ClaudeCode" "/c/Program Files/ClaudeCode"; do
    [ -d "$folder" ] || continue
    for file in "$folder/managed-settings.json" "$folder/managed-settings.d"/*.json; do
      [ ! -f "$file" ] || managed=$managed$file$newline
    done
  done
  for file in "/Library/Managed Preferences/com.anthropic.claudecode.plist" "/Library/Managed Preferences/${USER-}/com.anthropic.claudecode.plist"; do
    [ -f "$file" ] || continue
    plutil -convert json -o "$state/managed.json" "$file" || continue
    managed=$managed$state/managed.json$newline
  done
  # It counts for people of an organization who are logged in, not with an API key.
  if [ -f "$client_folder/remote-settings.json" ] && [ -z "${ANTHROPIC_API_KEY-}${ANTHROPIC_AUTH_TOKEN-}" ]; then
    managed=$managed$client_folder/remote-settings.json$newline
  fi
}

# layers := the text of everything but settings.json that decides where telemetry goes.
find_layers() {
  find_managed
  layers=$shell_lines$newline
  [ -n "${knows_shell-}" ] || layers="${CLAUDE_CODE_ENABLE_TELEMETRY-}$newline"
  [ -n "$managed" ] || return 0
  while IFS= read -r file; do
    [ -z "$file" ] || ! slurp "$file" || layers=$layers$file$newline$text
  done <<LIST
$managed
LIST
}

model=$(cat "${self%/*}/clients/claude-code/model.jq")

# Runs the model over the layers. With `full` the project's layers and doctor's shell count too. verdict := ours, off or
# elsewhere, why := who says so, facts := the model's lines; route := the proxy, empty for none.
client_model() {
  find_layers
  verdict_of_model=ours
  why=
  facts=
  route=
  lines=$shell_lines
  [ "${1-}" = full ] && [ -z "${knows_shell-}" ] && lines=$(env)
  command -v jq >/dev/null || {
    model_without_jq
    return
  }
  set -- "${1-}"
  [ ! -f "$settings" ] || set -- "$@" --rawfile "1 $settings" "$settings"
  if [ "$1" = full ]; then
    [ ! -f "$PWD/.claude/settings.json" ] || [ "$PWD/.claude/settings.json" = "$settings" ] ||
      set -- "$@" --rawfile "2 $PWD/.claude/settings.json" "$PWD/.claude/settings.json"
    [ ! -f "$PWD/.claude/settings.local.json" ] || set -- "$@" --rawfile "3 $PWD/.claude/settings.local.json" "$PWD/.claude/settings.local.json"
  fi
  count=10
  while IFS= read -r file; do
    [ -r "$file" ] || continue
    count=$((count + 1))
    set -- "$@" --rawfile "4$count $file" "$file"
  done <<LIST
$managed
LIST
  shift
  unit=$(printf '\037')
  slurp "$state/owned"
  enabled_outside=
  [ -n "${knows_shell-}" ] || [ -n "$text" ] || [ "${CLAUDE_CODE_ENABLE_TELEMETRY-}" != 1 ] || enabled_outside=yes
  # The shell's lines go by stdin: they may hold the key and other secrets, and an argument is for everybody to read.
  facts=$(printf '%s\n' "$lines" | wanted=$wanted owned=$text endpoint_url=$endpoint_url enabled_outside=$enabled_outside \
    jq --raw-input --slurp --raw-output "$@" "$model" 2>"$state/tmp.$$.model") || {
    slurp "$state/tmp.$$.model"
    jq_complaint=${text%%"$newline"*}
    facts=
  }
  case $facts in
    *"verdict$unit"*) ;;
    *) model_without_jq ;;
  esac
  rm -f "$state/tmp.$$.model"
  while IFS=$unit read -r name first second; do
    case $name in
      verdict)
        verdict_of_model=$first
        why=$second
        ;;
      proxy) route=$first ;;
    esac
  done <<LIST
$facts
LIST
}

# Without a jq that works nothing can be read properly: a layer that so much as names the matter has its way.
model_without_jq() {
  case $layers in
    *OTEL_EXPORTER_OTLP_* | *CLAUDE_CODE_ENABLE_TELEMETRY*)
      case $shell_lines in *"$endpoint_url"*) return 0 ;; esac
      verdict_of_model=elsewhere
      why="another layer of settings sets OTEL_EXPORTER_OTLP_* or CLAUDE_CODE_ENABLE_TELEMETRY, and there is no jq that could read it"
      ;;
  esac
}

# Whether nothing has changed since the last look.
client_in_step() {
  find_layers
  slurp "$state/layers"
  [ "$text" = "$layers" ] || return 1
  if [ -e "$settings" ]; then
    cmp -s "$settings" "$state/seen" || return 1
  elif [ -e "$state/seen" ]; then
    return 1
  fi
  same_obstacle
}
