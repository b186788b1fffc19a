# Epsilon as an observer could measure it: many releases about neighbours, through
# SQL and with the real noise, for every output (Pairs.pm); and modules with one
# fault each, which must not go unnoticed.
#
# An event is chosen on one half of the releases; on the other, exact bounds on
# its probabilities give a lower bound on epsilon (Statistics.pm), which is wrong with
# probability 1e-6 at most for each pair.  That is what the claim is compared with:
# about a hundred pairs of a correct build fail once in 10,000 runs.  Gaussian noise claims an
# epsilon at each of several deltas, and an event is chosen for each.
#
#	SCALE=10		ten times as many releases
#	PAIRS=REGEX		only pairs, and faults, whose name matches

use strict;
use warnings;
use Faulty;
use FindBin;
use lib $FindBin::Bin;
use Pairs;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Statistics;
use Storable;
use Test::More;
use Time::HiRes 'time';

use constant ALPHA => 1e-6;

# How many jobs run at a time.
use constant JOBS => 2;

# The share of a pair's releases that is enough to show a fault; faults that stay close to
# the claim need more.
my %share_of_releases = (NOISE_SCALE => 1, GAUSSIAN_STEP => 0.5, CAPS_OFF => 0.5, SQL_CAPS_OFF => 0.5, CLIP_OFF => 1, TWO_DRAWS => 0.5);
use constant LESS => 0.2;

my $regex = $ENV{PAIRS} // '';
my $chosen = qr/$regex/;
my @pairs = Pairs::all($ENV{SCALE} || 1);
my %by_name = map { $_->{name} => $_ } @pairs;
my $tempdir = PostgreSQL::Test::Utils::tempdir;

# ----------
# Jobs
# ----------

# run_jobs(SUB, [ARGUMENTS]...) runs jobs, each in a process of its own, and returns
# what they return, or { error }.  SUB also learns which of the JOBS seats it has.
sub run_jobs
{
	my ($sub, @jobs) = @_;
	my @seats = 0 .. JOBS - 1;
	my (%running, @results);
	my $next = 0;

	while ($next < @jobs || %running)
	{
		if ($next < @jobs && @seats)
		{
			my $seat = shift @seats;
			my $pid = fork() // die "could not fork: $!";

			if ($pid == 0)
			{
				my $result = eval { $sub->($seat, @{ $jobs[$next] }) } // { error => $@ };

				eval { Storable::store($result, "$tempdir/job$next") };
				POSIX::_exit(0);	# and leave the server alone
			}
			$running{$pid} = [ $next++, $seat ];
			next;
		}
		my ($job, $seat) = @{ delete $running{ waitpid(-1, 0) } // next };

		push @seats, $seat;
		$results[$job] = eval { Storable::retrieve("$tempdir/job$job") } // { error => 'the job died' };
		unlink "$tempdir/job$job";
	}
	return @results;
}

# ----------
# The server
# ----------

my $node = Faulty::node('audit', <<'CONF');
shared_buffers = 128MB
max_wal_size = 8GB
work_mem = 64MB
jit = off
CONF

$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dp_agg');

# ----------
# Releases
# ----------

my %tables;

# The name of a side's table, which is made later if it is new.
sub table_name
{
	my ($pair, $side) = @_;

	return $tables{ Pairs::table($pair, $side) } //= 'table' . keys %tables;
}

sub make_table
{
	my (undef, $sql, $name) = @_;

	$node->safe_psql('postgres', $sql =~ s/\bNAME\b/$name/gr);
	return {};
}

# The part of a sample that a query's releases belong to: the first two choose the
# event, the third, one half of all, is for the bounds.
sub part { return (0, 2, 1, 2)[ $_[0] % 4 ] }

# Runs the queries of a side and returns the sample (Statistics.pm).
sub sample
{
	my ($role, $pair, $table, $releases) = @_;
	my $queries = 4 * POSIX::ceil($releases / $pair->{groups} / 4);
	my $gaussian = defined $pair->{gaussian};
	my $accountant = $gaussian ? 'zcdp' : 'pure';
	# as many as an account pays for: where rho adds up, gates have half of its delta
	my $at_once = int(($gaussian ? 0.45 : 0.9) / $pair->{delta});
	my $settings = join '', map { "SET dp_agg.$_ = $pair->{$_};\n" } grep { defined $pair->{$_} }
	  qw(epsilon delta max_groups max_rows max_total);
	my $query = Pairs::query($pair, $table);
	my $connstr = $node->connstr('postgres');
	my %sample = (n => [ 0, 0, 0 ], columns => [], rows => 0);

	my $node_bounds = $pair->{in_sql} ? 'off' : 'on';

	$node->safe_psql('postgres', "ALTER ROLE $role SET dp_agg.bound_node = $node_bounds");
	for (my $first = 0; $first < $queries; $first += $at_once)
	{
		my $last = $first + $at_once > $queries ? $queries : $first + $at_once;
		my $script = "$tempdir/$role.sql";
		my $number = $first;

		$node->safe_psql('postgres', <<"SQL");
SELECT dp_agg.drop_budget('$role', 'audited') FROM dp_agg.budgets WHERE role = '$role';
SELECT dp_agg.set_budget('$role', 'audited', epsilon => 1e9, delta => 0.999, accountant => '$accountant', forget => true);
SQL
		unlink $script;
		append_to_file($script, $settings . "$query;\n\\echo end\n" x ($last - $first) .
			"SELECT 'gaussian: ' || coalesce(bool_and(gaussian), false) FROM dp_agg.last_release();\n");
		open my $answers, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', "$connstr user=$role", '-f', $script
		  or die "could not run psql: $!";
		while (my $line = <$answers>)
		{
			chomp $line;
			if ($line eq 'end')
			{
				$sample{n}->[ part($number++) ] += $pair->{groups};
				next;
			}
			if ($line =~ /^gaussian: (\w+)$/)
			{
				die "noise is not Gaussian: $query\n" if $gaussian && $1 ne 'true';
				next;
			}
			my @answer = split /\|/, $line, -1;
			my $part = part($number);

			push @{ $sample{columns}->[$_]->[$part] }, $answer[$_] foreach 0 .. $#answer;
			$sample{rows}++;
		}
		close $answers or die "psql failed: $query\n";
		die "only $number of $last queries ran" if $number != $last;
	}
	return \%sample;
}

# Measures a pair: { points => [{ epsilon, delta, measured, event, often }, ...] of the claim, n, shown => { a, b },
# seconds }.
sub measure
{
	my ($seat, $pair, $part) = @_;
	my $start = time;
	my $releases = $pair->{releases} * $part;
	my %samples = map { $_ => sample("analyst$seat", $pair, table_name($pair, $_), $releases) } qw(a b);
	my $asked = time - $start;
	my @points = Statistics::tell_apart(
		@samples{qw(a b)},
		deltas => [ map { $_->{delta} } @{ $pair->{claim} } ],
		alpha => ALPHA,
		names => [ map { s/^\s+//r } split /,(?![^(]*\))/, $pair->{see} ],
		grain => $pair->{grain});
	my $found = { points => [ map { { %{ $pair->{claim}->[$_] }, %{ $points[$_] } } } 0 .. $#points ] };

	$found->{shown} = { map { $_ => $samples{$_}->{rows} } qw(a b) };
	$found->{n} = $samples{a}->{n}->[2];
	$found->{all} = $samples{a}->{n}->[0] + $samples{a}->{n}->[1] + $samples{a}->{n}->[2];
	$found->{seconds} = [ $asked, time - $start - $asked ];
	return $found;
}

# The point of the claim to show: the one that is passed by most; else that of the pair's epsilon.
sub point
{
	my ($pair, $found) = @_;
	my @passed = grep { $_->{measured} > $_->{epsilon} } @{ $found->{points} };

	return (sort { $b->{measured} - $b->{epsilon} <=> $a->{measured} - $a->{epsilon} } @passed)[0] //
	  (grep { $_->{epsilon} == $pair->{epsilon} } @{ $found->{points} })[0];
}

# What a pair broke, if anything.
sub broken
{
	my ($pair, $found) = @_;
	my @broken;

	return $found->{error} if $found->{error};
	my $point = point($pair, $found);

	push @broken, sprintf 'measured %.3f, claimed %g at delta %g', @{$point}{qw(measured epsilon delta)}
	  if $point->{measured} > $point->{epsilon};
	foreach my $side (split //, $pair->{never})
	{
		push @broken, "side $side showed in $found->{shown}->{$side} of $found->{all} releases, allowed none"
		  if $found->{shown}->{$side} > 0;
	}
	if (defined $pair->{rare})
	{
		my $shown = $found->{shown}->{ $pair->{rare} };

		push @broken, "side $pair->{rare} showed in $shown of $found->{all} releases, allowed $pair->{delta}"
		  if Statistics::at_least($shown, $found->{all}, ALPHA) > $pair->{delta};
	}
	return @broken;
}

# Prints what was found, also to the file that run.sh shows in the end.
sub figure
{
	my ($name, $pair, $found) = @_;

	return if $found->{error};
	my $point = point($pair, $found);
	my $measured = $point->{measured} > 0 ? $point->{measured} : 0;
	my $at = defined $pair->{gaussian} ? sprintf ' at delta %.3f', $point->{delta} : '';
	my $line = join '; ', sprintf('%6.3f of %g%s  %s, by: %s (%d against %d of %d)',
		$measured, $point->{epsilon}, $at, $name, $point->{event}, @{ $point->{often} }, $found->{n}),
	  broken($pair, $found);

	note(sprintf "$line; %.1f s to ask, %.1f s to tell apart", @{ $found->{seconds} });
	append_to_file($ENV{AUDIT_FIGURES}, "$line\n") if $ENV{AUDIT_FIGURES};
	return;
}

# ----------
# The tests
# ----------

my @asked = grep { $_->{name} =~ /$chosen/ } @pairs;
my %faults = Pairs::faults();
my @faults = grep { /$chosen/ } sort keys %faults;

# Tables, all before the first job that asks.
$node->safe_psql('postgres', join "\n", map { "CREATE ROLE analyst$_ LOGIN;" } 0 .. JOBS - 1);
foreach my $pair (@asked, map { $by_name{$_} } map { @{ $faults{$_} } } @faults)
{
	table_name($pair, $_) foreach qw(a b);
}
foreach my $made (run_jobs(\&make_table, map { [ $_, $tables{$_} ] } keys %tables))
{
	die $made->{error} if $made->{error};
}

# The build as it is.
ok(!Faulty::use_library($node, "$ENV{TESTDIR}/dp_agg.so"), 'the build has no fault');
my @found = run_jobs(\&measure, map { [ $_, 1 ] } @asked);

foreach my $i (0 .. $#asked)
{
	my $pair = $asked[$i];
	my $name = $pair->{name};
	my @broken = broken($pair, $found[$i]);

	figure($name, $pair, $found[$i]);
	ok(!@broken, "$name: within epsilon $pair->{epsilon}, delta $pair->{delta}") or diag(join "\n", @broken);
	cmp_ok(point($pair, $found[$i])->{measured} // -99, '>=', $pair->{power}, "$name: seen by the audit")
	  if defined $pair->{power};
}

# Builds with a fault.
foreach my $fault (@faults)
{
	ok(Faulty::use_library($node, Faulty::build($fault)), "$fault: the server warns of the build");

	my @seen_by = map { $by_name{$_} } @{ $faults{$fault} };
	my @found = run_jobs(\&measure, map { [ $_, $share_of_releases{$fault} // LESS ] } @seen_by);

	foreach my $i (0 .. $#seen_by)
	{
		my $name = "$fault: $seen_by[$i]->{name}";
		my @broken = broken($seen_by[$i], $found[$i]);

		figure($name, $seen_by[$i], $found[$i]);
		ok(@broken > 0 && !$found[$i]->{error}, "$name: caught");
	}
}

$node->stop;
done_testing();
