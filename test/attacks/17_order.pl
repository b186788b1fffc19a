# The order of rows and the form of values.  One person's row can put everybody's rows
# into another order: a sort that finds its input sorted leaves it alone, and else moves
# rows with equal keys about.  And where one value stands for several that are equal (1.0
# and 1.00, 0 and -0, a month and 30 days), it is the form of one of them that is read.
# A leak: what all individuals yield moves with one of them, or the form of a released
# key is one person's.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('order and form',
	tables => <<'SQL',
CREATE TABLE people (id int PRIMARY KEY, sick bool NOT NULL, wide text, more text);
CREATE TABLE units_n (u numeric, r int);
CREATE TABLE units_i (u interval, r int);
CREATE TABLE units_c (u bpchar, r int);
CREATE TABLE tree (id int PRIMARY KEY, x int, n numeric);
CREATE TABLE tree_1 (PRIMARY KEY (id)) INHERITS (tree);
CREATE TABLE parts (id int, k int, o int, v float8) PARTITION BY HASH (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE kinds (k int PRIMARY KEY, label text);
INSERT INTO people SELECT i, true, repeat('wide ', 310), CASE i WHEN 5 THEN repeat('more ', 300) END FROM generate_series(5, 404) i;
INSERT INTO units_n SELECT CASE WHEN r < 11 THEN i + 0.0 ELSE i + 0.00 END, r FROM generate_series(5, 404) i, generate_series(1, 20) r;
INSERT INTO units_i SELECT i * CASE WHEN r < 11 THEN interval '1 mon' ELSE interval '30 days' END, r FROM generate_series(5, 404) i, generate_series(1, 20) r;
INSERT INTO units_c SELECT rpad(lpad(i::text, 3, '0'), CASE WHEN r < 11 THEN 5 ELSE 9 END)::bpchar, r FROM generate_series(5, 404) i, generate_series(1, 20) r;
INSERT INTO tree SELECT i, 0, 1.0 FROM generate_series(5, 404) i;
INSERT INTO tree_1 SELECT i, 1, 1.00 FROM generate_series(5, 404) i;
INSERT INTO parts SELECT i, o % 2, o, CASE o WHEN 1 THEN 1e100 WHEN 2 THEN -1e100 ELSE 1 END FROM generate_series(5, 404) i, generate_series(1, 22) o;
INSERT INTO kinds SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('parts', 'id', 'people'), dp_agg.protect('tree', 'id', 'people'),
	dp_agg.protect('units_n', 'u', 'numbers'), dp_agg.protect('units_i', 'u', 'spans'), dp_agg.protect('units_c', 'u', 'codes');
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,numbers,spans,codes}'::name[]) p;
GRANT SELECT ON kinds TO PUBLIC;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
CREATE TABLE plain.units_n (LIKE units_n INCLUDING ALL);
CREATE TABLE plain.units_i (LIKE units_i INCLUDING ALL);
CREATE TABLE plain.units_c (LIKE units_c INCLUDING ALL);
CREATE TABLE plain.tree (LIKE tree INCLUDING ALL);
CREATE TABLE plain.tree_1 (PRIMARY KEY (id)) INHERITS (plain.tree);
CREATE TABLE plain.parts (LIKE parts INCLUDING ALL) PARTITION BY HASH (id);
CREATE TABLE plain.parts_1 PARTITION OF plain.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE plain.parts_2 PARTITION OF plain.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO plain.people TABLE people;
INSERT INTO plain.units_n TABLE units_n;
INSERT INTO plain.units_i TABLE units_i;
INSERT INTO plain.units_c TABLE units_c;
INSERT INTO plain.tree SELECT * FROM ONLY tree;
INSERT INTO plain.tree_1 TABLE tree_1;
INSERT INTO plain.parts TABLE parts;
SQL
	persons => { people => 'id = 5', units_n => 'u = 5', units_i => "u = interval '5 mons'", units_c => "u = '005'", parts => 'id = 5' },
	own => <<'SQL',
CREATE TABLE a.f8 (o int, v float8);
CREATE TABLE a.f4 (o int, v float4);
CREATE TABLE a.forms (o int, n numeric, f float8, f4 float4, i interval, c bpchar, j jsonb, an numeric[], af float8[], af4 float4[], ai interval[], ac bpchar[], x int);
INSERT INTO a.f8 SELECT i, CASE i WHEN 1 THEN 1e100 WHEN 2 THEN -1e100 ELSE 1 END FROM generate_series(1, 22) i;
INSERT INTO a.f4 SELECT i, CASE i WHEN 1 THEN 1e17 WHEN 2 THEN -1e17 ELSE 1 END FROM generate_series(1, 22) i;
INSERT INTO a.forms SELECT i, 1.0, 0, 0, '1 mon', 'a', '{"a": 1.0}', '{1.0}', '{0}', '{0}', '{1 mon}', '{a}', 1 FROM generate_series(1, 11) i;
INSERT INTO a.forms SELECT i, 1.00, '-0', '-0', '30 days', 'a  ', '{"a": 1.00}', '{1.00}', '{-0}', '{-0}', '{30 days}', '{"a  "}', 1 FROM generate_series(12, 22) i;
CREATE TABLE a.many AS SELECT i AS k FROM generate_series(1, 3000) i;
CREATE TABLE a.parent (k int PRIMARY KEY, label int);
CREATE TABLE a.child (PRIMARY KEY (k)) INHERITS (a.parent);
INSERT INTO a.parent SELECT i, 0 FROM generate_series(1, 10) i;
INSERT INTO a.child SELECT i, 1 FROM generate_series(1, 10) i;
CREATE DOMAIN a.df AS float8;
CREATE DOMAIN a.dn AS numeric;
CREATE DOMAIN a.dt AS text;
CREATE TYPE a.en AS ENUM ('one', 'two');
CREATE TABLE a.two (o int, f float8, z float8, f4 float4, z4 float4, df a.df, n numeric, dn a.dn, i interval, c bpchar, j jsonb, ints int[], texts text[], ens a.en[], an numeric[], af float8[], az float8[],
	ai interval[], ac bpchar[], adn a.dn[], t text, dt a.dt, v varchar, b bytea, bits varbit, nw numeric, tw text[]);
INSERT INTO a.two SELECT 1, -'NaN'::float8, '-0', -'NaN'::float4, '-0', -'NaN'::float8, 1.00, 1.00, '30 days', 'a  ', '{"a": [1.00, {"b": 2.50}]}', '{1,NULL}', '{a,NULL}', '{one,NULL}', '{1.00}', ARRAY[-'NaN'::float8], '{-0}',
	'{30 days}', '{"a  "}', '{1.00}', t, t, t, decode(repeat('ab', 3000), 'hex'), repeat('01', 12000)::varbit, repeat('7', 4000)::numeric, ARRAY[t] FROM repeat('key', 1000) t;
UPDATE a.two SET ints[2] = 2, texts[2] = 'b', ens[2] = 'two';
ALTER TABLE a.two ALTER t SET STORAGE EXTERNAL, ALTER dt SET STORAGE EXTERNAL, ALTER v SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL, ALTER bits SET STORAGE EXTERNAL, ALTER nw SET STORAGE EXTERNAL, ALTER tw SET STORAGE EXTERNAL;
INSERT INTO a.two SELECT 2, 'NaN', 0, 'NaN', 0, 'NaN', 1.0, 1.0, '1 mon', 'a', '{"a": [1.0, {"b": 2.5}]}', '{1,2}', '{a,b}', '{one,two}', '{1.0}', '{NaN}', '{0}',
	'{1 mon}', '{a}', '{1.0}', t, t, t, decode(repeat('ab', 3000), 'hex'), repeat('01', 12000)::varbit, repeat('7', 4000)::numeric, ARRAY[t] FROM repeat('key', 1000) t;
ANALYZE a.f8;
ANALYZE a.f4;
ANALYZE a.forms;
ANALYZE a.many;
SQL
	defaults => { state => '00000|DP002|DP003' });

# ---------- the form of a released key ----------

# Person 5's key, which comes first, is equal to that of all others but in its form.
my $two = '(SELECT id, y.C AS k FROM people, a.two y WHERE id = 5 AND y.o = 1 UNION ALL SELECT id, y.C FROM people, a.two y WHERE id <> 5 AND y.o = 2) s';
sub key
{
	my ($name, $column, $reader, %o) = @_;
	return attack("keys: $name, $reader", ($o{sql} // "SELECT $reader FROM $two GROUP BY k") =~ s/\bC\b/$column/gr =~ s/\bREAD\b/$reader/gr,
		moves => 0, before => [ map { s/\bC\b/$column/gr =~ s/\bREAD\b/$reader/gr } @{ $o{before} // [] } ], map { exists $o{$_} ? ($_ => $o{$_}) : () } qw(after control));
}

# One row per individual, that of person 5 first, as the table was made.
my @single = ('BEGIN', 'SET LOCAL max_parallel_workers_per_gather = 0');
my $nan = "CASE WHEN id = 5 THEN -'NaN'::float8 ELSE 'NaN' END";
key('a row each, compressed', 'wide', $_, sql => 'SELECT READ FROM (SELECT id, wide AS k FROM people) s GROUP BY k', before => \@single) foreach 'pg_column_size(k)', 'pg_column_compression(k)';
key('a row each, NaN', 'wide', $_, sql => "SELECT READ FROM (SELECT id, $nan AS k FROM people) s GROUP BY k", before => \@single) foreach 'float8send(k)';
key('a row each, sorted, NaN', 'wide', $_, sql => "SELECT READ FROM (SELECT id, $nan AS k FROM people) s GROUP BY k", before => [ @single, 'SET LOCAL enable_hashagg = off' ]) foreach 'float8send(k)';
key('a row each, DISTINCT', 'wide', $_, sql => "SELECT READ FROM (SELECT DISTINCT $nan AS k FROM people) s", before => \@single) foreach 'float8send(k)';
key('a row each, two keys', 'wide', $_, sql => "SELECT READ, g FROM (SELECT id, wide AS k, sick AS g FROM people) s GROUP BY k, g", before => \@single) foreach 'pg_column_size(k)';

# A key that goes further before it is read.
my @further = (
	[ 'a CTE', 'WITH w AS (KEYS) SELECT READ FROM w' ],
	[ 'a CTE that is materialized', 'WITH w AS MATERIALIZED (KEYS) SELECT READ, l IS NULL FROM w, (SELECT k AS l FROM w) v' ],
	[ 'a table', 'SELECT READ FROM w', 'CREATE TEMP TABLE w AS KEYS' ],
	[ 'a cursor', 'FETCH ALL FROM w', 'DECLARE w CURSOR FOR SELECT READ FROM (KEYS) v' ],
	[ 'a cursor that can go back', 'FETCH FIRST FROM w', 'DECLARE w SCROLL CURSOR FOR SELECT READ FROM (KEYS) v', 'MOVE ALL FROM w' ],
	[ 'a prepared statement', 'EXECUTE w', 'PREPARE w AS SELECT READ FROM (KEYS) v' ],
	[ 'DISTINCT', 'SELECT READ FROM (SELECT DISTINCT k FROM (KEYS) w) v' ],
	[ 'max', 'SELECT READ FROM (SELECT max(k) AS k FROM (KEYS) w) v' ],
	[ 'a window', 'SELECT READ FROM (SELECT first_value(k) OVER () AS k FROM (KEYS) w) v' ],
	[ 'UNION', 'SELECT READ FROM (KEYS UNION SELECT NULL) v' ],
	[ 'another release', 'SELECT READ FROM people p, (KEYS) w GROUP BY k' ],
	[ 'a join with itself', 'WITH w AS (KEYS) SELECT READ FROM w JOIN (SELECT k AS l FROM w) v ON k = l' ],
	[ 'a row', 'SELECT READ FROM (SELECT (v).k FROM (SELECT w FROM (KEYS) w) AS v(v)) w' ]);
foreach my $form ([ 'compressed', 'SELECT wide AS k FROM people GROUP BY wide', 'pg_column_size(k)' ], [ 'NaN', "SELECT $nan AS k FROM people GROUP BY 1", 'float8send(k)' ])
{
	foreach (@further)
	{
		my ($name, $sql, @before) = map { s/\bKEYS\b/$form->[1]/gr } @$_;

		key("through $name, $form->[0]", 'wide', $form->[2], sql => $sql, before => [ @single, @before ], after => ['DEALLOCATE ALL']);
	}
}
run_attacks();

# ---------- the order of rows ----------

# Everybody's rows in order of their id, and then those of person 5: a sort by id has
# nothing to do if there are none of these.
my @sort = ('BEGIN', 'SET LOCAL enable_hashagg = off', 'SET LOCAL max_parallel_workers_per_gather = 0');
sub reordered
{
	my ($columns, $table) = @_;

	return "(SELECT id, $columns FROM people LEFT JOIN a.$table q ON true WHERE id <> 5 UNION ALL SELECT id, $columns FROM people LEFT JOIN a.$table q ON true WHERE id = 5) u";
}
my $f8 = reordered('o, v', 'f8');
my $f4 = reordered('o, v', 'f4');
my $forms = reordered('q.*', 'forms');

sub order
{
	my ($name, $sql, %o) = @_;
	return attack($name, $sql, before => \@sort, %o);
}

# Rows of which the first, person 5's, asks for more than all others.
my $asking = '(SELECT id, 3000 AS x FROM people WHERE id = 5 UNION ALL SELECT id, 50 FROM people WHERE id BETWEEN 6 AND 205) u';

sub sums
{
	my ($name, $expression, $from, %o) = @_;
	return order("sums: $name", "SELECT dp_sum(s * 0.05, 0, 1) FROM (SELECT id, $expression AS s FROM $from GROUP BY id) t", %o);
}
sums('float8', 'sum(v)', $f8);
sums('float4', 'sum(v)', $f4);
sums('averages of float8', 'avg(v) * 20', $f8);
sums('averages of float4', 'avg(v) * 20', $f4);
sums('float8, filtered', 'sum(v) FILTER (WHERE o > 0)', $f8);
sums('float8, in an order that leaves it open', 'sum(v ORDER BY o / 100)', $f8);
sums('float8, distinct', 'sum(DISTINCT v)', $f8, control => 'none', why => 'DISTINCT sorts by the value');
sums('float8, of products', 'sum(v * o / o)', $f8);
sums('float8, in CASE', 'CASE WHEN sum(v) > 5 THEN 20 ELSE 0 END', $f8);
sums('float8, of sums', 'sum(t)', "(SELECT id, o / 15 AS h, sum(v) AS t FROM $f8 GROUP BY id, o / 15) w");
sums('float8, chosen by HAVING', '20', "(SELECT id, sum(v) AS t FROM $f8 GROUP BY id HAVING sum(v) > 5) w");
sums('float8, asked in a sub-select', '(SELECT count(*) * 2 FROM kinds WHERE k < sum(v))', $f8);
sums('float8, of a CTE', 'sum(t)', "w",
	before => [ @sort, 'CREATE TEMP VIEW w AS WITH c AS MATERIALIZED (SELECT id, v FROM ' . $f8 . ') SELECT id, sum(v) AS t FROM c GROUP BY id' ]);
sums('numeric, distinct, and its scale', 'scale(sum(DISTINCT n)) * 20', $forms);
sums('float8, the least and the greatest of rows', 'sum(greatest(v, -v) * sign(v))', $f8);
run_attacks();

# ---------- one value for several that are equal ----------

# How a value X of each type is read so that its form shows, and above which number it is
# the one form; all numbers are below 10.
my %read = (
	n => [ 'numeric', 1, 'scale(X)', 'length(X::text) - 2' ],
	f => [ 'float8', 0, 'atan2(X, -1)', '1 - length(X::text)', 'atan2(cbrt(X), -1)' ],
	f4 => [ 'float4', 0, 'atan2(X, -1)', '1 - length(X::text)' ],
	i => [ 'interval', 0, 'extract(month FROM X)', "(30 - extract(day FROM date '2021-01-31' + X)) / 10", 'length(X::text) - 6' ],
	c => [ 'bpchar', 1, 'octet_length(X)', "CASE WHEN X LIKE 'a  ' THEN 5 ELSE 0 END" ],
	j => [ 'jsonb', 3, "length(X ->> 'a')", "scale((X -> 'a')::numeric) + 2", 'length(X::text) - 7' ],
	an => [ 'arrays of numeric', 3, "length(array_to_string(X, ','))" ],
	af => [ 'arrays of float8', 0, 'atan2(X[1], -1)', "length(array_to_string(X, ','))" ],
	af4 => [ 'arrays of float4', 0, 'atan2(X[1], -1)' ],
	ai => [ 'arrays of interval', 0, 'extract(month FROM X[1])', "length(array_to_string(X, ',')) - 5" ],
	ac => [ 'arrays of bpchar', 1, 'octet_length(X[1])', "length(array_to_string(X, ','))" ]);

# Each place where one stands for several: for each column C its first way to be read, or
# all.
sub place
{
	my ($name, $columns, $sql, %o) = @_;

	foreach my $column (@$columns)
	{
		my ($type, $middle, @readers) = @{ $read{$column} };

		foreach my $reader ($o{all} ? @readers : $readers[0])
		{
			my $query = $sql =~ s/\bC\b/$column/gr =~ s/\bMIDDLE\b/$middle/gr;

			$query =~ s/\bREAD\(([\w.]+)\)/my $x = $1; $reader =~ s{\bX\b}{$x}gr/ge;
			order("$name, $type: $reader", $query);
		}
	}
	return;
}
my @scalars = qw(n f f4 i c);
my @types = sort keys %read;
place('the greatest', \@scalars, "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, max(C) AS m FROM $forms GROUP BY id) t", all => 1);
place('the least', \@scalars, "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, min(C) AS m FROM $forms GROUP BY id) t");
place('the greatest of some', [qw(n i c)], "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, max(DISTINCT C) FILTER (WHERE o > 2) AS m FROM $forms GROUP BY id) t");
place('the greatest in an order', [qw(n f)], "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, max(C ORDER BY x) AS m FROM $forms GROUP BY id) t");
place('grouped', \@types, "SELECT dp_sum(READ(C), -10, 10) FROM (SELECT id, C, count(*) FROM $forms GROUP BY id, C) t", all => 1);
place('distinct', \@types, "SELECT dp_sum(READ(C), -10, 10) FROM (SELECT DISTINCT id, C FROM $forms) t");
place('distinct, by its number', [qw(n f i c j)], "SELECT dp_sum(READ(e), -10, 10) FROM (SELECT C AS e, id FROM $forms GROUP BY 2, 1) t");
place('grouped, read at once', \@types, "SELECT dp_sum(r, -10, 10) FROM (SELECT id, READ(C) AS r FROM $forms GROUP BY id, C) t");
place('grouped by an expression', [qw(n f i c j)], "SELECT dp_sum(READ(e), -10, 10) FROM (SELECT id, CASE WHEN x = 1 THEN C END AS e FROM $forms GROUP BY id, CASE WHEN x = 1 THEN C END) t");
place('grouped, chosen by HAVING', [qw(n f i c j)], "SELECT dp_count(*) FROM (SELECT id FROM $forms GROUP BY id, C HAVING READ(C) > MIDDLE + 0 * sum(x)) t");
place('grouped, chosen by WHERE', [qw(n f i c j)], "SELECT dp_count(*) FROM (SELECT id, C, sum(x) AS s FROM $forms GROUP BY id, C) t WHERE READ(C) > MIDDLE + 0 * s");
place('grouped, then the group of a release', [qw(n f i c j)], "SELECT READ(C) > MIDDLE AS g, dp_count(*) FROM (SELECT id, C FROM $forms GROUP BY id, C) t GROUP BY 1");
place('grouped, asked in a sub-select', [qw(n i c j)], "SELECT dp_sum(r, 0, 10) FROM (SELECT id, (SELECT count(*) FROM kinds WHERE k < READ(C)) AS r FROM $forms GROUP BY id, C) t");
place('grouped, asked by EXISTS', [qw(n i c j)], "SELECT dp_count(*) FROM (SELECT id, C FROM $forms GROUP BY id, C) t WHERE EXISTS (SELECT FROM kinds WHERE k > MIDDLE AND k <= READ(C))");
place('grouped, joined sideways', [qw(n c)], "SELECT dp_sum(r, 0, 10) FROM (SELECT id, C FROM $forms GROUP BY id, C) t, LATERAL (SELECT count(*) AS r FROM kinds WHERE k < READ(t.C)) l");
place('grouped, joined with rows', [qw(n c)], "SELECT dp_sum(k, 0, 10) FROM (SELECT id, C FROM $forms GROUP BY id, C) t JOIN kinds ON k = READ(t.C)");
place('grouped, grouped again', [qw(n f i)], "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, max(C) AS m FROM (SELECT id, x, C FROM $forms GROUP BY id, x, C) g GROUP BY id) t");
place('an aggregate of what is grouped', [qw(n f i c j)], "SELECT dp_sum(s, -10, 10) FROM (SELECT id, C, sum(READ(C)) AS s FROM (SELECT DISTINCT id, C FROM $forms) g GROUP BY id, C) t");
place('grouped, in a CTE', [qw(n f i c j)], "WITH g AS MATERIALIZED (SELECT id, C FROM $forms GROUP BY id, C) SELECT dp_sum(READ(C), -10, 10) FROM g");
run_attacks();

# ---------- public rows, asked for again and again ----------

# A hash table that grew for one row stays large for the next ones, and gives the same rows
# out in another order.
sub again
{
	my ($name, $sql) = @_;
	return attack("asked again: $name", 'SELECT dp_sum(r, 0, 2) FROM (' . ($sql =~ s/\bFEW\b/SELECT k FROM a.many m WHERE m.k <= u.x GROUP BY k/gr) . ') t');
}
my $either = 'SELECT CASE WHEN k < 25 THEN 1.0 ELSE 1.00 END AS n FROM (FEW) h';
my $least = 'CASE WHEN k < 25 THEN 1 ELSE 0 END AS r';
again('LIMIT', "SELECT id, $least FROM (SELECT id, (FEW LIMIT 1) AS k FROM $asking) l");
again('OFFSET', "SELECT id, (SELECT CASE WHEN max(k) < 20 THEN 1 ELSE 0 END FROM (FEW OFFSET 48) h) AS r FROM $asking");
again('LIMIT of DISTINCT', "SELECT id, $least FROM $asking, LATERAL (SELECT DISTINCT k FROM a.many m WHERE m.k <= u.x LIMIT 1) l");
again('LIMIT in an order that leaves it open', "SELECT id, $least FROM (SELECT id, (SELECT k FROM (FEW) h ORDER BY k / 10000 LIMIT 1) AS k FROM $asking) l");
again('LIMIT above what is grouped', "SELECT id, $least FROM (SELECT id, (SELECT k FROM (SELECT k FROM a.many GROUP BY k) h WHERE k <= u.x LIMIT 1) AS k FROM $asking) l");
again('LIMIT of equal values in their order', "SELECT id, (SELECT scale(n) FROM ($either) w ORDER BY n LIMIT 1) AS r FROM $asking");
again('LIMIT of equal values, read outside', "SELECT id, scale(n) AS r FROM (SELECT id, (SELECT n FROM ($either) w ORDER BY n LIMIT 1) AS n FROM $asking) l");
again('LIMIT WITH TIES', "SELECT id, r FROM $asking, LATERAL (SELECT scale(n) AS r FROM (SELECT n FROM ($either) w ORDER BY n FETCH FIRST 1 ROW WITH TIES) v LIMIT 1) l");
again('LIMIT of a join', "SELECT id, $least FROM (SELECT id, (SELECT h.k FROM (FEW) h JOIN kinds ON kinds.k = h.k / 10000 LIMIT 1) AS k FROM $asking) l");
again('LIMIT in EXISTS', "SELECT id, 1 AS r FROM $asking WHERE EXISTS (SELECT FROM (FEW LIMIT 1) h WHERE k < 25)");
again('LIMIT in IN', "SELECT id, 1 AS r FROM $asking WHERE 22 IN (FEW LIMIT 5)");
again('DISTINCT ON', "SELECT id, $least FROM $asking, LATERAL (SELECT DISTINCT ON (g) k FROM (SELECT k, k / 10000 AS g FROM (FEW) h) g ORDER BY g) l");
again('DISTINCT ON equal values', "SELECT id, r FROM $asking, LATERAL (SELECT sum(scale(n)) AS r FROM (SELECT DISTINCT ON (n) n FROM ($either) w) z) l");
again("$_->[0] of equal values", "SELECT id, (SELECT max(scale(n)) FROM ($_->[1]) w) AS r FROM $asking") foreach
  [ 'UNION', "$either UNION SELECT 7" ], [ 'EXCEPT', "$either EXCEPT SELECT 7" ], [ 'INTERSECT', "$either INTERSECT SELECT k FROM a.many" ];
again('groups of equal values', "SELECT id, (SELECT sum(r) FROM (SELECT scale(n) AS r FROM ($either) w GROUP BY n) z) AS r FROM $asking");
again('a sum of float8', "SELECT id, (SELECT sum(CASE k WHEN 1 THEN 1e100 WHEN 2 THEN -1e100 ELSE 1 END::float8) / 40 FROM (FEW) h) AS r FROM $asking");
again('the least of equal values', "SELECT id, (SELECT scale(min(n)) FROM ($either) w) AS r FROM $asking");
run_attacks();

# ---------- individuals, inheritance, partitions ----------

sub units
{
	my ($name, $table, $five, $sql) = @_;
	return order("units, $name", $sql =~ s/\bROWS\b/(SELECT u, r FROM $table WHERE u <> $five UNION ALL SELECT u, r FROM $table WHERE u = $five) s/gr);
}
units('numeric', 'units_n', 5, 'SELECT dp_sum(scale(u), 0, 10) FROM (SELECT u, count(*) FROM ROWS GROUP BY u) t');
units('numeric, distinct', 'units_n', 5, 'SELECT dp_sum(scale(u), 0, 10) FROM (SELECT DISTINCT u FROM ROWS) t');
units('numeric, the group of a release', 'units_n', 5, 'SELECT scale(u) > 1 AS g, dp_count(*) FROM (SELECT u FROM ROWS GROUP BY u) t GROUP BY 1');
units('numeric, asked in a sub-select', 'units_n', 5, 'SELECT dp_sum(r, 0, 10) FROM (SELECT u, (SELECT count(*) FROM kinds WHERE k < scale(u)) AS r FROM ROWS GROUP BY u) t');
units('numeric, joined with themselves', 'units_n', 5, 'SELECT dp_sum(scale(t.u), 0, 10) FROM (SELECT u FROM ROWS GROUP BY u) t JOIN (SELECT u FROM units_n GROUP BY u) o ON o.u = t.u');
units('bpchar', 'units_c', "'005'", 'SELECT dp_sum(octet_length(u), 0, 10) FROM (SELECT u, count(*) FROM ROWS GROUP BY u) t');
units('bpchar, distinct', 'units_c', "'005'", 'SELECT dp_sum(octet_length(u), 0, 10) FROM (SELECT DISTINCT u FROM ROWS) t');
units('interval', 'units_i', "interval '5 mons'", 'SELECT dp_sum(extract(month FROM u), 0, 10) FROM (SELECT u, count(*) FROM ROWS GROUP BY u) t');
units('interval, distinct', 'units_i', "interval '5 mons'", 'SELECT dp_sum(extract(month FROM u), 0, 10) FROM (SELECT DISTINCT u FROM ROWS) t');

my $from = '(SELECT id FROM people WHERE id <> 5 UNION ALL SELECT id FROM people WHERE id = 5) p';
my @nested = (@sort, 'SET LOCAL enable_hashjoin = off', 'SET LOCAL enable_mergejoin = off');
attack("a primary key, $_->[0]", $_->[1], before => \@nested) foreach
  [ 'of a parent', "SELECT dp_sum(x, 0, 1) FROM (SELECT t.id, t.x FROM $from LEFT JOIN tree t ON t.id = p.id LEFT JOIN a.f8 ON true GROUP BY t.id) s" ],
  [ 'of a parent, and its scale', "SELECT dp_sum(scale(n), 0, 5) FROM (SELECT t.id, t.n FROM $from LEFT JOIN tree t ON t.id = p.id LEFT JOIN a.f8 ON true GROUP BY t.id) s" ],
  [ 'of a parent, in HAVING', "SELECT dp_count(*) FROM (SELECT t.id FROM $from LEFT JOIN tree t ON t.id = p.id LEFT JOIN a.f8 ON true GROUP BY t.id HAVING t.x = 1 + 0 * count(*)) s" ],
  [ 'of a parent, in a sub-select', "SELECT dp_sum(c, 0, 1) FROM (SELECT t.id, (SELECT count(*) FROM kinds WHERE k < t.x) AS c FROM $from LEFT JOIN tree t ON t.id = p.id LEFT JOIN a.f8 ON true GROUP BY t.id) s" ],
  [ 'of a public parent', "SELECT dp_sum(label, 0, 1) FROM (SELECT p.id, q.k, q.label FROM $from LEFT JOIN a.parent q ON q.k < 5 GROUP BY p.id, q.k) s WHERE k = 3" ];
run_attacks();

# ---------- the plan ----------

# The same question under one plan after the other: all answers within what one person may
# move.
my @plans = (
	[], ['enable_hashagg = off'], [ 'enable_hashagg = off', "work_mem = '64kB'" ], [ 'enable_hashjoin = off', 'enable_mergejoin = off' ],
	[ 'enable_hashjoin = off', 'enable_nestloop = off' ], [ 'enable_mergejoin = off', 'enable_nestloop = off' ], [ 'enable_seqscan = off', 'enable_bitmapscan = off' ],
	[ 'enable_partitionwise_aggregate = on', 'enable_partitionwise_join = on' ], [ 'enable_hashagg = off', 'enable_partitionwise_aggregate = on' ],
	[ 'enable_memoize = off', 'enable_material = off', 'enable_hashjoin = off' ], [ 'enable_sort = off', 'enable_incremental_sort = off' ],
	[ 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', 'min_parallel_index_scan_size = 0', 'max_parallel_workers_per_gather = 2' ],
	[ 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0', 'enable_hashagg = off', 'max_parallel_workers_per_gather = 2' ]);
sub answers
{
	my ($sql) = @_;
	my $r = session('analyst', join '', 'SET dp_agg.epsilon = 1000; SET dp_agg.delta = 1e-7;', map { 'BEGIN;' . (join '', map { "SET LOCAL $_;" } @$_) . "$sql; ROLLBACK;" } @plans);

	return ($r->{states}, split /\n/, $r->{out});
}
sub alike
{
	my ($name, $sql, %o) = @_;
	my ($states, @answers) = answers($sql);
	my (undef, @exact) = answers('SET LOCAL search_path = plain, public;' . on_copies($o{control} // $sql));

	attacked($states eq '' ? @answers == @plans && !grep({ !close_by($answers[0], $_, 5) } @answers) : $states =~ /^(DP002 ?)+$/ && !@answers, "plans: $name")
	  or diag("$sql\n$states @answers");
	control((scalar grep { !close_by($exact[0], $_, 5) } @exact), "plans: $name: seen without protection")
	  or diag("$sql\n@exact");
	return;
}
alike('a sum of float8', "SELECT dp_sum(s * 0.05, 0, 1) FROM (SELECT id, sum(v) AS s FROM parts GROUP BY id) t");
alike('an average of float8', "SELECT dp_sum(s, 0, 1) FROM (SELECT id, avg(v) AS s FROM parts GROUP BY id) t");
alike('a sum of float8 of partitions', "SELECT dp_sum(s * 0.1, 0, 1) FROM (SELECT id, k, sum(v) AS s FROM parts WHERE o > 0 GROUP BY id, k) t", control => "SELECT dp_sum(s * 0.05, 0, 1) FROM (SELECT id, sum(v) AS s FROM parts GROUP BY id) t");
alike('a sum of float8 of a join', "SELECT dp_sum(s * 0.05, 0, 1) FROM (SELECT p.id, sum(p.v) AS s FROM parts p JOIN a.f8 q ON q.o = p.o JOIN people USING (id) GROUP BY p.id) t");
alike('the scale of the greatest numeric', "SELECT dp_sum(scale(m), 0, 5) FROM (SELECT p.id, max(q.n) AS m FROM parts p JOIN a.forms q ON q.o = p.o GROUP BY p.id) t");
alike('the months of an interval', "SELECT dp_sum(extract(month FROM i), 0, 5) FROM (SELECT p.id, q.i FROM parts p JOIN a.forms q ON q.o = p.o GROUP BY p.id, q.i) t");
alike('the bytes of a bpchar', "SELECT dp_sum(octet_length(c), 0, 5) FROM (SELECT DISTINCT p.id, q.c FROM parts p JOIN a.forms q ON q.o = p.o) t");
alike('a field of a jsonb', "SELECT dp_sum(length(j ->> 'a'), 0, 5) FROM (SELECT p.id, q.j FROM parts p JOIN a.forms q ON q.o = p.o GROUP BY p.id, q.j) t");
alike('columns of a parent', 'SELECT dp_sum(x, 0, 1) FROM (SELECT t.id, t.x FROM tree t GROUP BY t.id) s');
alike('individuals by a numeric', 'SELECT dp_sum(scale(u), 0, 5) FROM (SELECT u, count(*) FROM units_n GROUP BY u) t');

# ---------- limits of individuals ----------

# Which of an individual's rows and groups count does not depend on their order.
attack("limits: $_->[0]", "SELECT $_->[1] FROM $f8 WHERE dp_with(max_rows => $_->[2], max_groups => $_->[3])" . ($_->[4] // ''), before => \@sort, moves => $_->[5] // 25,
	control => "SELECT sum(s) FROM (SELECT id, (array_agg(o))[1] AS s FROM $f8 GROUP BY id) t") foreach
  [ 'sums', 'dp_sum(o, 0, 22), dp_sum(v, -1, 1), dp_avg(o, 0, 22)', 22, 1, '', 260 ], [ 'sums of fewer rows', 'dp_sum(o, 0, 22), dp_sum(v, -1, 1), dp_count(*)', 3, 1, '', 70 ],
  [ 'variances', 'dp_var(o, 0, 22), dp_corr(o, v, 0, 22, -1, 1)', 3, 1 ], [ 'medians', 'dp_median(o, 0, 22), dp_max(o, 0, 22)', 22, 1 ], [ 'distinct values', 'dp_count_distinct(o)', 22, 1 ],
  [ 'groups', 'o % 4 AS g, dp_sum(o, 0, 22)', 6, 4, ' GROUP BY 1', 140 ];
run_attacks();

# ---------- keys of each type ----------

my $forms_of_keys = sub {
	key('NaN of float8', 'f', 'float8send(k)');
	key('NaN of float4', 'f4', 'float4send(k)');
	key('NaN of a domain', 'df', 'float8send(k)');
	key('zero of float8', 'z', $_) foreach 'float8send(k)', 'k::text', 'atan2(k, -1) > 0';
	key('zero of float4', 'z4', 'float4send(k)');
	key('numeric', 'n', $_) foreach 'numeric_send(k)', 'scale(k)', 'k::text';
	key('a domain over numeric', 'dn', 'scale(k)');
	key('interval', 'i', $_) foreach 'interval_send(k)', 'extract(month FROM k)', "date '2021-01-31' + k", 'k::text';
	key('bpchar', 'c', $_) foreach 'bpcharsend(k)', 'octet_length(k)', 'pg_column_size(k)';
	key('jsonb', 'j', $_) foreach 'jsonb_send(k)', "k ->> 'a'", 'k::text', 'pg_column_size(k)';
	key("an array: $_->[0]", $_->[0], $_->[1]) foreach [ 'ints', 'array_send(k)' ], [ 'ints', 'pg_column_size(k)' ], [ 'texts', 'array_send(k)' ], [ 'ens', 'pg_column_size(k)' ], [ 'an', 'k::text' ],
	  [ 'af', 'array_send(k)' ], [ 'az', 'k::text' ], [ 'ai', 'k::text' ], [ 'ac', 'octet_length(k[1])' ], [ 'adn', 'scale(k[1])' ], [ 'tw', 'pg_column_size(k)' ];
	key("stored elsewhere or compressed: $_", $_, 'pg_column_size(k)') foreach qw(t dt v b bits nw);
	key("stored elsewhere or compressed: $_", $_, 'pg_column_compression(k)') foreach qw(t v b);
	run_attacks();
};
$forms_of_keys->();
$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.bound_node = off');
$forms_of_keys->();
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.bound_node');

# What is chosen from the rows.
foreach my $place ([ 'a mode', "SELECT READ FROM (SELECT dp_mode(k) AS k FROM $two) v" ], [ 'the most frequent', "SELECT READ FROM (SELECT (v ->> 'value')::TYPE AS k FROM (SELECT dp_top(k, 2) AS t FROM $two) w, jsonb_array_elements(to_jsonb(t)) v) w" ])
{
	key("$place->[0]: $_->[0]", $_->[0], $_->[1], sql => $place->[1] =~ s/TYPE/$_->[2]/r, control => "SELECT $_->[1] FROM $two GROUP BY k" =~ s/\bC\b/$_->[0]/gr) foreach
	  [ 'n', 'scale(k)', 'numeric' ], [ 'z', 'float8send(k)', 'float8' ], [ 'i', 'extract(month FROM k)', 'interval' ], [ 'c', 'octet_length(k)', 'bpchar' ], [ 'j', 'jsonb_send(k)', 'jsonb' ], [ 't', 'pg_column_size(k)', 'text' ];
}
run_attacks();
finish();
