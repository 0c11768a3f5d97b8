# shellcheck shell=sh disable=SC2034,SC2154
# Part of telemetry-hook.sh: what other tools say, and what to do about it.

# reason := the line of $complaint that says what is wrong, remedy := what to do, for gcloud's answer about
# secret $1. gcloud says the reason first (`ERROR: (gcloud…) …`) and goes on with advice, details or YAML;
# what it can say: https://cloud.google.com/secret-manager/docs/troubleshooting, gcloud 538.
explain_gcloud() {
  reason=$(printf '%s\n' "$complaint" | sed -n '/^ERROR: /{s/^ERROR: *//;s/^([a-z.-]*) *//;p;q;}')
  [ -n "$reason" ] || reason=$(printf '%s\n' "$complaint" | grep '[^[:space:]]' | tail -n 1)
  remedy="gcloud secrets versions access latest --secret=$1 --project=$project >/dev/null   # shows the whole answer"
  case $complaint in
    "not installed") remedy="install Google's CLI: brew install google-cloud-sdk || sudo apt-get install google-cloud-cli" ;;
    *"no answer in time"*) remedy="gcloud auth login   # it may be waiting for you; else a proxy or VPN" ;;
    *"No account is active"* | *"not currently have an active account"* | *"eauthenticat"* | *invalid_grant* | *"auth login"* | *UNAUTHENTICATED* | *"credentials"*)
      remedy="gcloud auth login"
      ;;
    *VPC_SERVICE_CONTROLS* | *"prohibited by organization's policy"*)
      remedy="join the company's network: a perimeter (VPC Service Controls) around project $project refuses this place"
      ;;
    *SERVICE_DISABLED* | *"has not been used in project"* | *"API is not enabled"* | *"API ["*"not enabled"*)
      remedy="ask the platform team: gcloud services enable secretmanager.googleapis.com --project=$project"
      ;;
    *CONSUMER_INVALID* | *"Project '"*"not found"* | *USER_PROJECT_DENIED*)
      remedy="ask the platform team which project holds the key: the hook asks $project"
      ;;
    *PERMISSION_DENIED* | *"Permission '"*denied* | *" 403"*)
      reason=$(with_detail "$reason" 'secretmanager\.[a-z.]*')
      remedy="ask the platform team to let you read secret $1 of project $project (monitoring:secretReaders)"
      ;;
    *FAILED_PRECONDITION* | *DISABLED* | *DESTROYED*)
      remedy="ask the platform team to enable the newest version of secret $1: pulumi up"
      ;;
    *NOT_FOUND* | *" 404"*) remedy="ask the platform team: secret $1 is not in project $project" ;;
    *RESOURCE_EXHAUSTED* | *" 429"*) remedy="wait a minute: Google limits how often secrets are read" ;;
    *"esolve host"* | *"name resolution"* | *"onnection"* | *"roxy"* | *SSL*) remedy="check the network, proxy or VPN: gcloud cannot reach Google" ;;
  esac
}

# Prints the reason $1, and the first text of $complaint that matches $2 when the reason lacks it.
with_detail() {
  detail=$(printf '%s\n' "$complaint" | sed -n "s/.*\\($2\\).*/\\1/p" | head -n 1)
  case $1 in
    *"$detail"*) printf '%s\n' "$1" ;;
    *) printf '%s (%s)\n' "$1" "$detail" ;;
  esac
}

# reason := what op says (`[ERROR] 2026/11/25 09:00:00 …`), remedy := what to do.
explain_one_password() {
  reason=$(printf '%s\n' "$complaint" | sed -n '/^\[ERROR\]/{s/^\[ERROR\] *//;s/^[0-9][0-9/]* [0-9:]* *//;p;q;}')
  [ -n "$reason" ] || reason=$(printf '%s\n' "$complaint" | grep '[^[:space:]]' | tail -n 1)
  remedy="op read '$one_password_reference' >/dev/null   # shows the whole answer"
  case $complaint in
    "not installed") remedy="brew install 1password-cli   # or use gcloud" ;;
    *"no answer in time"*) remedy="unlock 1Password, then: $command_line refresh" ;;
    *"signed in"* | *"session expired"* | *"no account"* | *"authorization prompt"* | *"connecting to desktop app"*) remedy="op signin   # or switch on the desktop app's integration with the CLI" ;;
    *"isn't a vault"* | *"isn't an item"* | *"does not have a field"* | *"ore than one"* | *"o item"*)
      remedy="ask for access to the vault of $one_password_reference"
      ;;
  esac
}
