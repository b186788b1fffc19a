# Installation.pm
#	An installation of PostgreSQL for one test alone, which may put what it likes into it: other
#	versions of the library and of scripts.  The one that the tests have in common is used by all of
#	them at the same time.
#
#	use Installation;
#	my $place = Installation->new;
#	my $node = DpAgg::node('main', install => $place->{path});
#	$place->add_script('dp_agg--1.1--9.9.sql', "SELECT 1;\n");

package Installation;

use strict;
use warnings;
use PostgreSQL::Test::Utils;

# What the server's pg_config says, as "--sharedir".
sub config
{
	my ($option) = @_;

	chomp(my $value = `"$ENV{PG_CONFIG}" $option`);
	return $value;
}

# The major version of the server.
sub major { return config('--version') =~ /(\d+)/ ? $1 : die 'no version' }

# new(): a copy of the common installation; { path, lib, share }.
sub new
{
	my ($class) = @_;
	my $root = PostgreSQL::Test::Utils::tempdir();
	my %place = map { $_ => config("--$_") } qw(bindir pkglibdir sharedir);

	foreach my $dir (values %place)
	{
		my $copy = $dir =~ s/^\Q$ENV{SANDBOX}\E/$root/r;

		system('mkdir', '-p', $copy) == 0 && system('cp', '-a', "$dir/.", $copy) == 0 or die "could not copy $dir";
		$dir = $copy;
	}
	return bless { path => $place{bindir} =~ s{/bin$}{}r, lib => $place{pkglibdir}, share => "$place{sharedir}/extension" }, $class;
}

# add_script(NAME, TEXT): a script of the extension, or another one of that name.
sub add_script
{
	my ($self, $name, $text) = @_;
	my $file = "$self->{share}/$name";

	unlink $file;
	open my $out, '>', $file or die "$file: $!";
	print $out $text;
	close $out or die "$file: $!";
	return;
}

# use_library(FILE): this library in the place of the one that is there.  Servers that run keep theirs.
sub use_library
{
	my ($self, $file) = @_;

	unlink "$self->{lib}/dp_agg.so";
	system('cp', $file, "$self->{lib}/dp_agg.so") == 0 or die "could not copy $file";
	return;
}

# history(VERSION): the directory with the sources of an earlier version, built; undef where there are
# none, see dev/sandbox.sh.
sub history
{
	my ($version) = @_;
	my $source = "$ENV{SANDBOX}/history/$version";

	return unless -d "$source/sql";
	system("make -s -C $source PG_CONFIG=$ENV{PG_CONFIG} -j2 all >$source.log 2>&1") == 0
	  or die "version $version could not be built:\n" . slurp_file("$source.log");
	return $source;
}

1;
