#!/usr/bin/env bash
# Waits until this very version is applied and its gate accepts a key of the stack; run by `pulumi up`.
#
# Reads GATE_HOST, GATE_PORT, GATE_ADDRESS, GATE_CA_CERTIFICATE (PEM), GATE_KEY; READY_VERSION, READY_PROGRESS (command
# that prints `stage=`, `applied=`, `error=`; see infra/backend.ts), READY_LOG (command for a person),
# READY_TIMEOUT_MINUTES; optional READY_POLL_SECONDS.
# Done when   the version is reported as applied, and the gate accepts the key here, or the firewall shuts this machine
#             out (who applies a version has probed its own gate before it says so).
# Exit        0 done; 1 not within the time, or nobody can know from here, with the next command to run on stderr.
set -euo pipefail

probe="$(dirname "$0")/../gate/probe.sh"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
umask 077
printf '%s' "$GATE_CA_CERTIFICATE" >"$work/ca.pem"
printf '%s' "$GATE_KEY" >"$work/key"
unset GATE_KEY

# Sets stage, applied and failure; progress to yes, no (cannot be asked from here) or later (no answer this time).
read_progress() {
  local said code=0
  stage="" applied="" failure=""
  said="$(bash -c "$READY_PROGRESS" 2>"$work/progress-error")" || code=$?
  case "$code" in
    0) progress=yes ;;
    2) progress=later ;;
    *) progress=no ;;
  esac
  stage="$(sed -n 's/^stage=//p' <<<"$said")"
  applied="$(sed -n 's/^applied=//p' <<<"$said")"
  failure="$(sed -n 's/^error=//p' <<<"$said")"
}

is_applied() {
  [ "$progress" = yes ] && [ "$applied" = "$READY_VERSION" ]
}

# curl 7 and 28: no connection, no answer in time; either the gate is not up yet or the firewall drops us.
shut_out() {
  case "$gate" in *"curl exit 7,"* | *"curl exit 28,"*) true ;; *) false ;; esac
}

describe_progress() {
  case "$progress" in
    yes) echo "${stage:-nothing reported yet}" ;;
    *) echo "unknown ($(tr '\n' ' ' <"$work/progress-error" | sed 's/ *$//'))" ;;
  esac
}

next_step() {
  case "$gate" in
    accepted)
      echo "See what is not applied yet: $READY_LOG"
      ;;
    *"curl exit 6,"*)
      echo "The name $GATE_HOST does not resolve. Point it to $GATE_ADDRESS (or let the program: pulumi config set monitoring:dnsZone ZONE), or use Google's name: pulumi config rm monitoring:otlpHost"
      ;;
    *"curl exit 60,"* | *"curl exit 35,"*)
      echo "Who answers at $GATE_HOST does not show this stack's certificate. Check that the name resolves to $GATE_ADDRESS (monitoring:otlpHost): getent hosts $GATE_HOST"
      ;;
    *"refused the key"*)
      echo "The gate answers but does not know the newest key yet. See what was logged: $READY_LOG"
      ;;
    *)
      echo "If this machine is not in monitoring:allowedSources, that is no fault. See what was logged: $READY_LOG"
      ;;
  esac
}

deadline=$((SECONDS + READY_TIMEOUT_MINUTES * 60))
shown=""
while true; do
  if gate="$(sh "$probe" "$GATE_HOST:$GATE_PORT" "$work/ca.pem" <"$work/key" 2>&1)"; then gate=accepted; fi
  read_progress
  now="gate: $gate; stage: $(describe_progress)"
  [ "$now" = "$shown" ] || echo "$now"
  shown="$now"
  if is_applied && { [ "$gate" = accepted ] || shut_out; }; then
    exit 0
  fi
  if [ "$gate" = accepted ] && [ "$progress" = no ]; then
    {
      echo "The gate accepts telemetry, but nobody here can know whether this version is applied: $(cat "$work/progress-error")"
      echo "Mend that, then run again: pulumi up"
    } >&2
    exit 1
  fi
  [ "$SECONDS" -lt "$deadline" ] || break
  sleep "${READY_POLL_SECONDS:-10}"
done

{
  echo "This version was not applied within $READY_TIMEOUT_MINUTES minutes (monitoring:readyTimeoutMinutes)."
  echo "Gate $GATE_HOST:$GATE_PORT: $gate"
  echo "Stage: $(describe_progress)${failure:+, $failure}"
  next_step
  echo "Then run again: pulumi up"
} >&2
exit 1
