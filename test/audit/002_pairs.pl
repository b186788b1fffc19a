# Epsilon as an observer could measure it: many releases about neighbours, through
# SQL and with the real noise, for every output (Pairs.pm); and modules with one
# fault each, which must not go unnoticed.
#
# An event is chosen on one half of the releases; on the other, exact bounds on
# its probabilities give a lower bound on epsilon (Statistics.pm), which is wrong with
# probability 1e-6 at most for each pair.  That is what the claim is compared with:
# about a hundred pairs of a correct build fail once in 10,000 runs.
#
#	SCALE=10		ten times as many releases
#	PAIRS=REGEX		only pairs, and faults, whose name matches

use strict;
use warnings;
use DpAgg;
use File::Copy 'copy';
use FindBin;
use lib $FindBin::Bin;
use Pairs;
use POSIX ();
use PostgreSQL::Test::Utils;
use Statistics;
use Storable;
use Test::More;
use Time::HiRes 'time';

use constant ALPHA => 1e-6;

# How many jobs run at a time.
use constant JOBS => 2;

# Releases a side for a fault, as a part of those of the pair; the first is subtle.
my %less = (NOISE_SCALE => 1);
use constant LESS => 0.2;

my $scale = $ENV{SCALE} || 1;
my $chosen = do { my $regex = $ENV{PAIRS} // ''; qr/$regex/ };	# an empty pattern by itself means another
my @pairs = Pairs::all($scale);
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
# The server: an installation of its own, so that its library can be exchanged
# ----------

my $prefix = "$tempdir/usr";
my ($bindir, $libdir) = map { s/^\Q$ENV{SANDBOX}\E\/usr/$prefix/r }
  map { chomp(my $dir = `pg_config --$_`); $dir } qw(bindir pkglibdir);

system_or_bail('cp', '-a', "$ENV{SANDBOX}/usr", $prefix);

my $node = PostgreSQL::Test::Cluster->new('audit', install_path => $bindir =~ s{/bin$}{}r);

$node->init;
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'dp_agg'
shared_buffers = 128MB
max_wal_size = 8GB
work_mem = 64MB
jit = off
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION dp_agg');

# The library that runs from now on.
sub use_library
{
	my ($file) = @_;

	$node->stop;
	unlink "$libdir/dp_agg.so";
	copy($file, "$libdir/dp_agg.so") or die "could not copy $file: $!";
	chmod 0755, "$libdir/dp_agg.so";
	my $logged = -s $node->logfile;
	$node->start;
	return slurp_file($node->logfile, $logged) =~ /gives no privacy/;
}

# ----------
# Releases
# ----------

# Aggregates that this build does not have.
sub missing
{
	my ($pair) = @_;
	my %names = map { $_ => 1 } $pair->{ask} =~ /\b(dp_\w+)\(/g;

	return grep { $node->safe_psql('postgres', "SELECT count(*) FROM pg_proc WHERE proname = '$_'") == 0 }
	  sort keys %names;
}

my %tables;

# The name of a side's table, which is made later if it is new.
sub table_name
{
	my ($pair, $side) = @_;

	return $tables{ Pairs::table($pair, $side) } //= 'table' . keys %tables;
}

# The part of a sample that a query's releases belong to: the first two choose the
# event, the third, one half of all, is for the bounds.
sub part { return (0, 2, 1, 2)[ $_[0] % 4 ] }

# Runs the queries of a side and returns the sample (Statistics.pm).
sub sample
{
	my ($role, $pair, $table, $releases) = @_;
	my $queries = 4 * POSIX::ceil($releases / $pair->{groups} / 4);
	# as many as an account pays for
	my $at_once = int(0.9 / $pair->{delta});
	my $settings = join '', map { "SET dp_agg.$_ = $pair->{$_};\n" } grep { defined $pair->{$_} }
	  qw(epsilon delta max_groups max_rows);
	my $query = Pairs::query($pair, $table);
	my $connstr = $node->connstr('postgres');
	my %sample = (n => [ 0, 0, 0 ], columns => [], rows => 0);

	for (my $first = 0; $first < $queries; $first += $at_once)
	{
		my $last = $first + $at_once > $queries ? $queries : $first + $at_once;
		my $script = "$tempdir/$role.sql";
		my $number = $first;

		$node->safe_psql('postgres', <<"SQL");
SELECT dp_agg.drop_budget('$role', 'audited') FROM dp_agg.budgets WHERE role = '$role';
SELECT dp_agg.set_budget('$role', 'audited', epsilon => 1e9, delta => 0.999);
SQL
		unlink $script;
		append_to_file($script, $settings . "$query;\n\\echo end\n" x ($last - $first));
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

# Measures a pair: { measured, event, often, n, shown => { a, b }, seconds }.
sub measure
{
	my ($seat, $pair, $part) = @_;
	my $start = time;
	my %samples = map { $_ => sample("analyst$seat", $pair, table_name($pair, $_), $pair->{releases} * $part) } qw(a b);
	my $asked = time - $start;
	my $found = Statistics::tell_apart(
		@samples{qw(a b)},
		delta => $pair->{delta},
		alpha => ALPHA,
		names => [ map { s/^\s+//r } split /,(?![^(]*\))/, $pair->{see} ],
		grain => $pair->{grain});

	$found->{shown} = { map { $_ => $samples{$_}->{rows} } qw(a b) };
	$found->{n} = $samples{a}->{n}->[2];
	$found->{all} = $samples{a}->{n}->[0] + $samples{a}->{n}->[1] + $samples{a}->{n}->[2];
	$found->{seconds} = [ $asked, time - $start - $asked ];
	return $found;
}

# What a pair broke, if anything.
sub broken
{
	my ($pair, $found) = @_;
	my @broken;

	push @broken, sprintf 'measured %.3f, claimed %g', $found->{measured}, $pair->{epsilon}
	  if $found->{measured} > $pair->{epsilon};
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

sub describe
{
	my ($found) = @_;

	return sprintf '%6.3f by: %s (%d against %d of %d); %.1f + %.1f s', $found->{measured} > -9 ? $found->{measured} : 0,
	  $found->{event}, @{ $found->{often} }, $found->{n}, @{ $found->{seconds} };
}

# ----------
# The tests
# ----------

my %missing = map { $_->{name} => [ missing($_) ] } @pairs;
my @asked = grep { $_->{name} =~ /$chosen/ && !@{ $missing{ $_->{name} } } } @pairs;
my %faults = %{ Pairs::faults() };
my @faults = grep { /$chosen/ } sort keys %faults;

# Tables, all before the first job that asks.
$node->safe_psql('postgres', join "\n", map { "CREATE ROLE analyst$_ LOGIN;" } 0 .. JOBS - 1);
table_name(@$_) foreach map { my $pair = $_; map { [ $pair, $_ ] } qw(a b) } @asked, map { $by_name{$_} } map { @{ $faults{$_} } } @faults;
foreach my $made (run_jobs(
	sub { my (undef, $sql, $name) = @_; $node->safe_psql('postgres', $sql =~ s/\bNAME\b/$name/gr); return {}; },
	map { [ $_, $tables{$_} ] } keys %tables))
{
	die $made->{error} if $made->{error};
}

# The build as it is.
ok(!use_library("$ENV{TESTDIR}/dp_agg.so"), 'the build has no fault');
my @found = run_jobs(\&measure, map { [ $_, 1 ] } @asked);
my %found = map { $asked[$_]->{name} => $found[$_] } 0 .. $#asked;

foreach my $pair (grep { $_->{name} =~ /$chosen/ } @pairs)
{
  SKIP:
	{
		my $name = $pair->{name};
		my $found = $found{$name};

		skip "$name: no @{ $missing{$name} } yet", 1 if @{ $missing{$name} };
		if ($found->{error})
		{
			fail($name);
			diag($found->{error});
			next;
		}
		my @broken = broken($pair, $found);

		note("$name: " . describe($found));
		ok(!@broken, sprintf '%s: within epsilon %g, delta %g', $name, @{$pair}{qw(epsilon delta)}) or diag(join "\n", @broken);
		cmp_ok($found->{measured}, '>=', $pair->{power}, "$name: seen by the audit") if defined $pair->{power};
	}
}

# Builds with a fault.
foreach my $fault (@faults)
{
	system_or_bail('make', '-s', '-C', $ENV{TESTDIR}, '-j', JOBS, 'fault', "FAULT=$fault");
	ok(use_library("$ENV{TESTDIR}/.build/fault/$fault/dp_agg.so"), "$fault: the server warns of the build");

	my @names = @{ $faults{$fault} };
	my @found = run_jobs(\&measure, map { [ $by_name{$_}, $less{$fault} // LESS ] } @names);

	foreach my $i (0 .. $#names)
	{
		my @broken = $found[$i]->{error} ? () : broken($by_name{ $names[$i] }, $found[$i]);

		diag($found[$i]->{error}) if $found[$i]->{error};
		note("$fault, $names[$i]: " . describe($found[$i])) if !$found[$i]->{error};
		ok(@broken > 0, "$fault is caught by: $names[$i]" . (@broken ? ": $broken[0]" : ''));
	}
}

$node->stop;
done_testing();
