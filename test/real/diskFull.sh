#!/bin/sh
# Starts of the hook on a home of 200 KB: full but for some, freed again, and full as its certificate is missing.
# Usage: diskFull.sh FREE_KB HOME ROOT HOOK SETTINGS
set -e
free=$1 home=$2 root=$3 hook=$4 settings=$5
fill() {
  head -c 400k /dev/zero >"$home/filler" 2>/dev/null || true
  truncate -s -"$1"k "$home/filler"
}
mount -t tmpfs -o size=200k none "$home"
mkdir -p "${hook%/*}"
cp "$root/hook" "$hook"
cp "$root/settings" "$settings"
fill "$free"
sh "$hook" >"$root/stdout" 2>"$root/stderr"
cp "$settings" "$root/after"
[ "$free" != 0 ] || sh "$hook" doctor >"$root/doctor" 2>/dev/null || true
rm "$home/filler"
sh "$hook" refresh >/dev/null
cp "$settings" "$root/recovered"
[ "$free" = 40 ] || exit 0
# What the starts left in the background gives space back when it ends.
sleep 3
sh "$hook" >/dev/null
rm "$home/.claude/telemetry-hook/ca.pem"
fill 4
sh "$hook" >"$root/certificate"
