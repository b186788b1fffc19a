#!/usr/bin/env bash
#
# image.sh
#	Builds the image of the Dockerfile and uses a container of it.  For root, with network.
#
#	VERSIONS='15 17'    PostgreSQL versions: 15 is Debian 12, 17 Debian 13, 18 unstable
#
# There need be no Docker, and no registry of images: a clean system is the image that the
# Dockerfile begins with, and buildah in that system carries out its steps.  container.sh uses
# a container of it.  Prints TAP, and at last "N passed, N failed".

set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=dev/chroot.sh
. "$here/../../dev/chroot.sh"
# shellcheck source=test/packages/tap.sh
. "$here/tap.sh"
chroot_begin "$0" "$@"

# engine COMMAND...: in the system, as buildah wants it there.
engine()
{
	chroot_run env STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot "$@"
}

make_base()
{
	chroot_make "$version" &&
		tar -C "$chroot_root" --one-file-system -cf "$chroot_home/base.tar" . &&
		mv "$chroot_home/base.tar" "$chroot_root/base.tar"
}

import_base()
{
	engine bash -c 'c=$(buildah from scratch) && buildah add "$c" /base.tar / &&
		buildah commit -q "$c" localhost/base && buildah rm "$c"'
}

# Where no limit may be raised, buildah has to be told those that there are.  Some versions have
# lowered that of processes to what the kernel can number.
processes=$(printf "%s\n" "$(ulimit -Hu)" "$(cat /proc/sys/kernel/pid_max)" | grep -x "[0-9]*" | sort -n | head -n 1)
limits=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit "nproc=$processes:$processes")

build_image()
{
	engine buildah bud --format docker "${limits[@]}" --build-arg BASE=localhost/base --tag localhost/dp_agg /src/dp_agg
}

# understands COMMAND...: with passwords, and not without.
understands()
{
	fails chroot_run "$@" && chroot_run env DP_AGG_ADMIN_PASSWORD=a DP_AGG_ANALYST_PASSWORD=b "$@"
}

# The container has processes and a network of its own.
use_image()
{
	engine unshare --net --pid --fork --kill-child --mount-proc \
		bash /src/dp_agg/test/packages/container.sh "${limits[@]}"
}

for version in ${VERSIONS:-15 17}; do
	echo "# PostgreSQL $version"
	ok 'a clean system' make_base || continue
	ok 'buildah is installed' chroot_install buildah netavark iproute2 postgresql-client || continue
	ok 'the checkout is copied' chroot_copy /src/dp_agg || continue
	# Debian 12 has a Compose that knows an older format only
	[ "$version" -lt 17 ] || { ok 'Compose is installed' chroot_install docker-compose &&
		ok 'Compose understands compose.yaml' understands docker-compose -f /src/dp_agg/compose.yaml config; }
	ok 'the system becomes an image' import_base || continue
	ok 'the Dockerfile is carried out' build_image || continue
	ok_all use_image
done
finish
