# shellcheck shell=bash
# Stages images, services and gate, sourced by startup.sh: compose decides what differs from
# what runs, and only that is touched.
# shellcheck disable=SC2154 # startup.sh sets state, data, files, release, settings

compose() { # DIR ARGUMENT...: the project as the files and variables in DIR describe it
  local dir=$1 layers=(--file "$1/compose.yaml")
  # While the stack hands over: what the services have then beside.
  [ ! -e "$dir/handover.yaml" ] || layers+=(--file "$dir/handover.yaml")
  shift
  timeout 1800 docker compose --project-directory "$dir" "${layers[@]}" --env-file "$dir/compose.env" "$@"
}

pull_images() {
  local image
  write_variables
  compose "$release" config --quiet || fail "compose.yaml does not fit its variables; what runs was left running"
  check_containment
  while IFS= read -r image; do
    docker image inspect "$image" >/dev/null 2>&1 ||
      retry 900 timeout 600 docker pull --quiet "$image" ||
      fail "image $image could not be pulled in 15 minutes; what runs was left running"
    check_image "$image"
  done < <(compose "$release" config --images | sort -u)
}

# On the host's network, on a bridge of another name, with the host's rights or its files no rule of firewall.sh holds.
check_containment() {
  local odd
  odd=$(compose "$release" config --format json | jq --raw-output '
    def known: ["command", "cap_drop", "depends_on", "entrypoint", "environment", "healthcheck", "image", "labels", "logging", "mem_limit",
      "networks", "ports", "profiles", "read_only", "restart", "security_opt", "stop_grace_period", "stop_signal", "tmpfs", "ulimits", "user", "volumes"];
    (.services | to_entries | map(select(.value
      | (keys - known | length > 0) or .cap_drop != ["ALL"] or .read_only != true or .mem_limit == null
      or (.user // "" | test("^[1-9][0-9]*:[1-9][0-9]*$") | not)
      or .security_opt != ["no-new-privileges:true"] or (.networks // {} | length == 0)
      or any(.volumes[]?; .type != "bind" or (.source | test("^/(var/lib|mnt)/monitoring/") | not))
    ) | "service \(.key)")) +
    (.networks | to_entries | map(select(.value
      | .external == true or (.driver // "bridge") != "bridge"
      or (.driver_opts["com.docker.network.bridge.name"] // "" | test("^mon-(keeper|schema|write|read|gate|web|public|cloud|away)$") | not)
    ) | "network \(.key)")) | join(", ")') || fail "compose.yaml cannot be read by the check of what its services may do; what runs was left running"
  [ -z "$odd" ] || fail "compose.yaml gives more than their own network, files and an unprivileged user to: $odd; what runs was left running"
}

# A publisher can move a tag; what this machine pulled first under it stays what the tag means here.
check_image() { # IMAGE
  local id known
  id=$(docker image inspect --format '{{.Id}}' "$1")
  known=$(awk -v image="$1" '$1 == image { print $2 }' "$data/image-ids" 2>/dev/null || true)
  if [ -z "$known" ]; then
    echo "$1 $id" >>"$data/image-ids"
  elif [ "$known" != "$id" ]; then
    docker image rm "$1" >/dev/null 2>&1 || true
    fail "image $1 is no longer the one that this machine pulled first ($known, now $id): its tag was moved. Pin the one you mean by its digest (version: TAG@sha256:…); to take the new one, delete the tag's line in $data/image-ids. What runs was left running"
  fi
}

write_variables() {
  local total_mib known_mib front_mib collector_mib left_mib of_store
  total_mib=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) / 1024))
  # From boot to boot, and from kernel to kernel, it differs by a few MiB, for which nothing is to be recreated.
  known_mib=$(cat "$state/memory-mib" 2>/dev/null || echo 0)
  ((total_mib - known_mib > 128 || known_mib - total_mib > 128)) || total_mib=$known_mib
  front_mib=$((total_mib / 16))
  # Below this two large requests at once would not fit: see haproxy.cfg.
  collector_mib=$((total_mib / 6 > 1536 ? total_mib / 6 : 1536))
  # 1024 MiB stay with the system.
  left_mib=$((total_mib - 1024))
  ! runs gate || left_mib=$((left_mib - front_mib - collector_mib))
  of_store=$(store_variables $left_mib "$total_mib")
  replace "$state/memory-mib" <<<"$total_mib"
  {
    env_line COLLECTOR_IMAGE <<<"$(setting .images.collector)"
    env_line FRONT_IMAGE <<<"$(setting .images.front)"
    cat <<END
COMPOSE_PROFILES=$(setting '.parts | join(",")')
FRONT_MEMORY_MIB=$front_mib
FRONT_CONNECTIONS=$((front_mib * 16))
COLLECTOR_MEMORY_MIB=$collector_mib
COLLECTOR_GO_MEMORY_MIB=$((collector_mib * 4 / 5))
MEDIUM_PLACES=$((collector_mib / 160))
LARGE_PLACES=$((collector_mib / 768))
FRONT_FILES=$(digest_of haproxy.cfg)
COLLECTOR_FILES=$(digest_of otel-collector.yaml processors.yaml exporters.yaml)
$of_store
END
  } | replace "$release/compose.env"
}

# Compose 2.26 leaves env_files out of the hashes it prints, so they count here.
digest_of() { # FILE...
  (cd "$release" && sha256sum "$@" | sha256sum | cut -c 1-16)
}

digest_where() { # PART FILE...: of what only that part has; without it nobody reads the variable, which must be set all the same
  if runs "$1"; then digest_of "${@:2}"; else echo none; fi
}

apply_services() {
  local changed previous=$state/previous unproven=$state/unproven cut_off=no reason
  [ ! -e "$unproven" ] || cut_off=yes
  # A version that was cut off while it was tried is none to go back to: the one before it stays.
  [ $cut_off = no ] || [ ! -d "$previous" ] || rm -rf "$files"
  [ ! -d "$files" ] || { rm -rf "$previous" && mv "$files" "$previous"; }
  : >"$unproven"
  mv "$release" "$files"
  apply_keys
  compose "$files" config --hash '*' | sort >"$state/hashes.next"
  changed=$(comm -23 "$state/hashes.next" <(sort "$state/hashes" 2>/dev/null) | cut -d ' ' -f 1 | paste -s -d ' ')
  # What was removed or could not be started by Docker itself is brought up as a whole, also where only another service
  # differs: nobody would bring the rest up, and the new version would be blamed for it.
  # Nor do the hashes tell what a version that was cut off has left running.
  { [ $cut_off = no ] && all_running; } || changed=$(all_services)
  echo "services=${changed:-unchanged}"
  [ -n "$changed" ] || {
    remove_departed
    rm -f "$unproven"
    return 0
  }
  if ! cmp --silent "$state/hashes.next" "$state/rejected"; then
    if bring_up "$files" "$changed" && serving; then
      mv -f "$state/hashes.next" "$state/hashes"
      remove_departed
      rm -f "$unproven"
      docker image prune --all --force >/dev/null || true
      return 0
    fi
    reason=$(unhealthy)
    : "${reason:=all containers run, but SigNoz or the gate does not answer}"
    if [ ! -d "$previous" ] || [ ! -e "$state/hashes" ]; then fail "the services did not come up: $reason"; fi
    # Tried once: trying it again and again would take the gate away again and again.
    mv -f "$state/hashes.next" "$state/rejected"
    echo "$reason" >"$state/rejected.reason"
  fi
  rm -rf "$files" && mv "$previous" "$files"
  ! bring_up "$files" "$changed" || rm -f "$unproven"
  fail "the new version did not come up ($(<"$state/rejected.reason")); the previous one runs. After a cure outside the configuration: rm $state/rejected"
}

# First of all, since what follows may take long or fail, and a revoked key must not wait for it.
apply_keys() {
  runs gate || return 0
  [ "$(docker inspect --format '{{.State.Running}}' monitoring-front-1 2>/dev/null)" = true ] || return 0
  "$files/front-apply.sh" "$state/gate" "$state/front/admin.sock" /run/gate ||
    # A start reads the files.
    timeout 60 docker restart monitoring-front-1 >/dev/null ||
    fail "the front takes neither the keys and certificate on disk nor a restart; it still knows the old ones: docker logs monitoring-front-1"
}

bring_up() { # DIR SERVICES: recreates what differs, in the order of its dependencies
  remove_half_replaced
  start "$@" && return 0
  # A power cut while Docker starts a container can leave its port taken by nobody (moby/libnetwork issue 1790) until the
  # daemon starts anew, at which containers run on (live-restore).
  [[ $(docker inspect --format '{{.State.Error}}' monitoring-front-1 monitoring-signoz-1 2>/dev/null) == *'port is already allocated'* ]] || return 1
  timeout 180 systemctl restart docker.service && retry 120 docker info >/dev/null 2>&1 && start "$@"
}

start() { # DIR SERVICES
  local services
  read -r -a services <<<"$2"
  case " $2 " in
    # A new schema or database first; everything else stands on it.
    *' keeper '* | *' clickhouse '* | *' migrator '*) compose "$1" up --detach --remove-orphans ;;
    *) compose "$1" up --detach --no-deps "${services[@]}" ;;
  esac
}

# While compose replaces a container, the new one is called ID_NAME. Left by a power cut, that name is taken whenever
# compose tries again, and nothing comes up any more.
remove_half_replaced() {
  docker ps --all --filter label=com.docker.compose.project=monitoring --format '{{.Names}}' |
    { grep -v '^monitoring-' || true; } | xargs --no-run-if-empty docker rm --force >/dev/null
}

# Compose counts the services of a part that no longer runs here among its own, so none of its flags removes them. Their
# secrets go last: a version that did not come up would have given way to one that still reads them.
remove_departed() {
  local departed
  departed=$(docker ps --all --filter label=com.docker.compose.project=monitoring --format '{{.Label "com.docker.compose.service"}}' |
    sort | comm -23 - <(compose "$files" config --services | sort) | sed 's/.*/monitoring-&-1/')
  [ -z "$departed" ] || { timeout 300 xargs docker stop <<<"$departed" && xargs docker rm <<<"$departed"; } >/dev/null
  runs gate || rm -rf "$state/gate" "$state/front" "$state/secrets/collector.env"
  runs clickhouse || rm -f "$state/secrets/clickhouse-passwords.xml" "$state/secrets/migrator".*
}

serving() {
  store_serving || return 1
  runs gate || return 0
  # Of a gate that disk-guard.sh has closed, no version is to blame.
  retry 120 accepted || [ -e "$state/gate-closed" ]
}

all_services() { # but what ends when it has done its work
  compose "$files" config --services | grep -v '^migrator' | paste -s -d ' '
}

all_running() {
  [ -e "$state/gate-closed" ] ||
    [ -z "$(comm -23 <(all_services | tr ' ' '\n' | sort) <(compose "$files" ps --services --status running | sort))" ]
}

unhealthy() {
  compose "$files" ps --all --format '{{.Service}} {{.State}} {{.Health}} exit {{.ExitCode}}' 2>/dev/null |
    grep -v -e 'running healthy' -e 'exited  exit 0' | paste -s -d ';' || true
}

accepted() { # the gate takes the newest key, dialled by the name on its certificate
  tail -n 1 "$state/gate/keys.map" | cut -d ' ' -f 1 | "$files/probe.sh" "$(setting .host):4317" "$state/gate/tls.pem" 127.0.0.1
}

probe_gate() {
  runs gate || return 0
  [ ! -e "$state/gate-closed" ] || fail "the gate is closed, because the data disk is full: grow dataDiskGb, or drop days by hand (docs/runbook.md, Disk pressure); a shorter retention frees nothing of what is stored"
  retry 180 accepted || fail "the gate did not accept the newest ingestion key within 3 minutes: $(accepted 2>&1)"
}
