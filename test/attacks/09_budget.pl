# Draws and charges.  A leak: more different answers than charges, an answer that is
# not charged, or one that repetition makes sharper for free.

use strict;
use warnings;
use Test::More;
use Attacks;
use Clients;

my $node = start('budget and averaging');

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


draws('a sub-select that nothing reads', "SELECT 5 FROM $c s", 1, 1);
draws('a CTE that nothing reads', 'WITH x AS (SELECT dp_count(*) FROM people) SELECT 5', 0);
draws('a release in EXISTS', 'SELECT 5 WHERE EXISTS (SELECT dp_count(*) FROM people)', 1, 1);
draws('a release behind a false condition', "SELECT CASE WHEN random() < 0 THEN (SELECT dp_count(*) FROM people) END", 1, 1);
draws('a scan that starts over', "SELECT i, (SELECT c FROM $c s WHERE i > 0) FROM generate_series(1, 5) i", 1);
draws('a scan that starts over, OFFSET 0', "SELECT i, s.c FROM generate_series(1, 5) i, LATERAL (SELECT c FROM $c q WHERE i > 0 OFFSET 0) s", 1);
draws('a join of a release with itself', "WITH x AS (SELECT dp_count(*) AS c FROM people) SELECT 5, a.c FROM x a JOIN x b ON a.c = b.c JOIN x d ON true", 1);
draws('the two sides of UNION ALL', "SELECT 5, c FROM $c a UNION ALL SELECT 5, c FROM $c b UNION ALL SELECT 5, c FROM $c d", 3);
draws('the two sides of EXCEPT', "SELECT c FROM $c a EXCEPT SELECT c FROM $c b", 2);
draws('a recursive query', "WITH RECURSIVE r (n, c) AS (SELECT 1, c FROM $c s UNION ALL SELECT n + 1, (SELECT dp_count(*) FROM people) FROM r WHERE n < 5) SELECT n, c FROM r", 2);
draws('an SQL function called for each row', q{CREATE FUNCTION a.each(int) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT dp_count(*) FROM people'; SELECT 5, a.each(i) FROM generate_series(1, 3) i}, 3);
draws('a STABLE function called for each row', q{CREATE FUNCTION a.stable(int) RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN (SELECT dp_count(*) FROM people); END'; SELECT 5, a.stable(i) FROM generate_series(1, 3) i}, 3);
draws('a function of a set', q{CREATE FUNCTION a.set() RETURNS SETOF bigint LANGUAGE sql AS 'SELECT dp_count(*) FROM people'; SELECT 5, s FROM a.set() s, generate_series(1, 3)}, 1);
draws('a function that is inlined, twice', q{CREATE FUNCTION a.set2() RETURNS SETOF bigint LANGUAGE sql STABLE AS 'SELECT dp_count(*) FROM people'; SELECT 5, s FROM a.set2() s UNION ALL SELECT 5, s FROM a.set2() s}, 2);
draws('a function with the rights of the analyst', q{CREATE FUNCTION a.definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT dp_count(*) FROM people'; SELECT 5, a.definer()}, 1);
draws('a function for workers', q{CREATE FUNCTION a.worker(int) RETURNS bigint LANGUAGE plpgsql PARALLEL SAFE STABLE AS 'BEGIN RETURN (SELECT dp_count(*) FROM people); END';
	SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET } . DpAgg::force_parallel() . q{ = on; SELECT 5, a.worker(k) FROM pub WHERE k < 3}, 3);
draws('a procedure that commits in between', q{CREATE PROCEDURE a.commits() LANGUAGE plpgsql AS $$ DECLARE a bigint; BEGIN FOR i IN 1 .. 3 LOOP SELECT dp_count(*) INTO a FROM people; COMMIT; RAISE NOTICE '%', a; END LOOP; END $$; CALL a.commits()}, 3);
draws('a loop over a cursor', q{DO $$ DECLARE c CURSOR FOR SELECT dp_count(*) AS n FROM people; BEGIN FOR i IN 1 .. 3 LOOP FOR r IN c LOOP RAISE NOTICE '%', r.n; END LOOP; END LOOP; END $$}, 3);
draws('a cursor of PL/pgSQL that moves', q{DO $$ DECLARE c SCROLL CURSOR FOR SELECT dp_count(*) FROM people; n bigint; BEGIN OPEN c; FOR i IN 1 .. 3 LOOP FETCH ABSOLUTE 1 FROM c INTO n; RAISE NOTICE '%', n; END LOOP; END $$}, 1);
draws('a cursor fetched in pieces', 'BEGIN; DECLARE c CURSOR FOR SELECT 5, dp_count(*) FROM people UNION ALL SELECT 5, dp_count(*) FROM people; FETCH 1 c; FETCH 1 c; FETCH 1 c; COMMIT', 2);
draws('a cursor that is never fetched', 'BEGIN; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people; COMMIT; SELECT 5', 1, 1);
draws('a copy of a release', 'COPY (SELECT 5, dp_count(*) FROM people) TO STDOUT (DELIMITER $$|$$)', 1);
draws('a copy of a table made of a release', 'CREATE TABLE a.kept AS SELECT 5 AS k, dp_count(*) AS c FROM people; TABLE a.kept; TABLE a.kept; SELECT k, c FROM a.kept', 1);
draws('a trigger for each row', q{CREATE TABLE a.rows (k int, c int8); CREATE FUNCTION a.fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.c := (SELECT dp_count(*) FROM people); RETURN new; END $$;
	CREATE TRIGGER t BEFORE INSERT ON a.rows FOR EACH ROW EXECUTE FUNCTION a.fill(); INSERT INTO a.rows (k) SELECT 5 FROM generate_series(1, 3); TABLE a.rows}, 3);
draws('a rule', q{CREATE TABLE a.ruled (k int, c int8); CREATE RULE r AS ON INSERT TO a.ruled DO INSTEAD SELECT 5, dp_count(*) FROM people; INSERT INTO a.ruled VALUES (1), (2), (3)}, 1);
draws('a default of a column', q{CREATE TABLE a.defaulted (k int, c int8 DEFAULT a.each(1)); INSERT INTO a.defaulted (k) VALUES (5), (5); TABLE a.defaulted}, 2);
draws('a generic plan', 'SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT $1, dp_count(*) FROM people;' . 'EXECUTE p(5);' x 4, 4);
draws('LIMIT by a parameter', 'PREPARE p(int) AS SELECT 5, dp_count(*) FROM people LIMIT $1; EXECUTE p(0); EXECUTE p(1); EXECUTE p(0); EXECUTE p(NULL)', 4);
draws('LIMIT by a parameter of a generic plan', 'SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT 5, dp_count(*) FROM people LIMIT $1; EXECUTE p(0); EXECUTE p(1); EXECUTE p(0)', 3);
draws('no row, by a false condition', 'SELECT 5, c FROM ' . $c . ' s WHERE false', 0);
draws('no row, by LIMIT 0 of a cursor', 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT dp_count(*) FROM people LIMIT 0; FETCH ALL c; FETCH BACKWARD ALL c; COMMIT; SELECT 5', 0);
draws('LIMIT 0 within', 'SELECT 5, (SELECT dp_count(*) FROM people LIMIT 0)', 1, 1);
draws('a statement of two', "SELECT 5, dp_count(*) FROM people\\; SELECT 5, dp_count(*) FROM people", 2);
draws('a pipeline that fails', "BEGIN; SELECT dp_count(*) FROM people\\; SELECT 1 / 0; ROLLBACK", 1, 1);
draws('an error above it', 'SELECT 5, 1 / (dp_count(*)::int * 0) FROM people', 1, 1);
draws('an error beside it', 'SELECT 5, dp_count(*), 1 / (SELECT 0 * count(*) FROM pub) FROM people', 1, 1);
draws('a seed', 'SELECT setseed(0.5); SELECT dp_count(*) FROM people; SELECT setseed(0.5); SELECT dp_count(*) FROM people', 2);
draws('a role that is changed in between', "SELECT dp_count(*) FROM people; SET ROLE analyst; SELECT dp_count(*) FROM people; RESET ROLE", 2);
draws('DISCARD ALL', 'SELECT dp_count(*) FROM people; DISCARD ALL; SET dp_agg.epsilon = 0.1; SELECT dp_count(*) FROM people', 2);
draws('a savepoint around a cursor', 'BEGIN; SAVEPOINT s; DECLARE c SCROLL CURSOR FOR SELECT dp_count(*) FROM people; FETCH c; ROLLBACK TO s; SAVEPOINT s; DECLARE c SCROLL CURSOR FOR SELECT dp_count(*) FROM people; FETCH c; COMMIT', 2);
draws('PREPARE TRANSACTION', "BEGIN; SELECT dp_count(*) FROM people; PREPARE TRANSACTION 'p'", 1);
draws('a jit', 'SET jit_above_cost = 0; SET jit_optimize_above_cost = 0; SELECT dp_count(*) FROM people', 1);

# Statements that print less than they are charged for are no leak; what is cancelled
# is charged nevertheless.
{
	my ($made) = split /\|/, ledger();
	my $r = session('analyst', "SET statement_timeout = 1; SELECT dp_count(*) FROM people, a.nums a, a.nums b, a.nums c WHERE lower(name || name) <> ''");
	my ($made_after) = split /\|/, ledger();

	attacked($r->{out} eq '' || $made_after > $made, 'a release that is cancelled is charged, or prints nothing') or diag("$r->{out} $r->{err}");
	control($r->{sqlstate} eq '57014', 'it was cancelled') or diag($r->{err});
	$r = session('analyst', "SET dp_agg.epsilon = 0.1; BEGIN; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people, a.nums a, a.nums b, a.nums d WHERE lower(name || name) <> ''; SET statement_timeout = 1; FETCH c; ROLLBACK");
	attacked((split /\|/, ledger())[0] > $made_after, 'a cursor that is cancelled while it is drained is charged') or diag($r->{err});
}

# ---------- sharper answers for free ----------

# The standard deviation of answers, in units of what one release at this price has.
sub spread
{
	my (@answers) = @_;
	my ($sum, $squares) = (0, 0);

	$sum += $_ foreach @answers;
	$squares += ($_ - $sum / @answers)**2 foreach @answers;
	return sqrt($squares / (@answers - 1));
}

# answers(SQL, N): N answers of one row each, by N sessions' worth of releases.
sub answers
{
	my ($sql, $n) = @_;

	return map { $_->{out} } grep { $_->{out} =~ /^-?[\d.]+$/ } DpAgg::bulk($node, 'analyst', [ 'SET dp_agg.epsilon = 0.1', ($sql) x $n ]);
}

my $single = spread(answers('SELECT dp_sum(x) FROM people', 300));
cmp_ok($single, '>', 700, 'a sum at epsilon 0.1 has noise of scale 1000 or more');
foreach my $case (
	[ 'one output written ten ways', 'SELECT (' . join(' + ', map { "dp_sum(x + 0 * $_)" } 1 .. 10) . ') / 10.0 FROM people' ], [ 'filters that cut the people up', 'SELECT ' . join(' + ', map { "dp_sum(x) FILTER (WHERE id % 5 = $_)" } 0 .. 4) . ' FROM people' ],
	[ 'complements', 'SELECT (dp_sum(x) + 100 * dp_count(*) - dp_sum(100 - x)) / 2.0 FROM people' ], [ 'negatives', 'SELECT (dp_sum(x) - dp_sum(-x)) / 2.0 FROM people' ], [ 'an average times a count', 'SELECT dp_avg(x) * dp_count(*) FROM people' ],
	# each is a tenth of the price and ten times as large
	[ 'groups that are the same', 'SELECT avg(s) FROM (SELECT dp_sum(x) * 10.0 AS s FROM people, a.nums o WHERE o.n < 10 AND dp_with(max_groups => 10, epsilon => 1) GROUP BY o.n) q' ], [ 'intervals around it', 'SELECT (dp_low(dp_sum(x), 0.9) + dp_high(dp_sum(x), 0.9)) / 2.0 FROM people' ])
{
	my ($name, $sql) = @$case;
	my @answers = answers($sql, 100);

	# a hundred answers estimate a deviation to within 10 percent or so
	attacked(@answers == 100 && spread(@answers) > 0.6 * $single, "averaging: $name is not sharper")
	  or diag(@answers > 1 ? spread(@answers) . " of $single" : 'few answers');
}
{
	my @answers = answers('SELECT dp_sum(x) FROM people', 100);
	my $spent = (split /\|/, ledger())[1];
	my @averages = map { my $from = $_ * 10; my $sum = 0; $sum += $answers[ $from + $_ ] foreach 0 .. 9; $sum / 10 } 0 .. 9;

	control(spread(@averages) < 0.6 * $single, 'averaging: ten releases that are paid for are') or diag(spread(@averages) . " of $single");
	my @more = answers('SELECT dp_sum(x) FROM people', 10);
	attacked(abs((split /\|/, ledger())[1] - $spent - 1) < 1e-6, 'averaging: and ten cost ten times the price of one');
}

# ---------- differences ----------

attack("a difference: $_->[0]", $_->[1], state => '00000|DP002|DP003', moves => 3, control => $_->[2]) foreach
  [ 'with and without an id', 'SELECT (SELECT dp_count(*) FROM people) - (SELECT dp_count(*) FROM people WHERE id <> 5)', 'SELECT x * 10 FROM people WHERE id = 5' ],
  [ 'with and without, in one release', 'SELECT dp_count(*) - dp_count(*) FILTER (WHERE id <> 5) FROM people', 'SELECT sum(x) - sum(x) FILTER (WHERE id <> 5) FROM people' ],
  [ 'of sums', 'SELECT (SELECT dp_sum(x, 0, 1) FROM people) - (SELECT dp_sum(x, 0, 1) FROM people WHERE id <> 5)', 'SELECT (SELECT sum(x) FROM people) - (SELECT sum(x) FROM people WHERE id <> 5)' ],
  [ 'of averages', 'SELECT (SELECT dp_avg(x, 0, 1) FROM people) - (SELECT dp_avg(x, 0, 1) FROM people WHERE id <> 5)', 'SELECT (SELECT sum(x) FROM people) - (SELECT sum(x) FROM people WHERE id <> 5)' ],
  [ 'of groups', 'SELECT sum(c) FROM (SELECT id = 5, dp_count(*) AS c FROM people GROUP BY 1) s', 'SELECT count(*) * 10 FROM (SELECT id = 5, count(*) AS c FROM people GROUP BY 1) s' ],
  [ 'of a join', 'SELECT (SELECT dp_count(*) FROM people p JOIN visits v ON v.pid = p.id) - (SELECT dp_count(*) FROM people p JOIN visits v ON v.pid = p.id WHERE p.id <> 5)', 'SELECT sum(v.cost) FROM people p JOIN visits v ON v.pid = p.id WHERE p.id = 5' ];
attack("a group of few: $_", "SELECT count(*) FROM (SELECT g, count(*) AS c FROM people WHERE $_ GROUP BY g) s WHERE c IS NOT NULL", state => '00000', moves => 0, control => "SELECT sum(x) FROM people WHERE $_") foreach
  'id = 5', 'id BETWEEN 1 AND 19', 'id BETWEEN 4 AND 6', 'id IN (5, 6, 7)', "name = 'p5'", 'x = 85 AND id < 10', 'id < 20 AND x > 80', 'id = 5 OR id = 0';
run_attacks();

# ---------- whose money ----------

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE team;
CREATE ROLE member LOGIN;
CREATE ROLE poor LOGIN;
CREATE ROLE rich LOGIN;
GRANT team TO member;
GRANT rich TO poor;
GRANT USAGE, CREATE ON SCHEMA a TO poor, rich, member;
SELECT dp_agg.set_budget('team', 'people', epsilon => 1, delta => 0.1), dp_agg.set_budget('member', 'people', epsilon => 100, delta => 0.1),
	dp_agg.set_budget('poor', 'people', epsilon => 0.5, delta => 0.1), dp_agg.set_budget('rich', 'people', epsilon => 1000, delta => 0.1);
SQL
sub spent { return $node->safe_psql('postgres', "SELECT coalesce(sum(epsilon_spent), -1) FROM dp_agg.budgets WHERE role = '$_[0]'") }

my $ask = 'SET dp_agg.epsilon = 0.4; SELECT dp_count(*) FROM people;';
foreach my $case ([ 'a member pays from its group, too', 'member', "$ask $ask $ask", 'team', 1 ], [ 'SET ROLE to one who is rich', 'poor', "SET ROLE rich; $ask $ask $ask", 'poor', 0.5 ], [ 'a role in a transaction', 'poor', "BEGIN; SET LOCAL ROLE rich; $ask COMMIT; BEGIN; SET LOCAL ROLE rich; $ask COMMIT", 'poor', 0.5 ],
	[ 'a function of one who is rich', 'poor', "SET ROLE rich; CREATE FUNCTION a.lent() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 0.4)'; RESET ROLE; SELECT a.lent(); SELECT a.lent(); SELECT a.lent()", 'poor', 0.5 ],
	[ 'a view of one who is rich', 'poor', "SET ROLE rich; CREATE VIEW a.lent AS SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 0.4); GRANT SELECT ON a.lent TO poor; RESET ROLE; TABLE a.lent; TABLE a.lent; TABLE a.lent", 'poor', 0.5 ],
	[ 'a cursor opened as another', 'poor', "BEGIN; SET ROLE rich; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 0.4); RESET ROLE; FETCH c; COMMIT; BEGIN; SET ROLE rich; DECLARE c CURSOR FOR SELECT dp_count(*) FROM people WHERE dp_with(epsilon => 0.4); RESET ROLE; FETCH c; COMMIT", 'poor', 0.5 ])
{
	my ($name, $role, $sql, $account, $limit) = @$case;
	my $r = session($role, $sql);
	my $answers = () = $r->{out} =~ /^\d+$/mg;

	attacked(spent($account) <= $limit && $answers * 0.4 <= $limit, "$name: no more than its limit") or diag("$answers answers, " . spent($account) . "\n$r->{err}");
	control($answers > 0 || $r->{states} =~ /DP001/, "$name: asks") or diag($r->{err});
	$node->safe_psql('postgres', "UPDATE dp_agg.account SET epsilon_spent = 0");
}
{
	session('poor', $ask);
	$node->safe_psql('postgres', 'ALTER ROLE poor RENAME TO renamed');
	my $r = session('renamed', $ask);
	attacked($r->{states} eq 'DP001' && $r->{out} eq '', 'a new name is no new budget') or diag($r->{err});
	$node->safe_psql('postgres', "REVOKE ALL ON SCHEMA a FROM renamed; REVOKE rich FROM renamed; DROP OWNED BY renamed; DROP ROLE renamed; CREATE ROLE poor LOGIN; CREATE ROLE renamed LOGIN");
	foreach my $role ('poor', 'renamed')
	{
		$r = session($role, $ask);
		attacked($r->{sqlstate} eq '42501' && $r->{out} eq '', 'a new role of an old name has no account') or diag($r->{err});
	}
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('poor', 'people', epsilon => 0.5)");
	$r = session('poor', $ask);
	control($r->{out} =~ /^\d+$/, 'unless it is given one') or diag($r->{err});
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('poor', 'people', epsilon => 0.5)");
	attacked(session('poor', $ask)->{states} eq 'DP001', 'the same budget given again keeps what is spent');
	$node->safe_psql('postgres', "SELECT dp_agg.unprotect('people'), dp_agg.protect('people', 'id', 'people'), dp_agg.set_bounds('people', 'x', 0, 100)");
	attacked(session('poor', $ask)->{states} eq 'DP001', 'so does one whose population is protected anew');
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('poor', 'people', epsilon => 5, max_epsilon_per_query => 0.5)");
	$r = session('poor', 'SET dp_agg.epsilon = 0.4; SELECT (SELECT dp_count(*) FROM people), (SELECT dp_count(*) FROM people)');
	attacked($r->{sqlstate} eq 'DP002' && $r->{out} eq '', 'two releases of one statement are one query for its limit') or diag($r->{err});
	control(session('poor', $ask)->{out} =~ /^\d+$/, 'one of them is within it');
}

# Many at once: what all of them are answered is within the budget.
{
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('rich', 'staff', epsilon => 1, delta => 0.1)");
	my $statement = Clients::statement('SELECT dp_count(*) > 0 FROM staff WHERE dp_with(epsilon => 0.1)');
	my @clients = map { Clients::start($node, 'rich', $statement x 4) } 1 .. 8;
	my $total = Clients::total(Clients::finish(120, @clients));

	attacked(($total->{states}{'00000'} // 0) == 10 && $total->{rows} == 10, 'sessions at once get ten answers for the price of ten') or diag(explain($total));
	control(($total->{states}{DP001} // 0) == 22, 'and the others are refused') or diag(explain($total));
}

# ---------- bits for nothing ----------

# bits(NAME, SQL, STATE, [STATE, ...]): a script of the analyst's that asks for less than the
# least price.  Nothing is answered or charged.  The control is the same for one who
# may have releases for less, who gets them for (nearly) nothing.  What so little buys is
# mostly a NULL, so that what is counted is releases.
sub bits
{
	my ($name, $sql, $states) = @_;
	my $before = ledger();
	my $r = session('analyst', $sql);

	attacked($r->{out} eq '' && ledger() eq $before && $r->{states} =~ /^($states)( ($states))*$/, "bits for nothing: $name")
	  or diag("$r->{out}\n$r->{err}" . ledger());
	$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.min_epsilon = 1e-9');
	$r = session('analyst', $sql);
	my ($made, $spent) = split /\|/, ledger();
	control($made > (split /\|/, $before)[0] && $spent - (split /\|/, $before)[1] < 2, "$name: had where the least price is 1e-9") or diag($r->{err});
	$node->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.min_epsilon');
	return;
}
my $n = 'SELECT dp_count(*) FROM people';
bits(@$_) foreach
  [ 'the least epsilon', "SET dp_agg.epsilon = 1e-9; $n", 'DP002' ], [ 'a unit too few', "SET dp_agg.epsilon = 0.000999999; $n", 'DP002' ],
  [ 'a setting of a function', "CREATE OR REPLACE FUNCTION a.cheap() RETURNS bigint LANGUAGE sql SET dp_agg.epsilon = 1e-9 AS '$n'; SELECT a.cheap()", 'DP002' ],
  [ 'a setting in a transaction', "BEGIN; SET LOCAL dp_agg.epsilon = 1e-8; $n; ROLLBACK", 'DP002' ],
  [ 'set_config beside it', "SELECT set_config('dp_agg.epsilon', '1e-9', false) \\gset\n$n", 'DP002' ],
  [ 'dp_with', "$n WHERE dp_with(epsilon => 1e-9)", 'DP002' ], [ 'dp_with of an expression', "$n WHERE dp_with(epsilon => 1.0 / 1000000)", 'DP002' ],
  [ 'dp_with above a dear setting', "SET dp_agg.epsilon = 100; $n WHERE dp_with(epsilon => 0.0001)", 'DP002' ],
  [ 'a parameter', "PREPARE p(float8) AS $n WHERE dp_with(epsilon => \$1); EXECUTE p(1e-9)", 'DP002' ],
  [ 'a parameter of a generic plan', "SET plan_cache_mode = force_generic_plan; PREPARE p(float8) AS $n WHERE dp_with(epsilon => \$1); EXECUTE p(1e-9)", 'DP002' ],
  [ 'a parameter divided', "SET plan_cache_mode = force_generic_plan; PREPARE p(float8) AS $n WHERE dp_with(epsilon => 1 / \$1); EXECUTE p(1e7)", 'DP002' ],
  [ 'a variable of PL/pgSQL', "CREATE OR REPLACE FUNCTION a.varied(e float8) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT dp_count(*) FROM people WHERE dp_with(epsilon => e)); END'; SELECT a.varied(1e-9)", 'DP002' ],
  [ 'a cursor', "BEGIN; DECLARE c CURSOR FOR $n WHERE dp_with(epsilon => 1e-9); FETCH c; ROLLBACK", 'DP002|25P02' ],
  [ 'an argument of a cursor', q{DO $$ DECLARE c CURSOR (e float8) FOR SELECT dp_count(*) FROM people WHERE dp_with(epsilon => e); n bigint; BEGIN OPEN c(1e-9); FETCH c INTO n; CREATE TEMP TABLE fetched AS SELECT n; END $$; TABLE fetched}, 'DP002|42P01' ],
  [ 'many in a statement, together above it', join(' UNION ALL ', ("$n WHERE dp_with(epsilon => 0.0005)") x 10), 'DP002' ],
  [ 'many in CTEs', 'WITH ' . join(', ', map { "c$_ AS ($n WHERE dp_with(epsilon => 0.0009))" } 1 .. 5) . ' SELECT ' . join(' + ', map { "(TABLE c$_)" } 1 .. 5), 'DP002' ],
  [ 'a cheap one beside a dear one', "$n UNION ALL $n WHERE dp_with(epsilon => 1e-9)", 'DP002' ],
  [ 'a cheap one that nothing reads', "SELECT c FROM ($n) a (c), ($n WHERE dp_with(epsilon => 1e-9)) b (d)", 'DP002' ],
  [ 'a facade', 'SELECT count(*) FROM dp.people WHERE dp_with(epsilon => 1e-9)', 'DP002' ],
  [ 'a view', "CREATE OR REPLACE VIEW a.cheap_v AS $n WHERE dp_with(epsilon => 1e-9); TABLE a.cheap_v", 'DP002' ],
  [ 'a table made of it', "CREATE TABLE a.cheap_t AS $n WHERE dp_with(epsilon => 1e-9); TABLE a.cheap_t", 'DP002|42P01' ],
  [ 'a copy', "COPY ($n WHERE dp_with(epsilon => 1e-9)) TO STDOUT", 'DP002' ];

# A function of one who may read the table, at a price that its caller sets and pays.
{
	$node->safe_psql('postgres', "CREATE FUNCTION lent(float8) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT dp_count(*) FROM people WHERE dp_with(epsilon => \$1)); END';
CREATE FUNCTION lent() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS '$n'");
	foreach my $sql ('SELECT lent(1e-9)', 'SET dp_agg.epsilon = 1e-9; SELECT lent()', 'SELECT lent(0.0009) + lent(0.0009)')
	{
		my $before = ledger();
		my $r = session('analyst', $sql);

		attacked($r->{states} eq 'DP002' && $r->{out} eq '' && ledger() eq $before, "bits for nothing, lent: $sql") or diag("$r->{out}\n$r->{err}");
	}
	my $made = (split /\|/, ledger())[0];
	session('analyst', 'SELECT lent(0.001), lent()');
	control((split /\|/, ledger())[0] == $made + 2, 'what is lent is paid by who borrows');
	$node->safe_psql('postgres', 'DROP FUNCTION lent(float8); DROP FUNCTION lent()');
}

# The least price cannot be lowered by who pays it.
foreach my $sql ('SET dp_agg.min_epsilon = 1e-9', "SELECT set_config('dp_agg.min_epsilon', '1e-9', false)", 'ALTER ROLE analyst SET dp_agg.min_epsilon = 1e-9',
	"UPDATE pg_settings SET setting = '1e-9' WHERE name = 'dp_agg.min_epsilon'", 'SET dp_agg.min_epsilon TO DEFAULT',
	"CREATE FUNCTION a.lower() RETURNS bigint LANGUAGE sql SET dp_agg.min_epsilon = 1e-9 AS '$n'; SELECT a.lower()", 'RESET ALL', 'DISCARD ALL')
{
	my $made = (split /\|/, ledger())[0];
	my $r = session('analyst', "$sql;\nSET dp_agg.epsilon = 1e-9; $n");

	attacked($r->{states} =~ /DP002$/ && (split /\|/, ledger())[0] == $made, "the least price stays: $sql") or diag("$r->{out}\n$r->{err}");
	$r = session('analyst', "$sql;\nSET dp_agg.epsilon = 0.001; $n");
	control($r->{states} !~ /DP002/ && (split /\|/, ledger())[0] == $made + 1, "and is enough: $sql") or diag("$r->{out}\n$r->{err}");
}
# A plan that was made when the least price was lower is judged by the price of now.
{
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'analyst' ], on_error_stop => 0);
	my $least = sub {
		my ($value) = @_;

		$node->safe_psql('postgres', $_) foreach "ALTER SYSTEM SET dp_agg.min_epsilon = $value", 'SELECT pg_reload_conf()';
		foreach (1 .. 600)
		{
			return if DpAgg::ask($session, 'SHOW dp_agg.min_epsilon') eq $value;
			select undef, undef, undef, 0.1;
		}
		die 'the setting is not seen';
	};

	$least->('1e-09');
	$session->query("SET plan_cache_mode = force_generic_plan; PREPARE p AS $n WHERE dp_with(epsilon => 1e-6)");
	my $made = (split /\|/, ledger())[0];
	$session->query('EXECUTE p');
	control((split /\|/, ledger())[0] == $made + 1, 'a plan made while the least price was lower is run while it is') or diag($session->{stderr});
	$least->('0.001');
	my $before = ledger();
	$session->{stderr} = '';
	$session->query('EXECUTE p');
	attacked($session->{stderr} =~ /a release costs at least epsilon 0\.001/ && ledger() eq $before, 'and refused later') or diag($session->{stderr});
	$session->quit;
}

# Fractions of a unit: what is used is what is charged, and never less than was asked for.
foreach my $case ([ '1.0000000004e-3', '0.001000001' ], [ '0.0010000000000000002', '0.001000001' ], [ '0.1000000000000001', '0.100000001' ], [ '0.0009999999999', '0.001' ],
	[ '0.1', '0.1' ], [ '0.3', '0.3' ])
{
	my ($epsilon, $price) = @$case;

	foreach my $how ("SET dp_agg.epsilon = $epsilon; $n", "$n WHERE dp_with(epsilon => $epsilon)", "PREPARE p(float8) AS $n WHERE dp_with(epsilon => \$1); EXECUTE p($epsilon)")
	{
		$node->safe_psql('postgres', "SELECT dp_agg.drop_budget('poor', 'people')", on_error_stop => 0);
		$node->safe_psql('postgres', "SELECT dp_agg.set_budget('poor', 'people', epsilon => 1, forget => true)");
		my $r = session('poor', $how);

		attacked(spent('poor') == $price, 'no fraction is free: ' . DpAgg::brief($how)) or diag(spent('poor') . " $r->{err}");
		control($r->{sqlstate} eq '00000', 'had: ' . DpAgg::brief($how)) or diag($r->{err});
	}
}

# The account's own least price, for every release of a statement.
$node->safe_psql('postgres', "SELECT dp_agg.set_budget('poor', 'people', epsilon => 1, min_epsilon_per_query => 0.2, forget => true)");
foreach my $sql ("SET dp_agg.epsilon = 0.199999999; $n", "SET dp_agg.epsilon = 0.15; $n UNION ALL $n", "$n WHERE dp_with(epsilon => 0.4) UNION ALL $n WHERE dp_with(epsilon => 0.1)",
	"PREPARE p(float8) AS $n WHERE dp_with(epsilon => \$1); EXECUTE p(0.1)")
{
	my $before = spent('poor');
	my $r = session('poor', $sql);

	attacked($r->{states} eq 'DP002' && $r->{out} eq '' && spent('poor') == $before, 'the least price of an account: ' . DpAgg::brief($sql)) or diag("$r->{out}\n$r->{err}");
}
control(session('poor', "SET dp_agg.epsilon = 0.2; $n")->{out} =~ /^-?\d+$/, 'the least price itself is enough');

# ---------- more releases than are had ----------

# No way to fail gives a release back.  few(NAME, SCRIPT): it asks four times or more, and
# may be answered twice.
sub few
{
	my ($name, $sql, $client) = @_;
	my $made = q{SELECT releases_spent FROM dp_agg.budgets WHERE role = 'few'};

	$node->safe_psql('postgres', "DELETE FROM dp_agg.account WHERE role = 'few'::regrole; SELECT dp_agg.set_budget('few', 'people', epsilon => 1000, delta => 0.1, max_releases => 2, forget => true)");
	my $r = session('few', $sql);
	my $answers = () = "$r->{out}\n$r->{err}" =~ /^(?:\S*\s*NOTICE:  \w+: )?-?\d{2,}$/mg;

	attacked($answers <= 2 && $node->safe_psql('postgres', $made) == 2 && $r->{states} =~ /DP001/, "two releases are two: $name")
	  or diag("$answers answers, made " . $node->safe_psql('postgres', $made) . "\n$r->{out}\n$r->{err}");
	$node->safe_psql('postgres', "DELETE FROM dp_agg.account WHERE role = 'few'::regrole; SELECT dp_agg.set_budget('few', 'people', epsilon => 1000, delta => 0.1, forget => true)");
	$r = session('few', $sql);
	control($node->safe_psql('postgres', $made) > 2, "$name: more where releases are not limited") or diag($r->{err});
	return;
}
$node->safe_psql('postgres', 'CREATE ROLE few LOGIN; GRANT USAGE, CREATE ON SCHEMA a TO few; GRANT SELECT ON ALL TABLES IN SCHEMA a TO few');
few(@$_) foreach
  [ 'asked four times', "$n;" x 4 ], [ 'ROLLBACK', "BEGIN; $n; ROLLBACK;" x 4 ], [ 'savepoints', 'BEGIN;' . "SAVEPOINT s; $n; ROLLBACK TO s;" x 4 . 'ROLLBACK' ],
  [ 'an error above it', 'SELECT 1 / (c * 0) FROM (SELECT dp_count(*) AS c FROM people) s;' x 4 ], [ 'errors in a transaction', "BEGIN; $n; SELECT 1 / 0; ROLLBACK;" x 4 ],
  [ 'errors that are caught', q{DO $$ DECLARE n bigint; BEGIN FOR i IN 1 .. 4 LOOP BEGIN SELECT dp_count(*) INTO n FROM people; RAISE NOTICE '%', n; RAISE EXCEPTION 'x'; EXCEPTION WHEN division_by_zero OR raise_exception THEN NULL; END; END LOOP; END $$} ],
  [ 'a timeout', 'SET statement_timeout = 300; ' . 'SELECT c, pg_sleep(9) FROM (SELECT dp_count(*) AS c FROM people) s;' x 4 ],
  [ 'a prepared statement', "PREPARE p AS $n;" . 'EXECUTE p;' x 4 ], [ 'cursors', 'BEGIN;' . join('', map { "DECLARE c$_ CURSOR FOR $n; FETCH c$_;" } 1 .. 2) . 'ROLLBACK;' . "$n;" x 2 ],
  [ 'read-only transactions', "BEGIN READ ONLY; $n; COMMIT;" x 4 ], [ 'statements of two', "$n UNION ALL $n;" x 2 ], [ 'one, then two', "$n; $n UNION ALL $n; $n; $n;" ],
  [ 'cheap ones', "SET dp_agg.epsilon = 0.001;" . "$n;" x 4 ], [ 'a function per row', "CREATE OR REPLACE FUNCTION a.ask(int) RETURNS bigint LANGUAGE sql VOLATILE AS '$n'; SELECT a.ask(1); SELECT a.ask(i) FROM generate_series(1, 9) i" ],
  [ 'DISCARD ALL', "$n; DISCARD ALL;" x 4 ], [ 'a session that ends', "$n; \\c -\n" x 4 ];

$node->safe_psql('postgres', "DELETE FROM dp_agg.account WHERE role = 'few'::regrole; SELECT dp_agg.set_budget('few', 'people', epsilon => 1000, delta => 0.1, max_releases => 10, forget => true)");
{
	my $made = q{SELECT releases_spent FROM dp_agg.budgets WHERE role = 'few'};
	my $sleepy = 'SELECT c, pg_sleep(60) FROM (SELECT dp_count(*) AS c FROM people) s';

	my $pid = q{FROM pg_stat_activity WHERE usename = 'few' AND wait_event = 'PgSleep'};

	# A client that is cancelled or terminated while it holds its answer.
	foreach my $how ('pg_cancel_backend', 'pg_terminate_backend')
	{
		my $before = $node->safe_psql('postgres', $made);
		my $client = Clients::start($node, 'few', Clients::statement($sleepy));

		$node->poll_query_until('postgres', "SELECT count(*) = 1 $pid") or die 'the client does not sleep';
		$node->safe_psql('postgres', "SELECT $how(pid) $pid");
		Clients::finish(60, $client);
		attacked($node->safe_psql('postgres', $made) == $before + 1, "a release is one after $how");
	}
	# Then many at once, of whom eight get theirs.
	my $statement = Clients::statement('SELECT dp_count(*) > 0 FROM people');
	my $total = Clients::total(Clients::finish(120, map { Clients::start($node, 'few', $statement x 4) } 1 .. 8));
	attacked(($total->{states}{'00000'} // 0) == 8 && $total->{rows} == 8 && $node->safe_psql('postgres', $made) == 10, 'sessions at once get the eight that are left') or diag(explain($total));
	control(($total->{states}{DP001} // 0) == 24, 'and the others are refused') or diag(explain($total));

	$node->safe_psql('postgres', 'ALTER ROLE few RENAME TO fewer');
	my $r = session('fewer', $n);
	attacked($r->{states} eq 'DP001' && $r->{out} eq '', 'a new name is no new release') or diag($r->{err});
	$node->safe_psql('postgres', "ALTER ROLE fewer RENAME TO few; SELECT dp_agg.set_budget('few', 'people', epsilon => 1000, delta => 0.1, max_releases => 10)");
	attacked(session('few', $n)->{states} eq 'DP001', 'nor is the same budget given again');
	$node->safe_psql('postgres', 'GRANT few TO poor');
	attacked(session('poor', "SET dp_agg.epsilon = 0.2; $n")->{states} eq 'DP001', 'nor has a member more') ;
	$node->safe_psql('postgres', "SELECT dp_agg.set_budget('few', 'people', epsilon => 1000, delta => 0.1, max_releases => 12)");
	control(session('few', $n)->{out} =~ /^-?\d+$/, 'a limit that is raised lets more out');

	# Whose process is killed has had its release all the same; on a server of its own,
	# since this one must stand.
	my $other = DpAgg::node('killed', roles => ['few'], fsync => 1, conf => 'restart_after_crash = on');
	$other->safe_psql('postgres', 'CREATE TABLE people (id int PRIMARY KEY)');
	$other->safe_psql('postgres', $_) foreach 'INSERT INTO people SELECT generate_series(1, 200)', q{SELECT dp_agg.protect('people', 'id', 'people')},
	  q{SELECT dp_agg.set_budget('few', 'people', epsilon => 10, max_releases => 2)};
	foreach my $i (1 .. 2)
	{
		my $client = Clients::start($other, 'few', Clients::statement($sleepy));

		$other->poll_query_until('postgres', "SELECT count(*) = 1 $pid") or die 'the client does not sleep';
		kill 'KILL', $other->safe_psql('postgres', "SELECT pid $pid");
		Clients::finish(60, $client);
		# psql may end before the question is written to it
		foreach (1 .. 600)
		{
			last if eval { ($other->psql('postgres', 'SELECT 1'))[0] == 0 };
			select undef, undef, undef, 0.1;
		}
		attacked($other->safe_psql('postgres', $made) == $i, "a release is one after kill -9, $i");
	}
	$r = DpAgg::as($other, 'few', $n);
	attacked($r->{sqlstate} eq 'DP001' && $r->{out} eq '', 'then none is left') or diag($r->{err});
	$other->stop;
}

finish();
