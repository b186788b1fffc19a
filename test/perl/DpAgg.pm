# DpAgg.pm
#	What the TAP tests of dp_agg share, on top of PostgreSQL::Test::Cluster.
#
#	use DpAgg;
#	my $node = DpAgg::node('main');                 # server, extension, role analyst
#	my $r = DpAgg::as($node, 'analyst', 'SELECT dp_count(*) FROM visits');
#	is($r->{sqlstate}, '00000'); like($r->{out}, qr/^\d+$/);
#	DpAgg::refused($node, 'analyst', 'SELECT * FROM visits', '42501');
#
# Roles may log in and have no other right: the server trusts its private socket.

package DpAgg;

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# node(NAME, %options) starts a server.  Options:
#	preload    => 'dp_agg'     shared_preload_libraries; '' for none
#	extension  => 1            CREATE EXTENSION dp_agg in database postgres
#	roles      => ['analyst']  LOGIN roles to create
#	fsync      => 0            1 where a crash, or the cost of a flush, is the point
#	conf       => ''           more lines for postgresql.conf
#	init       => {}           for PostgreSQL::Test::Cluster's init
#	install    => undef        the installation, if it is not the one that the tests have in common
sub node
{
	my ($name, %opt) = @_;
	my $preload = $opt{preload} // 'dp_agg';
	my $node = PostgreSQL::Test::Cluster->new($name, $opt{install} ? (install_path => $opt{install}) : ());

	$node->init(%{ $opt{init} // {} });
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$preload'");
	$node->append_conf('postgresql.conf', 'max_connections = 50');
	$node->append_conf('postgresql.conf', 'shared_buffers = 128MB');
	$node->append_conf('postgresql.conf', 'fsync = on') if $opt{fsync};
	$node->append_conf('postgresql.conf', $opt{conf}) if defined $opt{conf};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION dp_agg') if $opt{extension} // 1;
	$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN")
	  foreach @{ $opt{roles} // ['analyst'] };
	return $node;
}

# as(NODE, ROLE, SQL, %options) runs SQL through psql as ROLE, up to its first
# error.  Returns { ok, out, err, sqlstate, message }: out as psql -XAtq prints
# it, err all of standard error, sqlstate and message of the first error, or
# '00000' and ''.  Options: db => 'postgres', and those of Cluster's psql; without
# a timeout the test dies after PG_TEST_TIMEOUT_DEFAULT (180) seconds.
sub as
{
	my ($node, $role, $sql, %opt) = @_;
	my $db = delete $opt{db} // 'postgres';
	my @extra = (@{ delete $opt{extra_params} // [] }, '-v', 'VERBOSITY=verbose');
	my ($code, $out, $err) = $node->psql($db, $sql,
		connstr => $node->connstr($db) . " user='$role'",
		extra_params => \@extra,
		timeout => $PostgreSQL::Test::Utils::timeout_default,
		%opt);
	my ($state, $message) = $err =~ /^(?:psql:[^\n]*?)?(?:ERROR|FATAL|PANIC):  (\w{5}): ([^\n]*)/m;

	return {
		ok => defined $code && $code == 0,
		out => $out,
		err => $err,
		sqlstate => $state // (defined $code && $code == 0 ? '00000' : 'psql?'),
		message => $message // '' };
}

# value(NODE, ROLE, SQL, %options): the output, or the test dies.
sub value
{
	my ($node, $role, $sql, %opt) = @_;
	my $r = as($node, $role, $sql, %opt);

	die "failed as $role: $sql\n$r->{err}" unless $r->{ok};
	return $r->{out};
}

# works(NODE, ROLE, SQL [, TEST NAME]): a test that SQL succeeds.
sub works
{
	my ($node, $role, $sql, $name) = @_;
	my $r = as($node, $role, $sql);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($r->{ok}, $name // "$role may: " . brief($sql)) or diag($r->{err});
	return $r;
}

# refused(NODE, ROLE, SQL, SQLSTATE [, TEST NAME]): a test that SQL fails with
# SQLSTATE and prints no row before it does.
sub refused
{
	my ($node, $role, $sql, $sqlstate, $name) = @_;
	my $r = as($node, $role, $sql);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is("$r->{sqlstate} $r->{out}", "$sqlstate ",
		$name // "$role may not ($sqlstate): " . brief($sql))
	  or diag($r->{err});
	return $r;
}

sub brief
{
	my ($sql) = @_;

	$sql =~ s/\s+/ /g;
	return length $sql > 100 ? substr($sql, 0, 97) . '...' : $sql;
}

# bulk(NODE, ROLE, [SQL...], %options) runs many single statements through one
# session, also past errors.  Returns one { out, sqlstate, message } for each.
# Options: db => 'postgres', timeout => 600.
sub bulk
{
	my ($node, $role, $statements, %opt) = @_;
	my $db = $opt{db} // 'postgres';
	my $mark = 'dp_agg-test-statement';
	my $script = join '',
	  map { s/;?\s*\z//r . "\n;\n\\echo $mark :SQLSTATE :LAST_ERROR_MESSAGE\n" }
	  map { /^\s*\\|\A\s*\z/ ? die("not a statement: $_") : $_ } @$statements;
	my ($code, $out, $err) = $node->psql($db, $script,
		connstr => $node->connstr($db) . " user='$role'",
		on_error_stop => 0,
		timeout => $opt{timeout} // 600);
	my @results;

	while ($out =~ /\G(.*?)^\Q$mark\E (\w{5}) ?([^\n]*)(?:\n|\z)/gcms)
	{
		my ($rows, $state, $message) = ($1, $2, $3);
		chomp $rows;
		# psql keeps LAST_ERROR_MESSAGE until the next error.
		push @results, {
			out => $rows,
			sqlstate => $state,
			message => $state eq '00000' ? '' : $message };
	}
	@results == @$statements
	  or die 'only ' . @results . ' of ' . @$statements . " statements ran:\n$err";
	return @results;
}

# many(NODE, ROLE, SQL, TIMES): what a statement gives, asked so many times: a list of lists.
sub many
{
	my ($node, $role, $sql, $times) = @_;
	my $columns = value($node, $role, <<"SQL");
CREATE TEMP TABLE many (r text);
DO \$\$ BEGIN FOR i IN 1 .. $times LOOP INSERT INTO many SELECT translate(r::text, '()', '') FROM ($sql) r; END LOOP; END \$\$;
SELECT r FROM many;
SQL
	return map { [ split /,/ ] } split /\n/, $columns;
}

# ask(SESSION, SQL): what a session of background_psql answers, without the newline that 16 leaves at its end.
sub ask
{
	my ($session, $sql) = @_;

	return scalar($session->query($sql)) =~ s/\n\z//r;
}

# version(): PostgreSQL's, as 15 or 17.
my $version;

sub version
{
	return $version //= (`pg_config --version` =~ /(\d+)/)[0];
}

# force_parallel(): the name of the setting that makes plans parallel, which 16 changed.
sub force_parallel
{
	return version() >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
}

# data(FILE): the path of a file of real data, or undef where there is none.
sub data
{
	my ($file) = @_;
	my $path = ($ENV{DP_AGG_DATA} // '') . "/$file";

	return -r $path ? $path : undef;
}

# A small population to ask about: 1,000 patients, 3 visits each, 4 clinics of
# 250 patients and one, "tiny", of 5.  Protected, with bounds and a budget.
sub visits
{
	my ($node, %opt) = @_;
	my $epsilon = $opt{epsilon} // 1000;

	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE visits (patient_id int, clinic text, cost numeric);
INSERT INTO visits
SELECT p, CASE WHEN p > 1000 THEN 'tiny' ELSE 'clinic ' || p % 4 END, 100 * (p % 40)
FROM generate_series(1, 1005) p, generate_series(1, 3) v;
ANALYZE visits;
SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'patients',
                      max_groups => 4, max_rows => 10);
SELECT dp_agg.set_bounds('visits', 'cost', 0, 5000);
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => $epsilon, delta => 1e-4);
SQL
	return;
}

1;
