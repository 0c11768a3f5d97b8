#!/usr/bin/env bash
# Writes a pull request's one comment of its kind: edits the earlier one, found by the marker in the file's first line.
# Usage: GH_TOKEN=… GH_REPO=owner/name comment.sh PULL_REQUEST FILE
set -euo pipefail
number=${1:?PULL_REQUEST is missing} file=${2:?FILE is missing}
marker=$(head -n 1 "$file")
case $marker in
  '<!-- '*' -->') ;;
  *)
    echo "comment: the first line of $file must be a marker such as <!-- pulumi-preview:dev -->, got: $marker" >&2
    exit 2
    ;;
esac
# Only a comment of the workflow's own account: anybody can write the marker.
earlier=$(gh api --paginate "repos/$GH_REPO/issues/$number/comments" |
  jq --raw-output --slurp --arg marker "$marker" \
    'add // [] | map(select(.user.login == "github-actions[bot]" and (.body | startswith($marker)))) | first.id // empty')
if [ -n "$earlier" ]; then
  gh api --silent -X PATCH "repos/$GH_REPO/issues/comments/$earlier" -F "body=@$file"
else
  gh api --silent -X POST "repos/$GH_REPO/issues/$number/comments" -F "body=@$file"
fi
