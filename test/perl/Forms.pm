# Forms.pm
#	A node of a release beside the form in SQL that it replaces.
#
#	use Forms;
#	my $node = DpAgg::node('name', roles => [ 'analyst', 'sql' ]);
#	prepare_forms($node);			# "sql" has the nodes turned off; types of below
#	my %types = types();			# that nodes take as keys, other_types() they do not
#	my %work = plans();				# settings that lead to different plans, by name
#	is_alike($got, $truth, BY, NAME, RELATIVE);
#
# At an epsilon of 1000 noise is far below one individual.

package Forms;

use strict;
use warnings;
use Exporter 'import';
use Test::More;

our @EXPORT = qw(prepare_forms types other_types plans parallel_plan alike is_alike);

sub prepare_forms
{
	my ($node) = @_;

	$node->safe_psql('postgres', <<'SQL');
ALTER ROLE sql SET dp_agg.bound_node = off;
ALTER ROLE sql SET dp_agg.epsilon = 1000;
ALTER ROLE analyst SET dp_agg.epsilon = 1000;
CREATE TYPE label AS ENUM ('other');
DO $$ BEGIN FOR i IN 0 .. 99 LOOP EXECUTE format('ALTER TYPE label ADD VALUE %L', 'l' || i); END LOOP; END $$;
CREATE DOMAIN money2 AS numeric(12,2);
CREATE DOMAIN word AS text CHECK (length(value) < 100);
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SQL
	return;
}

# alike(GOT, TRUTH, BY, RELATIVE): are two answers of psql the same?  Numbers may differ by
# BY and, beside that, by RELATIVE (default: 0.01) times the truth.
sub alike
{
	my ($got, $truth, $by, $relative) = @_;
	my @got = split /[|\n]/, $got;
	my @truth = split /[|\n]/, $truth;

	return 0 if @got != @truth;
	foreach my $i (0 .. $#got)
	{
		next if $got[$i] eq $truth[$i];
		return 0 if "$got[$i] $truth[$i]" !~ /^-?[\d.]+(e[-+]\d+)? -?[\d.]+(e[-+]\d+)?$/ || abs($got[$i] - $truth[$i]) > $by + ($relative // 0.01) * abs $truth[$i];
	}
	return 1;
}

sub is_alike
{
	my ($got, $truth, $by, $name, $relative) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok(alike($got, $truth, $by, $relative), $name) or diag("got:\n$got\n-- truth:\n$truth");
}

# name => [ type, value of n, the same value written differently ]
sub types
{
	return (
		int2 => [ 'int2', 'n' ], int4 => [ 'int4', 'n - 30' ], int8 => [ 'int8', '(n - 30) * 10000000000' ],
		oid => [ 'oid', '(4294967295 - n)::oid' ], char => [ '"char"', 'chr(n + 40)' ],
		text => [ 'text', q(CASE n WHEN 0 THEN '' ELSE 'text ' || n END) ], varchar => [ 'varchar(20)', q('v' || n) ],
		word => [ 'word', q('w' || n) ], bytea => [ 'bytea', q(decode(lpad(to_hex(n), 4, '0') || '00', 'hex')) ],
		uuid => [ 'uuid', 'md5(n::text)::uuid' ],
		numeric => [ 'numeric', q((n || '.50')::numeric), q((n || '.5000')::numeric) ],
		numeric_nan => [ 'numeric', q(CASE n WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN '-Infinity' WHEN 3 THEN 0.00 ELSE n END), q(CASE n WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN '-Infinity' WHEN 3 THEN 0 ELSE n::numeric END) ],
		numeric2 => [ 'numeric(12,2)', 'n + 0.5' ], money2 => [ 'money2', 'n + 0.5' ], wide => [ 'numeric', '(n + 1) * 1e200', q(((n + 1) || repeat('0', 200) || '.00')::numeric) ],
		float8 => [ 'float8', q(CASE n WHEN 0 THEN '0' WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE n::float8 END),
			q(CASE n WHEN 0 THEN '-0'::float8 WHEN 1 THEN -'NaN'::float8 WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE n::float8 END) ],
		float4 => [ 'float4', q(CASE n WHEN 0 THEN '0' WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE n::float4 END),
			q(CASE n WHEN 0 THEN '-0'::float4 WHEN 1 THEN -'NaN'::float4 WHEN 2 THEN 'Infinity' WHEN 3 THEN '-Infinity' ELSE n::float4 END) ],
		date => [ 'date', q(CASE n WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' ELSE date '2024-01-01' + n END) ], time => [ 'time', q(time '00:00' + n * interval '1 minute') ],
		timestamp => [ 'timestamp', q(timestamp '1990-01-01' + n * interval '1 day') ], timestamptz => [ 'timestamptz', q(CASE n WHEN 0 THEN 'infinity' ELSE timestamptz '2024-01-01' + n * interval '1 day' END) ],
		interval => [ 'interval', 'make_interval(months => n)', 'make_interval(days => 29 * n, hours => 24 * n)' ],
		bpchar => [ 'bpchar', q('c' || n), q('c' || n || '   ') ], char8 => [ 'char(8)', q('c' || n) ],
		label => [ 'label', q(('l' || n)::label) ], bool => [ 'bool', 'n % 2 = 0' ]);
}

# Types that the SQL form takes, if anything.
sub other_types
{
	return (
		loose => [ 'text COLLATE loose', q('n' || n), q('N' || n) ], inet => [ 'inet', q(inet '10.0.0.0' + n) ],
		jsonb => [ 'jsonb', q(to_jsonb(n)), q((n || '.0')::jsonb) ], array => [ 'int[]', 'ARRAY[n]' ],
		timetz => [ 'timetz', q(time '00:00' + n * interval '1 minute') ], name => [ 'name', q(('n' || n)::name) ],
		macaddr => [ 'macaddr', q(lpad(to_hex(n), 12, '0')::macaddr) ], bit => [ 'bit(8)', 'n::bit(8)' ]);
}

# parallel_plan(N): settings for N workers, whatever the sizes of tables.
sub parallel_plan
{
	my ($workers) = @_;

	return "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = $workers";
}

# name => settings
sub plans
{
	my $serial = 'SET max_parallel_workers_per_gather = 0';

	return (
		'one process' => $serial, 'one worker' => parallel_plan(1), 'two workers' => parallel_plan(2), 'four workers' => parallel_plan(4),
		'no leader' => parallel_plan(2) . "; SET parallel_leader_participation = off", 'no worker is free' => parallel_plan(2) . "; SET max_parallel_workers = 0",
		'little memory' => "$serial; SET work_mem = '64kB'", 'little memory, four workers' => parallel_plan(4) . "; SET work_mem = '64kB'",
		'little memory, no leader' => parallel_plan(3) . "; SET work_mem = '64kB'; SET parallel_leader_participation = off",
		'sorted groups' => parallel_plan(2) . "; SET enable_hashagg = off", 'partitionwise' => parallel_plan(2) . "; SET enable_partitionwise_aggregate = on; SET enable_partitionwise_join = on");
}

1;
