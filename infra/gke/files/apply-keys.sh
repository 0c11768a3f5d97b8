#!/usr/bin/env bash
# The sidecar by the front: brings what a Secret's volume says into force whenever kubelet has replaced it, without a restart.
#   apply-keys.sh [FILES] [SECRETS] [RUN]
# FILES has keys-map.sh and front-apply.sh. SECRETS is the volume: version (what the rest is called), keys (one a line),
# tls.crt, tls.key. RUN is shared with the front alone and by the same user, since keys.map, tls.pem and admin.sock in it
# are for nobody else. Its last line says what this gate goes by: infra/gke/progress.sh waits for `VERSION is in force`.
set -euo pipefail
files=${1:-/gate/files} secrets=${2:-/gate/secrets} run=${3:-/gate/run}
next=$run/next socket=$run/admin.sock
applied='' said=''
umask 077
# The front's image has no socat, for which the file beside this one stands.
PATH=$PATH:$(dirname "$0")
# A container's first process ends at no signal that it does not ask for.
trap 'exit 0' TERM INT

say() { # TEXT: once, until there is something else to say
  [ "$1" = "$said" ] || echo "apply-keys.sh: ${1//$'\n'/; }"
  said=$1
}

make_name() { # VERSION
  cat "$secrets/$1/version"
}

make_map() { # VERSION
  "$files/keys-map.sh" <"$secrets/$1/keys"
}

make_certificate() { # VERSION
  awk NF "$secrets/$1/tls.crt" "$secrets/$1/tls.key"
}

make_next() { # FILE VERSION COMMAND: what COMMAND makes of VERSION
  local why
  why=$("$3" "$2" 2>&1 >"$next/$1") || {
    say "$1 of $2 cannot be made, what is in force stays: $why"
    return 1
  }
}

put_into_force() { # DIR: a front that has never started reads what lies in RUN when it does
  local why
  [ -S "$socket" ] || return 0
  why=$("$files/front-apply.sh" "$1" "$socket" "$run" 2>&1) || {
    say "$why"
    return 1
  }
}

renew_keys() { # VERSION
  make_next keys.map "$1" make_map && mv "$next/keys.map" "$run/keys.map"
}

# The front alone can tell whether a certificate is good, and with one that is not it would never start again.
renew_certificate() { # VERSION
  make_next tls.pem "$1" make_certificate || return 1
  [ ! -e "$run/keys.map" ] || cp "$run/keys.map" "$next"
  put_into_force "$next" && mv "$next/tls.pem" "$run/tls.pem"
}

renew() { # VERSION: each of the two for itself, since a spoiled certificate must not keep a revoked key in force
  local failed=0
  rm -rf "$next" && mkdir "$next"
  make_next version "$1" make_name || failed=1
  renew_keys "$1" || failed=1
  renew_certificate "$1" || failed=1
  # Also into a front that has started meanwhile, on what lay there before.
  put_into_force "$run" || failed=1
  return $failed
}

while :; do
  # kubelet replaces all files at once, by this link.
  version=$(readlink "$secrets/..data") || version=''
  if [ -z "$version" ]; then
    say "nothing is mounted at $secrets"
  elif [ "$version" != "$applied" ]; then
    # Asked before: a front that starts in between may have read what lay there.
    front=''
    [ ! -S "$socket" ] || front=running
    if ! renew "$version"; then
      :
    elif [ -n "$front" ]; then
      applied=$version
      say "$(cat "$next/version") is in force: $(wc -l <"$run/keys.map") keys and the certificate"
    else
      say "$(cat "$next/version") lies ready for the front's start"
    fi
  fi
  sleep 1 &
  wait $!
done
