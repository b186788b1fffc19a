# Accounts: what was spent outlives the account, releases say who paid, whoever kept SELECT is
# named, and a copy of the ledger is read but never charged.

use strict;
use warnings;
use Cwd;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my @roles = ('analyst', 'member', 'team', 'other');
my $conf = "wal_level = 'logical'\nmax_wal_senders = 4\nmax_replication_slots = 4\nmax_logical_replication_workers = 4\nmax_worker_processes = 16";
my $node = DpAgg::node('accounts', roles => \@roles, conf => $conf);
my $count = 'SELECT dp_count(*) > -1e9 FROM people';

sub query { return $node->safe_psql('postgres', join(';', @_)); }

# What a statement of the superuser says beside its result.
sub says
{
	my ($sql) = @_;
	my ($code, $out, $err) = $node->psql('postgres', $sql);

	is($code, 0, 'runs: ' . DpAgg::brief($sql)) or diag($err);
	return $err;
}

sub spent
{
	my ($role) = @_;

	return query("SELECT epsilon_spent, releases_spent FROM dp_agg.budgets WHERE role = '$role' AND population = 'people'");
}

sub whole { return query('SELECT ok, reason FROM dp_agg.verify_ledger()'); }

# What the verifier says that needs no server.
sub offline
{
	my $root = Cwd::getcwd();
	my $copy = PostgreSQL::Test::Utils::tempdir();
	my $head = query('SELECT dp_agg.ledger_head()');

	chdir $copy or die;
	PostgreSQL::Test::Utils::system_or_bail('psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', "$root/tools/export_ledger.sql");
	my $out = `$^X $root/tools/dp_agg_verify_ledger --head $head 2>&1`;
	chdir $root or die;
	return $out;
}

query(<<'SQL');
CREATE TABLE people (id int PRIMARY KEY, "Home town" text);
INSERT INTO people SELECT i, 'town' FROM generate_series(1, 300) i;
CREATE TABLE visits (id int, cost int);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10);
GRANT team TO member;
SQL

# Spent, closed, opened again.
DpAgg::value($node, 'analyst', $count) for 1 .. 2;
is(spent('analyst'), '2|2', 'two releases are paid');
query(q{SELECT dp_agg.drop_budget('analyst', 'people')});
like(says(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 2.5)}), qr/NOTICE: .*opened again, with epsilon 2 spent.*forget => true/s, 'opened again: what was spent is shown');
is(spent('analyst'), '2|2', 'and counts');
DpAgg::refused($node, 'analyst', $count, 'DP001', 'so that no more can be asked than before');
is(whole(), 't|', 'the ledger is whole while the change waits');
query('SELECT dp_agg.ledger_head()');
is(whole(), 't|', 'and when it is chained');
query(q{SELECT dp_agg.drop_budget('analyst', 'people')}, 'SELECT dp_agg.ledger_head()');
query(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10::float8)});
is(spent('analyst'), '2|2', 'closed in the chain, opened by the form with floats: it counts');
query(q{ALTER ROLE analyst RENAME TO renamed}, q{SELECT dp_agg.drop_budget('renamed', 'people')}, q{SELECT dp_agg.set_budget('renamed', 'people', epsilon => 10)}, 'ALTER ROLE renamed RENAME TO analyst');
is(spent('analyst'), '2|2', 'a role keeps it under another name');
query(q{DELETE FROM dp_agg.account WHERE role = 'analyst'::regrole}, q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10, period => '1 day')});
is(spent('analyst'), '2|2', 'closed by hand, opened with a period: it counts until that renews');
query(q{BEGIN}, q{SELECT dp_agg.drop_budget('analyst', 'people')}, q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10, period => '1 day')}, q{COMMIT});
is(spent('analyst'), '2|2', 'closed and opened in one transaction: it counts');
is(query(q{SELECT count(DISTINCT (before ->> 'period_anchor')) FROM (SELECT before FROM dp_agg.account_changes WHERE change = 'closed' AND before ->> 'period' IS NOT NULL
	UNION ALL SELECT after FROM dp_agg.account_changes WHERE change = 'opened' AND after ->> 'period' IS NOT NULL) c}), 1, 'its periods go on as they were');
DpAgg::value($node, 'analyst', $count);
is(whole(), 't|', 'the ledger is whole');
query(q{SELECT dp_agg.set_budget('other', 'people', epsilon => 10)});
is(spent('other'), '0|0', 'what one role spent is not held against another');

# A period that has renewed meanwhile.
query(q{UPDATE dp_agg.account SET period_anchor = now() - interval '36 hours', renews_at = now() - interval '12 hours' WHERE role = 'analyst'::regrole},
	q{SELECT dp_agg.drop_budget('analyst', 'people')}, q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10, period => '1 day')});
is(spent('analyst'), '0|0', 'a period that has renewed meanwhile counts as renewed');
is(query(q{SELECT epsilon_lifetime, renews_at - now() BETWEEN '11 hours' AND '13 hours' FROM dp_agg.account WHERE role = 'analyst'::regrole}), '3000000000|t', 'what is spent in the lifetime stays, and the rhythm');

# Forgotten, on record.
DpAgg::value($node, 'analyst', $count);
query(q{SELECT dp_agg.drop_budget('analyst', 'people')});
unlike(says(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10, forget => true)}), qr/opened again/, 'forget => true');
is(spent('analyst'), '0|0', 'starts from zero');
is(query(q{SELECT spent_from, spent_to FROM (SELECT max(spent_from) FILTER (WHERE change = 'closed') AS spent_from, max(spent_to) FILTER (WHERE change = 'opened') AS spent_to
	FROM (SELECT * FROM dp_agg.account_changes WHERE role = 'analyst' AND id IS NULL) c) d}), '1|0', 'which is on record');
DpAgg::value($node, 'analyst', $count);
query(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10, forget => true)});
is(spent('analyst'), '0|0', 'of an open account, too');
is(query(q{SELECT epsilon_lifetime FROM dp_agg.account WHERE role = 'analyst'::regrole}), '5000000000', 'what is spent in the lifetime is never forgotten');
is(whole(), 't|', 'the ledger is whole');
like(offline(), qr/^\d+ entries, and the chain holds/m, 'offline, too');
DpAgg::refused($node, 'analyst', q{SELECT dp_agg.closed_account('other'::regrole, 'people')}, '42501', 'an analyst does not see closed accounts');
DpAgg::refused($node, 'analyst', q{SELECT * FROM dp_agg.kept_reads('people', NULL)}, '42501', 'or who may read');
DpAgg::refused($node, 'analyst', q{SELECT * FROM dp_agg.paying_roles}, '42501', 'or who paid for what');

# An account that is changed while another session closes it.
my $dba = $node->background_psql('postgres');
DpAgg::value($node, 'analyst', $count);
$dba->query_safe(q{BEGIN; SELECT dp_agg.drop_budget('analyst', 'people')});
my $second = $node->background_psql('postgres');
$second->query_until(qr/go/, "\\echo go\nSET client_min_messages = error;\nSELECT dp_agg.set_budget('analyst', 'people', epsilon => 10);\n");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
$dba->query_safe('COMMIT');
$dba->quit;
$second->query_safe('SELECT 1');
$second->quit;
is(spent('analyst'), '1|1', 'opened while it is being closed: what was spent counts');

# Who paid.
query(q{SELECT dp_agg.set_budget('member', 'people', epsilon => 10)}, q{SELECT dp_agg.set_budget('team', 'people', epsilon => 10)});
DpAgg::value($node, 'member', $count);
is(query('SELECT accounts FROM dp_agg.releases ORDER BY id DESC LIMIT 1'), '{member,team}', 'releases say which accounts paid');
is(DpAgg::value($node, 'member', 'SELECT accounts FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1'), '{member,team}', 'to an analyst those that it pays from');
query('REVOKE team FROM member');
is(DpAgg::value($node, 'member', 'SELECT m.accounts, r.accounts FROM dp_agg.my_releases m JOIN dp_agg.releases r USING (id) ORDER BY id DESC LIMIT 1'), '{member}|{member}', 'and no other');
is(query('SELECT accounts FROM dp_agg.my_releases'), '', 'who made none has none');
query(q{SELECT dp_agg.drop_budget('team', 'people')}, 'DROP ROLE team');
is(query('SELECT accounts FROM dp_agg.releases ORDER BY id DESC LIMIT 1'), '{member,team}', 'a role that is gone has the name that it had');
is(query('SELECT count(*) FROM dp_agg.releases'), query('SELECT count(*) FROM dp_agg.release'), 'each release is there once');

# Whoever kept SELECT.
sub warns
{
	my ($before, $expected, $after) = @_;

	query($before);
	my $set = says(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10)});
	like($set, qr/WARNING:  $expected/, "set_budget() warns: $before");
	my ($hint) = $set =~ /HINT:  (.*);$/m;
	like(says(q{SELECT dp_agg.protect('people', unit => 'id', population => 'people')}), qr/$expected/, 'and protect()') if $before !~ /PUBLIC/;
	is(query(q{SELECT count(*) > 0 FROM dp_agg.check_hardening() WHERE severity = 'high' AND topic IN ('grant', 'role')}), 't', 'check_hardening() says high');
	query($hint);
	unlike(says(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10)}), qr/WARNING/, "its hint mends it: $hint");
	query($after) if $after;
}
unlike(says(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10)}), qr/WARNING/, 'nobody may read: no warning');
warns('GRANT SELECT ON people TO analyst', 'analyst may read public.people, whatever its account');
warns('GRANT SELECT ("Home town") ON people TO analyst', 'analyst may read column "Home town" of public.people');
warns('GRANT SELECT ON people TO PUBLIC', 'everybody may read public.people');
warns('CREATE ROLE "Odd"; GRANT "Odd" TO analyst; GRANT SELECT ON people TO "Odd"', '"Odd" may read public.people');
warns('GRANT pg_read_all_data TO analyst', 'analyst may read every table');
warns('ALTER ROLE analyst SUPERUSER', 'analyst is a superuser');
warns('ALTER TABLE people OWNER TO analyst', 'analyst owns public.people');
query('GRANT SELECT ON visits TO analyst');
unlike(says(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10)}), qr/WARNING/, 'another table is no matter');

# Catalogs.
for my $catalog ('pg_class', 'pg_authid', 'information_schema.sql_features', 'dp_agg.release')
{
	my ($column) = split /\|/, query("SELECT attname FROM pg_attribute WHERE attrelid = '$catalog'::regclass AND attnum = 1");
	my ($code, undef, $err) = $node->psql('postgres', "SELECT dp_agg.protect('$catalog', unit => '$column', population => 'people')");
	like($err, qr/cannot be protected/, "$catalog cannot be protected");
	isnt($code, 0, 'it is an error');
}
my (undef, undef, $err) = $node->psql('postgres', q{SECURITY LABEL FOR dp_agg ON TABLE pg_class IS '{"population": "people"}'});
like($err, qr/"pg_class" cannot be protected/, 'nor labelled by hand');

# A population without tables.
query(q{SELECT dp_agg.unprotect('people')}, q{SELECT dp_agg.set_budget('other', 'people', epsilon => 0.5)});
is(query(q{SELECT epsilon_limit FROM dp_agg.budgets WHERE role = 'other'}), '0.5', 'the account of a population without tables can be changed');
my (undef, undef, $never) = $node->psql('postgres', q{SELECT dp_agg.set_budget('other', 'nobody', epsilon => 1)});
like($never, qr/population "nobody" does not exist/, 'one of a population that never was cannot');
query(q{SELECT dp_agg.protect('people', unit => 'id', population => 'people')});

# A publication of all tables.
is(query(q{SELECT count(*) FROM dp_agg.check_hardening() WHERE finding ~ 'carries the ledger'}), 0, 'no copy yet');
query('CREATE PUBLICATION everything FOR ALL TABLES');
is(query(q{SELECT severity, topic, object FROM dp_agg.check_hardening() WHERE finding ~ 'carries the ledger'}), 'medium|publication|everything', 'check_hardening() names a publication that carries the ledger');
my $copy = DpAgg::node('copy', roles => [ @roles, 'Odd' ], conf => $conf);
$copy->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY, "Home town" text);
CREATE TABLE visits (id int, cost int);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SQL
$copy->safe_psql('postgres', "CREATE SUBSCRIPTION copy CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION everything");
$copy->wait_for_subscription_sync($node, 'copy');
my $before = query(q{SELECT role, epsilon_spent FROM dp_agg.budgets ORDER BY role});
is($copy->safe_psql('postgres', q{SELECT role, epsilon_spent FROM dp_agg.budgets ORDER BY role}), $before, 'the copy has the accounts');
DpAgg::refused($copy, 'analyst', $count, 'DP004', 'a release on the copy is refused');
like(DpAgg::as($copy, 'analyst', $count)->{err}, qr/a copy that a subscription writes/, 'and the message says why');
is($copy->safe_psql('postgres', q{SELECT severity, topic FROM dp_agg.check_hardening() WHERE finding ~ 'writes the ledger'}), 'medium|subscription', 'check_hardening() there names the subscription');
query(q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 20)});
DpAgg::value($node, 'analyst', $count);
$node->wait_for_catchup('copy');
is($copy->safe_psql('postgres', q{SELECT ok FROM dp_agg.verify_ledger()}), 't', 'replication goes on, and the chain holds there');

# The copy becomes a server of its own: what was spent is kept, numbers go on.
my $state = q{SELECT epsilon_limit, epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'};
$copy->safe_psql('postgres', 'ALTER SUBSCRIPTION copy DISABLE');
DpAgg::refused($copy, 'analyst', $count, 'DP004', 'a subscription that is disabled may be enabled again');
query(q{SELECT dp_agg.set_budget('other', 'people', epsilon => 30)}, q{SELECT dp_agg.set_budget('other', 'people', epsilon => 40)});
$copy->safe_psql('postgres', 'ALTER SUBSCRIPTION copy ENABLE');
$node->wait_for_catchup('copy');
isnt($copy->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.account_change_waiting'), 0, 'changes wait in the copy');
$copy->safe_psql('postgres', 'DROP SUBSCRIPTION copy');
is($copy->safe_psql('postgres', $state), query($state), 'without the subscription: what was spent is there');
$copy->safe_psql('postgres', q{SELECT dp_agg.set_budget('other', 'people', epsilon => 50)});
is($copy->safe_psql('postgres', 'SELECT count(*) = count(DISTINCT number) AND max(number) = (SELECT last_value FROM dp_agg.account_change_waiting_number_seq) FROM dp_agg.account_change_waiting'), 't', 'the sequence of what waits has caught up');
DpAgg::value($copy, 'analyst', $count);
is($copy->safe_psql('postgres', q{SELECT ok, reason FROM dp_agg.verify_ledger()}), 't|', 'it charges, and the chain goes on from the copy');
is($copy->safe_psql('postgres', q{SELECT epsilon_limit FROM dp_agg.budgets WHERE role = 'other'}), '50', 'changes were chained in order');
$copy->stop;

# A restore of a dump with a view that an analyst has materialized: its query is asked again, which
# is paid; in one transaction, where it cannot be, the message says how.
query('DROP PUBLICATION everything', 'CREATE SCHEMA a AUTHORIZATION analyst', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 50)});
DpAgg::value($node, 'analyst', 'CREATE MATERIALIZED VIEW a.answer AS SELECT dp_count(*) AS n FROM people');
my $dir = PostgreSQL::Test::Utils::tempdir();
my @restore = ('pg_restore', '--exit-on-error');
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-Fc', '-f', "$dir/dump" ], 'pg_dump');
query("CREATE DATABASE $_") foreach qw(plain single listed);
command_ok([ @restore, '-d', $node->connstr('plain'), "$dir/dump" ], 'pg_restore');
my ($paid) = split /\|/, spent('analyst');
is($node->safe_psql('plain', q{SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'}), $paid + 1, 'the restored view is asked once more, at its price');
is($node->safe_psql('plain', 'SELECT n BETWEEN 250 AND 350 FROM a.answer'), 't', 'and has an answer');
is($node->safe_psql('plain', 'SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', 'the restored chain is whole');
command_fails_like([ @restore, '-d', $node->connstr('single'), '--single-transaction', "$dir/dump" ], qr/not committed yet.*--single-transaction.*MATERIALIZED VIEW DATA/s, 'in one transaction the restore says what to leave out');
my ($list) = run_command([ 'pg_restore', '--list', "$dir/dump" ]);
PostgreSQL::Test::Utils::append_to_file("$dir/list", join '', map { "$_\n" } grep { !/MATERIALIZED VIEW DATA/ } split /\n/, $list);
command_ok([ @restore, '-d', $node->connstr('single'), '--single-transaction', '--use-list', "$dir/list", "$dir/dump" ], 'and without that it works');
is($node->safe_psql('single', q{SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'}), $paid, 'at no price');
DpAgg::value($node, 'analyst', 'REFRESH MATERIALIZED VIEW a.answer', db => 'single');
is($node->safe_psql('single', q{SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'}), $paid + 1, 'until the analyst asks');
my ($code, undef, $none) = $node->psql('listed', 'BEGIN; CREATE EXTENSION dp_agg; CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100) i; SELECT dp_agg.protect(\'t\', \'id\', \'p\'); SELECT dp_count(*) FROM t');
like($none, qr/ledger of this database is not committed yet/, 'the same in one transaction by hand');

# Truncated, joined, detached: what operations.md says.
query(<<'SQL');
CREATE TABLE stays (id int, year int, days int) PARTITION BY RANGE (year);
CREATE TABLE stays_1 PARTITION OF stays FOR VALUES FROM (1) TO (2);
CREATE TABLE stays_2 PARTITION OF stays FOR VALUES FROM (2) TO (3);
INSERT INTO stays SELECT i, y, i FROM generate_series(1, 300) i, generate_series(1, 2) y;
SELECT dp_agg.protect('stays', 'id', 'people', max_groups => 2, max_rows => 1), dp_agg.protect('visits', 'id', 'people', max_groups => 1, max_rows => 5);
INSERT INTO visits SELECT i, 1 FROM generate_series(1, 300) i;
REVOKE SELECT ON visits FROM analyst;
SQL
sub detail { my ($sql) = @_; my ($found) = DpAgg::as($node, 'analyst', $sql)->{err} =~ /DETAIL: *([^\n]*)/; return $found // ''; }
like(detail('SELECT cost, count(*) FROM visits WHERE cost < 0 GROUP BY cost'), qr/max_groups 1,/, 'max_groups of a table');
like(detail("SELECT year, cost, count(*) FROM $_ WHERE cost < 0 GROUP BY year, cost"), qr/max_groups 2,/, "a join has the larger of both sides: $_") foreach 'visits JOIN stays USING (id)', 'stays JOIN visits USING (id)';
sub width { return DpAgg::value($node, 'analyst', "SELECT round((dp_high(count(*)) - dp_low(count(*)))::numeric) FROM $_[0]"); }
# of 2 groups with a row, and 1 group with 5 rows; of the join 2 groups with 5 rows
my ($narrow, $wide) = (width('stays'), width('visits'));
cmp_ok($wide, '>', 2 * $narrow, 'an interval is as wide as limits are large');
ok(abs(width($_) / $wide - 2) < 0.1, "of a join by the larger max_groups and the larger max_rows: $_") foreach 'visits JOIN stays USING (id)', 'stays JOIN visits USING (id)';
ok(abs(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 10; SELECT count(*) FROM stays') - 600) < 30, 'partitions count');
query('ALTER TABLE stays DETACH PARTITION stays_2');
ok(abs(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 10; SELECT count(*) FROM stays') - 300) < 30, 'a detached one does not');
DpAgg::refused($node, 'analyst', 'SELECT count(*) FROM stays_2', '42501', 'and is no table of the analyst\'s');
query('TRUNCATE stays');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) IS NULL FROM stays'), 't', 'the count of a truncated table is NULL');

# Names that differ in case alone, and that no unquoted name could be, are different roles.
query('CREATE ROLE "Analyst" LOGIN', 'CREATE ROLE "no, ""name""" LOGIN');
cmp_ok(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.my_releases'), '>', 5, 'a role sees what it asked');
is(query('SET SESSION AUTHORIZATION "Analyst"', 'SELECT (SELECT count(*) FROM dp_agg.my_releases), (SELECT count(*) FROM dp_agg.releases)'), '0|0', 'one whose name differs in case sees none of it');
query(q{SELECT dp_agg.set_budget('no, "name"', 'people', epsilon => 5)});
is(query('SET SESSION AUTHORIZATION "no, ""name"""', $count, 'SELECT count(*), min(role_name) FROM dp_agg.my_releases', 'RESET SESSION AUTHORIZATION'), qq{t\n1|no, "name"}, 'one with blanks and quotes sees its own');
is(query('ALTER ROLE "no, ""name""" SUPERUSER', 'SET SESSION AUTHORIZATION "no, ""name"""', 'SELECT count(*) > 0 FROM dp_agg.check_hardening()'), 't', 'and may ask for findings');

$node->stop;
done_testing();
