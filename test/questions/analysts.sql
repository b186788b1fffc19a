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
-- near 0.05:
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
-- refused: DP003 no bounds are known for column "beds"
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
