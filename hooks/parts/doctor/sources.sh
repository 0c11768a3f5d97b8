# shellcheck shell=sh disable=SC2016,SC2034,SC2154
# Each source on its own; a broken one only fails when no key came from anywhere.
check_sources() {
  [ -n "$key" ] && bad=warn || bad=fail
  if key_is_given; then
    finding pass key "SIGNOZ_KEY of this shell"
  elif [ -n "$key" ]; then
    ago "$asked_at"
    finding pass key "copy in $state/key; last asked $age: $outcome"
  else
    finding fail key "none yet: ${outcome:-never asked}" "$command_line refresh"
  fi
  if [ -n "$one_password_reference" ]; then
    ticks=100
    if ! command -v op >/dev/null; then
      absent 1Password "brew install 1password-cli   # or use gcloud"
    elif ask_one_password; then
      finding pass 1Password "$one_password_reference"
    else
      explain_one_password
      finding "$bad" 1Password "$one_password_reference cannot be read: $reason" "$remedy"
    fi
  fi
  if ! command -v gcloud >/dev/null; then
    absent gcloud "brew install google-cloud-sdk   # or use 1Password"
    return
  fi
  ticks=100
  find_own_secret
  if [ -n "$own_secret" ] && ask_secret_manager "$own_secret"; then
    finding pass gcloud "$own_secret in $project, your own"
    output=
    return
  fi
  ticks=100
  if ask_secret_manager "$ingestion_key_secret"; then
    finding pass gcloud "$ingestion_key_secret in $project"
  else
    explain_gcloud "$ingestion_key_secret"
    finding "$bad" gcloud "$ingestion_key_secret cannot be read: $reason" "$remedy"
  fi
  output=
}

# A source that is not there is no fault while there is a key.
absent() {
  if [ -n "$key" ]; then
    finding pass "$1" "not installed, and not needed while there is a key"
  else
    finding fail "$1" "not installed" "$2"
  fi
}
