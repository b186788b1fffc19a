/*
 * normal.c
 *		The normal form of a part of a query: the same for all words that ask the same.
 *
 * It is a text and a list of expressions.  The text is what nodeToString() writes, without what
 * only names things or says where they stood: aliases, places in the query string, privileges.  In
 * the place of the largest expressions that read no column stands their type: they are what the
 * part takes by value, constants, parameters, now() and what is computed of these, and are evaluated when
 * the plan runs (nodes/release/reuse_key.c).  So a query for a constant and one for a parameter of the
 * same value are the same.  CTEs stand in the place of their names.  Operands of AND and OR are sorted, and a comparison
 * with a value has the value on its right.
 *
 * Two parts of the same normal form, with the same values, ask the same of the same relations.
 * The opposite need not be so: then a release is drawn that might have been handed out again.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "policy/cache.h"
#include "policy/extension.h"
#include "query/ctes.h"
#include "query/normal.h"
#include "query/planning.h"

/* ----------
 * The text
 * ----------
 */

/* Fields of nodes that say nothing about what is asked. */
static bool
is_idle_field(const char *name, int length)
{
	static const char *const idle[] = {
		"alias", "eref", "location", "resname", "resorigtbl", "resorigcol", "stmt_location", "stmt_len",
		"queryId", "querySource", "canSetTag", "selectedCols", "insertedCols", "updatedCols",
		"extraUpdatedCols", "requiredPerms", "checkAsUser", "perminfoindex", "rteperminfos",
		"rellockmode", "inFromCl", "funcformat", "relabelformat", "coerceformat", "coercionformat",
		"convertformat", "row_format", "varnosyn", "varattnosyn", "join_using_alias", "funccolnames",
		"list_start", "list_end", "hasRowSecurity", "self_reference"
	};

	for (int i = 0; i < (int) lengthof(idle); i++)
	{
		if (strlen(idle[i]) == (size_t) length && strncmp(idle[i], name, length) == 0)
			return true;
	}
	return false;
}

/* Behind a token that begins at p; a backslash protects the character after it (outfuncs.c). */
static const char *
after_token(const char *p)
{
	if (strchr("{}()", *p) != NULL)
		return p + 1;
	while (*p != '\0' && *p != ' ' && strchr("{}()", *p) == NULL)
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	return p;
}

/* Behind a value that begins at p: a token, or all between a bracket and its partner. */
static const char *
after_value(const char *p)
{
	int			depth = 0;

	do
	{
		while (*p == ' ')
			p++;
		if (*p == '\0')
			break;
		depth += *p == '{' || *p == '(' ? 1 : *p == '}' || *p == ')' ? -1 : 0;
		p = after_token(p);
	} while (depth > 0);
	return p;
}

/* A node as text, without idle fields. */
static char *
text_of(const void *node)
{
	char	   *whole = nodeToString(node);
	const char *p = whole;
	StringInfoData text;

	initStringInfo(&text);
	while (*p != '\0')
	{
		const char *end;

		while (*p == ' ')
			p++;
		if (*p == '\0')
			break;
		end = after_token(p);
		if (*p == ':' && is_idle_field(p + 1, end - p - 1))
		{
			p = after_value(end);
			continue;
		}
		appendBinaryStringInfo(&text, p, end - p);
		appendStringInfoChar(&text, ' ');
		p = end;
	}
	pfree(whole);
	return text.data;
}

/* ----------
 * What is taken by value
 * ----------
 */

/* Does the expression need a row, or a place around it, to be evaluated? */
static bool
needs_more_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Param:
			return ((Param *) node)->paramkind != PARAM_EXTERN;
		case T_Var:
		case T_PlaceHolderVar:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
		case T_SubLink:
		case T_SubPlan:
		case T_Query:
		case T_CaseTestExpr:
		case T_CoerceToDomainValue:
		case T_SetToDefault:
		case T_NextValueExpr:
		case T_CurrentOfExpr:
		case T_RowExpr:
			return true;
		default:
			return expression_tree_walker(node, needs_more_walker, context);
	}
}

/* Is it an expression that is taken by value? */
bool
normal_is_value(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Const:
		case T_Param:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_SubscriptingRef:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CoerceToDomain:
		case T_CollateExpr:
		case T_CaseExpr:
		case T_ArrayExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_SQLValueFunction:
		case T_NullTest:
		case T_BooleanTest:
			return !needs_more_walker(node, NULL) && !expression_returns_set(node) &&
				!contain_volatile_functions(node) && !type_is_rowtype(exprType(node));
		default:
			return false;
	}
}

/* What stands in its place: its type, and in a field that the text leaves out which value it is. */
static Node *
place_of_value(NormalContext *context, Node *node)
{
	Param	   *place = makeNode(Param);

	place->location = list_length(context->found);
	context->found = lappend(context->found, copyObject(node));
	place->paramkind = PARAM_EXTERN;
	place->paramtype = exprType(node);
	place->paramtypmod = exprTypmod(node);
	place->paramcollid = exprCollation(node);
	return (Node *) place;
}

/* Is it such a place?  Parameters themselves count from 1. */
static bool
is_place(const Node *node)
{
	return IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN && ((const Param *) node)->paramid == 0;
}

/* A walk that collects values in the order of their places. */
typedef struct ValuesWalk
{
	List	   *found;			/* by place */
	List	   *values;
} ValuesWalk;

static bool
values_walker(Node *node, ValuesWalk *walk)
{
	if (node == NULL)
		return false;
	if (is_place(node))
		walk->values = lappend(walk->values, list_nth(walk->found, ((Param *) node)->location));
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, values_walker, walk, 0);
	return expression_tree_walker(node, values_walker, (void *) walk);
}

/*
 * The values of a part, in an order that follows from its normal form alone: not in that in which they were
 * found, since the queries of CTEs come to their places last.
 */
static List *
values_of(NormalContext *context, Node *part)
{
	ValuesWalk	walk = {.found = context->found};

	(void) values_walker(part, &walk);
	return walk.values;
}

/* ----------
 * The normal form
 * ----------
 */

static Node *normal_mutator(Node *node, NormalContext *context);

/* An operand of AND or OR, and what it is sorted by. */
typedef struct Operand
{
	Node	   *node;
	char	   *text;
} Operand;

static int
compare_operands(const ListCell *a, const ListCell *b)
{
	return strcmp(((Operand *) lfirst(a))->text, ((Operand *) lfirst(b))->text);
}

/* Adds the operands of AND or OR, those of the same below it included. */
static List *
collect_operands(NormalContext *context, BoolExpr *expr, List *operands)
{
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		Node	   *arg = lfirst(lc);
		Operand    *operand;

		if (IsA(arg, BoolExpr) && ((BoolExpr *) arg)->boolop == expr->boolop && !normal_is_value(arg))
		{
			operands = collect_operands(context, (BoolExpr *) arg, operands);
			continue;
		}
		operand = palloc(sizeof(Operand));
		operand->node = normal_mutator(arg, context);
		/* equal texts are told apart by constants, as far as there are any */
		operand->text = psprintf("%s %s", text_of(operand->node), text_of(values_of(context, operand->node)));
		operands = lappend(operands, operand);
	}
	return operands;
}

/* AND and OR, of sorted operands. */
static Node *
normal_and_or(NormalContext *context, BoolExpr *expr)
{
	List	   *operands = collect_operands(context, expr, NIL);
	List	   *args = NIL;
	ListCell   *lc;

	list_sort(operands, compare_operands);
	foreach(lc, operands)
		args = lappend(args, ((Operand *) lfirst(lc))->node);
	return (Node *) makeBoolExpr(expr->boolop, args, -1);
}

/* A comparison with a value on its left: the same the other way round, if there is such an operator. */
static OpExpr *
value_to_the_right(OpExpr *op)
{
	Oid			commutator;

	if (list_length(op->args) != 2 || !normal_is_value(linitial(op->args)) || normal_is_value(lsecond(op->args)))
		return op;
	commutator = get_commutator(op->opno);
	if (!OidIsValid(commutator))
		return op;
	op = copyObject(op);
	op->opno = commutator;
	op->opfuncid = get_opcode(commutator);
	op->args = list_make2(lsecond(op->args), linitial(op->args));
	return op;
}

/* The CTE that an item of FROM names, and in *around the queries that its own may name. */
static CommonTableExpr *
find_cte(NormalContext *context, const RangeTblEntry *rte, List **around)
{
	ListCell   *lc;

	if (rte->ctelevelsup >= (Index) list_length(context->queries))
		return NULL;
	*around = list_copy_tail(context->queries, rte->ctelevelsup);
	foreach(lc, ((Query *) linitial(*around))->cteList)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (strcmp(cte->ctename, rte->ctename) == 0)
			return cte;
	}
	return NULL;
}

/* The description of the release that a CTE is. */
static const ReleaseSpec *
release_of(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(expr, Aggref))
			return planning_known_spec((Aggref *) expr);
	}
	return NULL;
}

/*
 * Puts the query of a CTE in the place of its name.  For a release its number among those that are read
 * stands there; which one that is, the key says (nodes/release/reuse_key.c).
 */
static void
settle_cte(NormalContext *context, RangeTblEntry *rte)
{
	List	   *queries = context->queries;
	List	   *around;
	CommonTableExpr *cte = find_cte(context, rte, &around);
	const ReleaseSpec *spec;

	if (cte == NULL || cte->cterecursive || !IsA(cte->ctequery, Query))
	{
		context->lost = true;
		return;
	}
	rte->ctelevelsup = 0;
	if (query_is_release((Query *) cte->ctequery))
	{
		spec = release_of((Query *) cte->ctequery);
		context->lost |= spec == NULL;
		context->releases = lappend(context->releases, unconstify(ReleaseSpec *, spec));
		rte->ctename = psprintf("release %d", list_length(context->releases));
		return;
	}
	rte->rtekind = RTE_SUBQUERY;
	context->queries = around;
	rte->subquery = castNode(Query, normal_mutator(cte->ctequery, context));
	context->queries = queries;
}

/* Notes a relation that is read. */
static void
note_relation(NormalContext *context, const RangeTblEntry *rte)
{
	if (rte->relkind == RELKIND_VIEW)
		return;					/* what the view reads stands beside it */
	if (policy_lookup(rte->relid) != NULL)
		context->protected = list_append_unique_oid(context->protected, rte->relid);
	else
		context->publics = list_append_unique_oid(context->publics, rte->relid);
}

/* A query, with CTEs in the place of their names. */
static Node *
normal_query(NormalContext *context, Query *query)
{
	Query	   *result;
	ListCell   *lc;

	context->queries = lcons(query, context->queries);
	result = query_tree_mutator(query, normal_mutator, context, QTW_IGNORE_CTE_SUBQUERIES);
	foreach(lc, result->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_CTE)
			settle_cte(context, rte);
		else if (rte->rtekind == RTE_RELATION)
			note_relation(context, rte);
	}
	result->cteList = NIL;
	context->queries = list_delete_first(list_copy(context->queries));
	return (Node *) result;
}

static Node *
normal_mutator(Node *node, NormalContext *context)
{
	if (node == NULL)
		return NULL;
	check_stack_depth();
	if (IsA(node, Query))
		return normal_query(context, (Query *) node);
	if (normal_is_value(node))
		return place_of_value(context, node);
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		context->lost = true;	/* a row, which is not taken by value */
	if (IsA(node, BoolExpr) && ((BoolExpr *) node)->boolop != NOT_EXPR)
		return normal_and_or(context, (BoolExpr *) node);
	if (IsA(node, OpExpr))
		node = (Node *) value_to_the_right((OpExpr *) node);
	return expression_tree_mutator(node, normal_mutator, (void *) context);
}

/* ----------
 * What it rests on
 * ----------
 */

/* May a function, called with the same arguments at another time, in another session, do otherwise? */
static bool
is_unsteady(Oid funcid, void *context)
{
	HeapTuple	tuple;
	Form_pg_proc function;
	bool		result;

	if (funcid < FirstNormalObjectId || extension_function(funcid) != DP_FUNC_NONE)
		return func_volatile(funcid) == PROVOLATILE_VOLATILE;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(tuple))
		return true;
	function = (Form_pg_proc) GETSTRUCT(tuple);
	result = function->provolatile != PROVOLATILE_IMMUTABLE ||
		(function->prolang != ClanguageId && function->prolang != INTERNALlanguageId);
	ReleaseSysCache(tuple);
	return result;
}

/* Does a function go by today's date, which stands nowhere among its arguments? */
static bool
goes_by_date(Oid funcid, void *context)
{
	static const Oid functions[] = {
		F_AGE_TIMESTAMP, F_AGE_TIMESTAMPTZ, /* since midnight */
		F_TIMETZ_TIME, F_TIMEZONE_TEXT_TIMETZ,	/* summer time, or not */
		F_DATE_IN, F_TIMESTAMP_IN, F_TIMESTAMPTZ_IN, F_TIMETZ_IN	/* 'today' */
	};

	for (int i = 0; i < (int) lengthof(functions); i++)
	{
		if (functions[i] == funcid)
			return true;
	}
	return false;
}

/* A walk that looks for functions. */
typedef struct FunctionsWalk
{
	check_function_callback wanted;
} FunctionsWalk;

static bool
functions_walker(Node *node, FunctionsWalk *walk)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, walk->wanted, NULL) || IsA(node, NextValueExpr))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, functions_walker, walk, 0);
	return expression_tree_walker(node, functions_walker, (void *) walk);
}

/* Is there a function of some kind in a part, or nextval(), which is of any? */
static bool
has_function(Node *part, check_function_callback wanted)
{
	FunctionsWalk walk = {wanted};

	return functions_walker(part, &walk);
}

/* Today's date, as an expression. */
static Node *
date_today(void)
{
	SQLValueFunction *result = makeNode(SQLValueFunction);

	result->op = SVFOP_CURRENT_DATE;
	result->type = DATEOID;
	result->typmod = -1;
	result->location = -1;
	return (Node *) result;
}

/*
 * The text of a part of a query: an expression or a Query.  What it takes by value is added to
 * context->values, in the order of the places in the text; with today's date, where functions go by that.  What
 * the part rests on beside these is noted: settings of the session, where it has functions that are not immutable; and that it is lost,
 * where it has volatile functions, or functions of clients, which may do anything.
 */
char *
normal_text(NormalContext *context, Node *node)
{
	int			before = list_length(context->found);
	Node	   *part = normal_mutator(node, context);
	List	   *values = values_of(context, part);

	/* a value that stood where no walk comes would be missed */
	context->lost |= list_length(values) != list_length(context->found) - before;
	if (has_function(part, goes_by_date))
		values = lappend(values, date_today());
	context->values = list_concat(context->values, values);
	context->lost |= has_function(part, is_unsteady) || has_function((Node *) values, is_unsteady);
	context->session |= contain_mutable_functions(part);
	return text_of(part);
}
