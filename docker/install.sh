#!/usr/bin/env bash
#
# install.sh DIRECTORY
#	Installs the packages of a directory and the server they are for, without a
#	cluster, in the second stage of the Dockerfile.
#
# The user has a fixed number, so that a volume is its own in later images, too.

set -euo pipefail

groupadd --system --gid 999 postgres
useradd --system --uid 999 --gid postgres --home-dir /var/lib/postgresql --shell /bin/bash postgres
bash "${BASH_SOURCE[0]%/*}/apt-install" "$1"/*.deb
install -d -o postgres -g postgres -m 700 /var/lib/postgresql
install -d -o postgres -g postgres -m 755 /var/run/postgresql
apt-get clean
rm -rf "$1" /var/lib/apt/lists/*
