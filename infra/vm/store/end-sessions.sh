#!/usr/bin/env bash
# Ends every session of SigNoz, and lists who could still get in: for the hour after a password or a token has leaked.
# A new password alone leaves open sessions alive, for 30 days at most (SigNoz v0.138.0, tokenizer.lifetime.max).
#   sudo /var/lib/monitoring/files/end-sessions.sh
# SigNoz is away for about a minute; telemetry is taken all the same. Exit 0 when every session is ended.
set -euo pipefail
database=${SIGNOZ_DATABASE:-/mnt/monitoring/signoz/signoz.db}
[ -s "$database" ] || {
  echo "end-sessions.sh: $database is missing; is this the machine that runs SigNoz?" >&2
  exit 1
}
# Stopped first: SigNoz keeps sessions in memory too, and would write them back.
docker stop monitoring-signoz-1 >/dev/null
trap 'docker start monitoring-signoz-1 >/dev/null' EXIT
python3 - "$database" <<'END'
import sqlite3, sys

with sqlite3.connect(sys.argv[1]) as database:
    ended = database.execute("DELETE FROM auth_token").rowcount
    print(f"{ended} sessions ended")
    print("Users, newest first (remove whom nobody knows in Settings > Members):")
    for email, created in database.execute("SELECT email, created_at FROM users ORDER BY created_at DESC"):
        print(f"  {email} since {created}")
    print("API keys, newest first (remove what nobody knows in Settings > API Keys):")
    for name, created in database.execute("SELECT name, created_at FROM factor_api_key ORDER BY created_at DESC"):
        print(f"  {name} since {created}")
END
