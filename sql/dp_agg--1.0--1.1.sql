/* dp_agg 1.0 to 1.1: upgrade script */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION dp_agg UPDATE TO '1.1'" to load this file. \quit

-- Written by dev/upgrade-script: do not edit.  Statements that declare something are those of the
-- install script of 1.1, in its order and words: what 1.0 does not declare, or declares otherwise.
-- What is written for the upgrade alone stands in dev/upgrade/1.0--1.1.sql.
--
-- What stays is replaced, and keeps its OID, the privileges that it was given, and what depends on
-- it.  All of it is one transaction: if anything fails, the extension is 1.0 as before.

-- ----------------------------------------------------------------------------
-- Before anything changes: can this be done?
-- ----------------------------------------------------------------------------

DO $check$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'dp_agg.audit_raw') THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the library of dp_agg 1.1 is not loaded',
			HINT = 'Restart the server, with dp_agg in shared_preload_libraries, and update the extension then.';
	END IF;
END
$check$;

-- Whoever updates is a superuser, and need not be the owner of the extension.  What is new belongs to
-- the owner, as the rest does, as long as that is a superuser.
DO $owner$
DECLARE
	owner name := (SELECT pg_catalog.pg_get_userbyid(r.oid)
					 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_roles r ON r.oid = e.extowner
					WHERE e.extname = 'dp_agg' AND r.rolsuper AND r.rolname <> CURRENT_USER);
BEGIN
	PERFORM pg_catalog.set_config('dp_agg_update.role', pg_catalog.current_setting('role'), true);
	IF owner IS NOT NULL THEN
		PERFORM pg_catalog.set_config('role', owner, true);
	END IF;
END
$owner$;

-- Nobody charges, opens or closes an account, or looks at the log, until this is over.
LOCK TABLE dp_agg.account, dp_agg.release IN ACCESS EXCLUSIVE MODE;

-- ----------------------------------------------------------------------------
-- What goes.  What somebody has made of it would go along, so that is an error.
--
-- Where all numbers have one type of result, 1.1 has one aggregate, of double precision, to which
-- others are cast.
-- ----------------------------------------------------------------------------

DO $drop$
DECLARE
	gone constant text[] := ARRAY[
		'dp_agg.total(internal, anyelement, "any")', 'dp_agg.total_cast(internal, anyelement, "any")',
		'dp_agg.tame(double precision)', 'dp_agg.tame(real)', 'dp_agg.tame(interval)',
		'dp_agg.set_budget(name, name, double precision, double precision, interval, double precision, text)',
		'dp_agg.set_budget(name, name, numeric, numeric, interval, numeric, text)',
		'@extschema@.dp_with(double precision, double precision, integer, integer)'
	] || ARRAY(
		SELECT pg_catalog.format('@extschema@.%s(%s%s)', f.name, t.type, f.rest)
		  FROM (VALUES ('smallint'), ('integer'), ('bigint'), ('numeric'), ('real')) t (type),
			   (VALUES ('dp_bounds', ''),
					   ('dp_median', ''), ('dp_median', ', double precision, double precision'),
					   ('dp_quantile', ', double precision'), ('dp_quantile', ', double precision[]'),
					   ('dp_quantile', ', double precision, double precision, double precision'),
					   ('dp_quantile', ', double precision[], double precision, double precision'),
					   ('dp_histogram', ', integer'), ('dp_histogram', ', double precision, double precision, integer')) f (name, rest)
	) || ARRAY(
		SELECT pg_catalog.format('@extschema@.%s(real%s)', f.name, r.rest)
		  FROM (VALUES ('dp_avg'), ('dp_var'), ('dp_variance'), ('dp_var_samp'), ('dp_var_pop'),
					   ('dp_stddev'), ('dp_stddev_samp'), ('dp_stddev_pop')) f (name),
			   (VALUES (''), (', double precision, double precision')) r (rest));
	-- these are made anew below, with other columns
	changed constant oid[] := ARRAY['dp_agg.last_release()'::pg_catalog.regprocedure::oid,
									'dp_agg.memberships()'::pg_catalog.regprocedure::oid,
									'dp_agg.release_log'::pg_catalog.regclass::oid];
	signature text;
	holders text;
	dependents text;
	detail text;
BEGIN
	SELECT pg_catalog.string_agg(pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), E'\n') INTO dependents
	  FROM pg_catalog.pg_depend d
	 WHERE d.refobjid = ANY (changed) AND d.deptype = 'n'
	   AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass)
	   AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend m ON m.objid = r.ev_class
						WHERE r.oid = d.objid AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
						  AND m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.deptype = 'e'
						  AND m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass);
	FOREACH signature IN ARRAY gone LOOP
		SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)), ', ') INTO holders
		  FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
		 WHERE p.oid = signature::pg_catalog.regprocedure AND a.grantee NOT IN (0, p.proowner);
		IF holders IS NOT NULL THEN
			RAISE WARNING USING
				MESSAGE = pg_catalog.format('%s could execute function %s, which has other arguments in version 1.1', holders, signature),
				HINT = 'Who gives budgets is an administrator of the population now: see dp_agg.grant_admin().';
		END IF;
		BEGIN
			EXECUTE pg_catalog.format('DROP ROUTINE %s', signature);
		EXCEPTION WHEN dependent_objects_still_exist THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			dependents := pg_catalog.concat_ws(E'\n', dependents, detail);
		END;
	END LOOP;
	IF dependents IS NOT NULL THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = 'extension dp_agg cannot be updated: other objects depend on what version 1.1 declares otherwise',
			DETAIL = dependents,
			HINT = 'Keep the definitions of these objects, as pg_dump writes them, drop them, update the extension, and create them again.';
	END IF;
END
$drop$;

-- CREATE OR REPLACE gives no other names to parameters, nor other columns to a result.  Nothing
-- depends on either: calls in views are kept by the position of an argument, and no view calls
-- last_release() or memberships(), as was seen above.
UPDATE pg_catalog.pg_proc
   SET proargnames[pg_catalog.array_position(proargnames, 'column')] = 'column_name'
 WHERE oid IN ('dp_agg.set_bounds(regclass, name, text, text)'::pg_catalog.regprocedure,
			   'dp_agg.set_bounds(regclass, name, double precision, double precision)'::pg_catalog.regprocedure,
			   'dp_agg.set_bounds(regclass, name, anycompatible, anycompatible)'::pg_catalog.regprocedure,
			   'dp_agg.set_domain(regclass, name, text[])'::pg_catalog.regprocedure);
UPDATE pg_catalog.pg_proc
   SET proallargtypes = proallargtypes || ARRAY['text', 'text[]', 'text[]', 'text', 'text[]', 'integer', 'boolean',
												'bigint', 'bigint', 'bigint', 'bigint', 'text', 'boolean', 'boolean', 'text[]']::pg_catalog.regtype[]::oid[],
	   proargmodes = proargmodes || pg_catalog.array_fill('t'::"char", ARRAY[15]),
	   proargnames = proargnames || ARRAY['tier', 'tier_reasons', 'tier_codes', 'obligation', 'warnings', 'release', 'bounded',
										  'smallest_group', 'max_groups', 'max_rows', 'max_total', 'grouping_set', 'gaussian', 'reused', 'grain']
 WHERE oid = 'dp_agg.last_release()'::pg_catalog.regprocedure;
UPDATE pg_catalog.pg_proc
   SET proallargtypes = proallargtypes || 'boolean'::pg_catalog.regtype::oid,
	   proargmodes = proargmodes || 't'::"char",
	   proargnames = proargnames || 'acts'::text
 WHERE oid = 'dp_agg.memberships()'::pg_catalog.regprocedure;

-- ----------------------------------------------------------------------------
-- What releases use inside.  Analysts never call these.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.guarded(internal, anyelement, VARIADIC "any") RETURNS anyelement
AS 'MODULE_PATHNAME', 'dp_guarded' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.guarded(internal, anyelement, "any") IS
'internal: result of a built-in function, or NULL where it would raise a data exception';

CREATE FUNCTION dp_agg.guarded_cast(internal, anyelement, "any") RETURNS anyelement
AS 'MODULE_PATHNAME', 'dp_guarded_cast' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.guarded_cast(internal, anyelement, "any") IS
'internal: a value cast through text, or NULL where the text does not fit';

CREATE FUNCTION dp_agg.canonical(anyelement, typmod integer) RETURNS anyelement
AS 'MODULE_PATHNAME', 'dp_canonical' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.canonical(anyelement, integer) IS
'internal: the one value that stands for all values equal to it, as a column with that type modifier (-1: none) would hold it; NULL if it is wider than 512 kB';

CREATE FUNCTION dp_agg.image(anyelement) RETURNS bytea
AS 'MODULE_PATHNAME', 'dp_image' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.image(anyelement) IS
'internal: the bytes of a value, by which values of types without an order are sorted';

CREATE FUNCTION dp_agg.exact(double precision) RETURNS numeric
AS 'MODULE_PATHNAME', 'dp_exact_float8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.exact(double precision) IS
'internal: the shortest decimal that reads back as x, within -1e120 .. 1e120, NULL for NaN, so that sums depend on no order and cannot overflow';

CREATE FUNCTION dp_agg.exact(real) RETURNS numeric
AS 'MODULE_PATHNAME', 'dp_exact_float4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.exact(real) IS
'internal: the shortest decimal that reads back as x, within -1e18 .. 1e18, NULL for NaN, so that sums depend on no order and cannot overflow';

CREATE FUNCTION dp_agg.nearest_float8(numeric) RETURNS double precision
AS 'MODULE_PATHNAME', 'dp_nearest_float8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.nearest_float8(numeric) IS
'internal: the double precision number nearest to a sum or average';

CREATE FUNCTION dp_agg.nearest_float4(numeric) RETURNS real
AS 'MODULE_PATHNAME', 'dp_nearest_float4' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.nearest_float4(numeric) IS
'internal: the real number nearest to a sum';

CREATE FUNCTION dp_agg.derived_bound(internal, expression pg_node_tree, leaves double precision[], VARIADIC parameters "any")
RETURNS double precision
AS 'MODULE_PATHNAME', 'dp_derived_bound' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.derived_bound(internal, pg_node_tree, double precision[], "any") IS
'internal: a bound that follows for an expression from those of its columns and from parameters of the statement';

CREATE FUNCTION dp_agg.shards(VARIADIC "any") RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dp_bound_transition' LANGUAGE C STABLE PARALLEL RESTRICTED;

COMMENT ON FUNCTION dp_agg.shards("any") IS
'internal: place of what the machines of a cluster send: states of a release, or rows of a public table; never called';

CREATE FUNCTION dp_agg.travelling(oid, anyelement, VARIADIC "any") RETURNS anyelement
AS 'MODULE_PATHNAME', 'dp_travelling' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.travelling(oid, anyelement, "any") IS
'internal: dp_agg.guarded() in the text of a query that another machine reads';

CREATE FUNCTION dp_agg.travelling_cast(oid, anyelement, "any") RETURNS anyelement
AS 'MODULE_PATHNAME', 'dp_travelling_cast' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.travelling_cast(oid, anyelement, "any") IS
'internal: dp_agg.guarded_cast() in the text of a query that another machine reads';

CREATE FUNCTION dp_agg.clip_cost(bytea, double precision[], bytea) RETURNS bigint
AS 'MODULE_PATHNAME', 'dp_clip_cost' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.clip_cost(bytea, double precision[], bytea) IS
'internal: what an individual adds to one group, before all of its groups are scaled';

CREATE FUNCTION dp_agg.collect_clipped_transition(bytea, bytea, double precision[], bytea, bigint)
RETURNS bytea
AS 'MODULE_PATHNAME', 'dp_collect_clipped_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.collect_clipped_transition(bytea, bytea, double precision[], bytea, bigint) IS
'internal: transition function of collect_clipped';

CREATE AGGREGATE dp_agg.collect_clipped(bytea, double precision[], bytea, bigint) (
	SFUNC = dp_agg.collect_clipped_transition, STYPE = bytea,
	COMBINEFUNC = dp_agg.collect_combine, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_agg.collect_clipped(bytea, double precision[], bytea, bigint) IS
'internal: the same, bounded over all groups of an individual by the sum of what these cost';

CREATE FUNCTION dp_agg.sketch_clipped_transition(bytea, bytea, double precision[], integer, bytea, bytea, bigint)
RETURNS bytea
AS 'MODULE_PATHNAME', 'dp_sketch_clipped_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.sketch_clipped_transition(bytea, bytea, double precision[], integer, bytea, bytea, bigint) IS
'internal: transition function of sketch_clipped';

COMMENT ON FUNCTION dp_agg.sketch_combine(bytea, bytea) IS
'internal: combine function of sketch, sketch_rows, sketch_bounded, sketch_clipped and bound_sketch';

CREATE AGGREGATE dp_agg.sketch_clipped(bytea, double precision[], integer, bytea, bytea, bigint) (
	SFUNC = dp_agg.sketch_clipped_transition, STYPE = bytea,
	COMBINEFUNC = dp_agg.sketch_combine, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_agg.sketch_clipped(bytea, double precision[], integer, bytea, bytea, bigint) IS
'internal: summary of the values of a group over individuals that are bounded over all their groups together';

-- Nobody needs the right to execute these: an aggregate calls its functions by the
-- right of its owner, not of who asks.
REVOKE EXECUTE ON FUNCTION
	dp_agg.collect_clipped_transition(bytea, bytea, double precision[], bytea, bigint),
	dp_agg.sketch_clipped_transition(bytea, bytea, double precision[], integer, bytea, bytea, bigint) FROM PUBLIC;

-- ----------------------------------------------------------------------------
-- The aggregates of analysts.  They are declarations: a query over a protected
-- relation is rewritten before any of these functions could run.
-- ----------------------------------------------------------------------------

COMMENT ON AGGREGATE dp_count(*) IS
'differentially private number of rows (bigint, at least 0), at most max_rows of an individual in each of several groups, max_total in all; errors: DP001 budget exhausted, DP002 refused';

CREATE AGGREGATE dp_tier(*) (
	SFUNC = dp_agg.unreleased, STYPE = text,
	FINALFUNC = dp_agg.unreleased, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_tier(*) IS
'risk tier of the row (text: low, medium or high), at no price of its own; NULL where the row is held back; why: dp_agg.last_release(); errors: DP001 budget exhausted, DP002 refused';

COMMENT ON AGGREGATE dp_count("any") IS
'differentially private number of rows where x is not NULL (bigint, at least 0), at most max_rows of an individual in each of several groups, max_total in all; errors: DP001 budget exhausted, DP002 refused';

CREATE AGGREGATE dp_min(x anyelement) (
	SFUNC = dp_agg.unreleased, STYPE = anyelement,
	FINALFUNC = dp_agg.unreleased, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_min(anyelement) IS
'differentially private first value of x in its order (its own type), of texts, enums and the like: among values that at least 20 individuals have; of booleans as dp_bool_and; NULL if there is none; errors: DP001 budget exhausted, DP002 refused';

CREATE AGGREGATE dp_max(x anyelement) (
	SFUNC = dp_agg.unreleased, STYPE = anyelement,
	FINALFUNC = dp_agg.unreleased, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_max(anyelement) IS
'differentially private last value of x in its order (its own type), of texts, enums and the like: among values that at least 20 individuals have; of booleans as dp_bool_or; NULL if there is none; errors: DP001 budget exhausted, DP002 refused';

CREATE AGGREGATE dp_bool_and(x boolean) (
	SFUNC = dp_agg.unreleased, STYPE = boolean,
	FINALFUNC = dp_agg.unreleased, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_bool_and(boolean) IS
'is x true in nearly all rows (boolean): false if the noisy number of individuals with a false is three standard errors and a half or more; NULL if the released number of individuals with a value is below 20; errors: DP001 budget exhausted, DP002 refused';

CREATE AGGREGATE dp_bool_or(x boolean) (
	SFUNC = dp_agg.unreleased, STYPE = boolean,
	FINALFUNC = dp_agg.unreleased, PARALLEL = SAFE);

COMMENT ON AGGREGATE dp_bool_or(boolean) IS
'is x true in more than a few rows (boolean): true if the noisy number of individuals with a true is three standard errors and a half or more; NULL if the released number of individuals with a value is below 20; errors: DP001 budget exhausted, DP002 refused';

CREATE FUNCTION dp_clipped(value anyelement) RETURNS double precision
AS 'MODULE_PATHNAME', 'dp_clipped_misplaced' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_clipped(anyelement) IS
'differentially private share (0 .. 1) of the individuals of a group that have more rows of an aggregate than max_rows, so that they count with fewer, or each row weighs less; written directly around the aggregate, as in dp_clipped(dp_count(*)), and at no price of its own, but a coordinate more of the noise; 0 where the unit is unique; errors: DP002 refused or out of place';

CREATE FUNCTION dp_with(epsilon double precision DEFAULT NULL,
						delta double precision DEFAULT NULL,
						max_groups integer DEFAULT NULL,
						max_rows integer DEFAULT NULL,
						max_total integer DEFAULT NULL,
						shares double precision[] DEFAULT NULL) RETURNS boolean
AS 'MODULE_PATHNAME', 'dp_with' LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION dp_with(double precision, double precision, integer, integer, integer, double precision[]) IS
'settings of one release, written in its WHERE clause joined by AND: epsilon 1e-9 .. 1000, delta in (0, 1), max_groups and max_rows 1 .. 1000000, max_total 1 .. 100000000; shares: how several grouping sets divide epsilon and delta, a constant array of one number 0.001 .. 1000 for each set, those with more keys first (by default equal); NULL keeps the setting';

CREATE OR REPLACE FUNCTION dp_agg.last_release()
RETURNS TABLE (output text, population name, epsilon numeric, delta numeric, groups bigint,
			   standard_error double precision, tier text, tier_reasons text[], tier_codes text[],
			   obligation text, warnings text[], release integer, bounded boolean, smallest_group bigint,
			   max_groups bigint, max_rows bigint, max_total bigint, grouping_set text, gaussian boolean,
			   reused boolean, grain text[])
AS 'MODULE_PATHNAME', 'dp_last_release' LANGUAGE C VOLATILE PARALLEL RESTRICTED;

COMMENT ON FUNCTION dp_agg.last_release() IS
'the outputs of all releases of the session''s last statement that had any: epsilon and delta that the release cost, how many groups it let out, and the standard error of the output from the law of its noise, in the unit of the output (root mean square over these groups; NULL where there is none); the risk tier of the release, why (as sentences, in the language of lc_messages, and as codes), what it obliges to, and warnings about its keys; the number of the release in the statement, from 1; whether limits may have left out rows or weighed them less (bounded), the number of individuals from which the output of a group has a value with probability 1/2, and the limits that counted (max_total: NULL where there is none); the keys of the grouping set, as in (clinic, sex), where the release has several: each has rows of its own, and shares the release''s number and price; whether the noise of the output is Gaussian, as it may be where all accounts add up rho; whether an earlier answer was handed out again (reused), at no price: the error is that of its noise; the conditions on time that were rounded to the grain of their column, as they became (grain); no row before the first release';

CREATE FUNCTION dp_agg.estimate(query text, params text[] DEFAULT '{}', individuals bigint DEFAULT 1000)
RETURNS TABLE (item text, name text, population name, release integer, grouping_set text,
			   epsilon numeric, delta numeric, epsilon_left numeric, delta_left numeric,
			   standard_error double precision, rank_error bigint, smallest_group bigint, gaussian boolean,
			   limits text, bounds text, advice text)
AS 'MODULE_PATHNAME', 'dp_estimate' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.estimate(text, text[], bigint) IS
'what a query would cost the session, and how sharp it would be; spends nothing, runs nothing and reads no protected row. params: values of $1, $2, ... as texts; individuals (1 .. 1e12): the group that errors are for. A row for each account that would pay (epsilon and delta: the price; epsilon_left and delta_left: what my_budget would show afterwards), each release (price, smallest group that appears, limits and why they apply) and each output (standard_error in its own unit, or for a median or quantile rank_error: in individuals, with probability 0.95; bounds; advice: what would make it sharper); errors: those of the query but for DP001, 22023 for what is not one query, 42P02 for parameters without values';

-- ----------------------------------------------------------------------------
-- Risk tiers: codes as sentences.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.tier_codes(codes text) RETURNS text[]
AS 'MODULE_PATHNAME', 'dp_tier_codes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.tier_codes(text) IS
'the codes of a risk tier, stage.reason each, that stand in a text with blanks between';

CREATE FUNCTION dp_agg.tier_reasons(codes text, language text DEFAULT NULL) RETURNS text[]
AS 'MODULE_PATHNAME', 'dp_tier_reasons' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.tier_reasons(text, text) IS
'the codes of a risk tier, that stand in a text with blanks between, as sentences: Chinese if language begins with zh and the encoding of the database has the characters, else English; language NULL: that of lc_messages; a code that is not known is shown as it is';

CREATE FUNCTION dp_agg.tier_obligation(tier text, language text DEFAULT NULL) RETURNS text
AS 'MODULE_PATHNAME', 'dp_tier_obligation' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.tier_obligation(text, text) IS
'what a risk tier (low, medium, high) obliges whoever handles the result to, language as in dp_agg.tier_reasons(); NULL for what is no tier';

-- ----------------------------------------------------------------------------
-- Policy: what is protected.  Stored as security labels, so that pg_dump
-- carries it; these functions write the labels and create the facade.
-- ----------------------------------------------------------------------------

-- What was declared for a column means what its type made of it then: a label names that
-- type, and what is declared does not count for a type of another kind.
CREATE FUNCTION dp_agg.type_name(type oid) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT n.nspname || '.' || t.typname
	  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = dp_agg.base_type(type)
$$;

COMMENT ON FUNCTION dp_agg.type_name(oid) IS
'internal: how labels name a type, or the one below a domain';

-- The same as src/policy/kinds.c, which has the reasons: this can be asked where the library
-- is not loaded.
CREATE FUNCTION dp_agg.type_kind(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN left(name, 11) <> 'pg_catalog.' THEN 'text'
				WHEN substr(name, 12) IN ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric') THEN 'number'
				WHEN substr(name, 12) IN ('text', 'varchar', 'name') THEN 'text'
				ELSE name END
$$;

COMMENT ON FUNCTION dp_agg.type_kind(text) IS
'internal: the kind of a type, named as labels do; what is declared means the same for types of one kind';

CREATE FUNCTION dp_agg.same_kind(made_for text, type oid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT COALESCE(dp_agg.type_kind(made_for) = dp_agg.type_kind(dp_agg.type_name(type)), made_for IS NULL)
$$;

COMMENT ON FUNCTION dp_agg.same_kind(text, oid) IS
'internal: does what was declared for a type, named as labels do, mean the same in another; made_for NULL: the label does not say, which counts as yes';

-- To read a value of any other type may run functions of users, as a CHECK of a domain in a
-- composite type does; and whoever looks at dp_agg.protected_relations reads all keys.
CREATE FUNCTION dp_agg.is_listed_type(type oid) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_type t WHERE t.oid = type AND t.typtype <> 'd' AND (t.oid < 16384 OR t.typtype = 'e'))
$$;

COMMENT ON FUNCTION dp_agg.is_listed_type(oid) IS
'internal: may a column have public keys that is of this type, or of a domain over it: built-in types and enums';

-- Keys are read as set_domain() reads them, and without the length and precision of the column.
CREATE FUNCTION dp_agg.keys_fault(keys jsonb, type oid, typmod integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	base oid := dp_agg.base_type(type);
	length integer := CASE WHEN base = type THEN typmod
						   ELSE (SELECT t.typtypmod FROM pg_type t WHERE t.oid = type) END;
	different bigint;
	changed text;
BEGIN
	IF NOT dp_agg.is_listed_type(base) THEN
		RETURN 'values of such a type are not listed';
	END IF;
	EXECUTE format('SELECT count(DISTINCT stored), min(key) FILTER (WHERE stored <> k)
					  FROM ROWS FROM (jsonb_to_recordset($1) AS (stored %s), jsonb_to_recordset($1) AS (k %s),
									  jsonb_to_recordset($1) AS (k text)) r (stored, k, key)',
				   format_type(base, length), format_type(base, -1))
	   INTO different, changed
	  USING (SELECT jsonb_agg(jsonb_build_object('stored', k, 'k', k)) FROM jsonb_array_elements_text(keys) k);
	RETURN CASE WHEN changed IS NOT NULL THEN format('key "%s" is longer or finer than values of the column', changed)
				WHEN different < jsonb_array_length(keys) THEN 'two of the keys are the same value' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;

COMMENT ON FUNCTION dp_agg.keys_fault(jsonb, oid, integer) IS
'internal: why keys are not different values of the type of a column, as src/policy/kinds.c tells queries; NULL if they are';

-- By the right of whoever asks: protected_relations calls it.
CREATE FUNCTION dp_agg.facade_of(relation regclass) RETURNS regclass LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
SELECT c.oid::regclass
  FROM pg_seclabel s
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.objoid
				  AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite r ON r.oid = d.objid
  JOIN pg_class c ON c.oid = r.ev_class AND c.relkind = 'v'
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass AND s.objoid = relation AND s.objsubid = 0
   AND s.label::jsonb ->> 'facade' = format('%I.%I', n.nspname, c.relname)
 LIMIT 1
$$;

COMMENT ON FUNCTION dp_agg.facade_of(regclass) IS
'internal: the view that the label of a protected relation names as its facade; NULL if there is none, or one that reads another relation';

CREATE OR REPLACE VIEW dp_agg.protected_relations AS
SELECT t.objoid::pg_catalog.regclass AS relation,
	   (t.label::pg_catalog.jsonb ->> 'population')::pg_catalog.name AS population,
	   (SELECT pg_catalog.array_agg(a.attname ORDER BY (c.label::pg_catalog.jsonb ->> 'unit')::int)
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'unit') AS unit,
	   COALESCE((t.label::pg_catalog.jsonb ->> 'max_groups')::int, 1) AS max_groups,
	   COALESCE((t.label::pg_catalog.jsonb ->> 'max_rows')::int, 1) AS max_rows,
	   CASE WHEN t.label::pg_catalog.jsonb ? 'columns' THEN
	   (SELECT pg_catalog.array_agg(a.attname ORDER BY a.attnum)
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb @> '{"open": true}') END AS columns,
	   (SELECT pg_catalog.jsonb_object_agg(a.attname,
				pg_catalog.jsonb_build_array(
					dp_agg.bound_value(b.type, (c.label::pg_catalog.jsonb ->> 'lower')::numeric),
					dp_agg.bound_value(b.type, (c.label::pg_catalog.jsonb ->> 'upper')::numeric)))
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid,
			   LATERAL (SELECT dp_agg.base_type(a.atttypid) AS type) b
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'lower'
		   AND dp_agg.same_kind(c.label::pg_catalog.jsonb ->> 'bounds_type', a.atttypid)) AS bounds,
	   (SELECT pg_catalog.jsonb_object_agg(a.attname, c.label::pg_catalog.jsonb -> 'domain')
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'domain'
		   AND dp_agg.same_kind(c.label::pg_catalog.jsonb ->> 'domain_type', a.atttypid)
		   AND dp_agg.keys_fault(c.label::pg_catalog.jsonb -> 'domain', a.atttypid, a.atttypmod) IS NULL) AS domains,
	   (SELECT t.label::pg_catalog.jsonb ->> 'facade'
		 WHERE dp_agg.facade_of(t.objoid) IS NOT NULL) AS facade,
	   (t.label::pg_catalog.jsonb ->> 'individuals')::bigint AS individuals,
	   (t.label::pg_catalog.jsonb ->> 'max_total')::int AS max_total,
	   (SELECT pg_catalog.jsonb_object_agg(a.attname,
				pg_catalog.jsonb_build_array(
					c.label::pg_catalog.jsonb -> 'total_lower', c.label::pg_catalog.jsonb -> 'total_upper'))
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'total_lower'
		   AND dp_agg.same_kind(c.label::pg_catalog.jsonb ->> 'total_type', a.atttypid)) AS totals,
	   (t.label::pg_catalog.jsonb ->> 'max_norm')::int AS max_norm,
	   COALESCE((t.label::pg_catalog.jsonb ->> 'preview')::boolean, false) AS preview,
	   (SELECT pg_catalog.jsonb_object_agg(a.attname, c.label::pg_catalog.jsonb -> 'grain')
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'grain') AS grains,
	   (SELECT pg_catalog.jsonb_object_agg(a.attname, c.label::pg_catalog.jsonb -> 'length')
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'length') AS lengths,
	   (SELECT pg_catalog.array_agg(a.attname ORDER BY (c.label::pg_catalog.jsonb ->> 'link')::int)
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'link') AS link,
	   (SELECT pg_catalog.format('%I.%I', t.label::pg_catalog.jsonb ->> 'parent_schema', t.label::pg_catalog.jsonb ->> 'parent')
		 WHERE t.label::pg_catalog.jsonb ? 'parent') AS parent,
	   (SELECT pg_catalog.array_agg((c.label::pg_catalog.jsonb ->> 'parent_key')::pg_catalog.name ORDER BY (c.label::pg_catalog.jsonb ->> 'link')::int)
		  FROM pg_catalog.pg_seclabel c
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb ? 'link') AS parent_key,
	   (SELECT pg_catalog.array_agg(a.attname ORDER BY a.attnum)
		  FROM pg_catalog.pg_seclabel c
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.objoid AND a.attnum = c.objsubid
		 WHERE c.provider = 'dp_agg' AND c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
		   AND c.objoid = t.objoid AND c.objsubid > 0
		   AND c.label::pg_catalog.jsonb @> '{"index": true}') AS index_columns
  FROM pg_catalog.pg_seclabel t
 WHERE t.provider = 'dp_agg' AND t.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
   AND t.objsubid = 0;

COMMENT ON VIEW dp_agg.protected_relations IS
'protected relations: population, unit columns, max_groups, max_rows, open columns (NULL: all), declared bounds and public group keys by column, facade view (NULL: somebody has dropped it), declared size of the population (NULL: none), max_total (NULL: max_groups times max_rows), declared bounds of sums per individual by column, max_norm (NULL: as max_total), preview: may analysts read synthetic rows, grains: to what conditions on columns of time are rounded, lengths: how many characters texts have at most, both by column, index_columns: by whose indexes releases may look rows up (NULL: none); of relations that have no unit: link, their columns that are equal to parent_key, columns of the relation parent, to whose individuals their rows belong';

CREATE FUNCTION dp_agg.outlived(relation regclass DEFAULT NULL)
RETURNS TABLE (labelled regclass, column_name name, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH declared AS (
		SELECT s.objoid::regclass AS labelled, a.attname, a.atttypid, a.atttypmod, s.label::jsonb AS label,
			   format('%L, %L', s.objoid::regclass, a.attname) AS arguments
		  FROM pg_seclabel s
		  JOIN pg_attribute a ON a.attrelid = s.objoid AND a.attnum = s.objsubid AND NOT a.attisdropped
		 WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass AND s.objsubid > 0
		   AND s.objoid = COALESCE(outlived.relation, s.objoid)
	)
	SELECT d.labelled, d.attname,
		   format('its bounds were declared for type %s, but it is of type %s now: they do not count',
				  d.label ->> 'bounds_type', format_type(d.atttypid, d.atttypmod)),
		   format('SELECT dp_agg.set_bounds(%s, lower, upper), with bounds of that type', d.arguments)
	  FROM declared d
	 WHERE d.label ? 'lower' AND NOT dp_agg.same_kind(d.label ->> 'bounds_type', d.atttypid)
	UNION ALL
	SELECT d.labelled, d.attname,
		   CASE WHEN dp_agg.same_kind(d.label ->> 'domain_type', d.atttypid)
				THEN format('its public keys are not values of type %s: %s; no query can group by them',
							format_type(d.atttypid, d.atttypmod),
							dp_agg.keys_fault(d.label -> 'domain', d.atttypid, d.atttypmod))
				ELSE format('its public keys were declared for type %s, but it is of type %s now; no query can group by them',
							d.label ->> 'domain_type', format_type(d.atttypid, d.atttypmod)) END,
		   format('SELECT dp_agg.set_domain(%s, keys), with keys of that type, or with NULL', d.arguments)
	  FROM declared d
	 WHERE d.label ? 'domain'
	   AND (NOT dp_agg.same_kind(d.label ->> 'domain_type', d.atttypid)
			OR dp_agg.keys_fault(d.label -> 'domain', d.atttypid, d.atttypmod) IS NOT NULL)
$$;

COMMENT ON FUNCTION dp_agg.outlived(regclass) IS
'internal: bounds and public keys of a relation, or of all, that do not go with the types that their columns have now';

CREATE FUNCTION dp_agg.key_use(regtype) RETURNS text
AS 'MODULE_PATHNAME', 'dp_key_use' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.key_use(regtype) IS
'internal: may values of the type be group keys and the unit: as is, or NULL';

COMMENT ON VIEW dp_agg.language IS
'what may stand below a release: kind, name, result type, treatment (as is; guarded: NULL where it would fail; once: a value of the session, computed before the release)';

CREATE FUNCTION dp_agg.check_coordinator() RETURNS void
AS 'MODULE_PATHNAME', 'dp_check_coordinator' LANGUAGE C STABLE;

COMMENT ON FUNCTION dp_agg.check_coordinator() IS
'internal: raises 55000 on a worker of Citus, where nothing is protected and nobody is given a budget';

CREATE FUNCTION dp_agg.shard_of(relation regclass) RETURNS regclass
AS 'MODULE_PATHNAME', 'dp_shard_of' LANGUAGE C STABLE STRICT;

COMMENT ON FUNCTION dp_agg.shard_of(regclass) IS
'internal: the relation that a table is a shard of, to Citus; NULL if it is none';

CREATE FUNCTION dp_agg.citus_distribution(relation regclass, OUT kind text, OUT distribution_column name, OUT colocation integer)
AS 'MODULE_PATHNAME', 'dp_citus_distribution' LANGUAGE C STABLE STRICT;

COMMENT ON FUNCTION dp_agg.citus_distribution(regclass) IS
'internal: what a relation is to Citus: managed (one shard, on the coordinator), reference (a copy on every machine), single (one shard somewhere), hash (shards by the hash of distribution_column), other; NULL if it is none of its tables; and its colocation group';

CREATE FUNCTION dp_agg.lock_label(relation regclass, "column" smallint) RETURNS text
AS 'MODULE_PATHNAME', 'dp_lock_label' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.lock_label(regclass, smallint) IS
'internal: the label of a column, by its number, locked against all who would change labels of the relation; errors: 42501 not the owner';

CREATE OR REPLACE FUNCTION dp_agg.label_column(relation regclass, "column" name, keys text[], patch jsonb)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attno int2;
	label jsonb;
BEGIN
	SELECT attnum INTO attno FROM pg_attribute
	 WHERE attrelid = relation AND attname = "column" AND attnum > 0 AND NOT attisdropped;
	IF attno IS NULL THEN
		RAISE undefined_column USING
			MESSAGE = format('column "%s" of relation %s does not exist', "column", relation);
	END IF;
	label := (COALESCE(dp_agg.lock_label(relation, attno)::jsonb, '{}') - keys) || patch;
	EXECUTE format('SECURITY LABEL FOR dp_agg ON COLUMN %s.%I IS %s', relation, "column",
				   CASE WHEN label = '{}' THEN 'NULL' ELSE quote_literal(label::text) END);
END
$$;

CREATE FUNCTION dp_agg.is_direct_identifier(relation regclass, "column" smallint) RETURNS boolean
AS 'MODULE_PATHNAME', 'dp_is_direct_identifier' LANGUAGE C STABLE STRICT;

COMMENT ON FUNCTION dp_agg.is_direct_identifier(regclass, smallint) IS
'internal: is a column, by its number, a direct identifier that may be in no facade and no release';

-- ----------------------------------------------------------------------------
-- Facades: views that follow their tables.  Nobody but the owner of the extension may
-- execute what does the work: settle_facade() and remove_facade() ask for the right of
-- the caller and call it (src/policy/facade.c), and so does whatever changes a table
-- (src/hooks/migrations.c).  JIT is off, since compiling the queries takes longer than running them.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.view_columns(view regclass) RETURNS int2[]
AS 'MODULE_PATHNAME', 'dp_view_columns' LANGUAGE C STABLE STRICT;

COMMENT ON FUNCTION dp_agg.view_columns(regclass) IS
'internal: for each column of a view that shows columns of one table and all its rows, the number of the column of the table; NULL if a view does anything else';

CREATE FUNCTION dp_agg.delete_objects(oid[], oid[], integer[], cascade boolean) RETURNS void
AS 'MODULE_PATHNAME', 'dp_delete_objects' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.delete_objects(oid[], oid[], integer[], boolean) IS
'internal: drops objects, given by class, OID and number of the column (0: all); errors: 42501 not a superuser, 2BP01 others depend on them';

CREATE FUNCTION dp_agg.lock_objects(oid[], oid[]) RETURNS void
AS 'MODULE_PATHNAME', 'dp_lock_objects' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.lock_objects(oid[], oid[]) IS
'internal: locks objects, given by class and OID, as dropping them does; errors: 42501 not a superuser';

CREATE FUNCTION dp_agg.run_as(role oid, command text) RETURNS void
AS 'MODULE_PATHNAME', 'dp_run_as' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.run_as(oid, text) IS
'internal: runs a command by the right of a role; errors: 42501 not a superuser, and those of the command';

CREATE FUNCTION dp_agg.settle_facade(relation regclass, make boolean) RETURNS void
AS 'MODULE_PATHNAME', 'dp_settle_facade' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.settle_facade(regclass, boolean) IS
'internal: makes the facade of a relation what its labels say; where there is none: makes one, if that is asked for; errors: 42501 not the owner, 2BP01 other objects depend on the facade';

CREATE FUNCTION dp_agg.remove_facade(relation regclass) RETURNS void
AS 'MODULE_PATHNAME', 'dp_remove_facade' LANGUAGE C VOLATILE STRICT;

COMMENT ON FUNCTION dp_agg.remove_facade(regclass) IS
'internal: drops the facade of a relation, and what roles without rights on the relation made of it; errors: 42501 not the owner, 2BP01 other objects depend on the facade';

CREATE FUNCTION dp_agg.object_name(relation regclass) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
SELECT format('%I.%I', nspname, relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
$$;

COMMENT ON FUNCTION dp_agg.object_name(regclass) IS
'internal: the name of a relation, with its schema';

CREATE FUNCTION dp_agg.facade_name(relation regclass) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
SELECT format('dp.%I', candidate.name)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace,
	   LATERAL (SELECT 1, c.relname
				UNION ALL
				SELECT 2, (n.nspname || '_' || c.relname)::name
				UNION ALL
				SELECT 1 + i, (left(n.nspname || '_' || c.relname, 40) || '_' || i)::name
				  FROM generate_series(2, 1000) i) candidate (step, name)
 WHERE c.oid = relation
   AND NOT EXISTS (SELECT FROM pg_class x WHERE x.relname = candidate.name AND x.relnamespace = 'dp'::regnamespace)
   AND NOT EXISTS (SELECT FROM pg_type x WHERE x.typname = candidate.name AND x.typnamespace = 'dp'::regnamespace
											AND x.typelem = 0)
   AND NOT EXISTS (SELECT FROM pg_seclabel s
					WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass AND s.objsubid = 0
					  AND s.label::jsonb ->> 'facade' = format('dp.%I', candidate.name) AND s.objoid <> relation)
 ORDER BY candidate.step LIMIT 1
$$;

COMMENT ON FUNCTION dp_agg.facade_name(regclass) IS
'internal: a free name for the facade of a relation: its own, with its schema, or with a number';

CREATE FUNCTION dp_agg.facade_columns(relation regclass)
RETURNS TABLE (attnum smallint, attname name, type oid, typmod integer, collation_oid oid)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation
  FROM pg_attribute a
  JOIN pg_seclabel t ON t.provider = 'dp_agg' AND t.classoid = 'pg_class'::regclass
					AND t.objoid = a.attrelid AND t.objsubid = 0
  LEFT JOIN pg_seclabel s ON s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass
						 AND s.objoid = a.attrelid AND s.objsubid = a.attnum
 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
   AND (NOT t.label::jsonb ? 'columns' OR s.label::jsonb @> '{"open": true}' OR s.label::jsonb ?| '{unit,link}')
   AND NOT dp_agg.is_direct_identifier(relation, a.attnum)
$$;

COMMENT ON FUNCTION dp_agg.facade_columns(regclass) IS
'internal: what the facade of a protected relation shows: columns that are open, and the unit or link, but no direct identifier';

-- It shows a NOT NULL column of type t as nothing special: PostgreSQL has no NOT NULL for columns of views.
CREATE FUNCTION dp_agg.create_facade(relation regclass, facade text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
DECLARE
	command text;
BEGIN
	-- A view may have no column at all: its rows can be counted.
	EXECUTE format('CREATE VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %s', facade,
		(SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM dp_agg.facade_columns(relation)),
		dp_agg.object_name(relation));
	FOR command IN
		SELECT format('COMMENT ON COLUMN %s.%I IS %L', facade, attname, col_description(relation, attnum))
		  FROM dp_agg.facade_columns(relation)
		 WHERE col_description(relation, attnum) IS NOT NULL
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.create_facade(regclass, text) IS
'internal: creates the facade of a protected relation, with its columns'' comments';

CREATE FUNCTION dp_agg.view_commands(view regclass, columns name[]) RETURNS text[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
SELECT array_agg(q.command ORDER BY q.step, q.command)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace,
	   LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS name) v,
	   LATERAL (
	SELECT 1, format('ALTER VIEW %s SET (%s)', v.name, option)
	  FROM unnest(c.reloptions) option
	 WHERE option NOT LIKE 'security_invoker=%'
	UNION ALL		-- default privileges may have given others
	SELECT 2, format('REVOKE ALL ON %s FROM PUBLIC', v.name)
	UNION ALL
	SELECT 3, format('GRANT %s ON %s TO %s%s', a.privilege_type, v.name,
					 CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
					 CASE WHEN a.is_grantable AND a.grantee <> c.relowner THEN ' WITH GRANT OPTION' ELSE '' END)
	  FROM aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) a
	UNION ALL
	SELECT 3, format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, t.attname, v.name,
					 CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
					 CASE WHEN a.is_grantable AND a.grantee <> c.relowner THEN ' WITH GRANT OPTION' ELSE '' END)
	  FROM pg_attribute t, aclexplode(t.attacl) a
	 WHERE t.attrelid = c.oid AND t.attnum > 0 AND t.attname = ANY (columns)
	UNION ALL
	SELECT 4, format('COMMENT ON VIEW %s IS %L', v.name, obj_description(c.oid, 'pg_class'))
	UNION ALL
	SELECT 4, format('COMMENT ON COLUMN %s.%I IS %L', v.name, t.attname, col_description(c.oid, t.attnum))
	  FROM pg_attribute t
	 WHERE t.attrelid = c.oid AND t.attnum > 0 AND t.attname = ANY (columns)
	   AND col_description(c.oid, t.attnum) IS NOT NULL
	   ) q (step, command)
 WHERE c.oid = view
$$;

COMMENT ON FUNCTION dp_agg.view_commands(regclass, name[]) IS
'internal: what a view has beside its query: options, grants and comments, of these columns, as commands; grants of others than the owner become grants of the owner''s';

-- Grants that default privileges gave are taken back before those that were there are given.
-- By the right of a role: another's view may have been swapped for something else meanwhile, by
-- renaming its schema.
CREATE FUNCTION dp_agg.restore_view(view text, owner oid, commands text[], role oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
BEGIN
	IF role <> owner THEN
		EXECUTE format('ALTER VIEW %s OWNER TO %s', view, owner::regrole);
	END IF;
	FOR command IN
		SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', view, a.grantee::regrole)
		  FROM pg_class c, aclexplode(c.relacl) a
		 WHERE c.oid = view::regclass AND a.grantee NOT IN (0, owner)
	LOOP
		PERFORM dp_agg.run_as(role, command);
	END LOOP;
	FOREACH command IN ARRAY commands LOOP
		PERFORM dp_agg.run_as(role, command);
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.restore_view(text, oid, text[], oid) IS
'internal: gives a view that was made anew its owner, and what view_commands() kept, by the right of a role';

-- A role can make views that depend on each other in a circle, so nothing here counts steps.
CREATE FUNCTION dp_agg.facade_dependents(facade regclass, table_owner oid)
RETURNS TABLE (class oid, object oid, subobject integer, owner oid, own boolean, part boolean, plain_view boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
WITH RECURSIVE closure (class, object, subobject) AS (
	SELECT 'pg_class'::regclass::oid, facade::oid, 0
	UNION
	SELECT n.* FROM closure c, LATERAL (
		SELECT d.classid, d.objid, d.objsubid FROM pg_depend d
		 WHERE d.refclassid = c.class AND d.refobjid = c.object AND c.subobject IN (0, d.refobjsubid)
		   AND d.deptype NOT IN ('e', 'x')
		UNION ALL
		SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_depend d
		 WHERE d.classid = c.class AND d.objid = c.object AND d.deptype = 'i') n),
owned AS (
	SELECT c.*,
		   CASE c.class
		   WHEN 'pg_class'::regclass THEN (SELECT relowner FROM pg_class WHERE oid = c.object)
		   WHEN 'pg_type'::regclass THEN (SELECT typowner FROM pg_type WHERE oid = c.object)
		   WHEN 'pg_proc'::regclass THEN (SELECT proowner FROM pg_proc WHERE oid = c.object)
		   WHEN 'pg_rewrite'::regclass THEN
				(SELECT relowner FROM pg_class t JOIN pg_rewrite r ON t.oid = r.ev_class WHERE r.oid = c.object)
		   WHEN 'pg_trigger'::regclass THEN
				(SELECT relowner FROM pg_class t JOIN pg_trigger r ON t.oid = r.tgrelid WHERE r.oid = c.object)
		   WHEN 'pg_policy'::regclass THEN
				(SELECT relowner FROM pg_class t JOIN pg_policy r ON t.oid = r.polrelid WHERE r.oid = c.object)
		   WHEN 'pg_attrdef'::regclass THEN
				(SELECT relowner FROM pg_class t JOIN pg_attrdef r ON t.oid = r.adrelid WHERE r.oid = c.object)
		   WHEN 'pg_constraint'::regclass THEN
				(SELECT COALESCE(t.relowner, y.typowner) FROM pg_constraint r
				   LEFT JOIN pg_class t ON t.oid = r.conrelid LEFT JOIN pg_type y ON y.oid = r.contypid
				  WHERE r.oid = c.object)
		   -- these have no owner: whoever owns a type may make them
		   WHEN 'pg_cast'::regclass THEN NULL
		   WHEN 'pg_transform'::regclass THEN NULL
		   ELSE COALESCE((SELECT refobjid FROM pg_shdepend
						   WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
							 AND classid = c.class AND objid = c.object AND deptype = 'o'), 10) END AS owner
	  FROM closure c)
SELECT o.class, o.object, o.subobject, o.owner, own.own,
	   EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.object AND d.deptype = 'i'),
	   o.class = 'pg_class'::regclass AND o.subobject = 0 AND
	   EXISTS (SELECT FROM pg_class c WHERE c.oid = o.object AND c.relkind = 'v') AND
	   NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = o.object) AND
	   NOT EXISTS (SELECT FROM pg_attrdef t WHERE t.adrelid = o.object) AND
	   NOT EXISTS (SELECT FROM pg_seclabel t WHERE t.objoid = o.object AND t.classoid = o.class) AND
	   NOT EXISTS (SELECT FROM pg_rewrite t WHERE t.ev_class = o.object AND t.ev_type <> '1') AND
	   (own.own OR
		-- To read a constant may run what its type's owner wrote: a domain's check, say.
		NOT EXISTS (SELECT FROM pg_rewrite r
					  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
									  AND d.refclassid = 'pg_type'::regclass
					  JOIN pg_type t ON t.oid = d.refobjid
					 WHERE r.ev_class = o.object AND t.oid >= 16384
					   AND NOT (t.typtype = 'e' OR (t.typtype = 'b' AND t.typelem = 0))))
  FROM owned o,
	   LATERAL (SELECT COALESCE(pg_has_role(o.owner, table_owner, 'USAGE') OR
								o.owner = (SELECT relowner FROM pg_class WHERE oid = facade), false) AS own) own
 WHERE NOT (o.class = 'pg_class'::regclass AND o.object = facade::oid)
   AND NOT EXISTS (SELECT FROM pg_depend d
					WHERE d.classid = o.class AND d.objid = o.object AND d.deptype = 'i'
					  AND d.refclassid = 'pg_class'::regclass AND d.refobjid = facade::oid)
   AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_type r ON r.typarray = t.oid
					WHERE o.class = 'pg_type'::regclass AND o.object = t.oid AND r.typrelid = facade::oid)
$$;

COMMENT ON FUNCTION dp_agg.facade_dependents(regclass, oid) IS
'internal: all that depends on a facade, also by way of others; own: its owner has the rights of the owner of the table, or owns the facade; part: it goes with another; plain_view: it can be made anew from its query';

-- Others go on making and dropping what depends on what depends on the facade.  Once it is locked
-- nothing new can be made of it, so this ends.
CREATE FUNCTION dp_agg.lock_dependents(facade regclass, table_owner oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	locked text[] := '{}';
	classes oid[];
	objects oid[];
	names text[];
BEGIN
	PERFORM dp_agg.lock_objects(ARRAY['pg_class'::regclass::oid], ARRAY[facade::oid]);
	LOOP
		SELECT array_agg(class), array_agg(object), array_agg(class || ' ' || object) INTO classes, objects, names
		  FROM (SELECT DISTINCT class, object FROM dp_agg.facade_dependents(facade, table_owner) WHERE NOT own) d
		 WHERE class || ' ' || object <> ALL (locked);
		EXIT WHEN names IS NULL;
		PERFORM dp_agg.lock_objects(classes, objects);
		locked := locked || names;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.lock_dependents(regclass, oid) IS
'internal: locks a facade and what others than the administrator made of it, until no more is found';

-- Citus lists views over its tables, hears of those that DROP takes away, and cannot add a machine while
-- one of the list is gone.
CREATE FUNCTION dp_agg.drop_objects(classes oid[], objects oid[], subobjects integer[], cascade boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM dp_agg.delete_objects(classes, objects, subobjects, cascade);
	IF to_regprocedure('pg_catalog.master_unmark_object_distributed(oid, oid, integer)') IS NOT NULL THEN
		EXECUTE 'SELECT pg_catalog.master_unmark_object_distributed(class, object, subobject)
				   FROM unnest($1, $2, $3) AS gone (class, object, subobject)'
		  USING classes, objects, subobjects;
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.drop_objects(oid[], oid[], integer[], boolean) IS
'internal: drops objects as delete_objects() does, and has Citus forget them';

CREATE FUNCTION dp_agg.is_copied(view oid) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found boolean := false;
BEGIN
	IF to_regclass('pg_catalog.pg_dist_object') IS NOT NULL THEN
		EXECUTE 'SELECT EXISTS (SELECT FROM pg_catalog.pg_dist_object WHERE classid = ''pg_class''::regclass AND objid = $1)' INTO found USING view;
	END IF;
	RETURN found;
END
$$;

COMMENT ON FUNCTION dp_agg.is_copied(oid) IS
'internal: has Citus copies of a view on its workers';

-- Where Citus has copies, DROP VIEW takes these along.
CREATE FUNCTION dp_agg.drop_dependents(facade regclass, table_owner oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	classes oid[];
	objects oid[];
	subobjects int[];
	lost text[];
BEGIN
	PERFORM dp_agg.lock_dependents(facade, table_owner);
	SELECT array_agg(class), array_agg(object), array_agg(subobject),
		   array_agg(pg_describe_object(class, object, subobject) ORDER BY pg_describe_object(class, object, subobject)) FILTER (WHERE NOT part)
	  INTO classes, objects, subobjects, lost
	  FROM dp_agg.facade_dependents(facade, table_owner) WHERE NOT own;
	IF classes IS NOT NULL THEN
		PERFORM dp_agg.drop_objects(classes, objects, subobjects, false);
	END IF;
	PERFORM dp_agg.say_lost(dp_agg.object_name(facade), lost);
END
$$;

COMMENT ON FUNCTION dp_agg.drop_dependents(regclass, oid) IS
'internal: drops all that others than the administrator made of a facade';

CREATE FUNCTION dp_agg.drop_facade(facade regclass, table_owner oid, cascade boolean, rebuilt oid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	facade_name text := dp_agg.object_name(facade);
	classes oid[];
	objects oid[];
	subobjects int[];
	lost text[];
BEGIN
	PERFORM dp_agg.lock_dependents(facade, table_owner);
	SELECT array_agg(class), array_agg(object), array_agg(subobject),
		   array_agg(pg_describe_object(class, object, subobject) ORDER BY pg_describe_object(class, object, subobject))
		   FILTER (WHERE NOT part AND NOT own AND object <> ALL (rebuilt))
	  INTO classes, objects, subobjects, lost
	  FROM dp_agg.facade_dependents(facade, table_owner)
	 WHERE NOT own OR object = ANY (rebuilt);
	PERFORM dp_agg.drop_objects(classes || 'pg_class'::regclass::oid, objects || facade::oid, subobjects || 0, cascade);
	PERFORM dp_agg.say_lost(facade_name, lost);
END
$$;

COMMENT ON FUNCTION dp_agg.drop_facade(regclass, oid, boolean, oid[]) IS
'internal: drops a facade with all that others than the administrator made of it, and the views that will be made anew; errors: 2BP01 something of the administrator''s depends on it, unless it cascades';

CREATE FUNCTION dp_agg.say_lost(facade_name text, lost text[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF cardinality(lost) > 0 THEN
		RAISE NOTICE USING
			MESSAGE = format('dropped what others made of the facade %s: %s', facade_name, array_to_string(lost, ', ')),
			HINT = 'Their owners have no rights on the table. They may make them again from what the facade shows now.';
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.say_lost(text, text[]) IS
'internal: names what was dropped along with a facade';

-- Whoever may use the facade can make views without number, of any size and depth.  Those that
-- are too large to be made anew in reasonable time, or that cannot be shown, are cut off.
CREATE FUNCTION dp_agg.view_definition(view oid, own boolean) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
DECLARE
	definition text;
BEGIN
	IF NOT own AND (SELECT pg_column_size(ev_action) > 32768 FROM pg_rewrite WHERE ev_class = view AND ev_type = '1') THEN
		RETURN NULL;
	END IF;
	definition := pg_get_viewdef(view);
	RETURN CASE WHEN own OR length(definition) <= 100000 THEN definition END;
EXCEPTION WHEN OTHERS THEN		-- it is nested too deeply, say
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION dp_agg.view_definition(oid, boolean) IS
'internal: the query of a view; NULL if it cannot be shown, or if it is not the administrator''s own and has more than 100000 characters';

CREATE FUNCTION dp_agg.remake_views(facade_name text, views jsonb, cascade boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	waiting jsonb := views;
	left_over jsonb;
	view jsonb;
	blocking text;
BEGIN
	-- A view over a view may have the lower OID: then it takes another round.
	FOR round IN 1..8 LOOP
		left_over := '[]';
		FOR view IN SELECT e FROM jsonb_array_elements(waiting) WITH ORDINALITY w (e, n) ORDER BY n LOOP
			BEGIN
				PERFORM dp_agg.run_as((view ->> 'owner')::oid, view ->> 'create');
				PERFORM dp_agg.restore_view(view ->> 'name', (view ->> 'owner')::oid,
							ARRAY(SELECT jsonb_array_elements_text(view -> 'commands')), (view ->> 'owner')::oid);
			EXCEPTION WHEN OTHERS THEN
				left_over := left_over || jsonb_build_array(view);
			END;
		END LOOP;
		EXIT WHEN left_over = '[]' OR jsonb_array_length(left_over) = jsonb_array_length(waiting);
		waiting := left_over;
	END LOOP;
	blocking := (SELECT string_agg(format('view %s depends on view %s', e ->> 'name', facade_name), E'\n' ORDER BY e ->> 'name')
				   FROM jsonb_array_elements(left_over) e WHERE (e -> 'own')::boolean);
	IF blocking IS NOT NULL AND NOT cascade THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = format('the facade %s has to be made anew, but other objects depend on it', facade_name),
			DETAIL = blocking,
			HINT = 'Drop these objects, change the table, and create them again.';
	END IF;
	FOR view IN SELECT e FROM jsonb_array_elements(left_over) e WHERE (e -> 'own')::boolean ORDER BY e ->> 'name' LOOP
		RAISE NOTICE 'drop cascades to view %', view ->> 'name';
	END LOOP;
	PERFORM dp_agg.say_lost(facade_name, ARRAY(
		SELECT 'view ' || (e ->> 'name') FROM jsonb_array_elements(left_over) e
		 WHERE NOT (e -> 'own')::boolean ORDER BY 1));
END
$$;

COMMENT ON FUNCTION dp_agg.remake_views(text, jsonb, boolean) IS
'internal: makes views over a facade anew, each by the right of its owner; what cannot be made is named if it was another''s; errors: 2BP01 it was the administrator''s, unless that cascades';

CREATE FUNCTION dp_agg.note_view(view regclass, own boolean, definition text) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
SELECT jsonb_build_object(
			'name', dp_agg.object_name(c.oid), 'owner', c.relowner, 'own', own,
			'create', format('CREATE VIEW %s%s AS %s', dp_agg.object_name(c.oid),
							 ' WITH (' || (SELECT string_agg(o, ', ') FROM unnest(c.reloptions) o) || ')', definition),
			'commands', dp_agg.view_commands(c.oid, ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = c.oid)))
  FROM pg_class c WHERE c.oid = view
$$;

COMMENT ON FUNCTION dp_agg.note_view(regclass, boolean, text) IS
'internal: what remake_views() makes a view of: its name, owner, query, options, grants and comments';

CREATE FUNCTION dp_agg.remake_facade(relation regclass, facade regclass, shows smallint[], cascade boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	facade_name text := dp_agg.object_name(facade);
	owner oid := (SELECT relowner FROM pg_class WHERE oid = facade);
	table_owner oid := (SELECT relowner FROM pg_class WHERE oid = relation);
	-- of the same columns: one that was dropped and added again is another
	commands text[] := dp_agg.view_commands(facade, ARRAY(
		SELECT v.attname FROM pg_attribute v
		  JOIN dp_agg.facade_columns(relation) w ON w.attnum = shows[v.attnum] AND w.attname = v.attname
		 WHERE v.attrelid = facade AND v.attnum > 0));
	views jsonb;
	rebuilt oid[];
BEGIN
	PERFORM dp_agg.lock_dependents(facade, table_owner);
	SELECT COALESCE(jsonb_agg(dp_agg.note_view(c.oid, d.own, v.definition) ORDER BY c.oid), '[]'),
		   COALESCE(array_agg(c.oid), '{}')
	  INTO views, rebuilt
	  FROM dp_agg.facade_dependents(facade, table_owner) d JOIN pg_class c ON c.oid = d.object,
		   LATERAL (SELECT dp_agg.view_definition(c.oid, d.own) AS definition OFFSET 0) v
	 WHERE d.plain_view AND v.definition IS NOT NULL;
	BEGIN
		PERFORM dp_agg.drop_facade(facade, table_owner, cascade, rebuilt);
	EXCEPTION WHEN dependent_objects_still_exist THEN
		DECLARE
			dependents text;
		BEGIN
			GET STACKED DIAGNOSTICS dependents = PG_EXCEPTION_DETAIL;
			RAISE dependent_objects_still_exist USING
				MESSAGE = format('the facade %s has to be made anew, but other objects depend on it', facade_name),
				DETAIL = dependents,
				HINT = 'Drop these objects, change the table, and create them again.';
		END;
	END;
	PERFORM dp_agg.create_facade(relation, facade_name);
	PERFORM dp_agg.restore_view(facade_name, owner, commands, (SELECT r.oid FROM pg_roles r WHERE r.rolname = CURRENT_USER));
	PERFORM dp_agg.remake_views(facade_name, views, cascade);
END
$$;

COMMENT ON FUNCTION dp_agg.remake_facade(regclass, regclass, smallint[], boolean) IS
'internal: makes the facade of a relation anew, with its owner, options, grants and comments, and the views that depend on it; shows: see rename_facade_columns(); errors: 2BP01 something of the administrator''s depends on it and cannot be made anew';

CREATE FUNCTION dp_agg.rename_facade_columns(facade regclass, shows smallint[], relation regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
BEGIN
	-- by way of names that nobody has: two columns may have changed places
	FOR command IN
		SELECT q.command
		  FROM pg_attribute v
		  JOIN dp_agg.facade_columns(relation) w ON w.attnum = shows[v.attnum] AND w.attname <> v.attname,
			   LATERAL (SELECT 1, format('ALTER VIEW %s RENAME COLUMN %I TO %I', dp_agg.object_name(facade), v.attname, 'dp_agg ' || v.attnum)
						UNION ALL
						SELECT 2, format('ALTER VIEW %s RENAME COLUMN %I TO %I', dp_agg.object_name(facade), 'dp_agg ' || v.attnum, w.attname)) q (step, command)
		 WHERE v.attrelid = facade AND v.attnum > 0
		 ORDER BY q.step, v.attnum
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.rename_facade_columns(regclass, smallint[], regclass) IS
'internal: gives the columns of a facade the names that the table has; shows: the number of the table''s column for each';

CREATE FUNCTION dp_agg.view_options(view regclass) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT concat_ws(', ', 'security_invoker=true', string_agg(option, ', '))
  FROM pg_class c, unnest(c.reloptions) option
 WHERE c.oid = view AND option NOT LIKE 'security_invoker=%'
$$;

COMMENT ON FUNCTION dp_agg.view_options(regclass) IS
'internal: the options of a facade as CREATE VIEW takes them';

-- As long as it only gains columns the facade stays the same view, and nothing that
-- depends on it is touched.
CREATE FUNCTION dp_agg.follow_table(relation regclass, facade regclass, shows smallint[], detached boolean, cascade boolean)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	stays boolean;
	added name[];
	command text;
BEGIN
	SELECT COALESCE(bool_and(w.attnum IS NOT NULL AND w.type = v.atttypid AND w.typmod = v.atttypmod
							 AND w.collation_oid = v.attcollation), true) AND count(DISTINCT w.attnum) = count(*)
	  INTO stays
	  FROM pg_attribute v LEFT JOIN dp_agg.facade_columns(relation) w ON w.attnum = shows[v.attnum]
	 WHERE v.attrelid = facade AND v.attnum > 0;
	-- a column that comes back stands at the end, unless nobody has made anything of the facade
	IF stays AND EXISTS (SELECT FROM dp_agg.facade_columns(relation) w
						  WHERE w.attnum <> ALL (shows) AND w.attnum < (SELECT max(n) FROM unnest(shows) n)) THEN
		stays := EXISTS (SELECT FROM dp_agg.facade_dependents(facade, (SELECT relowner FROM pg_class WHERE oid = relation)));
	END IF;
	IF NOT stays THEN
		PERFORM dp_agg.remake_facade(relation, facade, shows, cascade);
		RETURN;
	END IF;
	PERFORM dp_agg.rename_facade_columns(facade, shows, relation);
	added := ARRAY(SELECT attname FROM dp_agg.facade_columns(relation) WHERE attnum <> ALL (shows) ORDER BY attnum);
	IF detached OR added <> '{}' THEN
		EXECUTE format('CREATE OR REPLACE VIEW %s WITH (%s) AS SELECT %s FROM %s',
			dp_agg.object_name(facade), dp_agg.view_options(facade),
			(SELECT string_agg(quote_ident(name), ', ' ORDER BY n)
			   FROM unnest(ARRAY(SELECT attname FROM pg_attribute
								  WHERE attrelid = facade AND attnum > 0 ORDER BY attnum) || added)
					WITH ORDINALITY c (name, n)),
			dp_agg.object_name(relation));
	END IF;
	FOR command IN
		SELECT format('COMMENT ON COLUMN %s.%I IS %L', dp_agg.object_name(facade), attname, col_description(relation, attnum))
		  FROM dp_agg.facade_columns(relation)
		 WHERE attname = ANY (added) AND col_description(relation, attnum) IS NOT NULL
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.follow_table(regclass, regclass, smallint[], boolean, boolean) IS
'internal: gives a facade the columns that the table and its labels say; errors: 2BP01 it has to lose a column, or to change its type, and something of the administrator''s depends on it';

CREATE FUNCTION dp_agg.facade_settle(relation regclass, make boolean, owner oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
	facade regclass := dp_agg.facade_of(relation);
	previewed constant boolean := COALESCE((SELECT p.preview FROM dp_agg.protected_relations p WHERE p.relation = facade_settle.relation), false);
	facade_name text := (SELECT label::jsonb ->> 'facade' FROM pg_seclabel
						  WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass
							AND objoid = relation AND objsubid = 0);
BEGIN
	IF dp_agg.view_columns(facade) IS NOT NULL THEN
		PERFORM dp_agg.follow_table(relation, facade, dp_agg.view_columns(facade), false, false);
		facade := dp_agg.facade_of(relation);	-- it may have been made anew
		IF obj_description(facade, 'pg_class') = dp_agg.facade_comment(relation, NOT previewed) THEN
			EXECUTE format('COMMENT ON VIEW %s IS %L', dp_agg.object_name(facade), dp_agg.facade_comment(relation));
		END IF;
	ELSIF make AND facade_name IS NOT NULL THEN
		PERFORM dp_agg.create_facade(relation, facade_name);
		EXECUTE format('ALTER VIEW %s OWNER TO %s', facade_name, owner::regrole);
		EXECUTE format('GRANT SELECT ON %s TO PUBLIC', facade_name);
		EXECUTE format('COMMENT ON VIEW %s IS %L', facade_name, dp_agg.facade_comment(relation));
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.facade_settle(regclass, boolean, oid) IS
'internal: see settle_facade(); a new facade belongs to the owner';

CREATE FUNCTION dp_agg.facade_comment(relation regclass, preview boolean) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$ SELECT format(CASE WHEN preview THEN 'facade of protected relation %s: releases, and synthetic rows, which are no one''s data, where rows are selected with LIMIT'
						 ELSE 'facade of protected relation %s: releases only' END, dp_agg.object_name(relation)) $$;

COMMENT ON FUNCTION dp_agg.facade_comment(regclass, boolean) IS
'internal: the comment of a facade that shows synthetic rows, or none';

CREATE FUNCTION dp_agg.facade_comment(relation regclass) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$ SELECT dp_agg.facade_comment(relation, COALESCE((SELECT label::jsonb @> '{"preview": true}' FROM pg_seclabel
						  WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass
							AND objoid = relation AND objsubid = 0), false)) $$;

COMMENT ON FUNCTION dp_agg.facade_comment(regclass) IS
'internal: the comment of a facade';

CREATE FUNCTION dp_agg.facade_remove(relation regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
	facade constant regclass := dp_agg.facade_of(relation);
	table_owner constant oid := (SELECT relowner FROM pg_class WHERE oid = relation);
BEGIN
	IF dp_agg.view_columns(facade) IS NULL THEN
		RETURN;
	END IF;
	IF dp_agg.is_copied(facade) AND NOT EXISTS (SELECT FROM dp_agg.facade_dependents(facade, table_owner) WHERE own) THEN
		PERFORM dp_agg.drop_dependents(facade, table_owner);
		EXECUTE format('DROP VIEW %s CASCADE', dp_agg.object_name(facade));
	ELSE
		PERFORM dp_agg.drop_facade(facade, table_owner, false, '{}');
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.facade_remove(regclass) IS
'internal: see remove_facade()';

CREATE FUNCTION dp_agg.note_facade(relation regclass, facade regclass) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT jsonb_build_object('relation', t.oid, 'name', t.relname, 'schema', n.nspname, 'owner', t.relowner,
			'facade', f.oid, 'facade_name', dp_agg.object_name(f.oid), 'facade_owner', f.relowner, 'facade_relname', f.relname,
			'comment', dp_agg.facade_comment(t.oid), 'detached', false,
			'shows', dp_agg.view_columns(f.oid),
			'descriptions', (SELECT COALESCE(jsonb_object_agg(a.attnum, col_description(t.oid, a.attnum)), '{}')
							   FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum > 0
								AND col_description(t.oid, a.attnum) IS NOT NULL))
  FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace, pg_class f
 WHERE t.oid = relation AND f.oid = facade
$$;

COMMENT ON FUNCTION dp_agg.note_facade(regclass, regclass) IS
'internal: what there is of a relation and its facade before a statement';

CREATE FUNCTION dp_agg.detach_facade(facade regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
BEGIN
	EXECUTE format('CREATE OR REPLACE VIEW %s WITH (%s) AS SELECT %s', dp_agg.object_name(facade), dp_agg.view_options(facade),
		(SELECT string_agg(format('NULL::%s%s AS %I', format_type(v.atttypid, v.atttypmod),
								  (SELECT format(' COLLATE %I.%I', n.nspname, c.collname)
									 FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
									WHERE c.oid = v.attcollation),
								  v.attname), ', ' ORDER BY v.attnum)
		   FROM pg_attribute v WHERE v.attrelid = facade AND v.attnum > 0));
END
$$;

COMMENT ON FUNCTION dp_agg.detach_facade(regclass) IS
'internal: has a facade show the same columns of no table, until the table''s have been changed';

CREATE FUNCTION dp_agg.facades_before(kind text, relations oid[], every boolean, cascade boolean) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
	state jsonb := '[]';
	noted jsonb;
	it record;
	-- with the tables that views among them read
	concerned oid[] := relations || ARRAY(
		SELECT d.refobjid FROM pg_rewrite r
		  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
		 WHERE r.ev_class = ANY (relations));
BEGIN
	FOR it IN
		SELECT p.relation, f.facade, p.relation = ANY (relations) OR f.facade = ANY (relations) AS named, c.relowner
		  FROM (SELECT objoid AS relation, objoid = ANY (concerned) AS concerned FROM pg_seclabel
				 WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass AND objsubid = 0) p
		  JOIN pg_class c ON c.oid = p.relation,
			   LATERAL (SELECT f.facade FROM dp_agg.facade_of(p.relation) f (facade) WHERE dp_agg.view_columns(f.facade) IS NOT NULL) f
			   -- a column is dropped along with its type, its collation, or what it is computed by
		 WHERE (p.concerned OR every AND EXISTS (
					SELECT FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attnum > 0
					   AND (a.atttypid >= 16384 OR a.attcollation >= 16384 OR a.attgenerated <> '')))
		   AND f.facade IS NOT NULL AND (every OR p.relation = ANY (relations) OR f.facade = ANY (relations))
		 ORDER BY p.relation
	LOOP
		IF kind = 'drop' AND it.named THEN
			PERFORM dp_agg.drop_facade(it.facade, it.relowner, cascade, '{}');
			CONTINUE;
		END IF;
		noted := dp_agg.note_facade(it.relation, it.facade);
		IF every THEN
			noted := noted || jsonb_build_object('commands', dp_agg.view_commands(it.facade, '{}'),
				'column_commands', (SELECT COALESCE(jsonb_object_agg(attname, ARRAY(
										SELECT unnest(dp_agg.view_commands(it.facade, ARRAY[attname]))
										EXCEPT SELECT unnest(dp_agg.view_commands(it.facade, '{}')))), '{}')
									  FROM pg_attribute WHERE attrelid = it.facade AND attnum > 0
									   AND (attacl IS NOT NULL OR col_description(attrelid, attnum) IS NOT NULL)));
		END IF;
		IF kind = 'follow' THEN		-- the facade before the table, which is the order of queries
			EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', dp_agg.object_name(it.facade));
		ELSIF kind = 'detach' THEN
			PERFORM dp_agg.detach_facade(it.facade);
			noted := noted || '{"detached": true}';
		END IF;
		state := state || jsonb_build_array(noted);
	END LOOP;
	RETURN state;
END
$$;

COMMENT ON FUNCTION dp_agg.facades_before(text, oid[], boolean, boolean) IS
'internal: before a statement that changes relations: notes their facades (every: of all relations that may lose a column along with something else), and by its kind (note, follow, detach, drop) locks them, has them let go of their tables or drops them; errors: 2BP01 something of the administrator''s depends on a facade to be dropped';

CREATE FUNCTION dp_agg.follow_name(was jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
DECLARE
	relation regclass := (was ->> 'relation')::oid;
	facade regclass := (was ->> 'facade')::oid;
	now_name text := dp_agg.object_name(facade);
	table_name name := (SELECT relname FROM pg_class WHERE oid = relation);
	table_schema name := (SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
	-- a name that protect() gave, and not one that somebody has chosen
	given boolean := was ->> 'facade_relname' = was ->> 'name' OR
		starts_with(was ->> 'facade_relname', left((was ->> 'schema') || '_' || (was ->> 'name'), 40));
	wanted text;
BEGIN
	IF now_name = was ->> 'facade_name' AND starts_with(now_name, 'dp.') AND given AND was ->> 'facade_relname' <> table_name AND
		(table_name <> was ->> 'name' OR table_schema <> was ->> 'schema') THEN
		wanted := dp_agg.facade_name(relation);
		EXECUTE format('ALTER VIEW %s RENAME TO %s', now_name, substr(wanted, length('dp.') + 1));
		now_name := dp_agg.object_name(facade);
	END IF;
	IF now_name <> was ->> 'facade_name' THEN
		EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(relation),
			(SELECT label::jsonb || jsonb_build_object('facade', now_name) FROM pg_seclabel
			  WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass AND objoid = relation AND objsubid = 0));
	END IF;
	IF obj_description(facade, 'pg_class') = was ->> 'comment' AND dp_agg.facade_comment(relation) <> was ->> 'comment' THEN
		EXECUTE format('COMMENT ON VIEW %s IS %L', now_name, dp_agg.facade_comment(relation));
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.follow_name(jsonb) IS
'internal: renames a facade as its relation was renamed, or notes in the label how it was renamed itself';

CREATE FUNCTION dp_agg.follow_comments(was jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	relation oid := (was ->> 'relation')::oid;
	facade oid := (was ->> 'facade')::oid;
	command text;
BEGIN
	FOR command IN
		SELECT format('COMMENT ON COLUMN %s.%I IS %L', dp_agg.object_name(facade), v.attname, col_description(relation, a.attnum))
		  FROM pg_attribute a
		  JOIN dp_agg.facade_columns(relation) w ON w.attnum = a.attnum
		  JOIN pg_attribute v ON v.attrelid = facade AND v.attname = w.attname AND NOT v.attisdropped
		 WHERE a.attrelid = relation
		   AND was -> 'descriptions' ->> a.attnum::text IS DISTINCT FROM col_description(relation, a.attnum)
		   AND was -> 'descriptions' ->> a.attnum::text IS NOT DISTINCT FROM col_description(facade, v.attnum)
	LOOP
		EXECUTE command;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.follow_comments(jsonb) IS
'internal: gives the columns of a facade the new comments of the table''s, where they had the old ones';

CREATE FUNCTION dp_agg.facades_after(state jsonb, cascade boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
	was jsonb;
	relation oid;
	facade oid;
BEGIN
	FOR was IN SELECT e FROM jsonb_array_elements(state) WITH ORDINALITY s (e, n) ORDER BY n LOOP
		relation := (SELECT objoid FROM pg_seclabel
					  WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass
						AND objoid = (was ->> 'relation')::oid AND objsubid = 0);
		facade := (SELECT oid FROM pg_class WHERE oid = (was ->> 'facade')::oid);
		IF relation IS NULL THEN
			CONTINUE;		-- the relation was dropped, and its facade with it
		ELSIF facade IS NULL THEN		-- a column was dropped along with its type, say
			PERFORM dp_agg.create_facade(relation, was ->> 'facade_name');
			PERFORM dp_agg.restore_view(was ->> 'facade_name', (was ->> 'facade_owner')::oid, ARRAY(
				SELECT jsonb_array_elements_text(was -> 'commands')) || ARRAY(
				SELECT jsonb_array_elements_text(e.value) FROM jsonb_each(was -> 'column_commands') e
				 WHERE e.key IN (SELECT attname FROM dp_agg.facade_columns(relation))), (SELECT r.oid FROM pg_roles r WHERE r.rolname = CURRENT_USER));
			CONTINUE;
		END IF;
		PERFORM dp_agg.follow_table(relation, facade,
				ARRAY(SELECT jsonb_array_elements_text(was -> 'shows'))::int2[],
				(was -> 'detached')::boolean, cascade);
		IF dp_agg.facade_of(relation) IS NULL OR dp_agg.facade_of(relation) = facade THEN
			PERFORM dp_agg.follow_name(was);
		ELSE
			was := was || jsonb_build_object('facade', dp_agg.facade_of(relation)::oid);
		END IF;
		PERFORM dp_agg.follow_comments(was);
		IF was ->> 'owner' = was ->> 'facade_owner' AND
			was ->> 'owner' <> (SELECT relowner::text FROM pg_class WHERE oid = relation) THEN
			EXECUTE format('ALTER VIEW %s OWNER TO %s', dp_agg.object_name((was ->> 'facade')::oid),
						   (SELECT relowner::regrole FROM pg_class WHERE oid = relation));
		END IF;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.facades_after(jsonb, boolean) IS
'internal: after a statement: makes facades what their relations are now; errors: 2BP01 something of the administrator''s depends on a facade and cannot be made anew, unless that cascades';

-- ----------------------------------------------------------------------------
-- Tables that Citus replaces (src/hooks/conversions.c)
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.is_replaced(relation oid, new_name text) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	number text;
BEGIN
	IF new_name <> '' THEN
		EXECUTE 'SELECT last_value::text FROM pg_catalog.pg_dist_shardid_seq' INTO number;
		RETURN right(new_name, length(number) + 1) = '_' || number;
	END IF;
	RETURN EXISTS (
		SELECT FROM pg_class o
		  JOIN pg_seclabel l ON l.provider = 'dp_agg' AND l.classoid = 'pg_class'::regclass AND l.objoid = o.oid AND l.objsubid = 0
		  JOIN pg_seclabel m ON m.provider = 'dp_agg' AND m.classoid = 'pg_class'::regclass AND m.objsubid = 0
							AND m.objoid <> o.oid AND m.label = l.label
		  JOIN pg_class n ON n.oid = m.objoid
		 WHERE o.oid = relation AND n.relnamespace = o.relnamespace AND n.relowner = o.relowner
		   AND starts_with(n.relname, left(o.relname, 40)) AND n.relname ~ '_[0-9]+$');
END
$$;

COMMENT ON FUNCTION dp_agg.is_replaced(oid, text) IS
'internal: does Citus replace the table: by a copy with its labels, which is there under a name such as shards have; or, where it gets such a name itself, by one that will be made: the number is the last that Citus has given to a shard';

CREATE FUNCTION dp_agg.conversion_begin(relation oid, new_name text) RETURNS text[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
	facade oid := (SELECT f FROM dp_agg.facade_of(relation) f WHERE dp_agg.view_columns(f) IS NOT NULL);
	it record;
	state jsonb;
	views jsonb;
	rebuilt oid[];
	gone oid[];
	names text[];
	lost text[];
BEGIN
	IF NOT dp_agg.is_replaced(relation, new_name) THEN
		RETURN '{}';
	END IF;
	SELECT c.relowner, format('%I.%I', n.nspname, c.relname) AS name, s.label INTO it
	  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	  JOIN pg_seclabel s ON s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass AND s.objoid = c.oid AND s.objsubid = 0
	 WHERE c.oid = relation;
	IF facade IS NOT NULL THEN
		PERFORM dp_agg.lock_dependents(facade, it.relowner);
	END IF;
	SELECT COALESCE(jsonb_agg(dp_agg.note_view(c.oid, d.own, v.definition) ORDER BY c.oid), '[]'), COALESCE(array_agg(c.oid), '{}')
	  INTO views, rebuilt
	  FROM dp_agg.facade_dependents(relation, it.relowner) d JOIN pg_class c ON c.oid = d.object,
		   LATERAL (SELECT dp_agg.view_definition(c.oid, d.own) AS definition OFFSET 0) v
	 WHERE d.plain_view AND v.definition IS NOT NULL AND c.oid IS DISTINCT FROM facade;
	-- what is left to Citus is the administrator's own, and no plain view
	SELECT COALESCE(array_agg(dp_agg.object_name(c.oid)), '{}'), COALESCE(array_agg(c.oid) FILTER (WHERE c.oid IS DISTINCT FROM facade), '{}')
	  INTO names, gone
	  FROM dp_agg.facade_dependents(relation, it.relowner) d JOIN pg_class c ON d.class = 'pg_class'::regclass AND c.oid = d.object
	 WHERE c.relkind IN ('v', 'm') AND d.subobject = 0 AND (NOT d.own OR c.oid = facade OR c.oid = ANY (rebuilt));
	state := jsonb_build_object('relation', relation, 'name', it.name, 'label', it.label, 'views', views, 'facade', dp_agg.object_name(facade),
				'facade_owner', (SELECT relowner FROM pg_class WHERE oid = facade),
				'commands', dp_agg.view_commands(facade, ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = facade AND attnum > 0)));
	IF facade IS NOT NULL THEN
		PERFORM dp_agg.drop_facade(facade, it.relowner, true, rebuilt);
	END IF;
	-- those that read the table itself
	SELECT COALESCE(array_agg(c.oid), '{}'), array_agg(dp_agg.object_name(c.oid)) FILTER (WHERE c.oid <> ALL (rebuilt)) INTO gone, lost
	  FROM pg_class c WHERE c.oid = ANY (gone);
	PERFORM dp_agg.lock_objects(array_fill('pg_class'::regclass::oid, ARRAY[cardinality(gone)]), gone);
	PERFORM dp_agg.drop_objects(array_fill('pg_class'::regclass::oid, ARRAY[cardinality(gone)]), gone, array_fill(0, ARRAY[cardinality(gone)]), true);
	IF cardinality(lost) > 0 THEN
		RAISE NOTICE USING
			MESSAGE = format('dropped what others made of relation %s, which Citus replaces: %s', it.name, array_to_string(lost, ', ')),
			HINT = 'Their owners have no rights on the table. They may make them again.';
	END IF;
	RETURN state::text || names;
END
$$;

COMMENT ON FUNCTION dp_agg.conversion_begin(oid, text) IS
'internal: if Citus replaces a protected table, see is_replaced(): notes its facade and all views of it, drops them and what others than the administrator made of them; the result is for conversion_remake(), and behind it names of views that are left to that; empty if it does not';

CREATE FUNCTION dp_agg.conversion_remake(state text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
AS $$
DECLARE
	was constant jsonb := state;
	-- one that was given such a name by somebody else is still there
	relation constant oid := COALESCE(to_regclass(was ->> 'name')::oid, (SELECT c.oid FROM pg_class c WHERE c.oid = (was ->> 'relation')::oid));
	role constant oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = CURRENT_USER);
BEGIN
	IF NOT EXISTS (SELECT FROM pg_seclabel s
					WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass AND s.objoid = relation AND s.objsubid = 0
					  AND s.label = was ->> 'label') THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('protected relation %s was replaced by a table that is not protected as it was', was ->> 'name'),
			HINT = 'Only Citus replaces protected tables, by undistribute_table() and the like. DROP TABLE outside of functions drops one.';
	END IF;
	IF was ->> 'facade' IS NOT NULL THEN
		PERFORM dp_agg.create_facade(relation, was ->> 'facade');
		PERFORM dp_agg.restore_view(was ->> 'facade', (was ->> 'facade_owner')::oid, ARRAY(SELECT jsonb_array_elements_text(was -> 'commands')), role);
	END IF;
	PERFORM dp_agg.remake_views(COALESCE(was ->> 'facade', was ->> 'name'), was -> 'views', false);
END
$$;

COMMENT ON FUNCTION dp_agg.conversion_remake(text) IS
'internal: makes what conversion_begin() noted on the table that Citus has put in the place of the old one; errors: 55000 there is none, or it has not the labels; 2BP01 a view of the administrator''s cannot be made anew';

REVOKE EXECUTE ON FUNCTION
	dp_agg.drop_objects(oid[], oid[], integer[], boolean),
	dp_agg.is_copied(oid),
	dp_agg.drop_dependents(regclass, oid),
	dp_agg.is_replaced(oid, text),
	dp_agg.note_view(regclass, boolean, text),
	dp_agg.conversion_begin(oid, text),
	dp_agg.conversion_remake(text),
	dp_agg.delete_objects(oid[], oid[], integer[], boolean),
	dp_agg.run_as(oid, text),
	dp_agg.create_facade(regclass, text),
	dp_agg.restore_view(text, oid, text[], oid),
	dp_agg.lock_objects(oid[], oid[]),
	dp_agg.lock_dependents(regclass, oid),
	dp_agg.drop_facade(regclass, oid, boolean, oid[]),
	dp_agg.say_lost(text, text[]),
	dp_agg.remake_views(text, jsonb, boolean),
	dp_agg.remake_facade(regclass, regclass, smallint[], boolean),
	dp_agg.rename_facade_columns(regclass, smallint[], regclass),
	dp_agg.follow_table(regclass, regclass, smallint[], boolean, boolean),
	dp_agg.facade_settle(regclass, boolean, oid),
	dp_agg.facade_remove(regclass),
	dp_agg.detach_facade(regclass),
	dp_agg.facades_before(text, oid[], boolean, boolean),
	dp_agg.follow_name(jsonb),
	dp_agg.follow_comments(jsonb),
	dp_agg.facades_after(jsonb, boolean)
FROM PUBLIC;

-- ----------------------------------------------------------------------------
-- What is declared of columns that no query could use is said at once.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.usable_types() RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'boolean, numbers, text, varchar, character, name, bytea, date, time, timestamp, interval, uuid, jsonb, inet, cidr, macaddr and enums' $$;

COMMENT ON FUNCTION dp_agg.usable_types() IS
'internal: the types that units and group keys may have, in words';

CREATE FUNCTION dp_agg.check_key_type(relation regclass, column_name name, is_unit boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attribute pg_attribute;
	collation_name text;
	role text := CASE WHEN is_unit THEN 'the unit' ELSE 'grouped by' END;
BEGIN
	SELECT * INTO attribute FROM pg_attribute
	 WHERE attrelid = relation AND attname = column_name AND attnum > 0 AND NOT attisdropped;
	IF dp_agg.key_use(attribute.atttypid) IS NULL THEN
		RAISE feature_not_supported USING
			MESSAGE = format('column "%s" of relation %s is of type %s, which cannot be %s', column_name, dp_agg.object_name(relation),
							 format_type(attribute.atttypid, attribute.atttypmod), role),
			DETAIL = format('No query could use it. Types that work: %s.', dp_agg.usable_types()),
			HINT = 'Add a column of such a type that has the same value for the same individual or group, for example a text that is generated from this one (of citext: lower(column::text)), and name that.';
	END IF;
	SELECT format('%I.%I', n.nspname, c.collname) INTO collation_name
	  FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
	 WHERE c.oid = attribute.attcollation AND (c.oid >= 16384 OR NOT c.collisdeterministic);
	IF FOUND AND is_unit THEN
		RAISE feature_not_supported USING
			MESSAGE = format('column "%s" of relation %s has collation %s, so it cannot be the unit', column_name, dp_agg.object_name(relation), collation_name),
			DETAIL = 'No query could use it: releases compare under collations that come with PostgreSQL.',
			HINT = 'Add a column with such a collation that has the same value for the same individual, and name that.';
	ELSIF FOUND THEN
		RAISE WARNING USING
			MESSAGE = format('column "%s" of relation %s has collation %s: no query can group by it', column_name, dp_agg.object_name(relation), collation_name),
			HINT = 'Releases compare under collations that come with PostgreSQL. A query may cast: column COLLATE "C".';
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.check_key_type(regclass, name, boolean) IS
'internal: raises 0A000 for a column whose type no query could group by or tell individuals by, and warns of a collation that no query can group by';

CREATE FUNCTION dp_agg.warn_of_types(relation regclass, columns name[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unusable text := (SELECT string_agg(format('"%s" (%s)', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
						FROM pg_attribute a
					   WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
						 AND (columns IS NULL OR a.attname = ANY (columns))
						 AND dp_agg.type_use(a.atttypid) IS NULL
						 AND NOT dp_agg.is_direct_identifier(relation, a.attnum));
BEGIN
	IF unusable IS NOT NULL THEN
		RAISE WARNING USING
			MESSAGE = format('releases cannot use these columns of %s, because of their types: %s', dp_agg.object_name(relation), unusable),
			HINT = 'Whether they are NULL can be asked. One of citext or the like can be cast, as in column::text; of others, add a generated column of a built-in type.';
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.warn_of_types(regclass, name[]) IS
'internal: names the columns (NULL: of all) whose types releases cannot use';

CREATE FUNCTION dp_agg.unit_is_unique(relation regclass, unit name[]) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (
		SELECT FROM pg_index i
		 WHERE i.indrelid = relation AND i.indisunique AND i.indisvalid AND i.indimmediate
		   AND i.indpred IS NULL AND i.indexprs IS NULL
		   AND NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k
							 JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = k
							WHERE a.attname <> ALL (unit)))
	   AND NOT EXISTS (SELECT FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
						WHERE h.inhparent = relation AND NOT c.relispartition)
$$;

COMMENT ON FUNCTION dp_agg.unit_is_unique(regclass, name[]) IS
'internal: does a unique index say that no individual has two rows?';

CREATE FUNCTION dp_agg.unlabel_columns(relation regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	labelled record;
BEGIN
	FOR labelled IN
		SELECT attname FROM pg_seclabel s
		  JOIN pg_attribute a ON a.attrelid = s.objoid AND a.attnum = s.objsubid
		 WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass
		   AND objoid = relation AND objsubid > 0
	LOOP
		PERFORM dp_agg.label_column(relation, labelled.attname, '{unit,link,parent_key,open,lower,upper,bounds_type,total_lower,total_upper,total_type,total_norm,domain,domain_type,grain,length,index}', '{}');
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.unlabel_columns(regclass) IS
'internal: removes all from the labels of a relation''s columns but their classes';

CREATE OR REPLACE FUNCTION dp_agg.unprotect(relation regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF NOT EXISTS (SELECT FROM pg_seclabel
					WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass
					  AND objoid = relation AND objsubid = 0) THEN
		RAISE undefined_object USING
			MESSAGE = format('relation %s is not protected', relation);
	END IF;
	PERFORM dp_agg.remove_facade(relation);
	EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS NULL', dp_agg.label_object(relation));
	PERFORM dp_agg.unlabel_columns(relation);
END
$$;

COMMENT ON FUNCTION dp_agg.unprotect(regclass) IS
'removes protection, declared bounds and domains, and the facade of a relation, with what roles without rights on the relation made of the facade; classes of columns and budgets of the population stay; errors: 42704 not protected, 42501 not the owner, 2BP01 something else depends on the facade';

CREATE FUNCTION dp_agg.link_fault(relation regclass) RETURNS text
AS 'MODULE_PATHNAME', 'dp_link_fault' LANGUAGE C STABLE STRICT;

COMMENT ON FUNCTION dp_agg.link_fault(regclass) IS
'internal: why the link of a protected relation to its parent does not hold in this transaction, as a phrase; NULL if it does, or there is none';

CREATE FUNCTION dp_agg.link_columns(columns name, relation regclass) RETURNS name[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN columns ~ '^{.*}$' AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = columns)
				THEN columns::text::name[] ELSE array_remove(ARRAY[columns], NULL) END
$$;

COMMENT ON FUNCTION dp_agg.link_columns(name, regclass) IS
'internal: a column, or several in braces, as an array; empty for NULL';

CREATE FUNCTION dp_agg.primary_key(relation regclass) RETURNS name[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg(a.attname ORDER BY k.position)
	  FROM pg_constraint c, unnest(c.conkey) WITH ORDINALITY k (attnum, position), pg_attribute a
	 WHERE c.conrelid = relation AND c.contype = 'p' AND a.attrelid = relation AND a.attnum = k.attnum
$$;

COMMENT ON FUNCTION dp_agg.primary_key(regclass) IS
'internal: the columns of the primary key of a relation, in its order; NULL if it has none';

CREATE FUNCTION dp_agg.check_link(relation regclass, link name[], parent regclass, parent_key name[], population name)
RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	member name;
	known record;
	above regclass := parent;
BEGIN
	SELECT p.population, p.unit, p.link INTO known FROM dp_agg.protected_relations p WHERE p.relation = check_link.parent;
	IF NOT FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relation %s cannot be linked to %s, which is not protected', relation, parent),
			HINT = 'Protect the parent first, by the columns that say whose row it is or by a link of its own.';
	ELSIF known.population <> check_link.population THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s holds rows of population "%s", not "%s"', parent, known.population, population),
			HINT = 'Rows belong to the individual of the parent''s row, so the population is the parent''s. Leave it out.';
	END IF;
	FOR step IN 1 .. 8 LOOP
		IF above = relation THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('relation %s would be linked to itself', relation),
				HINT = 'Links lead from a relation to its parent, and end at one that has the unit.';
		END IF;
		SELECT to_regclass(p.parent) INTO above FROM dp_agg.protected_relations p WHERE p.relation = above AND p.link IS NOT NULL;
		EXIT WHEN above IS NULL;
		IF step = 8 THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('relation %s is more than 8 links away from the unit', relation),
				HINT = 'Keep a copy of the unit, or of a key that is nearer to it, in a column.';
		END IF;
	END LOOP;
	IF parent_key IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s has no primary key', parent),
			HINT = 'Name columns of it that a unique index covers, as in parent_key => ''order_id''.';
	ELSIF cardinality(parent_key) <> cardinality(link) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the link has %s columns and the key of %s has %s', cardinality(link), parent, cardinality(parent_key)),
			HINT = 'Name as many columns in link as in parent_key, in the same order.';
	END IF;
	FOREACH member IN ARRAY parent_key LOOP
		IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = parent AND attname = member AND attnum > 0 AND NOT attisdropped) THEN
			RAISE undefined_column USING
				MESSAGE = format('column "%s" of relation %s does not exist', member, parent);
		END IF;
		PERFORM dp_agg.check_key_type(parent, member, true);
	END LOOP;
	IF NOT dp_agg.unit_is_unique(parent, parent_key) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('no unique index shows that %s (%s) names one row', parent, array_to_string(parent_key, ', ')),
			HINT = format('CREATE UNIQUE INDEX ON %s (%s).', parent, (SELECT string_agg(quote_ident(k), ', ') FROM unnest(parent_key) k));
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.check_link(regclass, name[], regclass, name[], name) IS
'internal: raises 22023 or 42703 for a link that could not hold';

-- A column that is computed from the unit tells who is there as the unit does.
CREATE FUNCTION dp_agg.check_index_columns(relation regclass, unit name[], index_columns name[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attnums constant smallint[] := ARRAY(SELECT attnum FROM pg_attribute
										  WHERE attrelid = relation AND attname = ANY (index_columns) AND attnum > 0);
	attribute pg_attribute;
BEGIN
	FOR attribute IN SELECT * FROM pg_attribute WHERE attrelid = relation AND attnum = ANY (attnums) ORDER BY attnum LOOP
		IF attribute.attname = ANY (unit) OR EXISTS (
			SELECT FROM pg_depend d JOIN pg_attrdef e ON e.oid = d.objid AND d.classid = 'pg_attrdef'::regclass
			  JOIN pg_attribute u ON u.attrelid = d.refobjid AND u.attnum = d.refobjsubid AND u.attname = ANY (unit)
			 WHERE e.adrelid = relation AND e.adnum = attribute.attnum AND attribute.attgenerated <> ''
			   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = relation) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('column "%s" of relation %s says whose row it is, so no release may look rows up by it', attribute.attname, relation),
				HINT = 'Leave it out of index_columns: running time would tell whether an individual is there.';
		END IF;
		IF dp_agg.is_direct_identifier(relation, attribute.attnum) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('column "%s" of relation %s is classified as a direct_identifier', attribute.attname, relation),
				DETAIL = 'Direct identifiers are in no facade and in no release.',
				HINT = 'Leave it out of index_columns.';
		END IF;
		IF NOT EXISTS (
			SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
			 WHERE i.indrelid = relation AND m.amname IN ('btree', 'brin') AND i.indpred IS NULL
			   AND array_position(i.indkey::int2[], attribute.attnum) < i.indnkeyatts
			   AND (i.indkey::int2[])[0:array_position(i.indkey::int2[], attribute.attnum)] <@ attnums) THEN
			RAISE NOTICE USING
				MESSAGE = format('no index of %s can be used for conditions on column "%s"', relation, attribute.attname),
				HINT = format('CREATE INDEX ON %s (%I), or USING brin where rows are stored in its order.', relation, attribute.attname);
		END IF;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.check_index_columns(regclass, name[], name[]) IS
'internal: judges the index_columns of protect(), and tells which of them have no B-tree or BRIN index that begins with such columns; errors: 22023 one of them is the unit or computed from it, or a direct identifier';

-- All rows of an individual are in one shard where the distribution column is of the unit.
CREATE FUNCTION dp_agg.distribution_fault(relation regclass) RETURNS TABLE (finding text, advice text) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $$
	WITH placed AS (
		SELECT dp_agg.object_name(p.relation) AS name, p.unit, p.link, d.kind, d.distribution_column AS by, d.colocation,
			   dp_agg.object_name(r.parent) AS parent, e.kind AS parent_kind, e.colocation AS parent_colocation,
			   -- the column that has to divide it
			   CASE WHEN p.link IS NULL THEN p.unit[1]
					ELSE p.link[array_position(p.parent_key, e.distribution_column)] END AS wanted
		  FROM dp_agg.protected_relations p,
			   LATERAL (SELECT to_regclass(p.parent)) r (parent),
			   LATERAL (SELECT (dp_agg.citus_distribution(p.relation)).*) d,
			   LATERAL (SELECT (dp_agg.citus_distribution(COALESCE(r.parent, p.relation))).*) e
		 WHERE p.relation = distribution_fault.relation
	)
	SELECT 'it is distributed by ranges or in order of arrival, and not by the hash of a column',
		   format('SELECT undistribute_table(%L); SELECT create_distributed_table(%L, %L)', p.name, p.name, p.wanted)
	  FROM placed p WHERE p.kind = 'other'
	UNION ALL
	SELECT format('%I, by which it is distributed, does not belong to the unit, so that rows of an individual are on several machines', p.by),
		   format('SELECT alter_distributed_table(%L, distribution_column := %L)', p.name, p.wanted)
	  FROM placed p WHERE p.kind = 'hash' AND p.link IS NULL AND p.by <> ALL (p.unit)
	UNION ALL
	SELECT CASE WHEN p.parent_kind IS DISTINCT FROM 'hash' THEN format('its parent %s is not', p.parent)
				WHEN p.wanted IS NULL THEN format('its link does not name the column by which its parent %s is distributed', p.parent)
				WHEN p.kind IS DISTINCT FROM 'hash' THEN format('its parent %s is distributed, and it is not', p.parent)
				WHEN p.by <> p.wanted THEN format('it is distributed by %I, and its parent by what %I names', p.by, p.wanted)
				ELSE format('it is not colocated with its parent %s', p.parent) END,
		   CASE WHEN p.parent_kind IS DISTINCT FROM 'hash'
				THEN format('distribute the parent by the unit, and then: SELECT alter_distributed_table(%L, colocate_with := %L)', p.name, p.parent)
				WHEN p.wanted IS NULL THEN format('keep the column in %s, too, and name it in link and parent_key; or SELECT undistribute_table of both', p.name)
				WHEN p.kind IS DISTINCT FROM 'hash'
				THEN format('SELECT create_distributed_table(%L, %L, colocate_with => %L)', p.name, p.wanted, p.parent)
				ELSE format('SELECT alter_distributed_table(%L, distribution_column := %L, colocate_with := %L)', p.name, p.wanted, p.parent) END
	  FROM placed p
	 WHERE p.link IS NOT NULL AND p.kind IS DISTINCT FROM 'other' AND 'hash' IN (p.kind, p.parent_kind)
	   AND NOT (p.kind IS NOT DISTINCT FROM 'hash' AND p.parent_kind IS NOT DISTINCT FROM 'hash'
				AND p.wanted IS NOT NULL AND p.by = p.wanted AND p.colocation = p.parent_colocation)
$$;

COMMENT ON FUNCTION dp_agg.distribution_fault(regclass) IS
'internal: why releases could not be computed shard by shard over a protected relation of Citus''s, as a phrase, and what to do; no row if they can, or it is no such relation';

CREATE FUNCTION dp_agg.protect_relation(relation regclass, unit name[], population name,
										max_groups integer, max_rows integer, columns name[],
										max_total bigint, index_columns name[] DEFAULT NULL, link name[] DEFAULT NULL, parent regclass DEFAULT NULL,
										parent_key name[] DEFAULT NULL) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	qualified text;
	facade text;
	declared jsonb;
	measured jsonb;
	norm jsonb;
	preview jsonb;
	outdated record;
	member name;
	position int := 0;
	-- a size that is declared holds for the whole population
	size bigint := (SELECT max(p.individuals) FROM dp_agg.protected_relations p
					WHERE p.population = protect_relation.population);
	no_limits constant boolean := max_groups IS NULL AND max_rows IS NULL AND max_total IS NULL;
	whose constant name[] := COALESCE(unit, link);	-- the columns that tell it
	word constant text := CASE WHEN link IS NULL THEN 'unit' ELSE 'link' END;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL OR whose IS NULL OR population IS NULL OR array_position(whose, NULL) IS NOT NULL OR
		(link IS NOT NULL AND (parent IS NULL OR array_position(parent_key, NULL) IS NOT NULL)) THEN
		RAISE null_value_not_allowed USING
			MESSAGE = CASE WHEN link IS NULL THEN 'relation, unit and population must not be NULL'
						   ELSE 'relation, link and parent must not be NULL' END;
	END IF;
	max_groups := COALESCE(max_groups, 1);
	max_rows := COALESCE(max_rows, 1);
	IF cardinality(whose) NOT BETWEEN 1 AND 8 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a %s has 1 to 8 columns', word),
			HINT = 'Name the columns that say whose row it is, as in unit => ''patient_id'', or which row of a parent it belongs to, as in link => ''order_id''.';
	END IF;
	IF (SELECT count(DISTINCT u) < count(*) FROM unnest(whose) u) OR
	   (SELECT count(DISTINCT u) < count(*) FROM unnest(parent_key) u) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a %s names a column only once', word);
	END IF;
	IF population = '' THEN
		IF link IS NOT NULL THEN	-- the parent has none
			PERFORM dp_agg.check_link(relation, link, parent, parent_key, population);
		END IF;
		RAISE invalid_parameter_value USING MESSAGE = 'a population needs a name';
	END IF;
	IF max_groups NOT BETWEEN 1 AND 1000000 OR max_rows NOT BETWEEN 1 AND 1000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'max_groups and max_rows must be from 1 to 1000000';
	END IF;
	IF max_total NOT BETWEEN 1 AND 100000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'max_total must be from 1 to 100000000',
			HINT = 'It is the number of rows that an individual counts with in a whole release. NULL stands for max_groups times max_rows.';
	END IF;
	IF relation < 16384::oid OR (SELECT relnamespace IN ('dp_agg'::regnamespace, 'pg_toast'::regnamespace) FROM pg_class WHERE oid = relation) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('%s cannot be protected', relation),
			DETAIL = 'It belongs to the server or to dp_agg, which read it without releases.',
			HINT = 'Protect the tables that hold the rows of individuals.';
	END IF;
	FOREACH member IN ARRAY whose || COALESCE(columns, '{}') || COALESCE(index_columns, '{}') LOOP
		IF NOT EXISTS (SELECT FROM pg_attribute
						WHERE attrelid = relation AND attname = member
						  AND attnum > 0 AND NOT attisdropped) THEN
			RAISE undefined_column USING
				MESSAGE = format('column "%s" of relation %s does not exist', member, relation);
		END IF;
	END LOOP;
	FOREACH member IN ARRAY whose LOOP
		PERFORM dp_agg.check_key_type(relation, member, true);
	END LOOP;
	IF link IS NOT NULL THEN
		PERFORM dp_agg.check_link(relation, link, parent, parent_key, population);
	END IF;
	FOREACH member IN ARRAY COALESCE(columns, '{}') LOOP
		IF (SELECT dp_agg.is_direct_identifier(relation, attnum) FROM pg_attribute
			 WHERE attrelid = relation AND attname = member) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('column "%s" of relation %s is classified as a direct_identifier', member, relation),
				DETAIL = 'Direct identifiers are in no facade and in no release.',
				HINT = 'Leave it out of columns. The unit may be counted and joined without standing there.';
		END IF;
	END LOOP;
	PERFORM dp_agg.check_index_columns(relation, whose, index_columns);
	qualified := dp_agg.object_name(relation);

	-- two who protect at a time wait for each other here, so that the labels are those of one
	PERFORM dp_agg.lock_label(relation, 0::int2);
	-- protecting again replaces all but the declared bounds and domains
	IF EXISTS (SELECT FROM dp_agg.protected_relations p WHERE p.relation = protect_relation.relation) THEN
		SELECT jsonb_object_agg(a.attname, s.label::jsonb - '{unit,link,parent_key,open}'::text[]
				- CASE WHEN index_columns IS NOT NULL OR a.attname = ANY (whose) THEN 'index' ELSE '' END) INTO declared
		  FROM pg_seclabel s
		  JOIN pg_attribute a ON a.attrelid = s.objoid AND a.attnum = s.objsubid
		 WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass
		   AND s.objoid = protect_relation.relation AND s.objsubid > 0;
		facade := dp_agg.object_name(dp_agg.facade_of(relation));
		-- how rows lie over individuals does not depend on limits, but on whose rows they are
		SELECT s.label::jsonb -> 'rows_beyond', s.label::jsonb -> 'max_norm', s.label::jsonb -> 'preview' INTO measured, norm, preview
		  FROM pg_seclabel s
		  JOIN dp_agg.protected_relations p ON p.relation = s.objoid
			   AND (p.unit, p.link, p.parent, p.parent_key) IS NOT DISTINCT FROM
				   (protect_relation.unit, protect_relation.link, dp_agg.object_name(protect_relation.parent), protect_relation.parent_key)
		 WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass
		   AND s.objoid = protect_relation.relation AND s.objsubid = 0;
		-- the label of the relation itself is replaced: who may keep it in its population need not be able to enter that
		PERFORM dp_agg.unlabel_columns(relation);
	END IF;
	facade := COALESCE(facade, dp_agg.facade_name(relation));
	EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(relation),
				   jsonb_strip_nulls(jsonb_build_object(
						'population', population, 'unit_columns', cardinality(unit), 'link_columns', cardinality(link),
						'parent', (SELECT c.relname FROM pg_class c WHERE c.oid = parent),
						'parent_schema', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent),
						'max_groups', max_groups,
						'max_rows', max_rows, 'max_total', max_total, 'facade', facade, 'individuals', size, 'rows_beyond', measured, 'max_norm', norm, 'preview', preview,
						'columns', CASE WHEN columns IS NOT NULL THEN 'listed' END)));
	FOREACH member IN ARRAY whose LOOP
		position := position + 1;
		PERFORM dp_agg.label_column(relation, member, '{}', jsonb_strip_nulls(
					jsonb_build_object(word, position, 'parent_key', parent_key[position])));
	END LOOP;
	IF dp_agg.link_fault(relation) IS NOT NULL AND dp_agg.link_fault(relation) !~ 'unique index' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relation %s cannot be linked to %s: %s', relation, parent, dp_agg.link_fault(relation)),
			HINT = 'The columns of a link are of the types of the parent''s key.';
	END IF;
	FOREACH member IN ARRAY COALESCE(columns, '{}') LOOP
		PERFORM dp_agg.label_column(relation, member, '{}', '{"open": true}');
	END LOOP;
	FOREACH member IN ARRAY COALESCE(index_columns, '{}') LOOP
		PERFORM dp_agg.label_column(relation, member, '{}', '{"index": true}');
	END LOOP;
	FOR member IN SELECT jsonb_object_keys(declared) LOOP
		PERFORM dp_agg.label_column(relation, member, '{}', declared -> member);
	END LOOP;

	PERFORM dp_agg.settle_facade(relation, true);
	PERFORM dp_agg.warn_of_types(relation, columns);

	FOR outdated IN SELECT * FROM dp_agg.outlived(relation) LOOP
		RAISE WARNING USING
			MESSAGE = format('column "%s": %s', outdated.column_name, outdated.finding),
			HINT = outdated.advice || '.';
	END LOOP;
	FOR outdated IN SELECT * FROM dp_agg.distribution_fault(relation) LOOP
		RAISE WARNING USING
			MESSAGE = format('no release reads %s as it is distributed: %s', qualified, outdated.finding),
			HINT = outdated.advice || '.';
	END LOOP;
	IF EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a
				WHERE c.oid = relation AND a.grantee = 0 AND a.privilege_type = 'SELECT') THEN
		RAISE WARNING USING
			MESSAGE = format('everybody may read %s', qualified),
			HINT = format('REVOKE SELECT ON %s FROM PUBLIC.', qualified);
	END IF;
	IF no_limits AND (link IS NOT NULL OR NOT dp_agg.unit_is_unique(relation, unit)) THEN
		RAISE NOTICE USING
			MESSAGE = format('an individual counts with 1 row in 1 group: no limits were given for %s, whose %s is not unique', qualified, CASE word WHEN 'unit' THEN 'unit' ELSE 'individual' END),
			HINT = format('SELECT * FROM dp_agg.suggest(%L, 1) measures privately which limits fit, and has the statements that set them. Where each individual has one row, a unique index on the unit says so.', qualified);
	END IF;
	PERFORM dp_agg.warn_of_readers(population, relation, NULL);
END
$$;

COMMENT ON FUNCTION dp_agg.protect_relation(regclass, name[], name, integer, integer, name[], bigint, name[], name[], regclass, name[]) IS
'internal: what all forms of protect() do; errors: as theirs';

CREATE OR REPLACE FUNCTION dp_agg.protect(relation regclass, unit name[], population name,
							   max_groups integer DEFAULT NULL, max_rows integer DEFAULT NULL,
							   columns name[] DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, unit, population, max_groups, max_rows, columns, NULL, NULL)
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name[], name, integer, integer, name[]) IS
'protects a relation: unit names the columns that say whose row it is, population the individuals; an individual counts in at most max_groups groups with at most max_rows rows each (1 .. 1000000; without either: 1 and 1, with a notice if the unit is not unique); columns limits what releases and the facade dp.<name> may use (NULL: all but direct identifiers); errors: 42501 not the owner, 42703 no such column, 22023 out of range, or columns names a direct identifier, 0A000 the unit is of a type that no query could use';

CREATE OR REPLACE FUNCTION dp_agg.protect(relation regclass, unit name, population name,
							   max_groups integer DEFAULT NULL, max_rows integer DEFAULT NULL,
							   columns name[] DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, ARRAY[unit], population, max_groups, max_rows, columns, NULL, NULL)
$$;

CREATE FUNCTION dp_agg.protect(relation regclass, unit name[], population name,
							   max_total bigint,
							   max_groups integer DEFAULT 1, max_rows integer DEFAULT 1,
							   columns name[] DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, unit, population, max_groups, max_rows, columns, max_total, NULL)
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name[], name, bigint, integer, integer, name[]) IS
'protects a relation with a limit for whole releases: an individual counts with at most max_total rows in all groups together (1 .. 100000000; NULL: max_groups times max_rows); write it by its name, as in max_total => 40; the rest is as of the form without it';

CREATE FUNCTION dp_agg.protect(relation regclass, unit name, population name,
							   max_total bigint,
							   max_groups integer DEFAULT 1, max_rows integer DEFAULT 1,
							   columns name[] DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, ARRAY[unit], population, max_groups, max_rows, columns, max_total, NULL)
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name, name, bigint, integer, integer, name[]) IS
'protects a relation with a limit for whole releases: an individual counts with at most max_total rows in all groups together (1 .. 100000000; NULL: max_groups times max_rows); write it by its name, as in max_total => 40; the rest is as of the form without it';

CREATE FUNCTION dp_agg.protect(relation regclass, link name[], parent regclass, population name DEFAULT NULL,
							   parent_key name[] DEFAULT NULL, max_groups integer DEFAULT NULL, max_rows integer DEFAULT NULL,
							   max_total bigint DEFAULT NULL, columns name[] DEFAULT NULL, index_columns name[] DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, NULL,
								   COALESCE(population, (SELECT p.population FROM dp_agg.protected_relations p WHERE p.relation = protect.parent), ''),
								   max_groups, max_rows, columns, max_total, index_columns, link, parent, COALESCE(parent_key, dp_agg.primary_key(parent)))
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name[], regclass, name, name[], integer, integer, bigint, name[], name[]) IS
'protects a relation that does not say whose its rows are: they belong to the individual of the row of parent whose parent_key (NULL: its primary key) is equal to link; rows whose link is NULL or the key of no row belong to nobody and never count. parent is protected already, by a unit or a link (at most 8 steps), for the same population (NULL: the parent''s), and a unique index covers the key; the limits are those of this relation, as of the form with unit; write arguments by name; errors: 42501 not the owner, 42703 no such column, 22023 out of range, or the link could not hold, 0A000 a type that no query could use';

CREATE FUNCTION dp_agg.protect(relation regclass, link name, parent regclass, population name DEFAULT NULL,
							   parent_key name DEFAULT NULL, max_groups integer DEFAULT NULL, max_rows integer DEFAULT NULL,
							   max_total bigint DEFAULT NULL, columns name[] DEFAULT NULL, index_columns name[] DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect(relation, dp_agg.link_columns(link, relation), parent, population,
						  NULLIF(dp_agg.link_columns(parent_key, parent), '{}'), max_groups, max_rows, max_total, columns, index_columns)
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name, regclass, name, name, integer, integer, bigint, name[], name[]) IS
'protects a relation whose link is one column; see the form with name[]';

CREATE FUNCTION dp_agg.protect(relation regclass, unit name[], population name,
							   index_columns name[],
							   max_groups integer DEFAULT NULL, max_rows integer DEFAULT NULL,
							   columns name[] DEFAULT NULL, max_total bigint DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, unit, population, max_groups, max_rows, columns, max_total, index_columns)
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name[], name, name[], integer, integer, name[], bigint) IS
'protects a relation and declares by which columns'' indexes (B-tree, BRIN) releases may look up the rows that a condition "column op constant" asks for; running time, the WAL and counters of the server then show how many rows fall into a range of these columns. NULL leaves what is declared, {} takes it back; write it by its name, as in index_columns => ''{visited}''; the rest is as of the forms without it; errors: as theirs, and 22023 one of these columns is the unit, or computed from it, or a direct identifier';

CREATE FUNCTION dp_agg.protect(relation regclass, unit name, population name,
							   index_columns name[],
							   max_groups integer DEFAULT NULL, max_rows integer DEFAULT NULL,
							   columns name[] DEFAULT NULL, max_total bigint DEFAULT NULL) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.protect_relation(relation, ARRAY[unit], population, max_groups, max_rows, columns, max_total, index_columns)
$$;

COMMENT ON FUNCTION dp_agg.protect(regclass, name, name, name[], integer, integer, name[], bigint) IS
'protects a relation whose unit is one column, with index_columns; see the form with name[]';

CREATE FUNCTION dp_agg.set_population_size(population name, individuals bigint)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	labelled record;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF population IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'population must not be NULL';
	END IF;
	IF individuals NOT BETWEEN 1 AND 1000000000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'individuals must be from 1 to 1000000000000',
			HINT = 'NULL takes back what was declared.';
	END IF;
	FOR labelled IN
		SELECT objoid::regclass AS relation, label::jsonb - 'individuals' AS rest FROM pg_seclabel
		 WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass AND objsubid = 0
		   AND label::jsonb ->> 'population' = set_population_size.population
		 ORDER BY objoid
	LOOP
		EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(labelled.relation),
					   labelled.rest || jsonb_strip_nulls(jsonb_build_object('individuals', individuals)));
	END LOOP;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('no relation of population "%s" is protected', population);
	END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.set_population_size(name, bigint) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_population_size(name, bigint) IS
'declares how many individuals a population has (1 .. 1e12; NULL takes it back), by which tiers of its releases are raised, see dp_agg.tier_scale; a public figure, which everybody may read: round it; errors: 42704 no such population, 42501 not the owner of all its relations, 22023 out of range';

CREATE FUNCTION dp_agg.measured_at() RETURNS integer[]
AS 'MODULE_PATHNAME', 'dp_measured_at' LANGUAGE C IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.measured_at() IS
'the numbers of rows of an individual at which dp_agg.set_measured() takes shares, in order';

CREATE FUNCTION dp_agg.set_measured(relation regclass, rows_beyond double precision[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	label jsonb;
	shares numeric[] := '{}';
	share double precision;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation must not be NULL';
	END IF;
	label := dp_agg.lock_label(relation, 0::int2)::jsonb - 'rows_beyond';
	IF label IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('relation %s is not protected', relation),
			HINT = 'Call dp_agg.protect() first.';
	END IF;
	IF rows_beyond IS NOT NULL THEN
		IF array_ndims(rows_beyond) IS DISTINCT FROM 1 OR cardinality(rows_beyond) <> cardinality(dp_agg.measured_at()) OR
			array_position(rows_beyond, NULL) IS NOT NULL OR array_position(rows_beyond, 'NaN') IS NOT NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('rows_beyond must have %s numbers', cardinality(dp_agg.measured_at())),
				HINT = 'Give the share of rows beyond each number of rows in dp_agg.measured_at().';
		END IF;
		-- noise may have made them more than they can be
		FOREACH share IN ARRAY rows_beyond LOOP
			shares := shares || least(trim_scale(round(least(greatest(share, 0), 1)::numeric, 4)), shares[cardinality(shares)]);
		END LOOP;
		label := label || jsonb_build_object('rows_beyond', shares);
	END IF;
	EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(relation), label);
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.set_measured(regclass, double precision[]) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_measured(regclass, double precision[]) IS
'declares how the rows of a relation lie over individuals: for each number of rows in dp_agg.measured_at(), the share (0 .. 1) of the rows that is beyond the first so many of an individual; NULL takes it back. Everybody may read it, so it must have been released, as dp_agg.suggest() does; noisy figures are made to fall. Releases tell in a notice what limits leave out, see dp_agg.notice_cut; errors: 42704 not protected, 42501 not the owner, 22023 not as many numbers';

CREATE FUNCTION dp_agg.set_norm(relation regclass, max_norm bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	label jsonb;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation must not be NULL';
	END IF;
	IF max_norm NOT BETWEEN 1 AND 100000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'max_norm must be from 1 to 100000000',
			HINT = 'It is a number of rows; above max_total it has no effect.';
	END IF;
	label := dp_agg.lock_label(relation, 0::int2)::jsonb - 'max_norm';
	IF label IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('relation %s is not protected', relation),
			HINT = 'Call dp_agg.protect() first.';
	END IF;
	EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(relation),
				   label || jsonb_strip_nulls(jsonb_build_object('max_norm', max_norm)));
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.set_norm(regclass, bigint) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_norm(regclass, bigint) IS
'declares the length, in rows, that Gaussian noise of whole releases is made for: the root of the sum of squares of an individual''s rows in each group (1 .. 100000000; NULL: as max_total). Whose rows are longer counts with all of them, each weighing less, and sums with bounds of their own are shortened alike. It counts where all accounts add up rho, and a query does not say max_total itself; errors: 42704 not protected, 42501 not the owner, 22023 out of range';

CREATE FUNCTION dp_agg.set_preview(relation regclass, preview boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	label jsonb;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL OR preview IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation and preview must not be NULL';
	END IF;
	label := dp_agg.lock_label(relation, 0::int2)::jsonb - 'preview';
	IF label IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('relation %s is not protected', relation),
			HINT = 'Call dp_agg.protect() first.';
	END IF;
	EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(relation),
				   label || CASE WHEN preview THEN '{"preview": true}'::jsonb ELSE '{}' END);
	PERFORM dp_agg.settle_facade(relation, false);
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.set_preview(regclass, boolean) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_preview(regclass, boolean) IS
'declares whether analysts may look at synthetic rows of a relation: a SELECT from it alone with LIMIT, without aggregates and conditions about columns, then returns up to 1000 rows that are made up from declared domains and bounds and are no one''s data, with a notice, at no price; errors: 22004 NULL, 42704 not protected, 42501 not the owner';

-- What queries of analysts read in the place of a relation (src/query/preview.c).
CREATE FUNCTION dp_agg.preview_rows(relation regclass) RETURNS SETOF record
AS 'MODULE_PATHNAME', 'dp_preview_rows' LANGUAGE C STABLE STRICT ROWS 1000;

COMMENT ON FUNCTION dp_agg.preview_rows(regclass) IS
'internal: 1000 synthetic rows of a relation, always the same, made up from its declarations and types alone, with all its columns; errors: 42501 a client calls it, or dp_agg.set_preview() does not allow them, 42804 other columns were asked for, DP003 a declared domain has values that are not of its column''s type';

-- A relation is protected by its owner, if the owner was given these functions.
REVOKE EXECUTE ON FUNCTION
	dp_agg.protect(regclass, name, name, bigint, integer, integer, name[]),
	dp_agg.protect(regclass, name[], name, bigint, integer, integer, name[]),
	dp_agg.protect(regclass, name, regclass, name, name, integer, integer, bigint, name[], name[]),
	dp_agg.protect(regclass, name[], regclass, name, name[], integer, integer, bigint, name[], name[]),
	dp_agg.protect(regclass, name, name, name[], integer, integer, name[], bigint),
	dp_agg.protect(regclass, name[], name, name[], integer, integer, name[], bigint) FROM PUBLIC;

CREATE FUNCTION dp_agg.column_of(relation regclass, "column" name) RETURNS pg_catalog.pg_attribute
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attribute pg_attribute;
BEGIN
	PERFORM dp_agg.check_coordinator();
	SELECT * INTO attribute FROM pg_attribute
	 WHERE attrelid = relation AND attname = "column" AND attnum > 0 AND NOT attisdropped;
	IF NOT FOUND THEN
		RAISE undefined_column USING
			MESSAGE = format('column "%s" of relation %s does not exist', "column", relation);
	END IF;
	RETURN attribute;
END
$$;

COMMENT ON FUNCTION dp_agg.column_of(regclass, name) IS
'internal: a column of a relation; errors: 42703 no such column';

CREATE OR REPLACE FUNCTION dp_agg.protected_column(relation regclass, "column" name) RETURNS pg_catalog.pg_attribute
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL OR "column" IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation and column_name must not be NULL';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_seclabel
					WHERE provider = 'dp_agg' AND classoid = 'pg_class'::regclass
					  AND objoid = relation AND objsubid = 0) THEN
		RAISE undefined_object USING
			MESSAGE = format('relation %s is not protected', relation),
			HINT = 'Call dp_agg.protect() first.';
	END IF;
	RETURN dp_agg.column_of(relation, "column");
END
$$;

CREATE FUNCTION dp_agg.declared_column(relation regclass, "column" name) RETURNS pg_catalog.pg_attribute
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind "char";
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL OR "column" IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation and column_name must not be NULL';
	END IF;
	SELECT relkind INTO kind FROM pg_class WHERE oid = relation AND oid >= 16384;
	IF kind = 'v' THEN
		RAISE wrong_object_type USING
			MESSAGE = format('%s is a view', relation),
			HINT = 'Declare it of the tables below the view.';
	END IF;
	IF kind IS NULL THEN
		RETURN dp_agg.protected_column(relation, "column");
	END IF;
	RETURN dp_agg.column_of(relation, "column");
END
$$;

COMMENT ON FUNCTION dp_agg.declared_column(regclass, name) IS
'internal: a column of a table, protected or not, of which something may be declared; errors: 22004 NULL, 42703 no such column, 42704 a catalog, 42809 a view';

CREATE FUNCTION dp_agg.never_null(relation regclass, "column" smallint) RETURNS boolean
AS 'MODULE_PATHNAME', 'dp_never_null' LANGUAGE C STABLE STRICT;

COMMENT ON FUNCTION dp_agg.never_null(regclass, smallint) IS
'internal: is a column, by its number, NOT NULL in a relation and in all that inherit from it or are partitions, and does the server enforce that (it does not on foreign tables)';

CREATE FUNCTION dp_agg.check_bounds(type oid, typmod integer, lower double precision,
									 upper double precision, column_name text) RETURNS void
AS 'MODULE_PATHNAME', 'dp_check_bounds' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.check_bounds(oid, integer, double precision, double precision, text) IS
'internal: do bounds of a column of that type, as labels hold them, lie within its type, with a value between them; errors: DP003';

CREATE FUNCTION dp_agg.check_interval(bounds numeric[]) RETURNS void LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF abs(bounds[1]) > 1e120 OR abs(bounds[2]) > 1e120 THEN	-- NaN is the largest number
		RAISE SQLSTATE 'DP003' USING
			MESSAGE = 'bounds must be finite',
			HINT = 'Give lower and upper as finite values of the type of the column; numbers may have a magnitude of up to 1e120.';
	END IF;
	IF bounds[1] >= bounds[2] THEN
		RAISE SQLSTATE 'DP003' USING
			MESSAGE = 'lower bound must be less than upper bound',
			HINT = 'Give the lower bound first.';
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.check_interval(numeric[]) IS
'internal: are two bounds finite, and the first less than the second; errors: DP003';

CREATE FUNCTION dp_agg.declare_bounds(relation regclass, column_name name, attribute pg_attribute, lower text, upper text)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type oid := dp_agg.base_type(attribute.atttypid);
	bounds numeric[] := '{}';
	bound text;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF lower IS NULL OR upper IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'lower and upper must not be NULL';
	END IF;
	IF type NOT IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'real'::regtype,
					'double precision'::regtype, 'numeric'::regtype, 'date'::regtype,
					'timestamp'::regtype, 'timestamptz'::regtype, 'interval'::regtype) THEN
		RAISE SQLSTATE 'DP003' USING
			MESSAGE = format('column "%s" is of type %s, which has no bounds', column_name,
							 format_type(attribute.atttypid, attribute.atttypmod)),
			HINT = 'Bounds are declared for numbers, dates, timestamps and intervals.';
	END IF;
	FOREACH bound IN ARRAY ARRAY[lower, upper] LOOP
		BEGIN
			bounds := bounds || dp_agg.bound_number(type, bound);
		EXCEPTION WHEN data_exception THEN
			RAISE SQLSTATE 'DP003' USING
				MESSAGE = format('invalid bound "%s" of column "%s"', bound, column_name),
				DETAIL = format('The column is of type %s: %s.', format_type(type, NULL), SQLERRM),
				HINT = 'Write lower and upper as values of the type of the column.';
		END;
	END LOOP;
	PERFORM dp_agg.check_interval(bounds);
	PERFORM dp_agg.check_bounds(attribute.atttypid, attribute.atttypmod, bounds[1]::double precision,
								bounds[2]::double precision, column_name);
	PERFORM dp_agg.label_column(relation, column_name, '{}',
			jsonb_build_object('lower', bounds[1], 'upper', bounds[2],
							   'bounds_type', dp_agg.type_name(type)));
	IF NOT dp_agg.never_null(relation, attribute.attnum) THEN
		RAISE NOTICE USING
			MESSAGE = format('column "%s" may be NULL, which costs accuracy', column_name),
			HINT = CASE WHEN attribute.attnotnull
				THEN 'It is declared NOT NULL, but nobody enforces that on foreign tables, and a child may be without.'
				ELSE format('If it never is: ALTER TABLE %s ALTER COLUMN %I SET NOT NULL.',
							relation, column_name) END;
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.declare_bounds(regclass, name, pg_attribute, text, text) IS
'internal: what set_bounds() and set_public_bounds() do; errors: as theirs';

CREATE OR REPLACE FUNCTION dp_agg.set_bounds(relation regclass, column_name name, lower text, upper text)
RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.declare_bounds(relation, column_name, dp_agg.protected_column(relation, column_name), lower, upper)
$$;

CREATE FUNCTION dp_agg.set_public_bounds(relation regclass, column_name name, lower text, upper text)
RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.declare_bounds(relation, column_name, dp_agg.declared_column(relation, column_name), lower, upper)
$$;

COMMENT ON FUNCTION dp_agg.set_public_bounds(regclass, name, text, text) IS
'declares bounds of a column of a table that is not protected, for arguments of aggregates that are made of its values where protected rows are joined with it, as in sum(quantity * price); values are clamped to them there; written as of set_bounds(); errors: DP003 bad bounds, 22004 NULL, 42703 no such column, 42704 a catalog, 42809 a view, 42501 not the owner';

CREATE FUNCTION dp_agg.set_public_bounds(relation regclass, column_name name,
										 lower anycompatible, upper anycompatible)
RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.set_public_bounds(relation, column_name, to_jsonb(lower) #>> '{}', to_jsonb(upper) #>> '{}')
$$;

COMMENT ON FUNCTION dp_agg.set_public_bounds(regclass, name, anycompatible, anycompatible) IS
'declares bounds of a column of a table that is not protected; see the form with text';

CREATE OR REPLACE FUNCTION dp_agg.set_bounds(relation regclass, column_name name,
								  lower double precision, upper double precision)
RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
AS $$
	SELECT dp_agg.set_bounds(relation, column_name, lower::text, upper::text)
$$;

-- Bounds become text by way of JSON, in which dates do not depend on datestyle.
CREATE OR REPLACE FUNCTION dp_agg.set_bounds(relation regclass, column_name name,
								  lower anycompatible, upper anycompatible)
RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.set_bounds(relation, column_name, to_jsonb(lower) #>> '{}', to_jsonb(upper) #>> '{}')
$$;

CREATE FUNCTION dp_agg.read_total(lower text, upper text, column_name name)
RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bounds numeric[] := '{}';
	bound text;
BEGIN
	FOREACH bound IN ARRAY ARRAY[lower, upper] LOOP
		IF bound IS NULL THEN
			RAISE null_value_not_allowed USING
				MESSAGE = 'one of lower and upper is NULL',
				HINT = 'Give both, or NULL for both to take back what was declared.';
		END IF;
		BEGIN
			bounds := bounds || bound::numeric;
		EXCEPTION WHEN data_exception THEN
			RAISE SQLSTATE 'DP003' USING
				MESSAGE = format('invalid bound "%s" of sums of column "%s"', bound, column_name),
				HINT = 'Write lower and upper as numbers.';
		END;
	END LOOP;
	PERFORM dp_agg.check_interval(bounds);
	RETURN bounds;
END
$$;

COMMENT ON FUNCTION dp_agg.read_total(text, text, name) IS
'internal: two bounds of sums of a column as labels hold them; errors: DP003 not finite numbers, or not in order, 22004 NULL';

CREATE FUNCTION dp_agg.set_total(relation regclass, column_name name, lower text, upper text)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attribute pg_attribute := dp_agg.protected_column(relation, column_name);
	type oid := dp_agg.base_type(attribute.atttypid);
	bounds numeric[];
BEGIN
	IF lower IS NULL AND upper IS NULL THEN
		PERFORM dp_agg.label_column(relation, column_name, '{total_lower,total_upper,total_type,total_norm}', '{}');
		RETURN;
	END IF;
	IF type NOT IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'real'::regtype,
					'double precision'::regtype, 'numeric'::regtype) THEN
		RAISE SQLSTATE 'DP003' USING
			MESSAGE = format('column "%s" is of type %s, whose values are not added up', column_name,
							 format_type(attribute.atttypid, attribute.atttypmod)),
			HINT = 'Bounds of sums are declared for columns of numbers.';
	END IF;
	-- a sum may be larger than its type
	bounds := dp_agg.read_total(lower, upper, column_name);
	PERFORM dp_agg.label_column(relation, column_name, '{}',
			jsonb_build_object('total_lower', bounds[1], 'total_upper', bounds[2],
							   'total_type', dp_agg.type_name(type)));
END
$$;

COMMENT ON FUNCTION dp_agg.set_total(regclass, name, text, text) IS
'declares bounds of the sum of one individual''s values of a column in a whole release, in place of the number of its rows times the bounds of a value; an individual with more counts with all its values, each weighing less; the column holds numbers; finite, lower < upper; both NULL take it back; errors: DP003 bad bounds, 22004 NULL, 42703 no such column, 42704 not protected, 42501 not the owner';

CREATE FUNCTION dp_agg.set_total(relation regclass, column_name name,
								 lower double precision, upper double precision)
RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
AS $$
	SELECT dp_agg.set_total(relation, column_name, lower::text, upper::text)
$$;

COMMENT ON FUNCTION dp_agg.set_total(regclass, name, double precision, double precision) IS
'declares bounds of the sum of one individual''s values of a column, of magnitude up to 1e120; see the form with text';

CREATE FUNCTION dp_agg.set_norm(relation regclass, column_name name, max_norm double precision) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM dp_agg.check_coordinator();
	PERFORM dp_agg.protected_column(relation, column_name);
	IF NOT (max_norm > 0 AND max_norm <= 1e120) THEN
		RAISE SQLSTATE 'DP003' USING
			MESSAGE = 'max_norm of a column must be a number above 0, at most 1e120';
	END IF;
	PERFORM dp_agg.label_column(relation, column_name, CASE WHEN max_norm IS NULL THEN '{total_norm}' ELSE '{}' END::text[],
								jsonb_strip_nulls(jsonb_build_object('total_norm', max_norm)));
END
$$;

COMMENT ON FUNCTION dp_agg.set_norm(regclass, name, double precision) IS
'declares the length of an individual''s sums of a column, with bounds of their own (dp_agg.set_total), that Gaussian noise of several groups is made for: the root of the sum of squares of its sum in each group; NULL: in proportion to dp_agg.set_norm() of the relation; errors: DP003 not a number above 0, 22004 NULL, 42703 no such column, 42704 not protected, 42501 not the owner';

CREATE FUNCTION dp_agg.set_grain(relation regclass, column_name name, grain interval) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET intervalstyle = postgres
AS $$
DECLARE
	attribute pg_attribute := dp_agg.protected_column(relation, column_name);
	type oid := dp_agg.base_type(attribute.atttypid);
	months int;
	days int;
	shorter interval;
BEGIN
	IF grain > interval '100 years' THEN
		RAISE invalid_parameter_value USING MESSAGE = 'a grain must be of at most 100 years';
	END IF;
	months := extract(year FROM grain) * 12 + extract(month FROM grain);
	days := extract(day FROM grain);
	shorter := grain - make_interval(months => months, days => days);
	IF type NOT IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('column "%s" is of type %s, which has no grain', column_name,
							 format_type(attribute.atttypid, attribute.atttypmod)),
			HINT = 'Grains are declared for dates and timestamps.';
	END IF;
	IF months < 0 OR days < 0 OR shorter < interval '0' OR
		(months > 0)::int + (days > 0)::int + (shorter > interval '0')::int <> 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a grain must be a number of months, of days, or of hours and less',
			HINT = 'As in ''15 minutes'', ''1 hour'', ''1 day'', ''7 days'' or ''1 month''. NULL takes back what was declared.';
	END IF;
	IF type = 'date'::regtype AND shorter > interval '0' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('column "%s" holds dates, whose grain must be of days or months', column_name),
			HINT = 'Write 24 hours as ''1 day''.';
	END IF;
	PERFORM dp_agg.label_column(relation, column_name, '{grain}', jsonb_strip_nulls(jsonb_build_object('grain', grain::text)));
END
$$;

COMMENT ON FUNCTION dp_agg.set_grain(regclass, name, interval) IS
'declares that conditions of queries on a column of dates or timestamps (column < x, <=, >, >=, BETWEEN, where x is the same in all rows) are rounded outwards to a grain: a number of months, of days (7: weeks, from Monday on), or of hours and less; days and months are those of the session''s time zone; NULL: not rounded. What was rounded is told in a notice and in dp_agg.last_release(); errors: 22023 no such grain, or no such type, 22004 NULL, 42703 no such column, 42704 not protected, 42501 not the owner';

CREATE FUNCTION dp_agg.set_length(relation regclass, column_name name, characters integer) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attribute pg_attribute := dp_agg.declared_column(relation, column_name);
	type oid := dp_agg.base_type(attribute.atttypid);
BEGIN
	IF (SELECT typcategory FROM pg_type WHERE oid = type) <> 'S' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('column "%s" is of type %s, which has no length', column_name,
							 format_type(attribute.atttypid, attribute.atttypmod)),
			HINT = 'Lengths are declared for texts. Numbers, dates and times have bounds: dp_agg.set_bounds().';
	END IF;
	IF characters NOT BETWEEN 1 AND 1000000000 THEN
		RAISE invalid_parameter_value USING MESSAGE = 'a length must be from 1 to 1000000000 characters',
			HINT = 'NULL takes back what was declared.';
	END IF;
	PERFORM dp_agg.label_column(relation, column_name, '{length}', jsonb_strip_nulls(jsonb_build_object('length', characters)));
END
$$;

COMMENT ON FUNCTION dp_agg.set_length(regclass, name, integer) IS
'declares how many characters texts of a column have at most (1 to 1000000000), so that bounds follow for length(), octet_length() and the like; longer ones count as so long there, and are cut nowhere; take it from what the column means, never from the data; NULL: not declared; the table may be protected or not; errors: 22023 no such length, or no text, 22004 NULL, 42703 no such column, 42704 a catalog, 42809 a view, 42501 not the owner';

REVOKE EXECUTE ON FUNCTION dp_agg.set_length(regclass, name, integer) FROM PUBLIC;

-- What conditions compare with (src/spec/grain.c).  Stable, all of them, so that plans keep the calls: what was
-- rounded is told when a release runs.
CREATE FUNCTION dp_agg.grain_end(x date, grain interval, op text, column_name text) RETURNS date
AS 'MODULE_PATHNAME', 'dp_grain_end_date' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.grain_end(date, interval, text, text) IS
'internal: what stands in the place of x in a condition "column op x" (op: <, <=, > or >=), rounded outwards to a grain of days or months; infinite where that is out of range';

CREATE FUNCTION dp_agg.grain_end(x timestamp, grain interval, op text, column_name text) RETURNS timestamp
AS 'MODULE_PATHNAME', 'dp_grain_end_timestamp' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.grain_end(timestamp, interval, text, text) IS
'internal: the same for timestamps; hours and less are counted from 2000-01-01 00:00 on';

CREATE FUNCTION dp_agg.grain_end(x timestamptz, grain interval, op text, column_name text) RETURNS timestamptz
AS 'MODULE_PATHNAME', 'dp_grain_end_timestamptz' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.grain_end(timestamptz, interval, text, text) IS
'internal: the same for moments; days and months are those of the session''s time zone, hours and less are counted from 2000-01-01 00:00 UTC on';

CREATE FUNCTION dp_agg.grain_end_zoned(x timestamp, grain interval, op text, column_name text) RETURNS timestamptz
AS 'MODULE_PATHNAME', 'dp_grain_end_zoned' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.grain_end_zoned(timestamp, interval, text, text) IS
'internal: the same for a local time of the session''s time zone with which a column of moments is compared';

-- Checks of a domain run functions, which are of its owner's choice.
CREATE FUNCTION dp_agg.reading_type(type oid, typmod integer) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE chain (oid, typmod) AS (
		SELECT reading_type.type, reading_type.typmod
		UNION ALL
		SELECT t.typbasetype, t.typtypmod FROM chain JOIN pg_type t ON t.oid = chain.oid
		 WHERE t.typtype = 'd')
	SELECT CASE WHEN bool_and(t.typtype <> 'd' OR t.typowner = (SELECT me.oid FROM pg_roles me WHERE me.rolname = CURRENT_USER) OR r.rolsuper)
				THEN format_type(reading_type.type, reading_type.typmod)
				ELSE max(format_type(chain.oid, chain.typmod)) FILTER (WHERE t.typtype <> 'd') END
	  FROM chain JOIN pg_type t ON t.oid = chain.oid LEFT JOIN pg_roles r ON r.oid = t.typowner
$$;

COMMENT ON FUNCTION dp_agg.reading_type(oid, integer) IS
'internal: the type as which values of a column are read: its own, or the one below a domain of somebody else''s, whose checks the current user does not run';

CREATE OR REPLACE FUNCTION dp_agg.set_domain(relation regclass, column_name name, keys text[])
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
-- Keys are stored as these styles write them, which any style reads back.
SET datestyle = iso
SET intervalstyle = postgres
SET extra_float_digits = 1
SET bytea_output = hex
AS $$
DECLARE
	attribute pg_attribute := dp_agg.protected_column(relation, column_name);
	base oid := dp_agg.base_type(attribute.atttypid);
	type text := dp_agg.reading_type(attribute.atttypid, attribute.atttypmod);
	canonical jsonb;
	different bigint;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF keys IS NULL THEN
		PERFORM dp_agg.label_column(relation, column_name, '{domain,domain_type}', '{}');
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM unnest(keys) k WHERE k IS NULL) THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'keys of a domain must not be NULL',
			HINT = 'Rows with NULL are not listed in a domain; leave it out.';
	END IF;
	IF cardinality(keys) NOT BETWEEN 1 AND 10000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a domain has 1 to 10000 keys',
			DETAIL = format('There are %s.', cardinality(keys)),
			HINT = 'With keys => NULL the domain is removed.';
	END IF;
	IF base IN ('json'::regtype, 'jsonb'::regtype) OR (dp_agg.key_use(base) IS NOT NULL AND NOT dp_agg.is_listed_type(base)) THEN
		RAISE feature_not_supported USING
			MESSAGE = format('column "%s" is of type %s, which has no domain', column_name, type),
			HINT = 'Domains are declared for columns of plain values such as text, numbers, dates, boolean or enums.';
	END IF;

	PERFORM dp_agg.check_key_type(relation, column_name, false);
	-- Reads each key as a value of the column, with its length, as COPY would.
	EXECUTE format('SELECT jsonb_agg(format(''%%s'', k) ORDER BY n), count(DISTINCT k)
					  FROM ROWS FROM (jsonb_to_recordset($1) AS (k %s %s)) WITH ORDINALITY r (k, n)',
				   type,
				   (SELECT format('COLLATE %I.%I', n.nspname, c.collname)
					  FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
					 WHERE c.oid = attribute.attcollation))
	   INTO canonical, different
	  USING (SELECT jsonb_agg(jsonb_build_object('k', k)) FROM unnest(keys) k);
	IF different < cardinality(keys) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'keys of a domain must differ from each other',
			DETAIL = format('%s keys are %s values of type %s.', cardinality(keys), different, type),
			HINT = 'List every key once.';
	END IF;
	PERFORM dp_agg.label_column(relation, column_name, '{}',
			jsonb_build_object('domain', canonical, 'domain_type', dp_agg.type_name(attribute.atttypid)));
END
$$;

COMMENT ON FUNCTION dp_agg.set_domain(regclass, name, text[]) IS
'declares that the values of a column are public and no others than keys: 1 to 10000 different ones, not NULL, written as values of its type; groups by it are then all listed, also those without a row; keys => NULL removes the domain; errors: 22004 NULL, 22023 too many or twice the same, 22P02 not of the type, 0A000 no query could group by the column, 42703 no such column, 42704 not protected, 42501 not the owner';

REVOKE EXECUTE ON FUNCTION
	dp_agg.set_public_bounds(regclass, name, text, text),
	dp_agg.set_public_bounds(regclass, name, anycompatible, anycompatible) FROM PUBLIC;

-- ----------------------------------------------------------------------------
-- Classes of columns: what a column holds, and what was done to its values.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.class_tier(class text, processing text, remaining integer, receiver_has_key boolean)
RETURNS text
AS 'MODULE_PATHNAME', 'dp_class_tier' LANGUAGE C IMMUTABLE;

COMMENT ON FUNCTION dp_agg.class_tier(text, text, integer, boolean) IS
'internal: the risk tier of raw rows with a column of that class, processed like that; NULL if there is no such class or processing';

-- Not granted to anybody, though labels are no secret (pg_seclabels). Analysts need no map of the
-- identifiers; a query that is refused names the class and the column that it used.
CREATE VIEW dp_agg.classified_columns AS
SELECT s.objoid::pg_catalog.regclass AS relation, a.attname AS "column",
	   c.class, c.processing, c.remaining, c.receiver_has_key,
	   dp_agg.class_tier(c.class, c.processing, c.remaining, c.receiver_has_key) AS tier
  FROM pg_catalog.pg_seclabel s
  JOIN pg_catalog.pg_attribute a ON a.attrelid = s.objoid AND a.attnum = s.objsubid,
	   LATERAL (SELECT s.label::pg_catalog.jsonb ->> 'class' AS class,
					   COALESCE(s.label::pg_catalog.jsonb ->> 'processing', 'raw') AS processing,
					   (s.label::pg_catalog.jsonb ->> 'remaining')::integer AS remaining,
					   (s.label::pg_catalog.jsonb ->> 'key_held')::boolean AS receiver_has_key) c
 WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
   AND s.objsubid > 0 AND c.class IS NOT NULL;

COMMENT ON VIEW dp_agg.classified_columns IS
'classes of columns, of protected relations and others; partitions and children have those of their parents, and to releases parents those of their children, without being listed';

COMMENT ON COLUMN dp_agg.classified_columns.relation IS 'relation that the column belongs to';

COMMENT ON COLUMN dp_agg.classified_columns."column" IS 'name of the column';

COMMENT ON COLUMN dp_agg.classified_columns.class IS 'direct_identifier, quasi_identifier, sensitive or ordinary';

COMMENT ON COLUMN dp_agg.classified_columns.processing IS 'raw, masked, generalised, pseudonymised or encrypted';

COMMENT ON COLUMN dp_agg.classified_columns.remaining IS 'characters that remain of a masked value; null: not masked, or not known, which counts as many';

COMMENT ON COLUMN dp_agg.classified_columns.receiver_has_key IS 'does the receiver of results hold the key of encrypted values; null: not encrypted, or not known, which counts as yes';

COMMENT ON COLUMN dp_agg.classified_columns.tier IS 'risk tier of raw rows with the column, without what computation, transmission and scale add: low, medium or high';

CREATE FUNCTION dp_agg.facades_without(relation regclass, "column" name) RETURNS regclass[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
WITH RECURSIVE below (oid) AS (
	SELECT relation::oid
	UNION
	SELECT i.inhrelid FROM pg_inherits i JOIN below ON below.oid = i.inhparent),
above (oid) AS (
	SELECT relation::oid
	UNION
	SELECT i.inhparent FROM pg_inherits i JOIN above ON above.oid = i.inhrelid),
tree (oid) AS (TABLE below UNION TABLE above)
SELECT COALESCE(array_agg(p.relation ORDER BY p.relation), '{}')
  FROM tree
  JOIN dp_agg.protected_relations p ON p.relation = tree.oid
  JOIN pg_attribute a ON a.attrelid = tree.oid AND a.attname = facades_without."column" AND NOT a.attisdropped
 WHERE dp_agg.is_direct_identifier(p.relation, a.attnum)
$$;

COMMENT ON FUNCTION dp_agg.facades_without(regclass, name) IS
'internal: protected relations, the one given and those that inherit from it or that it inherits from, whose facade leaves the column out as a direct identifier';

CREATE FUNCTION dp_agg.classify(relation regclass, column_name name, class text, processing text DEFAULT 'raw',
								remaining integer DEFAULT NULL, receiver_has_key boolean DEFAULT NULL)
RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	attno int2;
	old jsonb;
	patch jsonb := '{}';
	keys text[] := '{class,processing,remaining,key_held}';
	without_before regclass[];
	without_after regclass[];
	protected regclass;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL OR column_name IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation and column_name must not be NULL';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_class WHERE oid = relation AND oid >= 16384 AND relkind IN ('r', 'p', 'm', 'f')) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('columns of "%s" cannot be classified', relation),
			DETAIL = 'Only those of tables, partitioned tables, foreign tables and materialized views can.',
			HINT = 'Classify the columns of the tables below a view.';
	END IF;
	SELECT attnum INTO attno FROM pg_attribute
	 WHERE attrelid = relation AND attname = column_name AND attnum > 0 AND NOT attisdropped;
	IF attno IS NULL THEN
		RAISE undefined_column USING
			MESSAGE = format('column "%s" of relation %s does not exist', column_name, relation);
	END IF;
	old := dp_agg.lock_label(relation, attno)::jsonb;
	without_before := dp_agg.facades_without(relation, column_name);

	IF class IS NOT NULL THEN
		patch := jsonb_strip_nulls(jsonb_build_object('class', class, 'processing', COALESCE(processing, 'raw'),
					'remaining', remaining, 'key_held', receiver_has_key));
	END IF;
	IF class = 'direct_identifier' AND old ?| '{lower,domain}' THEN
		keys := keys || '{lower,upper,bounds_type,domain,domain_type}';
		RAISE NOTICE USING
			MESSAGE = format('bounds and domain of column "%s" are removed', column_name),
			HINT = 'A direct identifier has none: releases do not read it, and a domain would publish its values.';
	END IF;
	PERFORM dp_agg.label_column(relation, column_name, keys, patch);

	IF processing = 'masked' AND remaining IS NULL THEN
		RAISE NOTICE USING
			MESSAGE = format('how many characters remain of column "%s" is not known', column_name),
			HINT = 'It counts as lightly masked. Give remaining, the number of characters that were not replaced.';
	ELSIF processing = 'encrypted' AND receiver_has_key IS NULL THEN
		RAISE NOTICE USING
			MESSAGE = format('who holds the key of column "%s" is not known', column_name),
			HINT = 'It counts as held by the receiver of results. If it is not: receiver_has_key => false.';
	END IF;

	without_after := dp_agg.facades_without(relation, column_name);
	FOR protected IN
		SELECT f FROM unnest(without_before || without_after) f
		 WHERE (f = ANY (without_before)) <> (f = ANY (without_after))
		 ORDER BY f
	LOOP
		PERFORM dp_agg.settle_facade(protected, false);
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.classify(regclass, name, text, text, integer, boolean) IS
'classifies a column, of a protected relation or any other: class is direct_identifier, quasi_identifier, sensitive or ordinary (NULL: not classified), processing what was done to its values: raw, masked (remaining: how many characters are left; NULL: not known, which counts as many), generalised, pseudonymised or encrypted (receiver_has_key: NULL counts as true); a direct identifier, however processed, leaves the facade and stands in no release; errors: 22023 no such class or processing, or parts that do not go together, 22004 NULL, 42703 no such column, 42809 a view, 42501 not the owner, 2BP01 objects depend on the facade';

REVOKE EXECUTE ON FUNCTION dp_agg.classify(regclass, name, text, text, integer, boolean) FROM PUBLIC;

-- What suggest_classes() goes by.  Nothing here decides about privacy: a proposal is
-- only a command that somebody may run.

-- Check digits.  Citizen ID numbers: GB 11643-1999, ISO 7064 MOD 11-2, with a date of
-- birth and a region that there may be; those of 15 digits (GB 11643-1989) have no check
-- digit and a year of the 20th century in two.  Bank cards: ISO/IEC 7812-1, annex B.  IBAN:
-- ISO 13616, ISO 7064 MOD 97-10.
CREATE FUNCTION dp_agg.is_citizen_id(value text) RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT CASE WHEN d.digits ~ '^(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])[0-9]{4}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}$'
	THEN (length(value) = 15 OR substr('10X98765432',
				(SELECT sum(substr(d.digits, i::integer, 1)::integer * w) FROM unnest('{7,9,10,5,8,4,2,1,6,3,7,9,10,5,8,4,2}'::integer[])
						WITH ORDINALITY u (w, i))::integer % 11 + 1, 1) = upper(right(value, 1)))
		 -- a month has no day that a date of the year 2000 or before would not have
		 AND substr(d.digits, 13, 2)::integer <= (CASE substr(d.digits, 11, 2)::integer WHEN 2 THEN
				CASE WHEN substr(d.digits, 7, 4)::integer % 4 = 0 AND substr(d.digits, 7, 4) <> '1900' THEN 29 ELSE 28 END
				WHEN 4 THEN 30 WHEN 6 THEN 30 WHEN 9 THEN 30 WHEN 11 THEN 30 ELSE 31 END)
		 AND substr(d.digits, 7, 4)::integer <= extract(year FROM now())
	ELSE false END
  FROM (SELECT CASE WHEN value ~ '^[0-9]{17}[0-9Xx]$' THEN left(value, 17)
					WHEN value ~ '^[0-9]{15}$' THEN overlay(value PLACING '19' FROM 7 FOR 0) END) d (digits)
$$;

COMMENT ON FUNCTION dp_agg.is_citizen_id(text) IS
'internal: is a text a Chinese citizen ID number of 18 characters with its check digit, or one of 15 as they were before, which has none; and with a date of birth that exists';

CREATE FUNCTION dp_agg.is_bank_card(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT CASE WHEN value ~ '^[2-6][0-9]{3}([ -]?)([0-9]{4}\1)*[0-9]{1,7}$' AND length(d.digits) BETWEEN 13 AND 19
	THEN (SELECT sum(CASE WHEN i % 2 = 1 THEN n WHEN n > 4 THEN 2 * n - 9 ELSE 2 * n END) % 10 = 0
			FROM (SELECT i, substr(reverse(d.digits), i, 1)::integer FROM generate_series(1, length(d.digits)) i) r (i, n))
	ELSE false END
  FROM translate(value, ' -', '') d (digits)
$$;

COMMENT ON FUNCTION dp_agg.is_bank_card(text) IS
'internal: is a text the number of a bank card, of 13 to 19 digits with its check digit';

CREATE FUNCTION dp_agg.is_iban(value text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
SELECT CASE WHEN i.iban ~ '^[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}$'
	THEN (SELECT string_agg(CASE WHEN c BETWEEN 'A' AND 'Z' THEN (ascii(c) - 55)::text ELSE c END, '' ORDER BY n)::numeric % 97 = 1
			FROM regexp_split_to_table(substr(i.iban, 5) || left(i.iban, 4), '') WITH ORDINALITY r (c, n))
	ELSE false END
  FROM upper(replace(value, ' ', '')) i (iban)
$$;

COMMENT ON FUNCTION dp_agg.is_iban(text) IS
'internal: is a text an international bank account number with its check digits';

-- Characters that are not of ASCII are written by number: an asterisk of full width, two
-- dots that mask, a dash, a wave, "to", "years", at most, at least, "and more".
-- Without a setting, so that it is inlined where suggest_classes() calls it for each value.
CREATE FUNCTION dp_agg.value_pattern(value text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT CASE
	WHEN value ~ '[*\uff0a\u2022\u25cf]{2}' AND value ~ '[^[:space:][:punct:]\uff0a\u2022\u25cf]' OR value ~ '^[Xx#]{3,}.*[0-9]$' OR value ~ '^[0-9]+[Xx#]{3,}[0-9]*$' THEN 'masked values'
	WHEN value ~ '^[1-9][0-9]{16}[0-9Xx]$' AND dp_agg.is_citizen_id(value) THEN 'citizen ID numbers'
	WHEN value ~ '^((\+|00)86[ -]?)?1[3-9][0-9]([ -]?)[0-9]{4}\3[0-9]{4}$' THEN 'telephone numbers'
	WHEN value ~ '^((\+|00)86[ -]?\(?|\(?0)[1-9][0-9]{1,2}(\) ?| ?- ?)[2-8][0-9]{6,7}$' THEN 'telephone numbers'
	WHEN value ~ '^\+[1-9][0-9 ().-]*[0-9]$' AND length(regexp_replace(value, '[^0-9]', '', 'g')) BETWEEN 8 AND 15 THEN 'telephone numbers'
	WHEN value ~ '^(\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4}$' THEN 'telephone numbers'
	WHEN value ~ '^[2-6][0-9 -]{12,22}$' AND dp_agg.is_bank_card(value) THEN 'numbers of bank cards'
	WHEN value ~ '^[1-8][0-9]{14}$' AND dp_agg.is_citizen_id(value) THEN 'citizen ID numbers'
	WHEN value ~ '^[A-Za-z]{2}[0-9]{2}[0-9A-Za-z ]{11,40}$' AND dp_agg.is_iban(value) THEN 'numbers of bank accounts'
	WHEN value ~ '^[[:alnum:]._%+''-]+@([[:alnum:]-]+\.)+[[:alpha:]]{2,}$' THEN 'mail addresses'
	WHEN value ~ '^((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})$' THEN 'IP addresses'
	WHEN value ~* '^([0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}$' AND value ~ '^([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}$|::' THEN 'IP addresses'
	WHEN value ~* '^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$' THEN 'device addresses'
	WHEN value ~* '^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$' AND value ~* '[a-f]' THEN 'pseudonyms'
	WHEN value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN 'pseudonyms'
	WHEN value ~ '^[0-9]{1,4} ?(-|~|to|\u2013|\uff5e|\u81f3) ?[0-9]{1,4}\u5c81?$|^([<>]=?|\u2264|\u2265) ?[0-9]+$|^[0-9]+ ?(\+|\u5c81?\u4ee5\u4e0a)$' THEN 'ranges'
	END
$$;

COMMENT ON FUNCTION dp_agg.value_pattern(text) IS
'internal: what a value looks like, as in "telephone numbers"; NULL if like nothing in particular';

CREATE FUNCTION dp_agg.name_meaning(name name, OUT class text, OUT processing text, OUT meaning text)
AS 'MODULE_PATHNAME', 'dp_name_meaning' LANGUAGE C STABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.name_meaning(name) IS
'internal: what a column of a name holds, by English and Chinese words; NULLs if the name says nothing';

CREATE FUNCTION dp_agg.suggest_class(column_name name, type oid, is_unit boolean, readable bigint, filled bigint,
									 different bigint, pattern text, matching bigint, remaining integer,
									 OUT class text, OUT processing text, OUT left_over integer, OUT reason text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	named record;
	of_values record;
	evidence text[] := '{}';
BEGIN
	SELECT * INTO named FROM dp_agg.name_meaning(column_name);
	SELECT * INTO of_values FROM (VALUES
		-- what values look like, its class, processing, and how many must look so
		('citizen ID numbers', 'direct_identifier', 'raw', 1),
		('telephone numbers', 'direct_identifier', 'raw', 2),
		('numbers of bank cards', 'direct_identifier', 'raw', 5),	-- one number in ten has the right digit by chance
		('numbers of bank accounts', 'direct_identifier', 'raw', 2),
		('mail addresses', 'direct_identifier', 'raw', 1),
		('device addresses', 'direct_identifier', 'raw', 1),
		('IP addresses', 'quasi_identifier', 'raw', 1),
		('pseudonyms', 'direct_identifier', 'pseudonymised', 1),
		('masked values', 'direct_identifier', 'masked', 1),
		('ranges', NULL, 'generalised', 1)) v (pattern, class, processing, least)
	 WHERE v.pattern = suggest_class.pattern AND matching >= v.least AND matching >= 0.8 * filled;

	IF type IN ('inet'::regtype, 'cidr'::regtype) THEN
		SELECT 'quasi_identifier', 'raw' INTO class, processing;
		evidence := evidence || format('its type is %s', format_type(type, NULL));
	ELSIF type IN ('macaddr'::regtype, 'macaddr8'::regtype) THEN
		SELECT 'direct_identifier', 'raw' INTO class, processing;
		evidence := evidence || format('its type is %s', format_type(type, NULL));
	ELSIF type = 'uuid'::regtype AND of_values.pattern IS NULL THEN
		SELECT 'direct_identifier', 'pseudonymised' INTO class, processing;
		evidence := evidence || 'its type is uuid'::text;
	END IF;

	-- A name alone makes no identifier of dates, yes and no, or a handful of different values.
	IF named.class = 'direct_identifier' AND
		(type NOT IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype, 'smallint'::regtype,
					  'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'uuid'::regtype)
		 OR (filled >= 20 AND different <= 10)) THEN
		SELECT NULL, NULL, NULL INTO named.class, named.processing, named.meaning;
	END IF;
	IF named.class IS NOT NULL THEN
		class := COALESCE(class, named.class);
		processing := COALESCE(processing, named.processing);
		evidence := evidence || format('its name speaks of %s', named.meaning);
	END IF;
	IF of_values.pattern IS NOT NULL AND (of_values.class IS NOT NULL OR named.class IS NOT NULL) THEN
		-- what was done to values shows in them, what they were may only show in the name
		IF of_values.processing = 'raw' OR class IS NULL THEN
			class := of_values.class;
		END IF;
		processing := of_values.processing;
		IF processing = 'masked' THEN
			left_over := remaining;
		END IF;
		evidence := evidence || format('%s of %s values read are %s%s', matching, filled, pattern,
			CASE WHEN processing = 'masked' THEN format(', of which at most %s characters remain', remaining) ELSE '' END);
	END IF;
	IF is_unit THEN
		processing := CASE WHEN class = 'direct_identifier' THEN processing ELSE 'pseudonymised' END;
		class := 'direct_identifier';
		evidence := evidence || 'it is the unit of a protected relation'::text;
	END IF;
	IF class IS NULL THEN
		RETURN;
	END IF;
	IF class = 'direct_identifier' AND filled > 1 THEN
		evidence := evidence || CASE WHEN different = filled THEN format('all %s values read differ', filled)
									 ELSE format('%s of %s values read differ', different, filled) END;
	END IF;
	reason := array_to_string(evidence, '; ') ||
		CASE WHEN readable IS NULL THEN ' (no data were read)' ELSE format(' (%s rows were read)', readable) END;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_class(name, oid, boolean, bigint, bigint, bigint, text, bigint, integer) IS
'internal: the class that name, type and what was counted of its values suggest for a column; NULLs if nothing does';

CREATE FUNCTION dp_agg.suggest_classes(relation regclass, sample_rows integer DEFAULT 10000)
RETURNS TABLE (column_name name, class text, processing text, reason text, command text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	attribute record;
	type oid;
	sample record;
	nothing constant text := 'SELECT NULL::bigint AS readable, NULL::bigint AS filled, NULL::bigint AS different, NULL::text AS pattern, NULL::bigint AS matching, NULL::integer AS remaining';
	suggestion record;
BEGIN
	IF relation IS NULL OR sample_rows IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'relation and sample_rows must not be NULL';
	END IF;
	IF sample_rows NOT BETWEEN 0 AND 1000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'sample_rows must be from 0 to 1000000',
			HINT = 'With 0 no data are read: names and types are all that counts.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_class WHERE oid = relation AND oid >= 16384 AND relkind IN ('r', 'p', 'm', 'f')) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('columns of "%s" cannot be classified', relation),
			DETAIL = 'Only those of tables, partitioned tables, foreign tables and materialized views can.',
			HINT = 'Classify the columns of the tables below a view.';
	END IF;
	FOR attribute IN
		SELECT a.attname, a.attnum, a.atttypid,
			   EXISTS (SELECT FROM pg_seclabel s WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass
						  AND s.objoid = a.attrelid AND s.objsubid = a.attnum AND s.label::jsonb ? 'unit') AS is_unit
		  FROM pg_attribute a
		 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
		   AND NOT EXISTS (SELECT FROM pg_seclabel s WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass
							  AND s.objoid = a.attrelid AND s.objsubid = a.attnum AND s.label::jsonb ? 'class')
		 ORDER BY a.attnum
	LOOP
		type := dp_agg.base_type(attribute.atttypid);
		EXECUTE nothing INTO sample;
		-- Only values of built-in types are read: the cast of another one would be its maker's code.
		IF sample_rows > 0 AND type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'name'::regtype,
				'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'uuid'::regtype) AND
			has_column_privilege(relation, attribute.attnum, 'SELECT') THEN
			BEGIN
				EXECUTE format('WITH sample AS MATERIALIZED (SELECT left(%I::text, 100) AS v FROM %s LIMIT %s),
					judged AS MATERIALIZED (SELECT v, dp_agg.value_pattern(v) AS p FROM sample WHERE v <> ''''),
					best AS (SELECT p, count(*) AS n FROM judged WHERE p IS NOT NULL GROUP BY p ORDER BY n DESC, p LIMIT 1)
					SELECT (SELECT count(*) FROM sample) AS readable, (SELECT count(*) FROM judged) AS filled,
						   (SELECT count(DISTINCT v) FROM judged) AS different, best.p AS pattern, best.n AS matching,
						   (SELECT max(length(regexp_replace(regexp_replace(v, ''[Xx#]{3,}'', '''', ''g''), ''[[:space:][:punct:]\uff0a\u2022\u25cf]'', '''', ''g'')))
							  FROM judged WHERE p = ''masked values'') AS remaining
					  FROM (SELECT) one LEFT JOIN best ON true',
					attribute.attname, relation, sample_rows) INTO sample;
			EXCEPTION WHEN OTHERS THEN
				-- an error may name a value; what cannot be read is not read
				EXECUTE nothing INTO sample;
			END;
		END IF;
		SELECT * INTO suggestion
		  FROM dp_agg.suggest_class(attribute.attname, type, attribute.is_unit, sample.readable, sample.filled,
									sample.different, sample.pattern, sample.matching, sample.remaining);
		CONTINUE WHEN suggestion.class IS NULL;
		RETURN QUERY SELECT attribute.attname::name, suggestion.class, suggestion.processing, suggestion.reason,
			format('SELECT dp_agg.classify(%L, %L, %L%s%s);', relation::text, attribute.attname, suggestion.class,
				   CASE WHEN suggestion.processing <> 'raw' THEN format(', %L', suggestion.processing) END,
				   CASE WHEN suggestion.left_over IS NOT NULL THEN format(', remaining => %s', suggestion.left_over) END);
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_classes(regclass, integer) IS
'proposes classes for the columns of a relation that have none yet, by their names (English and Chinese), types, and by what values look like in up to sample_rows rows (0 .. 1000000; 0: no data are read); reads data as the caller may, shows none, and says in reason whether data were read; command is ready to run; errors: 22004 NULL, 22023 out of range, 42809 a view';

-- ----------------------------------------------------------------------------
-- Limits that nobody has to guess.  suggest() measures privately what protect(), set_bounds() and
-- set_total() want to know: how many rows, groups and sums of what size individuals have.
-- That is one release, of histograms over one row per individual; all else here is arithmetic over
-- what it returned.  Which columns are asked about follows from
-- names, types, declarations and foreign keys, never from data.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.plain_numbers(lowest integer, highest integer, steps numeric[]) RETURNS double precision[]
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT array_agg((s || 'e' || k)::double precision ORDER BY k, s)
	  FROM generate_series(lowest, highest - 1) k, unnest(steps) s
$$;

COMMENT ON FUNCTION dp_agg.plain_numbers(integer, integer, numeric[]) IS
'internal: the numbers from 10^least to less than 10^most that are one of steps times a power of ten';

CREATE FUNCTION dp_agg.suggested_numbers() RETURNS double precision[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT dp_agg.plain_numbers(-2, 15, '{1,1.2,1.5,2,2.5,3,4,5,6,8}') $$;

COMMENT ON FUNCTION dp_agg.suggested_numbers() IS
'internal: the round numbers that suggest() chooses limits and bounds from, in their order';

CREATE FUNCTION dp_agg.suggest_columns(relation regclass, unit name[], columns name[])
RETURNS TABLE (column_name name, type oid, typmod integer, is_date boolean, is_key boolean, is_number boolean, adds_up boolean, left_out boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH candidate AS (
		SELECT a.attname, a.attnum, dp_agg.base_type(a.atttypid) AS type, a.atttypmod, l.label,
			   '_' || lower(regexp_replace(a.attname, '([a-z0-9])([A-Z])', '\1_\2', 'g')) || '_' AS words,
			   a.attname = ANY (columns) AS asked
		  FROM pg_attribute a
		  LEFT JOIN LATERAL (SELECT s.label::jsonb AS label FROM pg_seclabel s
							  WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass
								AND s.objoid = a.attrelid AND s.objsubid = a.attnum) l ON true
		 WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (unit)
		   AND dp_agg.type_use(a.atttypid) IS NOT NULL AND NOT dp_agg.is_direct_identifier(relation, a.attnum)
		   AND NOT EXISTS (SELECT FROM pg_collation o WHERE o.oid = a.attcollation AND (o.oid >= 16384 OR NOT o.collisdeterministic))
		   AND (l.label ? 'open' OR NOT EXISTS (
				SELECT FROM dp_agg.protected_relations p
				 WHERE p.relation = suggest_columns.relation AND p.columns IS NOT NULL))),
	typed AS (
		SELECT c.*, m.class, m.meaning,
			   c.type = ANY ('{date,timestamp,timestamptz}'::regtype[]) AS is_date,
			   c.type = ANY ('{text,varchar,bpchar}'::regtype[]) AS is_text,
			   c.type = ANY ('{smallint,integer,bigint,real,double precision,numeric}'::regtype[]) AS is_number
		  FROM candidate c, LATERAL dp_agg.name_meaning(c.attname) m
		 WHERE c.asked OR columns IS NULL),
	judged AS (
		SELECT t.*, t.is_date OR t.is_text OR t.type = 'boolean'::regtype OR COALESCE(t.label ? 'domain', false) OR
			   (SELECT y.typtype = 'e' FROM pg_type y WHERE y.oid = t.type) OR
			   -- numbers that stand for something
			   (t.is_number AND
				(t.words ~ '_(id|key|code|no|nr|number|type|kind|class|category|status|state|flag|year|month|day|week|weekday|quarter|hour)_$' OR
				 COALESCE(t.class = 'quasi_identifier' AND t.meaning <> 'an age', false) OR
				 EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = relation AND t.attnum = ANY (f.conkey)))) AS is_key
		  FROM typed t
		 WHERE t.asked OR t.is_date OR
			   ((t.class IS DISTINCT FROM 'direct_identifier' OR NOT (t.is_text OR t.is_number)) AND
				t.words !~ '_(notes?|comments?|description|remarks?|message|text|title|ur[il]|path|hash|token)_$')),
	counted AS (
		SELECT j.*, j.is_number AND (NOT j.is_key OR COALESCE(j.asked, false)) AS has_bounds,
			   -- dates, then flags, as of char(1), then what has few values by its type, then texts
			   row_number() OVER (ORDER BY j.is_date DESC, NOT (j.type = 'bpchar'::regtype AND j.atttypmod BETWEEN 5 AND 7), j.is_text, j.attnum) AS place
		  FROM judged j WHERE j.is_key OR j.is_number),
	ranked AS (
		SELECT c.*, NOT c.is_date OR count(*) FILTER (WHERE c.is_date) OVER before <= 4 AS date_fits,
			   NOT c.is_key OR count(*) FILTER (WHERE c.is_key) OVER before <= 6 AS key_fits,
			   NOT c.has_bounds OR count(*) FILTER (WHERE c.has_bounds) OVER before <= CASE WHEN columns IS NULL THEN 8 ELSE 24 END AS number_fits
		  FROM counted c WINDOW before AS (ORDER BY c.place))
	SELECT r.attname, r.type, r.atttypmod, r.is_date AND r.date_fits, r.is_key AND r.key_fits, r.has_bounds AND r.number_fits,
		   r.words !~ '_(age|year|rate|price|percent(age)?|pct|score|grade|rank|level|ratio|share|lat|latitude|lon|lng|longitude|temperature|height|weight|bmi|avg|average|mean|median|min|max)_',
		   NOT (r.date_fits AND r.key_fits AND r.number_fits)
	  FROM ranked r
	 ORDER BY r.place
$$;

COMMENT ON FUNCTION dp_agg.suggest_columns(regclass, name[], name[]) IS
'internal: the columns (of columns; NULL: of all) that suggest() asks about: up to 4 dates, 6 keys that a query may group by, dates first, and 8 numbers (24 of columns), which add up or not; left_out: one too many of these; from names, types, declarations and foreign keys';

-- Upper ends of buckets; the last one is open.  Years are the first of their buckets.
CREATE FUNCTION dp_agg.suggest_edges(kind text, type oid, typmod integer) RETURNS double precision[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	steps constant numeric[] := '{1,1.5,2.5,4,6}';
	small constant double precision[] := '{1,2,3,4,5,6,8}';		-- whole numbers below 10
	declared constant boolean := type = 'numeric'::regtype AND typmod >= 4;
	scale integer := CASE WHEN declared THEN (((typmod - 4) & 2047) # 1024) - 1024
						  WHEN type = ANY ('{smallint,integer,bigint}'::regtype[]) THEN 0 ELSE 2 END;
	digits integer := CASE WHEN declared THEN ((typmod - 4) >> 16) - scale
						   WHEN type = 'smallint'::regtype THEN 5 WHEN type = 'integer'::regtype THEN 10 ELSE 12 END;
	highest integer := GREATEST(2, LEAST(digits + CASE kind WHEN 'total' THEN 2 ELSE 0 END, 14));
BEGIN
	RETURN CASE
		WHEN kind IN ('rows', 'group_rows', 'groups', 'norm') THEN
			small || dp_agg.plain_numbers(1, 6, steps)
		WHEN kind = 'date' THEN
			(SELECT array_agg(y::double precision ORDER BY y) FROM generate_series(1900, 2100) y
			  WHERE y % 10 = 0 OR y BETWEEN 1970 AND 2040)
		WHEN scale <= 0 THEN small || dp_agg.plain_numbers(1, highest, steps)
		ELSE dp_agg.plain_numbers(-LEAST(scale, 2), highest, steps)
	END;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_edges(text, oid, integer) IS
'internal: the ends of the buckets in which suggest() counts individuals; of a value and a total those above zero, which stand below zero, too';

-- value is computed of all rows of an individual; where it is NULL, it comes from suggest_keys().
CREATE FUNCTION dp_agg.suggest_parts(relation regclass, unit name[], columns name[], several boolean)
RETURNS TABLE (nr bigint, kind text, column_name name, value text, edges double precision[])
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH asked AS (
		-- what is infinite or no number is left aside
		SELECT c.*, CASE WHEN c.type NOT IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype)
						 THEN format(' FILTER (WHERE abs(%I) < ''Infinity'')', c.column_name) ELSE '' END AS finite
		  FROM dp_agg.suggest_columns(relation, unit, columns) c),
	part (kind, column_name, type, typmod, value) AS (
		SELECT 'rows', NULL::name, NULL::oid, 0, 'count(*)' WHERE several
		UNION ALL
		SELECT k.kind, NULL, NULL, 0, NULL FROM (VALUES ('group_rows'), ('groups'), ('norm')) k (kind)
		 WHERE several AND EXISTS (SELECT FROM asked a WHERE a.is_key)
		UNION ALL
		SELECT 'total', a.column_name, a.type, a.typmod, format('sum(%I)%s', a.column_name, a.finite)
		  FROM asked a WHERE a.is_number AND a.adds_up AND several
		UNION ALL
		-- of each individual the value that is farthest from zero; where there are two, one as its sum is even or odd
		SELECT 'value', a.column_name, a.type, a.typmod,
			   format('CASE WHEN sign(-(min(%1$I)%2$s)::double precision - (max(%1$I)%2$s)::double precision) * 2 + mod(floor(abs(sum(%1$I)%2$s)::numeric), 2)::double precision > 0 THEN min(%1$I)%2$s ELSE max(%1$I)%2$s END', a.column_name, a.finite)
		  FROM asked a WHERE a.is_number
		UNION ALL
		-- the first date of about half of the individuals, and the last one of the others
		SELECT 'date', a.column_name, a.type, a.typmod,
			   format('extract(year FROM CASE WHEN mod(floor(extract(julian FROM max(%1$I)::timestamp)), 2) = 0 THEN min(%1$I) ELSE max(%1$I) END)', a.column_name)
		  FROM asked a WHERE a.is_date)
	SELECT row_number() OVER (), p.kind, p.column_name, p.value, dp_agg.suggest_edges(p.kind, p.type, p.typmod)
	  FROM part p
$$;

COMMENT ON FUNCTION dp_agg.suggest_parts(regclass, name[], name[], boolean) IS
'internal: what suggest() measures of individuals, a histogram each, whose edges are upper ends of buckets; several: may an individual have more than one row?';

CREATE FUNCTION dp_agg.suggest_unit(unit name[], OUT columns text, OUT names text, OUT named text) LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT string_agg(quote_ident(u), ', ' ORDER BY i), string_agg('u' || i, ', ' ORDER BY i), string_agg(format('%I AS u%s', u, i), ', ' ORDER BY i)
	  FROM unnest(unit) WITH ORDINALITY t (u, i)
$$;

COMMENT ON FUNCTION dp_agg.suggest_unit(name[]) IS
'internal: the columns of a unit, as lists for a query in which they are called u1, u2 ...';

-- Of a linked relation, its rows with the unit that is at the end of its links.
CREATE FUNCTION dp_agg.suggest_source(relation regclass, unit name[], columns name[], OUT source text, OUT members name[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	chain text := '';
	below text := 't';
	above record;
BEGIN
	SELECT p.link, p.parent, p.parent_key INTO above FROM dp_agg.protected_relations p WHERE p.relation = suggest_source.relation AND p.link IS NOT NULL;
	IF NOT FOUND THEN
		source := relation::text;
		members := unit;
		RETURN;
	END IF;
	FOR step IN 1 .. 8 LOOP
		chain := chain || format(' JOIN %s p%s ON %s', above.parent, step,
								 (SELECT string_agg(format('p%s.%I = %s.%I', step, k, below, l), ' AND ') FROM unnest(above.link, above.parent_key) u (l, k)));
		below := 'p' || step;
		SELECT p.link, p.parent, p.parent_key, p.unit INTO above FROM dp_agg.protected_relations p WHERE p.relation = to_regclass(above.parent);
		EXIT WHEN above.unit IS NOT NULL;
	END LOOP;
	members := ARRAY(SELECT format('dp_unit%s', i) FROM generate_series(1, cardinality(above.unit)) i);
	source := format('(SELECT %s FROM %s t%s) source',
					 (SELECT string_agg(c, ', ') FROM (
						SELECT format('t.%I', s.column_name) AS c FROM dp_agg.suggest_columns(relation, unit, columns) s
						UNION ALL
						SELECT format('%s.%I AS %I', below, u, m) FROM unnest(above.unit, members) v (u, m)) l),
					 relation, chain);
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_source(regclass, name[], name[]) IS
'internal: what suggest() reads, as an item of FROM, and the columns of it that are the unit';

CREATE FUNCTION dp_agg.suggest_keys(relation regclass, unit name[], columns name[]) RETURNS TABLE (nr bigint, item text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT k.nr, format(' JOIN (SELECT %1$s, max(n) AS group_rows, count(*) AS groups, sqrt(sum(n * n)::double precision) AS norm FROM (SELECT %2$s, count(*) AS n FROM %3$s GROUP BY %4$s, %5$s) s GROUP BY %1$s) k%6$s USING (%1$s)',
						u.names, u.named, f.source, u.columns,
						CASE WHEN k.is_date THEN format('date_trunc(''month'', %I::timestamp)', k.column_name) ELSE quote_ident(k.column_name) END,
						k.nr)
	  FROM (SELECT c.*, row_number() OVER () AS nr FROM dp_agg.suggest_columns(relation, unit, columns) c WHERE c.is_key) k,
		   dp_agg.suggest_source(relation, unit, columns) f, dp_agg.suggest_unit(f.members) u
$$;

COMMENT ON FUNCTION dp_agg.suggest_keys(regclass, name[], name[]) IS
'internal: joins to the most rows in one group, the number of groups (groups), and the root of the sum of squares of the rows in each (norm), of each individual, by each of the keys; dates are keys by month';

CREATE FUNCTION dp_agg.suggest_query(relation regclass, unit name[], columns name[], several boolean, epsilon numeric, delta numeric)
RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	part record;
	thresholds double precision[];
	operand text;
	outputs text[] := '{}';
	own text := '';
	items text := '';
BEGIN
	FOR part IN SELECT * FROM dp_agg.suggest_parts(relation, unit, columns, several) LOOP
		IF part.value IS NOT NULL THEN
			operand := format('a.v%s', part.nr);
			own := own || format(', %s AS v%s', part.value, part.nr);
		ELSE
			-- the norm is that of the first key: a query has one, and dates come first
			SELECT format('greatest(%s)', string_agg(format('k%s.%s', k.nr, part.kind), ', ') FILTER (WHERE k.nr = 1 OR part.kind <> 'norm')),
				   string_agg(k.item, '' ORDER BY k.nr)
			  INTO operand, items
			  FROM dp_agg.suggest_keys(relation, unit, columns) k;
		END IF;
		thresholds := part.edges;
		IF part.kind <> 'date' THEN
			operand := format('%s * %s', operand, 1 - 1e-12);	-- a number that is the end of a bucket belongs to it
		END IF;
		IF part.kind IN ('total', 'value') THEN
			thresholds := ARRAY(SELECT -x FROM unnest(part.edges) x ORDER BY x DESC) || thresholds;
		END IF;
		outputs := outputs || format('to_jsonb(@extschema@.dp_histogram(width_bucket((%s)::double precision, %L::double precision[]), -0.5, %s.5, %s))',
									 operand, thresholds, cardinality(thresholds), cardinality(thresholds) + 1);
	END LOOP;
	RETURN (SELECT format('SELECT jsonb_build_array(%s) FROM (SELECT %s%s FROM %s GROUP BY %s) a%s WHERE @extschema@.dp_with(%s, %s, 1, 1, 1)',
						  array_to_string(outputs, ', '), u.named, own, f.source, u.columns, items, epsilon, delta)
			  FROM dp_agg.suggest_source(relation, unit, columns) f, dp_agg.suggest_unit(f.members) u);
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_query(regclass, name[], name[], boolean, numeric, numeric) IS
'internal: the release that measures what suggest() asks; NULL if that is nothing';

-- The labels of a table that is not protected yet go with the subtransaction.  What the release costs stays.
CREATE FUNCTION dp_agg.suggest_measure(relation regclass, unit name[], population name, query text) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	measured jsonb;
BEGIN
	IF EXISTS (SELECT FROM dp_agg.protected_relations p WHERE p.relation = suggest_measure.relation) THEN
		EXECUTE query INTO measured;
		RETURN measured;
	END IF;
	BEGIN
		EXECUTE format('SECURITY LABEL FOR dp_agg ON %s IS %L', dp_agg.label_object(relation),
					   jsonb_build_object('population', population, 'unit_columns', cardinality(unit)));
		FOR i IN 1 .. cardinality(unit) LOOP
			PERFORM dp_agg.label_column(relation, unit[i], '{}', jsonb_build_object('unit', i));
		END LOOP;
		EXECUTE query INTO measured;
		RAISE SQLSTATE 'DP000';
	EXCEPTION WHEN SQLSTATE 'DP000' THEN
		RETURN measured;
	END;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_measure(regclass, name[], name, text) IS
'internal: what the release of suggest() returns; protects the relation for as long as it runs';

-- Counts have noise in every bucket, and in a far bucket what one individual has would outweigh
-- all others: buckets count up to the first that does not stand out of the noise above the fullest
-- one, or above one that stands out by far.  How many individuals lie beyond is guessed from how counts fall below: C0 individuals
-- in (x/2.5, x], C1 in (x/2.5^2, x/2.5] and C2 before that, with the ratio of C1/C0 to C2/C1 the same again
-- each time, as in a normal distribution of logarithms, but never less than a power of -1.6 has.
CREATE FUNCTION dp_agg.suggest_tail(counts bigint[], edges double precision[], noise double precision,
									OUT points double precision[], OUT individuals double precision[], OUT errors double precision[])
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	step constant double precision := 2.5;
	quarters constant double precision[] := '{0.125,0.375,0.625,0.875}';
	endless boolean;
	last integer := GREATEST(array_position(counts, (SELECT max(c) FROM unnest(counts) c)),
							 (SELECT max(i) FROM unnest(counts) WITH ORDINALITY u (c, i) WHERE c >= 10 * noise));
	highest double precision;
	below double precision[];
	fall double precision;
	bend double precision := 0;
	beyond double precision;
BEGIN
	WHILE last < cardinality(edges) AND counts[last + 1] >= 5 * noise LOOP
		last := last + 1;
	END LOOP;
	endless := last > cardinality(edges);
	last := LEAST(last, cardinality(edges));
	highest := edges[last];
	points := ARRAY[edges[1]];
	individuals := ARRAY[counts[1]];
	errors := ARRAY[noise];
	FOR i IN 2 .. last LOOP
		IF edges[i] - edges[i - 1] = 1 THEN		-- a whole number
			points := points || edges[i];
			individuals := individuals || counts[i]::double precision;
			errors := errors || noise;
		ELSE
			points := points || (SELECT array_agg(edges[i - 1] * power(edges[i] / edges[i - 1], q)) FROM unnest(quarters) q);
			individuals := individuals || array_fill(counts[i] / 4.0::double precision, '{4}');
			errors := errors || array_fill(noise / 2, '{4}');
		END IF;
	END LOOP;
	IF endless THEN		-- nothing is known of what is in the last bucket but that it lies above
		points := points || highest * step;
		individuals := individuals || counts[last + 1]::double precision;
		errors := errors || noise;
		RETURN;
	END IF;
	below := (SELECT array_agg((SELECT COALESCE(sum(i), 0) FROM unnest(points, individuals) p (v, i)
								 WHERE v > highest / power(step, w + 1) AND v <= highest / power(step, w) * (1 + 1e-9)) ORDER BY w)
				FROM generate_series(0, 2) w);
	-- too little is seen of the fall, or there is none: the values end here
	IF highest / step <= edges[1] * 1.001 OR below[1] <= 0 OR below[2] <= below[1] * sqrt(step) THEN
		RETURN;
	END IF;
	fall := ln(below[2] / below[1]);
	IF highest / power(step, 3) >= edges[1] * 0.999 AND below[3] > 0 THEN
		bend := GREATEST(0, fall - ln(below[3] / below[2]));
	END IF;
	fall := GREATEST(fall, 1.6 * ln(step));
	-- more would have been seen
	beyond := LEAST(below[1], 10 * noise * exp(fall));
	FOR w IN 0 .. 11 LOOP
		fall := LEAST(fall + bend, 10);
		beyond := beyond * exp(-fall);
		EXIT WHEN beyond < 1;
		points := points || (SELECT array_agg(highest * power(step, w + q)) FROM unnest(quarters) q);
		individuals := individuals || array_fill(beyond / 4, '{4}');
		errors := errors || array_fill(beyond / 2, '{4}');
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_tail(bigint[], double precision[], double precision) IS
'internal: how many individuals lie at which values, with standard errors, from noisy counts of them in buckets; noise is the standard error of a count';

-- A sum over a group has noise of standard error sqrt(2) T/epsilon where an individual counts with
-- at most T in the whole release, and of what is cut off a group misses its part.
-- As many individuals as the noise of one bucket may be beyond, unseen: the standard error counts them.
CREATE FUNCTION dp_agg.suggest_limit(points double precision[], individuals double precision[], errors double precision[],
									 candidates double precision[], groups integer,
									 OUT value double precision, OUT cuts_off double precision, OUT standard_error double precision)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t, over / total, sqrt(variance + power(errors[1] * t / 2, 2)) / total
	  FROM unnest(candidates) t,
		   LATERAL (SELECT sum(GREATEST(p - t, 0) * i) AS over, sum(power(GREATEST(p - t, 0) * e, 2)) AS variance,
						   nullif(sum(p * i), 0) AS total
					  FROM unnest(points, individuals, errors) u (p, i, e)) s
	 WHERE total > 0
	 -- what is cut off counts more than noise: an interval around an answer says nothing of it
	 ORDER BY 2 * t * t + 1.9 * power(over / groups, 2), t LIMIT 1
$$;

COMMENT ON FUNCTION dp_agg.suggest_limit(double precision[], double precision[], double precision[], double precision[], integer) IS
'internal: the limit of an individual''s share in sums over so many groups, at epsilon 1, at which noise and, with more weight, what is cut off are least together; the share that it cuts off';

-- Gaussian noise has a standard error of t/epsilon where the root of the sum of squares of what an individual adds
-- to groups is at most t.  Few have norms that are large, too few to be seen one by one; but who has
-- many rows is seen, and how norms of these compare with their rows: by the individuals of the largest norms, as many as stand out,
-- and as many of those with most rows.  Whose rows are more than t divided by that is cut off.
CREATE FUNCTION dp_agg.suggest_ratio(edges double precision[], counts bigint[], norm_counts bigint[], noise double precision, groups integer)
RETURNS double precision LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH rows_of AS (
		SELECT p, sum(i) OVER (ORDER BY p DESC) AS many
		  FROM dp_agg.suggest_tail(counts, edges, noise) t, unnest(t.points, t.individuals) u (p, i)),
	longest AS (
		SELECT p, many
		  FROM (SELECT p, sum(i) OVER (ORDER BY p DESC) AS many
				  FROM dp_agg.suggest_tail(norm_counts, edges, noise) t, unnest(t.points, t.individuals) u (p, i)) s
		 WHERE many >= 20 * noise ORDER BY p DESC LIMIT 1)
	SELECT GREATEST(LEAST(max(longest.p) / max(r.p), 1), 1 / sqrt(groups))
	  FROM longest, rows_of r WHERE r.many >= longest.many
$$;

COMMENT ON FUNCTION dp_agg.suggest_ratio(double precision[], bigint[], bigint[], double precision, integer) IS
'internal: how the largest norms of rows over groups that stand out compare with as many of the largest numbers of rows, at most 1; NULL if none stands out';

CREATE FUNCTION dp_agg.suggest_norm(points double precision[], individuals double precision[], errors double precision[],
									ratio double precision, candidates double precision[], groups integer,
									OUT value double precision, OUT cuts_off double precision, OUT standard_error double precision)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t, over / total, sqrt(variance + power(errors[1] * t / ratio / 2, 2)) / total
	  FROM unnest(candidates) t,
		   LATERAL (SELECT sum(GREATEST(p - t / ratio, 0) * i) AS over, sum(power(GREATEST(p - t / ratio, 0) * e, 2)) AS variance,
						   nullif(sum(p * i), 0) AS total
					  FROM unnest(points, individuals, errors) u (p, i, e)) s
	 WHERE total > 0 AND ratio > 0
	 ORDER BY t * t + power(over / groups, 2), t LIMIT 1
$$;

COMMENT ON FUNCTION dp_agg.suggest_norm(double precision[], double precision[], double precision[], double precision, double precision[], integer) IS
'internal: the norm of an individual''s share in so many groups, at epsilon 1, at which Gaussian noise and what is cut off are least together, where norms are ratio times what it has in all; the share that it cuts off';

CREATE FUNCTION dp_agg.suggest_quantile(points double precision[], individuals double precision[], errors double precision[],
										candidates double precision[], beyond double precision, everybody double precision,
										OUT value double precision, OUT cuts_off double precision, OUT standard_error double precision)
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t, above / everybody, sqrt(variance + power(errors[1], 2)) / everybody
	  FROM unnest(candidates) t,
		   LATERAL (SELECT COALESCE(sum(i), 0) AS above, COALESCE(sum(e * e), 0) AS variance
					  FROM unnest(points, individuals, errors) u (p, i, e) WHERE p > t) s
	 WHERE points IS NOT NULL AND everybody > 0
	 ORDER BY above <= beyond * everybody DESC, CASE WHEN above <= beyond * everybody THEN t ELSE -t END LIMIT 1
$$;

COMMENT ON FUNCTION dp_agg.suggest_quantile(double precision[], double precision[], double precision[], double precision[], double precision, double precision) IS
'internal: the least candidate beyond which there is at most a share of everybody, and the share that is beyond it';

-- Of a thousand empty buckets one does so once in 2,700 times.
CREATE FUNCTION dp_agg.stands_out(counts bigint[], noise double precision) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT bool_or(c >= 10 * noise) FROM unnest(counts) c $$;

COMMENT ON FUNCTION dp_agg.stands_out(bigint[], double precision) IS
'internal: is one of the counts larger than noise of that standard error makes it?';

CREATE FUNCTION dp_agg.suggest_bounds(kind text, type oid, typmod integer, mean_rows double precision, counts bigint[], edges double precision[], noise double precision,
									  OUT lower text, OUT upper text, OUT cuts_off double precision, OUT standard_error double precision)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := cardinality(edges);
	candidates constant double precision[] := ARRAY(SELECT c FROM unnest(dp_agg.suggested_numbers()) c
													 WHERE c = trunc(c) OR type <> ALL ('{smallint,integer,bigint}'::regtype[]));
	everybody constant double precision := (SELECT nullif(sum(c), 0) FROM unnest(counts) c);
	most double precision := CASE
		WHEN type = 'smallint'::regtype THEN 32767 WHEN type = 'integer'::regtype THEN 2147483647
		WHEN type = 'numeric'::regtype AND typmod >= 4 THEN power(10, ((typmod - 4) >> 16) - ((((typmod - 4) & 2047) # 1024) - 1024))
		ELSE 1e15 END;
	-- one value in a thousand is, and an individual has the farthest of its own
	beyond constant double precision := LEAST(0.001 * mean_rows, 0.05);
	first integer;
	last integer;
	side record;
BEGIN
	IF everybody IS NULL THEN
		RETURN;
	ELSIF kind = 'date' THEN
		-- years that stand out, and one more on each side
		SELECT min(i), max(i) INTO side FROM unnest(counts) WITH ORDINALITY u (c, i) WHERE c >= 10 * noise;
		IF side.min IS NULL THEN
			RETURN;
		END IF;
		last := LEAST(GREATEST(side.min - 2, 1), size - 1);
		lower := edges[last] || '-01-01';
		upper := edges[LEAST(side.max + 1, size)] || '-01-01';
		SELECT GREATEST(0, sum(c) - count(*) * noise / sqrt(8)) / everybody, noise * sqrt(count(*)) / everybody
		  INTO cuts_off, standard_error
		  FROM unnest(counts) WITH ORDINALITY u (c, i) WHERE i <= last OR i > LEAST(side.max + 1, size);
		standard_error := COALESCE(standard_error, 0);
		cuts_off := COALESCE(cuts_off, 0);
		RETURN;
	END IF;

	-- the bucket around zero is the first of both sides
	SELECT q.* INTO side
	  FROM dp_agg.suggest_tail(counts[size + 1:], edges, noise) t,
		   dp_agg.suggest_quantile(t.points, t.individuals, t.errors, candidates, beyond, everybody) q;
	upper := trim_scale(LEAST(side.value, most)::numeric);
	cuts_off := side.cuts_off;
	standard_error := side.standard_error;
	lower := '0';
	-- values may be far from zero, all of them where an individual has one
	first := (SELECT min(i) FROM unnest(counts[size + 1:]) WITH ORDINALITY u (c, i) WHERE c >= 10 * noise);
	IF dp_agg.stands_out(counts[:size], noise) THEN
		SELECT q.* INTO side
		  FROM dp_agg.suggest_tail((SELECT array_agg(c ORDER BY i DESC) FROM unnest(counts[:size + 1]) WITH ORDINALITY u (c, i)), edges, noise) t,
			   dp_agg.suggest_quantile(t.points, t.individuals, t.errors, candidates, beyond, everybody) q;
		lower := '-' || trim_scale(LEAST(side.value, most)::numeric);
		cuts_off := cuts_off + side.cuts_off;
		standard_error := sqrt(power(standard_error, 2) + power(side.standard_error, 2));
		IF NOT dp_agg.stands_out(counts[size + 2:], noise) THEN
			upper := '0';
		END IF;
	ELSIF mean_rows = 1 AND edges[first - 1] >= LEAST(side.value, most) / 4 THEN
		lower := trim_scale(edges[first - 1]::numeric);
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_bounds(text, oid, integer, double precision, bigint[], double precision[], double precision) IS
'internal: bounds of the values of a column, from counts of individuals by their farthest value, or of dates; the share of individuals beyond them';

CREATE FUNCTION dp_agg.suggest_mean(counts bigint[], edges double precision[], noise double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT COALESCE(GREATEST(1, sum(p * i) / nullif(sum(i), 0)), 1)
	  FROM dp_agg.suggest_tail(counts, edges, noise) t, unnest(t.points, t.individuals) u (p, i)
$$;

COMMENT ON FUNCTION dp_agg.suggest_mean(bigint[], double precision[], double precision) IS
'internal: the average number of rows or groups of an individual, at least 1, from noisy counts; 1 if nothing is known';

CREATE FUNCTION dp_agg.bucket_counts(histogram jsonb, noise double precision) RETURNS bigint[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN dp_agg.stands_out(array_agg(c), noise) THEN array_agg(c ORDER BY i) END
	  FROM (SELECT (b ->> 'count')::bigint AS c, i
			  FROM jsonb_array_elements(CASE jsonb_typeof(histogram) WHEN 'array' THEN histogram END) WITH ORDINALITY e (b, i)) u
$$;

COMMENT ON FUNCTION dp_agg.bucket_counts(jsonb, double precision) IS
'internal: the counts of a histogram as json; NULL if it was held back, or if nothing stands out of its noise';

CREATE FUNCTION dp_agg.suggest_nothing() RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 'Nothing can be told at this price: a higher epsilon, fewer columns or more individuals are needed.' $$;

COMMENT ON FUNCTION dp_agg.suggest_nothing() IS
'internal: what suggest() says of what was held back';

CREATE FUNCTION dp_agg.name_list(names name[]) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN cardinality(names) = 1 THEN quote_literal(names[1]) ELSE quote_literal(names) || '::name[]' END
$$;

COMMENT ON FUNCTION dp_agg.name_list(name[]) IS
'internal: names of columns as an argument of protect(), one by itself';

CREATE FUNCTION dp_agg.protect_command(relation regclass, unit name[], population name, max_groups numeric, max_rows numeric, max_total numeric)
RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('SELECT dp_agg.protect(%L, %s, population => %L, max_groups => %s, max_rows => %s%s%s);',
				  relation::text,
				  COALESCE((SELECT format('link => %s, parent => %L, parent_key => %s', dp_agg.name_list(p.link), p.parent, dp_agg.name_list(p.parent_key))
							  FROM dp_agg.protected_relations p WHERE p.relation = protect_command.relation AND p.link IS NOT NULL),
						   format('unit => %s', dp_agg.name_list(unit))),
				  population, max_groups, max_rows, CASE WHEN max_total > 1 THEN ', max_total => ' || max_total END,
				  (SELECT format(', columns => %L', p.columns) FROM dp_agg.protected_relations p
					WHERE p.relation = protect_command.relation AND p.columns IS NOT NULL))
$$;

COMMENT ON FUNCTION dp_agg.protect_command(regclass, name[], name, numeric, numeric, numeric) IS
'internal: a call of protect() that is ready to run, with the columns that the relation opens now';

CREATE FUNCTION dp_agg.suggest_limits(relation regclass, unit name[], population name, groups integer, keys name[],
									  edges double precision[], counts bigint[], group_counts bigint[], groups_counts bigint[], ratio double precision, noise double precision)
RETURNS TABLE (kind text, column_name name, statement text, cuts_off double precision, standard_error double precision, explanation text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	whole constant double precision[] := ARRAY(SELECT w FROM unnest(dp_agg.suggested_numbers()) w WHERE w = trunc(w) AND w <= 1000000);
	by_keys constant text := (SELECT string_agg(format('%I', k), ', ') FROM unnest(keys) k);
	everybody double precision;
	total record;
	group_rows record;
	groups_of_one record;
	norm record;
	max_rows double precision;
BEGIN
	SELECT l.*, t.points, t.individuals, t.errors INTO total
	  FROM dp_agg.suggest_tail(counts, edges, noise) t, dp_agg.suggest_limit(t.points, t.individuals, t.errors, whole, groups) l;
	IF total.value IS NULL THEN
		RETURN QUERY SELECT 'max_total', NULL::name, NULL::text, NULL::double precision, NULL::double precision, dp_agg.suggest_nothing();
		RETURN;
	END IF;
	everybody := (SELECT sum(i) FROM unnest(total.individuals) i);
	-- one group of 200 has more, and the largest group of one individual of 50: by a key that has few values it is all that is
	-- asked about; what was measured is the most that an individual has in any
	SELECT q.* INTO group_rows
	  FROM dp_agg.suggest_tail(group_counts, edges, noise) t,
		   dp_agg.suggest_quantile(t.points, t.individuals, t.errors, whole, LEAST(0.005 * dp_agg.suggest_mean(groups_counts, edges, noise), 0.02), everybody) q;
	SELECT q.* INTO groups_of_one
	  FROM dp_agg.suggest_tail(groups_counts, edges, noise) t,
		   dp_agg.suggest_quantile(t.points, t.individuals, t.errors, whole, 0.05, everybody) q;
	SELECT l.* INTO norm FROM dp_agg.suggest_norm(total.points, total.individuals, total.errors, ratio, whole, groups) l;
	-- counts and sums pay next to nothing for a quarter of the total, or a third of the norm; others pay for all
	max_rows := CASE WHEN keys = '{}' THEN total.value
					 ELSE LEAST(total.value, GREATEST(group_rows.value, (SELECT min(w) FROM unnest(whole) w WHERE w >= LEAST(total.value / 4, GREATEST(2.5 * group_rows.value, COALESCE(0.3 * norm.value, 0)))))) END;
	SELECT q.* INTO group_rows
	  FROM dp_agg.suggest_tail(group_counts, edges, noise) t,
		   dp_agg.suggest_quantile(t.points, t.individuals, t.errors, ARRAY[max_rows], 0, everybody) q;

	RETURN QUERY
	SELECT 'max_total', NULL::name,
		   dp_agg.protect_command(relation, unit, population, COALESCE(groups_of_one.value, 1)::numeric, max_rows::numeric, total.value::numeric),
		   total.cuts_off, total.standard_error,
		   CASE WHEN total.value = 1 THEN 'Nearly every individual has one row. If none has more, a unique index says so, and limits are not needed.'
				ELSE format('max_total %s: rows of an individual that count in a whole release: more would cost more noise than they bring, in counts of %s groups at epsilon 1. It cuts off a share of the rows.', total.value, groups) END
	UNION ALL
	SELECT 'max_rows', NULL, NULL, group_rows.cuts_off, group_rows.standard_error,
		   CASE WHEN keys = '{}' THEN format('max_rows %s: no column looks like a group key, so as many as in the whole release.', max_rows)
				WHEN group_rows.value IS NULL THEN format('max_rows %s: a quarter of max_total. ', max_rows) || dp_agg.suggest_nothing()
				ELSE format('max_rows %s: rows of an individual in one group that count, by the month of dates and by other keys (%s). It cuts off rows of a share of the individuals.', max_rows, by_keys) END
	UNION ALL
	SELECT 'max_groups', NULL, NULL, groups_of_one.cuts_off, groups_of_one.standard_error,
		   CASE WHEN keys = '{}' THEN 'max_groups 1: no column looks like a group key.'
				WHEN groups_of_one.value IS NULL THEN 'max_groups 1. ' || dp_agg.suggest_nothing()
				ELSE format('max_groups %s: groups of an individual, by the same keys, where max_total does not bound them, as in medians. It cuts off groups of a share of the individuals.', groups_of_one.value) END
	UNION ALL
	SELECT 'max_norm', NULL, format('SELECT dp_agg.set_norm(%L, %s);', relation::text, norm.value), norm.cuts_off, norm.standard_error,
		   format('max_norm %s: what max_total is for accounts that add up rho, where noise is Gaussian: the root of the sum of squares of an individual''s rows in each group, by %s.', norm.value,
				  CASE WHEN keys[1] IS NOT NULL THEN format('%I', keys[1]) END)
	 WHERE norm.value < total.value
	UNION ALL
	SELECT 'measured', NULL,
		   format('SELECT dp_agg.set_measured(%L, %L);', relation::text, (
				SELECT array_agg(round((beyond / of_all)::numeric, 4) ORDER BY t)
				  FROM unnest(dp_agg.measured_at()) t,
					   LATERAL (SELECT sum(GREATEST(p - t, 0) * i) AS beyond, sum(p * i) AS of_all
								  FROM unnest(total.points, total.individuals) u (p, i)) s)),
		   NULL, NULL, 'What releases need to tell analysts how much of the rows their limits leave out.';
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_limits(regclass, name[], name, integer, name[], double precision[], bigint[], bigint[], bigint[], double precision, double precision) IS
'internal: what suggest() says of protect(), set_norm() and set_measured(), from counts of individuals by rows, rows in one group, and groups; ratio is what norms of rows are of their number; keys are the columns that these groups were of';

CREATE FUNCTION dp_agg.suggest_sizes(counts bigint[], edges double precision[], noise double precision,
									 OUT points double precision[], OUT individuals double precision[], OUT errors double precision[])
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT t.*
	  FROM (SELECT cardinality(edges) AS size, dp_agg.stands_out(counts[:cardinality(edges)], noise) AS negative) v,
		   dp_agg.suggest_tail(CASE WHEN negative THEN
				(SELECT array_agg(a + CASE WHEN i > 1 THEN b ELSE 0 END ORDER BY i)
				   FROM unnest(counts[size + 1:], (SELECT array_agg(c ORDER BY j DESC) FROM unnest(counts[:size + 1]) WITH ORDINALITY u (c, j))) WITH ORDINALITY u (a, b, i))
				ELSE counts[size + 1:] END, edges, noise * CASE WHEN negative THEN sqrt(2) ELSE 1 END) t
$$;

COMMENT ON FUNCTION dp_agg.suggest_sizes(bigint[], double precision[], double precision) IS
'internal: how many individuals have sums of which size, by their distance from zero on both sides; see suggest_tail()';

CREATE FUNCTION dp_agg.suggest_column(relation regclass, kind text, column_name name, type oid, typmod integer, groups integer, mean_rows double precision,
									  counts bigint[], edges double precision[], noise double precision,
									  OUT statement text, OUT cuts_off double precision, OUT standard_error double precision, OUT explanation text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	size constant integer := cardinality(edges);
	negative constant boolean := dp_agg.stands_out(counts[:size], noise);
	lower text;
	upper text;
	total record;
BEGIN
	IF kind <> 'total' THEN
		SELECT b.* INTO lower, upper, cuts_off, standard_error FROM dp_agg.suggest_bounds(kind, type, typmod, mean_rows, counts, edges, noise) b;
		explanation := CASE kind WHEN 'date' THEN 'Years in which individuals have their first or last date, and one more on each side.'
								 ELSE 'Where values lie, of nearly all individuals.' END ||
			' A share of the individuals has values beyond; they count as the bound.';
	ELSE
		SELECT l.* INTO total
		  FROM dp_agg.suggest_sizes(counts, edges, noise) t,
			   dp_agg.suggest_limit(t.points, t.individuals, t.errors, (SELECT array_agg(c) FROM unnest(dp_agg.suggested_numbers()) c WHERE c >= edges[1]), groups) l;
		upper := trim_scale(total.value::numeric);
		lower := CASE WHEN negative THEN '-' || upper ELSE '0' END;
		cuts_off := total.cuts_off;
		standard_error := total.standard_error;
		explanation := format('The sum over an individual''s rows that counts in a whole release: more would cost more noise than it brings, in sums of %s groups at epsilon 1. It cuts off a share of the sum.', groups);
	END IF;
	IF upper IS NULL THEN
		explanation := dp_agg.suggest_nothing();
	ELSE
		statement := format('SELECT dp_agg.%s(%L, %L, %s, %s);', CASE kind WHEN 'total' THEN 'set_total' ELSE 'set_bounds' END,
							relation::text, column_name, CASE kind WHEN 'date' THEN quote_literal(lower) ELSE lower END,
							CASE kind WHEN 'date' THEN quote_literal(upper) ELSE upper END);
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_column(regclass, text, name, oid, integer, integer, double precision, bigint[], double precision[], double precision) IS
'internal: what suggest() says of the bounds of a column (kind value or date), or of sums of it (total), from counts of individuals';

CREATE FUNCTION dp_agg.suggest_for(relation regclass, epsilon double precision, unit name[], population name,
								   groups integer, columns name[], delta double precision)
RETURNS TABLE (kind text, column_name name, statement text, cuts_off double precision, standard_error double precision, explanation text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	several constant boolean := NOT dp_agg.unit_is_unique(relation, unit) OR
		EXISTS (SELECT FROM dp_agg.protected_relations p WHERE p.relation = suggest_for.relation AND p.link IS NOT NULL);
	price constant numeric := ceil(epsilon::numeric * 1e9) / 1e9;
	keys constant name[] := ARRAY(SELECT c.column_name FROM dp_agg.suggest_columns(relation, unit, columns) c WHERE c.is_key);
	parts bigint;
	measured jsonb;
	noise double precision;
	mean_rows double precision := 1;
	ratio double precision;
	rows_norm double precision;
	rows double precision;
BEGIN
	SELECT count(*) INTO parts FROM dp_agg.suggest_parts(relation, unit, columns, several);
	IF parts > 0 THEN
		measured := dp_agg.suggest_measure(relation, unit, population,
			dp_agg.suggest_query(relation, unit, columns, several, price, delta::numeric));
		noise := sqrt(2) * parts / price;
	END IF;
	IF several THEN
		SELECT dp_agg.suggest_mean(dp_agg.bucket_counts(measured -> 0, noise), p.edges, noise),
			   CASE WHEN keys <> '{}' THEN dp_agg.suggest_ratio(p.edges, dp_agg.bucket_counts(measured -> 0, noise), dp_agg.bucket_counts(measured -> 3, noise), noise, groups) END
		  INTO mean_rows, ratio
		  FROM dp_agg.suggest_parts(relation, unit, columns, several) p WHERE p.nr = 1;
		SELECT l.value, (SELECT sum(v * i) FROM unnest(t.points, t.individuals) u (v, i))
		  INTO rows_norm, rows
		  FROM dp_agg.suggest_parts(relation, unit, columns, several) p,
			   dp_agg.suggest_tail(dp_agg.bucket_counts(measured -> 0, noise), p.edges, noise) t,
			   dp_agg.suggest_norm(t.points, t.individuals, t.errors, ratio, dp_agg.suggested_numbers(), groups) l
		 WHERE p.nr = 1;
		RETURN QUERY SELECT l.* FROM
			(SELECT p.edges, dp_agg.bucket_counts(measured -> 0, noise) AS n, dp_agg.bucket_counts(measured -> 1, noise) AS r,
					dp_agg.bucket_counts(measured -> 2, noise) AS g
			   FROM dp_agg.suggest_parts(relation, unit, columns, several) p WHERE p.nr = 1) c,
			dp_agg.suggest_limits(relation, unit, population, groups, keys, c.edges, c.n,
								  CASE WHEN keys <> '{}' THEN c.r END, CASE WHEN keys <> '{}' THEN c.g END,
								  ratio, noise) l;
	ELSE
		RETURN QUERY SELECT 'max_total', NULL::name, dp_agg.protect_command(relation, unit, population, 1, 1, 1), 0::double precision, 0::double precision,
							'An individual has one row: a unique index says so.';
	END IF;
	RETURN QUERY
	SELECT CASE p.kind WHEN 'total' THEN 'total' ELSE 'bounds' END, p.column_name, s.statement, s.cuts_off, s.standard_error, s.explanation
	  FROM dp_agg.suggest_parts(relation, unit, columns, several) p
	  JOIN dp_agg.suggest_columns(relation, unit, columns) c USING (column_name),
		   dp_agg.suggest_column(relation, p.kind, p.column_name, c.type, c.typmod, groups, mean_rows,
								 dp_agg.bucket_counts(measured -> (p.nr - 1)::integer, noise), p.edges, noise) s
	 WHERE p.kind <> 'total' OR mean_rows > 1
	 ORDER BY p.kind = 'total', p.nr;
	RETURN QUERY
	SELECT 'max_norm', p.column_name, format('SELECT dp_agg.set_norm(%L, %L, %s);', relation::text, p.column_name, l.value), l.cuts_off, l.standard_error,
		   'What the bounds of sums are for accounts that add up rho, where noise is Gaussian: the root of the sum of squares of an individual''s sum in each group.'
	  FROM dp_agg.suggest_parts(relation, unit, columns, several) p,
		   dp_agg.suggest_sizes(dp_agg.bucket_counts(measured -> (p.nr - 1)::integer, noise), p.edges, noise) t,
		   LATERAL (SELECT array_agg(c) AS numbers FROM unnest(dp_agg.suggested_numbers()) c WHERE c >= p.edges[1]) n,
		   dp_agg.suggest_norm(t.points, t.individuals, t.errors, ratio, n.numbers, groups) direct,
		   -- who has most in all has many rows, whose sum is what an average row has, times their number
		   LATERAL (SELECT max(c) AS norm FROM unnest(n.numbers) c
					 WHERE c <= 1.1 * rows_norm / rows * (SELECT sum(v * i) FROM unnest(t.points, t.individuals) u (v, i))) by_rows,
		   dp_agg.suggest_norm(t.points, t.individuals, t.errors, ratio, ARRAY[GREATEST(direct.value, by_rows.norm)], groups) l
	 WHERE p.kind = 'total' AND mean_rows > 1 AND l.value IS NOT NULL
	 ORDER BY p.nr;
	RETURN QUERY
	SELECT 'left_out', c.column_name, NULL::text, NULL::double precision, NULL::double precision,
		   'Not all that the column could be used for was measured, for every part has its share of epsilon: name it in columns, with fewer others.'
	  FROM dp_agg.suggest_columns(relation, unit, columns) c WHERE c.left_out;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest_for(regclass, double precision, name[], name, integer, name[], double precision) IS
'internal: measures and suggests, for arguments that were judged; see suggest()';

CREATE FUNCTION dp_agg.check_suggest(relation regclass, epsilon double precision, unit name[], population name,
									 groups integer, columns name[], delta double precision) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known record;
	member name;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF relation IS NULL OR epsilon IS NULL OR unit IS NULL OR population IS NULL OR groups IS NULL OR
		array_position(unit, NULL) IS NOT NULL OR array_position(columns, NULL) IS NOT NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'relation, epsilon, unit, population and groups must not be NULL';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_class WHERE oid = relation AND oid >= 16384 AND relkind IN ('r', 'p', 'm', 'f')) THEN
		RAISE wrong_object_type USING
			MESSAGE = format('limits of "%s" cannot be suggested', relation),
			DETAIL = 'Only those of tables, partitioned tables, foreign tables and materialized views can.';
	END IF;
	IF NOT (epsilon BETWEEN 1e-6 AND 1000) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'epsilon must be from 0.000001 to 1000',
			HINT = 'With 1, limits of a table of many thousand individuals are sharp.';
	END IF;
	IF NOT (delta BETWEEN 1e-15 AND 0.5) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'delta must be from 1e-15 to 0.5';
	END IF;
	IF groups NOT BETWEEN 1 AND 1000000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'groups must be from 1 to 1000000',
			HINT = 'It is the number of groups that a typical query has, as 12 months.';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = relation AND pg_has_role(c.relowner, 'USAGE')) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('must be owner of relation %s', relation),
			HINT = 'Limits are for whoever protects the relation.';
	END IF;
	SELECT COALESCE(p.unit, p.link) AS unit, p.population INTO known FROM dp_agg.protected_relations p WHERE p.relation = check_suggest.relation;
	IF FOUND AND (known.unit, known.population) IS DISTINCT FROM (check_suggest.unit, check_suggest.population) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relation %s is protected with another unit or population', relation),
			HINT = 'Leave unit and population out: they are known.';
	END IF;
	FOREACH member IN ARRAY unit || columns LOOP
		IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = member AND attnum > 0 AND NOT attisdropped) THEN
			RAISE undefined_column USING
				MESSAGE = format('column "%s" of relation %s does not exist', member, relation);
		END IF;
	END LOOP;
	FOREACH member IN ARRAY COALESCE(columns, '{}') LOOP
		IF NOT EXISTS (SELECT FROM dp_agg.suggest_columns(relation, unit, columns) c WHERE c.column_name = member) THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('nothing can be suggested for column "%s" of relation %s', member, relation),
				DETAIL = 'It is the unit, a direct identifier, not one of those that releases may use, or of a type that is neither a number nor a date nor a group key.';
		END IF;
	END LOOP;
	FOREACH member IN ARRAY unit LOOP
		PERFORM dp_agg.check_key_type(relation, member, true);
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.check_suggest(regclass, double precision, name[], name, integer, name[], double precision) IS
'internal: judges the arguments of suggest(); errors: 22004 NULL, 22023 out of range, 42501 not the owner, 42809 a view, 42703 no such column, 0A000 the type of the unit';

CREATE FUNCTION dp_agg.suggest(relation regclass, epsilon double precision, unit name[], population name,
							   groups integer DEFAULT 16, columns name[] DEFAULT NULL, delta double precision DEFAULT NULL)
RETURNS TABLE (kind text, column_name name, statement text, cuts_off double precision, standard_error double precision, explanation text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
	delta := COALESCE(delta, current_setting('dp_agg.delta')::double precision);
	PERFORM dp_agg.check_suggest(relation, epsilon, unit, population, groups, columns, delta);
	RETURN QUERY
	SELECT s.kind, s.column_name, s.statement, round(s.cuts_off::numeric, 4)::double precision, round(s.standard_error::numeric, 4)::double precision, s.explanation
	  FROM dp_agg.suggest_for(relation, epsilon, unit, population, groups, columns, delta) s;
END
$$;

COMMENT ON FUNCTION dp_agg.suggest(regclass, double precision, name[], name, integer, name[], double precision) IS
'suggests limits, bounds and totals for a relation, measured by one release that costs epsilon (1e-6 .. 1000) and delta (NULL: dp_agg.delta), is logged for the population and needs no account; statement is ready to run, and all of them together configure the relation; cuts_off is what a limit leaves out, a share from 0 to 1, with its standard error; groups (1 .. 1000000) is how many groups a typical query has, columns what to measure (NULL: by names and types); errors: 42501 not the owner, 42703 no such column, 22004 NULL, 22023 out of range, or nothing can be suggested for a column, 0A000 the type of the unit, DP004 the ledger';

CREATE FUNCTION dp_agg.suggest(relation regclass, epsilon double precision, unit name, population name,
							   groups integer DEFAULT 16, columns name[] DEFAULT NULL, delta double precision DEFAULT NULL)
RETURNS TABLE (kind text, column_name name, statement text, cuts_off double precision, standard_error double precision, explanation text)
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT * FROM dp_agg.suggest(relation, epsilon, ARRAY[unit], population, groups, columns, delta)
$$;

COMMENT ON FUNCTION dp_agg.suggest(regclass, double precision, name, name, integer, name[], double precision) IS
'suggests limits for a relation whose unit is one column; see the form with name[]';

CREATE FUNCTION dp_agg.suggest(relation regclass, epsilon double precision,
							   groups integer DEFAULT 16, columns name[] DEFAULT NULL, delta double precision DEFAULT NULL)
RETURNS TABLE (kind text, column_name name, statement text, cuts_off double precision, standard_error double precision, explanation text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	known record;
BEGIN
	SELECT COALESCE(p.unit, p.link) AS unit, p.population INTO known FROM dp_agg.protected_relations p WHERE p.relation = suggest.relation;
	IF NOT FOUND AND relation IS NOT NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('relation %s is not protected', relation),
			HINT = format('Say whose rows they are, as in dp_agg.suggest(%L, 1, unit => ''patient_id'', population => ''patients'').', relation::text);
	END IF;
	RETURN QUERY SELECT * FROM dp_agg.suggest(relation, epsilon, known.unit, known.population, groups, columns, delta);
END
$$;

COMMENT ON FUNCTION dp_agg.suggest(regclass, double precision, integer, name[], double precision) IS
'suggests limits for a relation that is protected, with the unit and population that it has; see the form with name[]; errors: 42704 not protected';

REVOKE EXECUTE ON FUNCTION
	dp_agg.suggest(regclass, double precision, name[], name, integer, name[], double precision),
	dp_agg.suggest(regclass, double precision, name, name, integer, name[], double precision),
	dp_agg.suggest(regclass, double precision, integer, name[], double precision) FROM PUBLIC;

-- ----------------------------------------------------------------------------
-- The ledger: accounts, the log of releases, and what may be seen of both.
-- ----------------------------------------------------------------------------

-- How many releases 1.0 has made in the period that is under way is not known: they count from now on.
ALTER TABLE dp_agg.account
	ADD COLUMN min_epsilon_per_query bigint CHECK (min_epsilon_per_query > 0),
	ADD COLUMN max_releases bigint CHECK (max_releases > 0),
	ADD COLUMN releases_spent bigint NOT NULL DEFAULT 0 CHECK (releases_spent >= 0),
	ADD COLUMN rho_limit bigint CHECK (rho_limit > 0),
	ADD COLUMN rho_spent bigint NOT NULL DEFAULT 0 CHECK (rho_spent >= 0),
	ADD COLUMN rho_lifetime numeric NOT NULL DEFAULT 0,
	ADD COLUMN max_epsilon_lifetime bigint CHECK (max_epsilon_lifetime > 0),
	ADD COLUMN max_rho_lifetime bigint CHECK (max_rho_lifetime > 0),
	DROP CONSTRAINT account_accountant_check,
	ADD CONSTRAINT account_accountant_check CHECK (accountant IN ('pure', 'zcdp')),
	ADD CONSTRAINT account_zcdp_check
		CHECK ((accountant = 'zcdp') = (rho_limit IS NOT NULL)
			   AND (accountant = 'zcdp' AND max_epsilon_lifetime IS NOT NULL) = (max_rho_lifetime IS NOT NULL));
-- 1.0 has kept the sum of epsilon alone.  Its releases have cost no more rho than one of that sum would.
UPDATE dp_agg.account
   SET rho_spent = LEAST(pg_catalog.ceil(epsilon_spent::numeric * epsilon_spent / 2000000),
						 epsilon_spent::numeric * 1000, 9223372036854775807)::bigint,
	   rho_lifetime = LEAST(pg_catalog.ceil(epsilon_lifetime * epsilon_lifetime / 2000000), epsilon_lifetime * 1000)
 WHERE epsilon_lifetime > 0;

-- The log becomes part of a chain of hashes, in which entries have the numbers 1, 2, 3 ...
ALTER TABLE dp_agg.release
	ALTER COLUMN id DROP DEFAULT,
	ADD COLUMN accounts text,
	ADD COLUMN codes text;
ALTER EXTENSION dp_agg DROP SEQUENCE dp_agg.release_id_seq;
DROP SEQUENCE dp_agg.release_id_seq;

-- The chain is over texts in UTF-8.  What cannot be written in it becomes what src/ledger/storable.c makes
-- of it.
DO $storable$
DECLARE
	entry dp_agg.release;
	encoding constant text := pg_catalog.getdatabaseencoding();
BEGIN
	IF encoding IN ('UTF8', 'SQL_ASCII') THEN
		RETURN;
	END IF;
	FOR entry IN SELECT * FROM dp_agg.release LOOP
		BEGIN
			PERFORM pg_catalog.convert_to(pg_catalog.concat(entry.session_role, entry."current_role", entry.population,
															entry.relations, entry.query, entry.outputs), 'UTF8');
		EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire THEN
			UPDATE dp_agg.release r
			   SET session_role = pg_catalog.regexp_replace(r.session_role, '[^\x01-\x7f]', '?', 'g'),
				   "current_role" = pg_catalog.regexp_replace(r."current_role", '[^\x01-\x7f]', '?', 'g'),
				   population = pg_catalog.regexp_replace(r.population, '[^\x01-\x7f]', '?', 'g'),
				   relations = pg_catalog.regexp_replace(r.relations, '[^\x01-\x7f]', '?', 'g'),
				   query = pg_catalog.regexp_replace(r.query, '[^\x01-\x7f]', '?', 'g'),
				   outputs = pg_catalog.regexp_replace(r.outputs, '[^\x01-\x7f]', '?', 'g')
			 WHERE r.id = entry.id;
		END;
	END LOOP;
END
$storable$;

-- What 1.0 has released is chained as it stands now, in its order: from here on nobody changes it
-- unnoticed.  Format 1 of the hashes, see src/ledger/chain.c; columns that are NULL are left out.
DO $chain$
<<chain>>
DECLARE
	entry dp_agg.release;
	encoding constant text := CASE pg_catalog.getdatabaseencoding() WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END;
	bytes bytea;
	-- what stands for the hash before the first entry is random
	hash bytea := pg_catalog.sha256(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())
									|| pg_catalog.uuid_send(pg_catalog.gen_random_uuid()));
	prev_hash bytea;
	number bigint := 0;
	renumbered boolean := false;
BEGIN
	FOR entry IN SELECT * FROM dp_agg.release ORDER BY id LOOP
		number := number + 1;
		prev_hash := hash;
		SELECT 'dp_agg ledger 1'::bytea || '\x00' || 'release'::bytea || '\x00'
			   || pg_catalog.string_agg(pg_catalog.int4send(pg_catalog.length(c.name)) || c.name::bytea
										|| pg_catalog.int4send(pg_catalog.length(c.value)) || c.value, '\x' ORDER BY c.place)
		  INTO bytes
		  FROM (SELECT v.place, v.name, pg_catalog.convert_to(v.value, encoding) AS value
				  FROM (VALUES
					(1, 'id', number::text),
					(2, 'at', ((pg_catalog.extract('epoch', entry.at) * 1000000)::bigint)::text),
					(3, 'session_role', entry.session_role::text),
					(4, 'current_role', entry."current_role"::text),
					(5, 'session_id', entry.session_id::text),
					(6, 'current_id', entry.current_id::text),
					(7, 'cluster', entry.cluster::text),
					(8, 'population', entry.population::text),
					(9, 'relations', entry.relations),
					(10, 'query', entry.query),
					(11, 'fingerprint', pg_catalog.encode(entry.fingerprint, 'hex')),
					(12, 'epsilon', entry.epsilon::text),
					(13, 'delta', entry.delta::text),
					(14, 'outputs', entry.outputs),
					(15, 'tier', entry.tier),
					(16, 'reused', entry.reused::text),
					(17, 'prev_hash', pg_catalog.encode(prev_hash, 'hex')),
					(18, 'accounts', ''),
					(19, 'codes', '')) v (place, name, value)
				 WHERE v.value IS NOT NULL) c;
		hash := pg_catalog.sha256(bytes);
		UPDATE dp_agg.release r
		   SET id = number, prev_hash = chain.prev_hash, hash = chain.hash, accounts = '', codes = ''
		 WHERE r.id = entry.id;
		renumbered := renumbered OR entry.id <> number;
	END LOOP;
	PERFORM pg_catalog.set_config('dp_agg_update.head', number || ' ' || pg_catalog.encode(hash, 'hex'), true);
	IF renumbered THEN
		-- a script shows no less than that
		RAISE WARNING 'the % releases that version 1.0 has made have other numbers now: 1 to %, in the same order', number, number;
	END IF;
END
$chain$;

ALTER TABLE dp_agg.release
	ALTER COLUMN prev_hash SET NOT NULL,
	ALTER COLUMN hash SET NOT NULL,
	ALTER COLUMN accounts SET NOT NULL,
	ALTER COLUMN codes SET NOT NULL;

CREATE TABLE dp_agg.raw_read (
	id bigint NOT NULL CONSTRAINT raw_read_pkey PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	session_role name NOT NULL,
	"current_role" name NOT NULL,
	session_id oid NOT NULL,
	current_id oid NOT NULL,
	cluster bigint NOT NULL,
	population name,
	relation text NOT NULL,
	columns text NOT NULL,
	query text NOT NULL,
	fingerprint bytea NOT NULL,
	tier text,
	codes text NOT NULL,
	prev_hash bytea NOT NULL,
	hash bytea NOT NULL
);

CREATE TABLE dp_agg.account_change (
	id bigint NOT NULL CONSTRAINT account_change_pkey PRIMARY KEY,
	at timestamptz NOT NULL,
	session_role name NOT NULL,
	"current_role" name NOT NULL,
	session_id oid NOT NULL,
	current_id oid NOT NULL,
	cluster bigint NOT NULL,
	role name NOT NULL,
	role_id oid NOT NULL,
	population name NOT NULL,
	before text,
	after text,
	prev_hash bytea NOT NULL,
	hash bytea NOT NULL
);

-- Changes of accounts that are committed, and that the worker has not chained yet.  It does
-- so before it charges anything.
CREATE TABLE dp_agg.account_change_waiting (
	number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT account_change_waiting_pkey PRIMARY KEY,
	at timestamptz NOT NULL,
	session_role name NOT NULL,
	"current_role" name NOT NULL,
	session_id oid NOT NULL,
	current_id oid NOT NULL,
	cluster bigint NOT NULL,
	role name NOT NULL,
	role_id oid NOT NULL,
	population name NOT NULL,
	before text,
	after text
);

CREATE TABLE dp_agg.ledger_head (
	single boolean NOT NULL DEFAULT true CONSTRAINT ledger_head_pkey PRIMARY KEY CONSTRAINT ledger_head_check CHECK (single),
	id bigint NOT NULL,
	hash bytea NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- The end of the chain so far.
INSERT INTO dp_agg.ledger_head (id, hash)
SELECT h.head[1]::bigint, pg_catalog.decode(h.head[2], 'hex')
  FROM (SELECT pg_catalog.string_to_array(pg_catalog.current_setting('dp_agg_update.head'), ' ') AS head) h
 WHERE h.head[1]::bigint > 0;

CREATE TABLE dp_agg.ledger_archive (
	first_id bigint NOT NULL CONSTRAINT ledger_archive_pkey PRIMARY KEY,
	last_id bigint NOT NULL,
	prev_hash bytea NOT NULL,
	hash bytea NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	session_role name NOT NULL DEFAULT SESSION_USER,
	CONSTRAINT ledger_archive_check CHECK (first_id >= 1 AND last_id >= first_id)
);

-- For how long answers about a population are handed out again, and the answers.

CREATE TABLE dp_agg.reuse (
	population name NOT NULL CONSTRAINT reuse_pkey PRIMARY KEY,
	lasts interval NOT NULL CONSTRAINT reuse_lasts_check CHECK (lasts > interval '0'),
	refreshed_at timestamptz NOT NULL
);

CREATE TABLE dp_agg.answer (
	release bytea NOT NULL,
	population name NOT NULL,
	made_at timestamptz NOT NULL,
	outputs bytea NOT NULL,
	content bytea NOT NULL
);

CREATE INDEX answer_release_idx ON dp_agg.answer (release);

CREATE INDEX answer_made_at_idx ON dp_agg.answer (population, made_at);

REVOKE ALL ON
	dp_agg.raw_read,
	dp_agg.account_change,
	dp_agg.account_change_waiting,
	dp_agg.account_change_waiting_number_seq,
	dp_agg.ledger_head,
	dp_agg.ledger_archive,
	dp_agg.reuse,
	dp_agg.answer FROM PUBLIC;

-- A dump names the roles of accounts.  An account whose role is gone has no name to
-- be restored by, and is left out.  Role 0, written '-', stands for the cap of a population.
SELECT pg_catalog.pg_extension_config_dump('dp_agg.account',
	'WHERE role::pg_catalog.oid = 0 OR role::pg_catalog.oid IN (SELECT oid FROM pg_catalog.pg_roles)');

SELECT pg_catalog.pg_extension_config_dump('dp_agg.raw_read', '');

SELECT pg_catalog.pg_extension_config_dump('dp_agg.account_change', '');

SELECT pg_catalog.pg_extension_config_dump('dp_agg.ledger_head', '');

SELECT pg_catalog.pg_extension_config_dump('dp_agg.ledger_archive', '');

SELECT pg_catalog.pg_extension_config_dump('dp_agg.reuse', '');

-- What waits is not dumped: to restore an account is a change of its own, which waits then.  Nor
-- are answers: they are known by the OIDs of this database.

COMMENT ON TABLE dp_agg.account IS
	'A role''s privacy budget on a population, or the cap on what all roles spend there. Written by dp_agg.set_budget, dp_agg.drop_budget, dp_agg.set_population_cap, dp_agg.drop_population_cap and the ledger''s background worker only.';

COMMENT ON COLUMN dp_agg.account.role IS 'role that holds the account; its members spend from it too; 0: the cap of the population, from which every release is paid';

COMMENT ON COLUMN dp_agg.account.min_epsilon_per_query IS 'least that one release may cost, in 1e-9; null: dp_agg.min_epsilon alone';

COMMENT ON COLUMN dp_agg.account.max_releases IS 'most releases per period; null: no such limit';

COMMENT ON COLUMN dp_agg.account.releases_spent IS 'releases made since the period began, whether or not they are limited';

COMMENT ON COLUMN dp_agg.account.renews_at IS 'end of the period that epsilon_spent, delta_spent and releases_spent belong to';

COMMENT ON COLUMN dp_agg.account.accountant IS 'how losses compose; pure: epsilon adds up; zcdp: rho does';

COMMENT ON COLUMN dp_agg.account.epsilon_lifetime IS 'sum of epsilon over all periods, in 1e-9';

COMMENT ON COLUMN dp_agg.account.rho_limit IS 'zcdp: most rho that may be spent per period, in 1e-12: the greatest that implies epsilon_limit at half of delta_limit; null: pure';

COMMENT ON COLUMN dp_agg.account.rho_spent IS 'rho since the period began, in 1e-12, whatever the accountant';

COMMENT ON COLUMN dp_agg.account.rho_lifetime IS 'rho of all periods together, in 1e-12';

COMMENT ON COLUMN dp_agg.account.max_epsilon_lifetime IS 'most epsilon of all periods together, in 1e-9; null: no such limit';

COMMENT ON COLUMN dp_agg.account.max_rho_lifetime IS 'zcdp: the rho that implies max_epsilon_lifetime at half of delta_limit, in 1e-12';

COMMENT ON CONSTRAINT account_zcdp_check ON dp_agg.account IS 'zcdp has limits on rho';

COMMENT ON COLUMN dp_agg.release.id IS 'number of the entry: 1, 2, 3 ... over all entries of the ledger, without a gap';

COMMENT ON COLUMN dp_agg.release.query IS 'text of the statement, cut off at about 15 kB; at 255 bytes, where nothing was paid';

COMMENT ON COLUMN dp_agg.release.accounts IS 'roles, by OID in that cluster, whose accounts paid, with blanks between, and 0 for the cap of the population; empty: none had to, or dp_agg 1.0 made the release, which did not keep them';

COMMENT ON COLUMN dp_agg.release.tier IS 'risk tier of the result: low, medium or high; null: dp_agg 1.0 made the release, which had no tiers';

COMMENT ON COLUMN dp_agg.release.codes IS 'what the tier follows from: codes with blanks between, each stage.reason';

COMMENT ON COLUMN dp_agg.release.prev_hash IS 'hash of the entry before, whichever table it is in; of entry 1, random bytes';

COMMENT ON COLUMN dp_agg.release.hash IS 'SHA-256 over the columns of this row and prev_hash, see doc/audit.md';

COMMENT ON TABLE dp_agg.reuse IS
	'For how long answers about a population are handed out again. Written by dp_agg.set_reuse and dp_agg.refresh.';

COMMENT ON COLUMN dp_agg.reuse.population IS 'population whose answers these are';

COMMENT ON COLUMN dp_agg.reuse.lasts IS 'how old an answer may be';

COMMENT ON COLUMN dp_agg.reuse.refreshed_at IS 'answers that were made before are not handed out';

COMMENT ON CONSTRAINT reuse_pkey ON dp_agg.reuse IS 'one window per population';

COMMENT ON CONSTRAINT reuse_lasts_check ON dp_agg.reuse IS 'no window is none';

COMMENT ON TABLE dp_agg.answer IS
	'Answers of releases, to be handed out again: released values, and nothing else. Written by the ledger''s background worker.';

COMMENT ON COLUMN dp_agg.answer.release IS 'SHA-256 of what was asked, but for the outputs';

COMMENT ON COLUMN dp_agg.answer.population IS 'population that was asked about';

COMMENT ON COLUMN dp_agg.answer.made_at IS 'when it was drawn, or, in a transaction with one snapshot, when that began';

COMMENT ON COLUMN dp_agg.answer.outputs IS 'SHA-256 of each output, one behind the other';

COMMENT ON COLUMN dp_agg.answer.content IS 'the released rows, in a form of dp_agg''s own';

COMMENT ON INDEX dp_agg.answer_release_idx IS 'finds the answer to a release';

COMMENT ON INDEX dp_agg.answer_made_at_idx IS 'finds answers that have ended';

COMMENT ON TABLE dp_agg.raw_read IS
	'The log of statements that read raw rows of classified relations, while dp_agg.audit_raw was on; durable before their first row.';

COMMENT ON COLUMN dp_agg.raw_read.id IS 'number of the entry: 1, 2, 3 ... over all entries of the ledger, without a gap';

COMMENT ON COLUMN dp_agg.raw_read.at IS 'when the entry was committed';

COMMENT ON COLUMN dp_agg.raw_read.session_role IS 'name, at that time, of the role that had logged in';

COMMENT ON COLUMN dp_agg.raw_read."current_role" IS 'name, at that time, of the role that read';

COMMENT ON COLUMN dp_agg.raw_read.session_id IS 'the role that had logged in: it stays when the name changes';

COMMENT ON COLUMN dp_agg.raw_read.current_id IS 'the role that read: it stays when the name changes';

COMMENT ON COLUMN dp_agg.raw_read.cluster IS 'system identifier of the cluster in which the OIDs of roles hold';

COMMENT ON COLUMN dp_agg.raw_read.population IS 'population of the relation; null: it is not protected';

COMMENT ON COLUMN dp_agg.raw_read.relation IS 'relation that was read';

COMMENT ON COLUMN dp_agg.raw_read.columns IS 'its columns that the statement touched, with commas between';

COMMENT ON COLUMN dp_agg.raw_read.query IS 'text of the statement, cut off at about 15 kB';

COMMENT ON COLUMN dp_agg.raw_read.fingerprint IS 'SHA-256 of the whole text of the statement';

COMMENT ON COLUMN dp_agg.raw_read.tier IS 'risk tier of such rows: low, medium or high';

COMMENT ON COLUMN dp_agg.raw_read.codes IS 'what the tier follows from: codes with blanks between, each stage.reason';

COMMENT ON COLUMN dp_agg.raw_read.prev_hash IS 'hash of the entry before, whichever table it is in; of entry 1, random bytes';

COMMENT ON COLUMN dp_agg.raw_read.hash IS 'SHA-256 over the columns of this row and prev_hash, see doc/audit.md';

COMMENT ON TABLE dp_agg.account_change IS
	'The log of what was done to accounts, but for what releases have spent: opened, changed, closed; also by hand, and by a restore.';

COMMENT ON COLUMN dp_agg.account_change.id IS 'number of the entry: 1, 2, 3 ... over all entries of the ledger, without a gap';

COMMENT ON COLUMN dp_agg.account_change.at IS 'when the transaction that made the change began';

COMMENT ON COLUMN dp_agg.account_change.session_role IS 'name, at that time, of the role that had logged in';

COMMENT ON COLUMN dp_agg.account_change."current_role" IS 'name, at that time, of the role that made the change';

COMMENT ON COLUMN dp_agg.account_change.session_id IS 'the role that had logged in: it stays when the name changes';

COMMENT ON COLUMN dp_agg.account_change.current_id IS 'the role that made the change: it stays when the name changes';

COMMENT ON COLUMN dp_agg.account_change.cluster IS 'system identifier of the cluster in which the OIDs of roles hold';

COMMENT ON COLUMN dp_agg.account_change.role IS 'name, at that time, of the role that holds the account';

COMMENT ON COLUMN dp_agg.account_change.role_id IS 'the role that holds the account, by OID in that cluster';

COMMENT ON COLUMN dp_agg.account_change.population IS 'population of the account';

COMMENT ON COLUMN dp_agg.account_change.before IS 'the row of dp_agg.account before, as JSON; null: it was opened';

COMMENT ON COLUMN dp_agg.account_change.after IS 'the row of dp_agg.account after, as JSON; null: it was closed';

COMMENT ON COLUMN dp_agg.account_change.prev_hash IS 'hash of the entry before, whichever table it is in; of entry 1, random bytes';

COMMENT ON COLUMN dp_agg.account_change.hash IS 'SHA-256 over the columns of this row and prev_hash, see doc/audit.md';

COMMENT ON TABLE dp_agg.account_change_waiting IS
	'Changes of accounts that are committed and not in the chain yet: the worker of the ledger moves them to dp_agg.account_change before it charges anything. Columns as there.';

COMMENT ON COLUMN dp_agg.account_change_waiting.number IS 'order in which they came';

COMMENT ON SEQUENCE dp_agg.account_change_waiting_number_seq IS 'numbers of changes of accounts that wait';

COMMENT ON TABLE dp_agg.ledger_head IS
	'The end of the chain: one row, from the first entry on. Written by the worker of the ledger only.';

COMMENT ON COLUMN dp_agg.ledger_head.single IS 'true: there is one row';

COMMENT ON COLUMN dp_agg.ledger_head.id IS 'number of the last entry';

COMMENT ON COLUMN dp_agg.ledger_head.hash IS 'hash of the last entry';

COMMENT ON CONSTRAINT ledger_head_check ON dp_agg.ledger_head IS 'there is one head';

COMMENT ON TABLE dp_agg.ledger_archive IS
	'Entries that dp_agg.archive_ledger() has removed: one row per run of them, with the hashes by which the chain goes on behind it.';

COMMENT ON COLUMN dp_agg.ledger_archive.first_id IS 'number of the first entry of the run';

COMMENT ON COLUMN dp_agg.ledger_archive.last_id IS 'number of the last entry of the run';

COMMENT ON COLUMN dp_agg.ledger_archive.prev_hash IS 'hash that the first of them follows';

COMMENT ON COLUMN dp_agg.ledger_archive.hash IS 'hash of the last of them';

COMMENT ON COLUMN dp_agg.ledger_archive.at IS 'when they were removed';

COMMENT ON COLUMN dp_agg.ledger_archive.session_role IS 'who removed them: name, at that time, of the role that had logged in';

COMMENT ON CONSTRAINT ledger_archive_check ON dp_agg.ledger_archive IS 'a run has an entry at least';

CREATE FUNCTION dp_agg.is_ledger_worker() RETURNS boolean
AS 'MODULE_PATHNAME', 'dp_is_ledger_worker' LANGUAGE C STABLE;

COMMENT ON FUNCTION dp_agg.is_ledger_worker() IS
	'internal: is this the background worker of the ledger, which charges accounts?';

CREATE FUNCTION dp_agg.account_changed() RETURNS trigger
AS 'MODULE_PATHNAME', 'dp_account_changed' LANGUAGE C
-- the JSON of an account must not depend on who changes it
SET timezone = 'UTC' SET datestyle = iso SET intervalstyle = postgres;

COMMENT ON FUNCTION dp_agg.account_changed() IS
	'internal: keeps a change of an account for the chain; refuses TRUNCATE (55000)';

REVOKE EXECUTE ON FUNCTION dp_agg.account_changed() FROM PUBLIC;

CREATE TRIGGER account_changed AFTER INSERT OR UPDATE OR DELETE ON dp_agg.account
	FOR EACH ROW WHEN (NOT dp_agg.is_ledger_worker()) EXECUTE FUNCTION dp_agg.account_changed();

COMMENT ON TRIGGER account_changed ON dp_agg.account IS
	'whoever changes an account, but for the worker that charges it, is put on record';

CREATE TRIGGER account_truncated BEFORE TRUNCATE ON dp_agg.account
	FOR EACH STATEMENT EXECUTE FUNCTION dp_agg.account_changed();

COMMENT ON TRIGGER account_truncated ON dp_agg.account IS
	'accounts are closed one by one, so that each is put on record';

CREATE FUNCTION dp_agg.reuse_changed() RETURNS trigger
AS 'MODULE_PATHNAME', 'dp_reuse_changed' LANGUAGE C;

COMMENT ON FUNCTION dp_agg.reuse_changed() IS
	'internal: has plans made anew when a population gets a window in which answers are handed out again, or loses it';

CREATE TRIGGER reuse_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dp_agg.reuse
	FOR EACH STATEMENT EXECUTE FUNCTION dp_agg.reuse_changed();

COMMENT ON TRIGGER reuse_changed ON dp_agg.reuse IS 'has plans made anew';

CREATE FUNCTION dp_agg.ledger_head() RETURNS text
AS 'MODULE_PATHNAME', 'dp_ledger_head' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION dp_agg.ledger_head() IS
	'the end of the chain, to be published where nobody who administers this server can change it: dp_agg:1:<number of the last entry>:<its hash>; what waits for the chain is chained first; null before the first entry; errors: DP004 the ledger cannot be read';

CREATE FUNCTION dp_agg.verify_ledger(published_head text DEFAULT NULL,
	OUT ok boolean, OUT entries bigint, OUT first_broken bigint, OUT relation text, OUT reason text,
	OUT archived bigint)
AS 'MODULE_PATHNAME', 'dp_verify_ledger' LANGUAGE C VOLATILE
SET timezone = 'UTC' SET datestyle = iso SET intervalstyle = postgres;

COMMENT ON FUNCTION dp_agg.verify_ledger(text) IS
	'walks the chain of the ledger: ok; entries read; if not ok the number of the first broken entry, its table, and why; and how many entries are archived, and were not read; published_head, once given by dp_agg.ledger_head(), must be in the chain; accounts must be as the last change of each left them; errors: 22023 no such form of a head, DP004 the ledger cannot be read';

REVOKE EXECUTE ON FUNCTION dp_agg.ledger_head(), dp_agg.verify_ledger(text) FROM PUBLIC;

-- Two transactions: the first, in which accounts are locked, is short.
CREATE PROCEDURE dp_agg.archive_ledger(before timestamptz)
LANGUAGE plpgsql
AS $$
DECLARE
	verdict record;
	stop bigint;
	gone bigint;
	runs bigint;
BEGIN
	PERFORM dp_agg.check_coordinator();
	IF before IS NULL THEN
		RAISE EXCEPTION 'before must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT * INTO verdict FROM dp_agg.verify_ledger();
	IF NOT verdict.ok THEN
		RAISE EXCEPTION 'the ledger does not hold, and is not archived'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = pg_catalog.format('Entry %s: %s.', verdict.first_broken, verdict.reason),
				HINT = 'See dp_agg.verify_ledger(), and keep the tables as they are.';
	END IF;
	-- a procedure that commits cannot have it declared
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	-- What accounts have spent is put on record, so that it need not be added up from releases.
	UPDATE dp_agg.account SET releases_spent = releases_spent;
	COMMIT;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	-- ... in the chain
	PERFORM dp_agg.ledger_head();

	SELECT LEAST(
		(SELECT pg_catalog.min(l.id) FROM (
			SELECT (SELECT pg_catalog.max(c.id) FROM dp_agg.account_change c
					 WHERE c.role_id = a.role::pg_catalog.oid AND c.population = a.population
					   AND c.cluster = (SELECT dp_agg.this_cluster())) AS id
			  FROM dp_agg.account a) l),
		(SELECT pg_catalog.min(r.id) FROM dp_agg.release r WHERE r.at >= before),
		(SELECT pg_catalog.min(r.id) FROM dp_agg.raw_read r WHERE r.at >= before),
		(SELECT h.id + 1 FROM dp_agg.ledger_head h)) INTO stop;
	WITH entry (id, prev_hash, hash) AS (
		SELECT r.id, r.prev_hash, r.hash FROM dp_agg.release r WHERE r.id < stop
		UNION ALL
		SELECT r.id, r.prev_hash, r.hash FROM dp_agg.raw_read r WHERE r.id < stop),
	run (first_id, last_id) AS (
		SELECT pg_catalog.min(e.id), pg_catalog.max(e.id)
		  FROM (SELECT n.id, n.id - pg_catalog.row_number() OVER (ORDER BY n.id) AS run FROM entry n) e
		 GROUP BY e.run)
	INSERT INTO dp_agg.ledger_archive (first_id, last_id, prev_hash, hash)
	SELECT n.first_id, n.last_id, f.prev_hash, l.hash
	  FROM run n JOIN entry f ON f.id = n.first_id JOIN entry l ON l.id = n.last_id;
	GET DIAGNOSTICS runs = ROW_COUNT;
	DELETE FROM dp_agg.release WHERE id < stop;
	GET DIAGNOSTICS gone = ROW_COUNT;
	DELETE FROM dp_agg.raw_read WHERE id < stop;
	RAISE NOTICE '% releases and % runs of entries up to number % are archived', gone, runs, stop - 1;
END
$$;

REVOKE EXECUTE ON PROCEDURE dp_agg.archive_ledger(timestamptz) FROM PUBLIC;

COMMENT ON PROCEDURE dp_agg.archive_ledger(timestamptz) IS
	'Removes releases and raw reads from before a time from the log; changes of accounts stay, and so does what accounts have spent. Copy them before, with tools/export_ledger.sql: nothing else has them. The chain holds without them: see dp_agg.ledger_archive. For the owner of the extension and superusers, outside of a transaction block. Errors: 22004 null, 55000 the ledger does not hold, 2D000 in a transaction block.';

-- ----------------------------------------------------------------------------
-- Administrators of populations: roles other than the owner of the extension that have
-- relations of a population, its budgets and its part of the ledger in their hands.  Each
-- database has its own.  Who may do what says src/policy/admin.c.
-- ----------------------------------------------------------------------------

CREATE TABLE dp_agg.administrator (
	population name NOT NULL,
	role regrole NOT NULL,
	CONSTRAINT administrator_pkey PRIMARY KEY (population, role)
);

REVOKE ALL ON dp_agg.administrator FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('dp_agg.administrator',
	'WHERE role::pg_catalog.oid IN (SELECT oid FROM pg_catalog.pg_roles)');

COMMENT ON TABLE dp_agg.administrator IS
	'Roles that administer a population. Written by dp_agg.grant_admin, dp_agg.revoke_admin, and dp_agg.protect when it founds a population.';

COMMENT ON COLUMN dp_agg.administrator.population IS 'population';

COMMENT ON COLUMN dp_agg.administrator.role IS 'role; its members administer the population, too, if they inherit from it';

COMMENT ON CONSTRAINT administrator_pkey ON dp_agg.administrator IS 'a role administers a population or not';

CREATE FUNCTION dp_agg.may_protect() RETURNS boolean
AS 'MODULE_PATHNAME', 'dp_may_protect' LANGUAGE C STABLE;

COMMENT ON FUNCTION dp_agg.may_protect() IS
	'internal: may the current user protect relations: by EXECUTE on any form of dp_agg.protect()';

-- Without EXECUTE on protect(), as after DROP OWNED, a row of the table is of no effect.
CREATE VIEW dp_agg.my_populations WITH (security_barrier) AS
	SELECT a.population
	FROM dp_agg.administrator a
	WHERE pg_catalog.pg_has_role(CURRENT_USER, a.role, 'USAGE') AND (SELECT dp_agg.may_protect());

COMMENT ON VIEW dp_agg.my_populations IS
	'Populations that the current user administers as one of those that are listed. Internal to the views of the ledger.';

CREATE VIEW dp_agg.administrators WITH (security_barrier) AS
	SELECT a.population, pg_catalog.pg_get_userbyid(a.role) AS role
	FROM dp_agg.administrator a
	WHERE (SELECT pg_catalog.pg_has_role(CURRENT_USER, e.extowner, 'MEMBER')
		   FROM pg_catalog.pg_extension e WHERE e.extname = 'dp_agg')
		OR a.population IN (SELECT m.population FROM dp_agg.my_populations m);

COMMENT ON VIEW dp_agg.administrators IS
	'Who administers which population, beside the owner of the extension and superusers: all of it for these, the populations that it administers for anybody else.';

REVOKE ALL ON dp_agg.my_populations, dp_agg.administrators FROM PUBLIC;

GRANT SELECT ON dp_agg.administrators TO PUBLIC;

-- STABLE, so that they see what is committed by now, in whatever transaction.
CREATE FUNCTION dp_agg.administers(caller oid, population name) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM dp_agg.administrator a
					WHERE a.population = administers.population AND pg_has_role(caller, a.role, 'USAGE'))
$$;

COMMENT ON FUNCTION dp_agg.administers(oid, name) IS
	'internal: is a role listed as an administrator of a population, or has it the privileges of one that is';

-- What the caller has measured itself, by suggest() before protect(), is no trace of others.
CREATE FUNCTION dp_agg.population_known(caller oid, population name) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM pg_seclabel s
					WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_class'::regclass AND s.objsubid = 0
					  AND s.label::jsonb ->> 'population' = population_known.population)
		OR EXISTS (SELECT FROM dp_agg.administrator a JOIN pg_roles r ON r.oid = a.role WHERE a.population = population_known.population)
		OR EXISTS (SELECT FROM dp_agg.account a WHERE a.population = population_known.population)
		OR EXISTS (SELECT FROM dp_agg.account_change_waiting w WHERE w.population = population_known.population)
		OR EXISTS (SELECT FROM dp_agg.account_change c WHERE c.population = population_known.population)
		OR EXISTS (SELECT FROM dp_agg.release r
					WHERE r.population = population_known.population
					  AND (r.current_id <> caller OR r.cluster <> (SELECT c.system_identifier FROM pg_control_system() c)))
$$;

COMMENT ON FUNCTION dp_agg.population_known(oid, name) IS
	'internal: is there any trace of a population: a relation, an administrator, an account or an entry of the log that a role has not made itself';

CREATE FUNCTION dp_agg.population_found(founder oid, population name) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
	INSERT INTO dp_agg.administrator (population, role) VALUES (population, founder)
$$;

COMMENT ON FUNCTION dp_agg.population_found(oid, name) IS
	'internal: whoever protects the first relation of a population administers it';

-- A new function for whoever administers a population is named here.
CREATE FUNCTION dp_agg.admin_functions() RETURNS SETOF regprocedure
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT p.oid::regprocedure
	  FROM pg_proc p
	  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'dp_agg'
	 WHERE p.pronamespace = 'dp_agg'::regnamespace
	   AND p.proname IN ('protect', 'unprotect', 'set_bounds', 'set_public_bounds', 'set_total', 'set_domain', 'set_population_size',
						 'set_measured', 'set_norm', 'set_preview', 'set_grain', 'set_length', 'classify', 'suggest', 'suggest_classes', 'set_budget', 'drop_budget',
						 'set_population_cap', 'drop_population_cap', 'grant_admin', 'revoke_admin')
$$;

COMMENT ON FUNCTION dp_agg.admin_functions() IS
	'internal: functions that an administrator of a population calls';

CREATE FUNCTION dp_agg.admin_add(role name, population name, all_of_it boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	holder oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = admin_add.role);
	function regprocedure;
BEGIN
	IF role IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'role must not be null';
	ELSIF holder IS NULL THEN
		RAISE undefined_object USING MESSAGE = format('role "%s" does not exist', role);
	ELSIF population = '' THEN
		RAISE invalid_parameter_value USING MESSAGE = 'a population needs a name';
	END IF;
	IF all_of_it THEN
		FOR function IN SELECT * FROM dp_agg.admin_functions() LOOP
			EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', function, role);
		END LOOP;
	ELSIF NOT EXISTS (SELECT FROM dp_agg.admin_functions() f JOIN pg_proc p ON p.oid = f
					   WHERE p.proname = 'protect' AND has_function_privilege(holder, f, 'EXECUTE')) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('role "%s" may not protect relations', role),
			HINT = format('A superuser, or the owner of the extension, has to say dp_agg.grant_admin(%L) first.', role);
	END IF;
	IF population IS NOT NULL THEN
		INSERT INTO dp_agg.administrator (population, role) VALUES (population, holder)
		ON CONFLICT ON CONSTRAINT administrator_pkey DO NOTHING;
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.admin_add(name, name, boolean) IS
	'internal: what grant_admin() does, by the right of the extension''s owner; all_of_it: functions are granted, too';

CREATE FUNCTION dp_agg.admin_remove(role name, population name, all_of_it boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	function regprocedure;
BEGIN
	IF role IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'role must not be null';
	END IF;
	-- the role as dp_agg.administrators names it, so that one that is gone can be taken out, too
	DELETE FROM dp_agg.administrator a
	 WHERE pg_get_userbyid(a.role) = admin_remove.role
	   AND (admin_remove.population IS NULL OR a.population = admin_remove.population);
	IF NOT FOUND AND admin_remove.population IS NOT NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('role "%s" does not administer population "%s"', role, population),
			HINT = 'See dp_agg.administrators for those that are listed.';
	END IF;
	IF all_of_it AND EXISTS (SELECT FROM pg_roles r WHERE r.rolname = admin_remove.role)
		AND NOT EXISTS (SELECT FROM dp_agg.administrator a WHERE pg_get_userbyid(a.role) = admin_remove.role) THEN
		FOR function IN SELECT * FROM dp_agg.admin_functions() LOOP
			EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM %I', function, role);
		END LOOP;
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.admin_remove(name, name, boolean) IS
	'internal: what revoke_admin() does, by the right of the extension''s owner; all_of_it: with the last population, functions are revoked, too';

CREATE FUNCTION dp_agg.grant_admin(role name, population name DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME', 'dp_grant_admin' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION dp_agg.grant_admin(name, name) IS
	'lets a role that need not be a superuser administer a population in this database: protect and unprotect relations that it owns, set bounds, domains, limits and classes of these, give budgets, and see the population''s releases and accounts; NULL: populations that it founds. Superusers and the owner of the extension may, and administrators for their own population and roles that may protect() already. Errors: 42704 no such role, 42501 not allowed';

CREATE FUNCTION dp_agg.revoke_admin(role name, population name DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME', 'dp_revoke_admin' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION dp_agg.revoke_admin(name, name) IS
	'takes the administration of a population from a role, of all (NULL) with the right to found others; relations stay protected and accounts open. By the same roles as grant_admin. Errors: 42704 it does not administer it, 42501 not allowed';

REVOKE EXECUTE ON FUNCTION
	dp_agg.administers(oid, name), dp_agg.population_known(oid, name), dp_agg.population_found(oid, name),
	dp_agg.admin_functions(), dp_agg.admin_add(name, name, boolean), dp_agg.admin_remove(name, name, boolean),
	dp_agg.grant_admin(name, name), dp_agg.revoke_admin(name, name) FROM PUBLIC;

-- The session user, the current user, and every role either belongs to.  A
-- superuser is a member of what it was granted, not of everything.
CREATE OR REPLACE VIEW dp_agg.my_roles WITH (security_barrier) AS
	WITH RECURSIVE mine (role) AS (
		SELECT r.oid
		FROM pg_catalog.pg_roles r
		WHERE r.rolname IN (SESSION_USER, CURRENT_USER)
		UNION
		SELECT g.roleid
		FROM mine
		-- before 16 there are no options, and every member may SET ROLE
		JOIN (SELECT m.roleid, m.member
			  FROM pg_catalog.pg_auth_members m, LATERAL (SELECT pg_catalog.to_jsonb(m)) o (options)
			  WHERE COALESCE((o.options ->> 'inherit_option')::boolean, true)
				OR COALESCE((o.options ->> 'set_option')::boolean, true)
			  UNION ALL
			  SELECT r.oid, d.datdba
			  FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
			  WHERE d.datname = pg_catalog.current_database() AND r.rolname = 'pg_database_owner') g
			ON g.member = mine.role
	)
	SELECT mine.role FROM mine;

-- What rho means; see src/accounting/concentrated.c.
CREATE FUNCTION dp_agg.rho_to_epsilon(rho bigint, delta bigint) RETURNS bigint
AS 'MODULE_PATHNAME', 'dp_sql_rho_to_epsilon' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.rho_to_epsilon(bigint, bigint) IS
	'internal: the epsilon, in 1e-9, for which rho, in 1e-12, implies (epsilon, delta)-DP, rounded up; delta in 1e-18; errors: 22003 out of range';

CREATE FUNCTION dp_agg.rho_within(epsilon bigint, delta bigint) RETURNS bigint
AS 'MODULE_PATHNAME', 'dp_sql_rho_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION dp_agg.rho_within(bigint, bigint) IS
	'internal: the largest rho, in 1e-12, that implies (epsilon, delta)-DP; epsilon in 1e-9, delta in 1e-18; errors: 22003 out of range';

-- The books can be read without the library; then what rho means is not known.
CREATE FUNCTION dp_agg.epsilon_of_rho(rho bigint, delta bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN dp_agg.rho_to_epsilon(rho, delta);
EXCEPTION WHEN undefined_file THEN
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION dp_agg.epsilon_of_rho(bigint, bigint) IS
	'internal: dp_agg.rho_to_epsilon(), or NULL where the library is missing';

-- The views below call them by the right of whoever reads them.
GRANT EXECUTE ON FUNCTION dp_agg.rho_to_epsilon(bigint, bigint), dp_agg.epsilon_of_rho(bigint, bigint) TO PUBLIC;

-- Accounts in human units; those whose renewal is due are shown as renewed.  Of the delta of an
-- account with zcdp one half is for gates, and the other is that at which rho means an epsilon:
-- spent as a whole by whoever has spent any rho.
CREATE OR REPLACE VIEW dp_agg.account_state WITH (security_barrier) AS
	SELECT a.role AS role_id,
		pg_catalog.pg_get_userbyid(a.role) AS role,
		a.population,
		pg_catalog.trim_scale(a.epsilon_limit / 1e9) AS epsilon_limit,
		pg_catalog.trim_scale(u.epsilon_spent / 1e9) AS epsilon_spent,
		-- GREATEST passes over NULL
		CASE WHEN u.epsilon_spent IS NOT NULL
			THEN pg_catalog.trim_scale(GREATEST(a.epsilon_limit - u.epsilon_spent, 0) / 1e9)
		END AS epsilon_remaining,
		pg_catalog.trim_scale(pg_catalog.round(a.delta_limit * 1e-18, 18)) AS delta_limit,
		pg_catalog.trim_scale(pg_catalog.round(u.delta_spent * 1e-18, 18)) AS delta_spent,
		pg_catalog.trim_scale(pg_catalog.round(GREATEST(a.delta_limit - u.delta_spent, 0) * 1e-18, 18)) AS delta_remaining,
		a.period,
		CASE WHEN c.renewed
			THEN dp_agg.next_renewal(a.period_anchor, a.period, pg_catalog.statement_timestamp())
			ELSE a.renews_at
		END AS renews_at,
		a.accountant,
		pg_catalog.trim_scale(a.max_epsilon_per_query / 1e9) AS max_epsilon_per_query,
		pg_catalog.trim_scale(a.min_epsilon_per_query / 1e9) AS min_epsilon_per_query,
		a.max_releases,
		c.releases_spent,
		CASE WHEN a.max_releases IS NOT NULL
			THEN GREATEST(a.max_releases - c.releases_spent, 0)
		END AS releases_remaining,
		pg_catalog.trim_scale(a.rho_limit / 1e12) AS rho_limit,
		pg_catalog.trim_scale(c.rho_spent / 1e12) AS rho_spent,
		CASE WHEN a.rho_limit IS NOT NULL
			THEN pg_catalog.trim_scale(GREATEST(a.rho_limit - c.rho_spent, 0) / 1e12)
		END AS rho_remaining,
		pg_catalog.trim_scale(u.epsilon_lifetime / 1e9) AS epsilon_lifetime,
		pg_catalog.trim_scale(a.max_epsilon_lifetime / 1e9) AS max_epsilon_lifetime
	FROM dp_agg.account a,
		LATERAL (SELECT COALESCE(a.renews_at <= pg_catalog.statement_timestamp(), false) AS renewed,
					-- of a pure account, where it stands for nothing, too
					GREATEST(a.delta_limit - a.delta_limit / 2, 1) AS conversion) n,
		LATERAL (SELECT n.renewed,
					CASE WHEN n.renewed THEN 0 ELSE a.epsilon_spent END AS epsilon_spent,
					CASE WHEN n.renewed THEN 0 ELSE a.delta_spent END AS delta_spent,
					CASE WHEN n.renewed THEN 0 ELSE a.rho_spent END AS rho_spent,
					CASE WHEN n.renewed THEN 0 ELSE a.releases_spent END AS releases_spent) c,
		LATERAL (SELECT CASE a.accountant WHEN 'zcdp' THEN dp_agg.epsilon_of_rho(c.rho_spent, n.conversion)
						ELSE c.epsilon_spent END AS epsilon_spent,
					CASE WHEN a.accountant = 'zcdp' AND c.rho_spent > 0 THEN c.delta_spent + n.conversion
						ELSE c.delta_spent END AS delta_spent,
					CASE a.accountant WHEN 'zcdp'
						THEN dp_agg.epsilon_of_rho(LEAST(a.rho_lifetime, 1e18)::bigint, n.conversion)
						ELSE a.epsilon_lifetime END AS epsilon_lifetime) u;

COMMENT ON VIEW dp_agg.account_state IS
	'All accounts and caps (role_id 0) in human units. Internal to dp_agg.budgets, dp_agg.my_budget and dp_agg.population_caps.';

CREATE OR REPLACE VIEW dp_agg.my_budget WITH (security_barrier) AS
	SELECT s.role, s.population, s.epsilon_limit, s.epsilon_spent, s.epsilon_remaining,
		s.delta_limit, s.delta_spent, s.delta_remaining, s.period, s.renews_at, s.accountant,
		s.max_epsilon_per_query, s.min_epsilon_per_query,
		s.max_releases, s.releases_spent, s.releases_remaining,
		s.rho_limit, s.rho_spent, s.rho_remaining, s.epsilon_lifetime, s.max_epsilon_lifetime
	FROM dp_agg.account_state s
	WHERE s.role_id IN (SELECT m.role FROM dp_agg.my_roles m);

COMMENT ON VIEW dp_agg.my_budget IS
	'Accounts that a statement of this session pays from: those of the session user, the current user and the roles that either inherits from or may SET ROLE to. epsilon, delta and rho in plain units; remaining is never below 0, and releases_remaining is NULL where releases are not limited. Under zcdp, epsilon_spent is what rho_spent means at half of delta_limit. Population caps are in dp_agg.population_caps.';

CREATE OR REPLACE VIEW dp_agg.budgets WITH (security_barrier) AS
	SELECT s.role, s.population, s.epsilon_limit, s.epsilon_spent, s.epsilon_remaining,
		s.delta_limit, s.delta_spent, s.delta_remaining, s.period, s.renews_at, s.accountant,
		s.max_epsilon_per_query, s.min_epsilon_per_query,
		s.max_releases, s.releases_spent, s.releases_remaining,
		s.rho_limit, s.rho_spent, s.rho_remaining, s.epsilon_lifetime, s.max_epsilon_lifetime
	FROM dp_agg.account_state s
	WHERE s.role_id <> 0
		AND ((SELECT pg_catalog.pg_has_role(CURRENT_USER, e.extowner, 'MEMBER')
			  FROM pg_catalog.pg_extension e WHERE e.extname = 'dp_agg')
			OR (SELECT pg_catalog.has_table_privilege('dp_agg.account', 'SELECT'))
			OR s.role_id IN (SELECT m.role FROM dp_agg.my_roles m)
			OR s.population IN (SELECT m.population FROM dp_agg.my_populations m));

COMMENT ON VIEW dp_agg.budgets IS
	'All accounts, for members of the extension''s owner, for superusers and for whoever may SELECT from dp_agg.account, as auditors; those on a population for its administrators; its own (as in dp_agg.my_budget) for anybody else.';

CREATE VIEW dp_agg.population_caps WITH (security_barrier) AS
	SELECT s.population, s.epsilon_limit, s.epsilon_spent, s.epsilon_remaining,
		s.delta_limit, s.delta_spent, s.delta_remaining, s.period, s.renews_at, s.accountant,
		s.releases_spent,
		s.rho_limit, s.rho_spent, s.rho_remaining, s.epsilon_lifetime, s.max_epsilon_lifetime
	FROM dp_agg.account_state s
	WHERE s.role_id = 0
		AND ((SELECT pg_catalog.pg_has_role(CURRENT_USER, e.extowner, 'MEMBER')
			  FROM pg_catalog.pg_extension e WHERE e.extname = 'dp_agg')
			OR (SELECT pg_catalog.has_table_privilege('dp_agg.account', 'SELECT'))
			OR s.population IN (SELECT m.population FROM dp_agg.my_populations m)
			OR s.population IN (SELECT b.population FROM dp_agg.my_budget b));

COMMENT ON VIEW dp_agg.population_caps IS
	'What all roles together may spend on a population, and have spent; for those who see all accounts, for administrators of the population and for roles with an account on it.';

-- STABLE, so that columns of the log that nobody asks for are not computed.
CREATE FUNCTION dp_agg.this_cluster() RETURNS bigint LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT system_identifier FROM pg_control_system() $$;

COMMENT ON FUNCTION dp_agg.this_cluster() IS
	'internal: system identifier of this cluster, in which OIDs of roles hold';

-- Who paid for a release, by the names that they had.  OIDs of a cluster that this one is a copy
-- of, or that it was restored from, may be other roles here.  So names come from the log: of the
-- release itself, or of the last change of the account before it, which every account has.
CREATE VIEW dp_agg.paying_roles WITH (security_barrier) AS
	SELECT r.id, w.place, n.name,
		CASE WHEN r.cluster = (SELECT dp_agg.this_cluster())
			THEN o.role IN (SELECT m.role FROM dp_agg.my_roles m)
			ELSE n.name IN (SELECT pg_catalog.pg_get_userbyid(m.role)::text FROM dp_agg.my_roles m) END AS mine
	FROM dp_agg.release r,
		LATERAL pg_catalog.string_to_table(r.accounts, ' ') WITH ORDINALITY w (word, place),
		LATERAL (SELECT w.word::pg_catalog.oid AS role) o,
		LATERAL (SELECT COALESCE(
			CASE o.role WHEN r.session_id THEN r.session_role::text WHEN r.current_id THEN r."current_role"::text END,
			(SELECT a.role::text FROM dp_agg.account_change a
			  WHERE a.cluster = r.cluster AND a.role_id = o.role AND a.id < r.id
			  ORDER BY a.id DESC LIMIT 1),
			'unknown (OID=' || w.word || ')') AS name) n
	-- 0 is the cap of the population
	WHERE w.word NOT IN ('', '0');

COMMENT ON VIEW dp_agg.paying_roles IS
	'Roles whose accounts paid for releases, by name, and whether a statement of this session pays from them. Internal to dp_agg.release_log.';

-- A column of this view has another place than in 1.0, so it is made anew.  Those that are made
-- of it are replaced below, and let go of the old one.
ALTER VIEW dp_agg.release_log RENAME TO release_log_1_0;

-- The log in human units.  No name is cast to regrole, here or elsewhere: that reads "Ann" as ann.
CREATE VIEW dp_agg.release_log WITH (security_barrier) AS
	SELECT r.id, r.at, r.session_role, r."current_role", r.population, r.relations, r.query,
		pg_catalog.trim_scale(r.epsilon / 1e9) AS epsilon,
		pg_catalog.trim_scale(pg_catalog.round(r.delta * 1e-18, 18)) AS delta,
		r.outputs, r.tier, r.reused, dp_agg.tier_reasons(r.codes) AS tier_reasons,
		dp_agg.tier_codes(r.codes) AS tier_codes, dp_agg.tier_obligation(r.tier) AS obligation,
		CASE WHEN r.cluster = (SELECT dp_agg.this_cluster())
			THEN r.session_id IN (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname IN (SESSION_USER, CURRENT_USER))
				OR r.current_id IN (SELECT o.oid FROM pg_catalog.pg_roles o WHERE o.rolname IN (SESSION_USER, CURRENT_USER))
			ELSE r.session_role IN (SESSION_USER, CURRENT_USER)
				OR r."current_role" IN (SESSION_USER, CURRENT_USER) END AS mine,
		ARRAY(SELECT p.name FROM dp_agg.paying_roles p WHERE p.id = r.id ORDER BY p.place) AS accounts,
		ARRAY(SELECT p.name FROM dp_agg.paying_roles p WHERE p.id = r.id AND p.mine ORDER BY p.place) AS own_accounts
	FROM dp_agg.release r;

COMMENT ON VIEW dp_agg.release_log IS
	'All releases in human units. Internal to dp_agg.releases and dp_agg.my_releases.';

CREATE OR REPLACE VIEW dp_agg.my_releases WITH (security_barrier) AS
	SELECT l.id, l.at, l.session_role, l."current_role", l.population, l.relations, l.query,
		l.epsilon, l.delta, l.outputs, l.tier, l.reused, l.tier_reasons, l.tier_codes, l.obligation,
		l.session_role AS session_user_name, l."current_role" AS role_name,
		l.own_accounts AS accounts
	FROM dp_agg.release_log l
	WHERE l.mine;

COMMENT ON VIEW dp_agg.my_releases IS
	'Releases that the session user or the current user made or ran. epsilon and delta in plain units; accounts: roles that paid, those that this session pays from.';

CREATE OR REPLACE VIEW dp_agg.releases WITH (security_barrier) AS
	SELECT l.id, l.at, l.session_role, l."current_role", l.population, l.relations, l.query,
		l.epsilon, l.delta, l.outputs, l.tier, l.reused, l.tier_reasons, l.tier_codes, l.obligation,
		l.session_role AS session_user_name, l."current_role" AS role_name,
		CASE WHEN s.all_of_it OR l.population IN (SELECT m.population FROM dp_agg.my_populations m)
			THEN l.accounts ELSE l.own_accounts END AS accounts
	FROM dp_agg.release_log l,
		(SELECT pg_catalog.pg_has_role(CURRENT_USER, e.extowner, 'MEMBER')
			OR pg_catalog.has_table_privilege('dp_agg.release', 'SELECT') AS all_of_it
		 FROM pg_catalog.pg_extension e WHERE e.extname = 'dp_agg') s
	WHERE l.mine OR s.all_of_it OR l.population IN (SELECT m.population FROM dp_agg.my_populations m);

DROP VIEW dp_agg.release_log_1_0;

COMMENT ON VIEW dp_agg.releases IS
	'All releases, for members of the extension''s owner, for superusers and for whoever may SELECT from dp_agg.release, as auditors; those of a population for its administrators; its own (as in dp_agg.my_releases) for anybody else. accounts: roles that paid; to anybody else, those that the session pays from.';

-- The rest of the log, for whoever is given SELECT on these views.
CREATE VIEW dp_agg.raw_reads WITH (security_barrier) AS
	SELECT r.id, r.at, r.session_role, r."current_role", r.population, r.relation, r.columns, r.query,
		r.tier, dp_agg.tier_reasons(r.codes) AS tier_reasons, dp_agg.tier_codes(r.codes) AS tier_codes,
		dp_agg.tier_obligation(r.tier) AS obligation,
		r.session_role AS session_user_name, r."current_role" AS role_name
	FROM dp_agg.raw_read r;

COMMENT ON VIEW dp_agg.raw_reads IS
	'Statements that read raw rows of classified relations while dp_agg.audit_raw was on, one row per statement and relation, with the risk tier of what they read. For the extension''s owner, and auditors to whom SELECT is granted.';

CREATE VIEW dp_agg.account_changes WITH (security_barrier) AS
	SELECT c.id, c.at, c.session_role, c."current_role", c.role, c.population,
		CASE WHEN c.before IS NULL THEN 'opened' WHEN c.after IS NULL THEN 'closed' ELSE 'changed' END AS change,
		pg_catalog.trim_scale((c.before::pg_catalog.json ->> 'epsilon_limit')::numeric / 1e9) AS epsilon_from,
		pg_catalog.trim_scale((c.after::pg_catalog.json ->> 'epsilon_limit')::numeric / 1e9) AS epsilon_to,
		pg_catalog.trim_scale((c.before::pg_catalog.json ->> 'delta_limit')::numeric / 1e18) AS delta_from,
		pg_catalog.trim_scale((c.after::pg_catalog.json ->> 'delta_limit')::numeric / 1e18) AS delta_to,
		c.before::pg_catalog.jsonb AS before, c.after::pg_catalog.jsonb AS after,
		c.session_role AS session_user_name, c."current_role" AS role_name,
		pg_catalog.trim_scale((c.before::pg_catalog.json ->> 'epsilon_spent')::numeric / 1e9) AS spent_from,
		pg_catalog.trim_scale((c.after::pg_catalog.json ->> 'epsilon_spent')::numeric / 1e9) AS spent_to
	FROM (SELECT a.id, a.at, a.session_role, a."current_role", a.role, a.population, a.before, a.after
			FROM dp_agg.account_change a
		  UNION ALL
		  SELECT NULL, w.at, w.session_role, w."current_role", w.role, w.population, w.before, w.after
			FROM dp_agg.account_change_waiting w) c;

COMMENT ON VIEW dp_agg.account_changes IS
	'Who opened, changed or closed an account, when, from what to what: limits in plain units, and the whole row of dp_agg.account before and after; id NULL: not in the chain yet. For the extension''s owner, and auditors to whom SELECT is granted.';

-- Unquoted, current_role is a function of SQL, in every place where a column may stand.  So the
-- two roles have names that need no quotes as well.
COMMENT ON COLUMN dp_agg.my_releases.session_user_name IS 'name, at that time, of the role that had logged in: the same as session_role';

COMMENT ON COLUMN dp_agg.my_releases.role_name IS 'name, at that time, of the role that ran the statement: the same as "current_role", which without quotes is the role that looks';

COMMENT ON COLUMN dp_agg.releases.session_user_name IS 'name, at that time, of the role that had logged in: the same as session_role';

COMMENT ON COLUMN dp_agg.releases.role_name IS 'name, at that time, of the role that ran the statement: the same as "current_role", which without quotes is the role that looks';

COMMENT ON COLUMN dp_agg.raw_reads.session_user_name IS 'name, at that time, of the role that had logged in: the same as session_role';

COMMENT ON COLUMN dp_agg.raw_reads.role_name IS 'name, at that time, of the role that read: the same as "current_role", which without quotes is the role that looks';

COMMENT ON COLUMN dp_agg.account_changes.session_user_name IS 'name, at that time, of the role that had logged in: the same as session_role';

COMMENT ON COLUMN dp_agg.account_changes.role_name IS 'name, at that time, of the role that made the change: the same as "current_role", which without quotes is the role that looks';

REVOKE ALL ON
	dp_agg.paying_roles,
	dp_agg.release_log,
	dp_agg.population_caps,
	dp_agg.raw_reads,
	dp_agg.account_changes FROM PUBLIC;

GRANT SELECT ON
	dp_agg.population_caps TO PUBLIC;

-- By the right of whoever calls it: it counts what dp_agg.releases shows them.
CREATE FUNCTION dp_agg.tier_report(population name DEFAULT NULL)
RETURNS TABLE (day date, tier text, stage text, code text, reason text, releases bigint, epsilon numeric)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT (r.at AT TIME ZONE 'UTC')::date, r.tier, split_part(c.code, '.', 1), c.code,
		(dp_agg.tier_reasons(c.code))[1], count(*), sum(r.epsilon)
	FROM dp_agg.releases r LEFT JOIN LATERAL unnest(r.tier_codes) WITH ORDINALITY c (code, place) ON true
	WHERE tier_report.population IS NULL OR r.population = tier_report.population
	GROUP BY 1, 2, 3, 4
	ORDER BY 1, array_position(ARRAY['low', 'medium', 'high'], r.tier), max(c.place), 4
$$;

COMMENT ON FUNCTION dp_agg.tier_report(name) IS
	'Releases that dp_agg.releases shows, of one population or (NULL) of all, by day (UTC), risk tier, stage and reason; epsilon in plain units. A release has a reason for each stage, and counts once in the row of each.';

-- Fails with the first of what cannot be said of an account.
CREATE FUNCTION dp_agg.check_account(population name, accountant text, forget boolean, delta numeric, max_releases bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF population IS NULL OR accountant IS NULL OR forget IS NULL THEN
		RAISE EXCEPTION 'role, population, accountant and forget must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	-- the accounts of a population outlive its last table, and must be there to be changed
	IF NOT EXISTS (SELECT FROM dp_agg.protected_relations p WHERE p.population = check_account.population)
		AND NOT EXISTS (SELECT FROM dp_agg.account a WHERE a.population = check_account.population) THEN
		RAISE EXCEPTION 'population "%" does not exist', population
			USING ERRCODE = 'undefined_object',
				HINT = 'A population comes into being with its first protected relation; see dp_agg.protect.';
	END IF;
	IF accountant NOT IN ('pure', 'zcdp') THEN
		RAISE EXCEPTION 'accountant "%" does not exist', accountant
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Accountants are "pure" and "zcdp".';
	END IF;
	IF delta >= 1 THEN
		RAISE EXCEPTION 'delta must be less than 1'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Delta is a probability, and should be far smaller than one over the number of individuals.';
	END IF;
	IF accountant = 'zcdp' AND delta < 2e-18 THEN
		RAISE EXCEPTION 'accountant "zcdp" needs a delta'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Half of it is that at which the spent rho means an epsilon. Say at least 2e-18, or take accountant "pure".';
	END IF;
	IF max_releases <= 0 THEN
		RAISE EXCEPTION 'max_releases must be at least 1'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Leave it out for no limit. To take a budget away, use dp_agg.drop_budget.';
	END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.check_account(name, text, boolean, numeric, bigint) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.check_account(name, text, boolean, numeric, bigint) IS
	'internal to dp_agg.set_budget and dp_agg.set_population_cap: refuses what cannot be (22004, 22023, 42704)';

-- A limit that may be left out, in whole units of the ledger; NULL if it is.
CREATE FUNCTION dp_agg.limit_units(what text, amount numeric)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	units bigint;
BEGIN
	IF amount IS NULL THEN
		RETURN NULL;
	END IF;
	units := dp_agg.budget_units(what, amount, 1e9);
	IF units = 0 THEN
		RAISE EXCEPTION '% must be at least 0.000000001', what
			USING ERRCODE = 'invalid_parameter_value',
				HINT = CASE what WHEN 'min_epsilon_per_query' THEN 'Leave it out where the setting dp_agg.min_epsilon is enough.'
							ELSE 'Leave it out for no such limit.' END;
	END IF;
	RETURN units;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.limit_units(text, numeric) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.limit_units(text, numeric) IS
	'internal to dp_agg.set_budget: an epsilon in 1e-9, rounded down; NULL for NULL; errors as dp_agg.budget_units, and 22023 for less than 1e-9';

-- The rho that a limit on epsilon stands for.
CREATE FUNCTION dp_agg.limit_rho(what text, epsilon bigint, delta bigint)
RETURNS bigint
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rho bigint := dp_agg.rho_within(epsilon, delta - delta / 2);
BEGIN
	IF rho = 0 THEN
		RAISE EXCEPTION '% is too little for accountant "zcdp"', what
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = 'No rho of 1e-12 or more implies it at half of delta.',
				HINT = 'Say a greater epsilon or delta, or take accountant "pure".';
	END IF;
	RETURN rho;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.limit_rho(text, bigint, bigint) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.limit_rho(text, bigint, bigint) IS
	'internal to dp_agg.set_budget: the largest rho, in 1e-12, that implies epsilon, in 1e-9, at half of delta, in 1e-18; errors: 22023 there is none';

-- What an account had spent, as it counts for the accountant that it is to have.  What was spent as
-- rho need not be pure epsilon-DP: it counts as what rho means at half of the delta of that time.
CREATE FUNCTION dp_agg.spent_as(was dp_agg.account, accountant text)
RETURNS dp_agg.account
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	conversion bigint := was.delta_limit - was.delta_limit / 2;
BEGIN
	IF was.accountant = 'zcdp' AND accountant = 'pure' THEN
		IF was.rho_spent > 0 THEN
			was.epsilon_spent := GREATEST(was.epsilon_spent, dp_agg.rho_to_epsilon(was.rho_spent, conversion));
			was.delta_spent := was.delta_spent + conversion;
		END IF;
		IF was.rho_lifetime > 0 THEN
			was.epsilon_lifetime := GREATEST(was.epsilon_lifetime,
				dp_agg.rho_to_epsilon(LEAST(was.rho_lifetime, 1e18)::bigint, conversion));
			was.delta_lifetime := was.delta_lifetime + conversion;
		END IF;
	END IF;
	RETURN was;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.spent_as(dp_agg.account, text) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.spent_as(dp_agg.account, text) IS
	'internal to dp_agg.set_budget: an account with what it had spent as another accountant counts it';

-- Opens an account or changes its limits; what is spent stays, if it is not to be forgotten.
CREATE FUNCTION dp_agg.account_put(holder oid, population name, epsilon numeric,
	delta numeric, period interval, max_epsilon_per_query numeric, accountant text,
	min_epsilon_per_query numeric, max_releases bigint, max_epsilon_lifetime numeric, forget boolean)
RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
-- intervals are compared as texts
SET search_path = pg_catalog, pg_temp SET intervalstyle = postgres
AS $$
DECLARE
	new dp_agg.account;
	was dp_agg.account;
	opened boolean;
	moment timestamptz := now();
BEGIN
	PERFORM dp_agg.check_account(population, accountant, forget, delta, max_releases);
	new.role := holder;
	new.population := population;
	new.epsilon_limit := dp_agg.budget_units('epsilon', epsilon, 1e9);
	IF new.epsilon_limit = 0 THEN
		RAISE EXCEPTION 'epsilon must be at least 0.000000001'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'To take a budget away, use dp_agg.drop_budget.';
	END IF;
	-- by default what delta the releases cost that epsilon pays for, at default settings
	new.delta_limit := dp_agg.budget_units('delta', COALESCE(delta, LEAST(GREATEST(1e-6, epsilon * 1e-8), 0.5)), 1e18);
	new.accountant := accountant;
	new.max_epsilon_per_query := dp_agg.limit_units('max_epsilon_per_query', max_epsilon_per_query);
	-- rounded up, which is against the analyst here
	new.min_epsilon_per_query := dp_agg.limit_units('min_epsilon_per_query', ceil(min_epsilon_per_query * 1e9) * 1e-9);
	new.max_epsilon_lifetime := dp_agg.limit_units('max_epsilon_lifetime', max_epsilon_lifetime);
	new.max_releases := max_releases;
	IF new.min_epsilon_per_query > LEAST(new.max_epsilon_per_query, new.epsilon_limit) THEN
		RAISE EXCEPTION 'min_epsilon_per_query must not be greater than max_epsilon_per_query or epsilon'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Nothing could be asked. To take a budget away, use dp_agg.drop_budget.';
	END IF;
	IF accountant = 'zcdp' THEN
		new.rho_limit := dp_agg.limit_rho('epsilon', new.epsilon_limit, new.delta_limit);
		IF max_epsilon_lifetime IS NOT NULL THEN
			new.max_rho_lifetime := dp_agg.limit_rho('max_epsilon_lifetime', new.max_epsilon_lifetime, new.delta_limit);
		END IF;
	END IF;
	PERFORM dp_agg.check_period(period);
	new.period := period;

	IF holder <> 0 THEN
		-- before the account is locked: who asks would have to wait
		PERFORM dp_agg.readers_warn(population, NULL, holder);
	END IF;
	-- Waits for whoever opens, changes, charges or closes the account just now.
	LOOP
		SELECT * INTO was FROM dp_agg.account a
		 WHERE a.role = holder AND a.population = account_put.population FOR UPDATE;
		opened := NOT FOUND;
		IF opened THEN
			SELECT * INTO was FROM dp_agg.closed_account(holder, population);
		END IF;
		-- A period that is over has renewed, whether or not anybody has spent since.
		IF forget OR was.renews_at <= moment THEN
			was.epsilon_spent := 0;
			was.delta_spent := 0;
			was.rho_spent := 0;
			was.releases_spent := 0;
		END IF;
		was := dp_agg.spent_as(was, accountant);
		new.epsilon_spent := COALESCE(was.epsilon_spent, 0);
		new.delta_spent := COALESCE(was.delta_spent, 0);
		new.rho_spent := COALESCE(was.rho_spent, 0);
		new.releases_spent := COALESCE(was.releases_spent, 0);
		new.epsilon_lifetime := COALESCE(was.epsilon_lifetime, 0);
		new.delta_lifetime := COALESCE(was.delta_lifetime, 0);
		new.rho_lifetime := COALESCE(was.rho_lifetime, 0);
		new.period_anchor := CASE WHEN was.period::text = period::text THEN was.period_anchor
								  WHEN period IS NOT NULL THEN moment END;
		-- a clock that was put back makes no renewal come sooner
		new.renews_at := CASE WHEN NOT forget AND was.period::text = period::text AND was.renews_at > moment
			THEN was.renews_at ELSE dp_agg.next_renewal(new.period_anchor, period, moment) END;
		IF opened THEN
			INSERT INTO dp_agg.account VALUES (new.*) ON CONFLICT ON CONSTRAINT account_pkey DO NOTHING;
			EXIT WHEN FOUND;
		ELSE
			UPDATE dp_agg.account a SET
				epsilon_limit = new.epsilon_limit, epsilon_spent = new.epsilon_spent,
				delta_limit = new.delta_limit, delta_spent = new.delta_spent,
				max_epsilon_per_query = new.max_epsilon_per_query,
				period = new.period, period_anchor = new.period_anchor, renews_at = new.renews_at,
				accountant = new.accountant,
				epsilon_lifetime = new.epsilon_lifetime, delta_lifetime = new.delta_lifetime,
				min_epsilon_per_query = new.min_epsilon_per_query,
				max_releases = new.max_releases, releases_spent = new.releases_spent,
				rho_limit = new.rho_limit, rho_spent = new.rho_spent, rho_lifetime = new.rho_lifetime,
				max_epsilon_lifetime = new.max_epsilon_lifetime, max_rho_lifetime = new.max_rho_lifetime
			 WHERE a.role = holder AND a.population = account_put.population;
			EXIT;
		END IF;
	END LOOP;
	IF opened AND new.epsilon_spent > 0 THEN
		RAISE NOTICE USING
			MESSAGE = format('%s on population "%s" is opened again, with epsilon %s spent',
							 CASE holder WHEN 0 THEN 'the cap' ELSE format('account of role "%s"', pg_get_userbyid(holder)) END,
							 population, trim_scale(new.epsilon_spent / 1e9)),
			HINT = 'To start from zero, which goes on record, say forget => true.';
	END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.account_put(oid, name, numeric, numeric, interval, numeric, text, numeric, bigint, numeric, boolean) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.account_put(oid, name, numeric, numeric, interval, numeric, text, numeric, bigint, numeric, boolean) IS
	'internal: opens or changes the account of a role, or (0) the cap of a population; see dp_agg.set_budget';

CREATE FUNCTION dp_agg.account_set(role name, population name, epsilon numeric,
	delta numeric, period interval, max_epsilon_per_query numeric, accountant text,
	min_epsilon_per_query numeric, max_releases bigint, max_epsilon_lifetime numeric, forget boolean)
RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	holder oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = account_set.role);
BEGIN
	IF role IS NULL OR population IS NULL OR accountant IS NULL OR forget IS NULL THEN
		RAISE EXCEPTION 'role, population, accountant and forget must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF holder IS NULL THEN
		RAISE EXCEPTION 'role "%" does not exist', role
			USING ERRCODE = 'undefined_object',
				HINT = 'A budget is given to a role that exists; its members spend from it too.';
	END IF;
	PERFORM dp_agg.account_put(holder, population, epsilon, delta, period, max_epsilon_per_query, accountant,
							   min_epsilon_per_query, max_releases, max_epsilon_lifetime, forget);
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.account_set(name, name, numeric, numeric, interval, numeric, text, numeric, bigint, numeric, boolean) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.account_set(name, name, numeric, numeric, interval, numeric, text, numeric, bigint, numeric, boolean) IS
	'internal: what set_budget() does, by the right of the extension''s owner';

CREATE FUNCTION dp_agg.set_budget(role name, population name, epsilon numeric,
	delta numeric DEFAULT NULL, period interval DEFAULT NULL,
	max_epsilon_per_query numeric DEFAULT NULL, accountant text DEFAULT 'pure',
	min_epsilon_per_query numeric DEFAULT NULL, max_releases bigint DEFAULT NULL,
	max_epsilon_lifetime numeric DEFAULT NULL, forget boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'dp_set_budget' LANGUAGE C VOLATILE;

REVOKE EXECUTE ON FUNCTION dp_agg.set_budget(name, name, numeric, numeric, interval, numeric, text, numeric, bigint, numeric, boolean) FROM PUBLIC;

CREATE FUNCTION dp_agg.set_budget(role name, population name, epsilon double precision,
	delta double precision DEFAULT NULL, period interval DEFAULT NULL,
	max_epsilon_per_query double precision DEFAULT NULL, accountant text DEFAULT 'pure',
	min_epsilon_per_query double precision DEFAULT NULL, max_releases bigint DEFAULT NULL,
	max_epsilon_lifetime double precision DEFAULT NULL, forget boolean DEFAULT false)
RETURNS void
LANGUAGE sql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.set_budget(role, population, epsilon::numeric, delta::numeric, period,
							 max_epsilon_per_query::numeric, accountant,
							 min_epsilon_per_query::numeric, max_releases,
							 max_epsilon_lifetime::numeric, forget)
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.set_budget(name, name, double precision, double precision, interval, double precision, text, double precision, bigint, double precision, boolean) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_budget(name, name, double precision, double precision, interval, double precision, text, double precision, bigint, double precision, boolean) IS
	'The same for clients that send amounts as double precision; see the form with numeric.';

COMMENT ON FUNCTION dp_agg.set_budget(name, name, numeric, numeric, interval, numeric, text, numeric, bigint, numeric, boolean) IS
	'Opens an account of a role on a population, or changes its limits, and keeps what is spent, also what an account that was closed had spent, unless forget is true. epsilon in [1e-9, 9.2e9], delta in [0, 1), both rounded down to whole units of 1e-9 and 1e-18; delta defaults to 1e-6 or 1e-8 per unit of epsilon, whichever is more; period (positive; null: never) after which spending starts again from zero; max_epsilon_per_query bounds one statement; accountant: pure (epsilon adds up) or zcdp (rho does, and means an epsilon at half of delta); min_epsilon_per_query is the least that one release may cost, where that is more than dp_agg.min_epsilon (rounded up; null: no more); max_releases how many releases may be made in a period (null: any number); max_epsilon_lifetime what may be spent in all periods together (null: any amount). It takes EXECUTE, and the administration of the population; forget takes that of all. Errors: 42704 unknown role or population, 22004 null, 22023 bad value, 22003 too large, 42501 no administrator.';

CREATE FUNCTION dp_agg.account_drop(role name, population name)
RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- The role as dp_agg.budgets names it, so that the account of a dropped one can go, too.
	DELETE FROM dp_agg.account a
	WHERE a.role <> 0::oid AND pg_get_userbyid(a.role) = account_drop.role
		AND a.population = account_drop.population;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'role "%" has no budget on population "%"', role, population
			USING ERRCODE = 'undefined_object', HINT = 'See dp_agg.budgets for those that exist.';
	END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.account_drop(name, name) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.account_drop(name, name) IS
	'internal: what drop_budget() does, by the right of the extension''s owner';

CREATE OR REPLACE FUNCTION dp_agg.drop_budget(role name, population name)
RETURNS void
AS 'MODULE_PATHNAME', 'dp_drop_budget' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION dp_agg.drop_budget(name, name) IS
	'Closes the account of a role on a population, also that of a role dropped since, under the name that dp_agg.budgets shows; the log of its releases stays, and what it has spent counts when it is opened again. Errors: 42704 there is no such account, 42501 no administrator of the population.';

-- The cap of a population is an account of no role, from which every release is paid.
CREATE FUNCTION dp_agg.cap_set(population name, epsilon numeric, delta numeric, period interval,
	accountant text, max_epsilon_lifetime numeric, forget boolean)
RETURNS void
LANGUAGE sql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.account_put(0, population, epsilon, delta, period, NULL, accountant, NULL, NULL,
							  max_epsilon_lifetime, forget)
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.cap_set(name, numeric, numeric, interval, text, numeric, boolean) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.cap_set(name, numeric, numeric, interval, text, numeric, boolean) IS
	'internal: what set_population_cap() does, by the right of the extension''s owner';

CREATE FUNCTION dp_agg.set_population_cap(population name, epsilon numeric, delta numeric DEFAULT NULL,
	period interval DEFAULT NULL, accountant text DEFAULT 'pure',
	max_epsilon_lifetime numeric DEFAULT NULL, forget boolean DEFAULT false)
RETURNS void
AS 'MODULE_PATHNAME', 'dp_set_population_cap' LANGUAGE C VOLATILE;

REVOKE EXECUTE ON FUNCTION dp_agg.set_population_cap(name, numeric, numeric, interval, text, numeric, boolean) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_population_cap(name, numeric, numeric, interval, text, numeric, boolean) IS
	'Limits what all releases on a population spend together, whoever makes them: analysts, administrators and dp_agg.suggest() alike. Beside the cap, each account has its own limits. Parameters and errors as for dp_agg.set_budget.';

CREATE FUNCTION dp_agg.cap_drop(population name)
RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM dp_agg.account a WHERE a.role = 0::oid AND a.population = cap_drop.population;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'population "%" has no cap', population
			USING ERRCODE = 'undefined_object', HINT = 'See dp_agg.population_caps for those that exist.';
	END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.cap_drop(name) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.cap_drop(name) IS
	'internal: what drop_population_cap() does, by the right of the extension''s owner';

CREATE FUNCTION dp_agg.drop_population_cap(population name)
RETURNS void
AS 'MODULE_PATHNAME', 'dp_drop_population_cap' LANGUAGE C VOLATILE;

REVOKE EXECUTE ON FUNCTION dp_agg.drop_population_cap(name) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.drop_population_cap(name) IS
	'Takes the cap of a population away; what was spent under it counts when there is one again. Errors: 42704 there is none, 42501 no administrator of the population.';

-- ----------------------------------------------------------------------------
-- Answers that are handed out again.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.reuse_set(population name, duration interval)
RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF population IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'population must not be NULL';
	END IF;
	IF duration < interval '0' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'duration must not be negative',
			HINT = 'It says how old an answer may be that is handed out again; NULL: none is.';
	END IF;
	IF NOT EXISTS (SELECT FROM dp_agg.protected_relations r WHERE r.population = reuse_set.population)
		AND NOT EXISTS (SELECT FROM dp_agg.account a WHERE a.population = reuse_set.population) THEN
		RAISE undefined_object USING
			MESSAGE = format('no relation of population "%s" is protected', population);
	END IF;
	IF duration > interval '0' THEN
		INSERT INTO dp_agg.reuse AS r VALUES (reuse_set.population, duration, clock_timestamp())
		ON CONFLICT ON CONSTRAINT reuse_pkey DO UPDATE SET lasts = excluded.lasts;
	ELSE
		DELETE FROM dp_agg.reuse r WHERE r.population = reuse_set.population;
		DELETE FROM dp_agg.answer a WHERE a.population = reuse_set.population;
	END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.reuse_set(name, interval) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.reuse_set(name, interval) IS
	'internal: what set_reuse() does, by the right of the extension''s owner';

CREATE FUNCTION dp_agg.set_reuse(population name, duration interval)
RETURNS void
AS 'MODULE_PATHNAME', 'dp_set_reuse' LANGUAGE C VOLATILE;

REVOKE EXECUTE ON FUNCTION dp_agg.set_reuse(name, interval) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.set_reuse(name, interval) IS
	'From now on the answer to a release is handed out again, at no price, to whoever may ask and asks the same, or a part of it, until it is so old; NULL or 0: never, and what was kept is deleted. It does not follow what is written to the tables; declarations and dp_agg.refresh() end it. Errors: 42704 no such population, 22004 null, 22023 negative, 42501 no administrator of the population.';

CREATE FUNCTION dp_agg.reuse_refresh(population name)
RETURNS void
LANGUAGE plpgsql SECURITY INVOKER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF population IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'population must not be NULL';
	END IF;
	UPDATE dp_agg.reuse r SET refreshed_at = clock_timestamp() WHERE r.population = reuse_refresh.population;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('answers about population "%s" are not handed out again', population),
			HINT = 'See dp_agg.set_reuse().';
	END IF;
	DELETE FROM dp_agg.answer a WHERE a.population = reuse_refresh.population;
END
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.reuse_refresh(name) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.reuse_refresh(name) IS
	'internal: what refresh() does, by the right of the extension''s owner';

CREATE FUNCTION dp_agg.refresh(population name)
RETURNS void
AS 'MODULE_PATHNAME', 'dp_refresh' LANGUAGE C VOLATILE;

REVOKE EXECUTE ON FUNCTION dp_agg.refresh(name) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.refresh(name) IS
	'No answer about the population that was made before is handed out again: the next release is drawn, and paid for. Errors: 42704 its answers are not handed out again, 22004 null, 42501 no administrator of the population.';

CREATE VIEW dp_agg.reuse_windows WITH (security_barrier) AS
	SELECT r.population, r.lasts, r.refreshed_at
	FROM dp_agg.reuse r
	WHERE (SELECT pg_catalog.pg_has_role(CURRENT_USER, e.extowner, 'MEMBER')
			FROM pg_catalog.pg_extension e WHERE e.extname = 'dp_agg')
		OR r.population IN (SELECT m.population FROM dp_agg.my_populations m)
		OR r.population IN (SELECT b.population FROM dp_agg.my_budget b);

REVOKE ALL ON dp_agg.reuse_windows FROM PUBLIC;

GRANT SELECT ON dp_agg.reuse_windows TO PUBLIC;

COMMENT ON VIEW dp_agg.reuse_windows IS
	'Populations whose answers are handed out again: how old they may be, and when the last refresh was. For the extension''s owner, administrators of a population, and roles with an account on it.';

-- ----------------------------------------------------------------------------
-- What an account has spent outlives it, and who reads the table needs no account.
-- ----------------------------------------------------------------------------

-- The last word of the chain about the account.  An account that was in another cluster,
-- before a restore, goes by the name of its role.
CREATE FUNCTION dp_agg.closed_account(holder oid, population name)
RETURNS dp_agg.account
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET intervalstyle = postgres
AS $$
	SELECT x FROM (
		SELECT c.before, c.after FROM (
			SELECT true AS waits, w.number, w.cluster, w.role, w.role_id, w.population, w.before, w.after
			  FROM dp_agg.account_change_waiting w
			UNION ALL
			SELECT false, a.id, a.cluster, a.role, a.role_id, a.population, a.before, a.after
			  FROM dp_agg.account_change a) c
		 WHERE c.population = closed_account.population
		   AND CASE WHEN holder = 0 OR c.cluster = (SELECT s.system_identifier FROM pg_control_system() s)
					THEN c.role_id = holder
					ELSE c.role_id <> 0 AND c.role = pg_get_userbyid(holder) END
		 ORDER BY c.waits DESC, c.number DESC LIMIT 1) l,
		-- the role may be gone, or another one's name by now
		jsonb_populate_record(NULL::dp_agg.account, l.before::jsonb - 'role') x
	 WHERE l.after IS NULL
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.closed_account(oid, name) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.closed_account(oid, name) IS
	'internal to set_budget: an account as it was when it was closed, but for its role; NULL if the last change of it did not close it';

CREATE FUNCTION dp_agg.kept_reads(population name, holder oid)
RETURNS TABLE (relation regclass, everybody boolean, finding text, remedy text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE spends (role) AS (
		SELECT holder
		UNION
		SELECT m.member FROM spends s JOIN dp_agg.memberships() m ON m.granted = s.role AND m.acts),
	reaches (role) AS (
		SELECT s.role FROM spends s
		UNION
		SELECT m.granted FROM reaches r JOIN dp_agg.memberships() m ON m.member = r.role),
	reached AS MATERIALIZED (
		SELECT g.role FROM dp_agg.grantees() g WHERE g.population = kept_reads.population
		UNION
		SELECT r.role FROM reaches r WHERE r.role IS NOT NULL),
	tree AS MATERIALIZED (
		SELECT t.root, c.oid, c.relacl, c.relowner, dp_agg.object_name(c.oid) AS name
		  FROM dp_agg.protected_tree() t JOIN pg_class c ON c.oid = t.relation
		 WHERE t.population = kept_reads.population)
	SELECT t.root::regclass, a.grantee = 0 AND a.privilege_type = 'SELECT',
		   format(CASE a.privilege_type WHEN 'SELECT' THEN '%s may read %s' ELSE '%s has MAINTAIN on %s and may have numbers of rows printed' END,
				  CASE a.grantee WHEN 0 THEN 'everybody' ELSE dp_agg.role_name(a.grantee) END, t.name),
		   format('REVOKE %s ON %s FROM %s', a.privilege_type, t.name, dp_agg.role_name(a.grantee))
	  FROM tree t, aclexplode(t.relacl) a JOIN reached r ON r.role = a.grantee
	 WHERE a.privilege_type IN ('SELECT', 'MAINTAIN') AND a.grantee <> t.relowner
	UNION
	SELECT t.root::regclass, false, format('%s may read column %I of %s', dp_agg.role_name(a.grantee), l.attname, t.name),
		   format('REVOKE SELECT (%I) ON %s FROM %s', l.attname, t.name, dp_agg.role_name(a.grantee))
	  FROM tree t JOIN pg_attribute l ON l.attrelid = t.oid AND NOT l.attisdropped,
		   aclexplode(l.attacl) a JOIN reached r ON r.role = a.grantee
	 WHERE a.privilege_type = 'SELECT' AND a.grantee <> t.relowner
	UNION
	SELECT t.root::regclass, false, format('%s owns %s', dp_agg.role_name(t.relowner), t.name),
		   format('ALTER TABLE %s OWNER TO CURRENT_USER', t.name)
	  FROM tree t JOIN reached r ON r.role = t.relowner
	UNION
	SELECT NULL, false, format(p.power, dp_agg.role_name(m.member)), format('REVOKE %I FROM %s', p.name, dp_agg.role_name(m.member))
	  FROM dp_agg.memberships() m JOIN reached r ON r.role = m.member
	  JOIN (VALUES ('pg_read_all_data', '%s may read every table'),
				   ('pg_maintain', '%s may have numbers of rows of every table printed')) p (name, power)
		ON p.name = pg_get_userbyid(m.granted)
	UNION
	SELECT NULL, false, format('%s is a superuser and reads every table', dp_agg.role_name(s.oid)),
		   format('ALTER ROLE %s NOSUPERUSER', dp_agg.role_name(s.oid))
	  FROM pg_roles s JOIN reached r ON r.role = s.oid
	 WHERE s.rolsuper
$$;

REVOKE EXECUTE ON FUNCTION dp_agg.kept_reads(name, oid) FROM PUBLIC;

COMMENT ON FUNCTION dp_agg.kept_reads(name, oid) IS
	'internal: rights by which roles with an account on a population, and one that is about to have one (NULL: none), get rows and exact answers all the same, and what takes them away; relation NULL: of every table';

CREATE FUNCTION dp_agg.readers_warn(population name, relation regclass, holder oid) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kept record;
BEGIN
	FOR kept IN SELECT k.finding, k.remedy FROM dp_agg.kept_reads(population, holder) k
				 -- protect() says itself that everybody may read
				 WHERE readers_warn.relation IS NULL
					OR (k.relation IS NULL OR k.relation = readers_warn.relation) AND NOT k.everybody
				 ORDER BY k.finding LOOP
		RAISE WARNING USING
			MESSAGE = kept.finding || ', whatever its account',
			DETAIL = 'Whoever may read a table gets exact answers about it.',
			HINT = kept.remedy || ';';
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.readers_warn(name, regclass, oid) IS
	'internal: warns of rights that make an account on a population (relation: on one table of it) of no effect';

REVOKE EXECUTE ON FUNCTION dp_agg.readers_warn(name, regclass, oid) FROM PUBLIC;

CREATE FUNCTION dp_agg.warn_of_readers(population name, relation regclass, holder oid) RETURNS void
AS 'MODULE_PATHNAME', 'dp_warn_of_readers' LANGUAGE C VOLATILE;

COMMENT ON FUNCTION dp_agg.warn_of_readers(name, regclass, oid) IS
	'internal to protect: the same, for administrators of the population; others are told nothing';

-- ----------------------------------------------------------------------------
-- What this server leaves open: dp_agg.check_hardening().
--
-- One function per kind of finding.  "Grantees" of a population are PUBLIC, the
-- roles that spend from an account on it, and every role that one of those is a
-- member of: what any of them was granted, an analyst has or can take.
-- Privileges are read from the catalogs' ACLs, not asked of has_*_privilege(),
-- so that a finding names the grant that is to be revoked.
-- ----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION dp_agg.memberships() RETURNS TABLE (granted oid, member oid, acts boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- before 16 there are no options, and every member may SET ROLE
	SELECT m.roleid, m.member, bool_or(COALESCE((o.options ->> 'inherit_option')::boolean, true)
									   OR COALESCE((o.options ->> 'set_option')::boolean, true))
	  FROM pg_auth_members m, LATERAL (SELECT to_jsonb(m)) o (options)
	 GROUP BY m.roleid, m.member
	UNION
	SELECT r.oid, d.datdba, true FROM pg_database d, pg_roles r
	 WHERE d.datname = current_database() AND r.rolname = 'pg_database_owner'
$$;

COMMENT ON FUNCTION dp_agg.memberships() IS
'internal: which role was granted to which, the database''s owner as a member of pg_database_owner; acts: the member inherits its rights or may SET ROLE to it, and has more than ADMIN';

CREATE OR REPLACE FUNCTION dp_agg.account_roles() RETURNS TABLE (population name, role oid)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH RECURSIVE spends (population, role) AS (
		SELECT a.population, r.oid FROM dp_agg.account a JOIN pg_roles r ON r.oid = a.role
		UNION
		SELECT s.population, m.member FROM spends s JOIN dp_agg.memberships() m ON m.granted = s.role AND m.acts
	)
	SELECT s.population, s.role FROM spends s
$$;

COMMENT ON FUNCTION dp_agg.account_roles() IS
'internal: roles that spend from an account on a population: its holder, and members at any depth that inherit its rights or may SET ROLE to it';

CREATE OR REPLACE FUNCTION dp_agg.hardening_grants()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH power (privilege, severity, power) AS (VALUES
		('INSERT', 'high', 'may find out who is there by violating a constraint'),
		('UPDATE', 'high', 'may count rows, and violate constraints'),
		('DELETE', 'high', 'may count rows by deleting them'),
		('TRUNCATE', 'medium', 'may empty it'),
		('REFERENCES', 'high', 'may find out who is there by a foreign key'),
		('TRIGGER', 'high', 'may add a trigger, which sees rows as they are written'),
		('MAINTAIN', 'medium', 'may have numbers of rows printed by VACUUM and ANALYZE')),
	held AS (
		SELECT t.root, c.oid, a.grantee, a.privilege_type AS privilege, NULL::name AS attname
		  FROM dp_agg.protected_tree() t
		  JOIN pg_class r ON r.oid = t.relation
		  JOIN pg_class c ON c.oid IN (r.oid, r.reltoastrelid),
			   aclexplode(c.relacl) a
		  JOIN dp_agg.grantees() g ON g.role = a.grantee
		 WHERE g.population = t.population AND a.grantee <> c.relowner
		UNION
		SELECT t.root, t.relation, a.grantee, a.privilege_type, c.attname
		  FROM dp_agg.protected_tree() t
		  JOIN pg_attribute c ON c.attrelid = t.relation AND NOT c.attisdropped,
			   aclexplode(c.attacl) a
		  JOIN dp_agg.grantees() g ON g.role = a.grantee
		 WHERE g.population = t.population
	)
	SELECT p.severity, 'grant', h.oid::regclass::text,
		   format('%s has %s%s and %s', dp_agg.role_name(h.grantee), h.privilege,
				  ' (' || quote_ident(h.attname) || ')', p.power),
		   format('REVOKE %s%s ON %s FROM %s', h.privilege, ' (' || quote_ident(h.attname) || ')',
				  h.oid::regclass, dp_agg.role_name(h.grantee))
	  FROM held h JOIN power p USING (privilege)
	UNION ALL
	-- high: what the holder of the account has, or can take
	SELECT 'high', 'grant', h.oid::regclass::text,
		   CASE WHEN h.grantee = 0 THEN format('everybody may read %s', COALESCE('column ' || quote_ident(h.attname), 'it'))
				WHEN h.child THEN
					format('%s may read it, which holds rows of %s', dp_agg.role_name(h.grantee), h.root::regclass)
				WHEN h.attname IS NOT NULL THEN
					format('%s may read column %I whenever its account is closed or dp_agg is not loaded, and may see its most frequent values in pg_stats now',
						   dp_agg.role_name(h.grantee), h.attname)
				ELSE format('%s may read it: whoever has that right is no analyst, whatever its account',
							dp_agg.role_name(h.grantee)) END,
		   format('REVOKE SELECT%s ON %s FROM %s', ' (' || quote_ident(h.attname) || ')', h.oid::regclass,
				  dp_agg.role_name(h.grantee))
	  FROM (SELECT h.*, h.oid <> h.root
				AND NOT EXISTS (SELECT FROM held w WHERE w.oid = h.root AND w.grantee = h.grantee
								AND w.privilege = 'SELECT' AND w.attname IS NULL) AS child
			  FROM held h WHERE h.privilege = 'SELECT') h
	UNION ALL
	SELECT DISTINCT 'high', 'grant', c.oid::regclass::text,
		   format('%I owns it and may read it, whatever its account', pg_get_userbyid(c.relowner)),
		   format('ALTER TABLE %s OWNER TO a role without an account', c.oid::regclass)
	  FROM dp_agg.protected_tree() t
	  JOIN pg_class c ON c.oid = t.relation
	  JOIN dp_agg.grantees() g ON g.role = c.relowner AND g.population = t.population
	UNION ALL
	SELECT DISTINCT 'low', 'default privileges', dp_agg.role_name(d.defaclrole),
		   format('%s will get SELECT on new tables%s', dp_agg.role_name(a.grantee),
				  ' in schema ' || quote_ident(n.nspname)),
		   format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE SELECT ON TABLES FROM %s',
				  dp_agg.role_name(d.defaclrole), ' IN SCHEMA ' || quote_ident(n.nspname), dp_agg.role_name(a.grantee))
	  FROM pg_default_acl d
	  LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
		   aclexplode(d.defaclacl) a
	  JOIN dp_agg.grantees() g ON g.role = a.grantee
	 WHERE d.defaclobjtype = 'r' AND a.privilege_type = 'SELECT' AND a.grantee <> d.defaclrole
$$;

-- CREATE is no right to read.  But nearly every channel beside the answer that was ever
-- found took code of the analyst's own around a release.  The findings are low for two
-- reasons: code cannot ask a release for anything that could not be asked without it, and
-- whoever may have temporary tables, as everybody may by default, can make functions for
-- a session.
CREATE FUNCTION dp_agg.hardening_code()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH reached AS (SELECT DISTINCT g.role FROM dp_agg.grantees() g)
	SELECT 'low', 'code', quote_ident(d.datname),
		   format('%s has CREATE on the database and may make schemas, in them functions and operators to put around releases, and trusted extensions',
				  dp_agg.role_name(a.grantee)),
		   format('REVOKE CREATE ON DATABASE %I FROM %s', d.datname, dp_agg.role_name(a.grantee))
	  FROM pg_database d,
		   aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) a
	  JOIN reached r ON r.role = a.grantee
	 WHERE d.datname = current_database() AND a.privilege_type = 'CREATE' AND a.grantee <> d.datdba
	UNION ALL
	SELECT 'low', 'code', quote_ident(d.datname),
		   format('%I owns the database and may make schemas and grant CREATE', pg_get_userbyid(d.datdba)),
		   format('ALTER DATABASE %I OWNER TO a role without an account', d.datname)
	  FROM pg_database d JOIN reached r ON r.role = d.datdba
	 WHERE d.datname = current_database()
	UNION ALL
	SELECT 'low', 'code', quote_ident(n.nspname),
		   format('%s has CREATE on the schema and may make functions and operators in it, which others may come to call',
				  dp_agg.role_name(a.grantee)),
		   format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, dp_agg.role_name(a.grantee))
	  FROM pg_namespace n,
		   aclexplode(n.nspacl) a
	  JOIN reached r ON r.role = a.grantee
	 WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner AND n.nspname !~ '^pg_(toast_)?temp_'
	UNION ALL
	SELECT CASE WHEN p.parname ~ '^(dp_agg\.|.*_preload_libraries$)' THEN 'high' ELSE 'medium' END, 'code', p.parname,
		   format('%s has %s on the setting, which is the administrator''s by default', dp_agg.role_name(a.grantee), a.privilege_type),
		   format('REVOKE %s ON PARAMETER %s FROM %s', a.privilege_type, p.parname, dp_agg.role_name(a.grantee))
	  FROM pg_parameter_acl p, aclexplode(p.paracl) a
	  JOIN reached r ON r.role = a.grantee
$$;

COMMENT ON FUNCTION dp_agg.hardening_code() IS
'internal to check_hardening: where analysts may make functions, and settings of the administrator that they may change';

-- A function of the library's is only looked up when it is called: the library may be missing here.
CREATE FUNCTION dp_agg.hardening_link(relation regclass) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF current_setting('shared_preload_libraries') ~ '\mdp_agg\M' THEN
		RETURN dp_agg.link_fault(relation);
	END IF;
	RETURN NULL;
END
$$;

COMMENT ON FUNCTION dp_agg.hardening_link(regclass) IS
'internal to check_hardening: why the link of a relation does not hold; NULL if it does, there is none, or the library is not loaded';

CREATE OR REPLACE FUNCTION dp_agg.hardening_relations()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'low', 'index', i.indexrelid::regclass::text,
		   format('its size tells how many rows of %s meet its condition', t.relation::regclass),
		   'drop it, if its condition would tell about individuals'
	  FROM dp_agg.protected_tree() t JOIN pg_index i ON i.indrelid = t.relation
	 WHERE i.indpred IS NOT NULL
	UNION ALL
	SELECT 'low', 'partitions', t.root::regclass::text,
		   format('its %s partitions show their sizes, and running time shows which of them a condition on their key leaves out', count(*)),
		   'do not divide it by what would tell about individuals'
	  FROM dp_agg.protected_tree() t WHERE t.relation <> t.root GROUP BY t.root
	UNION ALL
	SELECT CASE WHEN p.index_columns && ARRAY(
				SELECT a.attname FROM pg_attribute a
				 WHERE a.attrelid = p.relation AND a.attnum > 0 AND (
					   EXISTS (SELECT FROM dp_agg.classified_columns k WHERE k.relation = p.relation AND k."column" = a.attname AND k.class = 'quasi_identifier')
					OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.relation AND i.indisunique AND i.indpred IS NULL
								  AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum))) THEN 'medium' ELSE 'low' END,
		   'index columns', p.relation::text,
		   format('releases look rows up by %s: running time, the WAL and counters of the server show how many rows fall into a range of it',
				  (SELECT string_agg(quote_ident(c), ', ') FROM unnest(p.index_columns) c)),
		   'protect it with index_columns => ''{}'', if that would tell about individuals'
	  FROM dp_agg.protected_relations p WHERE p.index_columns IS NOT NULL
	UNION ALL
	SELECT 'high', 'statistics', format('%I.%I', n.nspname, s.stxname),
		   format('everybody may see the most frequent values of expressions over %s in pg_stats_ext and pg_stats_ext_exprs', t.relation::regclass),
		   'run fix-CVE-2024-4317.sql of the server''s release, or drop the statistics'
	  FROM dp_agg.protected_tree() t
	  JOIN pg_statistic_ext s ON s.stxrelid = t.relation
	  JOIN pg_namespace n ON n.oid = s.stxnamespace
	 WHERE NOT (pg_get_viewdef('pg_stats_ext'::regclass) ~ 'pg_has_role'
				AND pg_get_viewdef('pg_stats_ext_exprs'::regclass) ~ 'pg_has_role')
	UNION ALL
	SELECT 'low', 'unit', format('%I of %s', a.attname, p.relation),
		   'may be NULL: such rows belong to nobody and never count',
		   format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL, if it never is', p.relation, a.attname)
	  FROM dp_agg.protected_relations p
	  JOIN pg_class c ON c.oid = p.relation AND c.relkind IN ('r', 'p', 'f')
	  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (p.unit)
	 WHERE NOT a.attnotnull
	UNION ALL
	SELECT 'medium', 'link', p.relation::text,
		   format('no release reads it: %s (%s of %s)', f.fault, array_to_string(p.parent_key, ', '), p.parent),
		   'mend the parent, or call dp_agg.protect() again with link and parent'
	  FROM dp_agg.protected_relations p, dp_agg.hardening_link(p.relation) f (fault)
	 WHERE f.fault IS NOT NULL
	UNION ALL
	SELECT 'low', 'link', format('%I of %s', a.attname, p.relation),
		   'may be NULL, or the key of no row: such rows belong to nobody and never count',
		   format('a foreign key to %s and NOT NULL say that there are none', p.parent)
	  FROM dp_agg.protected_relations p
	  JOIN pg_class c ON c.oid = p.relation AND c.relkind IN ('r', 'p', 'f')
	  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = ANY (p.link)
	 WHERE NOT a.attnotnull OR NOT EXISTS (SELECT FROM pg_constraint f
											WHERE f.contype = 'f' AND f.conrelid = c.oid AND f.convalidated
											  AND f.confrelid = to_regclass(p.parent) AND a.attnum = ANY (f.conkey))
	UNION ALL
	SELECT 'low', 'declaration', format('%I of %s', o.column_name, o.labelled), o.finding, o.advice
	  FROM dp_agg.outlived() o
	 WHERE EXISTS (SELECT FROM dp_agg.protected_relations p WHERE p.relation = o.labelled)
	UNION ALL
	SELECT 'low', 'row security', c.oid::regclass::text,
		   'has row security: an analyst''s releases are about the rows its policies show',
		   'see that the policies mean analysts, too'
	  FROM dp_agg.protected_tree() t JOIN pg_class c ON c.oid = t.relation
	 WHERE c.relrowsecurity
	UNION ALL
	SELECT 'medium', 'row security', format('policy %I on %s', r.polname, c.oid::regclass),
		   'rests on current_setting(), which whoever asks can set: it is no more than a condition of the query',
		   'let it rest on current_user where an analyst must not choose'
	  FROM dp_agg.protected_tree() t
	  JOIN pg_class c ON c.oid = t.relation AND c.relrowsecurity
	  JOIN pg_policy r ON r.polrelid = c.oid AND r.polcmd IN ('r', '*')
	 WHERE pg_get_expr(r.polqual, r.polrelid) ~ '\mcurrent_setting\('
	UNION ALL
	SELECT DISTINCT 'low', 'row security', format('policy %I on %s', r.polname, c.oid::regclass),
		   format('calls %s, so every release is refused to whom the policy is for', d.refobjid::regprocedure),
		   'write what the function says into the policy, in the language of the view dp_agg.language'
	  FROM dp_agg.protected_tree() t
	  JOIN pg_class c ON c.oid = t.relation AND c.relrowsecurity
	  JOIN pg_policy r ON r.polrelid = c.oid AND r.polcmd IN ('r', '*')
	  JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_proc'::regclass
	 WHERE d.refobjid >= 16384	-- no built-in function; the library may be missing here
	UNION ALL
	SELECT 'low', 'foreign table', c.oid::regclass::text,
		   'the other server sees the conditions of queries, and its counters move with them',
		   'let analysts see no statistics of the other server'
	  FROM dp_agg.protected_tree() t JOIN pg_class c ON c.oid = t.relation
	 WHERE c.relkind = 'f'
	UNION ALL
	SELECT DISTINCT 'medium', 'publication', quote_ident(p.pubname),
		   format('whoever subscribes receives rows of %s', t.root::regclass),
		   'take it out of the publication, or let only trusted roles subscribe'
	  FROM dp_agg.protected_tree() t
	  JOIN pg_class c ON c.oid = t.relation
	  JOIN pg_namespace n ON n.oid = c.relnamespace
	  JOIN pg_publication_tables p ON p.schemaname = n.nspname AND p.tablename = c.relname
	UNION ALL
	SELECT 'low', 'replication slot', quote_ident(s.slot_name),
		   format('a %s slot: whoever reads it receives protected rows', s.slot_type),
		   'see who connects with REPLICATION; drop slots that are not used'
	  FROM pg_replication_slots s
	 WHERE COALESCE(s.database, current_database()) = current_database()
	   AND EXISTS (SELECT FROM dp_agg.protected_relations)
$$;

-- A partition that was detached is a table like others: no catalog says what it was, and
-- nothing protects it.  It is recognised by its columns, which it keeps, as a copy does.
CREATE FUNCTION dp_agg.hardening_former()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH attribute AS (
		SELECT a.attrelid AS relation, a.attname AS name, a.atttypid AS type
		  FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped
	), root AS (
		SELECT p.relation::oid AS oid, p.population, p.unit, c.relkind = 'p' OR c.relhassubclass AS parent,
			   (SELECT count(*) FROM attribute a WHERE a.relation = p.relation) AS columns
		  FROM dp_agg.protected_relations p JOIN pg_class c ON c.oid = p.relation
	), readable AS (
		SELECT c.oid, a.grantee
		  FROM pg_class c,
			   LATERAL (SELECT x.grantee, x.privilege_type FROM aclexplode(c.relacl) x
						UNION
						SELECT x.grantee, x.privilege_type FROM pg_attribute l, aclexplode(l.attacl) x WHERE l.attrelid = c.oid) a
		 WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.oid >= 16384 AND c.relnamespace <> 'dp_agg'::regnamespace
		   AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
		   AND NOT EXISTS (SELECT FROM dp_agg.protected_tree() t WHERE t.relation = c.oid)
		   AND NOT EXISTS (SELECT FROM dp_agg.readers() v WHERE v.reader = c.oid)
	), like_it AS (
		SELECT DISTINCT r.oid AS root, r.parent, r.columns, c.oid, c.grantee, m.same,
			   EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conkey && m.keys) AS bounded
		  FROM readable c
		  JOIN root r ON true
		  JOIN dp_agg.grantees() g ON g.role = c.grantee AND g.population = r.population,
			   LATERAL (SELECT count(*) AS same, count(*) FILTER (WHERE t.name = ANY (r.unit)) AS units,
							   (SELECT array_agg(k.attnum) FROM pg_partitioned_table p, unnest(p.partattrs::int2[]) n (attnum)
								  JOIN pg_attribute o ON o.attrelid = r.oid AND o.attnum = n.attnum
								  JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = o.attname
								 WHERE p.partrelid = r.oid) AS keys
						  FROM attribute t JOIN attribute o ON o.relation = c.oid AND o.name = t.name AND o.type = t.type
						 WHERE t.relation = r.oid) m
		 -- A copy has all columns.  A former partition or child has the unit and at least half of
		 -- the others, since columns come and go.  The unit alone does not tell: other tables
		 -- have it, too.
		 WHERE m.units = cardinality(r.unit)
		   AND (m.same = r.columns OR r.parent AND 2 * (m.same - m.units) >= r.columns - m.units)
		   AND (r.columns > m.units OR r.parent AND r.columns = (SELECT count(*) FROM attribute o WHERE o.relation = c.oid))
	)
	SELECT CASE WHEN l.same = l.columns THEN 'medium' ELSE 'low' END, 'former partition', l.oid::regclass::text,
		   format('%s may read it, and it has %s column%s of %s%s, with the unit: a copy%s', dp_agg.role_name(l.grantee),
				  CASE WHEN l.same = l.columns THEN 'every' ELSE format('%s of the %s', l.same, l.columns) END,
				  CASE WHEN l.same = l.columns THEN '' ELSE 's' END, l.root::regclass,
				  CASE WHEN l.bounded THEN ', and a check on its partition key' ELSE '' END,
				  CASE WHEN l.parent THEN ', or a partition or child that was detached, is not protected' ELSE ' is not protected' END),
		   format('revoke SELECT on %s, or protect it with dp_agg.protect()', l.oid::regclass)
	  FROM like_it l
	UNION ALL
	SELECT 'low', 'former partition', i.inhrelid::regclass::text,
		   format('is being detached from %s, and is not protected from then on', t.root::regclass),
		   format('revoke SELECT on it, if anybody has that, then ALTER TABLE %s DETACH PARTITION %s FINALIZE',
				  i.inhparent::regclass, i.inhrelid::regclass)
	  FROM dp_agg.protected_tree() t JOIN pg_inherits i ON i.inhrelid = t.relation
	 WHERE i.inhdetachpending
$$;

COMMENT ON FUNCTION dp_agg.hardening_former() IS
'internal to check_hardening: partitions that are being detached, and tables that analysts may read and that have the form of a protected relation, as detached partitions and copies have';

CREATE OR REPLACE FUNCTION dp_agg.hardening_extensions()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT DISTINCT x.severity, 'extension', quote_ident(e.extname),
		   format('%s may execute its functions: %s', dp_agg.role_name(a.grantee), x.danger),
		   format('DROP EXTENSION %I, or revoke EXECUTE on its functions', e.extname)
	  FROM (VALUES
		('dblink', 'low', 'they connect to this and other servers, from where pg_hba.conf may ask less'),
		('pageinspect', 'low', 'only a check for superusers stands between them and the pages of tables'),
		('hypopg', 'high', 'sizes of hypothetical indexes, also of partial ones, follow statistics and true counts of any table'),
		('index_advisor', 'high', 'costs with hypothetical indexes follow statistics and true counts of any table'),
		('pg_qualstats', 'high', 'they show constants of everybody''s conditions, and how many rows met them'),
		('pg_query_state', 'high', 'they show how many rows a running statement has read at each step'),
		('pg_show_plans', 'high', 'they show plans of statements that run, with estimates'),
		('pg_store_plans', 'high', 'they show plans of the analyst''s own statements, with estimates from statistics of any table'),
		('pg_dirtyread', 'high', 'they read rows that were deleted'),
		('pg_stat_monitor', 'medium', 'they show plans and constants of statements, and what these read'),
		('powa', 'medium', 'they keep what other modules show of everybody''s statements, constants among it'),
		('pgstattuple', 'medium', 'they count rows, live and dead ones, of any table'),
		('pg_freespacemap', 'medium', 'they show how full each page of any table is'),
		('pg_visibility', 'medium', 'they show which pages of any table have changed'),
		('pg_buffercache', 'medium', 'they show which pages of any table are in the cache'),
		('pg_walinspect', 'medium', 'they show what is written to any table, page by page'),
		('amcheck', 'medium', 'they read any table, and say what they find in errors'),
		('pg_wait_sampling', 'medium', 'they show what every session waits for: reading, sorting, writing files'),
		('pg_stat_kcache', 'low', 'they show how much every statement has read, written and computed'),
		('pg_stat_statements', 'low', 'they show counts of rows, pages and WAL of everybody''s statements, without their texts')) x (name, severity, danger)
	  JOIN pg_extension e ON e.extname = x.name
	  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
					  AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	  JOIN pg_proc p ON p.oid = d.objid,
		   aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
	  JOIN dp_agg.grantees() g ON g.role = a.grantee
	 -- a right that the extension itself did not grant is found by hardening_catalogs()
	 WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE'
	   -- from 17 on: these let superusers in only, and show nothing
	   AND NOT (e.extname = 'pg_buffercache' AND p.proname ~ '^pg_buffercache_(evict|mark_dirty)')
	   AND NOT EXISTS (SELECT FROM pg_init_privs i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
						AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) o
										 WHERE o.privilege_type = 'EXECUTE' AND o.grantee IN (0, a.grantee)))
	UNION ALL
	SELECT DISTINCT 'medium', 'foreign server', quote_ident(s.srvname),
		   format('%s may use it as the user of a mapping for %s, who may see more there',
				  dp_agg.role_name(a.grantee), dp_agg.role_name(m.umuser)),
		   format('REVOKE USAGE ON FOREIGN SERVER %I FROM %s', s.srvname, dp_agg.role_name(a.grantee))
	  FROM pg_foreign_server s
	  JOIN pg_user_mapping m ON m.umserver = s.oid,
		   aclexplode(s.srvacl) a
	  JOIN dp_agg.grantees() g ON g.role = a.grantee
	 WHERE a.grantee <> s.srvowner AND m.umuser IN (SELECT r.role FROM dp_agg.grantees() r)
$$;

CREATE OR REPLACE FUNCTION dp_agg.hardening_settings()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- "own" are settings that this session has from its role or database, and not the server
	WITH own (name) AS (
		SELECT split_part(c, '=', 1)
		  FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
		 WHERE (s.setdatabase = 0 OR d.datname = current_database())
		   AND (s.setrole = 0 OR s.setrole = (SELECT r.oid FROM pg_roles r WHERE r.rolname = SESSION_USER))
	), setting (name, value, place) AS (
		SELECT s.name, CASE WHEN s.name NOT IN (SELECT o.name FROM own o) THEN s.reset_val
							ELSE COALESCE((SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name AND f.applied
											ORDER BY f.seqno DESC LIMIT 1), s.boot_val) END, ''
		  FROM pg_settings s
		UNION ALL
		SELECT split_part(c, '=', 1), substr(c, strpos(c, '=') + 1),
			   COALESCE(' of role ' || quote_ident(r.rolname), '') || COALESCE(' in database ' || quote_ident(d.datname), '')
		  FROM pg_db_role_setting s
		  LEFT JOIN pg_roles r ON r.oid = s.setrole
		  LEFT JOIN pg_database d ON d.oid = s.setdatabase,
			   unnest(s.setconfig) c
		 WHERE (s.setdatabase = 0 OR d.datname = current_database())
		   AND (s.setrole = 0 OR s.setrole IN (SELECT a.role FROM dp_agg.account_roles() a))
	), bad (name, value, severity, finding, advice) AS (VALUES
		('dp_agg.min_epsilon', 'below 0.001', 'medium', 'releases may cost next to nothing, and with them whatever a channel tells that nobody has thought of', 'set it to 0.001 or more, for some accounts by dp_agg.set_budget(min_epsilon_per_query => ...)'),
		('fsync', 'no', 'high', 'a crash of the machine may undo what analysts have paid', 'set it to on'),
		('full_page_writes', 'no', 'high', 'a crash of the machine may destroy the ledger', 'set it to on'),
		('allow_system_table_mods', 'yes', 'medium', 'catalogs, and with them labels and privileges, can be changed by hand', 'set it to off'),
		('temp_file_limit', '[^-].*', 'low', 'does not hold inside a release, where an error, or none, would tell how much it wrote', 'limit the file system of temp_tablespaces'),
		('dp_agg.index_scans', 'yes', 'low', 'releases look protected rows up by index, which running time, the WAL and counters of the server show', 'set it to off, or vacuum protected tables after changes'),
		('log_statement_stats', 'yes', 'low', 'releases are refused while it is on', 'set it to off for analysts'),
		('log_executor_stats', 'yes', 'low', 'releases are refused while it is on', 'set it to off for analysts'),
		('log_planner_stats', 'yes', 'low', 'releases are refused while it is on', 'set it to off for analysts'),
		('debug_print_plan', 'yes', 'low', 'releases are refused while it is on', 'set it to off for analysts'),
		('password_encryption', 'md5', 'low', 'passwords are stored in a form that is easy to guess', 'set it to scram-sha-256, and passwords anew'),
		('(shared|session|local)_preload_libraries', '.*\mauto_explain\M.*', 'low',
		 'auto_explain writes statements and released rows to the server log, and to clients with client_min_messages = log', 'do not load it for analysts'),
		('(shared|session|local)_preload_libraries', '.*\mpg_hint_plan\M.*', 'low',
		 'pg_hint_plan lets clients choose how their releases are run, and have its messages sent to them', 'do not load it for analysts'))
	SELECT b.severity, 'setting', s.name || s.place, format('is %s: %s', s.value, b.finding), b.advice
	  FROM setting s
	  JOIN bad b ON s.name ~ ('^' || b.name || '$')
				AND CASE b.value
						WHEN 'below 0.001' THEN	-- also in a form that numeric does not read
							CASE WHEN s.value ~* '^\s*\d{0,9}\.?\d{0,99}(e[-+]?\d{1,2})?\s*$' AND s.value ~ '^\s*\.?\d'
								 THEN s.value::numeric < 0.001 ELSE true END
						ELSE s.value ~* ('^(' || CASE b.value WHEN 'yes' THEN 'on|true|tru|tr|t|yes|ye|y|1'
															  WHEN 'no' THEN 'off|of|false|fals|fal|fa|f|no|n|0'
															  ELSE b.value END || ')$') END
$$;

CREATE OR REPLACE FUNCTION dp_agg.hardening_accounts()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'low', 'account', quote_ident(a.population),
		   format('has %s accounts, and nothing limits what their holders learn together: epsilon %s', count(*),
				  trim_scale(sum(a.epsilon_limit) / 1e9)),
		   format('give a team one group role with one account, or limit them together: SELECT dp_agg.set_population_cap(%L, ...)', a.population)
	  FROM dp_agg.account a JOIN pg_roles r ON r.oid = a.role
	 WHERE NOT EXISTS (SELECT FROM dp_agg.account c WHERE c.population = a.population AND c.role = 0::oid)
	 GROUP BY a.population HAVING count(*) > 1
	UNION ALL
	SELECT 'low', 'account', quote_ident(a.population),
		   format('has an account of a role that is gone, %s', a.role::oid),
		   format('SELECT dp_agg.drop_budget(%L, %L)', pg_get_userbyid(a.role), a.population)
	  FROM dp_agg.account a
	 WHERE a.role <> 0::oid AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.role)
$$;

-- What Citus grants to everybody, and what its other machines are.  Functions that it calls itself as the user are
-- not named: worker_*, citus_internal_*, read_intermediate_result() and the like.
CREATE FUNCTION dp_agg.hardening_citus_grants()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH power (pattern, severity, power) AS (VALUES
		('run_command_on_.*|master_run_on_worker', 'medium',
		 'runs statements on other machines, and sees there how many rows each shard has, and so the rows of individuals of one hash, and counters of the server'),
		('citus_query_stats|citus_stat_statements|citus_stat_tenants.*', 'medium',
		 'sees which values of distribution columns others have asked for'),
		('citus_(table|relation|total_relation|shard)_sizes?|get_rebalance_.*plan|worker_partitioned_.*_size', 'low',
		 'sees sizes of shards, and so of the rows of individuals of one hash'),
		('(citus|master)_update_(shard|table)_statistics', 'low', 'has Citus read sizes of shards, and forget those that it may not read itself'),
		('citus_(dist_)?stat_activity|citus_stat_counters|citus_locks|citus_lock_waits|get_(all|global)_active_transactions|dump_(local|global)_wait_edges', 'low',
		 'sees on which machines others are at work, and for how long'),
		('citus_check_(connection_to_node|cluster_node_health)', 'low', 'has this server connect to others')),
	open AS (
		SELECT w.severity, w.power, a.grantee, p.oid::regprocedure::text AS object
		  FROM pg_proc p
		  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'citus'
		  JOIN power w ON p.proname ~ ('^(' || w.pattern || ')$'),
			   aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
		 WHERE a.grantee <> p.proowner AND a.privilege_type = 'EXECUTE'
	)
	SELECT o.severity, 'citus', dp_agg.role_name(o.grantee), format('%s: %s', o.power, string_agg(DISTINCT o.object, ', ')),
		   format('REVOKE EXECUTE ON FUNCTION %s FROM %s, on every machine', string_agg(DISTINCT o.object, ', '), dp_agg.role_name(o.grantee))
	  FROM open o WHERE o.grantee IN (SELECT g.role FROM dp_agg.grantees() g)
	 GROUP BY o.severity, o.power, o.grantee
$$;

COMMENT ON FUNCTION dp_agg.hardening_citus_grants() IS
'internal to check_hardening: functions of Citus that analysts may execute';

CREATE FUNCTION dp_agg.hardening_machine() RETURNS jsonb LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN jsonb_build_object(
		'library', current_setting('shared_preload_libraries') ~ '\mdp_agg\M',
		'accounts', (SELECT count(*) FROM dp_agg.account),
		'hba', (SELECT jsonb_agg(jsonb_build_object('line', h.line_number, 'method', h.auth_method, 'address', h.address))
				  FROM pg_hba_file_rules h
				 WHERE h.error IS NULL AND h.type <> 'local' AND h.auth_method <> 'reject'
				   AND (h.address = 'all' OR h.netmask ~ '^(0\.0\.0\.0|::)$')
				   AND (h.user_name @> '{all}' AND h.database && ARRAY['all', current_database()::text])));
END
$$;

COMMENT ON FUNCTION dp_agg.hardening_machine() IS
'internal to check_hardening: what a machine of Citus answers the coordinator: is the library preloaded, how many accounts there are, and lines of pg_hba.conf that let everybody in from anywhere';

-- The other machines are asked, over connections of their own.
CREATE FUNCTION dp_agg.hardening_citus_machines()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	own_version constant text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'dp_agg');
	machine record;
	version text;
	state jsonb;
	line jsonb;
BEGIN
	topic := 'citus';
	FOR machine IN EXECUTE format('SELECT nodename, nodeport, success, result FROM pg_catalog.run_command_on_workers(%L)',
		'SELECT COALESCE((SELECT extversion FROM pg_catalog.pg_extension WHERE extname = ''dp_agg''), '''')')
	LOOP
		object := machine.nodename || ':' || machine.nodeport;
		version := machine.result;
		severity := 'medium';
		IF NOT machine.success THEN
			finding := 'could not be asked: ' || machine.result;
			advice := 'see that the owner of the extension may connect to it as Citus does, and call this again';
			RETURN NEXT;
		ELSIF version = '' THEN
			finding := 'has no extension dp_agg: no release can be computed on its shards';
			advice := 'CREATE EXTENSION dp_agg there, by the package of this machine';
			RETURN NEXT;
		ELSIF version <> own_version THEN
			finding := format('has version %s of dp_agg, and this machine %s: no release can be computed on its shards', version, own_version);
			advice := 'install the same package, restart the server, and run ALTER EXTENSION dp_agg UPDATE on the coordinator';
			RETURN NEXT;
		END IF;
		CONTINUE WHEN NOT machine.success OR version <> own_version;
		EXECUTE 'SELECT CASE WHEN success THEN result::jsonb END FROM pg_catalog.master_run_on_worker(ARRAY[$1], ARRAY[$2], ARRAY[$3], false)'
		   INTO state USING machine.nodename, machine.nodeport, 'SELECT dp_agg.hardening_machine()';
		IF NOT (state -> 'library')::boolean THEN
			severity := 'high';
			finding := 'does not preload dp_agg: what PostgreSQL grants is all that holds there, and no release can be computed on its shards';
			advice := 'add it to shared_preload_libraries there, behind citus, and restart that server';
			RETURN NEXT;
		END IF;
		IF (state -> 'accounts')::int > 0 THEN
			severity := 'low';
			finding := format('has %s accounts, from before it came to this cluster, of which no release is paid', state -> 'accounts');
			advice := 'DELETE FROM dp_agg.account there, and give budgets here';
			RETURN NEXT;
		END IF;
		FOR line IN SELECT e FROM jsonb_array_elements(NULLIF(state -> 'hba', 'null')) e LOOP
			severity := CASE line ->> 'method' WHEN 'trust' THEN 'high' ELSE 'medium' END;
			finding := format('pg_hba.conf line %s lets everybody in from anywhere (%s), beside this coordinator', line ->> 'line', line ->> 'method');
			advice := 'name the coordinator''s and the other machines'' addresses there: analysts have nothing to ask a worker';
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;

COMMENT ON FUNCTION dp_agg.hardening_citus_machines() IS
'internal to check_hardening: the workers of this coordinator: do they preload the library, which version have they, accounts and pg_hba.conf';

CREATE FUNCTION dp_agg.citus_machines() RETURNS TABLE (name text) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE 'SELECT nodename FROM pg_catalog.pg_dist_node';
END
$$;

COMMENT ON FUNCTION dp_agg.citus_machines() IS
'internal to check_hardening: names of the machines of the cluster; errors: 42P01 without Citus';

CREATE FUNCTION dp_agg.hardening_citus()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	worker boolean;
BEGIN
	IF to_regclass('pg_catalog.pg_dist_local_group') IS NULL THEN
		RETURN;
	END IF;
	EXECUTE 'SELECT COALESCE(bool_or(groupid <> 0), false) FROM pg_catalog.pg_dist_local_group' INTO worker;
	RETURN QUERY SELECT * FROM dp_agg.hardening_citus_grants();
	IF worker THEN
		RETURN QUERY
		SELECT 'low', 'citus', 'dp_agg.account', format('this server is a worker of Citus and has %s accounts, from before it was, of which no release is paid', count(*)),
			   'DELETE FROM dp_agg.account, and give budgets on the coordinator' FROM dp_agg.account HAVING count(*) > 0;
		RETURN;
	END IF;
	RETURN QUERY
	SELECT 'low', 'citus', p.relation::text, 'no release reads it as it is distributed: ' || f.finding, f.advice
	  FROM dp_agg.protected_relations p, dp_agg.distribution_fault(p.relation) f;
	RETURN QUERY
	SELECT 'low', 'citus', p.population::text,
		   format('its relations are in %s colocation groups, and no release joins them over these: %s', count(DISTINCT d.colocation), string_agg(p.relation::text, ', ' ORDER BY p.relation::text)),
		   format('SELECT alter_distributed_table(''one of them'', colocate_with := %L)', min(p.relation::text))
	  FROM dp_agg.protected_relations p, dp_agg.citus_distribution(p.relation) d
	 WHERE d.kind = 'hash' GROUP BY p.population HAVING count(DISTINCT d.colocation) > 1;
	RETURN QUERY
	SELECT s.severity, 'citus', g.name, format('is %s: %s', g.setting, s.finding), s.advice
	  FROM pg_settings g
	  JOIN (VALUES
		('citus.log_remote_commands', '^on$', 'medium', 'clients are sent the statements that Citus runs on other machines, those of releases among them', 'set it to off'),
		('citus.stat_statements_track', '^all$', 'medium', 'citus_stat_statements shows which values of distribution columns, and so which individuals, are asked for', 'set it to none'),
		('citus.stat_tenants_track', '^all$', 'low', 'citus_stat_tenants shows which values of distribution columns, and so which individuals, are asked for', 'set it to none'),
		('citus.enable_statistics_collection', '^on$', 'low', 'sizes of this cluster are sent to the makers of Citus', 'set it to off'),
		('citus.node_conninfo', 'sslmode=(disable|allow|prefer)\M', 'medium', 'exact sums of releases may cross the network in the clear', 'write sslmode=require, or verify-full with a root certificate'))
		s (name, value, severity, finding, advice) ON s.name = g.name AND g.setting ~ s.value
	 WHERE g.name <> 'citus.node_conninfo' OR EXISTS (SELECT FROM dp_agg.citus_machines() m WHERE m.name NOT IN ('localhost', '127.0.0.1', '::1'));
	BEGIN
		RETURN QUERY SELECT * FROM dp_agg.hardening_citus_machines();
	EXCEPTION WHEN OTHERS THEN
		RETURN QUERY SELECT 'medium', 'citus', 'workers', 'could not be asked: ' || SQLERRM, 'call this as a superuser, outside of a transaction that has changed distributed tables';
	END;
END
$$;

COMMENT ON FUNCTION dp_agg.hardening_citus() IS
'internal to check_hardening: what Citus shows to analysts, how protected relations are distributed, and the workers';

-- A copy of the ledger is read, and not charged.
CREATE FUNCTION dp_agg.hardening_copies()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT 'medium', 'publication', quote_ident(p.pubname),
		   'carries the ledger, with the statements and budgets in it: a subscriber of it makes no releases of its own',
		   'publish tables by list, and none of schema dp_agg'
	  FROM pg_publication_tables p WHERE p.schemaname = 'dp_agg' GROUP BY p.pubname
	UNION ALL
	SELECT 'medium', 'subscription', quote_ident(s.subname),
		   'writes the ledger, so no release is made and no logged read is allowed in this database',
		   format('DROP SUBSCRIPTION %I, or leave schema dp_agg out of its publications', s.subname)
	  FROM pg_subscription s
	 WHERE EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_class c ON c.oid = r.srrelid
					WHERE r.srsubid = s.oid AND c.relnamespace = 'dp_agg'::regnamespace)
$$;

COMMENT ON FUNCTION dp_agg.hardening_copies() IS
'internal to check_hardening: publications and subscriptions that carry the ledger';

-- It runs as the extension's owner, whoever was allowed to ask, because pg_hba.conf and
-- preloaded libraries are for superusers to see.  JIT is off, since compiling the query
-- takes longer than running it.
CREATE OR REPLACE FUNCTION dp_agg.check_hardening()
RETURNS TABLE (severity text, topic text, object text, finding text, advice text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT * FROM (
		SELECT * FROM dp_agg.hardening_server()
		UNION ALL SELECT * FROM dp_agg.hardening_settings()
		UNION ALL SELECT * FROM dp_agg.hardening_roles()
		UNION ALL SELECT * FROM dp_agg.hardening_grants()
		UNION ALL SELECT * FROM dp_agg.hardening_code()
		UNION ALL SELECT * FROM dp_agg.hardening_former()
		UNION ALL SELECT * FROM dp_agg.hardening_foreign_keys()
		UNION ALL SELECT * FROM dp_agg.hardening_readers()
		UNION ALL SELECT * FROM dp_agg.hardening_functions()
		UNION ALL SELECT * FROM dp_agg.hardening_catalogs()
		UNION ALL SELECT * FROM dp_agg.hardening_counters()
		UNION ALL SELECT * FROM dp_agg.hardening_extensions()
		UNION ALL SELECT * FROM dp_agg.hardening_relations()
		UNION ALL SELECT * FROM dp_agg.hardening_copies()
		UNION ALL SELECT * FROM dp_agg.hardening_citus()
		UNION ALL SELECT * FROM dp_agg.hardening_accounts()) f
	 ORDER BY array_position('{high,medium,low}', f.severity), f.topic, f.object, f.finding
$$;

COMMENT ON FUNCTION dp_agg.check_hardening() IS
'what this server, as it is set up now, leaves open to analysts: one row per finding with severity (high: rows or facts about one person can be had; medium: they may be, under conditions that the finding names; low: worth knowing), topic, object, finding and advice; no row about what is well; reads catalogs only, and has the workers of Citus read theirs';

REVOKE EXECUTE ON FUNCTION
	dp_agg.hardening_code(),
	dp_agg.hardening_former(),
	dp_agg.hardening_link(regclass),
	dp_agg.hardening_copies(),
	dp_agg.hardening_citus(),
	dp_agg.hardening_citus_grants(),
	dp_agg.hardening_citus_machines(),
	dp_agg.hardening_machine(),
	dp_agg.citus_machines() FROM PUBLIC;

-- ----------------------------------------------------------------------------
-- A page for people: budgets, releases and findings of a population, as HTML.
--
-- It is made of what the views above show whoever asks, by that role's own right, and of
-- markup.  Values get into the markup in one way only, through dp_agg.page().
-- ----------------------------------------------------------------------------

-- What is no character of XML, or turns the direction of what follows, becomes U+FFFD.  In a database in UTF8 all that is not
-- ASCII is written as a number, so that the page reads the same in whatever encoding a client saves it.
CREATE FUNCTION dp_agg.page_text(value text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN value COLLATE "C" ~ '^[] !#-%(-;=?-[\\^-~]*$' THEN value
		ELSE (SELECT string_agg(CASE
				WHEN c.character IN ('&', '<', '>', '"', '''') THEN '&#' || ascii(c.character) || ';'
				WHEN c.character IN (E'\n', E'\t') THEN c.character
				WHEN ascii(c.character) BETWEEN 32 AND 126 THEN c.character
				WHEN ascii(c.character) < 160 OR ascii(c.character) IN (65534, 65535) THEN '&#65533;'
				WHEN getdatabaseencoding() = 'UTF8' AND c.character ~ '[\u202A-\u202E\u2066-\u2069]' THEN '&#65533;'
				WHEN getdatabaseencoding() = 'UTF8' THEN '&#' || ascii(c.character) || ';'
				ELSE c.character END, '' ORDER BY c.place)
			  FROM string_to_table(value, NULL) WITH ORDINALITY c (character, place)) END
$$;

COMMENT ON FUNCTION dp_agg.page_text(text) IS
	'internal to report: a text as content or attribute of HTML and XML';

CREATE FUNCTION dp_agg.page(template text, VARIADIC shown text[]) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format(template, VARIADIC ARRAY(
		SELECT COALESCE(dp_agg.page_text(s.value), '&#8211;') FROM unnest(shown) WITH ORDINALITY s (value, place) ORDER BY s.place))
$$;

COMMENT ON FUNCTION dp_agg.page(text, text[]) IS
	'internal to report: markup, as for format(), with values in it that are escaped here; NULL is shown as a dash';

CREATE FUNCTION dp_agg.page_style() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5a6675; --line: #d5dbe2; --page: #ffffff; --card: #f5f7f9;
  --spent: #2a6f97; --low: #2a7f62; --medium: #8a5a00; --high: #b3261e; --none: #7b8794 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --soft: #a3adb9; --line: #3a4552; --page: #14191f; --card: #1c232b;
  --spent: #6db3dc; --low: #5fc09a; --medium: #e0ab54; --high: #f0827a; --none: #97a3b0 } }
@page { size: A4 landscape; margin: 14mm }
@media print { :root { color-scheme: only light; --ink: #000; --soft: #444; --line: #bbb; --page: #fff; --card: #fff;
  --spent: #2a6f97; --low: #2a7f62; --medium: #8a5a00; --high: #b3261e; --none: #7b8794 }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
body { margin: 0 auto; padding: 1.5rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 0 .2rem } h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem } p { margin: .3rem 0 .8rem; max-width: 46rem }
.soft, figcaption, caption { color: var(--soft) } caption { text-align: left; padding-bottom: .4rem }
.tiles, .charts { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); margin: 1rem 0 }
.charts { grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)) }
.tiles div, figure { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; margin: 0 }
.tiles b { display: block; font-size: 1.5rem; font-weight: 600 }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
thead th { font-size: .87em; color: var(--soft); font-weight: 600; overflow-wrap: normal } .when { min-width: 8.5rem } .t { white-space: nowrap }
.scroll + p { margin-top: .8rem } tbody th { font-weight: 600; min-width: 6rem }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td svg { display: block; width: 8.5rem; height: 1.2rem } figure svg { display: block; width: 100%; height: auto }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft) } code { font: .85em/1.4 ui-monospace, monospace }
.track { fill: none; stroke: var(--line) } .spent { fill: var(--spent) } .rule { stroke: var(--soft); fill: none }
.steps { stroke: var(--spent); stroke-width: 2; fill: none } .limit { stroke: var(--high); stroke-dasharray: 5 4; fill: none }
.low { fill: var(--low) } .medium { fill: var(--medium) } .high { fill: var(--high) } .none { fill: var(--none) }
.mark { display: inline-block; min-width: 4.2em; padding: 0 .4em; border: 1px solid; border-radius: .3em; text-align: center }
.mark.low { color: var(--low) } .mark.medium { color: var(--medium) } .mark.high { color: var(--high) } .mark.none { color: var(--none) }
.query { min-width: 14rem }
@media print { body { padding: 0; max-width: none; font-size: 11px } .scroll { overflow: visible } .query { min-width: 0 }
  tr, figure { break-inside: avoid } h2, caption { break-after: avoid } td svg { width: 7rem } }
' $$;

COMMENT ON FUNCTION dp_agg.page_style() IS
	'internal to report: its style sheet, for screens, light and dark, and for print';

CREATE FUNCTION dp_agg.page_table(id text, caption text, heads text[], rows text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	-- a head that begins with # stands above numbers
	SELECT dp_agg.page(E'<div class="scroll"><table id="%s"><caption>%s</caption>\n<thead><tr>', id, caption)
		|| string_agg(dp_agg.page(CASE WHEN h.head LIKE '#%' THEN '<th scope="col" class="n">%s</th>' ELSE '<th scope="col">%s</th>' END,
								  ltrim(h.head, '#')), '' ORDER BY h.place)
		|| E'</tr></thead>\n<tbody>\n' || rows || E'</tbody></table></div>\n'
	  FROM unnest(heads) WITH ORDINALITY h (head, place)
$$;

COMMENT ON FUNCTION dp_agg.page_table(text, text, text[], text) IS
	'internal to report: a table of rows that are markup already';

CREATE FUNCTION dp_agg.page_bar(description text, parts numeric[], classes text[]) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.page('<svg viewBox="0 0 176 18" role="img" aria-label="%s">', description)
		|| COALESCE(string_agg(dp_agg.page('<rect x="%s" y="3" width="%s" height="12" class="%s"/>',
										   round(176 * b.past, 1)::text, round(176 * b.part, 1)::text, b.class), '' ORDER BY b.place), '')
		|| '<rect x="0.5" y="3.5" width="175" height="11" class="track"/></svg>'
	  FROM (SELECT u.part, u.class, u.place, sum(u.part) OVER (ORDER BY u.place) - u.part AS past
			  FROM unnest(parts, classes) WITH ORDINALITY u (part, class, place)) b
	 WHERE b.part > 0
$$;

COMMENT ON FUNCTION dp_agg.page_bar(text, numeric[], text[]) IS
	'internal to report: parts of a whole, each in [0, 1], from left to right';

-- What an account has spent of what it may, and how much that is.  Under zcdp the share is that of rho,
-- since epsilon does not add up.
CREATE FUNCTION dp_agg.report_accounts(population name) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH account AS (
		SELECT b.role::text, b.epsilon_spent, b.epsilon_limit, b.epsilon_remaining, b.delta_remaining, b.rho_spent, b.rho_limit,
			b.releases_spent, b.releases_remaining, b.period, b.renews_at
		  FROM dp_agg.budgets b WHERE b.population = report_accounts.population
		UNION ALL
		SELECT NULL, c.epsilon_spent, c.epsilon_limit, c.epsilon_remaining, c.delta_remaining, c.rho_spent, c.rho_limit,
			c.releases_spent, NULL, c.period, c.renews_at
		  FROM dp_agg.population_caps c WHERE c.population = report_accounts.population
	), ranked AS (
		SELECT a.*, s.share, count(*) OVER () AS accounts, row_number() OVER (ORDER BY a.role IS NOT NULL, s.share DESC, a.role) AS nr
		  FROM account a, LATERAL (SELECT LEAST(1, COALESCE(a.rho_spent / a.rho_limit, a.epsilon_spent / a.epsilon_limit, 0)) AS share) s
	)
	SELECT COALESCE(dp_agg.page_table('accounts', 'Those that have spent most of what they may come first'
			|| CASE WHEN max(r.accounts) > 100 THEN format('; 100 of %s', max(r.accounts)) ELSE '' END,
			'{role,spent of the limit,#share,#epsilon spent,#epsilon limit,#epsilon left,#delta left,#releases,#releases left,renews (UTC)}',
			string_agg(CASE WHEN r.role IS NULL THEN '<tr><th scope="row"><i>all roles together</i></th>'
							ELSE dp_agg.page('<tr><th scope="row"><bdi>%s</bdi></th>', r.role) END
				|| '<td>' || dp_agg.page_bar(round(100 * r.share, 1) || ' percent spent', ARRAY[r.share], '{spent}')
				|| dp_agg.page('</td><td class="n">%s&#160;%%</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td>',
							   round(100 * r.share, 1)::text, r.epsilon_spent::text, r.epsilon_limit::text, r.epsilon_remaining::text, r.delta_remaining::text)
				|| dp_agg.page(E'<td class="n">%s</td><td class="n">%s</td><td class="when">%s</td></tr>\n', r.releases_spent::text, r.releases_remaining::text,
							   COALESCE(to_char(r.renews_at, 'YYYY-MM-DD HH24:MI') || ', every ' || r.period, 'never')),
				'' ORDER BY r.nr)), E'<p>There is no account that you may see.</p>\n')
	  FROM ranked r WHERE r.nr <= 100
$$;

COMMENT ON FUNCTION dp_agg.report_accounts(name) IS
	'internal to report: what accounts, and the cap, have spent and have left';

CREATE FUNCTION dp_agg.page_steps(role text, unit text, spent numeric, most numeric, unseen bigint, begun timestamptz, xs numeric[], ys numeric[])
RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	-- a unit of y is 100 high: the limit, or what is spent if that is more
	SELECT dp_agg.page('<figure><figcaption><b><bdi>%s</bdi></b>: %s %s of %s%s</figcaption>', role, unit, s.have, s.may,
			CASE WHEN unseen > 0 THEN format('. %s of its releases are not shown; what they cost is in the line from its beginning', unseen) ELSE '' END)
		|| dp_agg.page('<svg viewBox="0 0 360 136" role="img" aria-label="%s"><path class="rule" d="M44 12V112H348"/>',
			format('What %s has spent from %s until now: %s %s of %s', role, s.since, unit, s.have, s.may))
		|| dp_agg.page('<path class="limit" d="M44 %1$sH348"/><text x="40" y="%1$s" dy="4" text-anchor="end">%2$s</text>',
			round(112 - 100 * page_steps.most / s.top, 1)::text, trim_scale(round(page_steps.most, 2))::text)
		|| dp_agg.page('<text x="40" y="116" text-anchor="end">0</text><text x="44" y="130">%s</text><text x="348" y="130" text-anchor="end">now</text>', s.since)
		|| (SELECT string_agg(dp_agg.page(CASE u.place WHEN 1 THEN '<path class="steps" d="M%s %s' ELSE 'H%sV%s' END,
										  round(44 + 304 * u.x, 1)::text, round(112 - 100 * u.y / s.top, 1)::text), '' ORDER BY u.place)
			  FROM unnest(xs, ys) WITH ORDINALITY u (x, y, place))
		|| E'H348"/></svg></figure>\n'
	  FROM (SELECT GREATEST(page_steps.most, page_steps.spent, 1e-12) AS top, to_char(page_steps.begun, 'YYYY-MM-DD HH24:MI') AS since,
				trim_scale(round(page_steps.spent, 6))::text AS have, trim_scale(round(page_steps.most, 6))::text AS may) s
$$;

COMMENT ON FUNCTION dp_agg.page_steps(text, text, numeric, numeric, bigint, timestamptz, numeric[], numeric[]) IS
	'internal to report: what an account has spent over time; xs from 0 (begun) to 1 (now), ys what was spent then, first of them before all releases that are seen';

-- The log is walked backwards from what has been spent by now, so that the line ends where the account stands.  As many
-- releases belong to the period as the account has counted, less those that are not shown to whoever asks.
CREATE FUNCTION dp_agg.report_spending(population name, since timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH account AS (
		SELECT b.role::text, b.releases_spent, GREATEST(b.renews_at - b.period, report_spending.since, '-infinity') AS begun, u.unit, u.spent, u.most
		  FROM dp_agg.budgets b,
			LATERAL (VALUES ('rho', b.rho_spent, b.rho_limit), ('epsilon', b.epsilon_spent, b.epsilon_limit)) u (unit, spent, most)
		 WHERE b.population = report_spending.population AND b.releases_spent > 0 AND (u.unit = 'rho') = (b.accountant = 'zcdp')
		 ORDER BY u.spent / u.most DESC, b.role LIMIT 12
	), paid AS (
		SELECT a.*, r.at, row_number() OVER w AS back,
			sum(CASE a.unit WHEN 'rho' THEN r.epsilon * r.epsilon / 2 ELSE r.epsilon END) OVER w AS price
		  FROM dp_agg.releases r, unnest(r.accounts) p (role), account a
		 WHERE r.population = report_spending.population AND a.role = p.role AND r.at >= a.begun
		WINDOW w AS (PARTITION BY a.role ORDER BY r.id DESC)
	), counted AS (
		SELECT p.*, min(p.at) OVER a AS from_at, max(p.back) OVER a AS seen, max(p.price) OVER a AS whole,
			p.spent - COALESCE(lag(p.price) OVER (PARTITION BY p.role ORDER BY p.back), 0) AS reached
		  FROM paid p WHERE p.back <= p.releases_spent AND p.price <= p.spent * 1.000001
		WINDOW a AS (PARTITION BY p.role)
	), points AS (
		SELECT DISTINCT ON (c.role, x.part) c.*, x.part
		  FROM counted c, LATERAL (SELECT round(extract(epoch FROM c.at - c.from_at)
				/ GREATEST(extract(epoch FROM statement_timestamp() - c.from_at), 0.000001), 3)) x (part)
		 ORDER BY c.role, x.part, c.back
	), lines AS (
		SELECT max(p.spent / p.most) AS share, p.role,
			dp_agg.page_steps(p.role, max(p.unit), max(p.spent), max(p.most), max(p.releases_spent - p.seen), max(p.from_at),
							  0::numeric || array_agg(p.part ORDER BY p.part),
							  GREATEST(max(p.spent - p.whole), 0) || array_agg(p.reached ORDER BY p.part)) AS line
		  FROM points p GROUP BY p.role
	)
	SELECT COALESCE('<div class="charts" id="spending">' || string_agg(l.line, '' ORDER BY l.share DESC, l.role) || E'</div>\n',
		E'<p>No account has spent anything that is shown here.</p>\n') FROM lines l
$$;

COMMENT ON FUNCTION dp_agg.report_spending(name, timestamptz) IS
	'internal to report: a line for each of the twelve accounts that have spent most of what they may';

CREATE FUNCTION dp_agg.report_tiers(population name, since timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH asked AS (
		SELECT r.session_user_name::text AS role, count(*)::numeric AS releases, trim_scale(sum(r.epsilon)) AS epsilon, max(r.at) AS last_at,
			count(*) FILTER (WHERE r.tier = 'low') AS low, count(*) FILTER (WHERE r.tier = 'medium') AS medium,
			count(*) FILTER (WHERE r.tier = 'high') AS high, count(*) FILTER (WHERE r.tier IS NULL) AS none,
			count(*) FILTER (WHERE r.reused) AS again
		  FROM dp_agg.releases r
		 WHERE r.population = report_tiers.population AND r.at >= COALESCE(report_tiers.since, '-infinity')
		 GROUP BY 1
	), ranked AS (
		SELECT a.*, max(a.releases) OVER () AS most, count(*) OVER () AS roles, row_number() OVER (ORDER BY a.releases DESC, a.role) AS nr FROM asked a
	)
	SELECT COALESCE(dp_agg.page_table('tiers', 'By role that had logged in, and by risk tier of the result; none: made by dp_agg 1.0, which had no tiers; again: an earlier answer, handed out at no price'
			|| CASE WHEN max(r.roles) > 40 THEN format('; 40 of %s roles', max(r.roles)) ELSE '' END,
			'{role,low; medium; high,#releases,#low,#medium,#high,#none,#of them again,#epsilon,last (UTC)}',
			string_agg(dp_agg.page('<tr><th scope="row"><bdi>%s</bdi></th><td>', r.role)
				|| dp_agg.page_bar(format('%s releases: %s low, %s medium, %s high, %s without tier', r.releases, r.low, r.medium, r.high, r.none),
								   ARRAY[r.low / r.most, r.medium / r.most, r.high / r.most, r.none / r.most], '{low,medium,high,none}')
				|| dp_agg.page('</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td><td class="n">%s</td>',
							   r.releases::text, r.low::text, r.medium::text, r.high::text, r.none::text)
				|| dp_agg.page(E'<td class="n">%s</td><td class="n">%s</td><td class="t">%s</td></tr>\n', r.again::text, r.epsilon::text, to_char(r.last_at, 'YYYY-MM-DD HH24:MI')),
				'' ORDER BY r.nr)), E'<p>There is no release that you may see.</p>\n')
	  FROM ranked r WHERE r.nr <= 40
$$;

COMMENT ON FUNCTION dp_agg.report_tiers(name, timestamptz) IS
	'internal to report: releases by role and risk tier';

-- How far from the truth, in 95 of 100 draws, a count is that a release of this price draws for itself alone, of people who
-- count once each: doc/privacy.md, "Noise".  Counts of several rows and beside other outputs are less sharp.
CREATE FUNCTION dp_agg.count_error(epsilon numeric, gaussian boolean) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN gaussian THEN GREATEST(ceil(1.959964 / epsilon - 0.5), 0)
		-- P(|X| > k) = 2 q^(k+1) / (1 + q), q = exp(-epsilon)
		ELSE GREATEST(ceil((ln(40.0) - ln(1 + exp(-epsilon))) / epsilon) - 1, 0) END
$$;

COMMENT ON FUNCTION dp_agg.count_error(numeric, boolean) IS
	'internal to report: half the width, in people, of the interval that holds 95 of 100 counts at this price, at best';

CREATE FUNCTION dp_agg.report_latest(population name, since timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	WITH latest AS (
		SELECT r.id, r.at, r.session_user_name::text AS role, regexp_replace(r.query, '\s+', ' ', 'g') AS query, r.outputs, r.epsilon, r.tier,
			dp_agg.count_error(r.epsilon, r.outputs LIKE '%Gaussian noise') AS error
		  FROM dp_agg.releases r
		 WHERE r.population = report_latest.population AND NOT r.reused AND r.at >= COALESCE(report_latest.since, '-infinity')
		 ORDER BY r.id DESC LIMIT 20
	), scaled AS (
		-- 80 on either side for the widest of them
		SELECT l.*, round(80 * l.error / max(l.error + 0.001) OVER (), 1) AS reach FROM latest l
	)
	SELECT COALESCE(dp_agg.page_table('latest', 'The latest twenty that were drawn, with what their price does to a count of people at best: 95 of 100 counts are no further from the truth',
			'{#number,at (UTC),role,tier,#epsilon,#count is within,95 of 100,outputs and query}',
			string_agg(dp_agg.page('<tr><td class="n">%s</td><td class="t">%s</td><th scope="row"><bdi>%s</bdi></th><td><span class="mark %s">%4$s</span></td><td class="n">%s</td>',
					s.id::text, to_char(s.at, 'YYYY-MM-DD HH24:MI'), s.role, COALESCE(s.tier, 'none'), s.epsilon::text)
				|| dp_agg.page('<td class="n">&#177;%s</td><td><svg viewBox="0 0 176 18" role="img" aria-label="plus or minus %1$s">', s.error::text)
				|| dp_agg.page('<path class="rule" d="M%1$s 5v8M%1$s 9H%2$sM%2$s 5v8"/><rect class="spent" x="86" y="7" width="4" height="4"/></svg></td>',
					(88 - s.reach)::text, (88 + s.reach)::text)
				|| dp_agg.page(E'<td class="query">%s<br/><code><bdi>%s</bdi></code></td></tr>\n', s.outputs,
					CASE WHEN length(s.query) > 200 THEN left(s.query, 197) || '...' ELSE s.query END),
				'' ORDER BY s.id DESC)), '')
	  FROM scaled s
$$;

COMMENT ON FUNCTION dp_agg.report_latest(name, timestamptz) IS
	'internal to report: the latest releases, with the error that a count has at their price';

-- In PL/pgSQL, so that check_hardening() is not asked for where it may not be.
CREATE FUNCTION dp_agg.report_findings() RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT has_function_privilege('dp_agg.check_hardening()', 'EXECUTE') THEN
		RETURN E'<p>They are shown to roles that may execute <code>dp_agg.check_hardening()</code>.</p>\n';
	END IF;
	RETURN (SELECT COALESCE(dp_agg.page_table('findings', 'What the server, as it is set up now, leaves open to analysts; of all populations of this database',
				'{severity,topic,object,finding,advice}',
				string_agg(dp_agg.page('<tr><td><span class="mark %s">%1$s</span></td><td class="t">%s</td><th scope="row"><bdi>%s</bdi></th><td class="query">%s</td>', f.severity, f.topic, f.object, f.finding)
					|| dp_agg.page(E'<td class="query">%s</td></tr>\n', f.advice), '' ORDER BY f.place)),
			E'<p>Nothing was found.</p>\n')
		FROM dp_agg.check_hardening() WITH ORDINALITY f (severity, topic, object, finding, advice, place));
END
$$;

COMMENT ON FUNCTION dp_agg.report_findings() IS
	'internal to report: what check_hardening() finds, for whoever may ask it';

-- What is shown is what the views show.  That somebody sees nothing of a population tells nothing about it.
CREATE FUNCTION dp_agg.report_check(population name) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF population IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'population must not be null', HINT = 'See dp_agg.my_budget for populations that you may ask about.';
	ELSIF EXISTS (SELECT FROM dp_agg.budgets b WHERE b.population = report_check.population)
		OR EXISTS (SELECT FROM dp_agg.administrators a WHERE a.population = report_check.population)
		OR EXISTS (SELECT FROM dp_agg.releases r WHERE r.population = report_check.population) THEN
		RETURN;
	ELSIF has_table_privilege('dp_agg.account', 'SELECT') OR has_table_privilege('dp_agg.release', 'SELECT')
		OR pg_has_role((SELECT e.extowner FROM pg_extension e WHERE e.extname = 'dp_agg'), 'MEMBER') THEN
		IF NOT EXISTS (SELECT FROM dp_agg.protected_relations p WHERE p.population = report_check.population) THEN
			RAISE undefined_object USING MESSAGE = format('population "%s" does not exist', population),
				HINT = 'See dp_agg.protected_relations and dp_agg.budgets for those that there are.';
		END IF;
	ELSE
		RAISE insufficient_privilege USING MESSAGE = format('permission denied for population "%s"', population),
			HINT = 'A report is for administrators of the population, auditors, and roles that have an account on it.';
	END IF;
END
$$;

COMMENT ON FUNCTION dp_agg.report_check(name) IS
	'internal to report: fails where there is nothing to show';

CREATE FUNCTION dp_agg.report_head(population name, since timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT dp_agg.page(E'<h1>Privacy report: <bdi>%s</bdi></h1>\n<p class="soft">Database <bdi>%s</bdi>, %s UTC%s, as <bdi>%s</bdi> may see it.</p>\n',
			population, current_database(), to_char(statement_timestamp(), 'YYYY-MM-DD HH24:MI'),
			CASE WHEN since IS NULL THEN '' ELSE '; releases since ' || to_char(since, 'YYYY-MM-DD HH24:MI') END, CURRENT_USER)
		|| dp_agg.page('<div class="tiles" id="tiles"><div><b>%s</b> individuals, as declared</div><div><b>%s</b> protected relations</div>', p.individuals, p.relations)
		|| dp_agg.page('<div><b>%s</b> accounts</div><div><b>%s</b> releases</div><div><b>%s</b> epsilon, of all of them</div>',
			(SELECT count(*) FROM dp_agg.budgets b WHERE b.population = report_head.population)::text, r.releases, r.epsilon)
		|| E'</div>\n'
	  FROM (SELECT max(p.individuals)::text AS individuals, count(*)::text AS relations
			  FROM dp_agg.protected_relations p WHERE p.population = report_head.population) p,
		(SELECT count(*)::text AS releases, trim_scale(COALESCE(sum(r.epsilon), 0))::text AS epsilon
		   FROM dp_agg.releases r WHERE r.population = report_head.population AND r.at >= COALESCE(report_head.since, '-infinity')) r
$$;

COMMENT ON FUNCTION dp_agg.report_head(name, timestamptz) IS
	'internal to report: title, and the sums';

-- Times are in UTC, as periods are, and amounts look the same in every session.
CREATE FUNCTION dp_agg.report(population name, since timestamptz DEFAULT NULL) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC'
SET "IntervalStyle" = 'postgres'
SET jit = off
AS $$
BEGIN
	PERFORM dp_agg.report_check(population);
	RETURN dp_agg.page(E'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>\n<title>Privacy report: %s</title>\n<style>', population)
		|| dp_agg.page_style() || E'</style></head>\n<body>\n' || dp_agg.report_head(population, since)
		|| E'<h2>What remains</h2>\n<p>Each account says how much its role may learn about any one individual. What is spent comes back only where the account renews.'
		|| E' Under zCDP the share is that of rho, since epsilon does not add up.</p>\n' || dp_agg.report_accounts(population)
		|| E'<h2>Spending over time</h2>\n<p>In the period that runs, against the limit (dashed).</p>\n' || dp_agg.report_spending(population, since)
		|| E'<h2>Releases</h2>\n' || dp_agg.report_tiers(population, since)
		|| E'<p>The log has no answers, so this page cannot show them. How sharp they are follows from their price:</p>\n' || dp_agg.report_latest(population, since)
		|| E'<p>A count of several rows of each person, or beside other outputs, is less sharp; who asked has seen its standard error in <code>dp_agg.last_release()</code>.</p>\n'
		|| E'<h2>Findings</h2>\n' || dp_agg.report_findings() || E'</body>\n</html>\n';
END
$$;

COMMENT ON FUNCTION dp_agg.report(name, timestamptz) IS
	'A page of HTML, without a script or anything from elsewhere, about one population: what accounts have spent and have left, releases by role and risk tier since a time (NULL: all), the latest of them with the error that a count has at their price, and what check_hardening() finds. It shows what dp_agg.budgets, dp_agg.population_caps and dp_agg.releases show the current user: all to superusers, auditors and administrators of the population, its own accounts and releases to an analyst. Errors: 22004 null, 42704 no such population, 42501 nothing of it is for the current user.';

-- ----------------------------------------------------------------------------
-- Numbers for monitoring: what accounts have spent, releases by role and tier, findings by severity.
--
-- Whoever may execute these sees numbers of all populations, and neither a statement nor an object: less
-- than an auditor, who reads the log.  They run as the extension's owner.
-- ----------------------------------------------------------------------------

CREATE FUNCTION dp_agg.monitor_accounts()
RETURNS TABLE (population name, role name, accountant text, epsilon_limit numeric, epsilon_spent numeric, epsilon_remaining numeric,
	delta_limit numeric, delta_spent numeric, spent_share numeric, releases_spent bigint, releases_remaining bigint, renews_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT s.population, CASE s.role_id WHEN 0 THEN '' ELSE s.role END, s.accountant, s.epsilon_limit, s.epsilon_spent, s.epsilon_remaining,
		s.delta_limit, s.delta_spent, COALESCE(s.rho_spent / s.rho_limit, s.epsilon_spent / s.epsilon_limit), s.releases_spent, s.releases_remaining, s.renews_at
	  FROM dp_agg.account_state s
	 ORDER BY 1, 2
$$;

COMMENT ON FUNCTION dp_agg.monitor_accounts() IS
	'for monitoring: all accounts, and caps of populations (role is empty); epsilon and delta in plain units; spent_share of the limit, of rho under zcdp; releases since the period began. For the extension''s owner and roles to whom EXECUTE is granted';

-- Entries are in the order of time, so the log is read backwards, as far as is asked for.
CREATE FUNCTION dp_agg.monitor_releases(begins timestamptz DEFAULT now() - '1 day'::interval, ends timestamptz DEFAULT now(), step interval DEFAULT '100 years')
RETURNS TABLE (at timestamptz, population name, role name, tier text, releases bigint, epsilon numeric, reused bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	entry record;
	first_id bigint;
	seconds double precision := extract(epoch FROM step);
BEGIN
	IF begins IS NULL OR ends IS NULL OR step IS NULL OR NOT isfinite(begins) THEN
		RAISE null_value_not_allowed USING MESSAGE = 'begins, ends and step must not be null, and begins not infinite';
	ELSIF seconds <= 0 THEN
		RAISE invalid_parameter_value USING MESSAGE = 'step must be more than nothing', HINT = 'For example: interval ''1 hour''.';
	END IF;
	FOR entry IN SELECT r.id, r.at FROM dp_agg.release r ORDER BY r.id DESC LOOP
		EXIT WHEN entry.at < begins;
		first_id := entry.id;
	END LOOP;
	RETURN QUERY
		SELECT to_timestamp(seconds * floor(extract(epoch FROM r.at)::double precision / seconds)), r.population, r.session_role,
			COALESCE(r.tier, 'none'), count(*), trim_scale(sum(r.epsilon) / 1e9), count(*) FILTER (WHERE r.reused)
		  FROM dp_agg.release r
		 WHERE r.id >= first_id AND r.at >= begins AND r.at < ends
		 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
END
$$;

COMMENT ON FUNCTION dp_agg.monitor_releases(timestamptz, timestamptz, interval) IS
	'for monitoring: releases between two times, by step (counted from 1970, in UTC; a month has 30 days), population, role that had logged in and risk tier (none: of dp_agg 1.0): how many, the sum of their epsilon, and how many of them are answers that were handed out again (reused); at: when the step begins. Errors: 22004 null or infinite, 22023 no step. For the extension''s owner and roles to whom EXECUTE is granted';

CREATE FUNCTION dp_agg.monitor_findings() RETURNS TABLE (severity text, findings bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
	SELECT s.severity, count(f.severity) FROM unnest(ARRAY['high', 'medium', 'low']) WITH ORDINALITY s (severity, place)
	  LEFT JOIN dp_agg.check_hardening() f ON f.severity = s.severity
	 GROUP BY s.severity, s.place ORDER BY s.place
$$;

COMMENT ON FUNCTION dp_agg.monitor_findings() IS
	'for monitoring: how many findings check_hardening() has of each severity, a row for each. For the extension''s owner and roles to whom EXECUTE is granted';

CREATE FUNCTION dp_agg.monitor_ledger() RETURNS TABLE (entries bigint, changes_waiting bigint, last_release timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT COALESCE((SELECT h.id FROM dp_agg.ledger_head h), 0), (SELECT count(*) FROM dp_agg.account_change_waiting),
		(SELECT r.at FROM dp_agg.release r ORDER BY r.id DESC LIMIT 1)
$$;

COMMENT ON FUNCTION dp_agg.monitor_ledger() IS
	'for monitoring: how many entries the ledger has, those that are archived included, how many changes of accounts wait to be chained, and when the latest release was charged (NULL: none). For the extension''s owner and roles to whom EXECUTE is granted';

REVOKE EXECUTE ON FUNCTION dp_agg.monitor_accounts(), dp_agg.monitor_releases(timestamptz, timestamptz, interval), dp_agg.monitor_findings(),
	dp_agg.monitor_ledger() FROM PUBLIC;

-- ----------------------------------------------------------------------------
-- What was declared and given under 1.0
-- ----------------------------------------------------------------------------

-- Bounds and public keys say which type they were declared for, so that they do not count any more
-- once a column is of another kind of type.  Labels of 1.0 do not say it: what they hold was meant for
-- the type that the column has now, as 1.0 took it.
DO $labels$
DECLARE
	labelled record;
	found record;
BEGIN
	FOR labelled IN
		SELECT s.objoid::pg_catalog.regclass AS relation, a.attname, s.label::pg_catalog.jsonb AS label,
			   dp_agg.type_name(a.atttypid) AS type
		  FROM pg_catalog.pg_seclabel s
		  JOIN pg_catalog.pg_attribute a ON a.attrelid = s.objoid AND a.attnum = s.objsubid AND NOT a.attisdropped
		 WHERE s.provider = 'dp_agg' AND s.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND s.objsubid > 0
	LOOP
		PERFORM dp_agg.label_column(labelled.relation, labelled.attname, '{}', p.patch)
		  FROM (SELECT CASE WHEN labelled.label ? 'lower' AND NOT labelled.label ? 'bounds_type'
							THEN pg_catalog.jsonb_build_object('bounds_type', labelled.type) ELSE '{}' END
					   || CASE WHEN labelled.label ? 'domain' AND NOT labelled.label ? 'domain_type'
							   THEN pg_catalog.jsonb_build_object('domain_type', labelled.type) ELSE '{}' END AS patch) p
		 WHERE p.patch <> '{}';
	END LOOP;
	FOR found IN SELECT * FROM dp_agg.outlived() LOOP
		RAISE WARNING USING
			MESSAGE = pg_catalog.format('column "%s" of %s: %s', found.column_name, found.labelled, found.finding),
			HINT = found.advice;
	END LOOP;
END
$labels$;

-- Every account is put on record as it is: what is spent later has to add up with that.
UPDATE dp_agg.account SET releases_spent = 0;

DO $owner$
BEGIN
	PERFORM pg_catalog.set_config('role', pg_catalog.current_setting('dp_agg_update.role'), true);
END
$owner$;
