# Reads the shell's variables as the lines of its input, the other layers as `$ARGS.named`, each file's text under its class
# and path, and prints lines of name, value and layer divided by the control character US. grpc-js' rules: @grpc/grpc-js
# 1.14.4, src/http_proxy.ts; which names a project may set: the CLI's debug
# log (of exporters only `none`). An empty value hides what is below it and then counts as not set.
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
| ([{class: "0", from: "the shell", settings: {}, env: variables}] + ($ARGS.named | to_entries | sort_by(.key) | map(. as $e | ($e.value | parsed) as $s
    | {class: ($e.key | split(" ")[0][:1]), from: ($e.key | .[index(" ") + 1:]), settings: $s, env: ($s | texts)}))) as $all
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
| .[]
