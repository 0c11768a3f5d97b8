#!/bin/sh
# A gcloud that is logged in: the folder google beside its own holds what is answered, a file a secret.
for word; do
  case $word in
    account) asked=account ;;
    --secret=*) asked=${word#*=} ;;
  esac
done
answer=$(cat "${0%/*}/../google/${asked-}" 2>&1) || answer="ERROR: (gcloud) NOT_FOUND: no such secret"
case $answer in
  ERROR*)
    echo "$answer" >&2
    exit 1
    ;;
esac
echo "$answer"
