# The streaming node (src/nodes/bound/stream.c): where each row is an individual, it finds the
# same groups and sums as plain SQL, and as an Agg over the same aggregates, by which the role
# "sql" is answered; for all types of keys, outputs and plans.

use strict;
use warnings;
use DpAgg;
use Forms;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('streaming', roles => [ 'analyst', 'sql' ], conf => <<'CONF');
timezone = 'UTC'
max_worker_processes = 12
max_parallel_workers = 8
autovacuum = off
CONF
my %others = other_types();
my %types = (types(), %others);
my %work = plans();
my ($serial, $parallel) = ($work{'one process'}, parallel_plan(''));

prepare_forms($node);
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION guard(t regclass, variadic columns name[] DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	SELECT dp_agg.protect(t, 'person', 'people');
	SELECT dp_agg.set_bounds(t, c, 0, 100) FROM unnest(columns) c $$;
CREATE TABLE first (person int PRIMARY KEY);
SELECT guard('first');
SELECT dp_agg.set_budget(r, 'people', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
SQL

# both(QUERY, TRUTH, BY, NAME): the node, the form in SQL, and the truth if it is known.
sub both
{
	my ($query, $truth, $by, $name) = @_;
	my ($got, $want) = map { DpAgg::as($node, $_, $query) } 'analyst', 'sql';

	is("$got->{sqlstate} $want->{sqlstate}", '00000 00000', "$name: runs") or diag("$got->{err}$want->{err}");
	is_alike($got->{out}, $want->{out}, $by, "$name: node and SQL");
	is_alike($got->{out}, $truth, $by, "$name: and what is so") if defined $truth;
	return;
}

# ---------- types ----------

# 60 individuals in each of five groups, whose keys are written in two ways, and in the NULL group.
foreach my $name (sort keys %types)
{
	my ($type, $one, $two) = @{ $types{$name} };
	my $value = sub { my ($e) = @_; return '(' . $e =~ s/\bn\b/(i % 5)/gr . ')' };
	my $groups = $name eq 'bool' ? 'i % 5 % 2' : 'i % 5';

	$two //= $one;
	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE t_$name (person int PRIMARY KEY, g $type, h int, n int, x int NOT NULL);
INSERT INTO t_$name SELECT i, CASE WHEN i < 300 THEN CASE WHEN i < 150 THEN @{[ $value->($one) ]} ELSE @{[ $value->($two) ]} END END, i % 2, $groups, i % 64
FROM generate_series(0, 359) i;
SELECT guard('t_$name', 'x');
ANALYZE t_$name;
SQL
	my ($state, $sql_state) = map { DpAgg::as($node, $_, "SELECT g, count(*) FROM t_$name GROUP BY g")->{sqlstate} } 'analyst', 'sql';

	is($state, $sql_state, "$name: is a key for both or for none");
	next if $others{$name} && $sql_state eq 'DP002';
	my $truth = $node->safe_psql('postgres', "SELECT count(*), sum(x) FROM t_$name GROUP BY CASE WHEN person < 300 THEN n END ORDER BY 1, 2");
	my $by_two = $node->safe_psql('postgres', "SELECT h, count(*) FROM t_$name GROUP BY CASE WHEN person < 300 THEN n END, h ORDER BY 1, 2");

	both("SELECT c, s FROM (SELECT g, count(*) AS c, sum(x) AS s FROM t_$name GROUP BY g) q ORDER BY round(c / 30.0), s", $truth, 4, "$name: equal values are one group");
	both("SELECT h, c FROM (SELECT h, g, count(*) AS c FROM t_$name GROUP BY g, h) q ORDER BY h, c", $by_two, 2, "$name: beside another key");
	both("SELECT g FROM t_$name GROUP BY g ORDER BY g", undef, 0, "$name: values") if $types{$name}->[2];
	both("SELECT g FROM t_$name GROUP BY g ORDER BY g", $node->safe_psql('postgres', "SELECT DISTINCT g FROM t_$name ORDER BY g"), 0, "$name: groups print like the column")
	  if !$types{$name}->[2];
}

# ---------- outputs ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE kinds (person int PRIMARY KEY, g int NOT NULL, s text, x int NOT NULL, y float8, n numeric, d date, t text, i interval);
INSERT INTO kinds SELECT p, p % 4, CASE WHEN p % 5 > 0 THEN 's' || p % 5 END, CASE WHEN p % 11 = 0 THEN 42 ELSE p % 101 END,
	CASE p % 7 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::float8 ELSE p % 101 END, CASE WHEN p % 13 = 0 THEN NULL ELSE (p % 101) / 2.0 END, date '2024-01-01' + p % 101, 'text ' || least(p % 7, 4), make_interval(days => p % 11)
FROM generate_series(1, 8000) p;
SELECT guard('kinds', 'x', 'y', 'n');
SELECT dp_agg.set_bounds('kinds', 'd', '2024-01-01', '2024-04-10');
ANALYZE kinds;
SQL
foreach my $list ('count(*), count(y), sum(x), avg(n), avg(y), stddev(x), var_pop(y), corr(y, n), regr_slope(n, x), covar_samp(x, n)',
	'dp_median(x), dp_quantile(y, 0.25), max(x), min(d)', 'mode() WITHIN GROUP (ORDER BY t), mode() WITHIN GROUP (ORDER BY x), count(DISTINCT t), count(DISTINCT x), count(DISTINCT i), count(DISTINCT person)',
	'dp_bounds(x + 60), count(*) FILTER (WHERE x > 50), sum(n) FILTER (WHERE y > 50)', q{(dp_histogram(x, 2))[1].lower, (dp_top(t, 1))[1].value}, 'count(*)')
{
	foreach my $set ($serial, "$serial; SET work_mem = '64kB'", "${parallel}3")
	{
		foreach my $group ('', 'g', 's', 'g, s')
		{
			both("$set; SELECT " . ($group ? "$group, " : '') . "$list FROM kinds" . ($group ? " GROUP BY $group ORDER BY $group" : ''), undef, 10, "$set: $list by '$group'");
		}
	}
}
both('SELECT g, count(*), sum(x) FROM kinds GROUP BY g ORDER BY g', $node->safe_psql('postgres', 'SELECT g, count(*), sum(x) FROM kinds GROUP BY g ORDER BY g'), 2, 'the truth');
both('SELECT count(*), count(y), sum(n) FROM kinds', $node->safe_psql('postgres', "SELECT count(*), count(y) FILTER (WHERE y <> 'NaN'), sum(n) FROM kinds"), 2, 'the truth of all');

# ---------- plans ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE flat (person int PRIMARY KEY, g int NOT NULL, h text, x int NOT NULL);
INSERT INTO flat SELECT i, i % 300, repeat('h', 40 + i % 2) || i % 300, i % 101 FROM generate_series(1, 60000) i;
SELECT guard('flat', 'x');
CREATE INDEX ON flat (g);
ANALYZE flat;
-- the planner thinks that groups are few, and they take more than memory
CREATE TABLE crowd (person int PRIMARY KEY, g int NOT NULL, h text NOT NULL, x int NOT NULL);
INSERT INTO crowd SELECT i, i % 3, 'h', i % 101 FROM generate_series(1, 30000) i;
ANALYZE crowd;
INSERT INTO crowd SELECT i, i % 20000 + 3, repeat('h', 50) || i % 20000, i % 101 FROM generate_series(30001, 90000) i;
SELECT guard('crowd', 'x');
CREATE TABLE none (LIKE flat INCLUDING ALL);
SELECT guard('none', 'x');
CREATE TABLE other (person int PRIMARY KEY, status text NOT NULL, x int);
INSERT INTO other SELECT i, 'status ' || i % 3, i % 51 FROM generate_series(1, 60000) i WHERE i % 2 = 0;
SELECT guard('other', 'x');
ANALYZE other;
CREATE TABLE public_list (g int, name text);
INSERT INTO public_list SELECT i, 'name ' || i % 2 FROM generate_series(0, 299) i;
GRANT SELECT ON public_list TO analyst, sql;
SQL
my %queries = (
	'groups' => [ 'SELECT g, count(*), sum(x), dp_median(x) / 51 FROM flat GROUP BY g ORDER BY g', 'SELECT g, count(*), sum(x), 1 FROM flat GROUP BY g ORDER BY g' ],
	'long keys' => [ 'SELECT h, g, count(*) FROM flat GROUP BY 1, 2 ORDER BY 1, 2', 'SELECT h, g, count(*) FROM flat GROUP BY 1, 2 ORDER BY 1, 2' ],
	'a condition' => [ 'SELECT g, count(*) FROM flat WHERE x < 50 AND g < 5 GROUP BY g ORDER BY g', 'SELECT g, count(*) FROM flat WHERE x < 50 AND g < 5 GROUP BY g ORDER BY g' ],
	'an expression' => [ 'SELECT g % 7, count(*), sum(x + 1) FROM flat GROUP BY 1 ORDER BY 1', 'SELECT g % 7, count(*), sum(x + 1) FROM flat GROUP BY 1 ORDER BY 1' ],
	'all' => [ 'SELECT count(*), sum(x) FROM flat', 'SELECT count(*), sum(x) FROM flat' ],
	'groups beyond memory' => [ 'SELECT g, count(*), sum(x) FROM crowd GROUP BY g ORDER BY g', 'SELECT g, count(*), sum(x) FROM crowd WHERE g < 3 GROUP BY g ORDER BY g' ],
	'the same by long keys' => [ 'SELECT h, count(*), count(DISTINCT x) FROM crowd GROUP BY h', q(SELECT 'h', 30000, 101) ],
	'values beyond memory' => [ 'SELECT g, count(DISTINCT h) FROM crowd WHERE g < 3 GROUP BY g ORDER BY g', 'SELECT g, 1 FROM crowd WHERE g < 3 GROUP BY 1 ORDER BY g' ],
	'individuals beyond memory' => [ 'SELECT x % 2, count(DISTINCT h), count(*) FROM crowd GROUP BY 1 ORDER BY 1', 'SELECT x % 2, count(DISTINCT h), count(*) FROM crowd GROUP BY 1 ORDER BY 1' ],
	'an empty table' => [ 'SELECT g, count(*) FROM none GROUP BY g', 'SELECT 1 WHERE false' ],
	'a false condition' => [ 'SELECT g, count(*) FROM flat WHERE x < 0 GROUP BY g', 'SELECT 1 WHERE false' ],
	'a join' => [ 'SELECT o.status, count(*), sum(f.x), sum(o.x) FROM flat f JOIN other o USING (person) GROUP BY 1 ORDER BY 1', 'SELECT o.status, count(*), sum(f.x), sum(o.x) FROM flat f JOIN other o USING (person) GROUP BY 1 ORDER BY 1' ],
	'an outer join' => [ 'SELECT o.status, count(*), sum(f.x), count(o.x) FROM flat f LEFT JOIN other o USING (person) GROUP BY 1 ORDER BY 1', 'SELECT o.status, count(*), sum(f.x), count(o.x) FROM flat f LEFT JOIN other o USING (person) GROUP BY 1 ORDER BY 1' ],
	'groups of a sub-select' => [ 'SELECT k, count(*), avg(y) FROM (SELECT person, g % 3 AS k, x * 2 AS y FROM flat WHERE x > 10) s GROUP BY k ORDER BY k', 'SELECT k, count(*), round(avg(y)) FROM (SELECT person, g % 3 AS k, x * 2 AS y FROM flat WHERE x > 10) s GROUP BY k ORDER BY k' ],
	'DISTINCT' => [ 'SELECT DISTINCT g FROM flat ORDER BY g', 'SELECT DISTINCT g FROM flat ORDER BY g' ]);

foreach my $plan (sort keys %work)
{
	foreach my $name (sort keys %queries)
	{
		both("$work{$plan}; $queries{$name}->[0]", $node->safe_psql('postgres', $queries{$name}->[1]), 3, "$plan, $name");
	}
}

# ---------- how queries arrive ----------

my $by_group = $node->safe_psql('postgres', 'SELECT g, count(*), sum(x) FROM kinds GROUP BY g ORDER BY g');

both(<<'SQL', "$by_group\n$by_group", 5, 'generic plans');
SET plan_cache_mode = force_generic_plan;
PREPARE p(float8) AS SELECT g, count(*), sum(x) FROM kinds WHERE dp_with(epsilon => $1) GROUP BY g ORDER BY g;
EXECUTE p(1000);
EXECUTE p(900);
SQL
both('BEGIN; DECLARE c CURSOR FOR SELECT g, count(*), sum(x) FROM kinds GROUP BY g ORDER BY g; FETCH 1 FROM c; FETCH 3 FROM c; CLOSE c; COMMIT', $by_group, 5, 'a cursor');
both('WITH r AS (SELECT g, count(*) AS n, sum(x) AS s FROM kinds GROUP BY g) SELECT a.g, a.n, b.s FROM r a JOIN r b USING (g) ORDER BY 1', $by_group, 5, 'a CTE that is read twice');
both('SELECT g, (SELECT count(*) FROM kinds k WHERE k.g = 1), (SELECT count(*) FROM flat) FROM kinds GROUP BY g ORDER BY g', $node->safe_psql('postgres', 'SELECT g, 2000, 60000 FROM kinds GROUP BY g ORDER BY g'), 3, 'releases beside releases');

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|XX000/, 'nothing went wrong inside');
$node->stop;
done_testing();
