# speed_doc.pl RESULTS BASE
#	Puts the results of speed.pl into the documentation: the table between the
#	marks of BASE.md, and BASE.svg, a chart of its ratios.  Run by speed.sh.

use strict;
use warnings;

my ($results, $base) = @ARGV;
my @names = qw(work shape against unit base release kind value limit within);
my ($machine, @lines);

open my $in, '<', $results or die "$results: $!\n";
while (<$in>)
{
	chomp;
	my @fields = split /\t/, $_, -1;

	if ($fields[0] eq 'machine') { $machine = $fields[1]; }
	else { my %line; @line{@names} = @fields; push @lines, \%line; }
}
close $in;

# A number with about three digits.
sub short
{
	my ($x) = @_;
	my $digits = abs $x < 9.995 ? 2 : abs $x < 99.95 ? 1 : 0;
	my $text = sprintf '%.*f', $digits, $x;

	1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;
	return $text;
}

sub ratio
{
	my ($line) = @_;

	return sprintf '%+.2f', $line->{value} if $line->{kind} eq 'more';
	return sprintf '%.*f', $line->{value} < 0.9995 ? 3 : 2, $line->{value};
}

sub limit
{
	my ($line) = @_;
	my %words = (ratio => '', least => 'at least ', more => '+');

	return $line->{limit} eq '' ? '' : $words{ $line->{kind} } . $line->{limit};
}

# ----------
# Table
# ----------

sub table
{
	my $text = "Measured on $machine.\n\n| work | beside | plain | release | ratio | at most | |\n" .
	  "| --- | --- | --- | --- | --- | --- | --- |\n";

	foreach my $line (@lines)
	{
		$text .= '| ' . join(' | ', $line->{shape} =~ s/(\w+\((?:\*|DISTINCT|[\d.]*)\))/`$1`/gr,
			$line->{against} =~ s/(\w+\(.*\))/`$1`/r, map({ short($line->{$_}) . " $line->{unit}" } qw(base release)),
			ratio($line), limit($line), $line->{within}) . " |\n";
	}
	return $text;
}

sub read_file
{
	my ($file) = @_;

	open my $from, '<', $file or die "$file: $!\n";
	local $/;
	return scalar <$from>;
}

sub write_file
{
	my ($file, $text) = @_;

	open my $out, '>', $file or die "$file: $!\n";
	print $out $text;
	close $out or die "$file: $!\n";
	return;
}

my $text = read_file("$base.md");
my $table = table();
$text =~ s/(<!-- measured -->\n).*(<!-- end -->)/$1$table$2/s or die "$base.md: no marks for the table\n";
write_file("$base.md", $text);

# ----------
# Chart
# ----------

my ($left, $width, $step, $top) = (318, 360, 22, 46);	# the bars' place
my $most = 2.1;											# where the scale ends
my @bars = grep { $_->{kind} eq 'ratio' && $_->{limit} ne '' } @lines;

sub escape { return $_[0] =~ s/&/&amp;/gr =~ s/</&lt;/gr; }

sub at { return $left + $width * ($_[0] > $most ? $most : $_[0]) / $most; }

sub text
{
	my ($x, $y, $anchor, $class, $words) = @_;

	return sprintf qq{<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>\n}, $x, $y, $anchor, $class, escape($words);
}

my $bottom = $top + $step * @bars;
my $svg = text(8, 18, 'start', 't', 'Time of a release divided by that of plain SQL') .
  text(8, 34, 'start', 'a', 'bar: measured; line across it: what it may be at most');

for (my $tick = 0; $tick <= $most; $tick += 0.5)
{
	$svg .= sprintf qq{<path class="g" d="M%.1f %dV%d"/>\n}, at($tick), $top - 4, $bottom;
	$svg .= text(at($tick), $bottom + 16, 'middle', 'a', $tick);
}
foreach my $i (0 .. $#bars)
{
	my $bar = $bars[$i];
	my $y = $top + $step * $i;
	my $label = $bar->{shape} =~ s/one row per person/1 row/r =~ s/5 rows per person/5 rows/r =~ s/ \(\d+ of .*//r;

	$label .= " / $bar->{against}" if $bar->{against} ne 'plain';
	$label =~ s/ \/ a row.*//;
	$svg .= text($left - 8, $y + 13, 'end', 'l', $label);
	$svg .= sprintf qq{<rect x="%.1f" y="%d" width="%.1f" height="14" rx="2" class="%s"/>\n}, $left, $y + 2,
	  at($bar->{value}) - $left, $bar->{within};
	$svg .= sprintf qq{<path class="m" d="M%.1f %dv18"/>\n}, at($bar->{limit}), $y;
	my $x = at($bar->{value});

	$x = at($bar->{limit}) if $bar->{limit} > $bar->{value};
	$svg .= text($x + 6, $y + 13, 'start', 'l', ratio($bar) . ($bar->{value} > $most ? ' →' : ''));
}
my ($w, $h) = ($left + $width + 62, $bottom + 26);
write_file("$base.svg", <<"SVG");
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $w $h" width="$w" height="$h" role="img">
<title>Time of releases divided by that of plain SQL, with limits</title>
<style>
text { font: 12px sans-serif; fill: #57606a }
.t { font-weight: bold; fill: #24292f }
.l { fill: #24292f }
.g { stroke: #8c959f; stroke-opacity: .35; fill: none }
.m { stroke: #24292f; stroke-width: 2; fill: none }
.ok { fill: #3b82c4 } .over { fill: #d9731a }
\@media (prefers-color-scheme: dark) { text { fill: #9ea7b3 } .t, .l { fill: #e6edf3 } .m { stroke: #e6edf3 } }
</style>
$svg</svg>
SVG
