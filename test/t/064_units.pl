# Whose row is it, where an outer join makes the unit NULL?
#
# Random statements join, group and nest protected tables: outer joins at several depths, in
# sub-selects, CTEs and views, under UNION ALL, GROUP BY and DISTINCT, with EXISTS and IN.  A
# build without noise and gate (DP_FAULT_NOISELESS) must answer what PostgreSQL answers
# about rows that belong to somebody.  For that, each statement is written a second
# time, with the owner of each row beside it.
#
# Further, an individual may change a count by what was granted and no more: the same statements
# are asked, one row and one group for each individual, of tables that lack an individual.
#
#	SEED=n QUERIES=n	which statements and how many (1 and 300 if not set)

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $queries = $ENV{QUERIES} || 300;

srand($ENV{SEED} || 1);

sub pick { return $_[ int rand @_ ]; }
sub chance { return rand() < $_[0]; }

# ---------- the data ----------

my $node = Faulty::node('units', <<'CONF');
jit = off
log_statement = none
statement_timeout = 5s
log_min_error_statement = panic
dp_agg.epsilon = 1000
dp_agg.delta = 0.000000001
CONF

$node->start;
ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');
$node->safe_psql('postgres', 'CREATE EXTENSION dp_agg; CREATE ROLE analyst LOGIN');

# The schema "less" lacks individual 7, all else is the same.
foreach my $schema ('everyone', 'less')
{
	my $without = $schema eq 'less' ? '<> 7' : 'IS DISTINCT FROM -1';

	$node->safe_psql('postgres', <<"SQL");
CREATE SCHEMA $schema;
GRANT USAGE ON SCHEMA $schema TO analyst;
SET search_path = $schema;
CREATE TABLE visits (patient int, x int NOT NULL, k int NOT NULL);
CREATE TABLE tests (patient int NOT NULL, x int NOT NULL, k int);
CREATE TABLE people (patient int PRIMARY KEY, x int NOT NULL, k int NOT NULL);
CREATE TABLE places (k int PRIMARY KEY, x int);
INSERT INTO visits SELECT nullif(1 + i * i % 37, 5), i % 7, i % 3 FROM generate_series(1, 70) i WHERE nullif(1 + i * i % 37, 5) IS NULL OR 1 + i * i % 37 $without;
INSERT INTO tests SELECT 1 + i % 23, i % 5, nullif(i % 4, 3) FROM generate_series(1, 40) i WHERE 1 + i % 23 $without;
INSERT INTO people SELECT i, i % 6, i % 2 FROM generate_series(1, 40) i WHERE i $without;
INSERT INTO places SELECT i, 10 * i FROM generate_series(0, 4) i;
GRANT SELECT ON places TO analyst;
CREATE VIEW women AS SELECT p.patient AS u, v.x, v.k FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0;
CREATE VIEW owned_women AS SELECT v.patient AS own, p.patient AS u, v.x, v.k FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0 WHERE v.patient IS NOT NULL;
GRANT SELECT ON women TO analyst;
SELECT dp_agg.protect(r, 'patient', 'patients', max_total => 1000000, max_groups => 1000, max_rows => 1000000) FROM unnest('{visits,tests,people}'::regclass[]) r;
SELECT dp_agg.set_budget('analyst', 'patients', 9e9, 0.9) WHERE '$schema' = 'everyone';
SQL
}

# ---------- statements ----------

# A shape is { asked, owned, units, sure }: the same query, as an analyst writes it and with the
# owner beside, under the name "own".  Both have the columns x and k, and those of "units",
# which are the unit or NULL; "sure" are those that are never NULL.
my $name = 0;

sub shape
{
	my ($asked, $owned, %columns) = @_;

	return { asked => $asked, owned => $owned, units => [ sort keys %columns ], sure => { map { $_ => 1 } grep { $columns{$_} } keys %columns } };
}

sub base
{
	my $u = 'u' . ++$name;

	return shape("SELECT u AS $u, x, k FROM women", "SELECT own, u AS $u, x, k FROM owned_women", $u => 0) if chance(0.15);
	my $table = pick('visits', 'tests', 'people', 'visits');

	return shape("SELECT patient AS $u, x, k FROM $table", "SELECT patient AS own, patient AS $u, x, k FROM $table WHERE patient IS NOT NULL", $u => 1);
}

sub condition
{
	my @aliases = @_;
	my $alias = pick(@aliases);

	return pick("$alias.x > 2", "$alias.k = 0", "$alias.k IS NOT NULL", "$alias.x % 2 = 0", "$alias.k < 2");
}

# Some of the names, in any case one.
sub some { my @all = @_; my @chosen = grep { chance(0.6) } @all; return @chosen ? @chosen : (pick(@all)); }

# FULL JOIN of tables, or of what is grouped by the unit: whoever is named on either side.
sub full_join
{
	my ($l, $r) = map { my $b; do { $b = base() } until %{ $b->{sure} }; chance(0.3) ? grouped($b) : $b } 1 .. 2;
	my ($u, $v) = map { (sort keys %{ $_->{sure} })[0] } $l, $r;
	my $w = 'u' . ++$name;
	my $rest = pick('l.x, r.k', 'r.x, l.k', 'coalesce(r.x, l.x) AS x, coalesce(l.k, r.k) AS k');
	my $more = pick('', ", l.$u", ", r.$v", ", l.$u, r.$v");

	return shape("SELECT coalesce(l.$u, r.$v) AS $w$more, $rest FROM ($l->{asked}) l FULL JOIN ($r->{asked}) r ON l.$u = r.$v",
		"SELECT coalesce(l.own, r.own) AS own, coalesce(l.$u, r.$v) AS $w$more, $rest FROM ($l->{owned}) l FULL JOIN ($r->{owned}) r ON l.$u = r.$v",
		$w => 1, map { $_ => 0 } $more =~ /\.(\w+)/g);
}

sub join_of
{
	return full_join() if chance(0.1);
	my ($l, $r) = @_;
	my $type = pick(qw(LEFT LEFT RIGHT RIGHT INNER));
	my $on = 'l.' . pick(@{ $l->{units} }) . ' = r.' . pick(@{ $r->{units} });
	my $own = $type eq 'RIGHT' ? 'r.own' : 'l.own';
	my @columns = some((map { "l.$_" } @{ $l->{units} }), map { "r.$_" } @{ $r->{units} });
	my $rest = pick('l.x, r.k', 'l.x, l.k', 'r.x, r.k', 'coalesce(r.x, l.x) AS x, l.k');
	my %units;

	$on .= ' AND ' . condition('l', 'r') if chance(0.6);
	foreach (@columns)
	{
		my ($side, $u) = split /\./;
		my $of = $side eq 'l' ? $l : $r;

		$units{$u} = $of->{sure}->{$u} && ($type eq 'INNER' || $side eq substr $own, 0, 1);
	}
	my $list = join(', ', @columns, $rest);

	return shape("SELECT $list FROM ($l->{asked}) l $type JOIN ($r->{asked}) r ON $on", "SELECT $own, $list FROM ($l->{owned}) l $type JOIN ($r->{owned}) r ON $on", %units);
}

# One item of FROM, under the name "s".
sub around
{
	my ($below) = @_;
	my @units = some(@{ $below->{units} });
	my %units = map { $_ => $below->{sure}->{$_} } @units;
	my $list = join ', ', map { "s.$_" } @units;
	my $kind = int rand 8;
	my ($known) = sort keys %{ $below->{sure} };

	if ($kind == 7 && $known)
	{
		# window functions of each individual that do not depend on the order of equal rows
		my $of = pick('rank() OVER (PARTITION BY s.%1$s ORDER BY s.x) AS x, s.k', 's.x, sum(s.x) OVER (PARTITION BY s.%1$s, s.k) %% 5 AS k', 'count(s.k) OVER (PARTITION BY s.%1$s ORDER BY s.x) AS x, max(s.x) OVER (PARTITION BY s.%1$s) %% 3 AS k');

		return shape("SELECT $list, " . sprintf($of, $known) . " FROM ($below->{asked}) s", "SELECT s.own, $list, " . sprintf($of, 'own') . " FROM ($below->{owned}) s", %units);
	}
	$kind = 0 if $kind == 7;

	if ($kind == 0)
	{
		my $where = condition('s');

		return shape("SELECT $list, s.x, s.k FROM ($below->{asked}) s WHERE $where", "SELECT s.own, $list, s.x, s.k FROM ($below->{owned}) s WHERE $where", %units);
	}
	if ($kind == 1)
	{
		my $cte = 'c' . ++$name;

		return shape("WITH $cte AS ($below->{asked}) SELECT $list, s.x, s.k FROM $cte s", "WITH $cte AS ($below->{owned}) SELECT s.own, $list, s.x, s.k FROM $cte s", %units);
	}
	if ($kind == 2)
	{
		# the public side is kept: rows without an individual belong to nobody
		my $from = pick('places p LEFT JOIN (%s) s ON p.k = s.k', '(%s) s RIGHT JOIN places p ON p.k = s.x', '(%s) s FULL JOIN places p ON p.k = s.k');

		return shape("SELECT $list, s.x, p.k FROM " . sprintf($from, $below->{asked}), "SELECT s.own, $list, s.x, p.k FROM " . sprintf($from, $below->{owned}) . ' WHERE s.own IS NOT NULL', %units);
	}
	if ($kind == 3)
	{
		return shape("SELECT $list, p.x, s.k FROM ($below->{asked}) s LEFT JOIN places p ON p.k = s.k", "SELECT s.own, $list, p.x, s.k FROM ($below->{owned}) s LEFT JOIN places p ON p.k = s.k", %units);
	}
	my $other = chance(0.5) ? base() : join_of(base(), base());
	my $u = pick(@{ $below->{units} });
	my $v = pick(@{ $other->{units} });

	if ($kind == 4)
	{
		my ($not, $where) = (pick('', 'NOT '), condition('e'));
		my $exists = "WHERE ${not}EXISTS (SELECT 1 FROM (%s) e WHERE e.$v = s.$u AND $where)";

		return shape("SELECT $list, s.x, s.k FROM ($below->{asked}) s " . sprintf($exists, $other->{asked}), "SELECT s.own, $list, s.x, s.k FROM ($below->{owned}) s " . sprintf($exists, $other->{owned}), %units);
	}
	if ($kind == 5)
	{
		my $in = "WHERE s.$u " . pick('', 'NOT ') . "IN (SELECT e.$v FROM (%s) e)";

		return shape("SELECT $list, s.x, s.k FROM ($below->{asked}) s " . sprintf($in, $other->{asked}), "SELECT s.own, $list, s.x, s.k FROM ($below->{owned}) s " . sprintf($in, $other->{owned}), %units);
	}
	my $w = 'u' . ++$name;

	# a NULL in the place of the unit, in one branch
	return shape("SELECT s.$u AS $w, s.x, s.k FROM ($below->{asked}) s UNION ALL SELECT NULL, o.x, o.k FROM ($other->{asked}) o",
		"SELECT s.own, s.$u AS $w, s.x, s.k FROM ($below->{owned}) s UNION ALL SELECT o.own, NULL, o.x, o.k FROM ($other->{owned}) o", $w => 0) if chance(0.2);
	return shape("SELECT s.$u AS $w, s.x, s.k FROM ($below->{asked}) s UNION ALL SELECT o.$v, o.x, o.k FROM ($other->{asked}) o",
		"SELECT s.own, s.$u AS $w, s.x, s.k FROM ($below->{owned}) s UNION ALL SELECT o.own, o.$v, o.x, o.k FROM ($other->{owned}) o", $w => $below->{sure}->{$u} && $other->{sure}->{$v});
}

# Grouped by the unit.  If it may be NULL in all columns that are grouped by, the group of the
# NULL has rows of several individuals, and belongs to nobody.
sub grouped
{
	my ($below) = @_;
	my ($sure) = sort keys %{ $below->{sure} };
	my $partial = pick(@{ $below->{units} });
	my @by = $sure ? ($sure, grep { $_ ne $sure && chance(0.5) } $partial) : ($partial);
	my $own = $by[0];
	my $list = join ', ', map { "g.$_" } @by;
	my $of = chance(0.7) ? "count(*) AS x, min(g.k) AS k" : '';
	my ($select, $end) = $of ? ("SELECT $list, $of", "GROUP BY $list") : ("SELECT DISTINCT $list, g.x, g.k", '');

	return shape("$select FROM ($below->{asked}) g $end", $select =~ s/^SELECT (DISTINCT )?/'SELECT ' . ($1 || '') . "g.$own AS own, "/er . " FROM ($below->{owned}) g WHERE g.$own IS NOT NULL $end", map { $_ => $below->{sure}->{$_} || $_ eq $own } @by);
}

sub nested
{
	my ($depth) = @_;

	return base() if $depth == 0 || chance(0.1);
	my $kind = rand;

	return join_of(nested($depth - 1), nested(pick(0, $depth - 1))) if $kind < 0.5;
	return grouped(nested($depth - 1)) if $kind < 0.65;
	return around(nested($depth - 1));
}

# One aggregate, as the analyst writes it and as PostgreSQL has it.
sub aggregate
{
	my ($shape) = @_;
	my $u = pick(@{ $shape->{units} });

	return @{ pick(
		[ "count(DISTINCT t.$u)" ],
		[ "count(DISTINCT t.$u)" ],
		[ "count(DISTINCT t.${u}::bigint)" ],
		[ "dp_count_distinct(t.$u)", "count(DISTINCT t.$u)" ],
		[ "count(DISTINCT t.$u) FILTER (WHERE t.x > 2)" ],
		[ "count(t.$u)" ],
		[ "count(*) FILTER (WHERE t.$u IS NULL)" ],
		[ 'count(*)' ],
		[ 'count(t.x)' ],
		[ 'count(t.k) FILTER (WHERE t.x > 1)' ],
		[ 'count(t.x + t.k)' ]) };
}

sub statement
{
	my $shape = nested(1 + int rand 3);
	my $group = chance(0.3);
	my $where = chance(0.3) ? condition('t') : 'true';
	my @asked;
	my @owned;

	foreach (1 .. 3)
	{
		my ($asked, $owned) = aggregate($shape);

		push @asked, "round(($asked)::numeric, 3)";
		push @owned, 'round((' . ($owned // $asked) . ')::numeric, 3)';
	}
	return { asked => 'SELECT ' . join(', ', $group ? 't.k' : '0', @asked) . " FROM ($shape->{asked}) t WHERE $where AND \@with@" . ($group ? ' GROUP BY t.k' : ''),
		one => 'SELECT ' . ($group ? 't.k' : '0') . ', ' . pick('count(*)', map { ("count(DISTINCT t.$_)", "count(t.$_)") } @{ $shape->{units} }) . " FROM ($shape->{asked}) t WHERE $where AND dp_with(max_groups => 1, max_rows => 1)" . ($group ? ' GROUP BY t.k' : ''),
		owned => 'SELECT ' . join(', ', $group ? 't.k' : '0', @owned) . " FROM ($shape->{owned}) t WHERE $where" . ($group ? ' GROUP BY t.k' : '') };
}

# ---------- asking ----------

my @statements = map { statement() } 1 .. $queries;
my @fixed = (
	'SELECT count(DISTINCT patient) FROM (SELECT p.patient FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0) s',
	'SELECT count(DISTINCT u) FROM women',
	'SELECT count(DISTINCT p.patient) FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0',
	'WITH a AS (SELECT p.patient FROM people p RIGHT JOIN visits v USING (patient) WHERE true), b AS (SELECT a.patient AS q FROM a) SELECT count(DISTINCT q) FROM b',
	'SELECT count(DISTINCT patient) FROM (SELECT patient FROM tests UNION ALL SELECT p.patient FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0) s',
	'SELECT count(DISTINCT x) FROM (SELECT v.x FROM people p RIGHT JOIN visits v ON p.patient = v.patient UNION ALL SELECT x FROM tests) s',
	'SELECT count(DISTINCT x) FROM (SELECT w.x, w.u FROM people p RIGHT JOIN (SELECT x, patient AS u FROM visits) w ON p.patient = w.u AND p.k = 0 UNION ALL SELECT x, patient FROM tests) s',
	'SELECT count(DISTINCT q) FROM (SELECT p.patient AS q, v.x FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0) s LEFT JOIN tests t ON s.q = t.patient',
	'SELECT count(DISTINCT q) FILTER (WHERE n > 3) FROM (SELECT p.patient AS q, count(*) AS n FROM visits v LEFT JOIN people p ON v.patient = p.patient AND p.k = 0 GROUP BY p.patient) s',
	'SELECT count(*) FROM people WHERE patient IN (SELECT v.patient FROM visits v JOIN tests t ON v.patient = t.patient)',
	'SELECT count(*) FROM people WHERE patient IN (SELECT t.patient FROM visits v JOIN tests t ON v.patient = t.patient)');

# NULL NOT IN (...), and x NOT IN (..., NULL), tell of rows of others.
my @others = (
	'SELECT count(*) FROM people WHERE patient NOT IN (SELECT u FROM women)',
	'SELECT count(*) FROM people WHERE patient NOT IN (SELECT patient FROM tests UNION ALL SELECT u FROM women)',
	'SELECT count(*) FROM people WHERE patient NOT IN (SELECT patient FROM tests UNION ALL SELECT NULL FROM visits)',
	'SELECT count(*) FROM people WHERE patient NOT IN (SELECT u FROM (SELECT patient AS u FROM tests UNION ALL SELECT u FROM women) s)',
	'SELECT count(*) FROM people WHERE patient IN (SELECT u FROM women GROUP BY u)',
	'SELECT count(*) FROM women WHERE u NOT IN (SELECT patient FROM tests)',
	'SELECT count(*) FROM (SELECT patient AS u FROM tests UNION ALL SELECT u FROM women) s WHERE u NOT IN (SELECT patient FROM people)');

sub ask
{
	my ($role, $schema, @texts) = @_;

	return DpAgg::bulk($node, $role, [ "SET search_path = $schema, public", @texts ], timeout => 900);
}

# Without individuals there is no number.
sub lines { return join "\n", sort map { s/^0(\|(0\.000)?)+\z/nobody/r } split /\n/, $_[0]; }

foreach my $fixed (@fixed)
{
	my ($mine) = (ask('analyst', 'everyone', $fixed))[1];

	is("$mine->{sqlstate} $mine->{out}", '00000 ' . (ask(scalar getpwuid($>), 'everyone', $fixed))[1]->{out}, $fixed);
}

foreach my $other (@others)
{
	is((ask('analyst', 'everyone', $other))[1]->{sqlstate}, 'DP002', "refused: $other");
}

my @asked = ask('analyst', 'everyone', map { $_->{asked} =~ s/\@with\@/true/r } @statements);
my @owned = ask(scalar getpwuid($>), 'everyone', map { $_->{owned} } @statements);
my @ones = ask('analyst', 'everyone', map { $_->{one} } @statements);
my @fewer = ask('analyst', 'less', map { $_->{one} } @statements);
my %states;
my $wrong = 0;
my $leaks = 0;

foreach my $i (1 .. @statements)
{
	my $s = $statements[ $i - 1 ];

	next if grep { $_->[$i]->{sqlstate} eq '57014' } \@asked, \@owned, \@ones, \@fewer;	# joins that multiply
	die "$owned[$i]->{message}\n$s->{owned}" if $owned[$i]->{sqlstate} ne '00000';
	$states{"$asked[$i]->{sqlstate} $asked[$i]->{message}"}++;
	if ($asked[$i]->{sqlstate} eq '00000' && lines($asked[$i]->{out}) ne lines($owned[$i]->{out}) && $wrong++ < 3)
	{
		diag("$s->{asked}\ngives\n$asked[$i]->{out}\ninstead of\n$owned[$i]->{out}\n$s->{owned}");
	}
	next if $ones[$i]->{sqlstate} ne '00000';
	my %by;

	foreach my $part ([ 1, $ones[$i] ], [ -1, $fewer[$i] ])
	{
		foreach (split /\n/, $part->[1]->{out}) { my ($k, $n) = split /\|/, $_, -1; $by{$k} += $part->[0] * ($n || 0); }
	}
	my $distance = 0;

	$distance += abs foreach values %by;
	diag("$s->{one}\nchanges by $distance:\n$ones[$i]->{out}\nand\n$fewer[$i]->{out}") if $distance > 1 && $leaks++ < 3;
}
my $answered = 0;

$answered += $states{$_} foreach grep { /^00000/ } keys %states;
note("$states{$_} times $_") foreach sort keys %states;
is($wrong, 0, 'each answer is what PostgreSQL says of the rows that belong to somebody');
is($leaks, 0, 'an individual changes a count by one, if one row is granted');
cmp_ok($answered, '>', 0.6 * @statements, "$answered of $queries statements are answered");
is(join(' ', grep { !/^(00000|DP|42501)/ } keys %states), '', 'no statement fails otherwise');

done_testing();
