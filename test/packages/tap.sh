# shellcheck shell=bash
#
# tap.sh
#	Tests in scripts, as TAP.
#
# To be sourced.  A script's last command is finish, which prints "N passed, N failed".

passed=0
failed=0
output=$(mktemp)		# of the last test's command

# ok NAME COMMAND...: a test that the command succeeds; else its output is shown.
ok()
{
	local name=$1
	shift
	chroot_why=
	if "$@" >"$output" 2>&1; then
		passed=$((passed + 1))
		echo "ok - $name"
		return 0
	fi
	failed=$((failed + 1))
	echo "not ok - $name"
	tail -n 60 "$output" | sed 's/^/# /'
	[ -z "$chroot_why" ] || echo "# $chroot_why"
	return 1
}

# ok_all COMMAND...: what it prints are tests, too.
ok_all()
{
	local tests
	tests=$(mktemp)
	"$@" | tee "$tests" | grep -v ' passed, '
	passed=$((passed + $(grep -c '^ok ' "$tests")))
	failed=$((failed + $(grep -c '^not ok ' "$tests")))
	grep -q ' passed, ' "$tests" || ok 'all of its tests ran' false
	rm -f "$tests"
}

# fails COMMAND...: the other way round, with an error and not for a signal.
fails()
{
	local status=0
	"$@" || status=$?
	[ "$status" -ge 1 ] && [ "$status" -lt 128 ]
}

# prints REGEX COMMAND...: what the command prints is that, whether it fails or not.
prints()
{
	local regex=$1 text
	shift
	text=$("$@" 2>&1)
	printf '%s\n' "$text"
	grep -qzP "$regex" <<<"$text"
}

finish()
{
	rm -f "$output"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
