# shellcheck shell=bash
#
# clients.sh
#	The drivers and tools that test/clients asks with: packages of Debian and of npm.
#
# To be sourced after sandbox.sh.  clients_install installs what is missing, which takes
# a while on a clean system: it can run beside the build.  clients_open, after sandbox_open,
# hands them to the sandbox.  What cannot be installed is named, with the reason, in
# .build/clients/missing, and its tests skip; all others must run.
#
# Packages of npm are those of test/clients/node/package-lock.json, in .build/clients.

# A line for each client: its name, the packages of Debian that it takes, and what is
# true where they are there.
clients_debian()
{
	cat <<-'END'
	psql - clients_true
	psycopg2 python3-psycopg2 clients_python psycopg2
	psycopg python3-psycopg clients_python psycopg
	asyncpg python3-asyncpg clients_python asyncpg
	sqlalchemy python3-sqlalchemy,python3-psycopg2 clients_python sqlalchemy psycopg2
	pandas python3-pandas,python3-sqlalchemy,python3-psycopg2 clients_python pandas sqlalchemy psycopg2
	odbc odbc-postgresql,unixodbc,python3-pyodbc clients_odbc
	pgbouncer pgbouncer,python3-psycopg2 clients_pgbouncer
	dbd_pg libdbd-pg-perl clients_perl DBD::Pg
	pgjdbc libpostgresql-jdbc-java,default-jdk-headless clients_java
	node_pg nodejs,npm clients_node
	postgres_js nodejs,npm clients_node
	knex nodejs,npm clients_node
	dbplyr r-cran-dbplyr,r-cran-rpostgresql clients_r
	END
}

clients_true() { true; }

# Modules of the system's Python: another one may come first in PATH.
clients_python()
{
	/usr/bin/python3 -c 'import importlib.util, sys
sys.exit(any(importlib.util.find_spec(name) is None for name in sys.argv[1:]))' "$@" 2>/dev/null
}

clients_odbc()
{
	clients_python pyodbc && compgen -G '/usr/lib/*/odbc/psqlodbcw.so' >/dev/null
}

clients_pgbouncer()
{
	[ -x /usr/sbin/pgbouncer ] && clients_python psycopg2
}

clients_perl() { /usr/bin/perl -M"$1" -e 1 2>/dev/null; }

clients_java()
{
	[ -f /usr/share/java/postgresql.jar ] && command -v javac >/dev/null
}

clients_node()
{
	command -v node >/dev/null && command -v npm >/dev/null
}

clients_r()
{
	local dir=/usr/lib/R/site-library
	[ -d $dir/dbplyr ] && { [ -d $dir/RPostgreSQL ] || [ -d $dir/RPostgres ]; }
}

# The packages of clients that are not there, one a line.
clients_missing_packages()
{
	local name packages check
	while read -r name packages check; do
		# shellcheck disable=SC2086
		$check || tr ',' '\n' <<<"$packages"
	done < <(clients_debian) | sort -u
}

# All at once; if that fails, those that the system has at all.
clients_install_debian()
{
	local package missing known=()
	mapfile -t missing < <(clients_missing_packages)
	[ ${#missing[@]} -gt 0 ] || return 0
	sandbox_install "${missing[@]}" && return
	for package in "${missing[@]}"; do
		! apt-cache show "$package" >/dev/null 2>&1 || known+=("$package")
	done
	[ ${#known[@]} -gt 0 ] && [ ${#known[@]} -lt ${#missing[@]} ] && sandbox_install "${known[@]}"
}

clients_install_npm()
{
	local dir=$checkout/.build/clients lock=$checkout/test/clients/node/package-lock.json
	clients_node || return 0
	cmp -s "$lock" "$dir/installed" && [ -d "$dir/node_modules" ] && return
	rm -rf "$dir/installed" "$dir/node_modules"
	cp "$checkout"/test/clients/node/package*.json "$dir/"
	echo 'Installing packages of npm'
	# where there is no way to the registry, by default it tries for minutes
	(cd "$dir" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
		--fetch-retries=1 --fetch-retry-mintimeout=2000 --fetch-timeout=60000) || return
	cp "$lock" "$dir/installed"
}

# Installs what is missing, and notes what is not to be had.
clients_install()
{
	local name packages check dir=$checkout/.build/clients
	mkdir -p "$dir"
	clients_install_debian
	clients_install_npm || rm -rf "$dir/node_modules"
	while read -r name packages check; do
		# shellcheck disable=SC2086
		if ! $check; then
			printf '%s\tcannot be installed here: %s\n' "$name" "${packages//,/, }"
		elif [ "$check" = clients_node ] && [ ! -d "$dir/node_modules" ]; then
			printf '%s\tcannot be installed here by npm\n' "$name"
		fi
	done < <(clients_debian) >"$dir/missing"
	chown -R --reference="$checkout" "$dir" 2>/dev/null || true
}

# Gives the sandbox what was installed into the checkout.
clients_open()
{
	local dir=$sandbox/src/.build/clients
	rm -rf "$dir"
	mkdir -p "$dir"
	cp -r "$checkout/.build/clients/." "$dir/"
	[ "$(id -u)" -ne 0 ] || chown -R nobody:nogroup "$dir"
}
