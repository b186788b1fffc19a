# What is refused, how, and that it costs nothing: every refusal by SQLSTATE and
# text, raw reads in every place of a statement, roles without account, wrong
# bounds and settings, wrong arguments of the administrator's functions.
#
# Everything an analyst is refused is asked twice, with rows and after the tables
# were emptied: the answer must be the same, word by word.

use strict;
use warnings;
use Test::More;
use DpAgg;

my $node = DpAgg::node('main', roles => [ 'analyst', 'stranger', 'poor' ]);
my $superuser = getpwuid($<);

$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA a AUTHORIZATION analyst;
CREATE TABLE patients (patient_id int PRIMARY KEY, name text, age int, sex text, extra int);
INSERT INTO patients SELECT p, 'n' || p, p % 90, CASE p % 2 WHEN 0 THEN 'f' ELSE 'm' END, p FROM generate_series(1, 500) p;
SELECT dp_agg.protect('patients', 'patient_id', 'patients', columns => '{age,sex,patient_id}');
SELECT dp_agg.set_bounds('patients', 'age', 0, 100);

CREATE DOMAIN town AS text CHECK (length(VALUE) < 100);
CREATE TYPE pair AS (x int, y int);
CREATE TABLE visits (patient_id int NOT NULL, clinic text, cost numeric, day date, p pair);
INSERT INTO visits
SELECT p, 'clinic ' || p % 4, 100 * (p % 40), date '2024-01-01', ROW(p, p)::pair
FROM generate_series(1, 500) p, generate_series(1, 2) v;
SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'patients', max_groups => 4, max_rows => 10);
SELECT dp_agg.set_bounds('visits', 'cost', 0, 5000);

CREATE TABLE cars (plate text, owner int, price int);
SELECT dp_agg.protect('cars', 'plate', 'cars');
SELECT dp_agg.set_bounds('cars', 'price', 0, 5000);
CREATE TABLE events (person int, day date) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
INSERT INTO events SELECT p, '2024-01-05' FROM generate_series(1, 500) p;
SELECT dp_agg.protect('events', 'person', 'patients');

CREATE TABLE contacts (patient_id int, phone text, city text);
INSERT INTO contacts SELECT p, p::text, 'city' FROM generate_series(1, 500) p;
SELECT dp_agg.protect('contacts', 'patient_id', 'patients');
SELECT dp_agg.classify('contacts', 'phone', 'direct_identifier'), dp_agg.classify('contacts', 'patient_id', 'direct_identifier');
CREATE TABLE clinics (clinic text PRIMARY KEY, city text, tags text[]);
INSERT INTO clinics VALUES ('clinic 1', 'Graz'), ('clinic 2', 'Linz');
GRANT SELECT ON clinics TO analyst;
CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION plain FROM "C";

SELECT dp_agg.set_budget('analyst', p, epsilon => 1000, delta => 0.5) FROM unnest('{patients,cars}'::name[]) p;
SELECT dp_agg.set_budget('poor', 'patients', epsilon => 0.5, delta => 1e-6, max_epsilon_per_query => 0.4);
ANALYZE;
SQL

DpAgg::value($node, 'analyst', <<'SQL');
CREATE FUNCTION a.f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION a.g(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION a.truth(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN RETURN true; END $$;
CREATE OPERATOR a.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR a.!!! (RIGHTARG = int, FUNCTION = a.f);
CREATE DOMAIN a.small AS int CHECK (VALUE < 50);
CREATE TYPE a.couple AS (x int, y text);
CREATE AGGREGATE a.total(int) (SFUNC = int4pl, STYPE = int);
CREATE TABLE a.own (patient_id int, clinic text, n bigint);
INSERT INTO a.own SELECT i, 'clinic 1', i FROM generate_series(1, 10) i;
SQL

# ---------- DP002: the query is refused ----------

my @dp002;

sub refusals
{
	my ($text, @queries) = @_;
	push @dp002, map { [ $_, 'DP002', $text ] } @queries;
	return;
}

refusals('this aggregate is not available',
	(map { "SELECT $_ FROM visits" } 'percentile_disc(0.5) WITHIN GROUP (ORDER BY clinic)', 'json_agg(cost)', 'json_agg(DISTINCT clinic)',
		'array_agg(DISTINCT ARRAY[cost])', q{string_agg(DISTINCT clinic::bytea, '-')}, 'jsonb_object_agg(clinic, cost)',
		'a.total(patient_id)', 'bit_or(patient_id)',
		'rank(5) WITHIN GROUP (ORDER BY cost)', 'bit_and(patient_id)'),
	'SELECT dp_avg(x, 0, 1) FROM (SELECT array_length(array_agg(cost), 1) AS x FROM visits GROUP BY patient_id) v',
	'SELECT count(*) FROM (SELECT patient_id, a.total(patient_id) FROM visits GROUP BY patient_id) v');
refusals('array_agg and string_agg over protected rows need DISTINCT',
	(map { "SELECT $_ FROM visits" } 'array_agg(cost)', q{string_agg(clinic, ',')}, 'array_agg(clinic ORDER BY cost)', q{string_agg(clinic, ',') FILTER (WHERE cost > 5)}));
refusals('DISTINCT and ORDER BY are not available in this aggregate',
	'SELECT sum(DISTINCT cost) FROM visits', 'SELECT avg(DISTINCT cost) FROM visits', 'SELECT stddev(DISTINCT cost) FROM visits',
	'SELECT corr(DISTINCT cost, cost) FROM visits',
	'SELECT count(clinic ORDER BY clinic) FROM visits', 'SELECT sum(cost ORDER BY clinic) FROM visits',
	'SELECT min(cost ORDER BY clinic) FROM visits', 'SELECT count(DISTINCT cost ORDER BY cost) FROM visits');
refusals('this argument of an aggregate must be a constant or a parameter',
	'SELECT dp_quantile(cost, cost) FROM visits', 'SELECT dp_quantile(cost, random()) FROM visits', 'SELECT dp_top(clinic, patient_id) FROM visits',
	'SELECT string_agg(DISTINCT clinic, clinic) FROM visits', q{SELECT string_agg(DISTINCT clinic, now()::text) FROM visits}, q{SELECT string_agg(DISTINCT clinic, (SELECT ',')) FROM visits},
	'SELECT dp_histogram(cost, 0, 10, patient_id) FROM visits', 'SELECT dp_low(dp_count(*), (SELECT 0.9::float8)) FROM visits',
	'SELECT dp_quantile(cost, ARRAY[0.5, NULL]) FROM visits', 'SELECT dp_quantile(cost, ARRAY[0.5, cost::float8]) FROM visits');
refusals('there is no interval around this output', 'SELECT dp_low(dp_mode(clinic)) FROM visits', 'SELECT dp_high(dp_quantile(cost, ARRAY[0.5])) FROM visits', 'SELECT dp_low(dp_tier(*)) FROM visits', 'SELECT dp_low(max(clinic)) FROM visits', 'SELECT dp_high(bool_or(cost > 5)) FROM visits', 'SELECT dp_low(array_agg(DISTINCT clinic)) FROM visits',
	'SELECT dp_low(dp_top(clinic, 3)) FROM visits', 'SELECT dp_high(dp_histogram(cost, 3)) FROM visits');
refusals('dp_tier(*) takes no FILTER', 'SELECT dp_tier(*) FILTER (WHERE cost > 5) FROM visits', 'SELECT clinic, count(*), dp_tier(*) FILTER (WHERE true) FROM visits GROUP BY 1');
refusals('only collations that come with PostgreSQL',
	'SELECT count(*) FROM visits WHERE clinic = \'CLINIC 1\' COLLATE folded',
	'SELECT count(*) FROM visits WHERE clinic < \'x\' COLLATE plain',
	'SELECT clinic COLLATE folded, count(*) FROM visits GROUP BY 1');
refusals('column "phone" is classified as a direct_identifier, which may stand nowhere in a release',
	'SELECT count(phone) FROM contacts', 'SELECT phone, count(*) FROM contacts GROUP BY 1', 'SELECT count(*) FROM contacts WHERE phone LIKE \'1%\'',
	'SELECT count(*) FROM visits v JOIN contacts c USING (patient_id) WHERE c.phone = \'5\'');
refusals('column "patient_id" is classified as a direct_identifier, which may stand nowhere in a release',
	'SELECT count(*) FROM contacts WHERE patient_id = 5', 'SELECT count(*) FROM contacts c JOIN a.own o ON o.patient_id = c.patient_id');
refusals('this column is not open to releases',
	'SELECT count(*) FROM patients WHERE name = \'n5\'', 'SELECT name, count(*) FROM patients GROUP BY 1',
	'SELECT count(name) FROM patients', 'SELECT dp_sum(extra, 0, 10) FROM patients',
	'SELECT count(*) FILTER (WHERE name IS NULL) FROM patients',
	'SELECT count(*) FROM (SELECT name FROM patients) p', 'SELECT count(*) FROM (SELECT * FROM patients) p',
	'SELECT count(*) FROM patients p JOIN a.own o ON o.clinic = p.name',
	'SELECT count(*) FROM patients p JOIN a.own o ON o.patient_id = p.patient_id AND p.extra = 1',
	'SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM patients p WHERE p.patient_id = v.patient_id AND name = \'x\')');
refusals('a release may not refer to columns of an enclosing query',
	# ... in what bounds would have to follow for, and where a window's order is made complete
	'SELECT x, (SELECT sum(cost + x) FROM visits) FROM generate_series(1, 2) x',
	'SELECT x, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY age + x) FROM patients) FROM generate_series(1, 2) x',
	'SELECT x, (SELECT dp_clipped(sum(cost + x)) FROM visits) FROM generate_series(1, 2) x',
	'SELECT count(*) FROM visits v WHERE (SELECT corr(w.cost, v.cost) FROM visits w WHERE w.patient_id = v.patient_id) > 0',
	'SELECT count((SELECT sum(w.cost + v.cost) FROM visits w WHERE w.patient_id = v.patient_id)) FROM visits v',
	'SELECT x, n FROM generate_series(1, 2) x, LATERAL (SELECT sum(cost * x) AS n FROM visits GROUP BY ROLLUP (clinic)) s',
	'SELECT x, (SELECT avg(r) FROM (SELECT patient_id, cost + x AS c, row_number() OVER (PARTITION BY patient_id ORDER BY day) AS r FROM visits) s) FROM generate_series(1, 2) x',
	'SELECT count(*) FROM patients p, LATERAL (SELECT patient_id, row_number() OVER (PARTITION BY patient_id ORDER BY cost + p.age) AS r FROM visits) s WHERE s.patient_id = p.patient_id',
	'SELECT c.clinic, (SELECT count(*) FROM visits v WHERE v.clinic = c.clinic) FROM clinics c',
	'SELECT c.clinic, n FROM clinics c, LATERAL (SELECT count(*) AS n FROM visits v WHERE v.clinic = c.clinic) l',
	'SELECT x.c FROM a.own o, LATERAL (SELECT cost AS c FROM visits v WHERE v.patient_id = o.patient_id) x',
	'SELECT c.clinic FROM clinics c WHERE (SELECT count(*) FROM visits v WHERE v.clinic = c.clinic) > 5',
	'SELECT (SELECT count(*) FROM visits WHERE clinic = x) FROM (VALUES (\'clinic 1\')) t (x)');
refusals('protected relations cannot be queried while plans are printed',
	map { "SET LOCAL $_ = on; SELECT count(*) FROM visits" } 'debug_print_plan');
refusals('DISTINCT or GROUP BY below a release must contain the unit',
	'SELECT count(*) FROM (SELECT DISTINCT count(*) FROM visits GROUP BY patient_id) v');
refusals('DISTINCT ON would pick rows of single individuals',
	'SELECT count(*) FROM (SELECT DISTINCT ON (clinic) patient_id, clinic FROM visits) v', 'SELECT DISTINCT ON (clinic) clinic, cost FROM visits', 'SELECT DISTINCT ON (patient_id) patient_id, clinic FROM visits',
	q{SELECT count(*) FROM visits v WHERE (SELECT w.cost FROM visits w WHERE w.clinic = v.clinic ORDER BY w.cost DESC LIMIT 1) > 100},
	'SELECT DISTINCT ON (patient_id) patient_id, count(*) FROM visits GROUP BY patient_id');
refusals('plans over protected relations are not shown',
	map { "$_ SELECT count(*) FROM visits" } 'EXPLAIN ANALYZE', 'EXPLAIN (ANALYZE, FORMAT json)', 'EXPLAIN (ANALYZE, COSTS off)',
	'EXPLAIN (ANALYZE, TIMING off, SUMMARY off)', 'EXPLAIN ANALYZE CREATE TABLE a.x AS', 'EXPLAIN ANALYZE INSERT INTO a.own (n)');
refusals('this kind of expression is not available',
	'SELECT count(*) FROM visits WHERE (current_user, clinic) IS NULL',
	'SELECT count(*) FROM visits WHERE (ARRAY[patient_id])[1:2] = ARRAY[5]',
	'SELECT count(*) FROM visits WHERE ROW(cost, 1) IS NULL',
	'SELECT count(*) FROM visits WHERE xmlelement(name a) IS DOCUMENT');
refusals('only tables, sub-selects, joins and VALUES may stand in FROM',
	'SELECT count(*) FROM visits, pg_options_to_table(ARRAY[1, 2]::text[])', 'SELECT count(*) FROM visits, unnest(ARRAY[patient_id, 2])',
	'SELECT count(*) FROM visits JOIN a.f(1) x ON x = patient_id',
	'SELECT count(*) FROM visits, LATERAL generate_series(1, patient_id)',
	'SELECT count(*) FROM visits v, json_to_record(\'{}\') AS r (x int)',
	'SELECT count(*) FROM visits, ROWS FROM (generate_series(1, 2), pg_show_all_settings())',
	q{SELECT count(*) FROM visits, XMLTABLE('/a' PASSING '<a/>' COLUMNS x int)},
	'WITH n AS (DELETE FROM a.own RETURNING patient_id) SELECT count(*) FROM visits JOIN n USING (patient_id)',
	'WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT count(*) FROM visits JOIN r ON n = patient_id');
refusals('protected relations may be joined by FULL JOIN on their units alone',
	'SELECT count(*) FROM visits v FULL JOIN patients p ON v.patient_id = p.patient_id AND v.patient_id + 0 = p.patient_id');
refusals('this function or operator is not available',
	(map { "SELECT count(*) FROM visits WHERE $_" } 'a.f(patient_id) = 1', 'a.g(patient_id) = 1',
	'a.truth(patient_id)',
		'(OPERATOR(a.!!!) patient_id) = 1', 'random() < 0.5', 'pg_sleep(0) IS NULL',
		'clock_timestamp() > now()', q{set_config('a.b', clinic, false) = ''},
		q{current_setting(clinic) = clinic},
		q{query_to_xml('SELECT 1', true, true, '') IS NULL}, 'pg_advisory_lock(patient_id) IS NULL',
		q{getdatabaseencoding() = clinic}, q{cash_words(cost::money) = ''}, q{to_json(cost) IS NULL},
		'pg_notify(\'x\', clinic) IS NULL', 'setseed(0.5) IS NULL', 'lo_get(1) IS NULL',
		'txid_current() > 0', 'pg_postmaster_start_time() IS NULL', 'has_table_privilege(clinic, \'select\')',
		'pg_column_size(cost) > 1',
		'pg_typeof(cost) = \'int\'::regtype', 'clinic = to_json(cost)::text'),
	'SELECT a.f(patient_id), count(*) FROM visits GROUP BY 1',
	'SELECT random() < 0.5, count(*) FROM visits GROUP BY 1',
	'SELECT dp_sum(a.f(patient_id), 0, 1) FROM visits', 'SELECT count(a.f(patient_id)) FROM visits',
	'SELECT count(*) FILTER (WHERE a.truth(patient_id)) FROM visits',
	'SELECT count(*) FROM visits v JOIN clinics c ON v.clinic = c.clinic AND a.truth(patient_id)',
	'SELECT count(*) FROM visits v LEFT JOIN a.own o ON a.f(v.patient_id) = o.patient_id',
	'SELECT dp_avg(x, 0, 9) FROM (SELECT a.f(patient_id) AS x FROM visits) v',
	'SELECT count(*) FROM visits WHERE CASE WHEN cost > 5 THEN a.truth(patient_id) END',
	'SELECT count(*) FROM visits WHERE clinic IN (SELECT clinic FROM a.own WHERE a.truth(1))',
	'SELECT count(*) FROM visits v JOIN (SELECT a.f(patient_id) AS id FROM a.own) o ON o.id = v.patient_id',
	'SELECT count(*) FROM (SELECT patient_id FROM visits GROUP BY 1 HAVING a.truth(count(*)::int)) v',
	'SELECT count(*) FROM visits WHERE cost > 5 OR dp_with(1)',
	'SELECT count(*) FROM visits WHERE NOT dp_with(1)',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE cost > 5 OR dp_with(1)) v',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE dp_with(1) UNION ALL SELECT * FROM visits) v',
	'SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM visits w WHERE w.patient_id = v.patient_id AND dp_with(1))',
	'SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM (SELECT * FROM visits WHERE dp_with(1)) w WHERE w.patient_id = v.patient_id)');
refusals('the pattern or format of this function must be a constant',
	map { "SELECT count(*) FROM visits WHERE $_" } 'clinic ~ clinic', 'clinic SIMILAR TO clinic', q{regexp_replace(clinic, clinic, '') = ''},
		'to_char(cost, clinic) = clinic', 'to_date(clinic, clinic) IS NULL');
refusals('the length given to lpad, rpad, repeat, char or bit',
	map { "SELECT count(*) FROM visits WHERE $_" } q{repeat(clinic, 100000) = ''}, q{lpad(clinic, 100000) = ''}, q{rpad(clinic, patient_id) = ''},
	q{clinic::char(10485760) = ''}, q{bpchar(clinic::bpchar, patient_id, true) = ''}, q{"bit"(patient_id, patient_id) IS NULL}, q{"bit"(patient_id::bigint, 2147483600) IS NULL}, q{"bit"(patient_id::bit(4), 2147483600, true) IS NULL});
refusals('this expression fails whatever the rows',
	map { "SELECT count(*) FROM visits WHERE $_" } q{clinic ~ '('}, 'cost / 0 > 1', 'patient_id % (1 - 1) = 0', '1 / 0 = patient_id',
		q{date_trunc('monht', day) = day}, q{extract(hour FROM day) = 1}, q{substr(clinic, 1, -1) = 'x'}, q{split_part(clinic, ' ', 0) = ''},
		q{day::timestamp AT TIME ZONE 'Nowhere' > now()}, 'width_bucket(cost, 0, 100, 0) = 1', 'sqrt(-1) > cost', q{clinic = chr(-1)},
		q{CASE WHEN cost > 5 THEN cost / 0 END > 1});
refusals('GROUPING SETS, ROLLUP and CUBE are not available in a sub-select of public rows',
	map { "SELECT count(*) FROM visits v JOIN (SELECT clinic FROM clinics GROUP BY $_) c USING (clinic)" } 'ROLLUP (clinic)', 'CUBE (clinic)',
		'GROUPING SETS ((clinic), ())');
refusals('this query would return rows about single individuals',
	map { "SELECT count(*) FROM visits GROUP BY $_" } 'ROLLUP (patient_id)', 'GROUPING SETS ((clinic), (clinic, patient_id))');
refusals('a sub-select below several grouping sets is a release itself',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE cost > (SELECT avg(cost) FROM visits)) v GROUP BY ROLLUP (clinic)');
refusals('this GROUP BY has more than 32 different grouping sets',
	'SELECT count(*) FROM visits GROUP BY CUBE (clinic, day, cost, cost + 1, cost + 2, cost + 3)');
refusals('dp_with() is not in its place',
	'SELECT count(*), dp_with(0.5) FROM visits', 'SELECT count(*) FROM visits HAVING dp_with(0.5)', 'SELECT count(*) FROM visits ORDER BY dp_with(0.5)', 'SELECT CASE WHEN count(*) < 0 THEN dp_with(0.5) END FROM visits',
	'SELECT * FROM (SELECT clinic, count(*) FROM visits GROUP BY 1) v WHERE dp_with(0.5)', 'SELECT * FROM a.own, (SELECT count(*) FROM visits) v WHERE dp_with(0.5)', 'WITH v AS (SELECT count(*) FROM visits) SELECT * FROM v WHERE dp_with(0.5)');
refusals('a dp_ aggregate needs a protected relation', 'SELECT dp_tier(*) FROM (SELECT count(*) FROM visits) v', 'SELECT (SELECT dp_count(*) FROM a.own) FROM (SELECT count(*) FROM visits) v');
refusals('dp_low() and dp_high() are not in their place', 'SELECT dp_low(n) FROM (SELECT count(*) AS n FROM visits) v');
refusals('dp_clipped() is not in its place', 'SELECT dp_clipped(n) FROM (SELECT count(*) AS n FROM visits) v');
refusals('shares in dp_with()',
	'SELECT count(*) FROM visits WHERE dp_with(shares => ARRAY[1, 2]) GROUP BY clinic',
	map { "SELECT count(*) FROM visits WHERE dp_with(shares => $_) GROUP BY ROLLUP (clinic)" } 'ARRAY[1]', 'ARRAY[1, 0]', 'ARRAY[random(), 1]');
refusals('LIMIT and OFFSET are not available below',
	'SELECT count(*) FROM (SELECT * FROM visits LIMIT 100) v',
	'SELECT count(*) FROM (SELECT * FROM visits ORDER BY cost OFFSET 5) v',
	'SELECT count(*) FROM (SELECT patient_id FROM visits UNION ALL SELECT patient_id FROM visits LIMIT 5) v',
	'SELECT count(*) FROM (SELECT * FROM visits ORDER BY cost FETCH FIRST 5 ROWS WITH TIES) v');
# a sub-select that fails tells whether it ran
refusals('LIMIT and OFFSET are not available below',
	(map { "SELECT count(*) FROM visits WHERE CASE WHEN patient_id = 7 THEN clinic IN (SELECT clinic FROM clinics $_) ELSE true END" }
		q{LIMIT '-1'}, 'LIMIT -1', q{OFFSET '-1'}, 'LIMIT (SELECT -1)', 'LIMIT random()'),
	'SELECT count(*) FROM visits WHERE CASE WHEN patient_id = 7 THEN clinic = (SELECT clinic FROM clinics LIMIT -1) ELSE true END');
refusals('LIMIT and OFFSET are not available below',
	'SELECT (SELECT cost FROM visits LIMIT 1)',
	'SELECT n FROM a.own WHERE n = (SELECT cost FROM visits ORDER BY cost LIMIT 1)',
	'INSERT INTO a.own (n) VALUES ((SELECT cost FROM visits LIMIT 1))',
	'SELECT a.f((SELECT patient_id FROM visits OFFSET 1))');
refusals('too many different aggregates',
	'SELECT ' . join(', ', map { "sum(cost + $_)" } 1 .. 200) . ' FROM visits');
refusals('protected relations must be joined by equality of the unit',
	'SELECT count(*) FROM visits, patients',
	'SELECT count(*) FROM visits v JOIN patients p ON v.patient_id > p.patient_id',
	'SELECT count(*) FROM visits v JOIN patients p ON v.patient_id = p.patient_id + 0',
	'SELECT count(*) FROM visits v JOIN patients p ON v.cost = p.age',
	'SELECT count(*) FROM visits v JOIN patients p ON v.patient_id = p.patient_id OR true',
	'SELECT count(*) FROM visits v JOIN patients p ON v.patient_id IS NOT DISTINCT FROM p.patient_id',
	'SELECT count(*) FROM visits v LEFT JOIN patients p ON true WHERE v.patient_id = p.patient_id',
	'SELECT count(*) FROM visits v JOIN patients p ON v.patient_id OPERATOR(a.===) p.patient_id',
	'SELECT count(*) FROM visits v JOIN patients p ON v.patient_id::float8 = p.patient_id::float8',
	'SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM patients p WHERE p.age > 5)',
	'SELECT count(*) FROM visits v WHERE NOT EXISTS (SELECT FROM patients p WHERE p.patient_id > v.patient_id)',
	'SELECT count(*) FROM visits v WHERE cost IN (SELECT age FROM patients)',
	'SELECT count(*) FROM a.own o WHERE false OR EXISTS (SELECT FROM visits v, patients p)',
	'SELECT count(*) FROM visits v WHERE v.patient_id + 1 IN (SELECT patient_id FROM patients)');
refusals('partitions of a protected relation cannot be queried directly',
	'SELECT count(*) FROM events_1', 'SELECT count(*) FROM events JOIN events_1 USING (person)');
refusals('this query would return rows about single individuals',
	'SELECT patient_id, count(*) FROM visits GROUP BY patient_id',
	'SELECT patient_id, clinic, avg(cost) FROM visits GROUP BY 1, 2',
	'SELECT DISTINCT patient_id FROM visits', 'SELECT dp_count(*) FROM visits GROUP BY patient_id',
	'SELECT DISTINCT patient_id, clinic FROM visits',
	'SELECT max(s) FROM clinics, (SELECT dp_count(*) AS s FROM visits GROUP BY patient_id) v',
	'SELECT count(*) FROM visits v JOIN patients p USING (patient_id) GROUP BY p.patient_id',
	'SELECT clinic FROM clinics WHERE EXISTS (SELECT patient_id FROM visits GROUP BY patient_id)');
refusals('protected relations of different populations cannot be joined',
	'SELECT count(*) FROM (SELECT patient_id::text FROM patients UNION ALL SELECT plate FROM cars) x');
refusals('recursive queries are not available',
	'WITH RECURSIVE r AS (SELECT patient_id FROM visits UNION ALL SELECT r.patient_id FROM r JOIN visits v ON v.patient_id = r.patient_id) SELECT count(*) FROM r',
	'WITH RECURSIVE r (n) AS (SELECT count(*) FROM visits UNION ALL SELECT n + 1 FROM r WHERE n < 5000) SELECT * FROM r');
refusals('FOR UPDATE and FOR SHARE are not available',
	'SELECT count(*) FROM (SELECT * FROM visits FOR UPDATE) v',
	'SELECT count(*) FROM (SELECT * FROM visits FOR SHARE) v',
	'SELECT * FROM visits FOR NO KEY UPDATE',
	'SELECT o.n FROM a.own o, (SELECT count(*) FROM visits) v FOR UPDATE OF o',
	'SELECT count(*) FROM visits v JOIN (SELECT * FROM a.own FOR UPDATE) o USING (patient_id)');
refusals('protected relations cannot be queried in a serializable transaction',
	'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM visits');
refusals('only UNION ALL of protected rows of one population',
	(map { "SELECT count(*) FROM (SELECT patient_id FROM visits $_ SELECT patient_id FROM patients) x" }
		'UNION', 'INTERSECT', 'INTERSECT ALL', 'EXCEPT', 'EXCEPT ALL'),
	'SELECT count(*) FROM (SELECT patient_id FROM visits UNION ALL SELECT patient_id FROM a.own) x',
	'SELECT count(*) FROM (SELECT patient_id FROM visits UNION ALL VALUES (1)) x',
	'SELECT cost FROM visits UNION ALL SELECT 1', 'SELECT cost FROM visits UNION SELECT n FROM a.own',
	'SELECT n FROM a.own INTERSECT SELECT cost FROM visits', 'SELECT n FROM a.own EXCEPT SELECT cost FROM visits');
refusals('this form of sub-select is not available',
	'SELECT count(*) FROM patients p WHERE (SELECT sum(cost) FROM visits v WHERE v.patient_id = p.patient_id GROUP BY v.patient_id) > 5',
	'SELECT count(*) FROM patients p WHERE age > ALL (SELECT cost FROM visits v WHERE v.patient_id = p.patient_id)',
	'SELECT count(*) FROM patients p WHERE ARRAY(SELECT city FROM clinics) = \'{}\'',
	'SELECT count(*) FROM visits v WHERE (SELECT city FROM clinics c WHERE c.city = v.clinic) = \'Graz\'');
refusals('system columns and whole rows',
	(map { "SELECT count(*) FROM visits WHERE $_" } q{ctid = '(0,1)'}, q{xmin = '5'}, q{tableoid = 5}),
	'SELECT ctid, count(*) FROM visits GROUP BY 1', 'SELECT count(visits) FROM visits',
	'SELECT count(v.*) FROM visits v',
	'SELECT count(*) FROM visits v WHERE v IS NULL', 'SELECT count(*) FROM visits v WHERE v = v');
refusals('TABLESAMPLE is not available',
	'SELECT count(*) FROM visits TABLESAMPLE BERNOULLI (50)',
	'SELECT count(*) FROM visits TABLESAMPLE SYSTEM (50) REPEATABLE (1)',
	'SELECT count(*) FROM visits JOIN a.own TABLESAMPLE SYSTEM (50) USING (patient_id)');
refusals('values of this type are not available',
	'SELECT p, count(*) FROM visits GROUP BY p',
	'SELECT ROW(clinic, 1), count(*) FROM visits GROUP BY 1',
	'SELECT count(*) FROM visits WHERE p = ROW(1, 2)::pair',
	'SELECT count(*) FROM visits WHERE p IS NULL', 'SELECT count(p) FROM visits',
	'SELECT count(DISTINCT (patient_id, clinic)) FROM visits', 'SELECT count(DISTINCT p) FROM visits', 'SELECT dp_mode(p) FROM visits');
refusals('this kind of expression is not available',
	'SELECT count(*) FROM visits WHERE patient_id::a.small > 5',
	'SELECT count(*) FROM visits WHERE clinic::town = clinic');
refusals('window functions are not available below',
	'SELECT count(*) FROM (SELECT rank() OVER (ORDER BY cost) AS r FROM visits) v WHERE r < 5',
	'SELECT count(*) FROM (SELECT patient_id, sum(cost) OVER (PARTITION BY clinic) AS s FROM visits) v');
refusals('arguments of dp_with',
	'SELECT count(*) FROM visits WHERE dp_with(cost::float8)',
	'SELECT count(*) FROM visits WHERE dp_with(epsilon => random())',
	'SELECT count(*) FROM visits WHERE dp_with(max_rows => patient_id)',
	'SELECT count(*) FROM visits WHERE dp_with((SELECT 1.0::float8))',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE dp_with(max_rows => patient_id)) v',
	'SELECT count(*) FROM visits v, LATERAL (SELECT * FROM visits w WHERE w.patient_id = v.patient_id AND dp_with(max_rows => v.patient_id)) l',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE dp_with((SELECT 1.0::float8))) v');

refusals('two dp_with',
	'SELECT count(*) FROM visits WHERE dp_with(0.25) AND dp_with(0.5)',
	'SELECT count(*) FROM visits WHERE dp_with(0.5) AND cost > 5 AND (clinic IS NOT NULL AND (dp_with(epsilon => 0.25) AND true))',
	'SELECT count(*) FROM visits v JOIN visits w ON v.patient_id = w.patient_id AND dp_with(0.25) WHERE dp_with(0.5)',
	'SELECT count(*) FROM visits v LEFT JOIN visits w ON v.patient_id = w.patient_id AND dp_with(max_rows => 2) WHERE dp_with(0.5, max_rows => 3)',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE dp_with(0.25)) v WHERE dp_with(0.5)',
	'SELECT count(*) FROM (SELECT * FROM visits WHERE dp_with(0.25)) v JOIN (SELECT * FROM visits WHERE dp_with(0.5)) w USING (patient_id)',
	'PREPARE q (float8) AS SELECT count(*) FROM visits WHERE dp_with($1) AND dp_with(0.5); SET plan_cache_mode = force_generic_plan; EXECUTE q (0.5)',
	'PREPARE q (float8, float8) AS SELECT count(*) FROM visits WHERE dp_with($1) AND dp_with($2); EXECUTE q (0.25, 0.5)');


# ---------- 42501: rows themselves ----------

my @raw = map { [ $_, '42501', 'permission denied' ] } (
	'SELECT * FROM visits', 'SELECT * FROM dp.visits',
	'SELECT * FROM (SELECT patient_id, sum(cost) AS s FROM visits GROUP BY 1) v', 'TABLE visits',
	'SELECT 1 FROM visits', 'SELECT FROM visits', 'SELECT cost + 1 FROM visits',
	'SELECT cost FROM visits ORDER BY cost LIMIT 1', 'SELECT 1 FROM visits LIMIT 5',
	'SELECT visits FROM visits', 'SELECT ctid FROM visits',
	'SELECT row_number() OVER (ORDER BY cost) FROM visits', 'SELECT sum(cost) OVER () FROM visits',
	'SELECT c.city FROM clinics c JOIN visits v USING (clinic)',
	'SELECT c.city, v.cost FROM clinics c LEFT JOIN visits v USING (clinic)',
	'SELECT * FROM (SELECT cost FROM visits) v', 'WITH v AS (SELECT cost FROM visits) SELECT * FROM v',
	'WITH v AS MATERIALIZED (SELECT cost FROM visits) SELECT * FROM v',

	'SELECT cost FROM visits UNION ALL SELECT cost FROM visits',
	'SELECT (SELECT cost FROM visits)', 'SELECT ARRAY(SELECT cost FROM visits)',
	'SELECT n FROM a.own WHERE EXISTS (SELECT FROM visits WHERE patient_id = 5)',
	'SELECT n FROM a.own WHERE n IN (SELECT cost FROM visits)',
	'SELECT n FROM a.own WHERE n = ANY (SELECT cost FROM visits)',
	'SELECT n FROM a.own WHERE n > ALL (SELECT cost FROM visits)',
	'SELECT n FROM a.own ORDER BY (SELECT cost FROM visits)',
	'SELECT count(*) FROM a.own GROUP BY (SELECT cost FROM visits)',
	'SELECT count(*) FROM a.own HAVING EXISTS (SELECT FROM visits)',
	'SELECT n FROM a.own LIMIT (SELECT patient_id FROM visits)',
	'SELECT n FROM a.own OFFSET (SELECT patient_id FROM visits)',
	'SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM visits)) FROM a.own',
	'SELECT rank() OVER (ORDER BY (SELECT cost FROM visits)) FROM a.own',
	'SELECT CASE WHEN EXISTS (SELECT FROM visits) THEN 1 END',
	'SELECT * FROM generate_series(1, (SELECT patient_id FROM visits))',
	'SELECT * FROM (VALUES ((SELECT cost FROM visits))) t', 'VALUES ((SELECT cost FROM visits))',
	'SELECT o.n FROM a.own o JOIN clinics c ON EXISTS (SELECT FROM visits)',
	'SELECT count(*) + (SELECT cost FROM visits) FROM visits',
	'SELECT count(*) FROM visits HAVING EXISTS (SELECT FROM visits WHERE patient_id = 3)',
	'SELECT a.f((SELECT patient_id FROM visits))',
	'CREATE TABLE a.stolen AS SELECT * FROM visits', 'SELECT * INTO a.stolen FROM visits',
	'CREATE MATERIALIZED VIEW a.stolen AS SELECT * FROM visits',
	'INSERT INTO a.own (n) SELECT cost FROM visits',
	'INSERT INTO a.own (n) VALUES ((SELECT cost FROM visits))',
	'INSERT INTO a.own (n) VALUES (1) RETURNING (SELECT cost FROM visits)',
	'UPDATE a.own SET n = (SELECT cost FROM visits)', 'UPDATE a.own SET n = v.cost FROM visits v',
	'UPDATE a.own SET n = 1 WHERE EXISTS (SELECT FROM visits)',
	'DELETE FROM a.own USING visits v WHERE v.patient_id = n',
	'DELETE FROM a.own WHERE n IN (SELECT cost FROM visits)',
	'MERGE INTO a.own o USING visits v ON v.patient_id = o.patient_id WHEN MATCHED THEN DELETE',
	'MERGE INTO a.own o USING clinics c ON EXISTS (SELECT FROM visits) WHEN MATCHED THEN DELETE',
	'WITH i AS (INSERT INTO a.own (n) SELECT cost FROM visits RETURNING n) SELECT * FROM i',
	'WITH v AS (SELECT cost FROM visits) INSERT INTO a.own (n) SELECT cost FROM v',
	'INSERT INTO visits (patient_id) VALUES (1)', 'UPDATE visits SET cost = 1', 'DELETE FROM visits',
	'TRUNCATE visits', 'UPDATE visits SET cost = 1 RETURNING *',
	'MERGE INTO visits v USING a.own o ON o.patient_id = v.patient_id WHEN MATCHED THEN DELETE',
	'COPY visits TO STDOUT', 'COPY (SELECT * FROM visits) TO STDOUT', 'COPY visits (cost) TO STDOUT',
	'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM visits',
	'PREPARE q AS SELECT * FROM visits; EXECUTE q', 'DO $$ BEGIN PERFORM cost FROM visits; END $$',
	'DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM visits LOOP NULL; END LOOP; END $$',
	'LOCK TABLE visits', 'SELECT dp_count(*), (SELECT cost FROM visits) FROM visits');

# ---------- DP003 and 22023: numbers that make no sense ----------

my @numbers = (
	(map { [ "SELECT $_ FROM visits", 'DP003', 'no bounds' ] } 'sum(patient_id)', 'avg(patient_id * 2.5)',
	'dp_sum(patient_id)',
		'sum(cost / (cost - 5))', 'sum(length(clinic))', 'sum(cost * patient_id)',
		'sum(CASE WHEN cost > 5 THEN patient_id ELSE 0 END)', 'avg(extract(year FROM day))',
	'min(patient_id)', 'max(day)', 'stddev(patient_id)', 'corr(cost, patient_id)', 'sum(patient_id * interval \'1 s\')',
	'percentile_cont(0.5) WITHIN GROUP (ORDER BY patient_id)', 'dp_histogram(patient_id, 10)'),
	[ 'SELECT avg(n) FROM (SELECT sum(patient_id) AS n FROM visits GROUP BY patient_id) v', 'DP003',
	'no bounds are known for column "n"' ],
	[ 'SET dp_agg.epsilon = 1e-9; SELECT count(*), dp_top(clinic, 3), dp_histogram(cost, 3), dp_bounds(cost), dp_mode(clinic) FROM visits', '22023', 'epsilon and delta are too small for so many outputs' ],
	(map { [ "SELECT dp_avg(cost, $_) FROM visits", 'DP003',
	'lower bound must be less than upper' ] } '5, 5', '5, 4', '0, -1'),
	(map { [ "SELECT dp_sum(cost, $_) FROM visits", 'DP003',
	'bounds must be finite numbers' ] } q{'NaN', 5}, q{0, 'NaN'}, q{0, 'Infinity'}, q{'-Infinity', 0},
	q{'-Infinity', 'Infinity'}, '0, 1e121', '-1e300, 0'),
	(map { [ "SELECT dp_sum(cost, $_) FROM visits", 'DP003',
	'must not be NULL' ] } '0, NULL', 'NULL, 5'),
	(map { [ "SELECT dp_sum(cost, $_) FROM visits", 'DP003',
	'bounds must be constants or parameters' ] } '0, cost', '0, random()',
	'patient_id, 5', '0, (SELECT 5.0)'),
	(map { [ "PREPARE q (float8, float8) AS SELECT dp_avg(cost, \$1, \$2) FROM visits; EXECUTE q ($_)",
	'DP003', 'bound' ] }
		'0, NULL', 'NULL, 5', q{'NaN', 5}, q{0, 'Infinity'}, '5, 5', '6, 5'),
	(map { [ "SET plan_cache_mode = force_generic_plan; PREPARE q (float8, float8) AS SELECT dp_avg(cost, \$1, \$2) FROM visits; EXECUTE q ($_)",
	'DP003', 'bound' ] }
		'0, NULL', 'NULL, 5', q{'NaN', 5}, q{0, 'Infinity'}, '5, 5', '6, 5'),
	(map { my $e = $_; map { [ "SELECT count(*) FROM visits WHERE dp_with(epsilon => $e)", '22023',
	'epsilon must be a number from' ] } 1 } '0', '-1', q{'NaN'}, q{'Infinity'}, '1001', '1e-10'),
	(map { [ "SELECT count(*) FROM visits WHERE dp_with(epsilon => $_)", 'DP002', 'a release costs at least epsilon 0.001' ] } '1e-9', '0.000999999'),
	(map { [ "SELECT count(*) FROM visits WHERE dp_with(delta => $_)", '22023', 'delta must be' ] } '0',
	'-1', q{'NaN'}, '1', '2', '1e-19'),
	(map { [ "SELECT count(*) FROM visits WHERE dp_with(max_groups => $_)", '22023',
	'max_groups must be' ] } '0', '-1', '1000001'),
	(map { [ "SELECT count(*) FROM visits WHERE dp_with(max_rows => $_)", '22023',
	'max_rows must be' ] } '0', '-1', '1000001'),
	(map { [ "PREPARE q (float8) AS SELECT count(*) FROM visits WHERE dp_with(epsilon => \$1); EXECUTE q ($_)",
	'22023', 'epsilon' ] } '0', '-1', q{'NaN'}, q{'Infinity'}, '2000'),
	(map { [ "SET plan_cache_mode = force_generic_plan; PREPARE q (float8) AS SELECT count(*) FROM visits WHERE dp_with(epsilon => \$1); EXECUTE q ($_)",
	'22023', 'epsilon' ] } '0', '-1', q{'NaN'}),
	(map { [ "SET dp_agg.epsilon = $_", '22023', 'dp_agg.epsilon' ] } '0', '-1', '1001', q{'NaN'},
	q{'Infinity'}, q{'x'}),
	(map { [ "SET dp_agg.delta = $_", '22023', 'dp_agg.delta' ] } '0', '-1', '0.6'),
	(map { [ "SET $_", '22023', 'dp_agg.max_' ] } 'dp_agg.max_groups = -1', 'dp_agg.max_rows = 1000001'),
	[ 'SET dp_agg.min_individuals = 20', '42501', 'permission denied' ],
	[ 'SET dp_agg.nonsense = 1', '42602', 'dp_agg' ]);

# ---------- what dp_agg keeps to itself ----------

my @inside = (
	(map { [ $_, '42501', 'permission denied' ] } 'SELECT * FROM dp_agg.account',
	'SELECT * FROM dp_agg.release', 'SELECT * FROM dp_agg.account_state',
	'SELECT * FROM dp_agg.release_log',
		'UPDATE dp_agg.account SET epsilon_spent = 0', 'DELETE FROM dp_agg.release',
		q{SELECT dp_agg.set_budget('analyst', 'patients', 10)},
		q{SELECT dp_agg.drop_budget('analyst', 'patients')},
		q{SELECT nextval('dp_agg.account_change_waiting_number_seq')}),
	[ q{SELECT dp_agg.protect('visits', 'patient_id', 'mine')}, '42501', 'for function protect' ],
	[ q{SELECT dp_agg.unprotect('visits')}, '42501', 'for function unprotect' ],
	[ q{SELECT dp_agg.set_bounds('visits', 'cost', 0, 1e9)}, '42501', 'for function set_bounds' ],
	# its own table, but not its own population: invented rows would be individuals
	[ q{CREATE TEMP TABLE mine (u int); SECURITY LABEL FOR dp_agg ON TABLE mine IS '{"population": "patients"}'},
		'42501', 'permission denied to change the protection' ],
	[ q{SECURITY LABEL FOR dp_agg ON TABLE visits IS NULL}, '42501', 'must be owner' ]);

# Each runs in a transaction of its own session and leaves nothing behind.
sub ask
{
	my ($sql) = @_;
	return $sql =~ /^BEGIN/ ? $sql : "BEGIN; $sql";
}

sub refuse_all
{
	my (@list) = @_;
	my @results = DpAgg::bulk($node, 'analyst',
		[ map { (ask($_->[0]), 'ROLLBACK; DISCARD ALL') } @list ]);

	return map { $results[ 2 * $_ ] } 0 .. $#list;
}

my @all = (@dp002, @raw, @numbers, @inside);
my $spent = 'SELECT sum(epsilon_spent), sum(delta_spent), (SELECT count(*) FROM dp_agg.my_releases) FROM dp_agg.my_budget';

is(DpAgg::value($node, 'analyst', $spent), '0|0|0', 'nothing is spent before');
my @first = refuse_all(@all);
foreach my $i (0 .. $#all)
{
	my ($sql, $state, $text) = @{ $all[$i] };
	my $r = $first[$i];

	ok($r->{sqlstate} eq $state && $r->{message} =~ /\Q$text/ && $r->{out} eq '',
		"$state: " . DpAgg::brief($sql))
	  or diag("$r->{sqlstate} $r->{message} (expected: $text)\n$r->{out}");
}
is(DpAgg::value($node, 'analyst', $spent), '0|0|0', 'no refusal was charged');

# A refusal tells nothing about rows, or whether there are any.
$node->safe_psql('postgres', 'TRUNCATE visits, patients, events, cars; VACUUM ANALYZE');
my @second = refuse_all(@all);
my @differ = grep { "$first[$_]{sqlstate} $first[$_]{message} $first[$_]{out}" ne
	  "$second[$_]{sqlstate} $second[$_]{message} $second[$_]{out}" } 0 .. $#all;
is(join("\n", map { $all[$_][0] } @differ), '', 'every refusal is the same over empty tables');
is(DpAgg::value($node, 'analyst', $spent), '0|0|0', 'nor was one charged over empty tables');

# No message shows what is in a row, and each says what to write instead.
my $hint = DpAgg::as($node, 'analyst', 'SELECT count(*) FROM visits WHERE a.truth(patient_id)');
like($hint->{err}, qr/HINT:  /, 'a refusal has a hint');
$hint = DpAgg::as($node, 'analyst', 'SELECT count(*), sum(patient_id) FROM visits');
like($hint->{err}, qr/HINT:  .*dp_agg\.set_bounds/, 'missing bounds have a hint');

# ---------- plans printed to the client ----------

# Settings of superusers are as good as off for the analyst, who cannot set them.
foreach my $setting ('log_planner_stats', 'log_executor_stats', 'log_parser_stats', 'log_statement_stats')
{
	my $r = DpAgg::as($node, $superuser, <<"SQL");
SET $setting = on;
SET client_min_messages = log;
SET SESSION AUTHORIZATION analyst;
SELECT count(*) FROM visits;
SQL
	unlike($r->{err}, qr/(PLANNER|EXECUTOR) STATISTICS/, "$setting prints nothing about a release");
}
foreach my $setting ('debug_print_parse', 'debug_print_rewritten', 'debug_print_plan')
{
	my $r = DpAgg::as($node, 'analyst', <<"SQL");
SET $setting = on;
SET client_min_messages = debug5;
SELECT count(*) FROM visits;
SQL
	unlike($r->{err}, qr/plan_rows|PLANNEDSTMT/i, "$setting prints no plan of a release");
}

# ---------- NULL parameters: the same in every kind of plan ----------

foreach my $query ('SELECT count(*) FROM visits WHERE dp_with(epsilon => $1)',
	'SELECT count(*) FROM visits WHERE dp_with(max_rows => $1::int)',
	'SELECT dp_avg(cost, 0, $1) FROM visits')
{
	my @states = map {
		DpAgg::as($node, 'analyst',
			"SET plan_cache_mode = $_; PREPARE q (float8) AS $query; EXECUTE q (NULL)")->{sqlstate}
	} 'force_custom_plan', 'force_generic_plan';
	is($states[1], $states[0], "NULL for a parameter: $query");
}

# ---------- roles without an account ----------

foreach my $sql ('SELECT count(*) FROM visits', 'SELECT dp_count(*) FROM visits',
	'SELECT clinic, avg(cost) FROM dp.visits GROUP BY 1',
	'SELECT * FROM visits', 'EXPLAIN SELECT count(*) FROM visits',
	'SELECT a.patient_id FROM visits a, visits b', 'SET debug_print_plan = on; SELECT count(*) FROM visits',
	'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM visits', 'SELECT sum(patient_id) FROM visits',
	'SELECT count(*) FROM visits WHERE dp_with(epsilon => -1)',
	'PREPARE q AS SELECT count(*) FROM visits; EXECUTE q')
{
	my $r = DpAgg::refused($node, 'stranger', $sql, '42501');
	like($r->{message}, qr/^permission denied for (table|view|relation) visits$/,
		"PostgreSQL's own words: " . DpAgg::brief($sql));
}

# ---------- too little left ----------

DpAgg::refused($node, 'poor', 'SELECT count(*) FROM visits', 'DP002', 'one statement may not cost so much');
DpAgg::refused($node, 'poor',
	'SET dp_agg.epsilon = 0.3; SELECT (SELECT count(*) FROM visits) + (SELECT count(*) FROM visits)',
	'DP002',
	'nor may two releases of one statement');
DpAgg::works($node, 'poor', 'SET dp_agg.epsilon = 0.3; SELECT count(*) FROM visits');
DpAgg::refused($node, 'poor', 'SET dp_agg.epsilon = 0.3; SELECT count(*) FROM visits', 'DP001',
	'the budget is exhausted');
DpAgg::refused($node, 'poor',
	'SET dp_agg.epsilon = 0.1; SET dp_agg.delta = 0.1; SELECT count(*) FROM visits', 'DP001',
	'delta counts, too');
is(DpAgg::value($node, 'poor', 'SELECT epsilon_spent, epsilon_remaining FROM dp_agg.my_budget'), '0.3|0.2',
	'only what ran was charged');
DpAgg::works($node, 'poor', 'SET dp_agg.epsilon = 0.2; SELECT count(*) FROM visits', 'the last bit can be spent');
DpAgg::refused($node, 'poor', 'SET dp_agg.epsilon = 0.001; SELECT count(*) FROM visits', 'DP001', 'and no more');

# ---------- the administrator's functions ----------

my @admin = (
	[ q{protect(NULL::regclass, 'patient_id'::name, 'p')}, '22004' ],
	[ q{protect('visits', NULL::name, 'p')}, '22004' ],
	[ q{protect('visits', NULL::name[], 'p')}, '22004' ], [ q{protect('visits', 'patient_id', NULL)}, '22004' ],
	[ q{protect('visits', '{}'::name[], 'p')}, '22023' ], [ q{protect('visits', 'patient_id', '')}, '22023' ],
	[ q{protect('visits', 'patient_id', 'p', 0)}, '22023' ],
	[ q{protect('visits', 'patient_id', 'p', 1000001)}, '22023' ],
	[ q{protect('visits', 'patient_id', 'p', 1, 0)}, '22023' ],
	[ q{protect('visits', 'patient_id', 'p', 1, -5)}, '22023' ],
	[ q{protect('visits', 'patient_id', 'p', 1, 1000001)}, '22023' ],
	[ q{protect('visits', 'nothing', 'p')}, '42703' ], [ q{protect('visits', 'ctid', 'p')}, '42703' ],
	[ q{protect('visits', 'patient_id', 'p', columns => '{clinic,nothing}')}, '42703' ],
	[ q{protect('nowhere', 'patient_id', 'p')}, '42P01' ],
	[ q{protect('visits', ARRAY[NULL::name], 'p')}, '22004' ],
	[ q{protect('visits', '{patient_id,patient_id}'::name[], 'p')}, '22023' ],
	[ q{protect('plain_view', 'patient_id', 'p')}, '42809' ],
	[ q{protect('dp_agg.account_change_waiting_number_seq', 'last_value', 'p')}, '42809' ],
	[ q{unprotect('clinics')}, '42704' ], [ q{unprotect('nowhere')}, '42P01' ], [ q{unprotect(NULL)}, '' ],
	[ q{set_bounds('visits', 'cost', 5, 5)}, 'DP003' ], [ q{set_bounds('visits', 'cost', 6, 5)}, 'DP003' ],
	[ q{set_bounds('visits', 'cost', 'NaN', 5)}, 'DP003' ], [ q{set_bounds('visits', 'cost', 0, 'NaN')}, 'DP003' ],
	[ q{set_bounds('visits', 'cost', 0, 'Infinity')}, 'DP003' ],
	[ q{set_bounds('visits', 'cost', '-Infinity', 0)}, 'DP003' ],
	[ q{set_bounds('visits', 'cost', 0, 1e121)}, 'DP003' ],
	[ q{set_bounds('visits', 'cost', NULL, 5)}, '22004' ], [ q{set_bounds('visits', 'cost', 0, NULL)}, '22004' ],
	[ q{set_bounds(NULL, 'cost', 0, 1)}, '22004' ], [ q{set_bounds('visits', NULL, 0, 1)}, '22004' ],
	[ q{set_bounds('visits', 'nothing', 0, 5)}, '42703' ], [ q{set_bounds('visits', 'clinic', 0, 5)},
	'DP003' ], [ q{set_bounds('clinics', 'city', 0, 5)}, '42704' ], [ q{set_public_bounds('clinics', 'city', 0, 5)}, 'DP003' ], [ q{set_public_bounds('pg_class', 'reltuples', 0, 5)}, '42704' ], [ q{set_length(NULL, 'cost', 1)}, '22004' ], [ q{set_length('visits', NULL, 1)}, '22004' ],
	[ q{set_budget('ghost', 'patients', 1)}, '42704' ], [ q{set_budget('analyst', 'ghosts', 1)}, '42704' ],
	[ q{set_budget('analyst', 'patients', NULL)}, '22004' ], [ q{set_budget(NULL, 'patients', 1)},
	'22004' ], [ q{set_budget('analyst', NULL, 1)}, '22004' ],
	(map { [ "set_budget('analyst', 'patients', $_)", '22023' ] } '0', '-1', q{'NaN'}, q{'Infinity'},
	'1e-10'), [ q{set_budget('analyst', 'patients', 1e10)}, '22003' ],
	(map { [ "set_budget('analyst', 'patients', 1, delta => $_)", '22023' ] } '-1e-9', q{'NaN'}, '1',
	'1.5'),
	(map { [ "set_budget('analyst', 'patients', 1, period => $_)", '22023' ] } q{'0'}, q{'-1 day'},
	q{'1 month -1 day'}),
	(map { [ "set_budget('analyst', 'patients', 1, max_epsilon_per_query => $_)", '22023' ] } '0', '-1', q{'NaN'}),
	(map { [ "set_budget('analyst', 'patients', 1, min_epsilon_per_query => $_)", '22023' ] } '0', '-1', '-1e-10', q{'NaN'}, q{'Infinity'}, '1.000000001',
	'0.5, max_epsilon_per_query => 0.499999999', '0.5::float8, max_epsilon_per_query => 0.4::float8'),
	[ q{set_budget('analyst', 'patients', 1, min_epsilon_per_query => 1e10)}, '22003' ],
	(map { [ "set_budget('analyst', 'patients', 1, max_releases => $_)", '22023' ] } '0', '-1', '-9223372036854775808'),
	(map { [ "set_budget('analyst', 'patients', 1, max_releases => $_)", '22003' ] } '9223372036854775808::numeric::bigint'),
	[ q{set_budget('analyst', 'patients', 1, accountant => 'generous')}, '22023' ],
	[ q{set_budget('analyst', 'patients', 1, accountant => NULL)}, '22004' ],
	[ q{drop_budget('analyst', 'ghosts')}, '42704' ], [ q{drop_budget('stranger', 'patients')}, '42704' ],
	[ q{drop_budget(NULL, 'patients')}, '42704' ]);
$node->safe_psql('postgres', 'CREATE VIEW plain_view AS SELECT * FROM clinics, generate_series(1, 2) patient_id');
my $state = 'SELECT array_agg(p::text ORDER BY p::text), (SELECT array_agg(b::text ORDER BY b::text) FROM dp_agg.budgets b) FROM dp_agg.protected_relations p';
my $before = $node->safe_psql('postgres', $state);
my @results = DpAgg::bulk($node, $superuser, [ map { "SELECT dp_agg.$_->[0]" } @admin ]);

foreach my $i (0 .. $#admin)
{
	my ($call, $expected) = @{ $admin[$i] };
	if ($expected eq '')
	{
		isnt($results[$i]{sqlstate}, '00000', "an error: $call");
		next;
	}
	is($results[$i]{sqlstate}, $expected, "$expected: $call") or diag($results[$i]{message});
}
is($node->safe_psql('postgres', $state), $before, 'none of them changed anything');

# ---------- where it stands ----------

# The text of the query under the caret, where the parser gives a place.
foreach (
	[ 'SELECT count(*) FROM (SELECT * FROM visits LIMIT 100) v', '100' ],
	[ 'SELECT count(*) FROM visits WHERE random() < 0.5', 'random()' ],
	[ 'SELECT count(*) FROM visits, generate_series(1, cost::int)', 'generate_series' ],
	[ 'SELECT count(*) FROM visits TABLESAMPLE BERNOULLI (50)', '50' ],
	[ 'SELECT count(*) FROM visits FULL JOIN patients p ON visits.patient_id = p.patient_id AND visits.cost = 1', 'visits.pat' ],
	[ 'SELECT count(*) FROM (SELECT patient_id, rank() OVER (ORDER BY cost) FROM visits) v', 'patient_id, rank' ],
	[ 'SELECT patient_id, count(*) FROM visits GROUP BY patient_id', 'patient_id, count' ],
	[ 'SELECT clinic, array_agg(cost) FROM visits GROUP BY clinic', 'array_agg' ],
	[ 'SELECT count(*) FROM visits WHERE current_setting(clinic) = clinic', 'current_setting' ],
	[ q{SELECT count(*) FROM visits WHERE date_trunc('monht', day) = day}, 'date_trunc' ],
	[ 'SELECT count(*) FROM contacts c WHERE city = \'city\' AND c.phone = \'5\'', 'c.phone' ],
	[ 'SELECT ctid, count(*) FROM visits GROUP BY 1', 'ctid' ])
{
	my ($sql, $there) = @$_;
	my $r = DpAgg::as($node, 'analyst', $sql);
	my ($line, $caret) = $r->{err} =~ /^LINE 1: ([^\n]*)\n([ ]*)\^/m;
	my $at = defined $caret ? substr($line, length($caret) - length('LINE 1: ')) : '';

	ok(index($at, $there) == 0, "a refusal has its place: $sql") or diag($r->{err});
}

foreach my $query ('SELECT count(*) FROM visits WHERE dp_with(0.25) AND dp_with(delta => 1e-7) AND dp_with(0.25)',
	'SELECT count(*) FROM visits v JOIN visits w ON v.patient_id = w.patient_id AND dp_with(0.25)',
	'SELECT count(*) FROM visits v JOIN (visits w LEFT JOIN visits u ON w.patient_id = u.patient_id AND (dp_with(0.25) AND u.cost > 1)) ON v.patient_id = w.patient_id',
	'SELECT count(*) FROM visits v LEFT JOIN visits w USING (patient_id) WHERE (dp_with(NULL) AND dp_with(0.25))')
{
	my @lines = split /\n/, DpAgg::value($node, 'analyst', "SET dp_agg.epsilon = 0.75; $query; SELECT epsilon FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1");

	is($lines[-1], '0.25', "charged what it sets: $query");
}

$node->stop;

done_testing();
