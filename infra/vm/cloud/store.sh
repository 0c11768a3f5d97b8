# shellcheck shell=bash
# What stands behind the gate, sourced by startup.sh: SigNoz Cloud, to which the sender of compose.yaml brings the queue.
# shellcheck disable=SC2154 # startup.sh sets state; secrets.sh next

check_store_secrets() {
  local version
  version=$(setting .secrets.cloud)
  payload "$version" >"$next/cloud"
  [[ $(<"$next/cloud") =~ ^[!-~]+$ ]] || fail "secret $version: not an ingestion key of SigNoz Cloud but blanks or several lines"
}

write_store_secrets() {
  {
    env_line SENDER_HOST <<<"$(setting .cloud.host)"
    env_line SENDER_PORT <<<"$(setting .cloud.port)"
    env_line SENDER_KEY <"$next/cloud"
  } | replace "$state/secrets/sender.env" 400
  { printf 'signoz-ingestion-key: ' && cat "$next/cloud"; } | replace "$state/secrets/cloud.header" 400
  setting .cloud.port | replace "$state/egress-ports"
}

prepare_store() { :; }

store_variables() {
  echo "SENDER_FILES=$(digest_of sender.cfg "$state/secrets/sender.env")"
}

store_serving() {
  retry 120 sender_healthy
}

sender_healthy() {
  [ "$(docker inspect --format '{{.State.Health.Status}}' monitoring-sender-1 2>/dev/null)" = healthy ]
}

# Nobody else tells of a key that SigNoz Cloud does not know: clients are told OK, and the queue fills. The export is empty.
provision_content() {
  local place said
  place=$(setting '"\(.cloud.host):\(.cloud.port)"')
  said=$(curl --silent --show-error --max-time 20 --output /dev/null --write-out '%{http_code}' --header "@$state/secrets/cloud.header" \
    --header 'content-type: application/x-protobuf' --data-binary '' "https://$place/v1/logs" 2>&1) ||
    fail "SigNoz Cloud does not answer at $place (monitoring:cloudEndpoint): $said; telemetry is accepted and kept on disk, and this is tried again"
  [[ $said != 40[13] ]] ||
    fail "SigNoz Cloud at $place refuses monitoring:cloudIngestionKey (HTTP $said); telemetry is accepted and kept on disk; set a key of that region: pulumi config set --secret monitoring:cloudIngestionKey"
}
