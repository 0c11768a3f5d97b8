#!/bin/bash
# Lays out a machine's own root in its mount namespace: the userland under a fresh upper layer, the little of /dev that a
# VM has, recorders in the place of what a chroot cannot run.
#   prepare.sh USERLAND DIR ADDRESS      ADDRESS is Secret Manager's; DIR holds upper, work, root and ca.pem
set -eu
userland=$1 dir=$2 address=$3
here=$(dirname "$0")
mount -t overlay overlay -o "lowerdir=$userland,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount --rbind /sys sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
mkdir -p dev/disk/by-id dev/shm recorded
for node in null:3 zero:5 random:8 urandom:9; do mknod -m 666 "dev/${node%:*}" c 1 "${node#*:}"; done
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
printf '%s\n' '127.0.0.1 localhost' "$address secretmanager.googleapis.com" >etc/hosts
: >etc/fstab
cat "$dir/ca.pem" >>etc/ssl/certs/ca-certificates.crt
install -m 755 "$here/curl-recorder.sh" usr/local/bin/curl
for name in systemctl systemd-run; do install -m 755 "$here/systemctl-recorder.sh" "usr/local/bin/$name"; done
