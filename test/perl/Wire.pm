# Wire.pm
#	A small client that speaks PostgreSQL's protocol, for tests that run many
#	statements and want everything the server says about each.
#
#	my $c = Wire->new($node->host, $node->port, 'analyst', 'postgres');
#	$c->send('SELECT 1', [ 'SELECT $1::int', 7 ], 'SELECT 2');     # pipelined
#	my @results = $c->receive;                                     # one for each
#
# A result is { state, error, notices, columns, rows, tags, copied }: the SQLSTATE,
# all fields of the error, a list of notices, a text that names the columns and
# their types, a list of rows (undef is NULL), the command tags, the lines of COPY.
# A statement with parameters goes through the extended protocol.

package Wire;

use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;

sub new
{
	my ($class, $host, $port, $user, $database, %opt) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => "$host/.s.PGSQL.$port") or return;
	my $self = bless {
		socket => $socket,
		select => IO::Select->new($socket),
		in => '',
		pending => [],
		timeout => $opt{timeout} // 60
	}, $class;
	my $start = pack('N', 196608) . join("\0", 'user', $user, 'database', $database, '') . "\0";

	syswrite $socket, pack('N', length($start) + 4) . $start;
	$self->{pending} = ['start'];
	my ($ready) = $self->receive;
	return $ready && $ready->{state} eq '00000' ? $self : undef;
}

sub message
{
	my ($type, $body) = @_;

	return $type . pack('N', length($body) + 4) . $body;
}

# send(STATEMENT...): a text, or [TEXT, PARAMETER...].
sub send
{
	my ($self, @statements) = @_;
	my $out = '';

	local $SIG{PIPE} = 'IGNORE';
	foreach my $statement (@statements)
	{
		if (ref $statement)
		{
			my ($sql, @params) = @$statement;

			utf8::encode($sql) if utf8::is_utf8($sql);
			$out .= message('P', "\0$sql\0" . pack('n', 0));
			$out .= message('B', "\0\0" . pack('n', 0) . pack('n', scalar @params)
				  . join('', map { defined $_ ? pack('N', length $_) . $_ : pack('N', 0xffffffff) } @params)
				  . pack('n', 0));
			$out .= message('D', "P\0") . message('E', "\0" . pack('N', 0)) . message('S', '');
		}
		else
		{
			my $sql = $statement;

			utf8::encode($sql) if utf8::is_utf8($sql);
			$out .= message('Q', "$sql\0");
		}
		push @{ $self->{pending} }, $statement;
	}
	while (length $out)
	{
		my $written = syswrite $self->{socket}, $out;

		last unless $written;
		substr($out, 0, $written) = '';
	}
	return;
}

# One message: its type and body, or nothing where the connection is lost or
# silent for too long.
sub next_message
{
	my ($self) = @_;

	for (;;)
	{
		if (length $self->{in} >= 5)
		{
			my ($type, $length) = unpack('aN', $self->{in});

			if (length $self->{in} > $length)
			{
				my $body = substr($self->{in}, 5, $length - 4);

				substr($self->{in}, 0, $length + 1) = '';
				return ($type, $body);
			}
		}
		return unless $self->{select}->can_read($self->{timeout});
		return unless sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
	}
}

sub fields
{
	my ($body) = @_;

	return { map { length $_ ? (substr($_, 0, 1) => substr($_, 1)) : () } split /\0/, $body };
}

sub row
{
	my ($body) = @_;
	my $n = unpack('n', $body);
	my $place = 2;
	my @row;

	for (1 .. $n)
	{
		my $length = unpack('N', substr($body, $place, 4));

		$place += 4;
		push(@row, undef), next if $length == 0xffffffff;
		push @row, substr($body, $place, $length);
		$place += $length;
	}
	return \@row;
}

sub columns
{
	my ($body) = @_;
	my $n = unpack('n', $body);
	my $place = 2;
	my @columns;

	for (1 .. $n)
	{
		my $end = index($body, "\0", $place);
		my $name = substr($body, $place, $end - $place);
		my (undef, undef, $type, undef, $typmod) = unpack('NnNnN', substr($body, $end + 1, 18));

		push @columns, "$name $type $typmod";
		$place = $end + 19;
	}
	return join ', ', @columns;
}

# receive(): a result for each statement sent.  state is 'lost' from where the
# connection was.
sub receive
{
	my ($self) = @_;
	my @results;

	while (@{ $self->{pending} })
	{
		my $r = { state => '00000', notices => [], columns => '', rows => [], tags => [], copied => 0 };

		shift @{ $self->{pending} };
		push @results, $r;
		if ($self->{lost})
		{
			$r->{state} = 'lost';
			next;
		}
		for (;;)
		{
			my ($type, $body) = $self->next_message;

			if (!defined $type)
			{
				$self->{lost} = 1;
				$r->{state} = 'lost';
				last;
			}
			last if $type eq 'Z';
			if ($type eq 'E')
			{
				$r->{error} = fields($body);
				$r->{state} = $r->{error}->{C};
			}
			elsif ($type eq 'N') { push @{ $r->{notices} }, fields($body); }
			elsif ($type eq 'T') { $r->{columns} .= '(' . columns($body) . ')'; }
			elsif ($type eq 'D') { push @{ $r->{rows} }, row($body); }
			elsif ($type eq 'C') { push @{ $r->{tags} }, $body =~ s/\0//r; }
			elsif ($type eq 'd') { $r->{copied}++; push @{ $r->{rows} }, [ split /\t/, $body =~ s/\n\z//r, -1 ]; }
			elsif ($type eq 'G') { syswrite $self->{socket}, message('f', "no\0"); }
		}
	}
	return @results;
}

1;
