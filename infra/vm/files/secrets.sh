# shellcheck shell=bash
# Stage secrets, sourced by startup.sh: each secret by its version from Secret Manager, written where its
# one reader finds it; nothing secret in an argument, a log line or the metadata.
# shellcheck disable=SC2154 # startup.sh sets state, data, release, settings
# Of compose.yaml: the front is the one reader of keys and certificate.
readonly front_uid=10002
readonly next=$state/secrets.next

read_secrets() {
  rm -rf "$next"
  mkdir "$next"
  fetch_secrets
  ! runs gate || check_gate_secrets
  check_store_secrets
  # Nothing is replaced before everything is there.
  install -d -m 700 "$state/secrets"
  ! runs gate || write_gate_secrets
  write_store_secrets
  # At boot the rules of the last run hold; these are this run's.
  /usr/local/sbin/monitoring-firewall || fail "the firewall's rules could not be loaded"
  rm -rf "$next"
  prepare_store
}

check_gate_secrets() {
  collect_keys >"$next/keys.map"
  payload "$(setting .secrets.tls)" >"$next/tls"
  check_certificate "$next/tls"
}

write_gate_secrets() {
  install -d -m 500 -o $front_uid -g $front_uid "$state/gate"
  install -d -m 700 -o $front_uid -g $front_uid "$state/front"
  replace "$state/gate/tls.pem" 400 $front_uid:$front_uid <"$next/tls"
  replace "$state/gate/keys.map" 400 $front_uid:$front_uid <"$next/keys.map"
}

# Fetches every version that the settings name.
fetch_secrets() {
  local missing
  mapfile -t missing < <(jq --raw-output '[.secrets | .. | strings] | unique[]' "$settings")
  mkdir "$next/answers"
  retry 180 fetch_missing ||
    fail "secret ${missing[0]} cannot be read (see the last lines of the log for Secret Manager's answer): does it exist, is it enabled, and may this machine's service account access it?"
}

# Twenty at once: one after the other, a thousand engineers' keys take minutes, in which a revoked one stays in force.
fetch_missing() { # takes the versions in `missing`, and leaves those there that did not come
  local token version
  token=$(fetch_metadata service-accounts/default/token | jq --exit-status --raw-output .access_token) || return 1
  {
    echo "header = \"Authorization: Bearer $token\""
    for version in "${missing[@]}"; do
      printf 'url = "https://secretmanager.googleapis.com/v1/%s:access"\noutput = "%s"\n' "$version" "$version"
    done
  } | {
    cd "$next/answers" && timeout 60 curl --silent --fail-with-body --max-time 10 --parallel --parallel-max 20 --create-dirs \
      --write-out '%{exitcode} %{filename_effective} %{errormsg}\n' --config - >"$next/told"
  } || true
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vxF -f <(awk '$1 == 0 { print $2 }' "$next/told"))
  ((${#missing[@]} > 0)) || return 0
  echo "${#missing[@]} secrets did not come; curl of the first: $(grep --fixed-strings " ${missing[0]} " "$next/told")" >&2
  jq --raw-output '"Secret Manager: \(.error.status) \(.error.message)"' "$next/answers/${missing[0]}" >&2 2>/dev/null || true
  return 1
}

payload() { # VERSION: prints it
  local text
  text=$(jq --raw-output '.payload.data // "" | @base64d' "$next/answers/$1")
  [ -n "$text" ] || fail "secret $1 is empty"
  printf '%s' "$text"
}

collect_keys() {
  local versions keys said
  mapfile -t versions < <(jq --raw-output '(.secrets.engineerKeys // [])[], .secrets.ingestionKeys[]' "$settings")
  ((${#versions[@]} > 0)) || fail "monitoring-settings lists no ingestion key"
  keys=$(cd "$next/answers" && jq --raw-output '.payload.data // "" | @base64d | sub("\n+$"; "")
    | if . == "" then "secret \(input_filename) is empty" | halt_error
      elif contains("\n") then "secret \(input_filename) is not an ingestion key but several lines" | halt_error
      else . end' "${versions[@]}" 2>"$next/told") || fail "$(<"$next/told")"
  # By a pipe: a here-document of this size would be a file elsewhere.
  printf '%s\n' "$keys" | "$release/keys-map.sh" 2>"$next/told" || {
    said=$(<"$next/told")
    [[ ! $said =~ ^keys-map.sh:\ line\ ([0-9]+)\ (.*) ]] || said="secret ${versions[BASH_REMATCH[1] - 1]} ${BASH_REMATCH[2]}"
    fail "$said"
  }
}

check_certificate() { # PEM
  local host version
  host=$(setting .host)
  version=$(setting .secrets.tls)
  openssl x509 -in "$1" -noout -checkhost "$host" 2>/dev/null | grep 'does match' >/dev/null ||
    fail "secret $version: its certificate is not for $host"
  [ "$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$1" -pubout 2>/dev/null)" ] ||
    fail "secret $version: certificate and private key do not belong together"
}
