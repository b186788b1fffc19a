#!/usr/bin/env bash
#
# tpch.sh
#	TPC-H's 22 queries as releases beside plain SQL: times, memory, accuracy.
#
# Makes the eight tables (tpch/data.sql), protects them in two ways (tpch/protect.sql), and asks each query in turn as an
# analyst and as a superuser, warm, with two workers (tpch.pl).  Prints tables for doc/performance.md.
#
#	SCALE=1  ROUNDS=5  DRAWS=21
#	VARIANTS='wide linked'	the customer's key in lineitem, or links
#	QUERIES='1 5'		only these (default: all)

set -uo pipefail
# shellcheck source=test/bench/server.sh
. "$(dirname "${BASH_SOURCE[0]}")/server.sh"

server_init
server_start
SCALE=${SCALE:-1} perl -Itest/bench test/bench/tpch.pl
status=$?
server_stop
exit "$status"
