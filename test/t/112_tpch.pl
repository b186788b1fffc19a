# TPC-H's shape (test/bench/tpch): eight tables of which one knows the customer, or two are linked to it, and the 22 queries as an
# analyst sends them.  Each is answered, near plain SQL's answer where groups are large enough, or refused for the
# reason that queries.sql tells; never is there a group or a number that plain SQL does not have.
#
# Epsilon is so large that noise does not show: what is wrong is seen.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use lib 'test/bench';
use DpAgg;
use tpch;

# What a number may be off, if not by 0.02.
my %near = (9 => 0.1, map { ($_ => 0.06) } 5, 7, 8, 22);

# In Q1's four groups a customer has up to 75 rows, in those of other queries few, and few in all.
my %settings = (1 => 'SET dp_agg.max_rows = 100;', 9 => 'SET dp_agg.max_total = 60;', map { ($_ => 'SET dp_agg.max_rows = 1;') } 5, 7, 8);

# How many rows of plain SQL's answer are there, at least, where customers are 7,500.
my %least = (1 => 4, 4 => 5, 5 => 5, 6 => 1, 7 => 4, 8 => 2, 9 => 100, 12 => 2, 13 => 15, 14 => 1, 22 => 7);

my $node = DpAgg::node('tpch', conf => "dp_agg.epsilon = 1000\njit = off\nclient_min_messages = error\nmax_wal_size = 4GB\nwork_mem = 64MB\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

sub run_file
{
	my ($name, @variables) = @_;
	my ($code, undef, $err) = $node->psql('postgres', slurp_file(tpch::file($name)),
		extra_params => [ map { ('-v', $_) } 'ON_ERROR_STOP=1', @variables ], timeout => 600);

	is($code, 0, "$name, @variables") or BAIL_OUT($err);
	return;
}

# An answer by its first columns, of which there are so many: { "AIR" => [ 12, 34 ] }.
sub rows
{
	my ($out, $keys) = @_;
	my %rows;

	foreach (split /\n/, $out)
	{
		my @fields = split /\|/, $_, -1;

		$rows{ join '|', @fields[ 0 .. $keys - 1 ] } = [ @fields[ $keys .. $#fields ] ];
	}
	return \%rows;
}

# The columns of an answer before its first measure.
my %keys = (1 => 2, 3 => 1, 4 => 1, 5 => 1, 7 => 3, 8 => 1, 9 => 2, 12 => 1, 13 => 1, 15 => 4, 21 => 1, 22 => 1);

# Is each row of the answer near plain SQL's?  The rest is told.
sub far
{
	my ($got, $right, $near) = @_;

	foreach my $key (sort keys %$got)
	{
		return "row $key is not plain SQL's" unless $right->{$key};
		foreach my $i (0 .. $#{ $got->{$key} })
		{
			my ($x, $y) = ($got->{$key}[$i], $right->{$key}[$i]);

			return "row $key: $x, not $y" if ($x eq '') != ($y eq '') || ($x ne '' && abs($x - $y) > $near * abs($y) + 2);
		}
	}
	return '';
}

sub check
{
	my ($variant, $query) = @_;
	my $name = "Q$query->{number} $query->{title}, $variant";
	my $asked = $query;

	if ($query->{refused})
	{
		my $r = DpAgg::refused($node, 'analyst', $query->{sql}, $query->{refused}[0], "$name: refused");

		like($r->{message}, qr/^\Q$query->{refused}[1]\E/, '... for this reason');
		like($r->{err}, qr/^HINT:/m, '... with a hint');
		$asked = $query->{instead} or return;
		$name .= ', instead';
	}
	my $r = DpAgg::works($node, 'analyst', ($settings{ $query->{number} } // '') . $asked->{sql}, "$name: answered");
	my $plain = DpAgg::value($node, $superuser, $asked->{plain});

	return unless $r->{ok};
	return is($r->{out}, $plain, "$name: as plain SQL answers") if $asked->{answer} eq 'plain';
	my $keys = $keys{ $query->{number} } // 0;
	my $got = rows($r->{out}, $keys);
	delete $got->{''} if $keys == 0 && $r->{out} eq '';	# NULL: of too few customers
	is(far($got, rows($plain, $keys), $near{ $query->{number} } // 0.02), '', "$name: what is there is right");
	return if $asked->{answer} eq 'groups';
	my $least = $least{ $query->{number} } // 0;
	cmp_ok(scalar keys %$got, '>=', $least, "$name: $least rows at least");
	return;
}

# Limits with which nothing is cut off at this scale, and groups of 20 customers show.
sub widen
{
	my ($orders, $lineitem) = @_;

	$node->safe_psql('postgres', <<"SQL");
SELECT dp_agg.protect('orders', $orders, population => 'customers', max_groups => 100, max_rows => 4, max_total => 60);
SELECT dp_agg.protect('lineitem', $lineitem, population => 'customers', max_groups => 100, max_rows => 4, max_total => 300);
SELECT dp_agg.set_bounds('lineitem', 'l_extendedprice', 0, 110000), dp_agg.set_total('lineitem', 'l_extendedprice', 0, 12000000);
SELECT dp_agg.set_total('lineitem', 'l_quantity', 0, 8000);
SQL
	return;
}

run_file('data.sql', 'sf=0.05');
is($node->safe_psql('postgres', <<'SQL'), '7500|5000|75000', 'two thirds of the customers have orders');
SELECT (SELECT count(*) FROM customer), count(DISTINCT o_custkey), count(*) FROM orders
SQL
is($node->safe_psql('postgres', <<'SQL'), 't|t|t|t', 'line items are as published: 1 to 7 in an order, dates in their order, flags by dates');
SELECT min(n) = 1 AND max(n) = 7, (SELECT bool_and(l_shipdate - o_orderdate BETWEEN 1 AND 121 AND l_receiptdate - l_shipdate BETWEEN 1 AND 30)
	FROM lineitem JOIN orders ON o_orderkey = l_orderkey),
	(SELECT bool_and((l_returnflag = 'N') = (l_receiptdate > date '1995-06-17') AND (l_linestatus = 'O') = (l_shipdate > date '1995-06-17')) FROM lineitem),
	(SELECT bool_and(l_custkey = o_custkey) FROM lineitem JOIN orders ON o_orderkey = l_orderkey)
FROM (SELECT count(*) AS n FROM lineitem GROUP BY l_orderkey) o
SQL

run_file('protect.sql', 'variant=wide');
widen("unit => 'o_custkey'", "unit => 'l_custkey'");
check('wide', $_) foreach tpch::queries('wide');

SKIP:
{
	skip 'protect() knows no links', 1
	  if $node->safe_psql('postgres', "SELECT bool_or('link' = ANY (proargnames)) FROM pg_proc WHERE pronamespace = 'dp_agg'::regnamespace AND proname = 'protect'") ne 't';
	$node->safe_psql('postgres', <<'SQL');
SELECT dp_agg.unprotect('lineitem'), dp_agg.unprotect('orders');
ALTER TABLE lineitem DROP COLUMN l_custkey;
SQL
	run_file('protect.sql', 'variant=linked');
	widen("link => 'o_custkey', parent => 'customer'", "link => 'l_orderkey', parent => 'orders'");
	check('linked', $_) foreach tpch::queries('linked');
}

$node->stop;
done_testing();
