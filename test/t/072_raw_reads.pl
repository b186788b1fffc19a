# dp_agg.audit_raw: raw reads of classified relations are in the ledger before their first
# row, once each, with who read which columns at which tier; nothing else is; where the
# ledger cannot be written, nothing is read.

use strict;
use warnings;
use Test::More;
use Clients;
use DpAgg;
use Time::HiRes 'sleep';

my @roles = qw(analyst doctor owner other);
my $node = DpAgg::node('raw', roles => \@roles, init => { allows_streaming => 1 }, conf => <<'CONF');
max_worker_processes = 12
listen_addresses = '127.0.0.1'
restart_after_crash = on
CONF

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY, phone text, town text, height int, note text);
INSERT INTO people SELECT i, 'p' || i, 't' || i % 5, 150 + i % 50, 'n' FROM generate_series(1, 1000) i;
CREATE TABLE plain (id int PRIMARY KEY, v int);
INSERT INTO plain SELECT i, i FROM generate_series(1, 1000) i;
CREATE TABLE visits (id int, phone text, at int) PARTITION BY RANGE (at);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (0) TO (10);
CREATE TABLE visits_2 (at int, id int, gone int, phone text);
ALTER TABLE visits_2 DROP COLUMN gone;
ALTER TABLE visits ATTACH PARTITION visits_2 FOR VALUES FROM (10) TO (20);
INSERT INTO visits SELECT i, 'p' || i, i % 20 FROM generate_series(1, 1000) i;
CREATE TABLE animals (id int, name text);
CREATE TABLE dogs (chip text) INHERITS (animals);
INSERT INTO dogs SELECT i, 'd' || i, 'c' || i FROM generate_series(1, 100) i;
CREATE MATERIALIZED VIEW towns AS SELECT town, max(phone) AS phone FROM people GROUP BY town;
CREATE TABLE other_plain AS TABLE plain;
CREATE TABLE child (id int REFERENCES people ON DELETE CASCADE ON UPDATE CASCADE);
ANALYZE;
SELECT dp_agg.classify('people', 'phone', 'direct_identifier');
SELECT dp_agg.classify('people', 'town', 'quasi_identifier');
SELECT dp_agg.classify('people', 'height', 'ordinary');
SELECT dp_agg.classify('visits', 'phone', 'direct_identifier', 'pseudonymised');
SELECT dp_agg.classify('dogs', 'name', 'quasi_identifier');
SELECT dp_agg.classify('towns', 'phone', 'direct_identifier', 'masked', 4);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000, delta => 1e-3);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO doctor;
GRANT SELECT ON dogs TO analyst;
GRANT SELECT (id) ON people TO other;
CREATE ROLE boss SUPERUSER LOGIN;
GRANT ALL ON SCHEMA public TO doctor, other, owner;
CREATE VIEW definer AS SELECT id, town FROM people;
CREATE VIEW invoker WITH (security_invoker) AS SELECT id, height FROM people;
GRANT SELECT ON definer, invoker TO doctor, other;
CREATE RULE copies AS ON INSERT TO other_plain DO ALSO INSERT INTO plain SELECT 5000 + height, 1 FROM people WHERE id = 1;
CREATE FUNCTION phone_sql(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT phone FROM people WHERE id = $1';
CREATE FUNCTION phone_atomic(int) RETURNS text LANGUAGE sql STABLE BEGIN ATOMIC SELECT phone FROM people WHERE id = $1; END;
CREATE FUNCTION phone_plpgsql(int) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS 'BEGIN RETURN (SELECT phone FROM people WHERE id = $1); END';
CREATE FUNCTION phone_dynamic(int) RETURNS text LANGUAGE plpgsql AS $$DECLARE r text; BEGIN EXECUTE 'SELECT phone FROM people WHERE id = $1' INTO r USING $1; RETURN r; END$$;
CREATE FUNCTION phone_definer(int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT phone FROM people WHERE id = $1); END';
ALTER FUNCTION phone_definer OWNER TO boss;
ALTER MATERIALIZED VIEW towns OWNER TO boss;
CREATE FUNCTION phone_constant(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT phone FROM people WHERE id = $1); END';
CREATE FUNCTION peek() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM town FROM people; RETURN coalesce(new, old); END';
CREATE TABLE watched (id int);
CREATE TRIGGER peek BEFORE INSERT ON watched FOR EACH STATEMENT EXECUTE FUNCTION peek();
CREATE TABLE guarded (id int);
INSERT INTO guarded VALUES (1), (2);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE TABLE policed (id int, v text);
INSERT INTO policed VALUES (1, 'a'), (2, 'b');
ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
CREATE POLICY odd ON policed USING (id % 2 = 1);
SELECT dp_agg.classify('policed', 'v', 'sensitive');
CREATE POLICY those ON guarded USING (id IN (SELECT id FROM people));
GRANT SELECT, INSERT ON watched, guarded, policed TO doctor;
SQL

# Entries after the last look: "session current population relation columns tier", one a line.
my $seen = 0;
my $parallel = 'SET ' . DpAgg::force_parallel() . ' = on;';

sub entries
{
	my $rows = $node->safe_psql('postgres', <<"SQL");
SELECT id, concat_ws(' ', session_role, "current_role", coalesce(population, '-'), relation, '(' || columns || ')', tier)
FROM dp_agg.raw_read WHERE id > $seen ORDER BY id
SQL
	my @entries;

	foreach (split /\n/, $rows)
	{
		my ($id, $entry) = split /\|/, $_, 2;

		$seen = $id;
		push @entries, $entry;
	}
	return join "\n", @entries;
}

# reads(ROLE, SQL, ENTRIES, NAME [, SQLSTATE]): SQL, with the audit on, leaves exactly these.
sub reads
{
	my ($role, $sql, $entries, $name, $state) = @_;
	my $r = DpAgg::as($node, $role, $sql);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$name //= DpAgg::brief($sql);
	is($r->{sqlstate}, $state // '00000', "$name: ends with " . ($state // '00000')) or diag($r->{err});
	is(entries(), $entries, "$name: is logged");
	return $r;
}

# What doctor reads of people.
sub doctor
{
	my ($columns, $tier) = @_;

	return "doctor doctor people public.people ($columns) $tier";
}

# ----------------------------------------------------------------------------
# Off by default.
is($node->safe_psql('postgres', 'SHOW dp_agg.audit_raw'), 'off', 'off by default');
reads('doctor', 'SELECT * FROM people LIMIT 1', '', 'off: a read');
reads('doctor', 'COPY people TO STDOUT', '', 'off: COPY');
reads('boss', 'SET dp_agg.audit_raw = on; SELECT phone FROM people LIMIT 1; SET dp_agg.audit_raw = off; SELECT phone FROM people LIMIT 1',
	'boss boss people public.people (phone) high', 'a session that switches it on for itself, and off');
DpAgg::refused($node, 'doctor', 'SET dp_agg.audit_raw = on', '42501', 'who is no superuser does not set it');

# On for a role, then for everybody.
$node->safe_psql('postgres', 'ALTER ROLE doctor SET dp_agg.audit_raw = on');
reads('doctor', 'SELECT town FROM people LIMIT 1', doctor('town', 'medium'), 'on for a role');
$node->safe_psql('postgres', 'ALTER ROLE doctor RESET dp_agg.audit_raw');
$node->append_conf('postgresql.conf', 'dp_agg.audit_raw = on');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('dp_agg.audit_raw') = 'on'}) or die;
entries();

# ----------------------------------------------------------------------------
# Every way of reading, each once.
my $all = doctor('phone, town, height, id, note', 'high');
my $phone = doctor('phone, id', 'high');

foreach my $case (
	[ 'SELECT * FROM people', $all ],
	[ 'TABLE people', $all ],
	[ 'SELECT people FROM people', $all ],
	[ 'SELECT to_jsonb(p) FROM people p', $all ],
	[ 'SELECT phone FROM people', doctor('phone', 'high') ],
	[ 'SELECT note, id FROM people WHERE town = \'t1\'', doctor('town, id, note', 'medium') ],
	[ 'SELECT height FROM people', doctor('height', 'low') ],
	[ 'SELECT id FROM people ORDER BY id LIMIT 1', doctor('id', 'low') ],
	[ 'SELECT count(*) FROM people', doctor('', 'low') ],
	[ 'SELECT ctid, xmin FROM people LIMIT 1', doctor('ctid, xmin', 'low') ],
	[ 'SELECT phone FROM people LIMIT 0', doctor('phone', 'high') ],
	[ 'SELECT max(id), min(id) FROM people', doctor('id', 'low'), 'through an index, twice' ],
	[ 'SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT id FROM people WHERE id < 10', doctor('id', 'low'), 'index only' ],
	[ 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_indexonlyscan = off; SELECT id FROM people WHERE id < 10', doctor('id', 'low'), 'bitmap' ],
	[ q{SELECT phone FROM people WHERE ctid = '(0,1)'}, doctor('phone, ctid', 'high') ],
	[ q{SELECT id FROM people WHERE ctid < '(0,1)'}, doctor('id, ctid', 'low') ],
	[ 'SELECT phone FROM people TABLESAMPLE BERNOULLI (10)', doctor('phone', 'high') ],
	[ 'SELECT EXISTS (SELECT FROM people WHERE phone = \'p1\')', doctor('phone', 'high') ],
	[ 'SELECT v FROM plain WHERE id IN (SELECT height FROM people)', doctor('height', 'low') ],
	[ 'SELECT (SELECT phone FROM people p WHERE p.id = v) FROM plain LIMIT 1', $phone ],
	[ 'SELECT a.phone, b.town FROM people a JOIN people b USING (id) LIMIT 1', doctor('phone, town, id', 'high'), 'joined with itself' ],
	# from 18 on this is one scan, and no plan says so
	[ 'SELECT a.phone FROM people a JOIN people b USING (id) JOIN people c USING (id) WHERE b.town > c.town LIMIT 1', doctor('phone, town, id', 'high'), 'joined with itself, twice' ],
	[ 'SELECT id FROM people a WHERE EXISTS (SELECT FROM people b WHERE b.id = a.id AND b.phone > $$$$) LIMIT 1', doctor('phone, id', 'high'), 'joined with itself by EXISTS' ],
	[ 'SELECT height FROM people JOIN definer USING (id) LIMIT 1', doctor('town, height, id', 'medium'), 'joined with a view of itself' ],
	[ 'SELECT phone FROM people UNION ALL SELECT note FROM people LIMIT 1', doctor('phone, note', 'high') ],
	[ 'WITH c AS MATERIALIZED (SELECT phone FROM people) SELECT * FROM c LIMIT 1', doctor('phone', 'high') ],
	[ 'SELECT v, p.town FROM plain LEFT JOIN LATERAL (SELECT town FROM people WHERE id = v) p ON true LIMIT 1', doctor('town, id', 'medium') ],
	[ 'SELECT id FROM people FOR UPDATE LIMIT 1', doctor('id', 'low') ],
	[ 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT max(phone) FROM people', doctor('phone', 'high'), 'in parallel' ],
	[ 'COPY people (id, town) TO STDOUT', doctor('town, id', 'medium') ],
	[ 'COPY people TO STDOUT (FORMAT binary)', $all ],
	[ 'COPY (SELECT phone FROM people LIMIT 1) TO STDOUT', doctor('phone', 'high') ],
	[ 'BEGIN; DECLARE c CURSOR FOR SELECT phone FROM people; FETCH 5 FROM c; FETCH 5 FROM c; COMMIT', doctor('phone', 'high') ],
	[ 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT phone FROM people; COMMIT; FETCH 5 FROM c; FETCH 5 FROM c', doctor('phone', 'high') ],
	[ 'PREPARE p AS SELECT phone FROM people WHERE id = $1; EXECUTE p(1); EXECUTE p(2)', "$phone\n$phone" ],
	[ 'SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT phone FROM people WHERE id = $1; EXECUTE p(1); EXECUTE p(2)', "$phone\n$phone" ],
	[ 'PREPARE p AS SELECT phone FROM people', '' ],
	[ 'CREATE TEMP TABLE t AS SELECT phone FROM people', doctor('phone', 'high') ],
	[ 'SELECT phone INTO TEMP t FROM people', doctor('phone', 'high') ],
	[ 'CREATE TEMP TABLE t (x text); INSERT INTO t SELECT phone FROM people', doctor('phone', 'high') ],
	[ 'CREATE TEMP TABLE t AS SELECT phone FROM people WITH NO DATA', '' ],
	[ 'BEGIN; UPDATE people SET note = note WHERE id = 1; ROLLBACK', doctor('id, note', 'low') ],
	[ 'BEGIN; UPDATE people SET height = 1 WHERE id = 1 RETURNING phone; ROLLBACK', $phone ],
	[ 'BEGIN; DELETE FROM people WHERE town = \'t1\'; ROLLBACK', doctor('town', 'medium') ],
	[ 'BEGIN; DELETE FROM people RETURNING *; ROLLBACK', $all ],
	[ 'BEGIN; WITH gone AS (DELETE FROM people RETURNING phone) SELECT 1; ROLLBACK', doctor('phone', 'high') ],
	[ 'BEGIN; UPDATE plain SET v = 1 FROM people p WHERE p.id = plain.id AND phone = \'p1\'; ROLLBACK', $phone ],
	[ 'BEGIN; MERGE INTO plain USING people p ON p.id = plain.id WHEN MATCHED AND phone = \'p1\' THEN DELETE; ROLLBACK', $phone ],
	[ 'BEGIN; MERGE INTO people p USING plain ON p.id = plain.id WHEN MATCHED AND phone = \'p1\' THEN DELETE; ROLLBACK', $phone ],
	[ 'BEGIN; INSERT INTO people VALUES (1) ON CONFLICT (id) DO UPDATE SET note = people.note RETURNING phone; ROLLBACK', doctor('phone, id, note', 'high') ],
	[ 'BEGIN; WITH i AS (INSERT INTO people VALUES (1) ON CONFLICT (id) DO UPDATE SET note = people.note RETURNING phone) SELECT * FROM i; ROLLBACK', doctor('phone, id, note', 'high') ],
	[ 'BEGIN; INSERT INTO people VALUES (1) ON CONFLICT (id) DO NOTHING; ROLLBACK', doctor('id', 'low') ],
	[ 'SELECT phone_sql(1)', $phone ],
	[ 'SELECT * FROM phone_sql(1)', $phone ],
	[ 'SELECT phone_atomic(1)', $phone ],
	[ 'SELECT phone_plpgsql(1)', $phone ],
	[ 'SELECT phone_plpgsql(id) FROM plain WHERE id IN (1, 2, 3)', join("\n", ($phone) x 3), 'a function, once for each call' ],
	[ 'SELECT phone_dynamic(1)', $phone ],
	[ 'SELECT phone_constant(1)', $phone, 'a function that is computed when planned' ],
	[ 'EXPLAIN SELECT phone_constant(1)', $phone, 'the same in EXPLAIN' ],
	[ "$parallel SELECT phone_plpgsql(1)", $phone, 'a function in a parallel worker' ],
	[ 'DO $$ BEGIN PERFORM phone FROM people; END $$', doctor('phone', 'high') ],
	[ 'DO $$ DECLARE r record; BEGIN FOR r IN SELECT town FROM people LOOP NULL; END LOOP; END $$', doctor('town', 'medium') ],
	[ q{SELECT query_to_xml('SELECT phone FROM people LIMIT 1', true, false, '')}, doctor('phone', 'high') ],
	[ q{SELECT table_to_xml('people', true, false, '')}, $all ],
	[ q{SELECT * FROM ts_stat('SELECT to_tsvector(phone) FROM people')}, doctor('phone', 'high') ],
	[ 'SELECT town FROM definer', doctor('town, id', 'medium'), 'a definer view' ],
	[ 'SELECT id FROM invoker', doctor('height, id', 'low'), 'an invoker view' ],
	[ 'SELECT id FROM guarded', doctor('id', 'low'), 'a policy' ],
	[ 'COPY guarded TO STDOUT', doctor('id', 'low'), 'a policy in COPY' ],
	[ 'COPY policed TO STDOUT', 'doctor doctor - public.policed (v, id) medium', 'COPY with row-level security' ],
	[ 'INSERT INTO watched VALUES (1)', doctor('town', 'medium'), 'a trigger' ],
	[ 'BEGIN; INSERT INTO other_plain VALUES (-1, 1); ROLLBACK', doctor('height, id', 'low'), 'a rule' ],
	[ 'EXPLAIN ANALYZE SELECT phone FROM people', doctor('phone', 'high') ],
	[ 'BEGIN READ ONLY; SELECT phone FROM people LIMIT 1; COMMIT', doctor('phone', 'high') ],
	[ 'BEGIN; SELECT phone FROM people LIMIT 1; ROLLBACK', doctor('phone', 'high') ],
	[ 'BEGIN; SAVEPOINT s; SELECT phone FROM people LIMIT 1; ROLLBACK TO s; COMMIT', doctor('phone', 'high') ],
	[ 'SELECT id FROM visits', 'doctor doctor - public.visits (id) low', 'all partitions' ],
	[ 'SELECT phone FROM visits', 'doctor doctor - public.visits (phone) medium', 'all partitions' ],
	[ 'SELECT phone FROM visits WHERE at = 15', 'doctor doctor - public.visits (phone, at) medium', 'one partition by its parent' ],
	[ 'SELECT phone FROM visits_2', 'doctor doctor - public.visits_2 (phone) medium', 'a partition by its name' ],
	[ 'COPY visits_2 TO STDOUT', 'doctor doctor - public.visits_2 (phone, at, id) medium', 'COPY of a partition' ],
	[ 'SELECT phone FROM visits UNION ALL SELECT phone FROM visits_1 UNION ALL SELECT v::text FROM plain', "doctor doctor - public.visits_1 (phone) medium\ndoctor doctor - public.visits (phone) medium", 'a table and its partition in one UNION ALL' ],
	[ 'SET enable_partitionwise_join = on; SELECT a.phone FROM visits a JOIN visits b USING (at) LIMIT 1', 'doctor doctor - public.visits (phone, at) medium', 'partition by partition' ],
	[ 'BEGIN; UPDATE visits SET id = 0 WHERE phone = \'p1\'; ROLLBACK', 'doctor doctor - public.visits (phone) medium', 'UPDATE of partitions' ],
	[ 'BEGIN; UPDATE visits SET id = 0; ROLLBACK', '', 'UPDATE of all rows' ],
	[ 'SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT phone FROM visits WHERE at = $1; EXECUTE p(3); EXECUTE p(1000)', 'doctor doctor - public.visits (phone, at) medium', 'partitions that are chosen when the plan starts' ],
	[ 'SELECT phone FROM visits WHERE at = 1000', '', 'no partition' ],
	[ 'SELECT phone FROM people WHERE false', '', 'a condition that is never true' ],
	[ 'SELECT name FROM animals', 'doctor doctor - public.animals (name) medium', 'a child that is classified, by its parent' ],
	[ 'SELECT name FROM ONLY animals', '', 'the parent alone' ],
	[ 'SELECT animals FROM animals', 'doctor doctor - public.animals (name, id) medium', 'whole rows of children' ],
	[ 'SELECT phone, (SELECT dp_count(*) FROM people WHERE town = \'t1\') FROM people LIMIT 1', doctor('phone', 'high'), 'beside a release of the same relation' ],
	[ 'WITH r AS (SELECT dp_count(*) AS n FROM people WHERE town <> \'\') SELECT height, n FROM people, r LIMIT 1', doctor('height', 'low'), 'joined with a release of the same relation' ],
	# what is not protected passes through a release as it is
	[ 'SELECT name, dp_count(*) FROM people JOIN dogs USING (id) GROUP BY name', 'doctor doctor - public.dogs (name, id) medium', 'below a release, but not protected' ],
	[ 'SELECT * FROM towns', 'doctor doctor - public.towns (phone, town) low', 'a materialized view' ])
{
	my ($sql, $entries, $name) = @$case;

	reads('doctor', $sql, $entries, $name);
}

# ----------------------------------------------------------------------------
# Who reads.
foreach my $case (
	[ 'boss', 'SELECT phone FROM people', 'boss boss people public.people (phone) high', 'a superuser' ],
	[ 'boss', 'SET ROLE doctor; SELECT phone FROM people', 'boss doctor people public.people (phone) high', 'SET ROLE' ],
	[ 'boss', 'SET SESSION AUTHORIZATION doctor; SELECT phone FROM people', 'doctor doctor people public.people (phone) high', 'SET SESSION AUTHORIZATION' ],
	[ 'other', 'SELECT phone_definer(1)', 'other boss people public.people (phone, id) high', 'a SECURITY DEFINER function' ],
	[ 'other', 'SELECT id FROM people', 'other other people public.people (id) low', 'who has privileges on a column' ],
	[ 'analyst', 'SELECT name FROM dogs', 'analyst analyst - public.dogs (name) medium', 'an analyst, what it may read' ],
	[ 'other', 'SELECT id FROM definer', 'other other people public.people (town, id) medium', 'who has a view' ],
	[ 'boss', 'COPY policed TO STDOUT', 'boss boss - public.policed (v, id) medium', 'COPY by one whom row-level security does not hold' ],
	[ 'boss', 'REFRESH MATERIALIZED VIEW towns', 'boss boss people public.people (phone, town) high', 'REFRESH MATERIALIZED VIEW' ],
	[ 'doctor', 'SELECT phone FROM people, visits_1, towns LIMIT 1', undef, 'three relations' ])
{
	my ($role, $sql, $entries, $name) = @$case;

	if (defined $entries) { reads($role, $sql, $entries, $name); next; }
	DpAgg::as($node, 'doctor', 'SELECT p.phone, v.phone, t.town FROM people p, visits_1 v, towns t LIMIT 1');
	is(join("\n", sort split /\n/, entries()),
		join("\n", 'doctor doctor - public.towns (town) low', 'doctor doctor - public.visits_1 (phone) medium', doctor('phone', 'high')), $name);
}

# ----------------------------------------------------------------------------
# The tier: the worst of what is read, how it travels, and how many may be in it.
sub codes
{
	return $node->safe_psql('postgres', 'SELECT tier, codes FROM dp_agg.raw_read ORDER BY id DESC LIMIT 1');
}
{
	my $tcp = 'host=127.0.0.1 port=' . $node->port . ' dbname=postgres user=doctor sslmode=disable gssencmode=disable';
	my @options = ('-c dp_agg.tier_scale=1000', '-c dp_agg.tier_scale=1001');

	DpAgg::works($node, 'doctor', 'SELECT town FROM people LIMIT 1');
	is(codes(), 'medium|result.quasi_identifier computation.central transmission.local', 'codes: over a local socket');
	$node->psql('postgres', 'SELECT height FROM people LIMIT 1', connstr => $tcp);
	is(codes(), 'medium|result.ordinary computation.central transmission.plain', 'codes: over the network');
	$node->psql('postgres', "$parallel SELECT phone_plpgsql(1)", connstr => $tcp);
	is(codes(), 'high|result.direct_identifier computation.central transmission.plain', 'codes: over the network, from a parallel worker');
	local $ENV{PGOPTIONS} = $options[0];
	DpAgg::works($node, 'boss', 'SELECT town FROM people LIMIT 1');
	is(codes(), 'high|result.quasi_identifier computation.central transmission.local scale.large', 'codes: many rows');
	$ENV{PGOPTIONS} = $options[1];
	DpAgg::works($node, 'boss', 'SELECT town FROM people LIMIT 1');
	is(codes(), 'medium|result.quasi_identifier computation.central transmission.local', 'codes: fewer rows');
	$node->safe_psql('postgres', q{SELECT dp_agg.set_population_size('people', 5000)});
	DpAgg::works($node, 'boss', 'SELECT town FROM people LIMIT 1');
	is(codes(), 'high|result.quasi_identifier computation.central transmission.local scale.large', 'codes: a population that is declared as large');
	$node->safe_psql('postgres', q{SELECT dp_agg.set_population_size('people', NULL)});
	DpAgg::works($node, 'boss', 'CREATE TEMP TABLE t (id int); SELECT dp_agg.classify(\'pg_temp.t\', \'id\', \'sensitive\'); SELECT * FROM t');
	is(codes(), 'medium|result.sensitive computation.central transmission.local scale.unknown', 'codes: a table that was never analyzed');
	entries();
}

# ----------------------------------------------------------------------------
# What is not logged.
foreach my $case (
	[ 'analyst', 'SELECT dp_count(*) FROM people', '00000', 'a release' ],
	[ 'analyst', 'SELECT count(*) FROM dp.people', '00000', 'a release from the facade' ],
	[ 'doctor', 'SELECT dp_count(*) FROM people', '00000', 'a release for a role that may read' ],
	[ 'doctor', 'SELECT dp_count(*) FROM people JOIN plain USING (id)', '00000', 'a release of a join' ],
	[ 'doctor', 'CREATE TEMP TABLE t AS SELECT dp_count(*) FROM people', '00000', 'a release that is kept' ],
	[ 'doctor', 'EXPLAIN SELECT * FROM people', '00000', 'EXPLAIN' ],
	[ 'doctor', 'SELECT * FROM plain', '00000', 'a relation without classes' ],
	[ 'doctor', 'COPY plain TO STDOUT', '00000', 'COPY of a relation without classes' ],
	[ 'doctor', 'SELECT relname FROM pg_class', '00000', 'a catalog' ],
	[ 'doctor', 'BEGIN; INSERT INTO people VALUES (-1) RETURNING id; ROLLBACK', '00000', 'INSERT' ],
	[ 'doctor', 'BEGIN; DELETE FROM people; ROLLBACK', '00000', 'DELETE of all rows' ],
	[ 'doctor', 'BEGIN; INSERT INTO child VALUES (1); ROLLBACK', '00000', 'the check of a foreign key' ],
	[ 'doctor', 'INSERT INTO child VALUES (-1)', '23503', 'the check of a foreign key that fails' ],
	[ 'boss', 'VACUUM people; ANALYZE people; CREATE INDEX i ON people (phone); REINDEX TABLE people; CLUSTER people USING i; DROP INDEX i', '00000', 'maintenance' ],
	[ 'other', 'SELECT phone FROM people', '42501', 'a read that is denied' ],
	[ 'other', 'COPY people TO STDOUT', '42501', 'COPY that is denied' ],
	[ 'analyst', 'SELECT phone FROM people', '42501', 'a read that an analyst is denied' ],
	[ 'doctor', 'SELECT nothing FROM people', '42703', 'an error' ])
{
	my ($role, $sql, $state, $name) = @$case;

	reads($role, $sql, '', $name, $state);
}

# COPY inside other statements: by code of a function, inside COPY of a query, of another table.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION copy_out(relation text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('COPY %s TO ''/dev/null''', relation); RETURN relation; END $$;
CREATE FUNCTION copying() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM copy_out('people'); RETURN NULL; END $$;
CREATE TABLE copied (id int);
CREATE TRIGGER copying AFTER INSERT ON copied FOR EACH STATEMENT EXECUTE FUNCTION copying();
SQL
foreach my $case (
	[ q{SELECT copy_out('people')}, $all ],
	[ q{COPY (SELECT copy_out('people')) TO STDOUT}, $all ],
	[ q{SELECT copy_out('plain'), copy_out('people'), copy_out('plain')}, $all ],
	[ q{DO $$ BEGIN COPY nothing TO '/dev/null'; EXCEPTION WHEN undefined_table THEN PERFORM height FROM people; END $$}, doctor('height', 'low') ],
	[ q{DO $$ BEGIN COPY people TO '/nowhere/at all'; EXCEPTION WHEN undefined_file THEN PERFORM v FROM plain; PERFORM height FROM people; END $$}, "$all\n" . doctor('height', 'low') ],
	[ q{BEGIN; INSERT INTO copied VALUES (1); COPY plain TO '/dev/null'; ROLLBACK}, $all ],
	[ q{BEGIN; COPY copied FROM '/dev/null'; ROLLBACK}, $all ],
	[ 'BEGIN; ALTER TABLE people ADD FOREIGN KEY (id) REFERENCES plain; ROLLBACK', doctor('id', 'low'), 'a new foreign key of the relation itself' ],
	[ 'ALTER TABLE other_plain ADD FOREIGN KEY (id) REFERENCES people; ALTER TABLE other_plain DROP CONSTRAINT other_plain_id_fkey', doctor('id', 'low'), 'a new foreign key, whose error would show a value' ])
{
	my ($sql, $entries, $name) = @$case;

	reads('boss', $sql, $entries =~ s/doctor/boss/gr, $name);
}

# A subscriber's first copy comes over a connection like this.
{
	my $connstr = $node->connstr('postgres') . ' user=boss replication=database';

	$node->psql('postgres', 'COPY people TO STDOUT', connstr => $connstr);
	is(entries(), $all =~ s/doctor/boss/gr, 'COPY over a replication connection is logged');
}

reads('doctor', 'PREPARE p AS SELECT phone FROM people; CREATE TEMP TABLE t AS EXECUTE p', doctor('phone', 'high'), 'CREATE TABLE AS EXECUTE');

# Foreign tables, of which the other server may do all the work.
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION postgres_fdw;
CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '@{[ $node->host ]}', port '@{[ $node->port ]}', dbname 'postgres', use_remote_estimate 'true');
CREATE USER MAPPING FOR boss SERVER loop;
CREATE TABLE here (id int PRIMARY KEY, name text);
INSERT INTO here SELECT i, i FROM generate_series(1, 1000) i;
CREATE FOREIGN TABLE there (id int, name text) SERVER loop OPTIONS (table_name 'here');
SELECT dp_agg.classify('there', 'name', 'sensitive');
SQL
foreach my $sql ('SELECT name FROM there LIMIT 1', 'SELECT max(name) FROM there', 'SELECT a.name FROM there a JOIN there b USING (id) LIMIT 1',
	q{BEGIN; UPDATE there SET name = 'x' WHERE id = 1 RETURNING name; ROLLBACK}, q{BEGIN; DELETE FROM there WHERE name = '1'; ROLLBACK})
{
	my $columns = $sql =~ /\bid\b/ ? 'name, id' : 'name';

	reads('boss', $sql, "boss boss - public.there ($columns) medium");
}

# Foreign keys that read or write the classified relation, and what hides behind them.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent VALUES (1);
CREATE TABLE classified_child (id int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, phone text);
INSERT INTO classified_child VALUES (1, 'p');
SELECT dp_agg.classify('classified_child', 'phone', 'direct_identifier');
CREATE TABLE hiding (id int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO hiding VALUES (1);
GRANT ALL ON parent TO doctor;
SQL
entries();
reads('doctor', 'BEGIN; UPDATE parent SET id = 2; DELETE FROM parent; ROLLBACK', '', 'foreign keys that follow');
$node->safe_psql('postgres', 'ALTER TABLE hiding OWNER TO doctor; CREATE TRIGGER peek BEFORE DELETE ON hiding FOR EACH ROW EXECUTE FUNCTION peek()');
reads('doctor', 'BEGIN; DELETE FROM parent; ROLLBACK', doctor('town', 'medium'), 'a trigger that a foreign key fires');

# ----------------------------------------------------------------------------
# Names that need quotes; more columns than an entry names; many relations at once.
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA "Odd ""one";
CREATE TABLE "Odd ""one"."a, b" ("x, y" int, "select" text);
SELECT dp_agg.classify('"Odd ""one"."a, b"', 'select', 'sensitive');
SELECT 'CREATE TABLE wide (' || string_agg(format('"column number %s of a table that has a great many of them" int', i), ', ' ORDER BY i) || ')'
FROM generate_series(1, 500) i \gexec
SELECT dp_agg.classify('wide', 'column number 500 of a table that has a great many of them', 'direct_identifier');
SELECT format('CREATE TABLE many_%s (id int)', i) FROM generate_series(1, 30) i \gexec
SELECT dp_agg.classify(format('many_%s', i)::regclass, 'id', 'quasi_identifier') FROM generate_series(1, 30) i;
SQL
entries();
reads('boss', 'SELECT * FROM "Odd ""one"."a, b"', 'boss boss - "Odd ""one"."a, b" ("select", "x, y") medium', 'names that need quotes');
DpAgg::works($node, 'boss', 'SELECT * FROM wide', 'a relation with many columns is read');
like(entries(), qr/^boss boss - public\.wide \("column number 500 of [^,]*, "column number 1 of .*, and 48\d more\) high$/,
	'and logged with the classified ones first');
DpAgg::works($node, 'boss', 'SELECT * FROM ' . join(', ', map { "many_$_" } 1 .. 30), 'many relations are read at once');
is(scalar(split /\n/, entries()), 30, 'and all logged');

# ----------------------------------------------------------------------------
# pg_dump, also with two jobs, and by INSERT commands.
sub tables_of
{
	my (@entries) = split /\n/, entries();
	my %tables;

	$tables{$_}++ foreach map { /(public\.\w+) / ? $1 : () } @entries;
	return join ' ', map { "$_:$tables{$_}" } grep { !/many|wide/ } sort keys %tables;
}
{
	my $classified = join ' ', map { "public.$_:1" } qw(classified_child dogs people policed visits_1 visits_2);
	my $out = $node->basedir . '/dump';

	$node->command_ok([ 'pg_dump', '-f', "$out.sql", $node->connstr('postgres') ], 'pg_dump works');
	is(tables_of(), $classified, 'and each classified table that it reads is logged once');
	$node->command_ok([ 'pg_dump', '-j2', '-Fd', '-f', "$out.dir", $node->connstr('postgres') ], 'pg_dump -j2 works');
	is(tables_of(), $classified, 'and is logged alike');
	$node->command_ok([ 'pg_dump', '--inserts', '-f', "$out.inserts", $node->connstr('postgres') ], 'pg_dump --inserts works');
	is(tables_of(), $classified, 'and is logged alike');
}

# ----------------------------------------------------------------------------
# Whoever is logged cannot switch it off.
foreach my $sql ('SET dp_agg.audit_raw = off', 'SET LOCAL dp_agg.audit_raw = off', q{SELECT set_config('dp_agg.audit_raw', 'off', false)},
	'CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SET dp_agg.audit_raw = off RETURN (SELECT max(phone) FROM people); SELECT pg_temp.f()')
{
	my $r = DpAgg::refused($node, 'boss', $sql, '22023');
	like($r->{err}, qr/"dp_agg.audit_raw" cannot be switched off by a session/, 'and says so');
}
reads('boss', 'RESET dp_agg.audit_raw; SELECT phone FROM people LIMIT 1', 'boss boss people public.people (phone) high', 'RESET');
reads('boss', 'RESET ALL; DISCARD ALL; SELECT phone FROM people LIMIT 1', 'boss boss people public.people (phone) high', 'RESET ALL and DISCARD ALL');
{
	local $ENV{PGOPTIONS} = '-c dp_agg.audit_raw=off';
	my $r = DpAgg::as($node, 'boss', 'SELECT 1');
	like($r->{err}, qr/FATAL: .*"dp_agg.audit_raw" cannot be switched off by a session/, 'nor do options of the connection');
}
# A session that had switched it off before the configuration switched it on.
{
	my $off = 'ALTER SYSTEM SET dp_agg.audit_raw = off; SELECT pg_reload_conf(); SELECT pg_sleep(0.5)';
	my $on = 'ALTER SYSTEM RESET dp_agg.audit_raw; SELECT pg_reload_conf(); SELECT pg_sleep(0.5)';

	DpAgg::works($node, 'boss', $off);
	reads('boss', "SET dp_agg.audit_raw = off;\n$on;\nSELECT phone FROM people LIMIT 1",
		'boss boss people public.people (phone) high', 'switched off before it was configured');
}

# The configuration of a role or database comes before the server's, as ever.
$node->safe_psql('postgres', 'ALTER ROLE doctor SET dp_agg.audit_raw = off');
reads('doctor', 'SELECT phone FROM people LIMIT 1', '', 'a role that is exempt');
$node->safe_psql('postgres', 'ALTER ROLE doctor RESET dp_agg.audit_raw');
DpAgg::refused($node, 'doctor', 'ALTER ROLE doctor SET dp_agg.audit_raw = off', '42501', 'no role exempts itself');

# ----------------------------------------------------------------------------
# The entry is there before the first row.
{
	my $cursor = Clients::start($node, 'doctor', <<'SQL');
BEGIN;
DECLARE c CURSOR FOR SELECT phone FROM people;
FETCH 1 FROM c;
SELECT pg_sleep(60);
SQL
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'doctor' AND wait_event = 'PgSleep'}) or die;
	my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE usename = 'doctor'});
	is(entries(), doctor('phone', 'high'), 'a cursor of which a row was fetched: is logged');
	kill 'KILL', $pid;
	Clients::finish(30, $cursor);
	my $patience = 300;
	sleep 0.1 until eval { ($node->psql('postgres', 'SELECT 1'))[0] == 0 } || --$patience == 0;
	is($node->safe_psql('postgres', "SELECT count(*) FROM dp_agg.raw_read WHERE id = $seen"), 1, 'its server process was killed: is still logged');
}

# ----------------------------------------------------------------------------
# Eight at once.
{
	my $script = Clients::statement('SELECT phone FROM people WHERE id = 7') x 50;
	my $total = Clients::total(Clients::finish(60, map { Clients::start($node, 'doctor', $script) } 1 .. 8));

	is_deeply($total->{states}, { '00000' => 400 }, '8 clients read 400 times');
	is(scalar(split /\n/, entries()), 400, 'and are logged as often');
}
is($node->safe_psql('postgres', 'SELECT ok FROM dp_agg.verify_ledger()'), 't', 'the ledger is whole');

# ----------------------------------------------------------------------------
# A trigger on the log that reads what is logged: the worker does not wait for itself.
$node->safe_psql('postgres', 'CREATE TRIGGER t AFTER INSERT ON dp_agg.raw_read FOR EACH ROW EXECUTE FUNCTION peek()');
{
	my $start = time;

	DpAgg::refused($node, 'doctor', 'SELECT phone FROM people', 'DP004', 'the log watches itself');
	cmp_ok(time - $start, '<', 30, 'and does not hang');
}
$node->safe_psql('postgres', 'DROP TRIGGER t ON dp_agg.raw_read');
reads('doctor', 'SELECT phone FROM people', doctor('phone', 'high'), 'without it all is well');

# ----------------------------------------------------------------------------
# Where the ledger cannot be written nothing is read: on a standby, and without a worker.
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$node->backup('copy');
	$standby->init_from_backup($node, 'copy', has_streaming => 1);
	$standby->start;
	$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
	foreach my $sql ('SELECT phone FROM people', 'COPY people TO STDOUT', 'SELECT phone_plpgsql(1)', 'BEGIN; DECLARE c CURSOR FOR SELECT phone FROM people; FETCH c')
	{
		DpAgg::refused($standby, 'doctor', $sql, 'DP004', 'a standby refuses: ' . DpAgg::brief($sql));
	}
	is(DpAgg::value($standby, 'doctor', 'SELECT count(*) FROM plain'), 1000, 'and lets other relations be read');
	$standby->stop;
}
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
foreach my $sql ('SELECT phone FROM people', 'COPY people TO STDOUT')
{
	DpAgg::refused($node, 'doctor', $sql, 'DP004', 'without a worker there is no ' . DpAgg::brief($sql));
}
is(DpAgg::value($node, 'doctor', 'SELECT count(*) FROM plain'), 1000, 'other relations are read without one');
is(entries(), '', 'and nothing was logged');

done_testing();
