#!/usr/bin/env bash
#
# speed.sh
#	What releases cost beside plain SQL: `make bench`.
#
# Makes the data (speed_data.pm), runs every release in turn with the plain query
# it stands for, warm, on one server, and prints one table of medians, ratios and
# what the ratios may be at most (speed.pl).
#
#	ROWS=5000000	rows of the table with five rows per person
#	WORK='one bounded text join star median distinct wide selective small planning ledger large memory growth'
#					which lines; "large", "memory" and "growth" need 4 * ROWS rows more
#	ROUNDS=5		of which the median is taken; of short queries three times as many
#	LOCK=FILE		held while tables are made or queries run, for who measures beside us
#	DOC=yes			also renews the table and the figure of doc/performance.md
#
# The results stay in .build/bench, one line each, fields separated by tabs.

set -uo pipefail

# shellcheck disable=SC2154
after_sandbox()
{
	mkdir -p "$here/.build/bench"
	cp "$sandbox/tmp/results" "$here/.build/bench/results"
	chown -R --reference="$here" "$here/.build/bench" 2>/dev/null
	[ -z "${DOC:-}" ] || perl "$here/test/bench/speed_doc.pl" "$here/.build/bench/results" "$here/doc/performance"
}

# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
server_init
server_start

# The same server, but for the library, for those who ask nothing private.
without=$TMPDIR/without
initdb -D "$without" -U postgres -A trust >"$TMPDIR/initdb.log" || exit 1
cp "$data/postgresql.conf" "$without/postgresql.conf"
pg_ctl -D "$without" -l "$TMPDIR/without.log" -w -s -o "-p 5433 -c shared_preload_libraries=''" start || exit 1

PORT_WITHOUT=5433 RESULTS=$TMPDIR/results perl -Itest/bench test/bench/speed.pl
status=$?
pg_ctl -D "$without" -m fast -w -s stop
server_stop
exit "$status"
