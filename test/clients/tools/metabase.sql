-- Metabase, by pgjdbc: every question is prepared, in a transaction that only reads, with a remark that
-- has the user and a hash of the question.  A name and a number in the remark are all that two users differ in.

--# reused: 17
--# protocol: extended
--# before: BEGIN READ ONLY
--# after: COMMIT

--# part: connect, 0
SET extra_float_digits = 3

SET application_name = 'Metabase v0.56.4 [6b1f]'

SHOW TRANSACTION ISOLATION LEVEL

SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED

SET SESSION TIMEZONE TO 'UTC'

SELECT to_char(current_timestamp, 'YYYY-MM-DD HH24:MI:SS.MS TZ')

-- Sync, each hour: tables that the role may read a column of, with what they seem to hold
--# part: sync, 0
SELECT n.nspname AS "schema", c.relname AS "name", CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' END AS "type", d.description AS "description", nullif(s.n_live_tup, 0) AS "estimated_row_count"
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
LEFT JOIN pg_catalog.pg_description AS d ON c.oid = d.objoid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
LEFT JOIN pg_stat_user_tables AS s ON n.nspname = s.schemaname AND c.relname = s.relname
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'f', 'm') AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY "type" ASC, "schema" ASC, "name" ASC

--# with: dp
SELECT c.column_name AS name, CASE WHEN c.udt_schema IN ('public', 'pg_catalog') THEN format('%s', c.udt_name) ELSE format('"%s"."%s"', c.udt_schema, c.udt_name) END AS "database-type", c.ordinal_position - 1 AS "database-position", c.table_schema AS "table-schema", c.table_name AS "table-name", pk.column_name IS NOT NULL AS "pk?", col_description(CAST(CAST(format('%I.%I', c.table_schema, c.table_name) AS regclass) AS oid), c.ordinal_position) AS "field-comment", (c.column_default IS NULL OR lower(c.column_default) = 'null') AND c.is_nullable = 'NO' AND NOT ((c.column_default IS NOT NULL AND c.column_default LIKE '%nextval(%') OR c.is_identity <> 'NO') AS "database-required"
FROM information_schema.columns AS c
LEFT JOIN (SELECT tc.table_schema, tc.table_name, kc.column_name FROM information_schema.table_constraints AS tc INNER JOIN information_schema.key_column_usage AS kc ON tc.constraint_name = kc.constraint_name AND tc.table_schema = kc.table_schema AND tc.table_name = kc.table_name WHERE tc.constraint_type = 'PRIMARY KEY') AS pk ON c.table_schema = pk.table_schema AND c.table_name = pk.table_name AND c.column_name = pk.column_name
WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND c.table_schema = $1 ORDER BY 4, 5, 3

--# rows: 0
SELECT fk_ns.nspname AS "fk-table-schema", fk_table.relname AS "fk-table-name", fk_column.attname AS "fk-column-name", pk_ns.nspname AS "pk-table-schema", pk_table.relname AS "pk-table-name", pk_column.attname AS "pk-column-name"
FROM pg_constraint AS c
JOIN pg_class AS fk_table ON c.conrelid = fk_table.oid JOIN pg_namespace AS fk_ns ON c.connamespace = fk_ns.oid JOIN pg_attribute AS fk_column ON c.conrelid = fk_column.attrelid
JOIN pg_class AS pk_table ON c.confrelid = pk_table.oid JOIN pg_namespace AS pk_ns ON pk_table.relnamespace = pk_ns.oid JOIN pg_attribute AS pk_column ON c.confrelid = pk_column.attrelid
WHERE fk_ns.nspname !~ '^information_schema|catalog_history|pg_' AND c.contype = 'f' AND fk_column.attnum = any(c.conkey) AND pk_column.attnum = any(c.confkey) ORDER BY 1, 2

SELECT n.nspname AS "table-schema", t.relname AS "table-name", a.attname AS "field-name" FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] WHERE n.nspname !~ '^information_schema|pg_' AND i.indisvalid ORDER BY 1, 2, 3

--# rows: 0
SELECT nspname, typname FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum)

WITH privileges AS (
 SELECT schemaname AS "schema", viewname AS "table", pg_catalog.has_table_privilege(current_user, format('%I.%I', schemaname, viewname), 'SELECT') AS "select", pg_catalog.has_table_privilege(current_user, format('%I.%I', schemaname, viewname), 'UPDATE') AS "update" FROM pg_catalog.pg_views
 UNION ALL
 SELECT schemaname, tablename, pg_catalog.has_any_column_privilege(current_user, format('%I.%I', schemaname, tablename), 'SELECT'), pg_catalog.has_table_privilege(current_user, format('%I.%I', schemaname, tablename), 'UPDATE') FROM pg_catalog.pg_tables)
SELECT * FROM privileges WHERE "schema" !~ '^pg_' AND "schema" <> 'information_schema' AND ("select" OR "update") AND pg_catalog.has_schema_privilege(current_user, "schema", 'USAGE')

--# rows: 0
-- Metabase
SELECT TRUE AS "_" FROM "dp"."visits" WHERE 1 <> 1 LIMIT 0

--# rows: 0
-- Metabase
SELECT TRUE AS "_" FROM "dp"."people" WHERE 1 <> 1 LIMIT 0

-- Fingerprinting reads rows, and is refused: filters are lists only where an administrator of Metabase says so
--# part: fingerprints, 0
--# refused: 42501 its rows can only be aggregated
SELECT "dp"."visits"."clinic" AS "clinic", "dp"."visits"."day" AS "day", "dp"."visits"."minutes" AS "minutes", "dp"."visits"."cost" AS "cost", "dp"."visits"."kind" AS "kind", SUBSTRING("dp"."visits"."note", 1, 1234) AS "substring1234" FROM "dp"."visits" LIMIT 10000

--# refused: 42501 its rows can only be aggregated
SELECT "dp"."people"."sex" AS "sex", "dp"."people"."city" AS "city", "dp"."people"."insured" AS "insured" FROM "dp"."people" LIMIT 10000

-- Values of the fields that are lists, once a day
--# part: scan, 4
SELECT "dp"."visits"."clinic" AS "clinic" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC LIMIT 1001

SELECT "dp"."visits"."kind" AS "kind" FROM "dp"."visits" GROUP BY "dp"."visits"."kind" ORDER BY "dp"."visits"."kind" ASC LIMIT 1001

SELECT "dp"."people"."sex" AS "sex" FROM "dp"."people" GROUP BY "dp"."people"."sex" ORDER BY "dp"."people"."sex" ASC LIMIT 1001

SELECT "dp"."people"."city" AS "city" FROM "dp"."people" GROUP BY "dp"."people"."city" ORDER BY "dp"."people"."city" ASC LIMIT 1001

-- A dashboard of twelve cards; the pivot table asks once for each level of its totals
--# part: dashboard Hospital, 15
-- Metabase:: userID: 1 queryType: MBQL queryHash: 07d2a1
SELECT COUNT(*) AS "count" FROM "dp"."visits"

-- Metabase:: userID: 1 queryType: MBQL queryHash: 55e1c4
SELECT COUNT(DISTINCT "dp"."visits"."patient") AS "count" FROM "dp"."visits"

-- Metabase:: userID: 1 queryType: MBQL queryHash: 4d0911
SELECT AVG("dp"."visits"."cost") AS "avg" FROM "dp"."visits"

-- Metabase:: userID: 1 queryType: MBQL queryHash: 91b0ad
SELECT DATE_TRUNC('month', "dp"."visits"."started") AS "started", COUNT(*) AS "count", SUM("dp"."visits"."cost") AS "sum" FROM "dp"."visits" GROUP BY DATE_TRUNC('month', "dp"."visits"."started") ORDER BY DATE_TRUNC('month', "dp"."visits"."started") ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 1e77f0
SELECT DATE_TRUNC('month', "dp"."visits"."started") AS "started", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY DATE_TRUNC('month', "dp"."visits"."started") ORDER BY DATE_TRUNC('month', "dp"."visits"."started") ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: c3aa19
SELECT "dp"."visits"."clinic" AS "clinic", COUNT(*) AS "count", AVG("dp"."visits"."cost") AS "avg" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 80e23d
SELECT "dp"."visits"."clinic" AS "clinic", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "count" DESC, "dp"."visits"."clinic" ASC LIMIT 10

-- Metabase:: userID: 1 queryType: MBQL queryHash: 2b63e8
SELECT "dp"."visits"."kind" AS "kind", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."kind" ORDER BY "dp"."visits"."kind" ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 66d810
SELECT "dp"."visits"."kind" AS "kind", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."kind" ORDER BY "count" DESC, "dp"."visits"."kind" ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: fd18b2
SELECT DATE_TRUNC('quarter', "dp"."visits"."started") AS "started", "dp"."visits"."kind" AS "kind", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY DATE_TRUNC('quarter', "dp"."visits"."started"), "dp"."visits"."kind" ORDER BY DATE_TRUNC('quarter', "dp"."visits"."started") ASC, "dp"."visits"."kind" ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 0a4f56
SELECT "dp"."visits"."clinic" AS "clinic", "dp"."visits"."kind" AS "kind", ABS(0) AS "pivot-grouping", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic", "dp"."visits"."kind", ABS(0) ORDER BY "dp"."visits"."clinic" ASC, "dp"."visits"."kind" ASC, ABS(0) ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 0a4f56
SELECT "dp"."visits"."kind" AS "kind", ABS(1) AS "pivot-grouping", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."kind", ABS(1) ORDER BY "dp"."visits"."kind" ASC, ABS(1) ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 0a4f56
SELECT "dp"."visits"."clinic" AS "clinic", ABS(2) AS "pivot-grouping", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic", ABS(2) ORDER BY "dp"."visits"."clinic" ASC, ABS(2) ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 0a4f56
SELECT ABS(3) AS "pivot-grouping", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY ABS(3) ORDER BY ABS(3) ASC

-- Metabase:: userID: 1 queryType: MBQL queryHash: 7c9e02
SELECT FLOOR(("dp"."visits"."minutes" / 10.0)) * 10.0 AS "minutes", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY FLOOR(("dp"."visits"."minutes" / 10.0)) * 10.0 ORDER BY FLOOR(("dp"."visits"."minutes" / 10.0)) * 10.0 ASC

-- Filters that are linked with each other ask for their values when they are opened
--# part: filters of dashboard Hospital, 3
SELECT "dp"."visits"."clinic" AS "clinic" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC LIMIT 1000

SELECT "dp"."visits"."kind" AS "kind" FROM "dp"."visits" GROUP BY "dp"."visits"."kind" ORDER BY "dp"."visits"."kind" ASC LIMIT 1000

--# with: North
SELECT "dp"."visits"."kind" AS "kind" FROM "dp"."visits" WHERE "dp"."visits"."clinic" = $1 GROUP BY "dp"."visits"."kind" ORDER BY "dp"."visits"."kind" ASC LIMIT 1000

-- Another dashboard shows some of the same questions
--# part: dashboard Management, 7
-- Metabase:: userID: 2 queryType: MBQL queryHash: 07d2a1
SELECT COUNT(*) AS "count" FROM "dp"."visits"

-- Metabase:: userID: 2 queryType: MBQL queryHash: 91b0ad
SELECT DATE_TRUNC('month', "dp"."visits"."started") AS "started", COUNT(*) AS "count", SUM("dp"."visits"."cost") AS "sum" FROM "dp"."visits" GROUP BY DATE_TRUNC('month', "dp"."visits"."started") ORDER BY DATE_TRUNC('month', "dp"."visits"."started") ASC

-- Metabase:: userID: 2 queryType: MBQL queryHash: c3aa19
SELECT "dp"."visits"."clinic" AS "clinic", COUNT(*) AS "count", AVG("dp"."visits"."cost") AS "avg" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC

-- Metabase:: userID: 2 queryType: MBQL queryHash: 66d810
SELECT "dp"."visits"."kind" AS "kind", COUNT(*) AS "count" FROM "dp"."visits" GROUP BY "dp"."visits"."kind" ORDER BY "count" DESC, "dp"."visits"."kind" ASC

-- Metabase:: userID: 2 queryType: MBQL queryHash: 31ab77
SELECT "Clinics"."region" AS "Clinics__region", SUM("dp"."visits"."cost") AS "sum" FROM "dp"."visits" LEFT JOIN "public"."clinics" AS "Clinics" ON "dp"."visits"."clinic" = "Clinics"."clinic" GROUP BY "Clinics"."region" ORDER BY "Clinics"."region" ASC

-- Metabase:: userID: 2 queryType: MBQL queryHash: d9100c
SELECT "dp"."people"."city" AS "city", CAST(SUM(CASE WHEN "dp"."people"."insured" = TRUE THEN 1 ELSE 0.0 END) AS float) / NULLIF(COUNT(*), 0) AS "share" FROM "dp"."people" GROUP BY "dp"."people"."city" ORDER BY "dp"."people"."city" ASC

SELECT "dp"."visits"."clinic" AS "clinic" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC LIMIT 1000

-- A question is opened from its card, and downloaded; its rows are asked for
--# part: question, 2
-- Metabase:: userID: 2 queryType: MBQL queryHash: c3aa19
SELECT "dp"."visits"."clinic" AS "clinic", COUNT(*) AS "count", AVG("dp"."visits"."cost") AS "avg" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC

-- Metabase:: userID: 2 queryType: MBQL queryHash: c3aa19
SELECT "dp"."visits"."clinic" AS "clinic", COUNT(*) AS "count", AVG("dp"."visits"."cost") AS "avg" FROM "dp"."visits" GROUP BY "dp"."visits"."clinic" ORDER BY "dp"."visits"."clinic" ASC LIMIT 1048575

--# refused: 42501 its rows can only be aggregated
--# with: North
-- Metabase:: userID: 2 queryType: MBQL queryHash: 9f21d3
SELECT "dp"."visits"."visit_id" AS "visit_id", "dp"."visits"."clinic" AS "clinic", "dp"."visits"."cost" AS "cost" FROM "dp"."visits" WHERE "dp"."visits"."clinic" = $1 LIMIT 2000
