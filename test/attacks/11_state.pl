# Plans and states: prepared statements, cursors and functions whose plan outlives
# what it was made for, releases within releases, CTEs, and states and descriptions
# forged by hand.  A leak: a plan is run for a role, label or column that it was not
# made for, or a forged state yields something.  The server must not crash.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('plan and state');

# ---------- WITH queries and releases below releases ----------

# Each in a session of its own: these have crashed the server.
sub stands
{
	my ($name, $sql, $states) = @_;
	my $before = DpAgg::value($node, 'analyst', 'SELECT last_value FROM a.calls');
	my $r = script("$sql;");

	no_crash("$name: the server stands") or diag($sql);
	like($r->{states}, qr/^($states)$/, "$name: " . ($states =~ /DP002/ ? 'refused or answered' : 'answered')) or diag("$sql\n$r->{err}");
	is(DpAgg::value($node, 'analyst', 'SELECT last_value FROM a.calls'), $before, "$name: no code of the analyst below the release") or diag($sql);
	return $r;
}
no_crash('no crash so far');
my $shadowed = 'WITH c AS MATERIALIZED (SELECT k FROM pub) SELECT * FROM (SELECT * FROM (WITH b AS (SELECT p.id, c.k FROM people p, c WHERE p.name = \'%s\'), c AS MATERIALIZED (SELECT a.spy(k) AS k FROM pub) SELECT dp_count(*)%s FROM b%s) q1) q2';
foreach (
	[ 'a release in the condition of a release', 'SELECT dp_count(*) FROM people p, (SELECT dp_avg(x) AS a FROM people) s WHERE p.x > s.a', 'DP002|' ],
	[ 'a release in a scalar sub-select', 'SELECT dp_count(*) FROM people p WHERE p.x > (SELECT dp_avg(x) AS a FROM people)', 'DP002|' ],
	[ 'a public CTE joined twice', 'WITH c AS MATERIALIZED (SELECT k FROM pub) SELECT dp_count(*) FROM people p JOIN c ON c.k = p.x JOIN c c2 ON c2.k = p.x', '' ],
	[ 'a public CTE, materialized', 'WITH c AS MATERIALIZED (SELECT k FROM pub) SELECT dp_count(*) FROM people p JOIN c ON c.k = p.x', '' ],
	[ 'a public CTE', 'WITH c AS (SELECT k FROM pub) SELECT dp_count(*) FROM people p JOIN c ON c.k = p.x', '' ],
	[ 'a release in a CTE', 'WITH s AS (SELECT dp_avg(x) AS a FROM people) SELECT dp_count(*) FROM people p, s WHERE p.x > s.a', 'DP002|' ],
	[ 'a release in a CTE that is read twice', 'WITH s AS (SELECT dp_avg(x) AS a FROM people) SELECT dp_count(*) FROM people p, s, s s2 WHERE p.x > s.a AND p.x > s2.a', 'DP002|' ],
	[ 'two releases below one', 'SELECT dp_count(*) FROM people p, (SELECT dp_avg(x) AS a FROM people) s, (SELECT dp_avg(x) AS a FROM people) s2 WHERE p.x > s.a', 'DP002|' ],
	[ 'a CTE read below and above a release', 'WITH s AS MATERIALIZED (SELECT k FROM pub) SELECT dp_count(*), (SELECT count(*) FROM s) FROM people, s WHERE x = k', 'DP002|' ],
	[ 'a release read below and above a release', 'WITH s AS (SELECT avg(x) AS a, count(*) FROM people), t AS (SELECT count(*) AS c FROM people, s WHERE x > a) SELECT * FROM t, s', 'DP002|' ],
	[ 'a release read everywhere', 'WITH s AS (SELECT avg(x) AS a, count(*) FROM people), t AS (SELECT count(*) AS c FROM people, s WHERE x > a) SELECT * FROM t, t t2, s', 'DP002|' ],
	[ 'a CTE below two releases', 'WITH s AS MATERIALIZED (SELECT k FROM pub) SELECT (SELECT dp_count(*) FROM people, s WHERE x = k), (SELECT dp_count(*) FROM people, s WHERE x = k), (SELECT count(*) FROM s)', 'DP002|' ],
	[ 'a CTE below a release that is never drained', 'BEGIN; DECLARE d CURSOR FOR WITH s AS MATERIALIZED (SELECT k FROM pub) SELECT dp_count(*), (SELECT count(*) FROM s) FROM people, s WHERE x = k; CLOSE d; COMMIT', 'DP002|' ],
	[ 'a CTE in EXISTS', 'WITH s AS MATERIALIZED (SELECT k FROM pub) SELECT dp_count(*) FROM people WHERE EXISTS (SELECT FROM s WHERE k = x)', 'DP002|' ],
	[ 'a CTE in the grouped form', 'WITH s AS MATERIALIZED (SELECT k FROM pub) SELECT clinic, dp_count(*) FROM visits JOIN s ON k = cost GROUP BY 1', 'DP002|' ],
	[ 'a shadowed CTE', sprintf($shadowed, 'p5', '', ''), 'DP002|' ],
	[ 'a shadowed CTE, nobody there', sprintf($shadowed, 'zzz', '', ''), 'DP002|' ],
	(map { [ "a shadowed CTE, grouped ($_)",
		sprintf($shadowed, $_, ', CASE WHEN dp_count(*) < -1 THEN (SELECT count(*) FROM c) END', ' GROUP BY k'), 'DP002|' ] } 'p5', 'zzz'),
	[ 'a shadowed CTE of another type', "WITH c AS MATERIALIZED (SELECT label AS k FROM pub) SELECT * FROM (SELECT * FROM (WITH b AS (SELECT p.id, c.k FROM people p, c WHERE p.name = 'p5' AND c.k LIKE 'a%'), c AS MATERIALIZED (SELECT k FROM pub) SELECT dp_count(*) FROM b) q1) q2", 'DP002|' ],
	[ 'a correlated release', 'SELECT dp_count(*) FROM people p WHERE p.x > (SELECT dp_count(*) FROM visits v WHERE v.cost > p.x)', 'DP002' ],
	[ 'a correlated release, grouped', 'SELECT dp_count(*) FROM people p WHERE p.x > (SELECT dp_count(*) FROM visits v WHERE v.cost > p.x GROUP BY clinic LIMIT 1)', 'DP002' ],
	[ 'a correlated release, streamed', 'SELECT dp_count(*) FROM people p WHERE p.x > (SELECT dp_count(*) FROM people v WHERE v.x > p.x)', 'DP002' ],
	[ 'a correlated release, below', 'SELECT dp_count(*) FROM people p WHERE p.x > (SELECT dp_count(*) FROM (SELECT pid, cost FROM visits v WHERE v.cost > p.x) s)', 'DP002' ],
	[ 'a correlated release, EXISTS', 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT dp_count(*) FROM visits v WHERE v.pid = p.id HAVING dp_count(*) > 3)', 'DP002' ],
	[ 'a correlated release, IN', 'SELECT dp_count(*) FROM people p WHERE p.x IN (SELECT dp_count(*) FROM visits v WHERE v.pid = p.id GROUP BY v.clinic)', 'DP002' ],
	[ 'a correlated release, public rows', 'SELECT k, (SELECT dp_count(*) FROM visits v WHERE v.cost > k) FROM pub', 'DP002' ])
{
	stands(@$_);
}

# ---------- forged calls ----------

{
	my $zero = q{'\x00'::bytea};
	my $state = q{'\x01000000'::bytea || decode(repeat('01', 16), 'hex')};
	my @states = ("''::bytea", q{'\x01'::bytea}, q{'\x01020304'::bytea}, q{'\xffffff7f'::bytea}, q{'\x00000080'::bytea}, q{'\xffffffff'::bytea}, $state,
		q{'\x01000000'::bytea || decode(repeat('01', 32), 'hex')}, q{'\x02000000'::bytea || decode(repeat('ff', 64), 'hex')}, q{decode(repeat('00', 5000), 'hex')}, 'NULL::bytea');
	my @calls = ("SELECT dp_agg.output($zero, 1, 1::int)", 'SELECT dp_agg.output(NULL, -1, 1::int)', "SELECT dp_agg.output($state, 2147483647, 'a'::text)",
		'SELECT dp_agg.total(1, 2, 3)', 'SELECT dp_agg.total(NULL, 2, 3)', 'SELECT dp_agg.total(NULL, NULL::int, 3, 4)', 'SELECT dp_agg.total(\'1\', NULL::int, 3)',
		'SELECT dp_agg.unreleased(NULL)', 'SELECT dp_agg.unreleased(NULL, 1)', 'SELECT dp_agg.unreleased_bigint(NULL)', 'SELECT dp_agg.unreleased_double(NULL)',
		"SELECT dp_agg.tame('nan'::float8), dp_agg.tame('infinity'::numeric), dp_agg.tame(3e38::real), dp_agg.tame(NULL::numeric)",
		'SELECT dp_agg.bounding_hash(1, 2)', 'SELECT dp_agg.bounding_hash(NULL)', "SELECT dp_agg.bounding_hash(VARIADIC ARRAY[1, 2])",
		'SELECT dp_count(*) FROM pub', 'SELECT dp_sum(k, 0, 1) FROM pub', 'SELECT dp_avg(k) FROM pub', 'SELECT dp_count_distinct(k) FROM pub', 'SELECT dp_with()',
		'SELECT * FROM pub WHERE dp_with(epsilon => 2)', 'SELECT dp_count(*) OVER () FROM pub', 'SELECT dp_agg.collect_transition(NULL, NULL, NULL, 1)');
	foreach my $forged (@states)
	{
		my $parameters = "ARRAY[1.0::float8, 0, 1, 1e-9, 5]";
		push @calls, "SELECT dp_agg.collect_combine($forged, $forged)", "SELECT dp_agg.individual_combine($forged, $forged)",
		  "SELECT dp_agg.collect_transition($forged, $forged, $parameters, 1, 2.5)", "SELECT dp_agg.individual_transition($forged, $forged, $parameters, 1, 'a'::text)",
		  "SELECT dp_agg.collect_bounded_transition($forged, $forged, $parameters, $forged)", "SELECT dp_agg.collect($forged, $parameters) FROM pub",
		  "SELECT dp_agg.collect($forged, NULL::float8[], k) FROM pub", "SELECT dp_agg.individual($forged, $parameters, k, k) FROM pub",
		  "SELECT dp_agg.collect_bounded($forged, $parameters, $forged) FROM pub", "SELECT dp_agg.output($forged, 1, 1::int8)",
		  "SELECT dp_agg.collect($forged, $parameters, k) OVER (ORDER BY k) FROM pub";
		push @calls, map { "SELECT a.forged$_(b) FROM (VALUES ($forged), ($forged), (NULL)) v (b)" } 1 .. 4;
		push @calls, map { "SELECT a.forged$_(b) OVER (ORDER BY i) FROM (VALUES (1, $forged), (2, $state), (3, NULL)) v (i, b)" } 1, 2;
	}
	push @calls, (map { "SELECT length(a.forged$_(b)) FROM a.states" } 1 .. 4), (map { "SELECT a.forged$_(b, NULL, k) FROM a.states, pub" } 6, 7),
	  'SELECT a.forged8(b, NULL, b) FROM a.states';
	# May be refused already when made.
	DpAgg::as($node, 'analyst', <<'SQL', on_error_stop => 0);
CREATE AGGREGATE a.forged1 (bytea) (SFUNC = dp_agg.collect_combine, STYPE = bytea);
CREATE AGGREGATE a.forged2 (bytea) (SFUNC = dp_agg.individual_combine, STYPE = bytea);
CREATE AGGREGATE a.forged3 (bytea) (SFUNC = dp_agg.individual_combine, STYPE = bytea, INITCOND = 'x');
CREATE AGGREGATE a.forged4 (bytea) (SFUNC = dp_agg.collect_combine, STYPE = bytea, INITCOND = 'x');
CREATE AGGREGATE a.forged6 (bytea, float8[], VARIADIC "any") (SFUNC = dp_agg.collect_transition, STYPE = bytea);
CREATE AGGREGATE a.forged7 (bytea, float8[], VARIADIC "any") (SFUNC = dp_agg.individual_transition, STYPE = bytea);
CREATE AGGREGATE a.forged8 (bytea, float8[], bytea) (SFUNC = dp_agg.collect_bounded_transition, STYPE = bytea);
CREATE AGGREGATE a.forged9 ("any") (SFUNC = dp_agg.unreleased, STYPE = internal);
CREATE TABLE a.states (b bytea);
INSERT INTO a.states SELECT decode(repeat('00', i), 'hex') FROM generate_series(0, 40) i;
INSERT INTO a.states SELECT '\x01000000'::bytea || decode(repeat('01', 16), 'hex') FROM generate_series(1, 4) i;
SQL
	my @results = eval { DpAgg::bulk($node, 'analyst', \@calls) };
	ok(scalar @results, 'forged calls end, all ' . @calls . ' of them') or diag($@);
	no_crash('forged calls do not crash the server');
	my (%by_state, %answers);
	foreach my $i (0 .. $#results)
	{
		my $r = $results[$i];
		push @{ $by_state{ $r->{sqlstate} } }, "$calls[$i]: $r->{message}";
		$answers{ $calls[$i] } = $r->{out} if $r->{sqlstate} eq '00000' && $r->{out} !~ /^\s*$/;
	}
	my @unexpected = grep { !/: (aggregate function called in non-aggregate context|malformed release description|malformed \w+ state)$/ }
	  map { @{ $by_state{$_} } } grep { /^(XX|53|57|58)/ } keys %by_state;
	is("@unexpected", '', 'forged calls are told so');
	my @answers = grep { !/^SELECT (a\.forged|length\(a\.forged|dp_agg\.tame|dp_agg\.output)/ } sort keys %answers;
	is("@answers", '', 'and give nothing but what was put in');

	# The same over protected rows.
	attack("forged: $_", $_, control => 'none', why => 'what is malformed is refused over any rows: see the calls above', state => 'DP002|42501|42883|42804|0A000') foreach "SELECT dp_agg.collect($zero, ARRAY[1.0::float8], x) FROM people",
	  "SELECT dp_agg.individual($zero, ARRAY[1.0::float8], x) FROM people", "SELECT id, dp_agg.individual($zero, ARRAY[1.0::float8], x) FROM people GROUP BY id",
	  "SELECT dp_agg.collect_bounded($zero, ARRAY[1.0::float8], $zero) FROM people", 'SELECT dp_count(dp_agg.bounding_hash(id, 1)) FROM people',
	  "SELECT dp_count(dp_agg.output($zero, 1, x)) FROM people", 'SELECT dp_agg.total(NULL, x, id) FROM people',
	  'SELECT dp_count(dp_agg.total(NULL, x, id)) FROM people', 'SELECT dp_count(*) OVER () FROM people', 'SELECT a.forged1(name::bytea) FROM people',
	  'SELECT a.forged6(NULL, NULL, x) FROM people', 'SELECT dp_agg.bounding_hash(id) FROM people',
	  'SELECT dp_count(*) FROM people WHERE NOT dp_with(epsilon => 2)', 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 2) OR true';
	run_attacks();
}

finish();
