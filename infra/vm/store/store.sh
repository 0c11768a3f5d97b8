# shellcheck shell=bash
# What stands behind the gate, sourced by startup.sh: SigNoz and ClickHouse, those of the two that run on this machine. The
# functions that the stages call are the same for every store, one of which is delivered.
# shellcheck disable=SC2154 # startup.sh sets state, data, files, release, settings; secrets.sh next
# Of compose.yaml.
readonly clickhouse_uid=101

# shellcheck source=SCRIPTDIR/retention.sh
. "$release/retention.sh"

check_store_secrets() {
  local service version
  version=$(setting .secrets.clickhouse)
  payload "$version" >"$next/clickhouse"
  for service in signoz collector migrator; do
    [[ $(password_of "$service") =~ ^[A-Za-z0-9]{16,}$ ]] ||
      fail "secret $version: wants JSON {signoz, collector, migrator}, each 16 or more letters and digits, since they become part of addresses"
  done
  ! runs signoz || check_signoz_secrets
}

check_signoz_secrets() {
  local version
  payload "$(setting .secrets.signozAdmin)" >"$next/admin"
  version=$(setting '.secrets.alerts // empty')
  if [ -n "$version" ]; then
    payload "$version" >"$next/alerts"
    jq --exit-status 'objects | true' "$next/alerts" >/dev/null 2>&1 || fail "secret $version: not a JSON object"
  fi
}

password_of() { # SERVICE
  jq --raw-output --arg of "$1" '.[$of] // empty' "$next/clickhouse" 2>/dev/null || true
}

write_store_secrets() {
  local host
  ! runs clickhouse || write_clickhouse_secrets
  ! runs gate || {
    env_line CLICKHOUSE_PASSWORD <<<"$(password_of collector)"
    host=$(write_host)
    env_line CLICKHOUSE_ADDRESS <<<"$host:9000"
    env_line SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN <<<"$(dsn collector "$host")"
  } | replace "$state/secrets/collector.env" 400
  setting '.clickhouseHost // .handover.clickhouse // empty' | replace "$state/clickhouse-host"
  if runs signoz; then write_signoz_secrets; else rm -f "$state/egress-ports"; fi
}

write_host() { # of the ClickHouse that this machine's gate writes to
  setting 'if .handover.write == "gke" then .handover.clickhouse else "clickhouse" end'
}

dsn() { # USER HOST
  echo "tcp://$1:$(password_of "$1")@$2:9000"
}

write_clickhouse_secrets() {
  local service
  install -d -m 755 "$state/user_scripts"
  # What ClickHouse compares with; the passwords themselves stay with their users.
  {
    echo '<clickhouse><users>'
    for service in signoz collector migrator; do
      echo "<$service><password_sha256_hex>$(printf '%s' "$(password_of "$service")" | sha256sum | cut -d ' ' -f 1)</password_sha256_hex></$service>"
    done
    echo '</users></clickhouse>'
  } | replace "$state/secrets/clickhouse-passwords.xml" 400 $clickhouse_uid:$clickhouse_uid
  env_line SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN <<<"$(dsn migrator clickhouse)" | replace "$state/secrets/migrator.env" 400
  password_of migrator | replace "$state/secrets/migrator.password" 400
}

write_signoz_secrets() {
  {
    env_line SIGNOZ_TELEMETRYSTORE_CLICKHOUSE_DSN <<<"$(dsn signoz "$(setting '.clickhouseHost // "clickhouse"')")"
    env_line SIGNOZ_USER_ROOT_PASSWORD <"$next/admin"
    smtp_variables "$next/alerts"
  } | replace "$state/secrets/signoz.env" 400
  egress_ports "$next/alerts" | replace "$state/egress-ports"
  jq --raw-input --slurp --arg email "$(setting .adminEmail)" '{$email, password: .}' "$next/admin" | replace "$state/secrets/admin.json"
  if [ -e "$next/alerts" ]; then replace "$state/secrets/alerts.json" <"$next/alerts"; else rm -f "$state/secrets/alerts.json"; fi
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

store_variables() { # MIB that the gate and the system leave of TOTAL_MIB: ClickHouse's, but for the others' limits, or SigNoz'
  local signoz_mib=1024 clickhouse_mib=0
  if runs clickhouse; then
    clickhouse_mib=$(($1 - 768 - signoz_mib))
    ((clickhouse_mib >= 2048)) ||
      fail "this machine has $2 MiB of memory; SigNoz needs 6827 MiB or more (machineType with 8 GB)"
  else
    signoz_mib=$1
  fi
  env_line SIGNOZ_IMAGE <<<"$(setting .images.signoz)"
  env_line CLICKHOUSE_IMAGE <<<"$(setting .images.clickhouse)"
  env_line KEEPER_IMAGE <<<"$(setting .images.keeper)"
  env_line ADMIN_EMAIL <<<"$(setting .adminEmail)"
  env_line ORG <<<"$(organisation)"
  env_line SIGNOZ_URL <<<"$(setting .signozUrl)"
  cat <<END
SIGNOZ_MEMORY_MIB=$signoz_mib
SIGNOZ_GO_MEMORY_MIB=$((signoz_mib * 5 / 6))
CLICKHOUSE_MEMORY_MIB=$clickhouse_mib
CLICKHOUSE_MAX_MEMORY_BYTES=$((clickhouse_mib * 1024 * 1024 * 9 / 10))
CLICKHOUSE_MAX_QUERY_BYTES=$((clickhouse_mib * 1024 * 1024 / 2))
KEEPER_FILES=$(digest_of clickhouse/keeper.xml)
CLICKHOUSE_FILES=$(digest_where clickhouse clickhouse/config.xml clickhouse/users.xml clickhouse/custom-function.xml "$state/secrets/clickhouse-passwords.xml")
SIGNOZ_FILES=$(digest_where signoz "$state/secrets/signoz.env")
COLLECTOR_STORE=$(digest_where gate "$state/secrets/collector.env")
END
}

# The name that SigNoz knows its organisation by: under another one it would make a second beside it, without members.
organisation() {
  [ -s "$data/organisation" ] || setting .org | replace "$data/organisation"
  cat "$data/organisation"
}

store_serving() {
  ! runs signoz || retry 300 curl --silent --fail --max-time 5 --output /dev/null http://127.0.0.1:8080/api/v2/readyz
}

clickhouse_query() { # stdin: one statement
  CLICKHOUSE_USER=migrator CLICKHOUSE_PASSWORD=$(<"$state/secrets/migrator.password") timeout 300 \
    docker exec --interactive --env CLICKHOUSE_USER --env CLICKHOUSE_PASSWORD monitoring-clickhouse-1 clickhouse-client
}

retention_days() { # 'signoz_logs', 30, …
  jq --raw-output '.retentionDays | to_entries | map("\u0027signoz_\(.key)\u0027, \(.value)") | join(", ")' "$settings"
}

provision_content() {
  local alerts=() started
  ! runs clickhouse || apply_retention || fail "retention could not be set in ClickHouse (see the log); telemetry is accepted all the same, and this is tried again"
  runs signoz || return 0
  started=$(signoz_started)
  [ -s "$state/content" ] || {
    echo "$started" >"$state/signoz-started"
    return 0
  }
  [ ! -e "$state/secrets/alerts.json" ] || alerts=("$state/secrets/alerts.json")
  SIGNOZ_STARTED=$started timeout 900 "$files/provision.sh" "$state/content" "$state/secrets/admin.json" http://127.0.0.1:8080 "$data/content-state.json" "${alerts[@]}" ||
    fail "dashboards or alerts could not be applied (see the log); telemetry is accepted all the same, and this is tried again"
  echo "$started" >"$state/signoz-started"
}

# Only percentiles of classic histograms need it, so its absence is told and not fatal. On the boot disk, so that a new
# machine runs no program that it finds on the data disk.
prepare_store() {
  runs clickhouse || return 0
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
