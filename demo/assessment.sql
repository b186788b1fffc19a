-- Two registers about the same people, for the assessment of doc/audit.md: what does each way of
-- computing one statistic reveal?  Made in a schema of its own; "analyst" is there already.

CREATE SCHEMA assessment;
CREATE ROLE registrar LOGIN;
GRANT USAGE ON SCHEMA assessment TO registrar, analyst;

-- Numbers stand for people.  A pseudonym is a keyed hash that only the registers can compute.
CREATE TABLE assessment.education AS
SELECT 'ID' || lpad(i::text, 7, '0') AS id_number,
	   encode(sha256(convert_to('a key of the registers ' || i, 'UTF8')), 'hex') AS pseudonym,
	   DATE '1960-01-01' + i * 17 % 14000 AS birthday,
	   (ARRAY['Economics', 'Law', 'Medicine', 'Physics'])[1 + i % 4] AS field
FROM generate_series(1, 8000) AS i;

CREATE TABLE assessment.tax AS
SELECT id_number, pseudonym, 20000 + (right(id_number, 7)::int * 7919 + 1000 * length(field)) % 60000 AS income
FROM assessment.education;

CREATE TABLE assessment.tax_pseudonymised AS
SELECT pseudonym, income FROM assessment.tax;

GRANT SELECT ON assessment.education, assessment.tax, assessment.tax_pseudonymised TO registrar;
ANALYZE assessment.education, assessment.tax, assessment.tax_pseudonymised;

-- What the columns are.
SELECT dp_agg.classify('assessment.education', 'id_number', 'direct_identifier');
SELECT dp_agg.classify('assessment.education', 'pseudonym', 'direct_identifier', 'pseudonymised');
SELECT dp_agg.classify('assessment.education', 'birthday', 'quasi_identifier');
SELECT dp_agg.classify('assessment.education', 'field', 'quasi_identifier');
SELECT dp_agg.classify('assessment.tax', 'id_number', 'direct_identifier');
SELECT dp_agg.classify('assessment.tax', 'pseudonym', 'direct_identifier', 'pseudonymised');
SELECT dp_agg.classify('assessment.tax', 'income', 'sensitive');
SELECT dp_agg.classify('assessment.tax_pseudonymised', 'pseudonym', 'direct_identifier', 'pseudonymised');
SELECT dp_agg.classify('assessment.tax_pseudonymised', 'income', 'sensitive');

-- What analysts may ask, and how many people it is about.
SELECT dp_agg.protect('assessment.education', unit => 'id_number', population => 'graduates');
SELECT dp_agg.protect('assessment.tax', unit => 'id_number', population => 'graduates');
SELECT dp_agg.set_bounds('assessment.tax', 'income', 0, 100000);
SELECT dp_agg.set_population_size('graduates', 8000);
SELECT dp_agg.set_budget('analyst', 'graduates', epsilon => 10);

-- The question, as whoever may read rows would ask it.
CREATE VIEW assessment.as_they_are WITH (security_invoker = true) AS
SELECT e.field, avg(t.income) AS income
FROM assessment.education e JOIN assessment.tax t ON t.id_number = e.id_number
GROUP BY e.field;
CREATE VIEW assessment.one_pseudonymised WITH (security_invoker = true) AS
SELECT e.field, avg(t.income) AS income
FROM assessment.education e JOIN assessment.tax_pseudonymised t ON t.pseudonym = e.pseudonym
GROUP BY e.field;
GRANT SELECT ON assessment.as_they_are, assessment.one_pseudonymised TO registrar;

-- What the ledger says of the statements since, each by its worst entry.
CREATE VIEW assessment.record AS
WITH entry AS (
	SELECT id, at, 'raw rows' AS kind, tier, tier_codes, query FROM dp_agg.raw_reads
	WHERE relation LIKE 'assessment.%'
	UNION ALL
	SELECT id, at, 'release', tier, tier_codes, query FROM dp_agg.releases
	WHERE population = 'graduates'
)
SELECT row_number() OVER (ORDER BY min(id)) AS number, kind,
	   (ARRAY['low', 'medium', 'high'])[max(array_position(ARRAY['low', 'medium', 'high'], tier))] AS tier,
	   (SELECT string_agg(DISTINCT c.code, ', ' ORDER BY c.code)
		  FROM entry f, unnest(f.tier_codes) c (code)
		 WHERE (f.at, f.kind, f.query) = (e.at, e.kind, e.query)) AS codes
FROM entry e GROUP BY at, kind, query;

ALTER ROLE registrar SET dp_agg.audit_raw = on;
