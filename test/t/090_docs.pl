# The examples of README.md and doc/*.md run as they stand there, and what they and
# the files for contributors name exists.
#
# A block is run when a comment before it says as whom:
#
#	<!-- run as analyst -->
#	```sql
#	SELECT ...;
#	SELECT * FROM visits;   -- SQLSTATE 42501
#	```
#
# "dba" is a superuser.  "as analyst on the coordinator" is asked on a cluster of Citus, where there is Citus.  A
# statement ends with a line that ends in ";", or in ";"
# and a comment; the comment may name the SQLSTATE it must fail with.  Every
# other block of SQL must say <!-- not run: reason -->.
#
# Each file has a database of its own; a file that does not make the table "visits" finds
# it there, and one that does not create the extension gets it set up as well.

use strict;
use warnings;
use Test::More;
use CitusCluster;
use DpAgg;

# README.md comes first, and makes the role.
my $node = DpAgg::node('docs', extension => 0, roles => []);

my $tables = <<'SQL';
CREATE TABLE visits (patient_id int NOT NULL, clinic text NOT NULL, cost numeric(10,2), visited date NOT NULL);
INSERT INTO visits
SELECT p, CASE WHEN p > 3000 THEN 'Hilltop' ELSE (ARRAY['North', 'South', 'Harbour'])[1 + p % 3] END,
	CASE WHEN (p + v) % 50 > 0 THEN 40 + (p * 37 + v * 101) % 600 END,
	DATE '2025-01-01' + (p * 7 + v * 30) % 365
FROM generate_series(1, 3012) p, generate_series(1, 4) v;
CREATE TABLE clinics (clinic text PRIMARY KEY, city text NOT NULL);
INSERT INTO clinics VALUES ('North', 'Aville'), ('South', 'Aville'), ('Harbour', 'Beeburg'), ('Hilltop', 'Beeburg');
GRANT SELECT ON clinics TO PUBLIC;
SQL

my $setup = <<'SQL';
CREATE EXTENSION dp_agg;
SELECT dp_agg.protect('visits', unit => 'patient_id', population => 'patients', max_groups => 4, max_rows => 10);
SELECT dp_agg.set_bounds('visits', 'cost', 0, 1000);
SQL

# Statements of a block, each with the SQLSTATE it is expected to end with.
sub statements
{
	my ($block) = @_;
	my @found;
	my $statement = '';

	foreach my $line (split /\n/, $block)
	{
		next if $statement eq '' && $line =~ /^\s*(--.*)?$/;
		$statement .= "$line\n";
		next unless $line =~ /;\s*(--.*)?$/;
		my ($state) = $line =~ /;\s*--.*SQLSTATE (\w{5})/;
		push @found, [ $statement =~ s/;\s*(--[^\n]*)?\n\z//r, $state // '00000' ];
		$statement = '';
	}
	die "no ';' ends: $statement" if $statement ne '';
	return @found;
}

# Runs the blocks of a file (mark, text, ...) in a database.
sub run
{
	my ($file, $server, $db, @marked) = @_;

	while (my ($mark, $block) = splice @marked, 0, 2)
	{
		my ($role) = $mark =~ /^run as (\w+)/ or next;
		my @statements = statements($block);

		# Examples show prices; their sum is not the point.
		$server->safe_psql($db, <<'SQL') if $role ne 'dba' && $file ne 'README.md';
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 1000, delta => 1e-3);
SQL
		my @results = DpAgg::bulk($server, $role eq 'dba' ? $server->safe_psql($db, 'SELECT current_user') : $role,
			[ map { $_->[0] } @statements ], db => $db);
		foreach my $i (0 .. $#statements)
		{
			is($results[$i]->{sqlstate}, $statements[$i]->[1],
				"$file as $role: " . DpAgg::brief($statements[$i]->[0]))
			  or diag($results[$i]->{message});
		}
	}
	return;
}

# Pages in Chinese have the blocks of the pages that they translate.
my $cluster;
my @files = grep { -f && !/\.zh\.md$/ } 'README.md', glob('doc/*.md');
my $database = 0;

ok(@files > 0, 'there is documentation');
foreach my $file (@files)
{
	my $text = PostgreSQL::Test::Utils::slurp_file($file);
	my $db = 'docs' . ++$database;
	my $blocks = () = $text =~ /^```sql$/mg;
	my @marked = $text =~ /^<!-- (run as \w+(?: on the coordinator)?|not run: [^\n]+) -->\n```sql\n(.*?)^```$/msg;

	is(@marked / 2, $blocks, "$file: every block of SQL says whether it runs");
	next if !grep { /^run as/ } @marked;

	if ($text =~ /^<!-- run as \w+ on the coordinator -->/m)
	{
		SKIP: {
			skip CitusCluster::reason(), 1 if CitusCluster::reason();
			$cluster //= CitusCluster->new('docs', extension => 0, roles => []);
			run($file, $cluster->coordinator, 'postgres', @marked);
		}
		next;
	}
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, $tables) unless $text =~ /^CREATE TABLE visits/m;
	$node->safe_psql($db, $setup) unless $text =~ /^CREATE EXTENSION dp_agg/m;
	run($file, $node, $db, @marked);
}
$cluster->stop if $cluster;

foreach my $file (grep { -f } 'README.zh.md', glob('doc/*.zh.md'))
{
	my $blocks = sub { return join "\n", PostgreSQL::Test::Utils::slurp_file($_[0]) =~ /((?:^<!--[^\n]*-->\n)?^```sql\n.*?^```$)/msg; };
	my $original = $file =~ s/\.zh\.md$/.md/r;

	isnt($blocks->($original), '', "$original has SQL");
	is($blocks->($file), $blocks->($original), "... which $file has, too");
	like(PostgreSQL::Test::Utils::slurp_file($original), qr/^\[[^\]]+\]\(\Q@{[ $file =~ s{.*\/}{}r ]}\E\)/m, '... and leads to it');
}

# The map of README.md leads to files that exist.
my @named = PostgreSQL::Test::Utils::slurp_file('README.md') =~ m{\b((?:[a-z]+/)+[a-z_]+\.[ch])\b}g;
ok(@named > 5, 'README.md names source files');
is(join(' ', grep { !-f "src/$_" } @named), '', 'and all of them exist');

# So do the lists of CONTRIBUTING.md, and links of what stands beside it.
foreach my $file (qw(README.md README.zh.md CONTRIBUTING.md SECURITY.md CHANGELOG.md), glob('doc/*.md'))
{
	my $text = PostgreSQL::Test::Utils::slurp_file($file);
	my ($folder) = $file =~ m{^(.*/)};
	my @links = map { ($folder // '') . $_ } grep { !/^https?:/ } $text =~ m{\]\(([^)#\s]+)[^)]*\)}g;

	is(join(' ', grep { !-e } @links), '', "$file: what it links to exists");
}
{
	my $text = PostgreSQL::Test::Utils::slurp_file('CONTRIBUTING.md');
	my @paths = $text =~ m{(?<![\w/.])((?:src|sql|test|doc|dev|expected)/[\w./-]*\w)}g;

	ok(@paths > 30, 'CONTRIBUTING.md names files');
	is(join(' ', grep { !-e && !/NAME|X\.Y/ } @paths), '', 'and all of them exist');
	my $makefile = PostgreSQL::Test::Utils::slurp_file('Makefile');
	my %targets = map { $_ => 1 } $text =~ /`make ([a-z-]+)/g;
	is(join(' ', grep { $makefile !~ /^\Q$_\E( [^:=\n]*)?:|^[a-z -]* \Q$_\E( [^:=\n]*)?:/m } sort keys %targets), '', 'and all targets of make');
}

$node->stop;
done_testing();
