#!/bin/sh
# Makes the front's map of ingestion keys: one key a line on stdin, `KEY OWNER` on stdout. The owner of a personal key
# `<engineer>.<secret>` is what stands before its last dot; that of a shared key, which has no dot, is `-`.
# Exit: 0; 1 when a line is no key (stderr has its number, never the key) or there is none.
exec awk '
  # Clients decode % and split at , and ; on the way here; the front reads # as a comment and a blank as the end.
  length($0) < 8 || !/^[A-Za-z0-9_][A-Za-z0-9._+@-]*$/ {
    print "keys-map.sh: line " NR " is not an ingestion key (8 or more of A-Z a-z 0-9 . _ + @ -, none of . + @ - in front)" >"/dev/stderr"
    failed = 1
    exit
  }
  {
    owner = $0
    if (!sub(/[.][^.]*$/, "", owner)) owner = "-"
    print $0, owner
  }
  END {
    if (failed) exit 1
    if (NR == 0) {
      print "keys-map.sh: no ingestion key" >"/dev/stderr"
      exit 1
    }
  }'
