# Columns whose indexes releases may use (dp_agg.protect(..., index_columns => ...)).
#
# Which conditions look rows up, and which read the whole table; that answers are the same; that a declaration
# follows its column, ends at once when it is taken back, and is refused for the unit; that no counter
# moves.  A superuser has plans printed, which analysts are refused; the planner does the same for both.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('index_columns', conf => "autovacuum = off\ntimezone = 'UTC'\nmax_worker_processes = 12\nlog_min_error_statement = panic\n");

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE visits (pid int NOT NULL, visited date NOT NULL, at timestamptz, clinic text, cost numeric, n int, note text, feel mood);
INSERT INTO visits SELECT i / 10, date '2020-01-01' + (i / 300) % 1000, timestamptz '2020-01-01' + i * interval '1 minute', 'c' || i % 10, i % 100,
	NULLIF(i % 1000, 999), 'note ' || i % 3, 'ok' FROM generate_series(0, 149999) i;
CREATE INDEX visits_visited ON visits (visited);
CREATE INDEX visits_n ON visits (n) INCLUDE (pid);
CREATE INDEX visits_pid ON visits (pid);
CREATE INDEX visits_pid_visited ON visits (pid, visited);
CREATE INDEX visits_clinic ON visits (clinic, visited, cost);
CREATE INDEX visits_part ON visits (n) WHERE cost > 50;
CREATE INDEX visits_expression ON visits ((n % 7));
CREATE INDEX visits_at ON visits USING brin (at) WITH (pages_per_range = 4);
CREATE INDEX visits_hash ON visits USING hash (clinic);
CREATE TABLE events (pid int NOT NULL, day date NOT NULL, points int, kind text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 (kind text, points int, day date NOT NULL, pid int NOT NULL);
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE INDEX ON events (points);
CREATE INDEX ON events (pid);
INSERT INTO events SELECT i % 5000, date '2024-01-01' + i % 60, i % 1000, 'k' || i % 3 FROM generate_series(0, 49999) i;
CREATE TABLE kin (pid int NOT NULL, x int, g text);
CREATE TABLE kin_child (extra int, x int, pid int NOT NULL) INHERITS (kin);
CREATE INDEX kin_x ON kin (x);
CREATE INDEX child_x ON kin_child (x);
CREATE INDEX child_extra ON kin_child (extra);
INSERT INTO kin SELECT i, i % 500, 'g' FROM generate_series(0, 19999) i;
INSERT INTO kin_child (pid, x, g, extra) SELECT i, i % 500, 'h', i % 500 FROM generate_series(20000, 39999) i;
CREATE MATERIALIZED VIEW seen AS SELECT pid, n AS x FROM visits;
CREATE INDEX seen_x ON seen (x);
CREATE TABLE letters (pid int NOT NULL, day int NOT NULL, body text);
ALTER TABLE letters ALTER body SET STORAGE EXTERNAL;
INSERT INTO letters SELECT i, i % 1000, repeat('x', CASE WHEN i % 100 = 0 THEN 4000 ELSE 10 END) FROM generate_series(0, 29999) i;
CREATE INDEX letters_day ON letters (day);
CREATE TABLE pub (k int PRIMARY KEY, label text);
INSERT INTO pub SELECT i, 'label ' || i % 3 FROM generate_series(0, 999) i;
VACUUM ANALYZE;
SET client_min_messages = warning;
SELECT dp_agg.protect('visits', 'pid', 'people', max_groups => 4, max_rows => 10, max_total => 10, index_columns => '{visited,at,n,clinic,cost}'),
	dp_agg.protect('events', 'pid', 'people', max_groups => 3, max_rows => 10, index_columns => '{points}'),
	dp_agg.protect('kin', 'pid', 'people', index_columns => '{x}'), dp_agg.protect('seen', '{pid}'::name[], 'people', index_columns => '{x}', max_rows => 10),
	dp_agg.protect('letters', 'pid', 'people', index_columns => '{day}');
SELECT dp_agg.set_bounds('visits', 'visited', '2020-01-01', '2022-12-31'), dp_agg.set_bounds('visits', 'n', 0, 1000), dp_agg.set_bounds('visits', 'cost', 0, 100), dp_agg.set_bounds('visits', 'at', '2020-01-01', '2021-01-01'),
	dp_agg.set_bounds('events', 'points', 0, 1000), dp_agg.set_bounds('kin', 'x', 0, 500), dp_agg.set_bounds('seen', 'x', 0, 1000), dp_agg.set_bounds('letters', 'day', 0, 1000);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.5);
CREATE SCHEMA copies;
CREATE TABLE copies.visits (LIKE visits INCLUDING ALL);
INSERT INTO copies.visits TABLE visits;
VACUUM ANALYZE copies.visits;
GRANT USAGE ON SCHEMA copies TO analyst;
GRANT SELECT ON copies.visits, pub TO analyst;
SQL
chomp(my $superuser = $node->safe_psql('postgres', 'SELECT current_user'));

sub dba { return $node->safe_psql('postgres', join(';', @_)); }

my %index;

# planned(SQL, SETTINGS): how the plans that are made when SQL runs read tables, in order.
sub planned
{
	my ($sql, $settings) = (@_, '');
	my $script = "$settings;\nSET client_min_messages = log; SET debug_pretty_print = off; SET debug_print_plan = on;\n$sql;\n";
	my $printed = "$PostgreSQL::Test::Utils::tmp_check/printed";

	run_log([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$script, '>', '/dev/null', '2>', $printed);
	my $err = slurp_file($printed) =~ s/\s+/ /gr;
	my @found = $err =~ /\{(SEQSCAN|INDEXSCAN|INDEXONLYSCAN|BITMAPAND|BITMAPOR|BITMAPINDEXSCAN)\b|:indexid (\d+)|DP\\ (Scan)\b/g;

	return $1 if $err =~ /(ERROR: .{0,100})/;
	return join ' ', map { /^\d+$/ ? $index{$_} //= dba("SELECT $_\::regclass") : $_ } grep { defined } @found;
}

sub explained { my ($sql, $settings) = (@_, ''); return planned("EXPLAIN $sql", $settings); }

# ---------- which conditions look rows up ----------

my $count = 'SELECT dp_count(*) FROM visits WHERE';
my $seq = qr/^(SEQSCAN ?)+$/;
my $by = sub { my ($name) = @_; return qr/^(?!.*SEQSCAN)(?=.*SCAN)(?=.*\b$name\b)(?!.*visits_(?!$name\b|visited\b|n\b|clinic\b|at\b))/; };
my @look_ups = (
	[ "visited = '2020-05-05'", 'visits_visited' ], [ "visited BETWEEN '2020-05-05' AND '2020-05-09'", 'visits_visited' ], [ "'2020-01-03' >= visited", 'visits_visited' ],
	[ "visited > date '2020-03-01' - interval '5 days' AND visited < date '2020-03-01'", 'visits_visited' ], [ "visited >= date '2020-03-01' - 5 AND visited < '2020-03-01'", 'visits_visited' ],
	[ "visited BETWEEN now() - interval '900 days' AND now() - interval '890 days'", 'visits_visited' ], [ "visited = current_date - 3000", 'visits_visited' ],
	[ "visited IN ('2020-05-05', '2020-07-07')", 'visits_visited' ], [ "n = ANY ('{1,2}'::int[])", 'visits_n' ], [ 'n IS NULL', 'visits_n' ], [ 'n BETWEEN 5 AND 7', 'visits_n' ], [ 'n = 5::bigint', 'visits_n' ],
	[ 'n = 3 OR n = 9', 'visits_n' ], [ "n = 3 OR visited = '2020-02-02'", 'visits_n' ], [ "n = 3 AND visited = '2020-05-05'", '(?:visits_n|visits_visited)' ],
	[ "clinic = 'c3' AND visited = '2020-05-05'", 'visits_clinic' ], [ "clinic = 'c3' AND visited = '2020-05-05' AND cost = 3", 'visits_clinic' ],
	[ "at >= '2020-02-01' AND at < '2020-02-02'", 'visits_at' ], [ "at < timestamptz '2020-01-02' - interval '3 hours'", 'visits_at' ], [ "at < date '2020-01-03' - interval '1 day'", 'visits_at' ],
	[ "pid = 7 AND visited < '2020-01-05'", 'visits_visited' ], [ "n BETWEEN 5 AND 7 AND note = 'note 1' AND cost > 60", 'visits_n' ], [ "(n, pid) > (995, 3) AND n < 998", 'visits_n' ]);
my @whole = ('true', 'pid = 7', 'pid IN (7, 8)', 'pid < 8', 'n = pid', 'n + 1 = 4', 'n % 7 = 3', 'n = (SELECT max(x) FROM (VALUES (1), (2)) t (x))', 'n > (SELECT max(k) - 3 FROM pub)', "visited::text = '2020-05-05'",
	"note = 'note 1'", "feel = 'sad'", "pid = 7 AND n % 7 = 2", 'n = 3 OR pid = 7', "note = 'note 1' OR n = 3", 'cost = 3', 'n = visited - date \'2020-01-01\'', "(SELECT count(*) FROM events e WHERE e.pid = visits.pid AND e.points = visits.n) > 0");

foreach my $c (@look_ups)
{
	like(explained("$count $c->[0]"), $by->($c->[1]), "looked up by $c->[1]: $c->[0]");
}
like(explained("$count $_"), $seq, "read whole: $_") foreach @whole;
like(explained("$count pid = 7 AND visited BETWEEN '2020-05-05' AND '2020-05-09'", 'SET enable_seqscan = off'), qr/^(?=.*visits_visited)(?!.*visits_pid)/, 'nor is the unit looked up in an index where it stands first');
like(explained("$count $_", 'SET enable_seqscan = off; SET enable_indexonlyscan = off'), qr/^SEQSCAN$/, "whatever it is said to cost: $_") foreach grep { !/SELECT|^cost/ } @whole;
like(explained("$count n = 5", "SET enable_bitmapscan = off; SET enable_seqscan = off"), qr/^(INDEXSCAN|INDEXONLYSCAN) visits_n$/, 'by a scan of an index');
like(explained("$count n = 5", "SET enable_bitmapscan = off; SET enable_seqscan = off; SET enable_indexscan = off; SET dp_agg.bound_node = on"), qr/^(INDEXONLYSCAN visits_n|SEQSCAN)/, 'by a scan of an index alone');
like(explained("$count n BETWEEN 5 AND 800"), $seq, 'a range that is large by declared bounds reads the whole table');
like(explained("SELECT clinic, dp_count(*), dp_avg(cost) FROM visits WHERE n < 5 GROUP BY clinic"), qr/^BITMAPINDEXSCAN visits_n$/, 'with groups');
like(explained("SELECT label, dp_count(*) FROM visits v JOIN pub ON k = v.n WHERE v.visited = '2020-05-05' GROUP BY label"), qr/visits_visited/, 'beside a public table');
like(explained('SELECT dp_count(*) FROM visits v JOIN pub ON k = v.n WHERE k = 5'), qr/visits_n/, 'by what the query says of an equal column');
like(explained('SELECT dp_count(*) FROM visits v JOIN pub ON k = v.n', 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_indexonlyscan = off'), $seq, 'but not by the rows of a public table');
like(explained("SELECT dp_count(*) FROM visits v JOIN kin p USING (pid) WHERE v.n = p.x AND v.visited < '2020-01-05'"), qr/^(?=.*visits_visited)(?!.*visits_n\b)(?!.*kin_x)/, 'nor by those of a protected one');
like(explained('SELECT dp_count(*) FROM events WHERE points = 5'), qr/^(BITMAPINDEXSCAN|INDEXSCAN) events_1_points_idx (BITMAPINDEXSCAN|INDEXSCAN) events_2_points_idx$/, 'in partitions');
like(explained("SELECT dp_count(*) FROM events WHERE points = 5 AND day >= '2024-02-01'"), qr/^(BITMAPINDEXSCAN|INDEXSCAN) events_2_points_idx$/, 'in those that a constant leaves');
like(explained('SELECT dp_count(*) FROM kin WHERE x = 5'), qr/^(?!.*SEQ)(?=.*kin_x)(?=.*child_x)/, 'in children, whose columns are in another order');
like(explained('SELECT dp_count(*) FROM seen WHERE x = 5'), qr/seen_x/, 'in a materialized view');
like(explained('SELECT dp_count(*) FROM letters WHERE day = 5'), qr/letters_day/, 'where values out of line are not read');
is(explained('SELECT dp_count(*) FROM letters WHERE day = 5 AND body LIKE $$x%$$'), 'Scan', 'where they are, the whole table is read');
like(explained("SELECT dp_count(*) FROM visits WHERE n = 5", 'SET dp_agg.index_scans = on'), qr/visits_n/, 'beside the setting index_scans');

# ---------- answers ----------

my $sharp = 'SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-6';
my @forms = ('SELECT 1', 'SET enable_bitmapscan = off; SET enable_seqscan = off', 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET work_mem = $$64kB$$',
	'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0');
foreach my $form (@forms)
{
	my @conditions = map { $_->[0] } @look_ups;
	my @settings = split /; /, "$sharp; $form";
	my @ours = map { $_->{out} } DpAgg::bulk($node, 'analyst', [ @settings, map { "SELECT dp_count(*) FROM visits WHERE $_" } @conditions ]);
	my @theirs = map { dba("SELECT count(*) FROM visits WHERE $_") } @conditions;

	splice @ours, 0, @settings;
	# of few people nothing is shown
	is(join("\n", map { "$conditions[$_]: $ours[$_], not $theirs[$_]" } grep { $ours[$_] ne $theirs[$_] && ($theirs[$_] >= 40 || $ours[$_] !~ /^0?$/) } 0 .. $#conditions), '', "answers: $form");
	cmp_ok(scalar(grep { $_ >= 40 } @theirs), '>', 15, 'most of them of many people');
}
is(DpAgg::value($node, 'analyst', "$sharp; SELECT clinic, dp_count(*) FROM visits WHERE n BETWEEN 5 AND 50 GROUP BY clinic ORDER BY 1"), dba('SELECT clinic, count(*) FROM visits WHERE n BETWEEN 5 AND 50 GROUP BY clinic ORDER BY 1'), 'answers of groups');
is(DpAgg::value($node, 'analyst', "$sharp; SELECT dp_count(*) FROM $_->[0]"), dba("SELECT count(*) FROM $_->[0]"), "answers: $_->[0]")
  foreach [ 'events WHERE points BETWEEN 5 AND 20' ], [ 'kin WHERE x = 5' ], [ 'seen WHERE x BETWEEN 5 AND 6' ], [ "letters WHERE day = 100 AND body LIKE 'x%'" ];

# Parameters, in plans for all values and for one; what is prepared sees what came later.
foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	my $run = "$sharp; SET plan_cache_mode = $mode; PREPARE q(int, date) AS SELECT dp_count(*) FROM visits WHERE n BETWEEN \$1 AND \$1 + 1 OR visited = \$2";

	like(planned("$run; EXECUTE q(3, '2020-01-01')"), qr/^(?!.*SEQ).*BITMAPOR/, "$mode: looks up by parameters");
	is(DpAgg::value($node, 'analyst', "$run; EXECUTE q(3, '2020-02-02'); EXECUTE q(7, '2020-03-03')"), dba(map { "SELECT count(*) FROM visits WHERE n BETWEEN $_->[0] AND $_->[0] + 1 OR visited = '$_->[1]'" } [ 3, '2020-02-02' ], [ 7, '2020-03-03' ]), "$mode: answers");
}

# ---------- nothing is counted ----------

{
	my $counters = q{SELECT string_agg(format('%s %s %s %s', relname, indexrelname, idx_scan, idx_tup_read + idx_tup_fetch), E'\n' ORDER BY indexrelname) FROM pg_stat_user_indexes WHERE relname IN ('visits', 'events_1') AND schemaname = 'SCHEMA'};
	my $tables = q{SELECT row_to_json(s) FROM pg_stat_user_tables s WHERE relname IN ('visits', 'events_1') AND schemaname = 'SCHEMA'};
	my $io = q{SELECT row_to_json(s) FROM pg_statio_user_indexes s WHERE relname IN ('visits', 'events_1') AND schemaname = 'SCHEMA'};
	my $seen = sub { my ($schema) = @_; return join "\n", map { DpAgg::value($node, 'analyst', s/SCHEMA/$schema/r) } $counters, $tables, $io; };
	my %before = map { $_ => $seen->($_) } 'public', 'copies';

	foreach my $form (@forms)
	{
		DpAgg::value($node, 'analyst', "$sharp; $form; SET search_path = $_->[0], public; SELECT $_->[1] FROM visits WHERE n = 5; SELECT $_->[1] FROM visits WHERE visited < '2020-01-05'; SELECT pg_stat_force_next_flush()") foreach [ 'public', 'dp_count(*)' ], [ 'copies', 'count(*)' ];
	}
	is($seen->('public'), $before{public}, 'no counter of an index or a table moves');
	isnt($seen->('copies'), $before{copies}, 'they would, without protection');
}

# ---------- the declaration ----------

sub declared { return dba("SELECT index_columns FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass"); }
my $protect = q{SELECT dp_agg.protect('visits', 'pid', 'people', max_groups => 4, max_rows => 10};

is(declared(), '{visited,at,clinic,cost,n}', 'declared columns, in the order of the table');
dba("$protect, max_total => 10)");
is(declared(), '{visited,at,clinic,cost,n}', 'protecting again leaves them');
dba("$protect, index_columns => NULL)");
is(declared(), '{visited,at,clinic,cost,n}', 'and so does NULL');
dba('BEGIN', 'ALTER TABLE visits RENAME n TO number', 'CREATE TEMP TABLE told AS SELECT index_columns FROM dp_agg.protected_relations WHERE relation = $$visits$$::regclass', 'COMMIT');
is(declared(), '{visited,at,clinic,cost,number}', 'a column keeps its declaration under another name');
like(explained("$count number = 5"), qr/visits_n/, 'and is looked up');
dba('ALTER TABLE visits RENAME number TO n');
is(dba(q{SELECT count(*) FROM pg_seclabels WHERE objname IN ('public.visits.n', 'visits.n') AND label::jsonb @> '{"index": true}'}), 1, 'it is in the label of the column, which dumps carry');

DpAgg::refused($node, $superuser, "$protect, index_columns => '{$_->[0]}')", $_->[1], "refused: $_->[0]") foreach [ 'pid', '22023' ], [ 'visited,pid', '22023' ], [ 'nothing', '42703' ];
DpAgg::refused($node, $superuser, q{SECURITY LABEL FOR dp_agg ON COLUMN visits.pid IS '{"unit": 1, "index": true}'}, '22023', 'nor by hand');
DpAgg::refused($node, $superuser, q{SECURITY LABEL FOR dp_agg ON COLUMN visits.n IS '{"index": 1}'}, '22023', 'a label says true or false');
dba('CREATE TABLE made (pid int NOT NULL, half int GENERATED ALWAYS AS (pid / 2) STORED, twice int GENERATED ALWAYS AS (x * 2) STORED, x int UNIQUE, z int)');
DpAgg::refused($node, $superuser, q{SELECT dp_agg.protect('made', 'pid', 'people', index_columns => '{half}')}, '22023', 'nor a column that is computed from the unit');
{
	my $r = DpAgg::as($node, $superuser, q{SELECT dp_agg.protect('made', 'pid', 'people', index_columns => '{twice,x,z}')});

	is($r->{sqlstate}, '00000', 'one that is computed from another is none');
	is(join(' ', $r->{err} =~ /conditions on column "(\w+)"/g), 'twice z', 'columns without an index are told') or diag($r->{err});
}
dba(q{SELECT dp_agg.classify('made', 'z', 'direct_identifier')});
DpAgg::refused($node, $superuser, q{SELECT dp_agg.protect('made', 'pid', 'people', index_columns => '{z}')}, '22023', 'nor a direct identifier');
dba(q{SELECT dp_agg.classify('made', 'z', NULL), dp_agg.protect('made', 'x', 'others')});
is(dba(q{SELECT index_columns FROM dp_agg.protected_relations WHERE relation = 'made'::regclass}), '{twice,z}', 'a column that becomes the unit is declared no more');
DpAgg::refused($node, 'analyst', q{SECURITY LABEL FOR dp_agg ON COLUMN visits.note IS '{"index": true}'}, '42501', 'an analyst declares nothing');

is(dba(q{SELECT string_agg(concat_ws('|', severity, object, finding ~ 'visited, at, clinic, cost, n: running time'), E'\n') FROM dp_agg.check_hardening() WHERE topic = 'index columns' AND object LIKE '%visits'}), 'low|public.visits|t', 'check_hardening() names the columns');
dba('CREATE UNIQUE INDEX made_twice ON made (twice)');
is(dba(q{SELECT severity FROM dp_agg.check_hardening() WHERE topic = 'index columns' AND object LIKE '%made'}), 'medium', 'worse, where one is unique');
like(dba(q{SELECT finding FROM dp_agg.check_hardening() WHERE topic = 'partitions' AND object LIKE '%events'}), qr/which of them a condition on their key leaves out/, 'and what pruning shows');

# ---------- until it is taken back ----------

like(planned("SET plan_cache_mode = force_generic_plan; PREPARE q(int) AS $count n = \$1; EXECUTE q(5); SELECT 'taken back'; $protect, index_columns => '{visited}'); EXECUTE q(5)"),
	qr/^[A-Z]+ visits_n\b.*SEQSCAN$/s, 'a prepared statement is planned anew');
is(declared(), '{visited}', 'others are taken back');
like(explained("$count n = 5"), $seq, 'and read whole');
like(explained("$count visited = '2020-05-05'"), qr/visits_visited/, 'what is left is looked up');
like(explained("$count clinic = 'c3' AND visited = '2020-05-05'"), qr/^(?=.*visits_visited)(?!.*visits_clinic)/, 'not behind a column that is not declared');
like(explained("$count visited = '2020-05-05' AND cost = 3", 'SET enable_seqscan = off'), qr/^(?=.*visits_visited)(?!.*visits_clinic)/, 'nor before one');

# Code that runs between planning and execution takes it back, or drops the index.
dba(q{CREATE FUNCTION relabel() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM dp_agg.protect('visits', 'pid', 'people', max_groups => 4, max_rows => 10, index_columns => '{}'); RETURN 0; END $$});
my $late = "$sharp; BEGIN; WITH r AS MATERIALIZED ($count visited < '2020-01-05') SELECT n FROM (SELECT dp_count AS n FROM r) s WHERE n > relabel()";
DpAgg::refused($node, $superuser, $late, 'DP002', 'a plan that was made before a declaration was taken back is refused');
is(declared(), '{visited}', 'which was rolled back');
DpAgg::works($node, $superuser, $late =~ s/'\{\}'/'{visited}'/r =~ s/visited < '2020-01-05'/true/r, 'one that reads the whole table is not');
{
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'analyst' ]);

	my $prepared = DpAgg::ask($session, "SET plan_cache_mode = force_generic_plan; $sharp; PREPARE q(date) AS SELECT dp_count(*) FROM visits WHERE visited < \$1; EXECUTE q('2020-01-05')");
	my $true = dba("SELECT count(*) FROM visits WHERE visited < '2020-01-05'");

	is($prepared, $true, 'a prepared statement');
	dba('DROP INDEX visits_visited');
	is(DpAgg::ask($session, q{EXECUTE q('2020-01-05')}), $true, 'outlives the index');
	dba('CREATE INDEX visits_visited ON visits (visited)', "$protect, index_columns => '{}')");
	is(DpAgg::ask($session, q{EXECUTE q('2020-01-05')}), $true, 'and the declaration');
	$session->quit;
}
is(declared(), '', '{} takes all back');
like(explained("$count $_->[0]", 'SET enable_seqscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = on'), qr/^SEQSCAN/, "read whole: $_->[0]") foreach @look_ups;

# An invalid index is none.
dba("$protect, index_columns => '{visited}')", q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'visits_visited'::regclass});
like(explained("$count visited = '2020-05-05'"), $seq, 'an invalid index is not used');
dba(q{UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'visits_visited'::regclass});

# ---------- policies, grains ----------

dba(q{ALTER TABLE visits ENABLE ROW LEVEL SECURITY}, q{CREATE POLICY since ON visits TO analyst USING (visited >= '2020-03-01')});
is(DpAgg::value($node, 'analyst', "$sharp; SELECT dp_count(*) FROM visits WHERE visited < '2020-03-03'"), dba(q{SELECT count(*) FROM visits WHERE visited >= '2020-03-01' AND visited < '2020-03-03'}), 'policies hold');
dba('DROP POLICY since ON visits', 'ALTER TABLE visits DISABLE ROW LEVEL SECURITY', q{SELECT dp_agg.set_grain('visits', 'visited', '1 month')});
is(DpAgg::value($node, 'analyst', "SET client_min_messages = warning; $sharp; SELECT dp_count(*) FROM visits WHERE visited < '2020-01-15'"), dba(q{SELECT count(*) FROM visits WHERE visited < '2020-02-01'}), 'what is read is rounded to the grain');
like(explained("$count visited < '2020-01-15'"), qr/visits_visited/, 'and looked up');

$node->stop;
done_testing();
