# dp_agg.suggest(): limits, bounds and totals that one private release found.  It costs what it says,
# asks what names and types say, tells the same of a table without rows as of one with a few, and
# what it proposes is ready to run and near the best that there is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use DpAgg;
use Test::More;

my $node = DpAgg::node('suggest', roles => [qw(analyst owner)], conf => "timezone = 'UTC'\n");
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

sub query
{
	return $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]");
}

# What suggest() with these arguments says: { kind column => { statement, cuts, error, explanation } }.
sub suggest
{
	my ($arguments) = @_;
	my %said;

	foreach my $line (split /\n/, query("SELECT kind, column_name, statement, cuts_off, standard_error, explanation FROM dp_agg.suggest($arguments)"))
	{
		my ($kind, $column, $statement, $cuts, $error, $explanation) = split /\|/, $line, -1;
		$said{"$kind $column"} = { statement => $statement, cuts => $cuts, error => $error, explanation => $explanation };
	}
	return \%said;
}

# A number that a statement has behind a name.
sub number
{
	my ($said, $what, $name) = @_;

	return $said->{$what}{statement} =~ /\b$name => (\d+)/ ? $1 : undef;
}

sub bounds
{
	my ($said, $what) = @_;

	return $said->{$what}{statement} =~ /, '?([-\d.]+)'?, '?([-\d.]+)'?\);$/ ? "$1 $2" : "none: $said->{$what}{statement}";
}

sub ledger
{
	return query('SELECT count(*), COALESCE(sum(epsilon), 0), COALESCE(sum(delta), 0) FROM dp_agg.release');
}

# Orders of a shop: most customers have one, a few have hundreds.  Nothing here is random.
query(<<'SQL');
CREATE FUNCTION uniform(i bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN ((hashint8extended(i, salt) >> 12)::float8 + 2251799813685248.5) / 4503599627370496;
CREATE TABLE customer AS
SELECT i AS customer_id, least(400, ceil(0.9 / uniform(i, 1) ^ 0.7))::int AS n FROM generate_series(1, 20000) i;
CREATE TABLE orders (customer_id int NOT NULL, ordered date NOT NULL, channel text, amount numeric(10,2) NOT NULL, "Rückgabe" real, note text);
INSERT INTO orders
SELECT c.customer_id, DATE '2023-01-01' + floor(540 * uniform(c.customer_id * 1000 + o, 2))::int,
	CASE WHEN o % 7 > 0 THEN 'channel ' || o % 3 END, 10 * exp(2 * uniform(c.customer_id * 1000 + o, 3)),
	CASE o % 50 WHEN 1 THEN 'NaN'::real WHEN 2 THEN '-Infinity'::real WHEN 3 THEN NULL ELSE -(o % 20) END, 'note ' || o
FROM customer c, generate_series(1, c.n) o;
SQL

# --- what it returns, and what it costs --------------------------------------

my $before = ledger();
my $said = suggest("'orders', 1, unit => 'customer_id', population => 'shop'");
is($before, '0|0|0', 'nothing was paid before');
is(ledger(), '1|1000000000|10000000000', 'one release, at exactly the epsilon and delta that were asked for');
is(query('SELECT population, relations, accounts, "current_role" FROM dp_agg.release'), "shop|public.orders||$superuser", '... charged to the population, and to no account');
is(query('SELECT ok FROM dp_agg.verify_ledger()'), 't', '... in the chain');
is(join(', ', sort keys %$said), 'bounds Rückgabe, bounds amount, bounds ordered, max_groups , max_norm , max_norm Rückgabe, max_norm amount, max_rows , max_total , measured , total Rückgabe, total amount', 'rows for limits, bounds and totals, and none for a note');
is(query("SELECT count(*) FROM pg_seclabel WHERE provider = 'dp_agg'") . query("SELECT count(*) FROM pg_class WHERE relnamespace = 'dp'::regnamespace"), '00', 'the table is not protected by it');
like($said->{'max_total '}{statement}, qr/^SELECT dp_agg\.protect\('public\.orders', unit => 'customer_id', population => 'shop', max_groups => \d+, max_rows => \d+, max_total => \d+\);$/, 'protect() is ready to run');
is(bounds($said, 'bounds ordered'), '2022-01-01 2026-01-01', 'bounds of dates are years, one more on each side');
is(bounds($said, 'bounds amount') =~ s/ .*//r, 0, 'bounds of what is never negative begin at 0');
like(bounds($said, 'bounds Rückgabe'), qr/^-(20|25|30|40|50) 0$/, 'bounds of what is never positive end there, and what is infinite or no number is left aside');
like($said->{'max_rows '}{explanation}, qr/\(ordered, channel\)/, 'the keys are named');

# --- near the best ------------------------------------------------------------

# Squared noise and squared bias of 16 groups, for a limit; the least over many limits.
query(<<'SQL');
CREATE FUNCTION cost(values_ float8[], t float8) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN (SELECT 2 * t * t + (sum(greatest(v - t, 0)) / 16) ^ 2 FROM unnest(values_) v);
CREATE TABLE shares AS SELECT array_agg(n::float8) AS n, array_agg(s::float8) AS s, sum(n) AS rows, sum(s) AS total
FROM (SELECT count(*) AS n, sum(amount) AS s FROM orders GROUP BY customer_id) c;
SQL
my ($best_rows, $best_sum) = split /\|/, query('SELECT (SELECT min(cost(n, t)) FROM generate_series(1, 400) t), (SELECT min(cost(s, 50 * t)) FROM generate_series(1, 400) t) FROM shares');
foreach my $run (1 .. 3)
{
	$said = suggest("'orders', 1, 'customer_id', 'shop'") if $run > 1;
	my $t = number($said, 'max_total ', 'max_total');
	my $r = number($said, 'max_total ', 'max_rows');
	my $s = bounds($said, 'total amount') =~ s/.* //r;
	my ($rows, $sum, $cut, $cut_sum) = split /\|/,
	  query("SELECT sqrt(cost(n, $t) / $best_rows), sqrt(cost(s, $s) / $best_sum), (SELECT sum(greatest(v - $t, 0)) FROM unnest(n) v) / rows, (SELECT sum(greatest(v - $s, 0)) FROM unnest(s) v) / total::float8 FROM shares");

	ok($rows < 1.6, "max_total $t is near the best") or diag($rows);
	ok($sum < 1.6, "the total $s is near the best") or diag($sum);
	ok($r >= 2 && $r <= $t, "max_rows $r");
	ok(abs($said->{'max_total '}{cuts} - $cut) < 4 * $said->{'max_total '}{error} + 0.001, '... and what it cuts off is near the truth, by its standard error')
	  or diag("$said->{'max_total '}{cuts} +- $said->{'max_total '}{error}, $cut");
	ok(abs($said->{'total amount'}{cuts} - $cut_sum) < 4 * $said->{'total amount'}{error} + 0.001, '... of the sum as well')
	  or diag("$said->{'total amount'}{cuts} +- $said->{'total amount'}{error}, $cut_sum");
}

# --- all statements together configure the table -----------------------------

query($_->{statement}) foreach grep { $_->{statement} =~ /protect/ } values %$said;
query($_->{statement}) foreach grep { $_->{statement} =~ /set_/ } values %$said;	# after protect(), in any order
my ($t, $r, $s) = (number($said, 'max_total ', 'max_total'), number($said, 'max_total ', 'max_rows'), bounds($said, 'total amount') =~ s/.* //r);
is(query("SELECT max_total, max_rows, totals ->> 'amount', (SELECT count(*) FROM jsonb_object_keys(bounds)) FROM dp_agg.protected_relations"),
	"$t|$r|[0, $s]|3", 'what was suggested is declared');
query("SELECT dp_agg.set_budget('analyst', 'shop', epsilon => 100, delta => 1e-5)");
query('CREATE TABLE truth AS SELECT date_trunc(\'month\', ordered) AS month, count(*) AS n FROM orders GROUP BY 1');
my $released = DpAgg::value($node, 'analyst', "SELECT date_trunc('month', ordered)::date, count(*) FROM orders GROUP BY 1");
my %answer = map { split /\|/ } split /\n/, $released;
my %truth = map { split /\|/ } split /\n/, query('SELECT month::date, n FROM truth');
my $off = 0;
$off += ($answer{$_} - $truth{$_})**2 foreach keys %answer;
# The threshold of a count alone is one of rows: with a max_total of 120, about 3,000, and the last month is not a whole one.
ok(keys %answer >= 12, 'months are released with them') or diag(scalar keys %answer, ' of ', scalar keys %truth);
ok(sqrt($off / keys %answer) < 4 * $t, '... and counts are near the truth') or diag(sqrt($off / keys %answer));

my $measured = DpAgg::as($node, 'analyst', q{SET dp_agg.epsilon = 5; SELECT count(*) FROM orders WHERE dp_with(max_rows => 1, max_total => 1)});
like($measured->{err}, qr/NOTICE:  \S+: limits leave out about \d+ % of the rows of orders, as they were measured/, 'analysts are told what limits leave out, as it was measured') or diag($measured->{err});

# The limits that are set play no part in what is measured.
is(query("SET dp_agg.max_rows = 9; SELECT count(*) FROM dp_agg.suggest('orders', 1); SELECT DISTINCT round(standard_error::numeric, 4), epsilon = 1 FROM dp_agg.last_release()"),
	"12\n12.7279|t", 'the noise is that of one row per individual, in nine equal parts');

# Protected, unit and population are known; opened columns stay.
query("SELECT dp_agg.protect('orders', 'customer_id', 'shop', columns => '{amount,ordered}')");
$said = suggest("'orders', 2");
is(join(', ', sort keys %$said), 'bounds amount, bounds ordered, max_groups , max_norm , max_norm amount, max_rows , max_total , measured , total amount', 'columns that releases may not use are not asked about');
like($said->{'max_total '}{statement}, qr/, columns => '\{ordered,amount\}'\);$/, '... and the suggestion keeps them closed');
$said = suggest("'orders', 1, columns => '{amount}', groups => 1000");
is(join(', ', sort keys %$said), 'bounds amount, max_groups , max_rows , max_total , measured , total amount', 'columns may be named');
ok(number($said, 'max_total ', 'max_total') < $t, 'with more groups in a query, a limit is lower');
is(number($said, 'max_total ', 'max_rows'), number($said, 'max_total ', 'max_total'), 'without a key all rows may be in one group');

# The price stays when the transaction does not.
$before = query('SELECT sum(epsilon) FROM dp_agg.release');
query("BEGIN; SELECT count(*) FROM dp_agg.suggest('orders', 0.7); ROLLBACK");
is(query('SELECT sum(epsilon) FROM dp_agg.release') - $before, 7e8, 'rolled back, it is paid for');
DpAgg::works($node, $superuser, "BEGIN READ ONLY; SELECT count(*) FROM dp_agg.suggest('orders', 0.1); COMMIT", 'a table that is protected may be asked about in a read-only transaction');
query("SELECT dp_agg.unprotect('orders')");

# --- it reads by its release alone --------------------------------------------

query("SELECT dp_agg.classify('orders', 'amount', 'sensitive'); SET dp_agg.audit_raw = on; SELECT count(*) FROM dp_agg.suggest('orders', 1, 'customer_id', 'shop')");
is(query('SELECT count(*) FROM dp_agg.raw_read'), 0, 'no raw rows are read');
query("SELECT dp_agg.classify('orders', 'channel', 'direct_identifier')");
unlike(suggest("'orders', 1, 'customer_id', 'shop'")->{'max_rows '}{explanation}, qr/channel/, 'a direct identifier is left out');
query("SELECT dp_agg.classify('orders', 'channel', NULL)");

# --- few rows tell what no rows tell -------------------------------------------

query('CREATE TABLE no_orders (LIKE orders); CREATE TABLE few_orders (LIKE orders); INSERT INTO few_orders SELECT * FROM orders WHERE customer_id <= 15');
foreach my $epsilon (1, 50)
{
	my @tables = map { query("SELECT * FROM dp_agg.suggest('$_', $epsilon, 'customer_id', 'shop')") } qw(no_orders few_orders);
	is($tables[1], $tables[0], "a table of 15 individuals is as one of none, at epsilon $epsilon");
	unlike($tables[0], qr/SELECT/, '... and nothing is proposed');
	like($tables[0], qr/^max_total\|\|\|\|\|Nothing can be told at this price/, '... which is said');
}
is(query("SELECT count(*) FROM dp_agg.release WHERE relations = 'public.no_orders'"), 2, 'that was paid for, too');

# --- kinds of tables ------------------------------------------------------------

query(<<'SQL');
CREATE TABLE person (id int PRIMARY KEY, born date, income int, graduated int, sex text);
INSERT INTO person SELECT i, DATE '1940-06-01' + i % 20000, 500 * (i % 100), 1980 + i % 40, 'x' FROM generate_series(1, 20000) i;
CREATE TABLE loose AS TABLE person;
CREATE TABLE heavy AS SELECT 1 + i % 5000 AS id, i % 12 AS month, i % 100 AS x FROM generate_series(1, 15000) i;
INSERT INTO heavy SELECT 1, i % 12, 100 FROM generate_series(1, 100000) i;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE parts (u1 int, "n" text, v1 timestamptz, "k1 ""x""" mood, group_rows bigint, country int) PARTITION BY LIST (u1);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i % 2, 'p' || i % 3000, timestamptz '1999-06-30 23:30+00' + i % 6000 * interval '6 hours', 'good', i % 7 - 3, i % 5 FROM generate_series(1, 30000) i;
SQL
$said = suggest("'person', 1, 'id', 'people'");
is($said->{'max_total '}{statement}, q{SELECT dp_agg.protect('public.person', unit => 'id', population => 'people', max_groups => 1, max_rows => 1);}, 'a unique unit needs no limits');
like($said->{'max_total '}{explanation}, qr/unique index/, '... and that is why');
is(bounds($said, 'bounds income') . ', ' . bounds($said, 'bounds born'), '0 60000, 1930-01-01 1997-01-01', '... bounds are measured');
is(bounds($said, 'bounds graduated'), '1500 2500', '... also far from zero');
$said = suggest("'loose', 1, 'id', 'people'");
is($said->{'max_total '}{statement}, q{SELECT dp_agg.protect('public.loose', unit => 'id', population => 'people', max_groups => 1, max_rows => 1);}, 'one row for each, without an index');
like($said->{'max_total '}{explanation}, qr/^Nearly every individual has one row\./, '... is what is found');
ok(!exists $said->{'total income'}, '... and totals are bounds then');
$said = suggest("'heavy', 1, 'id', 'people'");
is(number($said, 'max_total ', 'max_total'), 3, 'an individual of 100,000 rows is not followed') or diag($said->{'max_total '}{statement});
$said = suggest("'parts', 2, ARRAY['u1', 'n']::name[], 'people'");
like($said->{'max_total '}{statement}, qr/unit => '\{u1,n\}'::name\[\], population => 'people', .*max_total => 10\);$/, 'a partitioned table, two columns as unit, and names that queries could take for their own');
is(bounds($said, 'bounds group_rows') . ', ' . bounds($said, 'bounds v1'), '-3 3, 1998-01-01 2005-01-01', '... with bounds on both sides of zero, and moments of UTC');
query($_->{statement}) foreach sort { $a->{statement} cmp $b->{statement} } grep { $_->{statement} } values %$said;
is(query("SELECT unit, bounds ->> 'group_rows' FROM dp_agg.protected_relations WHERE relation = 'parts'::regclass"), '{u1,n}|[-3, 3]', '... and its statements run');
query('CREATE TABLE bare (id int, note text); INSERT INTO bare SELECT i % 3000, i FROM generate_series(1, 12000) i');
is(number(suggest("'bare', 1, 'id', 'people'"), 'max_total ', 'max_total'), 4, 'a table with nothing but its unit to ask about');

# More columns than can be measured at once.
query('CREATE TABLE wide AS SELECT i % 1000 AS id, ' . join(', ', map { "i % 10 AS n$_, now() AS d$_, true AS b$_" } 1 .. 20) . ' FROM generate_series(1, 3000) i');
$said = suggest("'wide', 30, 'id', 'people'");
is(scalar(grep { /^bounds n/ } keys %$said) . ' ' . scalar(grep { /^bounds d/ } keys %$said) . ' ' . scalar(grep { /^left_out/ } keys %$said), '8 4 48', 'of very many columns the first are measured, and the others named');
is(query("SELECT count(*) FROM dp_agg.suggest('wide', 30, 'id', 'people', columns => (SELECT array_agg(attname) FROM pg_attribute WHERE attrelid = 'wide'::regclass AND attname ~ '^n')) WHERE kind = 'bounds'"), 20, '... or those that are asked for');

# --- who may, and what is refused --------------------------------------------------

$before = ledger();
my $signatures = query("SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE pronamespace = 'dp_agg'::regnamespace AND proname IN ('suggest')");
DpAgg::refused($node, 'analyst', "SELECT dp_agg.suggest('orders', 1, 'customer_id', 'shop')", '42501', 'an analyst may not');
query("CREATE TABLE mine AS SELECT * FROM loose; ALTER TABLE mine OWNER TO owner; GRANT EXECUTE ON FUNCTION $signatures TO owner, analyst");
query("SELECT dp_agg.protect('orders', 'customer_id', 'shop', 1, 1)");
DpAgg::refused($node, $_->[0], "SELECT dp_agg.suggest($_->[1])", $_->[2], "$_->[0]: $_->[1]") foreach
  [ 'analyst', "'orders', 1", '42501' ],
  [ 'analyst', "'loose', 1, 'id', 'people'", '42501' ],
  [ 'owner', "'loose', 1, 'id', 'people'", '42501' ],
  [ 'owner', "'mine', 1, 'id', 'people'", '42501' ],		# it takes EXECUTE on protect(), too
  map { [ $superuser, @$_ ] } (
	[ "'orders', 0", '22023' ], [ "'orders', -1", '22023' ], [ "'orders', 1001", '22023' ], [ "'orders', 'NaN'", '22023' ],
	[ "'orders', NULL", '22004' ], [ "NULL, 1", '22004' ], [ "'orders', 1, NULL, 'shop'", '22004' ],
	[ "'orders', 1, groups => 0", '22023' ], [ "'orders', 1, groups => NULL", '22004' ], [ "'orders', 1, delta => 0", '22023' ],
	[ "'orders', 1, delta => 'NaN'", '22023' ], [ "'orders', 1, columns => '{nothing}'", '42703' ],
	[ "'orders', 1, columns => ARRAY[NULL]::name[]", '22004' ], [ "'orders', 1, columns => '{customer_id}'", '22023' ],
	[ "'orders', 1, 'amount', 'shop'", '22023' ], [ "'orders', 1, 'customer_id', 'others'", '22023' ],
	[ "'loose', 1", '42704' ], [ "'loose', 1, 'nobody', 'people'", '42703' ], [ "'loose', 1, 'id', ''", '22023' ],
	[ "'dp.orders', 1, 'customer_id', 'shop'", '42809' ], [ "'pg_class', 1, 'oid', 'shop'", '42809' ]);
is(ledger(), $before, 'what is refused costs nothing');
query("GRANT EXECUTE ON FUNCTION dp_agg.protect(regclass, name[], name, integer, integer, name[]) TO owner");
DpAgg::works($node, 'owner', "SELECT count(*) FROM dp_agg.suggest('mine', 1, 'id', 'own people')", 'an owner who may protect the table may');
query('REVOKE SELECT ON mine FROM owner');
DpAgg::refused($node, 'owner', "SELECT dp_agg.suggest('mine', 1, 'id', 'own people')", '42501', '... unless it may not read it');

# --- protect() without limits says that there are none -------------------------------

sub notice
{
	my ($statement) = @_;
	my ($notice) = DpAgg::as($node, $superuser, $statement)->{err} =~ /NOTICE: *\S+: ([^\n]*no limits.*)/s;
	return $notice // '';
}
like(notice("SELECT dp_agg.protect('orders', 'customer_id', 'shop')"), qr/\Aan individual counts with 1 row in 1 group: no limits were given for public\.orders, whose unit is not unique\nHINT: .*FROM dp_agg\.suggest\('public\.orders', 1\)/, 'limits that were not given are told');
is(query("SELECT max_groups, max_rows FROM dp_agg.protected_relations WHERE relation = 'orders'::regclass"), '1|1', '... and what they are');
is(notice("SELECT dp_agg.protect('orders', 'customer_id', 'shop', $_)"), '', "... and not with $_") foreach 'max_groups => 1', 'max_rows => 1', 'max_total => 5';
is(notice("SELECT dp_agg.protect('person', 'id', 'people')"), '', '... nor where a unique index says that there is one row');
query('CREATE UNIQUE INDEX partial ON loose (id) WHERE income > 0; CREATE TABLE child () INHERITS (person)');
like(notice("SELECT dp_agg.protect('$_', 'id', 'people')"), qr/^an individual/, "... an index that holds for some rows says nothing ($_)") foreach qw(loose person);

# --- real registers --------------------------------------------------------------------

SKIP:
{
	my %file = map { $_ => DpAgg::data("$_.csv") } qw(pums demographic medical);
	skip 'the data files are not here', 4 if grep { !defined } values %file;
	query(<<"SQL");
CREATE TABLE pums (age int, sex int, educ int, race int, income float8, married int, pid int);
CREATE TABLE demographic (id text, name text, gender text, age int, zip text);
CREATE TABLE medical (id text, gender text, age text, zip text, diagnosis text, treatment text, outcome text);
\\copy pums FROM '$file{pums}' CSV HEADER
\\copy demographic FROM '$file{demographic}' CSV HEADER
\\copy medical FROM '$file{medical}' CSV HEADER
SQL
	$said = suggest("'pums', 2, 'pid', 'californians'");
	is(bounds($said, 'bounds age'), '0 100', 'ages');
	like(bounds($said, 'bounds income'), qr/^0 [1-5]00000$/, 'incomes');
	$said = suggest("'demographic', 1, 'id', 'patients'");
	is(bounds($said, 'bounds age') . ' ' . number($said, 'max_total ', 'max_rows'), '0 100 1', 'a register');
	unlike($said->{'max_rows '}{explanation}, qr/name/, '... whose names are not asked about');
	is(number(suggest("'medical', 1, 'id', 'patients'"), 'max_total ', 'max_rows'), 1, 'another');
}

$node->stop;
done_testing();
