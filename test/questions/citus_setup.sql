-- What more the questions of citus.sql are about, after setup.sql: keys that hold the unit, limits that bind, and
-- tables with links, domains, grains, units of several columns, and columns of many types.

ALTER TABLE visits DROP CONSTRAINT visits_pkey, ADD PRIMARY KEY (patient, visit_id);
ALTER TABLE shop."Orders" DROP CONSTRAINT "Orders_pkey", ADD PRIMARY KEY ("Customer ID", "Row ID");
SELECT dp_agg.protect('visits', unit => 'patient', population => 'patients', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.protect('shop."Orders"', unit => 'Customer ID', population => 'customers', max_groups => 2, max_rows => 2, max_total => 3);

CREATE TABLE items (patient int NOT NULL, visit_id int NOT NULL, item text, price float8, n int NOT NULL);
INSERT INTO items SELECT patient, visit_id, 'item ' || (visit_id + i) % 4, CASE WHEN (visit_id + i) % 11 = 0 THEN NULL ELSE (visit_id * 7 + i * 3) % 50 + 0.5 END, i
FROM visits, generate_series(1, 3) i WHERE i <= 1 + visit_id % 3;
SELECT dp_agg.protect('items', link => '{patient,visit_id}', parent => 'visits', parent_key => '{patient,visit_id}', max_total => 4, max_groups => 2, max_rows => 3);
SELECT dp_agg.set_bounds('items', 'price', 0, 60);
SELECT dp_agg.set_bounds('items', 'n', 0, 5);
CREATE TABLE tests (patient int NOT NULL, result text, value float8, at timestamptz NOT NULL, took interval, small float4, ok boolean, place inet, code char(4), part numeric);
INSERT INTO tests SELECT p, (ARRAY['low', 'normal', 'high', NULL])[1 + (p * 3 + t) % 4], CASE WHEN (p + t) % 13 = 0 THEN NULL WHEN (p + t) % 17 = 0 THEN 'NaN' ELSE (p * 31 + t * 17) % 1000 / 10.0 END,
	timestamptz '2024-01-01 00:00+00' + (p * 61 + t * 7919) % 20000 * interval '17 min', (p * 7 + t) % 90 * interval '11 minutes', (p % 31) / 7.0::float4, CASE WHEN (p + t) % 5 < 3 THEN (p + t) % 2 = 0 END,
	('10.0.' || p % 3 || '.' || t)::inet, 'c' || t % 3, (p * 13 + t) % 97 / 9.0
FROM generate_series(1, 3000) p, generate_series(1, 5) t WHERE t <= 1 + p % 5;
SELECT dp_agg.protect('tests', unit => 'patient', population => 'patients', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('tests', c, 0, 100) FROM unnest('{value,small,part}'::name[]) c;
SELECT dp_agg.set_bounds('tests', 'took', '0', '20 hours');
SELECT dp_agg.set_bounds('tests', 'at', '2024-01-01', '2024-12-31');
SELECT dp_agg.set_domain('tests', 'result', '{low,normal,high,none}');
SELECT dp_agg.set_grain('tests', 'at', '7 days');
CREATE TABLE stays (hospital int NOT NULL, patient int NOT NULL, ward text NOT NULL, nights int);
INSERT INTO stays SELECT p % 3, p, 'ward ' || (p + s) % 4, (p * s) % 9 FROM generate_series(1, 2500) p, generate_series(1, 3) s WHERE s <= 1 + p % 3;
SELECT dp_agg.protect('stays', unit => '{hospital,patient}'::name[], population => 'cases', max_groups => 1, max_rows => 2);
SELECT dp_agg.set_bounds('stays', 'nights', 0, 6);
SELECT dp_agg.set_budget('analyst', p, epsilon => 9e9, delta => 0.9) FROM unnest('{patients,customers,cases}'::name[]) AS p;
CREATE VIEW busy AS SELECT patient, clinic, cost, day FROM visits WHERE cost > 100;
CREATE VIEW adults AS SELECT patient, sex, extract(year FROM age(timestamp '2024-01-01', born)) AS years FROM people;
CREATE TABLE holidays (day date PRIMARY KEY, name text);
INSERT INTO holidays SELECT '2023-01-01'::date + i * 17, 'holiday ' || i % 3 FROM generate_series(0, 50) i;
GRANT SELECT ON holidays, busy, adults TO PUBLIC;

-- Tables of other kinds: units, columns and storage.
CREATE SCHEMA odd;
GRANT USAGE ON SCHEMA odd TO PUBLIC;
CREATE DOMAIN odd.grade AS text CHECK (value <> 'x');
CREATE DOMAIN odd.pos AS int CHECK (value > -5);
CREATE TYPE odd.size AS ENUM ('small', 'medium', 'large');
CREATE TYPE odd.pair AS (a int, b text);
CREATE TABLE odd.t_uuid (u uuid NOT NULL, gone int, k text, "Odd ""name""" int, g odd.grade, p odd.pos, e odd.size, es odd.size[], c odd.pair, j json, m money, x xml, late int);
INSERT INTO odd.t_uuid SELECT md5((i % 700)::text)::uuid, i, 'k' || i % 5, i % 10, 'g' || i % 3, i % 7, (ARRAY['small','medium','large']::odd.size[])[1 + i % 3], ARRAY['small']::odd.size[], ROW(i, 'b')::odd.pair, '{"a": 1}', i % 4, '<a/>', i % 6 FROM generate_series(1, 4000) i;
ALTER TABLE odd.t_uuid DROP COLUMN gone;
SELECT dp_agg.protect('odd.t_uuid', 'u', 'odd_uuid', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('odd.t_uuid', c, 0, 10) FROM unnest('{"Odd \"name\"",p,late}'::name[]) c;
CREATE TABLE odd.t_varchar (u varchar(20) NOT NULL, k text, v int);
INSERT INTO odd.t_varchar SELECT 'u' || i % 600, 'k' || i % 5, i % 10 FROM generate_series(1, 3000) i;
SELECT dp_agg.protect('odd.t_varchar', 'u', 'odd_varchar', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('odd.t_varchar', 'v', 0, 10);
CREATE TABLE odd.parts (patient int NOT NULL, day date NOT NULL, k text, v int) PARTITION BY RANGE (day);
CREATE TABLE odd.parts1 PARTITION OF odd.parts FOR VALUES FROM ('2024-01-01') TO ('2024-07-01');
CREATE TABLE odd.parts2 PARTITION OF odd.parts FOR VALUES FROM ('2024-07-01') TO ('2025-01-01');
INSERT INTO odd.parts SELECT i % 800, date '2024-01-01' + i % 360, 'k' || i % 5, i % 10 FROM generate_series(1, 5000) i;
SELECT dp_agg.protect('odd.parts', 'patient', 'patients', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('odd.parts', 'v', 0, 10);
SELECT dp_agg.set_bounds('odd.parts', 'day', '2024-01-01', '2024-12-31');
CREATE TABLE odd.indexed (patient int NOT NULL, day date NOT NULL, k text, v int);
INSERT INTO odd.indexed SELECT i % 800, date '2024-01-01' + i % 360, 'k' || i % 5, i % 10 FROM generate_series(1, 5000) i;
CREATE INDEX ON odd.indexed (day);
SELECT dp_agg.protect('odd.indexed', 'patient', 'patients', max_groups => 2, max_rows => 2, max_total => 3, index_columns => '{day}');
SELECT dp_agg.set_bounds('odd.indexed', 'v', 0, 10);
SELECT dp_agg.set_bounds('odd.indexed', 'day', '2024-01-01', '2024-12-31');
SELECT dp_agg.set_total('odd.indexed', 'v', 0, 15);
SELECT dp_agg.set_length('odd.indexed', 'k', 4);
CREATE TABLE odd.refp (patient int NOT NULL, k text, v int);
INSERT INTO odd.refp SELECT i % 800, 'k' || i % 5, i % 10 FROM generate_series(1, 3000) i;
SELECT dp_agg.protect('odd.refp', 'patient', 'patients', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('odd.refp', 'v', 0, 10);
CREATE TABLE odd.localp (LIKE odd.refp);
INSERT INTO odd.localp TABLE odd.refp;
SELECT dp_agg.protect('odd.localp', 'patient', 'patients', max_groups => 2, max_rows => 2, max_total => 3);
SELECT dp_agg.set_bounds('odd.localp', 'v', 0, 10);
CREATE TABLE odd.pubd (patient int PRIMARY KEY, area text, w int);
INSERT INTO odd.pubd SELECT i, 'area ' || i % 4, i % 5 FROM generate_series(0, 999) i;
GRANT SELECT ON odd.pubd TO PUBLIC;
SELECT dp_agg.set_public_bounds('odd.pubd', 'w', 0, 5);
SELECT dp_agg.set_budget('analyst', p, epsilon => 9e9, delta => 0.9) FROM unnest('{odd_uuid,odd_varchar}'::name[]) p;
CREATE FUNCTION odd.f(text) RETURNS TABLE (k text, n bigint) LANGUAGE sql STABLE AS 'SELECT k, count(*) FROM odd.parts WHERE k <> $1 GROUP BY k';
GRANT EXECUTE ON FUNCTION odd.f TO PUBLIC;
CREATE FUNCTION odd.pf(text) RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT count(*) FROM odd.parts WHERE k <> $1); END';
GRANT EXECUTE ON FUNCTION odd.pf TO PUBLIC;
CREATE VIEW odd.v AS SELECT p.patient, p.k, q.area, q.w FROM odd.parts p JOIN odd.pubd q USING (patient);
GRANT SELECT ON odd.v TO PUBLIC;
CREATE VIEW odd.released AS SELECT k, count(*) AS n FROM odd.parts GROUP BY k;
GRANT SELECT ON odd.released TO PUBLIC;
