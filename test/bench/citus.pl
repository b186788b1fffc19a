# citus.pl
#	What releases over distributed tables cost beside Citus's own plain queries.  Run by citus.sh, which
#	says how.
#
# First a table as that of speed.pl.  Then what a model of larger clusters needs, each from the difference of two
# measurements that are alike but for one thing: bytes and the coordinator's time for each state that a
# shard sends, time for each shard, time for each row.

use strict;
use warnings;
use IPC::Open2;
use speed;

my $rows = $ENV{ROWS} || 2_000_000;
my $people = int($rows / 10);
my $shards = $ENV{SHARDS} || 32;
my $few = 4;
my $cores = () = `cat /proc/cpuinfo` =~ /^processor/mg;

my ($plain, $analyst);	# sessions of a superuser and of an analyst, on the coordinator

sub many
{
	my ($n) = @_;

	return $n >= 1e6 ? sprintf('%gM', $n / 1e6) : $n >= 1000 ? sprintf('%gk', $n / 1000) : $n;
}

# ----------
# Data
# ----------

# As in speed_data.pm: rows in random order, 100 regions of which the largest has a fifth of the rows, half of
# a person's rows where it lives, so that limits bind.
my $made = <<'SQL';
SELECT i, CASE WHEN random() < 0.5 THEN home ELSE bench.region() END, floor(1000 * random()), bench.income()
FROM (SELECT i, bench.region() AS home FROM generate_series(1, :people) i OFFSET 0) p, generate_series(1, 10)
ORDER BY random()
SQL

# name => [ shards, who fills it ]
my %visits = (
	visits => [ $shards, $made ],
	visits_few => [ $few, 'SELECT * FROM visits' ],
	visits_10th => [ $shards, 'SELECT * FROM visits WHERE person_id <= :people / 10' ],
	tiny => [ $shards, 'SELECT * FROM visits WHERE person_id <= 1000' ],
	tiny_few => [ $few, 'SELECT * FROM visits WHERE person_id <= 1000' ]);

sub make
{
	my ($table) = @_;
	my ($number, $filled) = @{ $visits{$table} };

	progress("making $table");
	$filled =~ s/:people/$people/g;
	# warnings: a facade is on the coordinator alone until its table is distributed
	sql(<<"SQL");
SET client_min_messages = error;
SET work_mem = '1GB';
SELECT setseed(0.5);
CREATE TABLE $table (person_id int NOT NULL, region int NOT NULL, ward int NOT NULL, income float8 NOT NULL);
SELECT dp_agg.protect('$table', unit => 'person_id', population => 'people', max_groups => 3, max_rows => 2);
SELECT dp_agg.set_bounds('$table', 'income', 0, 500000);
SELECT create_distributed_table('$table', 'person_id', shard_count => $number, colocate_with => 'none');
INSERT INTO $table $filled;
VACUUM ANALYZE $table;
SQL
	return;
}

sub prepare
{
	sql(<<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE SCHEMA bench;
CREATE FUNCTION bench.region() RETURNS int LANGUAGE sql AS 'SELECT 1 + floor(100 * random() ^ 3)::int';
CREATE FUNCTION bench.income() RETURNS float8 LANGUAGE sql
AS 'SELECT exp(10.4 + 0.6 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))';
SQL
	make($_) foreach qw(visits visits_few visits_10th tiny tiny_few);
	progress('making members');
	sql(<<"SQL");
SET client_min_messages = error;
SELECT setseed(0.5);
CREATE TABLE members (person_id int PRIMARY KEY, plan text NOT NULL);
SELECT dp_agg.protect('members', unit => 'person_id', population => 'people');
SELECT create_distributed_table('members', 'person_id', colocate_with => 'visits');
INSERT INTO members
SELECT i, (ARRAY['basic', 'family', 'premium', 'student'])[1 + floor(4 * random())] FROM generate_series(1, $people) i;
VACUUM ANALYZE members;
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
CHECKPOINT;
SELECT run_command_on_workers('CHECKPOINT');
SQL
	return;
}

# ----------
# Ratios
# ----------

# Does the analyst get an answer?  What is said of it otherwise is in the output, once.
my %answered;

sub answered
{
	my ($query) = @_;

	if (!defined $answered{$query})
	{
		my $said = `psql -XqAt -U analyst -c "$query" 2>&1 >/dev/null`;

		$answered{$query} = $? == 0;
		print "no release: $query\n", $said =~ s/^/    /gmr unless $answered{$query};
	}
	return $answered{$query};
}

# A line of the table: shape, what the release is compared with, both queries, limit; in which sessions.
sub compare
{
	my ($shape, $against, $release, $query, $limit, @sessions) = @_;

	return unless answered($release);
	@sessions = ($analyst, $plain) unless @sessions;
	my ($ms, $base) = alternate([ $sessions[0], $release ], [ $sessions[1], $query ]);
	my ($out, $all) = (groups($analyst, $release), groups($plain, $query));

	$shape .= " ($out of $all groups)" if $out != $all;
	result('citus', $shape, $against, 'ms', $base, $ms, $limit);
	return;
}

sub counted { return "SELECT region, dp_count(*), dp_avg(income) FROM $_[0] GROUP BY region" }
sub plainly { return $_[0] =~ s/dp_//gr }

sub ratios
{
	my $join = 'SELECT m.plan, v.region, dp_count(*), dp_avg(v.income) FROM visits v JOIN members m USING (person_id) GROUP BY m.plan, v.region';

	compare("$shards shards: count, avg", 'plain', counted('visits'), plainly(counted('visits')), 1.0);
	compare('the same, connections made anew', 'plain', counted('visits'), plainly(counted('visits')), '',
		map { session($_, 'SET citus.max_cached_conns_per_worker = 1;') } qw(analyst postgres));
	compare("$shards shards: median", 'percentile_cont(0.5)', 'SELECT region, dp_median(income) FROM visits GROUP BY region',
		'SELECT region, percentile_cont(0.5) WITHIN GROUP (ORDER BY income) FROM visits GROUP BY region', 0.12);
	compare("$shards shards: join on the unit: count, avg", 'plain', $join, plainly($join), 1.1);
	return;
}

# What a row costs, beside that of a smaller table and of fewer shards.
sub growth
{
	my %rows = map { $_ => value("SELECT count(*) FROM $_") } qw(visits visits_few visits_10th);
	my %ns;

	return unless answered(counted('visits'));
	foreach my $pair ([ 'visits', 'visits_few', "a row on $shards shards", "on $few" ],
		[ 'visits', 'visits_10th', 'a row of ' . many($rows{visits}), 'of ' . many($rows{visits_10th}) ])
	{
		my @tables = @$pair[ 0, 1 ];
		my @queries = map { ([ $analyst, counted($_) ], [ $plain, plainly(counted($_)) ]) } @tables;
		my @each = alternate(@queries);

		$_ = 1e6 * $_ / $rows{visits} foreach @each[ 0, 1 ];
		$_ = 1e6 * $_ / $rows{ $tables[1] } foreach @each[ 2, 3 ];
		result('citus', "$pair->[2]: release", $pair->[3], 'ns', @each[ 2, 0 ], 1.3);
		result('citus', "$pair->[2]: plain", $pair->[3], 'ns', @each[ 3, 1 ], '');
	}
	return;
}

sub memory
{
	foreach my $release (counted('visits'), 'SELECT region, dp_median(income) FROM visits GROUP BY region')
	{
		next unless answered($release);
		my ($base, $peak) = map { locked(sub { peak_memory($_->[0], "SET work_mem = '16MB';", $_->[1]) }) }
		  [ 'postgres', plainly(counted('visits')) ], [ 'analyst', $release ];

		result('citus', "the coordinator's memory: " . ($release =~ /median/ ? 'median' : 'count, avg'), 'plain count, avg', 'MB', $base, $peak, 100, 'more');
	}
	return;
}

# ----------
# What a model needs
# ----------

sub constant
{
	my ($name, $value, $unit) = @_;

	speed::record('citus', 'constant', $name, $value, $unit);
	printf "%-66s %11.*f %s\n", $name, abs $value < 10 ? 2 : 0, $value, $unit;
	return $value;
}

# Microseconds that a session's server process computes for a query.
sub cpu
{
	my ($session, $query) = @_;
	my $ns = sub {
		open my $in, '<', "/proc/$session->{backend}/schedstat" or die "schedstat: $!\n";
		return (split ' ', <$in>)[0];
	};

	ask($session, $query);
	return median(map { my $before = $ns->(); ask($session, $query); ($ns->() - $before) / 1000 } 1 .. 3 * ($ENV{ROUNDS} || 5));
}

# Runs code while all that goes between the coordinator and the workers passes relay.pl.  The code is given
# a function that tells how many bytes have come from workers.
sub relayed
{
	my ($code) = @_;
	my $file = "$ENV{TMPDIR}/relayed";
	my @ports = split ' ', $ENV{WORKER_PORTS};
	my $pid = open2(my $out, my $in, $^X, 'test/bench/relay.pl', $file, @ports);
	my @others = map { my $port = <$out>; chomp $port; $port } @ports;
	my $through = sub {
		my ($from, $to) = @_;

		sql(join "\n", map { "SELECT citus_update_node(nodeid, '127.0.0.1', $to->[$_]) FROM pg_dist_node WHERE nodeport = $from->[$_];" } 0 .. $#ports);
	};

	$through->(\@ports, \@others);
	my @result = $code->(sub {
		select undef, undef, undef, 0.3;
		open my $from, '<', $file or die "$file: $!\n";
		return (split ' ', <$from>)[1];
	});
	$through->(\@others, \@ports);
	close $in;
	waitpid $pid, 0;
	return @result;
}

# Bytes that come from workers for each of some queries ([role, query]...).  One connection for each worker, which
# stays: what it takes to connect is not counted.
sub received
{
	my @queries = @_;

	return relayed(sub {
		my ($count) = @_;

		return map {
			my ($role, $query) = @$_;
			my $session = session($role, 'SET citus.max_adaptive_executor_pool_size = 1;');

			ask($session, $query);
			my $before = $count->();
			ask($session, $query);
			$count->() - $before;
		} @queries;
	});
}

# Of 100 groups, each with a state on every shard, beside a table of 1,000 people without groups.  A median's state
# grows with the values in it, up to half a megabyte: fewer shards have larger ones.
sub states
{
	my %by = (count => 'dp_count(*), dp_avg(income)', median => 'dp_median(income)');
	my %state;

	foreach my $pair ([ 'count', 'visits', 'tiny', $shards ], [ 'median', 'visits', 'tiny', $shards ], [ 'median', 'visits_few', 'tiny_few', $few ])
	{
		my ($what, $table, $tiny, $number) = @$pair;
		my @queries = ("SELECT $by{$what} FROM $table GROUP BY region", "SELECT $by{$what} FROM $tiny");
		my $states = (100 - 1) * $number;
		my $name = ($what eq 'count' ? 'count, avg' : 'median') . ", $number shards";

		next if grep { !answered($_) } @queries;
		my @bytes = received(map { [ 'analyst', $_ ] } @queries);
		my @us = map { cpu($analyst, $_) } @queries;

		constant("$name: bytes that come for 100 groups", $bytes[0], 'B');
		$state{$what}{bytes} = constant("$name: for a group and shard, " . many($rows / $number / 100) . ' rows', ($bytes[0] - $bytes[1]) / $states, 'B');
		$state{$what}{us} = constant("$name: coordinator's time for it", ($us[0] - $us[1]) / $states, 'us');
	}
	my ($bytes) = received([ 'postgres', plainly(counted('visits')) ]);

	constant("plain count, avg, $shards shards: bytes that come for 100 groups", $bytes, 'B');
	return \%state;
}

# Of the number of shards, of tables of 1,000 people.
sub per_shard
{
	my $query = 'SELECT dp_count(*), dp_avg(income) FROM ';
	my @tables = qw(tiny tiny_few);

	return if grep { !answered($query . $_) } @tables;
	my @ms = alternate(map { ([ $analyst, $query . $_ ], [ $plain, plainly($query . $_) ]) } @tables);
	my @us = map { cpu($analyst, $query . $_) } @tables;
	my $more = $shards - $few;

	return if $more <= 0;
	constant('plain: time for one more shard', 1000 * ($ms[1] - $ms[3]) / $more, 'us');
	constant("release of 1,000 people on $few shards", $ms[2], 'ms');
	return {
		few => $ms[2],
		ms => constant('release: time for one more shard', 1000 * ($ms[0] - $ms[2]) / $more, 'us') / 1000,
		us => constant("release: coordinator's time for one more shard", ($us[0] - $us[1]) / $more, 'us') };
}

# Releases on paper: as many workers, cores of each, rows and groups; a shard for each core.  States are taken to be as
# large as those measured last: with ROWS=20000000 these have nearly as many rows.
sub model
{
	my ($state, $shard, $ns) = @_;
	my ($workers, $cores_each, $n, $groups) = (100, 16, 1e10, 100);
	my $all = $workers * $cores_each;

	print "\nOn paper: ${\many($n)} rows, $workers workers of $cores_each cores, $all shards, $groups groups\n";
	foreach my $what (sort keys %$state)
	{
		my $states = $all * $groups;

		constant("$what: rows read on shards", $n * $ns->{$what} / $all / 1e6, 'ms');
		constant("$what: coordinator's time for shards", $all * $shard->{us} / 1000, 'ms');
		constant("$what: states that come", $states * $state->{$what}{bytes} / 1e6, 'MB');
		constant("$what: coordinator's time for states", $states * $state->{$what}{us} / 1000, 'ms');
	}
	return;
}

sub constants
{
	my %query = (count => counted('visits'), median => 'SELECT region, dp_median(income) FROM visits GROUP BY region');

	print "\n";
	my $state = states();
	my $shard = per_shard();
	my %ns = map { ($_ => constant("$_: time of a core for a row", 1e6 * (alternate([ $analyst, $query{$_} ]))[0] * $cores / $rows, 'ns')) } sort keys %$state;

	model($state, $shard, \%ns) if $shard && %ns;
	return;
}

$| = 1;
describe(machine() . ', Citus ' . (value('SELECT citus_version()') =~ /^Citus (\S+)/)[0] . ', a coordinator and two workers on it, ' .
	  many($rows) . ' rows of ' . many($people) . ' people');
prepare();
($plain, $analyst) = map { session($_) } qw(postgres analyst);
printf "%-52s %-26s %9s %9s %-5s %7s %9s\n", 'work', 'against', 'plain', 'release', '', 'ratio', 'limit';
my %part = (ratios => \&ratios, growth => \&growth, memory => \&memory, constants => \&constants);

$part{$_}->() foreach split ' ', $ENV{PARTS} || 'ratios growth memory constants';
