#!/usr/bin/env bash
#
# run.sh [--setup-only]
#	The demonstration, inside the sandbox that dev/demo has laid out.
#
# Every question is asked twice in one run: by the analyst, as shown, and by the
# DBA on the raw tables with the same text and plain aggregates; the two answers
# are joined and printed side by side.  Ends with an error if anything is not as
# announced: a raw read, a group under 20 people, a budget that does not add up.

set -euo pipefail
: "${SANDBOX:?is set by dev/demo: run make demo}"
SCALE=${SCALE:-1}
here=$(dirname "${BASH_SOURCE[0]}")
work=$TMPDIR/demo
mkdir -p "$work"

if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[36m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' dim='' red='' plain=''
fi

dba()
{
	PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -P footer=off \
		-U postgres demo "$@"
}

analyst()
{
	psql -X -q -v ON_ERROR_STOP=1 -P footer=off -U analyst demo "$@"
}

broken()
{
	echo "${red}NOT AS IT SHOULD BE: $1${plain}" >&2
	exit 1
}

title()
{
	printf '\n%s%s%s\n%s\n\n' "$bold" "$1" "$plain" "${1//?/-}"
}

# Prose from standard input.
say()
{
	cat
	echo
}

show()
{
	printf '%s%s%s\n\n' "$dim" "$(sed 's/^./    &/' <<<"$1")" "$plain"
}

# The query of the analyst as a DBA would write it who may read everything:
# plain aggregates, raw tables, nothing that only a release needs or is cut by.
truth_of()
{
	sed -E -e 's/dp_count_distinct\(([^)]*)\)/count(DISTINCT \1)/g' \
		-e 's/dp_(count|sum|avg)\(([^,)]*)(, *-?[0-9]+, *-?[0-9]+)?\)/\1(\2)/g' \
		-e 's/dp_with\([^)]*\)/true/g' -e 's/\bdp\.//g' \
		-e '/^(HAVING|ORDER BY|LIMIT) /d' <<<"$1"
}

# ask EPSILON KEY UNIT VALUES [BOUNDED]
#	The analyst's query comes from standard input.  KEY names its group column
#	('' without groups), UNIT is what names a person in it, VALUES are the columns
#	to compare.  BOUNDED, if given, is a query for KEY and the last of VALUES,
#	exact but within the bounds of what one person may contribute.
spent=0
ask()
{
	local epsilon=$1 key=$2 unit=$3 values=$4 bounded=${5:-} sql truth columns='' value join
	sql=$(cat)
	show "$sql"
	analyst --csv -c "$sql" >"$work/answer.csv" || broken 'the query failed'
	spent=$spent+$epsilon

	truth=$(truth_of "$sql" | sed "0,/SELECT/s//SELECT count(DISTINCT $unit) AS individuals,/")
	join=${key:+a.$key IS NOT DISTINCT FROM t.$key}
	join=${join:-true}
	for value in $values; do
		columns+=", round(a.$value) AS \"$value\""
		[ -z "$bounded" ] || [ "$value" != "${values##* }" ] || columns+=", round(b.$value) AS \"within bounds\""
		columns+=", round(t.$value) AS \"true $value\""
		columns+=", round(100.0 * (a.$value - t.$value) / nullif(t.$value, 0), 2) AS \"error %\""
	done

	dba <<SQL || broken 'the answer does not stand up to the comparison'
CREATE TEMP TABLE truth AS $truth;
CREATE TEMP TABLE bounded AS ${bounded:-SELECT 1};
CREATE TEMP TABLE answer AS TABLE truth WITH NO DATA;
ALTER TABLE answer DROP COLUMN individuals;
\\copy answer FROM '$work/answer.csv' CSV HEADER
SELECT ${key:+coalesce(a.$key::text, '(none)') AS $key, }${columns#, }
FROM answer a LEFT JOIN truth t ON $join ${bounded:+LEFT JOIN bounded b ON ${join//t./b.}}
ORDER BY a.ctid;
\\copy (SELECT ${key:+coalesce(t.$key::text, '(none)') AS $key, }t.individuals AS people, CASE WHEN individuals < 20 THEN 'fewer than 20 people' ELSE 'not clearly more than 20, given the noise' END AS reason FROM truth t WHERE NOT EXISTS (SELECT FROM answer a WHERE $join) ORDER BY 2, 1) TO '$work/missing.csv' CSV HEADER
DO \$\$
BEGIN
	IF NOT EXISTS (SELECT FROM answer) THEN
		RAISE EXCEPTION 'nothing was released';
	END IF;
	IF EXISTS (SELECT FROM answer a LEFT JOIN truth t ON $join
			   WHERE t.individuals IS NULL OR t.individuals < 20) THEN
		RAISE EXCEPTION 'a group of fewer than 20 people was released';
	END IF;
END
\$\$;
SQL
}

# Prints which groups the last answer left out, as only the DBA can know.
missing()
{
	echo 'Left out (the DBA can tell; the analyst cannot):'
	echo
	dba <<SQL
CREATE TEMP TABLE missing ($1 text, people bigint, reason text);
\\copy missing FROM '$work/missing.csv' CSV HEADER
TABLE missing;
SQL
}

# refuse SQLSTATE: the analyst's statement must fail with it, and print no row.
refuse()
{
	local sql
	sql=$(cat)
	show "$sql"
	psql -X -q -U analyst demo -A -t >"$work/out" 2>"$work/err" <<SQL
$sql
\\warn SQLSTATE :SQLSTATE
SQL
	sed -E 's/^psql:<stdin>:[0-9]+: //; s/^/    /' "$work/err"
	echo
	[ ! -s "$work/out" ] || broken 'rows came out'
	grep -qx "SQLSTATE $1" "$work/err" || broken "expected SQLSTATE $1"
}

budget()
{
	analyst -c 'SELECT role, population, epsilon_limit, epsilon_spent, epsilon_remaining,
       delta_limit, delta_spent FROM dp_agg.my_budget'
}

# --- the server, the registers, the rules -----------------------------------

initdb -D "$work/data" -U postgres -A trust -E UTF8 --no-locale -N >"$work/initdb.log" 2>&1 ||
	{ cat "$work/initdb.log" >&2; exit 1; }
cat >>"$work/data/postgresql.conf" <<END
shared_preload_libraries = 'dp_agg'
listen_addresses = ''
unix_socket_directories = '$PGHOST'
shared_buffers = 512MB
work_mem = 64MB
max_wal_size = 8GB
END
pg_ctl -D "$work/data" -l "$work/server.log" -w -s start || { cat "$work/server.log" >&2; exit 1; }
createdb -U postgres demo
dba -c 'CREATE EXTENSION dp_agg' -c 'CREATE ROLE analyst LOGIN'
dba -v scale="$SCALE" -f "$here/data.sql" || broken 'the registers could not be made'
if [ "${1:-}" = --setup-only ]; then
	dba -f "$here/setup.sql" >"$work/setup.out" || broken 'the setup failed'
	exit 0
fi

title 'Two registers'
say <<END
Scale $SCALE. Every resident has one row in "education"; "tax" has many rows for
most, hundreds for some, none for a few. The study asks how the graduates of each
field fare. Some fields have only a handful of them.
END
dba <<'SQL'
SELECT 'education' AS register, count(*) AS rows, count(DISTINCT person_id) AS people,
	1 AS "most rows of one person" FROM education
UNION ALL
SELECT 'tax', sum(n)::bigint, count(*), max(n) FROM (SELECT count(*) AS n FROM tax GROUP BY person_id) t;
SQL

title 'Which limits fit?'
say <<'END'
How much of one person may show is a question about rows, so it is measured like any
other, privately: one release, at epsilon 1. What it says may be published. Answers differ
a little each time; cuts_off is the share that a limit leaves out.
END
suggest="SELECT kind, column_name, statement, cuts_off, standard_error
FROM dp_agg.suggest('tax', 1, unit => 'person_id', population => 'residents')"
show "$suggest"
dba -x -c "$suggest" || broken 'no limits were suggested'

title 'What the DBA wrote, once'
dba -f "$here/setup.sql" >"$work/setup.out" || broken 'the setup failed'
show "$(cat "$here/setup.sql")"
say <<'END'
The analyst got no other privilege: PostgreSQL's own rules stay the law.
END

title 'What the analyst has'
budget

title 'Raw rows'
refuse 42501 <<'SQL'
SELECT * FROM tax;
SQL
say <<'END'
The facade dp.tax, which a BI tool finds and lists, gives no more:
END
refuse 42501 <<'SQL'
SELECT * FROM dp.tax;
SQL

title '1. How many people hold a degree in each field? (epsilon 1)'
ask 1 field person_id graduates <<'SQL'
SELECT field, count(*) AS graduates
FROM dp.education
GROUP BY field
ORDER BY graduates DESC
SQL
missing field
say <<'END'
Fewer than 20 people are never released. Slightly more may be left out as well:
were the line sharp, whether a group shows would tell about its twentieth member.
END

title '2. What do they earn? (epsilon 1)'
say <<'END'
A join of both registers on the person. "education" has one row for each, as its
primary key shows, so nobody can be in two fields: the noise is that of one group,
a fifteenth of what the limit of 15 that the DBA set would take. Few have more than 24
records in all, so the analyst lets no more than 24 count, where the DBA would allow 40.
END
ask 1 field t.person_id 'people income' "
SELECT field, sum(weight * earned) / sum(weight * records) AS income
FROM (SELECT e.field, t.person_id, count(t.income) AS records,
		sum(least(greatest(t.income, 0), 250000)) AS earned, least(1, 24.0 / nullif(count(t.income), 0)) AS weight
	  FROM tax t JOIN education e ON e.person_id = t.person_id GROUP BY 1, 2) p
GROUP BY field" <<'SQL'
SELECT e.field, dp_count_distinct(t.person_id) AS people, dp_avg(t.income) AS income
FROM tax t JOIN education e ON e.person_id = t.person_id
WHERE dp_with(max_rows => 24)
GROUP BY e.field
ORDER BY income DESC
SQL
missing field
say <<'END'
Two things separate a released average from the true one. Noise, which protects;
and bounds, which make it small: an income counts as at most 250,000, and whoever
has more than 24 records weighs as much as 24. "within bounds" is the exact value
that the noise was added to.
END

title '3. Does a higher degree pay? (epsilon 1)'
ask 1 degree t.person_id 'people income' <<'SQL'
SELECT e.degree, count(DISTINCT t.person_id) AS people, avg(t.income) AS income
FROM dp.tax t JOIN dp.education e ON e.person_id = t.person_id
WHERE e.field IN ('Economics', 'Business', 'Law')
  AND t.year >= 2017
  AND dp_with(max_rows => 24)
GROUP BY e.degree
ORDER BY income
SQL

title '4. Which years were good ones? (epsilon 1.5)'
say <<'END'
Here a person does appear in many groups. What counts is how many records it has in all of them: 200
at most, the max_total that suggest() found. HAVING and ORDER BY see released values only, and cost nothing.
END
ask 1.5 year t.person_id 'records income' <<'SQL'
SELECT t.year, count(*) AS records, avg(t.income) AS income
FROM dp.tax t
WHERE dp_with(epsilon => 1.5)
GROUP BY t.year
HAVING avg(t.income) > 55000
ORDER BY t.year
SQL
say <<'END'
A limit that is guessed does worse: with four records of each person and year, three
records of a hundred were missing.
END

title '5. And the average person? (epsilon 0.5)'
say <<'END'
First per person, then over people: each counts once, however many the records.
The bounds are stated in the query, since the mean is no column of a table.
END
ask 0.5 '' person_id 'people income' <<'SQL'
SELECT dp_count(*) AS people, dp_avg(p.mean, 0, 200000) AS income
FROM (SELECT person_id, avg(income) AS mean FROM tax GROUP BY person_id) p
WHERE dp_with(epsilon => 0.5)
SQL

title 'The budget, afterwards'
budget
say <<'END'
A query pays once, however many columns and groups it has. The ledger:
END
analyst <<'SQL'
SELECT id, relations, epsilon, delta, tier, outputs,
	left(regexp_replace(query, '\s+', ' ', 'g'), 48) || '...' AS query
FROM dp_agg.my_releases ORDER BY id;
SQL

title 'More than is left'
refuse DP001 <<'SQL'
SELECT dp_count(*) FROM education WHERE dp_with(epsilon => 5);
SQL

adds_up=$(dba -A -t <<SQL
SELECT b.epsilon_spent = $spent AND b.epsilon_limit = 8
	AND b.epsilon_spent + b.epsilon_remaining = b.epsilon_limit
	AND b.delta_spent + b.delta_remaining = b.delta_limit
	AND (b.epsilon_spent, b.delta_spent) = (r.epsilon, r.delta)
FROM dp_agg.budgets b, (
	SELECT sum(epsilon) AS epsilon, sum(delta) AS delta
	FROM dp_agg.releases WHERE session_role = 'analyst') r
WHERE b.role = 'analyst' AND b.population = 'residents'
SQL
)
[ "$adds_up" = t ] || broken 'the budget does not add up'

# --- what each way of computing reveals --------------------------------------

# as ROLE HOST <STATEMENT: runs it, and prints nothing but what goes wrong.
as()
{
	psql -X -q -v ON_ERROR_STOP=1 -o /dev/null -h "$2" -U "$1" demo
}

title 'What each way of computing reveals'
dba -f "$here/assessment.sql" >"$work/assessment.out" || broken 'the registers of the assessment could not be made'
say <<'END'
The same question, what graduates of each field earn, in five ways. Columns are
classified (demo/assessment.sql), and raw reads of the registers are on record.
END
show 'SELECT * FROM assessment.as_they_are;              -- e.id_number = t.id_number
SELECT * FROM assessment.one_pseudonymised;        -- e.pseudonym = t.pseudonym
SELECT e.field, dp_avg(t.income) FROM assessment.education e
JOIN assessment.tax t ON t.id_number = e.id_number GROUP BY e.field;'

# The last two go over TCP in the clear, for which the server listens from here on: to
# this machine alone, and by password.
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
PGPASSWORD=$(perl -e 'open my $in, "<:raw", "/dev/urandom" or die; read $in, my $bytes, 16; print unpack "H*", $bytes')
export PGPASSWORD
dba -c "SET password_encryption = 'scram-sha-256'" -c "ALTER ROLE analyst PASSWORD '$PGPASSWORD'" -c "ALTER ROLE registrar PASSWORD '$PGPASSWORD'" \
	-c "ALTER ROLE registrar SET dp_agg.plain_transmission = high"
printf 'local all all trust\nhost demo analyst,registrar 127.0.0.1/32 scram-sha-256\n' >"$work/data/pg_hba.conf"
pg_ctl -D "$work/data" -l "$work/server.log" -w -s -m fast -o "-c listen_addresses=127.0.0.1 -p $port" restart ||
	{ cat "$work/server.log" >&2; exit 1; }
export PGPORT=$port

question='SELECT e.field, dp_avg(t.income) FROM assessment.education e
JOIN assessment.tax t ON t.id_number = e.id_number GROUP BY e.field'
as registrar "$PGHOST" <<<'SELECT * FROM assessment.as_they_are' || broken 'a raw read failed'
as registrar "$PGHOST" <<<'SELECT * FROM assessment.one_pseudonymised' || broken 'a raw read failed'
as analyst "$PGHOST" <<<"$question" || broken 'the release failed'
as analyst 127.0.0.1 <<<"$question" || broken 'the release over TCP failed'
as registrar 127.0.0.1 <<<'SELECT * FROM assessment.one_pseudonymised' || broken 'a raw read over TCP failed'
dba <<'SQL'
SELECT number, CASE number WHEN 1 THEN 'the registers as they are'
						   WHEN 2 THEN 'one of them pseudonymised'
						   WHEN 3 THEN 'a release'
						   WHEN 4 THEN 'a release, over TCP in the clear'
						   ELSE 'pseudonyms, over TCP in the clear, set to be high' END AS "how",
	   tier, codes
FROM assessment.record ORDER BY number;
SQL
tiers=$(dba -A -t -c "SELECT string_agg(tier, ' ' ORDER BY number) FROM assessment.record")
[ "$tiers" = 'high medium low medium high' ] || broken "the tiers are $tiers"
say <<'END'
High and medium ask for the consent of every individual, or for a stronger technique;
a release is one. The record is a chain of hashes, which anybody may verify:
END
dba -c 'SELECT ok, entries FROM dp_agg.verify_ledger()' -c 'SELECT left(dp_agg.ledger_head(), 48) || '"'...'"' AS "to be published"'
[ "$(dba -A -t -c 'SELECT ok FROM dp_agg.verify_ledger()')" = t ] || broken 'the chain does not hold'

title 'A page for everybody else'
show "SELECT dp_agg.report('residents');"
dba -A -t -o "$work/report.html" -c "SELECT dp_agg.report('residents')" && grep -q '^</html>$' "$work/report.html" ||
	broken 'there is no report'
say <<'END'
What accounts have spent and have left, who asked what, how sharp a count is at that price, and what
the server leaves open, as one file of HTML. Where it is stands below.
END

say <<'END'
Checked on the way: no raw row came out, no group of fewer than 20 people, and
the budget is what it was less what the ledger lists. The refused query was free.
`make demo-shell` opens psql as this analyst.
END
