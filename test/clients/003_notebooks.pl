# The notebooks of doc/clients.md run as they stand there, and cost what they say.
#
# Blocks of one language that follow <!-- run --> are one program, in their order.

use strict;
use warnings;
use IPC::Run qw(run timeout);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

# Whose packages each takes (dev/clients.sh), what it costs, and what it prints.
my @notebooks = (
	{ language => 'python', file => 'notebook.py', command => ['/usr/bin/python3'], needs => [qw(psycopg pandas)],
		prints => [ qr/^0 +patients +10/m, qr/^clinic +\n?.*^North/ms, qr/^42501 permission denied for table visits.*Write an aggregate/m ], keeps => 'costs.csv' },
	{ language => 'r', file => 'notebook.R', command => [qw(Rscript --vanilla)], needs => [qw(dbplyr)],
		prints => [ qr/patients +10/, qr/^\d North /m, qr/permission denied for table visits/ ], keeps => 'costs.rds' });

my $text = slurp_file("$ENV{TESTDIR}/doc/clients.md");
my $missing = "$ENV{TESTDIR}/.build/clients/missing";
my %missing = map { /^(\w+)\t(.*)$/ ? ($1 => $2) : () } -e $missing ? split(/\n/, slurp_file($missing)) : ();
my $node = DpAgg::node('notebooks');
my ($code, undef, $err) = $node->psql('postgres', slurp_file("$ENV{TESTDIR}/test/questions/setup.sql"), extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);

is($code, 0, 'the administrators set up their tables') or diag($err);
foreach my $notebook (@notebooks)
{
	my $language = $notebook->{language};
	my $all = () = $text =~ /^```$language$/mg;
	my @blocks = $text =~ /^<!-- run -->\n```$language\n(.*?)^```$/msg;

	ok(@blocks > 2, "there are blocks of $language");
	is(scalar @blocks, $all, '... and all of them run');
  SKIP:
	{
		my ($lacks) = grep { defined } @missing{ @{ $notebook->{needs} } };
		skip $lacks, 4 if $lacks;

		my $dir = PostgreSQL::Test::Utils::tempdir();
		my ($out, $said) = ('', '');

		$node->safe_psql('postgres', 'CREATE ROLE analyst_of_' . $language . ' LOGIN; ' . <<"SQL");
SELECT dp_agg.set_budget('analyst_of_$language', 'patients', epsilon => 10, delta => 1e-6);
SQL
		append_to_file("$dir/service.conf", "[hospital]\nhost=" . $node->host . "\nport=" . $node->port . "\ndbname=postgres\nuser=analyst_of_$language\n");
		append_to_file("$dir/$notebook->{file}", join "\n", @blocks);
		{
			local %ENV = ((map { $_ => $ENV{$_} } qw(PATH HOME TMPDIR LANG LC_ALL TZ)), PGSERVICEFILE => "$dir/service.conf");
			chdir $dir or die "$dir: $!";
			ok(eval { run [ @{ $notebook->{command} }, $notebook->{file} ], '<', \undef, '>', \$out, '2>', \$said, timeout($PostgreSQL::Test::Utils::timeout_default) },
				"the notebook in $language runs") or diag($@, $out, $said);
		}
		is(join("\n", grep { $out !~ $_ } @{ $notebook->{prints} }), '', '... and prints what one expects') or diag($out, $said);
		ok(-s "$dir/$notebook->{keeps}", '... and keeps its answer');
		is($node->safe_psql('postgres', "SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst_of_$language'"), '0.5', '... for the price of one release');
	}
}

$node->stop;
done_testing();
