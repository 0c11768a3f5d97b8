#!/usr/bin/env bash
# The sidecar by the front: brings what a Secret's volume says into force whenever kubelet has replaced it, without a restart.
#   apply-keys.sh [FILES] [SECRETS] [RUN]
# FILES has keys-map.sh and front-apply.sh. SECRETS is the volume: keys (one a line), tls.crt, tls.key. RUN is shared with
# the front alone and by the same user, since keys.map, tls.pem and admin.sock in it are for nobody else.
set -euo pipefail
files=${1:-/gate/files} secrets=${2:-/gate/secrets} run=${3:-/gate/run}
next=$run/next socket=$run/admin.sock
applied='' said=''
umask 077
# A container's first process ends at no signal that it does not ask for.
trap 'exit 0' TERM INT

say() { # TEXT: once, until there is something else to say
  [ "$1" = "$said" ] || echo "apply-keys.sh: $1"
  said=$1
}

make_map() { # VERSION
  "$files/keys-map.sh" <"$secrets/$1/keys"
}

make_certificate() { # VERSION
  awk NF "$secrets/$1/tls.crt" "$secrets/$1/tls.key"
}

renew() { # FILE VERSION MAKE: makes FILE of RUN anew; what the front does not take never gets there
  local file=$1 why
  rm -rf "$next" && mkdir "$next"
  why=$("$3" "$2" 2>&1 >"$next/$file") || {
    say "$file of $2 cannot be made, what is in force stays: $why"
    return 1
  }
  # A front that has never started reads the files when it does.
  [ ! -S "$socket" ] || in_force "$file" || return 1
  mv "$next/$file" "$run/$file"
}

in_force() { # FILE: puts it into force beside the other one that is
  local why
  case $1 in
    keys.map) cp "$run/tls.pem" "$next" ;;
    tls.pem) cp "$run/keys.map" "$next" ;;
  esac
  why=$("$files/front-apply.sh" "$next" "$socket" "$run" 2>&1) || {
    say "${why//$'\n'/; }"
    return 1
  }
}

renew_all() { # VERSION: each of the two for itself, since a spoiled certificate must not keep a revoked key in force
  local failed=0
  renew keys.map "$1" make_map || failed=1
  renew tls.pem "$1" make_certificate || failed=1
  return $failed
}

while :; do
  # kubelet replaces all files at once, by this link.
  version=$(readlink "$secrets/..data") || version=''
  if [ -z "$version" ]; then
    say "nothing is mounted at $secrets"
  elif [ "$version" != "$applied" ] && renew_all "$version"; then
    # Only a front's word counts: one that starts meanwhile may have read what was there before.
    if [ -S "$socket" ]; then
      applied=$version
      say "$version is in force: $(wc -l <"$run/keys.map") keys and the certificate"
    else
      say "$version lies ready for the front's start"
    fi
  fi
  sleep 1 &
  wait $!
done
