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

# managed := the files of managed settings, which beat everybody's, lowest first, one a line.
find_managed() {
  managed=
  for folder in /etc/claude-code "/Library/Application Support/ClaudeCode"; do
    for file in "$folder/managed-settings.json" "$folder/managed-settings.d"/*.json; do
      [ ! -f "$file" ] || managed=$managed$file$newline
    done
  done
}

# in_file := `env`.$2 of the settings file $1.
read_env() {
  in_file=
  [ -r "$1" ] && in_file=$(jq -r --arg name "$2" '.env[$name] // empty' "$1" 2>/dev/null)
}

# value, layer := what Claude Code will see for a variable, and who says so. It asks managed settings
# first, then settings.json, then the shell.
find_value() {
  find_managed
  value=
  layer=
  while IFS= read -r file; do
    [ -n "$file" ] || continue
    read_env "$file" "$1"
    [ -z "$in_file" ] || {
      value=$in_file
      layer=$file
    }
  done <<LIST
$managed
LIST
  [ -z "$layer" ] || return 0
  read_env "$settings" "$1"
  if [ -n "$in_file" ]; then
    value=$in_file
    layer=$settings
  else
    eval "value=\${$1-}"
    [ -z "$value" ] || layer="this shell"
  fi
}

status() {
  stored_key
  read_attempt
  compose
  slurp "$state/obstacle"
  obstacle=$text
  state_of_key="none"
  if key_is_given; then
    state_of_key="SIGNOZ_KEY of this shell"
  elif [ -n "$key" ]; then
    state_of_key="copy of ${source:-an earlier fetch}"
  fi
  if [ -e "$state/off" ]; then
    reporting="off since uninstall; on again: $self refresh"
  elif [ -z "$key" ]; then
    reporting="not set up: no key; see: $self doctor"
  else
    find_value OTEL_EXPORTER_OTLP_ENDPOINT
    reporting="${value:-nowhere} (by ${layer:-nobody})"
  fi
  last=never
  if [ -n "$attempted" ]; then
    ago "$asked_at"
    last="$age: $outcome"
  fi
  printf '%-14s%s\n' \
    "Reports to" "$reporting" \
    "Should be" "$endpoint_url" \
    "As" "$attributes" \
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
  if ! open_state; then
    finding fail state "$state cannot be written" "mkdir -p '$state' && chmod u+rwx '$state'"
  else
    stored_key
    read_attempt
    compose
    find_managed
    for check in tools registration switch variables layers project sources; do "check_$check"; done
    check_gate
    check_clock
    ! "$live" || check_live
    rm -f "$state/tmp.$$".*
  fi
  ! "$as_json" || printf '[%s\n]\n' "$findings"
  ! "$failed"
}

check_tools() {
  for tool in jq curl; do
    if command -v "$tool" >/dev/null; then
      finding pass "$tool" "$(command -v "$tool")"
    else
      finding warn "$tool" "not installed" "brew install $tool || sudo apt-get install $tool"
    fi
  done
}

# Both shapes occur in the wild; Claude Code skips the one without the inner `hooks` in silence.
check_registration() {
  registered=
  flat=
  while IFS= read -r file; do
    [ -r "$file" ] || continue
    if jq -e 'any(.hooks.SessionStart[]?.hooks[]?.command; tostring | contains("telemetry-hook.sh"))' "$file" >/dev/null 2>&1; then
      registered=$file
    elif jq -e 'any(.hooks.SessionStart[]?.command?; tostring | contains("telemetry-hook.sh"))' "$file" >/dev/null 2>&1; then
      flat=$file
    fi
  done <<LIST
$managed
$settings
LIST
  if [ -n "$registered" ]; then
    finding pass hook "registered in $registered"
  elif [ -n "$flat" ]; then
    finding fail hook "$flat registers it without the inner hooks array, which Claude Code skips" \
      "install claude-config again; by hand: {\"hooks\":{\"SessionStart\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"sh $self\"}]}]}}"
  elif ! command -v jq >/dev/null; then
    finding warn hook "cannot look into $settings without jq"
  else
    finding fail hook "no SessionStart hook runs telemetry-hook.sh in $settings" "install claude-config again"
  fi
}

check_switch() {
  if [ -e "$state/off" ]; then
    slurp "$state/off"
    finding fail reporting "switched off by uninstall, ${text%"$newline"}" "$self refresh"
  fi
}

check_variables() {
  find_obstacle
  if [ -z "$key" ]; then
    finding fail variables "not written: there is no key yet" "$self refresh"
    return
  fi
  missing=
  elsewhere=
  while IFS='=' read -r name should; do
    [ -n "$name" ] || continue
    find_value "$name"
    case $value in
      "$should") ;;
      *"$should") [ "$name" = OTEL_RESOURCE_ATTRIBUTES ] || elsewhere="$elsewhere $name ($layer)" ;;
      "") missing="$missing $name" ;;
      *) elsewhere="$elsewhere $name ($layer)" ;;
    esac
  done <<LIST
$wanted
LIST
  quote "$state/env"
  mend="$self refresh"
  [ -z "$obstacle" ] || mend="put into your shell profile, then open a new shell: [ ! -r $quoted ] || . $quoted"
  if [ -n "$missing" ]; then
    finding fail variables "missing:$missing${obstacle:+; $settings cannot hold them: $obstacle}" "$mend"
  fi
  if [ -n "$elsewhere" ]; then
    finding fail variables "set to something else:$elsewhere" "take them out there, then: $self refresh"
  fi
  [ -n "$missing$elsewhere" ] || finding pass variables "all in place (${layer:-$settings})"
  if [ -e "$settings" ] && [ -n "$(find "$settings" -prune \( -perm -040 -o -perm -004 \) 2>/dev/null)" ] &&
    grep -q 'signoz-ingestion-key=' "$settings"; then
    finding warn variables "$settings holds the key and other users may read it" "chmod go= '$settings'"
  fi
}

check_layers() {
  find_value CLAUDE_CODE_ENABLE_TELEMETRY
  case $value in
    1) finding pass enabled "CLAUDE_CODE_ENABLE_TELEMETRY=1 (by $layer)" ;;
    "") finding fail enabled "CLAUDE_CODE_ENABLE_TELEMETRY is not set" "$self refresh" ;;
    *) finding fail enabled "CLAUDE_CODE_ENABLE_TELEMETRY is '$value' (by $layer)" "set it to 1 in $layer" ;;
  esac
  # Settings beat the shell name by name, but a variable of one signal beats the general one.
  for signal in METRICS LOGS TRACES; do
    for part in ENDPOINT PROTOCOL HEADERS CERTIFICATE; do
      find_value "OTEL_EXPORTER_OTLP_${signal}_$part"
      [ -z "$value" ] || finding fail layers "OTEL_EXPORTER_OTLP_${signal}_$part (by $layer) sends $signal elsewhere" \
        "take it out of $layer"
    done
  done
}

# A project may not switch telemetry, but its attributes replace the engineer's whole value.
check_project() {
  for file in .claude/settings.json .claude/settings.local.json; do
    [ "$PWD/$file" != "$settings" ] || continue
    read_env "$file" OTEL_RESOURCE_ATTRIBUTES
    [ -z "$in_file" ] || finding warn project "$PWD/$file replaces engineer, team and org by $in_file" \
      "take OTEL_RESOURCE_ATTRIBUTES out of $file"
  done
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
  ticks=100
  if [ -n "$one_password_reference" ]; then
    if ! command -v op >/dev/null; then
      absent 1Password "brew install 1password-cli   # or use gcloud"
    elif ! bounded op whoami; then
      finding "$bad" 1Password "not signed in: $complaint" "op signin"
    elif ! bounded op read --no-newline "$one_password_reference"; then
      finding "$bad" 1Password "$one_password_reference cannot be read: $complaint" \
        "op read '$one_password_reference' >/dev/null   # ask for access to the vault"
    else
      finding pass 1Password "$one_password_reference"
    fi
  fi
  ticks=100
  if ! command -v gcloud >/dev/null; then
    absent gcloud "brew install google-cloud-sdk   # or use 1Password"
  elif ! ask_secret_manager; then
    finding "$bad" gcloud "$ingestion_key_secret cannot be read: $complaint" \
      "gcloud auth login && gcloud secrets versions access latest --secret=$ingestion_key_secret --project=$project >/dev/null"
  else
    finding pass gcloud "$ingestion_key_secret in $project"
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

# One request tells name, connection, certificate and key apart.
check_gate() {
  host=${endpoint_url#*://}
  port=${host##*:}
  host=${host%:*}
  for name in grpc_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY; do
    eval "value=\${$name-}"
    case ",${no_proxy-},${NO_PROXY-}," in
      *",$host,"* | *",*,"*) value= ;;
    esac
    [ -z "$value" ] || finding warn proxy "$name is set: telemetry goes through it too" \
      "export no_proxy=\"\${no_proxy:+\$no_proxy,}$host\""
  done
  write_ca
  if ! command -v curl >/dev/null; then
    finding warn gate "not checked: curl is not installed"
    return
  fi
  try_key "${key:-none}"
  case $curl_status in
    0 | 52 | 92)
      finding pass DNS "$host"
      finding pass TCP "$port is open"
      check_certificate
      case $verdict in
        accepted) finding pass accepted "the gate takes the key" ;;
        refused) finding fail accepted "the gate refuses the key" "$self refresh" ;;
        *) finding fail accepted "$host:$port does not answer like the gate: $curl_error" "ask the platform team" ;;
      esac
      ;;
    5 | 6) finding fail DNS "$host does not resolve" "nslookup $host   # VPN, DNS filter?" ;;
    7) finding fail TCP "$host:$port refuses connections" "nc -vz $host $port   # then ask the platform team" ;;
    28)
      finding fail TCP "$host:$port does not answer: a firewall, or an address outside the allowed sources" \
        "nc -vz -w 3 $host $port   # join the VPN"
      ;;
    35 | 51 | 58 | 60 | 77) finding fail TLS "$curl_error" \
      "install claude-config again (the hook carries the certificate authority); a proxy that opens TLS must exempt $host" ;;
    *) finding fail gate "curl exit $curl_status: $curl_error" "curl -v $endpoint_url" ;;
  esac
}

check_certificate() {
  if ! command -v openssl >/dev/null; then
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

# A wrong clock makes certificates look expired. Google's answer carries its own.
check_clock() {
  ticks=50
  bounded curl -sS -m 4 -o /dev/null -D - https://secretmanager.googleapis.com/
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

# What Claude Code itself says about its first export: one short session, which costs one model call.
check_live() {
  if ! command -v claude >/dev/null; then
    finding warn live "claude is not on PATH"
    return
  fi
  ticks=900
  bounded claude -p "Say ok." --debug-file "$state/debug"
  line=$(sed -n 's/.*\[3P telemetry\] \(First [a-z]* export: .*\)/\1/p' "$state/debug" 2>/dev/null | tail -n 1)
  rm -f "$state/debug"
  # A refused key stands readable in that line.
  [ -z "$key" ] || while :; do
    case $line in
      *"$key"*) line="${line%%"$key"*}***${line#*"$key"}" ;;
      *) break ;;
    esac
  done
  case $line in
    *SUCCESS*) finding pass live "$line" ;;
    "") finding fail live "the session exported nothing" "$self doctor   # see the lines above" ;;
    *) finding fail live "$line" "$self refresh" ;;
  esac
}
