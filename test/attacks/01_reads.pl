# Rows of a protected table, by any place of a statement that may hold a query, or
# by any object that runs one.  A leak: a row is printed, or the outcome depends on
# whether the person is there.

use strict;
use warnings;
use Test::More;
use Attacks;

start('direct reads');

# ---------- rows in every place of a statement ----------

attack("rows: $_", $_, control => 'runs') foreach
  'SELECT * FROM people', 'TABLE people', 'SELECT p FROM people p', 'SELECT count(p) FROM people p', 'SELECT count(p.*) FROM people p',
  "SELECT count(*) FROM people WHERE ctid = '(0,1)'", 'SELECT count(tableoid) FROM people', 'SELECT count(*) FROM people GROUP BY ctid',
  'SELECT DISTINCT name FROM people p GROUP BY id', 'SELECT id, count(*) FROM people GROUP BY id',
  'SELECT (SELECT name FROM people LIMIT 1)', 'VALUES ((SELECT name FROM people LIMIT 1))',
  'SELECT k FROM pub WHERE EXISTS (SELECT FROM people WHERE id = k AND x > 50)',
  'SELECT k FROM pub LIMIT (SELECT length(max(name)) FROM people)', 'SELECT k FROM pub OFFSET (SELECT x FROM people WHERE id = 1)',
  'SELECT k FROM pub ORDER BY (SELECT x FROM people WHERE id = k)',
  'SELECT k FROM pub GROUP BY k HAVING (SELECT max(name) FROM people) IS NOT NULL',
  'SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM people WHERE id = 5)) FROM pub',
  'SELECT count(*) OVER (ORDER BY (SELECT x FROM people WHERE id = k)) FROM pub',
  'SELECT ARRAY(SELECT name FROM people)', 'SELECT EXISTS (SELECT FROM people WHERE id = 5)', 'SELECT ROW(5, 85) = (SELECT id, x FROM people WHERE id = 5)',
  'SELECT count(*) FROM pub WHERE (k, k) IN (SELECT id, x FROM people)',
  'SELECT * FROM generate_series(1, (SELECT x FROM people WHERE id = 3))',
  'SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, (SELECT length(max(name)) FROM people)))',
  'SELECT * FROM pub TABLESAMPLE system ((SELECT x FROM people WHERE id = 1))',
  'SELECT * FROM json_each((SELECT json_object_agg(id, name) FROM people))',
  "SELECT * FROM xmltable('/a/b' PASSING (SELECT xmlelement(name a, xmlagg(xmlelement(name b, name))) FROM people) COLUMNS x text PATH '.')",
  'INSERT INTO a.own SELECT id, name FROM people', 'INSERT INTO a.own VALUES (1, (SELECT name FROM people LIMIT 1))',
  "INSERT INTO a.own VALUES (1, 'x') RETURNING (SELECT max(name) FROM people)",
  'UPDATE a.own SET b = p.name FROM people p WHERE p.id = a', 'UPDATE a.own SET b = (SELECT name FROM people p WHERE p.id = a)',
  'UPDATE a.own SET (a, b) = (SELECT id, name FROM people WHERE id = a)', 'UPDATE a.own SET a = a RETURNING (SELECT max(name) FROM people)',
  'DELETE FROM a.own USING people p WHERE p.id = a AND p.x < 0', 'DELETE FROM a.own WHERE EXISTS (SELECT FROM people WHERE id = a AND x < 0)',
  'MERGE INTO a.own o USING people p ON p.id = o.a WHEN MATCHED THEN UPDATE SET b = p.name',
  "MERGE INTO a.own o USING pub p ON p.k = o.a WHEN MATCHED AND EXISTS (SELECT FROM people WHERE name = 'p1') THEN UPDATE SET b = 'z'",
  'MERGE INTO a.own o USING pub p ON p.k = o.a WHEN MATCHED THEN UPDATE SET b = (SELECT max(name) FROM people)',
  'COPY people TO STDOUT', 'COPY (SELECT name FROM people) TO STDOUT', 'COPY (UPDATE a.own SET a = a RETURNING (SELECT max(name) FROM people)) TO STDOUT',
  'SELECT row_number() OVER (), count(*), x FROM people GROUP BY g, x, id', 'SELECT rank() OVER (ORDER BY x) FROM people',
  "SELECT string_agg(name, ',') FROM people", 'SELECT array_agg(x) FROM people', 'SELECT max(name) FROM people', 'SELECT array_agg(DISTINCT x) FROM people',
  'SELECT count(*) FROM people GROUP BY GROUPING SETS ((g), ())', 'SELECT count(*) FROM (SELECT * FROM people ORDER BY x LIMIT 5) s',
  'SELECT count(*) FROM people TABLESAMPLE system (10)', 'SELECT x FROM people UNION SELECT 1', 'SELECT count(*) FROM people UNION ALL SELECT id FROM people',
  'SELECT x FROM people INTERSECT SELECT k FROM pub', 'SELECT k FROM pub EXCEPT SELECT x FROM people',
  'WITH RECURSIVE r AS (SELECT id, x FROM people UNION SELECT id, x FROM r) SELECT count(*) FROM r',
  'WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT x FROM people WHERE id = 5)) SELECT count(*) FROM r',
  'SELECT (SELECT sum(p.x + k * 0) FROM pub) FROM people p',
  'SELECT count(*) FROM people FULL JOIN visits ON id = pid', 'SELECT count((ARRAY[x])[1]) FROM people', "SELECT count(xmlelement(name a, x)) FROM people",
  'SELECT g, (SELECT count(*) FROM people p2 WHERE p2.g = people.g) FROM people GROUP BY g',
  'SELECT count(*) FROM (SELECT name, row_number() OVER (ORDER BY id) FROM people) s';
attack("rows: $_", $_, control => s/dp\.people/people/r) foreach 'SELECT * FROM dp.people', 'SELECT x FROM dp.people WHERE id = 5';
# On the copies the analyst may write; nothing of it stays.
attack("rows: $_", $_, before => ['BEGIN'], control => 'runs') foreach
  'SELECT g FROM people FOR UPDATE', 'SELECT count(*) FROM (SELECT * FROM people FOR UPDATE) s', 'UPDATE people SET x = 1', 'DELETE FROM people', "INSERT INTO people VALUES (5000, '', 1)",
  'TRUNCATE people', 'SELECT * FROM ONLY people', 'SELECT * FROM events', 'SELECT * FROM events_1', 'SELECT count(*) FROM events_1',
  q{SELECT query_to_xml('SELECT * FROM people', true, true, '')}, q{SELECT table_to_xml('people', true, true, '')},
  q{SELECT ts_stat('SELECT name::tsvector FROM people')}, q{SELECT currtid2('people', '(0,1)')},
  'CREATE TABLE a.fk (i int REFERENCES people (id))';
foreach (
	[ 'a copy', 'CREATE TABLE a.copied AS SELECT * FROM people', 'DROP TABLE IF EXISTS a.copied' ],
	[ 'a copy by INTO', 'SELECT name INTO a.copied FROM people', 'DROP TABLE IF EXISTS a.copied' ],
	[ 'a matview', 'CREATE MATERIALIZED VIEW a.mv AS SELECT name FROM people', 'DROP MATERIALIZED VIEW IF EXISTS a.mv' ],
	[ 'a cursor', 'DECLARE c CURSOR FOR SELECT name FROM people', 'BEGIN' ],
	[ 'a prepared statement', 'EXECUTE raw', 'PREPARE raw AS SELECT name FROM people' ],
	[ 'an own view', 'SELECT * FROM a.v', 'CREATE OR REPLACE VIEW a.v AS SELECT * FROM people' ],
	[ 'an own view of a barrier', 'SELECT * FROM a.v', 'CREATE OR REPLACE VIEW a.v WITH (security_barrier) AS SELECT * FROM people' ],
	[ 'an SQL function', 'SELECT * FROM a.q()', "CREATE OR REPLACE FUNCTION a.q() RETURNS SETOF text LANGUAGE sql AS 'SELECT name FROM people'" ],
	[ 'an SQL function in the list', 'SELECT a.q()', "CREATE OR REPLACE FUNCTION a.q() RETURNS SETOF text LANGUAGE sql AS 'SELECT name FROM people'" ],
	[ 'a STABLE SQL function', 'SELECT * FROM a.q2()', "CREATE OR REPLACE FUNCTION a.q2() RETURNS TABLE (a int) LANGUAGE sql STABLE AS 'SELECT id FROM people'" ],
	[ 'a STABLE SQL function below a join', 'SELECT k FROM pub JOIN a.q2() q ON a = k', "CREATE OR REPLACE FUNCTION a.q2() RETURNS TABLE (a int) LANGUAGE sql STABLE AS 'SELECT id FROM people'" ],
	[ 'an atomic SQL function', 'SELECT a.q4()', 'DROP FUNCTION IF EXISTS a.q4()', 'CREATE FUNCTION a.q4() RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT max(name) FROM people; END' ],
	[ 'a SECURITY DEFINER function', 'SELECT * FROM a.q5()', "CREATE OR REPLACE FUNCTION a.q5() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT name FROM people'" ],
	[ 'PL/pgSQL', 'SELECT a.q6()', 'CREATE OR REPLACE FUNCTION a.q6() RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN FOR t IN SELECT name FROM people LOOP RETURN t; END LOOP; END $$' ],
	[ 'PL/pgSQL with EXECUTE', 'SELECT a.q7()', 'CREATE OR REPLACE FUNCTION a.q7() RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE \'SELECT name FROM people\' INTO t; RETURN t; END $$' ],
	[ 'a materialized view without data', 'REFRESH MATERIALIZED VIEW a.later', 'DROP MATERIALIZED VIEW IF EXISTS a.later', 'CREATE MATERIALIZED VIEW a.later AS SELECT name FROM people WITH NO DATA' ])
{
	my ($name, $sql, @before) = @$_;
	attack("rows: $name", $sql, before => \@before, control => 'runs', state => 'DP002|42501' . ($name =~ /materialized|prepared/ ? '|26000|42P01' : ''),
		after => [ 'DROP VIEW IF EXISTS a.v', 'DEALLOCATE ALL' ]);
}
run_attacks();

finish();
