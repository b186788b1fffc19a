# Extreme.pm
#	The tables of attacks on what is chosen rather than added up: order statistics,
#	modes, histograms, distinct values.  Person 5 has, in columns of every kind, the
#	values that are furthest out, and in visits more than a thousand rows.
#
#	use Attacks;
#	use Extreme;
#	my $node = Extreme::start_extreme('what is chosen');

package Extreme;

use strict;
use warnings;
use Attacks;
use DpAgg;
use Test::More;

my $tables = <<'SQL';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE people (id int PRIMARY KEY, x int NOT NULL, y float8, n numeric, t text, b bool, d date, ts timestamp, iv interval, ia int[], j jsonb, m mood, k int);
CREATE TABLE visits (pid int, x int, y float8, n numeric, t text, b bool, d date, ts timestamp, iv interval, ia int[], j jsonb, m mood, k int);
CREATE TABLE few (id int PRIMARY KEY, g int, x int NOT NULL, t text);
INSERT INTO people SELECT i, i % 50, i * 0.5, i % 9, 't' || i % 3, i % 2 = 0, '2020-01-01'::date + i % 30, '2020-01-01'::timestamp + i % 20 * interval '1 h', i % 5 * interval '1 day', ARRAY[i % 3, 1], '{"a": 1}', (ARRAY['sad', 'ok', 'happy'])[i % 3 + 1]::mood, i % 3
	FROM generate_series(1, 101) i;
INSERT INTO visits SELECT p.* FROM people p, generate_series(1, 3) WHERE id <> 5;
-- person 5 is as far out as a person can be
DELETE FROM people WHERE id = 5;
INSERT INTO people VALUES (5, 2147483647, 'infinity', 'NaN', repeat('x', 200000), NULL, 'infinity', 'infinity', '178000000 years', '{{1,2},{3,4}}', 'null', 'happy', 2147483647);
INSERT INTO visits SELECT p.* FROM people p WHERE id = 5;
INSERT INTO visits VALUES (5, -2147483648, 'NaN', '-infinity', '', true, '-infinity', '-infinity', '-178000000 years', '{}', '[]', 'sad', 0);
INSERT INTO visits (pid, x, y, n, t, k) SELECT 5, i, 1e300, 10::numeric ^ (i % 5), 'q' || i, i % 3 FROM generate_series(1, 1000) i;
INSERT INTO visits (pid, k) SELECT 5, i FROM generate_series(0, 100) i;
INSERT INTO few SELECT g * 100 + i, g, 50, 'same' FROM (VALUES (19), (60)) v(g), generate_series(1, g) i;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
CREATE TABLE plain.visits (LIKE visits INCLUDING ALL);
INSERT INTO plain.people TABLE people;
INSERT INTO plain.visits TABLE visits;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('visits', 'pid', 'people', max_groups => 2, max_rows => 3), dp_agg.protect('few', 'id', 'people');
SELECT dp_agg.set_bounds(r::regclass, c, 0, 100) FROM unnest('{people,visits}'::text[]) r, unnest('{x,y,n}'::name[]) c;
SELECT dp_agg.set_bounds(r::regclass, 'd', '2020-01-01'::text, '2021-01-01'), dp_agg.set_bounds(r::regclass, 'ts', '2020-01-01'::text, '2021-01-01'), dp_agg.set_bounds(r::regclass, 'iv', '0'::text, '100 days') FROM unnest('{people,visits}'::text[]) r;
SELECT dp_agg.set_bounds('few', 'x', 0, 100);
SELECT dp_agg.set_domain('visits', 'k', '{0,1,7}'), dp_agg.set_domain('visits', 'm', '{sad,ok,happy}');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);
SQL

my $own = <<'SQL';
CREATE TABLE a.nums AS SELECT n FROM generate_series(0, 31) n;
CREATE TABLE a.col (a text COLLATE "C", b text COLLATE "POSIX");
INSERT INTO a.col VALUES ('q', 'w');
CREATE TABLE a.shapes AS SELECT ARRAY[1, 2] AS x, ARRAY[1, 2, 3] AS y;
CREATE TABLE a.pad AS SELECT k, lpad(k::text, 1000, 'x') AS pad FROM generate_series(1, 10616) k;
ANALYZE a.pad;
CREATE FUNCTION a.spy(float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.dp_low(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.step(float8, float8) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $2; END $$;
CREATE AGGREGATE a.percentile_cont(float8 ORDER BY float8) (SFUNC = a.step, STYPE = float8);
CREATE DOMAIN a.dm AS int CHECK (a.spy(VALUE) IS NOT NULL);
CREATE TYPE a.ct AS (a int, b text);
SQL

# Two of these are more than a value may have.
my $huge = <<'SQL';
CREATE TABLE a.huge AS SELECT repeat('x', 600000000) AS t;
CREATE TABLE a.bytes AS SELECT convert_to(t, 'UTF8') AS b FROM a.huge;
SQL

# start_extreme(CLASS [, HUGE]): with HUGE there are values of 600 MB, which take a while.
# Attacks run alone, since a notice may come once in a session; numbers may not
# move, unless the attack says so.  Returns the server.
sub start_extreme
{
	my ($class, $with_huge) = @_;

	return start($class, conf => "log_min_error_statement = panic\ndp_agg.min_epsilon = '1e-9'\n", tables => $tables, own => $own . ($with_huge ? $huge : ''),
		persons => { people => 'id = 5', visits => 'pid = 5' },
		defaults => { alone => 1, moves => 0, state => '00000|DP002|DP003|42501|22023|42P2[12]' });
}

# draws_are_paid(NAME, SQL): SQL, which counts different answers, counts no more than releases were paid for.
sub draws_are_paid
{
	my ($name, $sql) = @_;
	my $ledger = 'SELECT count(*) FROM dp_agg.my_releases';
	my $before = DpAgg::value(node(), 'analyst', $ledger);
	my $r = DpAgg::as(node(), 'analyst', "SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off;\n$sql");
	my $after = DpAgg::value(node(), 'analyst', $ledger);

	return attacked(($r->{out} || 0) <= $after - $before, "$name: no more draws than paid for") || diag($r->{err});
}

# A collation of the analyst's whose version is not the library's; false where the
# server has none of ICU.
sub has_loose_collation
{
	return DpAgg::as(node(), 'analyst', <<'SQL')->{ok};
CREATE COLLATION a.loose (provider = icu, locale = 'en-u-ks-level1', deterministic = false, version = '1');
CREATE TABLE a.loose (t text COLLATE a.loose);
INSERT INTO a.loose VALUES ('a');
SQL
}

1;
