# Every aggregate: its value beside plain SQL's, its type, its price, and how far
# the noise carries it; prepared statements, public domains, intervals, and what
# dp_agg.last_release() says.
#
# Values are compared at an epsilon so large that noise does not matter; the law
# of the noise is tested at epsilon 1 over many groups of one query, which are
# independent releases.  Every statistic is tested at 5 standard errors.

use strict;
use warnings;
use Clients;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('aggregates', conf => "timezone = 'UTC'\ndatestyle = 'iso, mdy'");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'glad', 'calm');

-- x is uniform over 0 .. 100 but for 42, the mode and median; one row per person.
-- All quantiles that are asked for lie inside the steps of x, in each group, too.
CREATE TABLE one (id int PRIMARY KEY, g int NOT NULL, i2 int2 NOT NULL, i4 int4 NOT NULL, i8 int8 NOT NULL,
	f4 float4 NOT NULL, f8 float8 NOT NULL, n numeric NOT NULL, n4 int, n8 float8,
	y float8 NOT NULL, yn numeric, d date NOT NULL, ts timestamp NOT NULL, tz timestamptz NOT NULL,
	iv interval NOT NULL, b boolean NOT NULL, t text NOT NULL, v varchar(10), m mood);
INSERT INTO one
SELECT i, i % 4, x, x, x, x, x, x, CASE WHEN i % 5 > 0 THEN x END, CASE WHEN i % 5 > 0 THEN x END,
	(x + i * 7 % 101) / 2.0, CASE WHEN i % 11 > 0 THEN (x + i * 7 % 101) / 2.0 END,
	date '2024-01-01' + x, timestamp '2024-01-01' + x * interval '1 hour',
	timestamptz '2024-01-01Z' + x * interval '1 hour', x * interval '1 hour', x >= 40,
	'text ' || least(i % 7, 4), 'v' || least(i % 7, 2), (enum_range(NULL::mood))[1 + least(i % 5, 2)]
FROM generate_series(1, 2360) i, LATERAL (SELECT CASE WHEN i > 2020 THEN 42 ELSE i % 101 END AS x) x;

-- the same with three rows per person, in different groups
CREATE TABLE several AS
SELECT o.id AS person, (o.g + k) % 4 AS g, i2, i4, i8, f4, f8, n, n4, n8, y, yn, d, ts, tz, iv, b, t, v, m
FROM one o, generate_series(1, 3) k;
ALTER TABLE several ALTER person SET NOT NULL, ALTER i4 SET NOT NULL, ALTER f8 SET NOT NULL;
CREATE TABLE names (g int PRIMARY KEY, name text NOT NULL);
INSERT INTO names SELECT g, 'group ' || g FROM generate_series(0, 3) g;
GRANT SELECT ON names TO analyst;
CREATE VIEW half AS SELECT * FROM one WHERE id % 2 = 0;
GRANT SELECT ON half TO analyst;
CREATE TABLE spread AS SELECT stddev(f8), covar_pop(y, f8) AS covar FROM one;
GRANT SELECT ON spread TO analyst;

SELECT dp_agg.protect('one', 'id', 'people');
SELECT dp_agg.protect('several', 'person', 'people', max_groups => 3, max_rows => 3);
SET client_min_messages = warning;
SELECT dp_agg.set_bounds(r, c, 0, 100)
FROM unnest('{one,several}'::regclass[]) r, unnest('{i2,i4,i8,f4,f8,n,n4,n8,y,yn}'::name[]) c;
SELECT dp_agg.set_bounds(r, 'd', '2024-01-01', '2024-04-10'), dp_agg.set_bounds(r, 'ts', '2024-01-01', '2024-01-05 04:00'),
	dp_agg.set_bounds(r, 'tz', '2024-01-01Z', '2024-01-05 04:00Z'), dp_agg.set_bounds(r, 'iv', '0', '100 hours')
FROM unnest('{one,several}'::regclass[]) r;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
ANALYZE;
SQL

# ---------- every aggregate over every type, beside plain SQL ----------

# What an aggregate yields as text in which numbers stand: arrays and moments, too.
my %as_text = (
	number => 'e::text',
	moment => 'extract(epoch FROM e)::text',
	numbers => 'e::text',
	moments => 'ARRAY(SELECT extract(epoch FROM u) FROM unnest(e) u)::text');

# Cases: [kind of result, what the analyst writes, what plain SQL calls it].
sub standard
{
	my ($kind, @calls) = @_;

	return map { [ $kind, $_, $_ ] } @calls;
}

sub ordered
{
	my ($c, $kind) = @_;

	return (
		(map { standard($kind, "$_ WITHIN GROUP (ORDER BY $c)") }
			'percentile_cont(0.5)', 'percentile_disc(0.5)', 'percentile_cont(0.25)', 'percentile_disc(0.9)', 'mode()'),
		standard($kind, "percentile_cont(0.9) WITHIN GROUP (ORDER BY $c DESC)",
			"percentile_disc(0.9) WITHIN GROUP (ORDER BY $c DESC NULLS LAST)",
			"percentile_disc(0.3) WITHIN GROUP (ORDER BY $c NULLS FIRST)",
			"mode() WITHIN GROUP (ORDER BY $c DESC)"),
		(map { standard($kind . 's', "$_ WITHIN GROUP (ORDER BY $c)") }
			'percentile_cont(ARRAY[0.9, 0.1, 0.5]::float8[])', q(percentile_disc('{0.2,0.2,0.8}'::float8[])),
			'percentile_cont(ARRAY[0.1, 0.2, 0.3, 0.4, 0.6, 0.7]::float8[])'),
		standard($kind . 's', "percentile_disc('{0.1,0.3}'::float8[]) WITHIN GROUP (ORDER BY $c DESC)"));
}

sub distinct_and_counts
{
	my ($c) = @_;

	return (standard('number', "count($c)", "count(DISTINCT $c)"),
		[ 'number', "dp_count($c)", "count($c)" ], [ 'number', "dp_count_distinct($c)", "count(DISTINCT $c)" ]);
}

# dp_ forms that have the standard's name; with and without written bounds.
sub dp_forms
{
	my ($c, $kind, $bounds, @names) = @_;

	return (
		(map { my $name = $_; map { [ $kind, "dp_$name($c$_)", "$name($c)" ] } '', ", $bounds" } @names),
		map { (
			[ $kind, "dp_median($c$_)", "percentile_cont(0.5) WITHIN GROUP (ORDER BY $c)" ],
			[ $kind, "dp_quantile($c, 0.25$_)", "percentile_cont(0.25) WITHIN GROUP (ORDER BY $c)" ],
			[ $kind . 's', "dp_quantile($c, ARRAY[0.9, 0.1]$_)", "percentile_cont('{0.9,0.1}'::float8[]) WITHIN GROUP (ORDER BY $c)" ]) }
		'', ", $bounds");
}

sub pairs
{
	my ($y, $x) = @_;

	return map { (
		[ 'number', "$_($y, $x)", "$_($y, $x)" ],
		[ 'number', "dp_$_($y, $x)", "$_($y, $x)" ],
		[ 'number', "dp_$_($y, $x, 0, 100, 0, 100)", "$_($y, $x)" ]) }
	  qw(corr covar_pop covar_samp), map { "regr_$_" } qw(slope intercept r2 count avgx avgy sxx syy sxy);
}

# Dates and timestamps, which plain SQL takes no continuous percentiles of.
sub moments
{
	my ($c, $bounds) = @_;

	return (
		distinct_and_counts($c),
		standard('moment', "min($c)", "max($c)", map { "$_ WITHIN GROUP (ORDER BY $c)" } 'mode()', 'percentile_disc(0.5)', 'percentile_disc(0.25)'),
		standard('moments', "percentile_disc('{0.8,0.2}'::float8[]) WITHIN GROUP (ORDER BY $c)"),
		[ 'moment', "dp_mode($c)", "mode() WITHIN GROUP (ORDER BY $c)" ],
		map { (
			[ 'moment', "dp_min($c$_)", "min($c)" ], [ 'moment', "dp_max($c$_)", "max($c)" ],
			[ 'moment', "dp_median($c$_)", "percentile_disc(0.5) WITHIN GROUP (ORDER BY $c)" ],
			[ 'moment', "dp_quantile($c, 0.8$_)", "percentile_disc(0.8) WITHIN GROUP (ORDER BY $c)" ],
			[ 'moments', "dp_quantile($c, ARRAY[0.3, 0.9]$_)", "percentile_disc('{0.3,0.9}'::float8[]) WITHIN GROUP (ORDER BY $c)" ]) }
		'', ", $bounds");
}

my @spreads = qw(var_pop var_samp variance stddev stddev_pop stddev_samp);
my %cases = (
	(map { my $c = $_; $c => [
			distinct_and_counts($c), ordered($c, 'number'),
			standard('number', map { "$_($c)" } qw(sum avg min max), @spreads),
			dp_forms($c, 'number', '0, 100', qw(sum avg min max), @spreads),
			[ 'number', "dp_mode($c)", "mode() WITHIN GROUP (ORDER BY $c)" ],
			[ 'number', "dp_var($c)", "variance($c)" ] ] }
		qw(i2 i4 i8 f4 f8 n n4 n8)),
	(map { $_->[0] => [ moments(@$_) ] } [ 'd', q('2024-01-01', '2024-04-10') ], [ 'ts', q('2024-01-01', '2024-01-05 04:00') ],
		[ 'tz', q('2024-01-01Z', '2024-01-05 04:00Z') ]),
	'iv' => [ distinct_and_counts('iv'), ordered('iv', 'moment'), standard('moment', map { "$_(iv)" } qw(sum avg min max)),
		dp_forms('iv', 'moment', q('0', '100 hours'), qw(sum avg min max)), [ 'moment', 'dp_mode(iv)', 'mode() WITHIN GROUP (ORDER BY iv)' ] ],
	(map { my $c = $_; $c => [
			distinct_and_counts($c), standard('number', "mode() WITHIN GROUP (ORDER BY $c)"),
			[ 'number', "dp_mode($c)", "mode() WITHIN GROUP (ORDER BY $c)" ] ] }
		qw(b t v m)),
	'b::int' => [ distinct_and_counts('b::int'), standard('number', 'sum(b::int)', 'avg(b::int)', 'stddev(b::int)', 'max(b::int)') ],
	'pairs' => [ pairs('y', 'i4'), pairs('y', 'f8') ],
	'pairs with NULLs' => [ pairs('yn', 'n4'), pairs('n8', 'yn') ]);

sub values_agree
{
	my ($got, $truth) = @_;
	my @got = split /[{},]/, $got, -1;
	my @truth = split /[{},]/, $truth, -1;
	my $number = qr/^-?\d+(\.\d+)?(e[-+]?\d+)?$/;

	return 0 if @got != @truth;
	foreach my $i (0 .. $#got)
	{
		next if $got[$i] eq $truth[$i];
		return 0 unless $got[$i] =~ $number && $truth[$i] =~ $number;
		# moments are whole hours or days
		my $tolerance = abs $truth[$i] > 1e9 ? 86401 : 1 + 0.01 * abs $truth[$i];
		return 0 if abs($got[$i] - $truth[$i]) > $tolerance;
	}
	return 1;
}

# Asks all cases over FROM in one session as the analyst and in another as the
# owner; each analyst's query is a release that costs epsilon, whatever it computes.
sub compare
{
	my ($title, $from, $group, @cases) = @_;
	my $query = sub {
		my ($call, $kind) = @_;

		return "SELECT pg_typeof(e), $as_text{$kind} FROM (SELECT "
		  . ($group ? "$group AS k, $call AS e FROM $from GROUP BY $group) s ORDER BY k" : "$call AS e FROM $from) s");
	};
	my $spent = "SELECT epsilon_spent FROM dp_agg.my_budget";
	my @truth = DpAgg::bulk($node, $superuser, [ map { $query->($_->[2], $_->[0]) } @cases ]);
	my ($set, $before, @got) = DpAgg::bulk($node, 'analyst',
		[ 'SET dp_agg.epsilon = 1000', $spent, (map { $query->($_->[1], $_->[0]) } @cases), $spent ]);
	my $after = pop @got;
	my @wrong;

	foreach my $i (0 .. $#cases)
	{
		my ($r, $truth) = ($got[$i], $truth[$i]);
		my @r = split /\n/, $r->{out};
		my @t = split /\n/, $truth->{out};
		my $good = $r->{sqlstate} eq '00000' && @r == @t;

		die "the truth fails: $truth->{message}: $cases[$i][2]" if $truth->{sqlstate} ne '00000';
		foreach my $k (0 .. $#t)
		{
			my ($r_type, $r_value) = split /\|/, $r[$k] // '', -1;
			my ($t_type, $t_value) = split /\|/, $t[$k], -1;

			$good &&= ($r_type // '') eq $t_type && values_agree($r_value // '', $t_value);
		}
		push @wrong, "$cases[$i][1]: $r->{sqlstate} $r->{message} @r; expected @t" unless $good;
	}
	is(join("\n", @wrong), '', "$title: " . @cases . ' aggregates have the values and types of plain SQL');
	is($after->{out} - $before->{out}, 1000 * @cases, "$title: each costs one epsilon");
	return;
}

compare("$_ of one by g", 'one', 'g', @{ $cases{$_} }) foreach sort keys %cases;
compare("$_ of one", 'one', undef, @{ $cases{$_} }) foreach qw(n8 d t), 'pairs with NULLs';
compare("$_ of several by g", 'several', 'g', @{ $cases{$_} }) foreach qw(d iv m n4 tz), 'pairs with NULLs';
compare("$_ of several", 'several', undef, @{ $cases{$_} }) foreach qw(b i4);

# A few of them in every place and form.  The maximum is the upper bound, since one
# inside the bounds is missed now and then.
my @few = (
	standard('number', 'stddev(f8)', 'variance(i4)', 'max(n)', 'percentile_cont(0.3) WITHIN GROUP (ORDER BY i4)',
		'mode() WITHIN GROUP (ORDER BY t)', 'corr(y, f8)', 'regr_slope(yn, n4)', 'count(DISTINCT t)', 'count(DISTINCT f8)', 'avg(n8)'),
	[ 'number', 'dp_median(n4)', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY n4)' ],
	[ 'moment', 'dp_max(d)', 'max(d)' ]);
sub with_filter
{
	my ($condition, @list) = @_;

	return map { my ($kind, @calls) = @$_; [ $kind, map { "$_ FILTER (WHERE $condition)" } @calls ] } @list;
}
compare('FILTER', $_, 'g', with_filter('b', @few)) foreach 'one', 'several';
compare('FILTER of NULLs', $_, undef, with_filter('n4 IS NOT NULL AND i4 > 10', @few)) foreach 'one', 'several';
compare('WHERE', "$_ WHERE i4 > 20 OR t = 'text 1'", undef, @few) foreach 'one', 'several';
compare('facade', 'dp.one', 'g', @few);
compare('view', 'half', 'g', @few);
compare('join with a public table', "$_ JOIN names USING (g)", 'name', @few) foreach 'one', 'several';
compare('join of protected tables', '(SELECT a.g, a.i4, a.f8, b.n, b.t, b.y, b.yn, b.n4, b.n8, b.d, b.person FROM one a JOIN several b ON a.id = b.person) j',
	'g', @few);
compare('sub-select', '(SELECT g, i4, f8, n, t, y, yn, n4, n8, d FROM several WHERE i4 > 10) s', 'g', @few);
compare('union', '(SELECT id, g, i4, f8, n, t, y, yn, n4, n8, d FROM one UNION ALL SELECT person, g, i4, f8, n, t, y, yn, n4, n8, d FROM several WHERE g = 0) u',
	undef, @few);
compare('grouped by text', 'several', 't', @few);
compare('grouped by an expression', 'one', 'g / 2', @few);
compare('CASE', 'one', 'g',
	standard('number', (map { "$_(CASE WHEN b THEN i4 ELSE 0 END)" } qw(stddev max avg)), 'max(CASE WHEN b THEN i4 END)',
		'variance(CASE WHEN b THEN f8 END)', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN b THEN i4 END)',
		q(mode() WITHIN GROUP (ORDER BY CASE WHEN b THEN t ELSE 'none' END)), 'count(DISTINCT CASE WHEN b THEN i4 END)'));
compare('expressions', 'several', 'g',
	standard('number', 'stddev(i4 * 2 + 1)', 'max(-i4)', 'min(100 - i4)', 'corr(y + 1, f8 * 2)', 'count(DISTINCT i4 / 10)',
		'mode() WITHIN GROUP (ORDER BY i4 / 10 * 10)', 'mode() WITHIN GROUP (ORDER BY upper(t))', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY i4 / 10.0)'));

# Answers of a whole query, with numbers replaced by what they are near to.
sub answer
{
	my ($sql, %o) = @_;

	return DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = ' . ($o{epsilon} // 1000) . ";\n$sql");
}
is(answer(<<'SQL'), "0\n1\n2\n3", 'HAVING on every kind of output');
SELECT g FROM one GROUP BY g
HAVING count(*) > 100 AND stddev(f8) > 5 AND max(i4) > 50 AND dp_median(i4) BETWEEN 41 AND 43 AND count(DISTINCT t) = 5
	AND mode() WITHIN GROUP (ORDER BY i4) = 42 AND dp_low(dp_count(*)) > 400 AND cardinality(dp_top(t, 3)) = 3
ORDER BY g
SQL
is(answer('SELECT g FROM one GROUP BY g HAVING max(i4) > 200'), '', 'HAVING that none meets');
is(answer('SELECT max(m) - min(m) <= 1, count(*) FROM (SELECT g, dp_median(i4) AS m FROM several GROUP BY g) s'), 't|4',
	'statistics of released values are plain SQL');

# ---------- composites and arrays ----------

is(answer('SELECT count(*), bool_and(abs(c.count - CASE c.value WHEN \'text 4\' THEN 1011 ELSE 337 END) < 5), min(c.value) FROM (SELECT unnest(dp_top(t, 10)) AS c FROM one) s, LATERAL (SELECT (s.c).*) c'),
	'5|t|text 0', 'dp_top: values and counts');
is(answer('SELECT (c[1]).value, (c[1]).count BETWEEN 1006 AND 1016, (c[1]).count >= (c[2]).count AND (c[2]).count >= (c[3]).count FROM (SELECT dp_top(t, 3) AS c FROM one) s'),
	'text 4|t|t', 'dp_top: the most frequent first');
is(answer('SELECT value, round(count, -2) FROM (SELECT (unnest(dp_top(b, 2))).* FROM several) s'), "t|4700\nf|2400",
	'dp_top of booleans, several rows');
is(answer('SELECT g, (unnest(dp_top(m, 1))).value FROM several GROUP BY g ORDER BY g'), join("\n", map { "$_|calm" } 0 .. 3), 'dp_top of an enum by group');
is(answer('SELECT lower, upper, round(count, -1) FROM (SELECT (unnest(dp_histogram(i4, 4))).* FROM one) s'),
	"0|25|500\n25|50|840\n50|75|500\n75|100|520", 'dp_histogram: declared bounds');
is(answer('SELECT lower, upper, round(count, -1) FROM unnest((SELECT dp_histogram(n, 20, 60, 2) FROM several)) h'),
	"20|40|2400\n40|60|4680", 'dp_histogram: written bounds, values beyond them in the last buckets');
is(answer(q{SELECT lower, upper, round(count, -1) FROM (SELECT (unnest(dp_histogram(d, '2024-01-01', '2024-01-21', 2))).* FROM one WHERE d < '2024-01-21') s}),
	"2024-01-01|2024-01-11|200\n2024-01-11|2024-01-21|200", 'dp_histogram of dates');
is(answer('SELECT lower, upper, round(count, -1) FROM (SELECT (unnest(dp_histogram(ts, 2))).* FROM one) s'),
	"2024-01-01 00:00:00|2024-01-03 02:00:00|1340\n2024-01-03 02:00:00|2024-01-05 04:00:00|1020", 'dp_histogram of timestamps');
is(answer('SELECT lower, upper, round(count, -1) FROM (SELECT (unnest(dp_histogram(tz, 2))).* FROM one) s'),
	"2024-01-01 00:00:00+00|2024-01-03 02:00:00+00|1340\n2024-01-03 02:00:00+00|2024-01-05 04:00:00+00|1020", 'dp_histogram of timestamps with time zone');
is(answer('SELECT g, sum(h.count) BETWEEN 585 AND 595, count(*) FROM (SELECT g, unnest(dp_histogram(f8, 10)) AS h FROM one GROUP BY g) s, LATERAL (SELECT (s.h).*) h GROUP BY g ORDER BY g'),
	join("\n", map { "$_|t|10" } 0 .. 3), 'dp_histogram by group');
is(answer("SELECT $_ FROM one WHERE i4 > 2"), '{2,128}', $_) foreach 'dp_bounds(i2)', 'dp_bounds(i4)', 'dp_bounds(i8)', 'dp_bounds(n)', 'dp_bounds(f4)', 'dp_bounds(n8)';
is(answer('SELECT dp_bounds(f8 / 4 - 5), dp_bounds(f8 * 1000), dp_bounds(-i4) FROM several WHERE i4 > 40'),
	'{4,32}|{32768,131072}|{-128,-32}', 'dp_bounds: powers of two around most values');

# ---------- several outputs share one epsilon ----------

{
	my $spent = 'SELECT epsilon_spent || \' \' || (SELECT count(*) FROM dp_agg.my_releases) FROM dp_agg.my_budget';
	my $all = 'count(*), avg(i4), stddev(f8), dp_median(n), min(i4), max(i4), mode() WITHIN GROUP (ORDER BY t), dp_top(t, 3), '
	  . 'dp_histogram(i4, 4), dp_bounds(n), count(DISTINCT t), corr(y, f8), dp_low(dp_count(*)), dp_high(dp_count(*)), dp_tier(*)';
	my ($e, $n) = split ' ', DpAgg::value($node, 'analyst', $spent);
	my $out = answer("SELECT $all FROM one", epsilon => 600);
	my ($e2, $n2) = split ' ', DpAgg::value($node, 'analyst', $spent);
	my @out = split /\|/, $out;

	is(sprintf('%g for %d', $e2 - $e, $n2 - $n), '600 for 1', 'fifteen outputs cost what one costs');
	ok(abs($out[0] - 2360) <= 3 && abs($out[3] - 42) <= 1 && $out[4] eq '0' && $out[5] eq '100' && $out[6] eq 'text 4'
		  && $out[10] == 5, 'and all have their values') or diag($out);
	answer("SELECT $all FROM one WHERE dp_with(epsilon => 3.5)");
	my ($e3) = split ' ', DpAgg::value($node, 'analyst', $spent);
	is($e3 - $e2, 3.5, 'also with dp_with');
}

# ---------- prepared statements: 7 times, so that the plan becomes generic ----------

foreach my $mode ('auto', 'force_generic_plan', 'force_custom_plan')
{
	my $seven = sub {
		my ($arguments, $query, $values, $expected) = @_;
		my $out = answer("SET plan_cache_mode = $mode;\nPREPARE q ($arguments) AS $query;\n" . "EXECUTE q ($values);\n" x 7);

		is($out, join("\n", ($expected) x 7), "$mode: $query");
	};
	$seven->('float8', 'SELECT dp_quantile(i4, $1) FROM one', 0.3, 35);
	$seven->('float8', 'SELECT percentile_disc($1) WITHIN GROUP (ORDER BY i4) FROM several', 0.3, 35);
	$seven->('float8', 'SELECT percentile_disc($1) WITHIN GROUP (ORDER BY i4 DESC) FROM one', 0.3, 65);
	$seven->('float8, float8', 'SELECT dp_quantile(i4, ARRAY[$1, 0.9, $2]) FROM one', '0.3, 0.1', '{35,89,11}');
	$seven->('float8, float8', 'SELECT dp_max(i4, $1, $2), dp_min(f8, $1, $2) FROM one', '20, 60', '60|20');
	$seven->('date, date', 'SELECT dp_max(d, $1, $2), dp_median(d, $1, $2) FROM one', q('2024-01-01', '2024-02-10'), '2024-02-10|2024-02-10');
	$seven->('timestamptz, timestamptz', 'SELECT dp_max(tz, $1, $2) FROM several', q('2024-01-01Z', '2024-01-02Z'), '2024-01-02 00:00:00+00');
	$seven->('interval, interval', 'SELECT dp_max(iv, $1, $2), extract(day FROM dp_avg(iv, $1, $2)) FROM several', q('0', '1 day'), '1 day|0');
	$seven->('float8', 'SELECT dp_low(dp_count(*), $1) BETWEEN 2350 AND 2360 AND dp_high(dp_count(*), $1) BETWEEN 2360 AND 2370 FROM one', 0.9, 't');
	$seven->('float8', 'SELECT dp_low(dp_median(i4), $1) BETWEEN 38 AND 42, dp_high(dp_median(i4), $1) BETWEEN 42 AND 46 FROM one', 0.9, 't|t');
	$seven->('int', 'SELECT cardinality(dp_top(t, $1)) FROM one', 2, 2);
	$seven->('int', 'SELECT cardinality(dp_histogram(i4, $1)) FROM one', 7, 7);
	$seven->('float8, float8, int', 'SELECT (unnest(dp_histogram(f8, $1, $2, $3))).upper FROM several', '0, 100, 2', "50\n100");
		$seven->('float8, float8', 'SELECT abs(dp_stddev(f8, $1, $2) / stddev - 1) < 0.01, abs(dp_covar_pop(y, f8, $1, $2, $1, $2) / covar - 1) < 0.01 FROM one, spread GROUP BY stddev, covar', '0, 100', 't|t');
	$seven->('int', 'SELECT max(i4) FROM one WHERE i4 <= $1 AND dp_with(epsilon => $1)', 100, 100);
}

# ---------- public domains ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE keyed (id int PRIMARY KEY, city text, grp int, ok boolean, mood mood, day date, x int NOT NULL);
INSERT INTO keyed
SELECT i, (ARRAY['Graz', 'Linz', 'Wien', 'Ort'])[CASE WHEN i <= 10 THEN 4 ELSE 1 + i % 3 END], i % 3, i % 2 = 0,
	CASE WHEN i % 2 = 0 THEN 'sad' ELSE 'glad' END::mood, date '2024-01-01' + i % 2, i % 101
FROM generate_series(1, 610) i;
SELECT dp_agg.protect('keyed', 'id', 'keys');
SELECT dp_agg.set_bounds('keyed', 'x', 0, 100);
-- 'Wien' is not listed, 'Bad Ischl' is nobody's, 'Ort' has ten people
SELECT dp_agg.set_domain('keyed', 'city', '{Graz,Linz,Ort,Bad Ischl}'), dp_agg.set_domain('keyed', 'grp', '{0,1,9}'),
	dp_agg.set_domain('keyed', 'ok', '{t,f}'), dp_agg.set_domain('keyed', 'mood', '{sad,glad,calm}'),
	dp_agg.set_domain('keyed', 'day', '{2024-01-01,2024-01-02,2024-01-03}');
SELECT dp_agg.set_budget('analyst', 'keys', epsilon => 1e9, delta => 0.9);
SQL
foreach my $case (
	[ 'SELECT city, round(count(*), -1) FROM keyed GROUP BY city ORDER BY city', "Bad Ischl|\nGraz|200\nLinz|200\nOrt|" ],
	[ 'SELECT city, dp_median(x) IS NULL, dp_top(x, 3) IS NULL, mode() WITHIN GROUP (ORDER BY mood) IS NULL FROM keyed GROUP BY city ORDER BY city',
		"Bad Ischl|t|t|t\nGraz|f|t|f\nLinz|f|t|f\nOrt|t|t|t" ],
	[ "SELECT city, count(*) > 100 FROM keyed WHERE city <> 'Graz' GROUP BY city ORDER BY city", "Bad Ischl|\nLinz|t\nOrt|" ],
	[ "SELECT city, round(count(*), -1) FROM keyed WHERE city LIKE 'B%' OR x > 1000 GROUP BY city ORDER BY city", "Bad Ischl|\nGraz|\nLinz|\nOrt|" ],
	[ "SELECT city FROM keyed WHERE city IN ('Wien', 'Linz') GROUP BY city", 'Linz' ],
	[ "SELECT city FROM keyed WHERE city IN ('Wien') GROUP BY city", '' ],
	[ 'SELECT city FROM keyed GROUP BY city HAVING count(*) > 100 ORDER BY city', "Graz\nLinz" ],
	[ 'SELECT city FROM keyed GROUP BY city HAVING count(*) IS NULL ORDER BY city', "Bad Ischl\nOrt" ],
	[ 'SELECT city, max(x) FROM keyed GROUP BY city ORDER BY city DESC LIMIT 2', "Ort|\nLinz|100" ],
	[ 'SELECT DISTINCT city FROM keyed ORDER BY city', "Bad Ischl\nGraz\nLinz\nOrt" ],
	[ 'SELECT DISTINCT city, grp FROM keyed ORDER BY city, grp LIMIT 4', "Bad Ischl|0\nBad Ischl|1\nBad Ischl|9\nGraz|0" ],
	[ 'SELECT city, grp, round(count(*), -1) FROM keyed GROUP BY city, grp ORDER BY city, grp',
		join "\n", 'Bad Ischl|0|', 'Bad Ischl|1|', 'Bad Ischl|9|', 'Graz|0|200', 'Graz|1|', 'Graz|9|', 'Linz|0|', 'Linz|1|200', 'Linz|9|', 'Ort|0|', 'Ort|1|', 'Ort|9|' ],
	[ 'SELECT ok, count(*) > 290, max(x) FROM keyed GROUP BY ok ORDER BY ok', "f|t|100\nt|t|100" ],
	[ 'SELECT mood, count(*) > 100 FROM keyed GROUP BY mood ORDER BY mood', "sad|t\nglad|t\ncalm|" ],
	[ 'SELECT day, count(*) > 100 FROM keyed GROUP BY day ORDER BY day', "2024-01-01|t\n2024-01-02|t\n2024-01-03|" ],
	[ "SELECT day, count(*) > 100 FROM keyed WHERE day > '2024-01-01' GROUP BY day ORDER BY day", "2024-01-02|t\n2024-01-03|" ],
	[ "SELECT mood, day, count(*) > 100 FROM keyed WHERE mood > 'sad' AND day = '2024-01-02' GROUP BY 1, 2 ORDER BY 1, 2", "glad|2024-01-02|t\ncalm|2024-01-02|" ],
	# a key without a domain among the keys: nothing is listed
	[ 'SELECT city, x / 1000, count(*) > 100 FROM keyed GROUP BY 1, 2 ORDER BY 1', "Graz|0|t\nLinz|0|t\nWien|0|t" ],
	[ 'SELECT upper(city), count(*) > 100 FROM keyed GROUP BY 1 ORDER BY 1', "GRAZ|t\nLINZ|t\nWIEN|t" ],
	[ 'SELECT city, count(*) > 100 FROM dp.keyed GROUP BY city ORDER BY city', "Bad Ischl|\nGraz|t\nLinz|t\nOrt|" ],
	[ 'SELECT c, count(*) > 100 FROM (SELECT city AS c FROM keyed WHERE x >= 0) s GROUP BY c ORDER BY c', "Bad Ischl|\nGraz|t\nLinz|t\nOrt|" ],
	[ 'SELECT city, count(*) FILTER (WHERE x > 100) < 5, rank() OVER (ORDER BY city) FROM keyed GROUP BY city ORDER BY city', "Bad Ischl||1\nGraz|t|2\nLinz|t|3\nOrt||4" ],
	[ 'SELECT count(*), sum(n) > 300 FROM (SELECT city, count(*) AS n FROM keyed GROUP BY city) s', '4|t' ],
	[ "SELECT city, dp_low(dp_count(*)) > 100, dp_count(*) > 100 FROM keyed WHERE false OR city = 'Ort' GROUP BY city", 'Ort||' ])
{
	my ($sql, $expected) = @$case;
	my $r = DpAgg::as($node, 'analyst', "SET dp_agg.epsilon = 1000; $sql");

	is($r->{out}, $expected, "domain: $sql") or diag($r->{err});
}
foreach my $mode ('auto', 'force_generic_plan')
{
	is(answer("SET plan_cache_mode = $mode; PREPARE q (text, int) AS SELECT city, count(*) > 100 FROM keyed WHERE city > \$1 AND x >= \$2 GROUP BY city ORDER BY city;"
			. q{EXECUTE q ('Go', 0); } x 7),
		join("\n", ("Graz|t\nLinz|t\nOrt|") x 7), "domain: prepared, $mode");
}
$node->safe_psql('postgres', q{SELECT dp_agg.set_domain('keyed', 'city', NULL)});
is(answer('SELECT city FROM keyed GROUP BY city HAVING count(*) > 0 ORDER BY city'), "Graz\nLinz\nWien", 'without a domain again');
$node->safe_psql('postgres', q{TRUNCATE keyed; SELECT dp_agg.set_domain('keyed', 'city', '{Graz,Linz}')});
is(answer('SELECT city, count(*), max(x) FROM keyed GROUP BY city ORDER BY city'), "Graz||\nLinz||", 'domain: an empty table');

# ---------- the law of the noise, at epsilon 1 ----------

$node->safe_psql('postgres', <<'SQL');
-- 400 groups alike, 202 people each
CREATE TABLE alike (id int PRIMARY KEY, g int NOT NULL, x int NOT NULL, y float8 NOT NULL, xn int, c int NOT NULL);
INSERT INTO alike
SELECT i, i / 202, p % 101, (p % 101 + p * 7 % 101) / 2.0, CASE WHEN p % 4 > 0 THEN p % 101 END, p % 3
FROM generate_series(0, 400 * 202 - 1) i, LATERAL (SELECT i % 202 AS p) s;
SELECT dp_agg.protect('alike', 'id', 'alikes');
SET client_min_messages = warning;
SELECT dp_agg.set_bounds('alike', c, 0, 100) FROM unnest('{x,y,xn}'::name[]) c;
SELECT dp_agg.set_budget('analyst', 'alikes', epsilon => 1e9, delta => 0.9);
CREATE TABLE truth AS
SELECT count(*) AS n, avg(x)::float8, avg(xn)::float8 AS avgn, stddev(x)::float8 AS stddev, 50 AS median FROM alike WHERE g = 0;
GRANT SELECT ON truth TO PUBLIC;
ANALYZE;
SQL

my @laws = (
	(map { [ $_, $_ ] } 'count(*)', 'count(xn)', 'sum(x)', 'avg(x)', 'avg(xn)', 'sum(xn)', 'var_pop(x)', 'variance(xn)', 'stddev(x)',
		'stddev_pop(xn)', 'covar_pop(y, x)', 'covar_samp(y, xn)', 'corr(y, x)', 'regr_slope(y, x)', 'regr_intercept(y, x)', 'regr_avgy(y, xn)',
		'regr_count(y, xn)', 'regr_sxy(y, x)', 'regr_syy(y, x)'),
	[ 'count(DISTINCT x)', 'count(DISTINCT x)' ]);
foreach my $law (@laws)
{
	my ($call, $plain) = @$law;
	my $truth = $node->safe_psql('postgres', "SELECT $plain FROM alike WHERE g = 0");
	my ($rmse, $mean, $n, $claimed, $groups) = split /[|\n]/, DpAgg::value($node, 'analyst', <<"SQL");
CREATE TEMP TABLE a AS SELECT g, ($call)::float8 AS v FROM alike GROUP BY g;
SELECT sqrt(avg((v - $truth) ^ 2)), avg(v - $truth), count(v) FROM a;
SELECT standard_error, groups FROM dp_agg.last_release();
SQL
	# of the relative error of a root mean square of a law of kurtosis at most 6
	my $error = sqrt(5 / $n) / 2;

	is("$n $groups", '400 400', "$call: all groups are released");
	# counts cannot be told from the noise of rounding
	$claimed = sqrt($claimed**2 + 1 / 12) if $call =~ /^(regr_)?count|^sum/;
	ok(abs($rmse / $claimed - 1) <= 5 * $error + 0.03,
		sprintf '%s: root mean square error %.4g, standard error of last_release() %.4g', $call, $rmse, $claimed);
	ok(abs($mean) <= 5 * $claimed / sqrt($n) + 0.1 * $claimed, sprintf '%s: mean error %.3g', $call, $mean)
	  unless $call =~ /DISTINCT/;
}

# dp_agg.last_release() has a row for each output.
is(DpAgg::value($node, 'analyst', <<'SQL'), "dp_count(*)|alikes|0.5|0.00000001|400|t\navg(x)|alikes|0.5|0.00000001|400|t\ndp_median(x)|alikes|0.5|0.00000001|400|\nlow of dp_count(*)|alikes|0.5|0.00000001|400|",
CREATE TEMP TABLE a AS SELECT dp_count(*), avg(x), dp_median(x), dp_low(dp_count(*)) FROM alike WHERE dp_with(epsilon => 0.5) GROUP BY g;
SELECT output, population, trim_scale(epsilon), trim_scale(delta), groups, standard_error > 0 FROM dp_agg.last_release();
SQL
	'last_release(): a row for each output');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.last_release()'), 0, 'last_release(): no row before the first');
is(DpAgg::value($node, 'analyst', 'CREATE TEMP TABLE a AS SELECT dp_count(*) FROM alike WHERE g < 0; SELECT groups, standard_error FROM dp_agg.last_release()'),
	'0|', 'last_release(): nothing was released');

# Order statistics: by how many people the chosen cell is off.  P(t or more) is at
# most m/2 exp(-t), m = 101 cells, for one median; 10 people are 5 cells.
{
	my ($off, $n, $mode) = split /\|/, DpAgg::value($node, 'analyst', <<'SQL');
SELECT count(*) FILTER (WHERE abs(m - 50) > 5), count(m) FROM (SELECT g, dp_median(x) AS m FROM alike GROUP BY g) s;
SQL
	is($n, 400, 'median: all groups are released');
	cmp_ok($off, '<=', 2 + 5 * sqrt(2), 'median: hardly ever 10 people off');
	my ($low, $high, $none) = split /\|/, DpAgg::value($node, 'analyst', <<'SQL');
SELECT avg(a), avg(b), count(*) FILTER (WHERE a > b) FROM (SELECT g, min(x) AS a, max(x) AS b FROM alike GROUP BY g) s;
SQL
	# the rank they aim at lies within ln(101) + 6 = 10.6 noises of 2 to 4 people
	ok($low < 26 && $high > 74 && $none == 0, "minimum and maximum: on average $low and $high");
}

# Intervals hold the truth at least as often as they say, and are not much wider
# than they need to be.
{
	my %wide = ('0.95' => 1.96, '0.8' => 1.28);
	foreach my $case ([ '0.95', 'dp_count(*)', 'n' ], [ '0.95', 'dp_avg(xn)', 'avgn' ], [ '0.95', 'dp_stddev(x)', 'stddev' ],
		[ '0.95', 'dp_median(x)', 'median' ], [ '0.8', 'dp_count(*)', 'n' ], [ '0.8', 'dp_avg(x)', 'avg' ], [ '0.8', 'dp_median(x)', 'median' ])
	{
		my ($level, $call, $truth) = @$case;
		my ($held, $width, $sd, $groups) = split /\|/, DpAgg::value($node, 'analyst', <<"SQL");
CREATE TEMP TABLE a AS SELECT dp_low($call, $level) AS l, dp_high($call, $level) AS h, $call AS v FROM alike GROUP BY g;
SELECT avg((t.$truth BETWEEN l AND h)::int), avg(h - l), stddev(v), count(l) FROM a, truth t;
SQL
		my $error = 5 * sqrt($level * (1 - $level) / $groups);
		my $name = "$level interval of $call";

		is($groups, 400, "$name: all groups are released");
		cmp_ok($held, '>=', $level - $error, sprintf '%s holds the truth in %.1f %%, is %.3g wide (standard deviation %.3g)',
			$name, 100 * $held, $width, $sd);
		# a count is rounded outward; around ranks there is no more than a bound
		cmp_ok($held, '<=', $level + $error + ($call =~ /count/ ? 0.1 : 0), "$name: not in more") if $call !~ /median/;
		cmp_ok($width, '<=', $call =~ /median/ ? 40 : 2.8 * $wide{$level} * $sd + ($call =~ /count/ ? 2 : 0), "$name: not too wide");
	}
}

# ---------- the accuracy that is promised ----------

$node->safe_psql('postgres', <<'SQL');
-- 10,000 people, uniform integers; the 90 % and 99 % quantiles lie 20 people and
-- more inside their cells
CREATE TABLE uniform (id int PRIMARY KEY, x int NOT NULL, x2 int NOT NULL, x3 int NOT NULL, x4 int NOT NULL,
	n1 int, n2 int, n3 int, n4 int);
INSERT INTO uniform
SELECT i, x, x, x, x, x, x, x, x
FROM generate_series(1, 10000) i,
	LATERAL (SELECT CASE WHEN i % 101 = 100 AND i <= 2020 THEN 99 WHEN i % 101 = 91 AND i <= 2020 THEN 90 ELSE i % 101 END AS x) x;
CREATE TABLE modes (id int PRIMARY KEY, c text NOT NULL);
INSERT INTO modes SELECT i, 'c' || CASE WHEN i > 1000 THEN 3 ELSE i % 10 END FROM generate_series(1, 1010) i;
SELECT dp_agg.protect('uniform', 'id', 'uniform'), dp_agg.protect('modes', 'id', 'uniform');
SET client_min_messages = warning;
SELECT dp_agg.set_bounds('uniform', c, 0, 100) FROM unnest('{x,x2,x3,x4,n1,n2,n3,n4}'::name[]) c;
SELECT dp_agg.set_budget('analyst', 'uniform', epsilon => 1e9, delta => 0.9);
ANALYZE;
SQL

# Each question is asked $trials times; answers go to a table of the analyst.  Parts share
# epsilon equally, so a question about four columns that each take a part is asked at
# epsilon 4.
my $trials = 2000;
my @questions = (
	[ 'average', 1, $trials, 'dp_avg(x) FROM uniform', 'a float8' ],
	[ 'spread', 1, $trials, 'dp_var(x), dp_stddev(x) FROM uniform', 'a float8, b float8' ],
	[ 'together', 1, $trials, 'dp_count(*), dp_avg(x), dp_stddev(x) FROM uniform', 'a float8, b float8, c float8' ],
	[ 'ranks', 4, 1000, 'dp_median(x), dp_quantile(x2, 0.25), dp_quantile(x3, 0.9), dp_quantile(x4, 0.99) FROM uniform',
		'a float8, b float8, c float8, d float8' ],
	[ 'nullable_average', 1, 300, 'dp_avg(n1) FROM uniform', 'a float8' ],
	[ 'nullable_spread', 1, 300, 'dp_var(n1), dp_stddev(n1) FROM uniform', 'a float8, b float8' ],
	[ 'nullable_ranks', 4, 300, 'dp_median(n1), dp_quantile(n2, 0.25), dp_quantile(n3, 0.9), dp_quantile(n4, 0.99) FROM uniform',
		'a float8, b float8, c float8, d float8' ],
	[ 'mode', 1, 2000, 'dp_mode(c) FROM modes', 'a text' ]);
$node->safe_psql('postgres', 'CREATE SCHEMA answers AUTHORIZATION analyst');
my %script = (odd => '', even => '');
foreach my $question (@questions)
{
	my ($name, $epsilon, $n, $select, $columns) = @$question;
	my $half = $n / 2;

	DpAgg::value($node, 'analyst', "CREATE TABLE answers.$name ($columns)");
	$script{$_} .= Clients::statement("SET dp_agg.epsilon = $epsilon") . Clients::statement(<<"SQL") foreach keys %script;
DO \$\$
BEGIN
	FOR i IN 1 .. $half LOOP
		INSERT INTO answers.$name SELECT $select;
		COMMIT;
	END LOOP;
END
\$\$
SQL
}
my $total = Clients::total(Clients::finish(170, map { Clients::start($node, 'analyst', $script{$_}) } sort keys %script));
is_deeply($total->{states}, { '00000' => 4 * @questions }, 'all trials were made');

my ($avg, $var, $stddev, $p25, $p90, $p99) = split /\|/, $node->safe_psql('postgres', <<'SQL');
SELECT avg(x), variance(x), stddev(x), percentile_disc(0.25) WITHIN GROUP (ORDER BY x),
	percentile_disc(0.9) WITHIN GROUP (ORDER BY x), percentile_disc(0.99) WITHIN GROUP (ORDER BY x) FROM uniform
SQL

# promised(NAME, COLUMN, TRUTH, LIMIT): root mean square error at most LIMIT, but
# for 5 of its own standard errors (kurtosis of at most 6).
sub promised
{
	my ($name, $table, $column, $truth, $limit) = @_;
	my ($rmse, $n) = split /\|/, $node->safe_psql('postgres', "SELECT sqrt(avg(($column - $truth) ^ 2)), count($column) FROM answers.$table");

	ok($rmse <= $limit * (1 + 5 * sqrt(5 / $n) / 2), sprintf '%s: root mean square error %.4g over %d trials, promised %g', $name, $rmse, $n, $limit);
	return;
}
foreach my $prefix ('', 'nullable_')
{
	my $what = $prefix eq '' ? 'NOT NULL' : 'nullable';

	promised("average, $what", "${prefix}average", 'a', $avg, 0.0105);
	promised("variance alone, $what", "${prefix}spread", 'a', $var, 0.4);
	promised("standard deviation alone, $what", "${prefix}spread", 'b', $stddev, 0.007);
	promised("25 % quantile, $what", "${prefix}ranks", 'b', $p25, 0.05);
	promised("90 % quantile, $what", "${prefix}ranks", 'c', $p90, 0.05);
	promised("99 % quantile, $what", "${prefix}ranks", 'd', $p99, 0.05);
	my ($exact, $n) = split /\|/, $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE a = 50), count(*) FROM answers.${prefix}ranks");
	cmp_ok($exact, '>=', 0.999 * $n - 5 * sqrt(0.001 * $n), "median, $what: exactly 50 in $exact of $n trials");
}
promised('count, average and standard deviation together: count', 'together', 'a', 10000, 2.7);
{
	# permute-and-flip: 9 others throw a coin of exp(-10), and share the win
	my ($right, $n) = split /\|/, $node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE a = 'c3'), count(*) FROM answers.mode");
	my $theory = (1 - (1 - exp(-10))**10) / (10 * exp(-10));

	cmp_ok($right, '>=', $n * $theory - 5 * sqrt($n * (1 - $theory)) - 1,
		sprintf 'mode: %d of %d are right, permute-and-flip in theory %.5f', $right, $n, $theory);
}

$node->stop;
done_testing();
