--
-- Who may read, ask, protect and give budgets; and what PostgreSQL's own
-- privileges say stays the law.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_dp_owner, regress_dp_reader, regress_dp_inquirer, regress_dp_stranger;
RESET client_min_messages;
CREATE ROLE regress_dp_owner;
CREATE ROLE regress_dp_reader;
CREATE ROLE regress_dp_inquirer;
CREATE ROLE regress_dp_stranger;
CREATE TABLE cases (person int NOT NULL, kind text NOT NULL);
INSERT INTO cases SELECT p, 'kind ' || p % 2 FROM generate_series(1, 1000) p;
ALTER TABLE cases OWNER TO regress_dp_owner;
GRANT SELECT ON cases TO regress_dp_reader;

-- Administration is for superusers, and owners of tables who were given the functions.
SET SESSION AUTHORIZATION regress_dp_owner;
SELECT dp_agg.protect('cases', 'person', 'citizens');
\echo :SQLSTATE
SECURITY LABEL FOR dp_agg ON TABLE cases IS '{"population": "citizens", "unit_columns": 1}';
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION dp_agg.protect(regclass, name, name, integer, integer, name[]),
	dp_agg.protect(regclass, name[], name, integer, integer, name[]),
	dp_agg.unprotect(regclass) TO regress_dp_owner, regress_dp_reader;
GRANT CREATE ON SCHEMA dp TO regress_dp_owner;
SET SESSION AUTHORIZATION regress_dp_reader;
SELECT dp_agg.protect('cases', 'person', 'citizens');
\echo :SQLSTATE
SET SESSION AUTHORIZATION regress_dp_owner;
SELECT dp_agg.protect('cases', 'person', 'citizens');
SELECT dp_agg.set_domain('cases', 'kind', '{a}');
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_inquirer', 'citizens', 10);
\echo :SQLSTATE
SELECT count(*) FROM dp_agg.check_hardening();
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;
SELECT dp_agg.set_budget('regress_dp_inquirer', 'citizens', epsilon => 1e5, delta => 0.5);

-- An analyst: answers, and no rows on any path.
SET SESSION AUTHORIZATION regress_dp_inquirer;
SELECT count(*) FROM cases;
SELECT kind, count(*) FROM dp.cases GROUP BY kind ORDER BY kind COLLATE "C";
SELECT * FROM cases;
\echo :SQLSTATE
SELECT * FROM dp.cases;
\echo :SQLSTATE
SELECT person FROM cases WHERE kind = 'kind 1' LIMIT 1;
\echo :SQLSTATE
COPY cases TO STDOUT;
\echo :SQLSTATE
COPY (SELECT person FROM cases) TO STDOUT;
\echo :SQLSTATE
CREATE TEMP TABLE copy AS SELECT * FROM cases;
\echo :SQLSTATE
SELECT 1 WHERE EXISTS (SELECT FROM cases WHERE person = 7);
\echo :SQLSTATE
UPDATE cases SET kind = '';
\echo :SQLSTATE
BEGIN;
LOCK TABLE cases;
\echo :SQLSTATE
ROLLBACK;
DO $$ BEGIN PERFORM person FROM cases; END $$;
\echo :SQLSTATE
EXPLAIN SELECT count(*) FROM cases;
\echo :SQLSTATE

-- It sees its own account and releases, what is protected, and nothing of the ledger.
SELECT count(*) FROM dp_agg.budgets;
SELECT count(*), count(DISTINCT session_role) FROM dp_agg.releases;
SELECT relation, population FROM dp_agg.protected_relations WHERE population = 'citizens';
SELECT * FROM dp_agg.account;
\echo :SQLSTATE
SELECT * FROM dp_agg.release;
\echo :SQLSTATE
SELECT nextval('dp_agg.account_change_waiting_number_seq');
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_inquirer', 'citizens', 1e6);
\echo :SQLSTATE
SELECT dp_agg.drop_budget('regress_dp_inquirer', 'citizens');
\echo :SQLSTATE
SELECT dp_agg.unprotect('cases');
\echo :SQLSTATE
SELECT dp_agg.set_bounds('cases', 'person', 0, 1);
\echo :SQLSTATE
SECURITY LABEL FOR dp_agg ON TABLE cases IS NULL;
\echo :SQLSTATE
SET dp_agg.min_individuals = 20;
\echo :SQLSTATE
SET dp_agg.min_epsilon = 0.5;
\echo :SQLSTATE

-- Without an account there are PostgreSQL's own words.
SET SESSION AUTHORIZATION regress_dp_stranger;
SELECT count(*) FROM cases;
\echo :SQLSTATE
SELECT dp_count(*) FROM dp.cases;
\echo :SQLSTATE
EXPLAIN SELECT count(*) FROM cases;
\echo :SQLSTATE
SELECT count(*) FROM dp_agg.my_budget;
SELECT count(*) FROM dp_agg.releases;

-- Whoever may read the table reads it, and its releases cost nobody anything.
SET SESSION AUTHORIZATION regress_dp_reader;
SELECT count(*) FROM cases WHERE person <= 5;
SELECT dp_count(*) FROM cases WHERE person <= 500;
SELECT count(*) FROM dp.cases WHERE person <= 5;
RESET SESSION AUTHORIZATION;
SELECT role, epsilon_spent FROM dp_agg.budgets WHERE population = 'citizens';

-- An analyst's view and function ask as the analyst; definer views of who may read yield releases.
SET SESSION AUTHORIZATION regress_dp_reader;
CREATE TEMP VIEW lent AS SELECT * FROM cases;
GRANT SELECT ON lent TO regress_dp_inquirer, regress_dp_stranger;
SET SESSION AUTHORIZATION regress_dp_inquirer;
SELECT count(*) FROM lent;
SELECT person FROM lent;
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;

-- An account taken away.
SELECT dp_agg.drop_budget('regress_dp_inquirer', 'citizens');
SET SESSION AUTHORIZATION regress_dp_inquirer;
SELECT count(*) FROM cases;
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;

DROP VIEW lent;
SELECT dp_agg.unprotect('cases');
DROP TABLE cases;
REVOKE ALL ON SCHEMA dp FROM regress_dp_owner;
REVOKE EXECUTE ON FUNCTION dp_agg.protect(regclass, name, name, integer, integer, name[]),
	dp_agg.protect(regclass, name[], name, integer, integer, name[]),
	dp_agg.unprotect(regclass) FROM regress_dp_owner, regress_dp_reader;
DROP ROLE regress_dp_owner, regress_dp_reader, regress_dp_inquirer, regress_dp_stranger;
