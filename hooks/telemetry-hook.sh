#!/bin/sh
# Claude Code telemetry: a SessionStart hook that keeps this machine reporting to the company's gate.
#
#   telemetry-hook.sh             what Claude Code runs: silent, quick, always exit 0
#   telemetry-hook.sh status      one screen: key source, endpoint, where the variables are
#   telemetry-hook.sh doctor      every link checked, each with its fix (--json, --live)
#   telemetry-hook.sh refresh     fetch the key now, and switch reporting on again after uninstall
#   telemetry-hook.sh uninstall   settings.json as it was, reporting off
#
# Claude Code builds its exporter before any hook runs, so what this writes counts from the next
# session on. State: <Claude Code's folder>/telemetry-hook, 0700, ignored by git.

# The jq programs are in single quotes.
# shellcheck disable=SC2016

endpoint_url=@ENDPOINT_URL@
ca_certificate=@CA_CERTIFICATE@
ingestion_key_secret=@INGESTION_KEY_SECRET@
project=@PROJECT@
org=@ORG@
default_team=@DEFAULT_TEAM@
team_variable=@TEAM_VARIABLE@
engineer_variable=@ENGINEER_VARIABLE@
one_password_reference=@ONE_PASSWORD_REFERENCE@
key_generation=@KEY_GENERATION@
instrument_programs=@INSTRUMENT_PROGRAMS@

umask 077
# Bytes, not characters: the same lengths and ranges in every shell and locale.
LC_ALL=C
export LC_ALL
# The hook asks about Claude Code's folder, whatever repository the session was started in.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE CDPATH IFS
case $0 in
  /*) self=$0 ;;
  *) self=$PWD/$0 ;;
esac
config_dir=${CLAUDE_CONFIG_DIR:-${HOME:+$HOME/.claude}}
settings=$config_dir/settings.json
state=$config_dir/telemetry-hook

. "${self%/*}/parts/base.sh"
. "${self%/*}/parts/key.sh"
. "${self%/*}/parts/settings.sh"
. "${self%/*}/parts/session.sh"
. "${self%/*}/parts/doctor.sh"

case ${1-} in
  "")
    # Claude Code reads stdout until every holder has closed it: only the message may have it.
    (session_start 3>&1 >/dev/null 2>&1)
    exit 0
    ;;
  background | watch) "$1" ;;
  status | doctor | refresh | uninstall)
    command=$1
    shift
    "$command" "$@"
    ;;
  *)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2
    exit 2
    ;;
esac
