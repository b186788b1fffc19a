# Linear combinations of arguments cost nothing, and how many digits are shown.
#
# sum(x + 1), sum(x + 2), ... sum(2 * x) are made of one sum and one count: their errors are
# measured, and they are, to the last digit, what follows from the sum and the count that are
# released beside them.  A build without noise and gate (DP_FAULT_NOISELESS) must answer what
# plain SQL answers, however individuals are bounded.
#
#	SEED=n QUERIES=n	which random statements and how many (1 and 16 if not set)

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $queries = $ENV{QUERIES} || 16;

srand($ENV{SEED} || 1);

sub pick { return $_[ int rand @_ ]; }

my $node = Faulty::node('linear', <<'CONF');
jit = off
client_min_messages = warning
dp_agg.epsilon = 1
dp_agg.delta = 0.000001
CONF

# hits: three rows each, in one group; visits: one row each, some with the largest integer
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE ROLE sql LOGIN;
CREATE ROLE parallel LOGIN;
ALTER ROLE sql SET dp_agg.bound_node = off;
ALTER ROLE parallel SET parallel_setup_cost = 0;
ALTER ROLE parallel SET parallel_tuple_cost = 0;
ALTER ROLE parallel SET min_parallel_table_scan_size = 0;
CREATE DOMAIN price AS numeric(10, 2);
CREATE TABLE hits (person int NOT NULL, g int NOT NULL, x smallint, a int NOT NULL, b bigint NOT NULL,
	cost numeric(10, 2), free numeric, f double precision, r real, fee price, total int NOT NULL);
INSERT INTO hits
SELECT p, p % 20, nullif((p * 7 + i * 3) % 101, 0), (p * 13 + i) % 51, (p * 11 + i * 5) % 31, nullif((p * 17 + i) % 1000, 5) / 8.0,
	(p * 17 + i) % 1000 / 7.0, (p * 19 + i) % 100 / 3.0, (p * 23 + i) % 10 / 4.0, (p * 3 + i) % 500 / 100.0, (p * 29 + i) % 51
FROM generate_series(1, 4000) p, generate_series(1, 3) i;
SELECT dp_agg.protect('hits', unit => 'person', population => 'people', max_groups => 1, max_rows => 3);
CREATE TABLE twice AS SELECT person, (g + person % 2 * row_number() OVER (PARTITION BY person)) % 20 AS g, x, a, b, cost, free, f, r, fee, total FROM hits;
ALTER TABLE twice ALTER person SET NOT NULL, ALTER g SET NOT NULL, ALTER a SET NOT NULL, ALTER b SET NOT NULL, ALTER total SET NOT NULL;
SELECT dp_agg.protect('twice', unit => 'person', population => 'people', max_groups => 4, max_rows => 3);
CREATE TABLE once (person int PRIMARY KEY, g int NOT NULL, x smallint, a int NOT NULL, b bigint NOT NULL,
	cost numeric(10, 2), free numeric, f double precision, r real, fee price, total int NOT NULL);
INSERT INTO once SELECT DISTINCT ON (person) * FROM hits ORDER BY person, a;
SELECT dp_agg.protect('once', unit => 'person', population => 'people');
SELECT dp_agg.set_bounds(t, c, 0, u) FROM unnest('{hits,twice,once}'::regclass[]) t,
	(VALUES ('x', 100), ('a', 50), ('b', 30), ('cost', 125), ('free', 150), ('f', 34), ('r', 2.5), ('fee', 5), ('total', 50)) v (c, u);
CREATE TABLE edge (person int PRIMARY KEY, x int);
INSERT INTO edge SELECT i, CASE WHEN i % 10 > 0 THEN 2147483647 END FROM generate_series(1, 500) i;
SELECT dp_agg.protect('edge', unit => 'person', population => 'people');
SELECT dp_agg.set_bounds('edge', 'x', 0, 2147483647);
ANALYZE;
SELECT dp_agg.set_budget(r, 'people', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql,parallel}'::name[]) r;
SQL

# The rows of a query, each a list; "truth" is who may read all.
sub rows
{
	my ($role, $query) = @_;

	return map { [ split /\|/, $_, -1 ] } split /\n/, $role eq 'truth' ? $node->safe_psql('postgres', $query) : DpAgg::value($node, $role, $query);
}

# The standard errors of the outputs of a query.
sub errors
{
	my ($query) = @_;

	return map { $_->[0] } rows('analyst', "\\o /dev/null\n$query;\n\\o\nSELECT standard_error FROM dp_agg.last_release()");
}

# Are numbers the same, but for a share of the first?
sub near
{
	my ($x, $y, $share) = @_;

	return abs($x - $y) <= abs($x) * $share + 1e-300;
}

# ---------- noise ----------

my $many = join ', ', 'sum(x)', map { "sum(x + $_)" } 1 .. 89;
my ($sum, $count) = errors('SELECT sum(x), count(x) FROM hits');
my @ninety = errors("SELECT $many FROM hits");

is(scalar @ninety, 90, '90 sums are 90 rows of last_release()');
ok(near($ninety[0], (errors('SELECT sum(x), avg(x) FROM hits'))[0], 1e-9), 'beside 89 others a sum is as sharp as beside an average');
ok(near($ninety[$_]**2, $ninety[0]**2 + ($ninety[89]**2 - $ninety[0]**2) * ($_ * ($_ + 100)) / (89 * 189), 1e-6), "the error of sum(x + $_) is that of a sum about its middle")
  foreach 1, 45, 89;
my @with = errors("SELECT $many, count(x) FROM hits");

ok(near($with[0], $sum, 1e-9) && near($with[90], $count, 1e-9), 'with a count they are one sum and one count');
ok(near($with[$_]**2, $sum**2 + (50 + $_)**2 * $count**2 - 50**2 * $count**2, 1e-6), "and sum(x + $_) errs by both") foreach 1, 89;
my $alone = (errors('SELECT sum(a) FROM hits'))[0];

ok(near((errors('SELECT sum(a - 1) FROM hits'))[0], $alone * sqrt((25**2 + 24**2) / (2 * 25**2)), 1e-9), 'alone, sum(a - 1) is one sum within its own bounds');
ok(near((errors('SELECT sum(2 * a), sum(a), sum(-3.5 * a) FROM hits'))[$_->[0]], $_->[1] * $alone, 1e-9), "multiples of one sum are one sum, $_->[1]")
  foreach [ 0, 2 ], [ 1, 1 ], [ 2, 3.5 ];
# Missing rows count as zeros: the noise of their number goes with the middles of the bounds
is(join(' ', map { sprintf '%.6f', $_ } errors('SELECT sum(a), sum(b), sum(a + b), sum(2 * a - b), sum(b / 4.0 - a) FROM hits')),
	join(' ', map { sprintf '%.6f', (errors('SELECT sum(a), sum(b) FROM hits'))[0] / sqrt(1250) * sqrt(625 * $_->[0]**2 + 225 * $_->[1]**2 + (25 * $_->[0] + 15 * $_->[1])**2) } [ 1, 0 ], [ 0, 1 ], [ 1, 1 ], [ 2, -1 ], [ -1, 0.25 ]),
	'sums of two columns that are never NULL are made of the columns');
my @averages = errors('SELECT avg(f), avg(2 * f + 1), avg(f + 5) FROM hits');
ok(near($averages[1], 2 * $averages[0], 1e-9) && near($averages[2], $averages[0], 1e-9) && near($averages[0], (errors('SELECT avg(f) FROM hits'))[0], 0.01), 'averages');
ok(near((errors('SELECT avg(f), avg(2 * f + 1) FROM once'))[0], (errors('SELECT avg(f) FROM once'))[0], 0.01), 'also alone, drawn around their centre');
my ($v, $d, $v4, $d3, $sxx) = errors('SELECT var_pop(f), stddev(f), var_pop(5 - 2 * f), stddev(3 * f), count(f) FROM hits');
ok(near($v4, 4 * $v, 0.2) && near($d3, 3 * $d, 0.2) && near($v, (errors('SELECT var_pop(f), count(f) FROM hits'))[0], 0.2), 'spreads share three coordinates');

# Measured, over the groups: how far each is from the truth, in standard errors.
my @truth = rows('truth', 'SELECT g, sum(x), sum(x + 89), sum(7 - 3 * x), avg(x + 5) FROM hits GROUP BY 1 ORDER BY 1');
my @squares;
my @expected = (errors("SELECT g, $many, sum(7 - 3 * x), avg(x + 5) FROM hits GROUP BY g"))[ 0, 89, 90, 91 ];
my $releases = 100;

foreach (1 .. $releases)
{
	my @got = rows('analyst', "SELECT g, $many, sum(7 - 3 * x), avg(x + 5) FROM hits GROUP BY g ORDER BY g");

	is(scalar @got, 20, 'all groups are shown') if @got != 20;
	foreach my $group (0 .. $#got)
	{
		my @of = @{ $got[$group] }[ 1, 90, 91, 92 ];

		$squares[$_] += (($of[$_] - $truth[$group][ $_ + 1 ]) / $expected[$_])**2 foreach 0 .. 3;
	}
}
ok(abs(sqrt($squares[$_] / 20 / $releases) - 1) < 0.15, "the standard error of output $_ is what is measured: " . sprintf '%.3f', sqrt($squares[$_] / 20 / $releases)) foreach 0 .. 3;

# ---------- laws ----------

# What follows from sums and counts beside, exactly, for any form of the release.
my @laws = (
	[ 'sum(x + 2) - sum(x + 1)', 'count(x)' ], [ 'sum(3 * x - 7)', '3 * sum(x) - 7 * count(x)' ], [ 'sum(-x)', '-sum(x)' ], [ 'sum(x::bigint + 1)', 'sum(x) + count(x)' ],
	[ 'sum(x * 0.5)', 'sum(x) * 0.5' ], [ 'sum((x + 1) * 1.25)', '(sum(x) + count(x)) * 1.25' ], [ 'sum(1 - (x - 3) * 2)', '7 * count(x) - 2 * sum(x)' ], [ 'count(x + 1)', 'count(x)' ],
	[ 'sum(x::numeric / 4)', 'round(sum(x) / 4.0, 6)', 6 ], [ 'sum(cost + 0.25)', 'sum(cost) + 0.25 * count(cost)' ], [ 'sum(cost * 1.5)', 'sum(cost) * 1.5' ],
	[ 'sum(a + b)', 'sum(a) + sum(b)' ], [ 'sum(2 * a - 3 * b + 4)', '2 * sum(a) - 3 * sum(b) + 4 * count(a)' ], [ 'sum(a + b + 1) - sum(a + b)', 'count(a + b)' ], [ 'sum(a + 1) - sum(a)', 'count(*)' ],
	[ 'sum(2 * a - b + 1) FILTER (WHERE g > 9 OR b > 9)', '2 * sum(a) FILTER (WHERE g > 9 OR b > 9) - sum(b) FILTER (WHERE g > 9 OR b > 9) + count(a) FILTER (WHERE g > 9 OR b > 9)' ],
	[ 'sum(a * 2 + 1) FILTER (WHERE b > 9)', '2 * sum(a) FILTER (WHERE b > 9) + count(a) FILTER (WHERE b > 9)' ]);

foreach my $table ('hits', 'twice', 'once')
{
	foreach my $role ('analyst', 'sql', 'parallel')
	{
		my @wrong = grep { $_->[-1] ne 't' } map { my ($left, $right, $digits) = @$_; rows($role,
			'SELECT ' . ($digits ? "round($left, $digits)" : $left) . ", $right, " . ($digits ? "round($left, $digits)" : $left) . " = $right FROM $table GROUP BY g ORDER BY g") } @laws;

		is(scalar @wrong, 0, "$table, $role: sums follow from sums and counts") or diag(map { "@$_\n" } @wrong);
	}
}
# A correlation is NULL where noise leaves no variance, and then of both.
my $near = join ' AND ', map { "(abs(($_->[0]) - ($_->[1])) <= 1e-9 * abs($_->[1]) OR ($_->[0]) IS NULL AND ($_->[1]) IS NULL)" }
	[ 'avg(2 * f + 3)', '2 * avg(f) + 3' ], [ 'dp_avg(r + 0.5)', 'dp_avg(r) + 0.5' ], [ 'dp_stddev(2 * r)', '2 * dp_stddev(r)' ], [ 'var_samp(5 - 2 * f)', '4 * var_samp(f)' ], [ 'stddev_pop(-3 * f)', '3 * stddev_pop(f)' ], [ 'covar_pop(1 - r, 2 * f)', '-2 * covar_pop(r, f)' ],
	[ 'corr(1 - r, f - 7)', '-corr(r, f)' ], [ 'regr_slope(3 * r, 2 * f)', '1.5 * regr_slope(r, f)' ], [ 'regr_intercept(r + 1, f)', 'regr_intercept(r, f) + 1' ], [ 'regr_r2(r, -f)', 'regr_r2(r, f)' ],
	[ 'regr_sxx(r, 2 * f)', '4 * regr_sxx(r, f)' ], [ 'regr_avgy(r / 2, f)', 'regr_avgy(r, f) / 2' ], [ 'sum(2 * f + 1)', '2 * sum(f) + count(f)' ];
is(join(' ', map { $_->[0] } rows('analyst', "SELECT $near FROM $_ WHERE dp_with(epsilon => 50) GROUP BY g")), join(' ', ('t') x 20), "$_: averages, spreads and lines of linear functions") foreach 'hits', 'once';
is(DpAgg::value($node, 'analyst', 'SELECT g, sum(x + 1) - sum(x) = count(x) FROM hits GROUP BY g HAVING sum(x + 1) > 0 ORDER BY sum(x + 1) - 2 * sum(x), g LIMIT 1') =~ /^\d+\|t$/, 1, 'also in HAVING and ORDER BY');
is(DpAgg::value($node, 'analyst', 'SELECT sum(x + 1) - sum(x) = count(x) FROM (SELECT x FROM hits WHERE b < 20) s WHERE dp_with(epsilon => 2)'), 't', 'with a share of dp_with, over a sub-select');
is(DpAgg::value($node, 'analyst', 'SELECT abs(dp_low(sum(2 * a)) - 2 * dp_low(sum(a))) <= 2 AND abs(dp_high(sum(-a)) + dp_low(sum(a))) <= 1 AND dp_low(sum(2 * a)) < 2 * sum(a) FROM hits'), 't', 'ends of intervals');
is(DpAgg::value($node, 'analyst', 'SELECT count(DISTINCT c) FROM (SELECT dp_clipped(sum(x)), dp_clipped(sum(x + 1)), dp_clipped(avg(3 * x)) FROM hits WHERE dp_with(max_rows => 2)) s (p, q, r), LATERAL (VALUES (p), (q), (r)) c (c)'), 1, 'who is clipped in one is in all');
is(DpAgg::value($node, 'analyst', 'SELECT dp_tier(*), sum(x + 1) - sum(x) = count(x) FROM hits') =~ /^\w+\|t$/, 1, 'beside a tier');
is(DpAgg::value($node, 'analyst', 'PREPARE p AS SELECT sum(x + $1) - sum(x) - $1 * count(x) BETWEEN -1e5 AND 1e5, sum((x + 1) * 2) = 2 * (sum(x) + count(x)) FROM hits; SET plan_cache_mode = force_generic_plan; EXECUTE p(4)') =~ /t$/ ? 1 : 0, 1, 'beside parameters')
  if DpAgg::as($node, 'analyst', 'PREPARE p AS SELECT sum(x + $1) FROM hits; EXECUTE p(4)')->{ok};

# bounds that are written stay as they are
my @written = errors('SELECT dp_sum(x + 1, 0, 100), dp_sum(x, 0, 100), dp_sum(x + 2) FROM hits');
ok(near($written[0], $written[1], 1e-9), 'written bounds are bounds of what is written');

# ---------- limits ----------

is((DpAgg::value($node, 'analyst', 'SELECT ' . join(', ', map { "sum(x + $_)" } 1 .. 128) . ' FROM hits') =~ tr/|//) + 1, 128, '128 outputs of two coordinates');
DpAgg::refused($node, 'analyst', 'SELECT ' . join(', ', map { "sum(x + $_)" } 1 .. 129) . ' FROM hits', 'DP002', 'one more output');
DpAgg::refused($node, 'analyst', 'SELECT ' . join(', ', map { "sum(a % $_)" } 1 .. 65) . ' FROM hits', 'DP002', '65 sums that are no linear combinations of few') if DpAgg::as($node, 'analyst', 'SELECT sum(a % 9) FROM hits')->{ok};
DpAgg::refused($node, 'analyst', 'SELECT ' . join(', ', map { "dp_sum(a, 0, $_)" } 1 .. 65) . ' FROM hits', 'DP002', '65 sums within bounds of their own');
DpAgg::refused($node, 'analyst', 'SELECT sum(person), sum(person + 1) FROM hits', 'DP003', 'bounds must be known');

# ---------- an attack ----------

# Rows in which x + 1 overflows would be told from others by their number
is(DpAgg::value($node, 'analyst', 'SELECT sum(x + 1) - sum(x) = count(x), count(x + 1) = count(x), sum(x + 2) - sum(x + 1) = count(x) FROM edge'), 't|t|t', 'overflow shows nothing');

# ---------- digits ----------

is(DpAgg::value($node, 'analyst', <<'SQL'), '2|3|2|0|0|4|2|2|1|2|2|numeric|numeric|6|7|2', 'sums show the digits of their argument, averages what bounds leave');
SELECT scale(sum(cost)), scale(sum(cost * 1.5)), scale(sum(cost + 1)), scale(sum(b)), scale(sum(round(free))), scale(sum(cost * cost)), scale(sum(fee)), scale(sum(coalesce(cost, 0))),
	scale(sum(trunc(free, 1))), scale(sum(CASE WHEN a > 9 THEN cost ELSE 0 END)), scale(sum(-cost)), pg_typeof(sum(cost)), pg_typeof(avg(a)), scale(avg(free)), scale(avg(a)), scale(dp_low(sum(cost)))
FROM hits
SQL
is(DpAgg::value($node, 'analyst', 'SELECT scale(dp_sum(c, 0, 125)), scale(dp_sum(s, 0, 99)), scale(dp_avg(c, 0, 99)), scale(dp_sum(d, 0, 50)) FROM (SELECT max(cost) AS c, sum(cost * 0.1) AS s, min(cost / 3) AS d FROM hits GROUP BY person) p'), '2|3|7|7', 'through sub-selects');
is(DpAgg::value($node, 'analyst', 'SELECT string_agg(DISTINCT scale(s) || $$ $$ || scale(m), $$,$$) FROM (SELECT sum(cost), avg(cost) FROM hits GROUP BY g) q (s, m)'), '2 6', 'in all groups alike');
like(DpAgg::value($node, 'analyst', 'SELECT sum(cost), avg(a), stddev(a), var_pop(a) FROM hits'), qr/^\d+\.\d\d\|\d+\.\d{7}\|\d+\.\d{7}\|\d+\.\d{5}$/, 'as text');

# ---------- aggregates of double precision stand for all numbers ----------

is(DpAgg::value($node, 'analyst', 'SELECT dp_median(a) = round(dp_median(a)), dp_median(a, 0, 50) = round(dp_median(a, 0, 50)), dp_quantile(b, ARRAY[0.5]) = ARRAY[round(dp_quantile(b, 0.5))]::float8[] IS NOT NULL FROM hits'), 't|t|t', 'medians of integers are integers');
DpAgg::refused($node, 'analyst', 'SELECT dp_median(a, 0.2, 0.8) FROM hits', 'DP003', 'bounds between which no integer lies');
is(DpAgg::value($node, 'analyst', 'SELECT pg_typeof(dp_avg(r)), pg_typeof(dp_avg(x)), pg_typeof(dp_stddev(r)), pg_typeof(dp_var(cost)), pg_typeof(dp_sum(r)) FROM hits'), 'double precision|numeric|double precision|numeric|real', 'types of results stay');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc WHERE proname IN ('dp_median', 'dp_quantile', 'dp_histogram', 'dp_bounds')}), 10 + 20 + 8 + 1, 'one for all numbers, and one for each other type');

# ---------- without noise ----------

ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');

sub constant { return pick(-3, -1, 1, 2, 7, '0.5', '-1.25', 10); }

# An argument: linear in one or several columns, sometimes not.
sub argument
{
	my ($column) = @_;

	return pick($column, "$column + " . abs constant(), constant() . " * $column", "($column - 2) * " . constant(), constant() . " * ($column + " . constant() . ')', "-$column", "$column\::numeric / 4",
		'a + b', 'a - b', '2 * (a + b) - 3', "a + b + $column", "a + total + $column", "abs($column)");
}

sub aggregate
{
	my ($column) = @_;
	my $argument = argument($column);
	my $filter = pick('', '', '', ' FILTER (WHERE b > 9)');
	my $function = pick(qw(sum sum sum sum avg avg count var_pop));

	return $argument =~ /abs/ && $function eq 'var_pop' ? "sum($argument)$filter" : "$function($argument)$filter";
}

my $wrong = 0;

foreach my $i (1 .. $queries)
{
	my $table = pick('hits', 'twice', 'once');
	my $column = pick(qw(x a b cost total));
	my @outputs = map { aggregate($column) } 1 .. 2 + int rand 6;
	my $query = 'SELECT g, ' . join(', ', map { "round(($_)::numeric, 2)" } @outputs) . " FROM $table GROUP BY g ORDER BY g";
	my @truth = rows('truth', $query);

	foreach my $role ('analyst', 'sql')
	{
		my $answer = DpAgg::as($node, $role, "SET dp_agg.epsilon = 100; SET dp_agg.max_groups = 4; $query");
		my @got = map { [ split /\|/ ] } split /\n/, $answer->{out};
		my @far = $answer->{ok} && @got == @truth ? grep { my $row = $_; grep { abs($got[$row][$_] - $truth[$row][$_]) > 0.6 + 1e-6 * abs $truth[$row][$_] } 1 .. @outputs } 0 .. $#truth : ('rows');

		next if !@far;
		$wrong++;
		diag("$role: $query\n$answer->{err}", map { /\d/ ? "@{$got[$_]}\n@{$truth[$_]}\n" : "$_\n" } @far[ 0 .. 0 ]);
	}
}
is($wrong, 0, "$queries random statements answer as plain SQL does");

# with bounds of sums of an individual
$node->safe_psql('postgres', "SELECT dp_agg.set_total('hits', 'total', 0, 90)");
my $clamped = $node->safe_psql('postgres', 'SELECT sum(s), count(*) FROM (SELECT least(sum(total), 90) AS s FROM hits GROUP BY person) p');
my ($total, $people) = split /\|/, $clamped;
my $rows = 3 * $people;
is(DpAgg::value($node, $_, 'SELECT sum(total), sum(2 * total), sum(total + 1), sum(total + 2) - sum(total + 1) - count(total), count(total) FROM hits'),
	join('|', $total, 2 * $total, $total + $rows, 0, $rows), "$_: a sum with bounds of its own, and what is made of it") foreach 'analyst', 'sql';
is(DpAgg::value($node, 'analyst', 'SELECT sum(x + 1), sum(x), sum(1 - x), count(x) FROM edge'), join('|', map { $_->[0] } map { [$_] } 450 * 2147483648, 450 * 2147483647, -450 * 2147483646, 450), 'at the end of integers');

$node->stop;
done_testing();
