# Declarations that a proof or a plan rests on, and that nobody enforces: NOT NULL and
# CHECK of foreign tables, of children, of partitions; what was declared after a snapshot
# was taken, which still sees rows from before; bounds of partitions.  See
# src/policy/enforced.c and src/planner/order.c.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;
use PostgreSQL::Test::Utils;

# Foreign tables read these files; a table of schema plain reads the same one.
my $files = PostgreSQL::Test::Utils::tempdir_short();
chmod 0755, $files or die "could not open $files: $!";

sub write_file
{
	my ($name, @lines) = @_;

	open my $file, '>', "$files/$name.csv" or die "could not write $files/$name.csv: $!";
	print $file map { "$_\n" } @lines;
	close $file;
	return;
}

# Three kinds of tables that hold what their declarations deny: foreign tables, a child
# that has dropped NOT NULL, a foreign partition.  5,000 people are in p.
my @foreign = qw(q1 child partition bounds checked halves twins);
write_file($_) foreach @foreign;

my $tables = <<'SQL';
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p SELECT generate_series(1, 5000);
CREATE FOREIGN TABLE q1 (id int NOT NULL, x int) SERVER files OPTIONS (filename 'FILES/q1.csv', format 'csv');
CREATE TABLE c0 (id int OWN, x int OWN);
CREATE TABLE c1 () INHERITS (c0);
ALTER TABLE c1 ALTER id DROP NOT NULL, ALTER x DROP NOT NULL;
CREATE TABLE d0 (id int NOT NULL, x int);
CREATE FOREIGN TABLE d1 () INHERITS (d0) SERVER files OPTIONS (filename 'FILES/child.csv', format 'csv');
CREATE TABLE e0 (k int, id int NOT NULL, x int NOT NULL) PARTITION BY RANGE (k);
CREATE TABLE e1 PARTITION OF e0 FOR VALUES FROM (0) TO (10);
CREATE TABLE e2 PARTITION OF e0 FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (k);
CREATE FOREIGN TABLE e21 PARTITION OF e2 FOR VALUES FROM (10) TO (15) SERVER files OPTIONS (filename 'FILES/partition.csv', format 'csv');
CREATE TABLE b0 (id int, x int) PARTITION BY RANGE (id);
CREATE TABLE b1 PARTITION OF b0 FOR VALUES FROM (0) TO (2500);
CREATE FOREIGN TABLE b2 PARTITION OF b0 FOR VALUES FROM (2500) TO (10000) SERVER files OPTIONS (filename 'FILES/bounds.csv', format 'csv');
CREATE INDEX ON b1 (id);
INSERT INTO b0 SELECT i, 0 FROM generate_series(1, 2499) i;
CREATE FOREIGN TABLE k1 (id int, x int CHECK (x > 0)) SERVER files OPTIONS (filename 'FILES/checked.csv', format 'csv');
CREATE TABLE k2 (id int, x int);
INSERT INTO k2 SELECT i, CASE WHEN i > 2500 THEN i END FROM generate_series(1, 5000) i;
ALTER TABLE k2 ADD CHECK (x < 0) NOT VALID;
CREATE FOREIGN TABLE h1 (id int NOT NULL, x int NOT NULL) SERVER files OPTIONS (filename 'FILES/halves.csv', format 'csv');
CREATE TABLE h2 (id int OWN, x int OWN);
CREATE TABLE h21 () INHERITS (h2);
ALTER TABLE h21 ALTER x DROP NOT NULL;
INSERT INTO h2 SELECT i, 100 FROM generate_series(1, 5000) i;
INSERT INTO h21 SELECT i, NULL FROM generate_series(5001, 10000) i;
CREATE TABLE u0 (id int PRIMARY KEY, v int);
INSERT INTO u0 SELECT i, 0 FROM generate_series(1, 5000) i;
CREATE TABLE u1 () INHERITS (u0);
INSERT INTO u1 SELECT i, 100 FROM generate_series(1, 5000) i;
CREATE TABLE f0 (id int PRIMARY KEY, v int);
INSERT INTO f0 SELECT i, 0 FROM generate_series(1, 5000) i;
CREATE FOREIGN TABLE f1 () INHERITS (f0) SERVER files OPTIONS (filename 'FILES/twins.csv', format 'csv');
CREATE TABLE i0 (id int NOT NULL, v int);
INSERT INTO i0 SELECT i, v FROM generate_series(1, 5000) i, (VALUES (0), (100)) v (v);
CREATE UNIQUE INDEX ON i0 (id) WHERE v = 0;
CREATE UNIQUE INDEX ON i0 (id, v);
CREATE UNIQUE INDEX ON i0 ((id + v * 1000000));
CREATE UNIQUE INDEX ON i0 (v, id) NULLS NOT DISTINCT;
CREATE TABLE n0 (id int UNIQUE);
INSERT INTO n0 SELECT CASE WHEN i <= 5000 THEN i END FROM generate_series(1, 10000) i;
CREATE MATERIALIZED VIEW m0 AS SELECT * FROM i0;
CREATE UNIQUE INDEX ON m0 (id, v);
SQL
$tables =~ s/FILES/$files/g;
# from 18 on a child cannot drop what it inherits, and is not made to inherit NO INHERIT
my $own = DpAgg::version() >= 18 ? 'NOT NULL NO INHERIT' : 'NOT NULL';
$tables =~ s/\bOWN\b/$own/g;
# from 17 on PostgreSQL takes IS NULL for false where it believes NOT NULL, of foreign tables, too
my $folds = DpAgg::version() >= 17;
my @names = qw(p q1 c0 d0 e0 b0 k1 k2 h1 h2 u0 f0 i0 n0 m0);

start('declarations', persons => {}, own => '', conf => "autovacuum = off\n", tables => join "\n",
	'CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;',
	$tables, 'SET search_path = plain, public;', $tables, 'RESET search_path;',
	(map { "SELECT dp_agg.protect('$_', 'id', 'people', max_rows => 4);" } @names),
	"SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);");

sub result_of
{
	my ($r, $on_copies) = @_;
	my $last = $r->{out} =~ s/.*\n//sr;

	return $r->{states} ne '' ? $r->{states} : $last eq '' && !$on_copies ? 0 : $last;
}

# The last line of a statement's answer to the analyst, or its SQLSTATE.  What the gate
# holds back is 0: fewer than 20 are there.
sub answer
{
	my ($on_copies, $sql, @before) = @_;
	my $r = script(join ";\n", 'SET search_path = ' . ($on_copies ? 'plain, public' : 'public'), @before, $on_copies ? on_copies($sql) : $sql);

	return result_of($r, $on_copies);
}

sub is_answer
{
	my ($answer) = @_;

	return $answer =~ /^-?[\d.]+$/ && $answer !~ /^(22|XX)\w{3}$/;
}

# told(NAME, SQL, WITH, WITHOUT, BEFORE...): WITH and WITHOUT make the two versions of the
# data, as SQL of the superuser's or as a file's name and lines.  One person must not move
# the answer by more than 8; on the copies the answer or its absence tells, unless NAME says that
# PostgreSQL folds the condition.
sub told
{
	my ($name, $sql, $with, $without, @before) = @_;
	my $folded = $name =~ / folded$/;
	my @answers;

	foreach my $version ($with, $without)
	{
		ref $version ? write_file(@$version) : node()->safe_psql('postgres', "$version; SET search_path = plain; $version");
		push @answers, map { answer($_, $sql, @before) } 0, 1;
	}
	my ($one, $one_copies, $two, $two_copies) = @answers;
	attacked($one eq $two ? $one eq 'DP002' || is_answer($one) : is_answer($one) && is_answer($two) && abs($one - $two) <= 8, $name)
	  or diag("$sql\nwith:    $one\nwithout: $two");
	my $seen = $one_copies ne $two_copies && (!is_answer($one_copies) || !is_answer($two_copies) || abs($one_copies - $two_copies) > 8);
	control($folded ? !$seen : $seen, "$name: " . ($folded ? q(PostgreSQL) : q(seen)) . q( without protection))
	  or diag("$sql\nwith:    $one_copies\nwithout: $two_copies");
	return;
}

# is_about(NAME, SQL, EXPECTED, COPIES, BEFORE...): the answer is EXPECTED, or refused; on
# the copies it is COPIES, for PostgreSQL believes the declaration.  COPIES undef: there is
# no belief of PostgreSQL's, and the copies give what is expected.
sub is_about
{
	my ($name, $sql, $expected, $copies, @before) = @_;
	my $answer = answer(0, $sql, @before);
	my $copy = answer(1, $sql, @before);

	attacked($answer eq 'DP002' || (is_answer($answer) && abs($answer - $expected) <= 2), $name) or diag("$sql\n$answer");
	control(is_answer($copy) && abs($copy - ($copies // $expected)) <= 0.01, "$name: " . (defined $copies ? 'believed' : 'true') . ' without protection') or diag("$sql\n$copy");
	return;
}

# ---------- NOT NULL that nobody enforces ----------

my @people = map { "$_,0" } 6000 .. 6100;
my %null_row = (
	q1 => [ [ 'q1', @people, ',1' ], [ 'q1', @people ] ],
	c0 => [ 'INSERT INTO c1 VALUES (NULL, 1)', 'DELETE FROM c1' ],
	d0 => [ [ 'child', @people, ',1' ], [ 'child', @people ] ],
	e0 => [ [ 'partition', (map { "10,$_" } @people), '10,,1' ], [ 'partition', map { "10,$_" } @people ] ]);

# a leak: one row without a unit turns everybody's NOT IN to NULL
foreach my $table (qw(q1 c0 d0 e0))
{
	my $folded = $folds && $table ne 'c0' ? ' folded' : '';

	told("NOT IN and NULL: $_->[0], $table" . ($_->[2] // ''), sprintf($_->[1], $table), @{ $null_row{$table} }, 'SET constraint_exclusion = off') foreach
	  [ 'a row', 'SELECT dp_count(*) FROM p WHERE id NOT IN (SELECT id FROM %s WHERE id IS NULL AND x = 1)', $folded ],
	  [ 'IS NULL', 'SELECT dp_count(*) FROM p WHERE (id IN (SELECT id FROM %s WHERE id IS NULL AND x = 1)) IS NULL', $folded ],
	  [ 'a sub-select', 'SELECT dp_count(*) FROM p WHERE id NOT IN (SELECT id FROM (SELECT id, x FROM %s) s WHERE x = 1)' ],
	  [ 'grouped', 'SELECT dp_count(*) FROM p WHERE id NOT IN (SELECT id FROM %s WHERE x = 1 GROUP BY id)' ],
	  [ 'a branch of UNION ALL', 'SELECT dp_count(*) FROM p WHERE id NOT IN (SELECT id FROM p WHERE id = 0 UNION ALL SELECT id FROM %s WHERE x = 1)' ];
}

# wrong numbers: a NULL counts as a value in the middle of the bounds
write_file('halves', map { $_ > 5000 ? "$_," : "$_,100" } 1 .. 10000);
foreach my $table (qw(h1 h2))
{
	is_about("an average of a column that is NULL in half of the rows, $table", "SELECT dp_avg(x, 0, 100) FROM $table", 100);
	is_about("a count of it, $table", "SELECT dp_count(x) FROM $table", 5000);
	is_about("a sum of it, $table", "SELECT dp_sum(x, 100, 200) / 100 FROM $table", 5000);
	is_about("a spread of it, $table", "SELECT dp_stddev(x, 0, 200) FROM $table", 0);
	is_about("an average of a sub-select's, $table", "SELECT dp_avg(x, 0, 100) FROM (SELECT id, x FROM $table) s", 100);
	is_about("a count of COALESCE, $table", "SELECT dp_count(coalesce(NULL, x)) FROM $table", 5000);
}
# rows of nobody
write_file('halves', map { $_ > 5000 ? ',100' : "$_,100" } 1 .. 10000);
foreach my $bound_node (qw(on off))
{
	node()->safe_psql('postgres', "ALTER ROLE analyst SET dp_agg.bound_node = $bound_node");
	is_about("rows of nobody do not count, bound_node $bound_node", 'SELECT dp_count(*) FROM h1 WHERE id IS NULL OR id > 0', 5000, 10000);
}
node()->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.bound_node');

# What is enforced is believed: values are as many as rows, and one coordinate counts both.
node()->safe_psql('postgres', <<'SQL');
CREATE TABLE g0 (k int, id int NOT NULL, x int NOT NULL) PARTITION BY RANGE (k);
CREATE TABLE g1 (x int NOT NULL, gone int, id int NOT NULL, k int);
ALTER TABLE g1 DROP COLUMN gone;
ALTER TABLE g0 ATTACH PARTITION g1 FOR VALUES FROM (0) TO (10);
CREATE TABLE g2 PARTITION OF g0 FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (k);
CREATE TABLE g21 PARTITION OF g2 FOR VALUES FROM (10) TO (20);
INSERT INTO g0 SELECT i % 20, i, i FROM generate_series(1, 5000) i;
CREATE TABLE l0 (id int NOT NULL, x int NOT NULL);
CREATE TABLE l1 () INHERITS (l0);
INSERT INTO l1 SELECT i, i FROM generate_series(1, 5000) i;
SELECT dp_agg.protect(t, 'id', 'people') FROM unnest('{g0,l0}'::regclass[]) t;
SQL
foreach my $table (qw(g0 l0))
{
	my $r = session('analyst', "SET dp_agg.epsilon = 0.01; SELECT dp_count(*) = dp_count(x) FROM $table");
	is($r->{out}, 't', "NOT NULL in all parts of $table is believed") or diag($r->{err});
}

# ---------- unique indexes ----------

write_file('twins', map { "$_,100" } 1 .. 5000);
# a concurrent build that meets a row twice leaves an index that is not valid
session('admin', "SET search_path = $_; CREATE UNIQUE INDEX CONCURRENTLY i0_broken ON i0 (id)") foreach qw(public plain);
is(node()->safe_psql('postgres', "SELECT count(*) FROM pg_index WHERE indexrelid IN ('public.i0_broken'::regclass, 'plain.i0_broken'::regclass) AND indisunique AND NOT indisvalid"), 2, 'indexes that are not valid');
foreach my $table (qw(u0 f0 i0 m0))
{
	# an individual with two rows counts once; PostgreSQL counts rows
	is_about("individuals are bounded, $table", "SELECT dp_count(*) FROM $table", 5000, 10000, 'SET dp_agg.max_rows = 1');
	is_about("EXISTS is not a join, $table", "SELECT dp_count(*) FROM p WHERE EXISTS (SELECT FROM $table o WHERE o.id = p.id)", 5000, undef);
	is_about("a join is not left out, $table", "SELECT dp_count(*) FROM p LEFT JOIN $table o ON o.id = p.id", 10000, undef, 'SET dp_agg.max_rows = 4');
	is_about("both rows, $table", "SELECT dp_avg(v, 0, 100) FROM (SELECT id, v FROM $table GROUP BY id, v) s", 50, undef);
}
is_about('ONLY the table with the key', 'SELECT dp_count(*) FROM ONLY u0', 5000, undef);
is_about('NULL is no individual, and not unique', 'SELECT dp_count(*) FROM n0', 5000, 10000);
# a representative, which of two rows depends on the plan
is_about("a column beside a grouped primary key, $_", "SELECT dp_avg(v, 0, 100) FROM (SELECT id, v FROM $_ GROUP BY id) s", 50, 0) foreach qw(u0 f0);

# ---------- what was declared since the snapshot ----------

my $admin = node()->connstr('postgres') . " user='admin'";

# old_snapshot(NAME, SQL, EXPECTED, BELIEVED, TABLE, CHANGE, BEFORE...): a transaction that
# keeps its snapshot sees table o as TABLE made it, before CHANGE made the declaration true.
# The answer is EXPECTED, or refused; the copies give BELIEVED, what it is where PostgreSQL
# believes the declaration (undef: it does not, and the copies give EXPECTED).
sub old_snapshot
{
	my ($name, $sql, $expected, $believed, $table, $change, @before) = @_;
	my @answers;

	foreach my $on_copies (0, 1)
	{
		my $schema = $on_copies ? 'plain' : 'public';
		my $opened = $on_copies ? 'GRANT ALL ON ALL TABLES IN SCHEMA plain TO analyst' : q{SELECT dp_agg.protect('o', 'id', 'people', max_rows => 4)};

		node()->safe_psql('postgres', "SET client_min_messages = warning; SET search_path = $schema; DROP TABLE IF EXISTS $schema.o, $schema.o2 CASCADE; $table; $opened");
		node()->safe_psql('postgres', "VACUUM ANALYZE $schema.o");
		my $r = script(join "\n", "SET search_path = $schema, public;", (map { "$_;" } @before), 'BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT 0 FROM pg_class LIMIT 1;',
			qq{\\! psql -Xqd "$admin" -c "SET search_path = $schema" -c "$change" >&2}, ($on_copies ? on_copies($sql) : $sql) . ';');
		push @answers, result_of($r, $on_copies);
	}
	my ($answer, $copy) = @answers;
	attacked($answer eq 'DP002' || (is_answer($answer) && abs($answer - $expected) <= 2), $name) or diag("$sql\n$answer");
	control(is_answer($copy) && abs($copy - ($believed // $expected)) <= 0.01, "$name: " . (defined $believed ? 'believed' : 'seen') . ' without protection') or diag("$sql\n$copy");
	return;
}

my $nulls = 'CREATE TABLE o (id int, x int); INSERT INTO o SELECT i, 100 FROM generate_series(1, 5000) i UNION ALL SELECT i, NULL FROM generate_series(5001, 10000) i';
my $no_nulls = 'DELETE FROM o WHERE x IS NULL; ALTER TABLE o ALTER x SET NOT NULL';
old_snapshot('an average of what was NULL', 'SELECT dp_avg(x, 0, 100) FROM o', 100, undef, $nulls, $no_nulls);
old_snapshot('a count of what was NULL', 'SELECT dp_count(x) FROM o', 5000, undef, $nulls, $no_nulls);
old_snapshot('a unit that was NULL, and NOT IN', 'SELECT dp_count(*) FROM p WHERE (id IN (SELECT id FROM o WHERE x = 1)) IS NULL', 0, 5000,
	'CREATE TABLE o (id int, x int); INSERT INTO o VALUES (NULL, 1)', 'DELETE FROM o; ALTER TABLE o ALTER id SET NOT NULL');

# two rows of one key, as the snapshot sees them
my $twice = 'CREATE TABLE o (id int NOT NULL, v int); INSERT INTO o SELECT i, v FROM generate_series(1, 5000) i, (VALUES (0), (100)) v (v) ORDER BY v';
my $once = 'DELETE FROM o WHERE v = 100; ALTER TABLE o ADD PRIMARY KEY (id)';
old_snapshot('rows of individuals, counted as individuals', 'SELECT dp_count(*) FROM o', 10000, undef, $twice, $once, 'SET dp_agg.max_rows = 4');
old_snapshot('GROUP BY of a primary key and more', 'SELECT dp_avg(v, 0, 100) FROM (SELECT id, v FROM o GROUP BY id, v) s', 50, 0, $twice, $once);
old_snapshot('a column beside a grouped primary key', 'SELECT dp_avg(v, 0, 100) FROM (SELECT id, v FROM o GROUP BY id) s', 50, 0, $twice, $once);
old_snapshot('EXISTS with a unique index', 'SELECT dp_count(*) FROM p WHERE EXISTS (SELECT FROM o WHERE o.id = p.id)', 5000, 10000, $twice, $once);
old_snapshot('EXISTS with a unique index of several columns', 'SELECT dp_count(*) FROM p WHERE EXISTS (SELECT FROM o WHERE o.id = p.id AND v > -1)', 5000, 10000, $twice,
	'DELETE FROM o WHERE v = 100; CREATE UNIQUE INDEX ON o (id) INCLUDE (v)');
old_snapshot('a join that looks for one row of a key', 'SELECT dp_count(v) FROM p LEFT JOIN o ON o.id = p.id', 10000, 5000, $twice, $once,
	'SET dp_agg.max_rows = 4', 'SET enable_hashjoin = off', 'SET enable_nestloop = off', 'SET enable_indexscan = off', 'SET enable_indexonlyscan = off');
old_snapshot('a join that is left out', 'SELECT dp_count(*) FROM p LEFT JOIN o ON o.id = p.id', 10000, 5000, $twice, $once, 'SET dp_agg.max_rows = 4');

# rows outside the bounds of their partition, as the snapshot sees them
my $parted = 'CREATE TABLE o (id int, v int) PARTITION BY RANGE (id); CREATE TABLE o1 PARTITION OF o FOR VALUES FROM (0) TO (2500); CREATE INDEX ON o1 (id); INSERT INTO o SELECT i, 0 FROM generate_series(1, 2499) i; '
	. 'CREATE TABLE o2 (id int, v int); INSERT INTO o2 SELECT i, 0 FROM generate_series(1, 5000) i';
my $attach = 'DELETE FROM o2 WHERE id < 2500; ALTER TABLE o ATTACH PARTITION o2 FOR VALUES FROM (2500) TO (10000)';
my @ordered = ('SET enable_hashagg = off', 'SET enable_seqscan = off', 'SET enable_bitmapscan = off', 'SET max_parallel_workers_per_gather = 0');
old_snapshot('individuals of a partition attached since', 'SELECT dp_count(*) FROM (SELECT id FROM o WHERE id <> 0 GROUP BY id) s', 5000, 7499, $parted, $attach, @ordered);

# ---------- bounds of partitions ----------

# a leak: a row outside its bounds makes a merge join fail, or miss rows of others
my @merge = (@ordered, 'SET enable_hashjoin = off', 'SET enable_nestloop = off');
told('a merge join of partitions', 'SELECT dp_count(*) FROM p JOIN b0 USING (id)', [ 'bounds', '7,1', map { "$_,1" } 2500 .. 5000 ], [ 'bounds', map { "$_,1" } 2500 .. 5000 ], @merge);
# an individual that counts twice: once in each partition
write_file('bounds', map { "$_,1" } 1 .. 5000);
is_about('individuals of several partitions, sorted', 'SELECT dp_count(*) FROM (SELECT id FROM b0 WHERE id <> 0 GROUP BY id) s', 5000, 7499, @ordered);
is_about('individuals of several partitions, DISTINCT', 'SELECT dp_count(*) FROM (SELECT DISTINCT id FROM b0 WHERE id <> 0) s', 5000, 7499, @ordered);
foreach my $grouped ('GROUP BY id', 'AND x >= 0 GROUP BY id HAVING count(*) >= 0')
{
	is_about("individuals of several partitions, partition by partition, $grouped", "SELECT dp_count(*) FROM (SELECT id FROM b0 WHERE id <> 0 $grouped) s", 5000, 7499,
		'SET enable_partitionwise_aggregate = on', 'SET enable_partitionwise_join = on', 'SET max_parallel_workers_per_gather = 0');
}

# ---------- CHECK ----------

# constraint_exclusion leaves rows out by what they hold, and others' rows stay
write_file('checked', map { "$_,-1" } 1 .. 5000);
foreach my $exclusion (qw(off on))
{
	is_about("CHECK of a foreign table, constraint_exclusion $exclusion", 'SELECT dp_count(*) FROM k1 WHERE x < 0', $exclusion eq 'on' ? 0 : 5000, undef, "SET constraint_exclusion = $exclusion");
	is_about("CHECK of a foreign table in NOT IN, constraint_exclusion $exclusion", 'SELECT dp_count(*) FROM p WHERE id NOT IN (SELECT id FROM k1 WHERE x < 0)', $exclusion eq 'on' ? 5000 : 0, undef, "SET constraint_exclusion = $exclusion");
	is_about("NOT VALID, constraint_exclusion $exclusion", 'SELECT dp_count(*) FROM k2 WHERE x > 0', 2500, undef, "SET constraint_exclusion = $exclusion");
	is_about("NOT NULL of a foreign table, constraint_exclusion $exclusion", 'SELECT dp_count(*) FROM h1 WHERE id IS NULL', 0, $exclusion eq 'on' || $folds ? undef : 5000, "SET constraint_exclusion = $exclusion");
}

finish();
