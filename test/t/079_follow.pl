# Bounds that follow by themselves.
#
# A value outside of what follows would be clamped, so at a high epsilon the least, the greatest
# and the average of thousands of random rows within the declared bounds are those of plain SQL.
# Random expressions (test/perl/Expressions.pm) are not asked: the bounds that follow for them, as
# a message of level debug1 says, must hold all that plain SQL computes, in several time zones.
#
#	SEED=n QUERIES=n	which random expressions and how many (1 and 1500 if not set)

use strict;
use warnings;
use List::Util 'uniq';
use Test::More;
use DpAgg;
use Expressions;
use PostgreSQL::Test::Utils;

use constant ZONES => qw(UTC Europe/Berlin America/New_York Pacific/Kiritimati);

my $seed = $ENV{SEED} || 1;
my $queries = $ENV{QUERIES} || 1500;
my $node = DpAgg::node('follow', conf => "timezone = 'UTC'\n");

sub query
{
	return $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]");
}

sub ask
{
	return DpAgg::as($node, 'analyst', "SET dp_agg.epsilon = 1000;\n$_[0]");
}

# The bounds that follow for the arguments of a statement, each as "lower|upper", or what is wrong.
sub follows
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = debug1;\n$sql", on_error_stop => 0);
	my @all;

	push @all, "$1|$2" while $err =~ /bounds (\S+) and (\S+) follow/g;
	return join ' ', uniq(@all) if @all;
	return $err;
}

query(<<'SQL');
CREATE TABLE g (id int PRIMARY KEY, d date, ts timestamptz, t timestamp, tm time, g bigint, x int, y int, p float8, q float8, n numeric(8,2), v varchar(12), iv interval);
SELECT setseed(0.5);
INSERT INTO g
SELECT i, date '2019-12-31' + (random() * 800)::int, timestamptz '2020-01-01' + random() * interval '800 days', timestamp '2020-01-01' + random() * interval '800 days',
	time '00:00' + random() * interval '24 hours', (random() * 2000 - 1000)::int, (random() * 200 - 100)::int, (random() * 20 - 10)::int, 1 + random() * 49, random() * 4 - 2,
	round((random() * 100)::numeric, 2), repeat('a', (random() * 12)::int), random() * interval '100 hours'
FROM generate_series(1, 4000) i;
-- the ends, and NULLs
INSERT INTO g VALUES (5001, '2019-12-31', '2020-01-01', '2020-01-01', '00:00', -1000, -100, -10, 1, -2, 0, '', '0'),
	(5002, '2022-03-10', '2022-03-11', '2022-03-11', '24:00', 1000, 100, 10, 50, 2, 100, repeat('b', 12), '100 hours'),
	(5003, '2020-02-29', '2020-12-31', '2021-01-01', '12:00', 0, 0, 0, 2, 0, 0.01, 'x', '59 minutes');
INSERT INTO g VALUES (5004);
SELECT dp_agg.protect('g', 'id', 'people');
SELECT dp_agg.set_bounds('g', 'd', '2019-12-31', '2022-03-10'), dp_agg.set_bounds('g', 'x', -100, 100), dp_agg.set_bounds('g', 'y', -10, 10),
	dp_agg.set_bounds('g', 'p', 1, 50), dp_agg.set_bounds('g', 'q', -2, 2), dp_agg.set_bounds('g', 'n', 0, 100), dp_agg.set_bounds('g', 'iv', '0', '100 hours'),
	dp_agg.set_bounds('g', c, '2020-01-01', '2022-03-11') FROM unnest('{ts,t}'::name[]) c;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
CREATE TABLE r (person int NOT NULL, x int NOT NULL);
INSERT INTO r SELECT i % 500, i % 7 - 2 FROM generate_series(1, 2000) i;
SELECT dp_agg.protect('r', 'person', 'people', max_groups => 1, max_rows => 4);
SELECT dp_agg.set_bounds('r', 'x', -2, 4);
SQL

# ---------- what is asked ----------

my @follow = (
	'least(greatest(g, -50), 70)', 'greatest(least(g, 70), -50)', 'CASE WHEN g > 100 THEN 100 WHEN g < -100 THEN -100 ELSE g END',
	'CASE WHEN g BETWEEN -10 AND 10 THEN g * 2 ELSE 0 END', 'CASE WHEN NOT (g < 0 OR g > 50) THEN g END', 'CASE WHEN 100 < g THEN 100 ELSE greatest(g, 0) END',
	'CASE WHEN p < 10.5 THEN p ELSE 10 END', 'CASE x WHEN 1 THEN 5 ELSE x END', 'CASE WHEN x > 0.2 AND x < 1.7 THEN x ELSE 3 END',
	q(d - date '2020-01-01'), q(date '2022-03-10' - d), q(extract(epoch FROM ts - timestamptz '2020-01-01') / 3600), q(extract(epoch FROM t - timestamp '2021-01-01')),
	q(extract(epoch FROM t + interval '1 month' - timestamp '2021-01-01')), q(extract(year FROM date_trunc('quarter', t))),
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
	# what fails has no value
	my $good = $expr =~ /sqrt\(x/ ? 'x >= 0' : $expr =~ /ln\(([nx])/ ? "$1 > 0" : $expr =~ m{/ x} ? 'x <> 0' :
	  $expr =~ m{/ y|mod\(x} ? 'y <> 0' : $expr =~ m{nullif\(n} ? 'n <> 0' : 'true';
	my @want = split /\|/, query("SELECT avg(e), min(e), max(e) FROM (SELECT CASE WHEN $good THEN ($expr)::float8 END AS e FROM g) s");
	my $r = ask("SELECT avg(e::float8), min(e::float8), max(e::float8) FROM (SELECT $expr AS e FROM g) s");
	my @got = split /\|/, $r->{out};

	if (@got != 3) { fail($expr); diag($r->{err}); next; }
	# extremes: the neighbours of the ends are within a few hundredths of the range
	my $slack = ($want[2] - $want[1]) * 0.02 + 1e-5;
	ok(abs($got[0] - $want[0]) <= $slack && abs($got[1] - $want[1]) <= $slack * 2 && abs($got[2] - $want[2]) <= $slack * 2, $expr)
	  or diag("got @got want @want");
}

# An average of intervals is one.
is(ask(q(SELECT date_trunc('hour', avg(t - timestamp '2021-01-01') + interval '30 minutes') FROM g))->{out},
	query(q(SELECT date_trunc('hour', avg(t - timestamp '2021-01-01') + interval '30 minutes') FROM g)), 'an average of intervals');

# WHERE bounds columns.
is(follows('EXPLAIN SELECT dp_avg(g) FROM g WHERE g BETWEEN -5 AND 10 AND 100 > g'), '-5|10', 'WHERE bounds a column');
is(follows('EXPLAIN SELECT dp_avg(e) FROM (SELECT g + 1 AS e FROM g WHERE g > 3) s WHERE e < 8'), '4|8', '... here and in a sub-select');
is(follows('EXPLAIN SELECT dp_avg(e.g) FROM g JOIN g e ON g.id = e.id AND e.g BETWEEN 1 AND 2'), '1|2', '... of a join, too');
like(follows('EXPLAIN SELECT dp_avg(e.g) FROM g LEFT JOIN g e ON g.id = e.id AND g.g BETWEEN 1 AND 2'), qr/no bounds are declared/, '... that drops what does not match');
is(follows('EXPLAIN SELECT dp_avg(g) FILTER (WHERE g BETWEEN 0 AND 9) FROM g'), '0|9', 'FILTER does');
is(follows('EXPLAIN SELECT dp_avg(e) FROM (SELECT person, sum(x) FILTER (WHERE x >= 2) AS e FROM r GROUP BY person) s'), '2|16', '... below, too');
like(follows('EXPLAIN SELECT dp_avg(g) FROM g WHERE g > 3 OR g < 0'), qr/no bounds are declared/, '... but not by what need not hold');
is(follows('EXPLAIN SELECT dp_avg(x) FROM g WHERE x > 1000'), '-100|100', 'bounds that contradict are those of the column');

like(follows('EXPLAIN SELECT dp_avg(g) FROM g WHERE length(v) > 3'), qr/no bounds are declared/, 'a condition is about the expression that it names');
is(follows('EXPLAIN SELECT dp_avg(g + 1) FROM g WHERE g + 1 BETWEEN 3 AND 8'), '3|8', '... which may be a sum');
is(follows('EXPLAIN SELECT dp_avg(g / 3) FILTER (WHERE g / 3 < 8) FROM g WHERE 2 <= g / 3'), '2|8', '... or a quotient, in FILTER too');
is(follows(q(EXPLAIN SELECT dp_avg(d - date '2020-01-01') FROM g WHERE d - date '2020-01-01' < 9)), '-1|9', '... or a difference of dates');
like(follows('EXPLAIN SELECT dp_avg(g + 2) FROM g WHERE g + 1 BETWEEN 3 AND 8'), qr/no bounds follow/, '... but not another sum');

# ---------- texts ----------

# Lengths that are declared, of columns in sub-selects, of what is longer, and of other types.
query(<<'SQL');
CREATE TABLE texts (person int NOT NULL, t text NOT NULL, c char(5), n int NOT NULL);
INSERT INTO texts SELECT i % 500, repeat('x', i % 50), 'ab', i FROM generate_series(1, 2000) i;
SELECT dp_agg.protect('texts', 'person', 'people', max_groups => 1, max_rows => 4);
SELECT dp_agg.set_length('texts', 't', 100);
SQL
my @lengths = (
	[ 'length(t)', 'FROM texts', '0|100' ], [ 'octet_length(t)', 'FROM texts', '0|400' ], [ 'length(t) * 2 + 1', 'FROM texts', '1|201' ],
	[ 'length(t || c)', 'FROM texts', '0|105' ], [ 'length(left(t, 7))', 'FROM texts', '0|7' ], [ 'length(s)', 'FROM (SELECT t || t AS s FROM texts) q', '0|200' ],
	[ 'length(s)', q{FROM (SELECT t AS s FROM texts UNION ALL SELECT 'abc' || c FROM texts) q}, '0|100' ],
	[ 'length(m)', 'FROM (SELECT person, max(t) AS m FROM texts GROUP BY person) q', '0|100' ],
	[ 'length(l)', q{FROM (SELECT lag(t, 1, '') OVER (PARTITION BY person ORDER BY n) AS l FROM texts) q}, '0|100' ],
	[ 'length((SELECT min(b.t) FROM texts b WHERE b.person = a.person))', 'FROM texts a', '0|100' ],
	[ 'length(t)', 'FROM texts WHERE length(t) < 20', '0|20' ], [ q{length(CASE WHEN t < 'y' THEN t ELSE 'zzz' END)}, 'FROM texts', '0|100' ],
	[ 'length(x)', q{FROM texts, LATERAL (VALUES (t), ('abc')) AS v(x)}, '0|100' ]);

foreach (@lengths)
{
	my ($expr, $from, $bounds) = @$_;

	is(follows("EXPLAIN SELECT dp_avg($expr) $from"), $bounds, "$expr $from");
	cmp_ok(abs(ask("SELECT avg($expr) $from")->{out} - query("SELECT avg($expr) $from")), '<', 0.2, '... and the answer');
}
foreach my $mode (qw(auto force_generic_plan))
{
	is(ask("SET plan_cache_mode = $mode; PREPARE q (int, text) AS SELECT round(avg(length(left(t, \$1) || \$2))) FROM texts; EXECUTE q (10, 'abc')")->{out} =~ s/.*\n//sr,
		query("SELECT round(avg(length(left(t, 10) || 'abc'))) FROM texts"), "parameters, $mode");
}
query("SELECT dp_agg.set_length('texts', 't', 10)");
is(ask(q{SELECT round(avg(length(t)), 1), bool_or(t = repeat('x', 40)) FROM texts})->{out}, query('SELECT round(avg(least(length(t), 10)), 1) FROM texts') . '|t', 'longer texts count as so long, and are not cut');
is(query(q{SELECT lengths FROM dp_agg.protected_relations WHERE relation = 'texts'::regclass}), '{"t": 10}', 'protected_relations shows it');
query("ALTER TABLE texts ALTER t TYPE varchar(60)");
is(follows('EXPLAIN SELECT dp_avg(length(t)) FROM texts'), '0|10', 'a length outlives a change to another type of text');
query("ALTER TABLE texts ALTER t TYPE int USING length(t)");
like(follows('EXPLAIN SELECT dp_avg(t) FROM texts'), qr/no bounds are declared/, '... and is none of a number');
query("ALTER TABLE texts ALTER t TYPE text USING repeat('x', t)");
query("SELECT dp_agg.set_length('texts', 't', NULL)");
is(query(q{SELECT lengths IS NULL FROM dp_agg.protected_relations WHERE relation = 'texts'::regclass}), 't', 'NULL takes it back');
like(ask('SELECT avg(length(t)) FROM texts')->{err}, qr/^HINT:.*dp_agg\.set_length\('public\.texts', 't', characters\)/m, 'who asks for a length is told what to declare');
foreach ([ q{'texts', 't', 0}, '22023' ], [ q{'texts', 't', -1}, '22023' ], [ q{'texts', 't', 1000000001}, '22023' ], [ q{'texts', 'n', 5}, '22023' ],
	[ q{'texts', 'none', 5}, '42703' ], [ q{'pg_class', 'relname', 5}, '42704' ], [ q{NULL, 't', 5}, '22004' ])
{
	is(DpAgg::as($node, $node->safe_psql('postgres', 'SELECT current_user'), "SELECT dp_agg.set_length($_->[0])")->{sqlstate}, $_->[1], "set_length($_->[0])");
}
DpAgg::refused($node, 'analyst', q{SELECT dp_agg.set_length('texts', 't', 5)}, '42501', 'set_length() is for the owner');
foreach (q{"long"}, '0', '1.5', '1e10')
{
	is(DpAgg::as($node, $node->safe_psql('postgres', 'SELECT current_user'), qq{SECURITY LABEL FOR dp_agg ON COLUMN texts.t IS '{"length": $_}'})->{sqlstate}, '22023', "no label: $_");
}
query("SELECT dp_agg.set_length('texts', 't', 10); SELECT dp_agg.unprotect('texts')");
is(query(q{SELECT count(*) FROM pg_seclabels WHERE objoid = 'texts'::regclass}), '0', 'unprotect() removes it');

# ---------- public tables ----------

# What is declared of them counts like what is declared of protected ones, and protects nothing.
query(<<'SQL');
CREATE TABLE prices (x int PRIMARY KEY, price numeric(8,2) NOT NULL, name text NOT NULL);
INSERT INTO prices SELECT i, (i + 203) % 7 + 0.5, 'name ' || i FROM generate_series(-200, 200) i;
CREATE VIEW priced AS SELECT x, price * 2 AS twice, name FROM prices;
GRANT SELECT ON prices, priced TO PUBLIC;
SQL
my $join = 'FROM r JOIN prices USING (x)';
like(ask("SELECT avg(x * price) $join")->{err}, qr/ERROR:.*no bounds follow/, 'without bounds of a public column none follow');
like(ask("SELECT avg(price) $join")->{err}, qr/^HINT:.*dp_agg\.set_public_bounds\('public\.prices', 'price', lower, upper\)/m, '... and the hint says which are missing');
like(ask("SELECT avg(length(name)) $join")->{err}, qr/^HINT:.*dp_agg\.set_length\('public\.prices', 'name', characters\)/m, '... and which length');
query(q{SELECT dp_agg.set_public_bounds('prices', 'price', 0, 10), dp_agg.set_length('prices', 'name', 20)});
is(query(q{SELECT count(*) FROM dp_agg.protected_relations WHERE relation = 'prices'::regclass}), '0', 'bounds protect nothing');
is(DpAgg::as($node, 'analyst', 'SELECT count(*) FROM prices')->{out}, '401', '... and a public table is read as ever');
foreach ([ "x * price", $join, '-20|40' ], [ 'price', $join, '0|10' ], [ 'length(name)', $join, '0|20' ], [ 'twice - x', 'FROM r JOIN priced USING (x)', '-4|22' ],
	[ 'p * x', 'FROM r JOIN (SELECT x, max(price) AS p FROM prices GROUP BY x) s USING (x)', '-20|40' ], [ '(SELECT price FROM prices p WHERE p.x = r.x)', 'FROM r', '0|10' ],
	[ 'price', 'FROM r LEFT JOIN prices USING (x)', '0|10' ], [ 'price', 'FROM r JOIN (SELECT * FROM prices UNION ALL SELECT x + 1000, 99, name FROM prices) s USING (x)', '0|99' ])
{
	my ($expr, $from, $bounds) = @$_;

	is(follows("EXPLAIN SELECT dp_avg($expr) $from"), $bounds, "of public columns: $expr $from");
	cmp_ok(abs(ask("SELECT avg($expr) $from")->{out} - query("SELECT avg($expr) $from")), '<', 0.1, '... and the answer');
}
{
	my ($wide, $narrow) = split /\n/, DpAgg::as($node, $node->safe_psql('postgres', 'SELECT current_user'),
		"SET dp_agg.epsilon = 1000; PREPARE q AS SELECT dp_avg(price) $join; EXECUTE q; SET client_min_messages = error;\n\\o /dev/null\nSELECT dp_agg.set_public_bounds('prices', 'price', 0, 1);\n\\o\nEXECUTE q")->{out};

	cmp_ok($wide, '>', 2, 'a plan that is kept');
	cmp_ok($narrow, '<=', 1, '... is made anew when bounds change');
}
unlike(follows('EXPLAIN SELECT dp_avg(v) FROM r JOIN (SELECT x, x + random() AS v FROM prices WHERE x + random() BETWEEN 0 AND 5) s USING (x)'), qr/^0\|5/, 'a condition on what changes with each look says nothing');
query('DROP VIEW priced; CREATE VIEW priced AS SELECT name FROM prices; ALTER TABLE prices ALTER price TYPE text');
like(follows("EXPLAIN SELECT dp_avg(price::int) $join"), qr/were declared for type numeric/, 'a type of another kind outlives them');
is(DpAgg::as($node, $node->safe_psql('postgres', 'SELECT current_user'), "SELECT dp_agg.set_$_->[0]")->{sqlstate}, $_->[1], "set_$_->[0]")
  foreach [ q{public_bounds('priced', 'name', 0, 1)}, '42809' ], [ q{length('priced', 'name', 1)}, '42809' ], [ q{public_bounds('pg_class', 'reltuples', 0, 1)}, '42704' ];
query('CREATE SCHEMA mine AUTHORIZATION analyst');
ask('CREATE TABLE mine.t (x int, y int)');
DpAgg::refused($node, 'analyst', q{SELECT dp_agg.set_public_bounds('mine.t', 'y', 0, 1)}, '42501', 'who may not protect declares nothing');
query(q{SELECT dp_agg.protect('prices', 'x', 'others')});
is(query(q{SELECT lengths FROM dp_agg.protected_relations WHERE relation = 'prices'::regclass}), '{"name": 20}', 'what was declared before stays when a table is protected');
query(q{SELECT dp_agg.unprotect('prices')});

# ---------- per individual, from bounds and limits ----------

foreach my $aggregate ('sum(x)', 'count(*)', 'min(x)', 'max(x)', 'avg(x)', 'count(*) FILTER (WHERE x > 1)', 'sum(x) FILTER (WHERE x > 1)', 'count(DISTINCT x)')
{
	my $sql = "SELECT round(avg(e)::numeric, 1) FROM (SELECT person, $aggregate AS e FROM r GROUP BY person) s";

	is(ask($sql)->{out}, query($sql), $aggregate);
}
my $per = 'FROM r GROUP BY person) s';
is(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, sum(x) AS e $per"), '-8|16', 'a sum has as many values as rows are declared');
is(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, count(*) AS e $per"), '1|4', 'an individual that is there has a row');
is(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, count(*) FILTER (WHERE x > 1) AS e $per"), '0|4', '... but none need pass a FILTER');
is(follows('EXPLAIN SELECT dp_avg((SELECT count(*) FROM r WHERE r.person = g.id)) FROM g'), '0|4', '... and none be there for a correlated count');
is(follows('EXPLAIN SELECT dp_avg(e) FROM (SELECT g.id, sum(r.x) AS e FROM g JOIN r ON r.person = g.id GROUP BY g.id) s'), '-8|16', 'a join has the larger limits');
is(follows('EXPLAIN SELECT dp_avg(e) FROM (SELECT person, max(x) - min(x) AS e FROM r GROUP BY person) s WHERE e > 0'), '0|6', 'arithmetic goes on above');
query(q(SELECT dp_agg.protect('r', 'person', 'people', max_groups => 3, max_rows => 4, max_total => 5); SELECT dp_agg.set_bounds('r', 'x', -2, 4)));
is(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, sum(x) AS e $per"), '-10|20', 'max_total is the most rows');
query(q(SELECT dp_agg.set_total('r', 'x', 2, 9)));
is(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, sum(x) AS e $per"), '0|9', 'a declared total bounds a sum of some of the rows');
is(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, sum(x * 2) AS e $per"), '-20|40', '... but not of another expression');
query(q(SELECT dp_agg.protect('r', 'person', 'people'); SELECT dp_agg.set_bounds('r', 'x', -2, 4)));
like(follows("EXPLAIN SELECT dp_avg(e) FROM (SELECT person, count(*) AS e $per"), qr/no bounds are known/, 'limits that nobody gave tell nothing');
query(q(SELECT dp_agg.protect('r', 'person', 'people', max_groups => 1, max_rows => 4); SELECT dp_agg.set_bounds('r', 'x', -2, 4)));

# ---------- parameters ----------

my @prepared = (
	[ 'int', 'x * $1', '10', '-20|40' ], [ 'int', 'x * $1', '-3', '-12|6' ], [ 'int', 'least(x, $1)', '1', '-2|1' ], [ 'int', 'CASE WHEN x > $1 THEN $1 ELSE x END', '3', '-2|3' ],
	[ 'int', 'greatest(least(person, $1), 0)', '7', '0|7' ], [ 'numeric', 'x + $1', '0.5', '-1.5|4.5' ], [ 'int', 'x + length(left(md5(person::text), $1))', '5', '-2|9' ],
	[ 'int', 'CASE WHEN person BETWEEN 1 AND $1 THEN person ELSE 0 END', '7', '0|7' ], [ 'int', '4 / nullif(x, $1)', '0', '-4|4' ],
	[ 'int', 'x * $1', 'NULL', '0|0' ], [ 'int', 'coalesce(x, $1)', 'NULL', '-2|4' ], [ 'int', 'least(x, $1)', 'NULL', '-2|4' ]);

foreach my $p (@prepared)
{
	my ($type, $expr, $value, $bounds) = @$p;

	foreach my $mode ('force_custom_plan', 'force_generic_plan')
	{
		is(follows("SET plan_cache_mode = $mode; SET dp_agg.epsilon = 1000; PREPARE q($type) AS SELECT dp_avg($expr) FROM r; EXECUTE q($value)"), $bounds, "$expr with $value: $mode");
	}
}
my %answers;
foreach my $mode ('force_custom_plan', 'force_generic_plan', 'auto')
{
	my $r = ask("SET plan_cache_mode = $mode; PREPARE q(int) AS SELECT round(avg(x * \$1)), round(avg(e)) FROM (SELECT person, x, x * \$1 AS e FROM r) s WHERE dp_with(max_rows => 4); " .
		  join ' ', map { "EXECUTE q($_);" } 10, 20, 10, 10, 10, 10, 10, 1000);

	$answers{ $r->{out} }++;
	diag($r->{err}) if $r->{err};
}
is(keys %answers, 1, 'the same answers, whatever plan is kept') or diag(explain(\%answers));
like((keys %answers)[0], qr/^10\|10\n20\|20\n(10\|10\n){5}100\d\|100\d$|^\d+\|\d+\n/, 'parameters scale bounds');
{
	my $sql = 'SELECT avg(e) FROM (SELECT person, sum(x * $1) AS e FROM r GROUP BY person) s';

	foreach my $mode ('force_custom_plan', 'force_generic_plan')
	{
		is(follows("SET plan_cache_mode = $mode; PREPARE q(int) AS " . ($sql =~ s/avg/dp_avg/r) . "; EXECUTE q(3)"), '-24|48', "a parameter in a sum per individual: $mode");
		is(follows("SET plan_cache_mode = $mode; PREPARE q(int) AS SELECT dp_avg(e + person) FILTER (WHERE person BETWEEN 1 AND 2) FROM (SELECT person, sum(x * \$1) FILTER (WHERE x < 1) AS e FROM r GROUP BY person) s; EXECUTE q(3)"),
			'-23|14', '... and FILTERs');
		is(follows("SET plan_cache_mode = $mode; PREPARE q(int) AS SELECT dp_avg(e) FROM (SELECT person, x * \$1 AS e FROM r UNION ALL SELECT person, sum(x + \$1) FROM r GROUP BY person) s; EXECUTE q(3)"),
			'-6|28', "... and in the branches of a union: $mode");
		is(follows("SET plan_cache_mode = $mode; PREPARE q(int) AS SELECT dp_avg(e) FROM (SELECT person, $_->[0] AS e FROM r) s; EXECUTE q(3)"), $_->[1], "$_->[0]: $mode")
		  foreach [ 'row_number() OVER (PARTITION BY person ORDER BY x) + $1', '4|7' ], [ 'sum(x * $1) OVER (PARTITION BY person)', '-24|48' ],
		  [ 'lag(x, 1, $1 * 2) OVER (PARTITION BY person ORDER BY x)', '-2|6' ], [ 'sum(x + $1) FILTER (WHERE x < 1) OVER (PARTITION BY person)', '1|16' ];
		is(ask("SET plan_cache_mode = $mode; PREPARE q(int) AS SELECT avg(e) FROM (SELECT person, x * \$1 AS e FROM r UNION ALL (SELECT person, x FROM r UNION ALL SELECT person, person FROM r)) s; EXECUTE q(3)")->{sqlstate},
			'DP003', "no bounds of a branch: $mode");
		my $r = ask("SET plan_cache_mode = $mode; PREPARE q(float8) AS SELECT avg(ln(\$1 + x * 0)), avg(person * \$1) FROM r; EXECUTE q(2)");
		is($r->{sqlstate}, 'DP003', "no bounds with a parameter: $mode") or diag($r->{out});
	}
}

# ---------- what has no bounds ----------

foreach my $expr ('g', 'g * 2', 'least(g, 5, x)', '1 / q', 'q ^ g', 'exp(g)', 'least(g, 5)', 'greatest(g, 0)', 'CASE WHEN g > 0 THEN g ELSE 0 END',
	'CASE WHEN g < 5 OR x > 3 THEN g ELSE 0 END', 'log(q)', 'q ^ -1', 'g % nullif(x, x)::int8 + g', 'extract(year FROM current_date) + g', 'exp(p * 10)', '1 / (p - 1)')
{
	my $none = ask("SELECT count(*),\n  avg($expr) FROM g");

	is($none->{sqlstate}, 'DP003', "no bounds: $expr") or diag($none->{out});
	like($none->{err}, qr/LINE 3: .*\n +\^|LINE 2: .*\n +\^/, '... with a place') if $none->{sqlstate} eq 'DP003';
}
like(ask('SELECT count(*), stddev(g * 2) FROM g')->{err}, qr/no bounds follow for the argument of stddev\(\)/, 'the message names the aggregate');

# Functions are known by what they are, not by their names; declarations are what counts, not rows.
query(<<'SQL');
CREATE SCHEMA own;
CREATE FUNCTION own.abs(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 1000';
CREATE FUNCTION own.ten(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 10; END';
CREATE OPERATOR own.- (LEFTARG = int, RIGHTARG = int, FUNCTION = own.ten);
CREATE OPERATOR own.< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4gt);
GRANT USAGE ON SCHEMA own TO PUBLIC;
SQL
unlike(follows('EXPLAIN SELECT dp_avg(own.abs(x)) FROM g'), qr/^0\|100$/, 'a function with the name of a built-in one is another');
unlike(follows('EXPLAIN SELECT dp_avg(x OPERATOR(own.-) 5) FROM g'), qr/^-105\|95$/, '... and an operator');
unlike(follows('EXPLAIN SELECT dp_avg(CASE WHEN x OPERATOR(own.<) 5 THEN 0 ELSE x END) FROM g'), qr/^0\|100$|^5\|100$/, '... and a comparison');
query('INSERT INTO g (id, x, g) VALUES (9001, 2000000000, 9e18)');
is(follows('EXPLAIN SELECT dp_avg(x + 1) FROM g'), '-99|101', 'bounds do not depend on rows');
is(ask('SELECT round(avg(x * x + x % 7)) < 10000 FROM g')->{out}, 't', 'an overflow is no value');
query('DELETE FROM g WHERE id = 9001');

# An interval takes bounded work, however often sub-selects name columns of each other.
{
	my $nested = 'SELECT id, x FROM g';

	$nested = "SELECT id, greatest(x, x, x, x, x, x) AS x FROM ($nested) s" foreach 1 .. 7;
	is(ask("SELECT avg(x) FROM ($nested) s")->{sqlstate}, 'DP003', 'columns that are named again and again');
}

# What is no finite number is clamped, or no value: as in plain SQL where the expression clamps.
query("INSERT INTO g (id, p, q, d) SELECT 9000 + i, ('{NaN,Infinity,-Infinity}'::float8[])[1 + i % 3], 'NaN', ('{infinity,-infinity}'::date[])[1 + i % 2] FROM generate_series(1, 500) i");
foreach my $expr ('least(greatest(p, 1), 50)', 'CASE WHEN p > 50 THEN 50 WHEN p < 1 THEN 1 ELSE p END', 'CASE WHEN p <= 50 AND p >= 1 THEN p ELSE 7 END', 'sign(greatest(p, 0))')
{
	my ($got, $want) = (ask("SELECT avg($expr) FROM g")->{out}, query("SELECT avg($expr) FROM g"));

	cmp_ok(abs($got - $want), '<', 0.2, "infinite, and no numbers: $expr") or diag("got $got want $want");
}
is(ask(q(SELECT round(avg(d - date '2020-01-01')) FROM g))->{out}, query(q(SELECT round(avg(d - date '2020-01-01')) FROM g WHERE isfinite(d))), 'infinite dates have no difference');
query('DELETE FROM g WHERE id > 9000');

# ---------- random expressions ----------

srand $seed;
query(Expressions::setup());
my @random = map { Expressions::expression() } 1 .. $queries;
my ($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = debug1;\n" . join('', map { "\\warn #$_\nEXPLAIN SELECT dp_min($random[$_]{sql}) FROM f;\n" } 0 .. $#random), on_error_stop => 0);
my ($number, %bounds, %failed);
foreach (split /\n/, $err)
{
	$number = $1 if /^#(\d+)/;
	$bounds{$number} = [ $1, $2 ] if /bounds (\S+) and (\S+) follow/;
	$failed{$number} = $1 if /ERROR: +(.*)/;
}
is(scalar(grep { !$bounds{$_} && !$failed{$_} } 0 .. $#random), 0, 'all random expressions have been judged');
cmp_ok(scalar(keys %bounds), '>', $queries * 0.85, 'bounds follow for most');
foreach my $zone (ZONES)
{
	my @narrow;
	my @asked = grep { $zone eq 'UTC' || $random[$_]{sql} =~ /ts|timestamptz/ } sort { $a <=> $b } keys %bounds;
	my @values = split /\n/, $node->safe_psql('postgres', "SET timezone = '$zone'; SET client_min_messages = error;\n" .
		  join '', map { "SELECT $_, extremes(\$e\$$random[$_]{number}\$e\$);\n" } @asked);

	foreach (@values)
	{
		my ($i, $low, $high) = split /\|/;
		my ($lower, $upper) = @{ $bounds{$i} };
		my $large = abs($lower) > abs($upper) ? abs($lower) : abs($upper);
		my $rounding = 1e-9 * $large + ($random[$i]{kind} =~ /^(timestamp|interval)/ ? 4 : 1e-9);

		next if !defined $high || $high eq '';
		push @narrow, "$random[$i]{sql}: bounds $lower and $upper, values $low to $high" if $low < $lower - $rounding || $high > $upper + $rounding;
	}
	is(scalar(@narrow), 0, "no bounds are too narrow in $zone: " . @values . ' expressions') or diag(join "\n", @narrow);
}

done_testing();
