-- Questions as analysts write them by hand.  Above each stands what is asked:
--   -- kind: WHAT
-- A question runs as it stands, or there is also
--   -- refused: SQLSTATE PART OF THE MESSAGE
--   -- hint: PART OF THE HINT
-- and "-- instead:" below it, followed by the query that the hint leads to.
--   -- near 0.1:    answers are that near to plain SQL's, in parts of 1 + the number (0.02 if nothing is said)
--   -- plain: SQL   is plain SQL's form of a query that PostgreSQL itself would not answer exactly

-- kind: counts
SELECT count(*) FROM visits;
-- kind: counts of individuals
SELECT count(DISTINCT patient) FROM visits WHERE kind = 'surgery';
-- kind: counts by group
SELECT kind, count(*), count(DISTINCT patient) FROM visits GROUP BY kind ORDER BY 2 DESC;
-- kind: averages
SELECT clinic, avg(cost), sum(cost), stddev(cost) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: percentiles
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY cost) FROM visits;
-- kind: percentiles
-- near 0.1:
SELECT kind, percentile_cont(ARRAY[0.1, 0.5, 0.9]) WITHIN GROUP (ORDER BY minutes) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: percentiles of dates
SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY day) - date '2024-01-01' FROM visits;
-- kind: top-k
SELECT clinic, count(*) AS n FROM visits GROUP BY clinic ORDER BY n DESC LIMIT 3;
-- kind: top-k per group
SELECT * FROM (SELECT kind, clinic, count(*) AS n, row_number() OVER (PARTITION BY kind ORDER BY count(*) DESC) AS place FROM visits GROUP BY 1, 2) s WHERE place = 1 ORDER BY n DESC LIMIT 1;
-- kind: most frequent value
SELECT mode() WITHIN GROUP (ORDER BY kind) FROM visits;
-- kind: cohorts
SELECT date_trunc('month', registered) AS cohort, count(*) FROM people GROUP BY 1 ORDER BY 1;
-- kind: cohorts
SELECT date_trunc('quarter', p.registered) AS cohort, v.kind, count(DISTINCT v.patient) FROM people p JOIN visits v USING (patient) GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: retention of cohorts
WITH first AS (SELECT patient, date_trunc('month', min(day)) AS cohort FROM visits GROUP BY patient),
active AS (SELECT DISTINCT patient, date_trunc('month', day) AS month FROM visits)
SELECT (extract(year FROM month) - extract(year FROM cohort)) * 12 + extract(month FROM month) - extract(month FROM cohort) AS months_later, count(DISTINCT patient)
FROM first JOIN active USING (patient) GROUP BY 1 ORDER BY 1;
-- kind: funnels
SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM visits v WHERE v.patient = p.patient AND v.kind = 'call')) AS called,
	count(*) FILTER (WHERE EXISTS (SELECT FROM visits v WHERE v.patient = p.patient AND v.kind = 'surgery')) AS operated, count(*) AS registered FROM people p;
-- kind: funnels
WITH steps AS (SELECT patient, bool_or(kind = 'call') AS called, bool_or(kind = 'visit') AS came, bool_or(kind = 'surgery') AS operated FROM visits GROUP BY patient)
SELECT count(*) FILTER (WHERE called), count(*) FILTER (WHERE called AND came), count(*) FILTER (WHERE called AND came AND operated) FROM steps;
-- kind: funnels in order of time
SELECT count(DISTINCT a.patient), count(DISTINCT b.patient) FROM (SELECT patient, min(day) AS day FROM visits WHERE kind = 'call' GROUP BY patient) a
LEFT JOIN (SELECT patient, max(day) AS day FROM visits WHERE kind = 'surgery' GROUP BY patient) b ON b.patient = a.patient AND b.day >= a.day;
-- kind: ratios
SELECT clinic, 100.0 * count(*) FILTER (WHERE kind = 'surgery') / nullif(count(*), 0) AS percent FROM visits GROUP BY 1 ORDER BY 1;
-- kind: ratios
SELECT sum(cost) / sum(minutes) AS cost_per_minute FROM visits;
-- kind: ratios
SELECT avg((kind = 'call')::int) AS share, avg(CASE WHEN nights IS NULL THEN 0 ELSE 1 END) FROM visits;
-- kind: weighted averages
SELECT clinic, sum(cost * minutes) / sum(minutes) AS weighted FROM visits GROUP BY 1 ORDER BY 1;
-- kind: regression
SELECT regr_slope(cost, minutes), regr_intercept(cost, minutes), regr_r2(cost, minutes), corr(cost, minutes) FROM visits;
-- kind: histograms
SELECT width_bucket(cost, 0, 500, 10) AS bucket, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: buckets
SELECT floor(cost / 50) * 50 AS bucket, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: buckets
SELECT CASE WHEN cost < 100 THEN 'low' WHEN cost < 300 THEN 'middle' ELSE 'high' END AS price, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: joins of protected tables
SELECT p.sex, avg(v.cost), count(*) FROM visits v JOIN people p ON p.patient = v.patient GROUP BY 1 ORDER BY 1;
-- kind: joins with public tables
SELECT c.region, avg(v.cost), count(*) FROM visits v JOIN clinics c USING (clinic) GROUP BY 1 ORDER BY 1;
-- kind: joins with public tables
-- refused: DP003 no bounds are declared for column "beds"
-- hint: Give bounds, as in dp_sum(c.beds, lower, upper)
SELECT c.region, sum(v.nights)::float8 / sum(c.beds) FROM visits v JOIN clinics c USING (clinic) GROUP BY 1 ORDER BY 1;
-- instead:
-- plain: SELECT c.region, sum(v.nights)::float8 / sum(c.beds) FROM visits v JOIN clinics c USING (clinic) GROUP BY 1 ORDER BY 1
SELECT c.region, sum(v.nights)::float8 / dp_sum(c.beds, 0, 300) FROM visits v JOIN clinics c USING (clinic) GROUP BY 1 ORDER BY 1;
-- kind: results joined with public tables
SELECT s.clinic, s.nights::float8 / c.beds FROM (SELECT clinic, sum(nights) AS nights FROM visits GROUP BY 1) s JOIN clinics c USING (clinic) ORDER BY 1;
-- kind: clinics without a match
SELECT c.clinic, count(v.patient) AS visits FROM clinics c LEFT JOIN visits v ON v.clinic = c.clinic AND v.kind = 'call' WHERE c.clinic <> 'Harbour' GROUP BY c.clinic ORDER BY 1;
-- kind: moving averages
SELECT month, n, avg(n) OVER (ORDER BY month ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS moving FROM (SELECT date_trunc('month', day) AS month, count(*) AS n FROM visits GROUP BY 1) s ORDER BY 1;
-- kind: moving averages
SELECT date_trunc('month', day) AS month, count(*), avg(count(*)) OVER (ORDER BY date_trunc('month', day) ROWS 2 PRECEDING) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: shares
SELECT clinic, count(*), round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS share FROM visits GROUP BY 1 ORDER BY 1;
-- kind: shares of another number
SELECT count(*) * 100.0 / (SELECT count(*) FROM people) FROM people WHERE sex = 'f';
-- kind: year over year
SELECT extract(month FROM day) AS month, count(*) FILTER (WHERE extract(year FROM day) = 2023) AS last_year, count(*) FILTER (WHERE extract(year FROM day) = 2024) AS this_year FROM visits WHERE extract(month FROM day) BETWEEN 2 AND 8 GROUP BY 1 ORDER BY 1;
-- kind: year over year
WITH y AS (SELECT date_trunc('year', day) AS year, sum(cost) AS total FROM visits GROUP BY 1) SELECT year, total, total / lag(total) OVER (ORDER BY year) - 1 AS growth FROM y ORDER BY 1;
-- kind: first events
SELECT date_trunc('month', first) AS month, count(*) FROM (SELECT patient, min(day) AS first FROM visits GROUP BY patient) f GROUP BY 1 ORDER BY 1;
-- kind: first events
SELECT kind, count(*) FROM (SELECT patient, row_number() OVER (PARTITION BY patient ORDER BY day) AS nr, kind FROM visits) s WHERE nr = 1 GROUP BY kind ORDER BY 1;
-- kind: first events
SELECT kind, count(*) FROM (SELECT DISTINCT ON (patient) patient, kind FROM visits ORDER BY patient, day) s GROUP BY kind ORDER BY 1;
-- kind: first events
SELECT kind, count(*) FROM (SELECT kind, row_number() OVER (PARTITION BY patient ORDER BY day) AS nr FROM visits) s WHERE nr = 1 GROUP BY kind ORDER BY 1;
-- kind: first events, of equal rank
SELECT v.kind, count(*) FROM visits v JOIN (SELECT patient, min(day) AS day FROM visits GROUP BY patient) f ON f.patient = v.patient AND f.day = v.day GROUP BY v.kind ORDER BY 1;
-- kind: time between events
SELECT avg(gap) FROM (SELECT patient, day - lag(day) OVER (PARTITION BY patient ORDER BY day) AS gap FROM visits) s;
-- kind: time between events
SELECT count(*) FROM visits a WHERE EXISTS (SELECT FROM visits b WHERE b.patient = a.patient AND b.day > a.day AND b.day <= a.day + 150);
-- kind: per-person sub-selects
SELECT avg(n), max(n) FROM (SELECT patient, count(*) AS n FROM visits GROUP BY patient) s;
-- kind: per-person sub-selects
SELECT n, count(*) FROM (SELECT patient, count(*) AS n FROM visits GROUP BY patient) s GROUP BY n ORDER BY n;
-- kind: per-person sub-selects
SELECT avg(total), percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM (SELECT patient, sum(cost) AS total FROM visits GROUP BY patient) s;
-- kind: per-person sub-selects
SELECT count(*) FROM (SELECT patient FROM visits GROUP BY patient HAVING count(*) >= 3 AND sum(cost) > 500) s;
-- kind: rollups
SELECT clinic, kind, count(*), avg(cost) FROM visits GROUP BY ROLLUP (clinic, kind) ORDER BY 1, 2;
-- kind: cubes
SELECT city, sex, count(*) FROM people GROUP BY CUBE (city, sex) ORDER BY grouping(city, sex), 1, 2;
-- kind: grouping sets
SELECT clinic, kind, count(*), grouping(clinic, kind) FROM visits GROUP BY GROUPING SETS ((clinic), (kind), ()) ORDER BY 1, 2;
-- kind: FILTER
SELECT count(*) FILTER (WHERE kind = 'call'), avg(cost) FILTER (WHERE kind = 'surgery') FROM visits;
-- kind: pivots
SELECT clinic, sum(CASE WHEN kind = 'call' THEN 1 ELSE 0 END) AS calls, sum(CASE WHEN kind = 'visit' THEN cost ELSE 0 END) AS visits, count(CASE WHEN kind = 'surgery' THEN 1 END) FROM visits GROUP BY clinic ORDER BY clinic;
-- kind: string_agg
SELECT string_agg(DISTINCT kind, ', ' ORDER BY kind) FROM visits;
-- kind: array_agg
SELECT clinic, array_agg(DISTINCT kind ORDER BY kind) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: string_agg of rows
-- refused: DP002 over protected rows need DISTINCT
-- hint: Write string_agg(DISTINCT x, ', ')
SELECT clinic, string_agg(kind, ', ') FROM visits GROUP BY 1 ORDER BY 1;
-- instead:
SELECT clinic, string_agg(DISTINCT kind, ', ') FROM visits GROUP BY 1 ORDER BY 1;
-- kind: string_agg of results
SELECT string_agg(clinic || ': ' || n / 1000, ', ' ORDER BY n DESC) FROM (SELECT clinic, count(*) AS n FROM visits GROUP BY clinic) s;
-- kind: least and greatest texts
SELECT min(kind), max(kind) FROM visits;
-- kind: booleans
SELECT bool_or(cost > 400), every(cost >= 0) FROM visits;
-- kind: json
SELECT about->>'smoker' AS smoker, count(*) FROM people GROUP BY 1 ORDER BY 1;
-- kind: json
SELECT count(*), count(*) FILTER (WHERE about->'tags' ? 'tag 1') FROM people WHERE about @> '{"smoker": true}';
-- kind: json paths
SELECT count(*) FROM people WHERE about @? '$.tags[*] ? (@ == "tag 1")';
-- kind: json numbers
-- refused: DP003 no bounds follow for the argument of avg()
-- hint: Give bounds, as in dp_avg(x, lower, upper)
SELECT avg((about->>'height')::numeric) FROM people;
-- instead:
-- plain: SELECT avg((about->>'height')::numeric) FROM people
SELECT dp_avg((about->>'height')::numeric, 100, 220) FROM people;
-- kind: json numbers, cut off
SELECT avg(greatest(least((about->>'height')::int, 220), 100)) FROM people;
-- kind: json arrays
-- refused: DP002 may stand in FROM beside
-- hint: JOIN (VALUES
SELECT t.tag, count(*) FROM people p, jsonb_array_elements_text(p.about->'tags') AS t(tag) GROUP BY 1 ORDER BY 1;
-- instead:
-- plain: SELECT t.tag, count(*) FROM people p, jsonb_array_elements_text(p.about->'tags') AS t(tag) GROUP BY 1 ORDER BY 1
SELECT t.tag, count(*) FROM people p JOIN (VALUES ('tag 0'), ('tag 1'), ('tag 2'), ('tag 3'), ('tag 4')) t(tag) ON p.about->'tags' ? t.tag WHERE dp_with(max_groups => 2) GROUP BY 1 ORDER BY 1;
-- kind: text search
-- refused: DP002 text search below a release needs a stored tsvector column
-- hint: GENERATED ALWAYS AS (to_tsvector('english', note)) STORED
SELECT count(*) FROM visits WHERE to_tsvector('english', note) @@ to_tsquery('english', 'pain & knee');
-- instead:
SELECT count(*) FROM visits WHERE words @@ to_tsquery('english', 'pain & knee');
-- kind: text search
SELECT count(*) FROM visits WHERE words @@ websearch_to_tsquery('english', 'knees -finding');
-- kind: regex
SELECT count(*) FROM visits WHERE note ~* '\mknee\M';
-- kind: regex
SELECT substring(note FROM '^(\w+)') AS word, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: regex
SELECT regexp_replace(lower(note), '[^a-z ]', '', 'g') AS note, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: LIKE
SELECT count(*) FROM visits WHERE note ILIKE '%pain%' AND kind NOT LIKE 's%';
-- kind: date_bin
SELECT date_bin('7 days', started, timestamp '2023-01-02') AS week, count(*) FROM visits GROUP BY 1 HAVING count(*) > 90 ORDER BY 1;
-- kind: weekdays and hours
SELECT extract(dow FROM day) AS dow, extract(hour FROM started) >= 12 AS afternoon, count(*) FROM visits GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: weekdays and hours
SELECT extract(hour FROM started) AS hour, count(*), avg(minutes) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: to_char
SELECT to_char(day, 'YYYY-MM') AS month, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: survival
SELECT months, count(*) FILTER (WHERE died IS NULL OR died >= registered + months * interval '1 month')::float8 / nullif(count(*), 0) AS alive FROM people, generate_series(0, 24, 6) months GROUP BY 1 ORDER BY 1;
-- kind: ages
SELECT avg(extract(year FROM age(date '2025-01-01', born))), avg(date '2025-01-01' - born) / 365.25 AS years FROM people;
-- kind: ages in groups
SELECT date_part('year', age('2025-01-01', born))::int / 10 * 10 AS decade, sex, count(*) FROM people GROUP BY 1, 2 HAVING count(*) >= 100 ORDER BY 1, 2;
-- kind: correlated per-person values
SELECT corr(total, n) FROM (SELECT patient, sum(cost) AS total, count(*) AS n FROM visits GROUP BY patient) s;
-- kind: correlated per-person values
SELECT count(*) FROM visits v WHERE cost > (SELECT avg(w.cost) FROM visits w WHERE w.patient = v.patient);
-- kind: correlated per-person values
SELECT sex, avg(visits) FROM (SELECT p.patient, p.sex, (SELECT count(*) FROM visits v WHERE v.patient = p.patient) AS visits FROM people p) s GROUP BY 1 ORDER BY 1;
-- kind: without any
SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT FROM visits v WHERE v.patient = p.patient AND v.kind = 'surgery');
-- kind: without any
SELECT count(*) FROM people p LEFT JOIN visits v ON v.patient = p.patient AND v.kind = 'surgery' WHERE v.patient IS NULL;
-- kind: without any
SELECT count(*) FROM people WHERE patient NOT IN (SELECT patient FROM visits WHERE kind = 'surgery');
-- kind: calendars
SELECT d::date AS week, count(v.patient) FROM generate_series(date '2024-01-01', date '2024-02-26', interval '1 week') d LEFT JOIN visits v ON v.day >= d AND v.day < d + interval '1 week' GROUP BY 1 ORDER BY 1;
-- kind: variances
SELECT variance(cost), covar_pop(cost, minutes) FROM visits;
-- kind: HAVING
SELECT clinic, avg(cost) FROM visits GROUP BY clinic HAVING count(*) > 1500 ORDER BY 1;
-- kind: linear functions
SELECT avg(cost * 1.19), sum(cost - 5), sum(least(cost, 100)) FROM visits;
-- kind: ranks
SELECT clinic, count(*), rank() OVER (ORDER BY count(*) DESC) FROM visits GROUP BY 1 ORDER BY 3;
-- kind: quarters of groups
SELECT ntile(2) OVER (ORDER BY count(*)) AS half, clinic FROM visits GROUP BY clinic ORDER BY 1, 2;
-- kind: periods
SELECT count(*) FROM visits WHERE day >= date '2024-01-01' AND day < date '2024-01-01' + interval '3 months';
-- kind: conditions
SELECT count(*) FROM visits WHERE kind IN ('call', 'visit') AND clinic <> 'West' AND nights IS NOT NULL;
-- kind: UNION ALL of results
SELECT 'women' AS what, count(*) FROM people WHERE sex = 'f' UNION ALL SELECT 'men', count(*) FROM people WHERE sex = 'm';
-- kind: running totals
SELECT kind, sum(cost), sum(sum(cost)) OVER (ORDER BY kind) AS running FROM visits GROUP BY 1 ORDER BY 1;
-- kind: no row
SELECT count(*), avg(cost) FROM visits WHERE 0 = 1;
-- kind: extremes
-- near 0.05:
SELECT max(cost), min(cost), max(day) - date '2023-01-01' FROM visits;
-- kind: NULL as a value
SELECT coalesce(nights, 0) AS nights, count(*), count(nights) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: comparisons as keys
SELECT (born > date '1980-01-01') AS young, count(*) FROM people GROUP BY 1 ORDER BY 1;
-- kind: different values
SELECT DISTINCT kind FROM visits ORDER BY 1;
-- kind: functions of texts
SELECT upper(left(coalesce(city, 'unknown'), 1)) AS initial, count(*) FROM people GROUP BY 1 ORDER BY 1;
-- kind: samples
-- refused: DP002 TABLESAMPLE is not available below a release
-- hint: Remove it
SELECT avg(cost) FROM visits TABLESAMPLE SYSTEM (10);
-- instead:
SELECT avg(cost) FROM visits;
-- kind: rows
-- refused: 42501 its rows can only be aggregated
-- hint: Write an aggregate
SELECT * FROM visits LIMIT 10;
-- instead:
SELECT count(*) FROM visits;
-- kind: who has most
-- refused: DP002 rows about single individuals
-- hint: aggregate over the sub-select that is grouped by the unit
SELECT patient, sum(cost) FROM visits GROUP BY patient ORDER BY 2 DESC LIMIT 10;
-- instead:
SELECT floor(total / 250) * 250 AS total, count(*) FROM (SELECT patient, sum(cost) AS total FROM visits GROUP BY patient) s GROUP BY 1 ORDER BY 1;
-- kind: quarters of individuals
-- refused: DP002 window functions are not available below a release
-- hint: Apply window functions to the released values
SELECT quarter, avg(total) FROM (SELECT ntile(4) OVER (ORDER BY total) AS quarter, total FROM (SELECT patient, sum(cost) AS total FROM visits GROUP BY patient) s) q GROUP BY 1 ORDER BY 1;
-- instead:
SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY total) FROM (SELECT patient, sum(cost) AS total FROM visits GROUP BY patient) s;
-- kind: above the average of all
SELECT count(*) FROM visits WHERE cost > (SELECT avg(cost) FROM visits);
-- kind: above the average of the group
SELECT count(*) FROM visits v JOIN (SELECT clinic, avg(cost) AS mean FROM visits GROUP BY clinic) c USING (clinic) WHERE v.cost > c.mean;
-- kind: UNION ALL of rows
SELECT what, count(*) FROM (SELECT patient, kind AS what FROM visits UNION ALL SELECT patient, 'registered' FROM people) s GROUP BY 1 ORDER BY 1;
-- kind: either of two
-- refused: DP002 only UNION ALL
-- hint: UNION ALL
SELECT count(*) FROM (SELECT patient FROM visits WHERE kind = 'surgery' UNION SELECT patient FROM people WHERE insured) s;
-- instead:
SELECT count(DISTINCT patient) FROM (SELECT patient FROM visits WHERE kind = 'surgery' UNION ALL SELECT patient FROM people WHERE insured) s;
-- kind: both of two
SELECT count(*) FROM people p WHERE insured AND patient IN (SELECT patient FROM visits WHERE kind = 'surgery');
-- kind: lateral joins
-- refused: DP002 a release may not refer to columns of an enclosing query
-- hint: with GROUP BY and join its result
SELECT avg(l.last - l.first) FROM people p CROSS JOIN LATERAL (SELECT min(day) AS first, max(day) AS last FROM visits v WHERE v.patient = p.patient) l;
-- instead:
SELECT avg(l.last - l.first) FROM people p JOIN (SELECT patient, min(day) AS first, max(day) AS last FROM visits GROUP BY patient) l ON l.patient = p.patient;
-- kind: self joins
SELECT a.kind AS before, b.kind AS after, count(*) FROM visits a JOIN visits b ON b.patient = a.patient AND b.visit_id = a.visit_id + 1 GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: chains of CTEs
WITH v AS (SELECT patient, clinic, cost FROM visits WHERE day >= '2023-06-01'), per AS (SELECT patient, clinic, sum(cost) AS total, count(*) AS n FROM v GROUP BY 1, 2),
byclinic AS (SELECT clinic, avg(total) AS mean, count(*) AS people FROM per GROUP BY clinic) SELECT clinic, mean, people, mean - avg(mean) OVER () AS off FROM byclinic ORDER BY clinic;
-- kind: Gini and the like
SELECT sum(total * total) / (sum(total) * sum(total)) * count(*) FROM (SELECT patient, sum(cost)::float8 AS total FROM visits GROUP BY patient) s;
-- kind: geometric averages
SELECT exp(avg(ln(cost))) FROM visits WHERE cost > 1;
-- kind: standard scores
SELECT clinic, (avg(cost) - (SELECT avg(cost) FROM visits)) / (SELECT stddev(cost) FROM visits) AS z FROM visits GROUP BY clinic ORDER BY 1;
-- kind: intervals
SELECT extract(epoch FROM avg(started - lag)) FROM (SELECT patient, started, lag(started) OVER (PARTITION BY patient ORDER BY started) AS lag FROM visits) s;
-- kind: several figures
SELECT (SELECT count(*) FROM people) AS p, (SELECT count(*) FROM visits) AS v;
-- kind: joins by comma
SELECT sex, count(*) FROM people, visits WHERE people.patient = visits.patient AND kind = 'call' GROUP BY sex ORDER BY sex;
-- kind: natural join
SELECT region, count(*) FROM visits NATURAL JOIN clinics GROUP BY 1 ORDER BY 1;
-- kind: joins of three tables
SELECT c.region, p.sex, count(*), avg(cost) FROM visits v JOIN people p USING (patient) JOIN clinics c USING (clinic) GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: count of pairs
SELECT count(DISTINCT kind || clinic) FROM visits;
-- kind: different values by group
SELECT clinic, count(DISTINCT kind), count(DISTINCT day) > 0 FROM visits GROUP BY clinic ORDER BY clinic;
-- kind: different pairs
SELECT DISTINCT clinic, kind FROM visits WHERE kind <> 'surgery' ORDER BY 1, 2;
-- kind: pagination
SELECT kind, count(*) AS n, count(*) OVER () AS full_count FROM visits GROUP BY kind ORDER BY n DESC NULLS LAST OFFSET 1 ROWS FETCH FIRST 5 ROWS ONLY;
-- kind: overlaps
SELECT count(*) FROM people WHERE (registered::date, coalesce(died, date '2026-01-01')) OVERLAPS (date '2024-06-01', date '2024-12-31');
-- kind: IN (VALUES ...)
SELECT count(*) FROM visits WHERE kind IN (VALUES ('call'), ('visit'));
-- kind: ANY and ALL
SELECT count(*) FROM visits WHERE kind = ANY (ARRAY['call', 'visit']) AND clinic <> ALL ('{West,South}');
-- kind: BETWEEN SYMMETRIC
SELECT count(*) FROM visits WHERE cost BETWEEN SYMMETRIC 300 AND 100 AND nights IS DISTINCT FROM 1;
-- kind: SIMILAR TO
SELECT count(*) FROM visits WHERE note SIMILAR TO '%(knee|hip)%' AND starts_with(note, 'Sev');
-- kind: simple CASE
SELECT CASE kind WHEN 'call' THEN 'remote' ELSE 'on site' END AS how, count(*), round(avg(minutes)) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: first value per person
SELECT first, count(DISTINCT patient) FROM (SELECT patient, first_value(kind) OVER (PARTITION BY patient ORDER BY day) AS first FROM visits) s GROUP BY 1 ORDER BY 1;
-- kind: sessions
SELECT count(*) FROM (SELECT patient, CASE WHEN day - lag(day) OVER (PARTITION BY patient ORDER BY day) > 130 THEN 1 ELSE 0 END AS new FROM visits) s WHERE new = 1;
-- kind: gaps and islands
SELECT avg(sessions) FROM (SELECT patient, sum(new) AS sessions FROM (SELECT patient, CASE WHEN lag(day) OVER w IS NULL OR day - lag(day) OVER w > 130 THEN 1 ELSE 0 END AS new FROM visits WINDOW w AS (PARTITION BY patient ORDER BY day)) g GROUP BY patient) s;
-- kind: running totals per person
SELECT count(DISTINCT patient) FROM (SELECT patient, sum(cost) OVER (PARTITION BY patient ORDER BY day) AS run FROM visits) s WHERE run > 600;
-- kind: nth events
SELECT nr, avg(cost) FROM (SELECT patient, cost, row_number() OVER (PARTITION BY patient ORDER BY day) AS nr FROM visits) s GROUP BY nr ORDER BY nr;
-- kind: distinct per person
SELECT avg(clinics) FROM (SELECT patient, count(DISTINCT clinic) AS clinics FROM visits GROUP BY patient) s;
-- kind: ratio per person
SELECT avg(r) FROM (SELECT patient, sum(cost) / nullif(sum(minutes), 0) AS r FROM visits GROUP BY patient) s;
-- kind: share per person
SELECT avg(share) FROM (SELECT patient, count(*) FILTER (WHERE kind = 'call')::float8 / count(*) AS share FROM visits GROUP BY patient) s;
-- kind: share per person
SELECT avg(share) FROM (SELECT patient, avg((kind = 'call')::int) AS share FROM visits GROUP BY patient) s;
-- kind: age at event
SELECT width_bucket(extract(year FROM age(v.day, p.born)), 0, 100, 10) * 10 - 10 AS age, count(*) FROM visits v JOIN people p USING (patient) GROUP BY 1 ORDER BY 1;
-- kind: names of days
SELECT trim(to_char(day, 'Day')) AS weekday, count(*) FROM visits GROUP BY 1, extract(isodow FROM day) ORDER BY extract(isodow FROM day);
-- kind: time zones
SELECT (registered AT TIME ZONE 'Europe/Berlin')::date - date '2023-01-01' > 250 AS late, count(*) FROM people GROUP BY 1 ORDER BY 1;
-- kind: functions of texts
SELECT split_part(note, ' ', 1) AS w, concat_ws('/', kind, clinic) AS kc, count(*) FROM visits WHERE clinic = 'North' GROUP BY 1, 2 ORDER BY 1, 2;
-- kind: format()
SELECT format('%s at %s', kind, clinic) AS f, count(*) FROM visits WHERE clinic = 'North' GROUP BY 1 ORDER BY 1;
-- kind: casts
SELECT (note ~ 'knee')::int::text || 'x' AS t, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: quartile range
SELECT clinic, percentile_cont(0.75) WITHIN GROUP (ORDER BY cost) - percentile_cont(0.25) WITHIN GROUP (ORDER BY cost) AS iqr FROM visits GROUP BY 1 ORDER BY 1;
-- kind: coefficient of variation
SELECT clinic, stddev_pop(cost) / avg(cost) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: retention of cohorts
WITH c AS (SELECT patient, date_trunc('quarter', registered)::date AS cohort FROM people), s AS (SELECT cohort, count(*) AS n FROM c GROUP BY 1), a AS (SELECT c.cohort, count(DISTINCT v.patient) AS n FROM c JOIN visits v USING (patient) WHERE v.kind = 'call' GROUP BY 1) SELECT s.cohort, s.n, round(100.0 * a.n / s.n, 1) FROM s LEFT JOIN a USING (cohort) ORDER BY 1;
-- kind: MATERIALIZED
WITH v AS MATERIALIZED (SELECT * FROM visits WHERE cost > 100) SELECT kind, count(*) FROM v GROUP BY 1 ORDER BY 1;
-- kind: two facts side by side
SELECT p.city, coalesce(v.n, 0) AS visits, p.n AS people FROM (SELECT city, count(*) AS n FROM people GROUP BY 1) p LEFT JOIN (SELECT pe.city, count(*) AS n FROM visits JOIN people pe USING (patient) GROUP BY 1) v ON v.city IS NOT DISTINCT FROM p.city ORDER BY 1;
-- kind: HAVING
SELECT clinic FROM visits GROUP BY clinic HAVING avg(cost) > 100 AND count(DISTINCT patient) > 1000 ORDER BY 1;
-- kind: quoted aliases
SELECT "kind" AS "Kind of Visit", COUNT("patient") AS "Σ" FROM "visits" AS "T" GROUP BY "Kind of Visit" ORDER BY "Σ" DESC;
-- kind: last events
SELECT v.kind, count(*) FROM visits v WHERE v.day = (SELECT max(w.day) FROM visits w WHERE w.patient = v.patient) GROUP BY 1 ORDER BY 1;
-- kind: IN of pairs
SELECT count(*) FROM visits WHERE (kind, clinic) IN (('call', 'North'), ('visit', 'South'));
-- kind: last events
SELECT count(*) FROM visits WHERE (patient, day) IN (SELECT patient, max(day) FROM visits GROUP BY patient);
-- kind: one row of figures
SELECT count(*) AS visits, count(DISTINCT patient) AS patients, round(count(*)::numeric / nullif(count(DISTINCT patient), 0), 2) AS per_patient, round(sum(cost)) AS total FROM visits;
-- kind: log buckets
SELECT floor(log(cost)) AS magnitude, count(*) FROM visits GROUP BY 1 HAVING count(*) > 200 ORDER BY 1;
-- kind: round
SELECT round(cost, -2) AS cost, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: shares below a value
SELECT avg(CASE WHEN cost < 100 THEN 1.0 ELSE 0.0 END) FROM visits;
-- kind: results as json
SELECT json_object_agg(kind, n) IS NOT NULL FROM (SELECT kind, count(*) AS n FROM visits GROUP BY 1) s;
-- kind: names of quarters
SELECT to_char(date_trunc('quarter', day), '"Q"Q YYYY') AS q, count(*) FROM visits GROUP BY 1 ORDER BY min(date_trunc('quarter', day));
-- kind: order by what is not shown
SELECT clinic FROM visits GROUP BY clinic ORDER BY count(*) DESC;
-- kind: max() of what the key fixes
SELECT c.clinic, max(c.region) AS region, count(*) FROM visits v JOIN clinics c USING (clinic) GROUP BY c.clinic ORDER BY 1;
-- kind: columns beside a primary key
SELECT c.clinic, c.region, c.beds, count(*) FROM visits v JOIN clinics c USING (clinic) GROUP BY c.clinic ORDER BY 1;
-- kind: window aggregates with FILTER
SELECT kind, sum(count(*)) FILTER (WHERE kind <> 'call') OVER () FROM visits GROUP BY kind ORDER BY 1;
-- kind: interval sums
SELECT sum(minutes * interval '1 minute') > interval '1 hour' FROM visits;
-- kind: cast date text
SELECT substr(day::text, 1, 7) AS m, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: labels from VALUES
SELECT coalesce(l.label, 'other') AS label, count(*) FROM visits v LEFT JOIN (VALUES ('call', 'Phone'), ('visit', 'In person')) l(kind, label) ON l.kind = v.kind GROUP BY 1 ORDER BY 1;
-- kind: several dimensions at once
SELECT 'kind' AS dim, kind AS val, count(*) FROM visits GROUP BY 2 UNION ALL SELECT 'clinic', clinic, count(*) FROM visits GROUP BY 2 ORDER BY 1, 2;
-- kind: INTERSECT of results
SELECT clinic FROM visits WHERE kind = 'call' GROUP BY 1 INTERSECT SELECT clinic FROM visits WHERE kind = 'visit' GROUP BY 1 ORDER BY 1;
-- kind: chi square of results
WITH o AS (SELECT sex, insured, count(*) AS n FROM people GROUP BY 1, 2), t AS (SELECT *, sum(n) OVER (PARTITION BY sex) AS r, sum(n) OVER (PARTITION BY insured) AS c, sum(n) OVER () AS a FROM o) SELECT sum((n - r * c / a) ^ 2 / (r * c / a)) > 0 FROM t;
-- kind: different pairs
-- refused: DP002 values of this type are not available below a release: record
-- hint: concat_ws('/', a, b)
SELECT count(DISTINCT (kind, clinic)) FROM visits;
-- instead:
SELECT count(DISTINCT concat_ws('/', kind, clinic)) FROM visits;
-- kind: is there any
-- refused: 42501 its rows can only be aggregated
-- hint: Write an aggregate, as count(*)
SELECT EXISTS (SELECT 1 FROM visits WHERE kind = 'surgery');
-- instead:
SELECT count(*) > 0 FROM visits WHERE kind = 'surgery';
-- kind: calendars, recursive
-- refused: DP002 may stand in FROM beside
-- hint: generate_series()
WITH RECURSIVE m AS (SELECT date '2023-02-01' AS month UNION ALL SELECT (month + interval '1 month')::date FROM m WHERE month < '2023-12-01') SELECT m.month, count(v.patient) FROM m LEFT JOIN visits v ON date_trunc('month', v.day) = m.month GROUP BY 1 ORDER BY 1;
-- instead:
SELECT m::date AS month, count(v.patient) FROM generate_series(date '2023-02-01', date '2023-12-01', '1 month') m LEFT JOIN visits v ON date_trunc('month', v.day) = m GROUP BY 1 ORDER BY 1;
-- kind: calendars between released dates
-- refused: DP002 may stand in FROM beside
-- hint: of constants and parameters
SELECT m::date, count(v.patient) FROM generate_series((SELECT date_trunc('month', percentile_disc(0.05) WITHIN GROUP (ORDER BY day)) FROM visits), '2023-08-01', '1 month') m LEFT JOIN visits v ON date_trunc('month', v.day) = m GROUP BY 1 ORDER BY 1;
-- instead:
SELECT m::date, count(v.patient) FROM generate_series(date '2023-03-01', date '2023-08-01', '1 month') m LEFT JOIN visits v ON date_trunc('month', v.day) = m GROUP BY 1 ORDER BY 1;
-- kind: paths of individuals
-- refused: DP002 this aggregate is not available in a sub-select below a release
-- hint: lag()
SELECT path, count(*) FROM (SELECT patient, string_agg(kind, ' > ' ORDER BY day) AS path FROM visits GROUP BY patient) s GROUP BY path ORDER BY count(*) DESC LIMIT 5;
-- instead:
SELECT concat_ws(' > ', before, kind) AS step, count(*) FROM (SELECT kind, lag(kind) OVER (PARTITION BY patient ORDER BY day) AS before FROM visits) s GROUP BY 1 ORDER BY 1;
-- kind: last values per person
-- refused: DP002 this aggregate is not available in a sub-select below a release
-- hint: DISTINCT ON (unit)
SELECT last, count(*) FROM (SELECT patient, (array_agg(kind ORDER BY day DESC))[1] AS last FROM visits GROUP BY patient) s GROUP BY 1 ORDER BY 1;
-- instead:
SELECT last, count(*) FROM (SELECT DISTINCT ON (patient) kind AS last FROM visits ORDER BY patient, day DESC) s GROUP BY 1 ORDER BY 1;
-- kind: last values per person
SELECT last, count(*) FROM (SELECT p.patient, (SELECT kind FROM visits v WHERE v.patient = p.patient ORDER BY day DESC LIMIT 1) AS last FROM people p) s GROUP BY 1 ORDER BY 1;
-- kind: last values per person, of all columns
WITH last AS (SELECT DISTINCT ON (patient) * FROM visits ORDER BY patient, day DESC) SELECT kind, count(*), avg(cost) FROM last GROUP BY 1 ORDER BY 1;
-- kind: last values per person, LATERAL
-- refused: DP002 a release may not refer to columns of an enclosing query
-- hint: A sub-select that = ties to the unit
SELECT l.kind, count(*) FROM people p CROSS JOIN LATERAL (SELECT kind FROM visits v WHERE v.patient = p.patient ORDER BY day DESC LIMIT 1) l GROUP BY 1 ORDER BY 1;
-- instead:
SELECT (SELECT kind FROM visits v WHERE v.patient = p.patient ORDER BY day DESC LIMIT 1) AS kind, count(*) FROM people p GROUP BY 1 ORDER BY 1;
-- kind: the event before
-- refused: DP002 LIMIT and OFFSET are not available below a release
-- hint: lag() OVER (PARTITION BY unit ORDER BY day)
SELECT count(*) FROM visits v WHERE kind <> (SELECT w.kind FROM visits w WHERE w.patient = v.patient AND w.day < v.day ORDER BY w.day DESC LIMIT 1);
-- instead:
SELECT count(*) FROM (SELECT kind, lag(kind) OVER (PARTITION BY patient ORDER BY day) AS before FROM visits) s WHERE kind <> before;
-- kind: lists as json
-- refused: DP002 this aggregate is not available over protected rows
-- hint: to_json(array_agg(DISTINCT x))
SELECT json_agg(DISTINCT kind) FROM visits;
-- instead:
SELECT to_json(array_agg(DISTINCT kind)) FROM visits;
-- kind: spreads per person
-- refused: DP002 this aggregate is not available in a sub-select below a release
-- hint: sum(x * x)
SELECT avg(sd) FROM (SELECT patient, stddev_pop(minutes) AS sd FROM visits GROUP BY patient) s;
-- instead:
SELECT avg(sqrt(greatest(0, q - s * s / n) / n)) FROM (SELECT patient, sum(minutes * minutes) AS q, sum(minutes::float8) AS s, count(*) AS n FROM visits GROUP BY patient) s;
-- kind: columns as rows
SELECT u.name, avg(u.value) FROM visits v CROSS JOIN LATERAL (VALUES ('minutes', v.minutes::numeric), ('cost', v.cost)) AS u(name, value) GROUP BY 1 ORDER BY 1;
-- kind: weights from VALUES
SELECT avg(w.weight), avg(w.weight * v.cost) FROM visits v JOIN (VALUES ('call', 0.5), ('visit', 1), ('surgery', 4.5)) AS w(kind, weight) ON w.kind = v.kind;
-- kind: chains of LATERAL
SELECT l2.bucket, count(*), avg(l1.net) FROM visits v CROSS JOIN LATERAL (SELECT v.cost * 0.81 AS net) l1 CROSS JOIN LATERAL (SELECT floor(l1.net / 100) AS bucket) l2 GROUP BY 1 ORDER BY 1;
-- kind: individuals at a date
-- plain: SELECT d::date, count(p.patient) FROM generate_series(date '2024-01-01', date '2025-01-01', '3 months') d JOIN people p ON p.registered <= d AND (p.died IS NULL OR p.died > d) GROUP BY 1 ORDER BY 1
SELECT d::date, count(p.patient) FROM generate_series(date '2024-01-01', date '2025-01-01', '3 months') d JOIN people p ON p.registered <= d AND (p.died IS NULL OR p.died > d) WHERE dp_with(max_groups => 5) GROUP BY 1 ORDER BY 1;
