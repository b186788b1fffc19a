# Plans: what is cached, inlined, rescanned, explained, run in parallel or
# invalidated.  A release is refused, or it is drawn once and paid once for each
# execution; and it is decided anew, for the role at hand, at each execution.

use strict;
use warnings;
use Test::More;
use IPC::Run;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('main', roles => [ 'analyst', 'trusted', 'stranger' ],
	conf => "max_worker_processes = 16\nmax_parallel_workers = 8\nlog_min_messages = debug1\n");
my $superuser = getpwuid($<);

DpAgg::visits($node, epsilon => 1e6);
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA a AUTHORIZATION analyst;
GRANT USAGE ON SCHEMA a TO PUBLIC;
CREATE INDEX ON visits (patient_id);
GRANT SELECT ON visits TO trusted;
CREATE VIEW v_definer AS SELECT * FROM visits;
CREATE VIEW v_all WITH (security_barrier) AS SELECT * FROM visits WHERE cost >= 0;
GRANT SELECT ON v_definer, v_all TO analyst;
CREATE TABLE people (id int PRIMARY KEY, age int NOT NULL);
INSERT INTO people SELECT p, p % 90 FROM generate_series(1, 20000) p;
SELECT dp_agg.protect('people', 'id', 'patients');
SELECT dp_agg.set_bounds('people', 'age', 0, 100);
CREATE TABLE clinics (clinic text, city text);
INSERT INTO clinics SELECT 'clinic ' || i % 4, 'city ' || i % 2 FROM generate_series(0, 39) i;
GRANT SELECT ON clinics TO PUBLIC;
ANALYZE;
SQL
DpAgg::value($node, 'analyst', <<'SQL');
CREATE TABLE a.own (i int, clinic text);
INSERT INTO a.own SELECT i, 'clinic ' || i % 4 FROM generate_series(1, 40) i;
ANALYZE a.own;
CREATE FUNCTION a.leak() RETURNS SETOF v_definer LANGUAGE sql STABLE AS 'SELECT * FROM public.v_definer';
CREATE FUNCTION a.leak_all() RETURNS SETOF v_all LANGUAGE sql STABLE AS 'SELECT * FROM public.v_all';
CREATE FUNCTION a.leak_table() RETURNS TABLE (p int, c numeric) LANGUAGE sql STABLE AS 'SELECT patient_id, cost FROM public.visits';
CREATE FUNCTION a.nested() RETURNS SETOF v_definer LANGUAGE sql STABLE AS 'SELECT * FROM a.leak()';
CREATE FUNCTION a.by_argument(int) RETURNS SETOF v_definer LANGUAGE sql STABLE AS 'SELECT * FROM public.v_definer WHERE patient_id = $1';
CREATE FUNCTION a.scalar() RETURNS numeric LANGUAGE sql STABLE AS 'SELECT cost FROM public.v_definer LIMIT 1';
CREATE FUNCTION a.atomic() RETURNS SETOF numeric LANGUAGE sql STABLE BEGIN ATOMIC SELECT cost FROM public.v_definer; END;
CREATE FUNCTION a.opaque() RETURNS SETOF numeric LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT cost FROM public.v_definer; END $$;
CREATE FUNCTION a.total() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT count(*) FROM public.visits';
CREATE VIEW a.v AS SELECT * FROM v_definer;
SQL

my $ledger = 'SELECT (SELECT count(*) FROM dp_agg.my_releases), (SELECT sum(epsilon_spent) FROM dp_agg.my_budget)';

# The output of a script of the analyst, how many releases it made and what it spent.
sub watch
{
	my ($sql, %o) = @_;
	my ($made, $spent) = split /\|/, DpAgg::value($node, 'analyst', $ledger);
	my $r = DpAgg::as($node, $o{role} // 'analyst', $sql);
	my ($made_after, $spent_after) = split /\|/, DpAgg::value($node, 'analyst', $ledger);

	return ($r, $made_after - $made, $spent_after - $spent);
}

# Refused and free, or one draw and one charge: "expected" releases, and output.
sub once
{
	my ($name, $sql, $releases, $output) = @_;
	my ($r, $made, $spent) = watch($sql);

	ok($r->{ok} && $r->{out} =~ /$output/, $name) or diag("$r->{err}\n$r->{out}");
	is("$made for $spent", "$releases for $releases", "$name: the charge");
	return;
}

sub refused_free
{
	my ($sql, $states, $name) = @_;
	my ($r, $made, $spent) = watch($sql);

	$name //= 'refused: ' . DpAgg::brief($sql);
	like($r->{sqlstate}, qr/^($states)$/, $name) or diag("$r->{err}\n$r->{out}");
	is("$r->{out} $made for $spent", ' 0 for 0', "$name: shows nothing, costs nothing");
	return;
}

# ---------- functions that are inlined ----------

refused_free($_, 'DP002|42501') foreach 'SELECT * FROM a.leak()', 'SELECT * FROM a.leak_all()',
	'SELECT * FROM a.leak_table()', 'SELECT * FROM a.nested()',
  'SELECT cost FROM a.leak() WHERE patient_id = 3',
  'SELECT o.i, l.cost FROM a.own o, LATERAL a.by_argument(o.i) l', 'SELECT * FROM a.by_argument(3)',
  'SELECT a.scalar()', 'SELECT a.leak()',
  'SELECT * FROM a.atomic()', 'SELECT a.atomic()', 'SELECT * FROM a.opaque()',
  'SELECT i FROM a.own WHERE i IN (SELECT patient_id FROM a.leak())',
  'SELECT i FROM a.own WHERE i = a.scalar()',
  'SELECT * FROM a.v', 'TABLE v_definer', 'SELECT * FROM a.own o JOIN a.leak() l ON l.patient_id = o.i',
  'SELECT EXISTS (SELECT FROM a.leak())', 'PREPARE q AS SELECT * FROM a.leak(); EXECUTE q';
once('an inlined function that is aggregated', 'SELECT count(*) BETWEEN 2500 AND 3500 FROM a.leak()', 1, '^t$');
once('an inlined function in a function',
	'SELECT clinic, count(*) FROM a.nested() GROUP BY clinic ORDER BY 1', 1, 'clinic 0');

# An IMMUTABLE function is folded by the planner: showing the plan must not pay.
refused_free('EXPLAIN SELECT a.total()', 'DP002', 'EXPLAIN does not fold a release');
once('PREPARE does not fold a release', 'PREPARE q AS SELECT a.total()', 0, '^$');

# ---------- one plan, several roles ----------

sub roles
{
	my ($name, $sql, $pattern) = @_;
	my $r = DpAgg::as($node, $superuser, $sql, on_error_stop => 0);
	my $seen = join "\n", $r->{out}, map { /(?:ERROR|FATAL):  (\w+):/ ? $1 : () } split /\n/, $r->{err};

	like($seen, $pattern, $name) or diag("$r->{out}\n$r->{err}");
	return;
}

foreach my $mode ('auto', 'force_generic_plan', 'force_custom_plan')
{
	my $set = "SET plan_cache_mode = $mode;";
	roles("trusted, then analyst: raw rows ($mode)", <<"SQL", qr/\A50\n42501\z/);
$set SET SESSION AUTHORIZATION trusted; PREPARE q AS SELECT patient_id FROM visits WHERE patient_id = 50 LIMIT 1; EXECUTE q;
RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION analyst; EXECUTE q;
SQL
	roles("trusted, then analyst: exact, then private ($mode)", <<"SQL", qr/\At\nt\nf\z/);
$set SET ROLE trusted; PREPARE r AS SELECT sum(cost) = 5850000 FROM visits WHERE patient_id <= 1000; EXECUTE r; EXECUTE r;
SET ROLE analyst; EXECUTE r;
SQL
	roles("analyst, then trusted: private, then exact ($mode)", <<"SQL", qr/\Af\nt\nf\z/);
$set SET SESSION AUTHORIZATION analyst; PREPARE r AS SELECT sum(cost) = 5850000 FROM visits WHERE patient_id <= 1000; EXECUTE r;
SET SESSION AUTHORIZATION trusted; EXECUTE r; SET SESSION AUTHORIZATION analyst; EXECUTE r;
SQL
	roles("analyst, then a stranger ($mode)", <<"SQL", qr/\At\n42501\z/);
$set SET SESSION AUTHORIZATION analyst; PREPARE r AS SELECT count(*) > 100 FROM visits; EXECUTE r;
RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION stranger; EXECUTE r;
SQL
	roles("a cursor is its opener's ($mode)", <<"SQL", qr/\At\z/);
$set SET ROLE analyst; BEGIN; DECLARE c CURSOR FOR SELECT count(*) > 100 FROM visits; SET ROLE stranger; FETCH ALL FROM c; COMMIT;
SQL
	roles("PL/pgSQL plans are of the role, too ($mode)", <<"SQL", qr/\At\nf\n42501\z/);
$set CREATE FUNCTION pg_temp.f() RETURNS bool LANGUAGE plpgsql AS \$\$ BEGIN RETURN (SELECT sum(cost) = 5850000 FROM visits WHERE patient_id <= 1000); END \$\$;
GRANT ALL ON FUNCTION pg_temp.f() TO PUBLIC;
DO \$\$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', pg_my_temp_schema()::regnamespace); END \$\$;
SET ROLE trusted; SELECT pg_temp.f(); SET ROLE analyst; SELECT pg_temp.f(); SET ROLE stranger; SELECT pg_temp.f();
SQL
}

# ---------- once, however often it is read ----------

my $nested_loop = 'SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_memoize = off; SET max_parallel_workers_per_gather = 0;';
my $release = 'SELECT clinic, count(*) AS n FROM visits GROUP BY clinic';

once('a release on the inner side of a nested loop', <<"SQL", 1, '^t$');
$nested_loop
SELECT count(DISTINCT (r.clinic, n)) = 4 AND count(*) = 40 FROM (SELECT * FROM a.own OFFSET 0) o LEFT JOIN ($release) r ON r.clinic = o.clinic AND o.i > 0;
SQL
once('a release that is joined for every row', <<"SQL", 1, '^t$');
$nested_loop
SELECT count(DISTINCT n) = 1 AND count(*) = 40 FROM a.own o, (SELECT count(*) AS n FROM visits) r WHERE r.n + o.i > 0;
SQL
once('a release in a lateral sub-select', <<"SQL", 1, '^t$');
$nested_loop
SELECT count(DISTINCT n) = 1 AND count(*) = 40 FROM a.own o, LATERAL (SELECT n, o.i FROM (SELECT count(*) AS n FROM visits) r OFFSET 0) l;
SQL
once('a release as a scalar sub-select, evaluated per row',
	'SELECT count(DISTINCT (SELECT count(*) FROM visits)) = 1 FROM a.own', 1, '^t$');
once('a release in a correlated sub-select',
	'SELECT count(DISTINCT (clinic, x)) = 4 FROM (SELECT o.clinic, (SELECT r.n FROM (' . $release . ') r WHERE r.clinic = o.clinic) AS x FROM a.own o) y',
	1, '^t$');
once('a release in a sub-plan that could be hashed',
	"SELECT count(*) = 40 FROM a.own WHERE clinic IN (SELECT clinic FROM ($release) r) OR i < 0", 1, '^t$');
once('a CTE that is referenced twice',
	"WITH r AS ($release) SELECT bool_and(a.n = b.n) AND count(*) = 4 FROM r a JOIN r b USING (clinic)", 1,
	'^t$');
once('a CTE that is referenced in sub-selects',
	'WITH r AS (SELECT count(*) AS n FROM visits) SELECT (SELECT n FROM r) = (SELECT n FROM r), (SELECT n FROM r) - n FROM r',
	1, '^t\|0$');
once('a view that is referenced twice is two releases',
	'SELECT (SELECT count(*) FROM v_definer) > 0, (SELECT count(*) FROM v_definer) > 0', 2, '^t\|t$');
refused_free($_,
	'DP002') foreach 'SELECT o.i, (SELECT count(*) FROM visits WHERE patient_id < o.i) FROM a.own o',
	'SELECT o.i, n FROM a.own o, LATERAL (SELECT count(*) AS n FROM visits v WHERE v.clinic = o.clinic) l',
  'SELECT i FROM a.own o WHERE EXISTS (SELECT 1 FROM visits v WHERE v.clinic = o.clinic HAVING count(*) > 5)',
  'SELECT i FROM a.own o WHERE i > (SELECT dp_avg(cost + o.i, 0, 100) FROM visits)';
once('a cursor over a join, read twice', <<"SQL", 1, '^t$');
$nested_loop
CREATE TEMP TABLE seen (pass int, i int, n bigint);
DO \$\$
DECLARE
	c SCROLL CURSOR FOR SELECT o.i, r.n FROM (SELECT * FROM a.own ORDER BY i) o JOIN ($release) r ON r.clinic = o.clinic;
	x record;
BEGIN
	OPEN c;
	FOR pass IN 1 .. 2 LOOP
		MOVE ABSOLUTE 0 IN c;
		LOOP
			FETCH c INTO x;
			EXIT WHEN NOT FOUND;
			INSERT INTO seen VALUES (pass, x.i, x.n);
		END LOOP;
	END LOOP;
END \$\$;
SELECT count(*) = 80 AND count(DISTINCT (i, n)) = 40 FROM seen;
SQL

# EvalPlanQual: an UPDATE that waited for another one runs parts of its plan again,
# for the new version of the row.  The release must not be drawn anew for that.
once('an UPDATE from a release',
	"UPDATE a.own o SET i = i FROM ($release) r WHERE r.clinic = o.clinic AND r.n > 0", 1, '^$');
foreach my $update (
	"UPDATE a.own o SET i = o.i + 0 * r.n::int FROM ($release) r WHERE r.clinic = o.clinic AND r.n > 0",
	'UPDATE a.own SET i = i + 0 * (SELECT count(*) FROM visits)::int WHERE (SELECT count(*) FROM visits) + i > 0',
	"WITH r AS ($release) UPDATE a.own o SET i = i WHERE EXISTS (SELECT FROM r WHERE r.clinic = o.clinic AND r.n + o.i > 0)",
	"DELETE FROM a.own o USING ($release) r WHERE r.clinic = o.clinic AND r.n < 0")
{
	my $name = 'after a wait: ' . DpAgg::brief($update);
	my $releases = () = $update =~ /visits/g;
	my $holder = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres') . " user='analyst'", '-c',
			"BEGIN; UPDATE a.own SET clinic = 'clinic 2' WHERE i = 1; SELECT pg_sleep(0.7); COMMIT" ],
		'>', \my $output, '2>', \my $errors);
	$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')});
	my ($r, $made, $spent) = watch($update);
	$holder->finish;

	# one draw and one charge, or an error; never a second draw
	like($r->{sqlstate}, qr/^(00000|DP002)$/, $name) or diag($r->{err});
	is("$made for $spent", "$releases for $releases", "$name: the charge");
}

# ---------- EXPLAIN ----------

# With ANALYZE it would run, and of a prepared statement it shows the plan that was kept.
foreach my $sql ((map { "EXPLAIN $_ SELECT count(*) FROM visits" } 'ANALYZE', '(ANALYZE, BUFFERS, TIMING off)', '(WAL, ANALYZE)'),
	'EXPLAIN ANALYZE CREATE TABLE a.x AS SELECT count(*) FROM visits',
	'PREPARE q AS SELECT count(*) FROM visits; EXPLAIN EXECUTE q',
	'PREPARE q AS SELECT count(*) FROM visits; EXPLAIN ANALYZE EXECUTE q',
	'SET plan_cache_mode = force_generic_plan; PREPARE q AS SELECT count(*) FROM visits; EXPLAIN (ANALYZE) EXECUTE q')
{
	refused_free($sql, 'DP002');
}
# Otherwise it shows an estimate (101_estimate.pl), and no plan.
foreach my $sql ((map { "EXPLAIN $_ SELECT count(*) FROM visits" } '', 'VERBOSE', '(FORMAT json)', '(BUFFERS, SUMMARY)'),
	'EXPLAIN SELECT * FROM (SELECT count(*) FROM visits) v',
	'EXPLAIN WITH r AS MATERIALIZED (SELECT count(*) FROM visits) SELECT * FROM r',
	'EXPLAIN CREATE TABLE a.x AS SELECT count(*) FROM visits',
	'EXPLAIN DECLARE c CURSOR FOR SELECT count(*) FROM visits',
	'EXPLAIN INSERT INTO a.own SELECT count(*), clinic FROM visits GROUP BY 2',
	'EXPLAIN CREATE MATERIALIZED VIEW a.m AS SELECT count(*) FROM visits',
	'DO $$ DECLARE x text; BEGIN FOR x IN EXECUTE \'EXPLAIN SELECT count(*) FROM visits\' LOOP RAISE INFO \'%\', x; END LOOP; END $$',
	'EXPLAIN SELECT count(*) FROM a.leak()', 'EXPLAIN SELECT count(*) FROM dp.visits',
	'EXPLAIN UPDATE a.own SET i = (SELECT count(*) FROM visits)')
{
	my ($r, $made, $spent) = watch($sql);

	ok($r->{ok} && "$r->{out}$r->{err}" =~ /Release\W.*count\(\*\)/s, 'estimated: ' . DpAgg::brief($sql)) or diag("$r->{out}\n$r->{err}");
	unlike("$r->{out}$r->{err}", qr/cost|rows=|Scan|Plan\b(?!ning)|Buffers|Planning/, '... and shows no plan');
	is("$made for $spent", '0 for 0', '... costs nothing');
}
refused_free('EXPLAIN SELECT cost FROM a.leak()', '42501', 'what is refused is refused in EXPLAIN');
foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	my ($r,
		$made) = watch("SET plan_cache_mode = $mode; PREPARE q AS SELECT count(*) > 0 FROM visits; EXECUTE q; EXECUTE q; EXPLAIN ANALYZE EXECUTE q");
	is("$r->{sqlstate} $r->{out} $made", "DP002 t\nt 2", "EXPLAIN ANALYZE EXECUTE of a plan that ran ($mode)");
}
foreach my $sql ('EXPLAIN SELECT count(*) FROM visits', 'EXPLAIN ANALYZE SELECT dp_count(*) FROM visits',
	'EXPLAIN SELECT clinic, dp_count(*) FROM visits GROUP BY 1',
	'PREPARE q AS SELECT dp_count(*) FROM visits; EXPLAIN EXECUTE q')
{
	my $r = DpAgg::works($node, $superuser, $sql, "a superuser may: $sql");
	like($r->{out}, qr/cost=/, 'and sees a plan');
}
{
	my $count = 'SELECT count(*) FROM dp_agg.releases';
	my $before = $node->safe_psql('postgres', $count);
	$node->safe_psql('postgres', 'EXPLAIN SELECT dp_count(*) FROM visits');
	is($node->safe_psql('postgres', $count), $before, 'EXPLAIN by a superuser makes no release');
}
once('a utility that is no EXPLAIN is not taken for one',
	'CREATE TABLE a.counted AS SELECT count(*) FROM visits; DROP TABLE a.counted', 1, '^$');

# ---------- auto_explain ----------

{
	my $start = -s $node->logfile;
	$node->safe_psql('postgres', <<'SQL');
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_buffers = on;
SET auto_explain.log_verbose = on;
SET auto_explain.log_nested_statements = on;
SET client_min_messages = log;
SET SESSION AUTHORIZATION analyst;
SELECT clinic, count(*) FROM visits WHERE cost > 100 GROUP BY clinic;
WITH r AS (SELECT count(*) AS n FROM people WHERE age > 50) SELECT * FROM r;
SQL
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile, $start);
	like($log, qr/plan:/, 'auto_explain prints plans');
	unlike($log, qr/(Seq|Index|Bitmap Heap|Index Only) Scan (using \S+ )?on (public\.)?(visits|people)/,
		'auto_explain shows no scan below a release');
	unlike($log, qr/Rows Removed|Aggregate|WindowAgg|Sort Method/, 'nor an aggregate, sort or filter there');
	my $r = DpAgg::as($node, $superuser,
		"LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET client_min_messages = log;\n"
		  . "SET SESSION AUTHORIZATION analyst; SELECT count(*) FROM visits");
	ok($r->{ok}, 'a release runs under auto_explain');
	unlike($r->{err}, qr/Scan on visits/, 'and shows the client no scan');
}

# ---------- parallel plans ----------

my $parallel = <<'SQL';
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 4; SET dp_agg.epsilon = 1000;
SQL
{
	my $force_parallel = DpAgg::force_parallel();
	my $start = -s $node->logfile;

	foreach my $force ('off', 'on')
	{
		my $set = $parallel . "SET $force_parallel = $force;\n";
		my ($r,
			$made) = watch("$set SELECT abs(count(*) - 20000) < 5, abs(avg(age) - 44.4) < 0.5, abs(sum(age) - 888000) < 9000 FROM people");
		is("$r->{out} $made", 't|t|t 1', "streamed form in parallel, $force_parallel $force") or diag($r->{err});
		($r,
		$made) = watch("$set SELECT count(*) = 90, bool_and(abs(n - 222) < 5) FROM (SELECT age, count(*) AS n FROM people GROUP BY age) x");
		is("$r->{out} $made", 't|t 1', "streamed form by groups, $force_parallel $force") or diag($r->{err});
		($r,
		$made) = watch("$set SELECT clinic, abs(count(*) - 750) < 5, abs(avg(cost) - 1950) < 40 FROM visits GROUP BY clinic ORDER BY 1");
		like("$r->{out} $made", qr/^clinic 0\|t\|\w\nclinic 1\|t\|\w\nclinic 2\|t\|\w\nclinic 3\|t\|\w 1$/,
			"bounded form in parallel, $force_parallel $force") or diag("$r->{out} $r->{err}");
		($r, $made) = watch("$set SELECT abs(count(*) - 3015) < 5, abs(avg(cost) - 1946) < 40 FROM visits");
		is("$r->{out} $made", 't|t 1',
			"bounded form without groups, $force_parallel $force") or diag("$r->{out} $r->{err}");
		($r,
		$made) = watch("$set SELECT abs(count(*) - 3000) < 10 FROM visits v JOIN people p ON p.id = v.patient_id WHERE p.id <= 1000");
		is("$r->{out} $made", 't 1', "a join in parallel, $force_parallel $force") or diag("$r->{out} $r->{err}");
		my @workers = PostgreSQL::Test::Utils::slurp_file($node->logfile, $start) =~ /registering background worker "parallel worker/g;
		cmp_ok(scalar @workers, '>', 4, "workers took part, $force_parallel $force");
		$start = -s $node->logfile;
	}
}

# ---------- invalidation ----------

# In one session of a superuser who lends itself to the analyst between changes.
sub changes
{
	my ($name, $prepare, $change, $restore, $pattern) = @_;
	my $r = DpAgg::as($node, $superuser, <<"SQL", on_error_stop => 0);
SET SESSION AUTHORIZATION analyst;
$prepare
EXECUTE q; EXECUTE q; EXECUTE q;
RESET SESSION AUTHORIZATION;
$change
SET SESSION AUTHORIZATION analyst;
EXECUTE q;
RESET SESSION AUTHORIZATION;
$restore
SET SESSION AUTHORIZATION analyst;
EXECUTE q;
SQL
	my @states = $r->{err} =~ /ERROR:  (\w+):/g;
	(my $out = $r->{out}) =~ s/^\s*\n//gm;

	like(join(' ', split(/\n/, $out), @states), $pattern, $name) or diag("$r->{out}\n$r->{err}");
	return;
}

foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	my $set = "SET plan_cache_mode = $mode; SET dp_agg.epsilon = 100;";
	changes("unprotect ($mode)", "$set PREPARE q AS SELECT count(*) > 0 FROM visits;",
		q{SELECT dp_agg.unprotect('visits');},
		q{SELECT dp_agg.protect('visits', 'patient_id', 'patients', 4, 10), dp_agg.set_bounds('visits', 'cost', 0, 5000);},
		qr/^t t t \| t 42501$|^t t t t 42501$/);
	changes("set_bounds ($mode)", "$set PREPARE q AS SELECT avg(cost) < 600 FROM visits;",
		q{SELECT dp_agg.set_bounds('visits', 'cost', 0, 500);},
		q{SELECT dp_agg.set_bounds('visits', 'cost', 0, 5000);}, qr/^f f f t f$/);
	changes("drop_budget ($mode)", "$set PREPARE q AS SELECT count(*) > 0 FROM visits;",
		q{SELECT dp_agg.drop_budget('analyst', 'patients');},
		q{SELECT dp_agg.set_budget('analyst', 'patients', 1e6, 0.5);}, qr/^t t t t 42501$/);
	changes("a budget that is used up ($mode)", "$set PREPARE q AS SELECT count(*) > 0 FROM visits;",
		q{SELECT dp_agg.set_budget('analyst', 'patients', 1, 0.5);},
		q{SELECT dp_agg.set_budget('analyst', 'patients', 1e6, 0.5);}, qr/^t t t t DP001$/);
	changes("ALTER TABLE ($mode)", "$set PREPARE q AS SELECT avg(cost) < 600 FROM visits;",
		q{ALTER TABLE visits RENAME cost TO price;}, q{ALTER TABLE visits RENAME price TO cost;},
		qr/^f f f f f$|^f f f f 42703$/);
	changes("GRANT SELECT ($mode)", "$set PREPARE q AS SELECT sum(cost) = 5854500 FROM visits;",
		'GRANT SELECT ON visits TO analyst;', 'REVOKE SELECT ON visits FROM analyst;', qr/^f f f t f$/);
	changes("max_rows ($mode)", "$set PREPARE q AS SELECT count(*) < 2000 FROM visits;",
		q{SELECT dp_agg.protect('visits', 'patient_id', 'patients', 1, 1);},
		q{SELECT dp_agg.protect('visits', 'patient_id', 'patients', 4, 10);}, qr/^f f f t f$/);
	changes("columns ($mode)", "$set PREPARE q AS SELECT avg(cost) < 600 FROM visits;",
		q{SELECT dp_agg.protect('visits', 'patient_id', 'patients', 4, 10, '{clinic}');},
		q{SELECT dp_agg.protect('visits', 'patient_id', 'patients', 4, 10);}, qr/^f f f f DP002$/);
	changes("settings ($mode)", "$set PREPARE q AS SELECT count(*) > 0 FROM visits;",
		'SET dp_agg.epsilon = 7;', 'SET dp_agg.epsilon = 100;', qr/^t t t t t$/);
	is(DpAgg::value($node, 'analyst',
		'SELECT string_agg(epsilon::text, \',\' ORDER BY id) FROM (SELECT id, epsilon FROM dp_agg.my_releases ORDER BY id DESC LIMIT 3) x'),
		'100,7,100', "what was paid follows the setting ($mode)");
	changes("the unit is unique by an index, then not ($mode)",
		"$set PREPARE q AS SELECT abs(count(*) - 20000) < 20 FROM people;",
		'ALTER TABLE people DROP CONSTRAINT people_pkey;', 'ALTER TABLE people ADD PRIMARY KEY (id);',
		qr/^t t t t t$/);
}

# ---------- counters ----------

{
	my $r = DpAgg::as($node, $superuser, <<'SQL');
CREATE TEMP VIEW counters AS SELECT pg_stat_get_xact_numscans(c.oid), pg_stat_get_xact_tuples_returned(c.oid), pg_stat_get_xact_tuples_fetched(c.oid),
	pg_stat_get_xact_blocks_fetched(c.oid), pg_stat_get_xact_blocks_hit(c.oid)
FROM pg_class c WHERE relname IN ('visits', 'people', 'people_pkey', 'visits_patient_id_idx') ORDER BY relname;
GRANT SELECT ON counters TO PUBLIC;
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', pg_my_temp_schema()::regnamespace); END $$;
BEGIN;
CREATE TEMP TABLE before AS SELECT * FROM counters;
GRANT SELECT ON before TO PUBLIC;
SET ROLE analyst;
CREATE TEMP TABLE answers AS SELECT count(*) FROM visits WHERE patient_id = 7;
CREATE TEMP TABLE more AS SELECT avg(age) FROM people WHERE id < 50;
CREATE TEMP TABLE joined AS SELECT count(*) FROM visits JOIN people ON id = patient_id;
RESET ROLE;
SELECT count(*) FROM (SELECT * FROM counters EXCEPT SELECT * FROM before) x;
COMMIT;
SQL
	is($r->{out}, '0', 'pg_stat_get_xact_* do not move through releases') or diag($r->{err});

	my $counters = q{SELECT pg_stat_force_next_flush() IS NULL, sum(seq_scan), sum(seq_tup_read), sum(idx_scan), sum(idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN ('visits', 'people')};
	my $before = $node->safe_psql('postgres', $counters);
	DpAgg::value($node, 'analyst',
		'SELECT count(*) FROM visits WHERE patient_id = 7; SELECT count(*) FROM visits JOIN people ON id = patient_id; SELECT pg_stat_force_next_flush()');
	is($node->safe_psql('postgres', $counters), $before, 'pg_stat_user_tables do not move through releases');
	$node->safe_psql('postgres', 'SELECT count(*) FROM visits');
	$node->safe_psql('postgres', 'SELECT count(*) FROM visits; SELECT pg_stat_force_next_flush()');
	isnt($node->safe_psql('postgres', $counters), $before, 'though they do for a superuser');
	my $writes = q{SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = 'people'};
	$before = $node->safe_psql('postgres', $writes);
	$node->safe_psql('postgres', 'UPDATE people SET age = age; SELECT pg_stat_force_next_flush()');
	isnt($node->safe_psql('postgres', $writes), $before, 'writes to protected tables are counted, autovacuum goes by that');
	DpAgg::value($node, 'analyst', 'CREATE TEMP TABLE own (n bigint); INSERT INTO own SELECT count(*) FROM people');
	is(DpAgg::value($node, 'analyst', <<'SQL'), '1', q{and so are writes to an analyst's own});
CREATE TEMP TABLE own (n bigint);
BEGIN;
INSERT INTO own SELECT count(*) FROM people;
SELECT pg_stat_get_xact_tuples_inserted('own'::regclass);
COMMIT;
SQL
}

# ---------- what prints plans or takes predicate locks ----------

refused_free('SET debug_print_plan = on; SELECT count(*) FROM visits', 'DP002');
refused_free('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM visits', 'DP002');
refused_free('SET default_transaction_isolation = serializable; SELECT count(*) FROM visits', 'DP002');
foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	foreach my $unsafe ('SET debug_print_plan = on', 'BEGIN ISOLATION LEVEL SERIALIZABLE')
	{
		my ($r,
			$made) = watch("SET plan_cache_mode = $mode; PREPARE q AS SELECT count(*) > 0 FROM visits; EXECUTE q; EXECUTE q; $unsafe; EXECUTE q");
		is("$r->{sqlstate} $r->{out} $made", "DP002 t\nt 2", "a cached plan, then $unsafe ($mode)");
	}
}

# ---------- trusted roles ----------

is(DpAgg::value($node, 'trusted', 'SELECT count(*), sum(cost) FROM visits WHERE patient_id <= 1000'),
	'3000|5850000', 'a trusted role sees exact sums');
is(DpAgg::value($node, 'trusted', 'SELECT DISTINCT cost FROM visits WHERE patient_id = 7'), '700', 'and rows');
is(DpAgg::value($node, 'trusted', 'SELECT count(*) FROM dp.visits'), '3015', 'and the facade as it is');
is(DpAgg::value($node, 'trusted',
	'SELECT rank() OVER (ORDER BY cost DESC, patient_id) FROM visits WHERE patient_id = 7 LIMIT 1'), '1',
	'and may use what is refused to others');
DpAgg::works($node, 'trusted', 'EXPLAIN ANALYZE SELECT count(*) FROM visits');
{
	my $r = DpAgg::as($node, 'trusted',
		'SET dp_agg.epsilon = 1; SELECT dp_count(*), dp_sum(cost), abs(dp_count(*) - 3015) < 600 FROM visits');
	like($r->{out}, qr/^\d+\|\d+(\.\d+)?\|t$/, 'dp_ aggregates give a trusted role a release');
	my %seen = map { (DpAgg::value($node, 'trusted', 'SELECT dp_sum(cost) FROM visits'), 1) } 1 .. 3;
	is(scalar keys %seen, 3, 'with noise of its own every time');
	$r = DpAgg::as($node, 'trusted', 'SELECT clinic, dp_count(*) FROM visits GROUP BY clinic ORDER BY 1');
	unlike($r->{out}, qr/tiny/, 'and without groups that are too small');
	$r = DpAgg::as($node, 'trusted', 'SELECT (SELECT dp_count(*) FROM visits) > 0, (SELECT count(*) FROM visits)');
	is($r->{out}, 't|3015', 'exact and private in sub-selects of their own');
	is(DpAgg::value($node, 'trusted',
		'WITH v AS (SELECT * FROM visits) SELECT (SELECT dp_count(*) FROM v) > 0, (SELECT count(*) FROM v)'),
		't|3015', 'and of one CTE');
}
DpAgg::refused($node, 'trusted', $_, 'DP002') foreach 'SELECT dp_count(*), count(*) FROM visits',
	'SELECT dp_sum(cost), max(cost) FROM visits',
	'SELECT clinic, dp_count(*), avg(cost) FROM visits GROUP BY 1',
  'SELECT dp_count(*) FROM visits HAVING count(*) > 5',
  'SELECT patient_id, dp_count(*) FROM visits GROUP BY patient_id',
  'SELECT dp_count(*) FROM visits WHERE random() < 0.5';
DpAgg::refused($node, 'stranger', 'SELECT dp_count(*) FROM visits', '42501');

$node->stop;
done_testing();
