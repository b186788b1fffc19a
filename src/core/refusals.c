/*
 * refusals.c
 *		What a query is told that is refused, in one table.
 *
 * A refusal never depends on data and comes before any row is read.  Each says
 * what to write instead.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "core/names.h"
#include "core/refusals.h"

static const struct
{
	const char *message;
	const char *hint;
}			refusals[] =
{
	[REFUSE_AGGREGATE] = {
		"this aggregate is not available over protected rows: counts, sums, averages, variances, regressions, percentiles, min, max, mode, bool_and, bool_or and lists of DISTINCT values are",
		"Of texts, enums and the like there are count, min, max, mode and array_agg(DISTINCT x), as in to_json(array_agg(DISTINCT x)); of numbers, dates and times also the others and their dp_ forms."
	},
	[REFUSE_AGGREGATE_BELOW] = {
		"this aggregate is not available in a sub-select below a release: count, sum, avg, min, max, bool_and, bool_or and every are",
		"For the first or last row of each individual write DISTINCT ON (unit), or number its rows by row_number() OVER (PARTITION BY unit ORDER BY day); for what came before, lag(). For a spread take sum(x * x), sum(x) and count(x); medians are of all rows, in the release itself."
	},
	[REFUSE_AGGREGATE_FORM] = {
		"DISTINCT and ORDER BY are not available in this aggregate over protected rows: count, min, max, array_agg and string_agg take DISTINCT",
		"count(DISTINCT x) and dp_count_distinct(x) count distinct values; percentile_cont, percentile_disc and mode take WITHIN GROUP."
	},
	[REFUSE_AWAITING] = {
		"this statement needs the values of its parameters when it is planned: leave plan_cache_mode at auto",
		"A number of rows, a length or a format that is a parameter is judged for each value: SET plan_cache_mode = auto, or force_custom_plan."
	},
	[REFUSE_CLIPPED] = {
		"there is no share of clipped individuals for this output: dp_clipped() stands around a count, sum, average or variance",
		"dp_clipped() stands directly around a count of rows or values, a sum, an average or a variance, as in dp_clipped(dp_count(*))."
	},
	[REFUSE_CLIPPED_PLACE] = {
		"dp_clipped() is not in its place",
		"Write it directly around an aggregate, as in dp_clipped(dp_count(*))."
	},
	[REFUSE_COLLATION] = {
		"only collations that come with PostgreSQL may be used below a release",
		"Apply the collation to the released values."
	},
	[REFUSE_COLUMN] = {
		"this column is not open to releases: ask the administrator for it",
		"Ask the administrator to include it in the columns given to dp_agg.protect()."
	},
	[REFUSE_CORRELATED] = {
		"a release may not refer to columns of an enclosing query: tie it to the unit by =, or write it with GROUP BY in FROM",
		"A sub-select that = ties to the unit, as in (SELECT count(*) FROM b WHERE b.unit = a.unit), yields a value of that individual, in WHERE, in an aggregate, or as a key; else compute the release in a sub-select of its own with GROUP BY and join its result."
	},
	[REFUSE_DEBUG_PRINT] = {
		"protected relations cannot be queried while plans are printed: turn off debug_print_plan, log_executor_stats and the like",
		"Turn off debug_print_plan, debug_print_parse, debug_print_rewritten and log_planner_stats, log_executor_stats, log_parser_stats, log_statement_stats."
	},
	[REFUSE_DIRECT_IDENTIFIER] = {
		"column \"%s\" is classified as a direct_identifier, which may stand nowhere in a release",
		"Leave it out. If it is the unit it may be counted, as in count(DISTINCT unit), joined with the unit of other protected relations by =, and grouped by in a sub-select."
	},
	[REFUSE_DISTINCT_BELOW] = {
		"DISTINCT or GROUP BY below a release must contain the unit",
		"Group by the unit in the sub-select, or aggregate there once and use its released result."
	},
	[REFUSE_DISTINCT_ON] = {
		"DISTINCT ON would pick rows of single individuals: write an aggregate with GROUP BY, as min(x) or max(x)",
		"Write an aggregate with GROUP BY, as min(x) or max(x). In a sub-select, DISTINCT ON the unit takes the first row of each individual, over which an aggregate may stand."
	},
	[REFUSE_DP_AGGREGATE] = {
		"a dp_ aggregate needs a protected relation",
		"Use the standard aggregate, or ask the administrator to call dp_agg.protect() on the table."
	},
	[REFUSE_EXPLAIN] = {
		"plans over protected relations are not shown: run the query itself",
		"Plans tell about the rows. EXPLAIN without ANALYZE, of the query itself, and dp_agg.estimate() say what it costs and how sharp it is."
	},
	[REFUSE_EXPRESSION] = {
		"this kind of expression is not available below a release: apply it to released values, in an outer query",
		"Apply it to the released values in an outer query."
	},
	[REFUSE_FROM_ITEM] = {
		"only tables, sub-selects, joins and VALUES may stand in FROM beside protected rows",
		"generate_series(), unnest() and the like may, of constants and parameters; store the result of another function in a table and join that. For elements of arrays and json of each row, join the values that you ask for: JOIN (VALUES ('a'), ('b')) AS e(x) ON column ? e.x, or e.x = ANY (column)."
	},
	[REFUSE_FULL_JOIN] = {
		"protected relations may be joined by FULL JOIN on their units alone",
		"Write FULL JOIN ... USING (unit), with units of one type; other conditions belong into sub-selects or WHERE. Or use a LEFT JOIN, or UNION ALL."
	},
	[REFUSE_FUNCTION] = {
		"this function or operator is not available below a release: %s",
		"Below a release only functions that cannot fail or tell are allowed; apply others to the released values in an outer query."
	},
	[REFUSE_GROUPING_SETS] = {
		"GROUPING SETS, ROLLUP and CUBE are not available in a sub-select of public rows below a release",
		"Write one SELECT per grouping and combine them with UNION ALL."
	},
	[REFUSE_INTERVAL] = {
		"there is no interval around this output: dp_low() and dp_high() stand around an aggregate that yields one number, date or time",
		"dp_low() and dp_high() stand directly around one number, date or time that a dp_ aggregate yields."
	},
	[REFUSE_INTERVAL_PLACE] = {
		"dp_low() and dp_high() are not in their place",
		"Write them directly around an aggregate, as in dp_low(dp_count(*), 0.95)."
	},
	[REFUSE_LIMIT_BELOW] = {
		"LIMIT and OFFSET are not available below a release: apply them to released rows",
		"Apply LIMIT to the released rows. For the first row of each individual write DISTINCT ON (unit), with ORDER BY, in a sub-select; for the one before, lag() OVER (PARTITION BY unit ORDER BY day)."
	},
	[REFUSE_LIST] = {
		"array_agg and string_agg over protected rows need DISTINCT: values that many people share can be listed, rows cannot",
		"Write string_agg(DISTINCT x, ', ') or array_agg(DISTINCT x): the different values that enough individuals have."
	},
	[REFUSE_MANY_KEYS] = {
		"the public keys of this query have more than 100000 combinations",
		"Group by fewer of these columns, or by an expression, as in GROUP BY a, nullif(b, NULL): then the groups that pass the gate are shown, and no others."
	},
	[REFUSE_MANY_OUTPUTS] = {
		"too many different aggregates in one release: more than %d %s",
		"Split the query; every part is paid for."
	},
	[REFUSE_MANY_SETS] = {
		"this GROUP BY has more than 32 different grouping sets",
		"Leave out keys, or name the sets that are wanted in GROUPING SETS: each has a share of epsilon and delta."
	},
	[REFUSE_MIXED] = {
		"dp_ aggregates and other aggregates cannot be mixed by a role that may read the table: write them in sub-selects of their own",
		"Write them in separate sub-selects."
	},
	[REFUSE_NOT_TIED] = {
		"protected relations must be joined by equality of the unit",
		"Join all columns of the unit with =, for an outer join in its ON clause."
	},
	[REFUSE_PADDING] = {
		"the length given to lpad, rpad, repeat, char or bit below a release must be a constant of at most 10000",
		"Write the length as a number, or apply the function to released values."
	},
	[REFUSE_PARAMETER] = {
		"this argument of an aggregate must be a constant or a parameter",
		"For example: dp_quantile(x, 0.9), dp_top(x, 10), dp_low(dp_count(*), 0.95)."
	},
	[REFUSE_PARTITION] = {
		"partitions of a protected relation cannot be queried directly: query the partitioned table",
		"Query the partitioned table and filter by the partition key."
	},
	[REFUSE_PATH] = {
		"a jsonpath below a release must be a constant without .**, [0, 1], .keyvalue(), .datetime(), variables and $ in a filter",
		"Keys, subscripts, wildcards, filters, comparisons, arithmetic and like_regex are available, as in doc @? '$.items[*] ? (@.price > 10)'."
	},
	[REFUSE_PATTERN] = {
		"the pattern or format of this function must be a constant or a parameter below a release",
		"For example: name ~ '^A', to_char(visited, 'YYYY-MM')."
	},
	[REFUSE_PER_INDIVIDUAL] = {
		"this query would return rows about single individuals: aggregate them, or group by something other than the unit",
		"Group by something other than the unit, or aggregate over the sub-select that is grouped by the unit."
	},
	[REFUSE_PLAN] = {
		"the plan of this query holds more than the query says: run it again, or without foreign partitions and partial indexes of joined tables",
		"Do without foreign partitions and partial indexes of tables that are joined with protected ones, or run the query again."
	},
	[REFUSE_POPULATIONS] = {
		"protected relations of different populations cannot be joined: query each by itself and join the results",
		"Query each population by itself and join the released results."
	},
	[REFUSE_RECURSION] = {
		"recursive queries are not available over protected relations: compute the release outside of the recursion",
		"Compute the release outside the recursive query."
	},
	[REFUSE_ROW_MARKS] = {
		"FOR UPDATE and FOR SHARE are not available with protected relations",
		"Remove the locking clause."
	},
	[REFUSE_SCAN] = {
		"the plan reads a protected relation outside a release: write the query on the table itself",
		"Write the query on the table itself, not inside a function or definer view."
	},
	[REFUSE_SERIALIZABLE] = {
		"protected relations cannot be queried in a serializable transaction: use REPEATABLE READ or READ COMMITTED",
		"Use REPEATABLE READ or READ COMMITTED."
	},
	[REFUSE_SETOP_BELOW] = {
		"only UNION ALL of protected rows of one population may stand below a release: combine released results instead",
		"For individuals in either of several sets write UNION ALL and count(DISTINCT unit) above it, for those in both or in one alone EXISTS or NOT EXISTS tied to the unit; or combine released results."
	},
	[REFUSE_SETS_OVER_RELEASES] = {
		"a sub-select below several grouping sets is a release itself, which each set would compute anew",
		"Write it in WITH and join it: WITH m AS (SELECT avg(x) AS mean FROM t) SELECT ... FROM t, m WHERE x > m.mean."
	},
	[REFUSE_SHARDS_APART] = {
		"table %s is not distributed like the others, so rows of one individual may be on several machines",
		"Distribute all by the unit: SELECT create_distributed_table('table', 'unit', colocate_with => 'other'). Small public tables may be copied to all machines: SELECT create_reference_table('table')."
	},
	[REFUSE_SHARDS_CARRIED] = {
		"a transaction has SET LOCAL that Citus takes to its machines, or releases over distributed tables, and not both",
		"SET citus.propagate_set_commands = none, and begin another transaction."
	},
	[REFUSE_SHARDS_FOREIGN] = {
		"table %s is a foreign table, which cannot be read below a release over distributed tables",
		"Copy it, as in CREATE TEMP TABLE copied AS SELECT ..., and read that table."
	},
	[REFUSE_SHARDS_KEYS] = {
		"these group keys or units cannot be told apart by their bytes, as distributed tables want",
		"Group by a text of it, as in GROUP BY key::text."
	},
	[REFUSE_SHARDS_METHOD] = {
		"table %s is distributed by append or range, not by hash",
		"Distribute it by the hash of the unit: SELECT undistribute_table('table'), then SELECT create_distributed_table('table', 'unit')."
	},
	[REFUSE_SHARDS_OUTSIDE] = {
		"table %s is one of Citus, which cannot be written, locked or read by whole rows in a statement with releases over distributed tables",
		"Store what is released first, as in CREATE TEMP TABLE released AS SELECT ..., and go on with that table."
	},
	[REFUSE_SHARDS_OWNER] = {
		"values of type %s would run code of its owner, who is no superuser, on their way between machines",
		"Cast them to a type of PostgreSQL's, as in GROUP BY x::text, or ask the administrator to own the type: ALTER TYPE ... OWNER TO."
	},
	[REFUSE_SHARDS_PLAN] = {
		"this query cannot be computed shard by shard",
		"Join distributed tables by the unit, and use reference tables (SELECT create_reference_table('table')) beside them."
	},
	[REFUSE_SHARDS_PUBLIC] = {
		"public table %s is distributed, and not joined by its distribution column with the unit",
		"Have it copied to all machines: SELECT undistribute_table('table'), then SELECT create_reference_table('table')."
	},
	[REFUSE_SHARDS_RELEASED] = {
		"released rows cannot be read below a release over distributed tables",
		"Store them first, as in CREATE TEMP TABLE released AS SELECT ..., and read that table."
	},
	[REFUSE_SHARDS_TYPE] = {
		"values of type %s cannot be compared across machines",
		"Cast them to text, as in mode() WITHIN GROUP (ORDER BY x::text) or count(DISTINCT x::text)."
	},
	[REFUSE_SHARDS_UNIT] = {
		"table %s is not distributed by the unit, so rows of one individual may be on several machines",
		"Ask the administrator to distribute it by the unit: SELECT alter_distributed_table('table', distribution_column := 'unit')."
	},
	[REFUSE_SHARDS_WRITTEN] = {
		"this transaction has written to distributed tables, which a release would not see",
		"Run the query after COMMIT."
	},
	[REFUSE_STACK] = {
		"too little stack is left for a release",
		"Run the query in fewer nested functions."
	},
	[REFUSE_SUBLINK] = {
		"this form of sub-select is not available below a release: EXISTS or IN tied to the unit, a release, or a join is",
		"Use EXISTS or IN tied to the unit, a sub-select that is a release, or a join."
	},
	[REFUSE_SYSTEM_COLUMN] = {
		"system columns and whole rows are not available below a release: name the columns",
		"Name the columns."
	},
	[REFUSE_TABLESAMPLE] = {
		"TABLESAMPLE is not available below a release: leave it out",
		"Remove it; noise already makes the answer private."
	},
	[REFUSE_TEXT_SEARCH] = {
		"text search below a release needs a stored tsvector column and a constant query: words @@ to_tsquery('english', 'cat'), or as a regular expression note ~* '\\mcats?\\M'",
		"Ask the administrator for a column GENERATED ALWAYS AS (to_tsvector('english', note)) STORED, and name the configuration in to_tsquery(), plainto_tsquery() or websearch_to_tsquery()."
	},
	[REFUSE_TIER_FILTER] = {
		"dp_tier(*) takes no FILTER",
		"The tier is that of the whole row: write dp_tier(*)."
	},
	[REFUSE_TOO_LARGE] = {
		"too many tables, columns or nested sub-selects below a release: at most 100 tables, 16 levels and 1664 columns are possible",
		"A release takes at most 100 tables, sub-selects and joins, nested up to 16 deep, and rows of at most 1664 columns."
	},
	[REFUSE_TYPE] = {
		"values of this type are not available below a release: %s; where it can be cast, write column::text",
		"Use a built-in or enum type; of json, group by a field as text; of several columns, concat_ws('/', a, b); a type like citext can be cast: column::text."
	},
	[REFUSE_VIRTUAL] = {
		"a virtual generated column cannot be used here: name the columns that it is computed from",
		"Name those columns. If it is the unit, ask the administrator to protect the relation by a stored column."
	},
	[REFUSE_WIDE_PARAMETER] = {
		"a parameter of a release is wider than 512 kB",
		"Store its values in a table and join that."
	},
	[REFUSE_WINDOW_BELOW] = {
		"window functions are not available below a release, except over the rows of one individual",
		"Apply window functions to the released values, or PARTITION BY the unit for what concerns each individual: row_number() OVER (PARTITION BY unit ORDER BY day), without RANGE of a distance and without EXCLUDE."
	},
	[REFUSE_WITH_ARGUMENTS] = {
		"arguments of dp_with() must be constants or parameters",
		"For example: WHERE dp_with(epsilon => 0.5)."
	},
	[REFUSE_WITH_PLACE] = {
		"dp_with() is not in its place",
		"Write it in the WHERE clause, or in ON, of the SELECT that computes the release, joined by AND."
	},
	[REFUSE_WITH_SHARES] = {
		"shares in dp_with() must be constant numbers from 0.001 to 1000, one for each grouping set",
		"Sets with more keys come first, each once: GROUP BY ROLLUP (a, b) has (a, b), (a) and (), and takes dp_with(shares => ARRAY[2, 1, 1])."
	},
	[REFUSE_WITH_TWICE] = {
		"two dp_with() set the same thing differently",
		"Set each of epsilon, delta, max_groups, max_rows, max_total and shares once for one release."
	},
	[REFUSE_WORKER] = {
		"this server is a worker of Citus, where there are no releases: connect to the coordinator",
		"SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0 names the coordinator. Budgets and answers are there."
	},
};

/*
 * The number of the character, counted from 1, at a byte offset of source, as
 * errposition() takes it; 0, which is no position, if source or the offset is missing.
 */
int
cursor_position(const char *source, int location)
{
	if (source == NULL || location < 0 || location > (int) strlen(source))
		return 0;
	return pg_mbstrlen_with_len(source, location) + 1;
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED with the text of a refusal.  source is the text
 * of the statement, or NULL; location is a byte offset into it, or -1.
 */
void
refuse(Refusal refusal, const char *source, int location)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("%s", refusals[refusal].message),
			 errhint("%s", refusals[refusal].hint),
			 errposition(cursor_position(source, location))));
}

/* The same with a reason that somebody else has given, or NULL. */
void
refuse_with_reason(Refusal refusal, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("%s", refusals[refusal].message),
			 reason != NULL ? errdetail_internal("%s", reason) : 0,
			 errhint("%s", refusals[refusal].hint)));
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED with the text of a refusal that names what is refused: a
 * column, a function, a type.  source and location are as for refuse().
 */
void
refuse_named(Refusal refusal, const char *name, const char *source, int location)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg(refusals[refusal].message, name),
			 errhint("%s", refusals[refusal].hint),
			 errposition(cursor_position(source, location))));
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED for units of two types that are compared by a cast which makes
 * one value of several.  comparison: what to write instead, or NULL.  source and location are as
 * for refuse().
 */
void
refuse_cast(const char *one, const char *other, const char *comparison, const char *source,
			int location)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("protected relations must be joined by equality of the unit: this cast between %s and %s may make one value of several",
					one, other),
			 comparison != NULL ? errhint("Write the cast the other way round: %s.", comparison) :
			 errhint("Ask the administrator to give both columns one type, or one of integer and the other of bigint, numeric or text."),
			 errposition(cursor_position(source, location))));
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED for a release that needs more than "limit" of what is named.
 * source and location are as for refuse().
 */
void
refuse_many(int limit, const char *things, const char *source, int location)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg(refusals[REFUSE_MANY_OUTPUTS].message, limit, things),
			 errhint("%s", refusals[REFUSE_MANY_OUTPUTS].hint),
			 errposition(cursor_position(source, location))));
}

/*
 * Raises ERRCODE_DP_QUERY_REFUSED for a call that fails whatever the rows, because
 * of its constants.  The message is the function's own: it is about these constants
 * alone (query/probe.c).  source and location are as for refuse().
 */
void
refuse_failing(const char *message, const char *source, int location)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("this expression fails whatever the rows: %s", message),
			 errhint("Below a release an expression that fails for a row is NULL there; one that fails for all is a mistake."),
			 errposition(cursor_position(source, location))));
}

/*
 * Raises "permission denied" (ERRCODE_INSUFFICIENT_PRIVILEGE) for a query that would return rows
 * of the relation.  The message begins as PostgreSQL's own.  It says what to do, since many
 * clients show no hint.  previewed: the relation has synthetic rows.
 */
void
refuse_raw(Oid relid, bool previewed)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for table %s: its rows can only be aggregated, for example with count(*)",
					relation_for_message(relid)),
			 previewed ?
			 errhint("Write an aggregate, as count(*) or avg(...). Synthetic rows are shown to SELECT ... FROM this relation alone, with LIMIT and without conditions about columns.") :
			 errhint("Write an aggregate, as count(*) or avg(...), with or without GROUP BY.")));
}
