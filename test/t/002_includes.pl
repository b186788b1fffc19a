# Folders of src/ include one another in one direction (doc/architecture.md), and
# dev/check-includes finds what breaks that.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;

my ($out, $status);

# Runs the check over a copy of the sources that sub spoils, or over the sources themselves.
sub check
{
	my ($spoil) = @_;
	my $root = '.';

	if ($spoil)
	{
		$root = PostgreSQL::Test::Utils::tempdir();
		system_or_bail('cp', '-r', 'src', 'doc', $root);
		$spoil->($root);
	}
	$out = qx(perl dev/check-includes '$root');
	$status = $? >> 8;
	return;
}

sub add_include
{
	my ($file, $header) = @_;

	append_to_file($file, "#include \"$header\"\n");
	return;
}

sub bites
{
	my ($name, $pattern, $spoil) = @_;

	check($spoil);
	is($status, 1, "$name: found");
	like($out, $pattern, "$name: told, and where");
	is(scalar(() = $out =~ /\n/g), 1, "$name: nothing else is") or diag($out);
	return;
}

check();
is($status, 0, 'the sources keep to the table') or diag($out);
like($out, qr/^\d{2,} files in 17 folders/, 'all of them were read');

bites('a wrong include', qr{^src/session/quiet\.c:\d+: session may not include spec \(spec/spec\.h\)$},
	sub { add_include("$_[0]/src/session/quiet.c", 'spec/spec.h') });
bites('a wrong include in a header', qr{^src/query/level\.h:\d+: query may not include ledger },
	sub { add_include("$_[0]/src/query/level.h", 'ledger/charge.h') });
bites('a circle of files', qr{^circle of files: policy/cache policy/enforced$},
	sub { add_include("$_[0]/src/policy/cache.c", 'policy/enforced.h') });
check(sub { add_include("$_[0]/src/policy/cache.c", 'query/levels.h') });
like($out, qr/^circle of folders: policy query$/m, 'a circle of folders: found');
bites('a new folder', qr{^src/extra: the table does not name this folder$},
	sub {
		mkdir "$_[0]/src/extra" or die "mkdir: $!";
		append_to_file("$_[0]/src/extra/new.c", "#include \"core/errors.h\"\n");
	});
bites('an arrow that nobody uses', qr{architecture\.md: no file of core includes accounting$},
	sub {
		my $doc = "$_[0]/doc/architecture.md";
		my $text = slurp_file($doc) =~ s/^(\| `core` \| `mechanism`)/$1, `accounting`/mr;

		open my $file, '>', $doc or die "open: $!";
		print $file $text;
		close $file;
	});
done_testing();
