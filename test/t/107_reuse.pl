# Answers that are handed out again (dp_agg.set_reuse).
#
# What is the same release, and what is not; who may have its answer, and what it costs them; what ends a
# window and what does not; what is logged.  Answers of all types come back byte for byte.  Sixteen clients that
# open ten charts a hundred times pay for ten releases.  And an analyst can neither have
# an answer that is not for it, nor leave a wrong one for others.

use strict;
use warnings;
use List::Util qw(uniq);
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Clients;
use DpAgg;

my $node = DpAgg::node('reuse', roles => [qw(analyst second poor stranger crowd one two)],
	conf => "timezone = 'UTC'\nclient_min_messages = warning\njit = off\n");

$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE visits (id int NOT NULL, clinic text, cost int NOT NULL, at timestamptz NOT NULL, day date, amount numeric(8,2), feel mood, old boolean);
INSERT INTO visits SELECT i % 3000, CASE WHEN i % 7 > 0 THEN 'clinic ' || i % 5 END, i % 600, timestamptz '2026-03-01' + i % 90 * interval '8 hours',
	date '2026-03-01' + i % 30, i % 100 + 0.25, (ARRAY['sad', 'ok', 'happy']::mood[])[1 + i % 3], i % 2 = 0 FROM generate_series(1, 9000) i;
CREATE TABLE regions (clinic text PRIMARY KEY, region text);
INSERT INTO regions SELECT 'clinic ' || i, 'region ' || i % 2 FROM generate_series(0, 4) i;
CREATE TABLE others (id int PRIMARY KEY, x int NOT NULL);
INSERT INTO others SELECT i, i % 10 FROM generate_series(1, 2000) i;
GRANT SELECT ON regions TO PUBLIC;
ANALYZE;
SELECT dp_agg.protect('visits', 'id', 'patients', max_groups => 3, max_rows => 3), dp_agg.protect('others', 'id', 'elsewhere');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 600), dp_agg.set_bounds('visits', 'amount', 0, 100);
SELECT dp_agg.set_bounds('visits', 'day', '2026-03-01', '2026-03-31');
SELECT dp_agg.set_budget(r, 'patients', 1e6, 0.5) FROM unnest('{analyst,second,crowd,one,two}'::name[]) r;
SELECT dp_agg.set_budget('poor', 'patients', 1, 1e-6), dp_agg.set_budget('analyst', 'elsewhere', 1e6, 0.5);
SQL

sub dba { return $node->safe_psql('postgres', join(';', @_)); }

sub spent
{
	my ($role, $population) = (@_, 'patients');

	return dba("SELECT sum(epsilon_spent) FROM dp_agg.budgets WHERE role = '$role' AND population = '$population'");
}

# What statements of a role cost, run in one session, and what the last one answers.
sub cost
{
	my ($role, @statements) = @_;
	my $before = spent($role);
	my $answer = DpAgg::value($node, $role, join("\\o\n", map { "\\o /dev/null\n$_;\n" } @statements[ 0 .. $#statements - 1 ]) . "\\o\n$statements[-1];");

	return (spent($role) - $before, $answer);
}

# The second statement costs nothing after the first one, or as much as it costs alone.
sub is_same
{
	my ($first, $second, $name) = @_;

	dba(q{SELECT dp_agg.refresh('patients')});
	cost('analyst', $first);
	is((cost('analyst', $second))[0], 0, "the same: $name");
	return;
}

sub is_other
{
	my ($first, $second, $name) = @_;

	dba(q{SELECT dp_agg.refresh('patients')});
	cost('analyst', $first);
	cmp_ok((cost('analyst', $second))[0], '>', 0, "not the same: $name");
	return;
}

# ---------- off, unless a window is set ----------

my $count = 'SELECT clinic, count(*) FROM visits GROUP BY clinic ORDER BY clinic';

is((cost('analyst', $count, $count))[0], 2, 'without a window each release is paid for');
is(dba('SELECT count(*) FROM dp_agg.answer'), 0, 'and nothing is kept');
DpAgg::refused($node, 'analyst', q{SELECT dp_agg.set_reuse('patients', '1 day')}, '42501');
DpAgg::refused($node, 'analyst', q{SELECT dp_agg.refresh('patients')}, '42501');
foreach my $bad ([ q{'nobody', '1 day'}, '42704' ], [ q{NULL, '1 day'}, '22004' ], [ q{'patients', '-1 day'}, '22023' ])
{
	is(DpAgg::as($node, $node->safe_psql('postgres', 'SELECT current_user'), "SELECT dp_agg.set_reuse($bad->[0])")->{sqlstate}, $bad->[1], "set_reuse($bad->[0])");
}
is(DpAgg::as($node, $node->safe_psql('postgres', 'SELECT current_user'), q{SELECT dp_agg.refresh('patients')})->{sqlstate}, '42704', 'refresh() without a window');
dba(q{SELECT dp_agg.set_reuse('patients', '1 day')});
is(DpAgg::value($node, 'analyst', 'SELECT population, lasts FROM dp_agg.reuse_windows'), 'patients|1 day', 'an analyst sees the window');
is(DpAgg::value($node, 'stranger', 'SELECT count(*) FROM dp_agg.reuse_windows'), 0, 'a stranger does not');
DpAgg::refused($node, 'analyst', 'SELECT * FROM dp_agg.answer', '42501');
DpAgg::refused($node, 'analyst', 'SELECT * FROM dp_agg.reuse', '42501');

# ---------- byte for byte ----------

foreach my $query ($count,
	'SELECT count(*), sum(cost), avg(cost), stddev(cost), corr(cost, amount) FROM visits',
	'SELECT clinic, old, day, count(*), avg(amount), dp_low(count(*)), dp_high(sum(amount)) FROM visits WHERE day < date \'2026-03-04\' GROUP BY clinic, old, day',
	'SELECT feel, date_trunc(\'month\', at), min(day), max(cost), dp_median(amount), dp_quantile(cost, ARRAY[0.1, 0.9]) FROM visits GROUP BY 1, 2',
	'SELECT dp_histogram(cost, 6), dp_top(clinic, 3), mode() WITHIN GROUP (ORDER BY clinic), bool_or(old), bool_and(old), count(DISTINCT cost) FROM visits',
	'SELECT array_agg(DISTINCT clinic), min(clinic), string_agg(DISTINCT clinic, \',\' ORDER BY clinic) FROM visits',
	'SELECT clinic, old, count(*) FROM visits GROUP BY GROUPING SETS ((clinic), (old), ())',
	'SELECT DISTINCT clinic FROM visits',
	'SELECT count(*) FROM visits WHERE cost > 1000',
	'SELECT clinic FROM visits WHERE cost > 1000 GROUP BY clinic')
{
	dba(q{SELECT dp_agg.refresh('patients')});
	my ($cost, $first) = cost('analyst', $query);
	my ($again, $second) = cost('analyst', $query);

	is("$cost $again", '1 0', "costs once: $query");
	is($second, $first, 'and answers the same bytes');
}

# ---------- what is the same ----------

my $where = 'FROM visits WHERE cost > 10 AND old';

foreach my $case (
	[ 'SELECT clinic, count(*), avg(cost) FROM visits GROUP BY clinic', 'SELECT avg(cost) AS a, /* no */ clinic c FROM visits AS v GROUP BY 2 ORDER BY 1 DESC LIMIT 2', 'fewer outputs, another order, LIMIT, aliases, comments' ],
	[ 'SELECT clinic, count(*) FROM visits GROUP BY clinic', 'SELECT clinic FROM visits GROUP BY clinic HAVING count(*) > 500', 'HAVING' ],
	[ 'SELECT clinic, count(*) FROM visits GROUP BY clinic', 'SELECT sum(n), max(n) FROM (SELECT count(*) AS n FROM visits GROUP BY clinic) x', 'coarser post-processing' ],
	[ 'SELECT clinic, count(*) FROM visits GROUP BY clinic', 'SELECT DISTINCT clinic FROM visits', 'group keys alone' ],
	[ 'SELECT clinic, old, count(*) FROM visits GROUP BY clinic, old', 'SELECT count(*), old, clinic FROM visits GROUP BY old, clinic', 'keys in another order' ],
	[ "SELECT count(*) $where", 'SELECT count(*) FROM visits WHERE old AND (cost) > 10', 'AND in another order' ],
	[ "SELECT count(*) $where", 'SELECT count(*) FROM visits WHERE old AND 10 < cost', 'a comparison turned round' ],
	[ "SELECT count(*) $where", 'SELECT dp_count(*) FROM visits WHERE cost > 5 + 5 AND old', 'dp_count, and a sum of constants' ],
	[ "SELECT count(*) $where", 'PREPARE p(int) AS SELECT count(*) FROM visits WHERE cost > $1 AND old; EXECUTE p(10)', 'a parameter' ],
	[ "SELECT count(*) $where", 'SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT count(*) FROM visits WHERE cost > $1 AND old; EXECUTE p(10)', 'a parameter of a generic plan' ],
	[ 'SELECT count(*) FROM visits WHERE at > now() - interval \'1 day\' - (now() - timestamptz \'2026-03-03\')', 'SELECT count(*) FROM visits WHERE at > timestamptz \'2026-03-02\'', 'now() by its value' ],
	[ 'SELECT count(*) FROM visits WHERE day > current_date - 100000', 'SELECT count(*) FROM visits WHERE day > current_date - 100000', 'current_date' ],
	[ 'SELECT count(*) FROM visits WHERE old OR cost > 10 OR clinic = \'clinic 1\'', 'SELECT count(*) FROM visits WHERE clinic = \'clinic 1\' OR (cost > 10 OR old)', 'OR in another order' ],
	[ 'SELECT count(*) FROM visits WHERE cost > 1 AND cost < 5', 'SELECT count(*) FROM visits WHERE cost < 5 AND cost > 1', 'two conditions on a column' ],
	[ 'SELECT count(*) FROM visits WHERE cost <> 1 AND cost <> 5', 'SELECT count(*) FROM visits WHERE cost <> 5 AND cost <> 1', 'two conditions of one form' ],
	[ 'SELECT count(*) FROM visits WHERE dp_with(epsilon => 0.5)', 'SET dp_agg.epsilon = 0.5; SELECT count(*) FROM visits', 'epsilon by dp_with() or by SET' ],
	[ 'SELECT count(*) FROM (SELECT * FROM visits) x', 'WITH v AS (SELECT * FROM visits) SELECT count(*) FROM v', 'a sub-select and a CTE' ],
	[ 'SELECT clinic, count(*), avg(cost) FROM dp.visits WHERE old GROUP BY clinic', 'SELECT v.clinic, avg(cost), count(*) FROM visits v WHERE v.old GROUP BY 1', 'the facade, and the table' ],
	[ 'SELECT clinic, count(*) FROM (SELECT clinic, cost, old FROM dp.visits) x WHERE old GROUP BY clinic', 'SELECT c, count(*) FROM (SELECT old, clinic AS c FROM (SELECT old, id, clinic FROM visits) y) x WHERE old GROUP BY c', 'columns chosen around the table' ],
	[ 'SELECT a.clinic, count(*) FROM visits a JOIN visits b USING (id) WHERE b.old GROUP BY 1', 'SELECT a.clinic, count(*) FROM dp.visits a JOIN (SELECT id, old FROM visits) b USING (id) WHERE b.old GROUP BY 1', 'a join of such' ],
	[ 'SELECT region, count(*) FROM visits JOIN regions USING (clinic) GROUP BY region', 'SELECT region, count(*) FROM visits v JOIN regions r USING (clinic) GROUP BY 1 ORDER BY 2', 'a join with a public table' ],
	[ 'SELECT clinic, count(*) FILTER (WHERE old), count(*) FILTER (WHERE cost > 5) FROM visits GROUP BY 1', 'SELECT clinic, count(*) FILTER (WHERE cost > 5) FROM visits GROUP BY 1', 'FILTER' ],
	[ 'BEGIN; SELECT count(*) FROM visits; ROLLBACK', 'BEGIN READ ONLY; SELECT count(*) FROM visits; COMMIT', 'after a rollback, in a read-only transaction' ],
	[ 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT clinic, count(*) FROM visits GROUP BY clinic; FETCH 1 FROM c; COMMIT', $count, 'a cursor' ],
	[ 'SET extra_float_digits = 0; SET application_name = \'x\'; SELECT count(*), avg(cost) FROM visits', 'SET extra_float_digits = 3; SET search_path = public, pg_temp; SET timezone = \'Asia/Tokyo\'; SELECT count(*), avg(cost) FROM visits', 'settings that do not matter' ],
	[ 'SELECT v.clinic, avg(cost) FROM visits v JOIN (SELECT clinic AS c, count(*) AS n FROM visits GROUP BY 1 ORDER BY 2 DESC LIMIT 2) t ON v.clinic = t.c GROUP BY 1',
	  'SELECT v.clinic, avg(cost) FROM visits v JOIN (SELECT clinic AS c, count(*) AS n FROM visits GROUP BY 1 ORDER BY 2 DESC LIMIT 2) t ON v.clinic = t.c GROUP BY 1', 'a release that reads another one' ],
	[ 'SELECT clinic, old, count(*) FROM visits GROUP BY ROLLUP (clinic, old)', 'SELECT clinic, old, count(*) FROM visits GROUP BY ROLLUP (clinic, old)', 'ROLLUP' ])
{
	is_same(@$case);
}

# ---------- what is not ----------

foreach my $case (
	[ 'SELECT count(*) FROM visits WHERE cost > 10', 'SELECT count(*) FROM visits WHERE cost > 11', 'another constant' ],
	[ 'SELECT count(*) FROM visits WHERE cost > 10', 'SELECT count(*) FROM visits WHERE cost >= 10', 'another operator' ],
	[ 'SELECT count(*) FROM visits WHERE 10 > cost', 'SELECT count(*) FROM visits WHERE cost > 10', 'the other side of an operator' ],
	[ 'SELECT count(*) FROM visits WHERE cost > 10', 'SELECT count(*) FROM visits WHERE NOT cost > 10', 'NOT' ],
	[ 'SELECT count(*) FROM visits WHERE old AND cost > 10', 'SELECT count(*) FROM visits WHERE old OR cost > 10', 'AND and OR' ],
	[ 'PREPARE p(int) AS SELECT count(*) FROM visits WHERE cost > $1; EXECUTE p(10)', 'SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT count(*) FROM visits WHERE cost > $1; EXECUTE p(11)', 'another parameter' ],
	[ 'SELECT count(*) FROM visits', 'SELECT count(cost) FROM visits WHERE cost > 0', 'a condition more' ],
	[ 'SELECT count(*) FROM visits', 'SELECT count(*), avg(cost) FROM visits', 'an output more' ],
	[ 'SELECT avg(cost) FROM visits', 'SELECT avg(cost::numeric) FROM visits', 'another type' ],
	[ 'SELECT sum(cost) FROM visits', 'SELECT dp_sum(cost, 0, 300) FROM visits', 'other bounds' ],
	[ 'SELECT dp_quantile(cost, 0.5) FROM visits', 'SELECT dp_quantile(cost, 0.6) FROM visits', 'another quantile' ],
	[ 'SELECT dp_low(count(*), 0.9) FROM visits', 'SELECT dp_low(count(*), 0.95) FROM visits', 'another level' ],
	[ 'SELECT count(*) FILTER (WHERE cost > 1) FROM visits', 'SELECT count(*) FILTER (WHERE cost > 2) FROM visits', 'another FILTER' ],
	[ 'SELECT count(*) FROM visits', 'SET dp_agg.epsilon = 2; SELECT count(*) FROM visits', 'another epsilon' ],
	[ 'SELECT count(*) FROM visits', 'SELECT count(*) FROM visits WHERE dp_with(delta => 1e-9)', 'another delta' ],
	[ $count, 'SET dp_agg.max_groups = 1; ' . $count, 'another max_groups' ],
	[ 'SELECT at::date, count(*) FROM visits GROUP BY 1', 'SET timezone = \'Asia/Tokyo\'; SELECT at::date, count(*) FROM visits GROUP BY 1', 'days of another time zone' ],
	[ 'SELECT count(*) FROM visits WHERE at > now() - interval \'10 years\'', 'SELECT pg_sleep(0.01); SELECT count(*) FROM visits WHERE at > now() - interval \'10 years\'', 'another now()' ],
	[ 'SELECT count(*) FROM visits WHERE clinic = current_user OR true', 'SET ROLE analyst; SELECT count(*) FROM visits WHERE clinic = current_setting(\'application_name\') OR true', 'another function of the session' ],
	[ 'SELECT clinic, count(*) FROM visits GROUP BY clinic', 'SELECT clinic, count(*) FROM visits GROUP BY clinic, old', 'a key more' ],
	[ 'SELECT clinic, count(*) FROM (SELECT clinic FROM visits) x GROUP BY 1', 'SELECT clinic, count(*) FROM (SELECT clinic FROM visits WHERE old) x GROUP BY 1', 'a sub-select with a condition' ],
	[ 'SELECT a, count(*) FROM (SELECT old AS a, clinic IS NULL AS b FROM visits) x GROUP BY 1', 'SELECT a, count(*) FROM (SELECT clinic IS NULL AS a, old AS b FROM visits) x GROUP BY 1', 'columns of one name' ],
	[ 'SELECT count(*) FROM visits WHERE clinic IN (\'clinic 1\', \'clinic 2\')', 'SELECT count(*) FROM visits WHERE clinic IN (\'clinic 1\', \'clinic 3\')', 'another list' ],
	[ 'SELECT count(*) FROM visits JOIN regions USING (clinic) WHERE region = \'region 1\'', 'SELECT count(*) FROM visits JOIN regions USING (clinic) WHERE region = \'region 0\'', 'a condition on a public table' ],
	# arguments in another order: one fingerprint, by libpg-query 18.1.5 (findings/fingerprint-forgets-order.sh)
	[ 'SELECT regr_slope(cost, amount) FROM visits', 'SELECT regr_slope(amount, cost) FROM visits', 'the slope the other way round' ],
	[ 'SELECT sum(coalesce(cost, 5)) FROM visits', 'SELECT sum(coalesce(5, cost)) FROM visits', 'coalesce() the other way round' ],
	[ 'SELECT count(*) FROM visits WHERE 50 BETWEEN cost AND amount', 'SELECT count(*) FROM visits WHERE 50 BETWEEN amount AND cost', 'BETWEEN the other way round' ],
	[ 'SELECT sum(CASE WHEN old THEN 1 WHEN cost > 3 THEN 10 END) FROM visits', 'SELECT sum(CASE WHEN cost > 3 THEN 10 WHEN old THEN 1 END) FROM visits', 'CASE the other way round' ],
	[ 'WITH r AS MATERIALIZED (SELECT clinic FROM regions WHERE region > \'region 0\') SELECT count(r.clinic), count(s.clinic) FROM visits v LEFT JOIN r USING (clinic) LEFT JOIN (SELECT clinic FROM regions WHERE region > \'a\') s ON s.clinic = v.clinic',
	  'SELECT count(r.clinic), count(s.clinic) FROM visits v LEFT JOIN (SELECT clinic FROM regions WHERE region > \'a\') r USING (clinic) LEFT JOIN (SELECT clinic FROM regions WHERE region > \'region 0\') s ON s.clinic = v.clinic', 'constants in a CTE and in a sub-select, the other way round' ],
	[ 'SELECT v.clinic, avg(cost) FROM visits v JOIN (SELECT clinic AS c, count(*) AS n FROM visits GROUP BY 1 ORDER BY 2 DESC LIMIT 2) t ON v.clinic = t.c GROUP BY 1',
	  'SELECT v.clinic, avg(cost) FROM visits v JOIN (SELECT clinic AS c, count(*) AS n FROM visits GROUP BY 1 ORDER BY 2 DESC LIMIT 3) t ON v.clinic = t.c GROUP BY 1', 'what is done with an answer that is read' ])
{
	is_other(@$case);
}

# ---------- conditions on keys alone: a part of the rows ----------

{
	my $some = "SELECT clinic, count(*) FROM visits WHERE clinic < 'clinic 2' GROUP BY clinic";

	dba(q{SELECT dp_agg.refresh('patients')});
	is((cost('analyst', $count, $some))[0], 2, 'where limits may leave out much, some groups are asked of the rows');
	# all have three rows
	dba(q{SELECT dp_agg.set_measured('visits', '{0.67,0.34,0,0,0,0,0,0,0,0,0,0,0,0,0}')});
	is((cost('analyst', 'SET dp_agg.max_groups = 1', $count, $some))[0], 2, 'also where it was measured that they do');
	is((cost('analyst', $count, $some))[0], 1, 'and not where it was measured that they do not');
	my %all = map { /^(.*)\|(.*\|.*)$/ } split /\n/, (cost('analyst', 'SELECT clinic, count(*), avg(cost) FROM visits GROUP BY clinic'))[1];

	foreach my $case ([ "clinic IN ('clinic 0', 'clinic 2', 'clinic 3')", 'clinic 0', 'clinic 2', 'clinic 3' ], [ "clinic > 'clinic 1' AND clinic <= 'clinic 4'", 'clinic 2', 'clinic 3', 'clinic 4' ],
		[ 'clinic IS NOT NULL', map { "clinic $_" } 0 .. 4 ], [ "clinic <> 'clinic 3' OR clinic IS NULL", '', 'clinic 0', 'clinic 1', 'clinic 2', 'clinic 4' ])
	{
		my ($condition, @clinics) = @$case;
		my ($cost, $answer) = cost('analyst', "SELECT clinic, count(*), avg(cost) FROM visits WHERE $condition GROUP BY clinic");

		is("$cost\n$answer", join("\n", 0, sort { $a eq '' ? 1 : $b eq '' ? -1 : $a cmp $b } map { "$_|$all{$_}" } @clinics), "of what is there: $condition");
	}
	my ($cost, $none) = cost('analyst', "SELECT clinic, count(*) FROM visits WHERE clinic > 'clinic 9' GROUP BY clinic");
	is("$cost $none", '0 ', 'none of what is there');
	cmp_ok((cost('analyst', "SELECT clinic, count(*) FROM visits WHERE clinic > 'clinic 1' AND cost > 5 GROUP BY clinic"))[0], '>', 0, 'a condition on more than keys');
	is((cost('analyst', "SELECT clinic, count(*) FROM visits WHERE clinic LIKE '%1' GROUP BY clinic"))[0], 1, 'other operators than comparisons are asked of the rows');
	is((cost('analyst', "SELECT count(*) FROM visits WHERE clinic > 'clinic 1'"))[0], 1, 'and so are conditions on what is no key');

	# what reads a part reads that part
	my $above = q{SELECT v.clinic, avg(cost) FROM visits v JOIN (SELECT clinic AS c, count(*) AS n FROM visits WHERE clinic %s GROUP BY 1) t ON v.clinic = t.c GROUP BY 1};
	is((cost('analyst', sprintf($above, q{> 'clinic 1'})))[0], 1, 'a release above a part is drawn');
	is((cost('analyst', sprintf($above, q{> 'clinic 1'})))[0], 0, 'and handed out again');
	is((cost('analyst', sprintf($above, q{> 'clinic 2'})))[0], 1, 'not above another part');
}

# ---------- asking anew ----------

{
	dba(q{SELECT dp_agg.refresh('patients')});
	my $sum = 'SELECT sum(cost) FROM visits';
	my ($cost, $first) = cost('analyst', $sum);
	my ($anew, $second) = cost('analyst', 'SET dp_agg.reuse = off', $sum);
	my ($after, $third) = cost('analyst', $sum);

	is("$anew $after", '1 0', 'dp_agg.reuse = off draws anew');
	isnt($second, $first, 'which is another answer');
	is($third, $second, 'and the one that others are handed out then');
	is(dba('SELECT count(*) FROM dp_agg.answer'), 1, 'it has taken the place of the one before');

	# a release that reads another one follows it
	my $top = 'SELECT v.clinic, sum(cost) FROM visits v JOIN (SELECT clinic AS c, count(*) AS n FROM visits GROUP BY 1) t ON v.clinic = t.c WHERE t.n > 0 GROUP BY 1 ORDER BY 1';
	cost('analyst', $top);
	is((cost('analyst', $top))[0], 0, 'both are handed out again');
	cost('analyst', 'SET dp_agg.reuse = off', 'SELECT clinic AS c, count(*) AS n FROM visits GROUP BY 1');
	is((cost('analyst', $top))[0], 1, 'one that reads an answer is drawn anew when that was, and no other');
}

# ---------- who may have it ----------

{
	dba(q{SELECT dp_agg.refresh('patients')});
	my ($cost, $first) = cost('analyst', $count);
	my ($again, $second) = cost('second', $count);

	is("$cost $again", '1 0', 'another role does not pay');
	is($second, $first, 'and is answered the same');
	DpAgg::refused($node, 'stranger', $count, '42501');
	cost('poor', 'SELECT sum(amount) FROM visits');
	DpAgg::refused($node, 'poor', 'SELECT avg(amount) FROM visits', 'DP001');
	is((cost('poor', $count))[1], $first, 'one that has nothing left may have what is there');
	my $owner = DpAgg::value($node, $node->safe_psql('postgres', 'SELECT current_user'),
		'SELECT clinic, dp_count(*) FROM visits GROUP BY clinic ORDER BY clinic');
	is($owner, $first, 'and so may who can read the rows');

	# a plan that was made while there was an account
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'two' ], on_error_stop => 0);
	DpAgg::ask($session, "PREPARE q AS $count");
	is(DpAgg::ask($session, 'EXECUTE q'), $first, 'a prepared statement');
	dba(q{SELECT dp_agg.drop_budget('two', 'patients')});
	unlike(DpAgg::ask($session, 'EXECUTE q'), qr/clinic \d/, 'no answer without an account');
	$session->quit;
	dba(q{SELECT dp_agg.set_budget('two', 'patients', 1e6, 0.5)});
}

# ---------- what it says ----------

{
	my $last = DpAgg::value($node, 'analyst', "\\o /dev/null\nSET dp_agg.reuse = off;\n$count;\nSET dp_agg.reuse = on;\n\\o\nSELECT epsilon, reused FROM dp_agg.last_release();\n"
		. "\\o /dev/null\n$count;\n\\o\nSELECT epsilon::float, reused, groups, round(standard_error::numeric, 1), smallest_group > 20 FROM dp_agg.last_release();");
	like($last, qr/^1\.0+\|f\n0\|t\|6\|[\d.]+\|t$/, 'last_release() says it');
	is(DpAgg::value($node, 'analyst', 'SELECT epsilon::float, delta::float, reused, accounts, tier FROM dp_agg.my_releases ORDER BY id DESC LIMIT 1'), '0|0|t|{}|low', 'and so does the log');
	my $r = DpAgg::as($node, 'analyst', 'SET client_min_messages = notice; SELECT count(*) FROM visits WHERE cost > 1000');
	like($r->{err}, qr/shows no value: it takes about \d+ individuals/, 'an empty answer says why');
	my $again = DpAgg::as($node, 'analyst', 'SET client_min_messages = notice; SELECT count(*) FROM visits WHERE cost > 1000');
	is($again->{err}, $r->{err}, 'again, too');
	is(dba('SELECT ok FROM dp_agg.verify_ledger()'), 't', 'the chain holds') or diag(dba('SELECT * FROM dp_agg.verify_ledger()'));
}

# ---------- what ends it, and what does not ----------

sub ends
{
	my ($change, $cost, $name) = @_;

	cost('analyst', $count);
	dba($change);
	is((cost('analyst', $count))[0], $cost, $name);
	return;
}

ends(q{INSERT INTO visits SELECT 5000 + i, 'clinic 1', 1, now(), '2026-03-01', 1, 'ok', true FROM generate_series(1, 500) i}, 0, 'new rows do not end it');
ends('DELETE FROM visits WHERE id > 5000; VACUUM visits', 0, 'nor do deleted ones');
ends('ANALYZE visits; CREATE INDEX ON visits (cost); ALTER TABLE visits ADD COLUMN more int', 0, 'nor statistics, an index, a column more');
ends(q{SELECT dp_agg.refresh('patients')}, 1, 'refresh() does');
ends(q{SELECT dp_agg.set_bounds('visits', 'cost', 0, 599)}, 1, 'bounds do');
dba(q{ALTER TABLE regions ADD weight int NOT NULL DEFAULT 2}, q{SELECT dp_agg.set_public_bounds('regions', 'weight', 0, 3)});
{
	my $weighed = 'SELECT sum(cost * weight) FROM visits JOIN regions USING (clinic)';
	my @costs = map { dba("SELECT dp_agg.set_public_bounds('regions', 'weight', 0, $_)"); (cost('analyst', $weighed))[0] } 3, 3, 2, 3;

	is("@costs", '1 0 1 0', 'bounds of a public table do, too');
}
ends(q{SELECT dp_agg.set_domain('visits', 'clinic', ARRAY['clinic 0', 'clinic 1', 'clinic 2', 'clinic 3', 'clinic 4'])}, 1, 'a domain does');
ends(q{SELECT dp_agg.set_domain('visits', 'clinic', NULL)}, 0, 'under the declarations from before the answer from before is there');
ends(q{SELECT dp_agg.protect('visits', 'id', 'patients', max_groups => 2, max_rows => 3)}, 1, 'limits do');
ends(q{ALTER TABLE visits ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON visits USING (cost < 500)}, 1, 'a policy does');
ends(q{ALTER TABLE visits DISABLE ROW LEVEL SECURITY}, 0, 'without it the answer from before is there');
ends(q{SET dp_agg.min_individuals = 20; SELECT dp_agg.set_reuse('patients', '2 days')}, 0, 'a longer window does not');
ends(q{SELECT dp_agg.set_reuse('patients', NULL)}, 1, 'no window does');
is(dba('SELECT count(*) FROM dp_agg.answer'), 0, 'and nothing is kept then');
dba(q{SELECT dp_agg.set_reuse('patients', '2 seconds')});
{
	my ($cost, $first) = cost('analyst', $count);
	my ($again) = cost('analyst', $count);
	sleep 3;
	my ($later, $third) = cost('analyst', $count);

	is("$cost $later", '1 1', 'a window is over after its time');
	cmp_ok($again, '<=', 1, 'and not before, if the machine is quick');
}
dba(q{SELECT dp_agg.set_reuse('patients', '1 day')});

# What is drawn before the transaction of a load commits does not outlive it.
{
	my $load = $node->background_psql('postgres');
	my $sum = 'SELECT sum(cost) FROM visits WHERE cost > 2';

	DpAgg::ask($load, q{BEGIN; SELECT dp_agg.refresh('patients')});
	cost('analyst', $sum);
	is((cost('analyst', $sum))[0], 0, 'before refresh() is committed, answers are handed out');
	DpAgg::ask($load, 'COMMIT');
	$load->quit;
	is((cost('analyst', $sum))[0], 1, 'and not those after it');
}

# A snapshot from before is as old as its transaction.
{
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'one' ]);
	my $sum = 'SELECT sum(cost) FROM visits WHERE cost > 3';

	DpAgg::ask($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	dba(q{SELECT dp_agg.refresh('patients')});
	DpAgg::ask($session, $sum);
	DpAgg::ask($session, 'COMMIT');
	$session->quit;
	is((cost('analyst', $sum))[0], 1, 'refresh() holds against an older snapshot');
}

# So is one that is imported, however young the transaction, and one by which a function reads.
{
	my $old = $node->background_psql('postgres', extra_params => [ '-U', 'one' ]);
	my $sum = 'SELECT sum(cost) FROM visits WHERE cost > 4';
	my $snapshot = DpAgg::ask($old, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot()');

	dba(q{SELECT dp_agg.refresh('patients')});
	cost('two', 'BEGIN ISOLATION LEVEL REPEATABLE READ', "SET TRANSACTION SNAPSHOT '$snapshot'", $sum, 'COMMIT');
	DpAgg::ask($old, 'COMMIT');
	is((cost('analyst', $sum))[0], 1, 'an answer by an imported snapshot is not kept');
	cost('analyst', $sum);
	is((cost('two', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'COMMIT', $sum))[0], 0, 'which goes for that transaction alone');

	dba('GRANT CREATE ON SCHEMA public TO one');
	DpAgg::ask($old, 'CREATE FUNCTION public.asking() RETURNS numeric STABLE LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT sum(cost) AS s FROM visits WHERE cost > 5 LOOP RETURN r.s; END LOOP; END $$');
	DpAgg::ask($old, 'BEGIN; DECLARE c CURSOR FOR SELECT public.asking()');
	dba(q{SELECT dp_agg.refresh('patients')});
	like(DpAgg::ask($old, 'FETCH c'), qr/^\d+$/, 'a function reads by the snapshot of a cursor');
	DpAgg::ask($old, 'COMMIT; DROP FUNCTION public.asking()');
	$old->quit;
	dba('REVOKE CREATE ON SCHEMA public FROM one');
	is((cost('analyst', 'SELECT sum(cost) FROM visits WHERE cost > 5'))[0], 1, 'that is as old as the cursor');
}

# ---------- rows that are rolled back ----------

{
	my $joined = 'SELECT count(*) FROM visits JOIN regions USING (clinic)';
	my $mine = 'SELECT count(*) FROM visits WHERE cost > 6';

	dba('CREATE ROLE writer', 'GRANT SELECT, INSERT, DELETE ON regions TO writer', 'ALTER ROLE one NOINHERIT', 'GRANT writer TO one', 'GRANT CREATE ON SCHEMA public TO one');
	my ($cost, $few) = cost('one', 'BEGIN', 'SET ROLE writer', q{DELETE FROM regions WHERE clinic <> 'clinic 1'}, 'RESET ROLE', "$joined;\n\\o /dev/null\nROLLBACK");
	my ($again, $all) = cost('analyst', $joined);

	is("$cost $again", '1 1', 'an answer about rows that were not committed is not kept');
	cmp_ok($all, '>', 3 * $few, 'which it counted, as another role');
	cost('one', 'BEGIN', 'CREATE TABLE public.first AS SELECT 1', "CREATE TABLE public.second AS $mine", 'ROLLBACK');
	is((cost('analyst', $mine))[0], 0, 'one in a transaction that has written other tables is');
	dba('REVOKE ALL ON regions FROM writer', 'DROP ROLE writer', 'ALTER ROLE one INHERIT', 'REVOKE CREATE ON SCHEMA public FROM one');
}

# ---------- policies, by role ----------

{
	dba('ALTER TABLE visits ENABLE ROW LEVEL SECURITY', 'DROP POLICY few ON visits', q{CREATE POLICY mine ON visits USING (old = (current_user = 'one'))});
	my ($one) = (cost('one', 'SELECT old, count(*) FROM visits GROUP BY old'))[1];
	my ($cost, $two) = cost('two', 'SELECT old, count(*) FROM visits GROUP BY old');
	my ($again) = cost('analyst', 'SELECT old, count(*) FROM visits GROUP BY old');

	like($one, qr/^t\|\d+$/, 'one role sees one half');
	like($two, qr/^f\|\d+$/, 'another one the other half');
	is("$cost $again", '1 0', 'whose policies say the same share an answer');
	dba('ALTER TABLE visits DISABLE ROW LEVEL SECURITY', 'DROP POLICY mine ON visits');
}

# ---------- tables of the client's own ----------

{
	my $mine = 'SELECT count(*) FROM visits JOIN mine USING (clinic)';
	dba('CREATE SCHEMA own AUTHORIZATION analyst');
	my @make = ('SET search_path = own, public', 'CREATE TABLE own.mine AS SELECT \'clinic 1\'::text AS clinic');
	cost('analyst', @make, $mine);
	my ($cost, $few) = cost('analyst', 'SET search_path = own, public', $mine);
	my ($more, $many) = cost('analyst', 'SET search_path = own, public', q{INSERT INTO mine VALUES ('clinic 2'), ('clinic 3')}, $mine);

	is("$cost $more", '1 1', 'what a role can write is read each time');
	cmp_ok($many, '>', 2 * $few, 'and its answer follows what it has written');
	my ($temp) = cost('analyst', q{CREATE TEMP TABLE mine AS SELECT 'clinic 1'::text AS clinic}, $mine, $mine);
	is($temp, 2, 'so is a temporary table');
	is((cost('analyst', 'SELECT count(*) FROM visits JOIN pg_class ON relname = clinic', 'SELECT count(*) FROM visits JOIN pg_class ON relname = clinic'))[0], 2, 'and a catalog');
}

# ---------- rolling filters ----------

{
	my $rolling = q{SELECT count(*) FROM visits WHERE at > now() - interval '10 years'};

	is((cost('analyst', $rolling, 'SELECT pg_sleep(0.01)', $rolling))[0], 2, 'a filter that goes along with the clock is another one each time');
	dba(q{SELECT dp_agg.set_grain('visits', 'at', '1 year')});
	is((cost('analyst', $rolling, 'SELECT pg_sleep(0.01)', $rolling))[0], 1, 'and the same with a grain');
	is((cost('second', q{SELECT count(*) FROM visits v WHERE now() - interval '3652 days' < v.at}))[0], 0, 'whoever asks, in whichever words');
	dba(q{SELECT dp_agg.set_grain('visits', 'at', NULL)});
}

# ---------- functions that lie ----------

{
	dba('GRANT CREATE ON SCHEMA public TO one');
	my @make = (q{CREATE FUNCTION public.changing() RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 'clinic ' || (random() * 4)::int; END $$},
		q{CREATE FUNCTION public.setting() RETURNS text VOLATILE LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('app.clinic', 'clinic 3', false); RETURN 'x'; END $$});
	cost('one', @make, 'SELECT 1');
	my $by_changing = 'SELECT count(*) FROM visits JOIN (SELECT public.changing() AS clinic) x USING (clinic)';
	DpAgg::refused($node, 'one', $by_changing, 'DP002', 'a release reads no function of a client');
	DpAgg::refused($node, 'one', 'SELECT count(*) FROM visits JOIN (SELECT \'clinic \' || (random() * 4)::int AS clinic) x USING (clinic)', 'DP002', 'nor random()');
	# what is materialized before it is a table of values by then
	foreach my $source ('public.changing()', '(SELECT \'clinic \' || (random() * 4)::int)')
	{
		my $sql = "WITH x AS MATERIALIZED (SELECT $source AS clinic) SELECT count(*) FROM visits JOIN x USING (clinic)";
		my $r = DpAgg::as($node, 'one', $sql);

		is($r->{ok} ? (cost('one', $sql, $sql))[0] : 2, 2, "drawn each time, or refused: $source") or diag($r->{err});
	}

	# a setting that is changed between the payment and the run: nobody is answered for another value
	my $by_setting = q{SELECT count(*) FROM visits JOIN (SELECT current_setting('app.clinic') AS clinic) x USING (clinic)};
	my $half = q{SELECT 'now ' || public.setting() FROM (SELECT count(*) FROM visits WHERE old) a UNION ALL SELECT 'count ' || n FROM (} . $by_setting =~ s/count\(\*\)/count(*) AS n/r . ') b';
	my $both = (cost('one', q{SET app.clinic = 'clinic 1'}, $half))[1];
	my ($cost) = cost('analyst', q{SET app.clinic = 'clinic 1'}, $by_setting);
	is($cost, 1, 'an answer for a setting that changed while it was drawn is not kept');

	# nor for another part of an answer
	my $part = q{SELECT v.clinic AS c, count(*) AS n FROM visits v JOIN (SELECT clinic, count(*) FROM visits WHERE clinic = current_setting('app.clinic') GROUP BY 1) p ON v.clinic = p.clinic GROUP BY 1};
	cost('analyst', 'SELECT clinic, count(*) FROM visits GROUP BY clinic');
	cost('one', q{SET app.clinic = 'clinic 1'}, "SELECT 'now ' || public.setting() FROM (SELECT count(*) FROM visits WHERE old) a UNION ALL SELECT c FROM ($part) b");
	is((cost('analyst', q{SET app.clinic = 'clinic 1'}, "SELECT c FROM ($part) b"))[1], 'clinic 1', 'the part that is read is that of the setting when it was paid for');
}

# ---------- estimates ----------

{
	dba(q{SELECT dp_agg.refresh('patients')});
	my $estimate = q{SELECT epsilon::float FROM dp_agg.estimate($q$} . $count . q{$q$) WHERE item IN ('account', 'release') ORDER BY item};
	my $before = DpAgg::value($node, 'analyst', $estimate);

	cost('analyst', $count);
	is("$before\n" . DpAgg::value($node, 'analyst', $estimate), "1\n1\n0\n0", 'an estimate knows what is handed out again');
	is(DpAgg::value($node, 'poor', q{SELECT count(*) FROM dp_agg.estimate($q$} . $count . q{$q$) WHERE advice LIKE 'It would be refused%'}), 0, 'also for who has nothing left');
	is(DpAgg::value($node, 'analyst', "SET dp_agg.reuse = off; $estimate"), "1\n1", 'and what is drawn anew');
}

# ---------- many at once ----------

{
	dba(q{SELECT dp_agg.refresh('patients')});
	my @charts = map { "SELECT clinic, count(*), avg(cost) FROM visits WHERE cost > $_ GROUP BY clinic" } 1 .. 10;
	my $before = spent('crowd');
	my @clients = map { Clients::start($node, 'crowd', join '', map { Clients::statement($_) } (@charts) x 7) } 1 .. 16;
	my @results = Clients::finish(300, @clients);

	is(spent('crowd') - $before, 10, '16 clients open ten charts 7 times: ten releases are paid for');
	is_deeply([ uniq(map { keys %{ $_->{states} } } @results) ], ['00000'], 'and all are answered');
	my @answers = map { [ split /^state 00000\n/m, $_->{out} ] } @results;
	is(scalar(uniq map { join '|', @{$_}[ 0 .. 9 ] } @answers), 1, 'with the same bytes');
	is(dba(q{SELECT count(*) FILTER (WHERE NOT reused) || ' ' || count(*) FILTER (WHERE reused) FROM dp_agg.releases WHERE role_name = 'crowd'}), '10 1110', 'each use is in the log');

	# one that has paid and does not read on holds nobody up for long
	my $session = $node->background_psql('postgres', extra_params => [ '-U', 'one' ]);
	DpAgg::ask($session, 'BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM visits WHERE cost > 77');
	my $began = time;
	is((cost('analyst', 'SELECT count(*) FROM visits WHERE cost > 77'))[0], 1, 'a cursor that is paid for and not read: others draw');
	cmp_ok(time - $began, '<', 20, 'after a moment');
	like(DpAgg::ask($session, 'FETCH c'), qr/^\d+$/, 'and it is read later');
	DpAgg::ask($session, 'COMMIT');
	$session->quit;
}

# ---------- crash, damage, dump ----------

{
	cost('analyst', $count);
	$node->stop('immediate');
	$node->start;
	cmp_ok((cost('analyst', $count))[0], '<=', 1, 'after a crash an answer is there, or is paid for once more');
	is((cost('analyst', $count))[0], 0, 'and is handed out then');
	is(dba('SELECT ok FROM dp_agg.verify_ledger()'), 't', 'the chain holds');
	$node->restart;
	is((cost('analyst', $count))[0], 0, 'a restart does not end it');
	dba(q{UPDATE dp_agg.answer SET content = substr(content, 1, 40)});
	is((cost('analyst', $count))[0], 1, 'a damaged answer is not used');
	my $dump = (run_command([ 'pg_dump', '-h', $node->host, '-p', $node->port, 'postgres' ]))[0];
	like($dump, qr/COPY dp_agg\.reuse .*\npatients\t1 day/, 'windows are dumped');
	unlike($dump, qr/COPY dp_agg\.answer/, 'answers are not');
}

# ---------- another population, Gaussian noise ----------

DpAgg::value($node, 'analyst', 'SELECT count(*) FROM others; SELECT count(*) FROM others');
is(spent('analyst', 'elsewhere') . ' ' . dba(q{SELECT count(*) FROM dp_agg.answer WHERE population = 'elsewhere'}), '2 0', 'the window of a population is its own');
{
	dba(q{SELECT dp_agg.refresh('patients')}, q{SELECT dp_agg.set_budget('one', 'patients', 1e6, 0.5, accountant => 'zcdp')});
	my $wide = 'SELECT count(*), sum(cost), avg(amount), count(*) FILTER (WHERE old) FROM visits';
	my $gaussian = DpAgg::value($node, 'one', "\\o /dev/null\n$wide;\n\\o\nSELECT bool_and(gaussian), bool_or(reused) FROM dp_agg.last_release()");
	my $pure = DpAgg::value($node, 'two', "\\o /dev/null\n$wide;\n\\o\nSELECT bool_and(gaussian), bool_and(reused) FROM dp_agg.last_release()");

	is("$gaussian $pure", 't|f t|t', 'an answer with Gaussian noise is handed out to an account of epsilon: it is a published answer');
}

done_testing();
