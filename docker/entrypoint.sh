#!/usr/bin/env bash
#
# entrypoint.sh [OPTION OF THE SERVER...]
#	Makes a cluster with a protected demonstration database where there is none yet,
#	then becomes the server.
#
# For a new cluster both passwords are needed, each as the content of a file or as it is:
#
#	DP_AGG_ADMIN_PASSWORD_FILE, DP_AGG_ADMIN_PASSWORD       of "postgres", a superuser
#	DP_AGG_ANALYST_PASSWORD_FILE, DP_AGG_ANALYST_PASSWORD   of "analyst"
#	DP_AGG_SCALE                                            times 60,000 people (default: 1)
#
# Over TCP both log in by password, and only with TLS, for which there is a certificate of the
# server's own.  Without TCP the container's user is the administrator.

set -euo pipefail

home=/var/lib/postgresql
data=$home/data
new=$home/data.new		# becomes data when all of it is there
share=${DP_AGG_SHARE:-/usr/local/share/dp_agg}
bin=$(find /usr/lib/postgresql/*/bin -maxdepth 0)
PATH=$bin:$PATH

fail()
{
	echo "entrypoint: $1" >&2
	exit 1
}

# password NAME: what the file NAME_FILE holds, or NAME itself.
password()
{
	local file=${1}_FILE value
	if [ -n "${!file:-}" ]; then
		value=$(cat "${!file}") || fail "cannot read $file: ${!file}"
	else
		value=${!1:-}
	fi
	[ -n "$value" ] || fail "set $1 or $file: there is no cluster yet, and no password by default"
	printf '%s\n' "$value"
}

configure()
{
	openssl req -new -x509 -nodes -days 3650 -subj /CN=localhost \
		-keyout "$new/server.key" -out "$new/server.crt" 2>/dev/null
	chmod 600 "$new/server.key"
	cat >>"$new/postgresql.conf" <<-END
		shared_preload_libraries = 'dp_agg'
		listen_addresses = '*'
		unix_socket_directories = '/var/run/postgresql'
		ssl = on
		log_line_prefix = '%m [%p] %q%u@%d %e '
	END
	cat >"$new/pg_hba.conf" <<-END
		local   all postgres     peer
		hostssl all all      all scram-sha-256
	END
}

# Its own server, which nobody else reaches, makes the database.
make_database()
{
	pg_ctl -D "$new" -w -s -o "-c listen_addresses='' -c unix_socket_directories='$new'" start
	DP_AGG_ANALYST=$1 psql -X -q -o /dev/null -h "$new" -v scale="${DP_AGG_SCALE:-1}" -f "$share/demo.sql" postgres
	pg_ctl -D "$new" -w -s -m fast stop
}

make_cluster()
{
	local admin analyst
	admin=$(password DP_AGG_ADMIN_PASSWORD)
	analyst=$(password DP_AGG_ANALYST_PASSWORD)
	rm -rf "$new"
	initdb -D "$new" -U postgres -E UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 \
		--pwfile=<(printf '%s\n' "$admin") >/dev/null
	configure
	make_database "$analyst"
	mv "$new" "$data"
}

if [ ! -d "$data" ]; then
	echo 'Making the demonstration database; this takes a moment.'
	make_cluster
fi
unset DP_AGG_ADMIN_PASSWORD DP_AGG_ANALYST_PASSWORD
exec postgres -D "$data" "$@"
