# Rows of a protected table, by any place of a statement that may hold a query, or
# by any object that runs one.  A leak: a row is printed, or the outcome depends on
# whether the person is there.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('direct reads');

# ---------- rows in every place of a statement ----------

attack("rows: $_", $_, control => 'runs') foreach
  'SELECT * FROM people', 'TABLE people', 'SELECT p FROM people p', 'SELECT count(p) FROM people p', 'SELECT count(p.*) FROM people p',
  "SELECT count(*) FROM people WHERE ctid = '(0,1)'", 'SELECT count(tableoid) FROM people', 'SELECT count(*) FROM people GROUP BY ctid',
  'SELECT DISTINCT name FROM people p GROUP BY id', 'SELECT id, count(*) FROM people GROUP BY id',
  'SELECT (SELECT name FROM people LIMIT 1)', 'VALUES ((SELECT name FROM people LIMIT 1))',
  'SELECT k FROM pub WHERE EXISTS (SELECT FROM people WHERE id = k AND x > 50)',
  'SELECT k FROM pub LIMIT (SELECT length(string_agg(name, \'\')) FROM people)', 'SELECT k FROM pub OFFSET (SELECT x FROM people WHERE id = 1)',
  'SELECT k FROM pub ORDER BY (SELECT x FROM people WHERE id = k)',
  'SELECT k FROM pub GROUP BY k HAVING (SELECT string_agg(name, \'\') FROM people) IS NOT NULL',
  'SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM people WHERE id = 5)) FROM pub',
  'SELECT count(*) OVER (ORDER BY (SELECT x FROM people WHERE id = k)) FROM pub',
  'SELECT ARRAY(SELECT name FROM people)', 'SELECT EXISTS (SELECT FROM people WHERE id = 5)', 'SELECT ROW(5, 85) = (SELECT id, x FROM people WHERE id = 5)',
  'SELECT count(*) FROM pub WHERE (k, k) IN (SELECT id, x FROM people)',
  'SELECT * FROM generate_series(1, (SELECT x FROM people WHERE id = 3))',
  'SELECT * FROM ROWS FROM (generate_series(1, 2), generate_series(1, (SELECT length(string_agg(name, \'\')) FROM people)))',
  'SELECT * FROM pub TABLESAMPLE system ((SELECT x FROM people WHERE id = 1))',
  'SELECT * FROM json_each((SELECT json_object_agg(id, name) FROM people))',
  "SELECT * FROM xmltable('/a/b' PASSING (SELECT xmlelement(name a, xmlagg(xmlelement(name b, name))) FROM people) COLUMNS x text PATH '.')",
  'INSERT INTO a.own SELECT id, name FROM people', 'INSERT INTO a.own VALUES (1, (SELECT name FROM people LIMIT 1))',
  "INSERT INTO a.own VALUES (1, 'x') RETURNING (SELECT string_agg(name, '') FROM people)",
  'UPDATE a.own SET b = p.name FROM people p WHERE p.id = a', 'UPDATE a.own SET b = (SELECT name FROM people p WHERE p.id = a)',
  'UPDATE a.own SET (a, b) = (SELECT id, name FROM people WHERE id = a)', 'UPDATE a.own SET a = a RETURNING (SELECT string_agg(name, \'\') FROM people)',
  'DELETE FROM a.own USING people p WHERE p.id = a AND p.x < 0', 'DELETE FROM a.own WHERE EXISTS (SELECT FROM people WHERE id = a AND x < 0)',
  'MERGE INTO a.own o USING people p ON p.id = o.a WHEN MATCHED THEN UPDATE SET b = p.name',
  "MERGE INTO a.own o USING pub p ON p.k = o.a WHEN MATCHED AND EXISTS (SELECT FROM people WHERE name = 'p1') THEN UPDATE SET b = 'z'",
  'MERGE INTO a.own o USING pub p ON p.k = o.a WHEN MATCHED THEN UPDATE SET b = (SELECT string_agg(name, \'\') FROM people)',
  'COPY people TO STDOUT', 'COPY (SELECT name FROM people) TO STDOUT', 'COPY (UPDATE a.own SET a = a RETURNING (SELECT string_agg(name, \'\') FROM people)) TO STDOUT',
  'SELECT row_number() OVER (), count(*), x FROM people GROUP BY g, x, id', 'SELECT rank() OVER (ORDER BY x) FROM people',
  "SELECT string_agg(name, ',') FROM people", 'SELECT array_agg(x) FROM people', 'SELECT json_agg(name) FROM people', 'SELECT array_agg(x ORDER BY x) FROM people',
  'SELECT id, count(*) FROM people GROUP BY GROUPING SETS ((id), ())', 'SELECT count(*) FROM (SELECT * FROM people ORDER BY x LIMIT 5) s',
  'SELECT count(*) FROM people TABLESAMPLE system (10)', 'SELECT x FROM people UNION SELECT 1', 'SELECT count(*) FROM people UNION ALL SELECT id FROM people',
  'SELECT x FROM people INTERSECT SELECT k FROM pub', 'SELECT k FROM pub EXCEPT SELECT x FROM people',
  'WITH RECURSIVE r AS (SELECT id, x FROM people UNION SELECT id, x FROM r) SELECT count(*) FROM r',
  'WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT x FROM people WHERE id = 5)) SELECT count(*) FROM r',
  'SELECT (SELECT sum(p.x + k * 0) FROM pub) FROM people p',
  'SELECT count(*) FROM people FULL JOIN visits ON id = pid AND x > 1',
  'SELECT g, (SELECT count(*) FROM people p2 WHERE p2.g = people.g) FROM people GROUP BY g',
  'SELECT count(*) FROM (SELECT name, row_number() OVER (ORDER BY id) FROM people) s';
attack("rows: $_", $_, control => s/dp\.people/people/r) foreach 'SELECT * FROM dp.people', 'SELECT x FROM dp.people WHERE id = 5';
# These could be releases one day.
attack("rows: $_", $_, control => 'runs', state => '00000|DP002') foreach 'SELECT count((ARRAY[x])[1]) FROM people', "SELECT count(xmlelement(name a, x)) FROM people";
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
	[ 'an atomic SQL function', 'SELECT a.q4()', 'DROP FUNCTION IF EXISTS a.q4()', 'CREATE FUNCTION a.q4() RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT string_agg(name, \'\') FROM people; END' ],
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

# ---------- rows in another dress ----------

attack("rows: $_", $_, control => 'runs') foreach
  'SELECT p.*::text FROM people p', 'SELECT row_to_json(p) FROM people p', 'SELECT to_jsonb(p) FROM people p', 'SELECT (p).name FROM people p',
  'SELECT jsonb_agg(x) FROM people', 'SELECT json_object_agg(id, x) FROM people', 'SELECT xmlagg(xmlelement(name a, x)) FROM people',
  'SELECT (array_agg(name ORDER BY id))[5] FROM people', 'SELECT lag(x) OVER (ORDER BY id) FROM people', 'SELECT first_value(name) OVER (ORDER BY id) FROM people',
  'SELECT DISTINCT ON (g) name FROM people', 'SELECT name FROM people ORDER BY id FETCH FIRST 1 ROW WITH TIES', 'SELECT * FROM people NATURAL JOIN a.own',
  'SELECT q.a FROM people AS q (a, b)', 'SELECT u FROM people, LATERAL unnest(ARRAY[x]) u', 'SELECT s FROM people, LATERAL generate_series(1, x) s',
  'SELECT v.c FROM people p, LATERAL (VALUES (p.x)) v (c)', 'WITH p AS MATERIALIZED (SELECT * FROM people) SELECT * FROM p',
  'WITH p AS (SELECT * FROM people), q AS (SELECT * FROM p) SELECT x FROM q LIMIT 1', 'SELECT * FROM (SELECT * FROM people OFFSET 0) s',
  'SELECT * FROM (SELECT * FROM (SELECT name FROM people) s) s', '(SELECT name FROM people) UNION ALL (SELECT label FROM pub)',
  'SELECT bit_and(x), bit_or(x) FROM people', 'SELECT json_agg(x) FROM people WHERE id = 5', 'SELECT any_value FROM (SELECT string_agg(name, \'\') AS any_value FROM people) s',
  'SELECT name FROM people WHERE false OR id = 5', 'SELECT name FROM people LIMIT 1', 'SELECT name FROM people WHERE id = 5 GROUP BY name, id',
  'SELECT count(*), name FROM people GROUP BY id', 'SELECT 1 FROM people', 'SELECT FROM people', 'SELECT NULL FROM people WHERE id = 5',
  'COPY (TABLE people) TO STDOUT', 'COPY people (id) TO STDOUT (FORMAT csv)', 'COPY (SELECT id, count(*) FROM people GROUP BY id) TO STDOUT',
  q{SELECT query_to_xmlschema('SELECT name FROM people', true, true, '')}, q{SELECT table_to_xml_and_xmlschema('people', true, true, '')};
attack("rows: $_", $_, state => '00000|DP002|42501', moves => 0, control => q{SELECT schema_to_xml('plain', true, true, '')})
  foreach q{SELECT schema_to_xml('public', true, true, '')}, q{SELECT schema_to_xml('dp', true, true, '')};
attack('rows: a cursor as XML', "SELECT cursor_to_xml('c', 10, true, true, '')", before => [ 'BEGIN', 'DECLARE c CURSOR FOR SELECT name FROM people' ],
	state => 'DP002|42501|25P02', control => 'runs');
attack('rows: a cursor of XML', "SELECT query_to_xml('FETCH ALL c', true, true, '')", before => [ 'BEGIN', 'DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT name FROM people' ],
	state => 'DP002|42501|25P02', control => "SELECT name FROM people WHERE id = 5");
attack('rows: a binary cursor', 'FETCH ALL c', before => [ 'BEGIN', 'DECLARE c BINARY CURSOR FOR SELECT name FROM people' ], state => 'DP002|42501|25P02', control => 'runs');
run_attacks();

# ---------- carriers: what runs a function that reads ----------

DpAgg::value($node, 'analyst', <<'SQL');
CREATE FUNCTION a.reader(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT x FROM people WHERE id = 5); END $$;
CREATE FUNCTION a.finder(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE found int; BEGIN
	EXECUTE format('SELECT x FROM %I.people WHERE id = 5', current_setting('attack.schema')) INTO found; RETURN found; END $$;
CREATE FUNCTION a.read_into(int) RETURNS int LANGUAGE plpgsql AS $$ DECLARE r people; BEGIN SELECT * INTO r FROM people WHERE id = $1; RETURN r.x; END $$;
CREATE FUNCTION a.read_loop() RETURNS SETOF text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM people LOOP RETURN NEXT r.name; END LOOP; END $$;
CREATE FUNCTION a.read_query() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT name FROM people; END $$;
CREATE FUNCTION a.read_execute() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'SELECT name FROM people'; END $$;
CREATE FUNCTION a.read_cursor() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT name FROM people; t text; BEGIN OPEN c; FETCH c INTO t; RETURN t; END $$;
CREATE FUNCTION a.read_found() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM people WHERE id = 5; RETURN FOUND; END $$;
CREATE FUNCTION a.read_count() RETURNS int LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN PERFORM name FROM people; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$;
CREATE FUNCTION a.read_if() RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM people WHERE id = 5) THEN RETURN 100; END IF; RETURN 0; END $$;
CREATE FUNCTION a.read_open(refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$ BEGIN OPEN $1 FOR SELECT name FROM people; RETURN $1; END $$;
CREATE FUNCTION a.read_caught() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(name, '') FROM people); EXCEPTION WHEN division_by_zero THEN RETURN SQLERRM; END $$;
CREATE FUNCTION a.read_definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN RETURN (SELECT name FROM people WHERE id = 5); END $$;
CREATE PROCEDURE a.read_procedure(INOUT t text) LANGUAGE plpgsql AS $$ BEGIN SELECT name INTO t FROM people WHERE id = 5; COMMIT; END $$;
CREATE FUNCTION a.read_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.b := (SELECT name FROM people WHERE id = 5); RETURN new; END $$;
CREATE FUNCTION a.read_step(int, int) RETURNS int LANGUAGE sql AS 'SELECT x FROM people WHERE id = 5';
CREATE AGGREGATE a.read_aggregate(int) (SFUNC = a.read_step, STYPE = int);
CREATE OPERATOR a.@@@@ (RIGHTARG = int, FUNCTION = a.reader);
CREATE DOMAIN a.read_domain AS int CHECK (a.reader(VALUE) < 0);
SQL
attack("a carrier: $_", $_, control => 'runs', before => ['DISCARD PLANS']) foreach 'SELECT a.reader(1)', 'SELECT a.read_into(5)', 'SELECT * FROM a.read_loop()', 'SELECT * FROM a.read_query()',
  'SELECT * FROM a.read_execute()', 'SELECT a.read_cursor()', 'SELECT a.read_found()', 'SELECT a.read_count()', 'SELECT a.read_if()',
  'SELECT a.read_caught()', "CALL a.read_procedure('')", 'SELECT a.read_aggregate(k) FROM pub', 'SELECT OPERATOR(a.@@@@) 1', 'SELECT k FROM pub ORDER BY a.read_into(5)',
  'SELECT k FROM pub WHERE k < a.read_into(5)', 'SELECT count(*) OVER (PARTITION BY a.read_into(k)) FROM pub', 'INSERT INTO a.own VALUES (a.read_into(5))',
  'SELECT * FROM pub JOIN LATERAL (SELECT a.read_into(k)) s ON true', q{DO $$ BEGIN RAISE NOTICE '%', (SELECT name FROM people WHERE id = 5); END $$},
  'SELECT k FROM pub TABLESAMPLE system (a.read_into(5))', 'SELECT k FROM pub LIMIT a.read_into(5)';
attack('a carrier: a domain', 'SELECT 5::a.read_domain', before => ['DISCARD PLANS'], control => 'SELECT a.read_into(5)');
attack('a carrier: a reference cursor', 'FETCH ALL c', before => [ 'BEGIN', "SELECT a.read_open('c')" ], state => 'DP002|42501|25P02', control => 'runs');
attack('a carrier: a trigger', "INSERT INTO a.carried VALUES (1, '')",
	before => [ 'DROP TABLE IF EXISTS a.carried', 'CREATE TABLE a.carried (a int, b text)', 'CREATE TRIGGER t BEFORE INSERT ON a.carried FOR EACH ROW EXECUTE FUNCTION a.read_trigger()' ], control => 'runs');
# from 17 on indexes and materialized views are made with a search path of their own
my $where = q{DO $$ BEGIN PERFORM set_config('attack.schema', current_schema(), false); END $$};
attack("a carrier: $_->[0]", $_->[1], before => [ 'DISCARD PLANS', 'DROP TABLE IF EXISTS a.carried', 'CREATE TABLE a.carried (a int, b text)', 'INSERT INTO a.carried VALUES (1)', @$_[ 2 .. $#$_ ] ], control => 'runs')
  foreach [ 'a default', 'INSERT INTO a.carried (b) VALUES (1)', 'ALTER TABLE a.carried ALTER a SET DEFAULT a.read_into(5)' ],
  [ 'an index of an expression', 'CREATE INDEX ON a.carried ((a.finder(a)))', $where ], [ 'an index with a condition', 'CREATE INDEX ON a.carried (a) WHERE a.finder(a) > 0', $where ],
  [ 'a generated column', 'ALTER TABLE a.carried ADD c int GENERATED ALWAYS AS (a.reader(a)) STORED' ], [ 'a type that is changed', 'ALTER TABLE a.carried ALTER b TYPE int USING a.reader(a)' ],
  [ 'a materialized view', 'CREATE MATERIALIZED VIEW a.carried_view AS SELECT a.finder(1)', $where, 'DROP MATERIALIZED VIEW IF EXISTS a.carried_view' ],
  [ 'a check', 'INSERT INTO a.carried VALUES (1)', 'ALTER TABLE a.carried ADD CHECK (a.reader(a) >= 0) NOT VALID' ];
run_attacks();

# Functions that only a superuser may call.
foreach my $sql (q{SELECT pg_read_binary_file(pg_relation_filepath('people'))}, q{SELECT pg_stat_file(pg_relation_filepath('people'))},
	q{SELECT lo_import('/etc/hostname')}, q{SELECT * FROM pg_ls_dir('.')}, q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')},
	q{SELECT * FROM pg_statistic}, q{SELECT * FROM pg_statistic_ext_data}, q{SELECT * FROM pg_backend_memory_contexts})
{
	my ($analyst, $superuser) = map { session($_, $sql) } 'analyst', 'admin';

	attacked($analyst->{sqlstate} eq '42501', 'not for the analyst: ' . DpAgg::brief($sql)) or diag($analyst->{err});
	control($superuser->{sqlstate} ne '42501', 'though for a superuser: ' . DpAgg::brief($sql)) or diag($superuser->{err});
}

finish();
