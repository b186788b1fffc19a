# The finished plan of a release is the same on tables of one size, whatever is in them:
# the tree with all its costs and row counts, the parallel flag, workers, flags of JIT.
#
# Two databases, one made from the other as its template, so that all objects have the same
# OIDs, hold tables with the same numbers of rows and pages, whose columns differ in all of
# their values: number, distribution, NULLs, order on disk.  Both are analyzed.  A superuser
# has the plans printed, which analysts are refused; the planner does the same for both.
# Control: plans of the same queries without releases differ.

use strict;
use warnings;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('alike', extension => 0, conf => <<'CONF');
autovacuum = off
max_worker_processes = 12
max_parallel_workers = 8
log_min_error_statement = panic
CONF

# ---------- two databases ----------

$node->safe_psql('postgres', 'CREATE DATABASE one');
$node->safe_psql('one', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE EXTENSION postgres_fdw;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE people (id int PRIMARY KEY, x int NOT NULL, g text NOT NULL, y float8, n numeric, d date, t text, u text NOT NULL, b bool, m mood, tags text[]);
CREATE INDEX ON people (x);
CREATE INDEX ON people (g, x);
CREATE INDEX ON people ((x % 10));
CREATE INDEX ON people (x) WHERE b;
CREATE INDEX ON people USING gin (tags);
CREATE INDEX ON people USING brin (d);
CREATE INDEX ON people USING hash (u);
CREATE STATISTICS people_several ON g, x, t FROM people;
CREATE STATISTICS people_expression ON (x / 3), (length(t)) FROM people;
ALTER TABLE people ALTER x SET STATISTICS 1000;
CREATE TABLE visits (pid int NOT NULL, v int NOT NULL, clinic text, cost numeric, day date, note text, UNIQUE (pid, v));
CREATE INDEX ON visits (day);
CREATE TABLE codes (code text, pages int, kind text);
CREATE INDEX ON codes (code);
CREATE TABLE pairs (a int, b text, z int, UNIQUE (a, b));
CREATE TABLE events (pid int NOT NULL, day date NOT NULL, points int, kind text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 (kind text, points int, day date NOT NULL, pid int NOT NULL);
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE events_3 PARTITION OF events DEFAULT;
CREATE INDEX ON events (pid);
CREATE INDEX ON events (points);
CREATE TABLE hashed (id int PRIMARY KEY, x int, g text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE kin (pid int NOT NULL, x int, g text);
CREATE TABLE kin_child (extra int) INHERITS (kin);
CREATE TABLE far_rows (pid int, x int, g text);
CREATE TABLE pub (k int PRIMARY KEY, label text, w int);
DO $$ BEGIN EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L, use_remote_estimate %L)',
	(SELECT split_part(setting, ',', 1) FROM pg_settings WHERE name = 'unix_socket_directories'), current_setting('port'), 'one', 'true'); END $$;
DO $$ BEGIN EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user %L)', current_user); END $$;
CREATE FOREIGN TABLE far (pid int, x int, g text) SERVER loop OPTIONS (table_name 'far_rows');
CREATE FOREIGN TABLE far_more (pid int, x int, g text) SERVER loop OPTIONS (table_name 'far_rows');
CREATE MATERIALIZED VIEW seen AS SELECT id, x, g FROM people;
SET client_min_messages = warning;
SELECT dp_agg.protect(t, 'id', 'people') FROM unnest('{people,hashed,seen}'::regclass[]) t;
SELECT dp_agg.protect(t, 'pid', 'people', max_groups => 4, max_rows => 9) FROM unnest('{visits,events,kin,far,far_more}'::regclass[]) t;
SELECT dp_agg.protect('people', 'id', 'people', index_columns => '{x,g,d}'), dp_agg.protect('visits', 'pid', 'people', max_groups => 4, max_rows => 9, index_columns => '{day}'),
	dp_agg.protect('events', 'pid', 'people', max_groups => 4, max_rows => 9, index_columns => '{points}');
SELECT dp_agg.protect('codes', 'code', 'people'), dp_agg.protect('pairs', '{a,b}'::name[], 'couples');
SELECT dp_agg.set_bounds(t, 'x', 0, 100) FROM unnest('{people,hashed,kin}'::regclass[]) t;
SELECT dp_agg.set_bounds('people', c, 0, 1000) FROM unnest('{y,n}'::name[]) c;
SELECT dp_agg.set_bounds('people', 'd', '2024-01-01', '2024-12-31'), dp_agg.set_bounds('visits', 'cost', 0, 5000), dp_agg.set_bounds('visits', 'day', '2024-01-01', '2024-12-31'),
	dp_agg.set_bounds('events', 'points', 0, 10), dp_agg.set_bounds('codes', 'pages', 0, 1000), dp_agg.set_bounds('pairs', 'z', 0, 10);
SELECT dp_agg.set_domain('people', 'g', '{g00001,g00002,g00003}'), dp_agg.set_domain('visits', 'clinic', '{clinic1,clinic2}');
SQL
$node->safe_psql('postgres', 'CREATE DATABASE two TEMPLATE one');
$node->safe_psql('two', q{ALTER SERVER loop OPTIONS (SET dbname 'two')});

# Values of row i: in the database one many rows are alike and none is odd.
my %fill = (
	people => [
		q(i, i % 100, 'g0000' || i % 3 + 1, i % 7, i % 9 + 1, date '2024-01-01' + i % 300, 'text' || i % 5, 'u' || lpad((i % 10)::text, 5, '0'), i % 2 = 0, 'ok', ARRAY['a' || i % 3, 'b']),
		q(1000000 + (i * 7919) % 100003, 100000 + i, 'G' || lpad(i::text, 5, '0'), NULL, 5000, date '1999-01-01' + (i * 31) % 9000, 'T' || lpad((i % 9999)::text, 4, '0'), 'U' || lpad(((i * 17) % 99991)::text, 5, '0'), i < 20, CASE WHEN i % 2 = 0 THEN 'sad' ELSE 'happy' END::mood, ARRAY['c' || i % 10, 'd']), 12000 ],
	visits => [
		q(i / 3, i % 3, 'clinic' || i % 2 + 1, i % 9 + 1, date '2024-01-01' + i % 360, 'a note'),
		q(1000000 + i % 4, i + 10, 'CLINIC' || i % 9, 7777, '1999-01-01', lpad(i::text, 6, '0')), 24000 ],
	codes => [ q('c' || lpad((i % 100)::text, 6, '0'), i % 10, 'k' || i % 2), q('C' || lpad(i::text, 6, '0'), 5000, 'K' || i % 10), 9000 ],
	pairs => [ q(i % 10, 'b' || lpad(i::text, 5, '0'), i % 5), q(i + 100, 'B00000', 77), 5000 ],
	'events_1 (pid, day, points, kind)' => [ q(i % 1000, date '2024-01-01' + i % 31, i % 10, 'kind ' || i % 4), q(1000000 + i, '2024-01-31', 100, 'KIND 9'), 4000 ],
	'events_2 (pid, day, points, kind)' => [ q(i % 1000, date '2024-02-01' + i % 28, i % 10, 'kind ' || i % 4), q(1000000 + i % 2, '2024-02-29', i + 20, 'KIND 8'), 6000 ],
	'events_3 (pid, day, points, kind)' => [ q(i % 1000, date '2024-03-01' + i % 28, i % 10, 'kind ' || i % 4), q(1000000 + i % 70, date '1999-01-01' + i % 900, 55, 'KIND 7'), 2000 ],
	kin => [ q(i % 500, i % 100, 'g' || i % 3), q(1000000 + i, 5555, 'G' || i % 9), 3000 ],
	'kin_child (pid, x, g, extra)' => [ q(i % 500, i % 100, 'g' || i % 3, 1), q(1000000 + i % 3, 100000 + i, 'H' || i % 9, 2), 3000 ],
	far_rows => [ q(i % 500, i % 100, 'g' || i % 3), q(1000000 + i, 5555, 'G' || i % 9), 3000 ]);
foreach my $which (0, 1)
{
	my $db = ('one', 'two')[$which];

	$node->safe_psql($db, join '', map { "INSERT INTO $_ SELECT $fill{$_}[$which] FROM generate_series(1, $fill{$_}[2]) i;\n" } sort keys %fill);
	# a partition gets the rows that its hash asks for: as many in each database
	$node->safe_psql($db, <<'SQL' =~ s/SHIFT/1000000 * $which/gre =~ s/VALUE/('i % 100', '100000 + i')[$which]/gre =~ s/GROUP/("'g' || i % 3", "'G' || i % 9")[$which]/gre);
INSERT INTO hashed SELECT i, x, g FROM (SELECT SHIFT + i AS i, VALUE AS x, GROUP AS g, row_number() OVER (PARTITION BY satisfies_hash_partition('hashed'::regclass, 2, 0, SHIFT + i) ORDER BY i) AS r
	FROM generate_series(1, 9000) i) q WHERE r <= 4000;
INSERT INTO pub SELECT i, 'label ' || i % 7, i % 50 FROM generate_series(1, 200) i;
REFRESH MATERIALIZED VIEW seen;
VACUUM;
ANALYZE;
ANALYZE far, far_more;
SQL
}
my $sizes = q(SELECT string_agg(format('%s %s %s', relname, reltuples, pg_relation_size(oid)), E'\n' ORDER BY relname) FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'f') AND oid >= 16384 AND relnamespace = 'public'::regnamespace);
my @sizes = map { $node->safe_psql($_, $sizes) } 'one', 'two';
is($sizes[0], $sizes[1], 'the tables have the same sizes');
isnt($node->safe_psql('one', "SELECT sum(pg_relation_size(indexrelid)) FROM pg_index WHERE indrelid = 'people'::regclass"),
	$node->safe_psql('two', "SELECT sum(pg_relation_size(indexrelid)) FROM pg_index WHERE indrelid = 'people'::regclass"), 'and their indexes do not');

# ---------- plans ----------

# plans(DATABASE, SETTINGS, QUERIES...): for each query the plans that are printed.
sub plans
{
	my ($db, $settings, @queries) = @_;
	my $script = "$settings;\nSET client_min_messages = log; SET debug_pretty_print = off; SET debug_print_plan = on;\n"
	  . join '', map { "\\warn next plan $_\n$queries[$_];\n" } 0 .. $#queries;
	my $printed = "$PostgreSQL::Test::Utils::tmp_check/printed";

	run_log([ 'psql', '-XAtq', '-d', $node->connstr($db) ], '<', \$script, '>', '/dev/null', '2>', $printed);
	my $err = slurp_file($printed);
	my (undef, @parts) = split /^next plan (?=\d+\n)/m, $err;

	die "only " . @parts . " of " . @queries . " queries were planned:\n$err" if @parts != @queries;
	return map {
		my @found = map { tr/\n\t / /sr } /^DETAIL:\s+(\{PLANNEDSTMT.*?)(?=^[A-Z]+:  |\z)/msg;
		my ($error) = /(ERROR:.*)/;

		# a release's description has a random identity, and so has its name
		+{ error => $error, plan => join "\n", map { s/:constvalue \d{3,} \[[^\]]*\]/:constvalue/gr =~ s/(dp_agg\\ release\\ \d+\\ )[0-9a-f]{32}/$1/gr } @found };
	} @parts;
}

# The first place where two plans differ.
sub difference
{
	my ($one, $two) = @_;
	my ($same) = ($one ^ $two) =~ /^(\0*)/;
	my $at = length $same;
	my $from = $at < 150 ? 0 : $at - 150;
	return join "\n", map { substr $_, $from, 250 } $one, $two;
}

# ---------- queries ----------

my @outputs = ('dp_count(*)', 'dp_count(*), dp_sum(X), dp_avg(X)', 'dp_median(X, 0, 100)', 'dp_stddev(X), dp_count(X)', 'dp_mode(X), dp_count_distinct(X)', 'dp_quantile(X, 0.25, 0, 100), dp_max(X, 0, 100)', 'dp_count_distinct(U)');

# FROM, unit, number, keys, conditions; aliases may be in all.
my @froms = (
	[ 'people p', 'p.id', 'p.x', [qw(p.g p.t p.b p.m p.x%10 p.u), 'date_trunc($$month$$, p.d)', 'lower(p.t)', 'p.g, p.b', 'p.g, p.t, p.x'],
		[ 'p.x > 50', 'p.x BETWEEN 10 AND 20', "p.g = 'g00001'", "p.t LIKE 'text%'", 'p.y IS NULL', 'p.n < 10', "p.d >= '2024-06-01'", 'p.id = 7', 'p.id < 500', 'p.x % 10 = 3', 'p.x / 3 = 5', "p.tags @> '{a1}'", "p.m = 'ok'", 'p.b', "p.u IN ('u00001', 'u00002')", "lower(p.t) = 'text1'",
			"p.x IN (1, 2, 3) AND p.g = 'g00001' AND p.t = 'text1'", 'p.y + p.n > 3' ] ],
	[ 'visits v', 'v.pid', 'v.cost', [qw(v.clinic v.day v.v), 'v.clinic, v.day', 'extract(month FROM v.day)'],
		[ 'v.cost > 100', "v.day > '2024-10-01'", "v.clinic = 'clinic1'", 'v.pid = 8', 'v.note IS NOT NULL', 'v.v = 1' ] ],
	[ 'events e', 'e.pid', 'e.points', [qw(e.kind e.day e.points)], [ "e.day = '2024-02-05'", "e.day > '2024-02-15'", 'e.points = 5', 'e.day IS NOT NULL AND e.pid < 10', "e.kind <> 'kind 1'" ] ],
	[ 'hashed h', 'h.id', 'h.x', [qw(h.g h.x)], [ 'h.id = 7', 'h.x < 30', "h.g = 'g1'" ] ],
	[ 'kin k', 'k.pid', 'k.x', [qw(k.g k.x)], [ 'k.x > 10', "k.g = 'g1'" ] ],
	[ 'far f', 'f.pid', 'f.x::numeric % 100', [qw(f.g f.x)], [ 'f.x > 10', "f.g = 'g1'", 'f.pid = 3' ] ],
	[ 'codes c', 'c.code', 'c.pages', [qw(c.kind)], [ 'c.pages < 5', "c.code > 'c000050'" ] ],
	[ 'pairs q', 'q.a', 'q.z', [qw(q.z)], [ 'q.a < 5', 'q.z = 1' ] ],
	[ 'seen s', 's.id', 's.x::numeric % 100', [qw(s.g)], ['s.x > 3'] ],
	# joins
	[ 'people p JOIN visits v ON v.pid = p.id', 'p.id', 'v.cost', [qw(p.g v.clinic), 'p.g, v.clinic'], [ 'p.x > 50', 'v.cost < 10', 'p.id < 100', "v.day = '2024-05-05'" ] ],
	[ 'people p LEFT JOIN visits v ON v.pid = p.id AND v.v = 1', 'p.id', 'p.x', [qw(p.g p.m)], [ 'v.pid IS NULL', 'p.n > 3' ] ],
	[ 'visits v JOIN events e ON e.pid = v.pid', 'v.pid', 'e.points', [qw(v.clinic e.kind)], [ 'v.day = e.day', 'e.points > 3' ] ],
	[ 'people p JOIN visits v ON v.pid = p.id JOIN events e ON e.pid = p.id', 'p.id', 'e.points', [qw(p.g e.kind)], [ 'p.x > 90', 'v.cost = 1' ] ],
	[ 'people p JOIN hashed h USING (id)', 'p.id', 'p.x', [qw(p.g h.g)], [ 'p.x = h.x', 'h.x > 3' ] ],
	[ 'people p JOIN pub ON pub.k = p.x', 'p.id', 'p.x', [qw(pub.label p.g)], [ 'pub.w > 10', 'p.b' ] ],
	[ 'visits v JOIN pub ON pub.k > v.v JOIN people p ON p.id = v.pid', 'v.pid', 'v.cost', [qw(pub.label)], [ 'pub.w < 3', 'p.b' ] ],
	[ 'people p JOIN far f ON f.pid = p.id', 'p.id', 'p.x', [qw(f.g)], [ 'f.x > 50', 'p.b' ] ],
	[ 'far f JOIN far_more f2 ON f.pid = f2.pid', 'f.pid', 'f.x::numeric % 100', [qw(f.g)], [ 'f2.x > 50', 'f.x = f2.x' ] ],
	# sub-selects
	[ '(SELECT pid, count(*) AS n, max(cost) AS most, min(day) AS since FROM visits GROUP BY pid) s', 's.pid', 's.most', [qw(s.n s.since)], [ 's.n > 3', 's.most < 100' ] ],
	[ '(SELECT pid, clinic, sum(v) AS n FROM visits GROUP BY pid, clinic HAVING count(*) > 1) s', 's.pid', 's.n', [qw(s.clinic)], [ 's.n > 3', "s.clinic LIKE 'c%'" ] ],
	[ '(SELECT id, x, g FROM people WHERE b UNION ALL SELECT id, x, g FROM hashed) s', 's.id', 's.x', [qw(s.g)], [ 's.x > 3', 's.id < 50' ] ],
	[ 'people p JOIN (SELECT pid, avg(points) AS a FROM events GROUP BY pid) s ON s.pid = p.id', 'p.id', 'p.x', [qw(p.g)], [ 's.a > 3', 'p.x < 3' ] ]);

# Conditions with sub-selects, and what they refer to.
my @subselects = (
	[ qr/people p/, 'EXISTS (SELECT FROM visits w WHERE w.pid = p.id AND w.cost > 3)' ],
	[ qr/people p/, 'p.id IN (SELECT pid FROM events WHERE points = 3)' ],
	[ qr/people p/, 'NOT EXISTS (SELECT FROM events e2 WHERE e2.pid = p.id)' ],
	[ qr/people p/, '(p.b OR EXISTS (SELECT FROM visits w WHERE w.pid = p.id))' ],
	[ qr/people p/, '(SELECT count(*) FROM visits w WHERE w.pid = p.id AND w.v > p.x) > 1' ],
	[ qr/people p/, 'p.x IN (SELECT w FROM pub)' ],
	[ qr/people p/, "(SELECT max(e2.points) FROM events e2 WHERE e2.pid = p.id AND e2.day = p.d) > 1" ],
	[ qr/visits v/, 'EXISTS (SELECT FROM people o WHERE o.id = v.pid AND o.b)' ],
	[ qr/visits v/, 'v.day IN (SELECT day FROM events e2 WHERE e2.pid = v.pid)' ]);

# The same draws for each run.
my $state = 62;
sub draw { my ($n) = @_; $state = ($state * 1103515245 + 12345) % 2**31; return int($state / 65536) % $n; }
sub one_of { return $_[ draw(scalar @_) ]; }

sub random_query
{
	my ($from, $unit, $x, $keys, $conditions) = @{ one_of(@froms) };
	my $output = one_of(@outputs) =~ s/\bX\b/$x/gr =~ s/\bU\b/$unit/gr;
	my @where = draw(3) ? one_of(@$conditions) : ();
	my @fitting = grep { $from =~ $_->[0] } @subselects;
	my $key = draw(4) ? one_of(@$keys) : '';

	push @where, one_of(@$conditions) if !draw(3);
	push @where, one_of(@fitting)->[1] if @fitting && !draw(3);
	my $where = @where ? ' WHERE ' . join ' AND ', @where : '';
	my $select = 'SELECT ' . ($key ? "$key, " : '') . "$output FROM $from$where" . ($key ? " GROUP BY $key" : '');

	return $select if draw(6);
	return "WITH r AS ($select) SELECT a.* FROM r a, r b, pub ORDER BY 1";
}

my @settings = (
	'SET work_mem = $$4MB$$',
	'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0; SET max_parallel_workers_per_gather = 4',
	'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0.01; SET min_parallel_table_scan_size = 0; SET enable_hashagg = off',
	'SET parallel_setup_cost = 30; SET min_parallel_table_scan_size = 0; SET work_mem = $$64kB$$',
	'SET enable_hashjoin = off', 'SET enable_hashjoin = off; SET enable_mergejoin = off', 'SET enable_hashagg = off; SET enable_nestloop = off', 'SET enable_sort = off; SET enable_hashjoin = off',
	'SET dp_agg.bound_node = off', 'SET dp_agg.bound_node = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0',
	'SET dp_agg.index_scans = on', 'SET dp_agg.index_scans = on; SET enable_seqscan = off', 'SET dp_agg.index_scans = on; SET random_page_cost = 0.1; SET enable_bitmapscan = off; SET min_parallel_index_scan_size = 0; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0',
	'SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 1',
	'SET jit = on; SET jit_above_cost = 300; SET jit_inline_above_cost = 400; SET jit_optimize_above_cost = 500; SET ' . DpAgg::force_parallel() . ' = on',
	'SET join_collapse_limit = 1; SET enable_material = off; SET enable_memoize = on; SET cpu_operator_cost = 0.1', 'SET geqo_threshold = 2; SET geqo_seed = 0.5', 'SET constraint_exclusion = on; SET enable_indexonlyscan = off; SET effective_cache_size = 8');
my $control = 0;
my %seen = (planned => 0, differ => 0, gather => 0, stream => 0, bound => 0, refused => 0, index => 0, plain => 0, plain_differ => 0);

foreach my $settings (@settings)
{
	my @queries = map { random_query() } 1 .. 24;
	my @explain = map { "EXPLAIN $_" } @queries;
	my @pair = map { [ plans($_, $settings, @explain) ] } 'one', 'two';
	my @wrong;

	foreach my $i (0 .. $#queries)
	{
		my ($one, $two) = map { $_->[$i] } @pair;

		if (defined $one->{error} || defined $two->{error})
		{
			push @wrong, "$queries[$i]\n" . ($one->{error} // '') . ' -- ' . ($two->{error} // '')
			  if ($one->{error} // '') ne ($two->{error} // '') || ($one->{error} // '') =~ /XX000|syntax|does not exist/;
			diag("$queries[$i]: $one->{error}") if $seen{refused}++ < 3 && $ENV{SHOW_REFUSED};
			next;
		}
		$seen{planned}++;
		$seen{gather}++ if $one->{plan} =~ /GATHER/;
		$seen{stream}++ if $one->{plan} =~ /DP\\ Stream/;
		$seen{bound}++ if $one->{plan} =~ /DP\\ Bound/;
		$seen{index}++ if $one->{plan} =~ /INDEXSCAN|BITMAPINDEXSCAN|INDEXONLYSCAN/;
		next if $one->{plan} eq $two->{plan} && $one->{plan} =~ /DP\\ Release/;
		$seen{differ}++;
		push @wrong, "$queries[$i]\n" . difference($one->{plan}, $two->{plan});
	}
	is(scalar @wrong, 0, "plans are alike: $settings") or diag(join "\n\n", @wrong[ 0 .. ($#wrong < 2 ? $#wrong : 2) ]);

	# control: without a release the same queries, where they can be written so
	next if $control++ % 4;
	my @plain = map { s/dp_median\(([^,]*), 0, 100\)/percentile_cont(0.5) WITHIN GROUP (ORDER BY $1)/r =~ s/dp_(quantile|max|mode|count_distinct)\(([^()]*(\([^()]*\))?[^(),]*)[^()]*\)/max($2)/gr =~ s/\bdp_(count|sum|avg|stddev)\b/$1/gr } @explain;
	my @plain_pair = map { [ plans($_, $settings, @plain) ] } 'one', 'two';

	foreach my $i (0 .. $#plain)
	{
		next if defined $plain_pair[0][$i]{error};
		$seen{plain}++;
		$seen{plain_differ}++ if $plain_pair[0][$i]{plan} ne $plain_pair[1][$i]{plan};
	}
}
note(join ', ', map { "$_ $seen{$_}" } sort keys %seen);
cmp_ok($seen{planned}, '>', 300, "$seen{planned} queries were planned");
cmp_ok($seen{$_}, '>', 30, "... $seen{$_} of them with $_") foreach qw(gather stream bound index);
cmp_ok($seen{plain_differ}, '>', 0.9 * $seen{plain}, "control: without a release plans differ, $seen{plain_differ} of $seen{plain}");

# ---------- generic and custom plans ----------

# What the plan cache chooses rests on costs, and its choice can be seen.
{
	my @prepared = map { "PREPARE $_->[0] AS $_->[1]" } [ 'by_id (int)', 'SELECT dp_count(*) FROM people WHERE id = $1' ], [ 'by_day (date)', 'SELECT kind, dp_count(*) FROM events WHERE day = $1 GROUP BY kind' ],
	  [ 'above (int)', 'WITH r AS (SELECT g, dp_count(*) AS n FROM people GROUP BY g) SELECT * FROM r, pub WHERE n > $1 AND k = $1' ];
	my $budget = q{SELECT dp_agg.set_budget(current_user, 'people', epsilon => 1e6, delta => 0.5)};
	my $runs = join '', map { my $run = $_; map { "EXECUTE $run;\n" } 1 .. 8 } 'by_id(3)', q{by_day('2024-02-03')}, 'above(3)';
	my $counts = 'SELECT name, generic_plans, custom_plans FROM pg_prepared_statements ORDER BY name';
	my @chosen = map {
		$node->safe_psql($_, $budget);
		$node->safe_psql($_, join(";\n", @prepared) . ";\n\\o /dev/null\n$runs\\o\n$counts");
	} 'one', 'two';

	like($chosen[0], qr/^by_id\|\d\|\d$/m, 'statements were prepared and executed');
	is($chosen[0], $chosen[1], 'generic and custom plans are chosen alike');
	foreach my $mode ('force_generic_plan', 'force_custom_plan')
	{
		my @pair = map { [ plans($_, "SET plan_cache_mode = $mode;\n" . join(";\n", @prepared), 'EXPLAIN EXECUTE by_id(3)', q{EXPLAIN EXECUTE by_day('2024-02-03')}, 'EXPLAIN EXECUTE above(3)') ] } 'one', 'two';

		ok(length $pair[0][$_]{plan} > 1000 && $pair[0][$_]{plan} eq $pair[1][$_]{plan}, "$mode: plans are alike")
		  or diag(difference($pair[0][$_]{plan}, $pair[1][$_]{plan})) foreach 0 .. 2;
	}
}

$node->stop;
done_testing();
