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
