-- Two registers about one population, made of nothing but hashes: the same
-- numbers on every run.  :scale times 60,000 people and 1,000,000 tax records.

SET client_min_messages = warning;

CREATE SCHEMA gen;

-- A uniform number in (0, 1), and a standard normal one, for a pair of numbers.
CREATE FUNCTION gen.uniform(n bigint, salt bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended(n, salt) >> 12)::float8 + 2251799813685248.5::float8)
	/ 4503599627370496::float8;

CREATE FUNCTION gen.normal(n bigint, salt bigint) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sqrt(-2 * ln(gen.uniform(n, salt))) * cos(2 * pi() * gen.uniform(n, salt + 1000));

-- Fields of study: a share of the population, or a head count for the rare ones.
CREATE TABLE gen.field AS
SELECT f.field, f.pay::float8, f.heads,
	sum(f.heads) OVER (ORDER BY f.ord) AS last_person,
	sum(f.share) OVER (ORDER BY f.ord) / sum(f.share) OVER () AS last_share
FROM (VALUES
	(1, 'Campanology', 0.90, 3, 0), (2, 'Glaciology', 1.20, 7, 0), (3, 'Heraldry', 0.80, 11, 0),
	(4, 'Papyrology', 0.95, 19, 0), (5, 'Egyptology', 0.95, 32, 0), (6, 'Volcanology', 1.15, 90, 0),
	(7, 'Business', 1.15, 0, 19), (8, 'Nursing', 0.95, 0, 14), (9, 'Engineering', 1.35, 0, 13),
	(10, 'Education', 0.90, 0, 12), (11, 'Computer science', 1.50, 0, 9), (12, 'Law', 1.40, 0, 7),
	(13, 'Medicine', 1.80, 0, 5), (14, 'Psychology', 0.90, 0, 5), (15, 'Economics', 1.30, 0, 4),
	(16, 'Biology', 1.00, 0, 4), (17, 'History', 0.80, 0, 3), (18, 'Fine arts', 0.65, 0, 2),
	(19, 'Mathematics', 1.30, 0, 1.5), (20, 'Philosophy', 0.80, 0, 1), (21, 'Theology', 0.75, 0, 0.3)
) AS f (ord, field, pay, heads, share);

CREATE TABLE education (
	person_id int PRIMARY KEY,
	field text NOT NULL,
	degree text,
	graduated int NOT NULL
);

INSERT INTO education
SELECT p, f.field,
	CASE WHEN gen.uniform(p, 2) < 0.55 THEN 'bachelor'
		WHEN gen.uniform(p, 2) < 0.88 THEN 'master'
		WHEN gen.uniform(p, 2) < 0.95 THEN 'doctorate'
	END,
	1980 + floor(40 * gen.uniform(p, 3))::int
FROM generate_series(1, 60000 * :scale) p
JOIN LATERAL (
	SELECT field FROM gen.field
	WHERE CASE WHEN p <= (SELECT sum(heads) FROM gen.field)
		THEN p <= last_person
		ELSE gen.uniform(p, 1) <= last_share AND heads = 0 END
	ORDER BY last_person, last_share LIMIT 1) f ON true;

-- Most people have about 16 records in twelve years; one in 500 has hundreds,
-- and one in 33 none.  Incomes are lognormal with a few very large ones.
CREATE TABLE tax (
	person_id int NOT NULL,
	year int NOT NULL,
	employer text NOT NULL,
	income int
);

INSERT INTO tax
SELECT r.person_id, r.year,
	'employer ' || to_char(1 + floor(400 * gen.uniform(r.person_id, 4 + r.year / 5) ^ 3), 'FM000'),
	CASE WHEN r.luck < 0.015 THEN NULL
		WHEN r.luck < 0.05 THEN 0
		ELSE (28000 * f.pay
			* CASE e.degree WHEN 'doctorate' THEN 1.35 WHEN 'master' THEN 1.15 ELSE 1 END
			* (1 + 0.03 * greatest(0, least(r.year - e.graduated, 25)))
			* exp(0.45 * gen.normal(r.person_id, 8) + 0.2 * gen.normal(r.n, 9))
			* CASE WHEN r.luck > 0.9998 THEN 25 ELSE 1 END)::int
	END
FROM (
	SELECT n,
		CASE WHEN gen.uniform(n, 12) < 0.02
			THEN 500 * (1 + floor(120 * :scale * gen.uniform(n, 13))::int) - 1
			ELSE p + CASE WHEN p % 33 = 0 THEN 1 ELSE 0 END
		END AS person_id,
		2010 + floor(12 * gen.uniform(n, 14))::int AS year,
		gen.uniform(n, 7) AS luck
	FROM (
		SELECT n, 1 + floor((60000 * :scale - 1) * gen.uniform(n, 15))::int AS p
		FROM generate_series(1, 1000000 * :scale) n
		OFFSET 0) s		-- OFFSET 0: each expression is computed once
	OFFSET 0
) r
JOIN education e ON e.person_id = r.person_id
JOIN gen.field f ON f.field = e.field;

DROP SCHEMA gen CASCADE;
VACUUM ANALYZE education, tax;
