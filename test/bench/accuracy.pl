# accuracy.pl
#	Measures the error of releases and prints the tables of doc/accuracy.md.
#	Run by accuracy.sh, which says how.
#
# Beside each error stands that of a library that splits epsilon among the sums
# a statistic is made of, under the same epsilon and bounds.  It is simulated
# below from what Google's differential-privacy library documents (github.com/
# google/differential-privacy, Go: dpagg/count.go, mean.go, variance.go,
# standard_deviation.go, quantiles.go); OpenDP composes in the same way:
#
#	count		Laplace noise of scale 1/epsilon
#	sum			Laplace noise of scale max(|lower|, |upper|)/epsilon
#	mean		count and centred sum, epsilon/2 each
#	variance	count, centred sum, sum of centred squares, epsilon/3 each, the
#				squares in [0, half^2]; the standard deviation is its root
#	quantiles	a tree of 16^4 leaves with Laplace noise of scale 4/epsilon on
#				every node, all quantiles from one tree; nodes with less than
#				0.75 % of their siblings' total count as empty, min and max are
#				the quantiles 0.005 and 0.995
#	covariance, slope, correlation	not in that library: 4, 5 and 6 centred sums
#				in the same manner
#	mode		the largest of the counts with Laplace noise, categories known
#	several statistics	an equal share of epsilon each

use strict;
use warnings;
use accuracy;

my $n = $ENV{RELEASES} || 2000;
my $simulations = 20000;

srand 1;

sub laplace
{
	my ($scale) = @_;

	return $scale * (log(1 - rand) - log(1 - rand));
}

sub clamp
{
	my ($x, $lower, $upper) = @_;

	return $x < $lower ? $lower : $x > $upper ? $upper : $x;
}

# ----------
# The library that splits
# ----------

# Exact sums of a data set, of values centred and in units of half the range.
sub moments
{
	my ($set) = @_;
	my ($mid, $half, $mid_y, $half_y) = map { $set->{$_} } qw(mid half mid_y half_y);
	my %sum = (n => scalar @{ $set->{x} });

	foreach my $i (0 .. $#{ $set->{x} })
	{
		my $x = ($set->{x}[$i] - $mid) / $half;
		my $y = ($set->{y}[$i] - $mid_y) / $half_y;

		$sum{x} += $x;
		$sum{y} += $y;
		$sum{xx} += $x * $x;
		$sum{yy} += $y * $y;
		$sum{xy} += $x * $y;
	}
	return \%sum;
}

# Errors of a function of some of the sums, each with its share of epsilon.
sub split_error
{
	my ($set, $epsilon, $sums, $function) = @_;
	my $exact = $set->{moments};
	my $truth = $function->($exact);
	my @values;

	foreach (1 .. $simulations)
	{
		my %noisy = map { $_ => $exact->{$_} + laplace(@$sums / $epsilon) } @$sums;

		$noisy{n} = 1 if $noisy{n} < 1;
		push @values, $function->(\%noisy);
	}
	return rmse($truth, @values);
}

sub variance
{
	my ($m, $square, $sum) = @_;

	return clamp($m->{$square} / $m->{n} - ($m->{$sum} / $m->{n})**2, 0, 1);
}

sub covariance
{
	my ($m) = @_;

	return clamp($m->{xy} / $m->{n} - $m->{x} * $m->{y} / $m->{n}**2, -1, 1);
}

sub split_mean
{
	my ($set, $epsilon) = @_;

	return $set->{half} * split_error($set, $epsilon, [qw(n x)], sub { clamp($_[0]{x} / $_[0]{n}, -1, 1) });
}

sub split_stddev
{
	my ($set, $epsilon) = @_;

	return $set->{half} * split_error($set, $epsilon, [qw(n x xx)], sub { sqrt variance($_[0], 'xx', 'x') });
}

# Numbers of the values in the nodes of each level of the tree, 16, 256, ...
sub tree_counts
{
	my ($set) = @_;
	my @levels = map { {} } 1 .. 4;

	foreach my $x (@{ $set->{x} })
	{
		my $leaf = int(($x - $set->{lower}) / ($set->{upper} - $set->{lower}) * 16**4);

		$leaf = 16**4 - 1 if $leaf >= 16**4;
		$levels[ $_ - 1 ]{ int($leaf / 16**(4 - $_)) }++ foreach 1 .. 4;
	}
	return \@levels;
}

# A quantile from a tree whose noise, drawn when first asked for, is in %$noise.
sub tree_quantile
{
	my ($set, $rank, $epsilon, $noise) = @_;
	my $node = 0;
	my $level = 0;

	$rank = clamp($rank, 0.005, 0.995);
	while ($level < 4)
	{
		my @children = map { 16 * $node + $_ } 0 .. 15;
		my @counts = map {
			$noise->{"$level $_"} //= ($set->{tree}[$level]{$_} // 0) + laplace(4 / $epsilon)
		} @children;
		my $total = 0;
		my $kept = 0;
		my $below = 0;

		$total += $_ > 0 ? $_ : 0 foreach @counts;
		@counts = map { $_ >= 0.0075 * $total && $_ > 0 ? $_ : 0 } @counts;
		$kept += $_ foreach @counts;
		last if $kept == 0;
		foreach my $i (0 .. 15)
		{
			next if $counts[$i] == 0;
			if (($below + $counts[$i]) / $kept >= $rank - 1e-6)
			{
				$rank = clamp(($rank - $below / $kept) / ($counts[$i] / $kept), 0, 1);
				$node = $children[$i];
				last;
			}
			$below += $counts[$i];
		}
		$level++;
	}
	return $set->{lower} + ($set->{upper} - $set->{lower}) * ($node + $rank) / 16**$level;
}

sub tree_error
{
	my ($set, $rank, $truth) = @_;

	return rmse($truth, map { tree_quantile($set, $rank, 1, {}) } 1 .. 2000);
}

# How often permute-and-flip chooses the most frequent category, in theory: every
# other shows heads by itself, and one of those with heads is chosen.
sub permute_and_flip
{
	my ($set) = @_;
	my ($best, @others) = sort { $b <=> $a } @{ $set->{categories} };
	my @heads = (1);	# probability of each number of heads
	my $right = 0;

	foreach my $other (@others)
	{
		my $p = exp($other - $best);

		@heads = map { ($heads[$_] // 0) * (1 - $p) + ($_ > 0 ? $heads[ $_ - 1 ] * $p : 0) } 0 .. @heads;
	}
	$right += $heads[$_] / (1 + $_) foreach 0 .. $#heads;
	return $right;
}

# How often the category with the greatest noisy count is the most frequent.
sub noisy_max
{
	my ($set) = @_;
	my ($best, @others) = sort { $b <=> $a } @{ $set->{categories} };
	my $right = 0;

	foreach (1 .. $simulations)
	{
		my $top = $best + laplace(1);

		$right++ unless grep { $_ + laplace(1) > $top } @others;
	}
	return $right / $simulations;
}

# ----------
# Data
# ----------

# A standard normal variable.
sub normal { return sqrt(-2 * log(1 - rand)) * cos(8 * atan2(1, 1) * rand); }

sub uniform_people
{
	# the mode of c leads by 10 people
	return map {
		my $x = $_ % 101;

		[ $_, $x, int(0.6 * $x + 0.4 * int(101 * rand())), $_ <= 1009 ? 0 : 1 + $_ % 9 ]
	} 1 .. 10000;
}

sub earners
{
	return map {
		my $x = sprintf '%.2f', exp(10.4 + 0.8 * normal());

		[ $_, $x, sprintf('%.2f', 0.3 * $x * exp(0.3 * normal())), int(1 + 10 * rand()**2) ]
	} 1 .. 10000;
}

# The columns of pums.csv with these names.
sub census
{
	my @names = @_;
	my @rows;

	open my $in, '<', 'pums.csv' or return;
	my @header = split /,/, <$in> =~ s/\s+\z//r;
	my %position = map { $header[$_] => $_ } 0 .. $#header;
	while (my $line = <$in>)
	{
		my @fields = split /,/, $line =~ s/\s+\z//r;

		push @rows, [ scalar @rows, map { $fields[ $position{$_} ] } @names ];
	}
	return @rows;
}

# Loads a data set: x and y with their bounds, a category c, all NOT NULL.
sub data_set
{
	my ($table, $type, $bounds, @rows) = @_;
	my ($lower, $upper, $lower_y, $upper_y) = @$bounds;
	my %set = (table => $table, lower => $lower, upper => $upper,
		mid => ($lower + $upper) / 2, half => ($upper - $lower) / 2,
		mid_y => ($lower_y + $upper_y) / 2, half_y => ($upper_y - $lower_y) / 2);

	dba("CREATE TABLE $table (id int PRIMARY KEY, x $type NOT NULL, y $type NOT NULL, c int NOT NULL)");
	load($table, @rows);
	dba(<<"SQL");
VACUUM ANALYZE $table;
SELECT dp_agg.protect('$table', unit => 'id', population => 'people');
SELECT dp_agg.set_bounds('$table', 'x', $lower, $upper), dp_agg.set_bounds('$table', 'y', $lower_y, $upper_y);
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
CREATE VIEW clamped_$table AS
SELECT greatest(least(x, $upper), $lower)::float8 AS x, greatest(least(y, $upper_y), $lower_y)::float8 AS y, c FROM $table;
SQL
	$set{x} = [ map { clamp($_->[1], $lower, $upper) } @rows ];
	$set{y} = [ map { clamp($_->[2], $lower_y, $upper_y) } @rows ];
	my %number;
	$number{ $_->[3] }++ foreach @rows;
	$set{categories} = [ values %number ];
	$set{moments} = moments(\%set);
	$set{tree} = tree_counts(\%set);
	return \%set;
}

# ----------
# Tables
# ----------

my @results;	# of one data set: [query, measured, split, target]

sub result
{
	my ($query, $measured, $split, $target) = @_;

	push @results, [ $query, $measured, $split, $target // '' ];
	return;
}

sub errors
{
	my ($truth, $column, @answers) = @_;
	my @values = grep { $_ ne '' } map { $_->[$column] } @answers;

	warn scalar(@answers) - @values, " answers without a value\n" if @values < @answers;
	return rmse($truth, @values);
}

sub one
{
	my ($set, $name, $output, $split, $target) = @_;
	my $truth = value("SELECT $output FROM clamped_$set->{table}");

	result($name, errors($truth, 0, releases($n, "SELECT $output FROM $set->{table}", 'v float8')), $split, $target);
	return;
}

sub measure
{
	my ($set, %target) = @_;
	my $table = $set->{table};
	my $rows = $set->{moments}{n};
	my $largest = abs $set->{lower} > abs $set->{upper} ? abs $set->{lower} : abs $set->{upper};
	my @products = (qw(n x y xy));
	my $scale = $set->{half} * $set->{half_y};
	my @p = (0.25, 0.5, 0.9, 0.99);
	my %truth = map { $_ => value("SELECT percentile_disc($_) WITHIN GROUP (ORDER BY x) FROM clamped_$table") } @p;
	my %tree = map { $_ => tree_error($set, $_, $truth{$_}) } @p;

	one($set, 'count(*)', 'count(*)', sqrt 2);
	one($set, 'avg(x)', 'avg(x)', split_mean($set, 1), $target{avg});
	one($set, 'sum(x)', 'sum(x)', $largest * sqrt 2);
	one($set, 'var_samp(x)', 'var_samp(x)',
		$set->{half}**2 * split_error($set, 1, [qw(n x xx)], sub { variance($_[0], 'xx', 'x') }), $target{variance});
	one($set, 'stddev(x)', 'stddev(x)', split_stddev($set, 1), $target{stddev});
	one($set, 'covar_samp(y, x)', 'covar_samp(y, x)', $scale * split_error($set, 1, \@products, \&covariance));
	one($set, 'regr_slope(y, x)', 'regr_slope(y, x)', $set->{half_y} / $set->{half} * split_error($set, 1,
		[ @products, 'xx' ], sub { my $v = variance($_[0], 'xx', 'x'); $v > 0 ? covariance($_[0]) / $v : 0 }));
	one($set, 'corr(y, x)', 'corr(y, x)', split_error($set, 1, [ @products, qw(xx yy) ], sub {
		my $v = variance($_[0], 'xx', 'x') * variance($_[0], 'yy', 'y');
		$v > 0 ? clamp(covariance($_[0]) / sqrt $v, -1, 1) : 0;
	}));

	foreach my $p (@p)
	{
		my @answers = releases($n, "SELECT dp_quantile(x, $p) FROM $table", 'v float8');

		result($p == 0.5 ? 'median(x)' : "quantile(x, $p)", errors($truth{$p}, 0, @answers), $tree{$p}, $target{$p});
		result('median(x), exact in', mean(map { $_->[0] == $truth{$p} ? 100 : 0 } @answers), undef, $target{exact})
		  if $p == 0.5 && defined $target{exact};
	}
	my @answers = map { [ split /,/, $_->[0] =~ s/[{}]//gr ] }
	  releases($n, "SELECT dp_quantile(x, ARRAY[" . join(', ', @p) . "]) FROM $table", 'v text');
	result("quantile(x, $p[$_]) of an array of four", errors($truth{ $p[$_] }, $_, @answers), $tree{ $p[$_] })
	  foreach 0 .. $#p;
	one($set, 'min(x)', 'min(x)', tree_error($set, 0, value("SELECT min(x) FROM clamped_$table")));
	one($set, 'max(x)', 'max(x)', tree_error($set, 1, value("SELECT max(x) FROM clamped_$table")));

	one($set, 'count(DISTINCT c)', 'count(DISTINCT c)', sqrt 2);
	my $mode = value("SELECT mode() WITHIN GROUP (ORDER BY c) FROM $table");
	result('mode(c), right in', mean(map { $_->[0] eq $mode ? 100 : 0 } releases($n, "SELECT dp_mode(c) FROM $table", 'v text')),
		100 * noisy_max($set), defined $target{avg} ? sprintf('%.2f %%', 100 * permute_and_flip($set)) : '');
	my @buckets = map { $_->[0] } rows(<<"SQL");
SELECT count(x) FROM generate_series(1, 10) b LEFT JOIN clamped_$table
	ON least(width_bucket(x, $set->{lower}, $set->{upper}, 10), 10) = b GROUP BY b ORDER BY b
SQL
	my @squares;
	foreach my $answer (releases($n, "SELECT array_agg(b.count ORDER BY b.ordinality) FROM (SELECT dp_histogram(x, 10) AS h FROM $table) s, unnest(h) WITH ORDINALITY b", 'v text'))
	{
		my @counts = split /,/, $answer->[0] =~ s/[{}]//gr;

		push @squares, map { ($counts[$_] - $buckets[$_])**2 } 0 .. 9;
	}
	result('histogram(x, 10), per bucket', sqrt mean(@squares), sqrt 2);

	@answers = releases($n, "SELECT count(*), avg(x), stddev(x) FROM $table", 'c float8, a float8, s float8');
	result('count of count, avg, stddev', errors($rows, 0, @answers), 3 * sqrt 2, $target{count3});
	result('avg of count, avg, stddev', errors(value("SELECT avg(x) FROM clamped_$table"), 1, @answers), split_mean($set, 1 / 3));
	result('stddev of count, avg, stddev', errors(value("SELECT stddev(x) FROM clamped_$table"), 2, @answers), split_stddev($set, 1 / 3));
	return;
}

sub print_table
{
	my ($title) = @_;
	my $targets = grep { $_->[3] ne '' } @results;

	print "\n### $title\n\n";
	print '| query | error | split |', ($targets ? ' wanted |' : ''), "\n";
	print '| --- | --- | --- |', ($targets ? ' --- |' : ''), "\n";
	foreach my $r (@results)
	{
		my ($query, $measured, $split, $target) = @$r;
		my $percent = $query =~ / in$/;	# how often, not how far
		my @cells = ($query =~ /^(\w+\(.*?\)|\w+)(.*)$/ ? "`$1`$2" : $query,
			map { !defined $_ ? '' : $percent ? sprintf("%.2f %%", $_) : significant($_, 3) } $measured, $split);

		push @cells, $target if $targets;
		print '| ', join(' | ', @cells), " |\n";
	}
	@results = ();
	return;
}

setup();
measure(data_set('uniform', 'int', [ 0, 100, 0, 100 ], uniform_people()),
	avg => '0.0105', variance => '0.4', stddev => '0.007', exact => '99.9 %', 0.25 => '0.05', 0.9 => '0.05',
	0.99 => '0.05', count3 => '2.7');
print_table('10,000 people, integers uniform in 0..100');
measure(data_set('earners', 'numeric(10,2)', [ 0, 200000, 0, 100000 ], earners()));
print_table('10,000 people, lognormal incomes, bounds 0..200,000');
foreach my $census ([ 'age', 'int', [ 0, 100, 0, 200000 ], 'income', 'bounds 0..100' ],
	[ 'income', 'float8', [ 0, 200000, 0, 100 ], 'age', 'bounds 0..200,000' ])
{
	my ($x, $type, $bounds, $y, $words) = @$census;
	my @rows = census($x, $y, 'educ');

	next if @rows == 0;
	@rows = map { [ $_->[0], map { int } @$_[ 1 .. 3 ] ] } @rows;
	measure(data_set("census_$x", $type, $bounds, @rows));
	print_table(scalar(@rows) . " people of a census, $x, $words");
}
