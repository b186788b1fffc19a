# Channels beside the answer: what the server counts, prints and locks while an
# analyst's release runs (doc/threat-model.md).  The same statements on copies of
# the tables, which the analyst may read, show that the comparison would notice.

use strict;
use warnings;
use Test::More;
use DpAgg;

my $node = DpAgg::node('channels', conf => "autovacuum = off\ndp_agg.index_scans = on\n");

$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA copies;
GRANT USAGE ON SCHEMA copies TO analyst;
CREATE TABLE visits (id int NOT NULL, clinic text, cost int NOT NULL);
CREATE TABLE letters (id int NOT NULL, body text);
ALTER TABLE letters ALTER body SET STORAGE EXTERNAL;
INSERT INTO visits SELECT p, 'clinic ' || p % 4, p % 40 FROM generate_series(1, 20000) p, generate_series(1, 3) v;
INSERT INTO letters SELECT p, repeat('x', 5000) FROM generate_series(1, 300) p;
CREATE INDEX visits_id ON visits (id);
CREATE TABLE copies.visits (LIKE visits INCLUDING ALL);
CREATE TABLE copies.letters (LIKE letters INCLUDING ALL);
INSERT INTO copies.visits TABLE visits;
INSERT INTO copies.letters TABLE letters;
GRANT SELECT ON ALL TABLES IN SCHEMA copies TO analyst;
SELECT dp_agg.protect('visits', 'id', 'people', max_groups => 4, max_rows => 10), dp_agg.protect('letters', 'id', 'people');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 100);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e6, delta => 0.1);
SQL
$node->safe_psql('postgres', 'VACUUM ANALYZE');

# All counters of the tables, their indexes and TOAST, and what the database
# counts of temporary files, as the analyst sees them.
my $counters = <<'SQL';
WITH ours AS (SELECT unnest(ARRAY[c.oid, c.reltoastrelid]) AS relid FROM pg_class c WHERE c.relname IN ('visits', 'letters') AND c.relkind = 'r')
SELECT row_to_json(s) FROM pg_stat_all_tables s JOIN ours USING (relid)
UNION ALL SELECT row_to_json(s) FROM pg_statio_all_tables s JOIN ours USING (relid)
UNION ALL SELECT row_to_json(s) FROM pg_stat_all_indexes s JOIN ours USING (relid)
UNION ALL SELECT row_to_json(s) FROM pg_statio_all_indexes s JOIN ours USING (relid)
UNION ALL SELECT row_to_json(s) FROM (SELECT temp_files, temp_bytes, blk_read_time FROM pg_stat_database WHERE datname = current_database()) s
UNION ALL SELECT row_to_json(s) FROM (SELECT count(*) AS functions FROM pg_stat_user_functions) s
SQL

my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;';
my $spill = "SET work_mem = '64kB';";
my $groups = 'SELECT clinic, count(*) FROM visits GROUP BY clinic';

# [ what, statements ]; run in a session of their own
my @work = (
	[ 'a scan', 'SELECT count(*) FROM visits' ],
	[ 'an index scan', 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*), avg(cost) FROM visits WHERE id < 500' ],
	[ 'an index-only scan', 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM visits WHERE id < 500' ],
	[ 'a bitmap scan', 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SELECT avg(cost) FROM visits WHERE id < 500' ],
	[ 'parallel workers', "$parallel $groups" ],
	[ 'sorts on disk', "$spill SET enable_hashagg = off; SET enable_indexscan = off; SELECT clinic, count(DISTINCT id) FROM visits GROUP BY clinic", 'temp' ],
	[ 'sorts on disk, by parallel workers', "$spill $parallel SET enable_hashagg = off; SELECT clinic, count(DISTINCT id) FROM visits GROUP BY clinic", 'temp' ],
	[ 'sub-plans on disk', "$spill SET enable_hashagg = off; SET enable_sort = on; SELECT count(*) FROM visits v WHERE v.id = 7 AND (SELECT count(*) FROM (SELECT DISTINCT c.cost + c.id + v.id * 0 FROM copies.visits c OFFSET 0) q) > 5", 'temp' ],
	[ 'hash tables on disk', "$spill SET enable_sort = off; SET enable_indexscan = off; SELECT count(*) FROM (SELECT id, count(*) AS n FROM visits GROUP BY id) s WHERE n > 1", 'temp' ],
	[ 'TOAST', 'SELECT count(*) FROM letters WHERE length(body) > 100' ],
	[ 'a join', 'SELECT count(*) FROM visits JOIN letters USING (id)' ],
	[ 'a cursor', "BEGIN; DECLARE c CURSOR FOR $groups; FETCH 1 FROM c; FETCH ALL FROM c; COMMIT" ],
	[ 'a cursor with hold', "DECLARE c CURSOR WITH HOLD FOR $groups; FETCH 1 FROM c; CLOSE c" ],
	[ 'a cursor that is rolled back', "$spill SET enable_hashagg = off; SET enable_indexscan = off; BEGIN; DECLARE c CURSOR FOR SELECT clinic, count(DISTINCT id) FROM visits GROUP BY clinic; FETCH 1 FROM c; ROLLBACK", 'temp' ],
	[ 'one that is rolled back to a savepoint', "$spill SET enable_hashagg = off; SET enable_indexscan = off; BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT clinic, count(DISTINCT id) FROM visits GROUP BY clinic; FETCH 1 FROM c; ROLLBACK TO s; COMMIT", 'temp' ],
	[ 'an error above the release', q{DO $$ BEGIN PERFORM 1 / (c - c) FROM (SELECT count(*) AS c FROM visits) s; EXCEPTION WHEN division_by_zero THEN NULL; END $$} ],
	[ 'a prepared statement', 'PREPARE p(int) AS SELECT count(*) FROM visits WHERE id < $1; EXECUTE p(10); EXECUTE p(2000)' ],
	[ 'a function', q{DO $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM visits; END $$} ]);

sub counters
{
	return DpAgg::value($node, 'analyst', $counters);
}

sub temp_bytes
{
	my ($bytes) = $_[0] =~ /"temp_bytes":(\d+)/ or die $_[0];

	return $bytes;
}

sub run_work
{
	my ($sql) = @_;

	return DpAgg::as($node, 'analyst', "$sql;\nSELECT pg_stat_force_next_flush();\nSELECT 1");
}

foreach my $work (@work)
{
	my ($what, $sql, $temp) = @$work;
	my $before = counters();
	my $r = run_work($sql);

	is($r->{sqlstate}, '00000', "$what: runs") or diag($r->{err});
	is(counters(), $before, "$what: moves no counter");
	$r = run_work("SET search_path = copies; $sql");
	my $after = counters();
	isnt($after, $before, "$what: would, without protection") or diag($r->{err});
	isnt(temp_bytes($after), temp_bytes($before), "$what: and uses disk") if $temp;
}

# ---------- locks ----------

my $locks = 'SELECT locktype, relation::regclass, mode, page, tuple FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384 ORDER BY 2, 3';
my ($there, $gone) = map {
	DpAgg::value($node, 'analyst', "BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM visits WHERE id = $_; MOVE c; $locks")
} 77, 77777;
is($there, $gone, 'locks are the same, whoever is there');
like($there, qr/^relation\|visits\|AccessShareLock\|\|$/m, 'and are on whole relations');

# ---------- what PostgreSQL keeps to itself ----------

DpAgg::refused($node, 'analyst', "SELECT count(*) FROM $_", '42501')
  foreach qw(pg_backend_memory_contexts pg_shmem_allocations pg_statistic pg_statistic_ext_data pg_hba_file_rules pg_file_settings), 'pg_ls_tmpdir()';

# ---------- messages ----------

# auto_explain, durations and lock waits at their loudest, sent to the client
$node->safe_psql('postgres', join ';', map { "ALTER ROLE analyst SET $_" }
	"session_preload_libraries = 'auto_explain'", 'auto_explain.log_min_duration = 0', 'auto_explain.log_analyze = on', 'auto_explain.log_buffers = on',
	'auto_explain.log_wal = on', 'auto_explain.log_nested_statements = on', 'log_duration = on', 'log_min_duration_statement = 0', 'log_lock_waits = on',
	'log_parser_stats = on', 'log_temp_files = 0');
foreach my $sql ($groups, 'SELECT avg(cost) FROM visits WHERE cost < 30')
{
	my $loud = "SET client_min_messages = debug5; $spill SET jit_above_cost = 0; SET enable_hashagg = off; SET enable_indexscan = off;";
	my $r = DpAgg::as($node, 'analyst', "$loud $sql");
	my $plain = DpAgg::as($node, 'analyst', "$loud SET search_path = copies; $sql");

	like($r->{err}, qr/Custom Scan \(DP Release\)/, 'auto_explain shows the client the release: ' . DpAgg::brief($sql));
	unlike($r->{err}, qr/Seq Scan|Sort|Aggregate|Rows Removed|Buffers: [^\n]*temp|temporary file/, 'and nothing below it');
	like($plain->{err}, qr/Seq Scan/, 'as it does without protection');
}

$node->stop;
done_testing();
