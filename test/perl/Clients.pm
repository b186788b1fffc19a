# Clients.pm
#	Many psql clients at once, for the TAP tests of dp_agg.
#
#	my @clients = map { Clients::start($node, 'analyst', $script) } 1 .. 16;
#	my @results = Clients::finish(60, @clients);
#
# Each client is a process of its own, so the test is free to kill things while
# they run.

package Clients;

use strict;
use warnings;
use File::Temp ();
use POSIX ':sys_wait_h';
use PostgreSQL::Test::Utils;
use Time::HiRes 'sleep', 'time';

# statement(SQL): one statement of a script.  After its rows there is, unless the
# connection is gone, a line "state SQLSTATE".
sub statement
{
	my ($sql) = @_;

	return "$sql\n;\n\\echo state :SQLSTATE\n";
}

# start(NODE, ROLE, SCRIPT, %options) runs a script past its errors.
# Options: db => 'postgres'.
sub start
{
	my ($node, $role, $script, %opt) = @_;
	my $connstr = $node->connstr($opt{db} // 'postgres') . " user='$role'";
	my %client = map { $_ => File::Temp->new } qw(in out err);

	$client{in}->print("\\pset format unaligned\n\\pset tuples_only on\n$script");
	$client{in}->flush;
	$client{pid} = fork() // die "could not fork: $!";
	if ($client{pid} == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $client{out};
		open STDERR, '>&', $client{err};
		exec('psql', '-X', '-q', '-v', 'VERBOSITY=verbose', '-d', $connstr, '-f', $client{in}->filename)
		  or POSIX::_exit(127);
	}
	return \%client;
}

# finish(SECONDS, CLIENT...) waits for clients, and kills those that take longer.
# Returns for each { out, err, hung, rows, states }: rows is how many lines were
# printed besides the states, states counts the SQLSTATEs.
sub finish
{
	my ($seconds, @clients) = @_;
	my $deadline = time + $seconds;
	my @results;

	foreach my $client (@clients)
	{
		my %result = (hung => 0, rows => 0, states => {});

		while (waitpid($client->{pid}, WNOHANG) == 0)
		{
			if (time > $deadline)
			{
				$result{hung} = 1;
				kill 'KILL', $client->{pid};
				waitpid($client->{pid}, 0);
				last;
			}
			sleep 0.01;
		}
		$result{out} = slurp_file($client->{out}->filename);
		$result{err} = slurp_file($client->{err}->filename);
		foreach my $line (split /\n/, $result{out})
		{
			# psql knows no state if it lost the connection while sending
			next if $line eq 'state ';
			if ($line =~ /^state (\w{5})$/)
			{
				$result{states}->{$1}++;
			}
			else
			{
				$result{rows}++;
			}
		}
		push @results, \%result;
	}
	return @results;
}

# total(RESULT...): { hung, rows, states } of all clients together.
sub total
{
	my %sum = (hung => 0, rows => 0, states => {});

	foreach my $result (@_)
	{
		$sum{$_} += $result->{$_} foreach qw(hung rows);
		$sum{states}->{$_} += $result->{states}->{$_} foreach keys %{ $result->{states} };
	}
	return \%sum;
}

1;
