# What the vector decides and how it is drawn.  One gate per group: the vector's gate decides for the order statistics and
# histograms beside it, where each individual of the group has a value in them; all
# else has its own gate.  A histogram alone leaves by its total or its largest bucket.
# Counts of one row for each individual have whole numbers as noise.
#
# Rates are tested at 5 standard errors: a correct build fails about once in
# 100,000 runs.

use strict;
use warnings;
use Test::More;
use DpAgg;

my $node = DpAgg::node('gates', roles => ['reader']);

$node->safe_psql('postgres', <<'SQL');
-- groups of 20, 60 and 200 individuals, 100 of each; y has 20 values in a group, z has
-- 19, w is what most have; f has NaN in three of four rows
CREATE TABLE sized (id int PRIMARY KEY, g int NOT NULL, n int NOT NULL, x int NOT NULL,
	y int, z int, w text NOT NULL, f float8 NOT NULL, h float8, c numeric NOT NULL);
INSERT INTO sized
SELECT 1000000 * s + 1000 * g + i, 1000 * s + g, s, i % 11,
	CASE WHEN i <= 20 THEN 5 END, CASE WHEN i <= 19 THEN 5 END, CASE WHEN i <= 20 THEN 'a' ELSE 'b' || i END,
	CASE WHEN i % 4 > 0 THEN float8 'NaN' ELSE 1 END, CASE WHEN i % 4 > 0 THEN float8 'NaN' ELSE 1 END,
	CASE WHEN i % 4 > 0 THEN float8 'NaN' ELSE 1 END
FROM unnest('{20,60,200}'::int[]) s, generate_series(1, 100) g, LATERAL generate_series(1, s) i;

-- the same, but rows of one individual are bounded
CREATE TABLE bounded AS SELECT * FROM sized;
ALTER TABLE bounded ALTER id SET NOT NULL, ALTER g SET NOT NULL, ALTER n SET NOT NULL, ALTER x SET NOT NULL;
ANALYZE;

SELECT dp_agg.protect(t, unit => 'id', population => 'people', max_groups => 1, max_rows => 1)
FROM unnest('{sized,bounded}'::regclass[]) t;
SELECT dp_agg.set_bounds(t, c, 0, 10) FROM unnest('{sized,bounded}'::regclass[]) t, unnest('{x,y,z,f,h,c}'::name[]) c;
-- who may read the rows has no budget to exhaust, and the same gates
GRANT SELECT ON sized, bounded TO reader;
SQL

# shown(TABLE, SIZE, OUTPUTS, COUNTED, RUNS, SETTINGS): of the groups of a size, over some
# releases, how many show, and of how many of these the condition holds.
sub shown
{
	my ($table, $size, $outputs, $counted, $runs, $settings) = @_;

	return split /\|/, DpAgg::value($node, 'reader', ($settings // '') . <<"SQL");
CREATE TEMP TABLE answer (good bool);
CREATE PROCEDURE pg_temp.ask() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. $runs LOOP
		INSERT INTO answer SELECT $counted FROM (SELECT g, $outputs FROM $table WHERE n = $size GROUP BY g) r;
		COMMIT;
	END LOOP;
END
\$\$;
CALL pg_temp.ask();
SELECT count(*), count(*) FILTER (WHERE good) FROM answer;
SQL
}

# at_most(TIMES, N, P, NAME): that something of probability P at most happened TIMES of N times.
sub at_most
{
	my ($times, $n, $p, $name) = @_;
	my $most = $p * $n + 5 * sqrt($p * $n) + 5;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	cmp_ok($times, '<=', $most, "$name: $times of $n, expected " . $p * $n . ' at most');
	return;
}

my $two = 'SET dp_agg.epsilon = 2;';
my $rare = "$two SET dp_agg.delta = 0.01;";

foreach my $table (qw(sized bounded))
{
	# 60 individuals are beyond the threshold of the vector (38), where a median with a gate
	# of its own has 65, or more.
	foreach my $case (
		[ 'dp_count(*) AS c, dp_median(x) AS m', 'm IS NOT NULL' ],
		[ 'dp_count(*) AS c, dp_quantile(x, ARRAY[0.25, 0.5, 0.75]) AS m', 'm IS NOT NULL' ],
		[ 'dp_count(*) AS c, dp_min(x) AS m', 'm IS NOT NULL' ],
		[ 'dp_avg(x) AS c, dp_median(x) AS m', 'm IS NOT NULL', 2 ],
		[ 'dp_count(*) AS c, dp_histogram(x, 0, 10, 1000) AS m', 'm IS NOT NULL' ])
	{
		my ($outputs, $good, $times) = @$case;
		my ($shown, $holds) = shown($table, 60, $outputs, $good, 4,
			'SET dp_agg.epsilon = ' . 2 * ($times // 1) . ';');

		is("$shown $holds", '400 400', "60 individuals always show ($table): $outputs");
	}

	# Exactly 20 show with probability delta, all of which the vector's gate has; and then with
	# all that is beside it.
	foreach my $outputs ('dp_count(*) AS c, dp_median(x) AS m', 'dp_count(*) AS c, dp_histogram(x, 0, 10, 1000) AS m')
	{
		my ($shown, $holds) = shown($table, 20, $outputs, 'm IS NOT NULL', 100, $rare);

		at_most($shown, 10000, 0.01, "exactly 20, delta 0.01 ($table): $outputs");
		cmp_ok($shown, '>', 20, 'and some do');
		is($holds, $shown, 'with all that is beside the count');
	}

	# Where some have no value, or a condition leaves some out, the part looks at those who have one.
	foreach my $case (
		[ 'dp_median(y)', 0.005 ], [ 'dp_median(z)', 0 ], [ 'dp_histogram(y, 0, 10, 4)', 0.005 ],
		[ 'dp_histogram(z, 0, 10, 4)', 0 ], [ 'dp_quantile(z, ARRAY[0.1, 0.5, 0.9])', 0 ],
		[ 'dp_median(x) FILTER (WHERE id % 10 = 0)', 0.005 ], [ 'dp_median(x) FILTER (WHERE id % 11 = 0)', 0 ],
		[ 'dp_histogram(x, 0, 10, 2) FILTER (WHERE id % 11 = 0)', 0 ],
		[ 'dp_median(CASE WHEN id % 11 = 0 THEN x END)', 0 ], [ 'dp_median(nullif(x, x / 20))', 0.005 ])
	{
		my ($output, $p) = @$case;
		my ($shown, $holds) = shown($table, 200, "dp_count(*) AS c, $output AS m", 'm IS NOT NULL', 20, $rare);

		is($shown, 2000, "200 individuals show ($table)");
		if ($p == 0 || $output =~ /nullif/)
		{
			is($holds, $p == 0 ? 0 : $shown, "beside $output: " . ($p == 0 ? 'of 19 nothing' : 'of many'));
		}
		else { at_most($holds, 2000, $p, "beside $output of 20"); }
	}

	# Rows without the value that all is about are left out first: the gate is about those who have one.
	foreach my $case ([ 'dp_avg(y) AS c, dp_median(y) AS m', 0.01 ], [ 'dp_count(y) AS c, dp_median(y) AS m', 0.01 ],
		[ 'dp_avg(z) AS c, dp_median(z) AS m', 0 ], [ 'dp_count(z) AS c, dp_histogram(z, 0, 10, 3) AS m', 0 ])
	{
		my ($outputs, $p) = @$case;
		my ($shown, $holds) = shown($table, 200, $outputs, 'm IS NOT NULL', 50, $rare);

		at_most($shown, 5000, $p, "20 values or 19 of 200 ($table): $outputs") if $p > 0;
		is($shown, 0, "19 values of 200 ($table): $outputs") if $p == 0;
		is($holds, $shown, 'and what shows is complete');
	}

	# Which values there are is as secret beside a vector as without.
	foreach my $case ([ 'dp_mode(w)', 0.005 ], [ 'dp_top(w, 3)', 0.005 ])
	{
		my ($output, $p) = @$case;
		my ($shown, $holds) = shown($table, 200, "dp_count(*) AS c, $output AS m", 'm IS NOT NULL', 20, $rare);

		is($shown, 2000, "200 individuals show ($table)");
		at_most($holds, 2000, $p, "beside $output of a value of 20");
	}
	{
		my ($shown, $holds) = shown($table, 200, 'dp_count(*) AS c, dp_bounds(z) AS m', 'm IS NOT NULL', 20, $rare);

		is("$shown $holds", '2000 0', "beside dp_bounds of 19 ($table)");
	}

	# Alone, all is as it was; a histogram shows by one large bucket, or by all together.
	foreach my $case ([ 'dp_median(x) AS m', 20, 0.01 ], [ 'dp_median(z) AS m', 200, 0 ],
		[ 'dp_histogram(x, 0, 10, 4) AS m', 20, 0.01 ], [ 'dp_histogram(y, 0, 10, 1000) AS m', 200, 0.01 ],
		[ 'dp_histogram(z, 0, 10, 1000) AS m', 200, 0 ])
	{
		my ($outputs, $size, $p) = @$case;
		my ($shown, $holds) = shown($table, $size, $outputs, 'true', 50, $rare);

		at_most($shown, 5000, $p, "alone, 20 or 19 ($table): $outputs") if $p > 0;
		is($shown, 0, "alone, 19 ($table): $outputs") if $p == 0;
	}
	{
		my ($shown) = shown($table, 60, 'dp_histogram(x * 0, 0, 10, 1000) AS m', 'true', 4);

		is($shown, 400, "60 individuals in one bucket of 1,000 show ($table)");
		($shown) = shown($table, 60, 'dp_histogram(x, 0, 10, 1000) AS m', 'true', 4);
		is($shown, 0, 'those in 11 of 1,000 do not');
		($shown) = shown($table, 200, 'dp_histogram(x, 0, 10, 11) AS m', 'true', 4);
		is($shown, 400, 'and 200 in 11 of 11 do');
	}
}

# NaN is the largest of values where each row must have one, and no value where not.
foreach my $case ([ f => 10 ], [ c => 10 ], [ h => 1 ])
{
	my ($column, $median) = @$case;

	is(DpAgg::value($node, 'reader', <<"SQL"), $median, "three of four are NaN: the median of $column");
SET dp_agg.epsilon = 1000;
SELECT round(dp_median($column)) FROM sized;
SQL
	is(DpAgg::value($node, 'reader', <<"SQL"), $median, "beside a count: the median of $column");
SET dp_agg.epsilon = 1000;
SELECT m FROM (SELECT dp_count(*), round(dp_median($column)) AS m FROM sized) s;
SQL
}

# Counts have the deviation of the discrete Laplace mechanism, alone and beside each other; their
# intervals hold the truth, and the standard errors are those.
sub discrete
{
	my ($rate) = @_;

	return sqrt(2 * exp(-$rate)) / (1 - exp(-$rate));
}

# counts(TABLE, OUTPUTS, STATISTICS, SETTINGS): of 2,000 groups.
sub counts
{
	my ($table, $outputs, $statistics, $settings) = @_;

	return split /\|/, DpAgg::value($node, 'reader', ($settings // '') . <<"SQL");
CREATE TEMP TABLE answer AS SELECT $outputs FROM $table WHERE false GROUP BY g;
CREATE PROCEDURE pg_temp.ask() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. 20 LOOP
		INSERT INTO answer SELECT $outputs FROM $table WHERE n = 200 GROUP BY g;
		COMMIT;
	END LOOP;
END
\$\$;
CALL pg_temp.ask();
SELECT count(*), $statistics FROM answer;
SQL
}

# close_to(VALUE, EXPECTED, NAME): a root mean square of 2,000 values, whose fourth moment is
# about 6 at epsilon 1, and more where most of them are 0.
sub close_to
{
	my ($value, $expected, $name) = @_;
	my $kurtosis = 6 + 1 / $expected**2;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	cmp_ok(abs($value / $expected - 1), '<=', 5 * sqrt(($kurtosis - 1) / 2000) / 2,
		sprintf '%s: %.4f, expected %.4f', $name, $value, $expected);
	return;
}

foreach my $epsilon (1, 2, 3, 5)
{
	my $sd = discrete($epsilon);
	my $set = "SET dp_agg.epsilon = $epsilon;";

	foreach my $table (qw(sized bounded))
	{
		my ($n, $rms, $holds, $width) = counts($table, 'dp_count(*) AS c, dp_low(dp_count(*), 0.9) AS l, dp_high(dp_count(*), 0.9) AS u',
			'sqrt(avg((c - 200) ^ 2)), avg((200 BETWEEN l AND u)::int), avg(u - l)', $set);

		is($n, 2000, "all groups show ($table, epsilon $epsilon)");
		close_to($rms, $sd, "count ($table, epsilon $epsilon)");
		cmp_ok($holds, '>=', 0.9 - 5 * sqrt(0.9 * 0.1 / 2000), "intervals of 90 % hold the truth in $holds");
		# the least number w such that |z| <= w has 90 %; each end may be one more
		my $least = 0;
		$least++ while 1 - 2 * exp(-$epsilon * ($least + 1)) / (1 + exp(-$epsilon)) < 0.9;
		cmp_ok($width, '<=', 2 * $least + 2.01, "and are not much wider than they must be: $width");

		# h is NaN in three of four rows, and NaN is no value
		my ($m, $all, $values, $both) = counts($table, 'dp_count(*) AS c, dp_count(h) AS v',
			'sqrt(avg((c - 200) ^ 2)), sqrt(avg((v - 50) ^ 2)), avg((c - 200) * (v - 50))', $set);

		close_to($all, sqrt(2) * $sd, "count beside a count ($table, epsilon $epsilon)");
		close_to($values, $sd, "count of values ($table, epsilon $epsilon)");
	}
	my $errors = DpAgg::value($node, 'reader', <<"SQL");
$set
SELECT count(*) FROM (SELECT g, dp_count(*), dp_count(h) FROM sized GROUP BY g) s;
SELECT string_agg(round(standard_error::numeric, 4)::text, ' ') FROM dp_agg.last_release();
SQL
	is((split /\n/, $errors)[-1], sprintf('%.4f %.4f', sqrt(2) * $sd, $sd), "their standard errors (epsilon $epsilon)");
}

# One row for each individual and group is what makes counts whole, whatever the data.
foreach my $case (
	[ 'max_rows => 1, max_groups => 2', discrete(0.5), 'dp_count(*)' ],
	[ 'max_rows => 2, max_groups => 1', 2 * sqrt(2), 'dp_count(*)' ],
	[ 'max_rows => 2, max_groups => 1', discrete(1), 'dp_count_distinct(id)' ],
	[ 'max_rows => 1, max_groups => 20', 20 * sqrt(2), 'dp_count(*)' ],
	[ 'max_rows => 1, max_groups => 1', discrete(1), 'dp_count_distinct(x)' ])
{
	my ($limits, $expected, $output) = @$case;
	my $error;

	# a number that noise takes to 0, where it ends, has less of an error; once in some hundred times
	foreach my $try (1 .. 3)
	{
		last if defined $error && abs((split /\n/, $error)[-1] / $expected - 1) < 1e-3;
		$error = DpAgg::value($node, 'reader', <<"SQL");
SET dp_agg.delta = 0.001;
SELECT count(*) FROM (SELECT g, $output FROM bounded WHERE dp_with($limits) GROUP BY g) s;
SELECT standard_error FROM dp_agg.last_release();
SQL
	}
	cmp_ok(abs((split /\n/, $error)[-1] / $expected - 1), '<', 1e-3, "$output, $limits: error " . sprintf '%.4f', $expected);
}

# An average alone is drawn around its centre where a group is large, with the error of (1 + |c|)
# Laplace variables of 23/24 of epsilon; smaller groups have the joint noise of that.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE large (id int PRIMARY KEY, x float8 NOT NULL, far float8 NOT NULL, n int NOT NULL);
INSERT INTO large SELECT i, (i - 0.5) / 100, 90 + (i - 0.5) / 1000, 1 FROM generate_series(1, 10000) i;
INSERT INTO large SELECT 100000 + i, 25, 25, 2 FROM generate_series(1, 1000) i;
ANALYZE large;
SELECT dp_agg.protect('large', unit => 'id', population => 'people');
SELECT dp_agg.set_bounds('large', 'x', 0, 100), dp_agg.set_bounds('large', 'far', 0, 100);
GRANT SELECT ON large TO reader;
SQL
foreach my $case (
	# column, group, individuals, truth, c or none
	[ 'x', 1, 10000, 50, 0 ], [ 'far', 1, 10000, 95, 0.9 ], [ 'x', 2, 1000, 25 ])
{
	my ($column, $group, $individuals, $truth, $c) = @$case;
	my $name = "average of $individuals around $truth";
	my $joint = sqrt(20 / 3 * (1 / 2 + (($truth - 50) / 50)**2));
	my $expected = 50 / $individuals * 24 / 23 * (defined $c ? sqrt(2) * (1 + abs $c) : $joint);
	# what the look's errors of both numbers do together
	my $second = defined $c ? 50 * 48**2 * sqrt(2.5 + 3.5 * $c**2) / $individuals**2 : 0;
	my $error = sqrt($expected**2 + $second**2);
	my ($rms, $mean, $holds) = split /\|/, DpAgg::value($node, 'reader', <<"SQL");
CREATE TEMP TABLE answer (a float8, l float8, u float8);
CREATE PROCEDURE pg_temp.ask() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. 1500 LOOP
		INSERT INTO answer SELECT dp_avg($column), dp_low(dp_avg($column), 0.9), dp_high(dp_avg($column), 0.9) FROM large WHERE n = $group;
		COMMIT;
	END LOOP;
END
\$\$;
CALL pg_temp.ask();
SELECT sqrt(avg((a - $truth) ^ 2)), avg(a - $truth), avg(($truth BETWEEN l AND u)::int) FROM answer;
SQL

	cmp_ok(abs($rms / $error - 1), '<', 5 * sqrt(5 / 1500) / 2 + 0.03, "$name: error $rms, expected " . sprintf '%.5f', $error);
	cmp_ok($rms, '<', 0.0082, "$name: sharper than joint noise") if $truth == 50;
	cmp_ok(abs $mean, '<', 5 * $error / sqrt 1500, "$name: without bias");
	cmp_ok(abs($holds - 0.9), '<', 5 * sqrt(0.09 / 1500) + 0.01, "$name: intervals of 90 % hold in $holds");
	my $stated = DpAgg::value($node, 'reader', <<"SQL");
SELECT dp_avg($column) IS NOT NULL FROM large WHERE n = $group;
SELECT standard_error FROM dp_agg.last_release();
SQL
	cmp_ok(abs((split /\n/, $stated)[-1] / $expected - 1), '<', 0.15, "$name: the standard error is about that");
}

$node->stop;
done_testing();
