# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# Part of telemetry-hook.sh: the variables, and where they are kept. Files in the state folder:
#   ca.pem   the gate's certificate authority
#   env      the variables as `export` lines: for the shell profile and $CLAUDE_ENV_FILE
#   owned    the variables this hook put into settings.json, so that nobody else's are touched
#   seen     settings.json when it was last looked at: unchanged means nothing to do
#   after    settings.json as this hook last wrote it (`next` while it does), and
#   before   as it was until then: uninstall puts it back while `after` is still what is there

export_line() {
  quote "$2"
  wanted=$wanted$1=$2$newline
  exports="${exports}export $1=$quoted$newline"
}

# Sets what watch left: next_watch (epoch), reach ("silent" or empty).
read_gate() {
  next_watch=0
  reach=
  [ -r "$state/gate" ] || return 0
  {
    read -r next_watch
    read -r reach
  } <"$state/gate"
  case $next_watch in
    "" | *[!0-9]*) next_watch=0 ;;
  esac
}

# wanted := NAME=value lines, exports := the same as shell code, for $key.
compose() {
  read_gate
  eval "engineer=\${$engineer_variable:-\${USER-}} team=\${$team_variable:-}"
  encode "${engineer:-$(id -un 2>/dev/null)}"
  attributes=engineer=${encoded:-unknown}
  encode "${team:-$default_team}"
  attributes=$attributes,team=$encoded
  encode "$org"
  attributes=$attributes,org=$encoded
  wanted=
  exports=
  export_line CLAUDE_CODE_ENABLE_TELEMETRY 1
  # Without these two there are no traces.
  export_line CLAUDE_CODE_ENHANCED_TELEMETRY_BETA 1
  export_line OTEL_TRACES_EXPORTER otlp
  export_line OTEL_METRICS_EXPORTER otlp
  export_line OTEL_LOGS_EXPORTER otlp
  export_line OTEL_EXPORTER_OTLP_PROTOCOL grpc
  export_line OTEL_EXPORTER_OTLP_ENDPOINT "$endpoint_url"
  # It replaces the trusted roots for telemetry: leave it out for a gate with a public certificate.
  [ -z "$ca_certificate" ] || export_line OTEL_EXPORTER_OTLP_CERTIFICATE "$state/ca.pem"
  export_line OTEL_EXPORTER_OTLP_HEADERS "signoz-ingestion-key=$key"
  export_line OTEL_RESOURCE_ATTRIBUTES "$attributes"
  # Claude Code waits up to 2000 ms at its exit for the last batch: in vain while the gate is out of
  # reach. A fixed smaller value would lose that batch on slow links: 500 ms does at a 150 ms round trip.
  [ "$reach" != silent ] || export_line CLAUDE_CODE_OTEL_SHUTDOWN_TIMEOUT_MS 1
}

write_ca() {
  slurp "$state/ca.pem"
  [ "$text" = "${ca_certificate:+$ca_certificate$newline}" ] ||
    put ca.pem "${ca_certificate:+$ca_certificate$newline}"
}

in_step() {
  slurp "$state/ca.pem"
  [ "$text" = "${ca_certificate:+$ca_certificate$newline}" ] || return 1
  slurp "$state/env"
  [ "$text" = "$exports" ] || return 1
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
  elif [ ! -w "$config_dir" ]; then
    obstacle="its folder is read-only"
  elif in_git; then
    obstacle="it is in a git repository that does not ignore it"
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

in_git() {
  folder=$(cd -P "$config_dir" && pwd) || return 1
  while [ -n "$folder" ] && [ ! -e "$folder/.git" ]; do folder=${folder%/*}; done
  [ -n "$folder" ] || [ -e /.git ] || return 1
  ! git -C "$config_dir" check-ignore -q settings.json 2>/dev/null
}

# Shared by the two programs below, which read settings.json with -s and fail on what is not settings:
# an empty file is {}; long numbers and exponents would be rounded by jq before 1.7. A variable is this
# hook's when it holds what the hook wrote, or, should the state be lost, when the certificate is the
# hook's or the endpoint is today's.
ownership='
def variables: split("\n") | map(select(contains("=")) | index("=") as $i | {(.[:$i]): .[$i + 1:]}) | add // {};
def pairs: (. // "") | tostring | split(",")
  | map(select(. != "" and (startswith("engineer=") or startswith("team=") or startswith("org=") | not)));
if length < 2 and (.[0] | type == "object" or . == null) and (.[0].env | type == "object" or . == null)
  and all(.. | numbers | tostring; length < 16 and (contains("e") | not))
then . else error("not settings") end
| ($ENV.wanted | variables) as $wanted | ($ENV.owned | variables) as $owned
| (.[0] // {}) as $settings | ($settings.env // {}) as $env
| ($env.OTEL_EXPORTER_OTLP_ENDPOINT == $wanted.OTEL_EXPORTER_OTLP_ENDPOINT
  or ($env.OTEL_EXPORTER_OTLP_CERTIFICATE // "" | tostring | endswith("/telemetry-hook/ca.pem"))) as $ours
| def owns($name): $name != "OTEL_RESOURCE_ATTRIBUTES"
    and ($env[$name] == $owned[$name] or ($ours and ($wanted | has($name))));
'

# → the new settings, or "foreign" when another OTLP destination is configured there.
merge=$ownership'
if any($env | keys[]; . as $name | startswith("OTEL_EXPORTER_OTLP_")
    and (endswith("_ENDPOINT") or endswith("_HEADERS") or endswith("_PROTOCOL") or endswith("_CERTIFICATE"))
    and (owns($name) or $env[$name] == $wanted[$name] | not))
then "foreign"
else $settings | .env = (
    ($env | with_entries(select(.key as $name | owns($name) and ($wanted | has($name) | not) | not)))
    + ($wanted | with_entries(select(.key as $name | ($env | has($name) | not) or owns($name))))
    + {OTEL_RESOURCE_ATTRIBUTES: ([($env.OTEL_RESOURCE_ATTRIBUTES | pairs)[], $wanted.OTEL_RESOURCE_ATTRIBUTES] | join(","))})
end'

# → the settings without anything of this hook.
strip=$ownership'
($env.OTEL_RESOURCE_ATTRIBUTES | pairs | join(",")) as $attributes
| $settings
| .env = ($env | with_entries(select(.key as $name | owns($name) | not))
  | if has("OTEL_RESOURCE_ATTRIBUTES") then .OTEL_RESOURCE_ATTRIBUTES = $attributes else . end
  | if .OTEL_RESOURCE_ATTRIBUTES == "" then del(.OTEL_RESOURCE_ATTRIBUTES) else . end)
| if .env == {} then del(.env) else . end'

# Rewrites settings.json by a program ("$merge" or "$strip"), in one step and only if nobody changed it
# meanwhile. result := changed, same, foreign, unreadable or failed. The new text is made in the state folder, which
# is on the same file system and which git never sees.
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
  wanted=$wanted owned=$text jq -s "$1" "$old" >"$new" || {
    result=unreadable
    return 1
  }
  IFS= read -r line <"$new"
  [ "$line" != '"foreign"' ] || {
    result=foreign
    return 0
  }
  # Everything but env must have come through: a full disk or a broken jq ends here.
  grep -q '[^[:space:]]' "$old" || echo '{}' >"$old.text"
  case $(cat "$old" "$old.text" "$new" |
    jq -s -c '[length, (.[0] | del(.env)) == (.[1] | del(.env)), .[0] == .[1]]') in
    "[2,true,false]") ;;
    "[2,true,true]")
      result=same
      return 0
      ;;
    *) return 1 ;;
  esac
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

# Brings ca.pem, env and settings.json in step with $key, and queues what the engineer should know.
# The caller holds the settings lock.
sync_settings() {
  [ ! -e "$state/off" ] && write_ca || return 1
  find_obstacle
  if [ -z "$obstacle" ]; then
    rewrite "$merge"
    case $result in
      changed)
        put owned "$wanted"
        tell "Claude Code telemetry is set in $settings and reports from the next session on."
        ;;
      foreign) obstacle="it sends telemetry elsewhere already (OTEL_EXPORTER_OTLP_*)" ;;
      unreadable) obstacle="it is not a JSON object that jq can keep" ;;
      failed) obstacle="it could not be written" ;;
    esac
  fi
  rm -f "$state/tmp.$$".*
  if [ -e "$settings" ]; then
    cp "$settings" "$state/tmp.$$" && mv -f "$state/tmp.$$" "$state/seen"
  else
    rm -f "$state/seen"
  fi
  # Last, because in_step takes it for the sign that all of the above was done.
  put env "$exports"
  slurp "$state/obstacle"
  [ "$obstacle" != "$text" ] || return 0
  put obstacle "$obstacle"
  case $obstacle in
    "") ;;
    *elsewhere*) tell "$settings is left alone: $obstacle." ;;
    *)
      quote "$state/env"
      tell "$settings cannot hold the telemetry settings: $obstacle. Add this line to your shell profile once: [ ! -r $quoted ] || . $quoted"
      ;;
  esac
}
