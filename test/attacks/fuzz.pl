# Random queries of an analyst on two copies of the data that differ in one person.
#
# test/perl/Fuzz.pm makes the queries: from the grammar and from all functions,
# operators, casts and aggregates of the catalog; meant to be accepted, meant to be
# refused, and broken.  Each runs on both copies.  SQLSTATE, message, hint, position,
# notices, columns, number of rows, where NULLs are, statistics counters and calls
# of the analyst's own code must be the same.  Noise makes answers differ now and
# then, so a difference is confirmed by repeating the query: it is a finding if
# something is nearly always there on one copy and never on the other.  At epsilon
# 1 a release can do that with a probability below 1e-6.  A raw error (a data
# exception, an internal error, ...) is a finding by itself, unless the query also
# raises it where the protected tables are empty.
#
#	SEED=n QUERIES=n	which queries and how many (make fuzz; 1 and 2000 if not set)
#	FROM=n				the number of the first one: to repeat a finding
#
# Controls: on unprotected copies of the tables the same queries must tell the
# versions apart; two equal copies must not be told apart.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use Time::HiRes 'time';
use DpAgg;
use Fuzz;
use Wire;

my $seed = $ENV{SEED} || 1;
my $queries = $ENV{QUERIES} || 2000;
my $first = $ENV{FROM} || 0;
my $block = 500;				# queries for one version of the person
my $node = DpAgg::node('fuzz', extension => 0, roles => ['analyst'], conf => "autovacuum = off\nlog_statement = none\nlog_min_error_statement = panic\nrestart_after_crash = on\nmax_locks_per_transaction = 200\n");
my $superuser = getpwuid($>);

# ---------- the data ----------

# Ordinary values of person i.
my %ordinary = (
	id => 'i', name => "'p' || i", v => "(i % 90)::text", c => "'c' || i % 9", g => "'g' || i % 3", x => '(i * 37) % 99 + 1',
	s => 'i % 50 + 1', l => 'i * 10 + 1', f => 'i % 20 + 0.5', y => 'i * 0.25 + 1', n => 'i % 70 + 1.5', b => 'i % 2 = 0',
	d => "date '2020-01-01' + i", ts => "timestamp '2020-01-01' + i * interval '7 hours'", tz => "timestamptz '2020-01-01 00:00+00' + i * interval '7 hours'",
	tm => "time '08:00' + i * interval '1 minute'", ttz => "'08:00+00'", iv => "i * interval '10 minutes'", e => "(ARRAY['red', 'green', 'blue'])[i % 3 + 1]::color",
	u => "('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid", j => q{('{"a": ' || i || '}')::json}, jb => q{('{"a": ' || i || ', "b": {"c": [1, 2]}}')::jsonb},
	arr => 'ARRAY[i, 2, 3]', ta => "ARRAY['a' || i % 4, 'b']", ba => "decode(lpad(to_hex(i), 8, '0'), 'hex')", ip => "'10.0.0.0'::inet + i", pt => 'point(i, i + 1)', bt => "B'1'", vb => "B'1010'",
	mo => 'i::money', nm => "'n' || i", ch => "'a'", r => 'int4range(i, i + 10)', xl => "('<a b=\"' || i || '\">x</a>')::xml", tv => "to_tsvector('simple', 'word' || i)", mac => "'08:00:2b:01:02:03'", o => 'i', dm => 'i % 10', ct => "ROW(i, 'a')");

# What the person has in one copy, and nobody else in any.
my $wide = "repeat('x', 1200000)";
my %nasty = (
	name => [ "''", 'NULL', $wide, "'p-7'", "'\\'", "'%'", "'['", "U&'\\00e9\\4e2d'", "'p'" ], v => [ "''", "'abc'", 'NULL', "'1e400'", "'2147483648'" ], c => [ "''", 'NULL', "'q'" ], g => [ 'NULL', "'alone'", $wide, "''" ],
	x => [qw(0 -1 2147483647 -2147483648)], s => [qw(0 NULL 32767 -32768)], l => [qw(0 NULL 9223372036854775807 -9223372036854775808)], f => [qw(0 NULL 'NaN' 'Infinity' 3.4e38 1e-45)], y => [qw(0 NULL 'NaN' 'Infinity' '-Infinity' 1.7e308 -1)],
	n => [ qw(0 NULL 'NaN' 'Infinity' '-Infinity' -1), "('1' || repeat('0', 131000))::numeric", '1e-16000' ], b => ['NULL'], d => [qw('infinity' '-infinity' NULL '5874897-12-31' '4713-01-01BC')], ts => [qw('infinity' '-infinity' NULL '294276-12-31' '4713-01-01BC')], tz => [qw('infinity' '-infinity' NULL '294276-12-31' '2021-03-28')],
	tm => [qw('24:00' NULL)], ttz => [qw(NULL '24:00-12')], iv => [ 'NULL', "'178000000 years'", "'-178000000 years'", "'2147483647 days'", "'0'" ], e => ['NULL'], u => ['NULL'], j => [ 'NULL', q{'"s"'}, "'null'", q{'{"a": "x"}'}, "'[]'", q{'"\u0000"'} ], jb => [ 'NULL', q{'"s"'}, "'null'", q{'{"a": "x"}'}, "'[]'" ],
	arr => [ 'NULL', "'{}'", "'{NULL}'", "'{{1,2},{3,4}}'", "'[5:6]={0,0}'" ], ta => [ 'NULL', "'{}'", "'{NULL}'", "ARRAY[$wide]" ], ba => [ 'NULL', "''", "$wide" . '::bytea' ], ip => [ 'NULL', "'::1'", "'0.0.0.0'", "'255.255.255.255'" ], pt => [ 'NULL', "'(NaN,0)'", "'(1e308,1e308)'", "'(0,0)'" ],
	bt => [ 'NULL', "B'0'" ], vb => [ 'NULL', "B''", "B'1'" ], mo => [ 'NULL', "'-92233720368547758.08'", "'0'" ], nm => [ 'NULL', "''" ], ch => [ 'NULL', "''" ], r => [ 'NULL', "'empty'", "'(,)'" ], xl => [ 'NULL', "'text'::xml", "'<b/><b/>'::xml" ], tv => [ 'NULL', "''" ], mac => [ 'NULL', "'00:00:00:00:00:00'" ], o => [qw(NULL 0 4294967295)], dm => [ 'NULL', '0' ], ct => [ 'NULL', 'ROW(NULL, NULL)' ]);

my @people_columns = sort keys %{ $Fuzz::tables{people}->[2] };

sub setup
{
	my $definition = join ', ', map {
		my $type = $Fuzz::tables{people}->[2]->{$_};
		'"' . $_ . '" ' . ({ id => 'int4 PRIMARY KEY', x => 'int4 NOT NULL', c => 'char(10)', bt => 'bit(1)' }->{$_} // Fuzz::type_name($type) =~ s/"_(\w+)"/$1\[\]/r =~ s/^pg_catalog\.(\w+\[\])/$1/r) } @people_columns;
	my $values = join ', ', map { "($ordinary{$_})::" . Fuzz::type_name($Fuzz::tables{people}->[2]->{$_}) } @people_columns;
	my $names = join ', ', map { "\"$_\"" } @people_columns;

	$node->safe_psql('fuzz_a', <<"SQL");
CREATE EXTENSION dp_agg;
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN small AS int CHECK (VALUE IS NULL OR VALUE < 1000);
CREATE TYPE pair AS (a int, b text);
CREATE SCHEMA a AUTHORIZATION analyst;
CREATE SCHEMA plain;
GRANT CREATE, TEMPORARY ON DATABASE fuzz_a TO analyst;
GRANT USAGE ON SCHEMA plain TO analyst;
CREATE TABLE people ($definition);
CREATE TABLE visits (pid int, clinic text, cost numeric, at timestamptz, note text, qty int, flag bool, w float8);
CREATE TABLE events (pid int NOT NULL, r int, v int, k text, t timestamp, PRIMARY KEY (pid, r)) PARTITION BY RANGE (r);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (50);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (50) TO (1000);
CREATE TABLE staff (sid int PRIMARY KEY, pay int, who text);
CREATE TABLE pub (k int PRIMARY KEY, label text, w numeric, t text, d date, z int);
CREATE TABLE odds (LIKE people);
CREATE INDEX ON odds (id);
CREATE INDEX ON people (x);
CREATE INDEX ON people (g, name varchar_pattern_ops) WHERE false;
CREATE INDEX ON visits (pid);
INSERT INTO people ($names) SELECT $values FROM generate_series(1, 240) i;
INSERT INTO odds TABLE people;
INSERT INTO visits SELECT i % 240 + 1, 'c' || i % 5, (i * 13) % 500 + 1, '2020-01-01 00:00+00'::timestamptz + i * interval '5 hours', '2020-01-' || i % 28 + 1, i % 9 + 1, i % 2 = 0, i * 0.5 FROM generate_series(1, 500) i;
INSERT INTO events SELECT i % 240 + 1, i % 100, i % 60 + 1, 'k' || i % 4, '2020-01-01'::timestamp + i * interval '1 hour' FROM generate_series(1, 300) i;
INSERT INTO staff SELECT i, i, 's' || i FROM generate_series(1, 100) i;
INSERT INTO pub SELECT i, 'p' || i, i * 0.5, CASE WHEN i % 5 = 0 THEN 'x' ELSE i::text END, date '2020-01-01' + i, i % 4 FROM generate_series(0, 39) i;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
CREATE TABLE plain.odds (LIKE odds INCLUDING ALL);
CREATE TABLE plain.visits (LIKE visits INCLUDING ALL);
CREATE TABLE plain.events (LIKE events INCLUDING ALL);
CREATE TABLE plain.staff (LIKE staff INCLUDING ALL);
INSERT INTO plain.people TABLE people;
INSERT INTO plain.odds TABLE odds;
INSERT INTO plain.visits TABLE visits;
INSERT INTO plain.events TABLE events;
INSERT INTO plain.staff TABLE staff;
GRANT SELECT ON pub TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA plain TO analyst;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('odds', 'id', 'people', max_groups => 2, max_rows => 4), dp_agg.protect('visits', 'pid', 'people', max_groups => 2, max_rows => 5), dp_agg.protect('events', 'pid', 'people', max_rows => 3), dp_agg.protect('staff', 'sid', 'staff');
SELECT dp_agg.set_bounds('people', c::name, '0', '100') FROM unnest('{x,s,l,f,y,n}'::text[]) c;
SELECT dp_agg.set_bounds('people', 'd', '2019-01-01', '2022-01-01'), dp_agg.set_bounds('people', 'ts', '2019-01-01', '2022-01-01'), dp_agg.set_bounds('people', 'tz', '2019-01-01', '2022-01-01'), dp_agg.set_bounds('people', 'iv', '0', '2 days');
SELECT dp_agg.set_bounds('odds', c::name, '0', '100') FROM unnest('{x,s,l,f,y,n}'::text[]) c;
SELECT dp_agg.set_bounds('odds', 'd', '2019-01-01', '2022-01-01'), dp_agg.set_bounds('odds', 'ts', '2019-01-01', '2022-01-01'), dp_agg.set_bounds('odds', 'tz', '2019-01-01', '2022-01-01'), dp_agg.set_bounds('odds', 'iv', '0', '2 days');
SELECT dp_agg.set_bounds('visits', 'cost', '0', '500'), dp_agg.set_bounds('visits', 'at', '2020-01-01', '2021-01-01'), dp_agg.set_bounds('visits', 'qty', '0', '10'), dp_agg.set_bounds('visits', 'w', '0', '300');
SELECT dp_agg.set_bounds('events', 'r', '0', '100'), dp_agg.set_bounds('events', 'v', '0', '100'), dp_agg.set_bounds('events', 't', '2020-01-01', '2021-01-01'), dp_agg.set_bounds('staff', 'pay', '0', '100');
SELECT dp_agg.set_domain('events', 'k', '{k0,k1,k2,k9}');
SELECT dp_agg.set_budget('analyst', p, epsilon => 9e9, delta => 0.9) FROM unnest('{people,staff}'::name[]) p;
SQL
	$node->safe_psql('fuzz_a', <<'SQL', connstr => $node->connstr('fuzz_a') . " user='analyst'");
CREATE SEQUENCE a.calls;
SELECT nextval('a.calls');
CREATE FUNCTION a.spy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.spy_text(text) RETURNS text LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.eq(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 = $2; END $$;
CREATE FUNCTION a.rows() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT 1 UNION ALL SELECT a.spy(2)';
CREATE FUNCTION a.thin(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE FUNCTION a.look(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT x FROM people WHERE id = $1); END';
CREATE FUNCTION a.look_sql(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT x FROM people WHERE id = $1';
CREATE VIEW a.look_view AS SELECT count(*) FROM people WHERE x > 10;
CREATE OPERATOR a.== (LEFTARG = int, RIGHTARG = int, FUNCTION = a.eq);
CREATE OPERATOR a.=~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, NEGATOR = OPERATOR(a.=~!));
CREATE OPERATOR a.=~! (LEFTARG = int, RIGHTARG = int, FUNCTION = a.eq);
CREATE AGGREGATE a.seen (int) (SFUNC = int4larger, STYPE = int);
CREATE DOMAIN a.dom AS int CHECK (a.spy(VALUE) IS NOT NULL);
CREATE COLLATION a.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE a.own (a int, b text, c text, d date, y float8);
INSERT INTO a.own SELECT i, 'p' || i, CASE i WHEN 3 THEN 'x' ELSE i::text END, date '2020-01-01' + i, i FROM generate_series(0, 9) i;
SQL
	return;
}

# A version of the person: SQL that changes both the protected tables and the copies.
sub version
{
	my ($number) = @_;

	srand($seed * 31 + $number);
	rand() for 1 .. 3;
	my $absent = $number % 8 == 7;
	my $value = sub {
		my ($column, $narrow) = @_;
		my @values = grep { !$narrow || !/repeat/ } @{ $nasty{$column} };

		return '(' . $values[ rand @values ] . ')::' . Fuzz::type_name($Fuzz::tables{people}->[2]->{$column});
	};
	my @set = map { "\"$_\" = " . $value->($_) } grep { $nasty{$_} && rand() < 0.75 } @people_columns;
	my $odd = join ', ', map {
		my $row = $_;

		'(' . join(', ', map { $_ eq 'id' ? 7 : $value->($_, $row > 4) } @people_columns) . ')'
	} 1 .. 40;
	my $names = join ', ', map { "\"$_\"" } @people_columns;
	my $visits = (0, 0, 1, 3, 400)[ rand 5 ];
	my $sql = '';

	foreach my $schema ('public', 'plain')
	{
		$sql .= "DELETE FROM $schema.visits WHERE pid = 7; DELETE FROM $schema.events WHERE pid = 7; DELETE FROM $schema.odds WHERE id = 7; DELETE FROM $schema.people WHERE id = 7;";
		next if $absent;
		$sql .= "INSERT INTO $schema.people SELECT (original).* FROM person; UPDATE $schema.people SET " . join(', ', @set) . ' WHERE id = 7;';
		$sql .= "INSERT INTO $schema.odds ($names) VALUES $odd;";
		$sql .= "INSERT INTO $schema.visits SELECT 7, CASE WHEN i % 2 = 0 THEN 'alone' END, (ARRAY[0, NULL, 'NaN', 'Infinity', -1, 1e100]::numeric[])[i % 6 + 1], CASE i % 3 WHEN 0 THEN 'infinity'::timestamptz END, (ARRAY['', 'abc', NULL])[i % 3 + 1], (ARRAY[0, NULL, 2147483647])[i % 3 + 1], NULL, (ARRAY[0, 'NaN', 1e308, NULL]::float8[])[i % 4 + 1] FROM generate_series(1, $visits) i;"
		  . "INSERT INTO $schema.events SELECT 7, i * 20, (ARRAY[0, NULL, -2147483648])[i % 3 + 1], CASE i WHEN 1 THEN 'k9' END, 'infinity' FROM generate_series(1, $visits % 40) i;";
	}
	return $sql;
}

# Catalog rows as lists; NULL is ''.
sub rows
{
	my ($database, $sql) = @_;
	my $c = connection($database, $superuser);

	$c->send($sql);
	my ($r) = $c->receive;
	die "$sql: $r->{error}->{M}" if $r->{error};
	return map { [ map { $_ // '' } @$_ ] } @{ $r->{rows} };
}

# ---------- running queries ----------

my %connections;

sub connection
{
	my ($database, $role) = @_;
	my $key = "$database $role";

	if (!$connections{$key} || $connections{$key}->{lost})
	{
		for my $try (1 .. 100)
		{
			$connections{$key} = Wire->new($node->host, $node->port, $role, $database);
			last if $connections{$key};
			Time::HiRes::sleep(0.2);
		}
		die "no connection to $database" unless $connections{$key};
		if ($role eq 'analyst')
		{
			$connections{$key}->send("SET statement_timeout = '3s'", 'SET dp_agg.epsilon = 1', 'SET jit = on', "SET lock_timeout = '2s'");
			$connections{$key}->receive;
		}
	}
	return $connections{$key};
}

my ($counters, $lost) = ('', 0);

# A session that is new looks up what it needs in the catalogs, and counts that.
my $lookups = 'SELECT oid, pg_catalog.pg_stat_get_xact_numscans(oid) FROM pg_catalog.pg_class WHERE oid <> 1259 AND pg_catalog.pg_stat_get_xact_numscans(oid) <> 0 ORDER BY 1';

# What is asked after a query, in its transaction: what the server has counted of
# protected tables and their indexes, and how often code of the analyst ran.
sub prepare_counters
{
	my @oids = map { $_->[0] } rows('fuzz_a', "WITH RECURSIVE t AS (SELECT oid, reltoastrelid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'pub'
		UNION SELECT c.oid, 0 FROM pg_class c JOIN t ON c.oid = t.reltoastrelid) SELECT oid FROM t UNION SELECT indexrelid FROM pg_index JOIN t ON indrelid = t.oid ORDER BY 1");

	my @counts = map { "pg_catalog.pg_stat_get_xact_$_(o)" } qw(numscans tuples_returned tuples_fetched tuples_inserted tuples_updated tuples_deleted blocks_fetched blocks_hit);

	$counters = 'SELECT o, ' . join(', ', @counts) . " FROM pg_catalog.unnest('{" . join(',', @oids) . "}'::oid[]) o WHERE " . join(' + ', @counts) . ' <> 0';
	return;
}

sub send_query
{
	my ($c, $query, $plain) = @_;
	my @statements = map { ref $_ ? [ Fuzz::resolve($_->[0], $plain), @$_[ 1 .. $#$_ ] ] : Fuzz::resolve($_, $plain) } @{ $query->{statements} };
	my $asked = $query->{cold} ? $lookups : $counters;
	my $path = $plain ? 'plain, public' : 'public';

	# counters also hold what earlier transactions have not yet handed over
	$c->send("BEGIN; SELECT last_value FROM a.calls; $asked; " . join('; ', "SET LOCAL search_path = $path", @{ $query->{pre} }, 'SAVEPOINT s'),
		@statements, "ROLLBACK TO s; $asked; SELECT last_value FROM a.calls; ROLLBACK; DEALLOCATE ALL");
	return;
}

# What came of it: { state, message, signature, cells, rows, ms }.
sub outcome
{
	my ($c) = @_;
	my ($begin, @results) = $c->receive;
	my $end = pop @results;
	my @signature;
	my %cells;
	my $values = 0;

	if (grep { $_->{state} eq 'lost' } $begin, @results, $end)
	{
		return { state => 'lost', message => 'connection lost', signature => 'lost', cells => {}, rows => 0, last => 'lost' };
	}
	foreach my $r (@results)
	{
		my $error = $r->{error} // {};
		my $nulls = join '|', map { join '', map { defined $_ ? 'v' : 'n' } @$_ } @{ $r->{rows} };
		my @notices = map { "$_->{S} $_->{C} $_->{M}" . ($_->{D} // '') . ($_->{H} // '') } grep { $_->{M} !~ /catalog cache|CommitTransaction|StartTransaction|BlockState|blockState|rehashing|snapshot of|bind |parse |execute |mapped|shmem_exit|proc_exit|drop auto-casc|removing file|created temporary/ } @{ $r->{notices} };

		s/-?\d+(\.\d+)?(e[-+]?\d+)?/#/g foreach @notices;
		push @signature, join "\t", $r->{state}, (map { $error->{$_} // '' } qw(M D H P W q)), $r->{columns}, "@{$r->{tags}}", scalar @{ $r->{rows} }, $nulls, @notices;
		foreach my $row (@{ $r->{rows} }[ 0 .. ($#{ $r->{rows} } < 80 ? $#{ $r->{rows} } : 80) ])
		{
			foreach my $i (0 .. $#$row)
			{
				next unless defined $row->[$i];
				$values++;
				# what EXPLAIN says of the budget moves with every query
				my $cell = $row->[$i] =~ s/"?(?:Epsilon|Delta) Left"?: [\d.]+//gr;

				$cell = length($cell) . ' bytes ' . substr($cell, 0, 40) if length $cell > 200;

				$cells{"$i: $cell"} = 1 unless $cell =~ /^fuzz_\w$/;
			}
		}
	}
	# the code of the analyst, and the counters
	my ($calls_before, @before) = @{ $begin->{rows} };
	my ($calls_after, @after) = reverse @{ $end->{rows} };
	my %before = map { $_->[0] => $_ } @before;
	my $calls = ($calls_after->[0] // 0) - ($calls_before->[0] // 0);

	push @signature, "end $end->{state} calls $calls";
	foreach my $row (@after)
	{
		my $earlier = $before{ $row->[0] } // [];
		my @counts = map { $row->[$_] - ($earlier->[$_] // 0) } 1 .. $#$row;

		$cells{"0: counted $row->[0]: @counts"} = 1 if grep { $_ } @counts;
	}
	my ($failed) = grep { $_->{state} ne '00000' } @results;

	return {
		state => $failed ? $failed->{state} : '00000',
		message => $failed ? $failed->{error}->{M} : '',
		hint => $failed ? $failed->{error}->{H} // '' : '',
		detail => $failed ? $failed->{error}->{D} // '' : '',
		signature => join("\n", @signature) =~ s/pg_temp_\d+/pg_temp/gr,
		cells => \%cells,
		values => $values,
		# of an answer of one row, the numbers
		numbers => @results == 1 && @{ $results[0]->{rows} } == 1
		? [ map { defined && /^-?\d+(\.\d+)?(e[-+]?\d+)?$/ ? $_ : undef } @{ $results[0]->{rows}->[0] } ] : [] };
}

# Runs a query on databases: an outcome of each.
sub run
{
	my ($query, $plain, @databases) = @_;

	delete $connections{"$_ analyst"} foreach $query->{cold} ? @databases : ();
	my @connections = map { connection($_, 'analyst') } @databases;

	send_query($_, $query, $plain) foreach @connections;
	return map { outcome($_) } @connections;
}

# ---------- judging ----------

my (@findings, %share, %known);

sub letters
{
	my ($outcome) = @_;

	return join "\n", sort grep { /: .*[[:alpha:]]/ } keys %{ $outcome->{cells} };
}

# Numbers of which one is many times the other: worth a second look.
sub far
{
	my ($one, $two) = @_;

	foreach my $i (0 .. $#{ $one->{numbers} })
	{
		my ($small, $large) = sort { $a <=> $b } map { abs($_->{numbers}->[$i] // 0) } $one, $two;

		return 1 if $large > 1000 && $large > 20 * $small;
	}
	return 0;
}

sub timed_out
{
	return grep { $_->{state} =~ /^(57014|55P03)$/ } @_;
}

# Are there numbers that lie far apart, compared to how they vary?  Noise is as wide
# as what one person may change.
sub far_apart
{
	my ($one, $two) = @_;

	foreach my $i (0 .. $#$one)
	{
		my @a = sort { $a <=> $b } @{ $one->[$i] // [] };
		my @b = sort { $a <=> $b } @{ $two->[$i] // [] };

		next unless @a >= 5 && @b >= 5;
		my $spread = $a[-1] - $a[0] + $b[-1] - $b[0];
		my $gap = $a[0] > $b[-1] ? $a[0] - $b[-1] : $b[0] - $a[-1];

		return "column $i: $a[0] to $a[-1], $b[0] to $b[-1]" if $gap > 5 * $spread && $gap > 0;
	}
	return;
}

# Is the query one that tells the databases apart?  Repeats it until that is clear.
# Returns what it was that one had and the other had not.
sub telling
{
	my ($query, $one, $two, @rounds) = @_;
	my (%seen, $runs, @numbers);

	@rounds = (5, 15, 50) unless @rounds;
	for ($runs = 0; $runs < $rounds[-1];)
	{
		my @outcomes = run($query, 0, $one, $two);

		return if timed_out(@outcomes) || grep { $_->{state} eq 'lost' } @outcomes;
		foreach my $i (0, 1)
		{
			foreach my $column (0 .. $#{ $outcomes[$i]->{numbers} })
			{
				push @{ $numbers[$i]->[$column] }, $outcomes[$i]->{numbers}->[$column] if defined $outcomes[$i]->{numbers}->[$column];
			}
			$seen{$_}->[$i]++ foreach "signature $outcomes[$i]->{signature}", keys %{ $outcomes[$i]->{cells} };
		}
		$runs++;
		next unless grep { $_ == $runs } @rounds;
		my ($told) = sort grep {
			my ($n, $m) = map { $_ // 0 } @{ $seen{$_} }[ 0, 1 ];

			($n >= 0.9 * $runs && $m == 0) || ($m >= 0.9 * $runs && $n == 0)
		} keys %seen;

		$told //= far_apart($numbers[0] // [], $numbers[1] // []);
		return unless defined $told;
		return $told if $runs >= $rounds[-1];
	}
	return;
}

# Errors that come from evaluating something, not from refusing it.
sub is_raw
{
	my ($state) = @_;

	return $state =~ /^(22|21|23|38|39|54|53|58|XX|P0|2F|F0|0B)/;
}

# Does the error tell of no row: it also comes where there are none?
sub is_of_text
{
	my ($query, $outcome) = @_;
	my ($other) = run($query, 0, 'fuzz_empty');

	return $other->{state} eq $outcome->{state} && $other->{message} eq $outcome->{message};
}

# Makes a finding smaller: parts of the text go, as long as it stays one.
sub smaller
{
	my ($query, $still) = @_;
	my $best = { %$query, statements => [ map { ref $_ ? $_ : Fuzz::resolve($_, 0) } @{ $query->{statements} } ] };
	my $until = time + 20;

	# enough is known by then
	return $best if @findings > 8;

	$best->{pre} = [] if @{ $best->{pre} } && $still->({ %$best, pre => [] });
	return $best if grep { ref $_ } @{ $best->{statements} };
	foreach my $s (0 .. $#{ $best->{statements} })
	{
		$best->{statements}->[$s] = Fuzz::shrink($best->{statements}->[$s], $until, sub {
			my @statements = @{ $best->{statements} };

			$statements[$s] = $_[0];
			return $still->({ %$best, statements => \@statements });
		});
	}
	return $best;
}

sub show
{
	my ($query) = @_;

	return join ";\n", @{ $query->{pre} }, map { ref $_ ? join(' \\bind ', map { Fuzz::resolve($_ // 'NULL', 0) } @$_) : Fuzz::resolve($_, 0) } @{ $query->{statements} };
}

sub brief
{
	my ($text) = @_;

	return length $text > 1500 ? substr($text, 0, 1500) . '...' : $text;
}

sub finding
{
	my ($kind, $name, $query, $smaller, @outcomes) = @_;
	my @texts = map { brief("$_->{state} $_->{message}\n$_->{signature}\n" . join(' ', sort keys %{ $_->{cells} })) } @outcomes;
	my $same = join ' ', $kind, map { "$_->{state} $_->{message}" =~ s/"[^"]*"|\d+/#/gr } @outcomes;

	# a few of a kind are enough to repair it
	return if $kind ne 'difference' && $known{$same}++ >= 3;
	BAIL_OUT('too many findings') if @findings >= 60;
	push @findings, $name;
	diag("$kind: $name\n" . brief(show($query)) . "\nsmaller:\n" . brief(show($smaller)) . "\n" . join("\n-- and --\n", @texts));
	return;
}

# One query on two databases.  Returns the outcome on the first.
sub differential
{
	my ($name, $query, $one, $two) = @_;
	my ($first, $second) = run($query, 0, $one, $two);

	if ($first->{state} eq 'lost' || $second->{state} eq 'lost')
	{
		$lost++;
		push @findings, $name;
		diag("connection lost: $name\n" . show($query));
		return $first;
	}
	return $first if timed_out($first, $second);
	foreach my $outcome ($first, $second)
	{
		# a release that is planned and then not paid is a mistake of dp_agg's
		my $unpaid = $outcome->{message} =~ /not paid/;

		next unless $unpaid || is_raw($outcome->{state}) && (!$query->{above} || $outcome->{state} =~ /^(XX|53|58)/);
		next if !$unpaid && is_of_text($query, $outcome);
		my $still = sub {
			my ($candidate) = @_;
			my ($o) = run($candidate, 0, $outcome == $first ? $one : $two);

			return $o->{state} eq $outcome->{state} && $o->{message} eq $outcome->{message} && ($unpaid || !is_of_text($candidate, $o));
		};

		next unless $still->($query);
		finding('raw error', $name, $query, smaller($query, $still), $outcome);
		return $first;
	}
	if ($first->{signature} ne $second->{signature} || letters($first) ne letters($second) || far($first, $second) || rand() < 0.02)
	{
		$share{repeated}++;
		my $told = telling($query, $one, $two);

		if (defined $told)
		{
			my $still = sub { defined telling($_[0], $one, $two, 4, 12) };

			finding("difference", $name, $query, smaller($query, $still), $first, $second);
			diag(brief("told by: $told"));
		}
	}
	return $first;
}

# ---------- the test ----------

$node->safe_psql('postgres', 'CREATE DATABASE fuzz_a');
setup();
$node->safe_psql('fuzz_a', 'CREATE TABLE person AS SELECT people AS original FROM people WHERE id = 7; VACUUM ANALYZE');
$node->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE fuzz_a; GRANT CREATE, TEMPORARY ON DATABASE $_ TO analyst") foreach qw(fuzz_b fuzz_same fuzz_empty);
$node->safe_psql('fuzz_empty', 'TRUNCATE people, odds, visits, events, staff');
prepare_counters();

my %asked = Fuzz::catalog_queries();
my $fuzz = Fuzz->new({ map { $_ => [ rows('fuzz_a', $asked{$_}) ] } keys %asked });
my @entries = @{ $fuzz->{entries} };
my $start = time;

# Figures: for who asked for them.
sub figure
{
	return $ENV{QUERIES} ? diag(@_) : note(@_);
}

sub set_version
{
	my ($number) = @_;
	my $c = connection('fuzz_b', $superuser);

	$c->send(version($number));
	my ($r) = $c->receive;
	die "version $number: $r->{error}->{M}" if $r->{error};
	return;
}

sub charged
{
	return (rows('fuzz_a', 'SELECT count(*) FROM dp_agg.releases'))[0]->[0];
}

# Every entry of the catalog by itself, which also finds out what is allowed.
set_version(0);
my $allowed = 0;

foreach my $i (0 .. $fuzz->sweeps - 1)
{
	my ($query, $entry) = $fuzz->sweep($i);
	my $outcome = differential("entry $i", $query, 'fuzz_a', 'fuzz_b');

	next unless $entry && $outcome->{state} eq '00000';
	$fuzz->allow($entry);
	$allowed++;
}
my $swept = time - $start;

figure(sprintf '%d entries, %d of them allowed, %.0f seconds', $fuzz->sweeps, $allowed, $swept);
cmp_ok($allowed, '>=', 500, 'many functions, operators and forms are allowed below a release');
is(scalar @findings, 0, 'none of all functions, operators, casts, forms and aggregates tells the copies apart or fails') or diag("@findings");

@findings = ();
my $answered = 0;
my %example;
my $before = charged();

foreach my $i ($first .. $first + $queries - 1)
{
	set_version(int($i / $block) + 1) if $i % $block == 0 || $i == $first;
	my $query = $fuzz->query($seed, $i, $entries[ ($seed * 7919 + $i) % @entries ]);
	my $text = show($query);
	$query->{cold} = $i % 25 == 3;
	my $outcome = differential("seed $seed query $i", $query, 'fuzz_a', 'fuzz_b');
	my $state = $outcome->{state};
	my $concerned = $text =~ /\b(people|odds|visits|events|staff)\b/;

	figure(sprintf '%d queries, %.0f seconds', $i - $first, time - $start) if $i > $first && $i % 5000 == 0;
	$share{all}++;
	$share{accepted}++ if $state eq '00000' && $concerned;
	$share{reached}++ if $concerned && ($state eq '00000' || $state =~ /^DP/ || $outcome->{hint} =~ /protected relation/);
	$share{timeout}++ if timed_out($outcome);
	$share{"state $state"}++;
	$share{"refused $outcome->{message}"}++ if $state =~ /^DP/;
	$share{"parser $outcome->{message}"}++ if $state =~ /^42/ && $outcome->{hint} !~ /protected relation/;
	$share{"raw $state $outcome->{message}"}++ if is_raw($state);
	$example{"$state $outcome->{message}"} //= "query $i: $text" if $state =~ /^XX/;
	$answered++ if $state eq '00000' && $outcome->{values} && @{ $query->{statements} } == 1 && !ref $query->{statements}->[0] && $query->{statements}->[0] =~ /^SELECT.*\b(count|sum|avg)\(/ && $concerned;
	if ($i % 8 == 0)
	{
		my ($one, $two) = run($query, 1, 'fuzz_a', 'fuzz_b');

		next if $one->{state} =~ /^42/ && $two->{state} =~ /^42/ || timed_out($one, $two);
		$share{plain}++;
		$share{'plain differs'}++ if $one->{signature} ne $two->{signature} || join("\n", sort keys %{ $one->{cells} }) ne join("\n", sort keys %{ $two->{cells} });
		$share{'plain state differs'}++ if $one->{state} ne $two->{state};
	}
	if ($i % 16 == 1)
	{
		my @had = @findings;

		$share{same}++;
		differential("equal copies, seed $seed query $i", $query, 'fuzz_a', 'fuzz_same');
		$share{'same differs'}++ if @findings > @had;
		@findings = @had;
	}
}

my $seconds = time - $start - $swept;
my $charges = charged() - $before;
my $percent = sub { sprintf '%.1f%%', 100 * ($share{ $_[0] } // 0) / ($share{ $_[1] // 'all' } || 1) };

figure("seed $seed, $queries queries in " . sprintf('%.0f', $seconds) . ' seconds: accepted ' . $percent->('accepted') . ', reach dp_agg ' . $percent->('reached') . ', time out ' . $percent->('timeout') . ', repeated ' . $percent->('repeated'));
figure('copies without protection differ: ' . $percent->('plain differs', 'plain') . ", in SQLSTATE: " . $percent->('plain state differs', 'plain') . " of $share{plain}; equal copies: " . ($share{'same differs'} // 0) . " of $share{same}; answered $answered, charged $charges");
figure("$_: $share{$_}") foreach grep { !/^parser/ || $share{$_} > 9 } sort grep { /^(state|refused|parser|raw)/ } keys %share;
figure(brief("$_: $example{$_}")) foreach sort keys %example;

is(scalar @findings, 0, "$queries random queries do not tell the copies apart, and do not fail by data") or diag("@findings");
is($lost, 0, 'no connection is lost');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:/, 'the server does not crash');
cmp_ok($charges, '>=', $answered, 'every answer is charged');
is($share{'same differs'} // 0, 0, 'equal copies are not told apart');
if ($queries >= 500)
{
	cmp_ok($share{accepted} / $share{all}, '>=', 0.2, 'many queries are accepted');
	cmp_ok($share{reached} / $share{all}, '>=', 0.4, 'most are judged by dp_agg');
	cmp_ok($share{'plain differs'} / $share{plain}, '>=', 0.1, 'without protection many queries tell the copies apart');
	cmp_ok($share{'plain state differs'} / $share{plain}, '>=', 0.01, 'some by whether they fail');
	cmp_ok(($share{timeout} // 0) / $share{all}, '<=', 0.02, 'few take too long');
}

$node->stop;
done_testing();
