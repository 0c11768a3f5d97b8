# shellcheck shell=bash
# How a value reaches compose, sourced by startup.sh before the stages that write env files.

# A line of an env file from which compose takes exactly the value on stdin, less its final line break. What would end
# the quotes goes by number: compose trims quotes at either end, and a \ before the last one hides it.
env_line() { # NAME
  jq --raw-input --slurp --raw-output --arg name "$1" 'rtrimstr("\n") | gsub("\\\\"; "\\0134") | gsub("\""; "\\0042")
    | gsub("\\$"; "\\$") | gsub("\n"; "\\n") | "\($name)=\"\(.)\""'
}
