# Pairs.pm
#	The neighbours that the audit tells apart, and what it asks about them.
#
# Side A has one individual that side B has not.  A table holds many copies of the
# same small data set, one for each group g, with individuals of its own; so one
# query is as many independent releases as there are groups.  An entry:
#
#	name		what is tried
#	ask			what is asked, each with its name: 'dp_count(*) AS c, dp_sum(x) AS s'
#	see			features of an answer: expressions over these names (default: the
#				names)
#	columns		of the table, after person and g (default: 'x float8 NOT NULL')
#	others		[ how many, their values by i = 1, 2, ... ] (default: [50, '2 * i'])
#	one			the rows that the individual of side A has: values, or a SELECT
#				(default: '100')
#	several		true if an individual may have several rows: the table has no unique
#				index on the person, so that contributions are bounded
#	backward	true if side B holds its rows in the other order
#	parts		true if a release is all the groups of a column "part" together: the
#				features are then aggregates over them
#	bounds		of the columns that have bounds (default: { x => '0, 100' })
#	epsilon, delta, max_groups, max_rows
#				settings (default: 1, 1e-6, as protected); the first two are the claim
#	power		what must be measured at least, to show that the audit sees something
#	never		sides that must never show: 'a', 'b' or 'ab'
#	rare		the side that shows with probability delta at most
#	grain		numbers that answers are multiplied with to look at what is left after
#				the point
#	groups, releases
#				in a query and on a side (default: 1000, 100,000; fewer where each is
#				several groups, or many rows)
#
# Ungated: with 50 individuals and delta 1e-6 nearly all groups of one or two
# coordinates show; where there are more of them, there are more individuals.

package Pairs;

use strict;
use warnings;

my @pairs = (

	# ----- counts

	{ name => 'count', ask => 'dp_count(*) AS c', power => 0.5 },
	{ name => 'count, epsilon 0.5', ask => 'dp_count(*) AS c', epsilon => 0.5, delta => 1e-3, power => 0.25 },
	{ name => 'count, epsilon 3', ask => 'dp_count(*) AS c', epsilon => 3, power => 1.5 },
	{ name => 'two counts of the same rows', ask => 'dp_count(*) AS c, dp_count_distinct(person) AS d',
		power => 0.5 },
	{ name => 'count of values, NULL against no row', columns => 'x float8', one => 'NULL',
		ask => 'dp_count(*) AS c, dp_count(x) AS d', power => 0.5 },
	{ name => 'count of values, a value against no row', columns => 'x float8',
		ask => 'dp_count(*) AS c, dp_count(x) AS d', power => 0.5 },
	{ name => 'count with FILTER', ask => 'dp_count(*) AS c, dp_count(*) FILTER (WHERE x > 50) AS d',
		power => 0.5 },
	{ name => 'count, rows in the other order', backward => 1, ask => 'dp_count(*) AS c', power => 0.5 },

	# ----- the gate

	{ name => 'gate: 1 individual against 0', others => [ 0, '0' ], never => 'ab',
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 19 individuals against 18', others => [ 18, '2 * i' ], delta => 0.01, never => 'ab',
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 20 individuals against 19', others => [ 19, '2 * i' ], delta => 0.01, rare => 'a',
		never => 'b', ask => 'dp_count(*) AS c' },
	{ name => 'gate: 21 individuals against 20', others => [ 20, '2 * i' ], delta => 0.01, rare => 'b',
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 22 individuals against 21', others => [ 21, '2 * i' ], delta => 0.01,
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 20 individuals of several rows against 19', several => 1, others => [ 19, '2 * i' ],
		one => 'SELECT 100 FROM generate_series(1, 20)', delta => 0.01, rare => 'a', never => 'b',
		max_rows => 5, ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'gate: 21 individuals against 20, epsilon 0.1', others => [ 20, '2 * i' ], epsilon => 0.1,
		delta => 0.01, rare => 'b', ask => 'dp_count(*) AS c, dp_avg(x) AS a' },

	# ----- sums and averages

	{ name => 'sum, a value at the upper bound', ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'sum, a value at the lower bound', others => [ 50, '2 * i - 100' ], one => '-100',
		ask => 'dp_sum(x, -100, 100) AS s', power => 0.5 },
	{ name => 'sum, a value far beyond the bound', one => '1e6', ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'count and sum, a value at the bound', ask => 'dp_count(*) AS c, dp_sum(x) AS s', power => 0.5 },
	{ name => 'count and sum, 1e300', one => '1e300', ask => 'dp_count(*) AS c, dp_sum(x) AS s', power => 0.5 },
	{ name => 'count and sum, minus infinity', one => q('-Infinity'), ask => 'dp_count(*) AS c, dp_sum(x) AS s',
		power => 0.5 },
	{ name => 'count and sum, NaN against no row', columns => 'x float8', one => q('NaN'),
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'count and sum, NaN where there is no NULL', one => q('NaN'),
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'count and sum, NULL against no row', columns => 'x float8', one => 'NULL',
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'sum of integers, 2^63 - 1', columns => 'x bigint NOT NULL', one => '9223372036854775807',
		ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'sum of numeric, 100 digits', columns => 'x numeric NOT NULL', one => '1' . '0' x 99,
		ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'sum, bounds of 1e100', others => [ 50, '1e98 * i' ], one => '1e100',
		ask => 'dp_sum(x, -1e100, 1e100) AS s', power => 0.5 },
	{ name => 'sum, bounds of 1e-300', others => [ 50, '1e-302 * i' ], one => '1e-300',
		ask => 'dp_sum(x, 0, 1e-300) AS s', power => 0.5 },
	{ name => 'average, a value at the bound', ask => 'dp_avg(x) AS a' },
	{ name => 'average, all others at the bound', others => [ 50, '100' ], one => '0', ask => 'dp_avg(x) AS a',
		power => 0.3 },
	{ name => 'count and average', ask => 'dp_count(*) AS c, dp_avg(x) AS a', see => 'c, a, c * (a - 50)',
		power => 0.5 },
	{ name => 'count, sum and average, with NULLs', columns => 'x float8',
		others => [ 60, 'CASE WHEN i % 3 > 0 THEN i END' ],
		ask => 'dp_count(*) AS n, dp_count(x) AS c, dp_sum(x) AS s, dp_avg(x) AS a', power => 0.3 },
	{ name => 'sums of two columns', columns => 'x float8 NOT NULL, y float8 NOT NULL',
		others => [ 60, 'i, 100 - i' ], one => '100, 0', bounds => { x => '0, 100', y => '0, 100' },
		ask => 'dp_sum(x) AS s, dp_sum(y) AS t, dp_count(*) AS c', power => 0.4 },
	{ name => 'average of an expression', ask => 'dp_count(*) AS c, dp_avg(100 - 2 * x) AS a',
		see => 'c, a, c * a', power => 0.5 },

	# ----- what rounding might leave: even and odd, and the last bits

	{ name => 'parity: 61 individuals against 60, integers', columns => 'x int NOT NULL',
		others => [ 60, 'i % 4' ], one => '1', epsilon => 0.5, delta => 1e-3, grain => [ 60, 61 ],
		ask => 'dp_count(*) AS c, dp_sum(x, 0, 3) AS s, dp_avg(x, 0, 3) AS a' },
	{ name => 'parity: 61 individuals against 60, the middle of the bounds', others => [ 60, 'i % 4' ], one => '1.5',
		epsilon => 0.5, delta => 1e-3, grain => [ 60, 61 ],
		ask => 'dp_count(*) AS c, dp_sum(x, 0, 3) AS s, dp_avg(x, 0, 3) AS a' },
	{ name => 'parity: 61 individuals against 60, thirds, the other way round', others => [ 60, 'i / 3.0' ],
		one => '1 / 3.0', epsilon => 0.5, delta => 1e-3, grain => [ 60, 61, 3 ], backward => 1,
		ask => 'dp_avg(x, 0, 20) AS a, dp_sum(x, 0, 20) AS s' },

	# ----- bounded contributions

	{ name => 'several rows: 30 of them, 10 count', several => 1, others => [ 28, '2 * i' ],
		one => 'SELECT 100 FROM generate_series(1, 30)', delta => 0.01, max_rows => 10,
		ask => 'dp_count(*) AS c', power => 0.5 },
	{ name => 'several rows: 10,000 of them, 10 count', several => 1, others => [ 30, '2 * i' ],
		one => 'SELECT 100 FROM generate_series(1, 10000)', delta => 0.01, max_rows => 10, groups => 20,
		releases => 2000, ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'several rows: sum and average', several => 1, others => [ 30, '2 * i' ],
		one => 'SELECT 1000 FROM generate_series(1, 20)', delta => 0.01, max_rows => 5,
		ask => 'dp_count(*) AS c, dp_sum(x) AS s, dp_avg(x) AS a', power => 0.4 },
	{ name => 'several rows: one row counts', several => 1, others => [ 28, '2 * i' ],
		one => 'SELECT 10 * i FROM generate_series(1, 10) i', delta => 0.01,
		ask => 'dp_count(*) AS c, dp_sum(x) AS s', power => 0.5 },
	{ name => 'several groups: 2 of them, 1 counts', several => 1, columns => 'part int NOT NULL, x float8 NOT NULL',
		others => [ 54, 'i % 2, i' ], one => 'SELECT p, 100 FROM generate_series(0, 1) p', delta => 0.01,
		parts => 1, releases => 50000, ask => 'dp_count(*) AS c',
		see => 'sum(c), max(c) FILTER (WHERE part = 0), max(c) FILTER (WHERE part = 1)' },
	{ name => 'several groups: 3 of them, 2 count', several => 1, columns => 'part int NOT NULL, x float8 NOT NULL',
		others => [ 105, 'i % 3, i' ], one => 'SELECT p, 100 FROM generate_series(0, 2) p', delta => 0.01,
		max_groups => 2, parts => 1, releases => 34000, ask => 'dp_count(*) AS c, dp_sum(x) AS s',
		see => 'sum(c), max(c), sum(s), count(*)' },

	# ----- spread and pairs of columns

	{ name => 'variance', others => [ 60, '50' ], ask => 'dp_var(x) AS v', delta => 1e-4 },
	{ name => 'variance, beside count and average', others => [ 60, '50' ], delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_avg(x) AS a, dp_var(x) AS v', see => 'c, a, v, c * v' },
	{ name => 'variance, a value far beyond the bound', others => [ 60, '50' ], one => '1e6', delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_var(x) AS v', see => 'c, v, c * v' },
	{ name => 'standard deviation', others => [ 60, '50' ], delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_stddev(x) AS d', see => 'c, d, c * d * d' },
	{ name => 'standard deviation, several rows', several => 1, others => [ 40, '50' ],
		one => 'SELECT 100 * (i % 2) FROM generate_series(1, 20) i', delta => 1e-2, max_rows => 5,
		ask => 'dp_count(*) AS c, dp_stddev(x) AS d', see => 'c, d, c * d * d' },
	{ name => 'variance, NULL against no row', columns => 'x float8', others => [ 60, 'i' ], one => 'NULL',
		delta => 1e-4, ask => 'dp_count(*) AS c, dp_var(x) AS v' },
	{ name => 'covariance', columns => 'x float8 NOT NULL, y float8 NOT NULL', others => [ 60, '50, 50' ],
		one => '100, 100', bounds => { x => '0, 100', y => '0, 100' }, delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_covar(y, x) AS v', see => 'c, v, c * v' },
	{ name => 'correlation', columns => 'x float8 NOT NULL, y float8 NOT NULL', others => [ 80, 'i % 2 * 100, i % 2 * 100' ],
		one => '0, 100', bounds => { x => '0, 100', y => '0, 100' }, delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_corr(y, x) AS r' },
	{ name => 'slope and intercept', columns => 'x float8, y float8', others => [ 80, 'i % 2 * 100, i % 2 * 100' ],
		one => '100, 0', bounds => { x => '0, 100', y => '0, 100' }, delta => 1e-4,
		ask => 'dp_regr_slope(y, x) AS s, dp_regr_intercept(y, x) AS i' },
	{ name => 'ends of an interval', ask => 'dp_low(dp_count(*), 0.9) AS l, dp_count(*) AS c, dp_high(dp_count(*), 0.9) AS h',
		groups => 100, releases => 20000, power => 0.5 },

	# ----- order statistics.  On a grid of few points, as the distance of one
	# individual shows best there.

	{ name => 'median, half of them at each end', columns => 'x int NOT NULL', others => [ 60, 'i % 2 * 10' ], one => '10',
		delta => 1e-4, ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median, in the middle', columns => 'x int NOT NULL', others => [ 60, 'i % 11' ], one => '10',
		delta => 1e-4, ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median, NULL against no row', columns => 'x int', others => [ 60, 'i % 11' ], one => 'NULL',
		delta => 1e-4, ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median, several rows', several => 1, columns => 'x int NOT NULL', others => [ 50, 'i % 2 * 10' ],
		one => 'SELECT 10 FROM generate_series(1, 20)', delta => 1e-3, max_rows => 5,
		ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median: 21 individuals against 20', columns => 'x int NOT NULL', others => [ 20, 'i % 2 * 10' ], one => '10',
		delta => 0.01, rare => 'b', ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median: 20 individuals against 19', columns => 'x int NOT NULL', others => [ 19, 'i % 2 * 10' ], one => '10',
		delta => 0.01, rare => 'a', never => 'b', ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'quantile 0.9', columns => 'x int NOT NULL', others => [ 60, 'CASE WHEN i % 10 > 0 THEN 0 ELSE 10 END' ],
		one => '10', delta => 1e-4, ask => 'dp_quantile(x, 0.9, 0, 10) AS q' },
	{ name => 'three quantiles', columns => 'x int NOT NULL', others => [ 90, 'i % 2 * 10' ], one => '10', delta => 1e-3,
		ask => 'dp_quantile(x, ARRAY[0.25, 0.5, 0.75], 0, 10) AS q', see => 'q[1], q[2], q[3]' },
	{ name => 'seven quantiles', columns => 'x int NOT NULL', others => [ 150, 'i % 2 * 10' ], one => '10', delta => 1e-3,
		ask => 'dp_quantile(x, ARRAY[0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95], 0, 10) AS q', see => 'q[1], q[3], q[4], q[5], q[7]' },
	{ name => 'minimum and maximum', columns => 'x int NOT NULL', others => [ 90, '5' ], one => '10', delta => 1e-3,
		ask => 'dp_min(x, 0, 10) AS l, dp_max(x, 0, 10) AS h' },
	{ name => 'maximum, a value far beyond the bound', columns => 'x int NOT NULL', others => [ 60, '0' ], one => '1000000',
		delta => 1e-3, ask => 'dp_max(x, 0, 10) AS h' },

	# ----- categories

	{ name => 'mode', columns => 'x text NOT NULL', others => [ 100, q(CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END) ],
		one => q('b'), bounds => {}, delta => 1e-3, ask => 'dp_mode(x) AS m' },
	{ name => 'mode: 20 individuals against 19', columns => 'x text NOT NULL', others => [ 119, q(CASE WHEN i <= 19 THEN 'b' ELSE 'a' END) ],
		one => q('b'), bounds => {}, delta => 0.01, ask => 'dp_mode(x) AS m' },
	{ name => 'mode: 21 individuals against 20, alone', columns => 'x text NOT NULL', others => [ 20, q('b') ],
		one => q('b'), bounds => {}, delta => 0.01, rare => 'b', ask => 'dp_mode(x) AS m' },
	{ name => 'top', columns => 'x text NOT NULL', others => [ 100, q(CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END) ],
		one => q('b'), bounds => {}, delta => 1e-3, ask => 'dp_top(x, 3) AS t',
		see => '(t[1]).value, (t[1]).count, (t[2]).value, (t[2]).count', power => 0.4 },
	{ name => 'top: 20 individuals against 19', columns => 'x text NOT NULL', others => [ 69, q(CASE WHEN i <= 19 THEN 'b' ELSE 'a' END) ],
		one => q('b'), bounds => {}, delta => 0.01, ask => 'dp_top(x, 3) AS t',
		see => 'array_length(t, 1), (t[1]).value, (t[1]).count, (t[2]).count' },
	{ name => 'top, several rows in several categories', several => 1, columns => 'x text NOT NULL',
		others => [ 80, q(CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END) ],
		one => q(SELECT CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 20) i), bounds => {},
		delta => 1e-2, max_rows => 5, ask => 'dp_top(x, 3) AS t',
		see => '(t[1]).count + (t[2]).count, (t[1]).value, (t[1]).count, (t[2]).count' },
	{ name => 'histogram', others => [ 80, '2 * i % 100' ], delta => 1e-3, ask => 'dp_histogram(x, 0, 100, 4) AS h',
		see => '(h[1]).count, (h[2]).count, (h[4]).count', power => 0.4 },
	{ name => 'histogram: 20 individuals against 19', others => [ 19, '2 * i' ], delta => 0.01, rare => 'a', never => 'b',
		ask => 'dp_histogram(x, 0, 100, 4) AS h', see => '(h[1]).count, (h[4]).count' },
	{ name => 'histogram, several rows', several => 1, others => [ 60, '2 * i % 100' ],
		one => 'SELECT 10 * i FROM generate_series(0, 10) i', delta => 1e-2, max_rows => 3,
		ask => 'dp_histogram(x, 0, 100, 2) AS h', see => '(h[1]).count, (h[2]).count, (h[1]).count + (h[2]).count' },
	{ name => 'distinct values, a new one', columns => 'x int NOT NULL', others => [ 60, 'i' ], one => '100', delta => 1e-4,
		ask => 'dp_count_distinct(x) AS d', power => 0.4 },
	{ name => 'distinct values, several rows', several => 1, columns => 'x int NOT NULL', others => [ 40, 'i' ],
		one => 'SELECT 100 + i FROM generate_series(1, 20) i', delta => 1e-2, max_rows => 5,
		ask => 'dp_count_distinct(x) AS d, dp_count(*) AS c' },
	{ name => 'bounds, an outlier', others => [ 100, '10' ], one => '1e6', bounds => {}, delta => 1e-4,
		ask => 'dp_bounds(x) AS b', see => 'b[1], b[2]', groups => 200, releases => 20000 },

	# ----- several mechanisms share epsilon

	{ name => 'count, median and mode together', columns => 'x int NOT NULL', others => [ 150, 'i % 2 * 10' ], one => '10',
		delta => 0.01, ask => 'dp_count(*) AS c, dp_median(x, 0, 10) AS m, dp_mode(x) AS o' },
	{ name => 'sum, histogram and top together', columns => 'x int NOT NULL', others => [ 200, 'i % 2 * 10' ], one => '10',
		delta => 0.01, ask => 'dp_sum(x, 0, 10) AS s, dp_histogram(x, 0, 10, 2) AS h, dp_top(x, 2) AS t',
		see => 's, (h[2]).count, (t[1]).value, (t[1]).count' },
);

# What a fault must fail: any of these pairs shows it.
my %faults = (
	NOISE_SCALE => [ 'count', 'sum, a value at the upper bound' ],
	GATE_OFF => [ 'gate: 1 individual against 0', 'gate: 20 individuals against 19' ],
	GATE_19 => [ 'gate: 20 individuals against 19', 'gate: 21 individuals against 20' ],
	CAPS_OFF => [ 'several rows: 30 of them, 10 count', 'several groups: 2 of them, 1 counts' ],
	CLAMP_OFF => [ 'sum, a value far beyond the bound' ],
	TWO_DRAWS => [ 'two counts of the same rows', 'count and sum, a value at the bound' ],
);

# All entries, complete.
sub all
{
	my ($scale) = @_;

	return map {
		my %pair = (
			columns => 'x float8 NOT NULL', others => [ 50, '2 * i' ], one => '100', bounds => { x => '0, 100' },
			epsilon => 1, delta => 1e-6, groups => 1000, releases => 100000, never => '', %$_);

		$pair{see} //= join ', ', $pair{ask} =~ /\bAS (\w+)/g;
		$pair{releases} *= $scale;
		\%pair;
	} @pairs;
}

sub faults { return \%faults }

# SQL that makes the table NAME of a side.
sub table
{
	my ($pair, $side) = @_;
	my ($n, $values) = @{ $pair->{others} };
	my @names = $pair->{columns} =~ /(?:^|,)\s*(\w+)/g;
	my $names = join ', ', @names;
	my @types = map { /\w+ (\w+)/ } split /,/, $pair->{columns};
	my $cast = join ', ', map { "v.$names[$_]::$types[$_]" } 0 .. $#names;
	my $order = $pair->{backward} && $side eq 'b' ? 'DESC' : 'ASC';
	my $one = $pair->{one} =~ /^SELECT/ ? $pair->{one} : "SELECT $pair->{one}";
	my $rows = "SELECT i, $cast FROM generate_series(1, $n) i, LATERAL (SELECT $values) v ($names)";
	my $key = $pair->{several} ? 'NOT NULL' : 'PRIMARY KEY';

	$rows .= " UNION ALL SELECT 0, $cast FROM ($one) v ($names)" if $side eq 'a';
	return <<"SQL";
CREATE TABLE NAME (person int $key, g int NOT NULL, $pair->{columns});
INSERT INTO NAME (person, g, $names)
SELECT 100000 * g + s.person, g, @{[ join ', ', map { "s.$_" } @names ]}
FROM generate_series(1, $pair->{groups}) g, ($rows) s (person, $names)
ORDER BY g $order, s.person $order;
ANALYZE NAME;
SELECT dp_agg.protect('NAME', unit => 'person', population => 'audited');
@{[ map { "SELECT dp_agg.set_bounds('NAME', '$_', $pair->{bounds}->{$_});\n" } sort keys %{ $pair->{bounds} } ]}
SQL
}

# The query of a pair about a table.
sub query
{
	my ($pair, $table) = @_;
	my ($keys, $outer) = $pair->{parts} ? ('g, part', 'GROUP BY g') : ('g', '');

	return "SELECT $pair->{see} FROM (SELECT $keys, $pair->{ask} FROM $table GROUP BY $keys) r $outer";
}

1;
