#!/usr/bin/env bash
#
# raw.sh
#	What dp_agg.audit_raw costs: statements that read nothing classified, and those that do.
#
# Prepared SELECTs run with the setting off and on in turn: of one row of a plain table, of
# a join of six, and of a table with 100 partitions.  Prints medians of ROUNDS and what the
# setting adds, in microseconds.  Then how long reading a classified table takes with it: one
# client, CLIENTS clients, and a function that reads it once for each of 1,000 rows, on this
# disk and with 2 ms more for a flush.
#
#	CLIENTS=16  SECONDS_EACH=2  ROUNDS=9

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
: "${CLIENTS:=16}" "${SECONDS_EACH:=2}" "${ROUNDS:=9}"

server_init
server_start
sql <<'SQL'
CREATE EXTENSION dp_agg;
CREATE TABLE plain (id int PRIMARY KEY, v int);
INSERT INTO plain SELECT i, i FROM generate_series(1, 1000) i;
CREATE TABLE parts (id int, v int) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE part%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', i, i, i + 1)
FROM generate_series(1, 100) i \gexec
CREATE TABLE people (id int PRIMARY KEY, phone text);
INSERT INTO people SELECT i, i::text FROM generate_series(1, 1000) i;
SELECT dp_agg.classify('people', 'phone', 'direct_identifier');
CREATE FUNCTION phone_of(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT phone FROM people WHERE id = $1); END';
VACUUM ANALYZE;
SQL

echo 'SELECT v FROM plain WHERE id = 7;' >"$TMPDIR/row.sql"
echo 'SELECT a.v FROM plain a JOIN plain b USING (id) JOIN plain c USING (id) JOIN plain d USING (id) JOIN plain e USING (id) JOIN plain f USING (id) WHERE id = 7;' >"$TMPDIR/join.sql"
echo 'SELECT sum(v) FROM parts;' >"$TMPDIR/partitions.sql"
echo 'SELECT phone FROM people WHERE id = 7;' >"$TMPDIR/classified.sql"
echo 'SELECT count(phone_of(v)) FROM plain;' >"$TMPDIR/function.sql"

# latencies SCRIPT CLIENTS TIMES: microseconds of one statement with the setting off, and on
#
# Each connection switches to and fro after so many statements, so that both meet the same
# machine; pgbench says how long each statement of its script took.
latencies()
{
	local what
	for what in off on; do
		echo "SET dp_agg.audit_raw = $what;"
		for _ in $(seq "$3"); do cat "$TMPDIR/$1.sql"; done
	done >"$TMPDIR/both.sql"
	pgbench -n -r -M prepared -c "$2" -j 2 -T "$SECONDS_EACH" -f "$TMPDIR/both.sql" 2>"$TMPDIR/err" >"$TMPDIR/out" ||
		{ cat "$TMPDIR/err" >&2; exit 1; }
	awk -v times="$3" '/audit_raw = off/ { what = 1 } /audit_raw = on/ { what = 2 } / SELECT / { us[what] += $1 * 1000; n[what]++ }
		END { if (n[1] != times || n[2] != times) exit 1; print us[1] / times, us[2] / times }' "$TMPDIR/out"
}

# compare SCRIPT CLIENTS TIMES
compare()
{
	local off on
	for _ in $(seq "$ROUNDS"); do latencies "$1" "$2" "$3" || exit 1; done >"$TMPDIR/us"
	off=$(awk '{ print $1 }' "$TMPDIR/us" | median)
	on=$(awk '{ print $2 }' "$TMPDIR/us" | median)
	printf '%-12s %2s client(s): off %9.2f us, on %9.2f us, ratio %s, median of differences %.2f us\n' "$1" "$2" \
		"$off" "$on" "$(quotient 3 "$on" "$off")" "$(awk '{ print $2 - $1 }' "$TMPDIR/us" | median)"
}

for script in row join partitions; do
	compare "$script" 1 20
done
ROUNDS=3
for disk in 'this disk' 'flush + 2 ms'; do
	[ "$disk" = 'this disk' ] || touch "$SLOW_DISK"
	echo "$disk:"
	compare classified 1 20
	compare classified "$CLIENTS" 20
	compare function 1 1
done
rm "$SLOW_DISK"
server_stop
