# The chain of the ledger: verify_ledger() and the offline verifier find whatever was edited,
# removed, put in, swapped or cut off; a DBA who repairs the chain is caught by a published head;
# dump and restore, pg_upgrade and logical copies keep it; concurrent charges make one chain.

use strict;
use warnings;
use Cwd qw(getcwd);
use Digest::SHA qw(sha256_hex);
use Test::More;
use DpAgg;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

my $root = getcwd();
my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = DpAgg::node('chain', roles => [ 'analyst', 'second' ],
	conf => "wal_level = 'logical'\nmax_wal_senders = 4\nmax_replication_slots = 4\nmax_logical_replication_workers = 4\nmax_worker_processes = 16\nmax_prepared_transactions = 2");

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE people (id int PRIMARY KEY, city text NOT NULL);
INSERT INTO people SELECT i, 'city ' || i % 3 FROM generate_series(1, 600) i;
SELECT dp_agg.protect('people', unit => 'id', population => 'people');
CREATE ROLE dba LOGIN;
CREATE ROLE boss LOGIN SUPERUSER;
SQL

sub verify
{
	my ($head, %options) = @_;

	return DpAgg::value($options{node} // $node, $options{role} // 'boss',
		($options{before} // '') . 'SELECT ok, first_broken, relation, reason FROM dp_agg.verify_ledger('
		  . (defined $head ? "'$head'" : '') . ')', db => $options{db} // 'postgres');
}

sub head
{
	my (%options) = @_;

	return DpAgg::value($options{node} // $node, 'boss', 'SELECT dp_agg.ledger_head()', db => $options{db} // 'postgres');
}

sub boss
{
	return DpAgg::value($node, 'boss', join(';', @_));
}

# Exports the ledger and runs the offline verifier; (exit code, what it prints).
sub offline
{
	my ($heads, %options) = @_;
	my $db = $options{db} // 'postgres';

	mkdir "$dir/copy";
	chdir "$dir/copy" or die;
	PostgreSQL::Test::Utils::system_or_bail('psql', '-X', '-q', '-d', ($options{node} // $node)->connstr($db), '-f', "$root/tools/export_ledger.sql")
	  unless $options{as_it_is};
	my $out = `$^X $root/tools/dp_agg_verify_ledger @{[ map { "--head $_" } @$heads ]} 2>&1`;
	my $code = $? >> 8;
	chdir $root or die;
	chomp $out;
	return ($code, $out);
}

# ----------
# An empty ledger, and the first entries
# ----------

is(head(), '', 'before the first entry there is no head');
is(verify(), 't|||', 'and the chain of nothing holds');
is((offline([]))[1], '0 entries, and the chain holds', 'offline, too');

$node->safe_psql('postgres', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000)});
my $first = head();
like($first, qr/^dp_agg:1:1:[0-9a-f]{64}$/, 'the account that was opened is the first entry');
is(boss('SELECT count(*) FROM dp_agg.account_change_waiting'), 0, 'and does not wait any more');

DpAgg::value($node, 'analyst', "SELECT dp_count(*) AS \"$_\" FROM people") foreach 1 .. 3;
DpAgg::value($node, 'analyst', 'SELECT city, dp_count(*) FROM people GROUP BY city');
my $published = head();
like($published, qr/^dp_agg:1:5:/, 'five entries');
is(verify(), 't|||', 'the chain holds');
is(verify($first), 't|||', 'and has the first head in it');
is(verify($published), 't|||', 'and the last');
is_deeply([ offline([ $first, $published ]) ], [ 0, "5 entries, and the chain holds; its end is $published" ], 'offline, too');

foreach my $bad ('', 'dp_agg', 'dp_agg:1:5', 'dp_agg:2' . substr($published, 8), "$published ", 'dp_agg:1:0:' . '0' x 64,
	'dp_agg:1:-5:' . '0' x 64, 'dp_agg:1:99999999999999999999:' . '0' x 64, 'dp_agg:1:5:' . 'A' x 64)
{
	my $r = DpAgg::as($node, 'boss', "SELECT dp_agg.verify_ledger('$bad')");
	is($r->{sqlstate}, '22023', "no head: '$bad'");
}
is(verify('dp_agg:1:6:' . '0' x 64), 'f|6||the entry is missing, at the end: a later one was published', 'a head that is to come');
is(verify('dp_agg:1:3:' . '0' x 64), 'f|3|release|the entry is not the one that was published: it, or one before it, was replaced since',
	'a head that never was');

# ----------
# Changes of accounts
# ----------

sub last_change
{
	head();
	return boss(q{SELECT session_role, "current_role", role, population, before::json ->> 'epsilon_limit', after::json ->> 'epsilon_limit',
		after::json ->> 'epsilon_spent' FROM dp_agg.account_change ORDER BY id DESC LIMIT 1});
}

$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA dp_agg TO dba; GRANT SELECT, INSERT, UPDATE, DELETE ON dp_agg.account TO dba;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dp_agg TO dba');
DpAgg::value($node, 'dba', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 2000)});
is(last_change(), 'dba|dba|analyst|people|1000000000000|2000000000000|4000000000', 'who raised a budget, from what to what');
DpAgg::value($node, 'boss', q{SET ROLE dba; SELECT dp_agg.set_budget('second', 'people', epsilon => 5, period => '1 month')});
is(last_change(), 'boss|dba|second|people||5000000000|0', 'who opened an account, under whose rights');
DpAgg::value($node, 'dba', q{SELECT dp_agg.drop_budget('second', 'people')});
is(last_change(), 'dba|dba|second|people|5000000000||', 'who closed it');
DpAgg::value($node, 'boss', 'UPDATE dp_agg.account SET epsilon_spent = 0');
is(last_change(), 'boss|boss|analyst|people|2000000000000|2000000000000|0', 'an account that was changed by hand');
my $before = head();
DpAgg::value($node, 'boss', q{BEGIN; SELECT dp_agg.set_budget('second', 'people', epsilon => 5); ROLLBACK});
is(head(), $before, 'what was rolled back is no entry');
DpAgg::refused($node, 'boss', 'TRUNCATE dp_agg.account', '55000', 'accounts are not truncated');
is(verify(), 't|||', 'the chain holds');
is(verify(undef, before => q{BEGIN; SELECT dp_agg.set_budget('second', 'people', epsilon => 5); } ) =~ s/^\n//r, 't|||',
	'also for a transaction that has just opened an account');

# A limit that is raised is in the chain before anything is charged under it.
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 3000)});
DpAgg::value($node, 'analyst', 'SELECT dp_count(*) FROM people');
is(boss('SELECT (SELECT max(id) FROM dp_agg.release) - (SELECT max(id) FROM dp_agg.account_change)'), 1, 'first the change, then the charge');
is(boss(q{SELECT accounts = 'analyst'::regrole::oid::text FROM dp_agg.release ORDER BY id DESC LIMIT 1}), 't', 'a release says whose account paid');

# An account that is handed to another role or population is closed, and another one opened.
DpAgg::value($node, 'boss', q{UPDATE dp_agg.account SET role = 'second'::regrole});
is(verify(), 't|||', 'an account is handed to another role: the chain holds');
DpAgg::value($node, 'boss', q{UPDATE dp_agg.account SET role = 'analyst'::regrole});
head();
is(boss(q{SELECT string_agg(change || ' ' || role, ', ' ORDER BY id) FROM (SELECT * FROM dp_agg.account_changes ORDER BY id DESC LIMIT 4) c}),
	'closed analyst, opened second, closed second, opened analyst', 'as four entries');
is(verify(), 't|||', 'and handed back');

# A change in a prepared transaction holds up who pays from that account, and nobody else.
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('second', 'people', epsilon => 5)});
DpAgg::value($node, 'boss', q{BEGIN; SELECT dp_agg.set_budget('analyst', 'people', epsilon => 2500); PREPARE TRANSACTION 'p'});
is(DpAgg::as($node, 'analyst', 'SELECT dp_count(*) FROM people')->{sqlstate}, 'DP004', 'prepared: that account waits');
DpAgg::works($node, 'second', 'SELECT dp_count(*) FROM people', 'and no other');
is(verify(), 't|||', 'the chain holds');
DpAgg::value($node, 'boss', q{COMMIT PREPARED 'p'});
DpAgg::works($node, 'analyst', 'SELECT dp_count(*) FROM people', 'committed: it goes on');
is(verify(), 't|||', 'the chain holds');
DpAgg::value($node, 'boss', q{SELECT dp_agg.drop_budget('second', 'people')});
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 3000)});
DpAgg::value($node, 'analyst', 'SELECT dp_count(*) FROM people');

# Renewals between changes and charges.
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('second', 'people', epsilon => 500, period => '1 second')});
foreach my $round (1 .. 3)
{
	DpAgg::value($node, 'second', 'SELECT dp_count(*) FROM people') foreach 1 .. 3;
	is(verify(), 't|||', 'a period that is running');
	select undef, undef, undef, 1.1;
	is(verify(), 't|||', 'a period that is over');
	DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('second', 'people', epsilon => 400, period => '1 second')}) if $round == 2;
}
is(verify(undef, before => q{BEGIN; SET LOCAL session_replication_role = replica; UPDATE dp_agg.account SET renews_at = renews_at + interval '1 day' WHERE role = 'second'::regrole; })
	=~ s/^f\|\d+\|//r, 'account|the account of role "second" on population "people" was changed behind the back of the ledger: what it has spent in this period is not what its releases cost',
	'a renewal that was moved');
DpAgg::value($node, 'boss', q{SELECT dp_agg.drop_budget('second', 'people')});

# Behind the back of the triggers.
my $limits = 'the account of role "analyst" on population "people" was changed behind the back of the ledger: ';
my $n = boss(q{SELECT max(id) FROM dp_agg.account_change WHERE role = 'analyst'});
foreach my $case (
	[ 'UPDATE dp_agg.account SET epsilon_limit = epsilon_limit + 1', "f|$n|account|${limits}epsilon_limit is not what the last change has left" ],
	[ 'UPDATE dp_agg.account SET delta_limit = delta_limit + 1', "f|$n|account|${limits}delta_limit is not what the last change has left" ],
	[ 'UPDATE dp_agg.account SET max_releases = 7', "f|$n|account|${limits}max_releases is not what the last change has left" ],
	[ 'UPDATE dp_agg.account SET max_epsilon_per_query = 7', "f|$n|account|${limits}max_epsilon_per_query is not what the last change has left" ],
	[ "UPDATE dp_agg.account SET period = '1 day', period_anchor = now(), renews_at = now()", "f|$n|account|${limits}period is not what the last change has left" ],
	[ 'UPDATE dp_agg.account SET epsilon_lifetime = 0', "f|$n|account|${limits}what it has spent in its lifetime is not what its releases cost" ],
	[ 'UPDATE dp_agg.account SET delta_lifetime = delta_lifetime - 1', "f|$n|account|${limits}what it has spent in its lifetime is not what its releases cost" ],
	(map { [ "UPDATE dp_agg.account SET $_ = $_ - 1", "f|$n|account|${limits}what it has spent in this period is not what its releases cost" ] }
		qw(epsilon_spent delta_spent releases_spent)),
	[ 'DELETE FROM dp_agg.account', "f|$n|account|the account of role \"analyst\" on population \"people\" was closed behind the back of the ledger" ],
	[ q{INSERT INTO dp_agg.account (role, population, epsilon_limit, delta_limit) VALUES ('second', 'people', 1, 1)},
		'f||account|the account of role "second" on population "people" was opened behind the back of the ledger' ])
{
	is(verify(undef, before => "BEGIN; SET LOCAL session_replication_role = replica; $case->[0]; "), $case->[1], "triggers off: $case->[0]");
}
is(verify(), 't|||', 'all of that was rolled back');

# ----------
# What was done to entries
# ----------

my $end = boss('SELECT id FROM dp_agg.ledger_head');
my $r = boss(q{SELECT min(id) FROM dp_agg.release});

my %another = (bigint => '%s + 1', oid => '(%s::bigint + 1)::oid', text => q{%s || ' '}, name => q{(%s || 'x')::name}, bytea => q{'\x00' || %s},
	boolean => 'NOT %s', 'timestamp with time zone' => q{%s + interval '1 microsecond'});
foreach my $table (qw(release account_change))
{
	my $id = boss("SELECT min(id) + 1 FROM dp_agg.$table");
	$id = boss("SELECT id FROM dp_agg.$table WHERE id >= $id ORDER BY id LIMIT 1");
	foreach my $column (split /\n/, boss("SELECT attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'dp_agg.$table'::regclass AND attnum > 1 AND NOT attisdropped ORDER BY attnum"))
	{
		my ($name, $type) = $column =~ /^(\S+) (.*)$/;
		my $value = sprintf $another{$type}, qq("$name");
		$value = "CASE WHEN $value IS NULL THEN ' ' ELSE $value END" if $type eq 'text';

		is(verify(undef, before => qq(BEGIN; UPDATE dp_agg.$table SET "$name" = $value WHERE id = $id; )),
			$name =~ /hash$/ ? "f|$id|$table|the entry has no hash" : "f|$id|$table|the entry was changed: its hash is another", "edited: $table.$name");
	}
}
my @where = ("UPDATE dp_agg.release SET hash = sha256('x') WHERE id = $r", "UPDATE dp_agg.release SET prev_hash = sha256('x') WHERE id = $r");
is(verify(undef, before => "BEGIN; $_; "), "f|$r|release|the entry was changed: its hash is another", "edited: $_") foreach @where;
is(verify(undef, before => "BEGIN; DELETE FROM dp_agg.release WHERE id = $r; "), "f|$r||the entry is missing", 'removed: the first release');
is(verify(undef, before => 'BEGIN; DELETE FROM dp_agg.account_change WHERE id = 1; '), 'f|1||the entry is missing', 'removed: the first entry');
is(verify(undef, before => "BEGIN; DELETE FROM dp_agg.release WHERE id = $end; "), "f|$end||the entry is missing, at the end", 'removed: the last entry');
is(verify(undef, before => "BEGIN; DELETE FROM dp_agg.release WHERE id > $r; DELETE FROM dp_agg.account_change WHERE id > $r; "),
	'f|' . ($r + 1) . '||the entry is missing, at the end', 'cut off');
is(verify(undef, before => 'BEGIN; DELETE FROM dp_agg.release; DELETE FROM dp_agg.account_change; '), 'f|1||the entry is missing, at the end', 'all entries removed');
is(verify(undef, before => 'BEGIN; DELETE FROM dp_agg.ledger_head; '), "f|$end|ledger_head|the head is missing", 'the head removed');
is(verify(undef, before => 'BEGIN; UPDATE dp_agg.ledger_head SET id = id - 1; '), "f|$end|ledger_head|the entry was put in at the end: the head does not count it", 'the head moved back');
is(verify(undef, before => 'BEGIN; UPDATE dp_agg.ledger_head SET id = id + 1; '), 'f|' . ($end + 1) . '||the entry is missing, at the end', 'the head moved on');
is(verify(undef, before => q{BEGIN; UPDATE dp_agg.ledger_head SET hash = sha256('x'); }), "f|$end|ledger_head|the head has another hash than the last entry", 'the head edited');
is(verify(undef, before => "BEGIN; UPDATE dp_agg.release SET id = CASE id WHEN $r THEN -1 ELSE $r END WHERE id IN ($r, $r + 1); UPDATE dp_agg.release SET id = $r + 1 WHERE id = -1; "),
	"f|$r|release|the entry was changed: its hash is another", 'two entries swapped');
my $columns = boss(q{SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'dp_agg.release'::regclass AND attnum > 1 AND NOT attisdropped});
is(verify(undef, before => "BEGIN; INSERT INTO dp_agg.release (id, $columns) SELECT $end + 1, $columns FROM dp_agg.release WHERE id = $r; "),
	'f|' . ($end + 1) . '|release|the entry was changed: its hash is another', 'an entry put in at the end');
is(verify(undef, before => "BEGIN; INSERT INTO dp_agg.raw_read (id, session_role, \"current_role\", session_id, current_id, cluster, relation, columns, query, fingerprint, codes, prev_hash, hash)
	SELECT $r, session_role, \"current_role\", session_id, current_id, cluster, '', '', '', '', '', prev_hash, hash FROM dp_agg.release WHERE id = $r; "),
	"f|$r|raw_read|the number is not given once, from 1 on", 'an entry put in in the middle, in another table');
is(verify(undef, before => "BEGIN; INSERT INTO dp_agg.release (id, $columns) SELECT 0, $columns FROM dp_agg.release WHERE id = $r; "),
	'f|0|release|the number is not given once, from 1 on', 'an entry put in before the first');
is(verify(), 't|||', 'all of that was rolled back');

# What shows in a table and is not in the chain.
is(verify(undef, before => 'BEGIN; CREATE TABLE child () INHERITS (dp_agg.release); '), 'f||release|the table has children: rows of theirs show among its own', 'a child table');
is(verify(undef, before => 'BEGIN; ALTER TABLE dp_agg.account_change ENABLE ROW LEVEL SECURITY; '), 'f||account_change|row-level security is on for the table: it may hide rows', 'row-level security');
is(verify(undef, before => 'BEGIN; ALTER TABLE dp_agg.ledger_head DROP CONSTRAINT ledger_head_pkey; INSERT INTO dp_agg.ledger_head TABLE dp_agg.ledger_head; '),
	"f|$end|ledger_head|there is more than one head", 'two heads');

# Tables that are not as they were installed: nothing of them is taken for what it is not.
foreach my $change ('release DROP accounts CASCADE', 'release ALTER population TYPE text', 'release ALTER epsilon TYPE numeric', 'release ALTER accounts DROP NOT NULL',
	'release RENAME outputs TO results', 'raw_read ALTER codes TYPE name', 'account_change ALTER role_id TYPE bigint USING role_id::bigint', 'account_change_waiting ALTER at TYPE text',
	'account ALTER epsilon_lifetime TYPE float8', 'account ALTER population TYPE text', 'ledger_head ALTER id TYPE int', 'ledger_head SET UNLOGGED')
{
	my $views = 'DROP VIEW dp_agg.reuse_windows, dp_agg.population_caps, dp_agg.my_budget, dp_agg.budgets, dp_agg.account_state, dp_agg.my_releases, dp_agg.releases, dp_agg.release_log, dp_agg.paying_roles, dp_agg.raw_reads, dp_agg.account_changes CASCADE';
	my $r = DpAgg::as($node, 'boss', "BEGIN; ALTER EXTENSION dp_agg DROP FUNCTION dp_agg.tier_report(name); ALTER EXTENSION dp_agg DROP VIEW dp_agg.reuse_windows; ALTER EXTENSION dp_agg DROP VIEW dp_agg.population_caps; ALTER EXTENSION dp_agg DROP VIEW dp_agg.my_budget; ALTER EXTENSION dp_agg DROP VIEW dp_agg.budgets;
		ALTER EXTENSION dp_agg DROP VIEW dp_agg.account_state; ALTER EXTENSION dp_agg DROP VIEW dp_agg.my_releases; ALTER EXTENSION dp_agg DROP VIEW dp_agg.releases;
		ALTER EXTENSION dp_agg DROP VIEW dp_agg.release_log; ALTER EXTENSION dp_agg DROP VIEW dp_agg.paying_roles; ALTER EXTENSION dp_agg DROP VIEW dp_agg.raw_reads; ALTER EXTENSION dp_agg DROP VIEW dp_agg.account_changes;
		$views; ALTER TABLE dp_agg.$change; SELECT ok FROM dp_agg.verify_ledger()");
	is($r->{sqlstate}, 'DP004', "not as it was installed: $change");
}
is(verify(), 't|||', 'all of that was rolled back');

# What triggers make of entries: what is not written as it was hashed is not answered.
boss('CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS \'BEGIN RETURN NULL; END\'');
boss('CREATE FUNCTION edited() RETURNS trigger LANGUAGE plpgsql AS \'BEGIN NEW.query := upper(NEW.query); RETURN NEW; END\'');
boss('CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS \'BEGIN NEW.query := NEW.query; RETURN NEW; END\'');
foreach my $function (qw(nothing edited))
{
	boss("CREATE TRIGGER t BEFORE INSERT ON dp_agg.release FOR EACH ROW EXECUTE FUNCTION $function()");
	DpAgg::refused($node, 'analyst', 'SELECT dp_count(*) FROM people', 'DP004', "a trigger on entries: $function");
	boss('DROP TRIGGER t ON dp_agg.release');
}
boss('CREATE TRIGGER t BEFORE INSERT ON dp_agg.release FOR EACH ROW EXECUTE FUNCTION same()');
DpAgg::works($node, 'analyst', 'SELECT dp_count(*) FROM people', 'one that leaves them alone');
boss('DROP TRIGGER t ON dp_agg.release', 'CREATE TRIGGER t BEFORE DELETE ON dp_agg.account_change_waiting FOR EACH ROW EXECUTE FUNCTION nothing()',
	q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 3000)});
DpAgg::refused($node, 'analyst', 'SELECT dp_count(*) FROM people', 'DP004', 'a trigger that keeps changes waiting');
boss('DROP TRIGGER t ON dp_agg.account_change_waiting', 'CREATE TRIGGER t BEFORE INSERT ON dp_agg.account_change_waiting FOR EACH ROW EXECUTE FUNCTION nothing()');
isnt(DpAgg::as($node, 'boss', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 3000)})->{sqlstate} // '', '', 'a change that is not kept is not made');
boss('DROP TRIGGER t ON dp_agg.account_change_waiting', 'DROP FUNCTION nothing, edited, same');
DpAgg::works($node, 'analyst', 'SELECT dp_count(*) FROM people', 'without triggers there is an answer');
is(verify(), 't|||', 'the chain holds');
$end = boss('SELECT id FROM dp_agg.ledger_head');

# ----------
# A DBA who repairs the chain
# ----------

# The hash of an entry by the format that doc/audit.md describes, in SQL.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION counted(t text) RETURNS bytea LANGUAGE sql AS
	$$ SELECT decode(lpad(to_hex(length(convert_to(t, 'UTF8'))), 8, '0'), 'hex') || convert_to(t, 'UTF8') $$;
CREATE FUNCTION forge(kind text, entry jsonb) RETURNS bytea LANGUAGE sql AS $$
	SELECT sha256(convert_to('dp_agg ledger 1', 'UTF8') || '\x00' || convert_to(kind, 'UTF8') || '\x00' ||
		string_agg(counted(attname) || counted(CASE WHEN atttypid = 'bytea'::regtype THEN substr(entry ->> attname, 3)
			WHEN atttypid = 'timestamptz'::regtype THEN trunc(extract(epoch FROM (entry ->> attname)::timestamptz) * 1000000)::text
			ELSE entry ->> attname END), '' ORDER BY attnum))
	FROM pg_attribute WHERE attrelid = ('dp_agg.' || kind)::regclass AND attnum > 0 AND attname <> 'hash' AND entry ->> attname IS NOT NULL $$;
CREATE FUNCTION repair(begin_at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	e record;
	prev bytea;
	new bytea;
BEGIN
	FOR e IN SELECT 'release' AS kind, id FROM dp_agg.release UNION ALL SELECT 'account_change', id FROM dp_agg.account_change ORDER BY id LOOP
		CONTINUE WHEN e.id < begin_at;
		EXECUTE format('UPDATE dp_agg.%I SET prev_hash = COALESCE($1, prev_hash) WHERE id = $2', e.kind) USING prev, e.id;
		EXECUTE format('SELECT forge($1, to_jsonb(t)) FROM dp_agg.%I t WHERE id = $2', e.kind) INTO new USING e.kind, e.id;
		EXECUTE format('UPDATE dp_agg.%I SET hash = $1 WHERE id = $2', e.kind) USING new, e.id;
		prev := new;
	END LOOP;
	UPDATE dp_agg.ledger_head SET hash = prev;
END
$$;
SQL
my $whole = head();
is(boss('SELECT count(*) FROM dp_agg.release r WHERE forge(\'release\', to_jsonb(r)) <> hash'), 0, 'the format is what doc/audit.md says: the hashes of releases');
is(boss('SELECT count(*) FROM dp_agg.account_change r WHERE forge(\'account_change\', to_jsonb(r)) <> hash'), 0, 'and of changes');
is(verify(undef, before => "BEGIN; UPDATE dp_agg.release SET query = 'SELECT 1' WHERE id = $r; UPDATE dp_agg.release SET hash = forge('release', to_jsonb(release)) WHERE id = $r; "),
	'f|' . ($r + 1) . '|release|the entry does not follow the one before it: that one was replaced, or this one was put in', 'one entry edited and its hash repaired');
DpAgg::value($node, 'boss', "CREATE TABLE kept AS TABLE dp_agg.release; CREATE TABLE kept_changes AS TABLE dp_agg.account_change; CREATE TABLE kept_head AS TABLE dp_agg.ledger_head;
	UPDATE dp_agg.release SET query = 'SELECT 1', \"current_role\" = 'second' WHERE id = $r; SELECT repair($r)");
is(verify(), 't|||', 'the DBA edits an entry and repairs the chain from there on: by itself it holds');
is(verify($first), 't|||', 'a head from before the entry is still in it');
is(verify($whole), "f|$end|release|the entry is not the one that was published: it, or one before it, was replaced since", 'the head that was published after it is not');
is(verify($published), 'f|5|release|the entry is not the one that was published: it, or one before it, was replaced since', 'nor any other after it');
is((offline([]))[0], 0, 'offline: by itself it holds');
is_deeply([ offline([$whole]) ], [ 1, "entry $end (release): the entry is not the one that was published: it, or one before it, was replaced since" ], 'offline: the published head');
DpAgg::value($node, 'boss', "DELETE FROM dp_agg.release WHERE id = $end; UPDATE dp_agg.ledger_head SET id = $end - 1, hash = (SELECT hash FROM dp_agg.account_change WHERE id = $end - 1);
	SET session_replication_role = replica; UPDATE dp_agg.account SET epsilon_lifetime = epsilon_lifetime - 1000000000, delta_lifetime = delta_lifetime - 10000000000,
		epsilon_spent = epsilon_spent - 1000000000, delta_spent = delta_spent - 10000000000, releases_spent = releases_spent - 1,
		rho_spent = rho_spent - 500000000000, rho_lifetime = rho_lifetime - 500000000000");
is(verify(), 't|||', 'the DBA cuts off the last release and corrects the account: by itself it holds');
is(verify($whole), "f|$end||the entry is missing, at the end: a later one was published", 'the published head is missed');
is_deeply([ offline([$whole]) ], [ 1, "entry $end: the entry is missing, at the end: a later one was published" ], 'offline, too');
DpAgg::value($node, 'boss', 'SET session_replication_role = replica; DELETE FROM dp_agg.release; INSERT INTO dp_agg.release TABLE kept; DELETE FROM dp_agg.account_change;
	INSERT INTO dp_agg.account_change TABLE kept_changes; DELETE FROM dp_agg.ledger_head; INSERT INTO dp_agg.ledger_head TABLE kept_head;
	UPDATE dp_agg.account SET epsilon_lifetime = epsilon_lifetime + 1000000000, delta_lifetime = delta_lifetime + 10000000000,
		epsilon_spent = epsilon_spent + 1000000000, delta_spent = delta_spent + 10000000000, releases_spent = releases_spent + 1,
		rho_spent = rho_spent + 500000000000, rho_lifetime = rho_lifetime + 500000000000; DROP TABLE kept, kept_changes, kept_head');
is(verify($whole), 't|||', 'put back as it was');

# Two upgrades: an account goes on from one cluster to the next, also without a change there.
my $clusters = boss(q{SELECT string_agg(id::text, ' ' ORDER BY id) FROM (SELECT id FROM dp_agg.release ORDER BY id DESC LIMIT 2) r});
my ($second_cluster, $third_cluster) = split / /, $clusters;
like(verify(undef, before => "BEGIN; UPDATE dp_agg.account_change SET cluster = 1; UPDATE dp_agg.release SET cluster = CASE WHEN id < $second_cluster THEN 1 WHEN id < $third_cluster THEN 2 ELSE cluster END; SELECT repair(1); ")
	=~ s/^\n//r, qr/^t\|\|\|$/, 'three clusters, one after the other');
is(verify($whole), 't|||', 'rolled back');

# The offline verifier on files that were edited.
offline([]);
foreach my $case (
	[ 'release.csv', sub { s/dp_count/dp_Count/ }, qr/^entry $r \(release\): the entry was changed/ ],
	[ 'release.csv', sub { s/^$r,.*?\n(?=\d+,)//ms }, qr/^entry $r: the entry is missing$/ ],
	[ 'account_change.csv', sub { s/^1,.*\n//m }, qr/^entry 1: the entry is missing$/ ],
	[ 'account_change.csv', sub { s/1000000000000/9000000000000/ }, qr/^entry 1 \(account_change\): the entry was changed/ ],
	[ 'account_change.csv', sub { s/^1,20/1,00/m }, qr/^entry 1 \(account_change\): the entry was changed/ ],
	[ 'account_change.csv', sub { s/^1,20/1,01/m }, qr/^entry 1 \(account_change\): the entry was changed/ ],
	[ 'account_change.csv', sub { s/^1,/-1,/m }, qr/^entry -1 \(account_change\): the number is not given once/ ],
	[ 'release.csv', sub { s/(\n$r,[^\n]*)/$1$1/ }, qr/^entry $r \(release\): the number is not given once/ ])
{
	my ($file, $edit, $expected) = @$case;
	my $text = PostgreSQL::Test::Utils::slurp_file("$dir/copy/$file");

	local $_ = $text;
	$edit->();
	isnt($_, $text, "$file is edited");
	open my $out, '>', "$dir/copy/$file" or die;
	print $out $_;
	close $out;
	my ($code, $said) = offline([], as_it_is => 1);
	like("$code $said", qr/^1 /, 'the offline verifier finds it');
	like($said, $expected, $said);
	open $out, '>', "$dir/copy/$file" or die;
	print $out $text;
	close $out;
}
is((offline([], as_it_is => 1))[0], 0, 'unedited, they hold');
is((offline([ 'dp_agg:1:x' ], as_it_is => 1))[0], 2, 'a head that is none');

# ----------
# Who may ask, and what else is there
# ----------

DpAgg::refused($node, 'analyst', $_, '42501') foreach 'SELECT * FROM dp_agg.verify_ledger()', 'SELECT dp_agg.ledger_head()';
$node->safe_psql('postgres', 'CREATE ROLE auditor LOGIN; GRANT EXECUTE ON FUNCTION dp_agg.verify_ledger(text), dp_agg.ledger_head() TO auditor');
is(verify($whole, role => 'auditor'), 't|||', 'an auditor needs the right to execute it, and nothing else');
is(verify(undef, before => 'BEGIN READ ONLY; '), 't|||', 'in a read-only transaction');
is(verify(undef, before => 'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; ') =~ s/^1\n//r, 't|||', 'and in a serializable one');
is(verify(undef, before => "SET timezone = 'Asia/Kolkata'; SET datestyle = 'German'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'escape'; "), 't|||', 'whatever the settings');

# Another transaction holds the head: nothing is charged meanwhile, and nobody hangs.
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT * FROM dp_agg.ledger_head FOR UPDATE;');
my $busy = DpAgg::as($node, 'analyst', 'SELECT dp_count(*) FROM people');
is("$busy->{sqlstate} $busy->{out}", 'DP004 ', 'the head is held: no charge, no answer');
$holder->query_safe('ROLLBACK;');
$holder->quit;
DpAgg::works($node, 'analyst', 'SELECT dp_count(*) FROM people', 'it is free again');

# Without a head nothing is charged: entries could not be chained.
boss('CREATE TABLE kept_head AS TABLE dp_agg.ledger_head; DELETE FROM dp_agg.ledger_head');
my $headless = DpAgg::as($node, 'analyst', 'SELECT dp_count(*) FROM people');
is("$headless->{sqlstate} $headless->{out}", 'DP004 ', 'the head is gone: no charge, no answer');
like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/the head of the ledger is missing/, 'the server log says why');
boss('INSERT INTO dp_agg.ledger_head TABLE kept_head; DROP TABLE kept_head');
DpAgg::works($node, 'analyst', 'SELECT dp_count(*) FROM people', 'put back, it goes on');
is(verify($whole), 't|||', 'the chain holds');

# ----------
# Concurrent charges, and a crash
# ----------

open my $script, '>', "$dir/release.sql" or die;
print $script "SELECT dp_count(*) FROM people;\n";
close $script;
my $count = boss('SELECT count(*) FROM dp_agg.release');
$node->command_ok([ 'pgbench', '-n', '-c', 16, '-j', 2, '-t', 25, '-U', 'analyst', '-f', "$dir/release.sql", 'postgres' ], '16 clients');
is(boss('SELECT count(*) FROM dp_agg.release') - $count, 400, 'all were logged');
is(verify($whole), 't|||', 'in one chain');
is(boss('SELECT (SELECT count(*) FROM dp_agg.release) + (SELECT count(*) FROM dp_agg.account_change) = id FROM dp_agg.ledger_head'), 't', 'without a gap in the numbers');

# Accounts are changed meanwhile: no change is chained after what was charged under it, and
# what is sound is never blamed.
open $script, '>', "$dir/budget.sql" or die;
print $script "SELECT dp_agg.set_budget('analyst', 'people', epsilon => 100000 + random()::int);\n";
close $script;
open $script, '>', "$dir/verify.sql" or die;
print $script "SELECT CASE WHEN ok THEN 0 ELSE reason::int END FROM dp_agg.verify_ledger();\n";
close $script;
my @runs = map { my ($user, $clients, $file) = @$_; [ 'pgbench', '-n', '-c', $clients, '-j', 1, '-T', 6, '-U', $user, '-h', $node->host, '-p', $node->port, '-f', "$dir/$file.sql", 'postgres' ] }
  ([ 'analyst', 8, 'release' ], [ 'boss', 2, 'budget' ], [ 'boss', 1, 'verify' ]);
my @outputs = map { '' } @runs;
my @started = map { IPC::Run::start($runs[$_], '>', \my $out, '2>', \$outputs[$_]) } 0 .. $#runs;
$_->finish foreach @started;
is(join('', map { /(ERROR.*)/g } @outputs), '', 'charges, changes of their account and verifications at once');
is(boss(q{SELECT count(*) FROM (SELECT (before::json ->> 'releases_spent')::bigint - (SELECT count(*) FROM dp_agg.release r WHERE r.id < c.id) AS d FROM dp_agg.account_change c
	WHERE id > (SELECT max(id) - 200 FROM dp_agg.account_change) AND before IS NOT NULL) x GROUP BY d}) =~ tr/\n//, 0, 'each change stands where it was made among the releases');
is(verify($whole), 't|||', 'the chain holds');

my $load = IPC::Run::start([ 'pgbench', '-n', '-c', 8, '-j', 1, '-T', 60, '-U', 'analyst', '-h', $node->host, '-p', $node->port, '-f', "$dir/release.sql", 'postgres' ], '>', \my $load_out, '2>', \my $load_err);
$count = boss('SELECT count(*) FROM dp_agg.release');
$node->poll_query_until('postgres', 'SELECT count(*) > ' . ($count + 100) . ' FROM dp_agg.release') or die;
$node->stop('immediate');
$load->finish;
$node->start;
# How much was spent until then is the machine's choice.
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000000)});
my $crashed = head();
is(verify($whole), 't|||', 'after a crash under load the chain holds');
is((offline([ $whole, $crashed ]))[0], 0, 'offline, too');

# ----------
# Copies
# ----------

# A dump: the accounts are opened anew, and the rest is what it was.
PostgreSQL::Test::Utils::system_or_bail('pg_dump', '-d', $node->connstr('postgres'), '-Fc', '-f', "$dir/dump");
$node->safe_psql('postgres', "CREATE DATABASE restored; CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'");
foreach my $db (qw(restored latin))
{
	$node->command_ok([ 'pg_restore', '-d', $node->connstr($db), '--exit-on-error', "$dir/dump" ], "restored in $db");
	is(verify($crashed, db => $db), 't|||', "$db: the chain holds");
	my $head = head(db => $db);
	isnt($head, $crashed, "$db: the restored account is an entry of its own");
	is(DpAgg::value($node, 'boss', 'SELECT before IS NULL, "current_role" = CURRENT_USER OR true, role FROM dp_agg.account_change ORDER BY id DESC LIMIT 1', db => $db), 't|t|analyst', "$db: opened anew");
	DpAgg::value($node, 'analyst', "SET client_encoding = 'UTF8'; SELECT dp_count(*) AS \"caf\xc3\xa9\" FROM people", db => $db);
	is(verify($head, db => $db), 't|||', "$db: it goes on");
	is((offline([ $crashed, $head ], db => $db))[0], 0, "$db: offline, too");
}

# From LATIN1 to UTF-8: what is hashed is UTF-8 in both.
my $latin = head(db => 'latin');
PostgreSQL::Test::Utils::system_or_bail('pg_dump', '-d', $node->connstr('latin'), '-Fc', '-f', "$dir/latin.dump");
$node->safe_psql('postgres', 'DROP DATABASE restored; CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), '--exit-on-error', "$dir/latin.dump" ], 'from LATIN1 to UTF-8');
is(verify($latin, db => 'restored'), 't|||', 'the chain holds');
is(DpAgg::value($node, 'boss', q{SELECT count(*) FROM dp_agg.release WHERE query LIKE '%"caf_"%' AND octet_length(query) > length(query)}, db => 'restored'), 1, 'with a letter that the encodings write in two ways');
$node->safe_psql('postgres', 'DROP DATABASE restored; DROP DATABASE latin');

# Encodings: names of roles are bytes of any encoding, and a database of encoding SQL_ASCII
# takes any bytes.
$node->safe_psql('postgres', "CREATE ROLE \"\xe4\xb8\xad\xe6\x96\x87 \"\"x'\\\" LOGIN; CREATE ROLE \"" . "\xe5\xa5\xbd" x 21 . '"');
foreach my $encoding (qw(SQL_ASCII EUC_JP EUC_CN WIN1252))
{
	my $db = lc $encoding;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$node->safe_psql($db, q{CREATE EXTENSION dp_agg; CREATE TABLE people (id int PRIMARY KEY, city text NOT NULL); INSERT INTO people SELECT i, '' FROM generate_series(1, 600) i;
		SELECT dp_agg.protect('people', unit => 'id', population => 'people'); SELECT dp_agg.set_budget('analyst', 'people', epsilon => 100);
		DO $$ DECLARE r name; BEGIN FOR r IN SELECT rolname FROM pg_roles WHERE rolname !~ '^[a-z]' LOOP PERFORM dp_agg.set_budget(r, 'people', 100); END LOOP; END $$});
	# two bytes that EUC encodings allow, and that are no letter
	DpAgg::value($node, 'analyst', qq{SET client_encoding = '$encoding'; SELECT dp_count(*) AS "\xfe\xfe" FROM people /* \r\n"","\\.\r\n\\.\n*/}, db => $db);
	is(verify(undef, db => $db), 't|||', "$encoding: odd names stop nobody, the chain holds");
	is(DpAgg::value($node, 'boss', 'SELECT count(*) FROM dp_agg.account_change_waiting', db => $db), 0, "$encoding: nothing waits");
	is((offline([ head(db => $db) ], db => $db))[0], 0, "$encoding: offline, too");
	$node->safe_psql('postgres', "DROP DATABASE $db");
}

# A logical copy: the tables as they are, written by the replication worker.
# How much was spent above depends on how fast the server is.
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 4000, forget => true)});
my $tables = 'dp_agg.account, dp_agg.release, dp_agg.raw_read, dp_agg.account_change, dp_agg.ledger_head';
my $copy = DpAgg::node('copy', roles => [ 'analyst', 'second', 'dba' ], conf => "wal_level = 'logical'\nmax_worker_processes = 16");
$copy->safe_psql('postgres', 'CREATE ROLE boss LOGIN SUPERUSER');
$node->safe_psql('postgres', "CREATE PUBLICATION ledger FOR TABLE $tables");
$copy->safe_psql('postgres', "CREATE SUBSCRIPTION ledger CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION ledger");
$copy->wait_for_subscription_sync($node, 'ledger');
DpAgg::value($node, 'analyst', 'SELECT dp_count(*) FROM people');
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('analyst', 'people', epsilon => 1000001)});
my $now = head();
DpAgg::value($node, 'analyst', 'SELECT dp_count(*) FROM people');
$node->wait_for_catchup('ledger');
is(verify($now, node => $copy), 't|||', 'a logical copy: the chain holds');
is($copy->safe_psql('postgres', 'SELECT count(*) FROM dp_agg.account_change_waiting'), 0, 'and what was copied is no change of an account there');
$copy->safe_psql('postgres', 'SET session_replication_role = replica; UPDATE dp_agg.account SET epsilon_limit = 1');
like(verify(undef, node => $copy), qr/^f\|\d+\|account\|.*epsilon_limit is not what the last change has left$/, 'an account edited there is found there');
$copy->safe_psql('postgres', 'DROP SUBSCRIPTION ledger');
$copy->stop;

# A standby: it can be verified there, and what waits is minded.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
DpAgg::value($node, 'boss', q{SELECT dp_agg.set_budget('second', 'people', epsilon => 1)});
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT ok, reason FROM dp_agg.verify_ledger('$now')"), 't|', 'a standby verifies');
like($standby->safe_psql('postgres', 'SELECT dp_agg.ledger_head()'), qr/^dp_agg:1:\d+:/, 'and has a head');
$standby->stop;

# pg_upgrade: another cluster with other system identifier, and the same files of tables.
$now = head();
$node->stop;
my $upgraded = PostgreSQL::Test::Cluster->new('upgraded');
$upgraded->init(allows_streaming => 'logical');
$upgraded->append_conf('postgresql.conf', "shared_preload_libraries = 'dp_agg'");
my ($bin) = map { chomp; $_ } `pg_config --bindir`;
chdir $dir or die;
PostgreSQL::Test::Utils::command_ok([ 'pg_upgrade', '-b', $bin, '-B', $bin, '-d', $node->data_dir, '-D', $upgraded->data_dir,
	'-s', $node->host, '-p', $node->port, '-P', $upgraded->port ], 'pg_upgrade');
chdir $root or die;
$upgraded->start;
is(verify($now, node => $upgraded), 't|||', 'pg_upgrade: the chain holds');
DpAgg::value($upgraded, 'analyst', 'SELECT dp_count(*) FROM people');
is(verify($now, node => $upgraded), 't|||', 'and goes on');
$upgraded->safe_psql('postgres', 'SET session_replication_role = replica; UPDATE dp_agg.account SET epsilon_lifetime = 0');
like(verify(undef, node => $upgraded), qr/^f\|\d+\|account\|.*lifetime is not what its releases cost$/, 'an account edited there is found there');
$upgraded->stop;

done_testing();
