#!/usr/bin/env bash
#
# overhead.sh
#	What a release costs over the plain query, and what a server that preloads
#	dp_agg costs those who ask nothing private.
#
# Every release runs in turn with the plain query it stands for, warm; printed are
# medians in milliseconds and their ratio.  "streamed" has one row per individual
# and says so by a unique index, "bounded" several.
#
#	ROWS=1000000  ROUNDS=7  SECONDS_EACH=5

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
: "${ROWS:=1000000}" "${ROUNDS:=7}" "${SECONDS_EACH:=5}"

server_init
server_start
sql -v rows="$ROWS" <<'SQL'
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE TABLE one (id int PRIMARY KEY, region int NOT NULL, x int NOT NULL, y float8, z numeric(12,2));
INSERT INTO one
SELECT i, hashint4(i) & 63, i % 100, nullif(i % 10, 3), (i % 10000) / 100.0 FROM generate_series(1, :rows) i;
CREATE TABLE several AS SELECT id / 5 AS id, region, x, y, z FROM one;
CREATE TABLE plain (id int PRIMARY KEY, x int);
INSERT INTO plain SELECT i, i FROM generate_series(1, 1000) i;
GRANT SELECT ON plain TO analyst;
SELECT dp_agg.protect('one', unit => 'id', population => 'people');
SELECT dp_agg.protect('several', unit => 'id', population => 'people', max_groups => 3, max_rows => 2);
SELECT dp_agg.set_bounds(t, c, 0, 100) FROM unnest('{one,several}'::regclass[]) t, unnest('{x,y,z}'::name[]) c;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
VACUUM ANALYZE;
SQL

# compare NAME TABLE OUTPUTS REST
compare()
{
	local ms plain release
	local outputs=$3
	rm -f "$TMPDIR"/{plain,release}.ms
	for _ in $(seq "$ROUNDS"); do
		ms=$(milliseconds postgres "SELECT $outputs FROM $2 $4") || exit 1
		echo "$ms" >>"$TMPDIR/plain.ms"
		ms=$(milliseconds analyst "SELECT $outputs FROM $2 $4") || exit 1
		echo "$ms" >>"$TMPDIR/release.ms"
	done
	plain=$(median <"$TMPDIR/plain.ms")
	release=$(median <"$TMPDIR/release.ms")
	printf '%-44s plain %8.1f ms, release %8.1f ms, ratio %s\n' "$1" "$plain" "$release" \
		"$(quotient 2 "$release" "$plain")"
}

# latency SCRIPT: mean microseconds of a statement over a few seconds
latency()
{
	pgbench -n -c 1 -T "$SECONDS_EACH" -U analyst -f "$TMPDIR/$1.sql" 2>"$TMPDIR/err" |
		awk '/^latency average/ { print $4 * 1000; found = 1 } END { exit !found }' || { cat "$TMPDIR/err" >&2; exit 1; }
}

echo "$ROWS rows, 64 groups"
for table in one several; do
	form=streamed
	[ "$table" = one ] || form=bounded
	compare "$form: count(*)" $table 'count(*)' ''
	compare "$form: count(*) by region" $table 'region, count(*)' 'GROUP BY region'
	compare "$form: count(*), avg(int) by region" $table 'region, count(*), avg(x)' 'GROUP BY region'
	compare "$form: avg(float8 with NULLs) by region" $table 'region, avg(y)' 'GROUP BY region'
	compare "$form: sum(numeric) by region" $table 'region, sum(z)' 'GROUP BY region'
	compare "$form: count(*) WHERE, by region" $table 'region, count(*)' 'WHERE x < 10 GROUP BY region'
done

# Queries on tables that nobody protects, planned each time, with and without the
# library in the server.
cat >"$TMPDIR/point.sql" <<'SQL'
SELECT x FROM plain WHERE id = 500;
SQL
cat >"$TMPDIR/join.sql" <<'SQL'
SELECT count(*) FROM plain a JOIN plain b USING (id) JOIN plain c USING (id) WHERE a.id < 3 AND EXISTS (SELECT FROM plain d WHERE d.id = a.id);
SQL
for _ in 1 2 3; do
	for preload in '' dp_agg; do
		server_stop
		server_options="-c shared_preload_libraries='$preload'"
		server_start
		for script in point join; do
			us=$(latency "$script") || exit 1
			echo "$us" >>"$TMPDIR/$script.${preload:-none}.us"
		done
	done
done
for script in point join; do
	without=$(median <"$TMPDIR/$script.none.us")
	with=$(median <"$TMPDIR/$script.dp_agg.us")
	printf 'unprotected, %-5s: without dp_agg %6.1f us, with %6.1f us, ratio %s\n' "$script" "$without" "$with" \
		"$(quotient 3 "$with" "$without")"
done
server_stop
