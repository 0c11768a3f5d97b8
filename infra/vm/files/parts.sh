# shellcheck shell=bash
# Which parts run on this machine: gate, clickhouse, signoz. Sourced by startup.sh before the stages, and by disk-guard.sh.

runs() { # PART
  jq --exit-status --arg part "$1" 'any(.parts[]; . == $part)' /var/lib/monitoring/settings.json >/dev/null
}
