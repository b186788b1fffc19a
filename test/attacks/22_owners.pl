# What a table's owner tries who administers a population of its own: to reach others', to have
# code of its own run with more rights than it has, and what an analyst could gain by it.  A leak:
# accounts, releases or tables of another population are changed or seen, rows of its own count
# among another's individuals, or its code runs as anybody but itself.

use strict;
use warnings;
use Test::More;
use Attacks;

my $node = start('owners', roles => [ 'keeper', 'rival' ], persons => {}, own => '', tables => <<'SQL');
CREATE SCHEMA k AUTHORIZATION keeper;
CREATE SCHEMA r AUTHORIZATION rival;
GRANT USAGE ON SCHEMA k, r TO PUBLIC;
GRANT CREATE, TEMPORARY ON DATABASE postgres TO keeper, rival;
CREATE TABLE r.people (id int PRIMARY KEY, x int NOT NULL);
INSERT INTO r.people SELECT i, i % 10 FROM generate_series(1, 300) i;
ALTER TABLE r.people OWNER TO rival;
SELECT dp_agg.grant_admin('keeper'), dp_agg.grant_admin('rival');
SQL

sub as { my ($role, $sql) = @_; return session($role, $sql); }
sub query { return $node->safe_psql('postgres', join(';', @_)); }

DpAgg::value($node, 'rival', q{SELECT dp_agg.protect('r.people', unit => 'id', population => 'rivals'); SELECT dp_agg.set_bounds('r.people', 'x', 0, 10); SELECT dp_agg.set_budget('analyst', 'rivals', epsilon => 1000); SELECT dp_agg.set_population_cap('rivals', epsilon => 1e9)});
DpAgg::value($node, 'keeper', q{CREATE TABLE k.t (id int PRIMARY KEY, x int NOT NULL); INSERT INTO k.t SELECT i, i % 10 FROM generate_series(1, 300) i;
	SELECT dp_agg.protect('k.t', unit => 'id', population => 'kept'); SELECT dp_agg.set_bounds('k.t', 'x', 0, 10); SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000)});
DpAgg::value($node, 'analyst', 'SELECT count(*) FROM r.people; SELECT count(*) FROM k.t');

# ---------- other populations ----------

# All that there is of the rival's.
my $rivals = q{SELECT 'account', role::text, a::text FROM dp_agg.account a WHERE population = 'rivals' UNION ALL
	SELECT 'label', relation::text, p::text FROM dp_agg.protected_relations p WHERE population = 'rivals' OR relation = 'r.people'::regclass UNION ALL
	SELECT 'admin', role::text, '' FROM dp_agg.administrator WHERE population = 'rivals' ORDER BY 1, 2, 3};

# reaches(NAME, SQL): the keeper changes nothing of the rival's and gets no row; the rival, of its own, may.
sub reaches
{
	my ($name, $sql, $control) = @_;
	my $before = query($rivals);
	my $r = as('keeper', $sql);

	attacked(query($rivals) eq $before && $r->{out} !~ /rivals|r\.people/, "another population: $name") or diag("$r->{out}\n$r->{err}\n$before\n" . query($rivals));
	$control //= $sql;
	# its own table in the place of the keeper's; undone
	my $own = as('rival', 'BEGIN; ' . ($control =~ s/\bk\.t\b/r.people/gr) . '; ROLLBACK');
	control($own->{sqlstate} eq '00000', "who administers it may: $name") or diag($own->{err});
	return;
}

reaches(@$_) foreach
  [ 'a table joins it', q{SELECT dp_agg.protect('k.t', unit => 'id', population => 'rivals')} ],
  [ 'a table joins it by the form with an array', q{SELECT dp_agg.protect('k.t', unit => '{id}'::name[], population => 'rivals', max_total => 3)} ],
  [ 'a table joins it by hand', q{SECURITY LABEL FOR dp_agg ON TABLE k.t IS '{"population": "rivals", "unit_columns": 1, "facade": "dp.people"}'} ],
  [ 'a table joins it that was unprotected before', q{SELECT dp_agg.unprotect('k.t'); SELECT dp_agg.protect('k.t', unit => 'id', population => 'rivals')} ],
  [ 'a table joins it within a block that catches errors', q{DO $$ BEGIN PERFORM dp_agg.protect('k.t', unit => 'id', population => 'rivals'); EXCEPTION WHEN insufficient_privilege THEN IF current_user = 'rival' THEN RAISE; END IF; END $$} ],
  [ 'limits are suggested, with a label for a moment', q{SELECT count(*) FROM dp_agg.suggest('k.t', 1, 'id', 'rivals')}, q{SELECT count(*) FROM dp_agg.suggest('k.t', 1)} ],
  [ 'a budget', q{SELECT dp_agg.set_budget('keeper', 'rivals', epsilon => 1e6)} ],
  [ 'a budget by the other form', q{SELECT dp_agg.set_budget('keeper', 'rivals', epsilon => 1e6::float8)} ],
  [ 'more for who has one', q{SELECT dp_agg.set_budget('analyst', 'rivals', epsilon => 1e6)} ],
  [ 'an account is closed', q{SELECT dp_agg.drop_budget('analyst', 'rivals')} ], [ 'a cap', q{SELECT dp_agg.set_population_cap('rivals', epsilon => 1e6)} ], [ 'no cap', q{SELECT dp_agg.drop_population_cap('rivals')} ],
  [ 'it makes itself an administrator', q{SELECT dp_agg.grant_admin('keeper', 'rivals')} ],
  [ 'it takes the administrator out', q{SELECT dp_agg.revoke_admin('rival', 'rivals')} ],
  [ 'the size', q{SELECT dp_agg.set_population_size('rivals', 1000000)} ],
  [ 'bounds of a table', q{SELECT dp_agg.set_bounds('r.people', 'x', 0, 5)} ],
  [ 'protection of a table', q{SELECT dp_agg.unprotect('r.people')} ],
  [ 'a table is moved to another population', q{SELECT dp_agg.protect('r.people', unit => 'id', population => 'elsewhere')} ],
  [ 'classes of a table', q{SELECT dp_agg.classify('r.people', 'x', 'ordinary')} ],
  [ 'accounts are seen', q{SELECT population, role FROM dp_agg.budgets WHERE population <> 'kept'} ],
  [ 'releases are seen', q{SELECT query FROM dp_agg.releases WHERE population <> 'kept'} ],
  [ 'releases are counted', q{SELECT 'rivals ' || releases FROM dp_agg.tier_report('rivals')} ],
  [ 'who administers it', q{SELECT * FROM dp_agg.administrators WHERE population <> 'kept'} ],
  [ 'a function in a condition on the log, which is called for every row', q{CREATE FUNCTION pg_temp.see(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS 'BEGIN IF $1 ~ $$r.people$$ AND current_user = $$keeper$$ THEN RAISE NOTICE $$%$$, $1; END IF; RETURN true; END'; SELECT count(*) FROM dp_agg.releases WHERE pg_temp.see(query)} ];
foreach my $sql (q{SELECT query FROM dp_agg.release_log}, q{SELECT * FROM dp_agg.account_state}, q{SELECT * FROM dp_agg.my_populations}, q{SELECT * FROM dp_agg.paying_roles}, q{INSERT INTO dp_agg.administrator VALUES ('rivals', 'keeper'::regrole)},
	q{UPDATE dp_agg.administrator SET population = 'rivals'}, q{DELETE FROM dp_agg.administrator}, q{TRUNCATE dp_agg.administrator}, q{LOCK dp_agg.administrator}, q{UPDATE dp_agg.account SET epsilon_spent = 0})
{
	my $r = as('keeper', "BEGIN; $sql; ROLLBACK");
	attacked($r->{sqlstate} eq '42501' && $r->{out} eq '', "the tables behind it: $sql") or diag("$r->{out} $r->{err}");
	control(as('admin', "BEGIN; $sql; ROLLBACK")->{sqlstate} eq '00000', "the administrator of all may: $sql");
}
# The functions behind it, with any arguments.
foreach my $sql (q{account_set('keeper', 'rivals', 9, 0.1, NULL, NULL, 'pure', NULL, NULL, NULL, true)}, q{account_put('keeper'::regrole, 'rivals', 9, 0.1, NULL, NULL, 'pure', NULL, NULL, NULL, true)},
	q{cap_set('rivals', 9, 0.1, NULL, 'pure', NULL, true)}, q{cap_drop('rivals')}, q{account_drop('analyst', 'rivals')}, q{population_found('keeper'::regrole, 'rivals')}, q{admin_add('keeper', 'rivals', true)},
	q{admin_remove('rival', 'rivals', true)}, q{administers('rival'::regrole, 'rivals')}, q{population_known('keeper'::regrole, 'rivals')}, q{readers_warn('rivals', NULL, NULL)}, q{kept_reads('rivals', NULL)}, q{closed_account('analyst'::regrole, 'rivals')})
{
	my $r = as('keeper', "SELECT dp_agg.$sql");
	attacked($r->{sqlstate} eq '42501' && $r->{out} eq '', "a function behind it: $sql") or diag("$r->{out} $r->{err}");
	control(as('admin', "BEGIN; SELECT dp_agg.$sql; ROLLBACK")->{sqlstate} eq '00000', "the administrator of all may: $sql");
}

DpAgg::value($node, 'keeper', q{SELECT dp_agg.protect('k.t', unit => 'id', population => 'kept')});

# Twenty people who were invented would open the gate to one who is real.
{
	my $invented = q{CREATE TABLE k.fake AS SELECT i AS id, i % 10 AS x FROM generate_series(1000, 1090) i;};
	my $ask = 'SELECT x, count(*) FROM (SELECT id, x FROM r.people WHERE id = 5 UNION ALL SELECT id, 5 FROM k.fake) s GROUP BY x';

	as('keeper', "$invented GRANT USAGE ON SCHEMA k TO PUBLIC; SELECT dp_agg.protect('k.fake', unit => 'id', population => 'rivals')");
	my $r = as('analyst', "SET dp_agg.epsilon = 10; $ask");
	attacked($r->{out} eq '', 'a group of one filled up with invented people') or diag($r->{out});
	as('rival', q{SELECT dp_agg.grant_admin('keeper', 'rivals')});
	as('keeper', q{SELECT dp_agg.protect('k.fake', unit => 'id', population => 'rivals')});
	$r = as('analyst', "SET dp_agg.epsilon = 10; $ask");
	control($r->{out} =~ /^5\|\d+$/, 'whoever is asked in can do that') or diag("$r->{out} $r->{err}");
	as('keeper', q{SELECT dp_agg.unprotect('k.fake')});
	as('rival', q{SELECT dp_agg.revoke_admin('keeper', 'rivals')});
}

# ---------- what was spent ----------

my $spent = q{SELECT epsilon_spent / 1e9 FROM dp_agg.account WHERE population = 'kept' AND role = 'analyst'::regrole};
foreach my $case ([ 'forget', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000, forget => true)} ], [ 'forget by the other form', q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000::float8, forget => true)} ],
	[ 'close and open', q{SELECT dp_agg.drop_budget('analyst', 'kept'); SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000)} ],
	[ 'close and open at once', q{BEGIN; SELECT dp_agg.drop_budget('analyst', 'kept'); SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000); COMMIT} ],
	[ 'found it anew', q{SELECT dp_agg.drop_budget('analyst', 'kept'); SELECT dp_agg.unprotect('k.t'); SELECT dp_agg.protect('k.t', 'id', 'kept'); SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000)} ])
{
	my ($name, $sql) = @$case;
	my $before = query($spent);

	as('keeper', $sql);
	attacked($before > 0 && query($spent) == $before, "what was spent stays: $name") or diag(query($spent) . " of $before");
}
query(q{SELECT dp_agg.set_budget('analyst', 'kept', epsilon => 1000, forget => true)});
control(query($spent) == 0, 'the owner of the extension may forget');
attacked(query('SELECT ok FROM dp_agg.verify_ledger()') eq 't', 'the chain is whole after all of that');

# ---------- its own code ----------

# Everything of a table that can hold code, which says as whom it runs.
DpAgg::value($node, 'keeper', <<'SQL');
CREATE TABLE k.seen (who name, what text);
GRANT INSERT ON k.seen TO PUBLIC;
CREATE FUNCTION k.say(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO k.seen VALUES (current_user, what); EXCEPTION WHEN OTHERS THEN RAISE WARNING 'k.say as %: % (%)', current_user, what, SQLERRM; END $$;
CREATE FUNCTION k.number(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'k.number as %', current_user; RETURN x; END $$;
CREATE FUNCTION k.fine(x int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM k.say('check of a domain'); RETURN true; END $$;
CREATE FUNCTION k.fine(x text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM k.say('check of a domain'); RETURN true; END $$;
CREATE FUNCTION k.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM k.say('a trigger'); RETURN new; END $$;
CREATE FUNCTION k.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM k.say('a namesake'); RETURN ''; END $$;
CREATE DOMAIN k.dint AS int CHECK (k.fine(VALUE));
CREATE DOMAIN k.dtext AS text CHECK (k.fine(VALUE));
CREATE TYPE k.pair AS (a k.dint, b k.dtext);
CREATE TABLE k.trap (id int PRIMARY KEY, x int NOT NULL DEFAULT k.number(1) CHECK (k.fine(x)), d k.dint, t k.dtext, p k.pair, many k.dint[], made int GENERATED ALWAYS AS (k.number(x)) STORED);
INSERT INTO k.trap SELECT i, i % 10, i % 10, 'a', ROW(i, 'a'::text)::k.pair, ARRAY[i % 3] FROM generate_series(1, 300) i;
CREATE INDEX ON k.trap (k.number(x));
CREATE UNIQUE INDEX ON k.trap (id) WHERE k.number(x) >= 0;
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON k.trap FOR EACH ROW EXECUTE FUNCTION k.trigger();
CREATE VIEW k.over AS SELECT t.*, k.number(x) AS n, '1'::k.dint AS c FROM k.trap t;
CREATE OPERATOR k.= (LEFTARG = name, RIGHTARG = name, FUNCTION = nameeq);
TRUNCATE k.seen;
SQL

# runs(NAME, ROLE, SQL [, STATE]): none of the owner's code runs as anybody but the owner; the
# control is that the statement ends with that state.
sub runs
{
	my ($name, $role, $sql, $state) = @_;

	query('TRUNCATE k.seen');
	my $r = as($role, $sql);
	my $others = query(q{SELECT string_agg(DISTINCT who || ': ' || what, ', ') FROM k.seen WHERE who <> 'keeper'});

	attacked($others eq '' && $r->{err} !~ /k\.(say|number) as (?!keeper)/, "whose code runs as whom: $name") or diag("$others\n$r->{err}");
	control($r->{sqlstate} eq ($state // '00000'), "it was tried: $name") or diag($r->{err});
	return;
}

my $path = q{CREATE TEMPORARY TABLE pg_seclabel (objoid int); CREATE TEMPORARY TABLE pg_class (oid text); SET search_path = k, pg_temp, pg_catalog, public;};
foreach my $case (
	[ 'protect()', q{SELECT dp_agg.protect('k.trap', unit => 'id', population => 'traps')} ], [ 'protect() of the unit by a domain', q{SELECT dp_agg.protect('k.trap', unit => 'd', population => 'traps', max_rows => 9)} ],
	[ 'bounds', q{SELECT dp_agg.set_bounds('k.trap', 'd', 0, 10)} ], [ 'bounds as texts', q{SELECT dp_agg.set_bounds('k.trap', 'x', '0', '10')} ], [ 'public keys of a domain', q{SELECT dp_agg.set_domain('k.trap', 't', '{a,b}')} ],
	[ 'public keys of arrays', q{SELECT dp_agg.set_domain('k.trap', 'many', '{"{1}"}')}, '0A000' ], [ 'totals', q{SELECT dp_agg.set_total('k.trap', 'x', 0, 10)} ], [ 'classes', q{SELECT dp_agg.classify('k.trap', 't', 'quasi_identifier')} ],
	[ 'a budget', q{SELECT dp_agg.set_budget('analyst', 'traps', epsilon => 1000)} ], [ 'suggested limits', q{SELECT count(*) FROM dp_agg.suggest('k.trap', 1)} ],
	[ 'DDL that the facade follows', q{ALTER TABLE k.trap ADD COLUMN more k.dint DEFAULT 1; ALTER TABLE k.trap ALTER COLUMN more TYPE int; ALTER TABLE k.trap RENAME COLUMN more TO most; ALTER TABLE k.trap DROP COLUMN most CASCADE} ],
	[ 'labels by hand', q{SECURITY LABEL FOR dp_agg ON COLUMN k.trap.p IS '{"domain": ["(1,a)"]}'; SECURITY LABEL FOR dp_agg ON COLUMN k.trap.many IS '{"domain": ["{1}"], "domain_type": "k.dint"}'; SECURITY LABEL FOR dp_agg ON COLUMN k.trap.d IS '{"domain": ["1"], "lower": 1, "upper": 2}'} ])
{
	my ($name, $sql, $state) = @$case;

	runs("$name, by itself", 'keeper', "$path $sql", $state);
	runs("$name, by a superuser", 'admin', $sql, $state) unless $name =~ /DDL/;
}
# Whoever looks: a superuser, the definer of check_hardening(), an analyst who asks.
runs("looking: $_", 'admin', $_) foreach 'SELECT * FROM dp_agg.protected_relations', 'SELECT * FROM dp_agg.outlived()', 'SELECT * FROM dp_agg.check_hardening()', 'SELECT * FROM dp_agg.classified_columns', q{SELECT * FROM dp_agg.suggest_classes('k.trap')},
  'SELECT * FROM dp_agg.releases', 'SELECT * FROM dp_agg.budgets', 'SELECT * FROM dp_agg.verify_ledger()', q{SELECT dp_agg.unprotect('k.trap')};
as('keeper', q{SELECT dp_agg.protect('k.trap', unit => 'id', population => 'traps'); SELECT dp_agg.set_bounds('k.trap', 'x', 0, 10); SECURITY LABEL FOR dp_agg ON COLUMN k.trap.many IS '{"domain": ["{1}"]}'; SECURITY LABEL FOR dp_agg ON COLUMN k.trap.p IS '{"domain": ["(1,a)"]}'});
runs("asking: $_", 'analyst', $_, /GROUP BY p/ ? 'DP002' : '00000') foreach 'SELECT count(*) FROM k.trap', 'SELECT many, count(*) FROM k.trap GROUP BY many', 'SELECT p, count(*) FROM k.trap GROUP BY p', 'SELECT d, count(*) FROM k.trap GROUP BY d', 'SELECT t, avg(x) FROM k.trap GROUP BY t',
  'SELECT sum(x) FROM dp.trap WHERE x > 3', 'SELECT * FROM dp_agg.protected_relations';
{
	runs('a check of a domain', 'keeper', 'SELECT x::k.dint FROM generate_series(1, 2) x');
	control(query(q{SELECT count(*) FROM k.seen WHERE who = 'keeper' AND what = 'check of a domain'}) == 2, 'a check of a domain runs, and says as whom');
	as('admin', 'INSERT INTO k.trap (id, d) VALUES (1000, 1)');
	control(query(q{SELECT count(DISTINCT what) FROM k.seen WHERE who = 'admin'}) == 2, 'as a superuser, where one writes to the table');
	control(query(q{SELECT count(*) FROM pg_seclabel WHERE provider = 'dp_agg' AND objoid = 'k.trap'::regclass AND label ~ 'domain'}) >= 2, 'keys are declared that would run it');
}

finish();
