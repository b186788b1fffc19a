# Values at the ends of what a type holds, in the hands of one person or of the
# analyst: overflow, NaN, infinity, -0, the smallest integer, numbers of 131,072
# digits, dates and intervals far off.  A leak: one person's value moves an answer by
# more than the bounds allow, or makes a difference in how the statement ends.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('numeric extremes');

# What person 5 has, for a moment; everybody else has 0 or 1, or a day.
my %extremes = (
	float8 => [ "'NaN'", "'infinity'", "'-infinity'", '1e308', '-1e308', '5e-324', "'-0'", '1.7976931348623157e308' ],
	float4 => [ "'NaN'", "'infinity'", '3e38', '1e-45' ],
	numeric => [ "'NaN'", "'infinity'", "'-infinity'", '1e131071', '-1e131071', '1e-16383', "('1' || repeat('0', 131071))", '1e40' ],
	int8 => [ '9223372036854775807', "'-9223372036854775808'" ],
	int4 => [ '2147483647', "'-2147483648'" ],
	int2 => [ '32767', "'-32768'" ],
	interval => [ "'178000000 years'", "'-178000000 years'", "'2147483647 days'", "'-2147483648 days -1 microsecond'" ],
	date => [ "'infinity'", "'-infinity'", "'5874897-12-31'", "'4713-01-01 BC'" ],
	timestamp => [ "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999'", "'4713-01-01 BC'" ],
	timestamptz => [ "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999 UTC'" ]);
my %zero = (interval => "'0'", date => "'2020-01-01'", timestamp => "'2020-01-01'", timestamptz => "'2020-01-01'");
my %bounds = (interval => "'0', '1 day'", date => "'2020-01-01', '2020-01-02'", timestamp => "'2020-01-01', '2020-01-02'", timestamptz => "'2020-01-01', '2020-01-02'");

# Sums of values in 0..1 move by 1 at most, and everything else by less.
sub extremes
{
	my ($type, @aggregates) = @_;
	my $zero = $zero{$type} // '(id % 2)';
	my $bounds = $bounds{$type} // '0, 1';

	$zero = '0' if $aggregates[0] =~ /mode/;
	foreach my $value (@{ $extremes{$type} })
	{
		my $x = "CASE WHEN id = 5 THEN $value\::$type ELSE $zero\::$type END";
		my $tells = "SELECT array_agg(c) FROM (SELECT DISTINCT ($x)::text AS c FROM people) s";

		foreach my $aggregate (@aggregates)
		{
			my $sql = $aggregate =~ s/\bX\b/$x/gr =~ s/\bBOUNDS\b/$bounds/gr;

			attack("$type, " . substr($value, 0, 30) . ": $aggregate", "SELECT $sql FROM people", state => '00000|DP002|DP003', moves => 2, control => $tells);
		}
	}
	return;
}
extremes($_, 'dp_sum(X, BOUNDS)', 'dp_avg(X, BOUNDS)', 'dp_count(X)', 'dp_var(X, BOUNDS), dp_stddev(X, BOUNDS)', 'dp_median(X, BOUNDS)', 'dp_max(X, BOUNDS)', 'dp_corr(X, X, 0, 1, 0, 1)')
  foreach qw(float8 float4 numeric int8 int4 int2);
extremes($_, 'dp_median(X, BOUNDS) IS NULL', 'dp_min(X, BOUNDS) IS NULL', 'dp_count(X)', 'dp_count_distinct(X)') foreach qw(interval date timestamp timestamptz);
extremes($_, 'dp_mode(X)::text = (0::numeric)::text', 'dp_count_distinct(X)') foreach qw(float8 numeric int8);
extremes('interval', 'dp_sum(X, BOUNDS) IS NULL', 'dp_avg(X, BOUNDS) IS NULL');
run_attacks();

# Arithmetic that leaves the type, for one person alone.
my $p = 'id = 5';
attack("beyond: $_", "SELECT dp_count(*), dp_count(e), dp_sum(e, 0, 1) FROM (SELECT id, CASE WHEN $p THEN ($_) ELSE 0 END AS e FROM people) s", state => '00000|DP002|DP003', moves => 2,
	control => "SELECT e::text FROM (SELECT id, CASE WHEN $p THEN ($_) ELSE 0 END AS e FROM people WHERE $p) s")
  foreach 'x * 2147483647', 'x + 2147483647', '-2147483648 - x', '(x::int2 * 32767::int2)', 'x::int8 * 9223372036854775807', "(-9223372036854775808) / (x - 86)", '-(-2147483648 + 0 * x)', 'abs(-2147483648 + 0 * x)', '(-2147483648 + 0 * x) % (x - 86)',
  'y * 1e308', 'y / 1e-308', '-y * 1e308', 'exp(y * 1000)', 'power(y, 400)', 'sqrt(-y)', 'ln(-y)', 'y / (y - y)', '(y - y) / (y - y)', "'infinity'::float8 - 'infinity'::float8 + y", "'infinity'::float8 * (y - y)", '(y * 1e300)::float4', '(y * 1e30)::int8', '(y * 1e30)::numeric::int4',
  'n', 'n + 1', 'n * n', "'1e131071'::numeric * x", "1 / '1e16000'::numeric / (x + '1e131000'::numeric)", "power(x::numeric, 50000)", 'exp(x::numeric * 100)', 'ln(0 * x::numeric)', 'x::numeric % 0', "'infinity'::numeric - 'infinity'::numeric + x", '(x * 1e15::numeric)::numeric(5, 2)',
  'width_bucket(y, 0, 0, 5)', 'width_bucket(x::numeric, 0, 10, 0)', 'round(x::numeric, 100000)', 'trunc(x::numeric, -200000)', "extract(epoch FROM timestamp 'infinity' + x * interval '1 day')", "extract(day FROM interval '1 day' * x * 1e15)", 'x >> 70', 'x << 40', '~x * 2147483647';
attack("beyond: $_", "SELECT dp_count(*), dp_count(e) FROM (SELECT id, CASE WHEN $p THEN ($_) END AS e FROM people) s", state => '00000|DP002|DP003', moves => 2,
	control => "SELECT e::text FROM (SELECT id, CASE WHEN $p THEN ($_) END AS e FROM people WHERE $p) s")
  foreach "date '5874897-12-31' + x", "date '2020-01-01' - x * 10000000", "timestamp '294276-12-31' + x * interval '1 year'", "timestamp '2020-01-01' - x * interval '100 years'", "interval '178000000 years' * x", "interval '1 second' / (x - 85)", "interval '2147483647 days' + x * interval '1 day'", "interval '-2147483647 days' * -x",
  "date_trunc('century', timestamp '4713-01-01 BC' + x * interval '0')", "date_trunc('week', date '4713-01-01 BC' + 0 * x)", "age(timestamp 'infinity', timestamp '2020-01-01' + x * interval '1 s')", "date_bin('0 s', timestamp '2020-01-01' + x * interval '1 s', timestamp '2020-01-01')", "timestamp 'infinity' - (timestamp '-infinity' + x * interval '1 s')",
  "timestamptz '294276-12-31 23:59:59 UTC' AT TIME ZONE interval '-15:59'", "(timestamp '294276-12-31' + x * interval '1 hour')::timestamptz", "(date '5874897-12-31' - x)::timestamp", "to_timestamp(y * 1e300)", "make_date(x * 100000, 1, 1)", "justify_interval(interval '2147483647 months 2147483647 days' * (x - 84))";
run_attacks();

# Sums within a person, and over all.
attack("added up: $_->[0]", $_->[1], state => '00000|DP002|DP003', moves => 2, control => $_->[2]) foreach
  [ 'integers of a person', 'SELECT dp_sum(s, 0, 1) FROM (SELECT id, sum(CASE WHEN id = 5 THEN 9223372036854775807 ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q', 'SELECT max(s) FROM (SELECT id, sum(CASE WHEN id = 5 THEN 9223372036854775807 ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q' ],
  [ 'floats of a person', 'SELECT dp_sum(s, 0, 1) FROM (SELECT id, sum(CASE WHEN id = 5 THEN 1e308::float8 ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q', 'SELECT sum(s) FROM (SELECT id, sum(CASE WHEN id = 5 THEN 1e308::float8 ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q' ],
  [ 'an average of infinities', q{SELECT dp_sum(s, 0, 1) FROM (SELECT id, avg(CASE WHEN id = 5 THEN 'infinity'::float8 ELSE 0 END * (1 - 2 * (o.n % 2))) AS s FROM people, a.nums o GROUP BY id) q}, q{SELECT sum(s) FROM (SELECT id, avg(CASE WHEN id = 5 THEN 'infinity'::float8 ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q} ],
  [ 'numerics of a person', q{SELECT dp_sum(s, 0, 1) FROM (SELECT id, sum(CASE WHEN id = 5 THEN '1e131071'::numeric ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q}, q{SELECT sum(s) FROM (SELECT id, sum(CASE WHEN id = 5 THEN '1e131071'::numeric ELSE 0 END) AS s FROM people, a.nums GROUP BY id) q} ],
  [ 'intervals of a person', q{SELECT dp_count(s) FROM (SELECT id, sum(CASE WHEN id = 5 THEN interval '170000000 years' END) AS s FROM people, a.nums GROUP BY id) q}, q{SELECT count(s) * 10 FROM (SELECT id, sum(CASE WHEN id = 5 THEN interval '17000 years' END) AS s FROM people, a.nums GROUP BY id) q} ],
  [ 'a maximum of NaN', q{SELECT dp_sum(s, 0, 1) FROM (SELECT id, max(CASE WHEN id = 5 THEN 'NaN'::float8 ELSE 0 END) AS s FROM people GROUP BY id) q}, q{SELECT max(s) FROM (SELECT id, max(CASE WHEN id = 5 THEN 'NaN'::float8 ELSE 0 END) AS s FROM people GROUP BY id) q} ],
  [ 'everybody at the bound', 'SELECT dp_avg(CASE WHEN id = 5 THEN -1e308 ELSE 1e308 END, 0, 1) FROM people', 'SELECT min(CASE WHEN id = 5 THEN -1e308 ELSE 1e308 END) FROM people' ];
run_attacks();

# Bounds at the ends of a type: the same kind of answer, and a finite one, always.
attack("bounds: $_", "SELECT s IS NULL, s IN ('NaN', 'infinity', '-infinity'), a IS NULL, a::text IN ('NaN', 'Infinity', '-Infinity') FROM (SELECT dp_sum(y, $_) AS s, dp_avg(y, $_) AS a FROM people) q", state => '00000|DP002|DP003|22003', moves => 0,
	control => 'SELECT sum(y) FROM people') foreach
  '-1e308, 1e308', '0, 1e308', '0, 1.7976931348623157e308', '-1.7976931348623157e308, 1.7976931348623157e308', '1e-308, 2e-308', '0, 5e-324', '1, 1.0000000000000002', '1e15, 1e15 + 0.125', '-5e-324, 5e-324', '1e300, 1.1e300';
attack("bounds of integers: $_", "SELECT s IS NULL, a IS NULL FROM (SELECT dp_sum(x, $_) AS s, dp_avg(x, $_) AS a FROM people) q", state => '00000|DP002|DP003|22003', moves => 0, control => 'SELECT sum(x) FROM people') foreach
  '-2147483648, 2147483647', '-9223372036854775808, 9223372036854775807', '0, 9223372036854775807', '2147483647, 2147483648', '0, 1e30', '0.5, 0.75';
attack("bounds of numerics: $_", "SELECT s IS NULL, s::text ~ '[NI]' FROM (SELECT dp_sum(n, $_) AS s FROM people) q", state => '00000|DP002|DP003|22003', moves => 0, control => 'SELECT sum(n) FROM people WHERE id < 5 OR id = 5') foreach
  "0, '1e131071'::numeric", "'-1e131071'::numeric, '1e131071'::numeric", "0, '1e-16383'::numeric", "0, ('1' || repeat('0', 131071))::numeric", "0, '1e308'::numeric", "0, 99999999999999999999999999999999999999";
attack("scales: $_", "SELECT count(*) FROM (SELECT $_ AS o FROM people) q WHERE o IS NOT NULL", state => '00000|DP002|DP003|22\w\w\w', moves => 0, control => 'SELECT sum(x) FROM people') foreach
  'dp_median(y, -1e308, 1e308)', 'dp_median(x, -2147483648, 2147483647)', "dp_quantile(n, 0.5, 0, '1e131071'::numeric)", 'dp_histogram(y, -1e308, 1e308, 10)', 'dp_histogram(y, 0, 5e-324, 1000)', "dp_median(y, 'NaN', 1)", 'dp_quantile(y, 1e-300, 0, 1000)', 'dp_quantile(y, 1 - 1e-16, 0, 1000)',
  "dp_median(date '2020-01-01' + x, '-infinity', 'infinity')", "dp_median(date '2020-01-01' + x, '4713-01-01 BC', '5874897-12-31')", "dp_min(timestamp '2020-01-01' + x * interval '1 s', '4713-01-01 BC', '294276-12-31')", "dp_median(x * interval '1 s', '-178000000 years', '178000000 years')";
run_attacks();
no_crash('no crash by extremes');

finish();
