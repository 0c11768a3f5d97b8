#!/usr/bin/env bash
# Keeps a call of a fake tool in $STATE: one line in calls, its arguments as they were in calls.argv.
{
  printf '%s' "${0##*/}"
  printf ' %s' "$@"
  printf '\n'
} >>"$STATE/calls"
printf '%s\0' "$@" $'\n' >>"$STATE/calls.argv"
