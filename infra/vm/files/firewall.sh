#!/usr/bin/env bash
# What containers may begin, as an nftables table of its own: Docker neither flushes nor reorders it, and it stands
# before Docker does (monitoring-firewall.service), so no container ever runs without it.
# Nothing, but within their network; to the ports in $state/egress-ports also SigNoz, once alerts leave the machine, or the
# sender to SigNoz Cloud, which reaches no private address; to the one address in $state/clickhouse-host, where ClickHouse is
# when it is not on this machine, SigNoz, and who brings telemetry there while the stack hands over (mon-away).
# The metadata server, which hands out this machine's token, answers no container; only its DNS, where one may dial.
set -euo pipefail
readonly state=/var/lib/monitoring
ports=$(paste -s -d , "$state/egress-ports" 2>/dev/null || true)

clickhouse=$(cat "$state/clickhouse-host" 2>/dev/null || true)

to_clickhouse=
[ -z "$clickhouse" ] || to_clickhouse="iifname { mon-web, mon-away } ip daddr $clickhouse tcp dport 9000 accept"
egress=
if [ -n "$ports" ]; then
  egress="iifname { mon-web, mon-cloud } udp dport 53 accept
    iifname { mon-web, mon-cloud } tcp dport 53 accept
    ip daddr 169.254.0.0/16 drop
    ip6 daddr { fe80::/10, fd20:ce::/32 } drop
    iifname mon-cloud ip daddr { 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16 } reject
    iifname mon-cloud ip6 daddr fc00::/7 reject
    iifname { mon-web, mon-cloud } oifname != mon-* tcp dport { $ports } accept"
fi

# The first two lines make the third work whether or not the table exists; all of it happens at once.
nft --file - <<END
table inet monitoring {}
delete table inet monitoring
table inet monitoring {
  chain from_containers {
    ct state established,related accept
    $to_clickhouse
    $egress
    # At once: Docker asks the machine's resolver for names that it does not know, and whoever wants one would hang.
    reject
  }
  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    $(for network in keeper schema write read gate web public cloud away; do echo "iifname mon-$network oifname mon-$network accept"; done)
    iifname mon-* jump from_containers
    ip daddr 169.254.0.0/16 udp dport 53 accept
    ip daddr 169.254.0.0/16 tcp dport 53 accept
    ip daddr 169.254.0.0/16 drop
    ip6 daddr { fe80::/10, fd20:ce::/32 } drop
  }
  chain input {
    type filter hook input priority filter - 10; policy accept;
    iifname mon-* ct state established,related accept
    iifname mon-* drop
  }
}
END
