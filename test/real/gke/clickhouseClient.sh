# shellcheck shell=bash # the body of a recorder (test/fakeTool.ts)
# clickhouse-client as far as backup.sh and restore.sh use it, over the HTTP of the engine at $STORE.
query=${*: -1}
said=$(curl --silent --show-error --fail-with-body --data-binary "${query#--query=}" "$STORE") || {
  echo "$said" >&2
  exit 1
}
printf '%s' "$said"
