/*
 * provenance.c
 *		Whose rows does a join produce?  Ties among protected inputs.
 *
 * One individual's rows may only change that individual's contribution.  For a
 * join that holds when every pair of protected inputs is tied by equality of
 * the unit, and when the weak side of an outer join is tied in its ON clause
 * (otherwise whether a row of one person is null-extended would depend on rows
 * of others).  Public inputs may be joined on any condition: fan-out is bounded
 * per individual later.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_proc.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "policy/enforced.h"
#include "query/level.h"
#include "query/planning.h"
#include "query/provenance.h"
#include "query/refuse.h"

/* Inputs that are known to hold rows of the same individual. */
typedef struct Component
{
	List	   *units;			/* as in Individuals */
} Component;

/*
 * One "a = b" of a condition.  An ON clause of an outer join says nothing about
 * its strong side; "resolves" then names the inputs it may speak about.
 */
typedef struct Equality
{
	Node	   *left;
	Node	   *right;
	Bitmapset  *resolves;		/* NULL: any */
} Equality;

static List *tie_jointree(RewriteContext *context, Level *level, Node *node, bool nullable);

/* The btree operator family that says when values of a type are equal. */
static Oid
equality_family(Oid type)
{
	return lookup_type_cache(getBaseType(type), TYPECACHE_BTREE_OPFAMILY)->btree_opf;
}

/* The argument of a cast from a smaller to a larger integer, else NULL. */
static Node *
widened_integer(Node *node)
{
	FuncExpr   *func = (FuncExpr *) node;

	if (!IsA(node, FuncExpr) || list_length(func->args) != 1)
		return NULL;
	if (func->funcid == F_INT8_INT4 || func->funcid == F_INT8_INT2 ||
		func->funcid == F_INT4_INT2)
		return linitial(func->args);
	return NULL;
}

/*
 * Removes casts that leave a value what it is: varchar to text, integer to
 * bigint, but not varchar to char, under which 'a' and 'a ' are equal.
 */
Node *
strip_relabel(Node *node)
{
	while (node != NULL && (IsA(node, RelabelType) || widened_integer(node) != NULL))
	{
		Node	   *arg = IsA(node, RelabelType) ?
		(Node *) ((RelabelType *) node)->arg : widened_integer(node);

		if (equality_family(exprType(node)) != equality_family(exprType(arg)))
			break;
		node = arg;
	}
	return node;
}

/* Is the operator the equality that the expression's type itself goes by? */
static bool
is_own_equality(Oid opno, Node *node)
{
	Oid			family = equality_family(exprType(node));

	return OidIsValid(family) &&
		get_op_opfamily_strategy(opno, family) == BTEqualStrategyNumber;
}

/*
 * The equalities among conditions that AND connects, by built-in operators that
 * are the equality of both sides' types.
 */
List *
equalities_of(Node *quals)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (quals == NULL)
		return NIL;
	if (IsA(quals, List))
	{
		foreach(lc, (List *) quals)
			result = list_concat(result, equalities_of(lfirst(lc)));
	}
	else if (is_andclause(quals))
		return equalities_of((Node *) ((BoolExpr *) quals)->args);
	else if (IsA(quals, OpExpr) && list_length(((OpExpr *) quals)->args) == 2)
	{
		OpExpr	   *op = (OpExpr *) quals;
		Node	   *left = strip_relabel(linitial(op->args));
		Node	   *right = strip_relabel(lsecond(op->args));

		/* a conversion that depends on settings may map two values to one */
		if (op->opno < FirstNormalObjectId &&
			func_volatile(get_opcode(op->opno)) == PROVOLATILE_IMMUTABLE &&
			is_own_equality(op->opno, left) && is_own_equality(op->opno, right))
		{
			Equality   *equality = palloc0(sizeof(Equality));

			equality->left = left;
			equality->right = right;
			result = list_make1(equality);
		}
	}
	return result;
}

static bool
equalities_contain(List *equalities, Node *a, Node *b)
{
	ListCell   *lc;

	a = strip_relabel(a);
	b = strip_relabel(b);
	foreach(lc, equalities)
	{
		Equality   *equality = lfirst(lc);

		if ((equal(equality->left, a) && equal(equality->right, b)) ||
			(equal(equality->left, b) && equal(equality->right, a)))
			return true;
	}
	return false;
}

/* Do the equalities tie some alternative of left to one of right, column by column? */
bool
equalities_tie(List *equalities, List *left, List *right)
{
	ListCell   *la;
	ListCell   *lb;

	foreach(la, left)
	{
		foreach(lb, right)
		{
			List	   *a = lfirst(la);
			List	   *b = lfirst(lb);
			bool		tied = list_length(a) == list_length(b);

			for (int i = 0; tied && i < list_length(a); i++)
				tied = equalities_contain(equalities, list_nth(a, i), list_nth(b, i));
			if (tied)
				return true;
		}
	}
	return false;
}

/* Merges components that the equalities tie together, until none are left. */
static List *
merge_components(List *components, List *equalities)
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

				if (equalities_tie(equalities, a->units, b->units))
				{
					a->units = list_concat(a->units, b->units);
					components = list_delete_nth_cell(components, j);
					merged = true;
				}
			}
		}
	}
	return components;
}

static List *
tie_outer_join(RewriteContext *context, Level *level, JoinExpr *join, bool nullable)
{
	bool		left_strong = join->jointype == JOIN_LEFT;
	List	   *strong = tie_jointree(context, level, left_strong ? join->larg : join->rarg,
									  nullable);
	List	   *weak = tie_jointree(context, level, left_strong ? join->rarg : join->larg,
									true);

	if (strong == NIL || weak == NIL)
		return list_concat(strong, weak);
	if (list_length(strong) > 1 || list_length(weak) > 1 ||
		!equalities_tie(equalities_of(join->quals),
						((Component *) linitial(strong))->units,
						((Component *) linitial(weak))->units))
		refuse(REFUSE_NOT_TIED, context->source, exprLocation(join->quals));
	((Component *) linitial(strong))->units =
		list_concat(((Component *) linitial(strong))->units,
					((Component *) linitial(weak))->units);
	return strong;
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
		return merge_components(components, equalities_of(from->quals));
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
			return merge_components(list_concat(left, right), equalities_of(join->quals));
		if (join->jointype == JOIN_FULL && (left == NIL || right == NIL))
			return list_concat(left, right);
		refuse(REFUSE_FULL_JOIN, context->source, exprLocation(join->quals));
	}
	elog(ERROR, "unrecognized join tree node: %d", (int) nodeTag(node));
	return NIL;
}

static void
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
 * The unique index that shows that at most one row of a public table matches,
 * once the inputs in "known" are fixed: all its columns are equated to
 * expressions over those inputs.  InvalidOid if there is none.
 */
static Oid
matching_index(Level *level, int rtindex, List *equalities, const Bitmapset *known)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	if (rte->rtekind != RTE_RELATION)
		return InvalidOid;
	foreach(lc, equalities)
	{
		Equality   *equality = lfirst(lc);

		for (int side = 0; side < 2; side++)
		{
			Node	   *column = side ? equality->right : equality->left;
			Node	   *other = side ? equality->left : equality->right;
			Relids		used = pull_varnos(NULL, other);

			if (equality->resolves != NULL && !bms_is_member(rtindex, equality->resolves))
				continue;
			if (IsA(column, Var) && ((Var *) column)->varno == rtindex &&
				((Var *) column)->varlevelsup == 0 && ((Var *) column)->varattno > 0 &&
				bms_is_subset(used, known) && !contain_volatile_functions(other) &&
				!checkExprHasSubLink(other))
				columns = bms_add_member(columns, ((Var *) column)->varattno);
		}
	}
	return policy_unique_index(rte->relid, columns);
}

/* Does the join keep at most one row per individual?  Adds the proofs. */
static bool
join_is_unique(Level *level, List **proofs)
{
	Bitmapset  *members = NULL;
	Bitmapset  *known = NULL;
	List	   *equalities = jointree_equalities(level, (Node *) level->query->jointree);
	bool		progress = true;
	int			i = -1;

	jointree_members((Node *) level->query->jointree, &members);
	while ((i = bms_next_member(members, i)) >= 0)
	{
		if (level->inputs[i] == NULL)
			continue;
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
		refuse_query(REFUSE_NOT_TIED, context, level->query);
	result->units = ((Component *) linitial(components))->units;

	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		Individuals *input = level->inputs[i];

		if (input == NULL)
			continue;
		if (result->relation == NULL)
			result->relation = input->relation;
		else if (strcmp(NameStr(result->relation->population),
						NameStr(input->relation->population)) != 0)
			refuse_query(REFUSE_POPULATIONS, context, level->query);
		result->relids = list_concat_unique_oid(result->relids, input->relids);
		result->max_groups = Max(result->max_groups, input->max_groups);
		result->max_rows = Max(result->max_rows, input->max_rows);
	}
	result->unique = join_is_unique(level, &result->proofs);
}

/* Is the column never NULL?  What is believed is checked again at execution. */
static bool
column_not_null(Oid relid, AttrNumber attno)
{
	if (!policy_not_null(relid, attno))
		return false;
	planning_believe(relid, attno);
	return true;
}

static bool
var_not_null(Level *level, Var *var)
{
	RangeTblEntry *rte;
	ListCell   *lc;

	if (var->varlevelsup != 0)
		return false;

	/* A strict condition in WHERE, or membership in the unit. */
	foreach(lc, find_nonnullable_vars(level->query->jointree->quals))
	{
		if (equal(lfirst(lc), var))
			return true;
	}
	if (bms_is_member(var->varno, level->nullable))
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_RELATION)
		return var->varattno > 0 && column_not_null(rte->relid, var->varattno);
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL)
	{
		TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList, var->varattno);
		Level		below = {.query = rte->subquery};

		if (tle == NULL || rte->subquery->groupingSets != NIL)
			return false;
		for (int i = 1; i <= list_length(rte->subquery->rtable); i++)
		{
			/* without its inputs at hand, trust base columns only without outer joins */
			if (rt_fetch(i, rte->subquery->rtable)->rtekind == RTE_JOIN &&
				rt_fetch(i, rte->subquery->rtable)->jointype != JOIN_INNER)
				return false;
		}
		return expression_not_null(&below, (Node *) tle->expr);
	}
	return false;
}

/*
 * Is the expression known not to be NULL, from the schema and the query alone?
 * A nullable argument costs one more coordinate: how many values there are.
 */
bool
expression_not_null(Level *level, Node *node)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Const:
			return !((Const *) node)->constisnull;
		case T_Var:
			return var_not_null(level, (Var *) node);
		case T_RelabelType:
			return expression_not_null(level, (Node *) ((RelabelType *) node)->arg);
		case T_NullTest:
		case T_BooleanTest:
			return true;
		case T_Aggref:
			return strcmp(get_func_name(((Aggref *) node)->aggfnoid), "count") == 0;
		case T_FuncExpr:
			{
				FuncExpr   *func = (FuncExpr *) node;

				/* a cast that cannot fail keeps values */
				if ((func->funcformat != COERCE_EXPLICIT_CAST &&
					 func->funcformat != COERCE_IMPLICIT_CAST) ||
					function_verdict(func->funcid) != FUNCTION_SAFE)
					return false;
				foreach(lc, func->args)
				{
					if (!expression_not_null(level, lfirst(lc)))
						return false;
				}
				return func->args != NIL;
			}
		case T_CoalesceExpr:
			foreach(lc, ((CoalesceExpr *) node)->args)
			{
				if (expression_not_null(level, lfirst(lc)))
					return true;
			}
			return false;
		case T_CaseExpr:
			foreach(lc, ((CaseExpr *) node)->args)
			{
				if (!expression_not_null(level, (Node *) lfirst_node(CaseWhen, lc)->result))
					return false;
			}
			return expression_not_null(level, (Node *) ((CaseExpr *) node)->defresult);
		default:
			return false;
	}
}
