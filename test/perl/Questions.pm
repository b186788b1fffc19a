# Questions of analysts in files (test/questions), each with what becomes of it: it runs and is near plain SQL's
# answer, or is refused with a hint.
#
# A file holds, after a line "-- kind: ..." each, queries of one statement.  Lines before a query:
#	-- plain: SQL		what plain SQL is asked instead, to compare with
#	-- near 0.1:		how far numbers may be off, relatively (else 0.02)
#	-- refused: STATE MESSAGE and -- hint: HINT		how it is refused
#	-- instead:			the query that the hint leads to follows, with lines of its own

package Questions;

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

our $dir = "$ENV{TESTDIR}/test/questions";

# The questions of a file: { kind, sql, plain, near } and, of those that are refused, { state, message, hint, instead }.
sub of_file
{
	my ($file) = @_;
	my (@all, $at);

	foreach (split /\n/, slurp_file("$dir/$file"))
	{
		if (/^-- kind: (.+)/) { push @all, $at = { kind => $1, near => 0.02 } }
		elsif (/^-- refused: (\w{5}) (.+)/) { @$at{qw(state message)} = ($1, $2) }
		elsif (/^-- hint: (.+)/) { $at->{hint} = $1 }
		elsif (/^-- near ([\d.]+):/) { $at->{near} = $1 }
		elsif (/^-- plain: (.+)/) { $at->{plain} = $1 }
		elsif (/^-- instead:/) { $at = $at->{instead} = { kind => "$at->{kind}: instead", near => $at->{near} } }
		elsif (!/^(--|\s*$)/) { $at->{sql} .= "$_\n" }
	}
	s/;\s*\z// foreach map { $_->{sql} } map { ($_, $_->{instead} // ()) } @all;
	return @all;
}

# The tables that the questions are about.
sub set_up
{
	my ($node, $file) = @_;
	my ($code, undef, $err) = $node->psql('postgres', slurp_file("$dir/$file"), extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);

	is($code, 0, 'the administrators set up their tables') or diag($err);
	return;
}

# Rows in the order that the query asks for, or in any.
sub rows
{
	my ($sql, $out) = @_;

	1 while $sql =~ s/\([^()]*\)//g;
	return $sql =~ /ORDER BY/i ? $out : join "\n", sort split /\n/, $out;
}

# Are the answers the same, but for numbers, which are near each other?
sub near
{
	my ($got, $right, $near) = @_;
	my $number = qr/(?<![\w.:-])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.:-])/;
	my @got = $got =~ /$number/g;
	my @right = $right =~ /$number/g;

	return 0 if $got =~ s/$number/#/gr ne $right =~ s/$number/#/gr;
	return !grep { abs($got[$_] - $right[$_]) > $near * (1 + abs $right[$_]) } 0 .. $#right;
}

sub answered
{
	my ($asked, $answer, $right) = @_;

	return $right->{sqlstate} eq '00000' && $answer->{sqlstate} eq '00000' && near((map { rows($asked->{sql}, $_->{out}) } $answer, $right), $asked->{near});
}

# Tests that each question becomes what its file says, asked by a role.
sub check
{
	my ($node, $role, @questions) = @_;
	my @asked = map { $_->{instead} // ($_->{state} ? () : $_) } @questions;
	my @right = DpAgg::bulk($node, $node->safe_psql('postgres', 'SELECT current_user'), [ map { $_->{plain} // $_->{sql} } @asked ]);
	my @answers;
	my @left = (0 .. $#asked);

	# Noise is large now and then: what is not near is asked once more.
	foreach (1 .. 2)
	{
		@answers[@left] = DpAgg::bulk($node, $role, [ map { $_->{sql} } @asked[@left] ]);
		@left = grep { !answered($asked[$_], $answers[$_], $right[$_]) } @left or last;
	}
	foreach my $i (0 .. $#asked)
	{
		my ($asked, $answer, $right) = ($asked[$i], $answers[$i], $right[$i]);

		ok(answered($asked, $answer, $right), $asked->{kind})
		  or diag("$asked->{sql}\nanswer $answer->{sqlstate} $answer->{message}: $answer->{out}\nplain $right->{sqlstate} $right->{message}: $right->{out}");
	}
	foreach my $question (grep { $_->{state} } @questions)
	{
		my $r = DpAgg::refused($node, $role, $question->{sql}, $question->{state}, "$question->{kind}: refused");

		like($r->{message}, qr/\Q$question->{message}\E/, '... with what is so');
		like($r->{err}, qr/^HINT:.*\Q$question->{hint}\E/m, '... and what to write');
	}
	return;
}

1;
