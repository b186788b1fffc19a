# Public tables below a release: they are read to their ends before the first protected row, by the leader,
# into memory or a file that all processes read (src/nodes/public).
#
# What an analyst could learn: from answers, that are those of plain SQL whatever the plan, and cut off
# nothing; from pages that are read and workers that are started, which are the same whether a protected row
# matches or not; from what is left behind when a release fails, is cancelled, or a worker is killed.

use strict;
use warnings;
use DpAgg;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('public', conf => <<'CONF');
autovacuum = off
restart_after_crash = on
max_worker_processes = 12
max_parallel_workers = 8
log_min_messages = debug1
CONF

# ---------- data ----------

# pub has more columns and rows than fit into 64 kB; some of its texts lie out of line.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_buffercache;
CREATE TABLE people (id int PRIMARY KEY, k int NOT NULL, x int);
INSERT INTO people SELECT i, i % 1000, i % 100 FROM generate_series(1, 6000) i;
CREATE TABLE plain AS SELECT * FROM people;
CREATE TABLE pub (k int PRIMARY KEY, v int, t text, big text);
INSERT INTO pub SELECT i, i % 10, 'name ' || i % 5, repeat(md5(i::text), 200) FROM generate_series(0, 1499) i;
UPDATE pub SET big = (SELECT string_agg(md5((k * 1000 + i)::text), '') FROM generate_series(1, 200) i) WHERE k % 50 = 0;
CREATE TABLE par (k int, v int) PARTITION BY RANGE (k);
CREATE TABLE par_1 PARTITION OF par FOR VALUES FROM (0) TO (500);
CREATE TABLE par_2 PARTITION OF par FOR VALUES FROM (500) TO (2000);
INSERT INTO par SELECT k, v FROM pub;
CREATE TABLE inh (k int, v int);
CREATE TABLE inh_child () INHERITS (inh);
INSERT INTO inh SELECT k, v FROM pub WHERE k % 2 = 0;
INSERT INTO inh_child SELECT k, v FROM pub WHERE k % 2 = 1;
CREATE MATERIALIZED VIEW mat AS SELECT k, v FROM pub;
CREATE VIEW barrier WITH (security_barrier) AS SELECT k, v FROM pub WHERE v < 5;
CREATE TABLE empty (k int, v int);
CREATE TABLE few (k int);
INSERT INTO few VALUES (1), (2);
CREATE TABLE own_rows AS SELECT k, v, CASE WHEN k % 2 = 0 THEN 'analyst' ELSE 'other' END AS who FROM pub;
CREATE TABLE listed_rows AS SELECT k, v FROM pub;
CREATE TABLE list AS SELECT k FROM pub WHERE k % 3 = 0;
ALTER TABLE own_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON own_rows USING (who = current_user);
ALTER TABLE listed_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY listed ON listed_rows USING (k IN (SELECT l.k FROM list l));
GRANT SELECT ON plain, pub, par, inh, mat, barrier, empty, few, own_rows, listed_rows, list TO PUBLIC;
GRANT CREATE ON SCHEMA public TO analyst;
VACUUM ANALYZE;
SELECT dp_agg.protect('people', unit => 'id', population => 'people', max_groups => 1, max_rows => 3);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
SQL

# ---------- answers ----------

my @queries = map { "SELECT count(*) FROM people p $_" } (
	'JOIN pub b ON b.k = p.k WHERE b.v < 3',
	'JOIN pub b ON b.k = p.k AND b.k < 100 JOIN pub c ON c.k = b.k',
	'JOIN pub b ON b.k = p.k WHERE length(b.big) > 6399 AND left(b.big, 1) > \'7\'',
	'JOIN par b ON b.k = p.k WHERE b.v < 3',
	'JOIN inh b ON b.k = p.k WHERE b.v < 3',
	'JOIN mat b ON b.k = p.k WHERE b.v < 3',
	'JOIN barrier b ON b.k = p.k',
	'JOIN own_rows b ON b.k = p.k',
	'JOIN own_rows b ON b.k = p.k WHERE b.v NOT IN (SELECT v FROM par WHERE k < 3)',
	'JOIN listed_rows b ON b.k = p.k',
	'JOIN temporary b ON b.k = p.k WHERE b.v < 3',
	'JOIN empty b ON b.k = p.k',
	'JOIN pg_class c ON c.oid::int8 = p.k',
	'LEFT JOIN pub b ON b.k = p.k AND b.v = 2 WHERE b.k IS NULL',
	'LEFT JOIN pub b ON b.k = p.k AND b.v = 2',
	'CROSS JOIN few',
	'CROSS JOIN (SELECT count(*) AS n FROM few) c WHERE p.x < c.n',
	'JOIN (SELECT k, max(v) AS v FROM pub GROUP BY k HAVING max(v) > 4) b ON b.k = p.k',
	'JOIN (SELECT k, max(v) AS v FROM par GROUP BY k) b ON b.k = p.k WHERE b.v > 4',
	'JOIN (SELECT k, v FROM pub UNION ALL SELECT k, v FROM par WHERE v = 1) b ON b.k = p.k WHERE b.v = 1',
	'JOIN (SELECT k, v FROM pub UNION SELECT k, v FROM inh) b ON b.k = p.k WHERE b.v = 1',
	'JOIN (SELECT k, v FROM pub ORDER BY v, k LIMIT 100) b ON b.k = p.k',
	'JOIN LATERAL (SELECT b.v FROM pub b WHERE b.k = p.k) l ON true WHERE l.v = 3',
	'JOIN (SELECT k, v FROM pub UNION ALL SELECT k, v FROM barrier UNION ALL SELECT k, v + 1 FROM empty) b ON b.k = p.k WHERE b.v NOT IN (SELECT v FROM pub WHERE v > 0)',
	'CROSS JOIN LATERAL (SELECT b.v FROM pub b WHERE b.k = p.k UNION ALL SELECT b.k FROM few b WHERE b.k = p.k) l WHERE l.v = 3',
	'LEFT JOIN LATERAL (SELECT b.v + p.x AS s FROM pub b WHERE b.k = p.k) l ON true WHERE l.s = 30',
	'LEFT JOIN LATERAL (SELECT coalesce(b.v, p.x) AS s, b.k FROM pub b WHERE b.v = 3) l ON l.k = p.k WHERE l.s = 3',
	'LEFT JOIN LATERAL (SELECT p.x + 1 AS s FROM pub b WHERE b.k = 3) l ON true WHERE l.s = 3',
	'CROSS JOIN LATERAL (SELECT max(b.v) AS v FROM pub b WHERE b.k = p.k) l WHERE l.v = 3',
	'WHERE p.x > 5 AND EXISTS (SELECT FROM pub b JOIN par c ON c.k = b.k WHERE b.k = p.k AND c.v = 7)',
	'JOIN pub b ON b.k BETWEEN p.k AND p.k + 1 WHERE b.v = 1',
	'JOIN pub b ON b.k = p.k JOIN par c ON c.k = b.k JOIN inh d ON d.k = c.k WHERE d.v < 2',
	'JOIN par b ON b.k = p.k JOIN par c ON c.k = b.k WHERE c.v < 2',
	'JOIN generate_series(1, 50) g ON g = p.k JOIN pub b ON b.k = g',
	'WHERE p.k IN (SELECT k FROM pub WHERE v = 3)',
	'WHERE p.k NOT IN (SELECT k FROM pub WHERE v = 3)',
	'WHERE p.k NOT IN (SELECT k FROM par WHERE v = 3)',
	'WHERE p.k NOT IN (SELECT k FROM temporary WHERE v = 3)',
	'WHERE EXISTS (SELECT FROM pub b WHERE b.k = p.k AND b.v = 3)',
	'WHERE NOT EXISTS (SELECT FROM inh b WHERE b.k = p.k AND b.v = 3)',
	'WHERE (SELECT b.v FROM pub b WHERE b.k = p.k) = 4',
	'WHERE (SELECT max(b.v) FROM pub b WHERE b.k = p.k AND b.v + p.x > 7) = 4',
	'WHERE (SELECT max(b.v) FROM par b WHERE b.k = p.k AND b.v + p.x > 7) = 4',
	'WHERE p.x < (SELECT max(v) FROM pub)',
	'WHERE p.x < (SELECT count(*) FROM few f WHERE p.x < 2 AND f.k < 2)',
	'JOIN pub b ON b.k = p.k WHERE b.v < 2 OR p.x IN (SELECT k FROM few)');
my $cheap = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3';
my %settings = (
	'as it is' => 'SET max_parallel_workers_per_gather = 0',
	'parallel' => $cheap,
	'parallel, from files' => "$cheap; SET work_mem = '64kB'; SET hash_mem_multiplier = 1",
	'parallel, no leader' => "$cheap; SET parallel_leader_participation = off; SET work_mem = '64kB'; SET enable_material = off",
	'loops' => q(SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET work_mem = '64kB'),
	'merges of partitions' => "$cheap; SET enable_hashjoin = off; SET enable_nestloop = off; SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on");
my $common = <<'SQL';
SET client_min_messages = error;
SET dp_agg.epsilon = 100;
CREATE TEMP TABLE temporary AS SELECT k, v FROM pub;
ANALYZE temporary;
SQL

# Runs statements of the analyst in one session; how many workers its leader asked for.
sub ask_all
{
	my ($set, @statements) = @_;
	my @before = split /;\s*/, $common . $set;
	my $start = -s $node->logfile;
	my @got = DpAgg::bulk($node, 'analyst', [ @before, @statements ]);
	my $workers = () = slurp_file($node->logfile, $start) =~ /registering background worker "parallel worker/g;

	splice @got, 0, scalar @before;
	return ($workers, @got);
}

my (undef, @truth) = ask_all($settings{'as it is'}, map { s/people/plain/r } @queries);
is(scalar(grep { $_->{out} =~ /^\d+$/ && $_->{out} > 0 } @truth), @queries - 1, 'plain SQL has answers, but for an empty table')
  or diag(map { "$queries[$_]: $truth[$_]{out} $truth[$_]{message}\n" } grep { $truth[$_]{out} !~ /^[1-9]\d*$/ } 0 .. $#queries);
foreach my $name (sort keys %settings)
{
	my ($workers, @got) = ask_all($settings{$name}, @queries);
	my @wrong = map { "$queries[$_]: $got[$_]{sqlstate} $got[$_]{message} $got[$_]{out} instead of $truth[$_]{out}" }
	  grep { $got[$_]{sqlstate} ne '00000' || abs(($got[$_]{out} || 0) - $truth[$_]{out}) > 3 } 0 .. $#queries;

	is(join("\n", @wrong), '', "$name: the answers of plain SQL");
	cmp_ok($workers, '>', 60, "... with $workers workers") if $name =~ /parallel/;
}

# Rows are kept with the values of a cached plan's parameters, anew in each execution.
{
	my @steps = (
		'PREPARE q(int) AS SELECT count(*) FROM people p JOIN pub b ON b.k = p.k WHERE b.v < $1',
		'EXECUTE q(1)', 'EXECUTE q(5)', 'INSERT INTO grows SELECT i % 10 FROM generate_series(1, 30) i',
		'PREPARE g AS SELECT count(*) FROM people p JOIN grows b ON b.k = p.k',
		'EXECUTE g', 'INSERT INTO grows SELECT i FROM generate_series(100, 199) i', 'EXECUTE g',
		'BEGIN', 'DECLARE c SCROLL CURSOR FOR SELECT b.v, count(*) FROM people p JOIN pub b ON b.k = p.k GROUP BY b.v ORDER BY b.v',
		'FETCH ABSOLUTE 3 FROM c', 'FETCH ABSOLUTE 1 FROM c', 'COMMIT');
	DpAgg::value($node, 'analyst', 'CREATE TABLE grows (k int)');
	my (undef, @got) = ask_all("$cheap; SET plan_cache_mode = force_generic_plan", @steps);
	my %near = (1 => 600, 2 => 3000, 5 => 180, 7 => 780);

	foreach my $i (sort keys %near)
	{
		cmp_ok(abs(($got[$i]{out} || 0) - $near{$i}), '<=', 3, "$steps[$i]: $got[$i]{out}") or diag($got[$i]{message});
	}
	like("$got[10]{out} $got[11]{out}", qr/^2\|\d+ 0\|\d+$/, 'a cursor goes forth and back');
}

# The planner turns EXISTS into a join where an index says that there is one row of each key.  In a snapshot
# from before that index there are seven, and individuals would count seven times.
{
	DpAgg::value($node, 'analyst', 'CREATE TABLE several (k int, n int); INSERT INTO several SELECT i, n FROM generate_series(1, 3000) i, generate_series(1, 7) n; VACUUM ANALYZE several');
	my $connect = $node->connstr('postgres') . ' user=analyst';
	my $settings = 'SET dp_agg.epsilon = 100; SET enable_hashagg = off; SET enable_sort = off; SET enable_mergejoin = off';
	my $question = 'SELECT count(*) FROM people p WHERE p.x = 3 AND EXISTS (SELECT FROM several t WHERE t.k = p.id)';
	my $old = DpAgg::as($node, 'analyst', <<"SQL");
$settings;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM several;
\\! psql -XAtq -d "$connect" -c 'DELETE FROM several WHERE n > 1' -c 'CREATE UNIQUE INDEX ON several (k)'
SELECT count(*) FROM several;
$question;
COMMIT;
$question;
PREPARE q AS SELECT count(*) FROM people p JOIN several t ON t.k = p.id WHERE p.x = 3;
EXECUTE q;
SQL
	my @got = split /\n/, $old->{out};

	is("@got[0, 1]", '21000 21000', 'a snapshot from before a unique index') or diag($old->{err});
	cmp_ok(abs(($got[$_] // 0) - 30), '<=', 3, "individuals count once: $got[$_]") foreach 2 .. 4;
}

# Columns that depend on a primary key are taken out of GROUP BY.  In a snapshot from before the key three of them
# would become one, and which one depends on the order of protected rows.
{
	DpAgg::value($node, 'analyst', 'CREATE TABLE keyed (k int NOT NULL, v int); INSERT INTO keyed SELECT i, n FROM generate_series(0, 9) i, generate_series(1, 3) n; VACUUM ANALYZE keyed');
	my $connect = $node->connstr('postgres') . ' user=analyst';
	my $question = 'SELECT v, count(*) FROM (SELECT p.id, b.k, b.v FROM people p JOIN keyed b ON b.k = p.k % 10 GROUP BY p.id, b.k, b.v) s GROUP BY v ORDER BY v';
	my $old = DpAgg::as($node, 'analyst', <<"SQL");
SET dp_agg.epsilon = 100;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM few;
\\! psql -XAtq -d "$connect" -c 'DELETE FROM keyed WHERE v > 1' -c 'ALTER TABLE keyed ADD PRIMARY KEY (k)'
$question;
COMMIT;
$question;
SQL
	my ($few, @got) = split /\n/, $old->{out};

	is(join(' ', map { s/\|.*//r } @got), '1 2 3 1', 'groups by a primary key that a snapshot does not see') or diag($old->{err});
}

# ---------- what is read, and who reads ----------

# Tables of the analyst's own, one for each question, of 50 pages that only a scan brings into the cache.
my @questions = (
	[ 'a hash join', 'JOIN X b ON b.k = p.k' ],
	[ 'a join whose other side matches nothing', 'JOIN pub c ON c.k = p.k AND c.v = 11 JOIN X b ON b.k = p.k' ],
	[ 'a loop', 'JOIN X b ON b.k = p.k', 'SET enable_hashjoin = off; SET enable_mergejoin = off' ],
	[ 'NOT IN', 'WHERE p.k NOT IN (SELECT k FROM X)' ],
	[ 'EXISTS', 'WHERE EXISTS (SELECT FROM X b WHERE b.k = p.k)' ],
	[ 'a sub-select about the row', 'WHERE p.k > 3 AND (SELECT max(b.v) FROM X b WHERE b.k = p.k) = 4' ],
	[ 'groups in a sub-select', 'JOIN (SELECT k, max(v) AS v FROM X GROUP BY k) b ON b.k = p.k' ],
	[ 'groups in NOT IN', 'WHERE p.k NOT IN (SELECT max(k) FROM X GROUP BY v)' ],
	[ 'in parallel', 'JOIN X b ON b.k = p.k', $cheap ],
	[ 'NOT IN, in parallel', 'WHERE p.k NOT IN (SELECT k FROM X)', $cheap ],
	[ 'groups in NOT IN, in parallel', 'WHERE p.k NOT IN (SELECT max(k) FROM X GROUP BY v)', $cheap ],
	[ 'a sub-select about the row, in parallel', 'WHERE p.k > 3 AND (SELECT max(b.v) FROM X b WHERE b.k = p.k) = 4', $cheap ],
	[ 'an index, asked by a constant', 'JOIN X b ON b.k = p.k AND b.k = 3 AND b.v = 3', 'SET enable_seqscan = off' ]);
my %matching = (nobody => 'p.x < 0', everybody => 'p.x >= 0');
my $make = '';

foreach my $i (0 .. $#questions)
{
	foreach my $whom (sort keys %matching)
	{
		$make .= "CREATE TABLE ${whom}_$i (k int, v int, pad char(300)); ALTER TABLE ${whom}_$i ALTER pad SET STORAGE plain; INSERT INTO ${whom}_$i SELECT i, i % 10, 'x' FROM generate_series(1, 1200) i;\n";
		$make .= "CREATE INDEX ON ${whom}_$i (k);\n" if $questions[$i][0] =~ /index/;
	}
}
DpAgg::value($node, 'analyst', "$make VACUUM ANALYZE;");
$node->restart;
my %workers;
foreach my $i (0 .. $#questions)
{
	my ($name, $from, $set) = @{ $questions[$i] };

	foreach my $whom (sort keys %matching)
	{
		my $condition = ($from =~ /WHERE/ ? 'AND' : 'WHERE') . " $matching{$whom}";
		my ($started, $got) = ask_all($set // 'SET max_parallel_workers_per_gather = 0', 'SELECT count(*) FROM people p ' . ($from =~ s/\bX\b/${whom}_$i/r) . " $condition");

		is($got->{sqlstate}, '00000', "$name: $whom matches") or diag($got->{message});
		$workers{$name}{$whom} = $started;
	}
}
my %cached = split /[\n|]/, $node->safe_psql('postgres', <<'SQL');
SELECT relname, count(bufferid) FROM pg_class c LEFT JOIN pg_buffercache b ON b.relfilenode = pg_relation_filenode(c.oid) AND b.relforknumber = 0
	AND b.reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
WHERE relname ~ '^(nobody|everybody)_\d+$' GROUP BY relname
SQL
my $pages = $node->safe_psql('postgres', q(SELECT pg_relation_size('nobody_0') / 8192));
cmp_ok($pages, '>', 40, 'the tables have pages');
foreach my $i (0 .. $#questions)
{
	my $name = $questions[$i][0];
	my $expected = $name =~ /index/ ? 1 : $pages;

	is("$cached{\"nobody_$i\"} $cached{\"everybody_$i\"}", "$expected $expected", "$name: the same pages are read, whoever matches");
	is($workers{$name}{nobody}, $workers{$name}{everybody}, "$name: as many workers, whoever matches: $workers{$name}{nobody}");
	cmp_ok($workers{$name}{nobody}, '>', 0, "$name: with workers") if $name eq 'in parallel';
}
# control: without protection that is otherwise
{
	DpAgg::value($node, 'analyst', q{CREATE TABLE shown (k int, v int, pad char(300)); ALTER TABLE shown ALTER pad SET STORAGE plain; INSERT INTO shown SELECT i, i % 10, 'x' FROM generate_series(1, 1200) i; VACUUM ANALYZE shown});
	$node->restart;
	DpAgg::value($node, 'analyst', 'SET enable_hashjoin = off; SET enable_mergejoin = off; SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM plain p JOIN shown b ON b.k = p.k WHERE p.x < 0');
	cmp_ok($node->safe_psql('postgres', q(SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('shown') AND relforknumber = 0)), '<', $pages, 'plain SQL does not read what nobody asks for');
}

# ---------- what is left behind ----------

sub nothing_left
{
	my ($when) = @_;
	my $files = $node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()');
	my @directories = glob($node->data_dir . '/base/pgsql_tmp/*');

	is($files . ' ' . @directories, '0 0', "$when: no temporary file is left");
	return;
}
nothing_left('after answers');

my $long = "$cheap; SET work_mem = '64kB'; SET enable_nestloop = on; SET dp_agg.epsilon = 1; SELECT count(*) FROM people p, pub a, pub b WHERE a.v + b.v + p.x = 3 AND length(a.big) + length(b.big) > 0";
{
	my $r = DpAgg::as($node, 'analyst', "SET statement_timeout = '4s'; $long");

	is($r->{sqlstate}, '57014', 'a release is cancelled') or diag($r->{out});
	nothing_left('after a cancel');
}
{
	my ($out, $err) = ('', '');
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' user=analyst', '-c', $long ], '>', \$out, '2>', \$err);
	my $find = "SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker'";

	my $pid = '';
	for (my $i = 0; $i < 300 && $pid eq ''; $i++)
	{
		$pid = $node->safe_psql('postgres', $find);
		select undef, undef, undef, 0.1 if $pid eq '';
	}
	like($pid, qr/^\d+$/, 'a worker is found');
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'"), '>', 0, 'workers run');
	my @files = glob($node->data_dir . '/base/pgsql_tmp/*');
	cmp_ok(scalar @files, '>', 0, 'rows lie in a file');
	kill 'KILL', $pid;
	$psql->finish;
	like($err, qr/server closed the connection|terminat/, 'a worker is killed');
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
	nothing_left('after a worker was killed');
	my (undef, $again) = ask_all($cheap, $queries[0]);
	cmp_ok(abs($again->{out} - $truth[0]{out}), '<=', 3, 'and the same question is answered');
}

unlike(slurp_file($node->logfile) =~ s/terminated by signal 9//r, qr/terminated by signal|PANIC|TRAP|XX000/, 'nothing else went wrong inside');
$node->stop;
done_testing();
