# limits.pl
#	Measures bias and noise of releases by limits, where individuals have several rows, and
#	prints the tables of doc/accuracy.md.  Run by accuracy.sh, which says how.
#
# The orders of a shop: 23,500 people, most of them with one order, some with a hundred,
# over 18 months.  Bias is what limits leave out: the distance of the mean of many
# releases from the truth.  Noise is the distance of releases from their mean.  Both are
# root mean squares over months.

use strict;
use warnings;
use accuracy;

my $n = $ENV{RELEASES} || 2000;
my $people = 23500;
my $months = 18;

$n = $n < 100 ? $n : 100;
srand 1;

# Orders of one person each: person, month, amount.
sub orders
{
	my @rows;

	foreach my $person (1 .. $people)
	{
		my $number = int((1 - rand)**(-1 / 1.35));

		$number = 100 if $number > 100;
		foreach (1 .. $number)
		{
			my $amount = 60 * exp(0.9 * sqrt(-2 * log(1 - rand)) * cos(8 * atan2(1, 1) * rand));

			push @rows, [ $person, int($months * rand), sprintf '%.2f', $amount > 500 ? 500 : $amount ];
		}
	}
	return @rows;
}

# The answers to many releases of a query, by month.
sub by_month
{
	my ($query, $columns) = @_;
	my %answers;

	push @{ $answers{ $_->[0] } }, $_ foreach releases($n, $query, $columns);
	return \%answers;
}

# Bias, from the square of the distance of a mean from the truth, which has noise of its own.
sub bias
{
	my ($square, $variance) = @_;

	return sqrt($square > $variance / $n ? $square - $variance / $n : 0);
}

# Bias and noise of a column of answers, as root mean squares over months.
sub bias_and_noise
{
	my ($answers, $truth, $column) = @_;
	my ($bias, $noise, $groups) = (0, 0, 0);

	foreach my $month (keys %$truth)
	{
		my @values = map { $_->[$column] } @{ $answers->{$month} // die "month $month was not released\n" };

		$bias += (mean(@values) - $truth->{$month}[$column])**2;
		$noise += sd(@values)**2;
		$groups++;
	}
	return (bias($bias / $groups, $noise / $groups), sqrt($noise / $groups));
}

sub print_row
{
	my ($limits, $share, @figures) = @_;

	print "| $limits | ", join(' | ', sprintf('%.0f %%', 100 * $share),
		map { significant($_, $_ < 10 ? 2 : 3) } map { my ($bias, $noise) = @$_; ($bias, $noise, sqrt($bias**2 + $noise**2)) } @figures), " |\n";
	return;
}

sub print_head
{
	my ($title, $first) = @_;

	print "\n### $title\n\n| $first | left out | count: bias | noise | both | sum: bias | noise | both |\n";
	print '| --- ' x 8, "|\n";
	return;
}

# What share of the rows does not count, if an individual counts with r rows in each group and
# t in all.
sub left_out
{
	my ($r, $t, $key) = @_;

	return value(<<"SQL");
SELECT 1 - sum(least(n, $t))::float8 / (SELECT count(*) FROM orders) FROM (
	SELECT sum(n) AS n FROM (SELECT person, least(count(*), $r) AS n FROM orders GROUP BY person, $key) g GROUP BY person) s
SQL
}

setup();
dba('CREATE TABLE orders (person int NOT NULL, month int NOT NULL, amount numeric NOT NULL)');
load('orders', orders());
dba(<<'SQL');
VACUUM ANALYZE orders;
SELECT dp_agg.protect('orders', unit => 'person', population => 'customers');
SELECT dp_agg.set_bounds('orders', 'amount', 0, 500);
SELECT dp_agg.set_budget('analyst', 'customers', epsilon => 1e9, delta => 0.9);
SQL
print '# ', value('SELECT count(*) FROM orders'), ' orders of ', value('SELECT count(DISTINCT person) FROM orders'), ' people, ',
  join(', ', map { "$_: " . value("SELECT percentile_disc($_) WITHIN GROUP (ORDER BY n) FROM (SELECT count(*) AS n FROM orders GROUP BY person) s") } 0.5, 0.9, 0.95, 0.99, 1), " rows\n";

my %truth = map { $_->[0] => $_ } rows('SELECT month, count(*), sum(amount) FROM orders GROUP BY month');
print_head('Orders by month', 'max_rows, max_total');
foreach my $limits ([ 1, 1 ], [ 1, 3 ], [ 2, 6 ], [ 3, 12 ], [ 3, 24 ], [ 4, 50 ], [ 6, 75 ], [ 8, 100 ])
{
	my ($r, $t) = @$limits;
	my @answers = map { by_month("SELECT month, $_ FROM orders WHERE dp_with(max_rows => $r, max_total => $t) GROUP BY month", 'month int, v float8') } 'count(*)', 'sum(amount)';

	print_row("$r, $t", left_out($r, $t, 'month'), map { my $c = $_; [ bias_and_noise($answers[$c], { map { $_ => [ $_, $truth{$_}[ $c + 1 ] ] } keys %truth }, 1) ] } 0, 1);
}
my @all = (rows('SELECT count(*), sum(amount) FROM orders'))[0];
print_head('All orders', 'max_total');
foreach my $t (1, 3, 9, 20, 50, 100)
{
	my @figures;

	foreach my $c (0, 1)
	{
		my @values = map { $_->[0] } releases($n, 'SELECT ' . (('count(*)', 'sum(amount)')[$c]) . " FROM orders WHERE dp_with(max_total => $t)", 'v float8');

		push @figures, [ bias((mean(@values) - $all[0][$c])**2, sd(@values)**2), sd(@values) ];
	}
	print_row($t, left_out($t, $t, 'month * 0'), @figures);
}
