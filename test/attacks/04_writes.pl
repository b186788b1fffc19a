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
	'CREATE OR REPLACE VIEW dp.people AS SELECT 1', 'CREATE FUNCTION dp_agg.total(int) RETURNS int LANGUAGE sql AS \'SELECT 1\'',
	'ALTER EXTENSION dp_agg ADD TABLE a.own', 'SELECT pg_read_file(\'x\')', 'COPY a.own TO PROGRAM \'true\'', 'LOAD \'dp_agg\'', 'ALTER SYSTEM SET dp_agg.min_individuals = 20')
{
	my $r = DpAgg::as($node, 'analyst', $sql);
	like($r->{sqlstate}, qr/^(42501|42P01|DP002)$/, 'the analyst may not: ' . DpAgg::brief($sql)) or diag($r->{err});
}

finish();
