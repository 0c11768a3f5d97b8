# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Claude Code: the two ends of a session start.

client_open() {
  client_folder=${CLAUDE_CONFIG_DIR:-${HOME:+$HOME/.claude}}
  # At a session start Claude Code itself says where its folder is, which no repository can set.
  case ${CLAUDE_ENV_FILE-} in
    /*/session-env/*/*) client_folder=${CLAUDE_ENV_FILE%/session-env/*/*} ;;
  esac
  # A relative one counts from where the session was started, and the variables outlive that place.
  case $client_folder in
    "" | /*) ;;
    *) client_folder=$(cd "$client_folder" 2>/dev/null && pwd) || client_folder=$PWD/$client_folder ;;
  esac
  settings=$client_folder/settings.json
  state=$client_folder/telemetry-hook
  shell_lines=
  knows_shell=
  identity_is_anothers=
  set --
  [ -z "${CLAUDE_PROJECT_DIR-}" ] ||
    set -- "$CLAUDE_PROJECT_DIR/.claude/settings.json" "$CLAUDE_PROJECT_DIR/.claude/settings.local.json" \
      "$PWD/.claude/settings.json" "$PWD/.claude/settings.local.json"
  put_system_first "$@"
  find_functions "$@"
  find_shell_lines
  take_back "$@"
}

# shell_lines := the OTLP and proxy variables of the shell that Claude Code was started from, which it keeps from its
# hooks. Only Linux shows them; elsewhere doctor, run in a shell, sees its own.
find_shell_lines() {
  process_lines=
  [ -n "${CLAUDE_PID-}" ] || return 0
  slurp "/proc/$CLAUDE_PID/environ" || return 0
  knows_shell=yes
  case $text in
    *OTEL_* | *CLAUDE_CODE_ENABLE_TELEMETRY* | *_proxy*) ;;
    *) return 0 ;;
  esac
  read_process_lines
  shell_lines=$(printf '%s\n' "$process_lines" | grep -E '^((OTEL|CLAUDE_CODE|ENABLE)_[A-Z_0-9]*(TELEMETRY|OTEL)?[A-Z_0-9]*|[a-z_]*_proxy|NODE_EXTRA_CA_CERTS)=')
}

# The background may look when the session has just ended: then nothing is known of its shell.
read_process_lines() {
  process_lines=$(tr '\000' '\n' <"/proc/$CLAUDE_PID/environ")
  [ -n "$process_lines" ] || knows_shell=
}

# Whether a repository's settings may set variables; text := those settings.
sets_variables() {
  { [ "$1" != "$settings" ] && [ -e "$1" ] && slurp "$1"; } || return 1
  case $text in
    *'"env"'* | *'\u'*) ;;
    *) return 1 ;;
  esac
}

# A repository's PATH may not say what the hook runs, even while it still reads what to take back.
put_system_first() {
  path_led_elsewhere=
  for file; do
    sets_variables "$file" || continue
    case $text in
      *PATH* | *'\u'*)
        PATH=/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:$PATH
        path_led_elsewhere=yes
        ;;
    esac
  done
}

# without_functions := env's options that take out what bash would read as a function or as options of its own, which no
# shell can unset. A name that no option of env can carry is none that a program is called by. Only once no file's PATH
# leads to an awk of the repository's.
find_functions() {
  without_functions=
  for file; do
    sets_variables "$file" || continue
    case $text in
      *BASH_FUNC* | *OPTS* | *'\u'*) ;;
      *) continue ;;
    esac
    without_functions=$(awk 'BEGIN {
      for (name in ENVIRON) if (name ~ /^(_*BASH_FUNC[^*?= \t\n\\]+|(SHELL|BASH)OPTS)$/) print "-u", name
    }')
  done
}

# A repository's settings put variables into the hook's environment too. None of them may decide who reports, with which
# key or by which programs: each gets its value from the engineer's settings or shell back, or none.
take_back() {
  for file; do
    sets_variables "$file" || continue
    names=$(jq --raw-output '.env | objects | keys[]' "$file" 2>/dev/null) || case $text in
      # An escape that no jq reads may be part of any name.
      *'\u'*) names="$engineer_variable $team_variable USER SIGNOZ_KEY $(env | sed -n 's/=.*//p')" ;;
      *) names=$(tr '{,\n\r\t' '\n\n   ' <"$file" | sed -n 's/^ *"\([A-Za-z_][A-Za-z0-9_]*\)" *:.*/\1/p') ;;
    esac
    for name in $names; do take_back_one "$name"; done
  done
}

take_back_one() {
  case $1 in
    "$engineer_variable" | "$team_variable" | *_proxy | BASH_ENV) ;;
    # What a shell keeps for itself, what Claude Code takes from no repository, what the hook has set for itself.
    *[!A-Za-z0-9_]* | [0-9]* | HOME | CLAUDE_* | IFS | UID | EUID | PPID | PWD | BASH* | *OPTS | LC_ALL) return 0 ;;
    # A variable of the hook's own stays as it is, and goes out to no program.
    [a-z]*)
      eval "value=\${$1-}"
      unset "$1"
      eval "$1=\$value"
      return 0
      ;;
  esac
  value=
  [ -z "$knows_shell" ] || [ -n "$process_lines" ] || read_process_lines
  process_text=$newline$process_lines
  case $process_text in
    *"$newline$1="*)
      value=${process_text#*"$newline$1="}
      value=${value%%"$newline"*}
      ;;
  esac
  case $1 in
    PATH)
      PATH=${value:-/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin}
      return 0
      ;;
    "$engineer_variable" | "$team_variable" | USER | SIGNOZ_KEY)
      read_env "$settings" "$1"
      value=${in_file:-$value}
      [ -n "$knows_shell" ] || identity_is_anothers=yes
      ;;
  esac
  unset "$1"
  [ -z "$value" ] || {
    eval "$1=\$value"
    export "${1?}"
  }
}

# in_file := `env`.$2 of the settings file $1.
read_env() {
  in_file=
  [ -r "$1" ] && in_file=$(jq --raw-output --arg name "$2" '.env[$name] // empty' "$1" 2>/dev/null)
}

# Ends a session start: this session's Bash calls get the variables, the engineer one line ($1, if any) that Claude Code
# does not show to the model. The key is not among the variables unless the company decided so: what a session's
# environment holds, every program that Claude Code starts can read, and the model what such a program prints.
client_answer() {
  if [ -n "${CLAUDE_ENV_FILE-}" ] && [ -n "$2" ]; then
    slurp "$CLAUDE_ENV_FILE"
    case $text in
      *"$2"*) ;;
      *) printf '%s' "$2" 2>/dev/null >>"$CLAUDE_ENV_FILE" ;;
    esac
  fi
  [ -n "$1" ] || return 0
  escape "$1"
  printf '{"systemMessage":"%s"}\n' "$escaped" >&3
}
