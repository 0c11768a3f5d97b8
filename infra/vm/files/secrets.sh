# shellcheck shell=bash
# Stage secrets, sourced by startup.sh: each secret by its version from Secret Manager, written where its
# one reader finds it; nothing secret in an argument, a log line or the metadata.
# shellcheck disable=SC2154 # startup.sh sets state, data, release, settings
# Of compose.yaml: the front is the one reader of keys and certificate.
readonly front_uid=10002 clickhouse_uid=101
readonly next=$state/secrets.next

read_secrets() {
  local service admin version
  local -A passwords
  rm -rf "$next"
  mkdir "$next"
  fetch_secrets
  collect_keys >"$next/keys.map"
  payload "$(setting .secrets.tls)" >"$next/tls"
  check_certificate "$next/tls"
  version=$(setting .secrets.clickhouse)
  payload "$version" >"$next/clickhouse"
  for service in signoz collector migrator; do
    passwords[$service]=$(jq --raw-output --arg of "$service" '.[$of] // empty' "$next/clickhouse" 2>/dev/null) || true
    [[ ${passwords[$service]} =~ ^[A-Za-z0-9]{16,}$ ]] ||
      fail "secret $version: wants JSON {signoz, collector, migrator}, each 16 or more letters and digits, since they become part of addresses"
  done
  admin=$(payload "$(setting .secrets.signozAdmin)")
  version=$(setting '.secrets.alerts // empty')
  if [ -n "$version" ]; then
    payload "$version" >"$next/alerts"
    jq --exit-status 'objects | true' "$next/alerts" >/dev/null 2>&1 || fail "secret $version: not a JSON object"
  fi
  # Nothing is replaced before everything is there.
  install -d -m 700 "$state/secrets"
  install -d -m 755 "$state/user_scripts"
  install -d -m 500 -o $front_uid -g $front_uid "$state/gate"
  install -d -m 700 -o $front_uid -g $front_uid "$state/front"
  replace "$state/gate/tls.pem" 400 $front_uid:$front_uid <"$next/tls"
  replace "$state/gate/keys.map" 400 $front_uid:$front_uid <"$next/keys.map"
  # What ClickHouse compares with; the passwords themselves stay with their users.
  {
    echo '<clickhouse><users>'
    for service in signoz collector migrator; do
      echo "<$service><password_sha256_hex>$(printf '%s' "${passwords[$service]}" | sha256sum | cut -d ' ' -f 1)</password_sha256_hex></$service>"
    done
    echo '</users></clickhouse>'
  } | replace "$state/secrets/clickhouse-passwords.xml" 400 $clickhouse_uid:$clickhouse_uid
  env_line SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN <<<"tcp://migrator:${passwords[migrator]}@clickhouse:9000" |
    replace "$state/secrets/migrator.env" 400
  replace "$state/secrets/migrator.password" 400 <<<"${passwords[migrator]}"
  {
    env_line CLICKHOUSE_PASSWORD <<<"${passwords[collector]}"
    env_line SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN <<<"tcp://collector:${passwords[collector]}@clickhouse:9000"
  } | replace "$state/secrets/collector.env" 400
  {
    env_line SIGNOZ_TELEMETRYSTORE_CLICKHOUSE_DSN <<<"tcp://signoz:${passwords[signoz]}@clickhouse:9000"
    env_line SIGNOZ_USER_ROOT_PASSWORD <<<"$admin"
    smtp_variables "$next/alerts"
  } | replace "$state/secrets/signoz.env" 400
  egress_ports "$next/alerts" | replace "$state/egress-ports"
  # At boot the rules of the last run hold; these are this run's.
  /usr/local/sbin/monitoring-firewall || fail "the firewall's rules could not be loaded"
  jq --raw-input --null-input --arg email "$(setting .adminEmail)" '{$email, password: input}' <<<"$admin" | replace "$state/secrets/admin.json"
  if [ -e "$next/alerts" ]; then replace "$state/secrets/alerts.json" <"$next/alerts"; else rm -f "$state/secrets/alerts.json"; fi
  rm -rf "$next"
  fetch_histogram_quantile
}

smtp_variables() { # ALERTS_FILE: alert mails, by SigNoz's own names
  local prefix=SIGNOZ_ALERTMANAGER_SIGNOZ_GLOBAL_SMTP__ user password=
  [ "$(setting '.smtp != null')" = true ] || return 0
  [ ! -e "$1" ] || password=$(jq --raw-output '.smtpPassword // empty' "$1")
  env_line "${prefix}SMARTHOST" <<<"$(setting .smtp.host)"
  env_line "${prefix}FROM" <<<"$(setting .smtp.from)"
  env_line "${prefix}REQUIRE__TLS" <<<"$(setting .smtp.requireTls)"
  user=$(setting '.smtp.user // empty')
  [ -z "$user" ] || env_line "${prefix}AUTH__USERNAME" <<<"$user"
  [ -z "$password" ] || env_line "${prefix}AUTH__PASSWORD" <<<"$password"
}

egress_ports() { # ALERTS_FILE: the ports that SigNoz itself dials, one a line; none without mail, Slack and webhook
  {
    jq --raw-output '.smtp.host // empty | sub(".*:"; "")' "$settings"
    [ ! -e "$1" ] || jq --raw-output '(.slackWebhookUrl // "", .webhookUrl // "")
      | capture("^(?<scheme>https?)://[^/?#]*?(:(?<port>[0-9]+))?([/?#]|$)") | .port // {http: "80", https: "443"}[.scheme]' "$1"
  } | sort -u
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

# Only percentiles of classic histograms need it, so its absence is told and not fatal. On the boot disk, so that a new
# machine runs no program that it finds on the data disk.
fetch_histogram_quantile() {
  local url sum target=$state/user_scripts/histogramQuantile archive=$state/histogram-quantile.tar.gz
  url=$(jq --raw-output '.histogramQuantile.url // empty' "$settings")
  sum=$(jq --raw-output '.histogramQuantile.sha256 // empty' "$settings")
  if [ -z "$url" ]; then
    echo "notice=histogramQuantile is not configured: percentiles of classic histograms will not work"
    return 0
  fi
  [ ! -x "$target" ] || [ "$(cat "$target.sha256" 2>/dev/null)" != "$sum" ] || return 0
  if retry 60 curl --silent --show-error --fail --location --max-time 60 --output "$archive" "$url" &&
    sha256sum --check --status <<<"$sum  $archive" && tar -xzOf "$archive" histogram-quantile >"$target.new"; then
    chmod 755 "$target.new"
    # Else a power cut may leave it empty under a checksum that says it is there.
    sync "$target.new"
    mv -f "$target.new" "$target"
    echo "$sum" >"$target.sha256"
    chmod 644 "$target.sha256"
    attribute notice
  else
    echo "notice=histogramQuantile could not be fetched from $url with sha256 $sum: percentiles of classic histograms will not work" >&2
    attribute notice "histogramQuantile could not be fetched with its checksum: percentiles of classic histograms will not work"
  fi
  rm -f "$archive" "$target.new"
}
