#!/usr/bin/env bash
#
# packages.sh
#	Builds packages on clean systems, and uses them on others.  For root, with network.
#
#	VERSIONS='15 17'    PostgreSQL versions: 15 is Debian 12, 17 Debian 13, 18 unstable
#
# For each version there are three systems.  "make" has git and make, and builds by `make
# deb` and from the archive for PGXN. "source" has what Build-Depends says, and builds the
# source package. "user" has nothing of the kind: it installs what `make deb` made, and is
# asked what README.md asks. Prints TAP, and at last "N passed, N failed".

set -uo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=dev/chroot.sh
. "$here/../../dev/chroot.sh"
# shellcheck source=test/packages/tap.sh
. "$here/tap.sh"
chroot_begin "$0" "$@"

in_checkout()
{
	chroot_run env -C /src/dp_agg "$@"
}

as_nobody()
{
	chroot_run setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/tmp "$@"
}

make_systems()
{
	local name
	chroot_make "$version" || return
	for name in make source user; do
		chroot_use "$version"
		chroot_twin "$version-$name" || return
	done
}

# --- building ---------------------------------------------------------------

build_by_make()
{
	chroot_use "$version-make"
	ok 'git and make are installed' chroot_install git make || return
	ok 'the checkout is copied' chroot_copy /src/dp_agg || return
	ok 'make deb builds, and the package passes make installcheck' in_checkout make deb || return
	ok 'there is one package, and its symbols' \
		diff <(cd "$chroot_root/src/dp_agg/.build/deb" && printf '%s\n' *.deb | sed 's/_.*//') \
		<(printf 'postgresql-%s-dp-agg%s\n' "$version" -dbgsym "$version" '')
	ok 'the checkout is as it was' in_checkout git diff --exit-code --stat debian
	ok 'lintian is installed' chroot_install lintian pgxnclient || return
	ok 'lintian finds no error' as_nobody bash -c 'lintian --fail-on error /src/dp_agg/.build/deb/*.changes'
	sed 's/^/# /' "$output"
}

# The archive for PGXN builds by `make`, and `make install` puts the same files where the
# package does: pgxn calls them.
build_from_archive()
{
	local config=/usr/lib/postgresql/$version/bin/pg_config
	chroot_use "$version-make"
	ok 'make dist' in_checkout make dist || return
	ok 'pgxn builds and installs the archive' \
		chroot_run bash -c "pgxn install --nosudo --pg_config $config /src/dp_agg/.build/dp_agg-*.zip" || return
	ok 'with the files of the package' diff <(cd "$chroot_root" && find usr/lib/postgresql usr/share/postgresql -name 'dp_agg*' -o -path '*/dp_agg/*' | sort) \
		<(dpkg-deb --fsys-tarfile "$chroot_root"/src/dp_agg/.build/deb/postgresql-"$version"-dp-agg_*.deb |
			tar -t | sed -n 's,^\./\(usr/[^/]*/postgresql/.*[^/]\)$,\1,p' | grep dp_agg | sort)
}

# Build-Depends names all that is needed.
build_from_source()
{
	chroot_use "$version-source"
	mkdir -p "$chroot_root/build"
	cp "$chroot_home/$version-make"/src/dp_agg/.build/deb/dp-agg_*.{dsc,tar.*} "$chroot_root/build"
	ok 'dpkg-dev is installed' chroot_install dpkg-dev || return
	ok 'so are the build dependencies' chroot_step 'apt-get build-dep' "${chroot_enter[@]}" \
		bash -c 'apt-get -q -y --no-install-recommends -P nocheck build-dep /build/dp-agg_*.dsc' || return
	chown -R nobody:nogroup "$chroot_root/build"
	ok 'the source package builds' as_nobody env DEB_BUILD_OPTIONS=nocheck DEB_BUILD_PROFILES=nocheck \
		bash -c 'cd /build && dpkg-source -x dp-agg_*.dsc tree && cd tree && dpkg-buildpackage -us -uc -b'
}

# --- using ------------------------------------------------------------------

# Installed packages start no server here, and the cluster "main" is for the test to start.
no_services()
{
	printf '#!/bin/sh\nexit 101\n' >"$chroot_root/usr/sbin/policy-rc.d"
	chmod 755 "$chroot_root/usr/sbin/policy-rc.d"
}

cluster()
{
	chroot_run pg_ctlcluster "$version" main "$@"
}

# What a server needs that nobody reaches from elsewhere and where "analyst" may log in.
configure()
{
	local hba=$chroot_root/etc/postgresql/$version/main/pg_hba.conf
	chroot_run pg_conftool "$version" main set listen_addresses '' &&
		sed -i '1i local all analyst trust' "$hba" && cluster start
}

preload()
{
	chroot_run pg_conftool "$version" main set shared_preload_libraries "$1" && cluster restart
}

# query ROLE SQL: what it prints.
query()
{
	chroot_run runuser -u postgres -- psql -X -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -U "$1" -c "$2" postgres 2>&1
}

# The first example of README.md, as it stands there.
first_answer()
{
	sed -n '/^<!-- run as dba -->$/,/^```$/p' "$checkout/README.md" | sed '1,2d; $d' >"$chroot_root/tmp/first.sql"
	chroot_run runuser -u postgres -- psql -X -v VERBOSITY=verbose -f /tmp/first.sql postgres 2>&1 | tee "$output.first"
}

use_package()
{
	local package=postgresql-$version-dp-agg denied='ERROR:  42501: permission denied'
	chroot_use "$version-user"
	mkdir "$chroot_root/packages"
	cp "$chroot_home/$version-make/src/dp_agg/.build/deb/${package}_"*.deb "$chroot_root/packages"
	no_services
	ok 'apt installs the package, and the server with it' chroot_step apt-get "${chroot_enter[@]}" \
		bash -c 'apt-get -q -y --no-install-recommends install /packages/*.deb' || return
	ok 'no compiler came along' test ! -e "$chroot_root/usr/bin/gcc"
	ok 'a server starts, not as root' configure || return
	ok 'the extension wants to be preloaded' prints 'HINT:.*shared_preload_libraries' query postgres 'CREATE EXTENSION dp_agg'
	ok 'the library is preloaded' preload dp_agg || return
	ok 'README.md: a table is protected, and answers' prints \
		' Harbour +\| +(89|90)\d\d \| 3[12]\d.*\n North +\| .*\n South +\| .*\n\(3 rows\)(?s:.*) 10 \| +2 \| +8\n' first_answer
	ok 'and no other statement of it failed than the raw read' prints \
		"^(?s:(?!ERROR:).)*$denied(?s:(?!ERROR:).)*\$" cat "$output.first"
	ok 'an analyst who logs in gets an answer' prints '^(26|27)\d\d\d\n' query analyst 'SELECT count(*) FROM visits'
	ok 'and pays for it' prints '^3\n' query analyst 'SELECT epsilon_spent FROM dp_agg.my_budget'
	ok 'and reads no row' prints "$denied" query analyst 'SELECT * FROM visits LIMIT 1'
	ok 'nor by COPY' prints "$denied" query analyst 'COPY visits TO STDOUT'
	ok 'what is asked on is refused when the budget is spent' prints 'ERROR:  DP001' \
		query analyst 'SELECT count(*) FROM visits WHERE dp_with(epsilon => 9)'
	ok 'the ledger holds' prints '^t\|' query postgres 'SELECT ok, entries FROM dp_agg.verify_ledger()'
	remove_package "$package" "$denied"
	cluster stop
}

remove_package()
{
	ok 'the package is removed' chroot_step 'apt-get remove' "${chroot_enter[@]}" apt-get -q -y remove "$1"
	ok 'and leaves no file' prints '^\n$' chroot_run find /usr -path '*dp[_-]agg*' -not -path '*/doc/*'
	ok 'a server that preloads it does not start' fails cluster restart
	ok 'one that does not does' preload '' || return
	ok 'and the analyst still reads no row' prints "$2" query analyst 'SELECT * FROM visits LIMIT 1'
	ok 'nor a count' prints "$2" query analyst 'SELECT count(*) FROM visits'
}

for version in ${VERSIONS:-15 17}; do
	echo "# PostgreSQL $version"
	ok 'three clean systems' make_systems || continue
	build_by_make && build_from_archive && build_from_source
	[ ! -d "$chroot_home/$version-make/src/dp_agg/.build/deb" ] || use_package
done
finish
