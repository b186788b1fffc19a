# shellcheck shell=bash
#
# sandbox.sh
#	A PostgreSQL of our own: private directory, private prefix, no root.
#
# To be sourced.  sandbox_open lays out, below one directory that only the user
# who will run PostgreSQL can enter:
#
#	src/      a copy of the checkout, built there: that user may not be able to
#	          read the original, and the original stays as it is
#	usr/...   a copy of the PostgreSQL installation with dp_agg installed into
#	          it (PostgreSQL finds its files relative to its programs)
#	tmp/      TMPDIR, home/ HOME, sock/ sockets
#	history/  sources of versions that upgrades start from, by version, where the checkout
#	          has the repository's history
#
# PostgreSQL refuses to run as root; root becomes "nobody" here, who, unlike
# "postgres", has no rights on any cluster of the system.  sandbox_run runs a
# command as that user and waits for it; SANDBOX_ENV may hold lines NAME=VALUE for its
# environment, which is empty otherwise.  Whatever happens, the EXIT trap ends
# every process that came from the sandbox and removes the directory.
#
# The PostgreSQL is the one that version.sh finds, or is told.
#
#	CITUS_PREFIX=FOLDER		a folder into which Citus was installed for that PostgreSQL, with
#							DESTDIR: its files are laid over the copy

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=dev/version.sh
. "$checkout/dev/version.sh"
MAKE=${MAKE:-make}
# Options meant for the make that called us are not meant for the ones we call.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

sandbox=
sandbox_job=
sandbox_user=()
trap sandbox_close EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

sandbox_fail()
{
	echo "$*" >&2
	exit 1
}

# Prints the packages whose content is missing.
sandbox_missing()
{
	version_has_server "$PG_CONFIG" || echo "postgresql-$pg_major"
	version_has_headers "$PG_CONFIG" || echo "postgresql-server-dev-$pg_major"
	command -v gcc >/dev/null || echo gcc
	[ -f /usr/include/stdio.h ] || echo libc6-dev
	[ -f /usr/include/openssl/evp.h ] || echo libssl-dev
	[ -f /usr/include/unicode/ucol.h ] || echo libicu-dev	# PostgreSQL's headers read it
	command -v prove >/dev/null || echo perl
	perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
}

# Installs packages by apt, if there is apt and a way to become root.
sandbox_install()
{
	local sudo=()
	command -v apt-get >/dev/null || return 1
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || return 1
		sudo=(sudo)
	fi
	echo "Installing $*"
	"${sudo[@]}" "$checkout/dev/apt-install" "$@"
}

# Decides on the version and installs what is missing; silent when nothing is.  Once is enough.
sandbox_packages()
{
	local missing
	[ -z "${pg_major:-}" ] || return 0
	version_find
	unset VERSION PG_MAJOR	# make has a variable of that name, too
	missing=$(sandbox_missing | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	# shellcheck disable=SC2086
	sandbox_install $missing || sandbox_fail "please have these packages installed (Debian names): $missing"
	missing=$(sandbox_missing | tr '\n' ' ')
	[ -z "$missing" ] || sandbox_fail "still missing after installation: $missing"
}

# Installs the indenter that dev/indent.pl runs.  Debian 12 has a package of it, not
# every system has; where there is none the layout is not checked.
sandbox_indenter()
{
	command -v pg_bsd_indent >/dev/null ||
		sandbox_install pg-bsd-indent 2>/dev/null ||
		echo 'No package pg-bsd-indent here: the layout of C files cannot be checked'
}

# Installs what the page of `make demo-web` is served with.
sandbox_python()
{
	/usr/bin/python3 -c 'import psycopg' 2>/dev/null || sandbox_install python3 python3-psycopg ||
		sandbox_fail 'please have these packages installed (Debian names): python3 python3-psycopg'
}

# Installs what some tests look at pages and numbers with.  Not every system has packages of
# them; tests skip what they miss.
sandbox_viewers()
{
	local program
	for program in chromium prometheus-postgres-exporter; do
		command -v "$program" >/dev/null || sandbox_install "$program" 2>/dev/null || echo "No package $program here: some tests will skip"
	done
	(sandbox_python) 2>/dev/null || echo 'No package python3-psycopg here: the test of make demo-web will skip'
}

# Runs a command without output, which is shown if it fails.
sandbox_quiet()
{
	local log=$sandbox/quiet.log
	"$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2; sandbox_fail "failed: $*"; }
}

# Versions that have no install script any more, and what installed them: in the tests,
# updates start from there.
sandbox_versions='1.0 fafd90622f4536621871eee1dc184d4ad0c05e9b'

# Lays out the sources of these versions.  A checkout without its history, as a shallow clone or
# an archive, has none, and tests that want them skip.
sandbox_history()
{
	local version commit
	while read -r version commit; do
		if git -c safe.directory="$checkout" -C "$checkout" cat-file -e "$commit^{tree}" 2>/dev/null; then
			mkdir -p "$sandbox/history/$version"
			git -c safe.directory="$checkout" -C "$checkout" archive "$commit" |
				tar -C "$sandbox/history/$version" -xf - --no-same-owner
		fi
	done <<<"$sandbox_versions"
}

# Lays Citus's files over the copy of PostgreSQL, if they are for this one: what is compiled for another
# version would end in servers that do not start.
sandbox_citus()
{
	local dir
	[ -n "${CITUS_PREFIX:-}${CITUS_SOURCE:-}" ] || return 0
	if [ -z "${CITUS_PREFIX:-}" ]; then
		echo "CITUS_SOURCE=$CITUS_SOURCE: tests take an installation of Citus, not its source; install it as it says, with DESTDIR=FOLDER, and set CITUS_PREFIX=FOLDER"
		return 0
	fi
	if [ ! -f "$CITUS_PREFIX$("$PG_CONFIG" --pkglibdir)/citus.so" ]; then
		echo "CITUS_PREFIX=$CITUS_PREFIX has no Citus for PostgreSQL $pg_major: $("$PG_CONFIG" --pkglibdir)/citus.so is not below it"
		return 0
	fi
	for dir in $("$PG_CONFIG" --pkglibdir --sharedir); do
		cp -a "$CITUS_PREFIX$dir/." "$sandbox$dir/"
	done
}

sandbox_open()
{
	local base dir
	sandbox_packages

	# A socket's path may have 107 bytes, so a long TMPDIR does not do; nor does
	# one that the other user cannot pass.
	if [ "$(id -u)" -eq 0 ]; then
		sandbox_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
	fi
	base=${TMPDIR:-/tmp}
	[ ${#base} -le 40 ] && "${sandbox_user[@]}" test -x "$base/" || base=/tmp

	sandbox=$(mktemp -d "$base/dp_agg.XXXXXX") || exit 1
	mkdir "$sandbox"/{src,tmp,home,sock,history}

	tar -C "$checkout" --exclude=./.git --exclude=./.build/log --exclude=./.build/clients --exclude=./.postgresql --exclude=./tmp_check -cf - . |
		tar -C "$sandbox/src" -xf - --no-same-owner
	sandbox_history
	sandbox_quiet "$MAKE" -s --no-print-directory -C "$sandbox/src" -j "$(nproc)" PG_CONFIG="$PG_CONFIG" all

	for dir in $("$PG_CONFIG" --bindir --pkglibdir --sharedir); do
		mkdir -p "$sandbox$dir"
		cp -a "$dir/." "$sandbox$dir/"
	done
	dir=$("$PG_CONFIG" --pkgincludedir)
	mkdir -p "$sandbox${dir%/*}"
	cp -a "$dir" "$sandbox$dir"
	sandbox_citus
	sandbox_quiet "$MAKE" -s --no-print-directory -C "$sandbox/src" PG_CONFIG="$PG_CONFIG" DESTDIR="$sandbox" install

	if [ "$(id -u)" -eq 0 ]; then
		chown -R nobody:nogroup "$sandbox"/{src,tmp,home,sock,history}
		chown nobody:nogroup "$sandbox"
	fi

	sandbox_bin=$sandbox$("$PG_CONFIG" --bindir)
	sandbox_pgxs=$sandbox$(dirname "$("$PG_CONFIG" --pgxs)")/../..
	sandbox_env=(env -i "PATH=$sandbox_bin:/usr/local/bin:/usr/bin:/bin"
		"HOME=$sandbox/home" "TMPDIR=$sandbox/tmp" "PGHOST=$sandbox/sock"
		LANG=C.UTF-8 LC_ALL=C.UTF-8 TZ=UTC "TERM=${TERM:-dumb}"
		"SANDBOX=$sandbox" "PG_CONFIG=$sandbox_bin/pg_config"
		"PG_REGRESS=$sandbox_pgxs/src/test/regress/pg_regress"
		"PERL5LIB=$sandbox_pgxs/src/test/perl")
	[ -z "${CITUS_PREFIX:-}" ] || sandbox_env+=("CITUS_PREFIX=$CITUS_PREFIX")
	case "$("$PG_CONFIG" --configure)" in
		*--with-openssl* | *--with-ssl=openssl*) sandbox_env+=(with_ssl=openssl) ;;
	esac
	[ -z "${SANDBOX_ENV:-}" ] || mapfile -t -O "${#sandbox_env[@]}" sandbox_env <<<"$SANDBOX_ENV"
}

# sandbox_run [NAME=VALUE...] COMMAND...
# Runs it from src/ as the unprivileged user, in a session of its own so that it
# can be ended as a whole, and is; a server started by pg_ctl lives in another.
# Returns its exit code.  A background job starts with interrupts ignored, which
# env undoes.
sandbox_run()
{
	local status
	(cd "$sandbox/src" && exec setsid env --default-signal=INT,QUIT \
		"${sandbox_user[@]}" "${sandbox_env[@]}" "$@" </dev/null) &
	sandbox_job=$!
	wait "$sandbox_job"
	status=$?
	kill -KILL -- "-$sandbox_job" 2>/dev/null	# what it left behind, if anything
	sandbox_job=
	return "$status"
}

# Processes started from the private prefix, servers among them.
sandbox_processes()
{
	find /proc/[0-9]*/exe -maxdepth 0 -lname "$sandbox/*" 2>/dev/null | cut -d/ -f3
}

sandbox_signal()
{
	local pids
	pids=$(sandbox_processes)
	[ -n "$pids" ] || return 1
	# shellcheck disable=SC2086
	kill "-$1" $pids 2>/dev/null
	return 0
}

sandbox_close()
{
	local status=$? _
	trap '' INT TERM HUP
	set +e
	[ -n "$sandbox" ] || return "$status"
	if [ -n "$sandbox_job" ]; then
		kill -TERM -- "-$sandbox_job" 2>/dev/null
	fi
	# SIGQUIT makes a server leave at once and still remove its shared memory.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		sandbox_signal QUIT || break
		sleep 0.5
	done
	[ -z "$sandbox_job" ] || kill -KILL -- "-$sandbox_job" 2>/dev/null
	sandbox_signal KILL && sleep 0.2
	rm -rf -- "$sandbox"
	return "$status"
}
