# Direct identifiers: an analyst who wants one out, or a person by one.  A column that is
# classified as a direct identifier stands nowhere in a release: each attempt is refused,
# and the message names the class and the column.  The control is the same statement before
# the columns were classified, when it is answered.
#
# The unit is the exception.  What it may be used for must still work afterwards.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;

my $node = start('identifiers', persons => {}, roles => ['trusted'], tables => <<'SQL', own => <<'OWN');
CREATE TABLE people (pid int NOT NULL, card text NOT NULL, phone bigint, nick varchar(20), age int, zip text, g text, ref uuid, PRIMARY KEY (pid));
INSERT INTO people SELECT i, 'card ' || i, 13800000000 + i, 'n' || i, i % 90, 'z' || i % 5, 'g' || i % 4, md5(i::text)::uuid FROM generate_series(1, 1000) i;
CREATE TABLE visits (pid int NOT NULL, phone bigint, clinic text, cost numeric, day date);
INSERT INTO visits SELECT i % 1000 + 1, 13800000000 + i % 1000 + 1, 'c' || i % 3, i % 500, DATE '2024-01-01' + i % 300 FROM generate_series(1, 4000) i;
CREATE TABLE older (LIKE visits, again text GENERATED ALWAYS AS (phone::text || clinic) STORED);
ALTER TABLE visits ADD again text GENERATED ALWAYS AS (phone::text || clinic) STORED;
INSERT INTO older SELECT pid, phone, clinic, cost, day FROM visits;
CREATE TABLE family (pid int, phone text, g text);
CREATE TABLE kin (phone text, g text, pid int);
ALTER TABLE kin INHERIT family;
INSERT INTO kin SELECT 'one', 'g' || i % 3, i FROM generate_series(1, 500) i;
CREATE TABLE divided (pid int, phone text, g text) PARTITION BY LIST (g);
CREATE TABLE upper_part PARTITION OF divided DEFAULT PARTITION BY LIST (g);
CREATE TABLE lower_part PARTITION OF upper_part DEFAULT;
INSERT INTO divided SELECT i, 'one', 'g' || i % 3 FROM generate_series(1, 500) i;
CREATE DOMAIN number_of_card AS text CHECK (VALUE <> '');
CREATE TYPE address AS (street text, house int);
CREATE TABLE typed (pid int NOT NULL, g text, card number_of_card, home address, spot point, doc xml, codes text[], during int4range);
INSERT INTO typed SELECT i, 'g' || i % 3, 'c' || i, ROW('s', i)::address, point(i, i), '<a/>', '{a}', '[1,2)' FROM generate_series(1, 500) i;
CREATE TABLE couples (a int NOT NULL, b int NOT NULL, x int);
INSERT INTO couples SELECT i, i + 1, i % 10 FROM generate_series(1, 500) i;
CREATE TABLE couples2 (a int NOT NULL, b int NOT NULL, y int);
INSERT INTO couples2 TABLE couples;
CREATE TABLE directory (phone bigint, owner text, city text, pid int);
INSERT INTO directory SELECT 13800000000 + i, 'o' || i, 'c' || i % 3, i FROM generate_series(1, 300) i;
CREATE VIEW plain.everything AS SELECT * FROM people;
CREATE VIEW plain.renamed AS SELECT pid AS id, phone AS n, g, upper(card) AS c FROM people;
CREATE VIEW plain.joined AS SELECT p.*, v.clinic, v.cost FROM people p JOIN visits v USING (pid);
CREATE VIEW plain.known AS SELECT g FROM people WHERE phone IS NOT NULL;
CREATE VIEW plain.per_person AS SELECT pid, count(*) AS n FROM visits GROUP BY pid;
CREATE VIEW plain.either AS SELECT * FROM visits UNION ALL SELECT * FROM older;
CREATE VIEW plain.again AS SELECT * FROM plain.either;
CREATE VIEW plain.last_call AS SELECT pid, max(phone) AS phone, count(*) AS n FROM visits GROUP BY pid;
CREATE FUNCTION plain.phones(text) RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT phone FROM people WHERE g = $1';
CREATE FUNCTION plain.who(text) RETURNS SETOF people LANGUAGE sql STABLE AS 'SELECT * FROM people WHERE g = $1';
GRANT SELECT ON directory TO analyst, trusted;
GRANT SELECT ON people, visits TO trusted;
GRANT USAGE ON SCHEMA plain TO PUBLIC;
SELECT dp_agg.protect('people', 'pid', 'people'), dp_agg.protect('visits', 'pid', 'people', max_groups => 3, max_rows => 10);
SELECT dp_agg.protect(t, 'pid', 'people', max_groups => 3, max_rows => 10) FROM unnest('{older,family,divided,typed}'::regclass[]) t;
SELECT dp_agg.protect('couples', '{a,b}'::name[], 'couples'), dp_agg.protect('couples2', '{a,b}'::name[], 'couples');
SELECT dp_agg.set_bounds('people', 'age', 0, 100), dp_agg.set_bounds('visits', 'cost', 0, 500), dp_agg.set_bounds('couples', 'x', 0, 10);
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,couples}'::name[]) p;
SQL
CREATE TABLE a.mine (phone bigint, pid int, card text, g text);
INSERT INTO a.mine VALUES (13800000005, 5, 'card 5', 'g1'), (13800000006, 6, 'card 6', 'g2');
CREATE FUNCTION a.same(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
OWN

my $classes = <<'SQL';
SELECT dp_agg.classify('people', c, 'direct_identifier') FROM unnest('{pid,card,phone}'::name[]) c;
SELECT dp_agg.classify('people', 'nick', 'direct_identifier', 'masked', remaining => 8);
SELECT dp_agg.classify('people', 'ref', 'direct_identifier', 'pseudonymised');
SELECT dp_agg.classify('people', c, 'quasi_identifier') FROM unnest('{age,zip}'::name[]) c;
SELECT dp_agg.classify('visits', c, 'direct_identifier') FROM unnest('{pid,phone}'::name[]) c;
SELECT dp_agg.classify('older', c, 'direct_identifier') FROM unnest('{pid,phone}'::name[]) c;
SELECT dp_agg.classify(t, 'phone', 'direct_identifier') FROM unnest('{kin,lower_part}'::regclass[]) t;
SELECT dp_agg.classify('typed', c, 'direct_identifier') FROM unnest('{pid,card,home,spot,doc,codes,during}'::name[]) c;
SELECT dp_agg.classify(t, c, 'direct_identifier') FROM unnest('{couples,couples2}'::regclass[]) t, unnest('{a,b}'::name[]) c;
SELECT dp_agg.classify('directory', 'phone', 'direct_identifier');
SQL

# ---------- what is tried ----------

my @tries;

# tries(COLUMN, STATEMENT...): each is refused for that column.  A statement may be several in a
# list, of which the last one is meant.
sub tries
{
	my ($column, @statements) = @_;

	push @tries, map { { column => $column, sql => ref ? $_ : [$_] } } @statements;
	return;
}

# Group keys, outputs and arguments.
tries('phone', map { "SELECT $_ FROM people" } 'count(phone)', 'count(DISTINCT phone)', 'dp_count(phone)',
	'dp_count_distinct(phone)', 'dp_sum(phone, 0, 1e11)', 'dp_avg(phone % 10, 0, 10)', 'dp_min(phone, 0, 14e9)', 'dp_max(phone, 0, 14e9)',
	'dp_median(phone, 0, 14e9)', 'dp_quantile(phone, 0.5, 0, 14e9)', 'dp_mode(phone)', 'dp_top(phone, 3)', 'dp_histogram(phone, 0, 2e10, 10)',
	'mode() WITHIN GROUP (ORDER BY phone)', 'dp_corr(age, phone % 7, 0, 100, 0, 7)', 'dp_low(dp_avg(phone, 0, 2e10))', 'dp_bounds(phone)',
	'count(*) FILTER (WHERE phone = 13800000005)', 'dp_sum(CASE WHEN phone = 5 THEN 1 ELSE 0 END, 0, 1)', 'count(phone IS NULL)',
	'count(nullif(phone, 5))', 'count(*) FILTER (WHERE phone IS NULL)', 'dp_avg(age) FILTER (WHERE phone > 13800000500)');
tries('card', 'SELECT count(card) FROM people', 'SELECT count(card IS NULL) FROM people', 'SELECT count(card::varchar) FROM people', 'SELECT count(coalesce(card, g)) FROM people',
	'SELECT count(*) FROM people WHERE card IS NOT NULL');
tries('phone', map { "SELECT $_, count(*) FROM people GROUP BY 1" } 'phone', 'phone % 10', 'phone::text', 'phone / 1000000', 'CASE WHEN phone > 13800000500 THEN 1 END',
	'width_bucket(phone, 0, 14000000000, 5)', 'coalesce(phone, 0)', 'greatest(phone, 5)', 'phone IS NULL', 'phone BETWEEN 1 AND 5', 'left(phone::text, 3)',
	'ARRAY[phone]', 'phone::numeric', '(phone = ANY (ARRAY[13800000005]))');
tries('card', 'SELECT card FROM people GROUP BY card', 'SELECT DISTINCT card FROM people', 'SELECT DISTINCT ON (card) card FROM people GROUP BY card',
	'SELECT g, count(*) FROM people GROUP BY g, card', 'SELECT substr(card, 1, 3), count(*) FROM people GROUP BY 1', 'SELECT md5(card), count(*) FROM people GROUP BY 1',
	'SELECT card COLLATE "C", count(*) FROM people GROUP BY 1', 'SELECT g, dp_max(length(card), 0, 9) FROM people GROUP BY g',
	'SELECT length(card), dp_count(*) FROM people GROUP BY 1');

# Conditions.
tries('card', map { "SELECT count(*) FROM people WHERE $_" } "card = 'card 5'", "card LIKE 'card 5%'", "card ILIKE '%5'", "card ~ '5\$'", "card SIMILAR TO '%5'",
	"card IN ('card 5', 'card 6')", "card > 'card 5'", "card BETWEEN 'a' AND 'z'", "NOT card = 'card 5'", "g = 'g1' OR card = 'card 5'", "CASE WHEN card = 'card 5' THEN true ELSE false END",
	"strpos(card, '5') > 0", "card || g = 'card 5g1'", "(card, g) = ('card 5', 'g1')", "(card, g) < ('card 5', 'g1')", "card IS DISTINCT FROM 'card 5'", "card = ALL (ARRAY['card 5'])",
	"length(card) > 5", "g = left(card, 1)", "starts_with(card, 'card 5')", "coalesce(card = 'card 5', false)", "nullif(card, 'card 5') IS NULL", "dp_with(epsilon => 2) AND card = 'card 5'",
	"card = card", "false AND card = 'x'", "card IN (SELECT card FROM a.mine)", "EXISTS (SELECT FROM a.mine m WHERE m.card = people.card)",
	"card = (SELECT max(card) FROM a.mine)", "(SELECT count(*) FROM a.mine m WHERE m.card = people.card) > 0", "g IN (SELECT m.g FROM a.mine m WHERE m.card = people.card)");
tries('card', "SELECT g, count(*) FROM people GROUP BY g HAVING count(*) FILTER (WHERE card = 'card 5') > 0", "SELECT g, count(*) FROM people GROUP BY g HAVING count(card) > 0",
	"SELECT g, count(*) FROM people GROUP BY g ORDER BY count(DISTINCT card)", 'SELECT g, count(*) FROM people GROUP BY g ORDER BY count(card) DESC LIMIT 1',
	'SELECT g, rank() OVER (ORDER BY count(card)) FROM people GROUP BY g', 'SELECT g, sum(count(card)) OVER () FROM people GROUP BY g',
	"SELECT CASE WHEN count(card) > 5 THEN 'many' END FROM people", 'SELECT g FROM people GROUP BY g, card ORDER BY card');

# The first row of each individual.
tries('card', "SELECT count(card) FROM (SELECT DISTINCT ON (pid) * FROM people ORDER BY pid, age) s", 'SELECT g, count(*) FROM (SELECT DISTINCT ON (pid) g FROM people ORDER BY pid, card) s GROUP BY g',
	'SELECT count(*) FROM (SELECT DISTINCT ON (pid, card) g FROM people) s', "SELECT count(*) FROM visits v WHERE (SELECT card FROM people p WHERE p.pid = v.pid ORDER BY age LIMIT 1) = 'card 5'",
	'SELECT count(*) FROM visits v WHERE (SELECT g FROM people p WHERE p.pid = v.pid ORDER BY card LIMIT 1) IS NULL', "WITH f AS (SELECT DISTINCT ON (pid) * FROM people JOIN visits USING (pid) ORDER BY pid, cost) SELECT count(*) FROM f WHERE card = 'card 5'");

# Joins.
tries('card', 'SELECT count(*) FROM people p JOIN a.mine m ON m.card = p.card', 'SELECT count(*) FROM people p JOIN a.mine m USING (card)', 'SELECT m.pid, count(*) FROM a.mine m LEFT JOIN people p ON m.card = p.card GROUP BY 1',
	'SELECT count(*) FROM people p, a.mine m WHERE m.card = p.card', "SELECT count(*) FROM people p JOIN a.mine m ON p.card LIKE m.card || '%'", 'SELECT count(*) FROM people p LEFT JOIN a.mine m ON m.card = p.card WHERE m.card IS NULL',
	"SELECT count(*) FROM people p JOIN (VALUES ('card 5')) m (card) ON m.card = p.card", "SELECT count(*) FROM people p JOIN visits v ON v.pid = p.pid AND p.card = 'card 5'",
	"SELECT count(*) FROM people p JOIN a.mine m ON CASE WHEN m.card = p.card THEN true END", 'SELECT count(*) FROM people p, LATERAL (SELECT p.card) c', 'SELECT count(*) FROM people p, LATERAL (VALUES (p.card)) c (card)',
	'SELECT count(*) FROM people p CROSS JOIN LATERAL (SELECT count(*) AS n FROM a.mine m WHERE m.card = p.card) c');
tries('phone', 'SELECT count(*) FROM visits v JOIN directory d ON d.phone = v.cost', 'SELECT d.phone, count(*) FROM visits v JOIN directory d ON d.city = v.clinic GROUP BY 1', 'SELECT count(d.phone) FROM visits v JOIN directory d ON d.city = v.clinic',
	'SELECT count(*) FROM (SELECT phone, clinic FROM visits) v NATURAL JOIN directory d', 'SELECT count(*) FROM visits v JOIN directory d ON d.city = v.clinic WHERE d.phone = 13800000005', 'SELECT d.owner, count(*) FROM directory d JOIN visits v USING (phone) GROUP BY 1',
	'SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM directory d WHERE d.city = v.clinic AND d.phone > 5)', 'SELECT count(*) FROM visits v WHERE cost IN (SELECT phone FROM directory)', 'SELECT count(*) FROM visits v WHERE cost < (SELECT max(phone) FROM directory)',
	'SELECT count(*) FROM visits v JOIN (SELECT phone AS n, city FROM directory) d ON d.city = v.clinic AND d.n > 5', 'SELECT n, count(*) FROM visits v JOIN (SELECT city, max(phone) AS n FROM directory GROUP BY 1) d ON d.city = v.clinic GROUP BY 1',
	'WITH d AS (SELECT phone, city FROM directory) SELECT count(*) FROM visits v JOIN d ON d.city = v.clinic AND d.phone > 5', 'SELECT count(*) FROM visits v JOIN (SELECT city FROM directory ORDER BY phone LIMIT 3) d ON d.city = v.clinic',
	'SELECT count(*) FROM people p JOIN visits v ON v.pid = p.pid AND v.phone = p.phone', 'SELECT count(*) FROM people p NATURAL JOIN visits v');

# Sub-selects, views and CTEs that hand it on.
tries('phone', 'SELECT count(n) FROM (SELECT phone AS n FROM people) s', 'SELECT n, count(*) FROM (SELECT phone AS n FROM people) s GROUP BY n',
	'SELECT count(*) FROM (SELECT * FROM people) s WHERE phone = 13800000005', 'SELECT count(*) FROM people s WHERE (s).phone = 5',
	'SELECT count(*) FROM (SELECT * FROM (SELECT * FROM people) s) t WHERE phone > 5', 'SELECT count(*) FROM (SELECT DISTINCT pid, phone FROM people) s', 'SELECT dp_avg(n, 0, 9) FROM (SELECT pid, max(phone) % 10 AS n FROM people GROUP BY pid) s',
	'SELECT count(*) FROM (SELECT pid, phone FROM people GROUP BY pid, phone) s', 'SELECT count(*) FROM (SELECT pid FROM people GROUP BY pid HAVING max(phone) > 5) s', 'SELECT count(*) FROM (SELECT pid, phone FROM people GROUP BY pid) s WHERE phone > 5',
	'SELECT count(*) FROM (SELECT g FROM people ORDER BY phone) s', 'SELECT n, count(*) FROM (SELECT phone AS n FROM people UNION ALL SELECT cost::bigint FROM visits) s GROUP BY n', 'SELECT count(*) FROM (SELECT phone FROM people UNION ALL SELECT phone FROM visits ORDER BY 1) s',
	'SELECT count(*) FROM (SELECT pid, cost::bigint AS n FROM visits UNION ALL SELECT pid, phone FROM people) s WHERE n > 5', 'SELECT count(*) FROM visits v JOIN (SELECT pid::bigint AS n FROM a.mine UNION ALL SELECT phone FROM directory) d ON d.n > v.cost',
	'SELECT count(*) FROM visits v JOIN (SELECT pid::bigint AS n FROM a.mine EXCEPT SELECT phone FROM directory) d ON d.n > v.cost', 'WITH d AS (SELECT pid::bigint AS n FROM a.mine UNION SELECT phone FROM directory) SELECT count(*) FROM visits v JOIN d ON d.n > v.cost',
	'WITH w AS (SELECT * FROM people) SELECT count(*) FROM w WHERE phone = 5', 'WITH w AS (SELECT phone AS n, g FROM people), x AS (SELECT * FROM w) SELECT n, count(*) FROM x GROUP BY n', 'WITH w AS MATERIALIZED (SELECT phone FROM people) SELECT count(phone) FROM w',
	'SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM visits v WHERE v.pid = p.pid AND v.phone > 5)', 'SELECT count(*) FROM people p WHERE pid IN (SELECT pid FROM visits WHERE phone > 5)', 'SELECT (SELECT count(*) FROM people WHERE phone = 5)',
	'SELECT g, (SELECT count(*) FROM visits WHERE phone > 5) FROM people GROUP BY g', 'SELECT count(*) FROM plain.everything WHERE phone = 13800000005', 'SELECT phone, count(*) FROM plain.everything GROUP BY 1', 'SELECT count(*) FROM plain.renamed WHERE n = 5',
	'SELECT count(n) FROM plain.renamed', 'SELECT count(phone) FROM plain.joined', 'SELECT count(*) FROM plain.joined WHERE phone > 5', 'SELECT count(*) FROM plain.known', 'SELECT count(*) FROM plain.everything e JOIN a.mine m ON m.phone = e.phone',
	'SELECT count(*) FROM plain.phones($$g1$$) p WHERE p > 5', 'SELECT count(*) FROM plain.who($$g1$$) WHERE phone > 5', 'SELECT count(phone) FROM plain.who($$g1$$)');
tries('card', 'SELECT c, count(*) FROM plain.renamed GROUP BY c', 'SELECT count(*) FROM plain.renamed WHERE c > $$g1$$');

# What is only a column of its children or partitions, when the parent is asked.
tries('phone', map { ("SELECT phone, count(*) FROM $_ GROUP BY 1", "SELECT count(*) FROM $_ WHERE phone = 'one'", "SELECT count(DISTINCT phone) FROM ONLY $_") } qw(family divided));

tries('again', 'SELECT again, count(*) FROM visits GROUP BY 1', "SELECT count(*) FROM visits WHERE again LIKE '13800000005%'", 'SELECT count(again) FROM older', 'SELECT count(DISTINCT again) FROM plain.either');

# Views of UNION ALL, CTEs that name one another, aggregates in sub-selects.
tries('phone', map({ ("SELECT count(*) FROM plain.$_ WHERE phone = 5", "SELECT phone, count(*) FROM plain.$_ GROUP BY 1", "SELECT count(x.phone) FROM plain.$_ x JOIN people p USING (pid)") } qw(either again)), 'SELECT count(*) FROM plain.last_call WHERE phone > 5',
	'WITH w AS (SELECT * FROM people), x AS (SELECT phone + 1 AS c, g FROM w), y AS (SELECT * FROM x) SELECT c, count(*) FROM y GROUP BY c', 'WITH w AS (SELECT * FROM people), x AS (SELECT * FROM w) SELECT count(*) FROM x WHERE EXISTS (SELECT * FROM w WHERE w.pid = x.pid AND w.phone > 5)',
	'SELECT count(*) FROM people p WHERE EXISTS (SELECT * FROM visits v WHERE v.pid = p.pid AND v.phone = p.phone)', 'SELECT count(DISTINCT pid) FROM (SELECT DISTINCT * FROM visits) s',
	'SELECT count(DISTINCT pid) FROM (SELECT * FROM people) p JOIN (SELECT * FROM visits) v USING (pid, phone)', 'SELECT count(*) FROM people p, LATERAL (SELECT p.phone AS n) s WHERE n > 5');

# The unit is counted under a condition, or with another value in its place.
tries('phone', 'SELECT count(CASE WHEN phone > 5 THEN pid END) FROM visits', 'SELECT count(DISTINCT CASE WHEN cost > 5 THEN phone END) FROM visits');
tries('pid', map { "SELECT count($_) FROM visits" } 'CASE WHEN pid > 5 THEN pid END', 'DISTINCT CASE WHEN cost > 5 THEN pid ELSE 0 END', 'CASE pid WHEN 5 THEN pid END', 'CASE WHEN cost > 5 THEN pid WHEN cost > 4 THEN 0 END', 'DISTINCT CASE WHEN cost > 5 THEN pid END + 0');

# Prepared statements, cursors, other statements around.
tries('phone', [ 'PREPARE q1 (bigint) AS SELECT count(*) FROM people WHERE phone = $1', 'EXECUTE q1(13800000005)' ], [ 'SET plan_cache_mode = force_generic_plan', 'PREPARE q2 (bigint) AS SELECT count(*) FROM people WHERE phone > $1', 'EXECUTE q2(5)', 'RESET plan_cache_mode', 'EXECUTE q2(5)' ],
	'COPY (SELECT count(*) FROM people WHERE phone = 5) TO STDOUT', 'CREATE TEMPORARY TABLE t1 AS SELECT count(phone) FROM people', 'INSERT INTO a.mine (pid) SELECT count(*) FROM people WHERE phone = 5', 'DO $$BEGIN PERFORM count(*) FROM people WHERE phone = 5; END$$',
	'SELECT count(*) FROM people WHERE phone > 5 UNION ALL SELECT count(*) FROM visits', 'SELECT d.city, (SELECT count(phone) FROM people) FROM directory d', 'SELECT count(*) AS "phone" FROM people HAVING count(phone) > 5',
	'SELECT count(*) FROM (SELECT 1 FROM people WHERE phone > 5) s');

# Lightly masked, and pseudonyms.
tries('nick', 'SELECT nick, count(*) FROM people GROUP BY nick', "SELECT count(*) FROM people WHERE nick LIKE 'n5%'", 'SELECT count(nick::text) FROM people');
tries('ref', 'SELECT ref, count(*) FROM people GROUP BY ref', 'SELECT count(ref) FROM people', "SELECT count(*) FROM people WHERE ref = md5('5')::uuid", 'SELECT count(*) FROM people WHERE ref IS NULL');

# The unit, in other places than those that it may stand in.
tries('pid', map { "SELECT count(*) FROM visits v WHERE $_" } 'pid = 5', 'pid IN (5, 6)', 'pid > 500', '(pid = 5) IS NOT NULL', '(pid + 1) IS NULL', 'pid % 2 = 0', 'pid = pid', 'NOT pid <> 5', 'pid = ANY (ARRAY[5])', 'pid::text LIKE $$5%$$', 'abs(pid) = 5', 'cost = pid',
	'pid IN (SELECT pid FROM a.mine)', 'pid IN (SELECT pid FROM directory)', 'EXISTS (SELECT FROM a.mine m WHERE m.pid = v.pid)', 'EXISTS (SELECT FROM people p WHERE p.pid = v.pid AND p.pid > 5)', 'EXISTS (SELECT FROM people p WHERE p.pid = v.pid AND v.pid = 5)', 'pid NOT IN (SELECT pid FROM people WHERE pid = 5)',
	'CASE pid WHEN 5 THEN true END', '(pid, clinic) = (5, $$c1$$)', 'pid IN (SELECT pid FROM people WHERE age > 5 ORDER BY pid)', 'CASE WHEN pid = (SELECT max(pid) FROM a.mine) THEN true END');
tries('pid', 'SELECT dp_max(pid, 0, 1000) FROM people', 'SELECT dp_avg(pid, 0, 1000) FROM people', 'SELECT dp_mode(pid) FROM visits', 'SELECT dp_top(pid, 5) FROM visits', 'SELECT dp_histogram(pid, 0, 1000, 10) FROM people', 'SELECT count(pid + 0) FROM people', 'SELECT count(nullif(pid, 5)) FROM visits',
	'SELECT count(DISTINCT pid % 10) FROM visits', 'SELECT pid % 10, count(*) FROM people GROUP BY 1', 'SELECT pid::text, count(*) FROM people GROUP BY 1', 'SELECT count(DISTINCT pid) FILTER (WHERE pid = 5) FROM visits', 'SELECT count(*) FROM (SELECT pid AS x FROM people) s WHERE x = 5', 'SELECT x, count(*) FROM (SELECT pid + 0 AS x FROM people) s GROUP BY x',
	'SELECT count(*) FROM visits v JOIN a.mine m ON m.pid = v.pid', 'SELECT count(*) FROM visits v JOIN directory d USING (pid)', 'SELECT count(*) FROM people p JOIN visits v ON p.pid = v.pid AND p.pid = v.cost', 'SELECT count(*) FROM people p JOIN visits v ON p.pid = v.pid WHERE p.pid + v.pid > 5',
	'SELECT count(*) FROM (SELECT pid, count(*) FROM visits GROUP BY pid HAVING pid = 5) s', 'SELECT dp_avg(m, 0, 9) FROM (SELECT pid, max(pid) AS m FROM visits GROUP BY pid) s', 'SELECT count(*) FROM (SELECT pid, cost FROM visits ORDER BY pid) s', 'SELECT count(*) FROM (SELECT pid FROM people UNION ALL SELECT pid FROM visits) s WHERE pid = 5',
	'SELECT u, count(*) FROM (SELECT pid AS u FROM people UNION ALL SELECT age FROM people) s GROUP BY u', 'WITH w AS (SELECT pid AS x FROM visits) SELECT count(*) FROM w WHERE x = 5', 'SELECT count(*) FROM plain.per_person WHERE pid = 5', 'SELECT count(*) FROM plain.everything WHERE pid = 5', 'SELECT count(*) FROM (SELECT id FROM (SELECT pid AS id, g FROM people) r) s WHERE id < 10',
	'SELECT count(*) FROM visits v, LATERAL (SELECT v.pid AS x) s WHERE x = 5');
tries('a', 'SELECT count(*) FROM couples WHERE a = 5', 'SELECT a, count(*) FROM couples GROUP BY a', 'SELECT count(*) FROM couples WHERE a = b', 'SELECT count(*) FROM couples c JOIN couples2 d ON c.a = d.a AND c.b = d.b AND c.a = d.b',
	'SELECT count(*) FROM (SELECT a, b FROM couples GROUP BY a, b) s WHERE a > 5', 'SELECT dp_sum(a, 0, 9) FROM couples');

# ---------- before, and after ----------

# The results of the statements that are meant.
sub results_of
{
	my ($role, @lists) = @_;
	my @statements = ('SET statement_timeout = 60000', 'SET dp_agg.epsilon = 10', 'SET dp_agg.delta = 1e-7');
	my @places;

	foreach my $list (@lists)
	{
		push @statements, 'DEALLOCATE ALL', 'DROP TABLE IF EXISTS pg_temp.t1', @$list;
		push @places, $#statements;
	}
	my @results = DpAgg::bulk($node, $role, \@statements);
	return @results[@places];
}

my @views = map { "GRANT SELECT ON plain.$_ TO analyst" } qw(everything renamed joined known per_person either again last_call);
$node->safe_psql('postgres', "$_;") foreach @views;

# What the unit may be used for, and all that is no identifier: answered before and after.
my @honest = map { [$_] } 'SELECT count(*) FROM people', 'SELECT count(DISTINCT pid) FROM visits', 'SELECT dp_count_distinct(pid) FROM visits', 'SELECT count(pid) FROM visits', 'SELECT clinic, count(DISTINCT pid) FROM visits GROUP BY clinic ORDER BY 2 DESC',
  'SELECT count(DISTINCT pid) FILTER (WHERE cost > 100) FROM visits', 'SELECT count(*) FROM people p JOIN visits v ON v.pid = p.pid', 'SELECT g, avg(cost) FROM people p JOIN visits v USING (pid) GROUP BY g', 'SELECT count(DISTINCT v.pid) FROM people p LEFT JOIN visits v ON p.pid = v.pid AND v.cost > 400', 'SELECT count(v.pid) FROM people p LEFT JOIN visits v ON p.pid = v.pid AND v.cost > 400',
  'SELECT count(*) FROM visits WHERE pid IN (SELECT pid FROM people WHERE age > 40)', 'SELECT count(*) FROM visits WHERE pid NOT IN (SELECT pid FROM people WHERE age > 40)', 'SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM people p WHERE p.pid = v.pid AND age > 40)', 'SELECT count(*) FROM visits v WHERE NOT EXISTS (SELECT * FROM people p WHERE v.pid = p.pid AND age > 40)',
  'SELECT dp_avg(n, 0, 10) FROM (SELECT pid, count(*) AS n FROM visits GROUP BY pid) s', 'SELECT count(*) FROM (SELECT pid, clinic FROM visits GROUP BY pid, clinic) s', 'SELECT count(*) FROM (SELECT DISTINCT pid, clinic FROM visits) s', 'SELECT clinic, count(*) FROM (SELECT pid, clinic FROM visits WHERE cost > 5) s GROUP BY clinic', 'SELECT count(DISTINCT pid) FROM (SELECT pid FROM people UNION ALL SELECT pid FROM visits) s',
  'SELECT count(*) FROM (SELECT pid, count(*) AS n FROM visits GROUP BY pid) s JOIN people p ON p.pid = s.pid WHERE n > 2', 'WITH w AS (SELECT pid, cost FROM visits) SELECT count(DISTINCT w.pid) FROM w JOIN people p ON p.pid = w.pid', 'SELECT dp_avg(n, 0, 10) FROM plain.per_person', 'SELECT g, count(*) FROM plain.everything GROUP BY g', 'SELECT clinic, avg(cost) FROM plain.joined GROUP BY clinic',
  'SELECT g, count(*) FROM (SELECT * FROM people) s GROUP BY g', 'WITH w AS (SELECT * FROM people) SELECT g, count(*) FROM w GROUP BY g', 'SELECT count(*) FROM visits v JOIN directory d ON d.city = v.clinic', 'SELECT d.owner, count(*) FROM visits v JOIN (SELECT * FROM directory LIMIT 3) d ON d.city = v.clinic GROUP BY 1',
  'SELECT age, zip, count(*) FROM people GROUP BY 1, 2 LIMIT 1', 'SELECT count(*) FROM couples c JOIN couples2 d ON c.a = d.a AND c.b = d.b', 'SELECT count(*) FROM couples c WHERE (a, b) IN (SELECT a, b FROM couples2 WHERE y > 4)', 'SELECT count(DISTINCT (a, b)) FROM couples', 'SELECT phone FROM directory LIMIT 1', 'SELECT d.phone, r.n FROM directory d JOIN (SELECT clinic, count(*) AS n FROM visits GROUP BY 1) r ON r.clinic = d.city LIMIT 1',
  'SELECT count(*) FILTER (WHERE pid IN (SELECT pid FROM people WHERE age > 40)) FROM visits', 'SELECT dp_avg(n, 0, 10) FROM (SELECT pid, count(DISTINCT pid) AS n FROM visits GROUP BY pid) s', 'SELECT count(*) FROM people p WHERE EXISTS (SELECT FROM visits v JOIN people q USING (pid) WHERE v.pid = p.pid)', 'SELECT count(*) FROM dp.visits',
  # columns that nobody asks for
  'SELECT count(*) FROM (SELECT phone + 1 AS n FROM people) s', 'SELECT count(*) FROM (SELECT phone FROM people UNION ALL SELECT phone FROM visits) s', 'SELECT count(*) FROM plain.renamed WHERE g > $$g1$$', 'SELECT clinic, count(*) FROM plain.either GROUP BY 1', 'SELECT clinic, count(DISTINCT pid) FROM plain.again GROUP BY 1',
  'SELECT avg(age) FROM plain.again JOIN people USING (pid)', 'SELECT dp_avg(cost, 0, 500) FROM plain.either x WHERE EXISTS (SELECT * FROM plain.again y WHERE y.pid = x.pid)', 'SELECT dp_avg(n, 0, 10) FROM plain.last_call', 'SELECT clinic, count(*) FROM (SELECT * FROM visits UNION ALL SELECT * FROM older) s GROUP BY 1',
  'WITH w AS (SELECT * FROM visits UNION ALL SELECT * FROM older) SELECT clinic, count(DISTINCT pid) FROM w GROUP BY 1', 'WITH w AS (SELECT * FROM people), x AS (SELECT upper(card) AS c, * FROM w), y AS (SELECT * FROM x) SELECT g, count(DISTINCT pid) FROM y GROUP BY g', 'WITH w AS (SELECT * FROM people) SELECT g, count(*) FROM (SELECT * FROM (SELECT * FROM w) s) t GROUP BY g',
  'SELECT g, count(*) FROM (WITH w AS (SELECT * FROM people) SELECT * FROM w) s GROUP BY g', 'WITH w AS (SELECT * FROM people) SELECT count(*) FROM w x WHERE EXISTS (SELECT * FROM w y WHERE y.pid = x.pid AND y.age > 5)', 'SELECT clinic, count(DISTINCT pid) FROM (SELECT * FROM people) p LEFT JOIN (SELECT * FROM visits) v USING (pid) GROUP BY 1',
  'SELECT count(*) FROM visits v JOIN (SELECT * FROM directory UNION ALL SELECT * FROM directory) d ON d.city = v.clinic', 'SELECT count(*) FROM visits v WHERE EXISTS (SELECT * FROM directory UNION ALL SELECT * FROM directory)', 'SELECT count(*) FROM visits, (SELECT max(phone) FROM directory) d',
  'SELECT g, count(*) FROM (SELECT * FROM typed) s GROUP BY g', 'WITH w AS (SELECT * FROM typed) SELECT g, count(DISTINCT pid) FROM (SELECT * FROM w) s GROUP BY g', 'SELECT g, count(*) FROM (SELECT * FROM typed UNION ALL SELECT * FROM typed) s GROUP BY g',
  'WITH w AS (SELECT * FROM typed) SELECT g, count(DISTINCT pid) FROM (SELECT * FROM w UNION ALL SELECT * FROM w) s GROUP BY g', 'WITH w AS (SELECT * FROM typed) SELECT count(*) FROM w x WHERE EXISTS (SELECT * FROM w y WHERE x.pid = y.pid)',
  # whether there is an individual, and which of them are counted
  'SELECT count(*) FROM visits WHERE pid IS NOT NULL', 'SELECT count(*) FROM visits v LEFT JOIN people p ON p.pid = v.pid AND age > 40 WHERE p.pid IS NULL', 'SELECT p.pid IS NULL, count(*) FROM visits v LEFT JOIN people p ON p.pid = v.pid AND age > 40 GROUP BY 1',
  'SELECT count(DISTINCT CASE WHEN cost > 100 THEN pid END), count(CASE WHEN cost > 100 THEN pid ELSE NULL END) FROM visits', 'SELECT g, count(*) FROM family GROUP BY g', 'SELECT g, count(*) FROM divided GROUP BY g';

my @before = results_of('analyst', map { $_->{sql} } @tries);
my @honest_before = results_of('analyst', @honest);
$node->safe_psql('postgres', $classes);
my @after = results_of('analyst', map { $_->{sql} } @tries);
my @honest_after = results_of('analyst', @honest);

foreach my $i (0 .. $#tries)
{
	my ($column, $sql) = ($tries[$i]{column}, join '; ', @{ $tries[$i]{sql} });

	attacked($after[$i]{sqlstate} eq 'DP002' && $after[$i]{out} eq ''
		&& $after[$i]{message} =~ /^column "$column" is classified as a direct_identifier/, "refused: $sql")
	  or diag("$after[$i]{sqlstate} $after[$i]{message} $after[$i]{out}");
	control($before[$i]{sqlstate} eq '00000', "before: $sql")
	  or diag("$before[$i]{sqlstate} $before[$i]{message}");
}
foreach my $i (0 .. $#honest)
{
	is($honest_before[$i]{sqlstate}, '00000', "answered before: $honest[$i][0]") or diag($honest_before[$i]{message});
	is($honest_after[$i]{sqlstate}, '00000', "answered still: $honest[$i][0]") or diag($honest_after[$i]{message});
}
cmp_ok(scalar @tries, '>', 200, scalar(@tries) . ' attempts');

# ---------- what a refusal costs and tells ----------

{
	my ($made) = split /\|/, ledger();
	my $query = 'SELECT count(*) FROM people WHERE card = $$card 5$$';
	my $r = session('analyst', $query);

	$node->safe_psql('postgres', 'DELETE FROM people WHERE pid = 5');
	my $without = session('analyst', $query);
	attacked($r->{err} eq $without->{err} && $r->{err} =~ /LINE 1: .*\n +\^/ && $r->{err} =~ /HINT:/, 'a refusal is the same with and without the person, and has a place and a hint') or diag("$r->{err}\n$without->{err}");
	attacked((split /\|/, ledger())[0] == $made, 'refusals cost nothing');
	control(session('trusted', $query)->{out} eq '0', 'a role that may read the table finds out');
}

# ---------- roles that may read the table ----------

# A release is a release; plain SQL is as it was.
foreach my $query ('SELECT dp_count(*) FROM people WHERE phone = 13800000006', 'SELECT phone, dp_count(*) FROM people GROUP BY 1', 'SELECT dp_count(phone) FROM people', 'SELECT dp_count(*) FROM people p JOIN directory d ON d.phone = p.phone')
{
	my $r = session('trusted', $query);

	attacked($r->{states} eq 'DP002' && $r->{err} =~ /column "phone" is classified as a direct_identifier/, "a role that may read the table: $query") or diag($r->{err});
}
is(session('trusted', $_->[0])->{out}, $_->[1], "plain SQL of a role that may read the table: $_->[0]") foreach [ 'SELECT count(*) FROM people WHERE phone = 13800000006', 1 ], [ 'SELECT phone FROM people WHERE pid = 6', 13800000006 ],
  [ 'SELECT count(*) FROM people p JOIN directory d ON d.phone = p.phone', 299 ];

# ---------- row security ----------

# A condition of the administrator's is one of the release.
{
	my $honest = 'SELECT count(*) FROM visits';

	$node->safe_psql('postgres', "ALTER TABLE visits ENABLE ROW LEVEL SECURITY; CREATE POLICY other ON visits USING (clinic <> 'c9')");
	is(session('analyst', $honest)->{states}, '', 'row security by other columns');
	$node->safe_psql('postgres', 'DROP POLICY other ON visits; CREATE POLICY theirs ON visits USING (phone <> 13800000005)');
	my $r = session('analyst', $honest);
	attacked($r->{states} eq 'DP002' && $r->{err} =~ /column "phone" is classified as a direct_identifier/, 'row security by a direct identifier') or diag($r->{err});
	$node->safe_psql('postgres', 'DROP POLICY theirs ON visits; ALTER TABLE visits DISABLE ROW LEVEL SECURITY');
}

# ---------- plans that were kept ----------

# Two columns that are no identifiers yet: a plan that uses one is made anew when it becomes one.
{
	my $psql = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'analyst' ]);
	$psql->query('SET dp_agg.epsilon = 10; SET plan_cache_mode = force_generic_plan');
	my $first = $psql->query("PREPARE zips AS SELECT count(zip) > 0 FROM people; EXECUTE zips");
	$node->safe_psql('postgres', "SELECT dp_agg.classify('people', 'zip', 'direct_identifier')");
	my $second = $psql->query('EXECUTE zips; SELECT :\'SQLSTATE\'');
	$node->safe_psql('postgres', "SELECT dp_agg.classify('people', 'zip', 'quasi_identifier')");
	my $third = $psql->query('EXECUTE zips');
	$psql->quit;
	attacked($second =~ /DP002/, 'a kept plan does not outlive the class') or diag($second);
	control($first =~ /t\s*\z/ && $third =~ /t\s*\z/, 'without the class it is answered') or diag("$first $third");
}

# What a class of a child is in the parent, also where the session knew better before, and one that
# comes with a parent further up.
{
	my $psql = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'analyst' ]);
	my $ask = "SELECT count(phone) > 0 FROM family; SELECT :'SQLSTATE'";
	my $refused = $psql->query("SET dp_agg.epsilon = 10; $ask");
	$node->safe_psql('postgres', "SELECT dp_agg.classify('kin', 'phone', NULL)");
	my $answered = $psql->query($ask);
	$node->safe_psql('postgres', "SELECT dp_agg.classify('family', 'phone', 'ordinary'), dp_agg.classify('kin', 'phone', 'direct_identifier')");
	my $again = $psql->query($ask);
	$node->safe_psql('postgres', "ALTER TABLE kin NO INHERIT family");
	my $alone = $psql->query($ask);
	$node->safe_psql('postgres', "SELECT dp_agg.classify('family', 'phone', NULL); CREATE TABLE grandparent (phone text); CREATE TABLE mother () INHERITS (grandparent); ALTER TABLE family INHERIT mother");
	my $free = $psql->query($ask);
	$node->safe_psql('postgres', "ALTER TABLE mother NO INHERIT grandparent; SELECT dp_agg.classify('grandparent', 'phone', 'direct_identifier')");
	my $apart = $psql->query($ask);
	$node->safe_psql('postgres', "ALTER TABLE mother INHERIT grandparent");
	my $inherited = $psql->query($ask);
	$psql->quit;
	attacked($_ =~ /DP002/, 'a class of a relative holds at once') or diag($_) foreach $refused, $again, $inherited;
	control($_ =~ /00000\s*\z/, 'without it the column is read') or diag($_) foreach $answered, $alone, $free, $apart;
}

# ---------- facades ----------

foreach my $table (qw(people visits couples family divided))
{
	my $names = $table =~ /^[fd]/ ? 'phone' : 'pid|card|phone|nick|ref|a|b';
	my $columns = DpAgg::value($node, 'analyst', "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp.$table'::regclass AND attnum > 0 AND NOT attisdropped");

	attacked($columns !~ /\b($names)\b/, "the facade of $table has no direct identifier: $columns");
}

# ---------- labels ----------

# An analyst can neither classify nor unclassify, nor keep others from doing it, nor see the list.
foreach my $query ("SELECT dp_agg.classify('people', 'phone', NULL)", "SELECT dp_agg.classify('people', 'phone', 'ordinary')", "SELECT dp_agg.classify('a.mine', 'phone', 'direct_identifier')", "SELECT dp_agg.label_column('people', 'phone', '{class,processing}', '{}')",
	"SELECT dp_agg.lock_label('people', 3::int2)", "SECURITY LABEL FOR dp_agg ON COLUMN people.phone IS NULL", "SECURITY LABEL FOR dp_agg ON COLUMN a.mine.phone IS '{\"class\": \"ordinary\"}'", 'SELECT * FROM dp_agg.classified_columns',
	"SELECT dp_agg.settle_facade('people', true)", "SELECT dp_agg.remove_facade('people')")
{
	my $r = session('analyst', $query);

	attacked($r->{states} eq '42501' && $r->{out} eq '', "not for analysts: $query") or diag("$r->{out} $r->{err}");
}
{
	my $r = session('analyst', "SELECT * FROM dp_agg.suggest_classes('people', 1000)");

	attacked($r->{states} eq '' && $r->{out} !~ /were read\)|\d{5}|card \d/ || $r->{out} eq '', 'suggestions for who may not read the table come from names alone') or diag("$r->{out}\n$r->{err}");
	$r = session('trusted', "SELECT * FROM dp_agg.suggest_classes('directory', 1000)");
	control($r->{out} =~ /300 rows were read/ || $r->{states} ne '', 'who may read it has data read') or diag("$r->{out}\n$r->{err}");
}

finish();
