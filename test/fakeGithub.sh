#!/usr/bin/env bash
# Answers of a repository that is protected as it must be.
case $2 in
  repos/acme/monitoring) echo 4711 ;;
  */deployment-branch-policies) echo 'branch main' ;;
  */environments/*) echo true,true ;;
  */rules/branches/main) echo true,true,true,true ;;
  */rulesets\?*) echo 9 ;;
  */rulesets/9 | */codeowners/errors*) echo 0 ;;
  */CODEOWNERS*) echo '* @acme/platform' ;;
esac
