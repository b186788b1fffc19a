# A cluster of Citus: a coordinator and two workers.
#
# What an analyst could learn: from tables that are distributed, by any other way than a release; from
# what a machine that is not the coordinator answers; from labels that do not go where the rows go.

use strict;
use warnings;
use CitusCluster;
use DpAgg;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => CitusCluster::reason() if CitusCluster::reason();

my $cluster = CitusCluster->new('citus', roles => [qw(analyst doctor)]);
my $coordinator = $cluster->coordinator;
my ($worker) = $cluster->workers;

note $cluster->sql('SELECT citus_version()');

# 2,000 people in three of nine clinics each, with four, three and three visits there: of two clinics and
# three visits in each there are six for everybody.
my $visits = <<'SQL';
SELECT p AS patient_id, 'clinic ' || (p * 7 + v * 3) % 9 AS clinic, (p * 37 + v * 101) % 500 AS cost
FROM generate_series(1, 2000) p, generate_series(1, 10) v
SQL
$cluster->sql(<<"SQL");
CREATE TABLE visits (patient_id int NOT NULL, clinic text NOT NULL, cost int NOT NULL);
CREATE TABLE local_visits (LIKE visits INCLUDING ALL);
CREATE TABLE stays (patient_id int NOT NULL, days int NOT NULL);
INSERT INTO visits $visits;
INSERT INTO local_visits $visits;
INSERT INTO stays SELECT p, p % 7 FROM generate_series(1, 2000) p;
CREATE TABLE clinics (clinic text PRIMARY KEY, city text NOT NULL);
INSERT INTO clinics SELECT 'clinic ' || i, 'city ' || i % 3 FROM generate_series(0, 8) i;
CREATE TABLE plain_clinics (LIKE clinics INCLUDING ALL);
INSERT INTO plain_clinics TABLE clinics;
SQL

# Protects a table, with limits that bind.
sub protect
{
	my ($table) = @_;

	$cluster->sql(<<"SQL");
SELECT dp_agg.protect('$table', unit => 'patient_id', population => 'patients', max_groups => 2, max_rows => 3);
SELECT dp_agg.set_bounds('$table', 'cost', 0, 500);
GRANT SELECT ON $table TO doctor;
SQL
	return;
}

sub spent
{
	return $cluster->sql('SELECT coalesce(sum(epsilon_spent), 0) FROM dp_agg.budgets');
}

# ---------- the extension ----------

is(join(' ', $cluster->everywhere(q(SELECT extname FROM pg_extension WHERE extname IN ('citus', 'dp_agg') ORDER BY 1))),
	join(' ', ("citus\ndp_agg") x 3), 'CREATE EXTENSION on the coordinator reaches all machines');
is(join(' ', $cluster->everywhere(q(SELECT count(*) FROM pg_roles WHERE rolname IN ('analyst', 'doctor')))), '2 2 2', 'and so do roles');

# ---------- distributed tables ----------

my $labels = q(SELECT string_agg(objsubid || ' ' || label, E'\n' ORDER BY objsubid) FROM pg_seclabel WHERE provider = 'dp_agg' AND objoid = 'visits'::regclass);
my $facade = q(SELECT pg_get_viewdef('dp.visits') || (SELECT reloptions::text FROM pg_class WHERE oid = 'dp.visits'::regclass));

protect('visits');
$cluster->sql(q(SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 100000, delta => 1e-3)));
{
	my $before = $cluster->sql($labels);

	like($before, qr/^0 .*"population": "patients"/, 'a table is protected');
	$cluster->sql("SELECT create_distributed_table('visits', 'patient_id'); SELECT create_distributed_table('stays', 'patient_id')");
	is($cluster->sql($labels), $before, 'its labels stay when it is distributed');
	is($cluster->sql('SELECT count(*) FROM dp_agg.protected_relations WHERE relation = \'visits\'::regclass'), 1, 'and it is listed');
	is($_->safe_psql('postgres', $labels), $before, 'workers know it as protected, too') foreach $cluster->workers;
	my $view = $cluster->sql($facade);

	is($_->safe_psql('postgres', $facade), $view, 'and have its facade') foreach $cluster->workers;
}

# Who may read does so through Citus, as if the library were not there.
{
	my $reads = sub { return DpAgg::works($coordinator, 'doctor', $_[0], "who may read: $_[1]")->{out} };

	is($reads->('SELECT count(*), sum(cost) FROM visits', 'sums'), $cluster->sql("SELECT count(*), sum(cost) FROM ($visits) v"), '... of all rows');
	is($reads->('SELECT clinic, count(DISTINCT patient_id), max(cost) FROM visits GROUP BY clinic ORDER BY 1', 'groups'),
		$cluster->sql("SELECT clinic, count(DISTINCT patient_id), max(cost) FROM ($visits) v GROUP BY clinic ORDER BY 1"), '... the right ones');
	is($reads->('SELECT cost FROM visits WHERE patient_id = 7 ORDER BY 1 LIMIT 2', 'one person, of one shard'),
		$cluster->sql("SELECT cost FROM ($visits) v WHERE patient_id = 7 ORDER BY 1 LIMIT 2"), '... the right one');
	is($reads->('SELECT count(*) FROM dp.visits', 'the facade'), 20000, '... has all rows');
	like($reads->('EXPLAIN SELECT count(*) FROM visits', 'plans'), qr/Citus Adaptive.*Task Count: 4/s, '... that Citus runs on the shards');
	$cluster->sql('GRANT SELECT ON stays TO doctor');
	is($reads->('SELECT sum(v.cost * s.days) FROM visits v JOIN stays s USING (patient_id)', 'a join of two distributed tables'),
		$cluster->sql("SELECT sum(cost * (patient_id % 7)) FROM ($visits) v"), '... the right one');
	is($reads->('WITH v AS (SELECT * FROM visits OFFSET 0) SELECT count(*) FROM v', 'an intermediate result'), 20000, '... has all rows');
}
foreach my $machine ($cluster->machines)
{
	my $name = $machine->name =~ s/^citus_//r;

	foreach my $sql ('SELECT * FROM visits', 'SELECT * FROM dp.visits LIMIT 1', 'TABLE visits')
	{
		DpAgg::refused($machine, 'analyst', $sql, $machine == $coordinator ? '42501' : 'DP002', "$name: an analyst has no rows: $sql");
	}
}

# Shards are divided anew, and come to a machine that joins later; then nothing is distributed any more.
{
	my $before = $cluster->sql($labels);
	my $view = $cluster->sql($facade);
	my $shards = q(SELECT count(*) FROM citus_shards WHERE table_name = 'visits'::regclass);
	my $stays = sub {
		my ($when, @machines) = @_;

		is($_->safe_psql('postgres', "$labels; $facade"), "$before\n$view", "$when: labels and facade stay, " . $_->name =~ s/^citus_//r) foreach @machines;
		is($cluster->sql('SELECT count(*), count(DISTINCT patient_id) FROM visits'), '20000|2000', '... and so do rows');
		is(DpAgg::value($coordinator, 'doctor', 'SELECT count(*) FROM visits'), 20000, '... and who may read them');
		DpAgg::refused($coordinator, 'analyst', 'SELECT cost FROM visits', '42501', '... and who may not');
	};

	$cluster->sql("SELECT alter_distributed_table('visits', shard_count => 8, cascade_to_colocated => true)");
	is($cluster->sql($shards), 8, 'a table has other shards');
	$stays->('other shards', $cluster->machines);
	is($cluster->sql('SELECT count(*) FROM pg_dist_object WHERE pg_describe_object(classid, objid, objsubid) IS NULL'), 0, 'Citus lists no facade that is gone');
	my $later = $cluster->add_worker;

	$cluster->sql("SELECT rebalance_table_shards('visits', shard_transfer_mode => 'block_writes')");
	cmp_ok($cluster->sql($shards =~ s/$/ AND nodeport = @{[ $later->port ]}/r), '>', 0, 'a worker that joins later is given shards');
	$stays->('a worker later', $cluster->machines);
	$cluster->sql("SELECT undistribute_table('visits')");
	is($cluster->sql($shards), 0, 'a table has no shards any more');
	$stays->('no shards', $coordinator);
	cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM visits') - 12000), '<=', 20, '... and is released as any other');
	$cluster->sql("SELECT create_distributed_table('visits', 'patient_id')");
	$stays->('shards again', $cluster->machines);
}

# ---------- tables that Citus does not know ----------

protect('local_visits');
{
	my $rows = DpAgg::works($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT clinic, count(*), round(avg(cost)) FROM local_visits GROUP BY clinic ORDER BY 1', 'a release over a local table');
	my @counts = map { (split /\|/)[1] } split /\n/, $rows->{out};
	my $sum = eval { join '+', @counts } // '';

	is(scalar @counts, 9, 'every clinic is large enough');
	cmp_ok(abs(eval($sum || 0) - 12000), '<=', 20, "six visits of everybody count: $sum");
	my $before = spent();

	cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM local_visits') - 12000), '<=', 20, '... and without groups');
	is(spent() - $before, 100, 'and it is paid for');
	cmp_ok(abs(DpAgg::value($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT count(*) FROM dp.local_visits') - 12000), '<=', 20, 'its facade, too');
}

# ---------- public tables ----------

$cluster->sql("GRANT SELECT ON clinics, plain_clinics TO PUBLIC; SELECT create_reference_table('clinics')");
{
	my $join = 'SELECT city, count(*) FROM local_visits JOIN %s USING (clinic) GROUP BY city ORDER BY 1';

	is(DpAgg::value($coordinator, 'analyst', 'SELECT count(*) FROM clinics'), 9, 'a reference table is read as ever');
	is(DpAgg::value($worker, 'analyst', 'SELECT count(*) FROM clinics'), 9, '... and on a worker');
	foreach my $public (qw(clinics plain_clinics))
	{
		my $before = spent();
		my @cities = map { [ split /\|/ ] } split /\n/, DpAgg::works($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; ' . sprintf($join, $public), "$public beside a protected local table")->{out};

		is(scalar(grep { abs($_->[1] - 2000) <= 20 } @cities), 3, '... which counts three visits of everybody');
		is(spent() - $before, 100, '... and is paid for');
	}
}

# The same of distributed tables, where public ones are on the same machines, and where they are not.
$cluster->sql(<<'SQL');
CREATE TABLE plans (patient_id int PRIMARY KEY, plan text NOT NULL);
SELECT create_distributed_table('plans', 'patient_id', colocate_with => 'visits');
INSERT INTO plans SELECT p, 'plan ' || p % 2 FROM generate_series(1, 2000) p;
GRANT SELECT ON plans TO PUBLIC;
SQL
foreach my $join ([ 'a reference table', 'city', 'JOIN clinics USING (clinic)', 3, 6000 ],
	[ 'a table of the coordinator', 'city', 'JOIN plain_clinics USING (clinic)', 3, 6000 ],
	[ 'a distributed table, by the unit', 'plan', 'JOIN plans USING (patient_id)', 2, 6000 ])
{
	my ($what, $key, $from, $groups, $rows) = @$join;
	my @got = map { (split /\|/)[1] } split /\n/, DpAgg::works($coordinator, 'analyst', "SET dp_agg.epsilon = 100; SELECT $key, count(*) FROM visits $from GROUP BY $key", "public beside distributed: $what")->{out};

	is(scalar @got, $groups, '... has its groups');
	cmp_ok(abs(eval { my $sum = 0; $sum += $_ foreach @got; $sum } - $rows), '<=', 20, "... counts three visits of everybody: @got");
}
{
	my $before = spent();

	DpAgg::refused($coordinator, 'analyst', 'SELECT count(*) FROM visits v JOIN plans p ON p.patient_id = v.cost', 'DP002', 'public beside distributed: a distributed table, by something else');
	is(spent(), $before, '... costs nothing');
}

# ---------- releases over distributed tables, and machines that fail ----------

# Six visits of everybody, in clinics where it has more; the analyst is told what the table's limits let count.
sub released
{
	my ($when) = @_;
	my $rows = DpAgg::works($coordinator, 'analyst', 'SET dp_agg.epsilon = 100; SELECT clinic, count(*) FROM visits GROUP BY clinic', "a release over a distributed table, $when");
	my $sum = 0;

	$sum += (split /\|/)[1] foreach split /\n/, $rows->{out};
	cmp_ok(abs($sum - 12000), '<=', 20, "... counts six visits of everybody: $sum");
	return;
}
released('on all machines');
foreach my $machine ($cluster->workers)
{
	my $hba = $machine->data_dir . '/pg_hba.conf';
	my $rules = slurp_file($hba);

	unlink $hba;
	append_to_file($hba, "host all analyst all reject\n$rules");
	$machine->reload;
}
is(DpAgg::value($coordinator, 'analyst', "SELECT bool_or(success) FROM run_command_on_workers('SELECT 1')"), 'f', 'workers reject analysts');
released('for somebody whom workers reject');
is(DpAgg::value($coordinator, 'analyst', 'SELECT count(*) FROM clinics'), 9, '... who reads reference tables as well');

# A release that fails on its way is paid for, and says no more than that.
sub fails
{
	my ($when, $ask) = @_;
	my $before = spent();
	my $r = $ask->();

	is("$r->{sqlstate} $r->{out}", '08006 ', "$when: an error, and no row");
	is($r->{message}, 'a machine of the cluster could not be reached, or went away', '... that does not say which');
	is(spent() - $before, 1, '... and what was paid is paid');
	return;
}
{
	my $last = ($cluster->workers)[-1];
	my $shard = $cluster->sql("SELECT shard_name FROM citus_shards WHERE table_name = 'visits'::regclass AND nodeport = @{[ $last->port ]} LIMIT 1");
	my $holder = $last->background_psql('postgres');

	# in the middle of it: one shard waits for a lock, the others are done
	$holder->query_safe("SET citus.enable_manual_changes_to_shards = on; BEGIN; LOCK TABLE $shard");
	fails('a worker that dies meanwhile', sub {
		my ($out, $err) = ('', '');
		my $psql = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $coordinator->connstr('postgres') . " user=analyst", '-c', 'SELECT count(*) FROM visits' ], '>', \$out, '2>', \$err);

		$last->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = '$shard'::regclass") or die 'nobody waits';
		$last->stop('immediate');
		$psql->finish;
		my ($state, $message) = $err =~ /^ERROR:  (\w{5}): (.*)/m;
		return { sqlstate => $state, message => $message, out => $out };
	});
	fails('a worker that is not there', sub { return DpAgg::as($coordinator, 'analyst', 'SELECT count(*) FROM visits') });
	DpAgg::works($coordinator, 'analyst', 'SELECT count(*) FROM local_visits', 'tables of the coordinator do not need it');
	$last->start;
	released('when it is back');
}

$cluster->stop;
done_testing();
