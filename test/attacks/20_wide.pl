# Values stored out of line: which of their pages are read.  A leak: it depends on what is
# in the other columns.  See src/release/wide.c, src/release/whole.c and src/query/wide.c.
#
# Each table exists twice: "few" and "many" have the same rows, and in "many" every third
# kind is 'rare', in "few" none.  Before each question all their pages leave the cache (their
# files move to another tablespace); afterwards those that are in it again were read.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;

my @versions = qw(few many);
my @columns = ('id int PRIMARY KEY', 'kind text NOT NULL', 'x int NOT NULL', 'flag bool NOT NULL', 'body text', 'picture bytea');
my $text = q{(SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 100 + i % 50) j)};

# Of the bodies most are incompressible, some compressed and still out of line, some inline, some NULL.
sub rows
{
	my ($version, $n, $id) = @_;
	my $rare = $version eq 'many' ? 'i % 3 = 0' : 'false';

	return "SELECT $id, CASE WHEN $rare THEN 'rare' ELSE 'mass' END, i % 100, $rare,
		CASE WHEN i % 11 = 5 THEN NULL WHEN i % 11 = 6 THEN 'short' WHEN i % 11 = 7 THEN repeat($text, 4) ELSE $text END,
		decode($text, 'hex') FROM generate_series(1, $n) i";
}

sub table
{
	my ($schema, $name, $version, %o) = @_;
	my $columns = join ', ', $o{columns} ? @{ $o{columns} } : @columns;
	my $table = "$schema.${name}_$version";
	my $sql = "CREATE TABLE $table ($columns) " . ($o{partition} // '') . ";\n" . ($o{leaves} // '') =~ s/\bt(?=\b|_)/$table/gr;

	$sql .= "INSERT INTO $table " . rows($version, $o{n} // 600, $o{id} // 'i') . ";\nANALYZE $table;\n";
	$sql .= "GRANT SELECT ON $table TO analyst;\n" if $schema eq 'plain';
	$sql .= "SELECT dp_agg.protect('$table', 'id', 'people'" . ($o{limits} // '') . ");\n" if $schema eq 'public';
	return $sql . ($o{more} // '') =~ s/\bt(?=\b|_)/$table/gr;
}

my @notes = ('id int NOT NULL', @columns[ 1 .. $#columns ]);
my $tables = "CREATE EXTENSION pg_buffercache;\nCREATE EXTENSION pg_walinspect;\nSET allow_in_place_tablespaces = on;\nCREATE TABLESPACE elsewhere LOCATION '';\n";
foreach my $version (@versions)
{
	foreach my $schema (qw(public plain))
	{
		$tables .= table($schema, 'docs', $version);
		$tables .= table($schema, 'notes', $version, columns => \@notes, id => 'i / 3', limits => ', max_rows => 3');
		$tables .= table($schema, 'parts', $version, columns => \@notes, id => 'i / 3', limits => ', max_rows => 3',
			partition => 'PARTITION BY RANGE (x)', leaves => <<'SQL');
CREATE TABLE t_a PARTITION OF t FOR VALUES FROM (0) TO (50);
CREATE TABLE t_b (picture bytea, gone int, body text, flag bool NOT NULL, x int NOT NULL, kind text NOT NULL, id int NOT NULL);
ALTER TABLE t_b DROP gone;
ALTER TABLE t ATTACH PARTITION t_b FOR VALUES FROM (50) TO (100);
SQL
		$tables .= table($schema, 'heirs', $version, columns => \@notes, id => 'i / 3', limits => ', max_rows => 3',
			more => "CREATE TABLE t_a () INHERITS (t);\nINSERT INTO t_a SELECT * FROM t;\nANALYZE t_a;\n");
		$tables .= table($schema, 'hidden', $version,
			more => "ALTER TABLE t ENABLE ROW LEVEL SECURITY;\nCREATE POLICY p ON t TO analyst USING (kind = 'rare');\n");
		$tables .= table($schema, 'dead', $version, n => 300);
	}
}
$tables .= "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);\n";
my $node = start('wide values', conf => "autovacuum = off\nfsync = off\nmax_parallel_workers = 4\n", tables => $tables, own => '', persons => {});

# ---------- pages that are read ----------

my $leaves = q{(SELECT oid, reltoastrelid, relname ~ '_a$' AS part FROM pg_class WHERE relname ~ '^(docs|notes|parts|heirs|hidden|dead)_(few|many)(_[ab])?$' AND relkind = 'r')};

# Pages of the TOAST tables, and of the tables themselves, in the cache.
sub cached
{
	my ($schema, $version) = @_;

	return $node->safe_psql('postgres', <<"SQL");
SELECT string_agg(name || ' ' || toast || '/' || heap, ' ' ORDER BY name) FROM (
	SELECT split_part(c.relname, '_', 1) AS name, count(*) FILTER (WHERE b.relfilenode = t.relfilenode OR b.relfilenode = i.relfilenode) AS toast,
		count(*) FILTER (WHERE b.relfilenode = c.relfilenode) AS heap
	FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
	JOIN pg_buffercache b ON b.relforknumber = 0 AND b.relfilenode IN (c.relfilenode, t.relfilenode, i.relfilenode)
	WHERE c.relnamespace = '$schema'::regnamespace AND c.relname ~ '_$version' AND c.relkind = 'r' GROUP BY 1) s WHERE toast > 0 OR heap > 0
SQL
}

my $place = 'elsewhere';

# Empties the cache of all pages of these tables.
sub move_tables
{
	$node->safe_psql('postgres', join ";\n", map { chomp; "ALTER TABLE $_ SET TABLESPACE $place" }
		  split /\n/, $node->safe_psql('postgres', "SELECT oid::regclass FROM $leaves s"));
	$place = $place eq 'elsewhere' ? 'pg_default' : 'elsewhere';
	return;
}

# Few people stand for 'rare': the answer does not matter here.
sub question
{
	my ($schema, $version, $sql) = @_;
	my $asked = $sql =~ s/\b(docs|notes|parts|heirs|hidden|dead)\b/${1}_$version/gr;

	return $schema eq 'plain' ? on_copies($asked) : $asked;
}

sub pages
{
	my ($settings, $sql) = @_;
	my %pages;

	move_tables();
	foreach my $schema (qw(public plain))
	{
		foreach my $version (@versions)
		{
			my $r = DpAgg::as($node, 'analyst', "SET search_path = $schema; SET dp_agg.epsilon = 1000; $settings;\n\\o /dev/null\n" . question($schema, $version, $sql));

			diag("$sql: $r->{err}") if !$r->{ok};
			$pages{$schema}{$version} = $r->{ok} ? cached($schema, $version) : $r->{message};
		}
	}
	return \%pages;
}

my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0';
my @settings = (
	[ 'one process', $serial ],
	[ 'parallel', $parallel ],
	[ 'sorts and merge joins', "$serial; SET enable_hashjoin = off; SET enable_hashagg = off" ]);

# What is read: "all" values of all tables in the query, or "none".  The control is that
# the copies tell "few" and "many" apart, where "alike" does not say that they do not.
my @shapes = (
	[ 'CASE', q{SELECT dp_sum(CASE WHEN kind = 'rare' THEN CASE WHEN body LIKE '%zz%' THEN 1 ELSE 0 END ELSE 0 END, 0, 1) FROM docs}, 'all' ],
	[ 'AND', q{SELECT dp_count(*) FROM docs WHERE kind = 'rare' AND body LIKE '%zz%'}, 'all' ],
	[ 'a boolean column, which costs nothing', q{SELECT dp_count(*) FROM docs WHERE flag AND body LIKE '%zz%'}, 'all' ],
	[ 'OR', q{SELECT dp_count(*) FROM docs WHERE kind <> 'rare' OR body LIKE '%zz%'}, 'all' ],
	[ 'COALESCE', q{SELECT dp_count(*) FROM docs WHERE COALESCE(NULLIF(kind, 'rare'), body) LIKE '%zz%'}, 'all' ],
	[ 'FILTER', q{SELECT dp_count(*) FILTER (WHERE kind = 'rare' AND body LIKE '%zz%') FROM docs}, 'all' ],
	[ 'equality, which looks at lengths first', q{SELECT dp_count(*) FROM docs WHERE body = CASE WHEN kind = 'rare' THEN body ELSE 'a' END}, 'all' ],
	[ 'a part', q{SELECT dp_count(*) FROM docs WHERE substr(body, CASE WHEN kind = 'rare' THEN 3000 ELSE 0 END, 100) = 'a'}, 'all', 'alike' ],
	[ 'another type', q{SELECT dp_count(*) FROM docs WHERE kind = 'rare' AND sha256(picture) = 'a'}, 'all' ],
	[ 'a key', q{SELECT body, dp_count(*) FROM docs WHERE kind = 'rare' GROUP BY body}, 'all' ],
	[ 'a computed key', q{SELECT left(body, 1), dp_count(*) FROM docs WHERE kind = 'rare' GROUP BY 1}, 'all' ],
	[ 'distinct values', q{SELECT dp_count_distinct(body) FROM docs WHERE kind = 'rare'}, 'all' ],
	[ 'the mode', q{SELECT dp_mode(body) FROM docs WHERE kind = 'rare'}, 'all' ],
	[ 'a number', q{SELECT dp_avg(length(body), 0, 10000) FROM docs WHERE kind = 'rare'}, 'all' ],
	[ 'of several rows', q{SELECT dp_count(*) FROM notes WHERE kind = 'rare' AND body LIKE '%zz%'}, 'all' ],
	[ 'a key of several rows', q{SELECT left(body, 1), dp_count(*) FROM notes WHERE kind = 'rare' GROUP BY 1}, 'all' ],
	[ 'distinct values of several rows', q{SELECT kind, dp_count_distinct(body) FROM notes WHERE flag GROUP BY kind}, 'all' ],
	[ 'the greatest', q{SELECT dp_count(*) FROM (SELECT id, max(body) AS m FROM notes WHERE kind = 'rare' GROUP BY id) s WHERE m > 'a'}, 'all' ],
	[ 'grouped by the unit', q{SELECT dp_count(*) FROM (SELECT id, body FROM notes WHERE kind = 'rare' GROUP BY id, body) s}, 'all' ],
	[ 'a sub-select that passes it on', q{SELECT dp_count(*) FROM (SELECT id, kind, body AS b FROM docs) s WHERE kind = 'rare' AND b LIKE '%zz%'}, 'all' ],
	[ 'a CTE', q{WITH c AS (SELECT id, kind, body AS b FROM docs) SELECT dp_count(*) FROM c WHERE kind = 'rare' AND b LIKE '%zz%'}, 'all' ],
	[ 'UNION ALL', q{SELECT dp_count(*) FROM (SELECT id, kind, body FROM docs UNION ALL SELECT id, kind, body FROM notes) s WHERE kind = 'rare' AND body LIKE '%zz%'}, 'all' ],
	[ 'EXISTS', q{SELECT dp_count(*) FROM docs d WHERE EXISTS (SELECT 1 FROM notes n WHERE n.id = d.id AND n.kind = 'rare' AND n.body LIKE '%zz%')}, 'all' ],
	[ 'IN', q{SELECT dp_count(*) FROM docs d WHERE d.id IN (SELECT n.id FROM notes n WHERE n.kind = 'rare' AND n.body LIKE '%zz%')}, 'all' ],
	[ 'a self join', q{SELECT dp_count(*) FROM docs a JOIN docs b USING (id) WHERE a.kind = 'rare' AND b.body LIKE '%zz%'}, 'all', 'alike' ],
	[ 'a condition on both sides', q{SELECT dp_count(*) FROM docs a JOIN notes b USING (id) WHERE CASE WHEN a.kind = 'rare' AND b.x >= 0 THEN a.body < b.body END}, 'all' ],
	[ 'the weak side of a join', q{SELECT dp_count(b.x) FROM docs a LEFT JOIN notes b ON a.id = b.id AND b.kind = 'rare' AND b.body LIKE '%zz%'}, 'all' ],
	[ 'a side that is not read if the other is empty', q{SELECT dp_count(*) FROM docs a JOIN notes b USING (id) WHERE a.kind = 'rare' AND b.body LIKE '%zz%'}, 'all' ],
	[ 'a public table', q{SELECT dp_count(*) FROM docs d JOIN generate_series(1, 600) g ON g = d.id WHERE d.kind = 'rare' AND d.body LIKE g || '%'}, 'all' ],
	[ 'partitions', q{SELECT dp_count(*) FROM parts WHERE kind = 'rare' AND body LIKE '%zz%'}, 'all' ],
	[ 'a partition that is left out', q{SELECT dp_count(*) FROM parts WHERE x < 50 AND kind = 'rare' AND body LIKE '%zz%'}, 'all' ],
	[ 'partitions joined', q{SELECT dp_count(*) FROM parts p JOIN docs d USING (id) WHERE d.kind = 'rare' AND d.x = p.x AND p.body LIKE '%zz%'}, 'all' ],
	[ 'children', q{SELECT dp_count(*) FROM heirs WHERE kind = 'rare' AND body LIKE '%zz%'}, 'all' ],
	[ 'rows that a policy hides', q{SELECT dp_count(*) FROM hidden WHERE body LIKE '%zz%'}, 'all' ],
	[ 'a condition that holds for nobody', q{SELECT dp_count(*) FROM docs WHERE kind = 'nobody' AND body LIKE '%zz%'}, 'all', 'alike' ],
	[ 'two releases', q{SELECT (SELECT dp_count(*) FROM docs WHERE kind = 'rare' AND body LIKE '%zz%'), (SELECT dp_count(*) FROM notes WHERE kind = 'rare' AND body LIKE '%zz%')}, 'all' ],
	[ 'whether there is one', q{SELECT dp_count(*) FROM docs WHERE kind = 'rare' AND body IS NOT NULL}, 'none', 'alike' ],
	[ 'counted', q{SELECT kind, dp_count(body) FROM notes WHERE flag GROUP BY kind}, 'none', 'alike' ],
	[ 'its length', q{SELECT dp_avg(octet_length(body), 0, 10000) FROM docs WHERE kind = 'rare'}, 'none', 'alike' ],
	[ 'another column', q{SELECT kind, dp_count(*) FROM docs GROUP BY kind}, 'none', 'alike' ]);

# All pages of TOAST tables and tables, where everything is read.
my %all;
{
	move_tables();
	foreach my $version (@versions)
	{
		$node->safe_psql('postgres', "SELECT count(body < 'a'), count(picture < 'a') FROM public.${_}_$version") foreach qw(docs notes parts heirs hidden);
		%{ $all{$version} } = split / /, cached('public', $version);
	}
}

# What should have been read.
sub expected
{
	my ($sql, $what, $version) = @_;
	my %tables = map { $_ => 1 } $sql =~ /\b(docs|notes|parts|heirs|hidden)\b/g;
	my $both = $sql =~ /picture/;

	return map { $_ => $what eq 'none' ? '0/' . $all{$version}{$_} =~ s{.*/}{}r : $all{$version}{$_} } keys %tables;
}

sub judge
{
	my ($how, $settings, $shape) = @_;
	my ($name, $sql, $what, $control) = @$shape;
	my $pages = pages($settings, $sql);

	attacked($pages->{public}{few} eq $pages->{public}{many}, "$name, $how: the same pages are read")
	  or diag("$sql\nfew:  $pages->{public}{few}\nmany: $pages->{public}{many}");
	my %read = split / /, $pages->{public}{many};
	my ($table) = $sql =~ /\b(docs|notes|parts|heirs|hidden)\b/;
	my ($toast) = ($read{$table} // '0/0') =~ m{^(\d+)/};
	ok($what eq 'none' ? $toast == 0 : $toast > 20, "$name, $how: $what of the wide values") or diag("$pages->{public}{many}");
	control($pages->{plain}{few} ne $pages->{plain}{many}, "$name, $how: other pages are read without protection")
	  or diag("$sql\nfew:  $pages->{plain}{few}\nmany: $pages->{plain}{many}")
	  if !$control && $how ne 'sorts and merge joins';
	return;
}

foreach my $setting (@settings)
{
	foreach my $shape (@shapes)
	{
		judge(@$setting, $shape);
	}
}
$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.bound_node = off');
judge('without nodes', $serial, $_) foreach grep { $_->[0] =~ /several|key|distinct|greatest|EXISTS|UNION|join/ } @shapes;
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.bound_node');

finish();
