# The statistics of the audit: exact bounds on probabilities, and whether it finds
# in samples of known laws what is there, and no more.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use POSIX 'lgamma';
use Statistics;
use Test::More;

# P(at least k of n), summed.
sub binomial_tail
{
	my ($k, $n, $p) = @_;
	my $sum = 0;

	$sum += exp(lgamma($n + 1) - lgamma($_ + 1) - lgamma($n - $_ + 1) + $_ * log($p) + ($n - $_) * log(1 - $p))
	  foreach $k .. $n;
	return $sum;
}

sub close_to
{
	my ($value, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok(abs($value - $expected) <= 1e-6 * abs $expected, $name)
	  or diag("$value, expected $expected");
	return;
}

# I_p(k, n - k + 1) = P(at least k of n)
foreach my $case (
	[ 1, 5, 0.3 ], [ 5, 5, 0.3 ], [ 7, 20, 0.2 ], [ 7, 20, 0.9 ], [ 300, 1000, 0.31 ], [ 25100, 50000, 0.5 ])
{
	my ($k, $n, $p) = @$case;

	close_to(Statistics::incomplete_beta($p, $k, $n - $k + 1), binomial_tail($k, $n, $p),
		"incomplete beta: P(at least $k of $n) at $p");
}

foreach my $n (10, 1000, 50000)
{
	foreach my $alpha (0.05, 5e-7)
	{
		# closed forms, and what defines the bounds
		close_to(Statistics::at_most(0, $n, $alpha), 1 - exp(log($alpha) / $n), "never of $n, level $alpha");
		close_to(Statistics::at_least($n, $n, $alpha), exp(log($alpha) / $n), "always of $n, level $alpha");
		is(Statistics::at_least(0, $n, $alpha) . ' ' . Statistics::at_most($n, $n, $alpha), '0 1',
			"of $n, level $alpha: no bound where there can be none");
		foreach my $k (1, $n / 10, $n / 2)
		{
			close_to(binomial_tail($k, $n, Statistics::at_least($k, $n, $alpha)), $alpha,
				"lower bound from $k of $n, level $alpha");
			close_to(binomial_tail($n - $k, $n, 1 - Statistics::at_most($k, $n, $alpha)), $alpha,
				"upper bound from $k of $n, level $alpha");
		}
	}
}

# The curve of Gaussian noise: figures of the normal law, and sums over all pairs of whole numbers.
close_to(Statistics::gaussian_delta(0, 0.5, 0), 0.3829249225, 'the total distance of N(0, 1) and N(1, 1)');
close_to(Statistics::gaussian_delta(1, 0.5, 0), 0.1269367400, 'their delta at epsilon 1');
close_to(Statistics::gaussian_delta(0, 0.5, 1), 0.3989422800, 'the total distance of whole numbers, sigma 1');

# sum of max(0, P - e^epsilon P') over vectors of so many draws
sub curve_by_hand
{
	my ($epsilon, $sigma, $draws) = @_;
	my $law = sub { exp(-$_[0]**2 / (2 * $sigma**2)) };
	my @all = -15 .. 16;
	my $norm = 0;
	my $sum = 0;

	$norm += $law->($_) foreach @all;
	foreach my $x (@all)
	{
		foreach my $y ($draws > 1 ? @all : 0)
		{
			my $p = $law->($x) / $norm * ($draws > 1 ? $law->($y) / $norm : 1);
			my $q = $law->($x - 1) / $norm * ($draws > 1 ? $law->($y - 1) / $norm : 1);
			my $more = $p - exp($epsilon) * $q;

			$sum += $more if $more > 0;
		}
	}
	return $sum;
}

foreach my $epsilon (0, 0.5, 1, 1.5, 2.2)
{
	close_to(Statistics::gaussian_delta($epsilon, 0.5, 1), curve_by_hand($epsilon, 1, 1), "one whole number at $epsilon");
	close_to(Statistics::gaussian_delta($epsilon, 0.25, 2), curve_by_hand($epsilon, 2, 2), "two whole numbers at $epsilon");
}
ok(abs(Statistics::gaussian_delta(1, 0.5, 100) - Statistics::gaussian_delta(1, 0.5, 0)) < 2e-3, 'many are as one normal');

# Samples of known laws.  The seed is fixed: what passes once passes always.
srand 20;

# A sample of 3 parts of answers that the function makes; undef is absent.
sub sample
{
	my ($make, @n) = @_;
	my %sample = (n => \@n, columns => []);

	foreach my $part (0 .. 2)
	{
		foreach (1 .. $n[$part])
		{
			my @answer = $make->();

			push @{ $sample{columns}->[$_]->[$part] }, $answer[$_] foreach 0 .. $#answer;
		}
		$_->[$part] //= [] foreach @{ $sample{columns} };
	}
	return \%sample;
}

sub laplace
{
	my ($scale) = @_;

	return $scale * log(1 - rand) * (rand() < 0.5 ? 1 : -1);
}

sub normal
{
	my ($sigma) = @_;

	return $sigma * sqrt(-2 * log(1 - rand)) * cos(6.283185307179586 * rand);
}

sub measured
{
	my ($a, $b, %opt) = @_;
	my @n = (10000, 10000, 20000);
	my @sample = map { sample($_, @n) } $a, $b;
	my @found = Statistics::tell_apart(@sample, deltas => [0], alpha => 1e-6,
		names => [qw(x y)[ 0 .. $#{ $sample[0]->{columns} } ]], %opt);

	note("$_->{event}: $_->{measured}") foreach @found;
	return wantarray ? map { $_->{measured} } @found : $found[0]->{measured};
}

sub between
{
	my ($value, $low, $high, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($value >= $low && $value <= $high, "$name: $low to $high") or diag($value);
	return;
}

between(measured(sub { 51 + laplace(1) }, sub { 50 + laplace(1) }), 0.8, 1, 'noise of scale 1');
between(measured(sub { 51 + laplace(0.8) }, sub { 50 + laplace(0.8) }), 1.01, 1.25, 'noise of scale 0.8');
between(measured(sub { sprintf '%.0f', 51 + laplace(1) }, sub { sprintf '%.0f', 50 + laplace(1) }),
	0.8, 1, 'rounded noise of scale 1');
between(measured(sub { (1 + laplace(1), 1 + laplace(1)) }, sub { (laplace(1), laplace(1)) }),
	1.5, 2, 'two draws instead of one');
between(measured(sub { 50 + laplace(1) }, sub { 50 + laplace(1) }), -1, 0.01, 'twice the same');
between(measured(sub { 5e6 + 2 * int(laplace(1000)) }, sub { 5e6 + 1 + 2 * int(laplace(1000)) }), 6, 9,
	'even on one side, odd on the other');
between(measured(sub { rand() < 0.3 ? 5 : () }, sub { rand() < 0.1 ? 5 : () }), 0.8, log 3, 'presence of a row');
between(measured(sub { rand() < 0.3 ? 'a' : 'b' }, sub { rand() < 0.1 ? 'a' : 'b' }), 0.8, log 3, 'words');
between(measured(sub { rand() < 0.02 ? 5 : () }, sub { () }, deltas => [0.02]), -99, 0, 'rare enough for delta');
between(measured(sub { rand() < 0.04 ? 5 : () }, sub { () }, deltas => [0.02]), 1, 5, 'not rare enough for delta');

# The curve, at all of these epsilons at once
my @epsilons = (0, 0.5, 1, 1.5);
my @deltas = map { Statistics::gaussian_delta($_, 0.5, 0) } @epsilons;
my @measured = measured(sub { 1 + normal(1) }, sub { normal(1) }, deltas => \@deltas);

between($measured[$_], $epsilons[$_] - 0.5, $epsilons[$_], "normal noise at $epsilons[$_]") foreach 0 .. 3;
@measured = measured(sub { 1 + normal(0.8) }, sub { normal(0.8) }, deltas => \@deltas);
between($measured[$_], $epsilons[$_] + 0.01, 9, "0.8 of it at $epsilons[$_]") foreach 0 .. 2;
@measured = measured(sub { (1 + normal(1), 1 + normal(1)) }, sub { (normal(1), normal(1)) }, deltas => \@deltas);
between($measured[$_], $epsilons[$_] + 0.1, 9, "two steps instead of one at $epsilons[$_]") foreach 0 .. 2;

done_testing();
