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

done_testing();
