#!/bin/sh
# A mkfs that has written half of a file system when the machine goes down.
for last; do :; done
head -c 300000 /dev/urandom >"$last"
kill -9 $PPID
