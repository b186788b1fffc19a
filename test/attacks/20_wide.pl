# Values stored out of line: which of their pages are read.  A leak: it depends on what is
# in the other columns.  See src/nodes/release/wide.c, src/nodes/release/whole.c and src/query/wide.c.
#
# Each table exists twice: "few" and "many" have the same rows, and in "many" every third
# kind is 'rare', in "few" none.  Before each question all their pages leave the cache (their
# files move to another tablespace); afterwards those that are in it again were read.  That
# the answers are right is tested on the way.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Attacks;

my @versions = qw(few many);
my @columns = ('id int PRIMARY KEY', 'kind text NOT NULL', 'x int NOT NULL', 'flag bool NOT NULL', 'body text', 'picture bytea');
my $text = q{(SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 100 + i % 50) j)};

# Of the bodies most are incompressible, some compressed and still out of line, some inline,
# some NULL, and a few too wide to be passed on.
sub rows
{
	my ($version, $n, $id) = @_;
	my $rare = $version eq 'many' ? 'i % 3 = 0' : 'false';

	return "SELECT $id, CASE WHEN $rare THEN 'rare' ELSE 'mass' END, i % 100, $rare,
		CASE WHEN i % 300 = 13 THEN (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 20000) j)
			WHEN i % 11 = 5 THEN NULL WHEN i % 11 = 6 THEN 'short' WHEN i % 11 = 7 THEN repeat($text, 4) ELSE $text END,
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

# wal_skip_threshold: small files would be read into the cache again to be logged
my $node = start('wide values', conf => "autovacuum = off\nfsync = off\nmax_parallel_workers = 4\nwal_skip_threshold = 0\n",
	tables => $tables, persons => {}, own => 'CREATE TABLE a.own (id int); INSERT INTO a.own SELECT generate_series(1, 600);');

# ---------- pages that are read ----------

# Pages in the cache: of TOAST tables with their indexes, of the tables, of their indexes.
sub cached
{
	my ($schema, $version) = @_;

	return $node->safe_psql('postgres', <<"SQL");
WITH files AS (
	SELECT split_part(c.relname, '_', 1) AS name, f.kind, pg_relation_filenode(f.oid) AS file
	FROM pg_class c, LATERAL (
		SELECT 'heap' AS kind, c.oid UNION ALL SELECT 'toast', c.reltoastrelid
		UNION ALL SELECT CASE indrelid WHEN c.oid THEN 'index' ELSE 'toast' END, indexrelid FROM pg_index WHERE indrelid IN (c.oid, c.reltoastrelid)) f
	WHERE c.relnamespace = '$schema'::regnamespace AND c.relname ~ '_$version' AND c.relkind = 'r')
SELECT string_agg(name || ' ' || toast || '/' || heap || '/' || index, ' ' ORDER BY name) FROM (
	SELECT name, count(*) FILTER (WHERE kind = 'toast') AS toast, count(*) FILTER (WHERE kind = 'heap') AS heap, count(*) FILTER (WHERE kind = 'index') AS index
	FROM files JOIN pg_buffercache ON relfilenode = file AND relforknumber = 0 GROUP BY name) s
SQL
}

# Empties the cache of all pages of tables, which a regular expression names.
my %place;
sub move_tables
{
	my ($names, $schemas) = @_;
	my $tables = $node->safe_psql('postgres', "SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'i') AND relname ~ '^($names)_(few|many)' AND relnamespace::regnamespace::text ~ '$schemas'");
	my @moves;

	foreach my $table (split /\n/, $tables)
	{
		$place{$table} = ($place{$table} // '') eq 'elsewhere' ? 'pg_default' : 'elsewhere';
		push @moves, 'ALTER ' . ($table =~ /key|idx/ ? 'INDEX' : 'TABLE') . " $table SET TABLESPACE $place{$table};";
	}
	$node->safe_psql('postgres', "@moves");
	return;
}

# What is asked, of the tables of one version; of the copies without protection.
sub question
{
	my ($schema, $version, $sql) = @_;
	my $asked = $sql =~ s/\b(docs|notes|parts|heirs|hidden|dead)\b/${1}_$version/gr;

	return $schema eq 'plain' ? on_copies($asked) : $asked;
}

sub pages
{
	my ($settings, $sql, @schemas) = @_;
	my $names = join '|', $sql =~ /\b(docs|notes|parts|heirs|hidden)\b/g;
	my (%pages, %answers);

	move_tables($names, join '|', @schemas);
	foreach my $schema (@schemas)
	{
		foreach my $version (@versions)
		{
			my $r = DpAgg::as($node, 'analyst', "SET search_path = $schema; SET dp_agg.epsilon = 1000; $settings;\n" . question($schema, $version, $sql));

			my %cached = split / /, cached($schema, $version);

			diag("$sql: $r->{err}") if !$r->{ok};
			$answers{$schema} = $r->{out};
			$pages{$schema}{$version} = $r->{ok} ? join(' ', map { "$_ $cached{$_}" } grep { /^($names)$/ } sort keys %cached) : $r->{message};
		}
	}
	return (\%pages, \%answers);
}

my $serial = 'SET max_parallel_workers_per_gather = 0';
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0';

# Of which tables all bodies are read, and of all others none; what the copies show:
# "alike" where they do not tell "few" and "many" apart.
my @shapes = (
	[ 'CASE', q{SELECT dp_sum(CASE WHEN kind = 'rare' THEN CASE WHEN body LIKE '%abc%' THEN 1 ELSE 0 END ELSE 0 END, 0, 1) FROM docs}, 'docs' ],
	[ 'AND', q{SELECT dp_count(*) FROM docs WHERE kind <> 'mass' AND body LIKE '%abc%'}, 'docs' ],
	[ 'a boolean column, which costs nothing', q{SELECT dp_count(*) FROM docs WHERE flag AND body LIKE '%abc%'}, 'docs' ],
	[ 'OR', q{SELECT dp_count(*) FROM docs WHERE kind = 'mass' OR body LIKE '%abc%'}, 'docs' ],
	[ 'COALESCE', q{SELECT dp_count(*) FROM docs WHERE COALESCE(NULLIF(kind, 'rare'), body) LIKE '%abc%'}, 'docs' ],
	[ 'FILTER', q{SELECT dp_count(*) FILTER (WHERE kind = 'rare' AND body LIKE '%abc%') FROM docs}, 'docs' ],
	[ 'equality, which looks at lengths first', q{SELECT dp_count(*) FROM docs WHERE body = CASE WHEN kind = 'rare' THEN body ELSE 'a' END}, 'docs' ],
	[ 'a part', q{SELECT dp_count(*) FROM docs WHERE substr(body, 1, CASE WHEN kind = 'rare' THEN 3000 ELSE 10 END) = 'a'}, 'docs' ],
	[ 'a key', q{SELECT body, dp_count(*) FROM docs WHERE kind = 'rare' GROUP BY body}, 'docs' ],
	[ 'a computed key', q{SELECT left(body, 1), dp_count(*) FROM docs WHERE kind = 'rare' GROUP BY 1}, 'docs' ],
	[ 'distinct values', q{SELECT dp_count_distinct(body) FROM docs WHERE kind = 'rare'}, 'docs' ],
	[ 'the mode', q{SELECT dp_mode(body) FROM docs WHERE kind = 'rare'}, 'docs' ],
	[ 'a number', q{SELECT dp_avg(length(body), 0, 1000000) FROM docs WHERE kind = 'rare'}, 'docs' ],
	[ 'of several rows', q{SELECT dp_count(*) FROM notes WHERE kind <> 'mass' AND body LIKE '%abc%'}, 'notes' ],
	[ 'a key of several rows', q{SELECT left(body, 1), dp_count(*) FROM notes WHERE kind = 'rare' GROUP BY 1}, 'notes' ],
	[ 'distinct values of several rows', q{SELECT kind, dp_count_distinct(body) FROM notes WHERE flag GROUP BY kind}, 'notes' ],
	[ 'the greatest', q{SELECT dp_count(*) FROM (SELECT id, max(body) AS m FROM notes WHERE kind = 'rare' GROUP BY id) s WHERE m > 'a'}, 'notes' ],
	[ 'grouped by the unit', q{SELECT dp_count(*) FROM (SELECT id, body FROM notes WHERE kind = 'rare' GROUP BY id, body) s}, 'notes' ],
	[ 'a sub-select that passes it on', q{SELECT dp_count(*) FROM (SELECT id, kind, body AS b FROM docs) s WHERE kind <> 'mass' AND b LIKE '%abc%'}, 'docs' ],
	[ 'a CTE', q{WITH c AS (SELECT id, kind, body AS b FROM docs) SELECT dp_count(*) FROM c WHERE kind <> 'mass' AND b LIKE '%abc%'}, 'docs' ],
	[ 'UNION ALL', q{SELECT dp_count(*) FROM (SELECT id, kind, body FROM docs UNION ALL SELECT id, kind, body FROM notes) s WHERE kind <> 'mass' AND body LIKE '%abc%'}, 'docs notes' ],
	[ 'EXISTS', q{SELECT dp_count(*) FROM docs d WHERE EXISTS (SELECT 1 FROM notes n WHERE n.id = d.id AND n.kind <> 'mass' AND n.body LIKE '%abc%')}, 'notes' ],
	[ 'a sub-select in an expression', q{SELECT dp_count(*) FROM docs d WHERE d.x < 90 OR EXISTS (SELECT 1 FROM notes n WHERE n.id = d.id AND n.kind <> 'mass' AND n.body LIKE '%abc%')}, 'notes' ],
	[ 'a sub-select with EXISTS that nobody asks', q{SELECT dp_count(*) FROM docs d WHERE CASE WHEN d.kind = 'rare' THEN EXISTS (SELECT 1 FROM notes n WHERE n.id = d.id AND n.x + 1 > d.x AND n.body LIKE '%abc%') END}, 'notes' ],
	[ 'IN', q{SELECT dp_count(*) FROM docs d WHERE d.id IN (SELECT n.id FROM notes n WHERE n.kind <> 'mass' AND n.body LIKE '%abc%')}, 'notes' ],
	[ 'a self join', q{SELECT dp_count(*) FROM docs a JOIN docs b USING (id) WHERE a.kind = 'rare' AND b.body LIKE '%abc%'}, 'docs', 'alike' ],
	[ 'a condition on both sides', q{SELECT dp_count(*) FROM docs a JOIN notes b USING (id) WHERE CASE WHEN a.kind = 'rare' AND b.x >= 0 THEN a.body < b.body END}, 'docs notes' ],
	[ 'the weak side of a join', q{SELECT dp_count(b.x) FROM docs a LEFT JOIN notes b ON a.id = b.id AND b.kind <> 'mass' AND b.body LIKE '%abc%'}, 'notes' ],
	[ 'a side that is not read if the other is empty', q{SELECT dp_count(*) FROM docs a JOIN notes b USING (id) WHERE a.kind = 'rare' AND b.body LIKE '%abc%'}, 'notes' ],
	[ 'a public table', q{SELECT dp_count(*) FROM docs d JOIN a.own o ON o.id = d.id WHERE d.kind <> 'mass' AND d.body LIKE o.id || '%'}, 'docs' ],
	[ 'partitions', q{SELECT dp_count(*) FROM parts WHERE kind <> 'mass' AND body LIKE '%abc%'}, 'parts' ],
	[ 'partitions joined', q{SELECT dp_count(*) FROM parts p JOIN docs d USING (id) WHERE d.kind = 'rare' AND d.x = p.x AND p.body LIKE '%abc%'}, 'parts', 'alike' ],
	[ 'children', q{SELECT dp_count(*) FROM heirs WHERE kind <> 'mass' AND body LIKE '%abc%'}, 'heirs' ],
	[ 'rows that a policy hides', q{SELECT dp_count(*) FROM hidden WHERE body LIKE '%abc%'}, 'hidden' ],
	[ 'a condition that holds for nobody', q{SELECT dp_count(*) FROM docs WHERE kind = 'nobody' AND body LIKE '%abc%'}, 'docs', 'alike' ],
	[ 'two releases', q{SELECT (SELECT dp_count(*) FROM docs WHERE kind <> 'mass' AND body LIKE '%abc%'), (SELECT dp_count(*) FROM notes WHERE kind <> 'mass' AND body LIKE '%abc%')}, 'docs notes' ],
	[ 'whether there is one', q{SELECT dp_count(*) FROM docs WHERE kind = 'rare' AND body IS NOT NULL}, '', 'alike' ],
	[ 'counted', q{SELECT kind, dp_count(body) FROM notes WHERE flag GROUP BY kind}, '', 'alike' ],
	[ 'its length', q{SELECT dp_avg(octet_length(body), 0, 1000000) FROM docs WHERE kind = 'rare'}, '', 'alike' ],
	[ 'another column', q{SELECT kind, dp_count(*) FROM docs GROUP BY kind}, '', 'alike' ],
	[ 'tables without wide columns in the query', q{SELECT dp_count(*) FROM docs a JOIN notes b USING (id) WHERE a.kind = 'rare' AND b.x > 5}, '', 'alike' ]);

# Pages of TOAST tables where all bodies are read.
my %all;
{
	move_tables('docs|notes|parts|heirs|hidden', 'public');
	foreach my $version (@versions)
	{
		$node->safe_psql('postgres', "SELECT count(body < 'a') FROM public.${_}_$version") foreach qw(docs notes parts heirs hidden);
		$all{$version} = { map { s{/.*}{}r } split / /, cached('public', $version) };
	}
	is_deeply($all{few}, $all{many}, 'both versions have the same pages');
}

# The answers of the copies of "many".
my %truth;

sub judge
{
	my ($how, $settings, $shape) = @_;
	my ($name, $sql, $read, $alike) = @$shape;
	my $control = !$alike && $how eq 'one process';
	my ($pages, $answers) = pages($settings, $sql, 'public', $control ? 'plain' : ());
	my %toast = map { s{/.*}{}r } split / /, $pages->{public}{few};
	my %expected = map { ($_ => $read =~ /\b$_\b/ ? $all{few}{$_} : 0) } $sql =~ /\b(docs|notes|parts|heirs|hidden)\b/g;

	attacked($pages->{public}{few} eq $pages->{public}{many} && !(grep { ($toast{$_} // 0) != $expected{$_} } keys %expected),
		"$name, $how: " . ($read eq '' ? 'no' : 'all') . ' wide values are read')
	  or diag("$sql\nall:  " . join(' ', %expected) . "\nfew:  $pages->{public}{few}\nmany: $pages->{public}{many}");
	control($pages->{plain}{few} ne $pages->{plain}{many}, "$name, $how: other pages are read without protection")
	  or diag("$sql\nfew:  $pages->{plain}{few}\nmany: $pages->{plain}{many}")
	  if $control;
	$truth{$name} = $answers->{plain} if $control;
	return if ($truth{$name} // '') !~ /^-?[\d.]+$/;
	cmp_ok(abs($answers->{public} - $truth{$name}), '<', 3 + 0.02 * abs $truth{$name}, "$name, $how: the answer is right ($truth{$name})") or diag("$answers->{public} for $truth{$name}");
	return;
}

judge('one process', $serial, $_) foreach @shapes;
judge('parallel', $parallel, $_) foreach grep { $_->[0] =~ /CASE|boolean|several|the mode|UNION|EXISTS|join|side|partitions|children|policy|whether/ } @shapes;
judge('sorts and merge joins', "$serial; SET enable_hashjoin = off; SET enable_hashagg = off; SET enable_nestloop = off", $_)
  foreach grep { $_->[0] =~ /key|greatest|grouped|EXISTS|IN|join|side/ } @shapes;
judge('nested loops', "$serial; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off", $_)
  foreach grep { $_->[0] =~ /EXISTS|IN|join|side/ } @shapes;
$node->safe_psql('postgres', 'ALTER ROLE analyst SET dp_agg.bound_node = off');
judge('without nodes', $serial, $_) foreach grep { $_->[0] =~ /several|key|distinct|greatest|EXISTS|UNION|join/ } @shapes;
$node->safe_psql('postgres', 'ALTER ROLE analyst RESET dp_agg.bound_node');

# ---------- what reading writes ----------

# Pages that are cleaned up by the first who reads them: PRUNE records in the WAL, which have several names from 17 on.
{
	# from 16 on an end that is far off is the end of the WAL
	my $records = DpAgg::version() >= 16 ? sub { "pg_get_wal_records_info('$_[0]', 'FFFFFFFF/FFFFFFFF')" } : sub { "pg_get_wal_records_info_till_end_of_wal('$_[0]')" };
	my $pruned = sub {
		my ($schema, $version) = @_;
		my $table = "$schema.dead_$version";

		$node->safe_psql('postgres', "UPDATE $table SET body = body || 'x' WHERE id % 2 = 0 AND body <> 'short'");
		my $from = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
		my $sql = question($schema, $version, q{SELECT dp_sum(CASE WHEN kind = 'rare' THEN CASE WHEN body LIKE '%abc%' THEN 1 ELSE 0 END ELSE 0 END, 0, 1) FROM dead});
		DpAgg::value($node, 'analyst', "SET search_path = $schema; $sql");
		return $node->safe_psql('postgres', <<"SQL");
CHECKPOINT;
SELECT count(*) FROM @{[ $records->($from) ]}
WHERE record_type ~ '^PRUNE' AND block_ref ~ (SELECT '/' || pg_relation_filenode(reltoastrelid) || ' ' FROM pg_class WHERE oid = '$table'::regclass)
SQL
	};
	my %n = map { my $schema = $_; ($schema => [ map { $pruned->($schema, $_) } @versions ]) } qw(public plain);

	attacked($n{public}[0] == $n{public}[1] && $n{public}[0] > 20, 'pruned pages of TOAST: all of them') or diag("@{ $n{public} }");
	control($n{plain}[0] == 0 && $n{plain}[1] > 5, 'pruned pages of TOAST: those of the rare rows, without protection') or diag("@{ $n{plain} }");
}

# ---------- plans ----------

{
	my $plan = sub {
		my ($sql) = @_;
		my $r = session('admin', "SET debug_print_plan = on; SET debug_pretty_print = off; SET client_min_messages = log; SET max_parallel_workers_per_gather = 0; $sql;");

		return join ' ', sort grep { defined } $r->{err} =~ /:methods\s+DP\\?\s+(Scan|Stream)|\{(SEQSCAN)\s/g;
	};
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE short (id int PRIMARY KEY, kind text, body text);
INSERT INTO short SELECT i, 'mass', 'short ' || i FROM generate_series(1, 600) i;
ANALYZE short;
SELECT dp_agg.protect('short', 'id', 'people');
SQL
	is($plan->(q{SELECT dp_count(*) FROM docs_few WHERE kind = 'rare' AND body LIKE '%abc%'}), 'Scan Stream', 'a table with wide values has its own scan');
	is($plan->(q{SELECT dp_count(*) FROM short WHERE kind = 'rare' AND body LIKE '%abc%'}), 'SEQSCAN Stream', 'one without has the usual one');
	is($plan->(q{SELECT dp_count(*) FROM docs_few WHERE x > 5}), 'SEQSCAN Stream', 'and one whose wide values nobody reads');

	# Between the plan and its execution the first wide value comes.
	my $r = script(<<'SQL' . q{SELECT dp_count(*) FROM short WHERE body LIKE 'short%';});
SET plan_cache_mode = force_generic_plan;
PREPARE q(text) AS SELECT dp_count(*) FROM short WHERE body LIKE $1;
EXECUTE q('short%');
\! psql -XAqt -U admin -d postgres -c "INSERT INTO short SELECT 1000, 'mass', string_agg(md5(i::text), '') FROM generate_series(1, 500) i"
EXECUTE q('short%');
EXECUTE q('short%');
SQL
	is($r->{states}, 'DP002', 'wide values that came after the plan are an error, once');
	like($r->{err}, qr/a table has changed since the query was planned/, 'which says what to do');
	is_deeply([ map { sprintf '%.0f', $_ } split /\n/, $r->{out} ], [ 600, 600, 600 ], 'and the next answers are right');
}

# ---------- values that are read again ----------

# With a cache that is smaller than the values: what is read long after the scan is fetched anew.
{
	my $small = DpAgg::node('small', conf => "autovacuum = off\nfsync = off\nshared_buffers = 1MB\nbgwriter_lru_maxpages = 0\n");
	my $allocated = sub {
		my ($n, $last) = (-1, -2);

		# the background writer tells now and then
		while ($n != $last)
		{
			($n, $last) = ($small->safe_psql('postgres', 'SELECT pg_sleep(1); SELECT buffers_alloc FROM pg_stat_bgwriter') =~ s/\s//gr, $n);
		}
		return $n;
	};
	my $fetched = sub {
		my ($schema, $version) = @_;
		my $sql = question($schema, $version, q{SELECT dp_count(*) FROM docs a JOIN notes b USING (id) WHERE CASE WHEN a.kind = 'rare' AND b.x >= 0 THEN a.body LIKE '%abc%' END});
		my @n = map {
			my $from = $allocated->();

			DpAgg::value($small, 'analyst', "SET search_path = $schema; $serial; SET enable_mergejoin = off; SET enable_nestloop = off; $sql");
			$allocated->() - $from;
		} 1 .. 2;
		return (sort { $a <=> $b } @n)[0];
	};
	$small->safe_psql('postgres', join "\n", 'CREATE SCHEMA plain;', 'GRANT USAGE ON SCHEMA plain TO analyst;',
		(map { my $version = $_; map { (table($_, 'docs', $version), table($_, 'notes', $version, columns => \@notes, id => 'i', limits => ', max_rows => 3')) } qw(public plain) } @versions),
		"SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);");
	my %n = map { my $schema = $_; ($schema => [ map { $fetched->($schema, $_) } @versions ]) } qw(public plain);

	attacked(abs($n{public}[0] - $n{public}[1]) < 60, 'a small cache: as many pages are fetched') or diag("@{ $n{public} }");
	control($n{plain}[1] - $n{plain}[0] > 100, 'a small cache: more pages for rare rows, without protection') or diag("@{ $n{plain} }");
	$small->stop;
}

finish();
