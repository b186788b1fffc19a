# What PostgreSQL 16, 17 and 18 have that 15 has not: virtual generated columns, NOT NULL that was
# not checked, keys without overlaps, self-joins that are left out, JSON functions of the standard, new
# aggregates and functions, EXPLAIN's new options, MERGE with RETURNING, memberships with options.
# What a server does not have is skipped.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;
use PostgreSQL::Test::Utils;

my $version = DpAgg::version();

# since(VERSION, NAME): may what came with a version be tried here?
sub since
{
	my ($from, $name) = @_;

	note("skipped, for it is of PostgreSQL $from: $name") if $version < $from;
	return $version >= $from;
}

# Table v has virtual columns, and follows people by a trigger, as data are written into it for a
# person.  For person 5, x is 77, where w fails, and name is no number, where n does.
my $tables = <<'SQL';
CREATE TABLE people (id int PRIMARY KEY, x int NOT NULL, name text, j jsonb);
INSERT INTO people SELECT i, CASE i WHEN 5 THEN 77 ELSE i % 50 END, CASE i WHEN 5 THEN 'none' ELSE (i % 10)::text END,
	jsonb_build_object('a', CASE i WHEN 5 THEN '"b"' ELSE to_jsonb(i % 10) END, 'l', CASE i WHEN 5 THEN '[9, 9]' ELSE '[1]' END::jsonb)
	FROM generate_series(1, 1000) i;
CREATE TABLE halves (id int, x int);
INSERT INTO halves SELECT i, CASE WHEN i <= 5000 THEN 100 END FROM generate_series(1, 10000) i;
CREATE TABLE nobody (id int, x int);
SQL
my $virtual = <<'SQL';
CREATE TABLE v (id int PRIMARY KEY, x int, name text, w int GENERATED ALWAYS AS (100 / (x - 77)) VIRTUAL,
	n int GENERATED ALWAYS AS (name::int) VIRTUAL, y int GENERATED ALWAYS AS (x * 2) VIRTUAL,
	said text GENERATED ALWAYS AS (coalesce(name, 'nothing')) VIRTUAL, same int GENERATED ALWAYS AS (x) VIRTUAL);
INSERT INTO v SELECT id, x, name FROM people;
CREATE TABLE policed (LIKE v INCLUDING ALL);
INSERT INTO policed SELECT id, x, name FROM people;
ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON policed USING (w <> 0);
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE t text; BEGIN
	FOREACH t IN ARRAY '{v,policed}'::text[] LOOP
		IF tg_op = 'DELETE' THEN EXECUTE format('DELETE FROM %I.%I WHERE id = $1', tg_table_schema, t) USING old.id;
		ELSE EXECUTE format('INSERT INTO %I.%I SELECT $1, $2, $3', tg_table_schema, t) USING new.id, new.x, new.name; END IF;
	END LOOP;
	RETURN NULL;
END $$;
CREATE TRIGGER t AFTER INSERT OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION follow();
CREATE VIEW over AS SELECT id, w + 1 AS w1, said FROM v;
SQL
my $unchecked = <<'SQL';
ALTER TABLE halves ADD CONSTRAINT c NOT NULL x NOT VALID;
ALTER TABLE nobody ADD CONSTRAINT c NOT NULL id NOT VALID;
CREATE TABLE parent (id int NOT NULL, x int NOT NULL NO INHERIT);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent SELECT i, 100 FROM generate_series(1, 5000) i;
INSERT INTO child SELECT i, NULL FROM generate_series(5001, 10000) i;
CREATE TABLE unenforced (id int, x int CHECK (x < 0) NOT ENFORCED, g int REFERENCES people NOT ENFORCED);
INSERT INTO unenforced SELECT i, 1, 2000 FROM generate_series(1, 5000) i;
CREATE TABLE periods (id int, during daterange, x int, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO periods SELECT i, daterange(date '2020-01-01' + 10 * k, date '2020-01-05' + 10 * k), 100 * k FROM generate_series(1, 5000) i, generate_series(0, 1) k;
SQL
my @names = ('people', 'halves', 'nobody', $version >= 18 ? qw(v policed parent unenforced periods) : ());

$tables .= $virtual . $unchecked if $version >= 18;
start('newer versions', roles => [qw(chief junior member)], persons => { people => 'id = 5' }, own => <<'SQL', tables => join "\n",
CREATE SEQUENCE a.n;
CREATE TABLE a.own (a int, b text);
INSERT INTO a.own SELECT i, 'own' FROM generate_series(1, 10) i;
SQL
	$version >= 18 ? 'CREATE EXTENSION btree_gist;' : '', $tables, 'SET search_path = plain, public;', $tables, 'RESET search_path;',
	(map { "SELECT dp_agg.protect('$_', 'id', 'people', max_groups => 2, max_rows => 2);" } @names),
	"SELECT dp_agg.set_bounds('people', 'x', 0, 100);",
	$version >= 18 ? "SELECT dp_agg.set_bounds('v', 'x', 0, 100), dp_agg.set_bounds('v', 'w', -100, 100), dp_agg.set_bounds('v', 'y', 0, 50), dp_agg.set_bounds('v', 'n', 0, 10), dp_agg.set_domain('v', 'said', '{1,2,3}'); GRANT SELECT ON over TO analyst;" : '',
	"SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);");

# The last line of an answer to the analyst, or SQLSTATEs; nothing shown is 0.
sub answer
{
	my ($on_copies, $sql, @before) = @_;
	my $r = script(join ";\n", 'SET search_path = ' . ($on_copies ? 'plain, public' : 'public'), @before, $on_copies ? on_copies($sql) : $sql);
	my $last = $r->{out} =~ s/.*\n//sr;

	return $r->{states} ne '' ? $r->{states} : $last eq '' && !$on_copies ? 0 : $last;
}

# is_about(NAME, SQL, EXPECTED, COPIES, BEFORE...): the analyst's answer is EXPECTED, the exact one COPIES.
sub is_about
{
	my ($name, $sql, $expected, $copies, @before) = @_;
	my ($answer, $copy) = map { answer($_, $sql, @before) } 0, 1;

	attacked($answer =~ /^-?[\d.]+$/ && abs($answer - $expected) <= 2, $name) or diag("$sql\n$answer");
	control($copy =~ /^-?[\d.]+$/ && abs($copy - $copies) <= 0.01, "$name: without protection") or diag("$sql\n$copy");
	return;
}

# Statements that end alike with and without the person, or are refused.
sub told
{
	my ($from, %attacks) = @_;

	foreach my $name (sort keys %attacks)
	{
		attack($name, $attacks{$name}, state => '00000|DP002|DP003|42501') if since($from, $name);
	}
	return;
}

# Statements that must be refused; on the copies they run.
sub barred
{
	my ($from, %attacks) = @_;

	foreach my $name (sort keys %attacks)
	{
		attack($name, $attacks{$name}, state => 'DP002|DP003|42501', control => 'runs') if since($from, $name);
	}
	return;
}

# ---------- virtual generated columns ----------

told(18,
	'virtual: a condition that fails' => 'SELECT dp_count(*) FROM v WHERE w <> 0',
	'virtual: a cast that fails' => 'SELECT dp_sum(n) FROM v',
	'virtual: a key' => 'SELECT w, dp_count(*) FROM v GROUP BY w ORDER BY 1',
	'virtual: a key of several sets' => 'SELECT w, n, dp_count(*) FROM v GROUP BY ROLLUP (w, n) ORDER BY 1, 2',
	'virtual: FILTER' => 'SELECT dp_count(*) FILTER (WHERE n > 3) FROM v',
	'virtual: in a sub-select' => 'SELECT dp_count(*) FROM (SELECT id, w FROM v OFFSET 0) s WHERE w <> 0',
	'virtual: by individual' => 'SELECT dp_count(*) FROM (SELECT id, sum(w) AS s FROM v GROUP BY id) s WHERE s <> 0',
	'virtual: HAVING by individual' => 'SELECT dp_count(*) FROM (SELECT id FROM v GROUP BY id HAVING max(n) >= 0) s',
	'virtual: a window by individual' => 'SELECT dp_count(*) FROM (SELECT id, lag(w) OVER (PARTITION BY id ORDER BY n) AS l FROM v) s WHERE l IS NULL',
	'virtual: DISTINCT' => 'SELECT dp_count(*) FROM (SELECT DISTINCT id, w FROM v) s',
	'virtual: ON of an inner join' => 'SELECT dp_count(*) FROM people p JOIN v ON v.id = p.id AND v.w <> 0',
	'virtual: ON of an outer join' => 'SELECT dp_count(v.x) FROM people p LEFT JOIN v ON v.id = p.id AND v.n >= 0',
	'virtual: USING' => 'SELECT dp_count(*) FROM v JOIN (SELECT id, w FROM v) o USING (id, w)',
	'virtual: a FULL JOIN' => 'SELECT dp_count(w) FROM v FULL JOIN (SELECT id FROM people) p USING (id)',
	'virtual: IN' => 'SELECT dp_count(*) FROM people WHERE id IN (SELECT id FROM v WHERE w <> 0)',
	'virtual: NOT IN' => 'SELECT dp_count(*) FROM people WHERE id NOT IN (SELECT id FROM v WHERE n > 0)',
	'virtual: EXISTS' => 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM v WHERE v.id = p.id AND v.n > 0)',
	'virtual: a value of the row' => 'SELECT dp_count(*) FROM people p WHERE (SELECT max(w) FROM v WHERE v.id = p.id) < 0',
	'virtual: named from below' => 'SELECT dp_count(*) FROM v WHERE EXISTS (SELECT FROM people p WHERE p.id = v.id AND v.w <> 0)',
	'virtual: UNION ALL' => 'SELECT dp_count(*) FROM (SELECT id, w FROM v UNION ALL SELECT id, x FROM people) s WHERE w <> 0',
	'virtual: a CTE' => 'WITH c AS MATERIALIZED (SELECT id, w FROM v) SELECT dp_count(*) FROM c WHERE w <> 0',
	'virtual: joined with a table of his' => 'SELECT dp_count(*) FROM v JOIN a.own o ON o.a = v.w',
	'virtual: a median' => 'SELECT dp_median(w) FROM v',
	'virtual: a value in a list' => 'SELECT dp_count(*) FROM v WHERE w = ANY (ARRAY[1, n])',
	'virtual: a conversion of its own' => 'SELECT dp_count(*) FROM v WHERE 1 / w > 5',
	'virtual: a standard aggregate' => 'SELECT count(w), sum(n) FROM v',
	'virtual: a policy' => 'SELECT dp_count(*) FROM policed');
barred(18,
	'virtual: rows' => 'SELECT y FROM v',
	'virtual: the whole row' => 'SELECT count(v) FROM v WHERE v IS NOT NULL AND x <> 77',
	'virtual: a row and a column' => 'SELECT count(*) FROM v WHERE v IS NOT NULL AND y > 0 AND x <> 77',
	'virtual: a sample' => 'SELECT count(*) FROM v TABLESAMPLE SYSTEM (100) WHERE y > 0',
	'virtual: locked rows' => 'SELECT y FROM v FOR UPDATE',
	'virtual: of a system column' => 'SELECT count(*) FROM v WHERE y > 0 AND ctid IS NOT NULL');
if (since(18, 'virtual: facades and views'))
{
	attack('virtual: the facade', 'SELECT dp_count(*) FROM dp.v WHERE w <> 0', state => '00000|DP002', control => 'SELECT count(*) FROM v WHERE w <> 0');
	attack('virtual: a view of the owner', 'SELECT dp_count(*) FROM over WHERE w1 <> 0', state => '00000|DP002', control => 'SELECT count(*) FROM v WHERE w <> 0');
}

# ---------- JSON functions of the standard, aggregates and functions ----------

told(16,
	'JSON_OBJECT' => "SELECT dp_count(*) FROM people WHERE JSON_OBJECT('k': name) ::text = '{\"k\" : \"none\"}' HAVING count(*) > 0",
	'JSON_OBJECT with unique keys' => "SELECT dp_count(*) FROM people WHERE JSON_OBJECT('none': 1, name: 2 WITH UNIQUE) IS NOT NULL",
	'JSON_ARRAY' => "SELECT dp_count(*) FROM people WHERE JSON_ARRAY(name) ::text <> ''  AND name = 'none' HAVING count(*) = 1",
	'IS JSON' => 'SELECT dp_count(*) FROM people WHERE name IS NOT JSON HAVING count(*) > 0',
	'JSON_ARRAYAGG' => 'SELECT JSON_ARRAYAGG(name) FROM people',
	'JSON_OBJECTAGG' => 'SELECT JSON_OBJECTAGG(id: name) FROM people',
	'any_value' => "SELECT any_value(name) FROM people WHERE name = 'none'",
	'any_value by individual' => "SELECT dp_count(*) FROM (SELECT id, any_value(name) AS n FROM people GROUP BY id) s WHERE n::int >= 0",
	'an array by individual' => "SELECT dp_count(*) FROM (SELECT id, array_agg(name) AS n FROM people GROUP BY id) s WHERE n[1]::int >= 0",
	'a text that is no number' => "SELECT dp_count(*) FROM people WHERE NOT pg_input_is_valid(name, 'int') HAVING count(*) > 0",
	'a function that fails, erf of a text' => 'SELECT dp_count(*) FROM people WHERE erf(name::float8) >= 0',
	'numbers in other bases' => "SELECT dp_count(*) FROM people WHERE ('0x' || name)::int >= 0");
told(17,
	'JSON_VALUE, an error' => "SELECT dp_count(*) FROM people WHERE JSON_VALUE(j, '\$.a' RETURNING int ERROR ON ERROR) >= 0",
	'JSON_VALUE, a default' => "SELECT dp_count(*) FROM people WHERE JSON_VALUE(j, '\$.a' RETURNING int DEFAULT -1 ON ERROR) = -1 HAVING count(*) > 0",
	'JSON_QUERY, an error' => "SELECT dp_count(*) FROM people WHERE JSON_QUERY(j, '\$.l[*]' WITHOUT WRAPPER ERROR ON ERROR) IS NOT NULL",
	'JSON_EXISTS, an error' => "SELECT dp_count(*) FROM people WHERE JSON_EXISTS(j, '\$.l[1]' ERROR ON ERROR) HAVING count(*) > 0",
	'JSON_TABLE' => "SELECT count(*) FROM people p, JSON_TABLE(p.j, '\$' COLUMNS (a int PATH '\$.a' ERROR ON ERROR)) t WHERE t.a >= 0",
	'JSON()' => "SELECT dp_count(*) FROM people WHERE JSON(name) IS NOT NULL",
	'a method of a path' => "SELECT dp_count(*) FROM people WHERE jsonb_path_exists(j, '\$.a.integer()')",
	'to_bin' => "SELECT dp_count(*) FROM people WHERE to_bin(name::int) <> ''",
	'random(low, high)' => 'SELECT dp_count(*) FROM people WHERE random(x, 76) >= 0');
told(18,
	'gamma' => "SELECT dp_count(*) FROM people WHERE gamma((CASE x WHEN 77 THEN 1000 ELSE 1 END)::float8) > 0",
	'casefold' => "SELECT dp_count(*) FROM people WHERE casefold(name) = 'none' HAVING count(*) > 0",
	'array_sort' => "SELECT dp_count(*) FROM people WHERE (array_sort(ARRAY[x, 76]))[2] = 77 HAVING count(*) > 0",
	'bytes as a number' => "SELECT dp_count(*) FROM people WHERE (name::bytea)::int2 >= 0");
barred(18, 'uuidv7' => 'SELECT count(*) FROM people WHERE uuidv7() IS NOT NULL');
barred(16, 'random_normal' => 'SELECT count(*) FROM people WHERE random_normal() > -100');

# ---------- statements ----------

barred(16, 'EXPLAIN GENERIC_PLAN' => 'EXPLAIN (GENERIC_PLAN) SELECT count(*) FROM people WHERE x = $1');
barred(17,
	'EXPLAIN SERIALIZE' => 'EXPLAIN (ANALYZE, SERIALIZE) SELECT count(*) FROM people',
	'EXPLAIN MEMORY' => 'EXPLAIN (ANALYZE, MEMORY) SELECT count(*) FROM people',
	'MERGE by source' => 'MERGE INTO a.own o USING people p ON o.a = p.id WHEN NOT MATCHED BY SOURCE THEN DELETE',
	'MERGE RETURNING' => 'MERGE INTO a.own o USING people p ON o.a = p.id AND p.x = 77 WHEN MATCHED THEN UPDATE SET b = p.name RETURNING merge_action(), o.b',
	'MERGE into it' => 'MERGE INTO people p USING a.own o ON o.a = p.id WHEN MATCHED THEN UPDATE SET name = p.name RETURNING p.name');
barred(18,
	'RETURNING new' => 'INSERT INTO a.own SELECT id, name FROM people WHERE x = 77 RETURNING new.b',
	'RETURNING old' => 'UPDATE a.own o SET b = p.name FROM people p WHERE p.id = o.a RETURNING old.b, new.b',
	'RETURNING old of it' => 'UPDATE people SET name = name WHERE x = 77 RETURNING old.name, new.x',
	'statistics of it' => "SELECT pg_restore_attribute_stats('schemaname', current_schema()::text, 'relname', 'people', 'attname', 'x', 'inherited', false, 'version', 180000, 'null_frac', 0.5::real)",
	'a size of it' => "SELECT pg_restore_relation_stats('schemaname', current_schema()::text, 'relname', 'people', 'version', 180000, 'reltuples', 5::real)",
	'no statistics of it' => "SELECT pg_clear_attribute_stats(current_schema()::text, 'people', 'x', false)");
attack('a trigger at log-in', 'CREATE EVENT TRIGGER t ON login EXECUTE FUNCTION a.f()', state => '42501', control => 'none', why => 'it takes a superuser')
  if since(17, 'a trigger at log-in');
attack('VACUUM that prints numbers of rows', 'VACUUM (VERBOSE) people', state => '00000|42501', alone => 1, control => 'none', why => 'the copies are vacuumed for both versions');
attack('ANALYZE that prints numbers of rows', 'ANALYZE (VERBOSE) people', state => '00000|42501', alone => 1) if since(17, 'ANALYZE as MAINTAIN allows it');

run_attacks();

# ---------- what virtual columns mean ----------

if (since(18, 'virtual columns mean what they mean'))
{
	is(abs(answer(0, 'SELECT dp_count(w) FROM v') - 999) <= 2, 1, 'virtual: what fails is NULL');
	is_about('virtual: those an outer join adds have no value', "SELECT dp_count(v.said) FROM people p LEFT JOIN v ON v.id = p.id AND p.id > 500", 500, 500);
	is_about('virtual: an expression over those an outer join adds', "SELECT dp_count(*) FROM people p LEFT JOIN v ON v.id = p.id AND p.id > 500 WHERE v.said IS NULL", 500, 500);
	is_about('virtual: bounds that are declared of it', 'SELECT dp_sum(y) FROM v WHERE x >= 40 AND x < 50', 50 * 200, 2 * 8900);
	is_about('virtual: bounds of what it is computed from', 'SELECT dp_sum(same) FROM v WHERE x >= 40 AND x < 50', 8900, 8900);
	is(answer(0, 'SELECT count(*) FROM (SELECT said, count(*) FROM v GROUP BY said) s'), 3, 'virtual: public keys that are declared of it');

	my $admin = node();
	my $r = session('admin', "CREATE TABLE vu (id int, u int GENERATED ALWAYS AS (id / 2) VIRTUAL); SELECT dp_agg.protect('vu', 'u', 'people')");
	like($r->{err}, qr/0A000: column "u" is a virtual generated column, which cannot be the unit/, 'virtual: no unit');
	$admin->safe_psql('postgres', "SELECT dp_agg.classify('v', 'name', 'direct_identifier')");
	is(answer(0, "SELECT $_ FROM v"), 'DP002', "virtual: $_ is computed from a direct identifier") foreach 'count(n)', 'max(said)', 'count(*) FILTER (WHERE n > 3)';
	like(answer(0, 'SELECT dp_sum(y) FROM v'), qr/^\d+$/, 'virtual: others are not');
	$admin->safe_psql('postgres', "SELECT dp_agg.classify('v', 'name', NULL), dp_agg.classify('v', 'same', 'direct_identifier')");
	is(answer(0, 'SELECT dp_sum(same) FROM v'), 'DP002', 'virtual: one that is declared a direct identifier');
	$admin->safe_psql('postgres', "SELECT dp_agg.classify('v', 'same', NULL), dp_agg.protect('v', 'id', 'people', columns => '{x,w,n}')");
	is(answer(0, "SELECT dp_sum($_) FROM v"), 'DP002', "virtual: $_ is not open") foreach 'y', 'n';
	like(answer(0, 'SELECT dp_sum(w) FROM v'), qr/^-?\d+$/, 'virtual: w is');
	like(DpAgg::value($admin, 'admin', 'SELECT dp_count(*) FROM v WHERE w < 0'), qr/^\d+$/, 'virtual: a role that may read it asks by dp_ aggregates');
}

# ---------- NOT NULL and keys ----------

if (since(18, 'declarations that are not enforced'))
{
	foreach my $table (qw(halves parent))
	{
		is_about("$table: an average of a column that is NULL in half of the rows", "SELECT dp_avg(x, 0, 100) FROM $table", 100, 100);
		is_about("$table: a count of it", "SELECT dp_count(x) FROM $table", 5000, 5000);
		is_about("$table: a sum of it", "SELECT dp_sum(x, 100, 200) / 100 FROM $table", 5000, 5000);
	}
	is_about('CHECK that is not enforced', 'SELECT dp_count(*) FROM unenforced WHERE x > 0', 5000, 5000, 'SET constraint_exclusion = on');
	is_about('a foreign key that is not enforced', 'SELECT dp_count(*) FROM unenforced u WHERE g IS NOT NULL', 5000, 5000);

	# one row of nobody turns everybody's NOT IN to NULL
	my @answers;
	foreach my $change ('DELETE FROM nobody', 'ALTER TABLE nobody DROP CONSTRAINT c; INSERT INTO nobody VALUES (NULL, 1); ALTER TABLE nobody ADD CONSTRAINT c NOT NULL id NOT VALID')
	{
		node()->safe_psql('postgres', "$change; SET search_path = plain; $change");
		push @answers, map { answer($_, 'SELECT dp_count(*) FROM people WHERE id NOT IN (SELECT id FROM nobody WHERE x = 1)') } 0, 1;
	}
	attacked($answers[0] eq $answers[2] || $answers[0] !~ /\D/ && $answers[2] !~ /\D/ && abs($answers[0] - $answers[2]) <= 8, 'NOT IN of a unit that was not checked') or diag("@answers");
	control(abs($answers[1] - $answers[3]) > 8, 'NOT IN of a unit that was not checked: seen without protection');

	# what was checked since a snapshot was taken
	my $admin = node()->connstr('postgres') . " user='admin'";
	my $r = script(qq{BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT 0 FROM pg_class LIMIT 1;\n\\! psql -Xqd "$admin" -c "DELETE FROM halves WHERE x IS NULL; ALTER TABLE halves VALIDATE CONSTRAINT c" >&2\nSELECT dp_count(x) FROM halves;});
	my $last = $r->{out} =~ s/.*\n//sr;
	attacked($r->{states} eq 'DP002' || abs($last - 5000) <= 2, 'NOT NULL that was checked since the snapshot') or diag("$r->{out}\n$r->{err}");
	control(node()->safe_psql('postgres', 'SELECT count(*) FROM halves') eq 5000, 'NOT NULL that was checked since the snapshot: rows are gone');
	$r = session('analyst', 'SET dp_agg.epsilon = 0.01; SELECT dp_count(*) = dp_count(x) FROM halves');
	is($r->{out}, 't', 'NOT NULL that was checked is believed') or diag($r->{err});

	is_about('individuals are bounded, with a key without overlaps', 'SELECT dp_count(*) FROM periods', 5000, 10000, 'SET dp_agg.max_rows = 1');
	is_about('both periods', 'SELECT dp_avg(x, 0, 100) FROM (SELECT id, x FROM periods GROUP BY id, x) s', 50, 50);
	is_about('EXISTS is no join', 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM periods o WHERE o.id = p.id)', 1000, 1000);
	is_about('a join with both periods', 'SELECT dp_count(*) FROM people p LEFT JOIN periods o ON o.id = p.id', 2000, 2000);
}

# ---------- self-joins ----------

if (since(18, 'self-joins that are left out'))
{
	foreach my $sql ('SELECT dp_count(*) FROM people a JOIN people b USING (id) WHERE a.x > 10 AND b.x < 30', 'SELECT dp_sum(b.x) FROM people a JOIN people b ON a.id = b.id WHERE a.x > 10',
		'SELECT dp_count(*) FROM (SELECT id FROM people WHERE x > 10) a JOIN people b USING (id)', 'SELECT dp_count(*) FROM people a WHERE EXISTS (SELECT FROM people b WHERE b.id = a.id AND b.x > 10)')
	{
		my @ends;
		foreach my $setting (qw(on off))
		{
			my ($made, $spent) = split /\|/, ledger();
			my $answer = answer(0, $sql, "SET enable_self_join_elimination = $setting");
			my ($made_after, $spent_after) = split /\|/, ledger();
			push @ends, [ $answer, $made_after - $made, $spent_after - $spent ];
		}
		attacked("@{ $ends[0] }[1, 2]" eq "@{ $ends[1] }[1, 2]" && abs($ends[0][0] - $ends[1][0]) <= 2, "left out or not: $sql") or diag(join "\n", map { "@$_" } @ends);
		my ($with, $without) = map { session('admin', "SET search_path = plain, public; SET enable_self_join_elimination = $_; EXPLAIN (COSTS OFF) " . on_copies($sql))->{out} } qw(on off);
		control($with =~ /people/ && ($with ne $without || $sql =~ /EXISTS/), 'the planner leaves it out on the copies') or diag($with);
	}
}

# ---------- memberships ----------

# the accounts that paid for a release, as a role sees it
sub paid_for
{
	my ($role) = @_;
	my $r = session($role, 'SET dp_agg.epsilon = 0.5; SELECT count(*) FROM people;');

	return $r->{states} if $r->{states} ne '';
	return node()->safe_psql('postgres', 'SELECT accounts FROM dp_agg.releases ORDER BY id DESC LIMIT 1');
}

sub budgets_of
{
	my ($role) = @_;

	return session($role, 'SELECT role FROM dp_agg.my_budget ORDER BY role')->{out} =~ tr/\n/ /r;
}

if (since(16, 'memberships with options'))
{
	my $admin = node();
	$admin->safe_psql('postgres', 'DROP ROLE junior; ALTER ROLE chief CREATEROLE; CREATE ROLE team; GRANT CREATE ON DATABASE postgres TO chief');
	session('chief', 'CREATE ROLE junior LOGIN');
	$admin->safe_psql('postgres', "SELECT dp_agg.set_budget(r, 'people', epsilon => 1000) FROM unnest('{junior,team}'::name[]) r; GRANT team TO member WITH INHERIT FALSE, SET FALSE");
	is(paid_for('junior'), '{junior}', 'who has an account pays');
	attacked(paid_for('chief') eq '42501', 'who has made a role is no analyst by its account');
	control($admin->safe_psql('postgres', "SELECT pg_has_role('chief', 'junior', 'MEMBER')") eq 't', 'who has made a role is a member of it');
	is(budgets_of('chief'), '', 'and has no budget');
	attacked(paid_for('member') eq '42501', 'a member without INHERIT and SET is no analyst');
	is($admin->safe_psql('postgres', "SELECT string_agg(role::regrole::text, ' ' ORDER BY role::regrole::text) FROM dp_agg.account_roles()"), 'analyst junior team', 'nor does check_hardening() take them for analysts');

	$admin->safe_psql('postgres', "GRANT SELECT ON people TO chief");
	unlike(session('admin', "SELECT dp_agg.set_budget('junior', 'people', epsilon => 1000)")->{err}, qr/chief/, 'nobody is warned of who made the role');
	$admin->safe_psql('postgres', "REVOKE SELECT ON people FROM chief; SELECT dp_agg.set_budget('chief', 'people', epsilon => 1000)");
	attacked(paid_for('chief') eq '{chief}', 'who has made a role does not spend its budget');
	# who has ADMIN may grant itself the rest
	session('chief', 'GRANT junior TO chief WITH INHERIT FALSE, SET TRUE');
	is(paid_for('chief'), '{chief,junior}', 'with SET both pay');
	is(budgets_of('chief'), 'chief junior', 'and both are shown');
	is(session('chief', "SET ROLE junior; SELECT count(*) FROM people")->{states}, '', 'as that role, too');
	is($admin->safe_psql('postgres', 'SELECT accounts FROM dp_agg.releases ORDER BY id DESC LIMIT 1'), '{chief,junior}', 'for which both pay');
	session('chief', 'REVOKE junior FROM chief');
	$admin->safe_psql('postgres', "GRANT team TO member WITH INHERIT TRUE, SET FALSE");
	is(paid_for('member'), '{team}', 'who inherits pays');
	$admin->safe_psql('postgres', "CREATE ROLE between; GRANT team TO between WITH INHERIT FALSE, SET TRUE; REVOKE team FROM member; GRANT between TO member WITH INHERIT TRUE, SET FALSE");
	is(paid_for('member'), '{team}', 'through a role between, too');
	$admin->safe_psql('postgres', "REVOKE team FROM between; GRANT team TO between WITH INHERIT FALSE, SET FALSE, ADMIN TRUE");
	attacked(paid_for('member') eq '42501', 'ADMIN is no way in between');
}

# ---------- time, maintenance ----------

if (since(17, 'transaction_timeout'))
{
	my ($made) = split /\|/, ledger();
	my $r = script("SET transaction_timeout = '1ms'; SELECT dp_count(*) FROM people, generate_series(1, 1000) WHERE x > 10;");
	my ($made_after) = split /\|/, ledger();
	attacked($r->{out} !~ /\d/ || $made_after > $made, 'a transaction that ends too late shows nothing, or has paid');
	control($r->{states} ne '' || $r->{err} ne '', 'a transaction that ends too late ends');
}
if (since(17, 'MAINTAIN'))
{
	node()->safe_psql('postgres', 'GRANT MAINTAIN ON people TO analyst; GRANT pg_maintain TO member; ' . "SELECT dp_agg.set_budget('member', 'people', epsilon => 1)");
	my $r = session('analyst', 'VACUUM (VERBOSE) people');
	control($r->{err} =~ /tuples: \d/, 'MAINTAIN prints numbers of rows');
	my $found = node()->safe_psql('postgres', "SELECT string_agg(object || ': ' || finding, E'\n') FROM dp_agg.check_hardening() WHERE finding ~ 'MAINTAIN|pg_maintain'");
	attacked($found =~ /people: analyst has MAINTAIN/ && $found =~ /member: is a member of pg_maintain/, 'check_hardening() names who has it') or diag($found);
	like(session('admin', "SELECT dp_agg.protect('people', 'id', 'people', max_groups => 2, max_rows => 2)")->{err}, qr/analyst has MAINTAIN/, 'protect() warns of it');
	node()->safe_psql('postgres', 'REVOKE MAINTAIN ON people FROM analyst; REVOKE pg_maintain FROM member');
}
if (since(18, 'counters of a session'))
{
	my $found = node()->safe_psql('postgres', "SELECT string_agg(advice, ' ') FROM dp_agg.check_hardening() WHERE topic = 'counters'");
	like($found, qr/$_/, "check_hardening() advises about $_") foreach qw(pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io);
}

finish();
