#!/bin/bash
# Makes the boot disk of a machine that was never booted: Debian with Google's own runner of startup scripts, and with
# the images in Docker's store, since no registry is here: build.sh USERLAND DOCKER IMAGE     (DOCKER is a folder)
set -euo pipefail
userland=$1 docker=$2 image=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'umount --quiet --recursive "$root"; rmdir "$root"' EXIT
truncate --size 8G "$image"
mkfs.ext4 -q -F "$image"
mount -o loop "$image" "$root"
cp --archive "$userland/." "$root"
cp --archive "$docker/." "$root/var/lib/docker"
cp --recursive "$here/../bootDisk/etc/." "$root/etc"
mount -t proc proc "$root/proc"
chroot "$root" env DEBIAN_FRONTEND=noninteractive sh -ec '
  apt-get update --quiet --quiet
  apt-get install --quiet --quiet --yes --no-install-recommends google-guest-agent udev dbus
  apt-get clean' >/dev/null 2>&1
umount "$root/proc"
systemctl --root "$root" --quiet enable systemd-networkd google-startup-scripts test-shell
# On a new machine startup.sh is who installs Docker, and no archive, no agent of Google's and no module is here.
systemctl --root "$root" --quiet disable docker.service docker.socket containerd.service
systemctl --root "$root" --quiet mask haproxy google-guest-agent google-shutdown-scripts apt-daily.timer \
  apt-daily-upgrade.timer systemd-modules-load getty@tty1
