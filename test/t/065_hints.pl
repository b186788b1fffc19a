# A statement that a hint or an advice suggests is right as it stands: who runs it, in whichever
# session, changes what was meant and nothing else, and then the query works.
#
# Names are odd: a schema that search_path does not have, capital letters, blanks, quotes, dots, and
# tables of the same names in schema public, which nothing may change.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;

my $node = DpAgg::node('hints', roles => [ '"Ana ""L"". Yst"', 'analyst' ]);
my $dba = getpwuid($>);
my $odd = 'Ana "L". Yst';

sub as { my ($role, $sql) = @_; return DpAgg::as($node, $role eq $odd ? $dba : $role, $role eq $odd ? qq{SET SESSION AUTHORIZATION "Ana ""L"". Yst"; $sql} : $sql); }
sub as_dba { return DpAgg::value($node, $dba, $_[0]); }

# The hint of a statement's error or notice.
sub hint
{
	my ($role, $sql) = @_;
	my $r = as($role, $sql);

	return $r->{err} =~ /^HINT:  ([^\n]*)/m ? $1 : "no hint: $r->{err}";
}

my $schema = q{"Human ""Res"". 'x'"};

as_dba(<<"SQL");
CREATE SCHEMA $schema;
GRANT USAGE ON SCHEMA $schema TO PUBLIC;
CREATE TABLE people (id int PRIMARY KEY, x int, "Pay Grade" int NOT NULL);
CREATE TABLE "Peo'ple. ""A""" (id int PRIMARY KEY, x int, "Pay Grade" int NOT NULL, "O'Brien" int);
CREATE TABLE $schema.people (LIKE people INCLUDING ALL);
CREATE TABLE $schema."Peo'ple. ""A""" (LIKE "Peo'ple. ""A""" INCLUDING ALL);
INSERT INTO people SELECT i, i % 101, i % 10 FROM generate_series(1, 3000) i;
INSERT INTO "Peo'ple. ""A""" SELECT i, i % 101, i % 10, i FROM generate_series(1, 3000) i;
INSERT INTO $schema.people TABLE people;
INSERT INTO $schema."Peo'ple. ""A""" TABLE "Peo'ple. ""A""";
CREATE VIEW $schema."Vi ew" AS SELECT id, "Pay Grade" AS "Gra""de" FROM $schema.people;
GRANT SELECT ON $schema."Vi ew" TO PUBLIC;
SELECT dp_agg.protect(r, 'id', 'Po''p "1"') FROM unnest(ARRAY['people', '"Peo''ple. ""A"""']::regclass[]) r;
SELECT dp_agg.set_bounds(r, 'x', 0, 100), dp_agg.set_bounds(r, 'Pay Grade', 0, 9) FROM unnest(ARRAY['people', '"Peo''ple. ""A"""']::regclass[]) r;
SET search_path = $schema;
SELECT dp_agg.protect(r, 'id', 'Po''p "1"') FROM unnest(ARRAY['people', '"Peo''ple. ""A"""']::regclass[]) r;
SELECT dp_agg.set_budget(r, 'Po''p "1"', epsilon => 100000) FROM unnest(ARRAY['analyst', 'Ana "L". Yst']::name[]) r;
SQL

sub labels { return as_dba("SELECT objoid::regclass, objsubid, label FROM pg_seclabels l JOIN pg_class c ON c.oid = objoid WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2"); }

my $before = labels();

# ---------- bounds: what the analyst may write, and what the administrator may run ----------

# [ search_path, query with an aggregate that has no bounds ]
my @queries = (
	[ 'public', "SELECT avg(x) FROM $schema.people" ],
	[ 'public', "SELECT sum(\"Pay Grade\") FROM $schema.people" ],
	[ $schema, 'SELECT avg("Pay Grade") FROM people' ],
	[ $schema, q{SELECT stddev_samp("O'Brien") FROM "Peo'ple. ""A"""} ],
	[ "$schema, public", q{SELECT max(t."Pay Grade") FROM people s JOIN "Peo'ple. ""A""" t ON s.id = t.id} ],
	[ 'public', qq{SELECT avg("T 1".x) FROM $schema.people "T 1" JOIN people t ON "T 1".id = t.id} ],
	[ 'public', qq{SELECT var_pop("B c") FROM $schema.people AS t ("Id", "B c")} ],
	[ 'public', qq{SELECT avg("Gra""de") FROM $schema."Vi ew"} ],
	[ $schema, 'SELECT min("N M") FROM (SELECT x AS "N M" FROM people OFFSET 0) "S S"' ],
	[ $schema, 'SELECT avg("N M") FROM (SELECT id, count(*) AS "N M" FROM people GROUP BY id) s' ],
	[ 'public', 'SELECT dp_sum(p.id) FROM people p' ]);

foreach my $q (@queries)
{
	my ($path, $sql) = @$q;

	next if $sql =~ /OFFSET/;	# below a release there is none
	foreach my $role ('analyst', $odd)
	{
		my $hint = hint($role, "SET search_path = $path; $sql");
		my ($call) = $hint =~ /as in (.*?, lower, upper\))[,; ]/;
		my $with = defined $call ? $call =~ s/lower, upper/0, 100/r : "no call in: $hint";
		my $changed = $sql =~ s/^SELECT (\w+\((?:[^()"']|"(?:[^"]|"")*")*\))/SELECT $with/r;
		my $mine = as($role, "SET search_path = $path; $changed");

		is("$mine->{sqlstate} " . ($mine->{out} ne ''), '00000 1', "$changed, with search_path $path") or diag($mine->{err} . $hint);
	}
}
foreach my $q (grep { $_->[1] !~ /OFFSET|count\(\*\)|dp_sum/ } @queries)
{
	my ($path, $sql) = @$q;
	my $hint = hint('analyst', "SET search_path = $path; $sql");

	next if as('analyst', "SET search_path = $path; $sql")->{ok};	# the column has bounds by now
	my ($call) = $hint =~ /call (dp_agg\.set_bounds\(.*, lower, upper\))\.$/;

	if (!defined $call)
	{
		like($hint, qr/for columns of protected relations/, "no statement for $sql");
		next;
	}
	as_dba('SELECT ' . ($call =~ s/lower, upper/0, 100/r));
	DpAgg::works($node, 'analyst', "SET search_path = $path; $sql", "$sql works after $call");
}
is(labels(), $before, 'nothing about tables of the same names has changed');
cmp_ok(as_dba("SELECT count(*) FROM pg_seclabels l JOIN pg_class c ON c.oid = objoid WHERE relnamespace = '$schema'::regnamespace AND label::json ->> 'upper' = '100'"), '>', 3, 'bounds have been declared') if $schema !~ /'/;

# ---------- the least epsilon ----------

foreach my $case ([ 'SELECT 1', 'dp_agg.min_epsilon', '1e-4' ], [ q{SELECT dp_agg.set_budget('analyst', 'Po''p "1"', epsilon => 100000, min_epsilon_per_query => 0.25)}, 'min_epsilon_per_query', '0.01' ])
{
	as_dba($case->[0]);
	my $hint = hint('analyst', "SET dp_agg.epsilon = $case->[2]; SELECT count(*) FROM people");
	my ($set) = $hint =~ /^(SET dp_agg\.epsilon = [0-9.]*[0-9])/;

	ok(defined $set, "$case->[1]: $hint");
	is(as('analyst', ($set // 'no') . '; SELECT count(*) FROM people')->{sqlstate}, '00000', "$case->[1]: it is enough");
}

# ---------- to the administrator ----------

foreach my $path ('public', $schema, 'pg_catalog')
{
	my $hint = hint($dba, "SET search_path = $path; SELECT dp_agg.set_bounds(r.oid, 'x', 0, 100) FROM pg_class r WHERE relname = 'people' AND relkind = 'r' AND relnamespace <> 'public'::regnamespace");
	my ($alter) = $hint =~ /(ALTER TABLE .*)\.$/;

	ok(defined $alter, "it may be NULL: $hint");
	is(as($dba, "SET search_path = public; BEGIN; " . ($alter // 'no') . q{; SELECT count(*) FROM pg_attribute a JOIN pg_class r ON r.oid = attrelid WHERE relname = 'people' AND relkind = 'r' AND relnamespace <> 'public'::regnamespace AND attname = 'x' AND attnotnull})->{out}, 1, "and is not any more: $alter");

	as_dba("GRANT SELECT ON $schema.\"Peo'ple. \"\"A\"\"\" TO PUBLIC");
	$hint = hint($dba, "SET search_path = $path; SELECT dp_agg.protect(r.oid, 'id', 'Po''p \"1\"') FROM pg_class r WHERE relname LIKE 'Peo%A\"' AND relkind = 'r' AND relnamespace <> 'public'::regnamespace");
	my ($revoke) = $hint =~ /(REVOKE .*)\.$/;

	ok(defined $revoke, "everybody may read it: $hint");
	as_dba($revoke // 'no');
	is(as_dba("SELECT has_table_privilege('analyst', r.oid, 'SELECT') FROM pg_class r WHERE relname LIKE 'Peo%A\"' AND relkind = 'r' AND relnamespace <> 'public'::regnamespace"), 'f', "and nobody after $revoke");
}

as_dba("ALTER TABLE $schema.\"Peo'ple. \"\"A\"\"\" ADD \"First'Name\" text, ADD \"E.Mail\" text, ADD \"tele\"\"phone\" text");
foreach my $path ('public', $schema)
{
	my $suggested = "FROM pg_class r, dp_agg.suggest_classes(r.oid) WHERE relname LIKE 'Peo%A\"' AND relkind = 'r' AND relnamespace <> 'public'::regnamespace";
	my $commands = as_dba("SET search_path = $path; SELECT command $suggested");

	cmp_ok(scalar(split /\n/, $commands), '>=', 2, 'classes are suggested');
	is(as($dba, "BEGIN; $commands SELECT 'left: ' || count(*) $suggested; ROLLBACK")->{out} =~ s/^\n*//r, 'left: 0', 'and their commands run as they stand');
}
is(labels(), $before, 'nothing about tables of the same names has changed, still');

# ---------- names that need no quotes ----------

# Parameters are passed by name as documented, and columns of the log are no functions of SQL.
as_dba("SELECT dp_agg.set_bounds(relation => 'people', column_name => 'x', lower => $_), dp_agg.set_domain(relation => 'people', column_name => 'x', keys => NULL)")
  foreach '0, upper => 100', "'0', upper => '100'", '0::numeric, upper => 100::numeric';
is(labels(), $before, 'bounds that are declared by name are the same');
is(as_dba(<<'SQL'), '', 'no function for users has a parameter, and no view a column, that SQL reads otherwise; but for those that have another name beside it');
SELECT p.proname || ' ' || a FROM pg_proc p, unnest(p.proargnames) a JOIN pg_get_keywords() k ON k.word = a
 WHERE k.catcode IN ('R', 'T') AND p.pronamespace IN ('dp_agg'::regnamespace, 'public'::regnamespace) AND obj_description(p.oid, 'pg_proc') !~ '^internal'
UNION ALL
SELECT c.relname || ' ' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_get_keywords() k ON k.word = a.attname
 WHERE k.catcode IN ('R', 'T') AND c.relnamespace = 'dp_agg'::regnamespace AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') !~ 'Internal'
   AND NOT (a.attname = 'current_role' AND EXISTS (SELECT FROM pg_attribute r WHERE r.attrelid = c.oid AND r.attname = 'role_name'))
   AND (c.relname, a.attname) <> ('classified_columns', 'column')	-- without quotes it is a syntax error
SQL
as('analyst', 'SET dp_agg.epsilon = 1; SELECT count(*) FROM people');
foreach my $view ('releases', 'my_releases', 'raw_reads', 'account_changes')
{
	my $role = $view eq 'my_releases' ? 'analyst' : $dba;

	is(as($role, "SELECT count(*) FROM dp_agg.$view v WHERE role_name IS DISTINCT FROM \"current_role\" OR v.role_name IS DISTINCT FROM v.current_role OR session_user_name IS DISTINCT FROM session_role")->{out}, 0, "$view: the same values by both names");
}
cmp_ok(as_dba("SELECT count(*) FROM dp_agg.releases WHERE role_name = 'analyst' AND session_user_name = 'analyst'"), '>', 0, 'who asked is found by name');
is(as_dba("SELECT DISTINCT role_name FROM dp_agg.account_changes"), $dba, 'and who changed accounts');

# ---------- check_hardening() ----------

as_dba(<<"SQL");
GRANT SELECT ON $schema.people TO "Ana ""L"". Yst";
GRANT SELECT ("Pay Grade", x) ON $schema."Peo'ple. ""A""" TO "Ana ""L"". Yst";
GRANT INSERT, TRUNCATE ON $schema.people TO "Ana ""L"". Yst";
CREATE ROLE "A. Group";
GRANT "A. Group" TO "Ana ""L"". Yst";
GRANT SELECT ON $schema."Peo'ple. ""A""" TO "A. Group";
GRANT CREATE ON SCHEMA $schema TO PUBLIC;
GRANT CREATE ON DATABASE postgres TO "Ana ""L"". Yst";
GRANT pg_read_all_data TO "Ana ""L"". Yst";
ALTER ROLE "Ana ""L"". Yst" CREATEROLE;
CREATE FUNCTION $schema."F un"(int, text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS \$\$SELECT count(*) FROM $schema.people\$\$;
SQL
my $findings = q{SELECT topic, object, finding, advice FROM dp_agg.check_hardening() WHERE advice ~ '^(REVOKE|ALTER|SELECT dp_agg)' AND advice !~ ', (or|in|if)\\M|to a role' ORDER BY 1, 2, 3};
my @found = split /\n/, as_dba($findings);

cmp_ok(scalar @found, '>=', 8, 'findings with statements');
foreach my $line (@found)
{
	my ($topic, $object, $finding, $advice) = split /\|/, $line;
	my $statement = $advice =~ s/;.*//r;
	my $r = as($dba, $statement);

	ok($r->{ok}, $statement) or diag("$line\n$r->{err}");
}
my %after = map { $_ => 1 } split /\n/, as_dba($findings);
is(join("\n", grep { $after{$_} } @found), '', 'what was advised removes what was found');
is(labels(), $before, 'nothing about tables of the same names has changed, in the end');

done_testing();
