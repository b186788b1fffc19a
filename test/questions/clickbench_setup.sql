-- A web analytics log in the shape of ClickBench (https://github.com/ClickHouse/ClickBench), small and made up: the
-- columns that its 43 queries ask for.  People have up to 12 hits.  No two groups that are compared have nearly the
-- same size, so that order does not hang on noise, and each is of at least 20 people or of one hit.

CREATE TABLE hits (
	WatchID bigint NOT NULL, Title text NOT NULL, EventTime timestamp NOT NULL, EventDate date NOT NULL, CounterID int NOT NULL,
	ClientIP int NOT NULL, RegionID int NOT NULL, UserID bigint NOT NULL, URL text NOT NULL, Referer text NOT NULL,
	IsRefresh smallint NOT NULL, ResolutionWidth smallint NOT NULL, UserAgentMinor varchar(255) NOT NULL, MobilePhone smallint NOT NULL,
	MobilePhoneModel text NOT NULL, TraficSourceID smallint NOT NULL, SearchEngineID smallint NOT NULL, SearchPhrase text NOT NULL,
	AdvEngineID smallint NOT NULL, WindowClientWidth smallint NOT NULL, WindowClientHeight smallint NOT NULL, IsLink smallint NOT NULL,
	IsDownload smallint NOT NULL, DontCountHits smallint NOT NULL, HitColor char NOT NULL, RefererHash bigint NOT NULL, URLHash bigint NOT NULL);

-- ranks lie between 0 and n - 1, small ones more often; person and hit draw the same rank each time
CREATE FUNCTION rank_of(seed int, n int) RETURNS int IMMUTABLE LANGUAGE sql
AS 'SELECT floor(n * ((hashint4extended($1, 5) & 1048575) / 1048576.0) ^ 2)::int';

INSERT INTO hits
SELECT WatchID, CASE WHEN searched THEN 'Google: ' ELSE 'Shop: ' END || repeat('page ', 1 + page), EventTime, EventTime::date, CounterID,
	167772160 + rank_of(person, 40), 1 + rank_of(person + 1000000, 15), 1000003 * person::bigint,
	CASE WHEN searched THEN 'https://google.example/' ELSE 'https://shop.example/' END || repeat('a', CounterID % 11) || page,
	CASE WHEN linked THEN 'https://www.' || repeat('site', 1 + rank_of(hit + 2000000, 3)) || '.example/from/' || page ELSE '' END,
	(hit % 10 = 0)::int, (ARRAY[1024, 1280, 1366, 1920])[1 + rank_of(person + 3000000, 4)], '0', rank_of(person + 4000000, 4),
	CASE rank_of(person + 4000000, 4) WHEN 1 THEN 'iPad' WHEN 2 THEN 'Nokia' ELSE '' END, CASE WHEN linked THEN 6 ELSE -1 END,
	CASE WHEN searched THEN 2 ELSE 0 END, CASE WHEN searched THEN 'phrase ' || rank_of(hit + 5000000, 4) ELSE '' END,
	CASE hit % 20 WHEN 0 THEN 2 WHEN 1 THEN 3 WHEN 11 THEN 3 ELSE 0 END,
	1000 + 100 * rank_of(person + 6000000, 3), 700 + 100 * rank_of(person + 7000000, 2), (NOT linked)::int, (hit % 50 = 0)::int, 0, 'T',
	CASE WHEN linked THEN 3594120000172545465 ELSE 0 END, CASE WHEN page = 0 THEN 2868770270353813622 ELSE page END
FROM (SELECT hit, hit * 1000000007::bigint AS WatchID, 1 + hit % 3000 AS person, rank_of(hit, 5) AS page, hit % 4 = 1 AS searched, hit % 3 = 0 AS linked,
		(ARRAY[62, 38, 3])[1 + rank_of(hit + 8000000, 3)] AS CounterID,
		timestamp '2013-07-14 12:00' + rank_of(hit + 9000000, 8) * interval '1 minute' + rank_of(hit + 10000000, 3) * interval '1 day' AS EventTime
	FROM generate_series(1, 36000) AS hit) AS drawn;
DROP FUNCTION rank_of;

CREATE EXTENSION IF NOT EXISTS dp_agg;
SELECT dp_agg.protect('hits', unit => 'userid', population => 'users', max_groups => 12, max_rows => 12, max_total => 12);
SELECT dp_agg.set_bounds('hits', 'userid', 0, 5000000000);
SELECT dp_agg.set_bounds('hits', 'resolutionwidth', 0, 4000);
SELECT dp_agg.set_bounds('hits', 'advengineid', 0, 10);
SELECT dp_agg.set_bounds('hits', 'isrefresh', 0, 1);
SELECT dp_agg.set_bounds('hits', 'eventdate', '2013-07-01', '2013-07-31');
SELECT dp_agg.set_length('hits', 'url', 100);
SELECT dp_agg.set_length('hits', 'referer', 100);
SELECT dp_agg.classify('hits', 'userid', 'quasi_identifier');
SELECT dp_agg.classify('hits', 'clientip', 'quasi_identifier');
SELECT dp_agg.classify('hits', 'searchphrase', 'sensitive');
SELECT dp_agg.set_budget('analyst', 'users', epsilon => 1000000, delta => 0.1);
