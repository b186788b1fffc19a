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
#	where		condition on an answer, in these names; others count as no row
#	columns		of the table, after person and g (default: 'x float8 NOT NULL')
#	others		[ how many, the values of i = 1, 2, ..., or a SELECT of several rows ]
#				(default: [50, '2 * i'])
#	one			the rows that the individual of side A has: values, or a SELECT
#				(default: '100')
#	several		true if an individual may have several rows: the table has no unique
#				index on the person, so that contributions are bounded
#	in_sql		true if not the bounding node, but SQL bounds contributions
#	backward	true if side B holds its rows in the other order
#	parts		true if a release is all the groups of a column "part" together: the
#				features are then aggregates over them
#	sets		what stands in GROUP BY instead of g and part
#	bounds		of the columns that have bounds (default: '0, 100' of x and y, if they
#				are numbers)
#	total		bounds of the sum of an individual's x in a release
#	declared	more arguments of protect()
#	norm		what dp_agg.set_norm() declares
#	epsilon, delta, max_groups, max_rows, max_total
#				settings (default: 1, 1e-6, as protected); the first two are the claim
#	gaussian	that the account adds up rho and noise is Gaussian: 0 for values, or the
#				number of draws of whole numbers that the individual changes.  The claim is then
#				the privacy curve of that noise for rho = epsilon^2/2, as points of it
#				(Statistics::gaussian_delta), beside the delta of gates
#	power		what must be measured at least, to show that the audit sees something; of a
#				curve, at epsilon
#	never		sides that must never show: 'a', 'b' or 'ab'
#	rare		the side that shows with probability delta at most
#	grain		numbers that answers are multiplied with to look at what is left after
#				the point
#	groups, releases
#				in a query and on a side (default: 1000, 100,000; fewer where each is
#				several groups, or many rows)
#
# Epsilon is tested at 1, and at 3 where little of it goes to each output.  How many
# individuals there are, and delta, let nearly all groups show, unless the gate is
# what is tested: the fewer rows, the more releases.

package Pairs;

use strict;
use warnings;
use Statistics;

# The points of a curve: epsilon times these.
my @curve = (0, 0.5, 1, 1.5);

my @integers = (columns => 'x int NOT NULL');
my @words = (columns => 'x text NOT NULL', one => q('b'));
my @nullable = (columns => 'x float8');
my @two = (columns => 'x float8 NOT NULL, y float8 NOT NULL');
my @two_nullable = (columns => 'x float8, y float8');
my @parts = (columns => 'part int NOT NULL, x float8 NOT NULL', parts => 1, several => 1);
my @one_of_two = (
	@parts, others => [ 54, 'i % 2, i' ], one => 'SELECT p, 100 FROM generate_series(0, 1) p', delta => 0.01,
	releases => 40000, power => 0.4, ask => 'dp_count(*) AS c',
	see => 'sum(c), max(c) FILTER (WHERE part = 0), max(c) FILTER (WHERE part = 1)');

my @clipped = (
	@parts, others => [ 105, 'SELECT i % 3, i FROM generate_series(1, 4)' ], delta => 0.01, max_total => 6, max_rows => 4,
	one => 'SELECT i % 3, 100 FROM generate_series(1, 12) i', releases => 20000, power => 0.4,
	ask => 'dp_count(*) AS c', see => 'sum(c), max(c), count(*)');

my @clipped_median = (
	@clipped, columns => 'part int NOT NULL, x int NOT NULL', bounds => { x => '0, 1' }, others => [ 210, 'SELECT i % 3, i % 2 FROM generate_series(1, 4)' ],
	one => 'SELECT i % 3, 1 FROM generate_series(1, 12) i', epsilon => 2, power => 0.2, ask => 'dp_median(x) AS m', see => 'sum(m), count(*), max(m)');

my @clipped_few = (
	columns => 'x int NOT NULL', several => 1, bounds => { x => '0, 1' }, one => 'SELECT 1 FROM generate_series(1, 12)', delta => 0.1, max_total => 6,
	max_rows => 3, releases => 20000);

my @share_of_two = (
	@parts, others => [ 120, 'i % 2, i' ], one => 'SELECT 0, 100 FROM generate_series(1, 20)', delta => 0.01, max_rows => 2,
	releases => 40000, power => 0.4, ask => 'dp_count(*) AS c, dp_clipped(dp_count(*)) AS q',
	see => 'sum(c), max(c) FILTER (WHERE part = 0), max(q) FILTER (WHERE part = 0), max(q * c) FILTER (WHERE part = 0)');

# Gaussian noise.  Where it is bounded by total, individuals have two rows, and that of side A has two in each of three
# groups: together of length root 12, and scaled down to a length of 2.
my @gaussian = (gaussian => 0, power => 0.4, delta => 1e-3, releases => 30000);
my @gaussian_parts = (@gaussian, @parts, others => [ 105, 'i % 3, i' ], delta => 0.01, ask => 'dp_count(*) AS c');
my @gaussian_clipped = (
	@gaussian, @parts, others => [ 90, 'SELECT i % 3, i FROM generate_series(1, 4)' ], delta => 0.01, releases => 20000,
	max_total => 4, max_rows => 4, one => 'SELECT i % 3, 100 FROM generate_series(1, 12) i', ask => 'dp_count(*) AS c',
	see => 'sum(c), max(c), count(*)');

my @pairs = (

	# ----- counts

	{ name => 'count', ask => 'dp_count(*) AS c', power => 0.5 },
	{ name => 'count, epsilon 0.5', epsilon => 0.5, delta => 1e-3, ask => 'dp_count(*) AS c', power => 0.25 },
	{ name => 'count, epsilon 3', epsilon => 3, ask => 'dp_count(*) AS c', power => 1.5 },
	{ name => 'two counts of the same rows', power => 0.5,
		ask => 'dp_count(*) AS c, dp_count_distinct(person) AS d' },
	{ name => 'count of values, NULL against no row', @nullable, one => 'NULL', power => 0.5,
		ask => 'dp_count(*) AS c, dp_count(x) AS d' },
	{ name => 'count of values, a value against no row', @nullable, power => 0.5,
		ask => 'dp_count(*) AS c, dp_count(x) AS d' },
	{ name => 'count with FILTER', power => 0.5,
		ask => 'dp_count(*) AS c, dp_count(*) FILTER (WHERE x > 50) AS d' },
	{ name => 'count, rows in the other order', backward => 1, ask => 'dp_count(*) AS c', power => 0.5 },

	# Whole numbers as noise: what is left of the law must not show what was added.
	{ name => 'count, epsilon 5', epsilon => 5, ask => 'dp_count(*) AS c', power => 3 },
	{ name => 'count of values, epsilon 3', @nullable, epsilon => 3, power => 1.5,
		ask => 'dp_count(*) AS c, dp_count(x) AS d', see => 'c, d, c - d' },
	{ name => 'count of values, epsilon 3, NULL against no row', @nullable, one => 'NULL', epsilon => 3, power => 1.5,
		ask => 'dp_count(*) AS c, dp_count(x) AS d', see => 'c, d, c - d' },
	{ name => 'three counts', @two_nullable, one => '100, NULL', others => [ 50, '2 * i, 2 * i' ], power => 0.4,
		ask => 'dp_count(*) AS c, dp_count(x) AS d, dp_count(y) AS e', see => 'c, d, e, d - e' },
	{ name => 'counts of bounded rows', several => 1, others => [ 50, 'i' ], max_rows => 1, releases => 30000,
		one => 'SELECT 10 * i FROM generate_series(1, 5) i', power => 0.4,
		ask => 'dp_count(*) AS c, dp_count(*) FILTER (WHERE x > 40) AS d, dp_count_distinct(x) AS e', see => 'c, d, e' },
	{ name => 'counts of bounded rows in two groups', @parts, others => [ 105, 'i % 3, i' ], max_groups => 2,
		one => 'SELECT p, 100 FROM generate_series(0, 2) p', epsilon => 2, delta => 0.01, releases => 25000,
		ask => 'dp_count(*) AS c', see => 'sum(c), max(c), count(*)' },

	# ----- yes or no

	{ name => 'is there a true', columns => 'x bool NOT NULL', others => [ 60, 'i <= 4' ], one => 'true', power => 0.5,
		ask => 'dp_bool_or(x) AS b' },
	{ name => 'is there a true, where nobody else has one', columns => 'x bool NOT NULL', others => [ 60, 'false' ], one => 'true',
		power => 0.3, ask => 'dp_bool_or(x) AS b' },
	{ name => 'is there a false, beside a count', columns => 'x bool', others => [ 60, 'i > 4' ], one => 'false', power => 0.5,
		ask => 'dp_count(*) AS c, dp_bool_and(x) AS b' },
	{ name => 'is there a true or false, of 20 rows', columns => 'x bool', several => 1, others => [ 60, 'CASE WHEN i <= 30 THEN i <= 5 END' ],
		one => 'SELECT i % 2 = 0 FROM generate_series(1, 20) i', delta => 0.01, max_rows => 20, releases => 40000, power => 0.2,
		ask => 'dp_bool_or(x) AS b, dp_bool_and(x) AS a' },
	{ name => 'is there a true: 20 individuals against 19', columns => 'x bool NOT NULL', others => [ 19, 'true' ], one => 'true',
		delta => 0.01, rare => 'a', never => 'b', ask => 'dp_bool_or(x) AS b' },

	# ----- the gate

	{ name => 'gate: 1 individual against 0', others => [ 0, '0' ], never => 'ab', ask => 'dp_count(*) AS c' },
	{ name => 'gate: 19 individuals against 18', others => [ 18, 'i' ], delta => 0.01, never => 'ab',
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 20 individuals against 19', others => [ 19, 'i' ], delta => 0.01, rare => 'a', never => 'b',
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 21 individuals against 20', others => [ 20, 'i' ], delta => 0.01, rare => 'b',
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 22 individuals against 21', others => [ 21, 'i' ], delta => 0.01, power => 0.2,
		ask => 'dp_count(*) AS c' },
	{ name => 'gate: 20 individuals of several rows against 19', several => 1, others => [ 19, 'i' ],
		one => 'SELECT 100 FROM generate_series(1, 20)', delta => 0.01, max_rows => 5, releases => 50000,
		rare => 'a', never => 'b', ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'gate: 21 individuals against 20, epsilon 0.1', others => [ 20, 'i' ], epsilon => 0.1, delta => 0.01,
		rare => 'b', ask => 'dp_count(*) AS c, dp_avg(x) AS a' },

	# One gate for all of a group; values that may be missing have their own.
	{ name => 'one gate: 20 individuals against 19, with median and histogram', @integers, others => [ 19, 'i % 2 * 10' ],
		one => '10', delta => 0.01, epsilon => 3, rare => 'a', never => 'b',
		ask => 'dp_count(*) AS c, dp_median(x, 0, 10) AS m, dp_histogram(x, 0, 10, 2) AS h',
		see => 'c, m, (h[2]).count' },
	{ name => 'one gate: 21 individuals against 20, with median and histogram', @integers, others => [ 20, 'i % 2 * 10' ],
		one => '10', delta => 0.01, epsilon => 3, rare => 'b',
		ask => 'dp_count(*) AS c, dp_median(x, 0, 10) AS m, dp_histogram(x, 0, 10, 2) AS h',
		see => 'c, m, (h[2]).count' },
	{ name => 'one gate: 80 individuals, count and median', @integers, others => [ 80, 'i % 2 * 10' ], one => '10',
		epsilon => 2, ask => 'dp_count(*) AS c, dp_median(x, 0, 10) AS m', power => 0.5 },
	{ name => 'one gate: 40 individuals, count and quartiles', @integers, others => [ 40, 'i % 2 * 15' ], one => '15',
		epsilon => 3, ask => 'dp_count(*) AS c, dp_quantile(x, ARRAY[0.25, 0.5, 0.75], 0, 15) AS q',
		see => 'c, q[1], q[2], q[3]', power => 0.7 },
	{ name => 'own gate: 20 values against 19, median beside a count', columns => 'x int', one => '10',
		others => [ 80, 'CASE WHEN i <= 19 THEN i % 2 * 10 END' ], epsilon => 2, delta => 0.02, rare => 'a', never => 'b',
		where => 'm IS NOT NULL', ask => 'dp_count(*) AS c, dp_median(x, 0, 10) AS m' },
	{ name => 'own gate: 20 values against 19, histogram beside a count', columns => 'x int', one => '10',
		others => [ 80, 'CASE WHEN i <= 19 THEN i % 2 * 10 END' ], epsilon => 2, delta => 0.02, rare => 'a', never => 'b',
		where => 'h IS NOT NULL', ask => 'dp_count(*) AS c, dp_histogram(x, 0, 10, 4) AS h', see => 'c, (h[1]).count' },
	{ name => 'own gate: 20 values against 19, FILTER', @integers, one => '10', epsilon => 2, delta => 0.02, rare => 'a',
		never => 'b', others => [ 80, 'CASE WHEN i <= 19 THEN 10 ELSE 0 END' ], where => 'm IS NOT NULL',
		ask => 'dp_count(*) AS c, dp_median(x, 0, 10) FILTER (WHERE x > 5) AS m' },
	{ name => 'missing values left out: 20 values against 19', columns => 'x int', one => '10', delta => 0.01, epsilon => 2,
		others => [ 80, 'CASE WHEN i <= 19 THEN i % 2 * 10 END' ], rare => 'a', never => 'b',
		ask => 'dp_count(x) AS c, dp_median(x, 0, 10) AS m' },
	{ name => 'NaN against no row, median beside a count', one => q('NaN'), others => [ 60, 'i % 2 * 100' ], epsilon => 2,
		delta => 1e-3, groups => 500, releases => 20000, ask => 'dp_count(*) AS c, dp_median(x) AS m' },

	# ----- sums and averages

	{ name => 'sum, a value at the upper bound', ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'sum, a value at the lower bound', others => [ 50, '2 * i - 100' ], one => '-100',
		ask => 'dp_sum(x, -100, 100) AS s', power => 0.4 },
	{ name => 'sum, a value far beyond the bound', one => '1e6', ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'count and sum, a value at the bound', ask => 'dp_count(*) AS c, dp_sum(x) AS s', power => 0.5 },
	{ name => 'count and sum, 1e300', one => '1e300', ask => 'dp_count(*) AS c, dp_sum(x) AS s', power => 0.5 },
	{ name => 'count and sum, minus infinity', one => q('-Infinity'), power => 0.5,
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'count and sum, NaN against no row', @nullable, one => q('NaN'),
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'count and sum, NaN where there is no NULL', one => q('NaN'),
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'count and sum, NULL against no row', @nullable, one => 'NULL',
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'sum of integers, 2^63 - 1', columns => 'x bigint NOT NULL', one => '9223372036854775807',
		ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'sum of numeric, 100 digits', columns => 'x numeric NOT NULL', one => '1' . '0' x 99,
		ask => 'dp_sum(x) AS s', power => 0.5 },
	{ name => 'sum, bounds of 1e100', others => [ 50, '1e98 * i' ], one => '1e100',
		ask => 'dp_sum(x, -1e100, 1e100) AS s', power => 0.4 },
	{ name => 'sum, bounds of 1e-300', others => [ 50, '1e-302 * i' ], one => '1e-300',
		ask => 'dp_sum(x, 0, 1e-300) AS s', power => 0.5 },
	{ name => 'average, a value at the bound', ask => 'dp_avg(x) AS a', power => 0.4 },
	{ name => 'average, all others at the other bound', others => [ 50, '100' ], one => '0', ask => 'dp_avg(x) AS a',
		power => 0.5 },
	{ name => 'average of a large group, a value at the bound', others => [ 1700, '50' ], epsilon => 5, groups => 20,
		releases => 8000, ask => 'dp_avg(x) AS a', power => 2 },
	{ name => 'average of a large group, all others at the other bound', others => [ 1700, '100' ], one => '0', epsilon => 5,
		groups => 20, releases => 8000, ask => 'dp_avg(x) AS a', power => 2 },
	{ name => 'average of a group that looks large at times', others => [ 1248, 'i % 2 * 100' ], epsilon => 5, groups => 20,
		releases => 8000, ask => 'dp_avg(x) AS a' },
	{ name => 'gate: 20 individuals against 19, average', others => [ 19, 'i' ], delta => 0.01, rare => 'a', never => 'b',
		ask => 'dp_avg(x) AS a' },
	{ name => 'gate: 21 individuals against 20, average', others => [ 20, 'i' ], delta => 0.01, rare => 'b',
		ask => 'dp_avg(x) AS a' },
	{ name => 'count and average', ask => 'dp_count(*) AS c, dp_avg(x) AS a', see => 'c, a, c * (a - 50)',
		power => 0.5 },
	{ name => 'count, sum and average, with NULLs', @nullable, others => [ 60, 'CASE WHEN i % 3 > 0 THEN i END' ],
		ask => 'dp_count(*) AS n, dp_count(x) AS c, dp_sum(x) AS s, dp_avg(x) AS a', power => 0.5 },
	{ name => 'sums of two columns', @two, others => [ 60, 'i, 100 - i' ], one => '100, 0', power => 0.5,
		ask => 'dp_sum(x) AS s, dp_sum(y) AS t, dp_count(*) AS c' },
	{ name => 'average of an expression', ask => 'dp_count(*) AS c, dp_avg(100 - 2 * x) AS a',
		see => 'c, a, c * a', power => 0.5 },

	# ----- what rounding might leave: even and odd, and the last bits

	{ name => 'parity: 61 individuals against 60, integers', @integers, others => [ 60, 'i % 4' ], one => '1',
		epsilon => 0.5, delta => 1e-3, grain => [ 60, 61 ],
		ask => 'dp_count(*) AS c, dp_sum(x, 0, 3) AS s, dp_avg(x, 0, 3) AS a' },
	{ name => 'parity: 61 individuals against 60, the middle of the bounds', others => [ 60, 'i % 4' ],
		one => '1.5', epsilon => 0.5, delta => 1e-3, grain => [ 60, 61 ],
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
	{ name => 'several rows: share of those with more than count', several => 1, others => [ 30, '2 * i' ],
		one => 'SELECT 100 FROM generate_series(1, 20)', delta => 0.01, max_rows => 5, releases => 50000,
		ask => 'dp_count(*) AS c, dp_clipped(dp_count(*)) AS q, dp_avg(x) AS a', see => 'c, q, q * c', power => 0.3 },
	{ name => 'several rows: sum and average', several => 1, others => [ 30, '2 * i' ],
		one => 'SELECT 1000 FROM generate_series(1, 20)', delta => 0.01, max_rows => 5, releases => 50000,
		ask => 'dp_count(*) AS c, dp_sum(x) AS s, dp_avg(x) AS a', power => 0.5 },
	{ name => 'several rows: one row counts', several => 1, others => [ 28, '2 * i' ],
		one => 'SELECT 10 * i FROM generate_series(1, 10) i', delta => 0.01, releases => 50000,
		ask => 'dp_count(*) AS c, dp_sum(x) AS s', power => 0.4 },
	{ name => 'several groups: 2 of them, 1 counts', @one_of_two },
	{ name => 'several groups: 2 of them, 1 counts, in SQL', @one_of_two, in_sql => 1 },
	{ name => 'several groups: share of those clipped', @share_of_two },
	{ name => 'several groups: share of those clipped, in SQL', @share_of_two, in_sql => 1 },
	{ name => 'several groups: 3 of them, 2 count', @parts, others => [ 105, 'i % 3, i' ],
		one => 'SELECT p, 100 FROM generate_series(0, 2) p', delta => 0.01, max_groups => 2, releases => 25000,
		ask => 'dp_count(*) AS c, dp_sum(x) AS s', see => 'sum(c), max(c), sum(s), count(*)' },

	# ----- contributions bounded over all groups together: 35 others with four rows in each

	{ name => 'clipped: 12 rows in 3 groups, 6 count', @clipped },
	{ name => 'clipped: 12 rows in 3 groups, 6 count, in SQL', @clipped, in_sql => 1 },
	{ name => 'clipped: 1,000 rows in one group', @clipped, power => 0.15, one => 'SELECT 0, 100 FROM generate_series(1, 1000)' },
	{ name => 'clipped: 12 rows in one group, which may have them', @clipped, max_total => 12, max_rows => 12,
		one => 'SELECT 0, 100 FROM generate_series(1, 12)', others => [ 105, 'SELECT i % 3, i FROM generate_series(1, 12)' ] },
	{ name => 'clipped: sum and average beside the count', @clipped, one => 'SELECT i % 3, 1000 FROM generate_series(1, 12) i',
		ask => 'dp_count(*) AS c, dp_sum(x) AS s, dp_avg(x) AS a', see => 'sum(c), sum(s), max(s), max(a)' },
	{ name => 'clipped: values and NULLs', @clipped, columns => 'part int NOT NULL, x float8',
		one => 'SELECT i % 3, CASE WHEN i > 6 THEN 100 END FROM generate_series(1, 12) i', power => undef,
		ask => 'dp_count(*) AS c, dp_count(x) AS n, dp_sum(x) AS s', see => 'sum(c), sum(n), sum(s), sum(c - n)' },
	{ name => 'clipped: a sum with bounds of its own', @clipped, power => 0.1, total => '0, 400',
		ask => 'dp_sum(x) AS s', see => 'sum(s), max(s)' },
	{ name => 'clipped: a sum with bounds of its own, in SQL', @clipped, power => 0.1, total => '0, 400', in_sql => 1,
		ask => 'dp_sum(x) AS s', see => 'sum(s), max(s)' },
	{ name => 'clipped: a sum of both signs beside the count', @clipped, total => '-400, 400', bounds => { x => '-100, 100' },
		one => 'SELECT i % 3, 100 * (1 - i % 3) FROM generate_series(1, 12) i', power => undef,
		ask => 'dp_sum(x) AS s, dp_count(*) AS c', see => 'sum(s), max(s), min(s), sum(c)' },
	{ name => 'clipped: median', @clipped_median },
	{ name => 'clipped: median, in SQL', @clipped_median, in_sql => 1 },
	{ name => 'clipped: median, 1,000 rows in one group', @clipped_median, power => 0.1, one => 'SELECT 0, 1 FROM generate_series(1, 1000)' },
	{ name => 'clipped: median beside the count', @clipped_median, epsilon => 3, power => undef, ask => 'dp_count(*) AS c, dp_median(x) AS m',
		see => 'sum(c), sum(m), sum(c) + 30 * sum(m)' },
	{ name => 'clipped: three quantiles', @clipped_median, bounds => { x => '0, 9' }, others => [ 210, 'SELECT i % 3, i % 10 FROM generate_series(1, 4)' ], power => undef,
		one => 'SELECT i % 3, 9 FROM generate_series(1, 12) i', ask => 'dp_quantile(x, array[0.2, 0.5, 0.9]) AS q', see => 'sum(q[1]), sum(q[2]), sum(q[3])' },
	{ name => 'clipped: histogram', @clipped, power => 0.2, others => [ 210, 'SELECT i % 3, i FROM generate_series(1, 4)' ], ask => 'dp_histogram(x, 0, 100, 2) AS h',
		see => 'sum((h[2]).count), max((h[2]).count), sum((h[1]).count)' },
	{ name => 'clipped: histogram, in SQL', @clipped, power => 0.2, others => [ 210, 'SELECT i % 3, i FROM generate_series(1, 4)' ], in_sql => 1, ask => 'dp_histogram(x, 0, 100, 2) AS h',
		see => 'sum((h[2]).count), max((h[2]).count), sum((h[1]).count)' },
	{ name => 'clipped: median, 20 individuals against 19', @clipped_few, others => [ 19, 'SELECT i % 2 FROM generate_series(1, 6)' ],
		rare => 'a', never => 'b', ask => 'dp_median(x) AS m' },
	{ name => 'clipped: median, 21 individuals against 20', @clipped_few, others => [ 20, 'SELECT i % 2 FROM generate_series(1, 6)' ],
		rare => 'b', ask => 'dp_median(x) AS m' },
	{ name => 'clipped: histogram, 20 individuals against 19', @clipped_few, others => [ 19, 'SELECT i % 2 FROM generate_series(1, 6)' ],
		rare => 'a', never => 'b', ask => 'dp_histogram(x, 0, 1, 2) AS h', see => '(h[1]).count, (h[2]).count' },
	{ name => 'clipped: max_total below max_rows', @clipped, max_total => 3, max_rows => 12, one => 'SELECT 0, 100 FROM generate_series(1, 12)',
		ask => 'dp_count(*) AS c, dp_sum(x) AS s', see => 'sum(c), max(c), sum(s), max(s)' },
	{ name => 'clipped: an average alone', @clipped, one => 'SELECT i % 3, 1000 FROM generate_series(1, 12) i', power => undef,
		ask => 'dp_avg(x) AS a', see => 'sum(a), max(a), min(a), count(*)' },
	{ name => 'clipped: a variance, all at one end', @clipped, one => 'SELECT i % 3, 100 * (i % 2) FROM generate_series(1, 12) i', power => undef,
		ask => 'dp_var(x) AS v, dp_count(*) AS c', see => 'sum(v), max(v), sum(c), sum(v * c)' },
	{ name => 'clipped: share of those clipped, who is or is not there', @clipped, power => undef,
		ask => 'dp_count(*) AS c, dp_clipped(dp_count(*)) AS q', see => 'sum(c), sum(q), max(q), sum(q * c)' },
	{ name => 'clipped: 20 individuals against 19 in each of three groups', @clipped, delta => 0.1, power => undef,
		others => [ 57, 'SELECT i % 3, 1 FROM generate_series(1, 6)' ], where => 'c IS NOT NULL', rare => 'a', never => 'b' },
	{ name => 'clipped: 20 individuals against 19', several => 1, others => [ 19, 'SELECT 1 FROM generate_series(1, 6)' ],
		one => 'SELECT 100 FROM generate_series(1, 12)', delta => 0.1, max_total => 6, max_rows => 6, releases => 20000,
		rare => 'a', never => 'b', ask => 'dp_count(*) AS c' },
	{ name => 'clipped: 21 individuals against 20', several => 1, others => [ 20, 'SELECT 1 FROM generate_series(1, 6)' ],
		one => 'SELECT 100 FROM generate_series(1, 12)', delta => 0.1, max_total => 6, max_rows => 3, releases => 20000,
		rare => 'b', total => '0, 100', ask => 'dp_sum(x) AS c' },

	# ----- spread and pairs of columns

	{ name => 'variance', others => [ 60, '50' ], delta => 1e-4, ask => 'dp_var(x) AS v', power => 0.5 },
	{ name => 'variance, beside count and average', others => [ 60, '50' ], delta => 1e-4, power => 0.5,
		ask => 'dp_count(*) AS c, dp_avg(x) AS a, dp_var(x) AS v', see => 'c, a, v, c * v' },
	{ name => 'variance, a value far beyond the bound', others => [ 60, '50' ], one => '1e6', delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_var(x) AS v', see => 'c, v, c * v', power => 0.5 },
	{ name => 'variance, NULL against no row', @nullable, others => [ 60, 'i' ], one => 'NULL', delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_var(x) AS v' },
	{ name => 'standard deviation', others => [ 60, '50' ], delta => 1e-4, power => 0.5,
		ask => 'dp_count(*) AS c, dp_stddev(x) AS d', see => 'c, d, c * d * d' },
	{ name => 'standard deviation, several rows', several => 1, others => [ 40, '50' ],
		one => 'SELECT 100 * (i % 2) FROM generate_series(1, 20) i', delta => 0.01, max_rows => 5,
		releases => 20000, ask => 'dp_count(*) AS c, dp_stddev(x) AS d', see => 'c, d, c * d * d', power => 0.4 },
	{ name => 'covariance', @two, others => [ 60, '50, 50' ], one => '100, 100', delta => 1e-4, power => 0.3,
		ask => 'dp_count(*) AS c, dp_covar(y, x) AS v', see => 'c, v, c * v' },
	{ name => 'correlation', @two, others => [ 80, 'i % 2 * 100, i % 2 * 100' ], one => '0, 100', delta => 1e-4,
		ask => 'dp_count(*) AS c, dp_corr(y, x) AS r', power => 0.3 },
	{ name => 'slope and intercept', @two_nullable, others => [ 80, 'i % 2 * 100, i % 2 * 100' ], one => '100, 0',
		delta => 1e-4, ask => 'dp_regr_slope(y, x) AS s, dp_regr_intercept(y, x) AS i', power => 0.5 },
	{ name => 'slope, NULL in one of the columns', @two_nullable, others => [ 80, 'i % 2 * 100, i % 2 * 100' ],
		one => '100, NULL', delta => 1e-4, see => 's, c, d, c - d',
		ask => 'dp_regr_slope(y, x) AS s, dp_count(x) AS c, dp_regr_count(y, x) AS d' },
	{ name => 'ends of an interval', groups => 100, releases => 1000,
		ask => 'dp_low(dp_count(*), 0.9) AS l, dp_count(*) AS c, dp_high(dp_count(*), 0.9) AS h' },

	# ----- order statistics, on a grid of few points, where one individual shows best

	{ name => 'median, half of them at each end', @integers, others => [ 60, 'i % 2 * 10' ], one => '10',
		delta => 1e-4, ask => 'dp_median(x, 0, 10) AS m', power => 0.2 },
	{ name => 'median, evenly spread', @integers, others => [ 60, 'i % 11' ], one => '10', delta => 1e-4,
		ask => 'dp_median(x, 0, 10) AS m', power => 0.2 },
	{ name => 'median, NULL against no row', columns => 'x int', others => [ 60, 'i % 11' ], one => 'NULL',
		delta => 1e-4, ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median, infinity', others => [ 70, 'i % 2 * 100' ], one => q('Infinity'), delta => 0.01,
		groups => 100, releases => 2000, ask => 'dp_median(x) AS m' },
	{ name => 'median of dates', columns => 'x date NOT NULL', one => q('9999-01-01'), delta => 1e-4, power => 0.2,
		others => [ 60, q(date '2020-01-01' + i % 2 * 10) ], ask => q(dp_median(x, '2020-01-01', '2020-01-11') AS m) },
	{ name => 'median, several rows', @integers, several => 1, others => [ 50, 'i % 2 * 10' ],
		one => 'SELECT 10 FROM generate_series(1, 20)', delta => 1e-3, max_rows => 5, releases => 20000,
		ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median: 21 individuals against 20', @integers, others => [ 20, 'i % 2 * 10' ], one => '10',
		delta => 0.1, rare => 'b', ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'median: 20 individuals against 19', @integers, others => [ 19, 'i % 2 * 10' ], one => '10',
		delta => 0.1, rare => 'a', never => 'b', ask => 'dp_median(x, 0, 10) AS m' },
	{ name => 'quantile 0.9', @integers, others => [ 60, 'CASE WHEN i % 10 > 0 THEN 0 ELSE 10 END' ], one => '10',
		delta => 1e-4, ask => 'dp_quantile(x, 0.9, 0, 10) AS q', power => 0.2 },
	{ name => 'three quantiles', @integers, others => [ 60, 'i * 4 / 61 * 5' ], one => '15', epsilon => 3,
		delta => 1e-3, see => 'q[1], q[2], q[3]', power => 0.4,
		ask => 'dp_quantile(x, ARRAY[0.25, 0.5, 0.75], 0, 15) AS q' },
	{ name => 'three quantiles: 20 individuals against 19', @integers, others => [ 19, 'i % 2 * 15' ], one => '15',
		delta => 0.1, rare => 'a', never => 'b', ask => 'dp_quantile(x, ARRAY[0.25, 0.5, 0.75], 0, 15) AS q',
		see => 'q[1], q[2], q[3]' },
	{ name => 'three quantiles: 21 individuals against 20', @integers, others => [ 20, 'i % 2 * 15' ], one => '15',
		delta => 0.1, rare => 'b', ask => 'dp_quantile(x, ARRAY[0.25, 0.5, 0.75], 0, 15) AS q',
		see => 'q[1], q[2], q[3]' },
	{ name => 'four quantiles', @integers, others => [ 80, 'i % 4 * 5' ], one => '15', epsilon => 3, delta => 1e-3,
		see => 'q[1], q[2], q[3], q[4]', ask => 'dp_quantile(x, ARRAY[0.1, 0.45, 0.5, 0.95], 0, 15) AS q' },
	{ name => 'seven quantiles', @integers, others => [ 100, 'i % 2 * 10' ], one => '10', epsilon => 3,
		delta => 1e-3, see => 'q[1], q[3], q[4], q[5], q[7]',
		ask => 'dp_quantile(x, ARRAY[0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95], 0, 10) AS q' },
	{ name => 'minimum and maximum', @integers, others => [ 60, 'i % 11' ], one => '10', epsilon => 3,
		delta => 1e-3, ask => 'dp_min(x, 0, 10) AS l, dp_max(x, 0, 10) AS h', power => 0.3 },
	{ name => 'maximum, a value far beyond the bound', @integers, others => [ 60, 'i % 11' ], one => '1000000',
		delta => 1e-3, ask => 'dp_max(x, 0, 10) AS h', power => 0.2 },

	# ----- categories and cells.  Where max_rows is r, a row weighs 1/r at most.

	{ name => 'mode', @words, others => [ 80, 'chr(97 + i % 2)' ], delta => 1e-3, ask => 'dp_mode(x) AS m',
		power => 0.5 },
	{ name => 'mode, a value nobody else has', @words, others => [ 40, q('a') ], delta => 1e-3,
		where => q(m <> 'a'), never => 'ab', ask => 'dp_mode(x) AS m' },
	{ name => 'mode: 20 individuals against 19', @words, others => [ 19, q('b') ], delta => 0.01, rare => 'a',
		never => 'b', ask => 'dp_mode(x) AS m' },
	{ name => 'mode: 21 individuals against 20', @words, others => [ 20, q('b') ], delta => 0.01, rare => 'b',
		ask => 'dp_mode(x) AS m' },
	{ name => 'top', @words, others => [ 80, 'chr(97 + i % 2)' ], delta => 1e-3, ask => 'dp_top(x, 3) AS t',
		see => '(t[1]).value, (t[1]).count, (t[2]).value, (t[2]).count', power => 0.5 },
	{ name => 'top: a value of 20 individuals against 19', @words, delta => 0.01, rare => 'a', never => 'b',
		others => [ 59, q(CASE WHEN i <= 19 THEN 'b' ELSE 'a' END) ], ask => 'dp_top(x, 3) AS t',
		where => q(EXISTS (SELECT FROM unnest(t) v WHERE v.value = 'b')), see => '(t[1]).count, (t[2]).count' },
	{ name => 'top, several rows in several categories', @words, several => 1,
		others => [ 60, 'SELECT chr(96 + j) FROM generate_series(1, 2) j' ],
		one => 'SELECT chr(97 + j % 2) FROM generate_series(1, 20) j', delta => 0.01, max_rows => 2,
		releases => 20000, ask => 'dp_top(x, 3) AS t', power => 0.3,
		see => '(t[1]).count + (t[2]).count, (t[1]).value, (t[1]).count, (t[2]).count' },
	{ name => 'last value', @words, others => [ 80, q(CASE WHEN i <= 26 THEN 'b' ELSE 'a' END) ], delta => 1e-3, power => 0.4,
		ask => 'dp_max(x) AS m' },
	{ name => 'last value: 20 individuals against 19', @words, others => [ 59, q(CASE WHEN i <= 19 THEN 'b' ELSE 'a' END) ],
		delta => 0.01, rare => 'a', never => 'b', where => q(m = 'b'), ask => 'dp_max(x) AS m' },
	{ name => 'last value: 21 individuals against 20', @words, others => [ 59, q(CASE WHEN i <= 20 THEN 'b' ELSE 'a' END) ],
		delta => 0.01, rare => 'b', where => q(m = 'b'), ask => 'dp_max(x) AS m' },
	{ name => 'last value, one that nobody else has', @words, one => q('z'), others => [ 40, q('a') ], delta => 1e-3,
		where => q(m <> 'a'), never => 'ab', ask => 'dp_max(x) AS m' },
	{ name => 'first, last and all values, of 20 rows', @words, several => 1, max_rows => 20, delta => 0.01, releases => 40000, power => 0.4,
		one => q(SELECT 'b' FROM generate_series(1, 20)), others => [ 80, q(CASE WHEN i <= 28 THEN 'b' ELSE 'c' END) ],
		ask => 'dp_min(x) AS l, dp_max(x) AS h, array_agg(DISTINCT x) AS v', see => 'l, h, cardinality(v)' },
	{ name => 'all values, of 20 rows with as many', @words, several => 1, max_rows => 3, delta => 0.01, releases => 40000,
		one => 'SELECT chr(96 + i) FROM generate_series(1, 20) i', others => [ 108, 'chr(97 + i % 4)' ],
		ask => q(string_agg(DISTINCT x, '') AS v), see => 'v, length(v)' },
	{ name => 'last value beside its count', @words, others => [ 80, q(CASE WHEN i <= 26 THEN 'b' ELSE 'a' END) ], delta => 1e-3, power => 0.5,
		ask => 'dp_max(x) AS m, dp_top(x, 2) AS t', see => 'm, (t[1]).count, (t[2]).count' },
	{ name => 'histogram', others => [ 60, '2 * i % 100' ], delta => 1e-3, power => 0.5,
		ask => 'dp_histogram(x, 0, 100, 4) AS h', see => '(h[1]).count, (h[2]).count, (h[4]).count' },
	{ name => 'histogram: 20 individuals against 19', others => [ 19, '2 * i' ], delta => 0.01, rare => 'a',
		never => 'b', ask => 'dp_histogram(x, 0, 100, 4) AS h', see => '(h[1]).count, (h[4]).count' },
	{ name => 'histogram: 21 individuals against 20', others => [ 20, '2 * i' ], delta => 0.01, rare => 'b',
		ask => 'dp_histogram(x, 0, 100, 4) AS h', see => '(h[1]).count, (h[4]).count' },
	{ name => 'histogram of many buckets: 21 individuals in one against 20', others => [ 20, '99' ], one => '99',
		delta => 0.01, rare => 'b', groups => 500, releases => 50000, ask => 'dp_histogram(x, 0, 100, 50) AS h',
		see => '(h[1]).count, (h[50]).count' },
	{ name => 'histogram of many buckets: 20 individuals in one against 19', others => [ 19, '99' ], one => '99',
		delta => 0.01, rare => 'a', never => 'b', groups => 500, releases => 50000,
		ask => 'dp_histogram(x, 0, 100, 50) AS h', see => '(h[1]).count, (h[50]).count' },
	{ name => 'histogram, several rows', several => 1, others => [ 40, 'SELECT 10 * j FROM generate_series(0, 2) j' ],
		one => 'SELECT 10 * j FROM generate_series(0, 10) j', delta => 0.01, max_rows => 3, releases => 20000,
		ask => 'dp_histogram(x, 0, 100, 2) AS h', power => 0.3,
		see => '(h[1]).count, (h[2]).count, (h[1]).count + (h[2]).count' },
	{ name => 'distinct values, a new one', @integers, others => [ 60, 'i' ], delta => 1e-4, power => 0.4,
		ask => 'dp_count_distinct(x) AS d' },
	{ name => 'distinct values, several rows', @integers, several => 1, others => [ 40, 'i' ],
		one => 'SELECT 100 + i FROM generate_series(1, 20) i', delta => 0.01, max_rows => 5, releases => 30000,
		ask => 'dp_count_distinct(x) AS d, dp_count(*) AS c', power => 0.4 },
	{ name => 'bounds', others => [ 80, 'CASE WHEN i <= 28 THEN 1e6 ELSE 10 END' ], one => '1e6', bounds => {},
		delta => 1e-4, groups => 500, releases => 10000, ask => 'dp_bounds(x) AS b', see => 'b[1], b[2]' },

	# ----- several mechanisms share epsilon

	{ name => 'count, median and mode together', @integers, others => [ 80, 'i % 2 * 10' ], one => '10',
		epsilon => 3, delta => 0.01, power => 1,
		ask => 'dp_count(*) AS c, dp_median(x, 0, 10) AS m, dp_mode(x) AS o' },
	{ name => 'sum, histogram and top together', @integers, others => [ 80, 'i % 2 * 10' ], one => '10',
		epsilon => 3, delta => 0.01, power => 1,
		ask => 'dp_sum(x, 0, 10) AS s, dp_histogram(x, 0, 10, 2) AS h, dp_top(x, 2) AS t',
		see => 's, (h[2]).count, (t[1]).value, (t[1]).count' },

	# ----- several grouping sets share epsilon and delta

	{ name => 'grouping sets: a group, and its parts', @parts, sets => 'GROUPING SETS ((g), (g, part))', others => [ 120, 'i % 2, i' ],
		one => '0, 100', delta => 0.01, max_rows => 1, releases => 40000, power => 0.5, ask => 'dp_count(*) AS c',
		see => 'sum(c), min(c - CASE WHEN part IS NULL THEN 120 ELSE 60 END) FILTER (WHERE part IS DISTINCT FROM 1)' },
	{ name => 'grouping sets: gates at 19 individuals', @parts, sets => 'GROUPING SETS ((g), (g, part))', others => [ 18, '0, i' ],
		one => '0, 100', delta => 0.01, max_rows => 1, releases => 40000, never => 'ab', ask => 'dp_count(*) AS c', see => 'sum(c)' },
	{ name => 'grouping sets: gates at 20 individuals', @parts, sets => 'GROUPING SETS ((g), (g, part))', others => [ 19, '0, i' ],
		one => '0, 100', delta => 0.01, max_rows => 1, releases => 40000, rare => 'a', never => 'b', ask => 'dp_count(*) AS c', see => 'sum(c)' },

	# ----- Gaussian noise, where accounts add up rho

	{ name => 'Gaussian: count', @gaussian, gaussian => 1, ask => 'dp_count(*) AS c' },
	{ name => 'Gaussian: count, epsilon 2', @gaussian, gaussian => 1, epsilon => 2, power => 1, ask => 'dp_count(*) AS c' },
	{ name => 'Gaussian: count of values, a value against no row', @gaussian, @nullable, gaussian => 1,
		ask => 'dp_count(*) AS c, dp_count(x) AS d', see => 'c, d, c - d' },
	{ name => 'Gaussian: count of values, NULL against no row', @gaussian, @nullable, one => 'NULL', gaussian => 1,
		ask => 'dp_count(*) AS c, dp_count(x) AS d', see => 'c, d, c - d' },
	{ name => 'Gaussian: three counts', @gaussian, @two_nullable, one => '100, NULL', others => [ 50, '2 * i, 2 * i' ], gaussian => 3,
		ask => 'dp_count(*) AS c, dp_count(x) AS d, dp_count(y) AS e', see => 'c, d, e, d - e, c + d - e' },
	{ name => 'Gaussian: distinct values, a new one', @gaussian, @integers, gaussian => 1,
		ask => 'dp_count_distinct(x) AS d, dp_count(*) AS c', see => 'c, d, c - d' },
	{ name => 'Gaussian: sum, a value at the bound', @gaussian, ask => 'dp_sum(x) AS s' },
	{ name => 'Gaussian: count and sum, minus infinity', @gaussian, one => q('-Infinity'),
		ask => 'dp_count(*) AS c, dp_sum(x) AS s', see => 'c, s, s - 100 * c' },
	{ name => 'Gaussian: several rows, 10 of 20 count', @gaussian, several => 1, one => 'SELECT 100 FROM generate_series(1, 20)', delta => 0.01,
		max_rows => 10, ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'Gaussian: 2 groups, 2 count', @gaussian_parts, one => 'SELECT p, 100 FROM generate_series(0, 1) p', max_groups => 2,
		gaussian => 2, releases => 20000, see => 'sum(c) FILTER (WHERE part < 2), max(c), count(*)' },
	{ name => 'Gaussian: 3 groups, 2 count', @gaussian_parts, one => 'SELECT p, 100 FROM generate_series(0, 2) p', max_groups => 2,
		gaussian => 2, releases => 20000, power => 0.2, see => 'sum(c), max(c), count(*)' },
	{ name => 'Gaussian: clipped, 12 rows in 3 groups, a length of 4 counts', @gaussian_clipped },
	{ name => 'Gaussian: clipped, in SQL', @gaussian_clipped, in_sql => 1, power => undef },
	{ name => 'Gaussian: clipped, 1,000 rows in one group', @gaussian_clipped, power => 0.1, groups => 200, releases => 4000,
		one => 'SELECT 0, 100 FROM generate_series(1, 1000)', see => 'max(c) FILTER (WHERE part = 0), sum(c)' },
	{ name => 'Gaussian: clipped to a length that is declared', @gaussian_clipped, max_total => undef, max_rows => undef,
		others => [ 90, 'SELECT i % 3, i FROM generate_series(1, 2)' ], declared => 'max_total => 4, max_rows => 2', norm => 2 },
	{ name => 'Gaussian: clipped, sum beside the count', @gaussian_clipped, one => 'SELECT i % 3, 1000 FROM generate_series(1, 12) i',
		ask => 'dp_count(*) AS c, dp_sum(x) AS s', see => 'sum(c), sum(s), max(s)' },
	{ name => 'Gaussian: clipped, share of those clipped', @gaussian_clipped, power => undef,
		ask => 'dp_count(*) AS c, dp_clipped(dp_count(*)) AS q', see => 'sum(c), sum(q), sum(q * c)' },
	{ name => 'Gaussian: clipped, a sum with bounds of its own', @gaussian_clipped, power => undef, total => '0, 200',
		ask => 'dp_sum(x) AS s', see => 'sum(s), max(s)' },
	{ name => 'Gaussian: grouping sets', @gaussian_parts, sets => 'GROUPING SETS ((g), (g, part))', others => [ 120, 'i % 2, i' ],
		one => '0, 100', max_rows => 1, gaussian => 2, releases => 20000,
		see => 'sum(c) FILTER (WHERE part IS DISTINCT FROM 1), min(c - CASE WHEN part IS NULL THEN 120 ELSE 60 END) FILTER (WHERE part IS DISTINCT FROM 1)' },
	{ name => 'Gaussian: gate, 20 individuals against 19', @gaussian, others => [ 19, 'i' ], gaussian => 1, power => undef,
		delta => 0.01, rare => 'a', never => 'b', ask => 'dp_count(*) AS c' },
	{ name => 'Gaussian: gate, 21 individuals against 20', @gaussian, others => [ 20, 'i' ], power => undef, delta => 0.01, rare => 'b',
		ask => 'dp_count(*) AS c, dp_sum(x) AS s' },
	{ name => 'Gaussian: clipped, gates of 20 individuals against 19', @gaussian_clipped, power => undef, delta => 0.1,
		max_total => 2, max_rows => 2, one => 'SELECT i % 3, 100 FROM generate_series(1, 6) i', others => [ 57, 'SELECT i % 3, 1 FROM generate_series(1, 2)' ], where => 'c IS NOT NULL', rare => 'a', never => 'b' },
);

# The faults that a build can have (src/, DP_FAULT_...), and the pairs each of which
# must show it.  (NOISELESS is for test/t/063_alike.pl: all would show it.)
my %faults = (
	NOISE_SCALE => [ 'is there a true', 'last value', 'count', 'count of values, a value against no row', 'sum, a value at the upper bound', 'histogram', 'mode',
		'Gaussian: count', 'Gaussian: count of values, a value against no row', 'Gaussian: sum, a value at the bound' ],
	GAUSSIAN_STEP => [ 'Gaussian: sum, a value at the bound', 'Gaussian: three counts' ],
	GATE_OFF => [ 'gate: 1 individual against 0', 'gate: 20 individuals against 19', 'Gaussian: gate, 20 individuals against 19' ],
	PARTS_UNGATED => [
		'own gate: 20 values against 19, median beside a count', 'own gate: 20 values against 19, histogram beside a count' ],
	GATE_19 => [
		'one gate: 20 individuals against 19, with median and histogram', 'missing values left out: 20 values against 19',
		'gate: 20 individuals against 19', 'gate: 21 individuals against 20', 'median: 20 individuals against 19',
		'mode: 20 individuals against 19', 'last value: 20 individuals against 19', 'histogram: 20 individuals against 19' ],
	SHARES_OFF => [ 'first, last and all values, of 20 rows' ],
	CAPS_OFF => [ 'several rows: 30 of them, 10 count', 'several groups: 2 of them, 1 counts' ],
	SQL_CAPS_OFF => [ 'several groups: 2 of them, 1 counts, in SQL' ],
	CLIP_OFF => [ 'clipped: 12 rows in 3 groups, 6 count', 'clipped: a sum with bounds of its own, in SQL',
		'Gaussian: clipped, 12 rows in 3 groups, a length of 4 counts', 'Gaussian: clipped to a length that is declared' ],
	CLIP_BY_OTHERS => [ 'clipped: 12 rows in 3 groups, 6 count' ],
	CLAMP_OFF => [ 'sum, a value far beyond the bound' ],
	SETS_UNSHARED => [ 'grouping sets: a group, and its parts' ],
	TWO_DRAWS => [ 'two counts of the same rows', 'count and sum, a value at the bound' ],
);

# What a pair claims: { epsilon, delta }, or points of the curve.
sub claim
{
	my ($pair) = @_;
	my ($epsilon, $delta) = @{$pair}{qw(epsilon delta)};

	return { epsilon => $epsilon, delta => $delta } if !defined $pair->{gaussian};
	return map {
		{ epsilon => $_, delta => $delta + Statistics::gaussian_delta($_, $epsilon**2 / 2, $pair->{gaussian}) }
	} map { $_ * $epsilon } @curve;
}

# all(SCALE): the entries, complete, with SCALE times as many releases.
sub all
{
	my ($scale) = @_;

	return map {
		my %pair = (
			columns => 'x float8 NOT NULL', others => [ 50, '2 * i' ], one => '100', epsilon => 1, delta => 1e-6,
			groups => 1000, releases => 100000, never => '', %$_);

		$pair{see} //= join ', ', $pair{ask} =~ /\bAS (\w+)/g;
		$pair{bounds} //= { map { $_ => '0, 100' } $pair{columns} =~ /\b([xy]) (?:float8|int|bigint|numeric)\b/g };
		$pair{releases} *= $scale;
		$pair{claim} = [ claim(\%pair) ];
		\%pair;
	} @pairs;
}

sub faults { return %faults }

# SQL that makes the table NAME of a side.
sub table
{
	my ($pair, $side) = @_;
	my $n = $pair->{others}->[0];
	my ($others, $one) = map { /^SELECT/ ? $_ : "SELECT $_" } $pair->{others}->[1], $pair->{one};
	my %types = $pair->{columns} =~ /(\w+) (\w+)(?: NOT NULL)?(?:, |$)/g;
	my @names = $pair->{columns} =~ /(?:^|, )(\w+)/g;
	my $names = join ', ', @names;
	my $values = join ', ', map { "v.$_\::$types{$_}" } @names;
	my $key = $pair->{several} ? 'NOT NULL' : 'PRIMARY KEY';
	my $order = $pair->{backward} && $side eq 'b' ? 'DESC' : 'ASC';
	my $rows = "SELECT i, $values FROM generate_series(1, $n) i, LATERAL ($others) v ($names)";
	my $bounds = join "\n", map { "SELECT dp_agg.set_bounds('NAME', '$_', $pair->{bounds}->{$_});" }
	  sort keys %{ $pair->{bounds} };

	$bounds .= "\nSELECT dp_agg.set_total('NAME', 'x', $pair->{total});" if $pair->{total};
	$bounds .= "\nSELECT dp_agg.set_norm('NAME', $pair->{norm});" if $pair->{norm};
	my $declared = join '', map { ", $_" } grep { defined } $pair->{declared};

	$rows .= " UNION ALL SELECT 0, $values FROM ($one) v ($names)" if $side eq 'a';
	return <<"SQL";
CREATE TABLE NAME (person int $key, g int NOT NULL, $pair->{columns});
INSERT INTO NAME (person, g, $names)
SELECT 100000 * g + s.person, g, @{[ join ', ', map { "s.$_" } @names ]}
FROM generate_series(1, $pair->{groups}) g, ($rows) s (person, $names)
ORDER BY g $order, s.person $order;
ANALYZE NAME;
SELECT dp_agg.protect('NAME', unit => 'person', population => 'audited'$declared);
$bounds
SQL
}

# The query of a pair about a table.
sub query
{
	my ($pair, $table) = @_;
	my $where = defined $pair->{where} ? "WHERE $pair->{where}" : '';
	my ($keys, $outer) = $pair->{parts} ? ('g, part', 'GROUP BY g') : ('g', '');
	my $groups = $pair->{sets} // $keys;

	return "SELECT $pair->{see} FROM (SELECT $keys, $pair->{ask} FROM $table GROUP BY $groups) r $where $outer";
}

1;
