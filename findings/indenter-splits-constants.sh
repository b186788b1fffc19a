#!/usr/bin/env bash
# pg_bsd_indent 2.1.1 (Debian 12's pg-bsd-indent 2.1.1-4), the indenter of PostgreSQL's own
# sources, with the options that PostgreSQL gives it: a valid C program does not compile any
# more once it has been indented, for a number has been taken apart.
#
# 0x1p-53 is C99's way to write 2^-53, and 0x1.8p+3 is 12. The indenter reads the number up
# to the first character that no hexadecimal integer has, and sets blanks around what it takes
# for operators after it. Decimal numbers with exponents, hexadecimal integers and suffixes
# stay whole, and the exit code is 0. One would have guessed that a tool that
# only moves blanks leaves tokens alone, or at least says that it did not understand one.
#
# For differential privacy: samplers of noise rest on exact constants (the distance of doubles
# next to 1, the scale of a lattice), and hexadecimal is the form in which what stands in the
# source is what the machine computes with. (dp_agg's `make indent` puts such numbers aside
# before the indenter sees them, and refuses to write a file in which anything but blanks
# and the wrapping of comments has changed.)
#
# Output seen: that of "expected" below.
#
# Needs bash, gcc, apt-get and dpkg, on Debian 12.
set -euo pipefail

expected='before: 0x1p-53 0x1.8p+3 1.5e-07 255
exit code of the indenter: 0
return printf("%a %a %g %d\n", 0x1 p - 53, 0x1 .8 p + 3, 1.5e-7, 0xff) < 0;
after: does not compile'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

apt-get -q download pg-bsd-indent=2.1.1-4 >/dev/null 2>&1
dpkg -x pg-bsd-indent_*.deb .

cat >numbers.c <<'C'
#include <stdio.h>

int
main(void)
{
	return printf("%a %a %g %d\n", 0x1p-53, 0x1.8p+3, 1.5e-7, 0xff) < 0;
}
C
actual=$(
	gcc -o before numbers.c
	echo "before: $(./before)"
	status=0
	usr/bin/pg_bsd_indent -bad -bap -bbb -bc -bl -cli1 -cp33 -cdb -nce -d0 -di12 -nfc1 -i4 -l79 \
		-lp -lpl -nip -npro -sac -tpg -ts4 numbers.c indented.c || status=$?
	echo "exit code of the indenter: $status"
	grep printf indented.c | sed 's/^[[:space:]]*//'
	if gcc -o after indented.c 2>/dev/null; then
		echo "after: $(./after)"
	else
		echo 'after: does not compile'
	fi
)

diff <(echo "$expected") <(echo "$actual")
echo "$actual"
