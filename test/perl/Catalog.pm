# Catalog.pm
#	What the extension has put into a database, as text to compare.
#
#	use Catalog;
#	my @one = Catalog::facts($node, 'one');
#	is(join("\n", Catalog::differences(\@one, [ Catalog::facts($node, 'other') ])), '', 'both are the same');

package Catalog;

use strict;
use warnings;

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
	UNION ALL SELECT c.name, 'trigger ' || t.tgname, pg_get_triggerdef(t.oid) || coalesce(' -- ' || obj_description(t.oid, 'pg_trigger'), '') FROM class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
	UNION ALL SELECT name, 'view', pg_get_viewdef(oid) FROM class WHERE relkind = 'v'
	UNION ALL SELECT name, 'options', format('%s %s %s %s', relkind, relpersistence, relrowsecurity, reloptions) FROM class
	UNION ALL SELECT c.name, 'sequence', format('%s %s %s %s %s %s', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
		FROM class c JOIN pg_sequence s ON s.seqrelid = c.oid
	UNION ALL SELECT name, 'function', pg_get_functiondef(oid) FROM proc WHERE prokind <> 'a'
	UNION ALL SELECT p.name, 'aggregate', row(p.pronargs, p.proargnames, p.provolatile, p.proparallel, a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
			a.aggdeserialfn, a.aggmtransfn, a.aggfinalextra, a.aggfinalmodify, a.aggsortop, a.aggtranstype::regtype, a.aggtransspace, a.agginitval)::text
		FROM proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid
	UNION ALL SELECT 'extension', 'dumps ' || t.oid::regclass, t.condition FROM e, unnest(e.extconfig, e.extcondition) t (oid, condition)
	UNION ALL SELECT name, 'owner', pg_get_userbyid(owner) FROM (SELECT name, relowner FROM class UNION ALL SELECT name, proowner FROM proc
		UNION ALL SELECT m.name, t.typowner FROM member m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass) o (name, owner)
	UNION ALL SELECT 'extension', 'version', extversion FROM e
	UNION ALL SELECT m.name, 'initial privileges', (SELECT string_agg(format('%s %s', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END, privilege_type), ', ')
			FROM (SELECT * FROM aclexplode(i.initprivs) ORDER BY grantee, privilege_type) x)
		FROM member m JOIN pg_init_privs i ON i.objoid = m.objid AND i.classoid = m.classid AND i.objsubid = 0)
SELECT line FROM fact, concat(name, ': ', kind, ': ', replace(coalesce(value, 'NULL'), E'\n', ' ')) line ORDER BY line COLLATE "C"
SQL

# facts(NODE, DATABASE): a list of lines, each "object: kind of fact: fact".
sub facts
{
	my ($node, $db) = @_;

	return split /\n/, $node->safe_psql($db, $facts);
}

# differences(ONE, OTHER): what only one of two lists has, "- line" and "+ line".
sub differences
{
	my ($one, $other) = @_;
	my %in_one = map { $_ => 1 } @$one;
	my %in_other = map { $_ => 1 } @$other;

	return ((map { "- $_" } grep { !$in_other{$_} } @$one), (map { "+ $_" } grep { !$in_one{$_} } @$other));
}

1;
