# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Part of telemetry-hook.sh: all that knows Claude Code. Measured with 2.1.331; test/real/claudeModel.test.ts holds it
# against the real one. What the other parts use:
#   client_open       client_folder, settings, state; takes back what a repository's settings set
#   client_variables  adds Claude Code's own variables to what compose collects
#   client_model      what Claude Code will do: verdict and why; in full: destination, proxy, roots, hooks
#   client_keep       brings settings.json in step with $wanted, or takes the variables out
#   client_answer     the session's variables, and the one line that the engineer reads
# and client_name, client_checks (doctor's questions), client_sees (the command of doctor --live).
# Files in the state folder:
#   owned    the variables this hook put into settings.json, so that nobody else's are touched
#   layers   the other layers' text when settings.json was last judged, verdict: the judgement then
#   seen     settings.json when it was last looked at: unchanged means nothing to do
#   after    settings.json as this hook last wrote it (`next` while it does), and
#   before   as it was until then: uninstall puts it back while `after` is still what is there

client_name="Claude Code"
client_checks="registration layers"

client_open() {
  client_folder=${CLAUDE_CONFIG_DIR:-${HOME:+$HOME/.claude}}
  # At a session start Claude Code itself says where its folder is, which no repository can set.
  case ${CLAUDE_ENV_FILE-} in
    /*/session-env/*/*) client_folder=${CLAUDE_ENV_FILE%/session-env/*/*} ;;
  esac
  settings=$client_folder/settings.json
  state=$client_folder/telemetry-hook
  shell_lines=
  find_shell_lines
  take_back
}

# shell_lines := the OTLP and proxy variables of the shell that Claude Code was started from, which it keeps from its
# hooks. Only Linux shows them; elsewhere doctor, run in a shell, sees its own.
find_shell_lines() {
  process_lines=
  [ -n "${CLAUDE_PID-}" ] || return 0
  slurp "/proc/$CLAUDE_PID/environ" || return 0
  knows_shell=yes
  case $text in
    *OTEL_* | *CLAUDE_CODE_ENABLE_TELEMETRY* | *_proxy*) ;;
    *) return 0 ;;
  esac
  process_lines=$(tr '\000' '\n' <"/proc/$CLAUDE_PID/environ")
  shell_lines=$(printf '%s\n' "$process_lines" | grep -E '^((OTEL|CLAUDE_CODE|ENABLE)_[A-Z_0-9]*(TELEMETRY|OTEL)?[A-Z_0-9]*|[a-z_]*_proxy|NODE_EXTRA_CA_CERTS)=')
}

# A repository's settings put variables into the hook's environment too. None of them may decide who reports, with which
# key or by which programs: each gets its value from the engineer's settings or shell back, or none.
take_back() {
  [ -n "${CLAUDE_PROJECT_DIR-}" ] || return 0
  for file in "$CLAUDE_PROJECT_DIR/.claude/settings.json" "$CLAUDE_PROJECT_DIR/.claude/settings.local.json" \
    "$PWD/.claude/settings.json" "$PWD/.claude/settings.local.json"; do
    { [ "$file" != "$settings" ] && [ -e "$file" ] && slurp "$file"; } || continue
    case $text in
      *'"env"'* | *'\u'*) ;;
      *) continue ;;
    esac
    case $text in
      *PATH* | *'\u'*) PATH=/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:$PATH ;;
    esac
    names=$(jq -r '.env | objects | keys[]' "$file" 2>/dev/null) ||
      names=$(tr '{,\n\r\t' '\n\n   ' <"$file" | sed -n 's/^ *"\([A-Za-z_][A-Za-z0-9_]*\)" *:.*/\1/p')
    for name in $names; do take_back_one "$name"; done
  done
}

take_back_one() {
  case $1 in
    # What a shell keeps for itself, and what Claude Code takes from no repository.
    *[!A-Za-z0-9_]* | [0-9]* | HOME | CLAUDE_* | IFS | UID | EUID | PPID | PWD | BASH* | *OPTS) return 0 ;;
  esac
  value=
  [ -n "${knows_shell-}" ] && [ -z "$process_lines" ] && process_lines=$(tr '\000' '\n' <"/proc/$CLAUDE_PID/environ")
  process_text=$newline$process_lines
  case $process_text in
    *"$newline$1="*)
      value=${process_text#*"$newline$1="}
      value=${value%%"$newline"*}
      ;;
  esac
  case $1 in
    PATH)
      PATH=${value:-/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin}
      return 0
      ;;
    "$engineer_variable" | "$team_variable" | USER | SIGNOZ_KEY)
      read_env "$settings" "$1"
      value=${in_file:-$value}
      [ -n "${knows_shell-}" ] || identity_is_anothers=yes
      ;;
  esac
  unset "$1"
  [ -z "$value" ] || {
    eval "$1=\$value"
    export "${1?}"
  }
}

# in_file := `env`.$2 of the settings file $1.
read_env() {
  in_file=
  [ -r "$1" ] && in_file=$(jq -r --arg name "$2" '.env[$name] // empty' "$1" 2>/dev/null)
}

# What only Claude Code knows, and values that nothing below settings.json may change: a per-signal variable of the
# shell would take the key elsewhere or spoil the data, and an empty one counts as not set.
client_variables() {
  export_line CLAUDE_CODE_ENABLE_TELEMETRY 1
  # Without this there are no traces.
  export_line CLAUDE_CODE_ENHANCED_TELEMETRY_BETA 1
  for signal in METRICS LOGS TRACES; do
    for what in ENDPOINT PROTOCOL HEADERS CERTIFICATE; do pin "OTEL_EXPORTER_OTLP_${signal}_$what" ""; done
    # Milliseconds; a repository may set the general one, which these beat.
    pin "OTEL_EXPORTER_OTLP_${signal}_TIMEOUT" 10000
  done
  pin OTEL_EXPORTER_OTLP_TIMEOUT 10000
  pin OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE delta
  pin OTEL_SERVICE_NAME ""
  pin OTEL_TRACES_SAMPLER ""
  pin OTEL_METRIC_EXPORT_INTERVAL 60000
  pin OTEL_LOGS_EXPORT_INTERVAL 5000
  pin OTEL_TRACES_EXPORT_INTERVAL 5000
  # Claude Code waits up to 2000 ms at its exit for the last batch: in vain while it cannot reach the gate. A fixed
  # smaller value would lose that batch on slow links: 500 ms does at a 150 ms round trip.
  [ "$reach" != silent ] || export_line CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS 1
}

# managed := the files of managed settings, lowest first, one a line. What a company serves from claude.ai is kept in
# remote-settings.json; macOS profiles are read through plutil.
find_managed() {
  managed=
  for folder in /etc/claude-code "/Library/Application Support/ClaudeCode" "/c/Program Files/ClaudeCode"; do
    [ -d "$folder" ] || continue
    for file in "$folder/managed-settings.json" "$folder/managed-settings.d"/*.json; do
      [ ! -f "$file" ] || managed=$managed$file$newline
    done
  done
  for file in "/Library/Managed Preferences/com.anthropic.claudecode.plist" "/Library/Managed Preferences/${USER-}/com.anthropic.claudecode.plist"; do
    [ -f "$file" ] || continue
    plutil -convert json -o "$state/managed.json" "$file" || continue
    managed=$managed$state/managed.json$newline
  done
  # It counts for people of an organization who are logged in, not with an API key.
  if [ -f "$client_folder/remote-settings.json" ] && [ -z "${ANTHROPIC_API_KEY-}${ANTHROPIC_AUTH_TOKEN-}" ]; then
    managed=$managed$client_folder/remote-settings.json$newline
  fi
}

# layers := the text of everything but settings.json that decides where telemetry goes.
find_layers() {
  find_managed
  layers=$shell_lines$newline
  [ -n "${knows_shell-}" ] || layers="${CLAUDE_CODE_ENABLE_TELEMETRY-}$newline"
  [ -n "$managed" ] || return 0
  while IFS= read -r file; do
    [ -z "$file" ] || ! slurp "$file" || layers=$layers$file$newline$text
  done <<LIST
$managed
LIST
}

# Reads the layers as `$ARGS.named`, each file's text under its class and path, and prints lines of name, value and layer
# divided by the control character US. grpc-js' rules: @grpc/grpc-js 1.14.4, src/http_proxy.ts; which names a project may set: the CLI's debug
# log (of exporters only `none`). An empty value hides what is below it and then counts as not set.
model='
def parsed: ltrimstr("\ufeff") | try fromjson catch {} | if type == "object" then . else {} end;
def variables: split("\n") | map(select(contains("=")) | index("=") as $i | {(.[:$i]): .[$i + 1:]}) | add // {};
def texts: (.env // {}) | if type == "object" then map_values(if type == "string" then . else tojson end) else {} end;
def line: map(tostring | gsub("[\t\n\r]"; " ")) | join("\u001f");
def trimmed: gsub("^\\s+|\\s+$"; "");
def on: trimmed | ascii_downcase | . == "1" or . == "true" or . == "yes" or . == "on";
# Host and port, with http:// before them where TLS is off: any other scheme, or none, means TLS.
def place: trimmed | ascii_downcase | (capture("^(?<scheme>[a-z]+)://(?<host>[^/?#]*)") // {scheme: "", host: .}) | (if .scheme == "http" then "http://" else "" end) + .host;
def reserved: test("^(CLAUDE_CODE_(ENABLE_TELEMETRY|ENHANCED_TELEMETRY_BETA|SAFE_MODE|SIMPLE)|ENABLE_ENHANCED_TELEMETRY_BETA|CLAUDE_CONFIG_DIR|HOME|OTEL_(METRICS|LOGS|TRACES)_EXPORTER|OTEL_EXPORTER_OTLP_((METRICS|LOGS|TRACES)_)?(ENDPOINT|PROTOCOL|HEADERS|CERTIFICATE|INSECURE|CLIENT_.*))$");
def byte: explode | map(if . > 96 then . - 87 elif . > 64 then . - 55 else . - 48 end) | .[0] * 16 + .[1];
def headers: split(",") | map(select(contains("=")) | index("=") as $i | {name: (.[:$i] | trimmed | ascii_downcase),
  value: (.[$i + 1:] | split(";")[0] // "" | trimmed | gsub("%(?<h>[0-9A-Fa-f]{2})"; [.h | byte] | implode))});
def key_in: headers | map(select(.name == "signoz-ingestion-key") | .value) | last // "";
def deadly: any(headers[]; (.name | test("[^!-~]|-bin$")) or (.value | test("[^ -~]")));
($ENV.wanted // "" | variables) as $wanted
| ($ENV.owned // "" | variables) as $owned
| ($ENV.endpoint_url | place) as $gate
| ($ARGS.named | to_entries | sort_by(.key) | map(. as $e | {class: ($e.key | split(" ")[0][:1]), from: ($e.key | .[index(" ") + 1:])}
    + (if $e.key[:1] == "0" then {settings: {}, env: ($e.value | variables)} else ($e.value | parsed) as $s | {settings: $s, env: ($s | texts)} end))) as $all
# 0 shell, 1 user, 2 project, 3 local, 4 managed; the order of precedence.
| [$all[] | if .class == "2" or .class == "3" then .env |= with_entries(select((.key | reserved | not) or ((.key | endswith("_EXPORTER")) and .value == "none"))) else . end] as $layers
| def of($name): [$layers[] | select(.env | has($name)) | {value: .env[$name], from}] | last // {value: "", from: ""};
  def either($signal; $what): of("OTEL_EXPORTER_OTLP_" + $signal + "_" + $what) as $own
    | if $own.value != "" then $own + {name: "OTEL_EXPORTER_OTLP_\($signal)_\($what)"} else of("OTEL_EXPORTER_OTLP_" + $what) + {name: "OTEL_EXPORTER_OTLP_\($what)"} end;
  def said($name): of($name) | "\($name) is \(.value | tojson)" + (if .from == "" then "" else " (by \(.from))" end);
  def milliseconds: trimmed | if . == "" then null else (tonumber? // null) end;
  def positive: milliseconds | if . != null and . > 0 then . else null end;
  def theirs: if .class == "1" then ($owned == {} and ((.env.OTEL_EXPORTER_OTLP_ENDPOINT // "" | place) == $gate or (.env.OTEL_EXPORTER_OTLP_CERTIFICATE // "" | test("/telemetry-hook(-[0-9a-f]+)?/ca.pem$")))) as $lost
      | .env |= with_entries(.key as $k | select(.value != ($owned[$k] // false) and .value != ($wanted[$k] // false) and ($lost and ($wanted | has($k)) | not)))
    elif .class == "0" then .env |= with_entries(.key as $k | select(.value != ($wanted[$k] // false) and (.value | contains("signoz-ingestion-key=") | not))) else . end;
  # The layer that sends telemetry elsewhere, if one does: of the shell only when it also switches telemetry on.
  def elsewhere: [$layers[] | select(.class == "4" or .class == "1" or .class == "0") | theirs
    | select(.class != "0" or ((.env.CLAUDE_CODE_ENABLE_TELEMETRY // "") | on) or $ENV.enabled_outside == "yes") | . as $layer | .env | to_entries[]
    | select(.key | test("^OTEL_EXPORTER_OTLP_((METRICS|LOGS|TRACES)_)?(ENDPOINT|PROTOCOL|HEADERS|CERTIFICATE)$"))
    | select(.value != "" and .value != ($wanted[.key | sub("(METRICS|LOGS|TRACES)_"; "")] // false))
    | select((.key | endswith("ENDPOINT")) and (.value | place) == $gate | not)
    | select($layer.class != "4" or (.key | endswith("CERTIFICATE") | not))
    | "\($layer.from) sends telemetry elsewhere already (\(.key))"] | last // "";
  # Who switched telemetry off, this hook left aside.
  def off: [$layers[] | select(.class == "4" or .class == "1" or .class == "0") | theirs | select(.env | has("CLAUDE_CODE_ENABLE_TELEMETRY"))
      | {on: (.env.CLAUDE_CODE_ENABLE_TELEMETRY | on), text: "CLAUDE_CODE_ENABLE_TELEMETRY is \(.env.CLAUDE_CODE_ENABLE_TELEMETRY | tojson) (by \(.from))"}] | last // {on: true}
    | if .on then "" else .text end;
  def silenced: [$layers[] | select(.class == "4" or .class == "1") | theirs | select(["METRICS", "LOGS", "TRACES"] as $s
      | .env as $e | all($s[]; $e["OTEL_\(.)_EXPORTER"] == "none")) | "OTEL_*_EXPORTER are none (by \(.from))"] | last // "";
  (off | if . == "" then silenced else . end) as $off | elsewhere as $elsewhere
| [if $off != "" then "verdict\u001foff\u001f\($off)" elif $elsewhere != "" then "verdict\u001felsewhere\u001f\($elsewhere)" else "verdict\u001fours\u001f" end]
+ [ # Whether hooks run.
    ([$layers[] | select(.class == "4" and .settings.disableAllHooks == true) | "disableAllHooks (by \(.from))"] | last) as $forced
  | ([$layers[] | select(.settings | has("disableAllHooks")) | {off: (.settings.disableAllHooks == true), from}] | last) as $switch
  | ([$layers[] | select(.class == "4") | select(.settings.allowManagedHooksOnly == true or .settings.strictPluginOnlyCustomization == true
      or (.settings.strictPluginOnlyCustomization | arrays | index("hooks") != null)) | "only managed hooks run (by \(.from))"] | last) as $only
  | ([("CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SIMPLE") | . as $n | of($n) | select(.value | on) | "\($n) is set (by \(.from))"] | last) as $mode
  | "hooks\u001f\($forced // (if $switch.off then "disableAllHooks (by \($switch.from))" else null end) // $only // $mode // "")"]
+ [ # The proxy that its gRPC client takes.
    ([("grpc_proxy", "https_proxy", "http_proxy") | . as $n | of($n) | select(.value != "") | . + {name: $n}] | first) as $set
  | ([("no_grpc_proxy", "no_proxy") | of(.) | select(.value != "")] | first) as $not
  | ($gate | sub(":[0-9]+$"; "")) as $host
  | ($set.value // "" | trimmed | capture("^[hH][tT][tT][pP]:/*((?<user>[^@/?#]*)@)?(?<host>[^/:?#@]+|\\[[^\\]]*\\])(:(?<port>[0-9]*))?([/?#].*)?$")
      | select((.port // "" | if . == "" then 80 else tonumber end) < 65536) // null) as $url
  | if $url == null then "proxy\u001f\u001f" + (if $set and ($set.value | test("^[hH][tT][tT][pP]:") | not) then "\($set.name) is no http:// URL and is ignored (by \($set.from))" else "" end)
    elif $not and any($not.value | split(",")[]; . as $suffix | $host | endswith($suffix)) then "proxy\u001f\u001f"
    else "proxy\u001fhttp://\(if ($url.user // "") == "" then "" else $url.user + "@" end)\($url.host):\(if ($url.port // "") == "" then 80 else $url.port end)\u001f\($set.name) (by \($set.from))" end]
+ [ # One value that the exporters cannot read stops them all, without a word.
    ([ (("METRICS", "LOGS", "TRACES") as $s | of("OTEL_\($s)_EXPORTER") | select(.value | split(",") | any(.[]; trimmed | IN("", "otlp", "console", "none", "prometheus") | not)) | said("OTEL_\($s)_EXPORTER")),
       (("METRICS", "LOGS", "TRACES") as $s | select(of("OTEL_\($s)_EXPORTER").value | test("otlp")) | either($s; "PROTOCOL") | select(.value | trimmed | IN("", "grpc", "http/protobuf", "http/json") | not) | said(.name)),
       (("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS") as $n | of($n) | select(.value | deadly) | "a header in \($n) is none that gRPC can send (by \(.from))"),
       (of("OTEL_METRIC_EXPORT_INTERVAL") | select(.value | milliseconds // 1 | . <= 0) | said("OTEL_METRIC_EXPORT_INTERVAL"))
     ] | first) as $fatal
  | ("METRICS", "LOGS", "TRACES") as $s
  | of("OTEL_\($s)_EXPORTER") as $exporter
  | either($s; "PROTOCOL") as $protocol | either($s; "ENDPOINT") as $endpoint | either($s; "TIMEOUT") as $timeout
  | either($s; "CERTIFICATE") as $certificate
  | ((of("OTEL_EXPORTER_OTLP_\($s)_HEADERS").value | key_in) as $own | if $own != "" then {value: $own} else {value: (of("OTEL_EXPORTER_OTLP_HEADERS").value | key_in)} end) as $key
  | ($timeout.value | positive) as $ms
  | (of("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS").value | milliseconds) as $exit
  | [ (if of("CLAUDE_CODE_ENABLE_TELEMETRY").value | on then empty else said("CLAUDE_CODE_ENABLE_TELEMETRY") end),
      $fatal // empty,
      ($exporter.value | split(",") | map(trimmed) | if index("otlp") then empty else said("OTEL_\($s)_EXPORTER") end),
      (if $s == "TRACES" and ([("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA", "ENABLE_ENHANCED_TELEMETRY_BETA") | of(.).value | on] | any | not) then said("CLAUDE_CODE_ENHANCED_TELEMETRY_BETA") else empty end),
      (if $s == "TRACES" and (of("OTEL_TRACES_SAMPLER").value | trimmed | . == "always_off" or . == "parentbased_always_off"
        or (test("traceidratio$") and (of("OTEL_TRACES_SAMPLER_ARG").value | milliseconds) == 0)) then said("OTEL_TRACES_SAMPLER") else empty end),
      (if ($protocol.value | trimmed) == "grpc" then empty else said($protocol.name) end),
      (if ($endpoint.value | place) == $gate then empty else said($endpoint.name) end),
      (if $key.value == "" then "there is no key in the headers" else empty end),
      (if $ms != null and $ms < 45 then said($timeout.name) + ", which is in milliseconds" else empty end),
      (if $exit != null and $exit < 75 then said("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS") else empty end)
    ] as $faults
  | [$s, ($faults[0] // ""), $key.value, $certificate.value] | line]
+ [ # What spoils the data without losing it.
    (of("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE") | select(.value != "" and (.value | ascii_downcase) != "delta") | said("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE") + ": sums are counted again and again"),
    (of("OTEL_SERVICE_NAME") | select(.value != "" and .value != "claude-code") | said("OTEL_SERVICE_NAME") + ": the dashboards look for claude-code"),
    (of("OTEL_RESOURCE_ATTRIBUTES") as $a | if ($a.value | test("(^|,) *service\\.name *=")) then said("OTEL_RESOURCE_ATTRIBUTES") + ": the dashboards look for service.name claude-code" else empty end),
    (of("OTEL_RESOURCE_ATTRIBUTES") as $a | if ($a.value | contains($wanted.OTEL_RESOURCE_ATTRIBUTES // "engineer=")) then empty else said("OTEL_RESOURCE_ATTRIBUTES") + " replaces engineer, team and org" end),
    (of("OTEL_TRACES_SAMPLER") | select(.value | test("ratio")) | said("OTEL_TRACES_SAMPLER") + ": only some traces are sent"),
    (of("OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES") | select(.value | trimmed | ascii_downcase | . == "false" or . == "0") | said("OTEL_METRICS_INCLUDE_RESOURCE_ATTRIBUTES") + ": engineer, team and org are missing from metrics"),
    (("METRICS", "LOGS", "TRACES") | either(.; "TIMEOUT") | select((.value | positive // 10000) < 2000) | said(.name) + ": milliseconds, little for a slow link"),
    (of("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS") | select((.value | milliseconds // 2000) < 1000) | said("CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS") + ": the last batch is lost on a slow link"),
    (("OTEL_METRIC_EXPORT_INTERVAL", "OTEL_LOGS_EXPORT_INTERVAL", "OTEL_TRACES_EXPORT_INTERVAL") | . as $n | of($n) | select((.value | milliseconds // 0) > 300000) | said($n) + ": a killed session loses as much"),
    (("OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT") | . as $n | of($n) | select((.value | milliseconds // 1000) < 255) | said($n) + ": names are cut"),
    (of("OTEL_SDK_DISABLED") | select(.value != "") | said("OTEL_SDK_DISABLED") + ", which Claude Code does not heed: CLAUDE_CODE_ENABLE_TELEMETRY switches"),
    (("METRICS", "LOGS", "TRACES") | either(.; "COMPRESSION") | select(.value != "" and .value != "none" and .value != "gzip") | said(.name) + ": not a compression")
  | "note\u001f" + gsub("[\t\n\r]"; " ")]
| unique_by(if startswith("note") then . else . + tojson end)
| .[]'

# Runs the model over the layers. With `full` the project's layers and doctor's shell count too. verdict := ours, off or
# elsewhere, why := who says so, facts := the model's lines; route := the proxy, empty for none.
client_model() {
  find_layers
  verdict_of_model=ours
  why=
  facts=
  route=
  lines=$shell_lines
  [ "${1-}" = full ] && [ -z "${knows_shell-}" ] && lines=$(env)
  command -v jq >/dev/null || {
    model_without_jq
    return
  }
  set -- "${1-}" --arg "0 the shell" "$lines"
  [ ! -f "$settings" ] || set -- "$@" --rawfile "1 $settings" "$settings"
  if [ "$1" = full ]; then
    [ ! -f "$PWD/.claude/settings.json" ] || [ "$PWD/.claude/settings.json" = "$settings" ] ||
      set -- "$@" --rawfile "2 $PWD/.claude/settings.json" "$PWD/.claude/settings.json"
    [ ! -f "$PWD/.claude/settings.local.json" ] || set -- "$@" --rawfile "3 $PWD/.claude/settings.local.json" "$PWD/.claude/settings.local.json"
  fi
  count=10
  while IFS= read -r file; do
    [ -r "$file" ] || continue
    count=$((count + 1))
    set -- "$@" --rawfile "4$count $file" "$file"
  done <<LIST
$managed
LIST
  shift
  unit=$(printf '\037')
  slurp "$state/owned"
  enabled_outside=
  [ -n "${knows_shell-}" ] || [ -n "$text" ] || [ "${CLAUDE_CODE_ENABLE_TELEMETRY-}" != 1 ] || enabled_outside=yes
  facts=$(wanted=$wanted owned=$text endpoint_url=$endpoint_url enabled_outside=$enabled_outside jq -n -r "$@" "$model" 2>"$state/tmp.$$.model") || {
    slurp "$state/tmp.$$.model"
    jq_complaint=${text%%"$newline"*}
    facts=
  }
  case $facts in
    *"verdict$unit"*) ;;
    *) model_without_jq ;;
  esac
  rm -f "$state/tmp.$$.model"
  while IFS=$unit read -r name first second; do
    case $name in
      verdict)
        verdict_of_model=$first
        why=$second
        ;;
      proxy) route=$first ;;
    esac
  done <<LIST
$facts
LIST
}

# Without a jq that works nothing can be read properly: a layer that so much as names the matter has its way.
model_without_jq() {
  case $layers in
    *OTEL_EXPORTER_OTLP_* | *CLAUDE_CODE_ENABLE_TELEMETRY*)
      case $shell_lines in *"$endpoint_url"*) return 0 ;; esac
      verdict_of_model=elsewhere
      why="another layer of settings sets OTEL_EXPORTER_OTLP_* or CLAUDE_CODE_ENABLE_TELEMETRY, and there is no jq that could read it"
      ;;
  esac
}

# Whether nothing has changed since the last look.
client_in_step() {
  find_layers
  slurp "$state/layers"
  [ "$text" = "$layers" ] || return 1
  if [ -e "$settings" ]; then
    cmp -s "$settings" "$state/seen"
  else
    [ ! -e "$state/seen" ]
  fi
}

# obstacle := why settings.json must not hold the key, empty when it may.
find_obstacle() {
  obstacle=
  if ! command -v jq >/dev/null; then
    obstacle="jq is not installed"
  elif [ -L "$settings" ]; then
    obstacle="it is a symbolic link"
  elif [ ! -w "$client_folder" ]; then
    obstacle="its folder is read-only"
  elif [ -e "$settings" ]; then
    user=$(id -u)
    [ -z "$(find "$settings" -prune -type f -user "$user" -perm -200 -links 1 -size -2048)" ] || return 0
    while IFS=: read -r predicate reason; do
      # shellcheck disable=SC2086 # a predicate is two words
      [ -n "$(find "$settings" -prune $predicate)" ] || obstacle=${obstacle:-$reason}
    done <<LIST
-type f:it is not a file
-user $user:it belongs to another user
-perm -200:it is read-only
-links 1:it is a hard link
-size -2048:it is larger than 1 MB
LIST
  fi
}

# Shared by the two programs below, which read settings.json with -s and fail on what is not settings: an empty file is {}.
# A variable is this hook's when it holds what the hook wrote, or, should the state be lost, when the certificate is the
# hook's or the endpoint is today's. They print the new env on the first line, then splice's edits, and a dot that says that nothing was cut off.
ownership='
def variables: split("\n") | map(select(contains("=")) | index("=") as $i | {(.[:$i]): .[$i + 1:]}) | add // {};
def pairs: (. // "") | tostring | split(",")
  | map(select(. != "" and (startswith("engineer=") or startswith("team=") or startswith("org=") | not)));
def edits($old): . as $new | ($new | tojson), (($old + $new) | keys_unsorted[] as $name
  | if ($new | has($name) | not) then $name elif $new[$name] != $old[$name] or ($old | has($name) | not) then "\($name)\t\($new[$name] | tojson)" else empty end), ".";
if length < 2 and (.[0] | type == "object" or . == null) and (.[0].env | type == "object" or . == null)
then . else error("not settings") end
| ($ENV.wanted | variables) as $wanted | ($ENV.owned | variables) as $owned
| (.[0].env // {}) as $env
| ($env.OTEL_EXPORTER_OTLP_ENDPOINT == $wanted.OTEL_EXPORTER_OTLP_ENDPOINT
  or ($env.OTEL_EXPORTER_OTLP_CERTIFICATE // "" | tostring | test("/telemetry-hook(-[0-9a-f]+)?/ca.pem$"))) as $ours
| def owns($name): $name != "OTEL_RESOURCE_ATTRIBUTES"
    and ((($owned | has($name)) and $env[$name] == $owned[$name]) or ($ours and ($wanted | has($name)) and ($owned == {} or ($env[$name] // "") == "" )));
'

merge=$ownership'
(($env | with_entries(select(.key as $name | owns($name) and ($wanted | has($name) | not) | not)))
  + ($wanted | with_entries(select(.key as $name | ($env | has($name) | not) or owns($name))))
  + {OTEL_RESOURCE_ATTRIBUTES: ([($env.OTEL_RESOURCE_ATTRIBUTES | pairs)[], $wanted.OTEL_RESOURCE_ATTRIBUTES] | join(","))})
| edits($env)'

# Takes out everything of this hook.
strip=$ownership'
($env.OTEL_RESOURCE_ATTRIBUTES | pairs | join(",")) as $attributes
| ($env | with_entries(select(.key as $name | owns($name) | not))
  | if has("OTEL_RESOURCE_ATTRIBUTES") then .OTEL_RESOURCE_ATTRIBUTES = $attributes else . end
  | if .OTEL_RESOURCE_ATTRIBUTES == "" then del(.OTEL_RESOURCE_ATTRIBUTES) else . end)
| edits($env)'

# Rewrites settings.json by a program ("$merge" or "$strip"), in one step and only if nobody changed it meanwhile; all but
# the members concerned stays byte for byte. result := changed, same, unreadable, lossy, jq or failed. The new text is made
# in the state folder, which is on the same file system and which git never sees.
rewrite() {
  result=failed
  old=$state/tmp.$$.old
  new=$state/tmp.$$.new
  : >"$old" && : >"$old.text" || return 1
  [ ! -e "$settings" ] || cp -p "$settings" "$old" || return 1
  [ ! -e "$settings" ] || cp -p "$settings" "$new" || return 1
  # From here on it holds a key: its owner's permissions are kept, other people's are not.
  [ ! -e "$new" ] || chmod go= "$new" || return 1
  slurp "$state/owned"
  answer=$(wanted=$wanted owned=$text jq -s -r "$1" "$old" 2>"$old.said") || {
    result=unreadable
    [ "$(jq -n 1 2>"$old.said")" = 1 ] || {
      result=jq
      slurp "$old.said"
      jq_complaint=${text%%"$newline"*}
    }
    return 1
  }
  new_env=${answer%%"$newline"*}
  edits=${answer#*"$newline"}
  case $edits in
    .)
      result=same
      return 0
      ;;
    *"$newline".) edits=${edits%"$newline".} ;;
    *)
      result=jq
      jq_complaint="its answer is cut off"
      return 1
      ;;
  esac
  { cat "$old" && printf .; } | edits=$edits awk "$splice" >"$new" || {
    result=lossy
    return 1
  }
  # A full disk, a broken tool or a spelling that the splice cannot see ends here.
  grep -q '[^[:space:]]' "$old" || echo '{}' >"$old.text"
  bom=$(printf '\357\273\277')
  [ "$(for part in "$old" "$old.text" "$new"; do sed "1s/^$bom//" "$part"; done | new_env=$new_env jq -s -c '($ENV.new_env | fromjson) as $env
    | [length, (.[0] | del(.env)) == (.[1] | del(.env)), (.[1].env // {}) == $env]')" = "[2,true,true]" ] || return 1
  remember_before
  if [ -e "$settings" ]; then
    cmp -s "$settings" "$old" || return 1
  else
    [ ! -s "$old" ] || return 1
  fi
  mv -f "$new" "$settings" || return 1
  result=changed
  [ ! -e "$state/next" ] || mv -f "$state/next" "$state/after"
}

# Whether settings.json is as this hook left it; `next` becomes `after` should a kill have come between.
unedited() {
  cmp -s "$settings" "$state/after" ||
    { cmp -s "$settings" "$state/next" && mv -f "$state/next" "$state/after"; }
}

# Keeps what uninstall needs to put back the very bytes. Once somebody else has edited the file there
# are no such bytes, unless the edit also took this hook's variables out.
remember_before() {
  unedited || {
    rm -f "$state/after" "$state/next" "$state/before"
    ! grep -q 'signoz-ingestion-key=' "$old" || return 0
    # Without `before`, `next` would make uninstall delete the file.
    [ ! -e "$settings" ] || { cp -p "$old" "$state/tmp.$$" && mv -f "$state/tmp.$$" "$state/before"; } || return 0
  }
  cp "$new" "$state/next"
}

# Brings settings.json in step with $wanted, or takes the hook's variables out of it when $1 is remove.
# changed := yes when it wrote, obstacle := why it could not.
client_keep() {
  changed=
  find_obstacle
  remove=${1-}
  if [ -z "$obstacle" ] && [ -z "$remove" ]; then
    find_tracker "$client_folder" settings.json
    obstacle=$tracker
    # Should an earlier start have put a key there, it goes before it is committed.
    [ -z "$tracker" ] || remove=remove
  fi
  if [ -z "$obstacle" ] || [ -n "${tracker-}" ]; then
    if [ -z "$remove" ]; then
      rewrite "$merge"
    elif grep -q -e 'signoz-ingestion-key=' -e 'telemetry-hook[-0-9a-f]*/ca.pem' "$settings" 2>/dev/null; then
      rewrite "$strip"
    else
      result=same
    fi
    case $result in
      changed)
        changed=yes
        if [ -n "$remove" ]; then put owned ""; else put owned "$wanted"; fi
        ;;
      unreadable) obstacle="it is not a JSON object that jq can read" ;;
      lossy) obstacle="it names something in env twice or in a way that cannot be kept" ;;
      jq) obstacle="jq does not run (${jq_complaint:-no reason given})" ;;
      failed) obstacle="it could not be written" ;;
    esac
  fi
  tracker=
  rm -f "$state/tmp.$$".*
  if [ -e "$settings" ]; then
    cp "$settings" "$state/tmp.$$" && mv -f "$state/tmp.$$" "$state/seen"
  else
    rm -f "$state/seen"
  fi
  put layers "$layers"
}

# Ends a session start: this session's Bash calls get the variables, the engineer one line ($1, if any) that Claude Code
# does not show to the model. The key is not among the variables unless the company decided so: what a session's
# environment holds, every program that Claude Code starts can read, and the model what such a program prints.
client_answer() {
  if [ -n "${CLAUDE_ENV_FILE-}" ] && [ -n "$2" ]; then
    slurp "$CLAUDE_ENV_FILE"
    case $text in
      *"$2"*) ;;
      *) printf '%s' "$2" 2>/dev/null >>"$CLAUDE_ENV_FILE" ;;
    esac
  fi
  [ -n "$1" ] || return 0
  escape "$1"
  printf '{"systemMessage":"%s"}\n' "$escaped" >&3
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
  hooks_off=
  while IFS=$unit read -r name first _; do
    [ "$name" != hooks ] || hooks_off=$first
  done <<LIST
$facts
LIST
  case $registered in
    "" | "$settings") ;;
    *) case $hooks_off in "only managed hooks"*) hooks_off= ;; esac ;;
  esac
  if [ -n "$hooks_off" ]; then
    # What is in place goes on reporting; a new key or another gate would not be noticed.
    finding warn hook "Claude Code runs no hooks here: $hooks_off" "take it out there, or run $self refresh once a day"
  elif [ -n "$registered" ]; then
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

# What the layers make of each signal, and what spoils data on its way.
check_layers() {
  while IFS= read -r file; do
    [ -z "$file" ] || jq -e 'type == "object"' "$file" >/dev/null 2>&1 ||
      finding fail managed "$file is not a JSON object: Claude Code does not start with it" "ask whoever manages this machine"
  done <<LIST
$managed
LIST
  while IFS=$unit read -r name first second; do
    case $name in
      note) finding warn spoilt "$first" "take it out there" ;;
      proxy)
        if [ -n "$first" ]; then
          finding pass proxy "telemetry goes through ${first##*@}: $second"
        elif [ -n "$second" ]; then
          finding pass proxy "$second"
        fi
        ;;
    esac
  done <<LIST
$facts
LIST
}

# Prints what Claude Code itself says about its first export: one short session, which costs one model call.
client_sees() {
  command -v claude >/dev/null || return 1
  ticks=900
  bounded claude -p "Say ok." --debug-file "$state/debug"
  said=$(sed -n 's/.*\[3P telemetry\] \(First [a-z]* export: .*\)/\1/p' "$state/debug" 2>/dev/null | tail -n 1)
  rm -f "$state/debug"
}
