# GROUPING SETS, ROLLUP and CUBE: one release whose sets share its epsilon and delta.
#
# A build without noise and gate must give what plain SQL gives, in all forms of a release; each
# set has limits of its own; one entry of the ledger pays for all of them, or none; they are as
# accurate as separate queries for the same total.  And aggregates that no row reaches are free.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $setup = <<'SQL';
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE ROLE sql LOGIN;
ALTER ROLE sql SET dp_agg.bound_node = off;
-- person p has three visits, all of one sex, in up to three wards and two clinics
CREATE TABLE visits (person int NOT NULL, clinic text, sex text NOT NULL, ward int, cost int NOT NULL);
INSERT INTO visits SELECT p, (ARRAY['North', 'South', 'East', NULL])[1 + (p + v / 3) % 4], (ARRAY['f', 'm'])[1 + p % 2],
	(p / 7 + v) % 5, (p * 37 + v * 101) % 100
FROM generate_series(1, 4000) p, generate_series(1, 3) v;
-- one row each
CREATE TABLE people (person int PRIMARY KEY, sex text NOT NULL, town text NOT NULL, age int NOT NULL);
INSERT INTO people SELECT p, (ARRAY['f', 'm'])[1 + p % 2], (ARRAY['A', 'B', 'C'])[1 + p % 3], p % 90 FROM generate_series(1, 4000) p;
CREATE TABLE wards (ward int PRIMARY KEY, floor int NOT NULL);
INSERT INTO wards SELECT w, w / 2 FROM generate_series(0, 4) w;
ANALYZE;
SELECT dp_agg.protect('visits', unit => 'person', population => 'patients', max_groups => 20, max_rows => 3);
SELECT dp_agg.protect('people', unit => 'person', population => 'patients');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 100);
SELECT dp_agg.set_bounds('people', 'age', 0, 100);
SELECT dp_agg.set_budget(r, 'patients', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
GRANT SELECT ON wards TO analyst, sql;
SQL

# ----------
# Against plain SQL, without noise and gate
# ----------

my $node = Faulty::node('exact', "jit = off\ndp_agg.epsilon = 1000\ndp_agg.delta = 0.000000001\n");

$node->start;
ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');
$node->safe_psql('postgres', $setup);

sub same
{
	my ($query, $name) = @_;
	my $rows = sub { join "\n", sort split /\n/, $_[0] };
	my $expected = $rows->($node->safe_psql('postgres', $query));

	foreach my $role ('analyst', 'sql')
	{
		is($rows->(DpAgg::value($node, $role, "SET client_min_messages = warning; $query")), $expected, "$role: " . ($name // $query));
	}
	return;
}

my $outputs = 'count(*), round(sum(cost)::numeric / 10) AS s, count(DISTINCT person) AS n';

same("SELECT $_->[0], $outputs FROM visits GROUP BY $_->[1]", "GROUP BY $_->[1]")
  foreach [ 'clinic, sex', 'ROLLUP (clinic, sex)' ],
  [ 'clinic, sex, grouping(clinic, sex), grouping(sex), grouping(sex, clinic)', 'CUBE (clinic, sex)' ],
  [ 'clinic, sex, ward', 'clinic, ROLLUP (sex, ward)' ], [ 'clinic, sex', 'GROUPING SETS ((clinic), (sex))' ],
  [ 'clinic', 'GROUPING SETS ((clinic), (clinic), ())' ], [ 'clinic', 'DISTINCT GROUPING SETS ((clinic), (clinic), ())' ],
  [ 'clinic, sex', 'DISTINCT ROLLUP (clinic, sex), ROLLUP (clinic)' ], [ 'clinic, sex', 'ROLLUP (clinic, sex), ROLLUP (clinic)' ],
  [ 'sex, clinic', 'ROLLUP (1, 2)' ], [ 'ward / 2 AS half, sex', 'ROLLUP (half, sex)' ], [ 'ward / 2, ward / 2 + 1', 'ROLLUP (ward / 2)' ],
  [ '7', '()' ], [ 'clinic, sex', 'ROLLUP ((clinic, sex))' ], [ 'clinic, sex, ward', 'GROUPING SETS (ROLLUP (clinic), CUBE (sex, ward), ())' ],
  [ 'sex, grouping(sex)', 'sex' ], [ 'person % 2 AS half', 'CUBE (half)' ];

# Above a release they are plain SQL.  What they make NULL, conditions see: from 18 on the planner moves
# conditions below the grouping unless columns are marked as such (query/nulling.c).
my $released = '(SELECT ward, count(*) AS n FROM visits WHERE ward > 0 GROUP BY 1) r';
same($_) foreach "SELECT ward, sum(n) FROM $released GROUP BY ROLLUP (ward) HAVING ward IS NULL",
  "SELECT ward, sum(n) FROM $released GROUP BY ROLLUP (ward) HAVING coalesce(ward, 0) = 0",
  "SELECT ward, sum(n) FROM $released GROUP BY CUBE (ward) HAVING (SELECT ward) IS NULL",
  "SELECT ward FROM (SELECT ward, sum(n) FROM $released GROUP BY ROLLUP (ward)) s WHERE ward IS NULL",
  "SELECT floor, ward, sum(n) FROM $released LEFT JOIN wards USING (ward) GROUP BY GROUPING SETS ((ward, floor), (ward)) HAVING ward > 1 AND floor IS NULL",
  "SELECT floor, count(*), sum(n) FROM wards LEFT JOIN $released USING (ward) GROUP BY ROLLUP (floor) HAVING floor IS NULL OR sum(n) IS NULL",
  "SELECT n > 0, floor, count(*) FROM wards LEFT JOIN $released USING (ward) GROUP BY n > 0, CUBE (floor) HAVING (n > 0) IS NULL",
  "SELECT b, sum(n) FROM wards w LEFT JOIN LATERAL (SELECT w.ward AS b, sum(n) AS n FROM $released GROUP BY ROLLUP (w.ward) HAVING w.ward IS NULL) s ON true GROUP BY b",
  "SELECT ward, (SELECT sum(n) FROM $released WHERE r.ward = w.ward), grouping(ward) FROM wards w GROUP BY CUBE (ward)";
same($_) foreach 'SELECT 1 FROM visits GROUP BY ()', "SELECT coalesce(clinic, 'none') FROM visits GROUP BY ROLLUP (clinic)",
  'SELECT DISTINCT grouping(clinic, sex) FROM visits GROUP BY CUBE (clinic, sex)',
  'SELECT count(*) FROM visits GROUP BY ROLLUP (clinic) HAVING count(*) > 2999 AND grouping(clinic) = 0',
  'SELECT clinic, sex, count(*) FROM visits GROUP BY CUBE (clinic, sex) HAVING grouping(clinic) < grouping(sex) OR sex IS NULL',
  'SELECT clinic, count(*), rank() OVER (PARTITION BY grouping(clinic) ORDER BY count(*) DESC, clinic) FROM visits GROUP BY ROLLUP (clinic)',
  'SELECT clinic, count(*) FROM visits GROUP BY ROLLUP (clinic) ORDER BY count(*) DESC, grouping(clinic) LIMIT 1',
  "SELECT coalesce(clinic, CASE grouping(clinic) WHEN 1 THEN 'all' END, 'none'), count(*) FILTER (WHERE cost < 50) FROM visits GROUP BY ROLLUP (clinic)",
  'SELECT clinic, count(*), (SELECT count(*) FROM wards w WHERE w.ward < grouping(s.clinic) + 1) FROM visits s GROUP BY ROLLUP (clinic)',
  'SELECT g, sum(n) FROM (SELECT grouping(sex) AS g, count(*) AS n FROM visits GROUP BY CUBE (clinic, sex)) s GROUP BY g',
  'WITH s AS (SELECT clinic, sex, count(*) AS n FROM visits GROUP BY ROLLUP (clinic, sex)) SELECT a.clinic, b.sex, a.n, b.n FROM s a JOIN s b USING (clinic) WHERE a.sex IS NULL',
  'SELECT n FROM (SELECT clinic, count(*) AS n, grouping(clinic) AS g FROM visits GROUP BY ROLLUP (clinic)) s WHERE g = 1',
  'SELECT sex, town, count(*), round(avg(age)) FROM people GROUP BY CUBE (sex, town)',
  'SELECT floor, sex, count(*) FROM visits JOIN wards USING (ward) GROUP BY ROLLUP (floor, sex)',
  'SELECT v.sex, p.town, count(*) FROM visits v JOIN people p USING (person) GROUP BY ROLLUP (town, v.sex)',
  'SELECT town, p.sex, count(*) FROM people p LEFT JOIN (SELECT person, count(*) AS n FROM visits GROUP BY 1) v USING (person) WHERE n = 3 GROUP BY CUBE (town, p.sex)',
  'SELECT sex, n, count(*) FROM (SELECT person, sex, count(*) AS n FROM visits GROUP BY 1, 2) v GROUP BY ROLLUP (sex, n)',
  "WITH m AS (SELECT 50 AS half) SELECT clinic, count(*) FROM visits, m WHERE cost < m.half GROUP BY ROLLUP (clinic)",
  'SELECT sex, count(*) FROM (SELECT person, sex FROM people UNION ALL SELECT person, sex FROM visits) u GROUP BY ROLLUP (sex)',
  "SELECT 'x'::text AS k, count(*) FROM visits GROUP BY ROLLUP (k)", 'SELECT sex, generate_series(1, 2), count(*) FROM visits GROUP BY ROLLUP (sex)',
  'SELECT w.ward, w.floor, sex, count(*) FROM visits v JOIN wards w USING (ward) GROUP BY w.ward, ROLLUP (sex)',
  'SELECT (SELECT max(w.ward) FROM visits w WHERE w.person = v.person) AS m, count(*) FROM visits v GROUP BY ROLLUP (m)',
  'SELECT sex, count(*) FROM visits v WHERE (SELECT max(w.ward) FROM visits w WHERE w.person = v.person) = 4 GROUP BY ROLLUP (sex)',
  'SELECT ward, sex, count(*) FROM visits LEFT JOIN wards USING (ward) GROUP BY CUBE (ward, sex)',
  'SELECT s.sex, count(*) FROM visits v JOIN (SELECT sex, count(*) AS n FROM visits GROUP BY 1 ORDER BY count(*)) s USING (sex) WHERE n > 5999 GROUP BY ROLLUP (s.sex)',
  'SELECT sex, count(*) FROM visits WHERE clinic IN (SELECT clinic FROM visits GROUP BY 1 HAVING count(*) = 3000 ORDER BY clinic DESC NULLS LAST LIMIT 2) GROUP BY ROLLUP (sex)',
  'SELECT sex, count(*) FROM visits WHERE 11999 < (SELECT count(*) FROM visits) AND EXISTS (SELECT FROM people HAVING count(*) > 3999) GROUP BY ROLLUP (sex)',
  'SELECT clinic, sum(n) FROM (SELECT clinic, count(*) AS n FROM visits GROUP BY CUBE (clinic)) s GROUP BY ROLLUP (clinic)',
  'SELECT sex, count(*) FROM visits GROUP BY ROLLUP (sex) HAVING count(*) > (SELECT count(*) FROM people)',
  "WITH x AS (SELECT 'North'::text AS c), v AS (SELECT * FROM visits WHERE cost < 50) SELECT q.sex, q.n FROM x, (SELECT v.sex, count(*) AS n FROM v JOIN x ON x.c = v.clinic GROUP BY ROLLUP (v.sex)) q",
  'SELECT DISTINCT ON (grouping(sex)) grouping(sex), sex, count(*) FROM visits GROUP BY ROLLUP (sex) ORDER BY grouping(sex), sex DESC',
  "SELECT clinic, count(*) FROM visits WHERE clinic < 'O' GROUP BY ROLLUP (clinic) UNION ALL SELECT sex, count(*) FROM visits GROUP BY CUBE (sex)",
  'SELECT count(*) FROM (SELECT a FROM (SELECT a FROM (SELECT sex AS a FROM visits GROUP BY ROLLUP (sex)) s GROUP BY ROLLUP (a)) s GROUP BY ROLLUP (a)) s';

# A key of public values: its groups without rows are there, in the sets that have only such keys.
$node->safe_psql('postgres', q{SELECT dp_agg.set_domain('people', 'town', ARRAY['A', 'B', 'C', 'D'])});
is(DpAgg::value($node, 'analyst', 'SELECT town, sex, count(*) FROM people GROUP BY GROUPING SETS ((town), (town, sex), ()) ORDER BY 1, 2 NULLS FIRST'),
	"A||1333\nA|f|666\nA|m|667\nB||1334\nB|f|667\nB|m|667\nC||1333\nC|f|667\nC|m|666\nD||\n||4000", 'public keys of one of the sets');
$node->safe_psql('postgres', q{SELECT dp_agg.set_domain('people', 'town', NULL)});

# Each set has limits of its own: of two clinics one counts, and of six rows in one group at most three;
# what is kept in one set says nothing of others.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE many (person int NOT NULL, a int NOT NULL, b int NOT NULL);
INSERT INTO many SELECT p, a, b FROM generate_series(1, 500) p, generate_series(1, 4) a, generate_series(1, 5) b;
SELECT dp_agg.protect('many', unit => 'person', population => 'patients', max_groups => 2, max_rows => 3);
SQL
foreach my $role ('analyst', 'sql')
{
	is(DpAgg::value($node, $role, <<'SQL'), "0|1000|1000\n1|1000|3000\n3|500|3000", "$role: limits hold in each set");
SELECT g, sum(n), sum(c) FROM (SELECT grouping(a, b) AS g, count(DISTINCT person) AS n, count(*) AS c FROM many
	WHERE dp_with(max_groups => 2) GROUP BY ROLLUP (a, b)) s GROUP BY g ORDER BY g
SQL
	# by total, 4 rows of each person in each set
	is(DpAgg::value($node, $role, <<'SQL'), "0|2000\n1|2000\n3|2000", "$role: max_total holds in each set");
SELECT g, sum(c) FROM (SELECT grouping(a, b) AS g, count(*) AS c FROM many WHERE dp_with(max_total => 4) GROUP BY ROLLUP (a, b)) s GROUP BY g ORDER BY g
SQL
}
$node->stop;

# ----------
# With noise: what it costs
# ----------

$node = DpAgg::node('sets', extension => 0, roles => [], conf => "jit = off\ndp_agg.epsilon = 1\ndp_agg.delta = 0.000001");
$node->safe_psql('postgres', $setup =~ s/max_groups => 20/max_groups => 2/r);

my $rollup = 'SELECT clinic, sex, count(*) FROM visits GROUP BY ROLLUP (clinic, sex)';

# What a role has spent: epsilon, delta and releases.
sub spent
{
	my ($role) = @_;

	return $node->safe_psql('postgres', "SELECT epsilon_spent::float8, delta_spent::float8, releases_spent FROM dp_agg.budgets WHERE role = '$role'");
}

# A new role with an account.
my $accounts = 0;
sub account
{
	my ($budget) = @_;
	my $role = 'account' . $accounts++;

	$node->safe_psql('postgres', "CREATE ROLE $role LOGIN; SELECT dp_agg.set_budget('$role', 'patients', delta => 0.5, $budget)");
	return $role;
}

is(DpAgg::value($node, 'analyst', "$rollup \\g /dev/null\nSELECT count(*), count(DISTINCT release), min(epsilon), max(epsilon), max(delta) FROM dp_agg.last_release()"),
	'3|1|1.000000000|1.000000000|0.000001000000000000', 'one release, with a row for each set');
is(spent('analyst'), '1|1e-06|1', 'and one price');
is($node->safe_psql('postgres', 'SELECT epsilon::float8, delta::float8, outputs FROM dp_agg.releases'), '1|1e-06|count(*) in 3 grouping sets', 'and one entry');
is(DpAgg::value($node, 'analyst', "$rollup \\g /dev/null\nSELECT string_agg(grouping_set, ' ') FROM dp_agg.last_release()"),
	'(clinic, sex) (clinic) ()', 'the sets by name, those with more keys first');

# The law of each set is that of a query with its share.
sub errors
{
	my ($query) = @_;

	return DpAgg::value($node, 'analyst', "$query \\g /dev/null\nSELECT round(standard_error::numeric, 6), smallest_group FROM dp_agg.last_release()");
}
my $count = 'count(*), sum(cost)';
foreach my $case ([ 'epsilon => 3, delta => 3e-6', 'epsilon => 1, delta => 1e-6', '', 'equal shares' ],
	[ 'epsilon => 4, delta => 4e-6', 'epsilon => 1, delta => 1e-6', ', shares => ARRAY[1, 2, 1]', 'shares that are asked for' ])
{
	my ($all, $part, $shares, $name) = @$case;
	my $double = $shares ? 'epsilon => 2, delta => 2e-6' : $part;
	my @separate = map { errors("SELECT $count FROM visits WHERE dp_with($_->[0]) GROUP BY $_->[1]") }
	  [ $part, 'clinic, sex' ], [ $double, 'clinic' ], [ $part, '()' ];
	my @together = split /\n/, errors("SELECT $count FROM visits WHERE dp_with($all$shares) GROUP BY ROLLUP (clinic, sex)");
	my @apart = map { split /\n/ } @separate;
	my $wrong = @together == 6 && @apart == 6 ? 0 : 1;

	foreach my $i (0 .. ($wrong ? -1 : 5))
	{
		my ($x, $y) = map { [ split /\|/ ] } $together[$i], $apart[$i];

		$wrong++ if abs($x->[0] / $y->[0] - 1) > 1e-6 || $x->[1] != $y->[1];
	}
	ok(!$wrong, "$name: the noise and the gates of separate queries") or diag(join "\n", @together, '', @apart);
}

# The same, measured: the errors of 600 answers of each kind.
sub squares
{
	my ($query, $truth, $times) = @_;
	my %squares;

	foreach my $line (split /\n/, DpAgg::value($node, 'analyst', "$query;\n" x $times))
	{
		my ($g, $clinic, $sex, $c) = split /\|/, $line;

		push @{ $squares{$g} }, ($c - $truth->{"$g|$clinic|$sex"})**2;
	}
	return map { my $all = $squares{$_}; my $sum = 0; $sum += $_ foreach @$all; $_ => $sum / @$all } keys %squares;
}
{
	my $ask = 'SELECT grouping(clinic, sex), clinic, sex, count(*) FROM visits';
	my %truth = map { /^(.*)\|(\d+)$/ } split /\n/, $node->safe_psql('postgres', "$ask GROUP BY ROLLUP (clinic, sex)");
	my %together = squares("$ask WHERE dp_with(epsilon => 1) GROUP BY ROLLUP (clinic, sex)", \%truth, 300);
	my %apart;

	foreach my $set ([ 0, 'clinic', 'sex', 'clinic, sex' ], [ 1, 'clinic', 'NULL', 'clinic' ], [ 3, 'NULL', 'NULL', '()' ])
	{
		my ($g, $clinic, $sex, $by) = @$set;

		%apart = (%apart, squares("SELECT $g, $clinic, $sex, count(*) FROM visits WHERE dp_with(epsilon => 1.0 / 3) GROUP BY $by" =~ s{1\.0 / 3}{0.333333333}r, \%truth, 300));
	}
	foreach my $g (0, 1, 3)
	{
		my $ratio = sqrt($together{$g} / $apart{$g});

		note(sprintf 'set %d: error %.2f, of separate queries %.2f, ratio %.3f', $g, sqrt $together{$g}, sqrt $apart{$g}, $ratio);
		# both are measured: 4 standard deviations, of about 0.03 where there is one group, less elsewhere
		cmp_ok($ratio, '<', $g == 3 ? 1.3 : 1.15, "set $g: as accurate as separate queries at the same total");
	}
}

# All or nothing, to the unit.
my $role = account('epsilon => 1');
DpAgg::works($node, $role, $rollup, 'a budget that is just enough');
is(spent($role), '1|1e-06|1', 'is spent');
$role = account('epsilon => 0.999999999');
DpAgg::refused($node, $role, $rollup, 'DP001', 'one unit less pays for no set');
is(spent($role), '0|0|0', 'and nothing is spent');
$role = account('epsilon => 10, max_epsilon_per_query => 0.999999999');
DpAgg::refused($node, $role, $rollup, 'DP002', 'max_epsilon_per_query sees the sum');
$role = account('epsilon => 10, max_epsilon_per_query => 1, min_epsilon_per_query => 1, max_releases => 2');
DpAgg::works($node, $role, $rollup, 'and so does min_epsilon_per_query');
DpAgg::works($node, $role, "$rollup LIMIT 1", 'sets count as one release, which is paid for whatever is fetched');
DpAgg::refused($node, $role, $rollup, 'DP001', 'the third is one too many');
is(spent($role), '2|2e-06|2', 'two releases');
is($node->safe_psql('postgres', "SELECT count(*), sum(epsilon)::float8 FROM dp_agg.releases WHERE session_role = '$role'"), '2|2', 'as the log says');

# Several of them, prepared, under generic plans, in cursors and views.
my $before = (split /\|/, spent('analyst'))[2];
is(DpAgg::value($node, 'analyst', <<"SQL"), "10\n10\n10\n4", 'prepared with a parameter as epsilon');
PREPARE p (float8, text) AS SELECT clinic, sex, count(*) FROM visits WHERE sex <> \$2 AND dp_with(epsilon => \$1) GROUP BY CUBE (clinic, sex);
SET plan_cache_mode = force_generic_plan;
CREATE TEMP TABLE r (a text, b text, c bigint);
INSERT INTO r @{[ 'SELECT * FROM (' . $rollup . ') s LIMIT 10' ]};
SELECT count(*) FROM r;
BEGIN;
DECLARE c CURSOR FOR $rollup;
\\o /dev/null
FETCH 4 FROM c;
\\o
SELECT 10;
COMMIT;
CREATE TEMP VIEW v AS $rollup;
SELECT count(*) FROM (SELECT * FROM v LIMIT 10) s;
\\o /dev/null
EXECUTE p (2, 'x');
\\o
SELECT count(*) FROM dp_agg.last_release() WHERE epsilon = 2;
SQL
is((split /\|/, spent('analyst'))[2] - $before, 4, 'each is one release');
is(DpAgg::value($node, 'analyst', "SELECT count(*) FROM (($rollup) UNION ALL ($rollup)) s \\g /dev/null\nSELECT string_agg(release || grouping_set, ' ') FROM dp_agg.last_release()"),
	'1(clinic, sex) 1(clinic) 1() 2(clinic, sex) 2(clinic) 2()', 'two of them in a statement are two releases');
is(DpAgg::value($node, 'analyst', 'SELECT count(*), count(DISTINCT c) FROM (SELECT count(*) AS c FROM visits GROUP BY GROUPING SETS ((), (), ())) s'), '3|1', 'a set that is written thrice is drawn once');

# A release below them is drawn and paid for once.
$before = spent('analyst');
is(DpAgg::value($node, 'analyst', "SELECT sex, count(*) FROM visits WHERE cost > (SELECT avg(cost) FROM visits) GROUP BY ROLLUP (sex) \\g /dev/null\nSELECT count(DISTINCT release) FROM dp_agg.last_release()"), '2', 'a release in a condition');
is(DpAgg::value($node, 'analyst', "SELECT s.sex, count(*) FROM visits v JOIN (SELECT sex, avg(cost) AS mean FROM visits GROUP BY 1) s USING (sex) WHERE cost > mean GROUP BY ROLLUP (s.sex) \\g /dev/null\nSELECT count(DISTINCT release) FROM dp_agg.last_release()"), '2', 'and one in FROM');
is(DpAgg::value($node, 'analyst', "SELECT sex, count(*) FROM visits v WHERE clinic IN (SELECT clinic FROM visits GROUP BY 1 HAVING count(*) > 0) GROUP BY ROLLUP (sex) \\g /dev/null\nSELECT count(DISTINCT release) FROM dp_agg.last_release()"), '2', 'and one behind IN');
DpAgg::refused($node, 'analyst', 'SELECT sex, count(*) FROM (SELECT * FROM visits WHERE cost > (SELECT avg(cost) FROM visits)) v GROUP BY ROLLUP (sex)', 'DP002', 'one further down is refused');
DpAgg::works($node, 'analyst', 'WITH m AS (SELECT avg(cost) AS mean FROM visits) SELECT sex, count(*) FROM visits, m WHERE cost > m.mean GROUP BY ROLLUP (sex)', 'as the hint says');

# ----------
# What is refused, and attacks
# ----------

DpAgg::refused($node, 'analyst', @$_)
  foreach [ 'SELECT person, count(*) FROM visits GROUP BY ROLLUP (person)', 'DP002' ],
  [ 'SELECT person, count(*) FROM visits GROUP BY GROUPING SETS ((person, clinic), (clinic))', 'DP002' ],
  [ 'SELECT count(*) FROM (SELECT person, clinic FROM visits GROUP BY CUBE (person, clinic)) v', 'DP002' ],
  [ 'SELECT clinic, cost FROM visits GROUP BY ROLLUP (clinic), cost, person', 'DP002' ],
  [ 'SELECT clinic, count(*) FROM visits GROUP BY CUBE (clinic, sex, ward, cost / 2, cost / 3, cost / 5)', 'DP002' ],
  [ 'SELECT (SELECT count(*) FROM visits WHERE sex = k GROUP BY ROLLUP (clinic) LIMIT 1) FROM (VALUES (\'f\')) t (k)', 'DP002' ],
  [ 'EXPLAIN ANALYZE SELECT clinic, count(*) FROM visits GROUP BY ROLLUP (clinic)', 'DP002' ],
  [ 'SELECT clinic, array_agg(cost) FROM visits GROUP BY ROLLUP (clinic)', 'DP002' ],
  [ 'SELECT clinic, count(*) FROM visits WHERE dp_with(epsilon => 1e-9) GROUP BY ROLLUP (clinic)', '22023' ],
  map { [ "SELECT clinic, count(*) FROM visits WHERE dp_with(shares => $_) GROUP BY ROLLUP (clinic)", 'DP002' ] } "'{1}'", "'{1,1,1}'", "'{1,0}'",
  "'{1,NaN}'", "'{1,NULL}'", "'{{1,1}}'", 'ARRAY[random(), 1]', "'{1,1e9}'", "'{}'", "'{1,-1}'", "ARRAY[1, 2]) AND dp_with(shares => ARRAY[2, 1]";
DpAgg::refused($node, 'analyst', "SELECT clinic, count(*) FROM visits WHERE dp_with(shares => '{1,1}') GROUP BY clinic", 'DP002');
like(DpAgg::as($node, 'analyst', 'SELECT clinic, count(*) FROM visits GROUP BY CUBE (clinic, sex, ward, cost / 2, cost / 3, cost / 5)')->{message}, qr/more than 32 different grouping sets/, 'and says how many there may be');
DpAgg::works($node, 'analyst', 'SELECT clinic, count(*) FROM visits WHERE dp_with(epsilon => 64) GROUP BY CUBE (clinic, sex, ward, cost / 20, cost / 30)', 'as many as there may be');
DpAgg::works($node, 'analyst', 'SELECT clinic, count(*) FROM visits GROUP BY CUBE (clinic, clinic, clinic, clinic, clinic, clinic, clinic)', 'many that are the same');

# A small group passes in no set, nor does the rest between two sets show it.
$node->safe_psql('postgres', <<'SQL');
INSERT INTO visits SELECT 9000 + p, 'tiny', 'f', 1, 50 FROM generate_series(1, 19) p;
SQL
is(DpAgg::value($node, 'analyst', <<'SQL' x 20), '', 'groups below 20 are in no set');
SELECT clinic, sex, count(*) FROM visits WHERE clinic = 'tiny' AND dp_with(epsilon => 900, delta => 0.01) GROUP BY GROUPING SETS ((clinic, sex), (clinic), (sex), (clinic, ward)) HAVING count(*) >= 0;
SQL

# A condition that leaves out sets does not make the others cheaper.
$before = (split /\|/, spent('analyst'))[0];
DpAgg::works($node, 'analyst', "SELECT * FROM (SELECT clinic, count(*), grouping(clinic) AS g FROM visits GROUP BY ROLLUP (clinic)) s WHERE g = 5", 'sets that nobody wants are not computed');
DpAgg::works($node, 'analyst', "SELECT * FROM (SELECT clinic, count(*), grouping(clinic) AS g FROM visits GROUP BY ROLLUP (clinic)) s WHERE g = 1", 'one that is wanted');
is((split /\|/, spent('analyst'))[0] - $before, 1, 'and the one that is wanted costs what all cost');
# Rows are read when all is paid, also where one set has nothing to read.
DpAgg::refused($node, account('epsilon => 0.5'), 'SELECT clinic, count(*) FROM visits GROUP BY ROLLUP (clinic)', 'DP001', 'half of the price buys no set');

# A role that may read the table: its own aggregates are exact, dp_ ones are released.
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT clinic, count(*) FROM people, wards w, visits v GROUP BY ROLLUP (clinic) LIMIT 0) s'), '0', 'who may read the rows groups as before');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT sex, dp_count(*) FROM people GROUP BY ROLLUP (sex)) s'), '3', 'and releases dp_ aggregates');

# ----------
# Aggregates that no row reaches
# ----------

$before = spent('analyst');
is(DpAgg::value($node, 'analyst', $_->[0]), $_->[1], "free: $_->[0]")
  foreach [ 'SELECT count(*), avg(cost), count(DISTINCT person), sum(cost), max(cost) FROM visits WHERE 0 = 1', '0||0||' ],
  [ 'SELECT count(*) + 1, dp_count(*), dp_avg(cost), dp_low(count(*)), dp_tier(*) FROM visits WHERE false AND cost > 1', '1|0|||' ],
  [ 'SELECT count(*) FROM visits WHERE NULL', '0' ], [ 'SELECT count(*) FROM visits WHERE 1 = 2 OR (cost > 1 AND false)', '0' ],
  [ 'SELECT count(*) FROM visits WHERE 0 = 1 HAVING count(*) > 0', '' ], [ 'SELECT clinic, count(*) FROM visits WHERE 0 = 1 GROUP BY clinic', '' ],
  [ 'SELECT clinic, count(*) FROM visits WHERE 0 = 1 GROUP BY ROLLUP (clinic)', '|0' ], [ 'SELECT clinic, count(*) FROM visits GROUP BY ROLLUP (clinic) LIMIT 0', '' ],
  [ 'SELECT count(*) FROM (SELECT * FROM visits WHERE 0 = 1) v', '0' ], [ 'SELECT n, (SELECT count(*) FROM visits WHERE 1 > 2) FROM (SELECT count(*) AS n FROM people WHERE false) s', '0|0' ],
  [ 'SELECT count(*) FROM (SELECT clinic, count(*) FROM visits WHERE false GROUP BY 1) s', '0' ], [ 'SELECT count(*) FROM visits WHERE 0 = 1 AND dp_with(epsilon => 0.1)', '0' ],
  [ "SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cost)), regr_count(cost, cost) FROM visits WHERE 'a' = 'b'", '|0' ];
is(spent('analyst'), $before, 'they cost nothing');
$node->safe_psql('postgres', 'CREATE SCHEMA own AUTHORIZATION analyst; CREATE AGGREGATE own.last(int) (SFUNC = int4pl, STYPE = int, INITCOND = 5)');
is(DpAgg::value($node, 'analyst', "SELECT count(*), avg(cost), max(age) FROM visits JOIN people USING (person) WHERE 0 = 1 \\gdesc"), "count|bigint\navg|numeric\nmax|integer", 'and have the types of the columns');
DpAgg::refused($node, 'analyst', @$_)
  foreach [ 'SELECT own.last(cost) FROM visits WHERE 0 = 1', 'DP002' ], [ 'SELECT rank(5) WITHIN GROUP (ORDER BY cost) FROM visits WHERE 0 = 1', 'DP002' ],
  [ 'SELECT count(*) FROM visits WHERE 1 / 0 = 1', 'DP002' ], [ 'SELECT count(*) FROM visits v, people p WHERE 0 = 1', 'DP002' ];
# A function of the analyst's own does not decide about that, and what costs nothing under one plan does not under another.
DpAgg::refused($node, 'analyst', <<'SQL', 'DP002', 'a function of the analyst does not empty a query');
CREATE FUNCTION own.never() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN false; END';
SELECT count(*) FROM visits WHERE own.never();
SQL
foreach my $mode ('force_custom_plan', 'force_generic_plan')
{
	is(DpAgg::value($node, 'analyst', "SET client_min_messages = warning; SET plan_cache_mode = $mode; PREPARE p (int) AS SELECT count(*) FROM visits WHERE 0 = \$1; EXECUTE p (1)"), '', "a parameter makes nothing constant: $mode");
}
is((split /\|/, spent('analyst'))[2] - (split /\|/, $before)[2], 2, 'so these two are paid for');

$node->stop;
done_testing();
