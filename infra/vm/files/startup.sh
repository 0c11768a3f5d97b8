#!/usr/bin/env bash
# Brings this machine to the state its instance metadata describes, from whatever state it is in.
# Runs at every boot (metadata key startup-script) and again whenever monitoring-digest changes
# (monitoring-watcher.service); a run that finds nothing to change restarts nothing.
#   startup.sh         converge once; exit 0 only when the gate accepted the newest key
#   startup.sh watch   converge again at every change, and after a failure, for ever
# Stages, in order: packages metadata disk docker secrets images services gate content. Each is reported as
# `stage=… status=…` on the serial console and as guest attribute monitoring/stage; a failure names
# its reason in monitoring/error and leaves what runs running.
# MONITORING_PATIENCE (percent, default 100) scales how long every retry goes on.
# shellcheck disable=SC2034 # data and files are for the stages
set -euo pipefail
umask 077

readonly state=/var/lib/monitoring
readonly data=/mnt/monitoring
# What the containers mount, and what is about to take its place.
readonly files=$state/files
readonly release=$state/release
# By address: the metadata server answers before any resolver does.
readonly metadata=http://169.254.169.254/computeMetadata/v1/instance
readonly settings=$state/settings.json
# A file, because a failure inside $(…) cannot tell the shell around it.
readonly reported=$state/reported
current_stage=start stage_began=0

# --- reporting ---------------------------------------------------------------------------------

attribute() { # NAME [VALUE]: publishes a guest attribute, or removes it; best effort
  local method=PUT
  [ $# -eq 2 ] || method=DELETE
  curl --silent --fail --max-time 5 --header 'Metadata-Flavor: Google' --request "$method" \
    ${2+--data-binary "$2"} "$metadata/guest-attributes/monitoring/$1" >/dev/null 2>&1 || true
}

report() { # STATUS
  echo "stage=$current_stage status=$1 seconds=$((SECONDS - stage_began))"
  attribute stage "$current_stage $1"
}

stage() { # NAME COMMAND...
  current_stage=$1 stage_began=$SECONDS
  shift
  report running
  "$@"
  report 'done'
}

fail() { # MESSAGE: one line for a person who sees only this line
  local message
  message=$(printf '%s' "$*" | tr '\n\t' '  ' | cut -c 1-900)
  echo "stage=$current_stage status=failed error=$message" >&2
  attribute error "$message"
  attribute stage "$current_stage failed"
  : >"$reported"
  exit 1
}

on_exit() {
  local status=$?
  [ "$status" -eq 0 ] || [ -e "$reported" ] || {
    echo "stage=$current_stage status=failed error=exit $status" >&2
    attribute error "stopped in stage $current_stage with exit code $status; see: journalctl -u google-startup-scripts -u monitoring-watcher"
    attribute stage "$current_stage failed"
  }
  # A first boot that fails has no watcher yet, and the guest agent does not run a script twice.
  if [ "$status" -ne 0 ] && ! systemctl --quiet is-active monitoring-watcher.service && [ -x "$state/startup.sh" ]; then
    systemd-run --quiet --collect --on-active=120 --unit=monitoring-retry "$state/startup.sh" || true
  fi
}

# --- tools -------------------------------------------------------------------------------------

retry() { # SECONDS COMMAND...: repeats with doubling pauses until it succeeds or the time is up
  local deadline=$((SECONDS + $1 * ${MONITORING_PATIENCE:-100} / 100)) pause=1
  shift
  until "$@"; do
    ((SECONDS + pause < deadline)) || return 1
    sleep "$pause"
    pause=$((pause < 30 ? pause * 2 : 30))
  done
}

fetch_metadata() { # PATH [FILE]: prints it, or writes it to FILE
  curl --silent --show-error --fail --max-time 10 --header 'Metadata-Flavor: Google' \
    ${2+--output "$2"} "$metadata/$1"
}

replace() { # FILE [MODE [OWNER]]: takes stdin; renames into place only what differs, so that readers see all or nothing
  local file=$1 mode=${2:-600} owner=${3:-0:0} new
  new=$(mktemp "$file.XXXXXX")
  cat >"$new"
  chmod "$mode" "$new"
  chown "$owner" "$new"
  if cmp --silent "$new" "$file"; then
    rm -f "$new"
  else
    # On disk before the rename: a power cut must not leave an empty keys file, which accepts the empty key.
    sync "$new"
    mv -f "$new" "$file"
    # Nor may it bring back what was replaced, which for a moment would accept a revoked key.
    sync "${file%/*}"
  fi
}

docker() { # ARGUMENT...: a daemon that hangs must end the attempt, not whoever watches for the next version
  timeout 60 docker "$@"
}

signoz_started() { # when, as its container tells: differs after every start
  docker inspect --format '{{.State.StartedAt}}' monitoring-signoz-1 2>/dev/null || true
}

setting() { # JQ_PATH: one value of the settings, which check_settings has seen
  jq --raw-output "$1" "$settings"
}

# --- stages up to the delivered files ----------------------------------------------------------

packages() {
  local wanted=(ca-certificates curl docker-cli docker-compose docker.io e2fsprogs jq nftables openssl socat unattended-upgrades)
  local missing=() package
  for package in "${wanted[@]}"; do
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || retry 900 install_packages "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]} from Debian's archive in 15 minutes; can this machine reach Debian's archive (Cloud NAT or external address, firewall egress)?"
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  # An install that was cut off leaves packages half configured.
  timeout 300 dpkg --configure --pending &&
    timeout 300 apt-get update --quiet &&
    timeout 600 apt-get install --quiet --yes --no-install-recommends \
      --option DPkg::Lock::Timeout=300 --option Dpkg::Options::=--force-confold "$@"
}

read_metadata() {
  local all=$state/metadata.json key
  # One request for all keys: read one by one, a change in between would mix two versions.
  retry 120 fetch_metadata 'attributes/?recursive=true' "$all" || fail "the metadata server does not answer"
  for key in monitoring-digest monitoring-files monitoring-settings startup-script; do
    jq --exit-status --arg key "$key" '.[$key] | strings != ""' "$all" >/dev/null || fail "instance metadata lacks $key"
  done
  for key in files settings; do
    jq --arg key "monitoring-$key" '.[$key] | fromjson' "$all" >"$state/$key.next" ||
      fail "instance metadata monitoring-$key is not JSON"
  done
  check_settings "$state/settings.next"
  unpack "$state/files.next" "$release"
  mv -f "$state/settings.next" "$settings"
  jq --join-output '."monitoring-content" // empty' "$all" >"$state/content"
  jq --join-output '."startup-script"' "$all" | replace "$state/startup.sh" 700
  jq --join-output '."monitoring-digest"' "$all" >"$state/digest"
  rm -f "$all" "$state/files.next"
  install_units
}

check_settings() { # FILE
  local odd
  # A version becomes a line of curl's configuration and the path of a file.
  odd=$(jq --raw-output '
    def is(f): [f] == [true];
    def version: is(strings | test("^projects/[\\w:.-]+/secrets/[\\w.-]+/versions/[0-9]+$"));
    def all_of(f): is(arrays | all(f));
    def text: is(strings | test("^[^[:cntrl:]]+$"));
    def address: is(strings | test("^[0-9]+([.][0-9]+){3}$"));
    def runs($part): is(.parts | arrays | index([$part]) != null);
    def where($part; f): (runs($part) | not) or f;
    def image(f): is(f | strings | test("^[^[:cntrl:] ]+:[^[:cntrl:] ]+$"));
    def cloud: has("cloud");
    {
      parts: (.parts | is(arrays | length > 0) and all_of(IN("gate", "clickhouse", "signoz"))),
      clickhouseHost: (if has("clickhouseHost") then .clickhouseHost | address else (runs("signoz") | not) or runs("clickhouse") end),
      handover: ((has("handover") | not) or (.handover | (.clickhouse? | address) and ([.write?, .read?] | all_of(IN("vm", "gke"))))),
      host: (.host | is(strings | test("^[a-z0-9.-]+$"))),
      org: (.org | text),
      cloud: (cloud == false or (.cloud | (.host? | is(strings | test("^[A-Za-z0-9.-]+$"))) and (.port? | is(numbers | . > 0)))),
      adminEmail: where("signoz"; .adminEmail | text),
      signozUrl: where("signoz"; .signozUrl | text),
      smtp: (.smtp | . == null or ((.host? | text) and (.from? | text) and is(.requireTls? | booleans | true))),
      dataDeviceName: (.dataDeviceName | is(strings | test("^[A-Za-z0-9-]+$"))),
      retentionDays: (.retentionDays | [.metrics?, .logs?, .traces?] | all_of(is(numbers | . >= 1))),
      images: (where("gate"; .images | image(.collector?) and image(.front?)) and where("signoz"; image(.images.signoz?))
        and where("clickhouse"; .images | image(.clickhouse?) and image(.keeper?) and image(.collector?))),
      "secrets.ingestionKeys": where("gate"; .secrets | is((.ingestionKeys + (.engineerKeys // [])) | length > 0) and (.ingestionKeys | all_of(version))),
      "secrets.engineerKeys": (.secrets.engineerKeys? // [] | all_of(version)),
      "secrets.tls": where("gate"; .secrets.tls? | version),
      "secrets.cloud": (cloud == false or (.secrets.cloud? | version)),
      "secrets.signozAdmin": where("signoz"; .secrets.signozAdmin? | version),
      "secrets.clickhouse": (cloud or (.secrets.clickhouse? | version)),
      "secrets.alerts": (.secrets.alerts? | . == null or version)
    } | to_entries | map(select(.value | not) | .key) | join(", ")' "$1") ||
    fail "instance metadata monitoring-settings has not the expected shape"
  [ -z "$odd" ] || fail "instance metadata monitoring-settings: missing or malformed: $odd"
}

unpack() { # JSON DIR
  local path
  rm -rf "$2"
  mkdir "$2"
  while IFS= read -r path; do
    [[ /$path/ != *//* && /$path/ != */../* ]] || fail "monitoring-files names a path outside its folder: $path"
    mkdir -p "$2/$(dirname "$path")"
    jq --join-output --arg path "$path" '.[$path]' "$1" >"$2/$path"
    [[ $path != *.sh ]] || chmod 700 "$2/$path"
  done < <(jq --raw-output 'keys[]' "$1")
  # The containers read them as other users.
  find "$2" -type d -exec chmod 755 {} +
  find "$2" -type f ! -name '*.sh' -exec chmod 644 {} +
  # After a power cut Docker starts the containers on them before anybody unpacks them anew.
  find "$2" -exec sync {} +
}

install_units() {
  local unit timers=("$release"/*.timer)
  for unit in "$release"/*.service "${timers[@]}"; do
    replace "/etc/systemd/system/${unit##*/}" 644 <"$unit"
  done
  systemctl daemon-reload
  systemctl enable --quiet --now monitoring-watcher.service "${timers[@]##*/}"
}

# The newest files bring their own stages: those of an older version would not know them.
load_stages() {
  local module
  for module in env parts disk secrets store services; do
    # shellcheck source=/dev/null
    . "$release/$module.sh"
  done
}

converge() {
  install -d -m 700 "$state"
  exec 9>"$state/lock"
  flock --wait 3600 9 || fail "another run holds $state/lock for an hour"
  # Until this run is through, no version counts as applied: after a failure also the one before comes again.
  rm -f "$reported" "$state/applied"
  trap on_exit EXIT
  attribute error
  attribute applied
  [ "${BASH_SOURCE[0]}" -ef "$state/startup.sh" ] || replace "$state/startup.sh" 700 <"${BASH_SOURCE[0]}"
  stage packages packages
  stage metadata read_metadata
  load_stages
  stage disk prepare_disk
  stage docker prepare_docker
  stage secrets read_secrets
  stage images pull_images
  stage services apply_services
  stage gate probe_gate
  stage content provision_content
  cp "$state/digest" "$state/applied"
  attribute applied "$(<"$state/digest")"
  echo "applied=$(<"$state/digest")"
}

# --- watching ----------------------------------------------------------------------------------

watch() {
  local etag=0 pause=60 digest headers
  headers=$(mktemp)
  while true; do
    # An answer that comes at once, every time, must not keep a processor busy.
    sleep 1
    digest=$(curl --silent --fail --max-time 330 --dump-header "$headers" --header 'Metadata-Flavor: Google' \
      "$metadata/attributes/monitoring-digest?wait_for_change=true&timeout_sec=$pause&last_etag=$etag") || {
      sleep 5
      continue
    }
    etag=$(sed -n 's/^etag: *\([0-9a-zA-Z]*\).*/\1/Ip' "$headers")
    if [ "$digest" = "$(cat "$state/applied" 2>/dev/null)" ] &&
      # At a start SigNoz forgets some of its content.
      [ "$(signoz_started)" = "$(cat "$state/signoz-started" 2>/dev/null)" ]; then
      pause=300
    elif fetch_metadata attributes/startup-script "$state/startup.watch" && bash -n "$state/startup.watch"; then
      replace "$state/startup.sh" 700 <"$state/startup.watch"
      "$state/startup.sh" || true
      # From here on the program that was just delivered keeps watch.
      [ "$digest" != "$(cat "$state/applied" 2>/dev/null)" ] || exec "$state/startup.sh" watch
      pause=$((pause < 240 ? pause * 2 : 300))
    fi
  done
}

case ${1-} in
  '') converge ;;
  watch) watch ;;
  *)
    echo "startup.sh: unknown argument '$1' (none, or: watch)" >&2
    exit 64
    ;;
esac
