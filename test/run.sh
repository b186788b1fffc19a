#!/usr/bin/env bash
#
# run.sh
#	Runs the suites in the sandbox that dev/test has laid out, as its user.
#
# A suite is a function: list_SUITE names test files, which test/perl/harness.pl runs
# several at a time, whichever suite they are of; figures_SUITE, if there is one, prints
# what they found afterwards.
#
# Every suite adds a line "suite passed failed skipped" to $TMPDIR/counts.  The sum goes
# to $TMPDIR/summary; what failed is named before it once more.

set -uo pipefail
: "${SANDBOX:?is set by dev/test: run make test}"
SUITES=${SUITES:-unit installcheck tap clients attacks audit}
counts=$TMPDIR/counts
failures=$TMPDIR/failures
: >"$counts"
: >"$failures"
export TESTDIR=$PWD
export PATH=$PWD/test/bin:$PATH		# initdb
# where PostgreSQL 15 has them; from 16 on the default is a relative path
export TESTDATADIR=$PWD/tmp_check TESTLOGDIR=$PWD/tmp_check/log
export ATTACKS_FIGURES=$TMPDIR/attacks.figures AUDIT_FIGURES=$TMPDIR/audit.figures

# Files that take long, the longest first: begun late, they would run alone at the end.
# Before each, how many processes it keeps busy: it takes as many seats of the harness.
# What a file took is in the output.
long_files='
	2 test/audit/002_pairs.pl
	2 test/t/063_alike.pl
	1 test/attacks/20_wide.pl
	1 test/attacks/16_between.pl
	1 test/attacks/fuzz.pl
	1 test/attacks/14_selections.pl
	1 test/t/021_crash.pl
	1 test/attacks/17_order.pl
	1 test/t/036_bounding.pl
	1 test/t/062_plans_alike.pl
	1 test/t/037_streaming.pl
	1 test/attacks/12_resources.pl
	1 test/unit/test_noise.c
	1 test/unit/test_gate.c
'

# perl_files SUITE FILE...
# Lists test files in Perl that print TAP.
perl_files()
{
	local suite=$1 file
	shift
	for file in "$@"; do
		[ ! -e "$file" ] || printf '%s\t%s\tperl -Itest/perl %q\n' "$suite" "$file" "$file"
	done
}

# C programs that print TAP; run.sh closes with "N passed, N failed".
list_unit()
{
	local name
	for name in test/unit/test_*.c; do
		name=$(basename "$name" .c)
		printf 'unit\ttest/unit/%s.c\tenv UNIT_BUILD=%q sh test/unit/run.sh %s\n' "$name" "$TMPDIR/unit" "$name"
	done
}

# What packagers run: test/sql and test/isolation against a server that preloads the library.
list_installcheck()
{
	printf 'installcheck\ttest/installcheck.sh\tbash test/installcheck.sh\n'
}

list_tap()
{
	# shellcheck disable=SC2086
	perl_files tap ${TESTS:-test/t/*.pl}
}

# Drivers and BI tools as they are, installed by dev/clients.sh.
list_clients()
{
	# shellcheck disable=SC2086
	perl_files clients ${CLIENTS:-test/clients/*.pl}
}

# What a hostile analyst tries: TAP, too, and how much of each class was tried.
list_attacks()
{
	# shellcheck disable=SC2086
	perl_files attacks ${ATTACKS:-test/attacks/*.pl}
}

figures_attacks()
{
	[ -s "$ATTACKS_FIGURES" ] || return 0
	echo 'Attacks, and controls where they bite:'
	sort "$ATTACKS_FIGURES"
	awk '{ for (i = 2; i <= NF; i++) { if ($i ~ /^attacks/) a += $(i - 1); if ($i ~ /^controls/) c += $(i - 1) } }
		END { printf "%-28s %4d attacks, %4d controls\n", "all", a, c }' "$ATTACKS_FIGURES"
}

# Epsilon measured: TAP, too, and the figures (test/audit/002_pairs.pl).
list_audit()
{
	perl_files audit test/audit/*.pl
}

figures_audit()
{
	[ -s "$AUDIT_FIGURES" ] || return 0
	echo 'Lower bounds of epsilon, of what is claimed; then those of builds with a fault:'
	cat "$AUDIT_FIGURES"
}

# Of a list: the long ones first, otherwise as it is; every line begins with its seats.
long_first()
{
	LONG=$long_files awk -F '\t' '
		BEGIN { n = split(ENVIRON["LONG"], words, /[ \t\n]+/)
			for (i = 2; i < n; i += 2) { seats[words[i + 1]] = words[i]; place[words[i + 1]] = i } }
		{ print ($2 in place ? place[$2] : n) "\t" ($2 in seats ? seats[$2] : 1) "\t" $0 }' |
		sort -s -n -k 1,1 | cut -f 2-
}

has() { declare -F "$1" >/dev/null; }

for suite in $SUITES; do
	has "list_$suite" || { echo "no such suite: $suite" >&2; exit 1; }
	"list_$suite"
done | long_first >"$TMPDIR/jobs" || exit 1

initdb -D "$TMPDIR/template" -A trust -N >"$TMPDIR/initdb.log" 2>&1 || rm -rf "$TMPDIR/template"
[ ! -s "$TMPDIR/jobs" ] || perl test/perl/harness.pl "$TMPDIR/jobs" "$counts" "$failures" ||
	echo 'harness 0 1 0' >>"$counts"

for suite in $SUITES; do
	! has "figures_$suite" || "figures_$suite"
done

cat "$failures"
awk '
	{ printf "%-12s %d passed, %d failed, %d skipped\n", $1, $2, $3, $4
	  passed += $2; failed += $3; skipped += $4 }
	END {
		if (passed + failed == 0) { print "no test ran"; failed = 1 }
		printf "%d passed, %d failed%s\n", passed, failed,
			skipped ? sprintf(", %d skipped", skipped) : "" > SUMMARY
		exit failed > 0
	}' SUMMARY="$TMPDIR/summary" "$counts"
