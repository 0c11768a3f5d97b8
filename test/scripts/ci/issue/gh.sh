#!/usr/bin/env bash
# Open issues out of $STATE/issues; gh itself applies the expression of --jq, the last argument here.
case "$1 $2" in
  'issue list') jq --raw-output "${@: -1}" "$STATE/issues" ;;
  'issue edit') cat "$5" >"$STATE/body" ;;
esac
