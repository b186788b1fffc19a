# harness.pl COUNTS TEST...
#	Runs TAP tests, two at a time, and writes "passed failed skipped" to COUNTS.
#
# It is prove with a count of assertions: a test that dies or prints broken TAP
# without a failed assertion counts as one failure, a test that skips everything
# as one skipped.

use strict;
use warnings;
use TAP::Harness;

my ($counts, @tests) = @ARGV;
my ($passed, $failed, $skipped) = (0, 0, 0);

my $harness = TAP::Harness->new(
	{ jobs => 2, lib => ['test/perl'], merge => 0, timer => 1, failures => 1 });
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
		my $good = $run - (() = $parser->failed) - (() = $parser->skipped);
		$passed += $good > 0 ? $good : 0;
	});

my $aggregate = $harness->runtests(@tests);

open my $out, '>', $counts or die "could not write $counts: $!";
print $out "$passed $failed $skipped\n";
close $out or die "could not write $counts: $!";
exit($failed ? 1 : 0);
