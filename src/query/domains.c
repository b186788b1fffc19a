/*
 * domains.c
 *		Group keys with a declared public domain.
 *
 * Whether a group is released at all is something the gate has to decide only
 * because the keys themselves may tell that somebody is there.  The keys of a
 * column with a declared domain are public: rows with other keys are left out
 * below the release, and above it every key is listed, with NULLs where the
 * gate held the values back:
 *
 *		FROM unnest(domain) LEFT JOIN release ON key = release.key
 *
 * That is done if every group key has a domain, and a query with too many combinations is
 * refused.  Conditions of WHERE that are
 * about the keys alone apply to the list, too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/kinds.h"
#include "policy/policy.h"
#include "query/builder.h"
#include "query/domains.h"
#include "query/equalities.h"
#include "query/outlived.h"
#include "query/queries.h"
#include "query/refuse.h"
#include "query/virtual.h"
#include "query/walk.h"

/* Most combinations of keys that are listed; the refusal names it, too. */
#define MAX_LISTED 100000

/* The domain of a relation's column, or NULL; also one that its type has outlived. */
static const ColumnDomain *
declared_domain(Oid relid, AttrNumber attno)
{
	const ProtectedRelation *rel = policy_lookup(relid);

	return rel != NULL ? policy_any_domain(rel, attno) : NULL;
}

/*
 * The domain of the column that an expression is, or NULL; also one that its type has outlived.
 * *relid becomes the column's relation.
 */
static const ColumnDomain *
expression_domain(Query *query, Node *expr, Oid *relid)
{
	Node	   *node = strip_relabel(expr);
	RangeTblEntry *rte;

	if (!IsA(node, Var) || ((Var *) node)->varlevelsup != 0)
		return NULL;
	rte = rt_fetch(((Var *) node)->varno, query->rtable);
	if (rte->rtekind == RTE_RELATION)
	{
		*relid = rte->relid;
		return declared_domain(rte->relid, ((Var *) node)->varattno);
	}
	if (rte->rtekind == RTE_SUBQUERY && rte->subquery->setOperations == NULL)
	{
		TargetEntry *tle = get_tle_by_resno(rte->subquery->targetList,
											((Var *) node)->varattno);
		AttrNumber	attno;

		if (tle != NULL && virtual_origin(tle, relid, &attno))
			return declared_domain(*relid, attno);
		return tle != NULL ? expression_domain(rte->subquery, (Node *) tle->expr, relid) :
			NULL;
	}
	return NULL;
}

/*
 * The keys of a domain as a constant array of the given type, which the input functions of the
 * types of the column and of the array make of them, or raise an error.
 */
static Const *
read_keys(Oid relid, const ColumnDomain *domain, Oid type, Oid collation)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(domain->nkeys, 1));
	Oid			input;
	Oid			param;
	int16		length;
	bool		by_value;
	char		align;
	ArrayType  *array;
	Oid			column_type;
	int32		typmod;
	Oid			column_collation;

	get_atttypetypmodcoll(relid, domain->attno, &column_type, &typmod, &column_collation);
	column_type = getBaseTypeAndTypmod(column_type, &typmod);
	policy_check_keys(domain->keys, domain->nkeys, column_type, typmod);
	getTypeInputInfo(type, &input, &param);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	for (int i = 0; i < domain->nkeys; i++)
		values[i] = OidInputFunctionCall(input, domain->keys[i], param, -1);
	array = construct_array(values, domain->nkeys, type, length, by_value, align);
	return makeConst(get_array_type(type), -1, collation, -1, PointerGetDatum(array),
					 false, false);
}

/* Is an error one about what was read, and not about the server or the session? */
static bool
is_about_text(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/*
 * The keys of a domain as a constant array of the given type.  Raises ERRCODE_DP_BOUNDS if they
 * are not of it: the type has changed since they were declared.  The answer would be of another
 * kind if they were passed over without a word.
 */
Const *
domain_array(Oid relid, const ColumnDomain *domain, Oid type, Oid collation)
{
	MemoryContext context = CurrentMemoryContext;
	Const	   *result = NULL;

	if (domain->outlived != NULL)
		refuse_outlived_keys(relid, domain->attno, domain->outlived);
	PG_TRY();
	{
		result = read_keys(relid, domain, type, collation);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_about_text(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		refuse_unreadable_keys(relid, domain->attno, error->message);
	}
	PG_END_TRY();
	return result;
}

/*
 * The arrays of the domains of all keys, or NIL if one of them has none.  Raises
 * ERRCODE_DP_QUERY_REFUSED if there are too many combinations to list.
 */
static List *
key_domains(ReleaseBuilder *builder)
{
	Query	   *query = builder->level->query;
	List	   *result = NIL;
	double		combinations = 1;
	ListCell   *lc;

	foreach(lc, builder->keys)
	{
		Oid			relid;
		const ColumnDomain *domain = expression_domain(query, lfirst(lc), &relid);

		if (domain == NULL || !OidIsValid(get_array_type(exprType(lfirst(lc)))))
			return NIL;
		combinations *= domain->nkeys;
	}
	if (combinations > MAX_LISTED)
		refuse_query(REFUSE_MANY_KEYS, builder->context, query);
	foreach(lc, builder->keys)
	{
		Node	   *key = lfirst(lc);
		Oid			relid;
		const ColumnDomain *domain = expression_domain(query, key, &relid);

		result = lappend(result, domain_array(relid, domain, exprType(key), exprCollation(key)));
	}
	return result;
}

/* Does anything but keys, constants and parameters occur in the expression? */
static bool
not_about_keys_walker(Node *node, List *keys)
{
	if (node == NULL || list_member(keys, node))
		return false;
	if (IsA(node, Var) || IsA(node, SubLink) || IsA(node, Query) || IsA(node, Aggref))
		return true;
	return expression_tree_walker(node, not_about_keys_walker, keys);
}

/*
 * Leaves rows with other keys than those of the domains out of the release, and
 * notes in the builder what has to be listed above it.
 */
void
restrict_to_domains(ReleaseBuilder *builder)
{
	Query	   *query = builder->level->query;
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	ListCell   *lc;
	ListCell   *lk;
	ListCell   *lg;

	if (builder->calendar != NULL)
		return;
	builder->domains = key_domains(builder);
	if (builder->domains == NIL)
		return;
	foreach(lc, quals)
	{
		if (!not_about_keys_walker(lfirst(lc), builder->keys))
			builder->key_quals = lappend(builder->key_quals, copyObject(lfirst(lc)));
	}
	forthree(lk, builder->keys, lc, builder->domains, lg, builder->key_clauses)
	{
		ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);

		any->opno = lfirst_node(SortGroupClause, lg)->eqop;
		any->opfuncid = get_opcode(any->opno);
		any->useOr = true;
		any->inputcollid = exprCollation(lfirst(lk));
		any->args = list_make2(copyObject(lfirst(lk)), copyObject(lfirst(lc)));
		any->location = -1;
		quals = lappend(quals, any);
	}
	query->jointree->quals = (Node *) make_ands_explicit(quals);
}

/* FROM item: unnest(array) AS key. */
static RangeTblEntry *
unnest_domain(Const *array, const char *name)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);
	FuncExpr   *unnest;

	unnest = makeFuncExpr(F_UNNEST_ANYARRAY,
						  get_element_type(array->consttype), list_make1(array),
						  array->constcollid, InvalidOid, COERCE_EXPLICIT_CALL);
	unnest->funcretset = true;
	function->funcexpr = (Node *) unnest;
	function->funccolcount = 1;
	rte->rtekind = RTE_FUNCTION;
	rte->functions = list_make1(function);
	rte->eref = makeAlias(name, list_make1(makeString(pstrdup(name))));
	rte->inFromCl = true;
	return rte;
}

/* A key column of the release (varno 1) becomes that of its list (varno 2 and on). */
static void
use_listed(Var *column, void *nkeys)
{
	if (column->varno == 1 && column->varattno >= 1 && column->varattno <= *(int *) nkeys)
	{
		column->varno = column->varnosyn = column->varattno + 1;
		column->varattno = column->varattnosyn = 1;
	}
}

typedef struct KeyContext
{
	List	   *keys;
	List	   *columns;
} KeyContext;

/* Replaces keys by the columns of their lists. */
static Node *
keys_to_columns_mutator(Node *node, KeyContext *context)
{
	ListCell   *lk;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	forboth(lk, context->keys, lc, context->columns)
	{
		if (equal(node, lfirst(lk)))
			return copyObject(lfirst(lc));
	}
	return expression_tree_mutator(node, keys_to_columns_mutator, context);
}

/* All combinations of the items. */
static Node *
cross_join(Query *query, List *from)
{
	Node	   *result = linitial(from);
	ListCell   *lc;

	for_each_from(lc, from, 1)
	{
		JoinExpr   *join = makeNode(JoinExpr);

		join->jointype = JOIN_INNER;
		join->larg = result;
		join->rarg = lfirst(lc);
		join->rtindex = add_join(query, JOIN_INNER);
		result = (Node *) join;
	}
	return result;
}

/*
 * Puts the lists of keys beside the release in Q', whose FROM holds nothing but
 * the release (range table index 1).
 */
void
list_domains(ReleaseBuilder *builder, Query *query)
{
	int			nkeys = list_length(builder->keys);
	KeyContext	keys = {.keys = builder->keys};
	List	   *from = NIL;
	List	   *on = NIL;
	List	   *where;
	JoinExpr   *join;
	ListCell   *ld;
	ListCell   *lk;
	ListCell   *lg;

	if (builder->domains == NIL)
		return;
	walk_columns((Node *) query->targetList, 0, use_listed, &nkeys);
	walk_columns(query->jointree->quals, 0, use_listed, &nkeys);
	forthree(ld, builder->domains, lk, builder->keys, lg, builder->key_clauses)
	{
		RangeTblRef *ref = makeNode(RangeTblRef);
		Node	   *key = lfirst(lk);
		Var		   *column;
		Var		   *released;

		query->rtable = lappend(query->rtable, unnest_domain(lfirst(ld), "key"));
		ref->rtindex = list_length(query->rtable);
		column = makeVar(ref->rtindex, 1, exprType(key), -1, exprCollation(key), 0);
		released = makeVar(1, ref->rtindex - 1, exprType(key), exprTypmod(key),
						   exprCollation(key), 0);
		keys.columns = lappend(keys.columns, column);
		from = lappend(from, ref);
		on = lappend(on, make_opclause(lfirst_node(SortGroupClause, lg)->eqop, BOOLOID, false,
									   (Expr *) column, (Expr *) released, InvalidOid,
									   exprCollation(key)));
	}
	where = (List *) keys_to_columns_mutator((Node *) builder->key_quals, &keys);

	/* (list, list, ...) LEFT JOIN release ON keys are equal */
	join = makeNode(JoinExpr);
	join->jointype = JOIN_LEFT;
	join->larg = list_length(from) == 1 ? linitial(from) : cross_join(query, from);
	join->rarg = linitial(query->jointree->fromlist);
	join->quals = (Node *) make_ands_explicit(on);
	join->rtindex = add_join(query, JOIN_LEFT);
	query->jointree->fromlist = list_make1(join);
	where = list_concat(where, make_ands_implicit((Expr *) query->jointree->quals));
	query->jointree->quals = where == NIL ? NULL : (Node *) make_ands_explicit(where);
}
