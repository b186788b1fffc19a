#!/usr/bin/env bash
#
# reuse.sh
#	What it takes to hand an answer out again (dp_agg.set_reuse).
#
# Measures statements a second, CLIENTS at a time, on a table of PEOPLE with three rows each, grouped: releases that
# are drawn each time; the same one, handed out; ones of ANSWERS that are kept, picked at random; and the plain query, by
# who may read the rows.  Each round measures the four in turn, in one database.  Then the latency of one client alone.  Prints every round, and last the
# medians and their ratios to releases that are drawn, and to the plain query.
#
#	CLIENTS=16  SECONDS_EACH=4  ROUNDS=4  ANSWERS=10000  PEOPLE=10000

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
: "${CLIENTS:=16}" "${SECONDS_EACH:=4}" "${ROUNDS:=4}" "${ANSWERS:=10000}" "${PEOPLE:=10000}"

server_init
server_start
sql -c 'CREATE DATABASE reuse'
sql -d reuse <<SQL
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE TABLE visits AS SELECT p AS id, p % 10 AS clinic, (p * 7 + v) % 1000 AS cost FROM generate_series(1, $PEOPLE) p, generate_series(1, 3) v;
ANALYZE;
SELECT dp_agg.protect('visits', unit => 'id', population => 'people', max_groups => 1, max_rows => 3);
SELECT dp_agg.set_bounds('visits', 'cost', 0, 1000);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
SELECT dp_agg.set_reuse('people', '1 day');
SQL

query='SELECT clinic, count(*), avg(cost) FROM visits WHERE cost >'
# the answers that are kept; limits a bit apart, so that each is a release of its own
psql -X -q -A -t -U analyst -d reuse <<SQL >/dev/null
DO \$\$ BEGIN FOR i IN 1 .. $ANSWERS LOOP EXECUTE '$query ' || i || ' - 100000 GROUP BY clinic'; END LOOP; END \$\$;
SQL
psql -X -q -A -t -d reuse -c "VACUUM ANALYZE dp_agg.answer" -c "SELECT count(*) || ' answers, ' || pg_size_pretty(pg_total_relation_size('dp_agg.answer')) FROM dp_agg.answer"

echo "SET dp_agg.reuse = off; $query 5 GROUP BY clinic;" >"$TMPDIR/drawn.sql"
echo "SET dp_agg.reuse = on; $query -99995 GROUP BY clinic;" >"$TMPDIR/same.sql"
printf '\\set i random(1, %s)\nSET dp_agg.reuse = on; %s :i - 100000 GROUP BY clinic;\n' "$ANSWERS" "$query" >"$TMPDIR/any.sql"

echo "SELECT clinic, count(*), avg(cost) FROM visits WHERE cost > 5 GROUP BY clinic;" >"$TMPDIR/plain.sql"

# rate WHAT CLIENTS: transactions per second, and their latency in ms
rate()
{
	local role=(-U analyst)
	[ "$1" != plain ] || role=()
	pgbench -n -M simple -c "$2" -j 2 -T "$SECONDS_EACH" "${role[@]}" -f "$TMPDIR/$1.sql" reuse 2>"$TMPDIR/err" |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p' | grep . || { cat "$TMPDIR/err" >&2; exit 1; }
}

for round in $(seq "$ROUNDS"); do
	for what in drawn same any plain; do
		tps=$(rate "$what" "$CLIENTS") || exit 1
		echo "$tps" >>"$TMPDIR/$what.tps"
		printf '%s, round %s: %8.0f statements/s\n' "$what" "$round" "$tps"
	done
done
for base in drawn plain; do
	of=$(median <"$TMPDIR/$base.tps")
	for what in same any; do
		printf '%s: %.0f statements/s, %s %.0f, ratio %s\n' "$what" "$(median <"$TMPDIR/$what.tps")" "$base" \
			"$of" "$(quotient 2 "$(median <"$TMPDIR/$what.tps")" "$of")"
	done
done
for what in drawn same any plain; do
	printf '%s, one client: %s ms\n' "$what" "$(quotient 2 1000 "$(rate "$what" 1)")"
done
server_stop
