--
-- DP002: what is refused, in which words and at which place of the query.  One
-- query for each refusal; doc/reference.md has the reasons.  None is charged.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_dp_tester;
RESET client_min_messages;
CREATE ROLE regress_dp_tester;
CREATE TYPE pair AS (x int, y int);
CREATE TABLE people (person int PRIMARY KEY, name text, age int NOT NULL);
CREATE TABLE visits (person int NOT NULL, clinic text, cost numeric, p pair);
CREATE TABLE cars (plate int, price int);
CREATE TABLE events (person int, day date) PARTITION BY RANGE (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE clinics (clinic text PRIMARY KEY, city text);
CREATE FUNCTION shout(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE '%', $1; RETURN $1; END $$;
CREATE COLLATION plain FROM "C";
INSERT INTO people SELECT p, 'n' || p, p % 90 FROM generate_series(1, 100) p;
INSERT INTO visits SELECT p, 'clinic', p FROM generate_series(1, 100) p, generate_series(1, 2);
SELECT dp_agg.protect('people', 'person', 'patients', columns => '{person,age}'),
	   dp_agg.protect('visits', 'person', 'patients', max_groups => 2, max_rows => 2),
	   dp_agg.protect('events', 'person', 'patients'), dp_agg.protect('cars', 'plate', 'drivers');
SELECT dp_agg.set_bounds('people', 'age', 0, 100);
SELECT dp_agg.set_budget('regress_dp_tester', p, epsilon => 1e6, delta => 0.5) FROM unnest('{patients,drivers}'::name[]) p;
GRANT SELECT ON clinics TO regress_dp_tester;
SET SESSION AUTHORIZATION regress_dp_tester;

-- Rows.
SELECT * FROM visits;
\echo :SQLSTATE
SELECT clinic, cost FROM visits v WHERE person = 7;
\echo :SQLSTATE
SELECT person, count(*) FROM visits GROUP BY person;
\echo :SQLSTATE
SELECT DISTINCT ON (clinic) clinic, cost FROM visits;
\echo :SQLSTATE
SELECT clinic FROM clinics UNION ALL SELECT clinic FROM visits;
\echo :SQLSTATE

-- Aggregates.
SELECT array_agg(cost) FROM visits;
\echo :SQLSTATE
SELECT json_agg(cost) FROM visits;
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE to_tsvector('english', clinic) @@ to_tsquery('english', 'n');
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE clinic::jsonb @? '$.**';
\echo :SQLSTATE
SELECT count(*), sum(DISTINCT cost) FROM visits;
\echo :SQLSTATE
SELECT dp_quantile(age, age::float8 / 100) FROM people;
\echo :SQLSTATE
SELECT dp_low(dp_mode(clinic)) FROM visits;
\echo :SQLSTATE
SELECT count(*) FROM visits GROUP BY ROLLUP (person);
\echo :SQLSTATE
SELECT string_agg(format('sum(age + %s)', i), ', ') AS sums FROM generate_series(1, 200) i \gset
SELECT :sums FROM people;
\echo :SQLSTATE

-- Columns and types.
SELECT count(*) FROM people WHERE name = 'n5';
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE ctid = '(0,1)';
\echo :SQLSTATE
SELECT p, count(*) FROM visits GROUP BY p;
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE clinic < 'x' COLLATE plain;
\echo :SQLSTATE

-- Expressions.
SELECT count(*) FROM visits WHERE shout(clinic) = 'x';
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE random() < 0.5;
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE ROW(cost, 1) IS NULL;
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE clinic ~ clinic;
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE rpad(clinic, person) = '';
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE cost / 0 > 1;
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE clinic ~ '(';
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE dp_with(epsilon => cost::float8);
\echo :SQLSTATE
SELECT count(*) FROM visits WHERE cost > 5 OR dp_with(1);
\echo :SQLSTATE
SELECT count(*) FROM people p WHERE age > ALL (SELECT cost FROM visits v WHERE v.person = p.person);
\echo :SQLSTATE

-- Below a release.
SELECT count(*) FROM (SELECT * FROM visits LIMIT 10) v;
\echo :SQLSTATE
SELECT count(*) FROM (SELECT DISTINCT ON (clinic) person, clinic FROM visits) v;
\echo :SQLSTATE
SELECT count(*) FROM (SELECT rank() OVER (ORDER BY cost) AS r FROM visits) v WHERE r < 5;
\echo :SQLSTATE
SELECT count(*) FROM (SELECT person FROM visits UNION SELECT person FROM people) u;
\echo :SQLSTATE
SELECT count(*) FROM visits, generate_series(1, person);
\echo :SQLSTATE
SELECT count(*) FROM visits TABLESAMPLE SYSTEM (50);
\echo :SQLSTATE
SELECT count(*) FROM (SELECT * FROM visits FOR UPDATE) v;
\echo :SQLSTATE
SELECT c.clinic, (SELECT count(*) FROM visits v WHERE v.clinic = c.clinic) FROM clinics c;
\echo :SQLSTATE
WITH RECURSIVE r (n) AS (SELECT count(*) FROM visits UNION ALL SELECT n + 1 FROM r WHERE n < 9) SELECT * FROM r;
\echo :SQLSTATE

-- Joins.
SELECT count(*) FROM visits v JOIN people p ON v.person > p.person;
\echo :SQLSTATE
SELECT count(*) FROM visits v FULL JOIN people p ON v.person = p.person AND v.cost = p.age;
\echo :SQLSTATE
SELECT count(*) FROM visits v JOIN cars c ON c.plate = v.person;
\echo :SQLSTATE
SELECT count(*) FROM events_2025;
\echo :SQLSTATE
SELECT string_agg(format('JOIN people p%s USING (person)', i), ' ') AS joins FROM generate_series(1, 101) i \gset
SELECT count(*) FROM visits :joins;
\echo :SQLSTATE

-- Sessions and statements.
EXPLAIN ANALYZE SELECT count(*) FROM visits;
\echo :SQLSTATE
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM visits;
\echo :SQLSTATE
ROLLBACK;
SET debug_print_plan = on;
SELECT count(*) FROM visits;
\echo :SQLSTATE
RESET debug_print_plan;
PREPARE wide (text) AS SELECT count(*) FROM visits WHERE clinic = $1;
EXECUTE wide (repeat('x', 600000));
\echo :SQLSTATE
DEALLOCATE wide;
SELECT count(*) FROM visits WHERE dp_with(epsilon => 0);
\echo :SQLSTATE

-- Who may read the table and writes dp_ aggregates.
RESET SESSION AUTHORIZATION;
SELECT dp_count(*), count(*) FROM visits;
\echo :SQLSTATE

-- Places in statements of several lines.
SET SESSION AUTHORIZATION regress_dp_tester;
SELECT clinic,
	   count(*) FILTER (WHERE random() < 0.5)
  FROM visits GROUP BY clinic;
\echo :SQLSTATE

SELECT population, epsilon_spent, releases_spent FROM dp_agg.my_budget ORDER BY population::text COLLATE "C";
SELECT count(*) FROM dp_agg.my_releases;
RESET SESSION AUTHORIZATION;

SELECT dp_agg.drop_budget('regress_dp_tester', p) FROM unnest('{patients,drivers}'::name[]) p;
SELECT dp_agg.unprotect(relation) FROM dp_agg.protected_relations WHERE population IN ('patients', 'drivers');
DROP TABLE people, visits, events, cars, clinics;
DROP FUNCTION shout;
DROP COLLATION plain;
DROP TYPE pair;
DROP ROLE regress_dp_tester;
