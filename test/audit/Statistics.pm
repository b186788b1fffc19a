# Statistics.pm
#	What the audit needs of statistics: exact bounds on probabilities, and events
#	that tell two samples apart.
#
#	my $low = Statistics::at_least(17, 100, 1e-6);     # Clopper and Pearson
#	my $high = Statistics::at_most(17, 100, 1e-6);
#	my ($found) = Statistics::tell_apart($a, $b, deltas => [1e-6], alpha => 1e-6);
#	my $delta = Statistics::gaussian_delta(1, 0.5, 0);
#
# A sample is divided into thirds: the first proposes events, the second chooses one
# of them, the last says how often it happens.  Since the last third does not
# influence the choice, the bound holds at the level it states.

package Statistics;

use strict;
use warnings;
use POSIX qw(ceil erfc floor lgamma);
use Scalar::Util qw(looks_like_number);

# ----------
# Clopper and Pearson (1934)
# ----------

# incomplete_beta(X, A, B): I_x(a, b), by its continued fraction (DLMF 8.17.22),
# evaluated by the method of Lentz.
sub incomplete_beta
{
	my ($x, $a, $b) = @_;

	return 0 if $x <= 0;
	return 1 if $x >= 1;
	return 1 - incomplete_beta(1 - $x, $b, $a) if $x > ($a + 1) / ($a + $b + 2);

	my $front = exp(lgamma($a + $b) - lgamma($a) - lgamma($b) + $a * log($x) + $b * log(1 - $x)) / $a;
	my $tiny = 1e-300;
	my ($f, $c, $d) = (1, 1, 0);

	foreach my $i (0 .. 10000)
	{
		my $m = floor($i / 2);
		my $term =
			$i == 0 ? 1
		  : $i % 2 == 0 ? $m * ($b - $m) * $x / (($a + 2 * $m - 1) * ($a + 2 * $m))
		  : -($a + $m) * ($a + $b + $m) * $x / (($a + 2 * $m) * ($a + 2 * $m + 1));

		$d = 1 + $term * $d;
		$d = 1 / (abs $d < $tiny ? $tiny : $d);
		$c = 1 + $term / $c;
		$c = $tiny if abs $c < $tiny;
		$f *= $c * $d;
		return $front * ($f - 1) if $i > 0 && abs(1 - $c * $d) < 1e-14;
	}
	die "I_$x($a, $b) does not converge";
}

# The x with I_x(a, b) = alpha, for a small alpha.
sub beta_quantile
{
	my ($alpha, $a, $b) = @_;
	my ($low, $high) = (0, 1);

	while ($high - $low > 1e-12 * $high)
	{
		my $middle = ($low + $high) / 2;

		if (incomplete_beta($middle, $a, $b) < $alpha) { $low = $middle; }
		else { $high = $middle; }
	}
	return ($low + $high) / 2;
}

# at_least(TIMES, N, ALPHA): the probability of what happened TIMES of N times is
# at least this; wrong with probability ALPHA at most.
sub at_least
{
	my ($times, $n, $alpha) = @_;

	return $times == 0 ? 0 : beta_quantile($alpha, $times, $n - $times + 1);
}

# The same from above.
sub at_most
{
	my ($times, $n, $alpha) = @_;

	return $times == $n ? 1 : 1 - beta_quantile($alpha, $n - $times, $times + 1);
}

# ----------
# The privacy curve of Gaussian noise
# ----------

# Noise of whole numbers has a sigma in parts of one.
use constant PARTS => 1024;

# P(X >= x) of a standard normal X.
sub normal_tail { return erfc($_[0] / sqrt 2) / 2 }

# The probabilities of a sum of so many discrete Gaussians, and the number that the first of them is of.
sub sum_of_gaussians
{
	my ($sigma, $draws) = @_;
	my $most = ceil(12 * $sigma) + 2;
	my @one = map { exp(-$_ * $_ / (2 * $sigma * $sigma)) } -$most .. $most;
	my $all = 0;
	my @sum = (1);

	$all += $_ foreach @one;
	foreach (1 .. $draws)
	{
		my @longer = (0) x (@sum + 2 * $most);

		foreach my $i (0 .. $#sum)
		{
			$longer[ $i + $_ ] += $sum[$i] * $one[$_] / $all foreach 0 .. $#one;
		}
		@sum = @longer;
	}
	return (\@sum, -$draws * $most);
}

# gaussian_delta(EPSILON, RHO, DRAWS): the least delta with P(E) <= e^EPSILON P'(E) + delta for all events,
# under Gaussian noise made for RHO.
#
# With DRAWS = 0, noise is as good as normal and an individual's step as long as RHO allows, 1 in units where
# sigma is 1/sqrt(2 RHO) (Balle and Wang 2018, Theorem 8).  Otherwise an individual moves so many whole numbers by
# one, each with a discrete Gaussian of sigma = sqrt(DRAWS/(2 RHO)), rounded up: the loss is
# (S - DRAWS/2)/sigma^2, with S the sum of these (Canonne, Kamath and Steinke 2020, Theorem 7 for one of them).  This curve
# is above that of normal noise at some epsilon, and below it at others.
sub gaussian_delta
{
	my ($epsilon, $rho, $draws) = @_;
	my $mu = sqrt(2 * $rho);

	return normal_tail($epsilon / $mu - $mu / 2) - exp($epsilon) * normal_tail($epsilon / $mu + $mu / 2) if $draws == 0;

	my $sigma = ceil(PARTS * sqrt($draws / (2 * $rho)) - 1e-9) / PARTS;
	my ($sum, $first) = sum_of_gaussians($sigma, $draws);
	my ($many, $few) = (0, 0);

	foreach my $i (0 .. $#$sum)
	{
		my $s = $first + $i;

		$many += $sum->[$i] if $s > $epsilon * $sigma**2 - $draws / 2;
		$few += $sum->[$i] if $s > $epsilon * $sigma**2 + $draws / 2;
	}
	return $many - exp($epsilon) * $few;
}

# ----------
# Cells: every answer falls into one cell of a division
# ----------

# Cells that stand for themselves; those in order follow.
use constant { ABSENT => 0, NOTHING => 1, OTHER => 2, FIRST => 3 };

# Most values, or intervals of values, that a column is divided into; and into
# how many where two columns are divided together.
use constant { FINE => 64, COARSE => 14 };

# Divides a column by its values in the first part: { cells_of => sub of a list of
# values, cells => how many, ordered => bool, names => [...] }.
sub divide
{
	my ($values) = @_;
	my %seen;

	$seen{$_}++ foreach @$values;
	my @distinct = grep { $_ ne '' } keys %seen;
	my $numbers = !grep { !looks_like_number($_) } @distinct;

	return divide_numbers($values) if $numbers && @distinct > FINE;

	@distinct = $numbers ? sort { $a <=> $b } @distinct : sort @distinct;
	splice @distinct, FINE if @distinct > FINE;
	my %cell = ('' => NOTHING, map { $distinct[$_] => FIRST + $_ } 0 .. $#distinct);

	return {
		cells_of => sub { map { $cell{$_} // OTHER } @{ $_[0] } },
		cells => FIRST + @distinct,
		ordered => $numbers,
		names => [ map { "= $_" } @distinct ] };
}

# A value that has a place among the others.
sub finite { return grep { $_ ne '' && $_ == $_ && abs $_ != 9**9**9 } @_ }

# Intervals of equal mass, finer at both ends: [edge, next edge).
sub divide_numbers
{
	my ($values) = @_;
	my @sorted = sort { $a <=> $b } finite(@$values);
	my @at = ((map { $_ / 1000 } 1, 2, 5, 10), (map { $_ / FINE } 1 .. FINE - 1),
		(map { 1 - $_ / 1000 } 10, 5, 2, 1));
	my (@edges, $repeated);

	foreach my $edge (map { $sorted[ $_ * @sorted ] } sort { $a <=> $b } @at)
	{
		if (@edges && $edge == $edges[-1])
		{
			$repeated = $edge;
			next;
		}
		# a value of much mass is a cell of its own
		push @edges, (grep { $_ > $repeated } @sorted)[0] if defined $repeated;
		undef $repeated;
		push @edges, $edge if !@edges || $edge > $edges[-1];
	}

	# Where to begin to look: the number of edges below each step from the first edge to the last.
	my $steps = 1024;
	my ($from, $width) = ($edges[0], ($edges[-1] - $edges[0]) / $steps || 1);
	my @below = map { my $step = $from + $_ * $width; scalar grep { $_ <= $step } @edges } 0 .. $steps;

	return {
		cells_of => sub {
			map {
				my $cell = 0;

				if ($_ eq '') { NOTHING; }
				elsif ($_ >= $from && $_ < $edges[-1])
				{
					$cell = $below[ ($_ - $from) / $width ];
					$cell-- while $cell > 0 && $edges[ $cell - 1 ] > $_;
					$cell++ while $edges[$cell] <= $_;
					FIRST + $cell;
				}
				else { $_ < $from ? FIRST : $_ >= $edges[-1] ? FIRST + @edges : OTHER; }
			} @{ $_[0] };
		},
		cells => FIRST + @edges + 1,
		ordered => 1,
		names => [ 'lowest', map { ">= $_" } @edges ] };
}

# The lowest bits of a column's numbers, which rounding or exact arithmetic would
# leave a pattern in: of integers, their remainder; of others, of the mantissa.
sub divide_bits
{
	my ($values) = @_;

	return () if grep { $_ ne '' && !looks_like_number($_) } @$values;
	my $integers = !grep { $_ ne '' && $_ !~ /^-?\d{1,18}$/ } @$values;

	return {
		cells_of => sub {
			my @numbers = map { $_ eq '' ? 0 : $_ } @{ $_[0] };

			return map { FIRST + $_ % 8 } @numbers if $integers;
			return map { FIRST + ($_ & 7) } unpack 'Q<*', pack 'd<*', @numbers;
		},
		cells => FIRST + 8,
		names => [ map { "has low bits $_" } 0 .. 7 ] };
}

# Eighths of the fraction of value * n: averages over exactly n would be whole.
sub divide_grain
{
	my ($n) = @_;

	return {
		cells_of => sub {
			map { $_ eq '' ? NOTHING : FIRST + floor(8 * ($_ * $n - floor($_ * $n)) + 0.5) % 8 } @{ $_[0] };
		},
		cells => FIRST + 8,
		names => [ map { "times $n has a fraction near $_/8" } 0 .. 7 ] };
}

# The cell of every answer, and how many answers each cell has: { cells => [side]
# [part][answer], counts => [side][part][cell] }.
sub distribute
{
	my ($division, $samples, $column) = @_;
	my %result = (cells => [], counts => []);

	foreach my $side (0, 1)
	{
		foreach my $part (0 .. 2)
		{
			my $answers = $samples->[$side]->{columns}->[$column]->[$part] // [];
			my @cells = $division->{cells_of}->($answers);
			my @count = (0) x $division->{cells};

			$count[$_]++ foreach @cells;
			$count[ABSENT] = $samples->[$side]->{n}->[$part] - @$answers;
			$result{cells}->[$side]->[$part] = \@cells;
			$result{counts}->[$side]->[$part] = \@count;
		}
	}
	return \%result;
}

# Joins the cells in order to at most COARSE ones of about equal mass in the first
# part: a map of cells.
sub coarsen
{
	my ($division, $spread) = @_;
	my @cells = FIRST .. $division->{cells} - 1;
	my @map = (ABSENT, NOTHING, OTHER);

	if (@cells <= COARSE)
	{
		push @map, @cells;
		return (\@map, $division->{cells});
	}
	my @mass = map { my $cell = $_; $spread->{counts}->[0]->[0]->[$cell] + $spread->{counts}->[1]->[0]->[$cell] }
	  0 .. $division->{cells} - 1;
	my $all = 0;
	my $sum = 0;

	$all += $mass[$_] foreach @cells;
	foreach my $cell (@cells)
	{
		push @map, FIRST + floor(COARSE * $sum / ($all + 1));
		$sum += $mass[$cell];
	}
	return (\@map, FIRST + COARSE);
}

# Counts of two columns' cells together.
sub cross
{
	my ($samples, $one, $other) = @_;
	my ($map, $ncells) = @{$one}{qw(map coarse)};
	my ($other_map, $other_ncells) = @{$other}{qw(map coarse)};
	my @counts;

	foreach my $side (0, 1)
	{
		foreach my $part (0 .. 2)
		{
			my $cells = $one->{spread}->{cells}->[$side]->[$part];
			my $other_cells = $other->{spread}->{cells}->[$side]->[$part];
			my @count = (0) x ($ncells * $other_ncells);

			$count[ $map->[ $cells->[$_] ] * $other_ncells + $other_map->[ $other_cells->[$_] ] ]++
			  foreach 0 .. $#$cells;
			$count[ABSENT] = $samples->[$side]->{n}->[$part] - @$cells;
			$counts[$side]->[$part] = \@count;
		}
	}
	return \@counts;
}

# ----------
# Events
# ----------

# How well an event tells apart, of n releases a side: about what the bound will
# be; at 5 standard errors, and 15 releases in n where it never happened.
sub promise
{
	my ($many, $few, $n, $delta) = @_;
	my ($p, $q) = ($many / $n, $few / $n);
	my $low = $p - 5 * sqrt($p * (1 - $p) / $n) - $delta;

	return -99 if $low <= 0;
	return log($low / ($q + 5 * sqrt($q * (1 - $q) / $n) + 15 / $n));
}

# Sets of cells worth trying: those of the largest ratio in the first part, for
# every number of them, and, in order, all up to a cell or from it on.
sub proposals
{
	my ($many, $few, $ordered) = @_;
	my @cells = grep { $many->[$_] || $few->[$_] } 0 .. $#$many;
	my %ratio = map { $_ => ($many->[$_] + 0.5) / ($few->[$_] + 0.5) } @cells;
	my @lists = [ sort { $ratio{$b} <=> $ratio{$a} } @cells ];

	if ($ordered)
	{
		my @values = grep { $_ >= FIRST } @cells;

		push @lists, \@values, [ reverse @values ], [ ABSENT, @values ], [ ABSENT, reverse @values ];
	}
	return @lists;
}

# Tries the proposals of one division; replaces what is the best event for its delta by what is better.
sub try_division
{
	my ($bests, $counts, $n, $ordered, $describe) = @_;

	foreach my $side (0, 1)
	{
		my ($many, $few) = map { $counts->[$_]->[0] } $side, 1 - $side;
		my ($check_many, $check_few) = map { $counts->[$_]->[1] } $side, 1 - $side;

		foreach my $list (proposals($many, $few, $ordered))
		{
			my ($sum_many, $sum_few) = (0, 0);

			foreach my $i (0 .. $#$list)
			{
				$sum_many += $check_many->[ $list->[$i] ];
				$sum_few += $check_few->[ $list->[$i] ];
				foreach my $best (@$bests)
				{
					my $promise = promise($sum_many, $sum_few, $n, $best->{delta});

					next if $promise <= $best->{promise};
					my @cells = @{$list}[ 0 .. $i ];

					%$best = (delta => $best->{delta}, promise => $promise, side => $side, cells => \@cells,
						counts => $counts, describe => $describe);
				}
			}
		}
	}
	return;
}

# Says which answers are in the cells.
sub describe_column
{
	my ($name, $division, $cells) = @_;
	my @special = ('no row', "$name is NULL", "$name is none of the others");
	my @sorted = sort { $a <=> $b } @$cells;
	my @parts = map { $special[$_] } grep { $_ < FIRST } @sorted;
	my @values = grep { $_ >= FIRST } @sorted;
	my $label = sub { $division->{names}->[ $_[0] - FIRST ] };
	my $run = $division->{ordered} && @values && $values[-1] - $values[0] == $#values;

	if ($run && $values[-1] == $division->{cells} - 1)
	{
		push @parts, "$name " . $label->($values[0]) =~ s/^= />= /r;
	}
	elsif ($run && $values[0] == FIRST)
	{
		push @parts, "$name " . $label->($values[-1] + 1) =~ s/^(>=|=) /< /r;
	}
	elsif (@values > 3)
	{
		push @parts, @values . ' of ' . ($division->{cells} - FIRST) . " cells of $name";
	}
	else
	{
		push @parts, map { "$name " . $label->($_) } @values;
	}
	return join ' or ', @parts;
}

# What the last part says of an event that the others chose.
sub measured
{
	my ($best, $n, $alpha) = @_;
	my @often = map {
		my $count = $best->{counts}->[$_]->[2];
		my $sum = 0;

		$sum += $count->[$_] foreach @{ $best->{cells} };
		$sum;
	} 0, 1;
	my ($many, $few) = @often[ $best->{side}, 1 - $best->{side} ];
	my $low = at_least($many, $n->[2], $alpha / 2) - $best->{delta};
	my $high = at_most($few, $n->[2], $alpha / 2);

	return {
		measured => $low > 0 ? log($low / $high) : -99,
		event => $best->{describe}->($best->{cells}),
		often => \@often };
}

# tell_apart(A, B, deltas => [D, ...], alpha => ALPHA, names => [...], grain => [...])
#
# A sample is { n => [3 numbers of releases], columns => [column][part][answer] };
# releases that n counts and that gave no answer are "absent".  Returns for each delta
# { measured, event, often => [a, b] }: epsilon is at least `measured` for this delta, by an event that is best for
# it.  Any of them is wrong with probability ALPHA at most.
sub tell_apart
{
	my @samples = splice @_, 0, 2;
	my %opt = @_;
	my $n = $samples[0]->{n};
	my @bests = map { { delta => $_, promise => -100 } } @{ $opt{deltas} };
	my @columns;

	die 'samples of different size' if "@$n" ne "@{ $samples[1]->{n} }";
	# Whether there is an answer at all; the others have no fewer cells.
	my $presence = { cells_of => sub { (OTHER) x @{ $_[0] } }, cells => FIRST };

	try_division(\@bests, distribute($presence, \@samples, 0)->{counts}, $n->[1], 0,
		sub { $_[0]->[0] == ABSENT ? 'no row' : 'a row' });
	foreach my $column (0 .. @{ $opt{names} } - 1)
	{
		my $name = $opt{names}->[$column];
		my $values = [ map { @{ $_->{columns}->[$column]->[0] // [] } } @samples ];
		my $division = divide($values);
		my $spread = distribute($division, \@samples, $column);
		my ($map, $coarse) = coarsen($division, $spread);

		push @columns, { name => $name, spread => $spread, map => $map, coarse => $coarse };
		try_division(\@bests, $spread->{counts}, $n->[1], $division->{ordered},
			sub { describe_column($name, $division, $_[0]) });
		foreach my $extra (divide_bits($values), map { divide_grain($_) } @{ $opt{grain} // [] })
		{
			try_division(\@bests, distribute($extra, \@samples, $column)->{counts}, $n->[1],
				0, sub { describe_column($name, $extra, $_[0]) });
		}
	}
	foreach my $i (0 .. $#columns)
	{
		foreach my $j ($i + 1 .. $#columns)
		{
			try_division(\@bests, cross(\@samples, @columns[ $i, $j ]), $n->[1], 0,
				sub { @{ $_[0] } . " cells of $columns[$i]->{name} and $columns[$j]->{name}" });
		}
	}
	return map { measured($_, $n, $opt{alpha} / @bests) } @bests;
}

1;
