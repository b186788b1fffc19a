# Sub-selects that yield one value about the row at hand: of the same individual's rows in another
# or the same protected table, and the row of a table that a unique index fixes.  The answers are
# those of plain SQL; whatever would be about others is refused.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use DpAgg;
use Faulty;

# without noise: answers are exact where enough individuals are behind them
my $node = Faulty::node('correlated', "dp_agg.epsilon = 1\n");
$node->start;
Faulty::use_library($node, Faulty::build('NOISELESS'));
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE TABLE people (patient int PRIMARY KEY, sex text NOT NULL, city text, born date NOT NULL);
INSERT INTO people SELECT p, CASE p % 2 WHEN 0 THEN 'f' ELSE 'm' END, 'city ' || p % 3, date '1950-01-01' + p FROM generate_series(1, 600) p;
-- patients 1 to 400 have p % 4 visits, so many have none
CREATE TABLE visits (visit_id int PRIMARY KEY, patient int NOT NULL, clinic text NOT NULL, day date NOT NULL, cost numeric NOT NULL, nights int);
INSERT INTO visits SELECT 10 * p + v, p, 'clinic ' || (p + v) % 3, date '2024-01-01' + (p * 7 + v * 50) % 300, 20 + (p * 13 + v * 31) % 480, nullif(v, 2)
FROM generate_series(1, 400) p, generate_series(1, p % 4) v;
CREATE TABLE notes (patient bigint, note_nr int NOT NULL, word text NOT NULL, PRIMARY KEY (patient, note_nr));
INSERT INTO notes SELECT p, v, 'word ' || v FROM generate_series(1, 500) p, generate_series(1, 2) v;
CREATE TABLE clinics (clinic text PRIMARY KEY, region text NOT NULL, beds int NOT NULL);
INSERT INTO clinics SELECT 'clinic ' || c, 'region ' || c % 2, 10 * c FROM generate_series(0, 1) c;		-- clinic 2 is missing
CREATE TABLE beds (clinic text, beds int);
INSERT INTO beds SELECT 'clinic ' || c % 3, c FROM generate_series(0, 5) c;
GRANT SELECT ON clinics, beds TO PUBLIC;
SELECT dp_agg.protect('people', unit => 'patient', population => 'patients');
SELECT dp_agg.protect('visits', unit => 'patient', population => 'patients', max_groups => 5, max_rows => 5);
SELECT dp_agg.protect('notes', unit => 'patient', population => 'patients', max_groups => 5, max_rows => 5);
SELECT dp_agg.set_bounds('visits', 'cost', 0, 500);
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 10000, delta => 0.1);
SQL

# The analyst's answer, rounded, beside that of plain SQL.
sub same
{
	my ($name, $sql) = @_;
	my $plain = $sql =~ s/dp_(avg|sum)\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*), 0, \d+\)/$1($2)/gr;
	my $answer = DpAgg::as($node, 'analyst', $sql);

	my $right = { out => $node->safe_psql('postgres', $plain) };
	foreach ($answer->{out}, $right->{out})
	{
		s/(\d+\.\d+)/sprintf '%.3f', $1/ge;
		s/\.000\b//g;
	}
	is("$answer->{sqlstate} $answer->{out}", "00000 $right->{out}", $name);
}

same('more than the own average', 'SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.patient)');
same('a count of what is missing is 0', 'SELECT count(*) FROM people p WHERE (SELECT count(*) FROM visits v WHERE v.patient = p.patient) = 0');
same('... also of values', 'SELECT count(*) FROM people p WHERE (SELECT count(nights) FROM visits v WHERE v.patient = p.patient) = 0');
same('... while a sum is NULL', 'SELECT count(*) FROM people p WHERE (SELECT sum(cost) FROM visits v WHERE v.patient = p.patient) IS NULL');
same('an expression of both', 'SELECT count(*) FROM people p WHERE (SELECT count(*) + coalesce(sum(nights), 7) FROM visits v WHERE v.patient = p.patient) = 7');
same('... as a condition', 'SELECT count(*) FROM people p WHERE NOT (SELECT count(*) > 1 AND sum(cost) > 300 FROM visits v WHERE v.patient = p.patient)');
same('a group key', 'SELECT (SELECT count(*) FROM visits v WHERE v.patient = p.patient) AS visits, count(*) FROM people p GROUP BY 1 ORDER BY 1');
same('an argument', 'SELECT sex, dp_avg((SELECT count(*) FROM visits v WHERE v.patient = p.patient), 0, 9) FROM people p GROUP BY 1 ORDER BY 1');
same('a filter', 'SELECT count(*) FILTER (WHERE (SELECT max(cost) FROM visits v WHERE v.patient = p.patient) > 200), count(*) FROM people p');
same('a column of a sub-select', 'SELECT sex, dp_avg(n, 0, 9) FROM (SELECT p.patient, p.sex, (SELECT count(*) FROM visits v WHERE v.patient = p.patient) AS n FROM people p) s GROUP BY 1 ORDER BY 1');
same('twice the same', 'SELECT (SELECT count(*) FROM visits v WHERE v.patient = p.patient) AS n, count(*) FROM people p WHERE (SELECT count(*) FROM visits v WHERE v.patient = p.patient) < 3 GROUP BY 1 ORDER BY 1');
same('two of them', 'SELECT count(*) FROM people p WHERE (SELECT count(*) FROM visits v WHERE v.patient = p.patient) > (SELECT count(*) FROM notes n WHERE n.patient = p.patient)');
same('within EXISTS', 'SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM visits v WHERE v.patient = p.patient AND v.cost > (SELECT 1.2 * avg(w.cost) FROM visits w WHERE w.patient = v.patient))');
same('one within the other', 'SELECT count(*) FROM people p WHERE (SELECT count(*) FROM visits v WHERE v.patient = p.patient AND v.cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.patient)) = 1');
same('more ties than the unit', 'SELECT count(*) FROM visits v WHERE cost >= (SELECT max(w.cost) FROM visits w WHERE w.patient = v.patient AND w.clinic = v.clinic)');
same('ties to two tables, joined in WHERE', 'SELECT count(*) FROM people p, visits v WHERE p.patient = v.patient AND 1 = (SELECT count(*) FROM visits w WHERE w.patient = p.patient AND w.clinic = v.clinic)');
same('... and to one of them', 'SELECT v.clinic, count(*) FROM people p, visits v WHERE p.patient = v.patient AND v.day = (SELECT min(w.day) FROM visits w WHERE w.patient = p.patient) GROUP BY 1 ORDER BY 1');
same('a column of USING', 'SELECT count(*) FROM people JOIN visits v USING (patient) WHERE v.day = (SELECT min(w.day) FROM visits w WHERE w.patient = v.patient)');
same('beside an outer join', 'SELECT p.city, count(*) FROM people p LEFT JOIN visits v ON v.patient = p.patient AND v.cost > 400 WHERE (SELECT count(*) FROM notes n WHERE n.patient = p.patient) = 2 GROUP BY 1 ORDER BY 1');
same('a unit of another integer type', 'SELECT count(*) FROM people p WHERE (SELECT max(word) FROM notes n WHERE n.patient = p.patient) = \'word 2\'');
same('a join in it', 'SELECT count(*) FROM people p WHERE (SELECT sum(c.beds) FROM visits v JOIN clinics c USING (clinic) WHERE v.patient = p.patient) > 5');
same('of a common table expression', 'WITH dear AS (SELECT * FROM visits WHERE cost > 200) SELECT count(*) FROM people p WHERE (SELECT count(*) FROM dear WHERE dear.patient = p.patient) = 1');
same('the row of an individual', 'SELECT (SELECT p.sex FROM people p WHERE p.patient = v.patient) AS sex, count(*) FROM visits v GROUP BY 1 ORDER BY 1');
same('... with a condition', 'SELECT count(*) FROM visits v WHERE (SELECT p.sex FROM people p WHERE p.patient = v.patient AND p.city = \'city 1\') IS NULL');
same('... by a unique index of several columns', 'SELECT count(*) FROM people p WHERE (SELECT n.word FROM notes n WHERE n.patient = p.patient AND n.note_nr = length(p.sex)) = \'word 1\'');
same('the row of a public table', 'SELECT (SELECT c.region FROM clinics c WHERE c.clinic = v.clinic) AS region, count(*) FROM visits v GROUP BY 1 ORDER BY 1');
same('public rows of several', 'SELECT count(*) FROM visits v WHERE cost > 40 * (SELECT max(b.beds) FROM beds b WHERE b.clinic = v.clinic)');

my $prepared = 'PREPARE q(int) AS SELECT count(*) FROM people p WHERE $1 <= (SELECT count(*) FROM visits v WHERE v.patient = p.patient AND v.cost > $1 * 100);';
foreach my $mode (qw(force_generic_plan force_custom_plan))
{
	same("parameters, $mode", "SET plan_cache_mode = $mode; $prepared EXECUTE q(1)");
}

# what is about somebody else, or about a group
my %refused = (
	'another column than the unit' => ['SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.clinic = v.clinic)', qr/may not refer to columns of an enclosing query/],
	'another column of the row at hand' => ['SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.nights)', qr/joined by equality of the unit/],
	'the next individual' => ['SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.patient + 1)', qr/joined by equality of the unit/],
	'all that are greater' => ['SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient > v.patient)', qr/enclosing query/],
	'one or the other' => ['SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.patient OR w.patient = 1)', qr/enclosing query/],
	'a row by another key' => ['SELECT count(*) FROM people p WHERE 100 < (SELECT w.cost FROM visits w WHERE w.visit_id = p.patient)', qr/joined by equality of the unit/],
	'a row that no index fixes' => ['SELECT count(*) FROM people p WHERE 100 < (SELECT w.cost FROM visits w WHERE w.patient = p.patient)', qr/this form of sub-select/],
	'the outer table is public' => ['SELECT clinic, (SELECT count(*) FROM visits w WHERE w.clinic = c.clinic) FROM clinics c', qr/enclosing query/],
	'rows, not aggregates' => ['SELECT p.patient, (SELECT count(*) FROM visits w WHERE w.patient = p.patient) FROM people p', qr/permission denied for table people/],
	'... of the unit alone' => ['SELECT p.patient, (SELECT sum(w.cost) FROM visits w WHERE w.patient = p.patient) FROM people p GROUP BY p.patient', qr/single individuals|enclosing query/],
	'beside groups' => ['SELECT sex, (SELECT count(*) FROM visits w WHERE w.patient = count(p.patient)) FROM people p GROUP BY sex', qr/./],
	'a release in it' => ['SELECT count(*) FROM people p WHERE 3 < (SELECT dp_count(*) FROM visits v WHERE v.patient = p.patient)', qr/./],
	'that fails with a row' => ['SELECT count(*) FROM people p WHERE 0 < (SELECT sum(1 / (v.nights - 1)) FROM visits v WHERE v.patient = p.patient AND pg_sleep(0) IS NOT NULL)', qr/not available/]);
foreach my $name (sort keys %refused)
{
	my ($sql, $message) = @{ $refused{$name} };
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.release');

	like(DpAgg::refused($node, 'analyst', $sql, $sql =~ /^SELECT p.patient, \(SELECT count/ ? '42501' : 'DP002')->{message}, $message, "refused: $name");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.release'), $before, "... free: $name");
}

# a row of somebody with one more visit changes no more than that individual's rows: twice the same answer
my $query = 'SELECT count(*) FROM visits v WHERE cost >= (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.patient)';
my $before = DpAgg::value($node, 'analyst', $query);
$node->safe_psql('postgres', "INSERT INTO visits SELECT 100000 + i, 1, 'clinic 0', '2024-05-05', 100000 FROM generate_series(1, 1000) i");
my $after = DpAgg::value($node, 'analyst', $query);
cmp_ok(abs($after - $before), '<=', 25, 'an individual with 1,000 more rows changes the count by max_groups times max_rows at most');

# the unique index may go: then the plan that rests on it goes, too
my $kept = "PREPARE s AS SELECT count(*) FROM visits v WHERE (SELECT c.region FROM clinics c WHERE c.clinic = v.clinic) = 'region 1'; SET plan_cache_mode = force_generic_plan; EXECUTE s;";
like(DpAgg::works($node, 'analyst', $kept)->{out}, qr/^\d+$/, 'a kept plan rests on a unique index');
$node->safe_psql('postgres', 'ALTER TABLE clinics DROP CONSTRAINT clinics_pkey');
DpAgg::refused($node, 'analyst', $kept, 'DP002');

done_testing();
