# What the server tells beside results: plans, counters, caches, locks, traces, logs
# and tags.  A leak: any of them differs with one person, or shows how many rows were
# read.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('metadata and EXPLAIN');

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
attack("sizes a plan would show: $_", $_, control => 'runs')
  foreach 'EXPLAIN SELECT dp_count(*) FROM people WHERE x = 37', 'EXPLAIN SELECT * FROM people WHERE x = 37',
  "DO \$\$ DECLARE r record; BEGIN FOR r IN EXECUTE 'EXPLAIN SELECT * FROM people WHERE x = 37' LOOP RAISE NOTICE '%', r; END LOOP; END \$\$";
attack('statistics of columns', "SELECT count(*) FROM pg_stats WHERE tablename = 'people' AND schemaname = current_schema()",
	state => '00000', control => 'runs', moves => 0);
run_attacks();
is(DpAgg::value($node, 'analyst', "SELECT count(*) FROM pg_stats WHERE (schemaname, tablename) = ('public', 'people')"), '0',
	'pg_stats shows nothing of a protected table');
cmp_ok(DpAgg::value($node, 'analyst', "SELECT count(*) FROM pg_stats WHERE (schemaname, tablename) = ('plain', 'people')"), '>', 0,
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
		is("@nodes", '', 'a plan printed by code at plan time: ' . DpAgg::brief($sql));
	}
	my $r = script("${planner}SET search_path = plain, public; SELECT count(*), a.print_plan('a') FROM people WHERE x = 37;");
	like($r->{err}, qr/\{(INDEX|BITMAP|SEQ)/, 'a plan printed by code at plan time, without protection');

	my $sort = 'SET trace_sort = on; SET client_min_messages = log; SET enable_hashagg = off; SET enable_indexscan = off; SET enable_indexonlyscan = off;';
	my $sorted = 'SELECT clinic, dp_count(*) FROM visits GROUP BY clinic';
	foreach my $sql ("$sorted;", "BEGIN; DECLARE c CURSOR FOR $sorted; FETCH 1 c; COMMIT;", "BEGIN; DECLARE c CURSOR FOR $sorted; ROLLBACK;",
		'SELECT dp_count(*) FROM (SELECT pid, count(*) FROM visits GROUP BY pid) s;')
	{
		$r = script("$sort $sql");
		my @sorts = $r->{err} =~ /(begin tuple sort|external sort|sort of worker \S+ ended)/g;
		ok(@sorts <= 1, 'a sort below a release, traced, besides that of the result: ' . DpAgg::brief($sql)) or diag("@sorts");
		$r = script("$sort SET search_path = plain, public; " . on_copies($sql));
		like($r->{err}, qr/begin tuple sort/, 'seen without protection') unless $sql =~ /; ROLLBACK|pid/;
	}
}

finish();
