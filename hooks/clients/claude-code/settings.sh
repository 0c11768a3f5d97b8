# shellcheck shell=sh disable=SC2016,SC2020,SC2034,SC2154
# Claude Code: settings.json, kept in step or left as it was.

# obstacle := why settings.json must not hold the key, empty when it may.
find_obstacle() {
  obstacle=
  if ! command -v jq >/dev/null; then
    obstacle="jq is not installed"
  elif [ -L "$settings" ]; then
    obstacle="it is a symbolic link"
  elif [ ! -w "$client_folder" ]; then
    obstacle="its folder is read-only"
  elif [ -e "$settings" ]; then
    user=$(id -u)
    [ -z "$(find "$settings" -prune -type f -user "$user" -perm -200 -links 1 -size -2048)" ] || return 0
    while IFS=: read -r predicate reason; do
      # shellcheck disable=SC2086 # a predicate is two words
      [ -n "$(find "$settings" -prune $predicate)" ] || obstacle=${obstacle:-$reason}
    done <<LIST
-type f:it is not a file
-user $user:it belongs to another user
-perm -200:it is read-only
-links 1:it is a hard link
-size -2048:it is larger than 1 MB
LIST
  fi
}

# Whether what kept the variables out at the last look still does, as far as that can go without a change of settings.json:
# jq installed since or on this PATH, a link replaced. obstacle := what does now, when there was something.
same_obstacle() {
  slurp "$state/way"
  noted=$text
  # A jq that is found only because a repository sets PATH is none that the engineer's next session has.
  { [ -n "$noted" ] && [ -z "$path_led_elsewhere" ]; } || return 0
  find_obstacle
  [ -n "$obstacle" ] || {
    find_jq_fault
    obstacle=${jq_fault:+jq $jq_fault}
  }
  [ "$obstacle" = "$noted" ]
}

# Shared by the two programs below, which read settings.json with -s and fail on what is not settings: an empty file is {}.
# A variable is this hook's when it holds what the hook wrote, or, should the state be lost, when the certificate is the
# hook's or the endpoint is today's. They print the new env on the first line, then splice's edits, and a dot that says that nothing was cut off.
ownership='
def variables: split("\n") | map(select(contains("=")) | index("=") as $i | {(.[:$i]): .[$i + 1:]}) | add // {};
def pairs: (. // "") | tostring | split(",")
  | map(select(. != "" and (startswith("engineer=") or startswith("team=") or startswith("org=") | not)));
def edits($old): . as $new | ($new | tojson), (($old + $new) | keys_unsorted[] as $name
  | if ($new | has($name) | not) then $name elif $new[$name] != $old[$name] or ($old | has($name) | not) then "\($name)\t\($new[$name] | tojson)" else empty end), ".";
if length < 2 and (.[0] | type == "object" or . == null) and (.[0].env | type == "object" or . == null)
then . else error("not settings") end
| ($ENV.wanted | variables) as $wanted | ($ENV.owned | variables) as $owned
| (.[0].env // {}) as $env
| ($env.OTEL_EXPORTER_OTLP_ENDPOINT == $wanted.OTEL_EXPORTER_OTLP_ENDPOINT
  or ($env.OTEL_EXPORTER_OTLP_CERTIFICATE // "" | tostring | test("/telemetry-hook(-[0-9a-f]+)?/ca.pem$"))) as $ours
| def owns($name): $name != "OTEL_RESOURCE_ATTRIBUTES"
    and ((($owned | has($name)) and $env[$name] == $owned[$name]) or ($ours and ($wanted | has($name)) and ($owned == {} or ($env[$name] // "") == "" )));
'

merge=$ownership'
(($env | with_entries(select(.key as $name | owns($name) and ($wanted | has($name) | not) | not)))
  + ($wanted | with_entries(select(.key as $name | ($env | has($name) | not) or owns($name))))
  + {OTEL_RESOURCE_ATTRIBUTES: ([($env.OTEL_RESOURCE_ATTRIBUTES | pairs)[], $wanted.OTEL_RESOURCE_ATTRIBUTES] | join(","))})
| edits($env)'

# Takes out everything of this hook.
strip=$ownership'
($env.OTEL_RESOURCE_ATTRIBUTES | pairs | join(",")) as $attributes
| ($env | with_entries(select(.key as $name | owns($name) | not))
  | if has("OTEL_RESOURCE_ATTRIBUTES") then .OTEL_RESOURCE_ATTRIBUTES = $attributes else . end
  | if .OTEL_RESOURCE_ATTRIBUTES == "" then del(.OTEL_RESOURCE_ATTRIBUTES) else . end)
| edits($env)'

# Rewrites settings.json by a program ("$merge" or "$strip"), in one step and only if nobody changed it meanwhile; all but
# the members concerned stays byte for byte. result := changed, same, unreadable, lossy, jq or failed. The new text is made
# in the state folder, which is on the same file system and which git never sees.
rewrite() {
  result=failed
  old=$state/tmp.$$.old
  new=$state/tmp.$$.new
  : >"$old" && : >"$old.text" || return 1
  [ ! -e "$settings" ] || cp -p "$settings" "$old" || return 1
  [ ! -e "$settings" ] || cp -p "$settings" "$new" || return 1
  # From here on it holds a key: its owner's permissions are kept, other people's are not.
  [ ! -e "$new" ] || chmod go= "$new" || return 1
  slurp "$state/owned"
  answer=$(wanted=$wanted owned=$text jq --slurp --raw-output "$1" "$old" 2>"$old.said") || {
    result=unreadable
    find_jq_fault
    [ -z "$jq_fault" ] || result=jq
    return 1
  }
  new_env=${answer%%"$newline"*}
  edits=${answer#*"$newline"}
  case $edits in
    .)
      result=same
      return 0
      ;;
    *"$newline".) edits=${edits%"$newline".} ;;
    *)
      result=jq
      jq_fault="does not run (its answer is cut off)"
      return 1
      ;;
  esac
  { cat "$old" && printf .; } | edits=$edits awk "$splice" >"$new" || {
    result=lossy
    return 1
  }
  # A full disk, a broken tool or a spelling that the splice cannot see ends here.
  grep -q '[^[:space:]]' "$old" || echo '{}' >"$old.text"
  bom=$(printf '\357\273\277')
  [ "$(for part in "$old" "$old.text" "$new"; do sed "1s/^$bom//" "$part"; done |
    new_env=$new_env jq --slurp --compact-output '($ENV.new_env | fromjson) as $env
    | [length, (.[0] | del(.env)) == (.[1] | del(.env)), (.[1].env // {}) == $env]')" = "[2,true,true]" ] || return 1
  remember_before
  if [ -e "$settings" ]; then
    cmp -s "$settings" "$old" || return 1
  else
    [ ! -s "$old" ] || return 1
    hand_over "$new"
  fi
  mv -f "$new" "$settings" || return 1
  result=changed
  [ ! -e "$state/next" ] || mv -f "$state/next" "$state/after"
}

# Whether settings.json is as this hook left it; `next` becomes `after` should a kill have come between.
unedited() {
  cmp -s "$settings" "$state/after" ||
    { cmp -s "$settings" "$state/next" && mv -f "$state/next" "$state/after"; }
}

# Keeps what uninstall needs to put back the very bytes. Once somebody else has edited the file there
# are no such bytes, unless the edit also took this hook's variables out.
remember_before() {
  unedited || {
    rm -f "$state/after" "$state/next" "$state/before"
    ! grep -q 'signoz-ingestion-key=' "$old" || return 0
    # Without `before`, `next` would make uninstall delete the file.
    [ ! -e "$settings" ] || { cp -p "$old" "$state/tmp.$$" && mv -f "$state/tmp.$$" "$state/before"; } || return 0
  }
  cp "$new" "$state/next"
}

# Brings settings.json in step with $wanted, or takes the hook's variables out of it when $1 is remove.
# changed := yes when it wrote, obstacle := why it could not.
client_keep() {
  changed=
  find_obstacle
  put way "$obstacle"
  remove=${1-}
  if [ -z "$obstacle" ] && [ -z "$remove" ]; then
    find_tracker "$client_folder" settings.json
    obstacle=$tracker
    # What is there stays until a look tells: the next start takes another.
    [ -z "$unsure" ] || { layers= && tracker=; }
    # Should an earlier start have put a key there, it goes before it is committed.
    [ -z "$tracker" ] || remove=remove
  fi
  if [ -z "$obstacle" ] || [ -n "${tracker-}" ]; then
    if [ -z "$remove" ]; then
      rewrite "$merge"
    elif grep -q -e 'signoz-ingestion-key=' -e 'telemetry-hook[-0-9a-f]*/ca.pem' "$settings" 2>/dev/null; then
      rewrite "$strip"
    else
      result=same
    fi
    case $result in
      changed)
        changed=yes
        if [ -n "$remove" ]; then put owned ""; else put owned "$wanted"; fi
        ;;
      unreadable) obstacle="it is not a JSON object that jq can read" ;;
      lossy) obstacle="it names something in env twice or in a way that cannot be kept" ;;
      jq)
        obstacle="jq $jq_fault"
        put way "$obstacle"
        ;;
      failed)
        obstacle="it could not be written"
        # The next start tries again: a disk was full, another tool wrote at that very moment.
        layers=
        ;;
    esac
  fi
  tracker=
  rm -f "$state/tmp.$$".*
  if [ -e "$settings" ]; then
    cp "$settings" "$state/tmp.$$" && mv -f "$state/tmp.$$" "$state/seen"
  else
    rm -f "$state/seen"
  fi
  put layers "$layers"
}
