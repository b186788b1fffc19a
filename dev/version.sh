# shellcheck shell=bash
#
# version.sh
#	Which PostgreSQL the commands of this checkout work with.
#
# To be sourced.  version_find sets pg_major, its major version, and PG_CONFIG, the path of
# its pg_config, which need not be there yet.  That is, the first of these that is known:
#
#	PG_CONFIG=FILE	the version of that pg_config
#	VERSION=17		that version, where Debian's packages put it
#	installed		the newest of versions whose server and headers are
#					installed, else of those whose server is
#	offered			the version that apt's package "postgresql" stands for
#
# Only versions that the source is written for are looked for: a server of another one
# may be installed beside them.

# The newest first.
pg_versions='18 17 16 15'
pg_major=

version_fail()
{
	echo "$*" >&2
	exit 1
}

version_config()
{
	echo "/usr/lib/postgresql/$1/bin/pg_config"
}

# Has the installation of a pg_config a server, and what a module of it is compiled with?
version_has_server()
{
	[ -x "$("$1" --bindir 2>/dev/null)/postgres" ]
}

version_has_headers()
{
	[ -f "$("$1" --pgxs 2>/dev/null)" ] && [ -f "$("$1" --includedir-server)/postgres.h" ]
}

# The major version of a pg_config, for example 17 of "PostgreSQL 17.2" or "PostgreSQL 19rc1".
# One of Debian's that is not installed yet tells it by its place.
version_of()
{
	local said
	said=$("$1" --version 2>/dev/null || echo "$1")
	sed -nE 's,^(PostgreSQL |/usr/lib/postgresql/)([0-9]+).*,\2,p' <<<"$said"
}

version_installed()
{
	local major file
	for major in $pg_versions; do
		file=$(version_config "$major")
		! version_has_server "$file" || ! version_has_headers "$file" || { echo "$major"; return; }
	done
	for major in $pg_versions; do
		! version_has_server "$(version_config "$major")" || { echo "$major"; return; }
	done
}

# What apt would install; a fresh system has to ask for its lists first.
version_offered()
{
	local sudo=()
	command -v apt-cache >/dev/null || return 0
	if [ -z "$(version_of_package)" ]; then
		[ "$(id -u)" -eq 0 ] || sudo=(sudo)
		"${sudo[@]}" apt-get -q update >/dev/null 2>&1 || true
	fi
	version_of_package
}

version_of_package()
{
	LC_ALL=C apt-cache depends postgresql 2>/dev/null | sed -nE 's/^ +Depends: postgresql-([0-9]+)$/\1/p' | head -n 1 || true
}

version_find()
{
	local asked=${VERSION:-${PG_MAJOR:-}}
	[[ $asked =~ ^[0-9]*$ ]] || version_fail "VERSION must be a major version of PostgreSQL, such as ${pg_versions%% *}"
	if [ -n "${PG_CONFIG:-}" ]; then
		pg_major=$(version_of "$PG_CONFIG")
		[ -n "$pg_major" ] || version_fail "PG_CONFIG=$PG_CONFIG does not tell its version"
		[ "$pg_major" = "${asked:-$pg_major}" ] || version_fail "PG_CONFIG=$PG_CONFIG is of PostgreSQL $pg_major, not of VERSION=$asked"
		return
	fi
	pg_major=${asked:-$(version_installed)}
	[ -n "$pg_major" ] || pg_major=$(version_offered)
	[ -n "$pg_major" ] || version_fail "there is no PostgreSQL here, and apt offers none: please install one of $pg_versions, or set PG_CONFIG"
	PG_CONFIG=$(version_config "$pg_major")
}
