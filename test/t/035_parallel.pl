# Plans make no difference: parallel workers, hash and sort aggregation, little
# memory, just-in-time compilation and partitions give what the plain plan gives.
#
# At an epsilon of 1000 the answers are near plain SQL's; a combine function that
# loses or doubles a state, or a spilled one, would be far off.

use strict;
use warnings;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('parallel', conf => <<'CONF');
timezone = 'UTC'
max_worker_processes = 12
max_parallel_workers = 8
log_min_messages = debug1
CONF
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

$node->safe_psql('postgres', <<'SQL');
-- x is uniform over 0 .. 100 but for 42; 30 groups, which have no steps at the quantiles asked for
CREATE TABLE streamed (id int PRIMARY KEY, g int NOT NULL, x int NOT NULL, y float8, n numeric, d date, t text NOT NULL, u text NOT NULL);
INSERT INTO streamed
SELECT i, i % 30, x, CASE WHEN i % 7 > 0 THEN x END, (x + i * 7 % 101) / 2.0, date '2024-01-01' + x, 'text ' || least(i % 7, 4), md5((i % 5000)::text)
FROM generate_series(1, 34070) i, LATERAL (SELECT CASE WHEN i > 30300 THEN 42 ELSE i % 101 END AS x) x;
CREATE TABLE bounded AS SELECT s.id AS person, (s.g + k * (s.id % 2)) % 30 AS g, x, y, n, d, t, u FROM streamed s, generate_series(1, 2) k WHERE s.id % 3 < 2;
CREATE TABLE parts (LIKE streamed) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts SELECT * FROM streamed;
CREATE TABLE listed (LIKE bounded) PARTITION BY LIST (g);
CREATE TABLE listed_0 PARTITION OF listed FOR VALUES IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
CREATE TABLE listed_1 PARTITION OF listed DEFAULT;
INSERT INTO listed SELECT * FROM bounded;
SELECT dp_agg.protect(t, 'id', 'people') FROM unnest('{streamed,parts}'::regclass[]) t;
SELECT dp_agg.protect(t, 'person', 'people', max_groups => 2, max_rows => 2) FROM unnest('{bounded,listed}'::regclass[]) t;
SET client_min_messages = warning;
SELECT dp_agg.set_bounds(t, c, 0, 100) FROM unnest('{streamed,bounded,parts,listed}'::regclass[]) t, unnest('{x,y,n}'::name[]) c;
SELECT dp_agg.set_bounds(t, 'd', '2024-01-01', '2024-04-10') FROM unnest('{streamed,bounded,parts,listed}'::regclass[]) t;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
VACUUM ANALYZE;
SQL

# [ what the analyst writes, what is true ]; a release each.
my @lists = (
	[ ('count(*), count(y), sum(x), avg(n), stddev(x), var_pop(y), corr(y, n), regr_slope(n, x), regr_intercept(n, y), covar_samp(x, n)') x 2 ],
	[ 'dp_median(x), dp_quantile(y, 0.25), min(d), max(x)', 'percentile_cont(0.5) WITHIN GROUP (ORDER BY x), percentile_cont(0.25) WITHIN GROUP (ORDER BY y), min(d), max(x)' ],
	[ (q(percentile_disc('{0.1,0.9,0.3,0.5,0.7}'::float8[]) WITHIN GROUP (ORDER BY x), percentile_disc(0.6) WITHIN GROUP (ORDER BY x DESC))) x 2 ],
	[ ('mode() WITHIN GROUP (ORDER BY t), mode() WITHIN GROUP (ORDER BY x), count(DISTINCT t), count(DISTINCT x), count(DISTINCT u)') x 2 ],
	[ 'dp_histogram(x, 2), dp_top(t, 1)', q(ARRAY[(0, 50, count(*) FILTER (WHERE x < 50))::dp_agg.bucket, (50, 100, count(*) FILTER (WHERE x >= 50))::dp_agg.bucket],
		ARRAY[('text 4', count(*) FILTER (WHERE t = 'text 4'))::dp_agg.category]) ],
	[ q(dp_bounds(x + 60), count(*) FILTER (WHERE x > 50), max(x) FILTER (WHERE t <> 'text 4'), stddev(CASE WHEN x > 10 THEN x ELSE 0 END)),
		q('{32,256}'::float8[], count(*) FILTER (WHERE x > 50), max(x) FILTER (WHERE t <> 'text 4'), stddev(CASE WHEN x > 10 THEN x ELSE 0 END)) ]);
my %settings = (
	'no parallelism' => 'SET max_parallel_workers_per_gather = 0',
	'parallel' => '',
	'parallel, sorted groups' => 'SET enable_hashagg = off',
	'parallel, no leader, JIT' => 'SET parallel_leader_participation = off; SET jit = on; SET jit_above_cost = 0',
	'sorted groups, little memory' => q(SET max_parallel_workers_per_gather = 0; SET enable_hashagg = off; SET work_mem = '64kB'),
	'hashed groups, little memory' => q(SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET work_mem = '64kB'),
	'parallel, little memory' => q(SET work_mem = '64kB'; SET enable_sort = off),
	'partitions by themselves' => 'SET enable_partitionwise_aggregate = on; SET enable_partitionwise_join = on; SET enable_parallel_append = on');
my $common = <<'SQL';
SET dp_agg.epsilon = 1000;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
SQL

# Numbers in answers are close to those in the truth, and all else is the same.
sub answers_agree
{
	my ($got, $truth) = @_;
	my $number = qr/-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/;
	my @got = $got =~ /$number/g;
	my @truth = $truth =~ /$number/g;

	return 0 if @got != @truth || ($got =~ s/$number/#/gr) ne ($truth =~ s/$number/#/gr);
	foreach my $i (0 .. $#got)
	{
		return 0 if abs($got[$i] - $truth[$i]) > 2.5 + 0.02 * abs $truth[$i];
	}
	return 1;
}

# All lines but one in eight.
sub lines_agree
{
	my ($got, $truth) = @_;
	my @got = split /\n/, $got;
	my @truth = split /\n/, $truth;

	return 0 if @got != @truth;
	return (grep { !answers_agree($got[$_], $truth[$_]) } 0 .. $#got) <= @got / 8;
}

# A minimum or maximum misses the values with probability exp(-3)/2 at most: what
# differs is asked twice again.
foreach my $from ('streamed', 'bounded', 'parts', 'listed')
{
	foreach my $group ('', 'GROUP BY g')
	{
		my $key = $group eq '' ? '' : 'g, ';
		my $order = $group eq '' ? '' : 'ORDER BY g';
		my @truth = map { $node->safe_psql('postgres', "SELECT $key$_->[1] FROM $from $group $order") } @lists;

		foreach my $name (sort keys %settings)
		{
			next if $name =~ /^partitions/ && $from !~ /parts|listed/;
			next if $name =~ /JIT|little/ && ($from =~ /parts|listed/ || ($group eq '' && $from eq 'streamed'));
			next if $name =~ /JIT/ && $from eq 'bounded' && $group eq '';
			next if $name eq 'parallel, little memory' && $from eq 'streamed';
			my @queries = map { "SELECT $key$_->[0] FROM $from $group $order" } @lists;
			my @set = split /;\s*/, $common . $settings{$name};
			my $start = -s $node->logfile;
			my @got = DpAgg::bulk($node, 'analyst', [ @set, @queries ]);
			my $workers = () = slurp_file($node->logfile, $start) =~ /registering background worker "parallel worker/g;
			my @wrong;

			splice @got, 0, scalar @set;
			foreach my $i (grep { !lines_agree($got[$_]{out}, $truth[$_]) } 0 .. $#lists)
			{
				my @again = DpAgg::bulk($node, 'analyst', [ @set, ($queries[$i]) x 2 ]);

				push @wrong, "$queries[$i]: $got[$i]{sqlstate} $got[$i]{message}\n$got[$i]{out}\n-- truth:\n$truth[$i]"
				  if grep { !lines_agree($_->{out}, $truth[$i]) } @again[ -2, -1 ];
			}
			is(join("\n", @wrong), '', "$name: $from $group");
			is($workers > 0, $settings{$name} !~ /gather = 0/, "... with $workers workers") if $workers > 0 || $name =~ /parallel/;
		}
	}
}

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|XX000/, 'nothing went wrong inside');
$node->stop;
done_testing();
