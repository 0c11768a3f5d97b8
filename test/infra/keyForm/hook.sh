#!/bin/sh
# Asks the hook's own functions, one line of stdin each.
# Usage: hook.sh keys | secrets   whether it takes a key, and whose it is | the id of the secret of an account
. hooks/parts/key.sh
personal_key_secret="of-{engineer}-here"
find_account() { account=$line; }
while IFS= read -r line; do
  case $1 in
    keys)
      find_owner "$line"
      if is_key "$line"; then echo "${owner:--}"; else echo refused; fi
      ;;
    secrets)
      find_own_secret
      echo "$own_secret"
      ;;
  esac
done
