--
-- What the extension brings: every object with its comment, who may use it, and
-- the columns of its views and tables.  Whatever changes here changes what
-- others have built on.
--
SELECT extname, extrelocatable FROM pg_extension WHERE extname = 'dp_agg';

CREATE TEMP VIEW member AS
SELECT d.classid, d.objid
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'dp_agg'
   -- types of arrays and of rows of tables are members, too, from PostgreSQL 17 on
   AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
					WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
					  AND (t.typelem <> 0 OR c.relkind <> 'c'));

-- Objects by kind; every one has a comment.
SELECT i.type, count(*),
	   count(*) FILTER (WHERE obj_description(m.objid, m.classid::regclass::name) IS NULL) AS without_comment
  FROM member m, pg_identify_object(m.classid, m.objid, 0) i
 GROUP BY i.type ORDER BY i.type COLLATE "C";

-- All but functions and aggregates, which follow.
SELECT i.type, i.identity, obj_description(m.objid, m.classid::regclass::name) AS comment
  FROM member m, pg_identify_object(m.classid, m.objid, 0) i
 WHERE m.classid <> 'pg_proc'::regclass
 ORDER BY i.type COLLATE "C", i.identity COLLATE "C";

-- Aggregates of analysts; their comments say the same for all types of x.
\pset format unaligned
SELECT p.oid::regprocedure AS aggregate, format_type(p.prorettype, NULL) AS result
  FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
 WHERE p.prokind = 'a' AND p.pronamespace <> 'dp_agg'::regnamespace
 ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT p.proname AS aggregate, count(*) AS forms, c.comment
  FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass,
	   regexp_replace(obj_description(p.oid, 'pg_proc'), ' \([a-z_. ]+(\[\])?\);', ';') c (comment)
 WHERE p.prokind = 'a' AND p.pronamespace <> 'dp_agg'::regnamespace
 GROUP BY p.proname, c.comment ORDER BY p.proname::text COLLATE "C", c.comment COLLATE "C";
SELECT count(*) AS aggregates, bool_and(has_function_privilege('public', p.oid, 'EXECUTE')) AS everybody,
	   bool_and(p.proparallel = 's') AS parallel_safe
  FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
 WHERE p.prokind = 'a' AND p.pronamespace <> 'dp_agg'::regnamespace;

-- Everything else that can be called.
SELECT p.oid::regprocedure AS function, p.prokind AS kind, pg_get_function_arguments(p.oid) AS arguments,
	   pg_get_function_result(p.oid) AS result, p.provolatile AS volatile, p.proparallel AS parallel,
	   p.proisstrict AS strict, p.prosecdef AS definer, p.proconfig AS settings,
	   has_function_privilege('public', p.oid, 'EXECUTE') AS everybody,
	   obj_description(p.oid, 'pg_proc') AS comment
  FROM pg_proc p JOIN member m ON m.objid = p.oid AND m.classid = 'pg_proc'::regclass
 WHERE p.prokind <> 'a' OR p.pronamespace = 'dp_agg'::regnamespace
 ORDER BY p.oid::regprocedure::text COLLATE "C";
\pset format aligned

-- Columns of views, tables and types.
SELECT c.oid::regclass AS relation, c.relkind AS kind, a.attname AS "column",
	   format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS never_null
  FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
	   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.relkind IN ('r', 'v')
 ORDER BY c.oid::regclass::text COLLATE "C", a.attnum;
SELECT t.oid::regtype AS type, a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type_of_column,
	   col_description(a.attrelid, a.attnum) AS comment
  FROM member m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass
	   JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0
 WHERE t.typtype = 'c' AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
 ORDER BY t.oid::regtype::text COLLATE "C", a.attnum;

-- What everybody may do with schemas, tables and views.
SELECT n.nspname AS schema, has_schema_privilege('public', n.oid, 'USAGE') AS usage,
	   has_schema_privilege('public', n.oid, 'CREATE') AS "create"
  FROM pg_namespace n WHERE n.nspname IN ('dp', 'dp_agg') ORDER BY 1;
SELECT c.oid::regclass AS relation,
	   array(SELECT p FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
			  WHERE has_table_privilege('public', c.oid, p)) AS everybody
  FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
 WHERE c.relkind IN ('r', 'v')
 ORDER BY c.oid::regclass::text COLLATE "C";

-- Settings.
SELECT name, context, vartype, unit, min_val, max_val, boot_val, short_desc, extra_desc
  FROM pg_settings WHERE name LIKE 'dp\_agg.%' ORDER BY name COLLATE "C";
SET dp_agg.epsilon = 0;
\echo :SQLSTATE
SET dp_agg.epsilon = 1001;
\echo :SQLSTATE
SET dp_agg.delta = 0.6;
\echo :SQLSTATE
SET dp_agg.max_groups = -1;
\echo :SQLSTATE
SET dp_agg.max_rows = 1000001;
\echo :SQLSTATE
SET dp_agg.min_individuals = 19;
\echo :SQLSTATE
SET dp_agg.min_epsilon = 0;
\echo :SQLSTATE
SET dp_agg.no_such_setting = 1;
\echo :SQLSTATE

-- What may stand below a release, by kind: PostgreSQL's own, whatever its minor version.
SELECT kind, treatment, count(*) > 0 AS some FROM dp_agg.language GROUP BY 1, 2 ORDER BY kind COLLATE "C", treatment COLLATE "C";

-- They are declarations, and do nothing by themselves.
SELECT dp_count(*) FROM (VALUES (1)) v (x);
\echo :SQLSTATE
SELECT dp_avg(x, 0, 1) FROM (VALUES (1)) v (x);
\echo :SQLSTATE
SELECT dp_low(1);
\echo :SQLSTATE
SELECT dp_with(epsilon => 1);
\echo :SQLSTATE

DROP VIEW member;
