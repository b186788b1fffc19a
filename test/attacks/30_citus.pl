# A cluster of Citus: an analyst with an account, who may also log in on workers.  Releases run as a superuser on all machines.
# A leak: an individual that counts in several shards, and so beyond its limits; code of the analyst's that runs by the
# superuser's right, wherever that is; rows, or exact counts of them, that a machine tells of; a message of a machine's.

use strict;
use warnings;
use CitusCluster;
use DpAgg;
use PostgreSQL::Test::Utils;
use Test::More;
use Attacks;

plan skip_all => CitusCluster::reason() if CitusCluster::reason();

# Person 5 has a thousand visits of a clinic of its own.
my $cluster = CitusCluster->new('citus', conf => "restart_after_crash = on\nshared_preload_libraries = 'citus,dp_agg,pg_stat_statements'\npg_stat_statements.track = all");
my $tables = <<'SQL';
CREATE TABLE people (id int PRIMARY KEY, x int NOT NULL, g text);
CREATE TABLE visits (pid int NOT NULL, clinic text NOT NULL, x int NOT NULL);
CREATE TABLE copied (pid int NOT NULL, clinic text NOT NULL);
CREATE TABLE apart (pid int NOT NULL, v int NOT NULL);
CREATE TABLE twofold (h int NOT NULL, p int NOT NULL, v int NOT NULL);
CREATE TABLE parts (pid int NOT NULL, r int NOT NULL) PARTITION BY RANGE (r);
CREATE TABLE parts_1 (r int NOT NULL, dropped int, pid int NOT NULL);
ALTER TABLE parts_1 DROP COLUMN dropped;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (0) TO (500);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (500) TO (2000);
CREATE TABLE clinics (clinic text PRIMARY KEY, city text NOT NULL);
CREATE TABLE hidden (clinic text PRIMARY KEY, code text NOT NULL);
CREATE TABLE local (pid int, clinic text);
INSERT INTO people SELECT i, (i * 37) % 100, 'g' || i % 4 FROM generate_series(1, 1000) i;
INSERT INTO visits SELECT i, 'c' || (i + j) % 5, (i * 13 + j) % 100 FROM generate_series(1, 1000) i, generate_series(1, 2) j;
INSERT INTO visits SELECT 5, 'own', 100 FROM generate_series(1, 1000);
INSERT INTO copied SELECT pid, clinic FROM visits;
INSERT INTO apart SELECT i % 1000, i FROM generate_series(1, 2000) i;
INSERT INTO apart SELECT 5, i FROM generate_series(1, 1000) i;
INSERT INTO twofold SELECT i % 10, i, 1 FROM generate_series(1, 500) i;
INSERT INTO twofold SELECT 5, 5, 1 FROM generate_series(1, 1000);
INSERT INTO parts SELECT i, i FROM generate_series(1, 1000) i;
INSERT INTO parts SELECT 5, i FROM generate_series(1, 1000) i;
INSERT INTO clinics SELECT 'c' || i, 'city ' || i % 2 FROM generate_series(0, 4) i;
INSERT INTO clinics VALUES ('own', 'city 9');
INSERT INTO hidden SELECT 'c' || i, 's' || i FROM generate_series(0, 4) i;
INSERT INTO local SELECT pid, clinic FROM visits WHERE clinic = 'own' LIMIT 20;
CREATE TABLE plain.people (LIKE people INCLUDING ALL); INSERT INTO plain.people TABLE people;
CREATE TABLE plain.visits (LIKE visits INCLUDING ALL); INSERT INTO plain.visits TABLE visits;
CREATE TABLE plain.copied (LIKE copied INCLUDING ALL); INSERT INTO plain.copied TABLE copied;
CREATE TABLE plain.apart (LIKE apart INCLUDING ALL); INSERT INTO plain.apart TABLE apart;
CREATE TABLE plain.twofold (LIKE twofold INCLUDING ALL); INSERT INTO plain.twofold TABLE twofold;
CREATE TABLE plain.parts (pid int NOT NULL, r int NOT NULL); INSERT INTO plain.parts TABLE parts;
SELECT create_distributed_table('people', 'id');
SELECT create_distributed_table(t, 'pid', colocate_with => 'people') FROM unnest('{visits,parts}'::regclass[]) t;
SELECT create_distributed_table('apart', 'v', colocate_with => 'people');
SELECT create_distributed_table('twofold', 'p', colocate_with => 'none');
SELECT create_reference_table(t) FROM unnest('{clinics,hidden,copied}'::regclass[]) t;
SELECT dp_agg.protect('people', 'id', 'people');
SELECT dp_agg.protect(t, 'pid', 'people', max_groups => 2, max_rows => 2, max_total => 3) FROM unnest('{visits,copied,apart,parts}'::regclass[]) t;
SELECT dp_agg.protect('twofold', '{h,p}'::name[], 'two', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('people', 'x', 0, 100), dp_agg.set_bounds('visits', 'x', 0, 100);
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,two}'::name[]) p;
GRANT SELECT ON clinics, local TO PUBLIC;
CREATE VIEW seen AS SELECT v.pid, v.clinic, p.x FROM visits v JOIN people p ON p.id = v.pid;
CREATE VIEW plain.seen AS SELECT v.pid, v.clinic, p.x FROM plain.visits v JOIN plain.people p ON p.id = v.pid;
GRANT SELECT ON seen TO analyst;
SQL

# What a function of the analyst's notes, on any machine.  Nobody plans the first RAISE; the second says by whose right.
my $own = <<'SQL';
CREATE FUNCTION a.note() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE LOG 'a spy, superuser %', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user); RETURN 1; END $$;
CREATE FUNCTION a.spy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM a.note(); RETURN $1; END $$;
CREATE FUNCTION a.spied(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM a.note(); RETURN true; END $$;
CREATE DOMAIN a.dm AS int CHECK (a.spied(VALUE));
CREATE TYPE a.ct AS (d a.dm);
CREATE TABLE a.indexed (n int, clinic text);
CREATE TABLE a.counted (n int, clinic text);
CREATE TABLE a.typed (n a.dm, m a.dm[], r a.ct, clinic text);
CREATE TABLE a.local_indexed (n int, clinic text);
CREATE TABLE a.local_typed (n a.dm, clinic text);
INSERT INTO a.indexed SELECT i, 'c' || i FROM generate_series(0, 4) i;
INSERT INTO a.counted TABLE a.indexed; INSERT INTO a.local_indexed TABLE a.indexed;
INSERT INTO a.typed SELECT n, ARRAY[n::a.dm], ROW(n::a.dm)::a.ct, clinic FROM a.indexed; INSERT INTO a.local_typed TABLE a.indexed;
CREATE TABLE a.written (n int, clinic text);
SELECT create_reference_table(t) FROM unnest('{a.indexed,a.counted,a.typed,a.written}'::regclass[]) t;
CREATE INDEX ON a.indexed ((a.spy(1) + n)); CREATE INDEX ON a.local_indexed (n) WHERE a.spy(1) + n > 0;
CREATE STATISTICS a.st ON (a.spy(1) + n), clinic FROM a.counted;
SQL
my $node = start('citus', node => $cluster->coordinator, tables => $tables, own => $own,
	persons => { people => 'id = 5', visits => 'pid = 5', copied => 'pid = 5', apart => 'pid = 5', twofold => 'h = 5 AND p = 5', parts => 'pid = 5' });
my %counts = (state => '00000|DP002', moves => 4);
my $rows = "SELECT count(*) FROM visits WHERE clinic = 'own'";

# ---------- an individual in several pieces ----------

attack("a heavy individual: $_", $_, state => '00000', moves => 4) foreach
  "SELECT dp_count(*) FROM visits WHERE clinic = 'own'", "SELECT clinic, dp_count(*) FROM visits GROUP BY clinic HAVING dp_count(*) > 100", 'SELECT dp_count(*) FROM parts', "SELECT dp_count(*) FROM copied WHERE clinic = 'own'", 'SELECT dp_count(*) FROM twofold',
  "SELECT dp_count(*) FROM visits, generate_series(1, 30)", "SELECT dp_count(*) FROM visits JOIN clinics USING (clinic) WHERE city = 'city 9'", "SELECT dp_count(*) FROM clinics LEFT JOIN visits USING (clinic) WHERE city = 'city 9'", "SELECT dp_count(*) FROM visits v JOIN local l USING (clinic) WHERE v.clinic = 'own'",
  "SELECT dp_count(*) FROM visits v JOIN people ON id = pid WHERE clinic = 'own'", "SELECT dp_count(*) FROM people LEFT JOIN visits ON id = pid WHERE clinic = 'own'", "SELECT dp_count(*) FROM visits a JOIN visits b USING (pid) WHERE a.clinic = 'own'", "SELECT dp_count(*) FROM seen WHERE clinic = 'own'",
  'SELECT dp_count(*) FROM (SELECT pid, row_number() OVER (PARTITION BY pid) AS n FROM visits) s WHERE n > 2', 'SELECT dp_count(*) FROM twofold a JOIN twofold b USING (h, p)', "WITH v AS MATERIALIZED (SELECT * FROM visits WHERE clinic = 'own') SELECT dp_count(*) FROM v JOIN people ON id = pid", "SELECT dp_count(*) FROM visits WHERE clinic IN (VALUES ('own'), ('own'))",
  "SELECT dp_count(*) FROM copied JOIN visits USING (pid) WHERE copied.clinic = 'own'", "SELECT dp_count(*) FROM visits v WHERE clinic = 'own' AND EXISTS (SELECT FROM people WHERE id = v.pid)";
attack('a heavy individual, of a facade', "SELECT dp_count(*) FROM dp.visits WHERE clinic = 'own'", state => '00000', moves => 4, control => $rows);
attack('a heavy individual, twice', 'SELECT dp_count(*) FROM (SELECT h, p FROM twofold UNION ALL SELECT p, h FROM twofold WHERE h = 777) s', state => '00000', moves => 7);	# either relation has its limits
attack("an individual of whom other shards have rows: $_", $_, %counts, control => $rows) foreach
  'SELECT dp_count(*) FROM apart', 'SELECT dp_count(*) FROM apart JOIN visits USING (pid)', "SELECT dp_count(*) FROM visits v WHERE clinic = 'own' AND pid IN (SELECT pid FROM apart)", 'SELECT dp_count(*) FROM apart a JOIN visits b ON a.v = b.pid', "SELECT dp_count(*) FROM visits v LEFT JOIN apart a ON a.pid = v.pid WHERE clinic = 'own'",
  "SELECT dp_count(*) FROM copied c WHERE clinic = 'own' AND EXISTS (SELECT FROM visits v WHERE v.pid = c.pid)", "SELECT dp_count(*) FROM copied LEFT JOIN visits USING (pid) WHERE copied.clinic = 'own'", "SELECT dp_count(*) FROM copied FULL JOIN visits USING (pid) WHERE copied.clinic = 'own'",
  "SELECT dp_count(*) FROM (SELECT pid FROM copied WHERE clinic = 'own' UNION ALL SELECT pid FROM visits WHERE clinic = 'none') s", "SELECT dp_count(*) FROM clinics c FULL JOIN visits v USING (clinic) WHERE c.clinic = 'own'", "SELECT dp_count(*) FROM (SELECT DISTINCT ON (pid, x) * FROM visits) v WHERE clinic = 'own'";
attack("rows: $_", $_, state => 'DP002|42501', control => 'runs') foreach
  'SELECT * FROM visits', 'SELECT pid FROM visits WHERE pid = 5', "COPY (SELECT * FROM visits) TO STDOUT", 'SELECT count(*), max(pid) FROM visits GROUP BY pid', 'INSERT INTO a.indexed SELECT pid, clinic FROM visits', 'EXPLAIN ANALYZE SELECT dp_count(*) FROM visits', "SELECT string_agg(clinic, ',') FROM visits";
attack('rows: CREATE TABLE AS', 'CREATE TABLE a.stolen AS TABLE visits', state => '42501', control => 'runs', after => ['DROP TABLE IF EXISTS a.stolen']);
attack("what Citus logs: $_", 'SELECT dp_count(*) FROM visits', state => '00000', alone => 1, moves => 4, before => ["SET $_"], without => qr/^DEBUG:.*|^LOCATION:.*|^DETAIL:.*/m, control => 'none', why => 'the copies are not distributed') foreach
  'citus.log_remote_commands = on', 'citus.worker_min_messages = debug5', "citus.multi_task_query_log_level = 'notice'", 'citus.log_intermediate_results = on', 'citus.explain_all_tasks = on', 'client_min_messages = debug4', 'citus.enable_local_execution = off', 'citus.log_local_commands = on';
attack('the plan', 'EXPLAIN (VERBOSE) SELECT dp_count(*) FROM visits', state => '00000', moves => 0, without => qr/Left: .*/, control => 'none', why => 'a plan of the copies rests on their statistics');
run_attacks();

# ---------- code of the analyst's by the superuser's right ----------

# What the analyst's functions have noted since the last look, on all machines: 'true' or 'false', each once.
my %place = map { $_->name => -s $_->logfile } $cluster->machines;
sub spied
{
	my %seen;

	foreach my $machine ($cluster->machines)
	{
		$seen{$_} = 1 foreach slurp_file($machine->logfile, $place{ $machine->name }) =~ /a spy, superuser (\w+)/g;
		$place{ $machine->name } = -s $machine->logfile;
	}
	return join ' ', sort map { $_ eq 't' || $_ eq 'true' ? 'superuser' : 'nobody' } keys %seen;
}

spied();
foreach my $sql (
	'SELECT n, count(*) FROM visits JOIN a.typed USING (clinic) GROUP BY n', 'SELECT m, count(*) FROM visits JOIN a.typed USING (clinic) GROUP BY m', 'SELECT r, count(*) FROM visits JOIN a.typed USING (clinic) GROUP BY r', 'SELECT n + 1, count(*) FROM visits JOIN a.typed USING (clinic) GROUP BY 1',
	'SELECT count(*) FROM visits JOIN a.local_typed USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits JOIN (SELECT n, clinic FROM a.local_typed LIMIT 3) s USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits WHERE clinic IN (SELECT clinic FROM a.local_typed WHERE n > 1)', "SELECT count(*) FROM visits JOIN a.typed USING (clinic) WHERE m = '{1}'::a.dm[]", "SELECT count(*) FROM visits JOIN a.typed USING (clinic) WHERE r = '(1)'::a.ct",
	'SELECT count(*) FROM visits, (VALUES (1::a.dm)) s (d)', 'SELECT count(*) FROM visits JOIN a.indexed USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits JOIN a.counted USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits JOIN a.local_indexed USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits WHERE x > (SELECT min(n) FROM a.indexed)', 'SELECT count(*) FROM visits JOIN (SELECT clinic FROM a.indexed ORDER BY n LIMIT 3) s USING (clinic)',
	'SELECT * FROM (SELECT clinic, count(*) FROM visits GROUP BY clinic) s JOIN a.indexed USING (clinic)', 'SELECT * FROM (SELECT clinic, count(*) FROM visits GROUP BY clinic) s JOIN a.typed USING (clinic)', "WITH r AS (SELECT count(*) AS n FROM visits) SELECT count(*) FROM visits, r WHERE x > r.n::a.dm")
{
	my $r = script($sql);

	unlike(spied(), qr/superuser/, "no code runs as a superuser: $sql");
	attacked($r->{err} !~ /a spy/ && $r->{states} =~ /^(DP002|42501)?$/, "and the analyst learns of none: $sql") or diag($r->{err});
}
# Once more with a function that does nothing on the coordinator.
my $harmless = 'SET citus.enable_ddl_propagation = off; CREATE OR REPLACE FUNCTION a.spy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$';
my $harmful = $harmless =~ s/RETURN \$1/PERFORM a.note(); RETURN \$1/r;

DpAgg::value($node, 'analyst', $harmless);
foreach my $sql ('SELECT count(*) FROM visits JOIN a.indexed USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits JOIN a.counted USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits WHERE x > (SELECT min(n) FROM a.indexed)', 'SELECT * FROM (SELECT clinic, count(*) FROM visits GROUP BY clinic) s JOIN a.indexed USING (clinic)')
{
	my $r = script($sql);

	unlike(spied(), qr/superuser/, "no code runs as a superuser on workers: $sql");
	attacked($r->{states} =~ /^(DP002)?$/, "... whether the release succeeds or not: $sql") or diag($r->{err});
}
DpAgg::value($node, 'analyst', $harmful);
foreach my $sql ('SELECT sum(n) FROM a.indexed WHERE n > 1', 'SELECT count(*) FROM a.counted WHERE n > 1', 'SELECT 1::a.dm', 'SELECT count(*) FROM a.local_indexed WHERE n > 1')
{
	session('admin', $sql);
	like(spied(), qr/superuser/, "where a superuser plans it, code runs: $sql");
	control(1, "code of the analyst's: $sql");
}

# SET LOCAL goes to machines with all statements of its message, over the connections of releases.
my $message = "SET LOCAL work_mem = '8MB'\\; DO \$\$ BEGIN RAISE LOG 'a spy, superuser %', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user); END \$\$;";
my $carry = "SET citus.propagate_set_commands = 'local';";
my $begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ;';
foreach my $case (
	[ 'before a release', "$carry $begin $message SELECT count(*) FROM visits; COMMIT" ],
	[ 'after a release', "$begin SELECT count(*) FROM visits; $carry $message COMMIT" ],
	[ 'in a savepoint', "$carry $begin SAVEPOINT s; $message SAVEPOINT t; SELECT count(*) FROM visits; COMMIT" ],
	[ 'with a search path', "$carry $begin SET LOCAL search_path = a, public; SELECT count(*) FROM public.visits; COMMIT" ],
	[ 'in READ COMMITTED', "$carry BEGIN; INSERT INTO a.written VALUES (9, 'c9'); $message SELECT count(*) FROM visits; COMMIT" ])
{
	my ($name, $sql) = @$case;
	my $r = script($sql);

	unlike(spied(), qr/superuser/, "what SET carries, $name: runs for no superuser");
	attacked($r->{states} =~ /^DP002/, "... and the analyst is told") or diag("$r->{states}: $r->{err}");
}
session('admin', "$carry $begin $message SELECT count(*) FROM clinics, people; COMMIT");
control(spied() =~ /superuser/, 'what SET carries: runs on machines');
is(script("$begin SET LOCAL work_mem = '8MB'; SELECT count(*) FROM visits; SET LOCAL work_mem = '9MB'; COMMIT")->{states}, '', 'SET LOCAL and releases go together where nothing is carried');

# Names that mean something else on a machine: in a schema that its superuser's search path begins with.
my $superuser = $cluster->sql('SELECT current_user');
foreach my $worker ($cluster->workers)
{
	$worker->safe_psql('postgres', 'SET citus.enable_ddl_propagation = off; GRANT CREATE ON DATABASE postgres TO analyst; GRANT CREATE ON SCHEMA public TO analyst');
	DpAgg::works($worker, 'analyst', <<"SQL", 'an analyst owns what superusers look for names in, ' . $worker->name);
SET citus.enable_ddl_propagation = off;
CREATE SCHEMA "$superuser";
CREATE FUNCTION "$superuser".lower(varchar) RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM a.note(); RETURN \$1; END';
CREATE FUNCTION "$superuser".array_length(int[], int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM a.note(); RETURN 1; END';
CREATE FUNCTION "$superuser".same(text, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM a.note(); RETURN true; END';
CREATE OPERATOR "$superuser".= (LEFTARG = text, RIGHTARG = text, FUNCTION = "$superuser".same);
CREATE DOMAIN "$superuser".text AS pg_catalog.text;
SQL
}
foreach my $sql ("SELECT count(*) FROM visits WHERE lower(clinic::varchar) = 'c1'", 'SELECT count(*) FROM visits WHERE array_length(ARRAY[x], 1) = 1', "SELECT count(*) FROM visits WHERE clinic = 'c1' OR clinic = ANY ('{c2,c3}')", "SELECT clinic || 'x', count(*) FROM visits GROUP BY 1")
{
	my $r = script($sql);

	attacked(spied() eq '' && $r->{states} =~ /^(DP002)?$/, "names of an analyst's on machines: $sql") or diag($r->{err});
}
($cluster->workers)[0]->safe_psql('postgres', "SELECT pg_catalog.array_length(ARRAY[1], 1), array_length(ARRAY[1], 1)");
control(spied() =~ /superuser/, 'names of an analyst\'s: found there');
foreach my $worker ($cluster->workers)
{
	$worker->safe_psql('postgres', "SET citus.enable_ddl_propagation = off; SET client_min_messages = error; DROP SCHEMA \"$superuser\" CASCADE");
}

# What Citus or dp_agg would do for a superuser, from the analyst's hand.
attacked(script("SELECT * FROM $_")->{states} =~ /^(42501|42883|0A000|DP002)$/, "internal: $_") foreach
  q{(SELECT dp_agg.bound('\x00'::bytea, ARRAY[1.0]::float8[], pid) FROM visits) s}, q{(SELECT dp_agg.bound('\x00'::bytea, ARRAY[1.0]::float8[], 1) FROM clinics) s}, 'dp_agg.shards(1) AS s (a int)', q{(SELECT dp_agg.travelling(2176::oid, 1, ARRAY[1], 1)) s};

# ---------- public tables that the analyst may not read ----------

attacked(script($_)->{states} eq '42501', "no right to a table: $_") foreach
  "SELECT count(*) FROM visits JOIN hidden USING (clinic) WHERE code = 's1'", 'SELECT * FROM (SELECT clinic, count(*) FROM visits GROUP BY clinic) s JOIN hidden USING (clinic)', "SELECT count(*) FROM visits WHERE clinic IN (SELECT clinic FROM hidden WHERE code = 's1')", "SELECT count(*) FROM visits WHERE x > (SELECT min(length(code)) FROM hidden)";
control(session('admin', 'SELECT count(*) FROM visits JOIN hidden USING (clinic)')->{states} eq '', 'a table without rights: who has them');

# ---------- workers ----------

foreach my $worker ($cluster->workers)
{
	my $name = $worker->name;
	my ($shard) = split /\n/, $worker->safe_psql('postgres', "SELECT 'visits_' || shardid FROM pg_dist_shard JOIN pg_dist_placement USING (shardid) WHERE logicalrelid = 'visits'::regclass AND groupid = (SELECT groupid FROM pg_dist_local_group)");

	foreach my $sql ("SELECT * FROM $shard", "SELECT dp_count(*) FROM $shard", 'SELECT * FROM visits', 'SELECT dp_count(*) FROM visits', 'SELECT * FROM dp.visits', "SET citus.override_table_visibility = off; SELECT * FROM $shard", "SET citus.show_shards_for_app_name_prefixes = '*'; SELECT * FROM $shard", "SET application_name = 'citus_internal gpid=10000000001'; SELECT * FROM $shard",
		"COPY $shard TO STDOUT", "EXPLAIN SELECT * FROM $shard", "SELECT dp_agg.bound('\\x00'::bytea, ARRAY[1.0]::float8[], pid) FROM $shard", "SELECT dp_agg.set_budget('analyst', 'people', 1)", "SELECT dp_agg.protect('clinics', 'clinic', 'people')", "SELECT * FROM dp_agg.estimate('SELECT dp_count(*) FROM visits')", "SELECT * FROM worker_save_query_explain_analyze('SELECT * FROM $shard', '{}') AS s (pid int, clinic text, x int)", "SELECT create_intermediate_result('x', 'SELECT * FROM $shard')", "CREATE TABLE a.stolen AS TABLE $shard", "DELETE FROM $shard", "TRUNCATE $shard", "ALTER TABLE $shard OWNER TO analyst")
	{
		my $r = DpAgg::as($worker, 'analyst', $sql);
		attacked($r->{sqlstate} =~ /^(42501|DP002|42883|55000|XX000)$/ && $r->{out} eq '', "$name: $sql") or diag("$r->{sqlstate} $r->{out} $r->{err}");
	}
	control(DpAgg::as($worker, $superuser, "SELECT count(*) FROM $shard")->{out} > 0, "$name: a superuser reads the shard");
}
attacked(script("SELECT * FROM run_command_on_shards('visits', 'SELECT count(*) FROM %s')")->{out} !~ /\bt\|\d/, 'run_command_on_shards() has the rights of the analyst');
control(session('admin', "SELECT success, result FROM run_command_on_shards('visits', 'SELECT count(*) FROM %s')")->{out} =~ /t\|\d/, 'run_command_on_shards() by a superuser');

# ---------- what counters of machines tell ----------

# Of the same statements with and without the person: rows that statements had, and what was fetched from shards.
sub told
{
	my ($sql) = @_;
	my $counters = q{SELECT (SELECT string_agg(r, ',' ORDER BY r) FROM (SELECT rows::text AS r FROM pg_stat_statements WHERE query !~ 'pg_stat|INSERT|COPY|SET|BEGIN|DELETE' AND rows > 1) s), (SELECT sum(coalesce(idx_tup_fetch, 0)) FROM pg_stat_all_tables WHERE relname ~ '^(visits|people)_\d+$')};
	my @before;

	$_->safe_psql('postgres', 'SELECT pg_stat_reset(), pg_stat_statements_reset(), pg_stat_force_next_flush()') foreach $cluster->machines;
	$sql =~ /^ADMIN (.*)/ ? session('admin', $1) : script($sql);
	return join ' ', map { $_->safe_psql('postgres', $counters) } $cluster->machines;
}
$_->safe_psql('postgres', 'SET citus.enable_ddl_propagation = off; CREATE EXTENSION pg_stat_statements') foreach $cluster->machines;
my @statements = ('SELECT clinic, count(*) FROM visits GROUP BY clinic', "SELECT count(*) FROM visits WHERE pid NOT IN (SELECT id FROM people WHERE x < 50)", "SELECT count(*) FROM people WHERE id IN (SELECT pid FROM visits WHERE clinic = 'own')", "SELECT clinic, count(pid) FROM clinics LEFT JOIN visits USING (clinic) GROUP BY clinic", 'SELECT count(*) FROM people WHERE id = 5',
	'ADMIN SELECT DISTINCT clinic, x FROM visits ORDER BY clinic');
my @with = map { told($_) } @statements;
version(0);
my @without = map { told($_) } @statements;
version(1);
for my $i (0 .. $#statements - 1)
{
	attacked($with[$i] eq $without[$i], "counters of machines tell nothing: $statements[$i]") or diag("with:    $with[$i]\nwithout: $without[$i]");
}
control($with[-1] ne $without[-1], "counters of machines tell of a superuser's rows");

# ---------- the ledger ----------

draws('a cursor, back and forth', "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT dp_sum(x) FROM people; FETCH c; FETCH BACKWARD c; MOVE FORWARD c; FETCH BACKWARD ALL c; FETCH FORWARD ALL c; COMMIT", 1);
draws('WITH HOLD', "BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT dp_sum(x) FROM people; COMMIT; FETCH c; FETCH PRIOR c; FETCH NEXT c; CLOSE c", 1);
draws('a savepoint', "BEGIN; SAVEPOINT s; SELECT dp_sum(x) FROM people; ROLLBACK TO s; SELECT dp_sum(x) FROM people; ROLLBACK", 2);
draws('a rescan', "SELECT n, s FROM generate_series(1, 3) n, LATERAL (SELECT dp_sum(x) AS s FROM people OFFSET 0) s", 1);
draws('PREPARE', "PREPARE p AS SELECT dp_sum(x) FROM people; EXECUTE p; EXECUTE p", 2);

# ---------- wrong numbers that look right ----------

# A release that was prepared before its table was divided otherwise is about the same people.
{
	my $r = session('analyst', 'SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-7; SELECT dp_count(*) FROM people');
	my $count = $r->{out};

	foreach my $change ("SELECT alter_distributed_table('people', shard_count => 6, cascade_to_colocated => true)", "SELECT citus_move_shard_placement(s.shardid, s.nodename, s.nodeport, n.nodename, n.nodeport, 'block_writes') FROM (SELECT * FROM citus_shards WHERE table_name = 'people'::regclass ORDER BY shardid LIMIT 1) s JOIN pg_dist_node n ON n.groupid > 0 AND n.nodeport <> s.nodeport")
	{
		my $psql = $node->background_psql('postgres', connstr => $node->connstr('postgres') . " user='analyst'", on_error_stop => 0);

		$psql->query('SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-7; PREPARE p AS SELECT dp_count(*) FROM people');
		$psql->query('EXECUTE p') foreach 1 .. 6;
		is(session('admin', $change)->{states}, '', "the administrator: $change");
		my $after = $psql->query('EXECUTE p');

		attacked($after =~ /^\d+$/ && abs($after - $count) < 3, "PREPARE, and then: $change") or diag($after);
		$psql->quit;
	}
}
my $lost = script('SELECT dp_count(*) FROM visits')->{out};
foreach my $setting ('standard_conforming_strings = off', 'array_nulls = off', 'transform_null_equals = on', "DateStyle = 'German'", "TimeZone = 'Asia/Tokyo'", "IntervalStyle = 'sql_standard'", 'extra_float_digits = -5', "bytea_output = 'escape'", 'quote_all_identifiers = on', 'search_path = a, public', 'row_security = off', 'default_transaction_read_only = on', 'citus.subquery_pushdown = on', 'citus.enable_repartition_joins = on', "citus.coordinator_aggregation_strategy = 'row-gather'", 'citus.enable_binary_protocol = off', 'citus.max_adaptive_executor_pool_size = 1')
{
	my $r = script("SET escape_string_warning = off; SET $setting; SELECT dp_count(*) FROM public.visits WHERE clinic <> 'a\\\\' AND clinic <> ALL ('{NULLS,b}'::text[]) AND x::float8 > -0.1");

	attacked($r->{states} eq '' && abs($r->{out} - $lost) < 5, "a setting changes no answer: $setting") or diag("$r->{out} $r->{err}");
}
control(DpAgg::value($node, 'analyst', "SET escape_string_warning = off; SET standard_conforming_strings = off; SELECT length('a\\\\\\\\')") ne DpAgg::value($node, 'analyst', "SELECT length('a\\\\\\\\')"), 'a setting changes what literals are');

# What the transaction has written, by another role than the one that reads.
{
	my $r = script("BEGIN; INSERT INTO a.written VALUES (77, 'own'); SELECT count(*) FROM visits JOIN a.written USING (clinic) WHERE n = 77; ROLLBACK");

	attacked($r->{states} =~ /^DP002/, 'own writes: a release that would not see them is refused') or diag("$r->{out} $r->{err}");
	$r = session('analyst', "BEGIN; INSERT INTO a.written VALUES (77, 'own'); SELECT count(*) FROM a.written WHERE n = 77; ROLLBACK");
	control($r->{out} =~ /1/, 'own writes: seen by others than releases');
}

# ---------- shards on the coordinator ----------

$cluster->sql("SELECT citus_set_node_property('127.0.0.1', " . $node->port . ", 'shouldhaveshards', true)");
$cluster->sql("SELECT rebalance_table_shards(shard_transfer_mode => 'block_writes')");
cmp_ok($cluster->sql("SELECT count(*) FROM citus_shards WHERE table_name = 'visits'::regclass AND nodeport = " . $node->port), '>', 0, 'the coordinator has shards');
spied();
foreach my $sql ('SELECT n, count(*) FROM visits JOIN a.typed USING (clinic) GROUP BY n', 'SELECT count(*) FROM visits JOIN a.indexed USING (clinic) WHERE n > 1', 'SELECT count(*) FROM visits JOIN a.local_indexed USING (clinic) WHERE n > 1', "$carry $begin $message SELECT count(*) FROM visits; COMMIT", "SET search_path = a, public; SELECT count(*) FROM public.visits WHERE clinic = ANY ('{c1,c2}')")
{
	my $r = script($sql);

	unlike(spied(), qr/superuser/, "no code runs as a superuser with shards here: $sql");
	attacked($r->{states} =~ /^(DP002|42501)?( 25P02)*$/, "... and the analyst is told no more: $sql") or diag($r->{err});
}
attack("a heavy individual with shards here: $_", $_, state => '00000', moves => 4) foreach "SELECT dp_count(*) FROM visits WHERE clinic = 'own'", "SELECT dp_count(*) FROM people LEFT JOIN visits ON id = pid WHERE clinic = 'own'";
attack("a shard here: $_", $_, state => 'DP002|42501|42P01', control => $rows) foreach
  map { "SELECT count(*) FROM $_" } split /\n/, $cluster->sql("SELECT 'visits_' || shardid FROM citus_shards WHERE table_name = 'visits'::regclass AND nodeport = " . $node->port);
run_attacks();

$_->stop foreach $cluster->workers;
finish();
