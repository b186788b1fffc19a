# Protected rows mixed with public ones, with those of other people and of other
# populations, and decoys: tables and views of the analyst under the names of
# protected ones.  A leak: one person decides about rows that are not its own.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('decoys and mixtures');

attack('text units that are one as char, joined', 'SELECT dp_count(*) FROM tags t JOIN codes c ON t.u::bpchar = c.u');
attack('text units that are one as char, in EXISTS', 'SELECT dp_count(*) FROM tags t WHERE EXISTS (SELECT FROM codes c WHERE c.u = t.u::bpchar)');
attack('text units that are one as char, in IN', 'SELECT dp_count(*) FROM tags t WHERE t.u::bpchar IN (SELECT u FROM codes)');
attack('text units that are one as char, the other way', 'SELECT dp_count(*) FROM codes c JOIN tags t ON c.u = t.u::char(5)');
attack('text units and char units as text', 'SELECT dp_count(*) FROM tags t JOIN codes c ON t.u = c.u', state => '00000|DP002', control => 'runs');
attack('units tied by a lossy cast', 'SELECT dp_count(*) FROM people p JOIN visits v ON p.id::float4 = v.pid::float4', control => 'runs');
attack('units tied by NOT <>', 'SELECT dp_count(*) FROM people p JOIN visits v ON NOT (p.id <> v.pid)', state => '00000|DP002', control => 'runs');
attack('NOT IN over rows that one person makes NULL',
	'SELECT dp_count(*) FROM people WHERE id NOT IN (SELECT nullif(pid, 5) FROM visits WHERE cost < 0 OR pid = 5)');
attack('NOT IN of pairs with NULL', 'SELECT dp_count(*) FROM people WHERE (id, x) NOT IN (SELECT pid, NULL::int FROM visits)',
	state => '00000|DP002', control => 'runs');
attack('NOT IN over rows of another person', 'SELECT dp_count(*) FROM people WHERE x NOT IN (SELECT nullif(cost, cost) FROM visits WHERE pid = 5)');
attack('NOT IN of the unit over all visits, NULLs among them', 'SELECT dp_count(*) FROM people WHERE id NOT IN (SELECT pid FROM visits WHERE pid IS NULL OR pid = 5)',
	state => '00000|DP002', control => 'runs');
attack('<> ALL over rows', 'SELECT dp_count(*) FROM people WHERE id <> ALL (SELECT nullif(pid, 5) FROM visits WHERE pid = 5)');
attack('a public row kept or lost by one person', 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM visits v WHERE v.pid = 5)');
attack('an anti-join of public rows', 'SELECT dp_count(*) FROM pub WHERE k NOT IN (SELECT x FROM people WHERE id = 5)',
	control => 'SELECT sum(k) FROM pub WHERE k NOT IN (SELECT x FROM people WHERE id = 5)');
attack('NULL rows of an outer join', 'SELECT dp_count(*) FROM pub LEFT JOIN people ON k = x WHERE id IS NULL', state => '00000', moves => 0, control => 'runs');
attack('NULL rows of a FULL JOIN', 'SELECT dp_count(*) FROM people FULL JOIN pub ON k = x WHERE id IS NULL', state => '00000', moves => 0, control => 'runs');
attack('EXISTS of others', 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM visits v JOIN people q ON q.id = v.pid WHERE q.id = 5)');
attack('NOT EXISTS of others', 'SELECT dp_count(*) FROM people p WHERE NOT EXISTS (SELECT FROM visits v WHERE v.pid = p.id AND v.cost < 0 OR v.pid = 5)');
attack('EXISTS of others, two levels down',
	'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM pub WHERE k = p.x AND NOT EXISTS (SELECT FROM visits w WHERE w.pid = 5))');
attack('a LATERAL row of others', 'SELECT dp_count(*) FROM people p, LATERAL (SELECT id FROM people q WHERE q.id = 5) s');
attack('another population', 'SELECT dp_count(*) FROM people JOIN staff ON id = sid', control => 'runs');
attack('another population in IN', 'SELECT dp_count(*) FROM people WHERE x IN (SELECT pay FROM staff)', control => 'runs');
run_attacks();


# The unit of the weak side alone: a NULL for those without, not nobody.
{
	my $r = script('SELECT abs(dp_count(*) - 1000) < 5 FROM (SELECT w.pid FROM people p LEFT JOIN visits w ON w.pid = p.id AND w.cost < 0) s');
	is("$r->{states}$r->{out}", 't', 'rows whose unit is NULL-extended are counted');
}

# ---------- other rows made to look like a person's, and the other way round ----------

DpAgg::value($node, 'analyst', <<'SQL');
CREATE TABLE a.people AS SELECT i AS id, 'decoy'::text AS name, 50 AS x FROM generate_series(1, 500) i;
CREATE VIEW a.moved AS SELECT x AS id, id AS x, name FROM people;
CREATE VIEW a.alike AS SELECT 1 AS id, x, name FROM people;
CREATE TABLE a.ids AS SELECT i AS id FROM generate_series(1, 1000) i;
CREATE TABLE a.target AS SELECT 5 AS id, 1 AS w FROM generate_series(1, 1000);
CREATE TABLE a.weights AS SELECT i AS id, CASE i WHEN 5 THEN 1000000 ELSE 0 END AS w FROM generate_series(1, 1000) i;
CREATE TABLE a.assigned AS SELECT i AS id, 'group ' || i AS grp FROM generate_series(1, 1000) i;
CREATE TABLE a.padded AS SELECT 'only 5' AS grp, CASE i WHEN 1 THEN 5 ELSE -i END AS id FROM generate_series(1, 200) i;
CREATE TABLE a.nineteen AS SELECT i AS id, 'nineteen' AS grp FROM generate_series(6, 24) i UNION ALL SELECT 5, 'nineteen';
CREATE TABLE a.strange AS SELECT 'nan'::float8 AS f, NULL::int AS id FROM generate_series(1, 50);
SQL
my $tied = 'DP002|42501|00000';
attack("decoy: $_->[0]", $_->[1], state => $tied, %{ $_->[2] // {} }) foreach
  [ 'columns that changed their names', 'SELECT dp_count(*) FROM a.moved m JOIN visits v ON v.pid = m.id', { control => 'runs' } ],
  [ 'the unit under the name of another column', 'SELECT dp_count(*) FROM (SELECT x AS id, id AS x FROM people) p JOIN visits v ON v.pid = p.id', { control => 'runs' } ],
  [ 'a constant under the name of the unit', 'SELECT dp_count(*) FROM (SELECT id, count(*) FROM (SELECT 1 AS id, x FROM people) p GROUP BY id) s', { control => 'runs' } ],
  [ 'a view that makes everybody one', 'SELECT dp_count(*) FROM (SELECT id, x, count(*) FROM a.alike GROUP BY id, x) s', { control => 'runs' } ],
  [ 'the unit of the wrong side', 'SELECT dp_count(*) FROM (SELECT i.id, count(*) FROM people p RIGHT JOIN a.ids i ON i.id = p.id AND p.id = 5 GROUP BY i.id) s WHERE count > 0', { control => 'runs' } ],
  [ 'the unit merged by USING', 'SELECT dp_count(*) FROM (SELECT id, count(*) FROM people RIGHT JOIN a.ids USING (id) GROUP BY id) s', { control => 'runs' } ],
  [ 'the unit merged by NATURAL', 'SELECT dp_count(*) FROM (SELECT id, count(*) FROM people NATURAL LEFT JOIN a.ids GROUP BY id) s', { control => 'runs' } ],
  [ 'the unit merged by FULL JOIN', 'SELECT dp_count(*) FROM (SELECT id, count(*) FROM people FULL JOIN a.ids USING (id) GROUP BY id) s', { control => 'runs' } ],
  [ 'a thousand rows for one person', 'SELECT dp_count(*) FROM people p JOIN a.target t ON t.id = p.id' ],
  [ 'a thousand rows for one person, weak side', 'SELECT dp_count(t.w) FROM people p LEFT JOIN a.target t ON t.id = p.id' ],
  [ 'a thousand rows for one person, IN', 'SELECT dp_count(*) FROM people p CROSS JOIN a.nums WHERE p.id IN (SELECT id FROM a.target)' ],
  [ 'a thousand rows summed within the person', 'SELECT dp_sum(s, 0, 1) FROM (SELECT p.id, sum(t.w) AS s FROM people p JOIN a.target t ON t.id = p.id GROUP BY p.id) q' ],
  [ 'a weight of a million', 'SELECT dp_sum(w.w, 0, 1) FROM people p JOIN a.weights w ON w.id = p.id', { control => 'SELECT sum(w.w) FROM people p JOIN a.weights w ON w.id = p.id' } ],
  [ 'a weight of a million, in CASE', 'SELECT dp_sum(CASE WHEN id = 5 THEN 1000000 ELSE 0 END, 0, 1) FROM people' ],
  [ 'a weight of a million, averaged', 'SELECT dp_avg(CASE WHEN id = 5 THEN 1000000 ELSE 0 END, 0, 1) FROM people' ],
  [ 'a group of each person', 'SELECT grp, dp_count(*) FROM people p JOIN a.assigned a ON a.id = p.id GROUP BY grp' ],
  [ 'a group of each person, listed', 'SELECT DISTINCT grp FROM people p JOIN a.assigned a ON a.id = p.id' ],
  [ 'a group padded with rows of the analyst', 'SELECT grp, dp_count(*) FROM a.padded LEFT JOIN people p ON p.id = a.padded.id GROUP BY grp', { control => 'SELECT grp, count(p.id) FROM a.padded LEFT JOIN people p ON p.id = a.padded.id GROUP BY grp HAVING count(p.id) > 0' } ],
  [ 'a group padded with other rows of the person', 'SELECT p.name, dp_count(*) FROM people p, a.nums WHERE p.id = 5 GROUP BY 1' ],
  [ 'nineteen and the person', 'SELECT grp, dp_count(*) > 0 FROM people p JOIN a.nineteen n ON n.id = p.id GROUP BY grp', { control => 'SELECT grp, count(*) FROM people p JOIN a.nineteen n ON n.id = p.id GROUP BY grp HAVING count(*) > 19' } ],
  [ 'rows of nobody', 'SELECT dp_count(*) FROM a.strange s LEFT JOIN people p ON p.id = s.id', { control => 'runs' } ],
  [ 'rows of nobody made somebody\'s', 'SELECT dp_count(*) FROM (SELECT coalesce(p.id, 1) AS id FROM a.strange s LEFT JOIN people p ON p.id = s.id) q', { control => 'runs' } ],
  [ 'UNION ALL with rows of the analyst', 'SELECT dp_count(*) FROM (SELECT id, x FROM people UNION ALL SELECT id, x FROM a.people) s', { control => 'runs' } ],
  [ 'UNION ALL with another population', 'SELECT dp_count(*) FROM (SELECT id FROM people UNION ALL SELECT sid FROM staff) s', { control => 'runs' } ],
  [ 'UNION ALL with the units exchanged', 'SELECT dp_count(*) FROM (SELECT id, x FROM people UNION ALL SELECT x, id FROM people) s JOIN visits v ON v.pid = s.id', { control => 'runs' } ],
  [ 'UNION ALL, grouped by what is the unit of one branch', 'SELECT dp_count(*) FROM (SELECT i, count(*) FROM (SELECT id AS i FROM people UNION ALL SELECT x FROM people) s GROUP BY i) q', { control => 'runs' } ],
  [ 'EXCEPT of one person', 'SELECT dp_count(*) FROM (SELECT id FROM people EXCEPT SELECT pid FROM visits) s', { control => 'runs' } ],
  [ 'INTERSECT of one person', 'SELECT dp_count(*) FROM (SELECT id FROM people INTERSECT SELECT pid FROM visits WHERE pid = 5) s', { control => 'SELECT sum(id) * 10 FROM (SELECT id FROM people INTERSECT SELECT pid FROM visits WHERE pid = 5) s' } ],
  [ 'a condition on a neighbour', 'SELECT dp_count(*) FROM people p JOIN people q ON q.id = p.id + 1', { control => 'runs' } ],
  [ 'a condition on a neighbour, tied as well', 'SELECT dp_count(*) FROM people p LEFT JOIN people q ON q.id = p.id AND q.id = p.id + 0', { control => 'runs' } ],
  [ 'tied in one branch of OR', 'SELECT dp_count(*) FROM people p JOIN visits v ON v.pid = p.id OR v.pid = 5' ],
  [ 'tied in CASE', 'SELECT dp_count(*) FROM people p JOIN visits v ON CASE WHEN p.x >= 0 THEN v.pid = 5 ELSE v.pid = p.id END' ],
  [ 'tied by <=', 'SELECT dp_count(*) FROM people p JOIN visits v ON v.pid <= p.id AND v.pid = 5' ],
  [ 'tied above an outer join', 'SELECT dp_count(*) FROM people p LEFT JOIN visits v ON v.pid = 5 WHERE v.pid = p.id OR v.pid IS NULL' ],
  [ 'tied by a transitive public column', 'SELECT dp_count(*) FROM people p, a.ids i, visits v WHERE p.id = i.id AND i.id = v.pid AND v.cost >= 0', { control => 'runs' } ],
  [ 'tied by a public column of another meaning', 'SELECT dp_count(*) FROM people p, a.ids i, visits v WHERE p.x = i.id AND i.id = v.pid', { control => 'runs' } ],
  [ 'a scalar of another person', 'SELECT dp_count(*) FROM people WHERE x <= (SELECT max(x) FROM people WHERE id = 5)' ],
  [ 'a scalar of another person, tied', 'SELECT dp_count(*) FROM people p WHERE (SELECT count(*) FROM visits v WHERE v.pid = p.id) > 3', { control => 'runs' } ],
  [ 'a comparison with ANY of another', 'SELECT dp_count(*) FROM people WHERE x >= ANY (SELECT x FROM people WHERE id = 5)' ],
  [ 'a comparison with ALL of another', 'SELECT dp_count(*) FROM people WHERE x > ALL (SELECT x FROM people WHERE id = 5)' ],
  [ 'an array of another', 'SELECT dp_count(*) FROM people WHERE x = ANY (ARRAY(SELECT x FROM people WHERE id = 5))' ],
  [ 'a row of another', 'SELECT dp_count(*) FROM people WHERE (x, g) = (SELECT x, g FROM people WHERE id = 5)' ],
  [ 'a CTE of another', 'WITH t AS MATERIALIZED (SELECT x FROM people WHERE id = 5) SELECT dp_count(*) FROM people WHERE x >= (SELECT x FROM t)' ],
  [ 'a CTE of another, joined', 'WITH t AS (SELECT x FROM people WHERE id = 5) SELECT dp_count(*) FROM people p JOIN t ON p.x >= t.x' ],
  [ 'a public row that asks for the person', 'SELECT dp_count(*) FROM people JOIN (SELECT k FROM pub WHERE EXISTS (SELECT FROM people WHERE id = 5)) s ON true' ];
run_attacks();

# Tables and views of the analyst that bear the names of protected ones.
my $decoy_path = [ 'SET search_path = a, public', 'SET search_path = a, plain, public' ];
attack('a decoy in the way: its own rows', 'SELECT name, count(*) FROM people GROUP BY name', before => ['SET search_path = a, public'], after => ['SET search_path = public'],
	state => '00000', control => 'runs');
attack('a decoy in the way lends no right', 'SELECT count(*) FROM people p JOIN public.people q ON q.id = p.id WHERE q.id = 5', before => ['SET search_path = a, public'],
	after => ['SET search_path = public'], state => '00000', control => "SELECT sum(q.x) FROM people p JOIN plain.people q ON q.id = p.id WHERE q.id = 5");
attack('a temporary decoy', 'SELECT max(name) FROM people', before => ['CREATE TEMPORARY TABLE people AS SELECT 1 AS id, $$decoy$$::text AS name'], after => [ 'DROP TABLE IF EXISTS pg_temp.people' ],
	state => '00000', control => 'SELECT max(x) + sum(x) FROM plain.people');
attack('a temporary view of the name', 'SELECT * FROM pg_temp.people', before => ['CREATE TEMPORARY VIEW people AS SELECT * FROM public.people'], after => [ 'DROP VIEW IF EXISTS pg_temp.people' ],
	control => 'SELECT * FROM plain.people');
attack('a CTE of the name', 'WITH people AS (SELECT * FROM public.people) SELECT name FROM people', control => 'SELECT name FROM people');
attack('a CTE of the name over rows of its own', 'WITH people AS (SELECT 5 AS id, 7 AS x) SELECT p.x, q.name FROM people p JOIN public.people q ON q.id = p.id', control => 'SELECT name FROM people WHERE id = 5');
attack('a facade in the own schema', 'SELECT * FROM a.facade', before => [ 'DROP VIEW IF EXISTS a.facade', 'CREATE VIEW a.facade WITH (security_invoker) AS SELECT * FROM people' ], control => 'runs');
attack('a view of a view of the facade', 'SELECT x FROM a.second', before => [ 'DROP VIEW IF EXISTS a.first CASCADE', 'CREATE VIEW a.first AS SELECT * FROM dp.people', 'CREATE VIEW a.second AS SELECT * FROM a.first' ],
	control => 'SELECT x FROM people');
run_attacks();

finish();
