#!/usr/bin/env bash
# gcloud with a memory in $STATE: what `create` made, `describe` finds; bindings are kept a policy.
flags=
words=
for a; do case $a in
  --keyring=* | --workload-identity-pool=*) words="$words $a" ;;
  --condition=*)
    title=${a##*title=}
    case $a in *title=*) ;; *) title= ;; esac
    ;;
  --permissions=*) permissions=${a#*=} ;;
  --clear-soft-delete) cleared=1 ;;
  --role=*) role=${a#*=} ;;
  --member=*) member=${a#*=} ;;
  --format=*) format=${a#*=} ;;
  --*) flags="$flags $a" ;;
  *) words="$words $a" ;;
esac done
[ -e "$STATE/broken" ] && {
  echo 'ERROR: (gcloud) PERMISSION_DENIED: The caller does not have permission' >&2
  exit 1
}
case $words in
  *' projects describe'*)
    echo 123456789012
    exit 0
    ;;
  *' services enable'* | *' services identity create' | *' storage service-agent') exit 0 ;;
  *' list')
    [ -e "$STATE/denied$words" ] && {
      echo "ERROR: (gcloud) PERMISSION_DENIED: Permission denied on resource project $(cat "$STATE/denied$words")." >&2
      exit 1
    }
    [ -e "$STATE/listed$words" ] && cat "$STATE/listed$words"
    exit 0
    ;;
esac
# shellcheck disable=SC2086 # words it is
set -- $words
while :; do case $1 in
  create | create-oidc | describe | update | update-oidc | undelete | get-iam-policy | add-iam-policy-binding) break ;;
  *)
    kind="$kind $1"
    shift
    ;;
esac done
verb=$1
shift
id="$1"
case $id in *@*) id=${id%%@*} ;; esac
thing="$kind $id"
thing=$STATE/${thing//[^a-zA-Z0-9]/_}
case $verb in
  create | create-oidc)
    [ -e "$thing" ] && {
      echo 'ERROR: already exists' >&2
      exit 1
    }
    echo "$permissions" >"$thing"
    if [ "$kind" = ' storage buckets' ]; then echo "${id#gs://}" >>"$STATE/listed storage buckets list"; fi
    ;;
  update) : >"$thing.updated$cleared" ;;
  update-oidc) [ -e "$thing" ] || exit 1 ;;
  describe)
    [ -e "$thing" ] || {
      echo 'ERROR: NOT_FOUND: no such thing' >&2
      exit 1
    }
    case $format in
      *versioning*) if [ -e "$thing.updated" ]; then echo "$id,True,604800"; elif [ -e "$thing.updated1" ]; then echo "$id,False,0"; else echo "$id,False,604800"; fi ;;
      *listPolicy*) cat "$thing" ;;
      *location*) cat "$STATE/location" 2>/dev/null || echo US-CENTRAL1 ;;
      *includedPermissions*) echo "$([ -e "$thing.deleted" ] && echo DELETED || echo ACTIVE) $(cat "$thing")" ;;
      *state*) if [ -e "$thing.deleted" ]; then cat "$thing.deleted"; else echo ACTIVE; fi ;;
      *) echo "$id" ;;
    esac
    ;;
  undelete) rm "$thing.deleted" ;;
  get-iam-policy) if [ -e "$thing.policy" ]; then cat "$thing.policy"; else [ -e "$thing" ] || echo 'ERROR: NOT_FOUND' >&2; fi ;;
  add-iam-policy-binding)
    [ -e "$STATE/late" ] && {
      rm "$STATE/late"
      echo 'ERROR: Service account does not exist.' >&2
      exit 1
    }
    echo "$role,$member,$title" >>"$thing.policy"
    ;;
esac
