#!/usr/bin/env bash
# Says how far the cluster is, for infra/ready/wait-for-gate.sh; run from the project's folder.
#   progress.sh PROJECT REGION CLUSTER [--log]     --log: what the pods say, for a person
# Prints `applied=` once every StatefulSet's pods run their newest version and are ready, and each gate has said that it
# goes by the keys and the certificate of the version that their Secret carries: a key that one gate still takes is not
# revoked. Before that `stage=`, with what is missing.
# By a changed annotation kubelet writes a gate's volume at once, instead of within two minutes (Kubernetes, "Configure a
# Pod to Use a ConfigMap", mounted ConfigMaps are updated automatically).
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

version="$(ask get secret gate-keys --output=jsonpath='{.metadata.annotations.monitoring/version}')" || exit 2
gates="$(ask get pods --selector=app=gate --output=name)" || exit 2
said="$(ask logs --selector=app=gate --container=keys --tail=1 --prefix --ignore-errors)" || true
behind="$(for gate in $gates; do
  last="$(grep -F "[$gate/keys] " <<<"$said")" || last=''
  [[ $last == *" $version is in force: "* ]] || echo "the keys of ${gate#pod/} (${last:-it says nothing})"
done)"
# Another value each time: kubelet itself may hear of the Secret only after the first. Who may only look still is told.
[ -z "$behind" ] || ask annotate pods --selector=app=gate --overwrite "monitoring/asked=$(date +%s)" >/dev/null || true

sets="$(ask get statefulsets --output=json)" || exit 2
waiting="$(jq --raw-output '[.items[] | select((.status.observedGeneration // 0) < .metadata.generation
  or (.status.updatedReplicas // 0) < .spec.replicas or (.status.readyReplicas // 0) < .spec.replicas)
  | "\(.metadata.name) (\(.status.readyReplicas // 0) of \(.spec.replicas) ready)"] | join("; ")' <<<"$sets")"
missing="$waiting${behind:+${waiting:+; }${behind//$'\n'/; }}"
if [ -n "$missing" ]; then
  echo "stage=waiting for $missing"
  exit 0
fi
echo "stage=done"
echo "applied=$version"
