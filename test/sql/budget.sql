--
-- Accounts: what they hold, who pays, what is refused when, and what of it shows.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_dp_member, regress_dp_team;
RESET client_min_messages;
CREATE ROLE regress_dp_team;
CREATE ROLE regress_dp_member IN ROLE regress_dp_team;
CREATE TABLE members (id int PRIMARY KEY, cost int NOT NULL);
INSERT INTO members SELECT p, p % 10 FROM generate_series(1, 1000) p;
SELECT dp_agg.protect('members', 'id', 'club');

-- A new account; epsilon is rounded down, and delta follows from it.
SELECT dp_agg.set_budget('regress_dp_member', 'club', epsilon => 10.0000000019);
SELECT * FROM dp_agg.budgets WHERE role = 'regress_dp_member' \gx
SELECT dp_agg.set_budget('regress_dp_member', 'club', epsilon => 1000, delta => 0.25);
SELECT epsilon_limit, delta_limit FROM dp_agg.budgets WHERE population = 'club';

-- What does not fit changes nothing.
SELECT dp_agg.set_budget('regress_dp_nobody', 'club', 1);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'nobody', 1);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', NULL::numeric);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 'NaN'::numeric);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', -1);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1e-10);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1e10);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1, delta => 1);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1, period => '-1 day');
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1, accountant => 'renyi');
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1, min_epsilon_per_query => 0.5, max_epsilon_per_query => 0.25);
\echo :SQLSTATE
SELECT dp_agg.set_budget('regress_dp_member', 'club', 1, max_releases => 0);
\echo :SQLSTATE
SELECT epsilon_limit, delta_limit FROM dp_agg.budgets WHERE population = 'club';

-- Paid before the first row, at the price of the release; nothing refunds it.
SELECT dp_agg.set_budget('regress_dp_member', 'club', epsilon => 3000, delta => 0.25);
SET SESSION AUTHORIZATION regress_dp_member;
SELECT count(*) FROM members;
SELECT epsilon_spent, epsilon_remaining, delta_spent, releases_spent FROM dp_agg.my_budget;
BEGIN;
SELECT count(*) FROM members;
ROLLBACK;
SELECT epsilon_spent, epsilon_remaining, delta_spent, releases_spent FROM dp_agg.my_budget;
SELECT 1 / (count(*) - 1000) FROM members;
\echo :SQLSTATE
SELECT epsilon_spent, epsilon_remaining, delta_spent, releases_spent FROM dp_agg.my_budget;

-- DP001: the budget.
SELECT count(*) FROM members;
\echo :SQLSTATE
SELECT count(*) FROM members WHERE dp_with(epsilon => 500);
\echo :SQLSTATE

-- DP002: a release has a least price, whatever is left.
SELECT count(*) FROM members WHERE dp_with(epsilon => 0.0009);
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;

-- DP002: limits of a statement and of a release, DP001: of their number.
SELECT dp_agg.set_budget('regress_dp_member', 'club', epsilon => 10000, delta => 0.25, max_epsilon_per_query => 1500,
						 min_epsilon_per_query => 500, max_releases => 6);
SET SESSION AUTHORIZATION regress_dp_member;
SELECT (SELECT count(*) FROM members), (SELECT count(*) FROM members WHERE cost > 4);
\echo :SQLSTATE
SELECT count(*) FROM members WHERE dp_with(epsilon => 499.999999999);
\echo :SQLSTATE
SELECT (SELECT count(*) FROM members WHERE dp_with(500)) AS n, (SELECT count(*) FROM members WHERE cost > 4 AND dp_with(600)) AS dear;
SELECT * FROM dp_agg.my_budget \gx
SELECT (SELECT count(*) FROM members WHERE dp_with(500)), (SELECT count(*) FROM members WHERE cost > 4 AND dp_with(600));
\echo :SQLSTATE

-- What the analyst sees of the log; of statements that were refused there is nothing.
SELECT session_role, "current_role", population, relations, query, epsilon, delta, outputs, tier, reused
  FROM dp_agg.my_releases ORDER BY id;
SELECT count(*) FROM dp_agg.releases;
RESET SESSION AUTHORIZATION;
SELECT at <= clock_timestamp() AS past, count(*) FROM dp_agg.releases WHERE session_role = 'regress_dp_member' GROUP BY 1;

-- A member pays from its own account and from its group's; both must have room.
SELECT dp_agg.set_budget('regress_dp_team', 'club', epsilon => 1500, delta => 0.25);
SELECT dp_agg.set_budget('regress_dp_member', 'club', epsilon => 10000, delta => 0.25);
SET SESSION AUTHORIZATION regress_dp_member;
SELECT count(*) FROM members;
SELECT count(*) FROM members;
\echo :SQLSTATE
SELECT role, epsilon_spent, epsilon_remaining FROM dp_agg.my_budget ORDER BY role::text COLLATE "C";
RESET SESSION AUTHORIZATION;

-- A period that is over has renewed.
SELECT dp_agg.set_budget('regress_dp_team', 'club', epsilon => 1500, delta => 0.25, period => '7 days');
SELECT epsilon_spent, period = '7 days' AS period, renews_at > now() + interval '6 days' AS renews_in_a_week FROM dp_agg.budgets WHERE role = 'regress_dp_team';
UPDATE dp_agg.account SET period_anchor = period_anchor - interval '7 days', renews_at = renews_at - interval '7 days'
 WHERE role = 'regress_dp_team'::regrole;
SELECT epsilon_spent, epsilon_remaining FROM dp_agg.budgets WHERE role = 'regress_dp_team';

-- Closed accounts; the log stays.
SELECT dp_agg.drop_budget('regress_dp_team', 'club'), dp_agg.drop_budget('regress_dp_member', 'club');
SELECT dp_agg.drop_budget('regress_dp_team', 'club');
\echo :SQLSTATE
SET SESSION AUTHORIZATION regress_dp_member;
SELECT count(*) FROM members;
\echo :SQLSTATE
SELECT count(*) FROM dp_agg.my_budget;
SELECT count(*) FROM dp_agg.my_releases;
RESET SESSION AUTHORIZATION;

SELECT dp_agg.unprotect('members');
DROP TABLE members;
DROP ROLE regress_dp_member, regress_dp_team;
