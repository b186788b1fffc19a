/*
 * levels.c
 *		Walks a statement level by level, from the inside out, and decides what
 *		each level is: public, private, or a release.
 *
 * Every path from a protected row to the client passes through a release: a
 * private level may only stand in FROM of another level, or in a tied
 * sub-select; anywhere else it would hand out rows and is refused.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "query/below.h"
#include "query/constant_keys.h"
#include "query/correlated.h"
#include "query/ctes.h"
#include "query/first_rows.h"
#include "query/hoist.h"
#include "query/identifiers.h"
#include "query/keys.h"
#include "query/language.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/links.h"
#include "query/nulling.h"
#include "query/provenance.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/rewrite.h"
#include "query/sets.h"
#include "query/unions.h"
#include "query/units.h"
#include "query/unused.h"
#include "query/windows.h"
#include "query/with.h"

/* Replaces references to join columns by what they stand for, in place. */
void
flatten_level(Query *query)
{
	bool		has_joins = false;
	ListCell   *lc;

	foreach(lc, query->rtable)
		has_joins = has_joins || lfirst_node(RangeTblEntry, lc)->rtekind == RTE_JOIN;
	if (!has_joins)
		return;
	query->targetList = (List *) DP_FLATTEN_JOINS(query, query->targetList);
	query->havingQual = DP_FLATTEN_JOINS(query, query->havingQual);
	query->jointree = (FromExpr *) DP_FLATTEN_JOINS(query, query->jointree);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_SUBQUERY && rte->lateral)
			rte->subquery = (Query *) DP_FLATTEN_JOINS(query, rte->subquery);
		else if (rte->rtekind == RTE_VALUES && rte->lateral)
			rte->values_lists = (List *) DP_FLATTEN_JOINS(query, rte->values_lists);
	}
}

/* Processes a query that stands in FROM of the level. */
static Individuals *
process_item_query(RewriteContext *context, Query *query, Level *level)
{
	Individuals *result;

	level->reads = true;
	result = process_query(context, query, level);
	level->reads = false;
	return result;
}

/*
 * Processes a copy of a query that may come to stand in FROM of the level, to find out what it is:
 * what it says about the level's settings (with.c) is not kept.
 */
Individuals *
probe_query(RewriteContext *context, Query *query, Level *level)
{
	Node	   *quals = level->query->jointree->quals;
	Individuals *result = process_item_query(context, query, level);

	level->query->jointree->quals = quals;
	return result;
}

/* ----------
 * Common table expressions
 * ----------
 */

/*
 * A CTE that is a release in the end stays a CTE, materialized, so that it is
 * drawn once however often it is named.  One that holds private rows becomes a
 * sub-select wherever it is named.
 */
static void
process_ctes(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	List	   *kept = NIL;
	List	   *ctes = query->cteList;
	ListCell   *lc;

	foreach(lc, ctes)
	{
		CommonTableExpr *cte = lfirst(lc);
		Query	   *probe;

		if (!mentions_private(context, (Query *) cte->ctequery))
		{
			kept = lappend(kept, cte);
			continue;
		}
		if (query->hasRecursive && cte->cterecursive)
			refuse(REFUSE_RECURSION, context->source, cte->location);
		probe = copyObject((Query *) cte->ctequery);
		if (probe_query(context, probe, level) == NULL)
		{
			cte->ctequery = (Node *) probe;
			if (probe->commandType == CMD_SELECT)
				cte->ctematerialized = CTEMaterializeAlways;
			kept = lappend(kept, cte);
		}
		else
			inline_cte(query, cte);
	}
	query->cteList = kept;
}

/* ----------
 * Sub-selects above releases
 * ----------
 */

typedef struct SublinkContext
{
	RewriteContext *rewrite;
	Level	   *level;
} SublinkContext;

/* Processes the sub-selects of expressions; refuses those that are private. */
static bool
public_sublink_walker(Node *node, SublinkContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
	{
		SubLink    *sublink = (SubLink *) node;
		Query	   *query = castNode(Query, sublink->subselect);
		Individuals *individuals = process_query(context->rewrite, query, context->level);

		if (individuals != NULL)
			refuse_rows(context->rewrite, query, individuals);
		return public_sublink_walker(sublink->testexpr, context);
	}
	return expression_tree_walker(node, public_sublink_walker, context);
}

/* Sub-selects in the expressions of a public level must be public themselves. */
static void
process_public_sublinks(RewriteContext *context, Level *level)
{
	SublinkContext sublinks = {.rewrite = context,.level = level};

	(void) query_tree_walker(level->query, public_sublink_walker, &sublinks,
							 QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

/* ----------
 * FROM items
 * ----------
 */

/* Notes whose rows an item of FROM holds, if it is private. */
static void
process_from_item(RewriteContext *context, Level *level, int rtindex)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);

	if (is_private_relation(context, rte))
	{
		level->inputs[rtindex] = individuals_of_relation(context, level->query, rtindex);
		note_row_links(context, rte->relid, rtindex, level->inputs[rtindex]);
	}
	else if (rte->rtekind == RTE_SUBQUERY && mentions_private(context, rte->subquery))
	{
		Individuals *below = process_item_query(context, rte->subquery, level);

		if (below == NULL)
			return;
		level->inputs[rtindex] = expose_units(rte, rtindex, below);
		expose_links(rte, rtindex, below, level->inputs[rtindex]);
	}
}

/*
 * The same for all items of a join tree.  Range table entries that it does not name, as those of
 * views, are not read.
 */
static void
process_from(RewriteContext *context, Level *level, Node *node)
{
	ListCell   *lc;

	if (node == NULL)
		return;
	if (IsA(node, RangeTblRef))
		process_from_item(context, level, ((RangeTblRef *) node)->rtindex);
	else if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			process_from(context, level, lfirst(lc));
	}
	else if (IsA(node, JoinExpr))
	{
		process_from(context, level, ((JoinExpr *) node)->larg);
		process_from(context, level, ((JoinExpr *) node)->rarg);
	}
}

/*
 * Joins what sub-selects of the level's expressions yield about the row at hand.  Refuses one whose
 * value would be a release (ERRCODE_DP_QUERY_REFUSED): it is tied by something else than the unit.
 */
static void
process_correlated(RewriteContext *context, Level *level)
{
	int			ninputs = list_length(level->query->rtable) + 1;
	List	   *joined = join_sublinks(context, level->query);
	ListCell   *lc;

	if (joined == NIL)
		return;
	level->inputs = repalloc(level->inputs,
							 (list_length(level->query->rtable) + 1) * sizeof(Individuals *));
	for (int i = ninputs; i <= list_length(level->query->rtable); i++)
		level->inputs[i] = NULL;
	foreach(lc, joined)
	{
		JoinedSublink *sublink = lfirst(lc);

		process_from_item(context, level, sublink->rtindex);
		if (sublink->grouped && level->inputs[sublink->rtindex] == NULL)
			refuse(REFUSE_CORRELATED, context->source, sublink->location);
	}
}

/* Whose rows the first private item of FROM holds; NULL if all are public. */
static Individuals *
first_input(Level *level)
{
	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		if (level->inputs[i] != NULL)
			return level->inputs[i];
	}
	return NULL;
}

/* ----------
 * Set operations
 * ----------
 */

/* UNION ALL of private rows: one more private input.  NULL if it is public. */
static Individuals *
process_set_operation(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	Individuals *first = NULL;
	List	   *below = NIL;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);
		Individuals *input = NULL;

		if (rte->rtekind == RTE_SUBQUERY && mentions_private(context, rte->subquery))
			input = process_query(context, rte->subquery, level);
		below = lappend(below, input);
		if (first == NULL)
			first = input;
	}
	if (first != NULL)
	{
		check_sorted_identifiers(context, level);
		return unite_branches(context, query, below, first);
	}
	process_public_sublinks(context, level);
	return NULL;
}

/* ----------
 * Private levels
 * ----------
 */

/* A private level that is no release: projection, filter, or grouped by the unit. */
static void
finish_private_level(RewriteContext *context, Level *level, Individuals *individuals)
{
	Query	   *query = level->query;

	if (query->limitCount != NULL || query->limitOffset != NULL)
		refuse(REFUSE_LIMIT_BELOW, context->source, limit_location(query));
	if (query->hasTargetSRFs)
		refuse_query(REFUSE_EXPRESSION, context, query);
	if (query->hasDistinctOn)
		refuse_query(REFUSE_DISTINCT_ON, context, query);

	if (grouped_by_link(context, level, individuals))
		group_by_unit(context, query, individuals);
	if (query->groupClause != NIL || query->hasAggs)
	{
		List	   *keys = clause_expressions(query->groupClause, query->targetList);
		ListCell   *lu;

		keep_units(individuals, keys);
		keep_links(individuals, keys);
		individuals->unique = false;
		individuals->proofs = NIL;
		foreach(lu, individuals->units)
		{
			/*
			 * One group per individual only if the keys are one alternative of the unit:
			 * another one may be NULL in some of its rows.
			 */
			if (list_difference(keys, lfirst(lu)) == NIL)
				individuals->unique = true;
		}
	}
	if (query->distinctClause != NIL)
	{
		List	   *exprs = clause_expressions(query->distinctClause, query->targetList);

		keep_units(individuals, exprs);
		keep_links(individuals, exprs);
		if (individuals->units == NIL)
			refuse_query(REFUSE_DISTINCT_BELOW, context, query);
	}
	check_sorted_identifiers(context, level);
	query->sortClause = NIL;
	settle_windows(context, level, individuals);
	guard_targets(context, level);
	query->havingQual = guard_expression(context, level, query->havingQual);
	canonical_groups(context, query, individuals);
}

/* Does the level make one row of several?  DISTINCT does, unless windows or ON choose rows. */
static bool
aggregates(Query *query)
{
	return query->hasAggs || query->groupClause != NIL || query->havingQual != NULL ||
		(query->distinctClause != NIL && !query->hasDistinctOn && !query->hasWindowFuncs);
}

/* Finishes a private level that is no release.  Returns whose rows it hands out. */
static Individuals *
hand_out(RewriteContext *context, Level *level, Individuals *individuals)
{
	if (level->parent->reads)
		raise_with(context, level->query, level->parent->query);
	guard_from(context, level);
	require_unit(level, individuals);
	finish_private_level(context, level, individuals);
	individuals->level = palloc(sizeof(Level));
	*individuals->level = *level;
	individuals->level->parent = NULL;	/* it does not live as long */
	return individuals;
}

/*
 * A sub-select with DISTINCT ON the unit: the first rows of individuals, by their number.  Where it
 * names nothing else there is one row of each.
 */
static Individuals *
hand_out_first_rows(RewriteContext *context, Level *level, Individuals *individuals)
{
	Level		below = *level;
	List	   *exprs = clause_expressions(level->query->distinctClause, level->query->targetList);
	bool		unique = false;
	Individuals *result = palloc0(sizeof(Individuals));
	ListCell   *lc;

	foreach(lc, individuals->units)
		unique = unique || list_difference(exprs, lfirst(lc)) == NIL;
	below.query = number_rows(level->query);
	below.parent = level;
	level->nullable = NULL;
	level->inputs = palloc0(2 * sizeof(Individuals *));
	level->reads = true;
	individuals = hand_out(context, &below, individuals);
	level->reads = false;
	level->inputs[1] = expose_units(linitial(level->query->rtable), 1, individuals);
	expose_links(linitial(level->query->rtable), 1, individuals, level->inputs[1]);
	tie_inputs(context, level, result);
	result = hand_out(context, level, result);
	if (unique)
	{
		result->unique = true;
		result->proofs = NIL;
	}
	return result;
}

/*
 * A level with a private item in its FROM.  Makes a release of it and returns NULL, if it
 * aggregates over individuals; else returns whose rows it holds.
 */
static Individuals *
process_private_level(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	Individuals *individuals = palloc0(sizeof(Individuals));
	bool		release;

	if (query->commandType != CMD_SELECT)
		refuse_raw(first_input(level)->relation->relid, false);
	if (query->rowMarks != NIL || query->hasForUpdate)
		refuse_query(REFUSE_ROW_MARKS, context, query);

	process_correlated(context, level);
	level->below = true;
	flatten_level(query);
	if (context->set == NULL)
		drop_constant_keys(query);
	settle_links(context, level);
	tie_inputs(context, level, individuals);
	release = aggregates(query) && !grouped_by_unit(query, individuals) &&
		!grouped_by_link(context, level, individuals);
	if (release)
	{
		build_release(context, level, individuals);
		level->inputs = NULL;
		level->below = false;
		process_public_sublinks(context, level);
		return NULL;
	}
	if (level_uses_dp(query))
		refuse_query(REFUSE_PER_INDIVIDUAL, context, query);
	if (level->parent == NULL)
		refuse_rows(context, query, individuals);	/* whatever else is wrong with it */
	if (chooses_first_rows(query) &&
		(grouped_by_unit(query, individuals) ||
		 name_one_row(context, level, individuals, clause_expressions(query->distinctClause, query->targetList))))
		return hand_out_first_rows(context, level, individuals);
	return hand_out(context, level, individuals);
}

/* ----------
 * Several grouping sets
 * ----------
 */

/* Does the level read rows of individuals?  Asked of a copy, so that the level stays as it is. */
static bool
reads_individuals(RewriteContext *context, Level *level)
{
	Level		probe = *level;

	probe.query = copyObject(level->query);
	probe.inputs = palloc0((list_length(probe.query->rtable) + 1) * sizeof(Individuals *));
	process_from(context, &probe, (Node *) probe.query->jointree);
	return first_input(&probe) != NULL;
}

/*
 * A level that groups rows of individuals by several sets: each set becomes a release.  What
 * else is released below them would be once for each set, and is refused.
 */
static void
process_sets(RewriteContext *context, Level *level)
{
	Query	   *query = level->query;
	const SetLevel *outer = context->set;
	int			location = exprLocation((Node *) query->targetList);
	ListCell   *lc;

	hoist_releases(context, level);
	ungroup_query(query);
	flatten_level(query);
	foreach(lc, split_sets(context, query))
	{
		SetLevel   *set = lfirst(lc);
		int			before = context->releases;

		context->set = set;
		if (process_query(context, set->query, level) != NULL)
			refuse(REFUSE_PER_INDIVIDUAL, context->source, location);
		if (context->releases > before + 1)
			refuse(REFUSE_SETS_OVER_RELEASES, context->source, location);
	}
	context->set = outer;
	process_public_sublinks(context, level);
}

/*
 * Processes one query in place.  Returns NULL if its result is public (nothing
 * private below, or only through releases, which it now contains), else whose
 * rows it holds, in terms of its own level.  Raises ERRCODE_DP_QUERY_REFUSED
 * for what cannot be proved private.
 */
Individuals *
process_query(RewriteContext *context, Query *query, Level *parent)
{
	Level		level = {.query = query,.parent = parent};

	check_stack_depth();
	count_level(context);
	if (query->commandType == CMD_UTILITY || !mentions_private(context, query))
		return NULL;
	if (query->rowMarks != NIL)
		refuse_query(REFUSE_ROW_MARKS, context, query);

	drop_unused_identifiers(query, parent == NULL);
	process_ctes(context, &level);
	if (query->setOperations != NULL)
		return process_set_operation(context, &level);

	drop_unused_identifiers(query, false);	/* of the CTEs that became sub-selects */
	if (query->groupingSets != NIL && reads_individuals(context, &level))
	{
		process_sets(context, &level);
		return NULL;
	}
	level.inputs = palloc0((list_length(query->rtable) + 1) * sizeof(Individuals *));
	process_from(context, &level, (Node *) query->jointree);
	if (first_input(&level) == NULL)
	{
		process_public_sublinks(context, &level);
		return NULL;
	}
	return process_private_level(context, &level);
}
