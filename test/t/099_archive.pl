# Old releases are moved to an archive, and the chain holds without them: budgets stay what they are, heads
# that were published are still in it, and the copy proves what was there.

use strict;
use warnings;
use Cwd;
use File::Copy 'copy';
use Test::More;
use DpAgg;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('archive', roles => [ 'analyst', 'other', 'auditor', 'dba' ], conf => 'dp_agg.audit_raw = on');
my $count = 'SELECT dp_count(*) FROM people';
my $root = Cwd::getcwd();

sub query { return $node->safe_psql('postgres', join(';', @_)); }
sub verify { my ($head) = @_; return query('SELECT ok, first_broken, relation, reason, archived FROM dp_agg.verify_ledger(' . ($head ? "'$head'" : '') . ')'); }
sub head { return query('SELECT dp_agg.ledger_head()'); }
sub spent { return query('SELECT role, epsilon_spent, rho_spent, releases_spent, epsilon_lifetime FROM dp_agg.budgets UNION ALL SELECT population, epsilon_spent, rho_spent, releases_spent, epsilon_lifetime FROM dp_agg.population_caps ORDER BY 1'); }

# Copies the ledger to a new directory.
sub export
{
	my $place = PostgreSQL::Test::Utils::tempdir();

	chdir $place or die;
	PostgreSQL::Test::Utils::system_or_bail('psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', "$root/tools/export_ledger.sql");
	chdir $root or die;
	return $place;
}

sub offline
{
	my ($heads, @places) = @_;
	my $out = join ' ', map { "--head $_" } @$heads;

	$out = `$^X tools/dp_agg_verify_ledger $out @places 2>&1`;
	return ($? >> 8) . " $out";
}

# Archives what is older than a moment; what it says.
sub archive
{
	my ($before) = @_;
	my ($code, $out, $err) = $node->psql('postgres', "CALL dp_agg.archive_ledger($before)");

	is($code, 0, 'archived') or diag($err);
	return $err;
}

query(<<'SQL');
CREATE TABLE people (id int PRIMARY KEY, name text);
INSERT INTO people SELECT i, 'n' FROM generate_series(1, 300) i;
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
SELECT dp_agg.classify('people', 'name', 'direct_identifier');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 100, period => '1 day');
SELECT dp_agg.set_budget('other', 'people', epsilon => 100, accountant => 'zcdp');
SELECT dp_agg.set_population_cap('people', epsilon => 100);
GRANT EXECUTE ON FUNCTION dp_agg.verify_ledger(text) TO auditor;
SQL
DpAgg::works($node, 'analyst', $count, "release $_ of one") foreach 1 .. 3;
my $early = head();
query('SELECT name FROM people LIMIT 1', 'SELECT name FROM people LIMIT 2');
DpAgg::works($node, 'other', $count, "release $_ of the other") foreach 1 .. 2;
query("SELECT dp_agg.set_budget('analyst', 'people', epsilon => 90, period => '1 day')");
DpAgg::works($node, 'analyst', $count, 'another');
# an account that is closed has spent what it had
query("SELECT dp_agg.set_budget('dba', 'people', epsilon => 5)");
DpAgg::works($node, 'dba', $count, 'an account that is closed');
query("SELECT dp_agg.drop_budget('dba', 'people')");
my $middle = head();
my $moment = query('SELECT now()');
DpAgg::works($node, 'analyst', "$count WHERE id > 1", 'one that is younger');
my $late = head();
my $before = spent();
my $entries = query('SELECT id FROM dp_agg.ledger_head');
is(verify($_), 't||||0', 'the chain holds, with all heads') foreach $early, $middle, $late;
my $copy = export();
like(offline([ $early, $middle, $late ], $copy), qr/^0 \d+ entries, and the chain holds/, 'and so does the copy');

# ---------- archiving ----------

DpAgg::refused($node, $_, "CALL dp_agg.archive_ledger(now())", '42501', "$_ archives nothing") foreach 'analyst', 'auditor';
DpAgg::refused($node, undef, "BEGIN; CALL dp_agg.archive_ledger(now())", '2D000', 'not in a transaction block');
DpAgg::refused($node, undef, "CALL dp_agg.archive_ledger(NULL)", '22004', 'not before NULL');
like(archive("'$moment'"), qr/7 releases and \d+ runs of entries up to number \d+ are archived/, 'and it says how many');
is(query('SELECT count(*) FROM dp_agg.release') . query('SELECT count(*) FROM dp_agg.raw_read'), '10', 'one release is left');
is(verify(), 't||||9', 'the chain holds, and says what is not in it');
is(verify($late), 't||||9', 'a head that was published after it is in it');
is(verify($middle), 't||||9', 'a head at an entry that has stayed');
like(verify($early), qr/^(t\||f\|\d+\|ledger_archive\|the entry that was published is archived)/, 'one of an entry that is archived is in it, or it says that');
is(DpAgg::value($node, 'auditor', 'SELECT ok FROM dp_agg.verify_ledger()'), 't', 'an auditor needs no more rights than before');
is(spent(), $before, 'accounts have spent what they had');
DpAgg::works($node, 'analyst', $count, 'a release after it');
is(verify(), 't||||9', 'continues the chain');
query("SELECT dp_agg.set_budget('dba', 'people', epsilon => 5)");
is(query("SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'dba'"), '1', 'an account that was closed before it has spent what it had');
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp_agg.my_releases'), '2', 'who made them sees those that are there');

# once more, and nothing is lost by it
like(archive('now()'), qr/2 releases and /, 'the rest');
is(verify(), 't||||11', 'the chain holds with runs that follow each other');
like(archive('now()'), qr/0 releases and 0 runs/, 'what is archived is archived');
is(verify(), 't||||11', 'as before');
DpAgg::works($node, 'other', $count, 'and on');
is(verify(), 't||||11', 'in one chain');
is(query("SELECT epsilon_spent, releases_spent FROM dp_agg.budgets WHERE role = 'analyst'"), '6|6', 'six releases of one were paid');

# ---------- what is looked at from outside ----------

my $rest = export();
my $end = head();
like(offline([$end], $rest), qr/^0 11 of the entries are archived, and were not read\n\d+ entries, and the chain holds/, 'offline: without the copy it says what is not there');
# of the second archive one release is younger than the copy
like(offline([ $end, $early, $middle, $late ], $copy, $rest), qr/^0 1 of the entries are archived, and were not read\n/, 'offline: with the copy of before, what is in that is read');
like(offline([ $end, $early, $middle, $late ], $rest, $copy), qr/^0 1 of/, 'offline: in whatever order');
{
	my $edited = PostgreSQL::Test::Utils::tempdir();

	copy("$copy/$_", "$edited/$_") foreach qw(raw_read.csv account_change.csv ledger_archive.csv);
	my $text = PostgreSQL::Test::Utils::slurp_file("$copy/release.csv") =~ s/dp_count/dp_Count/r;
	PostgreSQL::Test::Utils::append_to_file("$edited/release.csv", $text);
	like(offline([$end], $edited, $rest), qr/^1 entry \d+ \(release\): the entry was changed/, 'offline: a copy that was edited is found');
}

# ---------- what a DBA might do ----------

my @ranges = split /\n/, query('SELECT first_id, last_id FROM dp_agg.ledger_archive ORDER BY 1');
my ($first, $last) = split /\|/, $ranges[0];
sub tampered
{
	my ($change, $expected, $name, $known) = @_;

	like($node->safe_psql('postgres', "BEGIN; SET session_replication_role = replica; $change; SELECT ok, first_broken, relation, reason FROM dp_agg.verify_ledger(" . ($known ? "'$known'" : '') . ')') =~ s/^\n//r, $expected, $name);
	return;
}
tampered("DELETE FROM dp_agg.ledger_archive WHERE first_id = $first", qr/^f\|$first\|\|the entry is missing$/, 'a run that is removed is missed');
tampered("UPDATE dp_agg.ledger_archive SET last_id = last_id + 1 WHERE first_id = $first", qr/^f\|/, 'one that was made longer');
tampered("UPDATE dp_agg.ledger_archive SET hash = sha256('x') WHERE first_id = $first", qr/^f\|\d+\|\w+\|the entry does not follow the one before it/, 'another hash');
tampered("UPDATE dp_agg.ledger_archive SET prev_hash = sha256('x') WHERE first_id = $first", qr/^f\|$first\|ledger_archive\|the archived entries do not follow/, 'another hash before it');
tampered("INSERT INTO dp_agg.ledger_archive (first_id, last_id, prev_hash, hash) SELECT id + 1, id + 3, hash, sha256('x') FROM dp_agg.ledger_head", qr/^f\|\d+\|ledger_head\|/, 'entries that never were, at the end');
tampered("INSERT INTO dp_agg.ledger_archive (first_id, last_id, prev_hash, hash) SELECT id, id, prev_hash, hash FROM dp_agg.release ORDER BY id DESC LIMIT 1", qr/^f\|\d+\|ledger_archive\|entries that are said to be archived are there/, 'one that is there');
tampered("INSERT INTO dp_agg.ledger_archive (first_id, last_id, prev_hash, hash) SELECT id, id, prev_hash, hash FROM dp_agg.release ORDER BY id DESC LIMIT 1; DELETE FROM dp_agg.release", qr/^f\|\d+\|account\|.*what it has spent/, 'a release that is hidden so is missed by the accounts that have paid for it');

# One that does not hold is not archived.
query('CREATE TABLE kept AS TABLE dp_agg.release', 'SET session_replication_role = replica', "UPDATE dp_agg.release SET query = 'SELECT 1'");
DpAgg::refused($node, undef, 'CALL dp_agg.archive_ledger(now())', '55000', 'a ledger that does not hold is evidence');
query('SET session_replication_role = replica', 'DELETE FROM dp_agg.release', 'INSERT INTO dp_agg.release TABLE kept', 'DROP TABLE kept');
is(verify($end), 't||||11', 'it holds again');

# A dump carries what is archived.
{
	my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';

	$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'dumped');
	query('CREATE DATABASE restored');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'restored');
	is($node->safe_psql('restored', "SELECT ok, archived FROM dp_agg.verify_ledger('$end')"), 't|11', 'and the chain holds there');
}

done_testing();
