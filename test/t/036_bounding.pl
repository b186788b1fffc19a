# The bounding node (src/nodes/bound): what it lets count is what the form in SQL lets count
# and what plain SQL says, for all types of keys, spellings, sizes and plans; and it
# leaves nothing behind, however it ends.
#
# At an epsilon of 1000 noise is far below one individual.  The role "sql" has the node
# turned off: what it is answered is the reference.

use strict;
use warnings;
use DpAgg;
use Forms;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = DpAgg::node('bounding', roles => [ 'analyst', 'sql' ], conf => <<'CONF');
timezone = 'UTC'
max_worker_processes = 12
dynamic_shared_memory_type = mmap
max_parallel_workers = 8
restart_after_crash = on
autovacuum = off
CONF
my %types = types();
my %others = other_types();
my %work = plans();
my ($serial, $parallel) = ($work{'one process'}, parallel_plan(''));

prepare_forms($node);
$node->safe_psql('postgres', <<'SQL');
-- protects for both roles
CREATE FUNCTION guard(t regclass, unit text, groups int DEFAULT 8, rows int DEFAULT 8) RETURNS void LANGUAGE sql AS $$
	SELECT dp_agg.protect(t, string_to_array(unit, ','), 'people', max_groups => groups, max_rows => rows) $$;
CREATE TABLE first (person int, x int NOT NULL);
SELECT guard('first', 'person');
SELECT dp_agg.set_budget(r, 'people', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
SQL

# ---------- types ----------

# 60 individuals with two rows, written in two ways, in each of five groups and the NULL group.
foreach my $name (sort(keys %types), sort keys %others)
{
	my ($type, $one, $two) = @{ $types{$name} // $others{$name} };
	my $value = sub { my ($n, $odd) = @_; my $e = $odd && defined $two ? $two : $one; return '(' . $e =~ s/\bn\b/$n/gr . ')'; };
	my $groups = $name eq 'bool' ? 2 : 5;
	my $person = $name eq 'bool' ? 'int' : $type;
	my ($p1, $p2) = $name eq 'bool' ? ('p', 'p') : ($value->('p', 0), $value->('p', 1));
	my ($g1, $g2) = ($value->('g', 0), $value->('g', 1));

	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE t_$name (p $person, g $type, h int, q int, x int NOT NULL);
INSERT INTO t_$name SELECT $p1, CASE WHEN g < $groups THEN $g1 END, g % 2, p % 7, p FROM generate_series(0, 59) p, generate_series(0, $groups) g;
INSERT INTO t_$name SELECT $p2, CASE WHEN g < $groups THEN $g2 END, g % 2, p % 7, p FROM generate_series(0, 59) p, generate_series(0, $groups) g;
INSERT INTO t_$name SELECT NULL, $g1, 0, 0, 0 FROM generate_series(0, 4) g, generate_series(1, 50);
SQL
	my ($refused, undef, $why) = $node->psql('postgres', "SELECT guard('t_$name', 'p')");
	if ($refused)
	{
		ok($others{$name} && $why =~ /cannot be the unit/, "$name: neither form takes it, so it is refused at once") or diag($why);
		next;
	}
	$node->safe_psql('postgres', <<"SQL");
SET client_min_messages = warning;
SELECT dp_agg.set_bounds('t_$name', 'x', 0, 64);
ANALYZE t_$name;
SQL
	# With r = 1 an individual counts once in a group, whatever its rows and their spelling.
	my @queries = (
		[ "SELECT g, count(*), sum(x) FROM t_$name WHERE dp_with(max_rows => 8) GROUP BY g ORDER BY g", 120, 3540 ],
		[ "SELECT g, count(*), sum(x) FROM t_$name WHERE dp_with(max_rows => 1) GROUP BY g ORDER BY g", 60, 1770 ],
		[ "SELECT h, g, count(*) FROM t_$name WHERE dp_with(max_rows => 1) GROUP BY g, h ORDER BY g, h" ],
		[ "SELECT count(*), h, g, x / 100 AS y FROM t_$name WHERE dp_with(max_rows => 1) GROUP BY 4, g, h ORDER BY g, h" ],
		[ "SELECT count(*) FROM t_$name WHERE dp_with(max_rows => 1)", ($name eq 'bool' ? 60 : 60) ]);
	my @node = map { DpAgg::as($node, 'analyst', $_->[0]) } @queries;
	my @sql = map { DpAgg::as($node, 'sql', $_->[0]) } @queries;

	foreach my $i (0 .. $#queries)
	{
		is("$node[$i]{sqlstate}", "$sql[$i]{sqlstate}", "$name: query $i ends alike") or diag("$node[$i]{err}$sql[$i]{err}");
		# a sum over up to 8 rows of each is 12 off, and here are two of them
		is_alike($node[$i]{out}, $sql[$i]{out}, 2.5, "$name: query $i, node and SQL", $i == 0 ? 0.04 : 0.01);
	}
	next if $node[0]{sqlstate} ne '00000' && $others{$name};
	is(scalar(split /\n/, $node[0]{out}), $groups + 1, "$name: equal values are one group");
	is(scalar(grep { my @f = split /\|/; abs($f[1] - 60) > 1 || abs($f[2] - 1770) > 30 } split /\n/, $node[1]{out}), 0, "$name: equal values are one individual")
	  or diag($node[1]{out});
	is_alike($node[4]{out}, 60, 1.5, "$name: without groups, too");
}
is(join(' ', map { (split /\|/)[0] } split /\n/, DpAgg::value($node, 'analyst', "SELECT g, count(*) FROM t_$_ GROUP BY g ORDER BY g")),
	join(' ', map { (split /\|/)[0] } split /\n/, $node->safe_psql('postgres', "SELECT g, count(*) FROM t_$_ GROUP BY g ORDER BY g")), "$_: groups print like the column")
  foreach grep { !/^(numeric|numeric_nan|wide|money2|float.|interval|bpchar)$/ } sort keys %types;

# Individuals of two columns, the boundary between which must count: ('a', 'bc') is not ('ab', 'c').
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE pairs (a text, b text, g text, h text, x int NOT NULL);
INSERT INTO pairs SELECT CASE WHEN i % 2 = 0 THEN 'a' ELSE 'ab' END || repeat('z', i / 2), CASE WHEN i % 2 = 0 THEN 'bc' ELSE 'c' END, CASE k WHEN 0 THEN 'a' WHEN 1 THEN 'ab' WHEN 2 THEN NULL ELSE '' END, CASE k WHEN 0 THEN 'bc' WHEN 1 THEN 'c' ELSE CASE WHEN k = 2 THEN '' END END, i
FROM generate_series(0, 79) i, generate_series(0, 3) k, generate_series(1, 3);
INSERT INTO pairs SELECT 'a', NULL, 'a', 'bc', 1 FROM generate_series(1, 100);
INSERT INTO pairs SELECT NULL, 'a', 'a', 'bc', 1 FROM generate_series(1, 100);
SELECT guard('pairs', 'a,b', 4, 1);
SQL
is_alike(DpAgg::value($node, $_, 'SELECT g, h, count(*) FROM pairs GROUP BY g, h ORDER BY g, h'), $node->safe_psql('postgres', 'SELECT g, h, count(DISTINCT (a, b)) FROM pairs WHERE a IS NOT NULL AND b IS NOT NULL GROUP BY g, h ORDER BY g, h'), 1.5, "two columns: $_")
  foreach 'analyst', 'sql';

# Intervals of more than 2^31 days are different individuals, too.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE ages (p interval NOT NULL, x int NOT NULL);
INSERT INTO ages SELECT make_interval(months => 2000000000 + i), 1 FROM generate_series(1, 500) i;
SELECT guard('ages', 'p', 1, 1);
SQL
is_alike(DpAgg::value($node, $_, 'SELECT count(*) FROM ages'), 500, 1.5, "individuals are intervals: $_") foreach 'analyst', 'sql';

# ---------- keys that are constants ----------

# Such keys leave nothing to sort by.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE constants (p int, x int NOT NULL);
INSERT INTO constants SELECT p, x FROM generate_series(1, 60) p, generate_series(1, 3) x;
SELECT guard('constants', 'p');
SQL
foreach my $query ("SELECT 'a' || 'b', count(*) FROM constants GROUP BY 1", 'SELECT x, count(*) FROM constants WHERE x = 2 GROUP BY x', "SELECT x, 'a', count(*) FROM constants WHERE x = 2 GROUP BY 1, 2")
{
	foreach my $set ('SET max_parallel_workers_per_gather = 0', parallel_plan(2))
	{
		my ($by_node, $by_sql) = map { DpAgg::as($node, $_, "$set; SET enable_hashagg = off; $query") } qw(analyst sql);

		is($by_node->{sqlstate}, '00000', "$query, sorted") or diag($by_node->{err});
		is_alike($by_node->{out}, $by_sql->{out}, 1, "$query, sorted: the same numbers");
	}
}

# ---------- at most k groups and r rows ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE many (person int NOT NULL, g int NOT NULL, x int NOT NULL);
INSERT INTO many SELECT p, (p * 7 + k) % 30, 1 FROM generate_series(1, 3000) p, generate_series(0, p % 20) k;
INSERT INTO many SELECT person, g, x FROM many WHERE person % 3 = 0;
SELECT guard('many', 'person', 5, 1);
SELECT dp_agg.set_bounds('many', 'x', 0, 1);
ANALYZE many;
-- one individual has a hundred thousand rows in a thousand groups
CREATE TABLE hog (person int NOT NULL, g int NOT NULL, x int NOT NULL);
INSERT INTO hog SELECT 0, i % 1000, 1 FROM generate_series(1, 100000) i;
INSERT INTO hog SELECT p, p % 10, 1 FROM generate_series(1, 1000) p;
SELECT guard('hog', 'person', 3, 2);
SELECT dp_agg.set_bounds('hog', 'x', 0, 1);
-- nobody has told the planner of its rows
CREATE TABLE unknown (LIKE many);
INSERT INTO unknown SELECT * FROM many;
SELECT guard('unknown', 'person', 5, 1);
SELECT dp_agg.set_bounds('unknown', 'x', 0, 1);
CREATE TABLE none (LIKE many);
SELECT guard('none', 'person', 5, 1);
CREATE TABLE pieces (LIKE many) PARTITION BY LIST (g);
CREATE TABLE pieces_0 PARTITION OF pieces FOR VALUES IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
CREATE TABLE pieces_1 PARTITION OF pieces DEFAULT;
INSERT INTO pieces SELECT * FROM many;
SELECT guard('pieces', 'person', 5, 1);
SELECT dp_agg.set_bounds('pieces', 'x', 0, 1);
ANALYZE pieces;
-- more individuals and groups than work_mem has room for, by far
CREATE TABLE crowd (person bigint NOT NULL, g int NOT NULL, x int NOT NULL, h int GENERATED ALWAYS AS (greatest(g, 0) / 25) STORED NOT NULL);
INSERT INTO crowd SELECT i % 60000, i % 100000, 1 FROM generate_series(1, 240000) i;
INSERT INTO crowd SELECT i, -1 - i % 3, 1 FROM generate_series(0, 59999) i;
SELECT guard('crowd', 'person', 6, 1);
SELECT dp_agg.set_bounds('crowd', 'x', 0, 1);
SQL
my $pairs = 'SELECT sum(least(5, n)) FROM (SELECT person, count(DISTINCT g) AS n FROM many GROUP BY person) s';
my $truth = $node->safe_psql('postgres', $pairs);
my $crowd = $node->safe_psql('postgres', 'SELECT count(DISTINCT h), count(DISTINCT (person, h)), count(DISTINCT (person, h)) FROM crowd');

foreach my $name (sort keys %work)
{
	my $sum = sub {
		my ($table, $r) = @_;
		my $out = DpAgg::value($node, 'analyst', "$work{$name}; SELECT g, count(*) FROM $table GROUP BY g");
		my $n = 0;

		$n += (split /\|/)[1] foreach split /\n/, $out;
		return $n;
	};

	is_alike($sum->($_), $truth, 15, "$name: each individual counts in k groups of $_") foreach 'many', 'unknown', 'pieces';
	is_alike(DpAgg::value($node, 'analyst', "$work{$name}; SELECT count(*) FROM hog WHERE dp_with(max_rows => 1)"), 1001, 1.5, "$name: one counts once, however many its rows");
	is_alike($sum->('hog'), 1000, 12, "$name: its groups do not show");
	is_alike(DpAgg::value($node, 'analyst', "$work{$name}; SELECT g, count(*), sum(x) FROM crowd WHERE g < 0 GROUP BY g ORDER BY g"),
		"-3|20000|20000\n-2|20000|20000\n-1|20000|20000", 3, "$name: a crowd");
	is_alike(DpAgg::value($node, 'analyst', "$work{$name}; SELECT g, count(*) FROM crowd GROUP BY g ORDER BY g"),
		"-3|20000\n-2|20000\n-1|20000", 12, "$name: a crowd in a hundred thousand groups");
	# with little memory each of these groups has an id, but there is no room for the sums of all
	is_alike(DpAgg::value($node, 'analyst', "$work{$name}; SELECT count(*), sum(n), sum(s) FROM (SELECT h, count(*) AS n, sum(x) AS s, stddev(x), count(*) FILTER (WHERE x > 0), count(*) FILTER (WHERE g > 9) FROM crowd GROUP BY 1) r"),
		$crowd, 3, "$name: a crowd in four thousand groups");
	is(DpAgg::value($node, 'analyst', "$work{$name}; SELECT g, count(*) FROM none GROUP BY g"), '', "$name: an empty table");
	like(DpAgg::value($node, 'analyst', "$work{$name}; SELECT count(*) FROM none"), qr/^(0|)$/, "$name: an empty table without groups");
}

# Who counts where differs between releases, and is even.
my %drawn;

foreach my $i (1 .. 3)
{
	my @counts = map { (split /\|/)[1] } split /\n/, DpAgg::value($node, 'analyst', "SELECT g, count(*) FROM many WHERE person % 4 = 3 AND dp_with(max_groups => 5) GROUP BY g ORDER BY g");

	$drawn{"@counts"}++;
	# 750 individuals in up to 20 of 30 groups each, at most 5 of which count: 120 in each group on average
	is(scalar(@counts), 30, "draw $i: all groups show") or diag("@counts");
	is(scalar(grep { $_ > 180 || $_ < 60 } @counts), 0, "draw $i: each group has its share") or diag("@counts");
}
is(scalar(keys %drawn), 3, 'each release draws anew');

# Memory does not grow with the groups of an individual: one has two million, as ints or
# as longer keys.  What the backend takes above what it had after reading the same rows.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE hoard (person int NOT NULL, g int NOT NULL, t text NOT NULL);
INSERT INTO hoard SELECT 0, 1000 + i, 'group ' || i FROM generate_series(1, 2000000) i;
INSERT INTO hoard SELECT p, p % 10, p % 10 FROM generate_series(1, 1000) p;
SELECT guard('hoard', 'person', 3, 1);
ANALYZE hoard;
SQL
foreach my $key ('g', 't', 'g, t')
{
	foreach my $work_mem ('64kB', '1MB')
	{
		my $out = DpAgg::value($node, 'analyst', <<"SQL");
$serial; SET work_mem = '$work_mem';
SELECT pg_backend_pid() AS pid, count(*) FROM hoard \\gset
\\setenv PID :pid
\\! echo 5 >/proc/\$PID/clear_refs; grep VmHWM /proc/\$PID/status
SELECT $key, count(*) FROM hoard GROUP BY $key ORDER BY $key;
\\! grep VmHWM /proc/\$PID/status
SQL
		my ($before, $after) = $out =~ /VmHWM:\s+(\d+) kB/g;

		is_alike($out =~ s/^VmHWM.*\n?//gmr =~ s/\n\z//r, join("\n", map { $key =~ /,/ ? "$_|$_|100" : "$_|100" } 0 .. 9), 2, "one in two million groups of $key counts in few, work_mem $work_mem");
		cmp_ok($after - $before, '<', 16 * 1024, "$key: its memory does not grow with them, work_mem $work_mem");
	}
}

# ---------- all outputs ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE kinds (person int NOT NULL, g int NOT NULL, x int NOT NULL, y float8, n numeric, d date, t text, i interval);
INSERT INTO kinds SELECT p % 4000, p % 4, CASE WHEN p % 11 = 0 THEN 42 ELSE p % 101 END, CASE WHEN p % 7 > 0 THEN p % 101 END, (p % 101) / 2.0, date '2024-01-01' + p % 101, 'text ' || least(p % 7, 4), make_interval(days => p % 11)
FROM generate_series(1, 8000) p;
SELECT guard('kinds', 'person', 1, 4);
SET client_min_messages = warning;
SELECT dp_agg.set_bounds('kinds', c, 0, 100) FROM unnest('{x,y,n}'::name[]) c;
SELECT dp_agg.set_bounds('kinds', 'd', '2024-01-01', '2024-04-10');
ANALYZE kinds;
SQL
foreach my $list ('count(*), count(y), sum(x), avg(n), avg(y), stddev(x), var_pop(y), corr(y, n), regr_slope(n, x), covar_samp(x, n)',
	'dp_median(x), dp_quantile(y, 0.25), max(x), min(d)', 'mode() WITHIN GROUP (ORDER BY t), mode() WITHIN GROUP (ORDER BY x), count(DISTINCT t), count(DISTINCT x), count(DISTINCT i)',
	'dp_bounds(x + 60), count(*) FILTER (WHERE x > 50)', q{(dp_histogram(x, 2))[1].lower, (dp_top(t, 1))[1].value, dp_tier(*)}, 'dp_tier(*)')
{
	foreach my $set ("$serial", "$serial; SET work_mem = '64kB'", "${parallel}3")
	{
		foreach my $group ('', 'GROUP BY g ORDER BY g')
		{
			my $query = 'SELECT ' . ($group ? 'g, ' : '') . "$list FROM kinds $group";
			my ($got, $want) = map { DpAgg::as($node, $_, "$set; $query") } 'analyst', 'sql';

			is($got->{sqlstate}, '00000', "runs: $query") or diag($got->{err});
			is_alike($got->{out}, $want->{out}, 25, "node and SQL, $set: $query");
		}
	}
}

# ---------- few rows and more ----------

# One to nine rows of an individual in a group, up to three different values among them: what
# fits into the words of items.h, and what does not.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE several (person int NOT NULL, g int NOT NULL, x int NOT NULL);
INSERT INTO several SELECT p, k, (p % 5) * 20 + CASE WHEN p % 4 > 0 THEN i % (p % 4) END * 4
FROM generate_series(1, 3600) p, generate_series(0, 2) k, generate_series(0, (p / 20 + k) % 9) i WHERE p % 4 > 0;
INSERT INTO several SELECT p, 0, (p % 25) * 4 FROM generate_series(4, 3600, 4) p, generate_series(0, p / 20 % 9) i;
SELECT guard('several', 'person', 3, 4);
SELECT dp_agg.set_bounds('several', 'x', 0, 100);
ANALYZE several;
SQL
foreach my $r (1, 2, 4, 6, 9)
{
	# an individual's n rows weigh 1 / max(n, r) each
	my $truth = $node->safe_psql('postgres', <<"SQL");
SELECT g, array_agg(round($r * w) ORDER BY b) FROM (
	SELECT g, b, sum(1.0 / greatest(n, $r)) AS w FROM (
		SELECT g, width_bucket(x, 0, 100, 25) AS b, count(*) OVER (PARTITION BY person, g) AS n FROM several) s
	GROUP BY g, b) s GROUP BY g ORDER BY g
SQL
	foreach my $set ($serial, "$serial; SET work_mem = '64kB'", parallel_plan(2))
	{
		my $with = "FROM several WHERE dp_with(max_rows => $r) GROUP BY g ORDER BY g";
		my $counts = DpAgg::value($node, 'analyst', "$set; SELECT g, (SELECT array_agg(b.count ORDER BY b.lower) FROM unnest(h) b WHERE b.count > 10) FROM (SELECT g, dp_histogram(x, 25) AS h $with) s");
		# with fewer than all three, which of equal sets of values count is left to chance
		my $distinct = $r > 2 ? ', count(DISTINCT x)' : '';
		my ($got, $want) = map { DpAgg::value($node, $_, "$set; SELECT g, dp_median(x), dp_quantile(x, 0.9)$distinct $with") } 'analyst', 'sql';

		is_alike($counts =~ tr/{},/   /r =~ s/ +/|/gr, $truth =~ tr/{},/   /r =~ s/ +/|/gr, 3 + $r, "r = $r, $set: cells weigh what they should");
		is_alike($got, $want, 1, "r = $r, $set: order statistics and distinct values");
	}
}

# ---------- wide keys ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE tall (person text NOT NULL, g text NOT NULL, x int NOT NULL);
ALTER TABLE tall ALTER g SET STORAGE external;
INSERT INTO tall SELECT repeat('p', 10000) || p, repeat('g', CASE k WHEN 0 THEN 10000 WHEN 1 THEN 8160 + p % 2 * 0 ELSE 1200000 END) || k, 1 FROM generate_series(1, 25) p, generate_series(0, 2) k;
SELECT guard('tall', 'person', 3, 1);
SQL
is_alike(DpAgg::value($node, 'analyst', "$_; SELECT length(g), right(g, 1), count(*) FROM (SELECT g, count(*) FROM tall GROUP BY g) s(g, count) GROUP BY 1, 2 ORDER BY 1"),
	$node->safe_psql('postgres', 'SELECT length(g), right(g, 1), 1 FROM tall GROUP BY 1, 2 ORDER BY 1'), 0.1, "wide keys: $_")
  foreach $serial, "$serial; SET work_mem = '64kB'", "${parallel}2; SET work_mem = '64kB'", "${parallel}2";

# ---------- how queries arrive ----------

my $by_group = $node->safe_psql('postgres', 'SELECT g, count(*), 10 FROM kinds GROUP BY g ORDER BY g');

is_alike(DpAgg::value($node, 'analyst', <<'SQL') =~ s/\|\d+$/|10/gmr, "$by_group\n$by_group", 3, 'generic plans');
SET plan_cache_mode = force_generic_plan;
PREPARE p(float8, int) AS SELECT g, count(*), sum(x) FROM kinds WHERE dp_with(epsilon => $1, max_rows => $2) GROUP BY g ORDER BY g;
EXECUTE p(1000, 2);
EXECUTE p(900, 4);
SQL
is_alike(DpAgg::value($node, 'analyst', <<'SQL'), "0|2000\n1|2000\n2|2000", 3, 'a cursor');
BEGIN; DECLARE c CURSOR FOR SELECT g, count(*) FROM kinds GROUP BY g ORDER BY g; FETCH 1 FROM c; FETCH 2 FROM c; CLOSE c; COMMIT;
SQL
is_alike(DpAgg::value($node, 'analyst', 'WITH r AS (SELECT g, count(*) AS n FROM kinds GROUP BY g) SELECT a.g, a.n, b.n FROM r a JOIN r b USING (g) ORDER BY 1'),
	$node->safe_psql('postgres', 'SELECT g, count(*), count(*) FROM kinds GROUP BY g ORDER BY g'), 3, 'a CTE');
is_alike(DpAgg::value($node, 'analyst', 'SELECT k.g, count(*), (SELECT count(*) FROM many WHERE dp_with(max_rows => 1)) FROM kinds k GROUP BY k.g ORDER BY 1'),
	$node->safe_psql('postgres', 'SELECT g, count(*), 3000 FROM kinds GROUP BY g ORDER BY g'), 3, 'a release beside a release');
{
	my $join = 'SELECT k.g, count(*) FROM kinds k JOIN many m USING (person) WHERE dp_with(max_groups => 4, max_rows => 1) GROUP BY k.g ORDER BY 1';

	foreach my $set ($serial, "${parallel}2", "${parallel}2; SET enable_hashjoin = off", "${parallel}2; SET work_mem = '64kB'")
	{
		my ($got, $want) = map { DpAgg::as($node, $_, "$set; $join") } 'analyst', 'sql';

		is_alike("$got->{sqlstate}|$got->{out}", "$want->{sqlstate}|$want->{out}", 2, "a join of protected tables: $set") or diag($got->{err});
	}
}

# ---------- what is left behind ----------

my $tmp = $node->data_dir . '/base/pgsql_tmp';
sub files { my @found = map { -d $_ ? glob("$_/*") : $_ } glob("$tmp/*"); return @found }
sub segments { my @found = glob($node->data_dir . '/pg_dynshmem/*'); return @found }
sub eventually
{
	my ($condition) = @_;

	foreach (1 .. 60)
	{
		return 1 if $condition->();
		usleep(100_000);
	}
	return 0;
}

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE slow (person int NOT NULL, g int NOT NULL, x int NOT NULL);
INSERT INTO slow SELECT i % 100000, i % 50000, 1 FROM generate_series(1, 600000) i;
SELECT guard('slow', 'person', 2, 1);
SQL
my $running = "pid FROM pg_stat_activity WHERE usename = 'analyst' AND state = 'active' AND query LIKE '%slow%'";
# psql's exit code and output; it may find no server to write to.
sub ask
{
	my ($sql) = @_;
	my ($code, $answer) = eval { $node->psql('postgres', $sql) };

	return ($code // 2, $answer // '');
}

# An end may miss: a worker lives for a part of a release only.
my %ends = (
	'pg_cancel_backend' => "SELECT pg_cancel_backend(pid), $running AND backend_type = 'client backend'",
	'pg_terminate_backend' => "SELECT pg_terminate_backend(pid), $running AND backend_type = 'client backend'",
	'pg_terminate_backend of a worker' => "SELECT pg_terminate_backend(pid), $running AND backend_type = 'parallel worker' LIMIT 1",
	'kill -9 of a worker' => "SELECT $running AND backend_type = 'parallel worker' LIMIT 1");
my @segments = segments();

foreach my $set ("$serial; SET work_mem = '64kB'", "${parallel}2; SET work_mem = '64kB'")
{
	foreach my $end (sort { $a =~ /kill/ <=> $b =~ /kill/ || $a cmp $b } keys %ends)
	{
		next if $end =~ /worker/ && $set =~ /gather = 0/;
		my ($in, $out, $err) = ("$set;\n" . 'SELECT g, count(*) FROM slow GROUP BY g HAVING count(*) > 1e9;' . "\n" x 2, '', '');
		my $script = PostgreSQL::Test::Utils::tempdir() . '/script';
		append_to_file($script, $in x 40);
		my $session = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('postgres') . " user='analyst'", '-f', $script ], '<', \undef, '>', \$out, '2>', \$err);

		ok(eventually(sub { files() > 0 }), "there are files while it runs: $set");
		my $state = eventually(sub {
			my (undef, $answer) = ask($ends{$end});

			kill 'KILL', $answer if $end =~ /kill/ && $answer =~ /^\d+$/;
			$session->pump_nb;
			return $err =~ /canceling|terminat|connection/;
		});
		ok($state, "$end: the release ends") or diag($err);
		$session->kill_kill;
		if ($end =~ /kill/)
		{
			ok(eventually(sub { (ask('SELECT 1'))[0] == 0 }), "$end: the server comes back");
		}
		ok(eventually(sub { files() == 0 }), "$end: no file is left") or diag(join ' ', files());
		ok(eventually(sub { segments() <= @segments || $end =~ /kill/ }), "$end: no shared memory is left") or diag(join ' ', segments());
		@segments = segments() if $end =~ /kill/;
	}
	my @states;

	# Where in a release each falls is the machine's choice; the shortest ends it anywhere.
	foreach my $ms (300, 150, 75, 40, 20)
	{
		my $r = DpAgg::as($node, 'analyst', "$set; SET statement_timeout = '${ms}ms'; SELECT g, count(*) FROM slow GROUP BY g HAVING count(*) > 1e9");

		push @states, $r->{sqlstate};
		last if $r->{sqlstate} !~ /^(00000|57014)$/;
	}
	like("@states", qr/^(00000 )*(57014 ?)+$/, 'statement_timeout ends it');
	ok(eventually(sub { files() == 0 }), 'statement_timeout: no file is left');
	DpAgg::value($node, 'analyst', "$set; SELECT count(*) FROM slow");
	is(scalar(files()), 0, 'no file is left after the end');
}

unlike(slurp_file($node->logfile) =~ s/.*terminated by signal 9.*//gr, qr/terminated by signal|PANIC|TRAP|XX000/, 'nothing went wrong inside');
$node->stop;
done_testing();
