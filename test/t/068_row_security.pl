# Row security: releases are about the rows that policies show, also where these rest on who asks.
#
# Each policy stands on a protected table and on a readable copy. A build without noise and gate
# must count on the first what PostgreSQL counts on the second, for the same role, settings and
# statement: prepared, in a cursor, in functions, in views, in parallel.
# What a policy may not say is refused by its name, before anything is paid.

use strict;
use warnings;
use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use DpAgg;
use Faulty;

my $node = Faulty::node('policies', <<'CONF');
jit = off
dp_agg.epsilon = 1
app.common = 'b'
max_parallel_workers_per_gather = 2
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
CONF

$node->start;
ok(Faulty::use_library($node, Faulty::build('NOISELESS')), 'the server warns of the build');
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION dp_agg;
CREATE ROLE analyst LOGIN;
CREATE ROLE second LOGIN;
CREATE ROLE above LOGIN BYPASSRLS;
CREATE ROLE managers;
GRANT second TO analyst;
CREATE SCHEMA plain;
GRANT USAGE ON SCHEMA plain TO PUBLIC;
CREATE TABLE public.people (id int PRIMARY KEY, owner text NOT NULL, tenant text NOT NULL, n int NOT NULL, phone text);
INSERT INTO people SELECT i, CASE WHEN i % 3 = 0 THEN 'analyst' WHEN i % 3 = 1 THEN 'second' ELSE 'managers' END, chr(97 + i % 4), i % 10, '1' || i FROM generate_series(1, 4003) i;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
INSERT INTO plain.people SELECT * FROM people;
CREATE TABLE public.visits (pid int NOT NULL, day date NOT NULL, owner text NOT NULL);
INSERT INTO visits SELECT 1 + i % 3000, date '2024-01-01' + i % 400, CASE WHEN i % 7 = 0 THEN 'analyst' ELSE 'x' END FROM generate_series(1, 9001) i;
CREATE TABLE plain.visits (LIKE visits);
INSERT INTO plain.visits SELECT * FROM visits;
CREATE TABLE members (tenant text, member text);
INSERT INTO members VALUES ('a', 'analyst'), ('b', 'analyst'), ('c', 'second');
GRANT SELECT ON members TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA plain TO PUBLIC;
SELECT dp_agg.protect('people', 'id', 'pop');
SELECT dp_agg.protect('visits', 'pid', 'pop', max_groups => 10, max_rows => 100);
SELECT dp_agg.set_budget(r, 'pop', epsilon => 1000000) FROM unnest('{analyst,second,above}'::text[]) r;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
ALTER TABLE plain.people ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION named(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT current_setting($1)';
SQL

# Makes policies, "CREATE POLICY name ON people ..." each, on both tables and no others.
sub policies
{
	my (@policies) = @_;
	my $sql = q{DO $$ DECLARE p record; BEGIN FOR p IN SELECT polname, polrelid::regclass AS t FROM pg_policy LOOP EXECUTE format('DROP POLICY %I ON %s', p.polname, p.t); END LOOP; END $$;};

	foreach my $policy (@policies)
	{
		foreach my $schema (qw(public plain))
		{
			$sql .= ($policy =~ s/\bON (people|visits)\b/ON $schema.$1/r =~ s/\bFROM visits\b/FROM $schema.visits/gr) . ";\n";
		}
	}
	$node->safe_psql('postgres', $sql);
	return;
}

# Scripts, which name "people" and "visits", are answered alike on both tables, in one session for each.
sub alike
{
	my ($role, %scripts) = @_;
	my @names = sort keys %scripts;
	my %answers;

	foreach my $schema (qw(public plain))
	{
		my (undef, undef, @results) = DpAgg::bulk($node, $role, [ 'SET client_min_messages = error', "SET search_path = $schema, public", map { $scripts{$_} } @names ]);

		$answers{$schema} = [ map { $_->{sqlstate} eq '00000' ? $_->{out} =~ s/^0?(?=\||\n|\z)//gmr : "$_->{sqlstate} $_->{message}" } @results ];
	}
	is($answers{public}[$_], $answers{plain}[$_], $names[$_]) foreach 0 .. $#names;
	return $answers{plain}[0];
}

sub spent { return $node->safe_psql('postgres', "SELECT sum(epsilon_spent) FROM dp_agg.budgets"); }

# ---------- what a policy may say ----------

my $count = 'SELECT count(*), sum(CASE WHEN n < 5 THEN 1 ELSE 0 END) FROM people;';
my $tenant = "SET app.tenant = 'a';";
my %numbers;
foreach my $case (
	[ 'owner = current_user', '' ], [ 'owner = session_user', '' ], [ 'current_user = owner', '' ], [ 'owner = current_role AND n > 3', '' ],
	[ q{owner = current_user OR pg_has_role(current_user, 'managers', 'member')}, '' ],
	[ q{tenant = current_setting('app.tenant', true)}, $tenant ], [ q{tenant = current_setting('app.tenant', true)}, '' ],
	[ q{tenant = current_setting('app.tenant')}, $tenant ], [ q{tenant = current_setting('app.common')}, '' ],
	[ q{n = current_setting('app.n')::int}, 'SET app.n = 3;' ], [ q{n = nullif(current_setting('app.n', true), '')::int}, q{SET app.n = '';} ],
	[ q{n = nullif(current_setting('app.n', true), '')::int}, 'SET app.n = 7;' ],
	[ q{CASE WHEN current_setting('app.n', true) IS NULL THEN n = 1 ELSE n > current_setting('app.n', true)::numeric END}, '' ],
	[ q{CASE current_user WHEN 'analyst' THEN n = 1 ELSE n = 2 END}, '' ],
	[ q{CASE WHEN current_user = 'analyst' THEN n < 3 ELSE tenant = 'a' END}, '' ],
	[ q{tenant = ANY (string_to_array(current_setting('app.tenants'), ','))}, q{SET app.tenants = 'a,c,x';} ],
	[ q{tenant IN (current_setting('app.tenant'), current_setting('app.common'))}, $tenant ],
	[ q{current_setting('app.claims')::json ->> 'tenant' = tenant}, q{SET app.claims = '{"tenant": "d"}';} ],
	[ q{tenant = (SELECT current_setting('app.tenant'))}, $tenant ], [ q{owner = (SELECT current_user)}, '' ],
	[ q{tenant IN (SELECT m.tenant FROM members m WHERE m.member = current_user)}, '' ],
	[ q{EXISTS (SELECT FROM members m WHERE m.tenant = people.tenant AND m.member = current_user)}, '' ],
	[ q{EXISTS (SELECT FROM visits v WHERE v.pid = people.id AND v.owner = current_user)}, '' ],
	[ q{id IN (SELECT v.pid FROM visits v WHERE v.day < '2024-02-01')}, '' ],
	[ q{current_database() = 'postgres'}, '' ], [ q{current_schema() <> tenant}, '' ], [ q{owner <> current_catalog}, '' ], [ 'true', '' ], [ 'false', '' ],
	[ q{n < date_part('year', now()) - 2020}, '' ], [ q{current_date > '2020-01-01' AND n = 3}, '' ])
{
	my ($using, $settings) = @$case;

	policies("CREATE POLICY p ON people USING ($using)");
	my $expected = alike('analyst', "$using $settings" => "$settings $count", 'with groups and joins' => "SELECT n, count(*) FROM people WHERE tenant <> 'q' GROUP BY n ORDER BY n; SELECT count(*) FROM people p JOIN visits v ON v.pid = p.id; SELECT count(*) FROM visits v WHERE EXISTS (SELECT FROM people p WHERE p.id = v.pid)");
	$numbers{$expected}++;
	alike('second', 'the same for another role' => "$settings $count");
}
cmp_ok(scalar keys %numbers, '>', 10, 'the policies show different rows');
unlike($numbers{'00000'} // '', qr/./, 'and answers are numbers');

# ---------- whose policies, and how they combine ----------

policies('CREATE POLICY a ON people TO analyst USING (owner = current_user)', q{CREATE POLICY b ON people TO second USING (tenant = 'a')});
alike($_, "policies to roles: $_" => $count) foreach qw(analyst second above);
policies('CREATE POLICY a ON people USING (owner = current_user)', q{CREATE POLICY b ON people USING (tenant = current_setting('app.common'))}, 'CREATE POLICY c ON people AS RESTRICTIVE USING (n < length(session_user))', 'CREATE POLICY d ON people AS RESTRICTIVE TO second USING (n > 1)', 'CREATE POLICY e ON people FOR INSERT WITH CHECK (named(owner) IS NULL)');
alike($_, "permissive and restrictive policies: $_" => $count) foreach qw(analyst second above);
policies('CREATE POLICY a ON people TO second USING (owner = current_user)');
alike('analyst', 'no policy shows no row' => $count);
alike('analyst', 'row_security = off fails as ever' => "SET row_security = off; $count");
policies('CREATE POLICY a ON people USING (owner = current_user)');
$node->safe_psql('postgres', 'ALTER TABLE people FORCE ROW LEVEL SECURITY; ALTER TABLE plain.people FORCE ROW LEVEL SECURITY');
alike($_, "FORCE ROW LEVEL SECURITY: $_" => $count) foreach qw(analyst above);
$node->safe_psql('postgres', 'ALTER TABLE people NO FORCE ROW LEVEL SECURITY; ALTER TABLE plain.people NO FORCE ROW LEVEL SECURITY');

# Views: with security_invoker the rows are those of who asks, else those of the view's owner; current_user is who asks.
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE owning;
GRANT CREATE, USAGE ON SCHEMA public, plain TO owning;
GRANT SELECT ON people, plain.people TO owning;
SET ROLE owning;
CREATE VIEW public.definer AS SELECT * FROM public.people;
CREATE VIEW plain.definer AS SELECT * FROM plain.people;
CREATE VIEW public.invoker WITH (security_invoker) AS SELECT * FROM public.people;
CREATE VIEW plain.invoker WITH (security_invoker) AS SELECT * FROM plain.people;
GRANT SELECT ON public.definer, plain.definer, public.invoker, plain.invoker TO analyst, second;
SQL
policies('CREATE POLICY a ON people TO analyst, second USING (owner = current_user)', q{CREATE POLICY o ON people TO owning USING (tenant = 'a' OR owner = current_user)});
alike('analyst', "a view: $_" => "SELECT count(*), sum(CASE WHEN n < 5 THEN 1 ELSE 0 END) FROM $_") foreach qw(definer invoker);
is(DpAgg::value($node, 'analyst', 'SELECT count(*) FROM dp.people'), DpAgg::value($node, 'analyst', 'SELECT count(*) FROM plain.people'), 'the facade shows the rows of who asks');

# ---------- one value for a statement ----------

policies(q{CREATE POLICY a ON people USING (tenant = current_setting('app.tenant', true) OR owner = current_user)});
my $switch = "SET app.tenant = 'b';";
foreach my $mode (qw(auto force_generic_plan force_custom_plan))
{
	alike('analyst', "a prepared statement, $mode" => "SET plan_cache_mode = $mode; $tenant PREPARE q AS SELECT count(*) FROM people WHERE n < 8; EXECUTE q; EXECUTE q; $switch EXECUTE q; SET ROLE second; EXECUTE q; RESET ROLE; EXECUTE q; RESET app.tenant; EXECUTE q");
}
my $cursor = "BEGIN; $tenant DECLARE c CURSOR FOR SELECT count(*) FROM people;";
is(DpAgg::value($node, 'analyst', "$cursor $switch SET ROLE second; FETCH c; COMMIT"), DpAgg::value($node, 'analyst', "$tenant SELECT count(*) FROM plain.people"), 'a cursor goes by what was so when it was opened');
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION public.counted() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS 'BEGIN RETURN (SELECT count(*) FROM people); END';
CREATE FUNCTION plain.counted() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = plain AS 'BEGIN RETURN (SELECT count(*) FROM people); END';
ALTER FUNCTION public.counted() OWNER TO second;
ALTER FUNCTION plain.counted() OWNER TO second;
SQL
alike('analyst', 'a SECURITY DEFINER function asks as its owner' => "$tenant SELECT counted(); $switch SELECT counted(); RESET app.tenant; SELECT counted();");

# the analyst's own conditions may say the same
policies('CREATE POLICY a ON people USING (true)');
alike('analyst', 'values of the session in conditions of the query' => "$tenant SELECT count(*) FROM people WHERE owner = current_user; SELECT count(*) FROM people WHERE tenant = current_setting('app.tenant') AND n > length(current_user); SELECT tenant = current_setting('app.tenant') AS mine, count(*) FROM people GROUP BY 1 ORDER BY 1; SELECT count(*) FILTER (WHERE owner = session_user) FROM people; SELECT count(*) FROM (SELECT id, max(CASE WHEN owner = current_user THEN n END) AS m FROM people GROUP BY id) s WHERE m > 3; SELECT count(*) FROM people p JOIN members m ON m.tenant = p.tenant AND m.member = current_user");

# ---------- errors and refusals come before the price ----------

my $before = spent();
policies(q{CREATE POLICY "our p" ON people USING (tenant = current_setting('app.missing'))});
alike('analyst', 'a setting that is not there' => $count);
DpAgg::refused($node, 'analyst', q{SELECT count(*) FROM people WHERE n < 0}, '42704', 'also if no row is asked for');
policies(q{CREATE POLICY wide ON people USING (tenant <> current_setting('app.tenant'))});
DpAgg::refused($node, 'analyst', q{SELECT set_config('app.tenant', repeat('x', 600000), false) \gset
SELECT count(*) FROM people}, 'DP002', 'a setting as wide as a book');
policies(q{CREATE POLICY gone ON people USING (pg_has_role('nobody at all', 'member'))});
alike('analyst', 'a role that is not there' => $count);

foreach my $case (
	[ [q{CREATE POLICY "our p" ON people USING (tenant = named('app.tenant'))}], 'policy "our p"\): this function or operator is not available' ],
	[ [q{CREATE POLICY p ON people USING (tenant = current_setting(owner))}], 'policy "p"\): this function or operator' ],
	[ [ 'CREATE POLICY good ON people USING (owner = current_user)', 'CREATE POLICY bad ON people USING (random() < n)' ], 'policy "bad"\): this function' ],
	[ [ 'CREATE POLICY good ON people USING (owner = current_user)', 'CREATE POLICY strict ON people AS RESTRICTIVE USING (pg_backend_pid() > n)' ], 'policy "strict"\): this function' ],
	[ ['CREATE POLICY untied ON people USING (EXISTS (SELECT FROM visits v WHERE v.owner = people.owner))'], 'policy "untied"\): .*equality of the unit' ],
	[ [q{CREATE POLICY rows ON people USING (people IS NOT NULL)}], 'policy "rows"\): ' ])
{
	my ($policies, $message) = @$case;

	policies(@$policies);
	my $r = DpAgg::refused($node, 'analyst', 'SELECT count(*) FROM people', 'DP002', $policies->[-1]);
	like($r->{message}, qr/^row security of people stands in the way \($message/, 'the refusal names the policy');
	unlike($r->{err}, qr/^LINE/m, 'and no place in a text that does not hold it');
}
policies("CREATE POLICY calls ON people USING (phone <> '17')");
$node->safe_psql('postgres', "SELECT dp_agg.classify('people', 'phone', 'direct_identifier')");
like(DpAgg::refused($node, 'analyst', 'SELECT count(*) FROM people', 'DP002', 'a policy by a direct identifier')->{message}, qr/policy "calls"\): column "phone" is classified/, 'is named');
is(spent(), $before, 'nothing was paid for any of these');

# ---------- what the administrator is told ----------

policies(q{CREATE POLICY "by setting" ON people USING (tenant = current_setting('app.tenant'))}, q{CREATE POLICY f ON people USING (named(owner) = 'x')}, 'CREATE POLICY fine ON people USING (owner = current_user)');
is($node->safe_psql('postgres', q{SELECT severity || ' ' || object || ': ' || split_part(finding, ':', 1) FROM dp_agg.check_hardening() WHERE topic = 'row security' ORDER BY 1}), <<'FOUND' =~ s/\n\z//r, 'check_hardening() tells of such policies');
low policy f on public.people: calls public.named(text), so every release is refused to whom the policy is for
low public.people: has row security
medium policy "by setting" on public.people: rests on current_setting(), which whoever asks can set
FOUND

done_testing();
