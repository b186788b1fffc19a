/*
 * planner.c
 *		planner_hook: whose data is this, and may this role ask at all?
 *
 * A statement that names no protected relation passes untouched.  Otherwise
 * the role decides: one with SELECT on the table sees rows as before and gets
 * releases where it writes dp_ aggregates; one with an account on the
 * population (an "analyst") gets releases and nothing else; anybody else gets
 * PostgreSQL's own "permission denied", and gets it here, because planning
 * alone would already use the table's statistics.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "hooks/hooks.h"
#include "hooks/planner.h"
#include "ledger/account.h"
#include "ledger/answers.h"
#include "planner/awaiting.h"
#include "nodes/shards/node.h"
#include "planner/jit.h"
#include "planner/spread.h"
#include "planner/steady.h"
#include "policy/cache.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/links.h"
#include "policy/policy.h"
#include "policy/powerless.h"
#include "policy/travel_types.h"
#include "query/level.h"
#include "query/piece.h"
#include "query/planning.h"
#include "query/questions.h"
#include "query/shards.h"
#include "query/shards_outside.h"
#include "query/statement.h"
#include "session/explain.h"
#include "session/quiet.h"

static planner_hook_type prev_planner = NULL;

/* ----------
 * Inlining of SQL functions in FROM
 * ----------
 */

/*
 * Inlines functions in FROM.  The planner would do it later, after we have looked at the
 * query; but a function that is inlined can bring relations into it.
 */
static bool
inline_functions_walker(Node *node, PlannerInfo *root)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;
		RangeTblFunction *function;
		Query	   *inlined;

		if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
			return false;
		function = linitial(rte->functions);
		if (!IsA(function->funcexpr, FuncExpr) ||
			((FuncExpr *) function->funcexpr)->funcid < FirstNormalObjectId)
			return false;
		rte->functions = (List *) eval_const_expressions(root, (Node *) rte->functions);
		inlined = DP_INLINE_IN_FROM(root, rte);
		if (inlined != NULL)
		{
			rte->rtekind = RTE_SUBQUERY;
			rte->subquery = inlined;
			rte->security_barrier = false;
			rte->functions = NIL;
			return inline_functions_walker((Node *) inlined, root);
		}
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, inline_functions_walker, root,
								 QTW_EXAMINE_RTES_AFTER);
	return expression_tree_walker(node, inline_functions_walker, root);
}

/* Is there a function in FROM, at any depth? */
static bool
has_function_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_FUNCTION;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_function_walker, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, has_function_walker, context);
}

/* A PlannerInfo for what we do before the planner makes its own. */
static PlannerInfo *
scratch_root(Query *query, ParamListInfo params)
{
	PlannerInfo *root = makeNode(PlannerInfo);

	root->parse = query;
	root->glob = makeNode(PlannerGlobal);
	root->glob->boundParams = params;
	root->query_level = 1;
	root->planner_cxt = CurrentMemoryContext;
	return root;
}

/* ----------
 * Who asks
 * ----------
 */

/* Who asks, and about what. */
typedef struct AskContext
{
	Oid			user;
	Query	   *query;			/* whose range table is looked at */
	bool		concerned;		/* the statement names a protected relation */
	bool		analyst;		/* the user may only see releases of such a relation */
	bool		parents;		/* parents that links lead to are asked about, too: releases
								 * may read them where it does not name them */
	List	   *populations;	/* of Name: of all such relations, each once */
} AskContext;

/* Notes the population of a protected relation. */
static void
note_population(AskContext *context, const NameData *population)
{
	Name		copy;
	ListCell   *lc;

	foreach(lc, context->populations)
	{
		if (strcmp(NameStr(*(Name) lfirst(lc)), NameStr(*population)) == 0)
			return;
	}
	copy = palloc(NAMEDATALEN);
	namestrcpy(copy, NameStr(*population));
	context->populations = lappend(context->populations, copy);
}

/* Do all accounts that pay for releases of these populations add up rho? */
static bool
ask_concentrated(const AskContext *context)
{
	ListCell   *lc;

	foreach(lc, context->populations)
	{
		if (!ledger_is_concentrated(lfirst(lc)))
			return false;
	}
	return true;
}

/* Are answers about any of these populations handed out again? */
static bool
ask_reuse(const AskContext *context)
{
	ReuseWindow window;
	ListCell   *lc;

	foreach(lc, context->populations)
	{
		if (ledger_reuse_window(lfirst(lc), NULL, &window))
			return true;
	}
	return false;
}

/*
 * Decides whether the user may ask about a protected relation, by an entry of FROM that is it or a
 * relation that is linked to it; may raise "permission denied", or on a worker of Citus DP002.
 */
static void
judge_relation(AskContext *context, RangeTblEntry *rte, const ProtectedRelation *rel)
{
	DpPermissions *permissions = DP_QUERY_PERMISSIONS(context->query, rte);
	Oid			relid = rel->relid;

	context->concerned = true;
	note_population(context, &rel->population);
	if (pg_class_aclcheck(relid, context->user, ACL_SELECT) == ACLCHECK_OK)
		return;
	if (ledger_role_has_account(&rel->population))
	{
		context->analyst = true;
		return;
	}

	/* what PostgreSQL allows: to a definer view's owner, by column privileges, plain INSERT */
	if ((permissions->requiredPerms & ACL_SELECT) == 0)
		return;
	if (OidIsValid(permissions->checkAsUser) && permissions->checkAsUser != context->user &&
		pg_class_aclcheck(relid, permissions->checkAsUser, ACL_SELECT) == ACLCHECK_OK)
		return;
	if (pg_attribute_aclcheck_all(relid, context->user, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK)
		return;
	/* who is an analyst is known to the coordinator alone */
	if (citus_is_worker())
		refuse(REFUSE_WORKER, NULL, -1);
	aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

/* The same about a relation and, if they are asked about, the parents that its links lead to. */
static void
judge_family(AskContext *context, RangeTblEntry *rte)
{
	const ProtectedRelation *rel = policy_lookup(rte->relid);

	for (int step = 0; rel != NULL && step <= DP_MAX_LINK_STEPS; step++)
	{
		judge_relation(context, rte, rel);
		rel = context->parents ? policy_lookup(policy_parent(rel)) : NULL;
	}
}

/* Decides for all relations of a statement, at any depth. */
static bool
ask_walker(Node *node, AskContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (((RangeTblEntry *) node)->rtekind == RTE_RELATION)
			judge_family(context, (RangeTblEntry *) node);
		return false;
	}
	if (IsA(node, Query))
	{
		Query	   *outer = context->query;

		context->query = (Query *) node;
		(void) query_tree_walker((Query *) node, ask_walker, context, QTW_EXAMINE_RTES_BEFORE);
		context->query = outer;
		return false;
	}
	return expression_tree_walker(node, ask_walker, context);
}

/*
 * Who asks about what in a statement.  Where it has dp_ functions, releases are made of rows that the user may read, which
 * may belong to individuals of a parent that it may not.  Raises "permission denied" as the planner would.
 */
static AskContext
ask_about(Query *query)
{
	AskContext	ask = {.user = GetUserId()};

	(void) ask_walker((Node *) query, &ask);
	if (ask.concerned && statement_uses_dp(query))
	{
		ask.parents = true;
		(void) ask_walker((Node *) query, &ask);
	}
	return ask;
}

/* Does a statement ask about protected relations that the user may only see releases of?  Raises as ask_about(). */
static bool
asks_plainly(Query *query)
{
	AskContext	ask = ask_about(query);

	return ask.concerned && ask.analyst;
}

/*
 * planner_asks_as_analyst
 *		The same of a rewritten query that is not planned yet, with the relations that functions in FROM
 *		bring into it.
 *
 * The query is not changed.
 */
bool
planner_asks_as_analyst(Query *query, ParamListInfo params)
{
	if (asks_plainly(query))
		return true;
	if (!has_function_walker((Node *) query, NULL))
		return false;
	query = copyObject(query);
	(void) inline_functions_walker((Node *) query, scratch_root(query, params));
	return asks_plainly(query);
}

/* ----------
 * The hook
 * ----------
 */

/* The planner without us. */
static PlannedStmt *
plan(DP_PLANNER_ARGS(parse, query_string, cursor_options, params))
{
	if (prev_planner)
		return prev_planner(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
	return standard_planner(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
}

/*
 * Plans a statement that was rewritten.  If it has releases, what the planner chooses and
 * what the plan does are the same whatever the rows are: see statistics.c, steady.c and
 * jit.c in planner/.
 */
static PlannedStmt *
plan_rewritten(DP_PLANNER_ARGS(parse, query_string, cursor_options, params))
{
	PlannedStmt *result = plan(DP_PLANNER_PASS(parse, query_string, cursor_options, params));

	if (!planning_releases())
		return result;
	decide_jit(result);
	steady_plan(result);
	name_spread_relations(result, planning_pieces());
	return result;
}

/*
 * Plans a statement that names protected relations, rewritten where the user is an analyst
 * or it has dp_ functions.  estimated: nothing of the plan will be shown (session/explain.c).
 */
static PlannedStmt *
plan_concerned(DP_PLANNER_ARGS(parse, query_string, cursor_options, params),
			   AskContext *ask, PlannerInfo *root, bool estimated)
{
	PlannedStmt *result = NULL;
	Oid			accounts = ledger_accounts();
	Planning	outer;
	QuietState	quiet;
	bool		awaited = false;

	planning_begin(&outer, ask->analyst);
	PG_TRY();
	{
		if (ask->analyst)
			quiet_begin(&quiet);
		if (ask->analyst || statement_uses_dp(parse))
		{
			RewriteContext context = {.root = root,.user = ask->user,
				.source = query_string,.analyst = ask->analyst,
				.concentrated = ask_concentrated(ask),.reuse = ask_reuse(ask)};

			extension_check_version();
			if (citus_is_worker())
				refuse(REFUSE_WORKER, query_string, -1);
			process_statement(&context, parse);
			if (planning_releases() && citus_present())
				read_spread_outside(parse);
			awaited = context.awaits_values;
		}
		result = plan_rewritten(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
		if (awaited)
			mark_awaiting(result);
		if (ask->analyst)
			quiet_end(&quiet);
	}
	PG_FINALLY();
	{
		planning_end(&outer);
	}
	PG_END_TRY();

	/* code of the client's may have run at plan time, and the plan be printed */
	if (ask->analyst)
		refuse_unsafe_session(estimated);

	/*
	 * what was decided here holds for this role, and until its accounts change their
	 * accountant, or answers are handed out again, or not
	 */
	result->dependsOnRole = true;
	if (OidIsValid(accounts))
		result->relationOids = lappend_oid(result->relationOids, accounts);
	if (OidIsValid(ledger_reuse_table()))
		result->relationOids = lappend_oid(result->relationOids, ledger_reuse_table());
	return result;
}

/* Plans for whoever runs pieces, and not by its right. */
static PlannedStmt *
plan_powerless(DP_PLANNER_ARGS(parse, query_string, cursor_options, params))
{
	PlannedStmt *result = NULL;
	Powerless	outer;

	powerless_begin(&outer);
	PG_TRY();
	{
		result = plan(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
	}
	PG_FINALLY();
	{
		powerless_end(&outer);
	}
	PG_END_TRY();
	return result;
}

/* Plans the piece of a release that this machine computes. */
static PlannedStmt *
plan_piece(DP_PLANNER_ARGS(parse, query_string, cursor_options, params))
{
	PlannedStmt *result = NULL;
	Planning	outer;

	planning_begin(&outer, false);
	PG_TRY();
	{
		open_piece(parse);
		result = plan_powerless(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
		result->queryId = 0;	/* nobody counts its rows, which are groups */
	}
	PG_FINALLY();
	{
		planning_end(&outer);
	}
	PG_END_TRY();
	return result;
}

/*
 * Plans the query of all pieces: no release is being planned meanwhile.  What Citus has planned once more on the
 * way it would compute first, and not as a piece.
 */
static PlannedStmt *
plan_pieces(DP_PLANNER_ARGS(parse, query_string, cursor_options, params))
{
	static int	depth = 0;
	PlannedStmt *result = NULL;
	Planning	outer;

	if (depth > 0)
	{
		check_computed_first(parse);
		check_travelling(parse);
	}
	if (depth > 0 && contain_mutable_functions((Node *) parse))
		refuse_with_reason(REFUSE_SHARDS_PLAN,
						   "Citus would compute a part of it first, by itself, where settings of this session do not count.");
	planning_begin(&outer, false);
	depth++;
	PG_TRY();
	{
		result = plan_powerless(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
	}
	PG_FINALLY();
	{
		depth--;
		planning_end(&outer);
	}
	PG_END_TRY();
	return result;
}

/* planner_hook */
static PlannedStmt *
guard_planner(DP_PLANNER_ARGS(parse, query_string, cursor_options, params))
{
	bool		estimated = explain_is_estimate(parse);
	AskContext	ask;
	PlannerInfo *root = scratch_root(parse, params);
	PlannedStmt *result;

	if (query_is_piece(parse) && (!pieces_are_planned() || !reads_spread(parse)))
		return plan_piece(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
	if (pieces_are_run())
	{
		result = plan_powerless(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
		result->queryId = 0;
		return result;
	}
	if (pieces_are_planned())
		return plan_pieces(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
	if (has_function_walker((Node *) parse, NULL))
	{
		(void) inline_functions_walker((Node *) parse, root);
	}
	ask = ask_about(parse);
	if (ask.concerned && ask.analyst)
		refuse_unsafe_session(estimated);
	if (ask.concerned)
		result = plan_concerned(DP_PLANNER_PASS(parse, query_string, cursor_options, params),
								&ask, root, estimated);
	else
		result = plan(DP_PLANNER_PASS(parse, query_string, cursor_options, params));
	result->invalItems = list_concat(result->invalItems, root->glob->invalItems);
	result->relationOids = list_concat(result->relationOids, root->glob->relationOids);
	return result;
}

/* Installs the hook; called once from _PG_init. */
void
planner_hook_init(void)
{
	prev_planner = planner_hook;
	planner_hook = guard_planner;
}
