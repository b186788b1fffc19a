# What accounts add up: epsilon or rho; how delta is shared out; what all periods together and all
# roles together may spend.

use strict;
use warnings;
use Test::More;
use List::Util 'min';
use Clients;
use DpAgg;

my @roles = qw(analyst other member team);
my $node = DpAgg::node('composition', roles => \@roles);
my $count = 'SELECT dp_count(*) FROM people';

sub query { return $node->safe_psql('postgres', join(';', @_)); }
sub budget { my ($more) = @_; return query("SELECT dp_agg.set_budget($more)"); }
sub column { my ($columns, $role) = @_; return query("SELECT $columns FROM dp_agg.budgets WHERE role = '" . ($role // 'analyst') . "'"); }
sub cap { my ($columns) = @_; return query("SELECT $columns FROM dp_agg.population_caps"); }
sub ask { my ($epsilon, $role) = @_; return DpAgg::works($node, $role // 'analyst', "SET dp_agg.epsilon = $epsilon; $count"); }
sub whole { my ($name) = @_; is(query('SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', "the ledger holds: $name"); return; }

# Begins anew, with no account.
sub anew
{
	query('DELETE FROM dp_agg.account', 'SET session_replication_role = replica', 'DELETE FROM dp_agg.account_change', 'DELETE FROM dp_agg.account_change_waiting',
		'DELETE FROM dp_agg.release', 'DELETE FROM dp_agg.raw_read', 'DELETE FROM dp_agg.ledger_head');
	return;
}

# How many releases of a price there is room for.
sub rounds
{
	my ($epsilon, $most, $role) = @_;
	my $asked = DpAgg::as($node, $role // 'analyst', <<"SQL");
SET dp_agg.epsilon = $epsilon;
DO \$\$
DECLARE done int := 0; n bigint;
BEGIN
	LOOP
		BEGIN
			EXECUTE '$count' INTO n;
		EXCEPTION WHEN SQLSTATE 'DP001' THEN
			RAISE NOTICE 'did %', done;
			RETURN;
		END;
		done := done + 1;
		IF done >= $most THEN RAISE NOTICE 'did %', done; RETURN; END IF;
	END LOOP;
END \$\$;
SQL
	my ($done) = $asked->{err} =~ /did (\d+)/ or diag($asked->{err});
	return $done;
}

# The least epsilon for which rho-zCDP implies (epsilon, delta)-DP, by trying orders (Canonne,
# Kamath and Steinke 2020, Proposition 12).
sub epsilon_of
{
	my ($rho, $delta) = @_;

	return min(map { my $a = 1 + exp($_ / 4000); $a * $rho + (log(1 / $delta) - log($a)) / ($a - 1) + log(1 - 1 / $a) } -20000 .. 20000);
}

query(<<'SQL');
CREATE TABLE people (id int PRIMARY KEY, g int NOT NULL);
INSERT INTO people SELECT i, i % 3 FROM generate_series(1, 3000) i;
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
GRANT team TO member;
SQL

# ---------- rho ----------

budget("'analyst', 'people', 10, 1e-6, accountant => 'zcdp'");
is(column('accountant, epsilon_limit, epsilon_spent, epsilon_remaining, delta_limit, delta_spent, rho_spent, rho_remaining = rho_limit'), 'zcdp|10|0|10|0.000001|0|0|t', 'nothing is spent');
my $limit = column('rho_limit');
cmp_ok(epsilon_of($limit, 5e-7), '<=', 10 + 1e-6, "rho $limit is within the budget");
cmp_ok(epsilon_of($limit * 1.0001, 5e-7), '>', 10, '... and as much as is');
ask(1);
is(column('rho_spent, rho_spent + rho_remaining = rho_limit'), '0.5|t', 'epsilon 1 costs rho 1/2');
my ($spent, $delta) = split /\|/, column('epsilon_spent, delta_spent');
cmp_ok(abs($spent - epsilon_of(0.5, 5e-7)), '<', 1e-4, "which means epsilon $spent at half of delta");
is($delta, '0.00000051', 'that half is spent, and what the gate has cost');
is(column('epsilon_lifetime = epsilon_spent, epsilon_remaining = epsilon_limit - epsilon_spent'), 't|t', 'and counts for the lifetime');
{
	my $r = DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 1.5; $count", 'DP001', 'too little rho is left');

	like($r->{err}, qr/costs epsilon 1\.5 \(rho 1\.125\) and delta 0\.00000001; the account of role "analyst" has rho 0\.97\d* left, which is one release of epsilon 1\.39\d*, and delta/, 'and it says what there is');
	my ($left) = $r->{err} =~ /one release of epsilon ([\d.]+),/;
	ask($left);
	is(column('rho_remaining < 1e-8'), 't', 'which can be spent');
}
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.001; $count", 'DP001', 'then nothing is left');
cmp_ok(column('epsilon_spent'), '<=', 10, 'no more than the budget is spent');
whole('rho');

# A statement of several releases costs the sum of their rho.
budget("'analyst', 'people', 10, 1e-6, accountant => 'zcdp', forget => true");
DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.1; $count; SELECT (SELECT dp_count(*) FROM people) + (SELECT dp_count(*) FROM people WHERE g = 1)");
is(column('rho_spent, releases_spent'), '0.015|3', 'each release has its rho');
whole('several releases');

# ---------- many small releases ----------

anew();
budget("'analyst', 'people', 1, 1e-6");
budget("'other', 'people', 1, 1e-6, accountant => 'zcdp'");
is(rounds(0.01, 1000), 100, 'pure: a hundred releases of a hundredth');
{
	my $rounds = int(column('rho_limit', 'other') / 0.00005);

	cmp_ok($rounds, '>', 300, "zcdp: room for $rounds");
	is(rounds(0.01, 1000, 'other'), $rounds, 'and so many are made');
}
cmp_ok(column('delta_spent'), '<=', 1e-6, 'of delta no more than there is');
is(column('epsilon_remaining, delta_remaining < 1e-15'), '0|t', 'epsilon and delta are spent together');
cmp_ok(column('delta_spent', 'other'), '<=', 1e-6, 'zcdp: of delta no more than there is');
whole('many releases');

# ---------- delta ----------

# The default: no greater part of delta than of epsilon, and never more than dp_agg.delta.
anew();
budget("'analyst', 'people', 10, 1e-7");
ask(0.5);
is(column('delta_spent'), '0.000000005', 'a twentieth of epsilon, a twentieth of delta');
DpAgg::works($node, 'analyst', "SET dp_agg.delta = 1e-8; $count");
is(column('delta_spent'), '0.000000015', 'who says which delta gets that');
DpAgg::works($node, 'analyst', 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 0.5, delta => 2e-8)');
is(column('delta_spent'), '0.000000035', 'also in the query');
DpAgg::works($node, 'analyst', "SET dp_agg.delta = 3e-8; SET dp_agg.epsilon = 0.5; $count; RESET dp_agg.delta; $count");
is(column('delta_spent'), '0.00000007', 'until it is taken back');
budget("'analyst', 'people', 10, 1e-3, forget => true");
ask(0.5);
is(column('delta_spent'), '0.00000001', 'not more than the setting');
# all accounts that pay have to have room
budget("'member', 'people', 10, 1e-6");
budget("'team', 'people', 1, 1e-9");
ask(0.1, 'member');
is(column('delta_spent', 'member') . ' ' . column('delta_spent', 'team'), '0.0000000001 0.0000000001', 'the least of what the accounts that pay have for it');
budget("'analyst', 'people', 10, 0, forget => true");
DpAgg::refused($node, 'analyst', $count, 'DP001', 'an account without delta pays for no gate');
like(DpAgg::as($node, 'analyst', "SET dp_agg.epsilon = 0.5; SELECT dp_count(*) FROM people WHERE id < 25; SELECT delta FROM dp_agg.last_release()")->{err}, qr/too little delta/, 'and is told so');
whole('delta');

# ---------- a change of the accountant ----------

anew();
budget("'analyst', 'people', 10, 1e-6");
ask(1) foreach 1 .. 2;
is(column('epsilon_spent, delta_spent, rho_spent, rho_limit IS NULL'), '2|0.00000002|1|t', 'pure: rho is kept, too');
budget("'analyst', 'people', 10, 1e-6, accountant => 'zcdp'");
is(column('rho_spent, epsilon_spent > 7, delta_spent'), '1|t|0.00000052', 'to zcdp: what was spent is spent as rho');
my $means = column('epsilon_spent');
budget("'analyst', 'people', 10, 1e-6");
is(column("epsilon_spent = $means, delta_spent, rho_spent, epsilon_lifetime = $means"), 't|0.00000052|1|t', 'and back: as what rho means');
ask(0.5);
is(column("epsilon_spent = $means + 0.5"), 't', 'to which epsilon is added');
whole('changed accountants');
query("SELECT dp_agg.drop_budget('analyst', 'people')");
budget("'analyst', 'people', 10, 1e-6, accountant => 'zcdp'");
is(column('rho_spent'), '1.125', 'an account that is opened again has spent its rho');
whole('opened again');

# ---------- all periods together ----------

anew();
budget("'analyst', 'people', 1, period => '2 seconds', max_epsilon_lifetime => 1.5");
ask(1);
{
	my $r = DpAgg::refused($node, 'analyst', $count, 'DP001', 'this period has nothing left');

	# less than half is left of all of them, so the lifetime is what it says
	like($r->{err}, qr/is exhausted for all periods.*has epsilon 0\.5 and delta 0\.00000099 left.*No renewal helps/s, 'and neither have all of them together');
}
sleep 3;
DpAgg::refused($node, 'analyst', $count, 'DP001', 'the next one has no more than is left of all');
is(column('epsilon_spent, epsilon_lifetime, max_epsilon_lifetime'), '0|1|1.5', 'the lifetime is shown');
ask(0.5);
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.01; $count", 'DP001', 'then the account has ended');
budget("'analyst', 'people', 1, period => '2 seconds', max_epsilon_lifetime => 1.5, forget => true");
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.01; $count", 'DP001', 'what was spent in the lifetime is not forgotten');
budget("'analyst', 'people', 1, period => '2 seconds', max_epsilon_lifetime => 1.7");
ask(0.1);
whole('a lifetime');
anew();
budget("'analyst', 'people', 5, 1e-6, '2 seconds', accountant => 'zcdp', max_epsilon_lifetime => 6");
is(column('rho_limit > 0.35, rho_limit < 0.5'), 't|t', 'zcdp: rho of a period');
ask(0.8);
sleep 3;
is(column('rho_spent, epsilon_spent, epsilon_lifetime > 4'), '0|0|t', 'zcdp: a period is over, the lifetime is not');
DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.8; $count", 'DP001', 'zcdp: there is less left of all periods');
ask(0.4);
cmp_ok(column('epsilon_lifetime'), '<=', 6, 'zcdp: the lifetime is within its limit');
whole('a lifetime of rho');

# ---------- all roles together ----------

anew();
budget("'analyst', 'people', 10");
budget("'other', 'people', 10, accountant => 'zcdp'");
query("SELECT dp_agg.set_population_cap('people', epsilon => 2)");
is(cap('population, epsilon_limit, epsilon_spent, delta_limit, accountant'), 'people|2|0|0.000001|pure', 'a cap');
ask(1);
ask(0.5, 'other');
is(cap('epsilon_spent, releases_spent'), '1.5|2', 'whoever asks spends from it');
{
	my $r = DpAgg::refused($node, 'analyst', $count, 'DP001', 'more than it holds is refused');

	like($r->{err}, qr/costs epsilon 1 and delta 0\.00000001; the cap of the population has epsilon 0\.5 and delta \S+ left.*HINT:  The cap does not renew/s, 'and the message says what refuses');
}
is(column('epsilon_spent'), '1', 'then the account pays nothing either');
DpAgg::works($node, undef, "SET dp_agg.epsilon = 0.25; $count");
is(cap('epsilon_spent'), '1.75', 'an administrator who asks spends from it');
DpAgg::works($node, undef, "SELECT count(*) FROM dp_agg.suggest('people', 0.2)");
is(cap('epsilon_spent'), '1.95', 'and so does suggest()');
DpAgg::refused($node, undef, $count, 'DP001', 'they stop as well');
is(DpAgg::value($node, 'analyst', 'SELECT population, epsilon_remaining FROM dp_agg.population_caps'), 'people|0.05', 'who has an account sees the cap');
is(DpAgg::value($node, 'member', 'SELECT count(*) FROM dp_agg.population_caps'), '0', 'who has none does not');
is(query("SELECT count(*) FROM dp_agg.budgets WHERE role LIKE '%OID%'") . DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.my_budget'), '01', 'the cap is no budget');
is(query("SELECT DISTINCT accounts FROM dp_agg.releases WHERE session_user_name = 'analyst'"), '{analyst}', 'and nobody by whom a release is paid');
is(query("SELECT role, change FROM dp_agg.account_changes WHERE role = '-'"), '-|opened', 'it is on record');
whole('a cap');
DpAgg::refused($node, 'analyst', "SELECT dp_agg.set_population_cap('people', epsilon => 20)", '42501', 'an analyst sets no cap');
DpAgg::refused($node, 'analyst', "SELECT dp_agg.drop_population_cap('people')", '42501', 'nor drops one');
query("SELECT dp_agg.drop_population_cap('people')");
ask(1);
query("SELECT dp_agg.set_population_cap('people', epsilon => 2)");
is(cap('epsilon_spent'), '1.95', 'a cap that is set again has spent what it had');
query('SET session_replication_role = replica', "UPDATE dp_agg.account SET epsilon_spent = 0 WHERE role = 0::oid");
is(query('SELECT ok, reason FROM dp_agg.verify_ledger()'), 'f|the cap on population "people" was changed behind the back of the ledger: what it has spent in this period is not what its releases cost', 'what is changed behind its back is found');
query('SET session_replication_role = replica', "DELETE FROM dp_agg.account WHERE role = 0::oid");
is(query('SELECT ok, reason FROM dp_agg.verify_ledger()'), 'f|the cap on population "people" was closed behind the back of the ledger', 'also that it is gone');

# A cap of rho, a period, and clients at the same time.
anew();
budget("'$_', 'people', 100, accountant => 'zcdp'") foreach 'analyst', 'other';
query("SELECT dp_agg.set_population_cap('people', 1, 1e-6, accountant => 'zcdp')");
{
	my $room = int(cap('rho_limit') / 0.00045);
	my @clients = map { Clients::start($node, $_, Clients::statement("SET dp_agg.epsilon = 0.03; " . ("$count; " x 40))) } qw(analyst other analyst other);

	Clients::finish(120, @clients);
	is(cap('releases_spent'), min($room, 160), "of 160 releases by four clients the cap lets $room through");
	is(column('releases_spent', 'analyst') + column('releases_spent', 'other'), $room, 'each is paid once');
}
whole('clients at once');

# ---------- what is refused ----------

foreach my $case (
	[ "'analyst', 'people', 1, 0, accountant => 'zcdp'", '22023', 'zcdp without delta' ],
	[ "'analyst', 'people', 1, 1e-18, accountant => 'zcdp'", '22023', 'zcdp with a delta that has no half' ],
	[ "'analyst', 'people', 1e-9, 1e-17, accountant => 'zcdp'", '22023', 'too little for any rho' ],
	[ "'analyst', 'people', 1, accountant => 'rdp'", '22023', 'another accountant' ],
	[ "'analyst', 'people', 1, accountant => NULL", '22004', 'no accountant' ],
	[ "'analyst', 'people', 1, max_epsilon_lifetime => 0", '22023', 'a lifetime of nothing' ],
	[ "'analyst', 'people', 1, max_epsilon_lifetime => 'NaN'", '22023', 'a lifetime of NaN' ],
	[ "'analyst', 'people', 1, max_epsilon_lifetime => -1", '22023', 'a negative lifetime' ])
{
	DpAgg::refused($node, undef, "SELECT dp_agg.set_budget($case->[0])", $case->[1], $case->[2]);
}
DpAgg::refused($node, undef, "SELECT dp_agg.set_population_cap($_->[0])", $_->[1], "a cap: $_->[2]")
  foreach [ "'nowhere', 1", '42704', 'no such population' ], [ "'people', 0", '22023', 'of nothing' ], [ "NULL, 1", '22004', 'on nothing' ], [ "'people', NULL", '22004', 'of NULL' ], [ "'people', 1, period => '-1 day'", '22023', 'a period that goes back' ];
DpAgg::refused($node, undef, "SELECT dp_agg.drop_population_cap('nowhere')", '42704', 'no cap to drop');

done_testing();
