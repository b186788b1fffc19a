#!/usr/bin/env bash
#
# accuracy.sh
#	How far releases are from the truth: the tables of doc/accuracy.md and the
#	figures in doc/figures, from releases of a server made for it.
#
#	accuracy.sh [tables] [limits] [figures]		all by default
#
#	RELEASES=2000			of each query; at most 100 where limits are compared
#	DP_AGG_DATA=DIRECTORY	where pums.csv is, if anywhere; ../shared/data by default
#
# Tables are printed, figures replace those of this checkout.

set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

if [ -z "${SANDBOX:-}" ]; then
	# shellcheck source=dev/sandbox.sh
	. "$here/dev/sandbox.sh"
	sandbox_open
	census=${DP_AGG_DATA:-$here/../shared/data}/pums.csv
	if [ -f "$census" ]; then
		cp "$census" "$sandbox/src/pums.csv"
		chmod 644 "$sandbox/src/pums.csv"
	fi
	sandbox_run "RELEASES=${RELEASES:-2000}" bash test/bench/accuracy.sh "$@" || exit
	case " ${*:-figures} " in
		*' figures '*)
			mkdir -p "$here/doc/figures"
			cp "$sandbox/src/doc/figures/"*.svg "$here/doc/figures/"
			;;
	esac
	exit
fi

# shellcheck source=test/bench/server.sh
. "$here/test/bench/server.sh"
[ $# -gt 0 ] || set -- tables limits figures
server_init
echo 'fsync = off' >>"$data/postgresql.conf"
server_start
for what; do
	case $what in
		tables) perl -Itest/bench test/bench/accuracy.pl || exit ;;
		limits) perl -Itest/bench test/bench/limits.pl || exit ;;
		figures) mkdir -p doc/figures && perl -Itest/bench test/bench/figures.pl doc/figures || exit ;;
		*) echo "usage: accuracy.sh [tables] [limits] [figures]" >&2; exit 2 ;;
	esac
done
server_stop
