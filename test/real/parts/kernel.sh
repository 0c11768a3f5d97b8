#!/bin/bash
# Builds a Linux that runs as a process of its user (ARCH=um) from Debian's source of it, with the lines of FRAGMENT on
# top of the default: kernel.sh PACKAGE FRAGMENT, in the folder that gets `linux`
set -euo pipefail
package=$1 fragment=$2 source=$PWD/source
apt-get download --quiet "$package"
dpkg-deb --extract "$package"_*.deb package
mkdir "$source"
tar --extract --xz --file "package/usr/src/$package.tar.xz" --strip-components 1 --directory "$source"
make --directory "$source" ARCH=um defconfig >/dev/null
(cd "$source" && scripts/kconfig/merge_config.sh -m .config "$fragment" >/dev/null)
make --directory "$source" ARCH=um olddefconfig >/dev/null
make --directory "$source" ARCH=um --jobs "$(nproc)" linux >/dev/null
mv "$source/linux" .
rm -rf "$source" package "$package"_*.deb
