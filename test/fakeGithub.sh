#!/usr/bin/env bash
# Answers of a repository that is protected as it must be.
case $2 in
  repos/acme/monitoring) echo 4711 ;;
  */deployment-branch-policies) echo 'branch main' ;;
  */environments/*) echo true,true ;;
  */rules/branches/main*) case $4 in *join*) echo true,true,true,true ;; *) echo 9 ;; esac ;;
  */rulesets/9) echo true ;;
  */codeowners/errors*) echo 0 ;;
  */CODEOWNERS*) echo '* @acme/platform' ;;
esac
