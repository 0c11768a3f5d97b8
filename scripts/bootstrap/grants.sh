# shellcheck shell=bash disable=SC2154,SC2034 # sourced by bootstrap.sh, which sets what is used here and uses what is set
# Who may do what, and why: the roles and the grants of the workflows' identities.

own=projects/$project/roles
# Roles of our own, where Google's smallest gives too much: name | permissions | reason.
roles=(
  "monitoringPreview|compute.regions.get,compute.regions.list,compute.zones.get,compute.zones.list|Google's provider checks region and zone; no metadata, no serial port"
  "monitoringSnapshotPlace|compute.snapshotSettings.get,compute.snapshotSettings.update|where the project keeps snapshots (dataLocations), and none of the disks' own rights"
  "monitoringNewSecret|secretmanager.secrets.create|a secret that does not exist yet has no name that a condition could ask for"
)

# identity | where | role | reason | condition (none if empty). Nothing else is granted; docs/runbook.md shows this table.
# Where Google can, a grant is for one thing: a bucket, the key, the VM's account, the secrets of our names. Compute, DNS,
# IAP and the switch of APIs are the project's, which is why the project must be its own.
grants=(
  "preview|$preview_bucket|roles/storage.objectViewer|reads the copy of the state that holds stand-ins for secrets|"
  "preview|project|$own/monitoringPreview|lets the Google provider check the region|"
  "plan|$state_bucket|roles/storage.objectViewer|reads the state|"
  "plan|key|roles/cloudkms.cryptoKeyDecrypter|opens the state, as a preview must|"
  "plan|project|$own/monitoringPreview|lets the Google provider check the region|"
  "drift|$preview_bucket|roles/storage.objectViewer|reads the copy of the state that holds stand-ins for secrets|"
  "drift|project|roles/compute.viewer|reads network, disk, address, VM and which APIs are on|"
  "drift|project|roles/secretmanager.viewer|reads secrets and whether their versions are enabled, no payload|"
  "drift|project|roles/iam.securityReviewer|reads the VM's account, and who may read the secrets and open the tunnel|"
  "drift|project|roles/dns.reader|reads the record of otlpHost|"
  "deploy|$state_bucket|roles/storage.objectUser|reads, writes and locks the state|"
  "deploy|$preview_bucket|roles/storage.objectUser|publishes the copy for previews|"
  "deploy|key|roles/cloudkms.cryptoKeyEncrypterDecrypter|opens and seals the stack's secrets|"
  "deploy|account|roles/iam.serviceAccountUser|starts the VM as that account, and as no other|"
  "deploy|project|roles/secretmanager.admin|secrets of our names, their versions and who may read them|secrets"
  "deploy|project|$own/monitoringNewSecret|makes a new secret|"
  "deploy|project|roles/compute.instanceAdmin.v1|VM, disks and the snapshot schedule|"
  "deploy|project|$own/monitoringSnapshotPlace|where snapshots are kept|"
  "deploy|project|roles/compute.networkAdmin|network, subnet and the external address|"
  "deploy|project|roles/compute.securityAdmin|firewall rules, which networkAdmin may only read|"
  "deploy|project|roles/iap.admin|who may open SigNoz through Identity-Aware Proxy|"
  "deploy|project|roles/iap.tunnelResourceAccessor|verify-telemetry asks SigNoz through the tunnel|tunnel"
  "deploy|project|roles/serviceusage.serviceUsageAdmin|turns on the APIs that the program uses|"
  "deploy|project|roles/dns.admin|the record of otlpHost|"
)

# What backend gke needs beside that. `agent:` below is Google's own account for a service.
if [ "$backend" = gke ]; then
  roles+=(
    "monitoringNewBucket|storage.buckets.create|a bucket that does not exist yet has no name that a condition could ask for"
    "monitoringBackups|storage.buckets.get,storage.buckets.getIamPolicy,storage.buckets.setIamPolicy,storage.buckets.update|the bucket of the backups and who writes there; none of its objects"
    "monitoringBackupsView|storage.buckets.get,storage.buckets.getIamPolicy|reads the bucket of the backups, none of its objects"
  )
  grants+=(
    "$stack|project|roles/container.defaultNodeServiceAccount|nodes run as the stack's account, and write logs and metrics|"
    "drift|project|roles/container.viewer|reads the cluster and what lies in it, but for its Secrets|"
    "drift|project|$own/monitoringBackupsView|reads the bucket of the backups|backups"
    "deploy|project|roles/container.clusterAdmin|the cluster|"
    "deploy|project|roles/container.developer|what lies in the cluster, its Secrets among it, and no right in it for others|"
    "deploy|project|$own/monitoringNewBucket|makes the bucket of the backups|"
    "deploy|project|$own/monitoringBackups|the bucket of the backups and who writes there|backups"
  )
fi
if [ -n "$kms_key" ]; then
  encrypts=roles/cloudkms.cryptoKeyEncrypterDecrypter
  grants+=(
    "agent:compute|kms|$encrypts|disks and snapshots|"
    "agent:secretmanager|kms|$encrypts|secrets|"
  )
  [ "$backend" != gke ] || grants+=(
    "agent:container|kms|$encrypts|the Secrets in the cluster|"
    "agent:storage|kms|$encrypts|backups|"
  )
fi

# What a condition asks (IAM's attributes: cloud.google.com/iap/docs/cel, …/secret-manager/docs/access-control).
condition() {
  case $1 in
    secrets) echo "expression=resource.name.startsWith(\"projects/$project_number/secrets/monitoring-\"),title=secrets" ;;
    backups) echo "expression=resource.name.startsWith(\"projects/_/buckets/monitoring-$stack-backups-\"),title=backups" ;;
    tunnel) echo "expression=destination.port == 8080,title=tunnel" ;;
    *) echo None ;;
  esac
}
