#!/usr/bin/env bash
# Says how far the cluster is, for infra/ready/wait-for-gate.sh; run from the project's folder.
#   progress.sh PROJECT REGION CLUSTER [--log]     --log: what the pods say, for a person
# Prints `applied=` once every StatefulSet's pods run their newest version and are ready, with the version that the
# Secret of keys carries; before that `stage=`, with what is missing.
# Exit: 0 it was asked; 1 nobody can ask from here; 2 no answer this time.
set -euo pipefail
[ $# -ge 3 ] || {
  echo "progress.sh: PROJECT REGION CLUSTER [--log], please" >&2
  exit 1
}
for tool in gcloud kubectl gke-gcloud-auth-plugin; do
  command -v "$tool" >/dev/null || {
    echo "$tool is not installed here; see docs/runbook.md, GKE" >&2
    exit 1
  }
done
KUBECONFIG="$(mktemp)"
export KUBECONFIG
trap 'rm -f "$KUBECONFIG"' EXIT
gcloud container clusters get-credentials "$3" --project="$1" --location="$2" --dns-endpoint >/dev/null || exit 2

ask() {
  kubectl --namespace=monitoring --request-timeout=10s "$@"
}

if [ "${4-}" = --log ]; then
  ask get pods
  ask logs --selector='app in (gate, clickhouse, keeper, migrations, backup)' --all-containers --prefix --tail=20
  exit
fi

sets="$(ask get statefulsets --output=json)" || exit 2
waiting="$(jq --raw-output '[.items[] | select((.status.observedGeneration // 0) < .metadata.generation
  or (.status.updatedReplicas // 0) < .spec.replicas or (.status.readyReplicas // 0) < .spec.replicas)
  | "\(.metadata.name) (\(.status.readyReplicas // 0) of \(.spec.replicas) ready)"] | join(", ")' <<<"$sets")"
if [ -n "$waiting" ]; then
  echo "stage=waiting for $waiting"
  exit 0
fi
echo "stage=done"
version="$(ask get secret gate-keys --output=jsonpath='{.metadata.annotations.monitoring/version}')" || exit 2
echo "applied=$version"
