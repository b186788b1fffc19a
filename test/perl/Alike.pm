# Alike.pm
#	The same rows in several physical orders and forms, and queries of an analyst
#	about them, for test/t/063_alike.pl.
#
#	print Alike::master();               # SQL: all rows, in the database all others copy
#	print Alike::form($i);               # SQL: the protected tables of form number $i
#	my $query = Alike::query($seed, $n); # query number $n of a seed
#	my @settings = Alike::shape($seed, $block, $i);
#
# Every form holds the same multiset of rows, equal to the byte: among them values
# that are equal and spelled differently, wherever a type has such.  What differs is
# the order, what was updated or deleted on the way, what is compressed or stored out
# of line, and what the planner knows.
#
# A query is { kind, statements, ... }, of one of these kinds:
#
#	values		It must give the same answer on all forms.  base is the release in it;
#				grouped tells whether it rests on groups of an individual's rows; role, if
#				there is one, is who must ask.
#	reads		It reads the table "wide", whose rows have the same sizes in every form, but
#				not the same values.  It must fetch the same number of blocks on all forms.
#	joins		The same for the tables "thin" and "thick".
#	declared	@rows@ stands for a relation, one of @{ $query->{relations} }.  All of them have
#				the same rows, and some declare what is not so.
#
# The generator is deterministic: a query depends on the seed and its number alone.

package Alike;

use strict;
use warnings;
use Digest::MD5 'md5';
use DpAgg;
use Fuzz;

*pick = \&Fuzz::pick;
*chance = \&Fuzz::chance;
*both = \&Fuzz::both;

use constant FORMS => 4;

# ---------- rows ----------

# Columns: [name, type, values].  A value with "n *" before it comes n times as often.
# NaNs with payloads come from binary input (nans()).
my @columns = (
	[ 'x', 'int4', [qw(0 1 2 3 4 5 NULL)] ],
	[ 'b', 'bool', [qw(true false NULL)] ],
	[ 'k', 'text', [ map { "'g$_'" } 0 .. 3 ] ],
	[ 'f8', 'float8', [ '6 * 0', "6 * '-0'", '4 * 1', '2', '0.1', '3 * NAN' ] ],
	[ 'g8', 'float8', [ "1e100", "-1e100", '4 * 1', '2 * 0.1', '3 * 3', '1e-30', "'-0'" ] ],
	[ 'f4', 'float4', [ '4 * 0', "4 * '-0'", '4 * 1', '0.5', '3 * NAN' ] ],
	[ 'g4', 'float4', [ '1e30', '-1e30', '4 * 1', '2 * 0.1', '3 * 3', '16777216' ] ],
	[ 'n', 'numeric', [ qw(1 1.0 1.00 2 2.000 0 0.0 0.10 0.1 100 1e2), 'NULL', "'NaN'" ] ],
	[ 'iv', 'interval', [ "'1 mon'", "'30 days'", "'720:00:00'", "'1 day'", "'24:00:00'", "'1 day -00:01'", "'0'", 'NULL' ] ],
	[ 'bc', 'bpchar', [ "'a'", "'a '", "'a   '", "'b'", "'b  '", "''", "' '" ] ],
	[ 'ch', 'char(4)', [ "'a'", "'b'", "'c '", 'NULL' ] ],
	[ 'vc', 'varchar(20)', [ "'a'", "'a '", "'b'", "'A'" ] ],
	[ 'jb', 'jsonb', [ q('{"a": 1}'), q('{"a": 1.0}'), q('{"a": 1.00}'), q('1'), q('1.0'), q('[1, 2.0]'), q('[1.0, 2]'), q('{"a": [0.10]}'), q('{"a": [0.1]}'), 'NULL' ] ],
	[ 'ai', 'int4[]', [ "'{1,2}'", "'{NULL,2}'", "'{1,NULL}'", "'[0:1]={1,2}'", "'{}'", "'{1}'", 'NULL' ] ],
	[ 'an', 'numeric[]', [ "'{1,2}'", "'{1.0,2}'", "'{1.00,2.0}'", "'{NULL,2}'", "'{0.10}'", "'{0.1}'" ] ],
	[ 'af', 'float8[]', [ "'{0,1}'", "'{-0,1}'", "'{NaN}'", q(ARRAY[-('NaN'::float8)]), "'{NULL,1}'" ] ],
	[ 'av', 'interval[]', [ "'{1 mon}'", "'{30 days}'", "'{720:00:00}'" ] ],
	[ 'ac', 'bpchar[]', [ q('{"a","b"}'), q('{"a ","b"}'), q('{"a","b  "}'), 'NULL' ] ],
	[ 'at', 'text[]', [ "'{a,b}'", "'{NULL,b}'", "'{a,NULL}'", "'{a}'" ] ],
	[ 't', 'text', [ "2 * 'short'", "2 * repeat('abc', 1000)", "repeat('d', 2500)", "'other'", '(SELECT string_agg(md5(i::text), NULL) FROM generate_series(1, 90) i)', 'NULL' ] ],
	[ 'w', 'bytea', [ q(decode(repeat('ab', 1500), 'hex')), q('\\x00'), q('\\xff') ] ],
	[ 'lo', 'text COLLATE loose', [ "'a'", "'A'", "'b'", "'B'", "U&'\\00e9'" ] ],
	[ 'd', 'date', [ "'2020-01-01'", "'2020-02-01'", "'infinity'" ] ],
	[ 'ts', 'timestamp', [ "'2020-01-01'", "'2020-02-01 10:00'" ] ],
	[ 'tz', 'timestamptz', [ "'2020-01-01 00:00+00'", "'2020-02-01 10:00+02'" ] ],
	[ 'tt', 'timetz', [ "'12:00+00'", "'13:00+01'", "'14:00+02'" ] ],
	[ 'e', 'mood', [ "'sad'", "'ok'", "'happy'" ] ],
	[ 'ip', 'inet', [ "'10.0.0.1'", "'10.0.0.1/32'", "'10.0.0.1/24'" ] ],
	[ 'q', 'int8', [qw(1 2 3 10000000000)] ]);

my %base_type = ('text COLLATE loose' => 'loose', 'char(4)' => 'bpchar', 'varchar(20)' => 'varchar');
my %type_of = map { $_->[0] => $base_type{ $_->[1] } // $_->[1] } @columns;
my @names = map { $_->[0] } @columns;
my $names = join ', ', @names;

# Rows, unit and kind of each table; the first rid is after the last of the one before.
my @tables = (
	[ 'people', 90, 'table' ],
	[ 'visits', 420, 'table' ],
	[ 'events', 260, 'partitions' ],
	[ 'kin', 240, 'children' ],
	[ 'afar', 200, 'file' ]);

# A file for COPY BINARY: floats that are NaN in every way.
sub nans
{
	my $copy = "PGCOPY\n\377\r\n\0" . pack('NN', 0, 0);

	foreach my $nan ([ 0x7ff80000, 0 ], [ 0xfff80000, 0 ], [ 0x7ff80000, 1 ], [ 0xfff80000, 7 ], [ 0x7ff00000, 1 ])
	{
		my ($high, $low) = @$nan;
		my $single = ($high & 0x80000000) | 0x7fc00000 | $low;

		$copy .= pack('n', 2) . pack('NNN', 8, $high, $low) . pack('NN', 4, $single);
	}
	return $copy . pack('n', 0xffff);
}

# One of the values of a column, by row number.
sub value
{
	my ($name, $type, $values) = @{ $_[0] };
	my $salt = 0;

	$salt = ($salt * 31 + ord) % 100003 foreach split //, $name;
	return "(SELECT v FROM values_$name WHERE i = 1 + (hashint8(rid * 1009 + $salt) & 2147483647) % (SELECT count(*) FROM values_$name))";
}

# SQL that makes the table "master": rid, home (the table a row belongs to), pid and
# the columns.  FILE is what nans() gave.
sub master
{
	my ($file) = @_;
	my $sql = <<"SQL";
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE nans (f8 float8, f4 float4);
COPY nans FROM '$file' (FORMAT binary);
SQL

	foreach my $column (@columns)
	{
		my ($name, $type, $values) = @$column;

		$sql .= "CREATE TABLE values_$name (i serial, v $type);\n";
		foreach my $value (@$values)
		{
			my ($times, $text) = $value =~ /^(\d+) \* (.*)/s ? ($1, $2) : (1, $value);
			my $from = $text eq 'NAN' ? ', nans' : '';

			$text = "nans.$name" if $text eq 'NAN';
			$sql .= "INSERT INTO values_$name (v) SELECT $text FROM generate_series(1, $times)$from;\n";
		}
		# a NULL bitmap stays where the last NULL element was overwritten
		$sql .= "INSERT INTO values_$name (v) SELECT v FROM values_$name WHERE array_position(v, NULL) = 1;\n"
		  . "UPDATE values_$name SET v[1] = " . { ai => '1', an => '1', af => '0', at => "'a'" }->{$name} . " WHERE i > " . @$values . ";\n"
		  if $name =~ /^(ai|an|af|at)$/;
	}
	$sql .= "CREATE TABLE master AS SELECT rid, home, CASE WHEN home = 'people' THEN rid WHEN home <> 'events' AND rid % 97 = 0 THEN NULL ELSE 1 + (hashint8(rid) & 2147483647) % $tables[0]->[1] END::int AS pid, "
	  . join(', ', map { value($_) . " AS $_->[0]" } @columns) . " FROM (";
	my $first = 1;
	my @parts;

	foreach my $table (@tables)
	{
		my ($name, $rows) = @$table;

		push @parts, "SELECT '$name' AS home, generate_series($first, " . ($first + $rows - 1) . ") AS rid";
		$first += $rows;
	}
	return $sql . join(' UNION ALL ', @parts) . ") r;\n";
}

# ---------- forms ----------

my $definition = join ', ', map { "$_->[0] $_->[1]" } @columns;

# How tables of a form are stored, in which order rows arrive, and what comes after.
my @forms = (
	{ order => 'hashint8(rid)', storage => 'EXTENDED', method => 'pglz', target => 2032, analyze => 'all' },
	{ order => 'pid, rid DESC', storage => 'EXTERNAL', method => 'pglz', target => 128, analyze => 'none' },
	{ order => 'rid DESC', storage => 'MAIN', method => 'lz4', target => 2032, analyze => 'all', update => 1 },
	{ order => 'f8 DESC, n, iv, bc, jb, hashint8(rid + 5)', storage => 'PLAIN', method => 'pglz', target => 2032, analyze => 'early', churn => 1 });

# The statements that fill a table.
sub fill
{
	my ($table, $home, $form, $where) = @_;
	my $list = join ', ', map { $_ =~ /^(t|w)$/ ? "$_ || ''" : $_ } @names;
	my $sql = '';
	my $insert = "INSERT INTO $table (pid, $names) SELECT pid, $list FROM master WHERE home = '$home' AND $where";

	# planned for what is gone
	$sql .= "INSERT INTO $table (pid, $names) SELECT pid, $list FROM master WHERE home = '$home' AND $where AND rid % 10 = 0; ANALYZE $table; DELETE FROM $table;\n" if $form->{analyze} eq 'early';
	if ($form->{update})
	{
		# every row arrives as another one, and becomes what it is later, in another order
		$sql .= "ALTER TABLE $table ADD rid int; INSERT INTO $table (pid, $names, rid) SELECT pid, "
		  . join(', ', map { $_->[0] =~ /^a.$/ ? "'{NULL,NULL}'" : 'NULL' } @columns) . ", rid FROM master WHERE home = '$home' AND $where ORDER BY hashint8(rid * 7);\n"
		  . "DO \$\$ DECLARE r record; BEGIN FOR r IN SELECT * FROM master WHERE home = '$home' AND $where ORDER BY $form->{order} LOOP UPDATE $table SET "
		  . join(', ', map { /^(t|w)$/ ? "$_ = r.$_ || ''" : "$_ = r.$_" } @names) . " WHERE rid = r.rid; END LOOP; END \$\$;\n"
		  . "ALTER TABLE $table DROP rid;\n";
	}
	else { $sql .= "$insert ORDER BY $form->{order};\n"; }
	$sql .= "ANALYZE $table;\n" if $form->{analyze} eq 'all';
	return $sql;
}

sub stored
{
	my ($table, $form) = @_;

	return "ALTER TABLE $table SET (toast_tuple_target = $form->{target}, autovacuum_enabled = off);\n"
	  . join '', map { "ALTER TABLE $table ALTER $_ SET STORAGE $form->{storage}" . ($form->{storage} =~ /MAIN|EXTENDED/ ? ", ALTER $_ SET COMPRESSION $form->{method}" : '') . ";\n" } qw(t w);
}

# SQL that makes the tables of form number I, in a copy of the database with "master".
# DIRECTORY is for the file of the foreign table.
sub form
{
	my ($i, $directory) = @_;
	my $form = $forms[$i];
	my $sql = "CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;\n";

	foreach my $table (@tables)
	{
		my ($name, undef, $kind) = @$table;

		if ($kind eq 'table')
		{
			my $unit = $name eq 'people' ? 'pid int PRIMARY KEY' : 'pid int';

			$sql .= "CREATE TABLE $name ($unit, $definition);\n" . stored($name, $form) . fill($name, $name, $form, 'true');
		}
		elsif ($kind eq 'partitions')
		{
			$sql .= "CREATE TABLE $name (pid int NOT NULL, $definition) PARTITION BY HASH (pid);\n";
			foreach my $part (0 .. 2)
			{
				$sql .= "CREATE TABLE ${name}_$part PARTITION OF $name FOR VALUES WITH (MODULUS 3, REMAINDER $part);\n" . stored("${name}_$part", $form);
			}
			$sql .= fill($name, $name, { %$form, update => 0, analyze => $form->{analyze} eq 'early' ? 'none' : $form->{analyze} }, 'true');
		}
		elsif ($kind eq 'children')
		{
			$sql .= "CREATE TABLE $name (pid int, $definition);\nCREATE TABLE ${name}_child () INHERITS ($name);\n";
			$sql .= stored($_, $form) foreach $name, "${name}_child";
			$sql .= fill("${name}_child", $name, { %$form, update => 0 }, 'rid % 2 = 0') . fill($name, $name, { %$form, update => 0, analyze => $form->{analyze} eq 'early' ? 'none' : $form->{analyze} }, 'rid % 2 = 1');
		}
		else
		{
			my $file = "$directory/$name$i";

			$sql .= "COPY (SELECT pid, $names FROM master WHERE home = '$name' ORDER BY $form->{order}) TO '$file';\n"
			  . "CREATE FOREIGN TABLE $name (pid int, $definition) SERVER files OPTIONS (filename '$file');\n";
			$sql .= "ANALYZE $name;\n" if $form->{analyze} eq 'all';
		}
	}
	return $sql . wide($i) . declared($i, $directory) . protection();
}

# SQL that makes the tables that queries of the kind "values" are about, all of them plain ones, where "master" is, with its rows of somebody:
# distributed tables have no others.  SPREAD: they are distributed.
sub plain
{
	my ($spread) = @_;
	my $sql = "DELETE FROM master WHERE pid IS NULL;\n";
	# a bitmap of NULLs that has none stays on no way
	my $list = join ', ', map { $_->[1] =~ /\[\]$/ ? "$_->[0]::text::$_->[1]" : $_->[0] } @columns;

	foreach my $table (@tables)
	{
		my ($name) = @$table;
		my $unit = $name eq 'people' ? 'pid int PRIMARY KEY' : 'pid int NOT NULL';

		$sql .= "CREATE TABLE $name ($unit, $definition);\n";
		$sql .= "SELECT create_distributed_table('$name', 'pid', colocate_with => '" . ($name eq 'people' ? 'none' : 'people') . "');\n" if $spread;
		$sql .= "INSERT INTO $name (pid, $names) SELECT pid, $list FROM master WHERE home = '$name' ORDER BY hashint8(rid);\n";
	}
	return $sql . protection() . ($spread ? "SELECT create_reference_table('pub');\n" : '');
}

# What queries of the kinds "reads" and "joins" are about: which row is what differs, sizes
# do not.
sub wide
{
	my ($i) = @_;
	my $rare = ('rid = 7', 'rid % 2 = 0', 'false', 'true')[$i];

	return <<"SQL";
CREATE TABLE wide (pid int PRIMARY KEY, kind text, x int, body text, doc jsonb, more bytea);
ALTER TABLE wide ALTER body SET STORAGE EXTERNAL, ALTER doc SET STORAGE EXTERNAL, ALTER more SET STORAGE EXTERNAL, SET (autovacuum_enabled = off);
INSERT INTO wide SELECT rid, CASE WHEN $rare THEN 'rare' ELSE 'many' END, CASE WHEN $rare THEN 1 ELSE 2 END,
	repeat(CASE WHEN $rare THEN 'zz-' ELSE 'abc' END, 1100), jsonb_build_object('a', repeat(CASE WHEN $rare THEN 'z' ELSE 'a' END, 2500)),
	decode(repeat(CASE WHEN $rare THEN 'ff' ELSE '00' END, 2600), 'hex') FROM generate_series(1, 60) rid;
CREATE TABLE thin (pid int, kind text, x int);
CREATE TABLE thick (pid int, kind text, x int);
INSERT INTO thin SELECT rid % 700 + 1, CASE WHEN $rare THEN 'rare' ELSE 'many' END, CASE WHEN $rare THEN 1 ELSE 2 END FROM generate_series(1, 1500) rid;
INSERT INTO thick SELECT pid, kind, x FROM thin ORDER BY hashint4(pid);
VACUUM wide, thin, thick;
SELECT dp_agg.protect(r, 'pid', 'people'), dp_agg.set_bounds(r, 'x', 0, 10) FROM unnest('{wide,thin,thick}'::regclass[]) r;
SQL
}

# What a query of kind "declared" is about: the rows of "truth", in relations that
# declare what nobody enforces.
sub declared
{
	my ($i, $directory) = @_;
	my $rows = "SELECT CASE WHEN i IN (11, 12) THEN NULL ELSE 1 + i % 70 END AS pid, CASE WHEN i % 5 = 0 THEN NULL ELSE i % 3 END AS x, CASE WHEN i % 7 = 0 THEN NULL ELSE i % 4 + 0.5 END AS y FROM generate_series(1, 160) i";

	# from 18 on a child cannot drop what it inherits, and is not made to inherit NO INHERIT
	my $own = DpAgg::version() >= 18 ? 'NOT NULL NO INHERIT' : 'NOT NULL';

	return <<"SQL";
CREATE TABLE truth (pid int, x int, y numeric);
INSERT INTO truth $rows;
COPY truth TO '$directory/truth$i';
CREATE FOREIGN TABLE lie_file (pid int NOT NULL, x int NOT NULL, y numeric NOT NULL) SERVER files OPTIONS (filename '$directory/truth$i');
CREATE TABLE lie_parent (pid int $own, x int $own, y numeric $own);
CREATE TABLE lie_child () INHERITS (lie_parent);
ALTER TABLE lie_child ALTER pid DROP NOT NULL, ALTER x DROP NOT NULL, ALTER y DROP NOT NULL;
INSERT INTO lie_parent SELECT * FROM truth WHERE pid IS NOT NULL AND x IS NOT NULL AND y IS NOT NULL;
INSERT INTO lie_child SELECT * FROM truth WHERE pid IS NULL OR x IS NULL OR y IS NULL;
CREATE TABLE lie_partitioned (pid int NOT NULL, x int NOT NULL, y numeric NOT NULL) PARTITION BY LIST (x);
CREATE FOREIGN TABLE lie_partition PARTITION OF lie_partitioned DEFAULT SERVER files OPTIONS (filename '$directory/truth$i');
CREATE TABLE keys_truth (pid int NOT NULL, x int, y numeric);
INSERT INTO keys_truth SELECT 1 + i % 70, i % 3, i % 4 FROM generate_series(1, 160) i;
CREATE TABLE keys_parent (pid int PRIMARY KEY, x int, y numeric);
CREATE TABLE keys_child () INHERITS (keys_parent);
INSERT INTO keys_parent SELECT DISTINCT ON (pid) * FROM keys_truth;
INSERT INTO keys_child SELECT * FROM keys_truth EXCEPT ALL TABLE keys_parent;
SELECT dp_agg.protect(r, 'pid', 'people', max_groups => 3, max_rows => 3), dp_agg.set_bounds(r, 'x', 0, 10), dp_agg.set_bounds(r, 'y', 0, 10)
	FROM unnest('{truth,lie_file,lie_parent,lie_partitioned,keys_truth,keys_parent}'::regclass[]) r;
SQL
}

sub protection
{
	return <<"SQL";
SELECT dp_agg.protect(r, 'pid', 'people', max_groups => 1000, max_rows => 4) FROM unnest('{people,visits,events,kin,afar}'::regclass[]) r;
SELECT dp_agg.set_bounds(r, c, -10, 10) FROM unnest('{people,visits,events,kin,afar}'::regclass[]) r, unnest('{x,f8,g8,f4,g4,n,q}'::name[]) c;
SELECT dp_agg.set_bounds(r, 'iv', '-60 days', '60 days') FROM unnest('{people,visits,events,kin,afar}'::regclass[]) r;
CREATE TABLE pub (k int, label text, v float8, s float4, n numeric);
INSERT INTO pub VALUES (0, 'a', 1e100, 1e30, 1), (1, 'b', -1e100, -1e30, 1.0), (2, 'a', 1, 1, 1.00), (3, 'c', 0.1, 0.1, 2);
INSERT INTO pub SELECT i % 4, 'd', 1, 1, 0.1 FROM generate_series(1, 6) i;
GRANT SELECT ON pub TO PUBLIC;
SELECT dp_agg.set_budget(r, 'people', epsilon => 9e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
SQL
}

# A condition that all forms of a table hold the same rows, byte for byte; one row.
sub digest
{
	# record_send() says the OID of a type
	my $list = join ', ', map { $_->[1] eq 'mood' ? "$_->[0]::text" : $_->[0] } @columns;

	return join ' UNION ALL ', map {
		"SELECT '$_->[0]', count(*), md5(string_agg(md5(textin(record_out(r)) || record_send(r)::text), '' ORDER BY md5(textin(record_out(r)) || record_send(r)::text))) FROM (SELECT pid, $list FROM $_->[0]) r"
	} @tables;
}

# ---------- plan shapes ----------

my @shapes = (
	(map { "enable_$_ = off" } qw(hashagg sort hashagg hashjoin mergejoin nestloop memoize material incremental_sort seqscan)),
	'enable_hashjoin = off; SET enable_nestloop = off', 'enable_hashjoin = off; SET enable_mergejoin = off',
	'enable_partitionwise_join = on', 'enable_partitionwise_aggregate = on', "work_mem = '64kB'", 'join_collapse_limit = 1', 'from_collapse_limit = 1', 'hash_mem_multiplier = 1',
	'plan_cache_mode = force_generic_plan', 'plan_cache_mode = force_custom_plan', 'cursor_tuple_fraction = 0.001', 'random_page_cost = 0', 'cpu_tuple_cost = 100');
my $parallel = 'parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2';
my $serial = 'max_parallel_workers_per_gather = 0';

sub seed
{
	my ($seed, $number) = @_;

	srand(unpack 'N', md5("$seed $number"));
	return;
}

# How connection I (one per form) plans the queries of a block: { role, settings }.
sub shape
{
	my ($seed, $block, $i) = @_;

	seed("shape $seed", $block * FORMS + $i);
	my @settings = map { "SET $_" } map { pick(@shapes) } 1 .. pick(0, 1, 2, 3);

	# one of them sorts and one hashes
	push @settings, 'SET enable_hashagg = off' if ($block + $i) % FORMS == 0;
	push @settings, 'SET enable_sort = off; SET enable_hashagg = on' if ($block + $i) % FORMS == 1;
	push @settings, 'SET ' . (($block + $i) % FORMS == 2 && $block % 3 == 0 ? $parallel : $serial);
	push @settings, 'SET jit = on; SET jit_above_cost = 0' if ($block + $i) % 32 == 7;
	return { role => chance(0.5) ? 'analyst' : 'sql', settings => join('; ', 'RESET ALL', @settings) };
}

# The shape of all connections where what they fetch is compared.
sub reading_shape
{
	return join '; ', 'RESET ALL', "SET $serial", map { "SET $_" } pick('enable_hashagg = off', 'enable_hashagg = on'), pick('enable_hashjoin = off', 'enable_hashjoin = on'), pick('enable_mergejoin = off', 'enable_mergejoin = on'), pick('enable_nestloop = off', 'enable_nestloop = on');
}

# ---------- expressions ----------

# What shows how a value is spelled, and what does not: [template, result].
my %functions = (
	float8 => [ [ '%s::text', 'text' ], [ 'atan2(%s, -1)', 'float8' ], [ 'octet_length(%s::text)', 'int4' ], [ '%s + 0', 'float8' ], [ '- %s', 'float8' ], [ 'width_bucket(%s, 0, 10, 5)', 'int4' ], [ '%s > 2.5', 'bool' ], [ '%s = 0', 'bool' ], [ '%s::float4', 'float4' ], [ '%s::numeric', 'numeric' ], [ "to_char(%s, '9.99')", 'text' ], [ 'abs(%s)', 'float8' ], [ '1 / %s', 'float8' ], [ 'sign(%s)', 'float8' ], [ 'round(%s)', 'float8' ] ],
	float4 => [ [ '%s::text', 'text' ], [ '%s::float8', 'float8' ], [ 'octet_length(%s::text)', 'int4' ], [ '%s * 2', 'float8' ], [ '- %s', 'float4' ], [ '%s > 2.5', 'bool' ], [ 'atan2(%s, -1)', 'float8' ] ],
	numeric => [ [ 'scale(%s)', 'int4' ], [ '%s::text', 'text' ], [ 'min_scale(%s)', 'int4' ], [ 'octet_length(%s::text)', 'int4' ], [ '%s * 2', 'numeric' ], [ 'round(%s, 1)', 'numeric' ], [ '%s / 3', 'numeric' ], [ 'trim_scale(%s)', 'numeric' ], [ '%s > 1', 'bool' ], [ '%s::float8', 'float8' ], [ '%s + 0.000', 'numeric' ], [ "to_char(%s, '9.99')", 'text' ], [ '%s::int', 'int4' ] ],
	interval => [ [ 'extract(day from %s)', 'numeric' ], [ 'extract(month from %s)', 'numeric' ], [ 'extract(hour from %s)', 'numeric' ], [ '%s::text', 'text' ], [ 'extract(epoch from %s)', 'numeric' ], [ "date '2020-01-31' + %s", 'timestamp' ], [ '%s * 2', 'interval' ], [ 'justify_days(%s)', 'interval' ], [ "%s > '1 day'", 'bool' ], [ "to_char(%s, 'MM DD')", 'text' ] ],
	bpchar => [ [ 'octet_length(%s)', 'int4' ], [ 'length(%s)', 'int4' ], [ '%s::text', 'text' ], [ "%s || 'x'", 'text' ], [ 'md5(%s)', 'text' ], [ "%s = 'a'", 'bool' ], [ '%s::varchar', 'varchar' ], [ '%s::char(3)', 'bpchar' ] ],
	text => [ [ 'octet_length(%s)', 'int4' ], [ 'left(%s, 3)', 'text' ], [ 'md5(%s)', 'text' ], [ 'upper(%s)', 'text' ], [ "%s LIKE 'a%%'", 'bool' ], [ "%s || 'x'", 'text' ], [ 'length(%s)', 'int4' ], [ '%s::numeric', 'numeric' ], [ '%s::bpchar', 'bpchar' ] ],
	varchar => [ [ 'octet_length(%s)', 'int4' ], [ '%s::text', 'text' ], [ '%s::bpchar', 'bpchar' ], [ 'upper(%s)', 'text' ] ],
	loose => [ [ '%s COLLATE "C"', 'text' ], [ 'ascii(%s COLLATE "C")', 'int4' ], [ 'md5(%s COLLATE "C")', 'text' ] ],
	jsonb => [ [ "%s ->> 'a'", 'text' ], [ '%s::text', 'text' ], [ "(%s -> 'a')::numeric", 'numeric' ], [ "%s -> 'a'", 'jsonb' ], [ '%s ->> 0', 'text' ], [ 'jsonb_typeof(%s)', 'text' ], [ 'octet_length(%s::text)', 'int4' ] ],
	'int4[]' => [ [ "array_to_string(%s, ',')", 'text' ], [ '(%s)[1]', 'int4' ], [ 'array_lower(%s, 1)', 'int4' ], [ 'cardinality(%s)', 'int4' ] ],
	'numeric[]' => [ [ "array_to_string(%s, ',')", 'text' ], [ 'cardinality(%s)', 'int4' ] ],
	'float8[]' => [ [ "array_to_string(%s, ',')", 'text' ], [ '(%s)[1]', 'float8' ] ],
	'interval[]' => [ [ '(%s)[1]', 'interval' ], [ "array_to_string(%s, ',')", 'text' ] ],
	'bpchar[]' => [ [ "array_to_string(%s, ',')", 'text' ], [ '(%s)[1]', 'bpchar' ] ],
	'text[]' => [ [ "array_to_string(%s, ',')", 'text' ], [ '(%s)[1]', 'text' ] ],
	bytea => [ [ 'octet_length(%s)', 'int4' ], [ 'md5(%s)', 'text' ] ],
	int4 => [ [ '%s + 1', 'int4' ], [ '%s::text', 'text' ], [ '%s > 2', 'bool' ], [ '%s * 1.0', 'numeric' ], [ '%s::float8', 'float8' ] ],
	int8 => [ [ '%s + 1', 'int8' ], [ '%s > 2', 'bool' ], [ '%s::float8', 'float8' ] ],
	bool => [ [ 'NOT %s', 'bool' ], [ '%s::int', 'int4' ] ],
	date => [ [ 'extract(month from %s)', 'numeric' ], [ '%s + 1', 'date' ] ],
	timestamp => [ [ "date_trunc('month', %s)", 'timestamp' ], [ 'extract(epoch from %s)', 'numeric' ], [ '%s::date', 'date' ] ],
	timestamptz => [ [ "date_trunc('month', %s)", 'timestamptz' ], [ '%s::date', 'date' ] ],
	timetz => [ [ '%s::text', 'text' ], [ 'extract(hour from %s)', 'numeric' ] ],
	mood => [ [ '%s::text', 'text' ], [ "%s > 'sad'", 'bool' ] ],
	inet => [ [ '%s::text', 'text' ], [ 'masklen(%s)', 'int4' ], [ 'host(%s)', 'text' ] ]);

my %literal = (
	float8 => [qw('-0'::float8 0::float8 1::float8)], float4 => ["'-0'::float4"], numeric => [qw(1.000 2.0 0.00)], interval => [ "interval '1 mon'", "interval '30 days'" ],
	text => [ "'other'", "'a'" ], bpchar => ["'a  '::bpchar"], int4 => [qw(0 1 2)], bool => ['true'], jsonb => [q('{"a": 1.000}'::jsonb)], date => ["date '2020-01-01'"]);

# A column of a FROM item: (text, type).  Types that can be spelled in several ways more often.
sub column
{
	my ($item, $wanted) = @_;
	my @columns = grep { !$wanted || $_->[1] =~ $wanted } @{ $item->{columns} };
	my @several = grep { $_->[1] =~ /^(float.|numeric|interval|bpchar|jsonb)\z/ } @columns;

	@columns = @several if @several && chance(0.5);
	@columns = grep { $_->[1] ne 'loose' } @columns if chance(0.8) && grep { $_->[1] ne 'loose' } @columns;
	return @columns ? @{ pick(@columns) } : ();
}

# Types that are no keys of a release, nor have a least value: some other expression of such a value.
sub comparable
{
	my ($text, $type) = @_;

	return $type =~ /^(numeric|float8|interval|bpchar)\[\]|jsonb|loose/ && chance(0.9) ? apply($text, $type) : ($text, $type);
}

sub apply
{
	my ($text, $type, $wanted) = @_;
	my @fitting = grep { !$wanted || $_->[1] =~ $wanted } @{ $functions{$type} // [] };

	return ($text, $type) unless @fitting;
	my ($template, $result) = @{ pick(@fitting) };

	return ('(' . sprintf($template, $text) . ')', $result);
}

# Any expression over an item: (text, type).
sub expression
{
	my ($item, $depth) = @_;
	my ($text, $type) = column($item);

	for (1 .. $depth) { ($text, $type) = apply($text, $type) if chance(0.45); }
	return ($text, $type) unless chance(0.12);
	my @same = grep { $_->[1] eq $type } @{ $item->{columns} };
	my $other = @same && chance(0.6) ? pick(@same)->[0] : pick(@{ $literal{$type} // ['NULL'] });

	return (pick("coalesce($text, $other)", 'CASE WHEN ' . condition($item, 0) . " THEN $text ELSE $other END", "nullif($text, $other)", $type =~ /json|bytea/ ? $text : "greatest($text, $other)"), $type);
}

# A number: (text, type).
sub number
{
	my ($item) = @_;
	my $number = qr/^(int[48]|float[48]|numeric)\z/;
	my ($text, $type) = expression($item, 1);

	for (1 .. 2)
	{
		return ($text, $type) if $type =~ $number;
		($text, $type) = apply($text, $type, $number);
	}
	($text, $type) = column($item, $number) unless $type =~ $number;
	return defined $text ? ($text, $type) : (1, 'int4');
}

sub condition
{
	my ($item, $depth) = @_;
	my ($text, $type) = expression($item, $depth);

	return $text if $type eq 'bool';
	my ($test, $result) = apply($text, $type, qr/^bool$/);

	return $test if $result eq 'bool' && chance(0.5);
	my $literal = $literal{$type} ? pick(@{ $literal{$type} }) : undef;

	return "$text " . pick('=', '<>', '<', '>=') . " $literal" if $literal && $type !~ /json/ && chance(0.7);
	return "$text IS " . pick('', 'NOT ', 'NOT ') . 'NULL';
}

# ---------- FROM ----------

# Items: { sql, unit, columns => [[text, type]...] }.

sub base_item
{
	my ($alias) = @_;
	my $table = pick(qw(people visits visits visits events kin afar));

	return { sql => "$table $alias", unit => "$alias.pid", columns => [ map { [ "$alias.$_", $type_of{$_} ] } @names ] };
}

my $aliases;

sub alias { return pick('s', 'i', 'q') . ++$aliases; }

# An aggregate of one individual's rows: (text, type).
sub aggregate
{
	my ($item) = @_;
	my $r = rand;
	my ($text, $type, $call);

	if ($r < 0.32)
	{
		($text, $type) = number($item);
		if (chance(0.4))
		{
			my ($column, $of) = column($item, qr/^float/);

			($text, $type) = ($column, $of) if $column;
		}
		$call = pick('sum', 'avg');
		my $result = $type =~ /float/ ? ($call eq 'avg' ? 'float8' : $type) : $type eq 'int4' && $call eq 'sum' ? 'int8' : 'numeric';

		return ($call . '(' . each_row($item, $text) . ')' . filter($item), $result);
	}
	if ($r < 0.8)
	{
		($text, $type) = expression($item, 1);
		($text, $type) = column($item, qr/^(float.|numeric|interval|bpchar|inet)$/) if ($type =~ /json|bytea|bool|\[/ || chance(0.4)) && grep { $_->[1] =~ /^(float.|numeric|interval|bpchar|inet)$/ } @{ $item->{columns} };
		return (pick('min', 'max') . '(' . each_row($item, $text) . ')' . filter($item), $type) unless $type =~ /json|bytea|bool|\[/ && chance(0.95);
	}
	if ($r < 0.9)
	{
		($text) = expression($item, 1);
		return (pick('count(*)', "count($text)", "count(DISTINCT $text)") . filter($item), 'int8');
	}
	return (pick('bool_and', 'bool_or', 'every') . '(' . condition($item, 1) . ')' . filter($item), 'bool');
}

# An aggregate's argument, sometimes DISTINCT or with ORDER BY.
sub each_row
{
	my ($item, $text) = @_;

	return "DISTINCT $text" . pick('', '', " ORDER BY $text DESC") if chance(0.12);
	return $text . (chance(0.1) ? ' ORDER BY ' . (expression($item, 1))[0] . pick('', ' DESC') : '');
}

sub filter
{
	my ($item) = @_;

	return chance(0.12) ? ' FILTER (WHERE ' . condition($item, 1) . ')' : '';
}

# SELECT unit, expressions: [sql, [types]].  With TYPES, of these types.
sub projection
{
	my ($item, @types) = @_;
	my (@texts, @found);

	if (@types)
	{
		foreach my $type (@types)
		{
			my ($text) = column($item, qr/^\Q$type\E$/);

			push @texts, $text // "NULL::$type";
			push @found, $type;
		}
	}
	else
	{
		foreach (1 .. pick(1, 2, 2, 3))
		{
			my ($text, $type) = expression($item, pick(0, 0, 1));

			push @texts, $text;
			push @found, $type;
		}
	}
	my $sql = 'SELECT ' . join(', ', "$item->{unit} AS u0", map { "$texts[$_] AS c$_" } 0 .. $#texts) . " FROM $item->{sql}";

	return ($sql, \@found);
}

# A sub-select that keeps the unit.
sub subselect
{
	my ($depth) = @_;
	my $alias = alias();
	my $item = from($depth - 1);
	my $r = rand;
	my ($sql, @types);

	if ($r < 0.55)
	{
		my (@keys, @outputs);

		push @keys, [ expression($item, 1) ] foreach 1 .. pick(0, 0, 0, 0, 1, 1, 2);
		push @outputs, [ aggregate($item) ] foreach 1 .. (@keys ? pick(0, 1, 2) : pick(1, 1, 2));
		@types = map { $_->[1] } @keys, @outputs;
		my @texts = map { $_->[0] } @keys, @outputs;

		$sql = 'SELECT ' . join(', ', "$item->{unit} AS u0", map { "$texts[$_] AS c$_" } 0 .. $#texts) . " FROM $item->{sql}"
		  . (chance(0.25) ? ' WHERE ' . condition($item, 1) : '') . " GROUP BY " . join(', ', 1 .. 1 + @keys)
		  . (chance(0.2) ? ' HAVING ' . (chance(0.5) ? 'count(*) > 1' : condition({ columns => [ [ aggregate($item) ] ] }, 1)) : '');
	}
	elsif ($r < 0.75)
	{
		my ($text, $types) = projection($item);

		@types = @$types;
		$sql = $text =~ s/^SELECT/SELECT DISTINCT/r . (chance(0.25) ? ' WHERE ' . condition($item, 1) : '');
	}
	elsif ($r < 0.85)
	{
		my ($text, $types) = projection($item);

		@types = @$types;
		$sql = $text . ' WHERE ' . condition($item, 1);
	}
	else
	{
		# rows of one individual in several branches
		my ($one, $types) = projection($item);
		my $cut = pick('% 2 = 0', '< 40', 'IN (5, 7, 11)');
		my ($two) = chance(0.7) ? "$one WHERE NOT $item->{unit} $cut" : (projection(base_item(alias()), @$types))[0];

		@types = @$types;
		$sql = "$one WHERE $item->{unit} $cut UNION ALL $two";
	}
	return { sql => "($sql) $alias", unit => "$alias.u0", columns => [ map { [ "$alias.c$_", $types[$_] ] } 0 .. $#types ], grouped => $r < 0.75 || $item->{grouped} };
}

sub from
{
	my ($depth) = @_;
	my $item = $depth > 0 && chance(0.7) ? subselect($depth) : base_item(alias());

	if (chance(0.15))
	{
		my $other = $depth > 0 && chance(0.3) ? subselect($depth - 1) : base_item(alias());

		$item = { %$item, sql => "$item->{sql} " . pick('JOIN', 'JOIN', 'LEFT JOIN') . " $other->{sql} ON $item->{unit} = $other->{unit}",
			columns => [ @{ $item->{columns} }, @{ $other->{columns} } ], grouped => $item->{grouped} || $other->{grouped} };
	}
	if (chance(0.18))
	{
		my $alias = alias();
		my ($sql, @columns) = @{ pick(
			[ "CROSS JOIN (VALUES (1e100::float8), (-1e100), (1), (1), (1), (1)) $alias (v)", [ "$alias.v", 'float8' ] ],
			[ "CROSS JOIN pub $alias", [ "$alias.v", 'float8' ], [ "$alias.s", 'float4' ], [ "$alias.n", 'numeric' ], [ "$alias.k", 'int4' ], [ "$alias.label", 'text' ] ],
			[ "JOIN pub $alias ON true", [ "$alias.v", 'float8' ], [ "$alias.n", 'numeric' ] ],
			[ "CROSS JOIN (VALUES ('1 mon'::interval, '1.0'::numeric), ('30 days', '1.00'), ('720:00:00', '1')) $alias (i, n)", [ "$alias.i", 'interval' ], [ "$alias.n", 'numeric' ] ]) };

		$item = { %$item, sql => "$item->{sql} $sql", columns => [ @{ $item->{columns} }, @columns, @columns ] };
	}
	return $item;
}

# ---------- releases ----------

sub output
{
	my ($item) = @_;
	my $r = rand;
	my ($text, $type) = number($item);
	my ($any, $any_type) = expression($item, 1);
	my $sql;

	if ($r < 0.2) { $sql = 'count(*)'; }
	elsif ($r < 0.3) { $sql = "count($any)"; }
	elsif ($r < 0.37) { $sql = "count(DISTINCT $any)"; }
	elsif ($r < 0.55) { $sql = both('dp_sum(', 'sum(') . $text . both(', ' . pick('0, 20', '-5, 5', '0, 1') . ')', ')'); }
	elsif ($r < 0.65) { $sql = both('dp_avg(', 'avg(') . $text . both(', ' . pick('0, 20', '-5, 5') . ')', ')'); }
	elsif ($r < 0.7) { $sql = both('dp_' . pick('var', 'stddev', 'var_pop') . '(', 'variance(') . $text . both(', 0, 10)', ')'); }
	elsif ($r < 0.73) { $sql = both('dp_corr(', 'corr(') . "$text, " . (number($item))[0] . both(', 0, 10, 0, 10)', ')'); }
	elsif ($r < 0.8) { $sql = both('dp_' . pick('median', 'min', 'max') . '(', 'max(') . $text . both(', ' . pick('-1, 10', '0, 3') . ')', ')'); }
	elsif ($r < 0.83) { $sql = both('dp_quantile(', 'max(') . $text . both(', ' . pick('0.3', 'ARRAY[0.1, 0.25, 0.5, 0.75, 0.9]') . ', 0, 10)', ')'); }
	elsif ($r < 0.9) { $sql = "mode() WITHIN GROUP (ORDER BY $any)"; }
	elsif ($r < 0.92) { $sql = both('dp_top(', 'max(') . "$any" . both(', 3)', ')'); }
	elsif ($r < 0.94) { $sql = "array_agg(DISTINCT $any)"; }
	elsif ($r < 0.95) { $sql = pick('bool_and', 'bool_or', 'every') . "(($any) IS NOT NULL)"; }
	elsif ($r < 0.98) { $sql = both('dp_histogram(', 'max(') . $text . both(', 0, 10, 4)', ')'); }
	else { $sql = both('dp_bounds(', 'max(') . $text . both(')', ')'); }
	$sql .= filter($item) unless $r >= 0.83 && $r < 0.9;
	return [ $sql, $r >= 0.83 && $r < 0.9 ? $any_type : 'number' ];
}

# { sql, columns => [[name, type]...], grouped }
sub release
{
	my $item = from(pick(0, 1, 1, 2));
	my @keys = map { [ comparable(expression($item, 1)) ] } 1 .. pick(0, 1, 1, 1, 2);
	my @outputs = map { output($item) } 1 .. pick(1, 1, 2);
	my @all = (@keys, @outputs);
	my @where;

	push @where, condition($item, 1) if chance(0.2);
	push @where, "$item->{unit} " . pick('', 'NOT ') . 'IN (SELECT pid FROM ' . pick(qw(people events)) . ' o WHERE ' . condition({ columns => [ map { [ "o.$_", $type_of{$_} ] } @names ] }, 1) . ')' if chance(0.05);
	push @where, 'EXISTS (SELECT 1 FROM ' . pick(qw(visits people kin)) . " o WHERE o.pid = $item->{unit} AND " . condition({ columns => [ map { [ "o.$_", $type_of{$_} ] } @names ] }, 1) . ')' if chance(0.05);
	push @where, both('dp_with(' . pick('max_groups => 1', 'max_rows => 1', 'max_groups => 3, max_rows => 30') . ')', 'true') if chance(0.3);
	my $sql = 'SELECT ' . join(', ', map { "$all[$_]->[0] AS r$_" } 0 .. $#all) . " FROM $item->{sql}"
	  . (@where ? ' WHERE ' . join(' AND ', @where) : '') . (@keys ? ' GROUP BY ' . join(', ', 1 .. @keys) : '');

	return { sql => $sql, columns => [ map { [ "r$_", $all[$_]->[1], $_ < @keys ] } 0 .. $#all ], grouped => $item->{grouped} };
}

# What reads the bytes of released values, by type.
my %senders = (float8 => 'float8send', float4 => 'float4send', numeric => 'numeric_send', interval => 'interval_send', bpchar => 'bpcharsend', text => 'textsend', varchar => 'varcharsend', jsonb => 'jsonb_send', bytea => 'byteasend', inet => 'inet_send', timetz => 'timetz_send');

# Above the release, functions of one released row: a list of expressions.
sub above
{
	my ($release) = @_;
	my @list;

	foreach my $column (@{ $release->{columns} })
	{
		my ($name, $type, $is_key) = @$column;
		my $sender = $type =~ /\[\]$/ ? 'array_send' : $senders{$type};

		push @list, $name;
		push @list, "$sender(r.$name)" if $sender && chance(0.6);
		push @list, pick("pg_column_size(r.$name)", "md5(r.$name\::text)", $type =~ /text|bytea|json|\[\]|loose/ ? "pg_column_compression(r.$name)" : "pg_column_size(r.$name)") if chance(0.6);
	}
	return join ', ', @list;
}

# The ways in which released values reach the client.
sub reach
{
	my ($release) = @_;
	my $sql = $release->{sql};
	my $r = rand;

	return ($sql) if $r < 0.15;
	return ("BEGIN", "DECLARE c BINARY CURSOR FOR $sql", 'FETCH ALL c', 'COMMIT') if $r < 0.35;
	my $above = above($release);

	return ("SELECT $above FROM ($sql) r") if $r < 0.55;
	return ('WITH r AS ' . pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ') . "($sql) SELECT $above FROM r") if $r < 0.75;
	return ("PREPARE p AS SELECT $above FROM ($sql) r", 'EXECUTE p', 'DEALLOCATE p') if $r < 0.83;
	return ("CREATE TEMP TABLE made AS $sql", "SELECT $above FROM made r", 'DROP TABLE made') if $r < 0.93;
	return ("WITH r AS ($sql) SELECT $above FROM r UNION ALL SELECT $above FROM r");
}

# ---------- reads ----------

# Conditions that look at a wide column where another says so.
sub lazy
{
	my $looks = pick("body LIKE '%zz%'", 'octet_length(body) > 10', "md5(body) < '5'", "doc ->> 'a' LIKE 'z%'", 'octet_length(more) > 3', "body = 'zz'", "left(body, 2) = 'zz'", 'length(body) > 5');
	my $says = pick("kind = 'rare'", "kind <> 'rare'", 'x = 1', 'x > 1', "kind LIKE 'r%'");

	return pick("CASE WHEN $says THEN $looks ELSE false END", "$says AND $looks", "NOT ($says) OR $looks", "coalesce(nullif($says, false), $looks)", "CASE WHEN $says THEN true ELSE $looks END");
}

sub read_query
{
	my $lazy = lazy();
	my $from = pick('wide', 'wide', 'wide', '(SELECT * FROM wide WHERE x > 0) wide', 'wide JOIN thin USING (pid)');

	$lazy =~ s/\b(kind|x)\b/wide.$1/g if $from =~ /JOIN/;
	return pick(
		"SELECT count(*) FROM $from WHERE $lazy", "SELECT count(*) FILTER (WHERE $lazy) FROM $from", "SELECT $lazy AS key, count(*) FROM $from GROUP BY 1",
		"SELECT dp_sum(CASE WHEN $lazy THEN 1 ELSE 0 END, 0, 1) FROM $from", "SELECT count(*) FROM (SELECT pid, bool_or($lazy) AS y FROM $from GROUP BY pid) s WHERE y",
		"SELECT count(*) FROM $from WHERE pid IN (SELECT pid FROM wide WHERE " . lazy() . ')', "SELECT count(DISTINCT left(body, 5)) FROM wide WHERE " . pick("kind = 'rare'", 'x = 1'),
		"SELECT count(body) FROM wide WHERE kind = 'rare'", "SELECT max(body) IS NULL, count(*) FROM (SELECT pid, max(body) AS body FROM wide WHERE x = 1 GROUP BY pid) s WHERE octet_length(body) > 5",
		"SELECT mode() WITHIN GROUP (ORDER BY left(body, 3)) FROM wide WHERE x = 1");
}

# Joins that could do without a part of a relation where another holds no such row.
sub join_query
{
	my $says = sub { my ($alias) = @_; pick("$alias.kind = 'rare'", "$alias.kind <> 'rare'", "$alias.x = 1", "$alias.x > 1", "$alias.x = 1 AND $alias.pid = 7", "$alias.pid < 20 AND $alias.kind = 'rare'") };
	my ($one, $two) = (pick([ 'thin', 'thick' ], [ 'thick', 'thin' ]))->@*;

	return pick(
		"SELECT count(*) FROM $one a JOIN $two b USING (pid) WHERE " . $says->('b'),
		"SELECT count(*) FROM $one a JOIN $two b ON a.pid = b.pid WHERE " . $says->('a') . ' AND ' . $says->('b'),
		"SELECT count(*) FROM $one a " . pick('LEFT', 'RIGHT') . " JOIN $two b ON a.pid = b.pid AND " . $says->('b'),
		"SELECT count(*) FROM $one a WHERE " . pick('', 'NOT ') . "EXISTS (SELECT 1 FROM $two b WHERE b.pid = a.pid AND " . $says->('b') . ')',
		"SELECT count(*) FROM $one a WHERE " . $says->('a') . ' AND a.pid ' . pick('', 'NOT ') . "IN (SELECT b.pid FROM $two b WHERE " . $says->('b') . ')',
		"SELECT dp_sum(n, 0, 5) FROM (SELECT a.pid, count(*) AS n FROM $one a JOIN $two b USING (pid) WHERE " . $says->('b') . ' GROUP BY 1) s',
		"SELECT count(*) FROM $one a JOIN pub ON pub.k = a.x WHERE " . $says->('a'),
		"SELECT count(*) FROM (SELECT pid, x FROM $one a WHERE " . $says->('a') . " UNION ALL SELECT pid, x FROM $two b WHERE " . $says->('b') . ') s');
}

# ---------- declarations ----------

sub declared_query
{
	my $condition = pick('r.x = 1', 'r.pid IS NULL', 'r.pid IS NULL AND r.x = 1', 'r.y > 1', 'r.x IS NULL', 'r.pid IS NULL AND r.x = 2', 'r.pid > 3');
	my $unit = pick('pid', 'r.pid');
	my $output = pick('count(*)', 'count(r.x)', 'avg(r.x)', 'sum(r.y)', 'count(r.y)', 'avg(r.y)', 'dp_median(r.x, 0, 4)', 'count(DISTINCT r.x)', 'variance(r.x)', 'dp_avg(r.x, 0, 5)');

	return pick(
		"SELECT count(*) FROM people p WHERE p.pid NOT IN (SELECT $unit FROM \@rows\@ r WHERE $condition)",
		"SELECT count(*) FROM people p WHERE NOT p.pid = ANY (SELECT $unit FROM \@rows\@ r WHERE $condition)",
		"SELECT count(*) FROM people p WHERE (p.pid IN (SELECT $unit FROM \@rows\@ r WHERE $condition)) IS NULL",
		"SELECT $output FROM \@rows\@ r", "SELECT $output FROM \@rows\@ r WHERE NOT $condition", "SELECT r.x, $output FROM \@rows\@ r GROUP BY 1",
		"SELECT r.x IS NULL, $output FROM \@rows\@ r GROUP BY 1", "SELECT count(*) FROM people p LEFT JOIN \@rows\@ r ON p.pid = r.pid AND $condition WHERE r.x IS NULL",
		"SELECT count(*) FROM people p LEFT JOIN \@rows\@ r ON p.pid = r.pid AND $condition WHERE r.pid IS NULL",
		"SELECT count(s), dp_sum(s, 0, 10) FROM (SELECT $unit AS u, " . pick('sum(r.x)', 'avg(r.y)', 'count(r.x)', 'max(r.x)') . " AS s FROM \@rows\@ r GROUP BY 1) q",
		"SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT 1 FROM \@rows\@ r WHERE r.pid = p.pid AND $condition)",
		"SELECT mode() WITHIN GROUP (ORDER BY r.x) FROM \@rows\@ r WHERE $condition", "SELECT dp_corr(r.x, r.y, 0, 5, 0, 5) FROM \@rows\@ r");
}

# ---------- queries ----------

# Query number N of a seed.
sub query
{
	my ($seed, $n) = @_;

	seed($seed, $n);
	$aliases = 0;
	my $r = rand;

	return { kind => 'reads', shape => reading_shape(), statements => [ read_query() ] } if $r < 0.05;
	return { kind => 'joins', shape => reading_shape(), statements => [ join_query() ] } if $r < 0.08;
	return { kind => 'declared', relations => chance(0.8) ? [qw(truth lie_file lie_parent lie_partitioned)] : [qw(keys_truth keys_parent)], statements => [ declared_query() ] } if $r < 0.12;
	my $release = release();

	# which groups of an individual count is drawn in another way where SQL bounds them
	my $role = $release->{sql} =~ /max_groups/ ? pick('analyst', 'sql') : undef;

	return { kind => 'values', statements => [ reach($release) ], base => $release->{sql}, grouped => $release->{grouped}, role => $role };
}

1;
