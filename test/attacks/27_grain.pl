# Grains: what a condition on time is rounded to, and what is told of it, depends on the query, the clock and
# the settings.  A leak: it depends on a row; the analyst's code runs where an end is computed; a policy is
# widened; a whole window tells of somebody that the asked one left out.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('grains',
	tables => <<'SQL',
CREATE TABLE people (id int PRIMARY KEY, at timestamptz NOT NULL, ts timestamp NOT NULL, d date NOT NULL, g text);
INSERT INTO people SELECT i, '2021-03-01 00:00+00'::timestamptz + i * interval '1 minute', timestamp '2021-03-01' + i * interval '1 minute', date '2021-03-01' + i % 30, 'g' || i % 4 FROM generate_series(1, 1000) i;
SELECT dp_agg.protect('people', 'id', 'people');
SELECT dp_agg.set_grain('people', 'at', '1 hour'), dp_agg.set_grain('people', 'ts', '1 day'), dp_agg.set_grain('people', 'd', '7 days');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e8, delta => 0.5);
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
INSERT INTO plain.people TABLE people;
SQL
	persons => { people => 'id = 5' },
	own => <<'SQL');
CREATE FUNCTION a.spy_time(timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.later(timestamptz, timestamptz) RETURNS bool LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 > $2; END $$;
CREATE OPERATOR a.>> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = a.later);
CREATE FUNCTION a.grain_end(timestamptz, interval, text, text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
SQL

my %counted = (state => '00000', moves => 1);
my $minute = q{at >= '2021-03-01 00:05+00' AND at < '2021-03-01 00:06+00'};

attack("a window of one person: $_", "SELECT dp_count(*) FROM people WHERE $_", %counted, control => "SELECT 100 * count(*) FROM people WHERE $minute") foreach
  $minute, "NOT (at < '2021-03-01 00:05+00' OR at >= '2021-03-01 00:06+00')", "at BETWEEN '2021-03-01 00:05+00' AND '2021-03-01 00:05+00'", "ts > '2021-03-01 00:04' AND ts <= '2021-03-01 00:05'", "d <= '2021-03-06' AND at < '2021-03-01 00:06+00'", "at = '2021-03-01 00:05+00'";
attack("what is told of a window: $_", "SELECT dp_count(*) FROM people WHERE $_; SELECT grain, max_rows FROM dp_agg.last_release()", %counted, alone => 1, control => "SELECT 100 * count(*) FROM people WHERE $minute") foreach
  $minute, "at > '2021-03-01 00:04:59+00' AND id = 5", "at < 'infinity' AND id = 5", "ts >= '4714-11-24 BC' AND id = 5", "at >= NULL AND id = 5";
attack("an end that a row decides: $_", "SELECT dp_count(*) FROM people WHERE $_", %counted, control => 'SELECT 100 * count(*) FROM people') foreach
  "at >= CASE WHEN id = 5 THEN 'infinity' ELSE '-infinity' END::timestamptz", "at > at - id * interval '1 second'", "at <= GREATEST(at, '2021-03-01')", "ts < at AT TIME ZONE 'UTC' + interval '1 second'";
attack("the analyst's code at an end: $_", "SELECT dp_count(*) FROM people WHERE $_", state => 'DP002|42501', control => 'runs') foreach
  q{at >= a.spy_time('2021-03-01')}, q{at >= a.spy_time(at)}, q{at OPERATOR(a.>>) '2021-03-01 00:05+00'::timestamptz}, q{at >= a.grain_end('2021-03-01', '1 hour', '>=', 'x')};
attack("the rewriter's function by a row: $_", "SELECT dp_count(*) FROM people WHERE at >= dp_agg.grain_end($_)", state => 'DP002', control => 'runs') foreach "at, '1 hour', '>=', 'x'", "at, '1 hour', CASE WHEN id = 5 THEN '<' ELSE '>=' END, g", "'2021-03-01'::timestamptz, '1 hour', '>=', g";
attack("a time zone that is changed: $_", 'EXECUTE w', before => [ "SET timezone = '$_'", q{PREPARE w AS SELECT dp_count(*) FROM people WHERE ts >= '2021-03-01 00:04' AND at < '2021-03-01 00:06+00'}, 'EXECUTE w', "SET timezone = 'Pacific/Kiritimati'" ],
	after => [ 'DEALLOCATE w', 'RESET timezone' ], %counted, control => "SELECT 100 * count(*) FROM people WHERE $minute") foreach 'UTC', '<-167>167';
attack('rows by a condition', "SELECT * FROM people WHERE $minute", state => '42501', control => 'differs');
run_attacks();

# A policy is the administrator's, and its conditions stay what they are.
$node->safe_psql('postgres', q{ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY since ON people TO analyst USING (at >= '2021-03-01 10:30+00')});
my $r = script(q{SELECT dp_count(*) FROM people WHERE at >= '2021-03-01 10:45+00'});
attacked($r->{out} =~ /^(\d+)$/ && abs($1 - 371) <= 1, 'a policy is not widened') or diag($r->{out}, $r->{err});
$node->safe_psql('postgres', 'DROP POLICY since ON people; ALTER TABLE people DISABLE ROW LEVEL SECURITY');
$r = script(q{SELECT dp_count(*) FROM people WHERE at >= '2021-03-01 10:45+00'});
control($r->{out} =~ /^(\d+)$/ && abs($1 - 401) <= 1, 'without it the window is wider') or diag($r->{out}, $r->{err});
finish();
