# Bounds that follow by themselves.  A value outside of what follows would be clamped, so at a
# high epsilon the least, the greatest and the average of thousands of random rows within the
# declared bounds are those of plain SQL.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('follow', conf => "timezone = 'UTC'\n");

sub query
{
	return $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]");
}

sub ask
{
	return DpAgg::as($node, 'analyst', "SET dp_agg.epsilon = 1000;\n$_[0]");
}

query(<<'SQL');
CREATE TABLE f (id int PRIMARY KEY, d date, ts timestamptz, t timestamp, tm time, g bigint, x int, y int, p float8, q float8, n numeric(8,2), v varchar(12), iv interval);
SELECT setseed(0.5);
INSERT INTO f
SELECT i, date '2019-12-31' + (random() * 800)::int, timestamptz '2020-01-01' + random() * interval '800 days', timestamp '2020-01-01' + random() * interval '800 days',
	time '00:00' + random() * interval '24 hours', (random() * 2000 - 1000)::int, (random() * 200 - 100)::int, (random() * 20 - 10)::int, 1 + random() * 49, random() * 4 - 2,
	round((random() * 100)::numeric, 2), repeat('a', (random() * 12)::int), random() * interval '100 hours'
FROM generate_series(1, 4000) i;
-- the ends, and NULLs
INSERT INTO f VALUES (5001, '2019-12-31', '2020-01-01', '2020-01-01', '00:00', -1000, -100, -10, 1, -2, 0, '', '0'),
	(5002, '2022-03-10', '2022-03-11', '2022-03-11', '24:00', 1000, 100, 10, 50, 2, 100, repeat('b', 12), '100 hours'),
	(5003, '2020-02-29', '2020-12-31', '2021-01-01', '12:00', 0, 0, 0, 2, 0, 0.01, 'x', '59 minutes');
INSERT INTO f VALUES (5004);
SELECT dp_agg.protect('f', 'id', 'people');
SELECT dp_agg.set_bounds('f', 'd', '2019-12-31', '2022-03-10'), dp_agg.set_bounds('f', 'x', -100, 100), dp_agg.set_bounds('f', 'y', -10, 10),
	dp_agg.set_bounds('f', 'p', 1, 50), dp_agg.set_bounds('f', 'q', -2, 2), dp_agg.set_bounds('f', 'n', 0, 100), dp_agg.set_bounds('f', 'iv', '0', '100 hours'),
	dp_agg.set_bounds('f', c, '2020-01-01', '2022-03-11') FROM unnest('{ts,t}'::name[]) c;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
CREATE TABLE r (person int, x int NOT NULL);
INSERT INTO r SELECT i % 500, i % 7 - 2 FROM generate_series(1, 2000) i;
SELECT dp_agg.protect('r', 'person', 'people', max_groups => 1, max_rows => 4);
SELECT dp_agg.set_bounds('r', 'x', -2, 4);
SQL

# [ expression, the most that bounds may be apart for the tolerance of average and extremes ]
my @follow = (
	'least(greatest(g, -50), 70)', 'greatest(least(g, 70), -50)', 'CASE WHEN g > 100 THEN 100 WHEN g < -100 THEN -100 ELSE g END',
	'CASE WHEN g BETWEEN -10 AND 10 THEN g * 2 ELSE 0 END', 'CASE WHEN NOT (g < 0 OR g > 50) THEN g END', 'CASE WHEN 100 < g THEN 100 ELSE greatest(g, 0) END',
	'CASE WHEN p < 10.5 THEN p ELSE 10 END', 'CASE x WHEN 1 THEN 5 ELSE x END',
	q(d - date '2020-01-01'), q(date '2022-03-10' - d), q(extract(epoch FROM ts - timestamptz '2020-01-01') / 3600), q(extract(epoch FROM t - timestamp '2021-01-01')),
	(map { my $c = $_; map { "extract($_ FROM $c)" } qw(year month day dow isodow doy week quarter decade century isoyear) } 'd', 'ts', 't'),
	(map { my $c = $_; map { "extract($_ FROM $c)" } qw(hour minute second epoch) } 'ts', 't', 'tm', 'iv'), q(date_part('hours', ts)), q(date_part('dow', d)), q(extract(julian FROM d)),
	q(extract(year FROM age(timestamp '2023-05-05', t))), q(extract(year FROM age(d))), q(extract(day FROM age(timestamp '2021-01-31', t))), q(extract(month FROM age(timestamp '2021-01-31', t))),
	q(extract(epoch FROM age(timestamp '2021-01-31', t))), q(extract(day FROM t - timestamp '2021-01-01')), q(extract(hour FROM t - timestamp '2021-01-01')),
	q(current_date - d),
	'length(v)', 'char_length(left(v, 3))', 'length(substr(v, 2, 4))', q(length(v || 'abc')), 'octet_length(v)', 'length(right(v, -2))', 'length(rtrim(v))',
	'g % 10', 'x % 7', 'mod(x, y)', 'mod(n, 0.7)', 'x / y', 'x / nullif(y, 0)', 'n / nullif(y, 0)', 'p / y', 'x / p', 'div(n, 7)', 'x / 7', '1 / x', '1.0 / nullif(n, 0)',
	'q ^ 2', 'q ^ 3', 'power(p, 0.5)', 'power(n, 1.5)', 'p ^ -1', 'p ^ -0.5', 'power(2, y)', 'p ^ q', 'x ^ 2', 'sqrt(p)', 'sqrt(x)', 'exp(q)', 'ln(p)', 'ln(n)', 'log(p)', 'log(2, n + 1)', 'ln(x)',
	'cbrt(q)', 'sign(x)', 'sign(q)', 'abs(q)', 'abs(x)', 'abs(n - 50)', 'ceil(q)', 'floor(q)', 'round(q)', 'trunc(q)', 'round(n, 1)', 'round(n, -1)', 'trunc(n, -1)', 'round(n / 3, 0)', '(n / 300)::numeric(5,1)',
	'(x > 3)::int', 'q::int', 'n::int', 'p::real', '(p * 3)::real', 'q * q', 'x * y', 'x + y * 2 - 1', '-q', 'sin(p)', 'coalesce(x, 5)', 'nullif(x, 100)');

foreach my $expr (@follow)
{
	my $plain;

	# what fails has no value
	my $good = $expr =~ /sqrt\(x/ ? 'x >= 0' : $expr =~ /ln\(([nx])/ ? "$1 > 0" : $expr =~ m{/ x} ? 'x <> 0' :
	  $expr =~ m{/ y|mod\(x} ? 'y <> 0' : $expr =~ m{nullif\(n} ? 'n <> 0' : 'true';

	$plain = query("SELECT avg(e), min(e), max(e) FROM (SELECT CASE WHEN $good THEN ($expr)::float8 END AS e FROM f) s");
	my $r = ask("SELECT avg(e::float8), min(e::float8), max(e::float8) FROM (SELECT $expr AS e FROM f) s");
	my @got = split /\|/, $r->{out};
	my @want = split /\|/, $plain;

	if (@got != 3) { fail($expr); diag($r->{err}); next; }
	my $slack = ($want[2] - $want[1]) * 0.02 + 1e-6;
	# extremes: the neighbours of the ends are within a few hundredths of the range
	ok(abs($got[0] - $want[0]) <= $slack && abs($got[1] - $want[1]) <= $slack * 2 && abs($got[2] - $want[2]) <= $slack * 2, $expr)
	  or diag("got @got want @want");
}

# Per individual, from bounds and limits.
foreach my $aggregate ('sum(x)', 'count(*)', 'min(x)', 'max(x)', 'avg(x)', 'count(*) FILTER (WHERE x > 1)')
{
	my $sql = "SELECT round(avg(e)::numeric, 1) FROM (SELECT person, $aggregate AS e FROM r GROUP BY person) s";

	is(ask($sql)->{out}, query($sql), $aggregate);
}

# Parameters, more often than the plan cache plans for each.
my $r = ask('PREPARE q(int) AS SELECT round(avg(x * $1)) FROM r WHERE dp_with(max_rows => 4); ' . join ' ', map { "EXECUTE q($_);" } 10, 20, 10, 10, 10, 10, 10, 1000);
is(scalar(() = $r->{out} =~ /\d+/g), 8, 'parameters scale bounds, whatever plan is kept') or diag($r->{err});

# No bounds: the place is that of the aggregate.
foreach my $expr ('g', 'g * 2', 'least(g, 5, x)', 'ln(q)', '1 / q', 'q ^ g', 'exp(g)', 'least(g, 5)', 'greatest(g, 0)', 'CASE WHEN g > 0 THEN g ELSE 0 END', 'extract(year FROM tm)', 'log(q)', 'q ^ -1')
{
	my $none = ask("SELECT count(*), avg($expr) FROM f");

	is($none->{sqlstate}, 'DP003', "no bounds: $expr") or diag($none->{out});
	like($none->{err}, qr/LINE 1: .*\n +\^/, '... with a place') if $none->{sqlstate} eq 'DP003';
}

done_testing();
