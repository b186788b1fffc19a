# Shapes of queries, and who asks: calendars, FULL JOIN, units of two types, window functions of one
# individual, values of the session, row security, and functions that came to the language with
# them.  A leak: what one individual's window, day or partner is depends on others; an error or a call of
# the analyst's code comes with a row; a key is listed because somebody is there.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('shapes of queries');
my %runs = (state => 'DP002|42501', control => 'runs');

# ---------- window functions ----------

attack("a window over everybody: $_", "SELECT dp_count(*) FROM (SELECT $_ AS w FROM people) s WHERE w::text = '5'", %runs) foreach
  'lag(id) OVER (ORDER BY id)', 'row_number() OVER (ORDER BY id)', 'count(*) OVER ()', 'first_value(id) OVER (PARTITION BY g ORDER BY name)', 'min(id) OVER (PARTITION BY x)', 'max(id) OVER (PARTITION BY id % 2)',
  'lag(id) OVER (PARTITION BY nullif(id, 5) ORDER BY id)', 'rank() OVER (PARTITION BY (id IS NULL))', 'lead(id) OVER (PARTITION BY (SELECT 1) ORDER BY id)', 'sum(x) OVER (PARTITION BY id / 1000)', 'count(*) OVER (PARTITION BY id::text::char(1))';
attack('a window over a unit that a join made NULL', 'SELECT dp_count(*) FROM (SELECT row_number() OVER (PARTITION BY v.pid ORDER BY p.id) AS w FROM people p LEFT JOIN visits v ON v.pid = p.id AND v.cost < 0) s WHERE w = 7', %runs);
attack('a window over half of a unit that FULL JOIN makes NULL', 'SELECT dp_count(*) FROM (SELECT row_number() OVER (PARTITION BY v.pid ORDER BY p.id) AS w FROM people p FULL JOIN (SELECT pid FROM visits WHERE cost < 0 GROUP BY pid) v ON v.pid = p.id) s WHERE w = 7', %runs);
attack("a window that fails for a row: $_", "SELECT dp_count(*) FROM (SELECT $_ AS w FROM people) s WHERE w IS NULL OR w IS NOT NULL", state => '00000|DP002', moves => 1) foreach
  'ntile(CASE WHEN id = 5 THEN 0 ELSE 1 END) OVER (PARTITION BY id)', 'nth_value(x, CASE WHEN id = 5 THEN 0 ELSE 1 END) OVER (PARTITION BY id)', 'lag(x, 1, 1 / (id - 5)) OVER (PARTITION BY id)', 'sum(1 / (id - 5)) OVER (PARTITION BY id)', 'count(*) FILTER (WHERE 1 / (id - 5) > 0) OVER (PARTITION BY id)',
  'row_number() OVER (PARTITION BY id, 1 / (id - 5))', 'row_number() OVER (PARTITION BY id ORDER BY 1 / (id - 5))', 'sum(CASE WHEN id = 5 THEN 9e131071 ELSE 1 END + CASE WHEN id = 5 THEN 9e131071 ELSE 1 END) OVER (PARTITION BY id)';
attack("the analyst's code in a window: $_", "SELECT dp_count(*) FROM (SELECT $_ AS w FROM people) s WHERE w > 0", %runs) foreach
  'lag(a.spy(x)) OVER (PARTITION BY id)', 'count(*) OVER (PARTITION BY id, a.spy(x))', 'row_number() OVER (PARTITION BY id ORDER BY a.spy(x))', 'a.seen(x) OVER (PARTITION BY id)', 'a.greatest(x) OVER (PARTITION BY id)', 'a.cn(*) OVER (PARTITION BY id)', 'count(*) FILTER (WHERE a.spy(x) > 0) OVER (PARTITION BY id)';
attack('a row by its number', 'SELECT dp_count(*) FROM (SELECT id, row_number() OVER (PARTITION BY id ORDER BY x) AS w FROM people) s WHERE id = 5 AND w = 1', state => '00000', moves => 0);
attack('the plan of a window', 'EXPLAIN SELECT dp_count(*) FROM (SELECT row_number() OVER (PARTITION BY id ORDER BY x) AS w FROM people) s', %runs, state => '00000', moves => 0, without => qr/Left: .*/);
attack('rows with numbers', 'SELECT id, row_number() OVER (PARTITION BY id ORDER BY x) FROM people', %runs);

# ---------- calendars and functions in FROM ----------

attack('whether a listed day has somebody', 'SELECT k, dp_count(id) FROM pub LEFT JOIN people p ON p.x = k AND p.id = 5 GROUP BY k ORDER BY k', state => '00000', moves => 0);
attack('whether a day is listed', 'SELECT k FROM pub LEFT JOIN people p ON p.x = k WHERE p.id = 5 GROUP BY k', state => '00000', moves => 0);
attack('whether a day is listed, by HAVING', 'SELECT k FROM pub LEFT JOIN people p ON p.x = k AND p.id = 5 GROUP BY k HAVING dp_count(id) > 0', state => '00000', moves => 0);
attack('a row that nobody has counts', 'SELECT dp_count(*) FROM pub LEFT JOIN people p ON p.x = k AND p.id = 5 WHERE k = (37 * 5) % 100 AND p.id IS NULL', state => '00000', moves => 0);
attack("the analyst's code on the public side: $_", "SELECT c.k, dp_count(p.id) FROM $_ LEFT JOIN people p ON p.x = c.k GROUP BY c.k", %runs) foreach
  '(SELECT a.spy(k) AS k FROM pub) c', '(SELECT k FROM pub WHERE a.spy(k) > 0) c', 'a.nums n CROSS JOIN LATERAL (SELECT a.spy(n.n) AS k) c', 'generate_series(1, a.spy(5)) AS c(k)';
attack("a key of the analyst's code", 'SELECT a.spy(k), dp_count(p.id) FROM pub LEFT JOIN people p ON p.x = k GROUP BY 1', %runs);
attack("a function of a row in FROM: $_", "SELECT dp_count(*) FROM people p, $_ c", %runs) foreach
  'generate_series(1, p.x)', 'generate_series(1, CASE WHEN p.id = 5 THEN 1000 ELSE 1 END)', 'LATERAL (SELECT * FROM generate_series(1, p.x)) ', 'unnest(ARRAY[p.x])', 'ROWS FROM (generate_series(1, 2), generate_series(1, p.x))', 'string_to_table(p.name, \'5\')', 'pg_show_all_settings()', 'json_each(\'{"a": 1}\')';
attack('a series that fails where a row asks for it', "SELECT dp_count(*) FROM people p WHERE id = 5 AND EXISTS (SELECT FROM generate_series(1, 5, 0) g WHERE g = p.x)", state => '22023|DP002', control => 'differs', moves => 0);

# ---------- FULL JOIN, and units of two types ----------

attack("FULL JOIN, where others decide about a partner: $_", "SELECT dp_count(*) FROM people p FULL JOIN visits v ON $_", %runs) foreach 'p.x = v.cost', 'p.id = v.pid AND p.x = v.cost', 'p.id = v.pid + 1', 'p.id % 2 = v.pid % 2', 'p.g = v.clinic AND p.id = v.pid';
attack('one unit against three, by parts', 'SELECT dp_count(*) FROM people p FULL JOIN visits v ON p.id = v.pid FULL JOIN events e ON e.pid = v.pid', %runs);
attack("units that a cast makes one: $_", "SELECT dp_count(*) FROM people p JOIN visits v ON $_", %runs) foreach 'left(p.id::text, 1) = v.pid::text', 'p.id::text::char(1) = v.pid::text::char(1)', '(p.id::numeric / 2)::int = v.pid', 'p.id::float4 = v.pid::float4', 'p.id::bool = v.pid::bool', 'p.id::numeric(3, -1) = v.pid', 'p.id::varchar(1) = v.pid::varchar(1)', 'p.id::text::name = v.pid::text::name';
attack('whose partner it is, in a group that belongs to nobody', 'SELECT dp_count(*) FROM (SELECT v.pid FROM people p FULL JOIN visits v ON p.id = v.pid) s WHERE s.pid IS NULL', state => '00000', moves => 5, control => 'runs');

# ---------- values of the session ----------

attack("a value of the session that a row asks for: $_", "SELECT dp_count(*) FROM people WHERE $_", state => 'DP002|42704', moves => 0) foreach
  "current_setting(CASE WHEN id = 5 THEN 'a.none' ELSE 'work_mem' END) = ''", "CASE WHEN id = 5 THEN current_setting('a.none') = name ELSE true END", "pg_has_role(CASE WHEN id = 5 THEN 'nobody at all' ELSE 'analyst' END, 'member')";
attack("the analyst's code in a value of the session: $_", "SELECT dp_count(*) FROM people WHERE $_", %runs) foreach "current_setting(a.spy_text('work_mem')) <> name", "a.spy_text(current_user) <> name", "current_setting('work_mem') = a.spy_text(name)", "set_config('a.seen', name, false) = name";

# ---------- functions ----------

attack("a function that fails for a row: $_", "SELECT dp_count(*) FROM people WHERE $_ IS NOT NULL", state => '00000|DP002', moves => 1) foreach
  "decode(CASE WHEN id = 5 THEN 'x' ELSE '00' END, 'hex')", 'get_bit(B\'1\', CASE WHEN id = 5 THEN 7 ELSE 0 END)', "(B'1' & CASE WHEN id = 5 THEN B'11' ELSE B'1' END)", 'trim_array(ARRAY[1, 2], CASE WHEN id = 5 THEN 9 ELSE 1 END)', "jsonb_set('[1]', ARRAY[CASE WHEN id = 5 THEN 'x' ELSE '0' END], '2')",
  "(CASE WHEN id = 5 THEN 'x' ELSE '{}' END)::jsonb - 'a'", "set_masklen('10.0.0.1'::inet, CASE WHEN id = 5 THEN 99 ELSE 8 END)", "unistr(CASE WHEN id = 5 THEN '\\0' ELSE 'a' END)", "pg_size_bytes(CASE WHEN id = 5 THEN 'x' ELSE '1 kB' END)", "regexp_substr(name, 'p', CASE WHEN id = 5 THEN 0 ELSE 1 END)", "substr('abc'::bytea, 1, CASE WHEN id = 5 THEN -1 ELSE 1 END)", "(CASE WHEN id = 5 THEN '\\xz' ELSE 'a' END)::bytea";
attack("a pattern, a format or a width of a row: $_", "SELECT dp_count(*) FROM people WHERE $_ IS NOT NULL", %runs) foreach 'regexp_match(name, g)', 'regexp_split_to_array(name, g)', 'regexp_instr(name, g)', 'format(name, x)', "format('%*s', x, name)", "format('%700s', name)";
run_attacks();

# ---------- row security ----------

# The analyst chooses what the policy shows, and counts that: it is a condition that was its own to write.
$node->safe_psql('postgres', "ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON people TO analyst USING (id = current_setting('app.id')::int OR id < current_setting('app.below', true)::int)");
foreach my $sql ('SELECT dp_count(*) FROM people', 'SELECT name, dp_count(*) FROM people GROUP BY name', 'SELECT dp_avg(x) FROM people', 'SELECT max(x) FROM people')
{
	my $r = script("SET app.id = 5; $sql");

	attacked($r->{states} =~ /^(DP002|DP003|)$/ && $r->{out} !~ /\b(p5|85)\b/ && $r->{out} !~ /^1$/m, "one person by a policy: $sql") or diag("$r->{out}\n$r->{err}");
}
control(script('SET app.id = 5; SET app.below = 500; SET dp_agg.epsilon = 100; SELECT dp_count(*) FROM people')->{out} =~ /^(49\d|50\d)$/m, 'and many are shown');
foreach my $id ('none', '5 OR true', '99999999999')
{
	my @r = map { script("SET app.id = '$id'; SET app.below = $_; SELECT dp_count(*) FROM people") } 0, 1000;

	attacked($r[0]->{states} eq $r[1]->{states}, "a policy whose value fails does so whatever the rows: $id") or diag("$r[0]->{states} $r[1]->{states}\n$r[0]->{err}");
}
foreach my $sql ('SELECT name FROM people', 'EXPLAIN ANALYZE SELECT count(*) FROM people', 'SELECT count(*) FROM people FOR UPDATE')
{
	my $r = script("SET app.id = 5; $sql");
	attacked($r->{states} =~ /^(42501|DP002|0A000)$/ && $r->{out} eq '', "rows by a policy: $sql") or diag("$r->{out}\n$r->{err}");
}
# A policy is asked before the analyst's conditions, and these are no code of the analyst's.
$node->safe_psql('postgres', 'ALTER POLICY mine ON people USING (id > 100)');
foreach my $sql ('SELECT dp_count(*) FROM people WHERE a.spy(id) > 0', "SELECT dp_count(*) FROM people WHERE a.spy_text(name) = 'p5'", 'SELECT dp_count(*) FROM a.own o JOIN people p ON a.spy(p.id) = o.a')
{
	my $calls = 'SELECT last_value FROM a.calls';
	my $before = DpAgg::value($node, 'analyst', $calls);
	my $r = script($sql);
	attacked(DpAgg::value($node, 'analyst', $calls) eq $before && $r->{states} eq 'DP002', "code before a policy: $sql") or diag("$r->{states} $r->{err}");
}
$node->safe_psql('postgres', 'DROP POLICY mine ON people; ALTER TABLE people DISABLE ROW LEVEL SECURITY');

finish();
