# Descriptions of releases, states and queries made up by hand and by chance, over
# what is chosen rather than added up.  A leak: two versions of the data end in
# different ways, or the server crashes.

use strict;
use warnings;
use Test::More;
use Attacks;
use DpAgg;
use Extreme;

my $node = Extreme::start_extreme('forged and random choices');

# ---------- forged descriptions ----------

# A description as the planner makes it, out of the plan that a superuser prints.
{
	my $place = -s $node->logfile;
	my ($spec, @params);

	$node->safe_psql('postgres', "SET debug_print_plan = on; SET debug_pretty_print = off;\nSELECT dp_median(x, 0, 100), dp_mode(x), dp_count_distinct(x), dp_avg(x, 0, 100), dp_histogram(x, 0, 100, 5) FROM visits");
	foreach my $const (PostgreSQL::Test::Utils::slurp_file($node->logfile, $place) =~ /:constvalue\s+\d+\s+\[\s+((?:-?\d+\s+)+)\]/g)
	{
		my $bytes = pack 'C*', map { $_ & 255 } split ' ', $const;

		$spec //= substr $bytes, 4 if substr($bytes, 4, 4) eq 'DPrd';
		# an array of double precision
		@params = unpack 'd<*', substr $bytes, 24 if !@params && length $bytes > 56 && substr($bytes, 12, 4) eq pack 'l<', 701;
	}
	ok($spec && @params, 'a description') or BAIL_OUT('no description in the log');
	my @bytes = unpack 'C*', $spec;
	my $array = "'{" . join(',', @params) . "}'::float8[]";
	my @statements = ("SET statement_timeout = '5s'");
	my @descriptions;
	my $calls = sub {
		my ($number) = @_;
		my $p = $array;
		my $s = "(SELECT s FROM a.descriptions WHERE i = $number)";

		return "SELECT length(dp_agg.collect($s, $p, x)), " . join(', ', map { "length(dp_agg.sketch($s, $p, $_, x)), length(dp_agg.sketch_rows($s, $p, $_, x))" } 0 .. 2) . ' FROM a.forged',
		  "SELECT length(dp_agg.collect_bounded($s, $p, i)), length(dp_agg.sketch_bounded($s, $p, 0, r)) FROM (SELECT dp_agg.individual($s, $p, x) AS i, dp_agg.sketch_rows($s, $p, 0, x) AS r FROM a.forged GROUP BY x % 5) q",
		  "SELECT length(dp_agg.sketch_clipped($s, $p, 0, r, i, $number - 200)) FROM (SELECT dp_agg.individual($s, $p, x) AS i, dp_agg.sketch_rows($s, $p, 0, x) AS r FROM a.forged GROUP BY x % 5) q";
	};
	srand(41);
	foreach my $try (0 .. 399)
	{
		my @forged = @bytes;

		foreach my $change (1 .. ($try == 0 ? 0 : 1 + int rand 3))
		{
			# numbers of entries, after what stands at fixed places; any other number; or a type
			my $at = rand() < 0.3 ? 23 + 2 * int rand 12 : 22 + int rand(@forged - 26);
			my $value = (-1, 0, 1, 2, 3, 5, 127, 255, 256, 32767, -32768)[ int rand 11 ];
			my @value = rand() < 0.8 ? unpack 'C2', pack 's>', $value : unpack 'C4', pack 'L>', (0, 20, 23, 25, 1700)[ int rand 5 ];
			@forged[ $at .. $at + $#value ] = @value;
		}
		push @descriptions, "($try, decode('" . unpack('H*', pack 'C*', @forged) . "', 'hex'))";
		push @statements, $calls->($try);
	}
	DpAgg::bulk($node, 'analyst', [ 'CREATE TABLE a.forged AS SELECT generate_series(1, 40) AS x', 'CREATE TABLE a.descriptions (i int PRIMARY KEY, s bytea)',
		map { "INSERT INTO a.descriptions VALUES $_" } @descriptions ]);
	# one at a time: a crash must not hide what comes after it
	my ($ran, $sessions, $accepted) = (0, 0, 0);
	for (my $i = 1; $i < @statements; $i += 80)
	{
		my @results = eval { DpAgg::bulk($node, 'analyst', [ $statements[0], @statements[ $i .. ($i + 79 > $#statements ? $#statements : $i + 79) ] ]) };

		$sessions++;
		$ran++ if @results;
		$accepted++ if @results && $results[1]{sqlstate} eq '00000' && $i == 1;
		$node->poll_query_until('postgres', 'SELECT true') if !@results;
	}
	attacked($ran == $sessions, 'forged descriptions: all sessions survive');
	control($accepted == 1, 'and the description that is not forged is accepted');
	foreach my $state ('\x', '\x00', '\x' . '00' x 64, '\x' . 'ff' x 64, '\x' . '01000000' x 40)
	{
		my $hex = join '', map { sprintf '%02x', $_ } @bytes;
		DpAgg::as($node, 'analyst', "SELECT dp_agg.sketch_bounded(decode('$hex', 'hex'), $array, 0, '$state'::bytea), dp_agg.collect_bounded(decode('$hex', 'hex'), $array, '$state'::bytea)");
		DpAgg::as($node, 'analyst', "SELECT dp_agg.sketch_clipped(decode('$hex', 'hex'), $array, 0, '$state'::bytea, '$state'::bytea, 0)");
		DpAgg::as($node, 'analyst', "SELECT dp_agg.output('$state'::bytea, 1, 5), dp_agg.output('$state'::bytea, -1, 'x'::text)");
	}
	no_crash('no crash by forged descriptions and states');
}

# ---------- a differential fuzz ----------

{
	srand(4107);
	my $pick = sub { $_[ int rand @_ ] };
	my ($number, $text, $date, $any, $condition);

	$number = sub {
		my ($d) = @_;
		my $r = rand;

		return 'p.' . $pick->(qw(x y n k)) if $r < 0.5 || $d > 2;
		return '(' . $number->($d + 1) . '::' . ($r < 0.6 ? 'int4' : $r < 0.65 ? 'float8' : 'numeric') . ' ' . $pick->('+', '-', '*', '/') . ' ' . $pick->(0, 1, 2147483647) . ')' if $r < 0.7;
		return $number->($d + 1) . '::' . $pick->('int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'numeric(5,2)') if $r < 0.8;
		return $pick->(qw(sqrt ln exp abs)) . '(' . $number->($d + 1) . '::float8)' if $r < 0.85;
		return 'CASE WHEN ' . $condition->($d + 1) . ' THEN ' . $number->($d + 1) . '::numeric END' if $r < 0.9;
		return "extract(epoch FROM p.$_)" foreach $pick->(qw(d ts iv));
	};
	$text = sub { my ($d) = @_; return $pick->('p.t', 'p.t', 'lower(p.t)', "p.t || 'x'", 'substr(p.t, p.x, p.k)', 'p.m::text', 'p.y::text', "p.j->>'a'", 'left(p.t, p.k)') };
	$date = sub { my ($d) = @_; return $pick->('p.d', 'p.ts', 'p.iv', "date_trunc('month', p.ts)", "(p.d + interval '1 day')", '(p.ts - p.iv)', 'p.ts::date', 'p.iv * 2') };
	$any = sub { my ($d) = @_; return rand() < 0.4 ? 'p.' . $pick->(qw(x y n t b d ts iv ia j m k)) : $pick->($number, $text, $date)->($d) };
	$condition = sub { my ($d) = @_; return $pick->($number->($d + 1) . ' > ' . $pick->(0, 5, '1e9'), $any->($d + 1) . ' IS NOT NULL', 'p.b', 'p.k IN (0, 1)', $text->($d) . " = 'q7'", $date->($d) . ' IS NULL') };
	my $argument = sub { return rand() < 0.7 ? $number->(0) : rand() < 0.7 ? $date->(0) : $any->(0) };
	my $bounds = sub { return $pick->('', '', ', 0, 100', ', 0, 100', ', -1e100, 1e100', ', 0, 0.001', ', 1, 1', ", 'NaN', 1", ", '2020-01-01', '2020-02-01'", ', NULL, 1') };
	my $fraction = sub { return $pick->('0.5', '0', '1', '0.999', 'ARRAY[0.1, 0.5]', "'{0.1,0.2,0.3,0.4,0.5,0.6}'::float8[]", "'{}'::float8[]", 'NULL', '2', 'p.y') };
	my $aggregate = sub {
		my $a = $argument->();
		my $s = $pick->(
			'dp_count(*)', 'dp_count(' . $any->(0) . ')', 'dp_count_distinct(' . $any->(0) . ')', 'dp_mode(' . $any->(0) . ')', 'dp_mode(' . $any->(0) . ')',
			'dp_top(' . $any->(0) . ', ' . $pick->(1, 3, 1000, 1001, 0, 'p.k') . ')', $pick->(qw(dp_sum dp_avg dp_var dp_stddev dp_median dp_min dp_max dp_median)) . "($a" . $bounds->() . ')',
			"dp_quantile($a, " . $fraction->() . $bounds->() . ')', $pick->(qw(percentile_cont percentile_disc)) . '(' . $fraction->() . ") WITHIN GROUP (ORDER BY $a" . $pick->('', ' DESC') . ')',
			'mode() WITHIN GROUP (ORDER BY ' . $any->(0) . ')', "dp_histogram($a, " . $pick->('0, 100, 5', '0, 1, 1000', '0, 1, 1001', '5', "'2020-01-01', '2020-03-01', 3") . ')',
			"dp_bounds($a)", $pick->(qw(dp_covar dp_corr regr_slope)) . '(' . $number->(0) . ', ' . $number->(0) . $pick->('', ', 0, 10, 0, 10') . ')');

		$s .= ' FILTER (WHERE ' . $condition->(0) . ')' if rand() < 0.2;
		$s = $pick->(qw(dp_low dp_high)) . "($s" . $pick->('', ', 0.9', ', 1') . ')' if rand() < 0.15;
		return $s;
	};
	my @statements = ("SET statement_timeout = '60s'", 'SET dp_agg.epsilon = 1000', 'SET dp_agg.delta = 1e-7');

	foreach my $i (1 .. 1500)
	{
		my @keys = rand() < 0.4 ? ($pick->('p.k', 'p.m', 'p.b', $any->(0), $number->(0))) : ();
		my @where = map { rand() < $_->[0] ? $_->[1]->() : () } [ 0.3, sub { $condition->(0) } ],
		  [ 0.1, sub { 'dp_with(' . $pick->('epsilon => 1e-9', 'max_rows => 1000', 'max_rows => 1', 'max_groups => 100', 'delta => 1e-17') . ')' } ];

		push @statements, 'SELECT ' . join(', ', @keys, map { $aggregate->() } 1 .. 1 + int rand 3) . ' FROM ' . $pick->('people p', 'visits p', 'visits p', 'visits p, a.nums o', 'visits p JOIN people q ON q.id = p.pid')
		  . (@where ? ' WHERE ' . join(' AND ', @where) : '') . (@keys ? ' GROUP BY 1' : '');
	}
	my $class = sub { return "$_[0]{sqlstate} $_[0]{message}" };
	my @with = DpAgg::bulk($node, 'analyst', \@statements);
	version(0);
	my @without = DpAgg::bulk($node, 'analyst', \@statements);
	version(1);
	my @different = grep { $class->($with[$_]) ne $class->($without[$_]) } 0 .. $#statements;

	attacked(!@different, 'random queries end alike with and without a person')
	  or diag(join "\n", map { ($statements[$_], $class->($with[$_]), $class->($without[$_])) } grep { defined } @different[ 0 .. 4 ]);
	control(scalar(grep { $_->{sqlstate} eq '00000' } @with) > 300, 'and many of them run');
	attacked(!grep({ $_->{sqlstate} =~ /^XX|^5/ } @with), 'none ends with an internal error');
	no_crash('no crash by random queries');
}

finish();
