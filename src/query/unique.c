/*
 * unique.c
 *		Does a join keep at most one row per individual?
 *
 * It does where each protected input has one, and where the row of each public table
 * is fixed by a unique index.  The indexes are the proof: they are asked for again when
 * a release begins (policy/enforced.c).
 */
#include "postgres.h"

#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "policy/enforced.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/unique.h"

/* Adds the range table indexes that a join tree names to *members. */
void
jointree_members(Node *node, Bitmapset **members)
{
	ListCell   *lc;

	if (IsA(node, RangeTblRef))
		*members = bms_add_member(*members, ((RangeTblRef *) node)->rtindex);
	else if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			jointree_members(lfirst(lc), members);
	}
	else if (IsA(node, JoinExpr))
	{
		jointree_members(((JoinExpr *) node)->larg, members);
		jointree_members(((JoinExpr *) node)->rarg, members);
	}
}

/* Does the join tree have a protected input? */
static bool
has_private(Level *level, Node *node)
{
	Bitmapset  *members = NULL;
	int			i = -1;

	jointree_members(node, &members);
	while ((i = bms_next_member(members, i)) >= 0)
	{
		if (level->inputs[i] != NULL)
			return true;
	}
	return false;
}

static List *jointree_equalities(Level *level, Node *node);

/*
 * The equalities of an outer join's ON clause.  They hold in rows where the
 * weak side matched; in the others the weak side is one row of NULLs.  So they
 * may fix which row of the weak side it is, and inputs of the strong side only
 * if the rows that count are those where the weak side matched, because the
 * individuals are there and nowhere else.
 */
static List *
outer_equalities(Level *level, JoinExpr *join)
{
	Node	   *strong = join->jointype == JOIN_LEFT ? join->larg : join->rarg;
	Node	   *weak = join->jointype == JOIN_LEFT ? join->rarg : join->larg;
	List	   *result = equalities_of(join->quals);

	if (has_private(level, strong) || !has_private(level, weak))
	{
		ListCell   *lc;

		foreach(lc, result)
			jointree_members(weak, &((Equality *) lfirst(lc))->resolves);
	}
	result = list_concat(result, jointree_equalities(level, strong));
	return list_concat(result, jointree_equalities(level, weak));
}

/* All conditions of a join tree, ON clauses included. */
static List *
jointree_equalities(Level *level, Node *node)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		result = equalities_of(((FromExpr *) node)->quals);
		foreach(lc, ((FromExpr *) node)->fromlist)
			result = list_concat(result, jointree_equalities(level, lfirst(lc)));
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		if (join->jointype == JOIN_LEFT || join->jointype == JOIN_RIGHT)
			return outer_equalities(level, join);
		if (join->jointype != JOIN_INNER)
			return NIL;
		result = equalities_of(join->quals);
		result = list_concat(result, jointree_equalities(level, join->larg));
		result = list_concat(result, jointree_equalities(level, join->rarg));
	}
	return result;
}

/*
 * The equalities that tell which rows of its inputs meet in the rows of the level that count: of
 * WHERE and all ON clauses.
 */
List *
level_equalities(Level *level)
{
	return jointree_equalities(level, (Node *) level->query->jointree);
}

/*
 * The columns of input number rtindex that the equalities equate to expressions over inputs in
 * "known" alone, or over none.  They are not NULL where a row of the input matched.  The inputs
 * that those expressions name are added to *used.
 */
Bitmapset *
equated_columns(int rtindex, List *equalities, const Bitmapset *known, Bitmapset **used)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, equalities)
	{
		Equality   *equality = lfirst(lc);

		for (int side = 0; side < 2; side++)
		{
			Node	   *column = side ? equality->right : equality->left;
			Node	   *other = side ? equality->left : equality->right;
			Relids		inputs = pull_varnos(NULL, other);

			if (equality->resolves != NULL && !bms_is_member(rtindex, equality->resolves))
				continue;
			if (IsA(column, Var) && ((Var *) column)->varno == rtindex &&
				((Var *) column)->varlevelsup == 0 && ((Var *) column)->varattno > 0 &&
				bms_is_subset(inputs, known) && !contain_volatile_functions(other) &&
				!checkExprHasSubLink(other))
			{
				columns = bms_add_member(columns, ((Var *) column)->varattno);
				*used = bms_add_members(*used, inputs);
			}
		}
	}
	return columns;
}

/*
 * The unique index that shows that at most one row of a table matches, once the inputs in "known" are fixed: all its columns are equated to
 * expressions over those inputs.  InvalidOid if there is none.
 */
static Oid
matching_index(Level *level, int rtindex, List *equalities, const Bitmapset *known)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);
	Bitmapset  *used = NULL;

	if (rte->rtekind != RTE_RELATION)
		return InvalidOid;
	return policy_unique_index(rte->relid, equated_columns(rtindex, equalities, known, &used));
}

/*
 * Does the level's join keep at most one row per individual?  Adds the unique indexes (OIDs) that
 * show it to *proofs.
 */
bool
join_is_unique(Level *level, List **proofs)
{
	Bitmapset  *members = NULL;
	Bitmapset  *known = NULL;
	List	   *equalities = level_equalities(level);
	bool		progress = true;
	int			i = -1;

	jointree_members((Node *) level->query->jointree, &members);
	while ((i = bms_next_member(members, i)) >= 0)
	{
		if (level->inputs[i] == NULL)
			continue;
		if (!level->inputs[i]->unique && level->inputs[i]->relation->nlink > 0)
			continue;			/* its row may be fixed by that of the parent */
		if (!level->inputs[i]->unique)
			return false;
		*proofs = list_concat_unique_oid(*proofs, level->inputs[i]->proofs);
		known = bms_add_member(known, i);
	}
	while (progress && !bms_equal(known, members))
	{
		progress = false;
		i = -1;
		while ((i = bms_next_member(members, i)) >= 0)
		{
			Oid			index;

			if (bms_is_member(i, known))
				continue;
			index = matching_index(level, i, equalities, known);
			if (OidIsValid(index))
			{
				*proofs = list_append_unique_oid(*proofs, index);
				known = bms_add_member(known, i);
				progress = true;
			}
		}
	}
	return bms_equal(known, members);
}
