#!/usr/bin/env bash
# Creates what must exist in a Google Cloud project before the first `pulumi up`: the bucket for Pulumi's state, the key
# for the stack's secrets, the VM's account, and the identities of the workflows (keyless, by workload identity federation).
# Rerun-safe: it adds what is missing and changes nothing else. It holds, creates and prints no secret.
# It wants a project of its own and a protected repository, and ends before any change where they are not.
#
# Usage: bootstrap.sh --project PROJECT --repository OWNER/NAME --repository-id NUMBER [--stack dev]
#                     [--location us-central1] [--backend vm|cloud|gke] [--kms-key KEY] [--plan]
#   --repository-id  GitHub's number of the repository, which outlives a rename: gh api repos/OWNER/NAME --jq .id
#   --backend        as monitoring:backend is to be; gke needs more rights than the others
#   --kms-key        as monitoring:kmsKey is to be, where you may set its IAM policy: Google's accounts get its use
#   --plan           reads the project and prints what it would do
# Who runs it: an owner of the project and administrator of the repository, after `gcloud auth login` and `gh auth login`.
set -euo pipefail

fail() {
  echo "bootstrap: $*" >&2
  exit 1
}
usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p;}' "$0"; }

stack=dev location=us-central1 backend=vm kms_key='' plan=false project='' repository='' repository_id=''
while [ $# -gt 0 ]; do
  case $1 in
    --plan) plan=true && shift ;;
    --help | -h) usage && exit 0 ;;
    --project | --repository | --repository-id | --stack | --location | --backend | --kms-key)
      [ $# -gt 1 ] || fail "$1 needs a value"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift 2
      ;;
    *) fail "unknown argument $1; see bootstrap.sh --help" ;;
  esac
done
[[ $project =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] || fail "--project must be a project id such as my-project-1, got '$project'"
[[ $repository =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]] || fail "--repository must be OWNER/NAME, got '$repository'"
[[ $repository_id =~ ^[0-9]+$ ]] ||
  fail "--repository-id must be GitHub's number of the repository (gh api repos/$repository --jq .id), got '$repository_id'"
[[ $stack =~ ^[a-z]([a-z0-9-]{0,17}[a-z0-9])?$ ]] ||
  fail "--stack must be 1 to 19 lower-case letters, digits and dashes, the last no dash, got '$stack'"
case $stack in
  preview | plan | drift | deploy) fail "--stack $stack: the VM's account would have the name of a workflow's identity; take another name" ;;
esac
case $backend in
  vm | cloud | gke) ;;
  *) fail "--backend must be vm, cloud or gke, got '$backend'" ;;
esac
[[ -z $kms_key || $kms_key =~ ^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$ ]] ||
  fail "--kms-key must be projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY, got '$kms_key'"
for tool in gcloud gh; do command -v "$tool" >/dev/null || fail "$tool is not installed"; done

# A question from gcloud would hang a script, and "enable this API?" is answered below.
export CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API=false CLOUDSDK_CORE_PROJECT=$project

state_bucket=gs://$project-monitoring-state
preview_bucket=gs://$project-monitoring-preview
pool=github provider=actions
key=(pulumi "--keyring=monitoring" "--location=$location")
# shellcheck source=scripts/bootstrap/protection.sh
. "$(dirname "$0")/bootstrap/protection.sh"
# shellcheck source=scripts/bootstrap/grants.sh
. "$(dirname "$0")/bootstrap/grants.sh"

# Runs a change, or prints it under --plan.
change() {
  if $plan; then
    printf '+'
    printf ' %q' "$@"
    echo
  else
    "$@" >/dev/null
  fi
}
keep() { echo "  exists: $*"; }

# Prints what `gcloud … describe` finds; nothing when it does not exist. Any other failure ends the script, so call it
# in an assignment, never inside a condition, where the failure would read as "does not exist".
lookup() {
  local errors status=0
  errors=$(mktemp)
  "$@" 2>"$errors" || status=$?
  if [ "$status" -ne 0 ] && ! grep -qiE 'not[_ ]found|HTTPError 404|does not exist|SERVICE_DISABLED|has not been used' "$errors"; then
    cat "$errors" >&2
    rm -f "$errors"
    fail "could not read the project; is \`gcloud auth login\` done, by an owner of $project?"
  fi
  rm -f "$errors"
}

email() { echo "monitoring-$1@$project.iam.gserviceaccount.com"; }
# Google's accounts for its services (Google Cloud, "Service agents").
declare -A agents=([compute]=compute-system [container]=container-engine-robot [secretmanager]=gcp-sa-secretmanager
  [storage]=gs-project-accounts)
member_of() { # IDENTITY OF THE TABLE
  case $1 in
    agent:*) echo "serviceAccount:service-$project_number@${agents[${1#agent:}]}.iam.gserviceaccount.com" ;;
    *) echo "serviceAccount:$(email "$1")" ;;
  esac
}
vm=$(email "$stack")

apis() {
  echo "APIs"
  change gcloud services enable cloudkms.googleapis.com cloudresourcemanager.googleapis.com iam.googleapis.com \
    iamcredentials.googleapis.com serviceusage.googleapis.com storage.googleapis.com sts.googleapis.com
}

# An account of Google's exists once its service was asked for it, and has no grant before.
service_agents() {
  [ -n "$kms_key" ] || return 0
  echo "Google's accounts that use $kms_key"
  local row service
  for row in "${grants[@]}"; do
    case $row in
      agent:storage\|*) change gcloud storage service-agent ;;
      agent:*)
        service=${row%%|*}
        service=${service#agent:}.googleapis.com
        change gcloud services enable "$service"
        change gcloud beta services identity create "--service=$service"
        ;;
    esac
  done
}

# A bucket that keeps old versions (`--versioning`), or one that keeps nothing that was replaced or deleted.
bucket() {
  echo "Bucket $1 ($3)"
  local found wanted=',True,' more=(--versioning)
  if [ "$2" = --no-versioning ]; then
    # An old copy may hold what a later one would not show; Google keeps deleted objects for a week unless told not to.
    wanted=',False,0' more=(--no-versioning --clear-soft-delete)
  fi
  # Prints the name, True where versions are kept, and for how many seconds deleted objects are.
  found=$(lookup gcloud storage buckets describe "$1" '--format=csv[no-heading](name,versioning_enabled.yesno(yes=True,no=False),soft_delete_policy.retentionDurationSeconds)')
  if [ -n "$found" ]; then
    keep "$1"
  else
    change gcloud storage buckets create "$1" "--location=$location" --uniform-bucket-level-access --public-access-prevention
  fi
  if [[ $found == *"$wanted"* ]]; then
    keep "${more[*]}"
  else
    change gcloud storage buckets update "$1" "${more[@]}"
  fi
}

own_roles() {
  echo "Roles of our own"
  local row name permissions reason found verb
  for row in "${roles[@]}"; do
    IFS='|' read -r name permissions reason <<<"$row"
    found=$(lookup gcloud iam roles describe "$name" "--project=$project" '--format=csv[no-heading,separator=" "](deleted.yesno(yes=DELETED,no=ACTIVE),includedPermissions.list())')
    verb=update
    [ -n "$found" ] || verb=create
    # A deleted role keeps its name for weeks, and gives nothing.
    [[ $found != DELETED* ]] || change gcloud iam roles undelete "$name" "--project=$project"
    if [ "${found#* }" = "$permissions" ]; then
      keep "$name"
    else
      change gcloud iam roles "$verb" "$name" "--project=$project" "--title=monitoring: $name" "--description=$reason" \
        "--permissions=$permissions" --stage=GA --quiet
    fi
  done
}

# The account that the VM runs as: made here, so that no workflow may make accounts or be any other.
vm_account() {
  local account=$vm
  echo "Account of the VM, $account"
  if [ -n "$(lookup gcloud iam service-accounts describe "$account" '--format=value(email)')" ]; then
    keep "$account"
  else
    change gcloud iam service-accounts create "monitoring-$stack" "--display-name=monitoring: the VM of $stack"
  fi
}

stack_key() {
  echo "Key for the stack's secrets"
  local found
  found=$(lookup gcloud kms keyrings describe monitoring "--location=$location" '--format=value(name)')
  if [ -n "$found" ]; then
    keep "key ring monitoring"
  else
    change gcloud kms keyrings create monitoring "--location=$location"
  fi
  found=$(lookup gcloud kms keys describe "${key[@]}" '--format=value(name)')
  if [ -n "$found" ]; then
    keep "key pulumi"
  else
    change gcloud kms keys create "${key[@]}" --purpose=encryption --rotation-period=90d --next-rotation-time=+p90d
  fi
}

# Which identity a workflow's token may take. Only claims that every token has; "none" may take no identity.
identity_of_token() {
  local main='assertion.ref == "refs/heads/main"'
  printf '%s' "$main && assertion.sub.endsWith(\":environment:$stack\") ? \"deploy\" : " \
    "$main && assertion.sub.endsWith(\":environment:$stack-plan\") ? \"plan\" : " \
    "$main && assertion.sub.endsWith(\":environment:$stack-drift\") ? \"drift\" : " \
    "assertion.event_name == \"pull_request\" && " \
    "assertion.workflow_ref.startsWith(assertion.repository + \"/.github/workflows/preview.yml@\") ? \"preview\" : \"none\""
}

federation() {
  echo "Workload identity of $repository"
  local verb=create-oidc found
  found=$(lookup gcloud iam workload-identity-pools describe "$pool" --location=global '--format=value(state)')
  case $found in
    ACTIVE) keep "pool $pool" ;;
    DELETED) change gcloud iam workload-identity-pools undelete "$pool" --location=global ;;
    *) change gcloud iam workload-identity-pools create "$pool" --location=global "--display-name=GitHub" ;;
  esac
  found=$(lookup gcloud iam workload-identity-pools providers describe "$provider" --location=global \
    "--workload-identity-pool=$pool" '--format=value(state)')
  [ "$found" != DELETED ] || change gcloud iam workload-identity-pools providers undelete "$provider" --location=global \
    "--workload-identity-pool=$pool"
  # Always set anew: another stack or another repository changes them.
  [ -z "$found" ] || verb=update-oidc
  change gcloud iam workload-identity-pools providers "$verb" "$provider" --location=global "--workload-identity-pool=$pool" \
    --issuer-uri=https://token.actions.githubusercontent.com \
    "--attribute-mapping=google.subject=assertion.sub,attribute.identity=$(identity_of_token)" \
    "--attribute-condition=assertion.repository_id == \"$repository_id\""
}

identity() {
  local account found bindings pool_member
  account=$(email "$1")
  echo "Identity $account ($2)"
  found=$(lookup gcloud iam service-accounts describe "$account" '--format=value(email)')
  bindings=$(policy gcloud iam service-accounts get-iam-policy "$account")
  if [ -n "$found" ]; then
    keep "$account"
  else
    change gcloud iam service-accounts create "monitoring-$1" "--display-name=monitoring: $1"
  fi
  pool_member=principalSet://iam.googleapis.com/projects/$project_number/locations/global/workloadIdentityPools/$pool/attribute.identity/$1
  bind "$bindings" roles/iam.workloadIdentityUser "$pool_member" '' gcloud iam service-accounts add-iam-policy-binding "$account"
  bindings=$(grep -vFx "roles/iam.workloadIdentityUser,$pool_member," <<<"$bindings" || true)
  strangers "$bindings" gcloud iam service-accounts remove-iam-policy-binding "$account"
}

# The bindings of a policy, one `role,member,title of the condition` a line.
policy() { lookup "$@" '--flatten=bindings[].members' '--format=csv[no-heading](bindings.role,bindings.members,bindings.condition.title)'; }

bind() {
  local bindings=$1 role=$2 member=$3 title=$4
  shift 4
  if grep -qFx "$role,$member,$title" <<<"$bindings"; then
    keep "$role for ${member##*/}"
  else
    # --condition=None: in a policy that has conditions elsewhere gcloud would ask.
    case "$*" in "gcloud projects"* | *service-accounts*) set -- "$@" "--condition=$(condition "$title")" ;; esac
    local try
    for try in 1 2 3 4 5 6; do
      change "$@" "--role=$role" "--member=$member" && return
      # IAM may take a minute to know an account that was made just now.
      [ "$try" -lt 6 ] && sleep "${BOOTSTRAP_PAUSE_SECONDS:-10}"
    done
    fail "$role was not granted to $member; run the script again"
  fi
}

grant_all() {
  local project_policy key_policy kms_policy='' state_policy preview_policy account_policy row identity where role reason title member
  project_policy=$(policy gcloud projects get-iam-policy "$project")
  key_policy=$(policy gcloud kms keys get-iam-policy "${key[@]}")
  [ -z "$kms_key" ] || kms_policy=$(policy gcloud kms keys get-iam-policy "$kms_key")
  state_policy=$(policy gcloud storage buckets get-iam-policy "$state_bucket")
  preview_policy=$(policy gcloud storage buckets get-iam-policy "$preview_bucket")
  account_policy=$(policy gcloud iam service-accounts get-iam-policy "$vm")
  for row in "${grants[@]}"; do
    IFS='|' read -r identity where role reason title <<<"$row"
    member=$(member_of "$identity")
    echo "Grant $identity ${where##*/}: $role: $reason"
    case $where in
      project) bind "$project_policy" "$role" "$member" "$title" gcloud projects add-iam-policy-binding "$project" ;;
      account) bind "$account_policy" "$role" "$member" '' gcloud iam service-accounts add-iam-policy-binding "$vm" ;;
      key) bind "$key_policy" "$role" "$member" '' gcloud kms keys add-iam-policy-binding "${key[@]}" ;;
      kms) bind "$kms_policy" "$role" "$member" '' gcloud kms keys add-iam-policy-binding "$kms_key" ;;
      "$state_bucket") bind "$state_policy" "$role" "$member" '' gcloud storage buckets add-iam-policy-binding "$where" ;;
      *) bind "$preview_policy" "$role" "$member" '' gcloud storage buckets add-iam-policy-binding "$where" ;;
    esac
  done
  refuse_more project "$project_policy" gcloud projects remove-iam-policy-binding "$project"
  refuse_more account "$account_policy" gcloud iam service-accounts remove-iam-policy-binding "$vm"
  refuse_more key "$key_policy" gcloud kms keys remove-iam-policy-binding "${key[@]}"
  [ -z "$kms_key" ] || refuse_more kms "$kms_policy" gcloud kms keys remove-iam-policy-binding "$kms_key"
  refuse_more "$state_bucket" "$state_policy" gcloud storage buckets remove-iam-policy-binding "$state_bucket"
  refuse_more "$preview_bucket" "$preview_policy" gcloud storage buckets remove-iam-policy-binding "$preview_bucket"
}

strange=0
strangers() { # BINDINGS COMMAND...: names bindings that no table has, with the command that takes each away
  local role member title
  while IFS=, read -r role member title; do
    [ -n "$role" ] || continue
    strange=$((strange + 1))
    echo "bootstrap: $member also has $role${title:+ ($title)}, which the table does not name: ${*:2} --member=$member --role=$role --all" >&2
  done <<<"$1"
}

# A grant that left the table, or was made by hand, stays until somebody decides: the script names it, and fails at its end.
refuse_more() { # WHERE BINDINGS COMMAND...
  local role member title identity table untold=''
  table=$(printf '%s\n' "${grants[@]}")
  while IFS=, read -r role member title; do
    for identity in preview plan drift deploy; do
      [ "$member" = "serviceAccount:$(email "$identity")" ] || continue
      grep -q "^$identity|$1|$role|.*|$title\$" <<<"$table" || untold+="$role,$member,$title"$'\n'
    done
  done <<<"$2"
  strangers "$untold" "${@:3}"
}

next_steps() {
  cat <<END

Next, once:
  gh variable set GCP_PROJECT --repo $repository --body $project
  gh variable set WORKLOAD_IDENTITY_PROVIDER --repo $repository --body projects/$project_number/locations/global/workloadIdentityPools/$pool/providers/$provider
  gh label create allow-replace --repo $repository --description "This pull request may replace or delete data disk, address or endpoint secret"
  pulumi login $state_bucket
  pulumi stack init $stack --secrets-provider=gcpkms://projects/$project/locations/$location/keyRings/monitoring/cryptoKeys/pulumi
  pulumi up
  scripts/ci/preview/publish.sh $stack $preview_bucket/$stack.json   # pull requests preview from this copy; deploy renews it
END
}

# Read whole before the first call: an edit or a pull in the meantime changes nothing.
main() {
  project_number=$(lookup gcloud projects describe "$project" '--format=value(projectNumber)')
  [ -n "$project_number" ] || fail "project $project does not exist, or this login may not see it"

  check_protection
  apis
  bucket "$state_bucket" --versioning "Pulumi's state; its versions are the undo"
  bucket "$preview_bucket" --no-versioning "the copy of the state without secrets"
  stack_key
  own_roles
  vm_account
  service_agents
  federation
  identity preview "pull requests: reads the copy, and reaches no secret"
  identity plan "pulumi preview of the real state from main"
  identity drift "weekly comparison: reads, and opens no secret"
  identity deploy "pulumi up from main, after the approval"
  grant_all
  [ "$strange" -eq 0 ] || fail "$strange grant(s) above are not in the table: take them away and run the script again"
  $plan && echo "Nothing was changed (--plan)."
  next_steps
}
main
