#!/usr/bin/env bash
#
# guarded.sh
#	What guarded() adds to a row, in nanoseconds for each call.
#
# Counts rows by a condition of one and of nine calls that may fail, as a release and as
# a plain query, in turn, in one process each.  Eight calls more cost the release more than
# they cost the plain query: the difference is what the wrapper takes.  The last lines are
# about rows in which every call fails, where a plain query would end with an error.
#
#	ROWS=2000000  ROUNDS=5

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"
: "${ROWS:=2000000}" "${ROUNDS:=5}"

server_init
server_start
sql -v rows="$ROWS" <<'SQL'
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
ALTER ROLE ALL SET jit = off;
ALTER ROLE ALL SET max_parallel_workers_per_gather = 0;
CREATE TABLE plain (id int PRIMARY KEY, x int NOT NULL, y float8 NOT NULL, n numeric NOT NULL, t timestamp NOT NULL, s text NOT NULL);
INSERT INTO plain
SELECT i, i % 100, i * 0.5, i % 1000 / 4.0, timestamp '2020-01-01' + i % 1000 * interval '1 hour', (i % 1000)::text
FROM generate_series(1, :rows) i;
CREATE TABLE people (LIKE plain INCLUDING ALL);
INSERT INTO people TABLE plain;
SELECT dp_agg.protect('people', 'id', 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
VACUUM ANALYZE;
SQL

# condition CALL N: N conditions with the call; @ becomes a different number in each
condition()
{
	local i out=''
	for i in $(seq "$2"); do
		out="$out AND (${1//@/$i}) IS NOT NULL"
	done
	echo "true$out"
}

# of_calls NAME CALL
of_calls()
{
	local name=$1 call=$2 i who
	local -A ms
	for i in $(seq "$ROUNDS"); do
		for who in 1:plain 9:plain 1:people 9:people; do
			milliseconds "$([ "${who#*:}" = plain ] && echo postgres || echo analyst)" \
				"SELECT count(*) FROM ${who#*:} WHERE $(condition "$call" "${who%:*}")" >>"$TMPDIR/$who.ms" || exit 1
		done
	done
	for who in 1:plain 9:plain 1:people 9:people; do
		ms[$who]=$(median <"$TMPDIR/$who.ms")
		rm "$TMPDIR/$who.ms"
	done
	awk -v name="$name" -v rows="$ROWS" -v a="${ms[1:plain]}" -v b="${ms[9:plain]}" -v c="${ms[1:people]}" -v d="${ms[9:people]}" 'BEGIN {
		printf "%-28s plain %6.1f ns, guarded %6.1f ns, wrapper %6.1f ns\n", name, (b - a) * 1e6 / rows / 8, (d - c) * 1e6 / rows / 8,
			((d - c) - (b - a)) * 1e6 / rows / 8 }'
}

# of_failures NAME CALL: rows in which the call fails
of_failures()
{
	local ms
	for _ in $(seq "$ROUNDS"); do
		milliseconds analyst "SELECT count(*) FROM people WHERE ($2) IS NULL" >>"$TMPDIR/fail.ms" || exit 1
		milliseconds analyst 'SELECT count(*) FROM people WHERE (x + 1) IS NOT NULL' >>"$TMPDIR/base.ms" || exit 1
	done
	ms=$(median <"$TMPDIR/fail.ms")
	awk -v name="$1" -v rows="$ROWS" -v a="$ms" -v b="$(median <"$TMPDIR/base.ms")" \
		'BEGIN { printf "%-28s %6.0f ns a failure\n", name, (a - b) * 1e6 / rows }'
	rm "$TMPDIR"/{fail,base}.ms
}

echo "$ROWS rows, one process, no JIT; for each call"
of_calls 'int + int' 'x + @'
of_calls 'int / int' 'x / @'
of_calls 'float8 * float8' 'y * @'
of_calls 'numeric + numeric' 'n + @'
of_calls 'date_trunc' "date_trunc('day', t + interval '@ day')"
of_calls 'lower(text)' 'lower(s)'
of_calls 'text LIKE' "s LIKE '%@'"
of_calls 'text::int' '(s || @)::int'
of_failures 'int / 0' 'x / (x - x)'
of_failures 'numeric / 0' 'n / (n - n)'
of_failures 'int overflow' 'x + 2147483600 + 100'
of_failures "'x'::int" "('x' || s)::int"
server_stop
