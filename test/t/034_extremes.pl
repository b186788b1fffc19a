# What no query survives that trusts its data: NaN, infinities, NULLs, nobody
# there, constants, values far outside the bounds or at the ends of their types,
# huge and many texts; and parameters at their limits and beyond them.
#
# No value may raise an error, since an error would tell that the value is there:
# each answer here is compared with plain SQL over the same rows as the bounds make
# them.  Errors come from parameters alone: each is the same, word for word, over an
# empty table, and costs nothing.

use strict;
use warnings;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('extremes', conf => "timezone = 'UTC'\ndatestyle = 'iso, mdy'\ndp_agg.min_epsilon = '1e-9'");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

$node->safe_psql('postgres', <<'SQL');
-- 100 people in each group, all with the same kind of values
CREATE TABLE wild (id int PRIMARY KEY, g text NOT NULL, f4 real, f8 float8, n numeric, i2 int2, i4 int4, i8 int8,
	d date, ts timestamp, tz timestamptz, iv interval, t text);
INSERT INTO wild
SELECT 1000 * k + p, g, f, f, f::float8::numeric, CASE WHEN abs(f) < 5000 THEN f END, CASE WHEN abs(f) < 5000 THEN f END,
	CASE WHEN abs(f) < 5000 THEN f END, d, d, d, CASE WHEN abs(f) < 5000 THEN f * interval '1 hour' END, g
FROM generate_series(0, 99) p,
	LATERAL (VALUES (1, 'normal', (1 + p % 99)::float8, date '2024-01-01' + p),
		(2, 'nan', 'NaN', NULL), (3, 'plus', 'Infinity', 'infinity'), (4, 'minus', '-Infinity', '-infinity'), (5, 'null', NULL, NULL),
		(6, 'constant', 50, '2024-02-01'), (7, 'above', 1000, '2222-01-01'), (8, 'below', -1000, '1111-01-01'),
		(9, 'mixed', CASE p % 5 WHEN 0 THEN float8 'NaN' WHEN 1 THEN NULL WHEN 2 THEN 'Infinity' WHEN 3 THEN 30 ELSE 30 END,
			CASE p % 5 WHEN 1 THEN NULL WHEN 2 THEN date 'infinity' WHEN 3 THEN '-infinity' ELSE date '2024-01-20' END)) v (k, g, f, d);
-- the ends of the types, and one of a hundred there
INSERT INTO wild
SELECT 20000 + p, 'largest', '3.4e38', '1.79e308', (repeat('9', 100) || '.' || repeat('9', 100))::numeric, 32767, 2147483647,
	9223372036854775807, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999Z',
	interval '178000000 years 2147483647 days', repeat('x', 1000) FROM generate_series(1, 100) p;
INSERT INTO wild
SELECT 21000 + p, 'smallest', '-3.4e38', '-1.79e308', -(repeat('9', 100) || '.' || repeat('9', 100))::numeric, -32768, -2147483648,
	-9223372036854775808, '4713-01-01 BC', '4713-01-01 BC', '4713-01-01Z BC', interval '-178000000 years -2147483648 days', ''
	FROM generate_series(1, 100) p;
INSERT INTO wild
SELECT 22000 + p, 'tiny', 1e-45, 5e-324, '1e-1000', 0, 0, 0, '2024-01-01', '2024-01-01', '2024-01-01', '1 microsecond', ' '
	FROM generate_series(1, 100) p;
INSERT INTO wild
SELECT 23000 + p, 'outlier', f8, f8, n, 50, 50, CASE WHEN p = 1 THEN 9223372036854775807 ELSE 50 END, d, d, d, iv, 'a'
FROM generate_series(1, 100) p, LATERAL (SELECT CASE WHEN p = 1 THEN float8 '1e38' ELSE 50 END AS f8,
	CASE WHEN p = 1 THEN numeric '1e100' ELSE 50 END AS n, CASE WHEN p = 1 THEN date 'infinity' ELSE '2024-02-01' END AS d,
	CASE WHEN p = 1 THEN interval '100000 years' ELSE '50 hours' END AS iv) v;
-- too few, with values or without
INSERT INTO wild SELECT 24000 + p, 'few', 50, 50, 50, 50, 50, 50, '2024-02-01', '2024-02-01', '2024-02-01', '50 hours', 'a' FROM generate_series(1, 19) p;

-- each row twice
CREATE TABLE wild2 AS SELECT w.id AS person, w.* FROM wild w, generate_series(1, 2);
CREATE TABLE none (LIKE wild INCLUDING ALL);
CREATE TABLE none2 (LIKE wild2);

SELECT dp_agg.protect(t, 'id', 'people') FROM unnest('{wild,none}'::regclass[]) t;
SELECT dp_agg.protect(t, 'person', 'people', max_groups => 2, max_rows => 2, columns => NULL) FROM unnest('{wild2,none2}'::regclass[]) t;
SET client_min_messages = warning;
SELECT dp_agg.set_bounds(t, c, 0, 100) FROM unnest('{wild,wild2,none,none2}'::regclass[]) t, unnest('{f4,f8,n,i2,i4,i8}'::name[]) c;
SELECT dp_agg.set_bounds(t, c, '2024-01-01', '2024-04-09') FROM unnest('{wild,wild2,none,none2}'::regclass[]) t, unnest('{d,ts,tz}'::name[]) c;
SELECT dp_agg.set_bounds(t, 'iv', '0', '100 hours') FROM unnest('{wild,wild2,none,none2}'::regclass[]) t;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);

-- the same rows as the bounds make them; NaN is no value
CREATE VIEW tame AS
SELECT id, g, t,
	least(greatest(nullif(f4, 'NaN'), 0), 100)::float8 + CASE WHEN f4 IS NULL OR f4 = 'NaN' THEN NULL ELSE 0 END AS f4,
	least(greatest(nullif(f8, 'NaN'), 0), 100) + CASE WHEN f8 IS NULL OR f8 = 'NaN' THEN NULL ELSE 0 END AS f8,
	round(least(greatest(nullif(n, 'NaN'), 0), 100) + CASE WHEN n IS NULL OR n = 'NaN' THEN NULL ELSE 0 END, 20) AS n,
	CASE WHEN i2 IS NOT NULL THEN least(greatest(i2, 0), 100) END AS i2,
	CASE WHEN i4 IS NOT NULL THEN least(greatest(i4, 0), 100) END AS i4,
	CASE WHEN i8 IS NOT NULL THEN least(greatest(i8, 0), 100) END AS i8,
	CASE WHEN d IS NOT NULL THEN least(greatest(d, '2024-01-01'), '2024-04-09') END AS d,
	CASE WHEN ts IS NOT NULL THEN least(greatest(ts, '2024-01-01'), '2024-04-09') END AS ts,
	CASE WHEN tz IS NOT NULL THEN least(greatest(tz, '2024-01-01'), '2024-04-09') END AS tz,
	CASE WHEN iv IS NOT NULL THEN least(greatest(iv, '0'), '100 hours') END AS iv
FROM wild;
CREATE VIEW tame2 AS SELECT t.* FROM tame t, generate_series(1, 2);
ANALYZE;
SQL

sub answer
{
	my ($sql, $epsilon) = @_;

	return DpAgg::as($node, 'analyst', 'SET dp_agg.epsilon = ' . ($epsilon // 1000) . ";\n$sql");
}

# Numbers close to each other, or the same text.
sub near
{
	my ($got, $truth, $tolerance) = @_;
	my $number = qr/^-?\d+(\.\d+)?(e[-+]?\d+)?$/;

	return 1 if $got eq $truth;
	return 0 unless $got =~ $number && $truth =~ $number;
	return abs($got - $truth) <= $tolerance + 0.01 * abs $truth;
}

# ---------- every kind of value, under every aggregate ----------

my @numbers = qw(f4 f8 n i2 i4 i8);
my @moments = qw(d ts tz);
# [ what the analyst writes, what is true over the tame rows, tolerance ]
my @cases = (
	(map { my $c = $_; (
			(map { [ "$_($c)", "$_($c)", 2 ] } qw(count avg stddev var_pop)),
			(map { [ "$_($c)", "$_($c)", 5 ] } qw(sum stddev_samp min max)),
			[ "dp_stddev($c, 0, 100)", "stddev($c)", 2 ],
			[ "dp_median($c)", "percentile_disc(0.5) WITHIN GROUP (ORDER BY $c)", 5 ],
			[ "corr($c, i4)", "CASE WHEN stddev($c) > 0 AND stddev(i4) > 0 THEN corr($c, i4) END", 0.2, qr/^(?!normal)/ ],
			# a number that double precision cannot hold is none to these
			[ "regr_count($c, i4)", "regr_count($c, i4)", 2, $c eq 'n' ? qr/tiny/ : undef ],
			[ "regr_avgx($c, i4)", "regr_avgx($c, i4)", 2, $c eq 'n' ? qr/tiny/ : undef ],
			[ "dp_histogram($c, 10)", "count($c)", 5 ]) } @numbers),
	(map { my $c = $_; (
			(map { [ "$_($c)", "$_($c)", 0 ] } 'min', 'max'), [ "count($c)", "count($c)", 2 ],
			[ "extract(epoch FROM dp_median($c))", "extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY $c))", 86400 ],
			[ "dp_histogram($c, 10)", "count($c)", 5 ]) } @moments),
	[ 'extract(epoch FROM avg(iv))', 'extract(epoch FROM avg(iv))', 3600 ], [ 'extract(epoch FROM sum(iv))', 'extract(epoch FROM sum(iv))', 36000 ],
	(map { [ "extract(epoch FROM $_(iv))", "extract(epoch FROM $_(iv))", 1 ] } 'min', 'max'),
	[ 'count(*)', 'count(*)', 2 ]);

# A minimum or maximum aims at a rank inside the values, and misses them all, to
# be anything between them and the bound, with probability exp(-6)/2 at most.
my ($extremes, $missed) = (0, 0);

my @shapes = ([ 'wild', 'tame' ], [ 'wild2', 'tame2' ]);
foreach my $shape (@shapes)
{
	my ($wild, $tame) = @$shape;
	my @queries;
	my @truths;

	foreach my $case (@cases)
	{
		my ($call, $plain) = @$case;

		# composites are taken apart above the release
		push @queries, $call =~ /dp_histogram/
		  ? "SELECT g, (SELECT sum(u.count) FROM unnest(h) u) FROM (SELECT g, $call AS h FROM $wild GROUP BY g) s ORDER BY g"
		  : "SELECT g, $call FROM $wild GROUP BY g ORDER BY g";
		push @truths, "SELECT g, $plain FROM $tame GROUP BY g HAVING count(*) >= 20 * (SELECT count(*) FROM $tame WHERE id = 20001) ORDER BY g";
	}
	my ($set, @got) = DpAgg::bulk($node, 'analyst', [ 'SET dp_agg.epsilon = 1000', @queries ]);
	my @expected = DpAgg::bulk($node, $superuser, \@truths);

	foreach my $i (0 .. $#cases)
	{
		my ($call, $plain, $tolerance, $skip) = @{ $cases[$i] };
		my %got = map { split /\|/, $_, 2 } split /\n/, $got[$i]{out};
		my %truth = map { split /\|/, $_, 2 } split /\n/, $expected[$i]{out};
		my @wrong;

		die "the truth fails: $expected[$i]{message}: $plain" if $expected[$i]{sqlstate} ne '00000';
		push @wrong, "$got[$i]{sqlstate} $got[$i]{message}" if $got[$i]{sqlstate} ne '00000';
		foreach my $g (sort keys %truth)
		{
			my $value = $got{$g} // '';

			# nobody has a value: the group is not there, or NULL, or, of a count or sum, near 0
			next if $truth{$g} =~ /^0?$/ && (near($value eq '' ? 0 : $value, 0, $tolerance) || $plain =~ /corr/);
			next if defined $skip && $g =~ $skip;
			if ($call =~ /\b(min|max)\(/ && $value ne '')
			{
				$extremes++;
				next if near($value, $truth{$g}, $tolerance);
				$missed++;
				note("$wild, $g: $call is $value, expected $truth{$g}");
				next;
			}
			push @wrong, "$g: $value, expected $truth{$g}" unless near($value, $truth{$g}, $tolerance);
		}
		push @wrong, "few: $got{few}" if ($got{few} // '') ne '';
		is(join("\n", @wrong), '', "$wild: $call of all kinds of values");
	}
}

cmp_ok($missed, '<=', $extremes * exp(-6) / 2 + 5 * sqrt($extremes * exp(-6) / 2), "minima and maxima: $missed of $extremes lie beyond the values");

# Values themselves: the most frequent, how many different.
foreach my $wild ('wild', 'wild2')
{
	foreach my $case (
		[ 'nan', 'dp_mode(f8) IS NULL OR dp_mode(f8) = \'NaN\'' ], [ 'plus', q(dp_mode(f8) = 'Infinity' AND dp_mode(n) = 'Infinity' AND dp_mode(d) = 'infinity') ],
		[ 'minus', q(dp_mode(f4) = '-Infinity' AND dp_mode(ts) = '-infinity') ],
		[ 'null', 'dp_mode(f8) IS NULL AND dp_mode(t) = \'null\' AND dp_mode(d) IS NULL AND dp_top(f8, 5) IS NULL' ],
		[ 'largest', q(dp_mode(i8) = 9223372036854775807 AND dp_mode(d) = '5874897-12-31' AND length(dp_mode(t)) = 1000) ],
		[ 'largest', q(dp_mode(n) > 1e99 AND dp_mode(iv) >= '2147483647 days') ],
		[ 'smallest', q(dp_mode(i8) = -9223372036854775808 AND dp_mode(t) = '' AND dp_mode(d) = '4713-01-01 BC') ],
		[ 'tiny', q(dp_mode(f8) = 5e-324 AND dp_mode(t) = ' ') ], [ 'constant', 'dp_mode(f8) = 50 AND count(DISTINCT f8) BETWEEN 0 AND 2' ],
		[ 'outlier', 'dp_mode(f8) = 50 AND count(DISTINCT f8) BETWEEN 1 AND 3' ],
		[ 'normal', 'count(DISTINCT f8) BETWEEN 97 AND 101 AND count(DISTINCT d) BETWEEN 98 AND 102' ],
		[ 'normal', 'dp_mode(f8) IS NULL AND dp_top(d, 10) IS NULL' ],
		[ 'few', 'dp_mode(f8) IS NULL AND count(DISTINCT t) IS NULL' ])
	{
		my ($g, $condition) = @$case;
		my $r = answer("SELECT $condition FROM $wild WHERE g = '$g'");

		is($r->{out}, 't', "$wild, $g: $condition") or diag($r->{err});
	}
	# without bounds: powers of two around bins with enough people
	foreach my $case ([ 'normal', 'f8', '{32,128}' ], [ 'constant', 'i4', '{32,64}' ], [ 'largest', 'i8', '{4611686018427390000,9223372036854780000}' ],
		[ 'above', 'n', '{512,1024}' ], [ 'below', 'f4', '{-1024,-512}' ], [ 'null', 'f8', '' ], [ 'nan', 'f8', '' ], [ 'few', 'f8', '' ], [ 'outlier', 'f8', '{32,64}' ])
	{
		my ($g, $c, $expected) = @$case;
		my $r = answer("SELECT dp_bounds($c)::numeric[] FROM $wild WHERE g = '$g'");

		is($r->{out}, $expected, "$wild, $g: dp_bounds($c)") or diag($r->{err});
	}
	foreach my $g ('plus', 'minus', 'largest', 'smallest', 'tiny', 'mixed')
	{
		foreach my $c (qw(f4 f8 n))
		{
			my $r = answer("SELECT b[1] <= b[2] FROM (SELECT dp_bounds($c) AS b FROM $wild WHERE g = '$g') s");

			is($r->{out}, 't', "$wild, $g: dp_bounds($c) is a range") or diag($r->{err});
		}
	}
}

# ---------- nobody ----------

my @everything = (
	'count(*), count(f8), sum(f8), avg(f4), stddev(n), var_pop(i8), corr(f8, i4), regr_intercept(n, f8)',
	'min(i2), max(i8), dp_median(n), dp_quantile(f4, ARRAY[0, 0.5, 1]), percentile_disc(0.1) WITHIN GROUP (ORDER BY d)',
	'min(d), max(ts), dp_median(tz), avg(iv), max(iv)',
	'mode() WITHIN GROUP (ORDER BY t), dp_top(t, 10), count(DISTINCT t), count(DISTINCT n), dp_mode(iv)',
	'dp_histogram(f8, 10), dp_histogram(d, 1000), dp_bounds(n), dp_bounds(i2)',
	'dp_low(dp_count(*)), dp_high(dp_avg(f8)), dp_low(dp_median(i4)), dp_high(dp_max(d)), dp_low(dp_stddev(n), 0.5), dp_tier(*)');
foreach my $list (@everything)
{
	my $n = () = $list =~ /(?:^|, )(?=[a-z_]+\()/g;

	foreach my $from ('none', 'none2', "wild WHERE g = 'few'", "wild2 WHERE g = 'few'")
	{
		my $r = answer("SELECT $list FROM $from");

		is($r->{out}, '|' x ($n - 1), "one row of NULLs: $list FROM $from") or diag($r->{err});
		$r = answer("SELECT $list FROM $from GROUP BY g");
		is($r->{out} . $r->{sqlstate}, '00000', "no group: $list FROM $from") or diag($r->{err});
	}
}

# ---------- parameters at their limits ----------

# Queries over all values, which must work whatever they find.
sub survives
{
	my ($what, $condition, $sql, $epsilon) = @_;

	foreach my $suffix ('', '2')
	{
		(my $query = $sql) =~ s/\bwild\b/wild$suffix/g;
		my $r = answer("SELECT count(*), coalesce(bool_and($condition), true) FROM ($query) s", $epsilon);

		like($r->{out}, qr/^\d+\|t$/, "$what: $query") or diag($r->{err});
	}
	return;
}
foreach my $list (@everything)
{
	my $least = $list =~ /dp_top/ ? '0.1' : '1e-6';	# values need more to be chosen at all (075_declared_types.pl)
	my $most = $list =~ /dp_top/ ? 100 : 1000000;

	survives("epsilon $_", 'true', "SELECT g, $list FROM wild GROUP BY g", $_) foreach $least, 50;
	survives("max_rows of $most", 'true', "SELECT g, $list FROM wild WHERE dp_with(max_rows => $most, max_groups => $most) GROUP BY g", $most == 100 ? 1000 : 1);
	survives('delta', 'true', "SELECT g, $list FROM wild WHERE dp_with(delta => 1e-15) GROUP BY g", 1);
}
survives('noise far larger than the data', $_->[1], "SELECT $_->[0] AS v FROM wild", '1e-6')
  foreach [ 'avg(f8)', 'v BETWEEN 0 AND 100' ], [ 'count(*)', 'v >= 0' ], [ 'stddev_pop(f8)', 'v BETWEEN 0 AND 50.01' ], [ 'corr(f8, n)', 'v BETWEEN -1 AND 1' ],
  [ 'max(i8)', 'v BETWEEN 0 AND 100' ], [ 'dp_median(d)', q(v BETWEEN '2024-01-01' AND '2024-04-09') ], [ 'count(DISTINCT t)', 'v >= 0' ],
  [ 'regr_r2(f8, n)', 'v BETWEEN 0 AND 1' ];

foreach my $c (qw(f4 f8 n i8))
{
	foreach my $bounds ('-1e120, 1e120', '0, 1e120', '-1e120, 0', '0, 1e-300', '1, 1.0000000000000002', '1e15, 1000000000000001',
		'99999999999999999, 1e17 + 64', '0, 5e-324', '-1e-7, 1e-7', '-9223372036854775808, 9223372036854775807')
	{
		next if $c =~ /f4|i8/ && $bounds !~ /^-1e120, 1e120|5e-324|^-9|64/;
		next if $c eq 'f4' && $bounds =~ /64/;	# no value of its type lies there (075_declared_types.pl)
		survives("$c within $bounds", 'true', "SELECT g, " . join(', ', map { "dp_$_($c, $bounds)" } qw(sum avg var stddev min max median)) . ' FROM wild GROUP BY g');
		survives("$c within $bounds", 'true', "SELECT g, dp_quantile($c, ARRAY[0, 0.1, 0.2, 0.3, 0.4, 0.5, 1], $bounds), dp_histogram($c, $bounds, 1), "
			  . "dp_histogram($c, $bounds, 1000), dp_corr($c, f8, $bounds, $bounds), dp_regr_slope(f8, $c, $bounds, $bounds) FROM wild GROUP BY g");
	}
}
survives("$_->[0] at the ends of its type", 'true', "SELECT g, dp_min($_->[0], $_->[1]), dp_max($_->[0], $_->[1]), dp_median($_->[0], $_->[1]), "
	  . "dp_quantile($_->[0], ARRAY[0, 0.1, 0.2, 0.3, 0.4, 0.5, 1], $_->[1])" . ($_->[2] ? ", dp_sum($_->[0], $_->[1]), dp_avg($_->[0], $_->[1])" : ", dp_histogram($_->[0], $_->[1], 1000)")
	  . ' FROM wild GROUP BY g')
  foreach [ 'd', q('4713-01-01 BC', '5874897-12-31'), 0 ], [ 'd', q('2024-01-01', '2024-01-02'), 0 ], [ 'ts', q('4713-01-01 BC', '294276-12-31 23:59:59.999999'), 0 ],
  [ 'ts', q('2024-01-01', '2024-01-01 00:00:00.000001'), 0 ], [ 'tz', q('4713-01-02Z BC', '294276-12-31 23:59:59.999999Z'), 0 ],
  [ 'iv', q('-178000000 years', '178000000 years'), 1 ], [ 'iv', q('-178000000 years', '-177999999 years'), 1 ], [ 'iv', q('0', '1 microsecond'), 1 ];

# What the ends of types become.
foreach my $case (
	[ "dp_max(i8, 0, 1e19) FROM wild WHERE g = 'largest'", qr/^9223372036854775807$/ ], [ "dp_min(i8, -1e19, 0) FROM wild WHERE g = 'smallest'", qr/^-9223372036854775808$/ ],
	[ "dp_max(i2, 0, 1e5) FROM wild WHERE g = 'largest'", qr/^32767$/ ], [ "dp_max(i4, -1e9, 1e10) FROM wild WHERE g = 'largest'", qr/^21474\d{5}$/ ],
	[ "dp_max(f4, 0, 1e39) FROM wild WHERE g = 'largest'", qr/^3\.(3[89]|4)[0-9]*e\+38$/ ], [ "dp_max(f8, 0, 1e120) FROM wild WHERE g = 'largest'", qr/^1e\+120$/ ],
	[ "dp_max(n, 0, 1e120) FROM wild WHERE g = 'plus'", qr/^10{120}$/ ], [ "dp_sum(i4, -1e120, 1e120) FROM wild WHERE g = 'largest'", qr/^-?9223372036854775807|-9223372036854775808$/ ],
	[ "dp_sum(f4, 0, 1e120) FROM wild WHERE g = 'plus'", qr/^3\.4[0-9]*e\+38$/ ], [ "dp_max(d, '4713-01-01 BC', '5874897-12-31') FROM wild WHERE g = 'plus'", qr/^5874897-12-31$/ ],
	[ "dp_max(ts, '4713-01-01 BC', '294276-12-31') FROM wild WHERE g = 'plus'", qr/^294276-12-31 00:00:00$/ ], [ "dp_avg(f8, 0, 1e120) FROM wild WHERE g = 'plus'", qr/^(1e\+120|9\.99\d*e\+119)$/ ],
	[ "dp_quantile(f8, 0) FROM wild WHERE g = 'minus'", qr/^0$/ ], [ "dp_quantile(f8, 1) FROM wild WHERE g = 'plus'", qr/^100$/ ],
	[ "dp_quantile(f8, ARRAY[0, 1]) FROM wild WHERE g IN ('plus', 'minus')", qr/^\{0,100\}$/ ],
	[ "percentile_cont(0) WITHIN GROUP (ORDER BY f8 DESC) FROM wild WHERE g = 'plus'", qr/^100$/ ], [ "cardinality(dp_histogram(f8, 1000)) FROM wild", qr/^1000$/ ],
	[ "cardinality(dp_histogram(f8, 1)) FROM wild", qr/^1$/ ], [ "cardinality(dp_top(t, 1000)) FROM wild", qr/^1[3-5]$/ ], [ "cardinality(dp_top(t, 1)) FROM wild", qr/^1$/ ])
{
	foreach my $suffix ('', '2')
	{
		(my $sql = "SELECT $case->[0]") =~ s/\bwild\b/wild$suffix/;
		my $r = answer($sql);

		like($r->{out}, $case->[1], $sql) or diag($r->{err});
	}
}

# ---------- texts: huge, equal to many, all different ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE texts (id int PRIMARY KEY, huge text, many text NOT NULL, code varchar(40), blank char(10), bytes bytea, empty text);
-- a megabyte, not compressed, by 25 people; another by 25
ALTER TABLE texts ALTER huge SET STORAGE EXTERNAL;
INSERT INTO texts
SELECT i, CASE WHEN i <= 25 THEN b WHEN i <= 50 THEN a END, md5(i::text), CASE WHEN i <= 45 THEN 'a' ELSE 'a ' END, 'x', '\x00', ''
FROM generate_series(1, 75) i, (SELECT string_agg(md5(i::text), '') AS a FROM generate_series(1, 32768) i) a,
	(SELECT repeat('b', 1 << 20) AS b) b;
INSERT INTO texts SELECT i, NULL, md5(i::text), 'c', 'x ', '\x0000', NULL FROM generate_series(1001, 101000) i;
CREATE TABLE texts2 AS SELECT t.id AS person, t.* FROM texts t, generate_series(1, 2) WHERE t.id <= 20000;
SELECT dp_agg.protect('texts', 'id', 'people'), dp_agg.protect('texts2', 'person', 'people', max_rows => 2);
ANALYZE;
SQL
foreach my $t ('texts', 'texts2')
{
	my $n = $t eq 'texts' ? 100075 : 19075;

	foreach my $case (
		# values of more than a kilobyte are counted and never chosen
		[ 'dp_mode(huge) IS NULL, dp_top(huge, 5) IS NULL', qr/^t\|t$/ ], [ 'length(dp_mode(left(huge, 1024))), length(dp_mode(left(huge, 1025)))', qr/^1024\|$/ ], [ 'round(count(DISTINCT huge)) BETWEEN 0 AND 6', qr/^t$/ ],
		[ '(SELECT string_agg(left(u.value, 4) || length(u.value), \',\' ORDER BY u.value) FROM unnest(x) u) FROM (SELECT dp_top(left(huge, 1024), 5) AS x', qr/^bbbb1024,c4ca1024$/ ],
		[ "abs(count(DISTINCT many) - $n) < 50, dp_mode(many) IS NULL, dp_top(many, 1000) IS NULL", qr/^t\|t\|t$/ ],
		[ "dp_mode(many || '') IS NULL, dp_mode(left(many, 1)) IS NOT NULL, count(DISTINCT left(many, 1)) BETWEEN 12 AND 20", qr/^t\|t\|t$/ ],
		[ 'dp_mode(code), count(DISTINCT code) BETWEEN 0 AND 7', qr/^c\|t$/ ], [ 'count(DISTINCT blank) BETWEEN 0 AND 5', qr/^t$/ ],
		[ 'dp_mode(bytes), count(DISTINCT bytes) BETWEEN 0 AND 6', qr/^\\x0000\|t$/ ], [ "dp_mode(empty) = '', count(DISTINCT empty) BETWEEN 0 AND 5", qr/^t\|t$/ ],
		[ "(x[1]).value = '' FROM (SELECT dp_top(empty, 5) AS x", qr/^t$/ ])
	{
		my ($select, $expected) = @$case;
		my $r = answer("SELECT $select FROM $t" . ($select =~ /FROM \(SELECT/ ? ') s' : ''));

		like($r->{out}, $expected, "$t: $select") or diag($r->{err});
	}
}

# Equal values that are not the same bytes.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE equal (id int PRIMARY KEY, n numeric, f float8, iv interval, tz timestamptz);
INSERT INTO equal SELECT i, ('1.' || repeat('0', i % 50))::numeric, CASE i % 2 WHEN 0 THEN float8 '0' ELSE '-0' END,
	CASE i % 3 WHEN 0 THEN interval '1 month' WHEN 1 THEN '30 days' ELSE '720 hours' END, '2024-01-01' FROM generate_series(1, 200) i;
CREATE TABLE equal2 AS SELECT e.id AS person, e.* FROM equal e, generate_series(1, 2);
SELECT dp_agg.protect('equal', 'id', 'people'), dp_agg.protect('equal2', 'person', 'people', max_rows => 2);
SQL
foreach my $t ('equal', 'equal2')
{
	is(answer("SELECT dp_mode($_->[0]) = $_->[1], abs(count(DISTINCT $_->[0]) - 1) <= 1, cardinality(dp_top($_->[0], 10)) FROM $t")->{out},
		't|t|1', "$t: equal values are one, $_->[0]")
	  foreach [ 'n', 1 ], [ 'f', 0 ], [ 'iv', q('1 month') ];
}

# Numerics are read from their stored digits where that is exact: what comes out is the cast
# to float8, bit by bit, for values in memory, in rows, compressed and elsewhere.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE digits (kind text, n numeric, raw numeric);
ALTER TABLE digits ALTER raw SET STORAGE EXTERNAL;
INSERT INTO digits (kind, n)
SELECT 'up to ' || size || ' digits', CASE WHEN i % 2 = 0 THEN -x ELSE x END
FROM generate_series(1, 60) size, generate_series(1, 60) i,
	LATERAL (SELECT translate(left(repeat(md5(format('%s %s', i, size)), 3), size), 'abcdef', '009990')::numeric *
		('1e' || i % 41 - 20)::numeric) v (x);
INSERT INTO digits (kind, n)
SELECT 'known', v FROM unnest('{0,0.00,NaN,Infinity,-Infinity,1,-1,0.5,-0.0001,0.00009999,9999,10000,99999999.99,-9999999999.99,9007199254740992,
	9007199254740993,-9007199254740993,90071992547409.93,1e22,1e23,1e24,1e-20,1e-22,1e-24,1e300,-1e300,1e-300,1e-307,4.5e15,0.1,0.3,1e120}'::numeric[]) v;
INSERT INTO digits (kind, n) SELECT 'negative scale', v::numeric(6, -3) FROM unnest('{0,499,500,-1500,123456000,999000}'::float8[]) v;
INSERT INTO digits (kind, n) SELECT 'of weight ' || w, ('1e' || w)::numeric * 1234 FROM generate_series(-290, 290) w;
INSERT INTO digits (kind, n) SELECT 'long', (repeat('1234567', k) || '.' || repeat('89', 8 * k))::numeric FROM generate_series(1, 40) k;
INSERT INTO digits (kind, n) VALUES ('very long', ('0.' || repeat('0123456789', 1500))::numeric);
UPDATE digits SET raw = n;
SQL
my $differ = q(IS DISTINCT FROM float8send(nullif(n, 'NaN')::float8));
is($node->safe_psql('postgres', "SELECT kind, n FROM digits WHERE float8send(dp_agg.number(n)) $differ OR float8send(dp_agg.number(raw)) $differ OR float8send(dp_agg.number(n + 0)) $differ"),
	'', 'numerics are read as the cast to float8 reads them');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM digits'), '>', 4200, '... and there are many');

# ---------- errors: from parameters alone, the same over nobody, and free ----------

my @errors;
sub errors
{
	my ($state, $text, @queries) = @_;

	push @errors, map { [ $_, $state, $text ] } @queries;
	return;
}

sub prepared
{
	my ($types, $select, @values) = @_;

	return map { my $values = $_; map { "SET plan_cache_mode = $_; PREPARE q ($types) AS SELECT $select FROM wild; EXECUTE q ($values)" }
		  'force_custom_plan', 'force_generic_plan' } @values;
}

errors('DP003', 'lower bound must be less than upper bound',
	(map { my $b = $_; map { "SELECT dp_$_(f8, $b) FROM wild" } qw(sum avg var stddev min max median) } '5, 5', '6, 5'),
	(map { ("SELECT dp_quantile(n, 0.5, $_) FROM wild", "SELECT dp_quantile(n, ARRAY[0.5], $_) FROM wild", "SELECT dp_histogram(i4, $_, 10) FROM wild",
			"SELECT dp_corr(f8, n, 0, 1, $_) FROM wild", "SELECT dp_regr_slope(f8, n, $_, 0, 1) FROM wild", "SELECT g, dp_median(i8, $_) FROM wild GROUP BY g") } '5, 5', '6, 5'),
	(map { ("SELECT dp_median(d, $_) FROM wild", "SELECT dp_max(ts, $_) FROM wild", "SELECT dp_quantile(tz, 0.5, $_) FROM wild", "SELECT dp_histogram(d, $_, 5) FROM wild") }
		q('2024-01-01', '2024-01-01'), q('2024-01-02', '2024-01-01')),
	q(SELECT dp_avg(iv, '1 day', '1 day') FROM wild), q(SELECT dp_median(iv, '1 month', '30 days') FROM wild),
	(map { prepared('float8, float8', "dp_$_(f8, \$1, \$2)", '5, 5', '6, 5') } qw(avg stddev max median)),
	prepared('float8, float8', 'dp_histogram(f8, $1, $2, 10)', '5, 5'), prepared('date, date', 'dp_max(d, $1, $2)', q('2024-01-02', '2024-01-01')),
	prepared('float8, float8', 'dp_covar(f8, n, 0, 1, $1, $2)', '5, 5'));
errors('DP003', 'bounds must be finite',
	(map { ("SELECT dp_median(f8, $_) FROM wild", "SELECT dp_max(i4, $_) FROM wild", "SELECT dp_histogram(n, $_, 10) FROM wild", "SELECT dp_stddev(n, $_) FROM wild") }
		q('NaN', 5), q(0, 'NaN'), q(0, 'Infinity'), q('-Infinity', 0), '0, 1e121'),
	(map { ("SELECT dp_median(d, $_) FROM wild", "SELECT dp_min(ts, $_) FROM wild") } q('2024-01-01', 'infinity'), q('-infinity', '2024-01-01')),
	prepared('float8, float8', 'dp_max(f8, $1, $2)', q('NaN', 5), q(0, 'Infinity')), prepared('date, date', 'dp_max(d, $1, $2)', q('2024-01-02', 'infinity')));
errors('DP003', 'must not be NULL',
	(map { ("SELECT dp_median(f8, $_) FROM wild", "SELECT dp_histogram(n, $_, 10) FROM wild", "SELECT dp_stddev(f8, $_) FROM wild") } '0, NULL', 'NULL, 5'),
	q(SELECT dp_max(d, '2024-01-01', NULL) FROM wild),
	prepared('float8, float8', 'dp_median(f8, $1, $2)', '0, NULL', 'NULL, 5'), prepared('date, date', 'dp_max(d, $1, $2)', q('2024-01-02', NULL)));
errors('DP003', 'bounds must be constants or parameters', 'SELECT dp_median(f8, 0, f8) FROM wild', 'SELECT dp_max(d, d, d) FROM wild', 'SELECT dp_histogram(n, 0, random(), 10) FROM wild',
	'SELECT dp_stddev(f8, 0, (SELECT 5)) FROM wild');
errors('DP003', 'no bounds', 'SELECT dp_median(length(t)) FROM wild', 'SELECT stddev(id) FROM wild', 'SELECT corr(id, f8) FROM wild', 'SELECT dp_histogram(id, 10) FROM wild',
	'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY id) FROM wild', 'SELECT min(id) FROM wild', 'SELECT g, max(id) FROM wild GROUP BY g');
errors('22003', 'is not between 0 and 1',
	(map { ("SELECT dp_quantile(f8, $_) FROM wild", "SELECT percentile_cont($_) WITHIN GROUP (ORDER BY n) FROM wild", "SELECT percentile_disc($_) WITHIN GROUP (ORDER BY d) FROM wild",
			"SELECT dp_quantile(f8, ARRAY[0.5, ${_}::float8]) FROM wild", "SELECT percentile_disc($_) WITHIN GROUP (ORDER BY d DESC) FROM wild") } '1.5', '-0.1', '1.0000001', q(float8 'NaN'), q(float8 'Infinity')),
	prepared('float8', 'dp_quantile(i4, $1)', '1.5', '-1', q('NaN')), prepared('float8', 'dp_quantile(i4, ARRAY[0.5, $1])', '1.5'),
	prepared('float8', 'percentile_disc($1) WITHIN GROUP (ORDER BY i4)', '2'));
errors('DP002', 'must be a constant or a parameter',
	'SELECT dp_quantile(f8, f8) FROM wild', 'SELECT dp_quantile(f8, ARRAY[0.5, NULL]) FROM wild', q(SELECT dp_quantile(f8, '{}'::float8[]) FROM wild),
	'SELECT dp_quantile(f8, random()) FROM wild', 'SELECT dp_top(t, i4) FROM wild', 'SELECT dp_histogram(f8, i4) FROM wild', 'SELECT dp_low(dp_count(*), random()) FROM wild',
	'SELECT dp_quantile(f8, (SELECT 0.5::float8)) FROM wild', 'SELECT percentile_cont(f8 / 100) WITHIN GROUP (ORDER BY f8) FROM wild GROUP BY f8 / 100');
errors('22023', 'number of buckets or values',
	(map { ("SELECT dp_top(t, $_) FROM wild", "SELECT dp_histogram(f8, $_) FROM wild", "SELECT dp_histogram(d, '2024-01-01', '2024-01-02', $_) FROM wild") } 0, -1, 1001, 1000000000),
	prepared('int', 'dp_top(t, $1)', 0, 1001), prepared('int', 'dp_histogram(f8, $1)', -1));
errors('22023', 'confidence level',
	(map { ("SELECT dp_low(dp_count(*), $_) FROM wild", "SELECT dp_high(dp_median(f8), $_) FROM wild") } 0, 1, -1, 2, '0.9999', q('NaN'), q('Infinity')),
	prepared('float8', 'dp_low(dp_avg(f8), $1)', 0, 1, q('NaN')));
# what is no number at all: the same everywhere, whatever it is called
errors(qr/^(22004|22023|DP00[23])$/, '',
	'SELECT dp_quantile(f8, NULL) FROM wild', 'SELECT percentile_cont(NULL) WITHIN GROUP (ORDER BY f8) FROM wild', 'SELECT dp_top(t, NULL) FROM wild',
	'SELECT dp_histogram(f8, NULL) FROM wild', 'SELECT dp_low(dp_count(*), NULL) FROM wild', 'SELECT dp_quantile(f8, NULL::float8[]) FROM wild',
	prepared('float8', 'dp_quantile(f8, $1)', 'NULL'), prepared('int', 'dp_top(t, $1)', 'NULL'), prepared('float8', 'dp_low(dp_count(*), $1)', 'NULL'));
errors('22023', 'too small for so many outputs',
	'SELECT dp_median(f8), dp_median(n), max(i4), dp_mode(t) FROM wild WHERE dp_with(epsilon => 1e-9)', 'SELECT dp_quantile(f8, ARRAY[0.1, 0.5]) FROM wild WHERE dp_with(epsilon => 1e-9)',
	'SELECT dp_median(f8), dp_median(n) FROM wild WHERE dp_with(delta => 1e-18)');
errors('DP002', 'too many different aggregates',
	'SELECT ' . join(', ', map { "dp_median(f8 + $_)" } 1 .. 65) . ' FROM wild', 'SELECT ' . join(', ', map { "stddev(f8 + $_)" } 1 .. 200) . ' FROM wild',
	'SELECT dp_quantile(f8, ARRAY[' . join(', ', map { $_ / 1000 } 1 .. 500) . ']) FROM wild');
errors('DP002', 'no interval', map { "SELECT $_ FROM wild" } 'dp_low(dp_mode(f8))', 'dp_high(dp_quantile(f8, ARRAY[0.5]))', 'dp_low(dp_mode(i4))');
errors('DP002', 'not available', map { "SELECT $_ FROM wild" } 'percentile_disc(0.5) WITHIN GROUP (ORDER BY t)', 'stddev(DISTINCT f8)',
	'mode() WITHIN GROUP (ORDER BY (f8, n))', 'rank(5) WITHIN GROUP (ORDER BY f8)', 'percent_rank(5) WITHIN GROUP (ORDER BY f8)', 'count(DISTINCT (f8, n))', 'dp_count_distinct(wild)', 'min(f8 ORDER BY f8)');

my $spent = 'SELECT sum(epsilon_spent), sum(delta_spent), (SELECT count(*) FROM dp_agg.my_releases) FROM dp_agg.my_budget';
my $before = DpAgg::value($node, 'analyst', $spent);
my %results;
foreach my $table ('wild', 'none', 'wild2', 'none2')
{
	my @list = map { my $sql = $_->[0]; $sql =~ s/\bwild\b/$table/g; $sql } @errors;
	my @r = DpAgg::bulk($node, 'analyst', [ map { ("BEGIN; $_", 'ROLLBACK; DISCARD ALL') } @list ]);

	$results{$table} = [ map { $r[ 2 * $_ ] } 0 .. $#list ];
}
foreach my $i (0 .. $#errors)
{
	my ($sql, $state, $text) = @{ $errors[$i] };
	my ($r, @others) = map { $results{$_}[$i] } 'wild', 'none', 'wild2', 'none2';

	ok((ref $state ? $r->{sqlstate} =~ $state : $r->{sqlstate} eq $state) && index($r->{message}, $text) >= 0 && $r->{out} eq '', "$r->{sqlstate}: " . DpAgg::brief($sql))
	  or diag("$r->{sqlstate} $r->{message} (expected: $text)\n$r->{out}");
	# a message may name the type of a row, which is the table's name
	my @differ = grep { "$_->{sqlstate} $_->{message} $_->{out}" =~ s/: (wild2|"none"|none2);/: wild;/r ne "$r->{sqlstate} $r->{message} $r->{out}" } @others;
	is(join("\n", map { "$_->{sqlstate} $_->{message}" } @differ), '', '... the same over nobody, and with several rows per person');
}
is(DpAgg::value($node, 'analyst', $spent), $before, 'no error was charged');

# The server is still the one that was started.
is($node->safe_psql('postgres', q(SELECT pg_postmaster_start_time() < now())), 't', 'the server lives');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|XX000/, 'and nothing went wrong inside');

$node->stop;
done_testing();
