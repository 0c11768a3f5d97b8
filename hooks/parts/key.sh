# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: the ingestion key. Order: SIGNOZ_KEY, the copy from before, 1Password,
# Secret Manager. An attempt is written down before it is made, so a hang or a kill counts as failed.

retry_seconds=3600
refresh_seconds=86400

# Sets what the last attempt left: not_before and asked_at (epoch), attempted (generation), source, outcome.
read_attempt() {
  not_before=0
  asked_at=0
  attempted=
  source=
  outcome=
  [ -r "$state/attempt" ] || return 0
  {
    read -r not_before
    read -r attempted
    read -r source
    read -r outcome
    read -r asked_at
  } <"$state/attempt"
  case $not_before in
    "" | *[!0-9]*) not_before=0 ;;
  esac
}

# seconds until the next one, source, outcome
write_attempt() {
  asked_at=$(date +%s)
  put attempt "$((asked_at + $1))$newline$key_generation$newline$2$newline$3$newline$asked_at$newline"
}

# A key is one header value: what no header, comma list or shell can mangle.
is_key() {
  case $1 in
    "" | *[!A-Za-z0-9._~+/=@:-]*) return 1 ;;
  esac
  [ "${#1}" -le 1024 ]
}

ask_one_password() {
  [ -n "$one_password_reference" ] || return 1
  command -v op >/dev/null || {
    complaint="not installed"
    return 1
  }
  bounded op read --no-newline "$one_password_reference"
}

ask_secret_manager() {
  command -v gcloud >/dev/null || {
    complaint="not installed"
    return 1
  }
  bounded gcloud secrets versions access latest --secret="$ingestion_key_secret" \
    --project="$project" --quiet
}

# verdict := accepted, refused or unknown (then curl_status and curl_error say why): an empty OTLP
# export, five zero bytes of gRPC framing, that stores nothing. The key goes by stdin, never as an argument.
try_key() {
  verdict=unknown
  curl_status=
  command -v curl >/dev/null || return 0
  write_ca || return 0
  printf '\0\0\0\0\0' >"$state/frame"
  answer=$(printf 'header = "signoz-ingestion-key: %s"\n' "$1" | curl --config - -sS -m 3 --http2 \
    ${ca_certificate:+--cacert "$state/ca.pem"} -o /dev/null -D - -H 'content-type: application/grpc' \
    -H 'te: trailers' --data-binary "@$state/frame" \
    "$endpoint_url/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" 2>"$state/tmp.$$.curl")
  curl_status=$?
  curl_error=$(head -n 1 "$state/tmp.$$.curl")
  rm -f "$state/tmp.$$.curl"
  case $answer in
    *"grpc-status: 0"*) verdict=accepted ;;
    *"grpc-status: 16"*) verdict=refused ;;
  esac
}

# Asks each source in turn, giving both together or each $1 tenths of a second ($2), and keeps the first
# key that the gate does not refuse: a 1Password item that nobody updated must not hide the new key.
fetch_key() {
  write_attempt "$retry_seconds" "$source" "asked, no answer yet"
  failures=
  ticks=$1
  for source in 1Password "Secret Manager"; do
    [ "$2" = together ] || ticks=$1
    complaint="not configured"
    case $source in
      1Password) ask_one_password ;;
      *) ask_secret_manager ;;
    esac
    asked=$?
    if [ "$asked" = 0 ] && is_key "$output"; then
      fetched=$output
      try_key "$fetched"
      if [ "$verdict" != refused ]; then
        key=$fetched
        # On a full disk nothing may look done: the next start asks again.
        put key "$key$newline" || {
          rm -f "$state/attempt"
          return 0
        }
        # A key nobody could check yet is looked at again within the hour.
        [ "$verdict" = accepted ] && pause=$refresh_seconds || pause=$retry_seconds
        write_attempt "$pause" "$source" "$verdict by the gate"
        return 0
      fi
      complaint="its key is refused by the gate"
    elif [ "$asked" = 0 ]; then
      complaint="its answer is not a key"
    fi
    failures="${failures:+$failures; }$source: $complaint"
  done
  source=
  write_attempt "$retry_seconds" "" "$failures"
  return 1
}

# key := the key to use now, empty when there is none.
stored_key() {
  key=${SIGNOZ_KEY-}
  if [ -n "$key" ]; then
    is_key "$key" && return 0
    tell_once "SIGNOZ_KEY is not an ingestion key (letters, digits and ._~+/=@:- only) and is ignored."
  fi
  slurp "$state/key"
  key=${text%"$newline"}
  is_key "$key" || key=
}

key_is_given() {
  [ -n "$key" ] && [ "$key" = "${SIGNOZ_KEY-}" ]
}
