# How the sources look: C files are laid out as `make indent` does, a header is guarded by
# its own name, and no line ends in blanks.

use strict;
use warnings;
use File::Find qw(find);
use Test::More;
use PostgreSQL::Test::Utils;

my $dir = PostgreSQL::Test::Utils::tempdir();

# What dev/indent.pl prints, and its exit code.
sub indent
{
	my $output = `perl dev/indent.pl @_ 2>&1`;
	return ($output, $? >> 8);
}

# As pg_bsd_indent alone would not lay it out.
my $laid_out = <<'END';
static const struct
{
	const char *name;
	int			n;
}			table[] =
{
	{"one", 1},
	{"two", 2},
};

List *
two(List *list, int n)
{
	bool		both = list_length(list) == 2 &&
		n == 2;
	Range		range = {1, 2,
		3};
	Node	   *node = list_nth(list,
								n);
	double		tiny = 0x1p-53;

	range = (Range) {n, n};
	if (both)
		range = (Range) {
			.lower = n,
			.upper = list_length(list) +
				sum(n,
					n)
		};
	else
		take((int[]) {1, 2}, 2);
	/* INDENT OFF */
	row( 1,  10);
	row(10, 100);
	/* INDENT ON */
	return list;
}
END

SKIP:
{
	my $file = "$dir/sample.c";
	my ($output, $code) = indent('--check');
	skip 'no indenter: ' . ($output =~ s/\n.*//sr), 5 if $code == 3;

	is($code, 0, 'C files are laid out as `make indent` does') or diag($output);
	my $types = (indent('--typedefs'))[0];
	like($types, qr/^$_$/m, "$_ is a type") foreach qw(SpecFeature dp_uint128);

	my ($before, $off, $end) = $laid_out =~ m{(.*)(^\t/\* INDENT OFF.*INDENT ON \*/\n)(.*)}ms;
	s/^\t+ */  /mg, s/(?<=\w)\t+/ /g foreach $before, $end;
	append_to_file($file, $before . $off . $end);
	($output, $code) = indent('--check', $file);
	is($code, 1, 'a file that is not laid out is found');
	indent($file);
	is(slurp_file($file), $laid_out, '... and laid out');
}

my (%guards, @wrong, @blanks);
find({ no_chdir => 1, wanted => sub {
	return unless -f && /\.(c|h|pl|pm|sql|sh|md|control)$|^dev\/|^Makefile$/;
	my $file = $_;
	my $text = slurp_file($file);
	push @blanks, $file if $text =~ /[ \t]$/m || $text !~ /(?:^|[^\n]\n)\z/;
	return unless $file =~ /([\w.\/]+)\.h$/;

	# DP_NAME_H, or with the names of the last folders: DP_FOLDER_NAME_H
	my @path = split /\//, uc $1;
	my ($guard) = $text =~ /^#ifndef (\w+)\n#define \1\n/m;
	my @good = map { 'DP_' . join('_', @path[ $_ .. $#path ]) . '_H' } 0 .. $#path;
	push @wrong, $file if !defined $guard || !grep({ $guard eq $_ } @good) || $guards{$guard}++;
} }, grep { -e } qw(src test dev demo doc sql README.md Makefile));
is("@wrong", '', 'each header is guarded by its own name');
is("@blanks", '', 'no line, and no file, ends in blanks');

done_testing();
