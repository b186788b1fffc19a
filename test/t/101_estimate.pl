# What a query would cost and how sharp it would be, before it is asked: dp_agg.estimate(), and EXPLAIN by
# an analyst.
#
# Errors beside the spread of real releases, and beside what last_release() says; ranks beside ranks.  The
# price beside what is charged, and what is left beside what is left, for accounts that add up epsilon or
# rho, several accounts, caps.  The smallest group beside which groups are released.  What would make it
# sharper, beside what it is then.  That it spends nothing, runs nothing, moves no counter, and says the
# same to the byte whatever the rows are.  All formats of EXPLAIN; refusals; attacks.

use strict;
use warnings;
use JSON::PP ();
use List::Util qw(max min sum0);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('estimate', roles => [qw(analyst rho poor member team definer reader stranger capped)],
	conf => "timezone = 'UTC'\njit = off\nclient_min_messages = warning\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# A group of 1,000 people with one row each, values spread evenly between their bounds, and pairs with a
# correlation of 1/2: what estimates are about.
my $tables = <<'SQL';
CREATE TABLE people (id int PRIMARY KEY, g int NOT NULL, x float8 NOT NULL, y float8 NOT NULL, n int);
CREATE TABLE visits (person int NOT NULL, clinic int NOT NULL, cost float8 NOT NULL, day date);
CREATE TABLE sizes (id int PRIMARY KEY, size int NOT NULL);
CREATE TABLE other (id int PRIMARY KEY, x int NOT NULL);
SQL
my $protect = <<'SQL';
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('sizes', 'id', 'people'), dp_agg.protect('other', 'id', 'others'),
	dp_agg.protect('visits', 'person', 'people', max_groups => 3, max_rows => 5);
SELECT dp_agg.set_bounds('people', c, 0, 100) FROM unnest('{x,y,n}'::text[]) c;
SELECT dp_agg.set_bounds('visits', 'cost', 0, 100), dp_agg.set_bounds('other', 'x', 0, 100);
SELECT dp_agg.set_bounds('visits', 'day', date '2026-01-01', date '2026-12-31');
SQL
$node->safe_psql('postgres', $tables . <<'SQL' . $protect . <<'SQL');
INSERT INTO people SELECT i, i % 4, (i / 4) * 100.0 / 999, CASE WHEN (i / 4) % 2 = 0 THEN (i / 4) * 100.0 / 999 ELSE ((i / 4) * 389 % 1000) * 100.0 / 999 END, CASE WHEN i % 5 > 0 THEN i % 100 END
FROM generate_series(0, 3999) i;
INSERT INTO visits SELECT i % 1000, i / 1000, ((i % 1000) * 389 % 1000) * 100.0 / 999, date '2026-01-01' + i % 365 FROM generate_series(0, 3999) i;
INSERT INTO other SELECT i, i % 101 FROM generate_series(1, 1000) i;
SQL
SELECT dp_agg.set_budget(r, 'people', 1e8, 0.5) FROM unnest('{analyst,definer,team}'::name[]) r;
SELECT dp_agg.set_budget('analyst', 'others', 1e8, 0.5), dp_agg.set_budget('rho', 'people', 1e8, 0.5, accountant => 'zcdp');
SELECT dp_agg.set_budget('member', 'people', 100, 1e-4, min_epsilon_per_query => 0.1, max_epsilon_per_query => 5, max_releases => 10, period => '1 day');
SELECT dp_agg.set_budget('poor', 'people', 1.5, 1e-6), dp_agg.set_budget('capped', 'others', 100, 1e-4);
GRANT team TO member;
GRANT SELECT ON people TO reader;
CREATE SCHEMA a AUTHORIZATION analyst;
GRANT USAGE ON SCHEMA a TO PUBLIC;
ANALYZE;
SQL

sub quoted { return q(') . $_[0] =~ s/'/''/gr . q('); }

# An estimate as a list of rows, each a hash.  Arguments after the query go into the call.
sub estimate
{
	my ($role, $sql, $more, $before) = @_;
	my $json = DpAgg::value($node, $role, ($before // '') . 'SELECT json_agg(to_json(e)) FROM dp_agg.estimate(' . quoted($sql) . ($more // '') . ') e');

	return @{ JSON::PP->new->decode($json) };
}

sub rows_of { my ($item, @rows) = @_; return grep { $_->{item} eq $item } @rows; }

sub ledger { return $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM dp_agg.releases), (SELECT sum(epsilon_spent) FROM dp_agg.budgets), (SELECT h::text FROM dp_agg.ledger_head() h)'); }

# ---------- errors beside the spread of real releases ----------

# Of a constant group, so that sizes are as estimated.  A deviation of n draws has a relative error of
# about 1/sqrt(2n), and heavier tails than Gaussian make it larger.
foreach my $case (
	[ 'analyst', 'SELECT count(*), sum(x) FROM people WHERE g = 0' ],
	[ 'analyst', 'SELECT avg(x) FROM people WHERE g = 0' ],
	[ 'analyst', 'SELECT avg(x) FROM people WHERE g = 0 AND dp_with(epsilon => 10)' ],
	[ 'analyst', 'SELECT stddev(x), variance(y), count(n) FROM people WHERE g = 0' ],
	[ 'analyst', 'SELECT corr(y, x), regr_slope(y, x), covar_samp(y, x), regr_r2(y, x) FROM people WHERE g = 0 AND dp_with(epsilon => 5)' ],
	[ 'analyst', 'SELECT sum(2 * x + 1), sum(3 * x - y), avg(x + y) FROM people WHERE g = 0' ],
	[ 'analyst', 'SELECT sum(cost), count(*), dp_clipped(count(*)) * 0 + 1 FROM visits WHERE clinic = 0 AND dp_with(epsilon => 5)' ],
	[ 'analyst', 'SELECT avg(cost), count(DISTINCT person) FROM visits WHERE clinic = 0 AND dp_with(epsilon => 4, max_rows => 1)' ],
	[ 'rho', 'SELECT count(*), avg(x), stddev(x) FROM people WHERE g = 0' ],
	[ 'rho', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE clinic IN (0, 1) AND dp_with(max_total => 2) GROUP BY clinic ORDER BY clinic LIMIT 1' ],
	[ 'analyst', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE clinic IN (0, 1) AND dp_with(max_total => 2, epsilon => 5) GROUP BY clinic ORDER BY clinic LIMIT 1' ])
{
	my ($role, $sql) = @$case;
	my $times = 250;
	my @expected = rows_of('output', estimate($role, $sql));
	my @drawn = DpAgg::many($node, $role, $sql, $times);
	my $shift = @{ $drawn[0] } - @expected;

	$shift = max($shift, 0);
	foreach my $i (0 .. $#expected)
	{
		my $column = $i + $shift;
		my @values = map { $_->[$column] } @drawn;
		my $mean = sum0(@values) / @values;
		my $error = sqrt(sum0(map { ($_ - $mean)**2 } @values) / (@values - 1));

		next if $expected[$i]{name} =~ /^clipped/;
		last if $column > $#{ $drawn[0] };
		cmp_ok(abs($error / $expected[$i]{standard_error} - 1), '<', 7 / sqrt(2 * @values),
			sprintf('%s of %s: %.4g, and %.4g in %d releases', $expected[$i]{name}, DpAgg::brief($sql), $expected[$i]{standard_error}, $error, $times));
	}
}

# ---------- ... and what last_release() says ----------

# Averages and the like are known from what was released, which differs a little.
foreach my $case (
	[ 'analyst', 'SELECT g, count(*), sum(x), avg(y), stddev(x), corr(x, y), count(DISTINCT n) FROM people GROUP BY g' ],
	[ 'analyst', 'SELECT count(*), dp_median(x), dp_histogram(x, 0, 100, 5), dp_top(g, 3), dp_low(dp_count(*)), bool_or(g = 1), dp_tier(*) FROM people' ],
	[ 'analyst', 'SELECT clinic, count(*), sum(cost) FROM visits GROUP BY clinic' ],
	[ 'analyst', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE dp_with(max_groups => 1, max_rows => 2) GROUP BY clinic' ],
	[ 'analyst', 'SELECT clinic, count(*) FROM visits GROUP BY ROLLUP (clinic)' ],
	[ 'analyst', 'SELECT g, count(*) FROM people GROUP BY ROLLUP (g) UNION ALL SELECT 0, sum(x) FROM other' ],
	[ 'rho', 'SELECT clinic, count(*), sum(cost) FROM visits GROUP BY clinic' ],
	[ 'rho', 'SELECT g, count(*), avg(x), dp_median(y) FROM people GROUP BY g' ],
	[ 'member', 'SELECT g FROM people GROUP BY g' ])
{
	my ($role, $sql) = @$case;
	my @estimate = rows_of('output', estimate($role, $sql));
	my @released = @{ JSON::PP->new->decode(DpAgg::value($node, $role, "\\o /dev/null\n$sql;\n\\o\nSELECT COALESCE(json_agg(l), '[]') FROM dp_agg.last_release() l")) };

	is(join(' ', map { join ',', @$_{qw(name release smallest_group gaussian population)}, $_->{grouping_set} // '' } @estimate),
		join(' ', map { join ',', @$_{qw(output release smallest_group gaussian population)}, $_->{grouping_set} // '' } @released),
		'outputs, their numbers and smallest groups: ' . DpAgg::brief($sql));
	foreach my $i (0 .. $#estimate)
	{
		my ($expected, $found) = ($estimate[$i]{standard_error}, $released[$i]{standard_error});

		ok(defined $expected == defined $found && (!defined $found || abs($expected - $found) <= 0.35 * $found), "... $estimate[$i]{name}: " . ($expected // 'none'))
		  or diag("released: " . ($found // 'none'));
		is(sprintf('%.9g', $expected), sprintf('%.9g', $found), '... the same') if defined $found && $estimate[$i]{name} =~ /^(count|sum|dp_hist|dp_top)/;
	}
}

# ---------- ranks ----------

{
	my $sql = 'SELECT dp_median(x), dp_quantile(y, 0.2) FROM people WHERE g = 0';
	my @output = rows_of('output', estimate('analyst', $sql));
	my @drawn = DpAgg::many($node, 'analyst', $sql, 200);

	foreach my $i (0, 1)
	{
		my ($column, $p) = @{ [ [ 'x', 0.5 ], [ 'y', 0.2 ] ]->[$i] };
		my @values = sort { $a <=> $b } split /\n/, $node->safe_psql('postgres', "SELECT $column FROM people WHERE g = 0");
		my $off = 0;

		foreach my $drawn (map { $_->[$i] } @drawn)
		{
			my $below = grep { $_ < $drawn - 0.01 } @values;
			my $up_to = grep { $_ <= $drawn + 0.01 } @values;
			my $rank = $p * @values;

			$off++ if $below - $rank > $output[$i]{rank_error} || $rank - $up_to > $output[$i]{rank_error};
		}
		ok(!defined $output[$i]{standard_error}, "$output[$i]{name} has no standard error");
		cmp_ok($off, '<=', 20, "$output[$i]{name}: $off of 200 are further than $output[$i]{rank_error} from their rank");
		cmp_ok($output[$i]{rank_error}, '<', 60, '... which says something');
	}
	ok(!defined $_->{rank_error}, "no such number of $_->{name}") foreach rows_of('output', estimate('analyst', 'SELECT dp_min(x), dp_quantile(y, ARRAY[0.1, 0.2, 0.3]), dp_mode(g), count(*), dp_low(dp_median(n)) FROM people'));
}

# ---------- the price, and what is left ----------

foreach my $case (
	[ 'analyst', 'SELECT count(*) FROM people' ],
	[ 'analyst', 'SELECT count(*), dp_median(x) FROM people WHERE dp_with(epsilon => 0.3, delta => 1e-7)' ],
	[ 'analyst', 'SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM other) + (SELECT sum(x) FROM people)' ],
	[ 'analyst', 'SELECT clinic, person % 3, count(*) FROM visits GROUP BY CUBE (1, 2)' ],
	[ 'analyst', 'SELECT count(*) FROM people WHERE x > (SELECT avg(x) FROM people)' ],
	[ 'rho', 'SELECT count(*) FROM people' ],
	[ 'rho', 'SELECT count(*) FROM people WHERE x > (SELECT avg(x) FROM people)' ],
	[ 'member', 'SELECT g, count(*) FROM people GROUP BY g' ],
	[ 'poor', 'SELECT count(*) FROM people WHERE dp_with(epsilon => 0.7)' ],
	[ 'poor', 'SELECT count(*) FROM people WHERE dp_with(epsilon => 0.7)' ],
	[ 'analyst', 'SELECT 1' ], [ 'analyst', 'SELECT count(*) FROM people WHERE 1 = 0' ], [ 'analyst', 'SELECT count(*) FROM people LIMIT 0' ],
	[ 'reader', 'SELECT dp_count(*) FROM people' ])
{
	my ($role, $sql) = @$case;
	my $accounts = "SELECT string_agg(concat_ws(' ', role, population, epsilon_remaining, delta_remaining), ', ' ORDER BY population, role) FROM dp_agg.my_budget";
	my $logged = "SELECT COALESCE(string_agg(concat_ws(' ', population, epsilon, delta), ', ' ORDER BY id), 'none') FROM dp_agg.releases WHERE id > ";
	my $last = $node->safe_psql('postgres', 'SELECT COALESCE(max(id), 0) FROM dp_agg.releases');
	my $before = ledger();
	my @rows = estimate($role, $sql);
	my $left = join ', ', map { "$_->{name} $_->{population} $_->{epsilon_left} " . $_->{delta_left} } sort { "$a->{population} $a->{name}" cmp "$b->{population} $b->{name}" } rows_of('account', @rows);

	is(ledger(), $before, 'nothing is spent by the estimate of ' . DpAgg::brief($sql));
	DpAgg::value($node, $role, $sql);
	# numeric, in JSON and SQL
	my $remaining = DpAgg::value($node, $role, $accounts);
	my %concerned = map { ("$_->{population} $_->{name}" => 1) } rows_of('account', @rows);
	$remaining = join ', ', grep { my ($r, $p) = split / /; $concerned{"$p $r"} } split /, /, $remaining;
	is(join(', ', map { join ' ', map { /^[\d.]+(e-?\d+)?$/i ? $_ + 0 : $_ } split / / } split /, /, $left),
		join(', ', map { join ' ', map { /^[\d.]+(e-?\d+)?$/i ? $_ + 0 : $_ } split / / } split /, /, $remaining), '... what is left of accounts') ;
	my $charged = join ', ', map { "$_->{population} " . join ' ', $_->{epsilon} + 0, $_->{delta} + 0 } grep { defined $_->{epsilon} } rows_of('release', @rows);
	is($charged || 'none', join(', ', map { join ' ', map { /^[\d.]+$/ ? $_ + 0 : $_ } split / / } split /, /, $node->safe_psql('postgres', $logged . $last)), "... and the price: $charged");
	my %sum;
	$sum{ $_->{population} } += $_->{epsilon} foreach grep { defined $_->{epsilon} } rows_of('release', @rows);
	ok(abs($_->{epsilon} - $sum{ $_->{population} }) < 1e-9, "... of $_->{name} that of all releases on $_->{population}") foreach rows_of('account', @rows);
}

# An account that cannot pay: the same as before, and what the statement would be told.
{
	my $sql = 'SELECT count(*) FROM people';
	my ($account) = rows_of('account', my @rows = estimate('poor', $sql));
	my $r = DpAgg::as($node, 'poor', $sql);

	is(scalar(rows_of('output', @rows)), 1, 'what cannot be paid is estimated all the same');
	like($account->{advice}, qr/^It would be refused\. DP001: \Q$r->{message}\E\. The statement costs epsilon 1 /, '... and says so');
	is("$r->{sqlstate} $account->{epsilon_left}", 'DP001 0.1', '... nothing is taken off');
	like((rows_of('account', estimate('member', "$sql WHERE dp_with(epsilon => 6)")))[$_]{advice} // '', $_ == 0 ? qr/DP002: statement costs more/ : qr/^$/, 'by account: one refuses') foreach 0, 1;
	like((rows_of('account', estimate('member', "$sql WHERE dp_with(epsilon => 0.01)")))[0]{advice}, qr/DP002: release costs less/, 'too cheap');
	like((rows_of('account', estimate('member', $sql)))[0]{limits}, qr/^pays epsilon 5 for a statement at most; \d releases left; renews at/, 'limits of an account');
	like((rows_of('account', estimate('rho', $sql)))[0]{limits}, qr/adds up rho: 0\.\d+ of this statement/, '... of one that adds up rho');
}

# Caps: who has an account on the population sees them, others only that they refuse.
$node->safe_psql('postgres', q{SELECT dp_agg.set_population_cap('others', 7, 1e-4); GRANT SELECT ON other TO reader});
{
	my @accounts = rows_of('account', estimate('capped', 'SELECT count(*) FROM other'));

	is(join(', ', map { "$_->{name} " . $_->{epsilon_left} } @accounts), 'capped 99, cap of the population 6', 'a cap is an account, too');
	@accounts = rows_of('account', estimate('capped', 'SELECT count(*) FROM other WHERE dp_with(epsilon => 8)'));
	like($accounts[1]{advice}, qr/DP001: .*the cap of the population has epsilon 7/, '... which may refuse');
	is($accounts[0]{epsilon_left}, 100, '... and then nobody pays');
	is(scalar(rows_of('account', estimate('reader', 'SELECT dp_count(*) FROM other'))), 0, 'who has no account is told of none');
	like((rows_of('account', estimate('reader', 'SELECT dp_count(*) FROM other WHERE dp_with(epsilon => 8)')))[0]{advice}, qr/DP001/, '... but for a refusal');
}
$node->safe_psql('postgres', q{SELECT dp_agg.drop_population_cap('others')});

# By whose right: a definer's function asks as the definer, and the session's accounts pay as well.
$node->safe_psql('postgres', q{CREATE FUNCTION public.asks() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS $$ SELECT name FROM dp_agg.estimate('SELECT count(*) FROM public.people') WHERE item = 'account' $$; ALTER FUNCTION public.asks() OWNER TO definer});
is(DpAgg::value($node, 'stranger', 'SELECT * FROM public.asks()'), 'definer', 'a definer pays');
is(DpAgg::value($node, 'analyst', 'SELECT * FROM public.asks() ORDER BY 1'), "analyst\ndefiner", '... and so does the session');

# ---------- the smallest group ----------

foreach my $case ([ 'analyst', 'count(*)' ], [ 'rho', 'count(*)' ], [ 'analyst', 'dp_median(size)' ])
{
	my ($role, $output) = @$case;
	$node->safe_psql('postgres', q{SELECT dp_agg.set_bounds('sizes', 'size', 0, 1000)});
	my $sql = "SELECT size, $output FROM sizes GROUP BY size";
	my ($release) = rows_of('release', estimate($role, $sql));
	my $smallest = $release->{smallest_group};
	my @sizes = (int($smallest * 0.6), $smallest, int($smallest * 1.5), $smallest - 3);

	$node->safe_psql('postgres', 'TRUNCATE sizes; INSERT INTO sizes SELECT row_number() OVER (), s FROM unnest(ARRAY[' . join(',', @sizes) . ']) s, generate_series(1, s)');
	my %shown;
	$shown{ $_->[0] }++ foreach DpAgg::many($node, $role, "SELECT size FROM ($sql) s", 200);
	cmp_ok($shown{ $sizes[0] } // 0, '<', 20, "$role, $output: groups much smaller than $smallest are mostly held back");
	# of whole numbers, the first with which it is half or more
	cmp_ok($shown{ $sizes[1] } // 0, '>', 70, '... of those of that size half are shown, or some more');
	cmp_ok($shown{ $sizes[3] } // 0, '<', 140, '... and of those a little smaller less: ' . ($shown{ $sizes[3] } // 0));
	cmp_ok($shown{ $sizes[2] } // 0, '>', 180, '... and larger ones are mostly shown');
	like((rows_of('release', estimate($role, $sql, ", individuals => $sizes[0]")))[0]{advice}, qr/A group of $sizes[0] individuals is mostly held back/, '... which it says');
}

# ---------- what would make it sharper ----------

# What it says of another epsilon, or another limit, is what the estimate with that says.
foreach my $case (
	[ 'analyst', 'SELECT count(*), sum(x), avg(x), stddev(x) FROM people WHERE dp_with(%s)' ],
	[ 'analyst', 'SELECT avg(x) FROM people WHERE dp_with(%s)' ],
	[ 'analyst', 'SELECT clinic, avg(cost), count(*), sum(cost) FROM visits WHERE dp_with(%s) GROUP BY clinic' ],
	[ 'analyst', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE dp_with(%s) GROUP BY clinic' ],
	[ 'analyst', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE dp_with(max_total => 12) AND dp_with(%s) GROUP BY clinic', 'max_total' ],
	[ 'analyst', 'SELECT count(*), sum(cost) FROM visits WHERE dp_with(%s)' ],
	[ 'analyst', 'SELECT count(*), sum(cost) FROM visits WHERE dp_with(max_total => 3) AND dp_with(%s)', 'max_total' ],
	[ 'analyst', 'SELECT clinic, avg(cost) FROM visits WHERE dp_with(max_rows => 20) AND dp_with(%s) GROUP BY clinic', 'max_rows' ],
	[ 'analyst', 'SELECT count(*), dp_median(x) FROM people WHERE dp_with(%s)' ],
	[ 'analyst', 'SELECT clinic, count(DISTINCT day), dp_top(clinic, 2) FROM visits WHERE dp_with(%s) GROUP BY clinic' ],
	[ 'rho', 'SELECT clinic, count(*), sum(cost) FROM visits WHERE dp_with(%s) GROUP BY clinic' ],
	[ 'rho', 'SELECT clinic, count(*), avg(cost) FROM visits WHERE dp_with(%s) GROUP BY clinic' ])
{
	my ($role, $form, $given) = @$case;
	my @outputs = rows_of('output', estimate($role, sprintf $form, ''));

	foreach my $output (@outputs)
	{
		my $advice = $output->{advice} // '';
		my ($epsilon, $error) = $advice =~ /At twice the epsilon, (\S+), its standard error is (\S+)\./;
		my @said = defined $epsilon ? [ "epsilon => $epsilon", $error ] : ();

		push @said, [ $1, $2 ] while $advice =~ /With dp_with\((\w+ => \d+)\) it is (\S+), and/g;
		push @said, [ $1, undef ] while $advice =~ /A smaller \w+, as of dp_with\((\w+ => 1)\), makes it smaller/g;
		foreach my $said (@said)
		{
			next if $given && $said->[0] =~ /^$given/;
			my ($then) = grep { $_->{name} eq $output->{name} } rows_of('output', estimate($role, sprintf $form, $said->[0]));

			$said->[1] //= $then->{standard_error};
			is(sprintf('%.3g', $then->{standard_error}), sprintf('%.3g', $said->[1]), "$output->{name} with $said->[0]: $said->[1] instead of $output->{standard_error}");
			cmp_ok($said->[1], '<', $output->{standard_error}, '... is sharper');
		}
	}
}
{
	my $advice = sub { my ($sql, $item) = @_; return join ' ', map { $_->{advice} // '' } rows_of($item // 'release', estimate('analyst', $sql)) };

	like($advice->('SELECT count(*), dp_median(x) FROM people'), qr/divided among 2 parts/, 'a median beside a count');
	unlike($advice->('SELECT count(*), avg(x) FROM people'), qr/divided/, 'all of one kind');
	like($advice->('SELECT clinic, count(*) FROM visits GROUP BY clinic'), qr/UNIQUE index.*set_domain/, 'several rows for each');
	unlike($advice->('SELECT g, count(*) FROM people GROUP BY g'), qr/UNIQUE|set_domain/, '... and one');
	unlike($advice->('SELECT clinic = 1, count(*) FROM visits GROUP BY 1'), qr/set_domain/, 'keys of few values already');
	like($advice->('SELECT sum(cost) FROM visits', 'output'), qr/set_total/, 'sums of several rows');
	unlike($advice->('SELECT sum(x) FROM people', 'output'), qr/set_total/, '... and of one');
}

# Limits and bounds, and why.
foreach my $case (
	[ 'SELECT count(*) FROM people', qr/^one row per individual, by a unique index/ ],
	[ 'SELECT clinic, avg(cost) FROM visits GROUP BY clinic', qr/^max_groups 3 \(declared by protect\), max_rows 5 \(declared by protect\)$/, qr/^0 \.\. 100 \(declared, or following from the query\)$/ ],
	[ 'SELECT clinic, dp_avg(cost, 10, 20) FROM visits WHERE dp_with(max_groups => 2, max_rows => 7) GROUP BY clinic', qr/^max_groups 2 \(asked for by dp_with\), max_rows 7 \(asked for by dp_with\)$/, qr/^10 \.\. 20 \(written in the query\)$/ ],
	[ 'SELECT clinic = 1, avg(cost) FROM visits GROUP BY 1', qr/^max_groups 2 \(the keys have no more for one individual\), / ],
	[ 'SELECT count(*) FROM visits', qr/^max_total 15 \(max_groups times max_rows, as declared by protect\)$/ ],
	[ 'SELECT clinic, count(*) FROM visits WHERE dp_with(max_total => 4) GROUP BY 1', qr/max_rows 4 \(no more than max_total\), max_total 4 \(asked for by dp_with\)$/ ],
	[ 'SELECT avg(cost) FROM visits WHERE cost BETWEEN 10 AND 20', qr/^max_total 15/, qr/^10 \.\. 20 \(declared, or following from the query\)$/ ],
	[ 'SELECT dp_median(day) FROM visits', qr/max_rows 5/, qr/^2026-01-01 \.\. 2026-12-31 \(declared, or following from the query\)$/ ],
	[ 'SELECT dp_avg(n) FROM (SELECT person, count(*) AS n FROM visits GROUP BY person) s', qr/^one row per individual/, qr/^1 \.\. 15 \(declared, or following from the query\)$/ ])
{
	my ($sql, $limits, $bounds) = @$case;
	my @rows = estimate('analyst', $sql);

	like((rows_of('release', @rows))[0]{limits}, $limits, 'limits of ' . DpAgg::brief($sql));
	like((rows_of('output', @rows))[0]{bounds}, $bounds, '... and bounds') if $bounds;
}
like((rows_of('release', estimate('analyst', 'SELECT clinic, avg(cost) FROM visits GROUP BY clinic', '', 'SET dp_agg.max_groups = 2; SET dp_agg.max_rows = 3; ')))[0]{limits},
	qr/^max_groups 2 \(set by dp_agg\.max_groups\), max_rows 3 \(set by dp_agg\.max_rows\)/, 'limits of the session');

# Larger groups, sharper averages; counts do not care.
{
	my ($count, $average) = rows_of('output', estimate('analyst', 'SELECT count(*), avg(x) FROM people'));
	my ($count_of, $average_of) = rows_of('output', estimate('analyst', 'SELECT count(*), avg(x) FROM people', ', individuals => 10000'));

	is($count->{standard_error}, $count_of->{standard_error}, 'a count of more people');
	cmp_ok(abs($average->{standard_error} / $average_of->{standard_error} - 10), '<', 0.01, 'an average of ten times as many');
}

# ---------- parameters ----------

{
	my ($account) = rows_of('account', estimate('analyst', 'SELECT count(*) FROM people WHERE x > $1 AND dp_with(epsilon => $2)', ", ARRAY['5', '0.25']"));
	is($account->{epsilon}, 0.25, 'values of parameters');
	DpAgg::refused($node, 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people WHERE x > $1')}, '42P02', 'none are given');
	like(DpAgg::as($node, 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people WHERE x > $1')})->{err}, qr/Give a value for each as text/, '... which it says');
	DpAgg::refused($node, 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people', ARRAY['1'])}, '42P02', 'one too many');
	DpAgg::refused($node, 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people WHERE x > $1', ARRAY['five'])}, '22P02', 'not a number');
	DpAgg::refused($node, 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT dp_sum(x, 0, $1) FROM people', ARRAY[NULL])}, 'DP003', 'NULL as a bound');
	is(DpAgg::value($node, 'analyst', q{SELECT count(*) FROM dp_agg.estimate(NULL)}), 0, 'nothing of nothing');
}

# ---------- refusals ----------

DpAgg::refused($node, @$_) foreach
  (map { [ $_->[0], 'SELECT * FROM dp_agg.estimate(' . quoted($_->[1]) . ')', $_->[2] ] }
	[ 'analyst', 'SELECT * FROM people', '42501' ], [ 'analyst', 'SELECT id, count(*) FROM people GROUP BY id', 'DP002' ], [ 'analyst', 'SELECT sum(id) FROM people', 'DP003' ],
	[ 'stranger', 'SELECT count(*) FROM people', '42501' ], [ 'analyst', 'SELECT nothing FROM people', '42703' ], [ 'analyst', 'SELECT count(*', '42601' ],
	[ 'analyst', 'SELECT 1; SELECT 2', '22023' ], [ 'analyst', '', '22023' ], [ 'analyst', 'CREATE TABLE a.x AS SELECT count(*) FROM people', '22023' ],
	[ 'analyst', 'SELECT count(*) INTO a.x FROM people', '22023' ], [ 'analyst', 'EXPLAIN SELECT count(*) FROM people', '22023' ], [ 'analyst', 'DROP TABLE people', '22023' ],
	[ 'analyst', 'CREATE TABLE a.y AS SELECT 1', '22023' ], [ 'analyst', 'COPY (SELECT count(*) FROM people) TO STDOUT', '22023' ], [ 'analyst', 'SELECT count(*) FROM people WHERE dp_with(epsilon => 1e-6)', 'DP002' ],
	[ 'analyst', 'SELECT count(*) FROM people WHERE dp_with(epsilon => 2000)', '22023' ]),
  [ 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people', individuals => 0)}, '22023' ],
  [ 'analyst', q{BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people')}, 'DP002' ],
  [ 'analyst', q{SET debug_print_plan = on; SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people')}, 'DP002' ],
  [ 'analyst', 'SET debug_print_plan = on; EXPLAIN SELECT count(*) FROM people', 'DP002' ],
  (map { [ 'analyst', "EXPLAIN $_", 'DP002' ] } 'ANALYZE SELECT count(*) FROM people', '(ANALYZE, COSTS off) SELECT count(*) FROM people', 'SELECT id, count(*) FROM people GROUP BY id'),
  [ 'analyst', 'EXPLAIN SELECT * FROM people', '42501' ], [ 'stranger', 'EXPLAIN SELECT count(*) FROM people', '42501' ],
  [ 'analyst', 'PREPARE q AS SELECT count(*) FROM people; EXPLAIN EXECUTE q', 'DP002' ],
  [ 'analyst', "SET plan_cache_mode = force_generic_plan; PREPARE q AS SELECT count(*) > 0 FROM people;\n\\o /dev/null\nEXECUTE q;\n\\o\nEXPLAIN EXECUTE q", 'DP002' ];
is(DpAgg::as($node, 'analyst', q{SELECT * FROM dp_agg.estimate('SELECT nothing FROM people')})->{err} =~ /QUERY:  SELECT nothing FROM people/ ? 1 : 0, 1, 'places are about the query that is estimated');

# ---------- EXPLAIN ----------

{
	my $sql = 'SELECT g, count(*), avg(x), dp_median(y) FROM people GROUP BY ROLLUP (g)';
	my @rows = estimate('analyst', $sql);
	my ($json) = @{ JSON::PP->new->decode(DpAgg::value($node, 'analyst', "EXPLAIN (FORMAT json) $sql")) };
	my %output = ();

	is(join(' ', map { $_->{Item} } @{ $json->{Estimate} }), join(' ', map { $_->{item} } @rows), 'JSON: the same lines');
	foreach my $pair ([ 'Name', 'name' ], [ 'Epsilon', 'epsilon' ], [ 'Smallest Group', 'smallest_group' ], [ 'Limits', 'limits' ], [ 'Advice', 'advice' ], [ 'Rank Error', 'rank_error' ], [ 'Epsilon Left', 'epsilon_left' ])
	{
		is(join('|', map { $_->{ $pair->[0] } // '' } @{ $json->{Estimate} }), join('|', map { $_->{ $pair->[1] } // '' } @rows), "... their $pair->[1]");
	}
	ok(abs(($json->{Estimate}[$_]{'Standard Error'} // 0) - ($rows[$_]{standard_error} // 0)) <= 0.01 * ($rows[$_]{standard_error} // 0), "... error of line $_") foreach 0 .. $#rows;
	my $text = DpAgg::value($node, 'analyst', "EXPLAIN $sql");
	my $yaml = DpAgg::value($node, 'analyst', "EXPLAIN (FORMAT yaml) $sql");
	my $xml = DpAgg::value($node, 'analyst', "EXPLAIN (FORMAT xml) $sql");
	my $outputs = rows_of('output', @rows);

	is(scalar(() = $text =~ /^  Output: /mg), $outputs, 'TEXT: a line for each output');
	like($text, qr/^Account: analyst\n  Population: people\n  Epsilon: 1\n/m, '... and for accounts');
	is(scalar(() = $yaml =~ /^    - Item: "output"/mg), $outputs, 'YAML');
	is(scalar(() = $xml =~ m{<Item>output</Item>}g), $outputs, 'XML');
	my @open;
	my $good = 1;
	while ($xml =~ m{<(/?)([\w-]+)[^>]*>}g) { if ($1) { $good &&= (pop(@open) // '') eq $2 } else { push @open, $2 } }
	ok($good && !@open, '... well-formed');
	unlike("$text$yaml$xml", qr/cost|rows=|Scan|Aggregate|Plan\b/i, 'no plan in any');
	my ($one, $two) = map { DpAgg::value($node, 'analyst', $_) } "EXPLAIN (VERBOSE, BUFFERS, SUMMARY, SETTINGS) $sql", "EXPLAIN $sql";
	is($one, $two, 'other options show no more');
}
foreach my $sql ('EXPLAIN SELECT count(*) FROM people LIMIT 0', 'EXPLAIN SELECT count(*) FROM people WHERE 1 = 0')
{
	like(DpAgg::value($node, 'analyst', $sql), qr/^Statement: no release\n  Epsilon: 0\n/, "costs nothing: $sql");
}
# What is not an analyst's release is explained as ever.
$node->safe_psql('postgres', 'CREATE TABLE a.plain (i int PRIMARY KEY); GRANT ALL ON a.plain TO PUBLIC');
foreach my $case ([ 'analyst', 'SELECT * FROM a.plain WHERE i = 3' ], [ 'reader', 'SELECT count(*) FROM people' ], [ 'reader', 'SELECT dp_count(*) FROM people' ], [ $superuser, 'SELECT count(*) FROM people' ], [ 'stranger', 'INSERT INTO a.plain VALUES (1)' ])
{
	my ($role, $sql) = @$case;

	like(DpAgg::value($node, $role, "EXPLAIN (SUMMARY, BUFFERS) $sql"), qr/cost=.*Planning Time/s, "a plan: $role, $sql");
	like(DpAgg::value($node, $role, "EXPLAIN (FORMAT json, SUMMARY) $sql"), qr/"Plan": .*"Planning Time"/s, '... as JSON');
}
like((rows_of('release', estimate('reader', 'SELECT dp_count(*) FROM people')))[0]{limits}, qr/one row/, 'who may read the table may estimate, too');
is((rows_of('statement', estimate('reader', 'SELECT count(*) FROM people')))[0]{epsilon}, 0, '... and is told what costs nothing');

# ---------- nothing runs, and nothing is counted ----------

DpAgg::value($node, 'analyst', <<'SQL');
CREATE SEQUENCE a.calls;
SELECT nextval('a.calls');
CREATE FUNCTION a.calls_stable(int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.calls_volatile(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.fails(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'it runs'; END $$;
CREATE FUNCTION a.spends(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) FROM public.people); END $$;
CREATE FUNCTION a.estimates(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) FROM dp_agg.estimate('SELECT count(*) FROM public.people')); END $$;
CREATE FUNCTION a.caught(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) FROM public.people); EXCEPTION WHEN OTHERS THEN RETURN -1; END $$;
CREATE FUNCTION a.prints(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM a.print_now(); RETURN 1; END $$;
CREATE FUNCTION a.print_now() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('debug_print_plan', 'on', false); END $$;
SQL
{
	my $counters = q{SELECT coalesce(string_agg(concat_ws(',', relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch), ' ' ORDER BY relname), '') FROM pg_stat_user_tables WHERE relname IN ('people', 'visits')};
	my $calls = 'SELECT last_value FROM a.calls';
	my @sql = ('SELECT count(*), a.calls_stable(1), a.calls_volatile(count(*)), nextval($$a.calls$$), a.fails(count(*)) FROM people', 'SELECT clinic, count(*) FROM visits GROUP BY clinic HAVING a.calls_volatile(count(*)) > 0',
		'SELECT count(*) FROM people WHERE x > (SELECT avg(x) FROM people)', 'WITH m AS MATERIALIZED (SELECT a.calls_volatile(1)) SELECT count(*), (SELECT * FROM m) FROM people');
	my ($seen, $called, $ledger);

	$node->safe_psql('postgres', 'SELECT pg_stat_force_next_flush()');
	($seen, $called, $ledger) = ($node->safe_psql('postgres', $counters), $node->safe_psql('postgres', $calls), ledger());
	my @lines = split /\n/, DpAgg::value($node, 'analyst', join '', 'BEGIN; SELECT sum(pg_stat_get_xact_numscans(c)) + sum(pg_stat_get_xact_blocks_fetched(c)) FROM unnest(ARRAY[$$people$$, $$visits$$, $$people_pkey$$]::regclass[]) c;', "\\o /dev/null\n",
		(map { 'SELECT * FROM dp_agg.estimate(' . quoted($_) . "); EXPLAIN $_; EXPLAIN (FORMAT json) $_;" } @sql), "\\o\n",
		'SELECT sum(pg_stat_get_xact_numscans(c)) + sum(pg_stat_get_xact_blocks_fetched(c)) FROM unnest(ARRAY[$$people$$, $$visits$$, $$people_pkey$$]::regclass[]) c; COMMIT; SELECT pg_stat_force_next_flush()');
	is($lines[1], $lines[0], 'no counter of the transaction moves');
	is($node->safe_psql('postgres', $counters), $seen, '... and none of the tables');
	is($node->safe_psql('postgres', $calls), $called, 'no function of the query runs');
	is(ledger(), $ledger, 'nothing is in the ledger');
	is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.last_release()'), 0, 'and no release is the last one');
}

# ---------- code at plan time ----------

{
	my $ledger = ledger();

	DpAgg::refused($node, 'analyst', $_, 'DP002') foreach 'EXPLAIN SELECT count(*), a.spends(1) FROM people', q{SELECT * FROM dp_agg.estimate('SELECT count(*), a.spends(1) FROM people')},
	  q{SELECT * FROM dp_agg.estimate('SELECT a.spends(1)')}, q{SELECT * FROM dp_agg.estimate('SELECT count(*) FROM people WHERE dp_with(epsilon => a.spends(1))')},
	  'EXPLAIN SELECT count(*) FROM people WHERE dp_with(epsilon => 1 + a.prints(1))';
	foreach my $sql ('EXPLAIN SELECT count(*), a.prints(1) FROM people', q{SELECT * FROM dp_agg.estimate('SELECT count(*), a.prints(1) FROM people')})
	{
		my $r = DpAgg::as($node, 'analyst', "SET client_min_messages = log; $sql");

		unlike($r->{err}, qr/PLANNEDSTMT|CUSTOMSCAN|SEQSCAN/, "prints no plan: $sql");
		is(ledger(), $ledger, '... and spends nothing');
	}
	# what such code catches is nothing, and the estimate goes on
	foreach my $sql (q{SELECT count(*) FROM dp_agg.estimate('SELECT count(*), a.caught(1) FROM people')}, q{SELECT count(*) FROM dp_agg.estimate('SELECT count(*), a.estimates(1) FROM people')})
	{
		is(DpAgg::value($node, 'analyst', $sql), 3, "goes on: $sql");
	}
	# after an error, or code that caught one, nothing is permitted that was not
	foreach my $before ('EXPLAIN SELECT count(*), a.caught(1) FROM people', q{SELECT * FROM dp_agg.estimate('SELECT count(*), a.spends(1) FROM people')}, q{SELECT * FROM dp_agg.estimate('SELECT nothing FROM people')},
		q{SELECT * FROM dp_agg.estimate('SELECT * FROM people')}, 'EXPLAIN SELECT count(*) FROM people WHERE dp_with(epsilon => 1e-7)', 'EXPLAIN SELECT count(*) FROM people')
	{
		my $r = DpAgg::as($node, 'analyst', "\\o /dev/null\n$before;\n\\o\nPREPARE q AS SELECT count(*) FROM people; EXPLAIN EXECUTE q; EXPLAIN ANALYZE SELECT count(*) FROM people; EXECUTE q", on_error_stop => 0);

		is(scalar(() = $r->{err} =~ /DP002: plans over protected/g), $before =~ /spends/ ? 3 : 2, "plans are refused after: $before");
		like($r->{out}, qr/^\d+$/, '... and releases are not');
	}
	is(ledger() =~ s/\|.*//sr - $ledger =~ s/\|.*//sr, 6, 'code at plan time has spent nothing');
}

# ---------- auto_explain goes on ----------

foreach my $sql (q{SELECT item FROM dp_agg.estimate('SELECT g, count(*) FROM people GROUP BY g')}, 'EXPLAIN SELECT g, count(*) FROM people GROUP BY g', 'SELECT g, count(*) FROM people GROUP BY g')
{
	my $r = DpAgg::as($node, $superuser, "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = notice; SET client_min_messages = notice; SET SESSION AUTHORIZATION analyst; $sql");

	ok($r->{ok}, "with auto_explain: $sql") or diag($r->{err});
	like($r->{err}, qr/DP Release/, '... which shows the release');
	unlike($r->{err}, qr/Scan on people|DP Stream|Aggregate/, '... and nothing below it');
}

# ---------- whatever the rows are ----------

# The same declarations and accounts in databases with other rows: some, others, none, and many.
{
	my %rows = (
		these => 'INSERT INTO people SELECT i, i % 4, i % 101, i % 77, i FROM generate_series(1, 2000) i; INSERT INTO visits SELECT i % 500, i % 3, i % 100, NULL FROM generate_series(1, 2000) i',
		others => 'INSERT INTO people SELECT i * 7, 1, 5, 100, NULL FROM generate_series(1, 2000) i; INSERT INTO visits SELECT 1, 1, 5, date $$2026-05-05$$ FROM generate_series(1, 2000) i',
		none => 'SELECT 1',
		many => 'INSERT INTO people SELECT i, i, 50, i % 77, i FROM generate_series(1, 60000) i; INSERT INTO visits SELECT i, i % 3, i % 100, NULL FROM generate_series(1, 60000) i');
	my @sql = ('SELECT count(*), avg(x), stddev(y), dp_median(x), count(DISTINCT n) FROM people', 'SELECT g, count(*) FROM people GROUP BY g', 'SELECT clinic, day, count(*), sum(cost) FROM visits GROUP BY CUBE (clinic, day)',
		'SELECT count(*) FROM people p JOIN visits v ON v.person = p.id WHERE p.x > 50', 'SELECT count(*) FROM people WHERE id = 5', 'SELECT dp_avg(s) FROM (SELECT person, sum(cost) AS s FROM visits GROUP BY person) q',
		'SELECT count(*) FROM people WHERE x > (SELECT avg(x) FROM people)', 'SELECT clinic, dp_top(day, 5), dp_histogram(cost, 0, 100, 7), max(cost) FROM visits WHERE EXISTS (SELECT FROM people p WHERE p.id = person) GROUP BY clinic',
		'SELECT count(*) FROM people WHERE g = 999', 'SELECT count(*), a.fails(count(*)) FROM people WHERE n / 0 > 1');
	my %seen;

	foreach my $db (sort keys %rows)
	{
		$node->safe_psql('postgres', "CREATE DATABASE $db");
		$node->safe_psql($db, "CREATE EXTENSION dp_agg; CREATE SCHEMA a; GRANT USAGE ON SCHEMA a TO PUBLIC; CREATE FUNCTION a.fails(bigint) RETURNS bigint LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'it runs'; END \$\$; $tables $rows{$db}; $protect SELECT dp_agg.set_budget('analyst', 'people', 10, 1e-6); ANALYZE");
		my $r = DpAgg::as($node, 'analyst', join('', map { 'SELECT * FROM dp_agg.estimate(' . quoted($_) . ");\nEXPLAIN $_;\nEXPLAIN (FORMAT json) $_;\n" } @sql), db => $db, on_error_stop => 0);
		$seen{$db} = "$r->{out}\n$r->{err}";
		is($node->safe_psql($db, 'SELECT count(*) FROM dp_agg.releases'), 0, "$db: nothing released");
	}
	is($seen{$_}, $seen{these}, "an estimate says the same of $_") foreach qw(others none many);
	cmp_ok(scalar(() = $seen{these} =~ /^output\|/mg), '>', 20, 'and that is not little') or diag($seen{these});
}
$node->stop;
done_testing();
