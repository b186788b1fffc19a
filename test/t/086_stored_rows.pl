# The bounding and the streaming node read columns straight from stored rows (src/nodes/bound/direct.h,
# rows.h): whatever lies before a column, whichever rows of a page are visible, and however long the
# key of a person is, they count what plain SQL counts.
#
# At an epsilon of 1000 noise is far below one individual.

use strict;
use warnings;
use DpAgg;
use Forms;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('stored', roles => [ 'analyst', 'sql' ], conf => <<'CONF');
max_parallel_workers = 8
max_prepared_transactions = 2
autovacuum = off
CONF

prepare_forms($node);
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION guard(t regclass, groups int DEFAULT 4, rows int DEFAULT 4) RETURNS void LANGUAGE sql AS $$
	SELECT dp_agg.protect(t, string_to_array('person', ','), 'people', max_groups => groups, max_rows => rows) $$;
CREATE TABLE first (person int, x int NOT NULL);
SELECT guard('first');
SELECT dp_agg.set_budget(r, 'people', epsilon => 1e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
SQL

my @plans = ([ 'one process', 'SET max_parallel_workers_per_gather = 0' ], [ 'parallel', parallel_plan(2) ]);

# A release, in each plan, beside plain SQL.
sub counts
{
	my ($release, $plain, $name) = @_;
	my $expected = $node->safe_psql('postgres', $plain);

	foreach my $plan (@plans)
	{
		foreach my $role ('analyst', 'sql')
		{
			my $result = DpAgg::as($node, $role, "$plan->[1]; $release");

			is_alike($result->{out}, $expected, 1.5, "$name: $role, $plan->[0]", 0.01) or diag($result->{err});
		}
	}
	return;
}

# ---------- what lies before a column ----------

# a text that begins where its alignment or a short header has it, after columns that nobody reads
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE unaligned (person int NOT NULL, flag bool NOT NULL, a text NOT NULL, g int NOT NULL, small int2 NOT NULL, odd "char" NOT NULL, b text NOT NULL, h int NOT NULL);
INSERT INTO unaligned SELECT p % 300, p % 7 > 0, repeat('c', p % 200), p % 3, 99, 'z', repeat('d', p * 11 % 300), p % 5 FROM generate_series(1, 3000) p;
SELECT guard('unaligned', 5, 10);
ANALYZE unaligned;
SQL
counts("SELECT g, count(*) FROM unaligned GROUP BY g ORDER BY g", "SELECT g, count(*) FROM unaligned GROUP BY g ORDER BY g", 'after a flag and a text');
counts("SELECT h, count(*) FROM unaligned GROUP BY h ORDER BY h", "SELECT h, count(*) FROM unaligned GROUP BY h ORDER BY h", 'after two such texts');

# Rows of three ages: two columns less, all columns, and one dropped; a bitmap of NULLs in some; texts of
# all kinds of headers, so that what follows is aligned in each way.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE layers (a text, flag bool, person int, odd "char", g int, x float8, gone int);
ALTER TABLE layers ALTER a SET STORAGE EXTERNAL;
INSERT INTO layers SELECT CASE p % 5 WHEN 0 THEN '' WHEN 1 THEN repeat('a', p % 23) WHEN 2 THEN repeat('b', 200)
	WHEN 3 THEN repeat('c', 3000) END, CASE WHEN p % 2 = 0 THEN true END, p, 'z', p % 3, p % 10, 7
FROM generate_series(1, 600) p;
ALTER TABLE layers DROP gone;
ALTER TABLE layers ADD y int DEFAULT 5, ADD h text DEFAULT 'old', ADD z int;
INSERT INTO layers SELECT repeat('d', p % 19), true, p, 'y', p % 3, p % 10, p % 7, repeat('new', p % 4), CASE WHEN p % 3 > 0 THEN p % 4 END
FROM generate_series(1, 600) p;
INSERT INTO layers SELECT 'e', true, NULL, 'x', p % 3, 9, 9, 'nobody', 9 FROM generate_series(1, 500) p;
SELECT guard('layers');
SELECT dp_agg.set_bounds('layers', c, 0, 10) FROM unnest('{x,y,z}'::name[]) c;
ANALYZE layers;
SQL
my $known = 'person IS NOT NULL';
# A sum of no value is 0 in a release.
foreach my $outputs ('count(*)', 'count(*), sum(x)', 'count(y), sum(y)', 'count(z), coalesce(sum(z), 0), sum(x)')
{
	counts("SELECT $outputs FROM layers", "SELECT $outputs FROM layers WHERE $known", "layers: $outputs");
	counts("SELECT g, $outputs FROM layers GROUP BY g ORDER BY g", "SELECT g, $outputs FROM layers WHERE $known GROUP BY g ORDER BY g",
		"layers by g: $outputs");
	counts("SELECT h, $outputs FROM layers GROUP BY h ORDER BY h", "SELECT h, $outputs FROM layers WHERE $known GROUP BY h ORDER BY h",
		"layers by h: $outputs");
}
counts("SELECT g, count(*) FROM layers WHERE x < 5 GROUP BY g ORDER BY g", "SELECT g, count(*) FROM layers WHERE $known AND x < 5 GROUP BY g ORDER BY g",
	'layers, with a condition');

# ---------- which rows of a page are visible ----------

# Rows that are deleted, changed in place, rolled back, or not committed yet by somebody else; pages without any.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE pages (person int NOT NULL, g int NOT NULL, x int NOT NULL) WITH (fillfactor = 70);
INSERT INTO pages SELECT p % 3000, p % 4, 1 FROM generate_series(1, 12000) p;
DELETE FROM pages WHERE ctid >= '(5,0)' AND ctid < '(9,0)';
DELETE FROM pages WHERE person % 7 = 0;
UPDATE pages SET x = 3 WHERE person % 11 = 0;
BEGIN;
INSERT INTO pages SELECT p, 1, 1 FROM generate_series(5000, 6000) p;
ROLLBACK;
SELECT guard('pages');
SELECT dp_agg.set_bounds('pages', 'x', 0, 4);
CREATE TABLE alone (person int PRIMARY KEY, g int NOT NULL, x int NOT NULL);
INSERT INTO alone SELECT p, p % 4, 1 FROM generate_series(1, 9000) p;
DELETE FROM alone WHERE person % 7 = 0 OR person BETWEEN 2000 AND 3000;
SELECT guard('alone', 1, 1);
SELECT dp_agg.set_bounds('alone', 'x', 0, 4);
SQL
$node->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO pages SELECT p, 1, 1 FROM generate_series(7000, 8000) p;
DELETE FROM alone WHERE person > 8000;
PREPARE TRANSACTION 'other';
SQL
foreach my $table ('pages', 'alone')
{
	counts("SELECT count(*), sum(x) FROM $table", "SELECT count(*), sum(x) FROM $table", "$table");
	counts("SELECT g, count(*), sum(x) FROM $table GROUP BY g ORDER BY g", "SELECT g, count(*), sum(x) FROM $table GROUP BY g ORDER BY g", "$table by g");
}
is_alike(DpAgg::as($node, 'analyst', 'SELECT count(*) FROM alone')->{out}, $node->safe_psql('postgres', 'SELECT count(*) FROM alone'), 1.5,
	'what others have not committed does not count');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'other'");

# ---------- persons by keys of all lengths ----------

# Bytes up to, at and beyond what words hold, and beyond a block; those that end in zeros are others.
my %keys = (
	text => "repeat('k', p % 40) || p / 40", bytea => "decode(repeat('00', p % 40), 'hex') || int4send(p / 40)",
	'bytea, zeros behind' => "int4send(p / 40) || decode(repeat('00', p % 40), 'hex')",
	'text, long' => "repeat(md5(p::text), 1 + p % 400)", uuid => 'md5(p::text)::uuid', numeric => 'p + 10::numeric ^ (p % 40 * 2 + 5)');
foreach my $name (sort keys %keys)
{
	my $type = $name =~ s/,.*//r;

	$node->safe_psql('postgres', <<"SQL");
DROP TABLE IF EXISTS keyed;
CREATE TABLE keyed (person $type, g int NOT NULL, h text NOT NULL, x int NOT NULL);
INSERT INTO keyed SELECT $keys{$name}, p % 3, 'h' || p % 2, 1 FROM generate_series(1, 1200) p, generate_series(1, 3);
INSERT INTO keyed SELECT NULL, 1, 'h1', 1 FROM generate_series(1, 100) p;
SELECT guard('keyed', 2, 1);
SQL
	is($node->safe_psql('postgres', 'SELECT count(DISTINCT person) FROM keyed'), 1200, "$name: they are different");
	counts('SELECT count(*) FROM keyed WHERE dp_with(max_rows => 1)', 'SELECT count(DISTINCT person) FROM keyed', "$name: each is one individual");
	counts('SELECT g, h, count(*) FROM keyed GROUP BY g, h ORDER BY g, h', 'SELECT g, h, count(DISTINCT person) FROM keyed GROUP BY g, h ORDER BY g, h',
		"$name: in groups of two columns");
}

# ---------- many groups, looked up in one go ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE streets (person int, g int, x int NOT NULL);
INSERT INTO streets SELECT p, NULLIF(p % 400, 0), 1 FROM generate_series(1, 40000) p;
INSERT INTO streets SELECT p, NULLIF(p % 400, 0), 1 FROM generate_series(1, 40000) p;
SELECT guard('streets', 1, 2);
SQL
counts('SELECT g, count(*) FROM streets GROUP BY g ORDER BY g', 'SELECT g, count(*) FROM streets GROUP BY g ORDER BY g', 'many groups');

done_testing();
