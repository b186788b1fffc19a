# A crash at every step of a charge.  Nobody has an answer then, so it may be charged or not; but what
# was committed before the crash is charged, and what was not is not.  The accounts are as the log has
# it, nothing hangs, and the next release is paid like any other.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Faulty;
use PostgreSQL::Test::Utils;
use Time::HiRes 'sleep';

my $node = Faulty::node('steps', "restart_after_crash = on\nfsync = on");
my $count = 'SELECT dp_count(*) FROM people';
my $step = $node->data_dir . '/dp_agg.step';

sub books
{
	return join ' ', split /\|/, $node->safe_psql('postgres', <<'SQL');
SELECT (SELECT count(*) FROM dp_agg.releases), b.releases_spent, c.releases_spent, (SELECT ok FROM dp_agg.verify_ledger())
FROM dp_agg.budgets b, dp_agg.population_caps c
SQL
}

# Waits for the server to take connections again.
sub recovered
{
	foreach (1 .. 600)
	{
		# not psql: a statement for one that ends at once would be a broken pipe
		return 1 if system('pg_isready', '-q', '-d', $node->connstr('postgres')) == 0;
		sleep 0.1;
	}
	return 0;
}

ok(Faulty::use_library($node, Faulty::build('CRASH')), 'the server warns of the build');
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 300);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000, accountant => 'zcdp');
SELECT dp_agg.set_population_cap('people', epsilon => 1000);
SQL
DpAgg::works($node, 'analyst', $count, 'before');

my $paid = 1;
foreach my $case (
	[ 'submitted', undef, 'the client is killed when it has asked' ], [ 'taken', 0, 'the worker when it has taken the request' ],
	[ 'locked', 0, 'when it has locked the accounts' ], [ 'logged', 0, 'when it has written the log' ],
	[ 'charged', 0, 'when it has charged the accounts' ], [ 'chained', 0, 'when it has moved the head of the chain' ],
	[ 'committing', 0, 'before it commits' ], [ 'committed', 1, 'after it has committed' ],
	[ 'decided', 1, 'before it answers' ], [ 'answered', 1, 'after it has answered' ], [ 'paid', 1, 'the client when it has the answer' ])
{
	my ($where, $charged, $name) = @$case;

	PostgreSQL::Test::Utils::append_to_file($step, $where);
	my $r = DpAgg::as($node, 'analyst', $count);
	# the worker may be killed after the answer has arrived, and after the client is through
	ok(!$r->{ok} || $where eq 'answered', "$where: $name: no answer") or diag($r->{out});
	ok(recovered(), "$where: the server is back");
	ok(!-e $step, "$where: that step was come to");
	my $now = books();
	my ($entries) = $now =~ /^(\d+)/;

	$charged //= $entries - $paid;
	cmp_ok($charged, '<=', 1, "$where: charged once at most");
	$paid += $charged;
	is($now, "$paid $paid $paid t", "$where: " . ($charged ? 'charged' : 'not charged') . ', in the log, the account and the cap alike');
	DpAgg::works($node, 'analyst', $count, "$where: the next release");
	$paid++;
	is(books(), "$paid $paid $paid t", "$where: and is paid once");
}

done_testing();
