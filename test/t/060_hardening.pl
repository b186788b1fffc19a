# dp_agg.check_hardening(): each finding appears when its cause is there, and is
# gone when the cause is.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('hardening', fsync => 1, roles => [qw(analyst member outsider keeper)],
	conf => "autovacuum = off\nwal_level = replica\nmax_replication_slots = 4\n");

sub query
{
	return $node->safe_psql('postgres', $_[0]);
}

my $rows = q{SELECT severity, topic, object, finding FROM dp_agg.check_hardening()};

is(query($rows), '', 'nothing protected, nothing found');

query(<<'SQL');
CREATE TABLE people (id int PRIMARY KEY, name text, area int NOT NULL);
INSERT INTO people SELECT i, 'p' || i, i % 9 FROM generate_series(1, 100) i;
CREATE TABLE "Odd ""one" (id int NOT NULL, x int);
CREATE TABLE areas (area int PRIMARY KEY);
INSERT INTO areas SELECT generate_series(0, 8);
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('"Odd ""one"', 'id', 'nobody asks');
GRANT analyst TO member;
SQL
query('VACUUM ANALYZE');
is(query("$rows WHERE severity <> 'low' AND topic <> 'temporary files'"), '', 'protected, without any account: nothing that matters');
query(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1)});

# What is left where nothing was done wrong: the server's own counters and files.
my $before = query($rows);
like($before, qr/\Amedium\|temporary files\|PUBLIC\|[^\n]*\nlow\|counters\|PUBLIC\|[^\n]*\z/, 'a clean server: two remarks, on counters and files of the whole server');

# An extension of a name, with a function that everybody may execute: most of these modules
# are not on the machine, and what is looked at is who may execute what belongs to them.
sub stand_in
{
	my ($name) = @_;

	return "INSERT INTO pg_extension SELECT pg_nextoid('pg_extension', 'oid', 'pg_extension_oid_index'), '$name', (SELECT oid FROM pg_roles WHERE rolname = CURRENT_USER), 'public'::regnamespace, false, '1.0';"
	  . "CREATE FUNCTION ${name}_shows() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER EXTENSION $name ADD FUNCTION ${name}_shows()";
}

# [ what, cause, severity, topic, object, a pattern of the finding, undo, batch ]
# The causes of a batch come and go together.
my @cases = (
	# roles
	(map { [ "a member of $_->[0]", "GRANT $_->[0] TO analyst", $_->[1], 'role', 'analyst', $_->[0], "REVOKE $_->[0] FROM analyst" ] }
	  [ 'pg_read_all_data', 'high' ], [ 'pg_write_all_data', 'high' ], [ 'pg_read_server_files', 'high' ],
	  [ 'pg_write_server_files', 'high' ], [ 'pg_execute_server_program', 'high' ], [ 'pg_monitor', 'medium' ],
	  [ 'pg_read_all_stats', 'medium' ], [ 'pg_stat_scan_tables', 'medium' ], [ 'pg_read_all_settings', 'low' ],
	  [ 'pg_signal_backend', 'low' ], [ 'pg_checkpoint', 'low' ]),
	[ 'a member of a member', 'CREATE ROLE "Group ""1"; GRANT pg_read_all_data TO "Group ""1"; GRANT "Group ""1" TO member',
		'high', 'role', '"Group ""1"', 'pg_read_all_data', 'DROP ROLE "Group ""1"' ],
	(map { [ "the attribute $_->[0]", "ALTER ROLE member $_->[0]", $_->[1], 'role', 'member', $_->[0], "ALTER ROLE member NO$_->[0]" ] }
	  [ 'SUPERUSER', 'high' ], [ 'REPLICATION', 'high' ], [ 'CREATEROLE', 'high|medium' ], [ 'BYPASSRLS', 'low' ], [ 'CREATEDB', 'low' ]),

	# privileges
	(map { [ "$_->[0] granted", "GRANT $_->[0] ON people TO analyst", $_->[1], 'grant', 'public.people', "analyst has $_->[0] ", "REVOKE $_->[0] ON people FROM analyst" ] }
	  [ 'INSERT', 'high' ], [ 'UPDATE', 'high' ], [ 'DELETE', 'high' ], [ 'TRUNCATE', 'medium' ], [ 'REFERENCES', 'high' ], [ 'TRIGGER', 'high' ]),
	[ 'granted to PUBLIC', 'GRANT INSERT ON "Odd ""one" TO PUBLIC', 'high', 'grant', 'public."Odd ""one"', 'PUBLIC has INSERT', 'REVOKE INSERT ON "Odd ""one" FROM PUBLIC' ],
	[ 'granted to a member', 'GRANT INSERT ON people TO member', 'high', 'grant', 'public.people', 'member has INSERT', 'REVOKE INSERT ON people FROM member' ],
	[ 'a column to refer to', 'GRANT REFERENCES (id) ON people TO analyst', 'high', 'grant', 'public.people', 'REFERENCES \(id\)', 'REVOKE REFERENCES (id) ON people FROM analyst' ],
	[ 'a column to read', 'GRANT SELECT (name) ON people TO analyst', 'high', 'grant', 'public.people', 'column name .* in pg_stats', 'REVOKE SELECT (name) ON people FROM analyst' ],
	[ 'SELECT', 'GRANT SELECT ON people TO analyst', 'high', 'grant', 'public.people', 'no analyst', 'REVOKE SELECT ON people FROM analyst' ],
	[ 'SELECT for everybody', 'GRANT SELECT ON people TO PUBLIC', 'high', 'grant', 'public.people', 'everybody may read it', 'REVOKE SELECT ON people FROM PUBLIC' ],
	[ 'an owner with an account', 'ALTER TABLE people OWNER TO analyst', 'high', 'grant', 'public.people', 'analyst owns it', 'ALTER TABLE people OWNER TO CURRENT_USER', 2 ],
	[ 'a child that may be read', 'CREATE TABLE more () INHERITS (people); GRANT SELECT ON more TO member', 'high', 'grant', 'public.more', 'holds rows of public.people', 'DROP TABLE more' ],
	[ 'a child, whose size shows', 'SELECT 1', 'low', 'partitions', 'public.people', '1 partitions', 'SELECT 1' ],
	[ 'the TOAST table', "DO \$\$ BEGIN EXECUTE format('GRANT SELECT ON %s TO member', (SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'people'::regclass)); END \$\$",
		'high', 'grant', 'pg_toast.pg_toast_\d+', 'member may read it', "DO \$\$ BEGIN EXECUTE format('REVOKE SELECT ON %s FROM member', (SELECT reltoastrelid::regclass FROM pg_class WHERE oid = 'people'::regclass)); END \$\$" ],
	[ 'default privileges', 'ALTER DEFAULT PRIVILEGES FOR ROLE keeper GRANT SELECT ON TABLES TO PUBLIC', 'low', 'default privileges', 'keeper', 'PUBLIC will get SELECT', 'ALTER DEFAULT PRIVILEGES FOR ROLE keeper REVOKE SELECT ON TABLES FROM PUBLIC' ],
	[ 'default privileges in a schema', 'ALTER DEFAULT PRIVILEGES FOR ROLE keeper IN SCHEMA public GRANT SELECT ON TABLES TO analyst', 'low', 'default privileges', 'keeper', 'analyst .* in schema public', 'ALTER DEFAULT PRIVILEGES FOR ROLE keeper IN SCHEMA public REVOKE SELECT ON TABLES FROM analyst' ],
	[ 'the ledger written', 'GRANT UPDATE ON dp_agg.account TO analyst', 'high', 'restricted object', 'dp_agg.account', 'analyst has UPDATE', 'REVOKE UPDATE ON dp_agg.account FROM analyst' ],
	[ 'the log read', 'GRANT SELECT ON dp_agg.release TO PUBLIC', 'high', 'restricted object', 'dp_agg.release', 'PUBLIC has SELECT', 'REVOKE SELECT ON dp_agg.release FROM PUBLIC' ],
	[ 'a function of the DBA', 'GRANT EXECUTE ON FUNCTION dp_agg.unprotect(regclass) TO analyst', 'high', 'restricted object', 'dp_agg.unprotect\(regclass\)', 'analyst has EXECUTE', 'REVOKE EXECUTE ON FUNCTION dp_agg.unprotect(regclass) FROM analyst' ],
	[ 'a function that reads files', 'GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC', 'high', 'restricted object', 'pg_read_file\(text\)', 'PUBLIC has EXECUTE', 'REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM PUBLIC' ],
	[ 'a function that lists files', 'GRANT EXECUTE ON FUNCTION pg_ls_tmpdir() TO member', 'medium', 'restricted object', 'pg_ls_tmpdir\(\)', 'member has EXECUTE', 'REVOKE EXECUTE ON FUNCTION pg_ls_tmpdir() FROM member' ],
	[ 'statistics of columns', 'GRANT SELECT ON pg_statistic TO analyst', 'high', 'restricted object', 'pg_statistic', 'analyst has SELECT', 'REVOKE SELECT ON pg_statistic FROM analyst' ],

	# code of the analyst's own, and what the administrator sets
	[ 'CREATE on the database', 'GRANT CREATE ON DATABASE postgres TO analyst', 'low', 'code', 'postgres', 'analyst has CREATE on the database', 'REVOKE CREATE ON DATABASE postgres FROM analyst' ],
	[ 'CREATE on the database, for everybody', 'GRANT CREATE ON DATABASE postgres TO PUBLIC', 'low', 'code', 'postgres', 'PUBLIC has CREATE', 'REVOKE CREATE ON DATABASE postgres FROM PUBLIC' ],
	[ 'CREATE on a schema', 'GRANT CREATE ON SCHEMA public TO PUBLIC', 'low', 'code', 'public', 'PUBLIC has CREATE on the schema', 'REVOKE CREATE ON SCHEMA public FROM PUBLIC' ],
	[ 'the database itself', 'ALTER DATABASE postgres OWNER TO member', 'low', 'code', 'postgres', 'member owns the database', 'ALTER DATABASE postgres OWNER TO CURRENT_USER', 2 ],
	[ 'a setting of dp_agg', 'GRANT SET ON PARAMETER dp_agg.min_epsilon TO member', 'high', 'code', 'dp_agg.min_epsilon', 'member has SET', 'REVOKE SET ON PARAMETER dp_agg.min_epsilon FROM member' ],
	[ 'a setting of the server', 'GRANT ALTER SYSTEM ON PARAMETER log_statement_stats TO PUBLIC', 'medium', 'code', 'log_statement_stats', 'PUBLIC has ALTER SYSTEM', 'REVOKE ALTER SYSTEM ON PARAMETER log_statement_stats FROM PUBLIC' ],

	# what was protected, and looks like it
	[ 'a partition that was detached', q{CREATE TABLE calls (id int NOT NULL, day int NOT NULL, what text) PARTITION BY RANGE (day); SELECT dp_agg.protect('calls', 'id', 'people');
CREATE TABLE calls_1 PARTITION OF calls FOR VALUES FROM (0) TO (10); GRANT SELECT ON calls_1 TO analyst; ALTER TABLE calls DETACH PARTITION calls_1}, 'medium', 'former partition', 'public.calls_1', 'analyst may read it, and it has every column of public.calls, .*: a copy, or a partition', 'DROP TABLE calls_1' ],
	[ 'a partition that was detached and changed', 'CREATE TABLE calls_2 PARTITION OF calls FOR VALUES FROM (10) TO (20); ALTER TABLE calls DETACH PARTITION calls_2; ALTER TABLE calls_2 RENAME what TO said; ALTER TABLE calls_2 ADD more int; GRANT SELECT (said) ON calls_2 TO PUBLIC',
		'low', 'former partition', 'public.calls_2', 'PUBLIC may read it, and it has 2 of the 3 columns of public.calls', 'DROP TABLE calls_2' ],
	[ 'a partition that was detached concurrently', 'CREATE TABLE calls_3 PARTITION OF calls FOR VALUES FROM (20) TO (30); ALTER TABLE calls DETACH PARTITION calls_3 CONCURRENTLY; GRANT SELECT ON calls_3 TO member',
		'medium', 'former partition', 'public.calls_3', 'member may read it, .* and a check on its partition key', q{SELECT dp_agg.unprotect('calls'); DROP TABLE calls_3, calls} ],
	[ 'a child that was let go', q{CREATE TABLE stays (id int NOT NULL, ward text); SELECT dp_agg.protect('stays', 'id', 'people'); CREATE TABLE stays_1 (bed int) INHERITS (stays); ALTER TABLE stays_1 NO INHERIT stays; GRANT SELECT ON stays_1 TO PUBLIC},
		'medium', 'former partition', 'public.stays_1', 'every column of public.stays', q{SELECT dp_agg.unprotect('stays'); DROP TABLE stays_1, stays} ],
	[ 'a partition of nothing but units', q{CREATE TABLE ids (id bigint NOT NULL) PARTITION BY LIST (id); SELECT dp_agg.protect('ids', 'id', 'people'); CREATE TABLE ids_1 PARTITION OF ids FOR VALUES IN (1); ALTER TABLE ids DETACH PARTITION ids_1; GRANT SELECT ON ids_1 TO PUBLIC},
		'medium', 'former partition', 'public.ids_1', 'every column of public.ids', q{SELECT dp_agg.unprotect('ids'); DROP TABLE ids_1, ids} ],
	[ 'a copy', 'CREATE TABLE backup AS TABLE "Odd ""one"; GRANT SELECT ON backup TO PUBLIC', 'medium', 'former partition', 'public.backup', 'every column of public."Odd ""one", with the unit: a copy is not', 'DROP TABLE backup' ],

	# foreign keys
	[ 'a foreign key to individuals', 'CREATE TABLE notes (id int REFERENCES people, note text); GRANT INSERT (id) ON notes TO analyst',
		'high', 'foreign key', 'notes_id_fkey on public.notes', 'INSERT on public.notes', 'DROP TABLE notes' ],
	[ 'a foreign key from individuals', 'ALTER TABLE people ADD CONSTRAINT lives FOREIGN KEY (area) REFERENCES areas; GRANT DELETE ON areas TO PUBLIC',
		'high', 'foreign key', 'lives on public.people', 'PUBLIC has DELETE on public.areas', 'ALTER TABLE people DROP CONSTRAINT lives; REVOKE DELETE ON areas FROM PUBLIC' ],

	# objects that read for an analyst
	[ 'a materialized view', 'CREATE MATERIALIZED VIEW copied AS SELECT * FROM people; GRANT SELECT ON copied TO member', 'high', 'materialized view', 'public.copied', 'computed from public.people', 'DROP MATERIALIZED VIEW copied' ],
	[ 'a view', 'CREATE VIEW shown AS SELECT * FROM people; GRANT SELECT ON shown TO PUBLIC', 'low', 'view', 'public.shown', 'by the right of its owner', 'DROP VIEW shown' ],
	[ 'a materialized view of a view', 'CREATE VIEW inner_one AS SELECT * FROM people; CREATE MATERIALIZED VIEW "a b" AS SELECT count(*) FROM inner_one; GRANT SELECT (count) ON "a b" TO PUBLIC', 'high', 'materialized view', 'public."a b"', 'computed from public.people', 'DROP VIEW inner_one CASCADE' ],
	[ 'a rule', 'CREATE TABLE inbox (x int); CREATE RULE r AS ON INSERT TO inbox DO ALSO SELECT * FROM people; GRANT INSERT ON inbox TO analyst', 'medium', 'rule', 'r on public.inbox', 'reads public.people', 'DROP TABLE inbox' ],
	[ 'a function that names the table', q{CREATE FUNCTION peek() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM people); END'}, 'medium', 'function', 'public.peek\(\)', 'PUBLIC may execute it .* may read public.people', 'DROP FUNCTION peek()' ],
	[ 'a function that depends on it', 'CREATE FUNCTION peek(int) RETURNS bigint LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM "Odd ""one"; END; REVOKE EXECUTE ON FUNCTION peek(int) FROM PUBLIC; GRANT EXECUTE ON FUNCTION peek(int) TO analyst; SELECT dp_agg.set_budget(\'analyst\', \'nobody asks\', epsilon => 1)',
		'medium', 'function', 'public.peek\(integer\)', 'analyst may execute it .*Odd', q{DROP FUNCTION peek(int); SELECT dp_agg.drop_budget('analyst', 'nobody asks')} ],
	[ 'a language that is not trusted', q{CREATE LANGUAGE rash HANDLER plpgsql_call_handler; CREATE FUNCTION bold() RETURNS int LANGUAGE rash AS 'BEGIN RETURN 1; END'}, 'medium', 'function', 'public.bold\(\)', 'rash, is not trusted', 'DROP LANGUAGE rash CASCADE' ],
	[ 'an extension', 'CREATE EXTENSION dblink', 'low', 'extension', 'dblink', 'PUBLIC may execute', 'DROP EXTENSION dblink' ],
	[ 'an extension that looks at pages', 'CREATE EXTENSION pageinspect', 'low', 'extension', 'pageinspect', 'PUBLIC may execute', 'DROP EXTENSION pageinspect' ],
	[ 'an extension\'s function', 'CREATE EXTENSION pgstattuple; GRANT EXECUTE ON FUNCTION pgstattuple(regclass) TO analyst', 'medium', 'restricted object', 'public.pgstattuple\(regclass\)', 'analyst has EXECUTE', 'DROP EXTENSION pgstattuple' ],
	[ 'an extension whose functions a predefined role may execute', 'SELECT 1', 'medium', 'extension', 'pgstattuple', 'pg_stat_scan_tables may execute', 'SELECT 1' ],
	[ 'an extension that counts statements', 'CREATE EXTENSION pg_stat_statements', 'low', 'extension', 'pg_stat_statements', 'PUBLIC may execute .* everybody', 'DROP EXTENSION pg_stat_statements' ],
	(map { [ "an extension called $_->[0]", stand_in($_->[0]), $_->[1], 'extension', $_->[0], "PUBLIC may execute its functions: $_->[2]", "DROP EXTENSION $_->[0]" ] }
	  [ 'hypopg', 'high', 'sizes of hypothetical indexes' ], [ 'index_advisor', 'high', 'costs' ], [ 'pg_qualstats', 'high', '.*constants' ], [ 'pg_query_state', 'high', '.*rows a running statement' ],
	  [ 'pg_show_plans', 'high', '.*plans' ], [ 'pg_store_plans', 'high', '.*plans' ], [ 'pg_dirtyread', 'high', '.*deleted' ], [ 'pg_stat_monitor', 'medium', '.*plans and constants' ],
	  [ 'powa', 'medium', '.*constants' ], [ 'pg_wait_sampling', 'medium', '.*waits' ], [ 'pg_stat_kcache', 'low', '.*read, written' ],
	  [ 'pg_freespacemap', 'medium', '.*how full' ], [ 'pg_visibility', 'medium', '.*changed' ], [ 'pg_buffercache', 'medium', '.*cache' ], [ 'pg_walinspect', 'medium', '.*written' ], [ 'amcheck', 'medium', '.*read any table' ]),
	[ 'a foreign server', 'CREATE EXTENSION postgres_fdw; CREATE SERVER "far" FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR PUBLIC SERVER far; GRANT USAGE ON FOREIGN SERVER far TO analyst', 'medium', 'foreign server', 'far', 'a mapping for PUBLIC', 'DROP EXTENSION postgres_fdw CASCADE' ],

	# what the relations show
	[ 'a partial index', 'CREATE INDEX few ON people (id) WHERE area = 3', 'low', 'index', 'public.few', 'public.people', 'DROP INDEX few' ],
	[ 'partitions', q{CREATE TABLE parts (id int NOT NULL) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1); SELECT dp_agg.protect('parts', 'id', 'people')}, 'low', 'partitions', 'public.parts', '1 partitions', q{SELECT dp_agg.unprotect('parts'); DROP TABLE parts} ],
	[ 'a unit that may be NULL', q{CREATE TABLE loose (id int); SELECT dp_agg.protect('loose', 'id', 'people')}, 'low', 'unit', 'id of public.loose', 'may be NULL', q{SELECT dp_agg.unprotect('loose'); DROP TABLE loose} ],
	[ 'row security', 'ALTER TABLE people ENABLE ROW LEVEL SECURITY', 'low', 'row security', 'public.people', 'policies', 'ALTER TABLE people DISABLE ROW LEVEL SECURITY' ],
	[ 'a foreign table', q{CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE away (id int NOT NULL) SERVER far; SECURITY LABEL FOR dp_agg ON FOREIGN TABLE away IS '{"population": "people", "unit_columns": 1}'; SECURITY LABEL FOR dp_agg ON COLUMN away.id IS '{"unit": 1}'}, 'low', 'foreign table', 'public.away', 'other server', 'DROP EXTENSION postgres_fdw CASCADE', 2 ],
	[ 'a publication', 'CREATE PUBLICATION "p 1" FOR TABLE people', 'medium', 'publication', '"p 1"', 'rows of public.people', 'DROP PUBLICATION "p 1"' ],
	[ 'a publication of all', 'CREATE PUBLICATION everything FOR ALL TABLES', 'medium', 'publication', 'everything', '(rows of public|carries the ledger)', 'DROP PUBLICATION everything' ],
	[ 'a replication slot', q{SELECT pg_create_physical_replication_slot('standby')}, 'low', 'replication slot', 'standby', 'physical', q{SELECT pg_drop_replication_slot('standby')} ],
	[ 'a table that VACUUM has not seen', q{CREATE TABLE fresh (id int NOT NULL); INSERT INTO fresh VALUES (1); SELECT dp_agg.protect('fresh', 'id', 'people')}, 'medium', 'counters', 'PUBLIC', 'changed: public\.fresh$', q{SELECT dp_agg.unprotect('fresh'); DROP TABLE fresh} ],
	[ 'statistics of a server that was never mended', <<'SQL', 'high', 'statistics', 'public.shape', 'public.people', <<'SQL' ],
CREATE STATISTICS shape ON (area % 2), (area % 3) FROM people;
SET allow_system_table_mods = on;
CREATE TABLE mended AS SELECT pg_get_viewdef('pg_stats_ext_exprs'::regclass) AS definition;
DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW pg_catalog.pg_stats_ext_exprs AS ' || (SELECT replace(definition, 'pg_has_role(c.relowner, ''USAGE''::text)', 'true') FROM mended); END $$;
SQL
SET allow_system_table_mods = on;
DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW pg_catalog.pg_stats_ext_exprs AS ' || (SELECT definition FROM mended); END $$;
DROP TABLE mended; DROP STATISTICS shape;
SQL

	# accounts
	[ 'two accounts', q{SELECT dp_agg.set_budget('outsider', 'people', epsilon => 2.5)}, 'low', 'account', 'people', '2 accounts.* epsilon 3.5', q{SELECT dp_agg.drop_budget('outsider', 'people')} ],
	[ 'an account of nobody', q{CREATE ROLE gone; SELECT dp_agg.set_budget('gone', 'nobody asks', epsilon => 1); DROP ROLE gone}, 'low', 'account', '"nobody asks"', 'a role that is gone', q{DELETE FROM dp_agg.account a WHERE NOT EXISTS (SELECT FROM pg_roles WHERE oid = a.role)} ],

	# settings of analysts and of the database
	(map { [ "$_->[0] = $_->[1]", "ALTER ROLE member SET $_->[0] = '$_->[1]'", $_->[2], 'setting', "$_->[0] of role member", "is $_->[1]:", "ALTER ROLE member RESET $_->[0]" ],
		   [ "$_->[0] = $_->[1], in the database", "ALTER DATABASE postgres SET $_->[0] = '$_->[1]'", $_->[2], 'setting', "$_->[0] in database postgres", "is $_->[1]:", "ALTER DATABASE postgres RESET $_->[0]", $_->[0] =~ /statement/ ? 2 : 1 ] }
	  [ 'dp_agg.min_epsilon', '0.0005', 'medium' ], [ 'log_statement_stats', 'yes', 'low' ], [ 'dp_agg.index_scans', 'on', 'low' ], [ 'temp_file_limit', '10MB', 'low' ], [ 'log_executor_stats', '1', 'low' ],
	  [ 'log_planner_stats', 'true', 'low' ], [ 'debug_print_plan', 'on', 'low' ], [ 'password_encryption', 'md5', 'low' ],
	  [ 'allow_system_table_mods', 'on', 'medium' ], [ 'session_preload_libraries', 'auto_explain', 'low' ]));

# Cases that a row is about.
sub about
{
	my ($row, @list) = @_;

	return grep {
		my (undef, undef, $severity, $topic, $object, $finding) = @$_;
		my $pattern = $object =~ /\\/ ? $object : quotemeta $object;	# a pattern, if it looks like one

		$row =~ /^(?:$severity)\|\Q$topic\E\|$pattern\|.*$finding/
	} @list;
}

foreach my $batch (1, 2)
{
	my @list = grep { ($_->[7] // 1) == $batch } @cases;
	my %before = map { $_ => 1 } split /\n/, $before;

	query($_->[1]) foreach @list;
	my @found = grep { !$before{$_} } split /\n/, query($rows);
	foreach my $case (@list)
	{
		ok((grep { about($_, $case) } @found), "$case->[0]: found") or diag($case->[1]);
	}
	is(join("\n", grep { !about($_, @list) } @found), '', "batch $batch: and nothing else");
	query($_->[6]) foreach reverse @list;
	is(query($rows), $before, "batch $batch: gone");
}

# What opens no door is not reported.
foreach ([ 'rights of a role without an account', 'GRANT INSERT, REFERENCES (id) ON people TO outsider; GRANT pg_read_all_data TO outsider', 'REVOKE INSERT, REFERENCES (id) ON people FROM outsider; REVOKE pg_read_all_data FROM outsider' ],
	[ 'a view that lends no right', 'CREATE VIEW shown WITH (security_invoker = on) AS SELECT * FROM people; GRANT SELECT ON shown TO PUBLIC', 'DROP VIEW shown' ],
	[ 'views that nobody else may read', 'CREATE VIEW shown AS SELECT * FROM people; CREATE MATERIALIZED VIEW copied AS SELECT * FROM people', 'DROP MATERIALIZED VIEW copied; DROP VIEW shown' ],
	[ 'a view of the analyst', 'GRANT CREATE ON SCHEMA public TO analyst; SET ROLE analyst; CREATE VIEW own AS SELECT * FROM people; GRANT SELECT ON own TO PUBLIC; RESET ROLE; REVOKE CREATE ON SCHEMA public FROM analyst', 'DROP VIEW own' ],
	[ 'a function of the analyst', q{GRANT CREATE ON SCHEMA public TO analyst; SET ROLE analyst; CREATE FUNCTION own() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM dp.people); END'; RESET ROLE; REVOKE CREATE ON SCHEMA public FROM analyst}, 'DROP FUNCTION own' ],
	[ 'a function of the DBA for itself', q{CREATE FUNCTION peek() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM people); END'; REVOKE EXECUTE ON FUNCTION peek FROM PUBLIC}, 'DROP FUNCTION peek' ],
	[ 'a function that runs as who calls it', q{CREATE FUNCTION peek() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM people); END'}, 'DROP FUNCTION peek' ],
	[ 'a foreign key that analysts cannot touch', 'CREATE TABLE notes (id int REFERENCES people, note text); GRANT SELECT, DELETE ON notes TO analyst', 'DROP TABLE notes' ],
	[ 'extensions that ask for rights', 'CREATE EXTENSION pgstattuple; CREATE EXTENSION pg_buffercache; CREATE EXTENSION pg_visibility; CREATE EXTENSION amcheck; CREATE EXTENSION pg_freespacemap; CREATE EXTENSION pg_walinspect', 'DROP EXTENSION pgstattuple, pg_buffercache, pg_visibility, amcheck, pg_freespacemap, pg_walinspect' ],
	[ 'an extension whose functions were taken from everybody', stand_in('hypopg') . '; REVOKE EXECUTE ON FUNCTION hypopg_shows() FROM PUBLIC', 'DROP EXTENSION hypopg' ],
	[ 'a partition that was detached, for nobody', q{CREATE TABLE calls (id int NOT NULL, day int NOT NULL, what text) PARTITION BY RANGE (day); SELECT dp_agg.protect('calls', 'id', 'people');
CREATE TABLE calls_1 PARTITION OF calls FOR VALUES FROM (0) TO (10); ALTER TABLE calls DETACH PARTITION calls_1; GRANT SELECT ON calls_1 TO outsider}, q{SELECT dp_agg.unprotect('calls'); DROP TABLE calls_1, calls} ],
	[ 'tables that have little in common with protected ones', q{CREATE TABLE mine (id int, word text, place int); CREATE TABLE yours (id int); GRANT SELECT ON mine, yours TO PUBLIC}, 'DROP TABLE mine, yours' ],
	[ 'code of others', 'GRANT CREATE ON DATABASE postgres TO outsider; GRANT CREATE ON SCHEMA public TO outsider; GRANT SET ON PARAMETER dp_agg.min_epsilon TO outsider', 'REVOKE CREATE ON DATABASE postgres FROM outsider; REVOKE CREATE ON SCHEMA public FROM outsider; REVOKE SET ON PARAMETER dp_agg.min_epsilon FROM outsider' ],
	[ 'settings of the DBA', q{ALTER ROLE CURRENT_USER SET log_executor_stats = on}, 'ALTER ROLE CURRENT_USER RESET log_executor_stats' ],
	[ 'settings of others', 'ALTER ROLE outsider SET log_statement_stats = on; ALTER ROLE member SET log_statement_stats = off', 'ALTER ROLE outsider RESET ALL; ALTER ROLE member RESET ALL' ])
{
	my ($what, $cause, $undo) = @$_;

	query($cause);
	is(query($rows), $before, "$what: nothing to say");
	query($undo);
}
query('CREATE TABLE more () INHERITS (people); GRANT SELECT ON people, more TO analyst');
unlike(query($rows), qr/holds rows of/, 'a child is no door of its own for who may read the whole');
like(query($rows), qr/^high\|grant\|public\.more\|analyst may read it: whoever has that right is no analyst/m, 'but one like the other');
query('DROP TABLE more; REVOKE SELECT ON people FROM analyst');

# The rest of the server: SIGHUP, pg_hba.conf, restart.
foreach ([ 'dp_agg.min_epsilon', '0.0009', 'medium' ], [ 'fsync', 'off', 'high' ], [ 'full_page_writes', 'off', 'high' ], [ 'log_executor_stats', 'on', 'low' ])
{
	my ($setting, $value, $severity) = @$_;
	my $now = "SELECT setting = '$value' FROM pg_settings WHERE name = '$setting'";

	query("ALTER SYSTEM SET $setting = '$value'");
	query('SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', $now);
	like(query($rows), qr/^$severity\|setting\|$setting\|is $value: /m, "$setting = $value on the server: found");
	query("ALTER SYSTEM RESET $setting");
	query('SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', $now, 'f');
	is(query($rows), $before, "$setting: gone");
}

# Numbers in all spellings that a setting may have.
foreach my $value ('1e-9', '.0005', '9.999e-4', '5E-4', '0x1p-20')
{
	query("ALTER ROLE member SET dp_agg.min_epsilon = '$value'");
	like(query($rows), qr/^medium\|setting\|dp_agg\.min_epsilon of role member\|is \Q$value\E: /m, "dp_agg.min_epsilon = $value: found");
}
foreach my $value ('0.001', '1e-3', '1', '2.5E1', '1000')
{
	query("ALTER ROLE member SET dp_agg.min_epsilon = '$value'");
	is(query($rows), $before, "dp_agg.min_epsilon = $value: nothing to say");
}
query('ALTER ROLE member RESET dp_agg.min_epsilon');

# A partition that is being detached: another session holds the table, the first gives up.
{
	query(q{CREATE TABLE calls (id int NOT NULL, day int NOT NULL) PARTITION BY RANGE (day); CREATE TABLE calls_1 PARTITION OF calls FOR VALUES FROM (0) TO (10); SELECT dp_agg.protect('calls', 'id', 'people')});
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; SELECT count(*) FROM calls');
	my (undef, undef, $err) = $node->psql('postgres', "SET statement_timeout = '1s'; ALTER TABLE calls DETACH PARTITION calls_1 CONCURRENTLY");
	like($err, qr/statement timeout/, 'a partition is being detached');
	$holder->query_safe('COMMIT');
	$holder->quit;
	like(query($rows), qr/^low\|former partition\|public\.calls_1\|is being detached from public\.calls, /m, 'which is found');
	query("GRANT SELECT ON calls_1 TO analyst");
	like(query($rows), qr/^high\|grant\|public\.calls_1\|analyst may read it, which holds rows of public\.calls/m, 'as is who may read it');
	query($_) foreach query("SELECT substring(advice FROM 'ALTER TABLE .*') FROM dp_agg.check_hardening() WHERE topic = 'former partition'");
	like(query($rows), qr/^medium\|former partition\|public\.calls_1\|analyst may read it, and it has every column of public\.calls, .* check on its partition key/m, 'and what it is when that is done');
	query(q{SELECT dp_agg.unprotect('calls'); DROP TABLE calls_1, calls});
	is(query($rows), $before, 'detached partitions: gone');
}

my $hba = $node->data_dir . '/pg_hba.conf';
my $rules = slurp_file($hba);
foreach ([ 'host all all 10.0.0.0/8 trust', 'high' ], [ 'host all all samenet password', 'medium' ], [ 'host all all all ident', 'medium' ],
	[ 'hostssl all all all password', undef ], [ 'host all all 127.0.0.1/32 trust', undef ], [ 'host all all all scram-sha-256', undef ])
{
	my ($rule, $severity) = @$_;

	append_to_file($hba, "$rule\n");
	if (defined $severity)
	{
		like(query($rows), qr/^$severity\|authentication\|pg_hba.conf line \d+\|/m, "$rule: found");
	}
	else
	{
		is(query($rows), $before, "$rule: nothing to say");
	}
	open my $file, '>', $hba or die $!;
	print $file $rules;
	close $file or die $!;
}
is(query($rows), $before, 'pg_hba.conf: gone');

# ---------- who may call it, and what it needs ----------

foreach my $role (qw(analyst member outsider))
{
	DpAgg::refused($node, $role, 'SELECT * FROM dp_agg.check_hardening()', '42501');
}
is(query(<<'SQL'), '', 'nor may anybody call what it is made of');
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'dp_agg'::regnamespace
  AND p.proname ~ '^(check_)?hardening|^(memberships|account_roles|grantees|role_name|protected_tree|readers)$'
  AND has_function_privilege('outsider', p.oid, 'EXECUTE')
SQL
query('GRANT EXECUTE ON FUNCTION dp_agg.check_hardening() TO keeper');
is(DpAgg::value($node, 'keeper', $rows), $before, 'a role that was given it sees what a superuser sees');
is(query("BEGIN READ ONLY; $rows; COMMIT"), $before, 'it writes nothing');
is(query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'dp_agg ledger'") . query('SELECT count(*) FROM dp_agg.release'), '00',
	'and asks nothing of the ledger');

# Severities come in order.
query('GRANT INSERT, TRUNCATE ON people TO analyst');
like(query('SELECT string_agg(severity, \' \') FROM dp_agg.check_hardening()'), qr/^high( high)*( medium)+( low)+$/, 'the worst comes first');
is(query("SELECT count(*) FROM dp_agg.check_hardening() WHERE severity IS NULL OR topic IS NULL OR object IS NULL OR finding IS NULL OR advice IS NULL"), 0, 'no column is empty');
query('REVOKE INSERT, TRUNCATE ON people FROM analyst');

# What the advice on privileges says does away with the finding.
query('GRANT INSERT, SELECT (name), REFERENCES (id) ON people TO member; GRANT EXECUTE ON FUNCTION pg_read_file(text) TO analyst; GRANT pg_monitor TO analyst; ALTER ROLE analyst CREATEDB;
GRANT CREATE ON DATABASE postgres TO analyst; GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT SET ON PARAMETER dp_agg.min_epsilon TO member');
query($_) foreach split /\n/, query("SELECT advice FROM dp_agg.check_hardening() WHERE topic IN ('grant', 'restricted object', 'role', 'code')");
is(query($rows), $before, 'following the advice on privileges helps');
query($_) foreach split /\n/, query("SELECT substring(advice FROM '^REVOKE [^;]* FROM PUBLIC') FROM dp_agg.check_hardening() WHERE topic IN ('counters', 'temporary files')");
is(query($rows), '', 'as does that on counters and files: nothing is left to say');
DpAgg::refused($node, 'analyst', "SELECT $_", '42501') foreach 'pg_current_wal_insert_lsn()', "pg_tablespace_size('pg_default')", 'pg_tablespace_size(1663::oid)', "pg_logical_emit_message(false, 'a', 'b')";
DpAgg::refused($node, 'analyst', "SELECT * FROM $_", '42501') foreach 'pg_stat_slru', 'pg_stat_wal', 'pg_stat_bgwriter';

# ---------- after a restart ----------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dp_agg,auto_explain'\nlisten_addresses = '127.0.0.2'");
$node->restart;
is(query('SELECT severity, topic, object FROM dp_agg.check_hardening()'), <<'ROWS' =~ s/\n\z//r, 'a library after dp_agg, a network without SSL');
medium|connection|ssl
low|library|auto_explain
low|setting|shared_preload_libraries
ROWS
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nlisten_addresses = ''");
$node->restart;
is(query('SELECT severity, topic, object FROM dp_agg.check_hardening()'), 'high|library|dp_agg', 'it runs without the library, and says so');

$node->stop;
done_testing();
