# shellcheck shell=bash disable=SC2154 # sourced by bootstrap.sh, which sets what is used here
# What the identities rely on and gcloud does not make: a project of its own, and a repository in which nobody alone can
# bring code to main or have it deployed. Sourced by bootstrap.sh, which ends where one of them is missing.

# Names what is wrong; `check_protection` ends after all of it is named.
faults=()
fault() { faults+=("$*"); }

own_project() {
  local machines accounts buckets secrets bindings name others='' role member place
  machines=$(lookup gcloud compute instances list "--project=$project" '--format=value(name)')
  accounts=$(lookup gcloud iam service-accounts list "--project=$project" '--format=value(email)')
  buckets=$(lookup gcloud storage buckets list "--project=$project" '--format=value(name)')
  secrets=$(lookup gcloud secrets list "--project=$project" '--format=value(name)')
  bindings=$(policy gcloud projects get-iam-policy "$project")
  # Autopilot calls a cluster's nodes gk3-CLUSTER-….
  for name in $machines; do [[ $name == monitoring-* || $name == gk3-monitoring-* ]] || others+=" VM $name,"; done
  for name in $accounts; do
    case $name in
      "monitoring-"*"@$project.iam.gserviceaccount.com" | "$project_number-compute@developer.gserviceaccount.com") ;;
      *) others+=" account $name," ;;
    esac
  done
  for name in $buckets; do
    case gs://$name in
      "$state_bucket" | "$preview_bucket" | gs://monitoring-*-backups-*) ;;
      *) others+=" bucket $name," ;;
    esac
  done
  for name in "$state_bucket" "$preview_bucket"; do
    place=$(lookup gcloud storage buckets describe "$name" '--format=value(location)')
    [ -n "$place" ] || continue
    place=$(tr '[:upper:]' '[:lower:]' <<<"$place")
    grep -qFx "${name#gs://}" <<<"$buckets" ||
      fault "$name belongs to another project, whose owner could read and rewrite what is put there: take a project with another id"
    [ "$place" = "$location" ] ||
      fault "$name lies in $place, and a second key would be made in $location for good: run with --location $place"
  done
  for name in $secrets; do [[ ${name##*/} == monitoring-* ]] || others+=" secret ${name##*/},"; done
  [ -z "$others" ] ||
    fault "$project holds other things:${others%,}; the identities' grants on the project would reach them: use a project of its own"
  # Google's default accounts would let every machine that is started by mistake edit the whole project.
  while IFS=, read -r role member _; do
    case "$role $member" in
      roles/editor\ serviceAccount:*-compute@developer.gserviceaccount.com | roles/editor\ serviceAccount:*@appspot.gserviceaccount.com)
        fault "$member is an editor of $project: gcloud projects remove-iam-policy-binding $project --member=$member --role=roles/editor --condition=None"
        ;;
    esac
  done <<<"$bindings"
}

# What the stack cannot do without and an organisation may forbid; docs/runbook.md has the others, which a key answers.
organisation_policies() {
  local policy found
  for policy in compute.vmExternalIpAccess compute.disableGuestAttributesAccess; do
    if ! found=$(gcloud resource-manager org-policies describe "$policy" "--project=$project" --effective \
      '--format=value(listPolicy.allValues,booleanPolicy.enforced)' 2>/dev/null); then
      echo "  not known: whether $policy forbids (gcloud could not read the organisation's policy)"
    elif [[ $found == *DENY* || $found == *True* ]]; then
      fault "the organisation's policy $policy is in force for $project, and \`pulumi up\` would fail late: ask for an exception (docs/runbook.md, Policies of the organisation)"
    fi
  done
}

# Prints what GitHub answers; nothing where there is no such thing. Any other failure ends the script, as in `lookup`.
ask_github() {
  local errors status=0
  errors=$(mktemp)
  gh api "repos/$repository$1" "${@:2}" 2>"$errors" || status=$?
  if [ "$status" -ne 0 ] && ! grep -q 'HTTP 404' "$errors"; then
    cat "$errors" >&2
    rm -f "$errors"
    fail "could not read $repository; is \`gh auth login\` done, by an administrator of the repository?"
  fi
  rm -f "$errors"
}

own_repository() {
  local id
  id=$(ask_github '' --jq .id)
  [ "$id" = "$repository_id" ] || fault "$repository has the number '${id:-none}', --repository-id says $repository_id"
  environment "$stack" reviewed
  environment "$stack-plan" open
  environment "$stack-drift" open
  main_branch
  codeowners
}

# An environment that lets only main in; `reviewed` waits for somebody else than who started it.
environment() {
  local name=$1 kind=$2 branches found
  branches=$(ask_github "/environments/$name/deployment-branch-policies" --jq '[.branch_policies[] | "\(.type // "branch") \(.name)"] | join(",")')
  [ "$branches" = "branch main" ] ||
    fault "environment $name must let the branch main in and nothing else, it lets in: ${branches:-everything, or it does not exist}"
  [ "$kind" = reviewed ] || return 0
  found=$(ask_github "/environments/$name" --jq '[(.can_admins_bypass == false), any(.protection_rules[]?; .type == "required_reviewers" and .prevent_self_review and (.reviewers | length > 0))] | join(",")')
  [ "$found" = true,true ] ||
    fault "environment $name must have required reviewers, prevent self-review, and not let administrators pass (Settings, Environments, $name)"
}

# Rules of rulesets, since those of an older branch protection can be passed by administrators.
main_branch() {
  local found ids id binding='' passable=''
  ids=$(ask_github '/rules/branches/main?per_page=100' --jq '[.[].ruleset_id] | unique | .[]')
  for id in $ids; do
    # GitHub shows the list only to who may edit the ruleset: what is not shown may let somebody pass.
    found=$(ask_github "/rulesets/$id" --jq '.bypass_actors == []')
    if [ "$found" = true ]; then binding+=" .ruleset_id == $id or"; else passable+=" $id"; fi
  done
  found=$(ask_github '/rules/branches/main?per_page=100' --jq "map(select($binding false)) | [
      any(.[]; .type == \"pull_request\" and .parameters.required_approving_review_count > 0 and .parameters.require_code_owner_review and .parameters.dismiss_stale_reviews_on_push and .parameters.require_last_push_approval),
      any(.[]; .type == \"required_status_checks\" and ([.parameters.required_status_checks[].context] | contains([\"judge\", \"whole\"]))),
      any(.[]; .type == \"non_fast_forward\"),
      any(.[]; .type == \"deletion\")] | join(\",\")")
  [ "$found" = true,true,true,true ] ||
    fault "a ruleset for main must require a pull request (1 approval, review by code owners, stale approvals dismissed, the last push approved by another), the checks judge and whole, and forbid force pushes and deletion; it has (in this order): ${found:-none}${passable:+, without the rulesets$passable, whose bypass list is not empty or not shown to you}"
}

codeowners() {
  local text errors
  text=$(ask_github '/contents/.github/CODEOWNERS?ref=main' -H 'Accept: application/vnd.github.raw+json')
  grep -qE '^\*[[:space:]]+@' <<<"$text" ||
    fault ".github/CODEOWNERS on main must give every file an owner (a line such as: * @OWNER/TEAM)"
  # A later line without an owner takes its files away from everybody; behind # an owner is a comment.
  ! grep -qvE '^[[:space:]]*(#|$)|^[^#]*[[:space:]]@' <<<"$text" ||
    fault ".github/CODEOWNERS on main has a line without an owner"
  errors=$(ask_github '/codeowners/errors?ref=main' --jq '.errors | length')
  [ "${errors:-0}" = 0 ] || fault ".github/CODEOWNERS on main has $errors error(s): gh api repos/$repository/codeowners/errors"
}

check_protection() {
  echo "Protection of $project and $repository"
  own_project
  organisation_policies
  own_repository
  [ ${#faults[@]} -gt 0 ] || return 0
  printf 'bootstrap: %s\n' "${faults[@]}" >&2
  fail "nothing was changed: mend the ${#faults[@]} fault(s) above and run the script again"
}
