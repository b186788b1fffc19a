# Expressions over the rows that tell: code of the analyst (functions, operators,
# domains, aggregates), errors that only a row can cause, and built-in functions that
# look elsewhere.  A leak: code of the analyst is called as often as there are rows,
# or whether a statement fails depends on a person.

use strict;
use warnings;
use Test::More;
use Attacks;

start('leaky expressions');

my $no_hash = 'PostgreSQL finds no hash function for such an operator';

# ---------- code of the analyst over the rows ----------

attack('a function over the rows', 'SELECT dp_count(*) FROM people WHERE a.spy(x) = 3');
attack('an IMMUTABLE function over the rows', 'SELECT dp_count(*) FROM people WHERE a.spy_immutable(x) = 3');
attack('a function in FILTER', 'SELECT dp_count(*) FILTER (WHERE a.spy(x) = 3) FROM people');
attack('a function in a join', 'SELECT dp_count(*) FROM people JOIN pub ON a.spy(x) = k');
attack('a function in a sub-select', 'SELECT dp_count(*) FROM (SELECT id, a.spy(x) AS s FROM people OFFSET 0) q WHERE s > 0');
attack('an operator over the rows', 'SELECT dp_count(*) FROM people WHERE x OPERATOR(a.==) 3');
attack('an operator in a join', 'SELECT dp_count(*) FROM people p JOIN pub ON x OPERATOR(a.==) k');
attack('an operator with ANY', "SELECT dp_count(*) FROM people WHERE x OPERATOR(a.==) ANY ('{1}'::int[])");
attack('an operator with IN', 'SELECT dp_count(*) FROM people WHERE x OPERATOR(a.==) ANY (SELECT k FROM pub)');
attack('an operator with ALL', "SELECT dp_count(*) FROM people WHERE x OPERATOR(a.!===) ALL ('{1}'::int[])");
attack('raw values through the negator of an operator', 'SELECT dp_count(*) FROM people WHERE NOT (x OPERATOR(a.====) 3)');
attack('through the negator, in a join', 'SELECT dp_count(*) FROM people JOIN pub ON NOT (x OPERATOR(a.====) k)');
attack('through the negator, with ANY', "SELECT dp_count(*) FROM people WHERE NOT (x OPERATOR(a.====) ANY ('{1,2}'::int[]))");
attack('through the negator, with IN', 'SELECT dp_count(*) FROM people WHERE NOT (x OPERATOR(a.====) ANY (SELECT k FROM pub))',
	control => 'runs');
attack('through the negator, in CASE', 'SELECT dp_count(*) FROM people WHERE NOT (CASE WHEN x OPERATOR(a.====) 3 THEN true ELSE false END)',
	control => 'runs');
attack('raw values through the commutator of an operator', 'SELECT dp_count(*) FROM people WHERE 3 OPERATOR(a.<<<<) x', control => 'runs');
attack('an operator that claims to hash, in a join', 'SELECT dp_count(*) FROM people JOIN pub ON x OPERATOR(a.=!=) k', control => 'none', why => $no_hash);
attack('an operator that claims to hash, with IN', 'SELECT dp_count(*) FROM people WHERE x OPERATOR(a.=!=) ANY (SELECT k FROM pub)', control => 'none', why => $no_hash);
attack('an operator that claims to hash, with ANY',
	"SELECT dp_count(*) FROM people WHERE x OPERATOR(a.=!=) ANY ('{1,2,3,4,5,6,7,8,9,10,11,12}'::int[])", control => 'runs');
attack('an operator over a built-in function', 'SELECT dp_count(*) FROM people WHERE x OPERATOR(a.===) 3', control => 'runs');
attack('a domain over the rows', 'SELECT dp_count(x::a.dm) FROM people');
attack('a domain below a GROUP BY', 'SELECT d, dp_count(*) FROM (SELECT x::a.dm AS d FROM people) s GROUP BY d');
attack('a composite type', 'SELECT dp_count(ROW(x, name)::a.ct) FROM people', control => 'runs');
attack('a function in the way of lower()', "SELECT dp_count(*) FROM people WHERE lower(name) = 'p5'",
	before => [ q{SELECT set_config('a.path', current_setting('search_path'), false)},
		q{SELECT set_config('search_path', 'a, pg_catalog, ' || current_setting('search_path'), false)} ],
	after => [q{SELECT set_config('search_path', current_setting('a.path'), false)}]);
attack('an aggregate that looks at the rows', 'SELECT a.seen(x) FROM people');
attack('an aggregate that looks at the rows of each person', 'SELECT count(*) FROM (SELECT id, a.seen(x) AS s FROM people GROUP BY id) q WHERE s >= 0');
attack('an aggregate of built-in functions', 'SELECT a.greatest(x) FROM people', control => 'runs');
attack('the final function of an aggregate', 'SELECT a.cn(*) FROM people', control => 'runs');
attack('a function in a window, over groups that are too small', 'SELECT a.seen(x) OVER (), count(*) FROM people GROUP BY x', state => '00000', control => 'runs');
attack('a function in RETURNING', 'INSERT INTO a.own SELECT 99, count(*) FROM people RETURNING (SELECT a.spy(x) FROM people LIMIT 1)', control => 'runs');
run_attacks();

# ---------- errors that depend on a row ----------

my $five = "p.name = 'p5'";
sub errors
{
	my ($name, $expression, %o) = @_;
	my $from = delete $o{from} // 'people p';
	return attack("an error if the person is there: $name",
		"SELECT dp_count(*) FROM $from WHERE (CASE WHEN $five THEN ($expression) END) IS NULL",
		state => '00000|DP002', %o);
}
errors('division by zero', 'p.x / 0');
errors('overflow', 'p.x * 1000000000');
errors('collations that conflict', 'o.a = o.b', from => 'people p, a.col o', state => 'DP002');
errors('collations that conflict, greatest', 'greatest(o.a, o.b)', from => 'people p, a.col o', state => 'DP002');
errors('collations that conflict, ANY', "o.a = ANY (ARRAY[o.b, 'x'])", from => 'people p, a.col o', state => 'DP002');
errors('collations that conflict, IN', "o.a IN (o.b, 'x')", from => 'people p, a.col o', state => 'DP002');
errors('collations that conflict, LIKE', 'o.a LIKE o.b', from => 'people p, a.col o', state => 'DP002', control => 'runs');
errors('collations that conflict, lower', 'lower(coalesce(o.a, o.b))', from => 'people p, a.col o', state => 'DP002');
errors('collations that conflict, nullif', 'nullif(o.a, o.b)', from => 'people p, a.col o', state => 'DP002');
attack('an error if the person is there: collations, max',
	"SELECT dp_count(*) FROM (SELECT p.id, max(coalesce(o.a, o.b)) AS m FROM people p, a.col o, a.nums WHERE $five GROUP BY p.id) s WHERE m IS NOT NULL");
attack('an error if the person is there: collations, GROUP BY',
	"SELECT coalesce(o.a, o.b), dp_count(*) FROM people p, a.col o WHERE $five GROUP BY 1", state => '42P21', control => 'none', why => 'PostgreSQL refuses it when it parses');
attack('an error if the person is there: collations, a public sub-select',
	"SELECT dp_count(*) FROM people p WHERE CASE WHEN $five THEN EXISTS (SELECT FROM a.col WHERE a < b) END IS NULL");
attack('an error if the person is there: maximum of arrays without order',
	"SELECT dp_count(*) FROM (SELECT p.id, max(ARRAY[o.p]) AS m FROM people p, a.pts o WHERE $five GROUP BY p.id) s WHERE m IS NOT NULL");
attack('an error if the person is there: minimum of arrays without order',
	"SELECT dp_count(*) FROM (SELECT p.id, min(ARRAY[o.p]) AS m FROM people p, a.pts o WHERE $five GROUP BY p.id) s WHERE m IS NOT NULL");
errors('arrays without order', 'ARRAY[o.p] < ARRAY[o.p]', from => 'people p, a.pts o');
errors('to_char', "to_char(p.x, '9V.9')");
errors('to_char of numeric', "to_char(p.x::numeric, '9V.9')");
errors('to_char of float', "to_char(p.y, '9V.9')");
errors('date_trunc', "date_trunc('timezone', now())");
errors('date_trunc of a column', 'date_trunc(p.name, now())');
errors('extract', "date_part('nosuch', now())");
errors('extract of time', "date_part('year', time '12:00' + p.id * interval '1 s')");
errors('date_bin', "date_bin('1 month', timestamp '2024-01-01' + p.id * interval '1 s', timestamp '2024-01-01')");
errors('NaN as an integer', $_, ) foreach 'p.n::int', 'p.n::int8', 'p.n::int2';
errors('an absurd length', 'bpchar(p.name::bpchar, 2147483647, true)');
errors('a root of a negative number', 'sqrt(-p.y)');
errors('a logarithm', 'ln(-p.y)');
errors('a substring of negative length', 'substr(p.name, 1, -1)');
errors('a time zone', "now() AT TIME ZONE (CASE WHEN p.id = 5 THEN '!' ELSE 'UTC' END)");
errors('chr', 'chr(-p.x)');
errors('a bad pattern', "p.name ~ ('(' || p.name)", state => 'DP002');
errors('a bad escape', "p.name LIKE 'a' ESCAPE p.name");
errors('a cast of text', 'p.name::int', state => 'DP002');
errors('make_date', 'make_date(2024, 13, p.x)');
errors('two rows in a scalar sub-select', 'SELECT k FROM pub', state => 'DP002');
errors('a scalar sub-select of one row', 'SELECT k / 0 FROM pub WHERE k = 1 LIMIT 1');
errors('LIMIT below zero', "p.x IN (SELECT k FROM pub LIMIT '-1')", state => 'DP002');
errors('OFFSET below zero', "p.x IN (SELECT k FROM pub OFFSET '-1')", state => 'DP002');
errors('LIMIT below zero, EXISTS', "EXISTS (SELECT k FROM pub WHERE k = p.x LIMIT '-1')", state => 'DP002');
errors('LIMIT below zero, a number', 'p.x IN (SELECT k FROM pub LIMIT -1)', state => 'DP002');
errors('LIMIT below zero, a scalar', "SELECT k FROM pub LIMIT '-1'", state => 'DP002');
attack('an error if the person is there: a key', "SELECT 1 / (CASE WHEN $five THEN 0 ELSE 1 END), dp_count(*) FROM people p GROUP BY 1", state => '00000');
attack('an error if the person is there: an argument', 'SELECT dp_sum(1 / (x - 85), 0, 1) FROM people', state => '00000',
	control => 'SELECT sum(1 / (x - 85)) FROM people WHERE id < 30');
attack('an error if the person is there: a sum of the person',
	'SELECT dp_sum(s, 0, 1) FROM (SELECT id, sum(1 / (id - 5)) AS s FROM people GROUP BY id) q', state => '00000|DP002',
	control => 'SELECT sum(s) FROM (SELECT id, sum(1 / (id - 5)) AS s FROM people GROUP BY id) q');
attack('an error if the person is there: FILTER', 'SELECT dp_count(*) FILTER (WHERE 1 / (id - 5) = 0) FROM people', state => '00000');
attack('an error if the person is there: a join', 'SELECT dp_count(*) FROM people JOIN pub ON k = 1 / (id - 5)', state => '00000');
run_attacks();

finish();
