# tpch.pl
#	TPC-H's 22 queries as releases beside plain SQL.  Run by tpch.sh, which says how.
#
# "plain" is the query as a superuser asks it; "whole" is the same without look-ups by an index and nested loops, which
# protected tables do not allow either; for links it joins the chain by hand, as lineitem's customer is that of its order.

use strict;
use warnings;
use speed;
use tpch;

my $scale = $ENV{SCALE} || 1;
my $draws = $ENV{DRAWS} || 21;
my %only = map { $_ => 1 } split ' ', $ENV{QUERIES} || '';
my $limit = "SET statement_timeout = '300s'";

sub from_file
{
	my ($name, @variables) = @_;

	progress("$name @variables");
	system('psql', '-XqAt', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', (map { ('-v', $_) } @variables), '-f', tpch::file($name)) == 0
	  or die "$name failed\n";
	return;
}

sub one_line { return $_[0] =~ s/\s+/ /gr; }

# Medians of queries in turn; none where one fails.
sub medians
{
	my @queries = @_;
	my @ms = eval { alternate(@queries) };

	return @ms;
}

# For links: the chain that tells the customer of each line item, written by hand.
sub by_hand
{
	my ($sql) = @_;

	return $sql if $sql =~ /\borders\b/ || $sql !~ /\blineitem\b/;
	return $sql =~ s/\bFROM lineitem\b(.*?)\bWHERE\b/FROM lineitem JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey$1WHERE/sr;
}

sub measure
{
	my ($variant) = @_;

	printf "%-7s %-4s %9s %9s %9s %7s %7s %8s %8s\n", 'variant', 'Q', 'plain ms', 'whole ms', 'DP ms', 'DP/pl', 'DP/wh', 'plain MB', 'DP MB';
	foreach my $query (grep { !%only || $only{ $_->{number} } } tpch::queries($variant))
	{
		if ($query->{refused} || $query->{answer} eq 'plain')
		{
			printf "%-7s Q%-3d %s\n", $variant, $query->{number}, $query->{refused} ? "refused: $query->{refused}[1]" : 'public tables only';
			next;
		}
		my ($sql, $plain) = map { one_line($_) } $query->{sql}, $variant eq 'linked' ? by_hand($query->{plain}) : $query->{plain};
		my @sessions = (session('analyst', "$limit;"), session('postgres', "$limit;"),
			session('postgres', "$limit; SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off; SET enable_nestloop = off;"));
		my @ms = medians([ $sessions[0], $sql ], map { [ $_, $plain ] } @sessions[ 1 .. $#sessions ]);
		my @mb = map { eval { peak_memory(@$_) } // -1 } [ 'postgres', "$limit;", $plain ], [ 'analyst', "$limit;", $sql ];

		if (!@ms) { printf "%-7s Q%-3d %s\n", $variant, $query->{number}, 'did not end'; next }
		printf "%-7s Q%-3d %9.0f %9.0f %9.0f %7.2f %7.2f %8.0f %8.0f\n", $variant, $query->{number}, ($ms[1] // 0), ($ms[2] // 0), $ms[0],
		  $ms[1] ? $ms[0] / $ms[1] : 0, $ms[2] ? $ms[0] / $ms[2] : 0, $mb[0] // 0, $mb[1] // 0;
	}
	return;
}

# Median relative errors of the numbers of an answer, over rows that are large, in percent.
sub accuracy
{
	my ($variant, $number, $settings, $keys, $large) = @_;
	my ($query) = grep { $_->{number} == $number } tpch::queries($variant);
	my %right = map { my @f = split /\|/; (join('|', @f[ 0 .. $keys - 1 ]) => [ @f[ $keys .. $#f ] ]) } split /\n/, sql("$query->{plain};");
	my %errors;

	foreach (1 .. $draws)
	{
		foreach my $line (split /\n/, sql("SET SESSION AUTHORIZATION analyst; SET client_min_messages = error; $settings $query->{sql};"))
		{
			my @f = split /\|/, $line;
			my $key = join '|', @f[ 0 .. $keys - 1 ];
			my $right = $right{$key} or next;

			next if $large && !grep { $key eq $_ } @$large;
			push @{ $errors{$_} }, 100 * abs($f[ $keys + $_ ] / $right->[$_] - 1) foreach grep { ($f[ $keys + $_ ] // '') ne '' } 0 .. $#$right;
		}
	}
	printf "%-7s Q%-3d %-32s %s\n", $variant, $number, $settings || 'limits of suggest()',
	  join ', ', map { sprintf '%.2f %%', median(@{ $errors{$_} }) } sort { $a <=> $b } keys %errors;
	return;
}

sql('CREATE EXTENSION pg_prewarm; CREATE ROLE analyst LOGIN; CREATE EXTENSION dp_agg');
from_file('data.sql', "sf=$scale");
describe(machine() . sprintf ', TPC-H at scale %s', $scale);
foreach my $variant (split ' ', $ENV{VARIANTS} || 'wide linked')
{
	if ($variant eq 'linked')
	{
		sql("SELECT dp_agg.unprotect(relid) FROM unnest('{lineitem,orders}'::regclass[]) relid; ALTER TABLE lineitem DROP COLUMN l_custkey")
		  if value("SELECT count(*) FROM dp_agg.protected_relations") > 0;
	}
	from_file('protect.sql', "variant=$variant");
	sql("SELECT pg_prewarm(c.oid) FROM pg_class c WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace");
	measure($variant);
	accuracy($variant, 1, '', 2, [ 'A|F', 'N|O', 'R|F' ]);
	accuracy($variant, @$_) foreach [ 6, '', 0 ], [ 14, '', 0 ], [ 5, '', 1 ],
	  [ 14, 'SET dp_agg.max_total = 10;', 0 ], [ 5, 'SET dp_agg.max_total = 10;', 1 ];
}
