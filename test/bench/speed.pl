# speed.pl
#	What releases cost beside the plain queries they stand for.  Run by speed.sh,
#	which says how.
#
# Each measurement prints lines of one table: what is asked, of what, the time of
# the plain query and of the release, their ratio, and what it may be.

use strict;
use warnings;
use speed;
use speed_data;

my ($plain, $analyst);	# sessions of a superuser and of an analyst

# A release beside plain queries: shape, release, then [against, query, limit]...
sub compare
{
	my ($work, $shape, $release, @plain) = @_;
	my ($ms, @ms) = alternate([ $analyst, $release ], map { [ $plain, $_->[1] ] } @plain);
	my $out = groups($analyst, $release);
	my $all = groups($plain, $plain[0]->[1]);

	$shape .= " ($out of $all groups)" if $out != $all;
	result($work, $shape, $plain[$_]->[0], 'ms', $ms[$_], $ms, $plain[$_]->[2]) foreach 0 .. $#plain;
	return;
}

sub one
{
	my $two = join ', ', map { ("sum($_)", "avg($_)", "stddev($_)") } qw(age income);

	need('people');
	compare('one', 'one row per person: count, avg', 'SELECT region, dp_count(*), dp_avg(income) FROM people GROUP BY region',
		[ 'plain', 'SELECT region, count(*), avg(income) FROM people GROUP BY region', 1.05 ]);
	compare('one', 'one row per person: count, avg, no groups', 'SELECT count(*), avg(income) FROM people',
		[ 'plain', 'SELECT count(*), avg(income) FROM people', 1.05 ]);
	compare('one', 'one row per person: count, avg of numeric(12,2)',
		'SELECT region, dp_count(*), dp_avg(income_n) FROM people GROUP BY region',
		[ 'plain', 'SELECT region, count(*), avg(income_n) FROM people GROUP BY region', 1.05 ]);
	compare('one', 'one row per person: the same, no groups', 'SELECT count(*), avg(income_n) FROM people',
		[ 'plain', 'SELECT count(*), avg(income_n) FROM people', 1.05 ]);
	compare('one', 'one row per person: seven outputs of two columns', "SELECT region, count(*), $two FROM people GROUP BY region",
		[ 'plain', "SELECT region, count(*), $two FROM people GROUP BY region", 0.95 ]);
	return;
}

sub bounded
{
	need('records');
	compare('bounded', '5 rows per person: count, avg', 'SELECT region, dp_count(*), dp_avg(income) FROM records GROUP BY region',
		[ 'plain', 'SELECT region, count(*), avg(income) FROM records GROUP BY region', 1.2 ],
		[ 'count(DISTINCT)', 'SELECT region, count(DISTINCT person_id) FROM records GROUP BY region', 0.12 ],
		[ 'row_number()', <<'SQL' =~ s/\s+/ /gr, 0.06 ]);
SELECT region, count(*), avg(income) FROM (
	SELECT region, income, row_number() OVER (PARTITION BY person_id ORDER BY random()) AS n FROM records) s
WHERE n <= 6 GROUP BY region
SQL
	return;
}

sub text
{
	need('text_records');
	compare('text', 'text person keys, two group columns',
		'SELECT region, sector, dp_count(*), dp_avg(income) FROM text_records GROUP BY region, sector',
		[ 'plain', 'SELECT region, sector, count(*), avg(income) FROM text_records GROUP BY region, sector', 2 ]);
	return;
}

sub join_
{
	my $from = 'FROM records r JOIN members m USING (person_id) GROUP BY m.plan, r.region';

	need('records', 'members');
	compare('join', 'join of two protected tables: count, avg', "SELECT m.plan, r.region, dp_count(*), dp_avg(r.income) $from",
		[ 'plain', "SELECT m.plan, r.region, count(*), avg(r.income) $from", 1.2 ]);
	return;
}

# Joins with public tables: a small one, and one with a row for each person that there is.
sub star
{
	my $nations = 'FROM sales s JOIN buyers b USING (person_id) JOIN nations n USING (nation) GROUP BY n.name';
	my $products = 'FROM sales s JOIN products p USING (product) GROUP BY p.brand';
	my $size = many(people());

	need(qw(sales buyers nations products));
	compare('star', 'join of two protected tables and 25 public rows: sum', "SELECT n.name, dp_sum(s.income) $nations",
		[ 'plain', "SELECT n.name, sum(s.income) $nations", 1.1 ]);
	compare('star', "join with $size public rows: sum", "SELECT p.brand, dp_sum(s.income) $products",
		[ 'plain', "SELECT p.brand, sum(s.income) $products", 1.2 ]);
	locked(sub {
		my ($base, $peak) = map { peak_memory($_->[0], "SET work_mem = '256MB';", $_->[1]) }
		  [ 'postgres', "SELECT p.brand, sum(s.income) $products" ], [ 'analyst', "SELECT p.brand, dp_sum(s.income) $products" ];

		result('star', 'the same: peak memory', 'plain', 'MB', $base, $peak, 200, 'more');
	});
	return;
}

sub median_
{
	foreach my $table (qw(people records))
	{
		need($table);
		compare('median', ($table eq 'people' ? 'one row' : '5 rows') . ' per person: median',
			"SELECT region, dp_median(income) FROM $table GROUP BY region",
			[ 'percentile_cont(0.5)',
				"SELECT region, percentile_cont(0.5) WITHIN GROUP (ORDER BY income) FROM $table GROUP BY region", 0.2 ]);
	}
	return;
}

sub distinct
{
	foreach my $table (qw(people records))
	{
		need($table);
		foreach my $column (qw(person_id age))
		{
			compare('distinct', ($table eq 'people' ? 'one row' : '5 rows') . " per person: distinct " .
				  ($column eq 'age' ? 'ages' : 'persons'),
				"SELECT region, dp_count_distinct($column) FROM $table GROUP BY region",
				[ 'count(DISTINCT)', "SELECT region, count(DISTINCT $column) FROM $table GROUP BY region",
					$column eq 'age' ? '' : 0.15 ]);
		}
	}
	return;
}

# Values out of line, which a release reads for all rows.
sub wide
{
	need('texts');
	foreach my $read ([ 'all', "body LIKE '%zz%'", 1.15 ],
		[ 'one in 100', "CASE WHEN person_id % 100 = 0 THEN body LIKE '%zz%' END", '' ],
		[ 'none', 'person_id > 100', '' ])
	{
		my ($which, $condition, $limit) = @$read;

		compare('wide', "texts out of line, read: $which", "SELECT region, dp_count(*) FROM texts WHERE $condition GROUP BY region",
			[ 'plain', "SELECT region, count(*) FROM texts WHERE $condition GROUP BY region", $limit ]);
	}
	return;
}

# A hundredth of the rows, by a condition on a column whose index releases may use, beside a condition
# that reads the whole table.
sub selective
{
	my $days = 'day BETWEEN 500 AND 509';
	my $what = 'dp_count(*), dp_avg(income) FROM dated';

	need('dated');
	compare('selective', 'one row in 100, by an index', "SELECT $what WHERE $days",
		[ 'plain', "SELECT count(*), avg(income) FROM dated WHERE $days", '' ]);
	my ($ms, $whole) = alternate([ $analyst, "SELECT $what WHERE $days" ], [ $analyst, "SELECT $what WHERE day + 0 BETWEEN 500 AND 509" ]);
	result('selective', 'the same', 'release, read whole', 'ms', $whole, $ms, '');
	return;
}

# Text for a number of rows or people.
sub many
{
	my ($n) = @_;

	return $n >= 1e6 ? sprintf('%gM', $n / 1e6) : sprintf '%gk', $n / 1000;
}

my $of_large = 'region, dp_count(*), dp_avg(income) FROM large GROUP BY region';
my $of_large_plain = 'region, count(*), avg(income) FROM large GROUP BY region';

sub large
{
	need('large');
	($plain, $analyst) = map { session($_, "SET work_mem = '16MB';") } qw(postgres analyst);
	compare('large', many(10 * people()) . ' people, ' . many(4 * rows()) . ' rows, work_mem 16MB', "SELECT $of_large",
		[ 'plain', "SELECT $of_large_plain", 1.3 ]);
	return;
}

sub memory
{
	need('large');
	locked(sub {
		my ($base, $peak) = map { peak_memory($_->[0], "SET work_mem = '16MB';", $_->[1]) }
		  [ 'postgres', "SELECT $of_large_plain" ], [ 'analyst', "SELECT $of_large" ];

		result('memory', 'the same: peak memory', 'plain', 'MB', $base, $peak, 200, 'more');
	});
	return;
}

# Nanoseconds per row of tables that are alike, and by the number of groups.
sub growth
{
	my (%release, %plain, %rows);
	my @tables = qw(large_20th large_4th large);

	need(@tables);
	foreach my $table (@tables)
	{
		sql("SELECT pg_prewarm('$table')");
		$rows{$table} = value("SELECT count(*) FROM $table");
		($release{$table}, $plain{$table}) = map { 1e6 * $_ / $rows{$table} }
		  alternate(map { my $query = s/large/$table/r; [ $query =~ /dp_/ ? $analyst : $plain, "SELECT $query" ] }
			  $of_large, $of_large_plain);
		result('growth', many($rows{$table}) . ' rows, 2 per person: each row', 'plain', 'ns', $plain{$table}, $release{$table}, '');
	}
	result('growth', 'a row of ' . many($rows{large}) . ', release', 'a row of ' . many($rows{large_20th}), 'ns',
		$release{large_20th}, $release{large}, 1.3);
	result('growth', 'a row of ' . many($rows{large}) . ', plain', 'a row of ' . many($rows{large_20th}), 'ns',
		$plain{large_20th}, $plain{large}, '');

	foreach my $groups ([ 1, '' ], [ 1000, 'GROUP BY ward' ], [ 100000, 'GROUP BY street' ])
	{
		my ($number, $by) = @$groups;
		my ($ms, $base) = alternate([ $analyst, "SELECT count(*) FROM (SELECT dp_count(*), dp_avg(income) FROM large_4th $by) s" ],
			[ $plain, "SELECT count(*) FROM (SELECT count(*) AS n, avg(income) AS x FROM large_4th $by OFFSET 0) s WHERE n > 0" ]);

		result('growth', many($rows{large_4th}) . " rows, $number group" . ($number > 1 ? 's' : ''), 'plain', 'ms', $base, $ms, '');
	}
	return;
}

# One row more in the log, and the commit that makes it last.
sub small
{
	my $release = 'SELECT region, dp_count(*), dp_avg(income) FROM thousand GROUP BY region';
	my $query = 'SELECT region, count(*), avg(income) FROM thousand GROUP BY region';

	need('thousand');
	sql(<<'SQL');
DROP TABLE IF EXISTS bench.log;
CREATE TABLE bench.log (LIKE dp_agg.release);
SQL
	my $commit = <<'SQL' =~ s/\s+/ /gr;
INSERT INTO bench.log (id, at, reused, session_role, "current_role", session_id, current_id, cluster,
	population, relations, query, fingerprint, epsilon, delta, outputs, accounts, tier, codes, prev_hash, hash)
VALUES (1, now(), false, 'analyst', 'analyst', 10, 10, 7000000000000000000, 'people', 'thousand', 'SELECT region, dp_count(*), dp_avg(income)', sha256('a'),
	1000000000, 10000000000, 'dp_count', '16384', 'low', 'result.statistic computation.central transmission.local', sha256('b'), sha256('c'))
SQL
	my @queries = ([ $analyst, $release ], [ $plain, $query ], [ $plain, $commit ]);
	my @ms = map { [] } @queries;

	locked(sub {
		foreach (1 .. 300)
		{
			push @{ $ms[$_] }, ask(@{ $queries[$_] }) foreach 0 .. $#queries;
		}
	});
	my ($ms, $base, $commit_ms) = map { median(@$_) } @ms;
	result('small', '1,000 rows, one connection', 'plain + a commit', 'ms', $base + $commit_ms, $ms, 1, 'more');
	return;
}

# Mean microseconds of a statement of a session that plans it each time.
sub latency
{
	my ($port, $statement, $seconds) = @_;
	my $file = "$ENV{TMPDIR}/latency.sql";

	open my $out, '>', $file or die "$file: $!\n";
	print $out "$statement;\n";
	close $out or die "$file: $!\n";
	open my $in, '-|', qw(pgbench -n -U analyst -p), $port, '-T', $seconds, '-f', $file or die "pgbench: $!\n";
	my ($ms) = join('', <$in>) =~ /^latency average = ([0-9.]+)/m or die "pgbench failed\n";
	return 1000 * $ms;
}

# Statements about what nobody protects, on this server and on a second one that
# does not load the library.
sub planning
{
	my $other = $ENV{PORT_WITHOUT} or die "planning needs speed.sh\n";
	my %statement = (
		'one table' => 'SELECT x FROM plain WHERE id = 500',
		'four tables' => 'SELECT count(*) FROM plain a JOIN plain b USING (id) JOIN plain c USING (id) ' .
		  'WHERE a.id < 3 AND EXISTS (SELECT FROM plain d WHERE d.id = a.id)');

	sql(<<'SQL', '-p', $_) foreach 5432, $other;
SELECT 'CREATE ROLE analyst LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') \gexec
DROP TABLE IF EXISTS plain;
CREATE TABLE plain (id int PRIMARY KEY, x int);
INSERT INTO plain SELECT i, i FROM generate_series(1, 1000) i;
GRANT SELECT ON plain TO analyst;
VACUUM ANALYZE plain;
SQL
	foreach my $what ('one table', 'four tables')
	{
		my (@with, @without);

		locked(sub {
			foreach (1 .. 3 * ($ENV{ROUNDS} || 5))
			{
				push @without, latency($other, $statement{$what}, 1);
				push @with, latency(5432, $statement{$what}, 1);
			}
		});
		result('planning', "unprotected, $what", 'library not loaded', 'us', median(@without), median(@with), 20, 'more');
	}
	return;
}

sub ledger
{
	my $out = locked(sub { scalar `RUNNING=1 bash test/bench/ledger.sh 2>&1` });
	my @line = $out =~ m{^(.*), (\d+) clients: (\d+) releases/s, (\d+) INSERTs/s}mg or die $out;

	die $out if $?;
	while (my ($disk, $clients, $releases, $inserts) = splice @line, 0, 4)
	{
		result('ledger', "ledger, $clients clients, $disk", 'INSERT', '/s', $inserts, $releases, 0.85, 'least');
	}
	return;
}

my %work = (one => \&one, bounded => \&bounded, text => \&text, join => \&join_, star => \&star, median => \&median_,
	distinct => \&distinct, large => \&large, memory => \&memory, growth => \&growth, small => \&small,
	planning => \&planning, ledger => \&ledger, wide => \&wide, selective => \&selective);
my @order = qw(one bounded text join star median distinct wide selective small planning ledger large memory growth);
my @todo = split ' ', $ENV{WORK} || "@order";

$| = 1;
if (my @unknown = grep { !$work{$_} } @todo)
{
	die "unknown work: @unknown; there is @order\n";
}
describe(machine() . ", " . many(rows()) . " rows of " . many(people()) . " people");
printf "%-52s %-26s %9s %9s %-5s %7s %9s\n", 'work', 'against', 'plain', 'release', '', 'ratio', 'limit';
prepare();
foreach my $work (@todo)
{
	($plain, $analyst) = map { session($_) } qw(postgres analyst);
	$work{$work}->();
}
