# The surface: which aggregates there are, their result types, that calls as
# people write them find one, and what administrators declare about columns:
# bounds of numbers and dates, public group keys.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('surface', conf => "timezone = 'UTC'\ndatestyle = 'iso, mdy'");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

sub query
{
	return $node->safe_psql('postgres', $_[0]);
}

# ---------- which aggregates there are ----------

my @integers = ('smallint', 'integer', 'bigint');
my @floats = ('real', 'double precision');
my @numbers = (@integers, @floats, 'numeric');
my @moments = ('date', 'timestamp without time zone', 'timestamp with time zone');
my $double = 'double precision';
my %bucket = (
	(map { $_ => 'dp_agg.bucket' } @numbers),
	'date' => 'dp_agg.date_bucket',
	'timestamp without time zone' => 'dp_agg.timestamp_bucket',
	'timestamp with time zone' => 'dp_agg.timestamptz_bucket');
my %expected = (
	'dp_count()' => 'bigint',
	'dp_tier()' => 'text',
	'dp_count("any")' => 'bigint',
	'dp_count_distinct("any")' => 'bigint',
	'dp_mode(anyelement)' => 'anyelement',
	'dp_min(anyelement)' => 'anyelement',
	'dp_max(anyelement)' => 'anyelement',
	'dp_bool_and(boolean)' => 'boolean',
	'dp_bool_or(boolean)' => 'boolean',
	'dp_top(anyelement,integer)' => 'dp_agg.category[]');

# Declares NAME(x BEFORE [, lower, upper] AFTER).
sub both
{
	my ($name, $x, $result, $before, $after) = @_;
	my $bound = (grep { $_ eq $x } @numbers) ? $double : $x;
	my @before = ($x, defined $before ? $before : ());
	my @after = defined $after ? $after : ();

	$expected{"$name(" . join(',', @before, @after) . ')'} = $result;
	$expected{"$name(" . join(',', @before, $bound, $bound, @after) . ')'} = $result;
	return;
}

foreach my $x (@numbers, @moments, 'interval')
{
	both($_, $x, $x) foreach qw(dp_min dp_max);
}
# what has one type of result for all numbers is there once for all of them
foreach my $x ($double, @moments, 'interval')
{
	both('dp_median', $x, $x);
	both('dp_quantile', $x, $x, $double);
	both('dp_quantile', $x, $x . '[]', $double . '[]');
	both('dp_histogram', $x, $bucket{$x} . '[]', undef, 'integer') if $x ne 'interval';
}
$expected{"dp_bounds($double)"} = $double . '[]';
foreach my $x (@numbers)
{
	my $spread = (grep { $_ eq $x } @floats) ? $double : 'numeric';

	both('dp_sum', $x, $x eq 'bigint' ? 'numeric' : (grep { $_ eq $x } @integers) ? 'bigint' : $x);
	next if $x eq 'real';
	both('dp_avg', $x, $spread);
	both("dp_$_", $x, $spread) foreach qw(var variance var_samp var_pop stddev stddev_samp stddev_pop);
}
both($_, 'interval', 'interval') foreach qw(dp_sum dp_avg);
foreach my $name (qw(covar covar_samp covar_pop corr), map { "regr_$_" } qw(slope intercept r2 count avgx avgy sxx syy sxy))
{
	$expected{"dp_$name(" . join(',', ($double) x $_) . ')'} = $name eq 'regr_count' ? 'bigint' : $double foreach 2, 6;
}

my %found = map { split /\|/ } split /\n/, query(<<'SQL');
SELECT p.oid::regprocedure, p.prorettype::regtype
FROM pg_depend d
JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'dp_agg')
  AND p.prokind = 'a' AND p.pronamespace <> 'dp_agg'::regnamespace
SQL
is(join("\n", map { "$_ $found{$_}" } sort keys %found), join("\n", map { "$_ $expected{$_}" } sort keys %expected),
	'the aggregates are ' . keys(%expected) . ', with these result types');

is(query(<<'SQL'), '', 'and they have the result types of the standard aggregates');
SELECT d.oid::regprocedure, d.prorettype::regtype, s.prorettype::regtype
FROM pg_proc d
JOIN pg_proc s ON s.prokind = 'a' AND s.pronamespace = 'pg_catalog'::regnamespace
  AND s.proname = substr(d.proname, 4) AND s.proargtypes = d.proargtypes
WHERE d.proname LIKE 'dp\_%' AND d.prokind = 'a' AND d.prorettype <> s.prorettype
SQL

is(query(<<'SQL'), '', 'what they say of themselves names the errors and the result type');
SELECT oid::regprocedure FROM pg_proc
WHERE proname LIKE 'dp\_%' AND prokind = 'a' AND pronamespace = 'public'::regnamespace
  AND (obj_description(oid, 'pg_proc') NOT LIKE '%errors: DP001 budget exhausted, DP002 refused%'
	   OR (prorettype <> 'anyelement'::regtype AND
		   position(replace(replace(prorettype::regtype::text, ' without time zone', ''), 'timestamp with time zone', 'timestamptz')
					IN obj_description(oid, 'pg_proc')) = 0))
SQL

is(query(<<'SQL'), '', 'columns of composite types have comments');
SELECT a.attrelid::regclass, a.attname
FROM pg_depend d
JOIN pg_type t ON t.oid = d.objid
JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE d.classid = 'pg_type'::regclass AND d.deptype = 'e' AND t.typnamespace = 'dp_agg'::regnamespace
  AND t.typtype = 'c' AND t.typname ~ '(category|bucket)$' AND col_description(a.attrelid, a.attnum) IS NULL
SQL
is(query(<<'SQL'), <<'TYPES' =~ s/\n\z//r, 'the composite types');
SELECT t.typname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE t.typnamespace = 'dp_agg'::regnamespace AND t.typname ~ '(category|bucket)$'
GROUP BY t.typname ORDER BY t.typname COLLATE "C"
SQL
bucket|lower double precision, upper double precision, count bigint
category|value text, count bigint
date_bucket|lower date, upper date, count bigint
timestamp_bucket|lower timestamp without time zone, upper timestamp without time zone, count bigint
timestamptz_bucket|lower timestamp with time zone, upper timestamp with time zone, count bigint
TYPES

# ---------- calls as people write them ----------

query(<<'SQL');
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN birthday AS date;
CREATE DOMAIN money_amount AS numeric(10,2);
CREATE TABLE plain (s smallint, i integer, b bigint, r real, f double precision, n numeric, d date,
	ts timestamp, tz timestamptz, iv interval, t text, v varchar(10), bool boolean, colour colour,
	born birthday, amount money_amount);
CREATE TABLE empty (LIKE plain);
INSERT INTO plain (i, t) VALUES (1, 'a'), (2, 'b');
GRANT SELECT ON plain, empty TO PUBLIC;
SQL

# Each call with its type; it finds its aggregate, and says that there is nothing to protect.
my @calls = (
	'dp_count(*)' => 'bigint', 'dp_count(i)' => 'bigint', 'dp_count_distinct(t)' => 'bigint', 'dp_count_distinct(tz)' => 'bigint',
	'dp_count_distinct(colour)' => 'bigint',
	'dp_sum(s)' => 'bigint', 'dp_sum(i, 0, 100)' => 'bigint', 'dp_sum(b, 0, 1e10)' => 'numeric', 'dp_sum(r, 0, 1)' => 'real',
	'dp_sum(n, 0, 99.5)' => 'numeric', 'dp_sum(amount, 0, 99.5)' => 'numeric', "dp_sum(i, '0', '100')" => 'bigint',
	"dp_sum(iv, '0', '1 day')" => 'interval', "dp_sum(iv, INTERVAL '0', INTERVAL '1 day')" => 'interval', 'dp_sum(iv)' => 'interval',
	'dp_sum(i::float8 / 2, 0, 1)' => 'double precision', 'dp_sum(i * n, -1, 1.5)' => 'numeric',
	'dp_avg(i, 0, 100)' => 'numeric', 'dp_avg(f, 0, 100)' => 'double precision', 'dp_avg(i)' => 'numeric', 'dp_avg(r)' => 'double precision',
	"dp_avg(iv, '0', '1 day')" => 'interval', "dp_avg(ts - ts, '0', '1 day')" => 'interval', 'dp_avg(n, 0::bigint, 5::smallint)' => 'numeric',
	'dp_var(i)' => 'numeric', 'dp_var(f, 0, 1)' => 'double precision', 'dp_variance(n)' => 'numeric', 'dp_var_samp(b, 0, 100)' => 'numeric',
	'dp_var_pop(r)' => 'double precision', 'dp_stddev(s, 0, 1)' => 'numeric', 'dp_stddev_samp(f)' => 'double precision', 'dp_stddev_pop(n, 0, 10)' => 'numeric',
	'dp_covar(i, n)' => 'double precision', 'dp_covar(i, n, 0, 1, 0, 99.5)' => 'double precision', 'dp_covar_pop(r, b)' => 'double precision',
	'dp_covar_samp(f, f, 0, 1, 0, 1)' => 'double precision', 'dp_corr(s, f)' => 'double precision', 'dp_corr(amount, i, 0, 1, 2, 3)' => 'double precision',
	'dp_regr_slope(n, i, 0, 1, 0, 1)' => 'double precision', 'dp_regr_intercept(n, i)' => 'double precision', 'dp_regr_r2(n, i)' => 'double precision',
	'dp_regr_count(n, i)' => 'bigint', 'dp_regr_avgx(n, i)' => 'double precision', 'dp_regr_avgy(n, i)' => 'double precision',
	'dp_regr_sxx(n, i)' => 'double precision', 'dp_regr_syy(n, i)' => 'double precision', 'dp_regr_sxy(n, i, 0, 1, 0, 1)' => 'double precision',
	'dp_median(i)' => 'double precision', 'dp_median(n, 0, 100)' => 'double precision', 'dp_median(d)' => 'date', 'dp_median(born)' => 'date',
	"dp_median(d, '2000-01-01', '2020-12-31')" => 'date', "dp_median(born, '2000-01-01', '2020-12-31')" => 'date',
	"dp_median(d, DATE '2000-01-01', DATE '2020-12-31')" => 'date', "dp_median(ts, '2000-01-01', '2020-12-31')" => 'timestamp without time zone',
	"dp_median(ts, DATE '2000-01-01', DATE '2020-12-31')" => 'timestamp without time zone',
	"dp_median(tz, '2000-01-01', '2020-12-31 12:00+02')" => 'timestamp with time zone', "dp_median(iv, '0', '1 year')" => 'interval',
	"dp_median(age(tz), '0', '1 year')" => 'interval', "dp_median(ts::date - d, 0, 365)" => 'double precision',
	'dp_quantile(i, 0.5)' => 'double precision', 'dp_quantile(n, 1)' => 'double precision', 'dp_quantile(i, 0.9, 0, 100)' => 'double precision',
	'dp_quantile(i, ARRAY[0.25,0.5])' => 'double precision[]', "dp_quantile(f, '{0.25,0.5}'::float8[], 0, 1)" => 'double precision[]',
	'dp_quantile(n, ARRAY[0, 0.5, 1], 0, 99.5)' => 'double precision[]', 'dp_quantile(i, ARRAY[0, 1])' => 'double precision[]',
	'dp_quantile(d, 0.9)' => 'date', "dp_quantile(d, 0.9, '2000-01-01', '2020-12-31')" => 'date',
	"dp_quantile(tz, ARRAY[0.1,0.9], '2000-01-01', '2020-12-31')" => 'timestamp with time zone[]', 'dp_quantile(ts, ARRAY[0.1,0.9])' => 'timestamp without time zone[]',
	"dp_quantile(iv, 0.5, '0', '1 day')" => 'interval',
	'dp_min(n)' => 'numeric', 'dp_max(i)' => 'integer', 'dp_min(s, 0, 10)' => 'smallint', 'dp_max(r, 0, 1)' => 'real', 'dp_min(b)' => 'bigint',
	'dp_min(d)' => 'date', "dp_max(d, '2000-01-01', '2020-12-31')" => 'date', 'dp_max(ts)' => 'timestamp without time zone', 'dp_max(tz)' => 'timestamp with time zone',
	"dp_min(iv, '0', '1 day')" => 'interval', 'dp_min(born)' => 'date',
	'dp_mode(t)' => 'text', 'dp_mode(v)' => 'character varying', 'dp_mode(colour)' => 'colour', 'dp_mode(bool)' => 'boolean', 'dp_mode(i)' => 'integer',
	'dp_top(t, 5)' => 'dp_agg.category[]', 'dp_top(i, 5)' => 'dp_agg.category[]', 'dp_top(colour, 2)' => 'dp_agg.category[]', 'dp_top(v, 2)' => 'dp_agg.category[]',
	'dp_histogram(i, 0, 100, 10)' => 'dp_agg.bucket[]', 'dp_histogram(n, 10)' => 'dp_agg.bucket[]', 'dp_histogram(f, 0, 99.5, 10)' => 'dp_agg.bucket[]',
	"dp_histogram(d, '2000-01-01', '2020-12-31', 10)" => 'dp_agg.date_bucket[]', 'dp_histogram(born, 10)' => 'dp_agg.date_bucket[]',
	"dp_histogram(ts, '2000-01-01', '2020-12-31', 10)" => 'dp_agg.timestamp_bucket[]', 'dp_histogram(tz, 10)' => 'dp_agg.timestamptz_bucket[]',
	'dp_bounds(i)' => 'double precision[]', 'dp_bounds(amount)' => 'double precision[]', 'dp_bounds(r)' => 'double precision[]',
	'dp_low(dp_count(*))' => 'bigint', 'dp_low(dp_count(*), 0.95)' => 'bigint', 'dp_high(dp_avg(i, 0, 100), 0.9)' => 'numeric',
	"dp_high(dp_median(d, '2000-01-01', '2020-12-31'))" => 'date', 'dp_low(dp_quantile(i, ARRAY[0.1,0.9], 0, 1))' => 'double precision[]',
	'dp_high(dp_mode(colour))' => 'colour', 'dp_count(*) FILTER (WHERE i > 0)' => 'bigint', 'dp_tier(*)' => 'text');

while (my ($call, $type) = splice @calls, 0, 2)
{
	my $r = DpAgg::as($node, $superuser, "BEGIN; CREATE TEMP VIEW call AS SELECT $call AS c FROM plain;
SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'call'::regclass; ROLLBACK");

	is($r->{out}, $type, "the type of $call") or diag($r->{err});
	DpAgg::refused($node, $superuser, "PREPARE q AS SELECT $call FROM $_; EXECUTE q", 'DP002', "$call over a table that is not protected, $_")
	  foreach qw(plain empty);
}
DpAgg::refused($node, 'analyst', "SELECT $_ FROM plain", 'DP002') foreach 'dp_median(i, 0, 1)', 'dp_mode(t)', 'dp_min(t)', 'dp_max(colour)', 'dp_bool_and(i > 0)', 'i FROM plain GROUP BY i HAVING dp_count(*) > 0; SELECT 1',
  'dp_min(i, 0, 1) OVER ()';
DpAgg::refused($node, 'analyst', "SELECT $_ FROM plain", '42883', "there is no $_")
  foreach 'dp_sum(t)', 'dp_sum(d)', 'dp_avg(ts)', 'dp_var(iv)', 'dp_median(t)', 'dp_min(t, $$a$$, $$b$$)', 'dp_bool_or(i)', 'dp_histogram(iv, 10)', 'dp_bounds(d)', 'dp_covar(d, i)',
  'dp_median(d, 0, 1)', 'dp_histogram(i, 0, 100)', "dp_sum(i, DATE '2000-01-01', DATE '2001-01-01')";

foreach my $call ('dp_low(1)', 'dp_high(i, 0.9)', 'dp_low(dp_count(*) + 1)', 'dp_high(NULL::text)')
{
	my $r = DpAgg::as($node, 'analyst', $call =~ /dp_count|i,/ ? "SELECT $call FROM plain" : "SELECT $call");
	is($r->{sqlstate}, 'DP002', "$call is refused");
}
my $misplaced = DpAgg::as($node, 'analyst', 'SELECT dp_low(2.5)');
like($misplaced->{message}, qr/^dp_low\(\) and dp_high\(\) are not in their place$/, 'a lone dp_low() says that it is not in its place');
like($misplaced->{err}, qr/HINT:  .*dp_low\(dp_count\(\*\), 0\.95\)/, 'and where it belongs');

# ---------- rights inside ----------

is(query(<<'SQL'), '', 'transition and combine functions are for the owner of the extension alone');
SELECT p.oid::regprocedure
FROM pg_aggregate a
CROSS JOIN LATERAL (VALUES (a.aggtransfn), (a.aggcombinefn)) f (f)
JOIN pg_proc p ON p.oid = f.f
WHERE (a.aggfnoid::oid) IN (SELECT oid FROM pg_proc WHERE pronamespace = 'dp_agg'::regnamespace)
  AND has_function_privilege('analyst', p.oid, 'EXECUTE')
SQL
is(query(<<'SQL'), 'bound,bound_sketch,collect,collect_bounded,collect_clipped,individual,sketch,sketch_bounded,sketch_clipped,sketch_rows', 'the aggregates that releases use inside');
SELECT string_agg(p.proname, ',' ORDER BY p.proname COLLATE "C")
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE p.pronamespace = 'dp_agg'::regnamespace AND a.aggtranstype = 'bytea'::regtype AND a.aggcombinefn <> 0
  AND p.proparallel = 's' AND has_function_privilege('analyst', p.oid, 'EXECUTE')
SQL
DpAgg::visits($node);
DpAgg::works($node, 'analyst', $_)
  foreach 'SELECT clinic, dp_count(*), dp_avg(cost) FROM visits GROUP BY clinic',
  'SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
   SELECT dp_count(*), dp_avg(cost) FROM visits';
DpAgg::refused($node, 'analyst', $_, '42501')
  foreach "SELECT dp_agg.collect_combine('\\x00', '\\x00')", "SELECT dp_agg.sketch_combine('\\x00', '\\x00')", "SELECT dp_agg.sketch_transition(NULL, NULL, NULL, 0, 1)",
  "SELECT dp_agg.individual_transition(NULL, NULL, NULL, 1)";

is(query(<<'SQL'), 'output text,population name,epsilon numeric,delta numeric,groups bigint,standard_error double precision,tier text,tier_reasons text[],tier_codes text[],obligation text,warnings text[],release integer,bounded boolean,smallest_group bigint,max_groups bigint,max_rows bigint,max_total bigint,grouping_set text,gaussian boolean,reused boolean,grain text[]|t|v', 'dp_agg.last_release() is for everybody');
SELECT (SELECT string_agg(n || ' ' || format_type(t, NULL), ',' ORDER BY o) FROM unnest(proargnames, proallargtypes) WITH ORDINALITY u (n, t, o)),
	has_function_privilege('analyst', oid, 'EXECUTE'), provolatile
FROM pg_proc WHERE oid = 'dp_agg.last_release()'::regprocedure
SQL

# ---------- bounds ----------

query(<<'SQL');
CREATE TABLE people (id int, i int, f float8, n numeric, amount money_amount, d date, born birthday, ts timestamp, tz timestamptz, iv interval, t text, cash money);
SELECT dp_agg.protect('people', 'id', 'people');
SQL

sub label
{
	my ($column) = @_;

	return query("SELECT label::jsonb - 'bounds_type' FROM pg_seclabels WHERE provider = 'dp_agg' AND objname = 'people.$column'");
}

sub shown
{
	my ($what, $column) = @_;

	return query("SELECT $what -> '$column' FROM dp_agg.protected_relations WHERE relation = 'people'::regclass");
}

# column, bounds as written, the numbers of the label, as shown
foreach my $case (
	[ 'i', '0, 100', '0, 100', '[0, 100]' ], [ 'i', '0, 99.5', '0, 99.5', '[0, 99.5]' ], [ 'i', "'0', '100'", '0, 100', '[0, 100]' ],
	[ 'i', "'-1e3', '99.5'", '-1000, 99.5', '[-1000, 99.5]' ], [ 'i', 'lower => 1, upper => 2', '1, 2', '[1, 2]' ],
	[ 'i', "lower => '1', upper => '2'", '1, 2', '[1, 2]' ], [ 'i', "upper => 3::bigint, lower => 2::smallint", '2, 3', '[2, 3]' ],
	[ 'i', '0.5::real, 1::numeric', '0.5, 1', '[0.5, 1]' ], [ 'i', '1::smallint, 2::smallint', '1, 2', '[1, 2]' ], [ 'i', '1::numeric, 2::numeric', '1, 2', '[1, 2]' ],
	[ 'f', '0.1::float8 + 0.2::float8, 1e10', '0.30000000000000004, 10000000000', '[0.30000000000000004, 10000000000]' ],
	[ 'n', '-1e120, 1e120', '-1' . '0' x 120 . ', 1' . '0' x 120, '[-1' . '0' x 120 . ', 1' . '0' x 120 . ']' ],
	[ 'amount', '0, 5000', '0, 5000', '[0, 5000]' ],
	[ 'd', "'1920-01-01', '2020-12-31'", '-29220, 7670', '["1920-01-01", "2020-12-31"]' ],
	[ 'd', "DATE '1999-12-31', DATE '2000-01-02'", '-1, 1', '["1999-12-31", "2000-01-02"]' ],
	[ 'd', "DATE '1999-12-31', '2000-01-02'", '-1, 1', '["1999-12-31", "2000-01-02"]' ],
	[ 'd', "lower => '1999-12-31', upper => '2000-01-02'", '-1, 1', '["1999-12-31", "2000-01-02"]' ],
	[ 'd', "TIMESTAMP '1999-12-31 12:00', TIMESTAMP '2000-01-02 12:00'", '-1, 1', '["1999-12-31", "2000-01-02"]' ],
	[ 'd', "'4714-11-24 BC', '5874897-12-31'", '-2451545, 2145031948', '["4714-11-24 BC", "5874897-12-31"]' ],
	[ 'born', "'1920-01-01', '2020-12-31'", '-29220, 7670', '["1920-01-01", "2020-12-31"]' ],
	[ 'born', "DATE '1920-01-01'::birthday, DATE '2020-12-31'", '-29220, 7670', '["1920-01-01", "2020-12-31"]' ],
	[ 'ts', "DATE '1999-12-31', TIMESTAMP '2000-01-02 12:00'", '-86400000000, 129600000000', '["1999-12-31T00:00:00", "2000-01-02T12:00:00"]' ],
	[ 'ts', "'2000-01-01', '2000-01-02 12:34:56.789012'", '0, 131696789012', '["2000-01-01T00:00:00", "2000-01-02T12:34:56.789012"]' ],
	[ 'ts', "'1999-12-31 23:59:59.5', '2000-01-02'", '-500000, 86400000000', '["1999-12-31T23:59:59.5", "2000-01-02T00:00:00"]' ],
	[ 'tz', "'2000-01-01 01:00+01', '2000-01-02 00:00-01'", '0, 90000000000', '["2000-01-01T00:00:00+00:00", "2000-01-02T01:00:00+00:00"]' ],
	[ 'tz', "TIMESTAMPTZ '2000-01-01', TIMESTAMPTZ '2000-01-02 00:00-01'", '0, 90000000000', '["2000-01-01T00:00:00+00:00", "2000-01-02T01:00:00+00:00"]' ],
	[ 'iv', "'0', '1 day'", '0, 86400000000', '["00:00:00", "1 day"]' ], [ 'iv', "'1 month', '1 year'", '2592000000000, 31104000000000', '["1 mon", "1 year"]' ],
	[ 'iv', "'-1 day -0.5 seconds', '1 month -1 day 25:00'", '-86400500000, 2595600000000', '["-1 days -00:00:00.5", "1 mon 01:00:00"]' ],
	[ 'iv', "INTERVAL '1 hour', INTERVAL '2 hours'", '3600000000, 7200000000', '["01:00:00", "02:00:00"]' ])
{
	my ($column, $bounds, $numbers, $shown) = @$case;
	my ($lower, $upper) = split /, /, $numbers;

	query("SELECT dp_agg.set_bounds('people', '$column', $bounds)");
	is(label($column), qq({"lower": $lower, "upper": $upper}), "set_bounds('people', '$column', " . DpAgg::brief($bounds) . ')');
	is(shown('bounds', $column), $shown, 'as protected_relations shows it');
}

# Neither what is stored nor what is shown depends on styles, but for the time zone.
query(<<'SQL');
SET datestyle = 'sql, dmy'; SET timezone = 'Europe/Berlin'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = -15;
SELECT dp_agg.set_bounds('people', 'd', '02/01/2000', '01/02/2000'), dp_agg.set_bounds('people', 'born', DATE '02/01/2000', DATE '01/02/2000'),
	dp_agg.set_bounds('people', 'tz', TIMESTAMPTZ '02/01/2000', TIMESTAMPTZ '01/02/2000'), dp_agg.set_bounds('people', 'iv', INTERVAL '1 hour', INTERVAL '1 mon'),
	dp_agg.set_bounds('people', 'f', 0.1::float8 + 0.2::float8, 1);
SQL
is(label('d'), '{"lower": 1, "upper": 31}', 'a date is read in the style of the session');
is(label('born'), '{"lower": 1, "upper": 31}', 'also a typed one');
is(label('tz'), '{"lower": 82800000000, "upper": 2674800000000}', 'in its time zone');
is(label('iv'), '{"lower": 3600000000, "upper": 2592000000000}', 'and intervals');
is(label('f'), '{"lower": 0.30000000000000004, "upper": 1}', 'a number keeps its digits');
is(query("SET datestyle = 'sql, dmy'; SET timezone = 'Europe/Berlin'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = -15;
	SELECT bounds ->> 'd', bounds ->> 'tz', bounds ->> 'iv', bounds ->> 'f' FROM dp_agg.protected_relations WHERE relation = 'people'::regclass"),
	'["2000-01-02", "2000-02-01"]|["2000-01-02T00:00:00+01:00", "2000-02-01T00:00:00+01:00"]|["01:00:00", "1 mon"]|[0.30000000000000004, 1]', 'all are shown in one style');

my $before = query("SELECT * FROM dp_agg.protected_relations WHERE relation = 'people'::regclass");
foreach my $case (
	[ "'d', '2000-01-02', '2000-01-01'", 'DP003' ], [ "'d', '2000-01-01', '2000-01-01'", 'DP003' ], [ "'d', DATE '2000-01-02', DATE '2000-01-01'", 'DP003' ],
	[ "'iv', '30 days', '1 month'", 'DP003' ], [ "'iv', '24:00', '1 day'", 'DP003' ],
	[ "'tz', '2000-01-01 00:00+00', '2000-01-01 01:00+01'", 'DP003' ],
	(map { [ "'$_', '-infinity', '2000-01-01'", 'DP003' ], [ "'$_', '2000-01-01', 'infinity'", 'DP003' ] } qw(d born ts tz)),
	[ "'d', DATE '-infinity', DATE '2000-01-01'", 'DP003' ],
	[ "'d', 0, 100", 'DP003' ], [ "'tz', 0, 100.5", 'DP003' ], [ "'d', 'yesteryear', '2000-01-01'", 'DP003' ], [ "'d', '2000-01-01', '2000-02-30'", 'DP003' ],
	[ "'iv', 'short', 'long'", 'DP003' ], [ "'i', 'few', 'many'", 'DP003' ], [ "'i', DATE '2000-01-01', DATE '2000-01-02'", 'DP003' ], [ "'f', '0', '1e400'", 'DP003' ],
	[ "'i', '0', 'NaN'", 'DP003' ], [ "'i', 'NaN'::float8, 1", 'DP003' ], [ "'n', '-Infinity', '1'", 'DP003' ], [ "'n', 0, 1.1e120", 'DP003' ],
	[ "'t', 'a', 'b'", 'DP003' ], [ "'t', 0, 1", 'DP003' ], [ "'cash', 0, 1", 'DP003' ], [ "'cash', '0'::money, '1'::money", 'DP003' ],
	[ "'d', NULL, '2000-01-01'", '22004' ], [ "'d', NULL, NULL", '22004' ], [ "'d', DATE '2000-01-01', NULL", '22004' ], [ "'i', NULL, 1", '22004' ],
	[ "'i', 0.5, NULL::float8", '22004' ], [ "NULL, '2000-01-01', '2000-01-02'", '22004' ], [ "'height', '0', '1'", '42703' ], [ "'tableoid', '0', '1'", '42703' ],
	[ "'d', DATE '2000-01-01', 1", '42883' ])
{
	DpAgg::refused($node, $superuser, "SELECT dp_agg.set_bounds('people', $case->[0])", $case->[1]);
}
DpAgg::refused($node, $superuser, "SELECT dp_agg.set_bounds('plain', 'd', '2000-01-01', '2000-01-02')", '42704');
DpAgg::works($node, $superuser, "SELECT dp_agg.set_public_bounds('plain', 'd', '2000-01-01', '2000-01-02')");
DpAgg::refused($node, $superuser, "SELECT dp_agg.set_public_bounds('pg_class', 'reltuples', '2000-01-01', '2000-01-02')", '42704');
like(DpAgg::as($node, $superuser, "SELECT dp_agg.set_bounds('people', 'd', '2000-13-01', '2001-01-01')")->{err},
	qr/invalid bound "2000-13-01" of column "d".*\n.*DETAIL:  The column is of type date: .*\n.*HINT:  /, 'a bad bound is named, with its type and a hint');
is(query("SELECT * FROM dp_agg.protected_relations WHERE relation = 'people'::regclass"), $before, 'what is refused changes nothing');

# A column that may be NULL is named; one whose NOT NULL is not enforced everywhere, too.
# From 18 on a child cannot drop what it inherits, and is not made to inherit NO INHERIT.
my $own = DpAgg::version() >= 18 ? 'NOT NULL NO INHERIT' : 'NOT NULL';
query(<<"SQL");
CREATE TABLE family (id int NOT NULL, whole int NOT NULL, loose int $own, free int);
CREATE TABLE child () INHERITS (family);
ALTER TABLE child ALTER loose DROP NOT NULL;
SELECT dp_agg.protect('family', 'id', 'families');
SQL
foreach my $case ([ 'whole', qr/\A\z/ ], [ 'free', qr/NOTICE: .*"free" may be NULL.*HINT: .*ALTER COLUMN free SET NOT NULL/s ], [ 'loose', qr/NOTICE: .*"loose" may be NULL.*HINT: .*is declared NOT NULL, but/s ])
{
	my ($column, $notice) = @$case;
	like(DpAgg::as($node, $superuser, "SELECT dp_agg.set_bounds('family', '$column', 0, 1)")->{err}, $notice, "whether $column may be NULL");
}
like(DpAgg::as($node, $superuser, "BEGIN; ALTER TABLE child ALTER loose SET NOT NULL; SELECT dp_agg.set_bounds('family', 'loose', 0, 1); ROLLBACK")->{err}, qr/\A\z/, 'also within the transaction that declares it');

# ---------- domains ----------

query(<<'SQL');
CREATE DOMAIN even AS integer CHECK (VALUE % 2 = 0);
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE keys (id int, t text, v varchar(3), c char(4), i int, n numeric(6,2), f float8, d date, tz timestamptz, iv interval, b boolean, colour colour, u uuid,
	by bytea, e even, nc text COLLATE nocase, a int[], j json, jb jsonb, p point);
SELECT dp_agg.protect('keys', 'id', 'people');
SQL

sub domain
{
	my ($column) = @_;

	return query("SELECT domains ->> '$column' FROM dp_agg.protected_relations WHERE relation = 'keys'::regclass");
}

foreach my $case (
	[ 't', q({north,south,"a \"b\", c",""}), q(["north", "south", "a \"b\", c", ""]) ], [ 't', q({"null",z,a}), '["null", "z", "a"]' ],
	[ 'v', '{a,bcd}', '["a", "bcd"]' ], [ 'i', '{1,+2," 3"}', '["1", "2", "3"]' ], [ 'n', '{1,2.5}', '["1.00", "2.50"]' ], [ 'f', '{1e0,0.1,NaN}', '["1", "0.1", "NaN"]' ],
	[ 'd', '{2020-01-01,"Jan 2, 2020"}', '["2020-01-01", "2020-01-02"]' ], [ 'tz', '{2020-01-01 01:00+01}', '["2020-01-01 00:00:00+00"]' ], [ 'iv', '{P1D}', '["1 day"]' ],
	[ 'b', '{TRUE,no}', '["t", "f"]' ], [ 'colour', '{blue,red}', '["blue", "red"]' ],
	[ 'u', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}', '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]' ],
	[ 'e', '{0,2}', '["0", "2"]' ], [ 'nc', '{a,b}', '["a", "b"]' ], [ 'a', '{"{1, 2}"}', '["{1,2}"]' ])
{
	my ($column, $keys, $shown) = @$case;

	query("SELECT dp_agg.set_domain('keys', '$column', '$keys')");
	is(domain($column), $shown, "set_domain('keys', '$column', '$keys')");
}
query(q{SELECT dp_agg.set_domain('keys', 'by', ARRAY['\xFF00', 'a'])});
is(domain('by'), '["\\\\xff00", "\\\\x61"]', 'a domain of bytea');
query("SELECT dp_agg.set_domain('keys', 'c', keys => ARRAY['a', 'b '])");
is(domain('c'), '["a   ", "b   "]', 'a domain of char(4)');
query("SET datestyle = 'sql, dmy'; SET timezone = 'Europe/Berlin'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = -15; SET bytea_output = escape;
	SELECT dp_agg.set_domain('keys', 'd', '{01/02/2020}'), dp_agg.set_domain('keys', 'tz', '{01/02/2020}'), dp_agg.set_domain('keys', 'iv', '{1 day}'),
		dp_agg.set_domain('keys', 'f', '{0.30000000000000004}'), dp_agg.set_domain('keys', 'by', '{abc}')");
is(domain('d') . domain('tz') . domain('iv') . domain('f') . domain('by'),
	'["2020-02-01"]["2020-02-01 00:00:00+01"]["1 day"]["0.30000000000000004"]["\\\\x616263"]', 'keys are read in the style of the session, and stored in one style');

query("SELECT dp_agg.set_domain('keys', 'i', array_agg(g::text ORDER BY g)) FROM generate_series(1, 10000) g");
is(query("SELECT jsonb_array_length(domains -> 'i') FROM dp_agg.protected_relations WHERE relation = 'keys'::regclass"), 10000, 'a domain of 10000 keys');
query("SELECT dp_agg.set_domain('keys', 'i', NULL), dp_agg.set_domain('keys', 'i', keys => NULL)");
is(domain('i'), '', 'NULL removes a domain, also one that is not there');
is(query("SELECT count(*) FROM pg_seclabels WHERE objname = 'keys.i'"), 0, 'with its label');

$before = query("SELECT * FROM dp_agg.protected_relations WHERE relation = 'keys'::regclass");
foreach my $case (
	[ "'t', '{}'", '22023' ], [ "'t', '{NULL}'", '22004' ], [ "'t', '{a,NULL}'", '22004' ], [ "'t', '{a,b,a}'", '22023' ], [ "'b', '{TRUE,t}'", '22023' ],
	[ "'i', '{1,01}'", '22023' ], [ "'n', '{1,1.0}'", '22023' ], [ "'n', '{1.001,1.002}'", '22023' ], [ "'f', '{0,-0}'", '22023' ], [ "'nc', '{a,A}'", '22023' ],
	[ "'c', ARRAY['a', 'a ']", '22023' ], [ "'iv', '{1 month,30 days}'", '22023' ],
	[ "'d', '{2020-01-01,1/1/2020}'", '22023' ], [ "'v', '{abcd}'", '22001' ], [ "'i', '{one}'", '22P02' ], [ "'i', '{1.5}'", '22P02' ], [ "'i', '{3000000000}'", '22003' ],
	[ "'d', '{2020-02-30}'", '22008' ], [ "'d', '{soon}'", '22007' ], [ "'colour', '{mauve}'", '22P02' ], [ "'u', '{1}'", '22P02' ], [ "'b', '{maybe}'", '22P02' ],
	[ "'e', '{0,1}'", '23514' ], [ "'j', '{1}'", '0A000' ], [ "'jb', '{1}'", '0A000' ], [ "'p', '{\"(0,0)\"}'", '0A000' ],
	[ "'height', '{a}'", '42703' ], [ "'ctid', '{(0,1)}'", '42703' ], [ "NULL, '{a}'", '22004' ],
	[ "'t', (SELECT array_agg(g::text) FROM generate_series(1, 10001) g)", '22023' ])
{
	DpAgg::refused($node, $superuser, "SELECT dp_agg.set_domain('keys', $case->[0])", $case->[1]);
}
DpAgg::refused($node, $superuser, "SELECT dp_agg.set_domain('plain', 't', '{a}')", '42704');
DpAgg::refused($node, $superuser, "SELECT dp_agg.set_domain(NULL, 't', '{a}')", '22004');
is(query("SELECT * FROM dp_agg.protected_relations WHERE relation = 'keys'::regclass"), $before, 'what is refused changes nothing');

# Labels by hand
DpAgg::refused($node, $superuser, qq(SECURITY LABEL FOR dp_agg ON COLUMN keys.i IS '{"domain": $_}'), '22023')
  foreach '["a", "a"]', '["a", 1]', '[null]', '[]', '{"a": "b"}', '"a"', 'null', '["a", ["b"]]', '["a", {}]', '1';
DpAgg::works($node, $superuser, qq(SECURITY LABEL FOR dp_agg ON COLUMN keys.i IS '{"domain": ["1", "2"]}'));

# ---------- rights ----------

query('CREATE ROLE steward LOGIN; CREATE ROLE owner LOGIN; GRANT CREATE ON SCHEMA public, dp TO owner');
my @declarations = ("dp_agg.set_domain('keys', 't', '{a}')", "dp_agg.set_domain('keys', 't', NULL)", "dp_agg.set_bounds('people', 'd', '2000-01-01', '2000-01-02')",
	"dp_agg.set_bounds('people', 'i', 0, 1)", "dp_agg.set_bounds('people', 'd', DATE '2000-01-01', DATE '2000-01-02')");
foreach my $role (qw(analyst owner))
{
	DpAgg::refused($node, $role, "SELECT $_", '42501') foreach @declarations;
}
my $signatures = query(<<'SQL');
SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc
WHERE pronamespace = 'dp_agg'::regnamespace AND proname IN ('set_domain', 'set_bounds', 'protect', 'unprotect')
SQL
query("GRANT EXECUTE ON FUNCTION $signatures TO steward, owner");
DpAgg::refused($node, 'steward', "SELECT $_", '42501', "not the owner of the table: $_") foreach @declarations;
DpAgg::works($node, 'owner', $_) foreach "CREATE TABLE mine (id int, t text, d date)", "SELECT dp_agg.protect('mine', 'id', 'own people')",
  "SELECT dp_agg.set_bounds('mine', 'd', '2000-01-01', '2000-01-02'), dp_agg.set_domain('mine', 't', '{a,b}')";
is(DpAgg::value($node, 'analyst', "SELECT bounds, domains FROM dp_agg.protected_relations WHERE relation = 'mine'::regclass"),
	'{"d": ["2000-01-01", "2000-01-02"]}|{"t": ["a", "b"]}', 'everybody may see what is declared');

# ---------- protected again, renamed, dumped ----------

query("ALTER TABLE keys RENAME t TO town");
is(domain('town'), '["null", "z", "a"]', 'a renamed column keeps its domain');
my $declared = "SELECT relation, bounds, domains FROM dp_agg.protected_relations ORDER BY relation::text";
$before = query($declared);
query("SELECT dp_agg.protect('keys', 'id', 'people', max_groups => 3), dp_agg.protect('people', 'id', 'people', max_rows => 2, columns => '{i,d}')");
is(query($declared), $before, 'protected again, relations keep bounds and domains');
is(query("SELECT max_groups, columns FROM dp_agg.protected_relations WHERE relation::text IN ('keys', 'people') ORDER BY relation::text"), "3|\n1|{i,d}", 'and nothing else');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/surface.sql';
my @same = ($declared, "SELECT objname, objtype, label FROM pg_seclabels WHERE provider = 'dp_agg' ORDER BY 1, 2",
	"SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'dp'::regnamespace ORDER BY 1, a.attnum",
	"SELECT p.oid::regprocedure::text, p.proacl::text FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid WHERE d.deptype = 'e' AND d.refobjid =
	(SELECT oid FROM pg_extension WHERE extname = 'dp_agg') ORDER BY 1");
my @contents = map { query($_) } @same;
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
$node->safe_psql('postgres', "CREATE DATABASE restored; ALTER DATABASE restored SET datestyle = 'sql, dmy'");
my ($code, undef, $err) = $node->psql('restored', "\\i $dump");
is("$code $err", '0 ', 'the dump is restored without an error');
is($node->safe_psql('restored', $same[$_]), $contents[$_], 'the same after pg_dump: ' . DpAgg::brief($same[$_])) foreach 0 .. $#same;

query("SELECT dp_agg.unprotect('keys')");
is(query("SELECT count(*) FROM pg_seclabels WHERE provider = 'dp_agg' AND objname LIKE 'keys%'"), 0, 'unprotect removes bounds and domains');
query("SELECT dp_agg.protect('keys', 'id', 'people')");
is(query("SELECT bounds, domains FROM dp_agg.protected_relations WHERE relation = 'keys'::regclass"), '|', 'for good');

# Labels that do not fit the column (by hand, or of another type once) are still shown.
query(q{SECURITY LABEL FOR dp_agg ON COLUMN keys.d IS '{"lower": -1e100, "upper": 1e100}'; SECURITY LABEL FOR dp_agg ON COLUMN keys.tz IS '{"lower": -1e100, "upper": 1e100}';
	SECURITY LABEL FOR dp_agg ON COLUMN keys.iv IS '{"lower": -1e100, "upper": 1e100}'; SECURITY LABEL FOR dp_agg ON COLUMN keys.t IS '{"lower": 0, "upper": 1}'}
  =~ s/keys\.t IS/keys.town IS/r);
is(query("SELECT count(DISTINCT b.value) FROM dp_agg.protected_relations, jsonb_each(bounds) b WHERE relation = 'keys'::regclass"), 2, 'labels that do not fit are shown as they are');

# ---------- budgets ----------

is(query(<<'SQL'), <<'FORMS' =~ s/\n\z//r, 'set_budget has two forms, with the same names in the same order');
SELECT string_agg(n || ' ' || format_type(t, NULL), ', ' ORDER BY o), p.pronargdefaults
FROM pg_proc p, unnest(p.proargnames, p.proargtypes::oid[]) WITH ORDINALITY u (n, t, o)
WHERE p.proname = 'set_budget' AND p.pronamespace = 'dp_agg'::regnamespace
GROUP BY p.oid, p.pronargdefaults ORDER BY p.oid::regprocedure::text COLLATE "C"
SQL
role name, population name, epsilon double precision, delta double precision, period interval, max_epsilon_per_query double precision, accountant text, min_epsilon_per_query double precision, max_releases bigint, max_epsilon_lifetime double precision, forget boolean|8
role name, population name, epsilon numeric, delta numeric, period interval, max_epsilon_per_query numeric, accountant text, min_epsilon_per_query numeric, max_releases bigint, max_epsilon_lifetime numeric, forget boolean|8
FORMS
is(query("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp_agg.$_'::regclass AND attnum > 0"),
	'role population epsilon_limit epsilon_spent epsilon_remaining delta_limit delta_spent delta_remaining period renews_at accountant '
	  . 'max_epsilon_per_query min_epsilon_per_query max_releases releases_spent releases_remaining rho_limit rho_spent rho_remaining epsilon_lifetime max_epsilon_lifetime', "the columns of $_") foreach qw(budgets my_budget);
is(query("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp_agg.$_'::regclass AND attnum > 0"),
	'id at session_role current_role population relations query epsilon delta outputs tier reused tier_reasons tier_codes obligation session_user_name role_name accounts', "the columns of $_")
  foreach qw(releases my_releases);
is(query(<<'SQL'), '', 'columns of the account have comments');
SELECT attname FROM pg_attribute WHERE attrelid = 'dp_agg.account'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
SQL
is(query(<<'SQL'), '1', 'its only index is on population and role, so that a charge need not write one');
SELECT count(*) FROM pg_index WHERE indrelid = 'dp_agg.account'::regclass
SQL
{
	my $limits = q{SELECT max_epsilon_per_query, min_epsilon_per_query, max_releases, releases_spent, releases_remaining FROM dp_agg.budgets WHERE role = 'analyst' AND population = 'patients'};
	my $made = query(q{SELECT releases_spent FROM dp_agg.budgets WHERE role = 'analyst' AND population = 'patients'});

	cmp_ok($made, '>', 0, 'releases are counted where they are not limited');
	is(query($limits), "|||$made|", 'and what is not limited is NULL');
	foreach my $form ('%s', '%s::float8', '%s::numeric')
	{
		my ($e, $max, $min) = map { sprintf $form, $_ } '1000', '2.5', '0.0010000000004';

		query("SELECT dp_agg.set_budget('analyst', 'patients', $e, max_epsilon_per_query => $max, min_epsilon_per_query => $min, max_releases => " . ($made + 2) . ')');
		is(query($limits), '2.5|0.001000001|' . ($made + 2) . "|$made|2", "limits given as $e are seen");
	}
	my ($state, $out, $err) = $node->psql('postgres', "SELECT dp_agg.set_budget('analyst', 'patients', 1, min_epsilon_per_query => 0.5, max_epsilon_per_query => 0.25)");
	like($err, qr/min_epsilon_per_query must not be greater.*HINT:  Nothing could be asked/s, 'limits that contradict each other are told');
	is(query($limits), '2.5|0.001000001|' . ($made + 2) . "|$made|2", 'and change nothing');
	query(q{SELECT dp_agg.set_budget('analyst', 'patients', 1000)});
	is(query($limits), "|||$made|", 'a budget that is given again without them has none of them');
}

# The least price, as it is without a word in the configuration.
is(query('SHOW dp_agg.min_epsilon'), '0.001', 'the least price of a release');
{
	my $count = 'SELECT dp_count(*) FROM visits';
	my $r = DpAgg::refused($node, 'analyst', "SET dp_agg.epsilon = 0.000999999; $count", 'DP002', 'less than the least price');

	is($r->{message}, 'a release costs at least epsilon 0.001', 'is refused with the price');
	like($r->{err}, qr/HINT:  SET dp_agg\.epsilon = 0\.001, or more\./, 'and what to do');
	DpAgg::works($node, 'analyst', "SET dp_agg.epsilon = 0.001; $count", 'the least price is enough');
	DpAgg::refused($node, 'analyst', "PREPARE p (float8) AS $count WHERE dp_with(\$1); EXECUTE p(0.0001)", 'DP002', 'a parameter when it is known');
	$r = DpAgg::as($node, 'analyst', "SET plan_cache_mode = force_generic_plan; PREPARE p (float8) AS $count WHERE dp_with(\$1); EXECUTE p(1); EXECUTE p(0.0009); ", on_error_stop => 0);
	like("$r->{out} $r->{message}", qr/^\d+ a release costs at least/, 'also in a generic plan');
	is(DpAgg::as($node, $superuser, "SET dp_agg.epsilon = 1e-9; $count")->{sqlstate}, '00000', 'who may read the rows and has no account pays what it likes');
	DpAgg::works($node, $superuser, 'SET dp_agg.min_epsilon = 0.5', 'a superuser sets it');
	DpAgg::refused($node, $superuser, "SET dp_agg.min_epsilon = $_", '22023', "but not to $_") foreach '0', '9e-10', '1000.1', "'NaN'";
	$r = DpAgg::as($node, $superuser, "SET dp_agg.min_epsilon = 0.5; SET SESSION AUTHORIZATION analyst; SET dp_agg.epsilon = 0.4999; $count");
	is($r->{message}, 'a release costs at least epsilon 0.5', 'and then it is that');
}

# ---------- lists of cells that nobody made ----------

# cells(CELLS, CAPACITY, USED, WORD...): the bytes of a group's list (sketch_state.h), in
# which a cell by itself weighs LISTED.
our $listed = 1 << 24;
sub cells
{
	my ($cells, $capacity, $used, @words) = @_;

	return unpack 'H*', pack 'S C C q l L L L L L q L*', 0x6b73, 0, 1, 7, $cells, $capacity, $used, 0, 0, 0, $listed, @words;
}
sub listed
{
	my ($weight, @list) = @_;
	local $listed = $weight;

	return cells(@list);
}
$node->safe_psql('postgres', 'CREATE AGGREGATE merged (bytea) (SFUNC = dp_agg.sketch_combine, STYPE = bytea)');
sub merged
{
	my @states = map { "('\\x$_'::bytea)" } @_;
	my ($status, $out, $err) = $node->psql('postgres', 'SELECT merged(s) FROM (VALUES ' . join(', ', @states) . ') v (s)');

	return $status == 0 ? $out : $err =~ /(malformed sketch state|terminat\w+)/ ? $1 : $err;
}
my $weighed = 1 << 31;
my $one = cells(100, 4, 2, 5, 7, 0, 0);
# seven individuals of each state; cells 1 and 9 once, cell 5 with 2^33 + 3 in units of weight
like(merged($one, cells(100, 4, 4, 1, $weighed | 2 << 17 | 5, 3, 9)), qr/^\\x736b00010e00000000000000640000000600000006.*050000000700000001000000050004800300000009000000$/, 'lists are appended');
is(merged($one, $_->[1]), 'malformed sketch state', "a list: $_->[0]")
  foreach [ 'shorter than it says', cells(100, 8, 4, 1, 2, 3, 4) ], [ 'longer', cells(100, 4, 4, 1 .. 6) ], [ 'more used than there are', cells(100, 4, 5, 1 .. 4) ],
  [ 'larger than any', cells(100, 200_000, 4, 1 .. 4) ], [ 'no cells', cells(0, 4, 4, 1 .. 4) ], [ 'of another grid', cells(99, 4, 4, 1 .. 4) ],
  [ 'a weight below none', listed(-1, 100, 4, 4, 1 .. 4) ], [ 'a weight above that of an individual', listed((1 << 24) + 1, 100, 4, 4, 1 .. 4) ];
# ten cells are an array: what was listed is read
is(merged(cells(10, 0, 0, (0) x 20), cells(10, 4, @{$_->[1]})), 'malformed sketch state', "a list: $_->[0]")
  foreach [ 'a cell beyond the last', [ 4, 1, 2, 3, 10 ] ], [ 'half an entry', [ 4, 1, 2, 3, $weighed | 4 ] ], [ 'only bits', [ 4, (0xffffffff) x 4 ] ];
like(merged(cells(10, 0, 0, (0) x 20), cells(10, 4, 4, 1, 1, $weighed | 9, 5)), qr/^\\x736b.{84}0{16}000000020{8}(00){56}050{14}$/, 'and added up');
like(merged(cells(10, 0, 0, (0) x 20), cells(10, 4, 4, $weighed | 0x3fff << 17 | 1, 0xffffffff, 2, 2)), qr/^\\x736b.{84}0{16}ffffffffff3f0000/, 'with large weights, too');
# lists of another r: what a cell by itself weighs there is written down
like(merged($one, listed(1 << 23, 100, 4, 2, 1, 9, 0, 0)), qr/^\\x736b00010e00.*05000000070000000100008000008000090000800000800000/, 'lists of different weights are added up');

# ---------- the extension comes and goes ----------

query('CREATE SCHEMA "Odd one"');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', 'CREATE SCHEMA "Odd one"; CREATE EXTENSION dp_agg SCHEMA "Odd one"');
is($node->safe_psql('other', q{SELECT count(*) FROM pg_proc WHERE proname LIKE 'dp\_%' AND prokind = 'a' AND pronamespace = '"Odd one"'::regnamespace}),
	scalar keys %expected, 'all aggregates in another schema');
$node->safe_psql('other', 'DROP EXTENSION dp_agg');
is($node->safe_psql('other', q{SELECT (SELECT count(*) FROM pg_proc WHERE proname LIKE 'dp\_%') + (SELECT count(*) FROM pg_namespace WHERE nspname IN ('dp', 'dp_agg'))}),
	0, 'and nothing after DROP EXTENSION');

$node->stop;
done_testing();
