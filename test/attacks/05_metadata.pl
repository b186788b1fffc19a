# What the server tells beside results: plans, counters, caches, locks, traces, logs
# and tags.  A leak: any of them differs with one person, or shows how many rows were
# read.

use strict;
use warnings;
use Test::More;
use Attacks;

# The administrator has loaded what may print plans and count blocks.
my $node = start('metadata and EXPLAIN', preload => 'dp_agg,auto_explain,pg_stat_statements',
	conf => "auto_explain.log_min_duration = -1\nautovacuum = off\ndp_agg.min_epsilon = '1e-9'\n");
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');

# ---------- counters, plans and logs ----------

foreach my $counter ('blocks_fetched', 'tuples_returned', 'tuples_fetched', 'numscans')
{
	foreach my $touch ("SELECT pg_relation_size('people') > 0", 'SELECT 1')
	{
		next if $touch eq 'SELECT 1' && $counter ne 'blocks_fetched';
		attack("the counter $counter, " . ($touch =~ /size/ ? 'the table opened in between' : 'plain'),
			"SELECT sum(pg_stat_get_xact_$counter(o)) FROM unnest(ARRAY['people'::regclass, 'people_pkey'::regclass]) o",
			before => [ 'BEGIN', 'SET LOCAL enable_seqscan = off', 'SET LOCAL enable_bitmapscan = off',
				'DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE id = 5 AND dp_with(epsilon => 1e-9)', $touch, 'FETCH c' ],
			state => '00000', moves => 0, control => $counter =~ /numscans|tuples_fetched/ ? 'runs' : 'differs');
	}
}
attack('the counter of rows that a condition leaves', "SELECT pg_stat_get_xact_tuples_returned('people'::regclass)",
	before => [ 'BEGIN', 'DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE name = \'p5\'', "SELECT pg_relation_size('people') > 0", 'FETCH c' ],
	state => '00000', moves => 0);
# EXPLAIN shows an estimate.  What is left of the budget moves in it, for other attacks spend.
my $left = qr/(Epsilon|Delta)[ -]Left\W+[\d.]+/;
attack("sizes a plan would show: $_", $_, control => 'runs', alone => 1, moves => 0, without => $left, state => '00000|DP002|42501')
  foreach 'EXPLAIN SELECT dp_count(*) FROM people WHERE x = 37', 'EXPLAIN SELECT * FROM people WHERE x = 37',
  "DO \$\$ DECLARE r record; BEGIN FOR r IN EXECUTE 'EXPLAIN SELECT * FROM people WHERE x = 37' LOOP RAISE NOTICE '%', r; END LOOP; END \$\$";
attack('statistics of columns', "SELECT count(*) FROM pg_stats WHERE tablename = 'people' AND schemaname = current_schema()",
	state => '00000', control => 'runs', moves => 0);
run_attacks();
attacked(DpAgg::value($node, 'analyst', "SELECT count(*) FROM pg_stats WHERE (schemaname, tablename) = ('public', 'people')") == 0,
	'pg_stats shows nothing of a protected table');
control(DpAgg::value($node, 'analyst', "SELECT count(*) FROM pg_stats WHERE (schemaname, tablename) = ('plain', 'people')") > 0,
	'though of one that may be read');

{
	my $planner = <<'SQL';
CREATE OR REPLACE FUNCTION a.print_now() RETURNS float8 LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM set_config('debug_print_plan', 'on', false); PERFORM set_config('client_min_messages', 'log', false); RETURN 0; END $$;
CREATE OR REPLACE FUNCTION a.print_plan(text) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN a.print_now(); END $$;
CREATE OR REPLACE FUNCTION a.srf(f float8) RETURNS TABLE (a int) LANGUAGE sql STABLE AS 'SELECT k FROM public.pub';
SET client_min_messages = log;
SQL
	foreach my $sql ("SELECT dp_sum(x, a.print_plan('a'), 100) FROM people WHERE x = 37",
		"SELECT dp_sum(x * a.print_plan('a')) FROM people WHERE x = 37",
		"SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 1 + a.print_plan('a')) AND x = 37",
		"SELECT dp_count(*), a.print_plan('a') FROM people WHERE x = 37",
		"SELECT dp_count(*) FROM people WHERE lpad('x', a.print_plan('a')::int) IS NULL AND x = 37",
		"WITH z AS MATERIALIZED (SELECT a.print_plan('a')) SELECT dp_count(*) FROM people WHERE x = 37",
		"WITH z AS MATERIALIZED (SELECT a.print_plan('a')) SELECT dp_count(*), (SELECT * FROM z) FROM people WHERE x = 37",
		"SELECT dp_count(*) FROM people, a.srf(a.print_plan('b')) WHERE x = 37",
		"SELECT a.print_plan('a'), c FROM (SELECT dp_count(*) AS c FROM people WHERE x = 37) s",
		"SELECT dp_count(*) FROM people WHERE x = 37 HAVING a.print_plan('a') = 0",
		"SELECT dp_count(*) FROM people WHERE x = 37 LIMIT 1 + a.print_plan('a')::int")
	{
		my $r = script("$planner$sql;");
		my @nodes = $r->{err} =~ /\{(SEQSCAN|INDEX\w*|BITMAP\w*|AGG|CUSTOMSCAN) /g;
		attacked(!@nodes, 'a plan printed by code at plan time: ' . DpAgg::brief($sql));
	}
	my $r = script("${planner}SET search_path = plain, public; SELECT count(*), a.print_plan('a') FROM people WHERE x = 37;");
	control($r->{err} =~ /\{(INDEX|BITMAP|SEQ)/, 'a plan printed by code at plan time, without protection');

	# a column alone is sorted as a datum, also if it is passed by reference, from PostgreSQL 16 on
	my $sort = 'SET trace_sort = on; SET client_min_messages = log; SET enable_hashagg = off; SET enable_indexscan = off; SET enable_indexonlyscan = off;';
	my $sorted = 'SELECT clinic, dp_count(*) FROM visits GROUP BY clinic';
	foreach my $sql ("$sorted;", "BEGIN; DECLARE c CURSOR FOR $sorted; FETCH 1 c; COMMIT;", "BEGIN; DECLARE c CURSOR FOR $sorted; ROLLBACK;",
		'SELECT dp_count(*) FROM (SELECT pid, count(*) FROM visits GROUP BY pid) s;')
	{
		$r = script("$sort $sql");
		my @sorts = $r->{err} =~ /(begin (?:tuple|datum) sort|external sort|sort of worker \S+ ended)/g;
		attacked(@sorts <= 1, 'a sort below a release, traced, besides that of the result: ' . DpAgg::brief($sql)) or diag("@sorts");
		$r = script("$sort SET search_path = plain, public; " . on_copies($sql));
		control($r->{err} =~ /begin (tuple|datum) sort/, 'seen without protection') unless $sql =~ /; ROLLBACK|pid/;
	}
}

# ---------- EXPLAIN in every form ----------

attack("explained: $_", $_, control => 'runs', alone => 1, moves => 0, without => $left, state => /ANALYZE/ ? 'DP002|42501' : '00000|DP002|42501') foreach
  (map { "EXPLAIN ($_) SELECT count(*) FROM people WHERE x = 37" } 'ANALYZE', 'ANALYZE, VERBOSE', 'ANALYZE, BUFFERS', 'ANALYZE, TIMING OFF, SUMMARY OFF', 'ANALYZE, WAL', 'VERBOSE', 'COSTS OFF', 'FORMAT json', 'FORMAT xml', 'FORMAT yaml'),
  'EXPLAIN ANALYZE SELECT name FROM people', 'EXPLAIN SELECT * FROM pub WHERE k IN (SELECT x FROM people)', 'EXPLAIN DECLARE c CURSOR FOR SELECT name FROM people', 'EXPLAIN CREATE TABLE a.x AS SELECT count(*) FROM people', 'EXPLAIN CREATE MATERIALIZED VIEW a.x AS SELECT x FROM people',
  'EXPLAIN INSERT INTO a.own SELECT id, name FROM people', 'EXPLAIN ANALYZE INSERT INTO a.own SELECT count(*)::int FROM people', 'EXPLAIN UPDATE a.own SET b = name FROM people WHERE id = a', 'EXPLAIN DELETE FROM a.own USING people WHERE id = a',
  'EXPLAIN MERGE INTO a.own o USING people p ON p.id = o.a WHEN MATCHED THEN DELETE', 'EXPLAIN SELECT count(*) FROM people LIMIT 0';
attack("explained: EXECUTE ($_)", "EXPLAIN ($_) EXECUTE q(37)", before => ['PREPARE q(int) AS SELECT count(*) FROM people WHERE x = $1'], after => ['DEALLOCATE ALL'], state => 'DP002|42501', control => 'runs')
  foreach 'COSTS', 'ANALYZE';
attack('explained: EXECUTE of a generic plan', 'EXPLAIN EXECUTE q(37)', before => [ 'SET plan_cache_mode = force_generic_plan', 'PREPARE q(int) AS SELECT count(*) FROM people WHERE x = $1', 'EXECUTE q(1)', 'EXECUTE q(2)' ],
	after => [ 'DEALLOCATE ALL', 'RESET plan_cache_mode' ], control => 'runs');
attack("explained: $_->[0]", $_->[1], before => [ 'DISCARD PLANS', @$_[ 2 .. $#$_ ] ], control => 'runs', moves => 0, without => $left,
	state => $_->[1] =~ /ANALYZE/ ? 'DP002|42501' : '00000|DP002|42501') foreach
  [ 'within PL/pgSQL', 'SELECT a.explained()', q{CREATE OR REPLACE FUNCTION a.explained() RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN EXECUTE 'EXPLAIN SELECT count(*) FROM people WHERE x = 37' INTO t; RETURN t; END $$} ],
  [ 'of a function that asks', 'EXPLAIN ANALYZE SELECT a.asks()', q{CREATE OR REPLACE FUNCTION a.asks() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM people WHERE x = 37); END $$} ],
  [ 'of a function that is inlined', 'EXPLAIN SELECT * FROM a.inlined()', q{CREATE OR REPLACE FUNCTION a.inlined() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM people WHERE x = 37'} ],
  [ 'of a view', 'EXPLAIN SELECT * FROM a.viewed', 'CREATE OR REPLACE VIEW a.viewed AS SELECT count(*) FROM people WHERE x = 37' ],
  [ 'of a rule', "EXPLAIN INSERT INTO a.ruled VALUES (1)", 'CREATE TABLE IF NOT EXISTS a.ruled (a int)', 'CREATE OR REPLACE RULE r AS ON INSERT TO a.ruled DO ALSO SELECT count(*) FROM people WHERE x = 37' ],
  [ 'of a trigger', 'EXPLAIN ANALYZE INSERT INTO a.triggered VALUES (1)', 'CREATE TABLE IF NOT EXISTS a.triggered (a int)',
	q{CREATE OR REPLACE FUNCTION a.asking() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM people; RETURN new; END $$},
	'CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a.triggered FOR EACH ROW EXECUTE FUNCTION a.asking()' ];
my $columns = 'item, name, population, epsilon, delta, standard_error, rank_error, smallest_group, limits, bounds, advice';
attack("estimated: $_", "SELECT $columns FROM dp_agg.estimate(\$e\$$_\$e\$)", control => 'runs', moves => 0, alone => 1, state => '00000|DP002|DP003|42501') foreach
  (map { "SELECT $_ FROM people WHERE id = 5" } 'count(*)', 'avg(x)', 'dp_median(x)', 'dp_top(name, 3)', 'sum(x + a.spy(1))', 'count(*), a.spy(1)'),
  'SELECT name FROM people WHERE id = 5', 'SELECT g, count(*) FROM people WHERE id = 5 GROUP BY g', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE pid = 5 GROUP BY ROLLUP (clinic)',
  'SELECT count(*) FROM people WHERE x > (SELECT avg(x) FROM people WHERE id = 5)', 'SELECT count(*) FROM people WHERE 1 / (id - 5) > 0', 'SELECT count(*) FROM people p JOIN visits v ON v.pid = p.id WHERE p.id = 5',
  "SELECT count(*) FROM wide WHERE id = 5 AND doc LIKE '%a'", "SELECT count(*) FROM codes WHERE u = 'a'", 'SELECT k, count(id) FROM pub LEFT JOIN people p ON p.x = k AND p.id = 5 GROUP BY k', 'SELECT count(*) FROM people LIMIT 0';
run_attacks();

# ---------- more counters, and what a session keeps ----------

attack("counted: $_", $_, alone => 1, state => '00000', moves => 0,
	before => [ 'BEGIN', 'SET LOCAL enable_seqscan = off', '\o /dev/null', "SELECT dp_count(*) FROM people WHERE id = 5 AND name <> ''", '\o' ])
  foreach 'SELECT seq_scan, seq_tup_read, idx_scan, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = $$people$$::regclass',
  'SELECT sum(idx_tup_fetch) FROM pg_stat_xact_all_tables WHERE schemaname = current_schema()', 'SELECT pg_stat_get_xact_blocks_hit($$people$$::regclass)',
  'SELECT pg_stat_get_xact_tuples_returned($$people_pkey$$::regclass)';
my @flush = ('\o /dev/null', 'SET enable_seqscan = off', "SELECT dp_count(*) FROM people WHERE id = 5 AND name <> ''", 'SELECT pg_stat_force_next_flush()', 'SELECT pg_stat_clear_snapshot()', '\o');
attack("counted for all: $_->[0]", "SELECT sum($_->[1]) - current_setting('a.was')::numeric FROM $_->[2]", alone => 1, state => '00000', moves => 0,
	before => [ "\\o /dev/null", "SELECT set_config('a.was', sum($_->[1])::text, false) FROM $_->[2]", '\o', @flush ])
  foreach [ 'rows of a table', 'idx_tup_fetch', 'pg_stat_user_tables WHERE relid = $$people$$::regclass' ], [ 'rows of an index', 'idx_tup_read', 'pg_stat_user_indexes WHERE relid = $$people$$::regclass' ],
  [ 'blocks of a table', 'heap_blks_read + heap_blks_hit', 'pg_statio_user_tables WHERE relid = $$people$$::regclass' ];

# What the drain has looked up in the catalogs stays in the session's caches, where a
# later look-up of the client's own does not count a scan.
my $scans = q{SELECT sum(pg_stat_get_xact_numscans(indexrelid)) FROM pg_index WHERE indrelid = ANY ('{pg_class,pg_attribute,pg_index,pg_enum,pg_type,pg_collation,pg_proc,pg_operator,pg_opclass,pg_amop,pg_amproc,pg_authid,pg_namespace}'::regclass[])};

DpAgg::value($node, 'analyst', <<'SQL');
CREATE TYPE a.odd AS ENUM ('v1', 'v2');
ALTER TYPE a.odd ADD VALUE 'v3' BEFORE 'v2';
CREATE TABLE a.odds (v a.odd, w a.odd);
INSERT INTO a.odds VALUES ('v1', 'v3'), ('v3', 'v1');
SQL
my $person = "p.name = 'p5'";
my $toast = q{SELECT pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE oid = 'wide'::regclass)) >= 0};
my $note = "SELECT set_config('a.scans', ($scans)::text, true)";
attack("cached: $_->[0]", "SELECT ($scans) - current_setting('a.scans')::numeric", alone => 1, state => '00000|DP002', moves => 0,
	before => [ 'BEGIN', '\o /dev/null', $note, $note, $_->[1], $note, $_->[2], '\o' ], control => $_->[3] // 'differs')
  foreach [ 'a table by its number', "SELECT dp_count(*) FROM people p WHERE $person AND (p.x + 700000)::oid::regclass::text IS NOT NULL", 'SELECT 700085::oid::regclass::text' ],
  [ 'a type by its number', "SELECT dp_count(*) FROM people p WHERE $person AND (p.x + 700000)::oid::regtype::text IS NOT NULL", 'SELECT 700085::oid::regtype::text' ],
  [ 'a function by its number', "SELECT dp_count(*) FROM people p WHERE $person AND (p.x + 700000)::oid::regproc::text IS NOT NULL", 'SELECT 700085::oid::regproc::text' ],
  [ 'a role by its number', "SELECT dp_count(*) FROM people p WHERE $person AND (p.x + 700000)::oid::regrole::text IS NOT NULL", 'SELECT 700085::oid::regrole::text' ],
  [ 'a schema by its number', "SELECT dp_count(*) FROM people p WHERE $person AND (p.x + 700000)::oid::regnamespace::text IS NOT NULL", 'SELECT 700085::oid::regnamespace::text' ],
  [ 'the label of an enum', "SELECT dp_count(*) FROM people p, a.odds o WHERE $person AND o.v::text IS NOT NULL", "SELECT 'v1'::a.odd::text" ],
  [ 'the label of an enum of the table', "SELECT dp_count(*) FROM wide p WHERE $person AND m::text <> 'sad'", "SELECT 'ok'::mood::text" ],
  [ 'the order of an enum', "SELECT dp_count(*) FROM people p, a.odds o WHERE CASE WHEN $person THEN o.v < o.w END", "SELECT 'v1'::a.odd < 'v3'::a.odd" ],
  [ 'the greatest of enums', "SELECT dp_count(*) FROM people p, a.odds o WHERE CASE WHEN $person THEN greatest(o.v, o.w) END IS NULL", "SELECT greatest('v1'::a.odd, 'v3'::a.odd)" ],
  [ 'the greatest enum of a person', "SELECT dp_count(*) FROM (SELECT p.id, max(o.v) AS m FROM people p, a.odds o WHERE $person GROUP BY p.id) s", "SELECT 'v1'::a.odd < 'v3'::a.odd", 'runs' ],
  [ 'the order of enums as keys', "SELECT o.v, dp_count(*) FROM people p, a.odds o WHERE $person GROUP BY o.v ORDER BY o.v", "SELECT 'v1'::a.odd < 'v3'::a.odd" ],
  [ 'distinct enums', "SELECT dp_count_distinct(o.v) FROM people p, a.odds o WHERE $person", "SELECT 'v1'::a.odd < 'v3'::a.odd" ],
  [ 'the mode of enums', "SELECT dp_mode(o.v) FROM people p, a.odds o WHERE $person", "SELECT 'v1'::a.odd::text, 'v1'::a.odd < 'v3'::a.odd" ],
  [ 'the text of a wide value', "SELECT dp_count(*) FROM wide p WHERE $person AND lower(p.doc) <> 'a'", $toast ],
  [ 'the length of a wide value', "SELECT dp_count(*) FROM wide p WHERE $person AND length(p.doc) > 1", $toast ],
  [ 'a wide value compared', "SELECT dp_count(*) FROM wide p WHERE $person AND p.doc <> 'a'", $toast, 'runs' ],
  [ 'a wide value, distinct', "SELECT dp_count_distinct(p.doc) FROM wide p WHERE $person", $toast, 'runs' ],
  [ 'a wide value as a key', "SELECT p.doc, dp_count(*) FROM wide p WHERE $person GROUP BY 1", $toast ],
  [ 'a wide value of those who have one', "SELECT dp_count(*) FROM wide p WHERE lower(p.doc) <> 'a'", $toast ],
  [ 'a collation', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $person THEN p.name < ('p' COLLATE \"POSIX\") END IS NULL", "SELECT 'a' < 'b' COLLATE \"POSIX\"", 'runs' ],
  [ 'an array that is searched', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $person THEN p.y = ANY (ARRAY[p.y, 2]) END IS NULL", 'SELECT ARRAY[1::float8] = ARRAY[2::float8]', 'runs' ],
  [ 'a zone', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $person THEN now() AT TIME ZONE 'Asia/Tokyo' END IS NULL", "SELECT now() AT TIME ZONE 'Asia/Tokyo' IS NULL", 'runs' ];

# Locks, files, cursors and the like.
attack("seen: $_->[0]", $_->[1], alone => 1, state => '00000', moves => 0, control => 'runs', before => [ 'BEGIN', '\o /dev/null', @$_[ 2 .. $#$_ ], "SELECT dp_count(*) FROM people WHERE id = 5", '\o' ])
  foreach [ 'locks', 'SELECT locktype, mode, count(*) FROM pg_locks WHERE pid = pg_backend_pid() GROUP BY 1, 2 ORDER BY 1, 2' ],
  [ 'locks of rows and pages', "SELECT count(*) FROM pg_locks WHERE locktype IN ('page', 'tuple') OR mode = 'SIReadLock'" ],
  [ 'locks of rows and pages, repeatable', "SELECT count(*) FROM pg_locks WHERE locktype IN ('page', 'tuple') OR mode = 'SIReadLock'", 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ' ],
  [ 'cursors', 'SELECT name, statement FROM pg_cursors', 'DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE id = 5', 'FETCH c' ],
  [ 'prepared statements', 'SELECT generic_plans, custom_plans FROM pg_prepared_statements', 'PREPARE q(int) AS SELECT dp_count(*) FROM people WHERE id = $1', ('EXECUTE q(5)') x 8 ],
  [ 'a transaction id', 'SELECT pg_current_xact_id_if_assigned() IS NULL' ];
attack('seen: predicate locks', "SELECT locktype, page, tuple FROM pg_locks WHERE mode = 'SIReadLock'", alone => 1, state => '00000|DP002|25P02', moves => 0,
	before => [ 'BEGIN ISOLATION LEVEL SERIALIZABLE', 'SET LOCAL enable_seqscan = off', '\o /dev/null', 'SELECT dp_count(*) FROM people WHERE id = 5', '\o' ]);
attack('seen: predicate locks by default', "SELECT locktype, page, tuple FROM pg_locks WHERE mode = 'SIReadLock'", alone => 1, state => '00000|DP002|25P02', moves => 0,
	control => 'runs', before => [ 'SET default_transaction_isolation = serializable', 'SET enable_seqscan = off', 'BEGIN READ ONLY', '\o /dev/null', 'SELECT dp_count(*) FROM people WHERE id = 5', '\o' ]);
attack('seen: the rows of a sub-command', 'SELECT a.rows()', before => [ 'DISCARD PLANS',
		q{CREATE OR REPLACE FUNCTION a.rows() RETURNS int LANGUAGE plpgsql AS $$ DECLARE n int; BEGIN PERFORM x, count(*) FROM people WHERE x <> 84 GROUP BY x, id; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END $$} ], control => 'runs');
attack('seen: the tag of a copy', "COPY (SELECT name, count(*) FROM people WHERE id = 5 GROUP BY name) TO STDOUT", state => '00000', moves => 0);
attack('seen: whether a group was FOUND', 'SELECT a.found()', before => [ 'DISCARD PLANS',
		q{CREATE OR REPLACE FUNCTION a.found() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM name, count(*) FROM people WHERE id = 5 GROUP BY name; RETURN FOUND; END $$} ], state => '00000', moves => 0);
attack('seen: rows before an error', 'SELECT 1 / (dp_count(*) * 0) FROM people WHERE id = 5', state => '00000|22012', control => 'SELECT 1 / (count(*) - 1) FROM people WHERE id = 5', moves => 0);
attack('seen: an error above a release', "SELECT name::int FROM people WHERE id = 5 GROUP BY name HAVING count(*) > 0", state => '00000|22P02|DP002');
run_attacks();

# ---------- what the administrator's extensions print and count ----------

# shown(NAME, SQL, PATTERN, %options): what the client sees, LOG messages included.
sub shown
{
	my ($name, $sql, $pattern, %o) = @_;
	my $begin = 'SET client_min_messages = ' . ($o{level} // 'log') . ";\n";
	my $protected = script("SET search_path = public;\n$begin$sql;");
	my $copies = script("SET search_path = plain, public;\n$begin" . on_copies($sql) . ';');

	attacked("$protected->{out}\n$protected->{err}" !~ $pattern, "shown: $name") or diag("$protected->{out}\n$protected->{err}");
	control("$copies->{out}\n$copies->{err}" =~ $pattern, "shown: $name: seen without protection") or diag($copies->{err});
	return;
}

$node->safe_psql('postgres', "ALTER ROLE analyst SET auto_explain.$_->[0] = '$_->[1]'")
  foreach [ 'log_min_duration', '0' ], [ 'log_analyze', 'on' ], [ 'log_buffers', 'on' ], [ 'log_verbose', 'on' ], [ 'log_nested_statements', 'on' ], [ 'log_triggers', 'on' ], [ 'log_settings', 'on' ];
my $rows_below = qr/Scan (using \S+ )?on \S*(people|visits)|Rows Removed|Sort Method|Buckets|Buffers: (?!shared hit=0)/;
shown("auto_explain, $_", $_, $rows_below) foreach 'SELECT dp_count(*) FROM people WHERE x = 37', 'SELECT clinic, dp_count(*) FROM visits GROUP BY clinic', 'SELECT dp_count(*) FROM people p JOIN visits v ON v.pid = p.id',
  'SELECT (SELECT dp_count(*) FROM people WHERE x = 37)', 'SELECT dp_count(*) FROM (SELECT pid, count(*) FROM visits GROUP BY pid) s', 'WITH c AS (SELECT dp_count(*) FROM people WHERE x = 37) SELECT * FROM c, c d',
  "BEGIN; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE x = 37; FETCH c; COMMIT", 'PREPARE q AS SELECT dp_count(*) FROM people WHERE x = 37; EXECUTE q', 'CREATE TEMPORARY TABLE t AS SELECT dp_count(*) FROM people WHERE x = 37',
  "DO \$\$ BEGIN PERFORM dp_count(*) FROM people WHERE x = 37; END \$\$", 'SELECT dp_count(*) FROM people WHERE EXISTS (SELECT FROM visits v WHERE v.pid = people.id)';
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET ALL');
shown("$_->[0]", $_->[1], $_->[2], level => 'debug5') foreach
  [ 'the plan on demand', 'SET debug_print_plan = on; SELECT dp_count(*) FROM people WHERE x = 37', qr/\{(SEQSCAN|INDEX\w*|BITMAP\w*|AGG) / ],
  [ 'the plan of a cursor', 'SET debug_print_plan = on; BEGIN; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE x = 37; COMMIT', qr/\{(SEQSCAN|INDEX\w*|BITMAP\w*|AGG) / ],
  [ 'the plan of a prepared statement', 'PREPARE q AS SELECT dp_count(*) FROM people WHERE x = 37; SET debug_print_plan = on; EXECUTE q', qr/\{(SEQSCAN|INDEX\w*|BITMAP\w*|AGG) / ],
  [ 'the plan of a query that is refused', 'SET debug_print_plan = on; SELECT name FROM people WHERE x = 37', qr/\{(SEQSCAN|INDEX\w*|BITMAP\w*|AGG) / ],
  [ 'a hash table that grows', "SET trace_sort = on; SET enable_hashagg = off; SET work_mem = '64kB'; SELECT dp_count(*) FROM (SELECT pid, cost FROM visits GROUP BY pid, cost) s", qr/sort.*(ended|worker)|switching to/ ];
$node->safe_psql('postgres', "ALTER ROLE analyst SET log_temp_files = 0");
shown('temporary files', "SET work_mem = '64kB'; SET enable_hashagg = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_incremental_sort = off; SELECT dp_count(*) FROM (SELECT p.id, o.n, name, count(*) FROM people p, a.nums o GROUP BY 1, 2, 3) s", qr/temporary file/);
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET ALL');
$node->safe_psql('postgres', "ALTER ROLE analyst SET $_ = on") foreach 'log_executor_stats', 'log_planner_stats';
shown('statistics of the executor and planner', 'SELECT dp_count(*) FROM people WHERE x = 37', qr/(EXECUTOR|PLANNER) STATISTICS/);
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET ALL');

# Calls of functions, which the administrator counts for everybody.
$node->safe_psql('postgres', "ALTER ROLE analyst SET track_functions = 'all'");
attack("called: $_", 'SELECT funcname, calls FROM pg_stat_xact_user_functions ORDER BY 1', alone => 1, state => '00000|DP002', moves => 0, before => [ 'BEGIN', '\o /dev/null', $_, '\o' ],
	control => "SELECT a.spy_immutable(x) FROM people WHERE name = 'p5' UNION ALL SELECT sum(calls) FROM pg_stat_xact_user_functions")
  foreach "SELECT dp_count(*) FROM people WHERE name = 'p5' AND x + 1 > 0", "SELECT dp_sum(x * 2) FROM people WHERE name = 'p5'", "SELECT dp_median(x) FROM people WHERE id = 5", "SELECT dp_count(*) FROM (SELECT id, sum(y) AS s FROM people WHERE id = 5 GROUP BY id) q WHERE s > 0",
  "SELECT x % 7, dp_count(*) FROM people WHERE id <= 5 GROUP BY 1", "SELECT dp_count_distinct(lower(name)) FROM people WHERE id = 5";
run_attacks();
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET ALL');

# Blocks of a statement, as pg_stat_statements has them, warmed up.
sub blocks
{
	my ($sql) = @_;
	my $blocks;

	foreach (1 .. 3)
	{
		$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()');
		script("SET enable_seqscan = off; SET enable_bitmapscan = off;\n$sql;");
		$blocks = DpAgg::value($node, 'analyst', "SELECT sum(shared_blks_hit + shared_blks_read), sum(temp_blks_written), sum(rows) FROM pg_stat_statements WHERE query ~ 'WHERE id ='");
	}
	return $blocks;
}

{
	my @sql = ("SELECT dp_count(*) FROM public.people WHERE id = 5", 'SELECT count(*) FROM plain.people WHERE id = 5');
	my @with = map { blocks($_) } @sql;
	version(0);
	my @without = map { blocks($_) } @sql;
	version(1);
	attacked($with[0] eq $without[0], 'blocks that a release reads are not counted in pg_stat_statements') or diag("$with[0] $without[0]");
	control($with[1] ne $without[1], 'though those of other statements are') or diag("$with[1] $without[1]");
}

# Temporary files of a release are not counted for the database.
sub temporary
{
	my ($path, $sql) = @_;
	my $count = q{SELECT temp_files FROM pg_stat_database WHERE datname = 'postgres'};
	my $before = $node->safe_psql('postgres', $count);

	script("SET search_path = $path; SET work_mem = '64kB'; SET enable_hashagg = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_incremental_sort = off;\n$sql;\nSELECT pg_stat_force_next_flush();");
	return $node->safe_psql('postgres', $count) - $before;
}

{
	my $spill = 'FROM (SELECT p.id, o.n, name, count(*) FROM people p, a.nums o GROUP BY 1, 2, 3) s';
	attacked(temporary('public', "SELECT dp_count(*) $spill") == 0, 'temporary files below a release are not counted in pg_stat_database');
	attacked(temporary('public', "SET statement_timeout = 1; SELECT dp_count(*) $spill WHERE repeat(name, 3) <> ''") == 0, 'nor those of one that is cancelled');
	control(temporary('plain', "SELECT count(*) $spill") > 0, 'though those of other statements are');
}

finish();
