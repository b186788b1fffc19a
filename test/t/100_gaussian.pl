# Gaussian noise, where all accounts that pay for a release add up rho.
#
# How sharp it is, beside what an account that adds up epsilon gets: counts, thresholds, a thousand
# releases, months of a shop's orders under limits that suggest() found.  Who pays decides, also for
# plans that were kept while accounts changed.  What it costs, in grouping sets and beside a median.
# Its intervals cover the truth.  And one individual moves the vectors of a release by no more, in
# the Euclidean norm, than the noise is made for (a build without noise, DP_FAULT_NOISELESS, tells them).

use strict;
use warnings;
use List::Util qw(max min sum0);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

use constant ONE => 2**30;    # an individual, in lattice units

my $node = DpAgg::node('gaussian', roles => [qw(rho pure thousand thousand_pure team member definer stranger)],
	conf => "timezone = 'UTC'\njit = off\nclient_min_messages = warning\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY, g int NOT NULL, x int NOT NULL, y int);
INSERT INTO people SELECT i, i % 10, i % 100, CASE WHEN i % 5 > 0 THEN i % 50 END FROM generate_series(1, 5000) i;
CREATE TABLE visits (id int NOT NULL, g int NOT NULL, x int NOT NULL);
INSERT INTO visits SELECT i % 2000, i % 23, i % 100 FROM generate_series(1, 12000) i;
CREATE TABLE elsewhere AS TABLE people;
ALTER TABLE elsewhere ADD PRIMARY KEY (id);
ANALYZE;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('visits', 'id', 'people', max_groups => 4, max_rows => 3),
	dp_agg.protect('elsewhere', 'id', 'others');
SELECT dp_agg.set_bounds('people', 'x', 0, 100), dp_agg.set_bounds('people', 'y', 0, 100), dp_agg.set_bounds('visits', 'x', 0, 100);
SELECT dp_agg.set_budget('rho', 'people', 1e9, 0.5, accountant => 'zcdp'), dp_agg.set_budget('pure', 'people', 1e9, 0.5);
SQL

sub query { return $node->safe_psql('postgres', join(';', @_)); }

# The given columns of last_release() after some statements of a role.
sub last_release
{
	my ($role, $sql, $columns) = @_;

	return DpAgg::value($node, $role, "\\o /dev/null\n$sql;\n\\o\nSELECT $columns FROM dp_agg.last_release()");
}

# Is the noise of a statement's outputs Gaussian: t, f, or t and f by output.
sub gaussian { my ($role, $sql) = @_; return last_release($role, $sql, "string_agg(DISTINCT gaussian::text, ' ')") =~ s/true/t/r =~ s/false/f/r; }

# What a statement gives, asked so many times: a list of lists.
sub many
{
	my ($role, $sql, $times) = @_;
	my $columns = DpAgg::value($node, $role, <<"SQL");
CREATE TEMP TABLE many (r text);
DO \$\$ BEGIN FOR i IN 1 .. $times LOOP INSERT INTO many SELECT translate(r::text, '()', '') FROM ($sql) r; END LOOP; END \$\$;
SELECT r FROM many;
SQL
	return map { [ split /,/ ] } split /\n/, $columns;
}

# A standard deviation measured from n draws has a relative error of about 1/sqrt(2n).
sub has_deviation
{
	my ($values, $truth, $expected, $name) = @_;
	my $n = @$values;
	my $off = sqrt(sum0(map { ($_ - $truth)**2 } @$values) / $n) / $expected;

	cmp_ok(abs($off - 1), '<', 4.5 / sqrt(2 * $n), sprintf('%s: %.3f times what is stated, of %d, +- %.3f', $name, $off, $n, 1 / sqrt(2 * $n)));
	return;
}

# ---------- sharper ----------

foreach my $case ([ 'count(*)', 5000, 1.01 ], [ 'count(y)', 4000, 1.01 ], [ 'sum(x)', 247500, 101 ])
{
	my ($what, $truth, $most) = @$case;
	my ($error, $gaussian) = split /\|/, last_release('rho', "SELECT $what FROM people", 'standard_error, gaussian');
	my $pure = last_release('pure', "SELECT $what FROM people", 'standard_error');

	is($gaussian, 't', "$what: Gaussian noise");
	cmp_ok($error, '<=', $most, sprintf('%s: standard error %.4g, where epsilon adds up %.4g', $what, $error, $pure));
	cmp_ok($error, '<', 0.75 * $pure, "$what: sharper");
	has_deviation([ map { $_->[0] } many('rho', "SELECT $what FROM people", 400) ], $truth, $error, $what);
}
foreach my $case ([ 4, 85, 90 ], [ 16, 150, 300 ], [ 50, 260, 1000 ])
{
	my ($groups, $most, $least) = @$case;
	my ($rho, $pure) = map { last_release($_, "SELECT g, count(*) FROM visits WHERE dp_with(max_groups => $groups, max_rows => 1) GROUP BY g", 'smallest_group') } 'rho', 'pure';

	ok($rho <= $most && $pure >= $least, "max_groups $groups: groups of $rho people appear, where epsilon adds up of $pure");
}

# A thousand equal releases of one budget.
{
	query("SELECT dp_agg.set_budget('thousand', 'people', 10, 1e-6, accountant => 'zcdp'), dp_agg.set_budget('thousand_pure', 'people', 10, 1e-6)");
	my $epsilon = query("SELECT trunc(sqrt(2 * rho_limit / 1000), 9) FROM dp_agg.budgets WHERE role = 'thousand'");
	my $releases = 'SELECT count(*) AS n FROM people';
	my @rho = map { $_->[0] } many('thousand', "$releases WHERE dp_with(epsilon => $epsilon)", 1000);
	my $stated = last_release('rho', "$releases WHERE dp_with(epsilon => $epsilon)", 'standard_error');
	my $pure = last_release('thousand_pure', "$releases WHERE dp_with(epsilon => 0.01)", 'standard_error');

	is(query("SELECT releases_spent, rho_spent <= rho_limit, rho_spent > 0.999 * rho_limit, epsilon_spent <= 10, delta_spent <= 1e-6 FROM dp_agg.budgets WHERE role = 'thousand'"),
		'1000|t|t|t|t', "a thousand counts of epsilon $epsilon fit");
	is(query("SELECT dp_agg.epsilon_of_rho((rho_spent * 1e12)::bigint, 500000000000) <= 10e9 FROM dp_agg.budgets WHERE role = 'thousand'"), 't', 'as what rho means');
	DpAgg::refused($node, 'thousand', "$releases WHERE dp_with(epsilon => $epsilon)", 'DP001', 'and no more');
	has_deviation(\@rho, 5000, $stated, 'each of a thousand counts');
	cmp_ok($pure / $stated, '>', 7, sprintf('standard error %.4g, where epsilon adds up %.4g', $stated, $pure));
}

# ---------- months of orders, under limits that suggest() found ----------

# Most customers have one order, a few have hundreds; nothing here is random.
query(<<'SQL');
CREATE FUNCTION uniform(i bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ((hashint8extended(i, salt) >> 12)::float8 + 2251799813685248.5) / 4503599627370496;
CREATE TABLE orders (customer_id int NOT NULL, ordered date NOT NULL, amount numeric(10,2) NOT NULL);
INSERT INTO orders
SELECT i, DATE '1997-01-01' + CASE o WHEN 1 THEN first ELSE first + floor((546 - first) * uniform(nr, 3))::int END,
	round((24 * exp(0.9 * sqrt(-2 * ln(uniform(nr, 4))) * cos(2 * pi() * uniform(nr, 5))))::numeric, 2)
FROM (SELECT i, least(217, ceil(0.72 / uniform(i, 1) ^ 0.72))::int AS n, floor(84 * uniform(i, 2))::int AS first FROM generate_series(1, 23544) i) c,
	generate_series(1, n) o, LATERAL (SELECT i * 1000 + o AS nr) k;
ANALYZE orders;
CREATE TABLE cells AS
SELECT month, n, s, sqrt(sum(n * n) OVER w) AS n_norm, sqrt(sum(s * s) OVER w) AS s_norm
FROM (SELECT customer_id, date_trunc('month', ordered)::date AS month, count(*)::float8 AS n, sum(amount)::float8 AS s FROM orders GROUP BY 1, 2) c
WINDOW w AS (PARTITION BY customer_id);
SQL
my @suggested = split /\n/, query("SELECT statement FROM dp_agg.suggest('orders', 1, 'customer_id', 'shop', groups => 18) WHERE statement IS NOT NULL ORDER BY statement");
query($_) foreach @suggested;
is(scalar(grep { /^SELECT dp_agg\.set_norm\('public\.orders', \d+\);$/ } @suggested), 1, 'suggest() proposes a norm');
is(query("SELECT max_norm < max_total, max_norm = " . ((join ' ', @suggested) =~ /set_norm\('public.orders', (\d+)/)[0] . " FROM dp_agg.protected_relations WHERE relation = 'orders'::regclass"), 't|t', 'ready to run');
note(grep { /protect|set_norm|set_total/ } @suggested);
query("SELECT dp_agg.set_budget('rho', 'shop', 1e9, 0.5, accountant => 'zcdp'), dp_agg.set_budget('pure', 'shop', 1e9, 0.5)");

# The least root mean square error that a norm reaches, with what it cuts off and noise of as much.
sub best
{
	my ($what, $from, $to) = @_;
	my $step = ($to - $from) / 24;

	return query("SELECT min(e) FROM (SELECT sqrt(avg(b * b) + t * t) AS e FROM (SELECT t, sum($what * (1 - least(1, t / ${what}_norm))) AS b FROM cells, generate_series($from, $to, $step) t GROUP BY t, month) x GROUP BY t) y");
}

# That of releases: what is cut off is what their mean is off by, but for its noise; months that are not
# shown are left out.
sub reached
{
	my ($role, $what, $truth) = @_;
	my $times = 12;
	my $ask = "SELECT date_trunc('month', ordered)::date AS month, round($what, 2) FROM orders GROUP BY 1";
	my %truth = map { split /\|/ } split /\n/, query("SELECT month, sum($truth) FROM cells GROUP BY 1");
	my $error = last_release($role, $ask, 'standard_error');
	my %answers;

	push @{ $answers{ $_->[0] } }, $_->[1] foreach many($role, $ask, $times);
	my @whole = grep { @{ $answers{$_} } == $times } keys %answers;
	return ($error, 0, $error) if !@whole;
	my @means = map { sum0(@{ $answers{$_} }) / $times - $truth{$_} } @whole;
	my $bias = sum0(map { $_ * $_ } @means) / @whole - $error**2 / $times;
	return (sqrt(max($bias, 0) + $error**2), scalar @whole, $error);
}

foreach my $case ([ 'count(*)', 'n', 1.35, 20, 80 ], [ 'sum(amount)', 's', 1.6, 800, 4000 ])
{
	my ($what, $truth, $factor, $from, $to) = @$case;
	my $best = best($truth, $from, $to);
	my ($rho, $shown, $error) = reached('rho', $what, $truth);
	my ($pure, $pure_shown) = reached('pure', $what, $truth);

	is($shown, 18, "$what: all months are shown, where epsilon adds up $pure_shown");
	cmp_ok($rho / $best, '<', $factor, sprintf('%s: error %.4g, of which noise %.4g, near the best %.4g', $what, $rho, $error, $best));
	cmp_ok($rho, '<', 0.6 * $pure, sprintf('%s: where epsilon adds up %.4g', $what, $pure));
}

# ---------- who pays decides ----------

query("SELECT dp_agg.set_budget('$_', 'people', 1e9, 0.5, accountant => 'zcdp')") foreach 'member', 'definer';
query("SELECT dp_agg.set_budget('team', 'people', 1e9, 0.5), dp_agg.set_budget('rho', 'others', 1e9, 0.5)");
query(<<'SQL');
CREATE FUNCTION counted() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM count(*) FROM people; RETURN (SELECT left(gaussian::text, 1) FROM dp_agg.last_release()); END $$;
ALTER FUNCTION counted() OWNER TO definer;
SQL
my $count = 'SELECT count(*) FROM people';
my $dp_count = 'SELECT dp_count(*) FROM people';
my $two = 'SELECT count(*) FROM people UNION ALL SELECT count(*) FROM elsewhere';

is(gaussian('member', $count), 't', 'an account that adds up rho');
query('GRANT team TO member');
is(gaussian('member', $count), 'f', 'not beside that of a role that it is a member of, which adds up epsilon');
query('REVOKE team FROM member; GRANT team TO definer; GRANT definer TO member');
is(gaussian('member', $count), 'f', '... nor of a role of that role');
query('REVOKE definer FROM member; REVOKE team FROM definer');
is(DpAgg::value($node, 'rho', 'SELECT counted()'), 't', 'as another user, whose account does, too');
is(DpAgg::value($node, 'pure', 'SELECT counted()'), 'f', 'the user of the session has one that does not');
is(DpAgg::value($node, 'stranger', 'SELECT counted()'), 't', 'or none');
is(gaussian('rho', $two), 'f', 'of two populations in a statement each must');
is(gaussian('rho', 'SELECT count(*) FROM elsewhere'), 'f', '... and one does not');
query("SELECT dp_agg.set_budget('rho', 'others', 1e9, 0.5, accountant => 'zcdp')");
is(gaussian('rho', $two), 't', '... now both do');
is(gaussian($superuser, $dp_count), 'f', 'a DBA without account');
query("SELECT dp_agg.set_population_cap('people', 1e9, 0.5, accountant => 'zcdp')");
is(gaussian($superuser, $dp_count), 't', '... pays from the cap of the population alone');
is(gaussian('rho', $count) . gaussian('pure', $count), 'tf', '... which others pay from, too');
query("SELECT dp_agg.set_population_cap('people', 1e9, 0.5)");
is(gaussian('rho', $count) . gaussian($superuser, $dp_count), 'ff', 'a cap that adds up epsilon');
query("SELECT dp_agg.drop_population_cap('people')");
is(gaussian('rho', $count), 't', '... is gone');
is(gaussian($superuser, "SET ROLE $_; $count"), $_ eq 'rho' ? 't' : 'f', "a DBA as $_") foreach 'rho', 'pure';

# ---------- plans that are kept ----------

# A session that keeps plans: what a statement gives as [ SQLSTATE, message ], and whether noise was Gaussian.
sub session
{
	my ($role) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', $role ]);

	DpAgg::ask($session, 'SET plan_cache_mode = force_generic_plan');
	return $session;
}

sub run
{
	my ($session, $sql) = @_;
	my $said = DpAgg::ask($session, "$sql;\n\\echo :SQLSTATE :LAST_ERROR_MESSAGE");
	my ($rows, $state, $message) = $said =~ /^(.*?)\n?^(\w{5}) ([^\n]*)\z/ms or die "said: $said";

	return $state eq 'DP002' ? "DP002 $message" : $state if $state ne '00000';
	return $rows if $sql =~ /counted/;
	return DpAgg::ask($session, 'SELECT gaussian FROM dp_agg.last_release()');
}

# What an account spent since this was last called, as epsilon where it adds that up; and releases.
my %spent;
sub spent
{
	my ($role) = @_;
	my ($accountant, $rho, $epsilon, $releases) = split /\|/, query("SELECT accountant, rho_spent, epsilon_spent, releases_spent FROM dp_agg.budgets WHERE role = '$role' AND population = 'people'");
	my ($sum, $before) = ($accountant eq 'zcdp' ? $rho : $epsilon, $spent{$role}{$accountant} // 0);

	$spent{$role}{$accountant} = $sum;
	return sprintf '%s %g', $accountant, $sum - $before;
}

sub budget { my ($role, $accountant) = @_; query("SELECT dp_agg.set_budget('$role', 'people', 1e9, 0.5, accountant => '$accountant', forget => true)"); spent($role); return; }

my $changed = 'DP002 accounts on population "people" have changed since the query was planned';
{
	my $kept = session('member');

	budget('member', 'zcdp');
	DpAgg::ask($kept, "PREPARE q AS $count; CREATE FUNCTION pg_temp.f() RETURNS bigint LANGUAGE plpgsql AS \$\$ BEGIN RETURN (SELECT count(*) FROM people); END \$\$");
	foreach my $what ('EXECUTE q', 'SELECT pg_temp.f()')
	{
		budget('member', 'zcdp');
		is(run($kept, $what), 't', "$what: a plan for rho") foreach 1, 2;
		is(spent('member'), 'zcdp 1', '... which pays it');
		budget('member', 'pure');
		is(run($kept, $what), 'f', '... is made again when the account adds up epsilon');
		is(spent('member'), 'pure 1', '... and pays that');
		budget('member', 'zcdp');
		is(run($kept, $what), 't', '... and again');
		query('GRANT team TO member');
		is(run($kept, $what), $changed, '... a role that it becomes a member of has such an account: refused');
		is(spent('member') . spent('team') =~ s/pure \d+$/pure 0/r, 'zcdp 0.5pure 0', '... at no price');
		is(run($kept, $what), 'f', '... and planned again');
		is(spent('member'), 'zcdp 0.5', '... and paid');
		query('REVOKE team FROM member');
		query("SELECT dp_agg.drop_budget('member', 'people')");
		is(run($kept, $what), '42501', '... an account that is closed');
		query("SELECT dp_agg.set_budget('member', 'people', 1e9, 0.5, forget => true)");
		is(run($kept, $what), 'f', '... and opened with another accountant');
	}
	budget('member', 'zcdp');
	DpAgg::ask($kept, "DEALLOCATE q; PREPARE q AS $count");
	is(run($kept, 'EXECUTE q'), 't', 'a plan that was kept');
	query("SELECT dp_agg.set_population_cap('people', 1e9, 0.5)");
	is(run($kept, 'EXECUTE q'), 'f', '... until there is a cap that adds up epsilon');
	query("SELECT dp_agg.drop_population_cap('people')");
	is(run($kept, 'EXECUTE q'), 't', '... and when it is gone');
	$kept->quit;
}
{
	my $kept = session($superuser);

	DpAgg::ask($kept, "SET ROLE rho; PREPARE q AS $count");
	is(run($kept, 'EXECUTE q'), 't', 'a plan of one role');
	DpAgg::ask($kept, 'SET ROLE pure');
	is(run($kept, 'EXECUTE q'), 'f', '... is not that of another');
	DpAgg::ask($kept, 'RESET ROLE; SET SESSION AUTHORIZATION rho');
	is(run($kept, 'SELECT counted()'), 't', 'a plan of a function of another user');
	DpAgg::ask($kept, 'RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION pure');
	spent($_) foreach 'pure', 'definer';
	is(run($kept, 'SELECT counted()'), $changed, '... for one user of the session, not for another');
	is(spent('pure') . ' ' . spent('definer'), 'pure 0 zcdp 0', '... at no price');
	is(run($kept, 'SELECT counted()'), 'f', '... and planned again');
	is(spent('pure') . ' ' . spent('definer'), 'pure 1 zcdp 0.5', '... and paid by both');
	DpAgg::ask($kept, "RESET SESSION AUTHORIZATION; SET SESSION AUTHORIZATION pure; PREPARE e AS $count");
	$kept->quit;
}

# An account that is not yet committed, and one that is rolled back.
budget('member', 'zcdp');
{
	my $r = DpAgg::as($node, $superuser, <<"SQL", on_error_stop => 0);
BEGIN;
SELECT dp_agg.set_budget('pure', 'people', 1e9, 0.5, accountant => 'zcdp');
SET LOCAL ROLE pure;
\\o /dev/null
$count;
\\o
\\echo :SQLSTATE :LAST_ERROR_MESSAGE
ROLLBACK;
SET ROLE pure;
\\o /dev/null
$count;
\\o
SELECT gaussian FROM dp_agg.last_release();
SQL
	is($r->{out} =~ s/\A\n//r, "DP004 account on population \"people\" is being changed\nf", 'an accountant that is not committed counts for nothing');
}
SKIP:
{
	# the worker waits for the row of an account that another transaction has changed
	my $r = DpAgg::as($node, $superuser, <<"SQL", on_error_stop => 0);
BEGIN;
SAVEPOINT s;
SELECT dp_agg.set_budget('member', 'people', 1e9, 0.5);
ROLLBACK TO s;
SET LOCAL ROLE member;
\\o /dev/null
$count;
\\o
SELECT gaussian FROM dp_agg.last_release();
COMMIT;
SQL
	is($r->{out} =~ s/\A\n//r, 't', 'nor one that is rolled back') or diag($r->{err});
}

# However a release is asked for, an account that adds up epsilon gets no Gaussian noise from it.
{
	query('GRANT CREATE ON SCHEMA public TO pure; GRANT TEMPORARY ON DATABASE postgres TO pure');
	DpAgg::value($node, 'pure', 'CREATE VIEW counts AS SELECT g, count(*) AS n FROM people GROUP BY g');
	is(gaussian('pure', $_), 'f', "epsilon is paid: $_") foreach
	  'BEGIN; DECLARE c CURSOR FOR SELECT g, count(*) FROM people GROUP BY g; FETCH ALL FROM c; COMMIT',
	  'DO $$ DECLARE n bigint; BEGIN SELECT count(*) INTO n FROM people; END $$',
	  'SELECT * FROM counts', 'CREATE TEMP TABLE t AS SELECT count(*) FROM people', 'COPY (SELECT count(*) FROM people) TO STDOUT',
	  'BEGIN; SAVEPOINT s; SELECT count(*) FROM people; RELEASE s; COMMIT', 'WITH a AS MATERIALIZED (SELECT count(*) FROM people) SELECT * FROM a, a b',
	  'CREATE TEMP TABLE n (n bigint); INSERT INTO n SELECT count(*) FROM people',
	  'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SELECT g, count(*) FROM visits GROUP BY g';
	is(query("SELECT ok FROM dp_agg.verify_ledger()"), 't', 'the ledger is whole');
}

done_testing();
