/*
 * shards_where.c
 *		In which shard an individual's rows are: how tables of Citus are divided, and by what they are joined.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

#include "core/names.h"
#include "policy/cache.h"
#include "policy/citus.h"
#include "query/equalities.h"
#include "query/refuse.h"
#include "query/shards_where.h"
#include "query/unique.h"

/* traces_to_relation() of a column of a sub-select, in each branch of it. */
static bool
traces_below(Query *query, Node *branches, AttrNumber attno, ColumnTest is_right)
{
	if (branches != NULL && IsA(branches, SetOperationStmt))
		return traces_below(query, ((SetOperationStmt *) branches)->larg, attno, is_right) &&
			traces_below(query, ((SetOperationStmt *) branches)->rarg, attno, is_right);
	if (branches != NULL)
	{
		RangeTblEntry *rte = rt_fetch(castNode(RangeTblRef, branches)->rtindex, query->rtable);

		return rte->rtekind == RTE_SUBQUERY &&
			traces_below(rte->subquery, rte->subquery->setOperations, attno, is_right);
	}
	return attno >= 1 && attno <= list_length(query->targetList) &&
		traces_to_relation(query, (Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr,
						   is_right);
}

/*
 * Is the expression of a query a column of a relation, through any sub-selects, that is_right() knows?  Of UNION ALL, in
 * each branch.  Or the first of several that has a value, as that of a FULL JOIN?
 */
bool
traces_to_relation(Query *query, Node *expr, ColumnTest is_right)
{
	Var		   *var = (Var *) strip_relabel(expr);
	RangeTblEntry *rte;

	check_stack_depth();
	if (IsA(var, CoalesceExpr))
	{
		ListCell   *lc;

		foreach(lc, ((CoalesceExpr *) var)->args)
		{
			if (!traces_to_relation(query, lfirst(lc), is_right))
				return false;
		}
		return true;
	}
	if (!IsA(var, Var) || var->varlevelsup != 0)
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			return is_right(rte->relid, var->varattno);
		case RTE_SUBQUERY:
			return traces_below(rte->subquery, rte->subquery->setOperations, var->varattno, is_right);
		case RTE_JOIN:
			return var->varattno >= 1 && var->varattno <= list_length(rte->joinaliasvars) &&
				traces_to_relation(query, list_nth(rte->joinaliasvars, var->varattno - 1), is_right);
		default:
			return false;
	}
}

/*
 * A column of the unit, in any of its alternatives, that divides the tables: all are equal in the rows that count,
 * so these are where any of them says.  *unit becomes that alternative.  NULL if there is none.
 */
Node *
dividing_column(Query *piece, List *units, List **unit)
{
	ListCell   *lu;
	ListCell   *lc;

	foreach(lu, units)
	{
		foreach(lc, (List *) lfirst(lu))
		{
			*unit = lfirst(lu);
			if (traces_to_relation(piece, lfirst(lc), citus_divides))
				return lfirst(lc);
		}
	}
	return NULL;
}

/* Is the public table, an item of the level's FROM, joined by the column that divides it and the individuals? */
static bool
joined_with_unit(ReleaseBuilder *builder, Oid relid, Node *unit)
{
	Query	   *query = builder->level->query;
	List	   *equalities = level_equalities(builder->level);
	AttrNumber	division = citus_table(relid).column;
	bool		found = false;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);
		Node	   *column;

		i++;
		if (rte->rtekind != RTE_RELATION || rte->relid != relid)
			continue;
		column = (Node *) makeVar(i, division, exprType(unit), exprTypmod(unit),
								  exprCollation(unit), 0);
		if (get_atttype(relid, division) != exprType(unit) ||
			!equalities_tie(equalities, list_make1(list_make1(column)), list_make1(list_make1(unit))))
			return false;
		found = true;
	}
	return found;
}

/* Counts the entries of a relation, at any depth. */
typedef struct EntriesContext
{
	Oid			relid;
	int			n;
} EntriesContext;

static bool
entries_walker(Node *node, EntriesContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		context->n += ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
			((RangeTblEntry *) node)->relid == context->relid;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, entries_walker, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, entries_walker, context);
}

/* Is the relation named in sub-selects of the level, or those below them? */
static bool
stands_deeper(Query *piece, Oid relid)
{
	EntriesContext all = {.relid = relid};
	int			here = 0;
	ListCell   *lc;

	(void) entries_walker((Node *) piece, &all);
	foreach(lc, piece->rtable)
		here += lfirst_node(RangeTblEntry, lc)->rtekind == RTE_RELATION &&
		lfirst_node(RangeTblEntry, lc)->relid == relid;
	return all.n > here;
}

/* Refuses tables that are divided in ways by which individuals are not in one piece. */
void
check_divided(ReleaseBuilder *builder, Query *piece, List *relids, Node *unit)
{
	int			colocation = -1;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		CitusTable	table = citus_table(relid);

		if (table.kind == CITUS_SINGLE)
			refuse_named(REFUSE_SHARDS_APART, relation_for_message(relid), NULL, -1);
		if (table.kind != CITUS_HASH)
			continue;
		if (colocation == -1)
			colocation = table.colocation;
		if (table.colocation != colocation || colocation == 0)
			refuse_named(REFUSE_SHARDS_APART, relation_for_message(relid), NULL, -1);
		if (policy_lookup(relid) == NULL &&
			(stands_deeper(piece, relid) || !joined_with_unit(builder, relid, unit)))
			refuse_named(REFUSE_SHARDS_PUBLIC, relation_for_message(relid), NULL, -1);
	}
}
