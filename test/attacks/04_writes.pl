# Statements that write, and objects that hang on tables: rules, triggers, policies,
# constraints, statistics, partitions, publications.  A leak: rows get into a table of
# the analyst, or its code runs for each.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('writes and DDL');

# RLS policies, triggers, rules and views of the analyst's own.

my @policy = ('DROP TABLE IF EXISTS a.rls', 'CREATE TABLE a.rls (k int PRIMARY KEY, v text)',
	"INSERT INTO a.rls SELECT i, 'v' || i FROM generate_series(0, 99) i",
	'ALTER TABLE a.rls ENABLE ROW LEVEL SECURITY', 'ALTER TABLE a.rls FORCE ROW LEVEL SECURITY');
attack('a policy with a leaky function', 'SELECT dp_count(*) FROM people p JOIN a.rls r ON r.k = p.x WHERE p.name = \'p5\'',
	before => [ @policy, 'CREATE POLICY p ON a.rls USING (a.spy(k) >= 0)', 'SET enable_seqscan = off', 'SET enable_hashjoin = off', 'SET enable_mergejoin = off' ],
	after => [ 'RESET enable_seqscan', 'RESET enable_hashjoin', 'RESET enable_mergejoin' ]);
attack('a policy that reads the rows', 'SELECT * FROM a.rls',
	before => [ @policy, 'CREATE POLICY p ON a.rls USING (EXISTS (SELECT FROM people WHERE x = k AND id = 5))' ]);
attack('a policy that reads the rows, in a join', 'SELECT dp_count(*) FROM people p JOIN a.rls r ON r.k = p.x',
	before => [ @policy, 'CREATE POLICY p ON a.rls USING (EXISTS (SELECT FROM people WHERE x = k AND id = 5))' ], control => 'runs');
attack('a policy that reads the rows, when writing', "INSERT INTO a.rls VALUES (1000, 'x')",
	before => [ @policy, 'CREATE POLICY p ON a.rls WITH CHECK (EXISTS (SELECT FROM people WHERE id = 5))' ]);
attack('a rule that reads rows', "INSERT INTO a.own VALUES (1, 'b')",
	before => ['CREATE OR REPLACE RULE r AS ON INSERT TO a.own DO ALSO SELECT * FROM people WHERE id = new.a'],
	after => ['DROP RULE r ON a.own'], control => 'runs');
attack('a rule that writes rows', "INSERT INTO a.own VALUES (1, 'b')",
	before => ['CREATE OR REPLACE RULE r AS ON INSERT TO a.own DO ALSO INSERT INTO a.nums SELECT x FROM people WHERE id = 5 AND new.a = 1'],
	after => ['DROP RULE r ON a.own'], control => 'runs');
attack('a rule that counts what a row asks', "INSERT INTO a.own VALUES (5, 'b')",
	before => ['CREATE OR REPLACE RULE r AS ON INSERT TO a.own DO INSTEAD SELECT count(*) FROM people WHERE id = new.a'],
	after => ['DROP RULE r ON a.own'], state => '00000', moves => 0);
attack('a rule that counts rows of an UPDATE', 'UPDATE a.own SET a = 3',
	before => ['CREATE OR REPLACE RULE r AS ON UPDATE TO a.own DO INSTEAD SELECT count(*) FROM people WHERE x = old.a'],
	after => ['DROP RULE r ON a.own'], state => '00000', control => 'runs');
attack('a trigger that sees rows', 'INSERT INTO a.t SELECT x FROM people',
	before => [ 'DROP TABLE IF EXISTS a.t', 'CREATE TABLE a.t (a int)',
		'CREATE OR REPLACE FUNCTION a.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM a.spy(new.a); RETURN new; END $$',
		'CREATE TRIGGER t BEFORE INSERT ON a.t FOR EACH ROW EXECUTE FUNCTION a.trigger()' ]);
attack('a generated column', 'INSERT INTO a.t SELECT x FROM people',
	before => [ 'DROP TABLE IF EXISTS a.t', 'CREATE TABLE a.t (a int, b int GENERATED ALWAYS AS (a.spy_immutable(a)) STORED)' ]);
attack('a check constraint', 'INSERT INTO a.t SELECT x FROM people',
	before => [ 'DROP TABLE IF EXISTS a.t', 'CREATE TABLE a.t (a int CHECK (a.spy(a) IS NOT NULL))' ]);
run_attacks();

# What only an owner may do to a protected table, and to what protects it.
foreach my $sql ('CREATE TABLE a.kid () INHERITS (people)', 'CREATE TABLE a.kid PARTITION OF events FOR VALUES FROM (5000) TO (6000)',
	'ALTER TABLE a.own INHERIT people', 'CREATE STATISTICS a.st ON x, y FROM people', 'CREATE INDEX ON people (y)', 'CREATE POLICY p ON people USING (true)',
	'CREATE TRIGGER t BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION a.trigger()', 'CREATE RULE r AS ON UPDATE TO people DO INSTEAD SELECT 1',
	'SECURITY LABEL FOR dp_agg ON TABLE people IS NULL', 'CLUSTER people', 'REINDEX TABLE people',
	q{SECURITY LABEL FOR dp_agg ON TABLE a.own IS '{"population":"people"}'}, q{SECURITY LABEL FOR dp_agg ON COLUMN a.own.a IS '{"unit":1}'},
	q{SELECT dp_agg.unprotect('people')}, q{SELECT dp_agg.protect('a.own', 'a', 'people')}, q{SELECT dp_agg.set_budget('analyst', 'people', 1e9)},
	q{SELECT dp_agg.set_bounds('people', 'x', 0, 1)}, 'SET dp_agg.min_individuals = 20', 'SELECT * FROM dp_agg.account', 'SELECT * FROM dp_agg.release',
	'CREATE OR REPLACE VIEW dp.people AS SELECT 1', 'CREATE FUNCTION dp_agg.guarded(int) RETURNS int LANGUAGE sql AS \'SELECT 1\'',
	'ALTER EXTENSION dp_agg ADD TABLE a.own', 'SELECT pg_read_file(\'x\')', 'COPY a.own TO PROGRAM \'true\'', 'LOAD \'dp_agg\'', 'ALTER SYSTEM SET dp_agg.min_individuals = 20',
	'ALTER TABLE people ADD FOREIGN KEY (x) REFERENCES a.k (k)', 'ALTER TABLE a.own ADD FOREIGN KEY (a) REFERENCES people (id)', 'ALTER TABLE people ENABLE ROW LEVEL SECURITY', 'ALTER TABLE people ALTER name SET STATISTICS 10000',
	'ALTER TABLE people RENAME TO persons', 'ALTER TABLE people OWNER TO analyst', 'ALTER TABLE people INHERIT a.own', 'ALTER TABLE events ATTACH PARTITION a.own FOR VALUES FROM (5000) TO (6000)', 'ALTER TABLE events DETACH PARTITION events_1',
	'ALTER TABLE people SET SCHEMA a', 'ALTER TABLE people DROP CONSTRAINT people_pkey', 'ALTER TABLE people ADD CHECK (x > 90)', 'ALTER TABLE people ADD z int DEFAULT a.spy(1)', 'ALTER INDEX people_x_idx RENAME TO i', 'DROP TABLE people', 'DROP VIEW dp.people', 'DROP EXTENSION dp_agg',
	'CREATE PUBLICATION pub FOR TABLE people', 'COMMENT ON TABLE people IS NULL', 'GRANT SELECT ON people TO analyst', 'GRANT analyst TO admin', 'ALTER DEFAULT PRIVILEGES FOR ROLE admin GRANT SELECT ON TABLES TO analyst', 'REASSIGN OWNED BY admin TO analyst',
	'CREATE VIEW dp.mine AS SELECT 1', 'CREATE TABLE dp_agg.t (a int)', 'ALTER FUNCTION dp_agg.last_release() OWNER TO analyst', 'UPDATE dp_agg.account SET epsilon_spent = 0', 'DELETE FROM dp_agg.release', 'INSERT INTO dp_agg.account DEFAULT VALUES', 'TRUNCATE dp_agg.release',
	'UPDATE dp_agg.my_budget SET epsilon_spent = 0', 'DELETE FROM dp_agg.my_releases', q{SELECT dp_agg.drop_budget('analyst', 'people')}, q{SELECT dp_agg.set_domain('people', 'g', '{g1}')}, q{UPDATE pg_seclabel SET label = ''}, 'DELETE FROM pg_seclabel',
	"SET session_replication_role = replica", 'SET ROLE admin', 'SET SESSION AUTHORIZATION admin', 'ALTER ROLE analyst SUPERUSER', 'CREATE ROLE r', 'CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION a.trigger()', 'CREATE FUNCTION a.c(int) RETURNS int LANGUAGE c AS \'dp_agg\', \'dp_guarded\'',
	'CREATE FUNCTION a.i(internal) RETURNS int LANGUAGE internal AS \'int4in\'', 'CREATE TYPE a.base (INPUT = int4in, OUTPUT = int4out)', 'CREATE OPERATOR CLASS a.oc FOR TYPE int USING btree AS OPERATOR 1 <', 'CREATE LANGUAGE l HANDLER plpgsql_call_handler', 'UPDATE pg_proc SET proleakproof = true',
	'CREATE FUNCTION a.leakproof(int) RETURNS int LANGUAGE sql LEAKPROOF AS \'SELECT 1\'', 'ALTER FUNCTION a.spy(int) LEAKPROOF', 'CREATE FOREIGN DATA WRAPPER f', 'ALTER SYSTEM SET shared_preload_libraries = \'\'')
{
	my $r = session('analyst', $sql);
	my $alone = $sql =~ /ALTER SYSTEM|REINDEX|PROGRAM|PUBLICATION/;
	my $superuser = session('admin', $alone ? $sql : "BEGIN;\n$sql;\nROLLBACK");

	attacked($r->{sqlstate} =~ /^(42501|42P01|55000|DP002)$/, 'the analyst may not: ' . DpAgg::brief($sql)) or diag($r->{err});
	control($superuser->{sqlstate} !~ /^(42501|42P01|42601)$/, 'the superuser may: ' . DpAgg::brief($sql)) or diag($superuser->{err});
}

# ---------- more ways to write ----------

my @sink = ('BEGIN', 'CREATE TABLE a.sink (a int PRIMARY KEY, b text, c int)', "INSERT INTO a.sink SELECT i, 'sink', 0 FROM generate_series(1, 10) i");
my $sunk = '; SELECT';
attack("into a table: $_", $_, before => \@sink, control => 'runs') foreach
  'INSERT INTO a.sink SELECT id, name, x FROM people WHERE id > 10', 'INSERT INTO a.sink (a) SELECT id FROM people ON CONFLICT DO NOTHING',
  "INSERT INTO a.sink VALUES (1) ON CONFLICT (a) DO UPDATE SET b = (SELECT name FROM people WHERE id = 5)", "INSERT INTO a.sink VALUES (1) ON CONFLICT (a) DO UPDATE SET c = 1 WHERE EXISTS (SELECT FROM people WHERE id = 5)",
  'INSERT INTO a.sink (a, c) SELECT id, x FROM people WHERE id > 10 RETURNING *', 'WITH w AS (INSERT INTO a.sink (a) SELECT id + 10 FROM people RETURNING a) SELECT count(*) FROM w',
  'WITH w AS (SELECT * FROM people) INSERT INTO a.sink (a) SELECT id + 10 FROM w', 'WITH w AS (UPDATE a.sink SET c = p.x FROM people p WHERE p.id = a RETURNING c) SELECT sum(c) FROM w',
  'WITH w AS (DELETE FROM a.sink USING people p WHERE p.id = a AND p.x > 50 RETURNING a) SELECT * FROM w', 'UPDATE a.sink SET c = p.x FROM people p WHERE p.id = a RETURNING p.name',
  'UPDATE a.sink SET c = 1 WHERE a IN (SELECT id FROM people WHERE x > 50)', 'UPDATE a.sink SET c = (SELECT count(*) FROM people p WHERE p.id = a)', 'DELETE FROM a.sink WHERE a = ANY (SELECT id FROM people WHERE x > 50)',
  'MERGE INTO a.sink s USING people p ON p.id = s.a WHEN NOT MATCHED THEN INSERT VALUES (p.id, p.name, p.x)', 'MERGE INTO a.sink s USING people p ON p.id = s.a WHEN MATCHED AND p.x > 50 THEN DELETE',
  'MERGE INTO a.sink s USING (SELECT id, count(*) AS n FROM people GROUP BY id) p ON p.id = s.a WHEN MATCHED THEN UPDATE SET c = p.n',
  'CREATE TABLE a.sink2 AS SELECT id, x FROM people', 'CREATE TEMPORARY TABLE sink3 AS TABLE people', 'SELECT id, x INTO TEMPORARY sink4 FROM people', 'CREATE UNLOGGED TABLE a.sink5 AS SELECT name FROM people WHERE id = 5',
  'CREATE TABLE a.sink6 (a) AS SELECT count(*) FROM people GROUP BY id', 'CREATE MATERIALIZED VIEW a.sink7 AS SELECT id, count(*) FROM people GROUP BY id';
attack('into a table: EXECUTE', 'CREATE TABLE a.sink8 AS EXECUTE raw', before => [ 'BEGIN', 'PREPARE raw AS SELECT name FROM people' ], after => ['DEALLOCATE ALL'], state => 'DP002|42501|25P02|26000', control => 'runs');
attack('into a table: a release of each of its rows', 'UPDATE a.sink SET c = (SELECT dp_count(*) FROM people p WHERE p.x = a.sink.a)', before => \@sink, control => 'runs');
attack('into the protected table', $_, before => ['BEGIN'], control => 'runs') foreach
  'INSERT INTO people SELECT 5000, name, x FROM people WHERE id = 5', 'UPDATE people SET x = x RETURNING name', 'UPDATE people p SET x = v.cost FROM visits v WHERE v.pid = p.id AND p.id = 5', 'DELETE FROM people RETURNING *',
  'DELETE FROM people WHERE id = 5', "MERGE INTO people p USING pub ON pub.k = p.id WHEN MATCHED THEN UPDATE SET x = 1", "INSERT INTO people VALUES (5, '', 1) ON CONFLICT DO NOTHING",
  "INSERT INTO people VALUES (5, '', 1) ON CONFLICT (id) DO UPDATE SET x = 1 RETURNING people.name", 'WITH w AS (UPDATE people SET x = x RETURNING *) SELECT * FROM w', 'LOCK TABLE people IN ACCESS EXCLUSIVE MODE', 'LOCK TABLE people IN ROW EXCLUSIVE MODE';
attack('through an own view', $_->[1], before => [ 'BEGIN', "CREATE VIEW a.through AS SELECT * FROM people $_->[0]" ], control => 'runs') foreach [ '', "INSERT INTO a.through VALUES (5000, '', 1)" ], [ '', 'UPDATE a.through SET x = x RETURNING name' ],
  [ '', 'DELETE FROM a.through WHERE id = 5' ], [ 'WHERE x > 50 WITH CHECK OPTION', "INSERT INTO a.through VALUES (5000, '', 60)" ];
attack('a view of own rows with a check of others', "INSERT INTO a.checked VALUES (5, 'x')",
	before => [ 'BEGIN', 'CREATE VIEW a.checked AS SELECT * FROM a.own WHERE EXISTS (SELECT FROM people WHERE id = 5) WITH CHECK OPTION' ]);
attack('a trigger in place of a view', 'INSERT INTO a.instead SELECT name FROM people',
	before => [ 'BEGIN', 'CREATE VIEW a.instead AS SELECT b FROM a.own',
		'CREATE FUNCTION a.in_place() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM a.spy(1); RETURN new; END $$',
		'CREATE TRIGGER t INSTEAD OF INSERT ON a.instead FOR EACH ROW EXECUTE FUNCTION a.in_place()' ], state => 'DP002|42501|25P02');
attack('a deferred trigger', 'COMMIT', before => [ 'BEGIN', 'CREATE TABLE a.deferred (a int)', 'CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a.trigger()',
		'INSERT INTO a.deferred SELECT x FROM people' ], after => ['DROP TABLE IF EXISTS a.deferred'], state => '00000');
attack('a transition table', 'SELECT count(*) FROM a.transited', before => [ 'DROP TABLE IF EXISTS a.transited', 'CREATE TABLE a.transited (a int)',
		'CREATE OR REPLACE FUNCTION a.transit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM a.spy(count(*)::int) FROM people p JOIN news n ON n.a = p.id WHERE p.id = 5 HAVING count(*) > 0; RETURN NULL; END $$',
		'CREATE TRIGGER t AFTER INSERT ON a.transited REFERENCING NEW TABLE AS news FOR EACH STATEMENT EXECUTE FUNCTION a.transit()', 'INSERT INTO a.transited VALUES (5)' ], state => '00000', moves => 0);
# 16 knows no such rule any more.
attack('a rule that makes a table a view', 'SELECT * FROM a.turned', before => [ 'BEGIN', 'CREATE TABLE a.turned (name text)', 'CREATE RULE "_RETURN" AS ON SELECT TO a.turned DO INSTEAD SELECT name FROM people' ], control => 'runs')
  if DpAgg::version() < 16;
attack('a rule with a condition of the rows', 'UPDATE a.own SET a = a', before => [ 'BEGIN', 'CREATE RULE r AS ON UPDATE TO a.own WHERE EXISTS (SELECT FROM people WHERE id = 5) DO INSTEAD NOTHING' ], control => 'runs');
attack('a rule that notifies', 'INSERT INTO a.own SELECT x FROM people', before => [ 'LISTEN leak', 'BEGIN', 'CREATE RULE r AS ON INSERT TO a.own DO ALSO NOTIFY leak' ], control => 'runs');
attack('a policy that compares with rows', 'DELETE FROM a.rls', before => [ 'BEGIN', @policy, 'CREATE POLICY p ON a.rls FOR DELETE USING (k = (SELECT x FROM people WHERE id = 5))' ], control => 'runs');
attack('a partition by what a row says', 'INSERT INTO a.parts SELECT x FROM people WHERE id = 5', before => [ 'BEGIN', 'CREATE TABLE a.parts (a int) PARTITION BY LIST (a)', 'CREATE TABLE a.parts_85 PARTITION OF a.parts FOR VALUES IN (84)' ]);
attack('a foreign key of what a row says', 'INSERT INTO a.refers SELECT x FROM people WHERE id = 5', before => [ 'BEGIN', 'CREATE TABLE a.refers (a int REFERENCES a.k (k) CHECK (a < 85))' ]);
attack('a unique key of what a row says', 'INSERT INTO a.uniq SELECT x FROM people WHERE id = 5', before => [ 'BEGIN', 'CREATE TABLE a.uniq (a int UNIQUE)', 'INSERT INTO a.uniq VALUES (85)' ]);
attack('CREATE TABLE LIKE', 'CREATE TABLE a.liked (LIKE people INCLUDING ALL)', before => ['BEGIN'], control => 'runs');
attack('statistics of the analyst: ANALYZE', "SELECT analyze_count FROM pg_stat_all_tables WHERE relid = 'people'::regclass", before => ['ANALYZE people'], state => '00000', control => 'runs');
attack('COPY FROM', "COPY people (id, name, x) FROM STDIN (FORMAT csv);\n9999,copied,1\n\\.\nSELECT 1", before => ['BEGIN'], alone => 1, control => 'runs');
run_attacks();

finish();
