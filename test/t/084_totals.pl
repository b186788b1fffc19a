# Contributions that are bounded over all groups of an individual: max_total and set_total().
#
# A build without noise and gate (DP_FAULT_NOISELESS) must give what a formula in plain SQL says,
# by the bounding node and by SQL alone; which limit holds where several are given; bad input; what
# pg_dump carries.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $node = Faulty::node('totals', <<'CONF');
jit = off
dp_agg.epsilon = 1000
dp_agg.delta = 0.000000001
CONF

$node->start;
ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE ROLE sql LOGIN;
ALTER ROLE sql SET dp_agg.bound_node = off;
-- a long tail: person p has about 400 / p rows, in up to 12 months
CREATE TABLE orders (person int NOT NULL, month int NOT NULL, amount numeric(8, 2) NOT NULL, note int, one float8 NOT NULL DEFAULT 1);
INSERT INTO orders SELECT p, (p * 7 + i * i) % 12, (i * 37 + p) % 500 / 4.0, nullif(i % 3, 0)
FROM generate_series(1, 300) p, LATERAL generate_series(0, 400 / p) i;
ANALYZE orders;
SELECT dp_agg.protect('orders', unit => 'person', population => 'customers', max_groups => 4, max_rows => 6, max_total => 20);
SELECT dp_agg.set_bounds('orders', 'amount', 0, 100);
SELECT dp_agg.set_bounds('orders', 'note', 0, 2);
SELECT dp_agg.set_bounds('orders', 'one', 0, 1);
SELECT dp_agg.set_budget(r, 'customers', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
SQL

# Each individual's rows in each month, and by what they are multiplied: at most R count in a
# month, and at most T in all.
sub clipped
{
	my ($what, $r, $t, $condition) = @_;

	$condition //= 'true';
	return <<"SQL";
WITH cells AS (SELECT person, month, count(*) AS n, $what AS v FROM orders WHERE $condition GROUP BY 1, 2),
	 weights AS (SELECT *, sum(least(n, $r)) OVER (PARTITION BY person) AS w FROM cells)
SELECT month, round(sum(v * least(1, ${r}::numeric / n) * least(1, $t / w))::numeric, 1) FROM weights GROUP BY 1 ORDER BY 1
SQL
}

# Do two lists of months and numbers agree, to rounding and the lattice?
sub agree
{
	my ($got, $expected, $slack, $name) = @_;
	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;
	my $wrong = @got == @expected ? 0 : 1;

	foreach my $i (0 .. ($wrong ? -1 : $#got))
	{
		my ($key, $x) = split /\|/, $got[$i];
		my ($same, $y) = split /\|/, $expected[$i];

		$wrong++ if $key ne $same || abs($x - $y) > $slack;
	}
	ok(!$wrong, $name) or diag("got\n$got\nexpected\n$expected");
	return;
}

my $where = '';
sub asked
{
	my ($role, $what) = @_;

	return DpAgg::value($node, $role, "SELECT month, $what FROM orders WHERE true $where GROUP BY 1 ORDER BY 1");
}

# ---------- what counts ----------

foreach my $role ('analyst', 'sql')
{
	# an individual in more groups than rows may count keeps that many groups: here never
	foreach my $limits ([ 6, 20 ], [ 2, 12 ], [ 50, 500 ], [ 1, 12 ], [ 12, 12 ])
	{
		my ($r, $t) = @$limits;

		$where = "AND dp_with(max_rows => $r, max_total => $t)";
		agree(asked($role, 'count(*)'), $node->safe_psql('postgres', clipped('count(*)', $r, $t)), 0.7,
			"$role: $t rows of an individual count, $r of a month");
		agree(asked($role, 'sum(amount)'), $node->safe_psql('postgres', clipped('sum(least(amount, 100))', $r, $t)), 1,
			"$role: the sum of $t rows, $r of a month");
		agree(asked($role, 'count(note)'), $node->safe_psql('postgres', clipped('count(note)', $r, $t)), 0.7,
			"$role: values among them");
		agree(asked($role, 'sum(note)'), $node->safe_psql('postgres', clipped('sum(note)', $r, $t, 'note IS NOT NULL')), 0.8,
			"$role: the sum of values among NULLs");
	}
	$where = 'AND dp_with(max_rows => 6, max_total => 20)';
	foreach my $case (
		[ 'avg(amount)', 0.02, 'a.s / b.s', 'sum(least(amount, 100))', 'count(*)' ],
		[ 'avg(note)', 0.02, 'a.s / b.s', 'sum(note)', 'count(note)', 'note IS NOT NULL' ],
		[ 'var_pop(amount)', 0.5, 'a.s / b.s - (c.s / b.s) ^ 2', 'sum(least(amount, 100) ^ 2)', 'count(*)' ])
	{
		my ($what, $slack, $formula, $first, $second, $condition) = @$case;
		my ($one, $two, $three) = map { weighted($_, $condition // 'true') } $first, $second, 'sum(least(amount, 100))';

		agree(asked($role, $what), $node->safe_psql('postgres',
			"SELECT a.month, round(($formula)::numeric, 2) FROM ($one) a JOIN ($two) b USING (month) JOIN ($three) c USING (month) ORDER BY 1"),
			$slack, "$role: $what of what counts");
	}
}

# The months' sums of something, with the weights of clipped(), not rounded.
sub weighted
{
	my ($what, $condition) = @_;

	return <<"SQL";
SELECT month, sum(v * least(1, 6.0 / n) * least(1, 20 / w)) AS s
FROM (SELECT *, sum(least(n, 6)) OVER (PARTITION BY person) AS w
	  FROM (SELECT person, month, count(*) AS n, $what AS v FROM orders WHERE $condition GROUP BY 1, 2) c) d
GROUP BY 1
SQL
}

# ---------- bounds of sums ----------

# The weight of a month is the larger of rows and sum, at most max_rows of max_total; a larger
# sum costs twice what is above it.
sub own_bounds
{
	my ($r, $t, $s) = @_;

	return <<"SQL";
WITH cells AS (SELECT person, month, least(count(*), $r)::numeric / $t AS n, sum(amount) / $s AS q FROM orders GROUP BY 1, 2),
	 cut AS (SELECT *, least(1, (1 + least($r, $t)::numeric / $t) / 2 / q) AS h, least(greatest(n, q), least($r, $t)::numeric / $t) AS p FROM cells),
	 costs AS (SELECT *, sum(greatest(p, abs(2 * q * h - p), abs(p))) OVER (PARTITION BY person) AS c FROM cut)
SELECT month, round(sum(q * $s * h * least(1, 1 / c)), 1) FROM costs GROUP BY 1 ORDER BY 1
SQL
}

foreach my $role ('analyst', 'sql')
{
	foreach my $limits ([ 6, 20, 300 ], [ 3, 10, 2000 ], [ 30, 100, 50 ])
	{
		my ($r, $t, $s) = @$limits;

		$node->safe_psql('postgres', "SELECT dp_agg.set_total('orders', 'amount', 0, $s)");
		$where = "AND dp_with(max_rows => $r, max_total => $t)";
		agree(asked($role, 'sum(amount)'), $node->safe_psql('postgres', own_bounds($r, $t, $s)), 1,
			"$role: an individual's sum is at most $s");
	}
	$where = 'AND dp_with(max_rows => 6, max_total => 20)';
	# an average is not of that sum
	agree(asked($role, 'avg(amount)'), $node->safe_psql('postgres', "SELECT a.month, round(a.s / b.s, 2) FROM (@{[ weighted('sum(least(amount, 100))', 'true') ]}) a JOIN (@{[ weighted('count(*)', 'true') ]}) b USING (month) ORDER BY 1"),
		0.02, "$role: averages keep the bounds of values");
}
is(DpAgg::value($node, 'analyst', "SELECT sum(amount) FROM orders WHERE dp_with(max_total => 1000)"),
	$node->safe_psql('postgres', "SELECT round(sum(least(s, 50)), 2) FROM (SELECT sum(amount) AS s FROM orders GROUP BY person) x"),
	'without groups each sum is clamped');
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people AS SELECT DISTINCT person, 10 * person AS worth FROM orders;
ALTER TABLE people ADD PRIMARY KEY (person), ALTER worth SET NOT NULL;
SELECT dp_agg.protect('people', unit => 'person', population => 'customers');
SELECT dp_agg.set_total('people', 'worth', 0, 900);
SQL
is(DpAgg::value($node, 'analyst', 'SELECT sum(worth) FROM people'), $node->safe_psql('postgres', 'SELECT sum(least(worth, 900)) FROM people'),
	'where each has one row they are bounds of its value');
$node->safe_psql('postgres', q{SELECT dp_agg.set_bounds('people', 'worth', 100, 500)});
is(DpAgg::value($node, 'analyst', 'SELECT sum(worth) FROM people'), $node->safe_psql('postgres', 'SELECT sum(least(greatest(worth, 100), 500)) FROM people'),
	'within those of a value');
$node->safe_psql('postgres', q{SELECT dp_agg.set_total('orders', 'amount', NULL, NULL)});

# ---------- which limit holds ----------

my $rows = sub { my ($limits) = @_; return int(0.5 + DpAgg::value($node, 'analyst', "$limits; SELECT sum(n) FROM (SELECT month, sum(one) AS n FROM orders WHERE person = 1 GROUP BY 1) x")); };

is($rows->('SET dp_agg.max_total = 0'), 20, 'what is declared');
is($rows->('SET dp_agg.max_total = 7'), 7, 'the setting');
is($rows->('SET dp_agg.max_total = 400'), 6 * 4, 'and max_rows of each of its four months');
is($rows->('SET dp_agg.max_groups = 2'), 12, 'who asks for groups gets no more');
is($rows->('SET dp_agg.max_rows = 1'), 4, 'who asks for rows gets no more');
is($rows->('SET dp_agg.max_groups = 2; SET dp_agg.max_total = 9'), 9, 'both');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM orders WHERE person = 1'), 20, 'without groups max_total alone');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM orders WHERE person = 1 AND dp_with(max_rows => 3)'), 3, 'or the rows that are asked for');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp.orders WHERE person = 1'), 20, 'of the facade, too');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM (SELECT person FROM orders UNION ALL SELECT person FROM orders) o WHERE person = 1'), 40,
	'those of the branches of UNION ALL add up');
is(DpAgg::value($node, 'analyst', 'PREPARE q AS SELECT count(*) FROM orders WHERE person = 1 AND dp_with(max_total => $1); EXECUTE q (5); SET plan_cache_mode = force_generic_plan; EXECUTE q (11); EXECUTE q (NULL)'),
	"5\n11\n20", 'a parameter, and NULL for what is declared');
$node->safe_psql('postgres', q{SELECT dp_agg.protect('orders', unit => 'person', population => 'customers', max_groups => 4, max_rows => 3)});
is($rows->('SET dp_agg.max_total = 0'), 12, 'max_groups times max_rows, in any groups');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM orders WHERE person = 1'), 12, 'without groups, too');
$node->safe_psql('postgres', q{SELECT dp_agg.protect('orders', unit => 'person', population => 'customers', max_groups => 4, max_rows => 6, max_total => 20)});

# ---------- bad input ----------

foreach my $bad (
	[ 'dp_with(max_total => 0)', '22023' ], [ 'dp_with(max_total => 100000001)', '22023' ],
	[ 'dp_with(max_total => 5) AND dp_with(max_total => 6)', 'DP002' ], [ 'dp_with(max_total => month)', 'DP002' ])
{
	is(DpAgg::as($node, 'analyst', "SELECT count(*) FROM orders WHERE $bad->[0]")->{sqlstate}, $bad->[1], $bad->[0]);
}
foreach my $bad (
	[ q{set_total('orders', 'amount', 5, 5)}, 'DP003' ], [ q{set_total('orders', 'amount', 0, 'NaN')}, 'DP003' ],
	[ q{set_total('orders', 'amount', 0, 'Infinity'::float8)}, 'DP003' ], [ q{set_total('orders', 'amount', 'x', '1')}, 'DP003' ],
	[ q{set_total('orders', 'amount', NULL, 5)}, '22004' ], [ q{set_total('orders', 'nothing', 0, 5)}, '42703' ],
	[ q{set_total('pg_class', 'relpages', 0, 5)}, '42704' ],
	[ q{protect('orders', unit => 'person', population => 'customers', max_total => 0)}, '22023' ],
	[ q{protect('orders', unit => 'person', population => 'customers', max_total => 100000001)}, '22023' ])
{
	is(DpAgg::as($node, scalar getpwuid($>), "SELECT dp_agg.$bad->[0]")->{sqlstate}, $bad->[1], $bad->[0]);
}
is(DpAgg::as($node, 'analyst', q{SELECT dp_agg.set_total('orders', 'amount', 0, 5)})->{sqlstate}, '42501', 'not for analysts');
$node->safe_psql('postgres', q{CREATE TABLE words (person int, w text); SELECT dp_agg.protect('words', 'person', 'customers')});
is(DpAgg::as($node, scalar getpwuid($>), q{SELECT dp_agg.set_total('words', 'w', 0, 5)})->{sqlstate}, 'DP003', 'words are not added up');

# ---------- what is kept ----------

$node->safe_psql('postgres', q{SELECT dp_agg.set_total('orders', 'amount', -7.25, 1e10)});
my $shown = q{SELECT max_total, totals FROM dp_agg.protected_relations WHERE relation = 'orders'::regclass};
is($node->safe_psql('postgres', $shown), '20|{"amount": [-7.25, 10000000000]}', 'as protected_relations shows it');
$node->safe_psql('postgres', 'CREATE DATABASE other');
system_or_bail('sh', '-c', 'pg_dump -h ' . $node->host . ' -p ' . $node->port . ' postgres | psql -XqAt -v ON_ERROR_STOP=1 -h ' . $node->host . ' -p ' . $node->port . ' other > /dev/null');
is($node->safe_psql('other', $shown), '20|{"amount": [-7.25, 10000000000]}', 'pg_dump carries both');
$node->safe_psql('postgres', q{SELECT dp_agg.protect('orders', unit => 'person', population => 'customers')});
is($node->safe_psql('postgres', $shown), '|{"amount": [-7.25, 10000000000]}', 'protecting again keeps bounds of sums');
$node->safe_psql('postgres', q{SELECT dp_agg.unprotect('orders')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_seclabel WHERE objoid = 'orders'::regclass}), '0', 'unprotect() takes all of it away');

# ---------- memory ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE clicks (person int NOT NULL, page int NOT NULL);
INSERT INTO clicks SELECT 0, i FROM generate_series(1, 2000000) i;
INSERT INTO clicks SELECT p, g FROM generate_series(1, 100) p, generate_series(-3, -1) g;
SELECT dp_agg.protect('clicks', unit => 'person', population => 'customers', max_total => 30);
SQL
my $peak = DpAgg::value($node, 'analyst', q{SELECT count(*), sum(n)::int FROM (SELECT page, count(*) AS n FROM clicks GROUP BY page) x});
is($peak, '33|330', 'of two million groups an individual keeps as many as count');

done_testing();
