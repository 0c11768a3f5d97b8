#!/bin/sh
# Two starts of the hook on a home of 200 KB: full but for some, and freed again.
# Usage: diskFull.sh FREE_KB HOME ROOT HOOK SETTINGS
set -e
free=$1 home=$2 root=$3 hook=$4 settings=$5
mount -t tmpfs -o size=200k none "$home"
mkdir -p "${hook%/*}"
cp "$root/hook" "$hook"
cp "$root/settings" "$settings"
head -c 400k /dev/zero >"$home/filler" 2>/dev/null || true
truncate -s -"$free"k "$home/filler"
sh "$hook" >"$root/stdout" 2>"$root/stderr"
cp "$settings" "$root/after"
rm "$home/filler"
sh "$hook" refresh >/dev/null
cp "$settings" "$root/recovered"
