# Classes of columns: how they are declared, kept, inherited, dumped and restored; what
# they do to facades and to the description of a release; what suggest_classes() proposes.
# That direct identifiers stand in no release is tried in test/attacks/21_identifiers.pl.

use strict;
use warnings;
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('classes', roles => [ 'analyst', 'owner', 'stranger' ], init => { extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ] });

sub query
{
	return $node->safe_psql('postgres', $_[0]);
}

# The end of a statement as a superuser: SQLSTATE and message, then notices, hints and details.
sub ends
{
	my ($sql, $role) = @_;
	my $r = DpAgg::as($node, $role // $node->safe_psql('postgres', 'SELECT current_user'), $sql);

	return "$r->{sqlstate} $r->{message}\n$r->{err}";
}

my $classes = 'SELECT relation, "column", class, processing, remaining, receiver_has_key, tier FROM dp_agg.classified_columns ORDER BY relation::text, "column"';

query(<<'SQL');
CREATE TABLE visits (patient_id int, phone text, age int, zip text, clinic text, cost numeric);
INSERT INTO visits SELECT i, '1380000' || i, i % 90, 'z' || i % 5, 'c' || i % 3, i % 100 FROM generate_series(1000, 2000) i;
SELECT dp_agg.protect('visits', 'patient_id', 'patients');
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 1e6, delta => 0.1);
SQL

# ---------- what is declared ----------

my @columns = (
	# class, the rest of the call, what the view shows
	[ "'direct_identifier'", 'direct_identifier|raw|||high' ],
	[ "'direct_identifier', 'masked', remaining => 4", 'direct_identifier|masked|4||low' ],
	[ "'direct_identifier', 'masked', remaining => 5", 'direct_identifier|masked|5||medium' ],
	[ "'direct_identifier', 'masked'", 'direct_identifier|masked|||medium', qr/NOTICE.*how many characters remain.*HINT.*lightly/s ],
	[ "'direct_identifier', 'generalised'", 'direct_identifier|generalised|||medium' ],
	[ "'direct_identifier', 'pseudonymised'", 'direct_identifier|pseudonymised|||medium' ],
	[ "'direct_identifier', 'encrypted'", 'direct_identifier|encrypted|||high', qr/NOTICE.*who holds the key.*HINT.*held by the receiver/s ],
	[ "'direct_identifier', 'encrypted', receiver_has_key => true", 'direct_identifier|encrypted||t|high' ],
	[ "'direct_identifier', 'encrypted', receiver_has_key => false", 'direct_identifier|encrypted||f|low' ],
	[ "'quasi_identifier'", 'quasi_identifier|raw|||medium' ],
	[ "'quasi_identifier', 'generalised'", 'quasi_identifier|generalised|||low' ],
	[ "'sensitive', NULL", 'sensitive|raw|||medium' ],
	[ "'ordinary'", 'ordinary|raw|||low' ]);
foreach (@columns)
{
	my ($call, $shown, $notice) = @$_;
	my $end = ends("SELECT dp_agg.classify('visits', 'phone', $call)");

	like($end, $notice // qr/^00000 \n\s*\z/, "classify: $call");
	is(query($classes), "visits|phone|$shown", "what is shown: $call");
}
is(query("SELECT dp_agg.classify('visits', 'phone', NULL)") . query($classes), '', 'and removed');
is(query("SELECT dp_agg.classify('visits', 'phone', NULL)") . query($classes), '', 'twice, too');
is(query("SELECT count(*) FROM pg_seclabel WHERE provider = 'dp_agg' AND objoid = 'visits'::regclass AND objsubid = 2"), 0, 'no label is left');

my $class_hint = qr/HINT:  Classes are direct_identifier, quasi_identifier, sensitive and ordinary\./;
my $processing_hint = qr/HINT:  Values may be raw, masked, generalised, pseudonymised and encrypted\./;
foreach (
	[ "'visits', 'phone', 'secret'", qr/^22023 there is no class "secret"\n.*$class_hint/s ],
	[ "'visits', 'phone', ''", qr/^22023 "class" in a dp_agg label must be a string/ ],
	[ "'visits', 'phone', 'sensitive', 'hashed'", qr/^22023 there is no processing "hashed"\n.*$processing_hint/s ],
	[ "'visits', 'phone', 'sensitive', 'raw', 3", qr/^22023 characters remain of masked values only\n.*HINT/s ],
	[ "'visits', 'phone', 'sensitive', 'masked', -1", qr/^22023 the number of characters that remain must be an integer of at least 0\n.*HINT/s ],
	[ "'visits', 'phone', 'sensitive', 'masked', 3, true", qr/^22023 only encrypted values have a key\n.*HINT/s ],
	[ "'visits', 'phone', 'sensitive', 'raw', NULL, false", qr/^22023 only encrypted values have a key/ ],
	[ "'visits', 'nothing', 'sensitive'", qr/^42703 column "nothing" of relation public\.visits does not exist/ ],
	[ "'visits', 'ctid', 'sensitive'", qr/^42703 / ],
	[ "'visits', NULL, 'sensitive'", qr/^22004 / ],
	[ "NULL, 'phone', 'sensitive'", qr/^22004 / ],
	[ "'dp.visits', 'phone', 'sensitive'", qr/^42809 columns of "dp\.visits" cannot be classified\n.*HINT:  Classify the columns of the tables below a view/s ],
	[ "'pg_class', 'relname', 'sensitive'", qr/^42809 / ])
{
	like(ends("SELECT dp_agg.classify($_->[0])"), $_->[1], "refused: $_->[0]");
}
foreach (
	[ '{"class": 5}', '22023' ], [ '{"processing": "raw"}', '22023' ], [ '{"remaining": 4}', '22023' ], [ '{"key_held": true}', '22023' ],
	[ '{"class": "sensitive", "processing": "masked", "remaining": 1.5}', '22023' ], [ '{"class": "sensitive", "processing": "masked", "remaining": "4"}', '22023' ],
	[ '{"class": "sensitive", "processing": "masked", "remaining": 1e300}', '22023' ], [ '{"class": "sensitive", "processing": "encrypted", "key_held": "no"}', '22023' ],
	[ '{"class": "direct_identifier", "lower": 0, "upper": 5}', 'DP003' ], [ '{"class": "direct_identifier", "domain": ["a"]}', 'DP003' ],
	[ '{"class": "direct_identifier", "processing": "masked", "remaining": 4, "domain": ["a"]}', 'DP003' ])
{
	like(ends("BEGIN; SECURITY LABEL FOR dp_agg ON COLUMN visits.phone IS '$_->[0]'; ROLLBACK"), qr/^$_->[1] /, "a label by hand, $_->[1]: $_->[0]");
}
is(query($classes), '', 'none of these changed anything');

# ---------- who may ----------

query('CREATE TABLE theirs (a int, b text); ALTER TABLE theirs OWNER TO owner; GRANT SELECT ON theirs TO stranger');
like(ends("SELECT dp_agg.classify('theirs', 'b', 'sensitive')", 'owner'), qr/^42501 permission denied for function classify/, 'an owner without EXECUTE may not');
query('GRANT EXECUTE ON FUNCTION dp_agg.classify TO owner, stranger');
like(ends("SELECT dp_agg.classify('theirs', 'b', 'sensitive')", 'owner'), qr/^42501 permission denied to change the protection of relations/, 'nor without that on protect()');
query('GRANT EXECUTE ON FUNCTION dp_agg.protect(regclass, name, name, integer, integer, name[]), dp_agg.protect(regclass, name[], name, integer, integer, name[]) TO owner, stranger');
like(ends("SELECT dp_agg.classify('theirs', 'b', 'sensitive')", 'owner'), qr/^00000/, 'with both it may');
like(ends("SELECT dp_agg.classify('theirs', 'b', 'ordinary')", 'stranger'), qr/^42501 must be owner of table theirs/, 'who is no owner may not');
like(ends($classes, 'owner'), qr/^42501/, 'the list is not for everybody');
{
	# A lock that is not given is not waited for, either.
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('BEGIN; LOCK TABLE theirs IN SHARE UPDATE EXCLUSIVE MODE');
	like(ends("SET lock_timeout = '2s'; SELECT dp_agg.lock_label('theirs', 1::int2)", 'stranger'), qr/^42501/, 'who may not has no lock');
	like(ends("SET lock_timeout = '1s'; SELECT dp_agg.classify('theirs', 'b', 'ordinary')", 'owner'), qr/^55P03/, 'who may waits for others who label');
	$holder->query_safe('ROLLBACK');
	$holder->quit;
}
query("SELECT dp_agg.classify('theirs', 'b', NULL)");

# ---------- what follows the column ----------

# A relation that is not protected, and does not become so.
query("CREATE TABLE clinics (clinic text, boss text, x int); INSERT INTO clinics VALUES ('c1', 'somebody', 1); SELECT dp_agg.classify('clinics', 'boss', 'direct_identifier'), dp_agg.classify('clinics', 'x', 'ordinary')");
is(query("SELECT count(*) FROM dp_agg.protected_relations WHERE relation = 'clinics'::regclass"), 0, 'a classified relation is not protected by that');
query('GRANT SELECT ON clinics TO analyst');
is(DpAgg::value($node, 'analyst', 'SELECT boss FROM clinics'), 'somebody', 'and is read as before');
query('ALTER TABLE clinics RENAME boss TO head; ALTER TABLE clinics DROP x');
is(query($classes), 'clinics|head|direct_identifier|raw|||high', 'classes follow renaming and dropping');
query('ALTER TABLE clinics RENAME TO houses; ALTER TABLE houses ALTER head TYPE varchar(50)');
is(query($classes), 'houses|head|direct_identifier|raw|||high', 'and renaming of the table, and a new type');
query("ALTER TABLE houses DROP head, ADD head text; CREATE TABLE flats (LIKE houses INCLUDING ALL)");
is(query($classes), '', 'a new column of the same name has none');
query("SELECT dp_agg.classify('houses', 'head', 'sensitive'); DROP TABLE houses, flats");
is(query($classes), '', 'a dropped table leaves none');

# Protection comes and goes, classes stay.
query(<<'SQL');
SELECT dp_agg.classify('visits', 'phone', 'direct_identifier'), dp_agg.classify('visits', 'age', 'quasi_identifier'), dp_agg.classify('visits', 'cost', 'sensitive');
SELECT dp_agg.set_bounds('visits', 'cost', 0, 100);
SELECT dp_agg.set_bounds('visits', 'age', 0, 100);
SQL
my $three = "visits|age|quasi_identifier|raw|||medium\nvisits|cost|sensitive|raw|||medium\nvisits|phone|direct_identifier|raw|||high";
is(query($classes), $three, 'classes beside bounds');
query("SELECT dp_agg.unprotect('visits')");
is(query($classes), $three, 'unprotect() keeps classes');
is(query("SELECT string_agg(label, ' ' ORDER BY objsubid) FROM pg_seclabel WHERE provider = 'dp_agg' AND objoid = 'visits'::regclass"),
	'{"class": "direct_identifier", "processing": "raw"} {"class": "quasi_identifier", "processing": "raw"} {"class": "sensitive", "processing": "raw"}', 'and nothing else');
query("SELECT dp_agg.protect('visits', 'patient_id', 'patients'), dp_agg.set_bounds('visits', 'cost', 0, 100)");
query("SELECT dp_agg.protect('visits', 'patient_id', 'patients', max_rows => 2)");
is(query($classes), $three, 'protect() keeps them, once and again');
is(query("SELECT bounds FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass"), '{"cost": [0, 100]}', 'and bounds');

# Bounds and domains.
like(ends("SELECT dp_agg.set_bounds('visits', 'age', 0, 100)"), qr/^00000/, 'a quasi-identifier may have bounds');
like(ends("SELECT dp_agg.set_domain('visits', 'phone', '{a,b}')"), qr/^DP003 column "phone" is a direct identifier, which has neither bounds nor a domain\n.*HINT/s, 'a direct identifier has no domain');
like(ends("SELECT dp_agg.classify('visits', 'age', 'direct_identifier')"), qr/^00000.*NOTICE.*bounds and domain of column "age" are removed/s, 'what becomes a direct identifier loses its bounds');
is(query("SELECT bounds FROM dp_agg.protected_relations WHERE relation = 'visits'::regclass"), '{"cost": [0, 100]}', 'and only it');
like(ends("SELECT dp_agg.set_bounds('visits', 'age', 0, 100)"), qr/^DP003 column "age" is a direct identifier/, 'and gets no others');
query("SELECT dp_agg.classify('visits', 'age', 'quasi_identifier'), dp_agg.set_bounds('visits', 'age', 0, 100)");

# ---------- generated columns ----------

query(<<'SQL');
CREATE TABLE made (k int, card text, zip text, shown text GENERATED ALWAYS AS (left(card, 2) || zip) STORED, area text GENERATED ALWAYS AS (left(zip, 1)) STORED);
CREATE TABLE made_of () INHERITS (made);
SELECT dp_agg.classify('made', 'zip', 'quasi_identifier');
SQL
sub identifiers_of
{
	return query("SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = '$_[0]'::regclass AND attnum > 0 AND NOT attisdropped AND dp_agg.is_direct_identifier(attrelid, attnum)");
}
is(identifiers_of('made'), '', 'columns made of others than direct identifiers');
query("SELECT dp_agg.classify('made', 'card', 'direct_identifier')");
is(identifiers_of($_), 'card shown', "what is made of a direct identifier is one, in $_") foreach qw(made made_of);
query("SELECT dp_agg.classify('made', 'shown', 'quasi_identifier', 'masked', 2)");
is(identifiers_of('made'), 'card', 'until somebody says what it is');
query("SELECT dp_agg.classify('made', 'shown', NULL), dp_agg.classify('made', 'card', 'direct_identifier', 'masked', 4)");
is(identifiers_of('made'), 'card shown', 'however it was processed');
query("SELECT dp_agg.classify('made', 'card', NULL), dp_agg.classify('made_of', 'card', 'direct_identifier')");
is(identifiers_of('made'), 'card shown', 'also where a child says so');
query("SELECT dp_agg.classify('made_of', 'card', NULL); DROP TABLE made CASCADE");

# ---------- partitions and children ----------

# is_direct_identifier() shows which columns a relation itself has classes for, or has from others.
sub direct
{
	my ($table) = @_;

	return query("SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped AND dp_agg.is_direct_identifier(attrelid, attnum)");
}
query(<<'SQL');
CREATE TABLE parted (gone int, k int, phone text, card text) PARTITION BY RANGE (k);
ALTER TABLE parted DROP gone;
CREATE TABLE part1 (card text, more_gone int, phone text, k int);
ALTER TABLE part1 DROP more_gone;
CREATE TABLE part2 (phone text, card text, k int) PARTITION BY RANGE (k);
CREATE TABLE part21 (k int, card text, phone text);
ALTER TABLE part2 ATTACH PARTITION part21 FOR VALUES FROM (10) TO (15);
SELECT dp_agg.classify('parted', 'phone', 'direct_identifier');
SQL
is(direct('part1') . direct('part21'), '', 'tables that are no partitions yet');
query('ALTER TABLE parted ATTACH PARTITION part1 FOR VALUES FROM (0) TO (10); ALTER TABLE parted ATTACH PARTITION part2 FOR VALUES FROM (10) TO (20)');
is(direct($_), 'phone', "$_ has the class by the column's name") foreach qw(parted part1 part2 part21);
query("SELECT dp_agg.classify('part1', 'phone', 'ordinary'), dp_agg.classify('parted', 'card', 'direct_identifier')");
is(direct('parted'), 'card phone', 'which does not speak for the parent');
query("SELECT dp_agg.classify('parted', 'phone', NULL), dp_agg.classify('parted', 'card', NULL), dp_agg.classify('part21', 'card', 'direct_identifier'), dp_agg.classify('part1', 'card', 'quasi_identifier')");
is(direct('parted') . ', ' . direct('part2') . ', ' . direct('part1'), 'card, card, ', 'a direct identifier of a partition is one of all that it is a partition of, and not of others');
query("SELECT dp_agg.classify('parted', 'card', 'ordinary')");
is(direct('parted'), 'card', 'whatever they say');
query("SELECT dp_agg.protect('parted', 'k', 'parts')");
is(query("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp.parted'::regclass AND attnum > 0"), 'k phone', 'their facade goes by that');
query("SELECT dp_agg.classify('part21', 'card', NULL)");
is(query("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp.parted'::regclass AND attnum > 0"), 'k phone card', 'and is made anew when a partition is classified otherwise');
query("SELECT dp_agg.unprotect('parted'), dp_agg.classify('part1', 'card', NULL), dp_agg.classify('parted', 'phone', 'direct_identifier'), dp_agg.classify('parted', 'card', 'direct_identifier')");
is(direct('part1'), 'card', 'its own class comes first, that of other columns is added');
is(direct('part21'), 'card phone', 'a new class reaches partitions of partitions');
query('ALTER TABLE parted RENAME phone TO call');
is(direct('part21'), 'call card', 'renaming, too');
query('ALTER TABLE parted DETACH PARTITION part2');
is(direct('part21'), '', 'a partition that is detached has none');
query(<<'SQL');
CREATE TABLE mother (a text, b text);
CREATE TABLE father (b text, c text);
CREATE TABLE child (x int, c text, b text, a text) INHERITS (mother, father);
SELECT dp_agg.classify('mother', 'a', 'direct_identifier'), dp_agg.classify('father', 'c', 'direct_identifier'), dp_agg.classify('father', 'b', 'direct_identifier');
SQL
is(direct('child'), 'a b c', 'a child has those of all parents');
query("SELECT dp_agg.protect('child', 'x', 'children')");
is(query("SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'dp.child'::regclass AND attnum > 0"), 'x', 'and its facade goes by them');
query("SELECT dp_agg.classify('mother', 'a', NULL)");
is(query("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp.child'::regclass AND attnum > 0"), 'a x', 'which is made anew when a parent is classified otherwise');
query('CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id, $$x$$::text AS phone');
is(query("SELECT dp_agg.classify('kept', 'phone', 'direct_identifier')") . direct('kept'), 'phone', 'a materialized view');
query('DROP MATERIALIZED VIEW kept; DROP TABLE child, mother, father, parted, part2 CASCADE');

# ---------- the facade ----------

sub facade
{
	return query("SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp.visits'::regclass AND attnum > 0 AND NOT attisdropped");
}
is(facade(), 'patient_id age zip clinic cost', 'protect() leaves direct identifiers out');
like(ends("SELECT dp_agg.protect('visits', 'patient_id', 'patients', columns => '{clinic,phone}')"),
	qr/^22023 column "phone" of relation public\.visits is classified as a direct_identifier\n.*HINT/s, 'and refuses them by name');
is(facade(), 'patient_id age zip clinic cost', 'which changes nothing');
query(<<'SQL');
CREATE ROLE reader;
GRANT SELECT ON dp.visits TO reader WITH GRANT OPTION;
GRANT SELECT (age), UPDATE (clinic) ON dp.visits TO stranger;
REVOKE SELECT ON dp.visits FROM PUBLIC;
COMMENT ON COLUMN dp.visits.zip IS 'where they live';
COMMENT ON COLUMN dp.visits.age IS 'how old';
COMMENT ON VIEW dp.visits IS 'ask here';
ALTER VIEW dp.visits SET (security_barrier = true);
ALTER DEFAULT PRIVILEGES IN SCHEMA dp GRANT INSERT ON TABLES TO reader;
SQL
my $kept = q{SELECT relacl, reloptions, relowner::regrole, obj_description(oid, 'pg_class'), (SELECT string_agg(attname || ' ' || coalesce(attacl::text, '') || ' ' || coalesce(col_description(attrelid, attnum), ''), ', ' ORDER BY attname)
	FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND (attacl IS NOT NULL OR col_description(attrelid, attnum) IS NOT NULL)) FROM pg_class c WHERE oid = 'dp.visits'::regclass};
my $was = query($kept);
my $oid = query("SELECT 'dp.visits'::regclass::oid");
query("SELECT dp_agg.classify('visits', 'cost', 'ordinary'), dp_agg.classify('visits', 'clinic', 'quasi_identifier'), dp_agg.classify('visits', 'zip', 'quasi_identifier', 'masked', 3)");
is(query("SELECT 'dp.visits'::regclass::oid"), $oid, 'other classes leave the facade as it is');
query("SELECT dp_agg.classify('visits', 'zip', 'direct_identifier')");
is(facade(), 'patient_id age clinic cost', 'a column that becomes a direct identifier leaves the facade');
is(query($kept), $was =~ s/, zip  where they live//r, 'which keeps owner, options, grants and comments');
query("SELECT dp_agg.classify('visits', 'zip', 'quasi_identifier')");
is(facade(), 'patient_id age zip clinic cost', 'and comes back when it is none');
is(query($kept), $was =~ s/, zip  where they live//r, 'without its comment');
query('ALTER DEFAULT PRIVILEGES IN SCHEMA dp REVOKE INSERT ON TABLES FROM reader');

query('CREATE VIEW report AS SELECT clinic, zip FROM dp.visits');
my $labels = query($classes);
like(ends("SELECT dp_agg.classify('visits', 'zip', 'direct_identifier')"), qr/^2BP01 the facade dp\.visits has to be made anew, but other objects depend on it\n.*DETAIL:  view (public\.)?report depends on view dp\.visits\n.*HINT/s, 'what the administrator made of the facade is not dropped');
is(facade() . query($classes), 'patient_id age zip clinic cost' . $labels, 'and nothing is half done');
query('DROP VIEW report');

# The unit, and a facade without columns.
query("SELECT dp_agg.protect('visits', 'patient_id', 'patients', columns => '{patient_id,zip}'); GRANT SELECT ON dp.visits TO PUBLIC");
is(facade(), 'patient_id zip', 'columns that were listed');
query("SELECT dp_agg.classify('visits', c, 'direct_identifier') FROM unnest('{patient_id,zip}'::name[]) c");
is(facade(), '', 'all of them are direct identifiers');
like(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 10; SELECT count(*) FROM dp.visits'), qr/^(99\d|100\d)$/, 'a facade without columns can be counted');
query("SELECT dp_agg.classify('visits', 'zip', 'direct_identifier', 'encrypted', receiver_has_key => false)");
is(facade(), '', 'however its values were processed');
query("SELECT dp_agg.classify('visits', 'zip', 'quasi_identifier', 'encrypted', receiver_has_key => false)");
is(facade(), 'zip', 'one comes back');
query("SELECT dp_agg.protect('visits', 'patient_id', 'patients')");

# The facade belongs to somebody else.
query('ALTER VIEW dp.visits OWNER TO reader; ALTER TABLE visits OWNER TO owner; GRANT ALL ON SCHEMA dp TO reader');
like(ends("SELECT dp_agg.classify('visits', 'age', 'direct_identifier')", 'owner'), qr/^00000/, 'which is no obstacle');
is(query("SELECT relowner::regrole FROM pg_class WHERE oid = 'dp.visits'::regclass") . ' ' . facade(), 'reader zip clinic cost', 'and it keeps its owner');
query('DROP VIEW dp.visits');
like(ends("SELECT dp_agg.classify('visits', 'age', 'quasi_identifier')"), qr/^00000/, 'a facade that was dropped stays away');
query("SELECT dp_agg.protect('visits', 'patient_id', 'patients'); SELECT dp_agg.set_bounds('visits', 'cost', 0, 100)");

# ---------- quasi-identifiers among the keys ----------

query("SELECT dp_agg.classify('visits', 'zip', 'quasi_identifier'), dp_agg.classify('visits', 'clinic', NULL)");
query("CREATE TABLE towns (clinic text, town text); INSERT INTO towns SELECT 'c' || i, 't' || i FROM generate_series(0, 2) i; SELECT dp_agg.classify('towns', 'town', 'quasi_identifier')");

# The number of quasi-identifiers and their names, out of the description in the printed plan.
sub quasi_keys
{
	my ($sql) = @_;
	my $place = -s $node->logfile;

	$node->safe_psql('postgres', "SET debug_print_plan = on; SET debug_pretty_print = off; SET dp_agg.epsilon = 10; $sql");
	foreach my $const (slurp_file($node->logfile, $place) =~ /:constvalue\s+\d+\s+\[\s+((?:-?\d+\s+)+)\]/g)
	{
		my $bytes = pack 'C*', map { $_ & 255 } split ' ', $const;

		# after the names of the relations and of the outputs
		return "$1: $2" =~ s/^(..)/unpack 'n', $1/er if substr($bytes, 4, 4) eq 'DPrd' && $bytes =~ /public\.visits\0.dp_count\(\*\)(..)\0.([a-z, ]*)/s;
	}
	return 'no description';
}
foreach (
	[ 'SELECT age, zip, dp_count(*) FROM visits GROUP BY 1, 2', '2: age, zip' ],
	[ 'SELECT clinic, dp_count(*) FROM visits GROUP BY 1', '0: ' ],
	[ 'SELECT dp_count(*) FROM visits WHERE age > 5 AND zip > $$z$$', '0: ' ],
	[ 'SELECT age / 10 + age, dp_count(*) FROM visits GROUP BY 1', '1: age' ],
	[ 'SELECT CASE WHEN age > 50 THEN zip ELSE clinic END, dp_count(*) FROM visits GROUP BY 1', '2: age, zip' ],
	[ 'SELECT a, z, dp_count(*) FROM (SELECT age % 3 AS a, zip AS z, cost FROM visits) s GROUP BY 1, 2', '2: age, zip' ],
	[ 'WITH w AS (SELECT age % 3 AS a, zip || clinic AS z FROM visits) SELECT a, z, dp_count(*) FROM w GROUP BY 1, 2', '2: age, zip' ],
	[ 'SELECT m, dp_count(*) FROM (SELECT patient_id, max(age) AS m FROM visits GROUP BY 1) s GROUP BY 1', '1: age' ],
	[ 'SELECT zip, town, dp_count(*) FROM visits JOIN towns USING (clinic) GROUP BY 1, 2', '2: zip, town' ],
	[ 'WITH t AS (SELECT * FROM towns) SELECT town, dp_count(*) FROM visits JOIN t USING (clinic) GROUP BY 1', '1: town' ],
	[ 'SELECT z, dp_count(*) FROM (SELECT zip AS z FROM visits UNION ALL SELECT clinic FROM visits) s GROUP BY 1', '1: zip' ])
{
	is(quasi_keys($_->[0]), $_->[1], "quasi-identifiers among keys: $_->[0]");
}

# ---------- dump and restore ----------

query("SELECT dp_agg.classify('visits', 'phone', 'direct_identifier', 'masked', 9), dp_agg.classify('theirs', 'a', 'sensitive', 'encrypted', receiver_has_key => true)");
query("CREATE TABLE bare (id text); SELECT dp_agg.classify('bare', 'id', 'direct_identifier'), dp_agg.protect('bare', 'id', 'bares')");
my @same = ($classes, 'SELECT * FROM dp_agg.protected_relations ORDER BY relation::text', "SELECT objname, label FROM pg_seclabels WHERE provider = 'dp_agg' ORDER BY 1",
	"SELECT c.relname, a.attname FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'dp'::regnamespace ORDER BY 1, 2");
my @dumped = map { query($_) } @same;
my $dir = PostgreSQL::Test::Utils::tempdir();
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-Fc', '-f', "$dir/classes.dump" ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'pg_restore', '-d', $node->connstr('restored'), "$dir/classes.dump" ], 'pg_restore');
is($node->safe_psql('restored', $same[$_]), $dumped[$_], "restored: " . DpAgg::brief($same[$_])) foreach 0 .. $#same;
is(DpAgg::as($node, 'analyst', 'SELECT count(phone) FROM visits', db => 'restored')->{message}, 'column "phone" is classified as a direct_identifier, which may stand nowhere in a release', 'and refused as before');
$node->safe_psql('postgres', 'DROP DATABASE restored');

# ---------- check digits ----------

# The check digits, computed here on their own.
sub citizen_id
{
	my ($body) = @_;
	my @weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2);
	my $sum = 0;

	$sum += substr($body, $_, 1) * $weights[$_] foreach 0 .. 16;
	return $body . substr('10X98765432', $sum % 11, 1);
}

sub bank_card
{
	my ($body) = @_;
	my $sum = 0;
	my $double = 1;

	foreach my $digit (reverse split //, $body)
	{
		my $value = $double ? 2 * $digit : $digit;
		$sum += $value > 9 ? $value - 9 : $value;
		$double = !$double;
	}
	return $body . (10 - $sum % 10) % 10;
}

sub iban
{
	my ($country, $account) = @_;
	my $number = join '', map { /[A-Z]/ ? ord($_) - 55 : $_ } split //, "$account${country}00";
	my $rest = 0;

	$rest = ($rest * 10 + $_) % 97 foreach split //, $number;
	return sprintf '%s%02d%s', $country, 98 - $rest, $account;
}
srand 1;
my @ids = map { citizen_id(sprintf '%s%04d%02d%02d%03d', (110101, 310115, 440305, 510107)[ $_ % 4 ], 1940 + $_ % 70, 1 + $_ % 12, 1 + $_ % 28, $_ % 1000) } 1 .. 200;
my @cards = map { bank_card((map { (sprintf '6222%011d', rand 1e11), (sprintf '4%011d', rand 1e11), (sprintf '62%015d', rand 1e15) } 1)[ $_ % 3 ]) } 1 .. 200;
my @ibans = map { iban((qw(DE AT FR))[ $_ % 3 ], sprintf('%018d', rand 1e15)) } 1 .. 200;
my %functions = (is_citizen_id => \@ids, is_bank_card => \@cards, is_iban => \@ibans);

# holds(FUNCTION, VALUE...): for how many the function says yes
sub holds
{
	my ($function, @values) = @_;

	return query("SELECT count(*) FROM unnest('{" . join(',', map { qq{"$_"} } @values) . "}'::text[]) v WHERE dp_agg.$function(v)");
}
foreach my $function (sort keys %functions)
{
	my @values = @{ $functions{$function} };

	is(holds($function, @values), 200, "$function: all with the right digits");
	# the digit before the last one is another
	is(holds($function, map { s/(\d)(.)$/($1 + 1) % 10 . $2/er } @values), 0, "$function: none with one wrong digit");
	is(holds($function, map { s/(\d)(\d)(?=\d\d.$)/$2$1/r } grep { /(\d)(\d)\d\d.$/ && abs($1 - $2) !~ /^[059]$/ } @values), 0, "$function: none with two digits swapped");
}
is(holds('is_citizen_id', map { citizen_id($_) } '11010119000229001', '11010119990231001', '11010120990101001', '00010119900101001', '11010118990101001', '11010119901301001'), 0, 'no ID without a date of birth or a region that there are');
is(holds('is_citizen_id', citizen_id('11010120000229001'), lc((grep { /X$/ } @ids)[0])), 2, 'a leap day, and a small x');
is(holds('is_citizen_id', '110101900229001', '110101990631001', '000101900101001', '11010199010100', '11010199010100X'), 0, 'nor one of 15 digits');
is(holds('is_citizen_id', '110101920229001', '440305771231999'), 2, 'which has no check digit');
is(holds('is_bank_card', map { s/(\d{4})(?=\d)/$1 /gr } @cards), 200, 'cards in groups of four');
is(holds('is_iban', map { s/(.{4})(?=.)/$1 /gr } @ibans), 200, 'and accounts');
foreach (
	[ '138****5678', 'masked values' ], [ '***-**-1234', 'masked values' ], [ '张**', 'masked values' ], [ 'XXXXXXXX1234', 'masked values' ], [ '****', '' ], [ 'XXL', '' ],
	[ '13812345678', 'telephone numbers' ], [ '+86 138 1234 5678', 'telephone numbers' ], [ '+43 660 1234567', 'telephone numbers' ], [ '12812345678', '' ], [ '1381234567', '' ], [ '(555) 123-4567' =~ s/123/223/r, 'telephone numbers' ],
	[ '0571-87654321', 'telephone numbers' ], [ '(010) 62345678', 'telephone numbers' ], [ '+86 571 8765432', 'telephone numbers' ], [ '01087654321', '' ], [ '0571-0765432', '' ], [ '110101920229001', 'citizen ID numbers' ], [ '110101920231001', '' ],
	[ 'a.b@example.org', 'mail addresses' ], [ 'a@b', '' ], [ '10.1.2.255', 'IP addresses' ], [ '10.1.2.256', '' ], [ '2001:db8::1', 'IP addresses' ], [ '10:30:00', '' ], [ '00:1B:44:11:3A:B7', 'device addresses' ],
	[ 'd41d8cd98f00b204e9800998ecf8427e', 'pseudonyms' ], [ 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'pseudonyms' ], [ '10-19', 'ranges' ], [ '80+', 'ranges' ], [ '2024-01-05', '' ], [ '12', '' ], [ '', '' ])
{
	is(query("SELECT dp_agg.value_pattern('$_->[0]')"), $_->[1], "looks like '$_->[1]': $_->[0]");
}

# ---------- suggestions ----------

# column => class/processing of what is suggested
sub suggested
{
	my ($table, $rows) = @_;

	return { map { my ($column, @rest) = split /\|/; $column => join '/', @rest[ 0, 1 ] }
		  split /\n/, query("SELECT column_name, class, processing FROM dp_agg.suggest_classes('$table'" . (defined $rows ? ", $rows" : '') . ')') };
}

# A register in English and one in Chinese, with the same values.
my @english = qw(name id_card phone email address birth_date age gender ethnicity bank_card salary diagnosis zip remark visited amount serial);
my @chinese = qw(姓名 身份证号 手机号 邮箱 家庭住址 出生日期 年龄 性别 民族 银行卡号 工资 诊断结果 邮政编码 备注 就诊时间 数量 流水);
my %expected = (
	name => 'direct_identifier/raw', id_card => 'direct_identifier/raw', phone => 'direct_identifier/raw', email => 'direct_identifier/raw',
	address => 'quasi_identifier/raw', birth_date => 'quasi_identifier/raw', age => 'quasi_identifier/raw', gender => 'quasi_identifier/raw', ethnicity => 'quasi_identifier/raw',
	bank_card => 'direct_identifier/raw', salary => 'sensitive/raw', diagnosis => 'sensitive/raw', zip => 'quasi_identifier/raw');
my @types = qw(text text text text text date int text text text numeric text text text timestamp int bigint);
my @rows = map {
	join ',', map { "'$_'" } "person $_", $ids[$_], 13800000000 + $_ * 7919, "p$_\@example.org", "street $_", sprintf('19%02d-03-04', $_ % 90 + 10), $_ % 90, $_ % 2 ? 'f' : 'm', 'han', $cards[$_], 5000 + $_, 'flu', 10000 + $_ % 50,
	  "note $_", "2024-01-01 10:00:$_" =~ s/:\d+$/sprintf ':%02d', $_ % 60/er, $_ % 20, 622200000000000 + $_
} 0 .. 199;
foreach my $language ([ 'english', @english ], [ 'chinese', @chinese ])
{
	my ($table, @names) = @$language;
	my %want;

	query("CREATE TABLE $table (" . join(', ', map { qq{"$names[$_]" $types[$_]} } 0 .. $#names) . "); INSERT INTO $table VALUES " . join(', ', map { "($_)" } @rows));
	$want{ $names[$_] } = $expected{ $english[$_] } foreach grep { defined $expected{ $english[$_] } } 0 .. $#names;
	is_deeply(suggested($table), \%want, "suggestions for a register, $table names");
	is_deeply(suggested($table, 0), \%want, 'and by names alone');

	# By what values look like alone: nothing is said by the names.
	query("ALTER TABLE $table RENAME \"$names[$_]\" TO c$_") foreach 0 .. $#names;
	is_deeply(suggested($table), { c1 => 'direct_identifier/raw', c2 => 'direct_identifier/raw', c3 => 'direct_identifier/raw', c9 => 'direct_identifier/raw' }, 'and by values alone');
	is_deeply(suggested($table, 0), {}, 'and by neither');
	query("ALTER TABLE $table RENAME c$_ TO \"$names[$_]\"") foreach 0 .. $#names;
}

# What fails its check digit is not taken for an ID or a card.
query('CREATE TABLE wrong (a text, b text, c text)');
query("INSERT INTO wrong VALUES " . join(', ', map { "('" . join("','", map { s/(\d)(.)$/($1 + 1) % 10 . $2/er } $ids[$_], $cards[$_], $ibans[$_]) . "')" } 0 .. 199));
is_deeply(suggested('wrong'), {}, 'numbers with wrong check digits');
query('CREATE TABLE plain_numbers AS SELECT i AS n, i::bigint * 1000003 + 6222000000000000 AS big, random()::numeric AS r, i % 7 AS phone_type, true AS has_email, now() AS email_sent_at, i AS page, i AS clinic_id, \'c\' || i AS clinic_name FROM generate_series(1, 1000) i');
is_deeply(suggested('plain_numbers'), {}, 'numbers, flags and names that only sound like identifiers');

# Values that were processed, and types.
query(<<'SQL');
CREATE TABLE processed AS SELECT '138****' || lpad(i::text, 4, '0') AS phone, md5(i::text) AS a, gen_random_uuid() AS b, (i % 8 * 10) || '-' || (i % 8 * 10 + 9) AS age, 'XXX-XX-' || lpad(i::text, 4, '0') AS c,
	inet '10.0.0.1' + i AS d, macaddr '08:00:2b:01:02:03' AS e, encode(sha256(i::text::bytea), 'hex') AS name, '654**' AS zip, 1950 + i % 50 AS birth_year FROM generate_series(1, 100) i;
SQL
is_deeply(suggested('processed'), { phone => 'direct_identifier/masked', a => 'direct_identifier/pseudonymised', b => 'direct_identifier/pseudonymised', age => 'quasi_identifier/generalised', c => 'direct_identifier/masked',
		d => 'quasi_identifier/raw', e => 'direct_identifier/raw', name => 'direct_identifier/pseudonymised', zip => 'quasi_identifier/masked', birth_year => 'quasi_identifier/generalised' }, 'values that were processed, and types that tell');
is(query("SELECT command FROM dp_agg.suggest_classes('processed') WHERE column_name = 'phone'"), "SELECT dp_agg.classify('public.processed', 'phone', 'direct_identifier', 'masked', remaining => 7);", 'how many characters remain of masked values');

# Ready to run; what was classified is not suggested again.
query("CREATE TABLE \"Odd \"\"one\" AS SELECT 'a' || i || '\@example.org' AS \"It's a mail\" FROM generate_series(1, 50) i");
query(query("SELECT command FROM dp_agg.suggest_classes('\"Odd \"\"one\"')"));
query(query("SELECT string_agg(command, ' ') FROM dp_agg.suggest_classes('chinese')"));
is(query('SELECT count(*) FROM dp_agg.classified_columns WHERE relation IN (\'"Odd ""one"\'::regclass, \'chinese\'::regclass)'), 14, 'the commands run');
is_deeply(suggested('chinese'), {}, 'classified columns are not suggested again');

# The unit of what is protected; who may not read; what may be asked; what is shown.
query("CREATE TABLE own_unit AS SELECT i AS k, 1 AS x FROM generate_series(1, 10) i; SELECT dp_agg.protect('own_unit', 'k', 'ks')");
like(query("SELECT class, processing, reason FROM dp_agg.suggest_classes('own_unit')"), qr/^direct_identifier\|pseudonymised\|it is the unit of a protected relation/, 'the unit');
query('GRANT SELECT (phone) ON english TO stranger');
my %reasons = map { my ($column, $reason) = split /\|/; $column => $reason } split /\n/, DpAgg::value($node, 'stranger', "SELECT column_name, reason FROM dp_agg.suggest_classes('english')");
like($reasons{phone}, qr/200 of 200 values read are telephone numbers.*200 rows were read/, 'a column that the caller may read');
like($reasons{id_card}, qr/its name speaks of an identity document \(no data were read\)/, 'and one that it may not');
like(query("SELECT string_agg(reason, ' ') FROM dp_agg.suggest_classes('english', 50)"), qr/50 of 50 values read are .*\(50 rows were read\)/, 'no more rows than asked for');
{
	my $all = query("SELECT string_agg(reason || command, ' ') FROM dp_agg.suggest_classes('english')");
	my @shown = grep { index($all, $_) >= 0 } @ids, @cards, map { 13800000000 + $_ * 7919 } 0 .. 199;

	is("@shown", '', 'no value is shown');
}
like(ends("SELECT dp_agg.suggest_classes('$_->[0]', $_->[1])"), qr/^$_->[2] .*\n.*/, "suggest_classes: $_->[0], $_->[1]") foreach [ 'english', -1, '22023' ], [ 'english', 1000001, '22023' ], [ 'english', 'NULL', '22004' ], [ 'dp.visits', 10, '42809' ], [ 'pg_class', 10, '42809' ];
query("CREATE TABLE nobody (phone text, other text)");
like(query("SELECT reason FROM dp_agg.suggest_classes('nobody')"), qr/its name speaks of a telephone \(0 rows were read\)/, 'a table without rows');

# Code of somebody else's does not run: only values of built-in types are read.
query(<<'SQL');
CREATE TYPE mood AS ENUM ('a');
CREATE TABLE calls (n int);
CREATE FUNCTION spy(mood) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO calls VALUES (1); RETURN 'x'; END $$;
CREATE CAST (mood AS text) WITH FUNCTION spy(mood);
CREATE TABLE trap (phone mood, name mood);
INSERT INTO trap VALUES ('a', 'a');
SQL
is_deeply(suggested('trap'), {}, 'types of users are not read');
is(query('SELECT count(*) FROM calls'), 0, 'and no cast of theirs is called');

# Errors while data are read show no value: a column is then not read.
query(<<'SQL');
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE broken (phone bigint, age int) SERVER files OPTIONS (program 'echo secret,5', format 'csv');
SQL
like(ends("SELECT reason FROM dp_agg.suggest_classes('broken')"), qr/\A(?!.*secret).*\z/s, 'an error shows no value');
like(query("SELECT string_agg(reason, ' ') FROM dp_agg.suggest_classes('broken')"), qr/telephone \(no data were read\)/, 'what cannot be read is not read');

# ---------- real registers ----------

SKIP:
{
	skip 'demographic.csv, medical.csv and pums.csv are not there (DP_AGG_DATA)', 4 if !DpAgg::data('demographic.csv') || !DpAgg::data('medical.csv') || !DpAgg::data('pums.csv');
	my %register = (
		demographic => [ '"ID" text, "Name" text, "Gender" text, "Age" int, "Zip" int', { ID => 'direct_identifier/pseudonymised', Name => 'direct_identifier/raw', Gender => 'quasi_identifier/raw', Age => 'quasi_identifier/raw', Zip => 'quasi_identifier/raw' } ],
		medical => [ '"ID" text, "Gender" text, "Age" text, "Zip" text, "Diagnosis" text, "Treatment" text, "Outcome" text', { ID => 'direct_identifier/pseudonymised', Gender => 'quasi_identifier/raw', Age => 'quasi_identifier/generalised', Zip => 'quasi_identifier/masked',
				Diagnosis => 'sensitive/raw', Treatment => 'sensitive/raw', Outcome => 'sensitive/raw' } ],
		pums => [ 'age int, sex int, educ int, race int, income numeric, married int, pid int', { age => 'quasi_identifier/raw', sex => 'quasi_identifier/raw', educ => 'quasi_identifier/raw', race => 'quasi_identifier/raw', income => 'sensitive/raw', married => 'quasi_identifier/raw', pid => 'direct_identifier/pseudonymised' } ]);
	foreach my $table (sort keys %register)
	{
		query("CREATE TABLE $table ($register{$table}[0])");
		$node->safe_psql('postgres', "\\copy $table from '" . DpAgg::data("$table.csv") . "' csv header");
		is_deeply(suggested($table), $register{$table}[1], "suggestions for $table.csv");
	}
	is_deeply(suggested('demographic', 5), $register{demographic}[1], 'and for five rows of it');
}

$node->stop;
done_testing();
