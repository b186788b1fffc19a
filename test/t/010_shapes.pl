# What an analyst may write: every shape of query that is promised works, is near
# the truth, has the types of plain SQL and costs what it should.
#
# Each case is run by the analyst and, as plain SQL, by a superuser; the answers
# must agree within the noise of a large epsilon.  The data keeps within its
# bounds and limits, so that noise is all that lies between them.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('main');
my $epsilon = 1000;

$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA a AUTHORIZATION analyst;
CREATE TYPE mood AS ENUM ('sad', 'glad');

-- one row per individual
CREATE TABLE patients (patient_id int PRIMARY KEY, age int NOT NULL, sex text NOT NULL,
	city text, mood mood, seen timestamptz);
INSERT INTO patients
SELECT p, p % 90, CASE WHEN p % 2 = 0 THEN 'f' ELSE 'm' END,
	CASE WHEN p % 5 = 0 THEN NULL ELSE 'city ' || p % 5 END,
	CASE WHEN p % 3 = 0 THEN 'sad' ELSE 'glad' END::mood,
	timestamptz '2024-01-15 12:00+00' + p % 4 * interval '1 month'
FROM generate_series(1, 1200) p;
SELECT dp_agg.protect('patients', 'patient_id', 'people');
SELECT dp_agg.set_bounds('patients', 'age', 0, 100);

-- three rows per individual
CREATE TABLE visits (patient_id int NOT NULL, clinic text, cost numeric, nights int, day date);
INSERT INTO visits
SELECT p, 'clinic ' || v, 100 * (p % 40), (p + v) % 7, date '2024-01-01' + v * 31
FROM generate_series(1, 1000) p, generate_series(1, 3) v;
SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'people', max_groups => 4, max_rows => 4);
SELECT dp_agg.set_bounds('visits', 'cost', 0, 5000);
SELECT dp_agg.set_bounds('visits', 'nights', 0, 10);

-- units of other types; every type of number
CREATE TABLE labs (person bigint, i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n numeric);
INSERT INTO labs
SELECT p, p % 50, p % 50, p % 50, p % 50,
	CASE p % 4 WHEN 0 THEN NULL WHEN 1 THEN 40 ELSE p % 50 END,
	CASE p % 4 WHEN 0 THEN NULL ELSE p % 50 END
FROM generate_series(1, 800) p;
SELECT dp_agg.protect('labs', 'person', 'people');
SELECT dp_agg.set_bounds('labs', c, 0, 100) FROM unnest('{i2,i4,i8,f4,f8,n}'::name[]) c;

-- what no sum survives without bounds
CREATE TABLE wild (person int, f4 real, f8 float8, n numeric);
INSERT INTO wild
SELECT p, 10::real, 10::float8, 10::numeric FROM generate_series(1, 600) p
UNION ALL SELECT 600 + p, NULL, NULL, NULL FROM generate_series(1, 100) p
UNION ALL SELECT 700 + p, 'NaN', 'NaN', 'NaN' FROM generate_series(1, 100) p
UNION ALL SELECT 800 + p, 'Infinity', 'Infinity', 'Infinity' FROM generate_series(1, 100) p
UNION ALL SELECT 900 + p, '-Infinity', '-Infinity', '-Infinity' FROM generate_series(1, 100) p;
SELECT dp_agg.protect('wild', 'person', 'people');
SELECT dp_agg.set_bounds('wild', c, 0, 100) FROM unnest('{f4,f8,n}'::name[]) c;

CREATE TABLE letters (code varchar(20), pages int);
CREATE TABLE calls (code text, minutes int);
INSERT INTO letters SELECT 'p' || p, p % 10 FROM generate_series(1, 500) p;
INSERT INTO calls SELECT 'p' || p, p % 10 FROM generate_series(1, 400) p;
SELECT dp_agg.protect('letters', 'code', 'writers'), dp_agg.protect('calls', 'code', 'writers');
SELECT dp_agg.set_bounds('letters', 'pages', 0, 10), dp_agg.set_bounds('calls', 'minutes', 0, 10);

-- a unit of two columns
CREATE TABLE stays (country text, number int, nights int);
CREATE TABLE meals (country text, number int, meals int);
INSERT INTO stays SELECT c, p, p % 5 FROM unnest('{at,ch}'::text[]) c, generate_series(1, 300) p;
INSERT INTO meals SELECT c, p, p % 5 FROM unnest('{at,ch}'::text[]) c, generate_series(1, 200) p;
SELECT dp_agg.protect('stays', '{country,number}'::name[], 'guests'),
	dp_agg.protect('meals', '{country,number}'::name[], 'guests');
SELECT dp_agg.set_bounds('stays', 'nights', 0, 10), dp_agg.set_bounds('meals', 'meals', 0, 10);

CREATE TABLE events (person int, day date, points int) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO events
SELECT p, date '2024-01-05' + m * 31, p % 10 FROM generate_series(1, 500) p, generate_series(0, 1) m;
SELECT dp_agg.protect('events', 'person', 'people', 2, 2);
SELECT dp_agg.set_bounds('events', 'points', 0, 10);
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO events SELECT p, '2024-03-07', 1 FROM generate_series(501, 800) p;

-- a facade that leaves out the unit; columns renamed after protect
CREATE TABLE hidden (secret int, region text, weight int);
INSERT INTO hidden SELECT p, 'region ' || p % 2, p % 10 FROM generate_series(1, 500) p;
SELECT dp_agg.protect('hidden', 'secret', 'people', columns => '{region,weight}');
SELECT dp_agg.set_bounds('hidden', 'weight', 0, 10);
CREATE TABLE renamed (pid int, region text, weight int);
INSERT INTO renamed SELECT * FROM hidden;
SELECT dp_agg.protect('renamed', 'pid', 'people');
SELECT dp_agg.set_bounds('renamed', 'weight', 0, 10);
ALTER TABLE renamed RENAME pid TO person;
ALTER TABLE renamed RENAME weight TO mass;

-- columns that nobody asks about, of types that no release may use
CREATE TYPE pair AS (x int, y int);
CREATE DOMAIN short AS text CHECK (length(VALUE) < 10);
CREATE TABLE odd (person int, p pair, ps pair[], s short, kind text, j jsonb, r int4range);
INSERT INTO odd SELECT i, ROW(i, i)::pair, '{}', 'x', 'kind ' || i % 2 FROM generate_series(1, 500) i;
SELECT dp_agg.protect('odd', 'person', 'people');

CREATE TABLE clinics (clinic text PRIMARY KEY, city text);
INSERT INTO clinics VALUES ('clinic 1', 'Graz'), ('clinic 2', 'Linz'), ('clinic 3', 'Graz');
GRANT SELECT ON clinics TO analyst;

CREATE VIEW v_invoker WITH (security_invoker) AS SELECT * FROM visits WHERE nights > 1;
CREATE VIEW v_definer AS SELECT * FROM visits WHERE nights > 1;
CREATE VIEW v_nested AS SELECT clinic, cost FROM v_definer;
GRANT SELECT ON v_invoker, v_definer, v_nested TO analyst;

SELECT dp_agg.set_budget('analyst', p, epsilon => 1e9, delta => 0.9)
FROM unnest('{people,writers,guests}'::name[]) p;
ANALYZE;
SQL

# Releases of the analyst as the ledger counts them, and what it spent.
my $ledger = <<'SQL';
SELECT (SELECT sum(epsilon_spent) FROM dp_agg.my_budget) || ' ' || (SELECT count(*) FROM dp_agg.my_releases)
SQL

# Two cells agree if they are the same text or numbers within the tolerance.
sub cells_agree
{
	my ($got, $truth, $tolerance) = @_;
	my $number = qr/^-?\d+(\.\d+)?(e[-+]?\d+)?$/;

	return 1 if $got eq $truth;
	return 0 unless $got =~ $number && $truth =~ $number;
	return abs($got - $truth) <= $tolerance + 0.01 * abs($truth);
}

sub answers_agree
{
	my ($got, $truth, $tolerance) = @_;
	my @got = split /\n/, $got, -1;
	my @truth = split /\n/, $truth, -1;

	return 0 if @got != @truth;
	foreach my $i (0 .. $#got)
	{
		my @g = split /\|/, $got[$i], -1;
		my @t = split /\|/, $truth[$i], -1;

		return 0 if @g != @t;
		foreach my $j (0 .. $#g)
		{
			return 0 unless cells_agree($g[$j], $t[$j], $tolerance);
		}
	}
	return 1;
}

# cases(LIST) tests a list of [SQL, %options].  Options:
#	truth      => plain SQL that gives the true answer (default: the same)
#	releases   => 1       how many the ledger must count
#	epsilon    => 1000    what each costs
#	tolerance  => 2       besides 1 % of the true value
sub cases
{
	my ($title, @cases) = @_;
	my @truths = DpAgg::bulk($node, scalar getpwuid($<),
		[ map { my ($sql, %o) = @$_; $o{truth} // $sql } @cases ]);
	my @answers = DpAgg::bulk($node, 'analyst',
		[ "SET dp_agg.epsilon = $epsilon", $ledger, map { ($_->[0], $ledger) } @cases ]);
	my ($spent, $made) = split ' ', $answers[1]{out};

	foreach my $i (0 .. $#cases)
	{
		my ($sql, %o) = @{ $cases[$i] };
		my ($truth, $answer, $after) = ($truths[$i], @answers[ 2 + 2 * $i, 3 + 2 * $i ]);
		my ($spent_after, $made_after) = split ' ', $after->{out};
		my $releases = $o{releases} // 1;
		my $name = "$title: " . DpAgg::brief($sql);
		my $cost = $releases * ($o{epsilon} // $epsilon);

		die "the truth fails: $truth->{message}: " . ($o{truth} // $sql)
		  if $truth->{sqlstate} ne '00000';
		ok($answer->{sqlstate} eq '00000'
			  && answers_agree($answer->{out}, $truth->{out}, $o{tolerance} // 2), $name)
		  or diag("$answer->{sqlstate} $answer->{message}\n$answer->{out}\n-- truth:\n$truth->{out}");
		is(sprintf('%d for %s', $made_after - $made, $spent_after - $spent),
			"$releases for $cost", "$name: the charge");
		($spent, $made) = ($spent_after, $made_after);
	}
	return;
}

# The same query, asked of plain SQL.
sub both
{
	my ($sql, %o) = @_;
	(my $plain = $sql) =~ s/\bdp_count_distinct\(/count(DISTINCT /g;
	$plain =~ s/\bdp_(count|sum|avg)\b/$1/g;

	return [ $sql, truth => $plain, %o ];
}

cases('groups',
	['SELECT count(*) FROM patients'],
	['SELECT count(*), count(city), count(DISTINCT patient_id), sum(age), avg(age) FROM patients', tolerance => 5],
	both('SELECT dp_count(*), dp_count(city), dp_count_distinct(patient_id), dp_sum(age), dp_avg(age) FROM patients',
		tolerance => 5),
	['SELECT clinic, count(*), sum(cost), avg(cost) FROM visits GROUP BY clinic ORDER BY clinic', tolerance => 60],
	['SELECT sex, city, count(*) FROM patients GROUP BY sex, city ORDER BY 1, 2'],
	['SELECT upper(sex) AS s, count(*) FROM patients GROUP BY 1 ORDER BY 1'],
	['SELECT upper(sex) AS s, count(*) FROM patients GROUP BY upper(sex) ORDER BY upper(sex)'],
	['SELECT age / 30 AS decade, count(*) FROM patients GROUP BY decade ORDER BY decade'],
	['SELECT mood, count(*) FROM patients GROUP BY mood ORDER BY mood'],
	[q{SELECT date_trunc('month', seen) AS m, count(*) FROM patients GROUP BY m ORDER BY m}],
	[q{SELECT extract(month FROM day) AS m, count(*) FROM visits GROUP BY 1 ORDER BY 1}],
	['SELECT width_bucket(age::float8, 0, 100, 4), count(*) FROM patients GROUP BY 1 ORDER BY 1'],
	['SELECT count(*) FROM patients GROUP BY sex ORDER BY sex'],
	['SELECT DISTINCT city FROM patients ORDER BY city'],
	['SELECT city FROM patients GROUP BY city ORDER BY city'],
	['SELECT sex, city FROM patients GROUP BY 1, 2 ORDER BY 1, 2'],
	['SELECT DISTINCT ON (sex) sex, count(*) FROM patients GROUP BY sex ORDER BY sex'],
	['SELECT count(DISTINCT city), count(DISTINCT age), min(age), max(age), stddev(age), variance(age) FROM patients', tolerance => 15],
	[q{SELECT sex, percentile_disc(0.3) WITHIN GROUP (ORDER BY age), mode() WITHIN GROUP (ORDER BY mood) FROM patients GROUP BY sex ORDER BY sex}],
	['SELECT 1 FROM patients HAVING count(*) > 100'],
	['SELECT count(*) FROM public.patients AS p (a, b)']);

cases('conditions',
	map { ["SELECT count(*) FROM patients WHERE $_"] }
	  q{sex = 'f'}, q{sex <> 'f'}, 'age < 30', 'age > 30', 'age <= 30 AND age >= 10',
	  'age BETWEEN 20 AND 40', 'age NOT BETWEEN 20 AND 40',
	  'age IN (1, 2, 3, 4, 5)', 'age NOT IN (1, 2, 3)', 'age = ANY (ARRAY[1, 2, 3, 4, 5])',
	  q{city LIKE 'city _'}, q{city NOT LIKE '%1'}, q{city ILIKE 'CITY%'},
	  'city IS NULL', 'city IS NOT NULL', 'NOT (age > 30)', q{sex = 'f' OR age > 80},
	  q{city IS DISTINCT FROM 'city 1'}, q{city IS NOT DISTINCT FROM NULL},
	  q{CASE WHEN sex = 'f' THEN age > 20 ELSE age > 40 END}, q{mood = 'sad'},
	  q{coalesce(city, 'none') = 'none'}, q{nullif(city, 'city 1') IS NULL},
	  'age % 2 = 0 AND age / 2 > 5', 'abs(age - 40) < 10', q{length(city) = 6},
	  q{seen >= '2024-02-01' AND seen < '2024-04-01Z'}, q{seen::date = '2024-02-15'},
	  q{extract(dow FROM seen) IN (1, 4)}, 'greatest(age, 50) = 50', 'age::text = \'7\' OR age > 10',
	  '(age > 30) IS TRUE', '(city = \'city 1\') IS UNKNOWN', 'true');

cases('over releases',
	['SELECT count(*) FILTER (WHERE age > 50), count(*), avg(age) FILTER (WHERE sex = \'f\') FROM patients'],
	['SELECT sex, count(*) FROM patients GROUP BY sex HAVING count(*) > 100 ORDER BY 1'],
	['SELECT sex FROM patients GROUP BY sex HAVING avg(age) > 1000'],
	['SELECT clinic, sum(nights) AS n FROM visits GROUP BY clinic ORDER BY clinic DESC LIMIT 2', tolerance => 5],
	['SELECT clinic, count(*) FROM visits GROUP BY clinic ORDER BY clinic OFFSET 1'],
	['SELECT DISTINCT count(*) > 5 FROM visits GROUP BY clinic'],
	['SELECT sum(nights) * 1.0 / count(*) + 1, round(avg(cost), -3), count(*)::text || \'!\' > \'0\' FROM visits'],
	['SELECT sex, rank() OVER (ORDER BY sex), sum(count(*)) OVER (), count(*) OVER () FROM patients GROUP BY sex ORDER BY 1'],
	['SELECT a.twice(count(*)) FROM patients', truth => 'SELECT 2 * count(*) FROM patients']
  ) if DpAgg::works($node, 'analyst',
  	'CREATE FUNCTION a.twice(bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN 2 * $1; END $$');

DpAgg::works($node, 'analyst', $_) foreach
  'CREATE VIEW a.v_own AS SELECT clinic, cost, nights FROM visits',
  'CREATE VIEW a.v_release AS SELECT clinic, count(*) AS n FROM visits GROUP BY clinic',
  'CREATE VIEW a.v_own_invoker WITH (security_invoker) AS SELECT clinic, cost, nights FROM visits';

cases('views',
	['SELECT clinic, count(*), avg(cost) FROM v_invoker GROUP BY clinic ORDER BY 1', tolerance => 60],
	['SELECT clinic, count(*), avg(cost) FROM v_definer GROUP BY clinic ORDER BY 1', tolerance => 60],
	['SELECT clinic, count(*) FROM v_nested GROUP BY clinic ORDER BY 1'],
	['SELECT clinic, count(*), avg(cost) FROM dp.visits GROUP BY clinic ORDER BY 1', tolerance => 60],
	['SELECT count(*) FROM a.v_own_invoker', truth => 'SELECT count(*) FROM visits'],
	['SELECT count(*) FROM a.v_own', truth => 'SELECT count(*) FROM visits'],
	['SELECT * FROM a.v_release ORDER BY 1', truth => 'SELECT clinic, count(*) FROM visits GROUP BY 1 ORDER BY 1'],
	['SELECT region, count(*), avg(weight) FROM dp.hidden GROUP BY region ORDER BY 1'],
	['SELECT region, count(*), avg(weight) FROM hidden GROUP BY region ORDER BY 1'],
	['SELECT kind, count(*) FROM odd GROUP BY kind ORDER BY 1'],
	['SELECT kind, count(*) FROM dp.odd GROUP BY kind ORDER BY 1'],
	['SELECT count(*) FROM (SELECT * FROM odd) o'],
	['SELECT sum(mass), count(DISTINCT person) FROM renamed', tolerance => 5],
	['SELECT sum(mass), count(*) FROM dp.renamed', tolerance => 5]);

my $per_clinic = 'SELECT clinic, count(*) AS n FROM visits GROUP BY clinic';
cases('sub-selects',
	['WITH v AS (SELECT * FROM visits WHERE nights > 2) SELECT clinic, count(*) FROM v GROUP BY 1 ORDER BY 1'],
	['WITH v AS MATERIALIZED (SELECT clinic, cost FROM visits) SELECT count(*) FROM v WHERE cost > 1000'],
	['WITH v (c, x) AS (SELECT clinic, cost FROM visits), w AS (SELECT c FROM v) SELECT c, count(*) FROM w GROUP BY 1 ORDER BY 1'],
	["WITH r AS ($per_clinic) SELECT clinic, n FROM r WHERE n > 10 ORDER BY 1"],
	["WITH r AS ($per_clinic) SELECT count(*), max(a.n - b.n) FROM r a JOIN r b USING (clinic)", tolerance => 0],
	["WITH r AS NOT MATERIALIZED ($per_clinic) SELECT (SELECT sum(n) FROM r) - (SELECT sum(n) FROM r)",
	tolerance => 0],
	["WITH r AS (SELECT count(*) AS n FROM visits) SELECT a.n = b.n, a.n - c.n FROM r a, r b, r c", tolerance => 0],
	['SELECT count(*) FROM (SELECT * FROM (SELECT clinic AS c, nights FROM visits WHERE cost > 500) x WHERE nights > 1) y'],
	["SELECT sum(n) FROM ($per_clinic) r"],
	['SELECT count(*) FROM visits v, LATERAL (SELECT city FROM clinics c WHERE c.clinic = v.clinic) l WHERE l.city = \'Graz\''],
	['SELECT l.city, count(*) FROM visits v LEFT JOIN LATERAL (SELECT city FROM clinics c WHERE c.clinic = v.clinic) l ON true GROUP BY 1 ORDER BY 1'],
	['SELECT count(*) FROM patients WHERE age > (SELECT avg(age) FROM patients)', releases => 2],
	['SELECT count(*) FROM patients p WHERE age > (SELECT count(*) FROM clinics)'],
	['SELECT (SELECT count(*) FROM patients), (SELECT avg(nights) FROM visits)', releases => 2],
	['SELECT c.clinic, (SELECT count(*) FROM visits) FROM clinics c ORDER BY 1'],
	["SELECT x.clinic, x.n, y.cost FROM ($per_clinic) x JOIN (SELECT clinic, avg(cost) AS cost FROM visits GROUP BY 1) y USING (clinic) ORDER BY 1",
	releases => 2, tolerance => 60],
	["SELECT c.city, sum(r.n) FROM clinics c JOIN ($per_clinic) r ON r.clinic = c.clinic GROUP BY c.city ORDER BY 1",
	tolerance => 4],
	['SELECT count(*) FROM patients UNION ALL SELECT count(*) FROM visits', releases => 2],
	['SELECT sex AS k, count(*) FROM patients GROUP BY 1 UNION ALL SELECT \'all\', count(*) FROM patients ORDER BY 1',
	releases => 2],
	['SELECT city FROM patients GROUP BY city EXCEPT SELECT \'city 1\' ORDER BY 1'],
	['SELECT count(*) FROM (SELECT patient_id FROM patients UNION ALL SELECT patient_id FROM visits) u'],
	['SELECT count(*), count(DISTINCT p), avg(x) FROM (SELECT patient_id AS p, age AS x FROM patients UNION ALL SELECT patient_id, nights FROM visits UNION ALL SELECT person, points FROM events) u',
	tolerance => 5],
	['SELECT k, sum(x) FROM (SELECT \'a\' AS k, nights AS x FROM visits WHERE nights < 3 UNION ALL SELECT \'b\', nights FROM visits WHERE nights >= 3) u GROUP BY k ORDER BY k',
	tolerance => 5]);

cases('joins',
	['SELECT p.sex, count(*), avg(v.cost) FROM patients p JOIN visits v ON v.patient_id = p.patient_id GROUP BY 1 ORDER BY 1',
	tolerance => 60],
	['SELECT p.sex, count(*) FROM patients p JOIN visits v USING (patient_id) GROUP BY 1 ORDER BY 1'],
	['SELECT sex, count(*) FROM patients NATURAL JOIN visits GROUP BY 1 ORDER BY 1'],
	['SELECT count(*) FROM patients p, visits v WHERE p.patient_id = v.patient_id AND p.age > 30'],
	['SELECT count(*), count(v.cost) FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id'],
	['SELECT count(*), count(v.cost) FROM visits v RIGHT JOIN patients p USING (patient_id)'],
	['SELECT count(*) FROM patients p JOIN visits v USING (patient_id) JOIN labs l ON l.person = v.patient_id'],
	['SELECT count(*), count(l.i4), count(v.cost) FROM patients p LEFT JOIN visits v ON p.patient_id = v.patient_id LEFT JOIN labs l ON l.person = p.patient_id'],
	['SELECT count(*) FROM visits a JOIN visits b ON a.patient_id = b.patient_id AND a.clinic = b.clinic'],
	['SELECT count(*), sum(pages), sum(minutes) FROM letters l JOIN calls c ON l.code = c.code', tolerance => 5],
	['SELECT count(*) FROM letters JOIN calls USING (code)'],
	['SELECT count(*) FROM patients p JOIN labs l ON p.patient_id = l.person'],
	['SELECT c.city, count(*), avg(v.nights) FROM visits v JOIN clinics c ON c.clinic = v.clinic GROUP BY 1 ORDER BY 1'],
	['SELECT c.city, count(*) FROM visits v LEFT JOIN clinics c ON c.clinic = v.clinic AND c.city = \'Graz\' GROUP BY 1 ORDER BY 1'],
	['SELECT c.city, count(*) FROM clinics c LEFT JOIN visits v USING (clinic) GROUP BY 1 ORDER BY 1'],
	['SELECT k.label, count(*) FROM patients p JOIN (VALUES (\'f\', \'female\'), (\'m\', \'male\')) k (sex, label) USING (sex) GROUP BY 1 ORDER BY 1'],
	['SELECT b.lo, count(*) FROM patients p JOIN (VALUES (0, 45), (45, 90)) b (lo, hi) ON age >= lo AND age < hi GROUP BY 1 ORDER BY 1'],
	['SELECT count(*) FROM patients WHERE age IN (VALUES (1), (2), (3), (4), (5))'],
	['SELECT count(*) FROM visits v WHERE clinic IN (SELECT clinic FROM clinics WHERE city = \'Graz\')'],
	['SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM clinics c WHERE c.clinic = v.clinic AND c.city = \'Graz\')'],
	['SELECT country, count(*), avg(nights), count(DISTINCT (country, number)) FROM stays GROUP BY 1 ORDER BY 1'],
	['SELECT count(*), sum(nights), sum(meals) FROM stays s JOIN meals m ON s.country = m.country AND s.number = m.number',
	tolerance => 5],
	['SELECT count(*) FROM stays JOIN meals USING (number, country)'],
	['SELECT count(*) FROM stays s LEFT JOIN meals m USING (country, number)'],
	['SELECT day, count(*), sum(points) FROM events GROUP BY day ORDER BY day', tolerance => 5],
	['SELECT count(*), count(DISTINCT person) FROM events WHERE day >= \'2024-02-01\'']);

cases('individuals',
	['SELECT dp_avg(n, 0, 10), count(*) FROM (SELECT patient_id, count(*) AS n FROM visits GROUP BY patient_id) p',
		truth => 'SELECT 3, 1000'],
	['SELECT n, count(*) FROM (SELECT patient_id, count(*) AS n FROM visits WHERE nights > 2 GROUP BY patient_id) p GROUP BY n ORDER BY n'],
	['SELECT dp_sum(s, 0, 15000), dp_avg(m, 0, 5000) FROM (SELECT sum(cost) AS s, max(cost) AS m FROM visits GROUP BY patient_id) p',
		truth => 'SELECT sum(s), avg(m) FROM (SELECT sum(cost) AS s, max(cost) AS m FROM visits GROUP BY patient_id) p',
			tolerance => 200],
	['SELECT count(*) FROM (SELECT DISTINCT patient_id FROM visits WHERE nights > 2) p'],
	['SELECT clinic, count(*) FROM (SELECT DISTINCT patient_id, clinic FROM visits) p GROUP BY 1 ORDER BY 1'],
	['SELECT count(*) FROM (SELECT patient_id FROM visits GROUP BY 1 HAVING sum(nights) > 8) p'],
	['SELECT p.sex, dp_avg(v.n, 0, 10) FROM patients p JOIN (SELECT patient_id, count(*) AS n FROM visits GROUP BY 1) v USING (patient_id) GROUP BY 1 ORDER BY 1',
		truth => q{VALUES ('f', 3), ('m', 3)}],
	['WITH p AS (SELECT patient_id, count(*) AS n FROM visits GROUP BY patient_id) SELECT count(*) FROM p WHERE n = 3'],
	['SELECT count(*) FROM patients p WHERE EXISTS (SELECT FROM visits v WHERE v.patient_id = p.patient_id AND nights > 5)'],
	['SELECT count(*) FROM patients p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id AND nights > 5 LIMIT 1)'],
	['SELECT count(*) FROM visits v WHERE NOT EXISTS (SELECT FROM clinics c WHERE c.clinic = v.clinic LIMIT 0)'],
	['SELECT count(*) FROM visits v WHERE clinic > (SELECT clinic FROM clinics ORDER BY 1 LIMIT 1)'],
	['SELECT count(*) FROM visits v WHERE clinic IN (SELECT clinic FROM clinics ORDER BY 1 LIMIT 2)'],
	['SELECT count(*) FROM patients p WHERE NOT EXISTS (SELECT FROM visits v WHERE v.patient_id = p.patient_id)'],
	['SELECT sex, count(*) FROM patients p WHERE patient_id IN (SELECT patient_id FROM visits WHERE nights > 5) GROUP BY 1 ORDER BY 1'],
	['SELECT count(*) FROM patients p WHERE patient_id NOT IN (SELECT patient_id FROM visits)'],
	['SELECT count(*) FROM stays WHERE (country, number) IN (SELECT country, number FROM meals)'],
	['SELECT count(*) FROM letters WHERE code IN (SELECT code FROM calls)'],
	['SELECT count(*) FROM patients WHERE patient_id IN (SELECT person FROM labs)']);

# The row's value, not its noise, is what pg_typeof shows.
my @types = map {
	my $c = $_;
	"SELECT pg_typeof(sum($c)), pg_typeof(avg($c)), pg_typeof(count($c)), pg_typeof(count(*)) FROM labs",
	  "SELECT sum($c), avg($c), count($c) FROM labs"
} qw(i2 i4 i8 f4 f8 n);
cases('types', map { both($_ =~ s/\b(sum|avg|count)\(/dp_$1(/gr, tolerance => 10) } @types);
cases('types', map { [ $_, tolerance => 10 ] } @types);
cases('types',
	['SELECT pg_typeof(dp_sum(i4, 0, 9)), pg_typeof(dp_avg(i4, 0, 9)), pg_typeof(dp_sum(i8, 0, 9)), pg_typeof(dp_avg(f4, 0, 9))  FROM labs',
		truth => q{VALUES ('bigint', 'numeric', 'numeric', 'double precision')}],
	# neither NULL nor NaN is a value, for counts as for sums
	(map { [ "SELECT count($_) FROM wild", truth => 'SELECT 800' ] } qw(f4 f8 n)),
	# 600 tens, 100 NULLs, 100 NaNs, 100 values at each bound
	map { [ "SELECT count(*), count($_), sum($_), avg($_) FROM wild",
			truth => 'SELECT 1000, 800, 16000, 20', tolerance => 20 ] } qw(f4 f8 n));

cases('bounds',
	['SELECT dp_sum(cost, 0, 1000), dp_avg(cost, 0, 1000) FROM visits',
		truth => 'SELECT sum(least(cost, 1000)), avg(least(cost, 1000)) FROM visits', tolerance => 100],
	['SELECT dp_avg(nights, -5, 3) FROM visits', truth => 'SELECT avg(least(nights, 3)) FROM visits'],
	(map { ["SELECT sum($_), avg($_) FROM visits", tolerance => 100] }
		'nights * 2 + 1', 'CASE WHEN nights > 3 THEN nights ELSE 0 END', 'coalesce(nights, 5)',
		'nights::numeric', 'nights::float8', 'nights::bigint', 'cost::float8 / 100', 'cost / 100 - 3',
		'-nights', 'abs(nights - 3)', 'greatest(nights, 3)', 'round(cost / 1000)', '(nights > 3)::int',
		'CASE WHEN nights > 3 THEN 1 ELSE 0 END', 'nights * nights', '7 - nights'),
	['SELECT sum(1) FROM visits', tolerance => 5],
	['SELECT sum(2.5), avg(3) FROM visits', tolerance => 30],
	['SELECT sum(1) FROM visits HAVING count(1) > 0', tolerance => 5],
	['SELECT sum(x) FROM (SELECT nights AS x FROM visits) v', tolerance => 10],
	['SELECT sum(x) FROM (SELECT nights + 1 AS x FROM visits) v', tolerance => 10],
	['WITH v AS (SELECT clinic, cost / 100 AS x FROM visits) SELECT clinic, avg(x) FROM v GROUP BY 1 ORDER BY 1']);

cases('settings',
	['SELECT count(*) FROM patients WHERE dp_with(epsilon => 500)', truth => 'SELECT 1200', epsilon => 500],
	['SELECT count(*) FROM patients WHERE age > 30 AND dp_with(epsilon => 250.5, delta => 1e-6)',
		truth => 'SELECT count(*) FROM patients WHERE age > 30', epsilon => 250.5],
	['SELECT clinic, count(*) FROM visits WHERE dp_with(max_groups => 3, max_rows => 1) GROUP BY 1 ORDER BY 1',
		truth => 'SELECT clinic, count(*) FROM visits GROUP BY 1 ORDER BY 1'],
	['SELECT (SELECT count(*) FROM patients WHERE dp_with(300)), (SELECT count(*) FROM visits WHERE dp_with(300))',
		truth => 'SELECT 1200, 3000', releases => 2, epsilon => 300],
	# in one group of three, one row of three: a third
	['SELECT count(*) FROM visits WHERE dp_with(max_rows => 1)', truth => 'SELECT 1000'],
	['SELECT sum(n) FROM (SELECT clinic, count(*) AS n FROM visits WHERE dp_with(max_groups => 1) GROUP BY 1) r',
		truth => 'SELECT 1000', tolerance => 10],
	# tools write their query around the one that they were given
	['SELECT count(*) FROM (SELECT * FROM patients WHERE dp_with(epsilon => 500)) p', truth => 'SELECT 1200', epsilon => 500],
	['SELECT count(*) FROM (SELECT * FROM (SELECT * FROM patients WHERE age > 30 AND (dp_with(epsilon => 500) AND age > 20)) p WHERE dp_with(max_groups => 1)) q WHERE age < 200',
		truth => 'SELECT count(*) FROM patients WHERE age > 30', epsilon => 500],
	['SELECT count(*) FROM (SELECT DISTINCT ON (patient_id) * FROM visits WHERE dp_with(epsilon => 400) ORDER BY patient_id, cost) v', truth => 'SELECT 1000', epsilon => 400],
	['SELECT count(*) FROM (SELECT patient_id FROM visits WHERE dp_with(epsilon => 400) GROUP BY patient_id) v', truth => 'SELECT 1000', epsilon => 400],
	['SELECT count(*) FROM patients p LEFT JOIN (SELECT DISTINCT patient_id FROM visits WHERE dp_with(epsilon => 400)) v USING (patient_id)', truth => 'SELECT 1200', epsilon => 400],
	['WITH p AS (SELECT * FROM patients WHERE dp_with(epsilon => 300)) SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM p WHERE age > 30)',
		truth => 'SELECT 1200, (SELECT count(*) FROM patients WHERE age > 30)', releases => 2, epsilon => 300],
	['WITH p AS (SELECT * FROM patients WHERE dp_with(epsilon => 300)) SELECT count(*) FROM patients', truth => 'SELECT 1200'],
	['SELECT sum(n) FROM (SELECT clinic, count(*) AS n FROM (SELECT * FROM visits WHERE dp_with(epsilon => 700)) v GROUP BY ROLLUP (clinic)) r',
		truth => 'SELECT 6000', epsilon => 700, tolerance => 20],
	['SELECT sum(n) FROM (SELECT count(*) AS n FROM patients WHERE dp_with(epsilon => 600)) r', truth => 'SELECT 1200', epsilon => 600]);

# Tools mark queries with keys that are the same in every row.
cases('constant keys',
	['SELECT clinic, abs(2) AS level, count(*) FROM visits GROUP BY clinic, abs(2) ORDER BY clinic, abs(2)'],
	[q{SELECT 'x' AS tag, clinic, 7, avg(cost) FROM visits GROUP BY 1, 2, 3 ORDER BY 1, 2, 3}, tolerance => 5],
	['SELECT clinic, abs(2), count(*) FROM visits GROUP BY clinic, abs(2) HAVING abs(2) > 3'],
	['SELECT abs(3) AS level, count(*) FROM visits GROUP BY abs(3)'],
	['SELECT level, count(*) FROM (SELECT abs(2) AS level, clinic FROM visits) v GROUP BY level, clinic ORDER BY clinic'],
	['SELECT avg(n) FROM (SELECT patient_id, 1 AS one, count(*) AS n FROM visits GROUP BY patient_id, one) v'],
	['SELECT abs(3), count(*) FROM patients WHERE age < 0 GROUP BY abs(3)', truth => 'SELECT 1, 2 WHERE false']);

# Nobody there, one, too few: the same shape, and nothing told.
cases('few',
	(map { [ "SELECT count(*), sum(age), avg(age) FROM patients WHERE $_", truth => 'SELECT NULL, NULL, NULL' ] }
		'patient_id = 0', 'patient_id = 7', 'patient_id < 5'),
	(map { [ "SELECT sex, count(*) FROM patients WHERE $_ GROUP BY sex", truth => 'SELECT 1 WHERE false' ] }
		'patient_id = 0', 'patient_id = 7', 'patient_id < 5'),
	# which is known without a look at the rows, and free
	(map { [ "SELECT count(*), sum(age), avg(age) FROM patients WHERE $_", truth => 'SELECT 0, NULL, NULL', releases => 0 ] } 'false', '1 <> 1'),
	[ 'SELECT sex, count(*) FROM patients WHERE false GROUP BY sex', releases => 0 ],
	[ 'SELECT count(*) FROM patients LIMIT 0', releases => 0 ]);

# ---------- sessions: prepared statements, cursors, languages ----------

# script(SQL, ROWS, RELEASES, NAME): output lines of a script of many statements
# are what ROWS says, numbers within the tolerance, and it makes RELEASES releases.
sub script
{
	my ($name, $sql, $truth, $releases, %o) = @_;
	my $before = DpAgg::value($node, 'analyst', $ledger);
	my $r = DpAgg::as($node, 'analyst',
		($o{header} // "SET dp_agg.epsilon = $epsilon;\nSET search_path = a, public;\n") . $sql);
	my $after = DpAgg::value($node, 'analyst', $ledger);
	my @before = split ' ', $before;
	my @after = split ' ', $after;

	ok($r->{ok} && answers_agree($r->{out}, join("\n", @$truth), $o{tolerance} // 2), $name)
	  or diag("$r->{err}\n$r->{out}\n-- expected:\n" . join("\n", @$truth));
	is(sprintf('%d for %s', $after[1] - $before[1], $after[0] - $before[0]),
		sprintf('%d for %s', $releases, $o{cost} // $releases * $epsilon), "$name: the charge");
	return;
}

my $old = $node->safe_psql('postgres', 'SELECT count(*) FROM patients WHERE age > 30');
foreach my $mode ('auto', 'force_custom_plan', 'force_generic_plan')
{
	script("prepared statement, plan_cache_mode $mode", <<"SQL", [ ($old) x 10, '0', '|', 1200 ], 13);
SET plan_cache_mode = $mode;
PREPARE q (int) AS SELECT count(*) FROM patients WHERE age > \$1;
EXECUTE q (30); EXECUTE q (30); EXECUTE q (30); EXECUTE q (30); EXECUTE q (30);
EXECUTE q (30); EXECUTE q (30); EXECUTE q (30); EXECUTE q (30); EXECUTE q (30);
PREPARE r (int) AS SELECT count(*) IS NOT NULL::int::boolean FROM patients WHERE age > \$1;
DEALLOCATE r;
PREPARE r (int) AS SELECT coalesce(count(*), 0) FROM patients WHERE age > \$1;
EXECUTE r (NULL);
PREPARE s (int, int) AS SELECT sum(age), avg(age) FROM patients WHERE age > \$1 AND age < \$2;
EXECUTE s (NULL, 3);
PREPARE t (text) AS SELECT count(*) FROM patients WHERE \$1 IS NULL OR sex = \$1;
EXECUTE t (NULL);
SQL
	script("parameters as bounds and in dp_with, $mode", <<"SQL", [ ('500') x 7, ('1200') x 2 ], 9, cost => 7000 + 500 + 250, tolerance => 20);
SET plan_cache_mode = $mode;
PREPARE b (float8, float8) AS SELECT dp_avg(cost, \$1, \$2) FROM visits WHERE cost > 500;
EXECUTE b (0, 500); EXECUTE b (0, 500); EXECUTE b (0, 500); EXECUTE b (0, 500);
EXECUTE b (0, 500); EXECUTE b (0, 500); EXECUTE b (0, 500);
PREPARE w (float8) AS SELECT count(*) FROM patients WHERE dp_with(epsilon => \$1);
EXECUTE w (500); EXECUTE w (250);
SQL
}

script('PREPARE and DEALLOCATE cost nothing', <<'SQL', [], 0);
PREPARE q AS SELECT count(*) FROM patients;
PREPARE r (int) AS SELECT count(*) FROM patients WHERE age > $1;
DEALLOCATE q;
DEALLOCATE ALL;
DISCARD ALL;
SQL

script('a probe for columns reads nothing and is free', <<'SQL', [], 0);
SELECT TRUE AS "_" FROM "public"."patients" WHERE 1 <> 1 LIMIT 0;
SQL
script('cursor', <<'SQL', [ 'clinic 1|1000', 'clinic 2|1000', 'clinic 2|1000', 'clinic 1|1000', 'clinic 1|1000', 'clinic 2|1000', 'clinic 3|1000' ], 1);
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT clinic, count(*) FROM visits GROUP BY clinic ORDER BY clinic;
FETCH 1 FROM c;
FETCH NEXT FROM c;
MOVE 1 IN c;
FETCH BACKWARD 2 FROM c;
MOVE ABSOLUTE 0 IN c;
FETCH ALL FROM c;
COMMIT;
SQL
script('a cursor shows the same values again', <<'SQL', ['t'], 1);
CREATE TEMP TABLE seen (pass int, n bigint);
DO $$
DECLARE
	c SCROLL CURSOR FOR SELECT count(*) FROM visits WHERE dp_with(epsilon => 1000);
	n bigint;
BEGIN
	OPEN c;
	FOR pass IN 1 .. 5 LOOP
		FETCH FIRST FROM c INTO n;
		INSERT INTO seen VALUES (pass, n);
	END LOOP;
	CLOSE c;
END $$;
SELECT count(DISTINCT n) = 1 AND count(*) = 5 FROM seen;
SQL
script('a cursor that is never fetched from is paid', <<'SQL', [], 1);
BEGIN;
DECLARE c CURSOR FOR SELECT count(*) FROM visits;
ROLLBACK;
SQL
script('cursor WITH HOLD', <<'SQL', [ 'clinic 1|1000', 'clinic 2|1000', 'clinic 3|1000', 'clinic 1|1000' ], 1);
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT clinic, count(*) FROM visits GROUP BY clinic ORDER BY clinic;
COMMIT;
FETCH 2 FROM c;
FETCH 2 FROM c;
FETCH FIRST FROM c;
CLOSE c;
SQL
script('read-only transaction', <<'SQL', ['1200'], 1);
BEGIN READ ONLY;
SELECT count(*) FROM patients;
COMMIT;
SQL
script('REPEATABLE READ', <<'SQL', ['1200'], 1);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM patients;
COMMIT;
SQL
script('savepoints and ROLLBACK refund nothing', <<'SQL', [ 1200, 1200, 1200 ], 3);
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM patients;
ROLLBACK TO s;
SELECT count(*) FROM patients;
RELEASE s;
SELECT count(*) FROM patients;
ROLLBACK;
SQL
script('DO block with variables, a FOR loop and EXECUTE', <<'SQL', [ 1200, 3000, 1000, $old ], 4);
CREATE TEMP TABLE o (n numeric, i serial);
DO $$
DECLARE
	n bigint;
	r record;
	years int := 30;
BEGIN
	SELECT count(*) INTO n FROM patients;
	INSERT INTO o VALUES (n);
	n := (SELECT count(*) FROM visits);
	INSERT INTO o VALUES (n);
	FOR r IN SELECT clinic, count(*) AS n FROM visits GROUP BY clinic ORDER BY clinic LOOP
		IF r.clinic = 'clinic 2' THEN INSERT INTO o VALUES (r.n); END IF;
	END LOOP;
	EXECUTE 'SELECT count(*) FROM patients WHERE age > $1' INTO n USING years;
	INSERT INTO o VALUES (n);
END $$;
SELECT n FROM o ORDER BY i;
SQL
script('functions', <<'SQL', [ $old, $old, 1200, 'clinic 1|1000', $old, $old, 't' ], 7);
CREATE FUNCTION older_p(years int) RETURNS bigint LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT count(*) FROM patients WHERE age > years); END $$;
CREATE FUNCTION older_s(years int) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM public.patients WHERE age > years $$;
CREATE FUNCTION everybody() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM public.patients; END;
CREATE FUNCTION clinics_of() RETURNS TABLE (clinic text, n bigint) LANGUAGE sql STABLE AS
$$ SELECT clinic, count(*) FROM public.visits GROUP BY clinic $$;
SELECT older_p(30);
SELECT older_s(30);
SELECT everybody();
SELECT * FROM clinics_of() WHERE clinic = 'clinic 1';
SELECT n FROM (SELECT older_p(30) AS n OFFSET 0) x;
SELECT older_s(30);
SELECT everybody() IS NOT NULL;
SQL
script('COPY TO STDOUT', <<'SQL', [ "clinic 1,1000", "clinic 2,1000", "clinic 3,1000" ], 1);
COPY (SELECT clinic, round(count(*), -2) FROM visits GROUP BY clinic ORDER BY clinic) TO STDOUT (FORMAT csv);
SQL
script('tables of releases', <<'SQL', [ 'clinic 1|1000', 'clinic 2|1000', 'clinic 3|1000', '1200', '3000', '5', 'clinic 1|1000' ], 6);
CREATE TABLE a.ctas AS SELECT clinic, count(*) AS n FROM visits GROUP BY clinic;
SELECT * FROM ctas ORDER BY 1;
CREATE TABLE a.own (n bigint);
INSERT INTO own SELECT count(*) FROM patients;
SELECT n FROM own;
UPDATE own SET n = (SELECT count(*) FROM visits);
SELECT n FROM own;
WITH r AS (SELECT clinic, count(*) AS n FROM visits GROUP BY 1) INSERT INTO own SELECT n FROM r;
SELECT count(*) + 1 FROM own;
CREATE MATERIALIZED VIEW a.mat AS SELECT clinic, count(*) AS n FROM visits GROUP BY clinic WITH NO DATA;
SELECT clinic, n INTO a.copied FROM (SELECT clinic, count(*) AS n FROM visits GROUP BY clinic) x;
REFRESH MATERIALIZED VIEW a.mat;
SELECT * FROM mat WHERE clinic = 'clinic 1';
SQL
script('joins with temporary tables', <<'SQL', [ '500', 'x|400', '300', '0' ], 3);
CREATE TEMP TABLE mine (id int PRIMARY KEY, label text);
INSERT INTO mine SELECT i, CASE WHEN i <= 400 THEN 'x' ELSE 'y' END FROM generate_series(1, 500) i;
SELECT count(*) FROM patients JOIN mine ON id = patient_id;
SELECT label, count(*) FROM patients JOIN mine ON id = patient_id WHERE label = 'x' GROUP BY label;
SELECT count(*) FROM patients WHERE patient_id IN (SELECT id FROM mine WHERE id <= 300);
SELECT count(*) FROM mine WHERE id > 1000;
SQL
script('the settings', <<'SQL', [ 1200, 1000, 1000 ], 3, header => '', cost => 800 + 900 + 1000, tolerance => 10);
SET dp_agg.epsilon = 800;
SELECT count(*) FROM patients;
SET dp_agg.epsilon = 900;
SET dp_agg.max_rows = 1;
SELECT count(*) FROM visits;
RESET dp_agg.max_rows;
SET LOCAL dp_agg.epsilon = 5;
BEGIN;
SET LOCAL dp_agg.epsilon = 1000;
SET LOCAL dp_agg.max_groups = 1;
SELECT sum(n) FROM (SELECT clinic, count(*) AS n FROM visits GROUP BY 1) r;
COMMIT;
SQL
script('delta is charged, too', <<'SQL', ['0.000002'], 1, cost => 1, tolerance => 0, header => "SET dp_agg.epsilon = 1;\n");
CREATE TEMP TABLE before AS SELECT delta_spent FROM dp_agg.my_budget WHERE population = 'writers';
SET dp_agg.delta = 2e-6;
CREATE TEMP TABLE o AS SELECT count(*) FROM letters;
SELECT trim_scale(m.delta_spent - b.delta_spent) FROM dp_agg.my_budget m, before b WHERE population = 'writers';
SQL

# ---------- parameters through the extended protocol ----------

foreach my $mode ('extended', 'prepared')
{
	my $script = $node->basedir . "/$mode.sql";
	my $analyst = $node->connstr('postgres') . " user='analyst'";

	PostgreSQL::Test::Utils::append_to_file($script, <<'SQL');
\set years 30
\set upper 500
SELECT count(*) AS n FROM patients WHERE age > :years \gset
SELECT round(dp_avg(cost, 0, :upper)) AS m FROM visits WHERE cost > :upper AND dp_with(epsilon => :upper) \gset
INSERT INTO a.sent VALUES (:n, :m);
SQL
	DpAgg::value($node, 'analyst', 'DROP TABLE IF EXISTS a.sent; CREATE TABLE a.sent (n bigint, m float8)');
	my ($spent) = split ' ', DpAgg::value($node, 'analyst', $ledger);
	local $ENV{PGOPTIONS} = "-c dp_agg.epsilon=$epsilon";
	$node->command_ok([ 'pgbench', '-n', '-M', $mode, '-t', '7', '-f', $script, '-d', $analyst ],
		"pgbench -M $mode");
	is(DpAgg::value($node, 'analyst',
			"SELECT count(*), bool_and(abs(n - $old) < 3), bool_and(abs(m - 500) < 20) FROM a.sent"),
		'7|t|t', "parameters through the protocol, -M $mode");
	my ($after) = split ' ', DpAgg::value($node, 'analyst', $ledger);
	is($after - $spent, 7 * (1000 + 500), "the charge, -M $mode");
}

# Describe alone: psql's \gdesc.
script('Describe costs nothing', "SELECT clinic, count(*) AS n, avg(cost) FROM visits GROUP BY clinic \\gdesc\n",
	[ 'clinic|text', 'n|bigint', 'avg|numeric' ], 0);

# ---------- one value for several, and public rows that are chosen ----------

# Values that are equal and look different, public columns that nothing can compare.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE spelt (id int PRIMARY KEY, k int NOT NULL, n numeric NOT NULL, iv interval NOT NULL, j jsonb NOT NULL);
INSERT INTO spelt SELECT i, i % 10, (ARRAY[1.0, 1.00, 2, 2.50])[1 + i % 4],
	(ARRAY['1 mon', '30 days', '720 hours', '1 day'])[1 + i % 4]::interval,
	(ARRAY['{"a":1}', '{"a":1.0}', '{"a":2}', '{"a":2}'])[1 + i % 4]::jsonb FROM generate_series(1, 1200) i;
SELECT dp_agg.protect('spelt', 'id', 'people');
CREATE TABLE oddments (a int, js json, r int4range, p point);
INSERT INTO oddments SELECT i, '{}', int4range(i, i + 5), point(i, i) FROM generate_series(0, 9) i;
GRANT SELECT ON oddments TO PUBLIC;
SQL
cases('grouped by a value and by how it is spelt',
	(map { [$_] } 'SELECT s, count(*) FROM (SELECT id, scale(n) AS s FROM spelt GROUP BY id, n, scale(n)) q GROUP BY s ORDER BY s',
	'SELECT s, count(*) FROM (SELECT id, n::text AS s FROM spelt GROUP BY id, n, n::text) q GROUP BY s ORDER BY s',
	'SELECT s, count(*) FROM (SELECT id, iv::text AS s FROM spelt GROUP BY id, iv, iv::text) q GROUP BY s ORDER BY s',
	q{SELECT s, count(*) FROM (SELECT id, j->>'a' AS s FROM spelt GROUP BY id, j, j->>'a') q GROUP BY s ORDER BY s}),
	[ 'SELECT s, count(*) FROM (SELECT id, scale(n) + scale(n * 2) AS s FROM spelt GROUP BY id, n * 2, scale(n)) q GROUP BY s ORDER BY s',
		truth => 'SELECT scale(n), count(*) FROM spelt GROUP BY 1 ORDER BY 1' ]);	# n * 2 is 2 or 5
cases('public rows are chosen whatever their columns are',
	map { [$_] } 'SELECT count(*) FROM spelt p JOIN (SELECT a, js FROM oddments ORDER BY a LIMIT 3) w ON w.a = p.k',
	'SELECT count(*) FROM spelt p JOIN (SELECT a, r FROM oddments ORDER BY a OFFSET 2) w ON w.a = p.k',
	'SELECT count(*) FROM spelt p JOIN (SELECT a, p FROM oddments LIMIT 3) w ON w.a = p.k',
	'SELECT count(*) FROM spelt p JOIN (SELECT a, js FROM oddments OFFSET 0) w ON w.a = p.k',
	'SELECT count(*) FROM spelt p WHERE EXISTS (SELECT * FROM (SELECT a, js FROM oddments LIMIT 100) w WHERE w.a = p.k)',
	'WITH l AS (SELECT DISTINCT ON (a) * FROM oddments ORDER BY a) SELECT count(*) FROM spelt p JOIN l ON l.a = p.k',
	'WITH l AS (SELECT a, p FROM oddments ORDER BY a LIMIT 5) SELECT count(*) FROM spelt s JOIN l ON l.a = s.k JOIN l m ON m.a = s.k',
	'SELECT count(*) FROM spelt p JOIN (SELECT a FROM oddments ORDER BY a % 2 FETCH FIRST 1 ROW WITH TIES) w ON w.a = p.k');

# ---------- nothing to count ----------

$node->safe_psql('postgres', 'CREATE TABLE nobody (LIKE visits)');
$node->safe_psql('postgres',
	q{SELECT dp_agg.protect('nobody', 'patient_id', 'people'), dp_agg.set_bounds('nobody', 'cost', 0, 1)});
cases('an empty table',
	['SELECT count(*), sum(cost), avg(cost) FROM nobody', truth => 'SELECT NULL, NULL, NULL'],
	['SELECT clinic, count(*) FROM nobody GROUP BY clinic', truth => 'SELECT 1 WHERE false'],
	['SELECT DISTINCT clinic FROM nobody', truth => 'SELECT 1 WHERE false']);

$node->stop;
done_testing();
