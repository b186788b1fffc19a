--
-- Answers.  At epsilon 1000 the noise of counts and rounded averages is none; what
-- is chosen among values lies where nothing else is near.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_dp_asker;
RESET client_min_messages;
CREATE ROLE regress_dp_asker;
CREATE TABLE stays (patient_id int NOT NULL, clinic text NOT NULL, cost numeric NOT NULL, day date NOT NULL, note text);
INSERT INTO stays
SELECT p, CASE WHEN p > 1000 THEN 'tiny' WHEN p % 4 = 0 THEN 'North' ELSE 'South' END,
	   100 + p % 10 * 100, DATE '2025-01-01' + p % 100, NULL
  FROM generate_series(1, 1012) p, generate_series(1, 2) v;
CREATE TABLE clinics (clinic text PRIMARY KEY, city text NOT NULL);
INSERT INTO clinics VALUES ('North', 'Aville'), ('South', 'Beeburg'), ('tiny', 'Beeburg');
GRANT SELECT ON clinics TO regress_dp_asker;
SELECT dp_agg.protect('stays', unit => 'patient_id', population => 'guests', max_groups => 1, max_rows => 2);
SELECT dp_agg.set_bounds('stays', 'cost', 0, 1000), dp_agg.set_bounds('stays', 'day', '2025-01-01', '2025-12-31');
SELECT dp_agg.set_budget('regress_dp_asker', 'guests', epsilon => 1e6, delta => 0.9);

SET SESSION AUTHORIZATION regress_dp_asker;

-- Groups: "tiny" has 12 patients and never shows.
SELECT clinic, count(*), round(avg(cost)) AS cost, count(DISTINCT patient_id) AS patients
  FROM stays GROUP BY clinic ORDER BY clinic COLLATE "C";
SELECT clinic, dp_count(*), round(dp_avg(cost)) AS cost, dp_count_distinct(patient_id) AS patients
  FROM dp.stays GROUP BY clinic ORDER BY clinic COLLATE "C";
SELECT * FROM (SELECT DISTINCT clinic FROM stays) s ORDER BY clinic COLLATE "C";
SELECT count(*), round(sum(cost), -3) AS cost, count(*) FILTER (WHERE cost > 500) AS dear FROM stays WHERE clinic <> 'tiny';
SELECT count(*), avg(cost) FROM stays WHERE clinic = 'tiny';
SELECT round(stddev(cost)) AS stddev, round(corr(cost, cost)::numeric, 2) AS corr FROM stays WHERE clinic = 'South';
SELECT round(dp_median(cost)::numeric, -2) AS median, mode() WITHIN GROUP (ORDER BY clinic) AS mode, dp_top(clinic, 1)
  FROM stays WHERE clinic <> 'tiny' AND cost > 100;
SELECT b.lower, b.upper, b.count FROM (SELECT dp_histogram(cost, 0, 1000, 2) AS h FROM stays WHERE clinic <> 'tiny') s, unnest(h) b;
SELECT dp_avg(cost, 0, 500) BETWEEN 390 AND 410 AS clamped FROM stays WHERE clinic <> 'tiny';
SELECT low BETWEEN 490 AND 500 AS low, n, high BETWEEN 500 AND 510 AS high
  FROM (SELECT dp_low(dp_count(*), 0.95) AS low, dp_count(*) AS n, dp_high(dp_count(*), 0.95) AS high FROM stays WHERE clinic = 'North') s;

-- Joins, sub-selects by individual, and anything above a release.
SELECT c.city, count(*) FROM stays v JOIN clinics c USING (clinic) GROUP BY c.city ORDER BY c.city COLLATE "C";
SELECT round(dp_avg(n, 0, 10)) AS stays FROM (SELECT patient_id, count(*) AS n FROM stays GROUP BY patient_id) p;
SELECT clinic, n, rank() OVER (ORDER BY n DESC) FROM (SELECT clinic, count(*) AS n FROM stays GROUP BY clinic) s ORDER BY n;
SELECT (SELECT count(*) FROM stays WHERE clinic = 'North') * 100 / (SELECT count(*) FROM stays WHERE clinic <> 'tiny') AS percent;
WITH n AS (SELECT clinic, count(*) AS n FROM stays GROUP BY clinic HAVING count(*) > 1000) SELECT * FROM n;

-- No row whatever the data: shows columns, free of charge.
SELECT releases_spent AS before FROM dp_agg.my_budget \gset
SELECT * FROM stays LIMIT 0;
SELECT clinic, count(*) FROM stays WHERE false GROUP BY clinic;
SELECT releases_spent - :before AS charged FROM dp_agg.my_budget;

-- What the last release was.
SELECT count(*), avg(cost) FROM stays WHERE clinic <> 'tiny' \gset
SELECT output, population, epsilon, delta, groups, standard_error < 1 AS sharp FROM dp_agg.last_release();

-- Prepared statements: each execution is a release, custom plan or generic.
PREPARE about (text, float8) AS SELECT count(*) FROM stays WHERE clinic = $1 AND dp_with(epsilon => $2);
SELECT releases_spent AS before, epsilon_spent AS spent FROM dp_agg.my_budget \gset
EXECUTE about ('North', 800);
SET plan_cache_mode = force_generic_plan;
EXECUTE about ('North', 900);
EXECUTE about ('South', 1000);
EXECUTE about ('tiny', 1000);
EXECUTE about ('South', -1);
\echo :SQLSTATE
EXECUTE about ('South', NULL);
RESET plan_cache_mode;
SELECT releases_spent - :before AS releases, epsilon_spent - :spent AS epsilon FROM dp_agg.my_budget;
DEALLOCATE about;

-- Cursors: paid once when opened, the same answer however it is read.
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT clinic, count(*) FROM stays GROUP BY clinic ORDER BY clinic COLLATE "C";
SELECT releases_spent AS before FROM dp_agg.my_budget \gset
FETCH 1 FROM c;
FETCH ALL FROM c;
MOVE BACKWARD ALL FROM c;
FETCH ALL FROM c;
SELECT releases_spent - :before AS charged_since FROM dp_agg.my_budget;
COMMIT;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT count(*) FROM stays WHERE clinic = 'North';
COMMIT;
FETCH ALL FROM h;
CLOSE h;

-- Domains: every key is listed, whatever is behind it.
RESET SESSION AUTHORIZATION;
SELECT dp_agg.set_domain('stays', 'clinic', '{North,South,tiny,West}');
SET SESSION AUTHORIZATION regress_dp_asker;
SELECT clinic, count(*) FROM stays GROUP BY clinic ORDER BY clinic COLLATE "C";

-- Answers go where results of queries go.
CREATE TEMP TABLE kept AS SELECT clinic, count(*) AS n FROM stays GROUP BY clinic;
SELECT clinic FROM kept WHERE n IS NULL ORDER BY clinic COLLATE "C";
DROP TABLE kept;
RESET SESSION AUTHORIZATION;

-- Who may read the table: rows as ever, exact results, and releases by dp_.  It sees
-- plans: one node that hides what is below it, of a width, price and size that never change.
SELECT count(*), round(avg(cost), 2) AS cost FROM stays WHERE clinic = 'tiny';
SELECT dp_count(*) FROM stays WHERE clinic = 'tiny';
SELECT dp_agg.set_domain('stays', 'clinic', NULL);
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		RETURN NEXT regexp_replace(line, '[0-9a-f]{32}', 'name');	-- releases have random names
	END LOOP;
END $$;
SELECT plan_of('SELECT dp_count(*), dp_avg(cost) FROM stays');
SELECT plan_of($$SELECT dp_count(*) FROM stays s JOIN clinics c USING (clinic) WHERE c.city = 'Aville'$$);
SELECT plan_of('SELECT clinic, dp_count(*) FROM stays GROUP BY clinic');
DROP FUNCTION plan_of;

SELECT dp_agg.drop_budget('regress_dp_asker', 'guests');
SELECT dp_agg.unprotect('stays');
DROP TABLE stays, clinics;
DROP ROLE regress_dp_asker;
