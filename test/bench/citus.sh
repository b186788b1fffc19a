#!/usr/bin/env bash
#
# citus.sh
#	What releases over distributed tables of Citus cost: `make bench WORK=citus CITUS_PREFIX=/path`.
#
# Starts a coordinator and two workers on this machine, makes the data, runs every release in turn with
# Citus's own plain query, warm, and prints one table of medians, ratios and what the ratios may be at most;
# and then the numbers from which one can say what more machines would cost (citus.pl).
#
# Sessions keep their connections to workers (citus.max_cached_conns_per_worker), but where it is said that they do not:
# a short query then spends most of its time on connecting.
#
#	ROWS=2000000	rows of the largest table, with ten rows per person
#	SHARDS=32		shards of its tables; a second copy has 4
#	ROUNDS=5		of which the median is taken; of short queries three times as many
#	PARTS='ratios growth memory constants'
#					what of it
#	LOCK=FILE		held while tables are made or queries run, for who measures beside us
#
# CITUS_PREFIX is a folder into which Citus was installed, see dev/sandbox.sh.  The results stay in
# .build/bench/citus, one line each, fields separated by tabs.

set -uo pipefail

# shellcheck disable=SC2154
after_sandbox()
{
	mkdir -p "$here/.build/bench"
	cp "$sandbox/tmp/results" "$here/.build/bench/citus"
	chown -R --reference="$here" "$here/.build/bench" 2>/dev/null
}

# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

if [ ! -f "$(pg_config --pkglibdir)/citus.so" ]; then
	echo "no Citus for $(pg_config --version): CITUS_PREFIX=FOLDER names one into which it was installed, by make install DESTDIR=FOLDER" >&2
	exit 1
fi

# Three ports of 127.0.0.1 that nobody listens on.
mapfile -t ports < <(perl -MIO::Socket::INET -e '
	my @sockets = map { IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1) } 1 .. 3;
	print $_->sockport, "\n" foreach @sockets')

# machine NUMBER: makes and starts one, with Citus; 0 is the coordinator
machine()
{
	data=$TMPDIR/machine$1
	server_init
	cat >>"$data/postgresql.conf" <<-END
		listen_addresses = '127.0.0.1'
		port = ${ports[$1]}
		shared_preload_libraries = 'citus,dp_agg'
		shared_buffers = 1GB
		max_connections = 300
		max_worker_processes = 32
		max_prepared_transactions = 300
		wal_level = logical
		citus.node_conninfo = 'sslmode=prefer'
		citus.enable_statistics_collection = off
		citus.max_cached_conns_per_worker = 16
	END
	server_start
	PGPORT=${ports[$1]} sql -c 'CREATE EXTENSION citus'
}

for i in 0 1 2; do
	machine "$i"
done
export PGPORT=${ports[0]}
sql -c "SELECT citus_set_coordinator_host('127.0.0.1', ${ports[0]})"
for i in 1 2; do
	sql -c "SELECT citus_add_node('127.0.0.1', ${ports[$i]})"
done

WORKER_PORTS="${ports[1]} ${ports[2]}" RESULTS=$TMPDIR/results perl -Itest/bench test/bench/citus.pl
status=$?
for i in 0 1 2; do
	data=$TMPDIR/machine$i
	server_stop
done
exit "$status"
