# CitusCluster.pm
#	A coordinator of Citus and its workers, each a server on a TCP port of 127.0.0.1, which trusts who
#	connects: Citus reaches its machines by host and port.
#
#	use CitusCluster;
#	plan skip_all => CitusCluster::reason() if CitusCluster::reason();
#	my $cluster = CitusCluster->new('citus');              # a coordinator, two workers, role analyst
#	DpAgg::as($cluster->coordinator, 'analyst', 'SELECT ...');
#	$cluster->add_worker;
#	$cluster->stop;
#
# Citus is not part of the project.  It is taken from the folder of CITUS_PREFIX, see dev/sandbox.sh, or
# from PostgreSQL's own files.

package CitusCluster;

use strict;
use warnings;
use DpAgg;
use Installation;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# reason(): why there is no Citus here; '' if there is.
sub reason
{
	my $version = DpAgg::version();

	return '' if -f Installation::config('--sharedir') . '/extension/citus.control' && -f Installation::config('--pkglibdir') . '/citus.so';
	return "the folder of CITUS_PREFIX has no Citus for this PostgreSQL $version" if $ENV{CITUS_PREFIX};
	return "no Citus: CITUS_PREFIX=FOLDER names one into which it was installed, for PostgreSQL $version, by make install DESTDIR=FOLDER";
}

# new(NAME, %options).  Options:
#	workers    => 2            how many
#	roles      => ['analyst']  LOGIN roles to create, on all machines
#	shards     => 4            how many shards a table gets that is not told
#	extension  => 1            CREATE EXTENSION dp_agg, on all machines
#	conf       => ''           more lines for postgresql.conf of all machines
#	install    => undef        the installation, if it is not the one that the tests have in common
sub new
{
	my ($class, $name, %opt) = @_;
	my $self = bless { name => $name, workers => [], shards => $opt{shards} // 4, conf => $opt{conf} // '', install => $opt{install} }, $class;

	$self->{coordinator} = $self->_machine("${name}_coordinator");
	$self->sql("SELECT citus_set_coordinator_host('127.0.0.1', " . $self->coordinator->port . ')');
	$self->add_worker foreach 1 .. $opt{workers} // 2;
	# Citus takes them to the workers, also to those that come later.
	$self->sql('CREATE EXTENSION dp_agg') if $opt{extension} // 1;
	$self->sql("CREATE ROLE $_ LOGIN") foreach @{ $opt{roles} // ['analyst'] };
	return $self;
}

# A server with Citus, which is not a member of the cluster yet.
sub _machine
{
	my ($self, $name) = @_;
	my $node = DpAgg::node($name, preload => 'citus,dp_agg', extension => 0, roles => [], install => $self->{install}, conf => <<"CONF");
listen_addresses = '127.0.0.1'
max_connections = 200
max_worker_processes = 32
max_prepared_transactions = 100
wal_level = logical
max_wal_senders = 10
max_replication_slots = 20
citus.node_conninfo = 'sslmode=prefer'
citus.enable_statistics_collection = off
citus.shard_count = $self->{shards}
$self->{conf}
CONF

	$node->safe_psql('postgres', 'CREATE EXTENSION citus');
	return $node;
}

# coordinator(), workers(), machines(): nodes of PostgreSQL::Test::Cluster.
sub coordinator { return $_[0]->{coordinator} }
sub workers { return @{ $_[0]->{workers} } }
sub machines { return ($_[0]->coordinator, $_[0]->workers) }

# add_worker(): one more machine of the cluster, which it returns.  Shards come to it when they are moved.
sub add_worker
{
	my ($self) = @_;
	my $worker = $self->_machine("$self->{name}_worker" . (1 + $self->workers));

	push @{ $self->{workers} }, $worker;
	$self->sql("SELECT citus_add_node('127.0.0.1', " . $worker->port . ')');
	return $worker;
}

# add_database(NAME): one more database, on all machines, which are a cluster there as well.
sub add_database
{
	my ($self, $name) = @_;

	foreach my $machine ($self->machines)
	{
		$machine->safe_psql('postgres', "CREATE DATABASE $name");
		$machine->safe_psql($name, 'CREATE EXTENSION citus');
	}
	$self->coordinator->safe_psql($name, join ' ', "SELECT citus_set_coordinator_host('127.0.0.1', " . $self->coordinator->port . ');',
		map { "SELECT citus_add_node('127.0.0.1', " . $_->port . ');' } $self->workers);
	return;
}

# sql(SQL): what the superuser gets on the coordinator; the test dies if that fails.
sub sql
{
	my ($self, $sql) = @_;

	return $self->coordinator->safe_psql('postgres', $sql);
}

# everywhere(SQL): the same of each machine, the coordinator first: a list.
sub everywhere
{
	my ($self, $sql) = @_;

	return map { $_->safe_psql('postgres', $sql) } $self->machines;
}

# stop(): all of it, the coordinator first.
sub stop
{
	my ($self) = @_;

	$_->stop foreach $self->machines;
	return;
}

1;
