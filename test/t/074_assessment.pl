# The assessment of doc/audit.md: one question over two registers, computed in several ways,
# and what the record says of each.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('assessment', roles => ['analyst'], conf => "listen_addresses = '127.0.0.1'");
my $setup = PostgreSQL::Test::Utils::slurp_file('demo/assessment.sql');

$node->append_conf('pg_hba.conf', 'host all all 127.0.0.1/32 trust');
$node->reload;
$node->safe_psql('postgres', $setup);

my $raw = 'SELECT * FROM assessment.as_they_are';
my $pseudonymised = 'SELECT * FROM assessment.one_pseudonymised';
my $release = 'SELECT e.field, dp_avg(t.income) FROM assessment.education e JOIN assessment.tax t ON t.id_number = e.id_number GROUP BY e.field';

# asked(ROLE, SQL, tcp?)
sub asked
{
	my ($role, $sql, $tcp) = @_;
	my $host = $tcp ? '127.0.0.1' : $node->host;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $host, '-p', $node->port, '-U', $role, '-d', 'postgres' ], '<', \$sql, '>', \$out, '2>', \$err)
	  or die $err;
	return join "\n", sort split /\n/, $out;
}

my @answers = (asked('registrar', $raw), asked('registrar', $pseudonymised), asked('analyst', $release), asked('analyst', $release, 1));
$node->safe_psql('postgres', 'ALTER ROLE registrar SET dp_agg.plain_transmission = high');
asked('registrar', $pseudonymised, 1);

is(scalar(split /\n/, $_), 4, 'four fields') foreach @answers;
is($answers[0], $answers[1], 'raw and pseudonymised, the answer is the same');
isnt($answers[2], $answers[3], 'two releases are drawn apart');
my %true = map { split /\|/ } split /\n/, $answers[0];
my %released = map { split /\|/ } split /\n/, $answers[2];
cmp_ok(abs($released{$_} - $true{$_}), '<', 1000, "a release is near the truth: $_") foreach sort keys %true;

is($node->safe_psql('postgres', 'SELECT number, kind, tier, codes FROM assessment.record ORDER BY number'), join("\n",
	'1|raw rows|high|computation.central, result.direct_identifier, result.quasi_identifier, result.sensitive, transmission.local',
	'2|raw rows|medium|computation.central, result.direct_identifier_pseudonymised, result.quasi_identifier, result.sensitive, transmission.local',
	'3|release|low|computation.central, result.statistic, transmission.local',
	'4|release|medium|computation.central, result.statistic, transmission.plain',
	'5|raw rows|high|computation.central, result.direct_identifier_pseudonymised, result.quasi_identifier, result.sensitive, transmission.plain_high'),
	'the table of the assessment');
is($node->safe_psql('postgres', 'SELECT ok, entries FROM dp_agg.verify_ledger()'), 't|9', 'and the chain holds: an account, two releases, three reads of two registers each') ;

# What doc/audit.md prints is this.
my $doc = PostgreSQL::Test::Utils::slurp_file('doc/audit.md');
my @tiers = $doc =~ /^\| (?:both registers|one of them|as a release|the pseudonymised)[^|]*\| (\w+) \|/mg;
is("@tiers", 'high medium low medium high', 'doc/audit.md says the same');

$node->stop;
done_testing();
