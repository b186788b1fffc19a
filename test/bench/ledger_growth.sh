#!/usr/bin/env bash
#
# ledger_growth.sh
#	What a charge costs when there is much that it does not need: accounts of others, and a long log.
#
# Measures releases a second, CLIENTS at a time and paid from one account, with an empty ledger; with
# ACCOUNTS more accounts on the population; and with ROWS more rows in the log.  Each round measures
# the three in turn, in three databases of one server.  Prints every round, and last the medians and
# their ratios to the empty ledger.
#
#	CLIENTS=16  SECONDS_EACH=4  ROUNDS=4  ROWS=10000000  ACCOUNTS=10000

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
: "${CLIENTS:=16}" "${SECONDS_EACH:=4}" "${ROUNDS:=4}" "${ROWS:=10000000}" "${ACCOUNTS:=10000}"

server_init
server_start
sql -c 'CREATE DATABASE empty'
sql -d empty <<'SQL'
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 100);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
SQL
psql -X -q -A -t -U analyst -d empty -c 'SELECT dp_count(*) FROM people' >/dev/null || exit 1
# the ledger's worker leaves before its database is copied
sql -c 'CREATE DATABASE accounts TEMPLATE empty' -c 'CREATE DATABASE log TEMPLATE empty'
sql -d accounts <<SQL
SET session_replication_role = replica;
INSERT INTO dp_agg.account (role, population, epsilon_limit, delta_limit)
SELECT (4000000000 + i)::oid, 'people', 1000000000, 1000000000 FROM generate_series(1, $ACCOUNTS) i;
VACUUM ANALYZE;
SQL
# rows as a release leaves them, under numbers below those of the chain
sql -d log <<SQL
SET session_replication_role = replica;
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns FROM pg_attribute
WHERE attrelid = 'dp_agg.release'::regclass AND attnum > 1 AND NOT attisdropped \gset
INSERT INTO dp_agg.release (id, :columns)
SELECT -i, :columns FROM dp_agg.release, generate_series(1, $ROWS) i;
VACUUM ANALYZE;
CHECKPOINT;
SQL
psql -X -q -A -t -d log -c "SELECT 'the log: ' || pg_size_pretty(pg_total_relation_size('dp_agg.release'))"

echo 'SELECT dp_count(*) FROM people;' >"$TMPDIR/release.sql"

# rate DATABASE: transactions per second
rate()
{
	pgbench -n -M prepared -c "$CLIENTS" -j 2 -T "$SECONDS_EACH" -U analyst -f "$TMPDIR/release.sql" "$1" 2>"$TMPDIR/err" |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p' | grep . || { cat "$TMPDIR/err" >&2; exit 1; }
}

for round in $(seq "$ROUNDS"); do
	for what in empty accounts log; do
		tps=$(rate "$what") || exit 1
		echo "$tps" >>"$TMPDIR/$what.tps"
		printf '%s, round %s: %8.0f releases/s\n' "$what" "$round" "$tps"
	done
done
empty=$(median <"$TMPDIR/empty.tps")
for what in accounts log; do
	printf '%s: %.0f releases/s, %.0f with an empty ledger, ratio %s\n' "$what" "$(median <"$TMPDIR/$what.tps")" \
		"$empty" "$(quotient 2 "$(median <"$TMPDIR/$what.tps")" "$empty")"
done
server_stop
