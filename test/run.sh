#!/usr/bin/env bash
#
# run.sh
#	Runs the suites in the sandbox that dev/test has laid out, as its user.
#
# Every suite adds a line "suite passed failed skipped" to $TMPDIR/counts; a suite that
# ends with an error and names no failed test, or that died, counts as one
# failure.  The sum goes to $TMPDIR/summary; what failed in TAP tests is named
# before it once more.

set -uo pipefail
: "${SANDBOX:?is set by dev/test: run make test}"
SUITES=${SUITES:-unit installcheck tap attacks audit}
counts=$TMPDIR/counts
failures=$TMPDIR/failures
: >"$counts" >"$failures"

# count SUITE EXIT-CODE PASSED FAILED SKIPPED
count()
{
	local failed=$4
	if [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; then
		echo "$1: ended with exit code $2"
		failed=1
	fi
	echo "$1 $3 $failed $5" >>"$counts"
}

# C programs that print TAP; run.sh closes with "N passed, N failed".
run_unit()
{
	local log=$TMPDIR/unit.log status
	[ -f test/unit/run.sh ] || return 0
	bash test/unit/run.sh 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
		count unit "$status" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[4]:-0}"
	else
		echo 'unit: no count in the last line'
		count unit 1 0 0 0
	fi
}

# What packagers run: test/sql and test/isolation against a server that preloads the library.
run_installcheck()
{
	local log=$TMPDIR/installcheck.log status
	bash test/installcheck.sh 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		count installcheck "$status" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" 0
	else
		count installcheck 1 0 0 0
	fi
	sed -nE 's/^test ([a-z0-9_]+) .*FAILED.*/installcheck: \1/p' "$log" >>"$failures"
}

run_tap()
{
	local status files=${TESTS:-test/t/*.pl}
	# shellcheck disable=SC2086
	set -- $files
	[ -e "$1" ] || return 0
	TESTDIR=$PWD perl test/perl/harness.pl "$TMPDIR/tap.counts" "$failures" "$@"
	status=$?
	# shellcheck disable=SC2046
	count tap "$status" $(cat "$TMPDIR/tap.counts" 2>/dev/null || echo 0 0 0)
}

# What a hostile analyst tries: TAP, too, and how much of each class was tried.
run_attacks()
{
	local status figures=$TMPDIR/attacks.figures files=${ATTACKS:-test/attacks/*.pl}
	# shellcheck disable=SC2086
	set -- $files
	[ -e "$1" ] || return 0
	TESTDIR=$PWD ATTACKS_FIGURES=$figures perl test/perl/harness.pl "$TMPDIR/attacks.counts" "$failures" "$@"
	status=$?
	if [ -s "$figures" ]; then
		echo 'Attacks, and controls where they bite:'
		sort "$figures"
		awk '{ for (i = 2; i <= NF; i++) { if ($i ~ /^attacks/) a += $(i - 1); if ($i ~ /^controls/) c += $(i - 1) } }
			END { printf "%-28s %4d attacks, %4d controls\n", "all", a, c }' "$figures"
	fi
	# shellcheck disable=SC2046
	count attacks "$status" $(cat "$TMPDIR/attacks.counts" 2>/dev/null || echo 0 0 0)
}

# Epsilon measured: TAP, too, and the figures (test/audit/002_pairs.pl).
run_audit()
{
	local status figures=$TMPDIR/audit.figures
	TESTDIR=$PWD AUDIT_FIGURES=$figures perl test/perl/harness.pl "$TMPDIR/audit.counts" "$failures" test/audit/*.pl
	status=$?
	if [ -s "$figures" ]; then
		echo 'Lower bounds of epsilon, of what is claimed; then those of builds with a fault:'
		cat "$figures"
	fi
	# shellcheck disable=SC2046
	count audit "$status" $(cat "$TMPDIR/audit.counts" 2>/dev/null || echo 0 0 0)
}

for suite in $SUITES; do
	"run_$suite"
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
