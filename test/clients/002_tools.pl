# BI tools: what each of them sends when it connects, looks around and opens dashboards, over the wire, in its order
# and with its protocol (test/clients/tools).  The ledger says what that costs, and a limit in the file says what
# it may: browsing must not become dearer.
#
# A file is made of blocks with an empty line between them.  A block is one message to the server, as it stands,
# after lines of directives, and of comments before these:
#
#	--# protocol: simple			(or extended) from here on; extended sends one statement with Parse, Bind, Describe, Execute
#	--# before: BEGIN, --# after: COMMIT	what the tool sends around each block of a part that has a price
#	--# part: NAME, PRICE			what follows costs PRICE releases at most, with nothing reused
#	--# reused: PRICE				and what all parts cost at most when a tool opens them for the first time in a window of
#									dp_agg.set_reuse()
#	--# with: VALUE|VALUE			parameters, in the extended protocol
#	--# refused: SQLSTATE TEXT		this block is refused, with TEXT in its message; it costs nothing
#	--# rows: NUMBER				at least so many rows come back (default: 1)
#
# Each tool has a role of its own.  In a window each file is opened twice: the second opening is free.

use strict;
use warnings;
use List::Util qw(sum0);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Wire;

my $here = "$ENV{TESTDIR}/test/clients/tools";
my @populations = qw(patients customers);
my $node = DpAgg::node('tools', roles => []);
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# A file: { reused, parts => [ { name, price, blocks } ] }; a block: { sql, protocol, before, after, with, refused, message, rows }.
sub read_file
{
	my ($name) = @_;
	my %file = (parts => []);
	my %state = (protocol => 'simple');

	foreach my $block (split /\n\s*\n/, slurp_file("$here/$name.sql"))
	{
		my %block = (rows => 1);

		$block =~ s/\A\s*(?:--(?!# )[^\n]*\n)+(?=--# )//;
		while ($block =~ s/\A\s*--# (\w+): ([^\n]*)(?:\n|\z)//)
		{
			my ($what, $value) = ($1, $2);

			if ($what =~ /^(?:protocol|before|after)$/) { $state{$what} = $value }
			elsif ($what eq 'reused') { $file{reused} = $value }
			elsif ($what eq 'part')
			{
				my ($title, $price) = $value =~ /^(.*), (\d+)$/ or die "$name: no part: $value";
				push @{ $file{parts} }, { name => $title, price => $price, blocks => [] };
			}
			elsif ($what eq 'with') { $block{with} = [ split /\|/, $value, -1 ] }
			elsif ($what eq 'refused') { @block{qw(refused message)} = $value =~ /^(\w{5}) (.*)/ or die "$name: no refusal: $value" }
			elsif ($what eq 'rows') { $block{rows} = $value }
			else { die "$name: no such directive: $what" }
		}
		next if $block !~ /^(?!--)\s*\S/m;
		die "$name: outside of parts: $block" if !@{ $file{parts} };
		push @{ $file{parts}->[-1]->{blocks} }, { %state, %block, sql => $block =~ s/;?\s*\z//r };
	}
	return \%file;
}

# What a role has spent in all.
sub spent
{
	my ($admin, $role) = @_;

	$admin->send("SELECT coalesce(sum(epsilon_spent), 0) FROM dp_agg.budgets WHERE role = '$role'");
	return ($admin->receive)[0]->{rows}->[0]->[0];
}

# Sends one block, with what the tool puts around it; returns its result.
sub ask
{
	my ($c, $block, $price) = @_;
	my $statement = $block->{protocol} eq 'extended' ? [ $block->{sql}, @{ $block->{with} // [] } ] : $block->{sql};
	my @before = $price ? $block->{before} // () : ();
	my @after = $price ? $block->{after} // () : ();

	$c->send(@before, $statement, @after);
	return ($c->receive)[ scalar @before ];
}

# Opens all parts of a file as a role, which pays; returns what each part cost, and says what cost more than $usual releases.
sub open_all
{
	my ($name, $file, $role, $db, $usual) = @_;
	my $c = Wire->new($node->host, $node->port, $role, $db) or die "no connection as $role";
	my $admin = Wire->new($node->host, $node->port, $superuser, $db);
	my ($at, @prices) = spent($admin, $role);

	foreach my $part (@{ $file->{parts} })
	{
		my $begun = $at;

		foreach my $block (@{ $part->{blocks} })
		{
			my $r = ask($c, $block, $part->{price});
			my $now = spent($admin, $role);
			my $told = "$name, $part->{name}: " . DpAgg::brief($block->{sql});

			if ($block->{refused})
			{
				like("$r->{state} " . ($r->{error}->{M} // ''), qr/^$block->{refused} .*\Q$block->{message}\E/, "$told: refused");
				is($now, $at, '... for nothing');
			}
			else
			{
				is($r->{state}, '00000', $told) or diag($r->{error}->{M});
				cmp_ok(scalar @{ $r->{rows} }, '>=', $block->{rows}, '... with rows') if $part->{price} || $block->{sql} =~ /^select/i;
			}
			note($now - $at . ": $told") if $now > $at + $usual;
			$at = $now;
		}
		push @prices, $at - $begun;
	}
	return @prices;
}

# The administrators' tables, and accounts for all openings, in a database of its own.
sub set_up
{
	my ($db, @roles) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'CREATE EXTENSION dp_agg');
	my ($code, undef, $err) = $node->psql($db, slurp_file("$ENV{TESTDIR}/test/questions/setup.sql"), extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
	is($code, 0, 'the administrators set up their tables') or diag($err);
	# as dp_agg.suggest() would have it
	$node->safe_psql($db, <<'SQL');
SELECT dp_agg.set_measured('visits', (SELECT array_agg(s ORDER BY t) FROM (SELECT t, sum(greatest(n - t, 0)) / sum(n)::float8 AS s
	FROM (SELECT count(*) AS n FROM visits GROUP BY patient) p, unnest(dp_agg.measured_at()) t GROUP BY t) m));
SQL
	foreach my $role (@roles)
	{
		$node->safe_psql($db, "SELECT dp_agg.set_budget('$role', '$_', epsilon => 1000, delta => 1e-3)") foreach @populations;
	}
	return;
}

my $documentation = slurp_file("$ENV{TESTDIR}/doc/clients.md");

# What doc/clients.md says that opening all costs: without a window (0), in one (1), once more (2).
sub documented
{
	my ($tool, $i) = @_;
	my $title = $tool =~ tr/_/ /r;

	return [ $documentation =~ /^\| \Q$title\E \|.*\| (\d+) \| (\d+) \| (\d+) \|$/mi ]->[$i];
}

my @tools = qw(metabase superset grafana tableau power_bi);
my %files = map { $_ => read_file($_) } @tools;

$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN") foreach 'analyst', @tools;
set_up('plain', @tools);
foreach my $tool (@tools)
{
	my $file = $files{$tool};
	my @prices = open_all($tool, $file, $tool, 'plain', 1);

	foreach my $i (0 .. $#prices)
	{
		my $part = $file->{parts}->[$i];

		cmp_ok($prices[$i], '<=', $part->{price}, "$tool, $part->{name}: costs $prices[$i]");
	}
	is(documented($tool, 0), sum0(@prices), "$tool: opening all costs " . sum0(@prices) . ', as documented');
}

set_up('reusing', @tools);
$node->safe_psql('reusing', "SELECT dp_agg.set_reuse('$_', '1 day')") foreach @populations;
foreach my $tool (@tools)
{
	my $file = $files{$tool};

	# without what other tools have been told
	$node->safe_psql('reusing', "SELECT dp_agg.refresh('$_')") foreach @populations;
	my $first = sum0(open_all($tool, $file, $tool, 'reusing', 0));
	my $second = sum0(open_all($tool, $file, $tool, 'reusing', 0));

	cmp_ok($first, '<=', $file->{reused}, "$tool: opening all for the first time costs $first with answers reused");
	is(documented($tool, 1), $first, '... as documented');
	is($second, 0, "$tool: opening all again is free");
	is(documented($tool, 2), $second, '... as documented');
}

$node->stop;
done_testing();
