#!/bin/bash
# What a release's own services.sh says of its compose.yaml: contained.sh RELEASE
set -eu
release=$1
# shellcheck source=SCRIPTDIR/../../../infra/vm/files/services.sh
. "$release/services.sh"
fail() {
  echo "$*"
  exit 0
}
check_containment
echo passed
