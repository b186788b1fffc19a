/*
 * row_security.c
 *		Conditions of row security policies, which PostgreSQL has put into the query.
 *
 * They decide which rows count, as the query's own conditions do, so they are held to the same
 * language.  Where one is refused the message names its policy: the client has not written it.
 */
#include "postgres.h"

#include "access/table.h"
#include "nodes/nodeFuncs.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "core/errors.h"
#include "core/names.h"
#include "query/level.h"
#include "query/row_security.h"

/* Is the condition that of the policy, as it stands in the query for an entry of FROM? */
static bool
is_condition_of(RowSecurityPolicy *policy, int rtindex, Node *condition)
{
	Node	   *own = copyObject((Node *) policy->qual);

	ChangeVarNodes(own, 1, rtindex, 0);
	return equal(own, condition);
}

/*
 * The name of the policy that the condition is of, quoted.  Conditions with sub-selects are
 * rewritten before we see them, so all policies that have such may be meant.  NULL if there is none.
 */
static char *
policies_of(Relation relation, int rtindex, Node *condition)
{
	char	   *names = NULL;
	ListCell   *lc;

	if (relation->rd_rsdesc == NULL)
		return NULL;
	foreach(lc, relation->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(lc);

		if (policy->qual == NULL)
			continue;
		if (is_condition_of(policy, rtindex, condition))
			return psprintf("\"%s\"", policy->policy_name);
		if (policy->hassublinks)
			names = names == NULL ? psprintf("\"%s\"", policy->policy_name) :
				psprintf("%s or \"%s\"", names, policy->policy_name);
	}
	return names;
}

/*
 * In PG_CATCH(): raises the error again, a refusal (ERRCODE_DP_QUERY_REFUSED) with the name of the
 * policy and without a place, which would be one in the client's text.
 */
static void
tell_policy(MemoryContext context, Oid relid, int rtindex, Node *condition)
{
	ErrorData  *error;
	Relation	relation;
	char	   *names;

	if (geterrcode() != ERRCODE_DP_QUERY_REFUSED)
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	relation = table_open(relid, NoLock);	/* the parser has locked it */
	names = policies_of(relation, rtindex, condition);
	if (names == NULL)
		names = pstrdup("not known");
	table_close(relation, NoLock);
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("row security of %s stands in the way (policy %s): %s",
					relation_for_message(relid), names, error->message),
			 errhint("Policies are held to what may stand below a release (view dp_agg.language); ask the administrator to write it with columns, constants, current_user or current_setting().")));
}

/* A guarded copy of one condition, or of one of those that permissive policies offer. */
static Node *
guard_condition(RewriteContext *context, Level *level, int rtindex, Node *condition,
				GuardExpression guard)
{
	MemoryContext memory = CurrentMemoryContext;
	Node	   *volatile result = NULL;

	PG_TRY();
	{
		result = guard(context, level, condition);
	}
	PG_CATCH();
	{
		tell_policy(memory, rt_fetch(rtindex, level->query->rtable)->relid, rtindex, condition);
	}
	PG_END_TRY();
	return result;
}

/* Is the condition as a whole that of one policy? */
static bool
is_of_one_policy(Oid relid, int rtindex, Node *condition)
{
	Relation	relation = table_open(relid, NoLock);
	bool		result = false;
	ListCell   *lc;

	if (relation->rd_rsdesc != NULL)
	{
		foreach(lc, relation->rd_rsdesc->policies)
			result = result || is_condition_of(lfirst(lc), rtindex, condition);
	}
	table_close(relation, NoLock);
	return result;
}

/*
 * Guards the conditions of policies on an entry of the level's FROM, in place.  Permissive policies
 * stand in one condition, with OR between them.  guard: guard_expression() of language.h, which
 * leads here by way of sub-selects.  Raises ERRCODE_DP_QUERY_REFUSED.
 */
void
guard_policies(RewriteContext *context, Level *level, int rtindex, GuardExpression guard)
{
	RangeTblEntry *rte = rt_fetch(rtindex, level->query->rtable);
	ListCell   *lc;
	ListCell   *lo;

	foreach(lc, rte->securityQuals)
	{
		Node	   *condition = lfirst(lc);
		List	   *guarded = NIL;

		if (!is_orclause(condition) || is_of_one_policy(rte->relid, rtindex, condition))
		{
			lfirst(lc) = guard_condition(context, level, rtindex, condition, guard);
			continue;
		}
		foreach(lo, ((BoolExpr *) condition)->args)
			guarded = lappend(guarded, guard_condition(context, level, rtindex, lfirst(lo),
													   guard));
		lfirst(lc) = makeBoolExpr(OR_EXPR, guarded, -1);
	}
}
