-- Grafana: the simple protocol.  Variables are asked for when a dashboard opens and again when its time range is
-- known; a time range that is relative to now would make every panel another question each time.

--# reused: 5

--# part: connect, 0
SELECT 1

SELECT current_setting('server_version_num')::int / 100 AS version

SELECT extversion FROM pg_extension WHERE extname = 'dp_agg'

-- The editor of queries
--# part: introspect, 0
SELECT CASE WHEN quote_ident(table_schema) IN (SELECT CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1), array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS i, string_to_array(current_setting('search_path'), ',') s) THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache', '_timescaledb_catalog', '_timescaledb_internal', '_timescaledb_config', 'timescaledb_information', 'timescaledb_experimental') ORDER BY 1

SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns WHERE quote_ident(table_schema) = 'dp' AND quote_ident(table_name) = 'visits'

-- The first rows of a table, and annotations, are rows
--# part: previews, 0
--# refused: 42501 its rows can only be aggregated
SELECT * FROM dp.visits LIMIT 50

--# refused: 42501 its rows can only be aggregated
SELECT started AS "time", kind AS text FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z'

--# part: variables, 4
SELECT DISTINCT clinic FROM dp.visits

SELECT DISTINCT kind FROM dp.visits

SELECT DISTINCT clinic FROM dp.visits

SELECT DISTINCT kind FROM dp.visits

--# part: dashboard, 8
SELECT floor(extract(epoch from started) / 2592000) * 2592000 AS "time", count(*) AS visits, avg(cost) AS cost FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY 1 ORDER BY 1

SELECT floor(extract(epoch from started) / 2592000) * 2592000 AS "time", count(*) AS visits FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY 1 ORDER BY 1

SELECT floor(extract(epoch from started) / 2592000) * 2592000 AS "time", avg(cost) AS cost FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY 1 ORDER BY 1

SELECT floor(extract(epoch from started) / 7776000) * 7776000 AS "time", kind AS metric, count(*) AS value FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY 1, 2 ORDER BY 1, 2

SELECT clinic, count(*) AS visits, avg(minutes) AS minutes FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY clinic ORDER BY clinic

SELECT clinic, count(*) AS visits FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY clinic ORDER BY visits DESC LIMIT 3

SELECT now() AS "time", clinic AS metric, count(*) AS value FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' AND clinic IN ('North', 'South', 'West', 'Hilltop') GROUP BY clinic

SELECT clinic, avg(minutes) AS minutes FROM dp.visits WHERE started BETWEEN '2023-02-01T00:00:00Z' AND '2024-12-01T00:00:00Z' GROUP BY 1 HAVING count(*) > 100 ORDER BY 2 DESC
