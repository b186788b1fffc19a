# The gate: no group of fewer than 20 individuals is ever released, one of
# exactly 20 as rarely as delta says, a large one always; a result without groups
# keeps its one row; and only a superuser can ask for more than 20.
#
# Rates are tested at 5 standard errors: a correct build fails about once in
# 200,000 runs (a rate near 0.01 is skewed).

use strict;
use warnings;
use Test::More;
use DpAgg;

my $node = DpAgg::node('gate', roles => [qw(analyst reader)]);

$node->safe_psql('postgres', <<'SQL');
-- every person has one row, and an index says so: streamed, one group each
CREATE TABLE one (id int PRIMARY KEY, g text);
INSERT INTO one SELECT i, 'nineteen' FROM generate_series(1, 19) i;
INSERT INTO one SELECT 100 + i, 'twenty' FROM generate_series(1, 20) i;
INSERT INTO one SELECT 1000 + i, 'many' FROM generate_series(1, 200) i;

-- no index: contributions are bounded; "nineteen" has 19 people, but 200 rows
CREATE TABLE several (id int, g text);
INSERT INTO several SELECT i % 19, 'nineteen' FROM generate_series(1, 200) i;
INSERT INTO several SELECT 1000 + i, 'many' FROM generate_series(1, 200) i, generate_series(1, 2) r;

-- 500 groups of exactly 20, and 500 of 19, nobody in two
CREATE TABLE twenties (id int PRIMARY KEY, g int);
INSERT INTO twenties SELECT i, i % 500 FROM generate_series(0, 9999) i;
CREATE TABLE nineteens (id int PRIMARY KEY, g int);
INSERT INTO nineteens SELECT i, i % 500 FROM generate_series(0, 9499) i;
CREATE TABLE bounded_twenties AS SELECT * FROM twenties;
CREATE TABLE bounded_nineteens AS SELECT * FROM nineteens;

-- the same 60 groups in two orders of rows
CREATE TABLE forward (id int PRIMARY KEY, g int);
INSERT INTO forward SELECT i, i % 60 FROM generate_series(1, 6000) i;
CREATE TABLE backward (id int PRIMARY KEY, g int);
INSERT INTO backward SELECT i, i % 60 FROM generate_series(6000, 1, -1) i;

CREATE TABLE nobody (id int PRIMARY KEY, g text, x int);
ANALYZE;

SELECT dp_agg.protect(t, unit => 'id', population => 'people', max_groups => 4)
FROM unnest('{one,several,twenties,nineteens,bounded_twenties,bounded_nineteens,forward,backward,nobody}'::regclass[]) t;
SELECT dp_agg.set_bounds('nobody', 'x', 0, 1);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.999);
-- who may read the rows has no budget to exhaust, and the same gate in dp_count
GRANT SELECT ON one, several TO reader;
SQL

# repeat(ROLE, N, QUERY [, SETTINGS]): all rows of N runs, as [ row, how often ].
sub repeat
{
	my ($role, $n, $query, $settings) = @_;
	my $rows = DpAgg::value($node, $role, ($settings // '') . <<"SQL");
CREATE TEMP TABLE answer (answer text);
CREATE PROCEDURE pg_temp.ask() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. $n LOOP
		INSERT INTO answer SELECT q::text FROM ($query) q;
		COMMIT;
	END LOOP;
END
\$\$;
CALL pg_temp.ask();
SELECT answer, count(*) FROM answer GROUP BY answer;
SQL
	return map { [ split /\|/ ] } split /\n/, $rows;
}

sub seen
{
	my ($row, @rows) = @_;
	my $times = 0;

	$times += $_->[1] foreach grep { $_->[0] eq $row } @rows;
	return $times;
}

# rate(TIMES, N, P, NAME): that something of probability P happened TIMES of N times.
sub rate
{
	my ($times, $n, $p, $name) = @_;
	my $band = 5 * sqrt($p * (1 - $p) / $n);
	my $figures = sprintf '%.5f of %d, expected %.5f +- %.5f', $times / $n, $n, $p, $band;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok(abs($times / $n - $p) <= $band, "$name: $figures");
	return;
}

my $keys = 'SELECT g FROM (SELECT g, dp_count(*) FROM %s GROUP BY g) s';

# 19 individuals: never, in 10,000 releases.  Half of them have so little epsilon
# that a group of 19 passes the noisy threshold about as often as one of 20, so
# that only the true number holds it back; the other half next to no noise.
my $noisy = 'SET dp_agg.epsilon = 0.01; SET dp_agg.delta = 0.01;';
{
	my @rows = repeat('reader', 5000, sprintf($keys, 'one'), $noisy);

	is(seen('(nineteen)', @rows), 0, '19 individuals never show in 5,000 releases, epsilon 0.01, delta 0.01');
	cmp_ok(seen('(twenty)', @rows), '>', 0, 'where 20 do at times');
	@rows = repeat('analyst', 5000, sprintf($keys, 'one'), 'SET dp_agg.epsilon = 1000;');
	is(seen('(nineteen)', @rows), 0, '19 individuals never show in 5,000 releases, epsilon 1000');
	is(seen('(many)', @rows), 5000, 'where 200 always do');
	@rows = repeat('reader', 3000, sprintf($keys, 'several'), $noisy);
	is(seen('(nineteen)', @rows), 0, '19 individuals with 200 rows never show in 3,000 releases');
	@rows = repeat('reader', 3000, "SELECT dp_count(*) IS NULL FROM one WHERE g = 'nineteen'", $noisy);
	is(seen('(t)', @rows), 3000, 'nor without groups');
}
foreach my $table (qw(nineteens bounded_nineteens))
{
	is(scalar repeat('analyst', 1, sprintf($keys, $table), 'SET dp_agg.epsilon = 0.01; SET dp_agg.delta = 0.1;'),
		0, "500 groups of 19, delta 0.1: none shows ($table)");
}

# Exactly 20 show with probability delta, or, where individuals may be in k
# groups, 1 - (1 - delta)^(1/k).  The threshold is exact up to a few parts in
# 10^6, so the rate is tested from both sides.
{
	my $delta = 'SET dp_agg.delta = 0.01;';
	my @rows = repeat('reader', 10000, sprintf($keys, 'one'), $delta);

	rate(seen('(twenty)', @rows), 10000, 0.01, 'exactly 20, delta 0.01');
	is(seen('(nineteen)', @rows), 0, 'beside 19, which never show');
	@rows = repeat('analyst', 20, 'SELECT 1 FROM (SELECT g, dp_count(*) FROM twenties GROUP BY g) s', $delta);
	rate(seen('(1)', @rows), 20 * 500, 0.01, '500 groups of 20, delta 0.01');
	@rows = repeat('analyst', 40, 'SELECT 1 FROM (SELECT g, dp_count(*) FROM bounded_twenties GROUP BY g) s',
		$delta);
	rate(seen('(1)', @rows), 40 * 500, 1 - 0.99**(1 / 4), 'the same with 4 groups per individual');
	@rows = repeat('reader', 5000, "SELECT dp_count(*) IS NULL FROM one WHERE g = 'twenty'", $delta);
	rate(seen('(f)', @rows), 5000, 0.01, 'exactly 20, without groups');
	@rows = repeat('reader', 5000, 'SELECT 1 FROM (SELECT g, dp_count(*), dp_avg(id, 0, 500), dp_avg(id * 2, 0, 9) FROM one '
		. "WHERE g = 'twenty' GROUP BY g) s", $delta);
	rate(seen('(1)', @rows), 5000, 0.01, 'exactly 20, with averages');
}

# Large groups always show, at the defaults: epsilon 1, delta 1e-8.
foreach my $table (qw(one several))
{
	is(seen('(many)', repeat('analyst', 200, sprintf($keys, $table))), 200,
		"200 individuals always show ($table)");
}

# Without groups there is one row, whatever the data.
foreach my $few ('one WHERE g = \'nineteen\'', 'one WHERE g = \'none\'', 'several WHERE g = \'nineteen\'',
	'nobody')
{
	my $r = DpAgg::as($node, 'analyst', "SELECT dp_count(*), dp_avg(id, 0, 9), dp_sum(id, 0, 9) FROM $few");

	is("$r->{sqlstate} $r->{out}", '00000 ||', "fewer than 20, no groups: one row of NULLs: $few");
}
is(DpAgg::value($node, 'analyst', 'SELECT g, dp_count(*), dp_avg(x) FROM nobody GROUP BY g'), '',
	'no rows, by groups: none');

# Rows are sorted by their keys, in whatever order the table holds them.
{
	my $sorted = join "\n", 0 .. 59;

	is(DpAgg::value($node, 'analyst', sprintf($keys, $_)), $sorted, "released rows are in the order of keys: $_")
	  foreach qw(forward backward);
}

# 20 is the floor, for everybody, and what the DBA raises it to holds.
my $shows = "SELECT count(*) FROM (SELECT g, dp_count(*) FROM one GROUP BY g) s";

DpAgg::refused($node, 'analyst', "SET dp_agg.min_individuals = $_", '42501')
  foreach 19, 20, 21;
DpAgg::refused($node, 'analyst', $_, '42501') foreach
  'RESET dp_agg.min_individuals',
  "SELECT set_config('dp_agg.min_individuals', '20', true)",
  'ALTER ROLE analyst SET dp_agg.min_individuals = 20',
  'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql SET dp_agg.min_individuals = 20 AS \'SELECT 1\'',
  "UPDATE pg_settings SET setting = '20' WHERE name = 'dp_agg.min_individuals'";

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
DpAgg::refused($node, $superuser, $_, '22023') foreach
  'SET dp_agg.min_individuals = 19',
  'SET dp_agg.min_individuals = 0',
  'SET dp_agg.min_individuals = -1',
  'ALTER SYSTEM SET dp_agg.min_individuals = 19',
  'ALTER ROLE analyst SET dp_agg.min_individuals = 19';

# With much epsilon and delta, only the least number of individuals holds back.
my $sharp = 'SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-5;';

is(DpAgg::value($node, 'analyst', "$sharp $shows"), 1, 'of 19, 20 and 200, one shows');
$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.min_individuals = 200');
is(DpAgg::value($node, 'analyst', "$sharp SHOW dp_agg.min_individuals"), 200, 'a role can be given more');
is(DpAgg::value($node, 'analyst', "$sharp $shows"), 0, 'exactly as many as needed do not show');
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.min_individuals');

$node->append_conf('postgresql.conf', 'dp_agg.min_individuals = 50');
$node->reload;
$node->safe_psql('postgres', <<'SQL');
INSERT INTO one SELECT 2000 + i, 'forty-nine' FROM generate_series(1, 49) i;
INSERT INTO one SELECT 3000 + i, 'fifty-one' FROM generate_series(1, 51) i;
SQL
{
	my @rows = repeat('analyst', 500, sprintf($keys, 'one'), 'SET dp_agg.epsilon = 1000;');

	is(seen('(forty-nine)', @rows), 0, 'raised to 50: 49 individuals do not show with much epsilon');
	is(seen('(fifty-one)', @rows), 500, '51 do');
	@rows = repeat('reader', 3000, sprintf($keys, 'one'), $noisy);
	is(seen('(forty-nine)', @rows), 0, 'nor do 49 in 3,000 releases with little epsilon');
}
DpAgg::refused($node, 'analyst', $_, '42501') foreach
  'SET dp_agg.min_individuals = 20', 'SET dp_agg.min_individuals = 50';
my $option = DpAgg::as($node, 'analyst', 'SELECT 1',
	connstr => $node->connstr('postgres') . " user=analyst options='-c dp_agg.min_individuals=20'");
is($option->{out}, '', 'an analyst cannot lower it when it connects') or diag($option->{err});

$node->stop;
done_testing();
