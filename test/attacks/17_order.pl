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
CREATE TABLE units_f (u float8, r int);
CREATE TABLE units_c (u bpchar, r int);
CREATE TABLE tree (id int PRIMARY KEY, x int, n numeric);
CREATE TABLE tree_1 (PRIMARY KEY (id)) INHERITS (tree);
CREATE TABLE parts (id int, k int, o int, v float8) PARTITION BY HASH (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE kinds (k int PRIMARY KEY, label text);
INSERT INTO people SELECT i, true, repeat('wide ', 310), CASE i WHEN 5 THEN repeat('more ', 300) END FROM generate_series(5, 804) i;
INSERT INTO units_n SELECT CASE WHEN r < 11 THEN i + 0.0 ELSE i + 0.00 END, r FROM generate_series(5, 804) i, generate_series(1, 20) r;
INSERT INTO units_f SELECT CASE WHEN i > 404 THEN i WHEN r < 11 THEN 0 ELSE '-0' END, r FROM generate_series(5, 804) i, generate_series(1, 20) r;
INSERT INTO units_c SELECT rpad(lpad(i::text, 3, '0'), CASE WHEN r < 11 THEN 5 ELSE 9 END)::bpchar, r FROM generate_series(5, 804) i, generate_series(1, 20) r;
INSERT INTO tree SELECT i, 0, 1.0 FROM generate_series(5, 804) i;
INSERT INTO tree_1 SELECT i, 1, 1.00 FROM generate_series(5, 804) i;
INSERT INTO parts SELECT i, o % 2, o, CASE o WHEN 1 THEN 1e100 WHEN 2 THEN -1e100 ELSE 1 END FROM generate_series(5, 804) i, generate_series(1, 22) o;
INSERT INTO kinds SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('parts', 'id', 'people'), dp_agg.protect('tree', 'id', 'people'),
	dp_agg.protect('units_n', 'u', 'numbers'), dp_agg.protect('units_f', 'u', 'floats'), dp_agg.protect('units_c', 'u', 'codes');
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,numbers,floats,codes}'::name[]) p;
GRANT SELECT ON kinds TO PUBLIC;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
CREATE TABLE plain.units_n (LIKE units_n INCLUDING ALL);
CREATE TABLE plain.units_f (LIKE units_f INCLUDING ALL);
CREATE TABLE plain.units_c (LIKE units_c INCLUDING ALL);
CREATE TABLE plain.tree (LIKE tree INCLUDING ALL);
CREATE TABLE plain.tree_1 (PRIMARY KEY (id)) INHERITS (plain.tree);
CREATE TABLE plain.parts (LIKE parts INCLUDING ALL) PARTITION BY HASH (id);
CREATE TABLE plain.parts_1 PARTITION OF plain.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE plain.parts_2 PARTITION OF plain.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO plain.people TABLE people;
INSERT INTO plain.units_n TABLE units_n;
INSERT INTO plain.units_f TABLE units_f;
INSERT INTO plain.units_c TABLE units_c;
INSERT INTO plain.tree SELECT * FROM ONLY tree;
INSERT INTO plain.tree_1 TABLE tree_1;
INSERT INTO plain.parts TABLE parts;
SQL
	persons => { people => 'id = 5', units_n => 'u = 5', units_f => 'u = 0 AND false', units_c => "u = '005'", parts => 'id = 5' },
	own => <<'SQL',
CREATE TABLE a.f8 (o int, v float8);
CREATE TABLE a.f4 (o int, v float4);
CREATE TABLE a.forms (o int, n numeric, f float8, f4 float4, i interval, c bpchar, j jsonb, an numeric[], af float8[], af4 float4[], ai interval[], ac bpchar[], x int);
INSERT INTO a.f8 SELECT i, CASE i WHEN 1 THEN 1e100 WHEN 2 THEN -1e100 ELSE 1 END FROM generate_series(1, 22) i;
INSERT INTO a.f4 SELECT i, CASE i WHEN 1 THEN 1e17 WHEN 2 THEN -1e17 ELSE 1 END FROM generate_series(1, 22) i;
INSERT INTO a.forms SELECT i, 1.0, 0, 0, '1 mon', 'a', '{"a": 1.0}', '{1.0}', '{0}', '{0}', '{1 mon}', '{a}', 1 FROM generate_series(1, 11) i;
INSERT INTO a.forms SELECT i, 1.00, '-0', '-0', '30 days', 'a  ', '{"a": 1.00}', '{1.00}', '{-0}', '{-0}', '{30 days}', '{"a  "}', 1 FROM generate_series(12, 22) i;
CREATE TABLE a.keys (t text, b bytea, n numeric, e text, ints int[], texts text[], ints_null int[], texts_null text[]);
INSERT INTO a.keys VALUES (repeat('key', 1000), decode(repeat('ab', 3000), 'hex'), repeat('7', 4000)::numeric, repeat('key', 1000), '{1,2}', '{a,b}', '{1,NULL}', '{a,NULL}');
UPDATE a.keys SET ints_null[2] = 2, texts_null[2] = 'b';
ALTER TABLE a.keys ALTER e SET STORAGE EXTERNAL;
ANALYZE a.f8;
ANALYZE a.f4;
ANALYZE a.forms;
SQL
	defaults => { state => '00000|DP002|DP003' });

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

sub sums
{
	my ($name, $expression, $from, %o) = @_;
	return order("sums: $name", "SELECT dp_sum(s, 0, 20) FROM (SELECT id, $expression AS s FROM $from GROUP BY id) t", moves => 25, %o);
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
	ai => [ 'arrays of interval', 0, 'extract(month FROM X[1])', "length(array_to_string(X, ','))" ],
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
place('the greatest of some', \@scalars, "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, max(DISTINCT C) FILTER (WHERE o > 2) AS m FROM $forms GROUP BY id) t");
place('the greatest in an order', \@scalars, "SELECT dp_sum(READ(m), -10, 10) FROM (SELECT id, max(C ORDER BY x) AS m FROM $forms GROUP BY id) t");
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
finish();
