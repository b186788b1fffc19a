# How far released values are from the truth: no further than the noise that is
# promised, without bias, and for one individual never more than its bounds
# allow; and that two databases which differ in one person stay within epsilon.
#
# Every statistic is tested at 5 standard errors of its own: a test of a correct
# build fails about once in a million runs.  A count is rounded to an integer, which
# adds about 1/12 to its variance.

use strict;
use warnings;
use Test::More;
use DpAgg;

my $node = DpAgg::node('accuracy');

$node->safe_psql('postgres', <<'SQL');
-- x is 0 .. 100, uniform; y is x with 30 % NULLs, of all sizes
CREATE TABLE people (id int PRIMARY KEY, x float8 NOT NULL, y float8);
INSERT INTO people
SELECT i, (i - 0.5) / 100, CASE WHEN i % 10 >= 3 THEN (i - 0.5) / 100 END
FROM generate_series(1, 10000) i;

-- 50 groups of 100 people with one row each; in "crowded", too, somebody with
-- 10,000 rows, 200 in each group
CREATE TABLE quiet (person int NOT NULL, g int NOT NULL);
INSERT INTO quiet SELECT p, p % 50 FROM generate_series(1, 5000) p;
CREATE TABLE crowded AS SELECT * FROM quiet UNION ALL
SELECT 0, i % 50 FROM generate_series(1, 10000) i;

-- 100 people with 100 rows each, the first 80 of them 0, the others 100
CREATE TABLE busy (person int NOT NULL, x int NOT NULL);
INSERT INTO busy SELECT p, CASE WHEN r <= 80 THEN 0 ELSE 100 END
FROM generate_series(1, 100) p, generate_series(1, 100) r;

-- neighbours: one person more
CREATE TABLE sixty (id int PRIMARY KEY);
INSERT INTO sixty SELECT generate_series(1, 60);
CREATE TABLE sixty_one (id int PRIMARY KEY);
INSERT INTO sixty_one SELECT generate_series(1, 61);
ANALYZE;

SELECT dp_agg.protect('people', unit => 'id', population => 'everybody');
SELECT dp_agg.set_bounds('people', 'x', 0, 100), dp_agg.set_bounds('people', 'y', 0, 100);
SELECT dp_agg.protect(t, unit => 'person', population => 'everybody', max_groups => 4, max_rows => 10)
FROM unnest('{quiet,crowded,busy}'::regclass[]) t;
SELECT dp_agg.protect(t, unit => 'id', population => 'everybody')
FROM unnest('{sixty,sixty_one}'::regclass[]) t;
SELECT dp_agg.set_budget('analyst', 'everybody', epsilon => 1e9, delta => 0.9);
SQL

# statistics(N, QUERY, COLUMNS, SELECTION [, SETTINGS]) runs a query N times as
# the analyst and returns what SELECTION says about its answers: a list, split at
# "|" and ends of lines.  Short transactions, as clients have.
sub statistics
{
	my ($n, $query, $columns, $selection, $settings) = @_;

	return split /[|\n]/, DpAgg::value($node, 'analyst', ($settings // '') . <<"SQL");
CREATE TEMP TABLE answer (i int, $columns);
CREATE PROCEDURE pg_temp.ask() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. $n LOOP
		INSERT INTO answer SELECT i, q.* FROM ($query) q;
		COMMIT;
	END LOOP;
END
\$\$;
CALL pg_temp.ask();
SELECT $selection FROM answer;
SQL
}

# close_to(VALUE, EXPECTED, STANDARD ERROR, NAME): at most 4 of them away.
sub close_to
{
	my ($value, $expected, $error, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $figures = sprintf '%.5g, expected %.5g +- %.2g', $value, $expected, 5 * $error;

	ok(abs($value - $expected) <= 5 * $error, "$name: $figures") or return;
	note("$name: $figures");
	return;
}

# Standard error of a root mean square r of n values whose law has this kurtosis.
sub rms_error
{
	my ($r, $n, $kurtosis) = @_;

	return $r * sqrt(($kurtosis - 1) / $n) / 2;
}

my $n = 4000;

# A count alone: discrete Laplace of rate 1, variance 2q/(1-q)^2 with q = 1/e; kurtosis about 6.
{
	my ($rms, $mean) = statistics($n, 'SELECT dp_count(*) FROM people', 'c bigint',
		'sqrt(avg((c - 10000) ^ 2)), avg(c - 10000)');
	my $expected = sqrt(2 * exp(-1)) / (1 - exp(-1));

	close_to($rms, $expected, rms_error($expected, $n, 6), 'count: root mean square error');
	close_to($mean, 0, $expected / sqrt $n, 'count: mean error');
}

# With an average that cannot be NULL, two coordinates: variance 4, kurtosis 4.5;
# the error of the average is that of its sum, 50 * 2 / 10,000.
{
	my ($count, $avg, $count_mean, $avg_mean) = statistics($n,
		'SELECT dp_count(*), dp_avg(x) FROM people', 'c bigint, a float8', <<'SQL');
sqrt(avg((c - 10000) ^ 2)), sqrt(avg((a - 50) ^ 2)), avg(c - 10000), avg(a - 50)
SQL
	my $expected = sqrt(4 + 1 / 12);

	close_to($count, $expected, rms_error($expected, $n, 4.5),
		'count beside an average: root mean square error');
	close_to($avg, 0.01, rms_error(0.01, $n, 4.5), 'average: root mean square error');
	cmp_ok($avg, '<=', 0.0105 + 5 * rms_error(0.01, $n, 4.5), 'average: the promised accuracy');
	close_to($count_mean, 0, $expected / sqrt $n, 'count beside an average: mean error');
	close_to($avg_mean, 0, 0.01 / sqrt $n, 'average: mean error');
}

# A sum that cannot be NULL: at most 50 times the sum of two coordinates with
# variance 4 each (kurtosis of their sum: 6).
{
	my ($rms, $mean, $sd) = statistics(1000, 'SELECT dp_sum(x) FROM people', 's float8',
		'sqrt(avg((s - 500000) ^ 2)), avg(s - 500000), stddev(s)');

	note(sprintf 'sum: root mean square error %.1f', $rms);
	cmp_ok($rms, '<=', 50 * sqrt(8) + 5 * rms_error(50 * sqrt(8), 1000, 6),
		'sum: root mean square error');
	close_to($mean, 0, $sd / sqrt 1000, 'sum: mean error');
}

# NULLs are left out of everything about the column, without bias.
{
	my ($count, $avg, $true_sum) = split /\|/,
	  $node->safe_psql('postgres', 'SELECT count(y), avg(y), sum(y) FROM people');
	my @got = statistics(1500,
		'SELECT dp_count(*), dp_count(y), dp_avg(y), dp_sum(y) FROM people',
		'n bigint, c bigint, a float8, s float8', <<'SQL');
avg(n), stddev(n), avg(c), stddev(c), avg(a), stddev(a), avg(s), stddev(s)
SQL

	is($count, 7000, '30 % are NULL');
	foreach my $name ('rows', 'values', 'average', 'sum')
	{
		my ($mean, $sd) = splice @got, 0, 2;
		my %true = (rows => 10000, values => $count, average => $avg, sum => $true_sum);

		note(sprintf 'with NULLs, %s: standard deviation %.4g', $name, $sd);
		close_to($mean, $true{$name}, $sd / sqrt 1500, "with NULLs, $name: mean");
	}
}

# One individual with 10,000 rows moves all groups together by max_groups *
# max_rows, and no more.  Much epsilon, since it is the bounding that is tested;
# which groups it counts in is drawn anew for each release.
foreach my $case ([ 4, 10, 100 ], [ 2, 5, 60 ])
{
	my ($groups, $rows, $n) = @$case;
	my @totals = map {
		[ statistics($n, "SELECT sum(c), count(*) FROM (SELECT g, dp_count(*) AS c FROM $_ GROUP BY g) s",
			't float8, n bigint', 'avg(t), stddev(t) / sqrt(count(*)), min(n)', <<"SQL") ]
SET dp_agg.epsilon = @{[ 25 * $groups ]};
SET dp_agg.max_groups = $groups;
SET dp_agg.max_rows = $rows;
SQL
	} qw(quiet crowded);
	my ($without, $with) = @totals;

	is("$without->[2] $with->[2]", '50 50', 'all groups are released');
	close_to($without->[0], 5000, $without->[1], 'total without the individual');
	close_to($with->[0] - $without->[0], $groups * $rows,
		sqrt($with->[1]**2 + $without->[1]**2),
		"an individual of 10,000 rows, at most $groups groups of $rows rows: what it adds");
}

# Too many rows count less each, instead of some of them: the mean stays.  Without groups they
# count up to max_total, which is 4 times 10 here, unless max_rows is asked for.
foreach my $case ([ '', 40 ], [ 'SET dp_agg.max_rows = 10;', 10 ], [ 'SET dp_agg.max_total = 25;', 25 ])
{
	my ($set, $most) = @$case;
	my ($avg, $avg_error, $count, $count_error) = statistics(200,
		'SELECT dp_avg(x, 0, 100), dp_count(*) FROM busy', 'a float8, c float8', <<'SQL', <<"SET");
avg(a), stddev(a) / sqrt(count(*)), avg(c), stddev(c) / sqrt(count(*))
SQL
SET dp_agg.epsilon = 20;
$set
SET

	close_to($avg, 20, $avg_error, "average over people with 100 rows, at most $most");
	close_to($count, 100 * $most, $count_error, "each of them counts with $most");
}

# Epsilon, as an observer could measure it.  Of 20,000 counts of each of two
# neighbours, one half chooses the event "at least t" or "at most t" that tells
# them apart best; the other half says how well, with a lower confidence bound
# (5 standard errors of the logarithm of the ratio).  An epsilon of 1 has ratios
# up to e; noise of 0.8 times the scale would be found: ln 1.25e = 1.22.
{
	my $n = 20000;
	my @halves;

	foreach my $table (qw(sixty sixty_one))
	{
		my @counts = statistics($n, "SELECT dp_count(*) FROM $table", 'c bigint',
			'i % 2, coalesce(c, -1)');
		my %half = (0 => {}, 1 => {});

		while (my ($half, $value) = splice @counts, 0, 2)
		{
			$half{$half}->{$value}++;
		}
		push @halves, \%half;
	}

	# How often the event happens in a half of a side.
	my $times = sub {
		my ($side, $half, $event) = @_;
		my ($at_least, $t) = @$event;
		my $sum = 0;

		foreach my $value (keys %{ $halves[$side]->{$half} })
		{
			$sum += $halves[$side]->{$half}->{$value}
			  if $at_least ? $value >= $t : $value <= $t;
		}
		return $sum;
	};
	# Lower confidence bound on ln(P(event on one side) / P(on the other)).
	my $bound = sub {
		my ($half, $event, $side) = @_;
		my ($many, $few) = map { $times->($_, $half, $event) } $side, 1 - $side;

		return -9 if $many == 0;
		$few = 1 if $few == 0;
		return log($many / $few) -
		  5 * sqrt(1 / $many + 1 / $few - 2 / ($n / 2));
	};
	my ($best, $best_bound, $best_side) = (undef, -9, 0);

	foreach my $t (40 .. 80)
	{
		foreach my $at_least (0, 1)
		{
			my $side = $at_least ? 1 : 0;
			my $found = $bound->(0, [ $at_least, $t ], $side);

			($best, $best_bound, $best_side) = ([ $at_least, $t ], $found, $side)
			  if $found > $best_bound;
		}
	}
	my $measured = $bound->(1, $best, $best_side);

	note(sprintf 'epsilon measured on neighbours: at least %.3f, event "at %s %d"',
		$measured, $best->[0] ? 'least' : 'most', $best->[1]);
	cmp_ok($measured, '<=', 1, 'neighbours are told apart no better than epsilon allows');
	cmp_ok($measured, '>=', 0.5, 'and the test has the power to tell them apart');
}

$node->stop;
done_testing();
