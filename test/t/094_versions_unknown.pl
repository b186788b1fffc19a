# A database whose extension is of a version that the library does not know: here 9.9, a later one, made by
# an upgrade script of this test.  Nothing is released, charged or logged (DP004, with a hint); protection
# holds; and all else works, ALTER EXTENSION and DROP EXTENSION among it.
#
# That the extension is older than the library is tested by test/t/093_upgrade.pl.

use strict;
use warnings;
use Test::More;
use DpAgg;
use Installation;
use PostgreSQL::Test::Utils;

my $place = Installation->new;
my ($version) = slurp_file('dp_agg.control') =~ /^default_version = '([^']+)'$/m;

$place->add_script("dp_agg--$version--9.9.sql", "SELECT 1;\n");
$place->add_script("dp_agg--9.9--$version.sql", "SELECT 1;\n");

my $node = DpAgg::node('unknown', install => $place->{path}, roles => [qw(analyst clerk outsider delegate)]);
my $superuser = getpwuid($<);

DpAgg::visits($node, epsilon => 100);
$node->safe_psql('postgres', <<'SQL');
GRANT INSERT ON visits TO clerk;
GRANT SELECT (clinic) ON visits TO analyst;
CREATE VIEW through AS SELECT cost FROM visits;
GRANT SELECT ON through TO analyst;
CREATE DATABASE other;
SQL
$node->safe_psql('other', q{CREATE EXTENSION dp_agg; CREATE TABLE people (p int); INSERT INTO people SELECT generate_series(1, 500);
	SELECT dp_agg.protect('people', 'p', 'people'); SELECT dp_agg.set_budget('analyst', 'people', 10)});

sub ask { my ($role, $sql, %opt) = @_; return DpAgg::as($node, $role, $sql, %opt); }

my $count = 'SELECT clinic, count(*) FROM visits GROUP BY clinic';
is(ask('analyst', $count)->{sqlstate}, '00000', 'a release under the version that the library is for');
my $spent = $node->safe_psql('postgres', 'SELECT epsilon_spent FROM dp_agg.account');
my $entries = $node->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.release');

# ---------- sessions and plans from before ----------

my @r = DpAgg::bulk($node, $superuser, [
	'SET ROLE analyst', "PREPARE q AS $count", 'EXECUTE q', 'SELECT count(*) > 0 FROM dp_agg.last_release()', 'RESET ROLE',
	q{ALTER EXTENSION dp_agg UPDATE TO '9.9'}, 'SET ROLE analyst',
	'EXECUTE q', $count, 'SELECT * FROM dp_agg.last_release()' ]);
is(join(' ', map { $_->{sqlstate} } @r), join(' ', ('00000') x 7, ('DP004') x 3), 'a session with plans from before: refused from the update on');
like($r[7]{message}, qr/^extension dp_agg is of version 9\.9 in this database, and its library is for version \Q$version\E$/, 'and told why');

# ---------- analysts ----------

foreach my $sql (
	$count, 'SELECT * FROM visits', 'SELECT clinic FROM visits', 'SELECT * FROM dp.visits', 'TABLE through', 'SELECT count(*) FROM through', 'SELECT dp_count(*) FROM visits',
	'COPY (SELECT * FROM visits) TO STDOUT', 'SELECT 1 FROM visits WHERE false', 'EXPLAIN SELECT * FROM visits', 'CREATE TEMP TABLE t AS SELECT * FROM visits',
	'WITH v AS (SELECT * FROM visits) SELECT 1', 'DELETE FROM visits')
{
	my $r = ask('analyst', $sql);
	like("$r->{sqlstate} $r->{out}", qr/^(DP004|DP002|42501) $/, 'an analyst is refused: ' . DpAgg::brief($sql)) or diag($r->{err});
}
like(ask('analyst', $count)->{err}, qr/HINT: .*ALTER EXTENSION dp_agg UPDATE.*install the newer one/, 'a hint says what to do');
is(ask('outsider', $count)->{sqlstate}, '42501', 'who has no account gets what PostgreSQL says');
is(ask('clerk', q{INSERT INTO visits VALUES (1, 'new', 1)})->{sqlstate}, '00000', 'who may write writes');
$node->safe_psql('postgres', q{DELETE FROM visits WHERE clinic = 'new'});
is(ask('analyst', 'SELECT * FROM dp_agg.my_budget')->{sqlstate}, '00000', 'views are PostgreSQL\'s');

# ---------- administrators ----------

is(ask($superuser, $_)->{sqlstate}, 'DP004', 'refused to a superuser: ' . DpAgg::brief($_)) foreach
  'SELECT dp_count(*) FROM visits', q{SELECT dp_agg.set_budget('analyst', 'patients', 5)}, q{UPDATE dp_agg.account SET epsilon_spent = 0},
  'SELECT * FROM dp_agg.verify_ledger()', 'SELECT dp_agg.ledger_head()', q{SELECT dp_agg.drop_budget('analyst', 'patients')},
  q{SELECT dp_agg.grant_admin('delegate', 'patients')};
is(ask($superuser, $_)->{sqlstate}, '00000', 'not refused: ' . DpAgg::brief($_)) foreach
  'SELECT count(*) FROM visits', 'ALTER TABLE visits ADD more int', 'ALTER TABLE visits DROP more', 'CREATE TABLE others (a int)', 'DROP TABLE others', 'ANALYZE visits',
  'SET dp_agg.epsilon = 0.5', 'TABLE dp_agg.protected_relations', 'SELECT * FROM dp_agg.check_hardening()', 'REINDEX TABLE dp_agg.account', 'VACUUM visits';
is(ask($superuser, 'ALTER TABLE visits DROP cost')->{sqlstate}, '2BP01', 'facades do not follow: PostgreSQL keeps what they show');
$node->command_ok([ 'pg_dump', '-f', '/dev/null', '-d', $node->connstr('postgres') ], 'pg_dump works');

# ---------- what became of the ledger ----------

is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%dp_agg%' AND datname = 'postgres' AND state_change < now() - interval '10 seconds'}), 0, 'no worker of the ledger stays');
unlike(slurp_file($node->logfile), qr/background worker "dp_agg[^"]*" \(PID \d+\) (exited with exit code [1-9]|was terminated)/, 'and none failed');
is($node->safe_psql('postgres', 'SELECT epsilon_spent FROM dp_agg.account'), 2 * $spent, 'nothing was charged');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.release'), $entries + 1, 'nothing was logged');
is(ask('analyst', 'SELECT count(*) FROM people', db => 'other')->{sqlstate}, '00000', 'another database of the server goes on');

# ---------- and out of it ----------

$node->safe_psql('postgres', "ALTER EXTENSION dp_agg UPDATE TO '$version'");
is(ask('analyst', $count)->{sqlstate}, '00000', 'releases again, under the version that the library is for');
is($node->safe_psql('postgres', 'SELECT ok FROM dp_agg.verify_ledger()'), 't', 'and the chain holds');
$node->safe_psql('postgres', q{ALTER EXTENSION dp_agg UPDATE TO '9.9'; DROP EXTENSION dp_agg CASCADE});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('dp', 'dp_agg')}), 0, 'an unknown version can be dropped');
$node->stop;
done_testing();
