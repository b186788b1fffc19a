# shellcheck shell=bash
#
# server.sh
#	A server to measure on, for the scripts beside it; to be sourced first.
#
# Runs the script again inside the sandbox of dev/, as an unprivileged user, with
# a private copy of PostgreSQL; there server_start makes a cluster that flushes
# to disk as a real one does, with the one configuration of all measurements.  What
# is to be taken out of the sandbox, a function after_sandbox does.

if [ -z "${SANDBOX:-}" ]; then
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
	# shellcheck source=dev/sandbox.sh
	. "$here/dev/sandbox.sh"
	sandbox_open
	settings=()
	for name in CLIENTS SECONDS_EACH ROUNDS ROWS ACCOUNTS WORK LOCK SCALE DRAWS VARIANTS QUERIES SHARDS PARTS; do
		[ -z "${!name:-}" ] || settings+=("$name=${!name}")
	done
	sandbox_run "${settings[@]}" bash "test/bench/$(basename "$0")" || exit
	! declare -F after_sandbox >/dev/null || after_sandbox
	exit
fi

data=$TMPDIR/bench
export PGUSER=postgres PGDATABASE=postgres

server_init()
{
	initdb -D "$data" -U postgres -A trust >"$TMPDIR/initdb.log" || exit 1
	cat >>"$data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$PGHOST'
		max_connections = 100
		shared_buffers = 2GB
		work_mem = 256MB
		max_parallel_workers_per_gather = 2
		max_wal_size = 16GB
		checkpoint_timeout = 1h
		shared_preload_libraries = 'dp_agg'
	END
}

# Options for the server are taken from server_options.  Its disk is slow while there is a
# file $SLOW_DISK (slow_disk.c).
export SLOW_DISK=$TMPDIR/slow_disk
server_start()
{
	gcc -O2 -shared -fPIC -o "$SLOW_DISK.so" test/bench/slow_disk.c -ldl || exit 1
	LD_PRELOAD=$SLOW_DISK.so pg_ctl -D "$data" -l "$TMPDIR/server.log" -w -s -o "${server_options:-}" start || { cat "$TMPDIR/server.log"; exit 1; }
}

server_stop()
{
	pg_ctl -D "$data" -m fast -w -s stop
}

# sql [PSQL OPTION...] <STATEMENTS
sql()
{
	psql -X -q -o /dev/null -v ON_ERROR_STOP=1 "$@" || exit 1
}

# milliseconds ROLE QUERY: once
milliseconds()
{
	echo "$2;" >"$TMPDIR/query.sql"
	pgbench -n -t 1 -U "$1" -f "$TMPDIR/query.sql" 2>"$TMPDIR/err" |
		sed -n 's/^latency average = \([0-9.]*\).*/\1/p' | grep . || { cat "$TMPDIR/err" >&2; exit 1; }
}

median()
{
	sort -g | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'
}

# quotient DIGITS A B
quotient()
{
	awk -v digits="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%." digits "f", a / b }'
}
