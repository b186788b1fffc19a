/*
 * deferred.c
 *		Bounds that follow from parameters of a prepared statement, when it is executed.
 *
 * A plan that serves all values of a parameter cannot have bounds of cost * $1.  It has the
 * expression in their place, whose columns are leaves: numbered parameters with an interval each.
 * The same derivation gives the same bounds there, once the values are known.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/errors.h"
#include "policy/extension.h"
#include "query/constants.h"
#include "query/deferred.h"
#include "query/derive.h"
#include "query/operations.h"
#include "query/ranges.h"

PG_FUNCTION_INFO_V1(dp_derived_bound);

/* Arguments of dp_derived_bound() before the statement's parameters. */
#define DERIVED_FIRST_PARAMETER 3

/* Numbers per leaf; one more in front of all. */
#define LEAF_NUMBERS 3

typedef struct Leaf
{
	Node	   *node;
	Query	   *query;			/* whose it is */
	Range		range;
} Leaf;

typedef struct Closing
{
	PlannerInfo *root;
	Level	   *level;
	double		rows;			/* the most rows of the level that an individual has */
	Expr	   *filter;			/* of the aggregate, or NULL */
	double	   *most_rows;		/* of all levels with sums */
	List	  **leaves;			/* of Leaf */
	List	  **parameters;		/* of Param */
} Closing;

/* ----------
 * Where the query is planned
 * ----------
 */

/* The leaf that stands for an expression of the level whose interval is known. */
static Node *
leaf(Closing *closing, Node *node, Range range)
{
	int			number = 0;
	Leaf	   *found = NULL;
	Param	   *result = makeNode(Param);
	ListCell   *lc;

	foreach(lc, *closing->leaves)
	{
		found = lfirst(lc);
		if (found->query == closing->level->query && equal(found->node, node))
			break;
		found = NULL;
		number++;
	}
	if (found == NULL)
	{
		found = palloc(sizeof(Leaf));
		*found = (Leaf) {node, closing->level->query, range};
		*closing->leaves = lappend(*closing->leaves, found);
	}
	result->paramkind = PARAM_EXEC;
	result->paramid = number;
	result->paramtype = exprType(node);
	result->paramtypmod = exprTypmod(node);
	result->paramcollid = exprCollation(node);
	result->location = -1;
	return (Node *) result;
}

/* The statement's parameter, numbered from 1 on as it stands among the arguments. */
static Node *
numbered(Closing *closing, Param *param)
{
	Param	   *result = copyObject(param);
	int			number = 1;
	ListCell   *lc;

	foreach(lc, *closing->parameters)
	{
		if (((Param *) lfirst(lc))->paramid == param->paramid)
			break;
		number++;
	}
	if (lc == NULL)
		*closing->parameters = lappend(*closing->parameters, copyObject(param));
	result->paramid = number;
	return (Node *) result;
}

static Node *close_expression(Node *node, Closing *closing);

/* A column of a sub-select that rests on parameters: the expression that it is there. */
static Node *
close_below(Closing *closing, Var *var)
{
	Closing		inner = *closing;
	Level		below;
	Node	   *expr = below_column(closing->level, var, &below, &inner.rows);

	if (expr == NULL)
		return leaf(closing, (Node *) var, range_everything());
	inner.level = &below;
	inner.filter = NULL;
	return close_expression(expr, &inner);
}

/* An aggregate per individual that rests on parameters: what its FILTER says is in the leaves. */
static Node *
close_aggregate(Closing *closing, Aggref *aggref)
{
	Closing		inner = *closing;
	Aggref	   *result = copyObject(aggref);

	if (aggregate_of(aggref->aggfnoid) == RANGE_AGGREGATE_SUM)
		*closing->most_rows = Max(*closing->most_rows, closing->rows);
	inner.filter = aggref->aggfilter;
	result->args = (List *) close_expression((Node *) aggref->args, &inner);
	result->aggfilter = NULL;
	return (Node *) result;
}

/* The expression with leaves in the place of all that is known. */
static Node *
close_expression(Node *node, Closing *closing)
{
	bool		unknown = false;
	Range		range;

	if (node == NULL)
		return NULL;
	switch (nodeTag(node))
	{
		case T_Param:
			return ((Param *) node)->paramkind == PARAM_EXTERN ?
				numbered(closing, (Param *) node) : leaf(closing, node, range_everything());
		case T_Var:
		case T_Aggref:
		case T_SubLink:
			range = derive_range(closing->root, closing->level, closing->rows, closing->filter, node,
								 &unknown);
			if (!unknown || IsA(node, SubLink))
				return leaf(closing, node, range);
			if (IsA(node, Var))
				return close_below(closing, (Var *) node);
			return close_aggregate(closing, (Aggref *) node);
		default:
			break;
	}
	return expression_tree_mutator(node, close_expression, closing);
}

/* The leaves as an array: most_rows, and the numbers of each. */
static Node *
leaves_const(double most_rows, List *leaves)
{
	int			n = 0;
	Datum	   *numbers = palloc((1 + LEAF_NUMBERS * list_length(leaves)) * sizeof(Datum));
	ListCell   *lc;

	numbers[n++] = Float8GetDatum(most_rows);
	foreach(lc, leaves)
	{
		Range		range = ((Leaf *) lfirst(lc))->range;

		numbers[n++] = Float8GetDatum(range.lower);
		numbers[n++] = Float8GetDatum(range.upper);
		numbers[n++] = Float8GetDatum(range.step);
	}
	return (Node *) makeConst(FLOAT8ARRAYOID, -1, InvalidOid, -1,
							  PointerGetDatum(construct_array(numbers, n, FLOAT8OID, sizeof(float8),
															  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
							  false, false);
}

/*
 * Expressions that give the bounds of an aggregate's argument (node) when its parameters are known.  They
 * raise ERRCODE_DP_BOUNDS if none follow.
 */
void
defer_bounds(RewriteContext *context, Level *level, Aggref *aggref, Node *node, Node **lower,
			 Node **upper)
{
	double		most_rows = 0;
	List	   *leaves = NIL;
	List	   *parameters = NIL;
	Closing		closing = {context->root, level, INFINITY, aggref->aggfilter, &most_rows, &leaves, &parameters};
	Node	   *closed = close_expression(node, &closing);
	Node	   *tree = (Node *) makeConst(PG_NODE_TREEOID, -1, InvalidOid, -1,
										  CStringGetTextDatum(nodeToString(closed)), false, false);
	Node	   *numbers = leaves_const(most_rows, leaves);
	Node	  **results[] = {lower, upper};

	for (int i = 0; i < (int) lengthof(results); i++)
	{
		Node	   *which = (Node *) makeConst(INTERNALOID, -1, InvalidOid, SIZEOF_DATUM,
											   Int32GetDatum(i), false, true);

		*results[i] = (Node *) makeFuncExpr(extension_oid(DP_FUNC_DERIVED_BOUND, InvalidOid),
											FLOAT8OID,
											list_concat(list_make3(which, copyObject(tree), copyObject(numbers)),
														copyObject(parameters)),
											InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	}
}

/* ----------
 * Where it is executed
 * ----------
 */

/* The statement's parameters, as the planner takes them. */
static ParamListInfo
read_parameters(FunctionCallInfo fcinfo)
{
	int			n = PG_NARGS() - DERIVED_FIRST_PARAMETER;
	ParamListInfo result = makeParamList(n);

	for (int i = 0; i < n; i++)
	{
		NullableDatum *argument = &fcinfo->args[DERIVED_FIRST_PARAMETER + i];

		result->params[i].value = argument->value;
		result->params[i].isnull = argument->isnull;
		result->params[i].pflags = PARAM_FLAG_CONST;
		result->params[i].ptype = get_fn_expr_argtype(fcinfo->flinfo, DERIVED_FIRST_PARAMETER + i);
	}
	return result;
}

/* A PlannerInfo to simplify expressions with parameters of these values. */
static PlannerInfo *
root_with(ParamListInfo params)
{
	PlannerInfo *root = makeNode(PlannerInfo);

	root->parse = makeNode(Query);
	root->glob = makeNode(PlannerGlobal);
	root->glob->boundParams = params;
	root->query_level = 1;
	root->planner_cxt = CurrentMemoryContext;
	return root;
}

/* The leaves of leaves_const(). */
static Range *
read_leaves(ArrayType *array, double *most_rows, int *nleaves)
{
	const double *numbers = (const double *) ARR_DATA_PTR(array);
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	Range	   *result = palloc((n / LEAF_NUMBERS + 1) * sizeof(Range));

	*nleaves = n / LEAF_NUMBERS;
	*most_rows = n > 0 ? numbers[0] : INFINITY;
	for (int i = 0; i < *nleaves; i++)
		result[i] = (Range) {numbers[1 + LEAF_NUMBERS * i], numbers[2 + LEAF_NUMBERS * i],
			numbers[3 + LEAF_NUMBERS * i]};
	return result;
}

/*
 * derived_bound(0 or 1::internal, expression, leaves, parameters ...) returns double precision
 *
 * What defer_bounds() puts in the place of the lower bound (0) or the upper one (1).  Raises
 * ERRCODE_DP_BOUNDS if none follows.
 */
PGDLLEXPORT Datum
dp_derived_bound(PG_FUNCTION_ARGS)
{
	int			which = DatumGetInt32(PG_GETARG_DATUM(0));
	Node	   *node = stringToNode(TextDatumGetCString(PG_GETARG_DATUM(1)));
	double		most_rows;
	int			nleaves;
	Range	   *leaves = read_leaves(PG_GETARG_ARRAYTYPE_P(2), &most_rows, &nleaves);
	PlannerInfo *root = root_with(read_parameters(fcinfo));
	double		lower;
	double		upper;

	if (!range_as_bounds(derive_closed(root, node, most_rows, leaves, nleaves), &lower, &upper))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("no bounds follow for an argument with these parameters from those of its columns"),
				 errhint("Give bounds, as in dp_avg(x, lower, upper) where x is the expression, or declare them for its columns with dp_agg.set_bounds().")));
	if (which == 0)
		ereport(DEBUG1, (errmsg_internal("bounds %.17g and %.17g follow", lower, upper)));
	PG_RETURN_FLOAT8(which == 0 ? lower : upper);
}
