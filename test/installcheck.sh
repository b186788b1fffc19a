#!/usr/bin/env bash
#
# installcheck.sh
#	Runs `make installcheck` as who packages dp_agg would, in the sandbox that
#	dev/test has laid out: against a server that preloads the library.
#
# The server's other settings are unlike the defaults, because the tests must not
# depend on them.  Prints TAP: each test of pg_regress and of the isolation tester is
# one; of those that fail the differences are shown.

set -uo pipefail
: "${SANDBOX:?is set by dev/test: run make test SUITES=installcheck}"
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

dir=$(mktemp -d "$TMPDIR/ic.XXXXXX") || exit 1
log=$dir/make.log
bin=$("$PG_CONFIG" --bindir)

# Whatever happens, the server ends.
finish()
{
	local status=$?
	"$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
	exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

start_server()
{
	"$bin/initdb" -D "$dir/data" -A trust -U postgres -N --no-locale --encoding=UTF8 || return
	cat >>"$dir/data/postgresql.conf" <<CONF
shared_preload_libraries = 'dp_agg'
unix_socket_directories = '$dir'
listen_addresses = ''
fsync = off
dp_agg.epsilon = 0.01
dp_agg.max_rows = 9
dp_agg.min_individuals = 500
dp_agg.min_epsilon = 0.5
dp_agg.index_scans = on
default_transaction_isolation = serializable
default_transaction_read_only = on
search_path = pg_catalog
client_min_messages = error
log_executor_stats = on
plan_cache_mode = force_generic_plan
timezone = 'Asia/Kathmandu'
datestyle = 'SQL, DMY'
extra_float_digits = -3
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
CONF
	"$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w start
}

# Shows a file as comments of TAP.
show()
{
	sed 's/^/# /' "$@" 2>/dev/null
}

files=(test/sql/*.sql test/isolation/specs/*.spec)
echo "1..${#files[@]}"
if ! start_server >"$log" 2>&1; then
	show "$log" "$dir/server.log"
	echo 'Bail out!  no server'
	exit 1
fi

# -i: failures of the first program do not keep the second from running.
rm -rf regression.diffs output_iso/regression.diffs
make -s -i installcheck PG_CONFIG="$PG_CONFIG" PGHOST="$dir" PGPORT=5432 PGUSER=postgres >"$log" 2>&1
show regression.diffs output_iso/regression.diffs

# What was not run has failed, too.
status=0
for file in "${files[@]}"; do
	name=$(basename "${file%.*}")
	# from PostgreSQL 16 on the programs print TAP: "ok 1   - name   12 ms"
	if grep -qE "^(test $name +\.\.\. ok|ok [0-9]+ +[-+] $name )" "$log"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		grep -qE "^(test $name +\.\.\. FAILED|not ok [0-9]+ +[-+] $name )" "$log" || show "$log"
		status=1
	fi
done
exit "$status"
