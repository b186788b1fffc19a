# Periods: renewal at fixed moments, whatever the clock does and whatever time zones say; nothing is
# carried over; a lifetime counts all of them.

use strict;
use warnings;
use Test::More;
use Time::Local 'timegm';
use DpAgg;
use PostgreSQL::Test::Utils;

my $place = PostgreSQL::Test::Utils::tempdir();
my $clock = "$place/clock";
my $count = 'SELECT dp_count(*) FROM people';

# Sets the clock of the server: at('2027-01-31 10:00:00'), in UTC.
sub at
{
	my ($moment) = @_;
	my ($y, $m, $d, $h, $i, $s) = $moment =~ /\A(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)\z/ or die $moment;

	PostgreSQL::Test::Utils::append_to_file("$clock.new", timegm($s, $i, $h, $d, $m - 1, $y) - time . "\n");
	rename "$clock.new", $clock or die "could not set the clock: $!";
	return;
}

chmod 0755, $place;
PostgreSQL::Test::Utils::system_or_bail('gcc', '-shared', '-fPIC', '-O1', '-o', "$place/shifted.so", 'test/preload/shifted.c');
at('2027-01-31 10:00:00');
$ENV{DP_TEST_CLOCK} = $clock;
my $node = do { local $ENV{LD_PRELOAD} = "$place/shifted.so"; DpAgg::node('periods', conf => "timezone = 'America/New_York'") };

sub query { return $node->safe_psql('postgres', join(';', @_)); }
sub utc { my ($column) = @_; return query("SET timezone = 'UTC'", "SELECT $column FROM dp_agg.budgets"); }
sub ask { my ($name, $set) = @_; return DpAgg::works($node, 'analyst', ($set // '') . $count, $name); }
sub refused { my ($name, $set) = @_; return DpAgg::refused($node, 'analyst', ($set // '') . $count, 'DP001', $name); }
sub whole { my ($name) = @_; is(query('SELECT ok, reason FROM dp_agg.verify_ledger()'), 't|', "the ledger holds: $name"); return; }
sub anew
{
	query('DELETE FROM dp_agg.account', 'SET session_replication_role = replica', 'DELETE FROM dp_agg.account_change', 'DELETE FROM dp_agg.account_change_waiting',
		'DELETE FROM dp_agg.release', 'DELETE FROM dp_agg.raw_read', 'DELETE FROM dp_agg.ledger_head');
	return;
}

like(query("SET timezone = 'UTC'", 'SELECT now()'), qr/^2027-01-31 10:00/, 'the clock of the server is ours');
query('CREATE TABLE people (id int PRIMARY KEY)', 'INSERT INTO people SELECT generate_series(1, 300)', "SELECT dp_agg.protect('people', 'id', 'people')");

# ---------- months ----------

query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 month')");
like(utc('renews_at'), qr/^2027-02-28 10:00:0\d/, 'a month from the 31st of January ends on the last of February');
ask('in the first month');
refused('it has no more');
at('2027-02-28 09:59:30');
refused('nor just before it ends');
at('2027-02-28 10:01:00');
is(utc('epsilon_spent, releases_spent'), '0|0', 'after it the account shows as renewed');
ask('and is');
like(utc('renews_at'), qr/^2027-03-31 10:00:0\d/, 'the next one ends on the 31st: the anchor stays');
refused('nothing was carried over');
at('2027-09-15 00:00:00');
ask('months that nobody used are over');
refused('and lost');
like(utc('renews_at'), qr/^2027-09-30 10:00:0\d/, 'the moments are still those of the anchor');
is(utc('epsilon_spent, epsilon_lifetime'), '1|3', 'the lifetime has all of them');
whole('months');

# ---------- a clock that is put back and forth ----------

at('2027-06-01 00:00:00');
refused('who has spent in September has nothing in June');
is(utc('epsilon_spent'), '1', 'and that shows');
query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 month')");
like(utc('renews_at'), qr/^2027-09-30 10:00:0\d/, 'a budget that is set meanwhile renews when it would have');
at('2027-07-15 00:00:00');
refused('also when the clock has passed what would be a renewal');
at('2026-12-01 00:00:00');
refused('and before the anchor');
query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 month')");
at('2027-02-02 00:00:00');
refused('a moment after it');
at('2027-09-30 10:01:00');
ask('in October');
refused('once');
whole('a clock put back');
# far ahead by mistake
at('2037-01-01 00:00:00');
ask('ten years later');
at('2027-10-15 00:00:00');
refused('and back: nothing renews for ten years');
query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 month')");
refused('a DBA who changes nothing changes nothing');
query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 month', forget => true)");
ask('one who says so, on record, does');
like(utc('renews_at'), qr/^2027-10-31 10:00:0\d/, 'at the moments of the anchor');
is(utc('epsilon_lifetime'), '6', 'and no lifetime is forgotten');
is(query('SELECT spent_from, spent_to FROM dp_agg.account_changes ORDER BY id DESC LIMIT 1'), '1|0', 'which is on record');

# ---------- time zones, and hours that are not there ----------

anew();
at('2027-03-13 12:00:00');
query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 day')");
# clocks go forward in New York on the 14th of March 2027, and back on the 7th of November
at('2027-03-14 11:59:30');
foreach my $zone ('America/New_York', 'Pacific/Kiritimati', 'Etc/GMT+12')
{
	like(query("SET timezone = '$zone'", "SELECT renews_at AT TIME ZONE 'UTC' FROM dp_agg.budgets"), qr/^2027-03-14 12:00:0\d/, "the same moment in $zone");
}
ask('on the first day', "SET timezone = 'Pacific/Kiritimati'; ");
refused('a session in another zone has the same day', "SET timezone = '$_'; ") foreach 'Etc/GMT+12', 'Pacific/Kiritimati';
at('2027-03-14 12:01:00');
ask('a day of 23 hours in New York is a day', "SET timezone = 'Etc/GMT+12'; ");
query("ALTER SYSTEM SET timezone = 'Pacific/Kiritimati'", 'SELECT pg_reload_conf()');
refused('nor does a new zone of the server make it end');
like(utc('renews_at'), qr/^2027-03-15 12:00:0\d/, 'it ends when it did');
query("SET timezone = 'Pacific/Kiritimati'", "SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 day')");
like(utc('renews_at'), qr/^2027-03-15 12:00:0\d/, 'also if it is set in another zone');
whole('time zones');

# ---------- a restart, a crash ----------

at('2027-03-16 12:01:00');
ask('another day');
{
	local $ENV{LD_PRELOAD} = "$place/shifted.so";

	$node->stop('immediate');
	$node->start;
}
refused('after a crash the day has what it had');
at('2027-03-17 12:01:00');
ask('and ends when it would have');
is(utc('epsilon_spent, epsilon_lifetime'), '1|4', 'both sums have survived');
whole('a crash');

# ---------- a period that is changed ----------

query("SELECT dp_agg.set_budget('analyst', 'people', 1, period => '1 hour')");
refused('another period begins with what was spent');
like(utc('renews_at'), qr/^2027-03-17 13:0[12]/, 'and from now');
at('2027-03-17 13:05:00');
ask('it ends as it says');
query("SELECT dp_agg.set_budget('analyst', 'people', 1)");
is(utc('epsilon_spent, renews_at IS NULL, period IS NULL'), '1|t|t', 'without a period nothing renews');
at('2030-01-01 00:00:00');
refused('ever');
whole('changed periods');

# ---------- the cap of a population ----------

anew();
query("SELECT dp_agg.set_population_cap('people', 1, period => '1 month', max_epsilon_lifetime => 1.5)", "SELECT dp_agg.set_budget('analyst', 'people', 100)");
ask('under the cap');
like(refused('which has no more')->{err}, qr/exhausted for all periods/, 'not even in all of its periods');
at('2030-02-02 00:00:00');
refused('in the next one neither');
ask('what is left of all', 'SET dp_agg.epsilon = 0.5; ');
at('2030-03-03 00:00:00');
refused('then it has ended', 'SET dp_agg.epsilon = 0.1; ');
is(query('SELECT epsilon_spent, epsilon_lifetime, max_epsilon_lifetime FROM dp_agg.population_caps'), '0|1.5|1.5', 'and shows it');
whole('a cap that renews');

done_testing();
