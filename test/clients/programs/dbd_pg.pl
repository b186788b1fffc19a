# DBD::Pg: DBI's metadata, a prepared statement, a cursor, and what DBI knows of an error.

use strict;
use warnings;
use DBI;

my $dbh = DBI->connect("dbi:Pg:options='-c dp_agg.epsilon=$ENV{EPSILON}'", undef, undef, { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
my $say = sub { print join("\t", @_), "\n" };

$say->('table', $_->{pg_table}) foreach @{ $dbh->table_info(undef, 'dp', '%', 'VIEW')->fetchall_arrayref({}) };
$say->('column', $_->{pg_column}) foreach @{ $dbh->column_info(undef, 'dp', 'visits', '%')->fetchall_arrayref({}) };

my $release = $dbh->prepare('SELECT kind, count(*), avg(cost) FROM dp.visits
	WHERE day >= ? AND minutes < ? AND clinic <> ? GROUP BY kind ORDER BY kind');

foreach my $i (0 .. 11)
{
	$release->execute('2023-06-01', 60, 'West');
	$say->('answer', $i, @$_) foreach @{ $release->fetchall_arrayref };
}
$say->('generic', $dbh->selectrow_array('SELECT max(generic_plans) FROM pg_prepared_statements'));

my $fetched = 0;

$dbh->begin_work;
$dbh->do("DECLARE months CURSOR FOR $ENV{MONTHS}");
while (my $rows = $dbh->do('FETCH 5 FROM months') + 0)
{
	$fetched += $rows;
}
$dbh->commit;
$say->('fetched', $fetched);

foreach my $sql (split /\n/, $ENV{ATTEMPTS})
{
	if (my ($value) = eval { $dbh->selectrow_array($sql) })
	{
		$say->('allowed', $value);
	}
	else
	{
		my ($message) = $dbh->errstr =~ /^(?:ERROR:\s+)?([^\n]*)/;

		$say->('refused', $dbh->state, $message);
	}
}
