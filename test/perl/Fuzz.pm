# Fuzz.pm
#	Random queries of an analyst, for test/attacks/fuzz.pl.
#
#	my $fuzz = Fuzz->new($catalog);
#	my $query = $fuzz->sweep($i);       # entry number i of the catalog by itself
#	my $query = $fuzz->query($seed, $i, $focus);
#
# Everything that can stand in an expression is an entry: each function, operator,
# cast and aggregate of the server's catalog, those of the analyst among them, and
# each special form of the grammar (@forms).  An entry has argument types and a
# result type; expressions are composed of entries, columns and literals by type.
# The caller marks the entries that stand below a release without being refused
# (allow); tame queries keep to these, wild ones do not.
#
# A query is { pre, statements, above, tame }: settings, statements to run one
# after the other, whether anything that can fail by itself is done with released
# values, and whether it was meant to be accepted.  The same query for unprotected
# copies of the tables comes from resolve(TEXT, 1): where the two differ, a text
# holds both, as \1protected\2plain\3.
#
# The generator is deterministic: a query depends on the seed, its number, the
# catalog and what was allowed, on nothing else.

package Fuzz;

use strict;
use warnings;
use DpAgg;
no warnings 'redundant';

sub pick { return $_[ rand @_ ]; }
sub chance { return rand() < $_[0]; }

sub both
{
	my ($protected, $plain) = @_;

	return "\1$protected\2$plain\3";
}

sub resolve
{
	my ($text, $plain) = @_;

	return $text =~ s/\x01([^\x01-\x03]*)\x02([^\x01-\x03]*)\x03/$plain ? $2 : $1/ger;
}

# ---------- tables ----------

# Name => [alias, unit, { column => type }, columns with bounds].
our %tables = (
	people => [ 'p', 'id', {
			id => 'int4', name => 'text', v => 'varchar', c => 'bpchar', g => 'text', x => 'int4',
			s => 'int2', l => 'int8', f => 'float4', y => 'float8', n => 'numeric', b => 'bool',
			d => 'date', ts => 'timestamp', tz => 'timestamptz', tm => 'time', ttz => 'timetz',
			iv => 'interval', e => 'color', u => 'uuid', j => 'json', jb => 'jsonb', arr => '_int4',
			ta => '_text', ba => 'bytea', ip => 'inet', pt => 'point', bt => 'bit', vb => 'varbit',
			mo => 'money', nm => 'name', ch => 'char', r => 'int4range', xl => 'xml', tv => 'tsvector',
			mac => 'macaddr', o => 'oid', dm => 'small', ct => 'pair' },
		[qw(x s l f y n d ts tz iv)] ],
	visits => [ 'v', 'pid', {
			pid => 'int4', clinic => 'text', cost => 'numeric', at => 'timestamptz', note => 'text',
			qty => 'int4', flag => 'bool', w => 'float8' },
		[qw(cost at qty w)] ],
	events => [ 'ev', 'pid', { pid => 'int4', r => 'int4', v => 'int4', k => 'text', t => 'timestamp' }, [qw(r v t)] ],
	pub => [ 'u', undef, { k => 'int4', label => 'text', w => 'numeric', t => 'text', d => 'date', z => 'int4' }, [] ],
	'a.own' => [ 'o', undef, { a => 'int4', b => 'text', c => 'text', d => 'date', y => 'float8' }, [] ],
	staff => [ 'st', 'sid', { sid => 'int4', pay => 'int4', who => 'text' }, ['pay'] ]);

# The same columns, but one person has many rows, as odd as can be.
$tables{odds} = $tables{people};

my @numbers = qw(int2 int4 int8 float4 float8 numeric);
my @moments = qw(date timestamp timestamptz interval);
my @scalars = (@numbers, @moments, qw(text varchar bpchar bool uuid color time));
my %is_number = map { $_ => 1 } @numbers;

my %literals = (
	int2 => [qw(0 1 -1 2 7 100 32767 -32768)],
	int4 => [qw(0 1 -1 2 3 5 10 37 100 1000 2147483647 -2147483648)],
	int8 => [qw(0 1 -1 2 10 1000 4294967296 9223372036854775807 -9223372036854775808)],
	float4 => [qw(0 1 -1 0.5 1e10 3.4e38 1e-40 NaN Infinity -Infinity)],
	float8 => [qw(0 1 -1 0.5 -0 2.5 100 1e10 1e308 1e-308 NaN Infinity -Infinity)],
	numeric => [qw(0 1 -1 0.5 2 10 100 1e30 1e1000 -5.55 NaN Infinity -Infinity)],
	bool => [qw(t f)],
	text => [ '', ' ', 'a', 'A', 'g1', 'p5', '12', '1.5', '-7', '%', '_%', 'p%', '\\', '[', '(a)', '.*', '(',
		'2020-01-01', 'infinity', 'true', '{"a": 1}', '{1,2}', '<a/>', 'UTC', 'Europe/Paris', 'month', 'epoch',
		'YYYY-MM-DD', '999.9', 'en', 'NaN', 'hex', 'base64', 'UTF8', 'int4', 'people', '$.a' ],
	name => [ 'a', 'people', 'id', '' ],
	char => [ 'a', '', ' ' ],
	date => [qw(2020-01-01 2021-06-15 1970-01-01 0001-01-01 infinity -infinity 5874897-12-31)],
	timestamp => [ '2020-01-01 00:00', '2021-06-15 12:30:15.5', 'infinity', '-infinity', '0001-01-01', '294276-12-31 23:59:59' ],
	timestamptz => [ '2020-01-01 00:00+00', '2021-03-28 02:30+01', 'infinity', '-infinity', '294276-12-31 23:59:59+00' ],
	time => [qw(00:00 12:30:15 24:00)],
	timetz => [qw(00:00+00 12:30:15+02 24:00-12)],
	interval => [ '0', '1 day', '1 month', '-1 year 2 days', '00:30', '178000000 years', '2147483647 days' ],
	color => [qw(red green blue)],
	uuid => [qw(00000000-0000-0000-0000-000000000000 a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11)],
	json => [ '1', 'null', '{"a": 1, "a": 2}', '[1, "x"]', '"s"' ],
	jsonb => [ '1', 'null', '{"a": 1, "b": {"c": []}}', '[1, "x"]', '"s"' ],
	jsonpath => [ '$', '$.a', '$[*] ? (@ > 1)', 'strict $.b.c[7]', '$.a.double()' ],
	_int4 => [ '{}', '{1,2,3}', '{{1,2},{3,4}}', '[0:1]={7,NULL}' ],
	_text => [ '{}', '{a,b}', '{a,NULL}', '{a,b,c}' ],
	bytea => [ '', '\\x00', '\\xdeadbeef' ],
	inet => [qw(127.0.0.1 10.0.0.0/8 ::1)], cidr => [qw(10.0.0.0/8 ::/0)],
	point => [ '(0,0)', '(1,2)', '(NaN,1)', '(1e300,1e300)' ], lseg => ['[(0,0),(1,1)]'], box => [ '(0,0),(1,1)', '(0,0),(0,0)' ],
	path => [ '((0,0),(1,1),(2,0))', '[(0,0),(1,1)]' ], polygon => ['((0,0),(1,1),(2,0))'], circle => [ '<(0,0),1>', '<(0,0),0>' ],
	line => ['{1,2,3}'],
	bit => [qw(0 1)], varbit => [ '', '1', '10101' ], money => [qw(0 1.50 -92233720368547758.08)],
	int4range => [ 'empty', '[1,10)', '(,)', '[5,]' ], int8range => [ 'empty', '[1,10)' ], numrange => [ 'empty', '[1.5,2]' ],
	daterange => ['[2020-01-01,2021-01-01)'], tsrange => ['empty'], tstzrange => ['empty'],
	int4multirange => [ '{}', '{[1,2),[5,9)}' ],
	xml => [ '<a/>', '<a b="1">x</a>', 'text' ], tsvector => [ '', "'a':1 'b':2" ], tsquery => [ 'a', 'a & !b', "a:*" ],
	macaddr => ['08:00:2b:01:02:03'], macaddr8 => ['08:00:2b:01:02:03:04:05'], oid => [qw(0 1 1259)], pg_lsn => [ '0/0', 'F/1' ],
	regclass => [ 'pub', 'people' ], regproc => ['now'], regtype => ['int4'], regrole => ['analyst'], regnamespace => ['a'],
	regoper => ['pg_catalog.||/'], regprocedure => ['now()'], regoperator => ['+(int4,int4)'], regconfig => ['english'],
	regdictionary => ['simple'], regcollation => ['"C"'], tid => ['(0,1)'], xid => ['3'], xid8 => ['3'], cid => ['0'],
	small => [qw(0 5)], pair => [ '(1,x)', '(,)' ], cstring => [ '1', 'a', '' ], txid_snapshot => ['10:20:10,14,15'],
	pg_snapshot => ['10:20:10,14,15'], refcursor => ['c'], int2vector => ['1 2'], oidvector => ['1 2'], aclitem => ['analyst=r/analyst'],
	_bool => ['{t,f}'], _int8 => ['{1,2}'], _float8 => [ '{0.1,0.5}', '{}' ], _numeric => ['{1,NaN}'], _date => ['{2020-01-01}'],
	_varchar => ['{a}'], _bytea => ['{a}'], _name => ['{a}'], _char => ['{a}'], _oid => ['{1}'], _int2 => ['{1}'], _json => ['{1}'],
	_jsonb => ['{1}'], _uuid => ['{}'], _regtype => ['{int4}'], _xml => ['{<a/>}']);

# Types that are not of pg_catalog.
my %homes = (color => 'public.color', small => 'public.small', pair => 'public.pair');

sub type_name
{
	my ($type) = @_;

	return $homes{$type} if $homes{$type};
	return $type if $type =~ /^(int[248]|float[48]|numeric|text|bool|date|timestamp|timestamptz|time|timetz|interval|uuid|jsonb?|bytea|varchar|inet|point|money|xml)$/;
	return $type =~ /\./ ? $type : "pg_catalog.\"$type\"";
}

sub quote
{
	my ($text) = @_;

	return "'" . $text =~ s/'/''/gr . "'";
}

sub literal
{
	my ($type) = @_;
	my $list = $literals{$type};
	my $name = type_name($type);

	return "NULL::$name" if !$list || chance(0.05);
	my $value = pick(@$list);

	return $value if $type eq 'int4' && $value =~ /^\d+$/ && chance(0.6);
	return "ROW(1, 'a')" if $type eq 'record';
	return quote($value) . "::$name";
}

# ---------- entries ----------

# [TEMPLATE, RESULT, ARGUMENT TYPES...]; %s takes an argument, %u is the unit, T in
# types stands for each of several types.
my @forms = (
	(map { [ "extract($_ from %s)", 'numeric', 'timestamp' ], [ "extract($_ from %s)", 'numeric', 'timestamptz' ],
			[ "extract($_ from %s)", 'numeric', 'interval' ], [ "extract($_ from %s)", 'numeric', 'date' ] }
		qw(year month day hour epoch dow isoyear week century microseconds julian timezone)),
	(map { [ "date_trunc('$_', %s)", 'timestamp', 'timestamp' ], [ "date_trunc('$_', %s)", 'timestamptz', 'timestamptz' ],
			[ "date_trunc('$_', %s)", 'interval', 'interval' ] } qw(hour day week month quarter year millennium nothing)),
	[ "date_bin('1 hour', %s, '2001-01-01')", 'timestamp', 'timestamp' ],
	[ 'position(%s in %s)', 'int4', 'text', 'text' ], [ 'overlay(%s placing %s from %s)', 'text', 'text', 'text', 'int4' ],
	[ 'substring(%s from %s for %s)', 'text', 'text', 'int4', 'int4' ], [ 'substring(%s from %s)', 'text', 'text', 'text' ],
	[ "substring(%s from 2)", 'text', 'text' ], [ "substring(%s from 'a(.)')", 'text', 'text' ], [ "substring(%s similar 'a#\"b#\"' escape '#')", 'text', 'text' ],
	[ 'trim(both %s from %s)', 'text', 'text', 'text' ], [ 'trim(%s)', 'text', 'text' ],
	[ "%s LIKE %s", 'bool', 'text', 'text' ], [ "%s LIKE 'p1%%'", 'bool', 'text' ], [ "%s LIKE %s ESCAPE %s", 'bool', 'text', 'text', 'text' ],
	[ "%s LIKE '\\'", 'bool', 'text' ], [ "%s NOT ILIKE '%%5'", 'bool', 'text' ], [ "%s LIKE ANY (ARRAY['p1%%', 'p2%%'])", 'bool', 'text' ],
	[ "%s SIMILAR TO 'p(1|2)%%'", 'bool', 'text' ], [ "%s ~ '^p[0-9]+\$'", 'bool', 'text' ], [ "%s ~* %s", 'bool', 'text', 'text' ], [ "%s !~ '('", 'bool', 'text' ],
	[ "%s AT TIME ZONE 'Europe/Paris'", 'timestamp', 'timestamptz' ], [ "%s AT TIME ZONE %s", 'timestamptz', 'timestamp', 'text' ], [ "%s AT TIME ZONE %s", 'timestamp', 'timestamptz', 'interval' ],
	[ '%s COLLATE "C"', 'text', 'text' ], [ '%s COLLATE "C" < %s', 'bool', 'text', 'text' ], [ '%s COLLATE "POSIX" = %s', 'bool', 'text', 'text' ], [ '%s < %s COLLATE a.nocase', 'bool', 'text', 'text' ],
	[ "(%s)[%s]", 'int4', '_int4', 'int4' ], [ "(%s)[1]", 'text', '_text' ], [ "(%s)[1:%s]", '_int4', '_int4', 'int4' ], [ "(%s)['a']", 'jsonb', 'jsonb' ],
	[ "%s ->> 'a'", 'text', 'json' ], [ "%s ->> 'a'", 'text', 'jsonb' ], [ "%s ->> %s", 'text', 'jsonb', 'text' ], [ "%s #>> '{a,b}'", 'text', 'jsonb' ], [ "(%s -> 'a')::text", 'text', 'json' ],
	[ "(%s ->> 'a')::int", 'int4', 'jsonb' ], [ "(%s).a", 'int4', 'pair' ], [ "%s = %s", 'bool', 'pair', 'pair' ],
	[ '%s IN (SELECT k FROM pub)', 'bool', 'int4' ], [ '%s NOT IN (SELECT k FROM pub)', 'bool', 'int4' ], [ '%s = ANY (SELECT a FROM a.own)', 'bool', 'int4' ], [ '%s > ALL (SELECT z FROM pub)', 'bool', 'int4' ],
	[ 'EXISTS (SELECT 1 FROM pub s WHERE s.k = %s)', 'bool', 'int4' ], [ 'EXISTS (SELECT FROM pub s WHERE 10 / s.z > %s)', 'bool', 'int4' ], [ 'EXISTS (SELECT 1 FROM pub s WHERE s.t::int = %s)', 'bool', 'int4' ],
	[ '(SELECT count(*) FROM pub s WHERE s.k < %s)', 'int8', 'int4' ], [ '(SELECT max(s.label) FROM pub s WHERE s.k = %s)', 'text', 'int4' ], [ '(SELECT s.label FROM pub s WHERE s.k = %s)', 'text', 'int4' ],
	[ '(SELECT s.w FROM pub s WHERE s.z = %s ORDER BY s.k LIMIT 1)', 'numeric', 'int4' ], [ '(SELECT min(c::int) FROM a.own WHERE a < %s)', 'int4', 'int4' ], [ '(SELECT %s)', 'int4', 'int4' ], [ '(SELECT sum(s.z) FROM pub s)', 'int8' ],
	[ '(SELECT count(*) FROM people)', 'int8' ], [ '(SELECT dp_avg(x, 0, 100) FROM people)', 'numeric' ], [ '(SELECT max(x) FROM people s WHERE s.id = %u)', 'int4' ], [ '(SELECT x FROM people s WHERE s.id = %u)', 'int4' ],
	[ '%u IN (SELECT pid FROM visits)', 'bool' ], [ '%u IN (SELECT pid FROM visits s WHERE s.qty > %s)', 'bool', 'int4' ], [ '%u NOT IN (SELECT pid FROM visits)', 'bool' ], [ '%s IN (SELECT qty FROM visits)', 'bool', 'int4' ],
	[ 'EXISTS (SELECT 1 FROM visits s WHERE s.pid = %u)', 'bool' ], [ 'EXISTS (SELECT 1 FROM visits s WHERE s.pid = %u AND s.note = %s)', 'bool', 'text' ], [ 'NOT EXISTS (SELECT 1 FROM events s WHERE s.pid = %u AND s.v < %s)', 'bool', 'int4' ],
	[ 'EXISTS (SELECT pid FROM visits s WHERE s.pid = %u GROUP BY pid HAVING sum(s.qty) > %s)', 'bool', 'int8' ], [ '%u = ANY (SELECT s.id FROM people s WHERE 1 / s.x > 0)', 'bool' ], [ 'EXISTS (SELECT 1 FROM staff s WHERE s.sid = %u)', 'bool' ],
	[ '%s IN (SELECT pid FROM visits EXCEPT SELECT k FROM pub)', 'bool', 'int4' ], [ '(%u, %s) IN (SELECT pid, qty FROM visits)', 'bool', 'int4' ],
	[ "to_char(%s, 'YYYY-MM')", 'text', 'timestamptz' ], [ "to_char(%s, 'FM999.99')", 'text', 'numeric' ], [ "to_date(%s, 'YYYY-MM-DD')", 'date', 'text' ], [ "to_number(%s, '999')", 'numeric', 'text' ], [ "to_timestamp(%s)", 'timestamptz', 'float8' ],
	[ 'make_date(%s, %s, %s)', 'date', 'int4', 'int4', 'int4' ], [ 'current_date', 'date' ], [ 'localtimestamp', 'timestamp' ], [ 'now()', 'timestamptz' ], [ 'current_user::text', 'text' ], [ 'session_user::text', 'text' ], [ 'current_schema::text', 'text' ],
	[ '%s::numeric(5,2)', 'numeric', 'numeric' ], [ '%s::varchar(3)', 'varchar', 'text' ], [ '%s::char(4)', 'bpchar', 'text' ], [ '%s::timestamp(0)', 'timestamp', 'timestamp' ], [ '%s::interval day', 'interval', 'interval' ], [ '%s::public.small', 'small', 'int4' ], [ '%s::a.dom', 'int4', 'int4' ],
	[ '%s IS TRUE', 'bool', 'bool' ], [ '%s IS NOT FALSE', 'bool', 'bool' ], [ '%s IS UNKNOWN', 'bool', 'bool' ], [ 'NOT %s', 'bool', 'bool' ], [ '%s AND %s', 'bool', 'bool', 'bool' ], [ '%s OR %s', 'bool', 'bool', 'bool' ],
	[ 'xmlelement(name q, %s)', 'xml', 'text' ], [ 'xmlparse(document %s)', 'xml', 'text' ], [ '%s IS DOCUMENT', 'bool', 'xml' ], [ 'xmlserialize(content %s as text)', 'text', 'xml' ], [ 'xmlforest(%s as a)', 'xml', 'text' ], [ "xpath('/a', %s)::text", 'text', 'xml' ],
	[ 'normalize(%s)', 'text', 'text' ], [ '%s IS NFC NORMALIZED', 'bool', 'text' ], [ '(%s, %s) OVERLAPS (%s, %s)', 'bool', 'date', 'date', 'date', 'date' ], [ 'width_bucket(%s, 0, 100, 5)', 'int4', 'numeric' ], [ 'width_bucket(%s, 0, 100, %s)', 'int4', 'float8', 'int4' ],
	[ '(%s, %s) < (%s, %s)', 'bool', 'int4', 'text', 'int4', 'text' ], [ '(%s, %s) = (%s, %s)', 'bool', 'int4', 'text', 'int4', 'text' ], [ 'ROW(%s, %s) IS NULL', 'bool', 'int4', 'text' ], [ 'ROW(%s, %s) IS DISTINCT FROM ROW(1, %s)', 'bool', 'int4', 'int4', 'int4' ],
	[ '%s = ALL (%s)', 'bool', 'int4', '_int4' ], [ '%s = ANY (%s)', 'bool', 'int4', '_int4' ], [ '%s = ANY (%s)', 'bool', 'text', '_text' ], [ "%s IN ('a', 'g1', 'p7')", 'bool', 'text' ], [ 'row_to_json(p)::text', 'text' ], [ 'p::text', 'text' ], [ 'p IS NULL', 'bool' ], [ '(p).x', 'int4' ], [ 'p.ctid', 'tid' ], [ 'p.tableoid', 'oid' ], [ 'p.xmin', 'xid' ],
	[ "cardinality(regexp_split_to_array(%s, ','))", 'int4', 'text' ], [ "string_to_array(%s, ',')", '_text', 'text' ], [ 'GROUPING(%s)', 'int4', 'int4' ], [ "format('%%s', %s)", 'text', 'text' ], [ "concat(%s, '-', %s)", 'text', 'text', 'int4' ],
	[ 'a.spy(%s)', 'int4', 'int4' ], [ '%s OPERATOR(a.==) %s', 'bool', 'int4', 'int4' ],
	[ 'ARRAY(SELECT k FROM pub WHERE k < %s)', '_int4', 'int4' ], [ 'ARRAY[%s, %s]', '_int4', 'int4', 'int4' ], [ 'ARRAY[%s, %s]', '_text', 'text', 'text' ], [ 'ARRAY[%s, %s]', '_int4', '_int4', '_int4' ],
	[ 'random()', 'float8' ], [ 'dp_count(*) OVER ()', 'int8' ], [ 'sum(%s) OVER (PARTITION BY %s)', 'int8', 'int4', 'text' ], [ 'row_number() OVER (ORDER BY %s)', 'int8', 'int4' ], [ 'generate_series(1, %s)', 'int4', 'int4' ], [ 'unnest(%s)', 'int4', '_int4' ]);

# Forms for each of several types.
my @type_forms = (
	[ 'CASE WHEN %s THEN %s ELSE %s END', 'T', 'bool', 'T', 'T' ], [ 'CASE %s WHEN %s THEN %s END', 'T', 'T', 'T', 'T' ], [ 'CASE WHEN %s THEN %s END', 'T', 'bool', 'T' ],
	[ 'coalesce(%s, %s)', 'T', 'T', 'T' ], [ 'nullif(%s, %s)', 'T', 'T', 'T' ], [ 'greatest(%s, %s)', 'T', 'T', 'T' ], [ 'least(%s, %s, %s)', 'T', 'T', 'T', 'T' ],
	[ '%s IS DISTINCT FROM %s', 'bool', 'T', 'T' ], [ '%s BETWEEN %s AND %s', 'bool', 'T', 'T', 'T' ], [ '%s BETWEEN SYMMETRIC %s AND %s', 'bool', 'T', 'T', 'T' ], [ '%s IN (%s, %s)', 'bool', 'T', 'T', 'T' ], [ '%s NOT IN (%s, %s)', 'bool', 'T', 'T', 'T' ],
	[ '%s = ANY (ARRAY[%s, %s])', 'bool', 'T', 'T', 'T' ], [ '%s <> ALL (ARRAY[%s, %s])', 'bool', 'T', 'T', 'T' ], [ '%s IS NULL', 'bool', 'T' ], [ '%s IS NOT NULL', 'bool', 'T' ], [ '%s = %s', 'bool', 'T', 'T' ], [ '%s < %s', 'bool', 'T', 'T' ], [ '%s <> %s', 'bool', 'T', 'T' ]);

# new(CATALOG): { functions, operators, casts } as Fuzz::catalog_queries() yield.
sub new
{
	my ($class, $catalog) = @_;
	my $self = bless { entries => [], aggregates => [], windows => [] }, $class;

	$self->add_functions($catalog->{functions});
	foreach my $row (@{ $catalog->{operators} })
	{
		my ($home, $name, $left, $right, $result) = @$row;

		$self->add_entry('operator', $name, $home, $result, grep { $_ ne '' } $left, $right);
	}
	$self->add_entry('cast', "$_->[0] as $_->[1]", '', $_->[1], $_->[0]) foreach @{ $catalog->{casts} };
	foreach my $form (@forms)
	{
		my ($template, $result, @args) = @$form;

		$self->add_entry('form', $template, '', $result, @args);
	}
	foreach my $form (@type_forms)
	{
		foreach my $type (@scalars, qw(json jsonb _int4 bytea inet point money xml int4range pair))
		{
			my ($template, $result, @args) = map { $_ eq 'T' ? $type : $_ } @$form;

			$self->add_entry('form', $template, '', $result, @args);
		}
	}
	$self->enter('by_result', $_) foreach grep { !$_->{volatile} && $_->{kind} ne 'set' } @{ $self->{entries} };
	return $self;
}

# What to ask the server: rows for new().
sub catalog_queries
{
	my $type = sub { "(SELECT CASE WHEN n.nspname IN ('pg_catalog', 'public') THEN '' ELSE n.nspname || '.' END || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = $_[0])" };

	return (
		functions => "SELECT n.nspname, p.proname, p.prokind, p.proretset, p.provolatile, p.proisstrict, p.provariadic <> 0, " . $type->('p.prorettype') . ",
			coalesce((SELECT string_agg(" . $type->('a.t') . ", ' ' ORDER BY a.i) FROM unnest(p.proargtypes) WITH ORDINALITY a(t, i)), ''), coalesce(g.aggkind, ''), coalesce(g.aggnumdirectargs, 0)
			FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
			WHERE n.nspname IN ('pg_catalog', 'public', 'dp_agg', 'a') AND p.prokind <> 'p' ORDER BY p.oid",
		operators => "SELECT n.nspname, o.oprname, coalesce(" . $type->('o.oprleft') . ", ''), " . $type->('o.oprright') . ", " . $type->('o.oprresult') . "
			FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprresult <> 0 ORDER BY o.oid",
		casts => "SELECT " . $type->('castsource') . ", " . $type->('casttarget') . " FROM pg_cast
			UNION SELECT 'text', typname FROM pg_type WHERE typtype IN ('b', 'r', 'e', 'd') AND typnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace) AND typname NOT LIKE 'pg\\_%'
			UNION SELECT typname, 'text' FROM pg_type WHERE typtype IN ('b', 'r', 'e', 'd') AND typnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace) AND typname NOT LIKE 'pg\\_%'
			ORDER BY 1, 2");
}

my %polymorphic = (
	anyelement => '%s', anynonarray => '%s', anycompatible => '%s', anycompatiblenonarray => '%s', any => '%s',
	anyarray => '_%s', anycompatiblearray => '_%s', anyenum => 'color', anyrange => 'int4range', anycompatiblerange => 'int4range',
	anymultirange => 'int4multirange', anycompatiblemultirange => 'int4multirange');

sub add_entry
{
	my ($self, $kind, $name, $home, $result, @args) = @_;
	my @versions = grep({ $polymorphic{$_} } @args, $result) ? qw(int4 text) : ('int4');

	foreach my $element (@versions)
	{
		my ($r, @a) = map { $polymorphic{$_} ? sprintf($polymorphic{$_}, $element) : $_ } $result, @args;

		return if grep { /^(internal|\w*_handler|trigger|event_trigger)$/ } @a, $r;
		push @{ $self->{entries} }, { kind => $kind, name => $name, home => $home, result => $r, args => \@a };
	}
	return;
}

sub add_functions
{
	my ($self, $rows) = @_;

	foreach my $row (@$rows)
	{
		my ($home, $name, $kind, $set, $volatile, undef, undef, $result, $args, $aggkind, $direct) = @$row;
		my @args = split / /, $args;

		next if $name =~ /^pg_(sleep|terminate|cancel)/;
		if ($kind eq 'a')
		{
			push @{ $self->{aggregates} }, { home => $home, name => $name, args => \@args, kind => $aggkind, direct => $direct };
		}
		elsif ($kind eq 'w') { push @{ $self->{windows} }, $name; }
		else
		{
			my $before = @{ $self->{entries} };

			$self->add_entry($set eq 't' ? 'set' : 'function', $name, $home, $result, @args);
			$_->{volatile} = $volatile eq 'v' foreach @{ $self->{entries} }[ $before .. $#{ $self->{entries} } ];
		}
	}
	return;
}

sub allow
{
	my ($self, $entry) = @_;

	$self->enter('allowed', $entry);
	return;
}

sub enter
{
	my ($self, $list, $entry) = @_;

	push @{ $self->{$list}->{ $entry->{result} } }, $entry;
	push @{ $self->{"$list few"}->{ $entry->{result} } }, $entry if $entry->{kind} =~ /form|cast/;
	return;
}

# ---------- expressions ----------

sub columns_of
{
	my ($self, $type) = @_;

	my $scope = $self->{scope};

	if (!$scope->{by_type})
	{
		$scope->{by_type} = {};
		push @{ $scope->{by_type}->{ $_->[1] } }, $_->[0] foreach @{ $scope->{columns} };
	}
	return @{ $scope->{by_type}->{$type} // [] };
}

sub leaf
{
	my ($self, $type) = @_;
	my @columns = $self->columns_of($type);

	return pick(@columns) if @columns && chance(0.8);
	if (!@columns && $self->{depth_left} > 0 && chance(0.7))
	{
		# a cast from a type that has columns
		my @casts = grep { $_->{kind} eq 'cast' && $self->columns_of($_->{args}->[0]) } @{ $self->{allowed}->{$type} // [] };

		return $self->call(pick(@casts), 0) if @casts;
	}
	return literal($type);
}

sub expression
{
	my ($self, $type, $depth) = @_;

	local $self->{depth_left} = $depth;
	return $self->leaf($type) if $depth <= 0 || chance(0.2);

	# in a wild query any entry that has no effects, in a tame one those that are
	# allowed; casts and forms are few, and would drown among the functions
	my $wild = !$self->{tame} && chance(0.25) ? 'by_result' : 'allowed';
	my $entries = $self->{$wild}->{$type};
	my $few = $self->{"$wild few"}->{$type};

	$entries = $few if $few && chance(0.4);
	return $self->leaf($type) unless $entries;
	return $self->call(pick(@$entries), $depth - 1);
}

sub call
{
	my ($self, $entry, $depth) = @_;
	my ($kind, $name) = @{$entry}{qw(kind name)};
	my @args = map { $self->expression($_, $depth) } @{ $entry->{args} };

	return "pg_catalog.\"$name\"(" . join(', ', @args) . ')' if $kind =~ /function|set/ && $entry->{home} eq 'pg_catalog';
	return "$entry->{home}.\"$name\"(" . join(', ', @args) . ')' if $kind =~ /function|set/;
	if ($kind eq 'operator')
	{
		my $operator = $entry->{home} eq 'pg_catalog' && chance(0.7) ? $name : "OPERATOR($entry->{home}.$name)";

		return '(' . join(' ', @args > 1 ? $args[0] : (), $operator, $args[-1]) . ')';
	}
	return "CAST($args[0] AS " . type_name($entry->{result}) . ')' if $kind eq 'cast';

	my $unit = $self->{scope}->{unit} // '7';
	my $text = $name =~ s/%u/$unit/gr;

	return '(' . sprintf($text, @args) . ')';
}

sub condition
{
	my ($self, $depth) = @_;
	my @keys = (map({ [ $_, 'int4' ] } $self->columns_of('int4')), map({ [ $_, 'text' ] } $self->columns_of('text')));

	# many persons should be left
	return $self->expression('bool', $depth) if chance(0.4) || !@keys;
	return '(' . $self->expression('bool', $depth) . ' OR ' . pick(@keys)->[0] . ' IS NOT NULL)' if chance(0.4);
	return '(' . $self->expression('bool', $depth) . ') IS ' . pick('NOT TRUE', 'NOT FALSE', 'TRUE', 'FALSE', 'UNKNOWN');
}

# ---------- FROM ----------

# Items are { sql, columns => [[text, type, bounded]...], unit }.

sub table
{
	my ($self, $name, $alias) = @_;
	my ($usual, $unit, $columns, $bounded) = @{ $tables{$name} };
	my %bounded = map { $_ => 1 } @$bounded;
	my $written = $name;

	$alias //= $usual;
	$written = both("dp.$name", $name) if $name =~ /^(people|visits)$/ && chance(0.08);
	return {
		sql => "$written $alias",
		unit => defined $unit ? "$alias.$unit" : undef,
		columns => [ map { [ "$alias.$_", $columns->{$_}, $bounded{$_} ] } sort keys %$columns ] };
}

sub within
{
	my ($self, $item, $code) = @_;

	local $self->{scope} = $item;
	return $code->();
}

# A sub-select that keeps the unit, as item with the given alias.
sub subselect
{
	my ($self, $alias, $depth) = @_;
	my $from = $self->private_from($depth - 1);

	return $self->within($from, sub {
		my @types = map { pick(qw(int4 text numeric float8 bool date int8 timestamp interval)) } 1 .. 1 + int rand 3;
		my @outputs;
		my @columns = [ "$alias.u0", 'int4' ];
		my $where = chance(0.6) ? ' WHERE ' . $self->condition(2) : '';
		my $sql;

		if (chance(0.4))
		{
			# grouped by the unit
			foreach my $i (0 .. $#types)
			{
				my ($text, $type) = $self->exact_aggregate;

				push @outputs, "$text AS c$i";
				push @columns, [ "$alias.c$i", $type ];
			}
			$sql = "SELECT $from->{unit} AS u0, " . join(', ', @outputs) . " FROM $from->{sql}$where GROUP BY $from->{unit}";
			$sql .= ' HAVING ' . ($self->exact_aggregate('count'))[0] . ' ' . pick('>', '<', '<>') . ' ' . pick(0, 1, 5) if chance(0.3);
		}
		else
		{
			foreach my $i (0 .. $#types)
			{
				push @outputs, $self->expression($types[$i], 2) . " AS c$i";
				push @columns, [ "$alias.c$i", $types[$i] ];
			}
			$sql = 'SELECT ' . (chance(0.1) ? 'DISTINCT ' : '') . "$from->{unit} AS u0, " . join(', ', @outputs) . " FROM $from->{sql}$where";
			$sql .= ' ' . pick('ORDER BY 2', 'OFFSET 0', 'LIMIT 5', 'ORDER BY 1 LIMIT 1', 'FOR SHARE') if !$self->{tame} && chance(0.15);
			if (chance(0.15))
			{
				my $other = $self->table(pick(qw(people visits events)));
				my $more = $self->within($other, sub {
					'SELECT ' . join(', ', $other->{unit}, map { $self->expression($_, 1) } @types) . " FROM $other->{sql}" });

				$sql .= ' ' . ($self->{tame} ? 'UNION ALL' : pick('UNION ALL', 'UNION', 'EXCEPT', 'INTERSECT')) . " $more";
			}
		}
		if (chance(0.25))
		{
			my $cte = 'w' . ++$self->{ctes};

			push @{ $self->{with} }, "$cte AS " . pick('', '', 'MATERIALIZED ', 'NOT MATERIALIZED ') . "($sql)";
			return { sql => "$cte $alias", unit => "$alias.u0", columns => \@columns };
		}
		return { sql => (chance(0.05) ? 'LATERAL ' : '') . "($sql) $alias", unit => "$alias.u0", columns => \@columns };
	});
}

# A standard aggregate over one individual's rows: text and type.
sub exact_aggregate
{
	my ($self, $name) = @_;
	my %result = (count => 'int8', bool_and => 'bool', bool_or => 'bool', every => 'bool');

	$name //= pick(qw(count count sum sum avg min max bool_and bool_or), $self->{tame} ? () : qw(array_agg string_agg stddev json_agg bit_and));
	my $filter = chance(0.2) ? ' FILTER (WHERE ' . $self->condition(1) . ')' : '';

	return ("count(*)$filter", 'int8') if $name eq 'count' && chance(0.5);
	my $type = $name =~ /^bool|every/ ? 'bool' : $name =~ /^(min|max|count|array_agg)$/ ? pick(qw(int4 text numeric date float8 timestamp)) : pick(qw(int4 numeric float8 int2));
	my $argument = $self->expression($type, 1);
	my $result = $result{$name} // ($name eq 'sum' ? ($type =~ /int[24]/ ? 'int8' : $type) : $name eq 'avg' ? ($type =~ /float/ ? 'float8' : 'numeric') : $type);

	$argument .= ", ','" if $name eq 'string_agg';
	return ("$name(" . (chance(0.15) ? 'DISTINCT ' : '') . "$argument)$filter", $result);
}

sub public_item
{
	my ($self, $alias) = @_;
	my $r = rand;

	return $self->table('pub', $alias) if $r < 0.4;
	return $self->table('a.own', $alias) if $r < 0.7;
	if ($r < 0.8)
	{
		return {
			sql => "(VALUES (1, 'a', 0.5), (0, 'g1', NULL), (37, '12', 1e9)) $alias (k, t, q)",
			columns => [ [ "$alias.k", 'int4' ], [ "$alias.t", 'text' ], [ "$alias.q", 'numeric' ] ] };
	}
	my $inner = $self->table(pick('pub', 'a.own'), 'i');

	return $self->within($inner, sub {
		my $key = $self->expression(pick(qw(int4)), 1);
		my $text = $self->expression('text', 2);
		my $tail = $r < 0.9 ? ' GROUP BY 1' : $r < 0.95 ? ' ORDER BY 1 LIMIT 3' : '';
		my $second = $r < 0.9 ? "max($text)" : $text;

		return {
			sql => "(SELECT $key AS k, $second AS t FROM $inner->{sql}" . (chance(0.4) ? ' WHERE ' . $self->condition(2) : '') . "$tail) $alias",
			columns => [ [ "$alias.k", 'int4' ], [ "$alias.t", 'text' ] ] };
	});
}

sub joined
{
	my ($self, $left, $right, $join, $on) = @_;
	my $item = {
		sql => "$left->{sql} $join $right->{sql}" . (defined $on ? " ON $on" : ''),
		unit => $left->{unit} // $right->{unit},
		columns => [ @{ $left->{columns} }, @{ $right->{columns} } ] };

	return $item;
}

sub private_from
{
	my ($self, $depth) = @_;
	my $item;

	if ($depth > 0 && chance(0.35)) { $item = $self->subselect('q' . ++$self->{aliases}, $depth); }
	else
	{
		my $table = pick(qw(people people odds odds visits visits events));

		$item = $self->table($table, $tables{$table}->[0] . ($depth < 2 ? ++$self->{aliases} : ''));
		$item->{sql} .= ' TABLESAMPLE ' . pick('BERNOULLI', 'SYSTEM') . ' (50) REPEATABLE (1)' if !$self->{tame} && chance(0.02);
		$item->{sql} = "ONLY $item->{sql}" if !$self->{tame} && chance(0.02);
	}
	if (chance(0.2))
	{
		# another relation of the population, tied by the unit
		my $other = $depth > 0 && chance(0.3) ? $self->subselect('q' . ++$self->{aliases}, $depth - 1)
		  : $self->table(pick(qw(people odds visits events)), 'o' . ++$self->{aliases});
		my $join = pick('JOIN', 'LEFT JOIN', 'JOIN', 'RIGHT JOIN', $self->{tame} ? () : ('FULL JOIN', 'CROSS JOIN', 'NATURAL JOIN'));
		my $on = "$item->{unit} = $other->{unit}";
		my $both = $self->joined($item, $other, '', undef);

		$on = $self->within($both, sub { "$on AND " . $self->condition(2) }) if chance(0.4);
		$on = $self->within($both, sub { $self->condition(2) }) if !$self->{tame} && chance(0.1);
		$item = $self->joined($item, $other, $join, $join =~ /CROSS|NATURAL/ ? undef : $on);
		$item->{unit} = $other->{unit} if $join eq 'RIGHT JOIN';
	}
	if (chance(0.25))
	{
		my $other = $self->public_item('x' . ++$self->{aliases});
		my $join = pick('JOIN', 'LEFT JOIN', 'JOIN', 'CROSS JOIN', $self->{tame} ? () : ('RIGHT JOIN', 'FULL JOIN', 'LEFT JOIN LATERAL'));
		my $both = $self->joined($item, $other, '', undef);
		my $on = $join eq 'CROSS JOIN' ? undef : $self->within($both, sub {
			my $type = pick(qw(int4 text));
			my @left = grep { $_->[1] eq $type } @{ $item->{columns} };
			my @right = grep { $_->[1] eq $type } @{ $other->{columns} };

			chance(0.6) && @left && @right ? pick(@left)->[0] . ' = ' . pick(@right)->[0] : $self->condition(2) });

		$item = $self->joined($item, $other, $join, $on);
	}
	if (!$self->{tame} && chance(0.04))
	{
		$item = $self->joined($item, $self->table(pick('staff', 'people'), 'z'), 'JOIN', 'true') if chance(0.5);
		$item->{sql} .= pick(', generate_series(1, 3) gs', ', LATERAL (SELECT 1 AS one) la', ', ROWS FROM (pg_catalog.now()) rf', ", json_each('{}') je", ', a.rows() ar', ', events_1') if chance(0.6);
	}
	return $item;
}

# ---------- aggregates over the level ----------

sub bounds_for
{
	my ($type) = @_;

	return pick([ "'2000-01-01'::$type", "'2030-01-01'::$type" ], [ "'1900-01-01'::$type", "'2100-01-01'::$type" ]) if $type =~ /date|timestamp/;
	return pick([ "'0'::interval", "'10 days'::interval" ], [ "'-1 year'::interval", "'1 year'::interval" ]) if $type eq 'interval';
	return pick([ 0, 100 ], [ -1000, 1000 ], [ 0, 1e6 ], [ -1, 1 ], [ '-1e15', '1e15' ], $type =~ /float/ ? [ '-1e300', '1e300' ] : [ 0, 50 ]);
}

# An argument and its bounds: written, or none for a column that has them.
sub bounded_argument
{
	my ($self, $type) = @_;
	my @columns = grep { $_->[1] eq $type && $_->[2] } @{ $self->{scope}->{columns} };

	return (pick(@columns)->[0], '') if @columns && chance(0.4);
	my $bounds = bounds_for($type);

	@$bounds = reverse @$bounds if !$self->{tame} && chance(0.03);
	return ($self->expression($type, 3), ', ' . join ', ', @$bounds);
}

sub aggregate
{
	my ($self) = @_;
	my $text = $self->bare_aggregate;

	$text .= ' FILTER (WHERE ' . $self->condition(2) . ')' if chance(0.2);
	# "low of" goes around all of it
	return both('dp_' . pick('low', 'high') . '(', '(') . $text . both(', 0.9)', ')') if $text =~ /^\x01dp_(count|sum|avg|var|median|min|max)/ && chance(0.08);
	return $text;
}

sub bare_aggregate
{
	my ($self) = @_;
	my $r = rand;

	return both('dp_count', 'count') . '(*)' if $r < 0.12;
	return 'count(*)' if $r < 0.2;
	return (chance(0.5) ? 'count(' : both('dp_count(', 'count(')) . $self->expression(pick(@scalars), 3) . ')' if $r < 0.35;
	return 'count(DISTINCT ' . $self->expression(pick(@scalars), 2) . ')' if $r < 0.4;
	if ($r < 0.62)
	{
		my $type = pick(@numbers, chance(0.3) ? 'interval' : ());
		my $name = $type eq 'interval' ? pick(qw(sum avg)) : pick(qw(sum sum avg avg var_samp var_pop stddev variance stddev_pop));
		my ($argument, $bounds) = $self->bounded_argument($type);

		return "$name($argument)" if $bounds eq '' && chance(0.5);
		return both("dp_$name(", "$name(") . $argument . both("$bounds)", ')');
	}
	if ($r < 0.68)
	{
		my $name = pick(qw(corr covar_samp covar_pop regr_slope regr_intercept regr_r2 regr_count regr_avgx regr_avgy regr_sxx regr_syy regr_sxy));

		return both("dp_$name(", "$name(") . $self->expression('float8', 2) . ', ' . $self->expression('float8', 2) . both(', 0, 100, -10, 10)', ')');
	}
	if ($r < 0.82)
	{
		my $type = pick(@numbers, @moments);
		my ($argument, $bounds) = $self->bounded_argument($type);
		my $form = pick(qw(median quantile min max min max));

		return "percentile_" . pick('cont', 'disc') . "(" . pick('0.5', '0.9', '0', 'ARRAY[0.1, 0.5]') . ") WITHIN GROUP (ORDER BY $argument)" if $bounds eq '' && $form eq 'quantile' && $type !~ /stamp|date/;
		return "$form($argument)" if $bounds eq '' && $form =~ /^m(in|ax)$/ && chance(0.5);
		return both("dp_$form(", "$form(") . $argument . both("$bounds)", ')') if $form =~ /^m(in|ax)$/;
		my $p = $form eq 'median' ? '' : ', ' . pick('0.5', '0', '1', 'ARRAY[0.25, 0.75]');

		return both("dp_$form(", 'percentile_disc(0.5) WITHIN GROUP (ORDER BY ') . $argument . both("$p$bounds)", ')');
	}
	return 'mode() WITHIN GROUP (ORDER BY ' . $self->expression(pick(qw(text int4 bool color numeric date)), 2) . ')' if $r < 0.86;
	return both('dp_top(', 'max(') . $self->expression(pick(qw(text int4 numeric)), 2) . both(', ' . pick(1, 3) . ')', ')') if $r < 0.88;
	return pick('min(', 'max(', 'array_agg(DISTINCT ') . $self->expression(pick(qw(text color)), 2) . ')' if $r < 0.9;
	if ($r < 0.94)
	{
		my $type = pick(@numbers, 'date', 'timestamp');
		my $bounds = bounds_for($type);

		return both('dp_histogram(', 'max(') . $self->expression($type, 2) . both(', ' . join(', ', @$bounds) . ', ' . pick(1, 4) . ')', ')');
	}
	return both('dp_bounds(', 'max(') . $self->expression(pick(@numbers), 2) . both(')', ')') if $r < 0.96 || $self->{tame};
	return $self->any_aggregate(pick(@{ $self->{aggregates} }));
}

# Any aggregate of the catalog.
sub any_aggregate
{
	my ($self, $aggregate) = @_;
	my @types = map { $polymorphic{$_} ? sprintf($polymorphic{$_}, 'int4') : $_ } @{ $aggregate->{args} };
	my @args = map { $self->expression($_, 1) } @types;
	my @direct = splice @args, 0, $aggregate->{kind} eq 'n' ? 0 : $aggregate->{direct};
	my $name = "$aggregate->{home}.\"$aggregate->{name}\"";

	return "$name(" . join(', ', @direct) . ') WITHIN GROUP (ORDER BY ' . (join(', ', @args) || '1') . ')' if $aggregate->{kind} ne 'n';
	return "$name(" . (@args ? join(', ', @args) : '*') . ')';
}

# ---------- statements ----------

sub dp_with
{
	return both('dp_with(' . pick('epsilon => 0.5', 'epsilon => 2, max_groups => 2', 'max_rows => 3', 'delta => 1e-6', 'max_groups => 1') . ')', 'true');
}

# A SELECT that is one release; sets {above} where released values are computed with.
sub release
{
	my ($self, $focus) = @_;
	my $from = $focus ? $self->table(pick(qw(people odds odds)), 'p') : $self->private_from(2);

	return $self->within($from, sub {
		my @keys = $focus && chance(0.6) ? () : map { $self->expression(pick(qw(text text int4 bool date color numeric uuid varchar timestamp)), 2) } 1 .. pick(0, 0, 1, 1, 1, 2);
		my @outputs = map { $self->aggregate } 1 .. pick(1, 1, 2, 3);
		my @where;

		if ($focus)
		{
			my $call = $self->call($focus, 2);
			my $place = pick(qw(where count filter argument key case));

			$call = "($call) IS NOT NULL" if $focus->{result} ne 'bool' && $place =~ /where|filter|case/;
			push @where, $call if $place eq 'where';
			push @outputs, "count($call)" if $place eq 'count';
			push @outputs, "count(*) FILTER (WHERE $call)" if $place eq 'filter';
			push @keys, $call if $place eq 'key';
			push @outputs, both('dp_sum(', 'sum(') . "CASE WHEN $call THEN 1 ELSE 2 END" . both(', 0, 2)', ')') if $place eq 'case';
			push @outputs, $is_number{ $focus->{result} } ? both('dp_avg(', 'avg(') . $call . both(', 0, 100)', ')') : "count(DISTINCT $call)" if $place eq 'argument';
		}
		push @where, $self->condition(3) if chance(0.5);
		push @where, "$from->{unit} IN (SELECT " . pick('pid FROM visits s WHERE s.qty > 0', 'id FROM people s WHERE s.b', 'pid FROM events s') . ')' if chance(0.06);
		push @where, dp_with() if chance(0.08);
		push @outputs, $self->expression(pick(@scalars), 1) if !$self->{tame} && chance(0.05);
		push @outputs, pick('sum(count(*)) OVER ()', 'rank() OVER (ORDER BY count(*))') if !$focus && chance(0.03);
		if (!$focus && chance(0.15))
		{
			$self->{above} = 1;
			$_ = pick("round((${_})::text::numeric)", "(${_})::text", "1 / nullif(count(*), 0)", "${_} + 1", "10 / (count(*) - 100)") foreach $outputs[0];
		}
		my $sql = 'SELECT ' . (@keys && chance(0.05) ? 'DISTINCT ' : '') . join(', ', @keys, @outputs) . " FROM $from->{sql}";

		$sql .= ' WHERE ' . join(' AND ', @where) if @where;
		$sql .= ' GROUP BY ' . (chance(0.06) ? pick('ROLLUP', 'CUBE', 'GROUPING SETS') . '(' . join(', ', $self->{tame} ? 1 .. @keys : @keys) . ')' : join(', ', 1 .. @keys)) if @keys;
		$sql .= ' HAVING count(*) > ' . pick(0, 10, 50) if chance(0.08);
		$sql .= ' ORDER BY 1' if chance(0.15);
		$sql .= ' LIMIT ' . pick(0, 1, 5, 'ALL') if chance(0.08);
		$sql .= ' OFFSET 1' if chance(0.02);
		$sql .= pick(' FOR UPDATE', ' FOR SHARE OF p', ' FOR KEY SHARE') if !$self->{tame} && chance(0.02);
		return $sql;
	});
}

# A statement of one or more releases.
sub select
{
	my ($self, $focus) = @_;
	my $r = rand;
	my $sql;

	$self->{with} = [];
	if ($r < 0.8 || $focus) { $sql = $self->release($focus); }
	elsif ($r < 0.84) { $sql = "SELECT * FROM (" . $self->release . ") q1 " . pick('', 'WHERE true', 'LIMIT 3', 'CROSS JOIN pub', 'LEFT JOIN a.own ON true', ', LATERAL (SELECT q1.*) l'); }
	elsif ($r < 0.88) { $sql = 'SELECT count(*) AS c FROM (' . $self->release . ') q1 UNION ALL ' . 'SELECT count(*) FROM (' . $self->release . ') q2'; }
	elsif ($r < 0.92)
	{
		my $inner = $self->release;

		$sql = "WITH rel AS ($inner) SELECT * FROM rel " . pick('', 'UNION ALL SELECT * FROM rel', 'WHERE EXISTS (SELECT 1 FROM rel)', 'JOIN pub ON true');
	}
	elsif ($r < 0.95)
	{
		my $from = $self->private_from(1);

		$sql = $self->within($from, sub { 'SELECT k, (SELECT count(*) FROM ' . $from->{sql} . ' WHERE ' . $self->condition(2) . ($self->{tame} ? '' : ' AND pub.k > 0') . ') FROM pub' });
	}
	else { $sql = $self->invalid; }
	my $with = join ', ', @{ $self->{with} };

	$sql = $sql =~ /^WITH / ? "WITH $with, " . substr($sql, 5) : "WITH $with $sql" if $with ne '';
	return $sql;
}

# Statements that must not answer.
sub invalid
{
	my ($self) = @_;
	my $from = $self->private_from(1);

	$self->{tame} = 0;
	return $self->within($from, sub {
		my $column = pick(@{ $from->{columns} })->[0];
		my $condition = $self->condition(2);
		my $value = $self->expression(pick(qw(int4 text numeric)), 2);

		return pick(
			"SELECT $column FROM $from->{sql}", "SELECT $value FROM $from->{sql} WHERE $condition", "SELECT * FROM $from->{sql} LIMIT 1", "SELECT 1 FROM $from->{sql}",
			"SELECT $from->{unit}, count(*) FROM $from->{sql} GROUP BY 1", "SELECT count(*) OVER (PARTITION BY $column) FROM $from->{sql}", "SELECT DISTINCT ON (1) $column FROM $from->{sql}",
			"SELECT (SELECT $value FROM $from->{sql} LIMIT 1)", "SELECT EXISTS (SELECT 1 FROM $from->{sql} WHERE $condition)", "SELECT k FROM pub WHERE k IN (SELECT $from->{unit} FROM $from->{sql} WHERE $condition)",
			"SELECT k FROM pub JOIN ($from->{sql}) ON true", "SELECT count(*) FROM $from->{sql} WHERE $condition AND (SELECT 1 / count(*) FROM people) > 0", "UPDATE a.own SET a = 1 FROM $from->{sql} WHERE $condition", "DELETE FROM a.own USING $from->{sql} WHERE $condition",
			"INSERT INTO a.own (a) SELECT 1 FROM $from->{sql} WHERE $condition RETURNING 1", "UPDATE people SET x = 1 WHERE $condition", "DELETE FROM people RETURNING x", "TABLE people", "SELECT people FROM people", "SELECT p.* FROM people p ORDER BY $value",
			"WITH RECURSIVE r AS (SELECT $from->{unit} AS i FROM $from->{sql} UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT count(*) FROM r", "SELECT count(*) FROM $from->{sql} WHERE $column = (SELECT $column)", "SELECT min($from->{unit}) FROM $from->{sql}", "SELECT array_agg($column) FROM $from->{sql}",
			"MERGE INTO a.own t USING people s ON t.a = s.id WHEN MATCHED THEN DELETE", "SELECT count(*) FROM people UNION SELECT x FROM people", "VALUES ((SELECT max(x) FROM people))", "SELECT k FROM pub ORDER BY (SELECT x FROM people WHERE id = k)", "SELECT k FROM pub LIMIT (SELECT x FROM people WHERE id = 5)", "SELECT count(*) FROM pub WHERE k < (SELECT x FROM people WHERE id = 5)",
			"SELECT query_to_xml('SELECT * FROM people', true, true, '')", "SELECT count(*) FROM staff JOIN people ON sid = id", "SELECT a.look(5)", "SELECT a.look_sql(5)", "SELECT * FROM a.look_view");
	});
}

my @words = split / /, q{SELECT FROM WHERE GROUP BY HAVING ORDER NULL DISTINCT ALL ANY NOT IN EXISTS LATERAL ON USING LEFT FULL JOIN UNION EXCEPT p.x p.id p.name id pid v.cost pub people visits events count(*) dp_count( sum( min( :: ::int ::text ::date [1] .* * / - || ( ) , 1 0 'a' OVER () LIMIT OFFSET FILTER WITH AS (SELECT ROW( CASE END COLLATE "C" IS};

sub tokens { return $_[0] =~ /\s+|'(?:[^']|'')*'|"[^"]*"|[\w.]+|::|[^\s\w]/g; }

# shrink(SQL, UNTIL, STILL): SQL without what it can do without, STILL->(SQL) being true
# of it, as far as time allows.
sub shrink
{
	my ($sql, $until, $still) = @_;

	for (my $chunk = 32; $chunk >= 1; $chunk = int($chunk / 2))
	{
		my @tokens = tokens($sql);
		my $place = 0;

		while ($place < @tokens && time < $until)
		{
			my @try = @tokens;

			splice @try, $place, $chunk;
			if ($still->(join '', @try)) { @tokens = @try; }
			else { $place += $chunk; }
		}
		$sql = join '', @tokens;
	}
	return $sql;
}

# Tokens dropped, doubled, swapped or replaced.
sub mutate
{
	my ($text) = @_;
	my @tokens = tokens(resolve($text, 0));

	for (1 .. pick(1, 1, 1, 2, 3))
	{
		my $i = int rand @tokens;
		my $j = int rand @tokens;
		my $what = pick(qw(drop double swap replace replace insert));

		if ($what eq 'drop') { splice @tokens, $i, 1; }
		elsif ($what eq 'double') { splice @tokens, $j, 0, " $tokens[$i] "; }
		elsif ($what eq 'swap') { @tokens[ $i, $j ] = @tokens[ $j, $i ]; }
		elsif ($what eq 'replace') { $tokens[$i] = ' ' . pick(@words) . ' '; }
		else { splice @tokens, $i, 0, ' ' . pick(@words) . ' '; }
		last unless @tokens;
	}
	return join '', @tokens;
}

my @settings = (
	(map { "enable_$_ = off" } qw(hashagg hashjoin mergejoin nestloop seqscan indexscan bitmapscan material sort memoize partition_pruning incremental_sort)),
	"work_mem = '64kB'", 'enable_partitionwise_join = on', 'enable_partitionwise_aggregate = on', 'join_collapse_limit = 1', 'from_collapse_limit = 1', 'geqo_threshold = 2',
	'plan_cache_mode = force_generic_plan', 'plan_cache_mode = force_custom_plan', "datestyle = 'SQL, DMY'", "datestyle = 'German'", "intervalstyle = 'iso_8601'", "timezone = 'America/New_York'", "timezone = 'Asia/Kolkata'", 'extra_float_digits = -15',
	"bytea_output = 'escape'", 'constraint_exclusion = on', 'cursor_tuple_fraction = 0.001', "client_min_messages = 'debug1'", "client_min_messages = 'debug5'", "client_min_messages = 'log'", "client_min_messages = 'error'", 'transform_null_equals = on', 'array_nulls = off',
	"xmloption = 'document'", 'jit_above_cost = 0', "lc_monetary = 'C'", "search_path = a, public", 'row_security = off', 'seq_page_cost = 1e6', 'random_page_cost = 0', 'cpu_tuple_cost = 1000', 'quote_all_identifiers = on', 'debug_print_plan = on', 'trace_sort = on', 'default_statistics_target = 1', 'hash_mem_multiplier = 1', "client_encoding = 'LATIN1'", "client_encoding = 'SQL_ASCII'");

# Where else a query might leave traces.
my @after = (
	"SELECT locktype, relation, page, tuple, mode FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype NOT LIKE '%xid%' AND locktype <> 'transactionid' ORDER BY 1, 2, 3, 4, 5",
	'SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NULL AS none', 'SELECT output, population, epsilon, delta, standard_error IS NULL AS none FROM dp_agg.last_release()',
	'SELECT name, statement, is_holdable FROM pg_catalog.pg_cursors ORDER BY 1', 'SELECT name, generic_plans, custom_plans FROM pg_catalog.pg_prepared_statements',
	'SELECT state, wait_event_type, backend_xid IS NULL AS none FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()', 'SELECT relname, relpages, reltuples FROM pg_catalog.pg_class ORDER BY oid', 'SELECT count(*) FROM pg_catalog.pg_stats');

# wrap(SQL): the ways in which a client can run a statement.
sub wrap
{
	my ($self, $sql) = @_;
	my $r = rand;

	$sql =~ s/;\s*\z//;
	return $sql if $r < 0.7;
	return ("PREPARE q AS $sql", 'EXECUTE q', chance(0.3) ? ('EXECUTE q') x 2 : ()) if $r < 0.75;
	return ("DECLARE q " . pick('', 'SCROLL ', 'INSENSITIVE ', 'BINARY ') . "CURSOR FOR $sql", 'FETCH 1 q', 'FETCH ALL q', pick('MOVE ABSOLUTE 0 q', 'FETCH FIRST q', 'CLOSE q')) if $r < 0.8;
	return "DO \$d\$ DECLARE r record; n int := 0; BEGIN FOR r IN $sql LOOP n := n + 1; END LOOP; RAISE NOTICE 'rows %', n; EXCEPTION WHEN division_by_zero OR invalid_text_representation THEN RAISE NOTICE 'caught'; END \$d\$" if $r < 0.83;
	return ("CREATE TEMP TABLE ct AS SELECT 1 AS one FROM ($sql) s (c0)", 'TABLE ct') if $r < 0.85;
	return ("CREATE TEMP VIEW vw AS SELECT 1 AS one FROM ($sql) s (c0)", 'TABLE vw') if $r < 0.87;
	return "INSERT INTO a.own (a) SELECT 1 FROM ($sql) s RETURNING a" if $r < 0.89;
	return "COPY ($sql) TO STDOUT" if $r < 0.92;
	my $counted = "SELECT count(*) FROM ($sql) s";
	my $body = chance(0.5) ? "sql STABLE AS \$f\$ $counted \$f\$" : "plpgsql AS \$f\$ BEGIN RETURN QUERY $counted; END \$f\$";

	return ("CREATE FUNCTION pg_temp.f() RETURNS SETOF int8 LANGUAGE $body", 'SELECT count(*) FROM pg_temp.f() s') if $r < 0.94;
	return 'EXPLAIN ' . pick('', 'ANALYZE ', '(COSTS OFF) ', '(ANALYZE, BUFFERS, TIMING OFF) ') . $sql if $r < 0.955;
	return "SELECT item, name, release, standard_error, rank_error, smallest_group, limits, bounds, advice FROM dp_agg.estimate(\$e\$$sql\$e\$)" if $r < 0.965;
	return [$sql] if $r < 0.98;
	return "SELECT (SELECT count(*) FROM ($sql) s)";
}

# Parameters in place of some literals, by PREPARE or the extended protocol.
sub parametrize
{
	my ($sql) = @_;
	my @params;

	$sql =~ s/'((?:[^'\\]|'')*)'::(?=(?:int|float|num|text|date|bool|time|uuid|public\.color))/@params < 4 && chance(0.5) ? do { push @params, $1 =~ s{''}{'}gr; '$' . @params . '::' } : $&/ge;
	if (@params && chance(0.6))
	{
		my @executions = map { 'EXECUTE q (' . join(', ', map { chance(0.1) ? 'NULL' : quote($_) } @params) . ')' } 1 .. pick(1, 1, 2, 6);

		return ("PREPARE q AS $sql", @executions);
	}
	return [ $sql, map { chance(0.1) ? undef : $_ } @params ];
}

# Query number i of a seed.  With a focus, an entry is tried in the middle of it.
sub query
{
	my ($self, $seed, $i, $focus) = @_;

	srand(($seed * 1000003 + $i * 7919) & 0x7fffffff);
	rand() for 1 .. 3;
	@{$self}{qw(above ctes aliases)} = (0, 0, 0);
	$self->{tame} = chance(0.72);
	$focus = undef unless chance(0.25);
	my $tame = $self->{tame};
	my @pre = chance(0.25) ? map { 'SET LOCAL ' . pick(@settings) } 1 .. pick(1, 1, 2, 4) : ();

	push @pre, 'SET LOCAL ' . DpAgg::force_parallel() . ' = on', 'SET LOCAL parallel_setup_cost = 0', 'SET LOCAL parallel_tuple_cost = 0', 'SET LOCAL min_parallel_table_scan_size = 0' if chance(0.02);
	my $sql = $self->select($focus);

	if (!$tame && chance(0.15)) { $sql = mutate($sql); $self->{above} = 1; }
	my @statements = chance(0.07) ? parametrize($sql) : $self->wrap($sql);

	if (chance(0.06))
	{
		push @statements, pick(@after);
		# the session's last release is to be the same one
		unshift @statements, 'SELECT dp_count(*) FROM people' if $statements[-1] =~ /last_release/;
	}
	return { pre => \@pre, statements => \@statements, above => $self->{above}, tame => $tame };
}

# How many entries and aggregates sweep() goes through.
sub sweeps
{
	my ($self) = @_;

	return @{ $self->{entries} } + @{ $self->{aggregates} };
}

# Entry number i by itself: the query, and the entry unless it is an aggregate.
sub sweep
{
	my ($self, $i) = @_;
	my $entry = $i < @{ $self->{entries} } ? $self->{entries}->[$i] : undef;

	srand(1000 + $i);
	rand() for 1 .. 3;
	@{$self}{qw(above ctes aliases tame)} = (0, 0, 0, 0);
	my $from = $self->table('odds', 'p');
	my $sql = $self->within($from, sub {
		return 'SELECT ' . $self->any_aggregate($self->{aggregates}->[ $i - @{ $self->{entries} } ]) . " FROM $from->{sql}" unless $entry;
		my $call = $self->call($entry, 0);

		return "SELECT count(*) FROM $from->{sql}, LATERAL $call q" if $entry->{kind} eq 'set';
		return "SELECT count(*) FROM $from->{sql} WHERE $call" if $entry->{result} eq 'bool';
		return "SELECT count($call) FROM $from->{sql}";
	});

	return ({ pre => [], statements => [$sql], above => 0, tame => 0 }, $entry);
}

1;
