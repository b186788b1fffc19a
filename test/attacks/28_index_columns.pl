# Columns whose indexes releases may use: what is declared shows, and nothing else.
#
# A release that reads pages for the first time after a change cleans them up and writes to the WAL: so the WAL
# tells which pages were read.  A leak: it differs by what is not declared, be it a unit, a condition on
# another column, or a row that is joined.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;

start('index columns', conf => "autovacuum = off\ncheckpoint_timeout = 1h\nmax_worker_processes = 12\n", persons => {}, tables => <<'SQL', own => 'SELECT 1');
CREATE TABLE staff (id int PRIMARY KEY, x int NOT NULL) WITH (autovacuum_enabled = off);
CREATE TABLE log (id int NOT NULL, day int NOT NULL, kind int NOT NULL, pad text) WITH (autovacuum_enabled = off);
CREATE TABLE plain.staff (LIKE staff INCLUDING ALL) WITH (autovacuum_enabled = off);
CREATE TABLE plain.log (LIKE log INCLUDING ALL) WITH (autovacuum_enabled = off);
-- new rows, each in a version that was changed since it was last read; person 5 has one row, on day 777
CREATE FUNCTION fill(there boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE s text; BEGIN
	FOREACH s IN ARRAY '{public,plain}'::text[] LOOP
		EXECUTE format('TRUNCATE %1$I.staff, %1$I.log', s);
		EXECUTE format('INSERT INTO %1$I.staff SELECT i, i %% 10 FROM generate_series(1, 3000) i WHERE i <> 5 OR $1', s) USING there;
		EXECUTE format('INSERT INTO %1$I.log SELECT 10 + i %% 2900, i / 10, i %% 7, repeat(''x'', 200) FROM generate_series(1, 6000) i', s);
		EXECUTE format('INSERT INTO %1$I.log VALUES (CASE WHEN $1 THEN 5 ELSE 10 END, 777, CASE WHEN $1 THEN 9 ELSE 3 END, repeat(''x'', 200))', s) USING there;
		EXECUTE format('UPDATE %1$I.log SET pad = repeat(''y'', 200)', s);
	END LOOP;
END $$;
CREATE INDEX log_id ON log (id);
CREATE INDEX log_day ON log (day);
CREATE INDEX log_kind ON log (kind);
CREATE INDEX log_id_day ON log (id, day);
CREATE INDEX ON plain.log (id);
CREATE INDEX ON plain.log (day);
CREATE INDEX ON plain.log (kind);
SELECT fill(true);
ANALYZE;
SELECT dp_agg.protect('staff', 'id', 'people'), dp_agg.protect('log', 'id', 'people', max_rows => 10);
SELECT dp_agg.set_bounds('log', 'day', 0, 1000), dp_agg.set_bounds('log', 'kind', 0, 1000);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);
SQL

sub dba { return node()->safe_psql('postgres', join(';', @_)); }

# How much a question about the tables of a schema writes to the WAL, the least of several times, with
# person 5 or without.
sub written
{
	my ($schema, $there, $question, $settings) = (@_, '');
	my @bytes;

	$question =~ s/COUNT/$schema eq 'plain' ? 'count(*)' : 'dp_count(*)'/e;
	foreach (1 .. 3)
	{
		dba("SELECT fill($there)");
		my $r = DpAgg::as(node(), 'analyst', <<"SQL");
SET dp_agg.epsilon = 0.01; SET dp_agg.delta = 1e-7; SET search_path = $schema, public; SET client_min_messages = warning; SET max_parallel_workers_per_gather = 0; $settings;
SELECT dp_count(*) FROM public.staff; SELECT dp_count(*) FROM public.staff;
SELECT pg_current_wal_insert_lsn() AS before \\gset
$question;
SELECT pg_current_wal_insert_lsn() - :'before';
SQL
		push @bytes, $r->{out} =~ /(\d+)\z/ ? $1 : -1;
		diag($r->{err}) if $bytes[-1] < 0;
	}
	return (sort { $a <=> $b } @bytes)[0];
}

# tells_not(WHAT, QUESTION, CONTROL): person 5 does not show in what is written; in plain it does.
my $forced = 'SET enable_seqscan = off';
sub tells_not
{
	my ($name, $question, $settings, $control) = @_;
	my @protected = map { written('public', $_, $question, $settings) } 'true', 'false';
	my @plain = map { written('plain', $_, $control // $question, $settings) } 'true', 'false';

	attacked($protected[0] > 0 && abs($protected[0] - $protected[1]) < 200, "$name: nothing to see") or diag("@protected");
	control($plain[0] - $plain[1] > 200, "$name: seen without protection") or diag("@plain");
	return $protected[0];
}

my $unit = 'SELECT COUNT FROM log WHERE id = 5';
my $range = 'SELECT COUNT FROM log WHERE day BETWEEN 100 AND 103';
my $whole = tells_not('a person, without declarations', $unit, $forced);
cmp_ok(written('public', 'true', $range, $forced), '>', 0.9 * $whole, 'a range of a column that is not declared reads the whole table');
cmp_ok($whole, '>', 5000, 'the whole table is much');

dba(q{SELECT dp_agg.protect('log', 'id', 'people', max_rows => 10, index_columns => '{day}')});
my $part = written('public', 'true', $range);
cmp_ok($part, '<', 0.2 * $whole, 'a range of one that is declared shows how many rows there are: that is what the declaration is for') or diag("$part of $whole");
tells_not('a person', $unit, $forced);
tells_not('a person, on days that are looked up', "$range AND id = 5", '', $unit);
tells_not('a kind that one person has', 'SELECT COUNT FROM log WHERE kind = 9', $forced);
tells_not('a kind, on days that are looked up', "$range AND kind = 9", '', 'SELECT COUNT FROM log WHERE kind = 9');
# a leak: the look-up is not begun, since the other side of the join is empty
my $join = 'SELECT COUNT FROM staff s JOIN log l USING (id) WHERE s.id = 5 AND l.day BETWEEN 100 AND 140';
my $looked_up = 'SELECT COUNT FROM staff s WHERE s.id = 5 AND (SELECT count(*) FROM log l WHERE l.day BETWEEN 100 AND 140 AND l.id > s.id) > 0';
foreach my $settings ('SET enable_nestloop = off; SET enable_mergejoin = off', 'SET enable_hashjoin = off; SET enable_mergejoin = off', 'SET enable_hashjoin = off; SET enable_nestloop = off',
	'SET enable_hashjoin = off; SET enable_bitmapscan = off; SET enable_seqscan = off',
	map { "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0; SET enable_nestloop = off; SET enable_mergejoin = off; SET $_ = off" }
	  'enable_indexscan', 'enable_bitmapscan', 'enable_parallel_hash', 'enable_seqscan = off; SET random_page_cost = 1; SET enable_indexscan')
{
	tells_not("a join that has no other side, $settings", $join, $settings, $looked_up);
}
tells_not('EXISTS', 'SELECT COUNT FROM staff s WHERE s.id = 5 AND EXISTS (SELECT FROM log l WHERE l.id = s.id AND l.day BETWEEN 100 AND 140)', '', $looked_up);
# a leak: rows of one table say what is looked up in another
tells_not('days that a person says', 'SELECT COUNT FROM staff s JOIN log l ON l.id = s.id AND l.day = s.id + 95 WHERE s.id = 5', 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET enable_material = off');
# the analyst can neither declare nor name what runs in an index
attacked(DpAgg::as(node(), 'analyst', $_)->{sqlstate} =~ /^(42501|DP002)$/, 'refused: ' . DpAgg::brief($_)) foreach
  q{SELECT dp_agg.protect('log', 'id', 'people', index_columns => '{id}')}, q{SECURITY LABEL FOR dp_agg ON COLUMN log.kind IS '{"index": true}'}, q{CREATE INDEX ON log (kind)}, q{SET dp_agg.index_scans = on}, q{EXPLAIN ANALYZE SELECT dp_count(*) FROM log WHERE day = 777};

finish();
