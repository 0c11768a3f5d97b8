#!/bin/bash
# The variables that a release's own services.sh writes for Compose: variables.sh RELEASE STATE
set -eu
# shellcheck disable=SC2034 # services.sh and env.sh read them
release=$1 state=$2 data=$2
setting() { jq --raw-output "$1" "$release/settings.json"; }
replace() { cat >"$1"; }
fail() {
  echo "$*" >&2
  exit 1
}
# shellcheck source=SCRIPTDIR/../../../infra/vm/files/env.sh
. "$release/env.sh"
# shellcheck source=SCRIPTDIR/../../../infra/vm/files/services.sh
. "$release/services.sh"
# shellcheck source=SCRIPTDIR/../../../infra/vm/store/store.sh
. "$release/store.sh"
write_variables
