# relay.pl FILE PORT...
#	Stands between who connects and servers on ports of 127.0.0.1, and counts bytes: for each server it
#	listens on another port.  Prints these ports, one a line, and keeps in FILE how many bytes went to the
#	servers and how many came from them.  Ends with its standard input.

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($file, @ports) = @ARGV;
my ($to, $from) = (0, 0);
my (%server, %peer, %upwards);

# What has been counted is there as a whole or not yet.
sub note
{
	open my $out, '>', "$file.new" or die "$file: $!\n";
	print $out "$to $from\n";
	close $out or die "$file: $!\n";
	rename "$file.new", $file or die "$file: $!\n";
	return;
}

my $select = IO::Select->new(\*STDIN);

$| = 1;
$SIG{PIPE} = 'IGNORE';
note();
foreach my $port (@ports)
{
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128) or die "no port: $!\n";

	$server{$listener} = $port;
	$select->add($listener);
	print $listener->sockport, "\n";
}
while (1)
{
	foreach my $socket ($select->can_read)
	{
		exit 0 if $socket == \*STDIN;
		if (my $port = $server{$socket})
		{
			my $client = $socket->accept or next;
			my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "port $port: $!\n";

			$select->add($client, $server);
			@peer{ $client, $server } = ($server, $client);
			$upwards{$client} = 1;
			next;
		}
		my $other = $peer{$socket} or next;
		my $n = sysread $socket, my $bytes, 1 << 20;

		if (!$n)
		{
			$select->remove($socket, $other);
			delete @peer{ $socket, $other };
			close $_ foreach $socket, $other;
			next;
		}
		for (my $written = 0; $written < $n;)
		{
			$written += syswrite($other, $bytes, $n - $written, $written) // last;
		}
		($upwards{$socket} ? $to : $from) += $n;
		note();
	}
}
