# An analyst's questions, as people and tools write them (test/questions): each runs as it stands and
# is near plain SQL's answer, or is refused with a hint, and the query that the hint leads to runs.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

# How many run as they stand.  More is better; the number must not fall.
my $run_unchanged = 218;

my $dir = "$ENV{TESTDIR}/test/questions";
my $node = DpAgg::node('questions', conf => 'dp_agg.epsilon = 300');

# The questions of a file: { kind, sql, plain, near } and, of those that are refused, { state, message, hint, instead }.
sub questions
{
	my ($file) = @_;
	my (@all, $at, $sql);

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

ok(near("a|1.01\n", "a|1\n", 0.02), 'near answers are told');
ok(!near($_, "a|1\n2024-01-01|3.5", 0.02), 'others, too')
  foreach "a|1.1\n2024-01-01|3.5", "b|1\n2024-01-01|3.5", "a|1\n2024-01-02|3.5", "a|1", "a|\n2024-01-01|3.5", "a|1\n2024-01-01|3.5\nb|1";

my ($code, undef, $err) = $node->psql('postgres', slurp_file("$dir/setup.sql"), extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
is($code, 0, 'the administrators set up their tables') or diag($err);

my @questions = map { questions($_) } qw(analysts.sql tools.sql);
my @asked = map { $_->{instead} // $_ } @questions;
my @right = DpAgg::bulk($node, $node->safe_psql('postgres', 'SELECT current_user'), [ map { $_->{plain} // $_->{sql} } @asked ]);
my @answers;
my @left = (0 .. $#asked);

sub answered
{
	my ($asked, $answer, $right) = @_;

	return $right->{sqlstate} eq '00000' && $answer->{sqlstate} eq '00000' && near((map { rows($asked->{sql}, $_->{out}) } $answer, $right), $asked->{near});
}

# Noise is large now and then: what is not near is asked once more.
foreach (1 .. 2)
{
	@answers[@left] = DpAgg::bulk($node, 'analyst', [ map { $_->{sql} } @asked[@left] ]);
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
	my $r = DpAgg::refused($node, 'analyst', $question->{sql}, $question->{state}, "$question->{kind}: refused");

	like($r->{message}, qr/\Q$question->{message}\E/, '... with what is so');
	like($r->{err}, qr/^HINT:.*\Q$question->{hint}\E/m, '... and what to write');
}

my $unchanged = grep { !$_->{state} } @questions;
cmp_ok($unchanged, '>=', $run_unchanged, "$unchanged of " . @questions . ' questions run as they stand');
cmp_ok(keys %{ { map { $_->{kind} => 1 } @questions } }, '>=', 60, 'of kinds enough');

$node->stop;
done_testing();
