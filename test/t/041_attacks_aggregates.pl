# Attacks on what is chosen rather than added up - order statistics, modes,
# histograms, distinct values, intervals, public domains - by an analyst who
# owns a schema and knows the source.  Every statement runs on two versions of
# the data that differ in one person.  State, messages, notices, shape and what
# the session remembers must be the same, and an answer may move by what one
# person may move it.  As a control a statement on unprotected copies must tell
# the versions apart.  The server must not crash, whatever description, state or
# parameter is handed to the functions of the extension.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('main', roles => ['analyst'], conf => "restart_after_crash = on\nlog_min_error_statement = panic\n");

$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA a AUTHORIZATION analyst;
CREATE SCHEMA plain;
GRANT CREATE, TEMPORARY ON DATABASE postgres TO analyst;
GRANT USAGE ON SCHEMA plain TO analyst;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE people (id int PRIMARY KEY, x int NOT NULL, y float8, n numeric, t text, b bool, d date, ts timestamp, iv interval, ia int[], j jsonb, m mood, k int);
CREATE TABLE visits (pid int, x int, y float8, n numeric, t text, b bool, d date, ts timestamp, iv interval, ia int[], j jsonb, m mood, k int);
CREATE TABLE few (id int PRIMARY KEY, g int, x int NOT NULL, t text);
INSERT INTO people SELECT i, i % 50, i * 0.5, i % 9, 't' || i % 3, i % 2 = 0, '2020-01-01'::date + i % 30, '2020-01-01'::timestamp + i % 20 * interval '1 h', i % 5 * interval '1 day', ARRAY[i % 3, 1], '{"a": 1}', (ARRAY['sad', 'ok', 'happy'])[i % 3 + 1]::mood, i % 3
	FROM generate_series(1, 101) i;
INSERT INTO visits SELECT p.* FROM people p, generate_series(1, 3) WHERE id <> 5;
-- person 5 is as far out as a person can be
DELETE FROM people WHERE id = 5;
INSERT INTO people VALUES (5, 2147483647, 'infinity', 'NaN', repeat('x', 200000), NULL, 'infinity', 'infinity', '178000000 years', '{{1,2},{3,4}}', 'null', 'happy', 2147483647);
INSERT INTO visits SELECT p.* FROM people p WHERE id = 5;
INSERT INTO visits VALUES (5, -2147483648, 'NaN', '-infinity', '', true, '-infinity', '-infinity', '-178000000 years', '{}', '[]', 'sad', 0);
INSERT INTO visits (pid, x, y, n, t, k) SELECT 5, i, 1e300, 10::numeric ^ (i % 5), 'q' || i, i % 3 FROM generate_series(1, 1000) i;
INSERT INTO visits (pid, k) SELECT 5, i FROM generate_series(0, 100) i;
INSERT INTO few SELECT g * 100 + i, g, 50, 'same' FROM (VALUES (19), (60)) v(g), generate_series(1, g) i;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
CREATE TABLE plain.visits (LIKE visits INCLUDING ALL);
INSERT INTO plain.people TABLE people;
INSERT INTO plain.visits TABLE visits;
GRANT SELECT ON ALL TABLES IN SCHEMA plain TO analyst;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('visits', 'pid', 'people', max_groups => 2, max_rows => 3), dp_agg.protect('few', 'id', 'people');
SELECT dp_agg.set_bounds(r::regclass, c, 0, 100) FROM unnest('{people,visits}'::text[]) r, unnest('{x,y,n}'::name[]) c;
SELECT dp_agg.set_bounds(r::regclass, 'd', '2020-01-01'::text, '2021-01-01'), dp_agg.set_bounds(r::regclass, 'ts', '2020-01-01'::text, '2021-01-01'), dp_agg.set_bounds(r::regclass, 'iv', '0'::text, '100 days') FROM unnest('{people,visits}'::text[]) r;
SELECT dp_agg.set_bounds('few', 'x', 0, 100);
SELECT dp_agg.set_domain('visits', 'k', '{0,1,7}'), dp_agg.set_domain('visits', 'm', '{sad,ok,happy}');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);
CREATE TABLE person AS SELECT * FROM people WHERE id = 5;
CREATE TABLE person_visits AS SELECT * FROM visits WHERE pid = 5;
VACUUM ANALYZE;
SQL

DpAgg::value($node, 'analyst', <<'SQL');
CREATE TABLE a.nums AS SELECT n FROM generate_series(0, 31) n;
CREATE TABLE a.col (a text COLLATE "C", b text COLLATE "POSIX");
INSERT INTO a.col VALUES ('q', 'w');
CREATE TABLE a.shapes AS SELECT ARRAY[1, 2] AS x, ARRAY[1, 2, 3] AS y;
CREATE TABLE a.huge AS SELECT repeat('x', 600000000) AS t;
CREATE TABLE a.bytes AS SELECT convert_to(t, 'UTF8') AS b FROM a.huge;
CREATE TABLE a.pad AS SELECT k, lpad(k::text, 1000, 'x') AS pad FROM generate_series(1, 10616) k;
ANALYZE a.pad;
CREATE SEQUENCE a.calls;
SELECT nextval('a.calls');
CREATE FUNCTION a.spy(float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.dp_low(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.step(float8, float8) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $2; END $$;
CREATE AGGREGATE a.percentile_cont(float8 ORDER BY float8) (SFUNC = a.step, STYPE = float8);
CREATE DOMAIN a.dm AS int CHECK (a.spy(VALUE) IS NOT NULL);
CREATE TYPE a.ct AS (a int, b text);
SQL
my $icu = DpAgg::as($node, 'analyst', <<'SQL')->{ok};
CREATE COLLATION a.loose (provider = icu, locale = 'en-u-ks-level1', deterministic = false, version = '1');
CREATE TABLE a.loose (t text COLLATE a.loose);
INSERT INTO a.loose VALUES ('a');
SQL

# ---------- how attacks run ----------

# The version of the data: with person 5, or without.
sub version
{
	my ($with) = @_;

	$node->safe_psql('postgres', join '', map {
		$with
		  ? "INSERT INTO ${_}people TABLE person; INSERT INTO ${_}visits TABLE person_visits;\n"
		  : "DELETE FROM ${_}people WHERE id = 5; DELETE FROM ${_}visits WHERE pid = 5;\n"
	} '', 'plain.');
	$node->safe_psql('postgres', "VACUUM $_") foreach 'people', 'visits', 'plain.people', 'plain.visits';
	return;
}

my @attacks;

# attack(NAME, SQL, %options).  Options:
#	before  => [SQL...]  statements before it, in the same session
#	state   => REGEX     SQLSTATEs it may end with
#	control => SQL       on the copies: what tells the versions apart
#	moves   => N         numbers in the answer may differ by that much (0)
sub attack
{
	my ($name, $sql, %o) = @_;

	push @attacks, { name => $name, sql => $sql, before => [], moves => 0,
		state => '00000|DP002|DP003|42501|22023|42P2[12]', %o };
	return;
}

# Each attack has a session of its own: a notice may come once in a session.
sub outcome
{
	my ($path, @statements) = @_;
	my $calls = 'SELECT last_value FROM a.calls';
	my $before = DpAgg::value($node, 'analyst', $calls);
	my $r = DpAgg::as($node, 'analyst', join("\n", map { /^\\/ ? $_ : "$_;" } "SET search_path = $path", 'SET dp_agg.epsilon = 1000',
		"SET dp_agg.delta = 1e-7", "SET statement_timeout = '120s'", @statements), on_error_stop => 0);

	$r->{calls} = DpAgg::value($node, 'analyst', $calls) - $before;
	$r->{err} =~ s/^psql:\S+ //mg;
	$r->{err} =~ s/^LOCATION:.*\n?//mg;
	return $r;
}

sub close_by
{
	my ($one, $two, $moves) = @_;
	my @one = split /([|\n,(){}"])/, $one, -1;
	my @two = split /([|\n,(){}"])/, $two, -1;
	my $number = qr/^-?\d+(\.\d+)?$/;

	return 0 if @one != @two;
	foreach my $i (0 .. $#one)
	{
		next if $one[$i] eq $two[$i];
		return 0 if $one[$i] !~ $number || $two[$i] !~ $number || abs($one[$i] - $two[$i]) > $moves;
	}
	return 1;
}

sub show
{
	my ($r) = @_;

	return join ' ', $r->{sqlstate}, "calls $r->{calls}:", map { length > 300 ? substr($_, 0, 300) . '...' : $_ } $r->{out}, $r->{err};
}

sub same
{
	my ($one, $two, $moves) = @_;

	return $one->{sqlstate} eq $two->{sqlstate} && $one->{err} eq $two->{err} && $one->{calls} == $two->{calls}
	  && close_by($one->{out}, $two->{out}, $moves);
}

sub run_attacks
{
	my @list = splice @attacks;
	my $all = sub { map { [ outcome('public', @{ $_->{before} }, $_->{sql}),
		$_->{control} ? outcome('plain, public', $_->{control}) : undef ] } @list };
	my @with = $all->();
	version(0);
	my @without = $all->();
	version(1);

	foreach my $attack (@list)
	{
		my ($one, $two) = (shift @with, shift @without);

		ok($one->[0]{sqlstate} =~ /^($attack->{state})$/ && same($one->[0], $two->[0], $attack->{moves}), $attack->{name})
		  or diag(join "\n", @{ $attack->{before} }, $attack->{sql}, 'with:    ' . show($one->[0]), 'without: ' . show($two->[0]));
		ok(!same($one->[1], $two->[1], 0), "$attack->{name}: seen without protection")
		  or diag("$attack->{control}\n" . show($one->[1])) if $attack->{control};
	}
	return;
}

my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my $log_place = 0;

sub no_crash
{
	my ($name) = @_;
	my $crashed = PostgreSQL::Test::Utils::slurp_file($node->logfile, $log_place) =~ /terminated by signal|PANIC|runtime error:/;

	$log_place = -s $node->logfile;
	ok(!$crashed, $name);
	$node->poll_query_until('postgres', 'SELECT true') if $crashed;
	return;
}

my $five = 'p.id = 5';

# ---------- errors and notices that only a row can cause ----------

attack('arrays of texts whose collations conflict, distinct', "SELECT dp_count_distinct(ARRAY[o.a, o.b]) FROM people p, a.col o WHERE $five",
	control => "SELECT count(DISTINCT c) FROM (SELECT ARRAY[o.a, o.b] AS c FROM people p, a.col o WHERE $five) q");
attack("collations that conflict, $_->[0]", "SELECT dp_count(*) FROM (SELECT $_->[1] FROM (SELECT p.id, $_->[2] AS c FROM people p, a.col o WHERE $five) q $_->[3]) r",
	before => ["SET enable_sort = off"],
	control => "SELECT $_->[1] FROM (SELECT p.id, $_->[2] AS c FROM people p, a.col o WHERE $five) q $_->[3]")
  foreach ['DISTINCT by the unit', 'DISTINCT q.id, q.c', 'coalesce(o.a, o.b)', ''],
  ['GROUP BY the unit', 'q.id, q.c', 'coalesce(o.a, o.b)', 'GROUP BY q.id, q.c'],
  ['DISTINCT by the unit, arrays', 'DISTINCT q.id, q.c', 'ARRAY[o.a, o.b]', ''];
attack('collations that conflict, an array as a key', "SELECT q.c, dp_count(*) FROM (SELECT p.id, ARRAY[o.a, o.b] AS c FROM people p, a.col o WHERE $five) q GROUP BY q.c",
	before => ["SET enable_sort = off"]);
attack("collations that conflict, $_", "SELECT $_(q.c) FROM (SELECT p.id, coalesce(o.a, o.b) AS c FROM people p, a.col o WHERE $five) q")
  foreach 'dp_mode', 'dp_count_distinct';
if ($icu)
{
	attack("a collation of another version: $_->[0]", $_->[1], before => ['SET enable_sort = off'],
		control => "SELECT count(*) FROM (SELECT DISTINCT p.id, o.t FROM people p, a.loose o WHERE $five) q")
	  foreach ['distinct', "SELECT dp_count_distinct(o.t) FROM people p, a.loose o WHERE $five"],
	  ['DISTINCT by the unit', "SELECT dp_count(*) FROM (SELECT DISTINCT p.id, o.t FROM people p, a.loose o WHERE $five) q"],
	  ['a key', "SELECT o.t, dp_count(*) FROM people p, a.loose o WHERE $five GROUP BY 1"],
	  ['mode', "SELECT dp_mode(o.t) FROM people p, a.loose o WHERE $five"];
}
attack("an error if the person is there: $_->[0]", "SELECT dp_count($_->[1]) FROM people p, a.$_->[2] o WHERE $five",
	control => "SELECT count($_->[1]) FROM people p, a.$_->[2] o WHERE $five")
  foreach ['arrays of other dimensions', 'ARRAY[o.x, o.y]', 'shapes'], ['an array too large', 'ARRAY[o.t, o.t]', 'huge'], ['a cast too large', 'o.b::text', 'bytes'];
attack("an error if the person is there: $_->[0], in a condition", "SELECT dp_count(*) FROM people p, a.$_->[2] o WHERE $five AND $_->[1] IS NOT NULL")
  foreach ['arrays of other dimensions', 'ARRAY[o.x, o.y]', 'shapes'];
attack('an error if the person is there: arrays of its own shape', 'SELECT dp_mode(ARRAY[p.ia, ARRAY[1, 2]]) FROM people p',
	control => 'SELECT count(ARRAY[p.ia, ARRAY[1, 2]]) FROM people p');
attack('a row too wide, distinct by the unit', "SELECT dp_count(*) FROM (SELECT DISTINCT p.id, o.t || '1', o.t || '2' FROM people p, a.huge o WHERE $five) q",
	control => "SELECT count(*) FROM (SELECT DISTINCT p.id, o.t || '1', o.t || '2' FROM people p, a.huge o WHERE $five) q");
attack('a row too wide, keys', "SELECT o.t || '1', o.t || '2', dp_count(*) FROM people p, a.huge o WHERE $five GROUP BY 1, 2");
attack('a row too wide, sketches of one person', "SELECT p.b, " . join(', ', map { "dp_mode(o.pad || q.n::text || '$_')" } 1 .. 3) . " FROM people p, a.pad o, a.nums q WHERE $five GROUP BY 1");
attack('a table of values that gives up', "SELECT dp_mode(CASE WHEN o.k <= 5308 THEN 'common' ELSE o.pad || (100000 + p.id)::text END) FROM people p, a.pad o WHERE dp_with(max_rows => 10616)",
	control => "SELECT count(DISTINCT p.id) FROM people p");
run_attacks();
no_crash('no crash by errors');

# ---------- what the session remembers ----------

attack("last_release() about a nested release, $_->[0]", 'SELECT output, groups, standard_error IS NULL FROM dp_agg.last_release()', before => [ '\o /dev/null', $_->[1], '\o' ])
  foreach ['that one person needs', "SELECT dp_count(*) FROM people p WHERE $five AND p.x > (SELECT dp_avg(x) FROM people)"],
  ['in FILTER', "SELECT dp_count(*) FILTER (WHERE p.id = 5 AND p.x > (SELECT dp_avg(x) FROM people)) FROM people p"],
  ['in CASE', "SELECT dp_sum(CASE WHEN p.id = 5 THEN (SELECT dp_median(x) FROM people) END, 0, 1) FROM people p"],
  ['in EXISTS', "SELECT dp_mode(t) FROM people p WHERE $five AND EXISTS (SELECT 1 FROM (SELECT dp_count(*) AS c FROM people) q WHERE c > 3)"];
attack('last_release() of few people', 'SELECT output, groups FROM dp_agg.last_release()',
	before => [ '\o /dev/null', "SELECT dp_count(*), dp_median(x) FROM people p WHERE $five", '\o' ]);
run_attacks();

{
	my $r = DpAgg::as($node, 'analyst', <<'SQL', on_error_stop => 0);
SELECT 1 FROM (SELECT dp_count(*) FROM people) q;
SELECT count(*) FROM dp_agg.last_release();
SELECT dp_count(*) FROM people WHERE dp_with(epsilon => -1);
SELECT string_agg(output, '') FROM dp_agg.last_release();
SELECT dp_count(*) > 0 FROM people WHERE x > (SELECT dp_avg(x) FROM people);
SELECT string_agg(output, ',') FROM dp_agg.last_release();
SQL
	like($r->{out}, qr/\A1\n1\ndp_count\(\*\)\n[tf]\ndp_count\(\*\)\z/, 'last_release() is about the release the client asked for') or diag($r->{out} . $r->{err});
	$node->safe_psql('postgres', 'CREATE ROLE other LOGIN; GRANT other TO analyst');
	is(DpAgg::value($node, 'analyst', "SELECT dp_count(*) > 0 FROM people \\g /dev/null\nSET ROLE other;\nSELECT count(*) FROM dp_agg.last_release()"), '0',
		'another role sees nothing of it');
}

# ---------- code of the analyst ----------

attack("code of the analyst: $_", $_) foreach
  'SELECT dp_quantile(x, a.spy(0.5)) FROM people', 'SELECT dp_top(t, a.spy(3)::int) FROM people',
  'SELECT dp_histogram(x, a.spy(0), 100, 5) FROM people', 'SELECT dp_low(dp_count(*), a.spy(0.9)) FROM people',
  'SELECT percentile_cont(a.spy(0.5)) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT dp_mode(a.spy(x)) FROM people', 'SELECT dp_median(x) FILTER (WHERE a.spy(x) > 1) FROM people',
  'SELECT dp_mode(x::a.dm) FROM people', 'SELECT dp_mode(ROW(x, t)::a.ct) FROM people', 'SELECT dp_top(p, 3) FROM people p',
  'SELECT mode() WITHIN GROUP (ORDER BY a.spy(x)) FROM people', 'SELECT a.percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT percentile_cont(x) WITHIN GROUP (ORDER BY x) FROM people GROUP BY x',
  'SELECT percentile_cont((SELECT dp_avg(x) / 100 FROM people)) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT rank(5) WITHIN GROUP (ORDER BY x) FROM people', 'SELECT cume_dist(5) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT dp_low(dp_low(dp_count(*))) FROM people', 'SELECT dp_low(x) FROM people GROUP BY x', 'SELECT dp_low(dp_mode(x)) FROM people',
  'SELECT k, dp_count(*) FROM visits WHERE k > a.spy(0) GROUP BY k', 'SELECT k, dp_count(*) FROM visits WHERE k > random() GROUP BY k',
  'SELECT dp_agg.number(x) FROM people', 'SELECT dp_median(dp_agg.number(x)) FROM people', "SELECT dp_agg.output('', 1, x) FROM people",
  'SELECT i, (SELECT dp_median(x) FROM people WHERE x > i) FROM generate_series(1, 3) i',
  'SELECT i, (SELECT dp_low(dp_median(x), i / 10.0) FROM people) FROM generate_series(1, 3) i';
# constants are folded when the query is planned, once
attack('a constant that spies', 'SELECT dp_quantile(x, ARRAY[a.spy(0.5), 0.6]) FROM people', moves => 5);
attack('an own dp_low sees released values only', 'SELECT a.dp_low(dp_count(*)) FROM people', moves => 5);
run_attacks();

# ---------- what one person moves ----------

# In visits person 5 has more than a thousand rows: it counts as at most max_rows (3) of them.
my $bounded = 'SET dp_agg.max_groups = 2';
attack("one person moves $_->[0]", $_->[1], moves => $_->[2], state => '00000')
  foreach ['a histogram', 'SELECT dp_histogram(x, 0, 100, 4) FROM visits', 4], ['a histogram beside its end', 'SELECT dp_histogram(x, -1, 0, 1) FROM visits', 4],
  ['the number of distinct values', 'SELECT dp_count_distinct(t) FROM visits', 5], ['distinct documents', 'SELECT dp_count_distinct(j) FROM visits', 5],
  ['the mode', 'SELECT dp_mode(m) FROM visits', 0], ['frequent values', 'SELECT (SELECT string_agg(value, $$ $$ ORDER BY value) FROM unnest(dp_top(t, 10))) FROM visits', 0],
  ['a median', 'SELECT dp_median(x) FROM visits', 2], ['quantiles', 'SELECT dp_quantile(x, ARRAY[0.1, 0.5, 0.9]) FROM visits', 3],
  ['bounds', 'SELECT dp_bounds(x) FROM visits', 0], ['bounds of a decimal', 'SELECT dp_bounds(n) FROM visits', 0],
  ['the listed keys', 'SELECT k, m FROM visits GROUP BY 1, 2 HAVING dp_count(*) IS NULL OR true ORDER BY 1, 2', 0];
run_attacks();

# ---------- fewer than 20 ----------

{
	my @outputs = ('dp_mode(t)', 'dp_top(t, 3)', 'dp_median(x)', 'dp_min(x)', 'dp_max(x)', 'dp_quantile(x, ARRAY[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])',
		'dp_histogram(x, 0, 100, 3)', 'dp_bounds(x)', 'dp_count_distinct(t)', 'dp_avg(x)', 'dp_low(dp_median(x))', 'dp_high(dp_count(*))');
	my @statements = ('SET dp_agg.epsilon = 1000', 'SET dp_agg.delta = 1e-3');

	push @statements, ("SELECT count($_) FROM (SELECT $_ FROM few WHERE g = 19) q(o)" =~ s/count\(.*?\) FROM \(/count(o) FROM (/r) x 5,
		"SELECT g FROM (SELECT g, $_ FROM few GROUP BY g) q", "SELECT count(o) FROM (SELECT $_ FILTER (WHERE g = 19) FROM few) q(o)"
	  foreach @outputs;
	my @r = DpAgg::bulk($node, 'analyst', \@statements);
	splice @r, 0, 2;
	foreach my $output (@outputs)
	{
		my @own = splice @r, 0, 7;

		is(join(' ', map { "$_->{sqlstate}$_->{out}" } @own[ 0 .. 4 ]), join(' ', ('000000') x 5), "$output of 19 people is never released");
		is($own[5]{out}, '60', "$output of 60 people is, and of 19 beside them is not");
		is($own[6]{out}, '0', "$output of 19 people within a group is not released") if $output =~ /mode|top|median|min|max|quantile|histogram|bounds|avg/ && $output !~ /low|high/;
	}
}

# ---------- as many draws as paid for ----------

{
	my $ledger = 'SELECT count(*) FROM dp_agg.my_releases';

	foreach my $case (
		['a nested loop', 1, 'SELECT count(DISTINCT o::text) FROM generate_series(1, 50) i LEFT JOIN (SELECT dp_quantile(x, 0.5, 0, 1000000) AS o FROM people WHERE dp_with(epsilon => 0.01)) q ON i > 0'],
		['a scalar sub-select', 1, 'SELECT count(DISTINCT (SELECT dp_histogram(x, 0, 100, 50)::text FROM people)) FROM generate_series(1, 50)'],
		['a lateral join', 1, 'SELECT count(DISTINCT o::text) FROM generate_series(1, 50) i, LATERAL (SELECT dp_histogram(x, 0, 100, 50) AS o, i FROM people) q'],
		['a CTE named twice', 1, 'WITH c AS NOT MATERIALIZED (SELECT dp_histogram(x, 0, 100, 50)::text AS o FROM people) SELECT count(DISTINCT o) FROM (SELECT o FROM c UNION ALL SELECT o FROM c) q'])
	{
		my ($name, $paid, $sql) = @$case;
		my $before = DpAgg::value($node, 'analyst', $ledger);
		my $r = DpAgg::as($node, 'analyst', "SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off;\n$sql");
		my $after = DpAgg::value($node, 'analyst', $ledger);

		cmp_ok($r->{out} || 0, '<=', $after - $before, "$name: no more draws than paid for") or diag($r->{err});
	}
	my $r = DpAgg::value($node, 'analyst', <<'SQL');
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT k, dp_histogram(x, 0, 100, 20), dp_mode(t), dp_low(dp_median(x)) FROM visits GROUP BY k ORDER BY k;
FETCH ALL c;
MOVE ABSOLUTE 0 c;
FETCH ALL c;
COMMIT;
MOVE ABSOLUTE 0 c;
FETCH ALL c;
SQL
	my @lines = split /\n/, $r;
	my $third = @lines / 3;
	is_deeply([ (@lines[ 0 .. $third - 1 ]) x 3 ], \@lines, 'a cursor shows one draw');
	my $before = DpAgg::value($node, 'analyst', 'SELECT sum(epsilon_spent) FROM dp_agg.my_budget');
	DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 1; SELECT dp_avg(x) FILTER (WHERE y > (SELECT dp_avg(y) FROM people)), dp_median(x) FILTER (WHERE y > (SELECT dp_avg(y) FROM people)) FROM people');
	cmp_ok(DpAgg::value($node, 'analyst', 'SELECT sum(epsilon_spent) FROM dp_agg.my_budget') - $before, '<=', 3,
		'a release within an argument is paid for as often as it is written');
}

# ---------- public domains ----------

is(DpAgg::value($node, 'analyst', 'SELECT k, k FROM (SELECT k, k AS l, dp_count(*) FROM visits GROUP BY 1, 2) q(k, l) ORDER BY 1, 2'), "0|0\n1|1\n7|7",
	'a key that is named twice is listed once');
is(DpAgg::value($node, 'analyst', "SELECT k FROM (SELECT k, dp_mode(t) FROM visits WHERE k > 0 AND k IN (1, 7, 100) AND k <> 100 GROUP BY k) q ORDER BY 1"), "1\n7", 'conditions about keys');
is(DpAgg::value($node, 'analyst', 'SELECT k FROM (SELECT v.k, dp_count(*) FROM a.nums o LEFT JOIN visits v ON v.k = o.n GROUP BY 1) q ORDER BY 1'), "0\n1\n7", 'on the weak side of an outer join');

# ---------- parameters ----------

{
	my @bad = map { [ $_, 'float8' ] } "'NaN'", "'infinity'", 'NULL', '-1', '1e308', '2';
	my @statements = ('SET plan_cache_mode = force_generic_plan');

	foreach my $sql ('dp_quantile(x, $1)', 'dp_low(dp_count(*), $1)', 'dp_histogram(x, $1, 1, 3)', 'dp_histogram(x, 0, $1, 3)', 'dp_median(x, $1, $1)', 'dp_low(dp_median(x, 0, $1), 0.9)')
	{
		push @statements, "PREPARE s(float8) AS SELECT $sql FROM people", (map { "EXECUTE s($_->[0])" } @bad), 'DEALLOCATE s';
	}
	push @statements, 'PREPARE n(int) AS SELECT dp_top(t, $1), dp_histogram(x, 0, 1, $1) FROM people', (map { "EXECUTE n($_)" } 0, -1, 'NULL', 2147483647, 1001, 1000), 'DEALLOCATE n';
	push @statements, map { "SELECT dp_quantile(x, $_) FROM people" } "'{}'::float8[]", "'{NULL}'::float8[]", "'{{0.1},{0.2}}'::float8[]",
	  'array_fill(0.5::float8, ARRAY[128])', 'array_fill(0.5::float8, ARRAY[129])', 'array_fill(0.5::float8, ARRAY[1000000])', 'ARRAY[0.1, NULL]', "'{NaN}'::float8[]";
	push @statements, map { "SELECT dp_median(x), dp_min(x), dp_mode(t), dp_top(t, 3), dp_bounds(x), dp_histogram(x, 0, 1, 1000) FROM visits WHERE dp_with($_)" }
	  'epsilon => 1e-8', 'epsilon => 1e-9', 'epsilon => 1e-8, max_rows => 1000000', 'epsilon => 1000, delta => 0.0001', 'delta => 1e-17', 'delta => 1e-18';
	my @with = DpAgg::bulk($node, 'analyst', \@statements);
	version(0);
	my @without = DpAgg::bulk($node, 'analyst', \@statements);
	version(1);
	is_deeply([ map { "$_->{sqlstate} $_->{message}" } @with ], [ map { "$_->{sqlstate} $_->{message}" } @without ], 'bad parameters are refused whatever the data');
	is(join(' ', grep { $_ !~ /^(00000|22\w{3}|DP00[23])$/ } map { $_->{sqlstate} } @with), '', 'and by messages for people');
}
no_crash('no crash by parameters');

# ---------- forged descriptions ----------

# A description as the planner makes it, out of the plan that a superuser prints.
{
	my $place = -s $node->logfile;
	my ($spec, @params);

	$node->safe_psql('postgres', "SET debug_print_plan = on; SET debug_pretty_print = off;\nSELECT dp_median(x, 0, 100), dp_mode(x), dp_count_distinct(x), dp_avg(x, 0, 100), dp_histogram(x, 0, 100, 5) FROM visits");
	foreach my $const (PostgreSQL::Test::Utils::slurp_file($node->logfile, $place) =~ /:constvalue\s+\d+\s+\[\s+((?:-?\d+\s+)+)\]/g)
	{
		my $bytes = pack 'C*', map { $_ & 255 } split ' ', $const;

		$spec //= substr $bytes, 4 if length $bytes > 5000;
		# an array of double precision
		@params = unpack 'd<*', substr $bytes, 24 if !@params && length $bytes > 56 && substr($bytes, 12, 4) eq pack 'l<', 701;
	}
	ok($spec && @params, 'a description') or BAIL_OUT('no description in the log');
	my @bytes = unpack 'C*', $spec;
	my $array = "'{" . join(',', @params) . "}'::float8[]";
	my @statements = ('CREATE TABLE IF NOT EXISTS a.forged (x int)', 'INSERT INTO a.forged SELECT generate_series(1, 40)', "SET statement_timeout = '5s'");
	my $calls = sub {
		my ($hex) = @_;
		my $p = $array;
		my $s = "decode('$hex', 'hex')";

		return "SELECT length(dp_agg.collect($s, $p, x)), " . join(', ', map { "length(dp_agg.sketch($s, $p, $_, x)), length(dp_agg.sketch_rows($s, $p, $_, x))" } 0 .. 2) . ' FROM a.forged',
		  "SELECT length(dp_agg.collect_bounded($s, $p, i)), length(dp_agg.sketch_bounded($s, $p, 0, r)) FROM (SELECT dp_agg.individual($s, $p, x) AS i, dp_agg.sketch_rows($s, $p, 0, x) AS r FROM a.forged GROUP BY x % 5) q";
	};
	srand(41);
	foreach my $try (0 .. 399)
	{
		my @forged = @bytes;

		foreach my $change (1 .. ($try == 0 ? 0 : 1 + int rand 3))
		{
			my $at = rand() < 0.5 ? 80 + 4 * int rand 16 : 4 * int rand(@forged / 4);
			my $value = (-1, 0, 1, 2, 127, 255, 32767, 65535, 1 << 20, 1 << 30, -2147483648, 23, 25)[ int rand 13 ];
			@forged[ $at .. $at + 3 ] = unpack 'C4', pack 'l<', $value;
		}
		push @statements, $calls->(join '', map { sprintf '%02x', $_ } @forged);
	}
	# one at a time: a crash must not hide what comes after it
	my $ran = 0;
	for (my $i = 3; $i < @statements; $i += 80)
	{
		my $r = eval { DpAgg::bulk($node, 'analyst', [ @statements[ 0 .. 2 ], @statements[ $i .. ($i + 79 > $#statements ? $#statements : $i + 79) ] ]); 1 };
		$ran++ if $r;
		$node->poll_query_until('postgres', 'SELECT true') if !$r;
	}
	is($ran, int((@statements - 3 + 79) / 80), 'forged descriptions: all sessions survive');
	foreach my $state ('\x', '\x00', '\x' . '00' x 64, '\x' . 'ff' x 64, '\x' . '01000000' x 40)
	{
		my $hex = join '', map { sprintf '%02x', $_ } @bytes;
		DpAgg::as($node, 'analyst', "SELECT dp_agg.sketch_bounded(decode('$hex', 'hex'), $array, 0, '$state'::bytea), dp_agg.collect_bounded(decode('$hex', 'hex'), $array, '$state'::bytea)");
		DpAgg::as($node, 'analyst', "SELECT dp_agg.output('$state'::bytea, 1, 5), dp_agg.output('$state'::bytea, -1, 'x'::text)");
	}
	no_crash('no crash by forged descriptions and states');
}

# ---------- a differential fuzz ----------

{
	srand(4107);
	my $pick = sub { $_[ int rand @_ ] };
	my ($number, $text, $date, $any, $condition);

	$number = sub {
		my ($d) = @_;
		my $r = rand;

		return 'p.' . $pick->(qw(x y n k)) if $r < 0.5 || $d > 2;
		return '(' . $number->($d + 1) . '::' . ($r < 0.6 ? 'int4' : $r < 0.65 ? 'float8' : 'numeric') . ' ' . $pick->('+', '-', '*', '/') . ' ' . $pick->(0, 1, 2147483647) . ')' if $r < 0.7;
		return $number->($d + 1) . '::' . $pick->('int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'numeric(5,2)') if $r < 0.8;
		return $pick->(qw(sqrt ln exp abs)) . '(' . $number->($d + 1) . '::float8)' if $r < 0.85;
		return 'CASE WHEN ' . $condition->($d + 1) . ' THEN ' . $number->($d + 1) . '::numeric END' if $r < 0.9;
		return "extract(epoch FROM p.$_)" foreach $pick->(qw(d ts iv));
	};
	$text = sub { my ($d) = @_; return $pick->('p.t', 'p.t', 'lower(p.t)', "p.t || 'x'", 'substr(p.t, p.x, p.k)', 'p.m::text', 'p.y::text', "p.j->>'a'", 'left(p.t, p.k)') };
	$date = sub { my ($d) = @_; return $pick->('p.d', 'p.ts', 'p.iv', "date_trunc('month', p.ts)", "(p.d + interval '1 day')", '(p.ts - p.iv)', 'p.ts::date', 'p.iv * 2') };
	$any = sub { my ($d) = @_; return rand() < 0.4 ? 'p.' . $pick->(qw(x y n t b d ts iv ia j m k)) : $pick->($number, $text, $date)->($d) };
	$condition = sub { my ($d) = @_; return $pick->($number->($d + 1) . ' > ' . $pick->(0, 5, '1e9'), $any->($d + 1) . ' IS NOT NULL', 'p.b', 'p.k IN (0, 1)', $text->($d) . " = 'q7'", $date->($d) . ' IS NULL') };
	my $argument = sub { return rand() < 0.7 ? $number->(0) : rand() < 0.7 ? $date->(0) : $any->(0) };
	my $bounds = sub { return $pick->('', '', ', 0, 100', ', 0, 100', ', -1e100, 1e100', ', 0, 0.001', ', 1, 1', ", 'NaN', 1", ", '2020-01-01', '2020-02-01'", ', NULL, 1') };
	my $fraction = sub { return $pick->('0.5', '0', '1', '0.999', 'ARRAY[0.1, 0.5]', "'{0.1,0.2,0.3,0.4,0.5,0.6}'::float8[]", "'{}'::float8[]", 'NULL', '2', 'p.y') };
	my $aggregate = sub {
		my $a = $argument->();
		my $s = $pick->(
			'dp_count(*)', 'dp_count(' . $any->(0) . ')', 'dp_count_distinct(' . $any->(0) . ')', 'dp_mode(' . $any->(0) . ')', 'dp_mode(' . $any->(0) . ')',
			'dp_top(' . $any->(0) . ', ' . $pick->(1, 3, 1000, 1001, 0, 'p.k') . ')', $pick->(qw(dp_sum dp_avg dp_var dp_stddev dp_median dp_min dp_max dp_median)) . "($a" . $bounds->() . ')',
			"dp_quantile($a, " . $fraction->() . $bounds->() . ')', $pick->(qw(percentile_cont percentile_disc)) . '(' . $fraction->() . ") WITHIN GROUP (ORDER BY $a" . $pick->('', ' DESC') . ')',
			'mode() WITHIN GROUP (ORDER BY ' . $any->(0) . ')', "dp_histogram($a, " . $pick->('0, 100, 5', '0, 1, 1000', '0, 1, 1001', '5', "'2020-01-01', '2020-03-01', 3") . ')',
			"dp_bounds($a)", $pick->(qw(dp_covar dp_corr regr_slope)) . '(' . $number->(0) . ', ' . $number->(0) . $pick->('', ', 0, 10, 0, 10') . ')');

		$s .= ' FILTER (WHERE ' . $condition->(0) . ')' if rand() < 0.2;
		$s = $pick->(qw(dp_low dp_high)) . "($s" . $pick->('', ', 0.9', ', 1') . ')' if rand() < 0.15;
		return $s;
	};
	my @statements = ("SET statement_timeout = '60s'", 'SET dp_agg.epsilon = 1000', 'SET dp_agg.delta = 1e-7');

	foreach my $i (1 .. 1500)
	{
		my @keys = rand() < 0.4 ? ($pick->('p.k', 'p.m', 'p.b', $any->(0), $number->(0))) : ();
		my @where = map { rand() < $_->[0] ? $_->[1]->() : () } [ 0.3, sub { $condition->(0) } ],
		  [ 0.1, sub { 'dp_with(' . $pick->('epsilon => 1e-9', 'max_rows => 1000', 'max_rows => 1', 'max_groups => 100', 'delta => 1e-17') . ')' } ];

		push @statements, 'SELECT ' . join(', ', @keys, map { $aggregate->() } 1 .. 1 + int rand 3) . ' FROM ' . $pick->('people p', 'visits p', 'visits p', 'visits p, a.nums o', 'visits p JOIN people q ON q.id = p.pid')
		  . (@where ? ' WHERE ' . join(' AND ', @where) : '') . (@keys ? ' GROUP BY 1' : '');
	}
	my $class = sub { return "$_[0]{sqlstate} $_[0]{message}" };
	my @with = DpAgg::bulk($node, 'analyst', \@statements);
	version(0);
	my @without = DpAgg::bulk($node, 'analyst', \@statements);
	version(1);
	my @different = grep { $class->($with[$_]) ne $class->($without[$_]) } 0 .. $#statements;

	is(scalar @different, 0, 'random queries end alike with and without a person')
	  or diag(join "\n", map { ($statements[$_], $class->($with[$_]), $class->($without[$_])) } grep { defined } @different[ 0 .. 4 ]);
	cmp_ok(scalar(grep { $_->{sqlstate} eq '00000' } @with), '>', 300, 'and many of them run');
	is(join(' ', grep { /^XX|^5/ } map { $_->{sqlstate} } @with), '', 'none ends with an internal error');
	no_crash('no crash by random queries');
}

is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server is the one that was started');

done_testing();
