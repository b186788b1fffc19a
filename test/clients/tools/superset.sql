-- Superset, by SQLAlchemy and psycopg2: the simple protocol, names without quotes where they need none.

--# reused: 8

--# part: connect, 0
BEGIN

select pg_catalog.version()

select current_schema()

show standard_conforming_strings

ROLLBACK

-- What the editor and the form of a data set ask for: schemas, tables, views, columns, keys, comments
--# part: introspect, 0
SELECT pg_catalog.pg_namespace.nspname FROM pg_catalog.pg_namespace WHERE pg_catalog.pg_namespace.nspname NOT LIKE 'pg_%%' ORDER BY pg_catalog.pg_namespace.nspname

--# rows: 0
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dp' AND c.relkind in ('r', 'p')

SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dp' AND c.relkind IN ('v', 'm')

SELECT c.oid FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname = 'dp') AND c.relname = 'visits' AND c.relkind in ('r', 'v', 'm', 'f', 'p')

SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT, a.attnotnull, a.attrelid as table_oid, pgd.description as comment, a.attgenerated as generated
FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON (pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum)
WHERE a.attrelid = 'dp.visits'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

--# rows: 0
SELECT t.typname as "name", pg_catalog.pg_type_is_visible(t.oid) as "visible", n.nspname as "schema", e.enumlabel as "label" FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid WHERE t.typtype = 'e' ORDER BY "schema", "name", e.oid

--# rows: 0
SELECT a.attname FROM pg_attribute a JOIN (SELECT unnest(ix.indkey) attnum, generate_subscripts(ix.indkey, 1) ord FROM pg_index ix WHERE ix.indrelid = 'dp.visits'::regclass AND ix.indisprimary) k ON a.attnum = k.attnum WHERE a.attrelid = 'dp.visits'::regclass ORDER BY k.ord

--# rows: 0
SELECT pgd.description as table_comment FROM pg_catalog.pg_description pgd WHERE pgd.objsubid = 0 AND pgd.objoid = 'dp.visits'::regclass

-- The preview of a table, and the columns of a data set that is a query, are asked for by rows
--# part: previews, 0
--# refused: 42501 its rows can only be aggregated
SELECT visit_id, patient, clinic, day, started, minutes, cost, nights, kind FROM dp.visits LIMIT 100

--# refused: 42501 its rows can only be aggregated
SELECT * FROM (SELECT clinic, day, kind, cost FROM dp.visits) AS tbl LIMIT 1

--# refused: 42501 its rows can only be aggregated
SELECT clinic AS clinic, cost AS cost FROM dp.visits LIMIT 1001

-- Ten charts; a table asks for its number of rows and for its totals besides
--# part: dashboard, 14
SELECT clinic AS clinic, kind AS kind, COUNT(*) AS count, SUM(cost) AS "SUM(cost)" FROM dp.visits GROUP BY clinic, kind ORDER BY count DESC LIMIT 100

SELECT COUNT(*) AS rowcount FROM (SELECT clinic AS clinic, kind AS kind, COUNT(*) AS count, SUM(cost) AS "SUM(cost)" FROM dp.visits GROUP BY clinic, kind ORDER BY count DESC) AS rowcount_qry LIMIT 50000

SELECT COUNT(*) AS count, SUM(cost) AS "SUM(cost)" FROM dp.visits LIMIT 50000

SELECT COUNT(*) AS count FROM dp.visits LIMIT 50000

SELECT DATE_TRUNC('month', day) AS day, COUNT(*) AS count, AVG(cost) AS "AVG(cost)" FROM dp.visits GROUP BY DATE_TRUNC('month', day) ORDER BY count DESC LIMIT 50000

SELECT DATE_TRUNC('month', day) AS day, COUNT(*) AS count FROM dp.visits GROUP BY DATE_TRUNC('month', day) LIMIT 50000

SELECT kind AS kind, COUNT(*) AS count FROM dp.visits GROUP BY kind ORDER BY count DESC LIMIT 100

SELECT DATE_TRUNC('quarter', day) AS day, visits.kind AS kind, COUNT(*) AS count FROM dp.visits JOIN (SELECT kind AS kind__, COUNT(*) AS mme_inner__ FROM dp.visits GROUP BY kind ORDER BY mme_inner__ DESC LIMIT 2) AS series_limit ON kind = kind__ GROUP BY DATE_TRUNC('quarter', day), kind ORDER BY count DESC LIMIT 1000

SELECT clinic AS clinic, COUNT(*) AS count, AVG(cost) AS "AVG(cost)" FROM dp.visits GROUP BY clinic ORDER BY count DESC LIMIT 1000

SELECT clinic AS clinic, kind AS kind, COUNT(*) AS count FROM dp.visits GROUP BY clinic, kind ORDER BY count DESC LIMIT 10000

SELECT clinic AS clinic, COUNT(*) AS count FROM dp.visits GROUP BY clinic ORDER BY count DESC LIMIT 10

SELECT day AS day, COUNT(*) AS count FROM (SELECT clinic, date_trunc('quarter', started) AS day, kind, cost FROM dp.visits) AS virtual_table GROUP BY day ORDER BY day ASC LIMIT 10000

SELECT category AS category, AVG(sales) AS "AVG(sales)" FROM (SELECT "Category" AS category, "Sales" AS sales, "Order Date" AS ordered FROM dp."Orders") AS virtual_table WHERE ordered >= TO_DATE('2022-02-01', 'YYYY-MM-DD') AND ordered < TO_DATE('2024-01-01', 'YYYY-MM-DD') GROUP BY category ORDER BY "AVG(sales)" DESC LIMIT 10000

-- Filters that depend on each other ask for their values once alone and once more
--# part: filters, 5
SELECT clinic AS clinic FROM dp.visits GROUP BY clinic ORDER BY clinic ASC LIMIT 1000

SELECT kind AS kind FROM dp.visits GROUP BY kind ORDER BY kind ASC LIMIT 1000

SELECT kind AS kind FROM dp.visits GROUP BY kind ORDER BY kind ASC LIMIT 1000

SELECT clinic AS clinic, COUNT(*) AS count FROM dp.visits GROUP BY clinic ORDER BY count DESC LIMIT 1000

SELECT kind AS kind FROM dp.visits GROUP BY kind ORDER BY kind ASC LIMIT 1000
