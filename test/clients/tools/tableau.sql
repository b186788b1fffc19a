-- Tableau: the simple protocol; a query is the text of a cursor, declared and read in one message.

--# reused: 13
--# after: COMMIT

--# part: connect, 0
SET DateStyle = 'ISO';SET extra_float_digits = 2;SET application_name = 'Tableau 2024.1';show transaction_isolation

select version()

SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED

SET CLIENT_ENCODING TO 'UTF8';SET client_min_messages TO 'warning';SELECT current_setting('server_version_num')

-- May it have temporary tables?
--# rows: 0
CREATE LOCAL TEMPORARY TABLE "#Tableau_5_3_Connect" ( "COL" INTEGER ) ON COMMIT PRESERVE ROWS

SELECT COUNT(*) FROM (SELECT "COL" FROM "#Tableau_5_3_Connect") AS "CHECKTEMP"

DROP TABLE "#Tableau_5_3_Connect"

--# rows: 0
SELECT * INTO LOCAL TEMPORARY TABLE "#Tableau_6_3_Connect" FROM (SELECT 1 AS COL) AS CHECKTEMP

DROP TABLE "#Tableau_6_3_Connect"

--# part: introspect, 0
select nspname from pg_namespace n where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_toast|^pg_temp' order by nspname

select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n where relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') and n.oid = relnamespace order by nspname, relname

select n.nspname, c.relname, a.attname, a.atttypid, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, c.oid, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end, t.typtypmod, 0, a.attidentity, c.relhassubclass
from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname like 'Orders' and n.nspname like 'dp') inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid) inner join pg_catalog.pg_type t on t.oid = a.atttypid) left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
order by n.nspname, c.relname, attnum

--# rows: 0
select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic where tc.relname = 'Orders' AND n.nspname = 'dp' AND tc.oid = i.indrelid AND n.oid = tc.relnamespace AND i.indisprimary = 't' AND ia.attrelid = i.indexrelid AND ta.attrelid = i.indrelid AND ta.attnum = i.indkey[ia.attnum-1] AND (NOT ta.attisdropped) AND (NOT ia.attisdropped) AND ic.oid = i.indexrelid order by ia.attnum

--# rows: 0
BEGIN;declare "SQL_CUR01" cursor with hold for SELECT * FROM (SELECT "Category", "Sales" FROM dp."Orders") "Custom SQL Query" WHERE (0 = 1);fetch 2048 in "SQL_CUR01";COMMIT;close "SQL_CUR01"

-- The preview of a table, and "View Data"
--# part: previews, 0
--# refused: 42501 its rows can only be aggregated
BEGIN;declare "SQL_CUR02" cursor with hold for SELECT "Orders"."Category" AS "Category", "Orders"."Sales" AS "Sales" FROM "dp"."Orders" "Orders" LIMIT 100;fetch 2048 in "SQL_CUR02"

--# rows: 0
ROLLBACK

-- Each sheet has its query; a quick filter asks for its values on each dashboard that shows it
--# part: dashboard Sales, 19
BEGIN;declare "SQL_CUR1" cursor with hold for SELECT SUM(1) AS "cnt:Orders:ok" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR1"

BEGIN;declare "SQL_CUR2" cursor with hold for SELECT "Orders"."Category" AS "Category", SUM("Orders"."Quantity") AS "sum:Quantity:ok", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR2"

BEGIN;declare "SQL_CUR3" cursor with hold for SELECT "Orders"."Category" AS "Category", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR3"

BEGIN;declare "SQL_CUR4" cursor with hold for SELECT "Orders"."Category" AS "Category" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST;fetch 2048 in "SQL_CUR4"

BEGIN;declare "SQL_CUR5" cursor with hold for SELECT "Orders"."Returned" AS "Returned" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST;fetch 2048 in "SQL_CUR5"

BEGIN;declare "SQL_CUR6" cursor with hold for SELECT MIN("Orders"."Order Date") AS "TEMP(attr:Order Date:lower)", MAX("Orders"."Order Date") AS "TEMP(attr:Order Date:upper)" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR6"

BEGIN;declare "SQL_CUR7" cursor with hold for SELECT DATE_TRUNC('MONTH', CAST("Orders"."Order Date" AS DATE)) AS "tmn:Order Date:ok", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR7"

BEGIN;declare "SQL_CUR8" cursor with hold for SELECT "Orders"."Category" AS "Category", CAST(TRUNC(EXTRACT(YEAR FROM "Orders"."Order Date")) AS INTEGER) AS "yr:Order Date:ok", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1, 2;fetch 2048 in "SQL_CUR8"

BEGIN;declare "SQL_CUR9" cursor with hold for SELECT CAST(TRUNC(EXTRACT(YEAR FROM "Orders"."Order Date")) AS INTEGER) AS "yr:Order Date:ok", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR9"

BEGIN;declare "SQL_CUR10" cursor with hold for SELECT "Orders"."Category" AS "Category", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR10"

BEGIN;declare "SQL_CUR11" cursor with hold for SELECT SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR11"

BEGIN;declare "SQL_CUR12" cursor with hold for SELECT "Orders"."Returned" AS "Returned", SUM(1) AS "cnt:Orders:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR12"

BEGIN;declare "SQL_CUR13" cursor with hold for SELECT COUNT(DISTINCT "Orders"."Customer ID") AS "ctd:Customer ID:ok" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR13"

BEGIN;declare "SQL_CUR14" cursor with hold for SELECT "Orders"."Category" AS "Category", AVG(CAST("Orders"."Discount" AS DOUBLE PRECISION)) AS "avg:Discount:ok", COUNT(DISTINCT "Orders"."Customer ID") AS "ctd:Customer ID:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR14"

BEGIN;declare "SQL_CUR15" cursor with hold for SELECT "Orders"."Category" AS "Category", SUM("Orders"."Quantity") AS "sum:Quantity:ok" FROM "dp"."Orders" "Orders" INNER JOIN (SELECT "Orders"."Category" AS "Category", SUM("Orders"."Sales") AS "$__alias__0" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 ASC LIMIT 2) "t0" ON ("Orders"."Category" = "t0"."Category") GROUP BY 1;fetch 2048 in "SQL_CUR15"

BEGIN;declare "SQL_CUR16" cursor with hold for SELECT "Orders"."Category" AS "Category" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST;fetch 2048 in "SQL_CUR16"

BEGIN;declare "SQL_CUR17" cursor with hold for SELECT "Orders"."Returned" AS "Returned" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST;fetch 2048 in "SQL_CUR17"

BEGIN;declare "SQL_CUR18" cursor with hold for SELECT MIN("Orders"."Order Date") AS "TEMP(attr:Order Date:lower)", MAX("Orders"."Order Date") AS "TEMP(attr:Order Date:upper)" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR18"

-- Another dashboard of the same workbook
--# part: dashboard Customers, 9
BEGIN;declare "SQL_CUR21" cursor with hold for SELECT "Orders"."Category" AS "Category" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST;fetch 2048 in "SQL_CUR21"

BEGIN;declare "SQL_CUR22" cursor with hold for SELECT "Orders"."Returned" AS "Returned" FROM "dp"."Orders" "Orders" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST;fetch 2048 in "SQL_CUR22"

BEGIN;declare "SQL_CUR23" cursor with hold for SELECT MIN("Orders"."Order Date") AS "TEMP(attr:Order Date:lower)", MAX("Orders"."Order Date") AS "TEMP(attr:Order Date:upper)" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR23"

BEGIN;declare "SQL_CUR24" cursor with hold for SELECT COUNT(DISTINCT "Orders"."Customer ID") AS "ctd:Customer ID:ok" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR24"

BEGIN;declare "SQL_CUR25" cursor with hold for SELECT DATE_TRUNC('MONTH', CAST("Orders"."Order Date" AS DATE)) AS "tmn:Order Date:ok", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR25"

BEGIN;declare "SQL_CUR26" cursor with hold for SELECT "Orders"."Category" AS "Category", COUNT(DISTINCT "Orders"."Customer ID") AS "ctd:Customer ID:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR26"

BEGIN;declare "SQL_CUR27" cursor with hold for SELECT "Customers"."Segment" AS "Segment", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" INNER JOIN "dp"."Customers" "Customers" ON ("Orders"."Customer ID" = "Customers"."Customer ID") GROUP BY 1;fetch 2048 in "SQL_CUR27"

BEGIN;declare "SQL_CUR28" cursor with hold for SELECT "Orders"."Category" AS "Category", SUM("Orders"."Sales") AS "sum:Sales:ok" FROM "dp"."Orders" "Orders" GROUP BY 1;fetch 2048 in "SQL_CUR28"

BEGIN;declare "SQL_CUR29" cursor with hold for SELECT SUM(1) AS "cnt:Orders:ok" FROM "dp"."Orders" "Orders" HAVING (COUNT(1) > 0);fetch 2048 in "SQL_CUR29"

-- A click on a mark: the rows behind it
--# part: view data, 0
--# refused: 42501 its rows can only be aggregated
BEGIN;declare "SQL_CUR30" cursor with hold for SELECT "Orders"."Row ID" AS "Row ID", "Orders"."Category" AS "Category" FROM "dp"."Orders" "Orders" WHERE ("Orders"."Category" = 'Furniture') LIMIT 10000;fetch 10000 in "SQL_CUR30"

--# rows: 0
ROLLBACK
