# What leaves a release is a function of the rows as a multiset: not of their order, of
# how they are stored, of what the planner knows or of the plan.
#
# A build without noise and gate (DP_FAULT_NOISELESS) answers random queries of an analyst
# (test/perl/Alike.pm) about the same rows in several physical orders and forms, each under
# another shape of plan.  Answers must be the same to the byte.  Further: a release
# fetches as many blocks, whichever rows a condition looks at a wide value of; and a
# relation that declares what nobody enforces is answered for as one that declares nothing.
#
#	SEED=n QUERIES=n	which queries and how many (make alike; 1 and 1000 if not set)
#	FROM=n				the number of the first one: to repeat a finding
#
# Control: a role that may read the tables asks the same of PostgreSQL itself, and gets
# answers that differ.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX ();
use Storable;
use Time::HiRes 'time';
use Alike;
use DpAgg;
use Faulty;
use Wire;

use constant JOBS => 2;
use constant BLOCK => 10;			# queries that a session runs under one shape
use constant SHOWN => 3;			# findings of a kind that are made small and shown

my $seed = $ENV{SEED} || 1;
my $queries = $ENV{QUERIES} || 1000;
my $first = $ENV{FROM} || 0;
my $superuser = getpwuid($>);
my $tempdir = PostgreSQL::Test::Utils::tempdir;
my @databases = map { "form$_" } 0 .. Alike::FORMS - 1;
my $start = time;

# ---------- the data ----------

# PostgreSQL's own belief in declarations, which excludes children by them, shows no row.
my $node = Faulty::node('alike', <<'CONF');
autovacuum = off
log_statement = none
max_connections = 60
shared_buffers = 128MB
max_parallel_workers = 8
jit = off
log_min_error_statement = panic
log_min_messages = warning
statement_timeout = 60s
constraint_exclusion = off
dp_agg.epsilon = 1000
dp_agg.delta = 0.000000001
CONF

$node->start;
ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');

sub setup
{
	open my $nans, '>:raw', "$tempdir/nans" or die "could not write: $!";
	print $nans Alike::nans();
	close $nans or die "could not write: $!";
	$node->safe_psql('postgres', 'CREATE ROLE analyst LOGIN; CREATE ROLE sql LOGIN; ALTER ROLE sql SET dp_agg.bound_node = off; CREATE DATABASE master');
	$node->safe_psql('master', 'CREATE EXTENSION dp_agg; ' . Alike::master("$tempdir/nans"));
	foreach my $i (0 .. $#databases)
	{
		# with the same OIDs
		$node->safe_psql('postgres', "CREATE DATABASE $databases[$i] TEMPLATE master");
		$node->safe_psql($databases[$i], Alike::form($i, $tempdir));
	}
	return;
}

# ---------- running ----------

my %connections;

# The first to read wide values in a session also asks where the root of their index is.
sub connection
{
	my ($database, $role) = @_;
	my $name = "$database $role";

	if (!$connections{$name})
	{
		$connections{$name} = Wire->new($node->host, $node->port, $role, $database) // die "could not connect to $database as $role";
		$connections{$name}->send("SELECT dp_count(*) FROM wide WHERE body LIKE '%a'");
		$connections{$name}->receive;
	}
	return $connections{$name};
}

# What came of a statement, as a text.
sub answer
{
	my ($r) = @_;
	my @rows = sort map { join '|', map { defined $_ ? s/([^ -~])/sprintf '\\x%02x', ord $1/ger : 'NULL' } @$_ } @{ $r->{rows} };

	return join "\n", $r->{state} . ($r->{error} ? " $r->{error}->{M}" : ''), $r->{columns}, @rows;
}

sub blocks
{
	return join ' ', map { map { $_->{M} =~ /^blocks fetched: (\d+)/ ? $1 : () } @{ $_->{notices} } } @_;
}

# The jobs of a query: [ connection, [statements], restore ] each; their answers are compared.
sub jobs
{
	my ($query, $shapes, $plain) = @_;
	my @texts = map { Fuzz::resolve($_, $plain) } @{ $query->{statements} };
	my @all = map { [ connection($databases[$_], $plain ? $superuser : $query->{role} // $shapes->[$_]->{role}), \@texts, $shapes->[$_] ] } 0 .. $#databases;

	if ($query->{kind} eq 'declared')
	{
		my $job = $all[ $query->{number} % @all ];

		return map { my $relation = $_; [ $job->[0], [ map { s/\@rows\@/$relation/gr } @texts ], $job->[2] ] } @{ $query->{relations} };
	}
	$_->[1] = [ $query->{shape}, @texts, $_->[2]->{settings} ] foreach $query->{shape} ? @all : ();
	return @all;
}

# What a job's answer is: its first SQLSTATE that is not 00000, and a text that is the same
# if nothing leaks.
sub outcome
{
	my ($query, @results) = @_;
	my ($failed) = grep { $_->{state} ne '00000' } @results;
	my $state = $failed ? $failed->{state} : '00000';

	return "$state: blocks " . blocks(@results) if $query->{shape};
	return $state if $query->{kind} eq 'declared' && $failed;	# messages name the relation
	return join "\n--\n", "$state:", map { answer($_) } @results;
}

sub state_of { return substr $_[0], 0, index("$_[0]:", ':'); }

# Runs a query by itself.
sub run
{
	my ($query, $shapes, $plain) = @_;
	my @outcomes;

	foreach my $job (jobs($query, $shapes, $plain))
	{
		$job->[0]->send(@{ $job->[1] });
		push @outcomes, outcome($query, $job->[0]->receive);
	}
	return @outcomes;
}

sub differ
{
	my @outcomes = grep { state_of($_) ne '57014' } @_;

	return scalar grep { $_ ne $outcomes[0] } @outcomes;
}

# ---------- judging ----------

my %found;

# Which kind a difference is of: what several rows of an individual yield, bytes of what
# is released, what is read, what is declared.  And the query that shows it.
sub kind
{
	my ($query, $shapes) = @_;
	my $base = { %$query, statements => [ $query->{base} ] };

	return ('lost connection', $query) if grep { state_of($_) eq 'lost' } run($query, $shapes);
	return ($query->{kind}, $query) if $query->{kind} ne 'values';
	return ('bytes of values', $query) unless differ(run($base, $shapes));
	return ($query->{grouped} ? 'order of rows' : 'bytes of values', $base);
}

sub small
{
	my ($query, $shapes) = @_;
	my $best = { %$query, statements => [ map { Fuzz::resolve($_, 0) } @{ $query->{statements} } ] };
	my $until = time + 8;

	foreach my $s (0 .. $#{ $best->{statements} })
	{
		next if $best->{statements}->[$s] =~ /^(BEGIN|FETCH|COMMIT|EXECUTE|DEALLOCATE|DROP)/;
		$best->{statements}->[$s] = Fuzz::shrink($best->{statements}->[$s], $until, sub {
			my @statements = @{ $best->{statements} };

			$statements[$s] = $_[0];
			my @outcomes = run({ %$best, statements => \@statements }, $shapes);

			# a shorter text that is only wrong is no finding
			return differ(@outcomes) && !grep { state_of($_) =~ /^(lost|42)/ } @outcomes;
		});
	}
	return join ";\n", @{ $best->{statements} };
}

sub finding
{
	my ($query, $shapes, @outcomes) = @_;
	my @again = run($query, $shapes);
	my ($kind, $simple) = kind($query, $shapes);
	my $name = "SEED=$seed FROM=$query->{number} QUERIES=1";

	push @{ $found{$kind} }, { number => $query->{number}, name => $name };
	return if @{ $found{$kind} } > SHOWN;
	my ($other) = grep { $outcomes[$_] ne $outcomes[0] } 1 .. $#outcomes;
	my @settings = map { "-- $_->{role}: $_->{settings}" } @$shapes;

	$found{$kind}->[-1]->{text} = join "\n", "$kind: $name" . (differ(@again) ? '' : ' (not always)'), @settings,
	  join(";\n", map { Fuzz::resolve($_, 0) } $query->{shape} // (), @{ $query->{statements} }),
	  (differ(@again) ? ('smaller:', small($simple, $shapes)) : ()),
	  map { "answer $_:\n" . (length $outcomes[$_] > 1500 ? substr($outcomes[$_], 0, 1500) . '...' : $outcomes[$_]) } 0, $other // 0;
	return;
}

my %count;

# Runs the queries first .. last, of one block.
sub run_block
{
	my ($block, $from, $to) = @_;
	my @shapes = map { Alike::shape($seed, $block, $_) } 0 .. $#databases;
	my @queries = map { { %{ Alike::query($seed, $_) }, number => $_ } } $from .. $to;

	foreach my $i (0 .. $#databases)
	{
		foreach my $role ('analyst', 'sql', $superuser)
		{
			my $c = connection($databases[$i], $role);

			$c->send($shapes[$i]->{settings});
			$c->receive;
		}
	}
	foreach my $query (@queries)
	{
		$query->{jobs} = [ jobs($query, \@shapes) ];
		$_->[0]->send(@{ $_->[1] }) foreach @{ $query->{jobs} };
	}
	my %used = map { $_ => $_ } map { $_->[0] } map { @{ $_->{jobs} } } @queries;
	my %results = map { $_ => [ $used{$_}->receive ] } keys %used;

	foreach my $query (@queries)
	{
		my @outcomes = map { outcome($query, splice @{ $results{ $_->[0] } }, 0, scalar @{ $_->[1] }) } @{ $query->{jobs} };
		my $state = state_of($outcomes[0]);

		$count{all}++;
		$count{"$query->{kind} of all"}++;
		$count{$query->{kind}}++ if $state eq '00000';
		$count{"state $state"}++;
		$count{"refused $1"}++ if $outcomes[0] =~ /^((?!00000)\w{5} .*)$/m;
		$count{timeout}++ if grep { state_of($_) eq '57014' } @outcomes;
		# where an index has its root is asked again when a session's caches were flushed
		finding($query, \@shapes, @outcomes) if differ(@outcomes) && (!$query->{shape} || differ(run($query, \@shapes)));
		next if $query->{kind} ne 'values' || $query->{number} % 4 || $state ne '00000';
		$count{plain}++;
		$count{'plain differs'}++ if differ(run({ %$query, statements => [ $query->{base} ] }, \@shapes, 1));
	}
	return;
}

# All blocks of one of several processes.
sub work
{
	my ($job) = @_;
	my $last = $first + $queries - 1;

	for (my $block = int($first / BLOCK); $block * BLOCK <= $last; $block++)
	{
		next if $block % JOBS != $job;
		my ($from, $to) = ($block * BLOCK, $block * BLOCK + BLOCK - 1);

		run_block($block, $from < $first ? $first : $from, $to > $last ? $last : $to);
	}
	return { count => \%count, found => \%found };
}

sub work_in_processes
{
	my %jobs;

	foreach my $job (0 .. JOBS - 1)
	{
		my $pid = fork() // die "could not fork: $!";

		if ($pid == 0)
		{
			my $result = eval { work($job) } // { error => $@ };

			eval { Storable::store($result, "$tempdir/job$job") };
			POSIX::_exit(0);	# and leave the server alone
		}
		$jobs{$pid} = $job;
	}
	while (%jobs)
	{
		my $job = delete $jobs{ waitpid(-1, 0) } // next;
		my $result = eval { Storable::retrieve("$tempdir/job$job") } // { error => 'the job died' };

		die $result->{error} if $result->{error};
		$count{$_} += $result->{count}->{$_} foreach keys %{ $result->{count} };
		push @{ $found{$_} }, @{ $result->{found}->{$_} } foreach keys %{ $result->{found} };
	}
	return;
}

# ---------- the test ----------

# Figures: for who asked for them.
sub figure { return $ENV{QUERIES} ? diag(@_) : note(@_); }

setup();
my @digests = map { $node->safe_psql($_, Alike::digest()) } @databases;

is($digests[$_], $digests[0], "form $_ has the rows of form 0, to the byte") foreach 1 .. $#digests;
figure(sprintf 'set up in %.0f seconds', time - $start);
$start = time;
work_in_processes();

my $seconds = time - $start;

figure(sprintf 'seed %d, %d queries from %d in %.0f seconds', $seed, $queries, $first, $seconds);
figure("$_: $count{$_}") foreach sort { $count{$b} <=> $count{$a} } grep { $queries >= 100 || !/^refused/ } keys %count;
foreach my $kind (sort keys %found)
{
	my @found = sort { $a->{number} <=> $b->{number} } @{ $found{$kind} };
	my @shown = grep { $_->{text} } @found;

	diag($_->{text}) foreach @shown[ 0 .. ($#shown < SHOWN ? $#shown : SHOWN - 1) ];
	diag("$kind: " . @found . ' findings, the first: ' . $found[0]->{name});
}

my %tests = (
	'order of rows' => 'what an individual\'s rows yield does not depend on their order, form or plan',
	'bytes of values' => 'nor do the bytes of what is released',
	'reads' => 'a release fetches as many blocks, whichever rows need a wide value',
	'joins' => 'and as many, whatever a join finds',
	'declared' => 'what is declared and not enforced is not believed',
	'lost connection' => 'no connection is lost');

is(scalar @{ $found{$_} // [] }, 0, $tests{$_}) foreach sort keys %tests;
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP:/, 'the server does not crash');
if ($queries >= 100)
{
	cmp_ok($count{$_} // 0, '>=', 0.4 * $count{"$_ of all"}, "many queries are answered: $_") foreach qw(values reads joins declared);
	cmp_ok($count{'plain differs'} // 0, '>=', 0.05 * $count{plain}, 'without dp_agg many answers depend on order or form');
	cmp_ok($count{timeout} // 0, '<=', 0.02 * $count{all}, 'few take too long');
}

$node->stop;
done_testing();
