#!/usr/bin/env perl
#
# indent.pl [--check | --typedefs] [FILE...]
#	Lays out the C files of src/ and test/ in PostgreSQL's style.
#
# By default every file that is not laid out so is written anew and named.  With
# --check nothing is written: the differences are printed, and the exit code is
# 1 if there are any.  Run dev/indent, which installs what this script needs.
#
# The layout is that of pg_bsd_indent, PostgreSQL's own indenter, with the options
# that PostgreSQL uses, except that comments may be 95 columns wide.  Lines of code
# stay as long as they are.  pg_bsd_indent must be told the names of types.  Nobody
# keeps a list of them: they are read from the sources and from every header that
# the sources include (--typedefs prints them).
#
# pg_bsd_indent misjudges a few constructs, which before() and after() set right.  A
# comment that starts with a line of dashes, and whatever stands between the comments
# "INDENT OFF" and "INDENT ON", each alone on its line, stays as it is.
#
# The exit code is 2 if a file is not understood, and 3 if there is no pg_bsd_indent
# of the version that this script was made for: others lay out differently.

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find qw(find);
use File::Spec;
use File::Temp qw(tempdir);

my $version = '2.1.1';
my @options = qw(-bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 -i4 -l95
  -lp -lpl -nip -npro -sac -tpg -ts4);

# Types, but also names of variables here, which matters more.
my %no_type = map { $_ => 1 } qw(text);

# Types of the compiler, which no header defines.
my @compiler_types = qw(__int128);

my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
my $dir = tempdir(CLEANUP => 1);

sub fail
{
	print STDERR "indent: @_\n";
	exit 2;
}

sub read_file
{
	my ($file) = @_;
	open(my $in, '<', $file) or fail("cannot read $file: $!");
	local $/;
	my $text = <$in>;
	return defined $text ? $text : '';
}

sub write_file
{
	my ($file, $text) = @_;
	open(my $out, '>', $file) or fail("cannot write $file: $!");
	print $out $text;
	close($out) or fail("cannot write $file: $!");
}

# Comments, and literals of strings and characters.
my $comment = qr{/\*.*?\*/}s;
my $literal = qr{"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'}s;

# The names that the typedefs in a preprocessed text define.
sub typedef_names
{
	my ($text) = @_;
	my %names;
	$text =~ s/^#.*$//mg;
	$text =~ s/$comment/ /g;
	$text =~ s/$literal/0/g;
	while ($text =~ /\btypedef\b/g)
	{
		my ($depth, $name, $pointer) = (0, undef, undef);
		while ($text =~ /([A-Za-z_]\w*|\d\w*|[^\s\w])/g)
		{
			my $token = $1;
			if ($token =~ /^[\(\[\{]$/)
			{
				# of a pointer to a function, the name is here
				$pointer = $1 if $depth == 0 && $token eq '(' && $text =~ /\G\s*\*\s*(\w+)/;
				$depth++;
			}
			elsif ($token =~ /^[\)\]\}]$/)
			{
				$depth--;
			}
			elsif ($depth == 0 && $token =~ /^[;,]$/)
			{
				$name = $pointer if defined $pointer;
				$names{$name} = 1 if defined $name;
				$pointer = undef;
				last if $token eq ';';
			}
			elsif ($depth == 0 && $token =~ /^[A-Za-z_]/ && $token ne '__attribute__')
			{
				$name = $token;
			}
		}
	}
	return keys %names;
}

# The names of types that the sources use.
sub typedefs
{
	my @sources = @_;
	my (%includes, %folders, %words, %types);

	$types{$_} = 1 for @compiler_types;
	for my $source (@sources)
	{
		my $text = read_file($source);
		$folders{ dirname($source) } = 1;
		$words{$_} = 1 for $text =~ /\w+/g;
		$includes{$_} = 1 for $text =~ /^#include[ \t]+(["<][^">\n]+\.h[">])/mg;
		$types{$_} = 1 for typedef_names($text);
	}
	write_file("$dir/all.c",
		join('', "#include \"postgres.h\"\n",
			# those of other versions of PostgreSQL are not there
			map { "#if __has_include($_)\n#include $_\n#endif\n" } sort keys %includes));
	chomp(my $server = `"$pg_config" --includedir-server`);
	fail("$pg_config does not run") if $? != 0;
	my $cc = $ENV{CC} || 'gcc';
	my @flags = ('-D_GNU_SOURCE', '-Isrc', "-I$server", map { "-I$_" } sort keys %folders);
	open(my $preprocessed, '-|', $cc, '-E', '-P', @flags, "$dir/all.c")
	  or fail("cannot run $cc: $!");
	{
		local $/;
		$types{$_} = 1 for typedef_names(<$preprocessed>);
	}
	close($preprocessed) or fail("$cc -E failed");
	return grep { $words{$_} && !$no_type{$_} } sort keys %types;
}

# The parts of a text: comments, literals, words, blanks and single characters.
sub parts
{
	return $_[0] =~ /($comment|$literal|\w+|\s+|[^\w\s])/g;
}

# What pg_bsd_indent must not change: all but blanks, and the stars of comments.
sub substance
{
	my @parts = grep { !/^\s/ } parts($_[0]);
	s/[\s*]+//g for grep { m{^/\*} } @parts;
	return join("\n", @parts);
}

# pg_bsd_indent takes the braces of "(Type) {...}" for those of a block.  They become
# parentheses here.  Returned is also which ones of all parentheses these are, so that
# after() can make them braces again.  0x1p-53 becomes a name, for the exponent is not
# understood.
sub before
{
	my ($text) = @_;
	my (@open, %braces);
	my ($result, $count, $cast) = ('', 0, 0);
	my $last = '';

	for my $part (parts($text))
	{
		if ($part =~ /^[\(\{\[]$/)
		{
			my $brace = $part eq '{' && $cast;
			# A cast follows an operator; after a name it would be a call, or an "if".
			push @open, { brace => $brace, cast => $last !~ /^\w/ || $last eq 'return' };
			$part = '(' if $brace;
			$braces{$count} = 1 if $brace;
			$count++ if $part eq '(';
			$cast = 0;
		}
		elsif ($part =~ /^[\)\}\]]$/ && @open)
		{
			my $opened = pop @open;
			$cast = $part eq ')' && $opened->{cast};
			$part = ')' if $opened->{brace};
			$braces{$count} = 1 if $opened->{brace};
			$count++ if $part eq ')';
		}
		elsif ($part !~ /^[ \t]+$/)
		{
			$cast = 0;
		}
		$result .= $part;
		$last = $part unless $part =~ /^\s/;
	}
	$result =~ s/\b0(x[0-9a-f]+p)-(?=\d)/O$1_/gi;
	return ($result, \%braces);
}

# Makes the braces of literals braces again, marked as \x01 and \x02 at first.
sub restore_braces
{
	my ($text, $braces) = @_;
	my ($result, $count) = ('', 0);

	for my $part (parts($text))
	{
		if ($part eq '(' || $part eq ')')
		{
			$part = $part eq '(' ? "\x01" : "\x02" if $braces->{$count};
			$count++;
		}
		$result .= $part;
	}
	return $result;
}

# The column at which a line starts, and the line moved to another one.
sub column
{
	my ($blanks) = $_[0] =~ /^([ \t]*)/;
	1 while $blanks =~ s/^( *)\t/$1 . ' ' x (4 - length($1) % 4)/e;
	return length $blanks;
}

sub moved
{
	my ($line, $column) = @_;
	$line =~ s/^[ \t]*//;
	return $line eq '' ? '' : "\t" x int($column / 4) . ' ' x ($column % 4) . $line;
}

# Moves lines that pg_bsd_indent puts where one would not.  The value of a declaration
# that goes on in the next line starts a tab further than the declaration, and so do
# the lines of a literal that start within its braces.  What is in parentheses moves
# with the line in which they opened.
sub move_lines
{
	my ($text) = @_;
	my ($off, $in_comment, $in_directive, $delta, $last) = (0, 0, 0, 0, '');
	my $value;		# where the declaration starts, and how many brackets are open
	my (@open, @result);

	for my $line (split /\n/, $text)
	{
		my $code = $line;
		my $start = column($line);
		my $at = $start;

		$off = 1 if $line =~ m{^\s*/\* INDENT OFF \*/};
		$off = 0 if $line =~ m{^\s*/\* INDENT ON \*/};
		if ($in_comment)
		{
			$at += $delta;
			$in_comment = 0 if $code =~ s{^.*?\*/}{};
			$code = '' if $in_comment;
		}
		elsif ($off || $in_directive || $line =~ /^#/)
		{
			$in_directive = !$off && $line =~ /\\$/;
			push @result, $line;
			next;
		}
		elsif (@open && $open[-1]{literal})
		{
			$at = $open[-1]{column};
			$at += $open[-1]{started} && $last !~ /,$/ ? 8 : 4 unless $line =~ /^\s*\x02/;
			$open[-1]{started} = 1;
		}
		elsif ($value && @open == $value->{open})
		{
			$at += 4 if $start == $value->{column} && $line !~ /^\s*[\{\}]/;
		}
		elsif (@open)
		{
			$at += $open[-1]{delta};
			$at += 4 if $value && !$open[-1]{delta} && $open[-1]{token} eq '{' &&
			  $start == $value->{column} && $line !~ /^\s*\}/;
		}
		$delta = $at - $start;
		push @result, $delta ? moved($line, $at) : $line;

		$code =~ s/$literal/0/g;
		$code =~ s{/\*.*?\*/}{}g;
		$in_comment = 1 if $code =~ s{/\*.*}{};
		$code =~ s/\s+$//;
		$last = $code if $code ne '';
		$value = { column => $start, open => scalar @open }
		  if !$value && $code =~ /^\s*\w[^\(\)]*[\w\]] =(?:\s|$)/ && $code !~ /\{$/;
		for my $token ($code =~ /[\(\[\{\x01\x02\}\]\);,]/g)
		{
			if ($token =~ /[\(\[\{\x01]/)
			{
				push @open, { token => $token, literal => $token eq "\x01",
					column => $at, delta => $delta };
			}
			elsif ($token =~ /[\x02\}\]\)]/)
			{
				pop @open;
			}
			elsif ($value && @open <= $value->{open})
			{
				$value = undef;
			}
		}
		$value = undef if $value && @open < $value->{open};
	}
	return join('', map { "$_\n" } @result);
}

sub after
{
	my ($text, $braces) = @_;

	$text = move_lines(restore_braces($text, $braces));
	$text =~ tr/\x01\x02/{}/;
	$text =~ s/\bO(x[0-9a-f]+p)_(?=\d)/0$1-/gi;
	# "Node	   *" before the name of a function
	$text =~ s/^([A-Za-z_]\w*)[ \t]+\*$/$1 */mg;
	# the empty line between the name of a table without a type and its rows
	$text =~ s/^(\}\t+\w+(?:\[\w*\])* =)\n\n\{$/$1\n{/mg;
	return $text;
}

# The text of a file as it should be.
sub laid_out
{
	my ($file) = @_;
	my $original = read_file($file);
	my ($text, $braces) = before($original);

	write_file("$dir/in.c", $text);
	# The exit code tells nothing; what it does not understand it says.
	system("pg_bsd_indent @options -U$dir/types <$dir/in.c >$dir/out.c 2>$dir/errors");
	my $errors = read_file("$dir/errors");
	fail("pg_bsd_indent does not understand $file:\n$errors") if $errors ne '';
	$text = after(read_file("$dir/out.c"), $braces);
	fail("pg_bsd_indent would change more of $file than blanks")
	  if substance($text) ne substance($original);
	return $text;
}

sub sources
{
	my @found;
	find({ no_chdir => 1, wanted => sub { push @found, $_ if /\.[ch]$/ && -f } }, 'src', 'test');
	return sort @found;
}

@ARGV = map { /^-/ ? $_ : File::Spec->rel2abs($_) } @ARGV;
chdir(dirname(__FILE__) . '/..') or fail("no checkout: $!");
my ($check, $print_types) = (0, 0);
while (@ARGV && $ARGV[0] =~ /^-/)
{
	my $option = shift @ARGV;
	if ($option eq '--check') { $check = 1 }
	elsif ($option eq '--typedefs') { $print_types = 1 }
	else { fail("unknown option $option") }
}

my @all = sources();
my @types = typedefs(@all);
if ($print_types)
{
	print map { "$_\n" } @types;
	exit 0;
}
my $found = `pg_bsd_indent --version 2>&1` || '';
if ($found !~ /^pg_bsd_indent \Q$version\E\b/)
{
	print STDERR "indent: pg_bsd_indent $version is not here (Debian 12: pg-bsd-indent)\n";
	exit 3;
}
write_file("$dir/types", join('', map { "$_\n" } @types));

my $different = 0;
for my $file (@ARGV ? map { File::Spec->abs2rel($_) } @ARGV : @all)
{
	my $text = laid_out($file);
	next if $text eq read_file($file);
	$different++;
	if ($check)
	{
		write_file("$dir/new.c", $text);
		system('diff', '-u', '--label', $file, '--label', "$file (make indent)", $file, "$dir/new.c");
	}
	else
	{
		write_file($file, $text);
		print "$file\n";
	}
}
exit($check && $different ? 1 : 0);
