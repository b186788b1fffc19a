# What is declared for a column and the types of columns: settings do not outlive the type
# that they were made for, bounds lie within the type, and no limit changes an answer
# without a word.
#
# At an epsilon of 1000 noise is far below one individual.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('declared_types', conf => "timezone = 'UTC'\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

sub query
{
	return $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]");
}

sub ask
{
	return DpAgg::as($node, 'analyst', "SET dp_agg.epsilon = 1000;\n$_[0]");
}

# An answer, whatever the case.
sub answers
{
	my ($sql, $expected, $name) = @_;
	my $r = ask($sql);

	ref $expected ? like($r->{out} . $r->{message}, $expected, $name) : is($r->{out} . $r->{message}, $expected, $name);
	return;
}

# A refusal, with words of its message and of its hint.  It costs nothing.
sub refuses
{
	my ($sql, $state, $message, $hint) = @_;
	my $before = query('SELECT sum(epsilon_spent), sum(releases_spent) FROM dp_agg.budgets');
	my $r = ask($sql);

	is($r->{sqlstate}, $state, DpAgg::brief($sql)) or diag($r->{err} . $r->{out});
	like($r->{message}, $message, '... says why');
	like($r->{err}, $hint, '... and what to do') if defined $hint;
	is(query('SELECT sum(epsilon_spent), sum(releases_spent) FROM dp_agg.budgets'), $before, '... and costs nothing');
	return;
}

sub findings
{
	return query("SELECT object FROM dp_agg.check_hardening() WHERE topic = 'declaration' ORDER BY 1");
}

# A table of 3000 individuals, protected, with these columns; its facade is out of the way.
sub table
{
	my ($name, $columns, $values) = @_;

	query("CREATE TABLE $name (id int PRIMARY KEY, $columns); INSERT INTO $name SELECT i, $values FROM generate_series(1, 3000) i;
		SELECT dp_agg.protect('$name', unit => 'id', population => 'people'); DROP VIEW dp.$name");
	return;
}

query("CREATE TYPE colours AS ENUM ('red'); CREATE DOMAIN amounts AS numeric(5,2)");
table('first', 'x int NOT NULL', 'i % 100');
query("SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9)");

# ---------- bounds and the type they were declared for ----------

# [ type, values, lower, upper, type then, USING, kept, median before, median then ]
foreach my $case (
	[ 'bigint', '1700000000 + i', 1600000000, 1800000000, 'timestamptz', 'to_timestamp(x)', 0 ],
	[ 'bigint', '1700000000 + i', 1600000000, 1800000000, 'date', "'2023-01-01'::date", 0 ],
	[ 'int', 'i % 101', 0, 100, 'bigint', 'x', 1 ], [ 'int', 'i % 101', 0, 100, 'numeric(9,2)', 'x', 1 ],
	[ 'int', 'i % 101', 0, 100, 'smallint', 'x', 1 ], [ 'float8', 'i % 101', 0, 100, 'real', 'x', 1 ],
	[ 'int', 'i % 101', 0, 100, 'interval', "x * interval '1 second'", 0 ],
	[ 'timestamp', "timestamp '2020-01-01' + i * interval '1 second'", '2020-01-01', '2020-01-02', 'timestamptz', "x AT TIME ZONE 'Asia/Shanghai'", 0 ],
	[ 'timestamp', "timestamp '2020-01-01' + i * interval '1 second'", '2020-01-01', '2020-01-02', 'date', 'x::date', 0 ],
	[ 'timestamp', "timestamp '2020-01-01' + i * interval '1 second'", '2020-01-01', '2020-01-02', 'timestamp(0)', 'x', 1 ],
	[ 'date', "date '2020-01-01'", '2020-01-01', '2020-02-02', 'timestamp', 'x', 0 ],
	[ 'interval', "i * interval '1 second'", '0', '1 day', 'bigint', 'extract(epoch FROM x)', 0 ])
{
	my ($type, $values, $lower, $upper, $then, $using, $kept) = @$case;
	my $bounds = "SELECT bounds IS NOT NULL FROM dp_agg.protected_relations WHERE relation = 'b'::regclass";

	table('b', "x $type NOT NULL", $values);
	query("SELECT dp_agg.set_bounds('b', 'x', '$lower', '$upper')");
	is(query($bounds), 't', "bounds of $type");
	my $before = ask('SELECT dp_median(x) FROM b');
	is($before->{sqlstate}, '00000', 'count');
	query("ALTER TABLE b ALTER x TYPE $then USING $using");
	is(query($bounds), $kept ? 't' : 'f', "of $then then: " . ($kept ? 'kept' : 'not declared'));
	is(findings(), $kept ? '' : 'x of b', '... as check_hardening() says') if $kept;
	is(findings(), 'x of public.b', '... as check_hardening() says') if !$kept;
	if ($kept)
	{
		my $after = ask('SELECT dp_median(x)::text FROM b');
		is($after->{sqlstate}, '00000', '... and a median is released');
	}
	else
	{
		refuses('SELECT dp_median(x) FROM b', 'DP003', qr/^bounds of column "x" were declared for type \w+, but it is of type /, qr/dp_agg\.set_bounds\('public\.b', 'x', lower, upper\) again/);
		refuses('SELECT avg(y.z) FROM (SELECT x AS z FROM b) y', 'DP003', qr/^bounds of column "x" were declared/) if $then eq 'bigint';
		my $warned = DpAgg::as($node, $superuser, "SELECT dp_agg.protect('b', unit => 'id', population => 'people')");
		like($warned->{err}, qr/WARNING.*column "x": its bounds were declared for type .*do not count/, 'protect() warns');
		is(query($bounds), 'f', 'and revives nothing');
		query("SELECT dp_agg.set_bounds('b', 'x', min(x)::text, max(x)::text) FROM (SELECT x FROM b UNION ALL SELECT x + " .
			($then =~ /^(date|bigint)$/ ? 1 : "interval '1 day'") . " FROM b) s");
		is(query($bounds), 't', 'bounds of the new type');
		is(ask('SELECT dp_median(x)::text FROM b')->{sqlstate}, '00000', 'count again');
		is(findings(), '', 'and nothing is found');
	}
	query('DROP TABLE b CASCADE');
}

# The rule stands in C, for queries, and in SQL, for who asks without the library.
is(query(<<'SQL'), 't|t', 'both say the same of all pairs of types');
CREATE FUNCTION same_kind_in_c(text, oid) RETURNS boolean AS 'dp_agg', 'dp_same_kind' LANGUAGE C;
WITH types AS (SELECT t.oid FROM pg_type t WHERE t.typtype IN ('b', 'e', 'd', 'r') AND t.oid < 16384 OR t.typname IN ('colours', 'amounts')),
	names AS (SELECT dp_agg.type_name(oid) AS name FROM types UNION SELECT NULL UNION SELECT 'lost.type' UNION SELECT '')
SELECT bool_and(same_kind_in_c(n.name, t.oid) = dp_agg.same_kind(n.name, t.oid)), count(*) > 5000 FROM names n, types t;
SQL

# ---------- public keys ----------

query("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE mood2 AS ENUM ('sad', 'ok', 'glad'); CREATE DOMAIN low AS int CHECK (VALUE < 10)");
my $keys = "SELECT domains IS NOT NULL FROM dp_agg.protected_relations WHERE relation = 'k'::regclass";
# [ type, values, keys, type then, USING, the keys that are listed then, or what is said ]
foreach my $case (
	[ 'text', "'k' || i % 3", '{k0,k1,k2,k3}', 'int', 'substr(x, 2)::int', qr/were declared for type text, but it is of type integer now$/ ],
	[ 'int', 'i % 3', '{0,1,2,3}', 'bigint', 'x', "0\n1\n2\n3" ], [ 'int', 'i % 3', '{0,1,2,3}', 'text', 'x::text', qr/were declared for type int4/ ],
	[ 'varchar(10)', "'k' || i % 3", '{k0,k1,k2,k3}', 'text', 'x', "k0\nk1\nk2\nk3" ],
	[ 'text', "'k' || i % 3", '{k0,k1,k2,k3}', 'varchar(1)', 'x::varchar(1)', qr/are not values of its type: value too long/ ],
	[ 'char(3)', "'k' || i % 3", '{k0,k1}', 'text', 'x', qr/were declared for type bpchar, but it is of type text now$/ ],
	[ 'numeric(4,1)', 'i % 3 + 0.5', '{0.5,1.5,2.5}', 'numeric(4,0)', 'x', qr/are not values of its type: key "0.5" is longer or finer/ ],
	[ 'numeric(4,1)', 'i % 3 + 0.5', '{0.5,1.5,2.5}', 'int', 'x', qr/are not values of its type: invalid input syntax for type integer: "0.5"/ ],
	[ 'float8', 'i % 3', '{0,1,2,2.00000000001}', 'real', 'x', qr/are not values of its type: two of the keys are the same value/ ],
	[ 'mood', "CASE WHEN i % 3 = 0 THEN 'sad' ELSE 'ok' END::mood", '{sad,ok}', 'text', 'x::text', "ok\nsad" ],
	[ 'mood', "CASE WHEN i % 3 = 0 THEN 'sad' ELSE 'ok' END::mood", '{sad,ok}', 'mood2', 'x::text::mood2', "sad\nok" ],
	[ 'text', "'k' || i % 3", '{k0,k1,k2}', 'text COLLATE "C"', 'x', "k0\nk1\nk2" ],
	[ 'date', "date '2020-01-01'", '{2020-01-01,2020-01-02}', 'timestamp', 'x', qr/were declared for type date/ ],
	[ 'boolean', 'i % 2 = 0', '{f,t}', 'int', 'x::int', qr/were declared for type bool, / ])
{
	my ($type, $values, $domain, $then, $using, $expected) = @$case;

	table('k', "x $type NOT NULL", $values);
	query("SELECT dp_agg.set_domain('k', 'x', '$domain')");
	my $before = ask('SELECT x, count(*) FROM k GROUP BY x');
	is(scalar(split /\n/, $before->{out}), scalar(split /,/, $domain), "keys of $type are listed");
	query("ALTER TABLE k ALTER x TYPE $then USING $using");
	is(query($keys), ref $expected ? 'f' : 't', "of $then then");
	if (ref $expected)
	{
		refuses('SELECT x, count(*) FROM k GROUP BY x', 'DP003', $expected, qr/dp_agg\.set_domain\('public\.k', 'x', keys\) again/);
		refuses('SELECT DISTINCT x FROM k', 'DP003', $expected);
		# what the hint says runs, and is right
		is(ask('SELECT nullif(x, NULL), count(*) FROM k GROUP BY 1')->{sqlstate}, '00000', '... and by an expression a query runs');
		is(ask('SELECT sum(n) BETWEEN 2900 AND 3100 FROM (SELECT nullif(x, NULL), count(*) AS n FROM k GROUP BY 1) s')->{out}, 't', '... about all rows');
		is(findings(), 'x of public.k', '... and check_hardening() knows');
		like(DpAgg::as($node, $superuser, "SELECT dp_agg.protect('k', unit => 'id', population => 'people')")->{err},
			qr/WARNING.*column "x": its public keys .*no query can group by them/, '... as protect() does');
		query("SELECT dp_agg.set_domain('k', 'x', NULL)");
		is(ask('SELECT x, count(*) FROM k GROUP BY x')->{sqlstate}, '00000', '... without keys groups are found');
	}
	else
	{
		answers('SELECT x FROM k GROUP BY x ORDER BY x', $expected, 'all are listed as before');
	}
	is(findings(), '', 'nothing is found');
	query('DROP TABLE k CASCADE');
}

# A renamed value of an enum, and one that takes its place.
table('k', 'x mood NOT NULL', "CASE WHEN i % 3 = 0 THEN 'sad' ELSE 'ok' END::mood");
query("SELECT dp_agg.set_domain('k', 'x', '{sad,ok}'); ALTER TYPE mood RENAME VALUE 'sad' TO 'glum'");
refuses('SELECT x, count(*) FROM k GROUP BY x', 'DP003', qr/^public keys of column "x" are not values of its type: invalid input value for enum .*"sad"/);
is(query($keys), 'f', 'a domain with a renamed value is not shown');
is(findings(), 'x of public.k', 'and found');
# another key has no domain: as ever, none is listed
is(ask('SELECT x, id % 2, count(*) FROM k GROUP BY 1, 2')->{sqlstate}, '00000', 'where no keys are listed nothing is refused');
query("SELECT dp_agg.set_domain('k', 'x', '{glum,ok}')");
answers('SELECT x FROM k GROUP BY x ORDER BY x', "glum\nok", 'declared again');
query("ALTER TYPE mood RENAME TO feeling; CREATE SCHEMA types; ALTER TYPE feeling SET SCHEMA types");
answers('SELECT x FROM k GROUP BY x ORDER BY x', "glum\nok", 'the name of an enum does not matter');
query('DROP TABLE k CASCADE');

# A domain type whose CHECK changes.
table('k', 'x low NOT NULL', 'i % 3');
query("SELECT dp_agg.set_domain('k', 'x', '{0,1,2,9}'), dp_agg.set_bounds('k', 'x', 0, 9)");
answers('SELECT x::int FROM k GROUP BY 1 ORDER BY 1', "0\n1\n2\n9", 'keys of a domain type');
query('ALTER DOMAIN low DROP CONSTRAINT low_check; ALTER DOMAIN low ADD CHECK (VALUE < 5)');
answers('SELECT x::int FROM k GROUP BY 1 ORDER BY 1', "0\n1\n2\n9", 'are public whatever its CHECK says');
like(ask('SELECT avg(x::int) FROM k')->{out}, qr/^(0\.9|1\.0)/, 'and so are its bounds');
query('DROP TABLE k CASCADE');

# Both settings of a column are judged by themselves: one that is declared anew does not
# bring the other back.
table('k', 'x int NOT NULL', 'i % 3');
query("SELECT dp_agg.set_bounds('k', 'x', 0, 2); ALTER TABLE k ALTER x TYPE text; SELECT dp_agg.set_domain('k', 'x', '{0,1,2}')");
is(query("SELECT bounds, domains FROM dp_agg.protected_relations WHERE relation = 'k'::regclass"), '|{"x": ["0", "1", "2"]}', 'a domain does not revive bounds');
query("ALTER TABLE k ALTER x TYPE int USING x::int");
is(query("SELECT bounds, domains FROM dp_agg.protected_relations WHERE relation = 'k'::regclass"), '{"x": [0, 2]}|', 'the first type has its own again');

# A column that is dropped, and another of its name.
query("ALTER TABLE k DROP x; ALTER TABLE k ADD x int NOT NULL DEFAULT 1; SELECT dp_agg.protect('k', unit => 'id', population => 'people')");
is(query("SELECT bounds, domains FROM dp_agg.protected_relations WHERE relation = 'k'::regclass"), '|', 'labels of a dropped column do not come back');
refuses('SELECT avg(x) FROM k', 'DP003', qr/^no bounds are declared for column "x"$/);
query("DROP VIEW dp.k; ALTER TABLE k DROP id; ALTER TABLE k ADD id int; UPDATE k SET id = 1");
is(ask('SELECT count(*) FROM k')->{sqlstate}, 'DP002', 'nor does the unit');
query('DROP TABLE k CASCADE');

# Labels that name no type count for any; classes have no type.
table('k', 'x int NOT NULL, y text', 'i % 3, NULL');
query(q{SECURITY LABEL FOR dp_agg ON COLUMN k.x IS '{"lower": 0, "upper": 2, "domain": ["0", "1", "2", "7"]}'; ALTER TABLE k ALTER x TYPE text});
is(query("SELECT bounds, domains FROM dp_agg.protected_relations WHERE relation = 'k'::regclass"), '{"x": [0, 2]}|{"x": ["0", "1", "2", "7"]}', 'labels that name no type are shown');
answers('SELECT x FROM k GROUP BY x ORDER BY x', "0\n1\n2\n7", 'a label that names no type');
DpAgg::refused($node, $superuser, qq(SECURITY LABEL FOR dp_agg ON COLUMN k.x IS '{"lower": 0, "upper": 2, "bounds_type": $_}'), '22023') foreach '1', '""', '"' . 'x' x 200 . '"';
DpAgg::works($node, $superuser, q(SECURITY LABEL FOR dp_agg ON COLUMN k.x IS '{"lower": 0, "upper": 2, "bounds_type": "no such type"}'));
query("SELECT dp_agg.classify('k', 'y', 'sensitive'); ALTER TABLE k ALTER y TYPE int USING y::int");
is(query(q(SELECT class FROM dp_agg.classified_columns WHERE "column" = 'y')), 'sensitive', 'a class stays');
query("SELECT dp_agg.set_bounds('k', 'y', 0, 1); SELECT dp_agg.classify('k', 'y', 'direct_identifier')");
is(query("SELECT label FROM pg_seclabels WHERE objname = 'k.y'"), '{"class": "direct_identifier", "processing": "raw"}', 'a direct identifier loses the type with the bounds');
query('DROP TABLE k CASCADE');

# Dumped and restored, in another database.
table('k', 'x types.feeling NOT NULL, n numeric(5,2) NOT NULL, t timestamptz NOT NULL', "CASE WHEN i % 3 = 0 THEN 'glum' ELSE 'ok' END::types.feeling, i % 100, now()");
query("SELECT dp_agg.set_domain('k', 'x', '{glum,ok}'), dp_agg.set_bounds('k', 'n', 0, 100), dp_agg.set_bounds('k', 't', '2000-01-01', '2100-01-01'); ALTER TABLE k ALTER t TYPE bigint USING 5");
my $state = "SELECT bounds, domains, (SELECT string_agg(label, ' ' ORDER BY objname) FROM pg_seclabels WHERE objname LIKE 'k.%') FROM dp_agg.protected_relations WHERE relation = 'k'::regclass";
my $was = query($state);
like($was, qr/^\{"n": \[0, 100\]\}\|\{"x": \["glum", "ok"\]\}\|.*"pg_catalog.timestamptz"/, 'what is to be dumped');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/types.sql';
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my ($code, undef, $err) = $node->psql('restored', "\\i $dump");
is("$code $err", '0 ', 'the dump is restored');
is($node->safe_psql('restored', $state), $was, 'with the types, and what has outlived them');
query('DROP TABLE k CASCADE');

# ---------- bounds within the type ----------

query("CREATE DOMAIN amount AS numeric(5,2)");
table('r', 'i2 int2 NOT NULL, i4 int NOT NULL, i8 int8 NOT NULL, f4 real NOT NULL, f8 float8 NOT NULL, n numeric(5,2) NOT NULL, am amount NOT NULL, nm numeric NOT NULL, h numeric(5,-2) NOT NULL, d date NOT NULL, ts timestamp NOT NULL, iv interval NOT NULL',
	"i % 101, i % 101, i % 101, i % 101, i % 101, i % 101, i % 101, i % 101, i % 101, '2020-01-01', '2020-01-01', '1 day'");
# [ column, lower, upper, are they refused ]
foreach my $case (
	[ 'i4', '0', '9999999999999', 1 ], [ 'i4', '5e9', '6e9', 1 ], [ 'i4', '-2147483649', '0', 1 ], [ 'i4', '-2147483648', '2147483647', 0 ], [ 'i4', '0.2', '0.8', 1 ], [ 'i4', '0.2', '1', 0 ],
	[ 'i2', '0', '32768', 1 ], [ 'i2', '-32768', '32767', 0 ], [ 'i8', '0', '1e19', 1 ], [ 'i8', '-9223372036854775808', '9223372036854775807', 0 ],
	[ 'f4', '0', '1e39', 1 ], [ 'f4', '0', '1e38', 0 ], [ 'f4', '16777216.2', '16777216.8', 1 ], [ 'f8', '1e15', '1000000000000000.125', 0 ],
	[ 'n', '0', '1001', 1 ], [ 'n', '-1000', '1000', 0 ], [ 'n', '0.001', '0.002', 1 ], [ 'n', '0.001', '0.01', 0 ], [ 'am', '0', '1001', 1 ], [ 'am', '0', '999.99', 0 ],
	[ 'nm', '1e100', '1.1e100', 0 ], [ 'h', '1', '99', 1 ], [ 'h', '1', '100', 0 ], [ 'd', '2020-01-01', '5874897-12-31', 0 ], [ 'ts', '4714-11-24 BC', '294276-12-31', 0 ], [ 'iv', '0', '178000000 years', 0 ])
{
	my ($column, $lower, $upper, $refused) = @$case;
	my $call = "SELECT dp_agg.set_bounds('r', '$column', '$lower', '$upper')";

	$refused ? DpAgg::refused($node, $superuser, $call, 'DP003') : DpAgg::works($node, $superuser, $call);
}
foreach my $case (
	[ 'dp_median(i4, 5e9, 6e9)', 'integer' ], [ 'dp_min(i4, 5e9, 6e9)', 'integer' ], [ 'dp_avg(i4, 5e9, 6e9)', 'integer' ], [ 'dp_sum(i4, -6e9, -5e9)', 'integer' ],
	[ 'dp_quantile(i2, 0.5, 40000, 50000)', 'smallint' ], [ 'dp_histogram(i2, 40000, 50000, 3)', 'smallint' ], [ 'dp_var(i8, 1e19, 2e19)', 'bigint' ],
	[ 'dp_median(i4, 0.2, 0.8)', 'integer' ], [ 'dp_max(f4, 1e39, 1e40)', 'real' ], [ 'dp_avg(n, 5000, 6000)', 'numeric' ], [ 'dp_median(n, 0.001, 0.002)', 'numeric' ],
	[ 'dp_sum(i4, 5e9, 6e9) FILTER (WHERE i2 > 5)', 'integer' ], [ 'dp_low(dp_avg(i4, 5e9, 6e9))', 'integer' ], [ 'dp_corr(i4, i2, 5e9, 6e9, 0, 100)', 'integer' ], [ 'dp_regr_slope(f8, i2, 0, 100, 4e4, 5e4)', 'smallint' ])
{
	refuses("SELECT $case->[0] FROM r", 'DP003', qr/^no value of the argument's type, $case->[1], lies between these bounds$/, qr/HINT: +(Values|Give bounds)/);
}
refuses("PREPARE p(float8, float8) AS SELECT dp_median(i4, \$1, \$2), count(*) FROM r; EXECUTE p(5e9, 6e9)", 'DP003', qr/^no value of the argument's type, integer/);
refuses("SET plan_cache_mode = force_generic_plan; PREPARE p(float8, float8) AS SELECT dp_avg(n, \$1, \$2) FROM r; EXECUTE p(5e9, 6e9)", 'DP003', qr/^no value of the argument's type, numeric/);
# bounds that reach beyond the type on one side hold values of it
answers('SELECT dp_max(i4, 0, 1e12) BETWEEN 0 AND 2147483647, dp_median(i4, -1e12, 100) BETWEEN -2147483648 AND 100 FROM r', 't|t', 'wide bounds end with the type');
# grids are no finer than doubles and the type
answers('SELECT dp_median(f8, 1e15, 1e15 + 0.125), dp_median(f4, 16777216, 16777218) FROM r', '1e+15|16777216', 'a grid of two points');
answers('SELECT dp_quantile(i8, ARRAY[0, 1], 1e18::float8, (1e18 + 1000)::float8)::text FROM r', '{1e+18,1e+18}', 'integers that doubles cannot tell apart');
answers("SELECT dp_max(ts, '5000-01-01', '5000-01-01 00:00:00.001') FROM r", '5000-01-01 00:00:00', 'and timestamps');

# A type that narrows: bounds without a value of it are refused in queries.
query("SELECT dp_agg.set_bounds('r', 'i8', 5000000000, 6000000000); ALTER TABLE r ALTER i8 TYPE int");
refuses('SELECT avg(i8) FROM r', 'DP003', qr/^no value of the argument's type, integer/);

# ---------- limits ----------

# A list of n expressions.
sub list
{
	my ($n, $what) = @_;

	return join ', ', map { my $i = $_; $what =~ s/#/$i/gr } 1 .. $n;
}

table('m', 'person int NOT NULL, x int NOT NULL, y int', '1 + i / 2, i % 101, nullif(i % 7, 0)');
query("DROP TABLE m CASCADE; CREATE TABLE m (person int NOT NULL, x int NOT NULL, y int); INSERT INTO m SELECT i / 2, i % 101, nullif(i % 7, 0) FROM generate_series(1, 20000) i;
	SELECT dp_agg.protect('m', unit => 'person', population => 'people', max_groups => 2, max_rows => 2); DROP VIEW dp.m");
# 64 filtered counts, also of columns with NULL and of values: all are right, in both forms of bounding
foreach my $form ('on', 'off')
{
	query("ALTER ROLE analyst SET dp_agg.bound_node = $form");
	foreach my $what ('count(*) FILTER (WHERE x = #)', 'count(y) FILTER (WHERE x > #)', 'count(*) FILTER (WHERE x > # AND y > 1)')
	{
		my @truth = split /\|/, query('SELECT ' . list(64, $what) . ' FROM m');
		my @got = split /\|/, ask('SELECT ' . list(64, $what) . ' FROM m')->{out};

		is(scalar(grep { defined $got[$_] && abs($got[$_] - $truth[$_]) <= 5 } 0 .. 63), 64, "64 of $what, bound_node $form")
		  or diag("@got\n@truth");
	}
	my @truth = map { [ split /\|/ ] } split /\n/, query('SELECT x % 2, ' . list(32, 'sum(x + #) FILTER (WHERE x > #)') . ' FROM m GROUP BY 1 ORDER BY 1');
	my @got = map { [ split /\|/ ] } split /\n/, ask('SELECT x % 2, ' . list(32, 'dp_sum(x + #, 0, 150) FILTER (WHERE x > #)') . ' FROM m GROUP BY 1 ORDER BY 1')->{out};
	is(scalar(@got), 2, 'two groups');
	is(scalar(grep { abs($got[ $_ / 33 ][ $_ % 33 ] - $truth[ $_ / 33 ][ $_ % 33 ]) > 500 + 0.01 * $truth[ $_ / 33 ][ $_ % 33 ] } 0 .. 65), 0, "32 filtered sums of two groups, bound_node $form")
	  or diag(explain(\@got, \@truth));
	my @medians = split /\|/, ask('SELECT ' . list(64, 'dp_median(x, -#, 100)') . ' FROM m')->{out};
	is(scalar(grep { $_ >= 48 && $_ <= 52 } @medians), 64, "64 medians, bound_node $form") or diag("@medians");
}
query('ALTER ROLE analyst RESET dp_agg.bound_node');

my $many = 'too many different aggregates in one release: more than';
foreach my $case (
	[ list(65, 'count(*) FILTER (WHERE x = #)'), '64 different outputs' ], [ list(65, 'dp_median(x, -#, 100)'), '64 different outputs' ],
	[ list(33, 'dp_avg(x + #, 0, 200) FILTER (WHERE x > #)'), '64 coordinates' ], [ list(22, 'dp_var(x, -#, 200) FILTER (WHERE x > #)'), '64 coordinates' ],
	[ 'dp_quantile(x, ARRAY[' . list(129, '#::float8 / 200') . '], 0, 100)', '128 order statistics' ])
{
	refuses("SELECT $case->[0] FROM m", 'DP002', qr/^$many $case->[1]/, qr/Split the query/);
}
answers('SELECT array_length(dp_quantile(x, ARRAY[' . list(128, '#::float8 / 200') . '], 0, 100), 1) FROM m', '128', '128 order statistics');
refuses('SELECT dp_histogram(x, 0, 100, 1001) FROM m', '22023', qr/^number of buckets or values must be an integer from 1 to 1000$/);
refuses('SELECT dp_top(x, 1001) FROM m', '22023', qr/from 1 to 1000$/);
answers('SELECT array_length(dp_histogram(x, 0, 100, 1000), 1) FROM m', '1000', '1000 buckets');
refuses('SET dp_agg.epsilon = 0.1; SELECT dp_mode(x) FROM m WHERE dp_with(max_rows => 1000, max_groups => 1000) GROUP BY y', '22023', qr/^epsilon is too small for dp_mode, dp_top and other values with max_groups 1000 and max_rows 1000$/, qr/dp_with/);

# Public keys: all combinations are listed up to 100,000, and no query answers otherwise beyond.
table('dd', 'a int NOT NULL, b int NOT NULL', 'i % 3, 5000 + i % 2');
my $domains = sub { query("SELECT dp_agg.set_domain('dd', c, (SELECT array_agg(i::text) FROM generate_series(0, $_[0]) i)) FROM (VALUES ('a'), ('b')) v (c)"); };
$domains->(315);
answers('SELECT count(*), max(b) FROM (SELECT a, b, count(*) FROM dd GROUP BY a, b) s', '99856|315', '99,856 keys');
$domains->(316);
foreach my $sql ('SELECT a, b, count(*) FROM dd GROUP BY a, b', 'SELECT DISTINCT a, b FROM dd', 'SELECT a, b, count(*) FROM dd WHERE a = 1 GROUP BY 1, 2')
{
	refuses($sql, 'DP002', qr/^the public keys of this query have more than 100000 combinations$/, qr/nullif\(b, NULL\)/);
}
answers('SELECT a, nullif(b, NULL) AS b FROM dd GROUP BY 1, 2 ORDER BY 1, 2', "0|5000\n0|5001\n1|5000\n1|5001\n2|5000\n2|5001", 'as the hint says');
answers('SELECT count(*) FROM (SELECT a FROM dd GROUP BY a) s', '317', 'one of them is listed');

# Descendants are protected however far away they are.
query('CREATE TABLE c0 (id int, x int)');
query(join ";\n", map { my $parent = $_ - 1; "CREATE TABLE c$_ () INHERITS (c$parent)" } 1 .. 80);
query("SELECT dp_agg.protect('c0', unit => 'id', population => 'people')");
is(ask('SELECT count(*) FROM c80')->{sqlstate}, 'DP002', 'a child of the 80th generation');

# Integers between wide bounds are rounded, and it is said.
answers("SELECT dp_median(x, 0, 1e9) FROM m; SELECT DISTINCT unnest(warnings) FROM dp_agg.last_release()", qr/in steps of 20000; with closer bounds they are exact to 1\.$/, 'a grid with steps');
answers("SELECT dp_median(x, 0, 65535) BETWEEN 45 AND 55 FROM m; SELECT cardinality(warnings) FROM dp_agg.last_release()", "t\n0", 'a grid without');

# Lists of names in the ledger end with dots.
ask('SELECT ' . list(64, 'count(*) FILTER (WHERE x = #)') . ' FROM m');
my $listed = query('SELECT outputs::text FROM dp_agg.releases ORDER BY id DESC LIMIT 1');
like($listed, qr/^.{400,512}, \.\.\.\W*$/, 'outputs that do not fit');

done_testing();
