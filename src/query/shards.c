/*
 * shards.c
 *		Releases over tables of Citus: their rows stay where they are.
 *
 * Citus divides a table into shards by the hash of one column.  Where that column is the
 * individual's, or one of several, all rows of an individual are in the same shard of each table, and
 * what it contributes can be bounded there.  So the query R of a release (rewrite.c) is taken apart:
 *
 *		SELECT keys, bound(head, params, unit, x...), bound_sketch(head, params, i, x)...
 *		FROM ... GROUP BY keys, column of the unit
 *
 * is its piece.  Citus hands it to each shard as it is, since it groups by the column that divides the tables
 * (and would do so with no other query that aggregates).  There piece.c drops that from GROUP BY, and
 * the bounding node does its work.  What comes back are states of groups.  What is left of R is
 *
 *		SELECT keys, bound(spec, params), bound_sketch(spec, params, i, NULL)..., output(...)...
 *		FROM shards() AS (keys) GROUP BY keys
 *
 * whose aggregation combines these states, as it does those of parallel workers; the function is never called,
 * its place is taken by a node (nodes/shards/node.c).  On top of that stands the release node, as ever.
 *
 * That rests on an individual's rows being in one piece:
 *
 * - The unit must be a column that divides a table of the query, also through sub-selects: then each
 *   row of the piece is one of the shard where that individual is.
 * - All tables that are divided must be divided alike, and those that are not protected be joined by
 *   that column: otherwise Citus may compute a sub-select first, and hand its rows to all pieces.
 *   piece.c looks once more at what has arrived.
 * - Where no table is divided (reference tables, local tables of the coordinator) there is one piece.
 *
 * What the tables are to Citus is looked at when the query is planned; Citus invalidates plans when it changes.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/names.h"
#include "policy/cache.h"
#include "policy/citus.h"
#include "policy/travel_types.h"
#include "query/checks.h"
#include "query/collectors.h"
#include "query/constants.h"
#include "query/equalities.h"
#include "query/queries.h"
#include "query/refuse.h"
#include "query/shards.h"
#include "query/shards_in.h"
#include "query/shards_outside.h"
#include "query/shards_released.h"
#include "query/shards_where.h"

/* ----------
 * What is read
 * ----------
 */

/* A list of the relations (Oids) that a query reads, at any depth. */
static bool
relations_walker(Node *node, List **relids)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW)
			*relids = list_append_unique_oid(*relids, rte->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, relations_walker, relids,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, relations_walker, relids);
}

static List *
relations_of(Query *query)
{
	List	   *result = NIL;

	(void) relations_walker((Node *) query, &result);
	return result;
}

/* Does a query read a table that Citus knows? */
bool
reads_spread(Query *query)
{
	ListCell   *lc;

	if (!citus_present())
		return false;
	foreach(lc, relations_of(query))
	{
		if (citus_table(lfirst_oid(lc)).kind != CITUS_LOCAL)
			return true;
	}
	return false;
}

/*
 * Refuses what Citus would compute first, and hand to all pieces, if it reads protected rows, which would be kept on the
 * way and counted where they are read, or if other machines might be asked for it: there it is a superuser's query like any
 * other, and planned with all rights (policy/powerless.h).
 */
void
check_computed_first(Query *query)
{
	ListCell   *lc;

	foreach(lc, relations_of(query))
	{
		Oid			relid = lfirst_oid(lc);
		CitusKind	kind = citus_table(relid).kind;

		if (policy_lookup(relid) != NULL)
			refuse_with_reason(REFUSE_SHARDS_PLAN,
							   "Citus would compute a part of it first, by itself, and send protected rows to all machines.");
		if (kind == CITUS_LOCAL || kind == CITUS_MANAGED ||
			(kind == CITUS_REFERENCE && is_table_of_superuser(relid)))
			continue;
		refuse_with_reason(REFUSE_SHARDS_PLAN,
						   psprintf("Citus would compute a part of it first, from table %s.", relation_for_message(relid)));
	}
}

/* ----------
 * What cannot be
 * ----------
 */

/* Does the query name something of another query, as a released one? */
static bool
names_cte_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_CTE;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, names_cte_walker, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, names_cte_walker, context);
}

/* Values are compared as bytes, which are the same on all machines for types that come with PostgreSQL. */
static void
check_sketches(ReleaseBuilder *builder)
{
	for (int i = 0; i < builder->spec.nsketches; i++)
	{
		const SpecSketch *sketch = &builder->spec.sketches[i];

		if (sketch->kind != SPEC_SKETCH_CELLS &&
			(sketch->value_type >= FirstNormalObjectId || sketch->collation >= FirstNormalObjectId))
			refuse_named(REFUSE_SHARDS_TYPE, format_type_be(sketch->value_type), NULL, -1);
	}
}

/* ----------
 * The piece
 * ----------
 */

/* The collector of a query R, which release_query() has made, and its sketches. */
static List *
collectors_of(Query *query)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		Aggref	   *aggref = (Aggref *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(aggref, Aggref) && extension_function(aggref->aggfnoid) != DP_FUNC_NONE)
			result = lappend(result, aggref);
	}
	return result;
}

/*
 * Has all collectors name the individual by this alternative of its unit.  Those of rows that are individuals get the
 * form of those that are bounded: an aggregate must have some argument, or SQL cannot write it.
 */
static void
name_units(Query *piece, List *unit)
{
	ListCell   *lc;

	foreach(lc, collectors_of(piece))
	{
		Aggref	   *aggref = lfirst(lc);

		if (extension_function(aggref->aggfnoid) == DP_FUNC_BOUND)
			replace_arguments(aggref, 2, list_length(unit), unit);
		else if (extension_function(aggref->aggfnoid) == DP_FUNC_COLLECT)
		{
			replace_arguments(aggref, 2, 0, unit);
			aggref->aggfnoid = extension_oid(DP_FUNC_BOUND, InvalidOid);
		}
		else if (extension_function(aggref->aggfnoid) == DP_FUNC_SKETCH)
			aggref->aggfnoid = extension_oid(DP_FUNC_BOUND_SKETCH, InvalidOid);
	}
}

/*
 * Groups by the column that divides the tables, too, by which Citus knows that groups are not divided; it takes no
 * expression for it.
 */
static void
group_by_division(ReleaseBuilder *builder, Query *piece, Node *column)
{
	SortGroupClause *clause;
	TargetEntry *tle;

	column = strip_relabel(column);
	while (IsA(column, CoalesceExpr))
		column = strip_relabel(linitial(((CoalesceExpr *) column)->args));
	clause = copyObject(unit_clause(builder->context, column));
	tle = append_target(piece, copyObject(column), "unit", true);
	tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
	piece->groupClause = lappend(piece->groupClause, clause);
}

/* Puts a relation with policies of row security into a sub-select, with their conditions, which are guarded. */
static void
enclose_policies(Query *query, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, query->rtable);
	Query	   *below = select_all(query, rte);
	List	   *conditions = rte->securityQuals;

	ChangeVarNodes((Node *) conditions, varno, 1, 0);
	below->jointree->quals = (Node *) make_ands_explicit(conditions);
	below->hasSubLinks = checkExprHasSubLink((Node *) conditions);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = below;
	rte->securityQuals = NIL;
	rte->relid = InvalidOid;
	rte->relkind = 0;
	rte->rellockmode = 0;
	rte->inh = false;
	DP_DROP_ENTRY_PERMISSIONS(rte);
}

static bool
policies_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		for (int i = 1; i <= list_length(query->rtable); i++)
		{
			RangeTblEntry *rte = rt_fetch(i, query->rtable);

			if (rte->rtekind == RTE_RELATION && rte->securityQuals != NIL)
				enclose_policies(query, i);
		}
		query->hasRowSecurity = false;
		return query_tree_walker(query, policies_walker, context, 0);
	}
	return expression_tree_walker(node, policies_walker, context);
}

/*
 * Judges a release over tables of Citus.  piece: its query as release_query() has made it, which becomes its
 * piece, in place.  Raises ERRCODE_DP_QUERY_REFUSED where the rows of an individual may be in
 * several shards, or where Citus could not be told.
 */
SpreadRelease *
spread_release(ReleaseBuilder *builder, Query *piece)
{
	SpreadRelease *result = palloc0(sizeof(SpreadRelease));
	List	   *unit = linitial(builder->individuals->units);
	Node	   *division = NULL;
	List	   *relids = relations_of(piece);
	Oid			divided = InvalidOid;
	ListCell   *lc;

	foreach(lc, relids)
	{
		CitusKind	kind = citus_table(lfirst_oid(lc)).kind;

		if (kind == CITUS_OTHER)
			refuse_named(REFUSE_SHARDS_METHOD, relation_for_message(lfirst_oid(lc)), NULL, -1);
		if (kind == CITUS_HASH && (divided == InvalidOid || policy_lookup(lfirst_oid(lc)) != NULL))
			divided = lfirst_oid(lc);
	}
	result->taken = take_released(builder->context, builder->level, piece);
	if (names_cte_walker((Node *) piece, NULL))
		refuse(REFUSE_SHARDS_RELEASED, NULL, -1);
	foreach(lc, collectors_of(piece))
	{
		DpFunction	function = extension_function(((Aggref *) lfirst(lc))->aggfnoid);

		if (function == DP_FUNC_COLLECT_BOUNDED || function == DP_FUNC_COLLECT_CLIPPED)
			refuse(REFUSE_SHARDS_KEYS, NULL, -1);
	}
	check_sketches(builder);
	result->alone = divided == InvalidOid;
	if (!result->alone)
	{
		division = dividing_column(piece, builder->individuals->units, &unit);
		if (division == NULL)
			refuse_named(REFUSE_SHARDS_UNIT, relation_for_message(divided), NULL, -1);
		check_divided(builder, piece, relids, division);
	}
	result->nunits = list_length(unit);
	result->piece = piece;
	(void) policies_walker((Node *) piece, NULL);
	if (division != NULL)
		tie_sublinks(piece);
	name_units(piece, unit);
	if (division != NULL)
		group_by_division(builder, piece, division);
	piece->hasAggs = true;
	return result;
}

/* ----------
 * What gathers the pieces
 * ----------
 */

/* FROM shards() AS (keys): never called, see above.  Returns the columns. */
static List *
read_shards(Query *query, List *keys, const TakenReleases *taken)
{
	RangeTblEntry *rte = entry_of_shards(0);
	RangeTblRef *ref = makeNode(RangeTblRef);
	List	   *columns = NIL;
	ListCell   *lc;

	if (keys == NIL)
		keys = list_make1(int4_const(0));
	foreach(lc, keys)
	{
		Node	   *key = lfirst(lc);

		columns = lappend(columns,
						  add_shards_column(rte, linitial(rte->functions),
											psprintf("key%d", foreach_current_index(lc) + 1), exprType(key),
											exprTypmod(key), exprCollation(key)));
	}
	if (taken != NULL)
	{
		FuncExpr   *call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;

		call->args = list_concat(call->args, taken->values);
		query->cteList = taken->ctes;
		query->hasSubLinks = true;
	}
	ref->rtindex = 1;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	return columns;
}

/* R, without its outputs: what gathers the states of the pieces. */
Query *
gathering_release(ReleaseBuilder *builder, const SpreadRelease *spread)
{
	Query	   *release = makeNode(Query);
	int			nkeys = list_length(builder->key_clauses);
	List	   *keys = NIL;
	List	   *columns;
	List	   *values = NIL;

	for (int i = 0; i < nkeys; i++)
		keys = lappend(keys, list_nth_node(TargetEntry, spread->piece->targetList, i)->expr);
	release->commandType = CMD_SELECT;
	release->canSetTag = true;
	release->hasAggs = true;
	columns = read_shards(release, keys, spread->taken);
	append_grouped(release, list_copy_head(columns, nkeys), builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_BOUND, NIL), "state", false);
	for (int i = 0; i < builder->spec.nsketches; i++)
	{
		const SpecSketch *sketch = &builder->spec.sketches[i];

		values = lappend(values, makeNullConst(sketch->value_type, -1, sketch->collation));
	}
	append_sketches(builder, release, DP_FUNC_BOUND_SKETCH, values, NIL, "sketch");
	return release;
}
