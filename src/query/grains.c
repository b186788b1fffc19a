/*
 * grains.c
 *		Conditions on time are rounded to the grain of their column.
 *
 * Dashboards ask for the last six hours, each second for others.  Where the DBA has declared a grain
 * (dp_agg.set_grain()), "at >= now() - interval '6 hours'" reads
 *
 *		at >= dp_agg.grain_end(now() - interval '6 hours', '1 hour', '>=', 'visits.at')
 *
 * which is true of at least the rows that were asked for, and the same all hour (spec/grain.c).  So
 * the question is the same all hour.  What is rounded is an expression, and not its value: a plan
 * serves all moments and all parameters.
 *
 * It is done before anything else is done with the query, to comparisons of a column with what is the
 * same in all rows, in WHERE and ON, by themselves or below AND, OR and NOT.  Below NOT the opposite
 * condition is what is asked for, and grows.  The column may come through views, sub-selects and CTEs that
 * only hand it on.  What is asked of groups (HAVING, or above them) and of a policy stays as it is.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "query/calls.h"
#include "query/equalities.h"
#include "query/grains.h"
#include "query/questions.h"
#include "spec/grain.h"

/* A query that is walked through, and the one around it. */
typedef struct GrainLevel
{
	RewriteContext *context;
	Query	   *query;
	struct GrainLevel *outer;
} GrainLevel;

/* A column that has a grain. */
typedef struct GrainColumn
{
	Oid			relid;
	AttrNumber	attno;
	const Interval *grain;
} GrainColumn;

/* ----------
 * Which column
 * ----------
 */

static bool find_column(GrainLevel *level, Node *node, GrainColumn *column);

/* Does a query hand its rows on, so that a column of it is a column of these? */
static bool
hands_on(const Query *query)
{
	return query->commandType == CMD_SELECT && !query->hasAggs && query->groupClause == NIL &&
		query->groupingSets == NIL && query->havingQual == NULL && query->distinctClause == NIL &&
		query->setOperations == NULL && query->limitCount == NULL && query->limitOffset == NULL;
}

/* The column that a column of a sub-select is. */
static bool
find_below(GrainLevel *outer, Query *query, AttrNumber attno, GrainColumn *column)
{
	GrainLevel	level = {.context = outer->context,.query = query,.outer = outer};
	TargetEntry *tle;

	check_stack_depth();
	if (!hands_on(query))
		return false;
	tle = get_tle_by_resno(query->targetList, attno);
	return tle != NULL && find_column(&level, (Node *) tle->expr, column);
}

/* The same of a CTE, which stands in the query "depth" levels up. */
static bool
find_in_cte(GrainLevel *level, const RangeTblEntry *rte, AttrNumber attno, GrainColumn *column)
{
	ListCell   *lc;

	for (Index depth = rte->ctelevelsup; depth > 0 && level != NULL; depth--)
		level = level->outer;
	if (level == NULL || rte->self_reference)
		return false;
	foreach(lc, level->query->cteList)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (strcmp(cte->ctename, rte->ctename) == 0)
			return !cte->cterecursive && find_below(level, castNode(Query, cte->ctequery), attno, column);
	}
	return false;
}

/* Is the expression a column of a protected relation with a grain?  Which one, in *column. */
static bool
find_column(GrainLevel *level, Node *node, GrainColumn *column)
{
	Var		   *var = (Var *) strip_relabel(node);
	const RangeTblEntry *rte;

	if (!IsA(var, Var) || var->varattno <= 0)
		return false;
	for (Index depth = var->varlevelsup; depth > 0 && level != NULL; depth--)
		level = level->outer;
	if (level == NULL)
		return false;
	rte = rt_fetch(var->varno, level->query->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (!is_private_relation(level->context, rte))
				return false;
			*column = (GrainColumn) {rte->relid, var->varattno,
				policy_grain(policy_lookup(rte->relid), var->varattno)};
			return column->grain != NULL;
		case RTE_SUBQUERY:
			return find_below(level, rte->subquery, var->varattno, column);
		case RTE_JOIN:
			return find_column(level, list_nth(rte->joinaliasvars, var->varattno - 1), column);
		case RTE_CTE:
			return find_in_cte(level, rte, var->varattno, column);
		default:
			return false;
	}
}

/* ----------
 * What it is compared with
 * ----------
 */

/* Is there anything that is not the same in all rows? */
static bool
differs_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_SubLink:
		case T_Query:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
			return true;
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		default:
			return expression_tree_walker(node, differs_walker, context);
	}
}

static bool
is_time_type(Oid type)
{
	return type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID;
}

/* Is the expression a time that is the same in all rows, and not NULL as it is written? */
static bool
is_fixed_time(Node *node)
{
	return is_time_type(exprType(node)) && !differs_walker(node, NULL) &&
		!contain_volatile_functions(node) &&
		!(IsA(node, Const) && ((Const *) node)->constisnull);
}

static Node *
text_const(const char *value)
{
	return (Node *) makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(value), false, false);
}

/* dp_agg.grain_end() around an expression, for an operator; zoned: as a moment. */
static Node *
end_of_grain(Node *expr, const GrainColumn *column, const char *op, bool zoned)
{
	Interval   *grain = palloc(sizeof(Interval));
	char	   *label = psprintf("%s.%s", get_rel_name(column->relid),
								 get_attname(column->relid, column->attno, false));
	FuncExpr   *result;

	*grain = *column->grain;
	result = (FuncExpr *) call_of_rewriter(zoned ? DP_FUNC_GRAIN_END_ZONED : DP_FUNC_GRAIN_END, exprType(expr),
										   zoned ? TIMESTAMPTZOID : exprType(expr), expr);
	result->args = lappend(result->args, makeConst(INTERVALOID, -1, InvalidOid, sizeof(Interval),
												   IntervalPGetDatum(grain), false, false));
	result->args = lappend(result->args, text_const(op));
	result->args = lappend(result->args, text_const(label));
	result->location = exprLocation(expr);
	return (Node *) result;
}

/* Does a constant lie at the end of a grain already? */
static bool
is_end_already(Node *expr, Node *end)
{
	const Const *asked = (Const *) strip_relabel(expr);
	const Const *became;

	if (!IsA(asked, Const) || exprType(expr) != exprType(end))
		return false;
	became = (Const *) evaluate_expr((Expr *) end, exprType(end), -1, InvalidOid);
	return asked->consttype == DATEOID ?
		DatumGetDateADT(asked->constvalue) == DatumGetDateADT(became->constvalue) :
		DatumGetTimestamp(asked->constvalue) == DatumGetTimestamp(became->constvalue);
}

/* ----------
 * Conditions
 * ----------
 */

/* Operators by btree strategies. */
static const char *const operator_names[] = {NULL, "<", "<=", NULL, ">=", ">"};

/* The opposite of each. */
static const int opposites[] = {0, BTGreaterEqualStrategyNumber, BTGreaterStrategyNumber, 0,
	BTLessStrategyNumber, BTLessEqualStrategyNumber};

/* Rounds a comparison, in place, if it is one of a column with a grain.  holds: it is not below NOT. */
static void
round_comparison(GrainLevel *level, OpExpr *op, bool holds)
{
	bool		left;
	Node	   *node;
	Node	   *other;
	Node	   *end;
	GrainColumn column;
	int			strategy;
	bool		zoned;

	if (list_length(op->args) != 2 || op->opno >= FirstNormalObjectId)
		return;
	left = find_column(level, linitial(op->args), &column);
	if (!left && !find_column(level, lsecond(op->args), &column))
		return;
	node = strip_relabel(left ? linitial(op->args) : lsecond(op->args));
	other = left ? lsecond(op->args) : linitial(op->args);
	if (!is_time_type(getBaseType(exprType(node))) || !is_fixed_time(other))
		return;
	strategy = get_op_opfamily_strategy(op->opno, equality_family(TIMESTAMPTZOID));
	if (strategy < 1 || strategy > BTMaxStrategyNumber || operator_names[strategy] == NULL)
		return;
	zoned = getBaseType(exprType(node)) == TIMESTAMPTZOID && exprType(other) == TIMESTAMPOID;
	if (zoned)
	{
		op->opno = get_opfamily_member(equality_family(TIMESTAMPTZOID), TIMESTAMPTZOID, TIMESTAMPTZOID, strategy);
		op->opfuncid = InvalidOid;
		set_opfuncid(op);
	}
	if (!left)
		strategy = BTMaxStrategyNumber + 1 - strategy;
	if (!holds)
		strategy = opposites[strategy];
	end = end_of_grain(other, &column, operator_names[strategy], zoned);
	if (!is_end_already(other, end))
		lfirst(list_nth_cell(op->args, left ? 1 : 0)) = end;
}

/* Rounds the comparisons that a condition is made of. */
static void
round_condition(GrainLevel *level, Node *node, bool holds)
{
	ListCell   *lc;

	if (node == NULL)
		return;
	check_stack_depth();
	if (IsA(node, OpExpr))
		round_comparison(level, (OpExpr *) node, holds);
	else if (IsA(node, BoolExpr))
	{
		if (((BoolExpr *) node)->boolop == NOT_EXPR)
			holds = !holds;
		foreach(lc, ((BoolExpr *) node)->args)
			round_condition(level, lfirst(lc), holds);
	}
	else if (IsA(node, List))
	{
		foreach(lc, (List *) node)
			round_condition(level, lfirst(lc), holds);
	}
}

/* The same of all conditions of a join tree. */
static void
round_join_tree(GrainLevel *level, Node *node)
{
	ListCell   *lc;

	if (node == NULL)
		return;
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			round_join_tree(level, lfirst(lc));
		round_condition(level, ((FromExpr *) node)->quals, true);
	}
	else if (IsA(node, JoinExpr))
	{
		round_join_tree(level, ((JoinExpr *) node)->larg);
		round_join_tree(level, ((JoinExpr *) node)->rarg);
		round_condition(level, ((JoinExpr *) node)->quals, true);
	}
}

/* Walks to the queries in a query; policies, in its range table, stay as they are. */
static bool
query_walker(Node *node, GrainLevel *outer)
{
	GrainLevel	level = {.context = outer->context,.query = (Query *) node,.outer = outer};
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, query_walker, outer);
	if (outer->query == NULL)
		level.outer = NULL;
	round_join_tree(&level, (Node *) level.query->jointree);
	(void) query_tree_walker(level.query, query_walker, &level, QTW_IGNORE_RANGE_TABLE);
	foreach(lc, level.query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_SUBQUERY)
			(void) query_walker((Node *) rte->subquery, &level);
		else if (rte->rtekind == RTE_FUNCTION)
			(void) query_walker((Node *) rte->functions, &level);
	}
	return false;
}

/*
 * Rounds conditions on time, at all levels of a query, in place.  Each is true of at least the rows
 * that it was true of.  Raises no error.
 */
void
round_to_grains(RewriteContext *context, Query *query)
{
	GrainLevel	none = {.context = context};

	(void) query_walker((Node *) query, &none);
}

/* ----------
 * What is proved from conditions
 * ----------
 */

/* Is it a call that round_to_grains() has made? */
bool
is_grain_end(const FuncExpr *func)
{
	DpFunction	ours;

	if (!IsA(func, FuncExpr) || func->funcid < FirstNormalObjectId || !is_call_of_rewriter(func))
		return false;
	ours = extension_function(func->funcid);
	return ours == DP_FUNC_GRAIN_END || ours == DP_FUNC_GRAIN_END_ZONED;
}

/* Does the value depend on the session's time zone? */
static bool
depends_on_zone(const FuncExpr *call)
{
	const Const *grain = lsecond_node(Const, call->args);

	return call->funcresulttype == TIMESTAMPTZOID &&
		(exprType(linitial(call->args)) != TIMESTAMPTZOID ||
		 grain_needs_days(DatumGetIntervalP(grain->constvalue)));
}

/* How far from what it was, at most, something is that was rounded, in microseconds. */
double
grain_reach(const FuncExpr *call)
{
	return grain_longest(DatumGetIntervalP(lsecond_node(Const, call->args)->constvalue));
}

/* The first argument, moved away by the grain: it is beyond its end in any time zone. */
static Node *
beyond_grain(FuncExpr *call)
{
	Const	   *result = copyObject(linitial_node(Const, call->args));
	const char *op = TextDatumGetCString(lthird_node(Const, call->args)->constvalue);
	double		moment = (double) DatumGetTimestampTz(result->constvalue);

	moment += op[0] == '>' ? -grain_reach(call) : grain_reach(call);
	if (moment <= (double) MIN_TIMESTAMP || moment >= (double) (END_TIMESTAMP - 1))
		return (Node *) call;
	result->constvalue = TimestampTzGetDatum((TimestampTz) moment);
	return (Node *) result;
}

/*
 * A constant that was rounded, as a constant, for what is proved from a condition; any other expression
 * as it is.  A plan outlives SET timezone, and a proof has to.  So the end of a day, which is that of a zone
 * when the release runs, is taken to be further away than it is in any.
 */
Node *
known_grain_end(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;
	const Const *asked;

	if (!is_grain_end(call) || !IsA(linitial(call->args), Const))
		return node;
	asked = linitial_node(Const, call->args);
	if (asked->constisnull || exprType((Node *) asked) != call->funcresulttype)
		return node;
	if (depends_on_zone(call))
		return TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(asked->constvalue)) ? node : beyond_grain(call);
	return (Node *) evaluate_expr((Expr *) call, call->funcresulttype, -1, InvalidOid);
}
