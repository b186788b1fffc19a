# Every version that has an install script can be installed and updated to the
# newest, and is then the same as the newest installed anew: object by object,
# with definitions, comments and privileges.  What was declared and spent stays.  Versions that have
# no install script any more are installed by test/t/093_upgrade.pl.
#
# Also while there is one version only: its scripts have the right names, others
# that name the version agree, and the comparison sees each kind of difference.

use strict;
use warnings;
use Test::More;
use Catalog;
use DpAgg;
use JSON::PP;
use PostgreSQL::Test::Utils;

# ---------- files ----------

my $control = slurp_file('dp_agg.control');
my ($newest) = $control =~ /^default_version = '([^']+)'$/m;
like($newest, qr/^\d+\.\d+$/, 'dp_agg.control names the newest version');

# by(VERSION): a number to compare versions by.
sub by
{
	my ($major, $minor) = split /\./, $_[0];
	return $major * 1000 + $minor;
}

my (%install, %update);
foreach my $path (glob 'sql/*')
{
	my $head = slurp_file($path);
	my ($file) = $path =~ m{([^/]+)\z};

	if ($file =~ /^dp_agg--(\d+\.\d+)\.sql$/)
	{
		$install{$1} = $path;
		like($head, qr/\A\/\* dp_agg \Q$1\E: install script \*\/\n/, "$file: its first line says what it is");
		like($head, qr/^\\echo Use "CREATE EXTENSION dp_agg" to load this file\. \\quit$/m, "$file: is not for psql");
	}
	elsif ($file =~ /^dp_agg--(\d+\.\d+)--(\d+\.\d+)\.sql$/)
	{
		$update{$1}{$2} = $path;
		cmp_ok(by($1), '<', by($2), "$file: goes forward");
		like($head, qr/\A\/\* dp_agg \Q$1\E to \Q$2\E: upgrade script \*\/\n/, "$file: its first line says what it is");
		like($head, qr/^\\echo Use "ALTER EXTENSION dp_agg UPDATE TO '\Q$2\E'" to load this file\. \\quit$/m, "$file: is not for psql");
	}
	else
	{
		fail("$file: is neither dp_agg--VERSION.sql nor dp_agg--FROM--TO.sql");
	}
}
ok($install{$newest}, "the newest version, $newest, has an install script");
is(join(' ', grep { by($_) > by($newest) } keys %install, map { keys %$_ } values %update), '', 'and no script leads beyond it');

my $meta = decode_json(slurp_file('META.json'));
is($meta->{version}, "$newest.0", 'META.json: the version, in three parts');
is($meta->{provides}{dp_agg}{version}, "$newest.0", 'META.json: of what is provided, too');
is($meta->{provides}{dp_agg}{file}, $install{$newest}, 'META.json: the install script');
is(join(' ', grep { !$meta->{$_} } qw(name abstract maintainer license meta-spec)), '', 'META.json: what the specification of PGXN asks for');
ok(-f $meta->{provides}{dp_agg}{docfile}, 'META.json: the documentation');
my $changes = slurp_file('CHANGELOG.md');
my @sections = $changes =~ /^## \[(\d+\.\d+)\] - (?:\d{4}-\d\d-\d\d|unreleased)$/mg;
is($sections[0], $newest, 'CHANGELOG.md begins with the newest version');
is(join(' ', grep { $_ ne $newest && !$update{$_} } @sections), '', 'each older one in it has an upgrade script');

# ---------- the catalog ----------

my $node = DpAgg::node('versions', extension => 0);
my $superuser = getpwuid($<);
my $databases = 0;

# A database with the extension at a version.
sub database
{
	my ($version) = @_;
	my $db = 'v' . ++$databases;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "CREATE EXTENSION dp_agg VERSION '$version'");
	return $db;
}

my $fresh = database($newest);
my @fresh = Catalog::facts($node, $fresh);
cmp_ok(scalar @fresh, '>', 1000, 'facts about the newest version');
is(join("\n", Catalog::differences(\@fresh, [ Catalog::facts($node, database($newest)) ])), '', 'another installation has the same');

# Each kind of difference is seen.
{
	my $changed = database($newest);
	my @before = Catalog::facts($node, $changed);

	foreach my $case (
		[ 'a function more', 'CREATE FUNCTION dp_agg.more() RETURNS int LANGUAGE sql RETURN 1; ALTER EXTENSION dp_agg ADD FUNCTION dp_agg.more()' ],
		[ 'a function less', 'ALTER EXTENSION dp_agg DROP FUNCTION dp_agg.role_name(oid)' ],
		[ 'the body of a function', q{CREATE OR REPLACE FUNCTION dp_agg.base_type(type oid) RETURNS oid LANGUAGE sql STABLE STRICT PARALLEL SAFE AS 'SELECT type'} ],
		[ 'volatility', 'ALTER FUNCTION dp_agg.flat(anyelement) VOLATILE' ],
		[ 'a default of an argument', q{CREATE OR REPLACE FUNCTION dp_low(value anyelement, level double precision DEFAULT 0.9) RETURNS anyelement
			AS '$libdir/dp_agg', 'dp_interval_misplaced' LANGUAGE C STABLE PARALLEL SAFE} ],
		[ 'an aggregate', 'CREATE OR REPLACE AGGREGATE dp_count(*) (SFUNC = dp_agg.unreleased, STYPE = bigint, PARALLEL = SAFE)' ],
		[ 'a comment', q{COMMENT ON AGGREGATE dp_count(*) IS 'counts'} ],
		[ 'a comment of a column', q{COMMENT ON COLUMN dp_agg.account.role IS NULL} ],
		[ 'a privilege', 'GRANT EXECUTE ON FUNCTION dp_agg.check_period(interval) TO PUBLIC' ],
		[ 'a privilege on a view', 'REVOKE SELECT ON dp_agg.language FROM PUBLIC' ],
		[ 'a privilege on a schema', 'GRANT CREATE ON SCHEMA dp TO PUBLIC' ],
		[ 'a view', 'CREATE OR REPLACE VIEW dp_agg.my_roles WITH (security_barrier) AS SELECT oid AS role FROM pg_roles' ],
		[ 'an option of a view', 'ALTER VIEW dp_agg.my_budget RESET (security_barrier)' ],
		[ 'a column', 'ALTER TABLE dp_agg.release ADD note text' ],
		[ 'NOT NULL', 'ALTER TABLE dp_agg.release ALTER tier SET NOT NULL' ],
		[ 'a default', 'ALTER TABLE dp_agg.release ALTER reused SET DEFAULT true' ],
		[ 'a constraint', 'ALTER TABLE dp_agg.account DROP CONSTRAINT account_period_check' ],
		[ 'an index', 'CREATE INDEX ON dp_agg.release (at)' ],
		[ 'storage of a table', 'ALTER TABLE dp_agg.account SET (fillfactor = 90)' ],
		[ 'a sequence', 'ALTER SEQUENCE dp_agg.account_change_waiting_number_seq INCREMENT 2' ],
		[ 'a type', 'ALTER TYPE dp_agg.category ADD ATTRIBUTE share numeric' ],
		[ 'what is dumped', q{UPDATE pg_extension SET extcondition[1] = '' WHERE extname = 'dp_agg'} ])
	{
		my ($name, $sql) = @$case;
		$node->safe_psql($changed, $sql);
		my @after = Catalog::facts($node, $changed);
		my @found = Catalog::differences(\@before, \@after);
		cmp_ok(scalar @found, '>', 0, "the comparison sees $name");
		@before = @after;
	}
}

# ---------- from every version to the newest ----------

# A version without an install script is not one that can be installed.
my %known = map { $_ => 1 } keys %install, map { keys %{ $update{$_} } } grep { $install{$_} } keys %update;
is($node->safe_psql('postgres', q{SELECT version FROM pg_available_extension_versions WHERE name = 'dp_agg' ORDER BY version COLLATE "C"}),
	join("\n", sort keys %known), 'the server knows the versions that sql/ can install');
is($node->safe_psql('postgres', "SELECT string_agg(source, ' ') FROM pg_extension_update_paths('dp_agg') WHERE target = '$newest' AND path IS NULL"),
	'', 'from each of them a path leads to the newest');

# What is declared and spent: the same before and after.
my @kept = ('SELECT relation, population, unit, max_groups, max_rows, columns, bounds, domains, facade FROM dp_agg.protected_relations ORDER BY facade',
	q{SELECT role, population, epsilon_limit, epsilon_spent, delta_limit, delta_spent, period FROM dp_agg.budgets ORDER BY role, population},
	'SELECT session_role, population, relations, query, epsilon, delta, outputs FROM dp_agg.releases ORDER BY id');

foreach my $version (sort { by($a) <=> by($b) } keys %install)
{
	my $db = database($version);

	$node->safe_psql($db, <<'SQL');
CREATE TABLE visits (person int, clinic text, cost int NOT NULL);
INSERT INTO visits SELECT p, 'clinic ' || p % 2, p % 10 FROM generate_series(1, 1000) p;
SELECT dp_agg.protect('visits', 'person', 'patients', max_groups => 2, columns => '{clinic,cost}');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 10);
SELECT dp_agg.set_domain('visits', 'clinic', '{clinic 0,clinic 1,clinic 2}');
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 10, period => '1 month');
SQL
	my $ask = 'SELECT clinic, count(*), avg(cost) FROM visits GROUP BY clinic';
	# The newest library may refuse to work with an old version, but nothing else.
	my $r = DpAgg::as($node, 'analyst', $ask, db => $db);
	like($r->{sqlstate}, $version eq $newest ? qr/^00000$/ : qr/^(00000|DP00\d)$/, "$version: a release before") or diag($r->{err});
	my @before = map { $node->safe_psql($db, $_) } @kept;

	$node->safe_psql($db, 'ALTER EXTENSION dp_agg UPDATE') if $version ne $newest;
	is(join("\n", Catalog::differences(\@fresh, [ Catalog::facts($node, $db) ])), '', "$version: updated, it is the same as $newest installed anew");
	is($node->safe_psql($db, $kept[$_]), $before[$_], "$version: kept: " . DpAgg::brief($kept[$_])) foreach 0 .. $#kept;
	is(DpAgg::as($node, 'analyst', $ask, db => $db)->{sqlstate}, '00000', "$version: and then there are releases");
	$node->safe_psql($db, 'DROP EXTENSION dp_agg CASCADE');
	is($node->safe_psql($db, q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('dp', 'dp_agg')}), 0, "$version: dropped, nothing is left");
}

$node->stop;
done_testing();
