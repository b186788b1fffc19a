#!/usr/bin/env bash
#
# ledger.sh
#	How many releases a second the ledger charges, against plain INSERTs.
#
# Both run in turn on the same server, CLIENTS at a time: a release over a small
# table, all of them paid from one account, and an INSERT of a row as large as
# that of the log, each a transaction of its own.  Prints every round and, last,
# the medians and their ratio.
#
#	CLIENTS=16  SECONDS_EACH=4  ROUNDS=4
#	RUNNING=yes		on the server that runs, in a database of its own

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
: "${CLIENTS:=16}" "${SECONDS_EACH:=4}" "${ROUNDS:=4}"

if [ -z "${RUNNING:-}" ]; then
	server_init
	server_start
fi
sql -c 'DROP DATABASE IF EXISTS ledger' -c 'CREATE DATABASE ledger'
export PGDATABASE=ledger
sql <<'SQL'
CREATE EXTENSION dp_agg;
SELECT 'CREATE ROLE analyst LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') \gexec
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 100);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
CREATE TABLE plain (LIKE dp_agg.release);
CREATE SEQUENCE plain_id;
ALTER TABLE plain ALTER id SET DEFAULT nextval('plain_id'), ADD PRIMARY KEY (id),
	ALTER at SET DEFAULT now(), ALTER reused SET DEFAULT false;
GRANT INSERT ON plain TO analyst;
GRANT USAGE ON SEQUENCE plain_id TO analyst;
VACUUM ANALYZE;
SQL

echo 'SELECT dp_count(*) FROM people;' >"$TMPDIR/release.sql"
cat >"$TMPDIR/insert.sql" <<'SQL'
INSERT INTO plain (session_role, "current_role", session_id, current_id, cluster, population, relations, query, fingerprint, epsilon, delta, outputs, accounts, tier, codes, prev_hash, hash)
VALUES ('analyst', 'analyst', 10, 10, 7000000000000000000, 'people', 'people', 'SELECT dp_count(*) FROM people;', sha256('a'), 1000000000, 10000000000, 'dp_count', '16384', 'low', 'result.statistic computation.central transmission.local scale.unknown', sha256('b'), sha256('c'));
SQL

# rate SCRIPT CLIENTS: transactions per second
rate()
{
	pgbench -n -M prepared -c "$2" -j 2 -T "$SECONDS_EACH" -U analyst -f "$TMPDIR/$1.sql" 2>"$TMPDIR/err" |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p' | grep . || { cat "$TMPDIR/err" >&2; exit 1; }
}

# measure NAME
measure()
{
	local round what tps releases inserts
	rm -f "$TMPDIR"/{insert,release}.tps
	for round in $(seq "$ROUNDS"); do
		for what in insert release; do
			tps=$(rate "$what" "$CLIENTS") || exit 1
			echo "$tps" >>"$TMPDIR/$what.tps"
			printf '%s, round %s: %8.0f %ss/s\n' "$1" "$round" "$tps" "$what"
		done
	done
	for what in insert release; do
		tps=$(rate "$what" 1) || exit 1
		printf '%s, one client: %8.0f %ss/s\n' "$1" "$tps" "$what"
	done
	inserts=$(median <"$TMPDIR/insert.tps")
	releases=$(median <"$TMPDIR/release.tps")
	printf '%s, %s clients: %.0f releases/s, %.0f INSERTs/s, ratio %s\n' "$1" "$CLIENTS" \
		"$releases" "$inserts" "$(quotient 2 "$releases" "$inserts")"
}

measure 'this disk'
touch "$SLOW_DISK"
measure 'flush + 2 ms'
rm "$SLOW_DISK"

# What was answered was charged, and is in one chain.
psql -X -q -A -t -c "SELECT 'books: ' || count(*) || ' logged, ' ||
	(SELECT epsilon_spent FROM dp_agg.budgets) || ' spent' FROM dp_agg.releases"
psql -X -q -A -t <<'SQL'
SELECT clock_timestamp() AS begun \gset
SELECT ok, entries FROM dp_agg.verify_ledger() \gset
SELECT format('verify_ledger(): %s, %s entries, %s entries/s', :'ok', :entries,
	round(:entries / extract(epoch FROM clock_timestamp() - :'begun')));
SQL
[ -n "${RUNNING:-}" ] || server_stop
