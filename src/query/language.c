/*
 * language.c
 *		The language below a release: which expressions, and guarded.
 *
 * guard_expression() copies an expression, refusing what is not on the list
 * and putting guarded() around functions that may fail.  Columns are judged in columns.c,
 * constants in constants.c, calls in calls.c, arrays in arrays.c, sums in orderless.c,
 * types and collations in checks.c, ties of sub-selects in tied.c, whole queries in below.c.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "policy/extension.h"
#include "query/arrays.h"
#include "query/below.h"
#include "query/calls.h"
#include "query/checks.h"
#include "query/columns.h"
#include "query/constants.h"
#include "query/identifiers.h"
#include "query/language.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/orderless.h"
#include "query/questions.h"
#include "query/refuse.h"
#include "query/session_values.h"
#include "query/tied.h"
#include "query/unused.h"
#include "query/windows.h"

/* The most bytes of an array that is only searched, and so gets into no row. */
#define WIDEST_SEARCHED (MaxAllocSize / 2)

/* The walk through one expression. */
typedef struct LanguageContext
{
	RewriteContext *rewrite;
	Level	   *level;			/* whose expression it is */
	bool		aggregates;		/* standard aggregates are allowed */
	bool		sublink_params; /* the walk is inside the test expression of IN */
	bool		session;		/* there are values of the session's in the expression */
	bool		settled;		/* the walk is inside an expression that is computed before */
	List	   *units;			/* columns (Var *) that stand where the unit may */
} LanguageContext;

static Node *guard_mutator(Node *node, LanguageContext *context);

/* Guarded copies of the expressions of a list. */
static List *
guard_list(List *list, LanguageContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, list)
		result = lappend(result, guard_mutator(lfirst(lc), context));
	return result;
}

/* A sub-select in a condition below a release. */
static Node *
guard_sublink(SubLink *sublink, LanguageContext *context)
{
	SubLink    *copy = copyObject(sublink);
	Query	   *query = castNode(Query, copy->subselect);
	bool		one_row;
	Individuals *inner = NULL;
	bool		saved = context->sublink_params;

	fold_limits(context->rewrite, query);
	one_row = yields_one_row(query);
	if (sublink->subLinkType != EXISTS_SUBLINK && sublink->subLinkType != ANY_SUBLINK &&
		sublink->subLinkType != EXPR_SUBLINK)
		refuse(REFUSE_SUBLINK, context->rewrite->source, sublink->location);
	if (sublink->subLinkType == EXPR_SUBLINK && !one_row)
		refuse(REFUSE_SUBLINK, context->rewrite->source, sublink->location);
	if (sublink->subLinkType == EXISTS_SUBLINK && one_row && !query->hasAggs &&
		DatumGetInt64(((Const *) query->limitCount)->constvalue) == 1)
		query->limitCount = NULL;	/* EXISTS does not care how many */

	if (sublink->subLinkType == EXISTS_SUBLINK)
		drop_identifiers(query, NULL);
	if (mentions_private(context->rewrite, query))
		inner = process_query(context->rewrite, query, context->level);
	if (inner == NULL)
		guard_query(context->rewrite, query, context->level);
	else if (sublink->subLinkType == EXPR_SUBLINK)
		refuse(REFUSE_SUBLINK, context->rewrite->source, sublink->location);
	else
		check_tied(context->rewrite, context->level, sublink, query, inner);

	context->sublink_params = true;
	if (inner != NULL)
		context->units = list_concat(context->units,
									 in_units(context->level, copy->testexpr, query, inner));
	copy->testexpr = guard_mutator(copy->testexpr, context);
	context->sublink_params = saved;
	return (Node *) copy;
}

/* A standard aggregate over the rows of one individual, or over public rows. */
static Node *
guard_aggregate(Aggref *aggref, LanguageContext *context)
{
	Aggref	   *copy = copyObject(aggref);
	bool		adds;
	ListCell   *lc;

	if (!context->aggregates || aggref->agglevelsup != 0 ||
		aggref->aggkind != AGGKIND_NORMAL || aggref->aggvariadic ||
		!aggregate_is_allowed(aggref->aggfnoid, &adds))
		refuse(REFUSE_AGGREGATE_BELOW, context->rewrite->source, aggref->location);
	check_type(context->rewrite, (Node *) aggref);
	if (aggref->args != NIL)
	{
		Node	   *first = (Node *) linitial_node(TargetEntry, aggref->args)->expr;

		check_comparable(context->rewrite, first);
		check_input_collation(context->rewrite, aggref->inputcollid, list_make1(first),
							  (Node *) aggref);
	}
	check_clauses(context->rewrite, aggref->aggorder, aggref->args);
	check_clauses(context->rewrite, aggref->aggdistinct, aggref->args);

	foreach(lc, copy->args)
	{
		TargetEntry *tle = lfirst(lc);
		Var		   *unit = bare_unit(context->level, (Node *) tle->expr);

		if (unit != NULL && aggregate_counts(aggref))
			context->units = lappend(context->units, unit);
		tle->expr = (Expr *) guard_mutator((Node *) tle->expr, context);
	}
	copy->aggfilter = (Expr *) guard_mutator((Node *) aggref->aggfilter, context);
	if (copy->aggtype == TEXTOID || copy->aggtype == BPCHAROID)
	{
		/* min and max copy a stored text, which may be wide */
		return narrow_text(orderless_aggregate(context->rewrite, copy, adds));
	}
	return orderless_aggregate(context->rewrite, copy, adds);
}

/* A window function over the rows of one individual, which windows.c has judged. */
static Node *
guard_window(WindowFunc *window, LanguageContext *context)
{
	WindowFunc *copy = copyObject(window);
	Node	   *result;
	ListCell   *lc;

	if (!context->level->windows)
		refuse(REFUSE_WINDOW_BELOW, context->rewrite->source, window->location);
	check_type(context->rewrite, (Node *) window);
	check_input_collation(context->rewrite, window->inputcollid, window->args, (Node *) window);
	foreach(lc, copy->args)
	{
		Var		   *unit = bare_unit(context->level, lfirst(lc));

		if (window->winagg)
			check_comparable(context->rewrite, lfirst(lc));
		if (unit != NULL && window->winagg && window->winfnoid == F_COUNT_ANY)
			context->units = lappend(context->units, unit);
		lfirst(lc) = guard_mutator(lfirst(lc), context);
	}
	copy->aggfilter = (Expr *) guard_mutator((Node *) copy->aggfilter, context);
	result = orderless_window(context->rewrite, copy);
	if (window->winagg && (window->wintype == TEXTOID || window->wintype == BPCHAROID))
		return narrow_text(result);
	return result;
}

/*
 * ARRAY[...], of at most "widest" bytes.  One of several dimensions is refused: it fails for a row
 * where those of its elements differ.
 */
static Node *
guard_array(ArrayExpr *array, LanguageContext *context, Size widest)
{
	ArrayExpr  *copy = copyObject(array);

	check_type(context->rewrite, (Node *) array);
	if (array->multidims)
		refuse(REFUSE_EXPRESSION, context->rewrite->source, array->location);
	copy->elements = guard_list(array->elements, context);
	if (!context->settled)		/* else it is looked at when it has a value */
		settle_array(context->rewrite, copy, widest);
	return (Node *) copy;
}

/*
 * The array of x = ANY(array).  It is searched and gets into no row, so it may be wide.  Where x
 * is a varchar the parser casts the array element by element, which changes no value.
 */
static Node *
searched_array(Node *array, LanguageContext *context)
{
	if (context->session && is_of_session(array))
		return guard_mutator(array, context);
	if (IsA(array, ArrayExpr))
		return guard_array((ArrayExpr *) array, context, WIDEST_SEARCHED);
	if (IsA(array, Const))
	{
		check_type(context->rewrite, array);
		return copyObject(array);
	}
	if (IsA(array, ArrayCoerceExpr))
	{
		ArrayCoerceExpr *copy = copyObject((ArrayCoerceExpr *) array);

		if (!IsA(copy->elemexpr, RelabelType) ||
			!IsA(((RelabelType *) copy->elemexpr)->arg, CaseTestExpr))
			refuse_function(context->rewrite, array);
		check_type(context->rewrite, array);
		check_collation(context->rewrite, copy->resultcollid, array);
		copy->arg = (Expr *) searched_array((Node *) copy->arg, context);
		return (Node *) copy;
	}
	return guard_mutator(array, context);
}

/* x = ANY(array) and x <> ALL(array). */
static Node *
guard_search(ScalarArrayOpExpr *op, LanguageContext *context)
{
	ScalarArrayOpExpr *copy = copyObject(op);
	Node	   *left;
	Node	   *array;

	check_operator(context->rewrite, op->opno, (Node *) op);
	set_sa_opfuncid(copy);
	check_input_collation(context->rewrite, op->inputcollid, list_make1(linitial(op->args)),
						  (Node *) op);
	left = guard_mutator(linitial(op->args), context);
	array = searched_array(lsecond(op->args), context);
	switch (function_verdict(copy->opfuncid))
	{
		case FUNCTION_SAFE:
			copy->args = list_make2(left, array);
			return (Node *) copy;
		case FUNCTION_GUARDED:
			return expand_search(context->rewrite, copy, left, array);
		default:
			refuse_operator(context->rewrite, op->opno, op->location);
	}
	return NULL;
}

/* One element of an array: reading it cannot fail, but a text may be wide. */
static Node *
guard_element(SubscriptingRef *ref, LanguageContext *context)
{
	SubscriptingRef *copy = copyObject(ref);
	Oid			element = get_element_type(getBaseType(ref->refcontainertype));
	bool		text = element == TEXTOID || element == VARCHAROID || element == BPCHAROID;

	if (ref->refassgnexpr != NULL || ref->reflowerindexpr != NIL || !OidIsValid(element) ||
		element != ref->refrestype || (get_typlen(element) <= 0 && !text))
		refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation((Node *) ref));
	check_type(context->rewrite, (Node *) ref);
	copy->refexpr = (Expr *) guard_mutator((Node *) ref->refexpr, context);
	copy->refupperindexpr = guard_list(ref->refupperindexpr, context);
	return text ? narrow_text((Node *) copy) : (Node *) copy;
}

/* (a, b) < (c, d): the operators decide, and none may fail. */
static Node *
guard_row_comparison(RowCompareExpr *row, LanguageContext *context)
{
	RowCompareExpr *copy = copyObject(row);
	ListCell   *lo;
	ListCell   *ll;
	ListCell   *lr;
	ListCell   *lc;

	copy->largs = guard_list(row->largs, context);
	copy->rargs = guard_list(row->rargs, context);
	forfour(lo, copy->opnos, ll, copy->largs, lr, copy->rargs, lc, copy->inputcollids)
	{
		check_operator(context->rewrite, lfirst_oid(lo), lfirst(ll));
		check_comparable(context->rewrite, lfirst(ll));
		check_input_collation(context->rewrite, lfirst_oid(lc),
							  list_make2(lfirst(ll), lfirst(lr)), lfirst(ll));
		if (function_verdict(get_opcode(lfirst_oid(lo))) != FUNCTION_SAFE)
			refuse_operator(context->rewrite, lfirst_oid(lo), exprLocation(lfirst(ll)));
	}
	return (Node *) copy;
}

/* Does a call make a tsvector or a tsquery, or look a configuration of text search up? */
static bool
makes_search_terms(Oid resulttype, List *args)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		if (exprType(lfirst(lc)) == REGCONFIGOID)
			return true;
	}
	return resulttype == TSVECTOROID || resulttype == TSQUERYOID;
}

/*
 * The arguments of tsvector @@ tsquery, in either order: a column, which is read as it is, and a
 * query that is known before there is a row.  Making a tsvector of a text looks dictionaries up.
 */
static List *
searched_texts(List *args, Node *node, LanguageContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = lfirst(lc);

		if (exprType(arg) == TSVECTOROID && IsA(arg, Var))
		{
			result = lappend(result, guard_column(context->rewrite, context->level, (Var *) arg,
												  true, false));
			continue;
		}
		arg = eval_const_expressions(context->rewrite->root, arg);
		if (exprType(arg) != TSQUERYOID ||
			!(IsA(arg, Const) || (IsA(arg, Param) && ((Param *) arg)->paramkind == PARAM_EXTERN)))
			refuse(REFUSE_TEXT_SEARCH, context->rewrite->source, exprLocation(node));
		result = lappend(result, arg);
	}
	return result;
}

/*
 * A call of a function or operator.  Built-in SQL functions are inlined by the planner's
 * own simplification.
 */
static Node *
guard_function(Node *node, Oid funcid, Oid resulttype, Oid resultcollid, Oid inputcollid,
			   List *args, LanguageContext *context)
{
	if (funcid < FirstNormalObjectId && function_verdict(funcid) == FUNCTION_REFUSED &&
		function_is_sql(funcid))
	{
		Node	   *folded = eval_const_expressions(context->rewrite->root, node);

		if (!equal(folded, node))
			return guard_mutator(folded, context);
	}
	if (makes_search_terms(resulttype, args))
		refuse(REFUSE_TEXT_SEARCH, context->rewrite->source, exprLocation(node));
	switch (funcid)
	{
		case F_TS_MATCH_VQ:
		case F_TS_MATCH_QV:
		case F_TS_MATCH_TT:
		case F_TS_MATCH_TQ:
			args = searched_texts(args, node, context);
			break;
		default:
			args = guard_list(args, context);
	}
	return guard_call(context->rewrite, node, funcid, resulttype, resultcollid, inputcollid, args);
}

/*
 * Did the rewriter put the function there?  The query of a CTE is guarded each time that the CTE
 * is named.
 *
 * A client can name the function as well; then it is a call like any other.  guarded() takes an
 * "internal", which no client has.
 */
static bool
is_already_guarded(const FuncExpr *func, DpFunction ours)
{
	switch (ours)
	{
		case DP_FUNC_GUARDED:
		case DP_FUNC_GUARDED_CAST:
			return true;
		case DP_FUNC_IMAGE:
		case DP_FUNC_TAME:
		case DP_FUNC_CANONICAL:
		case DP_FUNC_EXACT:
		case DP_FUNC_NEAREST_FLOAT4:
		case DP_FUNC_NEAREST_FLOAT8:
		case DP_FUNC_GRAIN_END:
		case DP_FUNC_GRAIN_END_ZONED:
			return is_call_of_rewriter(func);
		default:
			return false;
	}
}

/*
 * A call of a function.  Of the extension's own ones, only those that the rewriter has put there
 * may stand below a release.
 */
static Node *
guard_func(FuncExpr *func, LanguageContext *context)
{
	DpFunction	ours = extension_function(func->funcid);

	if (is_already_guarded(func, ours))
	{
		/* of a column that is only passed on */
		if (ours == DP_FUNC_IMAGE && IsA(linitial(func->args), Var))
			return copyObject((Node *) func);
		return expression_tree_mutator((Node *) func, guard_mutator, (void *) context);
	}
	if (ours != DP_FUNC_NONE || func->funcretset ||
		(func->funcvariadic && get_func_variadictype(func->funcid) == ANYOID))
		refuse_function(context->rewrite, (Node *) func);
	if (func->funcid < FirstNormalObjectId)
	{
		func = copyObject(func);
		func->args = ordered_arguments(func);
	}
	if (context->settled && function_verdict(func->funcid) == FUNCTION_OF_SESSION)
	{
		check_type(context->rewrite, (Node *) func);
		func->args = guard_list(func->args, context);
		return (Node *) func;
	}
	return guard_function((Node *) func, func->funcid, func->funcresulttype, func->funccollid,
						  func->inputcollid, func->args, context);
}

/* An operator, IS DISTINCT FROM or NULLIF. */
static Node *
guard_operator(OpExpr *op, LanguageContext *context)
{
	check_operator(context->rewrite, op->opno, (Node *) op);
	set_opfuncid(op);
	context->units = list_concat(context->units, tied_units(context->level, op));
	if (IsA(op, OpExpr))
		return guard_function((Node *) op, op->opfuncid, op->opresulttype, op->opcollid,
							  op->inputcollid, op->args, context);
	/* IS DISTINCT FROM and NULLIF need the operator itself */
	if (function_verdict(op->opfuncid) != FUNCTION_SAFE)
		refuse_operator(context->rewrite, op->opno, op->location);
	return guard_call(context->rewrite, (Node *) op, op->opfuncid, op->opresulttype,
					  op->opcollid, op->inputcollid, guard_list(op->args, context));
}

/*
 * A cast that runs no function.  A column of another extension's type may be read as the text
 * that it is stored as; other expressions of such types are judged by themselves.  NULL for
 * any other cast.
 */
static Node *
guard_same_text(RelabelType *relabel, LanguageContext *context)
{
	RelabelType *copy;

	if (!IsA(relabel->arg, Var) || type_is_allowed(exprType((Node *) relabel->arg)) ||
		!cast_is_to_same_text(exprType((Node *) relabel->arg), relabel->resulttype))
		return NULL;
	check_collation(context->rewrite, relabel->resultcollid, (Node *) relabel);
	check_type(context->rewrite, (Node *) relabel);
	copy = copyObject(relabel);
	copy->arg = (Expr *) guard_column(context->rewrite, context->level, (Var *) relabel->arg,
									  ((Var *) relabel->arg)->varlevelsup == 0,
									  list_member_ptr(context->units, relabel->arg));
	return (Node *) copy;
}

/* A parameter: the client's, or what a sub-select of IN yields. */
static Node *
guard_param(Param *param, LanguageContext *context)
{
	if (param->paramkind != PARAM_EXTERN &&
		!(param->paramkind == PARAM_SUBLINK && context->sublink_params))
		refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation((Node *) param));
	if (param->paramtype != JSONPATHOID)	/* calls.c says that it must be a constant */
		check_type(context->rewrite, (Node *) param);
	return copyObject((Node *) param);
}

/* IS [NOT] NULL of a column, whatever its type; NULL if the test is about anything else. */
static Node *
guard_null_test(NullTest *test, LanguageContext *context)
{
	NullTest   *copy;

	if (!IsA(test->arg, Var) || test->argisrow)
		return NULL;
	copy = copyObject(test);
	copy->arg = (Expr *) guard_column(context->rewrite, context->level, (Var *) test->arg, true,
									  tests_unit(context->level, (Node *) test));
	return (Node *) copy;
}

/*
 * Judges a node that stays as it is, but for its arguments.  Refuses all nodes that are not
 * listed here.
 */
static void
check_node(Node *node, LanguageContext *context)
{
	RewriteContext *rewrite = context->rewrite;

	switch (nodeTag(node))
	{
		case T_MinMaxExpr:
			check_type(rewrite, node);
			check_comparable(rewrite, node);
			check_input_collation(rewrite, ((MinMaxExpr *) node)->inputcollid,
								  ((MinMaxExpr *) node)->args, node);
			break;
		case T_RelabelType:
			check_collation(rewrite, ((RelabelType *) node)->resultcollid, node);
			check_type(rewrite, node);
			break;
		case T_CollateExpr:
			check_collation(rewrite, ((CollateExpr *) node)->collOid, node);
			break;
		case T_CaseExpr:
		case T_CoalesceExpr:
			check_type(rewrite, node);
			break;
		case T_BoolExpr:
		case T_NullTest:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_BooleanTest:
		case T_List:
		case T_TargetEntry:
			break;
		case T_SQLValueFunction:
			if (!context->settled)
				check_sql_value(rewrite, (SQLValueFunction *) node);
			break;
		default:
			refuse(REFUSE_EXPRESSION, rewrite->source, exprLocation(node));
	}
}

/* An expression of the session's values, as one value that is computed before the release. */
static Node *
guard_session_value(Node *node, LanguageContext *context)
{
	Node	   *value;

	context->settled = true;
	value = guard_mutator(node, context);
	context->settled = false;
	return settled_value(context->level->query, value);
}

/* Copies and guards an expression: see guard_expression(). */
static Node *
guard_mutator(Node *node, LanguageContext *context)
{
	Node	   *result = NULL;

	if (node == NULL)
		return NULL;
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (context->session && !context->settled && is_of_session(node))
		return guard_session_value(node, context);
	switch (nodeTag(node))
	{
		case T_Var:
			return guard_column(context->rewrite, context->level, (Var *) node, false,
								list_member_ptr(context->units, node));
		case T_Const:
			return guard_const(context->rewrite, (Const *) node);
		case T_Param:
			return guard_param((Param *) node, context);
		case T_FuncExpr:
			return guard_func((FuncExpr *) node, context);
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			return guard_operator((OpExpr *) node, context);
		case T_ScalarArrayOpExpr:
			return guard_search((ScalarArrayOpExpr *) node, context);
		case T_ArrayExpr:
			return guard_array((ArrayExpr *) node, context, GUARDED_WIDEST);
		case T_SubLink:
			return guard_sublink((SubLink *) node, context);
		case T_Aggref:
			return guard_aggregate((Aggref *) node, context);
		case T_WindowFunc:
			return guard_window((WindowFunc *) node, context);
		case T_CoerceViaIO:
			return guard_cast(context->rewrite, (CoerceViaIO *) node,
							  guard_mutator((Node *) ((CoerceViaIO *) node)->arg, context));
		case T_SubscriptingRef:
			return guard_element((SubscriptingRef *) node, context);
		case T_RowCompareExpr:
			return guard_row_comparison((RowCompareExpr *) node, context);
		case T_NullTest:
			result = guard_null_test((NullTest *) node, context);
			break;
		case T_RelabelType:
			result = guard_same_text((RelabelType *) node, context);
			break;
		default:
			break;
	}
	if (result != NULL)
		return result;
	check_node(node, context);
	return expression_tree_mutator(node, guard_mutator, (void *) context);
}

/*
 * Returns a guarded copy of an expression of a private level (or of a level
 * below one).  Raises ERRCODE_DP_QUERY_REFUSED for anything not on the list.
 */
Node *
guard_expression(RewriteContext *context, Level *level, Node *node)
{
	return guard_unit_expression(context, level, node, NULL);
}

/*
 * The same for an expression that stands where the unit may, whatever it is classified as;
 * unit: the column of it that is the unit's, found by bare_unit(), or NULL.
 */
Node *
guard_unit_expression(RewriteContext *context, Level *level, Node *node, Var *unit)
{
	LanguageContext language = {.rewrite = context,.level = level};

	language.aggregates = level->query->hasAggs;
	language.session = has_session_value(node, NULL);
	if (unit != NULL)
		language.units = list_make1(unit);
	return guard_mutator(node, &language);
}
