/*
 * language.c
 *		The language below a release: which expressions, and made total.
 *
 * total_expression() copies an expression, refusing what is not on the list
 * and putting total() around functions that may fail.  total_query() does the
 * same for a whole public query that stands below a release: whether a public
 * sub-select runs at all can depend on private rows, so it must be as silent
 * as everything else there.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "policy/extension.h"
#include "query/functions.h"
#include "query/query.h"

/*
 * A value that is put into a row may be this wide, in bytes: as wide as total()
 * lets it be (total.c says why).  An array that is only searched must merely be
 * possible.
 */
#define WIDEST_VALUE TOTAL_WIDEST
#define WIDEST_SEARCHED (MaxAllocSize / 2)

/* No number that a numeric holds takes more: 131072 + 16383 digits. */
#define WIDEST_NUMERIC (80 * 1024)

typedef struct LanguageContext
{
	RewriteContext *rewrite;
	Level	   *level;
	bool		aggregates;		/* standard aggregates are allowed here */
	bool		sublink_params; /* inside the test expression of IN */
	bool		any_type;		/* a column is passed on, not looked at */
} LanguageContext;

static Node *total_mutator(Node *node, LanguageContext *context);

/*
 * Built-in scalar and array types and enums.  Domains are refused where they
 * would be checked (CoerceToDomain); reading a column of a domain is harmless.
 */
bool
type_is_allowed(Oid type)
{
	type = getBaseType(type);
	return type < FirstNormalObjectId || type_is_enum(type);
}

/*
 * The type must be allowed, and the collation must be determined where the type
 * has any: joins hash and cache by the collation of an expression, whatever the
 * operator's is.
 */
static void
check_type(LanguageContext *context, Node *node)
{
	Oid			type = exprType(node);

	if (!type_is_allowed(type))
		refuse(REFUSE_TYPE, context->rewrite->source, exprLocation(node));
	if (type_is_collatable(type) && !OidIsValid(exprCollation(node)))
		refuse(REFUSE_COLLATION, context->rewrite->source, exprLocation(node));
}

/* Collations that come with PostgreSQL, and tell equal from similar. */
static bool
collation_is_allowed(Oid collation)
{
	return !OidIsValid(collation) ||
		(collation < FirstNormalObjectId && get_collation_isdeterministic(collation));
}

static void
check_collation(LanguageContext *context, Oid collation, Node *node)
{
	if (!collation_is_allowed(collation))
		refuse(REFUSE_COLLATION, context->rewrite->source, exprLocation(node));
}

/*
 * An expression that is hashed, sorted or compared under its own collation: one
 * that is undetermined, or one that a user made, could fail or warn once there
 * is a row.  The type of an array that says "any" hides the collation it needs.
 */
void
check_compared(RewriteContext *context, Node *node)
{
	Oid			type = exprType(node);
	Oid			collation = exprCollation(node);

	if (get_typtype(type) == TYPTYPE_PSEUDO)
		refuse(REFUSE_TYPE, context->source, exprLocation(node));
	if ((type_is_collatable(type) && !OidIsValid(collation)) ||
		!collation_is_allowed(collation))
		refuse(REFUSE_COLLATION, context->source, exprLocation(node));
}

/* The same for all expressions of GROUP BY, DISTINCT or ORDER BY clauses. */
static void
check_clauses(LanguageContext *context, List *clauses, List *targets)
{
	ListCell   *lc;

	foreach(lc, clauses)
		check_compared(context->rewrite,
					   (Node *) get_sortgroupclause_tle(lfirst(lc), targets)->expr);
}

/* The same for the columns of UNION, INTERSECT and EXCEPT. */
static void
check_set_operations(LanguageContext *context, Node *node)
{
	SetOperationStmt *op = (SetOperationStmt *) node;
	ListCell   *lt;
	ListCell   *lc;

	if (node == NULL || !IsA(node, SetOperationStmt))
		return;
	check_set_operations(context, op->larg);
	check_set_operations(context, op->rarg);
	if (op->op == SETOP_UNION && op->all)
		return;
	forboth(lt, op->colTypes, lc, op->colCollations)
		check_compared(context->rewrite, (Node *) makeNullConst(lfirst_oid(lt), -1, lfirst_oid(lc)));
}

/*
 * A comparison of text whose collation could not be determined fails when it
 * runs, so it must not get that far.  Its arguments may get hashed by themselves,
 * when a semi-join is made a join with distinct rows.
 */
static void
check_input_collation(LanguageContext *context, Oid collation, List *args, Node *node)
{
	ListCell   *lc;

	check_collation(context, collation, node);
	foreach(lc, args)
	{
		if (!type_is_collatable(exprType(lfirst(lc))))
			continue;
		check_compared(context->rewrite, lfirst(lc));
		if (!OidIsValid(collation))
			refuse(REFUSE_COLLATION, context->rewrite->source, exprLocation(node));
	}
}

/*
 * A user's operator may stand over a built-in function and still lead the
 * planner elsewhere, to its negator for one.
 */
static void
check_operator(LanguageContext *context, Oid opno, Node *node)
{
	if (opno >= FirstNormalObjectId)
		refuse(REFUSE_FUNCTION, context->rewrite->source, exprLocation(node));
}

/* Arrays and composites compare by their parts, which may turn out not to. */
static void
check_comparable(LanguageContext *context, Node *node)
{
	Oid			type = getBaseType(exprType(node));

	if (type_is_array(type) || type_is_rowtype(type))
		refuse(REFUSE_TYPE, context->rewrite->source, exprLocation(node));
}

static List *
total_list(List *list, LanguageContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, list)
		result = lappend(result, total_mutator(lfirst(lc), context));
	return result;
}

/* total(function, NULL, arguments) */
static Node *
call_total(Oid funcid, Oid resulttype, Oid resultcollid, Oid inputcollid, List *args)
{
	/* the first argument is of type internal, so SQL cannot call total() */
	List	   *wrapped = list_make2(makeConst(INTERNALOID, -1, InvalidOid, sizeof(Datum),
											   ObjectIdGetDatum(funcid), false, true),
									 makeNullConst(resulttype, -1, resultcollid));

	return (Node *) makeFuncExpr(extension_oid(DP_FUNC_TOTAL, InvalidOid), resulttype,
								 list_concat(wrapped, args), resultcollid, inputcollid,
								 COERCE_EXPLICIT_CALL);
}

/*
 * A text that is not wider than total() allows, or else NULL: through the
 * function that changes the length of a string, with no length.
 */
static Node *
narrow_text(Node *text)
{
	Oid			type = exprType(text);
	Oid			collation = exprCollation(text);

	return call_total(type == BPCHAROID ? F_BPCHAR_BPCHAR_INT4_BOOL :
					  F_VARCHAR_VARCHAR_INT4_BOOL, type, collation, collation,
					  list_make3(text,
								 makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
										   Int32GetDatum(-1), false, true),
								 makeBoolConst(false, false)));
}

/* A call of a function: as it is, through total(), or refused. */
static Node *
total_call(Node *node, Oid funcid, Oid resulttype, Oid resultcollid, Oid inputcollid,
		   List *args, LanguageContext *context)
{
	check_type(context, node);
	check_input_collation(context, inputcollid, args, node);
	check_collation(context, resultcollid, node);
	switch (function_verdict(funcid))
	{
		case FUNCTION_SAFE:
			{
				Node	   *copy = copyObject(node);

				if (IsA(copy, FuncExpr))
					((FuncExpr *) copy)->args = args;
				else
					((OpExpr *) copy)->args = args; /* DistinctExpr, NullIfExpr too */
				return copy;
			}
		case FUNCTION_WRAPPED:
			return call_total(funcid, resulttype, resultcollid, inputcollid, args);
		default:
			refuse(REFUSE_FUNCTION, context->rewrite->source, exprLocation(node));
	}
	return NULL;
}

/* A column, checked against the level it belongs to. */
static Node *
total_var(Var *var, LanguageContext *context)
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
	else if (var->varattno == 0)
		refuse(REFUSE_SYSTEM_COLUMN, context->rewrite->source, var->location);
	if (!context->any_type)
		check_type(context, (Node *) var);
	if (var->varlevelsup > 0)
		check_compared(context->rewrite, (Node *) var);	/* results are cached by it */
	return copyObject((Node *) var);
}

/* Folds LIMIT and OFFSET: LIMIT 1 comes from the parser as a cast. */
static void
fold_limits(RewriteContext *context, Query *query)
{
	query->limitCount = eval_const_expressions(context->root, query->limitCount);
	query->limitOffset = eval_const_expressions(context->root, query->limitOffset);
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

/* The equalities between outer columns and the columns of an IN sub-select. */
static List *
in_equalities(SubLink *sublink, Query *query)
{
	/* replace the sub-select's parameters by what they stand for, one level down */
	List	   *result = NIL;
	List	   *tests;
	ListCell   *lc;

	if (sublink->testexpr == NULL)
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
		if (!IsA(left, Var) || !IsA(right, Param) ||
			((Param *) right)->paramkind != PARAM_SUBLINK)
			continue;
		tle = get_tle_by_resno(query->targetList, ((Param *) right)->paramid);
		if (tle == NULL)
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
		equalities = list_concat(equalities, in_equalities(sublink, query));
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
total_sublink(SubLink *sublink, LanguageContext *context)
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
		total_query(context->rewrite, query, context->level);
	else if (sublink->subLinkType == EXPR_SUBLINK)
		refuse(REFUSE_SUBLINK, context->rewrite->source, sublink->location);
	else
		check_tied(sublink, query, inner, context);

	context->sublink_params = true;
	copy->testexpr = total_mutator(copy->testexpr, context);
	context->sublink_params = saved;
	return (Node *) copy;
}

/* A standard aggregate over the rows of one individual, or over public rows. */
static Node *
total_aggregate(Aggref *aggref, LanguageContext *context)
{
	Aggref	   *copy = copyObject(aggref);
	bool		tame;
	ListCell   *lc;

	if (!context->aggregates || aggref->agglevelsup != 0 ||
		aggref->aggkind != AGGKIND_NORMAL || aggref->aggvariadic ||
		!aggregate_is_allowed(aggref->aggfnoid, &tame))
		refuse(REFUSE_AGGREGATE, context->rewrite->source, aggref->location);
	check_type(context, (Node *) aggref);
	if (aggref->args != NIL)
	{
		Node	   *first = (Node *) linitial_node(TargetEntry, aggref->args)->expr;

		check_comparable(context, first);
		check_input_collation(context, aggref->inputcollid, list_make1(first),
							  (Node *) aggref);
	}
	check_clauses(context, aggref->aggorder, aggref->args);
	check_clauses(context, aggref->aggdistinct, aggref->args);

	foreach(lc, copy->args)
	{
		TargetEntry *tle = lfirst(lc);
		Oid			type = exprType((Node *) tle->expr);

		tle->expr = (Expr *) total_mutator((Node *) tle->expr, context);
		if (!tame)
			continue;
		switch (type)
		{
			case INT2OID:
			case INT4OID:
			case INT8OID:
				break;
			case FLOAT4OID:
			case FLOAT8OID:
			case NUMERICOID:
				tle->expr = (Expr *) makeFuncExpr(extension_oid(DP_FUNC_TAME, type), type,
												  list_make1(tle->expr), InvalidOid,
												  InvalidOid, COERCE_EXPLICIT_CALL);
				break;
			default:
				refuse(REFUSE_AGGREGATE, context->rewrite->source, aggref->location);
		}
	}
	copy->aggfilter = (Expr *) total_mutator((Node *) aggref->aggfilter, context);
	if (copy->aggtype == TEXTOID || copy->aggtype == BPCHAROID)
		return narrow_text((Node *) copy);	/* min and max copy a stored text */
	return (Node *) copy;
}

/* A value of variable length that is written in the query. */
static Node *
total_const(Const *value, LanguageContext *context)
{
	if (value->consttype != INTERNALOID)
		check_type(context, (Node *) value);
	if (!value->constisnull && value->constlen == -1 &&
		toast_raw_datum_size(value->constvalue) > WIDEST_VALUE)
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
total_array(ArrayExpr *array, LanguageContext *context, Size widest)
{
	ArrayExpr  *copy = copyObject(array);
	Size		width = 0;
	ListCell   *lc;

	check_type(context, (Node *) array);
	if (array->multidims)
		refuse(REFUSE_EXPRESSION, context->rewrite->source, array->location);
	copy->elements = total_list(array->elements, context);
	foreach(lc, copy->elements)
	{
		Node	   *element = strip_relabel(lfirst(lc));

		if (IsA(element, Param) && (array->element_typeid == TEXTOID ||
									array->element_typeid == VARCHAROID ||
									array->element_typeid == BPCHAROID))
		{
			lfirst(lc) = narrow_text(lfirst(lc));
			width += WIDEST_VALUE;
		}
		else
			width += widest_element(element, array->element_typeid);
		width += MAXIMUM_ALIGNOF;
		if (width > widest)
			refuse(REFUSE_EXPRESSION, context->rewrite->source, array->location);
	}
	return (Node *) copy;
}

/* x = ANY(array): the array is searched, it gets into no row. */
static Node *
total_search(ScalarArrayOpExpr *op, LanguageContext *context)
{
	ScalarArrayOpExpr *copy = copyObject(op);
	Node	   *array = lsecond(op->args);

	check_operator(context, op->opno, (Node *) op);
	set_sa_opfuncid(copy);
	check_input_collation(context, op->inputcollid, list_make1(linitial(op->args)),
						  (Node *) op);
	if (function_verdict(copy->opfuncid) != FUNCTION_SAFE)
		refuse(REFUSE_FUNCTION, context->rewrite->source, op->location);
	linitial(copy->args) = total_mutator(linitial(op->args), context);
	if (IsA(array, ArrayExpr))
		lsecond(copy->args) = total_array((ArrayExpr *) array, context, WIDEST_SEARCHED);
	else if (IsA(array, Const))
		check_type(context, array);
	else
		lsecond(copy->args) = total_mutator(array, context);
	return (Node *) copy;
}

/*
 * A cast through text.  Output functions cannot fail, but for values so large that
 * their text is too long; input functions can.
 */
static Node *
total_cast(CoerceViaIO *coerce, LanguageContext *context)
{
	CoerceViaIO *copy = copyObject(coerce);
	Oid			type = getBaseType(exprType((Node *) coerce->arg));

	if (coerce->resulttype != TEXTOID && coerce->resulttype != VARCHAROID)
		refuse(REFUSE_FUNCTION, context->rewrite->source, coerce->location);
	if (get_typlen(type) <= 0 && type != NUMERICOID)
		refuse(REFUSE_EXPRESSION, context->rewrite->source, coerce->location);
	check_type(context, (Node *) coerce->arg);
	check_type(context, (Node *) coerce);
	check_collation(context, coerce->resultcollid, (Node *) coerce);
	copy->arg = (Expr *) total_mutator((Node *) coerce->arg, context);
	return (Node *) copy;
}

static Node *
total_mutator(Node *node, LanguageContext *context)
{
	if (node == NULL)
		return NULL;
	check_stack_depth();
	switch (nodeTag(node))
	{
		case T_Var:
			return total_var((Var *) node, context);
		case T_Const:
			return total_const((Const *) node, context);
		case T_Param:
			if (((Param *) node)->paramkind != PARAM_EXTERN &&
				!(((Param *) node)->paramkind == PARAM_SUBLINK && context->sublink_params))
				refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation(node));
			check_type(context, node);
			return copyObject(node);
		case T_FuncExpr:
			{
				FuncExpr   *func = (FuncExpr *) node;

				/* total already: a CTE that is named twice gets here twice */
				if (extension_function(func->funcid) == DP_FUNC_TOTAL ||
					extension_function(func->funcid) == DP_FUNC_TAME)
					break;
				if (func->funcid < FirstNormalObjectId &&
					function_verdict(func->funcid) == FUNCTION_REFUSED)
				{
					/* built-in SQL functions are inlined, named arguments put in order */
					Node	   *folded = eval_const_expressions(context->rewrite->root, node);

					if (!equal(folded, node))
						return total_mutator(folded, context);
				}
				if (extension_function(func->funcid) != DP_FUNC_NONE ||
					func->funcretset || func->funcvariadic)
					refuse(REFUSE_FUNCTION, context->rewrite->source, func->location);
				return total_call(node, func->funcid, func->funcresulttype,
								  func->funccollid, func->inputcollid,
								  total_list(func->args, context), context);
			}
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			{
				OpExpr	   *op = (OpExpr *) node;
				List	   *args = total_list(op->args, context);

				check_operator(context, op->opno, node);
				set_opfuncid(op);
				/* IS DISTINCT FROM and NULLIF need the operator itself */
				if (!IsA(node, OpExpr) && function_verdict(op->opfuncid) != FUNCTION_SAFE)
					refuse(REFUSE_FUNCTION, context->rewrite->source, op->location);
				return total_call(node, op->opfuncid, op->opresulttype, op->opcollid,
								  op->inputcollid, args, context);
			}
		case T_ScalarArrayOpExpr:
			return total_search((ScalarArrayOpExpr *) node, context);
		case T_ArrayExpr:
			return total_array((ArrayExpr *) node, context, WIDEST_VALUE);
		case T_BoolExpr:
			{
				BoolExpr   *copy = copyObject((BoolExpr *) node);

				copy->args = total_list(copy->args, context);
				return (Node *) copy;
			}
		case T_SubLink:
			return total_sublink((SubLink *) node, context);
		case T_Aggref:
			return total_aggregate((Aggref *) node, context);
		case T_CoerceViaIO:
			return total_cast((CoerceViaIO *) node, context);
		case T_MinMaxExpr:
			check_type(context, node);
			check_comparable(context, node);
			check_input_collation(context, ((MinMaxExpr *) node)->inputcollid,
								  ((MinMaxExpr *) node)->args, node);
			break;
		case T_RelabelType:
			check_collation(context, ((RelabelType *) node)->resultcollid, node);
			check_type(context, node);
			break;
		case T_CollateExpr:
			check_collation(context, ((CollateExpr *) node)->collOid, node);
			break;
		case T_CaseExpr:
		case T_CoalesceExpr:
			check_type(context, node);
			break;
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_List:
		case T_TargetEntry:
			break;
		case T_SQLValueFunction:
			switch (((SQLValueFunction *) node)->op)
			{
				case SVFOP_CURRENT_DATE:
				case SVFOP_CURRENT_TIMESTAMP:
				case SVFOP_CURRENT_TIMESTAMP_N:
				case SVFOP_LOCALTIMESTAMP:
				case SVFOP_LOCALTIMESTAMP_N:
					break;
				default:
					refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation(node));
			}
			break;
		default:
			refuse(REFUSE_EXPRESSION, context->rewrite->source, exprLocation(node));
	}
	return expression_tree_mutator(node, total_mutator, (void *) context);
}

/*
 * Returns a total copy of an expression of a private level (or of a level
 * below one).  Raises ERRCODE_DP_QUERY_REFUSED for anything not on the list.
 */
Node *
total_expression(RewriteContext *context, Level *level, Node *node)
{
	LanguageContext language = {.rewrite = context,.level = level};

	language.aggregates = level->query->hasAggs;
	return total_mutator(node, &language);
}

/*
 * Makes the result columns of a sub-select below a release total, in place, and
 * judges what it groups and sorts by and combines.  A
 * column that is only passed on may be of any type: it is judged where it is
 * used, if it ever is.
 */
void
total_targets(RewriteContext *context, Level *level)
{
	LanguageContext language = {.rewrite = context,.level = level};
	Query	   *query = level->query;
	ListCell   *lc;

	language.aggregates = query->hasAggs;
	check_clauses(&language, query->groupClause, query->targetList);
	check_clauses(&language, query->distinctClause, query->targetList);
	check_clauses(&language, query->sortClause, query->targetList);
	check_set_operations(&language, query->setOperations);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst(lc);

		language.any_type = IsA(tle->expr, Var) && tle->ressortgroupref == 0 &&
			((Var *) tle->expr)->varlevelsup == 0;
		tle->expr = (Expr *) total_mutator((Node *) tle->expr, &language);
	}
}

/* Makes the conditions of a join tree total, in place. */
static void
total_jointree(RewriteContext *context, Level *level, Node *node)
{
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		FromExpr   *from = (FromExpr *) node;

		foreach(lc, from->fromlist)
			total_jointree(context, level, lfirst(lc));
		from->quals = total_expression(context, level, from->quals);
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		total_jointree(context, level, join->larg);
		total_jointree(context, level, join->rarg);
		join->quals = total_expression(context, level, join->quals);
	}
}

/* The CTE a range table entry refers to, seen from a level; NULL if outside. */
static CommonTableExpr *
find_cte(Level *level, RangeTblEntry *rte, Level **owner)
{
	ListCell   *lc;

	for (Index up = 0; up < rte->ctelevelsup && level != NULL; up++)
		level = level->parent;
	if (level == NULL)
		return NULL;
	*owner = level;
	foreach(lc, level->query->cteList)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (strcmp(cte->ctename, rte->ctename) == 0)
			return cte;
	}
	return NULL;
}

/* Judges one public FROM item below a release, in place. */
static void
total_range_entry(RewriteContext *context, Level *level, RangeTblEntry *rte)
{
	ListCell   *lc;

	foreach(lc, rte->securityQuals)
		lfirst(lc) = total_expression(context, level, lfirst(lc));
	if (rte->tablesample != NULL)
		refuse(REFUSE_TABLESAMPLE, context->source, -1);

	switch (rte->rtekind)
	{
		case RTE_RELATION:
			if (rte->relkind == RELKIND_FOREIGN_TABLE && !is_private_relation(context, rte))
				refuse(REFUSE_FROM_ITEM, context->source, -1);
			break;
		case RTE_SUBQUERY:
			total_query(context, rte->subquery, level);
			break;
		case RTE_VALUES:
			rte->values_lists = (List *) total_expression(context, level,
														  (Node *) rte->values_lists);
			break;
		case RTE_CTE:
			{
				Level	   *owner;
				CommonTableExpr *cte = find_cte(level, rte, &owner);

				/* A release is a CTE too; its own query is proven and sealed. */
				if (cte == NULL || cte->cterecursive ||
					castNode(Query, cte->ctequery)->commandType != CMD_SELECT)
					refuse(REFUSE_FROM_ITEM, context->source, -1);
				if (!query_is_release((Query *) cte->ctequery))
					total_query(context, (Query *) cte->ctequery, owner);
			}
			break;
		case RTE_JOIN:
		case RTE_RESULT:
			break;
		default:
			refuse(REFUSE_FROM_ITEM, context->source, -1);
	}
}

/* Judges the public FROM items and the conditions of a private level, in place. */
void
total_from(RewriteContext *context, Level *level)
{
	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		RangeTblEntry *rte = rt_fetch(i, level->query->rtable);

		if (level->inputs == NULL || level->inputs[i] == NULL || rte->rtekind == RTE_RELATION)
			total_range_entry(context, level, rte);
	}
	total_jointree(context, level, (Node *) level->query->jointree);
}

/* A LIMIT or OFFSET that cannot fail: none, or a constant of at least 0. */
static bool
limit_is_harmless(Node *limit)
{
	return limit == NULL ||
		(IsA(limit, Const) && (((Const *) limit)->constisnull ||
							   DatumGetInt64(((Const *) limit)->constvalue) >= 0));
}

/*
 * Makes a public query that stands below a release total, in place: the same
 * language, though it may sort, limit and aggregate as it likes.
 */
void
total_query(RewriteContext *context, Query *query, Level *parent)
{
	Level		level = {.query = query,.parent = parent,.below = true};

	if (query->commandType != CMD_SELECT || query->hasModifyingCTE || query->rowMarks != NIL)
		refuse(REFUSE_ROW_MARKS, context->source, -1);
	if (query->hasRecursive)
		refuse(REFUSE_RECURSION, context->source, -1);
	if (query->hasWindowFuncs || query->windowClause != NIL)
		refuse(REFUSE_WINDOW_BELOW, context->source, -1);
	if (query->groupingSets != NIL)
		refuse(REFUSE_GROUPING_SETS, context->source, -1);
	fold_limits(context, query);
	if (!limit_is_harmless(query->limitCount) || !limit_is_harmless(query->limitOffset))
		refuse(REFUSE_LIMIT_BELOW, context->source, -1);

	flatten_level(query);
	total_from(context, &level);
	total_targets(context, &level);
	query->havingQual = total_expression(context, &level, query->havingQual);
}
