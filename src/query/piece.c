/*
 * piece.c
 *		The query of a release's piece, where it is computed: shards.c has made it, on the coordinator, and it has
 *		come as SQL.
 *
 * Its unit leaves GROUP BY, and so the bounding node gets all rows of its groups, as in a release
 * whose tables are here.
 *
 * It hands out exact states.  So it is taken from superusers alone, who may read all rows anyway; and they
 * should not have code of somebody else's run: whatever its names mean here, functions, operators
 * and types must be PostgreSQL's own or dp_agg's.  Who can put functions into a schema of the search path
 * could otherwise have one called by a superuser.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "core/refusals.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/powerless.h"
#include "query/checks.h"
#include "query/piece.h"
#include "query/planning.h"
#include "query/queries.h"
#include "query/shards_where.h"
#include "spec/piece.h"
#include "spec/serialise.h"

/* The aggregate of a column of the query's, if it is that function of ours; else NULL. */
static Aggref *
collector_in(const TargetEntry *tle, DpFunction function)
{
	Aggref	   *aggref = (Aggref *) tle->expr;

	return IsA(aggref, Aggref) && extension_function(aggref->aggfnoid) == function ? aggref : NULL;
}

static Aggref *
find_collector(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		Aggref	   *aggref = collector_in(lfirst(lc), DP_FUNC_BOUND);

		if (aggref != NULL)
			return aggref;
	}
	return NULL;
}

/* Is it the query of a piece, whoever has written it? */
bool
query_is_piece(const Query *query)
{
	return query->commandType == CMD_SELECT && query->hasAggs && citus_present() &&
		find_collector(query) != NULL;
}

/* ----------
 * What it may hold
 * ----------
 */

/* Does Citus itself put the function into queries: rows that it has sent before? */
static bool
is_of_citus(Oid funcid)
{
	const char *name = get_func_name(funcid);

	return name != NULL && get_func_namespace(funcid) == PG_CATALOG_NAMESPACE &&
		strncmp(name, "read_intermediate_result", strlen("read_intermediate_result")) == 0;
}

static bool
function_is_foreign(Oid funcid, void *context)
{
	return funcid >= FirstNormalObjectId && extension_function(funcid) == DP_FUNC_NONE &&
		!is_of_citus(funcid);
}

static bool
foreign_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, CoerceToDomain) || check_functions_in_node(node, function_is_foreign, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("the piece of a release names functions or types that are not PostgreSQL's own"),
				 errhint("Look for functions, operators and types of these names in schemas of the search path.")));
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, foreign_walker, context, 0);
	return expression_tree_walker(node, foreign_walker, context);
}

/* Is it a column of a table here?  What Citus has sent before is none. */
static bool
is_of_table(Oid relid, AttrNumber attno)
{
	return attno > 0;
}

static bool
reads_table_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, reads_table_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, reads_table_walker, context);
}

/*
 * Refuses rows of individuals who may be in other pieces, too: of whom Citus has sent rows to all.  Where
 * there is nothing but such rows there is one piece.
 */
static void
check_units(Query *query, Aggref *collector, const PieceHead *head)
{
	bool		divided = head->alone || !reads_table_walker((Node *) query, NULL);

	for (int i = 0; i < head->nunits && !divided; i++)
		divided = traces_to_relation(query, (Node *) list_nth_node(TargetEntry, collector->args, 2 + i)->expr,
									 is_of_table);
	if (!divided)
		refuse_with_reason(REFUSE_SHARDS_PLAN, "Rows of individuals would have to be sent to all machines.");
}

/* ----------
 * What it becomes
 * ----------
 */

/* A constant argument; elog if it is none. */
static Const *
constant_argument(Aggref *aggref, int i, Oid type)
{
	Node	   *value;

	if (list_length(aggref->args) <= i)
		malformed("piece of a release");
	value = eval_const_expressions(NULL, (Node *) list_nth_node(TargetEntry, aggref->args, i)->expr);
	if (!IsA(value, Const) || ((Const *) value)->consttype != type || ((Const *) value)->constisnull)
		malformed("piece of a release");
	return (Const *) value;
}

/* The description, as of this machine: types of sketches are those of what they are made of. */
static ReleaseSpec *
own_description(Query *query, const PieceHead *head)
{
	ReleaseSpec *spec = spec_read(head->description, CurrentMemoryContext);
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		Aggref	   *aggref = collector_in(lfirst(lc), DP_FUNC_BOUND_SKETCH);
		int32		i;
		Node	   *value;

		if (aggref == NULL)
			continue;
		i = DatumGetInt32(constant_argument(aggref, 2, INT4OID)->constvalue);
		if (i < 0 || i >= spec->nsketches || list_length(aggref->args) != 4)
			malformed("piece of a release");
		value = (Node *) list_nth_node(TargetEntry, aggref->args, 3)->expr;
		if (exprType(value) != spec->sketches[i].value_type)
			malformed("piece of a release");
	}
	spec->nproofs = spec->nreferences = 0;
	return spec;
}

/* Puts the description into all collectors, and gives those of rows that are individuals their own form. */
static void
describe_collectors(Query *query, const ReleaseSpec *spec, const PieceHead *head, Const *description)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		Aggref	   *collector = collector_in(lfirst(lc), DP_FUNC_BOUND);
		Aggref	   *sketch = collector_in(lfirst(lc), DP_FUNC_BOUND_SKETCH);
		Aggref	   *aggref = collector != NULL ? collector : sketch;

		if (aggref == NULL)
			continue;
		linitial_node(TargetEntry, aggref->args)->expr = (Expr *) copyObject(description);
		if (sketch != NULL)
			list_nth_node(TargetEntry, aggref->args, 2)->expr = (Expr *) constant_argument(aggref, 2, INT4OID);
		if (!spec->streamed)
			continue;
		aggref->aggfnoid = extension_oid(collector != NULL ? DP_FUNC_COLLECT : DP_FUNC_SKETCH, InvalidOid);
		if (collector != NULL)
			replace_arguments(aggref, 2, head->nunits, NIL);
	}
}

/*
 * Groups by the keys, which are the first columns, and nothing else.  Citus may have left keys out that others
 * imply.  After keys and states come columns that are grouped by alone, the unit among them, which Citus wants as well: they are
 * NULL.
 */
static void
group_by_keys(Query *query, int nkeys, int nstates)
{
	List	   *clauses = NIL;
	List	   *targets = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		SortGroupClause *clause = NULL;
		ListCell   *lg;

		if (tle->resjunk)
			continue;
		targets = lappend(targets, tle);
		if (tle->resno > nkeys)
		{
			tle->ressortgroupref = 0;
			if (tle->resno > nkeys + nstates)
				tle->expr = (Expr *) makeNullConst(exprType((Node *) tle->expr), -1,
												   exprCollation((Node *) tle->expr));
			continue;
		}
		foreach(lg, query->groupClause)
		{
			if (tle->ressortgroupref != 0 &&
				lfirst_node(SortGroupClause, lg)->tleSortGroupRef == tle->ressortgroupref)
				clause = lfirst(lg);
		}
		if (clause == NULL)
			clause = default_clause(exprType((Node *) tle->expr));
		tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
		clauses = lappend(clauses, clause);
	}
	query->groupClause = clauses;
	query->targetList = targets;
	query->sortClause = query->distinctClause = NIL;
}

/*
 * Makes the query of a piece one that computes it, in place, and has this planning know it.  Raises
 * ERRCODE_INSUFFICIENT_PRIVILEGE unless a superuser asks, ERRCODE_DP_QUERY_REFUSED for what could be somebody
 * else's code, and elog if it is none that shards.c can have made.
 */
void
open_piece(Query *query)
{
	Aggref	   *collector = find_collector(query);
	PieceHead	head;
	ReleaseSpec *spec;
	Const	   *sent;
	Const	   *description;

	if (!is_superuser_aside())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function is only used inside releases of dp_agg")));
	extension_check_version();
	(void) foreign_walker((Node *) query, NULL);
	if (query->groupingSets != NIL || query->havingQual != NULL || query->setOperations != NULL ||
		query->hasWindowFuncs || query->hasTargetSRFs || query->limitCount != NULL ||
		query->limitOffset != NULL)
		malformed("piece of a release");
	sent = constant_argument(collector, 0, BYTEAOID);
	piece_head_read(&head, sent->constvalue);
	spec = own_description(query, &head);
	if (spec->nkeys >= list_length(query->targetList) ||
		list_length(collector->args) != 2 + head.nunits + spec->narguments)
		malformed("piece of a release");
	check_units(query, collector, &head);
	description = makeConst(BYTEAOID, -1, InvalidOid, -1, PointerGetDatum(spec_write(spec)), false, false);
	describe_collectors(query, spec, &head, description);
	group_by_keys(query, spec->nkeys, 1 + spec->nsketches);
	planning_remember(spec, NIL, NIL, NIL, query->groupClause);
	planning_of_piece(sent);
}
