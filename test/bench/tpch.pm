# tpch.pm
#	The 22 queries of test/bench/tpch/queries.sql, for who measures (tpch.pl) and who tests (test/t/112_tpch.pl).

package tpch;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);

our @EXPORT_OK = qw(queries file);

# A file of test/bench/tpch.
sub file
{
	return dirname(__FILE__) . "/tpch/$_[0]";
}

# What is sent in a variant: lines of other variants left out.
sub text
{
	my ($lines, $variant) = @_;
	my @lines = grep { !/-- (wide|linked|plain)$/ || $1 eq $variant } @$lines;

	return join("\n", map { s/\s*-- $variant$//r } @lines) =~ s/;\s*\z//r;
}

# The queries of a variant (wide, linked), in their order: { number, title, answer, sql, plain, refused, instead }: sql as an analyst sends
# it, plain without conditions that only tell whose rows are joined, refused [sqlstate, message], instead { sql, answer }.
sub queries
{
	my ($variant) = @_;
	my (@queries, $at);

	open my $in, '<', file('queries.sql') or die "queries.sql: $!\n";
	while (<$in>)
	{
		chomp;
		if (/^-- Q(\d+) (.*)/) { push @queries, $at = { number => $1, title => $2, lines => [] } }
		elsif (/^-- answer: (\w+)/) { $at->{answer} = $1 }
		elsif (/^-- refused: (\w{5}) (.+?)(?: -- (wide|linked))?$/) { $at->{refused} = [ $1, $2 ] if !$3 || $3 eq $variant }
		elsif (/^-- instead:/) { $at = $at->{instead} = { lines => [] } }
		elsif ($at && /\S/) { push @{ $at->{lines} }, $_ }
	}
	close $in;
	foreach my $query (map { ($_, $_->{instead} // ()) } @queries)
	{
		$query->{sql} = text($query->{lines}, $variant);
		$query->{plain} = text($query->{lines}, 'plain');
	}
	return @queries;
}

1;
