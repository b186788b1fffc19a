# speed.pm
#	How speed.pl measures: sessions that last, queries in turn, medians, peak
#	memory; and its table of results.

package speed;

use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(:flock);
use IPC::Open2;
use POSIX ();
use Time::HiRes;

our @EXPORT = qw(sql value progress session ask groups alternate median result result_line
	describe machine peak_memory locked);

my $rounds = $ENV{ROUNDS} || 5;

# ----------
# Asking
# ----------

sub progress
{
	my ($text) = @_;

	print STDERR POSIX::strftime('%H:%M:%S ', gmtime), $text, "\n";
	return;
}

# Runs statements as the superuser, in a session of their own; returns its output.
sub sql
{
	my ($statements, @options) = @_;
	my $pid = open2(my $out, my $in, qw(psql -XqAt -U postgres -v ON_ERROR_STOP=1), @options);

	print $in "SET client_min_messages = warning;\n$statements\n";
	close $in;
	local $/;
	my $result = <$out>;
	waitpid $pid, 0;
	die "psql failed:\n$statements\n" if $?;
	return $result;
}

sub value
{
	my $value = sql("$_[0];");

	chomp $value;
	return $value;
}

# A psql that stays connected: role, settings as SQL.  Ends with the script.
sub session
{
	my ($role, $settings) = @_;
	my %session = (role => $role);

	$session{pid} = open2($session{out}, $session{in}, qw(psql -XqAt -v ON_ERROR_STOP=1 -U), $role);
	$session{in}->autoflush(1);
	print { $session{in} } "SET client_min_messages = warning;\n", $settings // '', "\n\\timing on\n";
	$session{backend} = lines(\%session, 'SELECT pg_backend_pid();')->[0];
	return \%session;
}

# Sends a statement and returns what psql printed, the time it took at the end.
sub lines
{
	my ($session, $statement) = @_;
	my @lines;

	print { $session->{in} } "$statement\n\\echo end of answer\n";
	while (defined(my $line = readline $session->{out}))
	{
		chomp $line;
		return \@lines if $line eq 'end of answer';
		push @lines, $line;
	}
	die "$session->{role}'s session ended at: $statement\n";
}

# Milliseconds that a statement takes, as psql sees it.
sub ask
{
	my ($session, $query) = @_;
	my ($ms) = lines($session, "\\o /dev/null\n$query;\n\\o")->[-1] =~ /^Time: ([0-9.]+) ms/
	  or die "no time for: $query\n";

	return $ms;
}

# How many rows a query returns.
sub groups
{
	my ($session, $query) = @_;

	return @{ lines($session, "$query;") } - 1;
}

# ----------
# Measuring
# ----------

sub median
{
	my @x = sort { $a <=> $b } @_;

	return ($x[ $#x / 2 ] + $x[ @x / 2 ]) / 2;
}

# Runs code while nobody else who takes the same lock measures on this machine.
sub locked
{
	my ($code) = @_;
	my $lock;

	return $code->() unless $ENV{LOCK};
	open $lock, '<', $ENV{LOCK} or die "$ENV{LOCK}: $!\n";
	flock $lock, LOCK_EX or die "$ENV{LOCK}: $!\n";
	return $code->();
}

# Medians of the milliseconds of queries ([session, query]...) that run in turn,
# forth and back.  What takes less than half a second runs three times as often.
sub alternate
{
	my @queries = @_;

	return @{ locked(sub {
		my @ms = map { [] } @queries;
		my $slowest = (sort { $b <=> $a } map { ask(@$_) } @queries)[0];

		foreach my $round (1 .. $rounds * ($slowest < 500 ? 3 : 1))
		{
			foreach my $i ($round % 2 ? 0 .. $#queries : reverse 0 .. $#queries)
			{
				push @{ $ms[$i] }, ask(@{ $queries[$i] });
			}
		}
		return [ map { median(@$_) } @ms ];
	}) };
}

# A field of /proc/PID/status in kB.
sub status_kb
{
	my ($pid, $field) = @_;

	open my $in, '<', "/proc/$pid/status" or return 0;
	while (<$in>)
	{
		return $1 if /^$field:\s+(\d+)/;
	}
	return 0;
}

# The processes that a postmaster has started.
sub processes_of
{
	my ($postmaster) = @_;

	open my $in, '<', "/proc/$postmaster/task/$postmaster/children" or return ();
	return split ' ', <$in> // '';
}

# kB of dynamic shared memory that processes have mapped, each segment once.
sub dynamic_kb
{
	my %segments;

	foreach my $pid (@_)
	{
		open my $in, '<', "/proc/$pid/maps" or next;
		while (<$in>)
		{
			$segments{$1} = 1 if m{(/dev/shm/PostgreSQL\.\d+)};
		}
	}
	my $kb = 0;
	$kb += ((stat $_)[12] // 0) / 2 foreach keys %segments;
	return $kb;
}

# The most memory, in MB, that all processes of the server had at once while the
# query ran: what is their own (RssAnon: shared buffers are not) and dynamic
# shared memory, above what they had before.
sub peak_memory
{
	my ($role, $settings, $query) = @_;
	my $postmaster = value("SELECT pg_read_file('postmaster.pid')");
	my ($base, $peak);

	$postmaster =~ s/\n.*//s;
	my $now = sub {
		my @pids = processes_of($postmaster);
		my $kb = dynamic_kb(@pids);

		$kb += status_kb($_, 'RssAnon') foreach @pids;
		return $kb;
	};
	my $fresh = session($role, $settings);
	$peak = $base = $now->();
	print { $fresh->{in} } "\\o /dev/null\n$query;\n\\o\n\\echo end of answer\n";
	my $ready = '';
	vec($ready, fileno $fresh->{out}, 1) = 1;
	until (select my $r = $ready, undef, undef, 0.005)
	{
		my $kb = $now->();

		$peak = $kb if $kb > $peak;
	}
	close $fresh->{in};
	my @answer = readline $fresh->{out};
	waitpid $fresh->{pid}, 0;
	die "failed: $query\n" if $? || !grep { /^Time:/ } @answer;
	return ($peak - $base) / 1024;
}

# ----------
# Results
# ----------

# Keeps a line for who reads the results later.
sub record
{
	my @fields = @_;

	return unless $ENV{RESULTS};
	open my $out, '>>', $ENV{RESULTS} or die "$ENV{RESULTS}: $!\n";
	print $out join("\t", @fields), "\n";
	close $out or die "$ENV{RESULTS}: $!\n";
	return;
}

# result(work, shape, against, unit, base, release, limit, kind)
#	kind ratio: release / base is to be at most the limit; least: at least;
#	more: release - base at most; a limit of '' is none.
sub result
{
	my ($work, $shape, $against, $unit, $base, $release, $limit, $kind) = @_;
	my $value = ($kind // 'ratio') eq 'more' ? $release - $base : $release / $base;
	my $within = $limit eq '' ? '' : (($kind // '') eq 'least' ? $value >= $limit : $value <= $limit) ? 'ok' : 'over';
	my @line = ($work, $shape, $against, $unit, $base, $release, $kind // 'ratio', $value, $limit, $within);

	record(@line);
	print result_line(@line);
	return;
}

# A number with about three digits.
sub short
{
	my ($x) = @_;

	return sprintf abs $x < 9.995 ? '%.2f' : abs $x < 99.95 ? '%.1f' : '%.0f', $x;
}

sub result_line
{
	my ($work, $shape, $against, $unit, $base, $release, $kind, $value, $limit, $within) = @_;
	my %sign = (ratio => '<= ', least => '>= ', more => '<= +');
	my $ratio = $kind eq 'more' ? sprintf('%+.2f', $value) : sprintf('%.*f', $value < 0.995 ? 3 : 2, $value);

	return sprintf "%-52s %-26s %9s %9s %-5s %7s %9s %s\n", $shape, $against, short($base), short($release), $unit,
	  $ratio, $limit eq '' ? '' : $sign{$kind} . $limit, $within;
}

# The first line of the results.
sub describe
{
	my ($text) = @_;

	record('machine', $text);
	print "$text\n\n";
	return;
}

# The machine, as a line of text.
sub machine
{
	my ($model, $kb);
	my $cores = 0;

	open my $cpu, '<', '/proc/cpuinfo' or die "/proc/cpuinfo: $!\n";
	while (<$cpu>)
	{
		$cores++ if /^processor/;
		$model = $1 if /^model name\s*:\s*(.*?)\s*$/;
	}
	open my $memory, '<', '/proc/meminfo' or die "/proc/meminfo: $!\n";
	while (<$memory>)
	{
		$kb = $1 if /^MemTotal:\s+(\d+)/;
	}
	return sprintf '%d cores%s, %.0f GB, PostgreSQL %s', $cores, defined $model ? " ($model)" : '',
	  $kb / 1024**2, value('SHOW server_version') =~ s/ .*//r;
}

1;
