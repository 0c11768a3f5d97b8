# shellcheck shell=sh disable=SC2016,SC2034,SC2154
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
    finding warn TLS "the certificate file ${2:-(none)} cannot be read" "$command_line refresh"
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
        refused)
          if key_is_given && [ "$1" = "$key" ]; then
            finding fail accepted "the gate refuses the key of SIGNOZ_KEY" "set the new one where it is set, or take it out there: unset SIGNOZ_KEY && $command_line refresh"
          else
            finding fail accepted "the gate refuses the key" "$command_line refresh"
          fi
          ;;
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
