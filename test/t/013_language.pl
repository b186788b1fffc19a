# The language below a release (src/policy/allowed.c), held against the catalogs of
# the running server:
#
# - every entry is the symbol of a built-in function, immutable or stable as stated
#   here, and no entry is there for nothing;
# - what runs as it is cannot fail: each such function is called with all pairs of
#   extreme values of its argument types;
# - what may fail runs inside guarded(): each such function and cast stands below a
#   release over a table of extreme values, and neither fails nor tells;
# - what an analyst wants to write works, and means what it means without protection.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('main');
my $superuser = getpwuid($<);

# ---------- the list and the catalogs ----------

my $source = slurp_file('src/policy/allowed.c');
my %list;

while ($source =~ /static const char \*const (\w+)\[\] = \{\n(.*?)\n\};/gs)
{
	my ($name, $body) = ($1, $2);
	$body =~ s{/\*.*?\*/}{}gs;
	$list{$name} = [ $body =~ /"(\w+)"/g ];
}
my @symbols = map { @{ $list{$_} } } qw(safe_functions wrapped_functions session_functions);
my %count;

cmp_ok(scalar @symbols, '>', 600, 'the list was read');
$count{$_}++ foreach @symbols;
is(join(' ', grep { $count{$_} > 1 } sort keys %count), '', 'no symbol is listed twice');

$node->safe_psql('postgres', "CREATE TABLE symbols AS SELECT unnest('{" . join(',', @symbols) . "}'::text[]) AS symbol");
is($node->safe_psql('postgres', <<'SQL'), '', 'every symbol is that of a built-in function');
SELECT symbol FROM symbols WHERE NOT EXISTS (
	SELECT FROM pg_proc WHERE prosrc = symbol AND oid < 16384 AND prokind = 'f' AND NOT proretset
	AND provolatile <> 'v' AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'internal'))
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'and no other function is allowed');
SELECT oid::regprocedure FROM pg_proc
WHERE (prosrc NOT IN (SELECT symbol FROM symbols) OR oid >= 16384 OR prokind <> 'f' OR proretset OR provolatile = 'v'
	OR prolang <> (SELECT oid FROM pg_language WHERE lanname = 'internal')) AND dp_agg.function_use(oid) IS NOT NULL
SQL

# Stable: they depend on the time zone, on DateStyle, lc_monetary and other formats, or on the clock.  Since 16 a time zone
# that is an argument counts as one that does not change.
my @stable = grep { DpAgg::version() < 16 || !/^timestamptz_trunc_zone$/ } grep { !/^timestamptz_(eq|ne|lt|le|gt|ge|mi|cmp|larger|smaller|izone|zone|bin|age|scale)$/ } grep {
	/^(date|timestamp)_(eq|ne|lt|le|gt|ge)_timestamptz$|^timestamptz_(eq|ne|lt|le|gt|ge)_(date|timestamp)$/
	  || /^(now|statement_timestamp|timetz_zone|time_timetz|date_timestamptz|timestamp_timestamptz)$/
	  || /^timestamptz_(date|time|timetz|timestamp|part|pl_interval|mi_interval|trunc|trunc_zone|to_char)$/
	  || /^(extract_timestamptz|make_timestamptz|make_timestamptz_at_timezone|timestamp_to_char|to_date|to_timestamp)$/
	  || /^(interval|numeric|int4|int8|float4|float8)_to_char$|^numeric_to_number$|^text_concat(_ws)?$|^array_to_text(_null)?$|^text_format(_nv)?$|^(show_config_by_name(_missing_ok)?|current_(user|schemas?|database)|session_user|inet_(client|server)_addr)$|^pg_has_role_\w+$|^(cash_numeric|numeric_cash|int4_cash|int8_cash)$/
} sort @symbols;
is($node->safe_psql('postgres', <<'SQL'), join("\n", @stable), 'functions are stable where they are said to be, else immutable');
SELECT symbol FROM symbols WHERE EXISTS (SELECT FROM pg_proc WHERE prosrc = symbol AND provolatile = 's') ORDER BY symbol COLLATE "C"
SQL

is($node->safe_psql('postgres', <<'SQL'), '', 'no type of the list is a composite, a range, a pseudo-type or one that names an object');
SELECT name FROM dp_agg.language l WHERE kind = 'type' AND name::regtype::text ~ '^reg|^pg_|xid|tid|vector|json[^b].*path'
OR kind = 'type' AND EXISTS (SELECT FROM pg_type t WHERE t.oid = l.name::regtype AND t.typtype NOT IN ('b', 'e'))
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'collations of the list are built in and deterministic');
SELECT name FROM dp_agg.language l WHERE kind = 'collation' AND NOT EXISTS (
	SELECT FROM pg_collation c WHERE c.collname = l.name AND c.oid < 16384 AND c.collisdeterministic)
SQL
my $kinds = $node->safe_psql('postgres', "SELECT string_agg(DISTINCT kind || ' ' || treatment, ', ' ORDER BY kind || ' ' || treatment) FROM dp_agg.language");
is($kinds, 'aggregate as is, cast as is, cast guarded, collation as is, function as is, function guarded, function once, operator as is, operator guarded, type as is',
	'the view shows all kinds');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) > 1000 FROM dp_agg.language'), 't', 'and the analyst may read it');

# ---------- extreme values ----------

my %extremes = (
	boolean => [qw(t f)],
	smallint => [qw(0 1 -1 32767 -32768)],
	integer => [qw(0 1 -1 2147483647 -2147483648)],
	bigint => [qw(0 1 -1 9223372036854775807 -9223372036854775808)],
	real => [qw(0 -0 1 3.4e38 -1e-40 NaN Infinity -Infinity)],
	'double precision' => [qw(0 -0 1 1.7e308 -4.9e-324 NaN Infinity -Infinity)],
	numeric => [ qw(0 1 -1 NaN Infinity -Infinity 1e-1000 0.10), '1e5000', '-1e131071' ],
	text => [ '', 'a', '-1', '2024-02-30', "\x{e9}\x{1F600}", '\\', '%_', '1e400', '{1', 'Infinity', '23:59:60', 'x' x 300 ],
	'character varying' => [ '', 'a ', '12', "\x{df}", '%' ],
	character => [ '', 'a ', "\x{df}" ],
	name => [ '', 'abc', 'n' x 63 ],
	'"char"' => [ '', 'a', '\\377' ],
	bytea => [ '', '\\x00ff', '\\x' . '61' x 200 ],
	bit => [qw(0 1)],
	'bit varying' => [ '', '101', '1' x 90 ],
	date => [qw(2024-02-29 infinity -infinity 5874897-12-31), '4713-01-01 BC'],
	'time without time zone' => [qw(00:00 24:00 12:34:56.789)],
	'time with time zone' => [qw(00:00+15:59 24:00-15:59 12:34:56.789+00)],
	'timestamp without time zone' => [ '2024-02-29 12:00', 'infinity', '-infinity', '294276-12-31 23:59:59', '4713-01-01 BC' ],
	'timestamp with time zone' => [ '2024-02-29 12:00+00', 'infinity', '-infinity', '294276-12-31 00:00+00', '4713-01-02 00:00+00 BC' ],
	interval => [ '0', '1 day', '178000000 years', '-178000000 years', '-2147483648 days', '2562047788:00:54.775807' ],
	uuid => [ '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff' ],
	json => [ 'null', '{"a": {"b": [1, "x"]}, "a": 2}', '[1, [2], {}]', '"text"', '1e400', '' . ('[' x 100) . (']' x 100) ],
	jsonb => [ 'null', '{"a": {"b": [1, "x"]}}', '[1, [2], {}]', '"text"', '1e400', 'true' ],
	inet => [ '0.0.0.0/0', '255.255.255.255', '::/0', 'ffff::1/128' ],
	cidr => [ '0.0.0.0/0', '10.0.0.0/8', '::/0' ],
	macaddr => [ '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff' ],
	macaddr8 => [ '00:00:00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff' ],
	money => [ '0', '92233720368547758.07', '-92233720368547758.08' ],
	oid => [qw(0 4294967295)],
	'text[]' => [ '{}', '{NULL}', '{a,b}', '{{a},{b}}' ],
	'integer[]' => [ '{}', '{NULL}', '{1,2}', '{{1},{2}}', '[-5:-4]={1,2}' ],
	jsonpath => [ '$.a', 'strict $[*]' ],
	tsvector => [ '', "'a':1 'b':2A" ],
	tsquery => [ 'a', '!b & c:*' ],
	mood => [qw(sad ok happy)],
	'mood[]' => [ '{}', '{sad,happy}' ]);

# What stands for types that have no values.
my %stands_for = (
	anyarray => ['integer[]'], anycompatiblearray => ['integer[]'], anyelement => ['integer'], anycompatible => ['integer'],
	anyenum => ['mood'], '"any"' => [ 'integer', 'text', 'timestamp with time zone' ]);

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TYPE mood ADD VALUE 'ok' BEFORE 'happy';
SQL

sub quoted
{
	my ($value) = @_;
	utf8::upgrade($value);
	utf8::encode($value);
	return "'" . $value =~ s/'/''/gr . "'";
}

sub columns_of
{
	my ($arguments) = @_;
	return map { $stands_for{$_} // [$_] } map { s/^VARIADIC //r } grep { $_ ne '' } split /, ?/, $arguments;
}

# Functions of a treatment: [name, [types of argument 1], ...].
sub functions
{
	my ($treatment) = @_;
	my $rows = $node->safe_psql('postgres', <<"SQL");
SELECT p.proname, p.prosrc, (SELECT string_agg(format_type(t, NULL), ',' ORDER BY i) FROM unnest(proargtypes) WITH ORDINALITY a (t, i))
FROM pg_proc p WHERE dp_agg.function_use(p.oid) = '$treatment' ORDER BY 1, 3
SQL
	return map { my ($name, $symbol, $arguments) = split /\|/; [ $name, $symbol, columns_of($arguments // '') ] } split /\n/, $rows;
}

# ---------- what runs as it is cannot fail ----------

{
	my @failed;
	my $calls = 0;
	my @statements;

	foreach my $function (functions('as is'))
	{
		my ($name, undef, @types) = @$function;
		my @known = map { [ grep { $extremes{$_} } @$_ ] } @types;

		if (grep { !@$_ } @known)
		{
			push @failed, "$name: no extreme values of " . join(', ', map { @$_ } @types);
			next;
		}
		my @from = map { my $i = $_; "unnest(ARRAY[" . join(',', map { quoted($_) } @{ $extremes{ $known[$i][0] } }) . "]) v$i" } 0 .. $#known;
		my $arguments = join ', ', map { "v$_\::$known[$_][0]" } 0 .. $#known;
		$calls++;
		push @statements, [ "$name($arguments)",
			'SELECT count(pg_catalog."' . $name . "\"($arguments)) FROM " . (@from ? join(', ', @from) : '(VALUES (1)) v') ];
	}
	my @results = DpAgg::bulk($node, $superuser, [ map { $_->[1] } @statements ]);
	push @failed, map { "$statements[$_][0]: $results[$_]{sqlstate} $results[$_]{message}" } grep { $results[$_]{sqlstate} ne '00000' } 0 .. $#results;
	cmp_ok($calls, '>', 250, "functions that run as they are: $calls");
	is(join("\n", @failed), '', 'none fails for any pair of extreme values');
}

# ---------- what may fail is guarded ----------

# A table with two columns of each type, all extreme values against each other.
my (%column, @definition);
foreach my $type (sort keys %extremes)
{
	my $column = 'c_' . $type =~ s/\W+/_/gr;
	$column{$type} = $column;
	push @definition, "$column $type", "d_$column $type";
}
my $rows = 40;
$node->safe_psql('postgres', "CREATE TABLE extremes (id int PRIMARY KEY, " . join(', ', @definition) . ')');
foreach my $i (0 .. $rows - 1)
{
	my @values = map {
		my @list = @{ $extremes{$_} };
		my @pair = ($list[ $i % @list ], $list[ int($i / @list) % @list ]);
		map { quoted($_) } @pair
	} sort keys %extremes;
	$node->safe_psql('postgres', "INSERT INTO extremes VALUES ($i, " . join(', ', @values) . ')');
}
$node->safe_psql('postgres', <<'SQL');
INSERT INTO extremes (id) VALUES (1000);
SELECT dp_agg.protect('extremes', 'id', 'people');
SELECT dp_agg.set_budget('analyst', 'people', 1e8, 0.5);
CREATE TABLE empty (LIKE extremes INCLUDING ALL);
SELECT dp_agg.protect('empty', 'id', 'people');
SQL

# Constants for arguments that must be, by C symbol.
my %constant = (
	(map { $_ => [ 1, "'^[a-c]+|1'" ] } grep { /regex|^regexp_/ } @symbols),
	(map { $_ => [ 1, "'YYYY-MM-DD HH24:MI:SS Day'" ] } qw(timestamp_to_char timestamptz_to_char to_date to_timestamp)),
	interval_to_char => [ 1, "'HH24:MI:SS'" ],
	(map { $_ => [ 1, "'9999.99'" ] } qw(numeric_to_char int4_to_char int8_to_char float4_to_char float8_to_char numeric_to_number)),
	(map { $_ => [ 1, '7' ] } qw(lpad rpad repeat bpchar bit bitfromint4 bitfromint8)), text_format => [ 0, "'%s'" ], text_format_nv => [ 0, "'a'" ],
	(map { $_ => [ 1, q('$.a[*] ? (@ > 1 && @.b like_regex "^x")') ] } grep { /^jsonb_path/ } @symbols),
	ts_match_vq => [ 1, "'a & !b'::tsquery" ], ts_match_qv => [ 0, "'a & !b'::tsquery" ],
	(map { $_ => [ 0, "'a%'" ] } qw(similar_escape similar_to_escape_1 similar_to_escape_2)));

# One query for each set of queries' conditions, with and without rows: the same state
# and message; a count of 40 does not leave the gate or does, which is noise.
sub conditions_are_guarded
{
	my ($name, @conditions) = @_;
	my @statements = map { my $c = $_; map { "SELECT count(*) FILTER (WHERE $c) FROM $_" } qw(extremes empty) } @conditions;
	my @results = DpAgg::bulk($node, 'analyst', [ 'SET dp_agg.epsilon = 100', @statements ]);
	my @bad;
	shift @results;
	foreach my $c (@conditions)
	{
		my ($rows, $none) = splice @results, 0, 2;
		push @bad, "$c: $rows->{sqlstate} $rows->{message}; empty: $none->{sqlstate} $none->{message}"
		  if $rows->{sqlstate} ne '00000' || $none->{sqlstate} ne '00000';
	}
	is(join("\n", @bad), '', $name . ': ' . @conditions);
	return;
}

{
	my @conditions;
	foreach my $function (functions('guarded'))
	{
		my ($name, $symbol, @types) = @$function;
		my @arguments;
		foreach my $i (0 .. $#types)
		{
			my ($type) = grep { $column{$_} } @{ $types[$i] };
			die "no column for an argument of $name" unless defined $type;
			push @arguments, ($i % 2 ? 'd_' : '') . $column{$type};
		}
		$arguments[ $constant{$symbol}[0] ] = $constant{$symbol}[1] if $constant{$symbol} && $constant{$symbol}[0] < @arguments;
		$arguments[$_] = "VARIADIC $arguments[$_]" foreach grep { $symbol =~ /^jsonb?_extract_path|^jsonb_delete_array/ && $_ == $#arguments } 0 .. $#arguments;
		push @conditions, "pg_catalog.\"$name\"(" . join(', ', @arguments) . ') IS NOT NULL';
	}
	cmp_ok(scalar @conditions, '>', 400, 'functions that may fail');
	conditions_are_guarded('none fails below a release', @conditions);
}
{
	my @casts = split /\n/, $node->safe_psql('postgres', "SELECT DISTINCT name FROM dp_agg.language WHERE kind = 'cast' AND name NOT LIKE '%[]%' ORDER BY 1");
	my @conditions;
	foreach my $cast (@casts)
	{
		my ($from, $to) = split / as /, $cast;
		next unless $column{$from};
		push @conditions, map { "$_$column{$from}::$to IS NOT NULL" } '', 'd_';
	}
	cmp_ok(scalar @conditions, '>', 150, 'casts');
	conditions_are_guarded('no cast fails below a release', @conditions);
}

# ---------- what an analyst wants to write ----------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, v varchar(20), code char(6), x int NOT NULL, y float8, n numeric, b bool,
	d date, ts timestamp, tz timestamptz, iv interval, m mood, u uuid, j json, jb jsonb, arr int[], tags text[], ip inet, place point, tm time);
INSERT INTO people
SELECT i, CASE WHEN i % 10 = 0 THEN 'ann bee' ELSE i::text END, 'v' || i % 5, 'c' || i % 3, i % 101, i * 1.5, i / 7.0, i % 2 = 0,
	date '2020-01-01' + i % 700, timestamp '2020-01-01' + i * interval '1 hour', timestamptz '2020-01-01 00:00+00' + i * interval '1 hour',
	i % 50 * interval '1 hour', (ARRAY['sad', 'ok', 'happy'])[1 + i % 3]::mood, md5(i::text)::uuid,
	json_build_object('a', i % 4, 'b', ARRAY[1, 2]), jsonb_build_object('a', i % 4, 's', 'x' || i % 3), ARRAY[i % 3, i % 5],
	ARRAY['a' || i % 3, 'b'], ('10.0.0.' || i % 250)::inet, point(i, i), time '12:00' + i * interval '1 second'
FROM generate_series(1, 10000) i;
CREATE TABLE plain AS TABLE people;
GRANT SELECT ON plain TO analyst;
SELECT dp_agg.protect('people', 'id', 'people');
SELECT dp_agg.set_bounds('people', 'x', 0, 100);
SET ROLE analyst;
SQL

# Each condition is counted on the protected table and on its copy, where it must not
# fail: there is a reason why it does not for any row here, or it is given.
my @wanted = (
	'x = 5', 'x <> 5', 'x BETWEEN 5 AND 10', 'NOT b', 'b IS TRUE', 'b IS NOT UNKNOWN', 'x > 5 AND y < 100 OR n IS NULL', 'b = (x > 50)',
	'x + 1 > 5', 'x - 1 > 5', '-x < 5', 'x * 2 > 9', 'x / 2 = 4', 'x % 7 = 3', 'mod(x, 7) = 3', 'y ^ 2 > 100', 'abs(x - 50) < 10', 'sign(y - 100) = 1',
	'round(n, 2) > 5', 'round(y) = 3', 'trunc(n, 1) = 5.1', 'floor(n) = 5', 'ceil(n) = 5', 'sqrt(y) > 10', '|/ y > 10', 'ln(y) > 5', 'log(n + 1) > 1', 'exp(x / 100.0) > 2',
	'power(n, 2) > 100', 'power(x, 0.5) > 5', 'div(n, 2) = 3', 'gcd(x, 12) = 3', 'degrees(atan2(y, x)) > 45', 'width_bucket(x, 0, 100, 10) = 3',
	'width_bucket(y, ARRAY[100, 1000, 10000]::float8[]) = 2', 'x & 1 = 1', 'x << 1 > 50',
	'greatest(x, 50) = 50', 'least(x, y) > 20', 'coalesce(n, 0) > 5', 'nullif(x, 5) IS NULL', 'CASE WHEN x > 50 THEN b ELSE NOT b END', 'CASE x WHEN 1 THEN b WHEN 2 THEN NOT b END',
	q{lower(name) = 'ann bee'}, q{upper(name) LIKE 'ANN%'}, q{initcap(name) = 'Ann Bee'}, q{trim(name) = '5'}, q{trim(BOTH 'x' FROM v) = 'v1'}, q{ltrim(v, 'v') = '1'}, q{rtrim(v, '1') = 'v'},
	q{substr(name, 1, 3) = 'ann'}, q{substring(name FROM 5) = 'bee'}, q{substring(name FROM '^(\w+) ') = 'ann'}, q{name || '-' || v = '5-v0'}, q{name || x = '55'},
	q{concat(name, '-', x) = '5-5'}, q{concat_ws(',', v, x, NULL, b) = 'v1,1,f'},
	q{name LIKE 'a%'}, q{name NOT LIKE '%5'}, q{name ILIKE 'ANN%'}, q{v LIKE ANY (ARRAY['v1%', 'v2%'])}, q{v NOT LIKE ALL ('{v1,v2}')}, q{name ~ '^1.3$'}, q{name !~* 'ANN'},
	q{name SIMILAR TO '(1|2)%'}, q{regexp_replace(name, 'n+', 'm') = 'am bee'}, q{regexp_like(name, '^ANN', 'i')}, q{starts_with(name, 'ann')}, q{name ^@ 'ann'},
	q{position('bee' IN name) = 5}, q{strpos(name, 'b') = 5}, 'length(name) = 3', 'char_length(v) = 2', q{left(name, 1) = 'a'}, q{right(name, 2) = 'ee'}, q{split_part(name, ' ', 2) = 'bee'},
	q{replace(name, 'ann', 'x') = 'x bee'}, q{translate(name, 'ab', 'xy') = 'xnn yee'}, q{reverse(v) = '1v'}, q{lpad(name, 5, '0') = '00005'}, q{rpad(name, 3) = '5'}, q{repeat(v, 2) = 'v1v1'},
	q{overlay(name PLACING 'x' FROM 1 FOR 3) = 'x bee'}, q{ascii(v) = 118}, q{md5(name) > 'a'}, q{to_hex(x) = 'a'}, q{code = 'c1'}, q{code IN ('c1', 'c2 ')}, q{code LIKE 'c1%'},
	q{date_trunc('month', ts) = '2020-03-01'}, q{date_trunc('day', tz, 'Europe/Vienna') = '2020-03-01 00:00 Europe/Vienna'}, q{date_trunc('week', d) = '2020-03-02'},
	q{extract(year FROM d) = 2020}, q{extract(dow FROM ts) = 0}, q{extract(epoch FROM ts) > 1580000000}, q{date_part('month', tz) = 3}, q{extract(hour FROM iv) = 3}, q{extract(minute FROM tm) = 5},
	q{age(ts, '2020-01-01') < '1 month'}, q{age(ts) > '2 years'}, q{d + 5 > '2020-06-01'}, q{d - 5 > '2020-06-01'}, q{d - date '2020-01-01' < 30}, q{d + interval '1 month' > '2020-06-01'},
	q{ts - interval '1 day' > '2020-06-01'}, q{ts - timestamp '2020-01-01' > '30 days'}, q{tz > now() - interval '100 years'}, q{ts < current_timestamp}, q{d < current_date}, q{tm < localtime OR true},
	q{iv * 2 > '1 day'}, q{iv / 2 < '1 day'}, q{iv + iv > '1 day'}, q{justify_hours(iv) > '1 day'}, q{ts::date = d}, q{ts::time > '12:00'}, q{d::timestamp = '2020-01-05'}, q{d = ts}, q{d < tz},
	q{tz AT TIME ZONE 'Europe/Vienna' > '2020-06-01'}, q{ts AT TIME ZONE 'UTC' > '2020-06-01 00:00+00'}, q{(d, d + 3) OVERLAPS ('2020-02-01'::date, '2020-03-01'::date)},
	q{date_bin('15 minutes', ts, '2020-01-01') = ts}, q{make_date(2020, 1 + x % 12, 1) = '2020-03-01'}, q{to_timestamp(x) > '1970-01-01 00:00:10+00'}, q{isfinite(d)},
	q{ts > make_timestamp(year => 2020, month => 3, mday => 1, hour => 0, min => 0, sec => 0)}, q{iv > make_interval(hours => x % 10)},
	q{to_char(d, 'YYYY-MM') = '2020-03'}, q{to_char(ts, 'Day') = 'Sunday   '}, q{to_char(n, 'FM9990.00') = '5.00'}, q{to_char(x, 'FM000') = '005'}, q{to_date(to_char(d, 'YYYYMMDD'), 'YYYYMMDD') = d},
	q{to_number(x::text, '999') = 5}, 'x::float8 > 5', 'x::numeric > 5', 'n::int = 5', 'y::int = 5', 'n::numeric(6,1) = 5.1', 'x::bigint = 5', 'y::numeric > 5', 'n::float8 > 5', 'b::int = 1',
	'x::bool', q{x::text = '5'}, q{n::text LIKE '5%'}, q{b::text = 'true'}, q{d::text = '2020-03-01'}, q{ts::text LIKE '2020-03%'}, q{m::text = 'ok'}, q{u::text LIKE 'c%'}, q{v::text = 'v1'},
	q{name::varchar(3) = 'ann'}, q{x::varchar = '5'}, q{substr(v, 2)::int = 3}, q{substr(v, 2)::numeric = 3}, q{(x % 2)::text::bool}, q{d::text::date = d}, q{ts::text::timestamp = ts}, q{u::text::uuid = u},
	q{CAST(x AS float8) = 5}, 'x IN (1, 2, 3)', 'x NOT IN (1, 2)', q{v IN ('v1', 'v2')}, q{name IN ('1', '2')}, q{m IN ('sad', 'ok')}, q{d IN ('2020-01-05', '2020-01-06')},
	q{x = ANY ('{1,2,3}')}, q{x = ANY (ARRAY[1, 2])}, q{x <> ALL (ARRAY[1, 2])}, q{v = ANY ('{v1,v2}')}, q{x = ANY (arr)}, 'x IS DISTINCT FROM 5', 'n IS NOT DISTINCT FROM NULL', '(x, id) < (50, 100)', q{(x, v) IN ((1, 'v1'), (2, 'v2'))},
	q{j ->> 'a' = '1'}, q{(j ->> 'a')::int = 1}, q{j -> 'b' ->> 0 = '1'}, q{j #>> '{b,1}' = '2'}, q{jb ->> 's' = 'x1'}, q{(jb -> 'a')::int = 1}, q{jb @> '{"a": 1}'}, q{jb ? 's'}, q{jb @? '$.a ? (@ > 1)'}, q{jb @@ '$.a == 1'}, q{jsonb_path_exists(jb, '$.s ? (@ starts with "x")')}, q{jsonb_path_match(jb, 'exists($.s ? (@ like_regex "1$"))')},
	q{jsonb_path_query_first(jb, '$.a')::int = 1}, q{jsonb_path_query_array(jb, '$.*') @> '[1]'}, q{jsonb_typeof(jb -> 'a') = 'number'},
	q{json_array_length(j -> 'b') = 2}, q{json_extract_path_text(j, 'b', '0') = '1'},
	q{m = 'ok'}, q{m > 'sad'}, q{u = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'}, q{u > '80000000-0000-0000-0000-000000000000'}, q{ip << '10.0.0.0/30'}, q{ip = '10.0.0.7'}, q{host(ip) = '10.0.0.7'},
	'arr[1] = 2', q{tags[1] = 'a2'}, 'arr && ARRAY[2, 4]', 'arr @> ARRAY[2]', 'array_length(arr, 1) = 2', q{array_to_string(tags, ',') = 'a1,b'}, q{array_position(tags, 'a1') = 1}, 'arr = ARRAY[1, 1]',
	q{interval '1 month' + d > '2020-06-01'}, q{iv + ts > '2020-06-01'}, q{5 + d > '2020-06-01'}, q{iv + tm > '12:00'}, q{iv + tz > '2020-06-01 00:00+00'}, 'x > pi()', 'y / pi() < 100',
	q{(regexp_match(name, '^(\w+) (\w+)$'))[2] = 'bee'}, q{name = ANY (regexp_match('ann bee', '.*'))}, q{(regexp_split_to_array(name, ' '))[1] = 'ann'}, q{regexp_instr(name, 'b') = 5}, q{regexp_substr(name, 'e+', 1, 1) = 'ee'},
	q{regexp_replace(name, 'n', 'm', 1, 2) = 'anm bee'}, q{(string_to_array(name, ' '))[2] = 'bee'}, q{v = ANY (string_to_array('v1,v3', ','))}, q{'bee' = ANY (string_to_array(name, ' '))}, q{format('%s-%s', name, v) = '5-v0'}, q{format('%2$s%1$I%%', v, x) = '5v0%'},
	q{quote_literal(v) = '''v1'''}, q{normalize(name) = 'ann bee'}, q{name IS NORMALIZED}, q{encode(sha256(name::bytea), 'hex') > '8'}, q{encode(substr('abc'::bytea, x), 'base64') = 'YWJj'}, q{hashtext(name) % 10 = 3}, q{abs(hashint4(id)) % 7 = 3},
	q{get_bit(x::bit(8), 7) = 1}, q{x::bit(8) & B'00000111' = B'00000001'}, q{substring(x::bit(8) || B'1' FROM 8) = B'11'}, q{x * money '1' > money '5'}, q{money '100' / y > 3::money}, q{broadcast(ip) = '10.0.0.7'}, q{ip + 3 = '10.0.0.10'}, q{ip - '10.0.0.0' = 7}, q{network(set_masklen(ip, 24)) = '10.0.0.0/24'},
	q{(jb || '{"z": 1}') @> '{"z": 1, "a": 2}'}, q{jb - 'a' = '{"s": "x1"}'}, q{jsonb_set(jb, '{a}', '7') ->> 'a' = '7'}, q{jb #- '{a}' = '{"s": "x1"}'}, q{2 = ANY (array_remove(arr, 1))}, q{array_append(arr, 5) @> ARRAY[5, 2]}, q{arr || 7 = ARRAY[1, 1, 7]}, q{array_cat(tags, ARRAY['q']) = '{a1,b,q}'},
	'place IS NOT NULL', 'num_nulls(n, y, b) = 0', q{name COLLATE "C" < 'b'});

{
	my @statements = map { my $c = $_; map { "SELECT count(*) FROM $_ WHERE $c" } qw(people plain) } @wanted;
	my @results = DpAgg::bulk($node, 'analyst', [ 'SET dp_agg.epsilon = 1000', @statements ]);
	shift @results;
	foreach my $c (@wanted)
	{
		my ($private, $true) = splice @results, 0, 2;

		is($true->{sqlstate}, '00000', "the copy answers: $c") or diag($true->{message}), next;
		my $count = $true->{out};
		my $answer = $private->{out} eq '' ? 0 : $private->{out};
		ok($private->{sqlstate} eq '00000' && abs($answer - ($count < 20 ? 0 : $count)) <= ($count < 40 ? $count : 2), "below a release: $c")
		  or diag("$private->{sqlstate} $private->{message}: $private->{out}, really $count");
	}
}

# As group keys, as arguments, in FILTER, in JOIN, in sub-selects, as parameters.
foreach my $sql (
	'SELECT date_trunc(\'month\', ts), count(*) FROM people GROUP BY 1', 'SELECT extract(year FROM d), dp_count(*) FROM people GROUP BY 1',
	'SELECT x / 10, count(*) FROM people GROUP BY 1', q{SELECT CASE WHEN x < 50 THEN 'low' ELSE 'high' END, count(*) FROM people GROUP BY 1},
	q{SELECT j ->> 'a', count(*) FROM people GROUP BY 1}, 'SELECT m, avg(x) FROM people GROUP BY m ORDER BY m', q{SELECT to_char(ts, 'YYYY-MM'), count(*) FROM people GROUP BY 1},
	'SELECT width_bucket(x, 0, 100, 5), count(*) FROM people GROUP BY 1', 'SELECT substr(v, 2)::int, count(*) FROM people GROUP BY 1', 'SELECT avg(sqrt(x)), avg(width_bucket(x, 0, 100, 5)) FROM people',
	'SELECT dp_avg(substr(v, 2)::int, 0, 10) FROM people', 'SELECT count(*) FILTER (WHERE name ~ \'^1\') FROM people', 'SELECT count(*) FROM people p JOIN plain q ON q.id = p.id AND q.name LIKE p.name',
	'SELECT count(*) FROM people WHERE EXISTS (SELECT FROM plain q WHERE q.id = people.id AND q.x::text = people.x::text)',
	'SELECT dp_avg(s.l, 0, 100) FROM (SELECT id, max(length(name)) AS l FROM people GROUP BY id) s',
	"PREPARE q(text, int[]) AS SELECT count(*) FROM people WHERE v IN (\$1, 'v2') AND name ~ \$1 OR x = ANY (\$2); SET plan_cache_mode = force_generic_plan; EXECUTE q('v1', '{1,2}')")
{
	DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 100; $sql");
}

# A format may not ask for a width, least of all one of a row's own: it would take as much memory.
DpAgg::refused($node, 'analyst', "SELECT count(*) FROM people WHERE format($_) = ''", 'DP002') foreach q{'%*s', x, name}, q{'%900000000s', name}, q{'%-5s', name}, q{'%1$*2$s', name, x}, 'name, x', q{'%5', name};

# What would be NULL for every row is a mistake, told with its place.
{
	my $r = DpAgg::as($node, 'analyst', q{SELECT count(*) FROM people WHERE date_trunc('monht', ts) = ts});
	like($r->{err}, qr/DP002: this expression fails whatever the rows: .*"monht".*LINE 1.*\n\s*\^/s, 'a mistake in a constant is told');
	is(DpAgg::value($node, 'analyst', q{SELECT count(*) > 9990 FROM people WHERE (1 / (x - 5)) IS NULL OR true}), 't', 'one that depends on rows is not');
}

$node->stop;
done_testing();
