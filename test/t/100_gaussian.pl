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
use POSIX ();
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
	has_deviation([ map { $_->[0] } DpAgg::many($node, 'rho', "SELECT $what FROM people", 400) ], $truth, $error, $what);
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
	my @rho = map { $_->[0] } DpAgg::many($node, 'thousand', "$releases WHERE dp_with(epsilon => $epsilon)", 1000);
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

	push @{ $answers{ $_->[0] } }, $_->[1] foreach DpAgg::many($node, $role, $ask, $times);
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
		# the worker notices; or, as on 17.12, where a GRANT makes plans anew, the planner
		my $granted = run($kept, $what);
		like($granted, qr/^(?:f|\Q$changed\E)$/, '... a role that it becomes a member of has such an account: refused, or planned again');
		is(spent('member') . spent('team') =~ s/pure \d+$/pure 0/r, $granted eq 'f' ? 'zcdp 1pure 0' : 'zcdp 0.5pure 0', '... at the price of that');
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
{
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

# ---------- the norm that is declared ----------

query('CREATE ROLE keeper LOGIN', 'GRANT EXECUTE ON FUNCTION dp_agg.set_norm(regclass, bigint) TO keeper');
foreach my $bad ([ "'visits', 0", '22023' ], [ "'visits', 100000001", '22023' ], [ "'visits', -5", '22023' ], [ 'NULL, 5', '22004' ], [ "'pg_class', 5", '42704' ], [ "'cells', 5", '42704' ])
{
	is(DpAgg::as($node, $superuser, "SELECT dp_agg.set_norm($bad->[0])")->{sqlstate}, $bad->[1], "set_norm($bad->[0])");
}
DpAgg::refused($node, $_, q{SELECT dp_agg.set_norm('visits', 5)}, '42501', "set_norm() is not for $_") foreach 'rho', 'keeper';

my $norm = q{SELECT max_norm FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass};
my $by_group = 'SELECT g, count(*) FROM visits WHERE true GROUP BY g';
my $protect = sub { my ($total) = @_; query("SELECT dp_agg.protect('visits', 'id', 'people', max_groups => 4, max_rows => 20, max_total => $total)"); return; };
my $error = sub { my ($role, $with) = @_; return sprintf '%.3f', last_release($role, $by_group =~ s/true/$with ? "dp_with($with)" : 'true'/er, 'standard_error'); };

$protect->(20);
is($error->('rho'), '20.000', 'without a norm, noise is for max_total');
my $pure = $error->('pure');
query("SELECT dp_agg.set_norm('visits', 5)");
is($error->('rho'), '5.000', 'with one, for as many rows');
is($error->('pure'), $pure, '... not where epsilon adds up');
is($error->('rho', 'max_total => 20'), '20.000', '... nor where a query says max_total itself');
is($error->('rho', 'max_rows => 2'), '5.000', '... but for other limits');
is($error->('rho', 'max_groups => 1, max_rows => 3'), '3.000', '... and never for more than limits allow');
is(last_release('rho', $by_group, 'max_total, bounded'), '20|t', 'max_total stays what it is');
like(last_release('rho', 'SELECT g, sum(x) FROM visits GROUP BY g', 'round(standard_error)'), qr/^500$/, 'sums have less as well');
query("SELECT dp_agg.set_norm('visits', 50)");
is($error->('rho'), '20.000', 'above max_total it has no effect');
$protect->(320);
query("SELECT dp_agg.set_norm('visits', 1)");
is($error->('rho'), '10.000', 'it counts as no less than 1/32 of max_total');
$protect->(20);
is(query($norm), 1, 'protect() keeps it');
query("SELECT dp_agg.set_norm('visits', 7)", 'CREATE DATABASE other');
system_or_bail('sh', '-c', 'pg_dump -h ' . $node->host . ' -p ' . $node->port . ' postgres | psql -XqAt -v ON_ERROR_STOP=1 -h ' . $node->host . ' -p ' . $node->port . ' other > /dev/null');
is($node->safe_psql('other', $norm), 7, 'pg_dump carries it');
query("SELECT dp_agg.set_norm('visits', NULL)");
is(query($norm) . $error->('rho'), '20.000', 'NULL takes it back');
query('GRANT SELECT ON dp_agg.protected_relations TO rho');
is(DpAgg::as($node, 'rho', $norm)->{sqlstate}, '00000', 'analysts may know it');

# ---------- what it costs ----------

# Shares of grouping sets are shares of rho: noise grows with the root of their number.
sub deviations { my ($what) = @_; return map { sprintf '%.1f', $_ } split /\n/, last_release('rho', $what, 'standard_error'); }

is(join(' ', deviations("SELECT g, count(*) FROM people GROUP BY GROUPING SETS ($_->[0])")), $_->[1], "noise of $_->[0]") foreach
  [ '(g)', '1.0' ], [ '(g), ()', '1.4 1.4' ], [ '(g), (x), (), (x % 7)', '2.0 2.0 2.0 2.0' ];
is(join(' ', deviations('SELECT g, x, count(*) FROM people GROUP BY ROLLUP (g, x)')), '1.7 1.7 1.7', 'of ROLLUP');
is(join(' ', deviations('SELECT g, x, sum(x) FROM people GROUP BY CUBE (g, x)')), '200.0 200.0 200.0 200.0', 'of sums in CUBE');

# Beside a median, which has epsilon 1/2 and so rho 1/8, the vector has 3/8.
{
	my ($beside, $half) = map { last_release('rho', $_, 'min(standard_error)') } 'SELECT count(*), dp_median(x) FROM people', 'SELECT count(*) FROM people WHERE dp_with(epsilon => 0.5)';

	cmp_ok(abs($beside - sqrt(4 / 3)), '<', 0.01, "beside a median a count has what is left of rho: $beside, with half of epsilon $half");
}
foreach my $case (
	[ $count, 0.5, 't' ], [ 'SELECT g, count(*), sum(x) FROM people GROUP BY ROLLUP (g)', 0.5, 't' ], [ 'SELECT g, x, count(*) FROM people GROUP BY GROUPING SETS ((g), (x), ())', 0.5, 't' ],
	[ 'SELECT count(*), dp_median(x), dp_mode(g) FROM people', 0.5, 't f' ], [ 'SELECT dp_median(x) FROM people', 0.5, 'f' ], [ $by_group, 0.5, 't' ],
	[ 'SELECT count(*) FROM people WHERE dp_with(epsilon => 0.25)', 0.03125, 't' ], [ 'SELECT sum(x) FROM people WHERE dp_with(epsilon => 5)', 5, 'f' ],
	[ 'SELECT g, count(*) FROM people WHERE dp_with(epsilon => 20) GROUP BY g', 20, 'f' ], [ "$count UNION ALL $count", 1, 't' ])
{
	my ($sql, $price, $expected) = @$case;
	my $before = query("SELECT rho_spent FROM dp_agg.budgets WHERE role = 'rho' AND population = 'people'");

	is(join(' ', sort { $b cmp $a } split ' ', gaussian('rho', $sql)), $expected, DpAgg::brief($sql) . ($expected =~ /t/ ? ': Gaussian' : ': other noise is sharper, or none of these'));
	is(DpAgg::value($node, 'rho', "SELECT rho_spent - $before FROM dp_agg.my_budget WHERE population = 'people'") + 0, $price, "... for rho $price");
}

# ---------- intervals ----------

foreach my $case ([ 'count(*)', 5000, 0.9, 3.3 ], [ 'count(y)', 4000, 0.8, 2.6 ], [ 'sum(x)', 247500, 0.9, 340 ], [ 'avg(x)', 49.5, 0.9, 0.09 ])
{
	my ($what, $truth, $level, $width) = @$case;
	my @found = DpAgg::many($node, 'rho', "SELECT dp_low($what, $level), dp_high($what, $level), $what FROM people", 300);
	my $covered = grep { $_->[0] <= $truth && $truth <= $_->[1] } @found;
	my $mean = sum0(map { $_->[1] - $_->[0] } @found) / @found;

	cmp_ok($covered, '>=', 300 * $level - 4 * sqrt(300 * $level * (1 - $level)), "intervals of $what at $level: $covered of 300 cover the truth");
	cmp_ok($mean, '<', 2 * $width, sprintf('... and are narrow: %.3g', $mean));
}

# ---------- plans show nothing of rows ----------

{
	query('CREATE TABLE nobody (LIKE visits)', "SELECT dp_agg.protect('nobody', 'id', 'people', max_groups => 4, max_rows => 20, max_total => 20)");
	my @plans = map { my $t = $_; map { DpAgg::as($node, 'rho', "EXPLAIN ($_) SELECT g, count(*), sum(g) FROM $t WHERE g IN (1, 2) GROUP BY g")->{sqlstate} } 'ANALYZE', 'COSTS ON', 'VERBOSE' } 'visits', 'nobody';
	my ($full, $empty) = map { DpAgg::as($node, 'rho', "EXPLAIN (COSTS ON) SELECT g, count(*) FROM $_ WHERE g IN (1, 2) GROUP BY g") } 'visits', 'nobody';

	is(join(' ', @plans[ 0 .. 2 ]), join(' ', @plans[ 3 .. 5 ]), "EXPLAIN tells of many rows what it tells of none: $plans[0]");
	is($full->{out} =~ s/visits/nobody/gr, $empty->{out}, '... with the same figures') or diag($full->{err});
	like($full->{out}, qr/Gaussian: true/, '... which say that the noise is Gaussian');
	unlike($full->{out}, qr/actual|cost|rows=/, '... and nothing of a plan');
}
$node->stop;

# ---------- one individual ----------

my $exact = Faulty::node('gaussian_exact', <<'CONF');
jit = off
max_parallel_workers = 8
dp_agg.epsilon = 1
client_min_messages = notice
CONF

$exact->start;
ok(Faulty::use_library($exact, Faulty::build('NOISELESS')), 'the server warns of the build');
$exact->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE rho LOGIN;
-- a: all; b: all but individual 0, who has more of all
CREATE TABLE a (p int NOT NULL, g int NOT NULL, h int, x float8, y int NOT NULL);
CREATE TABLE b (LIKE a);
SQL

my %forms = (
	node => '',
	parallel => 'SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;',
	sql => 'SET dp_agg.bound_node = off; SET enable_hashagg = off;');
my @questions = ((map { "SELECT g, $_ FROM %s WHERE %w GROUP BY g" }
	  'count(*)', 'sum(y)', 'count(*), sum(y)', 'count(x)', 'count(*), count(x), sum(x)', 'avg(x)', 'var_pop(x), count(*) FILTER (WHERE y > 0)', 'sum(y), dp_clipped(sum(y)), sum(x)', 'count(*), count(DISTINCT p), dp_clipped(sum(y))', 'dp_clipped(count(*)), count(DISTINCT p)',
	  'count(*), count(*) FILTER (WHERE y > 0)'),
	'SELECT g, count(*), sum(y) FROM (SELECT p, g, y FROM %s UNION ALL SELECT p, g + 3, y FROM %s) u WHERE %w GROUP BY g', 'SELECT 1, count(*), sum(y) FROM %s WHERE %w',
	'SELECT g, h, count(*), sum(y) FROM %s WHERE %w AND h = 1 GROUP BY g, h');
my @cases = (
	# rows of individual 0, limits, the norm, the query's own limits
	[ 'SELECT 0, i % 40, i % 3, 10, 100 FROM generate_series(1, 4000) i', 'max_groups => 4, max_rows => 6, max_total => 20', 'NULL', 'true' ],
	[ 'SELECT 0, i % 40, i % 3, 10, -100 FROM generate_series(1, 4000) i', 'max_groups => 4, max_rows => 6, max_total => 50', 10, 'true' ],
	[ 'SELECT 0, i * i % 7, i % 3, NULL, i % 3 * 50 FROM generate_series(1, 300) i', 'max_groups => 4, max_rows => 9, max_total => 50', 1, 'true' ],
	[ 'SELECT 0, 5, 1, -1e300, 2000000000 FROM generate_series(1, 1000) i', 'max_groups => 4, max_rows => 50, max_total => 100', 33, 'true' ],
	[ "SELECT 0, i % 40, 1, 'Infinity'::float8, i FROM generate_series(1, 3000) i", 'max_groups => 4, max_rows => 9, max_total => 50', 9, 'dp_with(max_total => 30)' ],
	[ "SELECT 0, i % 100, 1, 'NaN'::float8, -2147483648 FROM generate_series(1, 200) i", 'max_groups => 4, max_rows => 2, max_total => 3', 2, 'true' ],
	[ 'SELECT 0, i % 40, i % 2, i, i FROM generate_series(1, 400) i', 'max_groups => 6, max_rows => 1', 'NULL', 'true' ],
	[ 'SELECT 0, i % 40, i % 2, i, 100 FROM generate_series(1, 400) i', 'max_groups => 4, max_rows => 6, max_total => 20', 8, 'dp_with(max_groups => 3, max_rows => 2)' ]);

# What the releases of the questions tell: for each one, [ limits, key of group => vector ], or an error.
sub vectors
{
	my ($form, $table, $where) = @_;
	my $script = "SET application_name = 'vectors'; $forms{$form}\n" .
	  join '', map { "\\warn question\n\\o /dev/null\n" . s/%s/$table/gr =~ s/%w/$where/r . ";\n\\o\nSELECT bool_or(gaussian) FROM dp_agg.last_release();\n" } @questions;
	my ($code, $out, $err) = $exact->psql('postgres', $script, connstr => $exact->connstr('postgres') . " user='rho'", on_error_stop => 0);
	my (undef, @parts) = split /^question\n/m, $err;
	my @gaussian = split /\n/, $out;

	return map { vectors_of($_, shift @gaussian) } @parts;
}

sub vectors_of
{
	my ($text, $gaussian) = @_;
	my ($kept, $total, $times, $weight, $vectors) = $text =~ /vectors: (\d+) groups kept, \d+ rows, (\d+) in all, (\d+) times, weight (\d+):(.*)/
	  or die "no vectors: $text";

	return { gaussian => $gaussian, kept => $kept, total => $total, times => $times, weight => $weight, listed => join(' ', sort split ' ', $vectors),
		groups => { map { my ($key, $vector) = split /:/; $key => [ split /,/, $vector ] } split ' ', $vectors } };
}

my ($compared, $full, @found) = (0, 0);
foreach my $case (@cases)
{
	my ($rows, $limits, $max_norm, $where) = @$case;
	my %told;

	$exact->safe_psql('postgres', "TRUNCATE a, b; INSERT INTO b SELECT p, (p * 7 + i) % 20, i % 3, i % 11, i * p % 90 FROM generate_series(1, 40) p, generate_series(1, 9) i; INSERT INTO a TABLE b; INSERT INTO a $rows; ANALYZE;" .
		join '', map { "SELECT dp_agg.protect('$_', 'p', 'people', $limits), dp_agg.set_norm('$_', $max_norm), dp_agg.set_bounds('$_', 'x', 0, 10), dp_agg.set_bounds('$_', 'y', -100, 100), dp_agg.set_total('$_', 'y', -200, 500);" } 'a', 'b');
	$exact->safe_psql('postgres', "SELECT dp_agg.set_budget('rho', 'people', 1e9, 0.5, accountant => 'zcdp')");
	foreach my $form (sort keys %forms)
	{
		# parallel plans are to give the same vectors
		$told{$form}{$_} = [ vectors($form, $_, $where) ] foreach $form eq 'parallel' ? 'a' : ('a', 'b');
	}
	foreach my $i (0 .. $#questions)
	{
		foreach my $form ('node', 'sql')
		{
			my ($with, $without) = map { $told{$form}{$_}[$i] } 'a', 'b';
			my ($squares, $groups, $first, $d, $odd) = (0, 0, 0, 0, 0);

			foreach my $key (keys %{ { %{ $with->{groups} }, %{ $without->{groups} } } })
			{
				my ($one, $other) = map { $_->{groups}{$key} // [] } $with, $without;

				$d = max($d, scalar @$one);
				my @change = map { ($one->[$_] // 0) - ($other->[$_] // 0) } 0 .. max($#$one, $#$other);
				$squares += sum0(map { $_ * $_ } @change);
				$first = max($first, abs($change[0]));
				$groups++ if grep { $_ } @change;
				$odd++ if 1 < keys %{ { map { abs($_) => 1 } @change } };
			}
			my $total = $with->{total};
			# the norm counts for a whole release of one table that is bounded by max_total, as no number of individuals is
			my $short = $limits =~ /max_total/ && $where !~ /max_total/ && $max_norm ne 'NULL' && $questions[$i] !~ /UNION|SELECT 1|DISTINCT/ ?
			  max(min($max_norm, $total), POSIX::ceil($total / 32)) / $total : 1;
			my $most = sqrt($with->{times} * $d) * $short * ONE;
			my $say = sub { push @found, "$form: $_[0]\n  $questions[$i]\n  @$case"; };

			$compared++;
			$full++ if sqrt($squares) > 0.99 * $most;
			$say->('moves by ' . sqrt($squares) / $most . ' of what it may') if sqrt($squares) > $most * (1 + 1e-9);
			$say->("coordinate 0 moves by $first of $with->{weight}") if $first > $with->{weight};
			$say->("in $groups groups of $with->{kept}") if $groups > $with->{kept};
			# noise of whole numbers is for counts of which each changes by one
			$say->("counts move by different numbers") if $odd && $limits =~ /max_rows => 1$/ && $questions[$i] !~ /sum|avg|var_pop/;
			$say->("no Gaussian noise") if $with->{gaussian} ne 't';
		}
		my ($one, $parallel, $sql) = map { $told{$_}{a}[$i] } 'node', 'parallel', 'sql';

		push @found, "parallel plans differ\n  $questions[$i]\n  @$case" if $one->{listed} ne $parallel->{listed};
		# SQL keeps no more than max_total groups of an individual
		push @found, "SQL differs\n  $questions[$i]\n  @$case" if $one->{total} >= 20 && $where eq 'true' && scalar(keys %{ $one->{groups} }) <= $one->{total} && $one->{listed} ne $sql->{listed};
	}
}
is(scalar @found, 0, "one individual moves vectors by no more than noise is made for ($compared compared, $full to the bound)") or diag(scalar(@found) . ":\n" . join "\n", @found[ 0 .. min($#found, 15) ]);
cmp_ok($full, '>', $compared / 10, 'some use all of it');
$exact->stop;

done_testing();
