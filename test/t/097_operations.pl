# What operators do: many databases and accounts, a replica that is promoted, workers that cannot
# start, a disk that is full.  Budgets stay what they are, and nothing runs unpaid.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $place = PostgreSQL::Test::Utils::tempdir();
my $count = 'SELECT dp_count(*) FROM people';
my @databases = map { "d$_" } 1 .. 100;

chmod 0755, $place;
PostgreSQL::Test::Utils::system_or_bail('gcc', '-shared', '-fPIC', '-O1', '-o', "$place/full.so", 'test/preload/full.c');
$ENV{DP_TEST_FULL} = "$place/is_full";

my $node = do {
	local $ENV{LD_PRELOAD} = "$place/full.so";
	DpAgg::node('operations', roles => [ 'analyst', 'other', 'pool' ], init => { allows_streaming => 1 }, conf => 'max_worker_processes = 8');
};

sub query { return $node->safe_psql('postgres', join(';', @_)); }
sub spent { my ($server, $db) = @_; return ($server // $node)->safe_psql($db // 'postgres', "SELECT epsilon_spent, releases_spent FROM dp_agg.budgets WHERE role = 'analyst'"); }
sub whole { my ($name, $server) = @_; is(($server // $node)->safe_psql('postgres', 'SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', "the ledger holds: $name"); return; }

query(<<'SQL');
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 300);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 100, accountant => 'zcdp');
SELECT dp_agg.set_population_cap('people', epsilon => 200);
SQL

# ---------- accounts ----------

# The account of one among ten thousand is found by its key: each charge reads what one of two does.
query('CREATE ROLE crowd', 'SET session_replication_role = replica',
	q{INSERT INTO dp_agg.account (role, population, epsilon_limit, delta_limit) SELECT i::oid, 'people', 1000000000, 1000000000 FROM generate_series(4000000001, 4000010000) i});
query('ANALYZE dp_agg.account');
DpAgg::works($node, 'analyst', $count, 'an account beside ten thousand');
is(spent(), query("SELECT dp_agg.rho_to_epsilon(500000000000, 500000000000) / 1e9") =~ s/0+$//r . '|1', 'which alone pays');
is(query("SELECT epsilon_spent FROM dp_agg.population_caps"), '1', 'with the cap');
query('SET session_replication_role = replica', 'DELETE FROM dp_agg.account WHERE role::oid >= 4000000001');
whole('ten thousand accounts');

# Connections that a pool keeps: whose turn it is pays.
query('GRANT analyst, other TO pool', 'ALTER ROLE pool NOINHERIT', "SELECT dp_agg.set_budget('other', 'people', epsilon => 10)");
{
	DpAgg::works($node, 'pool', "SET ROLE other; $count; RESET ROLE; SET ROLE analyst; $count", 'a pool');
	is(query("SELECT releases_spent FROM dp_agg.budgets WHERE role = 'other'"), '2', 'whoever may act as two pays from both');
}
{
	# a pool that logs in as superuser, and says for whom each statement is
	my $r = $node->psql('postgres', "SET SESSION AUTHORIZATION other; $count; SET SESSION AUTHORIZATION analyst; $count; RESET SESSION AUTHORIZATION", on_error_stop => 1);
	is($r, 0, 'SET SESSION AUTHORIZATION');
	is(query("SELECT releases_spent FROM dp_agg.budgets WHERE role = 'other'"), '3', 'each pays its own');
}
whole('pools');

# ---------- databases ----------

{
	my ($failed, $wrong) = ('', '');
	my $before = spent();

	foreach my $db (@databases)
	{
		my @made = $node->psql('postgres', "CREATE DATABASE $db TEMPLATE postgres");

		# a copy of a database has budgets of its own: what was spent before it was made
		$failed .= "$db: $made[2] " if $made[0] != 0;
		$failed .= "$db: $_->{err} " foreach grep { !$_->{ok} } DpAgg::as($node, 'analyst', $count, db => $db);
	}
	is($failed, '', 'a hundred databases, with eight workers for all of them, are copied and asked one after the other');
	foreach my $db (@databases)
	{
		my @dropped = $node->psql('postgres', "DROP DATABASE $db");

		$wrong .= "$db: $dropped[2] " if $dropped[0] != 0;
	}
	is($wrong, '', 'and dropped');
	is(spent(), $before, 'the original has not spent');
}
whole('databases');

# ---------- workers ----------

{
	my $before = spent();

	$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
	$node->restart;
	my $r = DpAgg::refused($node, 'analyst', $count, 'DP004', 'no worker can start');
	like($r->{err}, qr/no background worker is free for the ledger.*Nothing was charged/s, 'and it says so');
	is(spent(), $before, 'nothing was charged');
	$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
	{
		local $ENV{LD_PRELOAD} = "$place/full.so";

		$node->restart;
	}
	DpAgg::works($node, 'analyst', $count, 'one that can does');
}

# ---------- a disk that is full ----------

{
	# every release is a row of the log; after some of them it needs another page
	my ($answered, $refused, $r) = (0, 0);
	my ($before) = spent() =~ /\|(\d+)/;
	my $long = "SET dp_agg.epsilon = 0.01; $count WHERE id < 1000 " . join(' ', map { "AND id <> -$_" } 1 .. 400);

	PostgreSQL::Test::Utils::append_to_file($ENV{DP_TEST_FULL}, '');
	foreach (1 .. 40)
	{
		$r = DpAgg::as($node, 'analyst', $long);
		$r->{ok} ? $answered++ : $refused++;
		last if $refused >= 3;
	}
	cmp_ok($refused, '>=', 3, "after $answered releases there is no room for the log");
	is($r->{sqlstate}, 'DP004', 'then releases are refused');
	like($r->{err}, qr/could not record the release.*The statement was not run/s, 'and not run');
	is((spent() =~ /\|(\d+)/)[0], $before + $answered, 'each answer is paid, and no refusal');
	whole('a full disk');
	unlink $ENV{DP_TEST_FULL};
	DpAgg::works($node, 'analyst', $count, 'when there is room again, it goes on');
	is((spent() =~ /\|(\d+)/)[0], $before + $answered + 1, 'and pays');
	whole('room again');
}

# ---------- a replica that is promoted ----------

{
	my $standby = PostgreSQL::Test::Cluster->new('standby');

	$node->backup('base');
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.25; $count", 'asked on the primary');
	$node->wait_for_catchup($standby);
	my $spent = spent();
	is(spent($standby), $spent, 'the standby knows what is spent');
	DpAgg::refused($standby, 'analyst', $count, 'DP004', 'and refuses releases');
	$node->stop('immediate');
	$standby->promote;
	is(spent($standby), $spent, 'promoted, its accounts have spent what they had');
	is($standby->safe_psql('postgres', 'SELECT epsilon_spent > 2 FROM dp_agg.population_caps'), 't', 'and so has the cap');
	DpAgg::works($standby, 'analyst', $count, 'a release of its own');
	is((spent($standby) =~ /\|(\d+)/)[0], ($spent =~ /\|(\d+)/)[0] + 1, 'is paid');
	is(DpAgg::value($standby, 'analyst', 'SELECT count(*) > 5 FROM dp_agg.my_releases'), 't', 'an analyst sees its releases there');
	whole('promoted', $standby);
	$standby->stop;
}

done_testing();
