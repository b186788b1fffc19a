# Expressions.pm
#	Random expressions over the columns of one table, for test/t/079_follow.pl.
#
#	print Expressions::setup();               # SQL: the table f with bounds, and what reads values
#	my $e = Expressions::expression();        # { kind, sql, number }; rand() decides
#
# kind is int, double, numeric, real, date, timestamp, timestamptz or interval; number is the
# value as the number that bounds are kept as, in SQL.

package Expressions;

use strict;
use warnings;

my @units = qw(year month day hour minute second epoch dow doy week quarter isoyear isodow decade
  century millennium milliseconds microseconds);
my @spans = ("interval '1 day'", "interval '36 hours'", "interval '1 month'", "interval '-2 months -3 days'",
	"interval '1 year'", "interval '0.5 seconds'", "interval '-10 days'");

sub pick { return $_[ int rand @_ ]; }

# A random one of [ weight, sub ], called with the depth that is left.
sub choose
{
	my ($depth, @ways) = @_;
	my $sum = 0;

	$sum += $_->[0] foreach @ways;
	my $at = rand $sum;
	foreach my $way (@ways)
	{
		$at -= $way->[0];
		return $way->[1]->($depth) if $at < 0;
	}
	return $ways[-1][1]->($depth);
}

sub whole { return pick(qw(0 1 2 3 7 -1 -3 10 100 -50 5000 300000)); }
sub decimal { return rand() < .5 ? pick(qw(0.5 1.5 -0.7 2.25 0.01 3.14159 -10.5 0.1 100.75 1e-3)) : sprintf('%.2f', rand(200) - 100); }

sub any_number { my ($d) = @_; return pick(\&integer, \&double, \&numeric, \&single)->($d); }

sub integer
{
	my ($depth) = @_;

	return pick('x', 'y', 'g2', 'b8', 'y2', whole()) if $depth <= 0 || rand() < .1;
	return choose($depth - 1,
		[ 9, sub { '(' . integer(@_) . ' ' . pick(qw(+ - * / %)) . ' ' . integer(@_) . ')' } ],
		[ 1, sub { my $e = integer(@_); "($e * $e)" } ],
		[ 2, sub { '(' . integer(@_) . ' / nullif(' . integer(@_) . ', 0))' } ],
		[ 2, sub { pick('abs', '- ') . '(' . integer(@_) . ')' } ],
		[ 2, sub { pick('least', 'greatest') . '(' . integer(@_) . ', ' . integer(@_) . ')' } ],
		[ 1, sub { 'least(greatest(free, ' . whole() . '), ' . whole() . ')' } ],
		[ 3, sub { branches(\&integer, @_) } ],
		[ 2, sub { '(' . pick(\&double, \&numeric)->(@_) . ')::' . pick('int', 'int8', 'int2') } ],
		[ 3, sub { pick('length(' . text(@_) . ')', 'octet_length(' . text(@_) . ')', 'strpos(' . text(@_) . ", 'a')") } ],
		[ 2, sub { '(' . date(@_) . ' - ' . date(@_) . ')' } ],
		[ 2, sub { pick('coalesce', 'nullif') . '(' . integer(@_) . ', ' . whole() . ')' } ],
		[ 1, sub { 'mod(' . integer(@_) . ', ' . integer(@_) . ')' } ],
		[ 1, sub { 'width_bucket(' . double(@_) . ', 0::float8, 10::float8, 5)' } ],
		[ 1, sub { '(' . condition(@_) . ')::int' } ]);
}

sub double
{
	my ($depth) = @_;

	return pick('p', 'q', 'p', 'q', 'c', decimal() . '::float8') if $depth <= 0 || rand() < .1;
	return choose($depth - 1,
		[ 8, sub { '(' . double(@_) . ' ' . pick(qw(+ - * /)) . ' (' . any_number(@_) . ')::float8)' } ],
		[ 2, sub { '(' . double(@_) . ' ^ ' . pick(qw(2 3 -1 -2 0.5 1.5 -0.5 0 1 7 10)) . ')' } ],
		[ 1, sub { '(' . double(@_) . ' ^ ' . double(@_) . ')' } ],
		[ 6, sub { pick(qw(sqrt cbrt ln log exp sign floor ceil round trunc abs degrees radians sin cos atan tanh sinh asin acos log10 sind)) . '(' . double(@_) . ')' } ],
		[ 2, sub { branches(\&double, @_) } ],
		[ 1, sub { pick('least', 'greatest') . '(' . double(@_) . ', ' . double(@_) . ')' } ],
		[ 2, sub { '(' . any_number(@_) . ')::float8' } ],
		[ 2, sub { "date_part('" . pick(@units) . "', " . pick(\&timestamp, \&timestamptz, \&interval)->(@_) . ')' } ],
		[ 1, sub { 'atan2(' . double(@_) . ', ' . double(@_) . ')' } ]);
}

sub numeric
{
	my ($depth) = @_;

	return pick('n', 'n2', 'n', decimal()) if $depth <= 0 || rand() < .1;
	return choose($depth - 1,
		[ 9, sub { '(' . numeric(@_) . ' ' . pick(qw(+ - * / %)) . ' ' . numeric(@_) . ')' } ],
		[ 2, sub { '(' . numeric(@_) . ' / nullif(' . numeric(@_) . ', 0))' } ],
		[ 1, sub { 'power(' . numeric(@_) . ', ' . pick(qw(2 3 -1 0.5 1.5 -2 0)) . ')' } ],
		[ 3, sub { pick(qw(sqrt ln exp sign floor ceil round trunc abs log)) . '(' . numeric(@_) . ')' } ],
		[ 2, sub { pick('round', 'trunc') . '(' . numeric(@_) . ', ' . pick(0, 1, 2, 3, -1, -2) . ')' } ],
		[ 1, sub { 'div(' . numeric(@_) . ', ' . numeric(@_) . ')' } ],
		[ 1, sub { 'log(' . pick('2.0', '10.0', '0.5') . ', ' . numeric(@_) . ')' } ],
		[ 2, sub { branches(\&numeric, @_) } ],
		[ 1, sub { '(' . integer(@_) . ')::numeric' } ],
		[ 1, sub { '(' . numeric(@_) . ')::numeric(' . pick('8,2', '12,0', '6,3') . ')' } ],
		[ 2, sub { 'extract(' . pick(@units) . ' FROM ' . pick(\&timestamp, \&timestamptz, \&interval)->(@_) . ')' } ],
		[ 1, sub { 'extract(' . pick(qw(year month day epoch dow doy week quarter isoyear isodow decade century millennium julian)) . ' FROM ' . date(@_) . ')' } ]);
}

sub single
{
	my ($depth) = @_;

	return pick('r', 'r', '2.5::real') if $depth <= 0 || rand() < .1;
	return choose($depth - 1,
		[ 2, sub { '(' . single(@_) . ' ' . pick(qw(+ - * /)) . ' ' . single(@_) . ')' } ],
		[ 2, sub { '(' . any_number(@_) . ')::real' } ],
		[ 1, sub { 'abs(' . single(@_) . ')' } ],
		[ 1, sub { branches(\&single, @_) } ]);
}

# A CASE that clamps, or another.
sub branches
{
	my ($make, $depth) = @_;
	my $e = $make->(rand() < .5 ? 0 : $depth);
	my $sign = pick('>', '<', '>=', '<=', '=');
	my $limit = pick(whole(), decimal());

	return '(CASE WHEN ' . condition($depth) . ' THEN ' . $make->($depth) . ' ELSE ' . $make->($depth) . ' END)' if rand() < .2;
	return '(CASE WHEN ' . pick('', 'NOT ') . "($e > " . whole() . ' ' . pick('AND', 'OR') . " $e < " . whole() . ") THEN $e ELSE " . pick($e, $make->(0)) . ' END)' if rand() < .25;
	return "(CASE WHEN $e $sign $limit THEN " . pick($e, $make->(0)) . " WHEN $e " . pick('>', '<', '>=') . ' ' . pick(whole(), decimal()) . ' THEN ' . pick($e, $make->(0)) . ' ELSE ' . pick($e, $make->(0)) . ' END)';
}

sub condition
{
	my ($depth) = @_;

	return pick('x > ' . whole(), any_number(0) . ' ' . pick('<', '>', '<=') . ' ' . any_number(0), 'y IS NULL OR x = 5') if $depth <= 0;
	return pick('(' . condition($depth - 1) . ' AND ' . condition($depth - 1) . ')', 'NOT ' . condition($depth - 1), condition(0));
}

sub text
{
	my ($depth) = @_;

	return pick('v', 'v', 'w', 'w', 'b', "'abc'") if $depth <= 0 || rand() < .1;
	return choose($depth - 1,
		[ 2, sub { pick('left', 'right') . '(' . text(@_) . ', ' . pick(3, 0, -2, 50, '(' . integer(0) . ')::int') . ')' } ],
		[ 1, sub { 'substr(' . text(@_) . ', ' . pick(1, 2, -1) . pick('', ', ' . pick(0, 4, 20)) . ')' } ],
		[ 1, sub { '(' . text(@_) . ' || ' . text(@_) . ')' } ],
		[ 2, sub { pick('rtrim', 'md5', 'btrim', 'reverse') . '(' . text(@_) . ')' } ],
		[ 1, sub { pick('lpad', 'rpad') . '(' . text(@_) . ', ' . pick(0, 4, 20) . ", 'xy')" } ],
		[ 1, sub { pick("split_part(" . text(@_) . ", 'a', 1)", "translate(" . text(@_) . ", 'ab', 'z')", "substring(" . text(@_) . " from 'a+')") } ],
		[ 1, sub { pick('coalesce', 'nullif', 'least', 'greatest') . '(' . text(@_) . ", 'longer than it')" } ],
		[ 2, sub { '(CASE WHEN ' . pick(condition(@_), "w < 'b'", "w > v", "v = 'aa'", 'length(w) < ' . whole()) . ' THEN ' . text(@_) . ' ELSE ' . text(@_) . ' END)' } ],
		[ 1, sub { '(' . text(@_) . ')::' . pick('varchar(4)', 'varchar', 'char(7)', 'name') } ]);
}

sub date
{
	my ($depth) = @_;

	return pick('d', 'd', "date '2021-02-03'", "date '1999-12-31'") if $depth <= 0 || rand() < .2;
	return choose($depth - 1,
		[ 2, sub { '(' . date(@_) . ' ' . pick('+', '-') . ' (' . integer(0) . ')::int)' } ],
		[ 3, sub { '(' . pick(\&timestamp, \&timestamptz)->(@_) . ')::date' } ],
		[ 1, sub { pick('least', 'greatest') . '(' . date(@_) . ", date '2020-06-01')" } ],
		[ 1, sub { "(CASE WHEN d > '2021-01-01' THEN date '2021-01-01' ELSE d END)" } ],
		[ 1, sub { 'coalesce(' . date(@_) . ", date '2020-01-01')" } ]);
}

sub timestamp
{
	my ($depth) = @_;

	return pick('t', 't', "timestamp '2020-02-29 12:00'") if $depth <= 0 || rand() < .2;
	return choose($depth - 1,
		[ 2, sub { '(' . timestamp(@_) . ' ' . pick('+', '-') . ' ' . pick(pick(@spans), interval(0)) . ')' } ],
		[ 2, sub { '(' . pick(\&date, \&timestamptz)->(@_) . ')::timestamp' } ],
		[ 2, sub { "date_trunc('" . pick(qw(year quarter month week day hour minute second decade century)) . "', " . timestamp(@_) . ')' } ],
		[ 1, sub { '(' . timestamptz(@_) . " AT TIME ZONE 'Asia/Tokyo')" } ],
		[ 1, sub { "date_bin('" . pick('2 hours', '15 days') . "', " . timestamp(@_) . ", '2001-01-01')" } ]);
}

sub timestamptz
{
	my ($depth) = @_;

	return pick('ts', 'ts', "timestamptz '2020-03-29 01:30+00'") if $depth <= 0 || rand() < .2;
	return choose($depth - 1,
		[ 2, sub { '(' . timestamptz(@_) . ' ' . pick('+', '-') . ' ' . pick(pick(@spans), interval(0)) . ')' } ],
		[ 2, sub { '(' . pick(\&date, \&timestamp)->(@_) . ')::timestamptz' } ],
		[ 1, sub { "date_trunc('" . pick(qw(year quarter month week day hour minute)) . "', " . timestamptz(@_) . ')' } ],
		[ 1, sub { '(' . timestamp(@_) . " AT TIME ZONE 'America/New_York')" } ]);
}

# Months, days and time of a sum may have different signs: its fields are not asked for.
sub interval
{
	my ($depth) = @_;

	return pick('iv', 'iv', pick(@spans)) if $depth <= 0 || rand() < .1;
	return choose($depth - 1,
		[ 4, sub { my $make = pick(\&timestamp, \&timestamptz); '(' . $make->(@_) . ' - ' . $make->(@_) . ')' } ],
		[ 3, sub { my $make = pick(\&timestamp, \&timestamptz); 'age(' . $make->(@_) . ', ' . $make->(@_) . ')' } ],
		[ 1, sub { '(' . interval(@_) . ' ' . pick('*', '/') . ' ' . double(0) . ')' } ],
		[ 1, sub { '(- ' . interval(@_) . ')' } ],
		[ 1, sub { "date_trunc('hour', " . interval(@_) . ')' } ]);
}

my %kinds = (
	int => [ 2, \&integer, '(%s)::float8' ], double => [ 2, \&double, '(%s)::float8' ], numeric => [ 2, \&numeric, 'number(%s)' ],
	real => [ 1, \&single, '(%s)::float8' ], date => [ 1, \&date, q(((%s) - date '2000-01-01')::float8) ],
	timestamp => [ 1, \&timestamp, q(number((%s) - timestamp '2000-01-01')) ],
	timestamptz => [ 1, \&timestamptz, q(number((%s) - timestamptz '2000-01-01 00:00+00')) ],
	interval => [ 1, \&interval, 'number(%s)' ]);
my @kinds = map { ($_) x $kinds{$_}[0] } sort keys %kinds;

sub expression
{
	my $kind = pick(@kinds);
	my $sql = $kinds{$kind}[1]->(1 + int rand 3);

	return { kind => $kind, sql => $sql, number => sprintf($kinds{$kind}[2], $sql) };
}

# Rows within their bounds, among them the corners, and NULLs.  extremes() returns the least and the
# greatest value of an expression, without rows in which it fails.
sub setup
{
	return <<'SQL';
CREATE TABLE f (id int PRIMARY KEY, d date, ts timestamptz, t timestamp, free int8, x int, y int, y2 int, p float8, q float8, c float8, n numeric(8,2), n2 numeric, v varchar(12), b char(5), iv interval, g2 int2, r real, b8 int8);
SELECT setseed(0.42);
INSERT INTO f
SELECT i, date '2019-12-31' + (random() * 800)::int, timestamptz '2020-01-01 00:00+00' + random() * interval '800 days', timestamp '2020-01-01' + random() * interval '800 days',
	(random() * 2e6 - 1e6)::int8, (random() * 200 - 100)::int, (random() * 20 - 10)::int, 1 + (random() * 6)::int, 1 + random() * 49, random() * 4 - 2, random(), round((random() * 100)::numeric, 2), (random() * 10 - 5)::numeric,
	repeat('a', (random() * 12)::int), 'ab', CASE i % 3 WHEN 0 THEN interval '1 day' * (random() * 60) WHEN 1 THEN random() * interval '100 hours' ELSE make_interval(months => (random() * 2)::int) END,
	(random() * 600 - 300)::int2, (random() * 20 - 10)::real, (random() * 1e12)::int8
FROM generate_series(1, 700) i;
INSERT INTO f
SELECT 6000 + i, CASE WHEN i & 1 = 0 THEN date '2019-12-31' ELSE '2022-03-10' END, CASE WHEN i & 1 = 0 THEN timestamptz '2020-01-01 00:00+00' ELSE '2022-03-11 00:00+00' END, CASE WHEN i & 2 = 0 THEN timestamp '2020-01-01' ELSE '2022-03-11' END,
	CASE WHEN i & 1 = 0 THEN -1000000 ELSE 1000000 END, CASE WHEN i & 1 = 0 THEN -100 ELSE 100 END, CASE WHEN i & 2 = 0 THEN -10 ELSE 10 END, CASE WHEN i & 4 = 0 THEN 1 ELSE 7 END, CASE WHEN i & 8 = 0 THEN 1 ELSE 50 END,
	CASE WHEN i & 4 = 0 THEN -2 ELSE 2 END, CASE WHEN i & 2 = 0 THEN 0 ELSE 1 END, CASE WHEN i & 8 = 0 THEN 0 ELSE 100 END, CASE WHEN i & 1 = 0 THEN -5 ELSE 5 END, CASE WHEN i & 4 = 0 THEN '' ELSE 'abcdefghijkl' END, '',
	CASE WHEN i & 4 = 0 THEN interval '0' WHEN i & 8 = 0 THEN '60 days' ELSE '2 months' END, CASE WHEN i & 2 = 0 THEN -300 ELSE 300 END, CASE WHEN i & 8 = 0 THEN -10 ELSE 10 END, CASE WHEN i & 4 = 0 THEN 0 ELSE 1000000000000 END
FROM generate_series(0, 15) i;
INSERT INTO f VALUES (5003, '2020-02-29', '2020-12-31 00:00+00', '2021-01-01', 0, 0, 0, 2, 2, 0, 0.5, 0.01, 0, 'x', '', '59 minutes', 0, 0, 1);
INSERT INTO f VALUES (5004);
ALTER TABLE f ADD w text;
UPDATE f SET w = CASE id % 4 WHEN 0 THEN repeat('b', id % 21) WHEN 1 THEN repeat(U&'\00e9a', id % 11) WHEN 2 THEN repeat(U&'\20ac', 20) END;
SET client_min_messages = error;
SELECT dp_agg.protect('f', 'id', 'random');
SELECT dp_agg.set_bounds('f', 'd', '2019-12-31', '2022-03-10'), dp_agg.set_bounds('f', 'ts', '2020-01-01 00:00+00', '2022-03-11 00:00+00'), dp_agg.set_bounds('f', 't', '2020-01-01', '2022-03-11'),
	dp_agg.set_bounds('f', 'x', -100, 100), dp_agg.set_bounds('f', 'y', -10, 10), dp_agg.set_bounds('f', 'y2', 1, 7), dp_agg.set_bounds('f', 'p', 1, 50), dp_agg.set_bounds('f', 'q', -2, 2), dp_agg.set_bounds('f', 'c', 0, 1),
	dp_agg.set_bounds('f', 'n', 0, 100), dp_agg.set_bounds('f', 'n2', -5, 5), dp_agg.set_bounds('f', 'iv', '0', '60 days'), dp_agg.set_bounds('f', 'g2', -300, 300), dp_agg.set_bounds('f', 'r', -10, 10), dp_agg.set_bounds('f', 'b8', 0, 1e12), dp_agg.set_length('f', 'w', 20);
CREATE FUNCTION number(i interval) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT ((extract(year FROM i) * 12 + extract(month FROM i)) * 30 + extract(day FROM i))::float8 * 86400e6 + (extract(hour FROM i) * 3600 + extract(minute FROM i) * 60)::float8 * 1e6 + extract(microseconds FROM i)::float8 $$;
CREATE FUNCTION number(n numeric) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT n::float8 $$;
CREATE FUNCTION extremes(e text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	low float8;
	high float8;
	value float8;
	i int;
BEGIN
	BEGIN
		EXECUTE format('SELECT min(v), max(v) FROM (SELECT %s AS v FROM f) s WHERE v <> ''NaN''', e) INTO low, high;
		RETURN low || '|' || high;
	EXCEPTION WHEN others THEN NULL;
	END;
	FOR i IN SELECT id FROM f WHERE id % 7 = 0 OR id >= 5000 LOOP
		BEGIN
			EXECUTE format('SELECT %s FROM f WHERE id = $1', e) INTO value USING i;
			IF value <> 'NaN' THEN
				low := least(low, value);
				high := greatest(high, value);
			END IF;
		EXCEPTION WHEN others THEN NULL;
		END;
	END LOOP;
	RETURN low || '|' || high;
END $$;
SQL
}

1;
