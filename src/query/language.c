/*
 * language.c
 *		The language below a release: which expressions, and guarded.
 *
 * guard_expression() copies an expression, refusing what is not on the list
 * and putting guarded() around functions that may fail.  Calls are judged in calls.c,
 * types and collations in checks.c, whole queries in below.c.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "core/refusals.h"
#include "policy/allowed.h"
#include "policy/cache.h"
#include "policy/extension.h"
#include "policy/policy.h"
#include "query/below.h"
#include "query/calls.h"
#include "query/checks.h"
#include "query/keys.h"
#include "query/language.h"
#include "query/level.h"
#include "query/levels.h"
#include "query/provenance.h"
#include "query/questions.h"

/* No number that a numeric holds takes more: 131072 + 16383 digits. */
#define WIDEST_NUMERIC (80 * 1024)

/* An array that is only searched must merely be possible. */
#define WIDEST_SEARCHED (MaxAllocSize / 2)

/* So many nodes may an expression have that is copied for each element of an array. */
#define MOST_EXPANDED 10000

typedef struct LanguageContext
{
	RewriteContext *rewrite;
	Level	   *level;
	bool		aggregates;		/* standard aggregates are allowed here */
	bool		sublink_params; /* inside the test expression of IN */
} LanguageContext;

static Node *guard_mutator(Node *node, LanguageContext *context);

static List *
guard_list(List *list, LanguageContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, list)
		result = lappend(result, guard_mutator(lfirst(lc), context));
	return result;
}

/*
 * A column, checked against the level it belongs to; any_type: it is passed on, or
 * asked whether it is NULL, but not looked at.
 */
static Node *
guard_var(Var *var, LanguageContext *context, bool any_type)
{
	Level	   *level = context->level;
	RangeTblEntry *rte;
	const ProtectedRelation *rel;

	for (Index up = 0; up < var->varlevelsup && level != NULL; up++)
		level = level->parent;
	if (level == NULL || !level->below)
		refuse(REFUSE_CORRELATED, context->rewrite->source, var->location);
	rte = rt_fetch(var->varno, level->query->rtable);
	if (rte->rtekind == RTE_JOIN)
		refuse(REFUSE_EXPRESSION, context->rewrite->source, var->location);
	if (rte->rtekind == RTE_RELATION && is_private_relation(context->rewrite, rte))
	{
		rel = policy_lookup(rte->relid);
		if (var->varattno <= 0)
			refuse(REFUSE_SYSTEM_COLUMN, context->rewrite->source, var->location);
		if (!policy_column_open(rel, var->varattno))
			refuse(REFUSE_COLUMN, context->rewrite->source, var->location);
	}
	else if (var->varattno <= 0)
		refuse(REFUSE_SYSTEM_COLUMN, context->rewrite->source, var->location);
	if (!any_type)
		check_type(context->rewrite, (Node *) var);
	if (var->varlevelsup > 0)
		check_compared(context->rewrite, (Node *) var);	/* results are cached by it */
	return copyObject((Node *) var);
}

/* Does the sub-select yield one row at most, whatever the data? */
static bool
yields_one_row(Query *query)
{
	if (query->hasTargetSRFs || query->setOperations != NULL)
		return false;
	if (query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL)
		return true;
	return query->limitCount != NULL && IsA(query->limitCount, Const) &&
		!((Const *) query->limitCount)->constisnull &&
		DatumGetInt64(((Const *) query->limitCount)->constvalue) <= 1 &&
		query->limitOption == LIMIT_OPTION_COUNT;
}

/* The unit's columns that are NULL in no row of the level that counts. */
static bool
is_sure_unit(Level *level, Var *var)
{
	ListCell   *lc;

	if (bms_is_member(var->varno, level->nullable) || level->inputs[var->varno] == NULL)
		return false;
	foreach(lc, (List *) linitial(level->inputs[var->varno]->units))
	{
		if (equal(strip_relabel(lfirst(lc)), var))
			return true;
	}
	return false;
}

/*
 * The equalities between outer columns and the columns of an IN sub-select.  With a
 * NULL on either side, IN is not about the rows of one individual: NULL NOT IN (...)
 * tells whether there is any row, and x NOT IN (..., NULL) is true for nobody.  So
 * both must be columns of the unit that are never NULL.
 */
static List *
in_equalities(SubLink *sublink, Query *query, Individuals *inner, Level *level)
{
	/* replace the sub-select's parameters by what they stand for, one level down */
	List	   *result = NIL;
	List	   *tests;
	ListCell   *lc;

	if (sublink->testexpr == NULL || inner->may_be_null || level->inputs == NULL)
		return NIL;
	tests = is_andclause(sublink->testexpr) ?
		((BoolExpr *) sublink->testexpr)->args : list_make1(sublink->testexpr);
	foreach(lc, tests)
	{
		OpExpr	   *op = lfirst(lc);
		Node	   *right;
		Var		   *left;
		TargetEntry *tle;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2)
			continue;
		left = (Var *) strip_relabel(linitial(op->args));
		right = strip_relabel(lsecond(op->args));
		if (!IsA(left, Var) || left->varlevelsup != 0 || !is_sure_unit(level, left) ||
			!IsA(right, Param) || ((Param *) right)->paramkind != PARAM_SUBLINK)
			continue;
		tle = get_tle_by_resno(query->targetList, ((Param *) right)->paramid);
		if (tle == NULL || (query->setOperations == NULL &&
							!list_member((List *) linitial(inner->units), strip_relabel((Node *) tle->expr))))
			continue;
		left = copyObject(left);
		left->varlevelsup++;
		op = copyObject(op);
		op->args = list_make2(left, tle->expr);
		result = list_concat(result, equalities_of((Node *) op));
	}
	return result;
}

/* Refuses a sub-select over protected rows that is not tied to the level's unit. */
static void
check_tied(SubLink *sublink, Query *query, Individuals *inner, LanguageContext *context)
{
	List	   *equalities = equalities_of(query->jointree->quals);
	Level	   *level = context->level;
	Index		up = 1;

	if (sublink->subLinkType == ANY_SUBLINK)
		equalities = list_concat(equalities, in_equalities(sublink, query, inner, level));
	for (; level != NULL && level->below; level = level->parent, up++)
	{
		List	   *outer = NIL;
		ListCell   *lc;
		Individuals all = {0};

		if (level->inputs == NULL)
			continue;
		for (int i = 1; i <= list_length(level->query->rtable); i++)
		{
			if (level->inputs[i] == NULL)
				continue;
			all.relation = level->inputs[i]->relation;
			foreach(lc, level->inputs[i]->units)
			{
				List	   *unit = copyObject(lfirst(lc));

				IncrementVarSublevelsUp((Node *) unit, up, 0);
				outer = lappend(outer, unit);
			}
		}
		if (all.relation != NULL &&
			strcmp(NameStr(all.relation->population),
				   NameStr(inner->relation->population)) == 0 &&
			equalities_tie(equalities, outer, inner->units))
			return;
	}
	refuse(REFUSE_NOT_TIED, context->rewrite->source, sublink->location);
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

	if (mentions_private(context->rewrite, query))
		inner = process_query(context->rewrite, query, context->level);
	if (inner == NULL)
		guard_query(context->rewrite, query, context->level);
	else if (sublink->subLinkType == EXPR_SUBLINK)
		refuse(REFUSE_SUBLINK, context->rewrite->source, sublink->location);
	else
		check_tied(sublink, query, inner, context);

	context->sublink_params = true;
	copy->testexpr = guard_mutator(copy->testexpr, context);
	context->sublink_params = saved;
	return (Node *) copy;
}

/* sum() or avg() of numerics instead of floats, whose sums depend on their order. */
static Node *
exact_sum(Aggref *aggref, TargetEntry *argument, Oid type)
{
	bool		average = strcmp(get_func_name(aggref->aggfnoid), "avg") == 0;
	DpFunction	nearest = aggref->aggtype == FLOAT4OID ? DP_FUNC_NEAREST_FLOAT4 :
		DP_FUNC_NEAREST_FLOAT8;
	Oid			result = aggref->aggtype;
	ListCell   *lc;

	argument->expr = (Expr *) makeFuncExpr(extension_oid(DP_FUNC_EXACT, type), NUMERICOID,
										   list_make1(argument->expr), InvalidOid, InvalidOid,
										   COERCE_EXPLICIT_CALL);
	aggref->aggfnoid = average ? F_AVG_NUMERIC : F_SUM_NUMERIC;
	aggref->aggtype = NUMERICOID;
	aggref->aggargtypes = list_make1_oid(NUMERICOID);
	foreach(lc, aggref->aggdistinct)
	{
		Index		ref = lfirst_node(SortGroupClause, lc)->tleSortGroupRef;
		SortGroupClause *clause = default_clause(NUMERICOID);

		clause->tleSortGroupRef = ref;
		lfirst(lc) = clause;
	}
	return (Node *) makeFuncExpr(extension_oid(nearest, InvalidOid), result,
								 list_make1(aggref), InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* Keeps what sum() and avg() of numerics add up from overflowing. */
static Node *
tame_sum(Aggref *aggref, TargetEntry *argument)
{
	argument->expr = (Expr *) makeFuncExpr(extension_oid(DP_FUNC_TAME, InvalidOid), NUMERICOID,
										   list_make1(argument->expr), InvalidOid, InvalidOid,
										   COERCE_EXPLICIT_CALL);
	return (Node *) aggref;
}

/*
 * An aggregate whose arguments are guarded, so that its value is a function of the values
 * as a multiset: neither their order nor their form nor the plan shows.  ORDER BY is
 * none of its business then.
 */
static Node *
orderless_aggregate(Aggref *aggref, bool adds, LanguageContext *context)
{
	List	   *args = NIL;
	TargetEntry *first;
	Oid			type;
	ListCell   *lc;

	foreach(lc, aggref->args)
	{
		if (!lfirst_node(TargetEntry, lc)->resjunk)
			args = lappend(args, lfirst(lc));
	}
	aggref->args = args;
	aggref->aggorder = NIL;
	if (args == NIL || aggref->aggtype == BOOLOID)
		return (Node *) aggref;
	first = linitial(args);
	type = exprType((Node *) first->expr);
	if (!adds)
	{
		/* count() needs no form, but that of a type without one is not for DISTINCT */
		if (strcmp(get_func_name(aggref->aggfnoid), "count") != 0)
			first->expr = (Expr *) canonical_expression(context->rewrite, (Node *) first->expr);
		return (Node *) aggref;
	}
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return (Node *) aggref;
		case FLOAT4OID:
		case FLOAT8OID:
			return exact_sum(aggref, first, type);
		case NUMERICOID:
			if (aggref->aggdistinct != NIL)
				first->expr = (Expr *) canonical_expression(context->rewrite, (Node *) first->expr);
			return tame_sum(aggref, first);
		default:
			refuse(REFUSE_AGGREGATE, context->rewrite->source, aggref->location);
	}
	return NULL;
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
		refuse(REFUSE_AGGREGATE, context->rewrite->source, aggref->location);
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

		tle->expr = (Expr *) guard_mutator((Node *) tle->expr, context);
	}
	copy->aggfilter = (Expr *) guard_mutator((Node *) aggref->aggfilter, context);
	if (copy->aggtype == TEXTOID || copy->aggtype == BPCHAROID)
		return narrow_text(orderless_aggregate(copy, adds, context));	/* min and max copy a stored text */
	return orderless_aggregate(copy, adds, context);
}

/* A literal without a type, as an argument that takes any: a text. */
static Const *
text_of_unknown(Const *value)
{
	Const	   *text = makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, (Datum) 0, true, false);

	if (!value->constisnull)
	{
		text->constvalue = CStringGetTextDatum(DatumGetCString(value->constvalue));
		text->constisnull = false;
	}
	text->location = value->location;
	return text;
}

/* A value of variable length that is written in the query. */
static Node *
guard_const(Const *value, LanguageContext *context)
{
	if (value->consttype == UNKNOWNOID)
		value = text_of_unknown(value);
	if (value->consttype != INTERNALOID)
		check_type(context->rewrite, (Node *) value);
	if (!value->constisnull && value->constlen == -1 &&
		toast_raw_datum_size(value->constvalue) > GUARDED_WIDEST)
		refuse(REFUSE_EXPRESSION, context->rewrite->source, value->location);
	return copyObject((Node *) value);
}

/* The most bytes an element of an array may take; of any other one, too many. */
static Size
widest_element(Node *element, Oid type)
{
	if (IsA(element, Const) && ((Const *) element)->constisnull)
		return 0;
	type = getBaseType(type);
	if (get_typlen(type) > 0)
		return get_typlen(type);
	if (IsA(element, Const) && get_typlen(type) == -1)
		return toast_raw_datum_size(((Const *) element)->constvalue);
	return type == NUMERICOID ? WIDEST_NUMERIC : MaxAllocSize;
}

/*
 * ARRAY[...].  It fails for a row whose elements differ in their dimensions or
 * are too many bytes together, so there must be no such elements.  A text that is
 * a parameter is narrowed: x IN ($1, $2) is an array.
 */
static Node *
guard_array(ArrayExpr *array, LanguageContext *context, Size widest)
{
	ArrayExpr  *copy = copyObject(array);
	Size		width = 0;
	ListCell   *lc;

	check_type(context->rewrite, (Node *) array);
	if (array->multidims)
		refuse(REFUSE_EXPRESSION, context->rewrite->source, array->location);
	copy->elements = guard_list(array->elements, context);
	foreach(lc, copy->elements)
	{
		Node	   *element = strip_relabel(lfirst(lc));

		if (IsA(element, Param) && (array->element_typeid == TEXTOID ||
									array->element_typeid == VARCHAROID ||
									array->element_typeid == BPCHAROID))
		{
			lfirst(lc) = narrow_text(lfirst(lc));
			width += GUARDED_WIDEST;
		}
		else
			width += widest_element(element, array->element_typeid);
		width += MAXIMUM_ALIGNOF;
		if (width > widest)
			refuse(REFUSE_EXPRESSION, context->rewrite->source, array->location);
	}
	return (Node *) copy;
}

/* Elements of an array that is written in the query, each as a constant. */
static List *
constant_elements(Const *array)
{
	Oid			type = get_element_type(array->consttype);
	int16		length;
	bool		byval;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			n;
	List	   *result = NIL;

	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(DatumGetArrayTypeP(array->constvalue), type, length, byval, align,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
		result = lappend(result, makeConst(type, -1, array->constcollid, length, values[i],
										   nulls[i], byval));
	return result;
}

/* Counts the nodes of an expression, as far as matters. */
static bool
count_walker(Node *node, int *count)
{
	return node != NULL && (++*count > MOST_EXPANDED ||
							expression_tree_walker(node, count_walker, count));
}

/*
 * x LIKE ANY (ARRAY[a, b]) as x LIKE a OR x LIKE b: each through guarded().  The array
 * is guarded.
 */
static Node *
expand_search(ScalarArrayOpExpr *op, Node *left, Node *array, LanguageContext *context)
{
	List	   *elements;
	List	   *comparisons = NIL;
	ListCell   *lc;
	int			count;

	if (IsA(array, ArrayExpr))
		elements = ((ArrayExpr *) array)->elements;
	else if (IsA(array, Const) && !((Const *) array)->constisnull)
		elements = constant_elements((Const *) array);
	else
		refuse(REFUSE_FUNCTION, context->rewrite->source, op->location);
	count = 0;
	(void) count_walker(left, &count);
	if (list_length(elements) * count > MOST_EXPANDED || contain_subplans(left))
		refuse(REFUSE_FUNCTION, context->rewrite->source, op->location);
	foreach(lc, elements)
	{
		OpExpr	   *comparison = (OpExpr *) make_opclause(op->opno, BOOLOID, false, (Expr *) left,
													lfirst(lc), InvalidOid, op->inputcollid);

		comparison->location = op->location;
		comparisons = lappend(comparisons, guard_call(context->rewrite, (Node *) comparison, op->opfuncid,
										  BOOLOID, InvalidOid, op->inputcollid,
										  copyObject(comparison->args)));
	}
	if (comparisons == NIL)
		return makeBoolConst(!op->useOr, false);
	return (Node *) makeBoolExpr(op->useOr ? OR_EXPR : AND_EXPR, comparisons, op->location);
}

/*
 * The array of x = ANY(array): it is searched and gets into no row.  The parser
 * casts arrays element by element where x is a varchar.
 */
static Node *
searched_array(Node *array, LanguageContext *context)
{
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
			refuse(REFUSE_FUNCTION, context->rewrite->source, exprLocation(array));
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
			return expand_search(copy, left, array, context);
		default:
			refuse(REFUSE_FUNCTION, context->rewrite->source, op->location);
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
			refuse(REFUSE_FUNCTION, context->rewrite->source, exprLocation(lfirst(ll)));
	}
	return (Node *) copy;
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
	return guard_call(context->rewrite, node, funcid, resulttype, resultcollid, inputcollid,
					  guard_list(args, context));
}

/* The arguments of a built-in function in order, with defaults where they are left out. */
static List *
ordered_arguments(FuncExpr *func)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(func->funcid));
	List	   *result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", func->funcid);
	result = expand_function_arguments(copyObject(func->args), false, func->funcresulttype, tuple);
	ReleaseSysCache(tuple);
	return result;
}

/* Did the rewriter put the function there?  A CTE that is named twice gets here twice. */
static bool
is_already_guarded(DpFunction ours)
{
	return ours == DP_FUNC_GUARDED || ours == DP_FUNC_GUARDED_CAST || ours == DP_FUNC_TAME ||
		ours == DP_FUNC_CANONICAL || ours == DP_FUNC_EXACT || ours == DP_FUNC_NEAREST_FLOAT4 ||
		ours == DP_FUNC_NEAREST_FLOAT8;
}

static Node *
guard_func(FuncExpr *func, LanguageContext *context)
{
	DpFunction	ours = extension_function(func->funcid);

	if (ours == DP_FUNC_IMAGE)
		return copyObject((Node *) func);	/* of a column that is only passed on */
	if (is_already_guarded(ours))
		return expression_tree_mutator((Node *) func, guard_mutator, (void *) context);
	if (ours != DP_FUNC_NONE || func->funcretset ||
		(func->funcvariadic && get_func_variadictype(func->funcid) == ANYOID))
		refuse(REFUSE_FUNCTION, context->rewrite->source, func->location);
	if (func->funcid < FirstNormalObjectId)
	{
		func = copyObject(func);
		func->args = ordered_arguments(func);
	}
	return guard_function((Node *) func, func->funcid, func->funcresulttype, func->funccollid,
						  func->inputcollid, func->args, context);
}

static Node *
guard_operator(OpExpr *op, LanguageContext *context)
{
	check_operator(context->rewrite, op->opno, (Node *) op);
	set_opfuncid(op);
	if (IsA(op, OpExpr))
		return guard_function((Node *) op, op->opfuncid, op->opresulttype, op->opcollid,
							  op->inputcollid, op->args, context);
	/* IS DISTINCT FROM and NULLIF need the operator itself */
	if (function_verdict(op->opfuncid) != FUNCTION_SAFE)
		refuse(REFUSE_FUNCTION, context->rewrite->source, op->location);
	return guard_call(context->rewrite, (Node *) op, op->opfuncid, op->opresulttype,
					  op->opcollid, op->inputcollid, guard_list(op->args, context));
}

/* The time of the transaction; who the client is could be found missing. */
static void
check_sql_value(SQLValueFunction *value, LanguageContext *context)
{
	switch (value->op)
	{
		case SVFOP_CURRENT_DATE:
		case SVFOP_CURRENT_TIME:
		case SVFOP_CURRENT_TIME_N:
		case SVFOP_CURRENT_TIMESTAMP:
		case SVFOP_CURRENT_TIMESTAMP_N:
		case SVFOP_LOCALTIME:
		case SVFOP_LOCALTIME_N:
		case SVFOP_LOCALTIMESTAMP:
		case SVFOP_LOCALTIMESTAMP_N:
			break;
		default:
			refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation((Node *) value));
	}
}

static Node *
guard_mutator(Node *node, LanguageContext *context)
{
	if (node == NULL)
		return NULL;
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	switch (nodeTag(node))
	{
		case T_Var:
			return guard_var((Var *) node, context, false);
		case T_Const:
			return guard_const((Const *) node, context);
		case T_Param:
			if (((Param *) node)->paramkind != PARAM_EXTERN &&
				!(((Param *) node)->paramkind == PARAM_SUBLINK && context->sublink_params))
				refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation(node));
			check_type(context->rewrite, node);
			return copyObject(node);
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
		case T_BoolExpr:
			{
				BoolExpr   *copy = copyObject((BoolExpr *) node);

				copy->args = guard_list(copy->args, context);
				return (Node *) copy;
			}
		case T_SubLink:
			return guard_sublink((SubLink *) node, context);
		case T_Aggref:
			return guard_aggregate((Aggref *) node, context);
		case T_CoerceViaIO:
			return guard_cast(context->rewrite, (CoerceViaIO *) node,
							  guard_mutator((Node *) ((CoerceViaIO *) node)->arg, context));
		case T_SubscriptingRef:
			return guard_element((SubscriptingRef *) node, context);
		case T_RowCompareExpr:
			return guard_row_comparison((RowCompareExpr *) node, context);
		case T_NullTest:
			{
				NullTest   *copy = copyObject((NullTest *) node);

				if (!IsA(copy->arg, Var) || copy->argisrow)
					break;
				copy->arg = (Expr *) guard_var((Var *) copy->arg, context, true);
				return (Node *) copy;
			}
		case T_MinMaxExpr:
			check_type(context->rewrite, node);
			check_comparable(context->rewrite, node);
			check_input_collation(context->rewrite, ((MinMaxExpr *) node)->inputcollid,
								  ((MinMaxExpr *) node)->args, node);
			break;
		case T_RelabelType:
			check_collation(context->rewrite, ((RelabelType *) node)->resultcollid, node);
			check_type(context->rewrite, node);
			break;
		case T_CollateExpr:
			check_collation(context->rewrite, ((CollateExpr *) node)->collOid, node);
			break;
		case T_CaseExpr:
		case T_CoalesceExpr:
			check_type(context->rewrite, node);
			break;
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_BooleanTest:
		case T_List:
		case T_TargetEntry:
			break;
		case T_SQLValueFunction:
			check_sql_value((SQLValueFunction *) node, context);
			break;
		default:
			refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation(node));
	}
	return expression_tree_mutator(node, guard_mutator, (void *) context);
}

/*
 * Returns a guarded copy of an expression of a private level (or of a level
 * below one).  Raises ERRCODE_DP_QUERY_REFUSED for anything not on the list.
 */
Node *
guard_expression(RewriteContext *context, Level *level, Node *node)
{
	LanguageContext language = {.rewrite = context,.level = level};

	language.aggregates = level->query->hasAggs;
	return guard_mutator(node, &language);
}

/* The same for a column that is only passed on: its type does not matter yet. */
Node *
guard_column(RewriteContext *context, Level *level, Var *var)
{
	LanguageContext language = {.rewrite = context,.level = level};

	return guard_var(var, &language, true);
}
