# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: the OTLP variables and who they speak for. Files in the state folder:
#   ca.pem   the gate's certificate authority
#   env      the variables as `export` lines: for the shell profile
#   place    who the folder speaks for: machine and folder, attributes, when it was last there (epoch)
#   shared   where the certificate lies once the folder was met under a second path
#   told_shared   the places that were told that they share it

export_line() {
  quote "$2"
  wanted=$wanted$1=$2$newline
  exports="${exports}export $1=$quoted$newline"
}

# A value that only the client's settings hold: in a shell it would change what the engineer's own programs send.
pin() {
  wanted=$wanted$1=$2$newline
}

# Sets what place and shared hold: owner_place, owner_attributes, owner_seen; certificate.
read_place() {
  owner_place=
  owner_attributes=
  owner_seen=0
  [ ! -r "$state/place" ] || {
    read -r owner_place
    read -r owner_attributes
    read -r owner_seen
  } <"$state/place"
  case $owner_seen in
    "" | *[!0-9]*) owner_seen=0 ;;
  esac
  certificate=$state/ca.pem
  # Git's sh on Windows writes /c/Users/…, which the client there cannot open; C:/Users/… both can.
  ! command -v cygpath >/dev/null || certificate=$(cygpath -m "$certificate")
  [ ! -s "$state/shared" ] || read -r certificate <"$state/shared"
}

# attributes := engineer, team and org of this folder. Two machines that share it (a bind mount into a container, NFS,
# synchronised) must agree, since the client reads one file: who was there first decides until a fortnight's silence, or
# until somebody runs refresh elsewhere ($1 = take).
find_attributes() {
  eval "engineer=\${$engineer_variable:-\${USER-}} team=\${$team_variable:-}"
  encode "${engineer:-$(id -un 2>/dev/null)}"
  attributes=engineer=${encoded:-unknown}
  encode "${team:-$default_team}"
  attributes=$attributes,team=$encoded
  encode "$org"
  attributes=$attributes,org=$encoded
  find_host
  here="$host_name $client_folder"
  case $here in *"$newline"*) here=$client_folder ;; esac
  if [ -n "${identity_is_anothers-}" ] && [ -n "$owner_attributes" ]; then
    attributes=$owner_attributes
  elif [ -z "$owner_place" ] || [ "$owner_place" = "$here" ] || [ "${1-}" = take ] ||
    { [ "$owner_attributes" != "$attributes" ] && [ "$((now - owner_seen))" -gt 1209600 ]; }; then
    { [ "$owner_place" = "$here" ] && [ "$owner_attributes" = "$attributes" ] && [ "$((now - owner_seen))" -lt 86400 ]; } ||
      put place "$here$newline$attributes$newline$now$newline"
  elif [ "$owner_attributes" != "$attributes" ]; then
    tell_shared "$client_folder is shared with ${owner_place%% *}, which reports as $owner_attributes; sessions here are reported so too, not as $attributes. To speak for yourself on both: set $engineer_variable and $team_variable alike there and here, or run: $command_line refresh"
    attributes=$owner_attributes
  fi
}

# Says it once for each place and claim, not at each start.
tell_shared() {
  slurp "$state/told_shared"
  case $text in
    *"$here $attributes$newline"*) return 0 ;;
  esac
  put told_shared "$text$here $attributes$newline"
  tell "$1"
}

# A path that exists under one name only is no use to both: the certificate (nothing secret) moves to a folder that
# every system has and that only its owner can write. Its name is chance, so nobody can be there first.
share_certificate() {
  slurp "$state/owned"
  other=${text#*OTEL_EXPORTER_OTLP_CERTIFICATE=}
  other=${other%%"$newline"*}
  case $other in
    "$certificate" | "$text" | "") return 0 ;;
    */telemetry-hook/ca.pem) ;;
    *) return 0 ;;
  esac
  certificate=/var/tmp/telemetry-hook-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')/ca.pem
  put shared "$certificate$newline"
}

# wanted := NAME=value lines, exports := the same as shell code, for $key.
compose() {
  read_gate
  read_place
  find_attributes "${1-}"
  [ -s "$state/shared" ] || share_certificate
  wanted=
  exports=
  export_line OTEL_TRACES_EXPORTER otlp
  export_line OTEL_METRICS_EXPORTER otlp
  export_line OTEL_LOGS_EXPORTER otlp
  export_line OTEL_EXPORTER_OTLP_PROTOCOL grpc
  export_line OTEL_EXPORTER_OTLP_ENDPOINT "$endpoint_url"
  # It replaces the trusted roots for telemetry: leave it out for a gate with a public certificate.
  [ -z "$ca_certificate" ] || export_line OTEL_EXPORTER_OTLP_CERTIFICATE "$certificate"
  export_line OTEL_EXPORTER_OTLP_HEADERS "signoz-ingestion-key=$key"
  export_line OTEL_RESOURCE_ATTRIBUTES "$attributes"
  client_variables
}

write_ca() {
  wanted_ca=${ca_certificate:+$ca_certificate$newline}
  slurp "$state/ca.pem"
  [ "$text" = "$wanted_ca" ] || put ca.pem "$wanted_ca" || return 1
  [ "$certificate" != "$state/ca.pem" ] || return 0
  slurp "$certificate"
  [ "$text" != "$wanted_ca" ] || return 0
  folder=${certificate%/*}
  { [ -d "$folder" ] && [ ! -L "$folder" ]; } || mkdir -m 755 "$folder" || return 1
  [ -O "$folder" ] || return 1
  printf '%s' "$wanted_ca" >"$folder/tmp.$$" && chmod 644 "$folder/tmp.$$" && mv -f "$folder/tmp.$$" "$certificate"
}

# Whether the certificate and the profile's file are as they should be.
variables_in_step() {
  slurp "$certificate"
  [ "$text" = "${ca_certificate:+$ca_certificate$newline}" ] || return 1
  # Missing after a start that was killed: then the profile's file may be missing too.
  slurp "$state/verdict" || return 1
  case $text in
    ours*) kept=$exports ;;
    *) kept= ;;
  esac
  slurp "$state/env"
  [ "$text" = "$kept" ]
}
