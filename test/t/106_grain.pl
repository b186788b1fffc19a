# Grains: conditions on time are rounded outwards to what dp_agg.set_grain() declares, and are else
# what they were: the answer is that of plain SQL with the wider condition.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('grain', roles => [qw(analyst reader keeper)]);
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $begin = "SET timezone = 'Europe/Berlin'; SET dp_agg.epsilon = 1000; ";
my $told = qr/NOTICE:  \S* ?conditions on time were rounded to the grain of their columns: (.*)/;

sub query { return $node->safe_psql('postgres', join ';', @_); }
sub truth { return query("SET timezone = 'Europe/Berlin'", @_); }
sub released { my $r = DpAgg::as($node, 'analyst', $begin . join ';', @_); diag($r->{err}) if !$r->{ok}; return $r; }
sub grain { my ($column, $grain) = @_; query("SELECT dp_agg.set_grain('events', '$column', " . ($grain ? "'$grain'" : 'NULL') . ')'); return; }

# What a condition becomes: the answer is plain SQL's for it, and the notice says it.
sub becomes
{
	my ($where, $wider, $name) = @_;
	my $r = released("SELECT count(*) FROM events WHERE $where");
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($r->{out}, truth("SELECT count(*) FROM events WHERE $wider"), $name // "$where becomes $wider");
	return $r;
}

query(<<'SQL');
SET timezone = 'Europe/Berlin';
CREATE TABLE events (id int PRIMARY KEY, at timestamptz, ts timestamp, d date, v int);
INSERT INTO events SELECT i, t, t AT TIME ZONE 'UTC', t::date, i % 100
  FROM (SELECT i, timestamptz '2021-02-20 00:00+01' + i * interval '10 minutes' AS t FROM generate_series(0, 11999) i) q;
CREATE TABLE others (id int PRIMARY KEY, at timestamptz);
INSERT INTO others SELECT id, at FROM events;
CREATE TABLE days (day date PRIMARY KEY);
INSERT INTO days SELECT timestamp '2021-03-01' + i * interval '1 day' FROM generate_series(0, 30) i;
GRANT SELECT ON days TO PUBLIC;
SELECT dp_agg.protect('events', 'id', 'people'), dp_agg.protect('others', 'id', 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1e9, delta => 0.9);
GRANT SELECT ON events TO reader;
GRANT CREATE ON SCHEMA public TO analyst;
SQL

# ---------- what is declared ----------

foreach my $bad ([ "'events', 'at', '1 day 1 hour'", '22023' ], [ "'events', 'at', '-1 hour'", '22023' ], [ "'events', 'at', '0'", '22023' ], [ "'events', 'at', '101 years'", '22023' ], [ "'events', 'd', '1 hour'", '22023' ],
	[ "'events', 'v', '1 hour'", '22023' ], [ "'events', 'none', '1 hour'", '42703' ], [ "'days', 'day', '1 day'", '42704' ], [ "NULL, 'at', '1 hour'", '22004' ])
{
	is(DpAgg::as($node, $superuser, "SELECT dp_agg.set_grain($bad->[0])")->{sqlstate}, $bad->[1], "set_grain($bad->[0])");
}
DpAgg::refused($node, $_, q{SELECT dp_agg.set_grain('events', 'at', '1 hour')}, '42501', "set_grain() is not for $_") foreach 'analyst', 'keeper';
query(q{SECURITY LABEL FOR dp_agg ON COLUMN events.at IS '{"grain": "1 hour"}'});
is(DpAgg::as($node, $superuser, "SECURITY LABEL FOR dp_agg ON COLUMN events.at IS '{\"grain\": \"$_\"}'")->{sqlstate} =~ /^22/ ? 1 : 0, 1, "no label: $_") foreach '1 day 1 hour', '-1 day', 'often', '0';
grain('at', '1 hour');
is(query(q{SELECT grains FROM dp_agg.protected_relations WHERE relation = 'events'::regclass}), '{"at": "01:00:00"}', 'protected_relations shows it');
query(q{SELECT dp_agg.protect('events', 'id', 'people')});
is(query(q{SELECT grains FROM dp_agg.protected_relations WHERE relation = 'events'::regclass}), '{"at": "01:00:00"}', 'protect() keeps it');
query('CREATE DATABASE other');
system_or_bail('sh', '-c', 'pg_dump -h ' . $node->host . ' -p ' . $node->port . ' postgres | psql -XqAt -v ON_ERROR_STOP=1 -h ' . $node->host . ' -p ' . $node->port . ' other > /dev/null');
is($node->safe_psql('other', q{SELECT grains FROM dp_agg.protected_relations WHERE relation = 'events'::regclass}), '{"at": "01:00:00"}', 'pg_dump carries it');
grain('at');
is(query(q{SELECT grains FROM dp_agg.protected_relations WHERE relation = 'events'::regclass}), '', 'NULL takes it back');
my $r = becomes(q{at >= timestamptz '2021-03-05 10:17+01'}, q{at >= timestamptz '2021-03-05 10:17+01'}, 'without a grain nothing is rounded');
unlike($r->{err}, $told, '... and nothing told');

# ---------- operators, types and grains, held against plain SQL ----------

my %down = ('15 minutes' => q{date_bin('15 minutes', X, ORIGIN)}, '1 hour' => q{date_bin('1 hour', X, ORIGIN)}, '6 hours' => q{date_bin('6 hours', X, ORIGIN)},
	'1 day' => q{date_trunc('day', X)}, '7 days' => q{date_trunc('week', X)}, '1 month' => q{date_trunc('month', X)}, '1 year' => q{date_trunc('year', X)});

# The wider end of a condition on moments, in SQL.
sub wider
{
	my ($op, $x, $grain, $type) = @_;
	my $floor = "($down{$grain})" =~ s/X/$x/r =~ s/ORIGIN/$type eq 'timestamptz' ? q{timestamptz '2000-01-01 00:00+00'} : q{timestamp '2000-01-01'}/er;

	return $floor if $op =~ />/;
	return "CASE WHEN $floor = $x THEN $x ELSE $floor + interval '$grain'" . ($op eq '<=' ? " - interval '1 microsecond'" : '') . ' END';
}

# The same of dates.
sub wider_date
{
	my ($op, $x, $grain) = @_;
	my $y = $op =~ /^(>|<=)$/ ? "($x + 1)" : $x;
	my $floor = "($down{$grain})::date" =~ s/X/$y/r;
	my $end = $op =~ />/ ? $floor : "(CASE WHEN $floor = $y THEN $y ELSE ($floor + interval '$grain')::date END)";

	return $op =~ /^(>|<=)$/ ? "($end - 1)" : $end;
}

my %other_side = ('<' => '>', '<=' => '>=', '>' => '<', '>=' => '<=');
my %points = (timestamptz => [ '2021-03-05 10:17:23+01', '2021-03-05 10:00+01', '2021-03-01 00:00+01', '2021-03-28 02:40', '2021-03-28 01:59+01' ],
	timestamp => [ '2021-03-05 10:17:23', '2021-03-05 00:00', '2021-03-28 02:30' ], date => [ '2021-03-05', '2021-03-01', '2021-03-07', '2021-03-31' ]);
foreach my $case ([ 'at', 'timestamptz' ], [ 'ts', 'timestamp' ], [ 'd', 'date' ])
{
	my ($column, $type) = @$case;
	my (@asked, @wider, @names);

	foreach my $grain (sort keys %down)
	{
		next if $type eq 'date' && $grain =~ /minutes|hour/;
		grain($column, $grain);
		@asked = @wider = @names = ();
		foreach my $point (@{ $points{$type} })
		{
			foreach my $op (sort keys %other_side)
			{
				my $x = "$type '$point'";
				my $end = $type eq 'date' ? wider_date($op, $x, $grain) : wider($op, $x, $grain, $type);

				push @asked, "SELECT count(*) FROM events WHERE $column $op $x", "SELECT count(*) FROM events WHERE $x $other_side{$op} $column";
				push @wider, ("SELECT NULLIF(count(*), 0) FROM events WHERE $column $op $end") x 2;
				push @names, "$column $op $point, $grain", "$point $other_side{$op} $column, $grain";
			}
		}
		my @got = DpAgg::bulk($node, 'analyst', [ "SET timezone = 'Europe/Berlin'", 'SET dp_agg.epsilon = 1000', @asked ]);
		splice @got, 0, 2;
		my @true = DpAgg::bulk($node, $superuser, [ "SET timezone = 'Europe/Berlin'", @wider ]);
		shift @true;
		my @wrong = grep { $got[$_]{sqlstate} ne '00000' || $true[$_]{sqlstate} ne '00000' || $got[$_]{out} ne $true[$_]{out} } 0 .. $#asked;
		is("@names[@wrong]", '', "conditions on $column, a $type, in grains of $grain") or diag(join "\n", map { "$names[$_]: $got[$_]{out}$got[$_]{message}, not $true[$_]{out}$true[$_]{message}: $asked[$_]; $wider[$_]" } @wrong);
	}
	grain($column);
}

# ---------- forms of conditions ----------

grain('at', '1 hour');
grain('ts', '1 day');
grain('d', '7 days');
my ($x, $y) = (q{timestamptz '2021-03-05 10:17+01'}, q{timestamptz '2021-03-08 15:42+01'});
my ($xf, $xc, $yf, $yc) = (q{timestamptz '2021-03-05 10:00+01'}, q{timestamptz '2021-03-05 11:00+01'}, q{timestamptz '2021-03-08 15:00+01'}, q{timestamptz '2021-03-08 16:00+01'});
$r = becomes("at BETWEEN $x AND $y", "at >= $xf AND at < $yc");
is(($r->{err} =~ $told)[0], 'events.at <= 2021-03-08 15:59:59.999999+01, events.at >= 2021-03-05 10:00:00+01', 'one notice for both ends');
is(scalar(() = $r->{err} =~ /$told/g), 1, '... and only one');
becomes("at NOT BETWEEN $x AND $y", "at < $xc OR at > $yf");
becomes("at BETWEEN SYMMETRIC $y AND $x", "at >= $xf AND at < $yc");
becomes("NOT (at < $x)", "at >= $xf");
becomes("NOT (at <= $x)", "at > $xf");
becomes("NOT (at > $x)", "at < $xc");
becomes("NOT (at >= $x)", "at < $xc");
becomes("NOT (NOT (at >= $x) OR at > $y)", "at >= $xf AND at < $yc");
becomes("at < $x OR at >= $y", "at < $xc OR at >= $yf");
becomes("(at < $x OR v < 50) AND (at >= $y OR v >= 25)", "(at < $xc OR v < 50) AND (at >= $yf OR v >= 25)");
foreach my $same ("at = timestamptz '2021-03-05 10:20+01' OR v = 1", "at <> timestamptz '2021-03-05 10:20+01'", "at IN (timestamptz '2021-03-05 10:20+01') OR v = 1", "at = ANY (ARRAY[timestamptz '2021-03-05 10:20+01']) OR v = 1",
	"CASE WHEN at > $x THEN v > 5 ELSE v > 10 END", "at IS NOT NULL", "at::date >= '2021-03-05'", "date_trunc('minute', at) >= $x", "at > at - interval '1 minute'", "at >= $xf AND at < $yc", "COALESCE(at > $x, false)")
{
	$r = becomes($same, $same, "as it is: $same");
	unlike($r->{err}, $told, '... and nothing is told');
}
becomes(q{at >= '2021-03-05 10:17'}, "at >= $xf", 'a literal without a type');
becomes(q{at >= date '2021-03-05'}, q{at >= timestamptz '2021-03-05 00:00'}, 'a date, where grains are shorter');
becomes(q{at >= timestamp '2021-03-05 10:17'}, "at >= $xf", 'a local time');
becomes(q{at < timestamp '2021-03-28 02:30'}, q{at < timestamptz '2021-03-28 04:00'}, 'one that there is not');
becomes(q{ts >= timestamptz '2021-03-05 10:17+00'}, q{ts::timestamptz >= timestamptz '2021-03-05 00:00'}, 'a moment and a column of local times');
becomes(q{d >= timestamp '2021-03-05 10:17'}, q{d >= date '2021-03-01'}, 'a local time and a column of dates');
becomes(q{d <= timestamptz '2021-03-05 10:17'}, q{d <= date '2021-03-07'}, 'a moment and a column of dates');
becomes(q{ts > date '2021-03-05' AND ts < date '2021-03-09'}, q{ts > date '2021-03-05' AND ts < date '2021-03-09'}, 'dates and a column of local times');
becomes(q{at >= '2021-03-05 10:17+01'::timestamptz - interval '90 minutes'}, q{at >= timestamptz '2021-03-05 08:00+01'}, 'arithmetic');
becomes(q{at >= (ARRAY[timestamptz '2021-03-05 10:17+01'])[1]}, "at >= $xf", 'an element of an array');
becomes(q{at >= NULL OR v = 1}, q{v = 1}, 'NULL');
becomes(q{at >= now() - interval '100 years' AND at <= now()}, 'true', 'the time of day');
becomes(q{d <= current_date AND at < current_timestamp AND ts < localtimestamp}, 'true', 'of all kinds');

# ---------- ends of the types ----------

foreach my $end ("at >= 'infinity' OR v < 50|v < 50", "at <= 'infinity'|true", "at >= '-infinity'|true", "at > '4714-11-24 00:00+00 BC'|true", "at >= '4714-11-24 00:10+00 BC'|true", "at < '294276-12-31 23:59:59+00'|true", "at <= '294276-12-31 23:59:59.9+00'|true",
	"ts >= '4714-11-24 BC'|true", "ts < '294276-12-31 23:59'|true", "ts <= '294276-12-31 23:59'|true", "d >= '4714-11-24 BC'|true", "d <= '5874897-12-31'|true", "d < '5874897-12-31'|true", "d > '5874897-12-31' OR v < 50|v < 50", "at < timestamp '294276-12-31 23:59'|true",
	"at >= timestamp '4714-11-24 BC'|true", "d < 'infinity'|true", "ts > '-infinity'|true")
{
	becomes(split(/\|/, $end), "no error: $end");
}

# ---------- where conditions stand ----------

sub same_answer
{
	my ($asked, $wider, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$r = released($asked);
	return is($r->{out}, truth($wider), $name);
}
same_answer("SELECT count(*) FROM dp.events WHERE at >= $x", "SELECT count(*) FROM events WHERE at >= $xf", 'the facade');
same_answer("SELECT count(*) FROM (SELECT at AS t FROM (SELECT * FROM dp.events) q) virtual_table WHERE t >= $x", "SELECT count(*) FROM events WHERE at >= $xf", 'above sub-selects');
same_answer("SELECT count(*) FROM (SELECT at AS t FROM dp.events WHERE at >= $x) virtual_table WHERE t < $y", "SELECT count(*) FROM events WHERE at >= $xf AND at < $yc", 'within and above');
same_answer("WITH e AS (SELECT at, v FROM events), f AS (SELECT at AS t FROM e WHERE at < $y) SELECT count(*) FROM f WHERE t >= $x", "SELECT count(*) FROM events WHERE at >= $xf AND at < $yc", 'CTEs');
same_answer("SELECT count(*) FROM events e JOIN others o ON o.id = e.id AND e.at >= $x WHERE o.at < $y", "SELECT count(*) FROM events e JOIN others o ON o.id = e.id AND e.at >= $xf WHERE o.at < $y", 'a join, of which one side has a grain');
same_answer("SELECT count(*) FROM events JOIN others o USING (id, at) WHERE events.at >= $x", "SELECT count(*) FROM events JOIN others o USING (id, at) WHERE events.at >= $xf", 'USING');
same_answer("SELECT count(*), count(e.id) FROM others o LEFT JOIN events e ON e.id = o.id AND e.at >= $x AND e.at < $y", "SELECT count(*), count(e.id) FROM others o LEFT JOIN events e ON e.id = o.id AND e.at >= $xf AND e.at < $yc", "an outer join's ON");
same_answer("SELECT count(*) FROM others o WHERE EXISTS (SELECT FROM events e WHERE e.id = o.id AND e.at >= $x)", "SELECT count(*) FROM others o WHERE EXISTS (SELECT FROM events e WHERE e.id = o.id AND e.at >= $xf)", 'EXISTS');
same_answer("SELECT count(*) FROM others o WHERE o.id IN (SELECT id FROM events WHERE at >= $x)", "SELECT count(*) FROM others o WHERE o.id IN (SELECT id FROM events WHERE at >= $xf)", 'IN');
same_answer("SELECT count(*) FROM events e WHERE EXISTS (SELECT FROM days WHERE e.at >= $x AND day = date '2021-03-02')", "SELECT count(*) FROM events WHERE at >= $xf", 'a column of the query around');
same_answer("SELECT count(*) FILTER (WHERE at >= $x), sum(v) IS NOT NULL FROM events" =~ s/, sum.*NULL//r, "SELECT count(*) FROM events WHERE at >= $x", 'FILTER stays');
same_answer("SELECT date_trunc('day', at), count(*) FROM events WHERE at >= $y GROUP BY 1 HAVING date_trunc('day', at) < '2021-03-11 12:00' ORDER BY 1", "SELECT date_trunc('day', at), count(*) FROM events WHERE at >= $yf GROUP BY 1 HAVING date_trunc('day', at) < '2021-03-11 12:00' ORDER BY 1", 'HAVING stays');
same_answer("SELECT t FROM (SELECT d AS t, count(*) FROM events WHERE d < '2021-03-08' GROUP BY d) q WHERE t >= '2021-03-05' ORDER BY 1", "SELECT t FROM (SELECT d AS t FROM events WHERE d < '2021-03-08' GROUP BY d) q WHERE t >= '2021-03-05' ORDER BY 1", 'so does what is asked of released rows');
same_answer("SELECT day, count(e.id) FROM days LEFT JOIN events e ON e.d = day AND e.at >= $x WHERE day >= '2021-03-04' AND day < '2021-03-07' GROUP BY day ORDER BY day", "SELECT day, nullif(count(e.id), 0) FROM days LEFT JOIN events e ON e.d = day AND e.at >= $xf WHERE day >= '2021-03-04' AND day < '2021-03-07' GROUP BY day ORDER BY day", 'a calendar, whose own conditions stay');
DpAgg::works($node, 'analyst', "CREATE VIEW mine AS SELECT at AS t FROM dp.events WHERE at >= $x", "a view of the analyst's");
same_answer("SELECT count(*) FROM mine WHERE t < $y", "SELECT count(*) FROM events WHERE at >= $xf AND at < $yc", 'is one of the conditions');
query(q{CREATE FUNCTION since(since timestamptz) RETURNS SETOF events LANGUAGE sql STABLE AS 'SELECT * FROM events WHERE at >= since'});
same_answer("SELECT count(*) FROM since($x)", "SELECT count(*) FROM events WHERE at >= $xf", 'a function that is inlined');

# ---------- parameters, and plans that are kept ----------

foreach my $mode ('force_generic_plan', 'force_custom_plan')
{
	same_answer("SET plan_cache_mode = $mode; PREPARE p (timestamptz, timestamptz) AS SELECT count(*) FROM events WHERE at >= \$1 AND at < \$2; EXECUTE p ($x, $y); EXECUTE p ($xf, $yf); EXECUTE p (NULL, $y); EXECUTE p ($x, 'infinity')",
		join('; ', map { "SELECT NULLIF(count(*), 0) FROM events WHERE $_" } "at >= $xf AND at < $yc", "at >= $xf AND at < $yf", 'false', "at >= $xf"), "parameters: $mode");
	my @notices = $r->{err} =~ /$told/g;
	# with NULL for the other end the planner may know that there is no row, and drop both
	like(join('|', @notices), qr/^events.at < 2021-03-08 16:00:00\+01, events.at >= 2021-03-05 10:00:00\+01\|(events.at < 2021-03-08 16:00:00\+01\|)?events.at >= 2021-03-05 10:00:00\+01$/, '... with a notice of each that has changed');
}
same_answer("SET plan_cache_mode = force_generic_plan; PREPARE p AS SELECT count(*) FROM events WHERE ts >= timestamp '2021-03-05 10:17' AND at < timestamptz '2021-03-08 23:30+01'; EXECUTE p; SELECT dp_agg.epsilon FROM (SELECT 1) q" =~ s/; SELECT dp_agg.*//r, "SELECT count(*) FROM events WHERE ts >= timestamp '2021-03-05' AND at < timestamptz '2021-03-09 00:00+01'", 'constants');
grain('at', '1 day');
$r = released("PREPARE p AS SELECT count(*) FROM events WHERE at >= $x", 'EXECUTE p', "SET timezone = 'America/New_York'", 'EXECUTE p', "SET timezone = 'Asia/Kolkata'", 'EXECUTE p');
is($r->{out}, join("\n", map { query("SET timezone = '$_'", "SELECT count(*) FROM events WHERE at >= date_trunc('day', $x)") } 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'), "days are those of the session's zone, whatever the plan");
grain('at', '1 hour');

same_answer(q{SET app.since = '2021-03-05 10:17+01'; SELECT count(*) FROM events WHERE at >= current_setting('app.since')::timestamptz}, "SELECT count(*) FROM events WHERE at >= $xf", 'a setting');
is(($r->{err} =~ $told)[0], 'events.at >= 2021-03-05 10:00:00+01', '... is told as well');
same_answer("BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM events WHERE at >= $x; FETCH ALL FROM c; COMMIT", "SELECT count(*) FROM events WHERE at >= $xf", 'a cursor');
$r = released("DO \$\$ DECLARE since timestamptz := $x; n bigint; BEGIN SELECT count(*) INTO n FROM events WHERE at >= since; RAISE NOTICE 'counted %', n; END \$\$");
like($r->{err}, qr/counted ${\ truth("SELECT count(*) FROM events WHERE at >= $xf")}\b/, 'a variable of PL/pgSQL');

# ---------- what is told ----------

query(q{SELECT dp_agg.set_bounds('events', 'v', 0, 100)});
like(released("SELECT count(*), sum(v) FROM events WHERE at >= $x AND v < 50", 'SELECT output, grain FROM dp_agg.last_release()')->{out}, qr/\ncount\(\*\)\|\{"events.at >= 2021-03-05 10:00:00\+01"\}\nsum\(v\)\|\{"events.at >= 2021-03-05 10:00:00\+01"\}$/, 'last_release() has it');
like(released('SELECT count(*) FROM events', 'SELECT output, grain FROM dp_agg.last_release()')->{out}, qr/\ncount\(\*\)\|\{\}$/, '... and nothing where nothing was rounded');
$r = released("SELECT (SELECT count(*) FROM events WHERE at >= $x), (SELECT count(*) FROM events WHERE at >= $x AND d < '2021-03-10')");
is(join('|', $r->{err} =~ /$told/g), 'events.at >= 2021-03-05 10:00:00+01, events.d < 2021-03-15', 'one notice for a statement of two releases');
query('DROP TABLE IF EXISTS parts', 'CREATE TABLE parts (id int NOT NULL, at timestamp NOT NULL) PARTITION BY RANGE (at)', (map { "CREATE TABLE parts_$_ PARTITION OF parts FOR VALUES FROM ('2021-0$_-01') TO ('2021-0" . ($_ + 1) . "-01')" } 2 .. 5), 'INSERT INTO parts SELECT id, ts FROM events',
	q{SELECT dp_agg.protect('parts', 'id', 'people'), dp_agg.set_grain('parts', 'at', '1 day')});
same_answer(q{SELECT count(*) FROM parts WHERE at >= '2021-03-31 10:00' AND at < '2021-04-01 15:00'}, q{SELECT count(*) FROM parts WHERE at >= '2021-03-31' AND at < '2021-04-02'}, 'partitions');
is(join('|', $r->{err} =~ /$told/g), 'parts.at < 2021-04-02 00:00:00, parts.at >= 2021-03-31 00:00:00', '... each condition once');

# ---------- who asks ----------

$r = DpAgg::as($node, 'reader', $begin . "SELECT dp_count(*) FROM events WHERE at >= $x; SELECT count(*) FROM events WHERE at >= $x");
is($r->{out}, truth("SELECT count(*) FROM events WHERE at >= $xf", "SELECT count(*) FROM events WHERE at >= $x"), "who may read the table has dp_count()'s rounded, and its own rows as they are");
is(scalar(() = $r->{err} =~ /$told/g), 1, '... and is told');
DpAgg::refused($node, 'analyst', q{SELECT count(*) FROM events WHERE at >= dp_agg.grain_end(now(), '1 hour', '>=', 'x')}, 'DP002', "the function is the rewriter's, below a release");
DpAgg::refused($node, 'analyst', q{SELECT dp_agg.grain_end(now(), '1 hour', '=', 'x')}, '22023', 'and no other operator');
query('ALTER TABLE events ENABLE ROW LEVEL SECURITY', "CREATE POLICY p ON events TO analyst USING (at >= $x)");
same_answer("SELECT count(*) FROM events WHERE at < $y", "SELECT count(*) FROM events WHERE at >= $x AND at < $yc", 'a policy stays as it is');
unlike($r->{err}, qr/>=/, '... and is not told of');
query('DROP POLICY p ON events', 'ALTER TABLE events DISABLE ROW LEVEL SECURITY');

# ---------- what is proved from conditions ----------

query('CREATE TABLE plain (id int NOT NULL, at timestamptz, ts timestamp, d date, v int)', 'INSERT INTO plain SELECT id % 3000, at, ts, d, v FROM events', 'CREATE TABLE rounded AS TABLE plain', 'ALTER TABLE rounded ALTER id SET NOT NULL',
	(map { "SELECT dp_agg.protect('$_', 'id', 'people', max_groups => 100, max_rows => 5)" } 'plain', 'rounded'),
	q{SELECT dp_agg.set_grain('rounded', 'at', '1 hour'), dp_agg.set_grain('rounded', 'ts', '1 day'), dp_agg.set_grain('rounded', 'd', '7 days')});
foreach my $proof ([ 'd', 'GROUP BY d', "d BETWEEN '2021-03-03' AND '2021-03-10'", "d BETWEEN '2021-03-01' AND '2021-03-14'" ], [ "date_trunc('day', ts)", 'GROUP BY 1', "ts >= '2021-03-03 10:00' AND ts < '2021-03-06 20:00'", "ts >= '2021-03-03' AND ts < '2021-03-07'" ],
	[ "date_trunc('day', at)", 'GROUP BY 1', "at >= '2021-03-03 10:10+01' AND at < '2021-03-06 20:30+01'", "at >= '2021-03-03 10:00+01' AND at < '2021-03-06 21:00+01'" ], [ 'max(ts)', '', "ts >= '2021-03-03 10:00' AND ts < '2021-03-06 20:00'", "ts >= '2021-03-03' AND ts < '2021-03-07'" ],
	[ 'min(d)', '', "d BETWEEN '2021-03-03' AND '2021-03-10'", "d BETWEEN '2021-03-01' AND '2021-03-14'" ], [ 'max(at)', '', "at >= '2021-01-01 10:00+01' AND at <= now()", "at >= '2021-01-01 10:00+01' AND at <= now() + interval '1 hour'" ])
{
	my ($what, $group, $asked, $wider) = @$proof;
	my $limits = sub {
		my ($table, $where) = @_;
		my $got = DpAgg::as($node, 'analyst', "$begin SELECT $what, count(*) FROM $table WHERE $where $group; SELECT max_groups, max_rows, smallest_group FROM dp_agg.last_release() ORDER BY 1, 2, 3 LIMIT 1", extra_params => ['-q']);
		return $got->{ok} ? (split /\n/, $got->{out})[-1] : "$got->{sqlstate} $got->{message}";
	};
	is($limits->('rounded', $asked), $limits->('plain', $wider), "as much is proved for $what: $asked") if $what !~ /now|max\(at\)/;
	like($limits->('rounded', $asked), qr/^\d+\|/, "bounds follow for $what");
}
grain('at', '1 day');
query(q{SELECT dp_agg.set_grain('rounded', 'at', '1 day')});
my $most = (split /\|/, (split /\n/, released(q{SELECT date_trunc('day', at AT TIME ZONE 'UTC'), count(*) FROM rounded WHERE at >= '2021-03-03 10:00+01' AND at < '2021-03-05 20:00+01' GROUP BY 1}, 'SELECT max_groups FROM dp_agg.last_release() LIMIT 1')->{out})[-1])[0];
cmp_ok($most, '>=', 5, 'what is proved of days holds in all time zones');

# ---------- the function ----------

query(<<'SQL');
CREATE TABLE moments AS SELECT m FROM generate_series(timestamptz '2020-10-01', timestamptz '2021-12-31', interval '97 minutes') m
UNION ALL SELECT m FROM generate_series(timestamptz '2021-11-07 03:30+00', timestamptz '2021-11-07 07:30+00', interval '1 minute') m
UNION ALL SELECT v::timestamptz FROM unnest('{-infinity,infinity,4714-11-24 00:00+00 BC,4714-11-25 12:00+00 BC,0001-01-01 00:30+00 BC,1883-11-18 12:03:58,294276-12-31 23:59:59.999999+00,294276-11-30 00:00+00}'::text[]) v;
SQL
foreach my $zone ('UTC', 'Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Pacific/Apia', 'Asia/Kathmandu')
{
	my $wrong = query("SET timezone = '$zone'", <<'SQL');
SELECT string_agg(DISTINCT g || ' ' || what, ', ')
  FROM unnest('{15 minutes,1 hour,6 hours,1 day,3 days,7 days,1 month,3 months,1 year,5 years}'::interval[]) g,
	   LATERAL (SELECT m, dp_agg.grain_end(m, g, '>=', '') AS down, dp_agg.grain_end(m, g, '>', '') AS above, dp_agg.grain_end(m, g, '<', '') AS up, dp_agg.grain_end(m, g, '<=', '') AS last,
					   lag(dp_agg.grain_end(m, g, '>=', '')) OVER w AS down_before, lag(dp_agg.grain_end(m, g, '<', '')) OVER w AS up_before, lag(dp_agg.grain_end(m, g, '<=', '')) OVER w AS last_before
				  FROM moments WINDOW w AS (ORDER BY m)) e,
	   LATERAL (VALUES ('is not outwards', down > m OR above > m OR up < m OR last < m OR last > up), ('is not in order', down < down_before OR up < up_before OR last < last_before),
				('is no end', isfinite(down) AND dp_agg.grain_end(down, g, '>=', '') <> down OR isfinite(up) AND dp_agg.grain_end(up, g, '<', '') <> up OR isfinite(last) AND dp_agg.grain_end(last, g, '<=', '') <> last),
				('is too far', isfinite(down) AND isfinite(m) AND m - down > 2 * g + interval '1 day' OR isfinite(up) AND isfinite(m) AND up - m > 2 * g + interval '1 day')) v (what, wrong)
 WHERE v.wrong
SQL
	is($wrong, '', "ends in $zone");
}
is(query("SET timezone = 'UTC'", q{SELECT string_agg(dp_agg.grain_end('2024-01-15 10:30+00'::timestamptz, g, op, '')::text, ' ') FROM (VALUES (interval '1 hour', '>='), ('1 hour', '<'), ('1 day', '<'), ('1 day', '>=')) v (g, op)}),
	'2024-01-15 10:00:00+00 2024-01-15 11:00:00+00 2024-01-16 00:00:00+00 2024-01-15 00:00:00+00', 'one moment, several grains and operators');
is(query(q{SELECT count(*) FROM generate_series(-3000, 3000) i, unnest('{1 day,7 days,10 days,1 month,1 year}'::interval[]) g, LATERAL (SELECT date '2000-01-01' + i AS d) q
	WHERE dp_agg.grain_end(d, g, '>=', '') > d OR dp_agg.grain_end(d, g, '>', '') > d OR dp_agg.grain_end(d, g, '<', '') < d OR dp_agg.grain_end(d, g, '<=', '') < d
	   OR dp_agg.grain_end(d, g, '>', '') + 1 <> dp_agg.grain_end(d + 1, g, '>=', '') OR dp_agg.grain_end(d, g, '<=', '') + 1 <> dp_agg.grain_end(d + 1, g, '<', '')}), 0, 'ends of dates');
is(query(q{SELECT count(*) FROM generate_series(timestamp '1999-12-01', timestamp '2001-02-01', interval '5 hours 7 minutes') m WHERE dp_agg.grain_end(m, '7 days', '>=', '') <> date_trunc('week', m) OR dp_agg.grain_end(m, '1 month', '>=', '') <> date_trunc('month', m)
	OR dp_agg.grain_end(m, '3 months', '>=', '') <> date_trunc('quarter', m) OR dp_agg.grain_end(m, '10 years', '>=', '') <> date_trunc('decade', m) OR dp_agg.grain_end(m, '6 hours', '>=', '') <> date_bin('6 hours', m, '1990-01-01')}), 0, 'as date_trunc() and date_bin()');
done_testing();
