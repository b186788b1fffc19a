# Migrations: the DDL of a protected table works as if it had no facade, the facade follows in the
# same transaction, and nothing that an analyst makes of it is in the administrator's way.
# Units and columns that no query could use are said at once.

use strict;
use warnings;
use Test::More;
use DpAgg;
use IPC::Run;
use PostgreSQL::Test::Utils;

my $node = DpAgg::node('migrations', roles => [qw(analyst owner stranger)]);
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $dir = PostgreSQL::Test::Utils::tempdir();

sub query { return $node->safe_psql('postgres', $_[0]); }

# SQLSTATE, message and the rest of how a statement ends.
sub ends
{
	my ($sql, $role) = @_;
	my $r = DpAgg::as($node, $role // $superuser, $sql);

	return "$r->{sqlstate} $r->{message}\n$r->{err}";
}

# The columns of a facade with their types and comments; '' if there is no such view.
sub columns
{
	return query(<<"SQL");
SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || coalesce(' (' || col_description(attrelid, attnum) || ')', ''), ', ' ORDER BY attnum)
FROM pg_attribute WHERE attrelid = to_regclass('$_[0]') AND attnum > 0 AND NOT attisdropped
SQL
}

# What is listed as the facade of a relation.
sub listed { return query("SELECT facade FROM dp_agg.protected_relations WHERE relation = '$_[0]'::regclass"); }

sub protect { query("SELECT dp_agg.protect('$_', 'id', 'people')") foreach @_; return; }

# Runs a statement and looks at a facade.
sub becomes
{
	my ($sql, $facade, $columns, $role) = @_;
	my $end = ends($sql, $role);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($end =~ /^00000/ ? columns($facade) : $end, $columns, DpAgg::brief($sql));
	return $end;
}

query('GRANT ALL ON SCHEMA public TO owner, analyst; CREATE SCHEMA mine AUTHORIZATION analyst');

# ---------- one table, command by command ----------

query(<<'SQL');
CREATE TABLE t (id int PRIMARY KEY, x int NOT NULL, note varchar(20), kind text COLLATE "C");
COMMENT ON COLUMN t.x IS 'how much';
INSERT INTO t SELECT i, i % 10, 'n', 'k' FROM generate_series(1, 3000) i;
SELECT dp_agg.protect('t', 'id', 'people');
SELECT dp_agg.set_budget('analyst', 'people', epsilon => 100000, delta => 0.01);
SELECT dp_agg.set_bounds('t', 'x', 0, 10);
GRANT SELECT ON dp.t TO stranger WITH GRANT OPTION;
GRANT SELECT (x) ON dp.t TO owner;
COMMENT ON COLUMN dp.t.kind IS 'own words';
ALTER VIEW dp.t SET (security_barrier = true);
SQL
my $kept = q{SELECT relacl, reloptions, relowner::regrole, (SELECT attacl FROM pg_attribute WHERE attrelid = c.oid AND attname IN ('x', 'amount')) FROM pg_class c WHERE relnamespace = 'dp'::regnamespace AND relname LIKE 't%' AND relkind = 'v'};
my $was = query($kept);
my $oid = query("SELECT 'dp.t'::regclass::oid");
is(columns('dp.t'), 'id integer, x integer (how much), note character varying(20), kind text (own words)', 'a facade has the comments of its table');

becomes('ALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 3', 'dp.t', 'id integer, x integer (how much), note character varying(20), kind text (own words), z integer');
becomes('ALTER TABLE t RENAME COLUMN x TO amount', 'dp.t', 'id integer, amount integer (how much), note character varying(20), kind text (own words), z integer');
is(query("SELECT 'dp.t'::regclass::oid"), $oid, 'as the same view, where it only gains columns');
becomes('ALTER TABLE t ALTER COLUMN note TYPE varchar(40)', 'dp.t', 'id integer, amount integer (how much), note character varying(40), kind text (own words), z integer');
becomes('ALTER TABLE t DROP COLUMN note', 'dp.t', 'id integer, amount integer (how much), kind text (own words), z integer');
becomes('ALTER TABLE t DROP COLUMN IF EXISTS note', 'dp.t', 'id integer, amount integer (how much), kind text (own words), z integer');
becomes('ALTER TABLE t DROP COLUMN kind, ALTER COLUMN z TYPE bigint, ADD COLUMN kind numeric(6,2), ADD CONSTRAINT c CHECK (z > 0)',
	'dp.t', 'id integer, amount integer (how much), z bigint, kind numeric(6,2)');
is(query($kept), $was, 'grants, options and owner are kept');
becomes("COMMENT ON COLUMN t.z IS 'it''s new'", 'dp.t', q{id integer, amount integer (how much), z bigint (it's new), kind numeric(6,2)});
becomes("COMMENT ON COLUMN dp.t.z IS 'mine'; COMMENT ON COLUMN t.z IS 'newer'", 'dp.t', q{id integer, amount integer (how much), z bigint (mine), kind numeric(6,2)});
becomes('ALTER TABLE t ALTER COLUMN z SET STATISTICS 10, ALTER COLUMN z DROP NOT NULL', 'dp.t', q{id integer, amount integer (how much), z bigint (mine), kind numeric(6,2)});
is(query("SELECT bounds FROM dp_agg.protected_relations WHERE relation = 't'::regclass"), '{"amount": [0, 10]}', 'bounds follow the name');
like(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 100; SELECT dp_avg(z, 0, 10) FROM dp.t'), qr/^(2\.99|3\.0)/, 'and the analyst asks the facade as it is');
like(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 100; SELECT dp_avg(amount) FROM dp.t'), qr/^4\.[45]/, 'by its new names');

query(<<'SQL');
BEGIN;
ALTER TABLE t DROP COLUMN kind;
ALTER TABLE t RENAME TO gone;
ROLLBACK;
DO $$ BEGIN ALTER TABLE t ALTER z TYPE numeric; RAISE division_by_zero; EXCEPTION WHEN division_by_zero THEN NULL; END $$;
SQL
is(listed('t') . ' ' . columns('dp.t'), 'dp.t id integer, amount integer (how much), z bigint (mine), kind numeric(6,2)', 'what is rolled back is rolled back with its facade');
like(ends('ALTER TABLE t ALTER COLUMN amount TYPE date USING 1'), qr/^42804/, 'a statement that fails');
is(columns('dp.t'), 'id integer, amount integer (how much), z bigint (mine), kind numeric(6,2)', 'leaves the facade alone');

query(<<'SQL');
CREATE FUNCTION migrate() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE t DROP COLUMN kind; EXECUTE 'ALTER TABLE t ADD COLUMN f float'; END $$;
SELECT migrate();
DO $$ BEGIN ALTER TABLE t RENAME f TO "odd ""name"; END $$;
SQL
is(columns('dp.t'), 'id integer, amount integer (how much), z bigint (mine), odd "name double precision', 'DDL in functions and DO blocks');
query('ALTER TABLE t RENAME amount TO tmp; ALTER TABLE t RENAME z TO amount; ALTER TABLE t RENAME tmp TO z');
is(columns('dp.t'), 'id integer, z integer (how much), amount bigint (mine), odd "name double precision', 'columns change names');

# ---------- types of all kinds, and types that go ----------

query(<<'SQL');
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN short AS varchar(7) CHECK (value <> '');
CREATE TABLE types (id int, b bit(3), bv varbit(4), c char(4), cc "char", n numeric(9,2), iv interval day to second(3),
	tm time(2) with time zone, ts timestamp(3), va varchar(5)[], na numeric(8,1)[][], m mood, d short, j jsonb, nm name, co pair,
	tx text COLLATE "C", bp bpchar, f float4, gone int);
CREATE TABLE named OF pair;
SELECT dp_agg.protect('types', 'id', 'people'), dp_agg.protect('named', 'a', 'people');
REVOKE ALL ON dp.types FROM PUBLIC;
GRANT SELECT (m, n) ON dp.types TO owner;
GRANT SELECT ON dp.types TO analyst;
COMMENT ON COLUMN dp.types.n IS 'a number';
SQL
my $types = columns('dp.types') =~ s/, gone integer//r;
becomes('ALTER TABLE types DROP COLUMN gone', 'dp.types', $types);
like(ends('DROP TYPE mood'), qr/^2BP01/, 'a type that is used');
is(columns('dp.types'), $types, 'stays, with the facade');
becomes('DROP TYPE mood CASCADE', 'dp.types', $types =~ s/m mood, //r);
is(query("SELECT string_agg(grantee || ' ' || privilege_type, ',' ORDER BY grantee) FROM information_schema.column_privileges WHERE table_schema = 'dp' AND table_name = 'types' AND column_name = 'n' AND privilege_type = 'SELECT' AND grantee <> '$superuser'"),
	'analyst SELECT,owner SELECT', 'a facade that a cascade took comes back with its grants');
query(<<'SQL');
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
CREATE COLLATION lent FROM "C";
CREATE TABLE computed (id int, x int, twice int GENERATED ALWAYS AS (twice(x)) STORED, t text COLLATE lent, r named);
SELECT dp_agg.protect('computed', 'id', 'people');
SQL
becomes('DROP FUNCTION twice CASCADE', 'dp.computed', 'id integer, x integer, t text, r named');
becomes('DROP COLLATION lent CASCADE', 'dp.computed', 'id integer, x integer, r named');
becomes('CREATE TABLE other (id int); DROP TABLE other CASCADE; ALTER TABLE computed DROP COLUMN r', 'dp.computed', 'id integer, x integer');
becomes('ALTER TYPE pair ADD ATTRIBUTE c date CASCADE', 'dp.named', 'a integer, b text, c date');
becomes('ALTER TYPE pair RENAME ATTRIBUTE c TO d CASCADE', 'dp.named', 'a integer, b text, d date');

# ---------- names, schemas, owners ----------

query('CREATE SCHEMA s2; CREATE SCHEMA s3; CREATE TABLE s2.t (id int); CREATE TABLE s3.t (id int); CREATE TABLE free (id int, a int)');
protect('s2.t', 's3.t', 'free');
is(join(' ', map { listed($_) } qw(t s2.t s3.t free)), 'dp.t dp.s2_t dp.s3_t dp.free', 'tables of one name have facades of several');
query('ALTER TABLE free RENAME TO taken');
is(listed('taken') . ' ' . columns('dp.taken') . ' ' . columns('dp.free'), 'dp.taken id integer, a integer ', 'a table is renamed, and its facade');
is(query("SELECT obj_description('dp.taken'::regclass, 'pg_class')"), 'facade of protected relation public.taken: releases only', 'with its comment');
query('CREATE SCHEMA s4; ALTER TABLE taken SET SCHEMA s4; ALTER TABLE s4.taken RENAME TO t');
is(listed('s4.t'), 'dp.s4_t', 'to a name whose facade is there');
query('ALTER TABLE s2.t RENAME TO u');
is(listed('s2.u'), 'dp.u', 'and to one that is free');
query('ALTER TABLE s2.u SET SCHEMA s3');
is(listed('s3.u') . ' ' . columns('dp.u'), 'dp.u id integer', 'a schema is nothing that the name of the facade says');
query('ALTER TABLE s3.t SET SCHEMA s2; ALTER SCHEMA s2 RENAME TO s5');
is(listed('s5.t') . ' ' . columns(listed('s5.t')), 'dp.s5_t id integer', 'unless it does: then the facade is renamed with the schema');
query('ALTER VIEW dp.u RENAME TO chosen');
is(listed('s3.u'), 'dp.chosen', 'a facade that is renamed itself');
query('ALTER TABLE s3.u RENAME TO v; ALTER SCHEMA dp RENAME TO facades');
is(listed('s3.v'), 'facades.chosen', 'keeps the name that somebody has chosen');
query('ALTER SCHEMA facades RENAME TO dp; ALTER VIEW dp.chosen SET SCHEMA s5; ALTER TABLE s3.v ADD COLUMN b int');
is(listed('s3.v') . ' ' . columns('s5.chosen'), 's5.chosen id integer, b integer', 'and another schema');
query('ALTER VIEW s5.chosen RENAME TO v; CREATE TABLE s5.w (id int); ALTER TABLE s3.v RENAME TO w');
is(listed('s3.w'), 's5.v', 'where its name is not ours to choose');

query('CREATE TABLE o (id int, a int, b int)');
protect('o');
query('ALTER TABLE o OWNER TO owner');
is(query("SELECT relowner::regrole FROM pg_class WHERE oid = 'dp.o'::regclass"), 'owner', 'the facade goes to the new owner of its table');
query("ALTER VIEW dp.o OWNER TO stranger");
becomes('ALTER TABLE o DROP COLUMN a, ADD COLUMN c text', 'dp.o', 'id integer, b integer, c text', 'owner');
is(query("SELECT relowner::regrole FROM pg_class WHERE oid = 'dp.o'::regclass"), 'stranger', 'an owner who is no superuser changes the table; the facade keeps an owner of its own');
like(ends('ALTER TABLE o DROP COLUMN b', 'analyst') . ends('DROP TABLE o', 'analyst') . ends('ALTER TABLE o RENAME b TO c', 'analyst'), qr/^42501 must be owner of table o\n.*42501 must be owner of table o\n.*42501 must be owner of table o\n/s, 'others may not');
is(columns('dp.o'), 'id integer, b integer, c text', 'and do nothing to the facade');
becomes('DROP TABLE o', 'dp.o', '', 'owner');

# ---------- what analysts make of it ----------

query("CREATE TABLE v (id int, cost int, note text, clinic text); INSERT INTO v SELECT i, i % 10, 'n', 'c' FROM generate_series(1, 4000) i");
protect('v');
sub analysts
{
	DpAgg::value($node, 'analyst', <<'SQL');
CREATE VIEW mine.note AS SELECT note, cost FROM dp.v;
CREATE VIEW mine.cost WITH (security_barrier = true) AS SELECT cost FROM dp.v;
COMMENT ON VIEW mine.cost IS 'mine';
GRANT SELECT ON mine.cost TO stranger;
CREATE VIEW mine.above AS SELECT * FROM mine.cost;
SQL
	return;
}
sub views { return query("SELECT string_agg(relname || ' ' || relowner::regrole, ', ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'mine'::regnamespace AND relkind = 'v'"); }

analysts();
my $mine = q{SELECT relacl, reloptions, obj_description(oid, 'pg_class') FROM pg_class WHERE oid = 'mine.cost'::regclass};
my $mine_was = query($mine);
my $end = becomes('ALTER TABLE v DROP COLUMN note', 'dp.v', 'id integer, cost integer, clinic text');
like($end, qr/NOTICE:  00000: dropped what others made of the facade dp\.v: view mine\.note\n/, 'a view on a column that goes is dropped, and named');
is(views() . "\n" . query($mine), "above analyst, cost analyst\n$mine_was", 'others are made anew, as they were');
like(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 10; SELECT count(*) FROM mine.above'), qr/^(399\d|400\d)$/, 'and work');

DpAgg::value($node, 'analyst', <<'SQL');
CREATE MATERIALIZED VIEW mine.stored AS SELECT count(*) FROM dp.v WITH NO DATA;
CREATE TABLE mine.typed (x dp.v, y int);
CREATE FUNCTION mine.body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM dp.v; END;
CREATE FUNCTION mine.takes(dp.v) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE mine.ruled (x int);
CREATE RULE r AS ON INSERT TO mine.ruled DO ALSO SELECT count(*) FROM dp.v;
CREATE POLICY p ON mine.ruled USING (x IN (SELECT cost FROM dp.v));
CREATE DOMAIN mine.whole AS dp.v;
CREATE VIEW mine.ring1 AS SELECT cost FROM dp.v;
CREATE VIEW mine.ring2 AS SELECT cost FROM mine.ring1;
CREATE OR REPLACE VIEW mine.ring1 AS SELECT cost FROM mine.ring2;
CREATE OR REPLACE VIEW mine.ring2 AS SELECT ring1.cost FROM mine.ring1, dp.v;
CREATE FUNCTION mine.spy(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'here as %', current_user; RETURN true; END $$;
CREATE DOMAIN mine.checked AS text CHECK (mine.spy(value));
CREATE TYPE mine.trap AS (a mine.checked);
CREATE VIEW mine.trapped AS SELECT cost, '(x)'::mine.trap AS t FROM dp.v;
CREATE VIEW mine.traps AS SELECT cost, '{(x)}'::mine.trap[] AS t FROM dp.v;
SQL
$end = becomes('ALTER TABLE v ALTER COLUMN clinic TYPE varchar(10)', 'dp.v', 'id integer, cost integer, clinic character varying(10)');
like($end, qr/column x of table mine\.typed, function mine\.body\(\), function mine\.takes\(dp\.v\), materialized view mine\.stored, policy p on table mine\.ruled, rule r on table mine\.ruled, type mine\.whole/, 'what cannot be made anew is cut off, whatever it is');
unlike($end, qr/here as/, 'and nothing of the analyst runs on the way');
is(views(), 'above analyst, cost analyst', 'views in a circle, and those whose constants run code, go');
is(query("SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'mine.typed'::regclass AND attnum > 0 AND NOT attisdropped"), 'y', 'a table loses the column of that type only');

# protect() again and unprotect()
query("GRANT SELECT ON dp.v TO stranger, analyst; REVOKE SELECT ON dp.v FROM PUBLIC");
$oid = query("SELECT 'dp.v'::regclass::oid");
$was = query("SELECT relacl FROM pg_class WHERE oid = 'dp.v'::regclass");
like(ends("SELECT dp_agg.protect('v', 'id', 'people', max_groups => 2)"), qr/^00000 \n\s*\z/, 'tighter limits, in spite of views');
is(query("SELECT 'dp.v'::regclass::oid || ' ' || relacl::text FROM pg_class WHERE oid = 'dp.v'::regclass"), "$oid $was", 'on the same facade with the same grants');
is(views(), 'above analyst, cost analyst', 'which the views do not notice');
query("SELECT dp_agg.protect('v', 'id', 'people', columns => '{cost}')");
is(columns('dp.v') . ' ' . views(), 'id integer, cost integer above analyst, cost analyst', 'fewer columns; the unit stays, to count and to join by');
query("SELECT dp_agg.protect('v', 'id', 'people', columns => '{clinic}')");
is(columns('dp.v') . ' ' . views(), 'id integer, clinic character varying(10) ', 'others, which drops views on those that have gone');
query("SELECT dp_agg.protect('v', 'id', 'people', columns => '{clinic}'), dp_agg.protect('v', 'id', 'people', columns => '{cost,clinic}')");
is(columns('dp.v'), 'id integer, cost integer, clinic character varying(10)', 'columns are in the order of the table');
DpAgg::value($node, 'analyst', 'CREATE VIEW mine.cost AS SELECT cost FROM dp.v; CREATE VIEW mine.above AS SELECT * FROM mine.cost');
query("SELECT dp_agg.protect('v', 'id', 'people', columns => '{}'), dp_agg.protect('v', 'id', 'people')");
DpAgg::value($node, 'analyst', 'CREATE OR REPLACE VIEW mine.cost AS SELECT cost FROM dp.v; CREATE OR REPLACE VIEW mine.above AS SELECT * FROM mine.cost');
like(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 10; SELECT count(DISTINCT id) FROM dp.v'), qr/^(399\d|400\d)$/, 'counted');
query("SELECT dp_agg.protect('v', 'id', 'people', columns => '{cost}')");
like(DpAgg::value($node, 'analyst', 'SET dp_agg.epsilon = 10; SELECT count(*) FROM dp.v JOIN dp.t ON v.id = t.id WHERE cost >= 0'), qr/^(299\d|300\d)$/, 'joined by');
DpAgg::refused($node, 'analyst', 'SELECT id, count(*) FROM dp.v GROUP BY id', 'DP002', 'and not shown');
like(ends("SELECT dp_agg.unprotect('v')"), qr/^00000.*NOTICE.*view mine\.above, view mine\.cost\n/s, 'unprotect() cuts views off');
is(views() . columns('dp.v'), '', 'and drops the facade');

# The administrator's own
protect('v');
query('CREATE VIEW own AS SELECT clinic, cost FROM dp.v; CREATE VIEW own2 AS SELECT cost FROM dp.v');
DpAgg::value($node, 'analyst', 'CREATE VIEW mine.cost AS SELECT cost FROM dp.v');
like(ends('ALTER TABLE v DROP COLUMN clinic'), qr/^2BP01 the facade dp\.v has to be made anew.*DETAIL:  view public\.own depends on view dp\.v\n/s, 'a view of the administrator on a column that goes is an obstacle');
is(columns('dp.v') . ' ' . views(), 'id integer, cost integer, clinic character varying(10) cost analyst', 'and nothing has changed');
becomes('ALTER TABLE v ADD COLUMN w int', 'dp.v', 'id integer, cost integer, clinic character varying(10), w integer');
becomes('ALTER TABLE v DROP COLUMN w', 'dp.v', 'id integer, cost integer, clinic character varying(10)');
like(becomes('ALTER TABLE v DROP COLUMN clinic CASCADE', 'dp.v', 'id integer, cost integer'), qr/NOTICE:  00000: drop cascades to view public\.own\n/, 'CASCADE drops it');
is(query("SELECT to_regclass('own'), to_regclass('own2')"), '|own2', 'and no other');
query('CREATE VIEW over_theirs AS SELECT * FROM mine.cost');
like(ends('DROP TABLE v'), qr/^2BP01.*view public\.own2 depends on view dp\.v/s, 'DROP TABLE is refused because of it');
like(ends('DROP TABLE v'), qr/view public\.over_theirs depends on view mine\.cost/, 'also by way of an analyst');
like(ends('DROP TABLE v CASCADE'), qr/^00000.*drop cascades to view public\.own2/s, 'unless it cascades');
is(views() . columns('dp.v') . query("SELECT to_regclass('own2')"), '', 'and all are gone');

# ---------- DROP ----------

query('CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE SCHEMA d; CREATE TABLE d.c (id int); CREATE TABLE e (id int); CREATE TABLE n (id int)');
protect('a', 'b', 'd.c', 'e', 'n');
DpAgg::value($node, 'analyst', "CREATE VIEW mine.$_ AS SELECT count(*) FROM dp.$_") foreach qw(a b c e);
like(becomes('DROP TABLE a, n, b', 'dp.a', ''), qr/view mine\.a\n.*view mine\.b\n/s, 'DROP TABLE of several');
is(columns('dp.b') . columns('dp.n'), '', 'takes all their facades');
like(ends('DROP SCHEMA d'), qr/^2BP01.*table d\.c/s, 'DROP SCHEMA is refused as before');
becomes('DROP SCHEMA d CASCADE', 'dp.c', '');
query('ALTER TABLE e OWNER TO owner; ALTER VIEW dp.e OWNER TO stranger');
like(becomes('DROP OWNED BY owner', 'dp.e', ''), qr/view mine\.e\n/, 'DROP OWNED, with a facade of somebody else');
is(query("SELECT to_regclass('e'), to_regclass('t')"), '|t', 'drops the table and not others');

# ---------- partitions, children, foreign tables, materialized views ----------

query(<<'SQL');
CREATE TABLE parted (id int, day date, x int) PARTITION BY RANGE (day);
CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE p2 (x int, id int, day date);
CREATE TABLE mother (id int, x int, gone int);
CREATE TABLE child (y int) INHERITS (mother);
CREATE TABLE lone (id int, x int, gone int, y int);
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE distant (id int, x int) SERVER s;
CREATE MATERIALIZED VIEW kept AS SELECT 1 AS id, 2 AS x;
SQL
protect(qw(parted p2 mother child lone distant kept));
becomes('ALTER TABLE parted ALTER x TYPE bigint, ADD COLUMN z int', 'dp.parted', 'id integer, day date, x bigint, z integer');
becomes('ALTER TABLE p2 ALTER x TYPE bigint; ALTER TABLE p2 ADD z int', 'dp.p2', 'x bigint, id integer, day date, z integer');
becomes("ALTER TABLE parted ATTACH PARTITION p2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')", 'dp.p2', 'x bigint, id integer, day date, z integer');
is(query("BEGIN; ALTER TABLE parted DETACH PARTITION p2; ALTER TABLE parted ATTACH PARTITION p2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01'); SELECT count(*) FROM pg_locks WHERE relation IN ('dp.parted'::regclass, 'dp.t'::regclass) AND mode = 'AccessExclusiveLock'; ROLLBACK"),
	'0', 'partitions come and go without a lock on the facade of their parent');
becomes('ALTER TABLE parted DROP COLUMN x', 'dp.p2', 'id integer, day date, z integer');
is(columns('dp.parted'), 'id integer, day date, z integer', 'a partition has lost it with its parent');
becomes('ALTER TABLE parted RENAME z TO zz', 'dp.p2', 'id integer, day date, zz integer');
becomes('ALTER TABLE parted DETACH PARTITION p2', 'dp.p2', 'id integer, day date, zz integer');
becomes('ALTER TABLE parted DETACH PARTITION p1 CONCURRENTLY', 'dp.parted', 'id integer, day date, zz integer');
becomes("ALTER TABLE parted ATTACH PARTITION p2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')", 'dp.p2', 'id integer, day date, zz integer');
becomes('DROP TABLE parted', 'dp.p2', '');
becomes('ALTER TABLE mother DROP COLUMN gone', 'dp.child', 'id integer, x integer, y integer');
becomes('ALTER TABLE lone INHERIT mother', 'dp.lone', 'id integer, x integer, gone integer, y integer');
query("CREATE TABLE son (id int, x int, s int); SELECT dp_agg.classify('son', 'x', 'direct_identifier')");
becomes('ALTER TABLE son INHERIT mother', 'dp.mother', 'id integer');
is(columns('dp.lone') . '; ' . columns('dp.child'), 'id integer, x integer, gone integer, y integer; id integer, x integer, y integer', 'a class reaches the parent of a child that is added, and not others');
becomes('ALTER TABLE son NO INHERIT mother', 'dp.mother', 'id integer, x integer');
query("SELECT dp_agg.classify('mother', 'x', 'direct_identifier')");
is(columns('dp.lone') . '; ' . columns('dp.child'), 'id integer, gone integer, y integer; id integer, y integer', 'a class reaches children');
becomes('ALTER TABLE lone NO INHERIT mother', 'dp.lone', 'id integer, x integer, gone integer, y integer');
becomes('ALTER TABLE lone INHERIT mother', 'dp.lone', 'id integer, gone integer, y integer');
becomes('ALTER TABLE lone RENAME gone TO g', 'dp.lone', 'id integer, g integer, y integer');
becomes('DROP TABLE mother CASCADE', 'dp.child', '');
is(columns('dp.mother') . columns('dp.lone'), '', 'a parent goes with its children');
becomes('ALTER FOREIGN TABLE distant ALTER COLUMN x TYPE text, ADD COLUMN y int', 'dp.distant', 'id integer, x text, y integer');
becomes('ALTER FOREIGN TABLE distant RENAME COLUMN x TO xx', 'dp.distant', 'id integer, xx text, y integer');
becomes('DROP FOREIGN TABLE distant', 'dp.distant', '');
becomes('REFRESH MATERIALIZED VIEW kept', 'dp.kept', 'id integer, x integer');
becomes('ALTER MATERIALIZED VIEW kept RENAME COLUMN x TO xx', 'dp.kept', 'id integer, xx integer');
becomes('ALTER MATERIALIZED VIEW kept RENAME TO kept2', 'dp.kept2', 'id integer, xx integer');
becomes('DROP MATERIALIZED VIEW kept2', 'dp.kept2', '');

# ---------- dropped by hand ----------

query('CREATE TABLE hand (id int, x int); CREATE TABLE s5.hand (id int)');
protect('hand');
DpAgg::value($node, 'analyst', 'CREATE VIEW mine.hand AS SELECT count(*) FROM dp.hand');
like(ends('DROP VIEW dp.hand'), qr/^2BP01/, 'a facade is dropped by hand as any view');
query('DROP VIEW dp.hand CASCADE; ALTER TABLE hand ADD y int');
is(listed('hand') . columns('dp.hand'), '', 'then it is not listed, and does not come back by itself');
protect('s5.hand');
is(listed('s5.hand'), 'dp.s5_hand', 'nor does another take its name');
protect('hand');
is(listed('hand') . ' ' . columns('dp.hand'), 'dp.hand id integer, x integer, y integer', 'protect() makes it again');
query('DROP VIEW dp.hand; CREATE VIEW dp.hand AS SELECT 1 AS other');
is(listed('hand'), '', 'a view of that name that reads something else is no facade');
query("SELECT dp_agg.unprotect('hand')");
is(columns('dp.hand'), 'other integer', 'and is left alone');
query("SELECT dp_agg.protect('hand', 'id', 'people')");
is(listed('hand'), 'dp.public_hand', 'a facade has another name, then');

# ---------- rights ----------

DpAgg::refused($node, 'analyst', $_, '42501') foreach "SELECT dp_agg.settle_facade('t', true)", "SELECT dp_agg.remove_facade('t')",
  "SELECT dp_agg.facades_before('drop', ARRAY['t'::regclass::oid], true, true)", "SELECT dp_agg.facades_after('[]', true)",
  "SELECT dp_agg.delete_objects(ARRAY['pg_class'::regclass::oid], ARRAY['t'::regclass::oid], '{0}', true)", "SELECT dp_agg.run_as(10, 'DROP TABLE t')";
query('GRANT EXECUTE ON FUNCTION dp_agg.run_as(oid, text), dp_agg.delete_objects(oid[], oid[], integer[], boolean) TO analyst');
DpAgg::refused($node, 'analyst', $_, '42501', "not even with EXECUTE: $_") foreach "SELECT dp_agg.run_as(10, 'DROP TABLE t')",
  "SELECT dp_agg.delete_objects(ARRAY['pg_class'::regclass::oid], ARRAY['t'::regclass::oid], '{0}', true)";
query(<<'SQL');
CREATE TABLE victim (id int); SELECT dp_agg.protect('victim', 'id', 'people');
CREATE TABLE own_table (id int); ALTER TABLE own_table OWNER TO owner;
GRANT EXECUTE ON FUNCTION dp_agg.protect(regclass, name, name, integer, integer, name[]), dp_agg.unprotect(regclass) TO owner;
SQL
DpAgg::works($node, 'owner', "SELECT dp_agg.protect('own_table', 'id', 'own people')", 'an owner who was given protect() needs no right on schema dp');
is(query("SELECT relowner::regrole FROM pg_class WHERE oid = 'dp.own_table'::regclass"), 'owner', 'and owns the facade');
DpAgg::works($node, 'owner', q(SECURITY LABEL FOR dp_agg ON TABLE own_table IS '{"population": "own people", "facade": "dp.victim"}'; SELECT dp_agg.unprotect('own_table')), 'a label that names the facade of another table');
is(columns('dp.victim'), 'id integer', 'does nothing to that');

# Views of any size and depth; a session that quotes all names; views that are made all the time.
query('DROP SCHEMA mine CASCADE; CREATE SCHEMA mine AUTHORIZATION analyst; CREATE TABLE hard (id int, cost int, note text, extra int)');
protect('hard');
DpAgg::value($node, 'analyst', <<'SQL');
DO $$
BEGIN
	EXECUTE format('CREATE VIEW mine.large AS SELECT cost, %L::text AS x FROM dp.hard', repeat('x', 3000000));
	EXECUTE format('CREATE VIEW mine.long AS SELECT cost, %L::text AS x FROM dp.hard', repeat('x', 200000));
	EXECUTE 'CREATE VIEW mine.small AS SELECT cost FROM dp.hard';
	FOR n IN REVERSE 80..1 LOOP
		BEGIN
			EXECUTE 'CREATE VIEW mine.deep AS SELECT cost, ' || repeat('abs(', n * 200) || '1' || repeat(')', n * 200) || ' AS x FROM dp.hard';
			EXIT;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
END $$;
COMMENT ON VIEW mine.small IS 'kept';
SQL
like(becomes('ALTER TABLE hard ALTER note TYPE varchar(9)', 'dp.hard', 'id integer, cost integer, note character varying(9), extra integer'),
	qr/view mine\.deep, view mine\.large, view mine\.long\n/, 'views that are too large or too deep are cut off, and no obstacle');
is(query("SELECT relowner::regrole || obj_description(oid) FROM pg_class WHERE oid = 'mine.small'::regclass"), 'analystkept', 'others are made anew');
becomes('SET quote_all_identifiers = on; ALTER TABLE hard DROP COLUMN note; ALTER TABLE hard RENAME cost TO c', 'dp.hard', 'id integer, c integer, extra integer');
query('SET quote_all_identifiers = on; CREATE TABLE quoted (id int, x int)');
query("SET quote_all_identifiers = on; SELECT dp_agg.protect('quoted', 'id', 'people')");
becomes('ALTER TABLE quoted DROP COLUMN x', 'dp.quoted', 'id integer');
is(listed('quoted'), 'dp.quoted', 'names are written in one way, whatever a session says of quotes');

{
	my $loop = "$dir/loop.sql";
	PostgreSQL::Test::Utils::append_to_file($loop, "CREATE VIEW mine.again AS SELECT * FROM mine.small;\nDROP VIEW mine.again;\n");
	my $busy = IPC::Run::start([ 'pgbench', '-n', '-c', '2', '-T', '6', '-U', 'analyst', '-f', $loop, '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \my $o, '2>', \my $e);
	my @failed = grep { !/^00000/ } map { ends('ALTER TABLE hard ALTER extra TYPE ' . ($_ % 2 ? 'bigint' : 'int')) } 1 .. 15;
	is("@failed", '', 'views that are made and dropped meanwhile are no obstacle');
	IPC::Run::finish($busy);
}

# A label may name what is somebody's own.
query(<<'SQL');
CREATE TABLE lent (id int, a int, b int);
SELECT dp_agg.protect('lent', 'id', 'people');
CREATE VIEW report AS SELECT l.id FROM lent l JOIN hard h USING (id) WHERE l.a > 0;
CREATE VIEW part AS SELECT id FROM lent WHERE a > 0;
SQL
foreach my $view (qw(report part))
{
	my $definition = query("SELECT pg_get_viewdef('$view'::regclass)");

	query(qq(DROP VIEW IF EXISTS dp.lent; SECURITY LABEL FOR dp_agg ON TABLE lent IS '{"population": "people", "facade": "public.$view"}'));
	query("ALTER TABLE lent ADD COLUMN new_$view int; ALTER TABLE lent DROP COLUMN new_$view");
	is(query("SELECT pg_get_viewdef('$view'::regclass)"), $definition, "a view that a label calls a facade stays what it is: $view");
	like(ends('ALTER TABLE lent DROP COLUMN a'), qr/^2BP01/, 'and is an obstacle as any');
}
query("SELECT dp_agg.unprotect('lent')");
is(query("SELECT to_regclass('part'), to_regclass('report')"), 'part|report', 'unprotect() leaves it alone');

# ---------- a script of another extension ----------

my $share = query("SELECT setting FROM pg_config WHERE name = 'SHAREDIR'") . '/extension';
SKIP:
{
	skip 'the extensions of the server are not writable', 3 unless -w $share;
	query('CREATE TABLE scripted (id int, x int, y text)');
	protect('scripted');
	PostgreSQL::Test::Utils::append_to_file("$share/dp_migration.control", "default_version = '1'\nrelocatable = true\n");
	PostgreSQL::Test::Utils::append_to_file("$share/dp_migration--1.sql", "ALTER TABLE public.scripted DROP COLUMN x;\nALTER TABLE public.scripted ADD COLUMN z int;\n");
	becomes('CREATE EXTENSION dp_migration', 'dp.scripted', 'id integer, y text, z integer');
	is(query("SELECT count(*) FROM pg_depend WHERE objid = 'dp.scripted'::regclass AND deptype = 'e'"), '0', 'the facade is no member of it');
	query('DROP EXTENSION dp_migration');
	is(columns('dp.scripted'), 'id integer, y text, z integer', 'and stays without it');
	unlink "$share/dp_migration.control", "$share/dp_migration--1.sql";
}

# ---------- dump and restore ----------

my $listing = 'SELECT relation, facade FROM dp_agg.protected_relations ORDER BY relation::text';
$was = query($listing);
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", $node->connstr('postgres') ], 'pg_dump');
query('CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), "$dir/dump" ], 'pg_restore');
is($node->safe_psql('copy', $listing), $was, 'facades are there');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '-d', $node->connstr('copy'), "$dir/dump" ], 'pg_restore --clean over it');
is($node->safe_psql('copy', $listing), $was, 'and there again');
$node->safe_psql('copy', 'ALTER TABLE t DROP COLUMN amount; DROP EXTENSION dp_agg CASCADE; ALTER TABLE t ADD COLUMN q int; DROP TABLE t CASCADE');
pass('and follow; without the extension nothing is followed');

# ---------- without preload, and without a superuser for an owner ----------

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
like(ends('ALTER TABLE types DROP COLUMN f'), qr/^2BP01/, 'a server without the library is PostgreSQL as it is');
query('ALTER TABLE types RENAME bp TO blank; ALTER TABLE types ADD COLUMN late int; ALTER TABLE victim ADD COLUMN late int');
unlike(columns('dp.types'), qr/blank/, 'where a facade is left behind');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'dp_agg'");
$node->restart;
query("SELECT dp_agg.protect('types', 'id', 'people'); ALTER TABLE victim ADD COLUMN later int");
like(columns('dp.types'), qr/blank bpchar, f real, late integer$/, 'until protect() is called again');
is(columns('dp.victim'), 'id integer, late integer, later integer', 'or the table is changed again');

$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('postgres', 'CREATE ROLE former LOGIN SUPERUSER');
DpAgg::value($node, 'former', "CREATE EXTENSION dp_agg; CREATE TABLE t (id int, x int, y int); SELECT dp_agg.protect('t', 'id', 'p')", db => 'other');
query('ALTER ROLE former NOSUPERUSER');
DpAgg::value($node, 'former', "CREATE OR REPLACE FUNCTION dp_agg.facades_before(kind text, relations oid[], every boolean, cascade boolean) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''here as %'', current_user; RETURN ''[]''; END'", db => 'other');
my ($code, $out, $err) = $node->psql('other', 'ALTER TABLE t ADD COLUMN z int');
is("$code $err", '0 ', 'an owner of the extension who is no superuser any more runs nothing by the right of others');

# ---------- units and columns that no query could use ----------

my $has_citext = -e "$share/citext.control";
query('CREATE EXTENSION citext') if $has_citext;
foreach (
	[ 'json' ], [ 'xml' ], [ 'point' ], [ 'money' ], [ 'int4range' ], [ 'bit(16)' ], [ 'varbit' ], [ 'tsvector' ], [ 'pair' ], [ 'box' ],
	[ 'text COLLATE folded' ], $has_citext ? [ 'citext' ] : ())
{
	my ($type) = @$_;

	query("CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)") if $type =~ /folded/;
	query("CREATE TABLE unusable (id $type, v int)");
	like(ends("SELECT dp_agg.protect('unusable', 'id', 'people')"), qr/^0A000 column "id" of relation public\.unusable (is of type|has collation) .*cannot be the unit\n.*DETAIL:.*HINT:/s, "a unit of type $type is refused");
	is(query("SELECT count(*) FROM dp_agg.protected_relations WHERE relation = 'unusable'::regclass") . columns('dp.unusable'), '0', 'and nothing done');
	query("SELECT dp_agg.protect('unusable', 'v', 'people')");
	like(ends("SELECT dp_agg.set_domain('unusable', 'id', '{x}')"), $type =~ /folded/ ? qr/^00000.*WARNING.*no query can group by it\n.*HINT/s : qr/^0A000/, "and so is a domain of it");
	like(ends("SELECT dp_agg.set_bounds('unusable', 'id', 1, 2)"), qr/^DP003 column "id" is of type .*HINT/s, "and bounds of it");
	query('DROP TABLE unusable');
}
foreach my $type ('boolean', 'smallint', 'bigint', 'numeric(9,2)', 'real', 'float8', 'oid', 'text', 'varchar(9)', 'char(9)', 'name', '"char"', 'bytea', 'date', 'time', 'timetz',
	'timestamp', 'timestamptz', 'interval', 'uuid', 'jsonb', 'inet', 'cidr', 'macaddr', 'macaddr8', 'short', 'int[]')
{
	query("CREATE TABLE usable (id $type, v int); SELECT dp_agg.protect('usable', 'id', 'people')");
	my $r = DpAgg::as($node, 'analyst', 'SELECT count(*), count(DISTINCT v) FROM usable; SELECT v, count(*) FROM usable GROUP BY v');
	is($r->{sqlstate}, '00000', "a unit of type $type is one") or diag($r->{err});
	query('DROP TABLE usable');
}
query('CREATE TABLE several (id int, p point, j json, x xml)');
like(ends("SELECT dp_agg.protect('several', 'id', 'people')"), qr/WARNING:  01000: releases cannot use these columns of public\.several, because of their types: "p" \(point\), "x" \(xml\)\n.*HINT/s, 'columns that no query can use are named');
like(ends("SELECT dp_agg.protect('several', 'id', 'people', max_rows => 1, columns => '{j}')"), qr/^00000 \n\s*\z/, 'those that may be used');
# Labels may be written by hand.
query(q(SECURITY LABEL FOR dp_agg ON COLUMN several.id IS NULL; SECURITY LABEL FOR dp_agg ON COLUMN several.j IS '{"unit": 1}'));
DpAgg::refused($node, 'analyst', $_, 'DP002') foreach 'SELECT count(*) FROM several', 'SELECT count(*) FROM (SELECT 1 FROM several) s', 'SELECT dp_median(1, 0, 2) FROM several';

# A text of another extension's type, by a cast without a function.
SKIP:
{
	skip 'no citext', 10 unless $has_citext;
	query("CREATE TABLE folk (id int, c citext, x xml); INSERT INTO folk SELECT i, CASE WHEN i % 2 = 0 THEN 'Even' ELSE 'odd' END, '<a/>' FROM generate_series(1, 4000) i; SELECT dp_agg.protect('folk', 'id', 'people')");
	my $near = qr/(199\d|200\d)/;

	like(DpAgg::value($node, 'analyst', "SET dp_agg.epsilon = 10; $_->[0]"), $_->[1], $_->[0]) foreach
	  [ "SELECT count(*) FROM folk WHERE c::text = 'Even'", qr/^$near$/ ],
	  [ "SELECT count(*) FROM folk WHERE c::text = 'even'", qr/^-?\d?$/ ],
	  [ "SELECT count(*) FROM folk WHERE lower(c::text) LIKE 'ev%'", qr/^$near$/ ],
	  [ "SELECT c::text, count(*) FROM folk GROUP BY 1 ORDER BY 1", qr/^Even\|$near\nodd\|$near$/ ],
	  [ "SELECT count(*) FROM (SELECT id, c FROM folk) s WHERE c::varchar = 'odd'", qr/^$near$/ ],
	  [ "SELECT count(*) FROM folk JOIN (VALUES ('odd')) v (y) ON c::text = y", qr/^$near$/ ],
	  [ "SELECT count(*) FROM folk WHERE x::text = '<a/>'", qr/^(399\d|400\d)$/ ];
	DpAgg::refused($node, 'analyst', $_, 'DP002') foreach "SELECT count(*) FROM folk WHERE c = 'odd'", 'SELECT c, count(*) FROM folk GROUP BY c', "SELECT count(*) FROM folk WHERE citext_eq(c, 'odd')";
}

# A facade without a direct identifier, be it the unit.
query("CREATE TABLE direct (id int, x int); SELECT dp_agg.classify('direct', 'id', 'direct_identifier'); SELECT dp_agg.protect('direct', 'id', 'people', columns => '{x}')");
is(columns('dp.direct'), 'x integer', 'a unit that is a direct identifier is in no facade');
becomes('ALTER TABLE direct ADD COLUMN y int', 'dp.direct', 'x integer');
becomes('ALTER TABLE direct ALTER COLUMN id TYPE bigint', 'dp.direct', 'x integer');

done_testing();
