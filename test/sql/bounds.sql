--
-- DP003: what is summed, averaged or ordered needs bounds.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_dp_summer;
RESET client_min_messages;
CREATE ROLE regress_dp_summer;
CREATE TABLE bills (person int NOT NULL, amount numeric NOT NULL, tip int NOT NULL, day date NOT NULL);
INSERT INTO bills SELECT p, p % 10 * 10, p % 3, '2025-01-01' FROM generate_series(1, 1000) p;
SELECT dp_agg.protect('bills', 'person', 'payers');
SELECT dp_agg.set_bounds('bills', 'amount', 0, 100);
SELECT dp_agg.set_budget('regress_dp_summer', 'payers', epsilon => 1e6, delta => 0.5);
SET SESSION AUTHORIZATION regress_dp_summer;

-- Declared, written, and derived from those of columns.
SELECT round(avg(amount)) FROM bills;
SELECT round(dp_avg(tip, 0, 2)) FROM bills;
SELECT round(avg(amount * 2 + 10)) FROM bills;
SELECT round(avg(CASE WHEN tip > 0 THEN amount ELSE 0 END)) FROM bills;

-- Neither.
SELECT sum(tip) FROM bills;
\echo :SQLSTATE
SELECT dp_median(day) FROM bills;
\echo :SQLSTATE
SELECT avg(tip * amount) FROM bills;
\echo :SQLSTATE
SELECT avg(amount / (amount - 5)) FROM bills;
\echo :SQLSTATE
SELECT avg(n) FROM (SELECT count(*) AS n FROM bills GROUP BY person) p;
\echo :SQLSTATE

-- Written, and none.
SELECT dp_avg(tip, 5, 5) FROM bills;
\echo :SQLSTATE
SELECT dp_avg(tip, 5, 4) FROM bills;
\echo :SQLSTATE
SELECT dp_avg(tip, 0, NULL) FROM bills;
\echo :SQLSTATE
SELECT dp_avg(tip, 0, 'Infinity') FROM bills;
\echo :SQLSTATE
SELECT dp_avg(tip, 'NaN', 0) FROM bills;
\echo :SQLSTATE
SELECT dp_avg(tip, 0, amount::float8) FROM bills;
\echo :SQLSTATE
SELECT dp_avg(tip, 0, (SELECT 2.0)) FROM bills;
\echo :SQLSTATE

-- Parameters: known when they are given.
PREPARE average (float8, float8) AS SELECT round(dp_avg(tip, $1, $2)) FROM bills;
EXECUTE average (0, 2);
EXECUTE average (2, 0);
\echo :SQLSTATE
EXECUTE average (0, NULL);
\echo :SQLSTATE
SET plan_cache_mode = force_generic_plan;
EXECUTE average (0, 2);
EXECUTE average (2, 0);
\echo :SQLSTATE
EXECUTE average (0, NULL);
\echo :SQLSTATE
RESET plan_cache_mode;
DEALLOCATE average;

-- Only what was answered was paid for.
SELECT releases_spent FROM dp_agg.my_budget;
RESET SESSION AUTHORIZATION;

SELECT dp_agg.drop_budget('regress_dp_summer', 'payers');
SELECT dp_agg.unprotect('bills');
DROP TABLE bills;
DROP ROLE regress_dp_summer;
