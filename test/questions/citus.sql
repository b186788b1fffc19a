-- Questions about the tables of setup.sql and citus_setup.sql, for test/t/115_citus_alike.pl: on distributed tables each statement
-- gives what it gives on one machine, to the byte.  Where it is refused there
--   -- refused: SQLSTATE PART OF THE MESSAGE
--   -- hint: PART OF THE HINT
-- stand above it.  The form is that of analysts.sql, but that a question has several statements, a line each.

-- kind: aggregates
SELECT count(*), count(value), count(DISTINCT result), count(DISTINCT patient), sum(value), avg(value) FROM tests;
SELECT result, count(*), count(value), count(DISTINCT patient), sum(value), avg(value) FROM tests GROUP BY result ORDER BY 1;
SELECT code, variance(value), stddev(value), var_pop(value), stddev_pop(value), covar_pop(value, part), covar_samp(value, part), corr(value, part) FROM tests GROUP BY code ORDER BY 1;
SELECT regr_slope(value, part), regr_intercept(value, part), regr_r2(value, part), regr_count(value, part), regr_avgx(value, part), regr_avgy(value, part), regr_sxx(value, part), regr_syy(value, part), regr_sxy(value, part) FROM tests;
SELECT code, percentile_cont(0.5) WITHIN GROUP (ORDER BY value), percentile_disc(ARRAY[0.1, 0.25, 0.9]) WITHIN GROUP (ORDER BY part), dp_median(small), dp_quantile(value, 0.3, 0, 100) FROM tests GROUP BY code ORDER BY 1;
SELECT code, min(value), max(value), min(at), max(took), min(code), max(result), min(place), max(ok::text) FROM tests GROUP BY code ORDER BY 1;
SELECT mode() WITHIN GROUP (ORDER BY result), mode() WITHIN GROUP (ORDER BY place), mode() WITHIN GROUP (ORDER BY part), mode() WITHIN GROUP (ORDER BY ok), dp_top(code, 2), dp_top(place, 3) FROM tests;
SELECT dp_histogram(value, 0, 100, 5), dp_histogram(part, 0, 12, 3) FROM tests;
SELECT bool_and(ok), bool_or(ok), every(value > 0) FROM tests;
SELECT dp_bounds(value), dp_bounds(part) FROM tests;
SELECT array_agg(DISTINCT code), array_agg(DISTINCT result) FROM tests;
SELECT string_agg(DISTINCT code, ',') FROM tests;
SELECT code, count(*) FILTER (WHERE value > 50), sum(value) FILTER (WHERE ok), avg(part) FILTER (WHERE result = 'low'), dp_median(value) FILTER (WHERE ok IS NULL) FROM tests GROUP BY code ORDER BY 1;
SELECT code, ok, count(*), sum(part) FROM tests GROUP BY 1, 2 ORDER BY 1, 2;
SELECT sum(took), avg(took), dp_median(took), min(took) FROM tests;
SELECT avg(at), dp_median(at), min(at), max(at) FROM tests;
SELECT sum(small), avg(small), sum(part), avg(part), sum(value::int), avg(value::numeric) FROM tests WHERE value IS NOT NULL AND value <> 'NaN';
SELECT dp_clipped(dp_count(*)), dp_low(dp_count(*), 0.9), dp_high(dp_sum(value), 0.9), dp_tier(*) FROM tests;
SELECT dp_count(*), dp_count(value), dp_count_distinct(code), dp_sum(value), dp_avg(value, 10, 50), dp_var(value), dp_stddev(part), dp_covar(value, part), dp_corr(value, part), dp_min(value), dp_max(value), dp_mode(code), dp_bool_or(ok) FROM tests;
SELECT count(*) FROM tests WHERE dp_with(max_groups => 1, max_rows => 1);
SELECT code, count(*) FROM tests WHERE dp_with(max_groups => 1, max_rows => 5) GROUP BY code ORDER BY 1;
SELECT code, sum(value) FROM tests WHERE dp_with(max_total => 2) GROUP BY code ORDER BY 1;
SELECT code, count(*) FROM tests WHERE dp_with(max_groups => 3, max_rows => 2, max_total => 4) GROUP BY code ORDER BY 1;
SELECT code, count(*) FROM tests GROUP BY code HAVING count(*) > 1500 ORDER BY 2 DESC;
SELECT code, count(*) AS n FROM tests GROUP BY code ORDER BY n DESC, code LIMIT 2;
SELECT code, count(*), rank() OVER (ORDER BY count(*) DESC), sum(count(*)) OVER () FROM tests GROUP BY code ORDER BY 1;
SELECT count(*) FROM tests WHERE at >= '2024-02-07' AND at < '2024-03-05';
SELECT date_trunc('month', at) AS m, count(*), avg(value) FROM tests WHERE at > '2024-01-20' GROUP BY 1 ORDER BY 1;
SELECT dp_avg(m, 0, 100), dp_median(m, 0, 100) FROM (SELECT patient, avg(value) AS m FROM tests WHERE value <> 'NaN' GROUP BY patient HAVING count(*) > 1) s;
SELECT code, count(*) FROM (SELECT patient, code, min(value) AS low FROM tests GROUP BY 1, 2) s WHERE low < 30 GROUP BY code ORDER BY 1;
SELECT kind, count(*) FROM visits GROUP BY kind UNION ALL SELECT code, count(*) FROM tests GROUP BY code ORDER BY 1;
SELECT dp_sum(code::int, 0, 10) FROM tests;
SELECT dp_sum(replace(code, 'c', '')::int, 0, 10), count(replace(code, 'c', '')::int) FROM tests;
SELECT dp_sum(sqrt(value - 50), 0, 10), dp_sum(ln(value), 0, 10) FROM tests;
SELECT result, count(*) FROM tests WHERE value > 1000 GROUP BY result ORDER BY 1;
-- kind: grouping sets, HAVING and ORDER BY
SELECT code, ok, count(*), sum(value) FROM tests GROUP BY GROUPING SETS ((code), (ok), ()) ORDER BY 1, 2;
SELECT code, ok, count(*) FROM tests GROUP BY ROLLUP (code, ok) ORDER BY 1, 2;
SELECT code, ok, count(*), grouping(code) FROM tests GROUP BY CUBE (code, ok) ORDER BY 1, 2;
SELECT extract(year FROM born)::int / 10 * 10 AS decade, sex, count(*) FROM people GROUP BY 1, 2 HAVING count(*) > 50 ORDER BY 1, 2;
SELECT s.k, count(*) FROM (SELECT patient, kind AS k FROM visits WHERE cost > 100 GROUP BY 1, 2 HAVING sum(minutes) > 40) s JOIN tests t USING (patient) WHERE t.ok GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT v.patient FROM visits v GROUP BY v.patient HAVING count(*) > 2);
SELECT count(*) FROM visits WHERE cost > (SELECT avg(cost) FROM visits) AND kind IN (SELECT kind FROM visits GROUP BY kind ORDER BY count(*) DESC LIMIT 2);
-- kind: prepared statements
PREPARE p1(text, numeric) AS SELECT clinic, count(*), sum(cost) FROM visits WHERE kind = $1 AND cost > $2 GROUP BY clinic ORDER BY 1;
EXECUTE p1('call', 100);
EXECUTE p1('visit', NULL);
EXECUTE p1('surgery', 5.5);
EXECUTE p1(NULL, 5.5);
EXECUTE p1('call', 20);
EXECUTE p1('call', 30);
EXECUTE p1('call', 100);
DEALLOCATE p1;
SET plan_cache_mode = force_generic_plan;
PREPARE p2(text, numeric) AS SELECT clinic, count(*), sum(cost) FROM visits WHERE kind = $1 AND cost > $2 GROUP BY clinic ORDER BY 1;
EXECUTE p2('call', 100);
EXECUTE p2('visit', NULL);
EXECUTE p2(NULL, 5.5);
EXECUTE p2('call', 30);
DEALLOCATE p2;
RESET plan_cache_mode;
SET plan_cache_mode = force_custom_plan;
PREPARE p3(int, date, int[]) AS SELECT kind, count(*), dp_avg(minutes, 0, 90) FROM visits v JOIN people p USING (patient) WHERE day > $2 - $1 AND minutes = ANY ($3) AND born < $2 GROUP BY kind ORDER BY 1;
EXECUTE p3(100, '2024-01-01', '{20,21,22,23,24,25,26,27,28,29,30}');
EXECUTE p3(NULL, '2024-01-01', '{20}');
EXECUTE p3(10, '2024-01-01', NULL);
DEALLOCATE p3;
RESET plan_cache_mode;
PREPARE p4(text) AS SELECT $1 || kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
EXECUTE p4('a');
EXECUTE p4(NULL);
DEALLOCATE p4;
PREPARE p5(int) AS SELECT count(*) FROM visits WHERE patient = $1 OR kind = 'call';
EXECUTE p5(7);
DEALLOCATE p5;
PREPARE p6(float8, float8, float8) AS SELECT dp_sum(value, $1, $2), dp_quantile(value, $3, 0, 100) FROM tests;
EXECUTE p6(0, 10, 0.5);
EXECUTE p6(-5, 50, 0.9);
DEALLOCATE p6;
PREPARE p7(float8) AS SELECT count(*) FROM tests WHERE 100 / $1 > value;
EXECUTE p7(0);
EXECUTE p7(2);
DEALLOCATE p7;
PREPARE g(date) AS SELECT d::date, count(v.patient) FROM generate_series($1, $1 + 90, interval '1 month') d LEFT JOIN visits v ON date_trunc('month', v.day) = d GROUP BY 1 ORDER BY 1;
EXECUTE g('2023-03-01');
EXECUTE g(NULL);
SET plan_cache_mode = force_generic_plan;
EXECUTE g('2023-03-01');
EXECUTE g('2023-05-01');
RESET plan_cache_mode;
DEALLOCATE g;
-- kind: settings of the session
SET timezone = 'Asia/Tokyo';
SELECT extract(hour FROM at) / 6 > 1, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT date_trunc('month', at), count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT at::date, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT date_trunc('quarter', registered), count(*) FROM people GROUP BY 1 ORDER BY 1;
RESET timezone;
SET timezone = 'America/New_York';
SELECT at::text, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT to_char(at, 'YYYY-MM TZ'), count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM tests WHERE at > '2024-03-01 00:00';
SELECT count(*) FROM tests WHERE at > '2024-03-01 00:00+00';
SELECT count(*) FROM tests WHERE at::timestamp > '2024-03-01 00:00';
RESET timezone;
SET datestyle = 'German, DMY';
SELECT day::text, count(*) FROM visits WHERE day < '01.05.2023' GROUP BY 1 ORDER BY 1;
SELECT left(day::text, 5), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT date_trunc('month', day), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits WHERE ('03.04.' || 2020 + minutes)::date < '01.01.2060';
RESET datestyle;
SET datestyle = 'SQL, DMY';
SELECT min(day), max(day), dp_median(day) FROM visits;
SELECT started::text, count(*) FROM visits GROUP BY 1 ORDER BY 1;
RESET datestyle;
SET intervalstyle = 'iso_8601';
SELECT took::text, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT avg(took), sum(took) FROM tests WHERE took > 'PT5H';
RESET intervalstyle;
SET intervalstyle = 'sql_standard';
SELECT (-took)::text, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM tests WHERE took - interval '-1 2:03:04' > interval '1 day -1 hour';
RESET intervalstyle;
SET extra_float_digits = -10;
SELECT small::text, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT sum(small), avg(value) FROM tests;
RESET extra_float_digits;
SET bytea_output = 'escape';
SELECT left(note::bytea::text, 10), count(*) FROM visits GROUP BY 1 ORDER BY 1;
RESET bytea_output;
SET lc_monetary = 'C';
SELECT cost::money::text < '$2', count(*) FROM visits GROUP BY 1 ORDER BY 1;
SET search_path = shop, public;
SELECT "Category", count(*) FROM "Orders" GROUP BY 1 ORDER BY 1;
SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
RESET search_path;
SET search_path = dp;
SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
RESET search_path;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM tests WHERE at::timestamp < '2024-02-01 12:00');
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM tests WHERE extract(hour from at) < 9);
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT FROM tests t WHERE t.patient = p.patient AND extract(hour from at) < 9);
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE p.patient IN (SELECT patient FROM tests WHERE extract(hour from at) < 9);
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p LEFT JOIN (SELECT DISTINCT patient FROM tests WHERE extract(hour from at) < 9) t USING (patient) WHERE t.patient IS NULL;
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM visits v WHERE clinic IN (SELECT clinic FROM clinics WHERE extract(hour from '2024-01-01 00:00+00'::timestamptz) = 9);
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM tests WHERE at < '2024-02-01 12:00'::timestamp);
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM tests WHERE at::date < '2024-02-01');
RESET timezone;
SET timezone = 'Asia/Tokyo';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM tests WHERE at > '2024-02-01'::date);
RESET timezone;
SET datestyle = 'German';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM visits WHERE day::text LIKE '01%');
RESET datestyle;
SET intervalstyle = 'iso_8601';
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM tests WHERE took::text LIKE 'PT1%');
RESET intervalstyle;
SET timezone = 'Pacific/Honolulu';
SELECT count(*) FROM visits v WHERE v.patient IN (SELECT patient FROM people WHERE registered < died - 300);
SELECT count(*) FROM visits v WHERE v.patient NOT IN (SELECT patient FROM people WHERE registered < died - 300);
RESET timezone;
SELECT count(*) FROM visits v WHERE v.patient NOT IN (SELECT patient FROM people WHERE registered < died - 300);
SET timezone = 'America/New_York';
SELECT d::text, count(t.patient) FROM generate_series(timestamptz '2024-01-01', timestamptz '2024-04-26', interval '1 week') d LEFT JOIN tests t ON t.at >= d AND t.at < d + interval '1 week' GROUP BY 1 ORDER BY 1;
RESET timezone;
-- kind: calendars
SELECT w.x, count(*) FROM visits v CROSS JOIN generate_series(1, 3) w(x) GROUP BY 1 ORDER BY 1;
SELECT v, count(*) FROM (SELECT patient FROM visits UNION ALL SELECT patient FROM tests) q1 CROSS JOIN generate_series(1, 2) q3(v) GROUP BY 1 ORDER BY 1;
SELECT d::date AS week, count(v.patient) FROM generate_series(date '2024-01-01', date '2024-02-26', interval '1 week') d LEFT JOIN visits v ON v.day >= d AND v.day < d + interval '1 week' GROUP BY 1 ORDER BY 1;
SELECT d::date, n, count(v.patient) FROM generate_series(date '2023-03-01', date '2023-06-01', interval '1 month') WITH ORDINALITY AS d(d, n) LEFT JOIN visits v ON date_trunc('month', v.day) = d GROUP BY 1, 2 ORDER BY 1;
SELECT d::date, count(v.patient) FROM generate_series(date_trunc('year', now()) - interval '4 years', now(), interval '1 year') d LEFT JOIN visits v ON date_trunc('year', v.day) = d GROUP BY 1 ORDER BY 1;
SELECT d, count(v.patient) FROM generate_series(1, 3) d LEFT JOIN visits v ON v.nights = d GROUP BY 1 ORDER BY 1;
SELECT d, count(v.patient) FROM unnest('{2023-02-03,2023-02-10}'::timestamptz[]) d LEFT JOIN visits v ON v.day = d GROUP BY 1 ORDER BY 1;
-- kind: values of the session and the time
SELECT count(*) FROM visits WHERE day < now() - interval '2 years';
SELECT count(*) FROM visits WHERE day < current_date AND started < localtimestamp AND kind <> current_user;
SELECT kind = current_user, current_date - day > 500, count(*) FROM visits GROUP BY 1, 2 ORDER BY 1, 2;
SELECT current_setting('timezone'), count(*) FROM visits GROUP BY 1;
SELECT date_trunc('year', now()) > day, count(*) FROM visits GROUP BY 1 ORDER BY 1;
-- kind: released rows below a release
WITH r AS (SELECT kind, count(*) AS n FROM visits GROUP BY kind) SELECT kind, n, n::float8 / sum(n) OVER () FROM r ORDER BY 1;
WITH r AS (SELECT kind, count(*) AS n FROM visits GROUP BY kind), s AS (SELECT code, count(*) AS m FROM tests GROUP BY code) SELECT * FROM r, s ORDER BY 1, 3;
WITH m AS (SELECT kind, avg(cost) AS mean FROM visits GROUP BY kind) SELECT v.kind, count(*) FROM visits v JOIN m USING (kind) WHERE v.cost > m.mean GROUP BY 1 ORDER BY 1;
WITH m AS (SELECT kind, avg(cost) AS mean FROM visits GROUP BY kind) SELECT v.kind, count(*), (SELECT max(mean) FROM m) FROM visits v WHERE v.cost > (SELECT min(mean) FROM m) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits v WHERE v.day > (SELECT min(at)::date FROM tests) AND v.kind <> (SELECT mode() WITHIN GROUP (ORDER BY kind) FROM visits);
-- kind: transactions, cursors, COPY
CREATE TEMP TABLE rel AS SELECT kind, count(*) AS n FROM visits GROUP BY kind;
SELECT * FROM rel ORDER BY 1;
SELECT v.kind, r.n, count(*) FROM visits v JOIN rel r USING (kind) GROUP BY 1, 2 ORDER BY 1;
DROP TABLE rel;
BEGIN;
DECLARE c CURSOR FOR SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
FETCH 2 FROM c;
FETCH ALL FROM c;
COMMIT;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
FETCH ALL FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
COMMIT;
BEGIN READ ONLY;
SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1;
COMMIT;
COPY (SELECT kind, count(*) FROM visits GROUP BY 1 ORDER BY 1) TO STDOUT;
-- kind: linked tables
SELECT item, count(*), sum(price), avg(n) FROM items GROUP BY item ORDER BY 1;
SELECT count(*) FROM items;
SELECT v.kind, count(*), avg(i.price) FROM items i JOIN visits v ON v.patient = i.patient AND v.visit_id = i.visit_id GROUP BY 1 ORDER BY 1;
SELECT v.kind, count(*), avg(i.price) FROM items i JOIN visits v USING (patient, visit_id) GROUP BY 1 ORDER BY 1;
SELECT p.sex, sum(i.price) FROM items i JOIN visits v USING (patient, visit_id) JOIN people p USING (patient) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM items i WHERE i.patient = v.patient AND i.visit_id = v.visit_id AND i.price > 30);
SELECT dp_avg(n, 0, 10), count(*) FROM (SELECT patient, visit_id, count(*) AS n FROM items GROUP BY 1, 2) s;
SELECT count(*) FROM visits v LEFT JOIN items i USING (patient, visit_id) WHERE i.n IS NULL;
SELECT count(*) FROM items i WHERE (i.patient, i.visit_id) IN (SELECT patient, visit_id FROM visits WHERE kind = 'call');
SELECT count(*) FROM items i WHERE (i.patient, i.visit_id) NOT IN (SELECT patient, visit_id FROM visits WHERE kind = 'call');
SELECT count(*) FROM visits v WHERE (v.patient, v.visit_id) NOT IN (SELECT patient, visit_id FROM items WHERE 10 / (n - 2) < 3);
SELECT count(*) FROM people p WHERE p.patient IN (SELECT patient FROM visits WHERE cost > 200) AND p.patient IN (SELECT patient FROM tests WHERE ok) AND p.patient NOT IN (SELECT patient FROM items WHERE price > 40);
-- kind: units of several columns
SELECT ward, count(*), avg(nights) FROM stays GROUP BY ward ORDER BY 1;
SELECT hospital, count(*), sum(nights), dp_median(nights) FROM stays GROUP BY 1 ORDER BY 1;
SELECT n, count(*) FROM (SELECT hospital, patient, count(*) AS n FROM stays GROUP BY 1, 2) s GROUP BY n ORDER BY n;
SELECT count(*) FROM stays s WHERE (s.hospital, s.patient) NOT IN (SELECT t.hospital, t.patient FROM stays t WHERE t.nights > 6);
SELECT count(*) FROM stays s WHERE (s.hospital, s.patient) IN (SELECT t.hospital, t.patient FROM stays t WHERE t.nights > 6);
SELECT count(*) FROM stays s WHERE (s.hospital, s.patient) IN (SELECT t.hospital, t.patient FROM stays t WHERE 10 / t.nights > 6);
SELECT count(*) FROM stays s WHERE (s.hospital, s.patient) NOT IN (SELECT t.hospital, t.patient FROM stays t WHERE 10 / t.nights > 6);
SELECT count(*) FROM stays s WHERE NOT EXISTS (SELECT FROM stays t WHERE t.hospital = s.hospital AND t.patient = s.patient AND 10 / t.nights > 6);
-- kind: facades and views
SELECT result, count(*) FROM dp.tests GROUP BY result ORDER BY 1;
SELECT clinic, avg(cost) FROM dp.visits GROUP BY clinic ORDER BY 1;
SELECT clinic, count(*), avg(cost) FROM busy GROUP BY clinic ORDER BY 1;
SELECT sex, avg(years), count(*) FROM adults GROUP BY sex ORDER BY 1;
SELECT count(*) FROM dp.people p WHERE p.patient NOT IN (SELECT patient FROM dp.visits WHERE cost > 200);
SELECT count(*) FROM adults a WHERE a.patient NOT IN (SELECT patient FROM busy);
-- kind: windows of an individual
SELECT place, count(*) FROM (SELECT patient, kind, row_number() OVER (PARTITION BY patient ORDER BY day, visit_id) AS place FROM visits) s GROUP BY place ORDER BY place;
SELECT kind, count(*) FROM (SELECT patient, kind, row_number() OVER (PARTITION BY patient ORDER BY day DESC, visit_id) AS place FROM visits) s WHERE place = 1 GROUP BY kind ORDER BY kind;
SELECT dp_avg(gap, 0, 400) FROM (SELECT patient, day - lag(day) OVER (PARTITION BY patient ORDER BY day, visit_id) AS gap FROM visits) s;
SELECT kind, count(*) FROM (SELECT DISTINCT ON (patient) patient, kind FROM visits ORDER BY patient, day, visit_id) s GROUP BY kind ORDER BY kind;
SELECT p.sex, count(*), sum(s.n) FROM people p, LATERAL (SELECT count(*) AS n FROM visits v WHERE v.patient = p.patient AND v.cost > 100) s WHERE dp_with(max_groups => 1) AND s.n < 5 GROUP BY 1 ORDER BY 1;
SELECT p.sex, count(*) FROM people p CROSS JOIN LATERAL (SELECT v.day FROM visits v WHERE v.patient = p.patient ORDER BY v.day DESC, v.visit_id LIMIT 1) s WHERE s.day > '2024-01-01' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM people p, LATERAL (VALUES (1), (2)) w(x);
SELECT t.tag, count(*) FROM people p, LATERAL jsonb_array_elements_text(p.about -> 'tags') t(tag) GROUP BY 1 ORDER BY 1;
-- kind: unions
SELECT k, count(*) FROM (SELECT patient, kind AS k FROM visits UNION ALL SELECT patient, code FROM tests) s GROUP BY k ORDER BY k;
SELECT k, count(*), sum(x) FROM (SELECT patient, kind AS k, cost::float8 AS x FROM visits WHERE cost > 50 UNION ALL SELECT patient, code, value FROM tests UNION ALL SELECT patient, sex, 1 FROM people) s WHERE dp_with(max_groups => 2, max_rows => 2) AND x BETWEEN 0 AND 100 GROUP BY k ORDER BY k;
SELECT kind, count(*) FROM visits WHERE patient IN (SELECT patient FROM people WHERE sex = 'f' UNION SELECT patient FROM tests WHERE ok) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM (SELECT patient FROM visits INTERSECT SELECT patient FROM tests) s;
SELECT count(*) FROM (SELECT patient FROM visits EXCEPT SELECT patient FROM tests) s;
SELECT count(*) FROM (SELECT patient FROM visits UNION SELECT patient FROM tests) s;
SELECT count(DISTINCT patient) FROM (SELECT patient FROM visits UNION ALL SELECT patient FROM tests) s;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i, count(*) FROM visits JOIN n ON nights = i GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits v WHERE v.patient NOT IN (SELECT patient FROM people WHERE sex = 'f' UNION ALL SELECT patient FROM tests WHERE ok);
SELECT v, count(*) FROM (SELECT patient FROM visits UNION ALL SELECT patient FROM tests) q1 CROSS JOIN (VALUES (1), (2)) q3(v) GROUP BY 1 ORDER BY 1;
SELECT region, count(*) FROM (SELECT patient, clinic FROM visits UNION ALL SELECT patient, 'North' FROM tests) q1 JOIN clinics USING (clinic) GROUP BY 1 ORDER BY 1;
SELECT name, count(*) FROM (SELECT patient, day FROM visits UNION ALL SELECT patient, at::date FROM tests) q1 JOIN holidays USING (day) GROUP BY 1 ORDER BY 1;
SELECT sex, count(*) FROM (SELECT patient, day FROM visits UNION ALL SELECT patient, at::date FROM tests) q1 JOIN people USING (patient) GROUP BY 1 ORDER BY 1;
-- kind: IN and EXISTS
SELECT count(*) FROM visits v WHERE clinic IN (SELECT clinic FROM clinics WHERE region = 'coast');
SELECT count(*) FROM visits v WHERE clinic NOT IN (SELECT clinic FROM clinics WHERE region = 'coast');
SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM clinics c WHERE c.clinic = v.clinic AND c.beds < 100);
SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT FROM tests t WHERE t.patient = p.patient AND t.value > 50);
SELECT count(*) FROM people p WHERE p.patient IN (SELECT patient FROM visits WHERE cost > 300);
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM visits WHERE cost > 300);
SELECT v.kind, count(*) FROM visits v WHERE v.day IN (SELECT day FROM holidays) GROUP BY 1 ORDER BY 1;
SELECT kind, count(*) FROM visits WHERE clinic = ANY (ARRAY(SELECT clinic FROM clinics WHERE region = 'coast')) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM people p WHERE p.patient = v.patient AND p.insured) AND NOT EXISTS (SELECT FROM tests t WHERE t.patient = v.patient AND t.code = 'c1');
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT v.patient FROM visits v WHERE v.note::date > '2024-01-01');
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT v.patient FROM visits v WHERE v.minutes / (v.minutes - 20) > 1);
SELECT count(*) FROM people p WHERE NOT p.patient = ANY (SELECT v.patient FROM visits v WHERE v.minutes / (v.minutes - 20) > 1);
SELECT count(*) FROM people p WHERE (p.patient IN (SELECT v.patient FROM visits v WHERE v.minutes / (v.minutes - 20) > 1)) IS NOT TRUE;
SELECT p.patient IN (SELECT v.patient FROM visits v WHERE v.minutes > 50) AS k, count(*) FROM people p GROUP BY 1 ORDER BY 1;
SELECT EXISTS (SELECT FROM visits v WHERE v.minutes > 50 AND v.patient = p.patient) AS k, count(*) FROM people p GROUP BY 1 ORDER BY 1;
SELECT count(*) FILTER (WHERE p.patient NOT IN (SELECT v.patient FROM visits v WHERE v.minutes > 50)) FROM people p;
SELECT count(*) FROM visits v WHERE clinic NOT IN (SELECT clinic FROM clinics WHERE beds / (beds - 40) > 1);
SELECT count(*) FROM visits v WHERE v.patient IN (SELECT patient FROM people WHERE 1 / (patient % 3) = 1);
SELECT count(*) FROM visits v WHERE v.patient IN (SELECT patient FROM people WHERE 1 / (patient % 3) = 1) OR v.kind = 'call';
SELECT count(*) FROM people p LEFT JOIN tests t USING (patient) WHERE t.patient NOT IN (SELECT patient FROM visits WHERE kind = 'call');
SELECT count(*) FROM people p LEFT JOIN tests t USING (patient) WHERE (t.patient IN (SELECT patient FROM visits WHERE kind = 'call')) IS NULL;
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT t.patient FROM visits v LEFT JOIN tests t ON t.patient = v.patient AND t.ok);
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT v.patient FROM visits v WHERE v.patient IN (SELECT t.patient FROM tests t WHERE t.ok) OR v.kind = 'call');
SELECT count(*) FROM people p WHERE p.patient NOT IN (SELECT DISTINCT v.patient FROM visits v WHERE v.kind LIKE 'c%');
SELECT count(*) FROM people p WHERE CASE WHEN p.insured THEN p.patient IN (SELECT patient FROM visits WHERE cost > 200) ELSE p.patient NOT IN (SELECT patient FROM tests WHERE ok) END;
SELECT s.x, count(*) FROM (SELECT p.patient, p.patient IN (SELECT patient FROM visits WHERE cost > 200) AS x FROM people p) s GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM visits v WHERE v.patient = p.patient AND v.clinic NOT IN (SELECT clinic FROM clinics WHERE beds > 70));
SELECT count(*) FROM shop."Customers" c WHERE c."Customer ID" NOT IN (SELECT o."Customer ID" FROM shop."Orders" o WHERE o."Category" = 'Furniture');
SELECT c."Segment", count(*) FROM shop."Customers" c WHERE c."Customer ID" = ANY (SELECT o."Customer ID" FROM shop."Orders" o WHERE o."Returned") OR c."Joined" < '2022-06-01' GROUP BY 1 ORDER BY 1;
-- kind: joins with public tables
SELECT c.region, count(*), sum(v.cost) FROM visits v JOIN clinics c USING (clinic) GROUP BY 1 ORDER BY 1;
SELECT c.region, p.sex, count(*), avg(v.cost) FROM visits v JOIN clinics c ON c.clinic = v.clinic JOIN people p ON p.patient = v.patient WHERE c.beds > 50 GROUP BY 1, 2 ORDER BY 1, 2;
SELECT c.region, count(*) FROM visits v LEFT JOIN clinics c ON c.clinic = v.clinic AND c.beds > 100 GROUP BY 1 ORDER BY 1;
SELECT h.name, count(*) FROM visits v JOIN holidays h ON h.day = v.day GROUP BY 1 ORDER BY 1;
SELECT c."Segment", o."Category", sum(o."Sales"), avg(o."Discount") FROM shop."Orders" o JOIN shop."Customers" c USING ("Customer ID") JOIN shop."Calendar" k ON k."Date" = o."Order Date" WHERE k."Year" = 2023 GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM visits WHERE clinic = (SELECT clinic FROM clinics ORDER BY beds DESC LIMIT 1);
SELECT count(*) FROM visits WHERE cost > (SELECT max(beds) FROM clinics);
SELECT c.region, s.n, count(*) FROM (SELECT patient, clinic, count(*) AS n FROM visits GROUP BY 1, 2) s JOIN clinics c USING (clinic) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT region, dp_avg(n, 0, 5) FROM (SELECT v.patient, c.region, count(*) AS n FROM visits v JOIN clinics c USING (clinic) GROUP BY 1, 2) s GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits v CROSS JOIN (SELECT max(beds) AS b FROM clinics) m WHERE v.cost > m.b;
SELECT m.region, count(*) FROM visits v JOIN (SELECT region, max(beds) AS b FROM clinics GROUP BY region) m ON v.cost > m.b GROUP BY 1 ORDER BY 1;
SELECT * FROM (VALUES ('call'), ('visit')) w(k) JOIN (SELECT kind, count(*) AS n FROM visits GROUP BY 1) s ON s.kind = w.k ORDER BY 1;
SELECT w.label, count(*) FROM visits v JOIN (VALUES ('call', 'short'), ('surgery', 'long')) w(k, label) ON w.k = v.kind GROUP BY 1 ORDER BY 1;
SELECT v, count(*) FROM visits q1 CROSS JOIN (VALUES (1), (2)) q3(v) GROUP BY 1 ORDER BY 1;
-- kind: joins
SELECT p.sex, count(*) FROM people p JOIN tests t ON t.patient = p.patient JOIN visits v ON v.patient = p.patient GROUP BY 1 ORDER BY 1;
SELECT p.sex, t.code, count(*), avg(t.value) FROM people p LEFT JOIN tests t ON t.patient = p.patient AND t.ok GROUP BY 1, 2 ORDER BY 1, 2;
SELECT p.sex, count(t.patient) FROM people p LEFT JOIN tests t USING (patient) GROUP BY 1 ORDER BY 1;
SELECT sex, count(*) FROM people p RIGHT JOIN tests t USING (patient) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM people p FULL JOIN tests t USING (patient);
SELECT p.sex, avg(n) FROM people p JOIN (SELECT patient, count(*) AS n, max(value) AS top FROM tests GROUP BY patient) s USING (patient) WHERE top > 20 GROUP BY 1 ORDER BY 1;
WITH v AS MATERIALIZED (SELECT patient, sum(cost) AS total FROM visits GROUP BY patient), p AS (SELECT * FROM people WHERE insured) SELECT p.sex, dp_avg(v.total, 0, 1000) FROM v JOIN p USING (patient) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM shop."Customers" c LEFT JOIN shop."Orders" o USING ("Customer ID") WHERE o."Row ID" IS NULL;
SELECT count(*) FROM visits v JOIN people p USING (patient) WHERE v.patient = 7;
SELECT count(*) FROM (visits v JOIN people p USING (patient)) AS j WHERE j.kind = 'call' AND j.sex = 'f';
SELECT j.kind, count(*), avg(j.cost) FROM (visits v JOIN people p USING (patient)) AS j GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM visits a JOIN visits b ON a.patient = b.patient AND a.visit_id < b.visit_id;
SELECT count(*) FROM visits NATURAL JOIN people;
SELECT count(*) FROM (SELECT patient AS u, kind FROM visits) a JOIN (SELECT patient AS w, sex FROM people) b ON a.u = b.w WHERE sex = 'f';
SELECT count(*) FROM visits v, people p WHERE v.patient = p.patient AND p.born + 20000 > v.day;
SELECT count(*) FROM visits v JOIN people p ON v.patient = p.patient AND p.sex = 'f' LEFT JOIN tests t ON t.patient = p.patient AND t.at::date = v.day;
-- kind: sub-selects
SELECT n, count(*) FROM (SELECT patient, count(*) AS n FROM tests GROUP BY patient) s GROUP BY n ORDER BY n;
SELECT kind, count(*) FROM (SELECT DISTINCT patient, kind, clinic FROM visits) s GROUP BY kind ORDER BY kind;
WITH v AS (SELECT patient, kind, cost FROM visits WHERE cost > 100) SELECT a.kind, count(*) FROM v a GROUP BY 1 ORDER BY 1;
SELECT (SELECT count(*) FROM visits) - (SELECT count(*) FROM tests);
SELECT count(*) FROM visits WHERE day > '2023-06-01'::date + (SELECT 30);
SELECT dp_sum(sum, 0, 2000) FROM (SELECT patient, sum(cost ORDER BY day) FROM visits GROUP BY 1) s;
SELECT a, count(*) FROM (SELECT patient, string_agg(kind, ',' ORDER BY day, visit_id) AS a FROM visits GROUP BY 1) s GROUP BY 1 ORDER BY 1;
SELECT a, count(*) FROM (SELECT patient, array_agg(kind ORDER BY day, visit_id) AS a FROM visits GROUP BY 1) s GROUP BY 1 ORDER BY 1;
SELECT a ->> 'k', count(*) FROM (SELECT patient, jsonb_build_object('k', max(kind), 'n', count(*)) AS a FROM visits GROUP BY 1) s GROUP BY 1 ORDER BY 1;
SELECT m, count(*) FROM (SELECT patient, mode() WITHIN GROUP (ORDER BY kind) AS m FROM visits GROUP BY 1) s GROUP BY 1 ORDER BY 1;
SELECT dp_avg(m, 0, 600) FROM (SELECT patient, percentile_cont(0.5) WITHIN GROUP (ORDER BY cost) AS m FROM visits GROUP BY 1) s;
SELECT count(*) FROM (SELECT patient, kind FROM visits OFFSET 0) s;
SELECT count(*) FROM people p WHERE (SELECT count(*) FROM visits v WHERE v.patient = p.patient) > 2;
SELECT max(n) FROM (SELECT p.patient, (SELECT max(cost) FROM visits v WHERE v.patient = p.patient) AS n FROM people p) s;
-- kind: expressions that fail
SELECT at::date, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT about ->> 'smoker', dp_avg((about ->> 'height')::int, 100, 250) FROM people GROUP BY 1 ORDER BY 1;
SELECT dp_sum(1 / (minutes - 20), 0, 1), count(1 / (minutes - 20)) FROM visits;
SELECT 100 / (minutes % 3) AS k, count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT note::date, count(*) FROM visits GROUP BY 1;
SELECT count(*) FROM visits WHERE (minutes::text || 'x')::int > 3;
-- kind: conditions
SELECT count(*) FROM visits WHERE note ~ 'pain' AND note ILIKE '%KNEE%';
SELECT count(*) FROM visits WHERE cost > 100 AND false;
SELECT kind, count(*) FROM visits WHERE cost > 100000 GROUP BY kind;
SELECT count(*), sum(cost) FROM visits WHERE cost > 100000;
SELECT count(*) FROM visits WHERE patient = 7;
SELECT count(*) FROM visits WHERE patient IN (7, 8, 9, 10, 11, 12, 13);
SELECT count(*) FROM visits WHERE patient BETWEEN 7 AND 300 AND kind = 'call';
SELECT count(*) FROM visits WHERE random() < 2;
SELECT count(*) FROM visits WHERE kind COLLATE "C" < 'd';
-- kind: group keys
SELECT date_trunc('week', at) AS week, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT extract(dow FROM at) AS d, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT to_char(at, 'YYYY-MM'), count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT about ->> 'smoker', count(*), avg((about ->> 'height')::numeric) FROM people GROUP BY 1 ORDER BY 1;
SELECT regexp_replace(note, '[a-z]+', 'x', 'g'), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT upper(left(kind, 2)) || lower(clinic), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT CASE WHEN cost < 100 THEN 'low' WHEN cost < 300 THEN 'mid' ELSE 'high' END, count(*), sum(cost) FROM visits GROUP BY 1 ORDER BY 1;
SELECT width_bucket(cost, 0, 600, 6), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT coalesce(nights, -1), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT nights, count(*), count(nights) FROM visits GROUP BY 1 ORDER BY 1;
SELECT city, count(*) FROM people GROUP BY 1 ORDER BY 1;
SELECT nights IS NULL, kind, count(*) FROM visits GROUP BY 1, 2 ORDER BY 1, 2;
SELECT age(date '2024-01-01', born) > interval '50 years', count(*) FROM people GROUP BY 1 ORDER BY 1;
SELECT "Category", sum("Sales"), count(DISTINCT "Customer ID") FROM shop."Orders" GROUP BY 1 ORDER BY 1;
SELECT left("Customer ID", 3), count(*) FROM shop."Orders" GROUP BY 1 ORDER BY 1;
SELECT 1 AS x, count(*) FROM visits GROUP BY 1;
SELECT kind, kind, count(*), 1 FROM visits GROUP BY kind, kind ORDER BY 1;
SELECT random() < 2, count(*) FROM visits GROUP BY 1;
SELECT part, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT round(part), count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT round(part, 1), count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT small, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT value, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT about, count(*) FROM people GROUP BY 1 ORDER BY 1;
SELECT about -> 'tags', count(*) FROM people GROUP BY 1 ORDER BY 1;
SELECT about -> 'height', count(*) FROM people GROUP BY 1 ORDER BY 1;
SELECT ARRAY[kind, clinic], count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT (kind, clinic), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT ROW(kind, clinic), count(*) FROM visits GROUP BY 1 ORDER BY 1;
SELECT host(place), count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT code::text, count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT code COLLATE "C", count(*) FROM tests GROUP BY 1 ORDER BY 1;
SELECT kind COLLATE "en-x-icu", count(*), min(clinic COLLATE "en-x-icu") FROM visits GROUP BY 1 ORDER BY 1;
SELECT x.k, count(*) FROM visits AS x(i, p, k) GROUP BY 1 ORDER BY 1;
-- kind: others
SELECT DISTINCT kind FROM visits ORDER BY 1;
SELECT DISTINCT kind, clinic FROM visits ORDER BY 1, 2;
SELECT max(kind COLLATE "C"), count(DISTINCT kind COLLATE "C") FROM visits;
-- kind: refused
-- refused: DP002 these group keys or units cannot be told apart by their bytes
-- hint: Group by a text of it
SELECT code, ok, place, count(*) FROM tests GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- kind: refused
-- refused: DP002 these group keys or units cannot be told apart by their bytes
-- hint: Group by a text of it
SELECT current_user, session_user, kind, count(*) FROM visits GROUP BY 1, 2, 3 ORDER BY 3;
-- kind: refused
-- refused: DP002 these group keys or units cannot be told apart by their bytes
-- hint: Group by a text of it
SELECT took, count(*) FROM tests GROUP BY 1 ORDER BY 1;
-- kind: refused
-- refused: DP002 these group keys or units cannot be told apart by their bytes
-- hint: Group by a text of it
SELECT place, count(*) FROM tests GROUP BY 1 ORDER BY 1;
-- kind: refused
-- refused: DP002 this query cannot be computed shard by shard
-- hint: create_reference_table
SET datestyle = 'German';
SELECT h.name, count(*) FROM visits v JOIN holidays h ON h.day = v.day WHERE h.day::text LIKE '%.2023' GROUP BY 1 ORDER BY 1;
RESET datestyle;
-- kind: refused
-- refused: DP002 this query cannot be computed shard by shard
-- hint: create_reference_table
SET datestyle = 'German';
SELECT count(*) FROM visits v WHERE v.day::text IN (SELECT h.day::text FROM holidays h WHERE h.day::text LIKE '%.2023');
RESET datestyle;
-- kind: refused
-- refused: DP002 this query cannot be computed shard by shard
-- hint: Join distributed tables by the unit
SELECT sex, count(*) FROM people p LEFT JOIN (SELECT patient, day FROM visits UNION ALL SELECT patient, at::date FROM tests) q1 USING (patient) GROUP BY 1 ORDER BY 1;
-- kind: columns of other types, partitions, indexes, tables of all kinds
SET search_path = odd, public;
SELECT k, count(*), sum("Odd ""name"""), avg(p), avg(late), count(DISTINCT u) FROM t_uuid GROUP BY k ORDER BY 1;
SELECT g, count(*) FROM t_uuid GROUP BY g ORDER BY 1;
SELECT p, count(*) FROM t_uuid GROUP BY p ORDER BY 1;
SELECT e, count(*), avg(late) FROM t_uuid GROUP BY e ORDER BY 1;
SELECT e::text, g::text, count(*) FROM t_uuid GROUP BY 1, 2 ORDER BY 1, 2;
SELECT max(e::text), mode() WITHIN GROUP (ORDER BY e::text), count(DISTINCT e::text) FROM t_uuid;
SELECT count(*) FROM t_uuid WHERE e > 'small' AND g <> 'g1' AND p < 3;
SELECT count(*) FROM t_uuid WHERE g::odd.grade = 'g1'::odd.grade;
SELECT j ->> 'a', count(*) FROM t_uuid GROUP BY 1;
SELECT m, count(*) FROM t_uuid GROUP BY 1 ORDER BY 1;
SELECT u IN ('00000000-0000-0000-0000-000000000000', md5('7')::uuid), count(*) FROM t_uuid GROUP BY 1;
SELECT late, count(*) FROM t_uuid a WHERE NOT EXISTS (SELECT FROM t_uuid b WHERE b.u = a.u AND b.k = 'k1') GROUP BY 1 ORDER BY 1;
SELECT k, count(*), avg(v), count(DISTINCT u) FROM t_varchar GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM t_varchar WHERE u NOT IN (SELECT u FROM t_varchar WHERE v > 8) GROUP BY k ORDER BY 1;
SELECT n, count(*) FROM (SELECT u, count(*) AS n FROM t_varchar GROUP BY u) s GROUP BY n ORDER BY 1;
SELECT k, count(*), avg(v), min(day), max(day) FROM parts GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM parts WHERE day > '2024-09-01' GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM parts1 GROUP BY k ORDER BY 1;
SELECT p.sex, count(*) FROM parts q JOIN people p USING (patient) WHERE q.day BETWEEN '2024-06-01' AND '2024-08-01' GROUP BY 1 ORDER BY 1;
SELECT k, count(*), sum(v), avg(length(k)) FROM indexed WHERE day BETWEEN '2024-06-01' AND '2024-06-20' GROUP BY k ORDER BY 1;
SELECT count(*), sum(v) FROM indexed WHERE day = '2024-06-01';
PREPARE i(date) AS SELECT count(*), sum(v) FROM indexed WHERE day < $1;
EXECUTE i('2024-03-01');
EXECUTE i(NULL);
DEALLOCATE i;
SELECT k, count(*), avg(v) FROM refp GROUP BY k ORDER BY 1;
SELECT a.k, count(*) FROM refp a JOIN refp b USING (patient) GROUP BY 1 ORDER BY 1;
SELECT p.sex, count(*) FROM refp q JOIN people p USING (patient) GROUP BY 1 ORDER BY 1;
SELECT p.sex, count(*) FROM people p LEFT JOIN refp q USING (patient) GROUP BY 1 ORDER BY 1;
SELECT sex, count(*) FROM people p WHERE p.patient IN (SELECT patient FROM refp WHERE v > 5) GROUP BY 1 ORDER BY 1;
SELECT sex, count(*) FROM people p WHERE p.patient NOT IN (SELECT patient FROM refp WHERE v > 5) GROUP BY 1 ORDER BY 1;
SELECT k, count(*), avg(v) FROM localp GROUP BY k ORDER BY 1;
SELECT q.v, count(*) FROM localp q JOIN clinics c ON c.beds % 5 = q.v GROUP BY 1 ORDER BY 1;
SELECT a.k, count(*) FROM localp a JOIN refp b USING (patient) GROUP BY 1 ORDER BY 1;
SELECT d.area, count(*), sum(d.w), sum(q.v * d.w) FROM parts q JOIN pubd d USING (patient) GROUP BY 1 ORDER BY 1;
SELECT d.area, count(*) FROM parts q LEFT JOIN pubd d USING (patient) GROUP BY 1 ORDER BY 1;
SELECT r.n, p.area, count(*) FROM released r JOIN pubd p ON 'k' || p.w = r.k GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM released ORDER BY k;
SELECT * FROM odd.f('k1') ORDER BY 1;
SELECT odd.pf('k1'), odd.pf('k2');
SELECT x, odd.pf(x) FROM (VALUES ('k1'), ('k2')) w(x) ORDER BY 1;
CREATE TEMP TABLE tt AS SELECT * FROM released;
SELECT p.k, t.n > 0, count(*) FROM parts p JOIN tt t USING (k) GROUP BY 1, 2 ORDER BY 1;
DROP TABLE tt;
SELECT dp_count(*), dp_sum(v) FROM parts WHERE dp_with(epsilon => 3);
SELECT k, sum(v), avg(v), count(*) FROM parts GROUP BY k HAVING sum(v) > 10 AND count(*) > 3 ORDER BY sum(v) DESC, k;
SELECT count(*) FROM parts a, parts b WHERE a.patient = b.patient AND a.day < b.day AND a.k = 'k1' AND b.k = 'k2';
SELECT count(*) FROM parts WHERE ctid IS NOT NULL;
SELECT tableoid::regclass, count(*) FROM parts GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM parts p WHERE p IS NOT NULL;
SELECT count(p), count(p.*) FROM parts p;
SELECT k, count(*) FROM t_varchar WHERE u NOT IN (SELECT u FROM t_varchar WHERE v > 8) GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM t_varchar WHERE u IN (SELECT u FROM t_varchar WHERE v > 8) OR k = 'k1' GROUP BY k ORDER BY 1;
SELECT a.k, count(*) FROM t_varchar a JOIN t_varchar b USING (u) WHERE b.v > 8 GROUP BY 1 ORDER BY 1;
SELECT a.k, count(*) FROM t_varchar a LEFT JOIN t_varchar b ON a.u = b.u AND b.v > 8 GROUP BY 1 ORDER BY 1;
SELECT k, count(*) FROM t_varchar a WHERE EXISTS (SELECT FROM t_varchar b WHERE a.u = b.u AND b.v > 8) GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM t_varchar a WHERE (SELECT max(v) FROM t_varchar b WHERE a.u = b.u) > 8 GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM t_varchar WHERE u = 'u5' OR u LIKE 'u6%' GROUP BY k ORDER BY 1;
SELECT x, count(*) FROM (SELECT u, k AS x FROM t_varchar UNION ALL SELECT u, v::text FROM t_varchar) s GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM t_varchar a FULL JOIN t_varchar b USING (u);
SELECT k, count(*) FROM t_varchar a WHERE (SELECT max(v) FROM t_varchar b WHERE a.u = b.u) > 8 GROUP BY k ORDER BY 1;
SELECT k, count(*) FROM t_varchar a WHERE (SELECT max(v) FROM t_varchar b WHERE b.u = a.u AND b.k = a.k) > 8 GROUP BY k ORDER BY 1;
SELECT (SELECT k FROM t_varchar b WHERE b.u = a.u ORDER BY v DESC, k LIMIT 1) AS l, count(*) FROM t_varchar a GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM t_uuid a WHERE (SELECT max(late) FROM t_uuid b WHERE a.u = b.u) > 3;
RESET search_path;
-- kind: refused
-- refused: DP002 values of type grade cannot be compared across machines
-- hint: Cast them to text
SET search_path = odd, public;
SELECT count(DISTINCT g), mode() WITHIN GROUP (ORDER BY g), dp_top(g::text, 2) FROM t_uuid;
RESET search_path;
-- kind: refused
-- refused: DP002 values of type pos cannot be compared across machines
-- hint: Cast them to text
SET search_path = odd, public;
SELECT count(DISTINCT p), sum(p), dp_median(p), max(p) FROM t_uuid;
RESET search_path;
-- kind: refused
-- refused: DP002 values of type size cannot be compared across machines
-- hint: Cast them to text
SET search_path = odd, public;
SELECT max(e), min(e), mode() WITHIN GROUP (ORDER BY e) FROM t_uuid;
RESET search_path;
-- kind: refused
-- refused: DP002 these group keys or units cannot be told apart by their bytes
-- hint: Group by a text of it
SET search_path = odd, public;
SELECT es, count(*) FROM t_uuid GROUP BY es;
RESET search_path;
-- kind: refused
-- refused: DP002 this query cannot be computed shard by shard
-- hint: Join distributed tables by the unit
SET search_path = odd, public;
SELECT n, count(*) FROM (SELECT u::text, count(*) AS n FROM t_varchar GROUP BY u) s GROUP BY n ORDER BY 1;
RESET search_path;
-- kind: refused
-- refused: DP002 table people is not distributed by the unit
-- hint: distribute it by the unit
SET search_path = odd, public;
SELECT k, count(*) FROM refp q WHERE EXISTS (SELECT FROM people p WHERE p.patient = q.patient AND p.sex = 'f') GROUP BY 1 ORDER BY 1;
RESET search_path;
-- kind: refused
-- refused: DP002 this query cannot be computed shard by shard
-- hint: Join distributed tables by the unit
SET search_path = odd, public;
SELECT p.sex, count(*) FROM localp q JOIN people p USING (patient) GROUP BY 1 ORDER BY 1;
RESET search_path;
-- kind: refused
-- refused: DP002 public table pubd is distributed
-- hint: create_reference_table
SET search_path = odd, public;
SELECT area, count(*), sum(w) FROM v GROUP BY 1 ORDER BY 1;
RESET search_path;
-- kind: refused
-- refused: DP002 public table pubd is distributed
-- hint: create_reference_table
SET search_path = odd, public;
SELECT count(*) FROM parts q JOIN pubd d ON d.w = q.v;
RESET search_path;
-- kind: refused
-- refused: DP002 public table pubd is distributed
-- hint: create_reference_table
SET search_path = odd, public;
SELECT count(*) FROM parts q WHERE patient IN (SELECT patient FROM pubd WHERE w > 2);
RESET search_path;
-- kind: refused
-- refused: DP002 public table pubd is distributed
-- hint: create_reference_table
SET search_path = odd, public;
SELECT count(*) FROM parts q WHERE v > (SELECT avg(w) FROM pubd);
RESET search_path;
