# The extension installs, documents what it brings, and without the library in
# shared_preload_libraries nobody new can read anything.

use strict;
use warnings;
use Test::More;
use DpAgg;

my $node = DpAgg::node('main');

is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'dp_agg'"),
	'1.1', 'the version is 1.1');

is($node->safe_psql('postgres', <<'SQL'), '', 'every object of the extension has a comment');
SELECT pg_describe_object(classid, objid, objsubid)
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'dp_agg')
  AND deptype = 'e'
  AND coalesce(obj_description(objid, classid::regclass::name), '') = ''
  -- from PostgreSQL 17 on, row types and types of arrays are members, too
  AND NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid AND (t.typelem <> 0 OR t.typrelid <> 0)))
ORDER BY 1
SQL

DpAgg::visits($node);

my @raw = (
	'SELECT * FROM visits',
	'SELECT * FROM dp.visits',
	'SELECT cost FROM visits WHERE patient_id = 1',
	'COPY visits TO STDOUT',
	'TABLE dp.visits');
my @releases = (
	'SELECT dp_count(*) FROM visits',
	'SELECT clinic, count(*), avg(cost) FROM dp.visits GROUP BY clinic');

DpAgg::refused($node, 'analyst', $_, '42501') foreach @raw;
DpAgg::works($node, 'analyst', $_) foreach @releases;

$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;

DpAgg::refused($node, 'analyst', $_, '42501', "without the library: $_")
  foreach @raw, @releases;

$node->stop;
done_testing();
