# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: asking the gate itself, on the way that the client takes.

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
  # As in read_attempt: the clock was ahead.
  [ "$next_watch" -le "$((now + watch_seconds + 60))" ] || next_watch=0
}

# verdict := accepted, refused or unknown (then curl_status and curl_error say why) for key $1: an empty OTLP
# export, five zero bytes of gRPC framing, that stores nothing. It goes through $route (a proxy's URL, empty:
# directly) and trusts the file $2 (default: the hook's certificate), as the client does, whatever ~/.curlrc and
# the proxy variables say to curl. Key and proxy go by stdin, never as an argument.
try_key() {
  verdict=unknown
  curl_status=
  curl_error=
  command -v curl >/dev/null || return 0
  write_ca || return 0
  printf '\0\0\0\0\0' >"$state/frame"
  roots=${2-${ca_certificate:+$certificate}}
  answer=$({
    printf 'header = "signoz-ingestion-key: %s"\n' "$1"
    if [ -n "$route" ]; then
      printf 'proxy = "%s"\nnoproxy = ""\n' "$route"
    else
      printf 'noproxy = "*"\n'
    fi
  } | curl --disable --config - --silent --show-error --max-time 3 --http2 ${roots:+--cacert "$roots"} \
    --output /dev/null --dump-header - --header 'content-type: application/grpc' --header 'te: trailers' \
    --data-binary "@$state/frame" \
    "$endpoint_url/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" 2>"$state/tmp.$$.curl")
  curl_status=$?
  curl_error=$(head -n 1 "$state/tmp.$$.curl")
  rm -f "$state/tmp.$$.curl"
  case $answer in
    *"grpc-status: 0"*) verdict=accepted ;;
    *"grpc-status: 16"*) verdict=refused ;;
  esac
}
