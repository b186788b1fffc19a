# What the planner knows of protected rows, and what the executor does only for some of
# them: a client sees the choice of a plan, and moves its settings until the choice flips.
# See src/planner/statistics.c and steady.c.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;
use PostgreSQL::Test::Utils;

# Tables "one" and "two" have the same number of rows and pages; what is in them differs.
# A checkpoint makes whoever changes a page next write more to the WAL.
start('planner statistics', conf => "autovacuum = off\ncheckpoint_timeout = 1h\nmax_worker_processes = 12\nmax_parallel_workers = 8\nlog_min_messages = debug1\n", persons => {}, tables => <<'SQL', own => <<'SQL');
CREATE TABLE one (id int PRIMARY KEY, x int NOT NULL, g int NOT NULL, z int NOT NULL, y int, t text, pad text);
CREATE TABLE two (LIKE one INCLUDING ALL);
INSERT INTO one SELECT i, CASE WHEN i % 2 = 0 THEN 5 ELSE i % 900 END, i % 3, i, CASE WHEN i % 2 = 0 THEN i END, repeat('t', 4), repeat('p', CASE WHEN i % 2 = 0 THEN 40 ELSE 44 END) FROM generate_series(1, 19900) i;
INSERT INTO two SELECT i, i % 9000, i, i * 50, CASE WHEN i % 20 = 0 THEN i END, repeat('t', 40), repeat('p', CASE WHEN i % 20 = 0 THEN 4 ELSE 8 END) FROM generate_series(1, 19900) i;
CREATE TABLE staff (sid int PRIMARY KEY, day date NOT NULL);
INSERT INTO staff SELECT i, '2024-01-05' FROM generate_series(1, 300) i;
CREATE TABLE shifts (sid int NOT NULL, day date NOT NULL, hours int, pad text) PARTITION BY RANGE (day);
CREATE TABLE shifts_1 PARTITION OF shifts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') WITH (autovacuum_enabled = off);
CREATE TABLE shifts_2 PARTITION OF shifts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') WITH (autovacuum_enabled = off);
INSERT INTO shifts SELECT i, date '2024-01-05' + 31 * m, 8, repeat('x', 200) FROM generate_series(1, 300) i, generate_series(0, 1) m;
CREATE TABLE pub (k int);
INSERT INTO pub SELECT generate_series(1, 3);
GRANT SELECT ON pub TO PUBLIC;
CREATE FUNCTION also(command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE t text; BEGIN FOREACH t IN ARRAY '{one,two}'::text[] LOOP EXECUTE replace(command, 'TABLE', 'public.' || t); EXECUTE replace(command, 'TABLE', 'plain.' || t); END LOOP; END $$;
CREATE TABLE plain.one (LIKE one INCLUDING ALL);
CREATE TABLE plain.two (LIKE one INCLUDING ALL);
INSERT INTO plain.one TABLE one;
INSERT INTO plain.two TABLE two;
CREATE TABLE plain.staff (LIKE staff INCLUDING ALL);
INSERT INTO plain.staff TABLE staff;
CREATE TABLE plain.shifts (LIKE shifts) PARTITION BY RANGE (day);
CREATE TABLE plain.shifts_1 PARTITION OF plain.shifts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') WITH (autovacuum_enabled = off);
CREATE TABLE plain.shifts_2 PARTITION OF plain.shifts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') WITH (autovacuum_enabled = off);
INSERT INTO plain.shifts TABLE shifts;
SELECT also('CREATE INDEX ON TABLE (x)'), also('CREATE INDEX ON TABLE (z)'), also('CREATE INDEX ON TABLE ((x % 10))'), also('CREATE INDEX ON TABLE (x) WHERE g = 1'),
	also('CREATE STATISTICS TABLE_s ON g, x FROM TABLE'), also('CREATE STATISTICS TABLE_e ON (z / 3) FROM TABLE');
SELECT dp_agg.protect('one', 'id', 'people'), dp_agg.protect('two', 'id', 'people');
SELECT dp_agg.protect('staff', 'sid', 'staff'), dp_agg.protect('shifts', 'sid', 'staff', max_groups => 2, max_rows => 2);
SELECT dp_agg.set_bounds('shifts', 'hours', 0, 24);
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,staff}'::name[]) p;
SQL
CREATE FUNCTION a.told(n int8) RETURNS int8 LANGUAGE plpgsql PARALLEL RESTRICTED AS $$
BEGIN PERFORM set_config('a.told', n::text, false); RETURN n; END $$;
-- whether the statement is in parallel mode
CREATE FUNCTION a.parallel(statement text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN EXECUTE statement; RETURN false; EXCEPTION WHEN invalid_transaction_state THEN RETURN true; END $$;
-- the value of a setting from which on it is not
CREATE FUNCTION a.flip(statement text, setting text DEFAULT 'parallel_setup_cost') RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	digits int := CASE setting WHEN 'parallel_setup_cost' THEN 3 ELSE 0 END;
	low numeric := 0; high numeric := 100000; middle numeric;
BEGIN
	WHILE high - low > 10.0 ^ -digits AND high - low > 1e-4 * high LOOP
		middle := round((low + high) / 2, digits);
		PERFORM set_config(setting, middle::text, false);
		IF a.parallel(statement) THEN low := middle; ELSE high := middle; END IF;
	END LOOP;
	RETURN high;
END $$;
SQL
my $sizes = sub { my ($schema) = @_; return node()->safe_psql('postgres', "SELECT count(DISTINCT (pg_relation_size(oid), reltuples)) FROM pg_class WHERE oid IN ('$schema.one'::regclass, '$schema.two'::regclass)"); };
is($sizes->('public') . $sizes->('plain'), 11, 'the tables have the same sizes');
# since they were analyzed: at the end of an index, and elsewhere
foreach my $schema ('public', 'plain')
{
	node()->safe_psql('postgres', "INSERT INTO $schema.one VALUES (20000, 5, 1, 15000, 1, 'tttt', 'p'); INSERT INTO $schema.two VALUES (20000, 5, 1, 900000000, 1, 'tttt', 'p')");
}

# ---------- estimates, by the price of workers ----------

my $open = 'SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0; SET cpu_operator_cost = 0.05; SET dp_agg.epsilon = 0.01; SET dp_agg.delta = 1e-7';

# flips(SCHEMA, SETTINGS, STATEMENT with TABLE [, SETTING]): where the choice flips for both
# tables.
sub flips
{
	my ($schema, $settings, $statement, $setting) = @_;
	my $and = defined $setting ? ", '$setting'" : '';

	return map {
		my $sql = $statement =~ s/TABLE/$_/gr;

		$sql = on_copies($sql) if $schema eq 'plain';
		DpAgg::value(node(), 'analyst', "$open; $settings; SET search_path = $schema, public;\nSELECT a.flip(\$q\$ $sql \$q\$$and)");
	} 'one', 'two';
}

# PostgreSQL 18 sees that a table joined with itself by its key is one
my $two = DpAgg::version() >= 18 ? 'SET enable_self_join_elimination = off' : '';

foreach my $attack (
	[ 'rows of a frequent value', '', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE x = 5) r' ],
	[ 'the same, prepared', 'SET plan_cache_mode = force_generic_plan', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE x = 5) r' ],
	[ 'bounds of a histogram', '', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE z < 19000) r' ],
	[ 'the end of an index', '', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE z BETWEEN 900000 AND 900000000) r' ],
	[ 'how many are NULL', '', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE y IS NULL) r' ],
	[ 'the number of groups', 'SET parallel_tuple_cost = 0.01', 'SELECT a.told(max(n)) FROM (SELECT g, dp_count(*) AS n FROM TABLE GROUP BY g) r' ],
	[ 'extended statistics of two columns', 'SET parallel_tuple_cost = 0.01', 'SELECT a.told(max(n)) FROM (SELECT g, x, dp_count(*) AS n FROM TABLE GROUP BY g, x) r' ],
	[ 'statistics of an expression', '', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE z / 3 < 500) r' ],
	[ 'statistics of an index on an expression', '', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE x % 10 = 5) r' ],
	[ 'the average width of a column', "$two; " . q(SET work_mem = '64kB'; SET enable_hashagg = off; SET enable_hashjoin = off; SET enable_nestloop = off; SET enable_indexscan = off; SET enable_indexonlyscan = off),
		'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE q JOIN TABLE p ON p.id = q.id WHERE q.t <> p.t) r' ],
	[ 'a join', $two, 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE q JOIN TABLE p ON p.id = q.id AND p.x = q.x) r' ])
{
	my ($name, $settings, $statement) = @$attack;
	my @protected = flips('public', $settings, $statement);
	my @plain = flips('plain', $settings, $statement);

	attacked(abs($protected[0] - $protected[1]) <= 3e-4 * $protected[0] && $protected[0] > 1, "$name: nothing to see") or diag("@protected");
	control(abs($plain[0] - $plain[1]) > 2e-3 * ($plain[0] + $plain[1]), "$name: seen without protection") or diag("@plain");
}

# With look-ups by index, too: sizes of indexes, and of partial ones.
node()->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.index_scans = on');
foreach my $attack (
	[ 'the size of a partial index', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE g = 1 AND x > 0) r' ],
	[ 'the size of an index', 'SELECT a.told(n) FROM (SELECT dp_count(*) AS n FROM TABLE WHERE x > 0) r' ])
{
	my ($name, $statement) = @$attack;
	my @question = ('SET enable_bitmapscan = off; SET enable_seqscan = off; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0', $statement, 'min_parallel_index_scan_size');
	my @protected = flips('public', @question);
	my @plain = flips('plain', @question);

	attacked($protected[0] == $protected[1] && $protected[0] > 1, "$name: nothing to see") or diag("@protected");
	control(abs($plain[0] - $plain[1]) > 2, "$name: seen without protection") or diag("@plain");
}
node()->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.index_scans');

# ---------- workers that are started for rows ----------

# How many were started: other sessions see them, and so does the next number of a process.
sub workers
{
	my ($schema, $sql) = @_;
	my $start = -s node()->logfile;

	DpAgg::value(node(), 'analyst', "$open; SET search_path = $schema, public; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2;\n"
		  . "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off; SET join_collapse_limit = 1; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;\n$sql");
	return scalar(() = slurp_file(node()->logfile, $start) =~ /registering background worker "parallel worker/g);
}

my $looped = sub {
	my ($aggregate, $least) = @_;
	return "SELECT $aggregate FROM (SELECT id FROM one, m WHERE x > m.k * 0 AND one.id <= $least) p JOIN two q ON q.id = p.id";
};
{
	my @started = map { workers('public', 'WITH m AS MATERIALIZED (SELECT k FROM pub WHERE k = 1) ' . $looped->('dp_count(*)', $_)) } 0, 3, 6;
	my @plain = map { workers('plain', 'WITH m AS MATERIALIZED (SELECT k FROM pub WHERE k = 1) ' . $looped->('count(*)', $_)) } 0, 3, 6;

	attacked($started[0] == $started[1] && $started[1] == $started[2], 'workers are not started for rows') or diag("@started");
	control($plain[0] < $plain[1] && $plain[1] < $plain[2], 'workers are started for rows, without protection') or diag("@plain");
}
is(workers('public', 'SELECT dp_count(*) FROM one') > 0, 1, 'a release has workers');

# ---------- partitions that are read for rows ----------

# What is written to the WAL by reading pages for the first time after a change.
{
	my $written = sub {
		my ($schema, $day, $aggregate) = @_;

		node()->safe_psql('postgres', "UPDATE $schema.staff SET day = '$day' WHERE sid = 5; VACUUM $schema.staff; VACUUM FULL $schema.shifts_1; UPDATE $schema.shifts_1 SET pad = repeat('y', 200)");
		my $r = DpAgg::as(node(), 'analyst', <<"SQL");
SET dp_agg.epsilon = 0.01; SET dp_agg.delta = 1e-7; SET search_path = $schema, public; SET max_parallel_workers_per_gather = 0;
SELECT $aggregate FROM staff; SELECT count(*) FROM pub;
SELECT pg_current_wal_insert_lsn() AS before \\gset
SELECT $aggregate FROM staff s WHERE s.sid = 5 AND (s.day IS NULL OR EXISTS (SELECT FROM shifts h WHERE h.sid = s.sid AND h.day = s.day AND h.hours > s.sid + 100));
SELECT pg_current_wal_insert_lsn() - :'before';
SQL
		return $r->{out} =~ /(\d+)\z/ ? $1 : -1;
	};
	my $least = sub { my @question = @_; return (sort { $a <=> $b } map { $written->(@question) } 1 .. 3)[0] };
	my @protected = map { $least->('public', $_, 'dp_count(*)') } '2024-01-05', '2024-02-05';
	my @plain = map { $least->('plain', $_, 'count(*)') } '2024-01-05', '2024-02-05';

	attacked($protected[0] > 1000 && abs($protected[0] - $protected[1]) < 200, 'partitions are read whatever a row asks for') or diag("@protected");
	control($plain[0] - $plain[1] > 1000, 'partitions are read for rows, without protection') or diag("@plain");
}

# ---------- partitions by themselves ----------

# a leak: a person counts twice, whose rows lie in two partitions, one of which is foreign and
# holds what its bounds exclude.  Code of the client's that runs at plan time turns it on, too.
my $elsewhere = node()->data_dir . '/elsewhere.csv';
append_to_file($elsewhere, join '', map { "$_,1\n" x 4 } 1 .. 500);
node()->safe_psql('postgres', <<'SQL' =~ s/FILE/OPTIONS (filename '$elsewhere', format 'csv')/gr);
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE parted (pid int NOT NULL, x int) PARTITION BY RANGE (pid);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
CREATE FOREIGN TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1000) TO (2000) SERVER files FILE;
INSERT INTO parted SELECT i, 1 FROM generate_series(1, 500) i, generate_series(1, 4);
CREATE TABLE plain.parted (pid int NOT NULL, x int) PARTITION BY RANGE (pid);
CREATE TABLE plain.parted_1 PARTITION OF plain.parted FOR VALUES FROM (0) TO (1000);
CREATE FOREIGN TABLE plain.parted_2 PARTITION OF plain.parted FOR VALUES FROM (1000) TO (2000) SERVER files FILE;
INSERT INTO plain.parted SELECT i, 1 FROM generate_series(1, 500) i, generate_series(1, 4);
GRANT SELECT ON plain.parted TO analyst;
SELECT dp_agg.protect('parted', 'pid', 'staff', max_groups => 4, max_rows => 4);
ANALYZE parted, parted_2, plain.parted, plain.parted_2;
SQL
DpAgg::value(node(), 'analyst', <<'SQL');
CREATE FUNCTION a.turn_on() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM set_config(s, 'on', false) FROM unnest('{enable_partitionwise_aggregate,enable_partitionwise_join}'::text[]) s; RETURN 0; END $$;
CREATE TABLE a.turning (k int CHECK (k > a.turn_on()));
INSERT INTO a.turning VALUES (1);
SQL
{
	my $people = 'SELECT COUNT FROM (SELECT pid, sum(x) AS n FROM parted GROUP BY pid) s';
	my $ask = sub {
		my ($schema, $settings, $query) = @_;
		$query =~ s/COUNT/$schema eq 'plain' ? 'count(*)' : 'dp_count(*)'/e;
		return DpAgg::value(node(), 'analyst', "SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-7; SET search_path = $schema, public; SET enable_sort = off; $settings; $query");
	};
	my $on = 'SET enable_partitionwise_aggregate = on; SET enable_partitionwise_join = on';
	foreach my $attack (
		[ 'turned on', $on, $people ],
		[ 'turned on by a function at plan time', 'SET constraint_exclusion = on', "SELECT r.* FROM ($people) r WHERE a.turn_on() = 0" ],
		[ 'turned on by a constraint of a table below', 'SET constraint_exclusion = on', "$people JOIN a.turning ON k = n / 1 OR k > 0" ])
	{
		my ($name, $settings, $query) = @$attack;
		my $n = eval { $ask->('public', $settings, $query) } // "refused: $@";

		attacked($n =~ /^refused.*DP002/s || $n =~ /^(49[0-9]|50[0-9]|51[0-9])$/, "partitions by themselves, $name") or diag($n);
	}
	is($ask->('plain', 'SET enable_partitionwise_aggregate = off', $people), 500, 'the people are 500');
	control($ask->('plain', $on, $people) == 1000, 'partitions by themselves: counted twice without protection');
}

finish();
