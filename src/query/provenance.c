/*
 * provenance.c
 *		Whose rows does a join produce?  Ties among protected inputs.
 *
 * One individual's rows may only change that individual's contribution.  For a
 * join that holds when every pair of protected inputs is tied by equality of
 * the unit, and when the weak side of an outer join is tied in its ON clause
 * (otherwise whether a row of one individual is null-extended would depend on
 * rows of others), and both sides of a FULL JOIN.  Public inputs may be joined on any condition: fan-out is bounded
 * per individual later.
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "core/refusals.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/links.h"
#include "query/provenance.h"
#include "query/refuse.h"
#include "query/totals.h"
#include "query/unique.h"
#include "query/untied.h"

/* Inputs that are known to hold rows of the same individual. */
typedef struct Component
{
	List	   *units;			/* as in Individuals */
	List	   *partial;		/* as in Individuals */
	List	   *links;			/* as in Individuals */
	List	   *partial_links;	/* as in Individuals */
} Component;

static List *tie_jointree(RewriteContext *context, Level *level, Node *node, bool nullable);

/* Do the equalities tie the rows of one component to those of the other? */
static bool
components_tied(RewriteContext *context, List *equalities, const Component *a, const Component *b)
{
	return equalities_tie(equalities, list_concat_copy(a->units, a->partial),
						  list_concat_copy(b->units, b->partial)) ||
		links_tie(context, equalities, list_concat_copy(a->links, a->partial_links),
				  list_concat_copy(b->links, b->partial_links));
}

/* Merges components that the equalities tie together, until none are left. */
static List *
merge_components(RewriteContext *context, List *components, List *equalities)
{
	bool		merged = true;

	while (merged)
	{
		merged = false;
		for (int i = 0; !merged && i < list_length(components); i++)
		{
			for (int j = i + 1; !merged && j < list_length(components); j++)
			{
				Component  *a = list_nth(components, i);
				Component  *b = list_nth(components, j);

				if (components_tied(context, equalities, a, b))
				{
					a->units = list_concat(a->units, b->units);
					a->partial = list_concat(a->partial, b->partial);
					a->links = list_concat(a->links, b->links);
					a->partial_links = list_concat(a->partial_links, b->partial_links);
					components = list_delete_nth_cell(components, j);
					merged = true;
				}
			}
		}
	}
	return components;
}

/*
 * The components of an outer join; its ON clause must tie both sides, if both are private.  The
 * weak side's unit is NULL in rows without a match, which belong to the individual of the strong
 * side.  If that side is public, they belong to nobody.
 */
static List *
tie_outer_join(RewriteContext *context, Level *level, JoinExpr *join, bool nullable)
{
	bool		left_strong = join->jointype == JOIN_LEFT;
	List	   *strong = tie_jointree(context, level, left_strong ? join->larg : join->rarg,
									  nullable);
	List	   *weak = tie_jointree(context, level, left_strong ? join->rarg : join->larg,
									true);
	Component  *a;
	Component  *b;

	if (strong == NIL || weak == NIL)
		return list_concat(strong, weak);
	a = linitial(strong);
	b = linitial(weak);
	if (list_length(strong) > 1 || list_length(weak) > 1 ||
		!components_tied(context, equalities_of(join->quals), a, b))
		refuse_not_tied(context, level, exprLocation(join->quals));
	a->partial = list_concat(list_concat(a->partial, b->units), b->partial);
	a->partial_links = list_concat(list_concat(a->partial_links, b->links), b->partial_links);
	return strong;
}

/* COALESCE(left, right) of two columns of the unit, as USING makes it; NULL if their types differ. */
static Node *
either_column(Node *left, Node *right)
{
	CoalesceExpr *result = makeNode(CoalesceExpr);

	if (exprType(left) != exprType(right) || exprCollation(left) != exprCollation(right))
		return NULL;
	result->coalescetype = exprType(left);
	result->coalescecollid = exprCollation(left);
	result->args = list_make2(copyObject(left), copyObject(right));
	result->location = -1;
	return (Node *) result;
}

/*
 * The component of FULL JOIN of two private sides.  A row is that of the individual whom either
 * side names.  ON compares the units and nothing else: so an individual with rows on both sides
 * has no row without a partner, and no more rows than the sides together say.
 */
static List *
tie_full_join(RewriteContext *context, JoinExpr *join, List *left, List *right)
{
	Component  *a = linitial(left);
	Component  *b = linitial(right);
	List	   *unit = NIL;
	List	   *conditions = make_ands_implicit((Expr *) join->quals);
	ListCell   *la;
	ListCell   *lb;

	if (list_length(left) > 1 || list_length(right) > 1 ||
		list_length(conditions) != list_length(linitial(a->units)) ||
		!equalities_tie(equalities_of(join->quals), list_make1(linitial(a->units)),
						list_make1(linitial(b->units))))
		refuse(REFUSE_FULL_JOIN, context->source, exprLocation(join->quals));
	forboth(la, linitial(a->units), lb, linitial(b->units))
	{
		Node	   *column = either_column(lfirst(la), lfirst(lb));

		if (column == NULL)
			refuse(REFUSE_FULL_JOIN, context->source, exprLocation(join->quals));
		unit = lappend(unit, column);
	}
	a->partial = list_concat(list_concat(a->units, a->partial),
							 list_concat(b->units, b->partial));
	a->partial_links = list_concat(list_concat(a->links, a->partial_links),
								   list_concat(b->links, b->partial_links));
	a->links = NIL;
	a->units = list_make1(unit);
	return left;
}

/* The components of a join tree; remembers which inputs may be null-extended. */
static List *
tie_jointree(RewriteContext *context, Level *level, Node *node, bool nullable)
{
	if (IsA(node, RangeTblRef))
	{
		int			rtindex = ((RangeTblRef *) node)->rtindex;
		Individuals *input = level->inputs[rtindex];
		Component  *component;

		if (nullable)
			level->nullable = bms_add_member(level->nullable, rtindex);
		if (input == NULL)
			return NIL;
		component = palloc(sizeof(Component));
		component->units = list_copy(input->units);
		component->partial = list_copy(input->partial);
		component->links = list_copy(input->links);
		component->partial_links = list_copy(input->partial_links);
		return list_make1(component);
	}
	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;
		List	   *components = NIL;
		ListCell   *lc;

		foreach(lc, from->fromlist)
			components = list_concat(components,
									 tie_jointree(context, level, lfirst(lc), nullable));
		return merge_components(context, components, equalities_of(from->quals));
	}
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		List	   *left;
		List	   *right;

		if (join->jointype == JOIN_LEFT || join->jointype == JOIN_RIGHT)
			return tie_outer_join(context, level, join, nullable);
		nullable = nullable || join->jointype == JOIN_FULL;
		left = tie_jointree(context, level, join->larg, nullable);
		right = tie_jointree(context, level, join->rarg, nullable);
		if (join->jointype == JOIN_INNER)
			return merge_components(context, list_concat(left, right), equalities_of(join->quals));
		if (join->jointype == JOIN_FULL && (left == NIL || right == NIL))
			return list_concat(left, right);
		return tie_full_join(context, join, left, right);
	}
	elog(ERROR, "unrecognized join tree node: %d", (int) nodeTag(node));
	return NIL;
}

/*
 * Fills result with whose rows the level's join produces, or refuses: all
 * protected inputs must be of one population and tied by the unit.
 */
void
tie_inputs(RewriteContext *context, Level *level, Individuals *result)
{
	List	   *components = tie_jointree(context, level,
										  (Node *) level->query->jointree, false);

	if (list_length(components) != 1)
		refuse_not_tied(context, level, exprLocation((Node *) level->query->targetList));
	result->units = ((Component *) linitial(components))->units;
	result->partial = ((Component *) linitial(components))->partial;
	result->links = ((Component *) linitial(components))->links;
	result->partial_links = ((Component *) linitial(components))->partial_links;

	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		Individuals *input = level->inputs[i];

		if (input == NULL)
			continue;
		result->relids = list_concat_unique_oid(result->relids, input->relids);
		if (input->joined)
			continue;
		result->max_norm = result->relation == NULL ? input->max_norm : 0;	/* a join has other rows */
		if (result->relation == NULL)
			result->relation = input->relation;
		else if (strcmp(NameStr(result->relation->population),
						NameStr(input->relation->population)) != 0)
			refuse_query(REFUSE_POPULATIONS, context, level->query);
		if (result->max_total > 0 || input->max_total > 0)
			result->max_total = Max(combined_total(result), combined_total(input));
		result->max_groups = Max(result->max_groups, input->max_groups);
		result->max_rows = Max(result->max_rows, input->max_rows);
	}
	result->unique = join_is_unique(level, &result->proofs);
}
