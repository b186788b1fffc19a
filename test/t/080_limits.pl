# Limits that follow from the query (src/query/limits.c): in how many groups an individual can be
# at most, and whether it has one row in each.
#
# What a release took for its limits is seen from its standard errors: count(DISTINCT unit) alone
# has sqrt(2) * max_groups / epsilon, and count(*) alone max_rows times that.  At an epsilon of
# 1000 answers are exact up to less than one: nobody's rows may be lost.

use strict;
use warnings;
use DpAgg;
use Forms;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = DpAgg::node('limits', roles => [ 'analyst', 'sql' ], conf => "timezone = 'UTC'\nautovacuum = off");

prepare_forms($node);
$node->safe_psql('postgres', <<'SQL');
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN year_number AS int;
CREATE TABLE nation (id int PRIMARY KEY, name text);
CREATE TABLE town (id int, name text);
CREATE TABLE person (id int PRIMARY KEY, field text NOT NULL, region int, b bool NOT NULL, n int);
CREATE TABLE visits (pid int NOT NULL, day date NOT NULL, at timestamp, tz timestamptz, kind text NOT NULL, place text, m mood, ok bool,
	num numeric, i int NOT NULL, j int, y year_number, iv interval, x int NOT NULL, UNIQUE (pid, day));
INSERT INTO nation SELECT i, 'nation ' || i % 3 FROM generate_series(1, 6) i;
INSERT INTO town SELECT i % 3, 'town ' || i FROM generate_series(1, 6) i;
INSERT INTO person SELECT p, 'field ' || p % 5, 1 + p % 6, p % 2 = 0, p % 7 FROM generate_series(1, 500) p;
INSERT INTO visits SELECT p, date '2020-01-01' + v * 30, timestamp '2020-01-01 00:10' + v * interval '30 days', timestamptz '2020-01-01' + v * interval '30 days',
	'k' || v % 4, CASE v % 4 WHEN 3 THEN NULL ELSE 'p' || v % 4 END, (enum_range(NULL::mood))[1 + v % 4], CASE v % 3 WHEN 0 THEN NULL ELSE v % 3 = 1 END,
	(v % 3 || repeat('.0', v % 2))::numeric, v - 6, CASE WHEN v < 11 THEN v END, 2010 + v, CASE WHEN v % 2 = 0 THEN '1 mon' ELSE '30 days' END::interval, (p + v) % 100
FROM generate_series(1, 500) p, generate_series(0, 11) v;
GRANT SELECT ON nation, town TO analyst, sql;
GRANT USAGE ON SCHEMA dp TO analyst, sql;
CREATE VIEW at_work WITH (security_invoker = true) AS SELECT v.pid, p.field, date_trunc('month', v.at) AS month, v.day, v.kind FROM visits v JOIN person p ON p.id = v.pid
	WHERE v.at >= '2020-01-01' AND v.at < '2021-01-01';
GRANT SELECT ON at_work TO analyst, sql;

-- indexes that prove nothing, and one that does
CREATE TABLE deferred (pid int, k int NOT NULL, UNIQUE (pid, k) DEFERRABLE);
CREATE TABLE partial (pid int, k int NOT NULL); CREATE UNIQUE INDEX ON partial (pid, k) WHERE k > 0;
CREATE TABLE computed (pid int, k int NOT NULL); CREATE UNIQUE INDEX ON computed (pid, (k + 0));
CREATE TABLE nullable (pid int, k int, UNIQUE (pid, k));
CREATE TABLE same_null (pid int, k int, UNIQUE NULLS NOT DISTINCT (pid, k));
CREATE TABLE parent (pid int, k int NOT NULL, UNIQUE (pid, k)); CREATE TABLE child () INHERITS (parent);
CREATE TABLE parts (pid int, k int NOT NULL, UNIQUE (pid, k)) PARTITION BY LIST (k); CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE TABLE other_collation (pid int, k text NOT NULL); CREATE UNIQUE INDEX ON other_collation (pid, k COLLATE "POSIX");
CREATE TABLE other_class (pid int, k text COLLATE "C" NOT NULL); CREATE UNIQUE INDEX ON other_class (pid, k text_pattern_ops);
CREATE TABLE invalid (pid int, k int NOT NULL, UNIQUE (pid, k));
CREATE TABLE good (pid int, k int NOT NULL, x int NOT NULL DEFAULT 1, UNIQUE (pid, k));
CREATE TABLE pub (k int, g text); CREATE TABLE unique_pub (k int UNIQUE, g text);
INSERT INTO pub SELECT i % 3, 'g' || i % 2 FROM generate_series(1, 6) i;
INSERT INTO unique_pub SELECT i, 'g' || i % 2 FROM generate_series(0, 6) i;
GRANT SELECT ON pub, unique_pub TO analyst, sql;
DO $$
DECLARE t text;
BEGIN
	FOREACH t IN ARRAY '{deferred,partial,computed,nullable,same_null,parent,parts,other_collation,other_class,invalid,good}'::text[] LOOP
		EXECUTE format('INSERT INTO %I (pid, k) SELECT p, k FROM generate_series(1, 200) p, generate_series(0, 2) k', t);
		PERFORM dp_agg.protect(t::regclass, 'pid', 'people', max_groups => 100, max_rows => 20);
	END LOOP;
END $$;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_pid_k_key'::regclass;
-- two NULLs of one key, which a unique index allows, and rows that indexes do not hold
INSERT INTO nullable SELECT p, NULL FROM generate_series(1, 200) p, generate_series(1, 2);
INSERT INTO child SELECT * FROM ONLY parent;
SELECT dp_agg.protect('person', 'id', 'people'), dp_agg.protect('visits', 'pid', 'people', max_groups => 100, max_rows => 20);
SELECT dp_agg.set_budget(r, 'people', epsilon => 9e9, delta => 0.9) FROM unnest('{analyst,sql}'::name[]) r;
ANALYZE;
SQL

# limits(ROLE, UNIT, KEYS, FROM, SET): ("k r", individuals by group, rows by group)
sub limits
{
	my ($role, $unit, $keys, $from, $set) = @_;
	my $limits = "SELECT '\@' || max_groups || ' ' || max_rows FROM dp_agg.last_release()";
	my @asked = map { query($_, $keys, $from) } "count(DISTINCT $unit)", 'count(*)';
	my $r = DpAgg::as($node, $role, "SET dp_agg.epsilon = 1000; $set; $asked[0]; $limits; $asked[1]; $limits;");
	my ($people, $k, $rows, $r_and_k) = $r->{out} =~ /^(.*?)\n?\@(\d+) \d+\n(.*?)\n?\@(\d+ \d+)$/s;

	return ($r->{err}, '', '') unless defined $r_and_k;
	return ($r_and_k =~ s/^\d+/$k/r, $people, $rows);
}

sub query
{
	my ($output, $keys, $from) = @_;

	return "SELECT $output FROM $from" if $keys eq '';
	return "SELECT $keys, $output FROM $from GROUP BY $keys ORDER BY " . join(', ', map { "$_ NULLS LAST" } 1 .. columns($keys));
}

# How many expressions the list has.
sub columns
{
	my ($list) = @_;

	1 while $list =~ s/[(\[][^()\[\]]*[)\]]//g;
	return scalar split /,/, $list;
}

# follows(K, R, UNIT, KEYS, FROM, SET): limits are K and R, and nothing is lost.
sub follows
{
	my ($k, $r, $unit, $keys, $from, $set) = @_;
	my $name = ($keys eq '' ? 'all' : $keys) . " of $from";

	$set //= 'SET dp_agg.max_groups = 0';
	foreach my $role ('analyst', 'sql')
	{
		my ($got, $people, $rows) = limits($role, $unit, $keys, $from, $set);

		is($got, "$k $r", "$name: limits ($role)");
		next if $got ne "$k $r";
		my @truth = map { $node->safe_psql('postgres', "$set; " . query($_, $keys, $from)) } "count(DISTINCT $unit)", 'count(*)';

		is_alike($people, $truth[0], 0.5, "$name: individuals ($role)");
		is_alike($rows, $truth[1], 0.5 + $k * $r / 50, "$name: rows ($role)");
	}
	return;
}

# ---------- rows that are fixed for the individual ----------

follows(1, 20, 'v.pid', 'p.field', 'visits v JOIN person p ON p.id = v.pid');
follows(1, 20, 'v.pid', 'p.field', 'dp.visits v JOIN dp.person p ON p.id = v.pid');
follows(1, 20, 'v.pid', 'p.field', '(SELECT pid, x FROM visits) v JOIN (SELECT id, field FROM person) p ON p.id = v.pid');
follows(1, 20, 'pid', 'field', 'at_work');
follows(1, 20, 'v.pid', "p.field || '!', 1 + p.b::int", 'visits v JOIN person p ON p.id = v.pid');
follows(1, 20, 'v.pid', 'n.name', 'visits v JOIN person p ON p.id = v.pid JOIN nation n ON n.id = p.region');
follows(1, 20, 'v.pid', 'n.name', 'visits v, person p, nation n WHERE p.id = v.pid AND n.id = p.region AND v.x > 10');
follows(1, 20, 'v.pid', 'p.field', 'visits v LEFT JOIN person p ON p.id = v.pid');
follows(1, 20, 'v.pid', 'p.field', 'visits v LEFT JOIN person p ON p.id = v.pid AND p.n > 3');
follows(1, 20, 'v.pid', 'n.name', 'visits v LEFT JOIN person p ON p.id = v.pid LEFT JOIN nation n ON n.id = p.region');
follows(1, 20, 'p.id', 'p.field', 'person p LEFT JOIN visits v ON v.pid = p.id');
follows(1, 20, 'g.pid', 'p.g', 'good g, unique_pub p WHERE p.k = 3');
follows(1, 1, 'g.pid', 'g.k', 'good g WHERE k = 1');

# the weak side is there in some rows of an individual, and not in others
follows(2, 20, 'v.pid', 'p.field', 'visits v LEFT JOIN person p ON p.id = v.pid AND v.x > 50');
follows(2, 20, 'v.pid', 'p.field, p.b', 'visits v LEFT JOIN person p ON p.id = v.pid AND v.x > 50');
follows(2, 20, 'v.pid', 'n.name', 'visits v LEFT JOIN person p ON p.id = v.pid AND v.x > 50 LEFT JOIN nation n ON n.id = p.region');
follows(2, 20, 'v.pid', 'n.name', 'visits v LEFT JOIN person p ON p.id = v.pid AND v.x > 50 JOIN nation n ON n.id = coalesce(p.region, 3)');
follows(4, 20, 'v.pid', 'n.name', 'visits v LEFT JOIN (person p JOIN nation n ON n.id = p.region AND p.n > 2) ON v.pid = p.id AND v.x > 50');
follows(2, 20, 'g.pid', 'p.g', 'good g LEFT JOIN unique_pub p ON p.k = 3 AND g.k = 1');

# rows that are not fixed
follows(100, 20, 'v.pid', 'n.name', 'visits v JOIN person p ON p.id = v.pid JOIN nation n ON n.id = v.i');
follows(100, 20, 'v.pid', 't.name', 'visits v JOIN person p ON p.id = v.pid JOIN town t ON t.id = p.region');
follows(100, 20, 'v.pid', 'v.kind, p.field', 'visits v JOIN person p ON p.id = v.pid');
follows(100, 20, 'v.pid', 'n.name', 'nation n RIGHT JOIN visits v ON n.id = v.i JOIN person p ON p.id = v.pid');
follows(100, 80, 'v.pid', 'n.name', 'visits v JOIN person p ON p.id = v.pid JOIN nation n ON n.id = p.region OR n.id = 2', 'SET dp_agg.max_rows = 80');
follows(100, 80, 'v.pid', 'n.name', 'visits v JOIN person p ON p.id = v.pid JOIN nation n ON n.id >= p.region', 'SET dp_agg.max_rows = 80');
follows(100, 20, 'g.pid', 'p.g', 'good g JOIN unique_pub p ON p.k = g.k');
follows(100, 20, 'g.pid', 'p.g', 'good g, unique_pub p');
follows(100, 20, 'g.pid', 'p.g', 'good g LEFT JOIN pub p ON p.k = 2');
follows(100, 20, 'g.pid', 's.g', 'good g, LATERAL (SELECT p.g FROM unique_pub p WHERE p.k = g.k) s');
follows(100, 20, 'g.pid', 'p.g', 'good g FULL JOIN unique_pub p ON p.k = g.k');

# ---------- keys that are few ----------

follows(3, 20, 'pid', 'm', 'visits WHERE m IS NOT NULL');
follows(4, 20, 'pid', 'm', 'visits');
follows(4, 20, 'pid', "coalesce(m::text, 'none')", 'visits');
follows(3, 20, 'pid', 'ok', 'visits');
follows(2, 20, 'pid', 'i > 3', 'visits');
follows(2, 20, 'pid', 'i > 3 AND x < 50 OR i < 2', 'visits');
follows(3, 20, 'pid', 'num > 1', 'visits');
follows(2, 20, 'pid', 'place IS NULL', 'visits');
follows(2, 20, 'pid', "place IS DISTINCT FROM 'p1'", 'visits');
follows(3, 20, 'pid', '12 / nullif(i, 0) > 2', 'visits');
follows(12, 20, 'pid', 'ok, m', 'visits');
follows(3, 20, 'pid', 'EXISTS (SELECT 1 FROM person p WHERE p.id = visits.pid AND p.n = visits.i)', 'visits');

follows(13, 20, 'pid', 'extract(month from day)', 'visits');
follows(13, 20, 'pid', "date_part('month', day)", 'visits');
follows(13, 20, 'pid', "to_char(extract(month from at), '99')", 'visits');
follows(8, 20, 'pid', 'extract(dow from tz)', 'visits', "SET timezone = 'Asia/Tokyo'");
follows(5, 20, 'pid', 'extract(quarter from day)', 'visits');
follows(25, 20, 'pid', 'extract(hour from at)', 'visits');
follows(26, 20, 'pid', 'extract(hour from at::time)', 'visits');
follows(24, 20, 'pid', 'extract(month from at - at)', 'visits');
follows(100, 20, 'pid', 'extract(hour from at - at)', 'visits');
follows(100, 20, 'pid', "extract($_ from at)", 'visits') foreach 'year', 'second', 'epoch', 'isoyear', 'julian';

follows(12, 20, 'pid', "date_trunc('month', at)", "visits WHERE at >= '2020-01-01' AND at < '2021-01-01'");
follows(13, 20, 'pid', "date_trunc('month', at)", "visits WHERE at >= '2020-01-01' AND at <= '2021-01-01'");
follows(12, 20, 'pid', "date_trunc('MONTH', at)", "visits WHERE '2021-01-01' > at AND at > '2019-12-31 23:59:59.999999'");
follows(12, 20, 'pid', "date_trunc('month', at)", "visits WHERE at BETWEEN '2020-01-01' AND '2020-12-31'");
follows(12, 20, 'pid', "date_trunc('month', at)", "visits WHERE at >= date '2020-01-01' AND at < date '2020-01-01' + interval '1 year'");
follows(12, 20, 'pid', "date_trunc('month', day::timestamp)", "visits WHERE day BETWEEN '2020-01-01' AND '2020-12-31'");
follows(53, 20, 'pid', "date_trunc('week', at)", "visits WHERE at >= '2020-01-01' AND at < '2021-01-01'");
follows(31, 20, 'pid', "date_trunc('day', at)", "visits WHERE at >= '2020-01-01' AND at < '2020-02-01'");
follows(2, 20, 'pid', "date_trunc('hour', at)", "visits WHERE at >= '2020-01-01 00:05' AND at < '2020-01-01 02:00'");
follows(1, 20, 'pid', 'extract(year from day)', "visits WHERE day >= '2020-01-01' AND day < '2021-01-01'");
follows(13, 20, 'pid', 'extract(year from day), extract(month from day)', "visits WHERE day >= '2020-01-01' AND day < '2021-01-01'");
# in which zone days begin is known when the query runs, so ends have a margin
foreach my $zone ('UTC', 'Pacific/Kiritimati', 'America/New_York', 'X+167', 'X-167')
{
	follows(14, 20, 'pid', "date_trunc('month', tz AT TIME ZONE '$zone')", "visits WHERE tz >= '2020-01-01 00:00+00' AND tz < '2021-01-01 00:00+00'");
	follows(15, 20, 'pid', "date_trunc('day', tz)", "visits WHERE tz >= '2020-01-01 00:00+00' AND tz < '2020-01-02 00:00+00'", "SET timezone = '$zone'");
	follows(14, 20, 'pid', "date_trunc('month', tz)", "visits WHERE tz >= '2020-01-01 00:00+00' AND tz < '2021-01-01 00:00+00'", "SET timezone = '$zone'");
	follows(14, 20, 'pid', "date_trunc('month', day)", "visits WHERE day BETWEEN '2020-01-01' AND '2020-12-31'", "SET timezone = '$zone'");
	follows(100, 20, 'pid', "date_trunc('hour', tz)", "visits WHERE tz >= '2020-01-01 00:00+00' AND tz < '2020-02-01 00:00+00'", "SET timezone = '$zone'");
}
foreach my $where ("at >= '2020-01-01'", "at >= '2020-01-01' OR at < '2021-01-01'", "NOT (at < '2020-01-01' OR at >= '2021-01-01')", "at >= '2020-01-01' AND tz < '2021-01-01'",
	"at BETWEEN '-infinity' AND '2021-01-01'", "(at BETWEEN '2020-01-01' AND '2021-01-01') IS NOT FALSE", "at::text BETWEEN '2020' AND '2021'",
	"at >= '2020-01-01'::timestamptz AND at < '2021-01-01'::timestamptz", "at >= '2020-01-01' AND at + interval '1 day' < '2021-01-01'", 'at >= now() - interval \'100 years\' AND at < now()')
{
	follows(100, 20, 'pid', "date_trunc('month', at)", "visits WHERE $where");
}
follows(100, 20, 'v.pid', "date_trunc('month', v.at)", "person p LEFT JOIN visits v ON v.pid = p.id AND v.at >= '2020-02-01' AND v.at < '2021-01-01'");
follows(12, 20, 's.pid', "date_trunc('month', s.at)", "(SELECT pid, at FROM visits WHERE at >= '2020-01-01' AND at < '2021-01-01') s");
follows(12, 20, 'pid', 'month', 'at_work');

follows(2, 20, 'pid', 'kind', "visits WHERE kind IN ('k0', 'k1')");
follows(3, 20, 'pid', 'kind', "dp.visits WHERE kind = ANY ('{k0,k1,k9}')");
follows(1, 20, 'pid', 'kind, upper(kind)', "visits WHERE kind = 'k1'");
follows(1, 20, 'pid', 'y', 'visits WHERE y = 2012');
follows(5, 20, 'pid', 'i', 'visits WHERE i BETWEEN 1 AND 5');
follows(5, 20, 'pid', 'i * i', 'visits WHERE i > 0 AND 6 > i');
follows(31, 1, 'pid', 'day', "visits WHERE day BETWEEN '2020-01-01' AND date '2020-01-01' + 30");
follows(20, 20, 'pid', 'i % 10', 'visits');
follows(6, 20, 'pid', 'mod(i, -3)', 'visits');
follows(7, 20, 'pid', 'width_bucket(num, 0, 10, 4)', 'visits');
follows(4, 20, 'pid', 'width_bucket(i, ARRAY[1, 5])', 'visits');
follows(3, 20, 'pid', "CASE WHEN x > 50 THEN 'a' WHEN x > 20 THEN 'b' END", 'visits');
follows(2, 20, 'pid', "CASE WHEN x > 50 THEN 'a' WHEN x > 20 THEN 'b' ELSE 'a' END", 'visits');
follows(9, 20, 'pid', "ok, CASE WHEN x > 50 THEN 'a' WHEN x > 20 THEN 'b' END", 'visits');
follows(100, 20, 'pid', 'CASE WHEN i = 1 THEN j ELSE 0 END', 'visits');
foreach my $where ("kind = 'k1' OR x > 5", "NOT kind IN ('k7')", "kind <> 'k9'", "kind >= 'k0' AND kind <= 'k9'", "kind || '' IN ('k0', 'k1', 'k2', 'k3')", "(kind = 'k1') IS NOT NULL")
{
	follows(100, 20, 'pid', 'kind', "visits WHERE $where");
}

# equal values are one group, but not what functions make of them
follows(1, 20, 'pid', 'num', 'visits WHERE num = 1');
follows(100, 20, 'pid', 'num, scale(num)', 'visits WHERE num = 1');
follows(100, 20, 'pid', 'num::text', 'visits WHERE num = 1');
is((limits($_, 'pid', 'iv', "visits WHERE iv = '1 mon'", 'SET dp_agg.max_groups = 0'))[0], '1 20', "intervals that are equal ($_)") foreach 'analyst', 'sql';
follows(100, 20, 'pid', 'iv::text', "visits WHERE iv = '1 mon'");
follows(100, 20, 'pid', 's.t', "(SELECT pid, num::text AS t, num FROM visits WHERE num = 1) s");

# ---------- one row in each group ----------

follows(100, 1, 'pid', 'day', 'visits');
follows(100, 1, 'pid', 'day', 'dp.visits');
follows(100, 1, 'pid', 'day', 'at_work');
follows(100, 1, 'pid', 'day, kind', 'visits WHERE x > 3');
follows(1, 1, 'pid', 'day', "visits WHERE day = '2020-01-01'");
follows(1, 1, 'pid', '', "visits WHERE day = '2020-01-01'");
follows(100, 1, 'g.pid', 'g.k', 'good g JOIN unique_pub p ON p.k = g.k');
follows(100, 1, 'g.pid', 'g.k', 'good g LEFT JOIN unique_pub p ON p.k = g.k');
follows(100, 1, 'g.pid', 'g.k', 'good g LEFT JOIN unique_pub p ON p.k = g.k AND g.k IN (1, 2)');
follows(100, 1, 'a.pid', 'a.k, b.k', 'good a JOIN good b ON a.pid = b.pid');
follows(100, 1, 'a.pid', 'a.k', 'good a JOIN nullable b ON a.pid = b.pid AND a.k = b.k');
follows(100, 1, 'pid', 'k', 'nullable WHERE k IS NOT NULL');
follows(100, 1, 'pid', 'k', 'dp.nullable WHERE k >= 0');
follows(100, 1, 's.pid', 's.k', '(SELECT DISTINCT pid, k FROM good) s');
follows(100, 1, 's.pid', 's.k', '(SELECT pid, k, count(*) AS n FROM nullable GROUP BY pid, k) s');
follows(13, 1, 's.pid', 's.mon', '(SELECT pid, extract(month from day) AS mon, sum(x) AS x FROM visits GROUP BY pid, extract(month from day)) s');

follows(100, 20, 'pid', 'k', $_) foreach 'deferred', 'partial', 'computed', 'nullable', 'dp.nullable', 'same_null', 'parent', 'parts', 'other_collation', 'other_class', 'invalid';
follows(100, 20, 'pid', $_, 'good') foreach 'x', 'k + 0', 'k / 2', '-k';
follows(100, 20, 'g.pid', 'g.k', 'good g JOIN pub p ON p.k = g.k');
follows(100, 20, 'g.pid', 'g.k', 'good g LEFT JOIN unique_pub p ON p.k = g.k OR g.x = 1');
follows(100, 20, 'g.pid', 'g.k', 'good g LEFT JOIN unique_pub p ON g.k = 1');
follows(100, 20, 'g.pid', 'p.k', 'good g LEFT JOIN unique_pub p ON p.k = g.k AND p.k IN (1, 2)');
follows(100, 20, 'a.pid', 'a.k', 'good a JOIN good b ON a.pid = b.pid');
follows(100, 20, 'g.id', 'h.k', 'person g LEFT JOIN good h ON h.pid = g.id');
follows(100, 20, 's.pid', 's.n', '(SELECT pid, k, count(*) AS n FROM partial GROUP BY pid, k) s');
follows(100, 20, 's.pid', 's.k', '(SELECT pid, k, j, count(*) AS n FROM (SELECT pid, i AS k, x AS j FROM visits) v GROUP BY pid, k, j) s');
# the limits of branches add up, and so do their rows
follows(200, 40, 's.pid', 's.k', '(SELECT pid, k FROM good UNION ALL SELECT pid, k FROM good) s');

# ---------- public keys ----------

$node->safe_psql('postgres', "SELECT dp_agg.set_domain('visits', 'kind', '{k0,k1,k2,k3}')");
follows(4, 20, 'pid', 'kind', $_) foreach 'visits', 'dp.visits';
follows(100, 20, 'pid', 'lower(kind)', 'visits');
follows(100, 20, 'pid', 'kind, i', 'visits');

# ---------- what was asked is an upper limit ----------

my $month = 'SELECT extract(month from day), count(DISTINCT pid) FROM visits WHERE dp_with(1000, NULL, %s) GROUP BY 1';
my $k = "SELECT coalesce(max_groups, max_total) FROM dp_agg.last_release()";

sub last_k
{
	my ($role, $sql) = @_;
	my $r = DpAgg::as($node, $role, "\\o /dev/null\n$sql;\n\\o\n$k");

	return $r->{ok} ? $r->{out} : $r->{sqlstate};
}

foreach my $role ('analyst', 'sql')
{
	is(last_k($role, sprintf $month, $_->[0]), $_->[1], "max_groups => $_->[0] ($role)") foreach [ 5, 5 ], [ 13, 13 ], [ 14, 13 ], [ 1000000, 13 ], [ 'NULL', 13 ], [ 0, '22023' ], [ -1, '22023' ], [ 1000001, '22023' ];
	foreach my $mode ('force_generic_plan', 'force_custom_plan')
	{
		my $q = "SET plan_cache_mode = $mode; PREPARE q (int) AS " . sprintf($month, '$1') . "; EXECUTE q";

		is(last_k($role, "$q ($_->[0])"), $_->[1], "max_groups => $_->[0], $mode ($role)") foreach [ 5, 5 ], [ 100, 13 ], [ 'NULL', 13 ], [ 0, '22023' ], [ -5, '22023' ];
	}
	# of rows, likewise
	my $day = 'PREPARE q (int) AS SELECT day, count(*) FROM visits WHERE dp_with(1000, NULL, 1, $1) GROUP BY 1; EXECUTE q';

	is(last_k($role, "SET plan_cache_mode = force_generic_plan; $day ($_->[0])"), $_->[1], "max_rows => $_->[0] ($role)") foreach [ 20, 1 ], [ 1, 1 ], [ 'NULL', 1 ], [ 0, '22023' ];
	# of all rows: one in each of three groups
	my $three = 'SELECT k, count(*) FROM good WHERE k IN (0, 1, 2) AND dp_with(1000, max_total => %s) GROUP BY k';

	is(last_k($role, sprintf $three, $_->[0]), $_->[1], "max_total => $_->[0] ($role)") foreach [ 50, 3 ], [ 2, 2 ], [ 'NULL', 3 ], [ 0, '22023' ], [ 100000001, '22023' ];
	is(last_k($role, "SET plan_cache_mode = force_generic_plan; PREPARE q (int) AS " . sprintf($three, '$1') . "; EXECUTE q ($_->[0])"), $_->[1], "max_total => \$1 = $_->[0] ($role)") foreach [ 50, 3 ], [ 2, 2 ], [ 'NULL', 3 ], [ 0, '22023' ];
	is(last_k($role, "SET dp_agg.max_groups = 7; SET dp_agg.epsilon = 1000; SELECT extract(month from day), count(DISTINCT pid) FROM visits GROUP BY 1"), 7, "the setting ($role)");
}

# ---------- proofs are looked at when the release begins ----------

my $psql = 'psql -X -q -h ' . $node->host . ' -p ' . $node->port . ' -U ' . $node->safe_psql('postgres', 'SELECT current_user') . ' postgres';
my $field = 'PREPARE q AS SELECT p.field, count(DISTINCT v.pid) FROM visits v JOIN person p ON p.id = v.pid WHERE dp_with(1000) GROUP BY 1';
my $execute = "\\o /dev/null\nEXECUTE q;\n\\o\n$k";

sub session
{
	my ($name, $wanted, @steps) = @_;
	my $r = DpAgg::as($node, 'analyst', join "\n", map { /^\\!/ ? $_ : "$_;" } 'SET plan_cache_mode = force_generic_plan', @steps);

	is($r->{ok} ? $r->{out} =~ s/\n/ /gr : $r->{sqlstate}, $wanted, $name) or diag($r->{err});
	return;
}

session('an index is dropped and made again', '1 100 1', $field, $execute,
	qq(\\! $psql -c "ALTER TABLE person DROP CONSTRAINT person_pkey"), $execute,
	qq(\\! $psql -c "ALTER TABLE person ADD PRIMARY KEY (id)"), $execute);
my $nation = $field =~ s/p\.field/n.name/r =~ s/WHERE/JOIN nation n ON n.id = p.region WHERE/r;

# protected relations are asked for more than that
foreach ([ 'nation', $nation, '1 100' ], [ 'person', $field, 'DP002' ])
{
	my ($table, $prepare, $wanted) = @$_;

	session("a snapshot that is older than the index of $table", $wanted, $prepare, $execute, 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 WHERE false',
		qq(\\! $psql -c "ALTER TABLE $table DROP CONSTRAINT ${table}_pkey" -c "ALTER TABLE $table ADD PRIMARY KEY (id)"), $execute);
}
session('a plan made before its transaction may have written', 'DP002', $field, $execute, 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 WHERE pg_current_xact_id() IS NULL', $execute);
session('a plan made after its transaction wrote', '100', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'CREATE TEMP TABLE mine (a int)', $field, $execute);
session('NOT NULL is dropped', '2 3', 'PREPARE q AS SELECT i > 3, count(DISTINCT pid) FROM visits WHERE dp_with(1000) GROUP BY 1', $execute,
	qq(\\! $psql -c "ALTER TABLE visits ALTER i DROP NOT NULL"), $execute);
session('an enum gets a label', '4 5', 'PREPARE q AS SELECT m, count(DISTINCT pid) FROM visits WHERE dp_with(1000) GROUP BY 1', $execute,
	qq(\\! $psql -c "ALTER TYPE mood ADD VALUE 'glad'"), $execute);
my $execute_rows = $execute =~ s/\Q$k/SELECT max_rows FROM dp_agg.last_release()/r;

session('a table gets a child', '1 20', 'PREPARE q AS SELECT k, count(*) FROM good WHERE dp_with(1000, max_groups => 1) GROUP BY k', $execute_rows,
	qq(\\! $psql -c "CREATE TABLE good_child () INHERITS (good)"), $execute_rows);

# tables of the client's own
my $mine = $field =~ s/p\.field/m.g/r =~ s/WHERE/JOIN mine m ON m.id = p.region WHERE/r;

session('a table and the transaction that made it', '100 1', 'BEGIN', 'CREATE TEMP TABLE mine (id int PRIMARY KEY, g text)', "INSERT INTO mine SELECT i, 'g' || i % 2 FROM generate_series(1, 6) i",
	$mine, $execute, 'COMMIT', 'DEALLOCATE q', $mine, $execute);

done_testing();
