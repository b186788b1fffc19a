# min and max of texts, enums and the like, bool_and and bool_or, array_agg and string_agg of
# different values: what they are beside plain SQL, what they cost, and whom they leave out.
#
# At an epsilon of 1000 a value shows if about 20 people have it, so answers are plain SQL's over
# the values that many have.  The rare ones, first and last in any order, must never be seen.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('texts', roles => [ 'analyst', 'sql' ], conf => <<'CONF');
timezone = 'UTC'
max_parallel_workers = 8
max_worker_processes = 12
CONF
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $icu = $node->safe_psql('postgres', "SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'");

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'glad', 'calm');
ALTER TYPE mood ADD VALUE 'meek' BEFORE 'glad';
CREATE DOMAIN word AS text CHECK (value <> '');
-- 19 people, of group 0, have values that come first or last in any order
CREATE TABLE one (id int PRIMARY KEY, g int NOT NULL, t text, v varchar(10) NOT NULL, c char(6), m mood, w word,
	u uuid, i inet, tm time, by bytea, n numeric(12,2), x int NOT NULL, yes boolean NOT NULL, maybe boolean);
INSERT INTO one
SELECT p, g, CASE WHEN rare AND p % 2 = 0 THEN '' WHEN rare THEN 'zzz' ELSE (ARRAY['Beta', 'alpha', 'Zeta', 'gamma', NULL])[1 + p % 5] END,
	CASE WHEN rare THEN '!' ELSE (ARRAY['Beta', 'alpha', 'Zeta', 'gamma'])[1 + p % 4] END,
	CASE WHEN rare THEN '!' ELSE (ARRAY['b', 'a', 'd'])[1 + p % 3] END,
	CASE WHEN rare THEN 'sad' ELSE (ARRAY['meek', 'glad', 'calm'])[1 + p % 3] END::mood,
	CASE WHEN rare THEN '!' ELSE 'word ' || p % 3 END,
	CASE WHEN rare THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' ELSE md5((p % 4)::text) END::uuid,
	CASE WHEN rare THEN '255.0.0.1' ELSE '10.0.0.' || p % 4 END::inet,
	CASE WHEN rare THEN '00:00' ELSE '12:00' END::time + interval '1 minute' * (p % 3),
	CASE WHEN rare THEN '\x' ELSE '\x0' || p % 4 END::bytea, CASE WHEN rare THEN 1e9 ELSE p % 4 * 1.50 END, p % 100, NOT rare,
	CASE g WHEN 0 THEN p / 4 % 2 = 0 WHEN 1 THEN true WHEN 2 THEN rare WHEN 3 THEN CASE WHEN p % 100 = 3 AND p < 1500 THEN true END END
FROM generate_series(1, 4000) q, LATERAL (SELECT q AS p, q % 4 AS g, q <= 76 AND q % 4 = 0 AS rare) r;
-- three rows each, in as many groups, which say the same but for the third
CREATE TABLE several AS
SELECT o.id AS person, (o.g + k) % 4 AS g, o.t, o.v, o.c, o.m, o.w, o.u, o.i, o.tm, o.by, o.n, o.x, o.yes, o.maybe
FROM one o, generate_series(1, 3) k;
ALTER TABLE several ALTER person SET NOT NULL, ALTER yes SET NOT NULL, ALTER x SET NOT NULL;
CREATE TABLE names (g int PRIMARY KEY, name text NOT NULL);
INSERT INTO names SELECT g, 'group ' || g FROM generate_series(0, 3) g;
GRANT SELECT ON names TO analyst;
SELECT dp_agg.protect('one', 'id', 'people');
SELECT dp_agg.protect('several', 'person', 'people', max_groups => 3, max_rows => 3);
SET client_min_messages = warning;
SELECT dp_agg.set_bounds(r, 'x', 0, 100) FROM unnest('{one,several}'::regclass[]) r;
SELECT dp_agg.set_budget(r, 'people', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
ANALYZE;
SQL

sub answer
{
	my ($sql, %o) = @_;

	return DpAgg::value($node, $o{role} // 'analyst', 'SET client_min_messages = error; SET dp_agg.epsilon = ' . ($o{epsilon} // 1000) . ";\n$sql");
}

# Column of dp_agg.last_release() after a query, one line per output.
sub last_release
{
	my ($query, $columns, %o) = @_;

	return answer("\\o /dev/null\n$query;\n\\o\nSELECT $columns FROM dp_agg.last_release()", epsilon => 1, %o);
}

# ---------- beside plain SQL ----------

# What the values are that show: of a column, those that 21 people of the group have.
sub truth
{
	my ($table, $unit, $column, $call) = @_;
	my $common = "(SELECT g, $column FROM $table WHERE $column IS NOT NULL GROUP BY 1, 2 HAVING count(DISTINCT $unit) > 20) s";

	return $node->safe_psql('postgres', "SELECT g, $call FROM $common GROUP BY g ORDER BY g");
}

my @calls = (
	(map { my $c = $_; map { [ $c, "$_($c)" ] } 'min', 'max' } qw(t v c m i tm)),
	(map { [ $_, "array_agg(DISTINCT $_)" ] } qw(t v c m u i tm by n)),
	(map { [ $_, "array_agg(DISTINCT $_ ORDER BY $_ DESC)" ] } qw(t m n)),
	(map { [ $_, "string_agg(DISTINCT $_, ', ')" ], [ $_, "string_agg(DISTINCT $_, '' ORDER BY $_ DESC NULLS LAST)" ], [ $_, "string_agg(DISTINCT $_, NULL)" ] } qw(t v)),
	[ 't', 'max(DISTINCT t)' ], [ 'x', 'array_agg(DISTINCT x)' ]);
foreach my $wild ([ 'one', 'id' ], [ 'several', 'person' ])
{
	my ($table, $unit) = @$wild;

	foreach my $call (@calls)
	{
		my $sql = "SELECT g, $call->[1] FROM $table GROUP BY g ORDER BY g";
		my $truth = truth($table, $unit, @$call);

		next if $table eq 'several' && $call->[0] eq 'x';
		is(answer($sql), $truth, "$table: $call->[1]");
		is(answer($sql, role => 'sql'), $truth, "$table: $call->[1], without the bounding node")
		  if $table eq 'several';
	}
	is(answer("SELECT dp_min(t), dp_max(t), dp_min(m), dp_max(m), dp_max(c), dp_min(w), dp_max(w), dp_min(v), dp_min(i), dp_max(by), max(w) FROM $table"),
		'Beta|gamma|meek|calm|d     |word 0|word 2|Beta|10.0.0.0|\x03|word 2', "$table: dp_min and dp_max");
}
is(answer('SELECT pg_typeof(min(t)), pg_typeof(max(v)), pg_typeof(max(c)), pg_typeof(min(m)), pg_typeof(dp_max(v)), pg_typeof(array_agg(DISTINCT v)), pg_typeof(string_agg(DISTINCT v, $$,$$)), pg_typeof(bool_or(yes)), pg_typeof(dp_max(yes)) FROM one'),
	'text|text|character|mood|character varying|character varying[]|text|boolean|boolean', 'types are those of plain SQL');

# Parallel plans merge the same states.
{
	my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 4;';
	my $list = 'g, min(t), max(m), array_agg(DISTINCT v), bool_and(yes), bool_or(maybe)';

	foreach my $table ('one', 'several')
	{
		my $expected = answer("SET max_parallel_workers_per_gather = 0; SELECT $list FROM $table GROUP BY g ORDER BY g");

		is(answer("$parallel SET work_mem = '64kB'; SELECT $list FROM $table GROUP BY g ORDER BY g"), $expected, "$table: in parallel");
		is(answer("$parallel SET enable_hashagg = off; SELECT $list FROM $table GROUP BY g ORDER BY g"), $expected, "$table: in parallel, sorted");
		is(answer("$parallel SELECT $list FROM $table GROUP BY g ORDER BY g", role => 'sql'), $expected, "$table: in parallel, by SQL");
	}
}

# ---------- orders ----------

is(answer('SELECT string_agg(DISTINCT t COLLATE "C", $$ $$), max(t COLLATE "C"), min(t COLLATE "C") FROM one'), 'Beta Zeta alpha gamma|gamma|Beta', 'bytes');
SKIP:
{
	skip 'no ICU', 1 if !$icu;
	is(answer('SELECT string_agg(DISTINCT t COLLATE "en-x-icu", $$ $$), max(t COLLATE "en-x-icu"), min(t COLLATE "en-x-icu"), string_agg(DISTINCT t COLLATE "en-x-icu", $$ $$ ORDER BY t COLLATE "en-x-icu" DESC) FROM one'),
		'alpha Beta gamma Zeta|Zeta|alpha|Zeta gamma Beta alpha', 'a language, by ICU');
}
is(answer('SELECT array_agg(DISTINCT m), array_agg(DISTINCT m ORDER BY m DESC), min(m), max(m), string_agg(DISTINCT m::text, $$ $$) FROM one'),
	'{meek,glad,calm}|{calm,glad,meek}|meek|calm|calm glad meek', 'enums in the order of their labels, one added between');
is(answer(q(SELECT max(t) FILTER (WHERE x < 50), min(t) FILTER (WHERE v = 'alpha'), max(upper(t)), min(substr(v, 2)), max(t || c), max(x::text), max(CASE WHEN x > 50 THEN t END) FROM one)),
	$node->safe_psql('postgres', q(SELECT max(t) FILTER (WHERE x < 50), min(t) FILTER (WHERE v = 'alpha'), max(upper(t)), min(substr(v, 2)), max(t || c), max(x::text), max(CASE WHEN x > 50 THEN t END) FROM one WHERE id > 76)),
	'FILTER, and expressions');
is(answer('SELECT count(*), max(t) FROM one HAVING max(t) = $$gamma$$ AND bool_or(yes) ORDER BY min(m)') =~ s/^\d+/n/r, 'n|gamma', 'HAVING and ORDER BY');
is(answer('SELECT name, max(t) FROM one JOIN names USING (g) GROUP BY name ORDER BY max(v), name'), $node->safe_psql('postgres', q(SELECT name, max(t) FROM one JOIN names USING (g) WHERE id > 76 GROUP BY name ORDER BY max(v), name)),
	'a join with a public table');
is(answer('SELECT max(t), (SELECT min(t) FROM one) FROM one'), 'gamma|Beta', 'two releases');

# ---------- who does not show ----------

foreach my $case (
	[ 'min(t), max(t), string_agg(DISTINCT t, $$,$$), array_agg(DISTINCT t)', '|||' ], [ 'min(m), dp_max(u), max(i)', '||' ], [ 'bool_and(yes), bool_or(yes)', '|' ])
{
	is(answer("SELECT $case->[0] FROM one WHERE id <= 76 AND g = 0"), $case->[1], "of 19 people: $case->[0] is NULL");
}
{
	my $r = DpAgg::as($node, 'analyst', 'SET dp_agg.epsilon = 1000; SELECT max(t) FROM one WHERE id <= 76 AND g = 0');

	like($r->{err}, qr/NOTICE:  00000: the release of max\(t\) shows no value/, '... and a notice says so');
}
is(answer("SELECT max(t) FROM one WHERE t IS NULL"), '', 'NULL where nobody has a value');
is(answer('SELECT array_agg(DISTINCT t) FROM one'), '{Beta,Zeta,alpha,gamma}', 'NULL is no value');

# A value that so many have shows with probability 1/2: min and max of one column are paid for once.
{
	my @alone = split /\n/, last_release('SELECT max(t) FROM one', 'smallest_group, standard_error, epsilon');
	my @all = split /\n/, last_release('SELECT max(t), min(t), array_agg(DISTINCT t), string_agg(DISTINCT t, $$,$$), dp_top(t, 5), dp_max(t) FROM one', 'smallest_group');

	is($alone[0], '38||1.000000000', 'the threshold of a value, and no standard error');
	is("@all", '38 ' x 5 . '38', 'all that is made of the values of a column costs no more than one of them');
	is(last_release('SELECT max(t), min(v) FROM one', 'DISTINCT smallest_group'), 57, 'two columns have half of epsilon each');
	is(last_release('SELECT max(t), min(t), count(*), sum(x), bool_and(yes), bool_or(yes) FROM one', 'string_agg(output || coalesce(round(standard_error)::text, $$-$$), $$ $$)') =~ s/\d+/N/gr,
		'max(t)- min(t)- count(*)N sum(x)N bool_and(yes)- bool_or(yes)-', 'only what is added up has a standard error');
	is(answer('SELECT max(t), string_agg(DISTINCT v, $$,$$), bool_and(yes), dp_tier(*) IS NOT NULL FROM one; SELECT outputs FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1') =~ s/.*\n//sr,
		'max(t), string_agg(distinct v), bool_and(yes), dp_tier(*)', 'names in the ledger');
}
# Of people with three rows each weighs one, unless rows are counted: with one row they need no more than others.
is(last_release('SELECT max(t) FROM several WHERE dp_with(max_rows => 1)', 'smallest_group'), 38, 'people with one row');
is(last_release('SELECT max(t) FROM several WHERE dp_with(max_rows => 100)', 'smallest_group'), 43, 'with 100 rows, which may have 100 values');
{
	# 60 people with one row of 100 that count: a value of theirs shows, though all of their rows weigh 60/100 of one
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE lone (person int NOT NULL, t text NOT NULL);
INSERT INTO lone SELECT i, 'only' FROM generate_series(1, 70) i;
SELECT dp_agg.protect('lone', 'person', 'people', max_rows => 100);
SQL
	is(answer("SELECT max(t) FROM lone", epsilon => 2, role => $_), 'only', "a row of each of 70 people suffices, where 100 may count: $_") foreach 'analyst', 'sql';
	is(answer("SELECT max(t), dp_top(t, 1) FROM lone", epsilon => 2), '|', '... but not where rows are counted, too');
}

# ---------- what is known without a release of values ----------

is(last_release('SELECT v, max(v), min(upper(v)), count(*), bool_and(v > $$a$$) FROM one GROUP BY v', 'output'), 'count(*)', 'the largest value of a group key is the key: it costs nothing');
is(answer('SELECT v, max(v), min(upper(v)), bool_or(v = $$Beta$$), dp_max(length(v)) FROM one GROUP BY v ORDER BY v COLLATE "C"'),
	"Beta|Beta|BETA|t|4\nZeta|Zeta|ZETA|f|4\nalpha|alpha|ALPHA|f|5\ngamma|gamma|GAMMA|f|5", '... and exact');
is(answer('SELECT t, max(t), min(g) FROM one WHERE t IS NULL GROUP BY t, g ORDER BY g'), "||0\n||1\n||2\n||3", '... also where it is NULL');
is(answer('SELECT upper(v), max(upper(v)), max(v) FROM one GROUP BY upper(v) ORDER BY 1'), "ALPHA|ALPHA|alpha\nBETA|BETA|Beta\nGAMMA|GAMMA|gamma\nZETA|ZETA|Zeta", 'a function of a column as a key, and the column itself');
is(last_release('SELECT v, max(v) FILTER (WHERE x > 5) FROM one GROUP BY v', 'output'), 'max(v) filter', 'with FILTER it is a fact about rows');
is(answer('SELECT g, max(g), min(g + 1) FROM one GROUP BY g ORDER BY g'), "0|0|1\n1|1|2\n2|2|3\n3|3|4", 'numbers, too, without bounds');
is(answer('SELECT g FROM (SELECT g, max(g) AS m, (SELECT max(o.g) FROM names LIMIT 1) AS s FROM one o GROUP BY g) q WHERE g = m AND s = g ORDER BY g'), "0\n1\n2\n3", 'from a sub-select above the release');

# ---------- booleans ----------

is(answer('SELECT g, bool_and(yes), bool_or(yes), every(yes), bool_and(maybe), bool_or(maybe), dp_bool_and(maybe), dp_bool_or(NOT maybe), dp_min(yes), dp_max(NOT yes) FROM one GROUP BY g ORDER BY g'),
	"0|f|t|f|f|t|f|t|f|t\n1|t|t|t|t|t|t|f|t|f\n2|t|t|t|f|f|f|t|t|f\n3|t|t|t|||||t|f", 'at an epsilon of 1000 as in plain SQL; NULL where a released number of values is below 20')
  or diag(answer('SELECT g, count(maybe), count(*) FILTER (WHERE NOT yes) FROM one GROUP BY g ORDER BY g'));
is(answer('SELECT g, bool_and(yes), bool_or(yes), bool_and(maybe), bool_or(maybe) FROM several GROUP BY g ORDER BY g', role => $_),
	"0|t|t|f|t\n1|f|t|f|t\n2|f|t|f|t\n3|f|t|f|t", "several rows each: $_") foreach 'analyst', 'sql';
is(answer('SELECT bool_and(x >= 0), bool_or(x > 99), bool_and(x > 5) FILTER (WHERE x > 5), bool_or(t IS NULL), bool_or(x > 5 AND maybe) FROM one'), 't|f|t|t|t', 'conditions and FILTER');
is(answer('SELECT bool_and(x > (SELECT dp_avg(x) - 100 FROM one)), bool_or(x > (SELECT dp_avg(x) + 100 FROM one)) FROM one'), 't|f', 'beside a released value');
{
	# at epsilon 1 the noise of a count has a standard error of sqrt(2), so 4.2 people are noticed: of 400 groups
	# with nobody, about 0.7 % are told otherwise; with 15 nearly none is
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE few (id int PRIMARY KEY, g int NOT NULL, n int NOT NULL, yes boolean NOT NULL);
INSERT INTO few SELECT 100 * g + i, g, (ARRAY[0, 4, 15])[1 + g % 3], i <= (ARRAY[0, 4, 15])[1 + g % 3] FROM generate_series(1, 1200) g, generate_series(1, 90) i;
SELECT dp_agg.protect('few', 'id', 'people');
SQL
	my %any = map { split /\|/, $_, 2 } split /\n/, answer('SELECT n, sum(a::int), sum(1 - b::int) FROM (SELECT g, n, bool_or(yes) AS a, bool_and(NOT yes) AS b FROM few GROUP BY g, n) q GROUP BY n', epsilon => 1);
	my %alone = map { split /\|/, $_, 2 } split /\n/, answer('SELECT n, sum(a::int) FROM (SELECT g, n, bool_or(yes) AS a FROM few GROUP BY g, n) q GROUP BY n', epsilon => 1);

	ok((grep { $_ <= 14 } split /\|/, $any{0}) == 2, "nobody: $any{0} of 400 are told otherwise") or diag($any{0});
	ok((grep { $_ >= 390 } split /\|/, $any{15}) == 2, "15 people: $any{15} of 400 are noticed") or diag($any{15});
	ok($alone{0} <= 14 && $alone{15} >= 396 && $alone{4} > 60 && $alone{4} < 160, "alone: $alone{0}, $alone{4} of those with 4, $alone{15}");
	is(last_release('SELECT g, bool_or(yes) FROM few GROUP BY g', 'smallest_group'), 41, 'its gate is that of two counts');
	is(last_release('SELECT g, bool_or(yes), count(*) FILTER (WHERE yes) FROM few GROUP BY g', 'max(smallest_group)'), 41, '... which it shares with the count of the same rows');
}

# ---------- where values come from ----------

is(answer(q(SELECT max(name), string_agg(DISTINCT name, '+') FROM (SELECT id, max(t) AS name FROM one GROUP BY id) q)), 'gamma|Beta+Zeta+alpha+gamma', 'the largest of each person');
{
	my $citext = $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'");

	$node->safe_psql('postgres', 'CREATE EXTENSION citext; SET client_min_messages = error; ALTER TABLE lone ADD l citext; UPDATE lone SET l = t') if $citext;
	SKIP:
	{
		skip 'no citext', 2 if !$citext;
		my $r = DpAgg::as($node, 'analyst', 'SELECT max(l) FROM lone');

		is("$r->{sqlstate} " . ($r->{err} =~ /cast: column::text/ ? 'hint' : $r->{err}), 'DP002 hint', 'a type of an extension is refused, with a hint');
		is(answer('SELECT max(l::text), string_agg(DISTINCT l::text, $$,$$) FROM lone'), 'only|only', '... and works as a text');
	}
}
SKIP:
{
	skip 'no ICU', 1 if !$icu;
	$node->safe_psql('postgres', q(CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false); ALTER TABLE lone ADD f text COLLATE folded; UPDATE lone SET f = CASE WHEN person % 2 = 0 THEN 'A' ELSE 'a' END));
	foreach my $call ('max(f)', 'array_agg(DISTINCT f)', 'string_agg(DISTINCT f, $$,$$)', 'dp_min(f)')
	{
		my $r = DpAgg::as($node, 'analyst', "SELECT $call FROM lone");

		is($r->{sqlstate}, 'DP002', "a collation that somebody made is refused: $call") or diag($r->{err});
		like($r->{err}, qr/only collations that come with PostgreSQL/, '... and why');
	}
	is(answer('SELECT string_agg(DISTINCT f COLLATE "C", $$,$$) FROM lone'), 'A,a', '... under another it is taken');
}

# ---------- parameters, cursors, plans that are kept ----------

is(answer("SET plan_cache_mode = $_; PREPARE s(text, int) AS SELECT string_agg(DISTINCT v, \$1 ORDER BY v DESC), max(t) FILTER (WHERE x < \$2) FROM one; EXECUTE s('-', 50); EXECUTE s('', 50); EXECUTE s(NULL, 50)"),
	"gamma-alpha-Zeta-Beta|gamma\ngammaalphaZetaBeta|gamma\ngammaalphaZetaBeta|gamma", "prepared, $_") foreach 'force_generic_plan', 'force_custom_plan';
is(answer("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT g, max(t), array_agg(DISTINCT m) FROM one GROUP BY g ORDER BY g;\nFETCH ALL c;\nMOVE ABSOLUTE 1 c;\nFETCH 1 c;\nCOMMIT"),
	join("\n", map { "$_|gamma|{meek,glad,calm}" } 0 .. 3, 1), 'a cursor');
{
	# public keys are listed, also those of whom too little shows
	$node->safe_psql('postgres', q(SELECT dp_agg.set_domain('one', 'v', ARRAY['Beta', 'alpha', 'Zeta', 'gamma', 'none'])));
	is(answer('SELECT v, max(t), string_agg(DISTINCT m::text, $$,$$), bool_or(yes), max(v) FROM one GROUP BY v ORDER BY v COLLATE "C"'),
		"Beta|Zeta|calm,glad,meek|t|Beta\nZeta|gamma|calm,glad,meek|t|Zeta\nalpha|gamma|calm,glad,meek|t|alpha\ngamma|gamma|calm,glad,meek|t|gamma\nnone||||none" =~ s/^Beta.Zeta/Beta|gamma/r,
		'public keys are listed');
	is(answer('SELECT min(v), max(v), array_agg(DISTINCT v) FROM one WHERE v <> $$alpha$$'), 'Beta|gamma|{Beta,Zeta,gamma}', 'of a column with public keys those show that enough people have');
}

$node->stop;
done_testing();
