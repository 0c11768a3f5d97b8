#!/usr/bin/env bash
# Waits until the VM has applied this program's digest and its gate accepts the newest ingestion key; run by `pulumi up`.
#
# Reads GATE_HOST, GATE_PORT, GATE_ADDRESS, GATE_CA_CERTIFICATE (PEM), GATE_KEY, GATE_DIGEST, GATE_PROJECT, GATE_ZONE,
# GATE_INSTANCE, GATE_TIMEOUT_MINUTES; optional GATE_POLL_SECONDS.
# Done when   the gate accepts the key here and the VM says, or nobody can ask it, that the digest is applied;
#             or the firewall shuts this machine out and the VM, which probes itself before it says so, has applied the digest.
# Exit        0 done; 1 not within the time, with the boot stage and the next command to run on stderr.
set -euo pipefail

probe="$(dirname "$0")/../gate/probe.sh"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
umask 077
printf '%s' "$GATE_CA_CERTIFICATE" >"$work/ca.pem"
printf '%s' "$GATE_KEY" >"$work/key"
unset GATE_KEY

# Sets stage, applied and failure from the VM's guest attributes; asked=no when this machine cannot ask Google.
read_guest_attributes() {
  local attributes
  stage="" applied="" failure="" asked=no
  command -v gcloud >/dev/null || return 0
  attributes="$(timeout_30 gcloud compute instances get-guest-attributes "$GATE_INSTANCE" \
    --project="$GATE_PROJECT" --zone="$GATE_ZONE" --query-path=monitoring/ \
    --format='value[separator="="](key,value)' --quiet 2>"$work/gcloud-error")" || {
    # A VM that has not published anything yet has no such attributes; anything else means that we may not ask.
    ! grep -qiE 'not found|404' "$work/gcloud-error" || asked=yes
    return 0
  }
  asked=yes
  stage="$(sed -n 's/^stage=//p' <<<"$attributes")"
  applied="$(sed -n 's/^applied=//p' <<<"$attributes")"
  failure="$(sed -n 's/^error=//p' <<<"$attributes")"
}

# macOS has no timeout(1).
timeout_30() {
  if command -v timeout >/dev/null; then timeout 30 "$@"; else "$@"; fi
}

# Succeeds when the last answers mean that telemetry is accepted.
is_ready() {
  if [ "$gate" = accepted ]; then
    [ "$asked" = no ] || [ "$applied" = "$GATE_DIGEST" ]
  else
    shut_out && [ "$applied" = "$GATE_DIGEST" ]
  fi
}

# curl 7 and 28: no connection, no answer in time; either the gate is not up yet or the firewall drops us.
shut_out() {
  case "$gate" in *"curl exit 7,"* | *"curl exit 28,"*) true ;; *) false ;; esac
}

next_step() {
  case "$gate" in
    *"curl exit 6,"*)
      echo "The name $GATE_HOST does not resolve. Point it to $GATE_ADDRESS (or let the program: pulumi config set monitoring:dnsZone ZONE), or use Google's name: pulumi config rm monitoring:otlpHost"
      ;;
    *"curl exit 60,"* | *"curl exit 35,"*)
      echo "Who answers at $GATE_HOST does not show this stack's certificate. Check that the name resolves to $GATE_ADDRESS (monitoring:otlpHost): getent hosts $GATE_HOST"
      ;;
    *"refused the key"*)
      echo "The gate answers but does not know the newest key yet. See what the VM says: $(serial_log)"
      ;;
    *)
      echo "If this machine is not in monitoring:allowedSources, it needs gcloud and compute.instances.getGuestAttributes to know. See what the VM says: $(serial_log)"
      ;;
  esac
}

serial_log() {
  echo "gcloud compute instances get-serial-port-output $GATE_INSTANCE --project=$GATE_PROJECT --zone=$GATE_ZONE | grep stage="
}

deadline=$((SECONDS + GATE_TIMEOUT_MINUTES * 60))
shown=""
while true; do
  if gate="$(sh "$probe" "$GATE_HOST:$GATE_PORT" "$work/ca.pem" <"$work/key" 2>&1)"; then gate=accepted; fi
  read_guest_attributes
  now="gate: $gate; VM: ${stage:-$([ "$asked" = yes ] && echo "nothing reported yet" || echo "cannot be asked from here")}"
  [ "$now" = "$shown" ] || echo "$now"
  shown="$now"
  if is_ready; then
    exit 0
  fi
  [ "$SECONDS" -lt "$deadline" ] || break
  sleep "${GATE_POLL_SECONDS:-10}"
done

{
  echo "The gate did not accept telemetry within $GATE_TIMEOUT_MINUTES minutes (monitoring:readyTimeoutMinutes)."
  echo "Gate $GATE_HOST:$GATE_PORT: $gate"
  echo "VM $GATE_INSTANCE: stage ${stage:-unknown}${failure:+, $failure}"
  next_step
  echo "Then run again: pulumi up"
} >&2
exit 1
