#!/usr/bin/env bash
#
# installcheck.sh
#	Runs `make installcheck` as who packages dp_agg would, in the sandbox that
#	dev/test has laid out: against a server that preloads the library.
#
# The server's other settings are unlike the defaults, because the tests must not
# depend on them.  Each test of pg_regress and of the isolation tester counts as
# one; of those that fail the differences are printed.  The last line of standard
# output is "N passed, N failed".

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

# How many lines "test NAME ... WORD" the log has.
results()
{
	grep -cE "^test [a-z0-9_]+ +\.\.\. $1" "$log"
}

if ! start_server >"$log" 2>&1; then
	cat "$log" "$dir/server.log" 2>/dev/null
	echo '0 passed, 1 failed'
	exit 1
fi

# -i: failures of the first program do not keep the second from running.
rm -rf regression.diffs output_iso/regression.diffs
make -s -i installcheck PG_CONFIG="$PG_CONFIG" PGHOST="$dir" PGPORT=5432 PGUSER=postgres 2>&1 | tee "$log" | grep '^test '
passed=$(results ok)
failed=$(results FAILED)
cat regression.diffs output_iso/regression.diffs 2>/dev/null

# What was not run has failed, too.
files=(test/sql/*.sql test/isolation/specs/*.spec)
wanted=${#files[@]}
if [ $((passed + failed)) -ne "$wanted" ]; then
	cat "$log"
	echo "$((passed + failed)) of $wanted tests were run"
	failed=$((wanted - passed))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
