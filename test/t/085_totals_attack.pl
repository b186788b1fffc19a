# One individual never moves the vectors of its groups by more than Theorem 1b says.
#
# A build without noise (DP_FAULT_NOISELESS) tells the exact vectors of a release.  Random tables
# under random limits are asked random questions, with and without one individual, who has what
# others have not: many rows, in many groups, with values far out of bounds, NaN and infinity.
# The largest changes of coordinates, one for each group, may sum up to what noise is made for,
# and coordinate 0 of a group changes by what its gate allows.  By the bounding node, by it in
# parallel, and by SQL alone vectors are the same to the last digit.
#
#	SEED=n ROUNDS=n		which tables, and how many (1 and 12 if not set)

use strict;
use warnings;
use List::Util qw(max sum0);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

use constant ONE => 2**30;		# what noise is made for, in lattice units
use constant QUESTIONS => 40;	# about a table

my $seed = $ENV{SEED} || 1;
my $rounds = $ENV{ROUNDS} || 12;
my %settings = (
	node => '',
	parallel => 'SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET work_mem = \'64kB\';',
	sql => 'SET dp_agg.bound_node = off; SET enable_hashagg = off;');
my $node = Faulty::node('totals_attack', <<'CONF');
jit = off
max_parallel_workers = 8
dp_agg.epsilon = 1000
dp_agg.delta = 0.000000001
CONF

$node->start;
Faulty::use_library($node, Faulty::build('NOISELESS'));
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE TABLE names (g int PRIMARY KEY, name int NOT NULL);
GRANT SELECT ON names TO PUBLIC;
INSERT INTO names SELECT i, i / 3 FROM generate_series(0, 60) i;
-- a: all; b: all but individual 0; ones: one row of each
-- u, v: the person by other names, of which 1 and 1.0 are one
CREATE TABLE a (p int NOT NULL, g int, h int NOT NULL, x float8, y int NOT NULL, z numeric, w bigint NOT NULL, u text NOT NULL, v numeric NOT NULL);
CREATE TABLE b (LIKE a INCLUDING ALL);
CREATE TABLE a_ones (p int PRIMARY KEY, c int NOT NULL);
CREATE TABLE b_ones (p int PRIMARY KEY, c int NOT NULL);
SQL
srand($seed);

sub one_of { return $_[ int rand @_ ]; }

# ---------- tables ----------

sub value_list
{
	return one_of(
		'i % 11', 'i % 7 - 3', '10', '-10', 'CASE i % 3 WHEN 0 THEN 10 WHEN 1 THEN -10 END', '1e300', '-1e300',
		"'NaN'::float8", "'Infinity'::float8", "'-Infinity'::float8", 'NULL', 'CASE WHEN i % 2 = 0 THEN 9 END', '5', '0');
}

# The rows of individual p, as a SELECT.
sub rows_of
{
	my ($p, $n, $groups) = @_;
	my ($x, $z) = (value_list(), value_list());
	my $y = one_of('i % 13 - 6', '2147483647', '-2147483648', '4', '0');
	my $w = one_of('i', '9223372036854775807', '-9223372036854775808', '3');
	my $g = one_of("i % $groups", "i % $groups", "i * i % $groups", "nullif(i % $groups, 0)", 'NULL::int');

	return "SELECT $p, $g, i % 5, ($x)::float8, $y, ($z)::float8::numeric, $w, repeat('x', 40 * ($p % 2)) || $p, round($p, i % 4) FROM generate_series(1, $n) i";
}

# Tables and limits, as SQL.
sub new_tables
{
	my $sql = 'TRUNCATE a, b, a_ones, b_ones; ';

	foreach my $p (0 .. 22)
	{
		my $heavy = $p == 0 ? one_of(1, 3, 40, 400, 3000) : one_of(1, 2, 5, 30);

		$sql .= 'INSERT INTO a ' . rows_of($p, $heavy, one_of(1, 2, 7, 40)) . '; ' foreach 1 .. ($p == 0 ? one_of(1, 2, 3) : 1);
	}
	$sql .= 'INSERT INTO b SELECT * FROM a WHERE p > 0; ';
	$sql .= "INSERT INTO ${_}_ones SELECT DISTINCT p, p % 3 FROM $_; " foreach 'a', 'b';
	my $limits = join '', map { my $n = one_of(@{ $_->[1] }); defined $n ? ", $_->[0] => $n" : '' }
	  [ max_groups => [ 1, 2, 5, 40 ] ], [ max_rows => [ 1, 2, 4, 7, 50, 1000 ] ],
	  [ max_total => [ undef, 1, 2, 3, 5, 8, 20, 100, 100000000 ] ];
	my $unit = one_of('p', 'p', 'u', 'v', '{p,u}');
	my %bounds = (x => one_of('0, 10', '-10, 10', '-3, 1', '1e100, 2e100', '3, 4'), y => one_of('-6, 6', '0, 6', '1, 2'),
		z => one_of('0, 1', '-10, 10'), w => one_of('0, 10', '-9e18, 9e18'));
	my %totals = map { $_ => one_of('NULL, NULL', 'NULL, NULL', '0, 1', '0, 100', '-50, 20', '-100, 0', '0, 100000', '5, 6') } sort keys %bounds;

	foreach my $t ('a', 'b')
	{
		$sql .= "SELECT dp_agg.protect('$t', unit => '$unit'::name@{[ $unit =~ /,/ ? '[]' : '' ]}, population => 'people'$limits); SELECT dp_agg.protect('${t}_ones', unit => 'p', population => 'people'); ";
		$sql .= "SELECT dp_agg.set_bounds('$t', '$_', $bounds{$_}); SELECT dp_agg.set_total('$t', '$_', $totals{$_}); " foreach sort keys %bounds;
	}
	return $sql;
}

# ---------- questions ----------

sub aggregate
{
	my $value = one_of('x', 'x', 'y', 'z', 'w');
	my $filter = one_of(('') x 4, ' FILTER (WHERE y > 0)', ' FILTER (WHERE x IS NOT NULL)');
	my $pair = one_of('x, y', 'y, x', 'z, x', 'w, y');

	return one_of(
		"count(*)$filter", "count(*)$filter", "count($value)$filter", "sum($value)$filter", "sum($value)$filter", "avg($value)$filter",
		"var_pop($value)$filter", "covar_pop($pair)", "corr($pair)", "regr_slope($pair)", "regr_count($pair)$filter",
		"dp_clipped(count(*)$filter)", "dp_clipped(sum($value)$filter)", "dp_clipped(avg($value))", "dp_low(sum($value)$filter)", 'dp_tier(*)',
		"dp_sum(x, -1, 7)$filter", "dp_avg(y, 0, 3)$filter", 'sum(x - y)', 'avg(2 * y)', 'sum(abs(y))');
}

# A question; %s is the table.
sub question
{
	my $from = one_of(('%s') x 4, 'dp.%s', '(SELECT p, u, v, g, h, x, y, z, w FROM %s UNION ALL SELECT p, u, v, h, g % 3 + 1, x, y, z, w FROM %s WHERE y > 0) s',
		'%s JOIN %s_ones USING (p)', '%s LEFT JOIN names USING (g)', '%s_ones JOIN %s USING (p)', '(SELECT * FROM %s WHERE y < 5) s',
		'(SELECT p, u, v, g, h, x, y, z, w FROM %s CROSS JOIN (VALUES (1), (2), (3)) i) s',
		'(SELECT p, u, v, g, h, max(x) AS x, min(y) AS y, sum(z) AS z, max(w) AS w FROM %s GROUP BY p, u, v, g, h) s',
		'%s LEFT JOIN (SELECT p AS q, max(h) AS most FROM %s GROUP BY p) m ON q = p');
	my $keys = one_of(('g') x 4, 'h', 'g, h', 'h, g', 'g % 3', 'y > 0, g', 'g / 2', 'coalesce(g, 5)');
	my $limits = join ', ', map { my $n = one_of(@{ $_->[1] }); defined $n ? "$_->[0] => $n" : () }
	  [ max_groups => [ (undef) x 5, 1, 2, 7, 1000000 ] ], [ max_rows => [ (undef) x 4, 1, 2, 3, 9, 1000000 ] ],
	  [ max_total => [ (undef) x 3, 1, 2, 7, 30, 1000, 100000000 ] ];
	my $where = one_of(('') x 4, ' AND g IN (1, 2, 3)', ' AND x > 0', ' AND g BETWEEN 0 AND 4') . ($limits ? " AND dp_with($limits)" : '');
	my $first = $keys =~ s/^y > 0/(y > 0)::int/r;

	# the first key is a number, which vectors are told with
	$keys = join ', ', map { s/^y > 0/(y > 0)::int/r } split /, /, $keys;
	return "SELECT $keys, " . join(', ', map { aggregate() } 1 .. 1 + int rand 4) . " FROM $from WHERE true$where GROUP BY $keys";
}

# ---------- answers ----------

# What the releases of some questions tell: for each question, a list of [ limits, group => vector ].
sub vectors
{
	my ($form, $table, @questions) = @_;
	my $script = "SET application_name = 'vectors'; $settings{$form}\n" .
	  join '', map { "\\warn question\n" . s/%s/$table/gr . ";\n" } @questions;
	my ($code, $out, $err) = $node->psql('postgres', $script, connstr => $node->connstr('postgres') . " user='analyst'", on_error_stop => 0);
	my (undef, @parts) = split /^question\n/m, $err;

	return map { answer($_) } @parts;
}

sub answer
{
	my ($text) = @_;
	my %answer = (releases => [], error => $text =~ /ERROR:  (.*)/ ? $1 : '');

	while ($text =~ /vectors: (\d+) groups kept, (\d+) rows, (\d+) in all, (\d+) times, weight (\d+):(.*)/g)
	{
		my %release = (kept => $1, rows => $2, total => $3, times => $4, weight => $5);

		# groups that share their first key: side by side in a list, by their other keys
		push @{ $release{groups}{ $_->[0] } }, [ split /,/, $_->[1] ] foreach map { [ split /:/ ] } split ' ', $6;
		push @{ $answer{releases} }, \%release;
	}
	return \%answer;
}

# The vectors as a text: those of a key in one order.
sub listed
{
	my ($release) = @_;
	my $groups = $release->{groups};

	return join ' ', map { my $key = $_; map { "$key:$_" } sort map { join ',', @$_ } @{ $groups->{$key} } } sort keys %$groups;
}

# How far vectors are apart: the sum over groups, the largest of coordinate 0, and the number of groups.
sub distance
{
	my ($with, $without) = @_;
	my ($all, $first, $groups) = (0, 0, 0);

	foreach my $key (keys %{ $with->{groups} })
	{
		my @one = @{ $with->{groups}{$key} };
		my @other = @{ $without->{groups}{$key} // [] };

		return if @one > 1;		# which is which?
		my @change = map { abs($one[0][$_] - (@other ? $other[0][$_] : 0)) } 0 .. $#{ $one[0] };

		$all += max(@change);
		$first = max($first, $change[0]);
		$groups++ if max(@change) > 0;
	}
	return ($all, $first, $groups);
}

# ---------- all of it ----------

$node->safe_psql('postgres', 'CREATE ROLE analyst LOGIN');
my ($compared, $moved, $bound, $refused, $alike) = (0, 0, 0, 0, 0);
my (@found, %errors);

foreach my $round (1 .. $rounds)
{
	my $tables = new_tables();
	my @questions = map { question() } 1 .. QUESTIONS;
	my %answers;

	$node->safe_psql('postgres', $tables . q{ANALYZE; SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9)});
	foreach my $form (sort keys %settings)
	{
		$answers{$form}{$_} = [ vectors($form, $_, @questions) ] foreach 'a', 'b';
	}
	foreach my $i (0 .. $#questions)
	{
		my $say = sub { push @found, "round $round: $_[0]\n  $questions[$i]\n  " . ($tables =~ /(SELECT dp_agg.*)/s)[0]; };
		my ($error) = grep { $_ } map { my $form = $_; map { $answers{$form}{$_}[$i]{error} } 'a', 'b' } sort keys %settings;

		if ($error)
		{
			$refused++;
			$errors{$error}++;
			$say->("error: $error") unless $error =~ /epsilon|contradict|parameter|bounds|individual|unit/;
			next;
		}
		foreach my $form (sort keys %settings)
		{
			my ($with, $without) = map { $answers{$form}{$_}[$i]{releases}[0] } 'a', 'b';
			next unless $with && $without;
			my ($all, $first, $groups) = distance($with, $without);

			next unless defined $all;
			$compared++;
			$moved++ if $all > 0;
			$bound++ if $all > 0.999 * ONE * $with->{times};
			$say->("$form: moves by " . $all / ONE . " of $with->{times}") if $all > $with->{times} * ONE;
			$say->("$form: coordinate 0 moves by $first of $with->{weight}") if $first > $with->{weight};
			$say->("$form: in $groups groups of $with->{kept}") if $groups > $with->{kept};
		}
		my ($one, $parallel, $sql) = map { $answers{$_}{a}[$i]{releases}[0] } 'node', 'parallel', 'sql';
		next unless $one && $parallel && $sql;
		$say->('parallel plans differ') if listed($one) ne listed($parallel);
		# which groups are kept is by hashes of their own
		$alike++ if listed($one) eq listed($sql);
		$say->("SQL differs:\n" . listed($one) . "\n" . listed($sql)) if $one->{kept} >= 60 * 5 && listed($one) ne listed($sql);
	}
}
note(join "\n", map { "$errors{$_} times: $_" } sort keys %errors);
note("$compared compared, $moved moved, $bound to the bound, $refused refused, $alike alike in SQL");
is(scalar @found, 0, 'one individual moves vectors by what noise is made for') or diag(join "\n", @found[ 0 .. ($#found > 9 ? 9 : $#found) ]);
cmp_ok($moved, '>', $rounds * QUESTIONS, 'most questions are about the individual');
cmp_ok($bound, '>', $rounds, 'some use all of the bound');

# ---------- limits beside each other ----------

# Rows of a group count as often as max_total says, also where max_rows says more.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE c (p int NOT NULL, g int NOT NULL, x float8 NOT NULL, z float8);
INSERT INTO c SELECT p, p % 2, 100, 100 FROM generate_series(0, 99) p, generate_series(1, 6);
SELECT dp_agg.protect('c', unit => 'p', population => 'people', max_groups => 4, max_rows => 6);
SELECT dp_agg.set_bounds('c', 'x', 0, 100), dp_agg.set_bounds('c', 'z', 0, 100);
SQL
my $ask = sub { return DpAgg::value($node, 'analyst', $_[0]); };

is($ask->('SELECT g, count(*), sum(x), avg(x), dp_clipped(sum(x)) FROM c WHERE dp_with(max_total => 2) GROUP BY g ORDER BY g'),
	"0|100|10000|100|1\n1|100|10000|100|1", 'max_total below max_rows');
is($ask->("\\o /dev/null\nSELECT g, count(*) FROM c WHERE dp_with(max_total => 2) GROUP BY g;\n\\o\nSELECT max_rows, max_total FROM dp_agg.last_release()"), '2|2', 'as last_release() says');
# who has as many rows as count is not clipped, whatever is rounded
$node->safe_psql('postgres', 'TRUNCATE c; INSERT INTO c SELECT p, g, 100, 100 FROM generate_series(0, 99) p, generate_series(0, 4) g');
foreach my $what ('count(*)', 'count(z)', 'avg(z)', 'sum(x)', 'dp_sum(z, -10, 100)', 'var_pop(z)', 'corr(x, z)')
{
	is($ask->("SELECT max(c) FROM (SELECT g, count(*), $what, dp_clipped($what) AS c FROM c WHERE dp_with(max_total => $_) GROUP BY g) r"), 0,
		"nobody is clipped within max_total: $what, $_ rows") foreach 5, 6, 7;
}

# A sum of either sign may lie in one group; beside it, one that is not negative up to the middle
# of one and the weight of a group.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE sums (p int NOT NULL, g int NOT NULL, x int NOT NULL, y int NOT NULL);
INSERT INTO sums SELECT p, p % 2, CASE WHEN p < 50 THEN 2000 ELSE -1000 END, 2000 FROM generate_series(0, 99) p;
SELECT dp_agg.protect('sums', unit => 'p', population => 'people', max_rows => 5, max_total => 20);
SELECT dp_agg.set_total('sums', 'x', -2500, 2500), dp_agg.set_total('sums', 'y', 0, 2500);
SQL
is($ask->('SELECT g, sum(x), dp_clipped(sum(x)) FROM sums GROUP BY g ORDER BY g'), "0|25000|0\n1|25000|0", 'sums of either sign');
is($ask->('SELECT g, sum(y), dp_clipped(sum(y)) FROM sums GROUP BY g ORDER BY g'), "0|78125|1\n1|78125|1", 'sums that are not negative are cut off');
is($ask->('SELECT g, sum(y) FROM sums WHERE dp_with(max_rows => 20) GROUP BY g ORDER BY g'), "0|100000\n1|100000", 'but where a group may have all rows');

# ---------- parameters of the client ----------

# What counts does not depend on whether the plan knows them.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE params (p int NOT NULL, g int NOT NULL);
INSERT INTO params SELECT p, g FROM generate_series(0, 49) p, generate_series(0, 7) g, generate_series(1, 5);
SQL
foreach my $limits ('max_groups => 4, max_rows => 6, max_total => 30', 'max_groups => 4, max_rows => 3', 'max_groups => 3, max_rows => 9')
{
	$node->safe_psql('postgres', "SELECT dp_agg.protect('params', unit => 'p', population => 'people', $limits)");
	foreach my $given ('null, null, null', '2, null, null', 'null, 2, null', 'null, 3, null', 'null, null, 11', '3, 2, 5')
	{
		my ($custom, $generic) = map { $ask->(<<"SQL") } 'custom', 'generic';
SET plan_cache_mode = force_${_}_plan;
PREPARE a (int, int, int) AS SELECT count(*), sum(n) FROM (SELECT g, count(*) AS n FROM params WHERE dp_with(max_groups => \$1, max_rows => \$2, max_total => \$3) GROUP BY g) r;
PREPARE b (int, int, int) AS SELECT count(*) FROM params WHERE dp_with(max_groups => \$1, max_rows => \$2, max_total => \$3);
EXECUTE a ($given);
SELECT max_groups, max_rows, max_total FROM dp_agg.last_release();
EXECUTE b ($given);
SELECT max_groups, max_rows, max_total FROM dp_agg.last_release();
SQL

		is($generic, $custom, "protected with $limits, given $given");
	}
}

# ---------- very many groups ----------

# The rows of a group that counts all do, in whatever order groups are met and left.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE many (p int NOT NULL, g int NOT NULL);
INSERT INTO many SELECT 0, g FROM generate_series(1, 3), generate_series(1, 200000) g ORDER BY hashint4(g);
INSERT INTO many SELECT 0, g FROM generate_series(1, 200000) g;
SELECT dp_agg.protect('many', unit => 'p', population => 'people', max_rows => 4);
SQL
my $begin = time;

is($ask->("SELECT count(*), min(n), max(n) FROM (SELECT g, count(*) AS n FROM many WHERE dp_with(max_groups => $_, max_total => 4 * $_) GROUP BY g) r"),
	"$_|4|4", "$_ groups of 200,000") foreach 1, 4, 5, 16, 17, 100, 30000;
cmp_ok(time - $begin, '<', 60, 'in time that does not grow with their product');

done_testing();
