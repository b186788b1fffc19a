#!/usr/bin/env bash
# pgsql-deparser 18.3.8 behind libpg-query 18.1.5, run by PGlite 0.5.17 (PostgreSQL 18.7): a
# query that is parsed and written out again, with nothing done to it in between, asks for
# something else.
#
# The parser is PostgreSQL's own, compiled to WebAssembly, so its trees can be trusted. The
# way back is not that good: AND, OR and NOT lose the parentheses that made them the operand
# of IS NULL, IN or BETWEEN (AND keeps them before IS TRUE), WITH TIES turns into a plain
# LIMIT, and GROUP BY DISTINCT into GROUP BY. Every text is valid, runs without complaint
# and gives other rows; "not known to be healthy" becomes "known". Of about 200 expressions
# and clauses tried, joins, windows and arithmetic among them, most came back as they were;
# one would have guessed that of (a OR b) IS NULL sooner than of a recursive CYCLE clause.
#
# For differential privacy: a proxy before the database parses SQL, proves a bound from the
# tree and sends a text made from it. What is then counted is not what was proved about.
# Parsing the new text once more and comparing trees finds all of these; that this is
# needed for a text that nobody touched is the lesson. (dp_agg's planner hook hands on
# trees, never text.)
#
# Output seen (rows as asked -> rows as written out again, of a table that has each pair of
# true, false and NULL once): that of "expected" below; (a OR b) IS NULL, for one, gives 3
# rows, and 5 when it has become a OR b IS NULL.
#
# Needs bash, node and npm.
set -euo pipefail

expected='(a AND b) IS NULL: 3 -> 1
(a OR b) IS NULL: 3 -> 5
(NOT a) IS NULL: 3 -> 6
(a OR b) IN (false): 1 -> 5
(NOT a) BETWEEN false AND true: 6 -> 0
(a AND b) IS TRUE: 1 -> 1
WITH TIES: 3 -> 1
GROUP BY DISTINCT: 4 -> 10'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export npm_config_cache="$dir/cache" npm_config_audit=false npm_config_update_notifier=false
cd "$dir"

npm install --silent --no-save --prefix "$dir" libpg-query@18.1.5 pgsql-deparser@18.3.8 \
	@pgsql/quotes@18.2.4 @electric-sql/pglite@0.5.17 >&2

cat >ask.mjs <<'JS'
import {parse} from 'libpg-query';
import {deparse} from 'pgsql-deparser';
import {PGlite} from '@electric-sql/pglite';

const db = new PGlite();
await db.exec(`CREATE TABLE t AS SELECT * FROM (VALUES (true), (false), (NULL)) x (a)
	CROSS JOIN (VALUES (true), (false), (NULL)) y (b)`);
const where = (condition) => [condition, `SELECT 1 FROM t WHERE ${condition}`];
for (const [label, asked] of [
	where('(a AND b) IS NULL'),
	where('(a OR b) IS NULL'),
	where('(NOT a) IS NULL'),
	where('(a OR b) IN (false)'),
	where('(NOT a) BETWEEN false AND true'),
	where('(a AND b) IS TRUE'),
	['WITH TIES', 'SELECT a FROM t ORDER BY a FETCH FIRST 1 ROW WITH TIES'],
	['GROUP BY DISTINCT', 'SELECT a FROM t GROUP BY DISTINCT ROLLUP (a), ROLLUP (a)'],
]) {
	const written = await deparse(await parse(asked), {pretty: false});
	const [before, after] = [await db.query(asked), await db.query(written)];
	console.log(`${label}: ${before.rows.length} -> ${after.rows.length}`);
}
await db.close();
JS
actual=$(node ask.mjs)

diff <(echo "$expected") <(echo "$actual")
echo "$actual"
