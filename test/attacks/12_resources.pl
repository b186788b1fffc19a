# Resources: memory, disk, depth, width, time and locks.  A leak: a limit that a
# person's row reaches ends the statement in another way, or a view of activity shows
# how many rows were read.  Running time itself stays visible (doc/threat-model.md).

use strict;
use warnings;
use Test::More;
use Attacks;
use Clients;

my $node = start('timing and resources', conf => "max_parallel_workers_per_gather = 2\n");
my $five = "p.name = 'p5'";

# ---------- a value that only one person has, and that is more than a limit ----------

attack("a limit: $_->[0]", $_->[1], alone => 1, state => '00000|DP002|DP003', before => $_->[3] // [], control => $_->[2] // 'differs', moves => $_->[4] // 5) foreach
  [ 'a long text', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN rpad(p.name, 1000000000) END IS NULL", "SELECT sum(length(rpad(p.name, 100))) FROM people p WHERE $five" ],
  [ 'a text of more than a gigabyte', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN replace(repeat(left(p.name, 1), 100000), 'p', repeat('b', 20000)) END IS NULL" ],
  [ 'a text that doubles', "SELECT dp_count(*) FROM (SELECT id, t || t || t || t || t AS t FROM (SELECT id, t || t || t || t || t AS t FROM (SELECT id, doc || doc || doc || doc AS t FROM wide) a) b) c WHERE length(t) > 100", 'SELECT sum(length(doc)) FROM wide' ],
  [ 'a pattern that is deep', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN repeat(left(p.name, 1), 100000) LIKE repeat('%p', 50000) || 'b' END IS NULL" ],
  [ 'a pattern that is long to match', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN 'aaaaaaaaaaaaaaaaaaaa' ~ '(a*)*b' END IS NULL", "SELECT sum(x) FROM people p WHERE $five AND NOT 'aaaaaaaaaaaaaaaaaaaa' ~ '(a*)*b'" ],
  [ 'a pattern too large', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN p.name ~ ('(' || repeat('a{200}', 200) || '){200}') END IS NULL" ],
  [ 'a large array', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN array_fill(1, ARRAY[p.x * 10000000]) END IS NULL" ],
  [ 'a large number', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN (repeat('9', 200000 + p.x))::numeric * 2 END IS NULL" ],
  [ 'a factorial', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN factorial(40000 + p.x) END IS NULL" ],
  [ 'a document that is deep', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN (repeat('[', 100000 + p.x) || repeat(']', 100000 + p.x))::jsonb END IS NULL" ],
  [ 'XML that is deep', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN (repeat('<a>', 10000 + p.x) || repeat('</a>', 10000 + p.x))::xml END IS NULL" ],
  [ 'a text search that is too long', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN to_tsvector('simple', repeat('x', 3000) || ' ' || repeat('abc def ', 300000)) END IS NULL", "SELECT sum(x) FROM people p WHERE $five" ],
  [ 'little memory, many keys', "SELECT count(*) FROM (SELECT p.x, o.n, count(*) FROM people p, a.nums o GROUP BY 1, 2) s", "SELECT sum(p.x) FROM people p", ["SET work_mem = '64kB'"] ],
  [ 'little memory, one person with many rows', 'SELECT dp_count(*) FROM (SELECT p.id, o.n, q.n, count(*) FROM people p, a.nums o, a.nums q GROUP BY 1, 2, 3) s', 'SELECT sum(p.x) FROM people p', ["SET work_mem = '64kB'"] ],
  [ 'little memory, distinct texts', "SELECT dp_count_distinct(p.name || o.n::text || rpad('', 200)) FROM people p, a.nums o WHERE dp_with(max_rows => 32)", 'SELECT sum(p.x) FROM people p', ["SET work_mem = '64kB'"], 40 ],
  [ 'a sort of wide rows', 'SELECT doc, count(*) FROM wide GROUP BY doc', 'SELECT sum(length(doc)) FROM wide', [ "SET work_mem = '64kB'", 'SET enable_hashagg = off' ] ],
  [ 'a recursive depth that a row decides', "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT max(x) FROM people WHERE id = 5)) SELECT dp_count(*) FROM people, r" ],
  [ 'a time that a row decides', "SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN pg_sleep(0.1) IS NULL ELSE true END", "SELECT sum(x) FROM people p WHERE CASE WHEN $five THEN pg_sleep(0.1) IS NOT NULL ELSE false END" ];
run_attacks();
no_crash('no crash by limits');

# ---------- queries that are large in themselves: the same on both versions ----------

my $deep = join('', map { "($_ + " } 1 .. 2000) . 'x' . ')' x 2000;
my $nested = 'people';
$nested = "(SELECT id, x, name, g FROM $nested) q$_" foreach 1 .. 150;
my $wide_list = join ', ', map { "dp_count(*) FILTER (WHERE x > $_)" } 1 .. 1500;
my $releases = join ', ', map { "(SELECT dp_count(*) FROM people WHERE x > $_)" } 1 .. 60;
attack("large: $_->[0]", $_->[1], state => '00000|DP002|DP003|5[34]\d\d\d', moves => $_->[2] // 5, control => $_->[3] // 'runs') foreach
  [ 'a deep expression', "SELECT dp_count(*) FROM people WHERE $deep > 0" ], [ 'deep sub-selects', "SELECT dp_count(*) FROM $nested" ], [ 'a wide list', "SELECT $wide_list FROM people", 1e300 ], [ 'many releases', "SELECT $releases" ],
  [ 'a long list of IN', 'SELECT dp_count(*) FROM people WHERE x IN (' . join(', ', 1 .. 20000) . ')' ], [ 'a long OR', 'SELECT dp_count(*) FROM people WHERE ' . join(' OR ', map { "x = $_" } 1 .. 3000) ],
  [ 'many keys', 'SELECT count(*) FROM (SELECT ' . join(', ', map { "x % $_" } 2 .. 100) . ', dp_count(*) FROM people GROUP BY ' . join(', ', 1 .. 99) . ') s' ], [ 'many joins', 'SELECT dp_count(*) FROM people p ' . join(' ', map { "JOIN pub k$_ ON k$_.k = p.x" } 1 .. 30) ],
  [ 'many UNION ALL', 'SELECT dp_count(*) FROM (' . join(' UNION ALL ', ('SELECT id FROM people') x 100) . ') s', 200 ], [ 'many CASEs', 'SELECT dp_sum(' . join('', map { "CASE WHEN x > $_ THEN $_ ELSE " } 1 .. 500) . '0' . ' END' x 500 . ', 0, 1) FROM people' ],
  [ 'many quantiles', 'SELECT dp_quantile(x, ARRAY[' . join(', ', map { $_ / 128 } 1 .. 128) . ']) FROM people', 1e300 ], [ 'a million rows of each', 'SELECT dp_count(*) FROM people WHERE dp_with(max_rows => 1000000, max_groups => 1000000)', 1e300 ],
  [ 'a million groups of each', 'SELECT count(*) >= 0 FROM (SELECT o.n, dp_count(*) FROM people, a.nums o WHERE dp_with(max_rows => 1000000, max_groups => 1000000) GROUP BY 1) s' ], [ 'a histogram of a thousand', 'SELECT array_length(dp_histogram(x, 0, 100, 1000), 1) FROM people', 5 ],
  [ 'many conditions', 'SELECT dp_count(*) FROM people WHERE ' . join(' AND ', map { "x <> -$_" } 1 .. 3000) ], [ 'a long constant', "SELECT dp_count(*) FROM people WHERE name <> '" . 'x' x 1000000 . "'" ];
attack('large: many parameters', 'EXECUTE many(' . join(', ', 1 .. 1000) . ')', state => '00000|DP002', control => 'runs', after => ['DEALLOCATE ALL'],
	before => [ 'PREPARE many(' . join(', ', ('int') x 1000) . ') AS SELECT dp_count(*) FROM people WHERE x IN (' . join(', ', map { "\$$_" } 1 .. 1000) . ')' ]);
run_attacks();
no_crash('no crash by size');

# ---------- every way to run it ----------

my @settings = ([ 'parallel', 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', DpAgg::force_parallel() . ' = on' ], [ 'jit', 'jit_above_cost = 0', 'jit_inline_above_cost = 0', 'jit_optimize_above_cost = 0' ],
	[ 'no hash', 'enable_hashagg = off', 'enable_hashjoin = off' ], [ 'no sort', 'enable_sort = off', 'enable_mergejoin = off' ], [ 'nested loops', 'enable_hashjoin = off', 'enable_mergejoin = off', 'enable_material = off', 'enable_memoize = off' ], [ 'indexes', 'enable_seqscan = off', 'enable_bitmapscan = off' ],
	[ 'bitmaps', 'enable_seqscan = off', 'enable_indexscan = off', 'enable_indexonlyscan = off' ], [ 'genetic', 'geqo_threshold = 2', 'from_collapse_limit = 1', 'join_collapse_limit = 1' ], [ 'cursors', 'cursor_tuple_fraction = 0' ], [ 'little memory', "work_mem = '64kB'", 'hash_mem_multiplier = 1' ],
	[ 'another format', "datestyle = 'SQL, DMY'", "intervalstyle = 'iso_8601'", 'extra_float_digits = -15', "bytea_output = 'escape'", "timezone = 'Pacific/Apia'" ], [ 'other numbers', 'extra_float_digits = 3', "lc_numeric = 'C'", 'xmloption = document' ], [ 'no standard strings', 'standard_conforming_strings = off', 'escape_string_warning = off', 'transform_null_equals = on', 'array_nulls = off' ],
	[ 'another planner', 'constraint_exclusion = on', 'enable_partitionwise_aggregate = on', 'enable_partitionwise_join = on', 'enable_incremental_sort = off', 'random_page_cost = 0', 'seq_page_cost = 1000000', 'cpu_operator_cost = 1000' ], [ 'another session', 'default_transaction_read_only = on', 'row_security = off', 'session_replication_role = origin' ],
	[ 'synchronous_commit off', 'synchronous_commit = off', 'commit_delay = 0' ], [ 'check_function_bodies off', 'check_function_bodies = off', "default_table_access_method = 'heap'", 'temp_buffers = 100' ]);
foreach my $settings (@settings)
{
	my ($name, @set) = @$settings;

	attack("settings: $name: $_", $_, before => [ map { "SET $_" } @set ], after => [ 'RESET ALL', "SET statement_timeout = '120s'", 'SET dp_agg.delta = 1e-7' ], state => '00000|DP002|DP003', moves => 5, control => 'SELECT sum(x) FROM people') foreach
	  'SELECT dp_count(*) FROM people p WHERE 1 / (id - 5) = 0 OR x > 0', 'SELECT dp_count(*) FROM people p JOIN visits v ON v.pid = p.id JOIN pub ON k = p.x WHERE p.id <= 5', 'SELECT g, dp_count(*) FROM people GROUP BY g ORDER BY g',
	  'SELECT dp_count(*) FROM people p WHERE id IN (SELECT pid FROM visits WHERE cost >= 0) AND NOT EXISTS (SELECT FROM visits v WHERE v.pid = p.id AND v.cost < 0)';
}
run_attacks();

# ---------- activity and locks ----------

# What another session of the analyst sees of one whose release is under way.
{
	my $slow = 'SELECT dp_count(*) FROM people p, a.nums a, a.nums b, a.nums c WHERE lower(p.name || p.name) <> $$a$$';
	my %seen;

	foreach my $table ('public', 'plain')
	{
		my $sql = $table eq 'plain' ? 'CREATE TEMPORARY TABLE t AS SELECT p.id FROM people p, a.nums a, a.nums b, a.nums c' : $slow;
		my $client = Clients::start($node, 'analyst', "SET search_path = $table, public; SET statement_timeout = '8s'; SET track_activities = on;\n$sql;");
		$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ 'a.nums b' AND state = 'active' AND pid <> pg_backend_pid()");
		sleep 1;
		$seen{$table} = DpAgg::value($node, 'analyst', 'SELECT (SELECT count(*) FROM pg_stat_progress_create_index) + (SELECT count(*) FROM pg_stat_progress_copy) + (SELECT count(*) FROM pg_stat_progress_analyze),
			(SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.query ~ $$pg_toast|tuples$$ AND pid <> pg_backend_pid()), (SELECT count(*) FROM pg_locks WHERE locktype IN ($$tuple$$, $$page$$))');
		$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ 'a.nums b' AND pid <> pg_backend_pid()");
		Clients::finish(30, $client);
	}
	attacked($seen{public} eq '0|0|0', 'views of progress and locks show nothing of a release under way') or diag($seen{public});
	control(defined $seen{plain}, 'though it was under way');
}

# A lock that another session holds: the same end, whatever the data, and no row.
{
	my @states;

	foreach my $with (1, 0)
	{
		version($with) if !$with;
		my $client = Clients::start($node, 'admin', "BEGIN; LOCK TABLE people IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT;");
		$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE relation = 'people'::regclass AND mode = 'AccessExclusiveLock' AND granted");
		my $r = session('analyst', "SET lock_timeout = '200ms'; SELECT dp_count(*) FROM people WHERE id = 5; SELECT dp_count(*) FROM people");
		push @states, "$r->{states} $r->{out}";
		Clients::finish(30, $client);
	}
	version(1);
	attacked($states[0] eq $states[1], 'a lock that is waited for tells nothing') or diag("@states");
	control($states[0] =~ /55P03/, 'though it was waited for') or diag("@states");
}

finish();
