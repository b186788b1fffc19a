-- Power BI, DirectQuery by Npgsql: the extended protocol; the types of the database first, then the schema as data of
-- INFORMATION_SCHEMA; every query is a select around a select.

--# reused: 7
--# protocol: extended

--# part: connect, 0
SELECT version()

-- Npgsql: types, with their arrays and ranges, fields of composite types, labels of enums
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid
FROM (
    SELECT typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid AS elemtypoid, elemtyp.typname AS elemtypname, elemcls.relkind AS elemrelkind, CASE WHEN elemproc.proname = 'array_recv' THEN 'a' ELSE elemtyp.typtype END AS elemtyptype
    FROM (
        SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid, CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype, CASE WHEN proc.proname = 'array_recv' THEN typ.typelem WHEN typ.typtype = 'r' THEN rngsubtype WHEN typ.typtype = 'm' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = typ.oid) WHEN typ.typtype = 'd' THEN typ.typbasetype END AS elemtypoid
        FROM pg_type AS typ
        LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid)
        LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive
        LEFT JOIN pg_range ON (pg_range.rngtypid = typ.oid)
    ) AS typ
    LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = elemtypoid
    LEFT JOIN pg_class AS elemcls ON (elemcls.oid = elemtyp.typrelid)
    LEFT JOIN pg_proc AS elemproc ON elemproc.oid = elemtyp.typreceive
) AS t
JOIN pg_namespace AS ns ON (ns.oid = typnamespace)
WHERE typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind = 'c') OR (typtype = 'p' AND typname IN ('record', 'void', 'unknown')) OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'p' AND elemtypname IN ('record', 'void')) OR (elemtyptype = 'c' AND elemrelkind = 'c')))
ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'c' THEN 1 WHEN typtype = 'r' THEN 2 WHEN typtype = 'm' THEN 3 WHEN typtype = 'd' AND elemtyptype <> 'a' THEN 4 WHEN typtype = 'a' THEN 5 ELSE 6 END

SELECT typ.oid, att.attname, att.atttypid FROM pg_type AS typ JOIN pg_namespace AS ns ON (ns.oid = typ.typnamespace) JOIN pg_class AS cls ON (cls.oid = typ.typrelid) JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid) WHERE (typ.typtype = 'c' AND cls.relkind = 'c') AND attnum > 0 AND NOT attisdropped ORDER BY typ.oid, att.attnum

--# rows: 0
SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY oid, enumsortorder

--# part: introspect, 0
select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE from INFORMATION_SCHEMA.tables where TABLE_SCHEMA not in ('information_schema', 'pg_catalog') order by TABLE_SCHEMA, TABLE_NAME

select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE from INFORMATION_SCHEMA.columns where TABLE_SCHEMA = 'dp' and TABLE_NAME = 'Orders' order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION

--# rows: 0
select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION, case when i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY from INFORMATION_SCHEMA.table_constraints i inner join INFORMATION_SCHEMA.key_column_usage ii on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME and i.TABLE_SCHEMA = ii.TABLE_SCHEMA and i.TABLE_NAME = ii.TABLE_NAME where i.TABLE_SCHEMA = 'dp' and i.TABLE_NAME = 'Orders' and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE') order by 1, 2, 3

select character_set_name from INFORMATION_SCHEMA.character_sets

-- The preview of a table in Power Query
--# part: previews, 0
--# refused: 42501 its rows can only be aggregated
select "$Table"."Row ID" as "Row ID", "$Table"."Category" as "Category", "$Table"."Sales" as "Sales" from "dp"."Orders" "$Table" limit 1000

--# refused: 42501 its rows can only be aggregated
select "_"."Category", "_"."Sales" from "dp"."Orders" "_" where "_"."Returned" = true limit 201

-- A report page: visuals, slicers, totals of its tables
--# part: page Sales, 10
select count(*) as "a0" from "dp"."Orders" "$Table"

select "_"."Category", "_"."a0", "_"."a1" from (select "rows"."Category" as "Category", sum("rows"."Sales") as "a0", sum("rows"."Quantity") as "a1" from (select "Category", "Sales", "Quantity" from "dp"."Orders" "$Table") "rows" group by "Category") "_" where not "_"."a0" is null or not "_"."a1" is null limit 1000001

select "_"."Category", "_"."a0" from (select "rows"."Category" as "Category", sum("rows"."Sales") as "a0" from (select "Category", "Sales" from "dp"."Orders" "$Table") "rows" group by "Category") "_" where not "_"."a0" is null order by "_"."a0" desc, "_"."Category" limit 1001

select "_"."a0", "_"."a1" from (select sum("rows"."Sales") as "a0", sum("rows"."Quantity") as "a1" from "dp"."Orders" "rows") "_" limit 2

select "_"."a0" from (select sum("rows"."Sales") as "a0" from "dp"."Orders" "rows") "_" limit 2

select count(distinct("rows"."Customer ID")) + max(case when "rows"."Customer ID" is null then 1 else 0 end) as "a0" from (select "Customer ID" from "dp"."Orders" "$Table") "rows"

select "_"."Category" from (select "rows"."Category" as "Category" from (select "Category" from "dp"."Orders" "$Table") "rows" group by "Category") "_" order by "_"."Category" limit 501

select "_"."Category" from (select "rows"."Category" as "Category" from (select "Category" from "dp"."Orders" "$Table") "rows" group by "Category") "_" order by "_"."Category" limit 101

select "_"."t0_0", "_"."a0" from (select "_"."t0_0" as "t0_0", sum("_"."Sales") as "a0" from (select "_"."Sales" as "Sales", date_trunc('month', "_"."Order Date") as "t0_0" from "dp"."Orders" "_" where "_"."Order Date" >= '2022-01-01 00:00:00'::timestamp and "_"."Order Date" < '2025-01-01 00:00:00'::timestamp) "_" group by "_"."t0_0") "_" where not "_"."a0" is null order by "_"."t0_0" limit 1000001

select min("rows"."Order Date") as "a0", max("rows"."Order Date") as "a1" from "dp"."Orders" "rows"

--# part: page Customers, 5
select "_"."Segment", "_"."a0", "_"."a1" from (select "rows"."Segment" as "Segment", sum("rows"."Sales") as "a0", count(distinct("rows"."Customer ID")) as "a1" from (select "$Outer"."Customer ID", "$Outer"."Sales", "$Inner"."Segment" from (select "_"."Customer ID" as "Customer ID", "_"."Sales" as "Sales" from "dp"."Orders" "_") as "$Outer" left outer join (select "_"."Customer ID" as "Customer ID2", "_"."Segment" as "Segment" from "dp"."Customers" "_") as "$Inner" on ("$Outer"."Customer ID" = "$Inner"."Customer ID2")) as "rows" group by "Segment") as "_" where not "_"."a0" is null order by "_"."Segment" limit 1000001

select "_"."Category" from (select "rows"."Category" as "Category" from (select "Category" from "dp"."Orders" "$Table") "rows" group by "Category") "_" order by "_"."Category" limit 501

select count(*) as "a0" from "dp"."Orders" "$Table"

select "_"."a0" from (select sum("rows"."Sales") as "a0" from "dp"."Orders" "rows") "_" limit 2

select "_"."Category", "_"."a0" from (select "rows"."Category" as "Category", sum("rows"."Sales") as "a0" from (select "Category", "Sales" from "dp"."Orders" "$Table") "rows" group by "Category") "_" where not "_"."a0" is null limit 1000001
