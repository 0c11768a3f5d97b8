#!/bin/bash
# Records the argument list, which every user of a machine can read, and runs the real curl.
echo "$*" >>/recorded/curl
exec /usr/bin/curl "$@"
