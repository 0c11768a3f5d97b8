#!/bin/sh
# What scripts/verify-telemetry.sh asks gcloud, answered out of $FOLDER; the tunnel leads to $SIGNOZ_PORT.
echo "$@" >>"$FOLDER/calls"
case "$*" in
  *signoz-admin-secret-dev*) echo right ;;
  *otlp-endpoint-secret-dev*) cat "$FOLDER/endpoint" ;;
  *ingestion-key-secret-dev*) printf key-1 ;;
  *secret=*)
    echo "NOT_FOUND: $*" >&2
    exit 1
    ;;
  *describe*) cat "$FOLDER/instance" ;;
  *start-iap-tunnel*)
    for last; do
      case $last in
        --local-host-port=*) "$NODE" "$TUNNEL" "$SIGNOZ_PORT" "$last" ;;
      esac
    done
    ;;
esac
