# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# Part of telemetry-hook.sh: status and doctor. Neither prints a key.

# age := how long ago an epoch second was, for people.
ago() {
  age=$(($(date +%s) - $1))
  if [ "$age" -lt 120 ]; then
    age="just now"
  elif [ "$age" -lt 7200 ]; then
    age="$((age / 60)) min ago"
  elif [ "$age" -lt 172800 ]; then
    age="$((age / 3600)) h ago"
  else
    age="$((age / 86400)) days ago"
  fi
}

# stamp := who the gate will say that the records of $key are from.
find_stamp() {
  find_owner "$key"
  if [ -n "$owner" ]; then
    stamp="$owner, verified by a key of one's own"
  else
    stamp="the engineer that a session names, not verified: the key is shared"
  fi
}

# Sets what status and doctor both start from.
look() {
  stored_key
  read_attempt
  compose
  [ -n "$key" ] || wanted=
  client_model full
  slurp "$state/obstacle"
  obstacle=$text
}

# worst := the first reason why a signal does not leave for the gate, empty when all do.
find_worst() {
  worst=
  while IFS=$unit read -r name rest; do
    case $name in
      METRICS | LOGS | TRACES)
        fault=${rest%%"$unit"*}
        worst=${worst:-$fault}
        ;;
    esac
  done <<LIST
$facts
LIST
}

status() {
  open_state
  look
  find_worst
  state_of_key="none"
  if key_is_given; then
    state_of_key="SIGNOZ_KEY of this shell"
  elif [ -n "$key" ]; then
    state_of_key="copy of ${source:-an earlier fetch}"
  fi
  if [ -e "$state/off" ]; then
    reporting="off since uninstall; on again: $self refresh"
  elif [ "$verdict_of_model" = off ]; then
    reporting="off: $why"
  elif [ "$verdict_of_model" = elsewhere ]; then
    reporting="elsewhere: $why"
  elif [ -z "$key" ]; then
    reporting="not set up: no key; see: $self doctor"
  else
    reporting="${worst:-$endpoint_url}"
  fi
  stamp=nobody
  [ -z "$key" ] || find_stamp
  last=never
  if [ -n "$attempted" ]; then
    ago "$asked_at"
    last="$age: $outcome"
  fi
  printf '%-14s%s\n' \
    "Reports to" "$reporting" \
    "Should be" "$endpoint_url" \
    "As" "$attributes" \
    "Stamped as" "$stamp" \
    "Key" "$state_of_key, generation ${attempted:-unknown} (hook: $key_generation)" \
    "Last refresh" "$last" \
    "Variables in" "$([ -n "$obstacle" ] && echo "$state/env, because $settings: $obstacle" || echo "$settings")"
}

# One finding: pass, warn or fail, what was looked at, what was found, and the command that mends it.
finding() {
  [ "$1" != fail ] || failed=true
  if "$as_json"; then
    escape "$3"
    detail=$escaped
    escape "${4-}"
    findings="$findings${findings:+,}$newline  {\"status\":\"$1\",\"check\":\"$2\",\"detail\":\"$detail\",\"fix\":\"$escaped\"}"
  else
    printf '%-5s%-12s%s\n' "$1" "$2" "$3${4:+$newline                 → $4}"
  fi
}

doctor() {
  as_json=false
  live=false
  failed=false
  findings=
  for option; do
    case $option in
      --json) as_json=true ;;
      --live) live=true ;;
      *)
        echo "telemetry-hook: doctor takes --json and --live, not $option" >&2
        return 2
        ;;
    esac
  done
  if ! open_state check; then
    finding fail state "$state cannot be written" "mkdir -p '$state' && chmod u+rwx '$state'"
  else
    look
    for check in tools $client_checks switch variables signals sources clock; do "check_$check"; done
    ! "$live" || check_live
    rm -f "$state/tmp.$$".*
  fi
  ! "$as_json" || printf '[%s\n]\n' "$findings"
  ! "$failed"
}

check_tools() {
  for tool in jq curl awk; do
    if ! command -v "$tool" >/dev/null; then
      finding warn "$tool" "not installed" "brew install $tool || sudo apt-get install $tool"
    elif [ "$tool" = jq ] && [ "$(jq --null-input 1 2>&1)" != 1 ]; then
      finding fail jq "it does not run: $(jq --null-input 1 2>&1 | head -n 1)" "install jq again: brew reinstall jq || sudo apt-get install --reinstall jq"
    else
      finding pass "$tool" "$(command -v "$tool")"
    fi
  done
}

check_switch() {
  if [ -e "$state/off" ]; then
    slurp "$state/off"
    finding fail reporting "switched off by uninstall, ${text%"$newline"}" "$self refresh"
  elif [ "$verdict_of_model" != ours ] && find_worst && [ -z "$worst" ] && [ -n "$key" ]; then
    # Something stronger overrides it for now; the next session start takes the variables out.
    finding warn reporting "$verdict_of_model: $why, which the settings in place override until the next session" "take it out there to go on reporting"
  elif [ "$verdict_of_model" != ours ]; then
    finding fail reporting "$verdict_of_model: $why" "take it out there, then: $self refresh"
  fi
  # A folder that others read gives the key away.
  if [ -e "$settings" ] && [ -n "$(find "$settings" -prune \( -perm -040 -o -perm -004 \) 2>/dev/null)" ] &&
    grep -q 'signoz-ingestion-key=' "$settings"; then
    finding warn variables "$settings holds the key and other users may read it" "chmod go= '$settings'"
  fi
}

# What each signal meets on its way out of the client.
check_variables() {
  command -v jq >/dev/null || {
    finding warn variables "cannot look into $settings without jq"
    return
  }
  [ -n "$facts" ] || {
    finding fail variables "the settings cannot be read: ${jq_complaint:-jq does not run}" "see jq above"
    return
  }
  quote "$state/env"
  mend="$self refresh"
  [ -z "$obstacle" ] || mend="put into your shell profile, then open a new shell: [ ! -r $quoted ] || . $quoted"
  if [ -z "$key" ]; then
    finding fail variables "not written: there is no key yet" "$self refresh"
    return
  fi
  sound=
  while IFS=$unit read -r name rest; do
    case $name in
      METRICS | LOGS | TRACES)
        fault=${rest%%"$unit"*}
        case $fault in
          "") sound="$sound $name" ;;
          "OTEL_${name}_EXPORTER is \"none\" (by $settings)") finding warn variables "$name are off: $fault" "take it out there" ;;
          *'is ""') finding fail variables "missing for $name: ${fault%% *}${obstacle:+; $settings cannot hold them: $obstacle}" "$mend" ;;
          *) finding fail variables "$name do not reach the gate: $fault" "take it out there, then: $self refresh" ;;
        esac
        ;;
    esac
  done <<LIST
$facts
LIST
  [ -z "$sound" ] || finding pass variables "in place for$sound"
}

# Each key and certificate that the client will use is tried at the gate, on the client's own way.
check_signals() {
  write_ca
  if ! command -v curl >/dev/null; then
    finding warn gate "not checked: curl is not installed"
    return
  fi
  tried=
  while IFS= read -r fact; do
    case $fact in
      METRICS"$unit"* | LOGS"$unit"* | TRACES"$unit"*) ;;
      *) continue ;;
    esac
    used=${fact#*"$unit"}
    [ "${used%%"$unit"*}" = "" ] || continue
    used=${used#*"$unit"}
    case $tried in *"$used$newline"*) continue ;; esac
    tried=$tried$used$newline
    check_gate "${used%%"$unit"*}" "${used#*"$unit"}"
  done <<LIST
$facts
LIST
  [ -n "$tried" ] || check_gate "${key:-none}" "$certificate"
}

# One request with key $1 and roots $2 tells name, connection, certificate and key apart.
check_gate() {
  host=${endpoint_url#*://}
  port=${host##*:}
  host=${host%:*}
  roots_used=$2
  if [ -n "$ca_certificate" ] && ! { [ -r "$roots_used" ] && [ -f "$roots_used" ]; }; then
    # Then the client trusts the system's roots, and those that NODE_EXTRA_CA_CERTS adds.
    roots_used=
    case $newline$lines in
      *"${newline}NODE_EXTRA_CA_CERTS="*)
        roots_used=${lines#*NODE_EXTRA_CA_CERTS=}
        roots_used=${roots_used%%"$newline"*}
        ;;
    esac
    finding warn TLS "the certificate file ${2:-(none)} cannot be read" "$self refresh"
  fi
  try_key "$1" "$roots_used"
  way=$host:$port
  [ -z "$route" ] || way="$way through the proxy ${route##*@}"
  case $curl_status in
    0 | 52 | 92)
      finding pass DNS "$host"
      finding pass TCP "$port is open${route:+, through the proxy}"
      check_certificate
      case $verdict in
        accepted) finding pass accepted "the gate takes the key ($state_of_owner)" ;;
        refused) finding fail accepted "the gate refuses the key" "$self refresh" ;;
        *) finding fail accepted "$way does not answer like the gate: $curl_error" "ask the platform team" ;;
      esac
      ;;
    5) finding fail proxy "the proxy ${route##*@} does not resolve" "take it out of the variable named above, or join the VPN" ;;
    6) finding fail DNS "$host does not resolve" "nslookup $host   # VPN, DNS filter?" ;;
    7) finding fail TCP "$way refuses connections" "nc -vz $host $port   # then ask the platform team" ;;
    28)
      finding fail TCP "$way does not answer: a firewall, or an address outside the allowed sources" \
        "nc -vz -w 3 $host $port   # join the VPN"
      ;;
    35 | 51 | 58 | 60 | 77) finding fail TLS "$curl_error" \
      "install the hook again (it carries the certificate authority); a proxy that opens TLS must exempt $host" ;;
    *)
      if [ -n "$route" ]; then
        finding fail proxy "$way: $curl_error" "export no_grpc_proxy=$host   # lower case; or let the proxy pass $host:$port"
      else
        finding fail gate "curl exit $curl_status: $curl_error" "curl -v $endpoint_url"
      fi
      ;;
  esac
}

check_certificate() {
  find_owner "$key"
  state_of_owner="a shared one: engineer is what the session says"
  [ -z "$owner" ] || state_of_owner="$owner's own: records are stamped $owner"
  if ! command -v openssl >/dev/null || [ -n "$route" ]; then
    finding pass TLS "certificate and name are right"
    return
  fi
  ticks=50
  bounded sh -c 'openssl s_client -connect "$1:$2" -servername "$1" </dev/null 2>/dev/null | openssl x509 -noout -enddate' sh "$host" "$port"
  expiry=${output#notAfter=}
  ticks=50
  if bounded sh -c 'openssl s_client -connect "$1:$2" -servername "$1" </dev/null 2>/dev/null | openssl x509 -noout -checkend 1209600' sh "$host" "$port"; then
    finding pass TLS "certificate and name are right, until $expiry"
  else
    finding warn TLS "the gate's certificate runs out on $expiry" "tell the platform team: pulumi up renews it"
  fi
}

# Each source on its own; a broken one only fails when no key came from anywhere.
check_sources() {
  [ -n "$key" ] && bad=warn || bad=fail
  if key_is_given; then
    finding pass key "SIGNOZ_KEY of this shell"
  elif [ -n "$key" ]; then
    ago "$asked_at"
    finding pass key "copy in $state/key; last asked $age: $outcome"
  else
    finding fail key "none yet: ${outcome:-never asked}" "$self refresh"
  fi
  if [ -n "$one_password_reference" ]; then
    ticks=100
    if ! command -v op >/dev/null; then
      absent 1Password "brew install 1password-cli   # or use gcloud"
    elif ask_one_password; then
      finding pass 1Password "$one_password_reference"
    else
      explain_one_password
      finding "$bad" 1Password "$one_password_reference cannot be read: $reason" "$remedy"
    fi
  fi
  if ! command -v gcloud >/dev/null; then
    absent gcloud "brew install google-cloud-sdk   # or use 1Password"
    return
  fi
  ticks=100
  find_own_secret
  if [ -n "$own_secret" ] && ask_secret_manager "$own_secret"; then
    finding pass gcloud "$own_secret in $project, your own"
    output=
    return
  fi
  ticks=100
  if ask_secret_manager "$ingestion_key_secret"; then
    finding pass gcloud "$ingestion_key_secret in $project"
  else
    explain_gcloud "$ingestion_key_secret"
    finding "$bad" gcloud "$ingestion_key_secret cannot be read: $reason" "$remedy"
  fi
  output=
}

# A source that is not there is no fault while there is a key.
absent() {
  if [ -n "$key" ]; then
    finding pass "$1" "not installed, and not needed while there is a key"
  else
    finding fail "$1" "not installed" "$2"
  fi
}

# A wrong clock makes certificates look expired. Google's answer carries its own.
check_clock() {
  ticks=50
  bounded curl --silent --show-error --max-time 4 --output /dev/null --dump-header - https://secretmanager.googleapis.com/
  there=$(printf '%s\n' "$output" | tr -d '\r' | sed -n 's/^[Dd]ate: //p')
  [ -n "$there" ] || return 0
  there=$(date -u -d "$there" +%s 2>/dev/null || date -j -u -f '%a, %d %b %Y %T GMT' "$there" +%s 2>/dev/null) || return 0
  skew=$(($(date +%s) - there))
  if [ "${skew#-}" -le 120 ]; then
    finding pass clock "within ${skew#-} s of Google's"
  else
    finding fail clock "off by $skew s" "sudo sntp -sS time.google.com || sudo timedatectl set-ntp true"
  fi
}

# What the client itself says about its first export: one short session, which costs one model call.
check_live() {
  client_sees || {
    finding warn live "the client is not on PATH"
    return
  }
  # A refused key stands readable in that line.
  [ -z "$key" ] || while :; do
    case $said in
      *"$key"*) said="${said%%"$key"*}***${said#*"$key"}" ;;
      *) break ;;
    esac
  done
  case $said in
    *SUCCESS*) finding pass live "$said" ;;
    "") finding fail live "the session exported nothing" "$self doctor   # see the lines above" ;;
    *) finding fail live "$said" "$self refresh" ;;
  esac
}
