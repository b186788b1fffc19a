# Crashes: whatever is killed under load, afterwards at least as much is charged
# as answers were received, the log agrees with the accounts, nobody hangs, and
# the next release works.  And without the library nobody can read anything.

use strict;
use warnings;
use Test::More;
use Clients;
use DpAgg;
use Time::HiRes 'sleep', 'time';

my $node = DpAgg::node('crash', fsync => 1, conf => 'restart_after_crash = on');
my $count = 'SELECT dp_count(*) FROM people';
my $load = Clients::statement($count) x 3000;

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 200);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e6, delta => 0.1);
SQL

# [ releases in the log, epsilon in the log, epsilon in the account ]
sub books
{
	return [ split /\|/, $node->safe_psql('postgres', <<'SQL') ];
SELECT count(*), coalesce(sum(epsilon), 0),
	(SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst')
FROM dp_agg.releases
SQL
}

# The process id of a backend, given what is true of it.
sub pid_where
{
	my ($condition) = @_;
	my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $condition LIMIT 1");

	die "no process where $condition" unless $pid =~ /^\d+$/;
	return $pid;
}

sub worker_pid
{
	return pid_where("backend_type = 'dp_agg ledger'");
}

# The same, once the charges of those who are gone have reached the disk.
sub settled_books
{
	my ($before, $now) = ([ -1 ], books());

	while ($now->[0] != $before->[0])
	{
		sleep 0.3;
		($before, $now) = ($now, books());
	}
	return $now;
}

# Does the server answer again?  psql may end before the question is written to it.
sub comes_back
{
	foreach (1 .. 600)
	{
		return 1 if eval { ($node->psql('postgres', 'SELECT 1'))[0] == 0 };
		sleep 0.1;
	}
	return 0;
}

# Loads the server with 8 clients, calls strike() while they run, and checks the
# books.  gone says whether the clients lose their connections.
sub under_load
{
	my ($name, $gone, $strike) = @_;
	my $before = books();
	my @clients = map { Clients::start($node, 'analyst', $load) } 1 .. 8;

	$node->poll_query_until('postgres', "SELECT count(*) > $before->[0] + 100 FROM dp_agg.releases")
	  or die 'the load did not start';
	$strike->();
	if (!$gone)
	{
		# Service goes on for those who are there.
		my $now = books();
		ok($node->poll_query_until('postgres', "SELECT count(*) > $now->[0] + 100 FROM dp_agg.releases"),
			"$name: releases go on");
		$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'analyst'");
	}

	my @results = Clients::finish(60, @clients);
	my $total = Clients::total(@results);
	my @odd = grep { !/^(\d+|state (\w{5})?)$/ } map { split /\n/, $_->{out} } @results;
	ok(comes_back(), "$name: the server is there");
	my $after = settled_books();
	my $charged = $after->[0] - $before->[0];

	is($total->{hung}, 0, "$name: nobody hangs");
	is(join(' ', grep { !/^(00000|DP004)$/ } keys %{ $total->{states} }), '',
		"$name: a statement works, or says that the ledger is not available");
	note("$name: $total->{rows} answers, $charged charged, "
		. ($total->{states}->{DP004} // 0) . ' refused for want of a ledger');
	is(join("\n", @odd), '', "$name: nothing else was printed");
	cmp_ok($total->{rows}, '>', 0, "$name: there were answers");
	cmp_ok($total->{rows}, '<=', $charged, "$name: no answer without a charge");
	cmp_ok($charged, '<=', $total->{rows} + ($total->{states}->{DP004} // 0) + 8,
		"$name: no more is charged than was asked for");
	is($after->[1], $after->[2], "$name: the log and the account agree");

	my $start = time;
	DpAgg::works($node, 'analyst', $count, "$name: the next release works");
	cmp_ok(time - $start, '<', 15, "$name: soon");
	is(books()->[0], $after->[0] + 1, "$name: and is charged");
	return;
}

under_load('kill -9 of a client\'s process', 1, sub { kill 'KILL', pid_where("usename = 'analyst'") });

under_load("kill -9 of the worker, $_", 1, sub { kill 'KILL', worker_pid() }) foreach 1 .. 3;

under_load('pg_terminate_backend of the worker', 0, sub {
	foreach (1 .. 10)
	{
		$node->safe_psql('postgres',
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dp_agg ledger'");
		sleep 0.1;
	}
});

under_load('pg_cancel_backend of the worker', 0, sub {
	foreach (1 .. 10)
	{
		$node->safe_psql('postgres',
			"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dp_agg ledger'");
		sleep 0.1;
	}
});

foreach my $round (1 .. 3)
{
	under_load("immediate stop, $round", 1, sub {
		$node->stop('immediate');
		$node->start;
	});
}

under_load('fast restart', 1, sub { $node->restart });

# A disk that takes a tenth of a second: most of the time there are charges that are
# committed and not yet flushed.
sub configure
{
	$node->safe_psql('postgres', "ALTER SYSTEM $_") foreach @_;
	$node->reload;
	return;
}

configure('SET commit_delay = 100000', 'SET commit_siblings = 0', "SET wal_writer_delay = '10s'");
$node->restart;
DpAgg::value($node, 'analyst', $count);
foreach (1 .. 3)
{
	my $start = time;
	DpAgg::works($node, 'analyst', $count);
	cmp_ok(time - $start, '>', 0.1, 'an answer waits for the disk');
}

under_load('kill -9 of the worker, slow disk', 1, sub { kill 'KILL', worker_pid() });

under_load('pg_terminate_backend of the worker, slow disk', 0, sub {
	foreach (1 .. 5)
	{
		$node->safe_psql('postgres',
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'dp_agg ledger'");
		sleep 0.25;
	}
});

# Whoever is about to flush for the others is among them.
under_load('pg_terminate_backend of clients, slow disk', 0, sub {
	foreach (1 .. 6)
	{
		$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . pid_where("usename = 'analyst'") . ')');
		sleep 0.12;
	}
});

foreach my $round (1 .. 3)
{
	under_load("immediate stop, slow disk, $round", 1, sub {
		$node->stop('immediate');
		$node->start;
	});
}
configure('RESET commit_delay', 'RESET commit_siblings', 'RESET wal_writer_delay');

# With synchronous replicas a charge waits for them.
{
	configure("SET synchronous_standby_names = 'nobody'", 'SET max_wal_senders = 4', "SET wal_level = 'replica'");
	$node->restart;
	my ($result) = Clients::finish(20, Clients::start($node, 'analyst',
			"SET statement_timeout = '2s';\n" . Clients::statement($count)));
	is(join(',', keys %{ $result->{states} }), '57014', 'without its synchronous replica there is no answer');
	is($result->{rows}, 0, 'none at all');
	configure('RESET synchronous_standby_names');
	DpAgg::works($node, 'analyst', $count, 'with no need of one, there is');
	is(books()->[1], books()->[2], 'the books agree');
}

# An idle worker that is killed is not missed, either.
DpAgg::value($node, 'analyst', $count);
$node->safe_psql('postgres', 'SELECT pg_terminate_backend(' . worker_pid() . ')');
DpAgg::works($node, 'analyst', $count, 'right after the idle worker was terminated, a release works');

# The worker stopped in the middle: those who wait can be cancelled.
{
	DpAgg::value($node, 'analyst', $count);
	my $before = books();
	my $pid = worker_pid();
	kill 'STOP', $pid;
	my ($result) = Clients::finish(20, Clients::start($node, 'analyst',
			"SET statement_timeout = '1s';\n" . Clients::statement($count)));
	kill 'CONT', $pid;

	is($result->{hung} . join(',', keys %{ $result->{states} }), '057014', 'waiting for the ledger can be cancelled');
	is($result->{rows}, 0, 'without an answer');
	DpAgg::works($node, 'analyst', $count, 'the worker goes on');
	is(books()->[1], books()->[2], 'and the books agree');
}

# No library: neither in shared_preload_libraries nor, then, as a file.
my @all = (
	'SELECT * FROM people', 'SELECT id FROM people LIMIT 1', 'SELECT * FROM dp.people', 'TABLE dp.people',
	'COPY people TO STDOUT', 'SELECT count(*) FROM people', 'SELECT count(*) FROM dp.people', $count,
	'SELECT dp_count(*) FROM dp.people', 'SELECT id, dp_count(*) FROM people GROUP BY id',
	'EXPLAIN SELECT * FROM people', 'SELECT 1 FROM people FOR SHARE');

$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
DpAgg::refused($node, 'analyst', $_, '42501', "not preloaded: $_")
  foreach @all;
isnt(DpAgg::as($node, 'analyst', "LOAD 'dp_agg'")->{sqlstate}, '00000', 'the library does not load later');
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 1; $_", '42501', "not preloaded, a setting of its name: $_")
  foreach $count, 'SELECT * FROM dp.people';

# As if the file were gone: every function of the extension points nowhere.
$node->safe_psql('postgres', q{UPDATE pg_proc SET probin = '$libdir/missing' WHERE probin = '$libdir/dp_agg'});
DpAgg::refused($node, 'analyst', $_, '42501', "library missing: $_")
  foreach @all;
is(DpAgg::value($node, 'analyst', 'SELECT epsilon_spent > 0 FROM dp_agg.my_budget'), 't',
	'the books can be read without the library');
$node->safe_psql('postgres', q{SELECT pg_catalog.set_config('session_replication_role', 'replica', false); UPDATE dp_agg.account SET accountant = 'zcdp', rho_limit = 1000});
is(DpAgg::value($node, 'analyst', 'SELECT epsilon_spent IS NULL, rho_spent > 0 FROM dp_agg.my_budget'), 't|t', 'of rho, what it is, and not what it means');

$node->stop;
done_testing();
