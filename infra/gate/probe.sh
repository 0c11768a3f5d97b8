#!/bin/sh
# Asks a gate whether it accepts an ingestion key: one empty OTLP export over TLS, which stores nothing.
#   probe.sh HOST:PORT [CA.pem] [ADDRESS] <key      ADDRESS is dialled in place of what HOST resolves to
# Exit: 0 accepted, 1 refused (wrong key), 2 not reached (stderr says why), 64 wrong call.
# The key comes on stdin and reaches curl by file, so no process list ever shows it.
set -u
target=${1-} ca=${2-} address=${3-}
case $target in
  *:*) ;;
  *)
    echo "probe.sh: '$target' is not HOST:PORT" >&2
    exit 64
    ;;
esac
umask 077
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 2' HUP INT TERM
key=$(cat)
printf 'signoz-ingestion-key: %s\n' "$key" >"$dir/header"
# The five zero bytes are the gRPC frame of an empty message.
set -- --silent --show-error --max-time 5 --http2 --output /dev/null --dump-header "$dir/answer" \
  --header 'content-type: application/grpc' --header 'te: trailers' --header "@$dir/header" --data-binary @-
[ -z "$ca" ] || set -- "$@" --cacert "$ca"
[ -z "$address" ] || set -- "$@" --connect-to "::$address:"
printf '\0\0\0\0\0' | curl "$@" \
  "https://$target/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" 2>"$dir/error"
code=$?
status=$(sed -n 's/^grpc-status: *\([0-9]*\).*/\1/p' "$dir/answer" 2>/dev/null | tail -n 1)
case $status in
  0) exit 0 ;;
  16)
    echo "probe.sh: $target refused the key (grpc-status 16)" >&2
    exit 1
    ;;
  *)
    echo "probe.sh: $target not reached: curl exit $code, grpc-status '${status:-none}': $(tr '\n' ' ' <"$dir/error")" >&2
    exit 2
    ;;
esac
