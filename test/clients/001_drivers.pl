# Real clients: each connects by TCP with a password, looks around, makes the same release twelve times
# with parameters, reads through a cursor, and meets refusals.
#
# A client is a program in test/clients/programs.  It is told where to connect by PG* in its environment, what a query is to
# cost (EPSILON, which it sets as it connects; not behind a pooler), what to read through a cursor (MONTHS), and what to try (ATTEMPTS, one statement a line), and prints lines of
# fields between tabs:
#
#	table NAME, column NAME				relations of schema dp, columns of dp.visits: as its users find them
#	answer NUMBER KIND COUNT MEAN		a row of the release, executed for the NUMBERth time
#	generic NUMBER						how many generic plans the server made of prepared statements
#	fetched NUMBER						rows that came through the cursor
#	allowed VALUE, refused STATE MESSAGE	for each of ATTEMPTS: without detail and hint, which many drivers drop
#
# A client that could not be installed (dev/clients.sh says which) is skipped; all others must run.

use strict;
use warnings;
use IO::Socket::INET;
use IPC::Run qw(run start timeout);
use List::Util qw(uniq);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

my $here = "$ENV{TESTDIR}/test/clients";
my $installed = "$ENV{TESTDIR}/.build/clients";
my $python = '/usr/bin/python3';

# generic: at least how many of the twelve executions run by a generic plan, where the client prepares statements on the
# server; pgjdbc does so from the fifth on, and the server makes five other plans before.  state is 0 where
# the language does not tell SQLSTATEs.
my @clients = (
	{ name => 'psql', command => [ 'bash', 'psql.sh' ], generic => 5 },
	{ name => 'pgjdbc', command => [ 'java', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', '/usr/share/java/postgresql.jar', 'pgjdbc.java' ], generic => 2 },
	{ name => 'psycopg2', command => [ $python, 'ask_psycopg2.py' ] },
	{ name => 'psycopg', command => [ $python, 'ask_psycopg.py' ], generic => 5 },
	{ name => 'asyncpg', command => [ $python, 'ask_asyncpg.py' ], generic => 5 },
	{ name => 'sqlalchemy', command => [ $python, 'ask_sqlalchemy.py' ] },
	{ name => 'pandas', command => [ $python, 'ask_pandas.py' ] },
	{ name => 'odbc', command => [ $python, 'ask_odbc.py' ] },
	{ name => 'pgbouncer', command => [ $python, 'ask_pgbouncer.py' ], pooled => 1 },
	{ name => 'dbd_pg', command => [ '/usr/bin/perl', 'dbd_pg.pl' ], generic => 5 },
	{ name => 'node_pg', command => [ 'node', 'node_pg.js' ], generic => 5 },
	{ name => 'postgres_js', command => [ 'node', 'postgres_js.js' ], generic => 5 },
	{ name => 'knex', command => [ 'node', 'knex.js' ] },
	{ name => 'dbplyr', command => [ 'Rscript', '--vanilla', 'dbplyr.R' ], state => 0 });

my $epsilon = 20;
my $paid = 14;		# twelve executions, one cursor, and the one attempt that is allowed
my $months = "SELECT date_trunc('month', day)::date AS month, count(*) FROM dp.visits GROUP BY 1 ORDER BY 1";
my @attempts = (
	'SELECT patient, cost FROM dp.visits LIMIT 10',
	'SELECT patient, count(*) FROM dp.visits GROUP BY patient',
	'SELECT count(*) FROM dp.visits',
	'SELECT count(*) FROM dp.visits');

# What has to be said without the hint: what is so, and what to do.
my @messages = (
	[ '42501', qr/permission denied for table visits: its rows can only be aggregated, for example with count\(\*\)/ ],
	[ 'DP002', qr/rows about single individuals: aggregate them, or group by something other than the unit/ ],
	undef,
	[ 'DP001', qr/privacy budget on population "patients" is exhausted/ ]);

my %missing = map { chomp; split /\t/, $_, 2 } -e "$installed/missing" ? do { open my $in, '<', "$installed/missing" or die $!; <$in> } : ();
chdir "$here/programs" or die "no programs: $!";
my $node = DpAgg::node('clients', conf => "listen_addresses = '127.0.0.1'\npassword_encryption = 'scram-sha-256'");

sub set_up
{
	my ($code, undef, $err) = $node->psql('postgres', slurp_file("$ENV{TESTDIR}/test/questions/setup.sql"), extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);

	is($code, 0, 'the administrators set up their tables') or diag($err);
	foreach my $client (@clients)
	{
		my $budget = $epsilon * $paid;

		$node->safe_psql('postgres', <<"SQL");
CREATE ROLE $client->{name} LOGIN PASSWORD 'secret of $client->{name}';
SELECT dp_agg.set_budget('$client->{name}', 'patients', epsilon => $budget, delta => 1e-5);
SQL
		$node->safe_psql('postgres', "ALTER ROLE $client->{name} SET dp_agg.epsilon = $epsilon") if $client->{pooled};
	}
	my $hba = $node->data_dir . '/pg_hba.conf';
	my $lines = slurp_file($hba) =~ s/^(host\s.*)\btrust$/$1scram-sha-256/mgr;

	unlink $hba;
	append_to_file($hba, $lines);
	$node->reload;
	return;
}

# pgbouncer on a port of its own, with one session of the server for each role.
sub start_pooler
{
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my ($server, $roles) = ($node->port, join '', map { qq{"$_->{name}" "secret of $_->{name}"\n} } @clients);

	append_to_file("$dir/users.txt", $roles);
	# that of the documentation, and where its files are
	my ($ini) = slurp_file("$ENV{TESTDIR}/doc/clients.md") =~ /^### pgbouncer\n\n((?:    [^\n]*\n)+)/m or die 'no configuration in doc/clients.md';
	$ini =~ s/^    //mg;
	$ini =~ s/^hospital = .*/postgres = host=127.0.0.1 port=$server dbname=postgres/m or die 'no database';
	append_to_file("$dir/pgbouncer.ini", $ini . <<"INI");
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_file = $dir/users.txt
default_pool_size = 1
logfile = $dir/log
INI
	my $pooler = start [ '/usr/sbin/pgbouncer', "$dir/pgbouncer.ini" ], '<', \undef, '>', "$dir/out", '2>', "$dir/err";

	for (1 .. 100)
	{
		last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
		select undef, undef, undef, 0.1;
	}
	return ($pooler, $port);
}

# Runs a client's program with an environment of its own; returns its lines by their first field.
sub ask
{
	my ($client, $port) = @_;
	my ($out, $err) = ('', '');
	local %ENV = (
		(map { $_ => $ENV{$_} } qw(PATH HOME TMPDIR LANG LC_ALL TZ)),
		PGHOST => '127.0.0.1', PGPORT => $port, PGDATABASE => 'postgres', PGUSER => $client->{name},
		PGPASSWORD => "secret of $client->{name}", PGAPPNAME => $client->{name},
		NODE_PATH => "$installed/node_modules", EPSILON => $epsilon, MONTHS => $months, ATTEMPTS => join("\n", @attempts));
	my %said = map { $_ => [] } qw(table column answer fetched allowed refused tried);
	my $ok = eval { run $client->{command}, '<', \undef, '>', \$out, '2>', \$err, timeout($PostgreSQL::Test::Utils::timeout_default) };

	ok($ok, 'the program runs to its end') or diag($@, $out, $err);
	foreach (split /\n/, $out)
	{
		my ($what, @fields) = split /\t/, $_, -1;

		push @{ $said{$what} }, \@fields;
		push @{ $said{tried} }, [ $what, @fields ] if $what =~ /^(?:allowed|refused)$/;
	}
	return \%said;
}

sub lines { return join "\n", @_ }

# The twelve answers are near the truth, and each is drawn anew.
sub answers
{
	my ($said, @truth) = @_;
	my (%answers, %drawn);

	foreach (@{ $said->{answer} })
	{
		my ($i, $kind, $n, $mean) = @$_;

		push @{ $answers{$i} }, $kind;
		$drawn{$mean}++;
		my ($true) = grep { $_->[0] eq $kind } @truth;
		fail("execution $i: $kind $n $mean") if !$true || abs($n - $true->[1]) > 20 || abs($mean - $true->[2]) > 5;
	}
	is(scalar keys %answers, 12, 'twelve executions');
	is(lines(uniq(map { "@$_" } values %answers)), "@{[ map { $_->[0] } @truth ]}", 'each with all groups, in their order');
	cmp_ok(scalar keys %drawn, '>', 30, 'and noise of its own');
	return;
}

# What a driver shows of an error suffices, and SQLSTATE comes with it.
sub refusals
{
	my ($client, $said) = @_;

	is(scalar @{ $said->{tried} }, scalar @attempts, 'all attempts end');
	foreach my $i (0 .. $#attempts)
	{
		my ($what, $state, $message) = map { $_ // '' } @{ $said->{tried}->[$i] // [] }[ 0 .. 2 ];

		if (!$messages[$i])
		{
			like("$what $state", qr/^allowed \d+$/, 'after refusals the connection is as good as before');
			next;
		}
		is($state, $messages[$i]->[0], "$messages[$i]->[0] is told") if $client->{state} // 1;
		is($what, 'refused', DpAgg::brief($attempts[$i]));
		like($message, $messages[$i]->[1], '... with a message that suffices');
	}
	return;
}

# Each execution has been paid for, once, and nothing else.
sub prices
{
	my ($client) = @_;
	my $releases = $node->safe_psql('postgres', "SELECT count(*), sum(epsilon) = $epsilon * count(*) FROM dp_agg.releases WHERE session_role = '$client->{name}'");
	my $account = $node->safe_psql('postgres', "SELECT epsilon_spent = epsilon_limit FROM dp_agg.budgets WHERE role = '$client->{name}'");

	is($releases, "$paid|t", 'each execution has been paid for once');
	is($account, 't', '... from its own account');
	return;
}

sub pooled
{
	my ($said) = @_;

	is($said->{sessions}->[0]->[0], 1, 'two clients have one session');
	is($said->{local}->[0]->[0], '0.5', 'SET LOCAL holds in its transaction');
	is($said->{afterwards}->[0]->[0], $epsilon, 'and the next client does not see it');
	return;
}

set_up();

my @truth = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT kind, count(*), avg(cost) FROM visits WHERE day >= '2023-06-01' AND minutes < 60 AND clinic <> 'West' GROUP BY kind ORDER BY kind
SQL
my $columns = $node->safe_psql('postgres', "SELECT attname FROM pg_attribute WHERE attrelid = 'dp.visits'::regclass AND attnum > 0 ORDER BY attnum");
my $rows = $node->safe_psql('postgres', "SELECT count(DISTINCT date_trunc('month', day)) FROM visits");
my $facades = $node->safe_psql('postgres', q{SELECT relname FROM pg_class WHERE relnamespace = 'dp'::regnamespace AND relkind = 'v' ORDER BY relname COLLATE "C"});

foreach my $client (@clients)
{
	subtest $client->{name} => sub {
		plan skip_all => $missing{ $client->{name} } if $missing{ $client->{name} };
		my ($pooler, $port) = $client->{pooled} ? start_pooler() : (undef, $node->port);
		my $begun = time;
		my $said = ask($client, $port);

		note("took " . (time - $begun) . " s");
		is(lines(sort map { $_->[0] } @{ $said->{table} }), $facades, 'finds the facades');
		is(lines(map { $_->[0] } @{ $said->{column} }), $columns, 'and the columns of one');
		answers($said, @truth);
		cmp_ok($said->{generic}->[0]->[0] // 0, '>=', $client->{generic}, 'by generic plans in the end') if $client->{generic};
		is($said->{fetched}->[0]->[0], $rows, 'all rows come through a cursor');
		refusals($client, $said);
		pooled($said) if $client->{pooled};
		prices($client);
		$pooler->signal('TERM'), $pooler->finish if $pooler;
	};
}

$node->stop;
done_testing();
