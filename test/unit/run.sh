#!/bin/sh
#
# Builds and runs the unit tests of the parts that know nothing of PostgreSQL.
#
#	test/unit/run.sh [name ...]		e.g. test_noise; all by default
#
# CC, UNIT_CFLAGS (added flags), UNIT_BUILD (where the programs go; a fresh
# temporary directory by default), UNIT_RUNNER (put before each program, for
# example "valgrind -q --error-exitcode=2") and UNIT_DIVISOR (fewer draws) come
# from the environment.  Each program prints TAP, so `prove` runs them as well.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ -z "${UNIT_BUILD:-}" ]; then
	UNIT_BUILD=$(mktemp -d)
	trap 'rm -rf "$UNIT_BUILD"' EXIT
fi
mkdir -p "$UNIT_BUILD"

if [ $# -eq 0 ]; then
	set -- $(cd "$here" && ls test_*.c | sed 's/\.c$//')
fi

compile="${CC:-cc} -Wall -Wextra -Werror -O2 ${UNIT_CFLAGS:-} -I$root/src -I$here"
units=$UNIT_BUILD/units.a

# What all programs share is compiled once, by the first of those that run at a time.
exec 9>"$UNIT_BUILD/lock"
flock 9
if [ ! -e "$units" ] || [ "$(cat "$UNIT_BUILD/compile")" != "$compile" ] ||
	[ -n "$(find "$root/src" "$here" -name '*.[ch]' -newer "$units")" ]; then
	rm -rf "$units" "$UNIT_BUILD/objects"
	mkdir "$UNIT_BUILD/objects"
	for source in "$here/tap.c" "$root"/src/mechanism/*.c "$root"/src/accounting/*.c \
		"$root"/src/tier/grade.c; do
		echo "-c -o $UNIT_BUILD/objects/$(basename "$source" .c).o $source"
	done | xargs -P "$(nproc)" -L 1 $compile
	ar rcs "$units" "$UNIT_BUILD"/objects/*.o
	echo "$compile" >"$UNIT_BUILD/compile"
fi
flock -u 9

for name in "$@"; do
	echo "-o $UNIT_BUILD/$name $here/$name.c $units -lcrypto -lm"
done | xargs -P "$(nproc)" -L 1 $compile

# In parallel, one output after the other.  A program that dies before its last
# test counts as one failure more.
for name in "$@"; do
	(
		status=0
		${UNIT_RUNNER:-} "$UNIT_BUILD/$name" >"$UNIT_BUILD/$name.tap" 2>&1 || status=$?
		echo "$status" >"$UNIT_BUILD/$name.status"
	) &
done
wait

passed=0
failed=0
for name in "$@"; do
	echo "# $name"
	cat "$UNIT_BUILD/$name.tap"
	good=$(grep -c '^ok ' "$UNIT_BUILD/$name.tap" || true)
	bad=$(grep -c '^not ok ' "$UNIT_BUILD/$name.tap" || true)
	if [ "$(cat "$UNIT_BUILD/$name.status")" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "# $name ended with status $(cat "$UNIT_BUILD/$name.status")"
		bad=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
