# Previews: synthetic rows in the place of a relation's own, where the DBA allows them, made up from
# declarations alone; they stand beside nothing else, cost nothing and say what they are.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;
use Wire;

my $node = DpAgg::node('preview', roles => [qw(analyst reader stranger keeper)]);
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $notice = qr/NOTICE:  \S* ?these rows of visits are synthetic: they are made up from its declarations, and are no one's data/;

sub query { return $node->safe_psql('postgres', join ';', @_); }
sub rows { return DpAgg::value($node, 'analyst', @_); }
sub refused { my ($sql, $state, $name) = @_; return DpAgg::refused($node, 'analyst', $sql, $state // '42501', $name); }

query(<<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN euro AS numeric(8, 2) CHECK (VALUE < 700);
CREATE TABLE visits (
	patient_id int, clinic text, cost euro, gone int, at timestamptz, day date, name text, zip text, mood mood, paid bool,
	key uuid, tags int[], code varchar(4), ratio float8, note text, secret text, years int);
ALTER TABLE visits DROP COLUMN gone;
INSERT INTO visits SELECT p, 'clinic ' || p % 2, p % 500, now(), current_date, 'p' || p, '10' || p, 'ok', true, gen_random_uuid(), '{1}', 'ab', 0.5, 'a note', 'known', p % 80
  FROM generate_series(1, 900) p, generate_series(1, 3);
ANALYZE visits;
SELECT dp_agg.protect('visits', 'patient_id', 'patients', max_groups => 2, max_rows => 3,
	columns => '{clinic,cost,at,day,zip,mood,paid,key,tags,code,ratio,note,years}');
SELECT dp_agg.set_domain('visits', 'clinic', '{clinic 0,clinic 1,clinic 7}'), dp_agg.set_bounds('visits', 'cost', 0, 800),
	dp_agg.set_bounds('visits', 'at', '2020-01-01 00:00+00'::timestamptz, '2020-12-31 00:00+00'::timestamptz),
	dp_agg.set_bounds('visits', 'day', DATE '2020-02-01', DATE '2020-02-10'), dp_agg.set_bounds('visits', 'ratio', 0, 1),
	dp_agg.set_bounds('visits', 'years', 0, 120);
SELECT dp_agg.classify('visits', 'name', 'direct_identifier'), dp_agg.classify('visits', 'zip', 'quasi_identifier'),
	dp_agg.classify('visits', 'years', 'quasi_identifier');
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 1, delta => 1e-6);
GRANT SELECT ON visits TO reader;
CREATE TABLE other (id int PRIMARY KEY, x int);
INSERT INTO other SELECT generate_series(1, 500), 5;
SELECT dp_agg.protect('other', 'id', 'patients');
CREATE TABLE mine AS SELECT generate_series(1, 3) AS a;
GRANT SELECT ON mine TO analyst;
GRANT CREATE, TEMPORARY ON DATABASE postgres TO analyst;
GRANT CREATE ON SCHEMA public TO analyst;
SQL

# ---------- what is declared ----------

is(query(q{SELECT preview, obj_description('dp.visits'::regclass) FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass}),
	'f|facade of protected relation public.visits: releases only', 'off to begin with');
refused("SELECT * FROM $_ LIMIT 3") foreach 'visits', 'dp.visits';
refused(q{SELECT * FROM dp_agg.preview_rows('visits') AS t(a int)});
DpAgg::refused($node, $_, q{SELECT dp_agg.set_preview('visits', true)}, '42501') foreach 'analyst', 'stranger', 'keeper';
query('GRANT EXECUTE ON FUNCTION dp_agg.set_preview(regclass, boolean), dp_agg.protect(regclass, name, name, integer, integer, name[]) TO keeper');
DpAgg::refused($node, 'keeper', q{SELECT dp_agg.set_preview('visits', true)}, '42501', 'who owns another table may not');
DpAgg::refused($node, $superuser, "SELECT dp_agg.set_preview($_->[0])", $_->[1]) foreach [ 'NULL, true', '22004' ], [ q{'visits', NULL}, '22004' ], [ q{'mine', true}, '42704' ];
query(q{SELECT dp_agg.set_preview('visits', true)});
is(query(q{SELECT preview FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass}), 't', 'protected_relations shows it');
like(query(q{SELECT obj_description('dp.visits'::regclass)}), qr/synthetic rows, which are no one's data/, "so does the facade's comment");
is(query(q{SELECT label FROM pg_seclabel WHERE objoid = 'visits'::regclass AND objsubid = 0}) =~ /"preview": true/ ? 1 : 0, 1, 'a label keeps it');

# ---------- what rows are like ----------

my $r = DpAgg::works($node, 'analyst', 'SELECT * FROM dp.visits LIMIT 3', 'a preview');
is(scalar(split /\n/, $r->{out}), 3, 'as many rows as are asked for');
is(scalar(() = $r->{err} =~ /$notice/g), 1, 'one notice says what they are') or diag($r->{err});
my $list = rows('SELECT * FROM visits LIMIT 5000');
my @all = map { [ split /\|/, $_, -1 ] } split /\n/, $list;
is(scalar @all, 1000, 'a thousand rows at most, whatever LIMIT says');
is(scalar @{ $all[0] }, 16, 'the table by its own name has all its columns');
my @names = split /\|/, query(q{SELECT string_agg(attname, '|' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'visits'::regclass AND attnum > 0 AND NOT attisdropped});
my %values;
foreach my $row (@all) { push @{ $values{ $names[$_] } }, $row->[$_] foreach 0 .. $#names }
my %like = (
	patient_id => qr/^-[1-9]\d*$/, clinic => qr/^clinic [017]$/, cost => qr/^([0-7]?\d?\d|800)$/, at => qr/^2020-\d\d-\d\d \d\d:\d\d:\d\d/,
	day => qr/^2020-02-(0\d|10)$/, name => qr/^$/, zip => qr/^$/, mood => qr/^(sad|ok|happy)$/, paid => qr/^f$/, key => qr/^0{8}-0000-0000-0000-0{12}$/,
	tags => qr/^$/, code => qr/^synt$/, ratio => qr/^(0(\.\d\d?)?|1)$/, note => qr/^synthetic$/, secret => qr/^$/, years => qr/^$/);
foreach my $column (@names)
{
	is(scalar(grep { !/$like{$column}/ } @{ $values{$column} }), 0, "made-up values of $column") or diag(join ' ', @{ $values{$column} }[ 0 .. 9 ]);
}
foreach my $varied ([ clinic => 3 ], [ mood => 3 ], [ cost => 400 ], [ day => 10 ], [ patient_id => 1000 ], [ ratio => 50 ])
{
	my %different = map { $_ => 1 } @{ $values{ $varied->[0] } };
	cmp_ok(scalar keys %different, '>=', $varied->[1], "$varied->[0] varies");
}
is(rows('SELECT * FROM dp.visits LIMIT 2'), rows('SELECT * FROM dp.visits LIMIT 2'), 'the same rows each time');
is(rows('SELECT patient_id FROM dp.visits LIMIT 2 OFFSET 999'), '-1000', 'OFFSET finds the end of the thousand');
is(rows('SELECT patient_id FROM dp.visits LIMIT 2 OFFSET 1000'), '', '... beyond which there is nothing');

# ---------- what they rest on ----------

query('DELETE FROM visits WHERE patient_id % 2 = 0', q{UPDATE visits SET clinic = 'elsewhere', cost = 699, mood = 'sad'}, 'ANALYZE visits');
is(rows('SELECT * FROM visits LIMIT 5000'), $list, 'neither rows nor statistics');
query('TRUNCATE visits', 'ANALYZE visits');
is(rows('SELECT * FROM visits LIMIT 5000'), $list, 'an empty table has them as well');
query(q{INSERT INTO visits (patient_id, clinic, cost) SELECT p, 'clinic ' || p % 2, 5 FROM generate_series(1, 900) p});
query(q{SELECT dp_agg.set_domain('visits', 'clinic', '{north}')});
is(rows('SELECT DISTINCT_CLINIC FROM (SELECT clinic AS DISTINCT_CLINIC FROM dp.visits LIMIT 2) q LIMIT 2'), "north\nnorth", 'but declarations');
query(q{SELECT dp_agg.set_domain('visits', 'clinic', '{clinic 0,clinic 1,clinic 7}')});
is(rows('SELECT * FROM visits LIMIT 5000'), $list, '... on nothing but these');
query(q{SELECT dp_agg.set_preview('visits', true), dp_agg.protect('visits', 'patient_id', 'patients', max_groups => 2, max_rows => 3,
	columns => '{clinic,cost,at,day,zip,mood,paid,key,tags,code,ratio,note,years}')});
is(rows('SELECT * FROM visits LIMIT 5000'), $list, 'protect() keeps them');

# ---------- what tools send ----------

my %works = (
	'Metabase' => 'SELECT "dp"."visits"."clinic" AS "clinic", "dp"."visits"."cost" AS "cost" FROM "dp"."visits" LIMIT 2000',
	'Superset' => 'SELECT * FROM (SELECT patient_id, clinic FROM dp.visits) AS virtual_table LIMIT 1001',
	'Superset, LIMIT below' => 'SELECT patient_id AS p FROM (SELECT * FROM dp.visits LIMIT 100) AS virtual_table',
	'Power BI' => 'select "_"."clinic", "_"."cost" from (select "$Table"."clinic", "$Table"."cost" from "dp"."visits" "$Table") "_" limit 1000001',
	'pgAdmin' => 'SELECT * FROM public.visits ORDER BY patient_id ASC LIMIT 100',
	'a condition that is true' => 'SELECT clinic FROM dp.visits WHERE true AND 1 = 1 LIMIT 4',
	'expressions' => q{SELECT substring(clinic, 1, 1234), upper(note), cost * 2, CASE WHEN paid THEN 1 END, at AT TIME ZONE 'UTC' FROM dp.visits LIMIT 4},
	'no column' => 'SELECT FROM dp.visits LIMIT 4',
	'FETCH FIRST' => 'SELECT clinic FROM dp.visits FETCH FIRST 3 ROWS ONLY',
	'WITH TIES' => 'SELECT day FROM dp.visits ORDER BY day FETCH FIRST 3 ROWS WITH TIES',
	'ONLY' => 'SELECT clinic FROM ONLY visits LIMIT 3',
	'COPY of a query' => 'COPY (SELECT clinic FROM dp.visits LIMIT 3) TO STDOUT',
	'a cursor' => 'BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT patient_id FROM dp.visits LIMIT 3; FETCH ALL FROM c; COMMIT; FETCH BACKWARD 2 FROM c',
	'PL/pgSQL' => q{DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM dp.visits LIMIT 3 LOOP END LOOP; END $$},
);
foreach my $tool (sort keys %works)
{
	$r = DpAgg::works($node, 'analyst', $works{$tool}, $tool);
	is(scalar(() = $r->{err} =~ /$notice/g), 1, "... with one notice: $tool") or diag($r->{err});
}
foreach my $probe ('SELECT TRUE AS "_" FROM "dp"."visits" WHERE 1 <> 1 LIMIT 0', 'SELECT * FROM dp.visits LIMIT 0', 'SELECT * FROM dp.visits WHERE false')
{
	$r = DpAgg::works($node, 'analyst', $probe);
	is("$r->{out}$r->{err}", '', 'a probe has no row and no notice');
}
query(q{SELECT dp_agg.set_preview('visits', false)});
DpAgg::works($node, 'analyst', 'SELECT TRUE AS "_" FROM "dp"."visits" WHERE 1 <> 1 LIMIT 0', 'and works where there is no preview');
query(q{SELECT dp_agg.set_preview('visits', true)});

# ---------- plans that are kept ----------

my $session = Wire->new($node->host, $node->port, 'analyst', 'postgres');
my $other = Wire->new($node->host, $node->port, 'analyst', 'postgres');
sub run { my ($s, $sql) = @_; $s->send($sql); my ($got) = $s->receive; return $got; }
is(scalar @{ run($session, [ 'SELECT clinic FROM dp.visits LIMIT $1', 7 ])->{rows} }, 7, 'LIMIT as a parameter');
run($session, 'PREPARE p AS SELECT * FROM dp.visits LIMIT 2');
run($session, 'SET plan_cache_mode = force_generic_plan');
run($session, 'BEGIN');
run($session, 'DECLARE c CURSOR FOR SELECT patient_id FROM dp.visits LIMIT 4');
run($session, 'EXECUTE p') foreach 1 .. 3;
is(scalar @{ run($session, 'EXECUTE p')->{notices} }, 1, 'a kept plan says what its rows are, each time');
is(scalar @{ run($session, 'FETCH 4 FROM c')->{rows} }, 4, 'a cursor');
run($session, 'COMMIT');
query(q{SELECT dp_agg.set_preview('visits', false)});
is(run($session, 'EXECUTE p')->{state}, '42501', 'a kept plan ends with the preview');
query(q{SELECT dp_agg.set_preview('visits', true)}, 'ALTER TABLE visits ADD COLUMN more int');
is(run($session, 'EXECUTE p')->{state}, '00000', '... is made anew with the next');
is(run($other, 'SELECT more FROM visits LIMIT 1')->{rows}[0][0], undef, 'a column that is not open is NULL');
is(run($session, 'SET ROLE stranger')->{state}, '42501', 'an analyst stays one');

# ---------- who may look ----------

DpAgg::refused($node, 'stranger', "SELECT clinic FROM $_ LIMIT 3", '42501', "no account, no preview: $_") foreach 'visits', 'dp.visits';
is(DpAgg::value($node, 'reader', q{SELECT min(patient_id) > 0 FROM (SELECT patient_id FROM visits LIMIT 3) q}), 't', 'who may read the table reads it');
is(query('SELECT cost FROM dp.visits LIMIT 1'), '5.00', 'so does a superuser, by the facade');
query('REVOKE SELECT ON dp.visits FROM PUBLIC');
refused('SELECT clinic FROM dp.visits LIMIT 3', '42501', 'the facade has privileges of its own');
query('GRANT SELECT ON dp.visits TO PUBLIC', 'GRANT SELECT (clinic) ON visits TO analyst');
is(rows('SELECT clinic FROM visits LIMIT 1') . rows('SELECT count(*) FROM (SELECT 1) q'), 'clinic 71', 'a privilege on a column changes nothing');
query('REVOKE SELECT (clinic) ON visits FROM analyst');
is(rows('SELECT epsilon_spent FROM dp_agg.my_budget'), '0', 'nothing was spent');
is(query('SELECT count(*) FROM dp_agg.releases'), 0, 'nothing was logged');
rows('SELECT count(*) FROM dp.visits');
refused('SELECT count(*) FROM dp.visits', 'DP001', 'the budget is exhausted');
is(rows('SELECT patient_id FROM dp.visits LIMIT 1'), '-1', '... previews go on');
query(q{SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 100000, delta => 1e-2)});

# ---------- what it is not for ----------

my %never = (
	'no LIMIT' => 'SELECT * FROM dp.visits', 'LIMIT ALL' => 'SELECT * FROM dp.visits LIMIT ALL', 'LIMIT NULL' => 'SELECT * FROM dp.visits LIMIT NULL',
	'OFFSET alone' => 'SELECT * FROM dp.visits OFFSET 3', 'a condition' => 'SELECT * FROM dp.visits WHERE patient_id = 17 LIMIT 1',
	'a condition above' => 'SELECT * FROM (SELECT * FROM dp.visits LIMIT 5) q WHERE cost > 3', 'a condition that is true of all' => 'SELECT * FROM dp.visits WHERE cost = cost LIMIT 1',
	'a join with itself' => 'SELECT a.cost FROM dp.visits a JOIN dp.visits b USING (patient_id) LIMIT 3', 'a join with one that has none' => 'SELECT x FROM dp.visits JOIN dp.other ON id = patient_id LIMIT 3',
	'a join with public rows' => 'SELECT cost, a FROM dp.visits, mine LIMIT 3', 'LATERAL' => 'SELECT cost FROM dp.visits, LATERAL (SELECT patient_id) q LIMIT 3',
	'a relation that has none' => 'SELECT * FROM dp.other LIMIT 3', 'UNION ALL' => '(SELECT cost FROM dp.visits LIMIT 3) UNION ALL (SELECT cost FROM dp.visits LIMIT 3)',
	'UNION with others' => '(SELECT patient_id FROM dp.visits LIMIT 3) UNION ALL SELECT a FROM mine', 'a CTE' => 'WITH v AS (SELECT cost FROM dp.visits LIMIT 3) SELECT * FROM v LIMIT 3',
	'a sub-select among the results' => 'SELECT cost, (SELECT count(*) FROM mine) FROM dp.visits LIMIT 3', 'one that is a preview' => 'SELECT a, (SELECT cost FROM dp.visits LIMIT 1) FROM mine',
	'a sub-select in LIMIT' => 'SELECT cost FROM dp.visits LIMIT (SELECT count(*) FROM dp.visits)', 'EXISTS' => 'SELECT cost FROM dp.visits WHERE EXISTS (SELECT FROM mine) LIMIT 3',
	'beside a release' => 'SELECT cost, (SELECT count(*) FROM dp.visits) FROM dp.visits LIMIT 3', 'beside a release, in FROM' => 'SELECT * FROM dp.visits, (SELECT count(*) FROM dp.visits) q LIMIT 3',
	'an aggregate above' => 'SELECT count(*) FROM (SELECT * FROM dp.visits LIMIT 3) q', 'a window' => 'SELECT count(*) OVER () FROM dp.visits LIMIT 3', 'DISTINCT above' => 'SELECT DISTINCT clinic FROM (SELECT clinic FROM dp.visits LIMIT 3) q',
	'groups above' => 'SELECT clinic FROM (SELECT clinic FROM dp.visits LIMIT 3) q GROUP BY clinic', 'DISTINCT ON' => 'SELECT DISTINCT ON (clinic) clinic, cost FROM dp.visits LIMIT 3',
	'FOR UPDATE' => 'SELECT * FROM dp.visits LIMIT 3 FOR UPDATE', 'FOR SHARE' => 'SELECT * FROM visits LIMIT 3 FOR SHARE', 'TABLESAMPLE' => 'SELECT cost FROM visits TABLESAMPLE SYSTEM (50) LIMIT 3',
	'the place of a row' => 'SELECT ctid FROM visits LIMIT 3', 'the table of a row' => 'SELECT tableoid::regclass FROM visits LIMIT 3', 'the row as one' => 'SELECT v FROM visits v LIMIT 3',
	'functions that return rows' => 'SELECT generate_series(1, 3) FROM dp.visits LIMIT 3', 'dp_with()' => 'SELECT cost FROM dp.visits WHERE dp_with(epsilon => 0.1) LIMIT 3',
	'EXPLAIN' => 'EXPLAIN ANALYZE SELECT * FROM dp.visits LIMIT 3', 'CREATE TABLE AS EXECUTE' => 'PREPARE kept AS SELECT * FROM dp.visits LIMIT 3; CREATE TEMP TABLE t AS EXECUTE kept', 'CREATE TABLE AS' => 'CREATE TEMP TABLE t AS SELECT * FROM dp.visits LIMIT 3', 'SELECT INTO' => 'SELECT clinic INTO TEMP t FROM dp.visits LIMIT 3',
	'a materialized view' => 'CREATE MATERIALIZED VIEW m AS SELECT clinic FROM dp.visits LIMIT 3', 'INSERT' => 'INSERT INTO mine SELECT patient_id FROM dp.visits LIMIT 3', 'DELETE' => 'DELETE FROM mine USING dp.visits WHERE a = patient_id',
);
query('GRANT INSERT, DELETE ON mine TO analyst');
foreach my $form (sort keys %never)
{
	$r = DpAgg::as($node, 'analyst', $never{$form});
	like("$r->{sqlstate} $r->{out}", qr/^(42501|DP002|0A000) $/, "no preview: $form") or diag("$r->{out}\n$r->{err}");
	unlike($r->{err}, $notice, '... and none is told of') if $form !~ /CREATE|INTO|materialized/;
}
foreach my $kept ('CREATE TABLE AS', 'CREATE TABLE AS EXECUTE', 'SELECT INTO', 'a materialized view')
{
	is(DpAgg::as($node, 'analyst', $never{$kept})->{message}, 'synthetic rows are not kept in tables', $kept);
}
like(rows('EXPLAIN SELECT * FROM dp.visits LIMIT 3'), qr/^Statement: no release/, 'EXPLAIN shows no plan, and that it is free');
$r = refused('SELECT * FROM dp.visits');
like($r->{err}, qr/HINT: .*LIMIT/, 'the hint tells of LIMIT where there are previews');
$r = refused('SELECT * FROM dp.other');
unlike($r->{err}, qr/HINT: .*LIMIT/, '... and only there');
$r = DpAgg::works($node, 'analyst', 'SELECT DISTINCT clinic FROM dp.visits LIMIT 3', 'keys are released');
unlike($r->{err}, $notice, '... without a synthetic row');
cmp_ok(rows('SELECT count(*) FROM dp.visits LIMIT 3'), '>', 800, 'aggregates are about real rows');

# ---------- views and policies, partitions ----------

DpAgg::works($node, 'analyst', $_) foreach 'CREATE VIEW seen AS SELECT cost, clinic AS c FROM dp.visits', 'CREATE VIEW limited AS SELECT cost FROM dp.visits LIMIT 5', q{CREATE VIEW north AS SELECT cost FROM dp.visits WHERE clinic = 'north'},
  'CREATE FUNCTION of_visits() RETURNS SETOF visits LANGUAGE sql STABLE AS $$ SELECT * FROM visits LIMIT 2 $$';
is(scalar(split /\n/, rows('SELECT * FROM seen LIMIT 3')), 3, "a view of the analyst's");
is(scalar(split /\n/, rows('SELECT * FROM limited')), 5, 'one with LIMIT');
refused('SELECT * FROM north LIMIT 3', '42501', 'one with a condition');
is(scalar(split /\n/, rows('SELECT * FROM of_visits()')), 2, 'a function');
query('ALTER TABLE visits ENABLE ROW LEVEL SECURITY', q{CREATE POLICY p ON visits USING (cost > (SELECT max(a) FROM mine))});
is(rows('SELECT patient_id FROM dp.visits LIMIT 2'), "-1\n-2", 'policies are about other rows');
query('DROP POLICY p ON visits', 'ALTER TABLE visits DISABLE ROW LEVEL SECURITY');
query('CREATE TABLE parts (id int NOT NULL, x int) PARTITION BY RANGE (id)', 'CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000)', 'INSERT INTO parts SELECT generate_series(1, 300), 7',
	q{SELECT dp_agg.protect('parts', 'id', 'patients'), dp_agg.set_preview('parts', true)});
is(rows('SELECT * FROM parts LIMIT 2'), "-1|0\n-2|0", 'a partitioned table');
refused('SELECT * FROM parts_1 LIMIT 2', 'DP002', 'not its partition');
refused(q{SELECT * FROM dp_agg.preview_rows('parts_1') AS t(id int, x int)});
refused($_, '42501', "nobody calls the function: $_") foreach q{SELECT * FROM dp_agg.preview_rows('parts') AS t(id int, x int)}, q{SELECT count(*) FROM dp_agg.preview_rows('parts') AS t(id int, x int)}, q{INSERT INTO mine SELECT id FROM dp_agg.preview_rows('parts') AS t(id int, x int)},
  q{CREATE TEMP TABLE t AS SELECT * FROM ROWS FROM (generate_series(1, 2), dp_agg.preview_rows('parts') AS (id int, x int)) q}, q{SELECT * FROM dp_agg.preview_rows('parts') AS t(id int, x text)};
query('CREATE TABLE base (id int, name text)', 'CREATE TABLE child (more int) INHERITS (base)', q{INSERT INTO child SELECT p, 'n' || p, 1 FROM generate_series(1, 300) p},
	q{SELECT dp_agg.protect('base', 'id', 'patients'), dp_agg.set_preview('base', true), dp_agg.classify('child', 'name', 'direct_identifier')});
is(rows('SELECT * FROM base LIMIT 1'), '-1|', 'what a child says is an identifier is NULL');

# ---------- types ----------

query('CREATE TABLE keys (a smallint, b text, c varchar(3), d char(20), e uuid, f numeric(4), g date, x interval, y timestamp, z real, w jsonb, n numeric(6, 3))',
	q{SELECT dp_agg.protect('keys', '{a,b,c,d,e,f,g}'::name[], 'patients'), dp_agg.set_preview('keys', true)},
	q{SELECT dp_agg.set_bounds('keys', 'x', interval '1 hour', interval '3 hours'), dp_agg.set_bounds('keys', 'y', timestamp '2020-01-01', timestamp '2020-01-01 00:00:10'), dp_agg.set_bounds('keys', 'z', -5e30::float8, 5e30), dp_agg.set_bounds('keys', 'n', 0.01, 0.02)});
like(rows('SELECT * FROM keys LIMIT 1'), qr/^-1\|made-up 1\|-1\|made-up 1 *\|00000000-0000-0000-0000-000000000001\|-1\|\|0[123]:\d\d:\d\d\|2020-01-01 00:00:\d\d(\.\d+)?\|-?\d+(\.\d+)?e\+\d+\|\{\}\|0\.01\d*$/, 'keys and values of many types');
is(rows('SELECT count(*) FROM dp.keys WHERE false'), '0', 'releases go on');
query('ALTER TABLE visits ALTER clinic TYPE int USING 1');
is(rows('SELECT clinic FROM visits LIMIT 1'), '0', 'a domain that its type has outlived does not count');

# ---------- dump and restore ----------

query('CREATE DATABASE copy');
system_or_bail('sh', '-c', 'pg_dump -h ' . $node->host . ' -p ' . $node->port . ' postgres | psql -XqAt -v ON_ERROR_STOP=1 -h ' . $node->host . ' -p ' . $node->port . ' copy > /dev/null');
is($node->safe_psql('copy', q{SELECT string_agg(relation::text, ',' ORDER BY relation::text) FROM dp_agg.protected_relations WHERE preview}), 'base,keys,parts,visits', 'pg_dump keeps it');
like($node->safe_psql('copy', q{SELECT obj_description('dp.visits'::regclass)}), qr/no one's data/, '... and the comment');
query(q{SELECT dp_agg.set_preview('visits', false)});
is(query(q{SELECT obj_description('dp.visits'::regclass)}), 'facade of protected relation public.visits: releases only', 'off again');
refused('SELECT cost FROM visits LIMIT 1');
done_testing();
