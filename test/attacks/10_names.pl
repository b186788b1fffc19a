# Names in the way of names: functions, operators, aggregates, types, tables and CTEs
# of the analyst called like those of dp_agg or PostgreSQL, and search paths that put
# them first.  A leak: code of the analyst sees rows, or a table of the analyst is
# taken for one of dp_agg's own.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('hijacked names');

DpAgg::value($node, 'analyst', <<'SQL');
CREATE SCHEMA pgc;
CREATE FUNCTION pgc.spy(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a.spy_immutable($1)';
CREATE FUNCTION pgc.abs(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION pgc.upper(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION pgc.length(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN 1; END $$;
CREATE FUNCTION pgc.date_trunc(text, timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $2; END $$;
CREATE FUNCTION pgc.round(numeric, int) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION pgc.int4(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN 1; END $$;
CREATE FUNCTION pgc.eq(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE COST 0.001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE FUNCTION pgc.add(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION pgc.like(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN true; END $$;
CREATE OPERATOR pgc.= (LEFTARG = int, RIGHTARG = int, FUNCTION = pgc.eq, COMMUTATOR = OPERATOR(pgc.=));
CREATE OPERATOR pgc.< (LEFTARG = int, RIGHTARG = int, FUNCTION = pgc.eq);
CREATE OPERATOR pgc.>= (LEFTARG = int, RIGHTARG = int, FUNCTION = pgc.eq);
CREATE OPERATOR pgc.<= (LEFTARG = int, RIGHTARG = int, FUNCTION = pgc.eq);
CREATE OPERATOR pgc.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = pgc.add);
CREATE OPERATOR pgc.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = pgc.like);
CREATE FUNCTION pgc.neg(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE OPERATOR pgc.- (RIGHTARG = int, FUNCTION = pgc.neg);
CREATE FUNCTION pgc.step(int8, int) RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 OPERATOR(pg_catalog.+) 1; END $$;
CREATE FUNCTION pgc.step_any(int8) RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 OPERATOR(pg_catalog.+) 1; END $$;
CREATE AGGREGATE pgc.sum(int) (SFUNC = pgc.step, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE pgc.count(int) (SFUNC = pgc.step, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE pgc.count(*) (SFUNC = pgc.step_any, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE pgc.dp_count(*) (SFUNC = pgc.step_any, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE pgc.dp_sum(int) (SFUNC = pgc.step, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE pgc.collect(int) (SFUNC = pgc.step, STYPE = int8, INITCOND = '0');
CREATE FUNCTION pgc.dp_with(epsilon float8 DEFAULT 1, delta float8 DEFAULT 1, max_groups int DEFAULT 1, max_rows int DEFAULT 1) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN true; END $$;
CREATE FUNCTION pgc.dp_low(bigint, float8 DEFAULT 0.9) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN $1; END $$;
CREATE DOMAIN pgc.text AS pg_catalog.text CHECK (a.spy_text(VALUE) IS NOT NULL);
CREATE DOMAIN pgc.money AS int CHECK (a.spy(VALUE) IS NOT NULL);
CREATE TYPE pgc.date AS (d int);
CREATE VIEW pgc.pg_class AS SELECT 1 AS oid, 'people'::name AS relname;
CREATE TABLE pgc.account (role oid, population name, epsilon_spent bigint DEFAULT 0);
CREATE TABLE pgc.my_budget AS SELECT 'analyst'::name AS role, 1e9 AS epsilon_remaining;
CREATE VIEW pgc.my_releases AS SELECT 1 AS id;
CREATE TABLE pgc.protected_relations (relation regclass, population name);
SQL

# With the analyst's schema before pg_catalog.
my @first = ("SELECT set_config('search_path', 'pgc, pg_catalog, ' || current_setting('search_path'), false)");
attack("in the way: $_", $_, before => \@first, state => 'DP002|DP003|42501|00000|42883|42725', control => 'runs') foreach
  'SELECT dp_count(*) FROM people WHERE id = 5', 'SELECT count(*) FROM people WHERE x < 50', 'SELECT count(id) FROM people', 'SELECT sum(x) FROM people';
attack("in the way: $_", $_, before => \@first, state => 'DP002|DP003|42501|00000|42883|42725') foreach
  'SELECT pg_catalog.count(*) FROM people WHERE id = 5', 'SELECT pg_catalog.count(*) FROM people WHERE abs(x) IS NOT NULL', "SELECT pg_catalog.count(*) FROM people WHERE upper(name) IS NOT NULL", 'SELECT pg_catalog.count(*) FROM people WHERE length(name) IS NOT NULL',
  "SELECT pg_catalog.count(*) FROM people WHERE date_trunc(name, now()) IS NOT NULL", 'SELECT pg_catalog.count(*) FROM people WHERE round(n, x) IS NOT NULL', 'SELECT pg_catalog.count(*) FROM people WHERE int4(name) IS NOT NULL', 'SELECT pg_catalog.count(*) FROM people WHERE x + 1 IS NOT NULL',
  "SELECT pg_catalog.count(*) FROM people WHERE name LIKE 'p%'", 'SELECT pg_catalog.count(*) FROM people WHERE -x IS NOT NULL', 'SELECT pg_catalog.count(*) FROM people WHERE x BETWEEN 1 AND 2', 'SELECT pg_catalog.count(*) FROM people WHERE x IN (1, 2)', 'SELECT pg_catalog.count(*) FROM people WHERE NOT x = 4',
  'SELECT pg_catalog.count(*) FROM people p JOIN pub ON p.x = pub.k', 'SELECT pg_catalog.count(*) FROM people p JOIN visits v ON p.id = v.pid WHERE p.id OPERATOR(pg_catalog.<) 10', 'SELECT pg_catalog.count(*) FROM people p JOIN (SELECT pid AS id, cost FROM visits) v USING (id) WHERE p.id OPERATOR(pg_catalog.<) 10',
  'SELECT pg_catalog.count(*) FROM people NATURAL JOIN (SELECT pid AS id FROM visits) v WHERE id OPERATOR(pg_catalog.<) 10', 'SELECT pg_catalog.count(*) FROM people WHERE nullif(x, 3) IS NOT NULL', 'SELECT pg_catalog.count(*) FROM people WHERE x IS DISTINCT FROM 3', 'SELECT pg_catalog.count(*) FROM people WHERE CASE x WHEN 3 THEN false ELSE true END',
  'SELECT pg_catalog.count(*) FROM people WHERE x = ANY (ARRAY[1, 2])', 'SELECT pg_catalog.count(*) FROM people WHERE EXISTS (SELECT FROM visits v WHERE v.pid = id AND v.pid = 5)', 'SELECT pg_catalog.count(*) FROM people WHERE x IN (SELECT k FROM pub)',
  'SELECT pg_catalog.count(*) FROM people WHERE name::text IS NOT NULL', 'SELECT pg_catalog.count(*) FROM people WHERE x::pgc.money IS NOT NULL', 'SELECT pg_catalog.count(*) FROM (SELECT id, sum(x) AS s FROM people GROUP BY id) q WHERE s IS NOT NULL', 'SELECT pg_catalog.count(*) FROM (SELECT id, count(*) AS s FROM people GROUP BY id) q WHERE s IS NOT NULL';
attack("in the way: $_", $_, before => \@first, state => 'DP002|DP003|42501|00000|42883|42725', control => 'none', why => 'dp_ names mean nothing but the analyst\'s own where nothing protects') foreach
  'SELECT dp_sum(x) FROM people', 'SELECT dp_agg.last_release() IS NULL FROM people', 'SELECT public.dp_count(*) FROM people WHERE dp_with(epsilon => 0.001)', 'SELECT public.dp_count(*) FROM people WHERE dp_with(epsilon => 0.001) OR id OPERATOR(pg_catalog.=) 5', 'SELECT collect(x) FROM people', 'SELECT dp_low(public.dp_count(*)) FROM people WHERE id OPERATOR(pg_catalog.=) 5';
run_attacks();

# Temporary objects, which stand first for tables and types, and never for functions.
DpAgg::value($node, 'analyst', 'CREATE FUNCTION a.make_temporary() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	CREATE FUNCTION pg_temp.dp_count(int) RETURNS int LANGUAGE sql AS \'SELECT a.spy($1)\';
	CREATE FUNCTION pg_temp.abs(int) RETURNS int LANGUAGE sql AS \'SELECT a.spy($1)\';
	CREATE DOMAIN pg_temp.mood AS int CHECK (a.spy(VALUE) IS NOT NULL);
	CREATE TABLE pg_temp.account (LIKE pgc.account); CREATE TABLE pg_temp.pub AS SELECT 5 AS k, \'own\' AS label; EXCEPTION WHEN OTHERS THEN NULL; END $$');
attack("temporary: $_", $_, before => ['SELECT a.make_temporary()'], after => ['DISCARD TEMP'], state => '00000|DP002|DP003|42501|428\w\w|42601', control => 'runs') foreach 'SELECT count(*) FROM people WHERE abs(x) > 3',
  'SELECT count(*) FROM people JOIN pub ON k = id', 'SELECT count(*) FROM people WHERE id IN (SELECT k FROM pub)';
attack("temporary: $_", $_, before => ['SELECT a.make_temporary()'], after => ['DISCARD TEMP'], state => '00000|DP002|DP003|42501|428\w\w|42601') foreach 'SELECT count(*) FROM people WHERE pg_temp.abs(x) > 3', 'SELECT count(*) FROM people WHERE x::mood IS NOT NULL', 'SELECT sum(pg_temp.dp_count(x)) FROM people';
run_attacks();

# CTEs, aliases and columns that bear the names a rewritten query uses.
foreach my $case (
	[ 'a CTE called like a release', 'WITH "dp_agg release 1" AS MATERIALIZED (SELECT 5 AS k, 7 AS v) SELECT c > 900, (SELECT k FROM "dp_agg release 1") FROM (SELECT dp_count(*) AS c FROM people) s', 't|5' ],
	[ 'a CTE called like a release, read beside it', 'WITH "dp_agg release 1" AS (SELECT 5 AS k) SELECT (SELECT dp_count(*) FROM people) > 900, k FROM "dp_agg release 1"', 't|5' ],
	[ 'a CTE called like a release, twice', 'WITH "dp_agg release 2" AS MATERIALIZED (SELECT 5 AS k) SELECT (SELECT dp_count(*) FROM people) > 900, (SELECT dp_count(*) FROM visits) > 900, k FROM "dp_agg release 2"', 't|t|5' ],
	[ 'a release in a CTE called like a release', 'WITH "dp_agg release 1" AS (SELECT dp_count(*) AS c FROM people), "dp_agg release 2" AS (SELECT dp_count(*) AS c FROM visits) SELECT a.c > 900, b.c > 900 FROM "dp_agg release 1" a, "dp_agg release 2" b', 't|t' ],
	[ 'a CTE called like a release, in a sub-select', 'SELECT (WITH "dp_agg release 1" AS (SELECT 5 AS k) SELECT k FROM "dp_agg release 1"), dp_count(*) > 900 FROM people', '5|t' ],
	[ 'an alias called like a release', 'SELECT "dp_agg release 1".c > 900 FROM (SELECT dp_count(*) AS c FROM people) "dp_agg release 1"', 't' ],
	[ 'a column called like the unit', 'SELECT dp_count(*) > 900 FROM (SELECT x AS dp_unit, id AS "dp_unit " FROM people) s', 't' ],
	[ 'a column called like the unit, grouped', 'SELECT count(*) FROM (SELECT dp_unit, dp_count(*) FROM (SELECT 1 AS dp_unit FROM people) s GROUP BY dp_unit) q', '1' ],
	[ 'a table of the analyst called like the budget', 'SET search_path = pgc, public; SELECT count(*) > 0 FROM dp_agg.my_budget WHERE epsilon_remaining < 1e9', 't' ],
	[ 'accounts of the analyst\'s own', "SET search_path = pgc, public; INSERT INTO account SELECT oid, 'people' FROM pg_catalog.pg_roles; SELECT count(*) FROM dp_agg.my_budget", '3' ])
{
	my ($name, $sql, $answer) = @$case;
	my $r = script($sql);

	attacked($r->{states} =~ /^DP002$/ || ($r->{states} eq '' && $r->{out} eq $answer), "$name: its own, or refused") or diag("$r->{out}\n$r->{err}");
	control($r->{out} eq $answer || $r->{states} eq 'DP002', "$name: a query that is understood") or diag("$r->{out}\n$r->{err}");
}

# Who has no account gains none by tables of the name, in whatever schema.
$node->safe_psql('postgres', 'CREATE ROLE outsider LOGIN; GRANT CREATE ON DATABASE postgres TO outsider');
foreach my $sql ('SELECT count(*) FROM people', "CREATE SCHEMA o; CREATE TABLE o.account (LIKE dp_agg.my_budget); SET search_path = o, dp_agg; SELECT count(*) FROM public.people",
	"CREATE TEMPORARY TABLE account (role oid, population name); INSERT INTO account SELECT oid, 'people' FROM pg_roles; SELECT count(*) FROM people", "CREATE FUNCTION o.dp_count() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT dp_count(*) FROM public.people",
	"ALTER SCHEMA o RENAME TO dp_agg2; SELECT dp_count(*) FROM public.people", "SET ROLE analyst; SELECT count(*) FROM people", "SELECT dp_count(*) FROM dp.people")
{
	my $r = session('outsider', $sql);
	my $analyst = script('SELECT count(*) > 0 FROM people');

	attacked($r->{sqlstate} =~ /^42/ && $r->{out} !~ /\d/, 'no account by a name: ' . DpAgg::brief($sql)) or diag("$r->{out}\n$r->{err}");
	control($analyst->{out} eq 't', 'where who has an account gets an answer') or diag($analyst->{err});
}

# Views of dp_agg, asked with operators and functions that look at all rows.
$node->safe_psql('postgres', "SELECT dp_agg.set_budget('outsider', 'people', epsilon => 7, delta => 1e-3); CREATE VIEW plain.open_budgets AS SELECT * FROM dp_agg.account_state; GRANT SELECT ON plain.open_budgets TO analyst");
DpAgg::value($node, 'outsider', 'SELECT count(*) > 0 FROM people');
DpAgg::value($node, 'analyst', <<'SQL');
CREATE TABLE a.looked_at (t text);
CREATE FUNCTION a.look(text) RETURNS bool LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
SQL
foreach my $view ('dp_agg.budgets', 'dp_agg.my_budget', 'dp_agg.releases', 'dp_agg.my_releases')
{
	my $role = $view =~ /budget/ ? 'role' : 'session_role';
	my $r = session('analyst', "SELECT count(*) FROM $view WHERE a.look($role\::text)");

	attacked($r->{err} !~ /saw outsider/, "$view shows nothing of others to a function in WHERE") or diag($r->{err});
	control($r->{err} =~ /saw analyst/, "$view: the function is called") or diag($r->{err});
}
control(session('analyst', "SELECT count(*) FROM plain.open_budgets WHERE a.look(role::text)")->{err} =~ /saw outsider/, 'and sees others where a view lets it');

finish();
