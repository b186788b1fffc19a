# Previews: synthetic rows where all relations allow them.  A leak: a synthetic row, or that there is one,
# depends on a row, on statistics or on sizes; a real row comes beside it; what only looks like a
# preview reads rows.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('previews');
my %same = (state => '00000', moves => 0);
my %runs = (state => 'DP002|42501|0A000|42809', control => 'runs');

$node->safe_psql('postgres', q{SELECT dp_agg.set_preview(r, true) FROM unnest('{people,visits,events,wide,codes}'::regclass[]) r});

# ---------- rows that are shown do not move ----------

attack("what a preview shows: $_", "SELECT * FROM $_ LIMIT 5000", %same) foreach 'people', 'visits', 'wide', 'codes', 'ONLY people', '(SELECT * FROM people LIMIT 2000) q';
attack("how many rows: $_", "SELECT id FROM people $_", %same, control => 'SELECT count(*) FROM people') foreach 'LIMIT 5000', 'LIMIT 1 OFFSET 999', 'LIMIT 1 OFFSET 998', 'ORDER BY id DESC LIMIT 5000', 'ORDER BY x FETCH FIRST 999 ROWS WITH TIES';
attack("an expression over them: $_", "SELECT $_ FROM people LIMIT 2000", %same, control => 'SELECT sum(x) FROM people') foreach 'x / 3', "length(name)", 'CASE WHEN x > 50 THEN name END', 'a.spy_immutable(x)', 'md5(g)', 'row(id, x)', 'ARRAY[x, id]', 'to_jsonb(g)';
attack('one that fails for a row', 'SELECT 1 / (id - 5) FROM people LIMIT 2000', %same);
attack('the order', 'SELECT id, x FROM people ORDER BY x, g, id LIMIT 2000', %same);
attack('as a cursor', 'FETCH ALL FROM c', before => [ 'BEGIN', 'DECLARE c CURSOR FOR SELECT * FROM people LIMIT 2000' ], after => ['ROLLBACK'], %same);
attack('as a prepared statement', 'EXECUTE pre(2000)', before => [ 'PREPARE pre AS SELECT * FROM people LIMIT $1' ], after => ['DEALLOCATE pre'], %same);
attack('COPY of a preview', 'COPY (SELECT * FROM people LIMIT 2000) TO STDOUT', %same);
attack('whether a plan has rows to read', 'SELECT * FROM people LIMIT 2000', %same, alone => 1);

# ---------- what would set real rows beside them ----------

attack("real rows beside synthetic ones: $_", $_, %runs) foreach
  'SELECT p.id FROM people p JOIN visits v ON v.pid = p.id LIMIT 2000', 'SELECT p.id FROM people p LEFT JOIN staff s ON s.sid = p.id LIMIT 2000', 'SELECT p.id, (SELECT x FROM people q WHERE q.id = 5) FROM people p LIMIT 2000',
  'SELECT id FROM people WHERE id IN (SELECT pid FROM visits WHERE cost > 3) LIMIT 2000', 'SELECT id FROM people WHERE EXISTS (SELECT FROM people WHERE id = 5) LIMIT 2000', '(SELECT id FROM people LIMIT 2000) UNION ALL SELECT sid FROM staff',
  'SELECT sid FROM staff UNION (SELECT id FROM people LIMIT 1)', '(SELECT id FROM people LIMIT 2000) EXCEPT SELECT id FROM people', '(SELECT id FROM people LIMIT 2000) INTERSECT ALL SELECT sid FROM staff', 'WITH q AS (SELECT * FROM people) SELECT * FROM q LIMIT 2000', 'WITH q AS MATERIALIZED (SELECT * FROM people LIMIT 5) SELECT * FROM q',
  'SELECT * FROM people, LATERAL (SELECT x AS y OFFSET 0) q LIMIT 2000', 'SELECT * FROM people LIMIT (SELECT x FROM people WHERE id = 5)', 'SELECT * FROM people OFFSET (SELECT x FROM people WHERE id = 5) LIMIT 3', 'SELECT * FROM people ORDER BY (SELECT x FROM people WHERE id = 5) LIMIT 3', 'SELECT * FROM people NATURAL JOIN visits LIMIT 3';
attack("what is no preview: $_", $_, %runs) foreach
  'SELECT * FROM people WHERE id = 5 LIMIT 1', 'SELECT * FROM people WHERE x IS NOT NULL LIMIT 2000', 'SELECT * FROM (SELECT * FROM people WHERE id = 5) q LIMIT 2000', 'SELECT * FROM people', 'TABLE people', 'SELECT * FROM people LIMIT ALL', 'SELECT p FROM people p LIMIT 3', 'SELECT ctid FROM people LIMIT 3', 'SELECT xmin FROM people LIMIT 3',
  'SELECT * FROM people LIMIT 3 FOR UPDATE', 'SELECT * FROM people TABLESAMPLE BERNOULLI (50) LIMIT 2000', 'SELECT * FROM events_1 LIMIT 3', 'SELECT * FROM staff LIMIT 3', 'SELECT row_number() OVER (ORDER BY id) FROM people LIMIT 3', 'SELECT generate_series(1, x) FROM people LIMIT 3',
  'SELECT DISTINCT ON (id) id FROM people LIMIT 3', 'CREATE TEMP TABLE kept AS SELECT * FROM people LIMIT 3';
attack("writing from one: $_", $_, state => 'DP002|42501', control => 'runs', before => ['BEGIN'], after => ['ROLLBACK']) foreach
  'INSERT INTO a.own (a) SELECT id FROM people LIMIT 3', 'UPDATE a.own SET a = (SELECT id FROM people LIMIT 1)', 'DELETE FROM a.own USING (SELECT id FROM people LIMIT 3) q WHERE a = q.id', 'WITH w AS (DELETE FROM a.own RETURNING a) SELECT id FROM people LIMIT 3';
attack('an aggregate over one', 'SELECT count(*) FROM (SELECT * FROM people LIMIT 2000) q', %runs);
attack('a release beside one', 'SELECT id, (SELECT dp_count(*) FROM people WHERE id = 5) FROM people LIMIT 3', state => 'DP002|42501', control => 'runs');
attack("dp_agg.preview_rows() itself: $_", "SELECT * FROM dp_agg.preview_rows($_)", state => '42501|22P02', moves => 0, control => 'none', why => 'copies have no synthetic rows') foreach
  q{'staff') AS t(sid int, pay int}, q{'events_1') AS t(pid int, r int, v int}, q{'people') AS t(id int}, q{'people') AS t(id text, name text, x int, y float8, g text, n numeric}, q{'people') AS t(id int, name text, x int, y float8, g text, n numeric}, q{'pg_authid') AS t(a int};
attack('real rows by a function of the same name', "SELECT * FROM a.preview_rows('people') AS t LIMIT 3", before => [ "CREATE OR REPLACE FUNCTION a.preview_rows(regclass) RETURNS SETOF people LANGUAGE sql STABLE AS 'SELECT * FROM people WHERE id = 5'" ], after => ['DROP FUNCTION IF EXISTS a.preview_rows(regclass)'],
	state => '42501|DP002', control => 'SELECT x FROM people WHERE id = 5');
attack('the plan of one: (ANALYZE, BUFFERS)', 'EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM people LIMIT 3', state => 'DP002', control => 'runs');
attack("the plan of one: $_", "EXPLAIN $_ SELECT * FROM people LIMIT 3", %same) foreach '', '(VERBOSE)';
run_attacks();

# ---------- counters and statistics ----------

my $counters = sub { return $node->safe_psql('postgres', q{SELECT pg_stat_force_next_flush(); SELECT seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables WHERE relid = 'people'::regclass}) =~ s/^\n//r; };
my $before = $counters->();
script('SELECT * FROM people LIMIT 2000');
attacked($counters->() eq $before, 'counters do not move: the table is not read');
session('admin', 'SELECT count(*) FROM people');
control($counters->() ne $before, 'they do for who reads it');

# ---------- policies ----------

$node->safe_psql('postgres', q{ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON people TO analyst USING (a.spy(x) > (SELECT max(k) FROM pub))});
my $r = script('SELECT last_value FROM a.calls; SELECT id FROM people LIMIT 2; SELECT last_value FROM a.calls');
attacked($r->{out} =~ /^(\d+)\n-1\n-2\n\1$/m, 'a policy is not run for synthetic rows') or diag($r->{out}, $r->{err});
finish();
