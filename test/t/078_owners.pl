# Owners that are no superusers: what EXECUTE on one form of protect() is enough for, what
# dp_agg.grant_admin() gives beyond that, how it is taken back, and what goes into a dump.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my @owners = qw(plain keeper helper steward member stranger);
my $node = DpAgg::node('owners', roles => [ 'analyst', 'other', @owners ]);

sub query { return $node->safe_psql('postgres', join(';', @_)); }
sub value { return DpAgg::value($node, @_); }

# allowed(ROLE, SQL...), denied(ROLE, SQL => text in the message, ...)
sub allowed { my ($role, @sql) = @_; DpAgg::works($node, $role, $_) foreach @sql; return; }

sub denied
{
	my ($role, %of) = @_;

	foreach my $sql (sort keys %of)
	{
		my $r = DpAgg::refused($node, $role, $sql, '42501');
		like($r->{message}, qr/$of{$sql}/, '... says why');
		like($r->{err}, qr/HINT: /, '... and what to do') unless $r->{message} =~ /for (function|view|table|schema)|must be owner/;
	}
	return;
}

query(<<'SQL', map { "CREATE SCHEMA $_ AUTHORIZATION $_; GRANT USAGE ON SCHEMA $_ TO PUBLIC" } @owners);
CREATE TABLE people (id int PRIMARY KEY, x int NOT NULL);
INSERT INTO people SELECT i, i % 10 FROM generate_series(1, 500) i;
SELECT dp_agg.protect('people', 'id', 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10);
GRANT steward TO member
SQL
value($_, "CREATE TABLE $_.t (id int PRIMARY KEY, x int NOT NULL, town text); INSERT INTO $_.t SELECT i, i % 10, 'town' FROM generate_series(1, 500) i") foreach @owners;
value('analyst', 'SELECT count(*) FROM people');

# --- EXECUTE on one form is enough -----------------------------------------------------

denied('plain', q{SELECT dp_agg.protect('plain.t', unit => 'id', population => 'plain')} => 'permission denied for function protect');
query('GRANT EXECUTE ON FUNCTION dp_agg.protect(regclass, name, name, int, int, name[]) TO plain');
allowed('plain', q{SELECT dp_agg.protect('plain.t', unit => 'id', population => 'plain')},
	q{SELECT dp_agg.protect('plain.t', unit => 'id', population => 'plain', max_rows => 2)});
is(query(q{SELECT pg_get_userbyid(relowner), n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = (SELECT facade FROM dp_agg.protected_relations WHERE population = 'plain')::regclass}),
	'plain|dp', 'the facade is there, and is its own');
is(query(q{SELECT has_schema_privilege('plain', 'dp', 'CREATE')}), 'f', 'without a right on schema dp');
is(value('plain', 'SELECT * FROM dp_agg.administrators'), 'plain|plain', 'who founds a population administers it');
denied('plain', q{SELECT dp_agg.set_budget('analyst', 'plain', epsilon => 1)} => 'permission denied for function set_budget',
	q{SELECT dp_agg.unprotect('plain.t')} => 'permission denied for function unprotect', q{SELECT dp_agg.grant_admin('plain')} => 'permission denied for function grant_admin');
denied('plain', q{SELECT dp_agg.protect('people', unit => 'id', population => 'plain')} => 'must be owner');

# --- grant_admin() is enough for all of it ---------------------------------------------

query(q{SELECT dp_agg.grant_admin('keeper')});
allowed('keeper', q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'kept')}, q{SELECT dp_agg.set_bounds('keeper.t', 'x', 0, 10)}, q{SELECT dp_agg.set_domain('keeper.t', 'town', '{town}')},
	q{SELECT dp_agg.set_total('keeper.t', 'x', 0, 10)}, q{SELECT dp_agg.classify('keeper.t', 'town', 'quasi_identifier')}, q{SELECT dp_agg.set_population_size('kept', 500)},
	q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'kept', max_total => 5)}, q{SELECT count(*) FROM dp_agg.suggest('keeper.t', 0.1)}, q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 4)},
	q{SELECT dp_agg.set_budget('other', 'kept', epsilon => 4::float8)}, q{SELECT dp_agg.drop_budget('other', 'kept')}, q{SELECT dp_agg.set_budget('other', 'kept', epsilon => 3)});
ok(abs(value('analyst', 'SELECT count(*) FROM keeper.t') - 500) < 60, 'and the analyst asks');
is(value('keeper', 'SELECT role, population, epsilon_limit, epsilon_spent FROM dp_agg.budgets ORDER BY role'), "analyst|kept|4|1\nother|kept|3|0", 'it sees the accounts of its population, and no others');
is(value('keeper', q{SELECT DISTINCT population FROM dp_agg.releases}), 'kept', 'its releases, and no others');
is(value('keeper', q{SELECT session_user_name, query, accounts FROM dp_agg.releases WHERE session_user_name = 'analyst'}), 'analyst|SELECT count(*) FROM keeper.t|{analyst}', 'with what was asked and who paid');
is(value('keeper', q{SELECT sum(epsilon) FROM dp_agg.tier_report() WHERE stage = 'result'}), value('keeper', 'SELECT sum(epsilon) FROM dp_agg.releases'), 'tier_report() counts those');
is(value('keeper', q{SELECT count(*) FROM dp_agg.tier_report('people')}), 0, '... of its own population only');
is(query(q{SELECT DISTINCT "current_role" FROM dp_agg.account_changes WHERE population = 'kept'}), 'keeper', 'changes of accounts are on record as its own');
is(query('SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', 'the ledger is whole');
denied('keeper', q{SELECT * FROM dp_agg.account} => 'for table account', q{SELECT * FROM dp_agg.release} => 'for table release', q{SELECT * FROM dp_agg.administrator} => 'for table administrator',
	q{SELECT * FROM dp_agg.check_hardening()} => 'for function', q{SELECT * FROM dp_agg.account_changes} => 'for view', q{CREATE VIEW dp.mine AS SELECT 1} => 'for schema dp');

# What was spent stays, whoever administers.
denied('keeper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 4, forget => true)} => 'permission denied to forget');
allowed('keeper', q{SELECT dp_agg.drop_budget('analyst', 'kept')}, q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 4)});
is(value('keeper', q{SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'}), 1, 'it closes and opens an account, and what was spent counts');
allowed('keeper', q{SELECT dp_agg.unprotect('keeper.t')}, q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 5)}, q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'kept')});
is(value('keeper', q{SELECT epsilon_limit, epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'}), '5|1', 'its population outlives its last table');
like(DpAgg::as($node, 'keeper', q{GRANT SELECT ON keeper.t TO analyst; SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 5)})->{err}, qr/WARNING: .*analyst may read keeper\.t/, 'it is warned of who may read its tables');
like(DpAgg::as($node, 'keeper', q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'kept'); REVOKE SELECT ON keeper.t FROM analyst})->{err}, qr/WARNING: .*analyst may read keeper\.t/, 'by protect(), too');

# Measured before it is protected; what was measured is no trace of others, and one for these.
query(q{SELECT dp_agg.grant_admin('stranger')});
allowed('stranger', q{SELECT count(*) FROM dp_agg.suggest('stranger.t', 0.1, 'id', 'measured')});
is(query(q{SELECT count(*) FROM dp_agg.administrator WHERE population = 'measured'}), 0, 'to measure founds nothing');
denied('keeper', q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'measured')} => 'population "measured"');
allowed('stranger', q{SELECT dp_agg.protect('stranger.t', 'id', 'measured')}, q{SELECT dp_agg.unprotect('stranger.t')});

# --- other populations -----------------------------------------------------------------

denied('keeper', q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'people')} => 'population "people"', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 99)} => 'population "people"',
	q{SELECT dp_agg.drop_budget('analyst', 'people')} => 'population "people"', q{SELECT dp_agg.set_budget('keeper', 'plain', epsilon => 1)} => 'population "plain"', q{SELECT dp_agg.grant_admin('keeper', 'people')} => 'population "people"',
	q{SELECT dp_agg.revoke_admin('plain', 'plain')} => 'population "plain"', q{SELECT dp_agg.grant_admin('keeper')} => 'who founds populations', q{SELECT dp_agg.revoke_admin('plain')} => 'who founds populations',
	q{SECURITY LABEL FOR dp_agg ON TABLE keeper.t IS '{"population": "people", "unit_columns": 1}'} => 'population "people"');
is(query(q{SELECT population FROM dp_agg.protected_relations WHERE relation = 'keeper.t'::regclass}), 'kept', 'nothing of that has happened');

# Asked in, by an administrator; only who may protect anyway.
denied('keeper', q{SELECT dp_agg.grant_admin('helper', 'kept')} => 'role "helper" may not protect');
query(q{SELECT dp_agg.grant_admin('helper')});
denied('helper', q{SELECT dp_agg.protect('helper.t', unit => 'id', population => 'kept')} => 'population "kept"');
allowed('keeper', q{SELECT dp_agg.grant_admin('helper', 'kept')}, q{SELECT dp_agg.grant_admin('helper', 'kept')});
allowed('helper', q{SELECT dp_agg.protect('helper.t', unit => 'id', population => 'kept')}, q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 6)});
is(value('helper', 'SELECT * FROM dp_agg.administrators ORDER BY role'), "kept|helper\nkept|keeper", 'who is asked in administers it with the others');
denied('helper', q{SELECT dp_agg.unprotect('keeper.t')} => 'must be owner', q{SELECT dp_agg.set_population_size('kept', 900)} => 'must be owner', q{SELECT dp_agg.set_bounds('keeper.t', 'x', 0, 5)} => 'must be owner');
allowed('keeper', q{SELECT dp_agg.revoke_admin('helper', 'kept')});
denied('helper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 7)} => 'population "kept"');
allowed('helper', q{SELECT dp_agg.protect('helper.t', unit => 'id', population => 'kept', max_rows => 2)});
is(value('helper', 'SELECT count(*) FROM dp_agg.releases'), 0, 'taken out again it sees nothing, and may change the limits of its table where that is');
allowed('helper', q{SELECT dp_agg.unprotect('helper.t')});
denied('helper', q{SELECT dp_agg.protect('helper.t', unit => 'id', population => 'kept')} => 'population "kept"');

# Groups, and who does not inherit.
query(q{SELECT dp_agg.grant_admin('steward', 'people')});
allowed('member', q{SELECT dp_agg.set_budget('other', 'people', epsilon => 1)}, q{SELECT dp_agg.protect('member.t', unit => 'id', population => 'people')});
isnt(value('member', q{SELECT count(*) FROM dp_agg.releases WHERE population = 'people'}), 0, 'a member of the group administers');
# Since 16 each grant says whether it is inherited, and what the role says is for later grants.
query(DpAgg::version() >= 16 ? 'GRANT steward TO member WITH INHERIT FALSE' : 'ALTER ROLE member NOINHERIT');
denied('member', q{SELECT dp_agg.set_budget('other', 'people', epsilon => 2)} => 'permission denied');
is(value('member', 'SELECT count(*) FROM dp_agg.releases'), 0, 'one that does not inherit does not');
allowed('member', q{SET ROLE steward; SELECT dp_agg.set_budget('other', 'people', epsilon => 2)});
is(query(q{SELECT session_role, "current_role" FROM dp_agg.account_changes WHERE epsilon_to = 2 AND population = 'people'}), 'member|steward', '... but by SET ROLE, which is on record');

# --- two who found the same ------------------------------------------------------------

query(q{SELECT dp_agg.grant_admin('helper')}, q{SELECT dp_agg.grant_admin('stranger')});
sub race
{
	my ($first, $level) = @_;
	my $a = $node->background_psql('postgres', extra_params => [ '-U', $first ]);
	my $b = $node->background_psql('postgres', extra_params => [ '-U', 'stranger' ], on_error_stop => 0);

	$b->query("BEGIN ISOLATION LEVEL $level; SELECT 1");
	$a->query_safe(qq{BEGIN; SELECT dp_agg.protect('helper.t', unit => 'id', population => 'raced')});
	$b->query_until(qr/go/, "\\echo go\nSELECT dp_agg.protect('stranger.t', unit => 'id', population => 'raced');\n");
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'dp_agg.administrator'::regclass}) or die 'nobody waits';
	$a->query_safe('COMMIT');
	$b->query('COMMIT');
	like($b->{stderr}, qr/permission denied for population "raced"/, "of two who found a population at a time one is the second ($first, $level)");
	$_->quit foreach $a, $b;
	is(query(q{SELECT count(*) FROM dp_agg.protected_relations WHERE population = 'raced'}), 1, 'one table is in it');
	query(q{SELECT dp_agg.unprotect('helper.t')}, q{DELETE FROM dp_agg.administrator WHERE population = 'raced'});
	return;
}
race(@$_) foreach [ 'helper', 'READ COMMITTED' ], [ 'helper', 'REPEATABLE READ' ], [ query('SELECT current_user'), 'REPEATABLE READ' ];
allowed('stranger', q{BEGIN; SELECT dp_agg.protect('stranger.t', unit => 'id', population => 'raced'); ROLLBACK});
is(query(q{SELECT count(*) FROM dp_agg.administrator WHERE population = 'raced'}), 0, 'what is rolled back founds nothing');

# --- other databases, dumps ------------------------------------------------------------

query('CREATE DATABASE second');
$node->safe_psql('second', q{CREATE EXTENSION dp_agg; CREATE SCHEMA keeper AUTHORIZATION keeper; CREATE TABLE keeper.u (id int PRIMARY KEY); ALTER TABLE keeper.u OWNER TO keeper});
is(DpAgg::as($node, 'keeper', q{SELECT dp_agg.protect('keeper.u', unit => 'id', population => 'kept')}, db => 'second')->{sqlstate}, '42501', 'each database has its own administrators');
$node->safe_psql('second', q{SELECT dp_agg.grant_admin('keeper', 'kept')});
ok(DpAgg::as($node, 'keeper', q{SELECT dp_agg.protect('keeper.u', unit => 'id', population => 'kept'); SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1)}, db => 'second')->{ok}, 'and the same roles may be these in several');
is(DpAgg::value($node, 'keeper', 'SELECT count(*) FROM dp_agg.releases', db => 'second'), 0, 'with nothing of the first to see');

my $dir = PostgreSQL::Test::Utils::tempdir();
query('CREATE DATABASE third', 'CREATE ROLE gone', q{SELECT dp_agg.grant_admin('gone', 'kept')}, 'DROP OWNED BY gone', 'DROP ROLE gone');
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-Fc', '-f', "$dir/dump" ], 'dumped');
command_ok([ 'pg_restore', '-d', $node->connstr('third'), '--exit-on-error', '--single-transaction', "$dir/dump" ], 'and restored');
my $admins = q{SELECT population, role FROM dp_agg.administrators WHERE role IN (SELECT rolname FROM pg_roles) ORDER BY 1, 2};
is($node->safe_psql('third', $admins), query($admins), 'administrators go into a dump');
is(DpAgg::value($node, 'keeper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 8); SELECT epsilon_limit, epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'}, db => 'third'), "\n8|1", 'and what they may do');
is($node->safe_psql('third', 'SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', 'the restored ledger is whole');

# --- roles that go ----------------------------------------------------------------------

isnt(($node->psql('postgres', 'DROP ROLE keeper'))[0], 0, 'an administrator is not dropped unawares');
query('REASSIGN OWNED BY keeper TO helper');
denied('helper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 9)} => 'population "kept"');
allowed('helper', q{SELECT dp_agg.protect('keeper.t', unit => 'id', population => 'kept', max_rows => 3)});
query('DROP OWNED BY keeper');
denied('keeper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 9)} => 'permission denied for function');
is(value('keeper', q{SELECT count(*) FROM dp_agg.releases WHERE session_user_name <> 'keeper'}) + value('keeper', 'SELECT count(*) FROM dp_agg.budgets') + value('keeper', 'SELECT count(*) FROM dp_agg.administrators'), 0, 'after DROP OWNED it sees nothing but what it has measured itself');
query(q{SELECT dp_agg.revoke_admin('keeper', 'kept')}, q{SELECT dp_agg.grant_admin('helper', 'kept')});
allowed('helper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 9)});
query(q{SELECT dp_agg.revoke_admin('helper')});
is(query(q{SELECT count(*) FROM pg_proc p, aclexplode(proacl) a WHERE a.grantee = 'helper'::regrole}), 0, 'revoke_admin() takes the functions back');
denied('helper', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 9)} => 'permission denied for function');
foreach my $case ([ q{dp_agg.grant_admin('no such role')}, '42704' ], [ q{dp_agg.grant_admin(NULL)}, '22004' ], [ q{dp_agg.grant_admin('helper', '')}, '22023' ], [ q{dp_agg.revoke_admin('helper', 'kept')}, '42704' ], [ q{dp_agg.grant_admin('public')}, '42704' ],
	[ q{dp_agg.revoke_admin(NULL)}, '22004' ], [ q{dp_agg.set_budget('analyst', NULL, 1)}, '22004' ])
{
	DpAgg::refused($node, query('SELECT current_user'), "SELECT $case->[0]", $case->[1]);
}
DpAgg::refused($node, 'analyst', "SELECT dp_agg.$_", '42501') foreach q{grant_admin('analyst')}, q{revoke_admin('plain')}, q{account_set('analyst', 'kept', 9, NULL, NULL, NULL, 'pure', NULL, NULL, NULL, true)}, q{account_drop('analyst', 'kept')},
  q{population_found('analyst'::regrole, 'mine')}, q{population_known('analyst'::regrole, 'kept')}, q{administers('keeper'::regrole, 'kept')}, q{admin_add('analyst', 'kept', true)}, q{admin_remove('plain', 'plain', true)}, q{readers_warn('kept', NULL, NULL)};
is(DpAgg::as($node, 'analyst', q{SELECT dp_agg.warn_of_readers('kept', NULL, NULL)})->{err}, '', 'who administers nothing is told nothing');
query('CREATE ROLE founder LOGIN', q{SELECT dp_agg.grant_admin('founder')}, 'CREATE TABLE founded (id int)', 'ALTER TABLE founded OWNER TO founder');
allowed('founder', q{SELECT dp_agg.protect('founded', 'id', 'short')});
query('REASSIGN OWNED BY founder TO stranger', q{SELECT dp_agg.unprotect('founded')});
denied('stranger', q{SELECT dp_agg.protect('founded', 'id', 'short')} => 'population "short"');
query('DROP OWNED BY founder', 'DROP ROLE founder');
allowed('stranger', q{SELECT dp_agg.protect('founded', 'id', 'short')});
is(value('stranger', q{SELECT role FROM dp_agg.administrators WHERE population = 'short' AND role !~ 'unknown'}), 'stranger', 'a population of which a role that is gone was all there was can be founded');
is(query('SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', 'the ledger is whole');

$node->stop;
done_testing();
