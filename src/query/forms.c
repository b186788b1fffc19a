/*
 * forms.c
 *		The forms of the query R of a release: streamed, divided or bounded (rewrite.c).
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"

#include "core/refusals.h"
#include "core/settings.h"
#include "policy/extension.h"
#include "query/builder.h"
#include "query/checks.h"
#include "query/collectors.h"
#include "query/forms.h"
#include "query/level.h"
#include "query/queries.h"
#include "query/refuse.h"
#include "query/totals.h"
#include "query/walk.h"
#include "spec/spec.h"
#include "spec/value_key.h"

#define INT8_LE_OPERATOR 414	/* int8 <= int8, see pg_operator.dat */

/* ----------
 * Moving the level's own query below Q'
 * ----------
 */

/* The name of a CTE that stays above refers n levels further up. */
static void
shift_name(RangeTblEntry *entry, Index depth, void *levels)
{
	if (entry->ctelevelsup >= depth)
		entry->ctelevelsup += *(int *) levels;
}

/*
 * Makes the query that reads the level's FROM ready to stand n levels below Q', which keeps the
 * CTEs.  Refuses columns and aggregates of the queries around it.
 */
static void
move_below(ReleaseBuilder *builder, Query *query, int levels)
{
	int			around = 0;

	for (Level *level = builder->level; level != NULL; level = level->parent)
		around++;
	for (int up = 1; up <= around; up++)
	{
		if (contain_vars_of_level((Node *) query, up) ||
			contain_aggs_of_level((Node *) query, up))
			refuse_query(REFUSE_CORRELATED, builder->context, builder->level->query);
	}
	walk_cte_names(query, shift_name, &levels);
}

/*
 * Ranks the groups of each individual by a keyed hash, so that the first k can be kept.  Where
 * hashes are equal the keys decide, and not the order of rows: those of arrays that differ in
 * their bounds alone are.
 */
static Query *
rank_groups(ReleaseBuilder *builder, Query *individuals, int nkeys, int nunit, List *unit_clauses)
{
	Query	   *query = select_from(individuals, "individuals");
	List	   *columns = columns_of(individuals, 1, list_length(individuals->targetList));
	WindowFunc *rank = makeNode(WindowFunc);
	WindowClause *window = makeNode(WindowClause);
	SortGroupClause *order;
	List	   *ties = NIL;
	TargetEntry *tle;
	ListCell   *lc;
	int			i = 0;
	Node	   *hash;

	window->winref = 1;
	window->frameOptions = FRAMEOPTION_DEFAULTS;
	foreach(lc, columns)
	{
		tle = append_target(query, lfirst(lc), "individual", false);
		i++;
		if (i <= nkeys)
		{
			order = default_clause(exprType((Node *) tle->expr));
			tle->ressortgroupref = order->tleSortGroupRef = tle->resno;
			ties = lappend(ties, order);
		}
		else if (i <= nkeys + nunit)
		{
			SortGroupClause *clause = copyObject(list_nth(unit_clauses, i - nkeys - 1));

			tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
			window->partitionClause = lappend(window->partitionClause, clause);
		}
	}
	hash = (Node *) makeFuncExpr(extension_oid(DP_FUNC_BOUNDING_HASH, InvalidOid), INT8OID,
								 columns_of(individuals, 1, nkeys + nunit), InvalidOid,
								 DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CALL);
	order = default_clause(exprType(hash));
	rank->winfnoid = F_ROW_NUMBER;
	rank->wintype = INT8OID;
	rank->winref = 1;
	rank->location = -1;
	append_target(query, (Node *) rank, "rank", false);
	tle = append_target(query, hash, "hash", true);
	tle->ressortgroupref = order->tleSortGroupRef = tle->resno;
	window->orderClause = lcons(order, ties);
	query->windowClause = list_make1(window);
	query->hasWindowFuncs = true;
	return query;
}

/* The condition rank <= k, where k is how many groups of an individual are kept. */
static Node *
rank_within(ReleaseBuilder *builder, Var *rank)
{
	Node	   *limit = eval_const_expressions(builder->context->root,
											   (Node *) makeFuncExpr(F_INT8_FLOAT8, INT8OID,
																	 list_make1(copyObject(kept_groups(builder))),
																	 InvalidOid, InvalidOid,
																	 COERCE_EXPLICIT_CAST));

#ifdef DP_FAULT_SQL_CAPS_OFF
	return makeBoolConst(true, false);
#endif
	return (Node *) make_opclause(INT8_LE_OPERATOR, BOOLOID, false, (Expr *) rank,
								  (Expr *) limit, InvalidOid, InvalidOid);
}

/*
 * Adds to each individual's groups what all of them cost.  ranked: keys, unit, individual, sketches; of it
 * the groups are kept whose rank is within the limit.
 */
static Query *
cost_groups(ReleaseBuilder *builder, Query *ranked, int nkeys, int nunit, List *unit_clauses)
{
	Query	   *query = select_from(ranked, "ranked");
	int			ncolumns = nkeys + nunit + 1 + builder->spec.nsketches;
	List	   *columns = columns_of(ranked, 1, ncolumns);
	Node	   *individual = list_nth(columns, nkeys + nunit);
	WindowFunc *sum = makeNode(WindowFunc);
	WindowClause *window = makeNode(WindowClause);
	Node	   *cost;
	ListCell   *lc;

	query->jointree->quals = rank_within(builder, linitial(columns_of(ranked, ncolumns + 1, 1)));
	foreach(lc, columns)
		append_target(query, lfirst(lc), "individual", false);
	for (int i = 0; i < nunit; i++)
	{
		TargetEntry *tle = list_nth(query->targetList, nkeys + i);
		SortGroupClause *clause = copyObject(list_nth(unit_clauses, i));

		tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
		window->partitionClause = lappend(window->partitionClause, clause);
	}
	window->winref = 1;
	window->frameOptions = FRAMEOPTION_DEFAULTS;
	cost = (Node *) makeFuncExpr(extension_oid(DP_FUNC_CLIP_COST, InvalidOid), INT8OID,
								 collector_arguments(builder, list_make1(individual)),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	sum->winfnoid = F_SUM_INT8;
	sum->wintype = NUMERICOID;
	sum->args = list_make1(cost);
	sum->winref = 1;
	sum->winagg = true;
	sum->location = -1;
	append_target(query, (Node *) makeFuncExpr(F_INT8_NUMERIC, INT8OID, list_make1(sum), InvalidOid,
											   InvalidOid, COERCE_EXPLICIT_CAST), "cost", false);
	query->windowClause = list_make1(window);
	query->hasWindowFuncs = true;
	return query;
}

/*
 * The same where contributions are bounded over all groups of an individual.  ranked: keys, unit,
 * individual, sketches, rank.
 */
static Query *
clipped_release(ReleaseBuilder *builder, Query *ranked, int nkeys, int nunit, List *unit_clauses)
{
	Query	   *costs = cost_groups(builder, ranked, nkeys, nunit, unit_clauses);
	Query	   *release = select_from(costs, "costs");
	int			nsketches = builder->spec.nsketches;
	Node	   *individual = linitial(columns_of(costs, nkeys + nunit + 1, 1));
	Node	   *cost = linitial(columns_of(costs, nkeys + nunit + nsketches + 2, 1));
	List	   *clipped = list_make2(individual, cost);

	append_grouped(release, columns_of(costs, 1, nkeys), builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_COLLECT_CLIPPED, clipped),
				  "state", false);
	append_sketches(builder, release, DP_FUNC_SKETCH_CLIPPED,
					columns_of(costs, nkeys + nunit + 2, nsketches), clipped, "sketch");
	return release;
}

/* The form in two levels: R over bounded contributions of individuals, by SQL alone. */
static Query *
bounded_release(ReleaseBuilder *builder, List *keys)
{
	List	   *unit = copyObject(linitial(builder->individuals->units));
	List	   *unit_clauses = NIL;
	int			nkeys = list_length(keys);
	int			nunit = list_length(unit);
	int			nsketches = builder->spec.nsketches;
	Query	   *individuals = from_level(builder->level->query);
	Query	   *release;
	Node	   *individual;
	ListCell   *lc;

	foreach(lc, unit)
	{
		SortGroupClause *clause = unit_clause(builder->context, lfirst(lc));

		check_group_key(builder->context, lfirst(lc), clause);
		unit_clauses = lappend(unit_clauses, clause);
	}
	append_grouped(individuals, keys, builder->key_clauses, "key");
	append_grouped(individuals, unit, unit_clauses, "unit");
	append_target(individuals, (Node *) make_collector(builder, DP_FUNC_INDIVIDUAL,
													   builder->arguments), "individual", false);
	append_sketches(builder, individuals, DP_FUNC_SKETCH_ROWS, builder->sketch_arguments, NIL,
					"individual");
	individuals->hasAggs = true;
	move_below(builder, individuals, builder->spec.by_total ? 4 : nkeys > 0 ? 3 : 2);

	if (nkeys > 0)
	{
		Query	   *ranked = rank_groups(builder, individuals, nkeys, nunit, unit_clauses);
		Var		   *rank;

		if (builder->spec.by_total)
			return clipped_release(builder, ranked, nkeys, nunit, unit_clauses);
		release = select_from(ranked, "ranked");
		rank = linitial(columns_of(ranked, nkeys + nunit + nsketches + 2, 1));
		release->jointree->quals = rank_within(builder, rank);
		individuals = ranked;
	}
	else
		release = select_from(individuals, "individuals");
	append_grouped(release, columns_of(individuals, 1, nkeys), builder->key_clauses, "key");
	individual = linitial(columns_of(individuals, nkeys + nunit + 1, 1));
	append_target(release, (Node *) make_collector(builder, DP_FUNC_COLLECT_BOUNDED,
												   list_make1(individual)), "state", false);
	append_sketches(builder, release, DP_FUNC_SKETCH_BOUNDED,
					columns_of(individuals, nkeys + nunit + 2, nsketches), NIL, "sketch");
	return release;
}

/*
 * Can the bounding node divide these rows among individuals and groups?  It compares keys by
 * their bytes, so these must tell equal values from different ones.
 */
static bool
node_can_bound(ReleaseBuilder *builder, List *keys)
{
	return dp_setting_bound_node && keys_are_exact(keys) &&
		keys_are_exact(linitial(builder->individuals->units));
}

/* The form whose rows the bounding node reads (nodes/bound/path.c). */
static Query *
divided_release(ReleaseBuilder *builder, List *keys)
{
	List	   *unit = linitial(builder->individuals->units);
	Query	   *release = from_level(builder->level->query);
	ListCell   *lc;

	foreach(lc, unit)
		check_group_key(builder->context, lfirst(lc), unit_clause(builder->context, lfirst(lc)));
	append_grouped(release, keys, builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_BOUND,
												   list_concat_copy(unit, builder->arguments)),
				  "state", false);
	append_sketches(builder, release, DP_FUNC_BOUND_SKETCH, builder->sketch_arguments,
					NIL, "sketch");
	move_below(builder, release, 1);
	return release;
}

/* The form for at most one row per individual: nothing is to be bounded. */
static Query *
streamed_release(ReleaseBuilder *builder, List *keys)
{
	Query	   *release = from_level(builder->level->query);

	append_grouped(release, keys, builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_COLLECT,
												   builder->arguments), "state", false);
	append_sketches(builder, release, DP_FUNC_SKETCH, builder->sketch_arguments, NIL, "sketch");
	move_below(builder, release, 1);
	return release;
}

/*
 * The query R of the release, without its outputs, in the form that its rows ask for.  keys:
 * the group keys, guarded.  It shares nodes with the builder and the level.  Raises
 * ERRCODE_DP_QUERY_REFUSED where the level names columns of the queries around it.
 */
Query *
release_query(ReleaseBuilder *builder, List *keys)
{
	if (builder->spec.streamed)
		return streamed_release(builder, keys);
	return node_can_bound(builder, keys) ? divided_release(builder, keys) :
		bounded_release(builder, keys);
}
