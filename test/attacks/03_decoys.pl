# Protected rows mixed with public ones, with those of other people and of other
# populations, and decoys: tables and views of the analyst under the names of
# protected ones.  A leak: one person decides about rows that are not its own.

use strict;
use warnings;
use Test::More;
use Attacks;

start('decoys and mixtures');

attack('text units that are one as char, joined', 'SELECT dp_count(*) FROM tags t JOIN codes c ON t.u::bpchar = c.u');
attack('text units that are one as char, in EXISTS', 'SELECT dp_count(*) FROM tags t WHERE EXISTS (SELECT FROM codes c WHERE c.u = t.u::bpchar)');
attack('text units that are one as char, in IN', 'SELECT dp_count(*) FROM tags t WHERE t.u::bpchar IN (SELECT u FROM codes)');
attack('text units that are one as char, the other way', 'SELECT dp_count(*) FROM codes c JOIN tags t ON c.u = t.u::char(5)');
attack('text units and char units as text', 'SELECT dp_count(*) FROM tags t JOIN codes c ON t.u = c.u', state => '00000|DP002', control => 'runs');
attack('units tied by a lossy cast', 'SELECT dp_count(*) FROM people p JOIN visits v ON p.id::float4 = v.pid::float4', control => 'runs');
attack('units tied by NOT <>', 'SELECT dp_count(*) FROM people p JOIN visits v ON NOT (p.id <> v.pid)', state => '00000|DP002', control => 'runs');
attack('NOT IN over rows that one person makes NULL',
	'SELECT dp_count(*) FROM people WHERE id NOT IN (SELECT nullif(pid, 5) FROM visits WHERE cost < 0 OR pid = 5)');
attack('NOT IN of pairs with NULL', 'SELECT dp_count(*) FROM people WHERE (id, x) NOT IN (SELECT pid, NULL::int FROM visits)',
	state => '00000|DP002', control => 'runs');
attack('NOT IN over rows of another person', 'SELECT dp_count(*) FROM people WHERE x NOT IN (SELECT nullif(cost, cost) FROM visits WHERE pid = 5)');
attack('NOT IN of the unit over all visits, NULLs among them', 'SELECT dp_count(*) FROM people WHERE id NOT IN (SELECT pid FROM visits WHERE pid IS NULL OR pid = 5)',
	state => '00000|DP002', control => 'runs');
attack('<> ALL over rows', 'SELECT dp_count(*) FROM people WHERE id <> ALL (SELECT nullif(pid, 5) FROM visits WHERE pid = 5)');
attack('a public row kept or lost by one person', 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM visits v WHERE v.pid = 5)');
attack('an anti-join of public rows', 'SELECT dp_count(*) FROM pub WHERE k NOT IN (SELECT x FROM people WHERE id = 5)',
	control => 'SELECT sum(k) FROM pub WHERE k NOT IN (SELECT x FROM people WHERE id = 5)');
attack('NULL rows of an outer join', 'SELECT dp_count(*) FROM pub LEFT JOIN people ON k = x WHERE id IS NULL', state => '00000', moves => 0, control => 'runs');
attack('NULL rows of a FULL JOIN', 'SELECT dp_count(*) FROM people FULL JOIN pub ON k = x WHERE id IS NULL', state => '00000', moves => 0, control => 'runs');
attack('EXISTS of others', 'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM visits v JOIN people q ON q.id = v.pid WHERE q.id = 5)');
attack('NOT EXISTS of others', 'SELECT dp_count(*) FROM people p WHERE NOT EXISTS (SELECT FROM visits v WHERE v.pid = p.id AND v.cost < 0 OR v.pid = 5)');
attack('EXISTS of others, two levels down',
	'SELECT dp_count(*) FROM people p WHERE EXISTS (SELECT FROM pub WHERE k = p.x AND NOT EXISTS (SELECT FROM visits w WHERE w.pid = 5))');
attack('a LATERAL row of others', 'SELECT dp_count(*) FROM people p, LATERAL (SELECT id FROM people q WHERE q.id = 5) s');
attack('another population', 'SELECT dp_count(*) FROM people JOIN staff ON id = sid', control => 'runs');
attack('another population in IN', 'SELECT dp_count(*) FROM people WHERE x IN (SELECT pay FROM staff)', control => 'runs');
run_attacks();


# The unit of the weak side alone: a NULL for those without, not nobody.
{
	my $r = script('SELECT abs(dp_count(*) - 1000) < 5 FROM (SELECT w.pid FROM people p LEFT JOIN visits w ON w.pid = p.id AND w.cost < 0) s');
	is("$r->{states}$r->{out}", 't', 'rows whose unit is NULL-extended are counted');
}

finish();
