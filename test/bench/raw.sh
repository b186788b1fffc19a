#!/usr/bin/env bash
#
# raw.sh
#	What dp_agg.audit_raw costs: statements that read nothing classified, and those that do.
#
# Prepared SELECTs run with the setting off and on in turn, ROUNDS times, on one
# connection each: of one row of a plain table, of a join of six, and of a table with 100
# partitions.  Prints medians and what the setting adds, in microseconds.  Then how long
# reading a classified table takes with it: one client, CLIENTS clients, and a function that
# reads it once for each of 1,000 rows, on this disk and with 2 ms more for a flush.
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

# latency SCRIPT on|off CLIENTS: microseconds of one statement
latency()
{
	local options=
	[ "$2" = off ] || options='-c dp_agg.audit_raw=on'
	PGOPTIONS=$options pgbench -n -M prepared -c "$3" -j 2 -T "$SECONDS_EACH" -f "$TMPDIR/$1.sql" 2>"$TMPDIR/err" |
		sed -n 's/^latency average = \([0-9.]*\) ms.*/\1/p' | awk '{ print $1 * 1000 }' | grep . || { cat "$TMPDIR/err" >&2; exit 1; }
}

# compare SCRIPT CLIENTS
compare()
{
	local round what
	rm -f "$TMPDIR"/{off,on}.us
	for round in $(seq "$ROUNDS"); do
		for what in off on; do
			latency "$1" "$what" "$2" >>"$TMPDIR/$what.us" || exit 1
		done
	done
	paste "$TMPDIR/off.us" "$TMPDIR/on.us" | awk '{ print $2 - $1 }' | median >"$TMPDIR/added.us"
	printf '%-12s %2s client(s): off %9.1f us, on %9.1f us, ratio %s, median of differences %s us\n' "$1" "$2" \
		"$(median <"$TMPDIR/off.us")" "$(median <"$TMPDIR/on.us")" \
		"$(quotient 3 "$(median <"$TMPDIR/on.us")" "$(median <"$TMPDIR/off.us")")" "$(cat "$TMPDIR/added.us")"
}

for script in row join partitions; do
	compare "$script" 1
done
ROUNDS=3
for disk in 'this disk' 'flush + 2 ms'; do
	[ "$disk" = 'this disk' ] || touch "$SLOW_DISK"
	echo "$disk:"
	compare classified 1
	compare classified "$CLIENTS"
	compare function 1
done
rm "$SLOW_DISK"
server_stop
