# Draws and charges.  A leak: more different answers than charges, an answer that is
# not charged, or one that repetition makes sharper for free.

use strict;
use warnings;
use Test::More;
use Attacks;

start('budget and averaging');

# ---------- a second draw ----------

my $c = '(SELECT dp_count(*) AS c FROM people)';
draws('a scrolled cursor', 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT dp_count(*) FROM people; FETCH ALL c; FETCH BACKWARD ALL c; MOVE ABSOLUTE 0 c; FETCH ALL c; FETCH FIRST c; FETCH LAST c; FETCH ABSOLUTE 1 c; ROLLBACK', 1);
draws('a cursor WITH HOLD', 'BEGIN; DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT dp_count(*) FROM people; FETCH h; COMMIT; FETCH FIRST h; FETCH BACKWARD ALL h; FETCH ALL h', 1);
draws('a cursor over a savepoint', 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT dp_count(*) FROM people; SAVEPOINT s; FETCH c; ROLLBACK TO s; FETCH FIRST c; ROLLBACK TO s; MOVE ABSOLUTE 0 c; FETCH c; COMMIT', 1);
draws('a cursor over an error', "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT 5, dp_count(*) FROM people; SAVEPOINT s; FETCH c; SELECT 1/0; ROLLBACK TO s; FETCH FIRST c; COMMIT", 1);
draws('a scalar sub-select per row', 'SELECT 5, (SELECT dp_count(*) FROM people) FROM generate_series(1, 3) i', 1);
draws('a sub-select that looks correlated', 'SELECT 5, (SELECT dp_count(*) + i * 0 FROM people) FROM generate_series(1, 3) i', 1);
draws('LATERAL', "SELECT i, c FROM generate_series(1, 3) i, LATERAL (SELECT dp_count(*) + i * 0 AS c FROM people) s", 1);
draws('the inner side of an outer join', "SELECT i, c FROM generate_series(1, 3) i LEFT JOIN $c s ON i <> 0", 1);
draws('the inner side of a nested loop', "SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SELECT i, c FROM generate_series(1, 9) i LEFT JOIN $c s ON i + c > 0", 1);
draws('a condition that looks correlated', 'SELECT i, (SELECT dp_count(*) FROM people WHERE x < 1000 + 0 * i) FROM generate_series(1, 3) i', 0);
draws('a CTE read three times', "WITH x AS (SELECT dp_count(*) AS c FROM people), y AS (SELECT c FROM x) SELECT 5, x.c FROM x, y, (SELECT c FROM x) z UNION ALL SELECT 5, c FROM y", 1);
draws('a CTE that is not to be materialized', "WITH x AS NOT MATERIALIZED (SELECT dp_count(*) AS c FROM people) SELECT 5, c FROM x UNION ALL SELECT 5, c FROM x", 2);
draws('a view twice', "CREATE VIEW a.vw AS SELECT dp_count(*) AS c FROM people; SELECT 5, c FROM a.vw UNION ALL SELECT 5, c FROM a.vw", 2);
draws('a prepared statement', 'PREPARE p AS SELECT dp_count(*) FROM people;' . 'EXECUTE p;' x 7, 7);
draws('a loop', q{DO $$ DECLARE a bigint; BEGIN FOR i IN 1 .. 3 LOOP SELECT dp_count(*) INTO a FROM people; RAISE NOTICE '%', a; END LOOP; END $$}, 3);
draws('an exception that is caught', q{DO $$ DECLARE a bigint; BEGIN BEGIN SELECT dp_count(*) INTO a FROM people; RAISE NOTICE '%', a; RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN NULL; END; END $$}, 1);
draws('a transaction rolled back', 'BEGIN; SELECT dp_count(*) FROM people; ROLLBACK', 1);
draws('a savepoint rolled back', 'BEGIN; SAVEPOINT a; SELECT dp_count(*) FROM people; ROLLBACK TO a; SELECT dp_count(*) FROM people; ROLLBACK', 2);
draws('a read-only transaction', 'BEGIN READ ONLY; SELECT dp_count(*) FROM people; ROLLBACK', 1);
draws('an IMMUTABLE function', q{CREATE FUNCTION a.imm() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT dp_count(*) FROM people'; SELECT 5, a.imm() FROM generate_series(1, 3)}, 3);
draws('rows of an UPDATE', 'CREATE TABLE a.ups (i int, c int8); INSERT INTO a.ups VALUES (5, 1), (5, 2), (5, 3); UPDATE a.ups SET c = (SELECT dp_count(*) FROM people) RETURNING *', 1);
draws('rows of an UPDATE FROM', "UPDATE a.ups SET c = s.c FROM $c s RETURNING a.ups.*", 1);
draws('rows of an INSERT', 'INSERT INTO a.ups SELECT 5, dp_count(*) FROM people RETURNING *', 1);
draws('a CTE that inserts', 'WITH x AS (INSERT INTO a.ups SELECT 5, dp_count(*) FROM people RETURNING *) SELECT * FROM x UNION ALL SELECT * FROM x', 1);
draws('a condition per row', "SELECT i, CASE WHEN i > 0 THEN (SELECT dp_count(*) FROM people) END FROM generate_series(1, 3) i", 1);
draws('a materialized view refreshed', 'CREATE MATERIALIZED VIEW a.m1 AS SELECT 5, dp_count(*) FROM people; REFRESH MATERIALIZED VIEW a.m1; TABLE a.m1', 2);
draws('WHERE CURRENT OF, EPQ and the like', "BEGIN; DECLARE c CURSOR FOR SELECT 5, s.c, i FROM $c s, a.ups FOR UPDATE OF ups; FETCH 2 c; UPDATE a.ups SET i = 6 WHERE CURRENT OF c; FETCH 2 c; COMMIT", 1);


finish();
