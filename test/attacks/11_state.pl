# Plans and states: prepared statements, cursors and functions whose plan outlives
# what it was made for, releases within releases, CTEs, and states and descriptions
# forged by hand.  A leak: a plan is run for a role, label or column that it was not
# made for, or a forged state yields something.  The server must not crash.

use strict;
use warnings;
use Test::More;
use Attacks;
use Clients;

my $node = start('plan and state');

# ---------- WITH queries and releases below releases ----------

# Each in a session of its own: these have crashed the server.
sub stands
{
	my ($name, $sql, $states) = @_;
	my $before = DpAgg::value($node, 'analyst', 'SELECT last_value FROM a.calls');
	my $r = script("$sql;");

	no_crash("$name: the server stands") or diag($sql);
	attacked($r->{states} =~ /^($states)$/ && DpAgg::value($node, 'analyst', 'SELECT last_value FROM a.calls') == $before,
		"$name: " . ($states =~ /DP002/ ? 'refused or answered' : 'answered') . ', and no code of the analyst below the release') or diag("$sql\n$r->{err}");
	my $copies = script('SET search_path = plain, public; ' . on_copies($sql) . ';');
	control($copies->{states} eq '', "$name: runs without protection") or diag($copies->{err});
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
		'SELECT dp_agg.guarded(1, 2, 3)', 'SELECT dp_agg.guarded(NULL, 2, 3)', 'SELECT dp_agg.guarded(NULL, NULL::int, 3, 4)', 'SELECT dp_agg.guarded(\'1\', NULL::int, 3)',
		'SELECT dp_agg.unreleased(NULL)', 'SELECT dp_agg.unreleased(NULL, 1)', 'SELECT dp_agg.unreleased_bigint(NULL)', 'SELECT dp_agg.unreleased_double(NULL)',
		"SELECT dp_agg.exact('nan'::float8), dp_agg.tame('infinity'::numeric), dp_agg.exact(3e38::real), dp_agg.tame(NULL::numeric)",
		"SELECT dp_agg.exact('infinity'::float8), dp_agg.exact('-1e-40'::real), dp_agg.nearest_float8('nan'), dp_agg.nearest_float8(1e5000), dp_agg.nearest_float4(-1e5000)",
		"SELECT dp_agg.canonical(1.50, -2147483648), dp_agg.canonical(1.50, 2147483647), dp_agg.canonical(ARRAY['a '::bpchar, NULL], 4), dp_agg.canonical('x'::bpchar, 10000)",
		"SELECT dp_agg.canonical('x'::bpchar, 2147483647)", "SELECT dp_agg.canonical('(1,2)'::point, -1)", "SELECT dp_agg.canonical(ROW(1), -1)", "SELECT dp_agg.canonical('{}'::json, 1)",
		"SELECT dp_agg.canonical((repeat('[', 5000) || repeat(']', 5000))::jsonb, -1) IS NULL", 'SELECT dp_agg.canonical(NULL::int, NULL)', "SELECT dp_agg.canonical('{}'::int[], 5), dp_agg.canonical(NULL, 1)",
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
		  "SELECT dp_agg.clip_cost($forged, $parameters, $forged)", "SELECT dp_agg.collect_clipped($forged, $parameters, $forged, k) FROM pub",
		  "SELECT dp_agg.collect_clipped_transition($forged, $forged, $parameters, $forged, 1)",
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
	attacked(!@unexpected, 'forged calls are told so') or diag(join "\n", @unexpected);
	my @answers = grep { !/^SELECT (a\.forged|length\(a\.forged|dp_agg\.tame|dp_agg\.exact|dp_agg\.canonical|dp_agg\.output)/ } sort keys %answers;
	attacked(!@answers, 'and give nothing but what was put in') or diag(join "\n", @answers);
	control(2 <= scalar(grep { /dp_agg\.(tame|canonical\(1)/ } keys %answers), 'which is given back by what may be called');

	# The same over protected rows.
	attack("forged: $_", $_, control => 'none', why => 'what is malformed is refused over any rows: see the calls above', state => 'DP002|42501|42883|42804|0A000') foreach "SELECT dp_agg.collect($zero, ARRAY[1.0::float8], x) FROM people",
	  "SELECT dp_agg.individual($zero, ARRAY[1.0::float8], x) FROM people", "SELECT id, dp_agg.individual($zero, ARRAY[1.0::float8], x) FROM people GROUP BY id",
	  "SELECT dp_agg.collect_bounded($zero, ARRAY[1.0::float8], $zero) FROM people", 'SELECT dp_count(dp_agg.bounding_hash(id, 1)) FROM people',
	  "SELECT dp_count(dp_agg.output($zero, 1, x)) FROM people", 'SELECT dp_agg.guarded(NULL, x, id) FROM people',
	  'SELECT dp_count(dp_agg.guarded(NULL, x, id)) FROM people', 'SELECT dp_count(*) OVER () FROM people', 'SELECT a.forged1(name::bytea) FROM people',
	  'SELECT a.forged6(NULL, NULL, x) FROM people', 'SELECT dp_agg.bounding_hash(id) FROM people',
	  'SELECT dp_count(*) FROM people WHERE NOT dp_with(epsilon => 2)', 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 2) OR true';
	run_attacks();
}

# ---------- plans that outlive what they were made for ----------

# What an administrator does while the analyst's session waits.  OTHER is a line.
my $admin = $node->connstr('postgres') . " user='admin'";

# between(NAME, SQL, ADMIN, AGAIN, UNDO, %check): SQL is run, then ADMIN by the
# administrator, then AGAIN; the first output must match %check's "first", which is
# the control, the second "again", or its state "state".
sub between
{
	my ($name, $sql, $change, $again, $undo, %check) = @_;
	my $r = script("$sql\n\\echo ----\n\\! psql -Xqd \"$admin\" -c \"$change\" >&2\n\\warn ----\n$again");
	my ($first, $second) = split /----\n?/, "$r->{out}\n", 2;
	my ($errors) = $r->{err} =~ /.*----\n(.*)\z/s;
	my ($state) = ($errors // '') =~ /ERROR:  (\w{5}):/;

	$second =~ s/\n+\z// if defined $second;
	attacked(defined $second && ($second =~ ($check{again} // qr/\A\z/)) && ($state // '00000') =~ ($check{state} // qr/\A00000\z/), $name) or diag("$r->{out}\n$r->{err}");
	control($first =~ $check{first}, "$name: before") or diag("$r->{out}\n$r->{err}");
	$node->safe_psql('postgres', $undo);
	return;
}
my $number = qr/^\d+$/m;
my $prepared = 'PREPARE q AS SELECT dp_count(*) FROM people; EXECUTE q; EXECUTE q;';
my $sums = 'PREPARE q AS SELECT dp_avg(x) FROM people; EXECUTE q; EXECUTE q;';
my $generic = 'SET plan_cache_mode = force_generic_plan; ';
my $protect = "SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.set_bounds('people', 'x', 0, 100)";
my $refused = qr/^(42501|DP002)$/;

foreach my $mode ('', $generic)
{
	my $kind = $mode ? ', generic' : '';

	between("an account that is closed$kind", "$mode$prepared", "SELECT dp_agg.drop_budget('analyst', 'people')", 'EXECUTE q;', "SELECT dp_agg.set_budget('analyst', 'people', 1e8, 0.5)", first => $number, state => qr/^42501$/);
	between("a column that is closed$kind", "$mode$sums", "SELECT dp_agg.protect('people', 'id', 'people', columns => '{id,g}')", 'EXECUTE q;', $protect, first => qr/^\d\d\./m, state => qr/^DP00[23]$/);
	between("bounds that are narrowed$kind", "$mode$sums", "SELECT dp_agg.set_bounds('people', 'x', 0, 1)", 'EXECUTE q;', $protect, first => qr/^[3-6]\d\./m, again => qr/^[01](\.\d+)?$/);
	between("another unit$kind", "$mode$prepared", "SELECT dp_agg.protect('people', 'g', 'people')", 'EXECUTE q;', $protect, first => $number, again => qr/\A\z/);
	between("another population$kind", "$mode$prepared", "SELECT dp_agg.unprotect('people'), dp_agg.protect('people', 'id', 'elsewhere')", 'EXECUTE q;', "SELECT dp_agg.unprotect('people'); $protect", first => $number, state => qr/^42501$/);
	between("no protection any more$kind", "$mode$prepared", "SELECT dp_agg.unprotect('people')", 'EXECUTE q; SELECT * FROM people LIMIT 1;', $protect, first => $number, state => qr/^(42501|DP002)$/, again => qr/\A\z/);
	between("a label that is taken away$kind", "$mode$prepared", 'SECURITY LABEL FOR dp_agg ON TABLE people IS NULL', 'EXECUTE q; SELECT * FROM people LIMIT 1;', "DROP VIEW dp.people; $protect", first => $number, state => qr/^(42501|DP002)$/, again => qr/\A\z/);
	between("protected in between$kind", "${mode}PREPARE q AS SELECT count(*) FROM plain.staff; EXECUTE q; EXECUTE q;", "REVOKE ALL ON plain.staff FROM analyst; SELECT dp_agg.protect('plain.staff', 'sid', 'nobody')", 'EXECUTE q; SELECT * FROM plain.staff;',
		"SELECT dp_agg.unprotect('plain.staff'); GRANT ALL ON plain.staff TO analyst", first => qr/^300$/m, state => qr/^42501$/);
	$node->safe_psql('postgres', 'GRANT SELECT ON people TO analyst');
	between("a right that is revoked$kind", "${mode}PREPARE q AS SELECT name FROM people WHERE id = 5; EXECUTE q; EXECUTE q;", 'REVOKE SELECT ON people FROM analyst', 'EXECUTE q;', 'SELECT 1', first => qr/^p5$/m, state => $refused);
	$node->safe_psql('postgres', 'GRANT SELECT (name, id) ON people TO analyst');
	between("a right to a column that is revoked$kind", "${mode}PREPARE q AS SELECT count(*) FROM people; EXECUTE q;", 'REVOKE SELECT (name, id) ON people FROM analyst', 'PREPARE r AS SELECT name FROM people WHERE id = 5; EXECUTE r;', 'SELECT 1', first => $number, state => $refused);
	between("a unique key that is dropped$kind", "$mode$prepared", 'ALTER TABLE people DROP CONSTRAINT people_pkey CASCADE; INSERT INTO people SELECT p.* FROM people p, generate_series(1, 3000) WHERE p.id = 5',
		'EXECUTE q;', 'DELETE FROM people USING people q WHERE q.id = people.id AND q.ctid < people.ctid; ALTER TABLE people ADD PRIMARY KEY (id); VACUUM ANALYZE people', first => qr/^(99\d|100\d)$/m, again => qr/^(99\d|100\d)$/);
	between("a unique key that is dropped after OPEN$kind", "${mode}EXECUTE nothing; PREPARE q AS SELECT dp_count(*) FROM people; EXECUTE q; BEGIN; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people;", 'SET lock_timeout = 1000; ALTER TABLE people DROP CONSTRAINT people_pkey',
		'FETCH c; COMMIT;', 'SELECT 1', first => qr/^(99\d|100\d)$/m, again => qr/^(99\d|100\d)$/) if !$mode;
}

# Roles and functions: plans that one role made and another runs.  From PostgreSQL 16 on NOINHERIT is about
# grants to come, so it is said first.
$node->safe_psql('postgres', 'CREATE ROLE reader LOGIN; GRANT SELECT ON people TO reader; GRANT USAGE, CREATE ON SCHEMA a TO reader; CREATE ROLE nobody_special LOGIN; GRANT USAGE ON SCHEMA a TO nobody_special; ALTER ROLE nobody_special NOINHERIT; GRANT reader TO nobody_special');
foreach my $case (
	[ 'a prepared statement of another role', "PREPARE q AS SELECT name FROM people WHERE id = 5; SET ROLE reader; EXECUTE q; RESET ROLE", 'EXECUTE q' ],
	[ 'a function that has run as another role', "SET ROLE reader; CREATE FUNCTION a.shared() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT name FROM people WHERE id = 5); END'; SELECT a.shared(); RESET ROLE", 'SELECT a.shared()' ],
	[ 'an SQL function that has run as another role', "SET ROLE reader; CREATE FUNCTION a.shared_sql() RETURNS text LANGUAGE sql AS 'SELECT name FROM people WHERE id = 5'; SELECT a.shared_sql(); RESET ROLE", 'SELECT a.shared_sql()' ],
	[ 'a function that is inlined', "SET ROLE reader; CREATE FUNCTION a.shared_set() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM people WHERE id = 5'; SELECT * FROM a.shared_set(); RESET ROLE", 'SELECT * FROM a.shared_set()' ],
	[ 'an atomic function', "SET ROLE reader; CREATE FUNCTION a.shared_atomic() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT name FROM people WHERE id = 5; END; SELECT a.shared_atomic(); RESET ROLE", 'SELECT a.shared_atomic()' ],
	[ 'a view with the rights of who asks', "SET ROLE reader; CREATE VIEW a.shared_view WITH (security_invoker) AS SELECT name FROM people WHERE id = 5; SELECT * FROM a.shared_view; GRANT SELECT ON a.shared_view TO PUBLIC; RESET ROLE", 'SELECT * FROM a.shared_view' ],
	[ 'a prepared statement on a view with the rights of who asks', 'PREPARE q AS SELECT * FROM a.shared_view; SET ROLE reader; EXECUTE q; RESET ROLE', 'EXECUTE q' ])
{
	my ($name, $sql, $again) = @$case;
	my $r = session('nobody_special', "$sql;\n\\echo ----\n\\warn ----\n$again");
	my ($first, $second) = split /----\n?/, "$r->{out}\n", 2;

	attacked(($second // '') !~ /p5/ && $r->{err} =~ /----\n.*ERROR:  42501/s, "$name") or diag("$r->{out}\n$r->{err}");
	control($first =~ /^p5$/m, "$name: as the other role") or diag("$r->{out}\n$r->{err}");
}

# Types that go away between planning and draining.
DpAgg::value($node, 'analyst', <<'SQL');
CREATE TYPE a.going AS ENUM ('v1', 'v2');
ALTER TYPE a.going ADD VALUE 'v3' BEFORE 'v2';
CREATE FUNCTION a.drop_type() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP TYPE a.going; RETURN 1; END $$;
SQL
my $pick = "CASE WHEN p.x > 1000 THEN \$1 ELSE \$2 END";
attack("a type that goes away: $_->[0]", "EXECUTE q('v1', 'v3')", alone => 1, state => '00000|DP002|42704|25P02', moves => 0,
	before => [ 'BEGIN', "PREPARE q(a.going, a.going) AS SELECT a.drop_type(), (SELECT dp_count(*) FROM people p WHERE CASE WHEN p.name = 'p5' THEN $_->[1] END)" ], control => $_->[2] // 'differs')
  foreach [ 'its text', "($pick)::text IS NULL" ], [ 'its order', "$pick < \$1" ], [ 'the greatest', "greatest($pick, \$1) IS NULL" ], [ 'the least', "least(\$1, $pick) IS NULL" ], [ 'BETWEEN', "$pick BETWEEN \$1 AND \$2" ],
  [ 'a list', "$pick IN (\$1, \$2)" ], [ 'equality', "$pick = \$1", 'runs' ], [ 'NULLIF', "nullif($pick, \$1) IS NULL", 'runs' ], [ 'IS DISTINCT FROM', "$pick IS DISTINCT FROM \$1", 'runs' ];
attack("a type that goes away: $_->[0]", "EXECUTE q('v1', 'v3')", alone => 1, state => '00000|DP002|42704|25P02|22P03', moves => 0,
	before => [ 'BEGIN', "PREPARE q(a.going, a.going) AS SELECT a.drop_type(), (SELECT $_->[1] FROM people p WHERE p.name = 'p5')" ], control => $_->[2] // 'differs', why => 'PostgreSQL looks for the type before it reads a row')
  foreach [ 'the number of values', "dp_count_distinct($pick)", 'none' ], [ 'the mode', "dp_mode($pick)::text" ], [ 'the mode of two', "dp_mode(CASE WHEN p.id = 5 THEN \$1 ELSE \$2 END) IS NULL" ];
attack('a type that goes away: keys', "EXECUTE q('v1', 'v3')", alone => 1, state => '00000|DP002|42704|25P02|22P03', moves => 0,
	before => [ 'BEGIN', 'SET LOCAL enable_hashagg = off', "PREPARE q(a.going, a.going) AS SELECT a.drop_type(), (SELECT count(*) FROM (SELECT count(*) FROM people p WHERE p.id < 40 GROUP BY CASE WHEN p.id = 5 THEN \$1 ELSE \$2 END) s)" ],
	control => 'none', why => 'PostgreSQL looks for the type before it reads a row');
run_attacks();

# EvalPlanQual: a row that another session has changed is looked at anew.
DpAgg::value($node, 'analyst', 'CREATE TABLE a.epq (k int PRIMARY KEY, c int8, v int); INSERT INTO a.epq VALUES (5, 0, 0), (6, 0, 0)');
foreach my $case ([ 'UPDATE FROM', 'UPDATE a.epq SET c = s.c FROM (SELECT dp_count(*) AS c FROM people) s WHERE v >= 0 RETURNING k, epq.c' ], [ 'UPDATE of a sub-select', 'UPDATE a.epq SET c = (SELECT dp_count(*) FROM people) WHERE v >= 0 RETURNING k, c' ],
	[ 'a condition', 'UPDATE a.epq SET c = 77 WHERE v < (SELECT dp_count(*) FROM people) RETURNING k, c' ], [ 'FOR UPDATE', 'SELECT k, s.c FROM a.epq, (SELECT dp_count(*) AS c FROM people) s WHERE v >= 0 FOR UPDATE OF epq' ], [ 'DELETE', 'DELETE FROM a.epq USING (SELECT dp_count(*) AS c FROM people) s WHERE v >= 0 RETURNING k, s.c' ])
{
	my ($name, $sql) = @$case;
	my $other = Clients::start($node, 'analyst', "BEGIN; UPDATE a.epq SET v = v + 1; SELECT pg_sleep(1.5); COMMIT;");

	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND state = 'active' AND pid <> pg_backend_pid()");
	draws("EvalPlanQual: $name", "BEGIN; $sql; ROLLBACK", 1, 1);
	Clients::finish(30, $other);
}

finish();
