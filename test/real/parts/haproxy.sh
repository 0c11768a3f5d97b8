#!/bin/sh
here=$(dirname "$0")
exec "$here"/lib/ld-linux-* --library-path "$here/lib" "$here/haproxy.bin" "$@"
