# Releases over distributed tables are those of one machine.
#
# A cluster of Citus and a build without noise and gate (DP_FAULT_NOISELESS), which draws no groups by lot: the same rows,
# of a database as tables of one machine, of others distributed over 1, 4 and 32 shards, of 4 some on the coordinator.  Limits bind.  Each
# question of analysts, tools (test/questions) and of test/questions/citus.sql, and random ones (test/perl/Alike.pm),
# must be answered in all forms alike, to the byte; or it is refused where tables are distributed, with a reason
# and a way.  What is refused is named in citus.sql; of random ones few may be.
#
#	SEED=n QUERIES=n	which random queries and how many (make alike WORK=citus; 1 and 100 if not set)
#	FROM=n				the number of the first one: to repeat a finding
#
# Control: other limits give other answers.

use strict;
use warnings;
use Alike;
use CitusCluster;
use DpAgg;
use Faulty;
use Installation;
use POSIX ();
use PostgreSQL::Test::Utils;
use Questions;
use Test::More;
use Time::HiRes 'time';
use Wire;

plan skip_all => CitusCluster::reason() if CitusCluster::reason();

use constant BLOCK => 20;			# queries that are sent at once
use constant SHOWN => 5;			# findings that are shown

my $seed = $ENV{SEED} || 1;
my $queries = $ENV{QUERIES} || 100;
my $first = $ENV{FROM} || 0;
my %shards = (one => 0, s1 => 1, s4 => 4, s32 => 32);
my @forms = sort { $shards{$a} <=> $shards{$b} } keys %shards;
my @spread = grep { $shards{$_} > 0 } @forms;
my $tempdir = PostgreSQL::Test::Utils::tempdir;
my $start = time;

# ---------- the data ----------

my $place = Installation->new;

$place->use_library(Faulty::build('NOISELESS'));
my $cluster = CitusCluster->new('alike', install => $place->{path}, extension => 0, roles => [qw(analyst sql)], conf => <<'CONF');
autovacuum = off
log_statement = none
log_min_error_statement = panic
log_min_messages = warning
dp_agg.epsilon = 1000
dp_agg.delta = 0.000000001
statement_timeout = 60s
citus.max_adaptive_executor_pool_size = 2
citus.max_cached_conns_per_worker = 2
CONF
my $node = $cluster->coordinator;

like(slurp_file($_->logfile), qr/gives no privacy/, 'the server warns of the build: ' . $_->name) foreach $cluster->machines;

sub run_in
{
	my ($form, @sql) = @_;

	$node->safe_psql($form, join "\n", 'SET client_min_messages = error;', $shards{$form} ? "SET citus.shard_count = $shards{$form};" : '', @sql);
	return;
}

# One after the other: Citus takes roles, which all databases have in common, to the workers.
sub create
{
	my ($form) = @_;

	if ($shards{$form}) { $cluster->add_database($form); }
	else { $node->safe_psql('postgres', "CREATE DATABASE $form"); }
	run_in($form, "SELECT citus_set_node_property('127.0.0.1', @{[ $node->port ]}, 'shouldhaveshards', true);") if $form eq 's4';
	run_in($form, 'CREATE EXTENSION dp_agg');
	return;
}

sub set_up
{
	my ($form) = @_;
	my $shards = $shards{$form};
	my $run = sub { run_in($form, @_) };

	$run->(map { slurp_file("$Questions::dir/$_.sql") } qw(setup citus_setup), $shards ? 'citus_spread' : ());
	$run->('CREATE SCHEMA alike; GRANT USAGE ON SCHEMA alike TO PUBLIC; SET search_path = alike, public;', Alike::master("$tempdir/nans"), Alike::plain($shards));
	return;
}

sub set_up_in_processes
{
	my %jobs;
	my $failed = 0;

	append_to_file("$tempdir/nans", Alike::nans());
	create($_) foreach @forms;
	foreach my $form (@forms)
	{
		my $pid = fork() // die "could not fork: $!";

		if ($pid == 0)
		{
			my $done = eval { set_up($form); 1 };

			warn $@ unless $done;
			POSIX::_exit($done ? 0 : 1);	# and leave the servers alone
		}
		$jobs{$pid} = $form;
	}
	while (%jobs)
	{
		my $pid = waitpid(-1, 0);

		$failed++ if delete $jobs{$pid} && $?;
	}
	die 'the tables could not be set up' if $failed;
	return;
}

# ---------- asking ----------

my %connections;

# The connections of an analyst to all forms, with these settings.
sub connect_all
{
	foreach my $form (@forms)
	{
		$connections{$form} = Wire->new($node->host, $node->port, 'analyst', $form) // die "could not connect to $form";
	}
	settings('SET TimeZone = \'Europe/Rome\'');
	return;
}

sub settings
{
	my (@settings) = @_;

	foreach my $connection (values %connections)
	{
		$connection->send(@settings);
		$connection->receive;
	}
	return;
}

# Has the statement an order of its own, outside of parentheses?
sub is_ordered
{
	my ($sql) = @_;

	1 while $sql =~ s/\([^()]*\)//g;
	return $sql =~ /\b(ORDER BY|FETCH)\b/i;
}

# What came of a statement, as a text.  Types of the extension have other OIDs in each database; and the build tells how
# many blocks it has read.
sub answer
{
	my ($sql, $r) = @_;
	my $columns = $r->{error} ? '' : ($r->{columns} // '') =~ s/ (\d+)(?= )/$1 >= 16384 ? ' own' : " $1"/ger;
	my @rows = map { join '|', map { defined $_ ? s/([^ -~])/sprintf '\\x%02x', ord $1/ger : 'NULL' } @$_ } @{ $r->{rows} };
	my @notices = map { "NOTICE $_->{M}" } grep { $_->{M} !~ /^blocks fetched/ } @{ $r->{notices} };

	@rows = sort @rows unless is_ordered($sql);
	return join "\n", $r->{state} . ($r->{error} ? ": $r->{error}->{M}\n" . join "\n", map { "$_: $r->{error}->{$_}" } grep { defined $r->{error}->{$_} } qw(D H) : ''), @notices, $columns, @rows;
}

# Asks questions, lists of statements, in all forms: a list of { form => [answers] }.
sub ask
{
	my (@questions) = @_;
	my @answers = map { {} } @questions;

	foreach my $form (@forms) { $connections{$form}->send(map { @$_ } @questions); }
	foreach my $form (@forms)
	{
		my @results = $connections{$form}->receive;

		foreach my $i (0 .. $#questions)
		{
			$answers[$i]->{$form} = [ map { answer($_, shift @results) } @{ $questions[$i] } ];
		}
	}
	return @answers;
}

# The refusal among answers, if there is one: of something, with a reason and a way.
sub refusal
{
	my ($answers) = @_;
	my ($refused) = grep { /^DP002: .+\n(D: .+\n)?H: ./ } @$answers;

	return $refused;
}

# Where a question is not answered as on one machine, nor refused.
sub differing
{
	my ($answers) = @_;
	my $right = join "\n", @{ $answers->{one} };

	return grep { join("\n", @{ $answers->{$_} }) ne $right && !refusal($answers->{$_}) } @spread;
}

# Where it is refused, and is not on one machine.
sub refusing
{
	my ($answers) = @_;

	return grep { refusal($answers->{$_}) && refusal($answers->{$_}) ne (refusal($answers->{one}) // '') } @spread;
}

# The statements that differ, for who has to find out why.
sub shown
{
	my ($statements, $answers, @where) = @_;
	my @texts;

	foreach my $i (0 .. $#$statements)
	{
		my @differ = grep { $answers->{$_}->[$i] ne $answers->{one}->[$i] } @where or next;

		push @texts, "$statements->[$i]\n" . join '', map { "$_: " . substr($answers->{$_}->[$i], 0, 700) . "\n" } 'one', $differ[0];
	}
	return join "\n", @texts;
}

sub spent
{
	return map { $node->safe_psql($_, 'SELECT sum(epsilon_spent) FROM dp_agg.budgets') } @forms;
}

# ---------- questions of files ----------

sub statements_of
{
	my ($question) = @_;

	return [ split /;\s*\n/, $question->{sql} ];
}

sub check_refusal
{
	my ($question, $answers) = @_;
	my ($refused) = grep { defined } map { refusal($answers->{$_}) } qw(s4 s32);

	ok(!refusal($answers->{one}), "$question->{sql}: answered on one machine");
	is(refusal($answers->{s4}), refusal($answers->{s32}), '... and refused, whatever the number of shards');
	like($refused // '', qr/^\Q$question->{state}\E: .*\Q$question->{message}\E/, '... with what is so');
	like($refused // '', qr/^H: .*\Q$question->{hint}\E/m, '... and what to write');
	return;
}

# Questions of citus.sql, which names what is refused.
sub check_own
{
	my @questions = Questions::of_file('citus.sql');
	my @answers = ask(map { statements_of($_) } @questions);

	foreach my $i (0 .. $#questions)
	{
		my ($question, $answers) = ($questions[$i], $answers[$i]);
		my $statements = statements_of($question);
		my @where = (differing($answers), $question->{state} ? () : refusing($answers));

		is(join(' ', @where), '', "$question->{kind}: alike") or diag(shown($statements, $answers, @where));
		check_refusal($question, $answers) if $question->{state};
	}
	return;
}

# Those of other files, of which none is refused where it is not on one machine.  They cost the same.
sub check_file
{
	my ($file) = @_;
	my @asked = map { ($_, $_->{instead} // ()) } Questions::of_file($file);
	my @before = spent();
	my @answers = ask(map { statements_of($_) } @asked);
	my @after = spent();
	my @costs = map { $after[$_] - $before[$_] } 0 .. $#forms;
	my @wrong = grep { differing($answers[$_]) || refusing($answers[$_]) } 0 .. $#asked;

	is(scalar @wrong, 0, "$file: all @{[ scalar @asked ]} questions are answered alike");
	diag(shown(statements_of($asked[$_]), $answers[$_], @spread)) foreach grep { defined } @wrong[ 0 .. SHOWN - 1 ];
	is(join(' ', @costs), join(' ', ($costs[0]) x @forms), '... and cost the same');
	cmp_ok($costs[0], '>', 0, '... something');
	return;
}

# ---------- random questions ----------

# Figures: for who asked for them.
sub figure { return $ENV{QUERIES} ? diag(@_) : note(@_); }

sub check_random
{
	my %count = map { $_ => 0 } qw(all answered refused differ);
	my $last = $first + $queries - 1;

	settings('SET search_path = alike, public', 'RESET TimeZone');
	for (my $from = $first; $from <= $last; $from += BLOCK)
	{
		my @numbers = grep { Alike::query($seed, $_)->{kind} eq 'values' } $from .. ($from + BLOCK - 1 < $last ? $from + BLOCK - 1 : $last);
		# what is sent as bytes holds OIDs
		my @questions = map { [ map { Fuzz::resolve($_, 0) =~ s/ BINARY//r } @{ Alike::query($seed, $_)->{statements} } ] } @numbers;
		my @answers = ask(@questions);

		foreach my $i (0 .. $#numbers)
		{
			my @where = differing($answers[$i]);

			$count{all}++;
			$count{answered}++ unless grep { !/^00000/ } @{ $answers[$i]->{one} };
			$count{refused}++ if refusing($answers[$i]);
			$count{ 'refused: ' . (map { /^DP002: (.*)/ } map { refusal($answers[$i]->{$_}) } refusing($answers[$i]))[0] }++ if refusing($answers[$i]);
			$count{differ}++ if @where;
			diag("SEED=$seed FROM=$numbers[$i] QUERIES=1\n" . shown($questions[$i], $answers[$i], @where)) if @where && $count{differ} <= SHOWN;
		}
	}
	figure("$_: $count{$_}") foreach sort keys %count;
	is($count{differ}, 0, 'random questions are answered alike');
	return if $count{all} < 50;
	cmp_ok($count{answered}, '>=', 0.8 * $count{all}, '... many of them');
	cmp_ok($count{refused}, '<=', 0.15 * $count{all}, '... few are refused where tables are distributed');
	return;
}

# ---------- the test ----------

figure(sprintf 'built and started in %.0f seconds', time - $start);
set_up_in_processes();
{
	my @digests = map { $node->safe_psql($_, 'SET search_path = alike, public; ' . Alike::digest()) } @forms;

	is($digests[$_], $digests[0], "$forms[$_] has the rows of one machine, to the byte") foreach 1 .. $#forms;
	is($node->safe_psql($_, "SELECT count(*) FROM citus_shards WHERE table_name = 'visits'::regclass"), $shards{$_}, "... on $shards{$_} shards") foreach @spread;
	cmp_ok($node->safe_psql('s4', "SELECT count(*) FROM citus_shards WHERE table_name = 'visits'::regclass AND nodeport = " . $node->port), '>', 0, '... some on the coordinator');
}
figure(sprintf 'set up in %.0f seconds', time - $start);
connect_all();
check_own();
check_file($_) foreach qw(analysts.sql tools.sql);

# Limits bind, and what they leave shows in answers.
{
	my $asked = [ map { @{ statements_of($_) } } grep { $_->{kind} =~ /^(aggregates|group keys)$/ } Questions::of_file('citus.sql') ];
	my ($right) = ask($asked);

	foreach my $setting ('max_groups', 'max_rows', 'max_total')
	{
		settings("SET dp_agg.$setting = 1");
		my ($other) = ask($asked);
		my @differ = grep { $other->{s4}->[$_] ne $right->{s4}->[$_] } 0 .. $#$asked;

		is(join(' ', differing($other)), '', "$setting of one: alike") or diag(shown($asked, $other, @spread));
		cmp_ok(scalar @differ, '>=', @$asked / 4, '... and many answers are others') or diag(scalar @differ);
		settings("RESET dp_agg.$setting");
	}
}
check_random();
figure(sprintf 'all in %.0f seconds', time - $start);
unlike(slurp_file($_->logfile), qr/terminated by signal|PANIC|TRAP:/, 'no server crashes: ' . $_->name) foreach $cluster->machines;

# nothing of it is kept
$_->stop('immediate') foreach $cluster->machines;
done_testing();
