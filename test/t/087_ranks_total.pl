# Order statistics and histograms that count by total: what each row weighs, and what is shown.
#
# A build without noise and gate (DP_FAULT_NOISELESS) must give what a formula in plain SQL says,
# by the bounding node and by SQL alone.  Before, thresholds and errors are asked of the library as
# it is.

use strict;
use warnings;
use POSIX ();
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $node = Faulty::node('ranks', <<'CONF');
jit = off
dp_agg.epsilon = 2
dp_agg.delta = 0.0001
CONF

$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE ROLE sql LOGIN;
ALTER ROLE sql SET dp_agg.bound_node = off;
-- a long tail: person p has about 400 / p rows, in up to 12 months
CREATE TABLE orders (person int NOT NULL, month int NOT NULL, amount int NOT NULL, note int);
INSERT INTO orders SELECT p, (p * 7 + i * i) % 12, (i * i * 37 + p * p) % 101, nullif(i % 3, 0)
FROM generate_series(1, 300) p, LATERAL generate_series(0, 400 / p) i;
SELECT dp_agg.protect('orders', unit => 'person', population => 'customers', max_groups => 4, max_rows => 6, max_total => 20);
SELECT dp_agg.set_bounds('orders', 'amount', 0, 100);
SELECT dp_agg.set_bounds('orders', 'note', 0, 2);
-- groups of exactly so many: 20 g and more rows each, all with one value, but a NULL of the first
CREATE TABLE few (person int NOT NULL, g int NOT NULL, x int NOT NULL, y int);
INSERT INTO few SELECT 100 * g + p, g, g, CASE WHEN p > 1 THEN g END FROM generate_series(18, 22) g, generate_series(1, g) p, generate_series(1, 20) i;
SELECT dp_agg.protect('few', unit => 'person', population => 'customers', max_groups => 1, max_rows => 20, max_total => 100);
SELECT dp_agg.set_bounds('few', 'x', 0, 100);
SELECT dp_agg.set_bounds('few', 'y', 0, 100);
-- 400 groups of 90, of whom the i-th has i
CREATE TABLE sizes (person int NOT NULL, g int NOT NULL, i int NOT NULL, x int NOT NULL);
INSERT INTO sizes SELECT 90 * g + i, g, i, 50 FROM generate_series(1, 400) g, generate_series(1, 90) i, generate_series(1, 4);
SELECT dp_agg.protect('sizes', unit => 'person', population => 'customers', max_groups => 2, max_rows => 4, max_total => 8);
SELECT dp_agg.set_bounds('sizes', 'x', 0, 100);
ANALYZE;
SELECT dp_agg.set_budget(r, 'customers', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
SQL

# ---------- thresholds and errors ----------

# Columns of last_release() after a query.
sub last_release
{
	my ($query, $columns) = @_;

	return DpAgg::value($node, 'analyst', "SET client_min_messages = error;\n\\o /dev/null\n$query;\n\\o\nSELECT $columns FROM dp_agg.last_release()");
}

# T_0 of a median of 101 cells, in individuals with w = min(r, T) / T each.
sub individuals
{
	my ($w, $epsilon, $delta, $kept) = @_;

	return POSIX::ceil(20 + 2 / $epsilon / $w * (log(101 / 2) - log(1 - (1 - $delta)**(1 / $kept))));
}

my $limits = 'max_groups, max_rows, max_total';
is(last_release('SELECT month, dp_median(amount) FROM orders GROUP BY 1', "$limits, smallest_group"),
	'|6|20|' . individuals(0.3, 2, 1e-4, 20), 'a median: any groups, 20 rows in all, and from how many individuals on');
is(last_release('SELECT month, dp_median(amount) FROM orders WHERE dp_with(max_groups => 3, max_total => 40) GROUP BY 1', "$limits, smallest_group"),
	'3|6|18|' . individuals(6 / 18, 2, 1e-4, 3), 'groups that are asked for bound them, and delta is shared among these');
is(last_release('SELECT month, dp_median(amount), count(*) FROM orders GROUP BY 1', 'count(DISTINCT smallest_group)'), 1,
	'beside a count, there is one gate');
is(last_release('SELECT month, dp_histogram(amount, 0, 100, 5) FROM orders WHERE dp_with(epsilon => 100) GROUP BY 1', "$limits, round(standard_error::numeric, 3)"),
	'|6|20|' . sprintf('%.3f', 20 * sqrt(2) / 100), 'each count of a histogram errs by 20 rows');
is(last_release('SELECT month, dp_median(amount), dp_mode(note) FROM orders WHERE dp_with(epsilon => 10) GROUP BY 1', "DISTINCT $limits"), '4|6|',
	'beside a mode, groups and rows of a group are bounded');
is(last_release('SELECT month, dp_median(amount), count(DISTINCT person) FROM orders GROUP BY 1', "DISTINCT $limits"), '4|6|',
	'and beside the number of individuals');
is(last_release('SELECT dp_median(amount) FROM orders', "DISTINCT $limits"), '1|6|', 'and without groups');
$node->safe_psql('postgres', q{SELECT dp_agg.protect('orders', unit => 'person', population => 'customers', max_groups => 4, max_rows => 3)});
is(last_release('SELECT month, dp_median(amount) FROM orders GROUP BY 1', $limits), '4|3|', 'and where max_total is not declared');
is(last_release('SELECT month, dp_median(amount) FROM orders WHERE dp_with(max_total => 9) GROUP BY 1', $limits), '|3|9', 'but it may be asked for');
$node->safe_psql('postgres', q{SELECT dp_agg.protect('orders', unit => 'person', population => 'customers', max_groups => 4, max_rows => 6, max_total => 20)});

# Of groups of the smallest size, each of whose individuals has as many rows as count, about half show.
foreach my $case ([ 'dp_median(x)', 6 ], [ 'dp_median(x, 0, 100), dp_low(dp_median(x, 0, 100))', 14 ],
	[ 'dp_quantile(x, array[0.2, 0.5, 0.7])', 14 ], [ 'dp_histogram(x, 0, 100, 10)', 9 ])
{
	my ($call, $step) = @$case;
	my $smallest = last_release("SELECT g, $call FROM sizes GROUP BY g", 'DISTINCT smallest_group');
	my ($fewer, $half, $more) = map { DpAgg::value($node, 'analyst', "SET client_min_messages = warning; SELECT count(*) / 400.0 FROM (SELECT g, $call FROM sizes WHERE i <= $_ GROUP BY g) s") }
	  $smallest - $step, $smallest, $smallest + $step;

	ok($fewer < 0.2 && $half > 0.3 && $half < 0.8 && $more > 0.85, "$call: about half of groups of $smallest individuals") or diag("$fewer $half $more");
}
is(last_release('SELECT g, dp_median(x) FROM few GROUP BY g', 'max(groups)'), 0, 'groups of little more than 20 hardly show');

# ---------- who is shown ----------

# At that epsilon one individual more than 20 passes, but for once in some hundred times, of 20 hardly any, and fewer never.
foreach my $role ('analyst', 'sql')
{
	foreach my $limits ('true', 'dp_with(max_total => 40)', 'dp_with(max_rows => 10)')
	{
		my $shown = '';

		foreach my $try (1 .. 3)
		{
			last if $shown eq "21|21||f\n22|22|22|f";
			$shown = DpAgg::value($node, $role, "SET client_min_messages = error; SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-9; SELECT g, dp_median(x), dp_median(y), dp_histogram(x, 0, 100, 1) IS NULL FROM few WHERE $limits GROUP BY g ORDER BY g");
			unlike($shown, qr/^(?!2[12]\|)/m, "$role, $limits: nothing of fewer individuals") if $shown ne '';
		}
		is($shown, "21|21||f\n22|22|22|f", "$role, $limits: more than 20 individuals, and more than 20 with a value");
	}
	is(DpAgg::value($node, $role, 'SET client_min_messages = error; SELECT g, dp_median(x) FROM few WHERE dp_with(max_total => 100000000, max_rows => 1) GROUP BY g ORDER BY g'), '', "$role: rows that weigh nothing");
}

# an individual in a great many groups
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE clicks (person int NOT NULL, page int NOT NULL, x int NOT NULL);
INSERT INTO clicks SELECT 0, i, 1 FROM generate_series(1, 500000) i;
INSERT INTO clicks SELECT p, g, 2 FROM generate_series(1, 100) p, generate_series(-3, -1) g;
SELECT dp_agg.protect('clicks', unit => 'person', population => 'customers', max_total => 30);
SELECT dp_agg.set_bounds('clicks', 'x', 0, 10);
SQL
is(DpAgg::value($node, 'analyst', q{SET client_min_messages = error; SET dp_agg.epsilon = 1000; SELECT page, dp_median(x) FROM clicks GROUP BY page ORDER BY page}), "-3|2\n-2|2\n-1|2",
	'of half a million groups of one individual none shows');

# ---------- what counts ----------

ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');

my ($r, $t, $k);

# What each cell of each month weighs: integers as the release has them, 2^24 for T rows.
sub cells
{
	my ($cell) = @_;

	return <<"SQL";
WITH rows AS (SELECT person, month, $cell AS cell FROM orders),
	 groups AS (SELECT person, month, count(*) AS n, least(count(*), $r) * 2 ^ 30::numeric AS counted FROM rows GROUP BY 1, 2),
	 weights AS (SELECT *, least(floor(counted / $t), floor(least($r, $t) * 2 ^ 30::numeric / $t)) AS p FROM groups),
	 costs AS (SELECT *, greatest(sum(p) OVER (PARTITION BY person), 2 ^ 30::numeric) AS c FROM weights),
	 shares AS (SELECT *, floor(floor(p * 2 ^ 30::numeric / c) / 64) AS share FROM costs)
SELECT month, cell, sum(weight) AS weight FROM
	(SELECT month, cell, floor(count(*) * share / n) AS weight FROM rows JOIN shares USING (person, month)
	 WHERE cell IS NOT NULL GROUP BY person, month, cell, share, n) x
GROUP BY 1, 2
SQL
}

sub asked
{
	my ($role, $what) = @_;

	return DpAgg::value($node, $role, "SET client_min_messages = error; SELECT month, $what FROM orders WHERE dp_with(max_rows => $r, max_total => $t) GROUP BY 1 ORDER BY 1");
}

foreach my $limits ([ 6, 20 ], [ 2, 12 ], [ 30, 100 ], [ 1, 12 ], [ 12, 12 ], [ 6, 100000 ], [ 1000, 100000 ])
{
	($r, $t) = @$limits;

	foreach my $x ('amount', 'note')
	{
		my @fractions = (0.5, 0.13, 0.87);
		my %of;

		foreach my $role ('analyst', 'sql')
		{
			$of{$role} = asked($role, join ', ', map { "dp_quantile($x, $_)" } @fractions);
		}
		is($of{sql}, $of{analyst}, "$x, $t rows, $r of a month: node and SQL agree");

		# the weight below the chosen cell is at most the rank, that up to it at least
		my $values = join ', ', map { "($_)" } map { my @c = split /\|/; map { "$c[0], $fractions[$_], $c[ $_ + 1 ]" } 0 .. 2 } split /\n/, $of{analyst};

		is($node->safe_psql('postgres', <<"SQL"), 36, "$x, $t rows, $r of a month: quantiles are those of the weights");
WITH cells AS MATERIALIZED (@{[ cells($x) ]}), chosen (month, p, v) AS (VALUES $values)
SELECT count(*) FROM
	(SELECT p, v, coalesce(sum(weight) FILTER (WHERE cell < v), 0) AS below, coalesce(sum(weight) FILTER (WHERE cell <= v), 0) AS above, sum(weight) AS n
	 FROM chosen JOIN cells USING (month) GROUP BY month, p, v) x
WHERE below <= p * n AND p * n <= above
SQL
	}
	my $buckets = "array(SELECT count FROM unnest(h))";
	my $expected = $node->safe_psql('postgres', <<"SQL");
WITH cells AS MATERIALIZED (@{[ cells('least(amount / 25, 3)') ]})
SELECT month, array_agg(round(coalesce(weight, 0) / 2 ^ 24::numeric * $t) ORDER BY cell)
FROM (SELECT DISTINCT month FROM cells) m CROSS JOIN generate_series(0, 3) cell LEFT JOIN cells USING (month, cell) GROUP BY 1 ORDER BY 1
SQL
	foreach my $role ('analyst', 'sql')
	{
		is(DpAgg::value($node, $role, "SET client_min_messages = error; SELECT month, $buckets FROM (SELECT month, dp_histogram(amount, 0, 100, 4) AS h FROM orders WHERE dp_with(max_rows => $r, max_total => $t) GROUP BY 1) q ORDER BY 1"),
			$expected, "$role: $t rows, $r of a month: the histogram has the rows that count");
	}
}

# A sum with bounds of its own may weigh more than rows do, and takes from them all the same.
$node->safe_psql('postgres', q{SELECT dp_agg.set_total('orders', 'amount', 0, 300)});
($r, $t) = (6, 20);
is(asked('sql', 'sum(amount), dp_median(amount), dp_max(amount)'), asked('analyst', 'sum(amount), dp_median(amount), dp_max(amount)'), 'beside a sum with bounds of its own, too');
$node->safe_psql('postgres', q{SELECT dp_agg.set_total('orders', 'amount', NULL, NULL)});

done_testing();
