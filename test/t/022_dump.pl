# pg_dump and pg_restore carry all of it: what is protected, how, who may spend
# what, what is spent, and the log; and the restored database goes on from there.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $old = DpAgg::node('old', roles => [], extension => 0, conf => "dp_agg.min_epsilon = '1e-9'");
my $superuser = $old->safe_psql('postgres', 'SELECT current_user');
my $dir = PostgreSQL::Test::Utils::tempdir();

$old->safe_psql('postgres', <<'SQL');
CREATE ROLE dba LOGIN SUPERUSER;
CREATE ROLE owner LOGIN;
CREATE ROLE analyst LOGIN;
CREATE ROLE "An ""odd"" name" LOGIN;
CREATE ROLE leaver LOGIN;
CREATE ROLE team;
CREATE ROLE outsider LOGIN;
GRANT team TO analyst;
ALTER ROLE analyst SET dp_agg.epsilon = 0.5;
CREATE DATABASE study OWNER dba;
SQL
# The owner of the extension need not stay a superuser.
DpAgg::value($old, 'dba', <<'SQL', db => 'study');
CREATE EXTENSION dp_agg;
CREATE TABLE visits (patient_id int, clinic text, cost numeric, name text);
INSERT INTO visits SELECT p, 'clinic ' || p % 4, p % 40, 'somebody'
FROM generate_series(1, 4000) p, generate_series(1, 2) v;
CREATE SCHEMA "Odd one";
CREATE TABLE "Odd one"."A table" (a int, b int, "The value" int);
INSERT INTO "Odd one"."A table" SELECT i, i, i FROM generate_series(1, 300) i;
GRANT USAGE ON SCHEMA "Odd one" TO PUBLIC;
SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'patients', max_groups => 4, max_rows => 10,
	columns => '{clinic,cost}');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 5000);
SELECT dp_agg.set_population_size('patients', 4000);
SELECT dp_agg.protect('"Odd one"."A table"', unit => '{a,b}'::name[], population => 'An odd one');
SELECT dp_agg.set_bounds('"Odd one"."A table"', 'The value', -1.5, 1e6);
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 10, delta => 1e-6, period => '1 month', max_epsilon_per_query => 3,
	min_epsilon_per_query => 0.25, max_releases => 5);
SELECT dp_agg.set_budget('team', 'patients', epsilon => 4, delta => 1e-6);
SELECT dp_agg.set_budget('An "odd" name', 'An odd one', epsilon => 0.000000001);
SELECT dp_agg.set_budget('leaver', 'patients', epsilon => 10);
SQL
$old->safe_psql('postgres', 'ALTER ROLE dba NOSUPERUSER');

DpAgg::value($old, $_->[0], $_->[1], db => 'study') foreach
  [ 'analyst', 'SELECT clinic, dp_count(*), dp_avg(cost) FROM visits GROUP BY clinic' ],
  [ 'analyst', 'SELECT dp_count(*) FROM dp.visits; SELECT dp_count(*) FROM dp.visits' ],
  [ 'leaver', "SELECT dp_count(*) /* \\ and 'quotes'\n and\tmore */ FROM visits" ],
  [ 'An "odd" name', 'SET dp_agg.epsilon = 1e-9; SELECT dp_count(*) FROM "Odd one"."A table"' ];
$old->safe_psql('postgres', 'DROP ROLE leaver');

# What must be the same afterwards.
my @same = (
	'SELECT * FROM dp_agg.protected_relations ORDER BY relation::text',
	'SELECT * FROM dp_agg.budgets WHERE role IN (SELECT rolname FROM pg_roles) ORDER BY role, population',
	'SELECT * FROM dp_agg.releases ORDER BY id',
	"SELECT role, population, epsilon_limit, epsilon_spent, epsilon_lifetime, delta_lifetime, max_epsilon_per_query,
		min_epsilon_per_query, max_releases, releases_spent, period_anchor
	 FROM dp_agg.account WHERE role::oid IN (SELECT oid FROM pg_roles) ORDER BY role::text, population",
	"SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'dp_agg' ORDER BY 1, 2",
	"SELECT c.relname, c.relkind, c.reloptions, pg_get_userbyid(c.relowner), c.relacl::text
	 FROM pg_class c WHERE relnamespace = 'dp'::regnamespace ORDER BY 1",
	# The extension belongs to whoever restores it.
	"SELECT c.relname, c.relkind, c.reloptions, replace(c.relacl::text, pg_get_userbyid(c.relowner), 'OWNER')
	 FROM pg_class c WHERE relnamespace = 'dp_agg'::regnamespace ORDER BY 1",
	"SELECT p.oid::regprocedure::text, replace(p.proacl::text, pg_get_userbyid(p.proowner), 'OWNER')
	 FROM pg_proc p WHERE pronamespace = 'dp_agg'::regnamespace ORDER BY 1");

sub contents
{
	my ($node, $db) = @_;

	return map { scalar $node->safe_psql($db, $_) } @same;
}

# check(NODE, DATABASE, NAME, [what must be the same])
sub check
{
	my ($node, $db, $name, $expected) = @_;
	my @found = contents($node, $db);

	is($found[$_], $expected->[$_], "$name: " . DpAgg::brief($same[$_])) foreach 0 .. $#same;

	foreach my $role (qw(analyst outsider))
	{
		foreach my $sql ('SELECT clinic, cost FROM visits', 'SELECT * FROM dp.visits', 'TABLE dp.visits',
			'SELECT * FROM "Odd one"."A table"', 'SELECT * FROM dp_agg.account', 'SELECT * FROM dp_agg.release',
			"SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 99)")
		{
			my $r = DpAgg::as($node, $role, $sql, db => $db);
			is("$r->{sqlstate} $r->{out}", '42501 ', "$name: $role may not: $sql");
		}
	}
	my $r = DpAgg::as($node, 'outsider', 'SELECT dp_count(*) FROM visits', db => $db);
	is("$r->{sqlstate} $r->{out}", '42501 ', "$name: no account, no release");

	# Restored accounts are changes, which come first: of analyst and team on patients, and of the odd one.
	my $before = $node->safe_psql($db, 'SELECT id FROM dp_agg.ledger_head');
	like(DpAgg::value($node, 'analyst', 'SELECT clinic, count(*), avg(cost) FROM dp.visits GROUP BY clinic', db => $db),
		qr/^(clinic \d\|\d+\|[\d.]+\n?){4}$/, "$name: the facade gives releases");
	is($node->safe_psql($db, 'SELECT max(id) FROM dp_agg.release'), $before + 4, "$name: numbers of entries go on");
	is(DpAgg::value($node, 'analyst',
			'SELECT role, epsilon_limit, epsilon_spent, renews_at > now() FROM dp_agg.my_budget ORDER BY role', db => $db),
		"analyst|10|2|t\nteam|4|2|", "$name: and both accounts pay");
	is(DpAgg::as($node, 'analyst', 'SET dp_agg.epsilon = 3.1; SELECT dp_count(*) FROM visits', db => $db)->{sqlstate},
		'DP002', "$name: the limit per query holds");
	is(DpAgg::as($node, 'analyst', 'SET dp_agg.epsilon = 0.2; SELECT dp_count(*) FROM visits', db => $db)->{sqlstate},
		'DP002', "$name: the least price of a release holds");
	my $r2 = DpAgg::as($node, 'analyst', 'SET dp_agg.epsilon = 0.3; SELECT dp_count(*) FROM visits UNION ALL SELECT dp_count(*) FROM visits', db => $db);
	is($r2->{message}, 'number of releases on population "patients" is exhausted', "$name: the number of releases holds");
	is(DpAgg::value($node, 'analyst', q{SELECT max_epsilon_per_query, min_epsilon_per_query, max_releases, releases_spent, releases_remaining FROM dp_agg.my_budget WHERE role = 'analyst'}, db => $db),
		'3|0.25|5|4|1', "$name: one is left");
	is(DpAgg::as($node, 'analyst', 'SET dp_agg.epsilon = 2.1; SELECT dp_count(*) FROM visits', db => $db)->{sqlstate},
		'DP001', "$name: the limit of the group's account holds");
	is(DpAgg::as($node, 'An "odd" name', 'SET dp_agg.epsilon = 1e-9; SELECT dp_count(*) FROM "Odd one"."A table"',
			db => $db)->{sqlstate}, 'DP001', "$name: what was exhausted is");
	is(DpAgg::as($node, 'analyst', 'SELECT dp_count(name) FROM visits', db => $db)->{sqlstate}, 'DP002',
		"$name: columns that were left out stay out");
	return;
}

my @expected = contents($old, 'study');

# As the owner of the extension, who owns the tables, too.
my @as_owner = ('-d', $old->connstr('study') . ' user=dba');
command_ok([ 'pg_dump', @as_owner, '-f', "$dir/study.sql" ], 'pg_dump as the owner of the extension');
command_ok([ 'pg_dump', @as_owner, '-Fc', '-f', "$dir/study.dump" ], 'pg_dump -Fc');
command_ok([ 'pg_dumpall', '-d', $old->connstr('postgres'), '--roles-only', '-f', "$dir/roles.sql" ],
	'pg_dumpall --roles-only');
$old->stop;

my $new = DpAgg::node('new', roles => [], extension => 0, preload => '', conf => "dp_agg.min_epsilon = '1e-9'");

# Without the library nothing is restored that anybody new could read.
$new->psql('postgres', "\\i $dir/roles.sql", on_error_stop => 0);
$new->safe_psql('postgres', 'CREATE DATABASE study OWNER dba');
# pg_restore skips the data of tables it could not create; a script would go on
# and read them as SQL.
PostgreSQL::Test::Utils::run_log([ 'pg_restore', '-d', $new->connstr('study'), "$dir/study.dump" ]);
is($new->safe_psql('study', 'SELECT count(*) FROM visits'), 8000, 'restored without the library: there are rows');
foreach my $sql ('SELECT * FROM visits', 'SELECT * FROM "Odd one"."A table"', 'SELECT count(*) FROM visits')
{
	is(DpAgg::as($new, 'analyst', $sql, db => 'study')->{sqlstate}, '42501', "that an analyst may not read: $sql");
}
isnt(DpAgg::as($new, 'analyst', 'SELECT * FROM dp.visits', db => 'study')->{sqlstate}, '00000', 'by no way');
$new->safe_psql('postgres', 'DROP DATABASE study');

$new->append_conf('postgresql.conf', "shared_preload_libraries = 'dp_agg'");
$new->restart;
$new->psql('postgres', "\\i $dir/roles.sql", on_error_stop => 0);
$new->safe_psql('postgres', 'CREATE DATABASE study OWNER dba; CREATE DATABASE again OWNER dba');

my ($code, undef, $err) = $new->psql('study', "\\i $dir/study.sql");
is("$code $err", '0 ', 'the dump is restored without an error');
check($new, 'study', 'pg_dump', \@expected);

command_ok([ 'pg_restore', '-d', $new->connstr('again'), '--exit-on-error', '--jobs=2', "$dir/study.dump" ],
	'pg_restore');
check($new, 'again', 'pg_restore', \@expected);

# And on to a third generation, from what went on there.
my @second = contents($new, 'again');
command_ok([ 'pg_dump', '-d', $new->connstr('again'), '-Fc', '-f', "$dir/again.dump" ], 'pg_dump of what was restored');
$new->safe_psql('postgres', 'DROP DATABASE study');
$new->safe_psql('postgres', 'CREATE DATABASE study OWNER dba');
command_ok([ 'pg_restore', '-d', $new->connstr('study'), '--exit-on-error', "$dir/again.dump" ], 'restored once more');
my @third = contents($new, 'study');
is($third[$_], $second[$_], 'once more: ' . DpAgg::brief($same[$_])) foreach 0 .. $#same;

$new->stop;
done_testing();
