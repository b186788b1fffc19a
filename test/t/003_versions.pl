# Every version that has an install script can be installed and updated to the
# newest, and is then the same as the newest installed anew: object by object,
# with definitions, comments and privileges.  What was declared and spent stays.
#
# Also while there is one version only: its scripts have the right names, others
# that name the version agree, and the comparison sees each kind of difference.

use strict;
use warnings;
use Test::More;
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

# One row for each fact about the extension that another installation must have, too.
my $facts = <<'SQL';
SET search_path = pg_catalog;
WITH e AS (SELECT * FROM pg_extension WHERE extname = 'dp_agg'),
member AS (SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS name FROM pg_depend d, e
			WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'),
class AS (SELECT m.name, c.* FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass),
column_of AS (SELECT c.name, a.* FROM class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
			  UNION ALL
			  SELECT m.name, a.* FROM member m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass
				JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0),
proc AS (SELECT m.name, p.* FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass),
acl AS (SELECT name, relacl AS acl FROM class UNION ALL SELECT name, proacl FROM proc
		UNION ALL SELECT m.name, n.nspacl FROM member m JOIN pg_namespace n ON n.oid = m.objid AND m.classid = 'pg_namespace'::regclass
		UNION ALL SELECT name || ' column ' || attname, attacl FROM column_of WHERE attacl IS NOT NULL),
fact (name, kind, value) AS (
	SELECT name, 'exists', '' FROM member
	UNION ALL SELECT name, 'comment', obj_description(objid, classid::regclass::name) FROM member
	UNION ALL SELECT name, 'comment of ' || attname, col_description(attrelid, attnum) FROM column_of
	UNION ALL SELECT name, 'privilege', coalesce((SELECT string_agg(format('%s %s %s', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END,
			privilege_type, is_grantable), ', ') FROM (SELECT * FROM aclexplode(acl) ORDER BY grantee, privilege_type) x), 'default') FROM acl
	UNION ALL SELECT name, 'column ' || attnum, format('%s %s %s %s', attname, format_type(atttypid, atttypmod), attnotnull, attisdropped) FROM column_of
	UNION ALL SELECT name, 'default of ' || attname, pg_get_expr(d.adbin, d.adrelid) FROM column_of a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	UNION ALL SELECT c.name, 'constraint ' || k.conname, pg_get_constraintdef(k.oid) || coalesce(' -- ' || obj_description(k.oid, 'pg_constraint'), '')
		FROM class c JOIN pg_constraint k ON k.conrelid = c.oid
	UNION ALL SELECT c.name, 'index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) FROM class c JOIN pg_index i ON i.indrelid = c.oid
	UNION ALL SELECT c.name, 'trigger ' || t.tgname, pg_get_triggerdef(t.oid) FROM class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
	UNION ALL SELECT name, 'view', pg_get_viewdef(oid) FROM class WHERE relkind = 'v'
	UNION ALL SELECT name, 'options', format('%s %s %s %s', relkind, relpersistence, relrowsecurity, reloptions) FROM class
	UNION ALL SELECT c.name, 'sequence', format('%s %s %s %s %s %s', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
		FROM class c JOIN pg_sequence s ON s.seqrelid = c.oid
	UNION ALL SELECT name, 'function', pg_get_functiondef(oid) FROM proc WHERE prokind <> 'a'
	UNION ALL SELECT p.name, 'aggregate', row(p.pronargs, p.proargnames, p.provolatile, p.proparallel, a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
			a.aggdeserialfn, a.aggmtransfn, a.aggfinalextra, a.aggfinalmodify, a.aggsortop, a.aggtranstype::regtype, a.aggtransspace, a.agginitval)::text
		FROM proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid
	UNION ALL SELECT 'extension', 'dumps ' || t.oid::regclass, t.condition FROM e, unnest(e.extconfig, e.extcondition) t (oid, condition)
	UNION ALL SELECT 'extension', 'version', extversion FROM e
	UNION ALL SELECT m.name, 'initial privileges', (SELECT string_agg(format('%s %s', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type), ', ')
			FROM (SELECT * FROM aclexplode(i.initprivs) ORDER BY grantee, privilege_type) x)
		FROM member m JOIN pg_init_privs i ON i.objoid = m.objid AND i.classoid = m.classid AND i.objsubid = 0)
SELECT line FROM fact, concat(name, ': ', kind, ': ', replace(coalesce(value, 'NULL'), E'\n', ' ')) line ORDER BY line COLLATE "C"
SQL

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

sub facts_of
{
	my ($db) = @_;
	return split /\n/, $node->safe_psql($db, $facts);
}

# What only one of two lists has.
sub differences
{
	my ($one, $other) = @_;
	my %in_one = map { $_ => 1 } @$one;
	my %in_other = map { $_ => 1 } @$other;

	return ((map { "- $_" } grep { !$in_other{$_} } @$one), (map { "+ $_" } grep { !$in_one{$_} } @$other));
}

my $fresh = database($newest);
my @fresh = facts_of($fresh);
cmp_ok(scalar @fresh, '>', 1000, 'facts about the newest version');
is(join("\n", differences(\@fresh, [ facts_of(database($newest)) ])), '', 'another installation has the same');

# Each kind of difference is seen.
{
	my $changed = database($newest);
	my @before = facts_of($changed);

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
		my @after = facts_of($changed);
		my @found = differences(\@before, \@after);
		cmp_ok(scalar @found, '>', 0, "the comparison sees $name");
		@before = @after;
	}
}

# ---------- from every version to the newest ----------

my %known = map { $_ => 1 } keys %install, map { ($_, keys %{ $update{$_} }) } keys %update;
is($node->safe_psql('postgres', q{SELECT version FROM pg_available_extension_versions WHERE name = 'dp_agg' ORDER BY version COLLATE "C"}),
	join("\n", sort keys %known), 'the server knows the versions that sql/ has');
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
	is(join("\n", differences(\@fresh, [ facts_of($db) ])), '', "$version: updated, it is the same as $newest installed anew");
	is($node->safe_psql($db, $kept[$_]), $before[$_], "$version: kept: " . DpAgg::brief($kept[$_])) foreach 0 .. $#kept;
	is(DpAgg::as($node, 'analyst', $ask, db => $db)->{sqlstate}, '00000', "$version: and then there are releases");
	$node->safe_psql($db, 'DROP EXTENSION dp_agg CASCADE');
	is($node->safe_psql($db, q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('dp', 'dp_agg')}), 0, "$version: dropped, nothing is left");
}

$node->stop;
done_testing();
