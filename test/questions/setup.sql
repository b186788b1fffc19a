-- What the questions are about: a hospital and a shop, protected as their administrators would.
-- No two groups that are compared have nearly the same size, so that order does not hang on noise.

CREATE TABLE clinics (clinic text PRIMARY KEY, region text NOT NULL, beds int NOT NULL);
INSERT INTO clinics VALUES ('Harbour', 'coast', 120), ('Hilltop', 'inland', 40), ('North', 'inland', 300), ('South', 'coast', 80), ('West', 'coast', 60);
GRANT SELECT ON clinics TO PUBLIC;

CREATE TABLE people (patient int PRIMARY KEY, born date NOT NULL, sex text NOT NULL, city text, registered timestamptz NOT NULL,
	died date, about jsonb NOT NULL, insured boolean NOT NULL);
INSERT INTO people
SELECT p, date '1940-01-01' + p * 37 % 25000, CASE WHEN p % 5 < 3 THEN 'f' ELSE 'm' END,
	CASE WHEN p % 9 < 4 THEN 'Delta' WHEN p % 9 < 6 THEN 'Easton' WHEN p % 9 < 7 THEN 'Farley' END,
	timestamptz '2023-01-01 08:00+00' + p % 500 * interval '1 day', CASE WHEN p % 10 = 0 THEN date '2024-06-01' + p % 200 END,
	jsonb_build_object('smoker', p % 4 = 0, 'height', 150 + p % 50, 'tags', jsonb_build_array('tag ' || p % 3, 'tag ' || 3 + p % 2)), p % 8 <> 0
FROM generate_series(1, 4000) AS p;

CREATE TABLE visits (visit_id serial PRIMARY KEY, patient int NOT NULL, clinic text NOT NULL, day date NOT NULL, started timestamp NOT NULL,
	minutes int NOT NULL, cost numeric(10,2) NOT NULL, nights int, kind text NOT NULL, note text NOT NULL,
	words tsvector GENERATED ALWAYS AS (to_tsvector('english', note)) STORED);
INSERT INTO visits (patient, clinic, day, started, minutes, cost, nights, kind, note)
SELECT p, (ARRAY['North', 'North', 'North', 'North', 'South', 'South', 'South', 'West', 'West', 'Hilltop'])[1 + (p + v) % 10],
	date '2023-02-01' + (p * 7 + v * 120) % 600, timestamp '2023-02-01 09:00' + (p * 7 + v * 120) % 600 * interval '1 day' + p % 8 * interval '1 hour',
	15 + (p * 11 + v) % 60, 20 + (p * 11 + v) % 60 * 4 + (p * 13 + v * 31) % 240 + 0.25, CASE WHEN p % 3 = 0 THEN (p + v) % 5 END,
	(ARRAY['call', 'call', 'call', 'visit', 'visit', 'surgery'])[1 + (p + v) % 6],
	CASE WHEN p % 5 = 0 THEN 'Severe pain in the knee' ELSE 'Control, without findings' END
FROM generate_series(1, 4000) AS p, generate_series(1, 4) AS v WHERE v <= 1 + p % 4;

CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE TABLE shop."Customers" ("Customer ID" text PRIMARY KEY, "Segment" text NOT NULL, "Joined" timestamp NOT NULL);
INSERT INTO shop."Customers"
SELECT 'C-' || c, CASE WHEN c % 6 < 3 THEN 'Consumer' WHEN c % 6 < 5 THEN 'Corporate' ELSE 'Home Office' END, timestamp '2022-03-01 10:30' + c % 400 * interval '1 day'
FROM generate_series(1, 3000) AS c;
CREATE TABLE shop."Orders" ("Row ID" int PRIMARY KEY, "Customer ID" text NOT NULL, "Order Date" date NOT NULL, "Ship Date" date,
	"Category" varchar(40) NOT NULL, "Sales" float8 NOT NULL, "Discount" numeric(4,2), "Quantity" int NOT NULL, "Returned" boolean NOT NULL);
INSERT INTO shop."Orders"
SELECT row_number() OVER (ORDER BY c, o), 'C-' || c, date '2022-01-01' + (c * 3 + o * 97) % 1095, date '2022-01-01' + (c * 3 + o * 97) % 1095 + 1 + c % 6,
	(ARRAY['Furniture', 'Technology', 'Technology', 'Office Supplies', 'Office Supplies', 'Office Supplies'])[1 + (c + o) % 6],
	10 + (c * 17 + o * 29) % 390 + 0.5, CASE WHEN c % 4 <> 0 THEN (c + o) % 5 / 10.0 END, 1 + (c + o) % 7, (c + 2 * o) % 9 = 0
FROM generate_series(1, 2500) AS c, generate_series(1, 3) AS o;
CREATE TABLE shop."Calendar" ("Date" date PRIMARY KEY, "Year" int NOT NULL, "Month" int NOT NULL, "Weekday" text NOT NULL);
INSERT INTO shop."Calendar" SELECT d, extract(year FROM d), extract(month FROM d), to_char(d, 'Dy')
FROM (SELECT date '2022-01-01' + i FROM generate_series(0, 1094) AS i) AS s(d);
GRANT SELECT ON shop."Calendar" TO PUBLIC;

SELECT dp_agg.protect('people', unit => 'patient', population => 'patients');
SELECT dp_agg.protect('visits', unit => 'patient', population => 'patients', max_groups => 4, max_rows => 4, max_total => 4);
SELECT dp_agg.set_bounds('people', c, '1940-01-01', '2025-12-31') FROM unnest('{born,died,registered}'::name[]) AS c;
SELECT dp_agg.set_bounds('visits', c, '2023-01-01', '2024-12-31') FROM unnest('{day,started}'::name[]) AS c;
SELECT dp_agg.set_bounds('visits', 'cost', 0, 600);
SELECT dp_agg.set_bounds('visits', 'minutes', 0, 90);
SELECT dp_agg.set_bounds('visits', 'nights', 0, 5);
SELECT dp_agg.protect('shop."Customers"', unit => 'Customer ID', population => 'customers');
SELECT dp_agg.protect('shop."Orders"', unit => 'Customer ID', population => 'customers', max_groups => 3, max_rows => 3, max_total => 3);
SELECT dp_agg.set_bounds('shop."Orders"', 'Sales', 0, 500);
SELECT dp_agg.set_bounds('shop."Orders"', 'Discount', 0, 0.5);
SELECT dp_agg.set_bounds('shop."Orders"', 'Quantity', 0, 10);
SELECT dp_agg.set_bounds('shop."Orders"', c, '2022-01-01', '2025-12-31') FROM unnest('{Order Date,Ship Date}'::name[]) AS c;
SELECT dp_agg.set_bounds('shop."Customers"', 'Joined', '2022-01-01', '2025-12-31');
SELECT dp_agg.set_budget('analyst', p, epsilon => 1000000, delta => 0.9) FROM unnest('{patients,customers}'::name[]) AS p;
