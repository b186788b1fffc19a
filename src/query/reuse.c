/*
 * reuse.c
 *		By what a release is known when it is asked for again.
 *
 * A release is described in three parts: the rows it reads, with the declarations about their
 * relations; its keys; and its outputs, each for itself, so that a release with fewer outputs is known
 * as a part of another one.  Each is a digest of its normal form (normal.c) and what that takes by value,
 * which is known when the plan runs.  Only what is asked counts, not how it is computed: not the coordinates
 * and shares of the vector, nor the accounts that pay.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/fmgroids.h"

#include "core/compat.h"
#include "core/digest.h"
#include "policy/label.h"
#include "query/aggregates.h"
#include "query/builder.h"
#include "query/flatten.h"
#include "query/normal.h"
#include "query/reuse.h"
#include "spec/needs.h"
#include "spec/spec.h"

/* Keeps the rows that the level asks about as they are now: guards and bounds come after. */
void
note_rows(ReleaseBuilder *builder)
{
	const Query *query = builder->level->query;
	Query	   *rows;

	if (!builder->context->reuse)
		return;
	rows = makeNode(Query);
	rows->commandType = CMD_SELECT;
	rows->rtable = copyObject(query->rtable);
	/* from PostgreSQL 18 on, GROUP BY has an item there, which nothing names any more */
	if (rows->rtable != NIL && DP_IS_GROUP_RTE((RangeTblEntry *) llast(rows->rtable)))
		rows->rtable = list_truncate(rows->rtable, list_length(rows->rtable) - 1);
	rows->jointree = copyObject(query->jointree);
	rows->cteList = copyObject(query->cteList);
	builder->rows = rows;
}

/* A constant of "length" bytes. */
static Const *
bytes_const(const void *bytes, int length)
{
	return makeConst(BYTEAOID, -1, InvalidOid, -1,
					 PointerGetDatum(cstring_to_text_with_len(bytes, length)), false, false);
}

/* The SHA-256 of a text, as a constant. */
static Const *
digest_const(const char *text)
{
	uint8		digest[SHA256_SIZE];

	sha256_of(text, strlen(text), digest);
	return bytes_const(digest, sizeof(digest));
}

/* A part: the digest of its text, and what it takes by value since "values" were there. */
static List *
part(NormalContext *context, const char *text, int values)
{
	return lcons(digest_const(text), list_copy_tail(context->values, values));
}

/* Appends what is declared about relations. */
static void
append_declared(StringInfo text, List *relids)
{
	ListCell   *lc;

	list_sort(relids, list_oid_cmp);
	foreach(lc, relids)
	{
		appendStringInfo(text, "\n%u", lfirst_oid(lc));
		label_append_all(text, lfirst_oid(lc));
	}
}

/* The rows, with what is declared about the relations that any part reads. */
static List *
rows_part(NormalContext *context, Query *from)
{
	int			values = list_length(context->values);
	char	   *rows = normal_text(context, (Node *) from);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, rows);
	append_declared(&text, context->protected);
	append_declared(&text, context->publics);
	return part(context, text.data, values);
}

/* ----------
 * Conditions on keys alone
 * ----------
 */

/* The keys, while a condition on them is rewritten. */
typedef struct KeyCondition
{
	List	   *keys;
	bool		more;			/* it is about more than keys, or may fail */
} KeyCondition;

/*
 * Puts columns of the released rows in the place of keys, and notes whether anything else is there than
 * comparisons with what reads no row.  Equal keys compare alike, so whichever stands for a group will do.
 */
static Node *
key_condition_mutator(Node *node, KeyCondition *condition)
{
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	foreach(lc, condition->keys)
	{
		if (!IsA(lfirst(lc), Const) && equal(node, lfirst(lc)))
			return (Node *) makeVar(1, foreach_current_index(lc) + 1, exprType(node), exprTypmod(node),
									exprCollation(node), 0);
	}
	if (normal_is_value(node))
		return copyObject(node);
	switch (nodeTag(node))
	{
		case T_List:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_RelabelType:
			break;
		case T_OpExpr:
			condition->more |= DP_ORDER_INTERPRETATION(((OpExpr *) node)->opno) == NIL;
			break;
		case T_ScalarArrayOpExpr:
			condition->more |= DP_ORDER_INTERPRETATION(((ScalarArrayOpExpr *) node)->opno) == NIL;
			break;
		default:
			condition->more = true;
			return node;
	}
	return expression_tree_mutator(node, key_condition_mutator, (void *) condition);
}

/*
 * Takes the conditions on keys alone out of WHERE: what they keep is known of released rows, so a release
 * without them answers one with them.  Returns them as they read the released rows.
 */
static List *
take_key_conditions(Query *from, List *keys)
{
	List	   *taken = NIL;
	List	   *rest = NIL;
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) from->jointree->quals))
	{
		KeyCondition condition = {.keys = keys};
		Node	   *rewritten = key_condition_mutator(lfirst(lc), &condition);

		if (condition.more || normal_is_value(lfirst(lc)))
			rest = lappend(rest, lfirst(lc));
		else
			taken = lappend(taken, rewritten);
	}
	from->jointree->quals = rest != NIL ? (Node *) make_ands_explicit(rest) : NULL;
	return taken;
}

/* ----------
 * The parts
 * ----------
 */

/* A group key. */
static List *
key_part(NormalContext *context, Node *key)
{
	int			values = list_length(context->values);

	return part(context, normal_text(context, key), values);
}

/*
 * An output.  dp_count() and count() are one: which aggregate it is, its kind says, which is
 * the same for both.
 */
static List *
output_part(NormalContext *context, ReleaseBuilder *builder, Aggref *aggref, const SpecOutput *output)
{
	int			values = list_length(context->values);
	StringInfoData text;

	aggref = copyObject(aggref);
	initStringInfo(&text);
	appendStringInfo(&text, "%d %d %u ", aggregate_function(aggref), output->end, output->type);
	appendStringInfo(&text, "%d ", output->kind);
	aggref->aggfnoid = F_COUNT_;	/* the same for all */
	aggref->aggargtypes = NIL;
	aggref->aggtype = InvalidOid;
	aggref->aggtranstype = InvalidOid;
	appendStringInfoString(&text, normal_text(context, (Node *) aggref));
	if (output->level > 0)
		appendStringInfoString(&text, normal_text(context, list_nth(builder->params, output->level)));
	return part(context, text.data, values);
}

/* The identities of other releases that the parts read. */
static List *
identities(NormalContext *context)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, context->releases)
	{
		const ReleaseSpec *spec = lfirst(lc);

		result = lappend(result, bytes_const(spec->id, sizeof(spec->id)));
	}
	return result;
}

/* Is the risk tier of rows among the outputs?  It depends on what the account has spent. */
static bool
has_tier(const ReleaseSpec *spec)
{
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (spec->outputs[i].kind == SPEC_OUT_TIER)
			return true;
	}
	return false;
}

/* The queries around the level, the innermost first. */
static List *
queries_around(const Level *level)
{
	List	   *result = NIL;

	for (level = level->parent; level != NULL; level = level->parent)
		result = lappend(result, level->query);
	return result;
}

/*
 * The description of a release for its reuse, a list by ReuseItem; NIL if it cannot be used again.
 * note_rows() was called when its building began, and all outputs are known.
 */
List *
describe_reuse(ReleaseBuilder *builder)
{
	NormalContext context = {0};
	List	   *around = queries_around(builder->level);
	int			nkeys = list_length(builder->keys);
	int			reads;
	List	   *exprs = list_concat_copy(builder->keys, builder->aggregates);
	List	   *keys = NIL;
	List	   *outputs = NIL;
	List	   *rows;
	List	   *whole = NIL;
	List	   *key_quals;
	Query	   *from;

	if (builder->rows == NULL || has_tier(&builder->spec))
		return NIL;
	from = flatten_projections(builder->rows, &exprs);
	context.queries = lcons(from, around);
	for (int i = 0; i < nkeys; i++)
		keys = lappend(keys, key_part(&context, list_nth(exprs, i)));
	for (int i = 0; i < builder->spec.noutputs; i++)
		outputs = lappend(outputs, output_part(&context, builder, list_nth(exprs, nkeys + i),
											   &builder->spec.outputs[i]));
	context.queries = around;
	rows = rows_part(&context, from);
	reads = list_length(context.releases);
	key_quals = take_key_conditions(from, list_copy_head(exprs, nkeys));
	if (key_quals != NIL)
		whole = rows_part(&context, from);
	if (context.lost)
		return NIL;
	context.releases = list_truncate(context.releases, reads);	/* the same ones once more */
	return list_concat(list_make5(rows, keys, outputs, identities(&context), context.publics),
					   list_make3(makeBoolConst(context.session, false), whole, key_quals));
}
