# ALTER EXTENSION UPDATE from version 1.0, as commit fafd906 installs it, to the newest: everything that was
# declared, given, spent and logged is kept, and the database is then the same as one in which the newest
# version was installed.
#
# Between the two, after a restart with the new library, it works for nobody but is open to nobody either:
# test/t/094_versions_unknown.pl has more about that.

use strict;
use warnings;
use Test::More;
use Catalog;
use DpAgg;
use Installation;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# PostgreSQL's headers changed after 15, and the sources of 1.0 do not know it.
plan skip_all => 'version 1.0 compiles on PostgreSQL 15 only' if Installation::major() != 15;
my $source = Installation::history('1.0')
  or plan skip_all => 'the sources of version 1.0 are in the history of the repository, which this checkout does not have';

my $place = Installation->new;
my $new_library = "$ENV{TESTDIR}/dp_agg.so";
my $superuser = getpwuid($<);

$place->add_script('dp_agg--1.0.sql', slurp_file("$source/sql/dp_agg--1.0.sql"));
$place->use_library("$source/dp_agg.so");

is(system('dev/upgrade-script', '--check', "$source/sql/dp_agg--1.0.sql", '1.0', '1.1'), 0, 'the upgrade script is what dev/upgrade-script writes');

# ---------- under 1.0 ----------

my $node = DpAgg::node('upgrade', install => $place->{path}, extension => 0, conf => 'restart_after_crash = on', roles => [qw(analyst delegate leaver auditor team outsider)]);

sub value { my ($db, $sql) = @_; return $node->safe_psql($db, $sql); }
sub ask { my ($db, $role, $sql) = @_; return DpAgg::as($node, $role, $sql, db => $db); }

$node->safe_psql('postgres', 'CREATE ROLE dba LOGIN SUPERUSER; GRANT team TO analyst');
value('postgres', "CREATE DATABASE $_ OWNER dba") foreach qw(study plain later);
value('postgres', "CREATE DATABASE $_->[0] OWNER dba TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING '$_->[1]'")
  foreach [ 'latin', 'LATIN1' ], [ 'windows', 'WIN1252' ], [ 'bytes', 'SQL_ASCII' ];
DpAgg::value($node, 'dba', "CREATE EXTENSION dp_agg VERSION '1.0'", db => $_) foreach qw(study plain later latin windows bytes);

# A register with everything that 1.0 could declare.
sub declare
{
	my ($db) = @_;

	DpAgg::value($node, 'dba', <<'SQL', db => $db);
CREATE SCHEMA "Odd one";
CREATE TABLE visits (person int, clinic text, cost int NOT NULL, day date, at timestamptz, stay interval, note text);
INSERT INTO visits SELECT p, 'clinic ' || p % 2, p % 10, date '2020-01-01' + p % 100, timestamptz '2020-01-01 00:00Z' + p * interval '1 minute',
	p % 50 * interval '1 hour', 'secret' FROM generate_series(1, 1000) p;
CREATE TABLE "Odd one"."A table" (a int, b int, "The value" numeric);
INSERT INTO "Odd one"."A table" SELECT i, i, i FROM generate_series(1, 300) i;
GRANT USAGE ON SCHEMA "Odd one" TO PUBLIC;
SELECT dp_agg.protect('visits', 'person', 'patients', max_groups => 2, max_rows => 3, columns => '{clinic,cost,day,at,stay}');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 10), dp_agg.set_bounds('visits', 'day', date '2020-01-01', date '2021-01-01'),
	dp_agg.set_bounds('visits', 'at', timestamptz '2020-01-01 00:00Z', timestamptz '2021-01-01 00:00Z'),
	dp_agg.set_bounds('visits', 'stay', '0', '3 days'), dp_agg.set_domain('visits', 'clinic', '{clinic 0,clinic 1,clinic 2}');
SELECT dp_agg.protect('"Odd one"."A table"', unit => '{a,b}'::name[], population => 'An odd one');
SELECT dp_agg.set_bounds('"Odd one"."A table"', 'The value', -1.5, 1e6);
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 10, delta => 1e-6, period => '1 month', max_epsilon_per_query => 3);
SELECT dp_agg.set_budget('team', 'patients', epsilon => 50), dp_agg.set_budget('leaver', 'patients', epsilon => 10),
	dp_agg.set_budget('outsider', 'An odd one', epsilon => 3), dp_agg.set_budget('auditor', 'patients', epsilon => 3);
SQL
	return;
}
declare($_) foreach qw(study later);

my $groups = 'SELECT clinic, count(*), avg(cost), min(day) FROM visits GROUP BY clinic';
sub spend
{
	my ($db) = @_;

	DpAgg::value($node, $_->[0], $_->[1], db => $db) foreach
	  [ 'analyst', $groups ],
	  [ 'analyst', 'SET dp_agg.epsilon = 0.25; SELECT count(*) FROM dp.visits' ],
	  [ 'leaver', 'SELECT count(*) FROM visits' ],
	  [ 'outsider', qq{SELECT sum("The value") FROM "Odd one"."A table" -- \x{c3}\x{a9}\nWHERE a > 0} ],
	  [ 'auditor', 'SELECT count(*) FROM visits' ];
	value($db, "SELECT nextval('dp_agg.release_id_seq')");	# as a charge that fails
	DpAgg::value($node, 'analyst', 'SELECT count(*) FROM visits WHERE cost > 3', db => $db);
	return;
}
spend($_) foreach qw(study later);
value('study', "SELECT dp_agg.drop_budget('auditor', 'patients')");

# What administrators gave and took away.
value('study', $_) foreach
  'GRANT EXECUTE ON FUNCTION dp_agg.protect(regclass, name, name, integer, integer, name[]), dp_agg.set_bounds(regclass, name, text, text),
	dp_agg.protect(regclass, name[], name, integer, integer, name[]), dp_agg.unprotect(regclass) TO delegate',
  'GRANT CREATE ON SCHEMA dp TO delegate',
  'REVOKE EXECUTE ON FUNCTION dp_low(anyelement, double precision), dp_agg.last_release() FROM PUBLIC',
  'GRANT EXECUTE ON FUNCTION dp_agg.last_release() TO analyst',
  'GRANT SELECT ON dp_agg.release TO auditor', 'REVOKE SELECT ON dp_agg.language FROM PUBLIC',
  'CREATE VIEW log AS SELECT id, query, outputs FROM dp_agg.release', 'CREATE VIEW money AS SELECT * FROM dp_agg.budgets',
  'CREATE TABLE delegated (person int, x int); ALTER TABLE delegated OWNER TO delegate; INSERT INTO delegated SELECT p, p FROM generate_series(1, 500) p';
DpAgg::value($node, 'delegate', "SELECT dp_agg.protect('delegated', 'person', 'patients')", db => 'study');

# Texts of other encodings in the log; a byte that WIN1252 does not know cannot become UTF-8.
foreach (
	[ 'latin', 'LATIN1', "\xe9" ],
	[ 'windows', 'WIN1252', "\x81\x80" ],
	[ 'bytes', 'SQL_ASCII', "\xff" ])
{
	my ($db, $encoding, $letters) = @$_;

	local $ENV{PGCLIENTENCODING} = $encoding;
	value($db, q{CREATE TABLE t (p int); INSERT INTO t SELECT generate_series(1, 500); SELECT dp_agg.protect('t', 'p', 'people'); SELECT dp_agg.set_budget('analyst', 'people', 10)});
	DpAgg::value($node, 'analyst', "SELECT count(*) FROM t /* $letters */", db => $db);
}

# What must be the same afterwards: columns that 1.0 has.
my %same = (
	relations => 'SELECT relation, population, unit, max_groups, max_rows, columns, bounds, domains, facade FROM dp_agg.protected_relations ORDER BY facade',
	budgets => 'SELECT role, population, epsilon_limit, epsilon_spent, epsilon_remaining, delta_limit, delta_spent, delta_remaining, period, renews_at, accountant
		FROM dp_agg.budgets ORDER BY role, population',
	accounts => 'SELECT role, population, epsilon_limit, epsilon_spent, delta_limit, delta_spent, max_epsilon_per_query, period, period_anchor, renews_at,
		accountant, epsilon_lifetime, delta_lifetime FROM dp_agg.account ORDER BY role::text, population',
	log => 'SELECT at, session_role, "current_role", session_id, current_id, cluster, population, relations, query, fingerprint, epsilon, delta, outputs, tier, reused
		FROM dp_agg.release ORDER BY id',
	facades => q{SELECT c.relname, c.reloptions, pg_get_userbyid(c.relowner), c.relacl, pg_get_viewdef(c.oid), obj_description(c.oid) FROM pg_class c
		WHERE relnamespace = 'dp'::regnamespace ORDER BY 1},
	privileges => q{SELECT p.oid::regprocedure::text, p.proacl FROM pg_proc p WHERE p.proname IN ('unprotect', 'dp_low', 'last_release')
		OR p.oid IN ('dp_agg.protect(regclass, name, name, integer, integer, name[])'::regprocedure, 'dp_agg.set_bounds(regclass, name, text, text)'::regprocedure)
		UNION ALL SELECT oid::regclass::text, relacl FROM pg_class WHERE oid IN ('dp_agg.release'::regclass, 'dp_agg.language'::regclass, 'dp_agg.budgets'::regclass) ORDER BY 1},
	initial => q{SELECT i.objoid::regprocedure, i.initprivs FROM pg_init_privs i WHERE i.classoid = 'pg_proc'::regclass
		AND i.objoid IN ('dp_agg.protect(regclass, name, name, integer, integer, name[])'::regprocedure, 'dp_agg.last_release()'::regprocedure) ORDER BY 1},
	views => 'SELECT query, outputs FROM log ORDER BY id; SELECT * FROM money ORDER BY role, population');

sub contents
{
	my ($db) = @_;

	return map { $_ => value($db, $same{$_}) } $db eq 'study' ? keys %same : qw(relations budgets accounts log facades);
}

sub kept
{
	my ($db, $before, $what) = @_;
	my %now = contents($db);

	is($now{$_}, $before->{$_}, "$db, $what: $_ as before") foreach sort keys %now;
	return;
}

my %study = contents('study');
my %later = contents('later');
like($study{budgets}, qr/^analyst\|patients\|10\|2\.25\|/m, 'something was spent under 1.0');
my $ids = value('study', 'SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM dp_agg.release');
is($ids, '1 2 3 4 5 7', 'numbers of 1.0 have gaps');

# A view of an analyst over aggregates that go; and what the superuser has made of last_release().
value('study', 'CREATE SCHEMA mine AUTHORIZATION analyst; GRANT CREATE ON SCHEMA mine TO analyst');
DpAgg::value($node, 'analyst', 'CREATE VIEW mine.median AS SELECT dp_median(cost) AS m FROM visits; CREATE VIEW mine.last AS SELECT output FROM dp_agg.last_release();
	CREATE VIEW mine.total AS SELECT dp_sum(cost) AS s, dp_count(*) AS n FROM visits', db => 'study');

# ---------- the new library, and 1.0 still ----------

my $r = ask('study', 'dba', 'SELECT 1 FROM pg_extension_update_paths($$dp_agg$$) WHERE source = $$1.0$$ AND target = $$1.1$$ AND path IS NOT NULL');
is($r->{out}, '1', 'there is a path from 1.0');
$r = ask('study', 'dba', 'ALTER EXTENSION dp_agg UPDATE');
is("$r->{sqlstate} $r->{message}", '55000 the library of dp_agg 1.1 is not loaded', 'with the old library loaded there is no update');
like($r->{err}, qr/HINT:  Restart the server/, 'and a hint says why');

$node->stop;
$place->use_library($new_library);
$node->start;

my $other_version = qr/^extension dp_agg is of version 1\.0 in this database, and its library is for version 1\.1$/;
foreach my $sql ($groups, 'SELECT * FROM visits', 'SELECT note FROM visits', 'SELECT * FROM dp.visits', 'SELECT dp_count(*) FROM dp.visits', 'SELECT * FROM dp_agg.last_release()')
{
	$r = ask('study', 'analyst', $sql);
	is("$r->{sqlstate} $r->{out}", 'DP004 ', 'before the update, refused: ' . DpAgg::brief($sql));
	like($r->{message}, $other_version, 'and told why');
	like($r->{err}, qr/HINT: .*ALTER EXTENSION dp_agg UPDATE/, 'and what to do');
}
is(ask('study', 'delegate', 'SELECT * FROM visits')->{sqlstate}, '42501', 'who has no account gets what PostgreSQL says');
foreach my $sql ('SELECT count(*) FROM visits', 'TABLE dp_agg.budgets', 'SELECT count(*) FROM dp_agg.releases', 'CREATE TABLE other (a int); DROP TABLE other',
	'ALTER TABLE visits ADD more int; ALTER TABLE visits DROP more', 'SELECT dp_agg.set_bounds($$visits$$, $$cost$$, 0, 10)')
{
	is(ask('study', 'dba', $sql)->{sqlstate}, '00000', 'before the update, for a superuser: ' . DpAgg::brief($sql));
}
is(ask('study', 'dba', 'SELECT dp_count(*) FROM visits')->{sqlstate}, 'DP004', 'but no release');
is(value('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%dp_agg%'}), 0, 'no worker of the ledger was started for it');
$node->command_ok([ 'pg_dump', '-f', '/dev/null', '-d', $node->connstr('study') ], 'before the update, pg_dump works');
kept('study', \%study, 'before the update');

# ---------- what stands in its way ----------

$r = ask('study', 'dba', 'ALTER EXTENSION dp_agg UPDATE');
is($r->{sqlstate}, '2BP01', 'views on what goes: no update');
like($r->{err}, qr/view mine\.median depends on function dp_median\(integer\)/, 'the view over an aggregate is named');
like($r->{err}, qr/rule _RETURN on view mine\.last/, 'the view over last_release() is named');
unlike($r->{err}, qr/mine\.total/, 'a view over what stays is not');
is(value('study', q{SELECT extversion FROM pg_extension WHERE extname = 'dp_agg'}), '1.0', 'and it is 1.0 as before');
kept('study', \%study, 'after an update that failed');
value('study', 'DROP VIEW mine.median, mine.last');

# ---------- a transaction that is rolled back; a crash ----------

$r = ask('study', 'dba', 'BEGIN; ALTER EXTENSION dp_agg UPDATE; SELECT ok FROM dp_agg.verify_ledger(); ROLLBACK');
is("$r->{sqlstate} $r->{out}", '00000 t', 'an update that is rolled back') or diag($r->{err});
kept('study', \%study, 'rolled back');
is(ask('study', 'analyst', $groups)->{sqlstate}, 'DP004', 'rolled back, the library refuses again');

# The updating process is killed, which makes the server start anew; or all of the server ends at once.
foreach my $crash ('kill -9', 'immediate stop')
{
	my $psql = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('study') . ' user=dba', '-c', 'BEGIN', '-c', 'ALTER EXTENSION dp_agg UPDATE', '-c', 'CHECKPOINT',
			'-c', 'SELECT pg_sleep(600)' ], '>', '/dev/null', '2>', '/dev/null');
	my $asleep = q{FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'};
	$node->poll_query_until('postgres', "SELECT EXISTS (SELECT $asleep)") or die 'no update';
	if ($crash eq 'kill -9')
	{
		kill 'KILL', value('postgres', "SELECT pid $asleep");
		IPC::Run::finish($psql);
		# psql must not be handed a query that it will not read
		system('pg_isready', '-q', '-d', $node->connstr('postgres')) == 0 ? last : sleep 1 foreach 1 .. 100;
	}
	else
	{
		$node->stop('immediate');
		IPC::Run::finish($psql);
		$node->start;
	}
	kept('study', \%study, "after a crash amid the update ($crash)");
}
is(value('study', q{SELECT extversion FROM pg_extension WHERE extname = 'dp_agg'}), '1.0', 'after a crash it is 1.0');

# ---------- the update ----------

my ($code, $out, $err) = $node->psql('study', 'ALTER EXTENSION dp_agg UPDATE');
is($code, 0, 'the update, by a superuser that does not own the extension') or diag($err);
like($err, qr/WARNING:  the 6 releases that version 1\.0 has made have other numbers now: 1 to 6, in the same order$/m, 'says that numbers changed');
kept('study', \%study, 'updated');
is(value('study', 'SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM dp_agg.release'), '1 2 3 4 5 6', 'the log has no gaps');
is(value('study', 'SELECT ok, entries FROM dp_agg.verify_ledger()'), 't|6', 'and is a chain; accounts follow with the next entry');
is(ask('study', 'analyst', 'SELECT accounts, tier, tier_codes, obligation FROM dp_agg.my_releases ORDER BY id LIMIT 1')->{out}, '{}||{}|', 'what 1.0 did not know is not invented');

my $stated = value('study', q{SELECT string_agg(a.attname || ': ' || coalesce(label::json ->> 'bounds_type', '') || coalesce(label::json ->> 'domain_type', ''), ', ' ORDER BY a.attnum)
	FROM pg_seclabel s JOIN pg_attribute a ON attrelid = objoid AND attnum = objsubid WHERE objoid = 'visits'::regclass AND (label::jsonb ? 'lower' OR label::jsonb ? 'domain')});
is($stated, 'clinic: pg_catalog.text, cost: pg_catalog.int4, day: pg_catalog.date, at: pg_catalog.timestamptz, stay: pg_catalog.interval', 'labels say what they were made for');

$r = ask('study', 'analyst', $groups);
is($r->{sqlstate}, '00000', 'and there are releases again') or diag($r->{err});
is(() = $r->{out} =~ /^clinic \d\|/mg, 3, 'with the public keys that were declared');
is(value('study', q{SELECT string_agg(role || ' ' || epsilon_spent || ' ' || releases_spent, ', ' ORDER BY role) FROM dp_agg.budgets WHERE role IN ('analyst', 'team')}),
	'analyst 3.25 1, team 3.25 1', 'which cost on top of what 1.0 has charged');
is(ask('study', 'analyst', 'SET dp_agg.epsilon = 4; SELECT count(*) FROM visits')->{sqlstate}, 'DP002', 'limits of one statement hold');
is(ask('study', 'auditor', 'SELECT count(*) FROM visits')->{sqlstate}, '42501', 'an account that was closed is closed');
is(ask('study', 'outsider', 'SET dp_agg.epsilon = 2.5; SELECT count(*) FROM "Odd one"."A table"')->{sqlstate}, 'DP001', 'a budget is exhausted where it was');
is(ask('study', 'analyst', 'TABLE mine.total')->{sqlstate}, '00000', 'a view over aggregates that stayed');
is(ask('study', 'analyst', 'SELECT * FROM visits')->{sqlstate}, '42501', 'raw rows are refused');
is(ask('study', 'analyst', 'SELECT note FROM dp.visits')->{sqlstate}, '42703', 'facades show what they showed');
is(value('study', 'SELECT ok, entries FROM dp_agg.verify_ledger()'), 't|12', 'the chain goes on');
value('study', 'UPDATE dp_agg.release SET epsilon = epsilon + 1 WHERE id = 2');
is(value('study', 'SELECT ok, first_broken FROM dp_agg.verify_ledger()'), 'f|2', 'an entry of 1.0 that is changed now is found');
value('study', 'UPDATE dp_agg.release SET epsilon = epsilon - 1 WHERE id = 2');
value('study', q{UPDATE dp_agg.account SET epsilon_spent = 0 WHERE role = 'team'::regrole});
is(value('study', q{SELECT change, spent_from, spent_to FROM dp_agg.account_changes WHERE role = 'team' ORDER BY id DESC NULLS FIRST LIMIT 1}), 'changed|4.25|0',
	'a change of an account that 1.0 opened is on record');

# what was declared for a type is not believed for another
value('study', 'ALTER TABLE visits ALTER day TYPE timestamp');
is(value('study', 'SELECT column_name FROM dp_agg.outlived()'), 'day', 'bounds of 1.0 do not count for another type');

# facades follow DDL now
value('study', 'ALTER TABLE visits RENAME cost TO price');
is(value('study', q{SELECT count(*) FROM pg_attribute WHERE attrelid = 'dp.visits'::regclass AND attname = 'price'}), 1, 'a facade of 1.0 follows its table');

# a role that protected its own table
is(ask('study', 'delegate', "SELECT dp_agg.set_bounds('delegated', 'x', '0', '500')")->{sqlstate}, '00000', 'a delegate may do with its table what it might');
is(ask('study', 'delegate', q{CREATE TEMP TABLE fake (person int); SELECT dp_agg.protect('fake', 'person', 'patients')})->{sqlstate}, '42501', 'but not bring others in');

# the copy for auditors
{
	my $dir = PostgreSQL::Test::Utils::tempdir();

	system('cd ' . $dir . ' && psql -Xq -d "' . $node->connstr('study') . qq{" -f "$ENV{TESTDIR}/tools/export_ledger.sql"}) == 0 or die 'no copy';
	$node->command_like([ 'perl', 'tools/dp_agg_verify_ledger', $dir ], qr/^\d+ entries, and the chain holds/, 'the chain holds without a server');
}

# ---------- the same objects as those of a fresh installation ----------

value('plain', 'ALTER EXTENSION dp_agg UPDATE');
value('postgres', 'CREATE DATABASE fresh OWNER dba');
DpAgg::value($node, 'dba', 'CREATE EXTENSION dp_agg', db => 'fresh');
my @fresh = Catalog::facts($node, 'fresh');
cmp_ok(scalar @fresh, '>', 1000, 'facts about a fresh installation');
is(join("\n", Catalog::differences(\@fresh, [ Catalog::facts($node, 'plain') ])), '', 'an updated database has the same objects as a fresh one');
is(value('plain', q{SELECT count(*) FROM dp_agg.ledger_head}), 0, 'an empty log has no head');

# a dump of an updated database, with what was granted
value('postgres', 'CREATE DATABASE copied OWNER dba');
my $before = value('study', q{SELECT (SELECT count(*) FROM dp_agg.release), (SELECT count(*) FROM dp_agg.account), (SELECT ok FROM dp_agg.verify_ledger())});
system('pg_dump -d "' . $node->connstr('study') . '" | psql -Xq -v ON_ERROR_STOP=1 -d "' . $node->connstr('copied') . '" >' . PostgreSQL::Test::Utils::tempdir() . '/out 2>&1') == 0
  or fail('a dump of an updated database is restored');
is(value('copied', q{SELECT (SELECT count(*) FROM dp_agg.release), (SELECT count(*) FROM dp_agg.account), (SELECT ok FROM dp_agg.verify_ledger())}), $before, 'dump and restore: the log, accounts, and the chain');
foreach my $right (
	[ 'delegate', q{has_function_privilege('delegate', 'dp_agg.protect(regclass, name, name, integer, integer, name[])', 'EXECUTE')}, 't' ],
	[ 'dp_low', q{has_function_privilege('analyst', 'dp_low(anyelement, double precision)', 'EXECUTE')}, 'f' ],
	[ 'last_release', q{has_function_privilege('outsider', 'dp_agg.last_release()', 'EXECUTE')}, 'f' ],
	[ 'auditor', q{has_table_privilege('auditor', 'dp_agg.release', 'SELECT')}, 't' ])
{
	is(value('copied', "SELECT $right->[1]"), $right->[2], "dump and restore: what was granted and revoked ($right->[0])");
}

# ---------- other databases ----------

is(ask('later', 'analyst', $groups)->{sqlstate}, 'DP004', 'another database, not updated: no releases');
kept('later', \%later, 'not updated');
value('later', "DELETE FROM dp_agg.account WHERE role = 'auditor'::regrole");
value('later', 'ALTER EXTENSION dp_agg UPDATE');
is(ask('later', 'analyst', $groups)->{sqlstate}, '00000', 'updated later: releases');
is(value('later', 'SELECT ok FROM dp_agg.verify_ledger()'), 't', 'updated later: the chain holds');

foreach my $case ([ 'latin', '/* \xe9 */' ], [ 'windows', '/* ?? */' ], [ 'bytes', '/* \xff */' ])
{
	my ($db, $comment) = @$case;

	value($db, 'ALTER EXTENSION dp_agg UPDATE');
	is(value($db, 'SELECT ok, entries FROM dp_agg.verify_ledger()'), 't|1', "$db: texts in the log that are not in UTF-8");
	is(ask($db, 'analyst', 'SELECT count(*) FROM t')->{sqlstate}, '00000', "$db: releases");
}
is(value('windows', q{SELECT query FROM dp_agg.release WHERE id = 1}), 'SELECT count(*) FROM t /* ?? */', 'what cannot be written in UTF-8 is not kept');

value('study', 'DROP EXTENSION dp_agg CASCADE');
is(value('study', q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('dp', 'dp_agg')}), 0, 'dropped, nothing is left');
$node->stop;
done_testing();
