# harness.pl COUNTS FAILURES TEST...
#	Runs TAP tests, two at a time, writes "passed failed skipped" to COUNTS and
#	adds the names of what failed to FAILURES.
#
# It is prove with a count of assertions: a test that dies or prints broken TAP
# without a failed assertion counts as one failure, a test that skips everything
# as one skipped.

use strict;
use warnings;
use TAP::Harness;

my ($counts, $failures, @tests) = @ARGV;
my ($passed, $failed, $skipped) = (0, 0, 0);
my %names;    # of failed tests, by parser

my $harness = TAP::Harness->new(
	{ jobs => 2, lib => ['test/perl'], merge => 0, timer => 1, failures => 1 });
$harness->callback(
	made_parser => sub {
		my ($parser) = @_;
		my $names = $names{$parser} = [];

		$parser->callback(test => sub { push @$names, $_[0]->as_string if !$_[0]->is_ok });
	});
$harness->callback(
	after_test => sub {
		my ($test, $parser) = @_;
		my $bad = () = $parser->failed;
		my $skips = () = $parser->skipped;
		my $run = $parser->tests_run // 0;

		$skips++ if defined $parser->skip_all;
		$bad ||= 1 if $parser->has_problems;
		$failed += $bad;
		$skipped += $skips;
		name_failures($test->[0], $parser) if $parser->has_problems;
		my $good = $run - (() = $parser->failed) - (() = $parser->skipped);
		$passed += $good > 0 ? $good : 0;
	});

# What a reader of the last lines of a log needs to find the fault.
sub name_failures
{
	my ($test, $parser) = @_;
	my @lines = (@{ $names{$parser} }, $parser->parse_errors);

	push @lines, 'ended with exit code ' . $parser->exit . ', wait status ' . $parser->wait if $parser->wait;
	open my $out, '>>', $failures or die "could not write $failures: $!";
	print $out map { "$test: $_\n" } @lines;
	close $out or die "could not write $failures: $!";
}

my $aggregate = $harness->runtests(@tests);

open my $out, '>', $counts or die "could not write $counts: $!";
print $out "$passed $failed $skipped\n";
close $out or die "could not write $counts: $!";
exit($failed ? 1 : 0);
