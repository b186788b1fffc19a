# harness.pl JOBS COUNTS FAILURES
#	Runs the test files of all suites, several at a time, and says on the way which
#	file of how many begins, what fails, and how long each took.
#
# Each line of JOBS is "seats <tab> suite <tab> file <tab> command", in the order in which
# they begin; a file that keeps two processes busy takes two seats.
# A command prints TAP, or ends with a line "N passed, N failed[, N skipped]".
# COUNTS gets a line "suite passed failed skipped" for every suite, FAILURES the names of
# what failed.  A command that ends with an error and names no failed test, or that
# prints broken TAP, counts as one failure, one that skips everything as one skipped.
#
#	TEST_JOBS=N				how many seats there are (default: see below)
#	TEST_DEADLINE=SECONDS	since 1970, when to give up
#
# At the deadline the harness tells what was running and what was left, ends what runs and
# counts what has passed; each suite that was not done gets one failure.

use strict;
use warnings;
use IO::Select;
use List::Util 'sum0';
use POSIX qw(WNOHANG strftime);
use TAP::Parser;
use Time::HiRes qw(sleep time);

# What says that something failed: TAP, and pg_regress.
use constant FAILURE => qr/^not ok\b(?!.*# TODO)|^test \S+ +\.\.\. FAILED/i;

use constant GRACE => 20;		# seconds for a test to stop its servers
use constant SILENCE => 60;		# seconds after which we say what is running

my ($jobs_file, $counts_file, $failures_file) = @ARGV;
my $deadline = $ENV{TEST_DEADLINE} || 9**9**9;
my @jobs = read_jobs($jobs_file);
my $seats = $ENV{TEST_JOBS} || processors() + 1;
my %running;					# by process
my %counts;						# by suite: [ passed, failed, skipped ]
my @suites;						# in the order in which we met them
my $select = IO::Select->new;
my %stream;						# by file handle: { job, name, rest }
my $spoken = time;
my $begun = 0;					# how many jobs

$| = 1;

# Tests wait now and then, for a lock or a server that starts: one seat more than there
# are processors keeps those busy.
sub processors
{
	chomp(my $n = `nproc` || 1);
	return $n;
}

sub read_jobs
{
	my ($file) = @_;
	my @list;

	open my $in, '<', $file or die "could not read $file: $!";
	while (my $line = <$in>)
	{
		chomp $line;
		my ($wants, $suite, $name, $command) = split /\t/, $line, 4;

		push @list, { seats => $wants, suite => $suite, name => $name, command => $command, out => '' };
	}
	close $in;
	return @list;
}

# ----------
# What a reader sees
# ----------

sub say_line
{
	print strftime('%H:%M:%S ', localtime), @_, "\n";
	$spoken = time;
	return;
}

sub label
{
	my ($job) = @_;
	my $all = @jobs;

	return sprintf '[%*d/%d] %s', length $all, $job->{number}, $all, $job->{name};
}

# How long it takes, or took.
sub seconds { return sprintf '%.1f s', time - $_[0]->{begun} }

sub in_progress
{
	return join ', ', map { "$_->{name} (" . seconds($_) . ')' } sort { $a->{number} <=> $b->{number} } values %running;
}

# Keeps the name of a failure for the end.
sub note_failures
{
	my ($name, @lines) = @_;

	open my $out, '>>', $failures_file or die "could not write $failures_file: $!";
	print $out map { "$name: $_\n" } @lines;
	close $out or die "could not write $failures_file: $!";
	return;
}

# What a test died of: PostgreSQL::Test::Utils sends that to a log file.
sub last_words
{
	my ($job) = @_;
	my $log = 'tmp_check/log/regress_log_' . $job->{name} =~ s{.*/|\.pl$}{}gr;

	open my $in, '<', $log or return;
	my @lines = <$in>;
	chomp @lines;
	# without the servers, which end after it
	my ($end) = grep { $lines[$_] =~ /^### Stopping node/ } reverse 0 .. $#lines;
	$#lines = $end - 1 if defined $end && $end > 0;
	return @lines[ (@lines > 5 ? @lines - 5 : 0) .. $#lines ];
}

# Keeps what a job printed, where dev/test finds it.
sub keep_output
{
	my ($job) = @_;
	my $file = 'tmp_check/log/' . $job->{name} =~ s{.*/}{}r . '.out';

	mkdir $_ foreach qw(tmp_check tmp_check/log);
	open my $out, '>', $file or die "could not write $file: $!";
	print $out $job->{out};
	close $out or die "could not write $file: $!";
	return;
}

# ----------
# Running
# ----------

sub begin
{
	my ($job) = @_;

	pipe my $out, my $out_end or die "could not make a pipe: $!";
	pipe my $err, my $err_end or die "could not make a pipe: $!";
	$job->{number} = ++$begun;
	say_line(label($job));
	$job->{begun} = time;
	$job->{pid} = fork() // die "could not fork: $!";
	if ($job->{pid} == 0)
	{
		open STDOUT, '>&', $out_end;
		open STDERR, '>&', $err_end;
		close $_ foreach $out, $err, $out_end, $err_end;
		exec('/bin/sh', '-c', "exec $job->{command}") or POSIX::_exit(127);
	}
	$running{ $job->{pid} } = $job;
	foreach ([ $out, 'out' ], [ $err, 'err' ])
	{
		my ($handle, $name) = @$_;

		$handle->blocking(0);
		$select->add($handle);
		$stream{$handle} = { handle => $handle, job => $job, name => $name, rest => '' };
	}
	return;
}

# One line of what a job prints: failures and what goes to standard error at once.
sub heard
{
	my ($stream, $line) = @_;
	my $job = $stream->{job};

	if ($stream->{name} eq 'err')
	{
		say_line("$job->{name}: $line");
		return;
	}
	$job->{out} .= "$line\n";
	say_line("$job->{name}: $line") if $line =~ FAILURE || $line =~ /^Bail out!/i;
	return;
}

# Reads what is there; false at the end of the stream.
sub hear
{
	my ($stream) = @_;

	while (1)
	{
		my $n = sysread $stream->{handle}, $stream->{rest}, 65536, length $stream->{rest};

		heard($stream, $1) while $stream->{rest} =~ s/\A([^\n]*)\n//;
		next if $n;
		return 1 if !defined $n && ($!{EAGAIN} || $!{EINTR});
		return 0;
	}
}

sub forget
{
	my ($stream) = @_;

	heard($stream, $stream->{rest}) if $stream->{rest} ne '';
	$select->remove($stream->{handle});
	delete $stream{ $stream->{handle} };
	close $stream->{handle};
	return;
}

# Waits for output, half a second at most: what a job left running may keep the pipe of
# a job open that has ended.  Then takes leave of jobs that have ended.
sub wait_a_little
{
	foreach my $handle ($select->can_read(%stream ? 0.5 : 0))
	{
		my $stream = $stream{$handle};

		forget($stream) if !hear($stream);
	}
	sleep 0.05 if !%stream;
	while ((my $pid = waitpid(-1, WNOHANG)) > 0)
	{
		my $status = $?;
		my $job = delete $running{$pid} // next;

		foreach my $stream (grep { $_->{job} == $job } values %stream)
		{
			hear($stream);
			forget($stream);
		}
		finished($job, $status);
	}
	return;
}

# ----------
# Counting
# ----------

sub add_counts
{
	my ($suite, @add) = @_;

	push @suites, $suite if !$counts{$suite};
	$counts{$suite} //= [ 0, 0, 0 ];
	$counts{$suite}->[$_] += $add[$_] foreach 0 .. 2;
	return;
}

# Of a job's output: passed, failed, skipped, and the lines that say what failed.
sub judge
{
	my ($job) = @_;

	if ($job->{out} =~ /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\n\z/m)
	{
		return ($1, $2, $3 // 0, grep { $_ =~ FAILURE } split /\n/, $job->{out});
	}
	return $job->{ended} ? (0, 0, 0) : (0, 1, 0, 'prints nothing') if $job->{out} !~ /\S/;
	my $parser = TAP::Parser->new({ tap => $job->{out} });
	my @lines;

	while (my $result = $parser->next)
	{
		push @lines, $result->as_string if $result->is_test && !$result->is_ok;
	}
	my $failed = () = $parser->failed;
	my $skipped = () = $parser->skipped;
	my $passed = $parser->tests_run - $failed - $skipped;

	$skipped++ if defined $parser->skip_all;
	if ($parser->parse_errors && !$job->{ended})
	{
		push @lines, $parser->parse_errors;
		$failed ||= 1;
	}
	return ($passed > 0 ? $passed : 0, $failed, $skipped, @lines);
}

sub finished
{
	my ($job, $status) = @_;
	my ($passed, $failed, $skipped, @lines) = eval { judge($job) };

	($passed, $failed, $skipped, @lines) = (0, 1, 0, "its output is unreadable: $@") if $@;

	if ($status != 0 && !$job->{ended})
	{
		push @lines, last_words($job) if !grep { $_ =~ FAILURE } @lines;
		push @lines, 'ended with ' . ($status & 127 ? 'signal ' . ($status & 127) : 'exit code ' . ($status >> 8));
		$failed ||= 1;
	}
	note_failures($job->{name}, @lines) if @lines;
	keep_output($job) if $failed;
	add_counts($job->{suite}, $passed, $failed, $skipped);
	say_line(label($job), ': ', $job->{ended} ? 'ended' : $failed ? 'FAILED' : 'ok', ', ', seconds($job), ", $passed passed",
		$failed ? ", $failed failed" : '', $skipped ? ", $skipped skipped" : '');
	return;
}

# ----------
# All of them
# ----------

# Takes the first job that finds seats out of the queue, if there is one.
sub next_job
{
	my ($queue) = @_;
	my $free = $seats - sum0(map { $_->{seats} } values %running);

	foreach my $i (0 .. $#$queue)
	{
		return splice @$queue, $i, 1 if $queue->[$i]->{seats} <= $free || !%running;
	}
	return;
}

sub out_of_time
{
	my @left = @_;
	my @begun = sort { $a->{number} <=> $b->{number} } values %running;
	my %late;

	say_line('Out of time.  Running: ', in_progress() || 'nothing', '.  Not begun: ', join(', ', map { $_->{name} } @left) || 'none', '.');
	foreach my $job (@begun, @left)
	{
		push @{ $late{ $job->{suite} } }, "$job->{name} (" . ($job->{pid} ? 'running' : 'not begun') . ')';
	}
	$_->{ended} = 1 foreach @begun;
	kill 'TERM', keys %running;
	my $until = time + GRACE;
	wait_a_little() while %running && time < $until;
	kill 'KILL', keys %running;
	wait_a_little() while %running;
	foreach my $suite (sort keys %late)
	{
		note_failures($suite, 'out of time: ' . join ', ', @{ $late{$suite} });
		add_counts($suite, 0, 1, 0);
	}
	return;
}

my @queue = @jobs;

while (@queue || %running)
{
	if (time >= $deadline)
	{
		out_of_time(@queue);
		last;
	}
	while (my $job = next_job(\@queue))
	{
		begin($job);
	}
	wait_a_little();
	say_line('Running: ', in_progress()) if %running && time - $spoken > SILENCE;
}

open my $out, '>>', $counts_file or die "could not write $counts_file: $!";
print $out map { "$_ @{ $counts{$_} }\n" } @suites;
close $out or die "could not write $counts_file: $!";
exit(0);
