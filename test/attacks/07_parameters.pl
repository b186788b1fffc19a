# Parameters of a release: epsilon, limits, bounds, fractions, as constants, prepared
# parameters, settings and expressions.  A leak: a parameter takes a value from the
# rows, or one that is no parameter at all is computed with.

use strict;
use warnings;
use Test::More;
use Attacks;

start('parameters');

# ---------- code of the analyst in the parameters of a release ----------

my $few = 'id BETWEEN 1 AND 37';

attack('a bound that counts rows', "SELECT dp_sum(x, a.spy_stable(), 100) FROM people WHERE $few",
	control => "SELECT sum(x + a.spy_stable()) FROM people WHERE $few");
attack('an upper bound that counts rows', "SELECT dp_avg(x, 0, 1 + a.spy_stable()) FROM people WHERE $few",
	control => "SELECT avg(x + a.spy_stable()) FROM people WHERE $few");
attack('a bound through an SQL function', "SELECT dp_sum(x, a.spy_sql(), 100) FROM people WHERE $few",
	control => "SELECT sum(x + a.spy_sql()) FROM people WHERE $few");
attack('an IMMUTABLE bound', "SELECT dp_sum(x, a.spy_immutable(0), 100) FROM people WHERE $few",
	control => "SELECT sum(x + a.spy_immutable(x)) FROM people WHERE $few");
attack('a bound cast to a domain that counts', "SELECT dp_sum(x, 0::a.dm, 100) FROM people WHERE $few",
	control => "SELECT sum(x::a.dm) FROM people WHERE $few");
attack('a bound by an operator that counts',
	"SELECT dp_sum(x, (1 OPERATOR(a.==) 2)::int, 100) FROM people WHERE $few",
	control => "SELECT sum((x OPERATOR(a.==) 2)::int) FROM people WHERE $few");
attack('a bound out of a sub-select', "SELECT dp_sum(x, (SELECT a.spy(0)), 100) FROM people WHERE $few",
	control => "SELECT sum(x + (SELECT a.spy(x))) FROM people WHERE $few");
attack('a bound out of a sub-select over the rows', 'SELECT dp_sum(x, (SELECT min(x) FROM people), 100) FROM people',
	control => 'SELECT sum(x - (SELECT min(x) FROM people WHERE id = 5)) FROM people');
attack('a bound of a column', "SELECT dp_sum(x, x, 100) FROM people WHERE $few");
attack("$_ of dp_with that counts rows",
	"SELECT dp_count(*) FROM people WHERE dp_with($_ => 1 + a.spy_stable()" . (/max/ ? '::int' : '') . ") AND $few",
	control => "SELECT count(*) FROM people WHERE a.spy_stable() + x >= 0 AND $few") foreach qw(epsilon delta max_groups max_rows);
attack('a volatile parameter', 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => random())', control => 'SELECT sum(x) FROM people WHERE random() >= 0');
attack('a parameter of a column', 'SELECT dp_count(*) FROM people WHERE dp_with(max_rows => x)', control => 'SELECT sum(x) FROM people');
attack('k raised between payment and the drain', 'FETCH ALL c',
	before => [ "SET a.k = '1'", 'BEGIN',
		"DECLARE c CURSOR FOR SELECT o.n, dp_count(*) FROM people p JOIN a.nums o ON true WHERE dp_with(max_groups => current_setting('a.k')::int) GROUP BY 1",
		"SET a.k = '1000'" ],
	state => '25P02', control => 'runs');
attack('k from a setting', "SELECT o.n, dp_count(*) FROM people p JOIN a.nums o ON true WHERE dp_with(max_groups => current_setting('a.k')::int) GROUP BY 1",
	before => ["SET a.k = '1'"], control => 'runs');
attack('a bound from a setting', "SELECT dp_sum(x, current_setting('a.k')::float8, 100) FROM people",
	before => ["SET a.k = '1'"]);
attack('a bound from the clock', 'SELECT dp_sum(x, 0, extract(epoch FROM now())) FROM people');
attack('a bound that is a parameter is a value', 'EXECUTE bounded(0, 100)',
	before => ['PREPARE bounded(float8, float8) AS SELECT dp_sum(x, $1, $2) FROM people WHERE x < 5'],
	after => ['DEALLOCATE bounded'], state => '00000', control => 'runs');
run_attacks();

# ---------- values that are no parameters ----------

# Prepared with both kinds of plan: the same answer, error or refusal on both versions.
my @bad = map { "'$_'::float8" } 'NaN', 'infinity', '-infinity', '0', '-0', '-1', '1e-300', '1e300', '1e308', '5e-324';
push @bad, 'NULL::float8';
foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	my %with = (
		epsilon => 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => $1)', delta => 'SELECT dp_count(*) FROM people WHERE dp_with(delta => $1)',
		lower => 'SELECT dp_sum(x, $1, 100) FROM people', upper => 'SELECT dp_sum(x, 0, $1) FROM people', both => 'SELECT dp_avg(x, $1, $1) FROM people');

	foreach my $what (sort keys %with)
	{
		attack("a parameter, $mode: $what => $_", "EXECUTE bad($_)", before => [ "SET plan_cache_mode = $mode", "PREPARE bad(float8) AS $with{$what}" ], after => [ 'DEALLOCATE ALL', 'RESET plan_cache_mode' ],
			state => '00000|DP00[123]|22\w\w\w', moves => 1e300, control => 'runs')
		  foreach @bad;
	}
	attack("a parameter, $mode: $_->[0] => $_->[1]", "EXECUTE bad($_->[1])", before => [ "SET plan_cache_mode = $mode", "PREPARE bad(int) AS SELECT dp_count(*) FROM people WHERE dp_with($_->[0] => \$1)" ],
		after => [ 'DEALLOCATE ALL', 'RESET plan_cache_mode' ], state => '00000|DP00[123]|22\w\w\w', moves => 1e300, control => 'runs')
	  foreach map { my $v = $_; map { [ $_, $v ] } 'max_groups', 'max_rows' } 'NULL', 0, -1, 2147483647, -2147483648, 1000001;
}
attack("a constant: $_", "SELECT dp_count(*) FROM people WHERE dp_with($_)", state => 'DP00[123]|22\w\w\w|42\w\w\w', control => 'runs') foreach
  'epsilon => 0', 'epsilon => -1', "epsilon => 'NaN'", "epsilon => 'infinity'", 'epsilon => 1001', 'epsilon => 1e-10', 'delta => 0.6', "delta => 'NaN'", 'delta => -1e-9', 'max_groups => -1', 'max_groups => 1000001', 'max_rows => -5',
  'epsilon => x', 'max_rows => id', 'epsilon => (SELECT 1.0 / max(x) FROM people)', 'epsilon => (SELECT dp_avg(x) FROM people)', 'max_rows => (SELECT max(k) FROM pub)', 'epsilon => random()', 'epsilon => a.spy_stable() + 1';
attack("a constant bound: $_", "SELECT dp_sum(x, $_) FROM people", state => 'DP00[123]|22\w\w\w|42\w\w\w|00000', moves => 1e300, control => 'runs') foreach
  '100, 0', "'NaN', 1", "0, 'infinity'", "'-infinity', 0", '0, NULL', 'NULL, NULL', '0, 1e308', '-1e308, 1e308', '5, 5', "'-0', 0", '1e-320, 1e-310', '0, 5e-324', '0, (SELECT max(x) FROM people)', '0, (SELECT dp_max(x) FROM people)', '0, id', "0, '100'::text::float8";
attack("dp_with twice: $_", "SELECT dp_count(*) FROM people WHERE $_", state => 'DP00[123]|42\w\w\w|00000', control => 'none', why => 'dp_with() means nothing where nothing protects') foreach
  'dp_with(epsilon => 0.1) AND dp_with(epsilon => 100)', 'dp_with(epsilon => 0.1) OR x > 5', 'NOT dp_with(epsilon => 0.1)', 'CASE WHEN id = 5 THEN dp_with(epsilon => 0.1) ELSE dp_with(epsilon => 100) END',
  'dp_with(epsilon => 0.1) = (id = 5)', 'dp_with(epsilon => CASE WHEN true THEN 0.1 ELSE 1 END)', 'EXISTS (SELECT FROM visits v WHERE v.pid = id AND dp_with(epsilon => 100))', 'dp_with() AND dp_with()';
run_attacks();

# ---------- settings ----------

foreach my $case ([ 'dp_agg.epsilon', 0.5, 'NaN', 'inf', '-1', '0', '1001', '1e-10', 'x' ], [ 'dp_agg.delta', 1e-9, 'NaN', '-1', '0.6', '1e-19', 'x' ], [ 'dp_agg.max_groups', 2, '-1', '1000001', '1.5e9', 'x' ],
	[ 'dp_agg.max_rows', 2, '-1', '1000001', 'x' ], [ 'dp_agg.min_individuals', undef, '1', '0', '19', '20', '-1' ],
	[ 'dp_agg.min_epsilon', undef, '0', '1e-9', '0.001', '1', '-1', 'NaN', 'x' ],
	(map { [ "dp_agg.tier_$_", undef, '0', '1', '1000', '-1', 'x' ] } qw(scale epsilon lifetime_epsilon)))
{
	my ($setting, $good, @bad) = @$case;

	foreach my $value (@bad)
	{
		my $r = session('analyst', "SET $setting = '$value'");
		attacked($r->{sqlstate} =~ /^(22023|42501)$/, "the setting $setting may not be $value") or diag($r->{err});
	}
	my $r = session(defined $good ? 'analyst' : 'admin', "SET $setting = '" . ($good // ($setting =~ /epsilon/ ? 0.25 : 25)) . "'");
	control($r->{sqlstate} eq '00000', "the setting $setting may be set by those who may, to what it may be") or diag($r->{err});
}
# Other ways to lower what a superuser has set; the control is that 19 people stay hidden, and 60 do not.
foreach my $sql ("SELECT set_config('dp_agg.min_individuals', '1', false)", "ALTER ROLE analyst SET dp_agg.min_individuals = 1", "ALTER DATABASE postgres SET dp_agg.min_individuals = 1",
	"CREATE FUNCTION a.lowered() RETURNS bigint LANGUAGE sql SET dp_agg.min_individuals = 1 AS 'SELECT count(*) FROM people'", "ALTER FUNCTION a.spy(int) SET dp_agg.min_individuals = 1",
	"DO \$\$ BEGIN SET LOCAL dp_agg.min_individuals = 1; END \$\$", "UPDATE pg_settings SET setting = '1' WHERE name = 'dp_agg.min_individuals'", "SET dp_agg.no_such_setting = 1", "RESET dp_agg.min_individuals", "ALTER ROLE analyst RESET dp_agg.min_individuals",
	"SET LOCAL dp_agg.min_individuals TO DEFAULT", 'RESET ALL', 'DISCARD ALL')
{
	my $r = session('analyst', "$sql;\nSELECT a.lowered();\nSHOW dp_agg.min_individuals;\nSELECT count(*) IS NULL FROM people WHERE id <= 15 \\gdesc\nSELECT count(*) FROM (SELECT g, count(*) FROM people WHERE id <= 15 GROUP BY g) s;\nSELECT count(*) FROM (SELECT x < 1000, count(*) FROM people WHERE id <= 60 GROUP BY 1) s");
	my ($setting) = $r->{out} =~ /^(\d+)$/m;

	attacked($r->{out} =~ /^20$/m && $r->{out} =~ /^0$/m, 'the floor stays: ' . DpAgg::brief($sql)) or diag("$r->{out}\n$r->{err}");
	control($r->{out} =~ /\n1\z/, 'and lets 60 people out: ' . DpAgg::brief($sql)) or diag("$r->{out}\n$r->{err}");
	session('analyst', 'DROP FUNCTION IF EXISTS a.lowered()');
}
{
	local $ENV{PGOPTIONS} = '-c dp_agg.min_individuals=1';
	my $r = session('analyst', 'SHOW dp_agg.min_individuals');
	attacked($r->{out} !~ /^1$/m, 'the floor stays: in the options of a connection') or diag($r->{out} . $r->{err});
	$ENV{PGOPTIONS} = '-c dp_agg.epsilon=0.25';
	$r = session('analyst', 'SHOW dp_agg.epsilon');
	control($r->{out} eq '0.25', 'where other settings may stand') or diag($r->{out} . $r->{err});
}

# The price is that of the noise: what is charged, and what last_release() says was drawn.
foreach my $case (
	[ 'a setting changed after PREPARE', "SET dp_agg.epsilon = 0.1; PREPARE q AS SELECT dp_count(*) FROM people; EXECUTE q; SET dp_agg.epsilon = 3; EXECUTE q" ],
	[ 'a setting changed after PREPARE of a generic plan', "SET plan_cache_mode = force_generic_plan; SET dp_agg.epsilon = 0.1; PREPARE q AS SELECT dp_count(*) FROM people; EXECUTE q; SET dp_agg.epsilon = 3; EXECUTE q" ],
	[ 'a setting changed before FETCH', "BEGIN; SET dp_agg.epsilon = 0.1; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people; SET dp_agg.epsilon = 900; FETCH c; COMMIT" ],
	[ 'a setting changed by the statement', "SET dp_agg.epsilon = 0.1; SELECT set_config('dp_agg.epsilon', '900', false), (SELECT dp_count(*) FROM people)" ],
	[ 'a setting changed at planning', "CREATE OR REPLACE FUNCTION a.raised(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN PERFORM set_config('dp_agg.epsilon', '900', false); RETURN 1; END \$\$; SET dp_agg.epsilon = 0.1; SELECT dp_count(*) + a.raised(1) FROM people" ],
	[ 'a setting changed at planning, below', "SET dp_agg.epsilon = 0.1; SELECT dp_count(*) FROM people WHERE lpad('x', a.raised(1)) IS NOT NULL" ],
	[ 'a setting changed in a transaction that rolls back', "BEGIN; SET dp_agg.epsilon = 900; SAVEPOINT s; SET dp_agg.epsilon = 0.1; SELECT dp_count(*) FROM people; ROLLBACK TO s; COMMIT" ],
	[ 'a setting of a function', "CREATE FUNCTION a.cheap() RETURNS bigint LANGUAGE plpgsql SET dp_agg.epsilon = 0.1 AS \$\$ BEGIN RETURN (SELECT dp_count(*) FROM people); END \$\$; SET dp_agg.epsilon = 900; SELECT a.cheap()" ],
	[ 'a parameter that goes before the setting', "SET dp_agg.epsilon = 0.1; PREPARE q(float8) AS SELECT dp_count(*) FROM people WHERE dp_with(epsilon => \$1); EXECUTE q(0.2); EXECUTE q(0.3)" ],
	[ 'a parameter of a generic plan', "SET plan_cache_mode = force_generic_plan; PREPARE q(float8) AS SELECT dp_count(*) FROM people WHERE dp_with(epsilon => \$1); EXECUTE q(0.2); EXECUTE q(900)" ])
{
	my ($name, $sql) = @$case;
	my $r = session('analyst', "$sql;\nSELECT 'said', epsilon FROM dp_agg.last_release();\nSELECT 'charged', epsilon FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1");
	my ($said) = $r->{out} =~ /^said\|(\S+)/m;
	my ($charged) = $r->{out} =~ /^charged\|(\S+)/m;

	attacked(defined $said && defined $charged && $said == $charged, "$name: what is drawn is what is charged") or diag("$r->{out}\n$r->{err}");
}
{
	my @errors = map { session('analyst', "SET dp_agg.epsilon = $_; SELECT dp_count(*) FROM people; SELECT 'error', standard_error FROM dp_agg.last_release()")->{out} =~ /error\|(\S+)/ } 0.1, 10;
	control($errors[0] > 50 * $errors[1], 'and a price a hundred times higher buys answers that much sharper') or diag("@errors");
}

finish();
