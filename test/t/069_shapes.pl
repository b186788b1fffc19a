# Shapes of queries that analysts write, below a release: calendars, FULL JOIN, units of two types,
# window functions over the rows of one individual.
#
# A build without noise and gate must answer what PostgreSQL answers on readable copies.
# Rows are stored in two orders, and with other people's rows in between: an individual's window
# functions must not depend on either.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $node = Faulty::node('shapes', <<'CONF');
jit = off
dp_agg.epsilon = 1000
dp_agg.delta = 0.000000001
statement_timeout = 60s
CONF

$node->start;
ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');
$node->safe_psql('postgres', 'CREATE EXTENSION dp_agg; CREATE ROLE analyst LOGIN');

# Three schemas with the same rows: plain is readable; forward and backward are protected.
foreach my $schema (qw(plain forward backward))
{
	my $order = $schema eq 'backward' ? 'ORDER BY md5(i::text) DESC' : '';
	my $sql = <<"SQL";
CREATE SCHEMA $schema;
GRANT USAGE ON SCHEMA $schema TO analyst;
SET search_path = $schema;
CREATE TABLE people (pid int PRIMARY KEY, sex text NOT NULL, big bigint NOT NULL, num numeric NOT NULL, txt text NOT NULL);
INSERT INTO people SELECT i, CASE i % 2 WHEN 0 THEN 'f' ELSE 'm' END, i, i, i FROM generate_series(1, 300) i $order;
CREATE TABLE visits (pid int NOT NULL, day date NOT NULL, clinic text, cost int NOT NULL, w float8, n numeric);
INSERT INTO visits SELECT 1 + i % 200, date '2024-01-01' + i * i % 23, 'c' || i % 3, i % 90, (i % 7) / 4.0, CASE WHEN i % 4 = 0 THEN 1.0 ELSE 1.00 END + i % 3 FROM generate_series(1, 1500) i $order;
CREATE TABLE tests (pid int NOT NULL, day date NOT NULL, r text);
INSERT INTO tests SELECT 100 + i % 250, date '2024-01-03' + i % 30, 'r' || i % 4 FROM generate_series(1, 900) i $order;
CREATE TABLE big_tests (pid bigint NOT NULL, x int NOT NULL);
INSERT INTO big_tests SELECT 1 + i % 320, i % 10 FROM generate_series(1, 900) i $order;
CREATE TABLE num_tests (pid numeric NOT NULL, x int NOT NULL);
INSERT INTO num_tests SELECT 1 + i % 320, i % 10 FROM generate_series(1, 900) i $order;
CREATE TABLE txt_tests (pid text NOT NULL, x int NOT NULL);
INSERT INTO txt_tests SELECT CASE WHEN i % 11 = 0 THEN '0' ELSE '' END || 1 + i % 320, i % 10 FROM generate_series(1, 900) i $order;
CREATE TABLE loose (pid int, x int NOT NULL);
INSERT INTO loose SELECT nullif(1 + i % 40, 40), i FROM generate_series(1, 400) i $order;
CREATE TABLE two (a int NOT NULL, b text NOT NULL, x int NOT NULL);
INSERT INTO two SELECT i % 30, 'b' || i % 4, i FROM generate_series(1, 500) i $order;
SQL
	foreach my $table (qw(people visits tests big_tests num_tests txt_tests loose two))
	{
		my $unit = $table eq 'two' ? "ARRAY['a', 'b']" : "ARRAY['pid']";
		my $population = $table eq 'two' ? 'pairs' : 'pop';

		$sql .= $schema eq 'plain' ? "GRANT SELECT ON $table TO analyst;\n" :
		  "SELECT dp_agg.protect('$table', $unit, '$population'" . ($table eq 'people' ? '' : ', max_groups => 60, max_rows => 1000') . ");\n";
	}
	$sql .= "SELECT dp_agg.set_bounds('visits', 'cost', 0, 100);\n" if $schema ne 'plain';
	$node->safe_psql('postgres', $sql);
}
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE days (d date NOT NULL);
INSERT INTO days SELECT date '2023-12-25' + i FROM generate_series(1, 60) i;
CREATE TABLE clinics (name text);
INSERT INTO clinics VALUES ('c0'), ('c1'), ('c2'), ('c3'), (NULL), ('c1');
CREATE TABLE small (x int, y int);
INSERT INTO small SELECT i, i FROM generate_series(1, 5) i;
CREATE TABLE wide (x bigint, z int);
INSERT INTO wide SELECT i, i FROM generate_series(4, 8) i;
GRANT SELECT ON days, clinics, wide TO analyst;
GRANT ALL ON small TO analyst;
SELECT dp_agg.set_budget('analyst', p, epsilon => 10000000) FROM unnest('{pop,pairs}'::text[]) p;
SQL

# Statements are answered alike in all three schemas.  No count is 0 in a release: that is NULL.
sub alike
{
	my (@statements) = @_;
	my %answers;

	foreach my $schema (qw(plain forward backward))
	{
		my (undef, undef, @results) = DpAgg::bulk($node, 'analyst', [ 'SET client_min_messages = error', "SET search_path = $schema, public", @statements ]);

		$answers{$schema} = [ map { $_->{sqlstate} eq '00000' ? $_->{out} =~ s/(?<=\|)0(?=\||\n|\z)|^0(?=\||\n|\z)//gmr : "$_->{sqlstate} $_->{message}" } @results ];
	}
	foreach my $i (0 .. $#statements)
	{
		my $name = DpAgg::brief($statements[$i]);

		is($answers{forward}[$i], $answers{plain}[$i], $name);
		is($answers{backward}[$i], $answers{forward}[$i], "$name: in another order of rows");
	}
	return;
}

sub refused
{
	my ($sql, $message, $hint) = @_;
	my $r = DpAgg::refused($node, 'analyst', "SET search_path = forward, public; $sql", 'DP002', DpAgg::brief($sql));

	like($r->{message}, $message, 'it says why');
	like($r->{err}, $hint, 'and what to do') if $hint;
	return;
}

# ---------- calendars ----------

alike(
  q{SELECT d::date, count(v.pid), sum(v.cost) FROM generate_series(date '2024-01-15', date '2024-02-02', interval '1 day') AS d LEFT JOIN visits v ON v.day = d::date GROUP BY d ORDER BY d},
  'SELECT d, count(v.pid) FROM days LEFT JOIN visits v ON v.day = d GROUP BY d ORDER BY d', 'SELECT d, count(v.pid) FROM visits v RIGHT JOIN days ON v.day = d GROUP BY d ORDER BY d DESC',
  q{WITH cal AS (SELECT d::date AS day FROM generate_series(date '2024-01-20', date '2024-01-31', '1 day') d) SELECT cal.day, count(v.pid) FROM cal LEFT JOIN visits v ON v.day = cal.day GROUP BY cal.day ORDER BY 1},
  q{WITH RECURSIVE x AS (SELECT 1), cal AS (SELECT d FROM days WHERE d > '2024-01-20') SELECT count(*) FROM (SELECT cal.d, count(v.pid) FROM cal LEFT JOIN visits v ON v.day = cal.d GROUP BY cal.d) s, x},
  'SELECT c.name, count(v.pid) FROM clinics c LEFT JOIN visits v ON v.clinic = c.name GROUP BY c.name ORDER BY 1', 'SELECT c.name, count(v.cost) FROM clinics c LEFT JOIN visits v ON v.clinic = c.name AND v.cost > 200 GROUP BY c.name ORDER BY 1',
  q{SELECT c.name, d, count(v.pid) FROM clinics c CROSS JOIN (SELECT d FROM days WHERE d BETWEEN '2024-01-20' AND '2024-01-26') d LEFT JOIN visits v ON v.clinic = c.name AND v.day = d GROUP BY c.name, d ORDER BY 1, 2},
  q{SELECT date_trunc('week', d), count(v.pid) FROM days LEFT JOIN visits v ON v.day = d WHERE d > '2024-01-10' AND extract(dow FROM d) <> 0 GROUP BY 1 ORDER BY 1},
  'SELECT d, count(v.pid) FROM days LEFT JOIN visits v ON v.day = d WHERE v.cost > 50 GROUP BY d ORDER BY d', q{SELECT d, count(v.pid) FROM days LEFT JOIN visits v ON v.day = d WHERE d < '2024-01-05' AND v.cost IS NOT NULL GROUP BY d ORDER BY d},
  'SELECT d, count(v.pid) FILTER (WHERE v.cost > 80), min(v.cost) IS NULL FROM days LEFT JOIN (visits v JOIN people p ON p.pid = v.pid AND p.sex = \'f\') ON v.day = d GROUP BY d ORDER BY d',
  'SELECT d, count(v.pid), count(p.sex) FROM days LEFT JOIN visits v ON v.day = d LEFT JOIN people p ON p.pid = v.pid AND p.sex = \'f\' GROUP BY d ORDER BY d',
  'SELECT d, sum(count(v.pid)) OVER (ORDER BY d) FROM days LEFT JOIN visits v ON v.day = d GROUP BY d ORDER BY d', 'SELECT DISTINCT d FROM days LEFT JOIN visits v ON v.day = d ORDER BY d',
  'SELECT d, count(v.pid) FROM days LEFT JOIN visits v ON v.day = d GROUP BY d HAVING count(v.pid) > 60 ORDER BY d', 'SELECT d, count(v.pid) FROM days LEFT JOIN visits v ON v.day = d GROUP BY d ORDER BY d DESC LIMIT 30',
  q{SELECT c.d, count(v.pid) FROM (SELECT d FROM days WHERE d > '2024-01-01' ORDER BY d LIMIT 9) c LEFT JOIN visits v ON v.day = c.d GROUP BY 1 ORDER BY 1}, q{SELECT c.name, count(v.pid) FROM (SELECT DISTINCT ON (name) name FROM clinics ORDER BY name) c LEFT JOIN visits v ON v.clinic = c.name GROUP BY 1 ORDER BY 1},
  'SELECT n.n, count(v.pid) FROM (VALUES (1), (2), (500)) n(n) LEFT JOIN visits v ON v.cost = n.n GROUP BY 1 ORDER BY 1', 'SELECT n, count(v.pid) FROM unnest(ARRAY[3, 700, NULL, 3]) n LEFT JOIN visits v ON v.cost = n GROUP BY 1 ORDER BY 1',
  'SELECT n, count(v.pid) FROM generate_series(1, 5) n JOIN visits v ON v.cost = n GROUP BY n ORDER BY n', q{SELECT count(*) FROM visits WHERE clinic IN (SELECT string_to_table('c1,c2', ','))} =~ s/SELECT string_to_table\((.*?)\)\)/SELECT x FROM string_to_table($1) x)/r,
  q{PREPARE p (date, date) AS SELECT g::date, count(v.pid) FROM generate_series($1, $2, interval '1 day') g LEFT JOIN visits v ON v.day = g::date GROUP BY g ORDER BY g; EXECUTE p('2024-01-20', '2024-01-27'); SET plan_cache_mode = force_generic_plan; EXECUTE p('2024-01-01', '2024-01-03')},
  q{SET app.days = '3'; SELECT g, count(v.pid) FROM generate_series(1, current_setting('app.days')::int) g LEFT JOIN visits v ON v.cost = g GROUP BY g ORDER BY g},
  # a public side behind the protected table, of joins and of LATERAL
  'SELECT i, clinics.name, count(v.pid) FROM visits v RIGHT JOIN (clinics CROSS JOIN (VALUES (1), (2), (700)) n(i)) ON v.clinic = name AND v.cost = i GROUP BY i, name ORDER BY 1, 2',
  'SELECT l.i, count(v.pid) FROM visits v RIGHT JOIN (days CROSS JOIN LATERAL (SELECT d + 1 AS i OFFSET 0) l) ON v.day = d GROUP BY l.i ORDER BY 1',
  'SELECT name, count(v.pid) FROM visits v RIGHT JOIN (clinics FULL JOIN (VALUES (1, \'c2\'), (2, \'c7\')) n(i, name) USING (name)) ON v.clinic = clinics.name GROUP BY name ORDER BY 1',
  'SELECT x.d, x.n, y.n FROM (SELECT d, count(v.pid) n FROM days LEFT JOIN visits v ON v.day = d GROUP BY d) x JOIN (SELECT d, count(t.pid) n FROM days LEFT JOIN tests t ON t.day = d GROUP BY d) y USING (d) ORDER BY d');

is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM (SELECT d, count(*) FROM days LEFT JOIN forward.visits v ON v.day = d GROUP BY d) s'), 60, 'all days are listed');
is(DpAgg::value($node, 'analyst', "SET client_min_messages = error; SELECT count(*) FROM (SELECT name, count(*) FROM (clinics JOIN days ON $_) LEFT JOIN forward.visits v ON v.clinic = name GROUP BY name) s"), 3, "a sub-select in ON of the public side is read once: $_")
  foreach 'extract(day FROM d) < (SELECT count(*) / 100 FROM forward.tests)', q{d IN (SELECT d FROM days WHERE d < '2024-01-03')};
is(DpAgg::value($node, 'analyst', q{SELECT count(*) FROM days LEFT JOIN forward.visits v ON v.day = d WHERE d = '2023-12-26'}), '', 'a row that nobody has does not count');
is(DpAgg::value($node, 'analyst', 'SET client_min_messages = error; SELECT r.day, count(v.pid) IS NULL FROM (SELECT day, count(*) AS n FROM forward.visits GROUP BY day) r LEFT JOIN forward.visits v ON v.day = r.day AND v.cost > 1000 GROUP BY r.day'), '', 'a release is no calendar: it is drawn once');
refused('SELECT count(*) FROM visits v, generate_series(1, v.cost) g', qr/may stand in FROM beside/);
refused('SELECT count(*) FROM visits v JOIN pg_show_all_settings() s ON true', qr/may stand in FROM beside/);
refused('SELECT count(*) FROM visits v JOIN generate_series(1, (random() * 10)::int) s ON true', qr/this function or operator/);
refused('SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM generate_series(1, p.pid) g WHERE g = 7)', qr/may stand in FROM beside/);
is(DpAgg::as($node, 'analyst', 'SELECT count(*) FROM forward.visits v, generate_series(1, 5, 0) g')->{sqlstate}, '22023', 'a series that fails does so whatever the rows');

# ---------- outer joins beside a release ----------

# From 16 on each column names the joins that may make it NULL: also what a column of a join stands for, what LATERAL items
# of each kind ask for, and the condition of MERGE.  All of that is made anew above a release.
my $q = '(SELECT count(*) FROM visits)';
alike(
	"SELECT x, $q FROM small FULL JOIN wide USING (x) WHERE x > 4 ORDER BY 1", "SELECT x, y, z, $q FROM small FULL JOIN wide USING (x) WHERE x IS NOT NULL ORDER BY 1", "SELECT x, y, z, $q FROM small FULL JOIN wide USING (x) WHERE x = 6 OR y IS NULL ORDER BY 1",
	"SELECT j, $q FROM (small FULL JOIN wide USING (x)) j WHERE x > 4 ORDER BY j.x", "SELECT j.*, $q FROM (small FULL JOIN wide USING (x)) j FULL JOIN small c USING (x) WHERE j.x > 4 OR j IS NULL ORDER BY 1, 2, 3",
	"SELECT x, d.y, $q FROM small a FULL JOIN wide b USING (x) FULL JOIN small d USING (x) LEFT JOIN wide e USING (x) WHERE x BETWEEN 2 AND 7 ORDER BY 1", "SELECT c.x, j, $q FROM small c LEFT JOIN (small FULL JOIN wide USING (x)) j USING (x) WHERE (j IS NULL) IS NOT TRUE ORDER BY 1",
	(map { "SELECT x, y, z, $q FROM small $_ JOIN wide USING (x) WHERE x + 0 > 3 ORDER BY 1" } 'LEFT', 'RIGHT', 'FULL'), "SELECT x, count(z), $q FROM small FULL JOIN wide USING (x) GROUP BY x HAVING bool_and(z IS NULL) OR count(y) = 1 ORDER BY 1",
	"SELECT x, sum(x) OVER (ORDER BY x), $q FROM small FULL JOIN wide USING (x) ORDER BY 1", "SELECT x, grouping(x), count(*), $q FROM small FULL JOIN wide USING (x) GROUP BY ROLLUP (x) ORDER BY 1, 2",
	"SELECT x FROM small FULL JOIN wide USING (x) EXCEPT SELECT x FROM small NATURAL FULL JOIN wide WHERE x > 3 AND $q > 0 ORDER BY 1", "SELECT s.x, l.n, $q FROM small s LEFT JOIN wide USING (x) LEFT JOIN LATERAL (SELECT z + 1 AS n) l ON true WHERE n IS NULL ORDER BY 1",
	"SELECT s.x, l.v, $q FROM small s LEFT JOIN wide USING (x) CROSS JOIN LATERAL XMLTABLE('/r' PASSING xmlelement(name r, z) COLUMNS v text PATH '.') l ORDER BY 1", "SELECT s.x, g, $q FROM small s LEFT JOIN wide USING (x) LEFT JOIN LATERAL generate_series(1, z - 3) g ON true ORDER BY 1, 2",
	"SELECT s.x, c.n, $q FROM small s LEFT JOIN wide USING (x) LEFT JOIN LATERAL (SELECT count(*) n FROM small TABLESAMPLE bernoulli (100 * coalesce(z, 1) / coalesce(z, 1))) c ON true ORDER BY 1", "SELECT s.x, v, $q FROM small s LEFT JOIN wide USING (x), LATERAL (VALUES (z), (y)) l (v) WHERE v IS NULL OR v > 3 ORDER BY 1, 2",
	"BEGIN; MERGE INTO small USING small s LEFT JOIN (SELECT x, z FROM wide WHERE $q > 0) w USING (x) ON small.x = coalesce(w.z, 1) WHEN MATCHED AND w.z IS NOT NULL THEN UPDATE SET y = w.z + 100 WHEN NOT MATCHED THEN INSERT VALUES (w.x, 7); SELECT * FROM small ORDER BY 1, 2; ROLLBACK",
	"BEGIN; MERGE INTO small USING (small s FULL JOIN wide w USING (x)) ON small.x = w.z AND $q > 0 WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND w.x IS NULL THEN INSERT VALUES (s.x + 10, 7); SELECT * FROM small ORDER BY 1, 2; ROLLBACK",
	"BEGIN; UPDATE small SET y = w.z FROM small s LEFT JOIN wide w USING (x) WHERE small.x = coalesce(w.z, 1) AND $q > 0; DELETE FROM small USING small s FULL JOIN wide w USING (x) WHERE small.x = w.x AND s.x IS NULL AND $q > 0; SELECT * FROM small ORDER BY 1; ROLLBACK");

# ---------- outer joins below a release ----------

# Join trees at random, with conditions that tell a row that a join made NULL from one that it did not.
my $seed = $ENV{JOINS_SEED} // 20261129;
srand $seed;
sub pick { return $_[ rand @_ ]; }
{
	my %items = (
		p => [ 'people', qw(sex big) ], v => [ 'visits', qw(clinic cost) ], t => [ 'tests', qw(r day) ], w => [ 'visits', qw(clinic cost) ],
		s => [ '(SELECT pid, min(cost) AS least, count(*) AS n FROM visits WHERE cost > 60 GROUP BY pid)', qw(least n) ],
		f => [ '(SELECT DISTINCT ON (pid) pid, r, day AS first FROM tests ORDER BY pid, day, r)', qw(r first) ],
		l => [ '(SELECT x.pid, y.r FROM people x LEFT JOIN tests y ON y.pid = x.pid AND y.r = \'r1\' WHERE x.pid > 90)', 'pid', 'r' ]);
	my %values = (sex => "'f'", big => 150, clinic => "'c1'", cost => 45, r => "'r1'", day => "'2024-01-09'", least => 70, n => 2, first => "'2024-01-09'", pid => 140);
	my $condition = sub {
		my ($name) = pick(@_);
		my $column = pick(@{ $items{$name} }[ 1 .. $#{ $items{$name} } ]);

		return pick("$name.$column IS NULL", "$name.$column IS NOT NULL", "$name.pid IS NULL", "coalesce($name.$column, $values{$column}) = $values{$column}", "$name.$column >= $values{$column}",
			"CASE WHEN $name.pid IS NULL THEN true ELSE $name.$column < $values{$column} END", "($name.$column > $values{$column}) IS NOT TRUE");
	};
	my $tree;

	$tree = sub {
		my (@names) = @_;
		return "$items{ $names[0] }[0] $names[0]" if @names == 1;
		my $at = 1 + int rand $#names;
		my @left = @names[ 0 .. $at - 1 ];
		my @right = @names[ $at .. $#names ];
		my $type = pick('LEFT', 'LEFT', 'RIGHT', 'FULL', 'INNER');
		my $on = pick(@left) . '.pid = ' . pick(@right) . '.pid';

		$on .= ' AND ' . $condition->(@names) if $type ne 'FULL' && rand() < 0.4;
		return '(' . $tree->(@left) . " $type JOIN " . $tree->(@right) . " ON $on)";
	};
	my @statements = map {
		my @names = (sort { rand() <=> 0.5 } sort keys %items)[ 0 .. 1 + int rand 3 ];
		my $from = $tree->(@names);
		my $where = rand() < 0.7 ? ' WHERE ' . join pick(' AND ', ' OR '), map { $condition->(@names) } 1 .. 1 + int rand 2 : '';
		my $case = $condition->(@names);

		"SELECT $case, count(*), count($names[0].pid), count($names[1].$items{ $names[1] }[1]) FROM $from$where GROUP BY 1 ORDER BY 1"
	} 1 .. $ENV{JOINS} // 150;
	my %answers = map { my $schema = $_; $schema => [ DpAgg::bulk($node, 'analyst', [ 'SET client_min_messages = error', "SET search_path = $schema, public", @statements ]) ] } 'plain', 'forward';
	my %count = (answered => 0, refused => 0);

	foreach my $i (0 .. $#statements)
	{
		my ($plain, $released) = map { $answers{$_}[ $i + 2 ] } 'plain', 'forward';
		my ($expected, $got) = map { "$_->{sqlstate} $_->{message} " . $_->{out} =~ s/(?<=\|)0(?=\||\n|\z)//gmr } $plain, $released;

		$count{refused}++, next if $released->{sqlstate} eq 'DP002';
		$count{answered}++ if $released->{sqlstate} eq '00000';
		is($got, $expected, "seed $seed: $statements[$i]");
	}
	cmp_ok($count{answered}, '>', @statements / 4, "joins at random: $count{answered} are answered, $count{refused} refused");
}

# ---------- units of two types ----------

alike(
  'SELECT count(*), count(DISTINCT p.pid) FROM people p JOIN big_tests t ON t.pid = p.pid', 'SELECT count(*) FROM people p JOIN big_tests t ON t.pid::int = p.pid', 'SELECT count(*) FROM people p LEFT JOIN big_tests t ON p.pid::bigint = t.pid AND t.x > 5',
  'SELECT p.sex, count(*) FROM people p JOIN num_tests t ON t.pid = p.pid GROUP BY 1 ORDER BY 1', 'SELECT count(*) FROM people p JOIN num_tests t ON t.pid = p.pid::numeric', 'SELECT count(*) FROM people p JOIN txt_tests t ON t.pid = p.pid::text',
  'SELECT count(*) FROM people p LEFT JOIN txt_tests t ON p.pid::varchar = t.pid WHERE t.pid IS NULL', 'SELECT count(*) FROM txt_tests t WHERE EXISTS (SELECT FROM people p WHERE p.pid::text = t.pid AND p.sex = \'f\')', 'SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT FROM big_tests t WHERE t.pid::int = p.pid)',
  'SELECT count(*) FROM (SELECT p.pid, t.x FROM people p JOIN txt_tests t ON p.pid::text = t.pid) s JOIN num_tests n ON n.pid = s.pid WHERE s.x = n.x', 'SELECT count(*) FROM big_tests WHERE pid IN (SELECT pid FROM people WHERE sex = \'m\')');
refused('SELECT count(*) FROM people p JOIN txt_tests t ON p.pid = t.pid::int', qr/this cast between integer and text may make one value of several/, qr/the other way round: p\.pid::text = t\.pid/);
refused('SELECT count(*) FROM people p LEFT JOIN txt_tests AS "T T" ON "T T".pid::numeric = p.pid', qr/this cast between text and integer/, qr/p\.pid::text = "T T"\.pid/);
refused('SELECT count(*) FROM num_tests n JOIN txt_tests t ON n.pid::text = t.pid', qr/this cast between numeric and text/, qr/one type/);
refused('SELECT count(*) FROM people p JOIN txt_tests t ON left(p.pid::text, 1) = t.pid', qr/joined by equality of the unit$/);
refused('SELECT count(*) FROM people p JOIN txt_tests t ON p.pid::varchar(2) = t.pid', qr/this cast/);

# ---------- FULL JOIN ----------

alike(
  'SELECT count(*), count(v.pid), count(t.pid), count(DISTINCT pid) FROM visits v FULL JOIN tests t USING (pid)', 'SELECT v.pid IS NULL, t.pid IS NULL, count(*) FROM visits v FULL JOIN tests t ON v.pid = t.pid GROUP BY 1, 2 ORDER BY 1, 2',
  'SELECT clinic, count(*) FROM visits v FULL JOIN tests t USING (pid) GROUP BY 1 ORDER BY 1', 'SELECT count(*), count(DISTINCT pid) FROM visits FULL JOIN tests USING (pid) FULL JOIN people USING (pid)',
  'SELECT count(*) FROM (SELECT pid, count(cost) AS n, max(r) AS r FROM visits FULL JOIN tests USING (pid) GROUP BY pid) s WHERE n > 20 OR r IS NULL', 'SELECT count(*) FROM (SELECT pid, cost FROM visits WHERE cost > 40) v FULL JOIN (SELECT pid FROM tests WHERE r = \'r1\' GROUP BY pid) t USING (pid)',
  'SELECT count(*) FROM (SELECT coalesce(v.pid, t.pid) AS p, v.cost FROM visits v FULL JOIN tests t ON v.pid = t.pid) s JOIN people p ON p.pid = s.p WHERE p.sex = \'f\' OR s.cost IS NULL', 'SELECT count(*) FROM visits v FULL JOIN tests t USING (pid) WHERE v.cost IS NULL OR t.r = \'r2\'',
  'SELECT count(*) FROM people p FULL JOIN (SELECT pid FROM visits GROUP BY pid) v USING (pid)', 'SELECT count(*) FROM visits v FULL JOIN tests t USING (pid) LEFT JOIN people p ON p.pid = v.pid AND p.sex = \'m\' WHERE p.pid IS NULL',
  'SELECT count(x.x), count(y.x) FROM two x FULL JOIN (SELECT * FROM two WHERE x > 300) y USING (a, b)');
alike('SELECT count(*) FROM (SELECT pid FROM loose FULL JOIN visits USING (pid)) s WHERE pid IS NOT NULL');
# both sides' units together tell whose a group is
alike((map { "SELECT a IS NULL, b IS NULL, count(*), sum(n) > 9 FROM ($_) s GROUP BY 1, 2 ORDER BY 1, 2" }
	  'SELECT v.pid AS a, t.pid AS b, count(*) AS n FROM visits v FULL JOIN tests t ON v.pid = t.pid GROUP BY 1, 2', 'SELECT DISTINCT v.pid AS a, t.pid AS b, 10 AS n FROM visits v FULL JOIN tests t ON v.pid = t.pid',
	'SELECT v.pid AS a, t.pid AS b, count(p.sex) AS n FROM visits v FULL JOIN tests t ON v.pid = t.pid FULL JOIN people p ON p.pid = coalesce(v.pid, t.pid) GROUP BY 1, 2, p.pid',
	'SELECT v.pid AS a, t.pid AS b, count(*) OVER (PARTITION BY t.pid, v.pid) AS n FROM visits v FULL JOIN tests t ON v.pid = t.pid',
	'SELECT v.pid AS a, t.pid AS b, count(*) AS n FROM num_tests v FULL JOIN (SELECT pid FROM num_tests WHERE x > 5 AND pid < 100) t ON v.pid = t.pid GROUP BY 1, 2'),
  'SELECT count(*) FROM (SELECT v.pid AS a, t.pid AS b, count(*) AS n FROM visits v FULL JOIN tests t ON v.pid = t.pid GROUP BY 1, 2) s JOIN people p ON p.pid = s.b');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM forward.loose FULL JOIN forward.people USING (pid)'), DpAgg::value($node, 'analyst', 'SELECT count(*) FROM plain.loose FULL JOIN plain.people USING (pid) WHERE pid IS NOT NULL'), 'do not count');
refused("SELECT count(*) FROM visits v FULL JOIN tests t ON $_", qr/FULL JOIN on their units alone/) foreach 'v.pid = t.pid AND v.day = t.day', 'v.day = t.day', 'v.pid = t.pid AND v.pid = t.pid';
refused('SELECT count(*) FROM visits v FULL JOIN tests t USING (pid) FULL JOIN people p ON p.pid = v.pid', qr/FULL JOIN on their units alone/);
refused('SELECT count(*) FROM visits v FULL JOIN big_tests t ON v.pid = t.pid', qr/FULL JOIN on their units alone/);

# ---------- window functions of one individual ----------

my $w = '(PARTITION BY pid ORDER BY day, cost, clinic, w)';
alike(
  "SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY pid ORDER BY day) AS rn FROM visits) s WHERE rn = 1", "SELECT clinic, count(*) FROM (SELECT clinic, row_number() OVER $w AS rn FROM visits) s WHERE rn = 1 GROUP BY 1 ORDER BY 1",
  'SELECT gap, count(*) FROM (SELECT day - lag(day) OVER (PARTITION BY pid ORDER BY day) AS gap FROM visits) s GROUP BY gap ORDER BY gap', 'SELECT count(*) FROM (SELECT pid, day, lead(day) OVER (PARTITION BY pid ORDER BY day) AS next FROM visits) s WHERE next > day + 3',
  "SELECT count(*) FROM (SELECT cost, lag(cost, 2, -1) OVER $w AS l FROM visits) s WHERE l > cost", "SELECT r, count(*) FROM (SELECT rank() OVER (PARTITION BY pid ORDER BY day) AS r FROM visits) s GROUP BY r ORDER BY r",
  'SELECT d, count(*) FROM (SELECT dense_rank() OVER (PARTITION BY pid ORDER BY day) AS d FROM visits) s GROUP BY d ORDER BY d', 'SELECT count(*) FROM (SELECT percent_rank() OVER (PARTITION BY pid ORDER BY day) AS p, cume_dist() OVER (PARTITION BY pid ORDER BY day) AS c FROM visits) s WHERE p > 0.3 AND c < 0.9',
  "SELECT t, count(*) FROM (SELECT ntile(3) OVER $w AS t FROM visits) s GROUP BY t ORDER BY t", "SELECT count(*) FROM (SELECT first_value(clinic) OVER $w AS f, clinic FROM visits) s WHERE f = clinic", "SELECT count(*) FROM (SELECT last_value(clinic) OVER (PARTITION BY pid ORDER BY day, cost, clinic, w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f, clinic FROM visits) s WHERE f = clinic",
  "SELECT count(*) FROM (SELECT nth_value(cost, 2) OVER (PARTITION BY pid ORDER BY day, cost, clinic, w RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f, cost FROM visits) s WHERE f < cost", 'SELECT count(*) FROM (SELECT sum(cost) OVER (PARTITION BY pid ORDER BY day) AS s FROM visits) x WHERE s > 200',
  'SELECT count(*) FROM (SELECT cost, sum(cost) OVER (PARTITION BY pid) AS s, count(*) OVER (PARTITION BY pid) AS n, avg(cost) OVER (PARTITION BY pid) AS a, min(clinic) OVER (PARTITION BY pid) AS m FROM visits) x WHERE cost > a AND n > 5 AND m = \'c0\' AND s > 10',
  'SELECT count(*) FROM (SELECT avg(cost) OVER (PARTITION BY pid ORDER BY day, cost, clinic, w ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS a, max(w) OVER (PARTITION BY pid ORDER BY day GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS m FROM visits) x WHERE a > 40 AND m > 1',
  'SELECT count(*) FROM (SELECT sum(w) OVER (PARTITION BY pid ORDER BY day) AS a, sum(n) OVER (PARTITION BY pid ORDER BY day) AS b FROM visits) x WHERE a > 3 AND b < 20', 'SELECT count(*) FROM (SELECT count(*) FILTER (WHERE cost > 50) OVER (PARTITION BY pid ORDER BY day) AS c FROM visits) x WHERE c = 2',
  'SELECT count(*) FROM (SELECT row_number() OVER v AS a, sum(cost) OVER v AS s FROM visits WINDOW v AS (PARTITION BY pid ORDER BY day, cost, clinic, w)) x WHERE a = 3 AND s > 100', 'SELECT count(*) FROM (SELECT pid, clinic, row_number() OVER (PARTITION BY pid, clinic ORDER BY day) AS rn FROM visits) s WHERE rn = 2',
  'SELECT count(*) FROM (SELECT pid, day, sum(cost) AS c, lag(sum(cost)) OVER (PARTITION BY pid ORDER BY day) AS l FROM visits GROUP BY pid, day) s WHERE c > l', 'SELECT count(*) FROM (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY sum(cost), clinic) AS r FROM visits GROUP BY pid, clinic HAVING count(*) > 1) s WHERE r = 1',
  "WITH f AS (SELECT pid, day, row_number() OVER $w AS rn FROM visits) SELECT b.day - a.day AS gap, count(*) FROM f a JOIN f b ON a.pid = b.pid AND b.rn = a.rn + 1 WHERE a.rn <= 2 GROUP BY 1 ORDER BY 1", "SELECT sex, count(*) FROM (SELECT pid, row_number() OVER $w AS rn, cost FROM visits) s JOIN people p USING (pid) WHERE rn = 1 AND cost > 30 GROUP BY sex ORDER BY sex",
  'SELECT count(*) FROM (SELECT v.pid, row_number() OVER (PARTITION BY v.pid ORDER BY v.day, t.day, t.r, v.cost, v.clinic) AS rn FROM visits v JOIN tests t ON t.pid = v.pid) s WHERE rn = 2', 'SELECT count(*) FROM (SELECT t.day, lag(t.day) OVER (PARTITION BY p.pid ORDER BY t.day) AS l FROM people p LEFT JOIN tests t ON t.pid = p.pid) s WHERE day = l',
  'SELECT count(*) FROM (SELECT x, row_number() OVER (PARTITION BY a, b ORDER BY x) AS rn FROM two) s WHERE rn = 3', 'SELECT count(*) FROM (SELECT pid, x, row_number() OVER (PARTITION BY pid ORDER BY x) AS rn FROM loose) s WHERE rn = 1 AND pid IS NOT NULL',
  'SELECT count(*) FROM (SELECT DISTINCT pid, first_value(day) OVER (PARTITION BY pid ORDER BY day) AS f FROM visits) s WHERE f < \'2024-01-03\'', "SELECT rn, count(*) FROM (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY day) AS rn FROM (SELECT pid, day FROM visits UNION ALL SELECT pid, day FROM tests) u) s WHERE rn < 4 GROUP BY rn ORDER BY rn");
# DISTINCT ON the unit is row number 1.
alike(
	'SELECT clinic, count(*) FROM (SELECT DISTINCT ON (pid) pid, clinic FROM visits ORDER BY pid, day, cost, clinic, w) s GROUP BY clinic ORDER BY clinic',
	'SELECT clinic, count(*) FROM (SELECT DISTINCT ON (pid) clinic FROM visits ORDER BY pid DESC, day DESC, cost DESC, clinic, w) s GROUP BY 1 ORDER BY 1',
	'SELECT count(*), count(DISTINCT pid) FROM (SELECT DISTINCT ON (pid, clinic) pid, cost FROM visits ORDER BY clinic, pid, day, cost) s WHERE cost > 30',
	'WITH f AS (SELECT DISTINCT ON (v.pid) v.*, p.sex FROM visits v JOIN people p ON p.pid = v.pid WHERE v.cost > 20 ORDER BY v.pid, v.day, v.cost, v.clinic, v.w) SELECT sex, count(*) FROM f WHERE clinic > \'a\' GROUP BY 1 ORDER BY 1',
	'SELECT p.sex, count(*) FROM people p LEFT JOIN (SELECT DISTINCT ON (pid) * FROM visits ORDER BY pid, day, cost, clinic, w) f ON f.pid = p.pid WHERE f.cost IS NULL OR f.cost < 50 GROUP BY 1 ORDER BY 1',
	'SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM (SELECT DISTINCT ON (pid) pid, clinic FROM visits ORDER BY pid, day, cost, clinic) f WHERE f.pid = p.pid AND f.clinic = \'a\')',
	'SELECT count(*) FROM (SELECT DISTINCT ON (a, b) a, b, x FROM two ORDER BY a, b, x) s WHERE x > 1', 'SELECT count(*) FROM (SELECT DISTINCT ON (pid) pid, x FROM loose WHERE pid IS NOT NULL ORDER BY pid, x) s');
refused($_, qr/DISTINCT ON would pick rows/) foreach 'SELECT count(*) FROM (SELECT DISTINCT ON (clinic) clinic, pid FROM visits ORDER BY clinic, day) s',
  'SELECT count(*) FROM (SELECT DISTINCT ON (pid % 2) pid FROM visits) s', 'SELECT count(*) FROM (SELECT DISTINCT ON (a) a, x FROM two ORDER BY a, x) s', 'SELECT count(*) FROM (SELECT DISTINCT ON (pid) pid, count(*) AS n FROM visits GROUP BY pid) s';

# Values that nothing can compare, or that a collation calls equal, order by their bytes.
$node->safe_psql('postgres', "CREATE COLLATION alike (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n" . join '', map { my ($schema, $order) = @$_; <<"SQL" } [ 'forward', '' ], [ 'backward', 'DESC' ]);
CREATE TABLE $schema.odd (pid int NOT NULL, x text COLLATE alike, j jsonb, place point, words tsvector, a numeric[]);
INSERT INTO $schema.odd SELECT i, c, CASE c WHEN 'a' THEN '1.0' ELSE '1.00' END::jsonb, point(i, ascii(c)), c::tsvector, ARRAY[CASE c WHEN 'a' THEN 1.0 ELSE 1.00 END] FROM generate_series(1, 900) i, unnest('{a,A}'::text[]) c ORDER BY hashint4(i), c COLLATE "C" $order;
SELECT dp_agg.protect('$schema.odd', 'pid', 'pop', max_rows => 10);
SQL
foreach my $case ([ 'x', 'x COLLATE "C"' ], [ 'j', 'j::text' ], [ 'a', "array_to_string(a, '')" ])
{
	my ($name, $column) = @$case;
	my @choices = map { my $rows = $_; [ map { DpAgg::value($node, 'analyst', "SET client_min_messages = error; SET search_path = $_; SELECT $column, count(*) FROM ($rows) s GROUP BY 1 ORDER BY 1") } 'forward', 'backward' ] }
	  "SELECT DISTINCT ON (pid) pid, $name FROM odd ORDER BY pid", "SELECT $name FROM (SELECT pid, $name, row_number() OVER (PARTITION BY pid) AS n FROM odd) r WHERE n = 1";

	like($_->[0], qr/^[^|]+\|900$/, "one of two values that are about equal is the first: $name"), is($_->[1], $_->[0], '... in another order of rows') foreach @choices;
}
foreach my $condition ("j = '1'", 'place IS NOT NULL', 'words @@ \'a\'')
{
	my @counts = map { DpAgg::value($node, 'analyst', "SET client_min_messages = error; SET search_path = $_; SELECT count(*) FROM (SELECT DISTINCT ON (pid) * FROM odd ORDER BY pid) s WHERE $condition") } 'forward', 'backward';

	is($counts[1], $counts[0], "first rows with columns that have no order: $condition");
	ok($counts[0] eq '' || $counts[0] == 900, '... as one of each individual');
}
# ---------- the first row of each individual ----------

my $all = 'day, cost, clinic, w, n, n::text';
alike(
  "SELECT clinic, count(*) FROM (SELECT DISTINCT ON (pid) pid, clinic FROM visits ORDER BY pid, $all) s GROUP BY 1 ORDER BY 1", "SELECT count(*), sum(cost) FROM (SELECT DISTINCT ON (pid) cost FROM visits WHERE clinic <> 'c1' ORDER BY pid DESC, day DESC, cost) s",
  "WITH f AS (SELECT DISTINCT ON (p.pid) p.sex, v.clinic, t.r FROM people p LEFT JOIN visits v USING (pid) LEFT JOIN tests t ON t.pid = p.pid ORDER BY p.pid, v.day DESC NULLS LAST, v.cost, v.clinic, t.day, t.r) SELECT sex, clinic, r, count(*) FROM f GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
  "SELECT x > 450, count(*) FROM (SELECT DISTINCT ON (a, b) x FROM two ORDER BY a, b, x DESC) s GROUP BY 1 ORDER BY 1", 'SELECT x > 10, count(*) FROM (SELECT DISTINCT ON (pid, x % 2) x FROM loose WHERE pid IS NOT NULL ORDER BY pid, x % 2, x) s GROUP BY 1 ORDER BY 1', 'SELECT count(*) FROM (SELECT DISTINCT ON (pid) pid FROM visits) s',
  "SELECT count(*) FROM (SELECT DISTINCT ON (pid) pid, day FROM (SELECT pid, day FROM visits UNION ALL SELECT pid, day FROM tests) u ORDER BY pid, day) s WHERE day > '2024-01-05'", "SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM (SELECT DISTINCT ON (pid) pid, day FROM visits ORDER BY pid, day) f WHERE f.pid = p.pid AND day > '2024-01-03')",
  "SELECT count(*) FROM people p WHERE (pid, 'f') IN (SELECT DISTINCT ON (pid) pid, sex FROM people ORDER BY pid)", "SELECT f.day, count(*) FROM (SELECT DISTINCT ON (pid) pid, day FROM visits ORDER BY pid, day DESC) f JOIN tests t ON t.pid = f.pid AND t.day > f.day GROUP BY 1 ORDER BY 1",
  "SELECT (SELECT clinic FROM visits v WHERE v.pid = p.pid ORDER BY $all LIMIT 1) AS first, sex, count(*) FROM people p GROUP BY 1, 2 ORDER BY 1, 2", "SELECT sum((SELECT cost FROM visits v WHERE v.pid = p.pid ORDER BY cost DESC FETCH FIRST ROW ONLY)) FROM people p",
  "SELECT count(*) FROM visits v WHERE v.cost > (SELECT w.cost FROM visits w WHERE w.pid = v.pid AND w.clinic = 'c1' ORDER BY w.day, w.cost LIMIT 1)", "SELECT first, count(*) FROM (SELECT p.pid, (SELECT t.r FROM tests t JOIN visits v ON v.pid = t.pid WHERE t.pid = p.pid ORDER BY t.day, t.r, v.day LIMIT 1) AS first FROM people p) s GROUP BY 1 ORDER BY 1");
refused('SELECT count(*) FROM (SELECT DISTINCT ON (clinic) pid, clinic FROM visits ORDER BY clinic, day) s', qr/^DISTINCT ON would pick rows of single individuals/, qr/DISTINCT ON the unit/);
refused('SELECT count(*) FROM (SELECT DISTINCT ON (a) a, b FROM two ORDER BY a, x) s', qr/^DISTINCT ON would pick/);
refused('SELECT DISTINCT ON (pid) pid, clinic FROM visits ORDER BY pid, day', qr/^DISTINCT ON would pick/);
refused('SELECT count(*) FROM (SELECT DISTINCT ON (pid) pid FROM visits ORDER BY pid, day LIMIT 3) s', qr/^LIMIT and OFFSET/, qr/DISTINCT ON \(unit\)/);
refused('SELECT count(*) FROM people p WHERE (SELECT v.cost FROM visits v WHERE v.cost = p.big ORDER BY day LIMIT 1) > 5', qr/^DISTINCT ON would pick/);
refused("SELECT count(*) FROM people p WHERE (SELECT v.cost FROM visits v WHERE v.pid = p.pid ORDER BY day $_) > 5", qr/^(this form of sub-select|LIMIT and OFFSET)/) foreach 'LIMIT 2', 'LIMIT 1 OFFSET 1', 'FETCH FIRST 1 ROW WITH TIES';

# A number of rows, a length or a path may be a parameter: drivers prepare a statement and run it often.
# It is judged for each value; a plan that is to serve all values is never chosen, and does not run if it is forced.
foreach my $case (
	[ 'PREPARE s(int8) AS SELECT count(*) FROM (SELECT pid, sum(cost) OVER (PARTITION BY pid ORDER BY day ROWS $1 PRECEDING) AS r FROM visits) z WHERE r > 5', 1, -1 ],
	[ 'PREPARE s(int) AS SELECT count(*) FROM (SELECT pid, ntile($1) OVER (PARTITION BY pid ORDER BY day) AS r FROM visits) z WHERE r > 1', 2, 0 ],
	[ 'PREPARE s(int) AS SELECT count(*) FROM visits WHERE length(lpad(clinic, $1)) = 4', 4, 1_000_000_000 ],
	[ 'PREPARE s(int8) AS SELECT count(*) FROM visits WHERE day IN (SELECT date \'2024-01-01\' + i FROM (VALUES (0), (1), (2), (3)) x (i) ORDER BY i LIMIT $1)', 3, -1 ],
	[ 'PREPARE s(jsonpath) AS SELECT count(*) FROM odd WHERE j @? $1', "'\$ ? (@ == 1)'", "'\$.**'" ])
{
	my ($prepare, $good, $bad) = @$case;
	my $search = 'SET client_min_messages = error; SET search_path = forward, public;';
	my @runs = split /\n/, DpAgg::value($node, 'analyst', "$search $prepare; " . join ' ', ("EXECUTE s($good);") x 7);
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.release');

	is_deeply(\@runs, [ ($runs[0]) x 7 ], "seven times in one session: $prepare");
	isnt(DpAgg::refused($node, 'analyst', "$search $prepare; EXECUTE s($bad);", 'DP002')->{message}, '', '... each value is judged');
	like(DpAgg::refused($node, 'analyst', "$search $prepare; SET plan_cache_mode = force_generic_plan; EXECUTE s($good);", 'DP002')->{message}, qr/needs the values of its parameters/, '... and no plan for all values runs');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.release'), $before, '... nor is one paid for');
}

# Where ties decide, the answer is the same for rows in another order, and for more of other people's.
my @tied = map { "SELECT $_ AS v, count(*) FROM (SELECT *, row_number() OVER x AS rn, lag(cost) OVER x AS lc, lag(n) OVER x AS ln, first_value(clinic) OVER x AS fc, sum(cost) OVER (x ROWS UNBOUNDED PRECEDING) AS sc, lead(n::text) OVER (PARTITION BY pid) AS t FROM visits WINDOW x AS (PARTITION BY pid ORDER BY day)) s WHERE rn < 5 GROUP BY 1 ORDER BY 1" }
  'clinic', 'cost', 'lc', 'ln::text', 'fc', 'sc', 't', "concat_ws(',', n::text, ln::text, t)";
push @tied, map { ("SELECT $_ AS v, count(*) FROM (SELECT DISTINCT ON (pid) * FROM visits ORDER BY pid, day) s GROUP BY 1 ORDER BY 1",
	"SELECT (SELECT $_ FROM visits v WHERE v.pid = p.pid ORDER BY day DESC LIMIT 1) AS v, count(*) FROM people p GROUP BY 1 ORDER BY 1") } 'clinic', 'cost', 'n::text', 'w';
sub with_ties { my ($schema, $more) = @_; return map { $_->{out} } DpAgg::bulk($node, 'analyst', [ "SET client_min_messages = error; SET search_path = $schema; $more", @tied ]); }
my @before = with_ties('forward', '');
my @other = with_ties('backward', '');
is($other[ $_ + 1 ], $before[ $_ + 1 ], "ties, in another order of rows: $_") foreach 0 .. $#tied;
$node->safe_psql('postgres', q{INSERT INTO forward.visits SELECT 5000 + i % 3, date '2024-01-01' + i % 9, 'z', i % 90, 1, 1 FROM generate_series(1, 5000) i; UPDATE forward.visits SET cost = cost WHERE pid % 2 = 0});
$node->safe_psql('postgres', 'DELETE FROM forward.visits WHERE pid >= 5000');
my @after = with_ties('forward', "SET work_mem = '64kB'");
is($after[ $_ + 1 ], $before[ $_ + 1 ], "ties, with rows moved and little memory: $_") foreach 0 .. $#tied;
cmp_ok(scalar(split /\n/, join "\n", @before), '>', 50, 'there was something to compare');

refused("SELECT count(*) FROM (SELECT $_ AS x FROM visits) s", qr/window functions are not available below a release, except/, qr/PARTITION BY the unit/) foreach
  'row_number() OVER (ORDER BY day)', 'row_number() OVER (PARTITION BY clinic ORDER BY day)', 'count(*) OVER ()', 'sum(cost) OVER (PARTITION BY pid % 2)', 'sum(cost) OVER (PARTITION BY pid ORDER BY day RANGE BETWEEN interval \'1 day\' PRECEDING AND CURRENT ROW)',
  'sum(cost) OVER (PARTITION BY pid ORDER BY cost RANGE BETWEEN 1 PRECEDING AND CURRENT ROW)', 'sum(cost) OVER (PARTITION BY pid ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES)', 'last_value(cost) OVER (PARTITION BY pid ORDER BY day)', 'nth_value(cost, 2) OVER (PARTITION BY pid)',
  'ntile(0) OVER (PARTITION BY pid ORDER BY day)', 'ntile(cost) OVER (PARTITION BY pid ORDER BY day)', 'sum(cost) OVER (PARTITION BY pid ORDER BY day ROWS -1 PRECEDING)', 'sum(cost) OVER (PARTITION BY pid ORDER BY day ROWS 3000000000 PRECEDING)', 'string_agg(clinic, \'\') OVER (PARTITION BY pid)',
  'row_number() OVER (PARTITION BY (SELECT 1) ORDER BY day)', 'row_number() OVER (PARTITION BY NULLIF(pid, 3))';
refused('SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY t.pid ORDER BY v.day) AS x FROM visits v LEFT JOIN tests t ON t.pid = v.pid) s', qr/window functions/);
refused('SELECT count(*) FROM (SELECT row_number() OVER (PARTITION BY a ORDER BY x) AS x FROM two) s', qr/window functions/);
DpAgg::refused($node, 'analyst', 'SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY day) FROM forward.visits', '42501', 'rows with numbers are rows');
DpAgg::refused($node, 'analyst', 'SELECT pid, x FROM (SELECT pid, count(*) OVER (PARTITION BY pid) AS x FROM forward.visits) s GROUP BY pid, x', 'DP002', 'also grouped by the unit');

done_testing();
