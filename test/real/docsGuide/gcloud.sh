#!/usr/bin/env bash
# Secret Manager as docs/instrumentation-guide.md asks it.
case "$*" in
  *--secret=monitoring-signoz-otlp-endpoint-secret-dev*) cat "$STATE/endpoint.json" ;;
  *--secret=monitoring-signoz-ingestion-key-secret-dev*) cat "$STATE/key" ;;
  *) exit 1 ;;
esac
