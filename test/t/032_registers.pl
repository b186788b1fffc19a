# Real data: a census sample, and two registers of one population joined by a
# text identifier.  Skipped where the files are missing (see DP_AGG_DATA).
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../perl";
use DpAgg;
use Test::More;

my %file = map { $_ => DpAgg::data("$_.csv") } qw(pums demographic medical);
plan skip_all => 'the data files are not here' if grep { !defined } values %file;

my $node = DpAgg::node('main');
my $copy = join "\n", map { "\\copy $_ FROM '$file{$_}' CSV HEADER" } sort keys %file;

$node->safe_psql('postgres', <<"SQL");
CREATE TABLE pums (age int NOT NULL, sex int, educ int NOT NULL, race int,
	income float8 NOT NULL, married int, pid int PRIMARY KEY);
CREATE TABLE demographic (id text PRIMARY KEY, name text, gender text, age int NOT NULL, zip text);
CREATE TABLE medical (id text, gender text, age text, zip text, diagnosis text, treatment text,
	outcome text);
$copy
ANALYZE;
SELECT dp_agg.protect('pums', unit => 'pid', population => 'californians');
SELECT dp_agg.set_bounds('pums', 'age', 0, 100);
SELECT dp_agg.set_bounds('pums', 'income', 0, 200000);
SELECT dp_agg.protect('demographic', unit => 'id', population => 'patients',
	columns => '{id,gender,age}');
SELECT dp_agg.set_bounds('demographic', 'age', 0, 120);
SELECT dp_agg.protect('medical', unit => 'id', population => 'patients', max_rows => 2);
SELECT dp_agg.set_budget('analyst', 'californians', epsilon => 1000, delta => 1e-3);
SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 1000, delta => 1e-3);
SQL

sub rows { return map { [ split /\|/ ] } split /\n/, shift }

# Compares a grouped answer (key, count, average) with the truth.  Noise at
# epsilon 20 is far below the tolerances given.
sub close_to
{
	my ($name, $sql, $truth, $count_off, $average_off) = @_;
	my %answer = map { $_->[0] => $_ } rows(DpAgg::value($node, 'analyst',
			"SET dp_agg.epsilon = 20; $sql"));
	my @truth = rows($node->safe_psql('postgres', $truth));
	my ($wrong, $small, $shown) = (0, 0, 0);

	foreach my $row (@truth)
	{
		my ($key, $count, $average) = @$row;
		my $got = $answer{$key};

		if ($count < 20) { $small++ if $got; next; }
		next if !$got;
		$shown++;
		$wrong++ if abs($got->[1] - $count) > $count_off
		  || abs($got->[2] - $average) > $average_off;
	}
	ok($shown > 0, "$name: some groups show");
	is($wrong, 0, "$name: they are close to the truth");
	is($small, 0, "$name: groups of fewer than 20 do not show");
	is(scalar(grep { my $k = $_; !grep { $_->[0] eq $k } @truth } keys %answer), 0,
		"$name: no group that does not exist");
}

close_to('census', 'SELECT educ, count(*), avg(income) FROM pums GROUP BY educ',
	'SELECT educ, count(*), avg(least(income, 200000)) FROM pums GROUP BY educ', 3, 3000);
close_to('registers joined by a text identifier',
	'SELECT m.diagnosis, count(DISTINCT m.id), avg(d.age)
	   FROM medical m JOIN demographic d ON d.id = m.id GROUP BY m.diagnosis',
	'SELECT m.diagnosis, count(DISTINCT m.id), avg(d.age)
	   FROM medical m JOIN demographic d ON d.id = m.id GROUP BY m.diagnosis', 3, 1);
close_to('a facade beside a table',
	'SELECT d.gender, count(*), avg(d.age) FROM dp.demographic d
	  WHERE EXISTS (SELECT FROM dp.medical m WHERE m.id = d.id AND m.outcome IS NOT NULL) GROUP BY 1',
	'SELECT d.gender, count(*), avg(d.age) FROM demographic d
	  WHERE EXISTS (SELECT FROM medical m WHERE m.id = d.id AND m.outcome IS NOT NULL) GROUP BY 1',
	3, 1);

# Direct identifiers were left out of the columns.
foreach my $sql ('SELECT name, count(*) FROM demographic GROUP BY name',
	q{SELECT count(*) FROM demographic WHERE name LIKE 'L%'},
	'SELECT count(zip) FROM demographic')
{
	DpAgg::refused($node, 'analyst', $sql, 'DP002');
}
DpAgg::refused($node, 'analyst', 'SELECT name FROM dp.demographic', '42703');

done_testing();
