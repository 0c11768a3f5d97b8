#!/bin/bash
# The shipped handover.sh, with two engines' HTTP in place of clickhouse-client: run.sh FOLDER copy|join FROM_PORT TO_PORT
# With END=before or END=after it ends, as if the machine did, at the statement that begins as END_AT.
set -euo pipefail
# shellcheck source=SCRIPTDIR/../../../infra/vm/handover/handover.sh
. "$(dirname "$0")/../../../infra/vm/handover/handover.sh"
# shellcheck disable=SC2034 # handover.sh reads notes
notes=$1
end_at() { # before|after STATEMENT
  [ "${END:-}" != "$1" ] || [[ $2 != "$END_AT"* ]] || kill -KILL -- $$
}
statement() { # PORT STATEMENT
  end_at before "$2"
  case $2 in
    INSERT*)
      curl --silent --show-error --fail-with-body --data-binary @- "http://127.0.0.1:$1/?query=$(jq --raw-input --raw-output --null-input --arg query "$2" '$query | @uri')"
      ;;
    *) curl --silent --show-error --fail-with-body --data-binary "$2" "http://127.0.0.1:$1" ;;
  esac
  end_at after "$2"
}
one=$3 two=$4
one() { statement "$one" "$1"; }
two() { statement "$two" "$1"; }
hand_over "$2" one two
