# Messages say by themselves what is so and what to write instead, for drivers that show no hint
# (psqlODBC, Npgsql, pgx); conditions on documents and text search; and what a NULL means.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('messages', conf => "timezone = 'UTC'");

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE people (id int PRIMARY KEY, g int NOT NULL, note text, doc jsonb, words tsvector, kind text, yes boolean, place point, x int NOT NULL);
INSERT INTO people SELECT i, i % 4, 'note ' || i % 10, jsonb_build_object('a', i % 3, 'items', jsonb_build_array(jsonb_build_object('p', i % 20), i % 5), 't', 'x' || i % 2),
	to_tsvector('english', CASE WHEN i % 2 = 0 THEN 'cats and ' ELSE '' END || 'dogs running'), CASE WHEN i <= 30 THEN 'rare' || i % 3 END, CASE WHEN i <= 10 THEN true END, NULL, i % 100
FROM generate_series(1, 4000) i;
CREATE TABLE visits (pid int NOT NULL, day date NOT NULL, x int NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO visits SELECT i, date '2025-01-01' + i % 30, i % 10 FROM generate_series(1, 1000) i;
CREATE TABLE cars (owner int PRIMARY KEY, price int);
CREATE TABLE pub (k int PRIMARY KEY, label text, tags text[], words tsvector, path jsonpath);
INSERT INTO pub SELECT i, 'label ' || i, ARRAY['a', 'b' || i], to_tsvector('english', 'cat'), '$.a' FROM generate_series(0, 3) i;
GRANT SELECT ON pub TO analyst;
SET client_min_messages = error;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('visits', 'pid', 'people', max_groups => 2), dp_agg.protect('cars', 'owner', 'owners');
SELECT dp_agg.set_bounds('people', 'x', 0, 100);
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,owners}'::name[]) p;
SQL

# ---------- a message without its hint ----------

# What must be read from the message alone.
foreach my $case (
	[ 'SELECT DISTINCT ON (g) g, x FROM people ORDER BY g, x', qr/aggregate with GROUP BY, as min\(x\)/ ],
	[ 'SELECT string_agg(note, $$,$$) FROM people', qr/need DISTINCT: values that many people share/ ], [ 'SELECT json_agg(note) FROM people', qr/DISTINCT values are/ ],
	[ 'SELECT sum(DISTINCT x) FROM people', qr/count, min, max, array_agg and string_agg take DISTINCT/ ],
	[ 'SELECT count(*) FROM people WHERE to_tsvector($$english$$, note) @@ to_tsquery($$english$$, $$x$$)', qr/stored tsvector column.*regular expression/ ],
	[ 'SELECT count(*) FROM people WHERE note @@ $$x$$', qr/stored tsvector column/ ], [ 'SELECT count(*) FROM people WHERE words @@ to_tsquery($$x$$)', qr/constant query: words @@ to_tsquery\('english', 'cat'\)/ ],
	[ 'SELECT count(*) FROM people WHERE ts_rank(words, $$x$$) > 1', qr/tsvector; where it can be cast/ ], [ 'SELECT count(to_tsvector($$english$$, note)) FROM people', qr/stored tsvector column/ ],
	[ 'SELECT count(*) FROM people WHERE doc @? $$$.**$$', qr/jsonpath below a release must be a constant without \.\*\*/ ],
	[ 'SELECT count(*) FROM people p JOIN pub o ON p.g = o.k WHERE p.doc @? o.path', qr/jsonpath/ ],
	[ 'SELECT count(*) FROM people WHERE pg_sleep(x) IS NULL', qr/: pg_sleep\(\)$/ ], [ 'SELECT count(*) FROM people WHERE place ~= point(1, 2)', qr/point; where it can be cast/ ],
	[ 'SELECT count(*) FROM people WHERE note ~ doc::text', qr/constant or a parameter/ ], [ 'SELECT count(*) FROM people WHERE (place::text) > $$a$$', qr/: point; where it can be cast/ ], [ 'SELECT count(*) FROM people WHERE note::mood = $$sad$$', qr/: cast to mood$/ ],
	[ 'SELECT id, count(*) FROM people GROUP BY id', qr/aggregate them, or group by something other than the unit/ ], [ 'SELECT * FROM people', qr/only be aggregated, for example with count\(\*\)/ ],
	[ 'EXPLAIN ANALYZE SELECT count(*) FROM people', qr/run the query itself/ ], [ 'SELECT count(*) FROM (SELECT id FROM people LIMIT 5) q', qr/apply them to released rows/ ],
	[ 'SELECT count(*) FROM visits_2025', qr/query the partitioned table/ ], [ 'SELECT count(*) FROM people TABLESAMPLE SYSTEM (5)', qr/leave it out/ ],
	[ 'SELECT count(*) FROM people, cars WHERE id = owner', qr/query each by itself/ ], [ 'SELECT count(*) FROM people WHERE ctid IS NOT NULL', qr/name the columns/ ],
	[ 'SELECT count(*) FROM people WHERE x > (SELECT v.x FROM visits v WHERE v.pid = people.id)', qr/EXISTS or IN tied to the unit/ ],
	[ 'SELECT k, (SELECT count(*) FROM people WHERE g = k) FROM pub', qr/GROUP BY in FROM/ ],
	[ 'SELECT dp_low(dp_mode(note)) FROM people', qr/one number, date or time/ ], [ 'SELECT dp_clipped(dp_median(x)) FROM people', qr/stands around a count, sum, average or variance/ ],
	[ 'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM people', qr/use REPEATABLE READ or READ COMMITTED/ ])
{
	my ($sql, $expected) = @$case;
	my $r = DpAgg::as($node, 'analyst', $sql);

	like($r->{message}, $expected, 'by its message: ' . DpAgg::brief($sql)) or diag("$r->{sqlstate} $r->{message}");
	ok($r->{sqlstate} =~ /^(DP002|42501)$/, "... $r->{sqlstate}");
}

# No two refusals say the same, and none is so long that a log would cut it.
{
	my $table = slurp_file('src/core/refusals.c');
	my @messages = $table =~ /\[REFUSE_\w+\] = \{\s*"((?:[^"\\]|\\.)*)",/g;
	my %count;

	$count{$_}++ foreach @messages;
	is(join("\n", grep { $count{$_} > 1 } sort keys %count), '', 'each refusal has a message of its own');
	is(join("\n", grep { length > 240 } @messages), '', 'and a short one');

	# a name in a message is filled in by refuse_named() and the like, and not by refuse()
	my $named = join '|', $table =~ /\[(REFUSE_\w+)\] = \{\s*"(?:[^"\\]|\\.)*%/g;
	my @bare = map { my $file = $_; map { "$file: $_" } slurp_file($file) =~ /\brefuse(?:_query)?\((?:$named)\b.*/g } glob 'src/query/*.c';

	like($named, qr/REFUSE_TYPE/, 'some messages have a name in them');
	is(join("\n", @bare), '', 'which is told wherever they are raised');
}

# ---------- documents and text search ----------

sub answer { return DpAgg::value($node, 'analyst', "SET client_min_messages = error; SET dp_agg.epsilon = 1000;\n$_[0]"); }

foreach my $condition (q(doc @? '$.a ? (@ > 1)'), q(doc @@ '$.a == 1'), q(jsonb_path_exists(doc, '$.items[*] ? (@.p > 10)')), q(jsonb_path_match(doc, '$.a < 2 && exists($.t)')),
	q(jsonb_path_exists(doc, 'strict $.items[0].p ? (@ >= 5)', silent => true)), q((jsonb_path_query_first(doc, '$.items[last]'))::int = 3), q(jsonb_path_query_array(doc, '$.items[*].p') = '[7]'),
	q(doc @? '$.t ? (@ like_regex "1$" || @ starts with "y")'), q(NOT doc @? '$.items[*] ? (@.p == 0)'), q(doc @? '$.items.size() ? (@ == 2)'), q(doc @? 'strict $.items ? (@[1] + 1 == 4)'), q(doc @? '$.items[0 to last] ? (@.p == 7)'),
	q(words @@ to_tsquery('english', 'cat & run')), q(words @@ to_tsquery('english', 'cat:*')), q(to_tsquery('english', '!cat') @@ words), q(words @@ plainto_tsquery('english', 'running dogs')),
	q(words @@ websearch_to_tsquery('english', '"cats dogs" or running -cat')), q(words @@ 'dog'::tsquery), q(words @@ phraseto_tsquery('english', 'dogs running') AND words IS NOT NULL))
{
	my $count = $node->safe_psql('postgres', "SELECT count(*) FROM people WHERE $condition");
	my $got = answer("SELECT count(*) FROM people WHERE $condition");

	ok($got ne '' && abs($got - $count) <= 2 && $count > 40, "as without protection: $condition") or diag("$got, really $count");
}
is(answer(q(SELECT jsonb_path_query_first(doc, '$.t') #>> '{}', count(*) > 1900, bool_or(doc @? '$.a ? (@ == 2)') FROM people GROUP BY 1 ORDER BY 1)), "x0|t|t\nx1|t|t", 'as a key, and in an aggregate');
is(answer(q(PREPARE s(tsquery) AS SELECT count(*) > 1900 FROM people WHERE words @@ $1; EXECUTE s('cat'); EXECUTE s('cat | dog'))), "t\nt", 'a query as a parameter');
is(answer(q(SELECT count(*) > 1900 FROM (SELECT id, words AS w FROM people) q WHERE w @@ to_tsquery('english', 'cats'))), 't', 'from a sub-select');
is(answer(q(SELECT count(*) > 3900 FROM people p JOIN pub o ON p.g = o.k WHERE o.words @@ to_tsquery('english', 'cat'))), 't', 'of a public table');
DpAgg::refused($node, 'analyst', $_, 'DP002', "refused: $_") foreach
  q(SELECT count(*) FROM people WHERE doc @? '$.a ? (@ == $.a)'), q(SELECT count(*) FROM people WHERE doc @? '$.items[$.a]'), q(SELECT count(*) FROM people WHERE doc @? '$.keyvalue().keyvalue()'),
  q(SELECT count(*) FROM people WHERE doc @? '$.t.datetime()'), q(SELECT count(*) FROM people WHERE jsonb_path_exists(doc, '$.a ? (@ == $v)', doc)), q(SELECT count(*) FROM people WHERE doc @? note::jsonpath),
  q(PREPARE s(jsonpath) AS SELECT count(*) FROM people WHERE doc @? $1; EXECUTE s('$.**')), q(SELECT count(*) FROM people WHERE words @@ note::tsquery), q(SELECT count(*) FROM people WHERE words @@ to_tsquery('english', note)),
  q(SELECT count(DISTINCT words) FROM people), q(SELECT words, count(*) FROM people GROUP BY words), q(SELECT count(*) FROM people WHERE jsonb_path_exists_tz(doc, '$.a')),
  q(SELECT count(*) FROM people WHERE doc @? '$.a ? (exists (@ ? (@ == $)))'),
  # twice the first part, and 2^20 times that of a document that has it
  q(SELECT count(*) FROM people WHERE doc @? '$.a[0, 0]'), q(SELECT count(*) FROM people WHERE doc @? '$.items[*] ? (@.p[0 to last, 0] == 1)'), 'SELECT count(jsonb_path_query_array(doc, $$$.a' . '[0, 0]' x 20 . '$$)) FROM people';

# ---------- what NULL means ----------

sub notice
{
	my ($sql) = @_;
	my $r = DpAgg::as($node, 'analyst', $sql);

	die "failed: $sql\n$r->{err}" unless $r->{ok};
	return join "\n", $r->{err} =~ /NOTICE:  00000: (.*)$/mg;
}
is(notice('SELECT count(*), avg(x) FROM people WHERE id <= 5'), 'the release of count(*), avg(x) shows no value: it takes about 41 individuals to show one, and NULL is not 0', 'nothing shows');
is(notice('SELECT g, count(*) FROM people WHERE id <= 5 GROUP BY g'), 'the release of count(*) shows no group: it takes about 38 individuals to show one', 'no group shows');
like(notice('SELECT count(*), max(kind), string_agg(DISTINCT kind, $$,$$) FROM people'), qr/^max\(kind\), string_agg\(distinct kind\) shows no value beside the others: it takes about \d+ individuals who have one, and for a text, of one and the same$/, 'NULL beside a count that shows');
like(notice('SELECT g, count(*), max(kind), bool_or(yes) FROM people GROUP BY g'), qr/^max\(kind\), bool_or\(yes\) shows no value beside the others/, '... and in groups');
is(notice('SELECT count(*), max(note), bool_and(x >= 0), dp_median(x) FROM people'), '', 'nothing is told where all show');
is(notice('SET client_min_messages = warning; SELECT count(*), max(kind) FROM people'), '', 'nor to whom wants no notices');

$node->stop;
done_testing();
