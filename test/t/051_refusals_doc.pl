# Every refusal in the source stands in the table of doc/reference.md, with its SQLSTATE,
# a reason and what to write instead; and the table holds no other.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;

my $errors = slurp_file('src/core/errors.h');
my %code;
while ($errors =~ /#define (ERRCODE_\w+)\s+MAKE_SQLSTATE\('D', ?'P', ?'0', ?'0', ?'(\d)'\)/g)
{
	$code{$1} = "DP00$2";
}
is(scalar keys %code, 4, 'the SQLSTATEs of the project');

my %source;
my $table = slurp_file('src/core/refusals.c') =~ s/.*?refusals\[\] =\n\{(.*?)\n\};.*/$1/sr;
while ($table =~ /\[REFUSE_\w+\] = \{\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\s*\}/g)
{
	$source{$1} = 'DP002';
	like($2, qr/^\S.*\.$/, "a hint: $1");
}
cmp_ok(scalar keys %source, '>', 35, 'refusals of queries');
foreach my $file (glob('src/*/*.c'), glob('src/*/*/*.c'))
{
	my $text = slurp_file($file);
	my $state;
	while ($text =~ /errcode\((\w+)\)|errmsg(\((?:[^()]++|(?2))*\))/g)
	{
		my $arguments = $2;
		$state = $code{$1}, next if defined $1;
		next if !defined $state || $arguments =~ /^\("%s"/;
		$source{ $_ =~ s/\\"/"/gr } = $state foreach $arguments =~ /"((?:[^"\\]|\\.)*)"/g;
	}
}
# pluralised, chosen or passed on by variables in the ledger's answer
my %normal = map { my $m = $_; ($m =~ s/%[sd]/.../gr =~ s/\\"/"/gr) => $source{$m} } keys %source;

my %documented;
my $doc = slurp_file('doc/reference.md');
my ($section) = $doc =~ /^### Refusals\n(.*?)(?=^##|\z)/ms;
foreach my $line (split /\n/, $section)
{
	next unless $line =~ /^\| (?!message|---)/;
	my (undef, $message, $state, $why, $instead) = split / ?\| ?/, $line;
	$documented{$message} = $state;
	ok(length $why > 5 && length $instead > 3, "reason and advice: $message");
}

my %known = map { $_ => 1 } keys %documented;
foreach my $message (sort keys %normal)
{
	next if $message =~ /could not compute the fingerprint/;	# of OpenSSL's, not of a query
	is($documented{$message}, $normal{$message}, "documented: $message");
	delete $known{$message};
}
is(join("\n", sort keys %known), join("\n", 'permission denied for table ...', 'permission denied for table ...: its rows can only be aggregated, for example with count(*)'), 'nothing else is documented');
done_testing();
