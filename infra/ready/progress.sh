#!/usr/bin/env bash
# Asks several how far each is, and answers as one: the progress of a backend of more than one kind of machine.
#   progress.sh KIND ARGUMENT... [-- KIND ARGUMENT...]...     each is asked by infra/KIND/progress.sh
# Prints `stage=` and `error=` with the kinds' names, and the versions of all in one `applied=`, in their order with a blank
# between, as the backend puts its version together.
# Exit: 0 all were asked; 1 one of them can never be asked from here; 2 one gave no answer this time.
set -euo pipefail
infra="$(dirname "$0")/.."
worst=0 stages='' versions='' errors=''

ask() { # KIND ARGUMENT...
  local said error code=0
  said="$(bash "$infra/$1/progress.sh" "${@:2}")" || code=$?
  case $code in
    0) ;;
    2) [ "$worst" -ne 0 ] || worst=2 ;;
    *) worst=1 ;;
  esac
  stages="$stages; $1: $(sed -n 's/^stage=//p' <<<"$said")"
  versions="$versions $(sed -n 's/^applied=//p' <<<"$said")"
  error="$(sed -n 's/^error=//p' <<<"$said")"
  [ -z "$error" ] || errors="$errors; $1: $error"
}

one=()
for word in "$@" --; do
  if [ "$word" = -- ]; then
    ask "${one[@]}"
    one=()
  else
    one+=("$word")
  fi
done
[ "$worst" -eq 0 ] || exit "$worst"
echo "stage=${stages#; }"
echo "applied=${versions# }"
[ -z "$errors" ] || echo "error=${errors#; }"
