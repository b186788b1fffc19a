# Attacks on values that are shown as they are: the first and last of texts and enums, lists of
# values, and booleans.  A leak: a value that fewer than 20 people have, code of the analyst that
# sees rows, an error or a message that only a row can cause, or an answer that one person changes.

use strict;
use warnings;
use Test::More;
use Attacks;
use DpAgg;
use Extreme;

my $node = Extreme::start_extreme('texts that are shown', 1);
my $icu = Extreme::has_loose_collation();
my $five = 'p.id = 5';

# What the analyst can make that has to do with orders, separators and conditions.
DpAgg::value($node, 'analyst', <<'SQL');
CREATE FUNCTION a.spy_text(text) RETURNS text LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.spy_bool(bool) RETURNS bool LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.separator() RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN ','; END $$;
CREATE FUNCTION a.lt(text, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 < $2; END $$;
CREATE OPERATOR a.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = a.lt);
CREATE FUNCTION a.larger(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN greatest($1, $2); END $$;
CREATE AGGREGATE a.max(text) (SFUNC = a.larger, STYPE = text, SORTOP = OPERATOR(pg_catalog.>));
CREATE TYPE a.odd AS ENUM ('t2', 't0', 't1');
CREATE TABLE a.word (k int, t text);
INSERT INTO a.word SELECT i, 't' || i FROM generate_series(0, 2) i;
SQL

# ---------- one person's value ----------

# Person 5 has the longest text and the largest number, and in visits a thousand values of its own.
attack("one person's value: $_->[0]", $_->[1], state => '00000', control => $_->[2] // 'differs') foreach
  [ 'the last text', 'SELECT max(t) FROM people' ],
  [ 'the first and last text of many rows', 'SELECT min(t), max(t) FROM visits' ],
  [ 'the last of each group', 'SELECT k, max(t) FROM visits GROUP BY k ORDER BY k', 'SELECT k, max(t) FROM visits GROUP BY k ORDER BY k' ],
  [ 'the last number, as a text', 'SELECT max(x::text COLLATE "C") FROM people WHERE x < 10 OR x > 1000', 'SELECT max(x) FROM people' ],
  [ 'a list', 'SELECT array_agg(DISTINCT t), string_agg(DISTINCT t, $$,$$) FROM visits' ],
  [ 'a list of numbers', 'SELECT array_agg(DISTINCT x) FROM visits WHERE x % 25 = 0 OR x > 100', 'SELECT array_agg(DISTINCT x) FROM visits' ],
  [ 'a list of arrays as texts', 'SELECT string_agg(DISTINCT array_to_string(ia, $$,$$), $$;$$) FROM people' ],
  [ 'the last date that is a text', 'SELECT max(to_char(d, $$YYYY$$)), min(to_char(d, $$YYYY$$)) FROM people', 'SELECT max(d) FROM people' ],
  [ 'with FILTER', 'SELECT max(t) FILTER (WHERE id = 5), bool_and(b) FILTER (WHERE id = 5) FROM people', 'SELECT count(*) FILTER (WHERE id = 5) FROM people' ],
  [ 'of themselves, by person', 'SELECT max(m), string_agg(DISTINCT m, $$,$$) FROM (SELECT pid, max(t) AS m FROM visits GROUP BY pid) q' ],
  [ 'in HAVING', 'SELECT count(*) > 0 FROM people HAVING max(t) > $$t9$$' ],
  [ 'enums', 'SELECT min(m), max(m), array_agg(DISTINCT m) FROM people WHERE id < 200', "SELECT count(*) FROM people WHERE id < 200" ],
  [ 'documents', 'SELECT array_agg(DISTINCT j) FROM people' ],
  [ 'dp_max and dp_min', 'SELECT dp_max(t), dp_min(t), dp_max(b::text) FROM people' ],
  [ 'a longer text', "SELECT max(left(t, 1024)), max(left(t, 1025)) FROM people" ];
run_attacks();

# ---------- errors, notices, memory ----------

attack("an error if the person is there: $_->[0]", "SELECT $_->[1] FROM people p, a.$_->[2] o WHERE $five",
	control => "SELECT count(*) FROM (SELECT $_->[1] FROM people p, a.$_->[2] o WHERE $five) q WHERE q IS NOT NULL") foreach
  [ 'arrays of other dimensions', 'array_agg(DISTINCT ARRAY[o.x, o.y]::text)', 'shapes' ],
  [ 'texts whose collations conflict', 'max(coalesce(o.a, o.b))', 'col' ],
  [ 'a text too large', 'max(o.t)', 'huge' ], [ 'texts too large', q{string_agg(DISTINCT o.t || '1', ',')}, 'huge' ],
  [ 'a cast too large', 'max(o.b::text)', 'bytes' ];
attack("an error if the person is there: $_", "SELECT $_ FROM people", control => 'SELECT count(*) FROM people') foreach
  'dp_max(ia)', 'min(ia)', 'max(ia)', 'max(t::date::text)', 'bool_and(t::int > 5)', 'bool_or(1 / (x - 2147483647) > 0)', 'bool_or(t ~ repeat($$y$$, 100))',
  'max(repeat(t, 10000))', 'string_agg(DISTINCT repeat(left(t, 5), 9), repeat($$,$$, 10000))', 'max(chr(x))', 'dp_max(j)', 'dp_min(iv::text)';
attack("a collation of another version: $_", "SELECT $_ FROM people p, a.loose o WHERE $five",
	control => "SELECT count(*) FROM (SELECT DISTINCT p.id, o.t FROM people p, a.loose o WHERE $five) q") foreach $icu ? ('max(o.t)', 'string_agg(DISTINCT o.t, $$,$$)', 'dp_min(o.t)') : ();
attack('a table of values that gives up', "SELECT max(CASE WHEN o.k <= 5308 THEN 'common' ELSE o.pad || (100000 + p.id)::text END) FROM people p, a.pad o WHERE dp_with(max_rows => 10616)",
	control => "SELECT count(DISTINCT p.id) FROM people p");
run_attacks();
no_crash('no crash by values');

# ---------- documents and text search in conditions ----------

DpAgg::value($node, 'analyst', <<'SQL');
CREATE TABLE a.docs AS SELECT jsonb_build_object('a', jsonb_agg(i)) AS j, repeat('[', 6000) || repeat(']', 6000) AS deep FROM generate_series(1, 3000) i;
CREATE TABLE a.terms AS SELECT to_tsvector('simple', 'cat dog') AS w, 'cat'::tsquery AS q, '$.a'::jsonpath AS p, 'english'::regconfig AS c, repeat('a', 2047) || ' ' || repeat('b ', 600000) AS t;
SQL
# what collects more than it reads would run out of memory if the person is there
attack("a path that collects much: $_", "SELECT count(*) FROM people p, a.docs o WHERE $five AND o.j @? '$_'", state => 'DP002', control => "SELECT count(*) FROM people p, a.docs o WHERE $five AND o.j @? '\$.a'") foreach
  '$.**.**', '$.keyvalue().keyvalue().keyvalue()', '$.a[*] ? (@ == $.a[*])', '$.a ? (exists ($.a[*] ? (@ > 1)))', '$.a[$.a[*]]', '$.a[*] ? (@ > 1 && !(exists($ ? (@ == 1))))';
attack("an error if the person is there: $_->[0]", "SELECT count(*) FROM people p, a.docs o WHERE $five AND $_->[1]", control => 'differs') foreach
  [ 'a strict path', q(o.j @? 'strict $.b.c' IS NULL) ], [ 'a path that is no condition', q(jsonb_path_match(o.j, '$.a') IS NULL) ], [ 'a path that divides by zero', q(jsonb_path_query_first(o.j, '$.a[0] / ($.a[1] - 2)') IS NULL) ],
  [ 'a deep document', q((jsonb_path_exists(o.deep::jsonb, '$[*][*][*]') IS NULL OR true)) ], [ 'variables that are none', q(jsonb_path_exists(o.j, '$.a', '[1]') IS NULL) ];
attack("an error if the person is there: $_->[0]", "SELECT count(*) FROM people p, a.terms o WHERE $five AND $_->[1]", control => $_->[2] // "SELECT count(*) FROM people p, a.terms o WHERE $five") foreach
  [ 'a tsvector of a long text', q(to_tsvector('simple', o.t) @@ 'b'::tsquery), 'differs' ], [ 'a configuration of a row', q(to_tsvector(o.c, 'cat') @@ 'cat'::tsquery) ],
  [ 'a query of a row', 'o.w @@ o.q' ], [ 'a query that is made of a row', q(o.w @@ to_tsquery('simple', o.t)) ], [ 'a path of a row', q('{}'::jsonb @? o.p) ],
  [ 'a query as deep as the stack', "o.w @@ ('" . '!(' x 3000 . 'cat' . ')' x 3000 . "')::tsquery" ], [ 'a phrase', q((o.w @@ 'cat <16384> dog <-> !cat'::tsquery OR true)) ];
attack('what a search leaves in the caches of the session', "SELECT count(*) FROM people p, a.terms o WHERE $five AND to_tsvector('german', p.t) @@ to_tsquery('german', 'a')", state => 'DP002',
	control => "SELECT count(*) FROM people p WHERE $five");
run_attacks();
no_crash('no crash by documents and text search');

# ---------- code of the analyst ----------

attack("code of the analyst: $_", $_, control => /USING|::a\.odd|\(SELECT|a\.max/ ? 'runs' : 'differs') foreach
  'SELECT max(a.spy_text(t)) FROM people', 'SELECT array_agg(DISTINCT a.spy_text(t)) FROM people', 'SELECT bool_or(a.spy_bool(b)) FROM people',
  'SELECT max(t) FILTER (WHERE a.spy_bool(b)) FROM people', 'SELECT a.max(t) FROM people', 'SELECT bool_and(a.spy_text(t) > $$t$$) FROM people',
  'SELECT max(left(t, 2)::a.odd) FROM people WHERE id <> 5', 'SELECT bool_or(t OPERATOR(a.<<<) $$t1$$) FROM people',
  'SELECT string_agg(DISTINCT t, a.spy_text(t)) FROM people', 'SELECT string_agg(DISTINCT t, (SELECT max(t) FROM people)) FROM people',
  'SELECT max(a.spy_text(t)) FROM visits GROUP BY pid';
attack('code of the analyst: its order', 'SELECT array_agg(DISTINCT t ORDER BY t USING OPERATOR(a.<<<)) FROM people', state => '42809', control => 'none', why => 'only members of a btree family sort, and a superuser makes these');
# a separator is evaluated above the release, if it is public at all; keys are released before the analyst's code sees them
attack("code that sees what is released: $_->[0]", $_->[1], state => $_->[2], control => $_->[3]) foreach
  [ 'a separator', 'SELECT string_agg(DISTINCT t, a.separator()) FROM people', 'DP002', 'differs' ],
  [ 'a separator of two rows', 'SELECT string_agg(DISTINCT t, v) FROM people, (VALUES ($$,$$), ($$;$$)) q(v)', 'DP002', 'differs' ],
  [ 'a constant', 'SELECT string_agg(DISTINCT t, a.spy_text($$,$$)) FROM people', 'DP002', 'runs' ],
  [ 'a function of a key', 'SELECT t, max(a.spy_text(t)) FROM people GROUP BY t ORDER BY t', '00000', 'differs' ],
  [ 'a function of a key that fails for one value', q(SELECT t, max(1 / (length(t) - 200000)) FROM people GROUP BY t ORDER BY t), '00000', 'differs' ],
  [ 'a column beside a key', 'SELECT k, max(CASE WHEN k > 1000 THEN t END) FROM people GROUP BY k ORDER BY k', '00000', 'differs' ],
  [ 'a sub-select beside a key', 'SELECT k, max((SELECT o.t FROM a.word o WHERE o.k = p.k)) FROM people p GROUP BY k ORDER BY k', '00000|DP002', 'SELECT k, count(*) FROM people p GROUP BY k ORDER BY k' ],
  [ 'a window beside a key', 'SELECT t, max(t), rank() OVER (ORDER BY max(t)) FROM people GROUP BY t ORDER BY t', '00000', 'differs' ];
run_attacks();

# ---------- fewer than 20 ----------

{
	my @outputs = ('max(t)', 'min(t)', 'dp_max(t)', 'array_agg(DISTINCT t)', 'string_agg(DISTINCT t, $$,$$)', 'array_agg(DISTINCT x)', 'bool_and(x > 0)', 'bool_or(x > 0)', 'dp_min(x > 0)');
	my @statements = ('SET dp_agg.epsilon = 1000', 'SET dp_agg.delta = 1e-3');

	push @statements, ("SELECT count(o) FROM (SELECT $_ FROM few WHERE g = 19) q(o)") x 5, "SELECT g FROM (SELECT g, $_ FROM few GROUP BY g) q", "SELECT count(o) FROM (SELECT $_ FILTER (WHERE g = 19) FROM few) q(o)"
	  foreach @outputs;
	my @r = DpAgg::bulk($node, 'analyst', \@statements);
	splice @r, 0, 2;
	foreach my $output (@outputs)
	{
		my @own = splice @r, 0, 7;

		attacked(join(' ', map { "$_->{sqlstate}$_->{out}" } @own[ 0 .. 4 ]) eq join(' ', ('000000') x 5), "$output of 19 people is never released");
		control($own[5]{out} eq '60', "$output of 60 people is, and of 19 beside them is not");
		attacked($own[6]{out} eq '0', "$output of 19 people within a group is not released");
	}
}

# ---------- yes or no, as noise decides ----------

# One person with a true: told as nobody is, to within e^epsilon, by releases that are independent.
{
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE ones (id int PRIMARY KEY, g int NOT NULL, h int NOT NULL, yes bool NOT NULL);
INSERT INTO ones SELECT 100 * g + i, g, g % 2, i <= g % 2 FROM generate_series(1, 6000) g, generate_series(1, 60) i;
SELECT dp_agg.protect('ones', 'id', 'people');
CREATE TABLE plain.ones AS TABLE ones;
GRANT SELECT ON plain.ones TO analyst;
SQL
	my $sql = 'SELECT count(*) FILTER (WHERE h = 0 AND yes), count(*) FILTER (WHERE h = 1 AND yes) FROM (SELECT g, h, bool_or(yes) AS yes FROM ones GROUP BY g, h) q';
	my ($nobody, $one) = split /\|/, DpAgg::value($node, 'analyst', "SET dp_agg.epsilon = 0.5; $sql");
	my $most = exp(0.5) * $nobody + 5 * sqrt(exp(0.5) * $nobody + $one);

	attacked($one <= $most, "one person: told $one times of 3000, nobody $nobody times");
	control(DpAgg::value($node, 'analyst', $sql =~ s/FROM ones/FROM plain.ones/r) eq '0|3000', 'without protection one is told from nobody each time');
}

# ---------- as many draws as paid for ----------

Extreme::draws_are_paid(@$_) foreach
  [ 'a nested loop', 'SELECT count(DISTINCT o) FROM generate_series(1, 50) i LEFT JOIN (SELECT bool_or(x > 45)::text AS o FROM people WHERE dp_with(epsilon => 0.1)) q ON i > 0' ],
  [ 'a scalar sub-select', 'SELECT count(DISTINCT (SELECT string_agg(DISTINCT t, $$,$$) FROM people WHERE dp_with(epsilon => 1))) FROM generate_series(1, 50)' ],
  [ 'a lateral join', 'SELECT count(DISTINCT o) FROM generate_series(1, 50) i, LATERAL (SELECT max(t) || i - i AS o FROM people WHERE dp_with(epsilon => 1)) q' ],
  [ 'a CTE named twice', 'WITH c AS NOT MATERIALIZED (SELECT array_agg(DISTINCT x)::text AS o FROM people WHERE dp_with(epsilon => 5)) SELECT count(DISTINCT o) FROM (SELECT o FROM c UNION ALL SELECT o FROM c) q' ];

# ---------- parameters ----------

{
	my @statements = ('SET plan_cache_mode = force_generic_plan', 'PREPARE s(text) AS SELECT string_agg(DISTINCT t, $1) FROM people',
		(map { "EXECUTE s($_)" } q(','), q(''), 'NULL', q(repeat('x', 1000000))), 'DEALLOCATE s');

	push @statements, map { "SELECT max(t), bool_or(b), array_agg(DISTINCT x) FROM visits WHERE dp_with($_)" }
	  'epsilon => 1e-9', 'epsilon => 1e-8, max_rows => 1000000', 'epsilon => 1000, delta => 0.0001, max_groups => 1', 'delta => 1e-17', 'delta => 1e-18';
	my @with = DpAgg::bulk($node, 'analyst', \@statements);
	version(0);
	my @without = DpAgg::bulk($node, 'analyst', \@statements);
	version(1);
	attacked("$with[$_]{sqlstate} $with[$_]{message}" eq "$without[$_]{sqlstate} $without[$_]{message}", 'whatever the data: ' . DpAgg::brief($statements[$_])) foreach 0 .. $#statements;
	is(join(' ', grep { $_ !~ /^(00000|22\w{3}|DP00[23])$/ } map { $_->{sqlstate} } @with), '', 'and by messages for people');
}
no_crash('no crash by parameters');

finish();
