# accuracy.pm
#	What accuracy.pl and figures.pl share: asking a server through psql, and
#	plain statistics.

package accuracy;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(dba value rows setup load releases rmse mean sd significant);

# Runs SQL through psql as a role and returns what it prints.
sub psql
{
	my ($role, $sql) = @_;
	my $file = "$ENV{TMPDIR}/accuracy.$$.sql";

	open my $out, '>', $file or die "$file: $!";
	print $out $sql;
	close $out or die "$file: $!";
	open my $in, '-|', 'psql', '-XAtq', '-U', $role, '-v', 'ON_ERROR_STOP=1', '-f', $file
	  or die "psql: $!";
	local $/;
	my $result = <$in>;
	close $in or die "psql failed:\n$sql\n";
	return $result;
}

# Warnings and errors only.
$ENV{PGOPTIONS} = "-c client_min_messages=warning";

sub dba { return psql('postgres', $_[0]); }

# The rows of an exact query, and the first value of the first one.
sub rows { return map { [ split /\|/, $_, -1 ] } split /\n/, dba($_[0]); }
sub value { return (rows($_[0]))[0]->[0]; }

# The extension, and an analyst who can pay for everything.
sub setup
{
	dba(<<'SQL');
CREATE EXTENSION IF NOT EXISTS dp_agg;
SELECT 'CREATE ROLE analyst LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'analyst') \gexec
SQL
	return;
}

# Loads rows (of references to arrays) into a table that is there.
sub load
{
	my ($table, @rows) = @_;

	dba("COPY $table FROM stdin;\n" . join('', map { join("\t", @$_) . "\n" } @rows) . "\\.\n");
	return;
}

# The answers to n releases of a query with these columns ("c bigint, a
# float8"), each a transaction of its own, as an analyst would ask.
sub releases
{
	my ($n, $query, $columns, $settings) = @_;

	return map { [ split /\|/, $_, -1 ] } split /\n/, psql('analyst', ($settings // '') . <<"SQL");
CREATE TEMP TABLE answer (i int, $columns);
CREATE PROCEDURE pg_temp.ask() LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1 .. $n LOOP
		INSERT INTO answer SELECT i, q.* FROM ($query) q;
		COMMIT;
	END LOOP;
END
\$\$;
CALL pg_temp.ask();
ALTER TABLE answer DROP i;
SELECT * FROM answer;
SQL
}

sub mean
{
	my $sum = 0;

	$sum += $_ foreach @_;
	return $sum / @_;
}

# Root mean square distance of the values from the truth.
sub rmse
{
	my ($truth, @values) = @_;

	return sqrt(mean(map { ($_ - $truth)**2 } @values));
}

sub sd { return rmse(mean(@_), @_); }

# significant(X, DIGITS): X with DIGITS significant digits, never with an exponent.
sub significant
{
	my ($x, $digits) = @_;

	return '0' if $x == 0;
	my $places = $digits - 1 - int(log(abs $x) / log 10 + 1e-9 - (abs $x < 1));
	return $places > 0 ? sprintf('%.*f', $places, $x) : sprintf('%.0f', $x);
}

1;
