--
-- protect, unprotect, set_bounds, set_domain: what they record, what they make,
-- and what they refuse.
--
\set SHOW_CONTEXT never
CREATE TABLE visits (patient_id int NOT NULL, clinic text NOT NULL, cost numeric NOT NULL, day date NOT NULL, note text);
INSERT INTO visits
SELECT p, CASE WHEN p > 1000 THEN 'tiny' WHEN p % 4 = 0 THEN 'North' ELSE 'South' END,
	   100 + p % 10 * 100, DATE '2025-01-01' + p % 100, NULL
  FROM generate_series(1, 1012) p, generate_series(1, 2) v;

SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'patients', max_groups => 2, max_rows => 3);
SELECT * FROM dp_agg.protected_relations \gx

-- What is recorded are security labels, which pg_dump carries.
SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'dp_agg' ORDER BY objname COLLATE "C";

-- The facade: a view that everybody may name.
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
 WHERE a.attrelid = 'dp.visits'::regclass AND a.attnum > 0 ORDER BY a.attnum;
-- PostgreSQL 15 writes the table's name before each column, even if there is no other one.
SELECT replace(pg_get_viewdef('dp.visits'::regclass), ' visits.', ' ') AS definition, c.reloptions, has_table_privilege('public', c.oid, 'SELECT') AS everybody,
	   obj_description(c.oid, 'pg_class')
  FROM pg_class c WHERE c.oid = 'dp.visits'::regclass \gx

-- Bounds of numbers, dates and the like; those of nullable columns cost accuracy.
SELECT dp_agg.set_bounds('visits', 'cost', 0, 5000);
SELECT dp_agg.set_bounds('visits', 'day', '2025-01-01', '2025-12-31');
ALTER TABLE visits ADD stay interval, ADD seen timestamptz NOT NULL DEFAULT '2025-01-01', ADD score float8 NOT NULL DEFAULT 0;
SELECT dp_agg.set_bounds('visits', 'stay', '0', '30 days');
SELECT dp_agg.set_bounds('visits', 'seen', '2025-01-01 00:00+00', '2025-12-31 12:00+00');
SELECT dp_agg.set_bounds('visits', 'score', -0.5, 1e6);
SELECT bounds FROM dp_agg.protected_relations;
SELECT dp_agg.set_bounds('visits', 'clinic', 'a', 'z');
\echo :SQLSTATE
SELECT dp_agg.set_bounds('visits', 'day', 'yesterday or so', '2025-12-31');
\echo :SQLSTATE
SELECT dp_agg.set_bounds('visits', 'cost', 5, 5);
\echo :SQLSTATE
SELECT dp_agg.set_bounds('visits', 'cost', '0', 'Infinity');
\echo :SQLSTATE
SELECT dp_agg.set_bounds('visits', 'cost', 0, 'NaN');
\echo :SQLSTATE
SELECT dp_agg.set_bounds('visits', 'cost', '0', NULL);
\echo :SQLSTATE
SELECT dp_agg.set_bounds('visits', 'nothing', 0, 1);
\echo :SQLSTATE
SELECT dp_agg.set_bounds('pg_class', 'reltuples', 0, 1);
\echo :SQLSTATE

-- Domains: keys as the type of the column writes them.
SELECT dp_agg.set_domain('visits', 'clinic', '{North,South,tiny}');
SELECT dp_agg.set_domain('visits', 'cost', '{100.00,2e2}');
SELECT domains FROM dp_agg.protected_relations;
SELECT dp_agg.set_domain('visits', 'cost', NULL);
SELECT domains FROM dp_agg.protected_relations;
SELECT dp_agg.set_domain('visits', 'clinic', '{North,North}');
\echo :SQLSTATE
SELECT dp_agg.set_domain('visits', 'clinic', '{North,NULL}');
\echo :SQLSTATE
SELECT dp_agg.set_domain('visits', 'clinic', '{}');
\echo :SQLSTATE
SELECT dp_agg.set_domain('visits', 'cost', '{much}');
\echo :SQLSTATE
SELECT dp_agg.set_domain('visits', 'nothing', '{a}');
\echo :SQLSTATE

-- Protecting again changes what is given and keeps bounds and domains.
SELECT dp_agg.protect('visits', unit => '{patient_id,clinic}'::name[], population => 'people',
					  columns => '{clinic,cost}');
SELECT population, unit, max_groups, max_rows, columns, bounds, domains, facade FROM dp_agg.protected_relations \gx
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp.visits'::regclass AND attnum > 0;

-- A second relation of that name has a facade of its own.
CREATE SCHEMA regress_clinic;
CREATE TABLE regress_clinic.visits (id int);
SELECT dp_agg.protect('regress_clinic.visits', 'id', 'others');
SELECT relation, facade FROM dp_agg.protected_relations ORDER BY facade COLLATE "C";

-- Other kinds of relations.
CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE parts_2025 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id;
SELECT dp_agg.protect('parts', 'id', 'people'), dp_agg.protect('kept', 'id', 'people');
CREATE VIEW shown AS SELECT 1 AS id;
SELECT dp_agg.protect('shown', 'id', 'people');
\echo :SQLSTATE

-- What does not fit.
SELECT dp_agg.protect(NULL, 'id'::name, 'people');
\echo :SQLSTATE
SELECT dp_agg.protect('visits', '{}'::name[], 'people');
\echo :SQLSTATE
SELECT dp_agg.protect('visits', '{patient_id,patient_id}'::name[], 'people');
\echo :SQLSTATE
SELECT dp_agg.protect('visits', 'nothing', 'people');
\echo :SQLSTATE
SELECT dp_agg.protect('visits', 'patient_id', '');
\echo :SQLSTATE
SELECT dp_agg.protect('visits', 'patient_id', 'people', max_groups => 0);
\echo :SQLSTATE
SELECT dp_agg.protect('visits', 'patient_id', 'people', columns => '{nothing}');
\echo :SQLSTATE
SELECT dp_agg.protect('no_such_table', 'patient_id', 'people');
\echo :SQLSTATE
SECURITY LABEL FOR dp_agg ON TABLE visits IS 'words';
\echo :SQLSTATE
SECURITY LABEL FOR dp_agg ON TABLE visits IS '{"population": "people", "unit_columns": 1, "max_groups": 0}';
\echo :SQLSTATE
SECURITY LABEL FOR dp_agg ON COLUMN visits.cost IS '{"lower": 1, "upper": 0}';
\echo :SQLSTATE
SECURITY LABEL FOR dp_agg ON SCHEMA public IS '{}';
\echo :SQLSTATE
SELECT population, max_groups FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass;

-- A table that everybody may read is not protected by this.
GRANT SELECT ON visits TO PUBLIC;
SELECT dp_agg.protect('visits', 'patient_id', 'people');

-- Unprotect leaves nothing; dropping a table takes its labels along.
SELECT dp_agg.unprotect('visits');
SELECT dp_agg.unprotect('visits');
\echo :SQLSTATE
DROP SCHEMA regress_clinic CASCADE;
SELECT relation, facade FROM dp_agg.protected_relations ORDER BY facade COLLATE "C";
SELECT dp_agg.unprotect('parts'), dp_agg.unprotect('kept');
SELECT count(*) FROM pg_seclabels WHERE provider = 'dp_agg';
SELECT count(*) FROM pg_class WHERE relnamespace = 'dp'::regnamespace;
DROP VIEW shown;
DROP MATERIALIZED VIEW kept;
DROP TABLE parts, visits;
