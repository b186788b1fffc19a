What dev/upgrade-script cannot copy from the install script of 1.1.

-- @@ first
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

-- @@ instead do declare

-- @@ instead table dp_agg.account
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

-- @@ instead table dp_agg.release
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

-- @@ after table dp_agg.ledger_head
-- The end of the chain so far.
INSERT INTO dp_agg.ledger_head (id, hash)
SELECT h.head[1]::bigint, pg_catalog.decode(h.head[2], 'hex')
  FROM (SELECT pg_catalog.string_to_array(pg_catalog.current_setting('dp_agg_update.head'), ' ') AS head) h
 WHERE h.head[1]::bigint > 0;

-- @@ anew view dp_agg.release_log

-- @@ before view dp_agg.release_log
-- A column of this view has another place than in 1.0, so it is made anew.  Those that are made
-- of it are replaced below, and let go of the old one.
ALTER VIEW dp_agg.release_log RENAME TO release_log_1_0;

-- @@ after view dp_agg.releases
DROP VIEW dp_agg.release_log_1_0;

-- @@ last
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
