#!/usr/bin/env bash
# Puts the keys and the certificate on disk into force in a running front, without a restart and all at once: until
# `commit` the old ones hold, from then on the new ones, for requests on established connections too.
#   front-apply.sh DIR SOCKET [NAME]   DIR has keys.map and tls.pem; the front knows the folder as NAME (default: DIR)
# Exit: 0 in force; 1 not (stderr says why); 64 wrong call. Keys travel by the socket, never by an argument.
set -euo pipefail
[ $# -ge 2 ] || {
  echo "front-apply.sh: DIR SOCKET [NAME], please" >&2
  exit 64
}
dir=$1 socket=$2 name=${3:-$1}
map=$name/keys.map certificate=$name/tls.pem

fail() {
  echo "front-apply.sh: $*" >&2
  exit 1
}

ask() { # takes commands on stdin, prints the answers without blank lines and prompts
  socat -t 10 - "UNIX-CONNECT:$socket" | sed -e 's/^\([>+] \)*//' -e '/^$/d'
}

# Many commands by one connection; the front takes 16 KiB a command, and an empty line ends it.
lines_to_add() { # VERSION
  echo prompt
  awk -v command="add map @$1 $map <<" '
    size == 0 { print command }
    { print; size += length($0) + 1 }
    size > 8000 { print ""; size = 0 }
    END { if (size > 0) print "" }' "$dir/keys.map"
  echo quit
}

in_force() {
  ask <<<"show map $map" | cut -d ' ' -f 2- | sort
}

apply_keys() {
  local version said
  # An empty map would shut everybody out: whoever wrote it made a mistake.
  [ -s "$dir/keys.map" ] || fail "$dir/keys.map is missing or empty; the keys in force stay"
  version=$(ask <<<"prepare map $map" | sed -n 's/^New version created: //p') || version=
  [ -n "$version" ] || fail "the front does not answer at $socket, or knows no $map"
  said=$(lines_to_add "$version" | ask)
  [ -z "$said" ] || fail "the front does not take $dir/keys.map; the keys in force stay"
  said=$(ask <<<"commit map @$version $map")
  [ -z "$said" ] || fail "the front does not put $dir/keys.map into force: $said"
  in_force | cmp -s - <(sort "$dir/keys.map") || fail "the keys in force are not those of $dir/keys.map"
}

apply_certificate() {
  local said
  said=$({
    echo "set ssl cert $certificate <<"
    # An empty line ends the command, so there must be one at the end and none before.
    awk NF "$dir/tls.pem"
    echo
  } | ask)
  [[ $said == *Transaction\ * ]] || fail "the front does not take $dir/tls.pem; the certificate in force stays: $said"
  said=$(ask <<<"commit ssl cert $certificate")
  [[ $said == *Success* ]] || {
    ask <<<"abort ssl cert $certificate" >/dev/null
    fail "the front does not put $dir/tls.pem into force; the certificate in force stays: ${said//$'\n'/; }"
  }
}

apply_keys
apply_certificate
