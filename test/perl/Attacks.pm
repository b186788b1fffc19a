# Attacks.pm
#	How the attack suite attacks: test/attacks/*.pl, see test/attacks/README.md.
#
#	use Attacks;
#	start('direct reads');                   # server, tables, the analyst's own things
#	attack('rows by TABLE', 'TABLE people', control => 'runs');
#	run_attacks();                           # on two versions of the data
#	finish();                                # the server stands; counts; done_testing
#
# The attacker is the role analyst: it has accounts, a schema "a" of its own in
# which it may make anything, and it has read the source.  Person 5 is whom it is
# after.  attack() collects statements; run_attacks() runs each on two versions of
# the data, with person 5 and without, and on unprotected copies of the tables in
# schema "plain", which is the control: there the statement must tell the versions
# apart, or else it is no attack.
#
# What a leak looks like, for attack(): the two versions differ in SQLSTATE,
# message, shape of the answer, number of calls of the analyst's own code, notices
# (alone => 1), or by more in a number than one person may move it; or a refusal
# printed rows; or the statement ended with a state that is none of "state".
# For draws(): more different answers than charges, or charges that were not paid.

package Attacks;

use strict;
use warnings;
use Exporter 'import';
use List::Util 'min';
use Test::More;
use PostgreSQL::Test::Utils;
use DpAgg;

our @EXPORT = qw(start finish node attack run_attacks version on_copies draws script
  session ledger no_crash attacked control close_by);

my $node;
my $class;
my $started;
my $log_place = 0;
my @attacks;
my %defaults;
my %persons;
my %count = (attacks => 0, controls => 0, without => 0);

# ---------- the tables ----------

# Person 5 of each table, as a condition.
my %people_persons = (people => 'id = 5', visits => 'pid = 5', codes => "u = 'a'", wide => 'id = 5');

my $people_tables = <<'SQL';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE people (id int PRIMARY KEY, name text, x int NOT NULL, y float8, g text, n numeric);
CREATE TABLE visits (pid int, clinic text, cost numeric);
CREATE TABLE staff (sid int PRIMARY KEY, pay int);
CREATE TABLE pub (k int PRIMARY KEY, label text);
CREATE TABLE events (pid int NOT NULL, r int, v int, PRIMARY KEY (pid, r)) PARTITION BY RANGE (r);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000);
CREATE TABLE tags (u text PRIMARY KEY, v int);
CREATE TABLE codes (u char(5) PRIMARY KEY, v int);
CREATE TABLE wide (id int PRIMARY KEY, name text, doc text, m mood);
CREATE INDEX ON people (x);
CREATE INDEX ON visits (pid);
INSERT INTO people SELECT i, 'p' || i, (i * 37) % 100, i * 1.5, 'g' || i % 4, CASE i WHEN 5 THEN 'NaN' ELSE i::numeric END FROM generate_series(1, 1000) i;
INSERT INTO visits SELECT i % 1000 + 1, 'c' || i % 7, (i * 13) % 500 FROM generate_series(1, 5000) i;
INSERT INTO visits VALUES (NULL, 'c1', 10);
INSERT INTO staff SELECT i, i FROM generate_series(1, 300) i;
INSERT INTO events SELECT i, i % 100, i FROM generate_series(1, 500) i;
INSERT INTO pub SELECT i, 'l' || i FROM generate_series(0, 99) i;
INSERT INTO tags SELECT rpad('a', i), i FROM generate_series(1, 100) i;
INSERT INTO tags SELECT 't' || i, i FROM generate_series(1, 100) i;
INSERT INTO codes SELECT 't' || i, i FROM generate_series(1, 100) i;
INSERT INTO codes VALUES ('a', 1);
INSERT INTO wide SELECT i, 'p' || i, CASE i WHEN 5 THEN (SELECT string_agg(md5(j::text), '') FROM generate_series(1, 1000) j) ELSE 'd' END, 'ok' FROM generate_series(1, 1000) i;
SELECT dp_agg.protect('people', 'id', 'people'), dp_agg.protect('visits', 'pid', 'people'),
	dp_agg.protect('events', 'pid', 'people'), dp_agg.protect('wide', 'id', 'people'), dp_agg.protect('staff', 'sid', 'staff'),
	dp_agg.protect('tags', 'u', 'letters'), dp_agg.protect('codes', 'u', 'letters');
SELECT dp_agg.set_bounds('people', 'x', 0, 100), dp_agg.set_bounds('visits', 'cost', 0, 500);
SELECT dp_agg.set_budget('analyst', p, epsilon => 1e8, delta => 0.5) FROM unnest('{people,staff,letters}'::name[]) p;
CREATE TABLE plain.people (LIKE people INCLUDING ALL);
CREATE TABLE plain.visits (LIKE visits INCLUDING ALL);
CREATE TABLE plain.staff (LIKE staff INCLUDING ALL);
CREATE TABLE plain.tags (LIKE tags INCLUDING ALL);
CREATE TABLE plain.codes (LIKE codes INCLUDING ALL);
CREATE TABLE plain.wide (LIKE wide INCLUDING ALL);
CREATE TABLE plain.events (LIKE events INCLUDING ALL) PARTITION BY RANGE (r);
CREATE TABLE plain.events_1 PARTITION OF plain.events FOR VALUES FROM (0) TO (1000);
INSERT INTO plain.people TABLE people;
INSERT INTO plain.visits TABLE visits;
INSERT INTO plain.staff TABLE staff;
INSERT INTO plain.tags TABLE tags;
INSERT INTO plain.codes TABLE codes;
INSERT INTO plain.wide TABLE wide;
INSERT INTO plain.events TABLE events;
GRANT SELECT ON pub TO PUBLIC;
SQL

# What the analyst has made.  spy() and its like count their calls.
my $people_own = <<'SQL';
CREATE FUNCTION a.spy(int) RETURNS int LANGUAGE plpgsql VOLATILE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.spy_immutable(int) RETURNS int LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.spy_stable() RETURNS float8 LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN 0; END $$;
CREATE FUNCTION a.spy_sql() RETURNS float8 LANGUAGE sql STABLE AS 'SELECT a.spy_stable()';
CREATE FUNCTION a.spy_text(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.eq(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 = $2; END $$;
CREATE FUNCTION a.ne(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 <> $2; END $$;
CREATE FUNCTION a.gt(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1 > $2; END $$;
CREATE OPERATOR a.== (LEFTARG = int, RIGHTARG = int, FUNCTION = a.eq);
CREATE OPERATOR a.!=== (LEFTARG = int, RIGHTARG = int, FUNCTION = a.ne);
CREATE OPERATOR a.==== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, NEGATOR = OPERATOR(a.!===));
CREATE OPERATOR a.>>>> (LEFTARG = int, RIGHTARG = int, FUNCTION = a.gt);
CREATE OPERATOR a.<<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt, COMMUTATOR = OPERATOR(a.>>>>));
CREATE OPERATOR a.=!= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, HASHES, MERGES);
CREATE OPERATOR a.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE DOMAIN a.dm AS int CHECK (a.spy(VALUE) IS NOT NULL);
CREATE TYPE a.ct AS (a int, b text);
CREATE FUNCTION a.final(int8) RETURNS int8 LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $1; END $$;
CREATE FUNCTION a.step(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('a.calls'); RETURN $2; END $$;
CREATE AGGREGATE a.cn(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0', FINALFUNC = a.final);
CREATE AGGREGATE a.seen(int) (SFUNC = a.step, STYPE = int, INITCOND = '0');
CREATE AGGREGATE a.greatest(int) (SFUNC = int4larger, STYPE = int);
CREATE FUNCTION a.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM a.spy(1); RETURN new; END $$;
CREATE TABLE a.nums AS SELECT n FROM generate_series(0, 31) n;
CREATE TABLE a.own (a int, b text);
INSERT INTO a.own SELECT i, 'own' FROM generate_series(1, 10) i;
CREATE TABLE a.k (k int UNIQUE);
INSERT INTO a.k SELECT generate_series(0, 99);
CREATE TABLE a.col (a text COLLATE "C", b text COLLATE "POSIX");
INSERT INTO a.col VALUES ('q', 'w');
CREATE TABLE a.pts (p point);
INSERT INTO a.pts VALUES ('(1,2)'), ('(3,4)');
CREATE TABLE a.ts (k timestamp UNIQUE);
INSERT INTO a.ts VALUES ('2021-03-28 02:30'), ('2021-03-28 03:30');
CREATE TABLE a.words (k text UNIQUE);
INSERT INTO a.words SELECT rpad('g1', i) FROM generate_series(2, 60) i;
SQL

# ---------- begin and end ----------

# start(CLASS, %options): the server, the tables, the analyst's own things.  Options:
#	conf     => ''         more lines for postgresql.conf
#	preload  => 'dp_agg'   shared_preload_libraries
#	node     => NODE       a server that runs, with dp_agg and the role analyst; else one is started
#	roles    => []         LOGIN roles beside analyst
#	tables   => SQL        other tables than those above, run by the superuser; schemas
#	persons  => {}         "a" and "plain" are there; table => condition of person 5, for
#	                       tables that have a copy in "plain"
#	own      => SQL        other things of the analyst than those above
#	defaults => {}         options that attacks of this file have unless they say otherwise
sub start
{
	my ($name, %o) = @_;
	my $tables = $o{tables} // $people_tables;

	$class = $name;
	%defaults = (state => 'DP002|DP003|42501', control => 'differs', moves => 5, before => [], after => [],
		%{ $o{defaults} // {} });
	%persons = %{ $o{persons} // \%people_persons };
	$node = $o{node} // DpAgg::node('main', roles => [ 'analyst', @{ $o{roles} // [] } ], preload => $o{preload} // 'dp_agg',
		conf => "restart_after_crash = on\n" . ($o{conf} // ''));
	$node->safe_psql('postgres', join "\n", 'CREATE ROLE admin SUPERUSER LOGIN;', 'CREATE SCHEMA a AUTHORIZATION analyst;', 'CREATE SCHEMA plain;',
		'GRANT CREATE, TEMPORARY ON DATABASE postgres TO analyst;', 'GRANT USAGE ON SCHEMA plain TO analyst;', $tables,
		'GRANT ALL ON ALL TABLES IN SCHEMA plain TO analyst;',
		(map { "CREATE TABLE person_$_ AS SELECT * FROM $_ WHERE $persons{$_};" } sort keys %persons));
	$node->safe_psql('postgres', 'VACUUM ANALYZE');
	DpAgg::value($node, 'analyst', join "\n", 'CREATE SEQUENCE a.calls;', "SELECT nextval('a.calls');", $o{own} // $people_own);
	$started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
	no_crash('the server starts');
	return $node;
}

# The server stands, and was not started anew; tells how much was tried.
sub finish
{
	no_crash('no crash at all');
	is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server is the one that was started');
	my $line = sprintf '%-28s %4d attacks, %4d controls%s', $class, $count{attacks}, $count{controls},
	  $count{without} ? ", $count{without} without a control" : '';
	note($line);
	if (defined $ENV{ATTACKS_FIGURES})
	{
		open my $figures, '>>', $ENV{ATTACKS_FIGURES} or die "could not write $ENV{ATTACKS_FIGURES}: $!";
		print $figures "$line\n";
		close $figures;
	}
	$node->stop;
	done_testing();
	return;
}

sub node { return $node }

# The version of the data: with person 5, or without.
sub version
{
	my ($with) = @_;

	foreach my $schema ('', 'plain.')
	{
		$node->safe_psql('postgres', join "\n", map {
			$with ? "INSERT INTO $schema$_ TABLE person_$_;" : "DELETE FROM $schema$_ WHERE $persons{$_};" } sort keys %persons);
		$node->safe_psql('postgres', "VACUUM $schema$_") foreach sort keys %persons;
	}
	return;
}

# ---------- tests that count ----------

# attacked(OK, NAME): an attack written by hand; OK if nothing leaked.
sub attacked($$)
{
	my ($ok, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$count{attacks}++;
	return ok($ok, $name);
}

# control(OK, NAME): its control; OK if the attack bites where nothing protects.
sub control($$)
{
	my ($ok, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$count{controls}++;
	return ok($ok, $name);
}

# ---------- two versions of the data ----------

# attack(NAME, SQL, %options).  Options:
#	before   => [SQL...]       statements before it, in the same session
#	after    => [SQL...]       and after it
#	state    => 'DP002'        SQLSTATEs it may end with, separated by |
#	control  => 'differs'      on the copies the same statement tells the versions apart
#	            'runs'         ... or only runs there, where it is refused here
#	            SQL            ... or this statement tells them apart
#	            'none'         there is none:
#	why      => TEXT           why not
#	moves    => 5              numbers in the answer may differ by that much
#	without  => REGEX          what differs for other reasons, and does not count
#	alone    => 1              in a session of its own, whose notices count, too; psql's
#	                           commands may be used
#	again    => 2              if the versions differ, both are tried as often again: for what other
#	                           sessions may disturb, such as a transaction that is under way; a
#	                           leak shows every time
sub attack
{
	my ($name, $sql, %o) = @_;
	my %attack = (%defaults, name => $name, sql => $sql, %o);

	die "attack without a control and without a reason: $name\n" if $attack{control} eq 'none' && !$attack{why};
	push @attacks, \%attack;
	return;
}

# What stands for a dp_ aggregate on tables that are not protected: PostgreSQL's own,
# without bounds, and for what has none, all values.
sub exact_aggregate
{
	my ($name, $arguments) = @_;
	my ($x, @more) = $arguments =~ /\G\s*((?:[^(),\[\]]|(?<p>[(\[](?:[^()\[\]]|(?&p))*[)\]]))+)(?:,|\z)/g;
	my @arguments = grep { defined && !/^[(\[]/ } $x, @more;

	($x, @more) = @arguments if @arguments;
	return "$name($x)" if $name =~ /^(count|sum|avg)$/;
	return "count(DISTINCT $x)" if $name eq 'count_distinct';
	return "variance($x)" if $name eq 'var';
	return "stddev($x)" if $name eq 'stddev';
	return "$name($x)" if $name =~ /^(min|max)$/;
	return "mode() WITHIN GROUP (ORDER BY $x)" if $name eq 'mode';
	return "percentile_disc(0.5) WITHIN GROUP (ORDER BY $x)" if $name eq 'median';
	return "percentile_disc($more[0]) WITHIN GROUP (ORDER BY $x)" if $name eq 'quantile';
	return $x if $name =~ /^(low|high)$/;
	return "array_agg($x)";
}

# The statement for tables that are not protected.
sub on_copies
{
	my ($sql) = @_;
	my $balanced = qr/(?<b>\((?:[^()]|(?&b))*\))/;

	$sql =~ s/(WHERE|AND) dp_with$balanced//g;
	while ($sql =~ /(?<![\w.])dp_(count|sum|avg|count_distinct|var|stddev|min|max|mode|median|quantile|low|high|top|histogram|bounds)($balanced)/)
	{
		my ($from, $to, $name) = ($-[0], $+[0], $1);

		substr($sql, $from, $to - $from, exact_aggregate($name, substr($2, 1, -1)));
	}
	return $sql;
}

# The statements of an attack: those before it, and itself.
sub statements
{
	my ($on_copies, $attack) = @_;
	my $sql = $attack->{sql};

	return (@{ $attack->{before} }, $sql) if !$on_copies;
	$sql = $attack->{control} if $attack->{control} !~ /^(differs|runs)$/;
	return map { on_copies($_) } @{ $attack->{before} }, $sql;
}

sub prologue
{
	my ($on_copies) = @_;

	return ("SET statement_timeout = '120s'", 'SET dp_agg.delta = 1e-7', $on_copies ? 'SET search_path = plain, public' : 'SET search_path = public');
}

# One attack in a session of its own.
sub outcome_alone
{
	my ($on_copies, $attack) = @_;
	my $calls = 'SELECT last_value FROM a.calls';
	my $r = DpAgg::as($node, 'analyst', join("\n", map { /^\\/ ? $_ : "$_;" } prologue($on_copies), 'SET dp_agg.epsilon = 1000',
		$calls, statements($on_copies, $attack), 'ROLLBACK', $calls, @{ $attack->{after} }), on_error_stop => 0);
	my ($before, $out, $after) = $r->{out} =~ /\A(\d+)\n(.*\n|)(\d+)\z/s;

	chomp $out if defined $out;
	$r->{calls} = defined $before ? $after - $before : -1;
	$r->{out} = $out // $r->{out};
	$r->{sqlstate} = '00000' if $r->{sqlstate} eq 'psql?' && $r->{err} !~ /FATAL|PANIC|connection/;
	$r->{err} =~ s/^psql:\S+ //mg;
	$r->{err} =~ s/^LOCATION:.*\n?//mg;
	$r->{err} =~ s/^WARNING:  25P01: there is no transaction in progress\n?//mg;
	return $r;
}

# Many attacks in one session.
sub outcomes_together
{
	my ($on_copies, @list) = @_;
	my $calls = 'SELECT last_value FROM a.calls';
	my @statements = prologue($on_copies);
	my @places;

	return if !@list;
	foreach my $attack (@list)
	{
		my @own = statements($on_copies, $attack);

		push @statements, (prologue($on_copies))[-1], 'SET dp_agg.epsilon = 1000', $calls, @own;
		push @places, [ $#statements - @own, $#statements ];
		push @statements, 'ROLLBACK', $calls, @{ $attack->{after} };
	}
	my @results = DpAgg::bulk($node, 'analyst', \@statements);
	return map {
		my ($from, $at) = @$_;
		+{ %{ $results[$at] }, err => '', calls => $results[ $at + 2 ]{out} - $results[$from]{out} }
	} @places;
}

# Runs all attacks on one version.  Returns an outcome for each.
sub outcomes
{
	my ($on_copies, @list) = @_;
	my @together = outcomes_together($on_copies, grep { !$_->{alone} } @list);

	return map { $_->{alone} ? outcome_alone($on_copies, $_) : shift @together } @list;
}

# Are two answers the same, but for what one person may move them by?
sub close_by
{
	my ($one, $two, $moves) = @_;
	my @one = split /([|\n,(){}"])/, $one, -1;
	my @two = split /([|\n,(){}"])/, $two, -1;
	my $number = qr/^-?\d+(\.\d+)?(e[-+]\d+)?$/;

	return 0 if @one != @two;
	foreach my $i (0 .. $#one)
	{
		next if $one[$i] eq $two[$i];
		return 0 if !$moves || $one[$i] !~ $number || $two[$i] !~ $number || abs($one[$i] - $two[$i]) > $moves;
	}
	return 1;
}

sub show
{
	my ($outcome) = @_;

	return join ' ', $outcome->{sqlstate}, $outcome->{message}, "calls $outcome->{calls}:",
	  map { length > 300 ? substr($_, 0, 300) . '...' : $_ } $outcome->{out}, $outcome->{err};
}

sub same
{
	my ($one, $two, $moves, $without) = @_;
	my @texts = map { s/with OID \d+//r } map { "$_->{message}\n$_->{err}" } $one, $two;
	my @out = map { $_->{out} } $one, $two;

	foreach my $text (@texts, @out)
	{
		$text =~ s/$without//g if defined $without;
	}

	return $one->{sqlstate} eq $two->{sqlstate} && $texts[0] eq $texts[1]
	  && $one->{calls} == $two->{calls} && close_by(@out, $moves);
}

# The outcomes of an attack, once more on both versions if they differ and it may be tried again.
sub tried_again
{
	my ($attack, $one, $two) = @_;

	for (my $times = $attack->{again} || 0; $times > 0 && !same($one, $two, $attack->{moves}, $attack->{without}); $times--)
	{
		($one) = outcomes(0, $attack);
		version(0);
		($two) = outcomes(0, $attack);
		version(1);
	}
	return ($one, $two);
}

# The attack on the protected tables: with and without the person.
sub judge_attack
{
	my ($attack, $one, $two) = @_;
	my $refused = $one->{sqlstate} !~ /^(00000|DP001)$/;

	attacked($one->{sqlstate} =~ /^($attack->{state})$/ && same($one, $two, $attack->{moves}, $attack->{without})
		&& !($refused && !$attack->{alone} && $one->{out} ne ''), $attack->{name})
	  or diag(join "\n", @{ $attack->{before} }, $attack->{sql}, 'with:    ' . show($one), 'without: ' . show($two));
	return;
}

# The same on the copies, where it must bite.
sub judge_control
{
	my ($attack, $one, $two) = @_;
	my $runs = $attack->{control} eq 'runs';

	control($runs ? $one->{sqlstate} eq '00000' : !same($one, $two, min($attack->{moves}, $defaults{moves})),
		"$attack->{name}: " . ($runs ? 'runs' : 'seen') . ' without protection')
	  or diag(join "\n", $attack->{control}, $attack->{sql}, 'with:    ' . show($one), 'without: ' . show($two));
	return;
}

# Runs what attack() has collected: on both versions, on the tables and the copies.
sub run_attacks
{
	my @list = splice @attacks;
	my @controls = grep { $_->{control} ne 'none' } @list;
	my (@with, @without, @copies_with, @copies_without);

	@with = outcomes(0, @list);
	@copies_with = outcomes(1, @controls);
	version(0);
	@without = outcomes(0, @list);
	@copies_without = outcomes(1, @controls);
	version(1);

	foreach my $attack (@list)
	{
		judge_attack($attack, tried_again($attack, shift @with, shift @without));
		if ($attack->{control} eq 'none')
		{
			$count{without}++;
			next;
		}
		judge_control($attack, shift @copies_with, shift @copies_without);
	}
	return;
}

# ---------- scripts, draws and the server ----------

# A script in a session of the analyst's, run past its errors.  { out, err, states }.
sub script
{
	my ($sql) = @_;

	return session('analyst', "SET dp_agg.epsilon = 1000;\n$sql");
}

# The same as any role, with no setting of ours; "admin" is a superuser.
sub session
{
	my ($role, $sql, %o) = @_;
	my $r = DpAgg::as($node, $role, $sql, on_error_stop => 0, %o);

	$r->{states} = join ' ', $r->{err} =~ /(?:ERROR|FATAL):  (\w{5}):/g;
	return $r;
}

# The server has not crashed since the last look.
sub no_crash
{
	my ($name) = @_;
	my $crashed = PostgreSQL::Test::Utils::slurp_file($node->logfile, $log_place) =~ /terminated by signal|PANIC|runtime error:/;

	$log_place = -s $node->logfile;
	ok(!$crashed, $name);
	$node->poll_query_until('postgres', 'SELECT true') if $crashed;
	return !$crashed;
}

# How many releases the analyst has made, and for how much.
sub ledger
{
	return DpAgg::value($node, 'analyst',
		'SELECT (SELECT count(*) FROM dp_agg.my_releases), (SELECT sum(epsilon_spent) FROM dp_agg.my_budget)');
}

# draws(NAME, SCRIPT, MOST [, UNSEEN]): sums with noise of scale 1000, so equal answers
# are one draw.  No more draws than charges, no more than MOST charges, each paid.
# That something was seen is the control; with UNSEEN, that something was charged.
sub draws
{
	my ($name, $sql, $most, $unseen) = @_;
	my ($made, $spent) = split /\|/, ledger();

	$sql =~ s/dp_count\(\*\)/dp_sum(x)/g;
	my $r = session('analyst', "SET dp_agg.epsilon = 0.1;\n$sql");
	my ($made_after, $spent_after) = split /\|/, ledger();
	my %seen = map { $_ => 1 } map { /(-?\d+)/ ? $1 : () } map { /^(?:\S*\s*NOTICE:  \w+: )?\d*\|?(-?\d{2,})\|?/ ? $1 : () } split /\n/, "$r->{out}\n$r->{err}";
	my $charges = $made_after - $made;

	attacked(keys %seen <= $charges, "$name: no draw without a charge") or diag("$r->{out}\n$r->{err}");
	cmp_ok($charges, '<=', $most, "$name: $most at most");
	cmp_ok(abs($spent_after - $spent - $charges * 0.1), '<', 1e-6, "$name: each is paid") or diag("$spent $spent_after $charges");
	control($charges == 0 ? $most == 0 || $r->{states} ne '' : $unseen || %seen, "$name: something was seen") or diag("$r->{out}\n$r->{err}");
	return;
}

1;
