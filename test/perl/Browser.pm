# Browser.pm
#	Chromium without a window, for the TAP tests of pages.
#
#	plan skip_all => $why if my $why = Browser::missing();
#	my $browser = Browser->new;                  # ends with the object
#	$browser->open("file:///tmp/page.html");
#	is($browser->value('document.title'), 'Title');
#	$browser->screenshot('page.png', 1200, 900);
#
# It is spoken to in the DevTools protocol, over two pipes: messages of JSON, each ended by a
# zero byte.  It runs as the tests' user, whose kernel may give it no sandbox of its own.

package Browser;

use strict;
use warnings;
use Fcntl qw(F_DUPFD);
use File::Temp ();
use IO::Select;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(sleep time);

use constant PATIENCE => 60;	# seconds for one answer

my ($program) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};

# Why there is none, or nothing.
sub missing
{
	return defined $program ? undef : 'no browser: Debian has it in package chromium';
}

sub new
{
	my ($class) = @_;
	my $self = bless { id => 0, rest => '', home => File::Temp->newdir, events => [] }, $class;

	pipe my $in, $self->{in} or die "could not make a pipe: $!";
	pipe $self->{out}, my $out or die "could not make a pipe: $!";
	$self->{pid} = fork() // die "could not fork: $!";
	if ($self->{pid} == 0)
	{
		# it reads from 3 and writes to 4
		my ($from, $to) = map { fcntl($_, F_DUPFD, 10) } $in, $out;

		setpgrp;
		POSIX::dup2($from, 3);
		POSIX::dup2($to, 4);
		POSIX::close($_) foreach $from, $to;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$self->{home}/log";
		open STDERR, '>&', \*STDOUT;
		$ENV{HOME} = $ENV{XDG_CONFIG_HOME} = $ENV{XDG_CACHE_HOME} = "$self->{home}";
		exec($program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run',
			'--disable-background-networking', '--remote-debugging-pipe', "--user-data-dir=$self->{home}/profile", 'about:blank')
		  or POSIX::_exit(127);
	}
	close $_ foreach $in, $out;
	$self->{in}->autoflush(1);
	my ($page) = grep { $_->{type} eq 'page' } @{ $self->call('Target.getTargets')->{targetInfos} };
	$self->{session} = $self->call('Target.attachToTarget', { targetId => $page->{targetId}, flatten => JSON::PP::true })->{sessionId};
	$self->call($_) foreach 'Page.enable', 'Runtime.enable', 'Log.enable', 'Network.enable';
	return $self;
}

# call(METHOD, PARAMETERS): its result; events that come meanwhile are kept.
sub call
{
	my ($self, $method, $parameters) = @_;
	my $id = ++$self->{id};

	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } JSON::PP->new->utf8->encode({ id => $id, method => $method, params => $parameters // {},
			$self->{session} ? (sessionId => $self->{session}) : () }), "\0";
	while (1)
	{
		my $message = $self->message;

		push @{ $self->{events} }, $message if exists $message->{method};
		next if ($message->{id} // 0) != $id;
		die "$method: $message->{error}->{message}" if $message->{error};
		return $message->{result};
	}
}

sub message
{
	my ($self) = @_;
	my $deadline = time + PATIENCE;

	while (1)
	{
		return JSON::PP->new->utf8->decode($1) if $self->{rest} =~ s/\A([^\0]*)\0//;
		my $left = $deadline - time;

		die 'the browser does not answer' if $left <= 0 || !IO::Select->new($self->{out})->can_read($left);
		sysread($self->{out}, $self->{rest}, 1 << 16, length $self->{rest}) or die 'the browser has ended';
	}
}

# open(URL): and wait until it is there.
sub open
{
	my ($self, $url) = @_;
	my $failure = $self->call('Page.navigate', { url => $url })->{errorText};

	die "$url: $failure" if $failure;
	$self->until('document.readyState == "complete"');
	return;
}

# value(EXPRESSION): what JavaScript makes of it, as JSON has it.
sub value
{
	my ($self, $expression) = @_;
	my $result = $self->call('Runtime.evaluate', { expression => $expression, returnByValue => JSON::PP::true, awaitPromise => JSON::PP::true });

	die "$expression: $result->{exceptionDetails}->{exception}->{description}" if $result->{exceptionDetails};
	return $result->{result}->{value};
}

# until(EXPRESSION): waits until it is true.
sub until
{
	my ($self, $expression) = @_;
	my $deadline = time + PATIENCE;

	until ($self->value("Boolean($expression)"))
	{
		die "it does not become true: $expression" if time > $deadline;
		sleep 0.05;
	}
	return;
}

# look(MEDIA, SCHEME, WIDTH): "screen" or "print", "light" or "dark"
sub look
{
	my ($self, $media, $scheme, $width) = @_;

	$self->call('Emulation.setEmulatedMedia', { media => $media, features => [ { name => 'prefers-color-scheme', value => $scheme } ] });
	$self->call('Emulation.setDeviceMetricsOverride', { width => $width, height => 900, deviceScaleFactor => 1, mobile => JSON::PP::false });
	return;
}

# screenshot(FILE): all of the page, as PNG.
sub screenshot
{
	my ($self, $file) = @_;
	my $picture = $self->call('Page.captureScreenshot', { format => 'png', captureBeyondViewport => JSON::PP::true });

	CORE::open my $out, '>:raw', $file or die "could not write $file: $!";
	print $out decode_base64($picture->{data});
	close $out or die "could not write $file: $!";
	return;
}

# complaints(): errors, and what the page has asked others for.
sub complaints
{
	my ($self) = @_;

	$self->value('1');	# what has been said by now
	return map {
		my $p = $_->{params};
		$_->{method} eq 'Runtime.exceptionThrown' ? $p->{exceptionDetails}->{text} : $_->{method} eq 'Log.entryAdded' ? "$p->{entry}->{level}: $p->{entry}->{text}" : ()
	} @{ $self->{events} };
}

# requests(): addresses that it has asked for since it began.
sub requests
{
	my ($self) = @_;

	return map { $_->{params}->{request}->{url} } grep { $_->{method} eq 'Network.requestWillBeSent' } @{ $self->{events} };
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $@);
	kill 'KILL', -$self->{pid} if $self->{pid};
	waitpid $self->{pid}, 0 if $self->{pid};
	return;
}

1;
