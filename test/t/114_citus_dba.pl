# The administrator's side of Citus: what stands on which machine, who is kept out of what, and tables that
# Citus replaces by others.
#
# What an analyst could learn: from a worker, which knows no accounts; from what Citus makes again by the
# administrator's right and gives to its owner; from functions that Citus grants to everybody.  What an
# administrator could lose: labels, grants and views with a table that is distributed in another way.

use strict;
use warnings;
use CitusCluster;
use DpAgg;
use Installation;
use Test::More;

plan skip_all => CitusCluster::reason() if CitusCluster::reason();

my $cluster = CitusCluster->new('dba', roles => [qw(analyst bi doctor admin keeper)]);
my $coordinator = $cluster->coordinator;
my ($worker) = $cluster->workers;
my $super = $cluster->sql('SELECT current_user');

# sql(SQL): what the superuser gets on the coordinator; the test dies if that fails.
sub sql { return $cluster->sql($_[0]) }

# said(ROLE, SQL): what a statement that succeeds tells beside its result.
sub said { return DpAgg::works($coordinator, $_[0], $_[1], "$_[0]: " . DpAgg::brief($_[1]))->{err} }

sql(<<'SQL');
CREATE SCHEMA hospital;
GRANT USAGE ON SCHEMA hospital TO PUBLIC;
CREATE TYPE hospital.kind AS ENUM ('short', 'long');
CREATE TABLE hospital.visits (visit_id int, patient_id int NOT NULL, clinic text, cost numeric, at timestamptz, note text, name text,
	secret int, kind hospital.kind, PRIMARY KEY (patient_id, visit_id));
COMMENT ON COLUMN hospital.visits.cost IS 'in euro';
INSERT INTO hospital.visits SELECT p * 10 + v, p, (ARRAY['North', 'South'])[1 + p % 2], p % 100, '2020-01-01', 'x', p::text, 1, 'short'
	FROM generate_series(1, 2000) p, generate_series(1, 3) v;
CREATE INDEX visits_at ON hospital.visits (at);
CREATE TABLE hospital.lines (visit_id int NOT NULL, patient_id int NOT NULL, amount numeric, what text);
INSERT INTO hospital.lines SELECT p * 10 + v, p, 5, 'k' FROM generate_series(1, 2000) p, generate_series(1, 3) v;
SELECT dp_agg.protect('hospital.visits', unit => 'patient_id', population => 'patients', max_groups => 2, max_rows => 3, max_total => 4,
	columns => '{clinic,cost,at,note,kind}', index_columns => '{at}');
SELECT dp_agg.set_bounds('hospital.visits', 'cost', 0, 1000);
SELECT dp_agg.set_total('hospital.visits', 'cost', 0, 2000);
SELECT dp_agg.set_norm('hospital.visits', 4);
SELECT dp_agg.set_domain('hospital.visits', 'clinic', '{North,South,East}');
SELECT dp_agg.set_grain('hospital.visits', 'at', '1 day');
SELECT dp_agg.set_length('hospital.visits', 'note', 50);
SELECT dp_agg.set_population_size('patients', 5000);
SELECT dp_agg.set_preview('hospital.visits', true);
SELECT dp_agg.set_measured('hospital.visits', ARRAY[0.4, 0.2] || array_fill(0.1, ARRAY[13]));
SELECT dp_agg.classify('hospital.visits', 'name', 'direct_identifier');
SELECT dp_agg.classify('hospital.visits', 'clinic', 'quasi_identifier');
SELECT dp_agg.classify('hospital.visits', 'secret', 'sensitive');
SELECT dp_agg.protect('hospital.lines', link => '{patient_id,visit_id}', parent => 'hospital.visits', max_groups => 2, max_rows => 3);
SELECT dp_agg.set_bounds('hospital.lines', 'amount', 0, 100);
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 1e6, delta => 1e-3);
REVOKE SELECT ON dp.visits FROM PUBLIC;
GRANT SELECT ON dp.visits TO analyst WITH GRANT OPTION;
GRANT SELECT (clinic) ON dp.visits TO bi;
COMMENT ON VIEW dp.visits IS 'for the board';
CREATE VIEW hospital.costs AS SELECT clinic, cost FROM dp.visits;
GRANT SELECT ON hospital.costs TO bi;
CREATE VIEW hospital.direct AS SELECT patient_id FROM hospital.visits;
GRANT SELECT ON hospital.visits, hospital.lines TO doctor;
CREATE SCHEMA own AUTHORIZATION analyst;
GRANT USAGE ON SCHEMA own TO PUBLIC;
SQL

# All that is declared of tables, and their facades with what belongs to them, by names.
my $everything = <<'SQL';
SELECT 'label', l.objoid::regclass, a.attname, l.label::jsonb FROM pg_seclabel l LEFT JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid
 WHERE l.provider = 'dp_agg' ORDER BY l.objoid::regclass::text, a.attname;
SELECT 'view', c.oid::regclass, c.reloptions, pg_get_userbyid(c.relowner), COALESCE(c.relacl, acldefault('r', c.relowner)), obj_description(c.oid, 'pg_class'), regexp_replace(pg_get_viewdef(c.oid), '\s+', ' ', 'g')
  FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace IN ('dp'::regnamespace, 'hospital'::regnamespace, 'own'::regnamespace) ORDER BY c.oid::regclass::text;
SELECT 'column', a.attrelid::regclass, a.attname, a.attacl, col_description(a.attrelid, a.attnum) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relkind = 'v' AND c.relnamespace IN ('dp'::regnamespace, 'hospital'::regnamespace) AND (a.attacl IS NOT NULL OR col_description(a.attrelid, a.attnum) IS NOT NULL)
 ORDER BY a.attrelid::regclass::text, a.attname;
SELECT 'table', c.oid::regclass, c.relacl FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'hospital'::regnamespace ORDER BY c.oid::regclass::text;
SELECT 'protected', p.relation, p.unit, p.link, p.parent, p.facade, dp_agg.link_fault(p.relation) FROM dp_agg.protected_relations p ORDER BY p.relation::text;
SQL
my $keys = q(SELECT conname, conrelid::regclass, confrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid = 'hospital.lines'::regclass);

# No label stands on a shard, wherever it is.
sub shards_are_bare
{
	my ($when) = @_;

	is(join('', map { $_->safe_psql('postgres', q(SELECT DISTINCT objoid FROM pg_seclabel WHERE provider = 'dp_agg' AND dp_agg.shard_of(objoid) IS NOT NULL)) } $cluster->machines),
		'', "$when: shards have no labels");
	return;
}

# ---------- workers refuse ----------

sql("SELECT create_distributed_table('hospital.visits', 'patient_id'); SELECT create_distributed_table('hospital.lines', 'patient_id', colocate_with => 'hospital.visits')");
{
	# Every function that says what is protected, or who may spend what, whatever its arguments.
	my @calls = split /\n/, $worker->safe_psql('postgres', <<'SQL');
SELECT format('SELECT dp_agg.%I(%s)', p.proname, (SELECT string_agg(format('NULL::%s', format_type(t, NULL)), ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u (t, n)))
  FROM pg_proc p WHERE p.oid IN (SELECT f::oid FROM dp_agg.admin_functions() f WHERE f::text !~ 'suggest_classes')
	OR p.oid IN ('dp_agg.set_reuse(name,interval)'::regprocedure, 'dp_agg.refresh(name)'::regprocedure)
SQL
	my @answers = DpAgg::bulk($worker, $super, \@calls);

	cmp_ok(scalar @calls, '>', 30, 'functions for administrators: ' . @calls);
	is_deeply([ map { "$calls[$_]: $answers[$_]->{sqlstate}" } grep { $answers[$_]->{sqlstate} ne '55000' } 0 .. $#calls ], [], 'a worker refuses all of them');
	like(DpAgg::refused($worker, $super, 'CALL dp_agg.archive_ledger(now())', '55000')->{err}, qr/SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0/,
		'... and says where the coordinator is');
	is($worker->safe_psql('postgres', 'SELECT nodeport FROM pg_dist_node WHERE groupid = 0'), $coordinator->port, '... truly');
}
foreach my $sql ('SELECT count(*) FROM hospital.visits', 'SELECT count(*) FROM dp.visits', 'SELECT * FROM dp.visits LIMIT 3',
	'EXPLAIN SELECT count(*) FROM dp.visits', q(SELECT * FROM dp_agg.estimate('SELECT count(*) FROM dp.visits')),
	'SELECT cost FROM hospital.visits', 'CREATE TEMP TABLE t AS SELECT clinic, avg(cost) FROM dp.visits GROUP BY 1')
{
	DpAgg::refused($worker, 'analyst', $sql, 'DP002', "an analyst on a worker: $sql");
}
DpAgg::refused($worker, 'doctor', 'SELECT dp_count(*) FROM hospital.visits', 'DP002', 'who may read makes no release there');
is(DpAgg::value($worker, 'doctor', 'SELECT count(*) FROM hospital.visits'), 6000, '... and reads as ever');
cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM dp.visits') - 6000), '<=', 20, 'the coordinator answers');
foreach my $machine ($cluster->workers)
{
	is($machine->safe_psql('postgres', <<'SQL'), "0\n0\n0\nt|0\n0", $machine->name . ': no account, no entry, an empty ledger that holds, and nobody who writes it');
SELECT count(*) FROM dp_agg.budgets;
SELECT count(*) FROM dp_agg.releases;
SELECT count(*) FROM dp_agg.administrators;
SELECT ok, entries FROM dp_agg.verify_ledger();
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'dp_agg ledger';
SQL
}

# A server that was its own coordinator and comes to the cluster.
{
	my $late = $cluster->_machine('dba_late');

	$late->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 1000);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000, delta => 1e-6);
SQL
	like(DpAgg::value($late, 'analyst', 'SELECT count(*) FROM people'), qr/^\d+$/, 'a server of its own answers');
	my $spent = $late->safe_psql('postgres', 'SELECT epsilon_spent FROM dp_agg.account');
	push @{ $cluster->{workers} }, $late;
	sql("SELECT citus_add_node('127.0.0.1', " . $late->port . ')');
	DpAgg::refused($late, 'analyst', 'SELECT count(*) FROM people', 'DP002', '... and not as a worker');
	DpAgg::refused($late, $super, q(SELECT dp_agg.set_budget('analyst', 'people', epsilon => 2000)), '55000', '... where nobody is given a budget');
	is($late->safe_psql('postgres', 'SELECT epsilon_spent FROM dp_agg.account'), $spent, '... and nothing is paid');
	is($late->safe_psql('postgres', 'SELECT ok FROM dp_agg.verify_ledger()'), 't', '... its old ledger can be verified');
	like($late->safe_psql('postgres', q(SELECT finding FROM dp_agg.check_hardening() WHERE topic = 'citus' AND object = 'dp_agg.account')), qr/worker of Citus and has 1 accounts/,
		'check_hardening() tells it there');
	like(sql(q(SELECT object || ': ' || finding FROM dp_agg.check_hardening() WHERE topic = 'citus' AND finding ~ 'accounts')), qr/^127.0.0.1:@{[ $late->port ]}: has 1 accounts, from before/,
		'... and on the coordinator');
}

# ---------- tables that Citus replaces ----------

sql(<<'SQL');
ALTER TABLE hospital.lines ADD FOREIGN KEY (patient_id, visit_id) REFERENCES hospital.visits;
CREATE MATERIALIZED VIEW hospital.mine AS SELECT clinic, count(*) FROM dp.visits GROUP BY clinic;
SQL
said('analyst', 'CREATE VIEW own.clinics AS SELECT clinic, count(*) FROM dp.visits GROUP BY clinic');
said('analyst', 'CREATE VIEW own.plain AS SELECT clinic, count(*) FROM hospital.visits GROUP BY clinic; GRANT SELECT ON own.plain TO bi');
my $before = sql($everything);
my $constraint = sql($keys);

# converted(SQL, WHAT): everything stays, an analyst reads releases and no rows.
sub converted
{
	my ($sql, $what) = @_;

	# Nobody but its readers may read the new table before the transaction ends.
	is(sql("BEGIN; $sql; SELECT bool_or(has_table_privilege('analyst', c.oid, 'SELECT') OR has_any_column_privilege('analyst', c.oid, 'SELECT')) FROM pg_class c WHERE relname ~ '^(visits|lines)' AND relkind IN ('r', 'p') AND relnamespace = 'hospital'::regnamespace; ROLLBACK")
			=~ s/^\n*//r, 'f', "$what: no right to the new table");
	is(sql($everything), $before, '... which is not there when that is rolled back');
	sql($sql);
	is(sql($everything), $before, "... everything stays");
	is(sql($keys), $constraint, '... and the foreign key');
	is(sql('SELECT count(*), count(DISTINCT patient_id) FROM hospital.visits'), '6000|2000', '... and the rows');
	is(sql('SELECT relispopulated, pg_get_userbyid(relowner) FROM pg_class WHERE oid = \'hospital.mine\'::regclass'), "t|$super", '... and the administrator\'s materialized view');
	DpAgg::refused($coordinator, 'analyst', 'SELECT cost FROM hospital.visits', '42501', '... an analyst has no rows');
	cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM dp.visits') - 6000), '<=', 20, '... but a release');
	cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT sum(count) FROM own.clinics') - 6000), '<=', 60, '... by a view of its own');
	shards_are_bare($what);
	return;
}

converted(q(SELECT alter_distributed_table('hospital.visits', shard_count => 2, cascade_to_colocated => true)), 'other shards');
converted(q(SELECT undistribute_table('hospital.visits', cascade_via_foreign_keys => true)), 'no shards');
converted(q(SELECT citus_add_local_table_to_metadata('hospital.visits', cascade_via_foreign_keys => true)), 'a local table that Citus knows');
converted(q(DO $$ BEGIN PERFORM undistribute_table('hospital.visits', cascade_via_foreign_keys => true); END $$), 'in code');
sql('ALTER TABLE hospital.lines DROP CONSTRAINT lines_patient_id_visit_id_fkey');
$constraint = '';
converted(q(SELECT create_distributed_table('hospital.visits', 'patient_id'); SELECT create_distributed_table('hospital.lines', 'patient_id', colocate_with => 'hospital.visits')), 'shards again');
{
	sql(q(BEGIN; SAVEPOINT a; SELECT undistribute_table('hospital.visits'); ROLLBACK TO a; SELECT undistribute_table('hospital.visits'); SELECT create_distributed_table('hospital.visits', 'patient_id', colocate_with => 'hospital.lines'); COMMIT));
	is(sql($everything), $before, 'there and back in one transaction, after a savepoint');
}
SKIP:
{
	skip 'no citus_columnar here', 2 unless -f Installation::config('--sharedir') . '/extension/citus_columnar.control';
	sql('CREATE EXTENSION citus_columnar; CREATE TABLE hospital.wide (id int NOT NULL, x int); INSERT INTO hospital.wide SELECT i, i FROM generate_series(1, 1000) i');
	sql(q(SELECT dp_agg.protect('hospital.wide', unit => 'id', population => 'patients'); SELECT dp_agg.set_bounds('hospital.wide', 'x', 0, 9); GRANT SELECT ON dp.wide TO bi));
	my $wide = sql($everything);
	sql(q(SELECT alter_table_set_access_method('hospital.wide', 'columnar')));
	is(sql($everything), $wide, 'a columnar table');
	is(sql(q(SELECT a.amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = 'hospital.wide'::regclass)), 'columnar', '... it is one');
	sql('DROP TABLE hospital.wide');
}

# Partitions, one with a class of its own.
{
	sql(<<'SQL');
CREATE TABLE hospital.stays (id int, patient_id int NOT NULL, ward text, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE hospital.stays_1 PARTITION OF hospital.stays FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE hospital.stays_2 PARTITION OF hospital.stays FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO hospital.stays SELECT p, p, 'N', '2020-01-01'::date + p % 700 FROM generate_series(1, 2000) p;
SELECT dp_agg.protect('hospital.stays', unit => 'patient_id', population => 'patients', max_groups => 2, max_rows => 3);
SELECT dp_agg.classify('hospital.stays_1', 'ward', 'quasi_identifier');
SELECT dp_agg.set_domain('hospital.stays', 'ward', '{N}');
GRANT SELECT ON dp.stays TO bi;
SQL
	my $stays = sql($everything);

	foreach my $sql (q(create_distributed_table('hospital.stays', 'patient_id', colocate_with => 'none')), q(alter_distributed_table('hospital.stays', shard_count => 3)), q(undistribute_table('hospital.stays')),
		q(citus_add_local_table_to_metadata('hospital.stays')), q(undistribute_table('hospital.stays')), q(create_distributed_table('hospital.stays', 'patient_id')),
		q(truncate_local_data_after_distributing_table('hospital.stays')))
	{
		sql("SELECT $sql");
		is(sql($everything), $stays, "partitions: $sql");
		shards_are_bare($sql);
	}
	DpAgg::refused($coordinator, 'analyst', 'SELECT ward FROM hospital.stays_1', 'DP002', '... an analyst has none of their rows');
	sql('DROP TABLE hospital.stays');
}

# ---------- what Citus makes again by the administrator's right ----------

# Whoever may read nothing can make a materialized view of it, which holds nothing.  Citus fills it.
sql(q(CREATE TABLE public.clinics (clinic text PRIMARY KEY); INSERT INTO public.clinics VALUES ('North'), ('South'); GRANT SELECT ON public.clinics TO PUBLIC; SELECT create_distributed_table('public.clinics', 'clinic')));
said('analyst', 'CREATE MATERIALIZED VIEW own.theft AS SELECT v.* FROM hospital.visits v WITH NO DATA');
said('analyst', 'CREATE MATERIALIZED VIEW own.facade_theft AS SELECT v.* FROM dp.visits v WITH NO DATA');
{
	my $told = said($super, q(SELECT alter_distributed_table('hospital.visits', shard_count => 3, cascade_to_colocated => true)));

	like($told, qr/dropped what others made of relation hospital.visits, which Citus replaces: own.theft/, 'what others made of the table is named');
	is(sql(q(SELECT count(*) FROM pg_class WHERE relname ~ 'theft')), 0, '... and gone');
	is(sql($everything), $before, '... and everything else stays');
}
said('analyst', 'CREATE MATERIALIZED VIEW own.theft AS SELECT v.* FROM hospital.visits v JOIN public.clinics c USING (clinic) WITH NO DATA');
{
	my $told = said($super, q(SELECT undistribute_table('public.clinics')));

	like($told, qr/materialized view own.theft is made again without its rows/, 'a public table is replaced that stands in the query of a view of it');
	is(sql(q(SELECT relispopulated, pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'own.theft'::regclass)), 'f|analyst', '... which has no rows');
	DpAgg::refused($coordinator, 'analyst', 'REFRESH MATERIALIZED VIEW own.theft', '42501', '... and its owner cannot fill it');
	sql('DROP MATERIALIZED VIEW own.theft');
	sql(q(CREATE MATERIALIZED VIEW hospital.control AS SELECT clinic FROM public.clinics; SELECT create_distributed_table('public.clinics', 'clinic'); SELECT undistribute_table('public.clinics')));
	is(sql('SELECT count(*) FROM hospital.control'), 2, '... while one of the administrator\'s own is filled again');
	sql('DROP MATERIALIZED VIEW hospital.control');
}

# ---------- who converts ----------

# An administrator who is no superuser; the owner of a table who may not say what is protected.
sql('CREATE SCHEMA app AUTHORIZATION admin; GRANT USAGE ON SCHEMA app TO PUBLIC; CREATE SCHEMA kept AUTHORIZATION keeper; GRANT USAGE ON SCHEMA kept TO PUBLIC; SELECT dp_agg.grant_admin(\'admin\')');
{
	my $facade = q(SELECT pg_get_userbyid(relowner), relacl, regexp_replace(pg_get_viewdef(oid), '\s+', ' ', 'g') FROM pg_class WHERE oid = 'dp.readings'::regclass);

	said('admin', q(CREATE TABLE app.readings (id int NOT NULL, g text, v int); INSERT INTO app.readings SELECT i, 'g' || i % 3, i FROM generate_series(1, 3000) i));
	said('admin', q(SELECT dp_agg.protect('app.readings', unit => 'id', population => 'people'); SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000)));
	my $first = sql($facade);
	foreach my $sql (q(SELECT create_distributed_table('app.readings', 'id', colocate_with => 'none')), q(SELECT alter_distributed_table('app.readings', shard_count => 3)), q(SELECT dp_agg.set_bounds('app.readings', 'v', 0, 100)),
		'ALTER TABLE app.readings ADD COLUMN z int', 'ALTER TABLE app.readings DROP COLUMN z', q(SELECT undistribute_table('app.readings')),
		q(SELECT citus_add_local_table_to_metadata('app.readings')), q(SELECT undistribute_table('app.readings')), q(SELECT create_distributed_table('app.readings', 'id', colocate_with => 'none')))
	{
		said('admin', $sql);
		is(sql($facade) , $first, '... its facade stays') unless $sql =~ /ADD COLUMN/;
	}
	is(sql(q(SELECT population, unit, bounds FROM dp_agg.protected_relations WHERE relation = 'app.readings'::regclass)), 'people|{id}|{"v": [0, 100]}', '... and what it is protected by');
	# On a worker a facade is the copy of whoever distributed its table, and stays that.
	DpAgg::refused($worker, 'keeper', q(SET citus.enable_ddl_propagation = off; CREATE TABLE kept.bait (patient_id int); SECURITY LABEL FOR dp_agg ON TABLE kept.bait IS '{"population": "people"}'; CREATE OR REPLACE VIEW dp.visits AS SELECT patient_id FROM kept.bait),
		'42501', 'on a worker nobody replaces the facade of another\'s table');
	is(join('', map { $_->safe_psql('postgres', q(SELECT population FROM dp_agg.administrator WHERE role = 'admin'::regrole)) } $cluster->workers), '', 'no worker has an administrator');
	like(DpAgg::value($coordinator, 'analyst', 'SELECT count(*) FROM dp.readings'), qr/^\d+$/, 'an analyst is answered');
}
{
	said('keeper', q(CREATE TABLE kept.readings (id int NOT NULL, v int); INSERT INTO kept.readings SELECT i, i FROM generate_series(1, 3000) i));
	sql(q(SELECT dp_agg.protect('kept.readings', unit => 'id', population => 'people')));
	said('keeper', q(SELECT create_distributed_table('kept.readings', 'id', colocate_with => 'none')));
	my $label = sql(q(SELECT label FROM pg_seclabel WHERE objoid = 'kept.readings'::regclass AND objsubid = 0));

	DpAgg::refused($coordinator, 'keeper', q(SELECT undistribute_table('kept.readings')), '42501', 'an owner who may not protect replaces no protected table');
	DpAgg::refused($coordinator, 'keeper', q(DO $$ BEGIN CREATE TABLE kept.readings_1 (LIKE kept.readings); EXECUTE 'SECURITY LABEL FOR dp_agg ON TABLE kept.readings_1 IS ' || quote_literal((SELECT label FROM pg_seclabel WHERE objoid = 'kept.readings'::regclass AND objsubid = 0)); END $$),
		'42501', '... nor has another table labelled like it');
	said('keeper', q(DO $$ BEGIN ALTER TABLE kept.readings RENAME TO readings_102008; ALTER TABLE kept.readings_102008 RENAME TO readings; END $$));
	is(sql(q(SELECT label FROM pg_seclabel WHERE objoid = 'kept.readings'::regclass AND objsubid = 0)), $label, '... nor gets the label off by names that shards have');
	sql(q(SELECT undistribute_table('kept.readings')));
	is(sql(q(SELECT label FROM pg_seclabel WHERE objoid = 'kept.readings'::regclass AND objsubid = 0)), $label, 'a superuser does');

	# as if Citus did it, but the new table is not protected, or does not come
	said('keeper', q(DO $$ BEGIN CREATE TABLE kept.readings_1 (LIKE kept.readings); DROP TABLE kept.readings CASCADE; ALTER TABLE kept.readings_1 RENAME TO readings; END $$));
	is(sql(q(SELECT count(*) FROM dp_agg.protected_relations WHERE relation = 'kept.readings'::regclass)), 0, 'a table that somebody puts in the place of one that is dropped is a new one');
	is(sql(q(SELECT to_regclass('dp.kept_readings'))), '', '... and has no facade');
	sql(q(CREATE TABLE twin (id int); SELECT dp_agg.protect('twin', unit => 'id', population => 'people')));
	DpAgg::refused($coordinator, $super, q(DO $$ BEGIN CREATE TABLE twin_1 (id int); EXECUTE 'SECURITY LABEL FOR dp_agg ON TABLE twin_1 IS ' || quote_literal((SELECT label FROM pg_seclabel WHERE objoid = 'twin'::regclass AND objsubid = 0)); DROP TABLE twin CASCADE; END $$),
		'55000', 'one that is to be replaced and is not is not dropped');
	is(sql(q(SELECT count(*) FROM dp_agg.protected_relations WHERE relation = 'twin'::regclass)), 1, '... and stays protected');
	sql('DROP TABLE twin');
}

# ---------- changes of a distributed table ----------

{
	my $copies = sub { return join ' ', map { $_->safe_psql('postgres', q(SELECT string_agg(attname || ':' || format_type(atttypid, NULL), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = to_regclass('dp.changed') AND attnum > 0)) || '-' } $cluster->machines };

	sql(q(CREATE TABLE changed (id int NOT NULL, a int, b text, c date); SELECT dp_agg.protect('changed', unit => 'id', population => 'people'); SELECT create_distributed_table('changed', 'id', colocate_with => 'none')));
	sql('CREATE VIEW over_changed AS SELECT id, a FROM dp.changed');
	is($copies->(), join(' ', ('id:integer,a:integer,b:text,c:date') x 4), 'every machine has the facade');
	sql('ALTER TABLE changed DROP COLUMN b');
	is($copies->(), join(' ', ('id:integer,a:integer,c:date') x 4), '... without a column that is dropped');
	sql('ALTER TABLE changed ALTER COLUMN a TYPE bigint; ALTER TABLE changed ADD COLUMN d int');
	is($copies->(), join(' ', ('id:integer,a:bigint,c:date,d:integer') x 4), '... with types that change, and new columns');
	sql(q(SELECT dp_agg.classify('changed', 'c', 'direct_identifier')));
	is($copies->(), join(' ', ('id:integer,a:bigint,d:integer') x 4), '... without a direct identifier');
	is(sql('SELECT count(*) FROM over_changed'), 0, '... and a view over it is there');
	sql('DROP VIEW over_changed; SELECT dp_agg.unprotect(\'changed\')');
	is($copies->(), '- - - -', '... and nothing when the table is not protected any more');
	sql('ALTER TABLE changed DROP COLUMN d; DROP TABLE changed');
	is(sql('SELECT count(*) FROM pg_dist_object WHERE pg_identify_object_as_address(classid, objid, objsubid) IS NULL'), 0, 'Citus lists nothing that is gone');
}

# ---------- shards ----------

{
	sql("SELECT citus_set_node_property('127.0.0.1', @{[ $coordinator->port ]}, 'shouldhaveshards', true)");
	sql(q(CREATE TABLE spread (id int NOT NULL PRIMARY KEY, a int); INSERT INTO spread SELECT i, i FROM generate_series(1, 1000) i; SELECT dp_agg.protect('spread', unit => 'id', population => 'people'); SELECT dp_agg.classify('spread', 'a', 'sensitive'); SELECT create_distributed_table('spread', 'id', shard_count => 6, colocate_with => 'none')));
	my $on = sub { return sql("SELECT min(shardid) FROM citus_shards WHERE table_name = 'spread'::regclass AND nodeport = $_[0]") };
	my ($here, $there) = ($coordinator->port, $worker->port);

	isnt($on->($here), '', 'the coordinator has shards');
	shards_are_bare('made');
	is(sql(q(SELECT string_agg(relation::text, ' ') FROM dp_agg.protected_relations WHERE relation::text ~ '^spread')), 'spread', '... and is protected once');
	sql("SELECT citus_move_shard_placement(@{[ $on->($here) ]}, '127.0.0.1', $here, '127.0.0.1', $there, 'block_writes')");
	sql("SELECT citus_move_shard_placement(@{[ $on->($there) ]}, '127.0.0.1', $there, '127.0.0.1', $here, 'force_logical')");
	shards_are_bare('moved');
	sql("SELECT citus_split_shard_by_split_points(s.shardid, ARRAY[((s.shardminvalue::bigint + s.shardmaxvalue::bigint) / 2)::text], (SELECT array_agg(nodeid) FROM (SELECT nodeid FROM pg_dist_node ORDER BY nodeid LIMIT 2) n), 'block_writes') FROM pg_dist_shard s WHERE s.shardid = @{[ $on->($here) ]}");
	shards_are_bare('split');
	my $shard = sql("SELECT shard_name('spread', @{[ $on->($here) ]})");

	foreach my $sql ("SELECT dp_agg.protect('$shard', unit => 'id', population => 'people')", "SELECT dp_agg.set_bounds('$shard', 'a', 0, 1)", "SELECT dp_agg.classify('$shard', 'a', 'ordinary')")
	{
		my $r = DpAgg::as($coordinator, $super, $sql);

		isnt($r->{sqlstate}, '00000', "refused: $sql");
	}
	like(DpAgg::refused($coordinator, $super, "SELECT dp_agg.protect('$shard', unit => 'id', population => 'people')", '42809')->{message}, qr/"$shard" is a shard of relation "spread"/, 'a shard is not protected by itself');
	sql("SECURITY LABEL FOR dp_agg ON TABLE $shard IS '{\"population\": \"people\"}'");
	shards_are_bare('SECURITY LABEL');
	sql('DROP TABLE spread CASCADE');
	sql("SELECT citus_drain_node('127.0.0.1', @{[ $coordinator->port ]}, 'block_writes')");
}

# ---------- how protected tables are distributed ----------

{
	my $finding = sub { return sql("SELECT finding, advice FROM dp_agg.check_hardening() WHERE topic = 'citus' AND object = 'public.$_[0]'") };
	my $protect = q(SELECT dp_agg.protect('orders', unit => 'customer', population => 'customers', max_groups => 1, max_rows => 1));

	sql(q(CREATE TABLE orders (order_id int NOT NULL, customer int NOT NULL, PRIMARY KEY (order_id)); SELECT create_distributed_table('orders', 'order_id', colocate_with => 'none')));
	my $told = said($super, $protect);
	like($told, qr/WARNING:.*no release reads public.orders as it is distributed: order_id, by which it is distributed, does not belong to the unit/, 'protect() looks at the distribution');
	my ($way) = $told =~ /HINT:  (SELECT alter_distributed_table.*)\.$/m;
	is($way, q(SELECT alter_distributed_table('public.orders', distribution_column := 'customer')), '... and tells the way');
	like($finding->('orders'), qr/does not belong to the unit/, '... as does check_hardening()');
	sql("ALTER TABLE orders DROP CONSTRAINT orders_pkey; $way");
	unlike(said($super, $protect), qr/as it is distributed/, '... which is one');
	is($finding->('orders'), '', '... for both');

	sql(q(CREATE UNIQUE INDEX ON orders (customer, order_id); CREATE TABLE items (order_id int NOT NULL, customer int NOT NULL)));
	my $link = q(SELECT dp_agg.protect('items', link => '{customer,order_id}', parent => 'orders', parent_key => '{customer,order_id}', max_groups => 1, max_rows => 1));
	$told = said($super, $link);
	like($told, qr/its parent public.orders is distributed, and it is not/, 'a linked relation, on one machine');
	($way) = $told =~ /HINT:  (SELECT create_distributed_table.*)\.$/m;
	is($way, q(SELECT create_distributed_table('public.items', 'customer', colocate_with => 'public.orders')), '... and the way');
	sql(q(SELECT create_distributed_table('items', 'order_id', colocate_with => 'none')));
	$told = said($super, $link);
	like($told, qr/it is distributed by order_id, and its parent by what customer names/, '... by another column');
	($way) = $told =~ /HINT:  (SELECT alter_distributed_table.*)\.$/m;
	sql($way);
	unlike(said($super, $link), qr/as it is distributed/, '... the way is one');
	sql(q(SELECT alter_distributed_table('items', shard_count => 7, cascade_to_colocated => false)));
	like($finding->('items'), qr/it is not colocated with its parent public.orders/, '... of other shards');
	sql(q(SELECT undistribute_table('items'); SELECT undistribute_table('orders')));
	is($finding->('items'), '', 'both on one machine are well');
	sql('DROP TABLE items, orders CASCADE');
}

# ---------- what Citus shows ----------

{
	my $rows = q(SELECT coalesce(sum(result::int), 0) FROM run_command_on_shards('hospital.visits', $$SELECT n_live_tup FROM pg_stat_all_tables WHERE relid = '%s'::regclass$$));
	my @findings = split /\n/, sql(q(SELECT advice FROM dp_agg.check_hardening() WHERE topic = 'citus' AND object = 'PUBLIC'));

	$_->poll_query_until('postgres', q(SELECT coalesce(sum(n_live_tup), 1) > 0 FROM pg_stat_all_tables WHERE relname ~ '^visits_')) foreach $cluster->workers;
	is(DpAgg::value($coordinator, 'analyst', $rows), 6000, 'numbers of rows of shards are there for everybody to see');
	cmp_ok(scalar @findings, '>=', 5, 'check_hardening() names what to revoke');
	foreach my $advice (@findings)
	{
		my ($statement) = $advice =~ /^(REVOKE EXECUTE ON FUNCTION .* FROM PUBLIC), on every machine$/ or fail("no statement: $advice");

		$_->safe_psql('postgres', "SET citus.enable_ddl_propagation = off; $statement") foreach $cluster->machines;
	}
	DpAgg::refused($coordinator, 'analyst', $rows, '42501', '... and then they are not');
	is(sql(q(SELECT count(*) FROM dp_agg.check_hardening() WHERE topic = 'citus' AND object = 'PUBLIC')), 0, '... and nothing more is found');
	cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM dp.visits') - 6000), '<=', 20, 'releases are made all the same');
	sql(q(SELECT undistribute_table('hospital.lines'); SELECT create_distributed_table('hospital.lines', 'patient_id', colocate_with => 'hospital.visits')));
	is(DpAgg::value($coordinator, 'doctor', 'SELECT count(*) FROM hospital.visits JOIN hospital.lines USING (patient_id, visit_id)'), 6000, '... and other queries');
	sql(q(ALTER SYSTEM SET citus.stat_statements_track = 'all'; SELECT pg_reload_conf()));
	ok($coordinator->poll_query_until('postgres', q(SELECT count(*) = 1 FROM dp_agg.check_hardening() WHERE topic = 'citus' AND object = 'citus.stat_statements_track')), 'a setting that shows what is asked for');
	sql(q(ALTER SYSTEM RESET citus.stat_statements_track; SELECT pg_reload_conf()));
}
{
	my $found = sub { return sql("SELECT severity, finding FROM dp_agg.check_hardening() WHERE topic = 'citus' AND object = '127.0.0.1:@{[ $worker->port ]}'") };

	is($found->(), '', 'nothing is said of a worker that is well');
	$worker->append_conf('postgresql.conf', "shared_preload_libraries = 'citus'");
	$worker->restart;
	like($found->(), qr/^high\|does not preload dp_agg/, 'one that does not preload the library');
	DpAgg::refused($worker, 'analyst', 'SELECT count(*) FROM hospital.visits', '42501', '... where PostgreSQL refuses analysts');
	$worker->append_conf('postgresql.conf', "shared_preload_libraries = 'citus,dp_agg'");
	$worker->append_conf('pg_hba.conf', 'host all all 0.0.0.0/0 scram-sha-256');
	$worker->restart;
	like($found->(), qr/^medium\|pg_hba.conf line \d+ lets everybody in from anywhere \(scram-sha-256\)/, 'one that lets everybody in');
	$worker->stop;
	like($found->(), qr/^medium\|could not be asked/, 'one that does not answer');
	$worker->start;
}

# ---------- raw rows are on record ----------

{
	foreach my $machine ($cluster->machines)
	{
		$machine->safe_psql('postgres', q(ALTER SYSTEM SET dp_agg.audit_raw = on));
		$machine->reload;
		$machine->poll_query_until('postgres', q(SELECT current_setting('dp_agg.audit_raw') = 'on'));
	}
	my $reads = sub { return sql(q(SELECT coalesce(string_agg(columns::text, ' ' ORDER BY id), '') FROM dp_agg.raw_reads)) };

	DpAgg::value($coordinator, 'doctor', 'SELECT secret FROM hospital.visits WHERE patient_id = 3 LIMIT 1');
	is($reads->(), 'secret, patient_id', 'a row of one shard is on record');
	DpAgg::value($coordinator, 'doctor', 'SELECT clinic, count(*) FROM hospital.visits GROUP BY clinic');
	is($reads->(), 'secret, patient_id clinic', '... and what is computed of all');
	DpAgg::value($coordinator, 'analyst', 'SELECT clinic, count(*) FROM dp.visits GROUP BY clinic');
	is($reads->(), 'secret, patient_id clinic', 'a release is none');
	DpAgg::refused($worker, 'doctor', 'SELECT secret FROM hospital.visits WHERE patient_id = 3', 'DP004', 'on a worker, that has no ledger, they are not read');
	is($worker->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.raw_reads'), 0, '... nor written down');
}

# ---------- dumps ----------

# A dump of the coordinator is restored on a server of its own, which is a coordinator without workers.
{
	my $single = $cluster->_machine('dba_single');
	my $file = $coordinator->basedir . '/dump.sql';

	$single->safe_psql('postgres', join ';', map { "CREATE ROLE $_ LOGIN" } qw(analyst bi doctor admin keeper));
	PostgreSQL::Test::Utils::system_or_bail('pg_dump', '-p', $coordinator->port, '-h', $coordinator->host, '-f', $file, 'postgres');
	my $r = DpAgg::as($single, $super, PostgreSQL::Test::Utils::slurp_file($file), timeout => 120);

	is($r->{sqlstate}, '00000', 'a dump of the coordinator is restored') or diag $r->{err};
	is($single->safe_psql('postgres', q(SELECT string_agg(relation::text || ' ' || coalesce(facade, '-'), ', ' ORDER BY relation::text) FROM dp_agg.protected_relations WHERE population = 'patients')),
		'hospital.lines dp.lines, hospital.visits dp.visits', '... with what is protected');
	cmp_ok(abs(DpAgg::value($single, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM dp.visits') - 6000), '<=', 20, '... and with budgets');
	$single->stop;
}

$cluster->stop;
done_testing();
