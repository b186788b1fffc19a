# One person with many rows, groups or keys, taken for many.  A leak: an answer moves
# by more than what one person may move.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('amplification');

# ---------- many rows of one person, taken for one ----------

sub outer_joins
{
	my ($n) = @_;
	return join ' ', map { "LEFT JOIN people p$_ ON p$_.id = p0.id AND o.n & " . 2**($_ - 1) . ' > 0' } 1 .. $n;
}
my $wide = outer_joins(5);
my $pair = 'SELECT p0.id AS a, p1.id AS b FROM people p0 CROSS JOIN a.nums o ' . outer_joins(1);

attack('GROUP BY units that outer joins make NULL',
	"SELECT dp_count(*) FROM (SELECT p0.id AS a, p1.id AS b, p2.id AS c, p3.id AS d, p4.id AS e, p5.id AS f, count(*) FROM people p0 CROSS JOIN a.nums o $wide GROUP BY 1, 2, 3, 4, 5, 6) s",
	state => '00000|DP002');
attack('DISTINCT units that outer joins make NULL',
	"SELECT dp_count(*) FROM (SELECT DISTINCT p0.id AS a, p1.id AS b, p2.id AS c, p3.id AS d FROM people p0 CROSS JOIN a.nums o " . outer_joins(3) . ') s',
	state => '00000|DP002');
attack('the same below a sub-select',
	"SELECT dp_count(*) FROM (SELECT a, b, c, d, count(*) FROM (SELECT p0.id AS a, p1.id AS b, p2.id AS c, p3.id AS d FROM people p0 CROSS JOIN a.nums o " . outer_joins(3) . ') q GROUP BY a, b, c, d) s',
	state => '00000|DP002');
attack('GROUP BY the NULL unit alone', "SELECT dp_count(*) FROM (SELECT b FROM ($pair) q GROUP BY b) s", control => 'runs', state => '00000|DP002');
attack('GROUP BY the unit and an expression', 'SELECT dp_count(*) FROM (SELECT id, o.n + id AS n, count(*) FROM people, a.nums o GROUP BY 1, 2) s', state => '00000|DP002');
attack('UNION ALL of the unit', 'SELECT dp_count(*) FROM (' . join(' UNION ALL ', ('SELECT id FROM people') x 4) . ') s', state => '00000|DP002', control => 'runs');
attack('a cross join', 'SELECT dp_count(*) FROM people, a.nums', state => '00000');
attack('a self-join on another column', 'SELECT dp_count(*) FROM people p JOIN people q ON p.x = q.x', control => 'differs');

my $gap = "'2021-03-28 03:30 Europe/Berlin'::timestamptz";
attack('timestamp = timestamptz, twice in a clock change',
	'SELECT dp_count(*) FROM people p ' . join(' ', map { "JOIN a.ts t$_ ON t$_.k = $gap" } 1 .. 4),
	before => ["SET timezone = 'Europe/Berlin'"], after => ['RESET timezone'], state => '00000|DP002');
attack('date = timestamptz, a whole day',
	'SELECT dp_count(*) FROM people p ' . join(' ', map { "JOIN a.ts t$_ ON t$_.k::date = $gap" } 1 .. 4),
	before => ["SET timezone = 'Europe/Berlin'"], after => ['RESET timezone'], state => '00000|DP002', control => 'runs');

my @unique = ('DROP TABLE IF EXISTS a.u CASCADE', 'CREATE TABLE a.u (k int UNIQUE)', 'INSERT INTO a.u SELECT generate_series(0, 99)',
	'CREATE OR REPLACE FUNCTION a.drop_key() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN ALTER TABLE a.u DROP CONSTRAINT u_k_key; INSERT INTO a.u SELECT i FROM generate_series(0, 99) i, generate_series(1, 30); RETURN 0; EXCEPTION WHEN undefined_object THEN RETURN 0; END $$',
	'CREATE OR REPLACE FUNCTION a.at_planning(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN a.drop_key(); END $$');
# The release may have been planned with the index that goes away: XX000.
attack('a unique key dropped while planning: ' . DpAgg::brief($_), $_, before => \@unique, state => 'DP002|DP003|00000|XX000', control => s/dp_sum\(p\.x, /sum(p.x + /r =~ s/, 100\)/)/r)
  foreach "WITH z AS MATERIALIZED (SELECT a.at_planning('a')) SELECT dp_count(*), (SELECT * FROM z) FROM people p JOIN a.u ON u.k = p.x",
	"SELECT dp_count(*), dp_sum(p.x, a.at_planning('a'), 100) FROM people p JOIN a.u ON u.k = p.x",
	"SELECT dp_count(*), dp_sum(p.x * a.at_planning('a')) FROM people p JOIN a.u ON u.k = p.x",
	"SELECT dp_count(*), a.at_planning('a') FROM people p JOIN a.u ON u.k = p.x",
	"SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x WHERE lpad('x', a.at_planning('a')) IS NOT NULL",
	"SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x HAVING a.at_planning('a') = 0",
	"SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x ORDER BY a.at_planning('a')",
	"SELECT (SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x), a.at_planning('a')",
	"SELECT c FROM (SELECT dp_count(*) AS c FROM people p JOIN a.u ON u.k = p.x) q WHERE a.at_planning('a') = 0";
attack('a unique key dropped while executing, before the release',
	"SELECT a.drop_key(), (SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x)", before => \@unique,
	state => '00000|55006|DP002', control => 'none', why => 'PostgreSQL does not let a table be altered that a query under way uses');
attack('a unique key dropped between OPEN and FETCH', 'FETCH c',
	before => [ @unique, 'BEGIN', 'DECLARE c CURSOR FOR SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x', 'SAVEPOINT s', 'SELECT a.drop_key()', 'ROLLBACK TO s' ],
	state => '00000|55006|DP002', control => 'none', why => 'PostgreSQL does not let a table be altered that a query under way uses');
foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	attack("a unique key dropped after PREPARE ($mode)", 'EXECUTE q',
		before => [ @unique, "SET plan_cache_mode = $mode", 'PREPARE q AS SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x', 'EXECUTE q', 'EXECUTE q', 'SELECT a.drop_key()' ],
		after => [ 'DEALLOCATE q', 'RESET plan_cache_mode' ], state => '00000');
}
attack('a key dropped and duplicated in the transaction', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x',
	before => [ @unique, 'BEGIN', 'SELECT a.drop_key()' ], state => '00000');
attack('a deferred key', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x',
	before => [ @unique, 'ALTER TABLE a.u DROP CONSTRAINT u_k_key', 'ALTER TABLE a.u ADD UNIQUE (k) DEFERRABLE INITIALLY DEFERRED', 'BEGIN', 'INSERT INTO a.u SELECT i FROM generate_series(0, 99) i, generate_series(1, 30)' ],
	state => '00000');
attack('a partial key', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x',
	before => [ @unique, 'ALTER TABLE a.u DROP CONSTRAINT u_k_key', 'CREATE UNIQUE INDEX ON a.u (k) WHERE k < 0', 'INSERT INTO a.u SELECT i FROM generate_series(0, 99) i, generate_series(1, 30)' ],
	state => '00000');
attack('a key over an expression', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x',
	before => [ @unique, 'ALTER TABLE a.u DROP CONSTRAINT u_k_key', 'ALTER TABLE a.u ADD s serial', 'CREATE UNIQUE INDEX ON a.u ((k * 100000 + s))', 'INSERT INTO a.u SELECT i FROM generate_series(0, 99) i, generate_series(1, 30)' ],
	state => '00000');
attack('half a key', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x',
	before => [ @unique, 'ALTER TABLE a.u DROP CONSTRAINT u_k_key', 'ALTER TABLE a.u ADD s serial', 'CREATE UNIQUE INDEX ON a.u (k) INCLUDE (s)', 'DROP INDEX a.u_k_s_idx', 'CREATE UNIQUE INDEX ON a.u (k, s)', 'INSERT INTO a.u SELECT i FROM generate_series(0, 99) i, generate_series(1, 30)' ],
	state => '00000');
attack('a child table with the keys once more', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k = p.x',
	before => [ @unique, 'CREATE TABLE a.kin () INHERITS (a.u)', 'INSERT INTO a.kin SELECT i FROM generate_series(0, 99) i, generate_series(1, 30)' ],
	state => '00000');
attack('a child table that comes while planning', "SELECT dp_count(*), a.adopt('a') FROM people p JOIN a.u ON u.k = p.x",
	before => [ @unique, 'DROP TABLE IF EXISTS a.child', 'CREATE TABLE a.child (k int)', 'INSERT INTO a.child SELECT i FROM generate_series(0, 99) i, generate_series(1, 30)',
		q{CREATE OR REPLACE FUNCTION a.adopt_now() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN ALTER TABLE a.child INHERIT a.u; RETURN 0; EXCEPTION WHEN duplicate_table THEN RETURN 0; END $$},
		q{CREATE OR REPLACE FUNCTION a.adopt(text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN a.adopt_now(); END $$} ],
	state => '00000|DP002|55006', control => 'none', why => 'PostgreSQL does not let a table be altered that a query under way uses');
attack('a NULL key in the way', 'SELECT dp_count(*) FROM people p JOIN a.u ON u.k IS NOT DISTINCT FROM nullif(p.x, p.x)',
	before => [ @unique, 'INSERT INTO a.u SELECT NULL FROM generate_series(1, 30)' ], state => '00000|DP002');
attack('a key equated by an outer join only', 'SELECT dp_count(*) FROM people p CROSS JOIN a.u o LEFT JOIN pub t ON o.k = p.x AND t.k = p.x',
	before => \@unique, state => '00000|DP002');
attack('a key of the strong side, and the unit of the weak one',
	'SELECT dp_count(*) FROM people p CROSS JOIN a.u o LEFT JOIN people t ON o.k = p.x AND t.id = p.id', before => \@unique, state => '00000|DP002');
attack('a key equated in NOT', 'SELECT dp_count(*) FROM people p JOIN a.u o ON NOT (o.k = p.x)', before => \@unique, state => '00000');
attack('a key equated in OR', 'SELECT dp_count(*) FROM people p JOIN a.u o ON o.k = p.x OR o.k > 10', before => \@unique, state => '00000');
attack('a key equated in FILTER', 'SELECT dp_count(*) FILTER (WHERE o.k < 50) FROM people p CROSS JOIN a.u o', before => \@unique, state => '00000');
attack('text keys that are one as char', "SELECT dp_count(*) FROM people p JOIN a.words w ON w.k::char(5) = 'g1'", state => '00000|DP002');
run_attacks();

# Keys and snapshots.  What a transaction sees need not obey a unique index: the
# index looks at rows that live now.  Every script sees 30 rows of each key where
# one is unique by now, or two.  Without index scans, as dead rows are not in a new
# index, and with a constant as the key, since the planner itself is taken in by a
# join and stops at the first row of a key.
sub snapshots
{
	my ($name, $script, $fanned_out) = @_;
	my $connect = $node->connstr('postgres') . " user='analyst'";
	my $plans = "SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;\n";

	foreach my $on_copies (0, 1)
	{
		(my $sql = $script) =~ s/^OTHER (.*)$/\\! psql -Xqd "$connect" -c "$1" >&2/mg;
		$sql = on_copies($sql) if $on_copies;
		my $r = script('SET search_path = ' . ($on_copies ? 'plain, public' : 'public') . ";\n$plans$sql");
		my ($answer) = $r->{out} =~ /(\d+)\|?\s*\z/;

		if ($on_copies)
		{
			control(($answer // '') eq $fanned_out, "$name: seen without protection") or diag("$r->{out}\n$r->{err}");
		}
		else
		{
			attacked($r->{states} =~ /^(DP002|40001)$/ || ($r->{states} eq '' && abs(($answer // 1e9) - 1000) <= 5), $name)
			  or diag("$sql\n$r->{out}\n$r->{err}");
		}
	}
	return;
}
my $many_rows = 'DROP TABLE IF EXISTS a.old; CREATE TABLE a.old (k int); INSERT INTO a.old SELECT i FROM generate_series(0, 99) i, generate_series(1, 30);';
my $one_row = 'DELETE FROM a.old USING a.old o WHERE o.k = old.k AND o.ctid < old.ctid';
my $join = 'SELECT dp_count(*) FROM people p JOIN a.old o ON o.k = 5';
snapshots('a key that another session adds after the snapshot', <<"SQL", 30000);
$many_rows
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 FROM pub LIMIT 1;
OTHER $one_row; ALTER TABLE a.old ADD UNIQUE (k)
$join;
SQL
snapshots('a key that the transaction adds itself after the snapshot', <<"SQL", 30000);
$many_rows
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 FROM pub LIMIT 1;
OTHER $one_row
ALTER TABLE a.old ADD UNIQUE (k);
$join;
SQL
snapshots('a key whose row another session deletes, inserted again', <<"SQL", 32000);
DROP TABLE IF EXISTS a.old; CREATE TABLE a.old (k int UNIQUE); INSERT INTO a.old SELECT generate_series(0, 99);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 FROM pub LIMIT 1;
OTHER DELETE FROM a.old
INSERT INTO a.old SELECT generate_series(0, 99);
$join JOIN a.old o2 ON o2.k = 5 JOIN a.old o3 ON o3.k = 5 JOIN a.old o4 ON o4.k = 5 JOIN a.old o5 ON o5.k = 5;
SQL
snapshots('a key added and rows deleted within the statement', <<"SQL", 30000);
$many_rows
CREATE OR REPLACE FUNCTION a.make_unique() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN $one_row; ALTER TABLE a.old ADD UNIQUE (k); RETURN 0; END';
CREATE OR REPLACE FUNCTION a.ask() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN ($join); END';
SELECT a.make_unique(), a.ask();
SQL
my $parted = 'DROP TABLE IF EXISTS a.parted; CREATE TABLE a.parted (k int UNIQUE) PARTITION BY RANGE (k);';
my $attach = 'ALTER TABLE a.parted ATTACH PARTITION a.old FOR VALUES FROM (0) TO (100)';
(my $join_parted = $join) =~ s/a\.old/a.parted/;
snapshots('a partition that another session attaches after the snapshot', <<"SQL", 30000);
$parted $many_rows
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 FROM pub LIMIT 1;
OTHER $one_row; $attach
$join_parted;
SQL
snapshots('a partition attached and rows deleted within the statement', <<"SQL", 30000);
$parted $many_rows
CREATE OR REPLACE FUNCTION a.make_unique() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN $one_row; $attach; RETURN 0; END';
CREATE OR REPLACE FUNCTION a.ask() RETURNS bigint LANGUAGE plpgsql STABLE AS 'BEGIN RETURN ($join_parted); END';
SELECT a.make_unique(), a.ask();
SQL

# ---------- many groups, many rows, many outputs ----------

my $values = join ', ', map { "($_)" } 1 .. 50;
attack("amplified: $_->[0]", $_->[1], state => '00000|DP002|DP003', moves => $_->[2] // 5, control => $_->[3] // 'differs') foreach
  [ 'one row in every group, added up', 'SELECT sum(c) FROM (SELECT o.n, dp_count(*) AS c FROM people p JOIN a.nums o ON o.n < 5 GROUP BY 1) s', 5, 'SELECT count(*) * 10 FROM people' ],
  [ 'a public list', "SELECT dp_count(*) FROM people p, (VALUES $values) v" ], [ 'a public list, LATERAL', "SELECT dp_count(*) FROM people p, LATERAL (VALUES $values) v" ],
  [ 'a public list of the person alone', "SELECT dp_count(*) FROM people p LEFT JOIN (VALUES $values) v ON p.id = 5" ], [ 'a list joined twice', 'SELECT dp_count(*) FROM people p, a.nums a, a.nums b' ],
  [ 'a list of its values', 'SELECT dp_count(*) FROM people p JOIN a.k ON k.k < p.x' ], [ 'a list in a sub-select', 'SELECT dp_count(*) FROM (SELECT p.id FROM people p, a.nums OFFSET 0) s', 5 ],
  [ 'a list in a view', 'SELECT dp_count(*) FROM a.fanned', 5, 'SELECT count(*) FROM people p, a.nums o' ], [ 'a list by NOT =', 'SELECT dp_count(*) FROM people p JOIN a.nums o ON o.n <> p.x' ],
  [ 'visits of one person, all', 'SELECT dp_count(*) FROM visits v, a.nums' ], [ 'visits of one person, twice', 'SELECT dp_count(*) FROM visits v JOIN visits w ON v.pid = w.pid' ],
  [ 'visits of one person, four times', 'SELECT dp_count(*) FROM visits a JOIN visits b ON a.pid = b.pid JOIN visits c ON c.pid = a.pid JOIN visits d ON d.pid = a.pid' ],
  [ 'people and all their visits', 'SELECT dp_count(*) FROM people p LEFT JOIN visits v ON v.pid = p.id CROSS JOIN a.nums' ], [ 'the number of rows of a person, not bounded', 'SELECT dp_sum(n, 0, 5) FROM (SELECT pid, count(*) * 1000 AS n FROM visits GROUP BY pid) s', 6, 'SELECT sum(n) FROM (SELECT pid, count(*) * 1000 AS n FROM visits GROUP BY pid) s' ],
  [ 'a sum of a person, not bounded', 'SELECT dp_sum(s, 0, 5) FROM (SELECT id, sum(x) AS s FROM people, a.nums GROUP BY id) q', 6 ], [ 'a sum of a person, negative', 'SELECT dp_sum(s, -1, 1) FROM (SELECT id, -sum(x) AS s FROM people, a.nums GROUP BY id) q', 2.5 ],
  [ 'grouped by more than the unit', 'SELECT dp_count(*) FROM (SELECT p.id, o.n FROM people p, a.nums o GROUP BY p.id, o.n) s' ], [ 'DISTINCT by more than the unit', 'SELECT dp_count(*) FROM (SELECT DISTINCT p.id, o.n FROM people p, a.nums o) s' ],
  [ 'grouped by the unit of another', 'SELECT dp_count(*) FROM (SELECT v.pid, p.id, v.cost FROM visits v JOIN people p ON p.id = v.pid GROUP BY 1, 2, 3) s', 5, 'SELECT count(*) FROM (SELECT v.pid, p.id, v.cost FROM visits v JOIN people p ON p.id = v.pid, a.nums GROUP BY 1, 2, 3, nums.n) s' ],
  [ 'HAVING of a person', 'SELECT dp_count(*) FROM (SELECT p.id, o.n FROM people p, a.nums o GROUP BY 1, 2 HAVING count(*) = 1) s' ], [ 'EXISTS fanned out', 'SELECT dp_count(*) FROM people p, a.nums o WHERE EXISTS (SELECT FROM visits v WHERE v.pid = p.id)' ],
  [ 'NOT EXISTS fanned out', 'SELECT dp_count(*) FROM people p, a.nums o WHERE NOT EXISTS (SELECT FROM visits v WHERE v.pid = p.id AND v.cost < 0)' ], [ 'a CTE named many times', 'WITH c AS (SELECT id FROM people) SELECT dp_count(*) FROM c a JOIN c b ON a.id = b.id, a.nums' ],
  [ 'groups that are two in one', "SELECT g, dp_count(*) FROM (SELECT id, g FROM people UNION ALL SELECT id, 'all' FROM people UNION ALL SELECT id, CASE WHEN id = 5 THEN 'all' ELSE g END FROM people) s GROUP BY g", 5, 'SELECT g, sum(id * 10) FROM people GROUP BY g' ],
  [ 'a hundred filters', 'SELECT ' . join(' + ', map { "dp_count(*) FILTER (WHERE id = 5 AND x > -$_)" } 1 .. 30) . ' FROM people', 40, 'SELECT sum(o.n) * 2 FROM people, a.nums o WHERE id = 5' ],
  [ 'max_rows raised, one person has many', 'SELECT dp_count(*) FROM people p LEFT JOIN a.nums o ON p.id = 5 WHERE dp_with(max_rows => 5)' ],
  [ 'a weight by the number of rows', 'SELECT dp_sum(cost, 0, 1) FROM visits v, a.nums' ], [ 'a maximum over all rows of a person', 'SELECT dp_sum(m, 0, 1) FROM (SELECT pid, max(cost) * 1000 AS m FROM visits GROUP BY pid) s', 5, 'SELECT sum(m) FROM (SELECT pid, max(cost) * 1000 AS m FROM visits GROUP BY pid) s' ];
DpAgg::value($node, 'analyst', 'CREATE VIEW a.fanned AS SELECT p.id, p.x, o.n FROM people p, a.nums o');
attack('amplified: a group that only one person makes large enough', 'SELECT g, count(*) FROM (SELECT id, CASE WHEN id = 5 THEN o.n ELSE -1 END AS g FROM people, a.nums o) s GROUP BY g HAVING count(*) < 100', state => '00000|DP002', moves => 0);
attack('amplified: keys that only one person has', 'SELECT DISTINCT o.n + p.x * 100 FROM people p, a.nums o WHERE p.id = 5', state => '00000|DP002', moves => 0);
attack('amplified: a group of one person fanned out', 'SELECT p.name, count(*) FROM people p, a.nums a, a.nums b GROUP BY p.name', state => '00000|DP002', moves => 0);
run_attacks();

finish();
