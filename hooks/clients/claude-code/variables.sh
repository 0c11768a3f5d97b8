# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Claude Code: the variables that only it knows.

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
    # The gate lets packed requests in one at a time a key, and a session sends three at its exit.
    pin "OTEL_EXPORTER_OTLP_${signal}_COMPRESSION" none
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
