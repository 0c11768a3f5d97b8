#!/bin/sh
# Tells the names of those NAME,HOST,PORT that take a connection. SigNoz' image has nc for it, the others bash.
for target; do
  (
    IFS=,
    # shellcheck disable=SC2086 # three words
    set -- $target
    if command -v bash; then
      timeout 3 bash -c "exec 3<>/dev/tcp/$2/$3"
    else
      timeout 3 nc -w 2 "$2" "$3" </dev/null
    fi >/dev/null 2>&1 && echo "$1"
  ) &
done
wait
