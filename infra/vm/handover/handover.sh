#!/usr/bin/env bash
# While a stack hands over from a VM to GKE or back (docs/runbook.md): brings the rows of the ClickHouse that is no longer
# written to into the one that is. Run on the VM, as root, as often as one likes:
#   handover.sh copy   lays a copy beside the tables there, a partition at a time, and compares; nobody sees it yet
#   handover.sh join   copies what has changed since, then lets each table's copy take the place of what it was made of
# Every row is in one of the two at any time, so that the same two commands take a step back. A copy is of rows, not of files:
# it needs neither room for a backup nor a bucket that both may write to, and the tables there take new rows meanwhile.
set -euo pipefail
readonly state=/var/lib/monitoring
# What a comparison found equal, so that it is not read again; which tables are emptied; the partition that is being moved.
notes=/mnt/monitoring/handover
from='' to=''

here() { # STATEMENT: by the ClickHouse of this machine
  CLICKHOUSE_USER=migrator CLICKHOUSE_PASSWORD=$(<"$state/secrets/migrator.password") \
    docker exec --interactive --env CLICKHOUSE_USER --env CLICKHOUSE_PASSWORD monitoring-clickhouse-1 \
    clickhouse-client "${@:2}" --query "$1"
}

there() { # STATEMENT: by the cluster's
  here "$1" --host "$(jq --exit-status --raw-output .handover.clickhouse "$state/settings.json")"
}

ask() { # SIDE STATEMENT
  "$1" "$2" </dev/null
}

fail() {
  echo "handover.sh: $*" >&2
  exit 1
}

readonly merging="if(engine IN ('MergeTree', 'ReplicatedMergeTree'), '-', 'FINAL')"

tables() { # SIDE: database, table, and FINAL where rows merge; without what migrations keep for themselves
  ask "$1" "SELECT database, name, $merging FROM system.tables
    WHERE startsWith(database, 'signoz_') AND endsWith(engine, 'MergeTree')
      AND NOT match(name, '^(schema_migrations|copying_|joining_)') ORDER BY database, name"
}

tables_of_ours() { # SIDE PREFIX: of each one its database, the table that it is made of, and FINAL as above
  ask "$1" "SELECT database, substring(name, length('$2') + 1), $merging FROM system.tables
    WHERE startsWith(database, 'signoz_') AND startsWith(name, '$2') ORDER BY database, name"
}

filled() { # SIDE: as tables, those that hold rows
  local every held
  every=$(tables "$1")
  synchronise_each "$1" "$every"
  held=$(ask "$1" "SELECT database, name FROM system.tables WHERE startsWith(database, 'signoz_') AND total_rows > 0")
  awk 'NR == FNR { held[$1, $2] = 1; next } ($1, $2) in held' <(echo "$held") <(echo "$every")
}

partitions() { # SIDE DATABASE TABLE: the newest first
  ask "$1" "SELECT DISTINCT partition_id FROM system.parts
    WHERE active AND database = '$2' AND table = '$3' ORDER BY partition_id DESC"
}

made_of() { # SIDE DATABASE TABLE: another one where anything has changed
  ask "$1" "SELECT hex(sipHash64(groupArray((name, hash_of_all_files)))) FROM
    (SELECT * FROM system.parts WHERE active AND database = '$2' AND table = '$3' ORDER BY name)"
}

rows() { # SIDE DATABASE TABLE FINAL
  ask "$1" "SELECT count() FROM $2.$3 ${4#-}"
}

sums() { # SIDE DATABASE TABLE FINAL: of each partition its rows, and a checksum that does not depend on their order
  local by_chance
  # Which of several values is the first or the last is for chance to say.
  by_chance=$(ask "$1" "SELECT arrayStringConcat(groupArray(name), ', ') FROM system.columns
    WHERE database = '$2' AND table = '$3' AND startsWith(type, 'SimpleAggregateFunction(any')")
  ask "$1" "SELECT partition, count(), sum(sipHash64(toString(tuple(*)))) FROM
    (SELECT * ${by_chance:+EXCEPT ($by_chance)}, _partition_id AS partition FROM $2.$3 ${4#-}) GROUP BY partition ORDER BY partition"
}

synchronise() { # SIDE DATABASE TABLE: a replica that lags would compare, move and empty by what it has
  ask "$1" "SYSTEM SYNC REPLICA ON CLUSTER cluster $2.$3" >/dev/null
}

synchronise_each() { # SIDE LIST
  local database table _
  while read -r database table _; do
    [ -z "$database" ] || synchronise "$1" "$database" "$table"
  done <<<"$2"
}

is_alike() { # DATABASE TABLE PREFIX: whether the copy there is still made as its table is, after another version or retention
  [ "$(ask "$to" "SELECT uniqExact(replaceOne(create_table_query, '.$3$2', '.$2')) FROM system.tables
    WHERE database = '$1' AND name IN ('$2', '$3$2')")" = 1 ]
}

drop() { # SIDE DATABASE TABLE
  ask "$1" "DROP TABLE IF EXISTS $2.$3 ON CLUSTER cluster SETTINGS max_table_size_to_drop = 0" >/dev/null
}

copy_table() { # DATABASE TABLE FINAL
  local attempt both wanted found partition _
  is_alike "$1" "$2" copying_ || drop "$to" "$1" "copying_$2"
  ask "$to" "CREATE TABLE IF NOT EXISTS $1.copying_$2 ON CLUSTER cluster AS $1.$2" >/dev/null
  # More than once, since ClickHouse drops what is too old whenever it likes, on either side.
  for attempt in 1 2 3 4; do
    synchronise "$from" "$1" "$2"
    synchronise "$to" "$1" "copying_$2"
    both="$1.$2 $(made_of "$from" "$1" "$2") $(made_of "$to" "$1" "copying_$2")"
    ! grep --quiet --line-regexp --fixed-strings "$both" "$notes/equal" || return 0
    wanted=$(sums "$from" "$1" "$2" "$3")
    found=$(sums "$to" "$1" "copying_$2" "$3")
    [ "$wanted" != "$found" ] || {
      echo "$both" >>"$notes/equal"
      return 0
    }
    [ "$attempt" -lt 4 ] || fail "$1.$2 and its copy differ after three attempts; is something still writing to it?"
    while read -r partition _; do
      [ -z "$partition" ] || ask "$to" "ALTER TABLE $1.copying_$2 DROP PARTITION ID '$partition'" >/dev/null
    done < <(grep --line-regexp --fixed-strings --invert-match --file <(echo "$wanted") <<<"$found")
    # What was kept under a longer retention must last until it has been compared.
    ask "$to" "SYSTEM STOP TTL MERGES ON CLUSTER cluster $1.copying_$2" >/dev/null
    while read -r partition _; do
      ask "$from" "SELECT * FROM $1.$2 ${3#-} WHERE _partition_id = '$partition' FORMAT Native" |
        "$to" "INSERT INTO $1.copying_$2 FORMAT Native"
    done < <(grep --line-regexp --fixed-strings --invert-match --file <(echo "$found") <<<"$wanted")
  done
}

# Two acts of ClickHouse's: the rows are in the table, then no longer in the copy. Cut off between them, the first must not
# come again; but where rows of one key merge into one, where it does no harm.
move_partition() { # DATABASE TABLE PARTITION
  local moved=no
  if [ "$(cat "$notes/moving" 2>/dev/null)" = "$to $1.$2 $3" ]; then
    synchronise "$to" "$1" "$2"
    # Most, since the table may have a few of them of its own, and may have merged a few others.
    moved=$(ask "$to" "SELECT if(engine LIKE '%ReplacingMergeTree' OR (SELECT countIf(NOT there) >= countIf(there) FROM
        (SELECT sipHash64(toString(tuple(*))) IN (SELECT sipHash64(toString(tuple(*))) FROM $1.$2 WHERE _partition_id = '$3') AS there
          FROM $1.joining_$2 WHERE _partition_id = '$3' LIMIT 1000)), 'no', 'yes')
      FROM system.tables WHERE database = '$1' AND name = '$2'")
  fi
  echo "$to $1.$2 $3" >"$notes/moving"
  if [ "$moved" = yes ]; then
    ask "$to" "ALTER TABLE $1.joining_$2 DROP PARTITION ID '$3'" >/dev/null
  else
    ask "$to" "ALTER TABLE $1.joining_$2 MOVE PARTITION ID '$3' TO TABLE $1.$2" >/dev/null
  fi
  rm "$notes/moving"
}

emptied() { # DATABASE TABLE: the note that the table is being emptied, with a text once all is gone
  echo "$notes/emptied-$from-$1.$2"
}

# What is still in joining_… has its place there, whatever comes between: what it was made of is gone before the first move.
join_table() { # DATABASE TABLE FINAL
  local list partition
  synchronise "$to" "$1" "joining_$2"
  empty "$@"
  list=$(partitions "$to" "$1" "joining_$2")
  while read -r partition; do
    [ -z "$partition" ] || move_partition "$1" "$2" "$partition"
  done <<<"$list"
  synchronise "$to" "$1" "joining_$2"
  [ "$(rows "$to" "$1" "joining_$2" -)" = 0 ] || fail "$1.joining_$2 still holds rows; again: handover.sh join"
  # First, since one that outlived its table would let the next copy in beside the rows that it was made of.
  rm "$(emptied "$1" "$2")"
  drop "$to" "$1" "joining_$2"
}

empty() { # DATABASE TABLE FINAL: the table, all of which is in the copy
  local note left copied
  note=$(emptied "$1" "$2")
  [ ! -s "$note" ] || return 0
  synchronise "$from" "$1" "$2"
  if [ ! -e "$note" ]; then
    left=$(rows "$from" "$@")
    copied=$(rows "$to" "$1" "joining_$2" "$3")
    if [ "$left" != "$copied" ] || ! is_alike "$1" "$2" joining_; then
      drop "$to" "$1" "copying_$2"
      ask "$to" "RENAME TABLE $1.joining_$2 TO $1.copying_$2 ON CLUSTER cluster" >/dev/null
      fail "$1.$2 has $left rows and its copy $copied, or is made otherwise; both are left as they are; again: handover.sh join"
    fi
    touch "$note"
  else
    # Emptied in part, or not at all: each day is whole or gone.
    left=$(sums "$from" "$@")
    copied=$(sums "$to" "$1" "joining_$2" "$3")
    left=$(grep --line-regexp --fixed-strings --invert-match --file <(echo "$copied") <<<"$left" || true)
    [ -z "$left" ] || fail "$1.$2 was being emptied, and has been written to since; what came before is in $1.joining_$2, and nothing is removed"
  fi
  ask "$from" "TRUNCATE TABLE $1.$2 ON CLUSTER cluster SETTINGS max_table_size_to_drop = 0" >/dev/null
  echo gone >"$note"
}

each() { # COMMAND LIST
  local database table final
  while read -r database table final; do
    [ -z "$database" ] || "$1" "$database" "$table" "$final"
  done <<<"$2"
}

copy_and_join() { # DATABASE TABLE FINAL
  copy_table "$@"
  rm -f "$(emptied "$1" "$2")"
  ask "$to" "RENAME TABLE $1.copying_$2 TO $1.joining_$2 ON CLUSTER cluster" >/dev/null
  join_table "$@"
}

# A copy that nobody waits for any more, of a step that was taken back.
drop_copy() { # DATABASE TABLE FINAL
  drop "$from" "$1" "copying_$2"
}

# Below a tenth the machine closes its gate (disk-guard.sh), and ClickHouse refuses every insert soon after.
require_room() {
  local held copied room
  held=$(ask "$from" "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND startsWith(database, 'signoz_')")
  copied=$(ask "$to" "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND match(table, '^(copying|joining)_')")
  room=$(ask "$to" "SELECT toInt64(min(unreserved_space - total_space * 0.15)) FROM system.disks WHERE name = 'default'")
  [ "$held" -le "$copied" ] || [ $((held - copied)) -lt "$room" ] ||
    fail "the disk there has room for $((room / 2 ** 20)) MiB, and $(((held - copied) / 2 ** 20)) MiB are to come; make it larger first"
}

hand_over() { # copy|join FROM TO
  local cut_off every
  from=$2 to=$3
  mkdir -p "$notes" && touch "$notes/equal"
  # What an ssh that broke has left running goes on by itself.
  exec 8>"$notes/lock"
  flock --timeout 20 8 || fail 'another run of it goes on; wait until that has ended'
  cut_off=$(tables_of_ours "$from" joining_)
  [ -z "$cut_off" ] || fail "the join of ${cut_off//$'\t'/.} was cut off on the way there: go back to that step, and: handover.sh join"
  every=$(tables_of_ours "$from" copying_)
  each drop_copy "$every"
  # A join brings little, and must end also where the disk has become full meanwhile.
  [ "$1" = join ] || require_room
  cut_off=$(tables_of_ours "$to" joining_)
  [ "$1" = copy ] || each join_table "$cut_off"
  every=$(filled "$from")
  if [ "$1" = join ]; then
    each copy_and_join "$every"
  else
    # What was being joined is whole already.
    every=$(grep --line-regexp --fixed-strings --invert-match --file <(echo "$cut_off") <<<"$every" || true)
    each copy_table "$every"
  fi
}

main() { # copy|join
  local write read
  [[ $# -eq 1 && $1 =~ ^(copy|join)$ ]] || fail 'copy or join, please'
  write=$(jq --exit-status --raw-output .handover.write "$state/settings.json") || fail 'this stack hands nothing over: monitoring:handover is not set'
  read=$(jq --exit-status --raw-output .handover.read "$state/settings.json")
  [ "$1" = copy ] || [ "$write" = "$read" ] ||
    fail "SigNoz still reads what would be emptied; first: pulumi config set monitoring:handover read && pulumi up"
  if [ "$write" = gke ]; then hand_over "$1" here there; else hand_over "$1" there here; fi
  # SigNoz remembers for a week what it has found empty.
  [ "$1" = copy ] || docker restart monitoring-signoz-1 >/dev/null
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
