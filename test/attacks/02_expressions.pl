# Expressions over the rows that tell: code of the analyst (functions, operators,
# domains, aggregates), errors that only a row can cause, and built-in functions that
# look elsewhere.  A leak: code of the analyst is called as often as there are rows,
# or whether a statement fails depends on a person.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('leaky expressions');

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
# What only the rewriter makes, and any client can name: what is in it would go unguarded.
attack("an internal function: $_->[0]", "SELECT dp_count(*) FROM people p WHERE CASE WHEN p.name = 'p5' THEN dp_agg.$_->[1] IS NULL ELSE true END", state => 'DP002')
  foreach [ 'image', 'image(1 / (p.id - 5))' ], [ 'image of a column', 'image(1 / (p.id - 5) + p.x)' ], [ 'exact', 'exact((1 / (p.id - 5))::float8)' ], [ 'exact of a real', 'exact((1 / (p.id - 5))::real)' ],
  [ 'tame', 'tame((1 / (p.id - 5))::numeric)' ], [ 'canonical', 'canonical((1 / (p.id - 5))::numeric, -1)' ], [ 'canonical by a column', 'canonical((1 / (p.id - 5))::numeric, p.x)' ],
  [ 'nearest_float4', 'nearest_float4((1 / (p.id - 5))::numeric)' ], [ 'nearest_float8', 'nearest_float8((1 / (p.id - 5))::numeric)' ], [ 'flat', "flat((1 / (p.id - 5))::text)" ];

errors('collations that conflict', 'o.a = o.b', from => 'people p, a.col o');
errors('collations that conflict, greatest', 'greatest(o.a, o.b)', from => 'people p, a.col o');
errors('collations that conflict, ANY', "o.a = ANY (ARRAY[o.b, 'x'])", from => 'people p, a.col o');
errors('collations that conflict, IN', "o.a IN (o.b, 'x')", from => 'people p, a.col o');
# PostgreSQL 18 refuses LIKE where no collation follows from its arguments; before, it went without one
errors('collations that conflict, LIKE', 'o.a LIKE o.b', from => 'people p, a.col o', DpAgg::version() < 18 ? (control => 'runs') : ());
errors('collations that conflict, lower', 'lower(coalesce(o.a, o.b))', from => 'people p, a.col o');
errors('collations that conflict, nullif', 'nullif(o.a, o.b)', from => 'people p, a.col o');
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
errors('a bad pattern', "p.name ~ ('(' || p.name)");
errors('a bad escape', "p.name LIKE 'a' ESCAPE p.name");
errors('a cast of text', 'p.name::int');
errors('make_date', 'make_date(2024, 13, p.x)');
errors('two rows in a scalar sub-select', 'SELECT k FROM pub');
errors('a scalar sub-select of one row', 'SELECT k / 0 FROM pub WHERE k = 1 LIMIT 1');
errors('LIMIT below zero', "p.x IN (SELECT k FROM pub LIMIT '-1')");
errors('OFFSET below zero', "p.x IN (SELECT k FROM pub OFFSET '-1')");
errors('LIMIT below zero, EXISTS', "EXISTS (SELECT k FROM pub WHERE k = p.x LIMIT '-1')");
errors('LIMIT below zero, a number', 'p.x IN (SELECT k FROM pub LIMIT -1)');
errors('LIMIT below zero, a scalar', "SELECT k FROM pub LIMIT '-1'");
attack('an error if the person is there: a key', "SELECT 1 / (CASE WHEN $five THEN 0 ELSE 1 END), dp_count(*) FROM people p GROUP BY 1", state => '00000');
attack('an error if the person is there: an argument', 'SELECT dp_sum(1 / (x - 85), 0, 1) FROM people', state => '00000',
	control => 'SELECT sum(1 / (x - 85)) FROM people WHERE id < 30');
attack('an error if the person is there: a sum of the person',
	'SELECT dp_sum(s, 0, 1) FROM (SELECT id, sum(1 / (id - 5)) AS s FROM people GROUP BY id) q', state => '00000|DP002',
	control => 'SELECT sum(s) FROM (SELECT id, sum(1 / (id - 5)) AS s FROM people GROUP BY id) q');
attack('an error if the person is there: FILTER', 'SELECT dp_count(*) FILTER (WHERE 1 / (id - 5) = 0) FROM people', state => '00000');
attack('an error if the person is there: a join', 'SELECT dp_count(*) FROM people JOIN pub ON k = 1 / (id - 5)', state => '00000');
run_attacks();

# ---------- built-in functions that look elsewhere, or leave something behind ----------

DpAgg::value($node, 'analyst', 'CREATE SEQUENCE a.marks');

# The statement looks for what an expression over the rows has left.
sub left_behind
{
	my ($name, $expression, $look, %o) = @_;

	return attack("left behind: $name", $look, state => '00000', moves => 0,
		before => [ @{ delete $o{before} // [] }, "SELECT dp_count(*) FROM people p WHERE $five AND ($expression) IS NOT NULL" ], %o);
}
left_behind('a setting', "set_config('a.leak', p.name, false)", "SELECT current_setting('a.leak', true)", after => [q{SELECT set_config('a.leak', '', false)}]);
left_behind('a sequence', "nextval('a.calls')", "SELECT 1");
left_behind('a sequence set', "setval('a.marks', p.x + 1)", 'SELECT last_value FROM a.marks', before => ["SELECT setval('a.marks', 1)"]);
left_behind('an advisory lock', 'pg_advisory_lock(p.x)::text', q{SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()}, after => ['SELECT pg_advisory_unlock_all()']);
left_behind('a large object', 'lo_create(p.x + 500000)', 'SELECT count(*) FROM pg_largeobject_metadata', after => ['SELECT lo_unlink(oid) FROM pg_largeobject_metadata']);
left_behind('a transaction id', 'pg_current_xact_id()::text', 'SELECT pg_current_xact_id_if_assigned() IS NULL', before => ['BEGIN'], state => '00000|25P02', control => 'runs');
left_behind('a seed', 'setseed(p.x / 100.0)::text', 'SELECT random()', before => ['SELECT setseed(0.1)']);
left_behind('a message', "pg_notify('leak', p.name)::text", 'SELECT 1', before => ['LISTEN leak'], alone => 1, state => '00000|DP002');
left_behind('an exported snapshot', 'pg_export_snapshot()', 'SELECT pg_current_xact_id_if_assigned() IS NULL', before => ['BEGIN'], state => '00000|25P02', control => 'runs');
left_behind('a plan of XML', q{query_to_xml('SELECT nextval(''a.calls'')', true, true, '')::text}, 'SELECT 1');
left_behind('a search path', "set_config('search_path', 'a', false)", 'SHOW search_path', control => 'runs');
run_attacks();

errors($_->[0], $_->[1], %{ $_->[2] // {} }) foreach
  [ 'pg_sleep', 'pg_sleep(0.01 * p.x)::text', { control => 'runs' } ], [ 'a cancel', 'pg_cancel_backend(pg_backend_pid() + 0 * p.x)' ],
  [ 'privileges of what is not there', "has_table_privilege('nosuch' || p.name, 'select')" ], [ 'a table by name', "p.name::regclass" ], [ 'a role by name', 'p.name::regrole' ],
  [ 'a table to look at', 'pg_get_viewdef(p.x::oid)', { control => 'runs' } ], [ 'a definition', 'pg_get_functiondef(p.x::oid)', { control => 'runs' } ], [ 'an index', 'pg_get_indexdef(0::oid, p.x, true)', { control => 'runs' } ],
  [ 'text as a number', '(p.name || p.x)::numeric' ], [ 'text as a float', "('x' || p.x)::float8" ], [ 'text as a boolean', 'p.name::bool' ], [ 'text as a date', 'p.name::date' ],
  [ 'text as an interval', 'p.name::interval' ], [ 'text as a uuid', 'p.name::uuid' ], [ 'text as JSON', "('{' || p.name)::json" ], [ 'text as jsonb', "('{' || p.name)::jsonb" ], [ 'text as XML', "('<' || p.name)::xml" ],
  [ 'text as an address', 'p.name::inet' ], [ 'text as bits', 'p.name::bit(3)' ], [ 'text as money', 'p.name::money' ], [ 'text as an enum', 'p.name::mood' ], [ 'text as a point', 'p.name::point' ],
  [ 'text as an array', 'p.name::int[]' ], [ 'text as a row', 'p.name::a.ct' ], [ 'text as a range', 'p.name::int4range' ], [ 'text as bytes', q{('\x' || p.name)::bytea} ],
  [ 'to_number', "to_number(p.name, '')", { control => 'runs' } ], [ 'to_date', "to_date(p.name, 'YYYY')" ], [ 'to_timestamp', "to_timestamp(p.name, 'DD')" ], [ 'decode', "decode(p.name, 'hex')" ],
  [ 'convert_from', q{convert_from('\xff'::bytea, CASE WHEN p.x > 0 THEN 'UTF8' END)} ], [ 'convert', "convert_to(p.name, 'nosuch')" ], [ 'a pattern of the row', "p.name ~ ('*' || p.name)" ],
  [ 'regexp_replace', "regexp_replace(p.name, '(' || p.name, '')" ], [ 'regexp_match', "regexp_match(p.name, 'a{' || p.x || '000}')" ], [ 'SIMILAR TO', q{p.name SIMILAR TO ('(' || p.name)} ],
  [ 'a range upside down', 'int4range(p.x, p.x - 1)' ], [ 'an absurd repetition', "repeat(p.name, 1000000000)" ], [ 'an absurd lpad', "lpad(p.name, 1000000000)" ], [ 'overlay', "overlay(p.name placing 'x' from -5)" ],
  [ 'factorial', 'factorial(p.x * 10000)' ], [ 'a power', 'power(0::float8, -p.x)' ], [ 'a power of numeric', 'power(p.x::numeric, p.x * 100000)' ], [ 'exp', 'exp(p.x * 100.0::float8)' ], [ 'asin', 'asin(p.x)' ], [ 'log', 'log(0 * p.y)' ],
  [ 'a base of zero', 'log(0::numeric * p.x, 2)' ], [ 'gcd', 'gcd(-2147483648, -2147483648 + 0 * p.x)' ], [ 'a bucket', 'width_bucket(p.y, 1, 1, 5)' ], [ 'a date far off', "date '2020-01-01' + p.x * 25264512" ],
  # up to 16 make_interval() lets such numbers wrap around
  [ 'a timestamp far off', "timestamp '290000-01-01' + p.x * interval '1000 years'" ], [ 'an interval far off', "interval '100000000 years' * p.x" ], [ 'make_interval', 'make_interval(years => p.x * 10000000)', DpAgg::version() >= 17 ? () : { control => 'runs' } ],
  [ 'make_time', 'make_time(p.x, 0, 0)' ], [ 'make_timestamp', 'make_timestamp(2020, p.x, 1, 0, 0, 0)' ], [ 'a zone by name', "timezone(left('!' || p.name, 1), now())" ], [ 'a format of the row', "to_char(p.y, repeat(p.name, 100) || '9EEEE9')" ],
  [ 'chr', 'chr(p.x * 1000000)' ], [ 'a byte', "get_byte('\\x00'::bytea, p.x)" ], [ 'a subscript', "(ARRAY[[1]])[p.x][1] / 0", { control => 'none', why => 'a NULL fails nowhere' } ],
  [ 'array_cat', 'ARRAY[ARRAY[p.x]] || ARRAY[ARRAY[1, 2]]' ], [ 'array_fill', 'array_fill(0, ARRAY[p.x * 10000000])' ], [ 'a path of jsonb', "jsonb_path_query_first('{}', 'strict \$.a', jsonb_build_object('x', p.x))" ],
  [ 'jsonb as a number', "(jsonb_build_object('x', p.name) -> 'x')::int" ], [ 'a key twice', "jsonb_object(ARRAY[p.name])" ], [ 'json_populate_record', "json_populate_record(NULL::a.ct, json_build_object('a', p.name))" ],
  [ 'a text search', "to_tsquery('english', p.name || ' &&')" ], [ 'a tsvector', "(p.name || ':99999999')::tsvector", { control => 'runs' } ], [ 'ts_headline', "ts_rank('{0.1}'::float4[], to_tsvector('a'), to_tsquery(p.name))" ],
  [ 'an int too small', '(p.x * 1000)::int2' ], [ 'a "char"', "p.x::\"char\"", { control => 'runs' } ], [ 'the smallest int', '-(-2147483648 + 0 * p.x)' ], [ 'the smallest int divided', '(-2147483648 + 0 * p.x) / -1' ], [ 'abs of the smallest', 'abs(-2147483648 + 0 * p.x)' ],
  [ 'a numeric with a small scale', '(p.x * 1000)::numeric(3, 0)' ], [ 'a float to a float', '(p.y * 1e300)::float4' ], [ 'a varchar', "p.name::varchar(1)", { control => 'runs' } ], [ 'a check of XML', "xml_is_well_formed(p.name) AND xmlparse(document p.name) IS NOT NULL" ];
run_attacks();

# ---------- types, casts and collations of the analyst's ----------

DpAgg::value($node, 'analyst', <<'SQL');
CREATE FUNCTION a.to_ct(int) RETURNS a.ct LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN ROW($1, '')::a.ct; END $$;
CREATE CAST (int AS a.ct) WITH FUNCTION a.to_ct(int) AS IMPLICIT;
CREATE FUNCTION a.distance(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 - $2; END $$;
CREATE TYPE a.range AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = a.distance);
CREATE TYPE a.enum AS ENUM ('p1', 'p2');
CREATE FUNCTION a.implicit(a.enum) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN 1; END $$;
CREATE CAST (a.enum AS int) WITH FUNCTION a.implicit(a.enum) AS IMPLICIT;
CREATE TABLE a.enums (v a.enum, i int);
INSERT INTO a.enums VALUES ('p1', 1), ('p2', 2);
CREATE COLLATION a.c FROM "C";
CREATE TEXT SEARCH CONFIGURATION a.conf (COPY = simple);
CREATE FUNCTION a.poly(anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.variadic(VARIADIC int[]) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN 1; END $$;
CREATE FUNCTION a.defaulted(int, int DEFAULT 1) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN 1; END $$;
CREATE FUNCTION a.strict_sql(int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 + 0';
CREATE FUNCTION a.atomic(int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a.spy_immutable($1);
CREATE FUNCTION a.support(int) RETURNS bool LANGUAGE sql STABLE AS 'SELECT a.spy($1) > 0';
CREATE FUNCTION a.pairs(int) RETURNS TABLE (o int) LANGUAGE sql STABLE AS 'SELECT a.spy($1)';
CREATE DOMAIN a.silent AS int;
CREATE DOMAIN a.not_null AS int NOT NULL;
SQL
attack("own: $_", "SELECT dp_count(*) FROM people p WHERE $_ IS NOT NULL") foreach
  'p.x::a.ct', 'CAST(p.x AS a.ct)', 'a.poly(p.x)', 'a.poly(p.name)', 'a.variadic(p.x, 1)', 'a.variadic(VARIADIC ARRAY[p.x])', 'a.defaulted(p.x)', 'a.atomic(p.x)', 'a.support(p.x)',
  '(SELECT a.spy(p.x))', 'CASE a.spy(p.x) WHEN 3 THEN 1 ELSE 2 END', 'coalesce(a.spy(p.x), 1)', 'nullif(a.spy(p.x), 1)', 'greatest(a.spy(p.x), 1)', 'ARRAY[a.spy(p.x)]', 'ROW(a.spy(p.x))',
  '(a.to_ct(p.x)).a', '(SELECT max(o.o) FROM a.pairs(p.x) o)', 'EXISTS (SELECT FROM a.pairs(p.x))', '(ARRAY[p.x])[a.spy(1)]', 'p.x + a.spy(p.x)', '(p.x, p.y) = (a.spy(p.x), 1)';
attack("own: $_", "SELECT dp_count(*) FROM people p WHERE $_ IS NOT NULL", control => 'runs', state => '00000|DP002') foreach
  'a.range(0, p.x)', 'a.strict_sql(p.x)', 'p.name COLLATE a.c', "p.name < ('p' COLLATE a.c)", 'p.x::a.silent', "to_tsvector('a.conf', p.name)", "a.range(0, p.x + 1) && a.range(1, 50)";
attack('own: a domain that is NOT NULL', "SELECT dp_count(*) FROM people p WHERE (CASE WHEN $five THEN NULL::int ELSE 1 END)::a.not_null IS NOT NULL");
attack("own: $_", $_) foreach 'SELECT dp_count(*) FROM people p, a.pairs(p.id) o', 'SELECT dp_count(*) FROM people p, LATERAL (SELECT a.spy(p.id) OFFSET 0) s',
  'SELECT dp_count(a.spy(x)) FROM people', 'SELECT dp_sum(a.spy(x), 0, 100) FROM people', 'SELECT a.spy(x), dp_count(*) FROM people GROUP BY 1',
  'SELECT dp_count(*) FROM people GROUP BY a.spy(x % 3)', 'SELECT dp_count(DISTINCT a.spy(x)) FROM people', 'SELECT count(*) FROM people p JOIN visits v ON v.pid = p.id AND a.spy(p.x) > 0',
  'SELECT count(*) FROM people p LEFT JOIN pub ON a.spy(p.x) = k', 'SELECT count(*) FROM (SELECT id FROM people GROUP BY id HAVING a.spy(max(x)) > 0) s',
  'SELECT count(*) FROM (SELECT id, max(a.spy(x)) AS m FROM people GROUP BY id) s WHERE m > 0', 'SELECT count(*) FROM (SELECT DISTINCT id, a.spy(x) FROM people) s',
  'SELECT count(*) FROM (SELECT id, x FROM people ORDER BY a.spy(x)) s', 'SELECT count(*) FROM people WHERE x IN (SELECT a.spy(k) + 0 * x FROM pub)', 'SELECT count(*) FROM people WHERE x = ANY (ARRAY[a.spy(x), 1])',
  'SELECT count(*) FROM (SELECT id, x FROM people UNION ALL SELECT id, a.spy(x) FROM people) s WHERE x > 0';
attack('own: an enum that a cast makes a number', 'SELECT dp_count(*) FROM people p JOIN a.enums e ON e.v = p.x', control => 'runs', state => '00000|DP002');
run_attacks();

finish();
