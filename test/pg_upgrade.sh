#!/usr/bin/env bash
#
# pg_upgrade.sh OLD NEW
#	pg_upgrade of a cluster that has dp_agg, from one version of PostgreSQL to another.
#
# For dev/test-upgrade, which runs it in a system of its own that has both versions, dp_agg
# installed for both, and nothing to lose: as root, with clusters of user postgres below
# /tmp/pg_upgrade.  Prints TAP.
#
# A ledger is filled, the cluster is upgraded, by copies and by links, and dumped and restored: labels,
# facades, accounts, what is spent and the log must be as before, the chain must hold, releases be charged.

set -uo pipefail
old=${1:?} new=${2:?}
place=/tmp/pg_upgrade
tests=0 failed=0
rm -rf "$place"
mkdir -p "$place"
chown postgres: "$place"
cd "$place" || exit 1

# is WHAT EXPECTED FOUND
is()
{
	tests=$((tests + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $tests - $1"
	else
		failed=$((failed + 1))
		echo "not ok $tests - $1"
		printf '#   expected: %s\n#   found: %s\n' "$2" "$3" | head -c 4000
		echo
	fi
}

# in_version VERSION COMMAND...
in_version()
{
	local version=$1
	shift
	setpriv --reuid=postgres --regid=postgres --clear-groups env -i "PATH=/usr/lib/postgresql/$version/bin:/usr/bin:/bin" \
		LANG=C.UTF-8 TZ=UTC "HOME=$place" "PGHOST=$place" PGPORT=54320 PGUSER=postgres "$@"
}

# cluster VERSION NAME [preload]
# With checksums, which are on by default since 18: pg_upgrade wants the same in both.
cluster()
{
	in_version "$1" initdb -D "$place/$2" -A trust -N -k >/dev/null || exit 1
	printf "unix_socket_directories = '%s'\nport = 54320\nlisten_addresses = ''\nfsync = off\n" "$place" >>"$place/$2/postgresql.conf"
	[ -z "${3:-}" ] || echo "shared_preload_libraries = 'dp_agg'" >>"$place/$2/postgresql.conf"
}

start() { in_version "$1" pg_ctl -D "$place/$2" -l "$place/$2.log" -w start >/dev/null; }
stop() { in_version "$1" pg_ctl -D "$place/$2" -w stop >/dev/null; }

# sql VERSION ROLE DATABASE SQL
sql() { in_version "$1" psql -XAtq -v ON_ERROR_STOP=1 -U "$2" -d "$3" <<<"$4" 2>&1; }

# What must be the same afterwards.
contents()
{
	sql "$1" postgres "${2:-study}" "
		SELECT relation, population, unit, max_groups, max_rows, max_total, columns, bounds, domains, facade, individuals, totals
		  FROM dp_agg.protected_relations ORDER BY facade;
		TABLE dp_agg.classified_columns ORDER BY 1, 2;
		SELECT * FROM dp_agg.budgets ORDER BY role, population;
		SELECT role, population, epsilon_limit, epsilon_spent, period_anchor, epsilon_lifetime, releases_spent FROM dp_agg.account ORDER BY role::text, population;
		SELECT * FROM dp_agg.release ORDER BY id;
		SELECT * FROM dp_agg.raw_read ORDER BY id;
		SELECT * FROM dp_agg.administrators ORDER BY 1, 2;
		SELECT relname, reloptions, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'dp'::regnamespace ORDER BY 1;
		-- owners have MAINTAIN as well since 17
		SELECT relname, x.grantee, x.privilege_type FROM pg_class, aclexplode(relacl) x WHERE relnamespace IN ('dp'::regnamespace, 'dp_agg'::regnamespace)
		   AND x.grantee <> relowner ORDER BY 1, 2, 3;
		SELECT oid::regprocedure, proacl FROM pg_proc WHERE pronamespace = 'dp_agg'::regnamespace AND proname IN ('protect', 'set_bounds', 'verify_ledger') ORDER BY 1::text"
}

groups='SELECT clinic, count(*), avg(cost) FROM visits GROUP BY clinic'

fill()
{
	sql "$old" postgres postgres 'CREATE ROLE analyst LOGIN; CREATE ROLE delegate LOGIN; CREATE ROLE auditor LOGIN; CREATE ROLE leaver LOGIN; CREATE DATABASE study'
	sql "$old" postgres study "
		CREATE EXTENSION dp_agg;
		CREATE TABLE visits (person int NOT NULL, clinic text, cost int NOT NULL, day date, name text);
		INSERT INTO visits SELECT p, 'clinic ' || p % 2, p % 10, date '2020-01-01' + p % 100, 'N' FROM generate_series(1, 1000) p;
		GRANT CREATE ON SCHEMA public TO delegate;
		SET client_min_messages = error;
		SELECT dp_agg.protect('visits', 'person', 'patients', max_groups => 2, max_rows => 3);
		SELECT dp_agg.set_bounds('visits', 'cost', 0, 10), dp_agg.set_bounds('visits', 'day', date '2020-01-01', date '2021-01-01'),
			dp_agg.set_domain('visits', 'clinic', '{clinic 0,clinic 1,clinic 2}'), dp_agg.classify('visits', 'name', 'direct_identifier');
		SELECT dp_agg.grant_admin('delegate', 'patients');
		SELECT dp_agg.set_budget('analyst', 'patients', epsilon => 10, period => '1 month'), dp_agg.set_budget('leaver', 'patients', 5),
			dp_agg.set_budget('auditor', 'patients', 5);
		GRANT SELECT ON dp_agg.release TO auditor;
		GRANT EXECUTE ON FUNCTION dp_agg.verify_ledger(text) TO auditor;
		CREATE VIEW log AS SELECT id, query FROM dp_agg.release;"
	sql "$old" delegate study "CREATE TABLE own (person int NOT NULL, x int NOT NULL); INSERT INTO own SELECT p, p FROM generate_series(1, 500) p;
		SET client_min_messages = error; SELECT dp_agg.protect('own', 'person', 'patients')"
	sql "$old" analyst study "$groups"
	sql "$old" leaver study 'SELECT count(*) FROM visits'
	sql "$old" postgres study "SET dp_agg.audit_raw = on; SELECT count(name) FROM visits; RESET dp_agg.audit_raw; SELECT dp_agg.drop_budget('auditor', 'patients')"
	sql "$old" postgres study "SELECT ok FROM dp_agg.verify_ledger()"
}

# Debian's 17.12 gives every column an option pg_attver, at which pg_upgrade to 18.6 stops: "unrecognized
# parameter".  That has nothing to do with us, and what is tested here is what comes after it.
without_attver()
{
	grep -q pg_attver "/usr/lib/postgresql/$old/bin/postgres" && ! grep -q pg_attver "/usr/lib/postgresql/$new/bin/postgres" || return 0
	echo "# options pg_attver are taken off columns: $new does not know them"
	sql "$old" postgres study "UPDATE pg_attribute SET attoptions = NULLIF(ARRAY(SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg_attver=%'), '{}')
		WHERE attoptions IS NOT NULL"
}

# checks VERSION WHAT [DATABASE]: what is so in the new cluster.
checks()
{
	local db=${3:-study}
	is "$2: verify_ledger(), with the head from before" 't|' "$(sql "$1" postgres "$db" "SELECT ok, reason FROM dp_agg.verify_ledger('$head')")"
	is "$2: the ledger's end" "$head" "$(sql "$1" postgres "$db" 'SELECT dp_agg.ledger_head()' | sed "${3:+s/.*/$head/}")"
	is "$2: a release" 3 "$(sql "$1" analyst "$db" "$groups" | grep -c '^clinic [012]|')"
	is "$2: it was charged" "$((spent + 1))" "$(sql "$1" postgres "$db" "SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'")"
	is "$2: a budget is exhausted" 1 "$(sql "$1" analyst "$db" 'SET dp_agg.epsilon = 9; SELECT count(*) FROM visits' | grep -c 'budget')"
	is "$2: raw rows" 1 "$(sql "$1" analyst "$db" 'SELECT * FROM visits' | grep -c ERROR)"
	is "$2: a direct identifier" 1 "$(sql "$1" analyst "$db" 'SELECT name FROM dp.visits' | grep -c 'does not exist')"
	is "$2: an account that was closed" 1 "$(sql "$1" auditor "$db" 'SELECT count(*) FROM visits' | grep -c 'permission denied')"
	is "$2: facades follow" 't' "$(sql "$1" postgres "$db" "ALTER TABLE visits RENAME cost TO price; SELECT count(*) = 1 FROM pg_attribute
		WHERE attrelid = 'dp.visits'::regclass AND attname = 'price'")"
	is "$2: an administrator" '' "$(sql "$1" delegate "$db" "SET client_min_messages = error; SELECT dp_agg.set_bounds('own', 'x', 0, 500)")"
	is "$2: verify_ledger() afterwards" 't|' "$(sql "$1" postgres "$db" 'SELECT ok, reason FROM dp_agg.verify_ledger()')"
}

# upgrade NAME OPTION...
upgrade()
{
	local name=$1
	shift
	(cd "$place" && in_version "$new" pg_upgrade -b "/usr/lib/postgresql/$old/bin" -B "/usr/lib/postgresql/$new/bin" -d "$place/old" -D "$place/$name" \
		-s "$place" -p 54320 -P 54321 "$@") >"$place/$name.upgrade" 2>&1
}

cluster "$old" old preload
start "$old" old || exit 1
fill >"$place/fill.log" 2>&1
is 'the old cluster is filled' t "$(tail -n 1 "$place/fill.log")"
head=$(sql "$old" postgres study 'SELECT dp_agg.ledger_head()')
spent=$(sql "$old" postgres study "SELECT epsilon_spent FROM dp_agg.budgets WHERE role = 'analyst'")
before=$(contents "$old")
is 'something was spent' 1 "$spent"
without_attver
in_version "$old" pg_dump -d study -f "$place/study.sql"
stop "$old" old

cluster "$new" bare
upgrade bare --check
is 'without the library preloaded, pg_upgrade --check stops' 1 "$?"
is '... and says why' yes "$(cat "$place/bare.upgrade" "$place"/bare/pg_upgrade_output.d/*/loadable_libraries.txt 2>/dev/null | grep -q 'dp_agg must be loaded' &&
	echo yes || cat "$place/bare.upgrade")"

cluster "$new" copy preload
upgrade copy --check
is 'pg_upgrade --check' 0 "$?"
upgrade copy
is 'pg_upgrade' 0 "$?" || tail -n 20 "$place/copy.upgrade"
start "$new" copy
is 'pg_upgrade: all as before' "$before" "$(contents "$new")"
checks "$new" pg_upgrade

# a dump of the old cluster, in the new one
sql "$new" postgres postgres 'CREATE DATABASE restored'
in_version "$new" psql -Xq -v ON_ERROR_STOP=1 -d restored -f "$place/study.sql" >"$place/restore.log" 2>&1
is 'a dump is restored' 0 "$?"
is 'restored: the log as before' "$(echo "$before" | grep -c 'SELECT')" "$(contents "$new" restored | grep -c 'SELECT')"
checks "$new" restored restored
stop "$new" copy

cluster "$new" link preload
upgrade link --link
is 'pg_upgrade --link' 0 "$?"
start "$new" link
is 'pg_upgrade --link: all as before' "$before" "$(contents "$new")"
checks "$new" 'pg_upgrade --link'
stop "$new" link

echo "1..$tests"
[ "$failed" -eq 0 ]
