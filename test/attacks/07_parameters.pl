# Parameters of a release: epsilon, limits, bounds, fractions, as constants, prepared
# parameters, settings and expressions.  A leak: a parameter takes a value from the
# rows, or one that is no parameter at all is computed with.

use strict;
use warnings;
use Test::More;
use Attacks;

start('parameters');

# ---------- code of the analyst in the parameters of a release ----------

my $few = 'id BETWEEN 1 AND 37';

attack('a bound that counts rows', "SELECT dp_sum(x, a.spy_stable(), 100) FROM people WHERE $few",
	control => "SELECT sum(x + a.spy_stable()) FROM people WHERE $few");
attack('an upper bound that counts rows', "SELECT dp_avg(x, 0, 1 + a.spy_stable()) FROM people WHERE $few",
	control => "SELECT avg(x + a.spy_stable()) FROM people WHERE $few");
attack('a bound through an SQL function', "SELECT dp_sum(x, a.spy_sql(), 100) FROM people WHERE $few",
	control => "SELECT sum(x + a.spy_sql()) FROM people WHERE $few");
attack('an IMMUTABLE bound', "SELECT dp_sum(x, a.spy_immutable(0), 100) FROM people WHERE $few",
	control => "SELECT sum(x + a.spy_immutable(x)) FROM people WHERE $few");
attack('a bound cast to a domain that counts', "SELECT dp_sum(x, 0::a.dm, 100) FROM people WHERE $few",
	control => "SELECT sum(x::a.dm) FROM people WHERE $few");
attack('a bound by an operator that counts',
	"SELECT dp_sum(x, (1 OPERATOR(a.==) 2)::int, 100) FROM people WHERE $few",
	control => "SELECT sum((x OPERATOR(a.==) 2)::int) FROM people WHERE $few");
attack('a bound out of a sub-select', "SELECT dp_sum(x, (SELECT a.spy(0)), 100) FROM people WHERE $few",
	control => "SELECT sum(x + (SELECT a.spy(x))) FROM people WHERE $few");
attack('a bound out of a sub-select over the rows', 'SELECT dp_sum(x, (SELECT min(x) FROM people), 100) FROM people',
	control => 'SELECT sum(x - (SELECT min(x) FROM people WHERE id = 5)) FROM people');
attack('a bound of a column', "SELECT dp_sum(x, x, 100) FROM people WHERE $few");
attack("$_ of dp_with that counts rows",
	"SELECT dp_count(*) FROM people WHERE dp_with($_ => 1 + a.spy_stable()" . (/max/ ? '::int' : '') . ") AND $few",
	control => "SELECT count(*) FROM people WHERE a.spy_stable() + x >= 0 AND $few") foreach qw(epsilon delta max_groups max_rows);
attack('a volatile parameter', 'SELECT dp_count(*) FROM people WHERE dp_with(epsilon => random())', control => 'SELECT sum(x) FROM people WHERE random() >= 0');
attack('a parameter of a column', 'SELECT dp_count(*) FROM people WHERE dp_with(max_rows => x)', control => 'SELECT sum(x) FROM people');
attack('k raised between payment and the drain', 'FETCH ALL c',
	before => [ "SET a.k = '1'", 'BEGIN',
		"DECLARE c CURSOR FOR SELECT o.n, dp_count(*) FROM people p JOIN a.nums o ON true WHERE dp_with(max_groups => current_setting('a.k')::int) GROUP BY 1",
		"SET a.k = '1000'" ],
	state => '25P02', control => 'runs');
attack('k from a setting', "SELECT o.n, dp_count(*) FROM people p JOIN a.nums o ON true WHERE dp_with(max_groups => current_setting('a.k')::int) GROUP BY 1",
	before => ["SET a.k = '1'"], control => 'runs');
attack('a bound from a setting', "SELECT dp_sum(x, current_setting('a.k')::float8, 100) FROM people",
	before => ["SET a.k = '1'"]);
attack('a bound from the clock', 'SELECT dp_sum(x, 0, extract(epoch FROM now())) FROM people');
attack('a bound that is a parameter is a value', 'EXECUTE bounded(0, 100)',
	before => ['PREPARE bounded(float8, float8) AS SELECT dp_sum(x, $1, $2) FROM people WHERE x < 5'],
	after => ['DEALLOCATE bounded'], state => '00000', control => 'runs');
run_attacks();

finish();
