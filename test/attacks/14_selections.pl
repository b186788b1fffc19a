# Attacks on what is chosen rather than added up: order statistics, modes,
# histograms, distinct values, intervals, public domains.  A leak: state, messages,
# notices, shape or what the session remembers differ with one person, an answer
# moves by more than one person may move it, or fewer than 20 people show.

use strict;
use warnings;
use Test::More;
use Attacks;
use DpAgg;
use Extreme;

my $node = Extreme::start_extreme('what is chosen', 1);
my $icu = Extreme::has_loose_collation();
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
attack("collations that conflict, $_", "SELECT $_(q.c) FROM (SELECT p.id, coalesce(o.a, o.b) AS c FROM people p, a.col o WHERE $five) q",
	control => "SELECT count(DISTINCT c) FROM (SELECT ARRAY[o.a, o.b] AS c FROM people p, a.col o WHERE $five) q")
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

attack("last_release() about a nested release, $_->[0]", 'SELECT output, groups, standard_error IS NULL FROM dp_agg.last_release()', before => [ '\o /dev/null', $_->[1], '\o' ],
	control => $_->[1])
  foreach ['that one person needs', "SELECT dp_count(*) FROM people p WHERE $five AND p.x > (SELECT dp_avg(x) FROM people)"],
  ['in FILTER', "SELECT dp_count(*) FILTER (WHERE p.id = 5 AND p.x > (SELECT dp_avg(x) FROM people)) FROM people p"],
  ['in CASE', "SELECT dp_sum(CASE WHEN p.id = 5 THEN (SELECT dp_median(x) FROM people) END, 0, 1) FROM people p"],
  ['in EXISTS', "SELECT dp_mode(t) FROM people p WHERE $five AND EXISTS (SELECT 1 FROM (SELECT dp_count(*) AS c FROM people) q WHERE c > 3)"];
attack('last_release() of few people', 'SELECT output, groups FROM dp_agg.last_release()',
	before => [ '\o /dev/null', "SELECT dp_count(*), dp_median(x) FROM people p WHERE $five", '\o' ], control => "SELECT count(*) FROM people p WHERE $five");
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
	attacked($r->{out} =~ /\A1\n1\ndp_count\(\*\)\n[tf]\ndp_count\(\*\),dp_avg\(x\)\z/, 'last_release() is about the releases that the client asked for') or diag($r->{out} . $r->{err});
	$node->safe_psql('postgres', 'CREATE ROLE other LOGIN; GRANT other TO analyst');
	attacked(DpAgg::value($node, 'analyst', "SELECT dp_count(*) > 0 FROM people \\g /dev/null\nSET ROLE other;\nSELECT count(*) FROM dp_agg.last_release()") eq '0',
		'another role sees nothing of it');
}

# ---------- code of the analyst ----------

my %runs = map { $_ => 1 } 'SELECT dp_mode(ROW(x, t)::a.ct) FROM people', 'SELECT rank(5) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT dp_low(dp_mode(x)) FROM people', 'SELECT i, (SELECT dp_median(x) FROM people WHERE x > i) FROM generate_series(1, 3) i';
attack("code of the analyst: $_", $_, control => $runs{$_} ? 'runs' : 'differs') foreach
  'SELECT dp_quantile(x, a.spy(0.5)) FROM people', 'SELECT dp_top(t, a.spy(3)::int) FROM people',
  'SELECT dp_histogram(x, a.spy(0), 100, 5) FROM people', 'SELECT dp_low(dp_count(*), a.spy(0.9)) FROM people',
  'SELECT percentile_cont(a.spy(0.5)) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT dp_mode(a.spy(x)) FROM people', 'SELECT dp_median(x) FILTER (WHERE a.spy(x) > 1) FROM people',
  'SELECT dp_mode(x::a.dm) FROM people', 'SELECT dp_mode(ROW(x, t)::a.ct) FROM people', 'SELECT dp_top(p, 3) FROM people p',
  'SELECT mode() WITHIN GROUP (ORDER BY a.spy(x)) FROM people', 'SELECT a.percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT percentile_cont((SELECT dp_avg(x) / 100 FROM people)) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT rank(5) WITHIN GROUP (ORDER BY x) FROM people', 'SELECT cume_dist(5) WITHIN GROUP (ORDER BY x) FROM people',
  'SELECT dp_low(dp_low(dp_count(*))) FROM people', 'SELECT dp_low(x) FROM people GROUP BY x', 'SELECT dp_low(dp_mode(x)) FROM people',
  'SELECT k, dp_count(*) FROM visits WHERE k > a.spy(0) GROUP BY k', 'SELECT k, dp_count(*) FROM visits WHERE k > random() GROUP BY k',
  'SELECT dp_agg.number(x) FROM people', 'SELECT dp_median(dp_agg.number(x)) FROM people', "SELECT dp_agg.output('', 1, x) FROM people",
  'SELECT i, (SELECT dp_median(x) FROM people WHERE x > i) FROM generate_series(1, 3) i',
  'SELECT i, (SELECT dp_low(dp_median(x), i / 10.0) FROM people) FROM generate_series(1, 3) i';
attack('code of the analyst: a fraction of a column', 'SELECT percentile_cont(x) WITHIN GROUP (ORDER BY x) FROM people GROUP BY x',
	control => 'SELECT percentile_cont(least(x / 1e10, 1)) WITHIN GROUP (ORDER BY x) FROM people GROUP BY x');
# constants are folded when the query is planned, once
attack('a constant that spies', 'SELECT dp_quantile(x, ARRAY[a.spy(0.5), 0.6]) FROM people', moves => 5);
attack('an own dp_low sees released values only', 'SELECT a.dp_low(dp_count(*)) FROM people', moves => 5);
run_attacks();

# ---------- what one person moves ----------

# In visits person 5 has more than a thousand rows: it counts as at most max_rows (3) of them.
my $bounded = 'SET dp_agg.max_groups = 2';
attack("one person moves $_->[0]", $_->[1], moves => $_->[2], state => '00000', control => $_->[3] // 'differs')
  foreach ['a histogram', 'SELECT dp_histogram(x, 0, 100, 4) FROM visits', 4], ['a histogram beside its end', 'SELECT dp_histogram(x, -1, 0, 1) FROM visits', 4],
  ['the number of distinct values', 'SELECT dp_count_distinct(t) FROM visits', 5], ['distinct documents', 'SELECT dp_count_distinct(j) FROM visits', 5],
  ['the mode', 'SELECT dp_mode(m) FROM visits', 0, 'SELECT mode() WITHIN GROUP (ORDER BY m) FROM visits WHERE pid = 5'], ['frequent values', 'SELECT (SELECT string_agg(value, $$ $$ ORDER BY value) FROM unnest(dp_top(t, 10))) FROM visits', 0, 'SELECT count(DISTINCT t) FROM visits'],
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

		attacked(join(' ', map { "$_->{sqlstate}$_->{out}" } @own[ 0 .. 4 ]) eq join(' ', ('000000') x 5), "$output of 19 people is never released");
		control($own[5]{out} eq '60', "$output of 60 people is, and of 19 beside them is not");
		attacked($own[6]{out} eq '0', "$output of 19 people within a group is not released") if $output =~ /mode|top|median|min|max|quantile|histogram|bounds|avg/ && $output !~ /low|high/;
	}
}

# ---------- as many draws as paid for ----------

{
	Extreme::draws_are_paid(@$_) foreach
		['a nested loop', 'SELECT count(DISTINCT o::text) FROM generate_series(1, 50) i LEFT JOIN (SELECT dp_quantile(x, 0.5, 0, 1000000) AS o FROM people WHERE dp_with(epsilon => 0.01)) q ON i > 0'],
		['a scalar sub-select', 'SELECT count(DISTINCT (SELECT dp_histogram(x, 0, 100, 50)::text FROM people)) FROM generate_series(1, 50)'],
		['a lateral join', 'SELECT count(DISTINCT o::text) FROM generate_series(1, 50) i, LATERAL (SELECT dp_histogram(x, 0, 100, 50) AS o, i FROM people) q'],
		['a CTE named twice', 'WITH c AS NOT MATERIALIZED (SELECT dp_histogram(x, 0, 100, 50)::text AS o FROM people) SELECT count(DISTINCT o) FROM (SELECT o FROM c UNION ALL SELECT o FROM c) q'];
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
	attacked("@lines" eq join(' ', (@lines[ 0 .. $third - 1 ]) x 3), 'a cursor shows one draw');
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
	attacked("$with[$_]{sqlstate} $with[$_]{message}" eq "$without[$_]{sqlstate} $without[$_]{message}", 'whatever the data: ' . DpAgg::brief($statements[$_])) foreach 0 .. $#statements;
	is(join(' ', grep { $_ !~ /^(00000|22\w{3}|DP00[23])$/ } map { $_->{sqlstate} } @with), '', 'and by messages for people');
}
no_crash('no crash by parameters');

finish();
