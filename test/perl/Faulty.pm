# Faulty.pm
#	A server whose library can be exchanged, for builds with one fault (DP_FAULT_
#	in src/, `make fault`): an installation of its own, copied from the sandbox's.
#
#	my $node = Faulty::node('audit', $conf);    # initialized, not started
#	Faulty::use_library($node, Faulty::build('GATE_OFF'));   # starts it, or anew

package Faulty;

use strict;
use warnings;
use Fcntl ':flock';
use File::Basename 'dirname';
use File::Copy 'copy';
use File::Path 'make_path';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my %libdir;    # by name of the node

sub node
{
	my ($name, $conf) = @_;
	my $prefix = PostgreSQL::Test::Utils::tempdir;
	my @dirs = map { chomp(my $dir = `pg_config --$_`); $dir } qw(bindir pkglibdir sharedir);
	my ($bindir, $libdir) = map { s/^\Q$ENV{SANDBOX}/$prefix/r } @dirs;

	foreach my $dir (@dirs)
	{
		my $copy = $dir =~ s/^\Q$ENV{SANDBOX}/$prefix/r;

		make_path(dirname($copy));
		system_or_bail('cp', '-a', $dir, $copy);
	}
	my $node = PostgreSQL::Test::Cluster->new($name, install_path => $bindir =~ s{/bin$}{}r);

	$libdir{ $node->name } = $libdir;
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dp_agg'\n$conf");
	return $node;
}

# The library of a build with that fault.  Test files that want the same one wait for each other.
sub build
{
	my ($fault) = @_;

	make_path("$ENV{TESTDIR}/.build/fault");
	open my $lock, '>', "$ENV{TESTDIR}/.build/fault/lock" or die "could not open the lock: $!";
	flock $lock, LOCK_EX or die "could not lock: $!";
	system_or_bail('make', '-s', '-C', $ENV{TESTDIR}, '-j', 2, 'fault', "FAULT=$fault");
	close $lock;
	return "$ENV{TESTDIR}/.build/fault/$fault/dp_agg.so";
}

# The library that runs from now on.  True if the server warns of it.
sub use_library
{
	my ($node, $file) = @_;
	my $library = $libdir{ $node->name } . '/dp_agg.so';

	$node->stop;
	unlink $library;
	copy($file, $library) or die "could not copy $file: $!";
	chmod 0755, $library;
	my $logged = -s $node->logfile // 0;
	$node->start;
	return slurp_file($node->logfile, $logged) =~ /gives no privacy/;
}

1;
