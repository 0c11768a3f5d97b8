#!/bin/bash
# The shipped handover.sh, with two engines' HTTP in place of clickhouse-client: run.sh FOLDER copy|join FROM_PORT TO_PORT
# With $CUT_OFF it ends, as if the machine did, when it has run so many statements.
set -euo pipefail
# shellcheck source=SCRIPTDIR/../../../infra/vm/handover/handover.sh
. "$(dirname "$0")/../../../infra/vm/handover/handover.sh"
# shellcheck disable=SC2034 # handover.sh reads notes
notes=$1
[ -z "${CUT_OFF:-}" ] || count=$(mktemp)
before() { # cut off
  [ -n "${CUT_OFF:-}" ] || return 0
  echo >>"$count"
  [ "$(wc -l <"$count")" -le "$CUT_OFF" ] || kill -KILL -- $$
}
statement() { # PORT STATEMENT
  before
  case $2 in
    INSERT*)
      curl --silent --show-error --fail-with-body --data-binary @- "http://127.0.0.1:$1/?query=$(jq --raw-input --raw-output --null-input --arg query "$2" '$query | @uri')"
      ;;
    *) curl --silent --show-error --fail-with-body --data-binary "$2" "http://127.0.0.1:$1" ;;
  esac
}
one=$3 two=$4
one() { statement "$one" "$1"; }
two() { statement "$two" "$1"; }
hand_over "$2" one two
