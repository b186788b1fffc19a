#!/usr/bin/env bash
#
# build.sh DIRECTORY
#	The packages of this checkout, in the first stage of the Dockerfile.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

apt-get -q update
apt-get -q -y --no-install-recommends install make
DEB_BUILD_OPTIONS=nocheck make deb
mkdir -p "$1"
cp .build/deb/postgresql-*-dp-agg_*.deb "$1"
