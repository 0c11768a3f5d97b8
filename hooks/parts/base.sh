# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# Part of telemetry-hook.sh: what the other parts share. `local` is not POSIX, so results go into
# variables that each comment names.

newline='
'

# text := a file's content, without a process; empty when it cannot be read.
slurp() {
  text=
  [ -r "$1" ] && [ -f "$1" ] || return 1
  while IFS= read -r line; do text=$text$line$newline; done <"$1"
  text=$text$line
}

# Replaces a state file in one step: whoever reads it sees the old or the new, never half.
put() {
  printf '%s' "$2" >"$state/tmp.$$" && mv -f "$state/tmp.$$" "$state/$1"
}

# Queues one sentence for the engineer; session_start says it once.
tell() {
  notice=${notice:+$notice }$1
}

# The same, unless it was the last thing told this way.
tell_once() {
  slurp "$state/told"
  [ "$text" = "$1" ] && return 0
  put told "$1"
  tell "$1"
}

# quoted := the value as one shell word.
quote() {
  quoted=
  rest=$1
  while :; do
    case $rest in
      *\'*)
        quoted=$quoted${rest%%\'*}"'\\''"
        rest=${rest#*\'}
        ;;
      *) break ;;
    esac
  done
  quoted="'$quoted$rest'"
}

# escaped := the text as the inside of a JSON string.
escape() {
  escaped=$(printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')
}

# jq_fault := why jq cannot do its work here, empty when it can. 1.5, Debian 10's, knows neither $ENV nor --rawfile.
find_jq_fault() {
  jq_fault=$(jq --null-input '$ENV | 1' 2>&1)
  case $jq_fault in
    1 | *"${newline}1") jq_fault= ;;
    *ENV/0*) jq_fault="is too old ($(jq --version 2>&1); the hook needs 1.6)" ;;
    *)
      jq_fault=${jq_fault%%"$newline"*}
      jq_fault="does not run (${jq_fault:-no reason given})"
      ;;
  esac
}

# encoded := the value percent-encoded, at most 255 characters long when decoded: exporters drop longer
# ones whole. It counts as JavaScript does; bytes that are not UTF-8 become U+FFFD, because one of them
# would void the entry.
encode() {
  encoded=$1
  case $1 in
    *[!A-Za-z0-9._~-]*) ;;
    *) [ "${#1}" -gt 255 ] || return 0 ;;
  esac
  encoded=$(printf %s "$1" | od -An -v -tx1 | awk '
    function number(hex) {
      return 16 * (index(digits, substr(hex, 1, 1)) - 1) + index(digits, substr(hex, 2, 1)) - 1
    }
    function emit(units, text) {
      if (full || used + units > 255) { full = 1; return }
      used += units
      printf "%s", text
    }
    BEGIN { digits = "0123456789abcdef" }
    { for (i = 1; i <= NF; i++) byte[++count] = $i }
    END {
      for (i = 1; i <= count; i += size) {
        first = number(byte[i])
        size = first < 128 ? 1 : first >= 194 && first < 224 ? 2 : first >= 224 && first < 240 ? 3 : first >= 240 && first < 245 ? 4 : 0
        text = ""
        for (k = 0; k < size; k++) {
          value = i + k <= count ? number(byte[i + k]) : 0
          low = 128
          high = 192
          if (k == 1 && first == 224) low = 160
          if (k == 1 && first == 237) high = 160
          if (k == 1 && first == 240) low = 144
          if (k == 1 && first == 244) high = 144
          if (k > 0 && (value < low || value >= high)) { size = 0; break }
          text = text "%" toupper(byte[i + k])
        }
        if (size == 0) { size = 1; emit(1, "%EF%BF%BD"); continue }
        if (size == 1 && sprintf("%c", first) ~ /[A-Za-z0-9._~-]/) text = sprintf("%c", first)
        emit(size == 4 ? 2 : 1, text)
      }
    }')
}

# host_name := this machine's name; Linux tells it without a process.
find_host() {
  slurp /proc/sys/kernel/hostname
  host_name=${text%"$newline"}
  [ -n "$host_name" ] || host_name=$(uname -n)
}

# Takes the lock or fails at once: a file that only one process can create, over NFS too, and on systems
# without symbolic links. One left by a process of this machine that died, or older than a minute, is taken over.
lock() {
  find_host
  make_lock "$state/$1.lock" && return 0
  holder=
  where=
  [ -L "$state/$1.lock" ] || read -r holder where 2>/dev/null <"$state/$1.lock"
  if { [ -n "$holder" ] && [ "$where" = "$host_name" ] && ! kill -0 "$holder" 2>/dev/null; } ||
    [ -n "$(find "$state/$1.lock" -prune -mmin +1 2>/dev/null)" ]; then
    rm -f "$state/$1.lock"
    make_lock "$state/$1.lock" && return 0
  fi
  return 1
}

# Made whole in one step where the file system has hard links: an empty lock, after a full disk or a kill between the two
# steps, would shut everybody out for a minute.
make_lock() {
  if (printf '%s %s\n' "$$" "$host_name" >"$state/tmp.$$") 2>/dev/null && ln "$state/tmp.$$" "$1" 2>/dev/null; then
    rm -f "$state/tmp.$$"
    return 0
  fi
  rm -f "$state/tmp.$$"
  [ ! -e "$1" ] && (set -C && : >"$1") 2>/dev/null || return 1
  (printf '%s %s\n' "$$" "$host_name" >"$1") 2>/dev/null && return 0
  rm -f "$1"
  return 1
}

# For commands that a person waits for: up to 20 s.
lock_patiently() {
  tries=200
  until lock "$1"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

unlock() {
  rm -f "$state/$1.lock"
}

# Starts a command that leads its own process group, so that all of it can be ended: macOS has no
# setsid, and dash has no job control without a terminal. group := its id.
spawn() {
  if command -v setsid >/dev/null; then
    setsid "$@" </dev/null >/dev/null 2>&1 3>&- &
  else
    set -m
    "$@" </dev/null >/dev/null 2>&1 3>&- &
    set +m
  fi 2>/dev/null
  group=$!
}

# Runs a command for at most $ticks tenths of a second and takes what it used off $ticks.
# output := its stdout, complaint := the first of its stderr. Returns its status, 124 when it was ended. It runs in the state
# folder: in a repository, version managers (asdf, pyenv) would give it the gcloud or the Python that the repository names.
bounded() {
  output=
  complaint=
  base=$state/tmp.$$
  rm -f "$base".*
  # shellcheck disable=SC2016 # the inner shell expands these
  spawn sh -c 'base=$1; shift; cd "${base%/*}"; "$@" >"$base.out" 2>"$base.err"; echo "$?" >"$base.status"' sh "$base" "$@"
  while [ ! -s "$base.status" ] && [ "$ticks" -gt 0 ]; do
    sleep 0.1 2>/dev/null || sleep 1
    ticks=$((ticks - 1))
  done
  if [ -s "$base.status" ]; then
    read -r status <"$base.status"
    output=$(cat "$base.out")
    complaint=$(head -c 4000 "$base.err" | tr -d '\000')
  else
    kill -s KILL -- "-$group" 2>/dev/null || kill -s KILL "$group" 2>/dev/null
    status=124
    complaint="no answer in time"
  fi
  wait "$group" 2>/dev/null
  # What it started in the background has nobody to answer to.
  kill -s KILL -- "-$group" 2>/dev/null
  rm -f "$base".*
  return "$status"
}
