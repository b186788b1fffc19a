# What a release tells of itself: dp_agg.last_release() of all releases of a statement, from how
# many individuals on something is shown, notices of what is not shown or left out, and
# dp_clipped().  None of it depends on rows, but for what is released.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Forms;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('honest', roles => [ 'analyst', 'sql', 'other', 'keeper' ], conf => 'autovacuum = off');
prepare_forms($node);
$node->safe_psql('postgres', <<'SQL');
ALTER ROLE analyst RESET dp_agg.epsilon;
-- 40 of 100 persons have eight rows, the others two; every fourth person's y are NULL
CREATE TABLE orders (pid int, g text, x int NOT NULL, y int);
INSERT INTO orders SELECT p, 'g' || p % 3, p % 100, CASE WHEN p % 4 > 0 THEN r % 50 END
FROM generate_series(1, 3000) p, LATERAL generate_series(1, CASE WHEN p % 10 < 4 THEN 8 ELSE 2 END) r;
CREATE TABLE one (pid int PRIMARY KEY, g int NOT NULL, x int NOT NULL);
INSERT INTO one SELECT p, p % 3, p % 100 FROM generate_series(1, 3000) p;
-- 400 groups, the persons of each numbered
CREATE TABLE gate (pid int PRIMARY KEY, g int NOT NULL, i int NOT NULL, x int NOT NULL);
INSERT INTO gate SELECT row_number() OVER (), g, i, 50 FROM generate_series(1, 400) g, generate_series(1, 250) i;
ANALYZE;
SELECT dp_agg.protect('orders', 'pid', 'people', 1, 3), dp_agg.protect('one', 'pid', 'people'), dp_agg.protect('gate', 'pid', 'people');
SET client_min_messages = warning;
SELECT dp_agg.set_bounds('orders', 'x', 0, 100), dp_agg.set_bounds('orders', 'y', 0, 100), dp_agg.set_bounds('one', 'x', 0, 100), dp_agg.set_bounds('gate', 'x', 0, 100);
SELECT dp_agg.set_budget(r, 'people', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql,other}'::name[]) r;
SQL

# last(SQL, COLUMNS): the given columns of last_release() after some statements.
sub last_release
{
	my ($sql, $columns) = @_;

	return DpAgg::value($node, 'analyst', "\\o /dev/null\n$sql;\n\\o\nSELECT $columns FROM dp_agg.last_release()");
}

# The notices that statements raise, as psql prints them without places.
sub notices
{
	my ($sql, $role) = @_;
	my $r = DpAgg::as($node, $role // 'analyst', $sql);

	die "failed: $sql\n$r->{err}" unless $r->{ok};
	return join "\n", map { s/^psql:[^ ]+ //r } grep { !/^LOCATION/ } split /\n/, $r->{err};
}

sub number_of_notices { return scalar(() = notices(@_) =~ /NOTICE:/g); }

# ---------- all releases of a statement ----------

is(last_release("SELECT 'a', count(*) FROM orders UNION ALL SELECT 'b', count(*) FROM one UNION ALL SELECT 'c', sum(y) FROM orders WHERE x < 50",
	'release, output, bounded, max_groups, max_rows, max_total, groups'),
	"1|count(*)|t|1|3|3|1\n2|count(*)|f|1|1|1|1\n3|sum(y)|t|1|3|3|1", 'UNION ALL: each of its releases, with what bounds it');
is(last_release('SELECT g, count(*), avg(x) FROM orders WHERE dp_with(max_groups => 4, max_rows => 7) GROUP BY g', 'DISTINCT release, max_groups, max_rows, groups'),
	'1|4|7|3', 'the limits are those of the execution');
is(last_release('SELECT g, count(*) FROM orders WHERE dp_with(max_rows => 7, max_total => 20) GROUP BY g', 'max_groups IS NULL, max_rows, max_total, bounded'), 't|7|20|t', 'bounded over all groups');
is(last_release('SELECT g, count(*) FROM orders WHERE dp_with(max_groups => 2, max_rows => 3, max_total => 20) GROUP BY g', 'max_groups, max_rows, max_total'), '2|3|6', 'and in each and in groups, if these are asked for');
is(last_release('SELECT g, count(*), dp_median(x) FROM orders WHERE dp_with(max_rows => 7, max_total => 20) GROUP BY g', 'DISTINCT max_groups IS NULL, max_rows, max_total'), 't|7|20', 'beside a median, too');
is(last_release('SELECT count(*) FROM orders WHERE dp_with(max_total => 20)', 'max_groups, max_rows, max_total'), '1|20|20', 'all rows in one group');
is(last_release("PREPARE p (int, int) AS SELECT g, count(*) FROM orders WHERE dp_with(max_groups => \$1, max_rows => \$2) GROUP BY g;\nEXECUTE p (2, 3);\nEXECUTE p (5, 6)",
	'release, max_groups, max_rows'), '1|5|6', 'also of a prepared statement, the last one');
is(last_release('SELECT g, count(*) FROM one WHERE dp_with(max_groups => 4, max_rows => 7) GROUP BY g', 'max_groups, max_rows, bounded'), '1|1|f', 'one row per individual: nothing is bounded');
is(last_release('WITH a AS (SELECT avg(x) AS v FROM orders) SELECT count(*), (SELECT sum(x) FROM one) FROM orders, a WHERE x > v', 'release, output'),
	"1|avg(x)\n2|count(*)\n3|sum(x)", 'of a CTE and of sub-selects');
is(last_release('SELECT * FROM (SELECT count(*) AS c FROM one) a, (SELECT count(*) AS d FROM orders) b WHERE c > d', 'release, output, groups'),
	"1|count(*)|1\n2|count(*)|1", 'released and then filtered: it was released');
is(last_release('SELECT count(*) FROM one WHERE x > (SELECT avg(x) FROM orders)', 'release, output'),
	"1|count(*)\n2|avg(x)", 'one below another, which runs whatever the rows are');
is(last_release('SELECT count(*) FROM one UNION ALL SELECT count(*) FROM orders; SELECT avg(x) FROM one', 'release, output'), '1|avg(x)', 'only the last statement');
is(last_release("BEGIN; DECLARE a CURSOR FOR SELECT count(*) FROM one; DECLARE b CURSOR FOR SELECT avg(x) FROM one; FETCH a; FETCH b", 'release, output'),
	'1|avg(x)', 'two cursors: that of the last to run');
is(last_release("BEGIN; DECLARE a CURSOR FOR SELECT count(*) FROM one UNION ALL SELECT sum(x) FROM one; FETCH a", 'release, output'),
	'1|count(*)', 'what was paid for and has not run is not there');
is(last_release("BEGIN; DECLARE a CURSOR FOR SELECT count(*) FROM one UNION ALL SELECT sum(x) FROM one; FETCH a; FETCH a", 'release, output'),
	"1|count(*)\n2|sum(x)", 'and is when it has');
my $many = join ' UNION ALL ', map { "SELECT count(*) FROM one WHERE x < $_" } 1 .. 120;
is(DpAgg::value($node, 'analyst', "\\o /dev/null\n$many;\n\\o\nSELECT count(*), min(release), max(release) FROM dp_agg.last_release()"), '120|1|120', 'a hundred and twenty releases');
is(DpAgg::value($node, 'analyst', "SELECT 1 / (count(*) - count(*)) FROM one;\nSELECT output FROM dp_agg.last_release()", on_error_stop => 0), 'count(*)', 'after an error above it');

# ---------- from how many individuals on ----------

# Of groups of that size about half are shown, of slightly smaller and larger ones few and most.
foreach my $case ([ 'dp_count(*)', 4 ], [ 'dp_count(*), dp_avg(x)', 4 ], [ 'dp_median(x)', 6 ], [ 'dp_mode(x)', 4 ], [ 'dp_histogram(x, 0, 100, 10)', 9 ],
	[ 'dp_bounds(x)', 4 ], [ 'dp_min(x)', 6 ], [ 'percentile_cont(array[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY x)', 14 ])
{
	my ($call, $step) = @$case;
	my $smallest = last_release("SELECT $call FROM gate GROUP BY g", 'DISTINCT smallest_group');
	my ($fewer, $half, $more) = map { DpAgg::value($node, 'analyst', "SET client_min_messages = warning; SELECT count(*) / 400.0 FROM (SELECT g, $call FROM gate WHERE i <= $_ GROUP BY g) s") }
	  $smallest - $step, $smallest, $smallest + $step;

	ok($fewer < 0.2 && $half > 0.4 && $half < 0.8 && $more > 0.85, "$call: about half of groups of $smallest individuals") or diag("$fewer $half $more");
}
is(last_release('SELECT g, count(*), dp_median(x) FROM orders GROUP BY g', 'string_agg(smallest_group::text, $$ $$ ORDER BY output)'),
	last_release('SELECT g, count(*), dp_median(x) FROM orders WHERE pid < 0 GROUP BY g', 'string_agg(smallest_group::text, $$ $$ ORDER BY output)'), 'it does not depend on rows');
cmp_ok(last_release('SELECT g, count(*) FROM one WHERE dp_with(epsilon => 0.1) GROUP BY g', 'smallest_group'), '>', 150, 'but on epsilon');
cmp_ok(last_release('SELECT g, count(*) FROM orders WHERE dp_with(max_groups => 10) GROUP BY g', 'smallest_group'), '>', 150, 'and on max_groups');
is(DpAgg::value($node, 'analyst', "\\o /dev/null\nSELECT g, dp_tier(*), dp_median(x) FROM one GROUP BY g;\n\\o\nSELECT count(DISTINCT smallest_group) FROM dp_agg.last_release()"), 1, 'a tier appears with the rest');
$node->safe_psql('postgres', 'ALTER SYSTEM SET dp_agg.min_individuals = 100; SELECT pg_reload_conf()');
$node->poll_query_until('postgres', "SELECT current_setting('dp_agg.min_individuals') = '100'");
cmp_ok(last_release('SELECT g, count(*) FROM one GROUP BY g', 'smallest_group'), '>', 110, 'and on what the administrator set');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET dp_agg.min_individuals; SELECT pg_reload_conf()');
$node->poll_query_until('postgres', "SELECT current_setting('dp_agg.min_individuals') = '20'");

# ---------- nothing is shown ----------

is(notices('SELECT g, count(*) FROM one WHERE pid < 5 GROUP BY g'), <<'TEXT' =~ s/\n\z//r, 'no group');
NOTICE:  00000: the release of count(*) shows no group: it takes about 38 individuals to show one
DETAIL:  At epsilon 1, delta 1e-08 and max_groups 1, a group appears from about 38 individuals on.
HINT:  Groups may be smaller with more epsilon, a smaller max_groups, or fewer outputs of different kinds; coarser groups are larger.
TEXT
is(notices('SELECT dp_median(x), dp_mode(x) FROM one WHERE pid < 5'), <<'TEXT' =~ s/\n\z//r, 'no value');
NOTICE:  00000: the release of dp_median(x), dp_mode(x) shows no value: it takes about 57 individuals to show one, and NULL is not 0
DETAIL:  At epsilon 1 and delta 1e-08, a value appears from about 57 individuals on.
HINT:  It takes fewer with more epsilon, or with fewer outputs of different kinds.
TEXT
like(notices('SELECT DISTINCT g FROM one WHERE pid < 5'), qr/^NOTICE:  00000: the release of group keys shows no group: it takes about 38 individuals to show one$/m, 'keys alone');
like(notices('SELECT g, count(*) FROM orders WHERE pid < 5 AND dp_with(max_total => 12) GROUP BY g'),
	qr/^DETAIL:  At epsilon 1, delta 1e-08, max_rows 3 and max_total 12, a group appears from about \d+ individuals with 3 rows each on\.$/m, 'bounded over all groups');
is(number_of_notices("SELECT g, count(*) FROM one WHERE $_->[1] GROUP BY g"), $_->[2], $_->[0]) foreach
  [ 'where something is shown there is none', 'true', 0 ], [ 'where nobody is there is one', 'pid < 0', 1 ];
is(number_of_notices($_->[1]), $_->[2], $_->[0]) foreach
  [ 'HAVING and LIMIT drop released rows: something was released', 'SELECT g, count(*) FROM one GROUP BY g HAVING count(*) < 0', 0 ],
  [ 'LIMIT 0 asks for no row, so nothing ran', 'SELECT g, count(*) FROM one WHERE pid < 5 GROUP BY g LIMIT 0', 0 ],
  [ 'one for each release', 'SELECT count(*) FROM one WHERE pid < 5 UNION ALL SELECT count(*) FROM one UNION ALL SELECT avg(x) FROM one WHERE pid < 6', 2 ],
  [ 'a release that is read twice tells once', 'WITH a AS (SELECT g, count(*) AS n FROM one WHERE pid < 5 GROUP BY g) SELECT * FROM a x, generate_series(1, 5) UNION ALL SELECT *, 1 FROM a', 1 ],
  [ 'a cursor tells once', 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT g, count(*) FROM one WHERE pid < 5 GROUP BY g; FETCH c; FETCH c; MOVE BACKWARD ALL IN c; FETCH ALL FROM c; COMMIT', 1 ],
  [ 'one that was never asked for does not', 'BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM one WHERE pid < 5; COMMIT', 0 ],
  [ 'a sub-select of a release says nothing by itself', 'SELECT count(*) FROM one WHERE x > (SELECT avg(x) FROM orders WHERE pid < 5)', 1 ],
  [ 'nor one that one row would ask for', 'SELECT count(*) FROM one WHERE CASE WHEN pid = 5 THEN x > (SELECT avg(x) FROM orders WHERE pid < 5) ELSE true END', 0 ],
  [ 'a function tells', 'DO $$ BEGIN PERFORM count(*) FROM one WHERE pid < 5; END $$', 1 ],
  [ 'keys of a domain that all are without a value', 'SELECT g, avg(x) FROM (SELECT pid, g % 2 = 0 AS g, x FROM one WHERE pid < 5) s GROUP BY g', 1 ],
  [ 'groups whose values are all NULL', 'SELECT g, min(y) FROM (SELECT pid, g, CASE WHEN pid < 5 THEN x END AS y FROM one) s GROUP BY g', 1 ],
  [ 'groups with a value in one output', 'SELECT g, count(*), avg(y) FROM (SELECT pid, g, CASE WHEN pid < 5 THEN x END AS y FROM one) s GROUP BY g', 0 ],
  [ 'client_min_messages', 'SET client_min_messages = warning; SELECT count(*) FROM one WHERE pid < 5', 0 ],
  [ 'several workers', parallel_plan(3) . '; SELECT g, count(*) FROM orders WHERE pid < 5 GROUP BY g', 1 ];
is(scalar(() = DpAgg::as($node, 'keeper', 'SELECT 1')->{err} =~ /NOTICE/g), 0, 'nothing where nothing is released');
{
	my (undef, undef, $err) = $node->psql('postgres', 'EXPLAIN (ANALYZE, COSTS OFF) SELECT dp_count(*) FROM one WHERE pid < 5');

	is(scalar(() = $err =~ /shows no value/g), 1, 'EXPLAIN ANALYZE of who may see plans') or diag($err);
}

# Tables that have nothing in common but what is released: the same words, the same figures.
{
	my @filled = (
		'SELECT p, p % 3, p % 100, NULL::int FROM generate_series(1, 11) p', 'SELECT 1, 1, 1, 1 WHERE false',
		'SELECT 7, n % 40, 1000 + n, n FROM generate_series(1, 3000) n', 'SELECT NULL::int, 1, 2, 3 FROM generate_series(1, 5000)',
		'SELECT n % 15, 2, 99, n % 3 FROM generate_series(1, 400) n');
	my @queries = (
		'SELECT g, count(*), avg(x) FROM t GROUP BY g', 'SELECT count(y), sum(x), dp_median(x) FROM t', 'SELECT DISTINCT g FROM t', 'SELECT dp_mode(x), dp_top(y, 3) FROM t WHERE x > 5',
		'SELECT g, dp_clipped(count(*)), dp_clipped(avg(x)) FROM t WHERE dp_with(max_rows => 5) GROUP BY g', 'SELECT count(*) FROM t UNION ALL SELECT dp_histogram(x, 0, 100, 5)[1].count FROM t WHERE y > 1',
		'SELECT count(*) FROM t WHERE x > (SELECT avg(x) FROM t WHERE y = 3)', 'SELECT count(DISTINCT pid), count(DISTINCT x) FROM t');
	my @answers;

	foreach my $i (0 .. $#filled)
	{
		$node->safe_psql('postgres', "CREATE SCHEMA v$i; GRANT USAGE ON SCHEMA v$i TO analyst; CREATE TABLE v$i.t (pid int, g int, x int, y int); INSERT INTO v$i.t $filled[$i];
SET client_min_messages = warning; SELECT dp_agg.protect('v$i.t', 'pid', 'people', 2, 3), dp_agg.set_bounds('v$i.t', 'x', 0, 100), dp_agg.set_bounds('v$i.t', 'y', 0, 100);
SELECT dp_agg.set_measured('v$i.t', '{0.9,0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1,0,0,0,0,0,0}')");
		foreach my $q (0 .. $#queries)
		{
			my $r = DpAgg::as($node, 'analyst', "SET search_path = v$i;\n$queries[$q];\nSELECT * FROM dp_agg.last_release()", on_error_stop => 0);

			$answers[$q]{"$r->{out}\n$r->{err}"}++;
		}
	}
	is(scalar(keys %{ $answers[$_] }), 1, "the same of all tables that show nothing: $queries[$_]") or diag(join "\n---\n", keys %{ $answers[$_] }) foreach 0 .. $#queries;
	like((keys %{ $answers[0] })[0], qr/shows no group.*limits leave out about 57 %/s, 'and something is told of them');
}

# ---------- limits leave out rows ----------

is($node->safe_psql('postgres', 'SELECT dp_agg.measured_at()'), '{1,2,3,5,8,13,21,34,55,89,144,233,377,610,1000}', 'the numbers of rows that are looked at');
my $measure = "SELECT dp_agg.set_measured('orders', ARRAY(SELECT (SELECT sum(greatest(n - t, 0)) / sum(n) FROM (SELECT count(*) AS n FROM orders GROUP BY pid) s) FROM unnest(dp_agg.measured_at()) WITH ORDINALITY u (t, i) ORDER BY i)::float8[])";
$node->safe_psql('postgres', $measure);
is($node->safe_psql('postgres', q{SELECT label::jsonb -> 'rows_beyond' FROM pg_seclabels WHERE objname = 'orders' AND provider = 'dp_agg'}),
	'[0.7727, 0.5455, 0.4545, 0.2727, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]', 'the label has it');
is(notices('SELECT count(*) FROM orders; SELECT count(*) FROM orders; SELECT avg(x) FROM orders'), <<'TEXT' =~ s/\n\z//r, 'told once in a session');
NOTICE:  00000: limits leave out about 45 % of the rows of orders, as they were measured
DETAIL:  The rows of an individual count as 3 at most. Intervals and standard errors are about the noise, not about what is left out.
HINT:  Larger limits (max_groups, max_rows, max_total) leave out less and add noise. This is told once in a session for a relation and limits, and not below dp_agg.notice_cut.
TEXT
is(number_of_notices($_->[1]), $_->[2], $_->[0]) foreach
  [ 'again for other limits', 'SELECT count(*) FROM orders; SELECT count(*) FROM orders WHERE dp_with(max_rows => 4); SELECT count(*) FROM orders', 2 ],
  [ 'limits that leave out nothing', 'SELECT count(*) FROM orders WHERE dp_with(max_rows => 8)', 0 ],
  [ 'limits beyond what was measured', 'SELECT count(*) FROM orders WHERE dp_with(max_rows => 5000)', 0 ],
  [ 'groups times rows', 'SELECT g, count(*) FROM orders WHERE dp_with(max_groups => 4, max_rows => 2) GROUP BY g', 0 ],
  [ 'groups do not count without GROUP BY', 'SELECT count(*) FROM orders WHERE dp_with(max_groups => 4, max_rows => 2)', 1 ],
  [ 'max_total', 'SELECT g, count(*) FROM orders WHERE dp_with(max_rows => 3, max_total => 4) GROUP BY g', 1 ],
  [ 'a large max_total', 'SELECT g, count(*) FROM orders WHERE dp_with(max_rows => 3, max_total => 40) GROUP BY g', 0 ],
  [ 'a relation that nobody measured', 'SELECT count(*) FROM one', 0 ],
  [ 'dp_agg.notice_cut above the share', 'SET dp_agg.notice_cut = 0.5; SELECT count(*) FROM orders', 0 ],
  [ 'and below', 'SET dp_agg.notice_cut = 0.44; SELECT count(*) FROM orders', 1 ],
  [ 'never', 'SET dp_agg.notice_cut = 1; SELECT count(*) FROM orders', 0 ];
like(notices('SELECT count(*) FROM orders WHERE dp_with(max_rows => 4)'), qr/about 36 % of the rows/, 'between two points it is on the line');
foreach my $bad (-0.1, 1.1)
{
	is(DpAgg::as($node, 'analyst', "SET dp_agg.notice_cut = $bad")->{sqlstate}, '22023', "dp_agg.notice_cut = $bad");
}

# Who may say so, and what.
my $fifteen = sub { return "'{" . join(',', @_, (0) x (15 - @_)) . "}'" };
is(DpAgg::as($node, 'analyst', "SELECT dp_agg.set_measured('orders', NULL)")->{sqlstate}, '42501', 'an analyst may not');
$node->safe_psql('postgres', 'GRANT EXECUTE ON FUNCTION dp_agg.set_measured(regclass, float8[]), dp_agg.protect(regclass, name, name, int, int, name[]) TO keeper');
is(DpAgg::as($node, 'keeper', "SELECT dp_agg.set_measured('orders', NULL)")->{sqlstate}, '42501', 'nor who does not own the relation');
foreach my $bad ([ 'too few', "'{0.1}'", '22023' ], [ 'NULL among them', $fifteen->('NULL'), '22023' ], [ 'NaN among them', $fifteen->('NaN'), '22023' ], [ 'in two dimensions', "'{{0,0,0},{0,0,0},{0,0,0},{0,0,0},{0,0,0}}'", '22023' ])
{
	my (undef, undef, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT dp_agg.set_measured('orders', $bad->[1])");

	like($err, qr/ERROR:  $bad->[2]: rows_beyond must have 15 numbers/, "shares, $bad->[0]");
}
$node->safe_psql('postgres', 'CREATE TABLE bare (p int)');
like(($node->psql('postgres', "SELECT dp_agg.set_measured('bare', NULL)"))[2], qr/relation public.bare is not protected/, 'of a relation that is not protected');
like(($node->psql('postgres', "SECURITY LABEL FOR dp_agg ON TABLE one IS '{\"population\": \"people\", \"rows_beyond\": $_}'"))[2], qr/must be an array of at most 15 numbers/, "a label by hand: $_")
  foreach '[0.1, 0.2]', '[1.1]', '[-0.1]', '["a"]', '5', '{}', '[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]', '[[0.1]]';
$node->safe_psql('postgres', "SELECT dp_agg.set_measured('one', " . $fifteen->(1.2, 0.3, 0.35, -0.1, 0.01) . ')');
is($node->safe_psql('postgres', q{SELECT label::jsonb -> 'rows_beyond' FROM pg_seclabels WHERE objname = 'one' AND provider = 'dp_agg'}),
	'[1, 0.3, 0.3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]', 'noisy shares are made to fall');
is(number_of_notices('SELECT count(*) FROM one'), 0, 'rows that are individuals are never left out');

# The label is kept by what does not change it, and goes with what does.
my $shares = q{SELECT label::jsonb ? 'rows_beyond' FROM pg_seclabels WHERE objname = 'orders' AND provider = 'dp_agg'};
is($node->safe_psql('postgres', "SET client_min_messages = error; SELECT dp_agg.protect('orders', 'pid', 'people', 2, 5); $shares"), "\nt", 'other limits keep it');
is($node->safe_psql('postgres', "SET client_min_messages = error; SELECT dp_agg.set_population_size('people', 3000); $shares"), "\nt", 'so does the size of the population');
is($node->safe_psql('postgres', "SET client_min_messages = error; SELECT dp_agg.protect('orders', 'x', 'people', 2, 5); $shares"), "\nf", 'another unit does not');
is($node->safe_psql('postgres', "SET client_min_messages = error; SELECT dp_agg.protect('orders', 'pid', 'people', 1, 3); $measure; SELECT dp_agg.set_measured('orders', NULL); $shares"), "\n\n\nf", 'NULL takes it back');
$node->safe_psql('postgres', $measure);
like(PostgreSQL::Test::Utils::slurp_file(do { my $f = PostgreSQL::Test::Utils::tempdir() . '/dump'; $node->command_ok([ 'pg_dump', '-s', '-f', $f, '-d', $node->connstr('postgres') ], 'pg_dump'); $f }),
	qr/SECURITY LABEL FOR dp_agg ON TABLE public\.orders IS '[^']*"rows_beyond": \[0\.7727, 0\.5455/, 'carries it');

# ---------- dp_clipped() ----------

$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.epsilon = 1000; ALTER ROLE analyst SET dp_agg.notice_cut = 1; ALTER ROLE sql SET dp_agg.notice_cut = 1');
my $clipped = sub { my ($of, $more) = @_; return "SELECT g, " . join(', ', map { "round(dp_clipped($_)::numeric, 2)" } @$of) . " FROM orders $more GROUP BY g ORDER BY g" };
my @outputs = ('count(*)', 'count(y)', 'sum(x)', 'avg(x)', 'sum(y)', 'avg(y)', 'variance(x)', 'corr(x, y)', 'count(*) FILTER (WHERE x < 50)', 'count(DISTINCT pid)');
my $plain = sub {
	my ($r) = @_;

	return $node->safe_psql('postgres', "SELECT g, " . join(', ', map { "round(avg(($_ > $r)::int), 2)" } 'n', 'ny', 'n', 'n', 'ny', 'ny', 'n', 'ny', 'nx', '0')
		  . " FROM (SELECT g, pid, count(*) AS n, count(y) AS ny, count(*) FILTER (WHERE x < 50) AS nx FROM orders GROUP BY g, pid) s GROUP BY g ORDER BY g");
};
foreach my $r (1, 2, 3, 7, 8)
{
	my $query = $clipped->(\@outputs, "WHERE dp_with(max_rows => $r)");

	foreach my $set (parallel_plan(0), parallel_plan(3))
	{
		my ($by_node, $by_sql) = map { DpAgg::value($node, $_, "$set; $query") } qw(analyst sql);

		is_alike($by_node, $plain->($r), 0.011, "shares at max_rows $r, bounding node", 0);
		is_alike($by_sql, $plain->($r), 0.011, "shares at max_rows $r, SQL", 0);
	}
}
# Bounded over all groups an individual counts by its weight, scaled or not.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE spread (pid int, g int NOT NULL, x int NOT NULL);
INSERT INTO spread SELECT p, (p + r * r) % 4, r FROM generate_series(1, 2000) p, LATERAL generate_series(1, p % 13) r;
ANALYZE spread;
SELECT dp_agg.protect('spread', 'pid', 'people');
SELECT dp_agg.set_bounds('spread', 'x', 0, 20);
SQL
sub weighed
{
	my ($r, $t) = @_;
	my $gate = ($r < $t ? $r : $t) . "::float8 / $t";

	return $node->safe_psql('postgres', <<"SQL");
SELECT g, round((sum(weight / greatest(cost, 1)) FILTER (WHERE cost > 1 + 1e-9 OR n::float8 / $t > $gate + 1e-9) / sum(weight / greatest(cost, 1)))::numeric, 2)
FROM (SELECT g, n, least(n::float8 / $t, $gate) AS weight, sum(least(n::float8 / $t, $gate)) OVER (PARTITION BY pid) AS cost FROM (SELECT pid, g, count(*) AS n FROM spread GROUP BY pid, g) s) s
GROUP BY g ORDER BY g
SQL
}
foreach my $limits ([ 1, 2 ], [ 2, 5 ], [ 3, 6 ], [ 3, 12 ], [ 8, 4 ], [ 5, 9 ])
{
	my ($r, $t) = @$limits;
	my $where = "WHERE dp_with(max_rows => $r, max_total => $t)";

	foreach my $share ('dp_clipped(count(*))', 'dp_clipped(avg(x))', 'dp_clipped(variance(x))')
	{
		my $query = "SELECT g, round(${share}::numeric, 2) FROM spread $where GROUP BY g ORDER BY g";
		my $truth = weighed($r, $t) =~ s/\|$/|0/gmr;

		foreach my $role ('analyst', 'sql')
		{
			is_alike(DpAgg::value($node, $role, parallel_plan($role eq 'sql' ? 0 : 2) . "; $query"), $truth, 0.011, "$share at max_rows $r and max_total $t, $role", 0);
		}
	}
}
# A sum with bounds of its own is clipped where it is beyond these, whatever the number of rows.
$node->safe_psql('postgres', "SET client_min_messages = warning; SELECT dp_agg.set_total('spread', 'x', 0, 30)");
is_alike(DpAgg::value($node, $_, 'SELECT dp_clipped(sum(x)), dp_clipped(count(*)) FROM spread WHERE dp_with(max_total => 9)'),
	$node->safe_psql('postgres', 'SELECT avg((s > 30)::int), avg((n > 9)::int) FROM (SELECT sum(x) AS s, count(*) AS n FROM spread GROUP BY pid) s'), 0.01, "a sum with bounds of its own, $_", 0) foreach 'analyst', 'sql';

is(DpAgg::value($node, 'analyst', 'SELECT ' . join(', ', map { "dp_clipped($_)" } 'count(*)', 'avg(x)', 'sum(x)', 'variance(x)') . ' FROM one'), '0|0|0|0', 'rows that are individuals: nobody');
is(last_release('SELECT dp_clipped(sum(x)) FROM orders', 'output'), "sum(x)\nclipped of sum(x)", 'the aggregate stands beside its share');
is_alike(last_release('SELECT avg(x), dp_clipped(avg(x)) FROM one', 'standard_error') =~ s/\n.*//sr, last_release('SELECT avg(x) FROM one', 'standard_error'), 0, 'and it costs nothing there');
is_alike(DpAgg::value($node, 'analyst', 'SELECT dp_clipped(avg(y)), avg(y), dp_clipped(dp_avg(y)) FROM orders'), '0.4|3|0.4', 0.01, 'alone with an average of values that may be missing');
is(last_release('SELECT g, count(*), dp_clipped(count(*)) FROM orders GROUP BY g', "string_agg(output, ', ')"), 'count(*), clipped of count(*)', 'its name');
is(DpAgg::value($node, 'analyst', 'SELECT pg_typeof(dp_clipped(count(*))), pg_typeof(dp_clipped(dp_sum(x))) FROM orders'), 'double precision|double precision', 'its type');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM (SELECT g FROM orders GROUP BY g HAVING dp_clipped(count(*)) < 0.6) s'), 3, 'in HAVING');
is_alike(DpAgg::value($node, 'analyst', 'SELECT g, (SELECT dp_clipped(count(o.pid))) FROM orders o GROUP BY g ORDER BY g'), "g0|0.5\ng1|0.5\ng2|0.5", 0.011, 'in a sub-select, by weight', 0);
DpAgg::refused($node, 'analyst', "SELECT $_->[0]", 'DP002', "refused: $_->[0]") foreach
  [ 'dp_clipped(dp_median(x)) FROM orders' ], [ 'dp_clipped(dp_mode(g)) FROM orders' ], [ 'dp_clipped(count(DISTINCT x)) FROM orders' ], [ 'dp_clipped(1 + count(*)) FROM orders' ],
  [ 'dp_clipped(g) FROM orders GROUP BY g' ], [ 'dp_low(dp_clipped(count(*))) FROM orders' ], [ 'dp_clipped(dp_low(count(*))) FROM orders' ], [ 'dp_clipped(dp_histogram(x, 0, 100, 5)) FROM orders' ],
  [ 'dp_clipped(1)' ], [ 'dp_clipped(count(*)) FROM generate_series(1, 3)' ];

# It has noise like other coordinates, and its standard error is what it says: of 400 releases.
$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.epsilon = 1');
{
	my @answers = split /\n/, DpAgg::value($node, 'analyst', join ";\n", ('SELECT dp_clipped(count(*)) FROM orders') x 400);
	my $said = last_release('SELECT dp_clipped(count(*)) FROM orders', 'max(standard_error) FILTER (WHERE output LIKE $$clipped%$$)');
	my $square = 0;

	$square += ($_ - 0.4)**2 / 400 foreach @answers;
	cmp_ok(abs(sqrt($square) / $said - 1), '<', 0.2, sprintf 'error of the share %.2g, as it says: %.2g', sqrt $square, $said);
	is(scalar(() = grep { $_ < 0 || $_ > 1 } @answers), 0, 'it is a share');
}
is(DpAgg::value($node, 'analyst', "SELECT $_ IS NULL FROM orders WHERE pid = 3"), 't', "$_ of few people is held back") foreach 'dp_clipped(count(*))', 'dp_clipped(avg(x))';

$node->stop;
done_testing();
