# monitoring/: what an exporter and a dashboard ask runs as a role that has no more than
# monitoring/role.sql gives it, and yields what the views have; and that role sees nothing else.

use strict;
use warnings;
use CPAN::Meta::YAML;
use DpAgg;
use HTTP::Tiny;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $hostile = q(a"b\\c{d="e"}, 'f');
my $node = DpAgg::node('monitoring', roles => [qw(analyst other monitor)]);
my @functions = qw(monitor_accounts monitor_releases monitor_findings monitor_ledger);

sub query { return $node->safe_psql('postgres', join ';', @_); }

DpAgg::visits($node, epsilon => 20);
query(<<'SQL');
CREATE TABLE pupils AS SELECT generate_series(1, 1000) AS id;
ALTER TABLE pupils ADD PRIMARY KEY (id);
SELECT dp_agg.protect('pupils', unit => 'id', population => 'pupils');
SELECT dp_agg.set_budget('other', 'pupils', epsilon => 10, delta => 1e-4, accountant => 'zcdp', period => '1 month', max_releases => 50);
SELECT dp_agg.set_population_cap('patients', epsilon => 100);
SQL
query('CREATE ROLE ' . '"' . $hostile =~ s/"/""/gr . '" LOGIN', q{SELECT dp_agg.set_budget('} . $hostile =~ s/'/''/gr . q{', 'pupils', epsilon => 5)});
query('SET SESSION AUTHORIZATION "' . $hostile =~ s/"/""/gr . '"', 'SELECT count(*) AS my_words FROM pupils');
DpAgg::works($node, 'analyst', 'SET dp_agg.epsilon = 0.25; ' . 'SELECT clinic, count(*), avg(cost) FROM visits GROUP BY clinic; ' x 5);
DpAgg::works($node, 'other', 'SELECT count(*) AS your_words FROM pupils');

# ---------- the role ----------

DpAgg::refused($node, 'monitor', "SELECT * FROM dp_agg.$_()", '42501', "$_ is not for everybody") foreach @functions;
$node->command_ok([ 'psql', '-X', '-q', '-v', 'role=monitor', '-d', $node->connstr('postgres'), '-f', 'monitoring/role.sql' ], 'monitoring/role.sql runs');
DpAgg::works($node, 'monitor', "SELECT * FROM dp_agg.$_()", "then $_ may be asked") foreach @functions;
is(query(q{SELECT count(*) FROM pg_proc p JOIN pg_roles r ON r.rolname = 'monitor', aclexplode(p.proacl) a WHERE a.grantee = r.oid}), scalar @functions, 'which is all that it was given');
DpAgg::refused($node, 'monitor', $_, '42501') foreach 'SELECT * FROM visits', 'SELECT count(*) FROM visits', 'SELECT * FROM dp_agg.release', 'SELECT * FROM dp_agg.account', 'SELECT * FROM dp_agg.check_hardening()',
  'SELECT * FROM dp_agg.account_state', "SELECT dp_agg.report('patients')", 'SELECT * FROM dp_agg.verify_ledger()';
is(DpAgg::value($node, 'monitor', 'SELECT (SELECT count(*) FROM dp_agg.releases), (SELECT count(*) FROM dp_agg.budgets)'), '0|0', 'the views show it nothing');
unlike(join(' ', map { DpAgg::value($node, 'monitor', "SELECT * FROM dp_agg.$_()") } @functions), qr/words|SELECT|count|pupils_pkey|public\./, 'and numbers hold no statements and no objects');
query('GRANT EXECUTE ON FUNCTION dp_agg.monitor_accounts() TO analyst');
like(query('SELECT object, finding FROM dp_agg.check_hardening()'), qr/monitor_accounts/, 'an analyst that may ask for what others spend is a finding');
query('REVOKE EXECUTE ON FUNCTION dp_agg.monitor_accounts() FROM analyst');

# ---------- the numbers ----------

# what the role is shown, and what a superuser finds in the views
sub same
{
	my ($shown, $expected, $name) = @_;
	my $found = query($expected);

	isnt($found, '', "there is something: $name");
	is(DpAgg::value($node, 'monitor', $shown), $found, $name);
	return;
}
same('SELECT population, role, accountant, epsilon_limit, epsilon_spent, epsilon_remaining, delta_limit, delta_spent, releases_spent, releases_remaining, renews_at FROM dp_agg.monitor_accounts() WHERE role <> \'\' ORDER BY 1, 2',
	'SELECT population, role, accountant, epsilon_limit, epsilon_spent, epsilon_remaining, delta_limit, delta_spent, releases_spent, releases_remaining, renews_at FROM dp_agg.budgets ORDER BY 1, 2', 'accounts');
same(q{SELECT population, epsilon_limit, epsilon_spent FROM dp_agg.monitor_accounts() WHERE role = ''}, 'SELECT population, epsilon_limit, epsilon_spent FROM dp_agg.population_caps', 'caps');
same('SELECT role, round(spent_share, 6) FROM dp_agg.monitor_accounts() WHERE role <> \'\' ORDER BY 1',
	"SELECT role, round(CASE accountant WHEN 'zcdp' THEN rho_spent / rho_limit ELSE epsilon_spent / epsilon_limit END, 6) FROM dp_agg.budgets ORDER BY 1", 'shares');
same('SELECT population, role, tier, releases, epsilon, reused FROM dp_agg.monitor_releases() ORDER BY 1, 2', 'SELECT population, session_user_name, tier, count(*), sum(epsilon), count(*) FILTER (WHERE reused) FROM dp_agg.releases GROUP BY 1, 2, 3 ORDER BY 1, 2', 'releases');
same('SELECT severity, findings FROM dp_agg.monitor_findings() WHERE findings > 0', 'SELECT severity, count(*) FROM dp_agg.check_hardening() GROUP BY 1 ORDER BY min(array_position(ARRAY[$$high$$, $$medium$$, $$low$$], severity))', 'findings');
is(DpAgg::value($node, 'monitor', q{SELECT string_agg(severity, ' ') FROM dp_agg.monitor_findings()}), 'high medium low', '... with a row for each severity');
same('SELECT entries, last_release FROM dp_agg.monitor_ledger()', 'SELECT (SELECT id FROM dp_agg.ledger_head), (SELECT max(at) FROM dp_agg.releases)', 'the ledger');
cmp_ok(DpAgg::value($node, 'monitor', 'SELECT changes_waiting FROM dp_agg.monitor_ledger()'), '==', query('SELECT count(*) FROM dp_agg.account_changes WHERE id IS NULL'), 'and what waits');

# Steps: a log of a day, as releases of an hour ago and so on would have left it.
query(q{SET session_replication_role = replica; UPDATE dp_agg.release SET at = date_trunc('hour', now()) - interval '1 hour' * (8 - rank) FROM (SELECT id, row_number() OVER (ORDER BY id) AS rank FROM dp_agg.release) r WHERE r.id = release.id});
same(q{SELECT at, sum(releases), sum(epsilon) FROM dp_agg.monitor_releases(now() - interval '5 hours', now(), '1h') GROUP BY 1 ORDER BY 1},
	q{SELECT date_trunc('hour', at), count(*), sum(epsilon) FROM dp_agg.releases WHERE at >= now() - interval '5 hours' GROUP BY 1 ORDER BY 1}, 'steps of an hour');
is(DpAgg::value($node, 'monitor', q{SELECT count(DISTINCT at), sum(releases) FROM dp_agg.monitor_releases(now() - interval '1 day', date_trunc('hour', now()) - interval '3 hours', '15m')}), '4|4', 'up to a time, which is not included');
is(DpAgg::value($node, 'monitor', q{SELECT count(*) FROM dp_agg.monitor_releases(now() + interval '1 hour', now() + interval '2 hours', '1h')}), 0, 'nothing, where there is nothing');
DpAgg::refused($node, 'monitor', "SELECT * FROM dp_agg.monitor_releases($_->[0])", $_->[1])
  foreach [ 'NULL', '22004' ], [ "'-infinity'", '22004' ], [ "step => '0'", '22023' ], [ "step => '-1 hour'", '22023' ], [ 'step => NULL', '22004' ];
# A log is read as far as is asked for.
query(q{SET session_replication_role = replica; INSERT INTO dp_agg.release SELECT -i, now() - interval '2 days', session_role, "current_role", session_id, current_id, cluster, population, relations, query, fingerprint, epsilon, delta, outputs, tier, reused, prev_hash, hash, accounts, codes
	FROM (SELECT * FROM dp_agg.release LIMIT 1) r, generate_series(1, 50000) i; ANALYZE dp_agg.release});
{
	my $read = 'SELECT seq_scan, idx_tup_fetch + coalesce(seq_tup_read, 0) FROM pg_stat_user_tables WHERE relid = $$dp_agg.release$$::regclass';
	my ($scans, $before) = split /\|/, query('SELECT pg_stat_force_next_flush()', $read) =~ s/^\n//r;

	DpAgg::value($node, 'monitor', 'SELECT count(*) FROM dp_agg.monitor_releases(); SELECT pg_stat_force_next_flush()');
	my (undef, $after) = split /\|/, query($read);
	cmp_ok($after - $before, '<', 500, 'of a log of 50,000 releases the last day is read alone');
}

# ---------- the exporter ----------

my $yaml = CPAN::Meta::YAML->read('monitoring/postgres_exporter.yaml')->[0];
my $operations = slurp_file('doc/operations.md');

is(join(' ', sort keys %$yaml), 'dp_agg_account dp_agg_day dp_agg_hardening dp_agg_ledger', 'its queries');

# sql_exporter asks the same, and calls it the same.
{
	my $collector = CPAN::Meta::YAML->read('monitoring/sql_exporter.collector.yml')->[0];
	my %named;

	foreach my $name (keys %$yaml)
	{
		my @columns = map { %$_ } @{ $yaml->{$name}->{metrics} };
		my %column = @columns;
		my @labels = sort grep { $column{$_}->{usage} eq 'LABEL' } keys %column;

		$named{"${name}_$_"} = join '|', lc $column{$_}->{usage}, $column{$_}->{description}, "@labels", $_, $name foreach grep { $column{$_}->{usage} ne 'LABEL' } keys %column;
	}
	is($collector->{collector_name}, 'dp_agg', 'a collector of sql_exporter');
	is_deeply({ map { $_->{query_name} => $_->{query} } @{ $collector->{queries} } }, { map { $_ => $yaml->{$_}->{query} } keys %$yaml }, '... has the same queries');
	is_deeply({ map { my $m = $_; $m->{metric_name} => join '|', $m->{type}, $m->{help}, join(' ', sort @{ $m->{key_labels} // [] }), "@{ $m->{values} }", $m->{query_ref} } @{ $collector->{metrics} } },
		\%named, '... and the same metrics');
}
foreach my $name (sort keys %$yaml)
{
	my @metrics = map { %$_ } @{ $yaml->{$name}->{metrics} };
	my %metrics = @metrics;
	my $r = DpAgg::as($node, 'monitor', $yaml->{$name}->{query}, extra_params => [ '-P', 'tuples_only=off', '-P', 'footer=off' ]);
	my ($head, @rows) = split /\n/, $r->{out};

	ok($r->{ok}, "$name runs") or diag($r->{err});
	is($head, join('|', grep { !ref } @metrics), '... and has the columns that it says');
	cmp_ok(@rows, '>', 0, '... and rows');
	my @labels = map { my $i = $_; $metrics[ 2 * $i + 1 ]->{usage} eq 'LABEL' ? $i : () } 0 .. $#metrics / 2;
	my %seen;
	$seen{ join '|', (split /\|/)[@labels] }++ foreach @rows;
	is(join(' ', grep { $seen{$_} > 1 } sort keys %seen), '', '... no two with the same labels');
	foreach my $column (sort keys %metrics)
	{
		like($metrics{$column}->{usage}, qr/^(LABEL|GAUGE|COUNTER)$/, "$column has a usage");
		like($operations, qr/`${name}_$column`/, '... and is in doc/operations.md') if $metrics{$column}->{usage} ne 'LABEL';
	}
}

my ($exporter) = grep { -x } map { "$_/prometheus-postgres-exporter" } split /:/, $ENV{PATH};
SKIP:
{
	skip 'no exporter: Debian has it in package prometheus-postgres-exporter', 1 if !$exporter;

	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $log = "$PostgreSQL::Test::Utils::log_path/exporter.log";
	my $pid = fork() // die "could not fork: $!";

	if ($pid == 0)
	{
		$ENV{DATA_SOURCE_NAME} = 'user=monitor dbname=postgres sslmode=disable host=' . $node->host . ' port=' . $node->port;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $log;
		open STDERR, '>&', \*STDOUT;
		exec($exporter, '--disable-default-metrics', '--disable-settings-metrics', '--extend.query-path=monitoring/postgres_exporter.yaml', "--web.listen-address=127.0.0.1:$port")
		  or POSIX::_exit(127);
	}
	my $answer;
	foreach (1 .. 100)
	{
		$answer = HTTP::Tiny->new(timeout => 10)->get("http://127.0.0.1:$port/metrics");
		last if $answer->{success};
		sleep 0.1;
	}
	kill 'TERM', $pid;
	waitpid $pid, 0;
	my $metrics = $answer->{content};
	like($metrics, qr/^dp_agg_account_epsilon_spent\{(?=[^}]*role="analyst")(?=[^}]*population="patients")[^}]*\} 1\.25$/m, 'the exporter tells what an analyst has spent');
	like($metrics, qr/^dp_agg_day_releases\{(?=[^}]*role="analyst")(?=[^}]*tier="low")[^}]*\} 5$/m, '... and its releases');
	like($metrics, qr/role="a\\"b\\\\c\{d=\\"e\\"\}, 'f'"/, 'whatever a name holds');
	like($metrics, qr/^dp_agg_account_releases_remaining\{(?=[^}]*role="other")[^}]*\} 49$/m, 'what is left');
	like($metrics, qr/^dp_agg_account_releases_remaining\{(?=[^}]*role="analyst")[^}]*\} NaN$/m, '... where it is limited');
	like($metrics, qr/^dp_agg_hardening_findings\{[^}]*severity="high"[^}]*\} \d+$/m, 'findings');
	like($metrics, qr/^dp_agg_ledger_entries\{[^}]*\} \d+$/m, 'and entries');
	like($metrics, qr/^pg_exporter_last_scrape_error(?:\{[^}]*\})? 0$/m, 'without an error') or diag(slurp_file($log));
}

# ---------- the dashboard ----------

my $dashboard = JSON::PP->new->utf8->decode(slurp_file('monitoring/grafana-dashboard.json'));
my %ids;
my %taken;
my @asked = map { $_->{query} } @{ $dashboard->{templating}->{list} };

foreach my $panel (@{ $dashboard->{panels} })
{
	my $pos = $panel->{gridPos};

	ok(length $panel->{title} && length $panel->{description}, "a panel: $panel->{title}");
	ok(!$ids{ $panel->{id} }++, '... with a number of its own');
	my @cells = map { my $x = $_; map { "$x,$_" } $pos->{y} .. $pos->{y} + $pos->{h} - 1 } $pos->{x} .. $pos->{x} + $pos->{w} - 1;
	ok($pos->{x} + $pos->{w} <= 24 && !grep({ $taken{$_}++ } @cells), '... and a place of its own');
	push @asked, map { $_->{rawSql} } @{ $panel->{targets} };
	foreach my $target (@{ $panel->{targets} })
	{
		next if $target->{format} ne 'time_series';
		like($target->{rawSql}, qr/AS "time".* AS metric.*ORDER BY 1/, '... a series over time');
	}
}
cmp_ok(@asked, '>', 8, 'the dashboard asks');
foreach my $sql (@asked)
{
	my $ready = $sql =~ s/\$__timeFrom\(\)/"'" . query(q{SELECT to_char((now() - interval '1 day') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')}) . "'"/ger
	  =~ s/\$__timeTo\(\)/"'" . query(q{SELECT to_char((now() + interval '1 minute') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')}) . "'"/ger
	  =~ s/\$__interval/15m/gr =~ s/\$population/'patients','pupils'/gr;
	my $r = DpAgg::works($node, 'monitor', $ready);

	unlike($ready, qr/\$/, '... no variable is left');
	like($r->{out}, qr/\S/, '... and it yields something') if $sql !~ /severity = 'high'/;
}

$node->stop;
done_testing();
