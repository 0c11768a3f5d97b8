#!/usr/bin/env bash
# Runs shellcheck and shfmt over every tracked shell file; a tool that is not installed is named, not passed over in silence.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
existing=()
for file in "${files[@]}"; do [ -e "$file" ] && existing+=("$file"); done
status=0
if command -v shellcheck >/dev/null; then
  shellcheck "${existing[@]}" || status=1
else
  echo "lint-shell: shellcheck is not installed, ${#existing[@]} files not linted" >&2
fi
if command -v shfmt >/dev/null; then
  shfmt -d -i 2 -ci "${existing[@]}" || status=1
else
  echo "lint-shell: shfmt is not installed, the format of ${#existing[@]} files not checked" >&2
fi
# grep -q leaves at the first match, the writer may die of that, and pipefail makes a failure of it: now and then.
if grep -nE '\|[[:space:]]*grep -[a-zA-Z]*q' "${existing[@]}" /dev/null; then
  echo "lint-shell: give grep -q a file or <<<, not a pipe" >&2
  status=1
fi
# A letter of jq's or curl's is known to few. The quote before a command's name means: a text about it.
words="(\"[^\"]*\"|'[^']*'|[^\"'|;&])*"
awk -v short="(^|[^-_./\"'[:alnum:]])(jq|curl) ($words )?-[a-zA-Z]" '{ command = command $0 } /\\$/ { next }
  command ~ short { print FILENAME ":" FNR ": " $0; bad = 1 } { command = "" } END { exit bad }' "${existing[@]}" || {
  echo "lint-shell: give jq and curl long flags" >&2
  status=1
}
# One way to say what a function takes: name() { # ARGUMENTS: what it does
for file in "${existing[@]}"; do
  awk -v file="$file" '/^[a-z_0-9]+\(\) \{/ { name = $1; sub(/\(\)$/, "", name)
    if (above ~ "^# " name "( |:)") { print file ":" FNR ": " above; bad = 1 } } { above = $0 } END { exit bad }' "$file" || {
    echo "lint-shell: say it behind the brace, without the name: ${file##*/}" >&2
    status=1
  }
done
exit "$status"
