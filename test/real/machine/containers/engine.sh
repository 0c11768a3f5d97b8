#!/bin/bash
# Makes a machine's root the root of its mount namespace, with what the Docker Engine wants and a build context for the
# images: engine.sh DIR HOSTS_LINE PARTS COLLECTOR HAPROXY <override.yaml     (HAPROXY is a folder)
set -eu
dir=$1 line=$2 parts=$3 collector=$4 haproxy=$5
here=$(cd "$(dirname "$0")" && pwd)
files=$(cd "$here/../../../../infra/vm/files" && pwd)
cd "$dir/root"
mkdir -p dev/pts var/lib/docker etc/docker context host "./$dir"
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/full c 1 7
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
mount --bind "$dir/docker" var/lib/docker
echo 'nameserver 169.254.169.254' >etc/resolv.conf
echo "$line" >>etc/hosts
cp "$files/docker-daemon.json" etc/docker/daemon.json
cp -r "$parts/." "$here/../images/Dockerfile" "$here/../images/signoz-otel-collector" context
cp "$collector" context/otelcol
cp -r "$haproxy" context/haproxy
cat >context/override.yaml
# A chroot would not do: what docker exec runs would find itself outside of its container.
ln -s / "./$dir/root"
pivot_root . host
umount --lazy /host
