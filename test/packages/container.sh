#!/usr/bin/env bash
#
# container.sh [OPTION OF buildah from...]
#	Uses a container of the image localhost/dp_agg, as image.sh has made it.
#
# Run where there is no other network and no other server.  Prints TAP, and at last "N
# passed, N failed".

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
# shellcheck source=test/packages/tap.sh
. ./tap.sh

admin="an administrator's"
analyst="an analyst's, with spaces"
entrypoint=(demo -- bash /usr/local/bin/entrypoint.sh)
server=
log=$(mktemp)
raw='ERROR:  42501: permission denied'

# start NAME=VALUE...: the server begins.
start()
{
	local variable variables=()
	for variable; do
		variables+=(--env "$variable")
	done
	buildah run "${variables[@]}" "${entrypoint[@]}" >"$log" 2>&1 </dev/null &
	server=$!
}

healthy()
{
	buildah run demo -- bash /usr/local/bin/healthcheck.sh
}

# Waits until it is healthy, for as long as it runs.
comes_up()
{
	local _
	for _ in {1..600}; do
		! healthy || return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 1
	done
	cat "$log"
	return 1
}

# As STOPSIGNAL of the image does.
stops()
{
	buildah run demo -- bash -c 'kill -INT "$(head -n 1 data/postmaster.pid)"' && wait "$server"
}

# query USER PASSWORD SQL [OPTION...]: over TCP, as from outside.
query()
{
	PGPASSWORD=$2 psql -X -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c "$3" \
		"host=127.0.0.1 user=$1 dbname=${4:-demo sslmode=require}"
}

# the server's processes of other users than 999
strangers()
{
	local process count=0

	# of /proc, for a clean system has no ps
	for process in /proc/[0-9]*; do
		grep -qs '^postgres' "$process/comm" || continue
		count=$((count + 1))
		[ "$(stat -c %u "$process")" = 999 ] || echo "$process"
	done
	[ "$count" -gt 0 ] || echo 'no server'
}

setting()
{
	buildah inspect --type image --format "{{.OCIv1.Config.$1}}" localhost/dp_agg
}

ip link set lo up
ok 'a container' buildah from "$@" --name demo localhost/dp_agg
ok 'is of an unprivileged user' prints '^postgres\n' setting User
ok 'which is number 999' prints '^999\n' buildah run demo -- id -u
ok 'has no compiler' prints '^none\n$' buildah run demo -- bash -c 'command -v gcc cc make || echo none'
ok 'and no package left over' prints '^\n$' buildah run demo -- bash -c \
	'find / -name "*.deb" -not -path "/proc/*" 2>/dev/null; true'
ok 'does not start without passwords' prints 'set DP_AGG_ADMIN_PASSWORD or' buildah run "${entrypoint[@]}"
ok 'nor with one of them' prints 'set DP_AGG_ANALYST_PASSWORD or' \
	buildah run --env DP_AGG_ADMIN_PASSWORD=x "${entrypoint[@]}"
ok 'and has made nothing then' prints '^\n$' buildah run demo -- ls
ok 'is not healthy' prints 'connection to server on socket' healthy

ok 'a beginning that was cut off' buildah run demo -- bash -c 'mkdir data.new && touch data.new/PG_VERSION'
ok 'a password in a file' buildah run demo -- bash -c 'printf "%s\n" "$1" >secret' bash "$admin"
start DP_AGG_ADMIN_PASSWORD_FILE=/var/lib/postgresql/secret "DP_AGG_ANALYST_PASSWORD=$analyst"
ok 'the database is made, and healthy' comes_up || { finish; exit 1; }
ok 'no process of it is of another user' prints '^\n$' strangers
ok 'nor knows the passwords' prints '^PATH=[^\n]*\n$' buildah run demo -- bash -c \
	'tr "\0" "\n" <"/proc/$(head -n 1 data/postmaster.pid)/environ" | grep -e ANALYST -e PASSWORD= -e ^PATH='
ok 'nor has told them' fails grep -F "$analyst" "$log"
ok 'the analyst gets an answer' prints '\nLaw\|\d+\n' query analyst "$analyst" \
	'SELECT field, count(*) FROM dp.education GROUP BY field ORDER BY field'
ok 'pays for it' prints '^8\|1\n' query analyst "$analyst" 'SELECT epsilon_limit, epsilon_spent FROM dp_agg.my_budget'
ok 'reads no row' prints "$raw" query analyst "$analyst" 'SELECT * FROM tax LIMIT 1'
ok 'nor through the facade' prints "$raw" query analyst "$analyst" 'SELECT * FROM dp.tax LIMIT 1'
ok 'logs in by password alone' prints 'password authentication failed' query analyst wrong 'SELECT 1'
ok 'and in no other database' prints 'permission denied for database' query analyst "$analyst" 'SELECT 1' \
	'postgres sslmode=require'
ok 'encrypted' prints 'no encryption' query analyst "$analyst" 'SELECT 1' 'demo sslmode=disable'
ok 'the administrator logs in' prints '^1\n' query postgres "$admin" 'SELECT 1'
ok 'passwords are stored for scram' prints '^2\|2\n' query postgres "$admin" \
	"SELECT count(*), count(*) FILTER (WHERE rolpassword LIKE 'SCRAM-SHA-256%') FROM pg_authid WHERE rolcanlogin"
ok 'nothing of it is wide open' prints '^\n$' query postgres "$admin" \
	"SELECT topic, object, finding FROM dp_agg.check_hardening() WHERE severity = 'high'"
ok 'it stops' stops

start
ok 'it starts again, without passwords' comes_up
ok 'what was spent is spent' prints '^1\n' query analyst "$analyst" 'SELECT epsilon_spent FROM dp_agg.my_budget'
ok 'and the ledger holds' prints '^t\n' query postgres "$admin" 'SELECT ok FROM dp_agg.verify_ledger()'
ok 'it stops again' stops
rm -f "$log"
finish
