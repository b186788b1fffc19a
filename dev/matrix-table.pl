# matrix-table.pl DIRECTORY...
#	Prints what dev/test-clean left in directories as a table, and the sum.
#
# The last line is "N passed, N failed[, N skipped]", of real tests: a system that was not
# tested counts for nothing, and its line says why.  Ends with an error if something
# failed or nothing ran.

use strict;
use warnings;
use List::Util qw(max sum0);

my @suites = qw(unit installcheck tap clients attacks audit harness);

sub slurp
{
	my ($file) = @_;

	open my $in, '<', $file or return '';
	local $/;
	return scalar <$in>;
}

sub words
{
	my ($passed, $failed, $skipped) = @_;

	return "$passed passed" . ($failed ? ", $failed failed" : '') . ($skipped ? ", $skipped skipped" : '');
}

# One system: { cells by column, counts }.
sub system_of
{
	my ($directory) = @_;
	my ($name, $server, $compiler, $seconds, $why) = split /\t/, slurp("$directory/row") =~ s/\n\z//r, -1;
	my %of = (system => $name // $directory, PostgreSQL => $server || $directory =~ s{.*/}{}r, compiler => $compiler // '',
		time => sprintf('%d min %02d s', int(($seconds // 0) / 60), ($seconds // 0) % 60), counts => [ 0, 0, 0 ]);
	my $count = qr/(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m;
	my $output = slurp("$directory/output");

	$why = 'it was not begun' if !defined $why;
	if ($why ne '')
	{
		$of{all} = "not tested: $why";
		return \%of;
	}
	foreach my $suite (@suites)
	{
		$of{$suite} = words($1, $2, $3) if $output =~ /^$suite +$count/m;
	}
	# the closing line, the last of its kind
	my @closing = $output =~ /^$count/mg;
	my @counts = @closing ? @closing[-3 .. -1] : (0, 1, 0);
	$of{counts} = [ map { $_ // 0 } @counts ];
	$of{all} = words(@{ $of{counts} });
	return \%of;
}

my @systems = map { system_of($_) } @ARGV;
my @columns = ('system', 'PostgreSQL', 'compiler', grep({ my $suite = $_; grep { $_->{$suite} } @systems } @suites), 'all', 'time');
my %width = map { my $column = $_; $column => max(length $column, map { length($_->{$column} // '') } @systems) } @columns;

sub line
{
	my ($of) = @_;

	print '| ', join(' | ', map { sprintf '%-*s', $width{$_}, $of->{$_} // '' } @columns), " |\n";
	return;
}

line({ map { $_ => $_ } @columns });
line({ map { $_ => '-' x $width{$_} } @columns });
line($_) foreach @systems;

my ($passed, $failed, $skipped) = map { my $i = $_; sum0(map { $_->{counts}[$i] } @systems) } 0 .. 2;
print "$passed passed, $failed failed", $skipped ? ", $skipped skipped" : '', "\n";
exit($failed || !$passed ? 1 : 0);
