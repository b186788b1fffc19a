# figures.pl DIRECTORY
#	Draws the figures of the documentation from releases, as SVG.  Run by
#	accuracy.sh, which says how.
#
# Dots are measured, lines are the laws of doc/privacy.md.  All of it is about
# values spread evenly over 0..100, one row per individual, in a NOT NULL column
# with bounds 0..100.

use strict;
use warnings;
use accuracy;

my ($directory) = @ARGV;
my $n = int(($ENV{RELEASES} || 2000) / 4);
my $delta = 1e-8;
my @epsilons = (0.1, 0.2, 0.5, 1, 2, 5, 10);
my @sizes = (30, 50, 100, 200, 500, 1000);				# with many groups each
my @large_sizes = (2000, 5000, 10000, 30000, 100000);	# with one
my @gate_sizes = map { 20 + 2 * $_ } 0 .. 30;

# What is asked: its name, unit, coordinates of the vector (0: none) and the law
# of its error as a function of epsilon and the number of people.
my @statistics = (
	{ name => 'count(*)', unit => 'people', d => 1, law => sub { sqrt(2 * exp(-$_[0])) / (1 - exp(-$_[0])) } },
	{ name => 'avg(x)', unit => 'units of x', d => 3,
		law => sub { 50 * 24 / 23 * sqrt($_[0] * $_[1] > 6144 ? 2 : 10 / 3) / $_[0] / $_[1] } },
	{ name => 'stddev(x)', unit => 'units of x', d => 3,
		law => sub { 50 / (2 * sqrt(1 / 3)) * sqrt(20 / 3 * (1 / 4 + 1 / 36)) / $_[0] / $_[1] } },
	{ name => 'median(x)', unit => 'units of x', d => 0, law => sub { 100 * sqrt(2) / $_[0] / $_[1] } },
);
my %query = ('count(*)' => 'count(*)', 'avg(x)' => 'avg(x)', 'stddev(x)' => 'stddev(x)', 'median(x)' => 'dp_median(x)');
my %exact = ('avg(x)' => sub { 50 }, 'median(x)' => sub { 50 }, 'count(*)' => sub { $_[0] },
	# of n values spread evenly over 100, n - 1 as the divisor
	'stddev(x)' => sub { 100 * sqrt(($_[0] + 1) / 12 / $_[0]) });

# ----------
# SVG
# ----------

# Colours that stand out on white and on black.
my @colours = ('#3b82c4', '#d9731a', '#3f9b4f', '#b5509c');

# A number without zeros behind it, or a power of ten in words people use.
sub label
{
	my ($x) = @_;

	return $x >= 1000 ? scalar reverse(join ',', unpack '(A3)*', reverse sprintf '%.0f', $x) : sprintf '%g', $x;
}

sub text
{
	my ($x, $y, $anchor, $text, $more) = @_;

	return sprintf qq{<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>\n}, $x, $y, $anchor, $more // '', $text;
}

# An axis: where a value stands between 0 and 1, and where there are ticks.
sub log_axis
{
	my ($lower, $upper) = @_;
	my @ticks = grep { $_ >= $lower * 0.999 && $_ <= $upper * 1.001 } map { 10**$_ } -6 .. 6;

	return { place => sub { log($_[0] / $lower) / log($upper / $lower) }, ticks => \@ticks };
}

sub linear_axis
{
	my ($lower, $upper, @ticks) = @_;

	return { place => sub { ($_[0] - $lower) / ($upper - $lower) }, ticks => \@ticks };
}

# One diagram: %panel has x and y (axes), title, x_name, y_name and series, each
# { colour, dots => [[x, y]...], line => [[x, y]...] }.
sub panel
{
	my ($left, $top, $width, $height, %panel) = @_;
	my ($x_axis, $y_axis) = @panel{qw(x y)};
	my $x = sub { $left + $width * $x_axis->{place}->($_[0]) };
	my $y = sub { $top + $height * (1 - $y_axis->{place}->($_[0])) };
	my $svg = '';

	foreach my $tick (@{ $y_axis->{ticks} })
	{
		$svg .= sprintf qq{<path class="g" d="M%.1f %.1fh%.1f"/>\n}, $left, $y->($tick), $width;
		$svg .= text($left - 6, $y->($tick) + 4, 'end', label($tick));
	}
	foreach my $tick (@{ $x_axis->{ticks} })
	{
		$svg .= sprintf qq{<path class="g" d="M%.1f %.1fv%.1f"/>\n}, $x->($tick), $top, $height;
		$svg .= text($x->($tick), $top + $height + 16, 'middle', label($tick));
	}
	$svg .= text($left, $top - 10, 'start', $panel{title}, ' class="t"');
	$svg .= text($left + $width / 2, $top + $height + 34, 'middle', $panel{x_name});
	$svg .= text($left + $width, $top - 10, 'end', $panel{y_name});
	foreach my $series (@{ $panel{series} })
	{
		my $colour = $series->{colour};

		$svg .= qq{<path fill="none" stroke="$colour" stroke-width="1.5"} . ($series->{dashed} ? ' stroke-dasharray="4 3"' : '') .
		  ' d="M' . join('L', map { sprintf '%.1f %.1f', $x->($_->[0]), $y->($_->[1]) } @{ $series->{line} }) . qq{"/>\n}
		  if @{ $series->{line} // [] } > 1;
		# dots are strokes of no length with round ends
		$svg .= qq{<path stroke="$colour" stroke-width="6" stroke-linecap="round" d="} .
		  join('', map { sprintf 'M%.1f %.1fh0', $x->($_->[0]), $y->($_->[1]) } @{ $series->{dots} }) . qq{"/>\n}
		  if @{ $series->{dots} // [] } > 0;
	}
	return $svg;
}

sub write_svg
{
	my ($name, $title, $width, $height, $content) = @_;

	open my $out, '>', "$directory/$name.svg" or die "$directory/$name.svg: $!";
	print $out <<"SVG";
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" width="$width" height="$height" role="img">
<title>$title</title>
<style>
text { font: 12px sans-serif; fill: #57606a }
.t { font-weight: bold; fill: #24292f }
.g { stroke: #8c959f; stroke-opacity: .35; fill: none }
\@media (prefers-color-scheme: dark) { text { fill: #9ea7b3 } .t { fill: #e6edf3 } }
</style>
${content}</svg>
SVG
	close $out or die "$directory/$name.svg: $!";
	return;
}

# Four diagrams, one for each statistic; %$dots by name.
sub four_panels
{
	my ($name, $title, $x_name, $axis, $dots, $line) = @_;
	my $svg = '';

	foreach my $i (0 .. $#statistics)
	{
		my $s = $statistics[$i];
		my @law = map { [ $_, $s->{law}->($line->($_)) ] } map { $axis->[0] * ($axis->[1] / $axis->[0])**($_ / 40) } 0 .. 40;
		my @all = sort { $a <=> $b } map { $_->[1] } @law, @{ $dots->{ $s->{name} } };
		my $lower = 10**int(log($all[0] * 0.9) / log(10) - ($all[0] < 1));
		my $upper = 10**int(log($all[-1] * 1.1) / log(10) + ($all[-1] > 1));

		$upper *= 10 if $upper < $all[-1];
		$lower /= 10 if $upper / $lower < 99;
		$svg .= panel(56 + 360 * ($i % 2), 32 + 270 * int($i / 2), 270, 190,
			title => $s->{name}, x_name => $x_name, y_name => "error, $s->{unit}",
			x => log_axis(@$axis), y => log_axis($lower, $upper),
			series => [ { colour => $colours[$i], dots => $dots->{ $s->{name} }, line => \@law } ]);
	}
	write_svg($name, $title, 720, 540, $svg);
	return;
}

# ----------
# Data
# ----------

# Groups of some sizes, replicas of each, every one with the same values.
sub make_table
{
	my ($table, $replicas, @sizes) = @_;
	my $list = join ',', @sizes;

	dba(<<"SQL");
CREATE TABLE $table (id serial PRIMARY KEY, size int NOT NULL, replica int NOT NULL, x float8 NOT NULL);
INSERT INTO $table (size, replica, x)
SELECT size, replica, 100 * (i - 0.5) / size
FROM unnest(ARRAY[$list]) size, generate_series(1, $replicas) replica, generate_series(1, size) i;
VACUUM ANALYZE $table;
SELECT dp_agg.protect('$table', unit => 'id', population => 'people');
SELECT dp_agg.set_bounds('$table', 'x', 0, 100);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
SQL
	return;
}

# The values of a statistic for each size: { size => [values] }.
sub by_size
{
	my ($name, $table, $times) = @_;
	my %values;

	push @{ $values{ $_->[0] } }, $_->[1]
	  foreach releases($times, "SELECT size, v FROM (SELECT size, replica, $query{$name} AS v FROM $table GROUP BY size, replica) s",
		'size int, v float8');
	return \%values;
}

# ----------
# Figures
# ----------

sub error_by_epsilon
{
	my %dots;

	foreach my $s (@statistics)
	{
		foreach my $epsilon (@epsilons)
		{
			my @values = grep { $_ ne '' } map { $_->[0] } releases($n, "SELECT $query{ $s->{name} } FROM large WHERE size = 10000",
				'v float8', "SET dp_agg.epsilon = $epsilon;\n");
			my $error = rmse($exact{ $s->{name} }->(10000), @values);

			push @{ $dots{ $s->{name} } }, [ $epsilon, $error ] if $error > 0;
		}
	}
	four_panels('error-epsilon', 'Error against epsilon, 10,000 people', 'epsilon (10,000 people)',
		[ $epsilons[0], $epsilons[-1] ], \%dots, sub { ($_[0], 10000) });
	return;
}

sub error_by_size
{
	my %dots;

	foreach my $s (@statistics)
	{
		my $values = { %{ by_size($s->{name}, 'small', 1) }, %{ by_size($s->{name}, 'large', int($n / 2)) } };

		foreach my $size (@sizes, @large_sizes)
		{
			my @released = @{ $values->{$size} // [] };
			my $error = @released >= 100 ? rmse($exact{ $s->{name} }->($size), @released) : 0;

			push @{ $dots{ $s->{name} } }, [ $size, $error ] if $error > 0;
		}
	}
	four_panels('error-size', 'Error against the size of a group, epsilon 1', 'people in the group (epsilon 1)',
		[ $sizes[0], $large_sizes[-1] ], \%dots, sub { (1, $_[0]) });
	return;
}

# P(z_0 >= t) of the noise of d coordinates at epsilon 1, any sign of t.
sub tail
{
	my ($d, $t) = @_;
	my $s = abs $t;
	my $power = 1;
	my $sum = 0;

	foreach my $i (0 .. $d - 1)
	{
		$sum += (1 - $i / $d) * $power;
		$power *= $s / ($i + 1);
	}
	my $tail = exp(-$s) * $sum / 2;
	return $t >= 0 ? $tail : 1 - $tail;
}

# The distance above the minimum at which the tail is delta.
sub threshold
{
	my ($d) = @_;
	my ($low, $high) = (0, 1000);

	foreach (1 .. 60)
	{
		my $middle = ($low + $high) / 2;

		if (tail($d, $middle) > $delta) { $low = $middle; }
		else { $high = $middle; }
	}
	return 20 + $high;
}

sub gate
{
	my @asked = (
		[ 'count(*)', 1, 'count(*)' ],
		[ 'count(*), avg(x)', 2, 'count(*), avg(x)' ],
		[ 'count(*), avg(x), stddev(x)', 3, 'count(*), avg(x), stddev(x)' ],
		[ 'median(x)', 0, 'dp_median(x)' ]);
	my @series;
	my $svg = '';
	my $times = int($n / 250) || 1;

	foreach my $i (0 .. $#asked)
	{
		my ($name, $d, $outputs) = @{ $asked[$i] };
		my %released = counted($outputs, $times);
		my @dots = map { [ $_, ($released{$_} // 0) / $times ] } @gate_sizes;	# of 100 groups
		my @line = $d > 0 ? map { [ $_ / 2, 100 * tail($d, threshold($d) - $_ / 2) ] } 40 .. 2 * $gate_sizes[-1] : @dots;

		push @series, { colour => $colours[$i], dots => \@dots, line => \@line, dashed => $d == 0 };
		$svg .= sprintf qq{<circle cx="%d" cy="%d" r="4" fill="$colours[$i]"/>\n}, 470, 60 + 22 * $i;
		$svg .= text(482, 64 + 22 * $i, 'start', $name);
	}
	$svg .= panel(56, 32, 390, 240, title => 'Groups released', y_name => 'percent', x_name => 'people in the group (epsilon 1, delta 1e-8)',
		x => linear_axis(18, $gate_sizes[-1], map { 10 * $_ } 2 .. $gate_sizes[-1] / 10),
		y => linear_axis(-2, 102, 0, 25, 50, 75, 100), series => \@series);
	write_svg('gate', 'Fraction of groups released against their size', 680, 330, $svg);
	return;
}

# counted(OUTPUTS, TIMES): the number of groups of each size that TIMES releases let out:
# size => number.
sub counted
{
	my ($outputs, $times) = @_;
	my %count;

	$count{ $_->[0] } += $_->[1]
	  foreach releases($times, "SELECT size, count(*) FROM (SELECT size, replica, $outputs FROM gate GROUP BY size, replica) s GROUP BY size",
		'size int, n int');
	return %count;
}

setup();
make_table('small', 400, @sizes);
make_table('large', 1, @large_sizes);
make_table('gate', 100, @gate_sizes);
error_by_epsilon();
error_by_size();
gate();
