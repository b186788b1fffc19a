# The ledger: concurrent clients get exactly what the budget holds; what was
# charged stays charged whatever becomes of the statement; all accounts that have
# to pay do, or none; and an analyst sees and touches nothing but its own.

use strict;
use warnings;
use Test::More;
use Clients;
use DpAgg;
use Time::HiRes 'time';

my @roles = qw(analyst other alice bob carol dave staff project);
my $node = DpAgg::node('ledger', roles => \@roles, conf => "dp_agg.min_epsilon = '1e-9'");
my $count = 'SELECT dp_count(*) FROM people';

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 200);
CREATE TABLE schools (id int PRIMARY KEY);
INSERT INTO schools SELECT generate_series(1, 200);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.protect('schools', unit => 'id', population => 'schools');
GRANT staff TO alice;
GRANT project TO bob;
SQL

# budget(ROLE, EPSILON, more SQL arguments) opens the account anew, with nothing spent.
sub budget
{
	my ($role, $epsilon, $more) = @_;
	my ($population) = ($more // '') =~ /population => '(\w+)'/;
	$population //= 'people';
	($more //= '') =~ s/,? *population => '\w+'//;

	$node->safe_psql('postgres', <<"SQL");
DELETE FROM dp_agg.account WHERE role = '$role'::regrole AND population = '$population';
SELECT dp_agg.set_budget('$role', '$population', epsilon => $epsilon $more, forget => true);
UPDATE dp_agg.account SET epsilon_lifetime = 0, delta_lifetime = 0 WHERE role = '$role'::regrole AND population = '$population';
SQL
	return;
}

# spent(ROLE [, POPULATION]): epsilon, as plain text.
sub spent
{
	my ($role, $population) = @_;

	$population //= 'people';
	return $node->safe_psql('postgres',
		"SELECT epsilon_spent FROM dp_agg.budgets WHERE role = '$role' AND population = '$population'");
}

sub logged
{
	return $node->safe_psql('postgres', 'SELECT count(*), coalesce(sum(epsilon), 0) FROM dp_agg.releases');
}

sub wait_until
{
	my ($query, $what) = @_;

	$node->poll_query_until('postgres', $query) or die "timed out: $what";
	return;
}

# Starts one statement, waits until it sleeps above its release, does something to it.
sub while_sleeping
{
	my ($action) = @_;
	my $sleepy = 'SELECT c, pg_sleep(60) FROM (SELECT dp_count(*) AS c FROM people) s';
	my $client = Clients::start($node, 'analyst', Clients::statement($sleepy));

	wait_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'analyst' AND wait_event = 'PgSleep'",
		'the client sleeps');
	$node->safe_psql('postgres', "SELECT $action(pid) FROM pg_stat_activity WHERE usename = 'analyst'");
	return (Clients::finish(30, $client))[0];
}

# ----------------------------------------------------------------------------
# 16 clients, 640 attempts, room for 100: in tenths, so that the integers show.
{
	my $script = "SET dp_agg.epsilon = 0.1;\n" . Clients::statement($count) x 40;

	budget('analyst', 10, ', delta => 1e-3');
	my $total = Clients::total(Clients::finish(60, map { Clients::start($node, 'analyst', $script) } 1 .. 16));
	is_deeply($total->{states}, { '00000' => 100, DP001 => 540 }, 'of 640 attempts by 16 clients 100 succeed');
	is($total->{rows}, 100, 'as many answers were received');
	is(spent('analyst'), '10', 'the whole budget is spent');
	is(logged(), '100|10.0', '100 releases are logged');
	is($node->safe_psql('postgres', 'SELECT count(DISTINCT id) FROM dp_agg.releases'), 100, 'with numbers of their own');
	my $r = DpAgg::refused($node, 'analyst', $count, 'DP001', 'another is refused');
	like($r->{err}, qr/costs epsilon 1 and delta 0\.00000001; .*"analyst" has epsilon 0 and delta 0\.000999 left/,
		'the refusal says what it costs and what is left');
	like($r->{err}, qr/does not renew/, 'and that it will not renew');
}

# ----------------------------------------------------------------------------
# Nothing gives back what was charged.
budget('analyst', 1000, ', delta => 1e-3');
foreach my $case (
	[ 'ROLLBACK', "BEGIN; $count; ROLLBACK", '00000' ],
	[ 'ROLLBACK TO', "BEGIN; SAVEPOINT s; $count; ROLLBACK TO s; COMMIT", '00000' ],
	[ 'an error above the release', 'SELECT 1 / (c - c) FROM (SELECT dp_count(*) AS c FROM people) s', '22012' ],
	[ 'an error later in the transaction', "BEGIN; $count; SELECT 1 / 0", '22012' ],
	[ 'a failed COMMIT', 'CREATE TEMP TABLE t (c bigint UNIQUE DEFERRABLE INITIALLY DEFERRED); BEGIN; '
		. 'INSERT INTO t SELECT dp_count(*) FROM people; INSERT INTO t SELECT c FROM t; COMMIT', '23505' ],
	[ 'an error that PL/pgSQL caught', 'DO $$ BEGIN PERFORM dp_count(*) FROM people; PERFORM 1 / 0; '
		. 'EXCEPTION WHEN division_by_zero THEN NULL; END $$', '00000' ],
	[ 'a cursor of which nothing is fetched', "BEGIN; DECLARE c CURSOR FOR $count; COMMIT", '00000' ],
	[ 'a cursor that is read twice', "BEGIN; DECLARE c SCROLL CURSOR FOR $count; FETCH c; MOVE BACKWARD ALL c; FETCH c; COMMIT", '00000' ],
	[ 'statement_timeout', "SET statement_timeout = '300ms'; SELECT c, pg_sleep(60) FROM (SELECT dp_count(*) AS c FROM people) s", '57014' ],
	[ 'a read-only transaction', "BEGIN READ ONLY; $count; COMMIT", '00000' ],
	[ 'a session that is read-only', "SET default_transaction_read_only = on; $count", '00000' ],
	[ 'an execution of a prepared statement', "PREPARE p AS $count; EXECUTE p", '00000' ])
{
	my ($name, $sql, $state) = @$case;
	my $before = spent('analyst');
	my $r = DpAgg::as($node, 'analyst', $sql);

	is($r->{sqlstate}, $state, "$name: ends with $state") or diag($r->{err});
	is(spent('analyst') - $before, 1, "$name: is charged once");
}
foreach my $case ([ 'PREPARE alone', "PREPARE p AS $count", '00000' ],
	[ 'a refused statement', 'SELECT id FROM people', '42501' ],
	[ 'EXPLAIN ANALYZE', "EXPLAIN ANALYZE $count", 'DP002' ],
	[ 'a release that is never reached', "SELECT 1 / 0; $count", '22012' ])
{
	my ($name, $sql, $state) = @$case;
	my $before = spent('analyst');

	is(DpAgg::as($node, 'analyst', $sql)->{sqlstate}, $state, "$name: ends with $state");
	is(spent('analyst') - $before, 0, "$name: costs nothing");
}
foreach my $case ([ 'pg_cancel_backend', '57014' ], [ 'pg_terminate_backend', '' ])
{
	my ($action, $state) = @$case;
	my $before = spent('analyst');
	my $result = while_sleeping($action);

	is($result->{hung} . join(',', keys %{ $result->{states} }), "0$state", "$action ends the statement");
	is(spent('analyst') - $before, 1, "$action: the release stays charged");
}

# Timeouts that strike anywhere: an answer without a charge there is none.
{
	my ($before) = split /\|/, logged();
	my $spent = spent('analyst');
	my @timeouts = map { 1 + $_ % 3 } 1 .. 60;
	my $script = join '', map { "SET statement_timeout = '${_}ms';\n" . Clients::statement($count) } @timeouts;
	my $total = Clients::total(Clients::finish(60, map { Clients::start($node, 'analyst', $script) } 1 .. 8));
	my ($after) = split /\|/, logged();

	is($total->{hung}, 0, 'nobody hangs when timeouts strike');
	is(join(' ', grep { !/^(00000|57014)$/ } keys %{ $total->{states} }), '', 'there are answers and timeouts');
	note("timeouts: $total->{rows} answers, " . ($after - $before) . ' charged, of ' . 8 * @timeouts);
	cmp_ok($total->{rows}, '<=', $after - $before, 'no answer without a charge');
	is(spent('analyst') - $spent, $after - $before, 'what is logged is what was charged');
}

# ----------------------------------------------------------------------------
# Who pays: all accounts of the session user, the current user, and their roles.
{
	budget('alice', 5);
	budget('staff', 2);
	DpAgg::works($node, 'alice', $count) foreach 1 .. 2;
	is(spent('alice') . ' ' . spent('staff'), '2 2', 'a member and its group pay both');
	my $r = DpAgg::refused($node, 'alice', $count, 'DP001', 'a member stops when its group has nothing left');
	like($r->{err}, qr/account of role "staff"/, 'and is told whose account it is');
	is(spent('alice'), '2', 'its own account is not charged then');
	is(DpAgg::value($node, 'alice', 'SELECT string_agg(role, \' \' ORDER BY role) FROM dp_agg.my_budget'),
		'alice staff', 'it sees both accounts');
	budget('staff', 100);
	DpAgg::works($node, 'alice', $count) foreach 1 .. 3;
	$r = DpAgg::refused($node, 'alice', $count, 'DP001', 'and the other way round');
	is(spent('staff'), '3', 'the group is not charged then');

	budget('project', 3);
	DpAgg::works($node, 'bob', $count, 'a role without an account of its own spends its group\'s');
	DpAgg::works($node, 'bob', "SET ROLE project; $count", 'also after SET ROLE');
	is(spent('project'), '2', 'which is charged once for each');
	$node->safe_psql('postgres', 'ALTER ROLE bob NOINHERIT');
	DpAgg::works($node, 'bob', $count, 'and when it does not inherit');
	DpAgg::refused($node, 'bob', $count, 'DP001', 'until nothing is left');

	# The session user is dave, the current user is carol, and neither is in the other.
	$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION ask() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS '$count';
ALTER FUNCTION ask() OWNER TO carol;
SQL
	budget('carol', 2);
	DpAgg::works($node, 'dave', 'SELECT ask()', 'in a SECURITY DEFINER function its owner pays');
	is(spent('carol'), '1', 'and is charged');
	budget('dave', 1);
	DpAgg::works($node, 'dave', 'SELECT ask()', 'as does the session user');
	is(spent('carol') . ' ' . spent('dave'), '2 1', 'both are charged');
	budget('carol', 10);
	DpAgg::refused($node, 'dave', 'SELECT ask()', 'DP001', 'the session user must have room');
	budget('dave', 10);
	budget('carol', 0.5);
	DpAgg::refused($node, 'dave', 'SELECT ask()', 'DP001', 'the owner must have room');
	is(spent('carol') . ' ' . spent('dave'), '0 0', 'and neither is charged when one has none');
}

# All or nothing, over releases and populations of one statement.
{
	my $two = "$count UNION ALL $count";
	my $both = 'SELECT (SELECT dp_count(*) FROM people), (SELECT dp_count(*) FROM schools)';

	budget('analyst', 1.5);
	DpAgg::refused($node, 'analyst', $two, 'DP001', 'two releases, room for one and a half');
	is(spent('analyst'), '0', 'none is charged');
	budget('analyst', 2);
	DpAgg::works($node, 'analyst', $two);
	is(spent('analyst'), '2', 'with room for two, both are');
	budget('analyst', 9);
	my $before = logged();
	DpAgg::refused($node, 'analyst', $both, '42501', 'two populations, an account on one');
	budget('analyst', 0.5, ", population => 'schools'");
	DpAgg::refused($node, 'analyst', $both, 'DP001', 'two populations, room on one');
	is(spent('analyst') . ' ' . spent('analyst', 'schools'), '0 0', 'nothing is charged');
	is(logged(), $before, 'nor logged');
	budget('analyst', 1, ", population => 'schools'");
	DpAgg::works($node, 'analyst', $both);
	is(spent('analyst') . ' ' . spent('analyst', 'schools'), '1 1', 'with room on both, both are charged');
	$node->safe_psql('postgres', "SELECT dp_agg.drop_budget('analyst', 'schools')");
}

# ----------------------------------------------------------------------------
# Limits.
budget('analyst', 100, ', max_epsilon_per_query => 0.5');
DpAgg::refused($node, 'analyst', $count, 'DP002', 'more than max_epsilon_per_query');
DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.5; $count");
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.3; $count UNION ALL $count", 'DP002',
	'max_epsilon_per_query is about the whole statement');
is(spent('analyst'), '0.5', 'what is refused is not charged');

# The least that a release may cost is about each release, not about the statement.
{
	my $cheap = "$count UNION ALL $count WHERE dp_with(epsilon => 0.49)";

	budget('analyst', 100, ', min_epsilon_per_query => 0.5, max_epsilon_per_query => 2');
	my $r = DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.499999999; $count", 'DP002', 'less than min_epsilon_per_query');
	like($r->{err}, qr/costs epsilon 0\.499999999; .*"analyst" pays costs at least 0\.5\. Nothing was charged\..*HINT:  SET dp_agg\.epsilon = 0\.5, or more/s,
		'the refusal says what it costs, what is least, and what to do');
	DpAgg::refused($node, 'analyst', $cheap, 'DP002', 'min_epsilon_per_query is about every release');
	DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.1; " . join(' UNION ALL ', ($count) x 6), 'DP002', 'whatever they cost together');
	is(spent('analyst'), '0', 'what is refused is not charged');
	DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.5; $count UNION ALL $count", 'exactly the least is enough');
	is(spent('analyst'), '1', 'for each');
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 100)");
	DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 1e-9; $count", 'the limit is gone when the budget is set without');

	# one of several accounts
	budget('alice', 5);
	budget('staff', 5, ', min_epsilon_per_query => 0.5');
	$r = DpAgg::refused($node, 'alice', "SET dp_agg.epsilon = 0.1; $count", 'DP002', 'the least of a group holds for its members');
	like($r->{err}, qr/account of role "staff"/, 'and they are told whose it is');
	is(spent('alice') . ' ' . spent('staff'), '0 0', 'and neither is charged');
	# rounded up, where limits are rounded down
	budget('analyst', 100, ', min_epsilon_per_query => 0.5000000001');
	is(DpAgg::value($node, 'analyst', 'SELECT min_epsilon_per_query FROM dp_agg.my_budget'), '0.500000001', 'the least is rounded up');
	$node->safe_psql('postgres', "SELECT dp_agg.drop_budget('staff', 'people')");
}

# How many releases: each of a statement counts, all or none.
{
	my $releases = "SELECT releases_spent, releases_remaining FROM dp_agg.budgets WHERE role = 'analyst' AND population = 'people'";
	my $script = "SET dp_agg.epsilon = 0.1;\n" . Clients::statement("$count UNION ALL $count") x 4 . Clients::statement($count) x 10;

	budget('analyst', 1000, ', delta => 1e-3, max_releases => 100');
	my $total = Clients::total(Clients::finish(60, map { Clients::start($node, 'analyst', $script) } 1 .. 16));
	is($total->{rows}, 100, 'of 288 releases by 16 clients 100 are answered, some of them two in a statement') or diag(explain($total));
	is_deeply([ sort keys %{ $total->{states} } ], [ '00000', 'DP001' ], 'the other statements are refused');
	is($node->safe_psql('postgres', $releases), '100|0', 'and none is left');
	is(spent('analyst'), '10', 'all of them are paid');
	my $r = DpAgg::refused($node, 'analyst', $count, 'DP001', 'another is refused');
	like($r->{err}, qr/number of releases on population "people" is exhausted.*makes 1; the account of role "analyst" has 0 of 100 left.*does not renew\. Ask for more in one release/s,
		'the refusal says how many are left, and that it will not renew');
	is(spent('analyst'), '10', 'and is not charged');

	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000, max_releases => 102)");
	is($node->safe_psql('postgres', $releases), '100|2', 'a limit that is raised keeps what was made');
	DpAgg::refused($node, 'analyst', join(' UNION ALL ', ($count) x 3), 'DP001', 'three releases, where two are left');
	is($node->safe_psql('postgres', $releases), '100|2', 'none counts');
	DpAgg::works($node, 'analyst', "$count UNION ALL $count", 'two are had');
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000, max_releases => 50)");
	is($node->safe_psql('postgres', $releases), '102|0', 'lowered below what was made, none is left');
	DpAgg::refused($node, 'analyst', $count, 'DP001', 'nor had');
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000)");
	is($node->safe_psql('postgres', $releases), '102|', 'without a limit they are counted all the same');
	DpAgg::works($node, 'analyst', $count, 'and had');

	# what is refused for another reason does not count
	budget('analyst', 0.5, ', max_releases => 2');
	DpAgg::refused($node, 'analyst', $count, 'DP001', 'too little epsilon');
	is($node->safe_psql('postgres', $releases), '0|2', 'does not count as a release');
	# a release of many outputs is one
	DpAgg::works($node, 'analyst', 'SET dp_agg.epsilon = 0.1; SELECT dp_count(*), dp_sum(id, 0, 200), dp_median(id, 0, 200) FROM people');
	is($node->safe_psql('postgres', $releases), '1|1', 'several outputs of a level are one release');
	# what is left of several accounts: the group's
	budget('alice', 5, ', max_releases => 5');
	budget('staff', 5, ', max_releases => 1');
	DpAgg::works($node, 'alice', $count);
	$r = DpAgg::refused($node, 'alice', $count, 'DP001', 'a member stops when its group has made its releases');
	like($r->{err}, qr/account of role "staff" has 0 of 1 left/, 'and is told whose they were');
	is($node->safe_psql('postgres', "SELECT releases_spent FROM dp_agg.budgets WHERE role = 'alice'"), '1', 'its own do not count then');
	$node->safe_psql('postgres', "SELECT dp_agg.drop_budget('staff', 'people')");
}

budget('analyst', 100, ', delta => 2.5e-8');
DpAgg::works($node, 'analyst', "SET dp_agg.delta = 1e-8; $count") foreach 1 .. 2;
{
	my $r = DpAgg::refused($node, 'analyst', "SET dp_agg.delta = 1e-8; $count", 'DP001', 'delta is exhausted');

	like($r->{err}, qr/is exhausted: too little delta is left.*costs delta 0\.00000001; the account of role "analyst" has 0\.000000005 left.*smaller dp_agg\.delta.*smaller epsilon is no help/s, 'and that is what the message says');
}
is(spent('analyst'), '2', 'epsilon is not charged then');
DpAgg::works($node, 'analyst', "SET dp_agg.delta = 5e-9; $count", 'what is left of delta can be spent');
is($node->safe_psql('postgres', "SELECT delta_spent = 2.5e-8, delta_remaining = 0 FROM dp_agg.budgets WHERE role = 'analyst'"),
	't|t', 'to the last bit');

# Integers: tenths add up; a budget is rounded down to units, a price up to the one
# that its noise is drawn with.
budget('analyst', 0.3);
DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = $_; $count") foreach 0.1, 0.2;
is(DpAgg::value($node, 'analyst', 'SELECT epsilon_spent = 0.3, epsilon_remaining = 0 FROM dp_agg.my_budget'),
	't|t', '0.1 and 0.2 are 0.3');
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 1e-9; $count", 'DP001', 'not the least unit is left');
budget('analyst', 1);
DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.3333333331; $count");
is(spent('analyst'), '0.333333334', 'a price is whole units, rounded up');
budget('analyst', 1);
DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.1; $count") foreach 1 .. 10;
is(spent('analyst'), '1', 'but 0.1 is 0.1, ten times');
budget('analyst', '0.0000000019');
is(DpAgg::value($node, 'analyst', 'SELECT epsilon_limit FROM dp_agg.my_budget'), '0.000000001',
	'fractions of a unit are no budget');

# Raising and lowering keep what is spent.
budget('analyst', 3);
DpAgg::works($node, 'analyst', $count) foreach 1 .. 2;
$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1)");
is(DpAgg::value($node, 'analyst', 'SELECT epsilon_limit, epsilon_spent, epsilon_remaining FROM dp_agg.my_budget'),
	'1|2|0', 'lowered below what is spent');
DpAgg::refused($node, 'analyst', $count, 'DP001', 'nothing is left then');
$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 3)");
DpAgg::works($node, 'analyst', $count, 'raised again, there is');
is(spent('analyst'), '3', 'and all of it counts');

# A period.
{
	budget('analyst', 1, ", period => '3 seconds', max_releases => 1");
	DpAgg::works($node, 'analyst', $count);
	my $r = DpAgg::refused($node, 'analyst', $count, 'DP001', 'nothing is left in this period');
	like($r->{err}, qr/HINT:  The account renews at \d{4}-/, 'the refusal says when it renews');
	wait_until("SELECT epsilon_spent = 0 FROM dp_agg.budgets WHERE role = 'analyst'", 'the account renews');
	DpAgg::works($node, 'analyst', $count, 'in the next period there is');
	is(DpAgg::value($node, 'analyst', 'SELECT epsilon_spent, releases_spent, releases_remaining, renews_at > now() FROM dp_agg.my_budget'), '1|1|0|t',
		'which is charged anew');
	budget('analyst', 10, ", period => '3 seconds', max_releases => 1");
	DpAgg::works($node, 'analyst', $count);
	$r = DpAgg::refused($node, 'analyst', $count, 'DP001', 'no release is left in this period');
	like($r->{err}, qr/number of releases.*HINT:  The account renews at \d{4}-/s, 'the refusal says when it renews');
	wait_until("SELECT releases_remaining = 1 FROM dp_agg.budgets WHERE role = 'analyst'", 'its releases renew');
	DpAgg::works($node, 'analyst', $count, 'in the next period there is one');
	wait_until("SELECT releases_remaining = 1 FROM dp_agg.budgets WHERE role = 'analyst'", 'and again');
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10, period => '3 seconds', max_releases => 1)");
	is($node->safe_psql('postgres', "SELECT releases_spent FROM dp_agg.account WHERE role = 'analyst'::regrole"), '0', 'a budget that is set anew knows that the period is over');
	is($node->safe_psql('postgres', "SELECT epsilon_lifetime FROM dp_agg.account WHERE role = 'analyst'::regrole"),
		'2000000000', 'what is spent in all periods together');
}

# ----------------------------------------------------------------------------
# An open transaction of the DBA on one account holds up that account alone.
{
	budget($_, 10) foreach qw(analyst other);
	my $dba = $node->background_psql('postgres');
	$dba->query_safe("BEGIN; SELECT dp_agg.set_budget('analyst', 'people', epsilon => 20)");
	my $start = time;
	my $held = Clients::start($node, 'analyst', Clients::statement($count));

	DpAgg::works($node, 'other', $count, 'another account is charged meanwhile');
	cmp_ok(time - $start, '<', 3, 'without delay');
	my ($result) = Clients::finish(30, $held);
	is_deeply($result->{states}, { DP004 => 1 }, 'a statement on the account gives up');
	cmp_ok(time - $start, '<', 15, 'after a few seconds');
	like($result->{err}, qr/is being changed/, 'and says why');
	is(spent('analyst'), '0', 'uncharged');

	my $waiting = Clients::start($node, 'analyst', Clients::statement($count));
	wait_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'analyst' AND state = 'active'", 'it waits');
	$dba->query_safe('COMMIT');
	$dba->quit;
	($result) = Clients::finish(30, $waiting);
	is_deeply($result->{states}, { '00000' => 1 }, 'one that waits goes on after COMMIT');
	is($node->safe_psql('postgres', "SELECT epsilon_limit, epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'"),
		'20|1', 'under the new limit');
}

# ----------------------------------------------------------------------------
# What an analyst sees: its own.
$node->safe_psql('postgres', "SELECT dp_agg.drop_budget('other', 'people')");
DpAgg::works($node, 'analyst', "$count /* a telling comment */");
foreach my $view (qw(my_budget my_releases budgets releases))
{
	my $where = $view =~ /releases/ ? "WHERE session_role <> 'other'" : '';

	cmp_ok(DpAgg::value($node, 'analyst', "SELECT count(*) FROM dp_agg.$view"), '>', 0, "$view shows one's own");
	is(DpAgg::value($node, 'other', "SELECT count(*) FROM dp_agg.$view $where"), 0, "$view shows nothing of others");
}
is(DpAgg::value($node, 'analyst',
		q{SELECT string_agg(DISTINCT session_role || ' ' || "current_role", ',') FROM dp_agg.my_releases}),
	'analyst analyst', 'my_releases shows no others');
is(DpAgg::value($node, 'other', <<'SQL'), 0, 'a cheap function does not see the rows behind a view');
CREATE TEMP TABLE seen (query text);
CREATE FUNCTION pg_temp.spy(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS
$$ BEGIN INSERT INTO seen VALUES ($1); RETURN true; END $$;
DO $$ BEGIN PERFORM FROM dp_agg.my_releases WHERE pg_temp.spy(query); PERFORM FROM dp_agg.releases WHERE pg_temp.spy(query); END $$;
SELECT count(*) FROM seen WHERE query LIKE '%telling%';
SQL
foreach my $table (qw(account release))
{
	DpAgg::refused($node, 'analyst', $_, '42501') foreach
	  "SELECT * FROM dp_agg.$table", "INSERT INTO dp_agg.$table DEFAULT VALUES", "DELETE FROM dp_agg.$table",
	  "TRUNCATE dp_agg.$table", "BEGIN; LOCK dp_agg.$table IN ACCESS SHARE MODE", "SELECT 1 FROM dp_agg.$table FOR UPDATE",
	  "COPY dp_agg.$table TO STDOUT", "ALTER TABLE dp_agg.$table DISABLE TRIGGER ALL", "DROP TABLE dp_agg.$table",
	  "CREATE INDEX ON dp_agg.$table ((1))";
}
DpAgg::refused($node, 'analyst', $_, '42501') foreach
  'UPDATE dp_agg.account SET epsilon_spent = 0',
  'UPDATE dp_agg.release SET epsilon = 0', 'DELETE FROM dp_agg.my_releases',
  'SELECT * FROM dp_agg.account_state', 'SELECT * FROM dp_agg.release_log', 'SELECT * FROM dp_agg.my_roles',
  "SELECT nextval('dp_agg.account_change_waiting_number_seq')",
  "SELECT setval('dp_agg.account_change_waiting_number_seq', 1)",
  'SELECT * FROM dp_agg.verify_ledger()', 'SELECT dp_agg.ledger_head()', 'SELECT * FROM dp_agg.ledger_head',
  'SELECT * FROM dp_agg.account_change', 'SELECT * FROM dp_agg.account_change_waiting', 'SELECT * FROM dp_agg.raw_read',
  "INSERT INTO dp_agg.account_change_waiting DEFAULT VALUES", 'DELETE FROM dp_agg.ledger_head',
  "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000)", "SELECT dp_agg.drop_budget('analyst', 'people')",
  'CREATE TABLE dp_agg.t ()', 'DROP EXTENSION dp_agg', 'ALTER VIEW dp_agg.my_budget SET (security_barrier = false)';

DpAgg::refused($node, 'analyst', 'UPDATE dp_agg.my_budget SET epsilon_spent = 0', '55000');

# ----------------------------------------------------------------------------
# Names: renaming mints nothing, and a new role of an old name is a new role.
budget('analyst', 1);
DpAgg::works($node, 'analyst', $count);
$node->safe_psql('postgres', 'ALTER ROLE analyst RENAME TO renamed; CREATE ROLE analyst LOGIN');
DpAgg::refused($node, 'renamed', $count, 'DP001', 'a renamed role has what it had');
is(spent('renamed'), '1', 'and the account shows its name');
DpAgg::refused($node, 'analyst', $count, '42501', 'a new role of the old name has no account');
is(DpAgg::value($node, 'renamed', 'SELECT count(*) > 0 FROM dp_agg.my_releases'), 't',
	'a renamed role sees its releases');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.my_releases'), 0,
	'a new role of the old name does not');
budget('analyst', 1000, ', delta => 1e-3');
$node->safe_psql('postgres', 'DROP ROLE analyst; CREATE ROLE analyst LOGIN');
DpAgg::refused($node, 'analyst', $count, '42501', 'the account of a dropped role is closed');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.my_budget'), 0, 'and not inherited by name');

# No account, no answer.
budget('analyst', 10);
DpAgg::works($node, 'analyst', $count);
$node->safe_psql('postgres', "SELECT dp_agg.drop_budget('analyst', 'people')");
DpAgg::refused($node, 'analyst', $count, '42501', 'no answer after drop_budget');
{
	my @results = DpAgg::bulk($node, 'other', [ "PREPARE p AS $count", 'EXECUTE p' ]);
	is($results[1]->{sqlstate}, '42501', 'nor from a prepared statement');
}

# ----------------------------------------------------------------------------
# What the owner hangs on the tables holds for the worker: who cannot be charged gets
# no answer.
{
	budget('analyst', 10);
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE seen (who name);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen VALUES (new.session_role); RETURN NULL; END';
CREATE TRIGGER t AFTER INSERT ON dp_agg.release FOR EACH ROW EXECUTE FUNCTION see();
SQL
	DpAgg::works($node, 'analyst', $count);
	is($node->safe_psql('postgres', "SELECT string_agg(who, ' ') FROM seen"), 'analyst', 'a trigger on the log fires once');
	unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/reference leak/, 'and leaves no relation open');
	my $before = logged();
	$node->safe_psql('postgres',
		'CREATE TRIGGER t BEFORE UPDATE ON dp_agg.account FOR EACH ROW EXECUTE FUNCTION nothing()');
	DpAgg::refused($node, 'analyst', $count, 'DP004', 'no answer if a trigger suppresses the charge');
	$node->safe_psql('postgres', 'DROP TRIGGER t ON dp_agg.account; '
		. 'ALTER TABLE dp_agg.account ADD CONSTRAINT c CHECK (epsilon_spent < 2000000000) NOT VALID');
	DpAgg::refused($node, 'analyst', $count, 'DP004', 'nor if a constraint is against it');
	is(logged(), $before, 'and nothing is logged');
	$node->safe_psql('postgres', 'ALTER TABLE dp_agg.account DROP CONSTRAINT c; DROP TRIGGER t ON dp_agg.release');
	DpAgg::works($node, 'analyst', $count, 'without them there is an answer');
	is(spent('analyst'), '2', 'which is charged');
}

# ----------------------------------------------------------------------------
# Databases come and go right after use.
$node->safe_psql('postgres', 'CREATE DATABASE study');
$node->safe_psql('study', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people SELECT generate_series(1, 200);
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 10);
SQL
DpAgg::value($node, 'analyst', $count, db => 'study');
my @created = $node->psql('postgres', 'CREATE DATABASE copy TEMPLATE study');
is($created[0], 0, 'CREATE DATABASE TEMPLATE right after a release') or diag($created[2]);
is(DpAgg::as($node, 'analyst', "$count; SELECT epsilon_spent FROM dp_agg.my_budget", db => 'copy')->{out} =~ s/^\d+\n//r,
	'2', 'the copy has the accounts of the original');
is(DpAgg::value($node, 'analyst', 'SELECT epsilon_spent FROM dp_agg.my_budget', db => 'study'), '1',
	'and is charged by itself');
foreach my $db (qw(copy study))
{
	DpAgg::value($node, 'analyst', $count, db => $db);
	my @dropped = $node->psql('postgres', "DROP DATABASE $db");
	is($dropped[0], 0, "DROP DATABASE right after a release: $db") or diag($dropped[2]);
}

$node->stop;
done_testing();
