# psql: its own commands, a prepared statement, FETCH_COUNT (a cursor), and refusals.

set -u
export PGOPTIONS="-c dp_agg.epsilon=$EPSILON"
ask() { psql -XAtq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"; }

ask -c '\dv dp.*' | awk -F '|' '{ print "table\t" $2 }'
ask -c '\d dp.visits' | awk -F '|' '{ print "column\t" $1 }'

# \bind, which is shorter, came with 16
{
	echo 'PREPARE release(date, int, text) AS
		SELECT kind, count(*), avg(cost) FROM dp.visits
		WHERE day >= $1 AND minutes < $2 AND clinic <> $3 GROUP BY kind ORDER BY kind;'
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		echo "\\echo execution $i"
		echo "EXECUTE release('2023-06-01', 60, 'West');"
	done
	echo '\echo generic'
	echo 'SELECT max(generic_plans) FROM pg_prepared_statements;'
} | ask -F ' ' | awk '
	$1 == "execution" { i = $2; next }
	$1 == "generic" { getline; print "generic\t" $1; next }
	{ print "answer\t" i "\t" $1 "\t" $2 "\t" $3 }'

ask -v FETCH_COUNT=5 -c "$MONTHS" | awk 'END { print "fetched\t" NR }'

while read -r sql; do
	if said=$(ask -c "$sql" 2>&1); then
		printf 'allowed\t%s\n' "$said"
	else
		sed -nE 's/^ERROR:  (.{5}): (.*)/refused\t\1\t\2/p' <<<"$said"
	fi
done <<<"$ATTEMPTS"
