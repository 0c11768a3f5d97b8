#!/bin/sh
# Telemetry of an AI client: a hook at its session start that keeps this machine reporting to the company's gate.
#
#   telemetry-hook.sh             what the client runs: silent, quick, always exit 0
#   telemetry-hook.sh status      one screen: key, who is stamped, endpoint, where the variables are
#   telemetry-hook.sh doctor      every link checked, each with its fix (--json, --live)
#   telemetry-hook.sh refresh     fetch the key now, and switch reporting on again after uninstall
#   telemetry-hook.sh uninstall   the client's settings as they were, reporting off
#
# What this writes counts from the next session on: a client builds its exporter before any hook runs.
# State: <the client's folder>/telemetry-hook, 0700, ignored by git.

# The jq and awk programs are in single quotes; tr is given sets of characters.
# shellcheck disable=SC2016,SC2020

endpoint_url=@ENDPOINT_URL@
ca_certificate=@CA_CERTIFICATE@
ingestion_key_secret=@INGESTION_KEY_SECRET@
personal_key_secret=@PERSONAL_KEY_SECRET@
project=@PROJECT@
org=@ORG@
default_team=@DEFAULT_TEAM@
team_variable=@TEAM_VARIABLE@
engineer_variable=@ENGINEER_VARIABLE@
one_password_reference=@ONE_PASSWORD_REFERENCE@
key_generation=@KEY_GENERATION@
instrument_programs=@INSTRUMENT_PROGRAMS@

# bash, alone with a B in $-, takes functions from the environment, which would stand for programs here; with -p it takes
# none. That this has been done only an argument can tell: a repository may set any variable, SHELLOPTS too.
case $-,${1-} in
  *B*,--) shift ;;
  *B*) exec "$BASH" --posix -p "$0" -- "$@" ;;
esac

umask 077
# Bytes, not characters: the same lengths and ranges in every shell and locale.
LC_ALL=C
export LC_ALL
# The hook asks about the client's folder, whatever repository the session was started in.
exported_work_tree=${GIT_WORK_TREE-}
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE CDPATH IFS
case $0 in
  /*) self=$0 ;;
  *) self=$PWD/$0 ;;
esac

. "${self%/*}/parts/base.sh"
# How a person runs this: with blanks in the path, and where a checkout lost the executable bit.
quote "$self"
command_line="sh $quoted"
. "${self%/*}/parts/words.sh"
. "${self%/*}/parts/gate.sh"
. "${self%/*}/parts/key.sh"
. "${self%/*}/parts/variables.sh"
. "${self%/*}/parts/tracked.sh"
splice=$(cat "${self%/*}/parts/splice.awk")
. "${self%/*}/clients/claude-code.sh"
. "${self%/*}/parts/session.sh"

# On Windows jq.exe ends its lines with CR LF unless it is told otherwise, and only the last CR is lost on Git's sh.
if command -v cygpath >/dev/null && command -v jq >/dev/null; then
  jq() { command jq --binary "$@"; }
fi
client_open
# The same for the programs that are started from here.
# shellcheck disable=SC2086,SC2154 # words, set by client_open
[ -z "$without_functions" ] || exec env $without_functions /bin/sh "$self" "$@"
if [ -z "${1-}" ]; then
  # The client reads stdout until every holder has closed it: only the message may have it.
  (session_start 3>&1 >/dev/null 2>&1)
  exit 0
fi

# A shell reads its script as it goes: a session start has ended before this.
. "${self%/*}/parts/doctor.sh"
. "${self%/*}/clients/claude-code/doctor.sh"

case $1 in
  background | watch)
    "$1"
    # Uninstalled meanwhile: what this has written since goes too.
    [ ! -s "$state/off" ] || clear_state
    ;;
  status | doctor | refresh | uninstall)
    command=$1
    shift
    "$command" "$@"
    ;;
  tracker) tracker "$2" "$3" ;;
  *)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2
    exit 2
    ;;
esac
