#!/usr/bin/env bash
# libpg-query 18.1.5 (npm; libpg_query for PostgreSQL 18): queries whose arguments stand in another
# order have one fingerprint, though they have other answers.
#
# A fingerprint stands for a query without its constants, so that monitoring counts together what
# differs in these alone; who wants more than that knows that the constants have to be kept
# beside it. It is also the same for SELECT a, b and SELECT b, a, since lists of the parse tree are
# sorted before they are hashed. But so are lists of arguments: regr_slope(a, b) is regr_slope(b, a),
# coalesce(a, b) is coalesce(b, a), BETWEEN a AND b is BETWEEN b AND a, the branches of a CASE
# change places, and INSERT INTO t (a, b) SELECT x, y is INSERT INTO t (b, a) SELECT x, y. No constant
# tells them apart. The two sides of an operator, the keys of a sort and those of ROLLUP keep their
# order. One would have guessed that a list is sorted only where its order means nothing.
#
# For differential privacy: who hands a published answer out again must know that the question is
# the same. A store of answers with the fingerprint and the constants as its key gives the slope of
# a over b to who asks for that of b over a: a wrong number that looks right. A key has to be
# made of what the parser has resolved, with everything in its place.
#
# Output seen (answers by PostgreSQL 18 in PGlite 0.5.17):
#   fingerprints, answer, answer the other way round, query
#   one   -0.5     -0.167    SELECT regr_slope(a, b) FROM t
#   one   12       20        SELECT sum(coalesce(a, b)) FROM t
#   one   3        0         SELECT count(*) FROM t WHERE 3 BETWEEN a AND b
#   one   23       41        SELECT sum(CASE WHEN a < b THEN 1 WHEN b > 3 THEN 10 END) FROM t
#   two   -8       8         SELECT sum(a - b) FROM t
#   two   10       9         SELECT count(*) FROM (SELECT FROM t GROUP BY ROLLUP (a, b)) r
#   one   (1, 4)   (4, 1)    INSERT INTO u (a, b) SELECT a, b FROM t ...
#
# Needs bash, npm and node 18 or later.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export npm_config_cache="$dir/cache" npm_config_audit=false npm_config_update_notifier=false
cd "$dir"
npm install --silent --no-save --prefix "$dir" libpg-query@18.1.5 @electric-sql/pglite@0.5.17 >&2

cat >compare.mjs <<'END'
import { loadModule, fingerprint } from 'libpg-query';
import { PGlite } from '@electric-sql/pglite';

const db = new PGlite();
await loadModule();
await db.exec('CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 4), (2, 3), (1, 5), (NULL, 4), (4, 4); CREATE TABLE u (a int, b int)');

const answer = async sql => Object.values((await db.query(sql)).rows[0] ?? { none: '' })[0];
const pairs = [
	['SELECT regr_slope(a, b) FROM t', 'SELECT regr_slope(b, a) FROM t'],
	['SELECT sum(coalesce(a, b)) FROM t', 'SELECT sum(coalesce(b, a)) FROM t'],
	['SELECT count(*) FROM t WHERE 3 BETWEEN a AND b', 'SELECT count(*) FROM t WHERE 3 BETWEEN b AND a'],
	['SELECT sum(CASE WHEN a < b THEN 1 WHEN b > 3 THEN 10 END) FROM t', 'SELECT sum(CASE WHEN b > 3 THEN 10 WHEN a < b THEN 1 END) FROM t'],
	['SELECT sum(a - b) FROM t', 'SELECT sum(b - a) FROM t'],
	['SELECT count(*) FROM (SELECT FROM t GROUP BY ROLLUP (a, b)) r', 'SELECT count(*) FROM (SELECT FROM t GROUP BY ROLLUP (b, a)) r'],
];
for (const [one, other] of pairs)
{
	const same = await fingerprint(one) === await fingerprint(other);

	console.log([same ? 'one' : 'two', await answer(one), await answer(other), one].join('\t'));
}

const into = ['INSERT INTO u (a, b) SELECT a, b FROM t WHERE a = 1 AND b = 4', 'INSERT INTO u (b, a) SELECT a, b FROM t WHERE a = 1 AND b = 4'];
for (const sql of into)
	await db.exec(sql);
console.log([await fingerprint(into[0]) === await fingerprint(into[1]) ? 'one' : 'two',
	await answer('SELECT string_agg(a || \' \' || b, \', \' ORDER BY a) FROM u'), '', 'INSERT'].join('\t'));
END

expected='one	-0.5	-0.16666666666666666	SELECT regr_slope(a, b) FROM t
one	12	20	SELECT sum(coalesce(a, b)) FROM t
one	3	0	SELECT count(*) FROM t WHERE 3 BETWEEN a AND b
one	23	41	SELECT sum(CASE WHEN a < b THEN 1 WHEN b > 3 THEN 10 END) FROM t
two	-8	8	SELECT sum(a - b) FROM t
two	10	9	SELECT count(*) FROM (SELECT FROM t GROUP BY ROLLUP (a, b)) r
one	1 4, 4 1		INSERT'
actual=$(node compare.mjs)
diff <(echo "$expected") <(echo "$actual")
echo "$actual"
